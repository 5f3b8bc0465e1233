package vendor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/notice"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
	"noroshi/internal/testkit/country"
)

type hub struct {
	*Service
	*testkit.Parts
	t       testing.TB
	country *country.Country
	extra   int
	exposed []notice.Exposed
}

func sources() []db.Source {
	return append(append(testkit.Base(), country.Sources()...), db.Source{Noun: "notice", FS: notice.Migrations}, db.Source{Noun: "vendor", FS: Migrations})
}

func newHub(t testing.TB, d *db.DB) *hub {
	t.Helper()
	p := testkit.NewParts(t, d)
	c := country.New(t, p)
	h := &hub{Parts: p, t: t, country: c}
	n := notice.New(notice.Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Blobs: p.Blobs, Threads: p.Threads, Orgs: c.Service, Now: p.Clock.Now, BaseURL: "https://hub.example",
		Exposed: func(context.Context, *db.Tx, string, []string) ([]notice.Exposed, error) { return h.exposed, nil }})
	h.Service = New(Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Threads: p.Threads, Orgs: c.Service, Notices: n, Now: p.Clock.Now, BaseURL: "https://hub.example", Name: "試験のハブ"})
	return h
}

func eachHub(t *testing.T, fn func(t *testing.T, h *hub)) {
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) { fn(t, newHub(t, d)) })
}

func (h *hub) as(name string, role gate.Role) context.Context {
	id := h.country.Identity(name, "a", role)
	id.Clearance = 1
	return gate.With(context.Background(), id)
}

func (h *hub) office() context.Context { return h.as("office", gate.OfficeClerk) }
func (h *hub) jpcert() context.Context { return h.as("jpcert", gate.JPCERTClerk) }
func (h *hub) clerk() context.Context  { return h.as("industry", gate.MinistryClerk) }
func (h *hub) maker() (string, context.Context) {
	return h.country.ID("maker"), h.as("maker", gate.MakerContact)
}

// another registers one more maker.
func (h *hub) another() (string, context.Context) {
	h.t.Helper()
	h.extra++
	number, err := org.CompleteNumber(fmt.Sprintf("8888%08d", h.extra))
	if err != nil {
		h.t.Fatal(err)
	}
	o, err := h.country.Register(org.Local(context.Background()), org.Org{Number: number, Name: text.Both{JA: fmt.Sprintf("架空製作所%d", h.extra)}, Kinds: []org.Kind{org.Maker}})
	if err != nil {
		h.t.Fatal(err)
	}
	id := gate.Identity{Person: fmt.Sprintf("maker%d/a", h.extra), Org: string(o.ID), Kinds: []string{"maker"}, Roles: []gate.Role{gate.MakerContact}, Clearance: 1, Lang: "ja", Session: "s"}
	return string(o.ID), gate.With(context.Background(), id)
}

const cve = "CVE-2026-12345"

func (h *hub) start(ctx context.Context, n NewCase) (Case, []Request) {
	h.t.Helper()
	if n.Title == "" {
		n.Title = "認証の回避"
	}
	c, rs, err := h.Start(ctx, n)
	if err != nil {
		h.t.Fatal(err)
	}
	return c, rs
}

func (h *hub) open(ctx context.Context, id ID) RequestView {
	h.t.Helper()
	v, err := h.Open(ctx, id, "")
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

func (h *hub) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *hub) events(what string) int {
	return testkit.Count(h.t, h.Parts.DB, "SELECT count(*) FROM bus_event WHERE subject = 'vendor."+what+"'")
}

func edge() []NewProduct { return []NewProduct{{Name: "EdgeGate 410"}, {Name: "EdgeGate 900"}} }

