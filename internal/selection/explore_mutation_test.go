package selection

import (
	"slices"
	"testing"

	"noroshi/internal/approval"
)

// explored is what the search is about: one power alone, with somebody who tries to
// be everything, and both side by side.
var explored = []struct {
	name string
	set  func(*walker)
}{
	{"the commission", func(w *walker) { w.asks, w.lists = true, true }},
	{"the agreement", func(w *walker) { w.agrees, w.lists = true, true }},
	{"both", func(w *walker) { w.asks, w.agrees, w.alone = true, true, true }},
}

// walk visits all that follows from nothing, until enough says so.
func (w *walker) walk(enough func() bool) {
	first := newScene()
	if !w.lists {
		first.list = ListReady
	}
	w.visit(first)
	for len(w.stack) > 0 && !enough() {
		s := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		w.next(&s)
	}
}

// TestNoRunWithoutCoverInAnyState walks every state that the rules of approvals,
// agreements, lists and runs can bring about together, with somebody who tries
// everything, and asks of each what covers it. What it walked it draws.
func TestNoRunWithoutCoverInAnyState(t *testing.T) {
	p, edges, all := newPapers(t), map[string]bool{}, 0
	for _, x := range explored {
		w := newWalker(t, p)
		x.set(w)
		w.walk(func() bool { return false })
		t.Logf("%s: %d states; of runs %d begun, %d refused; %d records, %d of them late", x.name, w.seen.n, w.tried.begun, w.tried.refused, w.tried.kept, w.tried.late)
		if all += w.seen.n; w.tried.late == 0 || w.tried.begun == 0 || w.tried.refused == 0 {
			t.Errorf("%s: too little was tried: %+v", x.name, w.tried)
		}
		for e := range w.edges {
			edges[e] = true
		}
	}
	if all < 1_000_000 {
		t.Errorf("only %d states were walked", all)
	}
	drawSelection(t, edges)
}

// A search that finds nothing is worth nothing: kept from one thing that a rule
// asks, it finds the state that the rule is there for.
func TestTheSearchFindsWhatARuleDoesNotAsk(t *testing.T) {
	p := newPapers(t)
	for _, c := range []struct {
		what   string
		walk   int // of explored
		breaks string
		blind  blind
	}{
		{"the state of an approval", 0, lawCover, blind{power: func(x *approval.Power) { x.State = approval.Approved }}},
		{"that the approval of an agreement ended", 1, lawCover, blind{power: func(x *approval.Power) { x.State = approval.Approved }, opening: anyAgreement}},
		{"who asked, examined or decided", 0, lawApart, blind{power: func(x *approval.Power) { x.Other = "" }}},
		{"that another run goes on", 0, lawOne, blind{power: func(x *approval.Power) { x.Going = 0 }}},
		{"what others took", 0, lawCap, blind{power: func(x *approval.Power) { x.Spent = approval.Quantity{} }, run: func(h *HubRun) { h.used = approval.Quantity{} }}},
		{"that the approval ended meanwhile", 0, lawCover, blind{vital: func(x *approval.Vital) { x.State = approval.Approved }}},
		{"that the period is over", 0, lawCover, blind{vital: func(x *approval.Vital) { x.Until = x.Until.AddDate(1, 0, 0) }}},
		{"that an approval is in force", 0, lawFree, blind{vital: func(x *approval.Vital) { x.State = approval.Revoked }}},
		{"who made the list", 0, lawApart, blind{opening: func(o *beginning) { o.list = unmade(o.list) }}},
		{"who conducted the agreement", 1, lawApart, blind{power: func(x *approval.Power) { x.Other = "" }, opening: func(o *beginning) { o.conducted = false }}},
		{"that the list is ready", 0, lawApart, blind{opening: func(o *beginning) { o.list = &List{State: ListReady, SHA256: o.order.Selectors} }}},
		{"who decides of a list", 0, lawSecond, blind{second: func(l *List) { l.person = "" }}},
		{"which words were read", 1, lawWords, blind{moves: func(a *Agreement, _ string, v *int) { *v = a.Version }}},
		{"who keeps the agreement", 1, lawWords, blind{moves: func(a *Agreement, who string, _ *int) { a.Keeper = who }}},
		{"whether the agreement is in force", 1, lawCover, blind{issues: func(a *Agreement, _ *List, _ *approval.Quantity, _ *int) { a.State = Agreed }}},
		{"whether the list of a Grant is ready", 1, lawCover, blind{issues: func(_ *Agreement, l *List, _ *approval.Quantity, _ *int) { l.State = ListReady }}},
		{"what was taken under an agreement", 1, lawCap, blind{issues: func(_ *Agreement, _ *List, q *approval.Quantity, _ *int) { *q = approval.Quantity{} }}},
		{"that a run goes on under the list before", 1, lawCover, blind{issues: func(_ *Agreement, _ *List, _ *approval.Quantity, n *int) { *n = 0 }}},
		{"to recall what an agreement gave", 1, lawCover, blind{kept: true}},
		{"whether a use may go on when records come in", 0, lawCover, blind{alive: func(error) error { return nil }}},
		{"since when a run is silent", 0, lawEnd, blind{run: func(h *HubRun) { h.BeatAt = h.BeatAt.AddDate(1, 0, 0) }}},
		{"what is left of the cap", 0, lawCap, blind{run: func(h *HubRun) { h.kept = approval.Quantity{} }}},
		{"what a run took that broke off", 0, lawEnd, blind{run: func(h *HubRun) { h.kept, h.Taken = approval.Quantity{}, approval.Quantity{} }}},
		{"on which side somebody acted", 0, lawApart, blind{lax: true}},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := newWalker(t, p)
			explored[c.walk].set(w)
			w.blind, w.silent = c.blind, true
			w.walk(func() bool { return w.broken[c.breaks] > 0 })
			if w.broken[c.breaks] == 0 {
				t.Errorf("%s holds in %d states", c.breaks, w.seen.n)
			}
		})
	}
}

