package app

import (
	"strings"

	"github.com/google/uuid"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/oversight"
	"noroshi/internal/oversight/desk"
)

// Who has to do with the commission's desk, in words.
func worksAtDesk(c *citizen) bool { return c.any(gate.CommissionMember, gate.Inspector) }

// speaks: for a body that the commission may write to, or whose act an entry is.
func speaks(c *citizen) bool {
	return c.any(gate.OfficeClerk, gate.PoliceCommand, gate.DefenceCommand, gate.ForeignClerk, gate.SafetyMember, gate.MinistrySuper, gate.PrivacyClerk, gate.JPCERTClerk, gate.CarrierClerk, gate.OperatorAdmin, gate.MakerContact)
}

// seesPaper: the commission all of it; a body, through who speaks for it, what was
// sent to it.
func seesPaper(c *citizen, x *thing) class {
	switch {
	case oversees(c):
		return either(!x.none)
	case speaks(c):
		return either(c.isSent(x))
	}
	return refused
}

// atDesk: some of the commission, whatever of it they ask for.
func atDesk(some func(*citizen) bool) func(*citizen, *thing) class {
	return func(c *citizen, x *thing) class {
		if !some(c) {
			return refused
		}
		return either(!x.none)
	}
}

// repliesTo: the body that it was sent to.
func repliesTo(c *citizen, x *thing) class {
	if !speaks(c) {
		return refused
	}
	return either(c.isSent(x))
}

// An examiner, who does not know of runs, has numbers and no entries.

// overseen has the commission write to the police, give up a draft, plan a sample,
// and ask for the sealed part of one act of the police.
func (n *nation) overseen() {
	n.t.Helper()
	act := &ledger.Act{Verb: "selection.read", Object: "selection/" + uuid.NewString(), Secret: "見た理由"}
	r, err := n.Ledger.Do(n.as("police/command"), act, func(*db.Tx) error { return nil })
	n.must(err)
	n.must(n.Ledger.Settle(n.t.Context()))
	_, err = n.Desk.Tick(n.t.Context())
	n.must(err)
	inspector, member := n.as("commission/inspector"), n.as("commission/member")
	police := string(n.orgs["police"].ID)

	sent := &thing{kind: "paper", org: "commission", sent: []string{"police"}}
	dropped := &thing{kind: "paper", org: "commission"}
	inside := func(c *citizen) bool { return seesPaper(c, sent) == through }
	p, err := n.Desk.Draft(inspector, desk.Draft{Kind: desk.Notice, To: police, Rule: "case_sides", Title: n.mark("ZOPSENT", "the title of a paper of the commission", inside), Text: n.mark("ZOTSENT", "a paper of the commission", inside)})
	n.must(err)
	_, err = n.Desk.Propose(member, p.ID)
	n.must(err)
	_, err = n.Desk.Settle(n.identity(n.bench[0]), p.ID)
	n.must(err)
	_, err = n.Desk.Answer(n.as("police/command"), p.ID, desk.Reply{Text: n.mark("ZOANSWER", "an answer to the commission", inside)})
	n.must(err)
	_, err = n.Desk.Close(member, p.ID, n.mark("ZOCLOSED", "why a paper was closed", inside))
	n.must(err)
	sent.id = p.ID
	n.add(sent)

	p, err = n.Desk.Draft(member, desk.Draft{Kind: desk.Recommendation, To: police, Title: n.mark("ZOPDRAFT", "the title of a draft of the commission", oversees), Text: n.mark("ZOTDRAFT", "a draft of the commission", oversees)})
	n.must(err)
	_, err = n.Desk.Drop(member, p.ID, n.mark("ZODROP", "why a draft was given up", oversees))
	n.must(err)
	dropped.id = p.ID
	n.add(dropped)
	n.add(&thing{kind: "paper", id: uuid.NewString(), none: true})

	s, err := n.Desk.Plan(inspector, desk.Planning{Commitment: oversight.Commitment(strings.Repeat("0", 64)), Strata: []desk.Stratum{{Kind: "use", Size: 1}}, Why: n.mark("ZOSAMPLE", "what a sample is for", oversees)})
	n.must(err)
	n.add(&thing{kind: "sample", org: "commission", id: s.ID})
	n.add(&thing{kind: "sample", id: uuid.NewString(), none: true})

	wish := &thing{kind: "unsealing", org: "commission", sent: []string{"police"}}
	o, err := n.Desk.Unseal(inspector, desk.Asking{Entry: r.Entry, Ground: desk.ForSample, Text: n.mark("ZOWHY", "why an entry has to be opened", func(c *citizen) bool { return seesPaper(c, wish) == through })})
	n.must(err)
	wish.id = o.ID
	n.add(wish)
	n.add(&thing{kind: "unsealing", id: uuid.NewString(), none: true})
	for kind, id := range map[string]string{"replayed": "case_sides", "reported": "diet-2026.xlsx", "reportyear": "2026"} {
		n.add(&thing{kind: kind, org: "commission", id: id})
	}
	n.must(n.Ledger.Settle(n.t.Context()))
	for i := range 3 { // draws the sample
		_, err = n.Desk.Tick(n.t.Context())
		n.must(err)
		if i == 0 {
			_, err = n.Desk.Reveal(inspector, s.ID, desk.Revealing{Nonce: strings.Repeat("0", 64)})
			n.must(err)
		}
		n.must(n.Ledger.Settle(n.t.Context()))
	}
}

