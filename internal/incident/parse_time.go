package incident

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"noroshi/internal/base/fault"
)

var (
	commonDay  = regexp.MustCompile(`^([0-9]{4})(?: ?[-/.年] ?)([0-9]{1,2})(?: ?[-/.月] ?)([0-9]{1,2}) ?日?`)
	compactDay = regexp.MustCompile(`^([0-9]{4})([0-9]{2})([0-9]{2})(?:[^0-9]|$)`)
	eraDay     = regexp.MustCompile(`^(?i)(令和|平成|昭和|R|H|S)\.? ?(元|[0-9]{1,2})(?: ?[-/.年] ?)([0-9]{1,2})(?: ?[-/.月] ?)([0-9]{1,2}) ?日?`)
	dayMonth   = regexp.MustCompile(`^([0-9]{1,2}) ([A-Za-z]{3,9})\.?,? ([0-9]{4})`)
	monthDay   = regexp.MustCompile(`^([A-Za-z]{3,9})\.? ([0-9]{1,2}),? ([0-9]{4})`)
	noYear     = regexp.MustCompile(`^[0-9]{1,2} ?[-/月] ?[0-9]{1,2}(?:[^0-9]|$)`)
	weekdayJA  = regexp.MustCompile(`^\(?([月火水木金土日])(?:曜日?)?\)?`)
	weekdayEN  = regexp.MustCompile(`^(?i)\(?(mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\)?\.?,?(?: |$)`)
	clockPart  = regexp.MustCompile(`(?i)(午前|午後|am|pm)? ?([0-9]{1,2}) ?(?::|時) ?(半|[0-9]{1,2})?(?: ?[:分] ?([0-9]{1,2})?(?:\.[0-9]{1,9})?)? ?秒? ?(am\b|pm\b)?`)
	clockOnly  = regexp.MustCompile(`(?i)^(?:午前|午後|am|pm)? ?[0-9]{1,2} ?(?::|時).{0,20}$`)
	offsetForm = regexp.MustCompile(`^(?:UTC|GMT)?([+-])([0-9]{1,2}):?([0-9]{2})?$`)
)

// eras give the year before the first and the days of the first and last.
var eras = map[string]struct {
	before      int
	first, last string
}{
	"令和": {2018, "2019-05-01", "9999-12-31"}, "R": {2018, "2019-05-01", "9999-12-31"},
	"平成": {1988, "1989-01-08", "2019-04-30"}, "H": {1988, "1989-01-08", "2019-04-30"},
	"昭和": {1925, "1926-12-25", "1989-01-07"}, "S": {1925, "1926-12-25", "1989-01-07"},
}

// parseDay reads the day at the start of a folded text and returns the rest.
// A weekday beside it has to agree: it is how a slip of the hand shows.
func parseDay(s string) (day time.Time, rest string, err *fault.Error) {
	said := -1
	if m := weekdayEN.FindStringSubmatch(s); m != nil {
		said, s = weekday(m[1]), s[len(m[0]):]
	}
	var y, mo, d int
	if m := commonDay.FindStringSubmatch(s); m != nil {
		y, mo, d, rest = atoi(m[1]), atoi(m[2]), atoi(m[3]), s[len(m[0]):]
	} else if m := eraDay.FindStringSubmatch(s); m != nil {
		era := eras[strings.ToUpper(m[1])]
		n := 1
		if m[2] != "元" {
			n = atoi(m[2])
		}
		y, mo, d, rest = era.before+n, atoi(m[3]), atoi(m[4]), s[len(m[0]):]
		if at := fmt.Sprintf("%04d-%02d-%02d", y, mo, d); n == 0 || at < era.first || at > era.last {
			return day, "", say("incident.parse.era")
		}
	} else if m := compactDay.FindStringSubmatch(s); m != nil {
		y, mo, d, rest = atoi(m[1]), atoi(m[2]), atoi(m[3]), s[8:]
	} else if m := dayMonth.FindStringSubmatch(s); m != nil {
		y, mo, d, rest = atoi(m[3]), month(m[2]), atoi(m[1]), s[len(m[0]):]
	} else if m := monthDay.FindStringSubmatch(s); m != nil {
		y, mo, d, rest = atoi(m[3]), month(m[1]), atoi(m[2]), s[len(m[0]):]
	} else if noYear.MatchString(s) {
		return day, "", say("incident.parse.year")
	} else {
		return day, "", say("incident.parse.date")
	}
	day = time.Date(y, time.Month(mo), d, 0, 0, 0, 0, time.UTC)
	if day.Day() != d || int(day.Month()) != mo || !plausible(day) {
		return day, "", say("incident.parse.no_day", "date", fmt.Sprintf("%d-%d-%d", y, mo, d))
	}
	rest = strings.TrimLeft(rest, " ,")
	if m := weekdayJA.FindStringSubmatch(rest); m != nil {
		said, rest = strings.Index("日月火水木金土", m[1])/len("日"), rest[len(m[0]):]
	} else if m := weekdayEN.FindStringSubmatch(rest); m != nil {
		said, rest = weekday(m[1]), rest[len(m[0]):]
	}
	if said >= 0 && said != int(day.Weekday()) {
		return day, "", say("incident.parse.weekday")
	}
	return day, strings.TrimLeft(rest, " ,"), nil
}

