package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	// maxUnixPath is the length of a unix socket's path in bytes: sun_path has
	// 108 with the NUL that ends it (unix(7)), and the name that a socket is made
	// by, before it takes the place of an older one, is longer by one.
	maxUnixPath = 106
	// maxRange is how many ports one range may have; each is a descriptor.
	maxRange = 1024
	// maxAddresses is how many a config may have, some ten times what a process
	// gets descriptors for by default.
	maxAddresses = 10_000
)

// String gives the key of the socket: two addresses with the same text are the
// same socket, whatever they were written like. ":8080", "127.0.0.1:8080",
// "[::1]:8080", "unix:/run/site.sock".
func (a Address) String() string {
	switch {
	case a.Unix != "":
		return "unix:" + a.Unix
	case strings.Contains(a.Host, ":"):
		return "[" + a.Host + "]:" + strconv.Itoa(a.Port)
	}
	return a.Host + ":" + strconv.Itoa(a.Port)
}

// URL gives what a person can click on to get to the address from the same
// machine; for a unix socket, its own text.
func URL(a Address) string {
	host := a.Host
	switch {
	case a.Unix != "":
		return a.String()
	case host == "" || host == "0.0.0.0":
		host = "localhost"
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	if a.Port == 80 {
		return "http://" + host
	}
	return "http://" + host + ":" + strconv.Itoa(a.Port)
}

// listening is one `listen:` with its text, which names the listener.
type listening struct {
	text      string
	addresses []Address
}

const (
	portPattern   = `([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])`
	octetPattern  = `(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])`
	sixPattern    = `\[[0-9A-Fa-f:.]+\]`
	listenPattern = `^(unix:[^@].*|((\*|localhost|` + octetPattern + `(\.` + octetPattern + `){3}|` + sixPattern + `)?:)?` + portPattern + `(-` + portPattern + `)?)$`
)

var listenValue = value[listening]{
	schema: &schema{AnyOf: []*schema{
		{Type: "integer", Minimum: ptr(int64(1)), Maximum: ptr(int64(65535))},
		{Type: "string", Pattern: listenPattern},
	}},
	read: (*decoder).listen,
}

var listenValues = wordOrList("address", listenValue)

// listenKey joins the addresses of a list.
var listenKey = value[listening]{
	schema: listenValues.schema,
	read: func(d *decoder, at place) (listening, bool) {
		list, ok := listenValues.read(d, at)
		var all listening
		var texts []string
		for _, l := range list {
			texts = append(texts, l.text)
			all.addresses = append(all.addresses, l.addresses...)
		}
		all.text = strings.Join(texts, ", ")
		return all, ok
	},
}

const listenForms = `a port, "127.0.0.1:8080", "[::1]:8080", "unix:run/site.sock" or a range "8000-8003"`

var portRange = regexp.MustCompile(`^([0-9]+)(?:-([0-9]+))?$`)

// listen reads one address, or one range of ports.
func (d *decoder) listen(at place) (listening, bool) {
	if at.node.Kind != yaml.ScalarNode || isNull(at.node) {
		d.want(at, listenForms+", or a list of these")
		return listening{}, false
	}
	text := at.node.Value
	if path, unix := strings.CutPrefix(text, "unix:"); unix {
		if !d.room(at, 1) {
			return listening{}, false
		}
		a, ok := d.unixAddress(at, path)
		return listening{text, []Address{a}}, ok
	}
	if address := bareAddress(text); address != "" {
		d.fail(at, "%q is more than an address; write %q", short(text), address)
		return listening{}, false
	}
	host, ports := "", text
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		ok := false
		if host, ok = d.listenHost(at, text[:i]); !ok {
			return listening{}, false
		}
		ports = text[i+1:]
	}
	from, to, ok := d.ports(at, ports)
	if !ok {
		return listening{}, false
	}
	if !d.room(at, to-from+1) {
		return listening{}, false
	}
	l := listening{text: text}
	for port := from; port <= to; port++ {
		l.addresses = append(l.addresses, Address{Pos: at.pos(), Host: host, Port: port})
	}
	return l, true
}

// bareAddress gives the address in what is a URL, or ends like one; "" where it
// is none of these.
func bareAddress(text string) string {
	scheme, rest, url := strings.Cut(text, "://")
	if !url {
		rest = text
	}
	address, _, path := strings.Cut(rest, "/")
	colon := strings.LastIndexByte(address, ':')
	if colon > strings.IndexByte(address, ']') && portRange.MatchString(address[colon+1:]) && (url || path) {
		return address
	}
	port := map[string]string{"http": ":80", "https": ":443"}[strings.ToLower(scheme)]
	if !url || port == "" || address == "" {
		return ""
	}
	return strings.TrimSuffix(address, ":") + port
}

// room counts addresses and says, once, when there are too many of them.
func (d *decoder) room(at place, n int) bool {
	before := d.addresses
	d.addresses += n
	if before <= maxAddresses && d.addresses > maxAddresses {
		d.fail(at, "the config has more than %d addresses; each takes a descriptor", maxAddresses)
	}
	return d.addresses <= maxAddresses
}

