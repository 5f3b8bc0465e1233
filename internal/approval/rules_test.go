package approval

import (
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/geo"
)

func rules(t testing.TB) *Rules {
	t.Helper()
	r, err := LoadRules("")
	if err != nil {
		t.Fatal(err)
	}
	return &r
}

func TestNumbersOfLawAreRowsWithASource(t *testing.T) {
	r := rules(t)
	for _, x := range []struct {
		kind     Kind
		rule     string
		value    int
		verified bool
	}{{ForeignForeign, "months", 6, false}, {ForeignDomestic, "months", 3, false}, {DomesticForeign, "months", 3, false}, {ForeignForeign, "share_percent", 30, false}, {ForeignDomestic, "retain_days", 730, false}} {
		if row := r.Row(x.kind, x.rule); row.Value != x.value || row.Verified != x.verified || row.Source.JA == "" {
			t.Errorf("%+v", row)
		}
	}
	if r.Commission.Members != 5 || r.Commission.Verified {
		t.Errorf("%+v", r.Commission)
	}
	for name, file := range map[string]string{
		"a row twice":       kindsFile + "\n[[row]]\nkind = \"ff\"\nrule = \"months\"\nvalue = 6\nsource = { ja = \"x\", en = \"x\" }\nverified = false\n",
		"an unknown kind":   strings.Replace(kindsFile, `kind = "df"`, `kind = "dd"`, 1),
		"a missing rule":    strings.Replace(kindsFile, `rule = "parallel"`, `rule = "retain_days"`, 1),
		"no quorum":         strings.Replace(kindsFile, "quorum = 3", "quorum = 0", 1),
		"too large":         strings.Replace(kindsFile, "quorum = 3", "quorum = 6", 1),
		"an unknown key":    kindsFile + "\n[other]\nx = 1\n",
		"no months":         strings.Replace(kindsFile, "value = 6", "value = 0", 1),
		"no source":         strings.Replace(kindsFile, `en = "Act 42 of 2025 art 17"`, `en = ""`, 1),
		"broken":            "[[row",
		"over the whole":    strings.Replace(kindsFile, "value = 30", "value = 101", 1),
		"an unknown number": strings.Replace(kindsFile, `rule = "months"`, `rule = "weeks"`, 1),
	} {
		if _, err := LoadRules(file); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

func full(now time.Time) Application {
	return Application{Kind: ForeignForeign, Link: "K-2", Capacity: 10000, From: now, Until: now.AddDate(0, 6, 0), Cap: Quantity{Bytes: 1 << 40}, Selectors: Selectors{hash("A"), "条件", 3},
		Targets: []string{"b", "a", "a"}, Fields: []string{"src"}, Addresses: "plain", RetainDays: 730, Recipients: []string{"x"}, Grounds: "疑い", NoOther: "ほかにない", Necessity: "これだけ", Carrier: "c"}
}

// TestArticles17And32NothingIsLeftOut leaves out or breaks each field of an
// application: it cannot be handed in, and the place is named.
func TestArticles17And32NothingIsLeftOut(t *testing.T) {
	r, now := rules(t), time.Date(2027, 10, 1, 3, 0, 0, 0, time.UTC)
	a, err := r.normal(full(now), nil, []string{"src", "dst"}, now)
	if err != nil || !slices.Equal(a.Targets, []string{"a", "b"}) || a.Selectors.Hash != hash("a") || !slices.Equal(a.Directions, Ways{geo.FF}) {
		t.Fatalf("%+v %v", a, err)
	}
	for _, x := range []struct {
		at   string
		edit func(*Application)
	}{
		{"kind", func(a *Application) { a.Kind = Agreement }}, {"kind", func(a *Application) { a.Kind = Trial }}, {"kind", func(a *Application) { a.Kind = "" }},
		{"directions", func(a *Application) { a.Directions = []geo.Class{geo.FD} }}, {"directions", func(a *Application) { a.Directions = []geo.Class{geo.FF, geo.FD} }},
		{"grounds", func(a *Application) { a.Grounds = "" }}, {"grounds", func(a *Application) { a.Grounds = " 。 " }}, {"grounds", func(a *Application) { a.Grounds = strings.Repeat("あ", maxWords+1) }},
		{"no_other_means", func(a *Application) { a.NoOther = "" }}, {"necessity", func(a *Application) { a.Necessity = "　" }},
		{"link", func(a *Application) { a.Link = "" }}, {"carrier", func(a *Application) { a.Carrier = "" }},
		{"from", func(a *Application) { a.From = time.Time{} }}, {"from", func(a *Application) { a.From, a.Until = now.AddDate(0, 0, -1), now.AddDate(0, 1, 0) }}, {"from", func(a *Application) { a.From, a.Until = now.AddDate(3, 0, 0), now.AddDate(3, 1, 0) }},
		{"until", func(a *Application) { a.Until = time.Time{} }}, {"until", func(a *Application) { a.Until = a.From }}, {"until", func(a *Application) { a.Until = a.Until.Add(time.Second) }},
		{"cap", func(a *Application) { a.Cap = Quantity{} }}, {"cap", func(a *Application) { a.Cap = Quantity{Packets: 1 << 40} }}, {"cap", func(a *Application) { a.Cap.Bytes = 1 << 61 }},
		{"cap", func(a *Application) { a.Capacity = 1 }}, {"capacity_mbps", func(a *Application) { a.Capacity = 0 }}, {"capacity_mbps", func(a *Application) { a.Capacity = -1 }},
		{"selectors/hash", func(a *Application) { a.Selectors.Hash = "x" }}, {"selectors/name", func(a *Application) { a.Selectors.Name = "" }}, {"selectors/count", func(a *Application) { a.Selectors.Count = 0 }},
		{"targets", func(a *Application) { a.Targets = []string{" "} }}, {"fields", func(a *Application) { a.Fields = nil }}, {"fields", func(a *Application) { a.Fields = []string{"body"} }},
		{"addresses", func(a *Application) { a.Addresses = "" }}, {"retain_days", func(a *Application) { a.RetainDays = 0 }}, {"retain_days", func(a *Application) { a.RetainDays = 731 }},
		{"recipients", func(a *Application) { a.Recipients = nil }},
		{"targets", func(a *Application) { a.Targets = []string{strings.Repeat("x", 300)} }},
		{"subjects", func(a *Application) { a.Kind, a.Until, a.Run = Reidentify, now.AddDate(0, 0, 7), "r" }},
		{"run", func(a *Application) { a.Kind, a.Until, a.Subjects = Reidentify, now.AddDate(0, 0, 7), []string{"p"} }},
	} {
		a := full(now)
		x.edit(&a)
		_, err := r.normal(a, nil, []string{"src", "dst"}, now)
		f := fault.Of(err)
		if f == nil || f.Code != ErrInvalid.Code || len(f.Places) != 1 || f.Places[0].At != x.at {
			t.Errorf("%s: %v", x.at, err)
		}
	}
	_, err = r.normal(Application{Kind: ForeignForeign}, nil, nil, now)
	if f := fault.Of(err); len(f.Places) != 17 {
		t.Errorf("%d places: %v", len(f.Places), err)
	}
}

func TestTheCapIsAPartOfTheLine(t *testing.T) {
	now := time.Date(2027, 10, 1, 0, 0, 0, 0, time.UTC)
	day := uint64(1000) * 1e6 / 8 * 86400 // bytes that a line of 1 Gbit/s carries in a day
	for bytes, want := range map[uint64]int64{day: 1000, day / 2: 500, day * 3 / 10: 300, day*3/10 + day/2000: 301, 1: 1, 0: 0} {
		a := Application{Capacity: 1000, From: now, Until: now.AddDate(0, 0, 1), Cap: Quantity{Bytes: bytes}}
		if got := a.Share(); got != want {
			t.Errorf("%d bytes: %d, want %d", bytes, got, want)
		}
		if a.Cap.Packets = bytes / maxPacket; bytes > 2*maxPacket { // the lesser of the two counts
			if got := a.Share(); got < want-1 || got > want {
				t.Errorf("%d packets: %d, want %d", a.Cap.Packets, got, want)
			}
		}
	}
}

func TestPeriodsAreCalendarMonths(t *testing.T) {
	r := rules(t)
	for from, want := range map[string]string{"2027-08-31": "2028-02-29", "2027-10-01": "2028-04-01", "2027-11-30": "2028-05-30"} {
		at, err := time.Parse(time.DateOnly, from)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.last(ForeignForeign, at, false).Format(time.DateOnly); got != want {
			t.Errorf("%s: %s, want %s", from, got, want)
		}
	}
	// A day in Japan begins on the day before in UTC, which may be of another month.
	begin := time.Date(2027, 9, 30, 15, 0, 0, 0, time.UTC)
	if got := r.last(ForeignForeign, begin, false); !got.Equal(time.Date(2028, 3, 31, 15, 0, 0, 0, time.UTC)) {
		t.Errorf("from 1 October in Japan until %v", got)
	}
}

func TestTheMajorityOfAQuorumDecides(t *testing.T) {
	r := rules(t)
	for votes, want := range map[string][2]bool{"": {false, false}, "ff": {false, false}, "fff": {true, true}, "ffa": {true, true}, "faa": {true, false}, "ffaa": {true, false}, "fffaa": {true, true}} {
		var list []Vote
		for _, v := range votes {
			list = append(list, Vote{Choice: map[rune]Choice{'f': For, 'a': Against}[v]})
		}
		if got := r.tally(list); got.Closes != want[0] || got.Passes != want[1] {
			t.Errorf("%q: %+v", votes, got)
		}
	}
}

// TestStepsHoldTogether: every state is reached, and from none that has ended
// does anything lead on.
func TestStepsHoldTogether(t *testing.T) {
	reached := map[State]bool{"": true}
	for range States {
		for _, s := range Steps {
			if reached[s.From] {
				reached[s.To] = true
			}
		}
	}
	for _, s := range States {
		if !reached[s] {
			t.Errorf("%s is never reached", s)
		}
	}
	for _, s := range append(slices.Clone(Steps), agreementSteps...) {
		if slices.Contains([]State{Declined, Withdrawn, Expired, GivenUp, Revoked}, s.From) {
			t.Errorf("%+v", s)
		}
	}
}
