package selection

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/org"
)

// Every state that an approval can be in is tried by everybody: no run begins
// but that of the office's handler while it is in force.
func TestNoRunWithoutCoverByTheCommission(t *testing.T) {
	w := oneWorld(t)
	l := w.list()
	kind := approval.ForeignDomestic
	ask := func() string {
		from := w.Clock.Now().UTC().Truncate(time.Second)
		c, err := w.approvals.Ask(w.clerk(), approval.Application{Kind: kind, Link: "K-2", Capacity: 10000, From: from, Until: from.AddDate(0, 0, 30), Cap: approval.Quantity{Bytes: 1 << 30},
			Selectors: approval.Selectors{Hash: l.SHA256, Name: l.Name, Count: l.Selectors}, Targets: []string{"intrusion"}, Fields: DefaultFields, Addresses: "plain", RetainDays: 30, Recipients: []string{"police"}, Carrier: w.carrier,
			Grounds: "指標がある。", NoOther: "ほかにない。", Necessity: "これだけ。"})
		w.must(err)
		return c.ID
	}
	examined := func() string {
		id := ask()
		w.must(w.approvals.Examine(w.as("commission", "examiner", gate.Examiner), id, "よい。", nil))
		return id
	}
	states := map[string]func() string{
		"none":     func() string { return "0199-none" },
		"asked":    ask,
		"examined": examined,
		"declined": func() string {
			id := examined()
			for _, n := range []string{"1", "2", "3"} {
				_, err := w.approvals.Vote(w.member(n), id, approval.NewVote{Choice: approval.Against, Opinion: "足りない。"})
				w.must(err)
			}
			_, err := w.approvals.Decide(w.member("1"), id, approval.Decision{Reason: "足りない。"})
			w.must(err)
			return id
		},
		"withdrawn": func() string { id := ask(); w.must(w.approvals.Withdraw(w.clerk(), id, "やめる")); return id },
		"given up": func() string {
			id := w.approve(kind, l).ID
			w.must(w.approvals.GiveUp(w.clerk(), id, "終わった"))
			return id
		},
		"revoked": func() string {
			id := w.approve(kind, l).ID
			w.must(w.approvals.Revoke(w.member("1"), id, "条件に反した"))
			return id
		},
		"early": func() string {
			return w.approve(kind, l, func(a *approval.Application) { a.From = a.From.Add(24 * time.Hour) }).ID
		},
		"of another list": func() string {
			return w.approve(kind, List{SHA256: DigestOf([]byte("x")), Name: "x", Selectors: 1}).ID
		},
		"in force": func() string { return w.approve(kind, l).ID },
	}
	who := map[string]context.Context{"clerk": w.clerk(), "analyst": w.analyst(), "member": w.member("1"), "inspector": w.inspector(), "carrier": w.carrying(), "party": w.wind(), "police": w.police(),
		"nobody": context.Background(), "hub": org.Local(context.Background()), "handler elsewhere": w.as("police", "handler", gate.OfficeHandler), "who asked, with both duties": w.as("office", "clerk", gate.OfficeHandler)}
	tried := 0
	for state, make := range states {
		id := make()
		for name, ctx := range who {
			tried++
			if r, err := w.RunDrill(ctx, NewRun{Approval: id}, "line"); err == nil || r.ID != "" {
				t.Errorf("%s ran while %s: %+v", name, state, r)
			}
		}
		tried++
		r, err := w.RunDrill(w.handler(), NewRun{Approval: id}, "line")
		if ok := state == "in force"; ok != (err == nil) {
			t.Errorf("%s: %+v %v", state, r, err)
		}
	}
	late := w.approve(kind, l).ID
	w.Clock.Pass(31 * 24 * time.Hour)
	_, err := w.RunDrill(w.handler(), NewRun{Approval: late}, "line")
	want(t, "expired", err, approval.ErrExpired)
	if n := w.count("SELECT count(*) FROM selection_run"); n != 1 {
		t.Errorf("%d runs of %d tries", n, tried)
	}
	if w.count("SELECT count(*) FROM approval_use WHERE ended_at = 0") != 0 {
		t.Error("a use is still under way")
	}
}

