package version

import "strings"

// dotted puts the numbers between dots at the start of v, without the zeros at
// their end, and returns what follows them. None at all gives ok false.
func dotted(k *key, v string) (rest string, ok bool) {
	zeros := 0
	for {
		n := digits(v)
		if n == 0 {
			return v, ok
		}
		ok = true
		if t := trimZeros(v[:n]); t == "" {
			zeros++
		} else {
			zeros = flush(k, zeros)
			k.tag(tagNum, t)
		}
		v = v[n:]
		if len(v) < 2 || v[0] != '.' || !digit(v[1]) {
			return v, true
		}
		v = v[1:]
	}
}

// unlead drops a leading "v" or "version" and the blanks after it.
func unlead(v string) string {
	if n := letters(v); n > 0 && n != 2 && hasFold("version", v[:n]) {
		return strings.TrimLeft(v[n:], " .:")
	}
	return v
}

// unname drops the words before the number, as registers write them: "FortiOS
// v7.4.3", "PAN-OS 10.1.6", "Cupertino 17.9.4". Words that make a sentence
// ("before 7.0.3") leave nothing to read.
func unname(v string) string {
	for len(v) > 0 && !digit(v[0]) {
		n := letters(v)
		switch {
		case n > 0 && sentence(v[:n]):
			return ""
		case n > 0:
			v = v[n:]
		case v[0] == ' ' || v[0] == '-' || v[0] == '.' || v[0] == ':' || v[0] == '_':
			v = v[1:]
		default:
			return ""
		}
	}
	return v
}

// panos reads 10.1.6-h3: the hotfix follows the release it is built on; what
// comes after it (.xfr, -c12 of cloud images) is another packaging of the
// same. Betas precede the release.
func panos(k *key, v string) bool {
	rest, ok := dotted(k, unname(v))
	if !ok {
		return false
	}
	rest = strings.TrimLeft(rest, "-_ .")
	switch {
	case rest == "":
		k.put(tagEnd)
	case lower(rest[0]) == 'b' && len(rest) > 1 && digit(rest[1]):
		k.tag(tagPre+rankBeta, rest[1:1+digits(rest[1:])])
		k.put(tagEnd)
	case lower(rest[0]) == 'h' && len(rest) > 1 && digit(rest[1]):
		k.tag(tagWord, rest[1:1+digits(rest[1:])])
		k.put(tagEnd)
	case lower(rest[0]) == 'c' && len(rest) > 1 && digit(rest[1]), hasFold(rest, "xfr"):
		k.put(tagEnd)
	default:
		return false
	}
	return true
}

// fortios reads 7.4.3, "v7.4.3,build2573 (GA)": builds are left out, since
// advisories do not speak of them. Betas precede the release.
func fortios(k *key, v string) bool {
	rest, ok := dotted(k, unname(v))
	if !ok {
		return false
	}
	rest = strings.TrimLeft(rest, "-_ .,")
	switch {
	case rest == "", hasFold(rest, "build"), hasFold(rest, "ga"), rest[0] == '(' || rest[0] == '+', hasFold(rest, "b") && len(rest) > 1 && digit(rest[1]):
	case hasFold(rest, "beta"):
		rest = strings.TrimLeft(rest[4:], " .-_")
		k.tag(tagPre+rankBeta, rest[:digits(rest)])
	case hasFold(rest, "rc"):
		k.tag(tagPre+rankCandidate, rest[2:2+digits(rest[2:])])
	case hasFold(rest, "patch"), hasFold(rest, "p") && len(rest) > 1 && digit(rest[1]): // 5.2 patch 3 is 5.2.3
		rest = strings.TrimLeft(rest[letters(rest):], " .-_")
		k.tag(tagNum, rest[:digits(rest)])
	default:
		return false
	}
	k.put(tagEnd)
	return true
}

// ivanti reads 22.7R2.5 and 9.1R18.9: the R parts the line from the release.
// A build in parentheses or after a blank is left out.
func ivanti(k *key, v string) bool {
	rest, ok := dotted(k, unname(v))
	if !ok {
		return false
	}
	rest = strings.TrimLeft(rest, " -_.")
	if len(rest) > 1 && lower(rest[0]) == 'r' && digit(rest[1]) {
		k.put(tagWord)
		if rest, ok = dotted(k, rest[1:]); !ok {
			return false
		}
	}
	k.put(tagEnd)
	rest = strings.TrimLeft(rest, " -_.")
	return rest == "" || rest[0] == '(' || hasFold(rest, "build") || hasFold(rest, "hf")
}

