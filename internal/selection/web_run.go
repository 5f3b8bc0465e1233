package selection

import (
	"cmp"
	"fmt"
	"html"
	"html/template"
	"net/url"
	"slices"
	"strings"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/engine/selector/sieve"
)

func pagesRun(r *httpd.Router, s *Service) {
	r.Page("GET /selection", func(q *httpd.Request) error { return showRuns(q, s) })
	r.Page("GET /selection/new", func(q *httpd.Request) error { return showNewRun(q, s, nil) })
	r.Page("POST /selection", func(q *httpd.Request) error {
		x, err := s.StartDrill(q.Context(), NewRun{Approval: q.Form("approval")}, q.Form("traffic"))
		if formFault(err) || isKind(err, fault.NotFound) {
			return showNewRun(q, s, err)
		}
		if err != nil {
			return err // a refusal is a page of its own, and stays on the record
		}
		return q.Redirect("/selection/" + x.ID)
	})
	r.Page("GET /selection/volumes", func(q *httpd.Request) error { return showVolumes(q, s) })
	r.Page("GET /selection/receipts", func(q *httpd.Request) error { return showReceipts(q, s) })
	r.Page("GET /selection/{id}", func(q *httpd.Request) error { return showRun(q, s, nil) })
	r.Page("POST /selection/{id}/extension", func(q *httpd.Request) error {
		until, bad := page.ReadDate(q.Forms(), "until")
		if bad != nil {
			return showRun(q, s, fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(*bad))
		}
		_, err := s.Extend(q.Context(), q.Path("id"), until, q.Form("reason"))
		if formFault(err) {
			return showRun(q, s, err)
		}
		if err != nil {
			return err
		}
		return q.Redirect("/selection/" + q.Path("id"))
	})
}

type runRow struct {
	HubRun
	Word, Tag, What, Amount, Where string
}

type runsView struct {
	Head  page.Head
	List  *page.List
	Rows  []runRow
	Empty *page.Empty
	Watch bool
}

func (p voice) row(r HubRun) runRow {
	return runRow{HubRun: r, Word: p.T("selection.hub.state." + string(r.State)), Tag: runTag[r.State], What: p.T("selection.hub.kind." + string(r.Kind)), Amount: p.quantity(r.Taken), Where: p.T("selection.hub.place." + string(r.Place))}
}

func showRuns(q *httpd.Request, s *Service) error {
	p := voice{q.Printer}
	switch { // whoever sees one thing alone is led there
	case sees(q, "selection.runs") == gate.None && open(q, "selection.carrier"):
		return q.Redirect("/selection/volumes")
	case sees(q, "selection.runs") == gate.None && sees(q, "selection.read") == gate.Addressed:
		return q.Redirect("/disclosures")
	}
	list, next, err := s.Runs(q.Context(), RunFilter{Approval: q.Query("approval"), State: RunState(q.Query("state")), Cursor: q.Query("after"), Limit: 50})
	if err != nil {
		return err
	}
	v := runsView{Head: page.Head{H1: p.T("selection.hub.web.title"), Lead: p.T("selection.hub.web.lead")}, Watch: sees(q, "selection.runs") == gate.Record}
	if v.Watch {
		v.Head.Lead = p.T("selection.hub.web.lead_watch")
	}
	if open(q, "selection.run") {
		v.Head.Acts = append(v.Head.Acts, page.Act{Text: p.T("selection.hub.web.new"), Href: "/selection/new", Kind: "primary", Icon: "target"})
	}
	v.Head.Acts = append(v.Head.Acts, page.Act{Text: p.T("selection.hub.web.receipts"), Href: "/selection/receipts", Icon: "document"})
	for _, r := range list {
		v.Rows = append(v.Rows, p.row(r))
	}
	if len(list) == 0 {
		v.Empty = &page.Empty{Title: p.T("selection.hub.web.empty"), Say: p.T("selection.hub.web.empty_say")}
	}
	v.List = &page.List{Path: "/selection", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1, Columns: []page.Column{{Title: p.T("selection.hub.web.started")}, {Title: p.T("selection.hub.web.state")}, {Title: p.T("selection.hub.web.taken"), Num: true}, {Title: p.T("selection.hub.web.records"), Num: true}}}
	if of := q.Query("approval"); of != "" { // off again
		v.List.Filters = append(v.List.Filters, page.Filter{Name: "approval", Value: of, Label: of, Count: -1})
	}
	for _, st := range []RunState{RunGoing, RunDone, RunInterrupted} {
		v.List.Filters = append(v.List.Filters, page.Filter{Name: "state", Value: string(st), Label: p.T("selection.hub.state." + string(st)), Count: -1})
	}
	return render(q, "selection/runs", "selection", v.Head.H1, v, nil)
}

