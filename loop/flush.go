package loop

import "monopoll/loop/sys"

// progress is how far flush came.
type progress uint8

const (
	sentAll   progress = iota // nothing is left
	sentSome                  // the socket takes no more now, or had its share of this turn
	needsDisk                 // the next bytes are on a disk
	peerGone                  // nothing can be sent any more
)

// flush sends what is in out, and logs the answers that are sent; next is what the
// protocol wants after it.
func (l *Loop) flush(c *conn, out *output, next want) progress {
	p := l.send(c, out, next)
	if len(out.answers) > 0 {
		l.logSent(out)
	}
	return p
}

// send hands what is in out to the kernel, as far as the kernel takes it. Write
// first, arm later: epoll is asked for room only after a socket had none.
//
// The last bytes before a close leave with the FIN, in one segment: they are
// written as if more followed, and the close or shutdown of the same turn sends
// them off. That is one packet less for both sides to walk through, 9 % of a
// request that has a connection of its own.
func (l *Loop) send(c *conn, out *output, next want) progress {
	if len(out.segs) == 0 { // the usual answer: a head and a small body
		bytes := out.own[out.sealed:]
		if len(bytes) == 0 {
			return sentAll
		}
		n, errno := l.write(c, bytes, next.closes())
		if errno == 0 && n == len(bytes) {
			l.count(c, out, n)
			return sentAll
		}
		if errno != 0 && errno != sys.EAGAIN {
			return peerGone
		}
		out.seal()
		out.sent(n)
		l.count(c, out, n)
		return sentSome
	}
	out.seal()
	for out.first < len(out.segs) {
		var p progress
		if out.segs[out.first].file != nil {
			p = l.sendFile(c, out)
		} else {
			p = l.sendMemory(c, out, next)
		}
		if p != sentAll {
			return p
		}
	}
	return sentAll
}

// count notes that n bytes have been sent.
func (l *Loop) count(c *conn, out *output, n int) {
	out.taken += int64(n)
	c.socket.sent += int64(n)
	l.sent += int64(n)
}

// write sends bytes, which the kernel may keep back for a moment when more is
// to follow at once.
func (l *Loop) write(c *conn, bytes []byte, more bool) (int, sys.Errno) {
	if more {
		return l.kernel.WriteMore(int(c.fd), bytes)
	}
	return l.kernel.Write(int(c.fd), bytes)
}

// sendMemory sends the memory segments up to the next file.
func (l *Loop) sendMemory(c *conn, out *output, next want) progress {
	pieces, size := l.pieces[:0], 0
	for _, s := range out.segs[out.first:] {
		if s.file != nil || len(pieces) == sys.MaxPieces {
			break
		}
		pieces = append(pieces, s.data)
		size += len(s.data)
	}
	var n int
	var errno sys.Errno
	if len(pieces) > 1 {
		n, errno = l.kernel.Writev(int(c.fd), pieces)
	} else {
		file := out.first+1 < len(out.segs)
		n, errno = l.write(c, pieces[0], file || next.closes())
	}
	clear(pieces)
	if errno != 0 && errno != sys.EAGAIN {
		return peerGone
	}
	out.sent(n)
	l.count(c, out, n)
	c.moved += int64(n)
	if n < size {
		return sentSome
	}
	return sentAll
}

// sendFile sends a piece of the file that is next. At most one piece a turn, so
// that a fast client does not hold the loop, and only what is in memory, so
// that a slow disk does not.
func (l *Loop) sendFile(c *conn, out *output) progress {
	s := &out.segs[out.first]
	l.pieceTakers++
	if s.at >= s.warm {
		ahead := min(s.left, aheadSize)
		if !s.file.inMemory(l.kernel, s.at, ahead) {
			return needsDisk
		}
		s.warm = s.at + ahead
	}
	n := int(min(s.left, l.piece, s.warm-s.at))
	sent, errno := l.kernel.Sendfile(int(c.fd), s.file.fd, s.at, n)
	if errno == sys.EAGAIN {
		return sentSome
	}
	if errno == 0 && sent == 0 || errno == sys.EIO {
		// The file is shorter than when it was opened, or its disk fails. The
		// length was promised, so the only honest end is a broken connection.
		why := errShorter
		if errno != 0 {
			why = errno
		}
		l.files.broken(l, s.file, why)
		return peerGone
	}
	if errno != 0 {
		return peerGone
	}
	s.at += int64(sent)
	s.left -= int64(sent)
	l.count(c, out, sent)
	c.moved += int64(sent)
	if s.left > 0 {
		return sentSome
	}
	l.files.release(s.file)
	s.file = nil
	out.first++
	return sentAll
}
