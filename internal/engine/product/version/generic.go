package version

import "strings"

// What may stand at one place of a Generic key, lowest first: what precedes a
// release, the end, a word that follows it, a further number.
const (
	tagPre  = 0x10 // and the rank
	tagEnd  = 0x40
	tagWord = 0x50
	tagNum  = 0x60
)

// The ranks of what precedes a release.
const (
	rankTilde = iota
	rankDev
	rankAlpha
	rankBeta
	rankMilestone
	rankPreview
	rankCandidate
	rankSnapshot
)

// generic orders by rules that hold for most makers:
//
//   - runs of digits are numbers, runs of letters are words, all else separates;
//   - zeros at the end say nothing: 1.0 is 1.0.0;
//   - dev, alpha, beta, milestone, preview, next, latest, rc, snapshot precede
//     the release;
//   - any other word follows it, in alphabetical order (OpenSSL 1.0.2k, 1.0.2zd,
//     OpenSSH 9.8p1, 12.2 sp1), and a further number follows any word;
//   - final, ga, release say nothing;
//   - an epoch (7:5.1.6) says nothing: makers do not know of it;
//   - what follows a plus says nothing, unless it is a fix (+security-1);
//   - a first word other than "v", "r", "version", "release", "firmware" names a
//     line of its own: versions of different lines have no order.
//
// Text without a digit, hashes, texts ending in an x, comparisons, lists and
// sentences ("7.0 through 7.2", "7.0 - 7.2", "7.0/7.2") are not read.
func generic(k *key, v string) bool {
	v = strings.TrimLeft(v, " .-_:/#(")
	n := digits(v)
	if n > 0 && n < 3 && n+1 < len(v) && v[n] == ':' && digit(v[n+1]) {
		v = v[n+1:] // the epoch of a package
	}
	n = letters(v)
	switch lead := v[:n]; {
	case lead == "" || hasFold("version", lead) && len(lead) != 2, strings.EqualFold(lead, "release"), strings.EqualFold(lead, "r"), strings.EqualFold(lead, "rev"), strings.EqualFold(lead, "rel"), strings.EqualFold(lead, "firmware"), strings.EqualFold(lead, "fw"):
		k.put(0)
	case sentence(lead):
		return false
	default:
		k.text(lead)
	}
	k.to = k.n
	v = v[n:]
	if hash(v, n) || several(v) {
		return false
	}
	if n == 0 && len(v) == 4 && digits(v) == 2 && lower(v[2]) == 'h' && (v[3] == '1' || v[3] == '2') {
		// Half-years of Windows continue its months: 1909, 2004, 20H2.
		month := "04"
		if v[3] == '2' {
			month = "09"
		}
		k.put(tagNum)
		k.put(4)
		for _, c := range [...]byte{v[0], v[1], month[0], month[1]} {
			k.put(c)
		}
		k.put(tagEnd)
		return v[0] != '0'
	}
	zeros, any, attached := 0, false, false
	for i := 0; i < len(v); {
		c := v[i]
		switch {
		case digit(c):
			n := digits(v[i:])
			any = true
			if t := trimZeros(v[i : i+n]); t == "" {
				zeros++
			} else {
				zeros = flush(k, zeros)
				k.tag(tagNum, t)
			}
			i += n
		case letter(c):
			n := letters(v[i:])
			word := v[i : i+n]
			apart := i == 0 || !digit(v[i-1])
			i += n
			if apart && i == len(v) && any && (word == "x" || word == "X") {
				return false
			}
			if sentence(word) {
				return false
			}
			rank, kind := classify(word, v[i:], apart)
			switch kind {
			case says:
			case precedes:
				zeros = 0
				k.put(tagPre + byte(rank))
				attached = attached || !apart && len(word) == 1
			case follows:
				zeros = flush(k, zeros)
				k.put(tagWord)
				k.text(short(word))
			}
		case c == '~':
			zeros = 0
			k.put(tagPre + rankTilde)
			i++
		case c == '+':
			i++
			if !fix(v[i:]) {
				i = len(v)
			}
		case prose(c):
			return false
		default:
			i++
		}
	}
	k.put(tagEnd)
	if attached {
		// 5a1 after 5-a1, where nothing else tells them apart.
		k.put(1)
	}
	return any
}

// flush puts the zeros that turned out not to be the last.
func flush(k *key, zeros int) int {
	for ; zeros > 0; zeros-- {
		k.tag(tagNum, "")
	}
	return 0
}

type role uint8

const (
	follows  role = iota // a later state of the release
	precedes             // an earlier one
	says                 // nothing
)

