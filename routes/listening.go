package routes

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"monopoll/routes/config"
)

// Listening gives the listeners that a connection to a host and a port may
// reach, the likeliest first. host is an IP address, in brackets or not, or a
// name, which is not looked up: localhost and what ends in it are this machine,
// and any other may stand for every address.
func (t *Table) Listening(host string, port int) []*Listener {
	type candidate struct {
		listener *Listener
		reach    reach
	}
	var found []candidate
	for _, l := range t.Listeners {
		best := candidate{l, reachNever}
		for _, a := range l.Addresses {
			if a.Unix == "" && a.Port == port {
				best.reach = min(best.reach, reaches(a, host))
			}
		}
		if best.reach != reachNever {
			found = append(found, best)
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.reach, b.reach) })
	out := make([]*Listener, len(found))
	for i, c := range found {
		out[i] = c.listener
	}
	return out
}

// reach says how surely a connection to a host arrives at an address.
type reach uint8

const (
	reachExact    reach = iota // it is the host's address
	reachAll                   // it is all addresses
	reachPerhaps               // it is the host's address if that name stands for it
	reachLoopback              // the same, for a loopback address, which fewer names stand for
	reachNever
)

func reaches(a config.Address, host string) reach {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	ip, err := netip.ParseAddr(host)
	if a.Host == "" {
		return reachAll
	}
	at, bad := netip.ParseAddr(a.Host)
	if bad != nil {
		return reachNever
	}
	ip, at = ip.Unmap().WithZone(""), at.Unmap().WithZone("")
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	local := name == "localhost" || strings.HasSuffix(name, ".localhost") // RFC 6761 §6.3
	switch {
	case err == nil && at.IsUnspecified() && at.Is4() == ip.Is4():
		return reachAll
	case err == nil && at == ip:
		return reachExact
	case err == nil:
		return reachNever
	case at.IsUnspecified():
		return reachAll
	case local && at.IsLoopback():
		return reachExact
	case local:
		return reachNever
	case at.IsLoopback():
		return reachLoopback
	}
	return reachPerhaps
}
