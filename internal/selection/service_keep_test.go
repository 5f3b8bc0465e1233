package selection

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/intel"
	"noroshi/internal/sighting"
)

// A refusal is known to the two people who talked and to nobody else: not by a
// list, a count, an error or the ledger's entry.
func TestRefusalIsNobodysBusiness(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		a, err := w.Propose(w.clerk(), w.country.ID("wind"), Article11, w.terms())
		w.must(err)
		_, err = w.Service.Say(w.wind(), a.ID, "question", "期間は短くできますか")
		w.must(err)
		_, err = w.Decline(w.wind(), a.ID, 1, "回線の工事があるため")
		w.must(err)
		colleague := w.as("office", "another", gate.OfficeClerk)
		for name, ctx := range map[string]context.Context{"colleague": colleague, "analyst": w.analyst(), "handler": w.handler(), "another firm": w.sea(), "carrier": w.carrying(), "ministry": w.as("industry", "a", gate.MinistryClerk),
			"member": w.member("1"), "police": w.police(), "inspector": w.inspector(), "hub": w.as("hub", "a", gate.HubAdmin)} {
			list, _, _, err := w.Agreements(ctx, AgreementFilter{Ended: true})
			if len(list) != 0 {
				t.Errorf("%s lists %d %v", name, len(list), err)
			}
			_, first := w.Agreement(ctx, a.ID)
			_, second := w.Agreement(ctx, newID())
			if first == nil || first.Error() != second.Error() {
				t.Errorf("%s learns by an error: %v, %v", name, first, second)
			}
		}
		var v AgreementView
		for name, ctx := range map[string]context.Context{"keeper": w.clerk(), "party": w.wind()} {
			if v, err = w.Agreement(ctx, a.ID); err != nil || v.Past[1].Note != "回線の工事があるため" || len(v.Talk) != 1 || v.Agreement.TalkedAt.IsZero() {
				t.Errorf("%s: %+v %v", name, v, err)
			}
		}
		// The entry of an answer is the same whatever was answered.
		b, err := w.Propose(w.clerk(), w.country.ID("wind"), Article11, w.terms())
		w.must(err)
		_, err = w.Accept(w.wind(), b.ID, 1)
		w.must(err)
		for _, id := range []string{a.ID, b.ID} {
			if n := w.count("SELECT count(*) FROM ledger_entry WHERE verb = 'agreement.answer' AND leaf LIKE $1 AND leaf NOT LIKE '%declined%' AND leaf NOT LIKE '%agreed%'", "%"+id+"%"); n != 1 {
				t.Errorf("%d entries tell nothing of the answer", n)
			}
		}
		// What came into force the office's people know, and who supervises it.
		for _, ctx := range []context.Context{colleague, w.inspector()} {
			if list, _, _, err := w.Agreements(ctx, AgreementFilter{Ended: true}); err != nil || len(list) != 1 || list[0].ID != b.ID || list[0].Terms.Title == "" {
				t.Errorf("%+v %v", list, err)
			}
		}
		_, err = w.Service.Say(colleague, b.ID, "note", "横から")
		want(t, "a colleague in the talks", err, ErrMove)
		want(t, "a consent that is not there", w.WithdrawConsent(w.wind(), b.ID, newID()), ErrNoSuchConsent)
		// No page but of those two is told that something moved before.
		if n := w.count("SELECT count(*) FROM bus_event WHERE subject = 'selection.agreement_moved' AND orgs <> '' AND data LIKE $1", "%"+a.ID+"%"); n != 0 {
			t.Errorf("%d pings tell of a proposal", n)
		}
	})
}

