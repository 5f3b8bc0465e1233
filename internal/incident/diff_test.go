package incident

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiff(t *testing.T) {
	old := Template(Other)
	if d := Diff(old, old.Clone()); d != nil {
		t.Errorf("a clone differs: %+v", d)
	}
	next := old.Next(Followup)
	next.TLP = Green
	next.Consents["share_with_nco_consent"] = false
	next.Values["event.compromise"] = KnownValue([]string{"unauthorised_access", "leak"})
	next.Values["event.occurred_at"] = KnownValue("2026-11-03T19:12:00+09:00")
	next.Values["report.change_note"] = KnownValue("3台目が見つかりました")
	delete(next.Values, "other.remarks")
	rows := next.Values["systems.affected"].V.([]Row)
	rows[0]["version"] = "7.2.1"
	next.Values["systems.affected"] = KnownValue(append([]Row{{"name": "予備装置"}}, rows...))
	want := []Change{
		{Field: ChangedStage, Old: KnownValue("first"), New: KnownValue("followup")},
		{Field: ChangedTLP, Old: KnownValue("AMBER"), New: KnownValue("GREEN")},
		{Field: "consent.share_with_nco_consent", Old: KnownValue(true), New: KnownValue(false)},
		{Field: "report.change_note", New: KnownValue("3台目が見つかりました")},
		{Field: "event.occurred_at", Old: old.Values["event.occurred_at"], New: KnownValue("2026-11-03T19:12:00+09:00")},
		{Field: "event.compromise", Old: old.Values["event.compromise"], New: next.Values["event.compromise"]},
		{Field: "systems.affected", Old: old.Values["systems.affected"], New: next.Values["systems.affected"],
			Rows: []RowChange{{From: 0, To: 1, Columns: []string{"version"}}, {From: -1, To: 0}}},
		{Field: "other.remarks", Old: old.Values["other.remarks"]},
	}
	if d := cmp.Diff(want, Diff(old, next)); d != "" {
		t.Error(d)
	}
	if v := old.Values["systems.affected"].V.([]Row)[0]["version"]; v != "7.2.0" {
		t.Errorf("the old version changed with the new one: %s", v)
	}
	if !Same(KnownValue([]string{"a", "b"}), KnownValue([]string{"b", "a"})) {
		t.Error("the order of ticks is told as a change")
	}
	if Same(KnownValue([]string{"a"}), KnownValue([]string{"a", "a"})) || Same(Value{State: Unknown}, Value{State: Investigating}) {
		t.Error("a change is not told")
	}
}

// What Diff tells is all there is: the old report with the changes made to it
// is the new one.
func FuzzDiff(f *testing.F) {
	f.Add(0, 3, "x")
	f.Add(7, 2, "2026-11-05T00:00:00Z")
	f.Fuzz(func(t *testing.T, at, kind int, s string) {
		old, next := Template(Other), Template(Kinds[abs(kind)%len(Kinds)])
		ids := next.Fields()
		id := ids[abs(at)%len(ids)]
		if q, _ := Dictionary().Get(id); q.Type == TypeTable {
			rows := next.Values[id].V
			if r, ok := rows.([]Row); ok {
				next.Values[id] = KnownValue(append(r, Row{q.Columns[0].ID: s}))
			}
		} else {
			next.Values[id] = KnownValue(s)
		}
		got := old.Clone()
		for _, c := range Diff(old, next) {
			if _, ok := Dictionary().Get(c.Field); !ok {
				continue
			}
			if c.New.Answered() {
				got.Values[c.Field] = c.New
			} else {
				delete(got.Values, c.Field)
			}
		}
		for _, id := range append(got.Fields(), next.Fields()...) {
			if !Same(got.Values[id], next.Values[id]) {
				t.Fatalf("%s: %v, want %v", id, got.Values[id], next.Values[id])
			}
		}
	})
}

func abs(n int) int {
	if n < 0 {
		return -(n + 1)
	}
	return n
}

func TestRedact(t *testing.T) {
	for _, k := range Kinds {
		r := Template(k)
		c := r.Redact()
		hidden := 0
		for id, v := range r.Values {
			f := field(t, id)
			got := c.Values[id]
			switch {
			case f.Sensitive && v.State == Known || f.Consent != "" && !r.Consent(f.Consent):
				hidden++
				if got.State != Redacted || got.V != nil {
					t.Errorf("%s: %s is still told", k, id)
				}
				if f.Why.Empty() {
					t.Errorf("%s: nothing says why %s is hidden", k, id)
				}
			case !Same(v, got):
				t.Errorf("%s: %s was changed", k, id)
			}
		}
		if hidden < 3 {
			t.Errorf("%s: only %d answers hidden", k, hidden)
		}
		if c.Validate() == nil {
			t.Errorf("%s: a redacted copy passes for a report", k)
		}
		raw, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeReport(raw); err == nil {
			t.Errorf("%s: a redacted copy decodes as a report", k)
		}
		if err := r.Validate(); err != nil {
			t.Errorf("%s: redacting changed the original: %v", k, err)
		}
	}
	r := Template(Other)
	r.Consents["share_indicators_consent"] = false
	if v := r.Redact().Value("share.peer_note"); v.State != Redacted {
		t.Errorf("what needs a consent is told without it: %v", v)
	}
}

func TestTemplates(t *testing.T) {
	now, _ := KnownValue("2026-11-22T00:00:00Z").Instant()
	for _, k := range Kinds {
		r := Template(k)
		if r == nil {
			t.Fatalf("no template for %s", k)
		}
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", k, err)
		}
		if bad := r.Ahead(now); bad != nil {
			t.Errorf("%s: %v", k, bad)
		}
		for item := 1; item <= 7; item++ {
			n := 0
			for id := range r.Values {
				if f := field(t, id); f.Item == item {
					n++
				}
			}
			if n == 0 && item > 1 {
				t.Errorf("%s: nothing on statutory item %d", k, item)
			}
		}
	}
	if Template("flood") != nil {
		t.Error("a template for what is no kind")
	}
}

func TestAhead(t *testing.T) {
	r := NewReport(Other)
	r.Values["event.recognised_at"] = KnownValue("2026-11-05T02:06:00+09:00")
	r.Values["event.occurred_at"] = RangeValue("2026-11-04T00:00:00+09:00", "2026-11-06T00:00:00+09:00")
	r.Values["response.recovered_at"] = KnownValue("2027-01-01T00:00:00+09:00") // a forecast may lie ahead
	now, _ := KnownValue("2026-11-05T02:00:00+09:00").Instant()
	var got []string
	for _, p := range r.Ahead(now) {
		got = append(got, p.At+" "+p.Code)
	}
	want := []string{"/values/event.occurred_at incident.value.ahead", "/values/event.recognised_at incident.value.ahead"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	now, _ = KnownValue("2026-11-05T02:02:00+09:00").Instant()
	if got := r.Ahead(now); len(got) != 1 {
		t.Errorf("a clock four minutes ahead is not forgiven: %v", got)
	}
}
