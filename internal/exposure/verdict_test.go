package exposure

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/engine/product"
	"noroshi/internal/testkit"
)

func judge(ids ...ID) NewJudgement {
	return NewJudgement{Exposures: ids, Justification: product.CodeNotInExecutePath, Words: "その機能は使っていません"}
}

// exposed is an operator with one exposure.
func (h *hub) exposed() (Exposure, func(pairs ...string)) {
	h.t.Helper()
	e := h.add(h.wind(), "cpe", gateway, "version", "9.1.5", "zone", "internet", "service", "送電")
	h.say(said{id: "CVE-2026-90001", vendor: "orvane", product: "edgegate", before: "9.9"})
	h.settle()
	return h.one(h.wind()), func(pairs ...string) {
		e = h.change(h.wind(), e, pairs...)
		h.settle()
	}
}

func whats(e Exposure) (out []string) {
	for _, p := range e.Past {
		out = append(out, p.What)
	}
	slices.Reverse(out)
	return out
}

// A verdict of a person is lost with the next version in other tools
// (dependency-track#3268).
func TestAVerdictIsCarriedToTheNextVersion(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		e, change := h.exposed()
		if _, err := h.Judge(h.wind(), judge(e.ID)); err != nil {
			t.Fatal(err)
		}
		change("version", "9.2.0")
		got := h.one(h.wind())
		if got.State != Judged || got.Judgement == nil || got.Judgement.Words != "その機能は使っていません" || got.ID != e.ID {
			t.Fatalf("after the next version: %s %+v", got.State, got.Judgement)
		}
		// New equipment of the same product.
		h.add(h.wind(), "cpe", gateway, "version", "9.3", "zone", "internet")
		h.settle()
		if got = h.one(h.wind()); got.State != Judged || got.Entries != 2 {
			t.Fatalf("with new equipment: %s, %d entries", got.State, got.Entries)
		}
		if open, err := h.List(h.wind(), Filter{}); err != nil || len(open.Rows) != 0 {
			t.Errorf("still open: %v %v", open, err)
		}
		// It ends, and comes back: the verdict still holds.
		h.say(said{id: "CVE-2026-90001", vendor: "orvane", product: "edgegate", withdrawn: true, rev: 1})
		h.settle()
		if got = h.one(h.wind()); got.State != Ended {
			t.Fatalf("withdrawn: %s", got.State)
		}
		h.say(said{id: "CVE-2026-90001", vendor: "orvane", product: "edgegate", before: "9.9", rev: 2})
		h.settle()
		if got = h.one(h.wind()); got.State != Judged || got.Judgement == nil {
			t.Fatalf("back again: %s", got.State)
		}
		// Attacks begin: it is in the queue again, with the verdict beside it.
		h.attack("CVE-2026-90001")
		h.settle()
		if got = h.one(h.wind()); got.State != Judged || got.Review != "exploited" {
			t.Errorf("attacked: %s %s", got.State, got.Review)
		}
		if open, err := h.List(h.wind(), Filter{}); err != nil || len(open.Rows) != 1 {
			t.Errorf("an attacked one asks for a second look: %v %v", open, err)
		}
		if got := whats(h.one(h.wind())); !slices.Equal(got, []string{"judged", "carried", "carried", "ended", "carried", "raised"}) {
			t.Errorf("history: %v", got)
		}
		// Undo.
		if _, err := h.Undo(h.wind(), []ID{e.ID}); err != nil {
			t.Fatal(err)
		}
		if got = h.one(h.wind()); got.State != Seen || got.Judgement != nil {
			t.Errorf("undone: %s %+v", got.State, got.Judgement)
		}
		if _, err := h.Undo(h.wind(), []ID{e.ID}); !errors.Is(err, ErrVerdict) {
			t.Errorf("undone twice: %v", err)
		}
		// And another operator's exposure of the same product was never touched.
		h.add(h.as("sea"), "cpe", gateway, "version", "9.1.5")
		h.settle()
		if got := h.one(h.as("sea")); got.State != New {
			t.Errorf("another operator's: %s", got.State)
		}
		if n := h.Parts.Entries(t, "exposure.judge", "done"); n != 1 {
			t.Errorf("%d entries of the verdict in the record", n)
		}
	})
}

