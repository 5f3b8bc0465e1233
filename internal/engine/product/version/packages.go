package version

import "strings"

// semver orders by semver.org 2.0.0 §11, and reads a leading v, missing
// numbers as 0, and a fourth number and more (as NuGet has them). Build
// metadata say nothing.
func semver(k *key, v string) bool {
	v = strings.TrimLeft(unlead(v), "=")
	if len(v) > 2 && hasFold(v, "go") && digit(v[2]) { // go1.22.3
		v = v[2:]
	}
	v, _, _ = strings.Cut(v, "+")
	count, zeros := 0, 0
	for {
		n := digits(v)
		if n == 0 {
			return false
		}
		t := trimZeros(v[:n])
		switch {
		case count < 3:
			k.num(t)
		case t == "":
			zeros++
		default:
			zeros = flush(k, zeros)
			k.tag(tagNum, t)
		}
		count++
		v = v[n:]
		if len(v) == 0 || v[0] != '.' {
			break
		}
		v = v[1:]
	}
	for ; count < 3; count++ {
		k.num("")
	}
	if v == "" {
		k.put(tagEnd)
		return true
	}
	if v[0] == '-' {
		v = v[1:]
	} else if n := letters(v); n == 0 || !precedesRelease(v) {
		return after(k, v)
	}
	if v == "" {
		return false
	}
	k.put(tagPre)
	for id := range strings.SplitSeq(v, ".") {
		if id == "" {
			return false
		}
		if digits(id) == len(id) {
			k.tag(0x20, id)
		} else {
			k.put(0x30)
			k.raw(id)
		}
	}
	k.put(0x10)
	return true
}

// precedesRelease reports whether a text without its hyphen starts with a word
// for what comes before a release: 1.0.0rc1.
func precedesRelease(v string) bool {
	n := letters(v)
	_, r := classify(v[:n], v[n:], false)
	return r == precedes
}

// after reads what makers append to the three numbers though semver.org knows
// no such thing, as words and numbers that follow the release: 2.0.0p38,
// 511.5 TCU4 HF3.
func after(k *key, v string) bool {
	for i := 0; i < len(v); {
		n := digits(v[i:])
		if n > 0 {
			k.tag(tagNum, v[i:i+n])
			i += n
			continue
		}
		if n = letters(v[i:]); n > 0 {
			k.put(tagWord)
			k.text(short(v[i : i+n]))
			i += n
			continue
		}
		if prose(v[i]) {
			return false
		}
		i++
	}
	k.put(tagEnd)
	return true
}

// debian orders by deb-version(7) and Debian Policy §5.6.12: a tilde is below
// the end, letters below other characters, digits are numbers. A revision that
// is not there is 0.
func debian(k *key, v string) bool {
	epoch := "0"
	if i := strings.IndexByte(v, ':'); i >= 0 {
		if epoch = v[:i]; epoch == "" || digits(epoch) != len(epoch) {
			return false
		}
		v = v[i+1:]
	}
	revision := ""
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		if v, revision = v[:i], v[i+1:]; revision == "" {
			return false
		}
	}
	if !strings.ContainsAny(v, "0123456789") {
		return false
	}
	k.num(epoch)
	return debianPart(k, v) && debianPart(k, revision)
}

func debianPart(k *key, s string) bool {
	for {
		for len(s) > 0 && !digit(s[0]) {
			switch c := s[0]; {
			case c == '~':
				k.put(1)
			case letter(c):
				k.put(c)
			case c == '.' || c == '+' || c == '-' || c == ':' || c == '_':
				k.put(c | 0x80)
			default:
				return false
			}
			s = s[1:]
		}
		k.put(2)
		n := digits(s)
		k.num(s[:n])
		s = s[n:]
		if s == "" {
			k.put(2)
			return true
		}
	}
}

// rpm orders by rpmvercmp: digits above letters above a caret above the end
// above a tilde; all else only separates. A release that is not there is below
// every release.
func rpm(k *key, v string) bool {
	epoch := "0"
	if i := strings.IndexByte(v, ':'); i >= 0 {
		if epoch = v[:i]; epoch == "" || digits(epoch) != len(epoch) {
			return false
		}
		v = v[i+1:]
	}
	k.num(epoch)
	release, has := "", false
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		v, release, has = v[:i], v[i+1:], true
	}
	if !rpmPart(k, v) {
		return false
	}
	if has {
		k.put(4)
		return rpmPart(k, release)
	}
	k.put(3)
	return true
}

func rpmPart(k *key, s string) bool {
	any := false
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case digit(c):
			n := digits(s[i:])
			k.tag(0x20, s[i:i+n])
			i, any = i+n, true
		case letter(c):
			n := letters(s[i:])
			k.put(0x10)
			k.raw(s[i : i+n])
			i, any = i+n, true
		case c == '~':
			k.put(1)
			i++
		case c == '^':
			k.put(3)
			i++
		default:
			i++
		}
	}
	k.put(2)
	return any
}

