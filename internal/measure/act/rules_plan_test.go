package act

import (
	"context"
	"fmt"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/measure"
	"noroshi/internal/measure/act/driver"
)

// What carries out a step is of the step's kind, targets and hours, and of what is
// below a name only where the step says so.
func TestOnPlan(t *testing.T) {
	n, err := BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	list := digestOf(encodeList([]string{"bad.example", "worse.example"}))
	for _, c := range []struct {
		kind  measure.StepKind
		on    string
		below bool
		hours int
		want  string
	}{
		{measure.OwnSinkhole, "bad.example, worse.example", false, 2, ""},
		{measure.OwnSinkhole, "worse.example BAD.example.", false, 2, ""},
		{measure.OwnSinkhole, "*.bad.example、*.worse.example", true, 2, ""},
		{measure.OwnSinkhole, "*.bad.example *.worse.example", false, 2, ""},
		{measure.OwnSinkhole, list, false, 2, ""},
		{measure.OwnSinkhole, "sha256 *." + list, true, 2, ""},
		{measure.OwnSinkhole, "bad.example worse.example", true, 2, "below"},
		{measure.OwnSinkhole, "*.bad.example worse.example", true, 2, "below"},
		{measure.OwnSinkhole, list, true, 2, "below"},
		{measure.OwnSinkhole, "bad.example", false, 2, "targets"},
		{measure.OwnSinkhole, "bad.example worse.example third.example", false, 2, "targets"},
		{measure.OwnSinkhole, "the resolver", false, 2, "targets"},
		{measure.OwnSinkhole, "", false, 2, "targets"},
		{measure.OwnBlock, "bad.example worse.example", false, 2, "kind"},
		{measure.OwnSinkhole, "bad.example worse.example", false, 1, "hours"},
	} {
		a := plainAsk("bad.example", "worse.example")
		a.Below = c.below
		task, targets, _, _ := a.task("o", &n)
		err := onPlan(measure.Under{Step: measure.PlanStep{Kind: c.kind, On: c.on, Hours: c.hours}}, &task, targets, &n)
		got := ""
		if err != nil {
			got = fmt.Sprint(fault.Of(err).Args["what"])
		}
		if got != c.want {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// The hours of a step are counted from the first order that carried it out.
func TestBegun(t *testing.T) {
	h := lite(t)
	ctx := context.Background()
	at := h.Clock.Now().UTC().Truncate(time.Second)
	for _, o := range []Order{
		{State: Undone, From: at.Add(time.Hour), SentAt: at.Add(time.Hour)},
		{State: Undone, From: at.Add(2 * time.Hour), SentAt: at.Add(2 * time.Hour)},
		{State: Failed, From: at, SentAt: at},
		{State: Approved, From: at},
		{State: Undone, From: at, SentAt: at, Task: Task{Step: 2}},
		{State: Undone, From: at, SentAt: at, Task: Task{Plan: "another"}},
	} {
		o.ID, o.Number, o.Org = newID(), newNumber(), h.country.ID("wind")
		if o.Task.Chain, o.Task.Kind = "chain", driver.Sinkhole; o.Task.Step == 0 {
			o.Task.Step = 1
		}
		if o.Task.Plan == "" {
			o.Task.Plan = "plan"
		}
		o.Digest, o.sealed, o.AskedAt, o.asker = o.Task.Digest(), []byte{1}, at, "p"
		h.must(h.DB.Write(ctx, func(tx *db.Tx) error { return insertOrder(ctx, tx, &o) }))
	}
	h.must(h.DB.Read(ctx, func(tx *db.Tx) error {
		first, err := begun(ctx, tx, &Task{Chain: "chain", Step: 1, Plan: "plan"})
		if err != nil || !first.Equal(at.Add(time.Hour)) {
			t.Errorf("%v, %v", first, err)
		}
		never, err := begun(ctx, tx, &Task{Chain: "chain", Step: 3, Plan: "plan"})
		if err != nil || !never.IsZero() {
			t.Errorf("%v, %v", never, err)
		}
		return nil
	}))
}