// A verdict that rests on a protection is asked again when the equipment moves to
// where that is not; one that rests on the product is not.
func TestAVerdictThatRestsOnThePlace(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		e := h.add(h.wind(), "cpe", gateway, "version", "9.1.5", "zone", "isolated", "service", "送電")
		h.say(said{id: "CVE-2026-90001", vendor: "orvane", product: "edgegate", before: "9.9"})
		h.settle()
		for _, c := range []struct {
			why  product.Justification
			want string
		}{{product.InlineMitigationsPresent, "raised"}, {product.CodeNotPresent, ""}} {
			n := judge(h.one(h.wind()).ID)
			n.Justification = c.why
			if _, err := h.Judge(h.wind(), n); err != nil {
				t.Fatal(err)
			}
			e = h.change(h.wind(), e, "zone", "internet")
			h.settle()
			if got := h.one(h.wind()); got.State != Judged || got.Review != c.want {
				t.Errorf("%s: %s %q, want %q", c.why, got.State, got.Review, c.want)
			}
			e = h.change(h.wind(), e, "zone", "isolated")
			h.settle()
		}
	})
}

func TestAVerdictForATime(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		e, _ := h.exposed()
		n := judge(e.ID)
		n.Until = h.Clock.Now().Add(48 * time.Hour)
		if _, err := h.Judge(h.wind(), n); err != nil {
			t.Fatal(err)
		}
		h.work()
		if got := h.one(h.wind()); got.State != Judged {
			t.Fatalf("before its time: %s", got.State)
		}
		h.Clock.Pass(49 * time.Hour)
		h.work()
		got := h.one(h.wind())
		if got.State != New || got.Judgement != nil || !slices.Contains(whats(got), "expired") {
			t.Errorf("after its time: %s %v", got.State, whats(got))
		}
	})
}

func TestTheAnalystProposesAndTheOperatorAgrees(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		e, _ := h.exposed()
		if _, err := h.Judge(h.analyst(), judge(e.ID)); fault.KindOf(err) != fault.Refused {
			t.Errorf("the analyst decides: %v", err)
		}
		if _, err := h.Propose(h.analyst(), judge(e.ID)); err != nil {
			t.Fatal(err)
		}
		got := h.one(h.wind())
		if got.State != New || got.Judgement != nil || len(got.Proposed) != 1 || got.Proposed[0].Words == "" {
			t.Fatalf("proposed: %s %+v %+v", got.State, got.Judgement, got.Proposed)
		}
		if _, err := h.Agree(h.as("sea"), e.ID, got.Proposed[0].ID); !errors.Is(err, ErrNone) {
			t.Errorf("another operator agrees: %v", err)
		}
		if _, err := h.Agree(h.wind(), e.ID, got.Proposed[0].ID); err != nil {
			t.Fatal(err)
		}
		if got = h.one(h.wind()); got.State != Judged || got.Judgement == nil || len(got.Proposed) != 0 {
			t.Errorf("agreed: %s", got.State)
		}
		if _, err := h.Agree(h.wind(), e.ID, got.Judgement.ID); !errors.Is(err, ErrVerdict) {
			t.Errorf("agreed twice: %v", err)
		}
	})
}

func TestABadVerdictIsRefusedWithItsPlaces(t *testing.T) {
	h := newHub(t, testkit.DB(t, sources()...))
	e, _ := h.exposed()
	for name, c := range map[string]struct {
		n    NewJudgement
		want string
	}{
		"nothing":      {NewJudgement{}, "exposures justification words"},
		"no words":     {NewJudgement{Exposures: []ID{e.ID}, Justification: product.CodeNotPresent, Words: " "}, "words"},
		"too long":     {NewJudgement{Exposures: []ID{e.ID}, Justification: product.CodeNotPresent, Words: strings.Repeat("長", maxWords+1)}, "words"},
		"a past time":  {NewJudgement{Exposures: []ID{e.ID}, Justification: product.CodeNotPresent, Words: "x", Until: h.Clock.Now()}, "until"},
		"no such kind": {NewJudgement{Exposures: []ID{e.ID}, Justification: "because", Words: "x"}, "justification"},
	} {
		_, err := h.Judge(h.wind(), c.n)
		var at []string
		for _, p := range fault.Of(err).Places {
			at = append(at, p.At)
		}
		if strings.Join(at, " ") != c.want {
			t.Errorf("%s: %v at %v, want %s", name, err, at, c.want)
		}
	}
	if _, err := h.Judge(h.wind(), judge(make([]ID, maxBulk+1)...)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("too many: %v", err)
	}
	if _, err := h.Judge(h.wind(), judge(e.ID, "another")); !errors.Is(err, ErrNone) {
		t.Errorf("one of two is not there: %v", err)
	}
	if got := h.one(h.wind()); got.State != New {
		t.Errorf("a refused verdict left %s", got.State)
	}
}

