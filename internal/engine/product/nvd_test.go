package product

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/version"
)

// nvdRecord is the part of an NVD record that says what is affected.
type nvdRecord struct {
	Annotation struct {
		ID string `json:"cve_id"`
	} `json:"_annotation"`
	CVE struct {
		Configurations []struct {
			Operator string
			Negate   bool
			Nodes    []struct {
				Operator string
				Negate   bool
				CPEMatch []struct {
					Vulnerable                                 bool
					Criteria                                   string
					VersionStartIncluding, VersionEndIncluding string
					VersionStartExcluding, VersionEndExcluding string
				} `json:"cpeMatch"`
			}
		}
	}
}

func (r *nvdRecord) statement() (Statement, error) {
	st := Statement{Vulnerability: r.Annotation.ID, Source: "nvd", By: "NVD", Ref: r.Annotation.ID}
	for _, c := range r.CVE.Configurations {
		config := Node{Negate: c.Negate}
		if c.Operator == "AND" {
			config.Op = And
		}
		for _, n := range c.Nodes {
			node := Node{Negate: n.Negate}
			if n.Operator == "AND" {
				node.Op = And
			}
			for _, m := range n.CPEMatch {
				name, err := cpe.ParseLenient(m.Criteria)
				if err != nil {
					return st, fmt.Errorf("%s: %w", st.Vulnerability, err)
				}
				l := Line{Platform: !m.Vulnerable, Name: name}
				var rng version.Range
				rng.From, rng.To = m.VersionStartIncluding, m.VersionEndExcluding
				if m.VersionStartExcluding != "" {
					rng.From, rng.FromExcluded = m.VersionStartExcluding, true
				}
				if m.VersionEndIncluding != "" {
					rng.To, rng.ToIncluded = m.VersionEndIncluding, true
				}
				if rng != (version.Range{}) {
					l.Ranges = []version.Range{rng}
				}
				node.Lines = append(node.Lines, l)
			}
			config.Children = append(config.Children, node)
		}
		st.Root.Children = append(st.Root.Children, config)
	}
	return st, nil
}

var nvd struct {
	sync.Once
	statements []Statement
	err        error
}

// nvdStatements reads the configurations of the shared data, once per run.
func nvdStatements(t testing.TB) []Statement {
	path := shared(t, "vuln/nvd-cpe-configs-dev.zip")
	nvd.Do(func() {
		z, err := zip.OpenReader(path)
		if err != nil {
			nvd.err = err
			return
		}
		defer z.Close()
		for _, f := range z.File {
			if !strings.HasSuffix(f.Name, ".json") {
				continue
			}
			r, err := f.Open()
			if err != nil {
				nvd.err = err
				return
			}
			var rec nvdRecord
			err = json.NewDecoder(r).Decode(&rec)
			r.Close()
			if err == nil {
				var st Statement
				if st, err = rec.statement(); err == nil {
					nvd.statements = append(nvd.statements, st)
				}
			}
			if err != nil {
				nvd.err = fmt.Errorf("%s: %w", f.Name, err)
				return
			}
		}
	})
	if nvd.err != nil {
		t.Fatal(nvd.err)
	}
	return nvd.statements
}

// dotted reads versions of numbers and dots only, for expectations that need
// no version library.
func dotted(v string) ([]int, bool) {
	var out []int
	for _, p := range strings.Split(v, ".") {
		n, err := strconv.Atoi(p)
		if err != nil {
			return nil, false
		}
		out = append(out, n)
	}
	return out, true
}

func dottedCompare(a, b []int) int {
	for i := range max(len(a), len(b)) {
		x, y := 0, 0
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return x - y
		}
	}
	return 0
}

// around returns versions at and about a bound: just below, at, just above.
func around(v string) []string {
	n, ok := dotted(v)
	if !ok {
		return []string{v}
	}
	out := []string{v, v + ".1", v + ".0.0.1"}
	for i := len(n) - 1; i >= 0; i-- {
		if n[i] > 0 {
			low := append([]int{}, n[:i+1]...)
			low[i]--
			s := strings.ReplaceAll(strings.Trim(fmt.Sprint(low), "[]"), " ", ".")
			out = append(out, s, s+".99999")
			break
		}
	}
	return out
}

// inside says by numbers alone whether a version is in what a line means;
// known is false where a text is not of numbers and dots.
func inside(l *Line, v string) (in, known bool) {
	n, ok := dotted(v)
	if !ok {
		return false, false
	}
	if len(l.Ranges) == 0 {
		switch {
		case l.Name.Version == cpe.Any:
			return true, true
		case !l.Name.Version.Set():
			return false, false
		}
		own, ok := dotted(l.Name.Version.Text())
		return ok && dottedCompare(own, n) == 0, ok
	}
	r := l.Ranges[0]
	if r.From != "" {
		from, ok := dotted(r.From)
		if !ok {
			return false, false
		}
		if c := dottedCompare(n, from); c < 0 || c == 0 && r.FromExcluded {
			return false, true
		}
	}
	if r.To != "" {
		to, ok := dotted(r.To)
		if !ok {
			return false, false
		}
		if c := dottedCompare(n, to); c > 0 || c == 0 && !r.ToIncluded {
			return false, true
		}
	}
	return true, true
}

