package incident

import (
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // a machine without zone files counts the same deadlines

	"noroshi/internal/base/text"
)

// StartKind is the event from which a deadline is counted.
type StartKind string

// The start events of the regimes of data/profiles.
const (
	StartRecognised       StartKind = "recognised"        // 認知: Act 42 art 5
	StartReasonableBelief StartKind = "reasonable_belief" // 6 USC 681b
	StartAware            StartKind = "aware"             // NIS2, SOCI, UK Bill
	StartPayment          StartKind = "payment"           // CIRCIA ransom payment
	StartClassification   StartKind = "classification"    // DORA
	StartOccurrence       StartKind = "occurrence"        // telecom accidents
	StartPreviousStage    StartKind = "previous_stage"    // submission of the stage before
)

// startFields says which answers give a start event its instant. An answer
// after the first is only assumed to be that event, and the clock says so.
var startFields = map[StartKind][]FieldID{
	StartRecognised:       {"event.recognised_at"},
	StartReasonableBelief: {"foreign.reasonable_belief_at", "event.recognised_at"},
	StartAware:            {"foreign.aware_at", "event.recognised_at"},
	StartPayment:          {"payment.paid_at"},
	StartClassification:   {"foreign.classified_at"},
	StartOccurrence:       {"event.occurred_at", "event.recognised_at"},
	StartPreviousStage:    nil,
}

// DurationKind is how a deadline is counted.
type DurationKind string

// The kinds. Promptly has no number: a house target beside it is ours and is
// never shown as a statutory deadline.
const (
	Hours    DurationKind = "hours"    // elapsed time; summer time does not change it
	Days     DurationKind = "days"     // calendar days in the zone
	Months   DurationKind = "months"   // the same date, or the month's last day
	Promptly DurationKind = "promptly" // 速やかに
	NoLimit  DurationKind = "none"     // no deadline
)

// FirstDay says whether the day of the start event is day one.
type FirstDay string

// The first-day rules.
const (
	FirstDayNext FirstDay = "next" // the day after is day one (Civil Code art 140)
	FirstDaySame FirstDay = "same" // the day itself is day one
)

// End says at what moment of its last day a period of days or months ends.
type End string

// The ends.
const (
	EndOfDay  End = "day"     // 24:00 in the zone
	EndSameAt End = "instant" // the time of day of the start event
)

// HolidayRule says what happens to a period whose last day is a day off.
type HolidayRule string

// The holiday rules.
const (
	HolidayNone            HolidayRule = "none"              // it ends on that day
	HolidayNextBusinessDay HolidayRule = "next_business_day" // weekends and Japan's national holidays
	HolidayNextOfficeDay   HolidayRule = "next_office_day"   // and 29 December to 3 January
)

// Duration is how long a regime gives, as its data file says it.
type Duration struct {
	Kind     DurationKind `toml:"kind" json:"kind"`
	N        int          `toml:"n" json:"n,omitempty"`
	FirstDay FirstDay     `toml:"first_day" json:"first_day,omitempty"` // days only; next when empty
	End      End          `toml:"end" json:"end,omitempty"`             // days and months only; day when empty
	Holiday  HolidayRule  `toml:"holiday" json:"holiday,omitempty"`     // days and months that end with the day only; none when empty
}

// maxCount bounds a duration: no regime counts further than ten years.
var maxCount = map[DurationKind]int{Hours: 24 * 3660, Days: 3660, Months: 120}

// check refuses a duration that says too little, or what its kind has no use for.
func (d Duration) check() error {
	limit, counted := maxCount[d.Kind]
	switch {
	case !counted && d.Kind != Promptly && d.Kind != NoLimit:
		return fmt.Errorf("no duration kind %q", d.Kind)
	case counted && (d.N < 1 || d.N > limit):
		return fmt.Errorf("n is %d, want 1 to %d", d.N, limit)
	case !counted && d.N != 0:
		return fmt.Errorf("%q has no number", d.Kind)
	case d.FirstDay != "" && d.Kind != Days:
		return errors.New("first_day belongs to days")
	case d.FirstDay != "" && d.FirstDay != FirstDayNext && d.FirstDay != FirstDaySame:
		return fmt.Errorf("no first_day %q", d.FirstDay)
	case (d.End != "" || d.Holiday != "") && d.Kind != Days && d.Kind != Months:
		return errors.New("end and holiday belong to days and months")
	case d.End != "" && d.End != EndOfDay && d.End != EndSameAt:
		return fmt.Errorf("no end %q", d.End)
	case d.Holiday != "" && d.Holiday != HolidayNone && d.Holiday != HolidayNextBusinessDay && d.Holiday != HolidayNextOfficeDay:
		return fmt.Errorf("no holiday rule %q", d.Holiday)
	}
	return nil
}

