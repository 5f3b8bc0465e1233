package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/oversight"
	"noroshi/internal/testkit"
	"noroshi/internal/testkit/country"
)

type hub struct {
	*Service
	*testkit.Parts
	t       testing.TB
	country *country.Country
}

func newHub(t testing.TB, d *db.DB) *hub {
	t.Helper()
	p := testkit.NewParts(t, d)
	h := &hub{Parts: p, t: t, country: country.New(t, p)}
	h.Service = h.again()
	return h
}

// again opens the service anew, as after a restart.
func (h *hub) again() *Service {
	h.t.Helper()
	kinds, err := approval.LoadRules("")
	h.must(err)
	s, err := New(Config{DB: h.DB, Ledger: h.Ledger, Log: os.DirFS(h.Ledger.Dir), Keys: h.Keys, Trust: []note.Verifier{h.Ledger.Verifier}, Kinds: kinds, Orgs: h.country.Service, Now: h.Clock.Now})
	h.must(err)
	return s
}

// DB and Ledger are the parts'; the service has the same.
func (h *hub) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// tick publishes the ledger and does what time does.
func (h *hub) tick() {
	h.t.Helper()
	h.must(h.Parts.Ledger.Settle(context.Background()))
	_, err := h.Tick(context.Background())
	h.must(err)
	h.must(h.Parts.Ledger.Settle(context.Background()))
	_, err = h.Tick(context.Background())
	h.must(err)
}

var roles = map[string]gate.Role{"member": gate.CommissionMember, "examiner": gate.Examiner, "inspector": gate.Inspector, "command": gate.PoliceCommand, "executive": gate.PoliceExecutive,
	"clerk": gate.OfficeClerk, "reporter": gate.OperatorReporter, "super": gate.MinistrySuper}

// as is somebody by a name such as commission/member2.
func (h *hub) as(name string) context.Context {
	place, person, _ := strings.Cut(name, "/")
	return h.country.As(place, person, roles[strings.TrimRight(person, "0123456789")])
}

func sources() []db.Source {
	return append(append(testkit.Base(), country.Sources()...), db.Source{Noun: "desk", FS: Migrations})
}

func eachHub(t *testing.T, fn func(t *testing.T, h *hub)) {
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) { fn(t, newHub(t, d)) })
}

func lite(t testing.TB) *hub { return newHub(t, testkit.DB(t, sources()...)) }

func (h *hub) draft() Draft {
	return Draft{Kind: Notice, To: h.country.ID("police"), Rule: "case_sides", Title: "兼務について", Text: "同じ人が二つの側に立った記載がある。"}
}

func printer(t testing.TB) text.Printer {
	t.Helper()
	cat, err := text.Load(Words, oversight.Words, ledger.Words)
	if err != nil {
		t.Fatal(err)
	}
	return cat.Printer(text.JA, nil)
}