func TestTheWholeWay(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		id, maker := h.maker()
		h.exposed = []notice.Exposed{{Org: h.country.ID("wind"), Product: "EdgeGate 410", Devices: 3, Certain: true, Priority: notice.Act}}
		until := h.Clock.Now().AddDate(0, 0, 5)
		c, rs := h.start(h.office(), NewCase{Vulnerability: cve, Sectors: []string{"electricity"}, Embargo: Embargo{Until: until, Zone: "Asia/Tokyo"}, Makers: []NewMaker{{id, edge()}}, Send: true})
		r := rs[0].ID
		if c.Basis != Article42 || rs[0].State != RequestSent || rs[0].DueAt.Sub(h.Clock.Now()) != answerDays*24*time.Hour {
			t.Fatalf("%+v %+v", c, rs)
		}
		v := h.open(maker, r)
		if !v.Mine || len(v.Products) != 2 || v.Counts[NotChecked] != 2 || v.Case.Title != "認証の回避" {
			t.Fatalf("%+v", v)
		}
		h.must(h.Accept(maker, r))
		day := h.Clock.Now().AddDate(0, 0, 2).Format(dayLayout)
		err := h.Answer(maker, r, []ProductAnswer{
			{ID: v.Products[0].ID, Status: Affected, Versions: "9.1.5 より前", Fix: Planned, FixOn: day, Interim: "管理画面を外から見えなくする"},
			{ID: v.Products[1].ID, Status: NotAffected, Why: "vulnerable_code_not_present", SupportEnds: "2028-03-31"}})
		h.must(err)
		if v = h.open(h.office(), r); v.Request.State != FixPlanned || v.Counts[Affected] != 1 || v.Counts[NotAffected] != 1 || v.Products[0].Interim == "" {
			t.Fatalf("%+v", v.Request)
		}
		if _, err := h.Tell(h.office(), r); !errors.Is(err, ErrStep) {
			t.Errorf("there is no fix yet: %v", err)
		}
		h.must(h.Answer(maker, r, []ProductAnswer{{ID: v.Products[0].ID, Status: Affected, Versions: "9.1.5 より前", Fix: Released, Fixed: "9.1.5", FixURL: "https://maker.example/fix"}}))
		if v = h.open(maker, r); v.Request.State != FixReleased || h.events("fix_released") != 0 {
			t.Fatalf("under an embargo nobody hears of the fix: %+v %d", v.Request, h.events("fix_released"))
		}
		if _, err := h.Tell(h.office(), r); !errors.Is(err, ErrEmbargo) || h.Entries(t, "vendor.step", ledger.Refused) != 1 {
			t.Errorf("it runs: %v", err)
		}
		h.Clock.Pass(until.Sub(h.Clock.Now()))
		if n, err := h.Tick(t.Context()); err != nil || n != 1 || h.events("fix_released") != 1 {
			t.Fatalf("%d %v, %d events", n, err, h.events("fix_released"))
		}
		if n, err := h.Tick(t.Context()); err != nil || n != 0 {
			t.Errorf("once: %d %v", n, err)
		}
		told, err := h.Tell(h.office(), r)
		if err != nil || told.Recipients != 1 || told.Notice == "" {
			t.Fatalf("%+v %v", told, err)
		}
		if _, err := h.Tell(h.office(), r); !errors.Is(err, ErrStep) {
			t.Errorf("twice: %v", err)
		}
		h.must(h.Close(h.office(), r, "修正が行き渡った"))
		v = h.open(h.office(), r)
		var path []State
		for _, p := range slices.Backward(v.Past) {
			path = append(path, p.To)
		}
		if want := []State{Reported, Triaged, RequestSent, Accepted, FixPlanned, FixReleased, UsersNotified, Closed}; !slices.Equal(path, want) {
			t.Errorf("%v", path)
		}
		if v.Past[0].Note != "修正が行き渡った" || v.Case.ClosedAt.IsZero() || v.Request.Notice != told.Notice {
			t.Errorf("%+v %+v", v.Past[0], v.Case)
		}
		var ev Happened
		if err := h.Parts.DB.Read(t.Context(), func(tx *db.Tx) error {
			var raw []byte
			err := tx.QueryRow(t.Context(), "SELECT data FROM bus_event WHERE subject = 'vendor.fix_released'").Scan(&raw)
			return errors.Join(err, json.Unmarshal(raw, &ev))
		}); err != nil || ev.Vulnerability != cve || len(ev.Products) != 1 || ev.Products[0].Fixed != "9.1.5" {
			t.Errorf("%+v %v", ev, err)
		}
	})
}

