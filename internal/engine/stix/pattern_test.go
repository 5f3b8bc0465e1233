package stix

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestSimple(t *testing.T) {
	for pattern, want := range map[string]string{
		"[ipv4-addr:value = '203.0.113.7/24']":                                                                                      "true 1 203.0.113.0/24",
		"[domain-name:value = 'Bad.Example.'] OR [url:value IN ('http://a/', 'http://b/')]":                                         "true 2 bad.example 3 http://a/ 3 http://b/",
		"[file:hashes.'SHA-256' = 'AB' OR file:hashes.MD5 = 'cd']":                                                                  "true 4 ab 4 cd",
		"[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = 'example.com'] REPEATS 5 TIMES":          "false 2 example.com",
		"[network-traffic:dst_ref.type = 'ipv6-addr' AND network-traffic:dst_ref.value ISSUBSET '2001:db8::/32']":                   "true 1 2001:db8::/32",
		"[ipv4-addr:value = '203.0.113.7' AND ipv4-addr:x_seen = 3]":                                                                "false 1 203.0.113.7/32",
		"[domain-name:value != 'x.example']":                                                                                        "false",
		"[domain-name:value LIKE '%.x.example']":                                                                                    "false",
		"[x509-certificate:hashes.'SHA-1' = 'FF'] OR [network-traffic:dst_port = 4444 OR network-traffic:x_ja4 = 't13d1516h2_x_y']": "true 5 ff 6 4444 7 t13d1516h2_x_y",
	} {
		p, err := ParsePattern(pattern)
		if err != nil {
			t.Fatal(pattern, err)
		}
		found, exact := p.Simple()
		got := fmt.Sprint(exact)
		for _, s := range found {
			v := s.Value
			if s.Kind == SimpleAddress {
				v = s.Prefix.String()
			}
			got += fmt.Sprintf(" %d %s", s.Kind, v)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", pattern, got, want)
		}
	}
}

func TestBounds(t *testing.T) {
	for name, bad := range map[string]string{
		"depth":    strings.Repeat("(", 100) + "[a:b=1]" + strings.Repeat(")", 100),
		"depth 2":  "[" + strings.Repeat("(", 100) + "a:b=1" + strings.Repeat(")", 100) + "]",
		"length":   "[a:b = '" + strings.Repeat("x", MaxPattern) + "']",
		"parts":    "[a:b=1" + strings.Repeat(" OR a:b=1", maxNodes) + "]",
		"path":     "[a:b" + strings.Repeat(".c", 100) + "=1]",
		"regexp":   "[a:b MATCHES '" + strings.Repeat("x", maxRegexp+1) + "']",
		"repeats":  "[a:b=1] REPEATS 0 TIMES",
		"within":   "[a:b=1] WITHIN 0 SECONDS",
		"look":     "[a:b MATCHES '(?=x)']",
		"quote":    "[a:b = 'x",
		"escape":   `[a:b = '\d']`,
		"number":   "[a:b = 99999999999999999999]",
		"hyphen":   "[a:b-c = 1]",
		"reserved": "[a:IN = 1]",
		"order":    "[a:b < true]",
		"network":  "[a:b ISSUBSET 'x']",
	} {
		if _, err := ParsePattern(bad); err == nil {
			t.Errorf("%s is accepted", name)
		} else if _, ok := err.(*PatternError); !ok {
			t.Errorf("%s: %T", name, err)
		}
	}
}

// A search without an end in sight is given up.
func TestSteps(t *testing.T) {
	p, err := ParsePattern("(([a:b>0] AND [a:b>0]) REPEATS 12 TIMES) FOLLOWEDBY [a:b=0]")
	if err != nil {
		t.Fatal(err)
	}
	var seen []Observed
	for i := range 40 {
		seen = append(seen, one(time.Unix(int64(i), 0), 1, 1))
	}
	seen = append(seen, one(time.Unix(-5, 0), 1, 0))
	if ok, err := p.Match(seen); ok || err != ErrSteps {
		t.Error(ok, err)
	}
	p, _ = ParsePattern("[a:b>0] REPEATS 1000000 TIMES WITHIN 100 SECONDS")
	if ok, err := p.Match([]Observed{one(time.Unix(0, 0), 999_999, 1), one(time.Unix(100, 0), 1, 1)}); !ok || err != nil {
		t.Error(ok, err)
	}
}

func one(at time.Time, count int64, b int) Observed {
	return Observed{First: at, Last: at, Count: count, Objects: map[string]map[string]any{"0": {"type": "a", "b": json.Number(fmt.Sprint(b))}}}
}

// twin lists every set of uses that satisfies an expression, the slow way.
type twin struct {
	seen []Observed // every use on its own
}

func (w *twin) all(o *Observation) (sets []uint32) {
	switch o.Join {
	case Alone:
		s := &search{steps: MaxSteps, seen: w.seen}
		for i := range w.seen {
			if s.satisfies(o.Test, &w.seen[i]) {
				sets = append(sets, 1<<i)
			}
		}
	case Or:
		sets = append(w.all(o.Left), w.all(o.Right)...)
	default:
		for _, a := range w.all(o.Left) {
			for _, b := range w.all(o.Right) {
				if a&b == 0 && (o.Join == And || w.before(a, b)) {
					sets = append(sets, a|b)
				}
			}
		}
	}
	for _, q := range o.Qualifiers {
		sets = w.qualify(sets, q)
	}
	return sets
}

