package format

import "time"

// civil is a date and time of day as a log writes it.
type civil struct {
	year, month, day  int
	hour, min, sec    int
	nano              int
	offset            int // of its zone from UTC in seconds
	zoned             bool
	afternoon, halves bool // PM; the clock has twelve hours
}

// ns returns the time in nanoseconds since 1970 UTC. A time without a zone is
// in the given one, nil means UTC. Years that nanoseconds cannot hold, and days
// that no month has, are refused.
func (c *civil) ns(zone *time.Location) (int64, bool) {
	if c.halves {
		if c.hour < 1 || c.hour > 12 {
			return 0, false
		}
		c.hour %= 12
		if c.afternoon {
			c.hour += 12
		}
	}
	// A leap second, written as 60, is the first of the next minute.
	if c.year < 1678 || c.year > 2261 || c.month < 1 || c.month > 12 || c.day < 1 || c.day > daysIn(c.year, c.month) ||
		c.hour > 24 || c.min > 59 || c.sec > 60 || c.hour == 24 && c.min+c.sec+c.nano > 0 {
		return 0, false
	}
	if !c.zoned && zone != nil && zone != time.UTC {
		return time.Date(c.year, time.Month(c.month), c.day, c.hour, c.min, c.sec, c.nano, zone).UnixNano(), true
	}
	s := daysSince1970(c.year, c.month, c.day)*86400 + int64(c.hour*3600+c.min*60+c.sec-c.offset)
	return s*1e9 + int64(c.nano), true
}

