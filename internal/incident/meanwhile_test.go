package incident

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

// followup is the next version of a case as a program sends it.
func followup(id ID, version int) *Report {
	r := Template(Ransomware).Clone().Next(Followup)
	r.ID, r.Version = id, version
	return r
}

func TestAFollowUpDoesNotShortenAnExtension(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.reported(Ransomware)
		until := c.RetainUntil.AddDate(5, 0, 0)
		if err := h.Extend(h.admin(), c.ID, until, "訴訟が続いているため"); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Submit(h.reporter(), followup(c.ID, 2), ""); err != nil {
			t.Fatal(err)
		}
		if v, err := h.Open(h.reporter(), c.ID, 0, ""); err != nil || v.Case.RetainUntil.Before(until) {
			t.Errorf("kept until %v, want %v: %v", v.Case.RetainUntil, until, err)
		}
	})
}

// TestASubmissionNoticesWhatHappenedSinceItWasExamined examines a follow-up,
// lets something happen to the case, and writes it then.
func TestASubmissionNoticesWhatHappenedSinceItWasExamined(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for name, meanwhile := range map[string]func(c Case) error{
			"withdrawn": func(c Case) error { return h.Withdraw(h.reporter(), c.ID, "誤報") },
			"destroyed": func(c Case) error {
				_, err := h.Purge(org.Local(t.Context()), c.RetainUntil.Add(time.Hour))
				return err
			},
		} {
			c := h.reported(Ransomware)
			ctx := h.reporter()
			who, _ := gate.From(ctx)
			var p plan
			if err := h.Parts.DB.Read(ctx, func(tx *db.Tx) (err error) {
				p, err = h.plan(ctx, tx, who, followup(c.ID, 2), "", h.now())
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if err := meanwhile(c); err != nil {
				t.Fatal(err)
			}
			act := &ledger.Act{Verb: "incident.submit", Object: objectOf(c.ID)}
			_, err := h.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
				return h.write(ctx, tx, who, p, []byte("x"), "", 0, act.Entry, h.now())
			})
			if !errors.Is(err, ErrRevision) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestPagesOfADeskEnd sends later versions to nobody but the ministry, so that
// on the other desks a case stands where it stood.
func TestPagesOfADeskEnd(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for range 4 {
			h.reported(Ransomware)
			h.Clock.Pass(time.Minute)
		}
		if err := h.Parts.DB.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE incident_case SET updated_at = updated_at + 3600000000, severity = 'critical', version = 2")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		seen, cursor := map[ID]int{}, ""
		for range 6 {
			list, next, err := h.List(h.clerk(), Filter{Cursor: cursor, Limit: 1})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range list {
				seen[c.ID]++
			}
			if cursor = next; next == "" {
				break
			}
		}
		if len(seen) != 4 || cursor != "" {
			t.Errorf("%v, then %q", seen, cursor)
		}
	})
}

func TestADestroyedCaseTakesNothingMore(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.reported(Ransomware)
		if _, err := h.Purge(org.Local(t.Context()), c.RetainUntil.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		with := h.ID("industry")
		_, asked := h.Ask(h.clerk(), c.ID, "何が起きましたか")
		_, answered := h.Answer(h.reporter(), c.ID, with, "VPN から入られました")
		_, gave := h.Give(h.clerk(), c.ID, "調べました", "")
		_, supervised := h.AskSupervision(h.clerk(), c.ID, "報告徴収のため")
		for what, err := range map[string]error{"question": asked, "answer": answered, "feedback": gave, "supervision": supervised} {
			if !errors.Is(err, ErrPurged) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM thread_message WHERE object = 'incident/' || $1", c.ID); n != 0 {
			t.Errorf("%d messages that nothing will ever destroy", n)
		}
	})
}

// TestASaveThatASubmissionDidNotSeeIsNotLost saves a draft from a second
// window after the first one read it to hand it in.
func TestASaveThatASubmissionDidNotSeeIsNotLost(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.filled(h.reporter(), Ransomware)
		title := FieldID("event.title")
		later, err := h.SaveDraft(h.second(), d.ID, d.Revision, Changes{Values: map[FieldID]Value{title: KnownValue("二つ目の窓で書いた題")}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.submit(h.reporter(), d.Report, d.ID, d.Revision); !errors.Is(err, ErrRevision) {
			t.Errorf("handed in: %v", err)
		}
		now, err := h.Draft(h.reporter(), d.ID)
		if err != nil || now.Revision != later.Revision {
			t.Errorf("the draft: %v", err)
		}
		got, err := h.SubmitDraft(h.reporter(), d.ID, now.Revision)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := h.SubmitDraft(h.second(), d.ID, now.Revision); err != nil || again.Case.ID != got.Case.ID {
			t.Errorf("the same click again: %v", err)
		}
	})
}

// TestAnIDOfAnothersDraftOpensNoFiles reports under the id of a draft of
// another organisation, which somebody may have seen in an address.
func TestAnIDOfAnothersDraftOpensNoFiles(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.filled(h.reporter(), Ransomware)
		if _, err := h.Attach(h.reporter(), d.ID, strings.NewReader("secret"), "secret.log"); err != nil {
			t.Fatal(err)
		}
		r := Template(Ransomware).Clone()
		r.ID = d.ID
		got, err := h.Submit(h.rival(), r, "")
		if err != nil {
			t.Fatal(err)
		}
		if files, err := h.Files(h.rival(), got.Case.ID); err != nil || len(files) != 0 {
			t.Errorf("%d files of another organisation: %v", len(files), err)
		}
		if _, err := h.SubmitDraft(h.reporter(), d.ID, d.Revision); err != nil {
			t.Errorf("its own draft is blocked: %v", err)
		}
	})
}

