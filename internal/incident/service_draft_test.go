package incident

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/testkit"
)

func TestADraftKnowsItsOperator(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d, err := h.StartDraft(h.reporter(), Ransomware)
		if err != nil {
			t.Fatal(err)
		}
		for id, want := range map[FieldID]string{"operator.name": "試験wind(架空)", "operator.sector": "electricity"} {
			if got, _ := d.Report.Value(id).Text(); got != want {
				t.Errorf("%s is %q, want %q", id, got, want)
			}
		}
		if row, _ := d.Report.Value("contact.responsible").V.(Row); row["name"] != "試験 責任" || row["mail"] != "lead@wind.example" {
			t.Errorf("%v", row)
		}
		if h.Entries(t, "incident.draft", ledger.Done) != 1 {
			t.Error("starting a draft is an act")
		}
		// What was told once is not asked again: not even by the next incident.
		r := Template(Ransomware).Clone()
		r.Values["operator.address"] = KnownValue("青ヶ浜県蒼浜市中央1-1")
		if _, err := h.Submit(h.reporter(), r, ""); err != nil {
			t.Fatal(err)
		}
		if d, err = h.StartDraft(h.second(), DDoS); err != nil {
			t.Fatal(err)
		}
		if got, _ := d.Report.Value("operator.address").Text(); got != "青ヶ浜県蒼浜市中央1-1" {
			t.Errorf("address %q", got)
		}
		if d.Report.Value("event.recognised_at").Answered() || d.Report.Validate() != nil {
			t.Errorf("carried too much: %v", d.Report.Fields())
		}
	})
}

func TestADraftIsSavedMergedAndSubmitted(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.filled(h.reporter(), Ransomware)
		entries := h.Entries(t, "incident.draft", ledger.Done)
		// Two people, one draft, the same revision.
		if _, err := h.SaveDraft(h.reporter(), d.ID, d.Revision, Changes{Values: map[FieldID]Value{"event.title": KnownValue("甲の題")}}); err != nil {
			t.Fatal(err)
		}
		both, err := h.SaveDraft(h.second(), d.ID, d.Revision, Changes{Values: map[FieldID]Value{"event.title": KnownValue("乙の題")}, Severity: ptr(Watch)})
		if err != nil || len(both.Clashes) != 1 || both.Report.Severity != Watch {
			t.Fatalf("%+v %v", both.Clashes, err)
		}
		c := both.Clashes[0]
		if c.Kept.Person != "wind/a" || c.Other.Person != "wind/b" || c.Kept.Value.V != "甲の題" || c.Other.Value.V != "乙の題" {
			t.Errorf("%+v", c)
		}
		if _, err := h.SubmitDraft(h.reporter(), d.ID, both.Revision); !errors.Is(err, ErrClashes) || len(fault.Of(err).Places) != 1 {
			t.Errorf("a clash is chosen before it is sent: %v", err)
		}
		done, err := h.ResolveClash(h.second(), d.ID, c.Choice, true)
		if err != nil || len(done.Clashes) != 0 {
			t.Fatalf("%+v %v", done.Clashes, err)
		}
		if _, err := h.ResolveClash(h.second(), d.ID, c.Choice, true); !errors.Is(err, ErrNoClash) {
			t.Errorf("twice: %v", err)
		}
		if h.Entries(t, "incident.draft", ledger.Done) != entries {
			t.Error("saving is no act")
		}
		p, err := h.PreviewDraft(h.reporter(), d.ID)
		if err != nil || !p.Ready() {
			t.Fatalf("missing %v, problems %v, %v", p.Check.Missing, p.Problems, err)
		}
		if _, err := h.SubmitDraft(h.reporter(), d.ID, d.Revision); !errors.Is(err, ErrRevision) {
			t.Errorf("sent what nobody saw: %v", err)
		}
		got, err := h.SubmitDraft(h.reporter(), d.ID, done.Revision)
		if err != nil {
			t.Fatal(err)
		}
		if got.Case.ID != d.ID || len(got.Deliveries) != len(p.Deliveries) {
			t.Errorf("case %s of draft %s; %d deliveries, previewed %d", got.Case.ID, d.ID, len(got.Deliveries), len(p.Deliveries))
		}
		again, err := h.SubmitDraft(h.second(), d.ID, done.Revision)
		if err != nil || again.Receipt.Entry != got.Receipt.Entry || again.Case.Number != got.Case.Number {
			t.Errorf("the same draft again: %+v %v", again.Receipt, err)
		}
		if testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM incident_case") != 1 {
			t.Error("two cases")
		}
		v, err := h.Open(h.viewer(), d.ID, 0, "")
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := v.Report.Value("event.title").Text(); got != "乙の題" {
			t.Errorf("sent %q", got)
		}
		if list, err := h.Drafts(h.reporter()); err != nil || len(list) != 0 {
			t.Errorf("%v %v", list, err)
		}
	})
}

