package act

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/measure/act/driver"
)

// What cannot be asked, by place.
func TestWhatCannotBeAsked(t *testing.T) {
	h := lite(t)
	for name, c := range map[string]struct {
		change   func(a *Ask)
		at, code string
	}{
		"nothing":            {func(a *Ask) { a.Targets = nil }, "targets", "act.bad.empty"},
		"no kind":            {func(a *Ask) { a.Kind = "" }, "kind", "act.bad.choice"},
		"no name":            {func(a *Ask) { a.Targets = []string{"good.example", "not a name"} }, "targets/1", "names.not_a_name"},
		"no hours":           {func(a *Ask) { a.Hours = 0 }, "hours", "act.bad.hours"},
		"a year":             {func(a *Ask) { a.Hours = 8760 }, "hours", "act.bad.hours"},
		"no grounds":         {func(a *Ask) { a.Grounds = " \u202e\n" }, "grounds", "act.bad.empty"},
		"no basis":           {func(a *Ask) { a.Basis = "" }, "basis", "act.bad.choice"},
		"secrecy, no ground": {func(a *Ask) { a.Basis, a.GroundText = Subscribers, "同意がある。" }, "ground", "act.bad.ground"},
		"a made-up ground":   {func(a *Ask) { a.Basis, a.Ground, a.GroundText = Subscribers, "x", "同意。" }, "ground", "act.bad.ground"},
		"a ground, no why":   {func(a *Ask) { a.Basis, a.Ground = Subscribers, "consent" }, "ground_text", "act.bad.empty"},
		"a ground for own":   {func(a *Ask) { a.Ground = "consent" }, "ground", "act.bad.no_ground"},
		"a step, no case":    {func(a *Ask) { a.Step = 1 }, "step", "act.bad.step"},
		"everything":         {func(a *Ask) { a.Kind, a.Targets = driver.Filter, []string{"0.0.0.0/0"} }, "targets/0", "act.bad.wide"},
		"everything, v6":     {func(a *Ask) { a.Kind, a.Targets = driver.Filter, []string{"::/0"} }, "targets/0", "act.bad.wide"},
		"too wide":           {func(a *Ask) { a.Kind, a.Targets = driver.Filter, []string{"198.0.0.0/7"} }, "targets/0", "act.bad.wide"},
		"host bits":          {func(a *Ask) { a.Kind, a.Targets = driver.Filter, []string{"198.51.100.7/24"} }, "targets/0", "act.bad.host_bits"},
		"mapped":             {func(a *Ask) { a.Kind, a.Targets = driver.Filter, []string{"::ffff:198.51.100.0/120"} }, "targets/0", "act.bad.prefix"},
		"own":                {func(a *Ask) { a.Kind, a.Targets = driver.Filter, []string{"192.0.2.9"} }, "targets/0", "act.bad.own"},
		"around own":         {func(a *Ask) { a.Kind, a.Targets = driver.Filter, []string{"192.0.0.0/16"} }, "targets/0", "act.bad.own"},
		"others discarded":   {func(a *Ask) { a.Kind, a.Targets = driver.Blackhole, []string{"198.51.100.7"} }, "targets", "act.bad.not_own"},
		"others' flows": {func(a *Ask) {
			a.Kind, a.Targets, a.Sources, a.Other = driver.FlowSpec, []string{"198.51.100.7"}, true, "203.0.113.0/24"
		}, "other", "act.bad.not_own"},
		"a port, no TCP":   {func(a *Ask) { a.Kind, a.Targets, a.Port = driver.Filter, []string{"198.51.100.7"}, 80 }, "port", "act.bad.port"},
		"a port of a name": {func(a *Ask) { a.Port, a.Protocol = 80, 6 }, "other", "act.bad.not_of_kind"},
		"below an address": {func(a *Ask) { a.Kind, a.Targets, a.Below = driver.Filter, []string{"198.51.100.7"}, true }, "below", "act.bad.not_of_kind"},
		"an odd answer":    {func(a *Ask) { a.Answer = "refused" }, "answer", "act.bad.choice"},
	} {
		a := plainAsk("bad.example")
		c.change(&a)
		_, err := h.Ask(h.reporter(), a)
		if got := places(err); got[c.at] != c.code {
			t.Errorf("%s: %v at %v", name, err, got)
		}
	}
	for name, a := range map[string]Ask{
		"one's own, blackholed": {Kind: driver.Blackhole, Targets: []string{"192.0.2.9"}},
		"a flow to one's own":   {Kind: driver.FlowSpec, Targets: []string{"198.51.100.7"}, Sources: true, Other: "192.0.2.0/24", Protocol: 17, Port: 53},
		"an address of another": {Kind: driver.Filter, Targets: []string{"198.51.100.7", "2001:db9::1"}},
	} {
		a.Hours, a.Grounds, a.Basis = 1, "理由。", OwnBasis
		if _, err := h.Ask(h.reporter(), a); err != nil {
			t.Errorf("%s: %v %v", name, err, places(err))
		}
	}
}