func TestMarks(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		e, change := h.exposed()
		for _, to := range []State{Seen, Handled} {
			if _, err := h.Mark(h.wind(), []ID{e.ID}, to, ""); err != nil {
				t.Fatal(err)
			}
			if got := h.one(h.wind()); got.State != to {
				t.Errorf("%s, want %s", got.State, to)
			}
		}
		if _, err := h.Mark(h.wind(), []ID{e.ID}, Judged, ""); !errors.Is(err, ErrState) {
			t.Errorf("judged without a reason: %v", err)
		}
		// What was handled comes back when there is more of it, or it gets worse.
		more := h.add(h.wind(), "cpe", gateway, "version", "9.1.5", "zone", "internet")
		h.settle()
		if got := h.one(h.wind()); got.State != New || !slices.Contains(whats(got), "reopened") {
			t.Errorf("more of it: %s %v", got.State, whats(got))
		}
		if err := h.assets.Remove(h.wind(), more.ID, more.Revision); err != nil {
			t.Fatal(err)
		}
		h.settle()
		if _, err := h.Mark(h.wind(), []ID{e.ID}, Handled, "更新しました"); err != nil {
			t.Fatal(err)
		}
		h.attack("CVE-2026-90001")
		h.settle()
		if got := h.one(h.wind()); got.State != New {
			t.Errorf("attacked after it was handled: %s", got.State)
		}
		change("version", "9.9.9")
		if got := h.one(h.wind()); got.State != Ended || got.EndedAt.IsZero() {
			t.Errorf("fixed: %s", got.State)
		}
		if _, err := h.Mark(h.wind(), []ID{e.ID}, Seen, ""); !errors.Is(err, ErrState) {
			t.Errorf("an ended one is marked: %v", err)
		}
	})
}

// Everybody tries everything on an exposure of wind's.
func TestWhoMayKnow(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		e, _ := h.exposed()
		h.add(h.as("bank"), "cpe", gateway, "version", "9.1.5")
		h.settle()
		bank := h.one(h.as("bank"))
		refused := h.Parts.Entries(t, "exposure.read", "refused")
		for _, name := range h.country.Names() {
			for _, role := range gate.Roles {
				who := h.country.As(name, "x", role)
				own := name == "wind" && (role == gate.OperatorViewer || role == gate.OperatorReporter || role == gate.OperatorAdmin)
				office := role == gate.OfficeAnalyst || role == gate.OfficeClerk
				ministry := (role == gate.MinistryClerk || role == gate.MinistrySuper) && slices.Contains(h.country.Identity(name, "x").Sectors, "electricity")
				got, err := h.Get(who, e.ID)
				if want := own || office || ministry; (err == nil) != want {
					t.Errorf("%s as %s reads: %v, want %v", name, role, err, want)
				}
				if err == nil && (got.Detail != nil || got.Reasons != nil) != own {
					t.Errorf("%s as %s sees the detail: %v", name, role, got.Detail)
				}
				if err != nil && fault.KindOf(err) != fault.Refused && !errors.Is(err, ErrNone) {
					t.Errorf("%s as %s: %v", name, role, err)
				}
				if _, err2 := h.Get(who, "no-such"); err != nil && fault.Of(err).Code != fault.Of(err2).Code {
					t.Errorf("%s as %s: hidden is %v and absent is %v", name, role, err, err2)
				}
				list, err := h.List(who, Filter{All: true})
				n := 0
				for _, r := range list.Rows {
					if r.Org == h.country.ID("wind") {
						n++
					}
					if r.Detail != nil || r.Reasons != nil {
						t.Errorf("%s as %s: a list shows detail", name, role)
					}
				}
				if (n > 0) != (own || office || ministry) {
					t.Errorf("%s as %s lists %d of wind's: %v", name, role, n, err)
				}
				tally, _ := h.Tally(who, Filter{All: true})
				sum := 0
				for _, n := range tally {
					sum += n
				}
				if sum != len(list.Rows) {
					t.Errorf("%s as %s counts %d and lists %d", name, role, sum, len(list.Rows))
				}
				if got, err := h.Where(who, "CVE-2026-90001", Filter{}); err == nil && !office && role != gate.MinistryClerk && role != gate.MinistrySuper {
					t.Errorf("%s as %s asks whom it concerns: %v", name, role, got)
				}
				if err := func() error { _, err := h.Judge(who, judge(e.ID)); return err }(); err == nil {
					if name != "wind" || role != gate.OperatorReporter && role != gate.OperatorAdmin {
						t.Errorf("%s as %s decides", name, role)
					}
					if _, err := h.Undo(who, []ID{e.ID}); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := h.Undo(who, []ID{bank.ID}); err == nil {
					t.Errorf("%s as %s undoes what nobody decided", name, role)
				}
				if _, err := h.Rematch(who); err == nil && role != gate.OfficeAnalyst && role != gate.HubAdmin {
					t.Errorf("%s as %s matches everything again", name, role)
				}
			}
		}
		if h.Parts.Entries(t, "exposure.read", "refused") == refused {
			t.Error("no refusal was recorded")
		}
	})
}

