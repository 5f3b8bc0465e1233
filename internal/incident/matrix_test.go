package incident

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/testkit"
)

// outcome is what an attempt came to, as far as who tried may learn.
type outcome string

const (
	done    outcome = "done"
	refused outcome = "refused"   // and recorded
	unknown outcome = "not there" // whether it is, or is not theirs
	other   outcome = "told why"  // it is theirs, and something else is wrong
)

func came(err error) outcome {
	switch {
	case err == nil:
		return done
	case fault.KindOf(err) == fault.Refused:
		return refused
	case fault.KindOf(err) == fault.NotFound:
		return unknown
	case fault.KindOf(err) == fault.Internal:
		return outcome("a defect: " + err.Error())
	}
	return other
}

// probe is one thing somebody may try on a case, and the slow oracle of it:
// the law in plain words, without the gate's table and without SQL.
type probe struct {
	name string
	try  func(h *house, ctx context.Context, id ID, rng *rand.Rand) error
	may  func(who person, own, addressed bool) outcome
}

type person struct {
	org   string
	kind  string
	roles []gate.Role
}

func (p person) any(roles ...gate.Role) bool {
	return slices.ContainsFunc(roles, func(r gate.Role) bool { return slices.Contains(p.roles, r) })
}

func (p person) reports() bool { return p.any(gate.OperatorReporter, gate.OperatorAdmin) }
func (p person) operates() bool {
	return p.any(gate.OperatorViewer, gate.OperatorReporter, gate.OperatorAdmin)
}
func (p person) receives() bool {
	return p.any(gate.MinistryClerk, gate.MinistrySuper, gate.OfficeClerk, gate.PoliceOfficer, gate.PrivacyClerk, gate.JPCERTClerk)
}

// forOwn is what only the reporter's own people of some sort may do.
func forOwn(allowed func(person) bool, then outcome) func(person, bool, bool) outcome {
	return func(p person, own, _ bool) outcome {
		switch {
		case !allowed(p):
			return refused
		case !own:
			return unknown
		}
		return then
	}
}

// forRecipients is what only those may do to whom the report was sent.
func forRecipients(allowed func(person) bool, then outcome) func(person, bool, bool) outcome {
	return func(p person, _, addressed bool) outcome {
		switch {
		case !allowed(p):
			return refused
		case !addressed:
			return unknown
		}
		return then
	}
}

// forReaders is what the reporter may do freely and recipients for a purpose.
func forReaders(recipient outcome) func(person, bool, bool) outcome {
	return func(p person, own, addressed bool) outcome {
		switch {
		case p.operates() && own:
			return done
		case p.receives() && addressed:
			return recipient
		case p.operates() || p.receives():
			return unknown
		}
		return refused
	}
}

// purposeFor is an ordinary purpose that the kind of organisation may name.
func purposeFor(kind string) string {
	return map[string]string{"ministry": "receive", "office": "analyse", "police": "consultation", "privacy": "personal_data", "jpcert": "consultation"}[kind]
}

