package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/geo"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

func TestAnApprovalFromItsRequestToItsLastUse(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		c := h.ask()
		if c.State != Asked || c.Asked.Directions[0] != geo.FD {
			t.Fatalf("%+v", c)
		}
		wants(t, "question", h.Question(h.examiner(), c.ID, "上限を半分にできませんか。"), nil)
		wants(t, "examined with an open question", h.Examine(h.examiner(), c.ID, "よい。", nil), ErrOpen)
		wants(t, "answer", h.Answer(h.clerk(), c.ID, "できません。"), nil)
		h.examine(c.ID)
		for _, n := range []string{"1", "2"} {
			if _, err := h.Vote(h.member(n), c.ID, NewVote{Choice: For, Conditions: []string{"夜間に限る"}}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := h.Decide(h.member("1"), c.ID, Decision{Reason: "よい。"})
		wants(t, "decided by two", err, ErrQuorum)
		tally, err := h.Vote(h.member("3"), c.ID, NewVote{Choice: Against, Opinion: "量が多い。"})
		if err != nil || !tally.Closes || !tally.Passes {
			t.Fatalf("%+v %v", tally, err)
		}
		_, err = h.Decide(h.member("4"), c.ID, Decision{Reason: "よい。"})
		wants(t, "closed by who has not voted", err, ErrQuorum)
		if c, err = h.Decide(h.member("2"), c.ID, Decision{Reason: "要件を満たす。"}); err != nil || c.State != Approved {
			t.Fatalf("%+v %v", c, err)
		}
		g := h.grantOf(c.ID)
		if o := g.Order(); !slices.Equal(o.Conditions, []string{"夜間に限る"}) || o.Kind != ForeignDomestic || o.Asker != c.Org || g.Digest() != c.Order {
			t.Errorf("%+v", o)
		}
		paper, err := h.Paper(h.handler(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Open(paper, h.Verifier); err != nil || again.Digest() != g.Digest() {
			t.Errorf("%v", err)
		}
		u, err := h.redeem(g, h.hand(), scope(c))
		if err != nil || u.Left != c.Cap {
			t.Fatalf("%+v %v", u, err)
		}
		wants(t, "alive", h.Alive(t.Context(), u.ID), nil)
		h.finish(u, Quantity{Packets: 7, Bytes: 700})
		v, err := h.Uses(h.inspector(), c.ID, "", 0)
		if err != nil || len(v.Uses) != 1 || v.Uses[0].Taken.Bytes != 700 || v.Uses[0].Outcome != "done" || v.Left.Bytes != 1<<40-700 || v.Uses[0].Scope.Link != "K-2" {
			t.Errorf("%+v %v", v, err)
		}
		view, err := h.Show(h.member("1"), c.ID)
		if err != nil || len(view.Votes) != 3 || view.Votes[2].Opinion != "量が多い。" || view.Opinion == nil || len(view.Messages) != 2 || len(view.Past) != 3 {
			t.Errorf("%+v %v", view, err)
		}
	})
}

// TestEveryStateAndEveryAct tries every act in every state by everybody: what
// the table does not allow is refused and changes nothing.
func TestEveryStateAndEveryAct(t *testing.T) {
	h := lite(t)
	reach := map[State]func() Case{
		Asked:    func() Case { return h.ask() },
		Examined: func() Case { c := h.ask(); h.examine(c.ID); return c },
		Approved: func() Case { return h.approve() },
		Withdrawn: func() Case {
			c := h.ask()
			wants(t, "", h.Withdraw(h.clerk(), c.ID, "要らなくなった"), nil)
			return c
		},
		GivenUp: func() Case { c := h.approve(); wants(t, "", h.GiveUp(h.clerk(), c.ID, "終わった"), nil); return c },
		Revoked: func() Case {
			c := h.approve()
			wants(t, "", h.Revoke(h.member("1"), c.ID, "条件に反した"), nil)
			return c
		},
		Declined: func() Case {
			c := h.ask()
			h.examine(c.ID)
			for _, n := range []string{"1", "2", "3"} {
				_, err := h.Vote(h.member(n), c.ID, NewVote{Choice: Against, Opinion: "足りない。"})
				wants(t, "", err, nil)
			}
			_, err := h.Decide(h.member("1"), c.ID, Decision{Reason: "足りない。"})
			wants(t, "", err, nil)
			return c
		},
		Expired: func() Case { c := h.approve(); h.Clock.Pass(31 * 24 * time.Hour); return c },
	}
	type act struct {
		name string
		by   gate.Role
		to   []State // where it leads from a state that allows it; nil: it changes none
		do   func(ctx context.Context, id ID) error
	}
	acts := []act{
		{"question", gate.Examiner, nil, func(ctx context.Context, id ID) error { return h.Question(ctx, id, "なぜですか") }},
		{"answer", gate.OfficeClerk, nil, func(ctx context.Context, id ID) error { return h.Answer(ctx, id, "こうです") }},
		{"examine", gate.Examiner, []State{Examined}, func(ctx context.Context, id ID) error { return h.Examine(ctx, id, "よい", nil) }},
		{"vote", gate.CommissionMember, nil, func(ctx context.Context, id ID) error { _, err := h.Vote(ctx, id, NewVote{Choice: For}); return err }},
		{"decide", gate.CommissionMember, nil, func(ctx context.Context, id ID) error {
			_, err := h.Decide(ctx, id, Decision{Reason: "よい"})
			return err
		}},
		{"withdraw", gate.OfficeClerk, []State{Withdrawn}, func(ctx context.Context, id ID) error { return h.Withdraw(ctx, id, "やめる") }},
		{"give_up", gate.OfficeClerk, []State{GivenUp}, func(ctx context.Context, id ID) error { return h.GiveUp(ctx, id, "やめる") }},
		{"revoke", gate.CommissionMember, []State{Revoked}, func(ctx context.Context, id ID) error { return h.Revoke(ctx, id, "止める") }},
	}
	allowed := map[string]State{ // state and act → where it leads; "decide" of one vote too few leads nowhere
		"asked question": Asked, "asked answer": Asked, "asked examine": Examined, "asked withdraw": Withdrawn,
		"examined question": Examined, "examined answer": Examined, "examined vote": Examined, "examined withdraw": Withdrawn,
		"approved give_up": GivenUp, "approved revoke": Revoked,
	}
	places := map[gate.Role]string{gate.Examiner: "commission", gate.CommissionMember: "commission", gate.Inspector: "commission", gate.OfficeClerk: "office", gate.OfficeHandler: "office",
		gate.OfficeAnalyst: "office", gate.PoliceOfficer: "police", gate.OperatorAdmin: "wind", gate.HubAdmin: "hub", gate.MinistryClerk: "industry"}
	tried := 0
	for st, make := range reach {
		var c Case
		fresh := true
		for _, a := range acts {
			for role, place := range places {
				if fresh {
					c, fresh = make(), false
				}
				was := h.state(c.ID)
				if was != st {
					t.Fatalf("made %s, is %s", st, was)
				}
				err := a.do(h.as(place, "someone-"+string(role), role), c.ID)
				now := h.state(c.ID)
				tried++
				to, ok := allowed[string(st)+" "+a.name]
				right := role == a.by || a.name == "question" && role == gate.CommissionMember
				switch {
				case ok && right && (err != nil || now != to):
					t.Errorf("%s in %s by %s: %v, %s", a.name, st, role, err, now)
				case (!ok || !right) && (err == nil || now != was):
					t.Errorf("%s in %s by %s was done: %v, %s", a.name, st, role, err, now)
				case !right && fault.KindOf(err) != fault.Refused && fault.KindOf(err) != fault.NotFound:
					t.Errorf("%s in %s by %s: %v", a.name, st, role, err)
				}
				if ok && right {
					fresh = true // somebody acted: the next ones start anew
				}
			}
		}
	}
	if want := len(reach) * len(acts) * len(places); tried != want {
		t.Errorf("%d tried, want %d", tried, want)
	}
}

func (h *hub) state(id ID) State {
	h.t.Helper()
	v, err := h.Show(h.inspector(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return v.Case.State
}

// TestNobodyActsOnTwoSides lets one person, with every role there is, act on one
// side and then on each other one.
func TestNobodyActsOnTwoSides(t *testing.T) {
	h := lite(t)
	all := []gate.Role{gate.OfficeClerk, gate.Examiner, gate.CommissionMember, gate.OfficeHandler}
	one := h.who("office", "one", all...)
	ctx := gate.With(context.Background(), one)
	a := h.application()
	c, err := h.Ask(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, "examine one's own", h.Examine(ctx, c.ID, "よい", nil), ErrApart)
	wants(t, "ask oneself", h.Question(ctx, c.ID, "なぜ"), ErrApart)
	h.examine(c.ID)
	_, err = h.Vote(ctx, c.ID, NewVote{Choice: For})
	wants(t, "vote for one's own", err, ErrApart)
	examiner := h.who("commission", "examiner", all...)
	ectx := gate.With(context.Background(), examiner)
	_, err = h.Vote(ectx, c.ID, NewVote{Choice: For})
	wants(t, "vote on what one examined", err, ErrApart)
	for _, n := range []string{"1", "2", "3"} {
		if _, err := h.Vote(h.member(n), c.ID, NewVote{Choice: For}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = h.Decide(ectx, c.ID, Decision{Reason: "よい"})
	wants(t, "decide what one examined", err, ErrApart)
	if c, err = h.Decide(h.member("1"), c.ID, Decision{Reason: "よい"}); err != nil {
		t.Fatal(err)
	}
	wants(t, "revoke one's own", h.Revoke(ctx, c.ID, "止める"), ErrApart)
	g := h.grantOf(c.ID)
	for name, who := range map[string]gate.Identity{"asker": one, "examiner": {Person: examiner.Person, Org: one.Org, Roles: all, Session: "s"},
		"member": {Person: "commission/member2", Org: one.Org, Roles: all, Session: "s"}, "no handler": h.who("office", "x", gate.OfficeAnalyst), "nobody": {Org: one.Org, Roles: all}} {
		_, err := h.redeem(g, who, scope(c))
		wants(t, name+" carries out", err, ErrExecutor)
	}
	if _, err := h.redeem(g, h.hand(), scope(c)); err != nil {
		t.Error(err)
	}
	// Who carried out never decides of it afterwards.
	wants(t, "revoke what one carries out", h.Revoke(gate.With(context.Background(), gate.Identity{Person: h.hand().Person, Org: h.country.ID("commission"), Roles: all, Session: "s"}), c.ID, "止める"), ErrApart)
}

func TestWhoSeesWhat(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		asked, approved := h.ask(), h.approve()
		all, some := []ID{approved.ID, asked.ID}, []ID{approved.ID}
		for name, x := range map[string]struct {
			ctx  context.Context
			sees []ID
			err  error
		}{
			"clerk": {h.clerk(), all, nil}, "handler": {h.handler(), some, nil}, "examiner": {h.examiner(), all, nil}, "member": {h.member("1"), all, nil}, "inspector": {h.inspector(), all, nil},
			"clerk of another office": {gate.With(t.Context(), gate.Identity{Person: "x", Org: newID(), Roles: []gate.Role{gate.OfficeClerk}, Session: "s"}), nil, nil},
			"nobody's clerk":          {gate.With(t.Context(), gate.Identity{Person: "x", Roles: []gate.Role{gate.OfficeClerk}, Session: "s"}), nil, nil},
			"analyst":                 {h.as("office", "a", gate.OfficeAnalyst), nil, gate.ErrRole}, "carrier": {h.carrying(), nil, gate.ErrRole}, "police": {h.as("police", "a", gate.PoliceOfficer), nil, gate.ErrRole},
			"operator": {h.as("wind", "a", gate.OperatorAdmin), nil, gate.ErrRole}, "hub": {h.as("hub", "a", gate.HubAdmin), nil, gate.ErrRole}, "stranger": {t.Context(), nil, gate.ErrSignIn},
		} {
			list, _, _, err := h.List(x.ctx, Filter{})
			wants(t, name+" lists", err, x.err)
			var got []ID
			for _, c := range list {
				got = append(got, c.ID)
			}
			slices.SortFunc(got, func(a, b ID) int { return strings.Compare(b, a) })
			if !slices.Equal(got, x.sees) {
				t.Errorf("%s sees %d", name, len(got))
			}
			for _, id := range all {
				want := x.err
				if want == nil && !slices.Contains(x.sees, id) {
					want = ErrNone
				}
				v, err := h.Show(x.ctx, id)
				wants(t, name+" shows", err, want)
				_, uerr := h.Uses(x.ctx, id, "", 0)
				wants(t, name+" uses", uerr, want)
				inside := name == "member" || name == "examiner" || name == "inspector"
				if err == nil && id == approved.ID && (len(v.Votes) > 0 && v.Opinion != nil && v.Tally != nil) != inside {
					t.Errorf("%s sees the deliberation: %v", name, !inside)
				}
			}
		}
	})
}

func TestACarrierSeesItsInstructionAndNothingElse(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		asked := h.ask()
		if list, _, err := h.Instructions(h.carrying(), Filter{}); err != nil || len(list) != 0 {
			t.Errorf("before the decision: %d, %v", len(list), err)
		}
		c := h.approve()
		list, _, err := h.Instructions(h.carrying(), Filter{Waiting: true})
		if err != nil || len(list) != 1 || list[0].Approval != c.ID || list[0].Link != "K-2" || list[0].Cap != c.Cap {
			t.Fatalf("%+v %v", list, err)
		}
		for _, secret := range []string{"一致する指標", "協定が結べ", "制御系", hash("a"), "国家サイバー統括室", "夜間"} {
			if strings.Contains(list[0].Paper, secret) {
				t.Errorf("the instruction says %s", secret)
			}
		}
		i, err := OpenInstruction([]byte(list[0].Paper), h.Verifier)
		if err != nil || i.Basis == "" {
			t.Errorf("%+v %v", i, err)
		}
		_, err = OpenInstruction([]byte(strings.Replace(list[0].Paper, "K-2", "K-9", 1)), h.Verifier)
		wants(t, "another line", err, ErrSignature)
		_, other, _ := testkit.Key(t, "other.example")
		_, err = OpenInstruction([]byte(list[0].Paper), other)
		wants(t, "another key", err, ErrSignature)
		_, err = h.Confirm(h.carrying(), asked.ID)
		wants(t, "confirm what is not decided", err, ErrNone)
		stranger := gate.With(t.Context(), gate.Identity{Person: "y", Org: newID(), Roles: []gate.Role{gate.CarrierClerk}, Session: "s"})
		_, err = h.Confirm(stranger, c.ID)
		wants(t, "confirm another's", err, ErrNone)
		_, err = h.Instruction(h.clerk(), c.ID)
		wants(t, "a clerk's", err, gate.ErrRole)
		for range 2 {
			if x, err := h.Confirm(h.carrying(), c.ID); err != nil || x.ConfirmedAt.IsZero() {
				t.Errorf("%+v %v", x, err)
			}
		}
		if list, _, err = h.Instructions(h.carrying(), Filter{Waiting: true}); err != nil || len(list) != 0 {
			t.Errorf("%d wait, %v", len(list), err)
		}
		wants(t, "revoke", h.Revoke(h.member("1"), c.ID, "止める"), nil)
		if x, err := h.Instruction(h.carrying(), c.ID); err != nil || x.State != Revoked || x.EndedAt.IsZero() {
			t.Errorf("%+v %v", x, err)
		}
	})
}

func TestArticle19AnExtensionIsANewApproval(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		c := h.approve()
		a, err := h.Extension(h.clerk(), c.ID)
		if err != nil || !a.From.Equal(c.Until) || a.Extends != c.ID {
			t.Fatalf("%+v %v", a, err)
		}
		for name, edit := range map[string]func(*Application){
			"a gap":        func(a *Application) { a.From = a.From.Add(time.Hour) },
			"overlapping":  func(a *Application) { a.From = a.From.Add(-time.Hour) },
			"another line": func(a *Application) { a.Link = "K-7" },
			"another kind": func(a *Application) { a.Kind = DomesticForeign; a.Directions = nil },
			"too long":     func(a *Application) { a.Until = a.Until.Add(time.Second) },
		} {
			b := a
			edit(&b)
			_, err := h.Ask(h.clerk(), b)
			wants(t, name, err, ErrInvalid)
		}
		x, err := h.Ask(h.clerk(), a)
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Ask(h.clerk(), a)
		wants(t, "asked twice", err, ErrTwice)
		if _, err := h.redeem(h.grantOf(c.ID), h.hand(), Scope{Directions: []geo.Class{geo.FD}, Link: "K-2", From: c.from, Until: a.Until, Selectors: hash("a")}); !errors.Is(err, ErrPeriod) {
			t.Errorf("before it is approved: %v", err)
		}
		h.examine(x.ID)
		for _, n := range []string{"1", "2", "3"} {
			if _, err := h.Vote(h.member(n), x.ID, NewVote{Choice: For}); err != nil {
				t.Fatal(err)
			}
		}
		h.Clock.Pass(31 * 24 * time.Hour)
		_, err = h.Decide(h.member("1"), x.ID, Decision{Reason: "よい"})
		wants(t, "decided when it is over", err, ErrBase)
		_, err = h.Extension(h.clerk(), c.ID)
		wants(t, "asked when it is over", err, ErrBase)
	})
}