// A contractor sees what it operates, as if nothing else were there.
func TestAContractorSeesItsPart(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.tie("contractor", "wind", "contractor")
		h.add(h.wind(), "cpe", gateway, "version", "9.1.5", "zone", "internet", "service", "送電", "quantity", "7")
		keeper := h.country.As("contractor", "m", gate.Maintainer)
		h.say(said{id: "CVE-2026-90001", vendor: "orvane", product: "edgegate", before: "9.9"})
		h.attack("CVE-2026-90001")
		h.settle()
		if got, err := h.List(keeper, Filter{All: true}); err != nil || len(got.Rows) != 0 {
			t.Fatalf("it operates nothing and sees %v %v", got, err)
		}
		if _, err := h.Get(keeper, h.one(h.wind()).ID); !errors.Is(err, ErrNone) {
			t.Errorf("it operates nothing and reads: %v", err)
		}
		mine := h.add(h.wind(), "cpe", gateway, "version", "9.3", "zone", "internal", "operated_by", h.number("contractor"))
		h.add(h.as("sea"), "cpe", gateway, "version", "9.3", "operated_by", h.number("contractor")) // without a tie
		h.settle()
		got := h.one(keeper)
		if got.Devices != 1 || got.Entries != 1 || got.Priority != Watch || len(got.Detail.Lines) != 1 || got.Detail.Lines[0].Items[0] != string(mine.ID) || got.Detail.Lines[0].Version != "9.3" {
			t.Errorf("its part: %+v %+v", got, got.Detail)
		}
		for _, r := range got.Reasons {
			if slices.Contains([]string{"zone_internet", "essential", "dependents"}, r.Code) {
				t.Errorf("it learns of the rest: %v", got.Reasons)
			}
		}
		if whole := h.one(h.wind()); whole.Devices != 8 || whole.Priority != Act {
			t.Errorf("the operator's own: %+v", whole)
		}
		h.change(h.wind(), mine, "operated_by", "own")
		h.settle()
		if got, err := h.List(keeper, Filter{All: true}); err != nil || len(got.Rows) != 0 {
			t.Errorf("after the contract: %v %v", got, err)
		}
	})
}

// A rematch that brings much tells of what asks to act now, one by one.
func TestWhatIsUrgentIsToldThoughMuchChanges(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.add(h.wind(), "cpe", gateway, "version", "9.1.5", "zone", "internet", "service", "送電")
		h.say(said{id: "CVE-2026-90000", vendor: "orvane", product: "edgegate", before: "9.9"})
		h.settle()
		h.heard, h.what = nil, nil
		var all []said
		for i := range 9 {
			all = append(all, said{id: "CVE-2026-9100" + string(rune('0'+i)), vendor: "orvane", product: "edgegate", before: "9.9"})
		}
		h.say(all...)
		h.attack(all[4].id)
		err := h.Parts.DB.Write(t.Context(), func(tx *db.Tx) error { // nobody followed
			_, err := tx.Exec(t.Context(), "UPDATE bus_event SET spread = 1")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Rematch(h.analyst()); err != nil {
			t.Fatal(err)
		}
		h.settle()
		if len(h.heard) != 2 || h.heard[0].Vulnerability != all[4].id || h.heard[0].Priority != "act" || h.heard[1].Many != 8 {
			t.Errorf("told of %+v", h.heard)
		}
	})
}

