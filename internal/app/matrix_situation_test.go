package app

import (
	"net/url"
	"strings"

	"github.com/google/uuid"

	"noroshi/internal/base/gate"
	"noroshi/internal/situation"
)

// leads: who may open a situation room and lead it.
func leads(c *citizen) bool {
	return c.ministry() || c.any(gate.OfficeAnalyst, gate.OfficeClerk)
}

// inBody: people of the public bodies that are members of a room.
func inBody(c *citizen) bool { return c.receives() || c.any(gate.OfficeAnalyst) }

// seesRooms: bodies, and firms that do tasks and read what was given to them.
func seesRooms(c *citizen) bool {
	return inBody(c) || c.operates() || c.any(gate.Maintainer, gate.MakerContact, gate.SupplierContact)
}

func speaksInRooms(c *citizen) bool { return inBody(c) || replies(c) }

// takesPart: only participants learn that there is a room.
func takesPart(some func(c *citizen) bool) func(*citizen, *thing) class {
	return func(c *citizen, x *thing) class {
		if !some(c) {
			return refused
		}
		return either(c.isSent(x))
	}
}

// leading: the body that leads; another participant is refused, and everybody
// else finds nothing.
func leading(c *citizen, x *thing) class {
	got := takesPart(leads)(c, x)
	if got == through && !c.isOwn(x) {
		return refused
	}
	return got
}

// asBody: members of a room; the firms in it are refused by what they are.
var asBody = takesPart(inBody)

// joins: whoever has reports on the desk, of one that is not on it.
func joins(c *citizen, _ *thing) class {
	if !c.receives() {
		return refused
	}
	return hidden
}

// joinsByForm: the same by a form, which says so beside the field.
func joinsByForm(c *citizen, x *thing) class { return takesPart((*citizen).receives)(c, x) }

// seesReport: members that see reports.
func seesReport(c *citizen, x *thing) class {
	if !seesRooms(c) {
		return refused
	}
	return either(c.isSent(x) && inBody(c) && x.sub["version"] != "" && c.org != x.sub["narrow"])
}

// seesTask: who does it, who gave it, who leads, and members that see tasks.
func seesTask(some func(c *citizen) bool) func(*citizen, *thing) class {
	return func(c *citizen, x *thing) class {
		if !some(c) {
			return refused
		}
		return either(c.isSent(x) && (c.org == x.sub["owner"] || inBody(c) && c.org != x.sub["narrow"]))
	}
}

// gathered opens a room that the office leads: the ministry is a member, the
// police a narrowed one, wind and sea do tasks; and one of the treasury alone.
func (n *nation) gathered() {
	n.t.Helper()
	analyst := n.as("office/analyst")
	x := &thing{kind: "room", org: "office", sent: []string{"office", "industry", "police", "wind", "sea"}, sub: map[string]string{"narrow": "police", "version": "1"}}
	of := func(names ...string) func(c *citizen) bool {
		return func(c *citizen) bool { return seesRooms(c) && strings.Contains(strings.Join(names, " "), c.org) }
	}
	bodies := of("office", "industry")
	title := n.mark("ZYYTITLE", "the title of a room", of(x.sent...))
	e, err := n.Situations.Open(analyst, situation.NewEvent{Title: title + " の対処", Summary: n.mark("ZYYSUMMARY", "the summary of a room", of("office", "industry", "police")) + " です", About: []string{sharedFlaw}})
	n.must(err)
	x.id = e.ID
	n.mark(e.Number, "the number of a room", of(x.sent...))
	all := situation.Sees{Incidents: true, Tasks: true, Decisions: true, Reports: true, People: true}
	for _, p := range x.sent[1:] {
		sees := all
		if p == "police" {
			sees = situation.Sees{Decisions: true}
		}
		_, err := n.Situations.Invite(analyst, x.id, string(n.orgs[p].ID), sees)
		n.must(err)
	}
	for _, name := range []string{"wind", "sea"} {
		up, ctx := strings.ToUpper(name), n.as(name+"/reporter")
		t, err := n.Situations.Assign(analyst, x.id, situation.NewTask{Owner: string(n.orgs[name].ID), Title: n.mark("ZYYTASK"+up, "the task of "+name, of("office", "industry", name)) + " の確認"})
		n.must(err)
		y := &thing{kind: "task", id: x.id, org: "office", sent: x.sent, sub: map[string]string{"narrow": "police", "owner": name, "task": t.ID, "version": "1"}}
		n.add(y)
		_, err = n.Situations.SayTask(ctx, x.id, t.ID, "note", n.mark("ZYYSAID"+up, "the talk about the task of "+name, of("office", "industry", name))+" です")
		n.must(err)
		_, err = n.Situations.Say(ctx, x.id, "", "question", n.mark("ZYYASKED"+up, "the talk of "+name+" with the lead", of("office", name))+" ですか")
		n.must(err)
		_, err = n.Situations.Decide(analyst, x.id, n.mark("ZYYDECIDED"+up, "a decision for "+name, of("office", name))+" を止める", "", string(n.orgs[name].ID))
		n.must(err)
	}
	_, err = n.Situations.Decide(analyst, x.id, n.mark("ZYYBOTH", "a decision of the members", of("office", "industry", "police"))+" を決める", "")
	n.must(err)
	_, err = n.Situations.Join(n.as("office/clerk"), x.id, n.things["case"][0].id)
	n.must(err)
	_, err = n.Situations.Make(analyst, x.id, n.mark("ZYYJUDGED", "the judgement of a report", bodies)+" と見る")
	n.must(err)
	n.add(x)
	other, err := n.Situations.Open(n.as("treasury/clerk"), situation.NewEvent{Title: n.mark("ZYYOTHER", "a room of the treasury", of("treasury", "police")) + " の対処"})
	n.must(err)
	_, err = n.Situations.Invite(n.as("treasury/clerk"), other.ID, string(n.orgs["police"].ID), situation.Sees{})
	n.must(err)
	n.add(&thing{kind: "room", id: other.ID, org: "treasury", sent: []string{"treasury", "police"}, sub: map[string]string{"narrow": "police"}})
	for _, kind := range []string{"room", "task"} {
		n.add(&thing{kind: kind, id: uuid.NewString(), none: true, sub: map[string]string{"task": uuid.NewString()}})
	}
}

