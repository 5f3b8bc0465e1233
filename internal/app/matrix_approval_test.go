package app

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/approval"
	"noroshi/internal/base/gate"
)

func asks(c *citizen) bool { return c.any(gate.OfficeClerk) }

func examines(c *citizen) bool { return c.any(gate.Examiner) }

func votes(c *citizen) bool { return c.any(gate.CommissionMember) }

// commands: who directs a measure, and asks for it.
func commands(c *citizen) bool { return c.any(gate.PoliceCommand, gate.DefenceCommand) }

// files: whose application it may be.
func files(c *citizen) bool { return asks(c) || commands(c) }

// readsApprovals: who asks, who carries out, and all of the commission.
func readsApprovals(c *citizen) bool {
	return files(c) || c.any(gate.OfficeHandler, gate.Inspector) || examines(c) || votes(c)
}

// approvalCase: the commission reads all; the office what it asked; who carries
// out only what was approved.
func approvalCase(c *citizen, x *thing) class {
	switch {
	case examines(c), votes(c), c.any(gate.Inspector):
		return either(!x.none)
	case files(c):
		return either(c.isOwn(x))
	case c.any(gate.OfficeHandler):
		return either(c.isOwn(x) && x.sub["state"] == "approved")
	}
	return refused
}

func approvalOf(some func(c *citizen) bool) func(*citizen, *thing) class {
	return func(c *citizen, x *thing) class {
		if !some(c) {
			return refused
		}
		return approvalCase(c, x)
	}
}

// instructed: who may be told what was ordered of their line.
func instructed(c *citizen) bool {
	return c.any(gate.CarrierClerk, gate.OperatorAdmin, gate.OperatorReporter)
}

// instruction: only whose line it is.
func instruction(c *citizen, x *thing) class {
	if !instructed(c) {
		return refused
	}
	return either(c.isSent(x) && x.sub["state"] == "approved")
}

// inCommission: who reads what the commission weighs, and nobody else.
func inCommission(c *citizen) bool { return examines(c) || votes(c) || c.any(gate.Inspector) }

// empowered asks the commission for two approvals, of which it grants one.
func (n *nation) empowered() {
	n.t.Helper()
	n.mark("ZAOPINION", "an examiner's opinion", inCommission)
	n.mark("ZAVOTE", "a member's opinion", inCommission)
	n.mark("ZAREASON", "the commission's reason", readsApprovals)
	for _, name := range []string{"second", "third"} {
		m := n.join("commission", name, gate.CommissionMember)
		n.bench = append(n.bench, m.id)
		if name == "second" {
			n.people = append(n.people, m)
		}
	}
	x := n.application("ASKED", nil)
	n.must(n.Approvals.Question(n.as("commission/examiner"), approval.ID(x.id), n.mark("ZAQUESTION", "a question of the commission", func(c *citizen) bool { return approvalCase(c, x) == through })+" はなぜですか"))
	n.granted(n.application("GRANTED", nil))
	n.add(&thing{kind: "approval", id: uuid.NewString(), none: true, sub: map[string]string{}})
}

// granted has the commission approve an application: one member is against it.
func (n *nation) granted(x *thing) *thing {
	n.t.Helper()
	id := approval.ID(x.id)
	n.must(n.Approvals.Examine(n.as("commission/examiner"), id, "ZAOPINION 要件を満たす", nil))
	chair := n.as("commission/member")
	_, err := n.Approvals.Vote(chair, id, approval.NewVote{Choice: approval.For})
	n.must(err)
	for i, m := range n.bench {
		_, err := n.Approvals.Vote(n.identity(m), id, approval.NewVote{Choice: []approval.Choice{approval.For, approval.Against}[i], Opinion: "ZAVOTE である"})
		n.must(err)
	}
	_, err = n.Approvals.Decide(chair, id, approval.Decision{Reason: "ZAREASON 要件を満たす"})
	n.must(err)
	x.sub["state"] = "approved"
	return x
}

// application asks for inward communications of the carrier's line. Its words
// are for who asks and for the commission, its line for the carrier too.
func (n *nation) application(word string, edit func(a *approval.Application)) *thing {
	n.t.Helper()
	x := &thing{kind: "approval", org: "office", sent: []string{"carrier"}, sub: map[string]string{}}
	from := n.clock.Now().UTC().Truncate(time.Second)
	inside := func(c *citizen) bool { return approvalCase(c, x) == through }
	a := approval.Application{
		Kind: approval.ForeignDomestic, Link: n.mark("ZAL"+word, "a line ("+word+")", func(c *citizen) bool { return inside(c) || instruction(c, x) == through }), Capacity: 10000,
		From: from, Until: from.AddDate(0, 0, 30), Cap: approval.Quantity{Bytes: 1 << 40},
		Selectors: approval.Selectors{Hash: strings.Repeat("ab", 32), Name: "選別の条件", Count: 38}, Targets: []string{"制御系への侵入"}, Fields: []string{"src", "dst"},
		Addresses: "pseudonym", RetainDays: 365, Recipients: []string{"police"}, Grounds: n.mark("ZAG"+word, "the grounds of an application ("+word+")", inside) + " がある",
		NoOther: "ほかに手段がない", Necessity: "必要な範囲に限る", Carrier: string(n.orgs["carrier"].ID)}
	if edit != nil {
		edit(&a)
	}
	c, err := n.Approvals.Ask(n.as("office/clerk"), a)
	n.must(err)
	x.id = string(c.ID)
	return n.add(x)
}

