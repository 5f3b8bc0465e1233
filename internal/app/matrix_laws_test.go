package app

import (
	"net/url"
	"strings"

	"noroshi/internal/base/gate"
	"noroshi/internal/incident"
	"noroshi/internal/org"
)

// class is what an attempt came to, as far as who tried may learn.
type class string

const (
	through class = "let through" // done, or told what is missing in what was sent
	hidden  class = "not there"   // whether it is not, or is not theirs
	refused class = "refused"     // and recorded
	signIn  class = "sign in"
)

// law says of one route, in words and without the gate's tables, who comes to
// what.
type law struct {
	on    string                                       // kind of thing in the address; empty: none
	may   func(c *citizen, x *thing) class             // of somebody who is signed in
	free  bool                                         // a token needs no scope
	sub   bool                                         // the second thing in the address must be of the first
	why   bool                                         // a recipient is asked for a purpose before the second thing is looked for
	body  func(n *nation, c *citizen, x *thing) any    // what is sent
	query func(n *nation, c *citizen, x *thing) string // of the address, with ?
	head  []string                                     // headers
	fresh func(n *nation, c *citizen, x *thing) *thing // another of its kind, when it is used up
	page  bool                                         // a form, which may be absent for those it is not for
	last  bool                                         // ends the caller's session
}

// ---- who, in words ----

func everybody(*citizen, *thing) class { return through }

// only lets some people in, whatever they ask for.
func only(some func(c *citizen) bool) func(*citizen, *thing) class {
	return func(c *citizen, _ *thing) class {
		if some(c) {
			return through
		}
		return refused
	}
}

// forOwn: some people, for what is their own organisation's.
func forOwn(some func(c *citizen) bool) func(*citizen, *thing) class {
	return func(c *citizen, x *thing) class {
		switch {
		case !some(c):
			return refused
		case !c.isOwn(x):
			return hidden
		}
		return through
	}
}

// forSent: some people, for what was sent to their organisation.
func forSent(some func(c *citizen) bool) func(*citizen, *thing) class {
	return func(c *citizen, x *thing) class {
		switch {
		case !some(c):
			return refused
		case !c.isSent(x):
			return hidden
		}
		return through
	}
}

// reading: the reporter's own people, and those it was sent to.
func reading(c *citizen, x *thing) class {
	switch {
	case c.operates():
		return either(c.isOwn(x))
	case c.receives():
		return either(c.isSent(x))
	}
	return refused
}

// ownReading: only the reporter's own people read it this way; a recipient
// finds nothing there.
func ownReading(c *citizen, x *thing) class {
	switch {
	case c.operates():
		return either(c.isOwn(x))
	case c.receives():
		return hidden
	}
	return refused
}

// deskReading: only whom it was sent to; its reporter finds nothing there.
func deskReading(c *citizen, x *thing) class {
	switch {
	case c.receives():
		return either(c.isSent(x))
	case c.operates():
		return hidden
	}
	return refused
}

// ownReports: an operator's list of its own; a recipient has none.
func ownReports(c *citizen, _ *thing) class {
	switch {
	case c.operates():
		return through
	case c.receives():
		return hidden
	}
	return refused
}

// draftReading: whoever may write reports reads the organisation's drafts.
func draftReading(c *citizen, x *thing) class {
	switch {
	case c.operates():
		return either(c.reports() && c.isOwn(x))
	case c.receives():
		return hidden
	}
	return refused
}

// statementReading: the operator's own people, and whom it was sent to.
func statementReading(c *citizen, x *thing) class {
	switch {
	case c.operates():
		return either(c.isOwn(x))
	case c.notified():
		return either(c.isSent(x))
	}
	return refused
}

// equipment: people of the operator, and the contractor that runs it.
func equipmentFor(some func(c *citizen) bool) func(*citizen, *thing) class {
	return func(c *citizen, x *thing) class {
		switch {
		case c.any(gate.Maintainer):
			return either(!x.none && x.org == "wind" && x.sub["by"] == c.org)
		case some(c):
			return either(c.isOwn(x))
		}
		return refused
	}
}

