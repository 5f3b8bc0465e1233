package incident

import (
	"strings"
	"time"

	"noroshi/internal/base/text"
)

// line writes an answer as a form shows it: like Echo, but a question without
// an answer says so, and a table counts the rows that stand below it.
func (f *Field) line(v Value, say text.Printer) string {
	rows, table := v.V.([]Row)
	switch {
	case !v.Answered():
		return say.T("incident.sheet.none")
	case table && v.State == Known:
		return say.T("incident.sheet.rows", "n", len(rows))
	}
	return f.Echo(v, say)
}

// cells lays rows out as a table of the columns that any row fills.
func (f *Field) cells(rows []Row, say text.Printer) (head []string, cells [][]string) {
	cells = make([][]string, len(rows))
	for _, c := range f.Columns {
		used := false
		for _, r := range rows {
			used = used || r[c.ID] != ""
		}
		if !used {
			continue
		}
		head = append(head, c.Label.In(say.Lang))
		for i, r := range rows {
			cells[i] = append(cells[i], sayText(c.Type, c.Options, r[c.ID], say))
		}
	}
	return head, cells
}

// SayMoment writes an instant of a clock in a zone. The end of a day is 24:00
// of that day, not 00:00 of the next.
func SayMoment(at time.Time, dayEnd bool, zone string, say text.Printer) string {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	say.Zone = loc
	if !dayEnd {
		return say.Time(at)
	}
	day := at.In(loc).Add(-time.Nanosecond)
	if say.Lang == text.JA {
		return say.Date(day) + "24:00 " + day.Format("MST")
	}
	return say.Date(day) + ", 24:00 " + day.Format("MST")
}

// Say writes what a clock tells: its deadline with its zone, or why there is
// none. A house target is named as such and never as a deadline of the law.
func (c *Clock) Say(say text.Printer) string {
	moment := func(at *time.Time) string {
		s := SayMoment(*at, c.DayEnd, c.Zone, say)
		if c.Zone != "Asia/Tokyo" { // readers in Japan need not convert
			s += say.T("incident.clock.also", "at", SayMoment(*at, false, "Asia/Tokyo", say))
		}
		return s
	}
	var s string
	switch {
	case c.State == ClockOff:
		return say.T("incident.clock.off")
	case c.Kind == NoLimit && c.Submitted != nil: // no word of a limit for what is done
		return strings.TrimLeft(say.T("incident.clock.met", "at", SayMoment(*c.Submitted, false, c.Zone, say)), "　, ")
	case c.Kind == NoLimit:
		return say.T("incident.clock.none")
	case c.Due != nil:
		s = say.T("incident.clock.due", "at", moment(c.Due))
	case c.Kind == Promptly && c.HouseDue != nil:
		s = say.T("incident.clock.promptly_house", "at", moment(c.HouseDue))
	case c.Kind == Promptly:
		s = say.T("incident.clock.promptly")
	default:
		return say.T("incident.clock.waiting." + string(c.Start))
	}
	if c.Assumed {
		s += say.T("incident.clock.assumed")
	}
	switch c.State {
	case ClockMet, ClockMetLate:
		s += say.T("incident.clock."+string(c.State), "at", SayMoment(*c.Submitted, false, c.Zone, say))
	case ClockLate:
		s += say.T("incident.clock.late")
	}
	if !c.Verified && c.Due != nil {
		s += say.T("incident.clock.unverified")
	}
	return s
}

// SayLeft writes what is left to a statutory deadline, or how long it is past;
// empty when nothing counts.
func (c *Clock) SayLeft(now time.Time, say text.Printer) string {
	switch c.State {
	case ClockRunning, ClockSoon, ClockLate:
		return say.Left(*c.Due, now)
	}
	return ""
}