func TestAgreementMoves(t *testing.T) {
	w := oneWorld(t)
	a, err := w.Propose(w.clerk(), w.country.ID("wind"), Article11, w.terms())
	w.must(err)
	_, err = w.Accept(w.clerk(), a.ID, 1)
	want(t, "the office accepts its own words", err, ErrMove)
	short := w.terms()
	short.Until, short.Cap = short.From.AddDate(0, 1, 0), approval.Quantity{Bytes: 1 << 20}
	a, err = w.Offer(w.wind(), a.ID, 1, short, "一か月なら")
	w.must(err)
	_, err = w.Accept(w.clerk(), a.ID, 1)
	want(t, "words that are not the last ones", err, ErrVersion)
	_, err = w.Accept(w.wind(), a.ID, a.Version)
	want(t, "the party accepts its own words", err, ErrMove)
	_, err = w.Accept(w.as("office", "another", gate.OfficeClerk), a.ID, a.Version)
	want(t, "another clerk", err, ErrNoAgreement)
	w.must(w.HandOver(w.clerk(), a.ID, w.invited("office", "next", gate.OfficeClerk)))
	_, err = w.Accept(w.clerk(), a.ID, a.Version)
	want(t, "who handed it over", err, ErrNoAgreement)
	bad := w.terms()
	bad.Directions, bad.Gives, bad.RetainDays = nil, "", 9999
	_, err = w.Propose(w.clerk(), w.country.ID("wind"), Article11, bad)
	want(t, "terms with faults", err, ErrTerms)
	_, err = w.Propose(w.clerk(), w.country.ID("maker"), Article11, w.terms())
	want(t, "an article that is not for makers", err, ErrParty)
	if _, err = w.Propose(w.clerk(), w.country.ID("maker"), Article12, w.terms()); err != nil {
		t.Error(err)
	}
	tried := 0
	for _, from := range []AgreementState{Proposed, Countered, Agreed, Declined, TakenBack, Terminated, Expired} {
		for _, to := range []AgreementState{Proposed, Countered, Agreed, Declined, TakenBack, Terminated, Expired} {
			for _, by := range []Side{OfficeSide, PartySide, ClockSide} {
				tried++
				over := from == Declined || from == TakenBack || from == Terminated || from == Expired
				if may(from, to, by) && (over || to == Agreed && (from == Proposed) != (by == PartySide) || by == ClockSide && to != Expired) {
					t.Errorf("%s → %s by %s", from, to, by)
				}
			}
		}
	}
	if tried != 147 {
		t.Error(tried)
	}
}

