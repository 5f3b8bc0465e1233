package dissect

import (
	"bytes"

	"noroshi/internal/engine/flow/record"
)

// maxClear is how much of each side is looked through for a beginning of TLS,
// in bytes.
const maxClear = 8 << 10

// clearStream passes over a protocol that nothing here reads, or that says
// little, and looks for the place where it goes on with TLS: FTP after AUTH
// (RFC 4217), XMPP (RFC 6120 §5), NNTP (RFC 4642), MySQL, TDS and whatever else
// sends a hello in the middle. Each side begins at its own hello.
type clearStream struct {
	f      record.Facts
	tls    *tlsStream // nil until a hello was found
	side   [2]clearSide
	passed [2]int
}

type clearSide uint8

const (
	clearText clearSide = iota
	clearTLS
	clearOver
)

// newClear follows a connection in clear until both sides speak TLS or neither
// has begun to within the bound.
func newClear(f record.Facts) Stream { return &clearStream{f: f} }

// Data looks for the hello of one side, or hands on to TLS.
func (c *clearStream) Data(side int, at int64, b []byte) int {
	switch c.side[side] {
	case clearOver:
		return Done
	case clearTLS:
		return c.tls.Data(side, at, b)
	}
	place := 0
	for c.passed[side]+place <= maxClear {
		i := bytes.IndexByte(b[place:], tlsHandshake)
		if i < 0 {
			place = len(b)
			break
		}
		if place += i; c.passed[side]+place > maxClear {
			break
		}
		switch seenHello(b[place:]) {
		case unsure:
			c.passed[side] += place
			return place
		case yes:
			if c.side[side] = clearTLS; c.tls == nil {
				c.tls = &tlsStream{f: c.f}
			}
			n := c.tls.Data(side, at, b[place:])
			if n == Done {
				return Done
			}
			return place + n
		}
		place++
	}
	if c.passed[side] += place; c.passed[side] > maxClear {
		c.side[side] = clearOver
		return Done
	}
	return place
}

// Lost hands on, or goes on looking.
func (c *clearStream) Lost(side int, bytes uint64) {
	if c.side[side] == clearTLS {
		c.tls.Lost(side, bytes)
	}
}

// End ends what was begun.
func (c *clearStream) End() {
	if c.tls != nil {
		c.tls.End()
	}
}

// seenHello tells whether a record begins here whose first message is a hello
// that is as long as a hello has to be.
func seenHello(b []byte) verdict {
	for i, c := range b[:min(len(b), 11)] {
		ok := true
		switch i {
		case 0:
			ok = c == tlsHandshake
		case 1: // version of the record
			ok = c == 3
		case 2:
			ok = c <= 4
		case 5:
			ok = c == clientHello || c == serverHello
		case 6: // length of the message
			ok = c == 0
		case 9: // version of the hello, drafts among them
			ok = c == 3 || c == 0x7f
		case 10:
			ok = c <= 0x20
		}
		if !ok {
			return no
		}
	}
	if len(b) < 11 {
		return unsure
	}
	if n := int(be16(b[3:])); n < 4+38 || n > maxTLSRecord || messageSize(b[5:]) < 4+38 {
		return no
	}
	return yes
}