// before: every use of a can have been at or before every use of b.
func (w *twin) before(a, b uint32) bool {
	for i := range w.seen {
		for j := range w.seen {
			if a>>i&1 == 1 && b>>j&1 == 1 && w.seen[i].First.After(w.seen[j].Last) {
				return false
			}
		}
	}
	return true
}

func (w *twin) qualify(sets []uint32, q Qualifier) (out []uint32) {
	if q.Repeats > 0 {
		chosen := map[uint32]bool{0: true}
		for range q.Repeats {
			next := map[uint32]bool{}
			for c := range chosen {
				for _, s := range sets {
					if c&s == 0 {
						next[c|s] = true
					}
				}
			}
			chosen = next
		}
		for c := range chosen {
			out = append(out, c)
		}
		return out
	}
	for _, s := range sets {
		ok := true
		for i := range w.seen {
			for j := range w.seen {
				if s>>i&1 == 0 || s>>j&1 == 0 {
					continue
				}
				a, b := w.seen[i], w.seen[j]
				if q.Within > 0 {
					ok = ok && !a.First.After(b.Last.Add(q.Within))
				} else {
					ok = ok && !a.Last.Before(q.Start) && a.First.Before(q.Stop) && q.Start.Before(q.Stop)
				}
			}
		}
		if ok {
			out = append(out, s)
		}
	}
	return out
}

func randomPattern(r *rand.Rand, depth int) string {
	var s string
	if depth == 0 || r.IntN(3) == 0 {
		s = fmt.Sprintf("[a:b %s %d]", []string{"=", ">", "<", "!="}[r.IntN(4)], r.IntN(4))
	} else {
		s = "(" + randomPattern(r, depth-1) + []string{" AND ", " OR ", " FOLLOWEDBY "}[r.IntN(3)] + randomPattern(r, depth-1) + ")"
	}
	for _, q := range r.Perm(3)[:r.IntN(3)] {
		switch q {
		case 0:
			s += fmt.Sprintf(" WITHIN %d SECONDS", 1+r.IntN(5))
		case 1:
			s += fmt.Sprintf(" REPEATS %d TIMES", 1+r.IntN(3))
		case 2:
			from := r.IntN(8)
			s += fmt.Sprintf(" START t'1970-01-01T00:00:%02dZ' STOP t'1970-01-01T00:00:%02dZ'", from, from+r.IntN(6))
		}
	}
	return s
}

// The search finds a way exactly when the slow twin finds one.
func TestTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 9))
	yes := 0
	for range 6000 {
		text := randomPattern(r, 2)
		p, err := ParsePattern(text)
		if err != nil {
			t.Fatal(text, err)
		}
		var seen, uses []Observed
		for len(uses) < 6 {
			o := one(time.Unix(int64(r.IntN(10)), 0).UTC(), int64(1+r.IntN(3)), r.IntN(4))
			o.Last = o.First.Add(time.Duration(r.IntN(4)*r.IntN(2)) * time.Second)
			seen = append(seen, o)
			for range o.Count {
				u := o
				u.Count = 1
				uses = append(uses, u)
			}
		}
		want := len((&twin{uses}).all(p.Root)) > 0
		got, err := p.Match(seen)
		if err != nil || got != want {
			t.Fatalf("%s: %v %v, want %v\n%v", text, got, err, want, seen)
		}
		if got {
			yes++
		}
	}
	t.Logf("%d of 6000 match", yes)
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{
		"[a:b = 1] AND ([c:'d-e'[*].f_ref.g IN (1, 2.5)] FOLLOWEDBY [h:i NOT LIKE '%x_']) WITHIN 5 SECONDS REPEATS 3 TIMES",
		"[NOT EXISTS a:b OR a:c MATCHES '^x' /* y */ ] START t'2020-01-01T00:00:00Z' STOP t'2021-01-01T00:00:00.5Z' // z",
		"[a:b_bin = b'YQ==' AND a:b_hex > h'00ff' AND a:c ISSUPERSET '::1/64']",
	} {
		f.Add(s)
	}
	seen := []Observed{one(time.Unix(0, 0), 2, 1), one(time.Unix(5, 0), 1, 2)}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePattern(s)
		if err != nil {
			return
		}
		p.Simple()
		a, errA := p.Match(seen)
		b, errB := p.Match(seen)
		if a != b || errA != errB {
			t.Error("two answers")
		}
	})
}

func BenchmarkParsePattern(b *testing.B) {
	const s = "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = 'example.com'] REPEATS 5 TIMES WITHIN 1800 SECONDS"
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		if _, err := ParsePattern(s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	p, _ := ParsePattern("[a:b > 3] REPEATS 50 TIMES WITHIN 100 SECONDS")
	var seen []Observed
	for i := range 1000 {
		seen = append(seen, one(time.Unix(int64(i), 0), 1, i%5))
	}
	for b.Loop() {
		if ok, err := p.Match(seen); ok || err != nil {
			b.Fatal(ok, err)
		}
	}
	b.ReportMetric(float64(len(seen))*float64(b.N)/b.Elapsed().Seconds(), "observations/s")
}