func toPolice(n *nation, _ *citizen, _ *thing) any {
	return `{"text":" ","with":"` + string(n.orgs["police"].ID) + `"}`
}

func toPoliceForm(n *nation, _ *citizen, _ *thing) any {
	return url.Values{"text": {""}, "with": {string(n.orgs["police"].ID)}}
}

const (
	aTask     = `{"owner":"none","title":"ZYYno"}`
	noOne     = `{"org":"none","sees":{"incidents":false,"tasks":false,"decisions":false,"reports":false,"people":false}}`
	seesNone  = `{"incidents":false,"tasks":false,"decisions":false,"reports":false,"people":false}`
	aDecision = `{"what":" ","why":""}`
)

// narrows: the lead, of a member; nobody of that name is one.
func narrows(c *citizen, x *thing) class {
	if got := leading(c, x); got != through {
		return got
	}
	return hidden
}

// situationLaws are the routes of situation rooms.
var situationLaws = map[string]law{
	"GET /live/situation":                             {may: everybody, free: true},
	"GET /api/v1/situations":                          {may: only(seesRooms)},
	"POST /api/v1/situations":                         {may: only(leads), body: body(`{"title":" "}`)},
	"GET /api/v1/situations/{id}":                     {on: "room", may: takesPart(seesRooms)},
	"POST /api/v1/situations/{id}/participants":       {on: "room", may: leading, body: body(noOne)},
	"PUT /api/v1/situations/{id}/participants/{org}":  {on: "room", may: narrows, body: body(seesNone)},
	"POST /api/v1/situations/{id}/incidents":          {on: "room", may: joins, body: body(`{"incident":"none"}`)},
	"POST /api/v1/situations/{id}/decisions":          {on: "room", may: asBody, body: body(aDecision)},
	"POST /api/v1/situations/{id}/messages":           {on: "room", may: takesPart(speaksInRooms), body: toPolice},
	"POST /api/v1/situations/{id}/reports":            {on: "room", may: leading, body: body(`{"judgement":"` + strings.Repeat("x", 4001) + `"}`)},
	"GET /api/v1/situations/{id}/reports/{version}":   {on: "room", may: seesReport},
	"POST /api/v1/situations/{id}/close":              {on: "room", may: leading, body: body(`{"lessons":" "}`)},
	"POST /api/v1/situations/{id}/tasks":              {on: "room", may: asBody, body: body(aTask)},
	"GET /api/v1/situations/{id}/tasks/{task}":        {on: "task", may: seesTask(seesRooms), sub: true},
	"POST /api/v1/situations/{id}/tasks/{task}/state": {on: "task", may: seesTask(speaksInRooms), sub: true, body: body(`{"state":"cannot"}`)},
	"PUT /api/v1/situations/{id}/tasks/{task}/needs":  {on: "task", may: seesTask(inBody), sub: true, body: body(`{"needs":["none"]}`)},
	"GET /situations":                                 {may: only(seesRooms)},
	"GET /situations/new":                             {may: only(leads)},
	"POST /situations":                                {may: only(leads), body: form("title", "")},
	"GET /situations/{id}":                            {on: "room", may: takesPart(seesRooms)},
	"POST /situations/{id}/participants":              {on: "room", may: leading, body: form("org", "none")},
	"POST /situations/{id}/narrow":                    {on: "room", may: narrows, body: form("member", "none")},
	"POST /situations/{id}/incidents":                 {on: "room", may: joinsByForm, body: form("incident", "none")},
	"POST /situations/{id}/decisions":                 {on: "room", may: asBody, body: form("what", "")},
	"POST /situations/{id}/messages":                  {on: "room", may: takesPart(speaksInRooms), body: toPoliceForm},
	"POST /situations/{id}/reports":                   {on: "room", may: leading, body: form("judgement", strings.Repeat("x", 4001))},
	"POST /situations/{id}/close":                     {on: "room", may: leading, body: form("lessons", "")},
	"POST /situations/{id}/tasks":                     {on: "room", may: asBody, body: form("owner", "none", "title", "x")},
	"GET /situations/{id}/reports/{version}":          {on: "room", may: seesReport},
	"GET /situations/{id}/tasks/{task}":               {on: "task", may: seesTask(seesRooms), sub: true},
	"POST /situations/{id}/tasks/{task}/state":        {on: "task", may: seesTask(speaksInRooms), sub: true, body: form("state", "cannot")},
	"POST /situations/{id}/tasks/{task}/messages":     {on: "task", may: seesTask(speaksInRooms), sub: true, body: form("text", "")},
}
