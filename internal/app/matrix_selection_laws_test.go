package app

import (
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/gate"
	"noroshi/internal/selection"
)

// agreementBy: some people, of agreements that they know of.
func agreementBy(some func(c *citizen) bool) func(*citizen, *thing) class {
	return func(c *citizen, x *thing) class {
		if !some(c) {
			return refused
		}
		return agreementReading(c, x)
	}
}

// bothSides: who speaks for one of the two parties.
func bothSides(c *citizen) bool { return asks(c) || party(c) }

// granting: nothing is issued but under an agreement in force; trying it
// otherwise stays on the record.
func granting(c *citizen, x *thing) class {
	got := agreementBy(asks)(c, x)
	if got == through && !inForce(x) {
		return refused
	}
	return got
}

// consenting: a consent that the party gave, of its own agreement.
func consenting(c *citizen, x *thing) class {
	got := agreementBy(party)(c, x)
	if got == through && !inForce(x) {
		return hidden // there is none
	}
	return got
}

// listReading: the office its own; the commission what was compiled.
func listReading(c *citizen, x *thing) class {
	switch {
	case asks(c), composes(c), carries(c):
		return either(c.isOwn(x))
	case inCommission(c):
		return either(!x.none && x.sub["state"] == "ready")
	}
	return refused
}

func listOf(some func(c *citizen) bool) func(*citizen, *thing) class {
	return func(c *citizen, x *thing) class {
		if !some(c) {
			return refused
		}
		return listReading(c, x)
	}
}

// second: another person than who made the list.
func second(c *citizen, x *thing) class {
	got := listOf(composes)(c, x)
	if got == through && c.name == x.person {
		return refused
	}
	return got
}

// secondForm is the same on a page, which tells whoever may not see the list
// that it is not there.
func secondForm(c *citizen, x *thing) class {
	if listReading(c, x) == hidden && !composes(c) {
		return hidden
	}
	return second(c, x)
}

// runReading: the office its own, the commission all; not who examines for it.
func runReading(c *citizen, x *thing) class {
	switch {
	case asks(c), composes(c), carries(c):
		return either(c.isOwn(x))
	case inspects(c), votes(c):
		return either(!x.none)
	}
	return refused
}

func runOf(some func(c *citizen) bool) func(*citizen, *thing) class {
	return func(c *citizen, x *thing) class {
		if !some(c) {
			return refused
		}
		return runReading(c, x)
	}
}

// ownRun: who began a run on another machine, and no other handler.
func ownRun(c *citizen, x *thing) class {
	if !carries(c) {
		return refused
	}
	return either(c.name == x.person && x.sub["state"] == "going")
}

// receivesRecords: who handles records, and whom the law may let have some.
func receivesRecords(c *citizen) bool {
	return carries(c) || composes(c) || c.any(gate.PoliceOfficer, gate.MinistryClerk)
}

// recordReading: those who handle them all; a recipient those it was given.
func recordReading(c *citizen, x *thing) class {
	switch {
	case carries(c), composes(c):
		return either(c.isOwn(x))
	case c.any(gate.PoliceOfficer):
		return either(x.sub["state"] == "done" && x.sub["given"] != "")
	case receivesRecords(c):
		return hidden
	}
	return refused
}

// recordPage is the office's page; a recipient has one of its own.
func recordPage(c *citizen, x *thing) class {
	if c.any(gate.PoliceOfficer) {
		return hidden
	}
	return recordReading(c, x)
}

// disclosed: who gave it, and who was given it.
func disclosed(c *citizen, x *thing) class {
	switch {
	case carries(c), composes(c):
		return either(c.isOwn(x))
	case receivesRecords(c):
		return either(c.isSent(x))
	}
	return refused
}

// running: a run needs a Grant, of a kind that lets select. Otherwise it is
// refused, and the refusal stays on the record.
func running(c *citizen, x *thing) class {
	if !carries(c) || x.none || x.sub["state"] != "approved" || x.sub["kind"] == "reidentify" {
		return refused
	}
	return through
}

// trying: made-up traffic is of a line that no agreement is about.
func trying(c *citizen, x *thing) class {
	if x.sub["kind"] == "agreement" {
		return refused
	}
	return running(c, x)
}

