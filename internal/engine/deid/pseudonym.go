package deid

import (
	"errors"
	"strings"

	"github.com/zeebo/blake3"
)

// Kind says what a pseudonym stands for. The same text of two kinds has two
// unrelated pseudonyms.
type Kind uint8

// Kinds of identifiers.
const (
	Mail    Kind = 1 + iota // mail address
	Account                 // account name of a service or machine
	Name                    // name of a person
	Host                    // host name
	Address                 // IP address where prefixes need not be kept
	Device                  // MAC address, serial number and the like
	Phone                   // telephone number
	kinds
)

var kindNames = [kinds]string{Mail: "mail", Account: "account", Name: "name", Host: "host", Address: "addr", Device: "device", Phone: "phone"}

// String is the kind as it stands in a pseudonym.
func (k Kind) String() string {
	if k == 0 || k >= kinds {
		return "unknown"
	}
	return kindNames[k]
}

const (
	sumBits   = 130 // 26 characters of 5 bits: 2^65 values before two are likely to meet
	sumBytes  = (sumBits + 7) / 8
	sumDigits = sumBits / 5
	lastMask  = 0xff << (8*sumBytes - sumBits) & 0xff
)

// Pseudonym stands for a value. It can be compared and used as a map's key.
// The zero Pseudonym stands for nothing.
type Pseudonym struct {
	kind Kind
	sum  [sumBytes]byte
}

// Kind is what the pseudonym stands for.
func (p Pseudonym) Kind() Kind { return p.kind }

const digits = "abcdefghijklmnopqrstuvwxyz234567" // RFC 4648 §6, lower case

// Append appends the text form: "p:mail:" and 26 characters of base 32.
func (p Pseudonym) Append(dst []byte) []byte {
	dst = append(dst, "p:"...)
	dst = append(dst, p.kind.String()...)
	dst = append(dst, ':')
	var text [sumDigits]byte
	for i := range 3 { // 5 bytes are 8 characters
		in, out := p.sum[5*i:5*i+5], text[8*i:8*i+8]
		g := uint64(in[0])<<32 | uint64(in[1])<<24 | uint64(in[2])<<16 | uint64(in[3])<<8 | uint64(in[4])
		for j := range out {
			out[j] = digits[g>>(35-5*j)&31]
		}
	}
	text[24] = digits[p.sum[15]>>3]
	text[25] = digits[p.sum[15]&7<<2|p.sum[16]>>6]
	return append(dst, text[:]...)
}

// String is the text form.
func (p Pseudonym) String() string { return string(p.Append(nil)) }

// ErrPseudonym is returned for text that is no pseudonym.
var ErrPseudonym = errors.New("deid: not a pseudonym (p:kind: and 26 characters a-z 2-7)")

// ParsePseudonym reads a text form. Of a host name that kept its suffix in
// clear ("p:host:….example.jp") it reads the pseudonym.
func ParsePseudonym(s string) (Pseudonym, error) {
	var p Pseudonym
	rest, ok := strings.CutPrefix(s, "p:")
	kind, text, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 {
		return p, ErrPseudonym
	}
	for k := Mail; k < kinds; k++ {
		if kindNames[k] == kind {
			p.kind = k
		}
	}
	if p.kind == Host && len(text) > sumDigits && text[sumDigits] == '.' {
		text = text[:sumDigits]
	}
	if p.kind == 0 || len(text) != sumDigits {
		return Pseudonym{}, ErrPseudonym
	}
	acc, have, out := uint32(0), 0, 0
	for i := range sumDigits {
		d := strings.IndexByte(digits, text[i])
		if d < 0 {
			return Pseudonym{}, ErrPseudonym
		}
		if acc, have = acc<<5|uint32(d), have+5; have >= 8 {
			have -= 8
			p.sum[out] = byte(acc >> have)
			out++
		}
	}
	p.sum[out] = byte(acc << (8 - have))
	return p, nil
}

// Names makes pseudonyms with one key. It is for one goroutine; Clone gives
// another its own.
type Names struct {
	// FoldLocal makes the part of a mail address before the @ lower case. RFC
	// 5321 §2.4 leaves its case to the receiving host, so it stays as it is
	// unless told.
	FoldLocal bool

	key [32]byte
	h   *blake3.Hasher
	buf []byte
	sum [32]byte
}

// maxValue bounds what is hashed: a longer value is cut, so that a flood of
// long values costs no more than its bytes.
const maxValue = 4096

// NewNames makes pseudonyms with this key. Most callers want Working.Names.
func NewNames(key [32]byte) *Names {
	h, err := blake3.NewKeyed(key[:])
	if err != nil {
		panic("BUG: deid: " + err.Error())
	}
	return &Names{key: key, h: h, buf: make([]byte, 0, 256)}
}

// Clone makes the same pseudonyms for another goroutine.
func (n *Names) Clone() *Names {
	c := NewNames(n.key)
	c.FoldLocal = n.FoldLocal
	return c
}

// Of returns the pseudonym of a value. The value is brought to its canonical
// form first; what has none is taken as it is, so that nothing stays in clear.
func (n *Names) Of(k Kind, value []byte) Pseudonym {
	n.buf = append(append(n.buf[:0], k.String()...), 0)
	n.buf = n.canonical(n.buf, k, value[:min(len(value), maxValue)])
	n.h.Reset()
	_, _ = n.h.Write(n.buf) // never fails
	p := Pseudonym{kind: k}
	copy(p.sum[:], n.h.Sum(n.sum[:0]))
	p.sum[sumBytes-1] &= lastMask
	return p
}

// Append appends the text form of the pseudonym of a value. It allocates
// nothing when dst has room and the value is ASCII.
func (n *Names) Append(dst []byte, k Kind, value []byte) []byte {
	return n.Of(k, value).Append(dst)
}

// Host appends a host name of which keep, a suffix of whole labels such as
// "example.jp", stays in clear: "p:host:….example.jp". The pseudonym is that
// of the whole name, so the same label below two suffixes has two. A name that
// is not below keep is replaced as a whole; keep itself stays.
func (n *Names) Host(dst []byte, name, keep []byte) []byte {
	var space [512]byte
	suffix := appendHost(space[:0], keep)
	p := n.Of(Host, name)
	canonical := n.buf[len("host")+1:]
	if len(suffix) == 0 || len(canonical) < len(suffix) || string(canonical[len(canonical)-len(suffix):]) != string(suffix) {
		return p.Append(dst)
	}
	above := canonical[:len(canonical)-len(suffix)]
	if len(above) == 0 {
		return append(dst, suffix...)
	}
	dst = p.Append(dst)
	if above[len(above)-1] != '.' { // "badexample.jp" is not below "example.jp"
		return dst
	}
	return append(append(dst, '.'), suffix...)
}

// Wipe overwrites the key and what was hashed last.
func (n *Names) Wipe() {
	clear(n.key[:])
	clear(n.buf[:cap(n.buf)])
	clear(n.sum[:])
	*n.h = *NewNames([32]byte{}).h // in place: it holds the key and the last value
}