type newRunView struct {
	Head    page.Head
	Bound   []boundLine // approvals that words bind, beside what their orders carry
	Fields  []page.Field
	Ready   bool
	Command string
}

type boundLine struct {
	Number     string
	Conditions []string
}

// selecting are the kinds of approvals that runs redeem at a hub.
var selecting = []approval.Kind{approval.ForeignForeign, approval.ForeignDomestic, approval.DomesticForeign, approval.Agreement}

// showNewRun offers the approvals in force and the made-up traffic. Captures of
// a line do not go through a browser, which would keep them in files.
func showNewRun(q *httpd.Request, s *Service, bad error) error {
	if err := s.admit(q.Context(), "selection.run"); err != nil {
		return err
	}
	p := voice{q.Printer}
	cases, _, _, err := s.Approvals.List(q.Context(), approval.Filter{Running: true, Limit: 100})
	if err != nil {
		return err
	}
	v := newRunView{Head: page.Head{H1: p.T("selection.hub.web.new"), Lead: p.T("selection.hub.web.new_lead"), Crumbs: []page.Crumb{{Text: p.T("selection.hub.web.title"), Href: "/selection"}, {Text: p.T("selection.hub.web.new")}}}}
	f := page.Field{Name: "approval", Kind: "select", Label: p.T("selection.hub.web.approval"), Need: page.Required}
	cases = slices.DeleteFunc(cases, func(c approval.Case) bool { return !c.Runs(q.Now()) || !slices.Contains(selecting, c.Asked.Kind) })
	for _, c := range cases {
		f.Options = append(f.Options, page.Option{Value: c.ID, Label: c.Number + " " + p.T("selection.hub.kind."+string(c.Asked.Kind)) + " " + c.Asked.Link})
		if len(c.Conditions) > 0 {
			v.Bound = append(v.Bound, boundLine{c.Number, c.Conditions})
		}
	}
	traffic := page.Field{Name: "traffic", Kind: "select", Label: p.T("selection.hub.web.traffic"), Hint: p.T("selection.hub.web.traffic_hint"), Need: page.Required}
	for _, d := range s.Drills {
		traffic.Options = append(traffic.Options, page.Option{Value: d.ID, Label: d.Name.In(q.Lang)})
	}
	v.Fields, v.Ready = []page.Field{f, traffic}, len(f.Options) > 0 && len(traffic.Options) > 0
	number, link := "S-0000-0000", "LINK"
	if len(cases) > 0 { // ready to copy for the newest
		number, link = cases[0].Number, cases[0].Asked.Link
	}
	v.Command = "noroshi selection send --approval " + number + " --link " + quoted(link) + " CAPTURE.pcap\n"
	if s.Authority != "" {
		v.Command += "echo " + quoted(s.Authority) + " > authority.pub\n"
	}
	v.Command += "noroshi selection run --approval " + number + " --link " + quoted(link) + " --authority authority.pub CAPTURE.pcap"
	return render(q, "selection/newrun", "selection", v.Head.H1, v, bad)
}

// quoted is a word as a shell reads it as one.
func quoted(word string) string {
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("-_./+=:", r)
	}) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// piece is a part of the bar that shows what became of everything seen.
type piece struct {
	Name, Class, Amount, X, W, Share string
	Packets                          uint64
}

type readingLine struct {
	ReadingOf
	Who, For string
}

type disclosureLine struct {
	Disclosure
	To string
}

type runView struct {
	Head        page.Head
	Run         HubRun
	Word, Tag   string
	Going       bool
	Sentence    string
	Say         string
	Bar         []piece
	Facts       page.Facts
	Proof       page.Facts
	Readings    []readingLine
	Receipts    []receiptLine
	Extensions  []Extension
	Disclosures []disclosureLine
	Office      bool
	Extend      []page.Field
	Read        string
	Reasons     []page.Field
	Disclose    string
}

