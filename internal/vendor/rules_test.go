package vendor

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestEveryStateCanBeReachedAndLeft(t *testing.T) {
	for _, s := range States {
		if s != Reported && !slices.ContainsFunc(Steps, func(x Step) bool { return x.To == s }) {
			t.Errorf("%s cannot be reached", s)
		}
		if !slices.ContainsFunc(Steps, func(x Step) bool { return x.From == s }) {
			t.Errorf("%s cannot be left", s)
		}
	}
	for _, s := range Steps {
		if !slices.Contains(States, s.From) || !slices.Contains(States, s.To) || s.From == s.To {
			t.Errorf("%+v", s)
		}
		s.needs.holds(facts{}) // panics on a need nobody judges
	}
	if err := step(RequestSent, Closed, Maker, facts{}); !errors.Is(err, ErrStep) {
		t.Errorf("a maker may not close: %v", err)
	}
	if err := step(Reported, RequestSent, Coordinator, facts{}); !errors.Is(err, ErrStep) {
		t.Errorf("nobody is asked before triage: %v", err)
	}
	if err := step(FixReleased, UsersNotified, Maker, facts{told: true}); !errors.Is(err, ErrStep) {
		t.Errorf("a maker does not say who was told: %v", err)
	}
}

func TestAnswersCarryARequest(t *testing.T) {
	p := func(s Status, f Fix) Product { return Product{Status: s, Fix: f} }
	for name, c := range map[string]struct {
		from State
		list []Product
		want []State
	}{
		"not affected":        {RequestSent, []Product{p(NotAffected, NoFix)}, []State{Accepted}},
		"looking":             {NoAnswer, []Product{p(Unknown, NoFix)}, []State{Accepted}},
		"planned":             {RequestSent, []Product{p(Affected, Planned)}, []State{Accepted, FixPlanned}},
		"one of two":          {RequestSent, []Product{p(Affected, Planned), p(Affected, Released)}, []State{Accepted, FixPlanned}},
		"released":            {Declined, []Product{p(Affected, Released), p(NotAffected, NoFix)}, []State{Accepted, FixReleased}},
		"released in the end": {FixPlanned, []Product{p(Affected, Released)}, []State{FixReleased}},
		"never":               {Accepted, []Product{p(Affected, WillNot)}, nil},
		"mended but one":      {Accepted, []Product{p(Affected, Released), p(Affected, WillNot)}, []State{FixReleased}},
		"one more":            {UsersNotified, []Product{p(Affected, Released), p(Affected, Planned)}, []State{FixPlanned}},
		"still the same":      {FixReleased, []Product{p(Affected, Released)}, nil},
		"closed":              {Closed, []Product{p(Affected, Planned)}, nil},
	} {
		if got := after(c.from, facts{products: c.list}); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestReminders(t *testing.T) {
	sent := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	due := sent.AddDate(0, 0, 7)
	var at []time.Duration
	for now, n := sent, 0; n < 20; n++ {
		next := nextReminder(sent, due, n, now)
		if next.IsZero() {
			break
		}
		if !next.After(now) {
			t.Fatalf("%s is not after %s", next, now)
		}
		at, now = append(at, next.Sub(due)), next
	}
	want := []time.Duration{-72 * time.Hour, -24 * time.Hour, 0, again, 2 * again}
	if !slices.Equal(at[:5], want) || len(at) != maxRemind {
		t.Errorf("%v", at)
	}
	if got := nextReminder(sent, sent.Add(2*time.Hour), 0, sent); !got.Equal(sent.Add(2 * time.Hour)) {
		t.Errorf("short deadlines have no reminder before: %s", got)
	}
}

func TestEmbargoHasItsZone(t *testing.T) {
	e := Embargo{Until: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Zone: "America/New_York"}
	if got := e.Until.In(e.Location()).Format(time.RFC3339); got != "2026-11-30T19:00:00-05:00" {
		t.Error(got)
	}
	if !e.Runs(e.Until.Add(-1)) || e.Runs(e.Until) || (Embargo{}).Runs(time.Time{}) {
		t.Error("it ends at its instant")
	}
}