// Every state of an agreement: only one in force gives a Grant, and the Grant
// ends with it.
func TestNoRunWithoutAnAgreement(t *testing.T) {
	w := oneWorld(t)
	l := w.list()
	propose := func() Agreement {
		a, err := w.Propose(w.clerk(), w.country.ID("wind"), Article11, w.terms())
		w.must(err)
		return a
	}
	step := func(a Agreement, err error) Agreement { w.t.Helper(); w.must(err); return a }
	states := map[AgreementState]func() Agreement{
		Proposed:   propose,
		Countered:  func() Agreement { return step(w.Offer(w.wind(), propose().ID, 1, w.terms(), "短く")) },
		Declined:   func() Agreement { return step(w.Decline(w.wind(), propose().ID, 1, "")) },
		TakenBack:  func() Agreement { return step(w.TakeBack(w.clerk(), propose().ID, 1, "")) },
		Agreed:     func() Agreement { return w.agree() },
		Terminated: func() Agreement { a := w.agree(); return step(w.Terminate(w.wind(), a.ID, a.Version, "")) },
		Expired: func() Agreement {
			a := w.agree(func(t *Terms) { t.Until = t.From.Add(time.Hour) })
			w.Clock.Pass(2 * time.Hour)
			_, err := w.Tick(context.Background())
			w.must(err)
			return a
		},
	}
	for state, make := range states {
		a := make()
		if v, err := w.Agreement(w.clerk(), a.ID); err != nil || v.Agreement.State != state {
			t.Fatalf("%s: %+v %v", state, v.Agreement, err)
		}
		g, err := w.Service.Grant(w.clerk(), a.ID, l.ID)
		if (state == Agreed) != (err == nil) {
			t.Errorf("%s gives %+v, %v", state, g, err)
		}
		for name, ctx := range map[string]context.Context{"party": w.wind(), "handler": w.handler(), "analyst": w.analyst(), "another firm": w.sea(), "inspector": w.inspector()} {
			if _, err := w.Service.Grant(ctx, a.ID, l.ID); err == nil {
				t.Errorf("%s issued under %s", name, state)
			}
		}
		if state != Agreed {
			continue
		}
		r := w.drill(g.Approval)
		if r.Kind != approval.Agreement || r.Agreement != a.ID {
			t.Errorf("%+v", r)
		}
		// The next list ends the Grant of the first; the end of the agreement that of the second.
		second, err := w.Service.Grant(w.clerk(), a.ID, l.ID)
		w.must(err)
		_, err = w.RunDrill(w.handler(), NewRun{Approval: g.Approval}, "line")
		want(t, "the Grant of the list before", err, approval.ErrWithdrawn)
		w.drill(second.Approval)
		_, err = w.Terminate(w.wind(), a.ID, a.Version, "")
		w.must(err)
		_, err = w.RunDrill(w.handler(), NewRun{Approval: second.Approval}, "line")
		want(t, "after the end", err, approval.ErrWithdrawn)
	}
	if n := w.count("SELECT count(*) FROM selection_run"); n != 2 {
		t.Errorf("%d runs", n)
	}
	if n := w.count("SELECT count(*) FROM selection_record WHERE provenance <> 'agreement'"); n != 0 {
		t.Errorf("%d records lost where they came from", n)
	}
}

// An agreement that began tomorrow, or whose period is over while nobody noticed,
// covers nothing.
func TestAgreementOnlyWithinItsPeriod(t *testing.T) {
	w := oneWorld(t)
	l := w.list()
	a := w.agree(func(t *Terms) { t.From = t.From.Add(24 * time.Hour) })
	g, err := w.Service.Grant(w.clerk(), a.ID, l.ID)
	w.must(err)
	_, err = w.RunDrill(w.handler(), NewRun{Approval: g.Approval}, "line")
	want(t, "before it begins", err, approval.ErrEarly)
	w.Clock.Pass(61 * 24 * time.Hour) // no Tick
	_, err = w.RunDrill(w.handler(), NewRun{Approval: g.Approval}, "line")
	want(t, "after it ended", err, approval.ErrExpired)
	_, err = w.Service.Grant(w.clerk(), a.ID, l.ID)
	want(t, "a Grant after it ended", err, ErrNotInForce)
}

// slow is a capture that does something when half of it was read, and then comes
// slowly.
type slow struct {
	io.Reader
	left int
	then func()
}

func (s *slow) Read(b []byte) (int, error) {
	if s.left -= 4096; s.left < 0 && s.then != nil {
		s.then()
		s.then = nil
	}
	if s.then == nil {
		time.Sleep(30 * time.Millisecond) // a run looks up by its own clock
	}
	return s.Reader.Read(b[:min(len(b), 4096)])
}

// Taken back in mid-run, a run stops by itself and says so; what was selected
// until then was covered, and stays.
func TestWithdrawnInMidRun(t *testing.T) {
	w := oneWorld(t)
	l := w.list()
	pact := w.agree()
	for name, end := range map[string]func(id string){
		"revoked":         func(id string) { w.must(w.approvals.Revoke(w.member("1"), id, "止める")) },
		"given up":        func(id string) { w.must(w.approvals.GiveUp(w.clerk(), id, "やめる")) },
		"agreement ended": func(string) { _, err := w.Terminate(w.wind(), pact.ID, pact.Version, ""); w.must(err) },
	} {
		id := ""
		if name == "agreement ended" {
			g, err := w.Service.Grant(w.clerk(), pact.ID, l.ID)
			w.must(err)
			id = g.Approval
		} else {
			id = w.approve(approval.ForeignDomestic, l).ID
		}
		w.Drills[0].Open = func() (io.ReadCloser, error) {
			return io.NopCloser(&slow{Reader: bytes.NewReader(w.line), left: len(w.line) / 2, then: func() { end(id) }}), nil
		}
		r, err := w.RunDrill(w.handler(), NewRun{Approval: id}, "line")
		if err != nil || r.Outcome != string(EndWithdrawn) || r.State != RunDone {
			t.Errorf("%s: %s %s %v", name, r.State, r.Outcome, err)
		}
		if int64(w.count("SELECT count(*) FROM selection_record WHERE run_id = $1", r.ID)) != r.Records {
			t.Errorf("%s: records differ", name)
		}
	}
}

