package exposure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"pgregory.net/rapid"
)

func TestIndicators(t *testing.T) {
	for _, c := range []struct {
		ask, addresses, domains string
		want                    bool
	}{
		{"198.51.100.7", "198.51.100.7", "", true},
		{"198.51.100.8", "198.51.100.7", "", false},
		{"198.51.100.7", "198.51.100.0/24", "", true},
		{"198.51.0.0/16", "198.51.100.7", "", true},
		{"198.51.100.0/28", "198.51.100.7", "", true},
		{"198.51.100.16/28", "198.51.100.7", "", false},
		{"198.51.100.0/28", "198.51.0.0/16", "", true},
		{"198.51.0.0/17", "198.51.100.0/24", "", true},
		{"2001:db8::1", "2001:db8::/64", "", true},
		{"2001:db8::/48", "2001:db8::1", "", true},
		{"2001:db9::1", "2001:db8::/32", "", false},
		{"vpn.wind.example", "", "vpn.wind.example", true},
		{"vpn.wind.example", "", "*.wind.example", true},
		{"a.vpn.wind.example", "", "vpn.wind.example", true},
		{"wind.example", "", "vpn.wind.example", false},
		{"vpn.sea.example", "", "*.wind.example", false},
	} {
		ind, ok := ParseIndicator(c.ask)
		if !ok {
			t.Fatalf("%s cannot be read", c.ask)
		}
		have := spots(fields(c.addresses), fields(c.domains))
		byTag := slices.ContainsFunc(ind.asks(), func(a string) bool { return slices.Contains(have, a) })
		if got := ind.touches(fields(c.addresses), fields(c.domains)); got != c.want || got && !byTag {
			t.Errorf("%s touches %s%s: %v (by tag %v), want %v", c.ask, c.addresses, c.domains, got, byTag, c.want)
		}
	}
	for _, bad := range []string{"", "10.0.0.0/8", "2001::/32", "localhost", "http://x.example/", "*"} {
		if ind, ok := ParseIndicator(bad); ok {
			t.Errorf("%q is taken for %+v", bad, ind)
		}
	}
}

func fields(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Fields(s)
}

// Whatever touches is found by its tags: the comparison alone is the twin.
func TestNothingThatTouchesIsMissed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		address := func(name string) string {
			a := netip.AddrFrom4([4]byte{198, byte(51 + rapid.IntRange(0, 1).Draw(t, name+"b")), byte(rapid.IntRange(0, 2).Draw(t, name+"c")), byte(rapid.IntRange(0, 20).Draw(t, name+"d"))})
			bits := rapid.IntRange(14, 32).Draw(t, name+"bits")
			if bits == 32 {
				return a.String()
			}
			return netip.PrefixFrom(a, bits).Masked().String()
		}
		have, ask := address("have"), address("ask")
		ind, ok := ParseIndicator(ask)
		if !ok {
			return
		}
		list := spots([]string{have}, nil)
		if ind.touches([]string{have}, nil) && !slices.ContainsFunc(ind.asks(), func(a string) bool { return slices.Contains(list, a) }) {
			t.Fatalf("%s touches %s and is not found: %v in %v", ask, have, ind.asks(), list)
		}
	})
}

func FuzzParseIndicator(f *testing.F) {
	for _, s := range []string{"198.51.100.7", "198.51.0.0/16", "*.wind.example", "[2001:db8::1]", "１９８.51.100.7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		i, ok := ParseIndicator(s)
		if !ok {
			return
		}
		if len(i.asks()) == 0 {
			t.Fatalf("%q asks nothing", s)
		}
		if again, ok := ParseIndicator(i.Value); !ok || again.Value != i.Value {
			t.Fatalf("%q is written %q and does not come back", s, i.Value)
		}
	})
}

func TestWhoseNetworksAnIndicatorTouches(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		e := h.add(h.wind(), "addresses", "198.51.100.7; 203.0.113.0/24", "domains", "*.wind.example")
		h.add(h.as("sea"), "addresses", "203.0.113.9")
		h.settle()
		touch := func(ctx context.Context, values ...string) (out []string) {
			got, err := h.Touch(ctx, values)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range got {
				out = append(out, fmt.Sprint(x.Indicator, " ", x.OrgName, " ", x.Entries, " ", len(x.Items)))
			}
			slices.Sort(out)
			return out
		}
		if got := touch(h.analyst(), "203.0.113.9", "a.wind.example", "192.0.2.1"); !slices.Equal(got, []string{"203.0.113.9 試験sea(架空) 1 0", "203.0.113.9 試験wind(架空) 1 0", "a.wind.example 試験wind(架空) 1 0"}) {
			t.Errorf("the office: %q", got)
		}
		if got := touch(h.wind(), "203.0.113.9", "198.51.100.0/24"); !slices.Equal(got, []string{"198.51.100.0/24 試験wind(架空) 1 1", "203.0.113.9 試験wind(架空) 1 1"}) {
			t.Errorf("the operator itself: %q", got)
		}
		if _, err := h.Touch(h.country.As("industry", "c", gate.MinistryClerk), []string{"203.0.113.9"}); !errors.Is(err, gate.ErrRole) {
			t.Errorf("a ministry: %v", err)
		}
		if _, err := h.Touch(h.wind(), []string{"203.0.113.9", "10.0.0.0/8"}); !errors.Is(err, errIndicator) {
			t.Errorf("too wide: %v", err)
		}
		h.change(h.wind(), e, "addresses", "192.0.2.1")
		h.settle()
		if got := touch(h.analyst(), "203.0.113.9", "192.0.2.1"); !slices.Equal(got, []string{"192.0.2.1 試験wind(架空) 1 0", "203.0.113.9 試験sea(架空) 1 0"}) {
			t.Errorf("after a change: %q", got)
		}
	})
}

