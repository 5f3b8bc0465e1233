package product

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/version"
)

// A small world, so that products, versions and platforms meet often.
var (
	someVersions  = []string{"", "1", "1.5", "2.0", "2.0.1", "3", "r4", "odd text", "*", "2.*"}
	someValues    = []cpe.Value{cpe.Any, cpe.Any, cpe.Any, cpe.NA, "windows", "linux", "win*"}
	someMakers    = []cpe.Value{"hirono", "kanda", "microsoft", "linux", cpe.Any}
	someProducts  = []cpe.Value{"kamado", "nabe", "windows", "windows_10", "linux_kernel", cpe.Any, "*"}
	someParts     = []cpe.Value{"a", "o", "h"}
	somePackages  = []string{"", "", "pkg:npm/kamado", "pkg:deb/debian/nabe"}
	somePublisher = []string{"hirono", "NVD", "Kanda PSIRT", "CISA-ADP", "OSV"}
	someSources   = []string{"nvd", "cve", "csaf", "osv"}
)

func drawName(t *rapid.T) cpe.Name {
	from := func(label string, v []cpe.Value) cpe.Value { return rapid.SampledFrom(v).Draw(t, label) }
	return cpe.Name{
		Part: from("part", someParts), Vendor: from("vendor", someMakers), Product: from("product", someProducts),
		Version: from("version", []cpe.Value{cpe.Any, cpe.Any, cpe.NA, "1.5", `2.0`, `1.*`}),
		Update:  from("update", []cpe.Value{cpe.Any, cpe.Any, cpe.Any, cpe.NA, "sp1", "sp*"}), TargetSW: from("target", someValues),
	}
}

func drawLine(t *rapid.T) Line {
	l := Line{Name: drawName(t), Platform: rapid.IntRange(0, 3).Draw(t, "platform") == 0}
	if !l.Platform {
		l.Status = Status(max(0, rapid.IntRange(-4, 4).Draw(t, "status")))
	}
	l.Package = rapid.SampledFrom(somePackages).Draw(t, "package")
	if l.Package != "" && rapid.Bool().Draw(t, "only package") {
		l.Name = cpe.Name{}
	}
	for range rapid.IntRange(0, 2).Draw(t, "ranges") {
		l.Ranges = append(l.Ranges, version.Range{
			From: rapid.SampledFrom(someVersions).Draw(t, "from"), To: rapid.SampledFrom(someVersions).Draw(t, "to"),
			FromExcluded: rapid.Bool().Draw(t, "excluded"), ToIncluded: rapid.Bool().Draw(t, "included"),
		})
	}
	if rapid.IntRange(0, 4).Draw(t, "single") == 0 {
		l.Versions = []string{rapid.SampledFrom(someVersions[1:]).Draw(t, "version")}
	}
	if rapid.IntRange(0, 5).Draw(t, "unread") == 0 {
		l.Unread = "before the August patch"
	}
	l.Detail = rapid.SampledFrom([]string{"", "", "words of the maker"}).Draw(t, "detail")
	return l
}

func drawNode(t *rapid.T, depth int) Node {
	n := Node{Op: Op(rapid.IntRange(0, 1).Draw(t, "op")), Negate: rapid.IntRange(0, 7).Draw(t, "negate") == 0}
	for range rapid.IntRange(0, 3).Draw(t, "lines") {
		n.Lines = append(n.Lines, drawLine(t))
	}
	if depth > 0 {
		for range rapid.IntRange(0, 2).Draw(t, "children") {
			n.Children = append(n.Children, drawNode(t, depth-1))
		}
	}
	return n
}

func drawStatement(t *rapid.T) Statement {
	s := Statement{
		Vulnerability: rapid.SampledFrom([]string{"CVE-2024-0001", "CVE-2024-0002"}).Draw(t, "vulnerability"),
		Source:        rapid.SampledFrom(someSources).Draw(t, "source"), By: rapid.SampledFrom(somePublisher).Draw(t, "by"),
		Ref: "here", Licence: "CC0-1.0", Root: drawNode(t, 2),
	}
	if days := rapid.IntRange(0, 2).Draw(t, "days"); days > 0 {
		s.At = time.Date(2024, 1, days, 0, 0, 0, 0, time.UTC)
	}
	return s
}

func drawSubject(t *rapid.T) Subject {
	s := Subject{Name: drawName(t), Version: rapid.SampledFrom(someVersions[:8]).Draw(t, "registered"), Identity: Identity(rapid.IntRange(0, 3).Draw(t, "identity"))}
	for s.Name.Version.Wild() || s.Name.Update.Wild() || s.Name.TargetSW.Wild() {
		s.Name.Version, s.Name.Update, s.Name.TargetSW = "1.5", cpe.Any, cpe.Any
	}
	if p := rapid.SampledFrom(somePackages).Draw(t, "package"); p != "" {
		s.Package = p + rapid.SampledFrom([]string{"", "@1.5", "@2.0.1"}).Draw(t, "at")
	}
	for range rapid.IntRange(0, 2).Draw(t, "platforms") {
		p := drawName(t)
		p.Version, p.Update = rapid.SampledFrom([]cpe.Value{cpe.Any, "1.5", "3"}).Draw(t, "platform version"), cpe.Any
		s.Platforms = append(s.Platforms, p)
	}
	return s
}

