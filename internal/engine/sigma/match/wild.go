package match

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"noroshi/internal/engine/sigma"
)

// wild is a pattern cut at its stars: the first piece stands at the start of
// the text, the last at its end, the others anywhere between in their order.
type wild struct {
	pieces []piece
	least  int // bytes that a text must have
}

// piece is literals and single characters in a row.
type piece struct {
	literal []byte // when the piece is nothing else
	parts   []sigma.Part
	least   int
}

func newWild(parts []sigma.Part) *wild {
	w := &wild{pieces: []piece{{}}}
	for _, p := range parts {
		if p.Kind == sigma.Many {
			w.pieces = append(w.pieces, piece{})
			continue
		}
		last := &w.pieces[len(w.pieces)-1]
		last.parts = append(last.parts, p)
		last.least += max(len(p.Text), 1)
	}
	for i := range w.pieces {
		p := &w.pieces[i]
		w.least += p.least
		if len(p.parts) == 1 && p.parts[0].Kind == sigma.Literal {
			p.literal = []byte(p.parts[0].Text)
		}
	}
	return w
}

// matches reports whether the whole text matches. Between stars the first
// place that fits is as good as any later one, so that it never goes back.
func (w *wild) matches(text []byte) bool {
	if len(text) < w.least {
		return false
	}
	first, last := &w.pieces[0], &w.pieces[len(w.pieces)-1]
	n := first.at(text)
	if n < 0 {
		return false
	}
	if first == last {
		return n == len(text)
	}
	text = text[n:]
	for i := 1; i < len(w.pieces)-1; i++ {
		if n = w.pieces[i].in(text); n < 0 {
			return false
		}
		text = text[n:]
	}
	return last.ends(text)
}

// at returns the length of the match at the start of text, -1 without one.
func (p *piece) at(text []byte) int {
	n := 0
	for i := range p.parts {
		part := &p.parts[i]
		switch {
		case n > len(text):
			return -1
		case part.Kind == sigma.One:
			if n == len(text) {
				return -1
			}
			_, size := utf8.DecodeRune(text[n:])
			n += size
		case len(text)-n < len(part.Text) || string(text[n:n+len(part.Text)]) != part.Text:
			return -1
		default:
			n += len(part.Text)
		}
	}
	return n
}

// in returns the end of the first match in text, -1 without one.
func (p *piece) in(text []byte) int {
	if p.literal != nil {
		i := bytes.Index(text, p.literal)
		if i < 0 {
			return -1
		}
		return i + len(p.literal)
	}
	for i := 0; i <= len(text); {
		if p.parts != nil && p.parts[0].Kind == sigma.Literal {
			skip := strings.Index(lent(text[i:]), p.parts[0].Text)
			if skip < 0 {
				return -1
			}
			i += skip
		}
		if n := p.at(text[i:]); n >= 0 {
			return i + n
		}
		if i == len(text) {
			break
		}
		_, size := utf8.DecodeRune(text[i:])
		i += size
	}
	return -1
}

// ends reports whether the end of text matches.
func (p *piece) ends(text []byte) bool {
	if p.literal != nil {
		return bytes.HasSuffix(text, p.literal)
	}
	for i := len(p.parts) - 1; i >= 0; i-- {
		part := &p.parts[i]
		if part.Kind == sigma.One {
			if len(text) == 0 {
				return false
			}
			_, size := utf8.DecodeLastRune(text)
			text = text[:len(text)-size]
			continue
		}
		if len(text) < len(part.Text) || string(text[len(text)-len(part.Text):]) != part.Text {
			return false
		}
		text = text[:len(text)-len(part.Text)]
	}
	return true
}
