package app

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/notice"
)

// warns: who writes notices.
func warns(c *citizen) bool {
	return c.ministry() || c.any(gate.OfficeAnalyst, gate.OfficeClerk, gate.JPCERTClerk)
}

// replies: who answers a notice for the organisation that was told.
func replies(c *citizen) bool {
	return c.reports() || c.any(gate.Maintainer, gate.SupplierContact, gate.MakerContact)
}

// isWarned: who reads what their organisation was told.
func isWarned(c *citizen) bool { return replies(c) || c.operates() || c.ministry() }

// helps: who sits at a desk that takes calls for help.
func helps(c *citizen) bool {
	return c.any(gate.OfficeAnalyst, gate.OfficeClerk, gate.JPCERTClerk)
}

// noticeOf: whoever writes notices reaches those of their own body.
var noticeOf = forOwn(warns)

// readingOf: the same to whoever writes notices; to those who are sent some, a
// notice that is not theirs is not there.
func readingOf(c *citizen, x *thing) class {
	if !warns(c) && isWarned(c) {
		return hidden
	}
	return noticeOf(c, x)
}

// relinking: of what they passed on to a firm without an account.
func relinking(c *citizen, x *thing) class {
	if !replies(c) {
		return refused
	}
	return either(c.isOwn(x) && x.sub["passed"] != "")
}

// helpTalk: the conversation with the desk, where there is one.
func helpTalk(c *citizen, x *thing) class {
	if !isWarned(c) {
		return refused
	}
	return either(c.isOwn(x) && x.sub["ticket"] != "")
}

// proofReading: a file of an answer is for whoever added it, and for whoever
// wrote the notice to them.
func proofReading(c *citizen, x *thing) class {
	switch {
	case isWarned(c) && c.isOwn(x):
		return either(x.sub["has"] != "")
	case warns(c):
		return either(!x.none && c.org == x.sub["sender"] && x.sub["has"] != "")
	case isWarned(c):
		return hidden
	}
	return refused
}

// answerFile: a file that a recipient added is for whoever wrote the notice,
// and for the recipient itself by whatever address.
func answerFile(c *citizen, x *thing) class {
	if !warns(c) && !isWarned(c) {
		return refused
	}
	return either(x.sub["has"] != "" && (c.isOwn(x) && warns(c) || c.org == "wind" && isWarned(c)))
}

func said(s string) text.Both { return text.Both{JA: s, EN: s} }

// warning is a notice in three versions.
func (n *nation) warning(word string) notice.Content {
	now := n.clock.Now()
	return notice.Content{Title: said(word + " のお知らせ"), About: []string{sharedFlaw}, Severity: notice.Act, TLP: notice.Amber, AnswerBy: now.Add(8 * time.Hour), FixBy: now.Add(48 * time.Hour), KnownAt: now.Add(-time.Minute),
		Management: &notice.Brief{TLP: notice.Green, What: said("入口に欠陥があります。"), SoWhat: said("該当します。"), Decide: said("止めるか決めてください。")},
		Technical:  &notice.Package{TLP: notice.Amber, Details: said("管理口を見てください。"), Checks: []text.Both{said("記録を見る")}},
		Small: &notice.Steps{TLP: notice.Clear, Title: said(word + " の手順"), Steps: []notice.Step{{Do: said("装置の線を抜いてください"), How: said("電源は切らないでください。")}},
			Helper: notice.Helper{Name: said("窓口"), Phone: "00-0000-0000"}}}
}

// draftNotice makes a draft to wind and sea, each with a reason of its own.
func (n *nation) draftNotice(writer, word string, to map[string]string) notice.Notice {
	n.t.Helper()
	in := notice.NewNotice{Content: n.warning(word), Nobody: true}
	for _, name := range []string{"wind", "sea"} {
		if to[name] != "" {
			in.Recipients = append(in.Recipients, notice.NewRecipient{Org: string(n.orgs[name].ID), Versions: notice.Kinds, Why: []text.Both{said(to[name] + " の台帳にあります。")}})
		}
	}
	d, err := n.Notices.Draft(n.as(writer), in)
	n.must(err)
	return d
}