func TestACaseHasOneDraftWhoeverStartsIt(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for range 8 {
			c := h.reported(Ransomware)
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() {
					if _, err := h.StartNext(h.As("wind", fmt.Sprint(i), gate.OperatorReporter), c.ID, Followup); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM incident_draft WHERE case_id = $1", c.ID); n != 1 {
				t.Errorf("%d drafts", n)
			}
		}
	})
}

func TestFilesOfACaseAreBoundedThroughItsVersions(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.reported(Ransomware)
		for i := range maxFiles {
			if _, err := h.Attach(h.reporter(), c.ID, strings.NewReader("x"), fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		d, err := h.StartNext(h.reporter(), c.ID, Followup)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Attach(h.reporter(), d.ID, strings.NewReader("x"), "one more"); err == nil || fault.Of(err).Code != ErrManyFiles.Code {
			t.Errorf("%v", err)
		}
	})
}

func TestOneBrokenCaseDoesNotKeepTheOthers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		hub := org.Local(t.Context())
		first, second := h.reported(Ransomware), h.reported(Ransomware)
		idle, err := h.StartDraft(h.reporter(), Other)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Attach(h.reporter(), idle.ID, strings.NewReader("x"), "left.log"); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Ask(h.clerk(), first.ID, "いつですか"); err != nil {
			t.Fatal(err)
		}
		salts := "SELECT count(*) FROM ledger_entry WHERE salt IS NOT NULL AND object = 'incident/' || $1"
		if testkit.Count(t, h.Parts.DB, salts, second.ID) == 0 {
			t.Fatal("no digest to open")
		}
		gone := []ID{first.ID, second.ID, idle.ID}
		if !h.Parts.DB.Postgres() { // SQLite takes a text for a number, and then the case does not load
			if err := h.Parts.DB.Write(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec(t.Context(), "UPDATE incident_case SET version = 'x' WHERE id = $1", first.ID)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			gone = gone[1:]
		}
		h.Clock.Pass(24 * time.Hour)
		now := second.RetainUntil.Add(25 * time.Hour)
		if n, err := h.Purge(hub, now); n != len(gone)-1 || (err == nil) != (len(gone) == 3) {
			t.Errorf("%d destroyed: %v", n, err)
		}
		for _, id := range gone {
			if n := testkit.Count(t, h.Parts.DB, salts, id); n != 0 {
				t.Errorf("%d digests can still be opened", n)
			}
		}
		if _, err := h.Draft(h.reporter(), idle.ID); !errors.Is(err, ErrNoDraft) {
			t.Errorf("a draft left two years ago: %v", err)
		}
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM blob_file WHERE object = 'incident/' || $1", idle.ID); n != 0 {
			t.Error("its file is there")
		}
	})
}

// TestADeskKeepsWhatItWasSent classifies a later version otherwise that goes to
// one's own desk only, then takes the report back: the recipient sees the marks
// of the version it has, that it was withdrawn, and no to-do.
func TestADeskKeepsWhatItWasSent(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.reported(Ransomware)
		later := c
		later.Version, later.Class, later.TLP, later.Severity = 2, "fraud", Clear, Track
		if err := h.Parts.DB.Write(t.Context(), func(tx *db.Tx) error {
			if err := updateCase(t.Context(), tx, later, c); err != nil {
				return err
			}
			return putDesks(t.Context(), tx, later, desk{c.Org, true, false})
		}); err != nil {
			t.Fatal(err)
		}
		sent := func(waiting bool, state State) {
			t.Helper()
			list, _, err := h.List(h.clerk(), Filter{})
			if err != nil || len(list) != 1 {
				t.Fatalf("%v %v", list, err)
			}
			got := list[0]
			if got.Class != c.Class || got.TLP != c.TLP || got.Severity != c.Severity || got.Waiting != waiting || got.State != state {
				t.Errorf("%+v", got)
			}
		}
		sent(true, Open)
		if err := h.Withdraw(h.reporter(), c.ID, "誤って出しました"); err != nil {
			t.Fatal(err)
		}
		sent(false, Withdrawn)
		mine, _, err := h.List(h.reporter(), Filter{})
		if err != nil || len(mine) != 1 || mine[0].Class != "fraud" || mine[0].TLP != Clear {
			t.Errorf("%+v %v", mine, err)
		}
	})
}

// TestClocksOfASubmission hands a first report in: what was just sent has been
// handed in, in the answer too.
func TestClocksOfASubmission(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.filled(h.reporter(), Ransomware)
		got, err := h.SubmitDraft(h.reporter(), d.ID, d.Revision)
		if err != nil {
			t.Fatal(err)
		}
		met := 0
		for _, k := range got.Clocks {
			if k.Profile == got.Deliveries[0].Profile && k.Stage == got.Deliveries[0].Stage && !got.Deliveries[0].Outside() {
				if met++; k.State != ClockMet && k.State != ClockMetLate {
					t.Errorf("%s %s is %s", k.Profile, k.Stage, k.State)
				}
			}
		}
		if met == 0 {
			t.Errorf("no clock of %+v among %+v", got.Deliveries[0], got.Clocks)
		}
	})
}