// EndsWithDay reports whether the deadline is written as 24:00 of its last day.
func (d Duration) EndsWithDay() bool {
	return (d.Kind == Days || d.Kind == Months) && d.End != EndSameAt
}

// Due returns the instant at which a period that starts at start is over, and
// whether it has one. The end of a day is 00:00 of the next: the deadline is
// kept by an act before that instant. Months keep the date, clamped to the
// month's last day (as in Regulation 1182/71 art 3(2)(c)).
func (d Duration) Due(start time.Time, zone *time.Location) (time.Time, bool) {
	local := start.In(zone)
	y, m, day := local.Date()
	var last time.Time // midnight UTC stands for the civil day
	switch d.Kind {
	case Hours:
		return start.Add(time.Duration(d.N) * time.Hour), true
	case Days:
		n := d.N
		if d.FirstDay == FirstDaySame {
			n--
		}
		last = time.Date(y, m, day+n, 0, 0, 0, 0, time.UTC)
	case Months:
		first := time.Date(y, m+time.Month(d.N), 1, 0, 0, 0, 0, time.UTC)
		last = first.AddDate(0, 0, min(day, daysIn(first))-1)
	default:
		return time.Time{}, false
	}
	rule := d.Holiday
	if rule == "" {
		rule = HolidayNone
	}
	last = holidays().move(last, rule)
	if d.EndsWithDay() {
		return civil(last.AddDate(0, 0, 1), 0, zone), true
	}
	h, mi, s := local.Clock()
	return civil(last, time.Duration(h)*time.Hour+time.Duration(mi)*time.Minute+time.Duration(s)*time.Second+time.Duration(local.Nanosecond()), zone), true
}

func daysIn(first time.Time) int { return first.AddDate(0, 1, -1).Day() }

// civil returns the instant at which the clocks of a zone show the time of
// day on the day. A time shown twice is the earlier instant; a time skipped
// is counted with the offset before the skip (RFC 5545 section 3.3.5).
func civil(day time.Time, clock time.Duration, zone *time.Location) time.Time {
	wall := day.Add(clock)
	_, before := wall.Add(-26 * time.Hour).In(zone).Zone()
	_, after := wall.Add(26 * time.Hour).In(zone).Zone()
	a := wall.Add(-time.Duration(before) * time.Second).In(zone)
	b := wall.Add(-time.Duration(after) * time.Second).In(zone)
	shows := func(t time.Time) bool {
		_, off := t.Zone()
		return t.UTC().Add(time.Duration(off) * time.Second).Equal(wall)
	}
	if b.Before(a) && shows(b) {
		return b
	}
	if !shows(a) && shows(b) {
		return b
	}
	return a
}

// ClockState says how a deadline stands.
type ClockState string

// The states.
const (
	ClockRunning ClockState = "running" // counting
	ClockSoon    ClockState = "soon"    // less than 24 hours are left
	ClockLate    ClockState = "late"    // over, and nothing was submitted
	ClockMet     ClockState = "met"     // submitted in time, or where there was no number
	ClockMetLate ClockState = "met_late"
	ClockWaiting ClockState = "waiting" // its start event has not happened, or its time is not known
	ClockOpen    ClockState = "open"    // promptly, or no deadline: counts nothing
	ClockOff     ClockState = "off"     // the regime is not in force
)

