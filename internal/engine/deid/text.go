package deid

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// MaxFile is the greatest length in bytes of a key, share or public file.
const MaxFile = 16 << 10

// ErrDamaged is returned for a file of keys that was cut or changed.
var ErrDamaged = errors.New("deid: the file is damaged")

// ErrForeign is returned for a file that is of another kind.
var ErrForeign = errors.New("deid: not a file of this kind")

// page is a file of keys: a line that says what it is, then "name: value" in a
// fixed order. A person can see what a file is without opening what is in it.
type page struct {
	b []byte
}

func newPage(kind string) *page { return &page{b: append([]byte(kind), '\n')} }

func (p *page) put(name, value string) {
	p.b = append(p.b, name...)
	p.b = append(append(append(p.b, ": "...), value...), '\n')
}

// leaf reads a page.
type leaf struct {
	rest string
	err  error
}

func readPage(raw []byte, kind string) (*leaf, error) {
	if len(raw) > MaxFile {
		return nil, ErrForeign
	}
	text := strings.ReplaceAll(string(raw), "\r\n", "\n") // a mail or an editor may have changed them
	rest, ok := strings.CutPrefix(text, kind+"\n")
	if !ok {
		return nil, ErrForeign
	}
	return &leaf{rest: rest}, nil
}

// take reads the next line, which must have this name.
func (l *leaf) take(name string) string {
	line, rest, ok := strings.Cut(l.rest, "\n")
	value, named := strings.CutPrefix(line, name+": ")
	if l.err == nil && (!ok || !named) {
		l.err = fmt.Errorf("%w: no line %q", ErrDamaged, name)
	}
	if l.err != nil {
		return ""
	}
	l.rest = rest
	return value
}

// takeBytes reads the next line as base 64 of n bytes, or of any number for -1.
func (l *leaf) takeBytes(name string, n int) []byte {
	b, err := base64.StdEncoding.Strict().DecodeString(l.take(name))
	if l.err == nil && (err != nil || n >= 0 && len(b) != n) {
		l.err = fmt.Errorf("%w: line %q", ErrDamaged, name)
	}
	if l.err != nil {
		return make([]byte, max(n, 0))
	}
	return b
}

// takeApproval reads the next line as the id of an approval, "-" for none.
func (l *leaf) takeApproval() string {
	s := l.take("approval")
	if s == none {
		return ""
	}
	if l.err == nil && (s == "" || checkApproval(s) != nil) {
		l.err = fmt.Errorf("%w: line \"approval\"", ErrDamaged)
	}
	return s
}

// takeID reads the next line as the id of a key.
func (l *leaf) takeID() string {
	s := l.take("id")
	if l.err == nil && (len(s) != 16 || strings.Trim(s, "0123456789abcdef") != "") {
		l.err = fmt.Errorf("%w: line \"id\"", ErrDamaged)
	}
	return s
}

func (l *leaf) end() error {
	if l.err == nil && l.rest != "" {
		l.err = fmt.Errorf("%w: more after the last line", ErrDamaged)
	}
	return l.err
}

const none = "-"

func orNone(s string) string {
	if s == "" {
		return none
	}
	return s
}

func encode64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