// A list with something on a warning list waits for another person, who signs in.
func TestSecondPerson(t *testing.T) {
	w := oneWorld(t)
	l, err := w.MakeList(w.analyst(), NewList{Name: "x", File: "x.csv", Data: []byte("type,value,reason,by\nip,8.8.8.8,because,somebody\ndomain,c2.hibana.jp,,\n")})
	if err != nil || l.State != ListWaiting || l.Warned != 1 || l.SHA256 != "" || l.Selectors != 1 {
		t.Fatalf("%+v %v", l, err)
	}
	take := []Override{{Kind: l.Overrides[0].Kind, Value: l.Overrides[0].Value, Take: true, Reason: "指令がここから来る"}}
	_, err = w.Second(w.analyst(), l.ID, take, false)
	want(t, "the same person", err, ErrListSame)
	_, err = w.Second(w.second(), l.ID, nil, false)
	want(t, "nothing decided", err, ErrListOpen)
	_, err = w.Second(w.second(), l.ID, []Override{{Kind: take[0].Kind, Value: take[0].Value, Take: true}}, false)
	want(t, "no reason", err, ErrListOpen)
	l, err = w.Second(w.second(), l.ID, take, false)
	if err != nil || l.State != ListReady || l.Selectors != 2 || len(l.SHA256) != 64 {
		t.Fatalf("%+v %v", l, err)
	}
	_, err = w.Second(w.second(), l.ID, take, false)
	want(t, "twice", err, ErrListState)
	got, total, err := w.Conditions(w.analyst(), l.ID, 0, 10)
	if err != nil || total != 2 {
		t.Fatal(total, err)
	}
	for _, x := range got {
		if x.Value == "8.8.8.8" && (x.Reason != "指令がここから来る" || x.By != "office/second") {
			t.Errorf("%+v", x)
		}
	}
	seen, err := w.Service.List(w.inspector(), l.ID)
	if err != nil || seen.SHA256 != l.SHA256 || seen.Name != "" || len(seen.Overrides) != 0 || seen.Selectors != 2 {
		t.Errorf("inspector: %+v %v", seen, err)
	}
	if got, n, err := w.Conditions(w.inspector(), l.ID, 0, 10); err != nil || n != 2 || len(got) != 2 {
		t.Errorf("inspector: %d of %d conditions, %v", len(got), n, err)
	}
	it, err := w.Intel.Add(w.analyst(), intel.NewItem{Title: "攻撃の指標", Indicators: []intel.Indicator{{Type: intel.DomainIndicator, Value: "cc.hibana.jp"}}, ValidUntil: w.Clock.Now().Add(48 * time.Hour)})
	w.must(err)
	of, err := w.MakeList(w.analyst(), NewList{Name: "項目から", Items: []string{it.ID}, Act: "intrusion"})
	w.must(err)
	if got, _, err := w.Conditions(w.analyst(), of.ID, 0, 10); err != nil || len(got) != 1 || got[0].Value != "cc.hibana.jp" || got[0].Source != "intel/"+it.ID || got[0].Act != "intrusion" || got[0].Expires == 0 {
		t.Errorf("%+v %v", got, err)
	}
	_, err = w.MakeList(w.analyst(), NewList{Name: "x", File: "x.txt", Data: []byte("198.51.100.7\nnot a selector at all\n")})
	want(t, "a broken line", err, ErrList)
	next, err := w.MakeList(w.analyst(), NewList{Name: "y", File: "y.txt", Data: []byte("c2.hibana.jp\n"), Before: l.ID})
	if err != nil || next.Version != 2 || next.State != ListReady {
		t.Errorf("%+v %v", next, err)
	}
}

// The label stays with a record from the run to the recipient and the sighting;
// changed in the database, the record does not open any more.
func TestProvenanceIsNeverLost(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		l := w.list()
		a := w.agree()
		g, err := w.Service.Grant(w.clerk(), a.ID, l.ID)
		w.must(err)
		r := w.drill(g.Approval)
		list, _, err := w.Read(w.analyst(), RecordFilter{Run: r.ID, Limit: 1}, Reason{Purpose: "analyse"})
		w.must(err)
		d, err := w.Disclose(w.handler(), NewDisclosure{Run: r.ID, Recipient: w.country.ID("police"), Basis: "第27条", Caveat: "捜査の目的に使わないこと", Why: Reason{Purpose: "warn"}})
		w.must(err)
		_, err = w.Disclose(w.handler(), NewDisclosure{Run: r.ID, Recipient: w.country.ID("bank"), Basis: "第27条", Caveat: "x", Why: Reason{Purpose: "warn"}})
		want(t, "a recipient who is not named", err, ErrReceiver)
		_, _, err = w.Read(w.police(), RecordFilter{Run: r.ID, Disclosure: d.ID}, Reason{Purpose: "measure"})
		want(t, "another purpose than it was given for", err, ErrPurpose)
		_, _, err = w.Read(w.as("industry", "a", gate.MinistryClerk), RecordFilter{Run: r.ID, Disclosure: d.ID}, Reason{Purpose: "warn"})
		want(t, "another body", err, ErrNoRecords)
		_, _, err = w.Read(w.police(), RecordFilter{Run: r.ID}, Reason{Purpose: "warn"})
		want(t, "without the disclosure", err, ErrNoRecords)
		given, _, err := w.Read(w.police(), RecordFilter{Run: r.ID, Disclosure: d.ID, Limit: 500}, Reason{Purpose: "warn"})
		if err != nil || int64(len(given)) != r.Records || given[0].Provenance != "agreement" || !strings.Contains(string(given[0].Line), `"provenance":"agreement"`) {
			t.Fatalf("%d %v", len(given), err)
		}
		x, err := w.Sight(w.analyst(), r.ID, list[0].Selector, Reason{Purpose: "warn"}, "指令が届いた")
		if err != nil || x.Provenance != "agreement" || x.Origin != sighting.FromSelection || x.Ref != r.ID {
			t.Fatalf("%+v %v", x, err)
		}
		it, err := w.WriteItem(w.analyst(), r.ID, list[0].Selector, Reason{Purpose: "warn"}, "指令の出所")
		if err != nil || it.Origin != intel.FromSelection || it.Provenance[0].Kind != "agreement" || it.Provenance[0].Ref != r.ID || len(it.Indicators) != 1 {
			t.Fatalf("%+v %v", it, err)
		}
		_, err = w.WriteItem(w.analyst(), r.ID, list[0].Selector, Reason{}, "指令の出所")
		want(t, "an item without a purpose", err, ErrReadFirst)
		w.must(w.Parts.DB.Write(context.Background(), func(tx *db.Tx) error {
			_, err := tx.Exec(context.Background(), "UPDATE selection_record SET provenance = 'fd'")
			return err
		}))
		if _, _, err := w.Read(w.analyst(), RecordFilter{Run: r.ID}, Reason{Purpose: "analyse"}); err == nil {
			t.Error("a record with another label opened")
		}
	})
}

