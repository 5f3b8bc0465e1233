package notice

import (
	"context"
	"fmt"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
	land "noroshi/internal/testkit/country"
)

// house is the service in an invented country, on either database.
type house struct {
	*Service
	*testkit.Parts
	*land.Country
	t       testing.TB
	exposed []Exposed
	seq     int
}

func sources() []db.Source {
	return append(append(testkit.Base(), land.Sources()...), db.Source{Noun: "notice", FS: Migrations})
}

// each runs a test on SQLite and on PostgreSQL.
func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) { fn(t, newHouse(t, d)) })
}

func newHouse(t testing.TB, d *db.DB) *house {
	t.Helper()
	p := testkit.NewParts(t, d)
	c := land.New(t, p)
	h := &house{Parts: p, Country: c, t: t}
	h.Service = New(Config{DB: d, Ledger: p.Ledger, Keys: p.Keys, Blobs: p.Blobs, Threads: p.Threads, Orgs: c.Service, Now: p.Clock.Now, BaseURL: "https://hub.example"})
	h.Exposed = func(_ context.Context, _ *db.Tx, _ string, orgs []string) (out []Exposed, err error) {
		for _, e := range h.exposed {
			if len(orgs) == 0 || contains(orgs, e.Org) {
				out = append(out, e)
			}
		}
		return out, nil
	}
	h.Vulnerability = func(_ context.Context, _ *db.Tx, id string) (Facts, error) {
		return Facts{Title: duo("認証を避けられる欠陥", "Authentication bypass"), KnownAt: h.now().Add(-time.Hour)}, nil
	}
	return h
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func duo(ja, en string) text.Both { return text.Both{JA: ja, EN: en} }

func (h *house) analyst() context.Context { return h.As("office", "a", gate.OfficeAnalyst) }
func (h *house) clerk() context.Context   { return h.As("industry", "c", gate.MinistryClerk) }
func (h *house) wind() context.Context    { return h.As("wind", "r", gate.OperatorReporter) }
func (h *house) sea() context.Context     { return h.As("sea", "r", gate.OperatorReporter) }
func (h *house) bank() context.Context    { return h.As("bank", "r", gate.OperatorReporter) }
func (h *house) desk() context.Context    { return h.As("jpcert", "d", gate.JPCERTClerk) }
func (h *house) supplier() context.Context {
	return h.As("supplier", "s", gate.SupplierContact)
}
func (h *house) contractor() context.Context {
	return h.As("contractor", "m", gate.Maintainer)
}

// content is a complete notice in three versions.
func (h *house) content() Content {
	now := h.now()
	return Content{
		Title: duo("EdgeGate 410 の認証回避", "Authentication bypass in EdgeGate 410"), About: []string{"CVE-2026-90417"},
		Severity: Act, TLP: Amber, AnswerBy: now.Add(8 * time.Hour), FixBy: now.Add(48 * time.Hour), KnownAt: now.Add(-10 * time.Minute),
		Management: &Brief{TLP: Green, What: duo("遠隔保守の入口に欠陥があります。", "The way in for remote maintenance has a flaw."),
			SoWhat: duo("3台が該当します。", "Three of your machines are affected."), Decide: duo("止めるか替えるかを決めてください。", "Decide to stop or replace it.")},
		Technical: &Package{TLP: Amber, Details: duo("管理口の認証を避けられます。198.51.100.7 からの接続を探してください。", "The management port can be entered. Look for 198.51.100.7."),
			Indicators: []Indicator{{Kind: "domain", Value: "update.edge-gate.example"}, {Kind: "hash", Value: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}},
			Checks:     []text.Both{duo("記録の空の利用者名を探す", "Look for empty user names in the log")}},
		Small: &Steps{TLP: Clear, Title: duo("お使いの箱に、急ぎの対応が必要です", "A box you use needs you now"),
			Steps:  []Step{{Do: duo("装置の線を抜いてください", "Pull the cable out"), How: duo("電源は切らないでください。", "Leave the power on.")}, {Do: duo("保守の会社に電話してください", "Call your maintenance firm")}},
			Helper: Helper{Name: duo("汐見原システムズ 保守窓口", "Shiomihara Systems desk"), Phone: "00-0000-0000"}},
	}
}

// told sends a notice to members and returns it.
func (h *house) told(to ...string) Notice {
	h.t.Helper()
	n, err := h.Draft(h.analyst(), NewNotice{Content: h.content(), Recipients: h.to(to...)})
	if err != nil {
		h.t.Fatalf("draft: %v", err)
	}
	if _, err := h.Send(h.analyst(), n.ID, SendInput{Revision: n.Revision, Despite: true}); err != nil {
		h.t.Fatalf("send: %v", err)
	}
	return n
}

func (h *house) to(names ...string) (out []NewRecipient) {
	for _, name := range names {
		out = append(out, NewRecipient{Org: h.ID(name), Versions: Kinds, Why: []text.Both{duo(fmt.Sprintf("%s の台帳にあります。", name), "It stands in your register.")}})
	}
	return out
}

// one returns the last letter of somebody, unopened.
func (h *house) one(ctx context.Context) Letter {
	h.t.Helper()
	list, _, err := h.Inbox(ctx, Filter{})
	if err != nil || len(list) == 0 {
		h.t.Fatalf("inbox: %d letters, %v", len(list), err)
	}
	return list[0]
}

// read opens it.
func (h *house) read(ctx context.Context) Letter {
	h.t.Helper()
	l, err := h.Open(ctx, h.one(ctx).ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return l
}

// tie makes a confirmed tie.
func (h *house) tie(kind org.TieKind, customer, other string) {
	h.t.Helper()
	if _, err := h.Country.Tie(org.Local(context.Background()), kind, org.ID(h.ID(customer)), org.ID(h.ID(other)), ""); err != nil {
		h.t.Fatalf("tie: %v", err)
	}
}

// transaction and Keys name what a test needs of the service's own.
type transaction = db.Tx

func (h *house) Keys() *key.Store { return h.Parts.Keys }
