package hunt

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/testkit"
)

func (h *hub) suppress(c Condition, d time.Duration) Suppression {
	h.t.Helper()
	x, err := h.Suppress(h.hunter(), NewSuppression{Condition: c, Title: "T", Reason: "監視の道具です", UntilAt: h.Clock.Now().Add(d)})
	h.must(err)
	return x
}

func TestASuppressionIsAppliedToWhatComesIn(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x, now := h.hunt(), h.Clock.Now()
		h.suppress(Condition{Rule: "r1", Host: "pc1"}, time.Hour)
		h.suppress(Condition{Rule: "r2", Field: "SourceIp", Value: "198.51.100.7"}, time.Hour)
		h.suppress(Condition{Rule: "r4"}, time.Minute)
		ended := h.suppress(Condition{Rule: "r5"}, time.Hour)
		h.must(h.Unsuppress(h.hunter(), ended.ID, ""))
		h.Clock.Pass(2 * time.Minute)
		other := line("r2", "PC1", "ann", now)
		other.Event = nil
		r, err := h.Receive(h.hunter(), x.ID, "run-key-1", Told{})
		h.must(err)
		_, err = h.ReceivePart(h.hunter(), r.ID, 1, []Incoming{line("r1", "PC1", "ann", now), line("r1", "PC2", "ann", now), line("r2", "PC1", "ann", now), line("r4", "PC1", "ann", now), line("r5", "PC1", "ann", now)})
		h.must(err)
		state := func(rule, host string) (State, int, bool) {
			f := h.findings(FindingFilter{Rule: rule, Host: host})[0]
			return f.State, f.Quiet, f.Suppression != ""
		}
		for _, c := range []struct {
			rule, host string
			state      State
			quiet      int
		}{{"r1", "PC1", Harmless, 1}, {"r1", "PC2", Fresh, 0}, {"r2", "PC1", Harmless, 1}, {"r4", "PC1", Fresh, 0}, {"r5", "PC1", Fresh, 0}} {
			if s, n, by := state(c.rule, c.host); s != c.state || n != c.quiet || by != (n == 1) {
				t.Errorf("%s on %s is %s, %d", c.rule, c.host, s, n)
			}
		}
		// One that is not suppressed wakes the finding; what a person decided stays.
		f := h.findings(FindingFilter{Rule: "r1", Host: "PC2"})[0]
		_, err = h.Decide(h.hunter(), f.ID, f.Version, Decision{Real, "攻撃です"})
		h.must(err)
		r, err = h.ReceivePart(h.hunter(), r.ID, 2, []Incoming{other, line("r1", "PC2", "ann", now), line("r1", "PC1", "ann", now)})
		h.must(err)
		if s, n, by := state("r2", "PC1"); s != Fresh || n != 1 || by {
			t.Errorf("%s %d %v", s, n, by)
		}
		if s, _, _ := state("r1", "PC2"); s != Real {
			t.Errorf("%s", s)
		}
		if s, n, _ := state("r1", "PC1"); s != Harmless || n != 2 || r.Quiet != 3 {
			t.Errorf("%s %d %d", s, n, r.Quiet)
		}
		for name, n := range map[string]NewSuppression{
			"no rule": {Reason: "x", UntilAt: now.Add(time.Hour)}, "no reason": {Condition: Condition{Rule: "r"}, UntilAt: now.Add(time.Hour)},
			"past": {Condition: Condition{Rule: "r"}, Reason: "x", UntilAt: now}, "too long": {Condition: Condition{Rule: "r"}, Reason: "x", UntilAt: now.Add(400 * 24 * time.Hour)},
			"half a condition": {Condition: Condition{Rule: "r", Field: "Image"}, Reason: "x", UntilAt: now.Add(time.Hour)},
		} {
			if _, err := h.Suppress(h.hunter(), n); fault.KindOf(err) != fault.Invalid || len(fault.Of(err).Places) == 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// The file that the hub gives is one that scan reads, and says the same.
func TestTheFileOfSuppressionsIsRead(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		if raw, err := h.SuppressFile(h.other()); err != nil || len(raw) != 0 {
			t.Errorf("%q, %v", raw, err)
		}
		odd := Condition{Rule: "r\"1\\\n", Host: "DC01.例", User: "a=b # c", Field: "Image", Value: `C:\x "y"`}
		h.suppress(odd, 366*24*time.Hour)
		day := h.Clock.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 30)
		_, err := h.Suppress(h.hunter(), NewSuppression{Condition: Condition{Rule: "r2"}, Reason: "一か月", UntilAt: day})
		h.must(err)
		raw, err := h.SuppressFile(h.hunter())
		h.must(err)
		live, over, err := ParseExpected(raw, h.Clock.Now())
		if err != nil || len(live) != 2 || len(over) != 0 {
			t.Fatalf("%v %v %v\n%s", live, over, err, raw)
		}
		want := Condition{strings.TrimSpace(odd.Rule), odd.Host, odd.User, odd.Field, odd.Value}
		if x := live[0]; (Condition{x.Rule, x.Host, x.User, x.Field, x.Value}) != want || x.Reason != "監視の道具です" {
			t.Errorf("%+v", x)
		}
		if !strings.Contains(string(raw), "until = "+day.AddDate(0, 0, -1).Format(time.DateOnly)+"\n") {
			t.Errorf("%s", raw)
		}
	})
}

