package stix

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// tokenKind says what a token of a pattern is.
type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenHyphened // a name with a hyphen: allowed as an object type only
	tokenMark     // an operator or a bracket
	tokenLiteral
)

// token is one word of a pattern: text of a name, keyword or mark, or the
// value of a literal.
type token struct {
	kind tokenKind
	text string
	lit  Literal
	at   int
}

// PatternError tells where a pattern stops being one.
type PatternError struct {
	At     int    // byte offset in the pattern
	Reason string // English, for a log; never text of the pattern itself
}

func (e *PatternError) Error() string {
	return "stix pattern: at byte " + strconv.Itoa(e.At) + ": " + e.Reason
}

type lexer struct {
	src string
	pos int
}

func (l *lexer) fail(at int, format string, args ...any) error {
	return &PatternError{At: at, Reason: fmt.Sprintf(format, args...)}
}

// space skips white space and the two kinds of comment of the grammar.
func (l *lexer) space() {
	for l.pos < len(l.src) {
		rest := l.src[l.pos:]
		switch {
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return // the slash is then an unknown character
			}
			l.pos += end + 4
		case strings.HasPrefix(rest, "//"):
			end := strings.IndexAny(rest, "\r\n")
			if end < 0 {
				end = len(rest)
			}
			l.pos += end
		default:
			r, n := utf8.DecodeRuneInString(rest)
			if !isSpace(r) {
				return
			}
			l.pos += n
		}
	}
}

func isSpace(r rune) bool {
	switch r {
	case ' ', '\t', '\r', '\n', 0x0b, 0x0c, 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000:
		return true
	}
	return r >= 0x2000 && r <= 0x200a
}

func isNameStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// next returns the next token; at the end one of kind tokenEnd, again and again.
func (l *lexer) next() (token, error) {
	l.space()
	at := l.pos
	if at >= len(l.src) {
		return token{at: at}, nil
	}
	c := l.src[at]
	follows := func(n int) byte {
		if at+n < len(l.src) {
			return l.src[at+n]
		}
		return 0
	}
	switch {
	case c == '\'':
		return l.text()
	case follows(1) == '\'' && (c == 't' || c == 'h' || c == 'b'):
		return l.coded(c)
	case isNameStart(c):
		return l.name(), nil
	case isDigit(c), (c == '-' || c == '+' || c == '.') && (isDigit(follows(1)) || c != '.' && follows(1) == '.' && isDigit(follows(2))):
		return l.number()
	}
	for _, m := range [...]string{"==", "!=", "<>", "<=", ">=", "=", "<", ">", ":", ".", ",", "(", ")", "[", "]", "*"} {
		if strings.HasPrefix(l.src[at:], m) {
			l.pos += len(m)
			return token{kind: tokenMark, text: m, at: at}, nil
		}
	}
	return token{}, l.fail(at, "unknown character")
}

func (l *lexer) name() token {
	at, kind := l.pos, tokenWord
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		if c == '-' {
			kind = tokenHyphened
		} else if !isNameStart(c) && !isDigit(c) {
			break
		}
		l.pos++
	}
	t := token{kind: kind, text: l.src[at:l.pos], at: at}
	if t.text == "true" || t.text == "false" {
		t.kind, t.lit = tokenLiteral, Literal{Kind: Bool, Bool: t.text == "true"}
	}
	return t
}

