package sensor

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/fault"
)

func (h *hub) findings(f Filter) []Finding {
	h.t.Helper()
	list, _, err := h.Findings(h.night(), f)
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// Two beacons of one machine to one address, on two ports, are two findings: the
// lower one came last and used to take the place of the higher.
func TestALowerFindingDoesNotReplaceAHigher(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x := h.source()
		a, b := h.beacon(0.95, 0), h.beacon(0.55, 0)
		a.Evidence, b.Evidence = json.RawMessage(`{"port":443}`), json.RawMessage(`{"port":8443}`)
		if out := h.take(x.ID, 0, a, b); out != (TakenIn{New: 2}) {
			t.Errorf("%+v", out)
		}
		list := h.findings(Filter{})
		if len(list) != 2 || list[0].Score != 0.95 || list[0].Rank != Act || list[0].Times != 1 || string(list[0].Evidence) != `{"port":443}` || list[1].Score != 0.55 {
			t.Fatalf("%+v", list)
		}
		// Two that are one: the higher stays, and the feed counts once.
		h.Clock.Pass(time.Hour)
		high, low := h.beacon(0.9, 0), h.beacon(0.4, 0)
		high.Evidence, low.Evidence = json.RawMessage(`{"port":443,"n":1}`), json.RawMessage(`{"port":443,"n":2}`)
		if out := h.take(x.ID, 0, high, low); out != (TakenIn{Again: 1}) {
			t.Errorf("%+v", out)
		}
		if list = h.findings(Filter{}); len(list) != 2 || list[0].Score != 0.9 || list[0].Times != 2 || string(list[0].Evidence) != `{"n":1,"port":443}` {
			t.Errorf("%+v", list)
		}
		// Of another part of the same feed, too.
		if out := h.take(x.ID, 0, low); out != (TakenIn{Again: 1}) {
			t.Errorf("%+v", out)
		}
		if list = h.findings(Filter{}); list[0].Score != 0.9 || list[0].Times != 2 {
			t.Errorf("%+v", list[0])
		}
	})
}

// What tells two findings apart are also the protocol, the machine gone
// through, the fingerprint and the tool.
func TestFindingsAreToldApart(t *testing.T) {
	plain := Found{Kind: "stepping_stone", Src: "192.0.2.1", Dst: "203.0.113.1"}
	seen := map[string]string{plain.sameness(): ""}
	for _, e := range []string{`{"through":"192.0.2.9"}`, `{"through":"192.0.2.8"}`, `{"app":"tls"}`, `{"port":1}`, `{"port":11}`, `{"print":"1"}`, `{"tool":"1"}`} {
		f := plain
		f.Evidence = json.RawMessage(e)
		if have, twice := seen[f.sameness()]; twice {
			t.Errorf("%s is as %s", e, have)
		}
		seen[f.sameness()] = e
	}
	other := plain
	if other.Evidence = json.RawMessage(`{"count":5}`); other.sameness() != plain.sameness() {
		t.Error("a number tells findings apart")
	}
}

// The same feed sent twice, because its answer was lost, counts once; an older
// one neither sets back when it was last seen nor its score.
func TestAFeedIsTakenInOnce(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x := h.source()
		b := h.beacon(0.9, 0)
		h.take(x.ID, 7, b)
		if out := h.take(x.ID, 7, b); out != (TakenIn{Again: 1}) {
			t.Errorf("%+v", out)
		}
		first := h.findings(Filter{})[0]
		if first.Times != 1 || first.Version != 1 {
			t.Errorf("sent twice: %d times, version %d", first.Times, first.Version)
		}
		if _, readings, err := h.Source(h.night(), x.ID); err != nil || len(readings) != 1 || readings[0].Lost != 7 {
			t.Errorf("%+v %v", readings, err)
		}
		old := b
		old.Start, old.End, old.Score = b.Start.Add(-48*time.Hour), b.Start.Add(-47*time.Hour), 0.3
		for range 2 { // the second time it is known
			h.take(x.ID, 0, old)
			f := h.findings(Filter{})[0]
			if !f.End.Equal(b.End) || !f.Start.Equal(old.Start) || f.Score != 0.9 || f.Rank != Act || f.Times != 2 || f.Version != 2 {
				t.Errorf("%+v", f)
			}
		}
		// What was dealt with does not come back because somebody sends it again.
		f := h.findings(Filter{})[0]
		if _, err := h.Decide(h.night(), f.ID, f.Version, Decision{State: Over}); err != nil {
			t.Fatal(err)
		}
		if out := h.take(x.ID, 0, b, old); out.New != 0 {
			t.Errorf("%+v", out)
		}
		h.Clock.Pass(time.Hour)
		if out := h.take(x.ID, 0, h.beacon(0.6, 0)); out.New != 1 {
			t.Errorf("%+v", out)
		}
	})
}