// TestAPaperNeedsTwoMembers walks a notice from its draft to its end.
func TestAPaperNeedsTwoMembers(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		p, err := h.Draft(h.as("commission/inspector"), h.draft())
		h.must(err)
		if _, err := h.Show(h.as("police/command"), p.ID); !errors.Is(err, ErrNone) {
			t.Errorf("a body sees a draft: %v", err)
		}
		if _, err := h.Propose(h.as("commission/inspector"), p.ID); fault.KindOf(err) != fault.Refused {
			t.Errorf("an inspector proposes: %v", err)
		}
		_, err = h.Propose(h.as("commission/member1"), p.ID)
		h.must(err)
		if _, err := h.Settle(h.as("commission/member1"), p.ID); !errors.Is(err, ErrTwo) {
			t.Errorf("one member settles alone: %v", err)
		}
		if h.Entries(t, "oversight.settle", ledger.Refused) != 1 {
			t.Error("the attempt is not on record")
		}
		_, err = h.Settle(h.as("commission/member2"), p.ID)
		h.must(err)
		for _, name := range []string{"wind/reporter", "police/executive"} {
			if _, err := h.Show(h.as(name), p.ID); fault.KindOf(err) != fault.Refused {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := h.Show(h.as("office/clerk"), p.ID); !errors.Is(err, ErrNone) {
			t.Errorf("another body: %v", err)
		}
		v, err := h.Show(h.as("police/command"), p.ID)
		h.must(err)
		if len(v.Past) != 1 || v.Past[0].Act != "settle" || v.Paper.Revision != 0 || !v.Paper.CreatedAt.Equal(v.Paper.SentAt) {
			t.Errorf("a body sees how the commission came to it: %+v %+v", v.Past, v.Paper)
		}
		if !slices.Equal(v.Acts, []string{"answer"}) {
			t.Errorf("a body may %v", v.Acts)
		}
		h.Clock.Pass(15 * 24 * time.Hour)
		h.tick()
		h.tick()
		if n := h.Entries(t, "oversight.remind", ledger.Done); n != 1 {
			t.Errorf("%d reminders in one day", n)
		}
		h.Clock.Pass(7 * 24 * time.Hour)
		h.tick()
		if n := h.Entries(t, "oversight.remind", ledger.Done); n != 2 {
			t.Errorf("%d reminders in a week", n)
		}
		if _, err := h.Answer(h.as("police/command"), p.ID, Reply{Text: "改めた", Digests: []string{"x"}}); !errors.Is(err, ErrInvalid) {
			t.Errorf("a digest that is none: %v", err)
		}
		_, err = h.Answer(h.as("police/command"), p.ID, Reply{Text: "改めた", Digests: []string{strings.Repeat("ab", 32)}})
		h.must(err)
		_, err = h.Insist(h.as("commission/member1"), p.ID, "いつからかを書くこと")
		h.must(err)
		_, err = h.Answer(h.as("police/command"), p.ID, Reply{Text: "今日から"})
		h.must(err)
		_, err = h.Close(h.as("commission/member1"), p.ID, "改まった")
		h.must(err)
		h.tick()
		b, err := h.Inspection(h.as("commission/examiner"), printer(t))
		h.must(err)
		if len(b.Violations) > 0 || ruleAsked(b, "paper_two") == 0 {
			t.Errorf("the replay says of a lawful desk: %+v", b.Violations)
		}
		if b.Papers[0] != (PaperSum{Notice, 1, 0, 0}) || b.Rules[0].Checked == 0 || !b.Ready {
			t.Errorf("the ledger says %+v", b.Papers)
		}
		if _, err := h.Inspection(h.as("police/command"), printer(t)); fault.KindOf(err) != fault.Refused {
			t.Errorf("a body sees the board: %v", err)
		}
		out, err := h.Report(h.as("commission/inspector"), h.Clock.Now().Year(), oversight.ForInspector, printer(t))
		h.must(err)
		for _, s := range out.Parts {
			for _, l := range s.Lines {
				if l.Key == "notices" && (*l.Count != 1 || !slices.Equal(l.Cases, []string{p.ID})) || l.Key == "replies" && *l.Count != 2 || l.Key == "ended" && *l.Count != 1 {
					t.Errorf("the report counts %s as %d of %v", l.Key, *l.Count, l.Cases)
				}
			}
		}
	})
}

// ruleAsked is how often a rule was asked.
func ruleAsked(b Board, rule string) uint64 {
	for _, r := range b.Rules {
		if r.Rule == rule {
			return r.Checked
		}
	}
	return 0
}

// lawful has the desk's own acts replayed: each has the form and the order that the
// rules want.
func (h *hub) lawful(rule string) {
	h.t.Helper()
	h.tick()
	b, err := h.Inspection(h.as("commission/inspector"), printer(h.t))
	h.must(err)
	for _, v := range b.Violations {
		if strings.HasPrefix(v.Object, "oversight/") || v.Rule == rule {
			h.t.Errorf("the replay finds %s: %s", v.Rule, v.Text)
		}
	}
	if ruleAsked(b, rule) == 0 {
		h.t.Errorf("the replay never asked %s", rule)
	}
}

