package names

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"noroshi/internal/measure/act/driver"
)

// twin is the slow and obvious way to hold rules.
type twin map[driver.Rule]bool

func (w twin) effects() map[string]Effect {
	out := map[string]Effect{}
	for r := range w {
		rank := map[driver.Answer]Rank{"": Listed, driver.Walled: Walled, driver.NoData: NoData, driver.NoDomain: NoDomain}[r.Answer]
		e := out[r.Name]
		e.Here = max(e.Here, rank)
		if r.Below {
			e.Below = max(e.Below, rank)
		}
		out[r.Name] = e
	}
	return out
}

func some(rnd *rand.Rand, n, names int) (rules []driver.Rule) {
	answers := []driver.Answer{driver.NoDomain, driver.NoData, driver.Walled}
	for range n {
		rules = append(rules, driver.Rule{
			Order: fmt.Sprint("order-", rnd.IntN(4)), Kind: driver.Sinkhole, Name: fmt.Sprintf("n%d.bad.example", rnd.IntN(names)),
			Below: rnd.IntN(3) == 0, Answer: answers[rnd.IntN(3)],
		})
	}
	return rules
}

func byAll(a, b driver.Rule) int {
	below := map[bool]int{true: 1}
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Order, b.Order), cmp.Compare(a.Answer, b.Answer), below[a.Below]-below[b.Below])
}

// Random changes give what the twin says, tell exactly the effects that changed,
// and a folder that is opened again holds the same.
func TestHeldIsItsTwin(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		names := 3 + rnd.IntN(600)
		c := Config{Kind: driver.Sinkhole, Dir: t.TempDir(), Mark: "m", Max: 1_000_000}
		s, err := Open(c, nil)
		if err != nil {
			t.Fatal(err)
		}
		w := twin{}
		for round := range 12 {
			add, remove := some(rnd, rnd.IntN(2*names), names), some(rnd, rnd.IntN(names), names)
			before := w.effects()
			for _, r := range remove {
				delete(w, r)
			}
			for _, r := range add {
				w[r] = true
			}
			after := w.effects()
			want := map[string][2]Effect{}
			for n := range maps.All(before) {
				want[n] = [2]Effect{before[n], after[n]}
			}
			for n := range maps.All(after) {
				want[n] = [2]Effect{before[n], after[n]}
			}
			maps.DeleteFunc(want, func(_ string, e [2]Effect) bool { return e[0] == e[1] })
			told, last := map[string][2]Effect{}, ""
			p, err := s.Plan(add, remove, func(name string, before, after Effect) {
				if name <= last {
					t.Fatalf("%s after %s", name, last)
				}
				last, told[name] = name, [2]Effect{before, after}
			})
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(told, want) || p.Changed != len(want) {
				t.Fatalf("seed %d: told %d changes, want %d", seed, len(told), len(want))
			}
			if err := s.Commit(p, uint32(round+1), s.Full()); err != nil {
				t.Fatal(err)
			}
			if rnd.IntN(3) == 0 {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if s, err = Open(c, nil); err != nil {
					t.Fatal(err)
				}
			}
			held, serial := s.Held()
			got := map[string]Effect{}
			held.Each(func(name []byte, e Effect) bool { got[string(name)] = e; return true })
			if !maps.Equal(got, after) || serial != uint32(round+1) || held.Names() != len(after) || held.claims != len(w) {
				t.Fatalf("seed %d: %d names and %d claims, want %d and %d", seed, held.Names(), held.claims, len(after), len(w))
			}
			for n, e := range after {
				if held.Effect(n) != e {
					t.Fatalf("%s is %v, want %v", n, held.Effect(n), e)
				}
			}
			// What was never held is missing, what nobody wants is extra.
			wanted := slices.SortedFunc(maps.Keys(w), byAll)
			lost, more := wanted[:min(3, len(wanted))], driver.Rule{Order: "order-new", Kind: driver.Sinkhole, Name: "new.bad.example", Answer: driver.NoData}
			missing, extra := s.Compare(append(slices.Clone(wanted[len(lost):]), more), 100)
			slices.SortFunc(extra, byAll)
			if len(missing) != 1 || missing[0] != more || !slices.Equal(extra, lost) {
				t.Fatalf("missing %v, extra %v", missing, extra)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNothingHeldHasNoEffect(t *testing.T) {
	if e := (&Held{}).Effect("bad.example"); e != (Effect{}) {
		t.Error(e)
	}
}

// Blocks stay near their size however names come and go.
func TestBlocksStaySmall(t *testing.T) {
	h := &Held{}
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 5_000 {
		c := change{claim: claim{name: fmt.Sprintf("n%d.bad.example", rnd.IntN(1_000_000)), word: 2}}
		h = h.with([]change{c}, nil)
	}
	bytes := 0
	for _, b := range h.blocks {
		if bytes += len(b.data); len(b.data) > 2*blockBytes {
			t.Errorf("a block has %d bytes", len(b.data))
		}
	}
	if n := len(h.blocks); n > 4*bytes/blockBytes {
		t.Errorf("%d blocks for %d bytes", n, bytes)
	}
}
