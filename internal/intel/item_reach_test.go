package intel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/incident"
	"noroshi/internal/testkit"
)

// somebody is a reader with what they are.
type somebody struct {
	gate.Identity
	name string
}

func crowd() (out []somebody) {
	for _, r := range gate.Roles {
		kind, _, _ := strings.Cut(string(r), ".")
		for c := range 4 {
			out = append(out, somebody{gate.Identity{Person: fmt.Sprint(r, c), Org: "org-" + kind, Kinds: []string{kind}, Roles: []gate.Role{r}, Clearance: c}, fmt.Sprint(r, " ", c)})
		}
	}
	return append(out, somebody{gate.Identity{Person: "w", Org: "org-office", Kinds: []string{"office"}, Roles: []gate.Role{gate.OfficeAnalyst}, Clearance: 3}, "the writer"},
		somebody{gate.Identity{Person: "n", Org: "named", Kinds: []string{"operator"}, Roles: []gate.Role{gate.OperatorViewer}, Clearance: 1}, "a named one"})
}

func (s somebody) ctx() context.Context { return gate.With(context.Background(), s.Identity) }

// mayKnow is the rule in plain words, apart from rungs and SQL.
func mayKnow(s somebody, it *Item, writer string) bool {
	if s.Clearance < it.Clearance || s.Roles[0] == gate.Actuator { // a machine reads nothing
		return false
	}
	if s.Org == it.Org {
		return it.TLP != incident.Red || s.Person == writer
	}
	if it.State == ItemDraft {
		return false
	}
	if slices.Contains(it.To, s.Org) {
		return true
	}
	switch it.TLP {
	case incident.Amber:
		return s.Kinds[0] == "office" || s.Kinds[0] == "jpcert"
	case incident.Green:
		return s.Kinds[0] != "hub"
	case incident.Clear:
		return true
	}
	return false
}

// For every role and clearance, label and state: who knows of an item is what
// the rule says, on its page, in lists and searches alike, and what is hidden
// looks like what is not there.
func TestLabelsAndClearance(t *testing.T) {
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) {
		h := newItemHub(t, d)
		writer := somebody{gate.Identity{Person: "w", Org: "org-office", Kinds: []string{"office"}, Roles: []gate.Role{gate.OfficeAnalyst}, Clearance: 3}, ""}
		var items []Item
		for _, tlp := range incident.TLPs {
			for c := range 4 {
				for _, state := range []ItemState{ItemDraft, ItemPublished, ItemWithdrawn, ItemReplaced} {
					it, err := h.Add(writer.ctx(), NewItem{Title: "x", Text: "45.77.1.9 CVE-2024-21762", TLP: tlp, Clearance: c, To: []string{"named"}, Source: "a friend"})
					if err == nil && state != ItemDraft {
						it, err = h.Publish(writer.ctx(), it.ID)
					}
					if err == nil && state == ItemWithdrawn {
						it, err = h.Service.Withdraw(writer.ctx(), it.ID, "wrong")
					}
					if err == nil && state == ItemReplaced {
						var next Item
						if next, err = h.Edit(writer.ctx(), it.ID, it.Revision, NewItem{Title: "y", TLP: tlp, Clearance: 3, To: []string{"named"}}); err == nil {
							_, err = h.Publish(writer.ctx(), next.ID)
						}
						it.State = ItemReplaced
					}
					if err != nil {
						t.Fatal(err)
					}
					items = append(items, it)
				}
			}
		}
		for _, who := range crowd() {
			listed := map[string]int{}
			filters := []ItemFilter{{}, {State: ItemReplaced}, {Indicator: "45[.]77[.]1[.]9"}, {Indicator: "45.77.1.9", State: ItemReplaced}, {Vulnerability: "cve-2024-21762"}, {Vulnerability: "CVE-2024-21762", State: ItemReplaced}}
			for _, f := range filters {
				f.Limit = 500
				list, _, err := h.Items(who.ctx(), f)
				if err != nil {
					t.Fatal(err)
				}
				for _, it := range list {
					listed[it.ID]++
				}
			}
			for i := range items {
				want := mayKnow(who, &items[i], "w")
				got, err := h.Item(who.ctx(), items[i].ID)
				_, again := h.History(who.ctx(), items[i].ID)
				if (err == nil) != want || err != nil && !errors.Is(err, ErrNoItem) || errors.Is(again, ErrNoItem) != !want || (listed[items[i].ID] == 3) != want || !want && listed[items[i].ID] != 0 {
					t.Errorf("%s, %s, clearance %d, %s: %v, listed %d times, want %v", who.name, items[i].TLP, items[i].Clearance, items[i].State, err, listed[items[i].ID], want)
				}
				if outside := who.Org != "org-office"; want && outside && (got.To != nil || got.Entry != "" || got.Mine || (got.Source != "") != (who.Kinds[0] == "jpcert") || got.Title == "") {
					t.Errorf("%s learns %+v", who.name, got)
				}
			}
		}
	})
}