// Who called a weak beacon harmless learns that it became a strong one, and
// not that it became weaker and is now as it was.
func TestAHarmlessFindingThatGrowsComesBack(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x := h.source()
		h.take(x.ID, 0, h.beacon(0.6, 0))
		f := h.findings(Filter{})[0]
		if _, err := h.Decide(h.night(), f.ID, f.Version, Decision{State: Benign, Note: "監視", UntilAt: h.Clock.Now().Add(100 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
		for _, score := range []float64{0.3, 0.6, 0.7} {
			h.Clock.Pass(time.Hour)
			if out := h.take(x.ID, 0, h.beacon(score, 0)); out != (TakenIn{Unheard: 1}) {
				t.Errorf("%.1f: %+v", score, out)
			}
		}
		h.Clock.Pass(time.Hour)
		if out := h.take(x.ID, 0, h.beacon(0.95, 0)); out != (TakenIn{New: 1}) {
			t.Errorf("it grew: %+v", out)
		}
		if list := h.findings(Filter{Open: true}); len(list) != 1 || list[0].Rank != Act || list[0].State != Fresh || !list[0].UntilAt.IsZero() || list[0].Note != "監視" {
			t.Errorf("%+v", list)
		}
	})
}

// Further findings come without a reading: the newest one stays the one with
// the counts, and a source that lost half does not look well.
func TestFurtherFindingsAreNoReading(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x := h.source()
		h.take(x.ID, 900)
		h.Clock.Pass(time.Minute)
		if _, err := h.Take(h.night(), x.ID, Reading{}, []Found{h.beacon(0.9, 0)}); err != nil {
			t.Fatal(err)
		}
		got, readings, err := h.Source(h.night(), x.ID)
		if err != nil || len(readings) != 1 || readings[0].Share() < 0.4 || !got.SeenAt.Equal(h.Clock.Now()) {
			t.Errorf("%+v %v %v", readings, got.SeenAt, err)
		}
		if _, err := h.Take(h.night(), x.ID, Reading{Packets: 1}, nil); fault.KindOf(err) != fault.Invalid {
			t.Errorf("a reading without a time: %v", err)
		}
		if _, err := h.Take(h.night(), x.ID, Reading{}, make([]Found, MaxFindings+1)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("too many: %v", err)
		}
	})
}

// Names in full come in only from a source that was registered to keep them;
// each finding that is refused is named.
func TestFullNamesNeedTheirSource(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x := h.source()
		full, err := h.Register(h.admin(), NewSource{Name: "x", Kind: Logs, Basis: Test, FullNames: true, NamesWhy: "a test"})
		if err != nil {
			t.Fatal(err)
		}
		good, long, deep, both := h.beacon(0.9, 0), h.beacon(0.9, 0), h.beacon(0.9, 0), h.beacon(0.9, 0)
		good.Dst = "+2.mail.{0a1b2c3d4e5f:30}.example"
		long.Dst = strings.Repeat("a", 25) + ".example"
		deep.Dst = "a.b.c.d.e.example"
		both.Src, both.Dst = strings.Repeat("abcd.", 40)+"example", "two words"
		now := h.Clock.Now()
		r := Reading{From: now, Until: now}
		if _, err := h.Take(h.night(), full.ID, r, []Found{good, long, deep}); err != nil {
			t.Errorf("of a source with full names: %v", err)
		}
		_, err = h.Take(h.night(), x.ID, r, []Found{good, long, good, deep, both})
		f := fault.Of(err)
		if !errors.Is(err, ErrInvalid) || f == nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, p := range f.Places {
			got[p.At] = p.Code
		}
		if len(got) != 4 || got["findings.1.dst"] != "sensor.bad.full" || got["findings.3.dst"] != "sensor.bad.full" || got["findings.4.src"] != "sensor.bad.full" || got["findings.4.dst"] != "sensor.bad.end" {
			t.Errorf("%v", got)
		}
		for _, s := range []string{"192.0.2.1", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:0/112", "192.0.2.0/24", ""} {
			if !bounded(s) || !end(s) {
				t.Errorf("%s is refused", s)
			}
		}
	})
}