func showRun(q *httpd.Request, s *Service, bad error) error {
	p := voice{q.Printer}
	x, err := s.ShowRun(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	r := x.Run
	v := runView{Run: r, Word: p.T("selection.hub.state." + string(r.State)), Tag: runTag[r.State], Going: r.State == RunGoing, Office: sees(q, "selection.runs") == gate.Own, Extensions: x.Extensions}
	h1 := p.T("selection.hub.web.h1", "kind", p.T("selection.hub.kind."+string(r.Kind)), "at", p.Time(r.StartedAt))
	v.Head = page.Head{H1: h1, Crumbs: []page.Crumb{{Text: p.T("selection.hub.web.title"), Href: "/selection"}, {Text: p.Short(r.StartedAt, q.Now())}}}
	if r.Basis == "test" {
		v.Head.Lead = p.T("selection.hub.web.made_up")
	}
	if err := v.statement(p, r); err != nil {
		return err
	}
	v.Facts = p.runFacts(x)
	for _, y := range x.Readings {
		who := x.Names[y.Org]
		if y.Person != "" {
			who += " " + y.Person
		}
		v.Readings = append(v.Readings, readingLine{y, who, p.T("selection.record.reason." + y.Purpose)})
	}
	for _, y := range x.Receipts {
		v.Receipts = append(v.Receipts, p.receipt(y))
	}
	for _, y := range x.Disclosures {
		v.Disclosures = append(v.Disclosures, disclosureLine{y, x.Names[y.Recipient]})
	}
	alive := r.State == RunDone && r.Left() > 0
	if alive && sees(q, "selection.read") == gate.Own {
		v.Read = "/selection/" + r.ID + "/records"
		consents, err := s.ConsentsOf(q.Context(), r.ID)
		if err != nil {
			return err
		}
		v.Reasons = p.reasonFields(consents, len(consents) > 0)
	}
	if alive && open(q, "selection.disclose") {
		v.Disclose = "/selection/" + r.ID + "/disclose"
	}
	if alive && open(q, "selection.extend") && r.Extended < s.Limits.Extensions {
		v.Extend = []page.Field{{Name: "until", Kind: "date", Label: p.T("selection.record.web.until"), Hint: p.T("selection.record.web.until_hint", "days", s.Limits.ExtendDays), Need: page.Required},
			{Name: "reason", Kind: "textarea", Label: p.T("selection.record.web.reason"), Need: page.Required, Rows: 3}}
	}
	return render(q, "selection/run", "selection", v.Head.H1, v, bad)
}

// statement says in a sentence and in a bar what became of all that was seen.
func (v *runView) statement(p voice, r HubRun) error {
	switch r.State {
	case RunGoing:
		v.Sentence = p.T("selection.hub.web.going_say", "at", p.Time(r.BeatAt))
		return nil
	case RunInterrupted:
		v.Sentence = p.T("selection.hub.web.interrupted_say")
		return nil
	}
	st, err := statementOf(r)
	if err != nil {
		return err
	}
	v.Sentence = p.T("selection.hub.web.sentence", "seen", int64(st.Seen.Packets), "dropped", int64(st.Dropped.Sum().Packets), "selected", int64(st.Selected.Packets), "records", int64(st.Selected.Records), "why", p.outcome(r.Outcome))
	v.Bar = p.bar(st)
	var parts []string
	for _, x := range v.Bar {
		parts = append(parts, x.Name+" "+x.Share)
	}
	v.Say = strings.Join(parts, p.T("selection.hub.web.comma"))
	fact := func(k, value string) {
		v.Proof.Rows = append(v.Proof.Rows, page.Fact{Name: p.T("selection.hub.proof." + k), Value: value})
	}
	fact("order", st.Hashes.Order)
	fact("selectors", st.Hashes.Selectors)
	fact("prefixes", st.Hashes.Prefixes)
	if st.Hashes.Program != "" {
		fact("program", st.Hashes.Program)
	}
	fact("output", st.Hashes.Output)
	fact("executor", st.Executor)
	if r.Counter != "" {
		fact("counter", strings.TrimSpace(r.Counter))
	}
	return nil
}

// bar draws what was seen as its parts, in per cent of the packets.
func (p voice) bar(st Statement) (out []piece) {
	at := 0.0
	for _, x := range []struct {
		name, class string
		a           sieve.Amount
	}{{"selected", "f-ai", sieve.Amount{Packets: st.Selected.Packets, Bytes: st.Selected.Bytes}}, {"unselected", "f-calm", st.Dropped.Unselected}, {"direction", "f-line", st.Dropped.Direction}, {"domestic", "f-tint", st.Dropped.Domestic},
		{"unknown", "f-rule", st.Dropped.Unknown}, {"malformed", "f-attend", st.Dropped.Malformed}, {"cap", "f-act", st.Dropped.Cap}} {
		if x.a.Packets == 0 && x.name != "selected" {
			continue
		}
		w := 0.0
		if st.Seen.Packets > 0 {
			w = 100 * float64(x.a.Packets) / float64(st.Seen.Packets)
		}
		out = append(out, piece{p.T("selection.hub.part." + x.name), x.class, p.quantity(approval.Quantity(x.a)), fmt.Sprintf("%.3f%%", at), fmt.Sprintf("%.3f%%", w), fmt.Sprintf("%.1f %%", w), x.a.Packets})
		at += w
	}
	return out
}

// numbered is the number of a run's approval, which leads to all runs under it.
func (p voice) numbered(r HubRun) template.HTML {
	name := cmp.Or(r.Number, r.Approval)
	return template.HTML(`<a href="/selection?approval=` + url.QueryEscape(name) + `">` + html.EscapeString(name) + `</a>`)
}

func (p voice) runFacts(x RunView) page.Facts {
	r := x.Run
	f := page.Facts{Rows: []page.Fact{{Name: p.T("selection.hub.web.approval"), HTML: p.numbered(r)}, {Name: p.T("selection.hub.web.kind"), Value: p.T("selection.hub.kind." + string(r.Kind))}, {Name: p.T("selection.hub.web.list"), Value: x.Selectors},
		{Name: p.T("selection.hub.web.where"), Value: p.T("selection.hub.place." + string(r.Place))}, {Name: p.T("selection.hub.web.basis"), Value: p.T("selection.hub.basis." + r.Basis)}, {Name: p.T("selection.hub.web.started"), Value: p.Time(r.StartedAt)}}}
	add := func(k, value string) {
		f.Rows = append(f.Rows, page.Fact{Name: p.T(k), Value: value})
	}
	if r.Source != "" {
		add("selection.hub.web.source", r.Source)
	}
	if x.Handler != "" {
		add("selection.hub.web.handler", x.Handler)
	}
	if !r.EndedAt.IsZero() {
		add("selection.hub.web.ended", p.Time(r.EndedAt))
	}
	add("selection.hub.web.taken", p.quantity(r.Taken))
	add("selection.hub.web.kept", p.T("selection.hub.web.kept_n", "records", r.Records, "erased", r.Erased))
	add("selection.hub.web.retain", p.Date(r.RetainUntil))
	key := "selection.hub.web.vault_no"
	if r.Vault {
		key = "selection.hub.web.vault_yes"
	}
	add("selection.hub.web.vault", p.T(key))
	return f
}

type volumeLine struct {
	CarrierRow
	Amount string
}

// showVolumes is a carrier's page: instruction, volume and times, nothing else.
func showVolumes(q *httpd.Request, s *Service) error {
	p := voice{q.Printer}
	list, err := s.Carrier(q.Context())
	if err != nil {
		return err
	}
	v := struct {
		Head  page.Head
		Rows  []volumeLine
		Empty *page.Empty
	}{Head: page.Head{H1: p.T("selection.hub.web.volumes"), Lead: p.T("selection.hub.web.volumes_lead")}}
	for _, x := range list {
		v.Rows = append(v.Rows, volumeLine{x, p.quantity(x.Taken)})
	}
	if len(list) == 0 {
		v.Empty = &page.Empty{Title: p.T("selection.hub.web.volumes_none"), Say: p.T("selection.hub.web.volumes_say")}
	}
	return render(q, "selection/volumes", "selection", v.Head.H1, v, nil)
}

type receiptLine struct {
	Receipt
	Word string
}

func (p voice) receipt(x Receipt) receiptLine {
	return receiptLine{x, p.T("selection.record.why." + x.Why)}
}

func showReceipts(q *httpd.Request, s *Service) error {
	p := voice{q.Printer}
	list, next, err := s.Receipts(q.Context(), q.Query("after"), 50)
	if err != nil {
		return err
	}
	v := struct {
		Head  page.Head
		List  *page.List
		Rows  []receiptLine
		Empty *page.Empty
	}{Head: page.Head{H1: p.T("selection.hub.web.receipts"), Lead: p.T("selection.hub.web.receipts_lead"), Crumbs: []page.Crumb{{Text: p.T("selection.hub.web.title"), Href: "/selection"}, {Text: p.T("selection.hub.web.receipts")}}}}
	for _, x := range list {
		v.Rows = append(v.Rows, p.receipt(x))
	}
	if len(list) == 0 {
		v.Empty = &page.Empty{Title: p.T("selection.hub.web.receipts_none"), Say: p.T("selection.hub.web.receipts_say")}
	}
	v.List = &page.List{Path: "/selection/receipts", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1}
	return render(q, "selection/receipts", "selection", v.Head.H1, v, nil)
}