func weekday(s string) int {
	return strings.Index("sunmontuewedthufrisat", strings.ToLower(s)) / 3
}

// month returns 1 to 12 for a month's English name or its first letters; 0
// for what is none, which no day exists in.
func month(s string) int {
	for m := time.January; m <= time.December; m++ {
		if strings.HasPrefix(strings.ToLower(m.String()), strings.ToLower(s)) || strings.EqualFold(s, "sept") && m == time.September {
			return int(m)
		}
	}
	return 0
}

// parseDate reads a day: 2026/11/5, 令和8年11月5日（木）, R8.11.5, 5 Nov 2026.
func parseDate(s string) (string, *fault.Error) {
	day, rest, err := parseDay(fold(s))
	if err != nil {
		return "", err
	}
	if rest != "" {
		return "", say("incident.parse.date")
	}
	return day.Format(time.DateOnly), nil
}

// parseInstant reads a moment in any of the ways parseDate reads a day, with
// a time of day up to 24:00, and a zone after it or the one given.
func parseInstant(s string, zone *time.Location) (string, *fault.Error) {
	s = fold(s)
	strict := canonInstant(strings.ToUpper(s))
	if t, err := time.Parse(time.RFC3339, strict); err == nil && plausible(t) {
		return strict, nil
	}
	day, rest, err := parseDay(s)
	switch {
	case err != nil && err.Code == "incident.parse.date":
		return "", say("incident.parse.instant")
	case err != nil:
		return "", err
	}
	rest = strings.TrimLeft(strings.TrimPrefix(rest, "T"), " ")
	m := clockPart.FindStringSubmatch(rest)
	if m == nil || !strings.HasPrefix(rest, m[0]) {
		if strings.Trim(rest, " ") == "" {
			return "", say("incident.parse.time")
		}
		return "", say("incident.parse.instant")
	}
	hour, minute, second := atoi(m[2]), atoi(m[3]), atoi(m[4])
	if m[3] == "半" {
		minute = 30
	}
	switch half := strings.ToLower(m[1] + m[5]); {
	case half != "" && (hour > 12 || m[1] != "" && m[5] != ""):
		return "", say("incident.parse.instant")
	case half == "午後" || half == "pm":
		hour = hour%12 + 12
	case half == "am":
		hour %= 12
	}
	if hour > 24 || minute > 59 || second > 59 || hour == 24 && minute+second > 0 {
		return "", say("incident.parse.instant")
	}
	name := strings.Trim(rest[len(m[0]):], " ()に頃")
	if name != "" {
		var ok bool
		if zone, ok = zoneOf(name); !ok {
			return "", say("incident.parse.zone", "zone", shorten(name))
		}
	}
	return wallClock(day, hour, minute, second, zone)
}

// wallClock finds the instant at which a clock on the wall shows this. In a
// zone with summer time there may be none, or two.
func wallClock(day time.Time, hour, minute, second int, zone *time.Location) (string, *fault.Error) {
	want := day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second)
	t := time.Date(want.Year(), want.Month(), want.Day(), want.Hour(), want.Minute(), want.Second(), 0, zone)
	shows := t.Format(time.DateTime)
	if shows != want.Format(time.DateTime) {
		return "", say("incident.parse.gap")
	}
	for _, d := range []time.Duration{-time.Hour, -30 * time.Minute, 30 * time.Minute, time.Hour} {
		if t.Add(d).Format(time.DateTime) == shows {
			return "", say("incident.parse.twice")
		}
	}
	return t.Format(time.RFC3339), nil
}

// hours east of Greenwich of the abbreviations that mean one zone only to the
// people who report here. CST and IST mean several and are not among them.
var abbreviations = map[string]int{
	"JST": 9, "日本時間": 9, "日本標準時": 9, "UTC": 0, "GMT": 0, "Z": 0, "協定世界時": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2,
	"EET": 2, "EEST": 3, "SGT": 8, "KST": 9, "AEST": 10, "AEDT": 11, "EST": -5, "EDT": -4, "PST": -8, "PDT": -7,
}

// zoneOf reads JST, UTC, CET and their like, or an offset such as +09:00.
func zoneOf(s string) (*time.Location, bool) {
	up := strings.ToUpper(strings.ReplaceAll(s, " ", ""))
	if h, ok := abbreviations[up]; ok {
		return time.FixedZone(up, h*3600), true
	}
	m := offsetForm.FindStringSubmatch(strings.ReplaceAll(up, "−", "-"))
	if m == nil {
		return nil, false
	}
	seconds := atoi(m[2])*3600 + atoi(m[3])*60
	if atoi(m[2]) > 14 || atoi(m[3]) > 59 {
		return nil, false
	}
	if m[1] == "-" {
		seconds = -seconds
	}
	return time.FixedZone("", seconds), true
}
