package feed

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// shaped gives a page of NVD with n invented records of the size of NVD's own
// (about 5 KB), made as they are read.
type shaped struct {
	n, i int
	rest []byte
	buf  bytes.Buffer
}

func (s *shaped) Read(b []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.i > s.n {
			return 0, io.EOF
		}
		s.buf.Reset()
		s.next()
		s.rest = s.buf.Bytes()
		s.i++
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

const sentence = "A flaw in the parser of the management interface lets an attacker without an account run commands. "

func (s *shaped) next() {
	w := &s.buf
	if s.i == 0 {
		fmt.Fprintf(w, `{"resultsPerPage":%d,"startIndex":0,"totalResults":%d,"format":"NVD_CVE","version":"2.0","timestamp":"2026-01-01T00:00:00.000","vulnerabilities":[`, s.n, s.n)
	}
	if s.i == s.n {
		w.WriteString("]}")
		return
	}
	if s.i > 0 {
		w.WriteByte(',')
	}
	fmt.Fprintf(w, `{"cve":{"id":"CVE-2020-%06d","sourceIdentifier":"psirt@maker%d.example","published":"2020-01-02T03:04:05.678","lastModified":"2021-02-03T04:05:06.789","vulnStatus":"Analyzed","cveTags":[],"descriptions":[{"lang":"en","value":"%s"},{"lang":"es","value":"%s"}],`, 100000+s.i, s.i%900, strings.Repeat(sentence, 3), strings.Repeat(sentence, 3))
	w.WriteString(`"metrics":{"cvssMetricV31":[{"source":"nvd@nist.gov","type":"Primary","cvssData":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8,"baseSeverity":"CRITICAL","attackVector":"NETWORK","attackComplexity":"LOW","privilegesRequired":"NONE","userInteraction":"NONE","scope":"UNCHANGED","confidentialityImpact":"HIGH","integrityImpact":"HIGH","availabilityImpact":"HIGH"},"exploitabilityScore":3.9,"impactScore":5.9}]},"weaknesses":[{"source":"nvd@nist.gov","type":"Primary","description":[{"lang":"en","value":"CWE-78"}]}],"configurations":[{"nodes":[{"operator":"OR","negate":false,"cpeMatch":[`)
	for j := range 8 {
		if j > 0 {
			w.WriteByte(',')
		}
		fmt.Fprintf(w, `{"vulnerable":true,"criteria":"cpe:2.3:a:maker%d:product%d:*:*:*:*:*:*:*:*","versionStartIncluding":"%d.%d.0","versionEndExcluding":"%d.%d.7","matchCriteriaId":"99999999-9999-4999-8999-%012d"}`, s.i%9000, s.i%7, j, s.i%40, j, s.i%40, s.i)
	}
	w.WriteString(`]}]}],"references":[`)
	for j := range 6 {
		if j > 0 {
			w.WriteByte(',')
		}
		fmt.Fprintf(w, `{"url":"https://maker%d.example/advisories/%d/%d","source":"psirt@maker.example","tags":["Vendor Advisory"]}`, s.i%900, s.i, j)
	}
	w.WriteString(`]}}`)
}

// BenchmarkNVD reads a whole NVD of 300,000 records from a stream: records and
// megabytes in a second, and the most memory in use.
func BenchmarkNVD(b *testing.B) {
	const n = 300_000
	for b.Loop() {
		runtime.GC()
		var peak uint64
		lines := 0
		start := time.Now()
		f, err := Read(b.Context(), "nvd", &shaped{n: n}, func(r *Record) error {
			for i := range r.Statements {
				walk(&r.Statements[i].Root, func(*line) { lines++ })
			}
			if lines%400_000 == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse+m.StackInuse)
			}
			return nil
		})
		if err != nil || f.Records != n || lines != 8*n {
			b.Fatal(f, lines, err)
		}
		s := time.Since(start).Seconds()
		b.ReportMetric(n/s, "records/s")
		b.ReportMetric(float64(f.Bytes)/s/1e6, "MB/s")
		b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
	}
}

// BenchmarkGenerator is what of it making the records costs.
func BenchmarkGenerator(b *testing.B) {
	const n = 300_000
	for b.Loop() {
		c, err := io.Copy(io.Discard, &shaped{n: n})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(c)
	}
}

// BenchmarkRealNVD and BenchmarkRealCVE5 read real records out of their zips.
func BenchmarkRealNVD(b *testing.B)  { benchReal(b, "nvd-cpe-configs-dev.zip") }
func BenchmarkRealCVE5(b *testing.B) { benchReal(b, "cve5-vulnrichment-dev.zip") }

func benchReal(b *testing.B, name string) {
	path := data(b, name)
	for b.Loop() {
		files, err := Open(b.Context(), path, ignore)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(files[0].Bytes)
	}
}
