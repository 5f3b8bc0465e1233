package app

import (
	"testing"

	"noroshi/internal/base/gate"
	"noroshi/internal/hunt"
	"noroshi/internal/sighting"
)

// Two operators hunt in the demo: each has two runs, what is harmless is quiet in
// the second, one shares it and the other is offered it, and one draft names the
// notice that asks for it.
func TestDemoHunts(t *testing.T) {
	c := built(t, 1, 0)
	s := c.h.Hunts
	states := map[hunt.State]int{}
	for _, id := range huntOperators {
		ctx := c.as(t, id, gate.OperatorReporter)
		hunts, _, err := s.Hunts(ctx, hunt.HuntFilter{Stage: hunt.Opened})
		if err != nil || len(hunts) != 1 {
			t.Fatalf("%s has %d open hunts: %v", id, len(hunts), err)
		}
		runs, _, err := s.Runs(ctx, hunts[0].ID, "", 10)
		if err != nil || len(runs) != 2 {
			t.Fatalf("%s has %d runs: %v", id, len(runs), err)
		}
		after, before := runs[0], runs[1]
		if before.Quiet != 0 || after.Quiet == 0 || before.Taken == 0 || after.Beyond+before.Beyond != 0 || after.DoneAt.IsZero() {
			t.Errorf("%s: before %+v, after %+v", id, before, after)
		}
		x, err := s.Compare(ctx, before.ID, after.ID)
		if err != nil || x.Both == 0 || x.Gone == 0 || (x.Came > 0) != (id == "power") {
			t.Errorf("%s: compared %+v, %v", id, x, err)
		}
		list, _, err := s.Findings(ctx, hunt.FindingFilter{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			states[f.State]++
		}
		offers, _, err := s.Offers(ctx, "", 10)
		if err != nil || len(offers) != 1 || offers[0].Mine != (id == "power") || offers[0].Org != "" {
			t.Errorf("%s is offered %+v: %v", id, offers, err)
		}
	}
	for _, x := range []hunt.State{hunt.Fresh, hunt.Taken, hunt.Harmless, hunt.Real} {
		if states[x] == 0 {
			t.Errorf("no finding is %s: %v", x, states)
		}
	}
	drafts, _, err := s.Hunts(c.as(t, "power", gate.OperatorReporter), hunt.HuntFilter{Stage: hunt.Drafted})
	if err != nil || len(drafts) != 1 || drafts[0].Notice == "" {
		t.Errorf("%d drafts: %v", len(drafts), err)
	}
	seen, _, err := c.h.Sightings.List(c.as(t, "office", gate.OfficeAnalyst), sighting.Filter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, x := range seen {
		if x.Origin == sighting.FromHunt {
			n++
			if x.Org != "" || x.Victim != "" {
				t.Errorf("the analyst sees whose it is: %+v", x)
			}
		}
	}
	if n != 1 {
		t.Errorf("%d sightings came from hunts", n)
	}
}
