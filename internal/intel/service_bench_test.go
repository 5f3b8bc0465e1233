package intel

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/engine/product"
	"noroshi/internal/testkit"
)

// writeNVD writes n records as the NVD writes them, about 2.5 kB each, of
// 20,000 products.
func writeNVD(t testing.TB, path string, n, salt int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z, _ := gzip.NewWriterLevel(f, gzip.BestSpeed)
	w := bufio.NewWriter(z)
	fmt.Fprintf(w, `{"resultsPerPage":%d,"startIndex":0,"totalResults":%d,"format":"NVD_CVE","version":"2.0","timestamp":"2026-11-20T10:00:00.000","vulnerabilities":[`, n, n)
	for i := range n {
		if i > 0 {
			w.WriteByte(',')
		}
		k := i
		if i%1000 == 0 {
			k += salt
		}
		vendor, prod := fmt.Sprintf("vendor%d", k%2000), fmt.Sprintf("product%d", k%20000)
		fmt.Fprintf(w, `{"cve":{"id":"CVE-%d-%d","sourceIdentifier":"psirt@vendor.example","published":"2020-02-09T09:15:08.087","lastModified":"2024-11-29T15:23:%02d.%03d","vulnStatus":"Analyzed","cveTags":[],"descriptions":[{"lang":"en","value":"A improper neutralisation of input number %d in %s %s before version %d.%d allows a remote attacker who sends crafted requests to the management interface to execute code. %s"},{"lang":"es","value":"Una vulnerabilidad %d"}],`,
			2002+i%24, 1000+i, k%60, k%1000, k, vendor, prod, k%10, k%7, strings.Repeat("The service does not check the length of the field before it copies it. ", k%5), k)
		fmt.Fprintf(w, `"metrics":{"cvssMetricV31":[{"source":"nvd@nist.gov","type":"Primary","cvssData":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":%d.%d,"baseSeverity":"HIGH","attackVector":"NETWORK","attackComplexity":"LOW","privilegesRequired":"NONE","userInteraction":"NONE","scope":"UNCHANGED","confidentialityImpact":"HIGH","integrityImpact":"HIGH","availabilityImpact":"HIGH"},"exploitabilityScore":3.9,"impactScore":5.9}]},"weaknesses":[{"source":"nvd@nist.gov","type":"Primary","description":[{"lang":"en","value":"CWE-%d"}]}],"configurations":[{"nodes":[{"operator":"OR","negate":false,"cpeMatch":[`, 4+k%6, k%10, k%900)
		for j := range 1 + k%4 {
			if j > 0 {
				w.WriteByte(',')
			}
			fmt.Fprintf(w, `{"vulnerable":true,"criteria":"cpe:2.3:a:%s:%s:*:*:*:*:*:*:*:*","versionStartIncluding":"%d.0.0","versionEndExcluding":"%d.%d.%d","matchCriteriaId":"%08X-0000-4000-8000-000000000000"}`, vendor, prod, j, j, k%20, k%9, k)
		}
		fmt.Fprintf(w, `]}]}],"references":[{"url":"https://vendor.example/advisories/%d","source":"psirt@vendor.example","tags":["Vendor Advisory"]},{"url":"https://lists.vendor.example/archive/%d/msg%d.html","source":"psirt@vendor.example","tags":["Mailing List","Patch"]}]}}`, k, k, k*7)
	}
	w.WriteString("]}")
	for _, err := range []error{w.Flush(), z.Close(), f.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// peak watches the heap until stopped, and returns what it was at most.
func peak() (stop func() uint64) {
	var most atomic.Uint64
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		var m runtime.MemStats
		for {
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.Sys-m.HeapReleased))
			select {
			case <-quit:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() uint64 { close(quit); <-ended; return most.Load() }
}

// 300,000 records from the file to what everybody sees; then the same file
// with 300 changed, and reading. NOROSHI_BENCH_RECORDS changes the number.
func BenchmarkImportOfTheNVD(b *testing.B) {
	n := 300_000
	if v, err := strconv.Atoi(os.Getenv("NOROSHI_BENCH_RECORDS")); err == nil {
		n = v
	}
	first, second := filepath.Join(b.TempDir(), "a.json.gz"), filepath.Join(b.TempDir(), "b.json.gz")
	writeNVD(b, first, n, 0)
	writeNVD(b, second, n, 1)
	d := testkit.DB(b, sources()...)
	if os.Getenv("NOROSHI_BENCH_POSTGRES") != "" {
		d = testkit.Postgres(b, sources()...)
	}
	h := newHub(b, d)
	take := func(path string) (Imported, time.Duration, uint64) {
		runtime.GC()
		stop := peak()
		at := time.Now()
		got, err := h.Import(analyst, Request{Feed: "nvd"}, path)
		if err != nil {
			b.Fatal(err)
		}
		return got, time.Since(at), stop()
	}
	for b.Loop() {
		got, took, mem := take(first)
		b.ReportMetric(took.Seconds(), "s/first")
		b.ReportMetric(float64(mem>>20), "MB-first")
		b.Logf("first: %+v in %s, %d MB", got.Counts, took.Round(time.Millisecond), mem>>20)
		got, took, mem = take(second)
		b.ReportMetric(took.Seconds(), "s/again")
		b.ReportMetric(float64(mem>>20), "MB-again")
		b.Logf("again: %+v in %s, %d MB", got.Counts, took.Round(time.Millisecond), mem>>20)
	}
	ctx := context.Background()
	at := time.Now()
	stated := 0
	for after := ""; ; {
		var keys []string
		err := d.Read(ctx, func(tx *db.Tx) (err error) {
			if keys, after, err = h.Products(ctx, tx, after, 500); err != nil {
				return err
			}
			return h.StatementsAbout(ctx, tx, keys, func(product.Statement) error { stated++; return nil })
		})
		if err != nil {
			b.Fatal(err)
		}
		if after == "" {
			break
		}
	}
	b.Logf("all %d statements by product in %s", stated, time.Since(at).Round(time.Millisecond))
	at = time.Now()
	for i := range 200 {
		if _, _, err := h.Show(analyst, fmt.Sprintf("CVE-%d-%d", 2002+(i*37)%24, 1000+i*37)); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("one vulnerability: %s", (time.Since(at) / 200).Round(time.Microsecond))
	for _, q := range []string{"", "product123", "vendor77 product", "CVE-2010-1"} {
		at = time.Now()
		found, _, err := h.Find(analyst, Search{Text: q})
		if err != nil {
			b.Fatal(err)
		}
		b.Logf("search %q: %d in %s", q, len(found), time.Since(at).Round(time.Microsecond))
	}
}
