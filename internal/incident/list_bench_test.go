package incident

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/testkit"
)

// crowded is a hub with 100,000 cases of 200 operators, all on one ministry's
// desk, of which few wait, few are of a rare kind and few are urgent.
func crowded(b *testing.B) *house {
	b.Helper()
	h := newHouse(b, testkit.DB(b, sources()...))
	ctx := b.Context()
	const all = 100_000
	rows := fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", all-1)
	const rare = "CASE WHEN i %% 997 = 0 THEN '%s' ELSE '%s' END"
	facts := fmt.Sprintf("'electricity', %s, 'first', %s, ", fmt.Sprintf(rare, "cause", "other"), fmt.Sprintf(rare, "open", "closed"))
	id := "'0192a000-0000-7000-8000-' || substr('000000000000' || i, -12)"
	at := fmt.Sprintf("%d + i * 60000000", testkit.Start.AddDate(-1, 0, 0).UnixMicro())
	err := h.Parts.DB.Write(ctx, func(tx *db.Tx) error {
		for _, q := range []string{
			"INSERT INTO incident_case (id, number, org_id, sector, kind, stage, state, version, class, severity, tlp, submitted_at, updated_at, retain_until, stages) " + rows +
				"SELECT " + id + ", 'N-' || i, 'operator-' || (i % 200), " + facts + "1, '', " + fmt.Sprintf(rare, "act", "track") + ", 'AMBER', " + at + ", " + at + ", 0, '' FROM n",
			"INSERT INTO incident_desk (org_id, case_id, mine, sector, kind, stage, state, severity, waiting, updated_at) " + rows +
				"SELECT '" + h.ID("industry") + "', " + id + ", 0, " + facts + fmt.Sprintf(rare, "act", "track") + ", CASE WHEN i % 1009 = 0 THEN 1 ELSE 0 END, " + at + " FROM n",
			"INSERT INTO incident_delivery (case_id, profile, role, org_id, stage, version, sent_at) " + rows +
				"SELECT " + id + ", 'jp-act42', 'ministry', '" + h.ID("industry") + "', 'prompt', 1, " + at + " FROM n",
		} {
			if _, err := tx.Exec(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return h
}

// BenchmarkList measures a page of 50 among 100,000 cases, for every filter
// and deep in the list; ms/p95 is what a reader waits at worst.
func BenchmarkList(b *testing.B) {
	h := crowded(b)
	deep := Filter{Limit: 500}
	for range 100 {
		_, next, err := h.List(h.clerk(), deep)
		if err != nil || next == "" {
			b.Fatal(err)
		}
		deep.Cursor = next
	}
	deep.Limit = 50
	for name, f := range map[string]Filter{
		"first": {}, "deep": deep, "waiting": {Waiting: true}, "open": {State: Open}, "cause": {Kind: Cause}, "act": {Severity: Act},
		"sector": {Sector: "electricity"}, "nothing": {State: Withdrawn}, "number": {Number: "N-50000"}, "rare": {Kind: Cause, Severity: Act, State: Open},
	} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				if _, _, err := h.List(h.clerk(), f); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "ms/p95")
		})
	}
}

// BenchmarkSaveDraft measures one autosave of a filled draft, as one person
// waits for it.
func BenchmarkSaveDraft(b *testing.B) {
	h := newHouse(b, testkit.DB(b, sources()...))
	d := h.filled(h.reporter(), Ransomware)
	n := 0
	for b.Loop() {
		n++
		got, err := h.SaveDraft(h.reporter(), d.ID, d.Revision, Changes{Values: map[FieldID]Value{"event.title": KnownValue(fmt.Sprint("題", n))}})
		if err != nil {
			b.Fatal(err)
		}
		d = got
	}
}