var monthDays = [13]int{1: 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func daysIn(year, month int) int {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return monthDays[month]
}

// daysSince1970 counts from March, so that the leap day comes last.
func daysSince1970(year, month, day int) int64 {
	if month <= 2 {
		year, month = year-1, month+12
	}
	return int64(365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719468)
}

// parseTime reads the forms of time that logs have: RFC 3339 and its relatives
// with a blank, slashes or 年月日, with or without fraction and zone; the form of
// web servers (22/Nov/2026:20:01:02 +0900); RFC 1123 and asctime; the American
// 11/22/2026 8:01:02 PM; /Date(1795377662000)/; and the numbers of [parseUnix].
// A time without a zone is in the given one, nil means UTC. The result is in
// nanoseconds since 1970 UTC. Nothing may come after it but blanks.
func parseTime(b []byte, zone *time.Location) (int64, bool) {
	b = trim(b)
	if ns, ok := parseUnix(b); ok {
		return ns, true
	}
	if len(b) > 8 && string(b[:6]) == "/Date(" && b[len(b)-1] == '/' && b[len(b)-2] == ')' {
		ms, n, ok := digits(b[6:len(b)-2], 15)
		return int64(ms) * 1e6, ok && 6+n+2 == len(b)
	}
	c, n, ok := readCivil(b)
	if !ok || n != len(b) || c.year == 0 {
		return 0, false
	}
	return c.ns(zone)
}

// parseUnix reads a number as a time, by its size: seconds (also with a
// fraction), milliseconds, microseconds or nanoseconds since 1970, or the
// hundreds of nanoseconds since 1601 of Windows; 8 and 14 digits that start
// with 19 or 20 are a date (20261122) and a date with time.
func parseUnix(b []byte) (int64, bool) {
	v, n, ok := digits(b, 19)
	if !ok {
		return 0, false
	}
	if n < len(b) {
		if b[n] != '.' || v >= 1e10 {
			return 0, false
		}
		nano, m := fraction(b[n+1:])
		return int64(v)*1e9 + int64(nano), m > 0 && n+1+m == len(b) && v < 9e9
	}
	if (n == 8 || n == 14) && (b[0] == '2' && b[1] == '0' || b[0] == '1' && b[1] == '9') {
		c := civil{}
		if n == 14 {
			c.hour, c.min, c.sec = int(v/10000%100), int(v/100%100), int(v%100)
			v /= 1e6
		}
		c.year, c.month, c.day = int(v/10000), int(v/100%100), int(v%100)
		if ns, ok := c.ns(nil); ok {
			return ns, true
		}
		return 0, false
	}
	switch {
	case v < 9e9: // the year 2255
		return int64(v) * 1e9, true
	case v < 9e12:
		return int64(v) * 1e6, true
	case v < 9e15:
		return int64(v) * 1e3, true
	case v >= 1e17 && v < 2e17: // 1917 to 2234
		return (int64(v) - 116444736e9) * 100, true
	case v >= 2e17 && v < 9e18:
		return int64(v), true
	}
	return 0, false
}

// readCivil reads the time at the start of b and says how long it is. A form
// without a year leaves it 0.
func readCivil(b []byte) (c civil, n int, ok bool) {
	if len(b) < 6 {
		return c, 0, false
	}
	if b[0] == '*' || b[0] == '.' { // Cisco: not, or no longer, in step with its time server
		c, n, ok = readCivil(b[1:])
		return c, n + 1, ok
	}
	if isLetter(b[0]) {
		return readWordy(b)
	}
	first, n, ok := digits(b, 4)
	if !ok || n >= len(b) {
		return c, 0, false
	}
	switch {
	case n == 4:
		c.year = int(first)
		return readYearFirst(c, b, n)
	case n <= 2 && (b[n] == '/' || b[n] == '-') && n+1 < len(b) && isLetter(b[n+1]): // 22/Nov/2026:20:01:02, 22-Nov-2026 20:01:02
		c.day = int(first)
		m := monthOf(b[n+1:])
		if m == 0 || n+5 >= len(b) || b[n+4] != b[n] {
			return c, 0, false
		}
		y, k, _ := digits(b[n+5:], 4)
		c.month, c.year = m, int(y)
		return readClock(c, b, n+5+k, k == 4)
	case n <= 2 && b[n] == '/': // American
		d, k, _ := digits(b[n+1:], 2)
		at := n + 1 + k
		if k == 0 || at >= len(b) || b[at] != '/' {
			return c, 0, false
		}
		y, k, _ := digits(b[at+1:], 4)
		c.month, c.day, c.year = int(first), int(d), int(y)
		return readClock(c, b, at+1+k, k == 4)
	case n <= 2 && b[n] == ' ': // 22 Nov 2026 20:01:02
		c.day = int(first)
		c.month = monthOf(b[n+1:])
		if c.month == 0 || n+5 >= len(b) {
			return c, 0, false
		}
		y, k, _ := digits(b[n+5:], 4)
		c.year = int(y)
		return readClock(c, b, n+5+k, k == 4)
	}
	return c, 0, false
}

// readYearFirst goes on after the year: 2026-11-22, 2026/11/22, 2026.11.22,
// 2026年11月22日, 2026 Nov 22.
func readYearFirst(c civil, b []byte, at int) (civil, int, bool) {
	const kanji = 0xff // instead of a separator; no byte of UTF-8
	skip := func(sep byte, word string) bool {
		if at < len(b) && b[at] == sep {
			at++
			return true
		}
		if at+3 <= len(b) && string(b[at:at+3]) == word {
			at += 3
			return true
		}
		return false
	}
	sep := b[at]
	if sep == ' ' {
		at++
		if c.month = monthOf(b[at:]); c.month == 0 {
			return c, 0, false
		}
		at += 3
	} else {
		if sep >= 0x80 {
			sep = kanji
		} else if sep != '-' && sep != '/' && sep != '.' {
			return c, 0, false
		}
		if !skip(sep, "年") {
			return c, 0, false
		}
		m, k, _ := digits(b[at:], 2)
		if k == 0 {
			return c, 0, false
		}
		c.month, at = int(m), at+k
	}
	if !skip(sep, "月") {
		return c, 0, false
	}
	for at < len(b) && b[at] == ' ' {
		at++
	}
	d, k, _ := digits(b[at:], 2)
	c.day, at = int(d), at+k
	if k > 0 && sep == kanji && !skip(sep, "日") {
		return c, 0, false
	}
	return readClock(c, b, at, k > 0)
}

// readWordy reads Nov 22 20:01:02, Nov 22 2026 20:01:02, Nov 22 20:01:02 2026,
// and both with a day of the week before, and RFC 1123.
func readWordy(b []byte) (c civil, n int, ok bool) {
	at := 0
	m := monthOf(b)
	if m == 0 { // a day of the week
		for at < len(b) && isLetter(b[at]) && at < 9 {
			at++
		}
		if at < 3 || at >= len(b) || b[at] != ',' && b[at] != ' ' {
			return c, 0, false
		}
		for at < len(b) && (b[at] == ',' || b[at] == ' ') {
			at++
		}
		if at < len(b) && !isLetter(b[at]) {
			c, n, ok = readCivil(b[at:])
			return c, at + n, ok
		}
		if m = monthOf(b[at:]); m == 0 {
			return c, 0, false
		}
	}
	at += 3
	from := at
	for at < len(b) && b[at] == ' ' {
		at++
	}
	d, k, _ := digits(b[at:], 2)
	if k == 0 || at == from {
		return c, 0, false
	}
	c.month, c.day, at = m, int(d), at+k
	if at < len(b) && b[at] == ',' {
		at++
	}
	if y, k, _ := digits(b[min(at+1, len(b)):], 4); k == 4 && b[at] == ' ' && at+5 < len(b) && b[at+5] == ' ' {
		c.year, at = int(y), at+5
	}
	if c, at, ok = readClock(c, b, at, true); !ok {
		return c, 0, false
	}
	if c.year == 0 && at < len(b) && b[at] == ' ' {
		if y, k, _ := digits(b[at+1:], 4); k == 4 && y >= 1970 && endsYear(b[at+5:]) {
			c.year, at = int(y), at+5
		}
	}
	return c, at, true
}

// endsYear says whether a year may stand before b: 2001:db8::7 is a host.
func endsYear(b []byte) bool {
	return len(b) == 0 || b[0] == ' ' || b[0] == ']' || b[0] == ':' && len(b) > 1 && b[1] == ' '
}

// readClock goes on after the date with the time of day, fraction and zone. A
// date alone is midnight.
func readClock(c civil, b []byte, at int, ok bool) (civil, int, bool) {
	if !ok {
		return c, 0, false
	}
	if at >= len(b) {
		return c, at, true
	}
	switch b[at] {
	case 'T', 't', ' ', ':', '_':
	default:
		return c, at, true
	}
	i := at + 1
	for i < len(b) && b[i] == ' ' {
		i++
	}
	h, k, _ := digits(b[i:], 2)
	if k == 0 || i+k >= len(b) || b[i+k] != ':' {
		return c, at, true
	}
	i += k + 1
	m, k, _ := digits(b[i:], 2)
	if k == 0 {
		return c, 0, false
	}
	i += k
	c.hour, c.min = int(h), int(m)
	if i+1 < len(b) && b[i] == ':' {
		s, k, _ := digits(b[i+1:], 2)
		if k == 0 {
			return c, 0, false
		}
		c.sec, i = int(s), i+1+k
	}
	if i+1 < len(b) && (b[i] == '.' || b[i] == ',') {
		if nano, k := fraction(b[i+1:]); k > 0 {
			c.nano, i = nano, i+1+k
		}
	}
	i = readHalf(&c, b, i)
	return c, readZone(&c, b, i), true
}

// readHalf takes AM or PM.
func readHalf(c *civil, b []byte, at int) int {
	i := at
	if i < len(b) && b[i] == ' ' {
		i++
	}
	if i+2 <= len(b) && b[i+1]|0x20 == 'm' && (i+2 == len(b) || !isLetter(b[i+2])) && (b[i]|0x20 == 'a' || b[i]|0x20 == 'p') {
		c.halves, c.afternoon = true, b[i]|0x20 == 'p'
		return i + 2
	}
	return at
}

// readZone takes Z, +09:00, +0900, +09, and the names UTC, GMT and JST. Other
// names of zones mean different things in different countries.
func readZone(c *civil, b []byte, at int) int {
	i := at
	if i < len(b) && b[i] == ' ' {
		i++
	}
	if i >= len(b) {
		return at
	}
	switch b[i] {
	case 'Z', 'z':
		if i+1 < len(b) && isLetter(b[i+1]) {
			return at
		}
		c.zoned = true
		return i + 1
	case '+', '-':
		h, k, _ := digits(b[i+1:], 2)
		if k != 2 {
			return at
		}
		j := i + 3
		if j < len(b) && b[j] == ':' {
			j++
		}
		m, k, _ := digits(b[j:], 2)
		if k != 2 {
			m, j = 0, i+3
		} else {
			j += 2
		}
		if h > 18 || m > 59 {
			return at
		}
		c.zoned, c.offset = true, int(h*3600+m*60)
		if b[i] == '-' {
			c.offset = -c.offset
		}
		return j
	}
	if i+3 <= len(b) && (i+3 == len(b) || !isLetter(b[i+3])) {
		switch string(b[i : i+3]) {
		case "UTC", "GMT":
			c.zoned = true
			return i + 3
		case "JST":
			c.zoned, c.offset = true, 9*3600
			return i + 3
		}
	}
	return at
}

// monthOf returns the month of the three letters at the start of b, 0 if none.
func monthOf(b []byte) int {
	if len(b) < 3 {
		return 0
	}
	switch uint32(b[0]|0x20)<<16 | uint32(b[1]|0x20)<<8 | uint32(b[2]|0x20) {
	case 'j'<<16 | 'a'<<8 | 'n':
		return 1
	case 'f'<<16 | 'e'<<8 | 'b':
		return 2
	case 'm'<<16 | 'a'<<8 | 'r':
		return 3
	case 'a'<<16 | 'p'<<8 | 'r':
		return 4
	case 'm'<<16 | 'a'<<8 | 'y':
		return 5
	case 'j'<<16 | 'u'<<8 | 'n':
		return 6
	case 'j'<<16 | 'u'<<8 | 'l':
		return 7
	case 'a'<<16 | 'u'<<8 | 'g':
		return 8
	case 's'<<16 | 'e'<<8 | 'p':
		return 9
	case 'o'<<16 | 'c'<<8 | 't':
		return 10
	case 'n'<<16 | 'o'<<8 | 'v':
		return 11
	case 'd'<<16 | 'e'<<8 | 'c':
		return 12
	}
	return 0
}

// digits reads at most most digits and says how many there were.
func digits(b []byte, most int) (v uint64, n int, ok bool) {
	for n < len(b) && n < most && b[n]-'0' <= 9 {
		v = v*10 + uint64(b[n]-'0')
		n++
	}
	return v, n, n > 0
}

// fraction reads digits after a decimal point as nanoseconds; more than nine
// are read and dropped.
func fraction(b []byte) (nano, n int) {
	scale := 100_000_000
	for n < len(b) && b[n]-'0' <= 9 {
		nano += int(b[n]-'0') * scale
		scale /= 10
		n++
	}
	return nano, n
}

func isLetter(c byte) bool { return c|0x20-'a' < 26 }

// trim drops blanks at both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	return b
}

