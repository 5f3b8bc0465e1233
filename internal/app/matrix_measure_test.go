package app

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/gate"
	"noroshi/internal/measure"
)

// Who has to do with measures at all, in the words of the law.
func carriesOut(c *citizen) bool { return c.any(gate.PoliceExecutive, gate.DefenceUnit) }

// signs: who stands above a command.
func signs(c *citizen) bool { return c.any(gate.PoliceSuperior, gate.DefenceSuperior) }

func oversees(c *citizen) bool {
	return c.any(gate.CommissionMember, gate.Examiner, gate.Inspector)
}

func isAsked(c *citizen) bool { return c.any(gate.ForeignClerk, gate.SafetyMember, gate.Minister) }

func readsMeasures(c *citizen) bool {
	return commands(c) || signs(c) || carriesOut(c) || oversees(c) || isAsked(c)
}

// seesMeasure: the commission all; a chain of command and its officers the case
// that they are on; who is asked the case that was put to them.
func seesMeasure(c *citizen, x *thing) class {
	switch {
	case oversees(c):
		return either(!x.none)
	case commands(c), signs(c), carriesOut(c), isAsked(c):
		return either(c.isSent(x))
	}
	return refused
}

func measureBy(roles ...gate.Role) func(*citizen, *thing) class {
	return func(c *citizen, x *thing) class {
		if !c.any(roles...) {
			return refused
		}
		return seesMeasure(c, x)
	}
}

// measured has the police open two cases: one of a machine abroad, about which the
// Foreign Minister was asked, and one on which the self-defence forces are too.
func (n *nation) measured() {
	n.t.Helper()
	abroad := n.measure("ABROAD", "police", "foreign")
	n.onMeasure("police", abroad, measure.Abroad)
	_, err := n.Measures.Consult(n.as("police/command"), abroad.id, measure.Worksheet{Basis: "necessity", Peril: "電力", OnlyWay: "ほかにない", Sovereignty: "一つの機能", Others: "ない"})
	n.must(err)

	joint := n.measure("JOINT", "police", "defence", "safety", "office")
	n.onMeasure("police", joint, measure.Japan)
	_, err = n.Measures.Invite(n.as("police/command"), joint.id, string(n.orgs["defence"].ID))
	n.must(err)
	n.onMeasure("defence", joint, measure.Japan)
	_, err = n.Measures.Agree(n.as("safety/member"), joint.id, "自衛隊に求める")
	n.must(err)
	n.add(&thing{kind: "measure", id: uuid.NewString(), none: true, sub: map[string]string{"number": "1"}})
}

// measure opens a case, which those see who were told of it.
func (n *nation) measure(word string, sent ...string) *thing {
	n.t.Helper()
	machine := "zmm" + strings.ToLower(word) + ".example"
	x := &thing{kind: "measure", org: "police", sent: sent, sub: map[string]string{"number": "1", "machine": machine}}
	inside := func(c *citizen) bool { return seesMeasure(c, x) == through }
	k, _, err := n.Measures.Open(n.as("police/command"), measure.Opening{Threat: measure.Threat{Title: n.mark("ZMT"+word, "the title of a measure ("+word+")", inside), Machine: n.mark(machine, "the machine of a measure ("+word+")", inside),
		Does: "不正な指令を送る", Protected: "電力の供給", Rank: measure.Infrastructure, Evidence: []measure.Evidence{{Noun: "other", ID: "x"}}}})
	n.must(err)
	x.id = k.ID
	return n.add(x)
}

// onMeasure brings a chain of command to a plan, whose words are for that chain and
// for the commission alone.
func (n *nation) onMeasure(unit string, x *thing, place measure.Place) {
	n.t.Helper()
	id, cmd := x.id, n.as(unit+"/command")
	own := func(c *citizen) bool {
		return c.org == unit && (commands(c) || signs(c) || carriesOut(c)) || oversees(c)
	}
	f := measure.Finding{Met: true, Grounds: "認められる"}
	_, err := n.Measures.Assess(cmd, id, measure.Assessment{Unlawful: f, Danger: f, Urgent: f, Proportionate: f, Organised: f, Indispensable: f, Necessity: "必要", Collateral: "ない"})
	n.must(err)
	_, err = n.Measures.Locate(cmd, id, measure.Location{Place: place, Grounds: "経路の情報"})
	n.must(err)
	officer := map[string]string{"police": "police/executive", "defence": "defence/unit"}[unit]
	_, err = n.Measures.Designate(cmd, id, string(n.citizen(officer).id))
	n.must(err)
	word := "ZMP" + map[string]string{"police": "POLICE", "defence": "DEFENCE"}[unit]
	if unit == "police" && place == measure.Japan {
		word = "ZMPJOINT"
	}
	now := n.clock.Now()
	_, err = n.Measures.Draft(cmd, id, measure.Plan{From: now, Until: now.Add(24 * time.Hour), Ordinary: "通常必要な範囲", StopWhen: []string{"影響が出たとき"}, Deconflict: "重なりはない",
		Steps: []measure.PlanStep{{Kind: measure.AccessCheck, On: x.sub["machine"], What: n.mark(word, "the plan of "+unit, own) + " を調べる"}}})
	n.must(err)
}