// TestNoPathSettlesAlone walks every sequence of acts of three people and holds
// that a paper is sent by somebody who neither drafted nor proposed it.
func TestNoPathSettlesAlone(t *testing.T) {
	type at struct {
		state             State
		drafter, proposer int
		depth             int
	}
	sides := []Side{MemberSide, MemberSide, InspectorSide}
	seen, sent := map[at]bool{}, 0
	var walk func(at)
	walk = func(x at) {
		if x.depth > 7 || seen[x] {
			return
		}
		seen[x] = true
		for who, by := range append(sides, BodySide, ClockSide) {
			for _, act := range Acts {
				to, err := apply(x.state, act, by, facts{same: who+1 == x.drafter || who+1 == x.proposer, late: true})
				if err != nil {
					continue
				}
				y := at{to, x.drafter, x.proposer, x.depth + 1}
				switch act {
				case "draft", "revise":
					y.drafter, y.proposer = who+1, 0
				case "propose":
					y.proposer = who + 1
				case "back":
					y.proposer = 0
				}
				if x.state == Proposed && to == Sent {
					sent++
					if who+1 == x.drafter || who+1 == x.proposer || x.proposer == 0 || by != MemberSide {
						t.Fatalf("%d settles what %d drafted and %d proposed", who+1, x.drafter, x.proposer)
					}
				}
				if x.state != Proposed && x.state != Answered && to == Sent && x.state != Sent {
					t.Fatalf("%s sends what is %s", act, x.state)
				}
				walk(y)
			}
		}
	}
	walk(at{})
	if sent == 0 {
		t.Fatal("nothing was ever sent")
	}
}

// power makes entries that can be drawn and opened; it returns the receipt of the
// last.
func (h *hub) power(n int) (r ledger.Receipt) {
	h.t.Helper()
	for range n {
		for _, a := range []*ledger.Act{
			{Verb: "selection.read", Object: "selection/" + newID(), Secret: "見た理由 <b>"},
			{Verb: "selection.erase", Object: "selection/" + newID()},
		} {
			var err error
			r2, err := h.Parts.Ledger.Do(h.as("police/command"), a, func(*db.Tx) error { return nil })
			h.must(err)
			if a.Secret != nil {
				r = r2
			}
		}
	}
	return r
}