// warned sends what there is of notices, has it answered, passed on, and help
// asked for.
func (n *nation) warned() {
	n.t.Helper()
	firms := map[string]string{"wind": "office", "sea": "office"}
	sender := func(c *citizen) bool { return c.org == "office" && warns(c) }
	of := func(name string) func(c *citizen) bool {
		return func(c *citizen) bool { return c.org == name && isWarned(c) || sender(c) }
	}
	desk := func(may func(c *citizen) bool) func(c *citizen) bool {
		return func(c *citizen) bool { return may(c) || c.org == "jpcert" && helps(c) }
	}
	n.mark("ZMSENT", "a notice to wind and sea", desk(func(c *citizen) bool {
		return of("wind")(c) || of("sea")(c) || c.org == "contractor" && replies(c)
	}))
	why := map[string]string{}
	for name := range firms {
		up := strings.ToUpper(name)
		why[name] = n.mark("ZL"+up, "why "+name+" was told", desk(of(name)))
		n.mark("ZU"+up, "what "+name+" answered", desk(of(name)))
		n.mark("ZH"+up, "the call of "+name+" for help", func(c *citizen) bool { return c.org == name && isWarned(c) || c.org == "jpcert" && helps(c) })
	}
	d := n.draftNotice("office/analyst", "ZMSENT", why)
	_, err := n.Notices.Send(n.as("office/analyst"), d.ID, notice.SendInput{Revision: d.Revision, Despite: true})
	n.must(err)
	board, err := n.Notices.Board(n.as("office/analyst"), d.ID, "", "", 10)
	n.must(err)
	for _, r := range board.Rows {
		x := n.told1(n.named(r.Org), r.ID, "office")
		if x.org == "wind" {
			n.add(&thing{kind: "notice", id: d.ID, org: "office", sub: map[string]string{"recipient": r.ID, "file": x.sub["file"], "has": "file"}})
		}
	}
	n.passOn()
	for _, writer := range []string{"office/analyst", "industry/clerk"} {
		n.add(n.notDone(writer))
	}
	for _, kind := range []string{"notice", "told", "ticket"} {
		sub := map[string]string{}
		for _, k := range []string{"recipient", "file", "child"} {
			sub[k] = uuid.NewString()
		}
		n.add(&thing{kind: kind, id: uuid.NewString(), none: true, sub: sub})
	}
}

// notDone is a draft to wind.
func (n *nation) notDone(writer string) *thing {
	n.t.Helper()
	body, _, _ := strings.Cut(writer, "/")
	word := n.mark("ZO"+strings.ToUpper(body), "a draft of "+body, func(c *citizen) bool { return c.org == body && warns(c) })
	d := n.draftNotice(writer, word, map[string]string{"wind": word})
	board, err := n.Notices.Board(n.as(writer), d.ID, "", "", 10)
	n.must(err)
	return &thing{kind: "notice", id: d.ID, org: body, sub: map[string]string{"recipient": board.Rows[0].ID, "file": uuid.NewString(), "stage": "draft"}}
}

func newNotDone(n *nation, _ *citizen, x *thing) *thing {
	if x.sub["stage"] != "draft" {
		return x
	}
	n.markers = n.markers[:len(n.markers):len(n.markers)]
	before := len(n.markers)
	y := n.notDone(map[string]string{"office": "office/analyst", "industry": "industry/clerk"}[x.org])
	n.markers = n.markers[:before]
	return y
}

// told1 is one organisation's part of a notice, answered, with a file, and with
// a call for help.
func (n *nation) told1(name, id, sender string) *thing {
	n.t.Helper()
	up, ctx := strings.ToUpper(name), n.as(name+"/reporter")
	x := n.add(&thing{kind: "told", id: id, org: name, sub: map[string]string{"sender": sender}})
	_, err := n.Notices.Answer(ctx, id, notice.AnswerInput{State: notice.Affected, Note: "ZU" + up + " で確かめました"})
	n.must(err)
	f, err := n.Notices.AddEvidence(ctx, id, "ZU"+up+".txt", strings.NewReader("ZU"+up))
	n.must(err)
	x.sub["file"], x.sub["has"], x.sub["child"] = f.ID, "file", uuid.NewString()
	t, err := n.Notices.AskHelp(ctx, id, "ZH"+up+" を助けてください")
	n.must(err)
	x.sub["ticket"] = t.ID
	n.add(&thing{kind: "ticket", id: t.ID, org: "jpcert"})
	return x
}