// Another purpose needs the party's consent; what the commission approved has
// none.
func TestOtherPurposeNeedsConsent(t *testing.T) {
	w := oneWorld(t)
	l := w.list()
	a := w.agree()
	g, err := w.Service.Grant(w.clerk(), a.ID, l.ID)
	w.must(err)
	r := w.drill(g.Approval)
	read := func(run string, why Reason) error {
		_, _, err := w.Read(w.handler(), RecordFilter{Run: run}, why)
		return err
	}
	want(t, "without a consent", read(r.ID, Reason{Purpose: "other"}), ErrPurpose)
	want(t, "with one that is none", read(r.ID, Reason{Purpose: "other", Consent: newID()}), ErrNoConsent)
	c, err := w.Consent(w.wind(), a.ID, "統計を作る", w.Clock.Now().Add(24*time.Hour))
	w.must(err)
	want(t, "with it", read(r.ID, Reason{Purpose: "other", Consent: c.ID}), nil)
	want(t, "a consent where none is asked", read(r.ID, Reason{Purpose: "analyse", Consent: c.ID}), ErrPurpose)
	b := w.drill(w.approve(approval.ForeignDomestic, l).ID)
	want(t, "for what the commission approved", read(b.ID, Reason{Purpose: "other", Consent: c.ID}), ErrPurpose)
	w.must(w.WithdrawConsent(w.wind(), a.ID, c.ID))
	want(t, "withdrawn", read(r.ID, Reason{Purpose: "other", Consent: c.ID}), ErrNoConsent)
	d, err := w.Consent(w.wind(), a.ID, "統計を作る", w.Clock.Now().Add(time.Hour))
	w.must(err)
	w.Clock.Pass(2 * time.Hour)
	want(t, "over", read(r.ID, Reason{Purpose: "other", Consent: d.ID}), ErrNoConsent)
	if _, err := w.Consent(w.sea(), a.ID, "x", w.Clock.Now().Add(time.Hour)); err == nil {
		t.Error("another firm consented")
	}
}

