package measure

import (
	"slices"
	"strings"
	"testing"
)

// A search that finds nothing is worth nothing: with one guard taken away, it
// finds the state that the guard is there for.
func TestTheSearchFindsWhatAGuardPrevents(t *testing.T) {
	for _, c := range []struct {
		guards string
		body   Body
		breaks string
	}{
		{"G2", National, "grounds"}, {"G3", National, "grounds"}, {"G6", Prefecture, "I2"}, {"G7", National, "I2"}, {"G8 power", National, "I1"},
		{"G10", Defence, "I3"}, {"G11", Defence, "I3"}, {"G12", Defence, "I3"}, {"settled", National, "I4"}, {"brake", National, "brake"}, {"braked", National, "brake"},
		{"in_plan", National, "I5"}, {"once", National, "I5"}, {"fresh", National, "fresh"}, {"weighed", National, "voices"},
		{"apart", National, "I6"}, {"two", National, "two"},
	} {
		e := newExplorer(t)
		e.quiet, e.lax = true, c.guards == "apart" || c.guards == "two"
		kept := slices.Clone(Guards)
		for i := range Guards {
			if slices.Contains(strings.Fields(c.guards), Guards[i].ID) {
				Guards[i].Holds = func(*Facts) bool { return true }
			}
		}
		e.walk(c.body, func() bool { return e.broken[c.breaks] > 0 })
		copy(Guards, kept)
		if e.broken[c.breaks] == 0 {
			t.Errorf("without %s, %s holds in %d states", c.guards, c.breaks, e.seen.n)
		}
	}
}

// Nor is it worth anything if a rule can be left out unseen: without the alarm in
// one state alone, and without what an act makes of the facts, the search finds
// what goes wrong.
func TestTheSearchFindsWhatIsLeftOut(t *testing.T) {
	search := func(what, breaks string, b Body) {
		e := newExplorer(t)
		e.quiet = true
		e.walk(b, func() bool { return e.broken[breaks] > 0 })
		if e.broken[breaks] == 0 {
			t.Errorf("%s: %s holds in %d states", what, breaks, e.seen.n)
		}
	}
	for _, at := range []State{Declared, Executing, Executed, Stopped, Reviewed} {
		kept := talksAt[at]
		talksAt[at] = slices.DeleteFunc(slices.Clone(kept), func(b bound) bool { return b.Act == "alarm" })
		search("no alarm at "+string(at), "I4", National)
		talksAt[at] = kept
	}
	e := newExplorer(t)
	e.quiet, e.blind = true, true
	e.walk(National, func() bool { return e.broken["brake"] > 0 })
	if e.broken["brake"] == 0 {
		t.Errorf("plans that came to nothing are not counted: brake holds in %d states", e.seen.n)
	}
	kept := rulesAt[Stopped]
	rulesAt[Stopped] = append(slices.Clone(kept), bound{Rule: Rule{"declare", Stopped, Declared, CommandSide, nil}})
	search("declared again after a stop", "fresh", National)
	rulesAt[Stopped] = kept
}
