package measure

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
	"noroshi/internal/testkit/country"
)

type hub struct {
	*Service
	*testkit.Parts
	t       testing.TB
	country *country.Country
}

func sources() []db.Source {
	return append(append(testkit.Base(), country.Sources()...), db.Source{Noun: "approval", FS: approval.Migrations}, db.Source{Noun: "measure", FS: Migrations})
}

func newHub(t testing.TB, d *db.DB) *hub {
	t.Helper()
	p := testkit.NewParts(t, d)
	h := &hub{Parts: p, t: t, country: country.New(t, p)}
	signer, verifier, _ := testkit.Key(t, "hub.test.example/approval")
	a, err := approval.New(approval.Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Threads: p.Threads, Orgs: h.country.Service, Signer: signer, Verifier: verifier, Now: p.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	h.Service, err = New(Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Orgs: h.country.Service, Approvals: a, Now: p.Clock.Now, Person: h.person})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func eachHub(t *testing.T, fn func(t *testing.T, h *hub)) {
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) { fn(t, newHub(t, d)) })
}

func lite(t testing.TB) *hub { return newHub(t, testkit.DB(t, sources()...)) }

// roles are who there is, by the beginning of their name.
var roles = []struct {
	name string
	role gate.Role
}{{"police/command", gate.PoliceCommand}, {"police/executive", gate.PoliceExecutive}, {"police/superior", gate.PoliceSuperior}, {"prefecture/command", gate.PoliceCommand}, {"prefecture/executive", gate.PoliceExecutive}, {"defence/superior", gate.DefenceSuperior},
	{"defence/command", gate.DefenceCommand}, {"defence/unit", gate.DefenceUnit}, {"foreign/clerk", gate.ForeignClerk},
	{"safety/member", gate.SafetyMember}, {"office/minister", gate.Minister}, {"commission/member", gate.CommissionMember}, {"commission/examiner", gate.Examiner}, {"commission/inspector", gate.Inspector}, {"wind/reporter", gate.OperatorReporter}}

// who is somebody by a name such as police/command2: their organisation and their
// role are in it.
func (h *hub) who(name string) gate.Identity {
	h.t.Helper()
	for _, r := range roles {
		if strings.HasPrefix(name, r.name) {
			place, person, _ := strings.Cut(name, "/")
			return h.country.Identity(place, person, r.role)
		}
	}
	h.t.Fatalf("nobody is called %s", name)
	return gate.Identity{}
}

func (h *hub) as(name string) context.Context { return gate.With(context.Background(), h.who(name)) }

func (h *hub) person(_ context.Context, _ *db.Tx, id string) (gate.Identity, error) {
	for _, r := range roles {
		if strings.HasPrefix(id, r.name) {
			return h.who(id), nil
		}
	}
	return gate.Identity{}, org.ErrPersonGone
}

func threat() Threat {
	return Threat{Title: "指令サーバー", Machine: "198.18.66.6", Does: "感染した機器に不正な指令を送っている。", Protected: "電力の供給", Rank: Infrastructure,
		Evidence: []Evidence{{Noun: "sighting", ID: "x", Says: "3社の機器が指令を受けた。"}}}
}

func finding(grounds string) Finding { return Finding{true, grounds} }

func assessment() Assessment {
	return Assessment{Unlawful: finding("不正な指令が確認された。"), Danger: finding("停電のおそれがある。"), Urgent: finding("次の指令が今夜とみられる。"), Proportionate: finding("止める機能は一つに限る。"),
		Necessity: "ほかの手段では間に合わない。", Collateral: "同じ機器に正当なサービスはない。", Organised: finding("国外から計画的に行われている。"), Indispensable: finding("部隊の技術が要る。")}
}

func worksheet() Worksheet {
	return Worksheet{Basis: "necessity", Peril: "電力の供給", OnlyWay: "管理者に届かない。", Sovereignty: "一つの機能を止めるだけである。", Others: "ほかの国に影響しない。", Rules: []string{"26"}}
}

func (h *hub) plan(kinds ...StepKind) Plan {
	if len(kinds) == 0 {
		kinds = []StepKind{AccessCheck, StopFunction}
	}
	now := h.Clock.Now()
	p := Plan{From: now.Add(time.Hour), Until: now.Add(24 * time.Hour), Ordinary: "指令の機能だけを止める。", StopWhen: []string{"ほかのサービスに影響が出たとき"}, Deconflict: "重なる案件はない。"}
	for _, k := range kinds {
		p.Steps = append(p.Steps, PlanStep{Kind: k, On: "198.18.66.6", What: "指令を送る機能を調べて止める。", Undo: "機能を戻す。", Hours: 24})
	}
	return p
}