// What may not be kept any longer is gone on the day, with receipts, and with the
// last record of an approval its key.
func TestErasure(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		l := w.list()
		c := w.approve(approval.ForeignDomestic, l)
		r := w.drill(c.ID)
		d, err := w.Disclose(w.handler(), NewDisclosure{Run: r.ID, Recipient: w.country.ID("police"), Basis: "第27条", Caveat: "x", Why: Reason{Purpose: "warn"}})
		w.must(err)
		ids := w.ids("SELECT id FROM selection_record WHERE run_id = $1 ORDER BY id", r.ID)
		if n, err := w.Erase(context.Background()); n != 0 || err != nil {
			t.Fatalf("too early: %d %v", n, err)
		}
		long := r.RetainUntil.AddDate(0, 0, 10)
		_, err = w.Extend(w.handler(), r.ID, r.RetainUntil.AddDate(2, 0, 0), "続ける")
		want(t, "too long", err, ErrExtension)
		_, err = w.Extend(w.handler(), r.ID, long, "同じ攻撃が続いている")
		w.must(err)
		_, err = w.Extend(w.handler(), r.ID, long.AddDate(0, 0, 1), "同じ攻撃が続いている")
		w.must(err)
		_, err = w.Extend(w.handler(), r.ID, long.AddDate(0, 0, 2), "もう一度")
		want(t, "too often", err, ErrExtension)
		w.Clock.Pass(41*24*time.Hour + time.Second)
		// Nobody ticked yet, and still it cannot be read.
		got, _, err := w.Read(w.handler(), RecordFilter{Run: r.ID}, Reason{Purpose: "analyse"})
		if err != nil || len(got) != 0 {
			t.Errorf("%d records after their day, %v", len(got), err)
		}
		if n, err := w.Tick(context.Background()); n < int(r.Records) || err != nil {
			t.Errorf("%d %v", n, err)
		}
		if w.count("SELECT count(*) FROM selection_record")+w.count("SELECT count(*) FROM selection_disclosed")+w.count("SELECT count(*) FROM key_data WHERE owner = $1", keyOwner(c.ID)) != 0 {
			t.Error("records, what points to them, or their key is left")
		}
		v, err := w.ShowRun(w.inspector(), r.ID)
		if err != nil || v.Run.Left() != 0 || len(v.Receipts) != 1 || v.Receipts[0].Records != r.Records || v.Receipts[0].Digest != digestOfIDs(ids) || len(v.Extensions) != 2 {
			t.Errorf("%+v %v", v.Receipts, err)
		}
		all, _, err := w.Receipts(w.inspector(), "", 10)
		if err != nil || len(all) != 2 || all[0].Why != "key" {
			t.Errorf("%+v %v", all, err)
		}
		list, _, _, err := w.Disclosures(w.police(), "", 10)
		if err != nil || len(list) != 1 || list[0].ID != d.ID || list[0].Left != 0 || list[0].Records != r.Records {
			t.Errorf("%+v %v", list, err)
		}
	})
}

func (w *world) ids(query string, args ...any) (out []string) {
	w.t.Helper()
	w.must(w.Parts.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		out, err = ids(context.Background(), tx, query, args...)
		return err
	}))
	return out
}

// Whatever ends a run, no statement tells what was selected, and no event does.
func TestEventsTellNothingSelected(t *testing.T) {
	w := oneWorld(t)
	r := w.drill(w.approve(approval.ForeignDomestic, w.list()).ID)
	if r.Records == 0 {
		t.Fatal("nothing selected")
	}
	allowed := map[string]bool{"agreement": true, "run": true, "approval": true, "org": true, "other": true, "records": true, "at": true}
	w.must(w.Parts.DB.Read(context.Background(), func(tx *db.Tx) error {
		rows, err := tx.Query(context.Background(), "SELECT subject, data FROM bus_event WHERE subject LIKE 'selection.%'")
		if err != nil {
			return err
		}
		defer rows.Close()
		n := 0
		for rows.Next() {
			var subject string
			var data []byte
			if err := rows.Scan(&subject, &data); err != nil {
				return err
			}
			var fields map[string]any
			if err := json.Unmarshal(data, &fields); err != nil {
				return err
			}
			for f := range fields {
				if !allowed[f] {
					t.Errorf("%s tells %s", subject, f)
				}
			}
			n++
		}
		if n != 2 {
			t.Errorf("%d events", n)
		}
		return rows.Err()
	}))
}