// holds: who may be entrusted with a share of a key.
func holds(c *citizen) bool {
	return carries(c) || asks(c) || votes(c) || examines(c)
}

func holding(c *citizen, x *thing) class {
	if !holds(c) {
		return refused
	}
	return either(x.sub[c.name] == "holds")
}

// openings: who asks for one, who holds a share, and who supervises.
func openings(c *citizen) bool { return holds(c) || inspects(c) }

// reidentifies: an approval of its own for it, and nobody who holds a share.
func reidentifies(c *citizen, x *thing) class {
	if !carries(c) || x.none || x.sub["kind"] != "reidentify" || c.name == "office/relief" {
		return refused
	}
	return through
}

// ownOpening: who asked for it, and no other handler.
func ownOpening(c *citizen, x *thing) class {
	if !carries(c) {
		return refused
	}
	return either(c.name == x.person)
}

// ---- what is sent ----

func (n *nation) termsJSON() string {
	raw, err := json.Marshal(n.terms("別の案", "記録", "U-9"))
	n.must(err)
	return string(raw)
}

func offerBody(n *nation, _ *citizen, _ *thing) any {
	return `{"version":9999,"terms":` + n.termsJSON() + `}`
}

func proposalBody(n *nation, _ *citizen, _ *thing) any {
	return `{"party":"nobody","article":"art11","terms":` + n.termsJSON() + `}`
}

// waitingList names the list that waits for a second person: no approval is
// issued for it.
func (n *nation) waitingList() string {
	for _, x := range n.things["selectors"] {
		if x.sub["state"] == "waiting" {
			return x.id
		}
	}
	n.t.Fatal("no list waits")
	return ""
}

func grantBody(n *nation, _ *citizen, _ *thing) any {
	return fmt.Sprintf(`{"list":%q}`, n.waitingList())
}

func grantForm(n *nation, _ *citizen, _ *thing) any { return url.Values{"list": {n.waitingList()}} }

// longer is one day more than the records of a run are kept.
func (n *nation) longer(x *thing) time.Time {
	if x.none {
		return n.clock.Now().AddDate(0, 0, 40)
	}
	v, err := n.Selections.ShowRun(n.as("office/handler"), x.id)
	n.must(err)
	return v.Run.RetainUntil.AddDate(0, 0, 2)
}

func longerBody(n *nation, _ *citizen, x *thing) any {
	return fmt.Sprintf(`{"until":%q,"reason":"確認のため"}`, n.longer(x).Format(time.RFC3339))
}

func longerForm(n *nation, _ *citizen, x *thing) any {
	return url.Values{"until.y": {n.longer(x).Format("2006")}, "until.m": {n.longer(x).Format("1")}, "until.d": {n.longer(x).Format("2")}, "reason": {"確認のため"}}
}

func sightBody(_ *nation, _ *citizen, x *thing) any {
	return fmt.Sprintf(`{"selector":%q,"purpose":"analyse"}`, x.sub["selector"])
}

func itemBody(_ *nation, _ *citizen, x *thing) any {
	return fmt.Sprintf(`{"selector":%q,"purpose":"analyse","title":"見つかったもの"}`, x.sub["selector"])
}

func sightForm(_ *nation, _ *citizen, x *thing) any {
	return url.Values{"selector": {x.sub["selector"]}, "purpose": {"analyse"}}
}

func discloseBody(n *nation, _ *citizen, x *thing) any {
	return fmt.Sprintf(`{"run":%q,"recipient":%q,"basis":"第27条","caveat":"捜査に使わない","purpose":"warn"}`, x.id, n.orgs["police"].ID)
}

func discloseForm(n *nation, _ *citizen, _ *thing) any {
	return url.Values{"recipient": {string(n.orgs["police"].ID)}, "basis": {"第27条"}, "caveat": {"捜査に使わない"}, "purpose": {"warn"}}
}

// recordQuery: a recipient names under which disclosure it reads.
func recordQuery(n *nation, c *citizen, x *thing) string {
	q := "?purpose=analyse&run=" + x.id
	if c.any(gate.PoliceOfficer, gate.MinistryClerk) {
		q = "?purpose=warn&run=" + x.id + "&disclosure=" + n.things["disclosure"][0].id
	}
	return q
}