// junos reads 21.4R3-S2: first the line 21.4, then R and its number, then the
// service release. The spin after a dot (R3.15, S2.3) is another build of the
// same, -EVO another packaging. Releases for a platform (15.1X49-D170) and R
// releases of the same line have no order between them.
func junos(k *key, v string) bool {
	v = unname(v)
	n := digits(v)
	if n == 0 || n == len(v) || v[n] != '.' {
		if n > 0 && n == len(v) {
			k.tag(tagNum, v)
			k.put(0)
			return true
		}
		return false
	}
	m := digits(v[n+1:])
	if m == 0 {
		return false
	}
	k.tag(tagNum, v[:n])
	k.tag(tagNum, v[n+1:n+1+m])
	v = trimEvo(v[n+1+m:])
	v = strings.TrimLeft(v, "-_ :.")
	if v == "" {
		k.put(0)
		return true
	}
	kind := lower(v[0])
	n = digits(v[1:])
	if kind != 'r' && kind != 'x' && kind != 'f' && kind != 'i' && kind != 'b' && kind != 's' || n == 0 {
		return false
	}
	number := v[1 : 1+n]
	v = v[1+n:]
	if kind == 's' { // 21.4-S2: a service release of the first
		v, kind, number = "-s"+number+v, 'r', "0"
	}
	if kind == 'f' { // feature releases were named so before they were R
		kind = 'r'
	}
	k.put(tagNum)
	k.from = k.n
	k.put(kind)
	if kind == 'x' {
		k.num(number)
	}
	k.to = k.n
	if kind != 'x' {
		k.num(number)
	}
	v = spin(v)
	for range 2 { // -D170 and -S3, in this order
		v = strings.TrimLeft(v, "-_ :")
		if len(v) < 2 || !digit(v[1]) {
			break
		}
		c := lower(v[0])
		if c != 'd' && c != 's' {
			return false
		}
		n = digits(v[1:])
		k.put(tagWord + c&1) // d before s would be 0x50 and 0x51
		k.num(v[1 : 1+n])
		v = spin(v[1+n:])
	}
	k.put(0)
	return strings.TrimLeft(v, "-_ :") == ""
}

// spin drops the number of a build.
func spin(v string) string {
	if len(v) > 1 && v[0] == '.' && digit(v[1]) {
		return v[1+digits(v[1:]):]
	}
	return v
}

func trimEvo(v string) string {
	if n := len(v) - 4; n >= 0 && strings.EqualFold(v[n:], "-evo") {
		return v[:n]
	}
	return v
}

// date reads 2024-03-01, 20240301, 2024.3, and times after them. Months and
// days that cannot be are not read.
func date(k *key, v string) bool {
	for n := letters(v); n > 0; n = letters(v) { // RELEASE.2024-05-10T01-41-38Z
		v = strings.TrimLeft(v[n:], " .-_")
	}
	n := digits(v)
	year, rest := v[:n], v[n:]
	switch n {
	case 4:
	case 6, 8, 12, 14:
		year, rest = v[:4], v[4:]
	default:
		return false
	}
	if year < "1970" {
		return false
	}
	k.tag(tagNum, year)
	limits := [...]string{"12", "31", "24", "59", "60"}
	for i := 0; ; i++ {
		rest = strings.TrimLeft(rest, "-._/ :Tt")
		n = digits(rest)
		if n == 0 {
			break
		}
		if i < 2 && n > 2 || i >= 2 && i < 5 && (n == 4 || n == 6) {
			n = 2
		}
		t := trimZeros(rest[:n])
		if i < 2 && (t == "" || len(t) > 2 || len(t) == 2 && t > limits[i]) {
			return false
		}
		k.tag(tagNum, t)
		rest = rest[n:]
	}
	k.put(tagEnd)
	return rest == "" || rest == "Z" || rest == "z"
}

// java reads 1.8.0_191, 8u191, 8.0.191, "1.8.0 update 191" as the same, and
// 17.0.1+12 as 17.0.1: builds are left out. Early access precedes the release.
func java(k *key, v string) bool {
	if n := letters(v); n > 0 && (strings.EqualFold(v[:n], "jdk") || strings.EqualFold(v[:n], "jre")) {
		v = strings.TrimLeft(v[n:], "-_ ")
	}
	v = unlead(v)
	if len(v) > 2 && v[0] == '1' && v[1] == '.' && digit(v[2]) && (len(v) == 3 || !digit(v[3])) && v[2] > '2' {
		v = v[2:]
	}
	pre, zeros, count := byte(0), 0, 0
	for i := 0; i < len(v); {
		n := digits(v[i:])
		if n > 0 {
			if t := trimZeros(v[i : i+n]); t == "" {
				zeros++
			} else {
				zeros = flush(k, zeros)
				k.tag(tagNum, t)
			}
			count++
			i += n
			continue
		}
		if n = letters(v[i:]); n > 0 {
			word := v[i : i+n]
			i += n
			switch {
			case strings.EqualFold(word, "u") || strings.EqualFold(word, "update"):
				for ; count < 2; count++ { // 8u191 is 8.0.191
					zeros++
				}
			case strings.EqualFold(word, "ea"):
				pre = tagPre + rankPreview
				i = len(v)
			case strings.EqualFold(word, "b") || strings.EqualFold(word, "lts"):
				i = len(v)
			default:
				return false
			}
			continue
		}
		if v[i] == '+' {
			break
		}
		i++
	}
	if pre != 0 {
		k.put(pre)
	}
	k.put(tagEnd)
	return count > 0
}
