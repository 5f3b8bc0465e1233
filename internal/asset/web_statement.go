package asset

import (
	"encoding/hex"
	"net/url"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/engine/tlog"
)

// pagesStatement are the statements: scope check and draft, submission,
// receipt, the inbox of those they are sent to, questions and answers.
func pagesStatement(r *httpd.Router, s *Service) {
	r.Page("GET /statements", func(q *httpd.Request) error { return showStatements(q, s) })
	r.Page("GET /statements/new", func(q *httpd.Request) error { return showDraft(q, s, nil) })
	r.Page("POST /statements/scope", func(q *httpd.Request) error {
		if err := s.SetFacts(q.Context(), ScopeFacts{Answer(q.Form("designated")), Answer(q.Form("used")), Answer(q.Form("affects"))}); err != nil {
			return err
		}
		return q.Redirect(withSector("/statements/new", q.Form("sector")))
	})
	r.Page("POST /statements", func(q *httpd.Request) error {
		got, err := s.Submit(q.Context(), q.Form("sector"), number(q.Form("revision")))
		if err != nil {
			if formFault(err) {
				return showDraft(q, s, err)
			}
			return err
		}
		return q.Redirect("/statements/" + got.Notice.ID)
	})
	r.Page("GET /statements/{id}", func(q *httpd.Request) error { return showStatement(q, s, nil) })
	r.Page("GET /statements/{id}/form/{format}", func(q *httpd.Request) error {
		f, err := s.Form(q.Context(), q.Path("id"), q.Path("format"), q.Printer)
		if err != nil {
			return err
		}
		return q.Download(f.Name, f.Type, f.Reader())
	})
	for path, do := range map[string]func(q *httpd.Request) error{
		"acknowledge": func(q *httpd.Request) error {
			_, err := s.Acknowledge(q.Context(), q.Path("id"), q.Form("number"))
			return err
		},
		"ask": func(q *httpd.Request) error {
			_, err := s.Ask(q.Context(), q.Path("id"), q.Form("question"))
			return err
		},
		"answer": func(q *httpd.Request) error {
			_, err := s.Answer(q.Context(), q.Path("id"), q.Form("with"), q.Form("answer"))
			return err
		},
	} {
		r.Page("POST /statements/{id}/"+path, func(q *httpd.Request) error {
			if err := do(q); err != nil {
				if formFault(err) {
					return showStatement(q, s, atField(err, map[string]string{"ask": "question", "answer": "answer", "acknowledge": "number"}[path]))
				}
				return err
			}
			return q.Redirect("/statements/" + q.Path("id"))
		})
	}
}

// atField puts a fault without places at a field, so that the page marks it.
func atField(err error, field string) error {
	f := fault.Of(err)
	if f.Kind != fault.Invalid || len(f.Places) > 0 {
		return err
	}
	return fault.New(fault.Invalid, "asset.invalid", "n", 1).At(fault.Place{At: field, Code: f.Code, Args: f.Args})
}

func withSector(path, sector string) string {
	if sector == "" {
		return path
	}
	return path + "?" + url.Values{"sector": {sector}}.Encode()
}

// statementsView is the list of an operator, or the inbox of a recipient.
type statementsView struct {
	Head  page.Head
	Mine  bool
	List  *page.List
	Rows  []statementRow
	Empty page.Empty
}

type statementRow struct {
	ID, Number, Org, Sector, Counts string
	At                              time.Time
	State                           string // of {{state}}
	Waiting                         bool
}

