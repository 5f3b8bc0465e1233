package version

import (
	"bytes"
	"strings"
)

// MaxLen is the longest version that is read, in bytes.
const MaxLen = 128

// key is a version in a form whose bytes, compared as bytes, have the order of
// the scheme. That makes every scheme a total order by construction, and
// comparing cheap. It lives on the stack.
type key struct {
	b        [400]byte
	n        int
	from, to int // the fence: see apart
	full     bool
}

func (k *key) put(c byte) {
	if k.n == len(k.b) {
		k.full = true
		return
	}
	k.b[k.n] = c
	k.n++
}

// text puts letters in lower case, and an end that is below every letter.
func (k *key) text(s string) {
	for i := 0; i < len(s); i++ {
		k.put(lower(s[i]))
	}
	k.put(0)
}

// raw is text with upper case as it is.
func (k *key) raw(s string) {
	for i := 0; i < len(s); i++ {
		k.put(s[i])
	}
	k.put(0)
}

// num puts a number of any size: how many digits, then the digits.
func (k *key) num(digits string) {
	digits = trimZeros(digits)
	k.put(byte(len(digits))) // MaxLen keeps it in a byte
	for i := 0; i < len(digits); i++ {
		k.put(digits[i])
	}
}

// tag puts a number behind a tag.
func (k *key) tag(tag byte, digits string) {
	k.put(tag)
	k.num(digits)
}

func (k *key) prepared() Prepared {
	return Prepared{string(k.b[:k.n]), uint16(k.from), uint16(k.to)}
}

func (k *key) compare(o *key) (int, bool) {
	if apart(k.b[:k.n], o.b[:o.n], uint16(k.from), uint16(k.to), uint16(o.from), uint16(o.to)) {
		return 0, false
	}
	return bytes.Compare(k.b[:k.n], o.b[:o.n]), true
}

// apart reports whether two keys stand on different lines of development that
// their maker gives no order: they are the same up to the fence, and differ in
// what it encloses. A key without a fence is apart from none.
func apart[T string | []byte](a, b T, aFrom, aTo, bFrom, bTo uint16) bool {
	if aFrom == aTo || bFrom == bTo || aFrom != bFrom || string(a[:aFrom]) != string(b[:bFrom]) {
		return false
	}
	return string(a[aFrom:aTo]) != string(b[bFrom:bTo])
}

// write reads a version by a scheme, and reports whether it could.
func (k *key) write(s Scheme, v string) bool {
	v = strings.Trim(v, " \t")
	if v == "" || v == "-" || len(v) > MaxLen {
		return false
	}
	for i := 0; i < len(v); i++ {
		if c := v[i]; c == '*' || c == '?' || c < ' ' || c >= 0x7f {
			return false
		}
	}
	var ok bool
	switch s {
	case SemVer:
		ok = semver(k, v)
	case Debian:
		ok = debian(k, v)
	case RPM:
		ok = rpm(k, v)
	case Maven:
		ok = maven(k, v)
	case PEP440:
		ok = pep440(k, v)
	case Gem:
		ok = gem(k, v)
	case Cisco:
		ok = cisco(k, v, false)
	case NXOS:
		ok = cisco(k, v, true)
	case Junos:
		ok = junos(k, v)
	case PANOS:
		ok = panos(k, v)
	case FortiOS:
		ok = fortios(k, v)
	case Ivanti:
		ok = ivanti(k, v)
	case Date:
		ok = date(k, v)
	case Alpine:
		ok = alpine(k, v)
	case Java:
		ok = java(k, v)
	default:
		ok = generic(k, v)
	}
	return ok && !k.full
}

// writeBound reads a bound of a range. A last component x or *, and a * behind
// a number, mean all versions that start so. Junos lists the first fixed
// release of each line of service releases; the first of them is the bound.
func (k *key) writeBound(s Scheme, v string, last bool) bool {
	v = strings.Trim(v, " \t")
	if s == Junos {
		v, _, _ = strings.Cut(v, ",")
		v = trimEvo(v)
	}
	stem, open := unstar(v)
	if !open || len(v) > MaxLen {
		return k.write(s, v)
	}
	if !last {
		return k.write(s, stem)
	}
	switch s {
	case SemVer:
		for part := range strings.SplitSeq(unlead(stem), ".") {
			if part == "" || digits(part) != len(part) {
				return false
			}
			k.num(part)
		}
	case Junos:
		if !k.write(s, stem) || k.from != k.to {
			return false
		}
		k.n-- // the end of a line that no release follows
	case Generic, FortiOS, PANOS, Ivanti, Java, Maven:
		// The key of one release more, without that release and the end.
		if !k.write(s, stem+".1") || k.n < 4 || string(k.b[k.n-4:k.n]) != string([]byte{tagNum, 1, '1', tagEnd}) {
			return false
		}
		k.n -= 4
	default:
		return false
	}
	k.put(0xff)
	return !k.full
}

// unstar drops wildcards at the end, and reports whether there were any behind
// a number.
func unstar(v string) (stem string, open bool) {
	stem = v
	for {
		n := len(stem)
		switch {
		case n > 2 && (stem[n-2] == '.' || stem[n-2] == '-') && (stem[n-1] == 'x' || stem[n-1] == 'X' || stem[n-1] == '*'):
			stem = stem[:n-2]
		case n > 1 && stem[n-1] == '*':
			stem = stem[:n-1]
		default:
			return stem, n < len(v) && n > 0 && digit(stem[n-1])
		}
	}
}

func digit(c byte) bool  { return c >= '0' && c <= '9' }
func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func trimZeros(s string) string {
	for len(s) > 0 && s[0] == '0' {
		s = s[1:]
	}
	return s
}

// digits returns the length of the run of digits at the start of s.
func digits(s string) int {
	i := 0
	for i < len(s) && digit(s[i]) {
		i++
	}
	return i
}

func letters(s string) int {
	i := 0
	for i < len(s) && letter(s[i]) {
		i++
	}
	return i
}

// hasFold reports whether s starts with a lower-case word, in any case.
func hasFold(s, word string) bool {
	return len(s) >= len(word) && strings.EqualFold(s[:len(word)], word)
}