func either(yes bool) class {
	if yes {
		return through
	}
	return hidden
}

// seesOrg: whoever knows of the organisation.
func seesOrg(c *citizen, x *thing) class { return either(!x.none && c.knows(x.org)) }

// managesPeople: an operator's administrator at home, the hub's everywhere.
func managesPeople(c *citizen, x *thing) class {
	switch {
	case c.hub():
		return either(!x.none)
	case c.admin():
		return either(c.isOwn(x))
	}
	return refused
}

func ownOrHub(c *citizen, x *thing) class { return either(!x.none && (c.isOwn(x) || c.hub())) }

func settles(c *citizen) bool {
	return c.any(gate.OperatorAdmin, gate.Maintainer, gate.SupplierContact, gate.MakerContact, gate.HubAdmin)
}

func adminOrHub(c *citizen) bool { return c.admin() || c.hub() }

// personal: something of one person, who alone may.
func personal(c *citizen, x *thing) class { return either(!x.none && x.person == c.name) }

// ---- what is sent ----

func form(pairs ...string) func(*nation, *citizen, *thing) any {
	return func(n *nation, c *citizen, x *thing) any {
		v := url.Values{}
		for i := 0; i+1 < len(pairs); i += 2 {
			v.Add(pairs[i], n.fill(pairs[i+1], c, x))
		}
		return v
	}
}

func body(text string) func(*nation, *citizen, *thing) any {
	return func(n *nation, c *citizen, x *thing) any { return n.fill(text, c, x) }
}

func query(text string) func(*nation, *citizen, *thing) string {
	return func(n *nation, c *citizen, x *thing) string { return n.fill(text, c, x) }
}

// fill writes what the sender knows into a text.
func (n *nation) fill(text string, c *citizen, x *thing) string {
	return strings.NewReplacer("@purpose", purposeOf(c.kind), "@id", x.id, "@org", string(n.orgs[c.org].ID), "@operator", string(n.orgs[x.org].ID), "@industry", string(n.orgs["industry"].ID),
		"@free", n.freeNumber(), "@supplier", string(n.orgs["supplier"].Number), "@until", n.clock.Now().AddDate(0, 0, 3).Format("2006-01-02T15:04:05Z")).Replace(text)
}

// purpose brings the cookie by which the desk's pages know why.
var purpose = []string{"Cookie", "noroshi-purpose=@id.@purpose"}

// ifMatch names a version that is nobody's, so that the act is told and not
// done.
var ifMatch = []string{"If-Match", `"9999"`}

// clashing is a draft in which two people wrote one answer.
func clashing(n *nation, c *citizen, x *thing) *thing {
	y := n.draft(x.org)
	ctx := n.as(x.org + "/admin")
	d, err := n.Incidents.SaveDraft(ctx, y.id, 1, incident.Changes{Values: map[incident.FieldID]incident.Value{"event.title": incident.KnownValue("ZE" + strings.ToUpper(x.org) + " 別の名")}})
	n.must(err)
	if len(d.Clashes) != 1 {
		n.t.Fatalf("%d clashes", len(d.Clashes))
	}
	y.sub["choice"] = d.Clashes[0].Choice
	return y
}

func newDraft(n *nation, _ *citizen, x *thing) *thing { return n.draft(x.org) }
func newToken(n *nation, c *citizen, x *thing) *thing {
	return n.token(&citizen{name: x.person, org: x.org, id: n.personOf(x, c)})
}
func newView(n *nation, c *citizen, x *thing) *thing {
	return n.view(&citizen{name: x.person, org: x.org, id: n.personOf(x, c)})
}
func newSession(n *nation, c *citizen, x *thing) *thing {
	return n.session(&citizen{name: x.person, org: x.org, id: n.personOf(x, c)})
}
func newTie(n *nation, _ *citizen, x *thing) *thing {
	if x.sub["state"] != "confirmed" {
		return n.tie()
	}
	n.tie() // ends the last one
	t, err := n.Orgs.Tie(org.Local(n.t.Context()), org.SupplierTie, n.orgs["wind"].ID, n.orgs["contractor"].ID, "消耗品")
	n.must(err)
	return &thing{kind: "tie", id: t.ID, org: x.org, sent: x.sent, sub: x.sub}
}