// TestAMakerSeesItsOwnPartOnly is the case of many makers.
func TestAMakerSeesItsOwnPartOnly(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		a, asA := h.maker()
		b, asB := h.another()
		_, asC := h.another()
		c, rs := h.start(h.jpcert(), NewCase{Vulnerability: cve, Makers: []NewMaker{{a, edge()}, {b, []NewProduct{{Name: "別の会社の製品"}}}}, Send: true})
		if c.Basis != Coordination {
			t.Error(c.Basis)
		}
		if _, err := h.Say(h.jpcert(), rs[1].ID, "", thread.Question, "秘密の質問"); err != nil {
			t.Fatal(err)
		}
		for _, who := range []context.Context{asA, asB} {
			v, err := h.Case(who, c.ID)
			if err != nil || len(v.Requests) != 1 || len(v.States) != 1 || v.States[RequestSent] != 1 {
				t.Fatalf("%+v %v", v, err)
			}
			raw, _ := json.Marshal(v)
			me, _ := gate.From(who)
			for _, other := range []string{a, b} {
				if other != me.Org && strings.Contains(string(raw), other) {
					t.Errorf("%s sees that %s is in the case: %s", me.Org, other, raw)
				}
			}
			if rows, _, _, err := h.List(who, Filter{}); err != nil || len(rows) != 1 || rows[0].Request.Org != me.Org {
				t.Errorf("%v %v", rows, err)
			}
		}
		if _, err := h.Open(asA, rs[1].ID, ""); !errors.Is(err, ErrNone) {
			t.Errorf("%v", err)
		}
		if _, err := h.Say(asA, rs[1].ID, "", thread.Note, "x"); !errors.Is(err, ErrNone) {
			t.Errorf("%v", err)
		}
		vb := h.open(asB, rs[1].ID)
		if len(vb.Messages) != 1 {
			t.Errorf("%+v", vb.Messages)
		}
		if err := h.Answer(asA, rs[0].ID, []ProductAnswer{{ID: vb.Products[0].ID, Status: Affected}}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("another's product: %v", err)
		}
		if _, err := h.Case(asC, c.ID); !errors.Is(err, ErrNone) {
			t.Errorf("who is not in it: %v", err)
		}
		if _, err := h.Open(asC, rs[0].ID, ""); !errors.Is(err, ErrNone) {
			t.Errorf("%v", err)
		}
	})
}

func TestNobodyElse(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		id, _ := h.maker()
		until := h.Clock.Now().AddDate(0, 0, 3)
		c, rs := h.start(h.office(), NewCase{Vulnerability: cve, Facts: "ひみつ", Sectors: []string{"electricity"}, Embargo: Embargo{Until: until}, Makers: []NewMaker{{id, edge()}}, Send: true})
		for _, name := range h.country.Names() {
			for _, role := range gate.Roles {
				if name == "office" || name == "maker" && role == gate.MakerContact || role == gate.MakerContact && name == "maker" {
					continue
				}
				who := h.as(name, role)
				if v, err := h.Case(who, c.ID); err == nil {
					if name != "industry" || role != gate.MinistryClerk && role != gate.MinistrySuper {
						t.Errorf("%s as %s opens the case", name, role)
					}
					raw, _ := json.Marshal(v)
					for _, secret := range []string{cve, "認証", "ひみつ", "EdgeGate", id} {
						if strings.Contains(string(raw), secret) {
							t.Errorf("%s as %s learns %s before the embargo ends: %s", name, role, secret, raw)
						}
					}
					if !v.Case.Closed || v.States[RequestSent] != 1 {
						t.Errorf("the state is for the ministry: %+v", v)
					}
				}
				if _, err := h.Open(who, rs[0].ID, ""); err == nil {
					t.Errorf("%s as %s opens the request", name, role)
				}
				if rows, _, _, err := h.List(who, Filter{Vulnerability: cve}); err == nil && len(rows) > 0 {
					t.Errorf("%s as %s finds it by its vulnerability", name, role)
				}
				if rows, _, _, err := h.List(who, Filter{Maker: id}); err == nil {
					for _, x := range rows {
						if x.Request.Org != "" || x.Case.Title != "" || x.Counts != nil {
							t.Errorf("%s as %s: %+v", name, role, x)
						}
					}
				}
				if err := h.Answer(who, rs[0].ID, []ProductAnswer{{Name: "x", Status: Affected}}); err == nil {
					t.Errorf("%s as %s answers", name, role)
				}
				if err := h.Close(who, rs[0].ID, "x"); err == nil {
					t.Errorf("%s as %s closes", name, role)
				}
				if _, err := h.AddMaker(who, c.ID, NewMaker{Org: id}); err == nil {
					t.Errorf("%s as %s adds a maker", name, role)
				}
				if _, _, err := h.Start(who, NewCase{Title: "x"}); err == nil && role != gate.OfficeAnalyst && role != gate.OfficeClerk && role != gate.JPCERTClerk && role != gate.MakerContact {
					t.Errorf("%s as %s opens a case", name, role)
				}
			}
		}
		h.Clock.Pass(until.Sub(h.Clock.Now()))
		v, err := h.Open(h.clerk(), rs[0].ID, "")
		if err != nil || v.Case.Title == "" || v.Case.Vulnerability != cve || len(v.Messages)+len(v.Documents)+len(v.Past) > 0 {
			t.Errorf("after the embargo: %+v %v", v, err)
		}
		if rows, _, _, err := h.List(h.clerk(), Filter{Vulnerability: cve}); err != nil || len(rows) != 1 {
			t.Errorf("%v %v", rows, err)
		}
		if _, err := h.Case(h.as("treasury", gate.MinistryClerk), c.ID); !errors.Is(err, ErrNone) {
			t.Errorf("another ministry: %v", err)
		}
	})
}

