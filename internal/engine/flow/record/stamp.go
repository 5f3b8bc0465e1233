package record

// AppendTime appends nanoseconds since 1970 as RFC 3339 in UTC with
// microseconds. Package time takes three times as long, and records have
// several times each.
func AppendTime(b []byte, ns int64) []byte {
	return append(AppendStamp(b, ns), 'Z')
}

// AppendStamp is AppendTime without the zone.
func AppendStamp(b []byte, ns int64) []byte {
	us := floorDiv(ns, 1000)
	day := floorDiv(us, 86400e6)
	year, month, date := civil(day)
	us -= day * 86400e6
	seconds, micros := uint32(us/1e6), uint32(us%1e6)
	b = append(b, "0000-00-00T00:00:00.000000"...)
	s := b[len(b)-26:]
	two(s, 0, uint32(year)/100)
	two(s, 2, uint32(year)%100)
	two(s, 5, month)
	two(s, 8, date)
	two(s, 11, seconds/3600)
	two(s, 14, seconds/60%60)
	two(s, 17, seconds%60)
	two(s, 20, micros/10000)
	two(s, 22, micros/100%100)
	two(s, 24, micros%100)
	return b
}

// two writes a number below 100 at a place.
func two(s []byte, at int, v uint32) {
	s[at], s[at+1] = byte('0'+v/10), byte('0'+v%10)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// civil is the date of a number of days since 1970-01-01 in the Gregorian
// calendar, for years from 0 on. Years begin with March here, so that the day
// that some have more is their last; 400 of them have 146,097 days.
func civil(days int64) (year int64, month, date uint32) {
	days += 719468 // from 0000-03-01
	era := floorDiv(days, 146097)
	doe := uint32(days - era*146097)
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	year, month, date = int64(yoe)+era*400, mp+3, doy-(153*mp+2)/5+1
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, date
}