var measureLaws = func() map[string]law {
	const at = "POST /api/v1/measures/{id}/"
	cmd := measureBy(gate.PoliceCommand, gate.DefenceCommand)
	hand := measureBy(gate.PoliceExecutive, gate.DefenceUnit)
	all := map[string]law{
		"GET /api/v1/measures":      {may: only(readsMeasures)},
		"POST /api/v1/measures":     {may: only(func(c *citizen) bool { return c.any(gate.PoliceCommand) }), body: body(`{}`)},
		"GET /api/v1/measures/{id}": {on: "measure", may: seesMeasure},
		"GET /api/v1/measure-rules": {may: only(readsMeasures)},
		"GET /api/v1/measure-ratio": {may: func(c *citizen, _ *thing) class {
			if !readsMeasures(c) {
				return refused
			}
			return either(oversees(c))
		}},
		"POST /api/v1/measure-switches":  {may: only(func(c *citizen) bool { return signs(c) || c.any(gate.CommissionMember) }), body: body(`{"shut":false}`)},
		at + "steps/{number}":            {on: "measure", may: hand, body: body(`{"text":""}`)},
		at + "begin":                     {on: "measure", may: hand},
		at + "go":                        {on: "measure", may: hand},
		at + "unsay":                     {on: "measure", may: hand, body: body(`{"text":""}`)},
		at + "finish":                    {on: "measure", may: hand, body: body(`{"text":""}`)},
		at + "outcome":                   {on: "measure", may: hand, body: body(`{"outcome":"done","says":""}`)},
		at + "stop":                      {on: "measure", may: measureBy(gate.PoliceCommand, gate.DefenceCommand, gate.PoliceExecutive, gate.DefenceUnit, gate.CommissionMember), body: body(`{"text":""}`)},
		at + "answer":                    {on: "measure", may: measureBy(gate.ForeignClerk), body: body(`{"text":""}`)},
		at + "agree":                     {on: "measure", may: measureBy(gate.SafetyMember), body: body(`{"text":""}`)},
		at + "order":                     {on: "measure", may: measureBy(gate.Minister), body: body(`{"text":"","until":"@until"}`)},
		at + "settle":                    {on: "measure", may: measureBy(gate.CommissionMember), body: body(`{"text":""}`)},
		at + "weigh":                     {on: "measure", may: measureBy(gate.CommissionMember), body: body(`{"text":""}`)},
		at + "second":                    {on: "measure", may: measureBy(gate.PoliceSuperior, gate.DefenceSuperior), body: body(`{"text":""}`)},
		at + "vouch":                     {on: "measure", may: cmd},
		at + "dismiss":                   {on: "measure", may: cmd, body: body(`{"person":""}`)},
		"GET /api/v1/measures/{id}/acts": {on: "measure", may: seesMeasure},
		"GET /api/v1/measures/{id}/steps": {on: "measure", may: func(c *citizen, x *thing) class {
			if isAsked(c) {
				return hidden // what is carried out is not theirs to see
			}
			return seesMeasure(c, x)
		}},
		at + "invite":    {on: "measure", may: measureBy(gate.PoliceCommand), body: body(`{"org":""}`)},
		at + "designate": {on: "measure", may: cmd, body: body(`{"person":""}`)},
		at + "assess":    {on: "measure", may: cmd, body: body(`{}`)},
		at + "locate":    {on: "measure", may: cmd, body: body(`{"place":"japan","grounds":""}`)},
		at + "plan":      {on: "measure", may: cmd, body: body(`{}`)},
		at + "consult":   {on: "measure", may: cmd, body: body(`{}`)},
	}
	for _, act := range []string{"ask", "recall", "drop", "declare", "notify", "authorise", "account", "restore", "tell", "review", "close"} {
		all[at+act] = law{on: "measure", may: cmd, body: body(`{"text":""}`)}
	}
	const web = "POST /measures/{id}/"
	all["GET /measures"] = law{may: only(readsMeasures)}
	all["GET /measures/{id}"] = law{on: "measure", may: seesMeasure}
	all["GET /live/measure"] = law{may: only(readsMeasures)}
	all["GET /measures/{id}/acts"] = law{on: "measure", may: seesMeasure}
	opens := only(func(c *citizen) bool { return c.any(gate.PoliceCommand) })
	all["GET /measures/new"] = law{may: opens}
	all["POST /measures"] = law{may: opens, body: form("title", "")}
	for _, paper := range []string{"assess", "locate", "plan", "consult"} {
		all["GET /measures/{id}/write/"+paper] = law{on: "measure", may: cmd}
		all[web+paper] = law{on: "measure", may: cmd, body: form("grounds", "")}
	}
	all[web+"designate"] = law{on: "measure", may: cmd, body: form("designate_person", "")}
	all[web+"dismiss"] = law{on: "measure", may: cmd, body: form("person", "")}
	all[web+"invite"] = law{on: "measure", may: all[at+"invite"].may, body: form("invite_org", "")}
	all["POST /measure-switches"] = law{may: all["POST /api/v1/measure-switches"].may, body: form("shut", "0")}
	for _, act := range []string{"ask", "recall", "drop", "second", "declare", "notify", "authorise", "account", "settle", "weigh", "restore", "tell", "review", "close", "finish", "unsay", "stop", "agree", "answer"} {
		all[web+act] = law{on: "measure", may: all[at+act].may, body: form(act+"_text", "")}
	}
	for act, may := range map[string]func(*citizen, *thing) class{"object": all[at+"answer"].may, "vouch": cmd, "order": all[at+"order"].may, "begin": hand, "go": hand, "intend": hand, "outcome": hand} {
		all[web+act] = law{on: "measure", may: may, body: form(act+"_text", "", "order_until", "")}
	}
	return all
}()