// quoted returns what stands between the quotes from l.pos on, escapes undone.
// Only the quote and the backslash can be escaped.
func (l *lexer) quoted() (string, error) {
	at := l.pos
	var b strings.Builder
	for i := at + 1; i < len(l.src); i++ {
		switch c := l.src[i]; c {
		case '\'':
			l.pos = i + 1
			return b.String(), nil
		case '\\':
			if i++; i >= len(l.src) || l.src[i] != '\'' && l.src[i] != '\\' {
				return "", l.fail(i-1, "a backslash escapes only a quote or a backslash")
			}
			b.WriteByte(l.src[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", l.fail(at, "a quote is not closed")
}

func (l *lexer) text() (token, error) {
	at := l.pos
	s, err := l.quoted()
	return token{kind: tokenLiteral, lit: Literal{Kind: String, Text: s}, at: at}, err
}

// coded reads t'…', h'…' and b'…'.
func (l *lexer) coded(c byte) (token, error) {
	at := l.pos
	l.pos++
	s, err := l.quoted()
	if err != nil {
		return token{}, err
	}
	t := token{kind: tokenLiteral, at: at}
	switch c {
	case 't':
		when, ok := parseTime(s)
		if !ok {
			return token{}, l.fail(at, "not a timestamp like t'2026-01-31T12:00:00Z'")
		}
		t.lit = Literal{Kind: Timestamp, Time: when}
	case 'h':
		raw, err := hex.DecodeString(s)
		if err != nil {
			return token{}, l.fail(at, "not pairs of hexadecimal digits")
		}
		t.lit = Literal{Kind: Binary, Text: string(raw)}
	default:
		raw, err := base64.StdEncoding.DecodeString(s)
		if err != nil || s == "" || strings.ContainsAny(s, "\r\n") {
			return token{}, l.fail(at, "not base64")
		}
		t.lit = Literal{Kind: Binary, Text: string(raw)}
	}
	return t, nil
}

// number reads what the grammar calls IntPosLiteral … FloatNegLiteral.
func (l *lexer) number() (token, error) {
	at := l.pos
	if c := l.src[at]; c == '-' || c == '+' {
		l.pos++
	}
	digits := func() (n int) {
		for l.pos < len(l.src) && isDigit(l.src[l.pos]) {
			l.pos, n = l.pos+1, n+1
		}
		return n
	}
	first := l.pos
	n := digits()
	t := token{kind: tokenLiteral, at: at}
	if l.pos+1 < len(l.src) && l.src[l.pos] == '.' && isDigit(l.src[l.pos+1]) {
		l.pos++
		digits()
		f, err := strconv.ParseFloat(l.src[at:l.pos], 64)
		if err != nil {
			return token{}, l.fail(at, "a number out of range")
		}
		t.lit = Literal{Kind: Float, Float: f}
		return t, nil
	}
	if n > 1 && l.src[first] == '0' {
		return token{}, l.fail(at, "a whole number does not start with 0")
	}
	i, err := strconv.ParseInt(l.src[at:l.pos], 10, 64)
	if err != nil {
		return token{}, l.fail(at, "a number out of range")
	}
	t.lit = Literal{Kind: Int, Int: i}
	return t, nil
}

// parseTime reads a timestamp as STIX 2.1 section 3.2 writes it: UTC, capital
// T and Z, any number of digits after the point. The grammar allows the 31st
// of April and second 60: they mean the next day and the next minute.
func parseTime(s string) (time.Time, bool) {
	if len(s) < 20 || len(s) > 64 || s[len(s)-1] != 'Z' || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	field := func(from, to, low, high int) int {
		n := 0
		for _, c := range []byte(s[from:to]) {
			if !isDigit(c) {
				return -1
			}
			n = n*10 + int(c-'0')
		}
		if n < low || n > high {
			return -1
		}
		return n
	}
	y, mo, d := field(0, 4, 0, 9999), field(5, 7, 1, 12), field(8, 10, 1, 31)
	h, mi, sec := field(11, 13, 0, 23), field(14, 16, 0, 59), field(17, 19, 0, 60)
	nano := 0
	if frac := s[19 : len(s)-1]; frac != "" {
		if frac[0] != '.' || len(frac) == 1 {
			return time.Time{}, false
		}
		for i, c := range []byte(frac[1:]) {
			if !isDigit(c) {
				return time.Time{}, false
			}
			if i < 9 {
				nano = nano*10 + int(c-'0')
			}
		}
		for i := len(frac) - 1; i < 9; i++ {
			nano *= 10
		}
	}
	if min(y, mo, d, h, mi, sec) < 0 {
		return time.Time{}, false
	}
	return time.Date(y, time.Month(mo), d, h, mi, sec, nano, time.UTC), true
}