func showStatements(q *httpd.Request, s *Service) error {
	p := q.Printer
	list, next, err := s.Statements(q.Context(), q.Query("waiting") == "1", q.Query("after"), 50)
	if err != nil {
		return err
	}
	v := statementsView{Mine: owns(q)}
	v.Head = page.Head{H1: p.T("asset.web.statements"), Lead: p.T("asset.web.statements_lead")}
	v.Empty = page.Empty{Title: p.T("asset.web.statements_none"), Say: p.T("asset.web.statements_none_say")}
	if v.Mine {
		act := page.Act{Text: p.T("asset.web.make_statement"), Href: "/statements/new", Kind: "primary", Icon: "document"}
		v.Head.Acts, v.Empty.Act = []page.Act{act}, &act
	} else {
		v.Head.H1, v.Head.Lead = p.T("asset.web.inbox"), p.T("asset.web.inbox_lead")
		v.Empty = page.Empty{Title: p.T("asset.web.inbox_none"), Say: p.T("asset.web.inbox_none_say")}
	}
	v.List = &page.List{Path: "/statements", Query: q.Queries(), Next: next, Size: 50, Shown: len(list), Total: -1,
		Filters: []page.Filter{{Name: "waiting", Value: "1", Label: p.T("asset.web.waiting"), Count: -1}},
		Columns: []page.Column{{Title: p.T("asset.web.number")}, {Title: p.T("asset.statement.from")}, {Title: p.T("asset.statement.sector")}, {Title: p.T("asset.statement.counts")}, {Title: p.T("asset.web.when")}, {Title: p.T("asset.web.state")}}}
	for _, n := range list {
		row := statementRow{ID: n.ID, Number: p.T("asset.statement.number", "n", n.Number), Org: n.OrgName, Sector: sectorName(s, n.Sector, q.Lang), Counts: countsText(p, n.Counts), At: n.At, Waiting: n.Waiting, State: "submitted"}
		if !n.Stamped.IsZero() {
			row.State = "acknowledged"
		}
		v.Rows = append(v.Rows, row)
	}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density, shell.Live = "statements", page.Desk, "/live/assets"
	return q.Render("asset/statements", shell, v)
}

func countsText(p text.Printer, c StatementCounts) string {
	return p.T("asset.statement.counts_text", "introduced", c.Introduced, "changed", c.Changed, "withdrawn", c.Withdrawn)
}

func sectorName(s *Service, id string, lang text.Lang) string {
	if x, ok := s.Orgs.Sectors.Find(id); ok {
		return x.Name.In(lang)
	}
	return id
}

// draftView is the scope check with the next statement.
type draftView struct {
	Head     page.Head
	Sectors  []page.Filter
	Sector   string
	Revision int64
	Fields   []page.Field
	Sources  []scopeView
	Verdicts []keptParam
	Blocked  string
	Unsure   []unsureView
	More     int
	Number   string
	Counts   string
	To       string
	Lines    []lineView
	Hidden   int
	Excluded []lineView
	May      bool
}

type unsureView struct{ Href, Name, Kind string }

// lineView is one line of a statement in words.
type lineView struct {
	No                    int
	Event, Tag, Key, Name string
	Changes               []previewChange
	Due                   string
	Basis                 string
	Fields                []page.Fact
}

// linesShown is how many lines of a statement a page shows; its forms have all.
const linesShown = 200

func lineViews(p text.Printer, r *Rules, st *Statement) (out []lineView) {
	tags := map[Event]string{EventIntroduction: "good", EventChange: "ai", EventWithdrawal: "plain"}
	basis := ""
	for i := range st.Entries[:min(linesShown, len(st.Entries))] {
		e := &st.Entries[i]
		l := lineView{No: e.No, Event: p.T("asset.event." + string(e.Event)), Tag: tags[e.Event], Key: e.Item.Key, Name: joinWords(e.Item.MakerName, e.Item.ProductName), Due: e.Due.Say(p), Basis: e.Due.Source.In(p.Lang)}
		for _, c := range e.Changes {
			name, from, to := sayChange(p, c)
			l.Changes = append(l.Changes, previewChange{name, page.Change{From: from, To: to}})
		}
		for _, f := range r.NotifiedFields() {
			if f == FieldKey || f == FieldMaker || f == FieldProduct {
				continue
			}
			if v := SayValue(p, &e.Item, f); v != "" {
				l.Fields = append(l.Fields, page.Fact{Name: p.T("asset.field." + f.String()), Value: v})
			}
		}
		if l.Basis == basis { // said once, it holds for the lines below
			l.Basis = ""
		} else {
			basis = l.Basis
		}
		out = append(out, l)
	}
	return out
}