// expect says by numbers alone whether a version of the line's product and
// edition is affected by any configuration, platforms being there.
func expect(st *Statement, of *Line, v string) (affected, known bool) {
	known = true
	var visit func(n *Node)
	visit = func(n *Node) {
		for i := range n.Lines {
			l := &n.Lines[i]
			same := l.Name
			same.Version, same.Update = of.Name.Version, of.Name.Update
			if l.Platform || l.Name.Part != of.Name.Part || l.Name.Vendor != of.Name.Vendor || l.Name.Product != of.Name.Product {
				continue
			}
			if same != of.Name && !covers(l, of) {
				continue
			}
			in, ok := inside(l, v)
			affected = affected || in
			known = known && (ok || in)
		}
		for i := range n.Children {
			visit(&n.Children[i])
		}
	}
	visit(&st.Root)
	return affected, known || affected
}

// covers: may the line mean the edition of the other?
func covers(l, of *Line) bool {
	a := [...]cpe.Value{l.Name.Edition, l.Name.SWEdition, l.Name.TargetSW, l.Name.TargetHW}
	b := [...]cpe.Value{of.Name.Edition, of.Name.SWEdition, of.Name.TargetSW, of.Name.TargetHW}
	for i := range a {
		if a[i] != cpe.Any && b[i] != cpe.Any && a[i] != b[i] {
			return false
		}
	}
	return true
}

// subjectAt is equipment of a line's product and edition in some version.
func subjectAt(l *Line, v string) Subject {
	n := l.Name
	n.Update = cpe.Any
	n.Version = cpe.Make(v)
	return Subject{Name: n}
}

func only(t *testing.T, x *Index, s Subject, id string) (Finding, bool) {
	t.Helper()
	for f := range x.Match(s) {
		if f.Vulnerability == id {
			return f, true
		}
	}
	return Finding{}, false
}

// Equipment inside and outside every range of every record, at each bound and
// just beside it, of the same and of other vendors and products: the verdicts
// follow from how the equipment was made, and are the twin's.
func TestNVDEveryRange(t *testing.T) {
	statements := nvdStatements(t)
	checked, derived := 0, 0
	for i := range statements {
		st := &statements[i]
		x := New(statements[i : i+1])
		twin := func(s Subject, why string) Finding {
			t.Helper()
			f, found := only(t, x, s, st.Vulnerability)
			want, wanted := matchSlow(statements[i:i+1], s)[st.Vulnerability]
			if found != wanted || f.Verdict != want.Verdict || f.Certainty != want.Certainty {
				t.Fatalf("%s %s %s: found %v %v/%v; the twin %v %v/%v", st.Vulnerability, why, s.Name, found, f.Verdict, f.Certainty, wanted, want.Verdict, want.Certainty)
			}
			if found && len(f.Because) == 0 {
				t.Fatalf("%s %s: a verdict without proof", st.Vulnerability, s.Name)
			}
			checked++
			return f
		}
		var visit func(n *Node)
		visit = func(n *Node) {
			for j := range n.Lines {
				l := &n.Lines[j]
				if l.Platform {
					f := twin(Subject{Name: l.Name}, "platform")
					if f.Verdict == VerdictAffected && !alsoVulnerable(&st.Root, l) {
						t.Errorf("%s: the platform %s is affected", st.Vulnerability, l.Name)
					}
					continue
				}
				var versions []string
				for _, r := range l.Ranges {
					for _, b := range []string{r.From, r.To} {
						if b != "" {
							versions = append(versions, around(b)...)
						}
					}
				}
				if l.Name.Version.Set() {
					versions = append(versions, around(l.Name.Version.Text())...)
				}
				for _, v := range append(versions, "0.0.0.1", "999999.9") {
					s := subjectAt(l, v)
					f := twin(s, "version "+v)
					if affected, known := expect(st, l, v); known {
						derived++
						if (f.Verdict == VerdictAffected) != affected || f.Certainty != Exact || f.Verdict == Unknown {
							t.Errorf("%s %s: %v/%v, made to be affected=%v", st.Vulnerability, s.Name, f.Verdict, f.Certainty, affected)
						}
					}
					// The same version of others concerns nobody.
					for k, other := range []cpe.Name{s.Name, s.Name, s.Name} {
						switch k {
						case 0:
							other.Vendor = "zz_" + other.Vendor
						case 1:
							other.Product += "_zz"
						case 2:
							other.Product = cpe.Any
						}
						if f, found := only(t, x, Subject{Name: other}, st.Vulnerability); found {
							t.Errorf("%s: %s is found: %v", st.Vulnerability, other, f.Verdict)
						}
						derived++
					}
				}
				// A vendor nobody stated is never enough.
				any := subjectAt(l, "1.0")
				any.Name.Vendor = cpe.Any
				if f := twin(any, "any vendor"); f.Verdict == VerdictAffected {
					t.Errorf("%s: %s is affected", st.Vulnerability, any.Name)
				}
				for _, v := range []cpe.Value{cpe.Any, cpe.NA} {
					s := subjectAt(l, "1")
					s.Name.Version = v
					f := twin(s, "version "+string(v))
					if len(l.Ranges) > 0 && !l.everyVersion(st) && (f.Verdict != Unknown || f.Certainty != VersionUnknown) {
						t.Errorf("%s %s: %v/%v without a version", st.Vulnerability, s.Name, f.Verdict, f.Certainty)
					}
					derived++
				}
			}
			for j := range n.Children {
				visit(&n.Children[j])
			}
		}
		visit(&st.Root)
	}
	t.Logf("%d records: %d verdicts equal the twin's, %d are as the equipment was made", len(statements), checked, derived)
}