// A run that broke off leaves nothing: what it had is destroyed with a receipt,
// what it may have taken counts, and the next run can begin.
func TestCrashInTheMiddle(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		l := w.list()
		id := w.approve(approval.ForeignDomestic, l).ID
		whole := w.drill(id)
		list, _, err := w.Read(w.handler(), RecordFilter{Run: whole.ID, Limit: 500}, Reason{Purpose: "analyse"})
		w.must(err)
		b, err := w.begin(w.handler(), NewRun{Approval: id, Link: "K-2"}, OnHub)
		w.must(err)
		w.must(w.reserve(w.handler(), b.run.ID, approval.Quantity{Packets: 4000, Bytes: 400000}))
		var lines [][]byte
		for _, x := range list {
			lines = append(lines, x.Line)
		}
		w.must(w.page(b, 0, lines))
		w.must(w.page(b, 0, lines)) // the answer was lost
		if n := w.count("SELECT count(*) FROM selection_record WHERE run_id = $1", b.run.ID); n != len(lines) {
			t.Fatalf("%d records of %d", n, len(lines))
		}
		got, _, err := w.Read(w.handler(), RecordFilter{Run: b.run.ID}, Reason{Purpose: "analyse"})
		if err != nil || len(got) != 0 {
			t.Errorf("records of a run that goes on: %d %v", len(got), err)
		}
		_, err = w.RunDrill(w.handler(), NewRun{Approval: id}, "line")
		want(t, "two runs on one Grant", err, approval.ErrBusy)

		again := w.open(w.Config) // the process died, another one starts
		w.Clock.Pass(time.Minute)
		if n, err := again.Recover(context.Background()); n != 1 || err != nil {
			t.Fatalf("recovered %d, %v", n, err)
		}
		v, err := again.ShowRun(w.inspector(), b.run.ID)
		if err != nil || v.Run.State != RunInterrupted || v.Run.Left() != 0 || v.Run.Taken.Bytes != 400000 || len(v.Receipts) == 0 || v.Receipts[0].Why != "interrupted" || v.Receipts[0].Records != int64(len(lines)) {
			t.Errorf("%+v %v", v, err)
		}
		if n := w.count("SELECT count(*) FROM selection_record WHERE run_id = $1", b.run.ID); n != 0 {
			t.Errorf("%d records are left", n)
		}
		want(t, "a page of a dead run", w.page(b, 1, lines), ErrRunOver)
		if got, _, err := again.Read(w.handler(), RecordFilter{Run: whole.ID}, Reason{Purpose: "analyse"}); err != nil || len(got) == 0 {
			t.Errorf("the whole run's records: %d %v", len(got), err)
		}
		if r, err := again.RunDrill(w.handler(), NewRun{Approval: id}, "line"); err != nil || r.State != RunDone {
			t.Errorf("the next run: %+v %v", r, err)
		}
		if _, err := w.Parts.Ledger.Do(context.Background(), &ledger.Act{Verb: "test"}, func(tx *db.Tx) error { return nil }); err != nil {
			t.Error(err)
		}
	})
}

// A source that breaks off before anything is read ends the run with nothing.
func TestSourceThatIsNoCapture(t *testing.T) {
	w := oneWorld(t)
	id := w.approve(approval.ForeignDomestic, w.list()).ID
	_, err := w.RunCapture(w.handler(), NewRun{Approval: id, Source: "x", Link: "K-2"}, bytes.NewReader([]byte("no capture at all, but long enough to be looked at")))
	want(t, "no capture", err, ErrSource)
	list, _, err := w.Runs(w.handler(), RunFilter{})
	if err != nil || len(list) != 1 || list[0].State != RunInterrupted || list[0].Outcome != "refused" {
		t.Errorf("%+v %v", list, err)
	}
	// Documentation networks are nobody's on the table of the world: nothing of a
	// made-up line passes as an acquired one.
	r, err := w.RunCapture(w.handler(), NewRun{Approval: id, Source: "x", Link: "K-2"}, bytes.NewReader(w.line))
	if err != nil || r.Records != 0 || r.Basis != "acquisition" {
		t.Errorf("%+v %v", r, err)
	}
	_, err = w.RunCapture(w.handler(), NewRun{Approval: id, Source: "x", Link: "another"}, bytes.NewReader(w.line))
	want(t, "another link", err, approval.ErrLink)
}