// The digest is of the order in every field, and of the list in every target; the
// same list in another spelling is the same list.
func TestDigest(t *testing.T) {
	n, err := BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	base := plainAsk("b.example", "a.example")
	digest := func(change func(a *Ask)) string {
		a := base
		a.Targets = slices.Clone(base.Targets)
		change(&a)
		task, _, _, bad := a.task("order", &n)
		if bad.err() != nil {
			t.Fatal(bad.err(), bad)
		}
		return task.Digest()
	}
	same := digest(func(*Ask) {})
	if digest(func(a *Ask) { a.Targets = []string{"A.Example.", "a.example", "b.EXAMPLE"} }) != same {
		t.Error("another spelling is another order")
	}
	for name, change := range map[string]func(a *Ask){
		"target": func(a *Ask) { a.Targets[0] = "c.example" }, "one more": func(a *Ask) { a.Targets = append(a.Targets, "c.example") }, "below": func(a *Ask) { a.Below = true },
		"answer": func(a *Ask) { a.Answer = driver.NoData }, "hours": func(a *Ask) { a.Hours = 3 }, "kind": func(a *Ask) { a.Kind = driver.Proxy },
		"ground": func(a *Ask) { a.Basis, a.Ground, a.GroundText = Subscribers, "consent", "同意。" },
	} {
		if digest(change) == same {
			t.Errorf("%s: the digest does not show it", name)
		}
	}
}

// Public resolvers and reserved networks need the approver's reason; its asker
// cannot give one.
func TestWarned(t *testing.T) {
	h := lite(t)
	o, err := h.Ask(h.reporter(), Ask{Kind: driver.Filter, Targets: []string{"8.8.8.8", "198.51.100.7", "10.0.0.0/8"}, Hours: 1, Grounds: "理由。", Basis: OwnBasis})
	h.must(err)
	if o.WarnedCount != 2 || len(o.Words.Warned) != 2 {
		t.Fatalf("%d warned: %v", o.WarnedCount, o.Words.Warned)
	}
	h.dried("wind", o)
	if _, err := h.Approve(h.admin(), o.ID, Decision{Digest: o.Digest, Override: " "}); code(err) != ErrOverride.Code {
		t.Errorf("without a reason: %v", err)
	}
	_, err = h.Approve(h.admin(), o.ID, Decision{Digest: o.Digest, Override: "観測で確かめた。"})
	h.must(err)
	v, err := h.Show(h.admin(), o.ID)
	h.must(err)
	if v.Words.Override != "観測で確かめた。" || v.State != Approved {
		t.Errorf("%+v", v.Words)
	}
}

