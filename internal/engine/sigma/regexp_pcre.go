package sigma

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// What PCRE writes shorter. Inside a class the same without brackets.
var shorthands = map[byte]string{
	'h': `\t \x{A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}`,
	'v': `\n\x0B\f\r\x{85}\x{2028}\x{2029}`,
	'e': `\x1B`,
}

// translate writes a PCRE pattern in RE2's words where both mean the same, if
// only whether a text matches is asked. Otherwise it returns the feature that
// RE2 does not have.
func translate(pattern string) (text, feature string) {
	if !strings.ContainsAny(pattern, `\(+{`) {
		return pattern, ""
	}
	t := translator{in: pattern, atom: -1, first: true}
	for t.at < len(t.in) && t.feature == "" {
		t.next()
	}
	return string(t.out), t.feature
}

// translator goes through a pattern once.
type translator struct {
	in      string
	at      int
	out     []byte
	atom    int   // where in out begins what a quantifier is for; -1: nothing
	groups  []int // where in out the open groups begin
	first   bool  // nothing of an alternative outside of groups was read yet
	inner   bool  // inside a group of another translator: no ends to look at
	feature string
}

// copy copies n bytes of the pattern as an atom.
func (t *translator) copy(n int) {
	n = min(n, len(t.in)-t.at)
	t.atom, t.first = len(t.out), false
	t.out = append(t.out, t.in[t.at:t.at+n]...)
	t.at += n
}

func (t *translator) write(text string, n int) {
	t.atom, t.first = len(t.out), false
	t.out = append(t.out, text...)
	t.at += n
}

// ends reports whether an alternative outside of groups ends at place i.
func (t *translator) ends(i int) bool {
	return !t.inner && len(t.groups) == 0 && (i >= len(t.in) || t.in[i] == '|')
}

func (t *translator) next() {
	switch c := t.in[t.at]; c {
	case '\\':
		t.escape()
	case '[':
		t.class()
	case '(':
		t.group()
	case ')':
		t.out = append(t.out, c)
		t.at++
		if n := len(t.groups); n > 0 {
			t.atom, t.groups = t.groups[n-1], t.groups[:n-1]
		}
	case '|':
		t.out = append(t.out, c)
		t.at++
		t.atom, t.first = -1, len(t.groups) == 0
	case '*', '+', '?':
		t.quantifier(1)
	case '{':
		t.braces()
	default:
		_, n := utf8.DecodeRuneInString(t.in[t.at:])
		t.copy(n)
	}
}