func (h *hub) must(what string, err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatalf("%s: %v", what, err)
	}
}

// planned is a case of the police with a plan and two officers; of the place.
func (h *hub) planned(place Place, b Body) (Case, Chain) {
	h.t.Helper()
	unit := map[Body]string{National: "police", Prefecture: "prefecture"}[b]
	k, c, err := h.Open(h.as(unit+"/command"), Opening{Threat: threat()})
	h.must("open", err)
	if c.Facts.Body != b {
		h.t.Fatalf("a case of %s is one of %s", unit, c.Facts.Body)
	}
	return k, h.ready(unit, k.ID, place)
}

// ready brings a chain from its opening to a plan.
func (h *hub) ready(side string, id ID, place Place, machine ...string) Chain {
	h.t.Helper()
	cmd := h.as(side + "/command")
	_, err := h.Assess(cmd, id, assessment())
	h.must("assess", err)
	_, err = h.Locate(cmd, id, Location{Place: place, Grounds: "経路の情報による。"})
	h.must("locate", err)
	hand := map[string]string{"police": "police/executive", "prefecture": "prefecture/executive", "defence": "defence/unit"}[side]
	for _, n := range []string{"1", "2"} {
		_, err = h.Designate(cmd, id, hand+n)
		h.must("designate", err)
	}
	p := h.plan()
	for i := range p.Steps {
		p.Steps[i].On = append(machine, p.Steps[i].On)[0]
	}
	c, err := h.Draft(cmd, id, p)
	h.must("plan", err)
	return c
}

// consulted asks the Foreign Minister and lets them answer.
func (h *hub) consulted(side string, id ID) {
	h.t.Helper()
	c, err := h.Consult(h.as(side+"/command"), id, worksheet())
	h.must("consult", err)
	_, err = h.Answer(h.as("foreign/clerk"), id, Opinion{Worksheet: c.Worksheet, Text: "国際法上許容される範囲にある。"})
	h.must("answer", err)
}

// decided has the commission vote on what a chain asked.
func (h *hub) decided(a approval.ID, choice approval.Choice) {
	h.t.Helper()
	h.must("examine", h.Approvals.Examine(h.as("commission/examiner"), a, "要件を満たす。", nil))
	for _, n := range []string{"1", "2", "3"} {
		_, err := h.Approvals.Vote(h.as("commission/member"+n), a, approval.NewVote{Choice: choice, Opinion: "理由による。"})
		h.must("vote", err)
	}
	_, err := h.Approvals.Decide(h.as("commission/member1"), a, approval.Decision{Reason: "理由による。"})
	h.must("decide", err)
}

// approved is a case of the police, authorised by the commission, in its hours.
func (h *hub) approved() (Case, Chain) {
	h.t.Helper()
	k, _ := h.planned(Abroad, National)
	h.consulted("police", k.ID)
	c, err := h.Ask(h.as("police/command"), k.ID, "ほかの手段では間に合わない。")
	h.must("ask", err)
	h.decided(c.Approval, approval.For)
	c, err = h.Authorise(h.as("police/command"), k.ID, "実施を命じる。")
	h.must("authorise", err)
	h.Clock.Pass(time.Hour)
	return k, c
}

// carried carries one step out, by two.
func (h *hub) carried(id ID, n int, side string) {
	h.t.Helper()
	_, err := h.Intend(h.as(side+"1"), id, n, "手順を行う。")
	h.must("intend", err)
	_, err = h.Go(h.as(side+"2"), id)
	h.must("go", err)
	_, err = h.Outcome(h.as(side+"1"), id, Ending{Outcome: Worked, Says: "止まった。", Evidence: strings.Repeat("ab", 32)})
	h.must("outcome", err)
}

func wants(t testing.TB, what string, got, want error) {
	t.Helper()
	if want == nil && got != nil || want != nil && !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// entries reads the acts on the ledger, the first first.
func (h *hub) entries() (out []ledger.Entry) {
	h.t.Helper()
	h.must("entries", h.DB.Read(context.Background(), func(tx *db.Tx) error {
		rows, err := tx.Query(context.Background(), "SELECT leaf FROM ledger_entry ORDER BY id")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var leaf []byte
			if err := rows.Scan(&leaf); err != nil {
				return err
			}
			e, err := ledger.ParseEntry(leaf)
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return rows.Err()
	}))
	return out
}

func (h *hub) grant(id approval.ID) (g approval.Grant) {
	h.t.Helper()
	ctx := h.as("police/executive1")
	h.must("grant", h.DB.Read(ctx, func(tx *db.Tx) (err error) {
		g, err = h.Approvals.Grant(ctx, tx, id)
		return err
	}))
	return g
}