var probes = []probe{
	{"open without a purpose", func(h *house, ctx context.Context, id ID, _ *rand.Rand) error {
		_, err := h.Open(ctx, id, 0, "")
		return err
	}, forReaders(other)},
	{"open for a purpose", func(h *house, ctx context.Context, id ID, _ *rand.Rand) error {
		who, _ := gate.From(ctx)
		_, err := h.Open(ctx, id, 0, purposeFor(who.Kinds[0]))
		return err
	}, forReaders(done)},
	{"open to punish", func(h *house, ctx context.Context, id ID, _ *rand.Rand) error {
		_, err := h.Open(ctx, id, 0, "sanction")
		return err
	}, forReaders(refused)},
	{"open for supervision nobody agreed to", func(h *house, ctx context.Context, id ID, _ *rand.Rand) error {
		_, err := h.Open(ctx, id, 0, "supervision")
		return err
	}, forReaders(refused)},
	{"copy it redacted", func(h *house, ctx context.Context, id ID, _ *rand.Rand) error {
		who, _ := gate.From(ctx)
		_, err := h.RedactedCopy(ctx, id, 0, purposeFor(who.Kinds[0]))
		return err
	}, forReaders(done)},
	{"receipts", func(h *house, ctx context.Context, id ID, _ *rand.Rand) error {
		_, err := h.Receipts(ctx, id)
		return err
	}, forReaders(done)},
	{"clocks", func(h *house, ctx context.Context, id ID, _ *rand.Rand) error {
		_, err := h.Clocks(ctx, id)
		return err
	}, forReaders(unknown)},
	{"readings", func(h *house, ctx context.Context, id ID, _ *rand.Rand) error {
		_, _, err := h.Readings(ctx, id, "", 0)
		return err
	}, func(p person, own, _ bool) outcome {
		switch {
		case p.any(gate.CommissionMember), p.operates() && own:
			return done
		case p.operates():
			return unknown
		}
		return refused
	}},
	{"ask", func(h *house, ctx context.Context, id ID, _ *rand.Rand) error {
		_, err := h.Ask(ctx, id, "いつですか")
		return err
	}, forRecipients(person.receives, done)},
	{"feed back", func(h *house, ctx context.Context, id ID, _ *rand.Rand) error {
		_, err := h.Give(ctx, id, "共有しました", "")
		return err
	}, forRecipients(person.receives, done)},
	{"ask for supervision", func(h *house, ctx context.Context, id ID, _ *rand.Rand) error {
		_, err := h.AskSupervision(ctx, id, "確認")
		return err
	}, forRecipients(func(p person) bool { return p.any(gate.MinistryClerk, gate.MinistrySuper) }, done)},
	{"agree to a request that is none", func(h *house, ctx context.Context, id ID, _ *rand.Rand) error {
		return h.DecideSupervision(ctx, id, NewID(), true)
	}, forRecipients(func(p person) bool { return p.any(gate.MinistrySuper) }, unknown)},
	{"delay for ever", func(h *house, ctx context.Context, id ID, _ *rand.Rand) error {
		return h.DelayReadings(ctx, id, "security", "x", h.Clock.Now().AddDate(5, 0, 0))
	}, forRecipients(func(p person) bool { return p.any(gate.PoliceOfficer, gate.OfficeClerk, gate.MinistrySuper) }, other)},
	{"continue", func(h *house, ctx context.Context, id ID, _ *rand.Rand) error {
		_, err := h.StartNext(ctx, id, Followup)
		return err
	}, forOwn(person.reports, done)},
	{"answer nobody", func(h *house, ctx context.Context, id ID, _ *rand.Rand) error {
		_, err := h.Answer(ctx, id, h.ID("maker"), "はい")
		return err
	}, forOwn(person.reports, unknown)},
	{"hold for no reason", func(h *house, ctx context.Context, id ID, _ *rand.Rand) error {
		return h.Hold(ctx, id, "")
	}, forOwn(func(p person) bool { return p.any(gate.OperatorAdmin) }, other)},
	{"take a file off", func(h *house, ctx context.Context, id ID, _ *rand.Rand) error {
		return h.Detach(ctx, id, NewID())
	}, forOwn(person.reports, other)},
	{"destroy everything", func(h *house, ctx context.Context, _ ID, _ *rand.Rand) error {
		_, err := h.Purge(ctx, h.Clock.Now())
		return err
	}, func(p person, _, _ bool) outcome {
		if p.any(gate.HubAdmin) {
			return done
		}
		return refused
	}},
}

