package format

import (
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// decoded reads text as UTF-8 without a byte order mark, looking at the first
// bytes when it is first read.
type decoded struct {
	r    io.Reader
	head []byte
	seen bool
}

func newDecoded(r io.Reader) io.Reader { return &decoded{r: r} }

func (d *decoded) Read(p []byte) (int, error) {
	if !d.seen {
		d.seen = true
		head := make([]byte, 4)
		n, err := io.ReadFull(d.r, head)
		d.head = head[:n]
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			d.r = &failing{err}
		}
		if order, mark := utf16Order(d.head); order != utf8Order {
			all := io.MultiReader(&given{d.head[mark:]}, d.r)
			endian := unicode.LittleEndian
			if order == bigOrder {
				endian = unicode.BigEndian
			}
			d.r, d.head = transform.NewReader(all, unicode.UTF16(endian, unicode.IgnoreBOM).NewDecoder()), nil
		} else {
			d.head = d.head[mark:]
		}
	}
	if len(d.head) > 0 {
		n := copy(p, d.head)
		d.head = d.head[n:]
		return n, nil
	}
	return d.r.Read(p)
}

// given reads the bytes it was given.
type given struct{ b []byte }

func (g *given) Read(p []byte) (int, error) {
	if len(g.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, g.b)
	g.b = g.b[n:]
	return n, nil
}

// failing is the reader after an error.
type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

// order is that of the bytes of a letter.
type order uint8

const (
	utf8Order order = iota
	littleOrder
	bigOrder
)

// utf16Order says how text is encoded and how long its byte order mark is.
// Without a mark, a letter of ASCII beside a NUL tells it.
func utf16Order(b []byte) (o order, mark int) {
	switch {
	case len(b) >= 3 && string(b[:3]) == "\xef\xbb\xbf":
		return utf8Order, 3
	case len(b) >= 2 && string(b[:2]) == "\xff\xfe":
		return littleOrder, 2
	case len(b) >= 2 && string(b[:2]) == "\xfe\xff":
		return bigOrder, 2
	case len(b) >= 4 && b[0] != 0 && b[1] == 0 && b[2] != 0 && b[3] == 0:
		return littleOrder, 0
	case len(b) >= 4 && b[0] == 0 && b[1] != 0 && b[2] == 0 && b[3] != 0:
		return bigOrder, 0
	}
	return utf8Order, 0
}