// An order is its organisation's: nobody else learns of it; the machine of another
// organisation, or a person, does none of a machine's acts.
func TestWhose(t *testing.T) {
	h := lite(t)
	o := h.ask("bad.example")
	for _, c := range []context.Context{h.as("sea", "admin", gate.OperatorAdmin), h.as("commission", "member", gate.CommissionMember), h.as("office", "clerk", gate.OfficeClerk)} {
		who, _ := gate.From(c)
		if list, _, _, err := h.List(c, Filter{}); err != nil || len(list) != 0 {
			t.Errorf("%s lists %d, %v", who.Person, len(list), err)
		}
		if _, err := h.Show(c, o.Number); code(err) != ErrNone.Code {
			t.Errorf("%s reads it: %v", who.Person, err)
		}
	}
	if _, err := h.Targets(h.machine("sea"), o.ID); code(err) != ErrNone.Code {
		t.Errorf("another machine reads the targets: %v", err)
	}
	if _, err := h.Dry(h.machine("sea"), o.ID, Dried{Actuator: "sea-box", Digest: o.Digest}); code(err) != ErrNone.Code {
		t.Errorf("another machine answers: %v", err)
	}
	person := h.as("wind", "machine", gate.Actuator) // signed in, without a token
	for name, err := range map[string]error{
		"work": func() error { _, err := h.Work(person, Contact{Actuator: "x"}); return err }(), "take": func() error { _, err := h.Take(person, o.ID, Claim{"x"}); return err }(),
		"alarm": h.Warn(person, Warning{Actuator: "x", What: "clock"}),
	} {
		if code(err) != ErrMachine.Code {
			t.Errorf("%s by a person: %v", name, err)
		}
	}
	for _, c := range []context.Context{h.as("sea", "admin", gate.OperatorAdmin), h.as("commission", "member", gate.CommissionMember)} {
		if _, err := h.Targets(c, o.ID); code(err) != ErrNone.Code {
			t.Errorf("the targets are read outside: %v", err)
		}
	}
	if raw, err := h.Targets(h.admin(), o.ID); err != nil || string(raw) != "bad.example\n" {
		t.Errorf("who approves reads %q, %v", raw, err)
	}
	if n := h.Entries(t, "act.take", ledger.Refused); n != 1 {
		t.Errorf("%d refusals of taking are on record", n)
	}
	if _, err := h.Approve(h.reporter(), o.ID, Decision{Digest: o.Digest}); code(err) != gate.ErrRole.Code {
		t.Errorf("a reporter approves: %v", err)
	}
}

// Two processes race for every order: each order has one intent.
func TestRace(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		o := h.ask("bad.example")
		h.dried("wind", o)
		m := h.machine("wind")
		_, err := h.Work(m, Contact{Actuator: "second", Kinds: driver.Kinds})
		h.must(err)
		if _, err := h.Dry(m, o.ID, Dried{Actuator: "second", Digest: o.Digest, Fits: true}); code(err) != ErrHeld.Code {
			t.Errorf("a second process answers: %v", err)
		}
		var wg sync.WaitGroup
		for range 4 { // and four persons approve at once
			wg.Go(func() { _, _ = h.Approve(h.as("wind", "admin", gate.OperatorAdmin), o.ID, Decision{Digest: o.Digest}) })
		}
		wg.Wait()
		var mu sync.Mutex
		uses := map[string]bool{}
		for i := range 8 {
			wg.Go(func() {
				c, err := h.Take(m, o.ID, Claim{[]string{"wind-box", "second"}[i%2]})
				if err != nil {
					return
				}
				in, err := OpenInstruction(c.Instruction, "wind-box", h.verifier)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				uses[in.Use] = true
			})
		}
		wg.Wait()
		if len(uses) != 1 || h.Entries(t, "act.take", ledger.Done) != 1 || h.Entries(t, "act.approve", ledger.Done) != 1 {
			t.Errorf("%d intents, %d on record, %d approvals", len(uses), h.Entries(t, "act.take", ledger.Done), h.Entries(t, "act.approve", ledger.Done))
		}
	})
}

// What time does: nobody decides, nobody takes, nobody answers, nobody says that it
// is gone.
func TestTime(t *testing.T) {
	h := lite(t)
	left := h.ask("left.example")
	sent := h.sent("silent.example")
	approved := h.ask("late.example")
	h.dried("wind", approved)
	_, err := h.Approve(h.admin(), approved.ID, Decision{Digest: approved.Digest})
	h.must(err)
	h.Clock.Pass(6 * time.Minute)
	h.tick()
	h.tick()
	if o := h.load(sent.ID); o.Alarm != "no_outcome" || o.State != Sent {
		t.Errorf("an intent without outcome: %s %q", o.State, o.Alarm)
	}
	h.Clock.Pass(10 * time.Minute)
	h.tick()
	h.tick()
	if n := h.Entries(t, "act.alarm", ledger.Done); n != 2 { // no outcome, and lost
		t.Errorf("%d alarms", n)
	}
	if err := h.told(sent, Live); err != nil {
		t.Error(err)
	}
	h.Clock.Pass(2 * hour)
	h.tick()
	if o := h.load(approved.ID); o.State != Expired || o.Reason != "never_sent" {
		t.Errorf("never sent: %s %s", o.State, o.Reason)
	}
	h.Clock.Pass(11 * time.Minute)
	h.tick()
	h.tick()
	if o := h.load(sent.ID); o.Alarm != "overdue" || o.State != Live {
		t.Errorf("past its end: %s %q", o.State, o.Alarm)
	}
	if _, err := h.Settle(h.admin(), sent.ID, "装置を見た。"); code(err) != ErrStep.Code {
		t.Errorf("settled while it is said to be live: %v", err)
	}
	_, err = h.Undo(h.reporter(), sent.ID, "外す。")
	h.must(err)
	_, err = h.Settle(h.admin(), sent.ID, "装置を見た。規則はない。")
	h.must(err)
	if err := h.told(sent, Undone); err != nil { // it comes back and says so
		t.Error(err)
	}
	if err := h.told(sent, Live); code(err) != ErrStep.Code {
		t.Errorf("live after its end: %v", err)
	}
	h.Clock.Pass(200 * hour)
	h.tick()
	if o := h.load(left.ID); o.State != Expired || o.Reason != "undecided" {
		t.Errorf("undecided: %s %s", o.State, o.Reason)
	}
}