// maven orders as Maven's ComparableVersion (POM reference, version order):
// alpha, beta, milestone, rc, snapshot below the release, then sp, other words,
// a number after a hyphen, a number after a dot. Zeros and empty words before a
// hyphen or the end say nothing.
func maven(k *key, v string) bool {
	const end, sp, other, dash, dot = 0x40, 0x48, 0x50, 0x58, 0x60
	zeros := 0
	sep := byte('.')
	any := false
	for i := 0; i < len(v); {
		c := v[i]
		switch {
		case digit(c):
			n := digits(v[i:])
			t := trimZeros(v[i : i+n])
			any = true
			i += n
			if sep == '-' {
				zeros = 0
				if t == "" { // -0 is nothing, unless more follows
					zeros = 0
					break
				}
				k.tag(dash, t)
				break
			}
			if t == "" {
				zeros++
				break
			}
			for ; zeros > 0; zeros-- {
				k.tag(dot, "")
			}
			k.tag(dot, t)
		case letter(c):
			n := letters(v[i:])
			word := v[i : i+n]
			numbered := i+n < len(v) && digit(v[i+n])
			i += n
			rank, known := mavenRank(word, numbered)
			zeros = 0
			switch {
			case known && rank == 0:
			case known:
				k.put(tagPre + rank)
			case strings.EqualFold(word, "sp"):
				k.put(sp)
			default:
				k.put(other)
				k.text(word)
			}
			if numbered {
				sep = '-'
				continue
			}
		case c == '.' || c == '-' || c == '_':
			sep = c
			if c == '_' {
				sep = '-'
			}
			if sep == '-' {
				zeros = 0
			}
			i++
			continue
		default:
			return false
		}
		sep = '-' // from digits to letters without a separator is a hyphen
	}
	k.put(end)
	return any
}

func mavenRank(word string, numbered bool) (rank byte, known bool) {
	for _, w := range [...]struct {
		long  string
		short byte
		rank  byte
	}{{"alpha", 'a', 1}, {"beta", 'b', 2}, {"milestone", 'm', 3}, {"rc", 0, 4}, {"cr", 0, 4}, {"snapshot", 0, 5}, {"final", 0, 0}, {"ga", 0, 0}, {"release", 0, 0}} {
		if strings.EqualFold(word, w.long) || numbered && len(word) == 1 && lower(word[0]) == w.short {
			return w.rank, true
		}
	}
	return 0, false
}

// gem orders as RubyGems' Gem::Version: letters below the end below numbers,
// zeros at the end of the numbers say nothing, a hyphen is ".pre." unless a
// platform follows.
func gem(k *key, v string) bool {
	const word, end, num = 0x10, 0x20, 0x30
	zeros, any := 0, false
	for i := 0; i < len(v); {
		c := v[i]
		switch {
		case digit(c):
			n := digits(v[i:])
			if t := trimZeros(v[i : i+n]); t == "" {
				zeros++
			} else {
				for ; zeros > 0; zeros-- {
					k.tag(num, "")
				}
				k.tag(num, t)
			}
			i, any = i+n, true
		case letter(c):
			n := letters(v[i:])
			zeros = 0
			k.put(word)
			k.raw(v[i : i+n])
			i += n
		case c == '-' && gemPlatform(v[i+1:]):
			i = len(v)
		case c == '-':
			zeros = 0
			k.put(word)
			k.raw("pre")
			i++
		case c == '.':
			i++
		default:
			return false
		}
	}
	k.put(end)
	return any && digit(v[0])
}

// gemPlatform reports whether what follows a hyphen is the platform a gem is
// built for (1.12.5-arm64-darwin), which file names and lock files append.
func gemPlatform(s string) bool {
	for _, p := range [...]string{"java", "jruby", "x86", "x64", "arm", "aarch64", "universal", "mswin", "mingw", "linux", "darwin", "powerpc", "ppc", "riscv", "s390"} {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// alpine orders as apk does: numbers, a letter, suffixes (_alpha, _beta, _pre,
// _rc below the release, _cvs, _svn, _git, _hg, _p above), then the revision.
// A component that starts with 0 is compared as a fraction.
func alpine(k *key, v string) bool {
	const pre, revision, post, one, fraction, num = 0x10, 0x20, 0x30, 0x40, 0x50, 0x60
	for first := true; ; first = false {
		n := digits(v)
		if n == 0 {
			return false
		}
		if !first && v[0] == '0' {
			k.put(fraction)
			k.raw(strings.TrimRight(v[:n], "0"))
		} else {
			k.tag(num, v[:n])
		}
		v = v[n:]
		if len(v) == 0 || v[0] != '.' {
			break
		}
		v = v[1:]
	}
	if len(v) > 0 && letter(v[0]) {
		k.put(one)
		k.put(lower(v[0]))
		v = v[1:]
	}
	for len(v) > 0 && v[0] == '_' {
		n := letters(v[1:])
		at := -1
		for i, w := range [...]string{"alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p"} {
			if v[1:1+n] == w {
				at = i
			}
		}
		if at < 0 {
			return false
		}
		tag := byte(pre + at)
		if at >= 4 {
			tag = byte(post + at)
		}
		v = v[1+n:]
		n = digits(v)
		k.tag(tag, v[:n])
		v = v[n:]
	}
	if len(v) > 0 && v[0] == '~' { // the commit it is built of
		for v = v[1:]; len(v) > 0 && v[0] != '-'; v = v[1:] {
		}
	}
	number := "0"
	if len(v) > 2 && v[0] == '-' && v[1] == 'r' {
		number, v = v[2:2+digits(v[2:])], v[2+digits(v[2:]):]
	}
	k.tag(revision, number)
	return v == ""
}