// Nothing that is hidden from a reader changes anything the reader is told:
// what they are told is the same before and after hidden items are made,
// changed, published and taken back.
func TestHiddenItemsChangeNothing(t *testing.T) {
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) {
		h := newItemHub(t, d)
		dice := rand.New(rand.NewPCG(7, 11))
		writers := []somebody{{gate.Identity{Person: "w", Org: "org-office", Kinds: []string{"office"}, Roles: []gate.Role{gate.OfficeAnalyst}, Clearance: 3}, ""},
			{gate.Identity{Person: "j", Org: "org-jpcert", Kinds: []string{"jpcert"}, Roles: []gate.Role{gate.JPCERTClerk}, Clearance: 2}, ""}}
		people := crowd()
		dice.Shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] })
		people = append(people[:8], crowd()[60:]...)
		var seen []Item
		one := func() (Item, string) {
			w := writers[dice.IntN(2)]
			n := NewItem{Title: fmt.Sprint("t", dice.IntN(5)), Text: fmt.Sprintf("45.77.1.%d CVE-2024-%d", dice.IntN(4), 1000+dice.IntN(4)), TLP: incident.TLPs[dice.IntN(5)], Clearance: dice.IntN(w.Clearance + 1)}
			if n.TLP == incident.Red || dice.IntN(3) == 0 {
				n.To = []string{"named"}
			}
			it, err := h.Add(w.ctx(), n)
			for step := dice.IntN(4); err == nil && step > 0; step-- {
				switch {
				case step == 1 && it.State == ItemDraft:
					it, err = h.Publish(w.ctx(), it.ID)
				case it.State == ItemPublished:
					it, err = h.Service.Withdraw(w.ctx(), it.ID, "x")
				default:
					var next Item
					if next, err = h.Edit(w.ctx(), it.ID, it.Revision, n); err == nil {
						it = next
					}
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			return it, w.Person
		}
		tell := func(who somebody) string {
			var all []any
			say := func(v any, err error) {
				all = append(all, v, fmt.Sprint(err))
			}
			for _, f := range []ItemFilter{{}, {Limit: 1}, {Limit: 3}, {State: ItemDraft}, {State: ItemPublished}, {State: ItemWithdrawn}, {State: ItemReplaced}, {Indicator: "45.77.1.1"}, {Vulnerability: "CVE-2024-1001"}, {Mine: true}} {
				for page := 0; page < 3; page++ {
					list, next, err := h.Items(who.ctx(), f)
					say(list, err)
					say(next, nil)
					if f.Cursor = next; next == "" {
						break
					}
				}
			}
			for i := range seen {
				it, err := h.Item(who.ctx(), seen[i].ID)
				say(it, err)
				steps, err := h.History(who.ctx(), seen[i].ID)
				say(steps, err)
			}
			raw, err := json.Marshal(all)
			if err != nil {
				t.Fatal(err)
			}
			return string(raw)
		}
		for range 8 {
			it, _ := one()
			seen = append(seen, it)
		}
		for range 8 {
			before := make([]string, len(people))
			for i, who := range people {
				before[i] = tell(who)
			}
			it, writer := one()
			hidden := 0
			for i, who := range people {
				// What came before it in its chain was as visible as it is, or less.
				if !mayKnow(who, &it, writer) && it.Version == 1 {
					if hidden++; tell(who) != before[i] {
						t.Fatalf("%s notices a hidden item: %s, clearance %d, %s", who.name, it.TLP, it.Clearance, it.State)
					}
				}
			}
			if len(seen) < 20 {
				seen = append(seen, it)
			}
		}
	})
}
