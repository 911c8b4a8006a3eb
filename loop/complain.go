package loop

import (
	"context"
	"log/slog"
	"time"

	"monopoll/loop/sys"
)

// complain logs trouble of the kernel's, at most once in complainOften for each kind.
func (l *Loop) complain(what string, errno sys.Errno) {
	if l.due(what, complainOften) {
		l.log.LogAttrs(context.Background(), slog.LevelWarn, "the kernel refused a call", slog.String("call", what), slog.String("error", errno.Error()))
	}
}

// due says whether to tell now of something, of which nothing is told twice within a time.
func (l *Loop) due(what string, once time.Duration) bool {
	if last, ok := l.complained[what]; ok && l.now-last < int64(once) {
		return false
	}
	l.complained[what] = l.now
	return true
}

// saidDescriptors tells that there are no descriptors for more clients.
func (l *Loop) saidDescriptors() {
	if l.due("descriptors", complainSeldom) {
		l.log.Warn("no file descriptor is left for another client: idle ones have to go, and where none is, new ones are refused",
			"open", l.conns.open, "remedy", "raise the limit (ulimit -n, or LimitNOFILE= in the systemd unit) or lower limits.connections")
	}
}

// shortOfPlaces tells that limits.connections is reached.
func (l *Loop) shortOfPlaces() {
	if l.due("limits.connections", complainSeldom) {
		l.log.Warn("as many clients are connected as limits.connections allows: idle ones have to go, and where none is, new ones are refused",
			"limit", l.table.Config.Limits.Connections,
			"remedy", "raise limits.connections, and the limit on descriptors with it (ulimit -n, or LimitNOFILE= in the systemd unit), or lower timeouts.idle")
	}
}

// manyOfOne tells that an address has all the connections it may have.
func (l *Loop) manyOfOne(p *sys.Peer) {
	if l.due("limits.per_address", complainSeldom) {
		l.log.Warn("an address has as many connections as limits.per_address allows: further ones of it are refused",
			"address", string(p.AppendText(nil)), "limit", l.addresses.limit,
			"remedy", "raise limits.per_address if many people share the address, as behind a gateway or a proxy")
	}
}
