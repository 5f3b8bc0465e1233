package app

import (
	"cmp"
	"context"
	crand "crypto/rand"
	"embed"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/pquerna/otp/totp"
	"golang.org/x/sync/errgroup"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
	"noroshi/internal/selection"
)

//go:embed data/demo
var demoData embed.FS

// plan is the data of the demo: who there is, what they run and what happens.
type plan struct {
	Orgs      []orgPlan                      `toml:"org"`
	Ties      []tiePlan                      `toml:"tie"`
	People    map[string][]string            `toml:"people"`
	Products  []productPlan                  `toml:"product"`
	Events    []eventPlan                    `toml:"event"`
	Incidents []incidentPlan                 `toml:"incident"`
	Words     map[string]map[string][]string `toml:"words"`
}

// orgPlan is one organisation.
type orgPlan struct {
	ID      string
	Kinds   []org.Kind
	Sectors []string
	Base    string // corporate number without its check digit
	Name    text.Both
	Kana    string
	Domain  string
	Address string
	Service text.Both
	Sites   []string
	English bool // its people write English
	Lead    bool // has people of both languages in every role
	Weight  int  // pieces of equipment
}

// tiePlan is a supply or contractor link of several customers.
type tiePlan struct {
	Kind      org.TieKind
	Other     string
	Customers []string
	Services  string
	Declared  bool // not answered yet
}

func loadPlan() (*plan, error) {
	var p plan
	for _, name := range []string{"country", "equipment", "events"} {
		raw, err := demoData.ReadFile("data/demo/" + name + ".toml")
		if err != nil {
			return nil, err
		}
		meta, err := toml.Decode(string(raw), &p)
		if err != nil {
			return nil, fmt.Errorf("demo: %s: %w", name, err)
		}
		if u := meta.Undecoded(); len(u) > 0 {
			return nil, fmt.Errorf("demo: %s: unknown key %s", name, u[0])
		}
	}
	return &p, nil
}

// staff is who works at an organisation of a kind. Where two people must not
// be one, there are two.
var staff = map[org.Kind][]gate.Role{
	org.Operator: {gate.OperatorAdmin, gate.OperatorReporter, gate.OperatorReporter, gate.OperatorViewer},
	org.Ministry: {gate.MinistryClerk, gate.MinistrySuper, gate.MinistrySuper},
	org.Office:   {gate.OfficeClerk, gate.OfficeAnalyst, gate.OfficeAnalyst, gate.OfficeHandler, gate.OfficeHandler, gate.Minister},
	org.Police:   {gate.PoliceOfficer, gate.PoliceCommand, gate.PoliceCommand, gate.PoliceExecutive, gate.PoliceExecutive, gate.PoliceSuperior, gate.Actuator},
	org.Defence:  {gate.DefenceCommand, gate.DefenceCommand, gate.DefenceUnit, gate.DefenceUnit, gate.DefenceSuperior}, org.Foreign: {gate.ForeignClerk}, org.Safety: {gate.SafetyMember},
	org.Privacy: {gate.PrivacyClerk},
	org.JPCERT:  {gate.JPCERTClerk}, org.Commission: {gate.CommissionMember, gate.CommissionMember, gate.CommissionMember, gate.Examiner, gate.Inspector}, org.Carrier: {gate.CarrierClerk, gate.CarrierClerk, gate.Actuator}, org.Maker: {gate.MakerContact},
	org.Contractor: {gate.Maintainer}, org.Supplier: {gate.SupplierContact}, org.Hub: {gate.HubAdmin},
}

// clearances of roles, as a suitability assessment would have given them.
var clearances = map[gate.Role]int{
	gate.OperatorAdmin: 1, gate.OperatorReporter: 1, gate.MinistryClerk: 2, gate.MinistrySuper: 2, gate.OfficeClerk: 2,
	gate.OfficeAnalyst: 3, gate.PoliceOfficer: 2, gate.PrivacyClerk: 1, gate.JPCERTClerk: 1, gate.CommissionMember: 3,
	gate.OfficeHandler: 3, gate.Examiner: 3, gate.Inspector: 3, gate.CarrierClerk: 1,
	gate.PoliceCommand: 3, gate.PoliceExecutive: 3, gate.PoliceSuperior: 3, gate.DefenceSuperior: 3, gate.DefenceCommand: 3, gate.DefenceUnit: 3, gate.ForeignClerk: 3, gate.SafetyMember: 3, gate.Minister: 3,
}