func TestNobodyElseSeesADraft(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.filled(h.reporter(), Ransomware)
		for name, who := range map[string]context.Context{
			"a viewer": h.viewer(), "another operator": h.rival(), "the ministry": h.clerk(), "the commission": h.member(), "nobody": context.Background(),
			"a token for something else": gate.With(context.Background(), func() gate.Identity {
				id := h.Identity("wind", "t", gate.OperatorReporter)
				id.Token, id.Scopes = "t", []string{"incident.list"}
				return id
			}()),
		} {
			_, err1 := h.Draft(who, d.ID)
			_, err2 := h.SaveDraft(who, d.ID, d.Revision, Changes{Severity: ptr(Act)})
			_, err3 := h.PreviewDraft(who, d.ID)
			_, err4 := h.SubmitDraft(who, d.ID, d.Revision)
			_, err5 := h.ResolveClash(who, d.ID, "x", true)
			for i, err := range []error{err1, err2, err3, err4, err5, h.DiscardDraft(who, d.ID)} {
				if k := fault.KindOf(err); err == nil || k != fault.Refused && k != fault.NotFound && k != fault.Unauthenticated {
					t.Errorf("%s, step %d: %v", name, i, err)
				}
			}
			if list, err := h.Drafts(who); len(list) != 0 {
				t.Errorf("%s lists %v %v", name, list, err)
			}
		}
		if h.Entries(t, "incident.draft", ledger.Refused) == 0 {
			t.Error("refusals are recorded")
		}
		if now, err := h.Draft(h.second(), d.ID); err != nil || now.Revision != d.Revision {
			t.Errorf("changed: %d %v", now.Revision, err)
		}
		sealed := ""
		err := h.Parts.DB.Read(t.Context(), func(tx *db.Tx) error {
			row, err := loadDraft(t.Context(), tx, d.ID, h.ID("wind"), false)
			sealed = string(row.sealed)
			return err
		})
		title, _ := d.Report.Value("event.title").Text()
		if err != nil || title == "" || strings.Contains(sealed, title) || strings.Contains(sealed, "event.title") {
			t.Errorf("a draft lies open in the database: %v", err)
		}
	})
}

func TestAnAnswerThatCannotBeAcceptedSavesNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.filled(h.reporter(), Other)
		_, err := h.SaveDraft(h.reporter(), d.ID, d.Revision, Changes{Values: map[FieldID]Value{"event.title": KnownValue("よい題"), "event.recognised_at": KnownValue("25時")}})
		if !errors.Is(err, ErrInvalid) || fault.Of(err).Places[0].At != "/values/event.recognised_at" {
			t.Errorf("%v", err)
		}
		if _, err := h.SaveDraft(h.reporter(), d.ID, d.Revision+5, Changes{Severity: ptr(Act)}); !errors.Is(err, ErrRevision) {
			t.Errorf("a revision that is not: %v", err)
		}
		huge := KnownValue(strings.Repeat("長", 5000))
		if _, err := h.SaveDraft(h.reporter(), d.ID, d.Revision, Changes{Values: map[FieldID]Value{"event.title": huge}}); !errors.Is(err, ErrInvalid) {
			t.Errorf("too long: %v", err)
		}
		now, err := h.Draft(h.reporter(), d.ID)
		if err != nil || cmp.Diff(d, now) != "" {
			t.Errorf("%v %s", err, cmp.Diff(d, now))
		}
	})
}