// Clock is one deadline of one stage of one profile, for one report.
type Clock struct {
	Profile   string       `json:"profile"`
	Stage     string       `json:"stage"`
	StageName text.Both    `json:"stage_name"`
	N         int          `json:"n"` // which of the stage's deadlines, from 0
	State     ClockState   `json:"state"`
	Start     StartKind    `json:"start,omitempty"`
	StartedAt *time.Time   `json:"started_at,omitempty"`
	Assumed   bool         `json:"assumed,omitempty"` // the start is another event's time
	Kind      DurationKind `json:"kind"`
	Due       *time.Time   `json:"due,omitempty"`       // statutory; nil when the law gives no number
	HouseDue  *time.Time   `json:"house_due,omitempty"` // ours, never a statutory deadline
	DayEnd    bool         `json:"day_end,omitempty"`   // Due (or HouseDue) is 24:00 of the day before
	Zone      string       `json:"zone"`
	Submitted *time.Time   `json:"submitted_at,omitempty"`
	Verified  bool         `json:"verified"` // the number was found in a source
	Source    text.Both    `json:"source"`
	Voluntary bool         `json:"voluntary,omitempty"`
}

// clock counts one deadline.
func (p *Profile) clock(s *ProfileStage, n int, r *Report, facts Facts, now time.Time) Clock {
	d := &s.Deadlines[n]
	c := Clock{Profile: p.ID, Stage: s.ID, StageName: s.Name, N: n, Start: d.Start, Kind: d.Kind, Zone: p.zone.String(),
		Verified: d.verified(p), Source: d.source(p), Voluntary: p.Voluntary}
	if at, ok := p.submitted(s, r, facts); ok {
		c.Submitted = &at
	}
	start, assumed, started := p.start(s, d.Start, r, facts)
	if started {
		c.StartedAt, c.Assumed = &start, assumed
		if due, ok := d.Due(start, p.zone); ok {
			c.Due, c.DayEnd = &due, d.EndsWithDay()
		}
		if d.House != nil {
			if due, ok := d.House.Due(start, p.zone); ok {
				c.HouseDue, c.DayEnd = &due, d.House.EndsWithDay()
			}
		}
	}
	c.State = c.state(p, started, now)
	return c
}

func (c *Clock) state(p *Profile, started bool, now time.Time) ClockState {
	switch {
	case !p.InForce(now) || started && c.StartedAt.Before(p.effective):
		return ClockOff
	case c.Submitted != nil && c.Due != nil && !c.Submitted.Before(*c.Due):
		return ClockMetLate
	case c.Submitted != nil:
		return ClockMet
	case c.Kind == NoLimit:
		return ClockOpen
	case !started:
		return ClockWaiting
	case c.Due == nil:
		return ClockOpen
	case !now.Before(*c.Due):
		return ClockLate
	case c.Due.Sub(now) < 24*time.Hour:
		return ClockSoon
	}
	return ClockRunning
}

// start returns when the start event of a stage happened.
func (p *Profile) start(s *ProfileStage, k StartKind, r *Report, facts Facts) (at time.Time, assumed, ok bool) {
	if k == StartPreviousStage {
		for i := range p.Stages {
			if &p.Stages[i] == s && i > 0 {
				at, ok = p.submitted(&p.Stages[i-1], r, facts)
			}
		}
		return at, false, ok
	}
	for i, id := range startFields[k] {
		if at, assumed, ok := instantOf(r.Value(id)); ok {
			return at, assumed || i > 0, true
		}
	}
	return time.Time{}, false, false
}

// submitted returns when a stage was handed in: what the hub knows, or what
// the operator says of a stage done outside it.
func (p *Profile) submitted(s *ProfileStage, r *Report, facts Facts) (time.Time, bool) {
	if at, ok := facts.Submitted[StageRef{p.ID, s.ID}]; ok {
		return at, true
	}
	if s.DoneField == "" {
		return time.Time{}, false
	}
	at, _, ok := instantOf(r.Value(s.DoneField))
	return at, ok
}

// instantOf returns the instant of an answer: of a range its early end. Where
// only a latest time is told, that is assumed: a clock is better late than
// not shown.
func instantOf(v Value) (at time.Time, assumed, ok bool) {
	if at, ok := v.Earliest(); ok {
		return at, false, true
	}
	if v.State == Range {
		at, ok := KnownValue(v.Max).Instant()
		return at, true, ok
	}
	return time.Time{}, false, false
}