func TestASuppressionIsSharedByConsent(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		personal := h.suppress(Condition{Rule: "r1", Host: "PC1"}, time.Hour)
		if _, err := h.Preview(h.admin(), personal.ID); !errors.Is(err, ErrPersonal) {
			t.Errorf("a host would be shared: %v", err)
		}
		x := h.suppress(Condition{Rule: "r1", Field: "Image", Value: "agent.exe"}, 24*time.Hour)
		if _, err := h.Offer(h.hunter(), x.ID, false); !errors.Is(err, gate.ErrRole) || h.Entries(t, "hunt.offer", "refused") != 1 {
			t.Errorf("a reporter shares: %v", err)
		}
		p, err := h.Preview(h.admin(), x.ID)
		h.must(err)
		if list, _, err := h.Offers(h.other(), "", 0); err != nil || len(list) != 0 {
			t.Errorf("%v %v", list, err)
		}
		o, err := h.Offer(h.admin(), x.ID, false)
		h.must(err)
		if _, err := h.Offer(h.admin(), x.ID, true); !errors.Is(err, ErrOffered) {
			t.Errorf("%v", err)
		}
		list, _, err := h.Offers(h.other(), "", 0)
		h.must(err)
		if len(list) != 1 || list[0].Condition != p.Condition || list[0].Reason != p.Reason || list[0].Org != "" || list[0].Mine || list[0].Adopted || list[0].Users != 0 {
			t.Fatalf("%+v", list)
		}
		if strings.Contains(fmt.Sprintf("%+v", list[0]), h.country.ID("wind")) {
			got := list[0]
			if got.org = ""; strings.Contains(fmt.Sprintf("%+v", got), h.country.ID("wind")) {
				t.Error("it says whose it is")
			}
		}
		y, err := h.Adopt(h.other(), o.ID)
		h.must(err)
		if y.Condition != x.Condition || y.Adopted != o.ID || !y.UntilAt.Equal(x.UntilAt) {
			t.Errorf("%+v", y)
		}
		for _, again := range []func() error{func() error { _, err := h.Adopt(h.other(), o.ID); return err }, func() error { _, err := h.Adopt(h.admin(), o.ID); return err },
			func() error { _, err := h.Offer(h.other(), y.ID, false); return err }} {
			if err := again(); !errors.Is(err, ErrOffered) {
				t.Errorf("%v", err)
			}
		}
		if list, _, _ = h.Offers(h.other(), "", 0); !list[0].Adopted {
			t.Error("it does not say that one has it")
		}
		if err := h.Withdraw(h.other(), o.ID); !errors.Is(err, ErrNone) {
			t.Errorf("another withdraws: %v", err)
		}
		h.must(h.Withdraw(h.admin(), o.ID))
		if list, _, err := h.Offers(h.other(), "", 0); err != nil || len(list) != 0 {
			t.Errorf("%v %v", list, err)
		}
		if _, err := h.Adopt(h.as("bank", gate.OperatorAdmin), o.ID); !errors.Is(err, ErrNone) {
			t.Errorf("%v", err)
		}
		if list, _, err := h.Suppressions(h.other(), false, "", 0); err != nil || len(list) != 1 {
			t.Errorf("what was adopted stays: %v %v", list, err)
		}
		named, err := h.Offer(h.admin(), x.ID, true)
		h.must(err)
		if list, _, _ = h.Offers(h.other(), "", 0); len(list) != 1 || list[0].Org != h.country.ID("wind") {
			t.Errorf("%+v", list)
		}
		mine, _, err := h.Suppressions(h.hunter(), false, "", 0)
		if h.must(err); len(mine) != 2 || mine[0].Offer != named.ID || !mine[0].Named {
			t.Errorf("%+v", mine)
		}
		h.must(h.Unsuppress(h.hunter(), x.ID, "もう使わない"))
		if list, _, _ = h.Offers(h.other(), "", 0); len(list) != 0 {
			t.Error("an ended suppression is still shared")
		}
		if _, _, err := h.Offers(h.as("office", gate.OfficeAnalyst), "", 0); !errors.Is(err, gate.ErrRole) {
			t.Errorf("an analyst sees what is shared: %v", err)
		}
		if n := testkit.Count(t, h.DB, "SELECT count(*) FROM hunt_offer"); n != 2 {
			t.Errorf("%d", n)
		}
	})
}

// Beyond four organisations it is told how many use it.
func TestFewAreNotCounted(t *testing.T) {
	for n, want := range map[int]int{1: 0, 4: 0, 5: 5, 60: 60} {
		h := newHub(t, testkit.DB(t, sources()...))
		x := h.suppress(Condition{Rule: "r1"}, time.Hour)
		o, err := h.Offer(h.admin(), x.ID, false)
		h.must(err)
		for i := range n - 1 { // the one who offers uses it too
			who := h.country.Identity("sea", "a", gate.OperatorAdmin)
			who.Org = fmt.Sprintf("%036d", i)
			_, err := h.Adopt(gate.With(t.Context(), who), o.ID)
			h.must(err)
		}
		list, _, err := h.Offers(h.other(), "", 0)
		if h.must(err); list[0].Users != want {
			t.Errorf("%d organisations are told as %d", n, list[0].Users)
		}
	}
}
