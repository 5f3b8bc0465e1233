package app

import (
	"strings"

	"github.com/google/uuid"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/measure/request"
)

// asksOthers: who writes requests to providers, owners and authorities.
func asksOthers(c *citizen) bool {
	return c.any(gate.OperatorReporter, gate.OperatorAdmin, gate.JPCERTClerk, gate.OfficeClerk, gate.OfficeAnalyst) || commands(c) || carriesOut(c)
}

func readsRequests(c *citizen) bool {
	return asksOthers(c) || c.any(gate.OperatorViewer) || oversees(c)
}

// seesRequest: the organisation that asks, and nobody else; of a step of a measure
// its command and those who were designated, and the commission.
func seesRequest(c *citizen, x *thing) class {
	power := x.sub["chain"] != ""
	switch {
	case oversees(c):
		return either(!x.none && power)
	case commands(c), carriesOut(c):
		return either(c.isOwn(x))
	case readsRequests(c):
		return either(c.isOwn(x) && !power)
	}
	return refused
}

func writesRequest(c *citizen, x *thing) class {
	if !asksOthers(c) {
		return refused
	}
	return either(c.isOwn(x) && (x.sub["chain"] == "" || commands(c) || carriesOut(c)))
}

// requested has two power companies ask providers, and the police ask one as a step
// of a measure.
func (n *nation) requested() {
	n.t.Helper()
	for _, name := range []string{"wind", "sea"} {
		n.must(n.Requests.SetDesk(n.as(name+"/admin"), request.Desk{Reply: "csirt@" + name + ".example"}))
		n.requests(name, name+"/reporter")
	}
	n.must(n.Requests.SetDesk(n.as("police/command"), request.Desk{Reply: "desk@police.example"}))
	x := n.requests("police", "police/command")
	joint := n.things["measure"][1] // on which the self-defence forces are too
	v, err := n.Measures.Show(n.as("police/command"), joint.id)
	n.must(err)
	x.sub["chain"] = v.Chains[0].ID
	n.must(n.DB.Write(n.t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(n.t.Context(), "UPDATE measure_request SET chain_id = $2, case_id = $3, step = 1 WHERE id = $1", x.id, v.Chains[0].ID, joint.id)
		return err
	}))
	n.add(&thing{kind: "request", id: uuid.NewString(), none: true, sub: map[string]string{}})
	n.add(&thing{kind: "order", id: uuid.NewString(), none: true, sub: map[string]string{}})
}

// requests writes a request whose mail stands ready.
func (n *nation) requests(name, who string) *thing {
	n.t.Helper()
	x := &thing{kind: "request", org: name, sub: map[string]string{}}
	inside := func(c *citizen) bool { return readsRequests(c) && seesRequest(c, x) == through }
	up := strings.ToUpper(name)
	r, err := n.Requests.Draft(n.as(who), request.Draft{Kind: request.Takedown, To: request.Contact{Mail: "abuse@host.example", Provider: n.mark("ZRP"+up, "the provider that "+name+" asks", inside), Lang: text.EN},
		Subject: request.Subject{Address: "198.51.100.7", Harm: request.Command, Does: n.mark("ZRD"+up, "what a machine does to "+name, inside)}, Asked: "Please stop it.",
		Evidence: []request.Evidence{{Says: n.mark("ZRE"+up, "the evidence of "+name, inside), From: n.clock.Now()}},
		Victim:   request.Victim{Who: n.mark("ZRV"+up, "who is harmed, of "+name, inside), Hide: []string{"ZRV" + up}}})
	n.must(err)
	_, err = n.Requests.Check(n.as(who), r.ID)
	n.must(err)
	x.id = r.ID
	n.mark(r.Number, "the number of a request of "+name, inside)
	return n.add(x)
}

// requestLaws are the routes of requests to others.
var requestLaws = func() map[string]law {
	const at, web = "/api/v1/requests/{id}", "/requests/{id}"
	carrier := only(func(c *citizen) bool { return c.any(gate.CarrierClerk) })
	desk := only(func(c *citizen) bool {
		return c.any(gate.OperatorAdmin, gate.JPCERTClerk, gate.OfficeClerk) || commands(c)
	})
	digest := strings.Repeat("0", 64)
	ordered := func(c *citizen, x *thing) class {
		if !c.any(gate.CarrierClerk) {
			return refused
		}
		return hidden
	}
	all := map[string]law{
		"GET /api/v1/requests":                     {may: only(readsRequests)},
		"POST /api/v1/requests":                    {may: only(asksOthers), body: body(`{}`)},
		"POST /api/v1/request-previews":            {may: only(asksOthers), body: body(`{}`)},
		"GET " + at:                                {on: "request", may: seesRequest},
		"PUT " + at:                                {on: "request", may: writesRequest, body: body(`{}`)},
		"GET " + at + "/preview":                   {on: "request", may: seesRequest},
		"POST " + at + "/check":                    {on: "request", may: writesRequest},
		"POST " + at + "/send":                     {on: "request", may: writesRequest, body: body(`{"digest":"` + digest + `"}`)},
		"POST " + at + "/handed":                   {on: "request", may: writesRequest, body: body(`{"sent":false}`)},
		"POST " + at + "/answers":                  {on: "request", may: writesRequest, body: body(`{"says":"acted"}`)},
		"POST " + at + "/follow":                   {on: "request", may: writesRequest, body: body(`{"purpose":"follow_up"}`)},
		"POST " + at + "/close":                    {on: "request", may: writesRequest, body: body(`{}`)},
		"GET /api/v1/request-figures":              {may: only(readsRequests)},
		"PUT /api/v1/request-desk":                 {may: desk, body: body(`{"reply":""}`)},
		"POST /api/v1/request-contacts":            {may: only(asksOthers), body: body(`{"address":"198.51.100.7"}`)},
		"GET /api/v1/carrier-orders":               {may: carrier},
		"POST /api/v1/carrier-orders/{id}/confirm": {on: "order", may: ordered, body: body(`{}`)},
		"GET /api/v1/request-desk": {may: func(c *citizen, _ *thing) class {
			if !readsRequests(c) {
				return refused
			}
			return either(!oversees(c))
		}},

		"GET /requests":                     {may: only(readsRequests)},
		"GET /requests/new":                 {may: only(asksOthers)},
		"POST /requests":                    {may: only(asksOthers), body: form("kind", "takedown")},
		"GET /requests/desk":                {may: desk},
		"POST /requests/desk":               {may: desk, body: form("reply", "")},
		"GET " + web:                        {on: "request", may: seesRequest},
		"GET " + web + "/mail":              {on: "request", may: seesRequest},
		"GET " + web + "/change":            {on: "request", may: writesRequest},
		"POST " + web + "/change":           {on: "request", may: writesRequest, body: form("kind", "takedown")},
		"POST " + web + "/check":            {on: "request", may: writesRequest, body: form()},
		"POST " + web + "/send":             {on: "request", may: writesRequest, body: form("digest", digest)},
		"POST " + web + "/handed":           {on: "request", may: writesRequest, body: form("sent", "no")},
		"POST " + web + "/answer":           {on: "request", may: writesRequest, body: form("says", "acted")},
		"POST " + web + "/follow":           {on: "request", may: writesRequest, body: form("purpose", "follow_up")},
		"POST " + web + "/close":            {on: "request", may: writesRequest, body: form()},
		"GET /carrier-orders":               {may: carrier},
		"POST /carrier-orders/{id}/confirm": {on: "order", may: ordered, body: form()},
		"GET /live/request":                 {may: everybody, free: true},
	}
	return all
}()