var approvalLaws = map[string]law{
	"GET /api/v1/approvals":                  {may: only(readsApprovals)},
	"POST /api/v1/approvals":                 {may: only(asks), body: body(`{}`)},
	"GET /api/v1/approvals/{id}":             {on: "approval", may: approvalCase},
	"GET /api/v1/approvals/{id}/uses":        {on: "approval", may: approvalCase},
	"GET /api/v1/approvals/{id}/order":       {on: "approval", may: approvalPaper},
	"GET /api/v1/approvals/{id}/extension":   {on: "approval", may: approvalOf(asks)},
	"POST /api/v1/approvals/{id}/question":   {on: "approval", may: approvalOf(func(c *citizen) bool { return examines(c) || votes(c) }), body: body(`{"text":" "}`)},
	"POST /api/v1/approvals/{id}/answer":     {on: "approval", may: approvalOf(files), body: body(`{"text":" "}`)},
	"POST /api/v1/approvals/{id}/withdraw":   {on: "approval", may: approvalOf(files), body: body(`{"text":""}`)},
	"POST /api/v1/approvals/{id}/give-up":    {on: "approval", may: approvalOf(files), body: body(`{"text":""}`)},
	"POST /api/v1/approvals/{id}/revoke":     {on: "approval", may: approvalOf(votes), body: body(`{"text":""}`)},
	"POST /api/v1/approvals/{id}/examine":    {on: "approval", may: approvalOf(examines), body: body(`{"text":""}`)},
	"POST /api/v1/approvals/{id}/vote":       {on: "approval", may: approvalOf(votes), body: body(`{"choice":"against"}`)},
	"POST /api/v1/approvals/{id}/decide":     {on: "approval", may: approvalOf(votes), body: body(`{"reason":""}`)},
	"GET /api/v1/instructions":               {may: only(instructed)},
	"GET /api/v1/instructions/{id}":          {on: "approval", may: instruction},
	"POST /api/v1/instructions/{id}/confirm": {on: "approval", may: instruction},

	"GET /live/approval":              {may: everybody, free: true},
	"GET /approvals":                  {may: only(func(c *citizen) bool { return readsApprovals(c) || instructed(c) })}, // who is instructed is led there
	"GET /approvals/calendar":         {may: only(readsApprovals)},
	"GET /approvals/new":              {may: only(asks)},
	"POST /approvals":                 {may: only(asks), body: form("kind", "fd")},
	"GET /approvals/{id}":             {on: "approval", may: approvalCase},
	"GET /approvals/{id}/uses":        {on: "approval", may: approvalCase},
	"GET /approvals/{id}/order":       {on: "approval", may: approvalPaper},
	"GET /approvals/{id}/extend":      {on: "approval", may: approvalOf(asks)},
	"POST /approvals/{id}/question":   {on: "approval", may: approvalOf(func(c *citizen) bool { return examines(c) || votes(c) }), body: form("question_text", "")},
	"POST /approvals/{id}/answer":     {on: "approval", may: approvalOf(files), body: form("answer_text", "")},
	"POST /approvals/{id}/withdraw":   {on: "approval", may: approvalOf(files), body: form("withdraw_reason", "")},
	"POST /approvals/{id}/give-up":    {on: "approval", may: approvalOf(files), body: form("give_up_reason", "")},
	"POST /approvals/{id}/revoke":     {on: "approval", may: approvalOf(votes), body: form("revoke_reason", "")},
	"POST /approvals/{id}/examine":    {on: "approval", may: approvalOf(examines), body: form("examine_text", "")},
	"POST /approvals/{id}/vote":       {on: "approval", may: approvalOf(votes), body: form("choice", "against")},
	"POST /approvals/{id}/decide":     {on: "approval", may: approvalOf(votes), body: form("decide_reason", "")},
	"GET /instructions":               {may: only(instructed)},
	"GET /instructions/{id}":          {on: "approval", may: instruction},
	"GET /instructions/{id}/paper":    {on: "approval", may: instruction},
	"POST /instructions/{id}/confirm": {on: "approval", may: instruction, body: form()},
}

// approvalPaper: there is one only of what was approved.
func approvalPaper(c *citizen, x *thing) class {
	if readsApprovals(c) && x.sub["state"] != "approved" {
		return hidden
	}
	return approvalCase(c, x)
}