var oversightLaws = func() map[string]law {
	votesOnly := func(c *citizen) bool { return c.any(gate.CommissionMember) }
	// looks: only who asked reads what was opened.
	looks := func(c *citizen, x *thing) class {
		switch {
		case !worksAtDesk(c):
			return refused
		case x.none:
			return hidden
		case c.any(gate.Inspector):
			return through
		}
		return refused
	}
	const api, web = "/api/v1/oversight/", "/oversight/"
	readsPapers := only(func(c *citizen) bool { return oversees(c) || speaks(c) })
	all := map[string]law{
		"GET " + api + "inspection":              {may: only(oversees)},
		"POST " + api + "inspection":             {may: only(worksAtDesk)},
		"GET " + api + "entries/{place}":         {may: only(worksAtDesk)},
		"GET " + api + "reports/{year}":          {on: "reportyear", may: only(worksAtDesk)},
		"GET " + api + "papers":                  {may: readsPapers},
		"POST " + api + "papers":                 {may: only(worksAtDesk), body: body(`{}`)},
		"GET " + api + "papers/{id}":             {on: "paper", may: seesPaper},
		"POST " + api + "papers/{id}/revise":     {on: "paper", may: atDesk(worksAtDesk), body: body(`{}`)},
		"POST " + api + "papers/{id}/answer":     {on: "paper", may: repliesTo, body: body(`{"text":""}`)},
		"GET " + api + "samples":                 {may: only(oversees)},
		"POST " + api + "samples":                {may: only(worksAtDesk), body: body(`{}`)},
		"GET " + api + "samples/{id}":            {on: "sample", may: atDesk(oversees)},
		"POST " + api + "samples/{id}/reveal":    {on: "sample", may: atDesk(worksAtDesk), body: body(`{"nonce":""}`)},
		"POST " + api + "samples/{id}/check":     {on: "sample", may: atDesk(worksAtDesk), body: body(`{"place":0,"result":"fine"}`)},
		"GET " + api + "openings":                {may: readsPapers},
		"POST " + api + "openings":               {may: only(worksAtDesk), body: body(`{"entry":"0","text":""}`)},
		"GET " + api + "openings/{id}":           {on: "unsealing", may: seesPaper},
		"POST " + api + "openings/{id}/open":     {on: "unsealing", may: repliesTo, body: body(`{"content":""}`)},
		"POST " + api + "openings/{id}/look":     {on: "unsealing", may: looks},
		"GET " + web + "rules/{rule}":            {on: "replayed", may: only(worksAtDesk)},
		"GET " + web + "entries/{place}":         {may: only(worksAtDesk)},
		"GET /oversight":                         {may: only(oversees)},
		"POST " + web + "replay":                 {may: only(worksAtDesk), body: form()},
		"GET " + web + "report":                  {may: only(oversees)},
		"GET " + web + "report/{file}":           {on: "reported", may: only(oversees)},
		"GET " + web + "papers":                  {may: readsPapers},
		"GET " + web + "papers/new":              {may: only(worksAtDesk)},
		"POST " + web + "papers":                 {may: only(worksAtDesk), body: form("title", "")},
		"GET " + web + "papers/{id}":             {on: "paper", may: seesPaper},
		"GET " + web + "papers/{id}/edit":        {on: "paper", may: atDesk(worksAtDesk)},
		"GET " + web + "samples":                 {may: only(oversees)},
		"POST " + web + "samples":                {may: only(worksAtDesk), body: form("why", "")},
		"GET " + web + "samples/{id}":            {on: "sample", may: atDesk(oversees)},
		"GET " + web + "openings":                {may: readsPapers},
		"GET " + web + "openings/new":            {may: only(worksAtDesk)},
		"POST " + web + "openings":               {may: only(worksAtDesk), body: form("entry", "0")},
		"GET " + web + "openings/{id}":           {on: "unsealing", may: seesPaper},
		"GET /live/oversight":                    {may: everybody, free: true},
		"POST " + api + "openings/{id}/withhold": {on: "unsealing", may: repliesTo, body: body(`{"text":""}`)},
	}
	for _, act := range []string{"propose", "settle", "back", "insist", "close"} {
		all["POST "+api+"papers/{id}/"+act] = law{on: "paper", may: atDesk(votesOnly), body: body(`{"text":""}`)}
		all["POST "+web+"papers/{id}/"+act] = law{on: "paper", may: atDesk(votesOnly), body: form(act+"_text", "")}
	}
	for _, act := range []string{"propose", "settle"} {
		all["POST "+api+"papers/{id}/"+act] = law{on: "paper", may: atDesk(votesOnly)}
	}
	all["POST "+api+"papers/{id}/drop"] = law{on: "paper", may: atDesk(worksAtDesk), body: body(`{"text":""}`)}
	all["POST "+web+"papers/{id}/drop"] = law{on: "paper", may: atDesk(worksAtDesk), body: form("drop_text", "")}
	all["POST "+web+"papers/{id}/revise"] = law{on: "paper", may: atDesk(worksAtDesk), body: form("title", "")}
	all["POST "+web+"papers/{id}/answer"] = law{on: "paper", may: repliesTo, body: form("answer_text", "")}
	all["POST "+web+"samples/{id}/check"] = law{on: "sample", may: atDesk(worksAtDesk), body: form("result", "")}
	all["POST "+web+"openings/{id}/open"] = law{on: "unsealing", may: repliesTo, body: form("content", "")}
	all["POST "+web+"openings/{id}/withhold"] = law{on: "unsealing", may: repliesTo, body: form("withhold_text", "")}
	all["POST "+web+"openings/{id}/look"] = law{on: "unsealing", may: looks, body: form()}
	return all
}()
