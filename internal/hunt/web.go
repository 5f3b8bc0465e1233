package hunt

import (
	"embed"
	"net/url"
	"strconv"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// Web are the pages of hunts.
//
//go:embed web
var Web embed.FS

// Pages registers the pages of hunts, findings, rules and suppressions.
func Pages(r *httpd.Router, s *Service) {
	c := &console{s}
	r.Page("GET /hunts", c.showHunts)
	r.Page("GET /hunts/new", func(q *httpd.Request) error { return c.showForm(q, nil, nil) })
	r.Page("POST /hunts", c.draft)
	r.Page("GET /hunts/{id}", func(q *httpd.Request) error { return c.showDesk(q, nil) })
	r.Page("GET /hunts/{id}/edit", c.edit)
	r.Page("POST /hunts/{id}/edit", c.change)
	r.Page("POST /hunts/{id}/begin", c.begin)
	r.Page("GET /hunts/{id}/close", func(q *httpd.Request) error { return c.showClose(q, nil) })
	r.Page("POST /hunts/{id}/close", c.close)
	r.Page("GET /hunts/{id}/bring", func(q *httpd.Request) error { return c.showBring(q, nil) })
	r.Page("POST /hunts/{id}/bring", c.bring, httpd.MaxBody(maxBrought+1<<16))
	r.Page("GET /hunts/{id}/triage", func(q *httpd.Request) error { return c.showTriage(q, nil) })
	r.Page("POST /hunts/{id}/triage", c.triage)
	r.Page("GET /hunts/{id}/compare", c.showCompare)
	r.Page("GET /hunts/{id}/report", c.showReport)
	r.Page("GET /hunt-batches", c.showBatches)
	r.Page("POST /hunt-batches/{id}/undo", c.undo)
	r.Page("GET /hunt-findings/{id}", func(q *httpd.Request) error { return c.showFinding(q, nil) })
	r.Page("POST /hunt-findings/{id}/decide", c.decide)
	c.pagesKeep(r)
	c.pagesLeave(r)
	c.pagesRules(r)
	c.pagesSuppress(r)
	r.Live("GET /live/hunt", func(q *httpd.Request) (string, error) { return "hunt/" + q.Who.Org, nil })
}

// console draws the pages.
type console struct{ *Service }

// render draws a page of this noun, with a fault where there is one.
func render(q *httpd.Request, name, key, title string, v any, bad error, said ...page.Flash) error {
	shell := q.Shell(title)
	shell.Key, shell.Density, shell.Flash = key, page.Desk, said
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render("hunt/"+name, shell, v)
}

// onForm reports whether an error belongs back on the form.
func onForm(err error) bool {
	if err == nil {
		return false
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.TooLarge, fault.Usage, fault.Unmet:
		return true
	}
	return false
}

func may(q *httpd.Request, verb string) bool { return Access.May(q.Context(), verb) }

// versionOf is the version of what a person saw when they filled in a form.
func versionOf(q *httpd.Request) (int64, error) {
	v, err := strconv.ParseInt(q.Form("version"), 10, 64)
	if err != nil {
		return 0, ErrStale
	}
	return v, nil
}

// address puts a query behind a path.
func address(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// adder appends facts that have a value.
func adder(f *page.Facts) func(name, value string) {
	f.Tight = true
	return func(name, value string) {
		if value != "" {
			f.Rows = append(f.Rows, page.Fact{Name: name, Value: value})
		}
	}
}

var stageTag = map[Stage]string{Drafted: "draft", Opened: "ai", Closed: "plain"}

type huntRow struct {
	Hunt
	StageWord, StageTag, Ended string
	Runs                       string // how many came in; words, because it is counted to a bound
	Waiting                    string
}

type huntsView struct {
	Head  page.Head
	Rows  []huntRow
	List  *page.List
	Empty *page.Empty
}

// runsShown is how many runs of a hunt a page names.
const runsShown = 20

func (c *console) showHunts(q *httpd.Request) error {
	p := q.Printer
	list, next, err := c.Hunts(q.Context(), HuntFilter{Stage: Stage(q.Query("stage")), Cursor: q.Query("after"), Limit: 25})
	if err != nil {
		return err
	}
	v := huntsView{Head: page.Head{H1: p.T("hunt.web.hunts"), Lead: p.T("hunt.web.hunts_lead"), Acts: []page.Act{
		{Text: p.T("hunt.web.rules"), Href: "/hunt-rules"}, {Text: p.T("hunt.web.suppressions"), Href: "/hunt-suppressions"}}}}
	if may(q, "hunt.draft") {
		v.Head.Acts = append(v.Head.Acts, page.Act{Text: p.T("hunt.web.new"), Href: "/hunts/new", Kind: "primary"})
	}
	for _, h := range list {
		r := huntRow{Hunt: h, Waiting: p.Number(0), StageWord: p.T("hunt.web.stage." + string(h.Stage)), StageTag: stageTag[h.Stage]}
		r.Title = text.Printable(h.Title)
		if h.Conclusion != "" {
			r.Ended = p.T("hunt.web.conclusion." + string(h.Conclusion))
		}
		runs, more, err := c.Runs(q.Context(), h.ID, "", runsShown)
		if err != nil {
			return err
		}
		if r.Runs = p.Number(int64(len(runs))); more != "" {
			r.Runs += "+"
		}
		if len(runs) > 0 {
			n, more, err := c.CountSome(q.Context(), FindingFilter{Hunt: h.ID, Run: latest(runs).ID, Waiting: true}, maxShownWaiting)
			if err != nil {
				return err
			}
			if r.Waiting = p.Number(int64(n)); more {
				r.Waiting += "+"
			}
		}
		v.Rows = append(v.Rows, r)
	}
	if len(list) == 0 && len(q.Queries()) == 0 {
		v.Empty = &page.Empty{Title: p.T("hunt.web.empty"), Say: p.T("hunt.web.empty_say")}
		if may(q, "hunt.draft") {
			v.Empty.Act = &page.Act{Text: p.T("hunt.web.new"), Href: "/hunts/new", Kind: "primary"}
			v.Head.Acts = v.Head.Acts[:2]
		}
	}
	v.List = &page.List{Path: "/hunts", Query: q.Queries(), Next: next, Size: 25, From: 1, Shown: len(list), Total: -1, Columns: []page.Column{
		{Title: p.T("hunt.web.title")}, {Title: p.T("hunt.web.stage")}, {Title: p.T("hunt.web.runs"), Num: true}, {Title: p.T("hunt.web.waiting"), Num: true}, {Title: p.T("hunt.web.changed")}}}
	v.List.Filters = append(v.List.Filters, page.Filter{Name: "stage", Label: p.T("hunt.web.all"), Count: -1})
	for _, st := range Stages {
		v.List.Filters = append(v.List.Filters, page.Filter{Name: "stage", Value: string(st), Label: p.T("hunt.web.stage." + string(st)), Count: -1})
	}
	return render(q, "hunts", "hunts", v.Head.H1, v, nil)
}

// latest is the newest run that came in whole and is still there, else the
// newest.
func latest(runs []Received) Received {
	for _, r := range runs {
		if !r.DoneAt.IsZero() && r.RemovedAt.IsZero() {
			return r
		}
	}
	return runs[0]
}

type formView struct {
	Head    page.Head
	To      string
	Back    string
	Version int64
	Fields  []page.Field
}

// showForm is the form of a hunt: of a new one, or of one to change.
func (c *console) showForm(q *httpd.Request, h *Hunt, bad error) error {
	p := q.Printer
	verb, title := "hunt.draft", p.T("hunt.web.new")
	v := formView{To: "/hunts", Back: "/hunts"}
	if h != nil {
		verb, title = "hunt.change", p.T("hunt.web.edit")
		v.To, v.Back, v.Version = "/hunts/"+h.ID+"/edit", "/hunts/"+h.ID, h.Version
	} else {
		h = &Hunt{NewHunt: NewHunt{Notice: q.Query("notice")}}
	}
	if err := c.May(q.Context(), verb); err != nil {
		return err
	}
	books, err := c.editions(q)
	if err != nil {
		return err
	}
	if len(h.Rules) == 0 && len(books) > 0 && h.ID == "" {
		h.Rules = []string{books[0].Value}
	}
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(text.JST).Format(time.RFC3339)
	}
	v.Head = page.Head{H1: title, Lead: p.T("hunt.web.form_lead"), Crumbs: []page.Crumb{{Text: p.T("hunt.web.hunts"), Href: "/hunts"}, {Text: title}}}
	v.Fields = []page.Field{
		{Name: "title", Label: p.T("hunt.web.title"), Need: page.Required, Hint: p.T("hunt.web.title_hint"), Width: "wide", Value: h.Title},
		{Name: "question", Kind: "textarea", Label: p.T("hunt.web.question"), Need: page.Required, Hint: p.T("hunt.web.question_hint"), Rows: 3, Limit: maxWords, Value: h.Question},
		{Name: "hosts", Kind: "textarea", Label: p.T("hunt.web.hosts"), Need: page.Optional, Hint: p.T("hunt.web.hosts_hint"), Rows: 2, Limit: maxWords, Value: h.Hosts},
		{Name: "logs", Kind: "textarea", Label: p.T("hunt.web.logs"), Need: page.Optional, Hint: p.T("hunt.web.logs_hint"), Rows: 2, Limit: maxWords, Value: h.Logs},
		{Name: "from", Kind: "datetime", Label: p.T("hunt.web.from"), Need: page.Optional, Value: at(h.From)},
		{Name: "until", Kind: "datetime", Label: p.T("hunt.web.until"), Need: page.Optional, Value: at(h.Until)},
		{Name: "rules", Kind: "choices", Label: p.T("hunt.web.rules"), Need: page.Optional, Hint: p.T("hunt.web.rules_hint"), Options: books, Values: h.Rules},
		{Name: "notice", Label: p.T("hunt.web.notice"), Need: page.Optional, Hint: p.T("hunt.web.notice_hint"), Value: h.Notice},
	}
	return render(q, "form", "hunts", title, v, bad)
}

// editions are the rule sets that a hunt can name: the last edition of each.
func (c *console) editions(q *httpd.Request) (out []page.Option, err error) {
	books, _, err := c.Rulebooks(q.Context(), "", 100)
	for _, b := range books {
		if b.Last != nil && b.RetiredAt.IsZero() {
			out = append(out, page.Option{Value: b.Last.Ref, Label: bookTitle(q.Printer, b), Hint: editionText(q.Printer, *b.Last)})
		}
	}
	return out, err
}

// written reads the form of a hunt.
func written(q *httpd.Request) (n NewHunt, err error) {
	n = NewHunt{Title: q.Form("title"), Question: q.Form("question"), Hosts: q.Form("hosts"), Logs: q.Form("logs"), Rules: q.Forms()["rules"], Notice: q.Form("notice")}
	var bad problems
	for name, to := range map[string]*time.Time{"from": &n.From, "until": &n.Until} {
		at, wrong := page.ReadTime(q.Forms(), name)
		if wrong != nil {
			bad = append(bad, *wrong)
		}
		*to = at
	}
	return n, bad.fault()
}

func (c *console) draft(q *httpd.Request) error {
	if err := c.May(q.Context(), "hunt.draft"); err != nil {
		return err
	}
	n, err := written(q)
	var h Hunt
	if err == nil {
		h, err = c.Draft(q.Context(), n)
	}
	if onForm(err) {
		return c.showForm(q, nil, err)
	}
	if err != nil {
		return err
	}
	return q.Redirect("/hunts/" + h.ID + "/bring")
}

func (c *console) edit(q *httpd.Request) error {
	if err := c.May(q.Context(), "hunt.change"); err != nil {
		return err
	}
	h, err := c.Hunt(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	return c.showForm(q, &h, nil)
}

func (c *console) change(q *httpd.Request) error {
	if err := c.May(q.Context(), "hunt.change"); err != nil {
		return err
	}
	h, err := c.Hunt(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	n, err := written(q)
	version, e := versionOf(q)
	if err == nil {
		err = e
	}
	if err == nil {
		_, err = c.Change(q.Context(), h.ID, version, n)
	}
	if onForm(err) {
		return c.showForm(q, &h, err)
	}
	if err != nil {
		return err
	}
	return q.Redirect("/hunts/" + h.ID)
}

func (c *console) begin(q *httpd.Request) error {
	if err := c.May(q.Context(), "hunt.begin"); err != nil {
		return err
	}
	if _, err := c.Hunt(q.Context(), q.Path("id")); err != nil {
		return err
	}
	version, err := versionOf(q)
	if err != nil {
		return err
	}
	h, err := c.Begin(q.Context(), q.Path("id"), version)
	if onForm(err) {
		return c.showDesk(q, err)
	}
	if err != nil {
		return err
	}
	return q.Redirect(q.Next("/hunts/" + h.ID))
}