// passOn: wind passes its part on to its contractor and to a firm without an
// account.
func (n *nation) passOn() {
	n.t.Helper()
	wind := n.things["told"][0]
	if wind.org != "wind" {
		wind = n.things["told"][1]
	}
	firm := func(c *citizen) bool { return c.org == "wind" && isWarned(c) }
	got, err := n.Notices.Relay(n.as("wind/reporter"), wind.id, notice.RelayInput{Versions: []notice.Kind{notice.Small}, Cautions: true,
		Why:      n.mark("ZRELAYED", "why wind passed it on", func(c *citizen) bool { return c.org == "contractor" && replies(c) }) + " のためです",
		Children: []notice.Child{{Org: string(n.orgs["contractor"].ID)}, {Name: n.mark("ZFIRM", "a small firm of wind", firm) + " 電機", Mail: "firm@zfirm.example"}}})
	n.must(err)
	for _, c := range got.Children {
		if c.Org == "" {
			wind.sub["child"], wind.sub["passed"] = c.ID, "link"
			n.mark(c.Link[strings.LastIndex(c.Link, "/")+1:], "the link of a small firm", func(*citizen) bool { return false })
			continue
		}
		n.add(&thing{kind: "told", id: c.ID, org: "contractor", sub: map[string]string{"file": uuid.NewString(), "child": uuid.NewString()}})
	}
}

func childForm(n *nation, c *citizen, x *thing) any { return form("child", x.sub["child"])(n, c, x) }

func recipientForm(n *nation, c *citizen, x *thing) any {
	return form("recipient", x.sub["recipient"])(n, c, x)
}

const (
	aRelay  = `{"children":[],"why":"","cautions":false}`
	aChoice = `{"state":"checking"}`
)

// closes: who runs the hub enters who is behind a closed network.
func closes(c *citizen, x *thing) class {
	if c.hub() {
		return either(!x.none)
	}
	return refused
}

// notClosed: nobody in this country is behind a closed network.
func notClosed(c *citizen, _ *thing) class {
	if c.hub() {
		return hidden
	}
	return refused
}