// escape reads a backslash and what it is for, outside of a class.
func (t *translator) escape() {
	rest := t.in[t.at+1:]
	if rest == "" {
		t.copy(1)
		return
	}
	switch c := rest[0]; c {
	case 'k', 'g', 'K', 'G', 'R', 'X':
		t.feature = rest[:1]
	case 'h', 'v', 'e':
		t.write("["+shorthands[c]+"]", 2)
	case 'H', 'V':
		t.write("[^"+shorthands[c+'a'-'A']+"]", 2)
	case 'N':
		t.write(`[^\n]`, 2)
	case 'Z':
		if t.feature = `Z`; t.ends(t.at + 2) {
			t.feature = ""
			t.write(`(?:\n?\z)`, 2)
		}
	case 'Q':
		if n := strings.Index(rest, `\E`); n >= 0 {
			t.copy(n + 3)
		} else {
			t.copy(len(t.in))
		}
	default:
		if c >= '1' && c <= '9' && (len(rest) == 1 || rest[1] < '0' || rest[1] > '7') {
			t.feature = rest[:1]
			break
		}
		t.copy(1 + escapeLen(rest))
	}
	if t.feature != "" {
		t.feature = `\` + t.feature
	}
}

// escapeLen returns how long an escape is behind its backslash, with what
// stands in braces.
func escapeLen(rest string) int {
	_, n := utf8.DecodeRuneInString(rest)
	if strings.IndexByte("xpP", rest[0]) >= 0 && len(rest) > 1 && rest[1] == '{' {
		if end := strings.IndexByte(rest, '}'); end > 0 {
			return end + 1
		}
	}
	return n
}

// class copies a class in brackets.
func (t *translator) class() {
	start := len(t.out)
	end := classEnd(t.in, t.at)
	body := t.in[t.at:end]
	for i := 0; i < len(body); i++ {
		if body[i] == '\\' && i+1 < len(body) {
			if s, ok := shorthands[body[i+1]]; ok {
				t.out = append(t.out, s...)
			} else {
				t.out = append(t.out, body[i], body[i+1])
			}
			i++
			continue
		}
		t.out = append(t.out, body[i])
	}
	t.at, t.atom, t.first = end, start, false
}

// classEnd returns the place behind the class that begins at i.
func classEnd(in string, i int) int {
	i++
	if i < len(in) && in[i] == '^' {
		i++
	}
	if i < len(in) && in[i] == ']' {
		i++
	}
	for ; i < len(in); i++ {
		switch {
		case in[i] == '\\':
			i++
		case strings.HasPrefix(in[i:], "[:"):
			if n := strings.Index(in[i:], ":]"); n > 0 {
				i += n + 1
			}
		case in[i] == ']':
			return i + 1
		}
	}
	return len(in)
}

// group reads an open bracket.
func (t *translator) group() {
	rest := t.in[t.at:]
	switch {
	case !strings.HasPrefix(rest, "(?"):
		t.open(1)
	case strings.HasPrefix(rest, "(?#"):
		n := strings.IndexByte(rest, ')')
		if n < 0 {
			n = len(rest) - 1
		}
		t.at += n + 1
	case hasAny(rest, "(?=", "(?!", "(?<=", "(?<!"):
		t.look()
	case hasAny(rest, "(?:", "(?P<", "(?<"):
		t.open(2)
	default:
		t.flags(rest)
	}
}

func hasAny(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

func (t *translator) open(n int) {
	t.groups = append(t.groups, len(t.out))
	first := t.first
	t.copy(n)
	t.atom, t.first = -1, first && n == 0
}

// flags reads (?i) and (?i:, the only other groups that RE2 has.
func (t *translator) flags(rest string) {
	n := 2
	for n < len(rest) && strings.IndexByte("imsU-", rest[n]) >= 0 {
		n++
	}
	switch {
	case n < len(rest) && rest[n] == ')':
		first := t.first
		t.copy(n + 1)
		t.atom, t.first = -1, first
	case n < len(rest) && rest[n] == ':':
		t.open(n + 1)
	default:
		t.feature = rest[:min(len(rest), n+1)]
	}
}

// look reads a lookaround. One that stands first looking back or last looking
// ahead can be a part of the match instead, when only whether there is one is
// asked; a denied single character then is any other or the end of the text.
func (t *translator) look() {
	rest := t.in[t.at:]
	end := groupEnd(t.in, t.at)
	head := 3
	back := rest[2] == '<'
	if back {
		head = 4
	}
	denied := rest[head-1] == '!'
	t.feature = rest[:head]
	if end < 0 || t.inner || back && !t.first || !back && !t.ends(end) || back && end < len(t.in) && strings.IndexByte("*+?{", t.in[end]) >= 0 {
		return
	}
	body := t.in[t.at+head : end-1]
	if denied {
		set, ok := single(body)
		if !ok {
			return
		}
		t.feature = ""
		if back {
			t.write("(?:\\A|"+set+")", end-t.at)
		} else {
			t.write("(?:"+set+"|\\z)", end-t.at)
		}
		return
	}
	in := translator{in: body, atom: -1, inner: true}
	for in.at < len(body) && in.feature == "" {
		in.next()
	}
	if in.feature != "" || anchored(body) {
		return
	}
	t.feature = ""
	t.write("(?:"+string(in.out)+")", end-t.at)
}

// anchored reports whether a pattern asks for a place: what is looked at may
// then not be made a part of the match without thought.
func anchored(body string) bool {
	return strings.ContainsAny(body, "^$") || strings.Contains(body, `\b`) || strings.Contains(body, `\B`) ||
		strings.Contains(body, `\A`) || strings.Contains(body, `\z`) || strings.Contains(body, `\Z`)
}

// single returns the class of all characters but the one, or those of the
// class, that a pattern stands for.
func single(body string) (string, bool) {
	switch {
	case body == "":
		return "", false
	case body[0] == '[' && classEnd(body, 0) == len(body) && body[len(body)-1] == ']' && len(body) > 2:
		if strings.Contains(body, `\`) && strings.ContainsAny(body, "hveHVNR") {
			return "", false
		}
		if body[1] == '^' {
			return "[" + body[2:], len(body) > 3
		}
		return "[^" + body[1:], true
	case len(body) == 2 && body[0] == '\\' && strings.IndexByte("dws", body[1]) >= 0:
		return "[^" + body + "]", true
	case len(body) == 2 && body[0] == '\\' && body[1] < utf8.RuneSelf && !isWord(rune(body[1])):
		return "[^" + body + "]", true
	case utf8.RuneCountInString(body) == 1 && !strings.ContainsAny(body, `\.[]()|*+?{}^$-`):
		return "[^" + body + "]", true
	}
	return "", false
}

// groupEnd returns the place behind the group that begins at i, -1 if it does
// not end.
func groupEnd(in string, i int) int {
	depth := 0
	for i < len(in) {
		switch in[i] {
		case '\\':
			i++
		case '[':
			i = classEnd(in, i) - 1
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}

// quantifier copies a quantifier of n bytes and what changes it. A possessive
// one is like others where nothing follows that could make it give back.
func (t *translator) quantifier(n int) {
	t.out = append(t.out, t.in[t.at:t.at+n]...)
	t.at += n
	t.changed()
}

// changed reads ? or + behind a quantifier.
func (t *translator) changed() {
	t.first = false
	if t.at < len(t.in) && t.in[t.at] == '?' {
		t.out = append(t.out, '?')
		t.at++
	} else if t.at < len(t.in) && t.in[t.at] == '+' {
		if !t.ends(t.at + 1) {
			t.feature = "a possessive quantifier"
		}
		t.at++
	}
}

// maxRepeat is how often RE2 takes {n}.
const maxRepeat = 1000

// braces reads {n}, {n,} and {n,m}. More than RE2 takes is written as several.
func (t *translator) braces() {
	end := strings.IndexByte(t.in[t.at:], '}')
	if end < 0 {
		t.copy(1)
		return
	}
	low, high, two := strings.Cut(t.in[t.at+1:t.at+end], ",")
	from, err := strconv.Atoi(low)
	to := from
	if two && high == "" {
		to = -1
	} else if two && err == nil {
		to, err = strconv.Atoi(high)
	}
	if err != nil || from < 0 {
		t.copy(1)
		return
	}
	if max(from, to) <= maxRepeat || t.atom < 0 || from > 20*maxRepeat || to > 20*maxRepeat {
		t.quantifier(end + 1)
		return
	}
	atom := string(t.out[t.atom:])
	t.out = t.out[:t.atom]
	t.at += end + 1
	lazy := t.at < len(t.in) && t.in[t.at] == '?'
	t.repeat(atom, from, to, lazy)
	t.changed()
	if lazy {
		t.out = t.out[:len(t.out)-1] // each part has its own
	}
}

// repeat writes atom from times to to times (-1: without end) in parts.
func (t *translator) repeat(atom string, from, to int, lazy bool) {
	mark := ""
	if lazy {
		mark = "?"
	}
	part := func(n string) { t.out = append(t.out, atom+"{"+n+"}"+mark...) }
	start := len(t.out)
	t.out = append(t.out, "(?:"...)
	more := to - from
	for ; from > 0; from -= maxRepeat {
		part(strconv.Itoa(min(from, maxRepeat)))
	}
	if to < 0 {
		part("0,")
	}
	for ; more > 0; more -= maxRepeat {
		part("0," + strconv.Itoa(min(more, maxRepeat)))
	}
	t.out = append(t.out, ')')
	t.atom = start
}
