package incident

import (
	"context"
	"testing"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/testkit"
	land "noroshi/internal/testkit/country"
)

// house is the service in an invented country, on either database.
type house struct {
	*Service
	*testkit.Parts
	*land.Country
	t testing.TB
}

func sources() []db.Source {
	return append(append(testkit.Base(), land.Sources()...), db.Source{Noun: "incident", FS: Migrations})
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
	s := New(Config{DB: d, Ledger: p.Ledger, Keys: p.Keys, Blobs: p.Blobs, Threads: p.Threads, Orgs: c.Service, Profiles: Builtin(), Now: p.Clock.Now})
	return &house{Service: s, Parts: p, Country: c, t: t}
}

func (h *house) reporter() context.Context { return h.As("wind", "a", gate.OperatorReporter) }
func (h *house) second() context.Context   { return h.As("wind", "b", gate.OperatorReporter) }
func (h *house) admin() context.Context    { return h.As("wind", "admin", gate.OperatorAdmin) }
func (h *house) viewer() context.Context   { return h.As("wind", "v", gate.OperatorViewer) }
func (h *house) rival() context.Context {
	return h.As("sea", "a", gate.OperatorReporter, gate.OperatorAdmin)
}
func (h *house) clerk() context.Context    { return h.As("industry", "c", gate.MinistryClerk) }
func (h *house) stranger() context.Context { return h.As("treasury", "c", gate.MinistryClerk) }
func (h *house) member() context.Context   { return h.As("commission", "m", gate.CommissionMember) }

// reported submits the example of a kind and returns the case.
func (h *house) reported(k Kind) Case {
	h.t.Helper()
	got, err := h.Submit(h.reporter(), Template(k).Clone(), "")
	if err != nil {
		h.t.Fatalf("submit: %v", err)
	}
	return got.Case
}

// filled starts a draft and answers everything as in the example of a kind.
func (h *house) filled(ctx context.Context, k Kind) Draft {
	h.t.Helper()
	d, err := h.StartDraft(ctx, k)
	if err != nil {
		h.t.Fatal(err)
	}
	t := Template(k)
	d, err = h.SaveDraft(ctx, d.ID, d.Revision, Changes{Values: t.Values, Class: &t.Class, Severity: &t.Severity, TLP: &t.TLP, Consents: t.Consents})
	if err != nil {
		h.t.Fatal(err)
	}
	return d
}