// TestASampleIsDrawnAgain plans a sample, has it drawn, and draws it again from
// the files alone.
func TestASampleIsDrawnAgain(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.power(40)
		if _, err := h.Plan(h.as("commission/examiner"), Planning{}); fault.KindOf(err) != fault.Refused {
			t.Errorf("an examiner plans: %v", err)
		}
		p, err := h.Plan(h.as("commission/inspector"), Planning{Strata: []Stratum{{"erase", 50}, {"use", 10}}, Why: "利用の目的"})
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("a plan without a commitment: %v", err)
		}
		nonce := NewNonce()
		p, err = h.Plan(h.as("commission/inspector"), Planning{Strata: []Stratum{{"erase", 50}, {"use", 10}}, Why: "利用の目的", Commitment: oversight.Commitment(nonce)})
		h.must(err)
		if _, err := h.Plan(h.as("commission/inspector"), Planning{Strata: []Stratum{{"use", 1}}, Why: "x", Commitment: oversight.Commitment(nonce)}); !errors.Is(err, ErrInvalid) {
			t.Errorf("a commitment twice: %v", err)
		}
		if _, err := h.Reveal(h.as("commission/inspector"), p.ID, Revealing{nonce}); !errors.Is(err, ErrBusy) {
			t.Errorf("revealed before the log has the plan: %v", err)
		}
		h.power(40) // comes after the plan, and cannot be drawn
		h.tick()
		if x, err := h.Sample(h.as("commission/member"), p.Number); err != nil || len(x.Picks) > 0 || !x.DrawnAt.IsZero() || x.Nonce != "" {
			t.Errorf("drawn before the value was revealed: %+v %v", x, err)
		}
		if _, err := h.Reveal(h.as("commission/examiner"), p.ID, Revealing{nonce}); fault.KindOf(err) != fault.Refused {
			t.Errorf("an examiner reveals: %v", err)
		}
		if _, err := h.Reveal(h.as("commission/inspector"), p.ID, Revealing{NewNonce()}); !errors.Is(err, ErrInvalid) {
			t.Errorf("another value: %v", err)
		}
		_, err = h.Reveal(h.as("commission/inspector"), p.ID, Revealing{" " + strings.ToUpper(nonce) + " "})
		h.must(err)
		if _, err := h.Reveal(h.as("commission/inspector"), p.ID, Revealing{nonce}); !errors.Is(err, ErrStep) {
			t.Errorf("revealed twice: %v", err)
		}
		h.tick()
		x, err := h.Sample(h.as("commission/member"), p.Number)
		h.must(err)
		if len(x.Picks) != 50 || x.Strata[0].Kind != "use" || x.Strata[0].Population != 40 || x.Strata[1].Population != 40 {
			t.Fatalf("%d picks of %+v", len(x.Picks), x.Strata)
		}
		again := newInspection(os.DirFS(h.Parts.Ledger.Dir), []note.Verifier{h.Parts.Ledger.Verifier}, h.Kinds)
		h.must(again.whole(t.Context(), time.Time{}))
		fact := again.watch.plans[p.ID]
		seed, _, picks := fact.sample(again.watch, x.Root)
		var got []uint64
		for _, k := range picks {
			got = append(got, k.Place)
			if k.Place >= x.Place {
				t.Errorf("entry %d is not before the plan at %d", k.Place, x.Place)
			}
		}
		if fact.Nonce != nonce || fact.Commitment != oversight.Commitment(nonce) || fact.Root != x.Root {
			t.Errorf("the ledger says %+v", fact)
		}
		if !fact.Drawn || seed != x.Seed || seed != fact.Seed || !slices.Equal(got, fact.Sample) {
			t.Errorf("drawn again it is %v of %s, the ledger says %v of %s", got, seed, fact.Sample, fact.Seed)
		}
		place := x.Picks[0].Place
		if err := h.Check(h.as("commission/inspector"), p.ID, Checking{Place: place, Result: Finding}); !errors.Is(err, ErrInvalid) {
			t.Errorf("a finding without words: %v", err)
		}
		if err := h.Check(h.as("commission/inspector"), p.ID, Checking{Place: 1 << 40, Result: Fine}); !errors.Is(err, ErrInvalid) {
			t.Errorf("an entry that was not drawn: %v", err)
		}
		for _, k := range x.Picks {
			h.must(h.Check(h.as("commission/inspector"), p.ID, Checking{Place: k.Place, Result: Fine}))
		}
		x, err = h.Sample(h.as("commission/member"), p.ID)
		h.must(err)
		if st := x.Strata[0]; !st.Complete || st.Checked != 10 || st.Excluded != Excluded(40, 10, 0, 95) {
			t.Errorf("%+v", st)
		}
		h.lawful("sample_drawn")
	})
}

// TestACommitmentIsTakenOnce lets two plans of one commitment be written at the same
// time, after both saw that there is none; plans from before commitments have none.
func TestACommitmentIsTakenOnce(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		put := func(commitment string) error {
			return h.Parts.DB.Write(t.Context(), func(tx *db.Tx) error {
				return insertPlan(t.Context(), tx, &Plan{ID: newID(), Number: newNumber("T"), Commitment: commitment, CreatedAt: h.Clock.Now(), sealed: []byte{}}, "x")
			})
		}
		c := oversight.Commitment(NewNonce())
		h.must(put(c))
		if err := put(c); !db.IsUnique(err) {
			t.Errorf("a commitment twice: %v", err)
		}
		h.must(put(""))
		h.must(put(""))
	})
}

