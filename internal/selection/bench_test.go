package selection

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"noroshi/internal/approval"
)

// BenchmarkRun is a whole run over a million packets in a file: reading, gate,
// selection, de-identification, writing and the statement.
func BenchmarkRun(b *testing.B) {
	for name, list := range map[string]string{
		"headers": ohio.String() + "\n", // decided by addresses alone
		"payload": "evil.example.net\n.bad.example.org\n",
	} {
		for _, addresses := range []string{"plain", "pseudonym"} {
			b.Run(name+"/"+addresses, func(b *testing.B) {
				w := newBench(b)
				w.list = list
				selectors, err := ReadSelectors("list", []byte(list))
				if err != nil {
					b.Fatal(err)
				}
				sides, err := ReadPrefixes("", nil)
				if err != nil {
					b.Fatal(err)
				}
				raw, err := os.ReadFile(w.order("order.json", func(o *approval.Order) { o.Addresses = addresses }))
				if err != nil {
					b.Fatal(err)
				}
				g, err := approval.Open(raw, w.verifier())
				if err != nil {
					b.Fatal(err)
				}
				file := w.capture("a.pcap", trafficEach(200_000, 20*time.Microsecond, "what was said, a hundred bytes of it or so, which nobody is going to keep or even to look at today")...)
				out, err := os.Create(filepath.Join(w.dir, "out"))
				if err != nil {
					b.Fatal(err)
				}
				defer out.Close()
				to := newSink(out)
				b.ReportAllocs()
				for b.Loop() {
					st, err := Run(context.Background(), Job{Grant: g, Selectors: selectors, Prefixes: sides,
						Sources: []Source{{Name: file, Open: func() (io.ReadCloser, error) { return os.Open(file) }}}, Put: func(k Kept) error { return to.write(k.Line) }})
					if err != nil || st.Seen.Packets != 1_000_000 {
						b.Fatal(err, st.Seen)
					}
					b.ReportMetric(float64(st.Selected.Records), "records")
				}
				b.ReportMetric(float64(b.N)*1e6/b.Elapsed().Seconds(), "packets/s")
			})
		}
	}
}