func TestSilenceIsSaidOutright(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		id, maker := h.maker()
		_, rs := h.start(h.office(), NewCase{Makers: []NewMaker{{id, edge()}}, Send: true})
		r := rs[0].ID
		for range 12 {
			h.Clock.Pass(24 * time.Hour)
			if _, err := h.Tick(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		v := h.open(h.office(), r)
		if v.Request.State != NoAnswer || v.Request.Silent(h.Clock.Now()) != 5*24*time.Hour || h.events("no_answer") != 1 || v.Past[0].By != Clock {
			t.Fatalf("%+v", v.Request)
		}
		if n := h.events("reminded"); n != 3 { // 3 days and 1 day before, 3 days after
			t.Errorf("%d reminders", n)
		}
		h.must(h.Send(h.office(), r, time.Time{}, "もう1度うかがいます"))
		h.must(h.Decline(maker, r, "製品は譲りわたした"))
		if v = h.open(h.office(), r); v.Request.State != Declined || v.Request.WaitsFor != Coordinator || v.Request.Silent(h.Clock.Now()) != 0 || v.Past[0].Note == "" {
			t.Errorf("%+v", v.Request)
		}
		if err := h.Decline(maker, r, "また"); !errors.Is(err, ErrStep) {
			t.Errorf("%v", err)
		}
	})
}

func TestAMakerBeginsACase(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		_, maker := h.maker()
		c, rs := h.start(maker, NewCase{Title: "自社で見つけた欠陥", Vulnerability: cve, Makers: []NewMaker{{"somebody else", edge()}}, Send: true})
		r := rs[0].ID
		if c.Org != h.country.ID("office") || c.Basis != MakerBegan || len(rs) != 1 || rs[0].Org != h.country.ID("maker") || rs[0].State != Reported {
			t.Fatalf("%+v %+v", c, rs)
		}
		v := h.open(maker, r)
		h.must(h.Answer(maker, r, []ProductAnswer{{ID: v.Products[0].ID, Status: Affected, Fix: Planned, FixOn: "2026-12-24"}, {Name: "EdgeGate 77", Status: Unknown}}))
		if v = h.open(maker, r); v.Request.State != Reported || len(v.Products) != 3 {
			t.Errorf("%+v", v.Request)
		}
		if rows, _, _, err := h.List(h.office(), Filter{Waiting: true}); err != nil || len(rows) != 1 {
			t.Errorf("%v %v", rows, err)
		}
		h.must(h.Triage(h.office(), r))
		if v = h.open(h.office(), r); v.Request.State != FixPlanned {
			t.Errorf("%+v", v.Request)
		}
		_, other := h.another()
		if _, err := h.Open(other, r, ""); !errors.Is(err, ErrNone) {
			t.Errorf("%v", err)
		}
	})
}

func TestNobodyExposed(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		id, maker := h.maker()
		_, rs := h.start(h.office(), NewCase{Vulnerability: cve, Makers: []NewMaker{{id, edge()[:1]}}, Send: true})
		v := h.open(maker, rs[0].ID)
		h.must(h.Answer(maker, rs[0].ID, []ProductAnswer{{ID: v.Products[0].ID, Status: Affected, Fix: Released, Fixed: "9.1.5"}}))
		told, err := h.Tell(h.office(), rs[0].ID)
		if err != nil || told.Notice != "" || told.Recipients != 0 {
			t.Fatalf("%+v %v", told, err)
		}
		if v = h.open(h.office(), rs[0].ID); v.Request.State != UsersNotified {
			t.Errorf("%+v", v.Request)
		}
	})
}