// emptyLine is a capture without a packet.
var emptyLine = "\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x65\x00\x00\x00"

// lineOf is the line that an approval is about.
func lineOf(x *thing) string {
	if x.sub["kind"] == "agreement" {
		return "ZGLFORCE"
	}
	return "ZSLINE"
}

func captureQuery(_ *nation, _ *citizen, x *thing) string {
	return "?source=ZSOURCE&link=" + lineOf(x) + "&approval=" + x.id
}

func beginBody(_ *nation, _ *citizen, x *thing) any {
	return fmt.Sprintf(`{"approval":%q,"link":%q}`, x.id, lineOf(x))
}

// again is an approval without a run under way: another one like it, or of an
// agreement the same once its runs were given up.
func again(n *nation, _ *citizen, x *thing) *thing {
	if x.sub["kind"] == "agreement" {
		list, _, err := n.Selections.Runs(n.as("office/handler"), selection.RunFilter{Approval: x.id, State: selection.RunGoing})
		n.must(err)
		for _, r := range list {
			if n.Selections.Abort(n.as("office/handler"), r.ID) != nil {
				n.must(n.Selections.Abort(n.as("office/relief"), r.ID))
			}
		}
		return x
	}
	y := n.ordered("AGAIN", n.list, nil)
	list := n.things["approval"]
	n.things["approval"] = list[:len(list)-1]
	return y
}

// anotherRun is a run on another machine to be given up or ended.
func anotherRun(n *nation, _ *citizen, x *thing) *thing {
	y := again(n, nil, &thing{sub: map[string]string{}})
	r, err := n.Selections.BeginRemote(n.as(x.person), selection.NewRun{Approval: approval.ID(y.id), Link: "ZSLINE"})
	n.must(err)
	return &thing{kind: "run", id: r.Run.ID, org: x.org, person: x.person, sub: x.sub}
}

func anotherConsent(n *nation, _ *citizen, x *thing) *thing {
	k, err := n.Selections.Consent(n.as(x.sent[0]+"/admin"), x.id, "別の目的", n.clock.Now().AddDate(0, 0, 20))
	n.must(err)
	return &thing{kind: x.kind, id: x.id, org: x.org, person: x.person, sent: x.sent, sub: map[string]string{"state": x.sub["state"], "consent": k.ID}}
}

const aVersion = `{"version":9999}`

var versionForm = form("version", "9999")

