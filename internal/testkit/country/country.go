// Package country registers the invented organisations that tests of nouns
// happen among: operators, ministries, the public bodies, a maker, a
// contractor and a supplier, and makes people of theirs act.
package country

import (
	"context"
	"fmt"
	"testing"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

// Country is a service of organisations and who there is.
type Country struct {
	*org.Service
	ids   map[string]org.ID
	kinds map[string]string
	secs  map[string][]string
}

// Sources are the tables a country needs besides those of testkit.Base.
func Sources() []db.Source { return []db.Source{{Noun: "org", FS: org.Migrations}} }

// members are the organisations of every country. The two power companies are
// of one sector, so that a test can ask whether one learns of the other.
var members = []struct {
	name, kind string
	sectors    []string
	contacts   bool
}{
	{"wind", "operator", []string{"electricity"}, true},
	{"sea", "operator", []string{"electricity"}, false},
	{"bank", "operator", []string{"finance"}, false},
	{"industry", "ministry", []string{"electricity", "gas", "oil"}, false},
	{"treasury", "ministry", []string{"finance"}, false},
	{"office", "office", nil, false},
	{"police", "police", nil, false},
	{"privacy", "privacy", nil, false},
	{"jpcert", "jpcert", nil, false},
	{"commission", "commission", nil, false},
	{"maker", "maker", nil, false},
	{"contractor", "contractor", nil, false},
	{"supplier", "supplier", nil, false},
	{"hub", "hub", nil, false},
	{"defence", "defence", nil, false},
	{"foreign", "foreign", nil, false},
	{"safety", "safety", nil, false},
	{"prefecture", "prefecture", nil, false},
	{"carrier", "carrier", nil, false},
}

// cheap makes password checks fast; what they cost has tests in org.
var cheap = org.Cost{Memory: 8, Time: 1, Lanes: 1}

// New registers the country.
func New(t testing.TB, p *testkit.Parts) *Country {
	t.Helper()
	s, err := org.New(org.Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Now: p.Clock.Now, Cost: cheap, Hashers: 2})
	if err != nil {
		t.Fatal(err)
	}
	c := &Country{Service: s, ids: map[string]org.ID{}, kinds: map[string]string{}, secs: map[string][]string{}}
	for i, m := range members {
		number, err := org.CompleteNumber(fmt.Sprintf("9999%08d", i+1))
		if err != nil {
			t.Fatal(err)
		}
		o := org.Org{Number: number, Name: text.Both{JA: "試験" + m.name + "（架空）", EN: "Test " + m.name}, Kinds: []org.Kind{org.Kind(m.kind)}, Sectors: m.sectors}
		if m.contacts {
			o.Contacts = []org.Contact{
				{Duty: org.Responsible, Name: "試験 責任", Department: "情報部", Mail: "lead@" + m.name + ".example", Phone: "00-0000-0001"},
				{Duty: org.AllHours, Name: "当直", Phone: "00-0000-0002"},
			}
		}
		made, err := s.Register(org.Local(context.Background()), o)
		if err != nil {
			t.Fatalf("register %s: %v", m.name, err)
		}
		c.ids[m.name], c.kinds[m.name], c.secs[m.name] = made.ID, m.kind, m.sectors
	}
	return c
}

// ID returns the id of a member by its name in the list above.
func (c *Country) ID(name string) string {
	id, ok := c.ids[name]
	if !ok {
		panic("BUG: country: nobody is called " + name)
	}
	return string(id)
}

// Names lists the members, for tests that try everybody.
func (c *Country) Names() (names []string) {
	for _, m := range members {
		names = append(names, m.name)
	}
	return names
}

// Identity returns somebody of a member's with roles. Person tells people of
// one organisation apart.
func (c *Country) Identity(name, person string, roles ...gate.Role) gate.Identity {
	return gate.Identity{
		Person: name + "/" + person, Name: person, Org: c.ID(name), OrgName: name, Kinds: []string{c.kinds[name]},
		Sectors: c.secs[name], Roles: roles, Session: "session-" + name + "-" + person, Lang: "ja",
	}
}

// As returns a context in which that somebody acts.
func (c *Country) As(name, person string, roles ...gate.Role) context.Context {
	return gate.With(context.Background(), c.Identity(name, person, roles...))
}
