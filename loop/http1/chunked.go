package http1

// Chunked decodes a chunked body (RFC 9112 §7.1). It can stop and go on at any
// byte. The zero value is at the beginning of a body. It belongs to a
// connection and is small for that reason.
type Chunked struct {
	left       uint64 // bytes of the present chunk's data still to come; its size while that is read
	extensions uint16 // bytes of chunk extensions so far
	trailers   uint16 // bytes of the trailer section so far
	digits     uint8  // digits of the chunk size so far
	last       bool   // the present chunk has size 0
	state      chunkState
}

// chunkState is what the decoder expects next.
type chunkState uint8

const (
	chunkSize       chunkState = iota // a digit of the size, or what ends it
	chunkSpace                        // whitespace after the size, then ';'
	chunkName                         // whitespace, then the name of an extension
	chunkNameMore                     // more of the name, or what ends it
	chunkNameSpace                    // whitespace after the name, then '=' or ';' or CR
	chunkValue                        // whitespace after '=', then a value
	chunkToken                        // more of a value that is a token
	chunkQuoted                       // more of a value that is a quoted-string
	chunkEscape                       // the byte after a backslash in it
	chunkValueSpace                   // whitespace after a value, then ';' or CR
	chunkLF                           // the LF that ends the size line
	chunkData                         // data
	chunkDataCR                       // the CR after the data
	chunkDataLF                       // the LF after the data
	trailerLine                       // a trailer field, or the CR of the empty line
	trailerName                       // more of its name, or the colon
	trailerValue                      // its value, or the CR that ends it
	trailerLF                         // the LF that ends it
	trailerEnd                        // the LF of the empty line
	chunkDone                         // the body has ended
)

// Decode reads on from the beginning of in, up to and including one piece of
// data. It gives the n bytes that it took, and data, the last of them, which
// are content (data aliases in, and may be empty). Call it again with what
// follows until n is all there is, or done says that the body has ended; what
// comes after is the next request.
//
// The caller keeps account of the content; Left tells beforehand how much more
// is announced.
func (d *Chunked) Decode(in []byte) (n int, data []byte, done bool, refused *Refusal) {
	for n < len(in) && d.state != chunkDone {
		if d.state == chunkData {
			data = in[n:]
			if uint64(len(data)) >= d.left {
				data = data[:d.left]
				d.state = chunkDataCR
			}
			d.left -= uint64(len(data))
			return n + len(data), data, false, nil
		}
		c := in[n]
		n++
		if d.state < chunkLF {
			refused = d.sizeLine(c)
		} else {
			refused = d.framing(c)
		}
		if refused != nil {
			return n, nil, false, refused
		}
	}
	return n, nil, d.state == chunkDone, nil
}

// Left gives how many bytes of the present chunk have been announced and have
// not come, so that a body that will be too large is refused before it comes.
func (d *Chunked) Left() uint64 {
	if d.state == chunkSize {
		return 0 // still being read, perhaps not even valid
	}
	return d.left
}

// sizeLine takes a byte of chunk-size and chunk-ext, up to the CR.
func (d *Chunked) sizeLine(c byte) *Refusal {
	if d.state == chunkSize {
		if class[c]&isHex != 0 {
			return d.digit(c)
		}
		if d.digits == 0 {
			return refuseChunkSize
		}
		if c == '\r' {
			return d.sizeEnd()
		}
		if c != ';' && c != ' ' && c != '\t' {
			return refuseChunkSize
		}
		d.state = chunkSpace
	}
	if c == '\r' {
		return d.sizeEnd()
	}
	if d.extensions++; d.extensions > MaxExtensions {
		return refuseExtensionsLong
	}
	next := d.extension(c)
	if next == chunkSize {
		return refuseChunkExtension
	}
	d.state = next
	return nil
}

// digit takes a digit of chunk-size.
func (d *Chunked) digit(c byte) *Refusal {
	if d.digits++; d.digits > MaxSizeDigits {
		return refuseChunkSize
	}
	value := c - '0'
	if c >= 'A' {
		value = c&^0x20 - 'A' + 10
	}
	d.left = d.left<<4 | uint64(value)
	return nil
}

// sizeEnd takes the CR of a size line.
func (d *Chunked) sizeEnd() *Refusal {
	switch d.state {
	case chunkSize, chunkNameMore, chunkNameSpace, chunkToken, chunkValueSpace:
		d.last, d.digits = d.left == 0, 0
		d.state = chunkLF
		return nil
	}
	return refuseChunkExtension
}

// extension gives what follows a byte of chunk-ext (RFC 9112 §7.1.1), chunkSize
// where it is malformed. The whitespace is BWS, which a recipient has to take.
func (d *Chunked) extension(c byte) chunkState {
	is := class[c]
	space := c == ' ' || c == '\t'
	switch d.state {
	case chunkQuoted:
		switch {
		case c == '"':
			return chunkValueSpace
		case c == '\\':
			return chunkEscape
		case is&isQuoted != 0:
			return chunkQuoted
		}
		return chunkSize
	case chunkEscape:
		if is&isValue != 0 {
			return chunkQuoted
		}
		return chunkSize
	}
	token := is&isToken != 0
	begun := d.state == chunkNameMore || d.state == chunkToken
	switch {
	case space && d.state == chunkNameMore:
		return chunkNameSpace
	case space && d.state == chunkToken:
		return chunkValueSpace
	case space, token && begun:
		return d.state
	case token && d.state == chunkName:
		return chunkNameMore
	case token && d.state == chunkValue:
		return chunkToken
	case c == '"' && d.state == chunkValue:
		return chunkQuoted
	case c == '=' && (d.state == chunkNameMore || d.state == chunkNameSpace):
		return chunkValue
	case c == ';' && d.state != chunkName && d.state != chunkValue:
		return chunkName
	}
	return chunkSize
}

// framing takes a byte of what is neither size, extension nor data.
func (d *Chunked) framing(c byte) *Refusal {
	switch d.state {
	case chunkLF:
		if c != '\n' {
			return refuseBareCR
		}
		d.state = chunkData
		if d.last {
			d.state = trailerLine
		}
		return nil
	case chunkDataCR:
		if c != '\r' {
			return refuseChunkEnd
		}
		d.state = chunkDataLF
		return nil
	case chunkDataLF:
		if c != '\n' {
			return refuseChunkEnd
		}
		d.state = chunkSize
		return nil
	case trailerEnd:
		if c != '\n' {
			return refuseBareCR
		}
		d.state = chunkDone
		return nil
	}
	if d.trailers++; d.trailers > MaxTrailers {
		return refuseTrailersLong
	}
	return d.trailer(c)
}

// trailer takes a byte of a trailer field (RFC 9112 §7.1.2). Its syntax is that
// of every field line; its meaning is nothing, since a field that comes after
// the answer has begun to be decided can only confuse.
func (d *Chunked) trailer(c byte) *Refusal {
	switch d.state {
	case trailerLine:
		if c == '\r' {
			d.state = trailerEnd
			return nil
		}
		if class[c]&isToken == 0 {
			return refuseTrailer
		}
		d.state = trailerName
	case trailerName:
		if c == ':' {
			d.state = trailerValue
		} else if class[c]&isToken == 0 {
			return refuseTrailer
		}
	case trailerValue:
		if c == '\r' {
			d.state = trailerLF
		} else if class[c]&isValue == 0 {
			return refuseTrailer
		}
	case trailerLF:
		if c != '\n' {
			return refuseBareCR
		}
		d.state = trailerLine
	}
	return nil
}