func showDraft(q *httpd.Request, s *Service, fail error) error {
	p := q.Printer
	sector := q.Query("sector")
	if sector == "" {
		sector = q.Form("sector")
	}
	d, err := s.Draft(q.Context(), sector)
	if err != nil {
		return err
	}
	v := draftView{Sector: d.Sector, Revision: d.Register.Revision, May: may(q, "asset.submit"),
		Head: page.Head{H1: p.T("asset.web.draft_h"), Lead: p.T("asset.web.draft_lead"), Crumbs: []page.Crumb{{Text: p.T("asset.web.statements"), Href: "/statements"}, {Text: p.T("asset.web.make_statement")}}}}
	if len(d.Sectors) > 1 {
		for _, x := range d.Sectors {
			v.Sectors = append(v.Sectors, page.Filter{Name: "sector", Value: x, Label: sectorName(s, x, q.Lang), Count: -1})
		}
	}
	now := map[string]Answer{"designated": d.Register.Facts.Designated, "used": d.Register.Facts.Used, "affects": d.Register.Facts.Affects}
	for _, st := range d.Steps {
		a, asked := now[st.ID]
		v.Sources = append(v.Sources, scopeView{Ask: st.Ask.In(q.Lang), Source: st.Source.In(q.Lang)})
		if !asked {
			continue
		}
		f := page.Field{Name: st.ID, Kind: "choice", Label: st.Ask.In(q.Lang), Hint: st.Hint.In(q.Lang), Value: string(a)}
		for _, x := range []Answer{Yes, No, Unknown} {
			f.Options = append(f.Options, page.Option{Value: string(x), Label: p.T("asset.answer." + string(x))})
		}
		v.Fields = append(v.Fields, f)
	}
	for _, x := range []ScopeVerdict{ScopeNotify, ScopeExcluded, ScopeOutside, ScopeUnsure} {
		if n := d.Verdicts[x]; n > 0 {
			v.Verdicts = append(v.Verdicts, keptParam{p.T("asset.scope." + string(x)), p.Number(int64(n))})
		}
	}
	for i := range d.Unsure {
		it := &d.Unsure[i]
		v.Unsure = append(v.Unsure, unsureView{"/assets/" + string(it.ID) + "/edit", joinWords(it.Key, it.MakerName, it.ProductName), p.T("asset.kind." + string(it.Kind))})
	}
	v.More = d.Verdicts[ScopeUnsure] - len(d.Unsure)
	if d.Blocked != nil {
		v.Blocked = p.Fault(d.Blocked).Title
	}
	if st := d.Statement; st != nil {
		v.Number, v.Counts, v.To = p.T("asset.statement.number", "n", st.Number), countsText(p, st.Counts), recipientName(s, d.Sector, q.Lang)
		v.Lines, v.Hidden = lineViews(p, s.Rules, st), len(st.Entries)-linesShown
		for _, x := range st.Excluded[:min(linesShown, len(st.Excluded))] {
			v.Excluded = append(v.Excluded, lineView{Key: x.Item.Key, Name: joinWords(x.Item.MakerName, x.Item.ProductName), Due: x.Reason.In(q.Lang), Basis: x.Source.In(q.Lang)})
		}
	}
	shell := q.Shell(v.Head.H1)
	shell.Key = "statements"
	if fail != nil {
		shell = shell.Fail(fail, q.Forms())
	}
	return q.Render("asset/draft", shell, v)
}

func recipientName(s *Service, sector string, lang text.Lang) string {
	if r, ok := s.Orgs.Sectors.Role(sector); ok {
		return r.Name.In(lang)
	}
	return ""
}

// statementPage is a statement: to its operator the receipt, to a recipient
// what was notified and what to do with it.
type statementPage struct {
	Head     page.Head
	ID       string
	Mine     bool
	Cover    page.Facts
	Stamps   []page.Stamp
	Steps    []page.Step
	Proof    page.Proof
	Lines    []lineView
	Hidden   int
	Left     int
	MayStamp bool
	Stamp    []page.Field
	Ask      []page.Field
	Threads  []threadView
}

type threadView struct {
	With, Name string
	Messages   []messageView
	Answer     []page.Field
	Open       bool
}

type messageView struct {
	Who, Text string
	At        time.Time
	Question  bool
}