// TestASealedEntryIsOpenedForItsAskerAlone asks for one entry and opens it.
func TestASealedEntryIsOpenedForItsAskerAlone(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		r := h.power(1)
		h.tick()
		if _, err := h.Unseal(h.as("police/command"), Asking{Entry: r.Entry}); fault.KindOf(err) != fault.Refused {
			t.Errorf("a body asks: %v", err)
		}
		if _, err := h.Unseal(h.as("commission/inspector"), Asking{Entry: "99999", Ground: ForSample, Text: "x"}); !errors.Is(err, ErrInvalid) {
			t.Errorf("an entry that is not there: %v", err)
		}
		o, err := h.Unseal(h.as("commission/inspector1"), Asking{Entry: r.Entry, Ground: ForSample, Text: "目的を確かめる"})
		h.must(err)
		if o.To != h.country.ID("police") {
			t.Errorf("it is asked of %s", o.To)
		}
		if _, err := h.Unseal(h.as("commission/inspector2"), Asking{Entry: r.Entry, Ground: ForSample, Text: "x"}); !errors.Is(err, ErrTwice) {
			t.Errorf("twice: %v", err)
		}
		if _, _, err := h.Opening(h.as("office/clerk"), o.ID); !errors.Is(err, ErrNone) {
			t.Errorf("another body sees it: %v", err)
		}
		for _, wrong := range []string{"見た理由", `{"a":1}`, "見た理由 <b> "[:4]} {
			if _, err := h.Open(h.as("police/command"), o.ID, Giving{Content: wrong}); !errors.Is(err, ErrDigest) {
				t.Errorf("%q: %v", wrong, err)
			}
		}
		if n := h.Entries(t, "oversight.open", ledger.Refused); n != 3 {
			t.Errorf("%d wrong openings on record", n)
		}
		_, err = h.Open(h.as("police/command"), o.ID, Giving{Content: " 見た理由 <b>\r\n"})
		h.must(err)
		if _, err := h.Look(h.as("commission/inspector2"), o.ID); !errors.Is(err, ErrAsker) {
			t.Errorf("another inspector reads it: %v", err)
		}
		c, err := h.Look(h.as("commission/inspector1"), o.ID)
		h.must(err)
		var plain string
		h.must(json.Unmarshal([]byte(c.Content), &plain))
		if plain != "見た理由 <b>" || !c.Verified {
			t.Errorf("read: %+v", c)
		}
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM oversight_opening WHERE content <> $1", []byte{}); n != 1 {
			t.Error("nothing is kept")
		}
		h.must(h.Parts.DB.Read(t.Context(), func(tx *db.Tx) error {
			var raw []byte
			if err := tx.QueryRow(t.Context(), "SELECT content FROM oversight_opening").Scan(&raw); err != nil {
				return err
			}
			if bytes.Contains(raw, []byte("見た")) {
				t.Error("it is kept in clear")
			}
			return nil
		}))
		h.Clock.Pass(31 * 24 * time.Hour)
		if _, err := h.Look(h.as("commission/inspector1"), o.ID); !errors.Is(err, ErrGone) {
			t.Errorf("read after its time: %v", err)
		}
		h.tick()
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM key_data WHERE owner LIKE 'oversight/%'"); n != 0 {
			t.Error("its key is still there")
		}
		if _, err := h.Look(h.as("commission/inspector1"), o.ID); !errors.Is(err, ErrGone) {
			t.Errorf("read after it was destroyed: %v", err)
		}
		o, err = h.Unseal(h.as("commission/inspector1"), Asking{Entry: r.Entry, Ground: ForFollowUp, Text: "もう一度"})
		h.must(err)
		_, err = h.Withhold(h.as("police/command"), o.Number, "捜査の秘密")
		h.must(err)
		h.lawful("unsealed")
	})
}

// TestABodyAnswersWhatTheHubCannotRead has the hub fail to read what it keeps of an
// entry: the body still sees what is asked of it, and withholds it.
func TestABodyAnswersWhatTheHubCannotRead(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		for _, fails := range []func(context.Context, *db.Tx, string) ([]byte, error){
			func(context.Context, *db.Tx, string) ([]byte, error) { return []byte("x"), errors.New("no key") },
			func(ctx context.Context, tx *db.Tx, _ string) ([]byte, error) {
				_, err := tx.Query(ctx, "SELECT nothing FROM nowhere")
				return nil, err
			},
		} {
			r := h.power(1)
			h.tick()
			o, err := h.Unseal(h.as("commission/inspector"), Asking{Entry: r.Entry, Ground: ForSample, Text: "x"})
			h.must(err)
			h.Service.Kept = fails
			got, names, err := h.Opening(h.as("police/command"), o.ID)
			if err != nil || got.Kept || got.State != Asked || len(names) == 0 {
				t.Errorf("%+v %v %v", got, names, err)
			}
			_, err = h.Withhold(h.as("police/command"), o.ID, "捜査の秘密")
			h.must(err)
		}
		h.Service.Kept = func(context.Context, *db.Tx, string) ([]byte, error) { return []byte("x"), nil }
		r := h.power(1)
		h.tick()
		o, err := h.Unseal(h.as("commission/inspector"), Asking{Entry: r.Entry, Ground: ForSample, Text: "x"})
		h.must(err)
		if got, _, err := h.Opening(h.as("police/command"), o.ID); err != nil || !got.Kept {
			t.Errorf("what the hub keeps: %+v %v", got, err)
		}
	})
}