// classify says what a word means before the rest of the text. A single a, b
// or m is read as alpha, beta, milestone only before a number.
func classify(word, rest string, apart bool) (rank int, r role) {
	if len(word) == 1 {
		numbered := len(rest) > 0 && (digit(rest[0]) || apart && len(rest) > 1 && rest[0] == '.' && digit(rest[1]))
		switch c := lower(word[0]); {
		case !numbered:
		case c == 'a':
			return rankAlpha, precedes
		case c == 'b':
			return rankBeta, precedes
		case c == 'm' && apart:
			return rankMilestone, precedes
		}
		return 0, follows
	}
	var buf [12]byte
	if len(word) > len(buf) {
		return 0, follows
	}
	for i := range len(word) {
		buf[i] = lower(word[i])
	}
	switch string(buf[:len(word)]) {
	case "dev", "nightly", "canary", "devel":
		return rankDev, precedes
	case "alpha":
		return rankAlpha, precedes
	case "beta":
		return rankBeta, precedes
	case "milestone":
		return rankMilestone, precedes
	case "pre", "preview", "ea", "prerelease", "insider", "insiders", "next", "latest":
		return rankPreview, precedes
	case "rc", "cr", "candidate":
		return rankCandidate, precedes
	case "snapshot":
		return rankSnapshot, precedes
	case "final", "ga", "release", "stable", "rtm", "releng", "lts":
		return 0, says
	}
	return 0, follows
}

// short makes one word of the spellings of the same.
func short(word string) string {
	for _, same := range [...][2]string{{"patch", "p"}, {"patchset", "p"}, {"pl", "p"}, {"hotfix", "hf"}, {"update", "u"}, {"servicepack", "sp"}} {
		if strings.EqualFold(word, same[0]) {
			return same[1]
		}
	}
	return word
}

// fix reports whether what follows a plus is a later state, not a build.
func fix(rest string) bool {
	for _, w := range [...]string{"security", "hotfix", "patch", "fix", "sp"} {
		if hasFold(rest, w) {
			return true
		}
	}
	return false
}

// hash reports whether a text is a commit, not a version: 12 or more
// hexadecimal digits without a separator, letters among them. Letters before
// the text count with it.
func hash(v string, before int) bool {
	mixed := before > 0
	for i := 0; i < len(v); i++ {
		switch c := lower(v[i]); {
		case c >= 'a' && c <= 'f':
			mixed = true
		case !digit(c):
			return false
		}
	}
	return mixed && before+len(v) >= 12
}

// prose reports whether a byte stands between versions, never in one.
func prose(c byte) bool {
	return c == '<' || c == '>' || c == '=' || c == ',' || c == ';' || c == '|' || c == '&'
}

// several reports whether a text names two versions, as registers do where they
// mean a range or a list: two dotted numbers with a slash, a tilde or a
// free-standing hyphen between them, or with a hyphen where the second goes on from the first
// (7.2-7.4, and not 13.1-49.15 nor 4.15.0-213.224).
func several(v string) bool {
	for i := 1; i+1 < len(v); i++ {
		if c := v[i]; c != '-' && c != '/' && c != '~' {
			continue
		}
		left, right := strings.TrimRight(v[:i], " "), strings.TrimLeft(v[i+1:], " ")
		a, b := numbers(left[len(left)-tail(left):]), numbers(right)
		if a < 2 || b < 2 {
			continue
		}
		if v[i] != '-' || len(left) < i && len(right) < len(v)-i-1 {
			return true
		}
		if first := digits(right); a == b && strings.HasPrefix(left, right[:first+1]) && len(left) == tail(left) {
			return true
		}
	}
	return false
}

// tail is the length of the digits and dots at the end of a text.
func tail(v string) (n int) {
	for n < len(v) && (digit(v[len(v)-n-1]) || v[len(v)-n-1] == '.') {
		n++
	}
	return n
}

// numbers counts the numbers between dots at the start of a text.
func numbers(v string) (count int) {
	for n := digits(v); n > 0; n = digits(v) {
		count++
		if v = v[n:]; v == "" || v[0] != '.' {
			break
		}
		v = v[1:]
	}
	return count
}

// sentence reports whether a word tells of several versions.
func sentence(word string) bool {
	switch len(word) {
	case 2, 3, 4, 5, 6, 7, 8:
	default:
		return false
	}
	for _, w := range [...]string{"through", "before", "prior", "and", "below", "earlier", "or", "all", "later", "up", "to", "from", "until", "after", "above", "previous", "newer", "older", "than"} {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	return false
}