// warningLaws are the routes of notices.
var warningLaws = map[string]law{
	"GET /live/notice":                                        {may: everybody, free: true},
	"GET /api/v1/notices":                                     {may: only(warns)},
	"POST /api/v1/notices":                                    {may: only(warns), body: body(`{"content":{"severity":"none"}}`)},
	"GET /api/v1/notices/{id}":                                {on: "notice", may: noticeOf},
	"PUT /api/v1/notices/{id}":                                {on: "notice", may: noticeOf, body: body(`{}`), head: ifMatch},
	"DELETE /api/v1/notices/{id}":                             {on: "notice", may: noticeOf, fresh: newNotDone},
	"POST /api/v1/notices/{id}/recipients":                    {on: "notice", may: noticeOf, body: body(`{"recipients":[]}`)},
	"DELETE /api/v1/notices/{id}/recipients/{recipient}":      {on: "notice", may: noticeOf, sub: true, fresh: newNotDone},
	"GET /api/v1/notices/{id}/recipients/{recipient}/preview": {on: "notice", may: noticeOf, sub: true},
	"GET /api/v1/notices/{id}/review":                         {on: "notice", may: noticeOf},
	"POST /api/v1/notices/{id}/sending":                       {on: "notice", may: noticeOf, body: body(`{"revision":9999}`)},
	"POST /api/v1/notices/{id}/withdrawal":                    {on: "notice", may: noticeOf, body: body(`{"reason":""}`)},
	"POST /api/v1/notices/{id}/correction":                    {on: "notice", may: noticeOf},
	"GET /api/v1/notices/{id}/board":                          {on: "notice", may: noticeOf},
	"GET /api/v1/notices/{id}/reading":                        {on: "notice", may: readingOf},
	"GET /api/v1/notices/{id}/board.csv":                      {on: "notice", may: noticeOf},
	"GET /api/v1/closed-networks":                             {may: only((*citizen).hub)},
	"PUT /api/v1/closed-networks/{id}":                        {on: "org", may: closes, body: body(`{"key":""}`)},
	"DELETE /api/v1/closed-networks/{id}":                     {on: "org", may: notClosed},
	"GET /api/v1/notice-candidates":                           {may: only(warns)},
	"GET /api/v1/letters":                                     {may: only(isWarned)},
	"GET /api/v1/letters/{id}":                                {on: "told", may: forOwn(isWarned)},
	"POST /api/v1/letters/{id}/answers":                       {on: "told", may: forOwn(replies), body: body(aChoice)},
	"POST /api/v1/letters/{id}/evidence":                      {on: "told", may: forOwn(replies), query: query("?name=a.txt"), body: raw("a line of a log")},
	"GET /api/v1/letters/{id}/evidence/{file}":                {on: "told", may: proofReading, sub: true},
	"POST /api/v1/letters/{id}/help":                          {on: "told", may: forOwn(replies), body: body(`{"text":""}`)},
	"GET /api/v1/letters/{id}/help":                           {on: "told", may: helpTalk},
	"GET /api/v1/letters/{id}/relay":                          {on: "told", may: forOwn(replies)},
	"POST /api/v1/letters/{id}/relay":                         {on: "told", may: forOwn(replies), body: body(aRelay)},
	"GET /api/v1/letters/{id}/passing":                        {on: "told", may: forOwn(replies)},
	"POST /api/v1/letters/{id}/passing/{child}/link":          {on: "told", may: relinking, sub: true},
	"GET /api/v1/tickets":                                     {may: only(helps)},
	"GET /api/v1/tickets/{id}":                                {on: "ticket", may: forOwn(helps)},
	"POST /api/v1/tickets/{id}/take":                          {on: "ticket", may: forOwn(helps)},
	"POST /api/v1/tickets/{id}/answers":                       {on: "ticket", may: forOwn(helps), body: body(`{"text":""}`)},
	"POST /api/v1/tickets/{id}/close":                         {on: "ticket", may: forOwn(helps)},

	"GET /notices":                               {may: only(warns)},
	"GET /notices/new":                           {may: only(warns)},
	"POST /notices":                              {may: only(warns), body: form("title", strings.Repeat("長", 400))},
	"GET /notices/{id}":                          {on: "notice", may: noticeOf},
	"GET /notices/{id}/edit":                     {on: "notice", may: noticeOf},
	"POST /notices/{id}/edit":                    {on: "notice", may: noticeOf, body: form("revision", "9999")},
	"GET /notices/{id}/recipients":               {on: "notice", may: noticeOf},
	"POST /notices/{id}/recipients":              {on: "notice", may: noticeOf, body: form("org", "none")},
	"POST /notices/{id}/remove":                  {on: "notice", may: noticeOf, sub: true, body: recipientForm, fresh: newNotDone},
	"GET /notices/{id}/preview/{recipient}":      {on: "notice", may: noticeOf, sub: true},
	"GET /notices/{id}/check":                    {on: "notice", may: noticeOf},
	"POST /notices/{id}/send":                    {on: "notice", may: noticeOf, body: form("revision", "9999")},
	"POST /notices/{id}/discard":                 {on: "notice", may: noticeOf, body: form(), fresh: newNotDone},
	"GET /notices/{id}/board.csv":                {on: "notice", may: noticeOf},
	"GET /notices/{id}/withdraw":                 {on: "notice", may: noticeOf},
	"POST /notices/{id}/withdraw":                {on: "notice", may: noticeOf, body: form("reason", "")},
	"POST /notices/{id}/correct":                 {on: "notice", may: noticeOf, body: form()},
	"GET /notices/{id}/files/{recipient}/{file}": {on: "notice", may: answerFile, sub: true},
	"GET /letters":                               {may: only(isWarned)},
	"GET /letters/{id}":                          {on: "told", may: forOwn(isWarned)},
	"POST /letters/{id}/answer":                  {on: "told", may: forOwn(replies), body: form("state", "checking")},
	"POST /letters/{id}/evidence":                {on: "told", may: forOwn(replies), body: upload},
	"GET /letters/{id}/files/{file}":             {on: "told", may: proofReading, sub: true},
	"POST /letters/{id}/help":                    {on: "told", may: forOwn(replies), body: form("question", "")},
	"GET /letters/{id}/relay":                    {on: "told", may: forOwn(replies)},
	"POST /letters/{id}/relay":                   {on: "told", may: forOwn(replies), body: form("why", "")},
	"POST /letters/{id}/relay/link":              {on: "told", may: relinking, sub: true, body: childForm},
	"GET /tickets":                               {may: only(helps)},
	"GET /tickets/{id}":                          {on: "ticket", may: forOwn(helps)},
	"POST /tickets/{id}/take":                    {on: "ticket", may: forOwn(helps), body: form()},
	"POST /tickets/{id}/answer":                  {on: "ticket", may: forOwn(helps), body: form("answer", "")},
	"POST /tickets/{id}/close":                   {on: "ticket", may: forOwn(helps), body: form()},
}