// listenHost reads the part before the port, in its one canonical spelling.
func (d *decoder) listenHost(at place, text string) (string, bool) {
	switch text {
	case "", "*":
		return "", true
	case "localhost":
		// Resolved here and not by the machine, so that the socket's name is
		// the same everywhere; IPv4, since some machines have no IPv6.
		return "127.0.0.1", true
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	ip, err := netip.ParseAddr(bare)
	switch {
	case err != nil && strings.Contains(text, "/"):
		d.fail(at, "%q is not an address; a unix socket is written \"unix:%s\"", short(at.node.Value), short(at.node.Value))
	case err != nil && strings.Contains(text, ":"):
		d.fail(at, "%q is not an IPv6 address and a port; write %s", short(at.node.Value), `"[::1]:8080"`)
	case err != nil:
		d.fail(at, "%q is not an IP address; listen on an address of this machine, or on the port alone, and tell hosts apart in routes: \"%s/\": …", short(text), short(bare))
	case ip.Is6() && (bare == text || len(bare) != len(text)-2):
		d.fail(at, "an IPv6 address stands in brackets: \"[%s]:8080\"", bare)
	case !ip.Is6() && bare != text:
		d.fail(at, "brackets are for IPv6 only; write \"%s:8080\"", bare)
	case ip.Zone() != "":
		d.fail(at, "an address with a zone (%%%s) is not supported; listen on the port alone", ip.Zone())
	case ip.Is6() && ip.IsLinkLocalUnicast():
		d.fail(at, "%s is a link-local address, which needs a zone, and that is not supported; listen on the port alone", ip)
	case ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		d.fail(at, "%s is the broadcast address; nothing can listen there by TCP", ip)
	case ip.IsMulticast():
		d.fail(at, "%s is a multicast address; nothing can listen there by TCP", ip)
	case ip == netip.IPv6Unspecified():
		return "", true // IPv4 too, as Linux has it by default (ipv6(7))
	default:
		return ip.Unmap().String(), true
	}
	return "", false
}

// ports reads "8080" or "8000-8003".
func (d *decoder) ports(at place, text string) (from, to int, ok bool) {
	parts := portRange.FindStringSubmatch(text)
	switch _, err := netip.ParseAddr(text); {
	case parts != nil:
	case err == nil:
		d.fail(at, "%s has no port; write \"%s:8080\"", text, text)
		return 0, 0, false
	case strings.Contains(text, "/"):
		d.fail(at, "%s is no address; a unix socket is written \"unix:%s\"", describe(at.node), short(text))
		return 0, 0, false
	default:
		d.fail(at, "%s is not where one can listen; it must be %s", describe(at.node), listenForms)
		return 0, 0, false
	}
	if from, ok = d.port(at, parts[1]); !ok {
		return 0, 0, false
	}
	if parts[2] == "" {
		return from, from, true
	}
	if to, ok = d.port(at, parts[2]); !ok {
		return 0, 0, false
	}
	switch {
	case to < from:
		d.fail(at, "the range %s runs backwards; did you mean %d-%d?", text, to, from)
	case to-from >= maxRange:
		d.fail(at, "the range %s has %d ports; %d is the most", text, to-from+1, maxRange)
	case from == 0:
		d.fail(at, "a range cannot begin with port 0")
	default:
		return from, to, true
	}
	return 0, 0, false
}

func (d *decoder) port(at place, text string) (int, bool) {
	n, err := strconv.Atoi(text)
	least := 1
	if d.quick {
		least = 0 // the kernel chooses
	}
	if err != nil || n < least || n > 65535 {
		d.fail(at, "port %s is out of range; a port is from 1 to 65535", short(text))
		return 0, false
	}
	if !decimal.MatchString(text) {
		d.fail(at, "port %s begins with a zero; did you mean %d?", short(text), n)
		return 0, false
	}
	return n, true
}

// unixAddress reads the path of a unix socket, which must be free or a socket
// left by an earlier run: nothing else is ever replaced.
func (d *decoder) unixAddress(at place, text string) (Address, bool) {
	if strings.HasPrefix(text, "@") {
		d.fail(at, "abstract sockets are not supported; give a path: \"unix:run/site.sock\"")
		return Address{}, false
	}
	path, ok := d.path(at, text)
	if !ok || !d.socketPath(at, path) {
		return Address{}, false
	}
	return Address{Pos: at.pos(), Unix: path}, true
}

// socketPath checks that a unix socket can be made at path.
func (d *decoder) socketPath(at place, path string) bool {
	if len(path) > maxUnixPath {
		d.fail(at, "the socket's path has %d bytes; %d is the most: %s", len(path), maxUnixPath, path)
		return false
	}
	if info, err := os.Stat(path); err == nil && info.Mode()&os.ModeSocket == 0 {
		d.fail(at, "%s exists and is no socket; move it away, or choose another path", path)
		return false
	}
	return d.folder(at, filepath.Dir(path), "the socket's folder")
}