func TestTimeEndsApprovals(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		c := h.approve()
		if n, err := h.Tick(t.Context()); n != 0 || err != nil {
			t.Errorf("%d %v", n, err)
		}
		list, _, _, err := h.Calendar(h.inspector(), "", 0)
		if err != nil || len(list) != 1 {
			t.Errorf("%d %v", len(list), err)
		}
		h.Clock.Pass(30 * 24 * time.Hour)
		if got := h.state(c.ID); got != Expired {
			t.Errorf("at its last instant: %s", got)
		}
		for _, st := range States {
			list, _, _, err := h.List(h.inspector(), Filter{State: st})
			if want := st == Expired; err != nil || (len(list) == 1) != want {
				t.Errorf("%s: %d %v", st, len(list), err)
			}
		}
		if _, err := h.Confirm(h.carrying(), c.ID); err != nil { // late, and no step of its own
			t.Fatal(err)
		}
		for want := 1; want >= 0; want-- {
			if n, err := h.Tick(t.Context()); n != want || err != nil {
				t.Errorf("%d %v", n, err)
			}
		}
		v, err := h.Show(h.inspector(), c.ID)
		if last := v.Past[len(v.Past)-1]; err != nil || last.To != Expired || last.By != ClockSide || v.Case.State != Expired || !v.Case.EndedAt.Equal(c.Until) {
			t.Errorf("%+v %v", last, err)
		}
		if n := testkit.Count(t, h.DB, "SELECT count(*) FROM bus_event WHERE subject = 'approval.expired'"); n != 1 {
			t.Errorf("%d events", n)
		}
		h.Clock.Pass(-40 * 24 * time.Hour) // a clock put back brings nothing back
		_, err = h.redeem(h.grantOf(c.ID), h.hand(), scope(c))
		wants(t, "after the clock was put back", err, ErrExpired)
	})
}