// Whatever is stated of whatever equipment, the index and the obvious twin
// agree, the proof is there, and the compiled index says the same.
func TestMatchEqualsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var statements []Statement
		for range rapid.IntRange(1, 4).Draw(t, "statements") {
			statements = append(statements, drawStatement(t))
		}
		x := New(statements)
		var compiled bytes.Buffer
		if _, err := x.WriteTo(&compiled); err != nil {
			t.Fatal(err)
		}
		again, err := ReadIndex(&compiled)
		if err != nil {
			t.Fatal(err)
		}
		s := drawSubject(t)
		want := matchSlow(statements, s)
		for _, from := range []*Index{x, again} {
			got := map[string]slowVerdict{}
			last := ""
			for f := range from.Match(s) {
				if f.Vulnerability <= last || len(f.Because) == 0 {
					t.Fatalf("%s after %s, because %v", f.Vulnerability, last, f.Because)
				}
				last = f.Vulnerability
				got[f.Vulnerability] = slowVerdict{f.Verdict, f.Certainty}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("%+v\nof %+v\ntwin, index: %s", s, statements, d)
			}
			for f := range from.Concerned(s) {
				if got[f.Vulnerability] != (slowVerdict{f.Verdict, f.Certainty}) || f.Verdict == VerdictNotAffected {
					t.Fatalf("concerned: %v", f)
				}
				delete(got, f.Vulnerability)
			}
			for id, v := range got {
				if v.Verdict != VerdictNotAffected {
					t.Fatalf("%s is %v and not among the concerned", id, v.Verdict)
				}
			}
			bare := map[string]slowVerdict{}
			from.Verdicts(s, func(v string, d Verdict, c Certainty) bool { bare[v] = slowVerdict{d, c}; return true })
			if d := cmp.Diff(want, bare); d != "" {
				t.Fatalf("verdicts without proofs: %s", d)
			}
		}
	})
}

func TestCompiledIndex(t *testing.T) {
	statements := nvdStatements(t)
	x := New(statements)
	var b bytes.Buffer
	n, err := x.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("%d bytes, %v; wrote %d", n, err, b.Len())
	}
	whole := bytes.Clone(b.Bytes())
	again, err := ReadIndex(&b)
	if err != nil {
		t.Fatal(err)
	}
	if again.Len() != len(statements) {
		t.Fatalf("%d statements, want %d", again.Len(), len(statements))
	}
	i := 0
	for s := range again.Statements() {
		if d := cmp.Diff(&statements[i], s); d != "" {
			t.Fatalf("statement %d: %s", i, d)
		}
		i++
	}
	t.Logf("%d statements in %d bytes", len(statements), len(whole))
	for name, bad := range map[string][]byte{
		"empty": nil, "another file": []byte("PK\x03\x04 and more of it, long enough to hold a checksum"), "cut off": whole[:len(whole)/2],
		"one bit": append(append(bytes.Clone(whole[:999]), whole[999]^4), whole[1000:]...), "more": append(bytes.Clone(whole), 0),
		"another version": append([]byte("NRSHIDX\x63"), whole[8:]...),
	} {
		if _, err := ReadIndex(bytes.NewReader(bad)); !errors.Is(err, ErrIndex) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The reader refuses or reads, and never panics, also where the checksum holds.
func FuzzReadIndex(f *testing.F) {
	var b bytes.Buffer
	x := New([]Statement{{Vulnerability: "CVE-2024-0001", Source: "nvd", Root: Node{Op: And, Children: []Node{
		{Lines: []Line{{Name: cpe.Name{Part: "a", Vendor: "hirono", Product: "kamado"}, Ranges: []version.Range{{To: "2"}}}}}, {Negate: true}}}}})
	if _, err := x.WriteTo(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes()[len(magic) : b.Len()-32])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		r := &reader{b: append([]byte(magic), body...), at: len(magic)}
		statements := r.all()
		if r.err != nil {
			if !errors.Is(r.err, ErrIndex) {
				t.Fatal(r.err)
			}
			return
		}
		for range newIndex(statements).Match(Subject{Name: cpe.Name{Part: "a", Vendor: "hirono", Product: "kamado", Version: "1"}}) {
		}
	})
}

func FuzzMatch(f *testing.F) {
	f.Add("cpe:2.3:a:hirono:kamado:1.0:*:*:*:*:*:*:*", "1.0", "2.0", "1.5", "pkg:npm/a@1")
	f.Fuzz(func(t *testing.T, name, from, to, at, pkg string) {
		n, err := cpe.ParseLenient(name)
		if err != nil {
			return
		}
		st := []Statement{{Vulnerability: "CVE-2024-0001", Source: "nvd", Root: Node{Lines: []Line{{Name: n, Package: pkg, Ranges: []version.Range{{From: from, To: to}}, Versions: []string{at}}}}}}
		s := Subject{Name: n, Version: at, Package: pkg}
		want := matchSlow(st, s)
		for got := range New(st).Match(s) {
			if w, ok := want[got.Vulnerability]; !ok || w.Verdict != got.Verdict {
				t.Fatalf("%v, the twin %v %v", got.Verdict, ok, w.Verdict)
			}
		}
	})
}