// member is one organisation that is registered, with its people.
type member struct {
	orgPlan
	org.Org
	people []person
	pieces []piece
}

// person is somebody of a member, and the context in which they act.
type person struct {
	org.Person
	ctx context.Context
}

// lang is the language that the member's people write.
func (m *member) lang() text.Lang {
	if m.English {
		return text.EN
	}
	return text.JA
}

// with returns the n-th person of the member with a role, from 0.
func (m *member) with(role gate.Role, n int) (person, error) {
	for _, p := range m.people {
		if p.Has(role) && p.State == org.Active {
			if n == 0 {
				return p, nil
			}
			n--
		}
	}
	return person{}, fmt.Errorf("demo: %s has too few people as %s", m.orgPlan.ID, role)
}

// country is a hub with the demo's country on it, or as much as is built.
type country struct {
	*plan
	h     *Hub
	clock *clock
	now   time.Time // when the reader comes
	rnd   *rand.Rand
	by    map[string]*member // by the id of the plan
	list  selection.List     // that the office selects by
	all   []*member
	box   *box // equipment of the carrier
}

func newCountry(h *Hub, clock *clock, seed uint64) (*country, error) {
	p, err := loadPlan()
	if err != nil {
		return nil, err
	}
	return &country{plan: p, h: h, clock: clock, now: clock.Now().Truncate(time.Second), by: map[string]*member{},
		rnd: rand.New(rand.NewPCG(seed, 0x6e6f726f736869))}, nil
}

// parallel is how many acts of the same instant run at once: they share the
// commits that they wait for.
const parallel = 16