func TestEarlierCasesStandBesideANewOne(t *testing.T) {
	h := lite(t)
	first := h.approve()
	away := h.approve(func(a *Application) {
		a.Kind, a.Link, a.Targets = DomesticForeign, "K-9", []string{"別の不正行為"}
	})
	c := h.ask()
	v, err := h.Show(h.examiner(), c.ID)
	if err != nil || len(v.Earlier) != 1 || v.Earlier[0].Case.ID != first.ID || !slices.Equal(v.Earlier[0].Same, []Likeness{SameKind, SameLink, SameTarget, SameAsker}) {
		t.Fatalf("%+v %v", v.Earlier, err)
	}
	wants(t, "with a case that is not there", h.Examine(h.examiner(), c.ID, "よい", []ID{newID()}), ErrInvalid)
	wants(t, "examine", h.Examine(h.examiner(), c.ID, "よい", []ID{away.ID}), nil)
	if v, err = h.Show(h.member("1"), c.ID); err != nil || len(v.Opinion.Compared) != 2 {
		t.Errorf("%+v %v", v.Opinion, err)
	}
	if v, err = h.Show(h.clerk(), c.ID); err != nil || v.Opinion != nil || v.Earlier != nil || v.Tally != nil {
		t.Errorf("the asker sees %+v %v", v, err)
	}
}