// anyAgreement puts one in force before a run, whatever became of the one there is.
func anyAgreement(o *beginning) {
	if o.agreement != nil {
		a := *o.agreement
		a.State, a.until = Agreed, a.until.AddDate(1, 0, 0)
		a.from = a.from.AddDate(-1, 0, 0)
		o.agreement = &a
	}
}

// unmade is a list that nobody made.
func unmade(l *List) *List {
	if l == nil {
		return nil
	}
	x := *l
	x.person, x.second = "", ""
	return &x
}

// Nor may a table say more than it should: with one row more, the search finds what
// that row lets happen; and from where a run has ended no row leads on.
func TestTheSearchFindsARowTooMany(t *testing.T) {
	p := newPapers(t)
	search := func(what, breaks string, walk int) {
		t.Helper()
		w := newWalker(t, p)
		explored[walk].set(w)
		w.silent = true
		w.walk(func() bool { return w.broken[breaks] > 0 })
		if w.broken[breaks] == 0 {
			t.Errorf("%s: %s holds in %d states", what, breaks, w.seen.n)
		}
	}
	moves := Moves
	Moves = append(slices.Clone(moves), Move{Proposed, Agreed, OfficeSide})
	search("the office accepts its own words", lawWords, 1)
	Moves = append(slices.Clone(moves), Move{Countered, Agreed, PartySide})
	search("the party accepts its own words", lawWords, 1)
	Moves = moves
	steps := approval.Steps
	for _, s := range []approval.Step{{Act: "examine", From: approval.Examined, To: approval.Approved, By: approval.ExaminerSide},
		{Act: "withdraw", From: approval.Examined, To: approval.Approved, By: approval.AskerSide}, {Act: "ask", From: approval.Revoked, To: approval.Approved, By: approval.AskerSide}} {
		approval.Steps = append(slices.Clone(steps), s)
		search(string(s.From)+" "+s.Act+" "+string(s.To), lawCover, 0)
	}
	approval.Steps = steps
	for _, m := range RunMoves {
		if m.From == RunDone || m.From == RunInterrupted || m.To == "" {
			t.Errorf("a run that has ended goes on: %+v", m)
		}
	}
}