func showStatement(q *httpd.Request, s *Service, fail error) error {
	p := q.Printer
	o, err := s.Statement(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	st, n := o.Statement, o.Notice
	title := joinWords(p.T("asset.web.statement"), p.T("asset.statement.number", "n", n.Number))
	v := statementPage{ID: n.ID, Mine: o.Mine, Lines: lineViews(p, s.Rules, st), Hidden: len(st.Entries) - linesShown, Left: len(st.Excluded)}
	v.Head = page.Head{H1: title, Lead: countsText(p, n.Counts), Crumbs: []page.Crumb{{Text: p.T("asset.web.statements"), Href: "/statements"}, {Text: title}}}
	if !o.Mine {
		v.Head.Lead = n.OrgName + "　" + countsText(p, n.Counts)
	}
	for _, f := range []struct{ format, key string }{{"xlsx", "asset.web.form_xlsx"}, {"json", "asset.web.form_json"}, {"html", "asset.web.form_html"}} {
		v.Head.Acts = append(v.Head.Acts, page.Act{Text: p.T(f.key), Href: "/statements/" + n.ID + "/form/" + f.format, Icon: "down"})
	}
	for _, row := range st.View(s.Rules, p).Cover {
		v.Cover.Rows = append(v.Cover.Rows, page.Fact{Name: row[0], Value: row[1]})
	}
	v.Cover.Tight = true
	passed := false
	v.Steps = []page.Step{{Kind: "done", At: n.At, What: p.T("asset.web.step_submitted")}}
	for _, d := range o.Deliveries {
		passed = passed || d.Role == "office"
		v.Stamps = append(v.Stamps, page.Stamp{Body: d.OrgName, Short: p.T("asset.web.seal_" + d.Role), At: d.AckedAt, Number: d.AckedNumber, Note: p.T("asset.web.arrived", "at", p.Time(d.SentAt))})
		if !d.OpenedAt.IsZero() {
			v.Steps = append(v.Steps, page.Step{Kind: "done", At: d.OpenedAt, What: p.T("asset.web.step_opened", "org", d.OrgName)})
		}
		if !d.AckedAt.IsZero() {
			v.Steps = append(v.Steps, page.Step{Kind: "done", At: d.AckedAt, What: p.T("asset.web.step_stamped", "org", d.OrgName)})
		}
	}
	if o.Mine && !passed {
		v.Stamps = append(v.Stamps, page.Stamp{Body: p.T("asset.web.office"), Short: p.T("asset.web.seal_office"), Note: p.T("asset.web.office_waits")})
		v.Steps = append(v.Steps, page.Step{When: p.T("asset.web.next"), What: p.T("asset.web.step_forward")})
	}
	if v.Proof, err = proofOf(q, s, n, o.Mine, o.Deliveries); err != nil {
		return err
	}
	if may(q, "asset.acknowledge") && len(o.Deliveries) > 0 {
		v.MayStamp = o.Deliveries[0].AckedAt.IsZero()
		v.Stamp = []page.Field{{Name: "number", Label: p.T("asset.web.stamp_number"), Need: page.Optional, Hint: p.T("asset.web.stamp_number_hint"), Width: "w12"}}
		v.Ask = []page.Field{{Name: "question", Kind: "textarea", Label: p.T("asset.web.question"), Rows: 3, Limit: thread.MaxText}}
	}
	v.Threads = threadViews(p, q, &o)
	shell := q.Shell(title)
	shell.Key, shell.Live, shell.Handling = "statements", "/live/assets", &page.Handling{TLP: "AMBER", Clearance: 1, Purpose: p.T("asset.web.purpose")}
	if fail != nil {
		shell = shell.Fail(fail, q.Forms())
	}
	return q.Render("asset/statement", shell, v)
}

// proofOf shows the ledger entry of the submission, or to a recipient that of
// its own stamp.
func proofOf(q *httpd.Request, s *Service, n Notice, mine bool, ds []Delivery) (page.Proof, error) {
	entry := n.Entry
	if !mine {
		if entry = ""; len(ds) > 0 {
			entry = ds[0].AckedEntry
		}
	}
	if entry == "" {
		return page.Proof{}, nil
	}
	rcpt, err := s.Ledger.Receipt(q.Context(), entry)
	if err != nil {
		return page.Proof{}, err
	}
	leaf := tlog.LeafHash([]byte(rcpt.Leaf))
	p := q.Printer
	return page.Proof{Say: p.T("asset.web.proof_say", "at", p.Time(rcpt.At)), Leaf: hex.EncodeToString(leaf[:]), Signers: p.T("asset.web.proof_entry", "entry", entry), Command: "noroshi ledger prove " + entry}, nil
}

// threadViews are the conversations: to the operator one per recipient.
func threadViews(p text.Printer, q *httpd.Request, o *OpenStatement) (out []threadView) {
	at := map[string]int{}
	for _, m := range o.Messages {
		i, ok := at[m.With]
		if !ok {
			i = len(out)
			at[m.With] = i
			out = append(out, threadView{With: m.With, Name: o.Names[m.With]})
		}
		t := &out[i]
		t.Messages = append(t.Messages, messageView{o.Names[m.From], m.Text, m.At, m.Kind == thread.Question})
		t.Open = t.Open || m.Kind == thread.Question && m.AnsweredAt.IsZero()
	}
	for i := range out {
		if o.Mine && Access.Reach(q.Who, "asset.answer") == gate.Own {
			out[i].Answer = []page.Field{{Name: "answer", Kind: "textarea", Label: p.T("asset.web.answer_to", "org", out[i].Name), Rows: 3, Limit: thread.MaxText}}
		}
	}
	return out
}