func TestThePermissionMatrix(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		rng := rand.New(rand.NewPCG(20261122, 7))
		// Cases of three operators, each sent to others.
		type sent struct {
			id    ID
			org   string
			desks []string
		}
		var cases []sent
		for i, operator := range []string{"wind", "sea", "bank", "wind", "sea", "bank"} {
			r := Template([]Kind{Ransomware, Other, DDoS}[i%3]).Clone()
			delete(r.Values, "operator.sector")
			r.Values["operator.sector"] = KnownValue(map[string]string{"wind": "electricity", "sea": "electricity", "bank": "finance"}[operator])
			r.Consents["share_with_police_consent"], r.Consents["share_with_jpcert_consent"] = i%2 == 0, i > 2
			complete(t, r, h.Clock.Now())
			got, err := h.Submit(h.As(operator, "x", gate.OperatorReporter), r, "")
			if err != nil {
				t.Fatalf("%s: %v", operator, err)
			}
			s := sent{got.Case.ID, operator, nil}
			for _, name := range h.Names() {
				if slices.ContainsFunc(got.Deliveries, func(d Delivery) bool { return d.Org == h.ID(name) }) {
					s.desks = append(s.desks, name)
				}
			}
			wantMinistry := map[string]string{"wind": "industry", "sea": "industry", "bank": "treasury"}[operator]
			if !slices.Contains(s.desks, wantMinistry) || slices.Contains(s.desks, "industry") && slices.Contains(s.desks, "treasury") || slices.Contains(s.desks, operator) {
				t.Fatalf("%s went to %v", operator, s.desks)
			}
			cases = append(cases, s)
		}
		cases = append(cases, sent{NewID(), "nobody", nil}) // one that is not there
		tried := map[string]map[outcome]int{}
		for n := range 2000 {
			name := h.Names()[rng.IntN(len(h.Names()))]
			id := h.Identity(name, fmt.Sprint("p", rng.IntN(5)))
			for _, r := range gate.Roles {
				if fits(r, id.Kinds[0]) && rng.IntN(2) == 0 {
					id.Roles = append(id.Roles, r)
				}
			}
			c := cases[rng.IntN(len(cases))]
			p := probes[rng.IntN(len(probes))]
			who := person{name, id.Kinds[0], id.Roles}
			want := p.may(who, c.org == name, slices.Contains(c.desks, name))
			if c.org == "nobody" && name == "commission" && want == done {
				want = unknown // it sees the record of all there is
			}
			before := testkit.Count(t, h.Parts.DB, `SELECT count(*) FROM ledger_entry WHERE leaf LIKE '%"outcome":"`+ledger.Refused+`"%'`)
			got := came(p.try(h, gate.With(context.Background(), id), c.id, rng))
			if got != want {
				t.Fatalf("%d: %s %v tries to %s a case of %s that went to %v: %s, want %s", n, name, id.Roles, p.name, c.org, c.desks, got, want)
			}
			after := testkit.Count(t, h.Parts.DB, `SELECT count(*) FROM ledger_entry WHERE leaf LIKE '%"outcome":"`+ledger.Refused+`"%'`)
			if (after > before) != (got == refused) {
				t.Fatalf("%d: %s: %s and %d refusals recorded", n, p.name, got, after-before)
			}
			if tried[p.name] == nil {
				tried[p.name] = map[outcome]int{}
			}
			tried[p.name][got]++
			h.Clock.Pass(time.Second)
			// Lists show exactly what is on the desk.
			if n%10 == 0 {
				list, _, err := h.List(gate.With(context.Background(), id), Filter{})
				seen := map[ID]bool{}
				for _, x := range list {
					seen[x.ID] = true
				}
				for _, c := range cases {
					should := who.operates() && c.org == name || who.receives() && slices.Contains(c.desks, name)
					if err == nil && seen[c.id] != should {
						t.Fatalf("%s %v lists a case of %s: %v, want %v", name, id.Roles, c.org, seen[c.id], should)
					}
				}
				if (err == nil) != (who.operates() || who.receives()) {
					t.Fatalf("%s %v lists: %v", name, id.Roles, err)
				}
			}
		}
		for _, p := range probes {
			if len(tried[p.name]) < 2 {
				t.Errorf("%s was tried one way only: %v", p.name, tried[p.name])
			}
		}
	})
}

// complete answers what a report still lacks, with as little as is accepted.
func complete(t *testing.T, r *Report, now time.Time) {
	t.Helper()
	for range 5 {
		res := Check(r, Builtin(), Facts{}, now)
		for _, g := range res.Missing {
			f, ok := Dictionary().Get(g.Field)
			switch {
			case !ok:
				r.Consents[string(g.Field)] = true
			case f.Unknown:
				r.Values[f.ID] = Value{State: Unknown}
			case f.Investigating:
				r.Values[f.ID] = Value{State: Investigating}
			case f.Type == TypeBool:
				r.Values[f.ID] = KnownValue(false)
			case f.Type == TypeChoice:
				r.Values[f.ID] = KnownValue(f.Options[0].ID)
			case f.Type == TypeChoices:
				r.Values[f.ID] = KnownValue([]string{f.Options[0].ID})
			case f.Type == TypeInteger:
				r.Values[f.ID] = KnownValue(int64(1))
			default:
				r.Values[f.ID] = KnownValue("確認中のため不明")
			}
		}
		if res.Clean {
			return
		}
	}
	t.Fatalf("cannot be completed: %v", Check(r, Builtin(), Facts{}, now).Missing)
}

// fits says which roles people of a kind of organisation have.
func fits(r gate.Role, kind string) bool {
	noun := map[string]string{"operator": "operator.", "ministry": "ministry.", "office": "office.", "police": "police.", "privacy": "privacy.", "jpcert": "jpcert.",
		"commission": "commission.", "maker": "maker.", "contractor": "contractor.", "supplier": "supplier.", "carrier": "carrier.",
		"defence": "defence.", "foreign": "foreign.", "safety": "safety.", "hub": "hub."}[kind]
	return len(r) > len(noun) && string(r[:len(noun)]) == noun
}
