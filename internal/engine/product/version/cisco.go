package version

// cisco reads IOS, IOS XE, IOS XR, ASA and FTD: 15.2(4)M3, 12.4(25d),
// 9.16(4)23 and the same as 9.16.4.23, 17.3.4a, 03.16.04b.S; with nx NX-OS:
// 7.0(3)I7(9), 10.2(3)F.
//
// The letters after the parenthesis are a train. Trains of the same line
// (15.2M and 15.2S) grow apart and have no order between them; other lines are
// ordered by their numbers. The F, M and R of NX-OS 9 and later only class a
// release. A build after a hyphen (7.2.5-208) is left out.
func cisco(k *key, v string, nx bool) bool {
	v = unname(v)
	if v == "" {
		return false
	}
	n := digits(v)
	k.tag(tagNum, v[:n])
	v = v[n:]
	if len(v) > 1 && v[0] == '.' && digit(v[1]) {
		n = digits(v[1:])
		k.tag(tagNum, v[1:1+n])
		v = v[1+n:]
	}
	if v == "" {
		k.put(0)
		return true
	}
	// The train is put before the numbers that follow the line, wherever it
	// stands in the text, so that what must be equal comes first.
	inner, train, tail := v, "", ""
	dots := true
	switch {
	case v[0] == '(':
		end := 1
		for end < len(v) && v[end] != ')' {
			end++
		}
		if end == len(v) {
			return false
		}
		inner, tail, dots = v[1:end], v[end+1:], false
		n = letters(tail)
		train, tail = tail[:n], tail[n:]
		if nx && n == 1 && tail == "" && (train == "f" || train == "F" || train == "m" || train == "M" || train == "r" || train == "R") {
			train = ""
		}
	case letter(v[0]):
		n = letters(v)
		inner, train, tail, dots = "", v[:n], v[n:], false
	}
	k.put(tagNum)
	k.from = k.n
	k.text(train)
	k.to = k.n
	zeros := 0
	for _, part := range [...]string{inner, tail} {
		for i := 0; i < len(part); {
			c := part[i]
			switch {
			case digit(c):
				n := digits(part[i:])
				if t := trimZeros(part[i : i+n]); t == "" {
					zeros++
				} else {
					zeros = flush(k, zeros)
					k.tag(tagNum, t)
				}
				i += n
			case letter(c): // rebuilds: 4a, 4bs
				zeros = flush(k, zeros)
				k.put(tagWord)
				k.put(lower(c))
				i++
			case c == '-' && dots, c == ' ':
				i = len(part)
			case c == '.', c == '(', c == ')', c == '_':
				i++
			default:
				return false
			}
		}
	}
	k.put(0)
	return true
}
