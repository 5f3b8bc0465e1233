package incident

import (
	"testing"
	"time"

	"noroshi/internal/base/text"
)

func at(t testing.TB, s string) time.Time {
	t.Helper()
	x, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// The boundary dates of every regime that gives a number: what the profile's
// data says, counted from an awkward start.
func TestBoundaryDates(t *testing.T) {
	for _, c := range []struct {
		name, profile, stage string
		field                FieldID
		start, want          string
	}{
		// Act 42 art 5, order art 4(2): 30 days, the day after is day one, 24:00 JST.
		{"prototype", "jp-act42", "detail", "event.recognised_at", "2026-11-04T23:40:00+09:00", "2026-12-05T00:00:00+09:00"},
		{"last second of a day", "jp-act42", "detail", "event.recognised_at", "2026-11-04T23:59:59+09:00", "2026-12-05T00:00:00+09:00"},
		{"first second of a day", "jp-act42", "detail", "event.recognised_at", "2026-11-05T00:00:00+09:00", "2026-12-06T00:00:00+09:00"},
		{"told in UTC, next day in Japan", "jp-act42", "detail", "event.recognised_at", "2026-11-04T15:00:00Z", "2026-12-06T00:00:00+09:00"},
		{"over the year's end", "jp-act42", "detail", "event.recognised_at", "2026-12-31T12:00:00+09:00", "2027-01-31T00:00:00+09:00"},
		{"over a common February", "jp-act42", "detail", "event.recognised_at", "2027-01-31T12:00:00+09:00", "2027-03-03T00:00:00+09:00"},
		{"onto a leap day", "jp-act42", "detail", "event.recognised_at", "2028-01-30T12:00:00+09:00", "2028-03-01T00:00:00+09:00"},
		{"from a leap day", "jp-act42", "detail", "event.recognised_at", "2028-02-29T12:00:00+09:00", "2028-03-31T00:00:00+09:00"},
		{"last day is a Sunday, and stays", "jp-act42", "detail", "event.recognised_at", "2026-10-23T09:00:00+09:00", "2026-11-23T00:00:00+09:00"},
		{"last day is a holiday, and stays", "jp-act42", "detail", "event.recognised_at", "2026-10-24T09:00:00+09:00", "2026-11-24T00:00:00+09:00"},
		// Personal data: the day of knowledge is day one.
		{"day one is the day itself", "jp-ppc", "final", "event.recognised_at", "2026-11-05T00:00:00+09:00", "2026-12-05T00:00:00+09:00"},
		{"day one ends at midnight", "jp-ppc", "final", "event.recognised_at", "2026-11-05T23:59:59+09:00", "2026-12-05T00:00:00+09:00"},
		{"leap year", "jp-ppc", "final", "event.recognised_at", "2028-02-01T08:00:00+09:00", "2028-03-02T00:00:00+09:00"},
		// Telecom: from the accident.
		{"from occurrence", "jp-telecom", "detail", "event.occurred_at", "2026-11-30T05:00:00+09:00", "2026-12-31T00:00:00+09:00"},
		{"near miss", "jp-telecom-nearmiss", "report", "event.recognised_at", "2026-12-02T05:00:00+09:00", "2027-01-02T00:00:00+09:00"},
		// CIRCIA: elapsed hours, over both changes of US summer time.
		{"72 h over autumn", "us-circia", "incident", "foreign.reasonable_belief_at", "2026-10-31T12:00:00-04:00", "2026-11-03T11:00:00-05:00"},
		{"72 h over spring", "us-circia", "incident", "foreign.reasonable_belief_at", "2027-03-13T12:00:00-05:00", "2027-03-16T13:00:00-04:00"},
		{"24 h from payment over a year's end", "us-circia-payment", "payment", "payment.paid_at", "2026-12-31T18:30:00-05:00", "2027-01-01T18:30:00-05:00"},
		// NIS2: elapsed hours over the end of summer time in Brussels (25 Oct 2026, 28 Mar 2027).
		{"24 h over autumn", "eu-nis2", "warning", "foreign.aware_at", "2026-10-24T20:00:00+02:00", "2026-10-25T19:00:00+01:00"},
		{"24 h over spring", "eu-nis2", "warning", "foreign.aware_at", "2027-03-27T20:00:00+01:00", "2027-03-28T21:00:00+02:00"},
		{"24 h from Japan", "eu-nis2", "warning", "foreign.aware_at", "2026-11-04T23:40:00+09:00", "2026-11-05T15:40:00+01:00"},
		{"72 h over a leap day", "eu-nis2", "notification", "foreign.aware_at", "2028-02-27T10:00:00+01:00", "2028-03-01T10:00:00+01:00"},
		// DORA: the classification clock.
		{"4 h over midnight", "eu-dora", "initial", "foreign.classified_at", "2026-11-05T21:30:00+01:00", "2026-11-06T01:30:00+01:00"},
		// SOCI: Sydney, summer time from 4 Oct 2026 to 4 Apr 2027.
		{"12 h over spring", "au-soci-critical", "report", "foreign.aware_at", "2026-10-03T20:00:00+10:00", "2026-10-04T09:00:00+11:00"},
		{"84 h written", "au-soci-critical", "written", "foreign.aware_at", "2026-11-01T00:00:00+11:00", "2026-11-04T12:00:00+11:00"},
		{"72 h over autumn", "au-soci-other", "report", "foreign.aware_at", "2027-04-02T12:00:00+11:00", "2027-04-05T11:00:00+10:00"},
		// UK Bill.
		{"24 h", "uk-csr-regulator", "initial", "foreign.aware_at", "2026-10-24T12:00:00+01:00", "2026-10-25T11:00:00Z"},
		{"72 h", "uk-csr-regulator", "full", "foreign.aware_at", "2026-12-30T00:00:00Z", "2027-01-02T00:00:00Z"},
	} {
		t.Run(c.profile+" "+c.name, func(t *testing.T) {
			r := NewReport(Ransomware)
			r.Values[c.field] = KnownValue(c.start)
			p, _ := Builtin().Get(c.profile)
			if p == nil {
				t.Fatal("no profile", c.profile)
			}
			want := at(t, c.want)
			for _, k := range p.Clocks(r, Facts{}, at(t, c.start)) {
				if k.Stage == c.stage && k.N == 0 {
					if k.Due == nil || !k.Due.Equal(want) {
						t.Fatalf("due %v, want %v", k.Due, want.In(p.Location()))
					}
					return
				}
			}
			t.Fatal("no such stage")
		})
	}
}

// What counts from the submission of the stage before starts with it.
func TestBoundaryDatesAfterAStage(t *testing.T) {
	for _, c := range []struct{ profile, before, stage, submitted, want string }{
		{"eu-nis2", "notification", "final", "2026-11-07T14:00:00+01:00", "2026-12-08T00:00:00+01:00"},
		{"eu-nis2", "notification", "final", "2027-01-31T14:00:00+01:00", "2027-03-01T00:00:00+01:00"},   // clamped to 28 February
		{"eu-nis2", "notification", "final", "2028-01-31T14:00:00+01:00", "2028-03-01T00:00:00+01:00"},   // to 29 February
		{"eu-nis2", "notification", "final", "2026-12-31T23:30:00+01:00", "2027-02-01T00:00:00+01:00"},   // over the year
		{"eu-nis2", "notification", "final", "2027-02-28T09:00:00+01:00", "2027-03-29T00:00:00+02:00"},   // summer time begins
		{"eu-dora", "initial", "intermediate", "2026-10-23T12:00:00+02:00", "2026-10-26T11:00:00+01:00"}, // summer time ends
		{"eu-dora", "intermediate", "final", "2026-03-31T12:00:00+02:00", "2026-05-01T00:00:00+02:00"},
		{"au-soci-other", "report", "written", "2026-11-05T10:00:00+11:00", "2026-11-07T10:00:00+11:00"},
	} {
		p, _ := Builtin().Get(c.profile)
		facts := Facts{Submitted: map[StageRef]time.Time{{c.profile, c.before}: at(t, c.submitted)}}
		found := false
		for _, k := range p.Clocks(NewReport(Other), facts, at(t, c.submitted)) {
			if k.Stage != c.stage {
				continue
			}
			found = true
			if k.Due == nil || !k.Due.Equal(at(t, c.want)) {
				t.Errorf("%s after %s: due %v, want %s", c.profile, c.submitted, k.Due, c.want)
			}
		}
		if !found {
			t.Errorf("%s has no stage %s", c.profile, c.stage)
		}
		for _, k := range p.Clocks(NewReport(Other), Facts{}, at(t, c.submitted)) {
			if k.Stage == c.stage && (k.State != ClockWaiting || k.Due != nil) {
				t.Errorf("%s %s before its start: %+v", c.profile, c.stage, k)
			}
		}
	}
}

func TestDurationRules(t *testing.T) {
	tokyo, brussels := text.JST, mustZone(t, "Europe/Brussels")
	for _, c := range []struct {
		name  string
		d     Duration
		zone  *time.Location
		start string
		want  string
	}{
		{"Saturday to Monday", Duration{Kind: Days, N: 1, Holiday: HolidayNextBusinessDay}, tokyo, "2026-11-13T10:00:00+09:00", "2026-11-17T00:00:00+09:00"},
		{"Saturday over a Monday holiday", Duration{Kind: Days, N: 1, Holiday: HolidayNextBusinessDay}, tokyo, "2026-11-20T10:00:00+09:00", "2026-11-25T00:00:00+09:00"},
		{"citizens' holiday in September 2026", Duration{Kind: Days, N: 2, Holiday: HolidayNextBusinessDay}, tokyo, "2026-09-17T10:00:00+09:00", "2026-09-25T00:00:00+09:00"},
		{"golden week with a substitute", Duration{Kind: Days, N: 1, Holiday: HolidayNextBusinessDay}, tokyo, "2026-05-01T10:00:00+09:00", "2026-05-08T00:00:00+09:00"},
		{"30 December is a business day", Duration{Kind: Days, N: 1, Holiday: HolidayNextBusinessDay}, tokyo, "2026-12-29T10:00:00+09:00", "2026-12-31T00:00:00+09:00"},
		{"but no office day", Duration{Kind: Days, N: 1, Holiday: HolidayNextOfficeDay}, tokyo, "2026-12-29T10:00:00+09:00", "2027-01-05T00:00:00+09:00"},
		{"outside the table nothing moves", Duration{Kind: Days, N: 1, Holiday: HolidayNextBusinessDay}, tokyo, "2031-01-03T10:00:00+09:00", "2031-01-05T00:00:00+09:00"},
		{"same day is day one", Duration{Kind: Days, N: 1, FirstDay: FirstDaySame}, tokyo, "2026-11-13T10:00:00+09:00", "2026-11-14T00:00:00+09:00"},
		{"to the same time of day", Duration{Kind: Days, N: 1, End: EndSameAt}, tokyo, "2026-11-13T10:20:30+09:00", "2026-11-14T10:20:30+09:00"},
		{"the same time over summer time", Duration{Kind: Days, N: 1, End: EndSameAt}, brussels, "2026-10-24T20:00:00+02:00", "2026-10-25T20:00:00+01:00"},
		{"a time that is skipped", Duration{Kind: Days, N: 1, End: EndSameAt}, brussels, "2027-03-27T02:30:00+01:00", "2027-03-28T03:30:00+02:00"},
		{"a time shown twice is the first", Duration{Kind: Days, N: 1, End: EndSameAt}, brussels, "2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00"},
		{"months to the same time", Duration{Kind: Months, N: 1, End: EndSameAt}, brussels, "2027-01-31T14:00:00+01:00", "2027-02-28T14:00:00+01:00"},
		{"thirteen months", Duration{Kind: Months, N: 13}, tokyo, "2027-01-31T14:00:00+09:00", "2028-03-01T00:00:00+09:00"},
	} {
		if err := c.d.check(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got, ok := c.d.Due(at(t, c.start), c.zone); !ok || !got.Equal(at(t, c.want)) {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
	for _, d := range []Duration{{Kind: "weeks", N: 1}, {Kind: Hours}, {Kind: Days, N: -1}, {Kind: Promptly, N: 3}, {Kind: Hours, N: 1, End: EndOfDay},
		{Kind: Months, N: 1, FirstDay: FirstDayNext}, {Kind: Days, N: 1, Holiday: "never"}, {Kind: Days, N: 1e6}} {
		if d.check() == nil {
			t.Errorf("%+v is accepted", d)
		}
	}
}

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// Every duration is counted in the zone, whatever zone its start is told in.
func TestDueDoesNotDependOnTheTelling(t *testing.T) {
	start := at(t, "2026-10-24T22:30:00Z")
	for _, p := range Builtin().All {
		for _, s := range p.Stages {
			for _, d := range s.Deadlines {
				a, _ := d.Due(start, p.zone)
				b, _ := d.Due(start.In(text.JST), p.zone)
				if !a.Equal(b) {
					t.Errorf("%s %s: %v and %v", p.ID, s.ID, a, b)
				}
			}
		}
	}
}

// Promptly has no number: neither the clock nor its words carry a deadline,
// and a house target is called one.
func TestPromptlyIsNoDeadline(t *testing.T) {
	cat := sentences(t)
	r := NewReport(Other)
	r.Values["event.recognised_at"] = KnownValue("2026-11-04T23:40:00+09:00")
	p, _ := Builtin().Get("jp-act42")
	c := p.Clocks(r, Facts{}, at(t, "2026-12-24T00:00:00+09:00"))[0]
	if c.Due != nil || c.HouseDue == nil || c.State != ClockOpen {
		t.Fatalf("%+v", c)
	}
	if got, want := c.Say(cat.Printer(text.JA, nil)), "速やかに（社内の目安 2026年11月7日（土）24:00 JST。法定の期限ではありません）"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := c.Say(cat.Printer(text.EN, nil)), "promptly (house target Sat 7 Nov 2026, 24:00 JST; not a statutory deadline)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A clock of another zone says Japan's time beside its own.
func TestSecondZone(t *testing.T) {
	p, _ := Builtin().Get("eu-nis2")
	r := NewReport(Other)
	r.Values["foreign.aware_at"] = KnownValue("2026-11-04T23:40:00+09:00")
	c := p.Clocks(r, Facts{}, at(t, "2026-11-05T00:00:00+09:00"))[0]
	if got, want := c.Say(sentences(t).Printer(text.EN, nil)), "by Thu 5 Nov 2026, 15:40 CET (Thu 5 Nov 2026, 23:40 JST)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestClockStates(t *testing.T) {
	p, _ := Builtin().Get("eu-nis2")
	r := NewReport(Other)
	r.Values["event.recognised_at"] = KnownValue("2026-11-04T23:40:00+09:00") // due 2026-11-05T14:40Z
	warned := func(s string) Facts {
		return Facts{Submitted: map[StageRef]time.Time{{"eu-nis2", "warning"}: at(t, s)}}
	}
	for _, c := range []struct {
		name  string
		facts Facts
		now   string
		want  ClockState
	}{
		{"at once", Facts{}, "2026-11-04T14:40:00Z", ClockRunning},
		{"under a day left", Facts{}, "2026-11-04T14:40:01Z", ClockSoon},
		{"the last moment", Facts{}, "2026-11-05T14:39:59Z", ClockSoon},
		{"the deadline itself is late", Facts{}, "2026-11-05T14:40:00Z", ClockLate},
		{"met", warned("2026-11-05T14:39:59Z"), "2026-11-09T00:00:00Z", ClockMet},
		{"met late", warned("2026-11-05T14:40:00Z"), "2026-11-09T00:00:00Z", ClockMetLate},
	} {
		k := p.Clocks(r, c.facts, at(t, c.now))[0]
		if k.State != c.want || !k.Assumed {
			t.Errorf("%s: %s (assumed %v), want %s", c.name, k.State, k.Assumed, c.want)
		}
	}
	r.Values["event.recognised_at"] = Value{State: Investigating}
	if k := p.Clocks(r, Facts{}, at(t, "2026-11-05T00:00:00Z"))[0]; k.State != ClockWaiting || k.Due != nil {
		t.Errorf("unknown start: %+v", k)
	}
	r.Values["event.recognised_at"] = RangeValue("2026-11-04T10:00:00Z", "2026-11-04T20:00:00Z")
	if k := p.Clocks(r, Facts{}, at(t, "2026-11-05T00:00:00Z"))[0]; !k.Due.Equal(at(t, "2026-11-05T10:00:00Z")) {
		t.Errorf("a range counts from its early end: %v", k.Due)
	}
}

// A regime is never offered before it is law, nor for what began before it.
func TestNotInForce(t *testing.T) {
	p, _ := Builtin().Get("jp-act42")
	for now, want := range map[string]bool{"2026-09-30T23:59:59+09:00": false, "2026-10-01T00:00:00+09:00": true} {
		if p.InForce(at(t, now)) != want {
			t.Errorf("in force at %s: %v", now, !want)
		}
	}
	r := NewReport(Other)
	r.Values["event.recognised_at"] = KnownValue("2026-09-30T23:59:59+09:00")
	for _, c := range p.Clocks(r, Facts{}, at(t, "2026-10-02T00:00:00+09:00")) {
		if c.State != ClockOff {
			t.Errorf("recognised before the Act: %s is %s", c.Stage, c.State)
		}
	}
	for _, id := range []string{"us-circia", "us-circia-payment", "uk-csr-regulator", "uk-csr-customers", "uk-csr-response-plan", "jp-precursor"} {
		p, ok := Builtin().Get(id)
		if !ok || p.InForce(at(t, "2030-01-01T00:00:00Z")) {
			t.Errorf("%s is in force", id)
		}
	}
}