func TestWhatIsWrongSaysWhere(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		id, maker := h.maker()
		now := h.Clock.Now()
		for name, c := range map[string]struct {
			n  NewCase
			at string
		}{
			"no title":       {NewCase{}, "title"},
			"no CVE":         {NewCase{Title: "x", Vulnerability: "bug 1"}, "vulnerability"},
			"past embargo":   {NewCase{Title: "x", Embargo: Embargo{Until: now}}, "embargo"},
			"no such zone":   {NewCase{Title: "x", Embargo: Embargo{Until: now.AddDate(0, 0, 1), Zone: "Tokyo"}}, "embargo_zone"},
			"due at once":    {NewCase{Title: "x", DueAt: now}, "due_at"},
			"twice":          {NewCase{Title: "x", Makers: []NewMaker{{Org: id}, {Org: id}}}, "makers/1/org"},
			"no name":        {NewCase{Title: "x", Makers: []NewMaker{{id, []NewProduct{{}}}}}, "makers/0/products/0/name"},
			"a broken CPE":   {NewCase{Title: "x", Makers: []NewMaker{{id, []NewProduct{{Name: "y", CPE: "cpe:2.3:a"}}}}}, "makers/0/products/0/cpe"},
			"no maker":       {NewCase{Title: "x", Makers: []NewMaker{{Org: h.country.ID("wind")}}}, "maker"},
			"a long title":   {NewCase{Title: strings.Repeat("あ", maxTitle+1)}, "title"},
			"above ones own": {NewCase{Title: "x", Clearance: 2}, "clearance"},
		} {
			_, _, err := h.Start(h.office(), c.n)
			f := fault.Of(err)
			if err == nil || f.Kind != fault.Invalid || len(f.Places) != 1 || f.Places[0].At != c.at {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM vendor_case"); n != 0 {
			t.Errorf("%d cases of nothing", n)
		}
		if _, _, err := h.Start(h.jpcert(), NewCase{Title: "x", Basis: Article42}); !errors.Is(err, ErrBasis) {
			t.Errorf("%v", err)
		}
		_, rs := h.start(h.office(), NewCase{Makers: []NewMaker{{id, edge()[:1]}}, Send: true})
		p := h.open(maker, rs[0].ID).Products[0].ID
		for name, c := range map[string]struct {
			a  ProductAnswer
			at string
		}{
			"no status":           {ProductAnswer{ID: p}, "answers/0/status"},
			"no reason":           {ProductAnswer{ID: p, Status: NotAffected}, "answers/0/why"},
			"an unknown reason":   {ProductAnswer{ID: p, Status: NotAffected, Why: "we think so"}, "answers/0/why"},
			"planned for never":   {ProductAnswer{ID: p, Status: Affected, Fix: Planned}, "answers/0/fix_on"},
			"released tomorrow":   {ProductAnswer{ID: p, Status: Affected, Fix: Released, Fixed: "1", FixOn: "2027-01-01"}, "answers/0/fix_on"},
			"released as nothing": {ProductAnswer{ID: p, Status: Affected, Fix: Released}, "answers/0/fixed"},
			"a script":            {ProductAnswer{ID: p, Status: Affected, Fix: Released, Fixed: "1", FixURL: "javascript:x"}, "answers/0/fix_url"},
			"no day":              {ProductAnswer{ID: p, Status: Unknown, SupportEnds: "someday"}, "answers/0/support_ends"},
			"no product":          {ProductAnswer{Status: Unknown}, "answers/0/name"},
			"of nobody":           {ProductAnswer{ID: "x", Status: Unknown}, "answers/0/id"},
		} {
			err := h.Answer(maker, rs[0].ID, []ProductAnswer{c.a})
			f := fault.Of(err)
			if err == nil || f.Kind != fault.Invalid || len(f.Places) != 1 || f.Places[0].At != c.at {
				t.Errorf("%s: %v", name, err)
			}
		}
		if v := h.open(maker, rs[0].ID); v.Request.State != RequestSent {
			t.Errorf("nothing changed: %+v", v.Request)
		}
	})
}