func TestAFollowUpCarriesAllAnswersOver(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.reported(Ransomware)
		first, err := h.Open(h.reporter(), c.ID, 0, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.StartNext(h.rival(), c.ID, Followup); !errors.Is(err, ErrNone) {
			t.Errorf("another operator: %v", err)
		}
		if _, err := h.StartNext(h.reporter(), c.ID, First); !errors.Is(err, ErrInvalid) {
			t.Errorf("a first report twice: %v", err)
		}
		d, err := h.StartNext(h.reporter(), c.ID, Followup)
		if err != nil || d.ID == c.ID || d.Case != c.ID || d.Report.Version != 2 {
			t.Fatalf("%+v %v", d, err)
		}
		if diff := cmp.Diff(first.Report.Values, d.Report.Values); diff != "" {
			t.Error(diff)
		}
		if twin, err := h.StartNext(h.second(), c.ID, Followup); err != nil || twin.ID != d.ID {
			t.Errorf("a second draft of the same follow-up: %s %v", twin.ID, err)
		}
		d, err = h.SaveDraft(h.reporter(), d.ID, d.Revision, Changes{Values: map[FieldID]Value{"event.title": KnownValue("続報の題")}})
		if err != nil {
			t.Fatal(err)
		}
		// Meanwhile another version comes in through the API.
		h.Clock.Pass(time.Minute)
		past := first.Report.Next(Followup)
		past.Severity = Watch
		past.Values["event.title"] = KnownValue("APIの題")
		if _, err := h.Submit(h.reporter(), past, ""); err != nil {
			t.Fatal(err)
		}
		if d, err = h.Draft(h.reporter(), d.ID); err != nil || !d.Behind {
			t.Fatalf("behind %v %v", d.Behind, err)
		}
		if _, err := h.SubmitDraft(h.reporter(), d.ID, d.Revision); fault.KindOf(err) != fault.Conflict {
			t.Errorf("sent over the other version: %v", err)
		}
		d, err = h.StartNext(h.reporter(), c.ID, Final)
		if err != nil || d.Behind || d.Report.Version != 3 || d.Report.Stage != Final || d.Report.Severity != Watch {
			t.Fatalf("%+v %v", d, err)
		}
		if len(d.Clashes) != 1 || d.Clashes[0].Other.Value.V != "APIの題" || d.Clashes[0].Other.Version != 2 {
			t.Fatalf("both changed the title: %+v", d.Clashes)
		}
		if d, err = h.ResolveClash(h.reporter(), d.ID, d.Clashes[0].Choice, false); err != nil {
			t.Fatal(err)
		}
		if d, err = h.StartNext(h.reporter(), c.ID, Followup); err != nil || d.Report.Stage != Followup {
			t.Fatal(err)
		}
		m, err := h.Attach(h.reporter(), d.ID, strings.NewReader("log"), "a.log")
		if err != nil {
			t.Fatal(err)
		}
		got, err := h.SubmitDraft(h.reporter(), d.ID, d.Revision)
		if err != nil || got.Case.ID != c.ID || got.Case.Version != 3 {
			t.Fatalf("%+v %v", got.Case, err)
		}
		again, err := h.SubmitDraft(h.reporter(), d.ID, d.Revision)
		if err != nil || again.Receipt.Entry != got.Receipt.Entry {
			t.Errorf("the same follow-up again: %+v %v", again.Case, err)
		}
		v, err := h.Open(h.clerk(), c.ID, 0, "receive")
		if err != nil || len(v.Files) != 1 || v.Files[0].ID != m.ID || v.Files[0].SHA256 != m.SHA256 {
			t.Errorf("the follow-up's file: %+v %v", v.Files, err)
		}
		changes, err := h.Compare(h.reporter(), c.ID, 3, "")
		if err != nil || !slices.ContainsFunc(changes, func(c Change) bool { return c.Field == "event.title" && c.New.V == "続報の題" }) {
			t.Errorf("%+v %v", changes, err)
		}
	})
}