func TestListsArePaged(t *testing.T) {
	h := lite(t)
	for i := range 7 {
		h.ask(func(a *Application) { a.Link = fmt.Sprintf("K-%d", i) })
	}
	seen, cursor := 0, ""
	for {
		list, _, next, err := h.List(h.member("1"), Filter{Cursor: cursor, Limit: 3})
		if err != nil {
			t.Fatal(err)
		}
		if seen += len(list); next == "" {
			break
		}
		cursor = next
	}
	if seen != 7 {
		t.Errorf("%d", seen)
	}
}

// TestNoMoreVotesThanMembers: whoever else has the role, five vote, each once.
func TestNoMoreVotesThanMembers(t *testing.T) {
	h := lite(t)
	c := h.ask()
	h.examine(c.ID)
	for i := range 5 {
		for range 2 { // the last word counts
			if _, err := h.Vote(h.member(fmt.Sprint(i)), c.ID, NewVote{Choice: For}); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err := h.Vote(h.member("6"), c.ID, NewVote{Choice: For})
	wants(t, "a sixth", err, ErrFull)
	tally, err := h.Vote(h.member("0"), c.ID, NewVote{Choice: Against, Opinion: "考え直した。"})
	if err != nil || tally.For != 4 || tally.Against != 1 {
		t.Errorf("%+v %v", tally, err)
	}
}

// TestTwoDecideAtOnce: a case is decided once.
func TestTwoDecideAtOnce(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		c := h.ask()
		h.examine(c.ID)
		for _, n := range []string{"1", "2", "3"} {
			if _, err := h.Vote(h.member(n), c.ID, NewVote{Choice: For}); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			wg.Go(func() { _, errs[i] = h.Decide(h.member(fmt.Sprint(i%3+1)), c.ID, Decision{Reason: "よい。"}) })
		}
		wg.Wait()
		done := 0
		for _, err := range errs {
			if err == nil {
				done++
			} else if !errors.Is(err, ErrStep) && !errors.Is(err, ErrRevision) {
				t.Error(err)
			}
		}
		if v, err := h.Show(h.inspector(), c.ID); done != 1 || err != nil || len(v.Past) != 3 {
			t.Errorf("%d decided, %d steps, %v", done, len(v.Past), err)
		}
	})
}

