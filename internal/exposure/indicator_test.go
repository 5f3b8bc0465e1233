package exposure

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/base/gate"
	"noroshi/internal/incident"
	"noroshi/internal/intel"
	"pgregory.net/rapid"
)

// The index finds what the comparison alone finds, and what the tags find holds
// all of it.
func TestFindIsTheComparison(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := func(name string) string {
			switch rapid.IntRange(0, 3).Draw(t, name+"kind") {
			case 0:
				labels := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "vpn"}), 0, 3).Draw(t, name+"labels")
				d := strings.Join(append(labels, "wind", "example"), ".")
				if rapid.Bool().Draw(t, name+"wild") {
					d = "*." + d
				}
				return d
			case 1:
				a := netip.MustParseAddr(fmt.Sprintf("2001:db8:0:%x::%x", rapid.IntRange(0, 2).Draw(t, name+"s"), rapid.IntRange(0, 3).Draw(t, name+"h")))
				bits := rapid.SampledFrom([]int{32, 47, 48, 63, 64, 127, 128}).Draw(t, name+"bits")
				if bits == 128 {
					return a.String()
				}
				return netip.PrefixFrom(a, bits).Masked().String()
			}
			a := netip.AddrFrom4([4]byte{198, byte(51 + rapid.IntRange(0, 1).Draw(t, name+"b")), byte(rapid.IntRange(0, 2).Draw(t, name+"c")), byte(rapid.IntRange(0, 20).Draw(t, name+"d"))})
			bits := rapid.IntRange(14, 32).Draw(t, name+"bits")
			if bits == 32 {
				return a.String()
			}
			return netip.PrefixFrom(a, bits).Masked().String()
		}
		it := &intel.Item{ID: "i"}
		for i := range rapid.IntRange(1, 6).Draw(t, "n") {
			it.Indicators = append(it.Indicators, intel.Indicator{Value: value(fmt.Sprint("ask", i))})
		}
		have := value("have")
		var addresses, domains []string
		if strings.Contains(have, "example") {
			domains = []string{have}
		} else {
			addresses = []string{have}
		}
		var want []string
		tagged := spots(addresses, domains)
		for _, x := range it.Indicators {
			ind, ok := ParseIndicator(x.Value)
			if !ok || !ind.touches(addresses, domains) {
				continue
			}
			want = append(want, x.Value)
			if !slices.ContainsFunc(ind.asks(), func(a string) bool { return slices.Contains(tagged, a) }) {
				t.Fatalf("%s touches %s and no tag finds it", x.Value, have)
			}
		}
		slices.Sort(want)
		if got := lookedOf([]*intel.Item{it}).find(addresses, domains)["i"]; !slices.Equal(got, slices.Compact(want)) {
			t.Fatalf("%s: %q, want %q of %v", have, got, want, it.Values())
		}
	})
}

// items gives the hub items of intelligence.
func (h *hub) items() { h.intel.Keys = h.Parts.Keys }

