package loop

// slab holds the connections by descriptor: the kernel gives out the smallest
// free number, so a slice is the map. Each connection has a generation of its
// own, by which a late message for one that had the same descriptor before is
// known.
type slab struct {
	byFD []*conn
	free *conn  // linked by next
	gen  uint32 // of the last one that was added, within genMask
	open int
}

// genMask is what of a generation fits into a tag. A billion connections pass
// before one has the generation of another.
const genMask = 1<<30 - 1

func (s *slab) add(fd int) *conn {
	if s.free == nil {
		fresh := make([]conn, connChunk)
		for i := range fresh {
			fresh[i].next, s.free = s.free, &fresh[i]
		}
	}
	c := s.free
	s.free, c.next = c.next, nil
	for fd >= len(s.byFD) {
		s.byFD = append(s.byFD, make([]*conn, max(connChunk, len(s.byFD)))...)
	}
	s.gen = (s.gen + 1) & genMask
	c.fd, c.gen = int32(fd), s.gen
	s.byFD[fd] = c
	s.open++
	return c
}

func (s *slab) remove(c *conn) {
	s.byFD[c.fd] = nil
	s.open--
	*c = conn{next: s.free}
	s.free = c
}

// find gives the connection of a descriptor, nil if it is gone.
func (s *slab) find(fd int, gen uint32) *conn {
	if fd < len(s.byFD) {
		if c := s.byFD[fd]; c != nil && c.gen == gen {
			return c
		}
	}
	return nil
}

// each visits every connection. f may condemn it: only reap takes one out.
func (s *slab) each(f func(*conn)) {
	for _, c := range s.byFD {
		if c != nil {
			f(c)
		}
	}
}

// A tag is what epoll says of a descriptor: what kind of thing it is, its
// generation where it is a connection, and its number.
const (
	tagConn = uint64(iota) << 62
	tagSocket
	tagMail
	tagKind = uint64(3) << 62
)

func (c *conn) tag() uint64 { return tagConn | uint64(c.gen)<<32 | uint64(uint32(c.fd)) }

func tagFD(tag uint64) int { return int(uint32(tag)) }

func tagGen(tag uint64) uint32 { return uint32(tag>>32) & genMask }