// TestAnInspectionGoesOn holds what was read piece by piece against what is read
// at once, and finds a log that was taken back, in this life and in the next.
func TestAnInspectionGoesOn(t *testing.T) {
	h := lite(t)
	ctx := t.Context()
	old := ""
	for i := range 12 {
		h.power(30)
		h.must(h.Parts.Ledger.Settle(ctx))
		h.must(h.look.follow(ctx, h.Clock.Now(), 17+uint64(i)*100))
		if i == 3 {
			old = t.TempDir()
			h.must(os.CopyFS(old, os.DirFS(h.Parts.Ledger.Dir)))
		}
	}
	h.must(h.look.follow(ctx, h.Clock.Now(), 1<<30))
	piece, _ := h.look.now()
	at := h.look.have
	fresh := newInspection(h.look.fsys, h.look.keys, h.Kinds)
	h.must(fresh.whole(ctx, h.Clock.Now()))
	whole, _ := fresh.now()
	piece.fullAt, whole.fullAt = time.Time{}, time.Time{}
	if !reflect.DeepEqual(piece, whole) {
		t.Errorf("piece by piece:\n%+v\nat once:\n%+v", piece, whole)
	}
	h.must(h.replay(ctx))
	// The folder is put back to what it was.
	for _, s := range []*Service{h.Service, h.again()} {
		s.look.fsys = os.DirFS(old)
		h.must(s.remember(ctx))
		h.must(s.look.follow(ctx, h.Clock.Now(), 1<<30))
		if got, _ := s.look.now(); len(got.result.Alarms)+len(got.result.Gaps) == 0 {
			t.Errorf("a log that went back from %d entries raises no alarm", at.Size)
		}
	}
	// One byte of one entry changes.
	name := filepath.Join(h.Parts.Ledger.Dir, "tile", "entries", "000")
	raw, err := os.ReadFile(name)
	h.must(err)
	raw[len(raw)/2] ^= 1
	h.must(os.WriteFile(name, raw, 0o644))
	h.must(fresh.whole(ctx, h.Clock.Now()))
	if got, _ := fresh.now(); len(got.result.Alarms) == 0 {
		t.Error("a changed entry raises no alarm")
	}
	if p := fresh.tracer; p != nil {
		t.Error("what is wrong is gone on from")
	}
}

// TestALogThatIsBeingWrittenIsNoAlarm reads a folder into which the next tile was
// put before the checkpoint that signs it, and then waits for that in vain.
func TestALogThatIsBeingWrittenIsNoAlarm(t *testing.T) {
	h := lite(t)
	h.power(10)
	h.must(h.Parts.Ledger.Settle(t.Context()))
	extra := filepath.Join(h.Parts.Ledger.Dir, "tile", "0", "000.p", "200")
	h.must(os.WriteFile(extra, make([]byte, 200*32), 0o644))
	go func() {
		time.Sleep(pause)
		_ = os.Remove(extra)
	}()
	h.must(h.look.whole(t.Context(), h.Clock.Now()))
	if f, _ := h.look.now(); len(f.result.Alarms)+len(f.result.Gaps) > 0 {
		t.Errorf("a tile that came a little early is an alarm: %+v", f.result.Alarms)
	}
	h.must(os.WriteFile(extra, make([]byte, 200*32), 0o644))
	h.must(h.look.whole(t.Context(), h.Clock.Now()))
	if f, _ := h.look.now(); len(f.result.Alarms) == 0 {
		t.Error("a tile that stays is no alarm")
	}
	if _, err := h.Report(h.as("commission/member"), 2026, oversight.ForDiet, printer(t)); !errors.Is(err, ErrUnsound) {
		t.Errorf("a log that is not whole is counted: %v", err)
	}
}