func TestSupportEnds(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		// The clock stands at 2026-11-22.
		h.add(h.wind(), "product", "Old Gate", "zone", "internet", "support_ends_at", "2026-11-21")
		h.add(h.wind(), "product", "Good Gate", "zone", "internet", "support_ends_at", "2028-03-31")
		soon := h.add(h.wind(), "product", "Soon Gate", "zone", "internet", "support_ends_at", "2026-11-24")
		h.settle()
		find := func() (out []string) {
			got, err := h.List(h.wind(), Filter{Kind: "support"})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range got.Rows {
				out = append(out, r.Product+" "+r.Certainty+" "+r.Priority.String())
			}
			slices.Sort(out)
			return out
		}
		if got := find(); !slices.Equal(got, []string{"Orvane Old Gate exact attend", "Orvane Soon Gate ends_soon watch"}) {
			t.Fatalf("%v", got)
		}
		h.Clock.Pass(48 * time.Hour) // the 24th: its last day
		h.work()
		if got := find(); got[1] != "Orvane Soon Gate ends_soon watch" {
			t.Errorf("on its last day: %v", got)
		}
		h.Clock.Pass(24 * time.Hour)
		h.work()
		if got := find(); got[1] != "Orvane Soon Gate exact attend" {
			t.Errorf("after its last day: %v", got)
		}
		h.change(h.wind(), soon, "support_ends_at", "2029-01-01")
		h.settle()
		if got := find(); len(got) != 1 {
			t.Errorf("extended: %v", got)
		}
		h.Clock.Pass(365 * 24 * time.Hour)
		h.work()
		if got := find(); !slices.Equal(got, []string{"Orvane Good Gate ends_soon watch", "Orvane Old Gate exact attend"}) {
			t.Errorf("a year later: %v", got)
		}
	})
}

// The register says no end of support, and a feed does.
func TestSupportEndsAsFeedsSay(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.add(h.wind(), "cpe", gateway, "version", "3.1", "zone", "internet")
		h.add(h.wind(), "cpe", gateway, "version", "31.2", "zone", "internet") // another cycle, though it begins alike
		h.add(h.wind(), "cpe", gateway, "version", "3.2", "zone", "internet", "support_ends_at", "2030-01-01")
		h.settle()
		h.take("eol", []byte(`{"schema_version":"1.2.0","generated_at":"2026-03-01T00:00:00+00:00","total":1,"result":[{"name":"orvane-edgegate","label":"EdgeGate","category":"os",
			"identifiers":[{"id":"cpe:/o:orvane:edgegate","type":"cpe"}],"releases":[{"name":"4","releaseDate":"2023-01-10","isEol":false,"eolFrom":"2029-12-31","latest":null},
			{"name":"3","releaseDate":"2020-01-10","isEol":true,"eolFrom":"2023-12-31","latest":null}]}]}`), false)
		h.settle()
		h.work()
		got := h.one(h.wind())
		if got.Vulnerability != SupportEnd || got.Entries != 1 || got.Certainty != "exact" || got.Detail.Lines[0].Ends != "2023-12-31" || got.Detail.Lines[0].Because[0].Source != "eol" {
			t.Errorf("%+v %+v", got, got.Detail)
		}
	})
}

func TestCycles(t *testing.T) {
	for _, c := range []struct {
		cycle, version string
		want           bool
	}{{"7.4", "7.4", true}, {"7.4", "7.4.3", true}, {"7.4", "7.40.1", false}, {"7.4", "7.4-p1", true}, {"7", "7.4", true}, {"2019", "2019", true}, {"", "1", false}, {"7.4", "7", false}} {
		if got := (&life{cycle: c.cycle}).covers(c.version); got != c.want {
			t.Errorf("%q covers %q: %v", c.cycle, c.version, got)
		}
	}
}

func TestWhoDependsOnWhom(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		e, _ := h.exposed()
		if slices.ContainsFunc(e.Reasons, func(r Reason) bool { return r.Code == "dependents" }) {
			t.Fatal("nobody depends on it yet")
		}
		h.tie("supplier", "sea", "wind")  // wind supplies sea
		h.tie("supplier", "bank", "sea")  // which supplies the bank
		h.tie("supplier", "wind", "bank") // which supplies wind: a circle
		h.settle()
		got := h.one(h.wind())
		if !slices.Contains(got.Reasons, Reason{"dependents", 2}) {
			t.Errorf("reasons: %v", got.Reasons)
		}
		c, err := h.Supply(h.wind(), "")
		if err != nil || len(c.Dependents) != 1 || c.Dependents[0].Org != h.country.ID("sea") || c.Further["dependents/2"] != 1 || len(c.Suppliers) != 1 {
			t.Errorf("its chain: %+v %v", c, err)
		}
		all, err := h.Supply(h.analyst(), h.country.ID("wind"))
		if err != nil || len(all.Dependents) != 2 || all.Dependents[1].Via != h.country.ID("sea") {
			t.Errorf("the office sees %+v %v", all, err)
		}
		if _, err := h.Supply(h.wind(), h.country.ID("sea")); !errors.Is(err, ErrNone) {
			t.Errorf("another's chain: %v", err)
		}
	})
}