var selectionLaws = map[string]law{
	"GET /live/selection": {may: everybody, free: true},

	// agreements
	"GET /api/v1/agreements":                            {may: only(func(c *citizen) bool { return bothSides(c) || carries(c) || composes(c) || inspects(c) }), query: query("?ended=true")},
	"POST /api/v1/agreements":                           {may: only(asks), body: proposalBody},
	"GET /api/v1/agreements/{id}":                       {on: "agreement", may: agreementReading},
	"POST /api/v1/agreements/{id}/accept":               {on: "agreement", may: agreementBy(bothSides), body: body(aVersion)},
	"POST /api/v1/agreements/{id}/refuse":               {on: "agreement", may: agreementBy(party), body: body(aVersion)},
	"POST /api/v1/agreements/{id}/take-back":            {on: "agreement", may: agreementBy(asks), body: body(aVersion)},
	"POST /api/v1/agreements/{id}/end":                  {on: "agreement", may: agreementBy(bothSides), body: body(aVersion)},
	"POST /api/v1/agreements/{id}/offer":                {on: "agreement", may: agreementBy(bothSides), body: offerBody},
	"POST /api/v1/agreements/{id}/keeper":               {on: "agreement", may: agreementBy(asks), body: body(`{"person":"x"}`)},
	"POST /api/v1/agreements/{id}/messages":             {on: "agreement", may: agreementBy(bothSides), body: body(`{"text":" "}`)},
	"POST /api/v1/agreements/{id}/grants":               {on: "agreement", may: granting, body: grantBody},
	"POST /api/v1/agreements/{id}/consents":             {on: "agreement", may: agreementBy(party), body: body(`{"purpose":"研究","until":"@until"}`)},
	"DELETE /api/v1/agreements/{id}/consents/{consent}": {on: "agreement", may: consenting, fresh: anotherConsent},
	"POST /api/v1/agreements/{id}/returned":             {on: "agreement", may: agreementBy(func(c *citizen) bool { return carries(c) || composes(c) }), body: body(`{"title":"結果","text":"分析の結果"}`)},
	"GET /agreements":                                   {may: only(func(c *citizen) bool { return bothSides(c) || carries(c) || composes(c) || inspects(c) }), query: query("?ended=1")},
	"GET /agreements/new":                               {may: only(asks)},
	"POST /agreements":                                  {may: only(asks), body: form("party", "x/art11")},
	"GET /agreements/{id}":                              {on: "agreement", may: agreementReading},
	"GET /agreements/{id}/offer":                        {on: "agreement", may: agreementReading},
	"POST /agreements/{id}/offer":                       {on: "agreement", may: agreementBy(bothSides), body: versionForm},
	"POST /agreements/{id}/accept":                      {on: "agreement", may: agreementBy(bothSides), body: versionForm},
	"POST /agreements/{id}/refuse":                      {on: "agreement", may: agreementBy(party), body: versionForm},
	"POST /agreements/{id}/take-back":                   {on: "agreement", may: agreementBy(asks), body: versionForm},
	"POST /agreements/{id}/end":                         {on: "agreement", may: agreementBy(bothSides), body: versionForm},
	"POST /agreements/{id}/messages":                    {on: "agreement", may: agreementBy(bothSides), body: form("text", "")},
	"POST /agreements/{id}/grants":                      {on: "agreement", may: granting, body: grantForm},
	"POST /agreements/{id}/consents":                    {on: "agreement", may: agreementBy(party), body: form("purpose", "研究", "consent_until.y", "2020", "consent_until.m", "1", "consent_until.d", "2")},
	"POST /agreements/{id}/consents/{consent}/withdraw": {on: "agreement", may: consenting, body: form(), fresh: anotherConsent},
	"POST /agreements/{id}/returned":                    {on: "agreement", may: agreementBy(func(c *citizen) bool { return carries(c) || composes(c) }), body: form("title", "結果", "result", "分析の結果")},

	// lists of selectors
	"GET /api/v1/selector-lists":                {may: only(func(c *citizen) bool { return asks(c) || composes(c) || carries(c) || inCommission(c) })},
	"POST /api/v1/selector-lists":               {may: only(composes), query: query("?name=x"), body: raw("type,value\n")},
	"GET /api/v1/selector-lists/{id}":           {on: "selectors", may: listReading},
	"GET /api/v1/selector-lists/{id}/selectors": {on: "selectors", may: listOf(func(c *citizen) bool { return composes(c) || inspects(c) })},
	"POST /api/v1/selector-lists/{id}/second":   {on: "selectors", may: second, body: body(`{}`)},
	"GET /selector-lists":                       {may: only(func(c *citizen) bool { return asks(c) || composes(c) || carries(c) || inCommission(c) })},
	"GET /selector-lists/new":                   {may: only(composes)},
	"POST /selector-lists":                      {may: only(composes), body: form("name", "")},
	"GET /selector-lists/{id}":                  {on: "selectors", may: listReading, query: query("?open=1")},
	"POST /selector-lists/{id}/second":          {on: "selectors", may: secondForm, body: form()},

	// runs
	"GET /api/v1/selection-runs":                      {may: only(seesRuns)},
	"GET /api/v1/selection-runs/{id}":                 {on: "run", may: runReading},
	"POST /api/v1/selection-runs":                     {on: "approval", may: running, body: beginBody, fresh: again},
	"POST /api/v1/selection-drills":                   {on: "approval", may: trying, body: body(`{"approval":"@id","traffic":"ZSOURCE","wait":true}`), fresh: again},
	"POST /api/v1/selection-captures":                 {on: "approval", may: running, query: captureQuery, body: raw(emptyLine), fresh: again},
	"GET /api/v1/selection-runs/{id}/selectors":       {on: "run", may: ownRun},
	"POST /api/v1/selection-runs/{id}/beat":           {on: "run", may: ownRun, body: body(`{}`)},
	"POST /api/v1/selection-runs/{id}/records/{page}": {on: "run", may: ownRun, body: raw("{}\n"), fresh: anotherRun},
	"POST /api/v1/selection-runs/{id}/vault":          {on: "run", may: ownRun, body: raw("{}"), fresh: anotherRun},
	"POST /api/v1/selection-runs/{id}/statement":      {on: "run", may: ownRun, body: raw("{}"), fresh: anotherRun},
	"DELETE /api/v1/selection-runs/{id}":              {on: "run", may: ownRun, fresh: anotherRun},
	"GET /api/v1/selection-volumes":                   {may: only(func(c *citizen) bool { return c.any(gate.CarrierClerk) })},
	"GET /selection":                                  {may: only(func(c *citizen) bool { return seesRuns(c) || receivesRecords(c) || c.any(gate.CarrierClerk) })}, // who sees one thing alone is led there
	"GET /selection/new":                              {may: only(carries)},
	"POST /selection":                                 {may: only(carries), body: form("approval", "x", "traffic", "none")},
	"GET /selection/volumes":                          {may: only(func(c *citizen) bool { return c.any(gate.CarrierClerk) })},
	"GET /selection/receipts":                         {may: only(seesRuns)},
	"GET /selection/{id}":                             {on: "run", may: runReading},
	"GET /api/v1/selection-receipts":                  {may: only(seesRuns)},

	// records
	"GET /api/v1/selection-records":              {on: "run", may: recordReading, query: recordQuery},
	"POST /api/v1/selection-runs/{id}/extension": {on: "run", may: runOf(carries), body: longerBody},
	"POST /api/v1/selection-runs/{id}/sightings": {on: "found", may: runOf(composes), body: sightBody},
	"POST /api/v1/selection-runs/{id}/items":     {on: "found", may: runOf(composes), body: itemBody},
	"POST /selection/{id}/items":                 {on: "found", may: runOf(composes), body: sightForm},
	"GET /api/v1/selection-disclosures":          {may: only(receivesRecords)},
	"POST /api/v1/selection-disclosures":         {on: "found", may: runOf(carries), body: discloseBody},
	"GET /selection/{id}/records":                {on: "run", may: recordPage, query: query("?purpose=analyse")},
	"POST /selection/{id}/extension":             {on: "run", may: runOf(carries), body: longerForm},
	"POST /selection/{id}/sightings":             {on: "found", may: runOf(composes), body: sightForm},
	"GET /selection/{id}/disclose":               {on: "run", may: runOf(carries)},
	"POST /selection/{id}/disclose":              {on: "found", may: runOf(carries), body: discloseForm},
	"GET /disclosures":                           {may: only(receivesRecords)},
	"GET /disclosures/{disclosure}":              {on: "disclosure", may: disclosed, query: query("?purpose=warn")},

	// keys
	"GET /api/v1/selection-keys":                  {may: only(holds)},
	"POST /api/v1/selection-keys":                 {may: only(asks), body: body(`{"approval":"x","first":"a","second":"a"}`)},
	"POST /api/v1/selection-keys/{id}/share":      {on: "custody", may: holding},
	"GET /api/v1/selection-holders":               {may: only(holds)},
	"POST /api/v1/selection-holders":              {may: only(holds), body: body(`{"ready":true}`)},
	"POST /selection/holders":                     {may: only(holds), body: form("ready", "1")},
	"GET /api/v1/selection-openings":              {may: only(openings)},
	"POST /api/v1/selection-openings":             {on: "approval", may: reidentifies, body: body(`{"approval":"@id","purpose":"analyse"}`)},
	"POST /api/v1/selection-openings/{id}/share":  {on: "opening", may: holding, body: raw("x")},
	"POST /api/v1/selection-openings/{id}/result": {on: "opening", may: ownOpening},
	"GET /selection/keys":                         {may: only(openings)},
	"POST /selection/keys":                        {may: only(asks), body: form("approval", "x", "first", "a", "second", "a")},
	"POST /selection/keys/{id}/share":             {on: "custody", may: holding, body: form()},
	"POST /selection/openings":                    {on: "approval", may: reidentifies, body: form("approval", "@id", "purpose", "analyse")},
	"POST /selection/openings/{id}/share":         {on: "opening", may: holding, body: shareUpload},
	"POST /selection/openings/{id}/result":        {on: "opening", may: ownOpening, body: form()},
}

func shareUpload(*nation, *citizen, *thing) any { return multipartOf("share", "a.share", "x") }
