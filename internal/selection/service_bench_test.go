package selection

import (
	"testing"

	"noroshi/internal/approval"
	"noroshi/internal/testkit"
)

// BenchmarkKeep stores pages of 1,000 records: each is checked against the order,
// sealed and written, with one entry of the ledger a page.
func BenchmarkKeep(b *testing.B) {
	w := newWorld(b, testkit.DB(b, worldSources()...))
	l := w.list()
	id := w.approve(approval.ForeignDomestic, l).ID
	r := w.drill(id)
	list, _, err := w.Read(w.handler(), RecordFilter{Run: r.ID, Limit: 500}, Reason{Purpose: "analyse"})
	w.must(err)
	lines := make([][]byte, MaxPage)
	for i := range lines {
		lines[i] = list[i%len(list)].Line
	}
	run, err := w.begin(w.handler(), NewRun{Approval: id, Link: "K-2"}, OnMachine)
	w.must(err)
	page := int64(0)
	for b.Loop() {
		if (page+1)*MaxPage > maxKept {
			b.StopTimer()
			w.must(w.interrupt(w.handler(), run.run.ID, "abort", "aborted", 0))
			run, err = w.begin(w.handler(), NewRun{Approval: id, Link: "K-2"}, OnMachine)
			w.must(err)
			page = 0
			b.StartTimer()
		}
		w.must(w.page(run, page, lines))
		page++
	}
	b.ReportMetric(float64(b.N)*MaxPage/b.Elapsed().Seconds(), "records/s")
}