// An own sighting is an attack; one that is taken back is none.
func TestOwnSightings(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		seen := map[string]int{}
		h.Service.Seen = func(_ context.Context, _ *db.Tx, id string) (int, error) { return seen[id], nil }
		h.exposed()
		say := func(n int) Exposure {
			seen["CVE-2026-90001"] = n
			raw, _ := json.Marshal(map[string]any{"id": "x", "kind": "exploited", "vulnerability": "CVE-2026-90001", "org": "o"})
			err := h.Parts.DB.Write(context.Background(), func(tx *db.Tx) error {
				return bus.Publish(context.Background(), tx, "sighting.recorded", json.RawMessage(raw))
			})
			if err != nil {
				t.Fatal(err)
			}
			h.settle()
			return h.one(h.wind())
		}
		if e := say(1); e.Priority != Act || !e.Exploited || e.Reasons[0] != (Reason{Code: "exploited_here"}) {
			t.Errorf("seen: %+v", e)
		}
		if e := say(0); e.Priority == Act || e.Exploited {
			t.Errorf("taken back: %+v", e)
		}
	})
}

// What a follower did and the hub died before it was committed is done again,
// and what it did twice is the same.
func TestKilledBetweenSteps(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		ctx := context.Background()
		for i := range 12 {
			h.add(h.as([]string{"wind", "sea", "bank"}[i%3]), "cpe", cpeOf("orvane", "gate"+fmt.Sprint(i%4)), "version", "1.0")
		}
		for i := range 4 {
			h.say(said{id: fmt.Sprintf("CVE-2026-9%04d", i), vendor: "orvane", product: "gate" + fmt.Sprint(i), before: "2.0"})
		}
		// Every transaction of every follower fails at its end, once.
		died := map[string]bool{}
		var dying []bus.Follower
		for _, f := range Followers(h.Service) {
			handle := f.Handle
			f.Handle = func(ctx context.Context, tx *db.Tx, ev bus.Event) error {
				if err := handle(ctx, tx, ev); err != nil {
					return err
				}
				if !died[f.Name+ev.ID] {
					died[f.Name+ev.ID] = true
					return errors.New("killed")
				}
				return nil
			}
			dying = append(dying, f)
		}
		b := bus.New(h.Parts.DB, slog.New(slog.DiscardHandler), dying...)
		for range 6 {
			if err := b.Settle(ctx); err != nil {
				t.Fatal(err)
			}
			err := h.Parts.DB.Write(ctx, func(tx *db.Tx) error { // the pause is over
				_, err := tx.Exec(ctx, "UPDATE bus_delivery SET next_at = 0")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if len(died) < 16 {
			t.Fatalf("only %d steps were killed", len(died))
		}
		if got, want := h.rows(), h.twin(); len(want) != 12 || !slices.Equal(got, want) {
			t.Errorf("after the kills:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		h.sums()
		// A rematch dies between two products and goes on where it stood.
		for i := range 4 {
			err := h.Parts.DB.Write(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(ctx, "DELETE FROM exposure_row WHERE product_key = $1", "cpe:o:orvane:gate"+fmt.Sprint(i))
				if err == nil {
					_, err = tx.Exec(ctx, "UPDATE exposure_group SET digest = ''")
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		short, stop := context.WithCancel(h.analyst())
		k := []*knowledge{h.knowledge()}
		var c Counts
		if err := h.rematchKeys(short, []string{"cpe:o:orvane:gate0"}, k, &c); err != nil {
			t.Fatal(err)
		}
		stop()
		if _, err := h.Rematch(short); err == nil {
			t.Error("a rematch of nobody's goes on")
		}
		run, err := h.Rematch(h.analyst())
		if err != nil || run.Counts.Found != 9 {
			t.Errorf("after a rematch that died: %+v %v", run.Counts, err)
		}
		if got, want := h.rows(), h.twin(); !slices.Equal(got, want) {
			t.Errorf("after a rematch that died: %v, want %v", got, want)
		}
		h.sums()
	})
}