// TestTheCommissionMayGrantLessAndNeverMore shortens a period and lowers a cap.
func TestTheCommissionMayGrantLessAndNeverMore(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		c := h.ask()
		h.examine(c.ID)
		for _, n := range []string{"1", "2", "3"} {
			if _, err := h.Vote(h.member(n), c.ID, NewVote{Choice: For}); err != nil {
				t.Fatal(err)
			}
		}
		for name, d := range map[string]Decision{
			"later": {Until: c.Until.Add(time.Second)}, "before it begins": {Until: c.from}, "more bytes": {Cap: Quantity{Bytes: c.Cap.Bytes + 1}},
		} {
			d.Reason = "よい。"
			_, err := h.Decide(h.member("1"), c.ID, d)
			wants(t, name, err, ErrInvalid)
		}
		until := c.from.AddDate(0, 0, 10)
		got, err := h.Decide(h.member("1"), c.ID, Decision{Reason: "短く、少なく認める。", Until: until, Cap: Quantity{Packets: 1000, Bytes: 1 << 30}})
		if err != nil || !got.Until.Equal(until) || got.Cap != (Quantity{1000, 1 << 30}) || !got.Asked.Until.Equal(c.Until) {
			t.Fatalf("%+v %v", got, err)
		}
		if o := h.grantOf(c.ID).Order(); !o.Until.Equal(until) || o.Cap != got.Cap {
			t.Errorf("%+v", o)
		}
		if v, err := h.Show(h.clerk(), c.ID); err != nil || !v.Case.Until.Equal(until) || v.Case.Cap != got.Cap {
			t.Errorf("%+v %v", v.Case, err)
		}
		if x, err := h.Instruction(h.carrying(), c.ID); err != nil || !x.Until.Equal(until) || x.Cap != got.Cap {
			t.Errorf("%+v %v", x, err)
		}
		s := scope(c)
		s.Until = until.Add(time.Second)
		_, err = h.redeem(h.grantOf(c.ID), h.hand(), s)
		wants(t, "what was asked and not granted", err, ErrPeriod)
		h.Clock.Pass(10 * 24 * time.Hour)
		if st := h.state(c.ID); st != Expired {
			t.Errorf("%s", st)
		}
	})
}

