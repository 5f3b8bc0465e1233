package version

import "strings"

// pep440 orders as PEP 440 (Summary of permitted suffixes and relative
// ordering): epoch, release without zeros at its end, then development
// releases of it, pre-releases, the release, post-releases, local versions.
func pep440(k *key, v string) bool {
	const end, num = 0x10, 0x20
	v = unlead(v)
	epoch := ""
	if n := digits(v); n > 0 && n < len(v) && v[n] == '!' {
		epoch, v = v[:n], v[n+1:]
	}
	k.num(epoch)
	count, zeros := 0, 0
	for {
		n := digits(v)
		if n == 0 {
			if count == 0 {
				return false
			}
			break
		}
		count++
		if t := trimZeros(v[:n]); t == "" {
			zeros++
		} else {
			for ; zeros > 0; zeros-- {
				k.tag(num, "")
			}
			k.tag(num, t)
		}
		v = v[n:]
		if len(v) < 2 || v[0] != '.' || !digit(v[1]) {
			break
		}
		v = v[1:]
	}
	k.put(end)
	v, local, hasLocal := strings.Cut(v, "+")

	pre, preN, v := pepPart(v, "alpha", "a", "beta", "b", "preview", "pre", "rc", "c")
	post, postN := -1, ""
	if n := digits(strings.TrimPrefix(v, "-")); n > 0 && v[0] == '-' { // 1.0-1 is 1.0.post1
		post, postN, v = 0, v[1:1+n], v[1+n:]
	} else {
		post, postN, v = pepPart(v, "post", "rev", "r")
	}
	dev, devN, v := pepPart(v, "dev")
	if v != "" || hasLocal && local == "" {
		return false
	}
	switch {
	case pre >= 0:
		rank := [...]byte{2, 2, 3, 3, 4, 4, 4, 4}[pre]
		k.tag(rank, preN)
	case post < 0 && dev >= 0:
		k.put(1)
	default:
		k.put(9)
	}
	if post < 0 {
		k.put(1)
	} else {
		k.tag(2, postN)
	}
	if dev >= 0 {
		k.tag(1, devN)
	} else {
		k.put(2)
	}
	for local != "" {
		n := strings.IndexAny(local, ".-_")
		if n < 0 {
			n = len(local)
		}
		part := local[:n]
		switch {
		case part == "" || strings.Trim(part, alphanumeric) != "":
			return false
		case digits(part) == len(part):
			k.tag(0x20, part)
		default:
			k.put(0x18)
			k.text(part)
		}
		if local = local[n:]; local != "" {
			if local = local[1:]; local == "" {
				return false
			}
		}
	}
	k.put(end)
	return true
}

const alphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// pepPart reads one suffix: a separator, one of the words, a separator, a
// number. It gives the index of the word, or -1.
func pepPart(v string, words ...string) (which int, number, rest string) {
	s := v
	if len(s) > 0 && (s[0] == '.' || s[0] == '-' || s[0] == '_') {
		s = s[1:]
	}
	for i, w := range words {
		if !hasFold(s, w) {
			continue
		}
		s = s[len(w):]
		if len(s) > 1 && (s[0] == '.' || s[0] == '-' || s[0] == '_') && digit(s[1]) {
			s = s[1:]
		}
		n := digits(s)
		return i, s[:n], s[n:]
	}
	return -1, "", v
}