func TestDraftsAreBounded(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		err := h.Parts.DB.Write(t.Context(), func(tx *db.Tx) error {
			for range maxDrafts {
				if err := insertDraft(t.Context(), tx, draftRow{Draft: Draft{ID: NewID()}, sealed: []byte{}}, h.ID("wind")); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.StartDraft(h.reporter(), Other); !errors.Is(err, ErrManyDrafts) {
			t.Errorf("%v", err)
		}
	})
}

// Eight people save at once; every field has what its own writer wrote last.
func TestManySavesAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d, err := h.StartDraft(h.reporter(), Ransomware)
		if err != nil {
			t.Fatal(err)
		}
		fields := []FieldID{"event.title", "event.outline", "operator.business", "operator.address"}
		var wg sync.WaitGroup
		for i, f := range fields {
			wg.Go(func() {
				who := h.As("wind", string(rune('p'+i)), gate.OperatorReporter)
				base := d.Revision
				for n := range 10 {
					got, err := h.SaveDraft(who, d.ID, base, Changes{Values: map[FieldID]Value{f: KnownValue(strings.Repeat("字", n+1))}})
					if err != nil {
						t.Errorf("%s: %v", f, err)
						return
					}
					base = got.Revision
				}
			})
		}
		wg.Wait()
		got, err := h.Draft(h.reporter(), d.ID)
		if err != nil || got.Revision != d.Revision+40 || len(got.Clashes) != 0 {
			t.Errorf("revision %d, clashes %v, %v", got.Revision, got.Clashes, err)
		}
		for _, f := range fields {
			if s, _ := got.Report.Value(f).Text(); s != strings.Repeat("字", 10) {
				t.Errorf("%s: %q", f, s)
			}
		}
	})
}

// A click that is repeated because nothing seemed to happen, in two windows and
// again after the answer was lost, is one report.
func TestADraftSentManyTimesAtOnceIsOneReport(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.filled(h.reporter(), Ransomware)
		for version := 1; version <= 2; version++ {
			var wg sync.WaitGroup
			entries := make([]string, 8)
			for i := range entries {
				wg.Go(func() {
					who := h.reporter()
					if i%2 == 1 {
						who = h.second()
					}
					got, err := h.SubmitDraft(who, d.ID, d.Revision)
					if err != nil || got.Case.Version != version {
						t.Errorf("version %d: %+v %v", version, got.Case, err)
					}
					entries[i] = got.Receipt.Entry
				})
			}
			wg.Wait()
			if all := slices.Compact(slices.Sorted(slices.Values(entries))); len(all) != 1 || all[0] == "" {
				t.Errorf("version %d has receipts %v", version, all)
			}
			if version == 2 {
				break
			}
			next, err := h.StartNext(h.reporter(), d.ID, Followup)
			if err != nil {
				t.Fatal(err)
			}
			d = next
		}
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM incident_version"); n != 2 {
			t.Errorf("%d versions", n)
		}
		if n := h.Entries(t, "incident.submit", ledger.Done); n != 2 {
			t.Errorf("%d entries of submissions", n)
		}
	})
}

func TestADiscardedDraftIsGone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.filled(h.reporter(), Other)
		if _, err := h.Attach(h.reporter(), d.ID, strings.NewReader("x"), "x.txt"); err != nil {
			t.Fatal(err)
		}
		if err := h.DiscardDraft(h.second(), d.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Draft(h.reporter(), d.ID); !errors.Is(err, ErrNoDraft) {
			t.Errorf("%v", err)
		}
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM blob_file"); n != 0 {
			t.Errorf("%d files left", n)
		}
	})
}