// TestACarrierMayBeNamed: who asks from a file knows the carrier's name, and no id.
func TestACarrierMayBeNamed(t *testing.T) {
	h := lite(t)
	var carriers []org.Org
	if err := h.DB.Read(t.Context(), func(tx *db.Tx) (err error) {
		carriers, err = h.Orgs.Bodies(t.Context(), tx, org.Carrier)
		return err
	}); err != nil || len(carriers) != 1 || string(carriers[0].ID) != h.carrier {
		t.Fatalf("%+v %v", carriers, err)
	}
	called := carriers[0].Name
	for _, name := range []string{called.JA, " " + called.EN + " ", h.carrier} {
		a := h.application()
		a.Carrier = name
		if c, err := h.Ask(h.clerk(), a); err != nil || c.Asked.Carrier != h.carrier {
			t.Errorf("%s: %s %v", name, c.Asked.Carrier, err)
		}
	}
	a := h.application()
	a.Carrier = "電力会社"
	_, err := h.Ask(h.clerk(), a)
	if f := fault.Of(err); len(f.Places) != 1 || f.Places[0].At != "carrier" || f.Places[0].Args["names"] != (text.Both{JA: called.JA, EN: carriers[0].In(text.EN)}) {
		t.Errorf("%+v", f)
	}
}