// sample makes equipment of the products that statements name: nine tenths in
// a version that something is said of, one tenth of products nobody names.
func sample(statements []Statement, n int) []Subject {
	r := rand.New(rand.NewPCG(1, 2))
	var lines []*Line
	for i := range statements {
		root := newNode(&statements[i].Root, "", 0)
		root.each(func(l *line) {
			if !l.Platform && l.key != "" {
				lines = append(lines, l.Line)
			}
		})
	}
	out := make([]Subject, n)
	for i := range out {
		l := lines[r.IntN(len(lines))]
		v := fmt.Sprintf("%d.%d.%d", r.IntN(20), r.IntN(20), r.IntN(10))
		if len(l.Ranges) > 0 && r.IntN(2) == 0 {
			v = l.Ranges[0].To
		}
		out[i] = subjectAt(l, v)
		if r.IntN(10) == 0 {
			out[i].Name.Product += "_of_ours"
		}
	}
	return out
}

// Those concerned are all that Match yields but for the verdict not affected,
// on products with many vulnerabilities.
func TestConcernedEqualsMatch(t *testing.T) {
	statements := nvdStatements(t)
	x := New(statements)
	subjects, seen := sample(statements, 1_500), 0
	for _, s := range append(subjects, Subject{Name: parse(t, "cpe:2.3:a:gitlab:gitlab:*:*:*:*:*:*:*:*")}, Subject{Name: parse(t, "cpe:2.3:a:gitlab:gitlab:odd:*:*:*:*:*:*:*")}) {
		var want, got []string
		for f := range x.Match(s) {
			if f.Verdict != VerdictNotAffected {
				want = append(want, fmt.Sprint(f.Vulnerability, f.Verdict, f.Certainty, rulesOf(f)))
			}
		}
		for f := range x.Concerned(s) {
			got = append(got, fmt.Sprint(f.Vulnerability, f.Verdict, f.Certainty, rulesOf(f)))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%s: %s", s.Name, d)
		}
		seen += len(got)
	}
	if seen < len(subjects) {
		t.Errorf("only %d findings", seen)
	}
}

func benchmarkMatch(b *testing.B, x *Index, subjects []Subject) {
	b.ReportAllocs()
	for _, s := range subjects {
		for range x.Concerned(s) { // products are made ready at the first question
			break
		}
	}
	findings, i := 0, 0
	for b.Loop() {
		for range x.Concerned(subjects[i%len(subjects)]) {
			findings++
		}
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "components/s")
	b.ReportMetric(float64(findings)/b.Elapsed().Seconds(), "findings/s")
}

func BenchmarkMatchNVD(b *testing.B) {
	statements := nvdStatements(b)
	benchmarkMatch(b, New(statements), sample(statements, 20_000))
}

// many makes n vulnerabilities of facts that look like NVD's: few products
// with thousands, most with a few; four lines each.
func many(n int) []Statement {
	r := rand.New(rand.NewPCG(3, 4))
	pick := func() uint64 { u := r.Float64(); return uint64(60_000 * u * u) }
	out := make([]Statement, n)
	for i := range out {
		lines := make([]Line, 1+r.IntN(7))
		p := pick()
		for j := range lines {
			if j%3 == 2 {
				p = pick()
			}
			major := r.IntN(20)
			lines[j] = Line{Name: cpe.Name{Part: "a", Vendor: cpe.Value(fmt.Sprintf("maker_%d", p/7)), Product: cpe.Value(fmt.Sprintf("product_%d", p))},
				Ranges: []version.Range{{From: fmt.Sprintf("%d.0", major), To: fmt.Sprintf("%d.%d.%d", major, r.IntN(30), r.IntN(9))}}}
		}
		out[i] = Statement{Vulnerability: fmt.Sprintf("CVE-%d-%05d", 1999+i/12_000, i%12_000), Source: "nvd", By: "NVD", Ref: "https://nvd.nist.gov/vuln/detail", At: time.Unix(int64(1.6e9)+int64(i), 0), Root: Node{Children: []Node{{Children: []Node{{Lines: lines}}}}}}
	}
	return out
}

func Benchmark300k(b *testing.B) {
	statements := many(300_000)
	x := New(statements)
	var compiled bytes.Buffer
	if _, err := x.WriteTo(&compiled); err != nil {
		b.Fatal(err)
	}
	subjects := sample(statements, 20_000)
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			if _, err := ReadIndex(bytes.NewReader(compiled.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(compiled.Len())/1e6, "MB")
	})
	b.Run("match", func(b *testing.B) { benchmarkMatch(b, x, subjects) })
	b.Run("verdicts", func(b *testing.B) {
		n, i := 0, 0
		for b.Loop() {
			x.Verdicts(subjects[i%len(subjects)], func(string, Verdict, Certainty) bool { n++; return true })
			i++
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "components/s")
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "verdicts/s")
	})
}