// A Grant is spent with its order: what ended cannot be taken again, and what was
// changed in the database cannot be taken at all.
func TestSpent(t *testing.T) {
	h := lite(t)
	o := h.sent("bad.example")
	h.must(h.told(o, Live))
	h.must(h.told(o, Undone))
	if _, err := h.Take(h.machine("wind"), o.ID, Claim{"wind-box"}); code(err) != ErrStep.Code {
		t.Errorf("taken again: %v", err)
	}
	h.must(h.DB.Read(t.Context(), func(tx *db.Tx) error {
		g, err := h.Approvals.Grant(h.admin(), tx, o.Approval)
		if err == nil {
			if left, _ := h.Approvals.Unfinished(t.Context(), tx); len(left) != 0 {
				t.Errorf("%d uses go on", len(left))
			}
			if g.Order().Plan != o.Digest || g.Order().Measure != o.ID {
				t.Errorf("the Grant is of %s", g.Order().Measure)
			}
		}
		return err
	}))
	for _, change := range []string{"UPDATE measure_order SET task = replace(task, '\"hours\":2', '\"hours\":700') WHERE id = $1", "UPDATE measure_order SET digest = '" + strings.Repeat("0", 64) + "' WHERE id = $1",
		"UPDATE measure_order SET task = replace(task, '\"hours\":2', '\"hours\":700'), until_at = until_at * 2 WHERE id = $1"} {
		o := h.ask("other.example")
		h.dried("wind", o)
		_, err := h.Approve(h.admin(), o.ID, Decision{Digest: o.Digest})
		h.must(err)
		h.must(h.DB.Write(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(t.Context(), change, o.ID); return err }))
		if _, err := h.Take(h.machine("wind"), o.ID, Claim{"wind-box"}); code(err) != ErrChanged.Code {
			t.Errorf("%s: %v", change, err)
		}
	}
}

// Nothing that a signed instruction or its Grant says can be changed by who carries
// it: the other side finds every single bit.
func TestInstruction(t *testing.T) {
	h := lite(t)
	o := h.ask("bad.example")
	h.dried("wind", o)
	_, err := h.Approve(h.admin(), o.ID, Decision{Digest: o.Digest})
	h.must(err)
	c, err := h.Take(h.machine("wind"), o.ID, Claim{"wind-box"})
	h.must(err)
	in, err := OpenInstruction(c.Instruction, "wind-box", h.verifier)
	h.must(err)
	_, err = in.Grant([]byte(c.Paper), h.Clock.Now(), h.verifier)
	h.must(err)
	rng := rand.New(rand.NewPCG(7, 7))
	for range 400 {
		raw := []byte(c.Instruction)
		raw[rng.IntN(len(raw))] ^= 1 << rng.IntN(7)
		if _, err := OpenInstruction(string(raw), "wind-box", h.verifier); err == nil && !bytes.Equal(raw, []byte(c.Instruction)) {
			t.Fatalf("accepted: %s", raw)
		}
		paper := []byte(c.Paper)
		paper[rng.IntN(len(paper))] ^= 1 << rng.IntN(7)
		if _, err := in.Grant(paper, h.Clock.Now(), h.verifier); err == nil {
			t.Fatalf("accepted: %s", paper)
		}
	}
	if _, err := OpenInstruction(c.Instruction, "other-box", h.verifier); code(err) != ErrHeld.Code {
		t.Errorf("another process: %v", err)
	}
	for name, change := range map[string]func(i *Instruction){
		"another order": func(i *Instruction) { i.Task.Order = newID() }, "longer": func(i *Instruction) { i.Until = i.Until.Add(hour) }, "another list": func(i *Instruction) { i.Task.Targets = strings.Repeat("0", 64) },
		"to undo": func(i *Instruction) { i.What = Undo }, "of a case": func(i *Instruction) { i.Task.Chain = "c" },
	} {
		other := in
		change(&other)
		if _, err := other.Grant([]byte(c.Paper), h.Clock.Now(), h.verifier); err == nil {
			t.Errorf("%s: the Grant covers it", name)
		}
	}
	for _, at := range []time.Time{h.Clock.Now().Add(-2 * hour), h.Clock.Now().Add(2 * hour)} {
		if _, err := in.Grant([]byte(c.Paper), at, h.verifier); code(err) != ErrOver.Code {
			t.Errorf("at %s: %v", at, err)
		}
	}
	if _, err := in.Task.Rules([]byte("bad.example\nmore.example\n"), in.Until); !errors.Is(err, ErrChanged) {
		t.Errorf("another list: %v", err)
	}
}

