package rpz

import (
	"maps"
	mathrand "math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"noroshi/internal/measure/act/driver"
)

// With a zone of its own for what changed lately, both together are the twin at
// every moment, no name is in both with two answers, and the differences of each
// lead from any serial it was at to what it is.
func TestRecentIsTheTwin(t *testing.T) {
	for seed := range uint64(3) {
		rnd := mathrand.New(mathrand.NewPCG(seed, 11))
		c := local(t)
		c.Recent = "new.hub.example"
		now := time.Now()
		begin := func() *zone {
			z, err := open(c, func() time.Time { return now })
			if err != nil {
				t.Fatal(err)
			}
			z.room = 40
			return z
		}
		z := begin()
		rules := map[driver.Rule]bool{}
		history := map[string]map[uint32]map[string]bool{c.Zone: {}, c.Recent: {}}
		folds, both, steps := 0, 0, 0
		for range 40 {
			add, remove := some(rnd, rnd.IntN(12), 60), some(rnd, rnd.IntN(6), 60)
			for r := range rules {
				if rnd.IntN(10) == 0 {
					remove = append(remove, r)
				}
			}
			for _, r := range remove {
				delete(rules, r)
			}
			for _, r := range add {
				rules[r] = true
			}
			folded := z.folded
			apply(t, z, add, remove)
			if now = now.Add(time.Duration(1+rnd.IntN(120)) * time.Second); z.folded != folded {
				folds++
			}
			if rnd.IntN(8) == 0 {
				if err := z.Close(); err != nil {
					t.Fatal(err)
				}
				z = begin()
			}
			union, in := map[string]bool{}, map[string]string{}
			for _, zone := range []string{c.Recent, c.Zone} {
				rrs, err := fetchedZone(c, zone, dns.TypeAXFR, 0)
				if err != nil {
					t.Fatal(err)
				}
				got, serial := set(t, rrs)
				if was := history[zone][serial]; was != nil && !maps.Equal(was, got) {
					t.Fatalf("seed %d: %s was another zone under %d", seed, zone, serial)
				}
				history[zone][serial] = got
				for line := range got {
					line = strings.Replace(line, zone+".\t", "rpz.hub.example.\t", 1)
					if owner, data, _ := strings.Cut(line, "\t"); owner != "rpz.hub.example." {
						in[owner] += zone + data + ";"
						if strings.Contains(in[owner], c.Recent) && strings.Contains(in[owner], c.Zone) {
							both++
						}
					}
					union[line] = true
				}
				tried := 0
				for old, was := range history[zone] { // in no order
					if tried++; tried > 5 {
						break
					}
					rrs, err := fetchedZone(c, zone, dns.TypeIXFR, old)
					if err != nil {
						t.Fatal(err)
					}
					if len(rrs) > 1 {
						if _, ok := rrs[1].(*dns.SOA); ok {
							steps++
						}
					}
					if next := moved(t, was, old, rrs); !maps.Equal(next, got) {
						t.Fatalf("seed %d: %s since %d of %d is another zone", seed, zone, old, serial)
					}
				}
			}
			if want := twin(rules); !maps.Equal(union, want) {
				t.Fatalf("seed %d: %d records, want %d", seed, len(union), len(want))
			}
		}
		if folds < 2 || both == 0 || steps == 0 {
			t.Errorf("%d folds, %d names in both, %d differences: too few to mean anything", folds, both, steps)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
