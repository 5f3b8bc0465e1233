package format

import (
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// decoded reads text as UTF-8 without a byte order mark, looking at what the
// first read gives. Text that is no UTF-8 but Shift_JIS, as Japanese tools write
// tables, is read as such.
type decoded struct {
	r    io.Reader
	head []byte
	seen bool
}

func newDecoded(r io.Reader) io.Reader { return &decoded{r: r} }

func (d *decoded) Read(p []byte) (int, error) {
	if !d.seen {
		d.seen = true
		head := make([]byte, HeadSize)
		n, err := io.ReadAtLeast(d.r, head, 4)
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
		} else if d.head = d.head[mark:]; isShiftJIS(d.head) {
			all := io.MultiReader(&given{d.head}, d.r)
			d.r, d.head = transform.NewReader(all, japanese.ShiftJIS.NewDecoder()), nil
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

// isShiftJIS reports whether text is no UTF-8 and all of it can be Shift_JIS
// with letters of two bytes in it (JIS X 0208 annex 1). What is cut off at the
// end does not count.
func isShiftJIS(b []byte) bool {
	for i := 0; ; {
		r, n := utf8.DecodeRune(b[i:])
		if n == 0 || r == utf8.RuneError && n == 1 && !utf8.FullRune(b[i:]) {
			return false
		}
		if r == utf8.RuneError && n == 1 {
			break
		}
		i += n
	}
	double := 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c < 0x80 || c >= 0xa1 && c <= 0xdf: // ASCII and kana of half width
		case c >= 0x81 && c <= 0x9f || c >= 0xe0 && c <= 0xfc:
			if i+1 == len(b) {
				return double > 0
			}
			if i++; b[i] < 0x40 || b[i] == 0x7f || b[i] > 0xfc {
				return false
			}
			double++
		default:
			return false
		}
	}
	return double > 0
}