func TestAnEmbargoMoves(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		id, maker := h.maker()
		until := h.Clock.Now().AddDate(0, 0, 10)
		c, rs := h.start(h.office(), NewCase{Vulnerability: cve, Embargo: Embargo{Until: until}, Makers: []NewMaker{{id, edge()[:1]}}, Send: true})
		p := h.open(maker, rs[0].ID).Products[0].ID
		h.must(h.Answer(maker, rs[0].ID, []ProductAnswer{{ID: p, Status: Affected, Fix: Released, Fixed: "2"}}))
		later := until.AddDate(0, 0, 5)
		h.must(h.SetEmbargo(h.office(), c.ID, Embargo{Until: later, Zone: "Europe/Berlin"}, "製造者がもう少し要る"))
		h.Clock.Pass(until.Sub(h.Clock.Now()))
		if n, err := h.Tick(t.Context()); err != nil || n != 0 || h.events("fix_released") != 0 {
			t.Errorf("it was moved: %d %v", n, err)
		}
		if err := h.SetEmbargo(h.office(), c.ID, Embargo{}, "日時が空のまま"); !errors.Is(err, ErrInvalid) || h.events("fix_released") != 0 {
			t.Errorf("a date that was left out: %v, %d released", err, h.events("fix_released"))
		}
		h.must(h.LiftEmbargo(h.office(), c.ID, "もう知られている"))
		if h.events("fix_released") != 1 {
			t.Errorf("lifted: %d", h.events("fix_released"))
		}
		if err := h.SetEmbargo(h.office(), c.ID, Embargo{Until: later}, "やはり"); !errors.Is(err, ErrOver) {
			t.Errorf("what was public stays public: %v", err)
		}
		if n, err := h.Tick(t.Context()); err != nil || n != 0 || h.events("fix_released") != 1 {
			t.Errorf("once: %d %v", n, err)
		}
	})
}

func TestConversationsArePerProduct(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		id, maker := h.maker()
		_, rs := h.start(h.office(), NewCase{Makers: []NewMaker{{id, edge()}}, Send: true})
		v := h.open(maker, rs[0].ID)
		if _, err := h.Say(h.office(), rs[0].ID, v.Products[0].ID, thread.Question, "9.0系は"); err != nil {
			t.Fatal(err)
		}
		v = h.open(maker, rs[0].ID)
		if v.Products[0].Open != 1 || v.Products[1].Open != 0 || len(v.Messages) != 0 {
			t.Errorf("%+v", v.Products)
		}
		if _, err := h.Say(maker, rs[0].ID, v.Products[0].ID, thread.Answer, "同じです"); err != nil {
			t.Fatal(err)
		}
		got, err := h.Open(h.office(), rs[0].ID, v.Products[0].ID)
		if err != nil || len(got.Messages) != 2 || got.Products[0].Open != 0 {
			t.Errorf("%+v %v", got.Messages, err)
		}
		if _, err := h.Open(h.office(), rs[0].ID, "none"); !errors.Is(err, ErrNone) {
			t.Errorf("%v", err)
		}
	})
}

func TestAMakersOwnProducts(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		id, maker := h.maker()
		other, asOther := h.another()
		for i := range 3 {
			_, rs := h.start(h.office(), NewCase{Makers: []NewMaker{{id, edge()}, {other, edge()}}, Send: true})
			p := h.open(maker, rs[0].ID).Products
			h.must(h.Answer(maker, rs[0].ID, []ProductAnswer{{ID: p[0].ID, Status: Affected, Fix: Planned, FixOn: fmt.Sprintf("2026-12-0%d", 9-i)}}))
		}
		var days []string
		f := Filter{Limit: 2}
		for range 10 {
			list, next, err := h.Products(maker, f)
			h.must(err)
			for _, x := range list {
				if x.Request.Org != id || x.Product.Name == "" {
					t.Errorf("%+v", x)
				}
				days = append(days, x.Product.FixOn)
			}
			if f.Cursor = next; next == "" {
				break
			}
		}
		if got := strings.Join(days, " "); got != "2026-12-07 2026-12-08 2026-12-09   " {
			t.Errorf("%q", got)
		}
		if list, _, err := h.Products(asOther, Filter{Fix: Planned}); err != nil || len(list) != 0 {
			t.Errorf("another's plans: %v %v", list, err)
		}
		if _, _, err := h.Products(h.office(), Filter{}); fault.KindOf(err) != fault.Refused {
			t.Errorf("%v", err)
		}
	})
}