// An order's life by chance, through every door, never leaves the table of states,
// and never has two intents, or an intent without an approval.
func TestRandomLives(t *testing.T) {
	h := lite(t)
	rng := rand.New(rand.NewPCG(20261123, 1))
	for range 25 {
		o := h.ask("bad.example")
		for range 14 {
			was := h.load(o.ID)
			h.someAct(rng, was)
			now := h.load(o.ID)
			if was.State != now.State && !slices.ContainsFunc(Steps, func(s Step) bool { return s.From == was.State && s.To == now.State }) {
				t.Fatalf("%s became %s", was.State, now.State)
			}
			if now.State.held() && (now.Approval == "" || now.use == "" || now.approver == now.asker) {
				t.Fatalf("%s without its approval: %+v", now.State, now)
			}
			if was.use != "" && now.use != was.use {
				t.Fatal("two intents")
			}
		}
	}
	if a, b := h.Entries(t, "act.take", ledger.Done), h.Entries(t, "act.approve", ledger.Done); a == 0 || a > b {
		t.Errorf("%d intents, %d approvals", a, b)
	}
}

// someAct is one act of anybody, allowed or not.
func (h *hub) someAct(rng *rand.Rand, o Order) {
	m := h.machine("wind")
	switch rng.IntN(9) {
	case 0, 1:
		_, _ = h.Work(m, Contact{Actuator: "wind-box", Kinds: driver.Kinds})
		_, _ = h.Dry(m, o.ID, Dried{Actuator: "wind-box", Digest: o.Digest, Fits: rng.IntN(4) > 0})
	case 2, 3:
		_, _ = h.Approve([]context.Context{h.admin(), h.reporter()}[rng.IntN(2)], o.ID, Decision{Digest: o.Digest})
	case 4:
		_, _ = h.Take(m, o.ID, Claim{"wind-box"})
	case 5:
		_ = h.told(o, []State{Live, Half, Failed, Undone, Expired}[rng.IntN(5)])
	case 6:
		_, _ = h.Undo(h.reporter(), o.ID, "外す。")
	case 7:
		h.Clock.Pass(time.Duration(rng.IntN(40)) * time.Minute)
		h.tick()
	case 8:
		_, _ = h.Settle(h.admin(), o.ID, fmt.Sprint("見た。", rng.IntN(9)))
	}
}

// A million names are one order.
func TestManyTargets(t *testing.T) {
	h := lite(t)
	var list []string
	for i := range 100_000 {
		list = append(list, fmt.Sprintf("n%d.bad.example", i))
	}
	o := h.ask(list...)
	raw, err := h.Targets(h.machine("wind"), o.ID)
	h.must(err)
	rules, err := o.Task.Rules(raw, h.Clock.Now())
	if err != nil || len(rules) != len(list) {
		t.Errorf("%d rules, %v", len(rules), err)
	}
	if _, err := h.Ask(h.reporter(), plainAsk(make([]string, mostTargets+1)...)); places(err)["targets"] != "act.bad.many" {
		t.Errorf("too many: %v", err)
	}
}