// yearOf gives times without a year theirs (RFC 3164 section 4.1.2 has none).
// It looks at nothing but its settings, so that every worker says the same.
type yearOf struct {
	zone  *time.Location
	year  int   // of the first record, with its month; 0 if not known
	month int   // of the first record
	last  int64 // the newest time that can be, in nanoseconds since 1970; 0 if not known
}

// slack is how far a clock may be ahead of the newest time that can be.
const slack = 24 * int64(time.Hour)

// ns returns the time of c. Without a year and without a hint of one it is 0.
func (y *yearOf) ns(c civil) (int64, bool) {
	if c.year != 0 {
		return c.ns(y.zone)
	}
	if y.year != 0 {
		// Logs go forward: a month before that of the first record is of the
		// next year. One month back is a clock that was set.
		c.year = y.year
		if y.month-c.month > 1 && y.month != 0 {
			c.year++
		}
		return c.ns(y.zone)
	}
	if y.last == 0 {
		c.year = 2000 // a leap year, so that only impossible days are refused
		_, ok := c.ns(y.zone)
		return 0, ok
	}
	c.year = time.Unix(0, y.last).UTC().Year() + 1
	for range 9 { // far enough back for a 29th of February
		at := c // ns changes hours of twelve
		if ns, ok := at.ns(y.zone); ok && ns <= y.last+slack {
			return ns, true
		}
		c.year--
	}
	return 0, false
}