// personOf finds the person a thing belongs to.
func (n *nation) personOf(x *thing, c *citizen) (id orgPerson) {
	if x.person == c.name {
		return c.id
	}
	for i, y := range n.things["person"] {
		if y.org == x.org {
			return orgPerson(n.things["person"][i].id)
		}
	}
	n.t.Fatalf("%s of nobody", x.kind)
	return ""
}

const (
	reason  = `{"reason":"確認のため"}`
	orgJSON = `{"number":"@free","name_ja":"新しい会社","kinds":["supplier"]}`
	newMan  = `{"name":"新人","mail":"n@id@new.example","roles":["operator.viewer"]}`
)

// laws is every route there is. A route that is not here fails the test.
var laws = map[string]law{
	// organisations
	"GET /organisation":                       {may: everybody, free: true},
	"GET /organisations":                      {may: everybody},
	"GET /api/v1/organisations":               {may: everybody},
	"GET /organisations/{id}":                 {on: "org", may: seesOrg},
	"GET /api/v1/organisations/{id}":          {on: "org", may: seesOrg},
	"GET /api/v1/organisations/{id}/ties":     {on: "org", may: ownOrHub},
	"GET /organisations/{id}/contacts":        {on: "org", may: ownOrHub},
	"POST /organisations/{id}/contacts":       {on: "org", may: managesPeople, body: form("version", "9999", "contacts[0].duty", "window", "contacts[0].name", "窓口", "contacts[0].phone", "03-0000-0000")},
	"PUT /api/v1/organisations/{id}/contacts": {on: "org", may: managesPeople, body: body(`[]`), head: ifMatch},
	"GET /organisations/new":                  {may: only((*citizen).hub)},
	"POST /organisations/new":                 {may: only((*citizen).hub), body: form("number", "@free", "name.ja", "新しい会社", "kinds", "supplier")},
	"POST /api/v1/organisations":              {may: only((*citizen).hub), body: body(orgJSON)},
	"GET /organisations/{id}/change":          {on: "org", may: onlyHubThere},
	"POST /organisations/{id}/change":         {on: "org", may: onlyHubThere, body: form("version", "9999", "name.ja", "改めた名", "kinds", "supplier")},
	"PUT /api/v1/organisations/{id}":          {on: "org", may: onlyHubThere, body: body(`{"name_ja":"改めた名","kinds":["supplier"]}`), head: ifMatch},
	"GET /ties/new":                           {may: only(adminOrHub)},
	"POST /ties/new":                          {may: only(adminOrHub), body: form("kind", "supplier", "number", "", "name", "だれか")},
	"POST /api/v1/ties":                       {may: only(adminOrHub), body: body(`{"kind":"supplier","number":"1","name":"だれか"}`)},
	"POST /ties/{id}/answer":                  {on: "tie", may: tieAnswer, body: form("answer", "confirm"), fresh: newTie},
	"POST /api/v1/ties/{id}/answer":           {on: "tie", may: tieAnswer, body: body(`{"confirm":true}`), fresh: newTie},
	"POST /ties/{id}/end":                     {on: "tie", may: tieEnd, body: form(), fresh: newTie},
	"DELETE /api/v1/ties/{id}":                {on: "tie", may: tieEnd, fresh: newTie},
	"GET /api/v1/sectors":                     {may: everybody, free: true},

	// people
	"GET /people":                      {may: everybody},
	"GET /api/v1/people":               {may: everybody},
	"GET /people/{id}":                 {on: "person", may: ownOrHub},
	"GET /api/v1/people/{id}":          {on: "person", may: ownOrHub},
	"GET /people/new":                  {may: only(adminOrHub)},
	"POST /people/new":                 {may: only(adminOrHub), body: form("name", "", "mail", "x", "roles", "operator.viewer", "clearance", "0", "lang", "ja")},
	"POST /api/v1/people":              {may: only(adminOrHub), body: body(`{"name":"","mail":"x","roles":["operator.viewer"]}`)},
	"POST /people/{id}":                {on: "person", may: managesPeople, body: form("version", "9999", "name", "改名", "mail", "renamed@new.example", "roles", "operator.viewer", "clearance", "0", "lang", "ja")},
	"PUT /api/v1/people/{id}":          {on: "person", may: managesPeople, body: body(`{"name":"改名","mail":"renamed@new.example","roles":["operator.viewer"]}`), head: ifMatch},
	"POST /people/{id}/suspend":        {on: "person", may: managesPeople, body: form()},
	"POST /people/{id}/resume":         {on: "person", may: managesPeople, body: form()},
	"POST /api/v1/people/{id}/suspend": {on: "person", may: managesPeople},
	"POST /api/v1/people/{id}/resume":  {on: "person", may: managesPeople},
	"POST /people/{id}/link":           {on: "person", may: managesPeople, body: form()},
	"POST /api/v1/people/{id}/link":    {on: "person", may: managesPeople, body: body(`{}`)},

	// one's own account
	"GET /account":                     {may: everybody},
	"GET /api/v1/me":                   {may: everybody, free: true},
	"POST /account/lang":               {may: everybody, body: form("lang", "ja")},
	"POST /views":                      {may: everybody, body: form("path", "/reports", "name", "night", "query", "waiting=1")},
	"GET /account/password":            {may: everybody, free: true},
	"POST /account/password":           {may: everybody, body: form("old_password", "x", "new_password", "ラクダ nine harbours", "password_again", "ラクダ nine harbours")},
	"GET /account/codes":               {may: everybody, free: true},
	"POST /account/codes":              {may: everybody, body: form("code", "000000")},
	"GET /account/tokens/new":          {may: everybody, free: true},
	"POST /account/tokens/new":         {may: everybody, body: form("name", "", "scopes", "org.read", "days", "1")},
	"POST /api/v1/tokens":              {may: everybody, body: body(`{"name":"","scopes":["org.read"]}`)},
	"GET /api/v1/tokens":               {may: everybody},
	"GET /api/v1/sessions":             {may: everybody},
	"POST /account/tokens/{id}/revoke": {on: "token", may: ownTokenOrHub, body: form(), fresh: newToken},
	"DELETE /api/v1/tokens/{id}":       {on: "token", may: ownTokenOrHub, fresh: newToken},
	"POST /views/{id}/drop":            {on: "view", may: personal, body: form(), fresh: newView},
	"POST /account/sessions/{id}/end":  {on: "session", may: personal, body: form(), fresh: newSession},
	"DELETE /api/v1/sessions/{id}":     {on: "session", may: personal, fresh: newSession},
	"POST /account/sessions/end":       {may: everybody, body: form(), last: true},
	"POST /sign-out":                   {may: func(*citizen, *thing) class { return signIn }, free: true, body: form(), last: true},

	// the ledger
	"GET /api/v1/proofs/{entry}": {on: "entry", may: func(_ *citizen, x *thing) class { return either(!x.none) }, free: true},
	"GET /record":                {may: only(func(c *citizen) bool { return c.any(gate.CommissionMember) })},
	"POST /ledger/cosignature": {may: func(c *citizen, _ *thing) class { // no witness is configured here
		if c.any(gate.CommissionMember) {
			return hidden
		}
		return refused
	}, body: form("x", "y")},

	// the reporter
	"GET /{$}":                             {may: everybody, free: true},
	"GET /live/incident":                   {may: everybody, free: true},
	"GET /reports":                         {may: ownReports},
	"GET /api/v1/incidents":                {may: only(func(c *citizen) bool { return c.operates() || c.receives() })},
	"GET /reports/new":                     {may: only((*citizen).reports)},
	"POST /reports/new":                    {may: only((*citizen).reports), body: form("kind", "ddos")},
	"POST /api/v1/incidents":               {may: only((*citizen).reports), body: submission},
	"POST /api/v1/incidents/{id}/versions": {on: "case", may: only((*citizen).reports), body: submission},
	"GET /api/v1/incidents/{id}":           {on: "case", may: reading, query: query("?purpose=@purpose")},
	"GET /api/v1/incidents/{id}/versions":  {on: "case", may: reading, query: query("?purpose=@purpose")},
	"GET /api/v1/incidents/{id}/versions/{version}/changes": {on: "case", may: reading, query: query("?purpose=@purpose")},
	"GET /api/v1/incidents/{id}/questions":                  {on: "case", may: reading, query: query("?purpose=@purpose")},
	"GET /api/v1/incidents/{id}/feedback":                   {on: "case", may: reading, query: query("?purpose=@purpose")},
	"GET /api/v1/incidents/{id}/redacted":                   {on: "case", may: reading, query: query("?purpose=@purpose")},
	"GET /api/v1/incidents/{id}/forms/{form}":               {on: "case", may: formReading, query: query("?purpose=@purpose")},
	"GET /api/v1/incidents/{id}/files/{file}":               {on: "case", may: reading, query: query("?purpose=@purpose"), sub: true},
	"GET /api/v1/incidents/{id}/files":                      {on: "case", may: ownFiles},
	"GET /api/v1/incidents/{id}/receipts":                   {on: "case", may: reading},
	"GET /api/v1/incidents/{id}/supervisions":               {on: "case", may: reading},
	"GET /api/v1/incidents/{id}/clocks":                     {on: "case", may: ownReading},
	"GET /api/v1/incidents/{id}/clocks.ics":                 {on: "case", may: ownReading},
	"GET /api/v1/incidents/{id}/hold":                       {on: "case", may: ownReading},
	"GET /reports/{id}":                                     {on: "case", may: reading},
	"GET /reports/{id}/receipt":                             {on: "case", may: reading},
	"GET /reports/{id}/versions/{n}":                        {on: "case", may: reading},
	"GET /reports/{id}/proof/{entry}":                       {on: "case", may: reportProof, sub: true},
	"GET /reports/{id}/forms/{profile}/{format}":            {on: "case", may: reading},
	"GET /reports/{id}/clocks.ics":                          {on: "case", may: ownReading},
	"GET /reports/{id}/files/{file}":                        {on: "case", may: reading, sub: true, why: true},
	"GET /reports/{id}/withdraw":                            {on: "case", page: true, may: formOf((*citizen).reports, reading)},
	"POST /reports/{id}/withdraw":                           {on: "case", may: forOwn((*citizen).reports), body: form("reason", strings.Repeat("長", 4001))},
	"POST /api/v1/incidents/{id}/withdrawal":                {on: "case", may: forOwn((*citizen).reports), body: body(`{"reason":""}`)},
	"GET /reports/{id}/extend":                              {on: "case", page: true, may: formOf((*citizen).admin, reading)},
	"POST /reports/{id}/extend":                             {on: "case", may: forOwn((*citizen).admin), body: form("until.y", "2020", "until.m", "1", "until.d", "2", "reason", "確認")},
	"GET /reports/{id}/hold":                                {on: "case", page: true, may: formOf((*citizen).admin, reading)},
	"POST /reports/{id}/hold":                               {on: "case", may: forOwn((*citizen).admin), body: form("reason", "")},
	"POST /api/v1/incidents/{id}/hold":                      {on: "case", may: forOwn((*citizen).admin), body: body(`{"reason":""}`)},
	"POST /api/v1/incidents/{id}/hold/release":              {on: "case", may: forOwn((*citizen).admin), body: body(`{"reason":""}`)},
	"POST /api/v1/incidents/{id}/retention":                 {on: "case", may: forOwn((*citizen).admin), body: body(`{"until":"2020-01-01T00:00:00Z","reason":"確認"}`)},
	"POST /reports/{id}/answer":                             {on: "case", may: forOwn((*citizen).reports), body: answerForm},
	"POST /api/v1/incidents/{id}/answers":                   {on: "case", may: forOwn((*citizen).reports), body: answerBody},
	"POST /reports/{id}/files":                              {on: "case", may: forOwn((*citizen).reports), body: upload},
	"POST /api/v1/incidents/{id}/files":                     {on: "case", may: forOwn((*citizen).reports), query: query("?name=a.txt"), body: raw("a line of a log")},
	"DELETE /api/v1/incidents/{id}/files/{file}":            {on: "case", may: forOwn((*citizen).reports)},
	"POST /reports/{id}/next":                               {on: "case", may: forOwn((*citizen).reports), body: form("stage", "followup")},
	"GET /readings":                                         {may: only(func(c *citizen) bool { return c.operates() || c.any(gate.CommissionMember) })},
	"GET /api/v1/incident-readings":                         {may: only(func(c *citizen) bool { return c.operates() || c.any(gate.CommissionMember) })},
	"GET /api/v1/incident-profiles":                         {may: everybody, free: true},
	"GET /api/v1/incident-purposes":                         {may: everybody, free: true},

	// drafts
	"GET /api/v1/incident-drafts":                        {may: only((*citizen).reports)},
	"POST /api/v1/incident-drafts":                       {may: only((*citizen).reports), body: body(`{"kind":"ddos"}`)},
	"GET /api/v1/incident-drafts/{id}":                   {on: "draft", may: forOwn((*citizen).reports)},
	"GET /api/v1/incident-drafts/{id}/preview":           {on: "draft", may: forOwn((*citizen).reports)},
	"PATCH /api/v1/incident-drafts/{id}":                 {on: "draft", may: forOwn((*citizen).reports), body: body(`{}`), head: ifMatch},
	"DELETE /api/v1/incident-drafts/{id}":                {on: "draft", may: forOwn((*citizen).reports), fresh: newDraft},
	"POST /api/v1/incident-drafts/{id}/clashes/{choice}": {on: "draft", may: forOwn((*citizen).reports), body: body(`{"other":true}`), fresh: clashing},
	"POST /api/v1/incident-drafts/{id}/submission":       {on: "draft", may: forOwn((*citizen).reports), head: ifMatch},
	"GET /drafts/{id}":                                   {on: "draft", may: forOwn((*citizen).reports)},
	"GET /drafts/{id}/ask/{field}":                       {on: "draft", may: forOwn((*citizen).reports)},
	"POST /drafts/{id}/ask/{field}":                      {on: "draft", may: forOwn((*citizen).reports), body: form("version", "0", "event.title", "")},
	"POST /drafts/{id}/save/{field}":                     {on: "draft", may: forOwn((*citizen).reports), body: form("version", "0", "event.title", "")},
	"GET /drafts/{id}/marks":                             {on: "draft", may: forOwn((*citizen).reports)},
	"POST /drafts/{id}/marks":                            {on: "draft", may: forOwn((*citizen).reports), body: form("version", "0", "kind", "other", "tlp", "AMBER")},
	"GET /drafts/{id}/scope":                             {on: "draft", may: forOwn((*citizen).reports)},
	"POST /drafts/{id}/scope":                            {on: "draft", may: forOwn((*citizen).reports), body: form("version", "1")},
	"GET /drafts/{id}/clash":                             {on: "draft", may: forOwn((*citizen).reports)},
	"POST /drafts/{id}/clash":                            {on: "draft", may: forOwn((*citizen).reports), body: clashForm, fresh: clashing},
	"GET /drafts/{id}/files":                             {on: "draft", may: forOwn((*citizen).reports)},
	"POST /drafts/{id}/files":                            {on: "draft", may: forOwn((*citizen).reports), body: upload},
	"POST /drafts/{id}/files/{file}/remove":              {on: "draft", may: forOwn((*citizen).reports), body: form(), fresh: newDraft, sub: true},
	"GET /drafts/{id}/discard":                           {on: "draft", may: forOwn((*citizen).reports)},
	"POST /drafts/{id}/discard":                          {on: "draft", may: forOwn((*citizen).reports), body: form(), fresh: newDraft},
	"GET /drafts/{id}/check":                             {on: "draft", may: forOwn((*citizen).reports)},
	"POST /drafts/{id}/submit":                           {on: "draft", may: forOwn((*citizen).reports), body: form("version", "0")},
	"GET /drafts/{id}/forms/{profile}/{format}":          {on: "draft", may: draftReading},
	"GET /drafts/{id}/clocks.ics":                        {on: "draft", may: draftReading},

	// the desk
	"GET /inbox":                                                  {may: only(func(c *citizen) bool { return c.operates() || c.receives() })},
	"POST /inbox/bulk":                                            {on: "case", may: forSent((*citizen).receives), body: form("id", "@id")},
	"GET /api/v1/incidents/{id}/cover":                            {on: "case", may: deskReading},
	"GET /inbox/{id}":                                             {on: "case", may: deskReading},
	"POST /inbox/{id}/acknowledge":                                {on: "case", may: forSent((*citizen).receives), body: form("number", "")},
	"POST /api/v1/incidents/{id}/acknowledgement":                 {on: "case", may: forSent((*citizen).receives), body: body(`{}`)},
	"POST /inbox/{id}/purpose":                                    {on: "case", may: deskReading, body: form("purpose", "")},
	"GET /inbox/{id}/report":                                      {on: "case", may: deskReading, head: purpose},
	"GET /inbox/{id}/changes":                                     {on: "case", may: deskReading, query: query("?version=1"), head: purpose},
	"POST /inbox/{id}/ask":                                        {on: "case", may: forSent((*citizen).receives), body: form("question", "")},
	"POST /api/v1/incidents/{id}/questions":                       {on: "case", may: forSent((*citizen).receives), body: body(`{"text":""}`)},
	"POST /inbox/{id}/feedback":                                   {on: "case", may: forSent((*citizen).receives), body: form("done", "")},
	"POST /api/v1/incidents/{id}/feedback":                        {on: "case", may: forSent((*citizen).receives), body: body(`{"done":""}`)},
	"GET /inbox/{id}/delay":                                       {on: "case", page: true, may: formOf(delays, deskReading)},
	"POST /inbox/{id}/delay":                                      {on: "case", may: forSent(delays), body: form("until.y", "2026", "until.m", "11", "until.d", "25", "ground", "", "note", "x")},
	"POST /api/v1/incidents/{id}/delays":                          {on: "case", may: forSent(delays), body: body(`{"ground":"","note":"x","until":"@until"}`)},
	"GET /inbox/{id}/supervise":                                   {on: "case", page: true, may: formOf((*citizen).ministry, deskReading)},
	"POST /inbox/{id}/supervise":                                  {on: "case", may: forSent((*citizen).ministry), body: form("reason", "")},
	"POST /api/v1/incidents/{id}/supervisions":                    {on: "case", may: forSent((*citizen).ministry), body: body(`{"reason":""}`)},
	"GET /inbox/{id}/supervise/{request}":                         {on: "case", may: requestReading, sub: true},
	"POST /inbox/{id}/supervise/{request}":                        {on: "case", may: forSent(func(c *citizen) bool { return c.any(gate.MinistrySuper) }), body: form("go", "refuse"), sub: true},
	"POST /api/v1/incidents/{id}/supervisions/{request}/decision": {on: "case", may: forSent(func(c *citizen) bool { return c.any(gate.MinistrySuper) }), body: body(`{"agree":false}`), sub: true},
	"GET /inbox/{id}/forms/{profile}/{format}":                    {on: "case", may: formReading, head: purpose},
	"GET /inbox/{id}/files/{file}":                                {on: "case", may: reading, head: purpose, sub: true},
}

type orgPerson = org.PersonID