func (h *hub) publish(tlp incident.TLP, clearance int, to string, values ...string) intel.Item {
	h.t.Helper()
	n := intel.NewItem{Title: "item of " + values[0], TLP: tlp, Clearance: clearance}
	for _, v := range values {
		n.Indicators = append(n.Indicators, intel.Indicator{Value: v})
	}
	if to != "" {
		n.To = []string{h.country.ID(to)}
	}
	it, err := h.intel.Add(h.cleared(3), n)
	if err == nil {
		it, err = h.intel.Publish(h.cleared(3), it.ID)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return it
}

// cleared is the analyst with a clearance.
func (h *hub) cleared(level int) context.Context { return raised(h.analyst(), level) }

func raised(ctx context.Context, level int) context.Context {
	who, _ := gate.From(ctx)
	who.Clearance = level
	return gate.With(ctx, who)
}

// appears says what somebody is told, in a line for each item.
func (h *hub) appears(ctx context.Context) (out []string) {
	h.t.Helper()
	for cursor := ""; ; {
		list, next, err := h.Appears(ctx, cursor, 2)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, a := range list {
			line := fmt.Sprint(a.Title, " ", a.Operators, " ", a.Entries)
			for _, e := range a.Hits {
				line += " " + strings.Join(e.Values, ",")
			}
			out = append(out, line)
		}
		if cursor = next; cursor == "" {
			slices.Sort(out)
			return out
		}
	}
}

// A new item finds the registers and a changed register finds the items, to the
// same end, each in its own order; who may know what is as the item's marks say.
func TestItemsAndRegistersFindEachOther(t *testing.T) {
	for _, first := range []string{"item", "register"} {
		t.Run(first, func(t *testing.T) {
			eachHub(t, func(t *testing.T, h *hub) {
				h.items()
				items := func() {
					h.publish(incident.Green, 0, "", "::ffff:203.0.113.9", "https://b.wind.example:8443/x", "2001:db8:7::/64", "45.77.1.9")
					h.publish(incident.Green, 0, "", "*.sea.example")
					h.publish(incident.Green, 2, "", "203.0.113.0/28")
					h.publish(incident.Amber, 0, "", "203.0.113.10")
					h.publish(incident.Red, 0, "wind", "203.0.113.11")
					h.publish(incident.Clear, 0, "", "192.0.2.0/24")
				}
				registers := func() {
					h.add(h.wind(), "addresses", "203.0.113.0/24; 2001:db8:7::1", "domains", "*.wind.example")
					h.add(h.wind(), "addresses", "198.51.100.1")
					h.add(h.as("sea"), "addresses", "203.0.113.9", "domains", "vpn.sea.example")
				}
				if first == "item" {
					items()
					h.settle()
					registers()
				} else {
					registers()
					h.settle()
					items()
				}
				h.settle()
				main := "item of ::ffff:203.0.113.9 "
				check := func(who string, ctx context.Context, want ...string) {
					t.Helper()
					slices.Sort(want)
					if got := h.appears(ctx); !slices.Equal(got, want) {
						t.Errorf("%s:\n got %q\nwant %q", who, got, want)
					}
				}
				check("wind", h.wind(), main+"0 1 2001:db8:7::/64,203.0.113.9,https://b.wind.example:8443/x", "item of 203.0.113.11 0 1 203.0.113.11")
				check("wind, cleared", raised(h.wind(), 2), main+"0 1 2001:db8:7::/64,203.0.113.9,https://b.wind.example:8443/x", "item of 203.0.113.11 0 1 203.0.113.11", "item of 203.0.113.0/28 0 1 203.0.113.0/28")
				check("sea", h.as("sea"), main+"0 1 203.0.113.9", "item of *.sea.example 0 1 *.sea.example")
				check("bank", h.as("bank"))
				check("the office", h.cleared(0), main+"2 2", "item of *.sea.example 1 1", "item of 203.0.113.10 1 1", "item of 203.0.113.11 1 1", "item of 192.0.2.0/24 0 0")
				for _, who := range []context.Context{h.country.As("industry", "c", gate.MinistryClerk), h.country.As("office", "x", gate.OfficeClerk)} {
					if _, _, err := h.Appears(who, "", 0); err == nil {
						t.Error("somebody else is told")
					}
				}
			})
		})
	}
}

func TestTouchesFollowChanges(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.items()
		e := h.add(h.wind(), "addresses", "203.0.113.9")
		it := h.publish(incident.Green, 0, "", "203.0.113.9", "203.0.113.77")
		h.settle()
		is := func(want ...string) {
			t.Helper()
			h.settle()
			if got := h.appears(h.wind()); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		is("item of 203.0.113.9 0 1 203.0.113.9")
		e = h.change(h.wind(), e, "addresses", "203.0.113.77")
		is("item of 203.0.113.9 0 1 203.0.113.77")
		e = h.change(h.wind(), e, "addresses", "203.0.113.78")
		is()
		e = h.change(h.wind(), e, "addresses", "203.0.113.9; 203.0.113.77")
		is("item of 203.0.113.9 0 1 203.0.113.77,203.0.113.9")
		next, err := h.intel.Edit(h.cleared(3), it.ID, it.Revision, intel.NewItem{Title: "next", TLP: incident.Green, Text: "203[.]0[.]113[.]77"})
		if err == nil {
			_, err = h.intel.Publish(h.cleared(3), next.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		is("next 0 1 203.0.113.77")
		if err := h.assets.Remove(h.wind(), e.ID, e.Revision); err != nil {
			t.Fatal(err)
		}
		is()
		h.add(h.wind(), "addresses", "203.0.113.0/24")
		is("next 0 1 203.0.113.77")
		if _, err := h.intel.Withdraw(h.cleared(3), next.ID, "wrong"); err != nil {
			t.Fatal(err)
		}
		is()
		got, err := h.Registered(context.Background(), nil, nil, "")
		if err != nil || len(got) != 0 {
			t.Errorf("%v %v", got, err)
		}
	})
}

// An item of many indicators goes through the operators a few at a time, and
// misses none.
func TestALargeItemFindsEveryRegister(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.items()
		for i, name := range []string{"wind", "sea", "bank"} {
			h.add(h.as(name), "addresses", fmt.Sprintf("203.0.113.%d", i+1))
			for j := range 3 {
				h.add(h.as(name), "addresses", fmt.Sprintf("198.51.%d.%d", i, j))
			}
		}
		h.settle()
		values := []string{"203.0.113.0/29"}
		for i := range 2100 {
			values = append(values, fmt.Sprintf("45.77.%d.%d", i/250, 1+i%250))
		}
		h.publish(incident.Green, 0, "", values...)
		h.settle()
		for _, name := range []string{"wind", "sea", "bank"} {
			if got := h.appears(h.as(name)); !slices.Equal(got, []string{"item of 203.0.113.0/29 0 1 203.0.113.0/29"}) {
				t.Errorf("%s: %q", name, got)
			}
		}
	})
}
