package selection

import (
	"bytes"
	"context"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/gate"
	"noroshi/internal/sensor/synth"
)

// A pseudonym is opened only with the commission's approval and both shares, once,
// to who asked; the ledger has no value.
func TestTwoKeys(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		first, second := w.invited("office", "first", gate.OfficeHandler), w.invited("commission", "second", gate.Examiner)
		l := w.list()
		c := w.approve(approval.ForeignDomestic, l, func(a *approval.Application) { a.Addresses = "pseudonym" })
		_, err := w.Custody(w.clerk(), c.ID, first, first)
		want(t, "one holder", err, ErrHolders)
		_, err = w.Custody(w.clerk(), c.ID, first, w.invited("wind", "a", gate.OperatorAdmin))
		want(t, "a holder without the duty", err, ErrHolders)
		holder := w.person("commission", second, gate.Examiner)
		w.must(w.Hold(holder, false))
		_, err = w.Custody(w.clerk(), c.ID, first, second)
		want(t, "a holder who did not say so", err, ErrHolders)
		w.must(w.Hold(holder, true))
		if list, err := w.Holders(w.clerk()); err != nil || len(list) != 2 {
			t.Errorf("%+v %v", list, err)
		}
		if list, err := w.Holders(w.handler()); err != nil || len(list) != 0 {
			t.Errorf("a handler learns of %+v %v", list, err)
		}
		_, err = w.Custody(w.clerk(), c.ID, first, second)
		w.must(err)
		_, err = w.Custody(w.clerk(), c.ID, first, second)
		want(t, "a second key", err, ErrCustody)
		if r := w.drill(c.ID); r.Vault {
			t.Error("sealed before both shares were taken")
		}
		one, two := w.person("office", first, gate.OfficeHandler), w.person("commission", second, gate.Examiner)
		a, err := w.TakeShare(one, c.ID)
		w.must(err)
		_, err = w.TakeShare(one, c.ID)
		want(t, "twice", err, ErrShareGone)
		_, err = w.TakeShare(w.handler(), c.ID)
		want(t, "who holds none", err, ErrNoCustody)
		b, err := w.TakeShare(two, c.ID)
		w.must(err)
		if n := w.count("SELECT count(*) FROM key_data WHERE owner LIKE 'selection_share/%'") + w.count("SELECT count(*) FROM selection_custody WHERE length(first_share) + length(second_share) > 0"); n != 0 {
			t.Error("the hub still has a share")
		}
		r := w.drill(c.ID)
		if !r.Vault || r.Records == 0 {
			t.Fatalf("%v %d", r.Vault, r.Records)
		}
		list, _, err := w.Read(w.handler(), RecordFilter{Run: r.ID, Limit: 1}, Reason{Purpose: "analyse"})
		w.must(err)
		if bytes.Contains(list[0].Line, []byte(synth.LinkServer.String())) {
			t.Fatalf("an address stands in clear: %s", list[0].Line)
		}
		_, rest, _ := bytes.Cut(list[0].Line, []byte(`"src":"`))
		name, _, _ := bytes.Cut(rest, []byte(`"`))
		ask := w.approve(approval.Reidentify, l, func(a *approval.Application) {
			*a = approval.Application{Kind: approval.Reidentify, From: a.From, Until: a.Until, Run: r.ID, Subjects: []string{string(name)}, Grounds: a.Grounds, NoOther: a.NoOther, Necessity: a.Necessity}
		})
		_, err = w.AskOpening(w.handler(), c.ID, Reason{Purpose: "analyse"})
		want(t, "an approval to select", err, approval.ErrKind)
		_, err = w.AskOpening(one, ask.ID, Reason{Purpose: "analyse"})
		want(t, "who holds a share", err, ErrAsker)
		o, err := w.AskOpening(w.handler(), ask.ID, Reason{Purpose: "analyse"})
		w.must(err)
		_, err = w.OpenPseudonyms(w.handler(), o.ID)
		want(t, "without shares", err, ErrShares)
		w.must(w.GiveShare(one, o.ID, bytes.Clone(a)))
		_, err = w.OpenPseudonyms(w.handler(), o.ID)
		want(t, "with one share", err, ErrShares)
		want(t, "the other's share", w.GiveShare(two, o.ID, bytes.Clone(a)), ErrShare)
		want(t, "no share", w.GiveShare(two, o.ID, []byte("x")), ErrShare)
		want(t, "who holds none", w.GiveShare(w.handler(), o.ID, bytes.Clone(b)), ErrNoOpening)
		w.Clock.Pass(time.Hour)
		w.must(w.GiveShare(two, o.ID, bytes.Clone(b)))
		_, err = w.OpenPseudonyms(w.handler(), o.ID)
		want(t, "an old share", err, ErrShares)
		w.forgetShares()
		w.must(w.GiveShare(one, o.ID, bytes.Clone(a)))
		w.must(w.GiveShare(two, o.ID, bytes.Clone(b)))
		_, err = w.OpenPseudonyms(w.as("office", "other", gate.OfficeHandler), o.ID)
		want(t, "another handler", err, ErrNoOpening)
		got, err := w.OpenPseudonyms(w.handler(), o.ID)
		if err != nil || len(got) != 1 || len(got[0].Values) == 0 {
			t.Fatalf("%+v %v", got, err)
		}
		if v := got[0].Values[0]; v != synth.LinkServer.String() && v != synth.LinkRelay.String() {
			t.Errorf("%s is none of the line's", v)
		}
		_, err = w.OpenPseudonyms(w.handler(), o.ID)
		want(t, "twice", err, ErrOpening)
		for _, v := range got[0].Values {
			if n := w.count("SELECT count(*) FROM ledger_entry WHERE leaf LIKE $1", "%"+v+"%"); n != 0 {
				t.Errorf("%d entries tell the value", n)
			}
		}
		// Who supervises sees all of them, a member who may hold shares too.
		for _, ctx := range []context.Context{w.inspector(), w.member("9")} {
			if seen, err := w.Openings(ctx); err != nil || len(seen) != 1 || seen[0].State != OpeningDone {
				t.Errorf("%+v %v", seen, err)
			}
		}
	})
}
