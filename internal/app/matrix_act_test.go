package app

import (
	"github.com/google/uuid"

	"noroshi/internal/base/gate"
	"noroshi/internal/measure/act"
	"noroshi/internal/measure/act/driver"
)

// Who has to do with what is held back on an organisation's own network.
func ordersOwn(c *citizen) bool {
	return c.any(gate.OperatorReporter, gate.OperatorAdmin, gate.CarrierClerk, gate.OfficeClerk, gate.PoliceCommand, gate.DefenceCommand)
}

func decidesOwn(c *citizen) bool {
	return c.any(gate.OperatorAdmin, gate.CarrierClerk, gate.OfficeClerk, gate.PoliceCommand, gate.DefenceCommand) || carriesOut(c)
}

func seesOwn(c *citizen) bool {
	return ordersOwn(c) || carriesOut(c) || c.any(gate.OperatorViewer, gate.Actuator)
}

// seesOrder: who works at the organisation; the commission only what carries out a
// case, which none of these does.
func seesOrder(c *citizen, x *thing) class {
	switch {
	case seesOwn(c):
		return either(c.isOwn(x))
	case oversees(c):
		return hidden
	}
	return refused
}

func orderBy(some func(c *citizen) bool) func(*citizen, *thing) class {
	return func(c *citizen, x *thing) class {
		if !some(c) {
			return refused
		}
		return either(c.isOwn(x))
	}
}

// approvesOrder: who asked does not approve.
func approvesOrder(c *citizen, x *thing) class {
	if decidesOwn(c) && c.isOwn(x) && c.name == x.sub["asker"] {
		return refused
	}
	return orderBy(decidesOwn)(c, x)
}

// acted has an operator and the police ask for something on their own networks.
func (n *nation) acted() {
	n.t.Helper()
	for who, word := range map[string]string{"wind/reporter": "ZOWNWIND", "police/command": "ZOWNPOLICE"} {
		org := n.citizen(who).org
		inside := func(c *citizen) bool { return c.org == org && seesOwn(c) && !c.out }
		o, err := n.Acts.Ask(n.as(who), act.Ask{Kind: driver.Sinkhole, Hours: 2, Basis: act.OwnBasis, Targets: []string{"bad.example"}, Grounds: n.mark(word, "the grounds of an order of "+org, inside)})
		n.must(err)
		n.add(&thing{kind: "order", org: org, id: o.ID, sub: map[string]string{"asker": who}})
	}
	n.add(&thing{kind: "order", id: uuid.NewString(), none: true})
}

var actLaws = func() map[string]law {
	const at, web = "POST /api/v1/act-orders/{id}/", "POST /acts/{id}/"
	lists := only(func(c *citizen) bool { return seesOwn(c) || oversees(c) })
	noToken := only(func(*citizen) bool { return false }) // a machine account works with a token alone
	all := map[string]law{
		"GET /api/v1/act-orders":              {may: lists},
		"POST /api/v1/act-orders":             {may: only(ordersOwn), body: body(`{}`)},
		"GET /api/v1/act-orders/{id}":         {on: "order", may: seesOrder},
		"GET /api/v1/act-actuators":           {may: lists},
		"GET /api/v1/act-rules":               {may: lists},
		"POST /api/v1/act-work":               {may: noToken, body: body(`{"actuator":"x","kinds":[],"holds":[],"number":0}`)},
		"POST /api/v1/act-alarms":             {may: noToken, body: body(`{"actuator":"x","what":"clock"}`)},
		"GET /api/v1/act-orders/{id}/targets": {on: "order", may: seesOrder},
		at + "dry":                            {on: "order", may: noToken, body: body(`{"actuator":"x","digest":"0000000000000000000000000000000000000000000000000000000000000000","rules":0,"lines":[],"fits":true}`)},
		at + "take":                           {on: "order", may: noToken, body: body(`{"actuator":"x"}`)},
		at + "outcome":                        {on: "order", may: noToken, body: body(`{"actuator":"x","use":"x","state":"live","rules":0,"at":"@until"}`)},
		at + "approve":                        {on: "order", may: approvesOrder, body: body(`{"digest":""}`)},
		"GET /acts":                           {may: lists},
		"GET /acts/new":                       {may: only(ordersOwn)},
		"POST /acts":                          {may: only(ordersOwn), body: form("kind", "")},
		"GET /acts/{id}":                      {on: "order", may: seesOrder},
		"GET /live/acts":                      {may: everybody, free: true},
		web + "approve":                       {on: "order", may: approvesOrder, body: form("digest", "")},
	}
	for act, some := range map[string]func(c *citizen) bool{"refuse": decidesOwn, "settle": decidesOwn, "withdraw": ordersOwn, "undo": func(c *citizen) bool { return ordersOwn(c) || carriesOut(c) }} {
		all[at+act] = law{on: "order", may: orderBy(some), body: body(`{"text":""}`)}
		all[web+act] = law{on: "order", may: orderBy(some), body: form(act+"_text", "")}
	}
	return all
}()