// found registers organisations, all of the plan or those named, and their
// people, at an instant.
func (c *country) found(ctx context.Context, at time.Time, only ...string) error {
	c.clock.Set(at)
	names := c.names()
	var g errgroup.Group
	g.SetLimit(parallel)
	local := org.Local(ctx)
	for _, o := range c.Orgs {
		if len(only) > 0 && !slices.Contains(only, o.ID) {
			continue
		}
		m := &member{orgPlan: o}
		c.by[o.ID], c.all = m, append(c.all, m)
		people := m.hire(names)
		g.Go(func() (err error) {
			number, err := org.CompleteNumber(o.Base)
			if err != nil {
				return fmt.Errorf("demo: %s: %w", o.ID, err)
			}
			m.Org, err = c.h.Orgs.Register(local, org.Org{Number: number, Name: o.Name, Kana: o.Kana, Kinds: o.Kinds, Sectors: o.Sectors, Contacts: o.contacts(people)})
			if err != nil {
				return fmt.Errorf("demo: register %s: %w", o.ID, err)
			}
			for i := range people {
				people[i].Org = m.Org.ID
			}
			m.people, err = c.join(ctx, m, people)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return c.tie(ctx, local)
}

// names returns a source of names, in an order of the seed, without end.
func (c *country) names() func(text.Lang) string {
	made := map[text.Lang]int{}
	family, given := map[text.Lang][]string{}, map[text.Lang][]string{}
	for _, l := range text.Langs {
		family[l], given[l] = slices.Clone(c.People[string(l)+"_family"]), slices.Clone(c.People[string(l)+"_given"])
		c.rnd.Shuffle(len(family[l]), func(i, j int) { family[l][i], family[l][j] = family[l][j], family[l][i] })
		c.rnd.Shuffle(len(given[l]), func(i, j int) { given[l][i], given[l][j] = given[l][j], given[l][i] })
	}
	return func(l text.Lang) string {
		n := made[l]
		made[l]++
		f := family[l][n%len(family[l])]
		g := given[l][(n+n/len(family[l]))%len(given[l])]
		if l == text.EN {
			return g + " " + f
		}
		return f + " " + g
	}
}

// hire lists the people of a member.
func (m *member) hire(names func(text.Lang) string) (out []org.Person) {
	other := map[text.Lang]text.Lang{text.JA: text.EN, text.EN: text.JA}
	count := map[gate.Role]int{}
	add := func(role gate.Role, l text.Lang) {
		count[role]++
		_, short, _ := strings.Cut(string(role), ".")
		out = append(out, org.Person{Name: names(l), Mail: short + strconv.Itoa(count[role]) + "@" + m.Domain, Lang: l,
			Roles: []gate.Role{role}, Clearance: clearances[role]})
	}
	var posts []gate.Role
	for _, kind := range m.orgPlan.Kinds {
		posts = append(posts, staff[kind]...)
	}
	for _, role := range posts {
		l := m.lang()
		if count[role] > 0 { // the second of two speaks the other language
			l = other[l]
		}
		add(role, l)
	}
	if m.Lead {
		for _, role := range slices.Compact(posts) {
			if count[role] == 1 {
				add(role, other[m.lang()])
			}
		}
	}
	return out
}

// contacts are those of an operator, as the common forms ask for them.
func (o orgPlan) contacts(people []org.Person) []org.Contact {
	if slices.Contains(o.Kinds, org.JPCERT) {
		return []org.Contact{{Duty: org.Window, Name: people[0].Name, Department: "相談窓口", Mail: "desk@" + o.Domain, Phone: "00-0000-0010"}}
	}
	if !slices.Contains(o.Kinds, org.Operator) {
		return nil
	}
	return []org.Contact{
		{Duty: org.Responsible, Name: people[0].Name, Department: "情報システム部", Mail: "ciso@" + o.Domain, Phone: "00-0000-0001"},
		{Duty: org.Window, Name: people[1].Name, Department: "広報課", Mail: "press@" + o.Domain, Phone: "00-0000-0002"},
		{Duty: org.AllHours, Name: "当直", Department: "CSIRT", Mail: "csirt@" + o.Domain, Phone: "00-0000-0003"},
	}
}

// join invites people, and lets them accept, as they would: with a password
// that nobody keeps and the code of a device. Some viewers have not answered
// yet.
func (c *country) join(ctx context.Context, m *member, list []org.Person) ([]person, error) {
	out := make([]person, len(list))
	var g errgroup.Group
	for i, p := range list {
		g.Go(func() error {
			made, link, err := c.h.Orgs.Invite(org.Local(ctx), p)
			if err != nil {
				return fmt.Errorf("demo: invite %s: %w", p.Mail, err)
			}
			if made.Has(gate.OperatorViewer) && !m.Lead && len(m.Sites) == 2 {
				out[i] = person{Person: made}
				return nil
			}
			e, err := c.h.Orgs.Enrolment(ctx, link)
			if err != nil {
				return fmt.Errorf("demo: invitation of %s: %w", p.Mail, err)
			}
			code, err := totp.GenerateCode(e.Secret, c.clock.Now())
			if err != nil {
				return err
			}
			if _, err := c.h.Orgs.Accept(ctx, link, crand.Text(), code, org.Device{Agent: "noroshi demo"}); err != nil {
				return fmt.Errorf("demo: %s joins: %w", p.Mail, err)
			}
			made.State = org.Active
			who, err := c.h.Orgs.Identity(ctx, made.ID)
			if err != nil {
				return err
			}
			out[i] = person{made, gate.With(ctx, who)}
			return nil
		})
	}
	return out, g.Wait()
}

// tie links members to those that supply or operate for them.
func (c *country) tie(ctx, local context.Context) error {
	var g errgroup.Group
	g.SetLimit(parallel)
	for _, t := range c.Ties {
		other, ok := c.by[t.Other]
		if !ok {
			continue
		}
		for _, name := range t.Customers {
			customer, ok := c.by[name]
			if !ok {
				continue
			}
			g.Go(func() error {
				if !t.Declared {
					_, err := c.h.Orgs.Tie(local, t.Kind, customer.Org.ID, other.Org.ID, t.Services)
					return err
				}
				admin, err := customer.with(gate.OperatorAdmin, 0)
				if err != nil {
					return err
				}
				_, err = c.h.Orgs.Declare(admin.ctx, org.Tie{Kind: t.Kind, Number: other.Number, Name: other.orgPlan.Name.JA, Services: t.Services})
				return err
			})
		}
	}
	return g.Wait()
}

// pick takes one of a list, by the seed.
func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// operators lists the members that are operators.
func (c *country) operators() (out []*member) {
	for _, m := range c.all {
		if m.Is(org.Operator) {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b *member) int { return cmp.Compare(b.Weight, a.Weight) })
	return out
}