// everyVersion: does any line of the product mean every version?
func (l *Line) everyVersion(st *Statement) bool {
	all, known := expect(st, l, "999999999")
	return all || !known
}

// alsoVulnerable: is a platform also named as vulnerable itself?
func alsoVulnerable(n *Node, p *Line) bool {
	for _, l := range n.Lines {
		if !l.Platform && l.Name.Part == p.Name.Part && l.Name.Vendor == p.Name.Vendor && l.Name.Product == p.Name.Product {
			return true
		}
	}
	for i := range n.Children {
		if alsoVulnerable(&n.Children[i], p) {
			return true
		}
	}
	return false
}

// Where a configuration asks for a platform: affected when it is there, and
// when nobody said; not when another is known to be there.
func TestNVDPlatforms(t *testing.T) {
	statements := nvdStatements(t)
	cases := 0
	for i := range statements {
		st := &statements[i]
		x := New(statements[i : i+1])
		for _, config := range st.Root.Children {
			if config.Op != And || len(config.Children) != 2 {
				continue
			}
			for side := range 2 {
				vulnerable, platforms := &config.Children[side], &config.Children[1-side]
				if len(vulnerable.Lines) == 0 || vulnerable.Lines[0].Platform || len(platforms.Lines) == 0 || !platforms.Lines[0].Platform {
					continue
				}
				l := &vulnerable.Lines[0]
				v := "1.0"
				if len(l.Ranges) > 0 {
					if v = l.Ranges[0].From; v == "" {
						if v = "0.0.1"; !readable(l.Ranges[0].To) {
							continue
						}
					}
				} else if l.Name.Version.Set() {
					v = l.Name.Version.Text()
				}
				s := subjectAt(l, v)
				s.Name.Update = l.Name.Update
				if others(st, l) {
					continue // another configuration speaks of the product too
				}
				cases++
				check := func(why string, platforms []cpe.Name, want Verdict, rule Rule) {
					t.Helper()
					s.Platforms = platforms
					f, _ := only(t, x, s, st.Vulnerability)
					if f.Verdict != want || f.Certainty != Exact || !has(f, rule) {
						t.Errorf("%s %s, %s: %v/%v %v", st.Vulnerability, s.Name, why, f.Verdict, f.Certainty, f.Because)
					}
					if w := matchSlow(statements[i:i+1], s)[st.Vulnerability]; w.Verdict != f.Verdict || w.Certainty != f.Certainty {
						t.Errorf("%s %s, %s: the twin says %v/%v", st.Vulnerability, s.Name, why, w.Verdict, w.Certainty)
					}
				}
				check("nobody said", nil, VerdictAffected, PlatformUnknown)
				check("it is there", []cpe.Name{platforms.Lines[0].Name}, VerdictAffected, PlatformPresent)
				if p := platforms.Lines[0].Name; p.Part == "o" && p.Vendor != "linux" || p.Part == "h" {
					check("it is another", []cpe.Name{{Part: p.Part, Vendor: "yamanashi", Product: "kamado"}}, VerdictNotAffected, PlatformMissing)
				}
			}
		}
	}
	if cases < 100 {
		t.Errorf("only %d configurations with platforms", cases)
	}
	t.Logf("%d configurations with platforms", cases)
}

// others: does more than one configuration name the product?
func others(st *Statement, l *Line) bool {
	n := 0
	for i := range st.Root.Children {
		if alsoVulnerable(&st.Root.Children[i], l) {
			n++
		}
	}
	return n > 1
}

func has(f Finding, rule Rule) bool {
	for _, r := range f.Because {
		if r.Rule == rule {
			return true
		}
	}
	return false
}

// readable: numbers and dots?
func readable(v string) bool {
	_, ok := dotted(v)
	return ok
}
