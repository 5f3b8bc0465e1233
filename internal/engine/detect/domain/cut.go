package domain

// Span tells where the label under the public suffix stands in a name.
type Span struct {
	From, To int
	OK       bool
	Reverse  bool // under arpa: a reverse lookup
}

// Cut finds the label under the public suffix: "example" in
// www.example.co.jp. The suffixes with more than one label are known by a
// small table: the second-level names of country domains (co.jp, or.jp, lg.jp,
// com.br …), Japan's prefecture names with the municipality below them
// (city.prefecture.jp), and providers of dynamic names, where a label below is
// what a person or an algorithm chooses.
func Cut[T string | []byte](name T) (s Span) {
	end := len(name)
	if end > 0 && name[end-1] == '.' {
		end--
	}
	if end == 0 || end > 253 {
		return s
	}
	// The last labels of the name, from the right.
	var from, to [5]int
	n, stop := 0, end
	for i := end - 1; i >= -1 && n < len(from); i-- {
		if i == -1 || name[i] == '.' {
			from[n], to[n] = i+1, stop
			if from[n] == to[n] || to[n]-from[n] > maxLabel {
				return s // an empty or an overlong label
			}
			n++
			stop = i
		}
	}
	if n < 2 || numeric(name[from[0]:to[0]]) {
		return s // one label, or an address
	}
	k := suffixLabels(name, &from, &to, n)
	if k >= n {
		return s // the name is itself a suffix
	}
	return Span{From: from[k], To: to[k], OK: true, Reverse: same(name[from[0]:to[0]], "arpa")}
}

// suffixLabels returns how many labels from the right are the public suffix.
func suffixLabels[T string | []byte](name T, from, to *[5]int, n int) int {
	tld, second := name[from[0]:to[0]], name[from[1]:to[1]]
	if n >= 3 && oneOf(name[from[1]:to[0]], dynamicNames[:]) {
		return 2
	}
	if len(tld) != 2 {
		return 1
	}
	if same(tld, "jp") {
		if oneOf(second, japanSecond[:]) {
			return 2
		}
		if oneOf(second, prefectures[:]) {
			return 3 // municipality.prefecture.jp is the suffix
		}
		return 1
	}
	// A second-level name is at most four letters, which spares the search.
	if len(second) <= 4 && oneOf(second, countrySecond[:]) {
		return 2
	}
	return 1
}

func numeric[T string | []byte](s T) bool {
	for i := range len(s) {
		if !(s[i] >= '0' && s[i] <= '9') {
			return false
		}
	}
	return true
}

// same compares without regard to case; want is in lower case.
func same[T string | []byte](s T, want string) bool {
	if len(s) != len(want) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != want[i] {
			return false
		}
	}
	return true
}

func oneOf[T string | []byte](s T, list []string) bool {
	for _, want := range list {
		if same(s, want) {
			return true
		}
	}
	return false
}

// lower copies a label in lower case.
func lower[T string | []byte](to *[maxLabel]byte, label T) int {
	n := min(len(label), maxLabel)
	for i := range n {
		c := label[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		to[i] = c
	}
	return n
}

// idn reports whether a label is a name in another script (RFC 5890 section
// 2.3.2.1): "xn--" and a Punycode text that decodes.
func idn(label []byte) bool {
	return len(label) > 4 && string(label[:4]) == "xn--" && punycode(label[4:])
}

// punycode decodes RFC 3492 section 6.2 and reports whether the text is valid
// and names at least one character that is not ASCII.
func punycode(s []byte) bool {
	const base, tmin, tmax, skew, damp = 36, 1, 26, 38, 700
	out, basic := 0, 0
	for i, c := range s {
		if c == '-' {
			basic = i
		}
	}
	if basic > 0 {
		out = basic
		s = s[basic+1:]
	} else if len(s) > 0 && s[0] == '-' {
		s = s[1:]
	}
	n, i, bias, first := 128, 0, 72, true
	found := false
	for len(s) > 0 {
		old, w := i, 1
		for k := base; ; k += base {
			if len(s) == 0 {
				return false
			}
			d := digit(s[0])
			s = s[1:]
			if d < 0 || i > 1<<26 || w > 1<<26 {
				return false
			}
			i += d * w
			t := min(max(k-bias, tmin), tmax)
			if d < t {
				break
			}
			w *= base - t
		}
		out++
		delta := (i - old) / 2
		if first {
			delta = (i - old) / damp
		}
		first = false
		delta += delta / out
		k := 0
		for ; delta > (base-tmin)*tmax/2; k += base {
			delta /= base - tmin
		}
		bias = k + (base-tmin+1)*delta/(delta+skew)
		n += i / out
		i %= out
		if n > 0x10ffff || n >= 0xd800 && n < 0xe000 {
			return false
		}
		found = true
		i++
	}
	return found
}

func digit(c byte) int {
	switch {
	case c >= 'a' && c <= 'z':
		return int(c - 'a')
	case c >= '0' && c <= '9':
		return int(c-'0') + 26
	}
	return -1
}
