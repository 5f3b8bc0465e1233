package deid

import (
	"bytes"
	_ "embed"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed names.txt
var namesFile string

// Persons knows names as they are written in mail addresses. It is immutable.
type Persons struct {
	words map[string]bool // true: a name; false: an office or a machine
}

// NewPersons reads the words that come with the program.
func NewPersons() *Persons {
	p := &Persons{words: map[string]bool{}}
	for line := range strings.Lines(namesFile) {
		word := strings.Fields(line)
		for _, w := range word[1:] {
			if kind := word[0]; kind == "role" {
				p.words[w] = false
			} else if _, ok := p.words[w]; kind == "name" && !ok {
				p.words[w] = true
			}
		}
	}
	return p
}

// maxLocal is the greatest length of a mail address's local part (RFC 5321
// §4.5.3.1.1); of a longer one the rest is not looked at.
const maxLocal = 64

// Mail reports whether a mail address seems to contain a person's name: its
// record is then personal data (Personal Information Protection Commission,
// guidelines on Act 57 of 2003, general part 2-1). It goes by common names, by
// shapes such as "t.yamada", and by letters other than Latin ones. It errs
// towards yes; a no says little.
func (p *Persons) Mail(addr []byte) bool {
	at := bytes.LastIndexByte(addr, '@')
	if at <= 0 {
		return false
	}
	local, _, _ := bytes.Cut(addr[:min(at, maxLocal)], []byte{'+'}) // what follows is a tag of the holder's
	if foreign(local) {
		return true
	}
	var space [maxLocal]byte
	var words [8][]byte
	n, roles := 0, 0
	low := appendLower(space[:0], local)
	for len(low) > 0 && n < len(words) {
		i := bytes.IndexFunc(low, func(r rune) bool { return r < 'a' || r > 'z' })
		if i < 0 {
			i = len(low)
		}
		if i > 0 {
			words[n] = low[:i]
			if name, known := p.words[string(low[:i])]; known && !name {
				roles++
			}
			n++
		}
		low = low[min(i+1, len(low)):]
	}
	for _, w := range words[:n] {
		if p.named(w) {
			return true
		}
	}
	if roles > 0 || n != 2 || bytes.ContainsAny(local, "0123456789") {
		return false
	}
	// "given.family" and "g.family" of names that are on no list.
	short, long := min(len(words[0]), len(words[1])), max(len(words[0]), len(words[1]))
	return short >= 2 && long >= 3 || short == 1 && long >= 4
}

// named reports whether a word is a name, two names, or a name of at least
// four letters with an initial before or after it.
func (p *Persons) named(w []byte) bool {
	if name, known := p.words[string(w)]; known {
		return name
	}
	if len(w) >= 5 && (p.words[string(w[1:])] || p.words[string(w[:len(w)-1])]) {
		return true
	}
	for i := 2; i+2 <= len(w); i++ {
		if p.words[string(w[:i])] && p.words[string(w[i:])] {
			return true
		}
	}
	return false
}

// foreign reports whether there are letters that are not ASCII: kanji, kana,
// hangul and others stand in addresses for what a person is called.
func foreign(b []byte) bool {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r >= utf8.RuneSelf && r != utf8.RuneError && unicode.IsLetter(r) {
			return true
		}
		b = b[size:]
	}
	return false
}
