package intel

import (
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/incident"
)

// pagesItem registers the pages of items: the list, one, its editor.
func pagesItem(r *httpd.Router, s *Service) {
	r.Page("GET /intelligence", func(q *httpd.Request) error { return showItems(q, s) })
	r.Page("GET /intelligence/new", func(q *httpd.Request) error {
		if err := s.mayWrite(q.Context()); err != nil {
			return err
		}
		return showEditor(q, nil, nil)
	})
	r.Page("POST /intelligence", func(q *httpd.Request) error { return saveItem(q, s, nil) }, httpd.MaxBody(MaxItemFile+1<<20))
	r.Page("GET /intelligence/{id}", func(q *httpd.Request) error { return showItem(q, s, nil) })
	r.Page("GET /intelligence/{id}/edit", func(q *httpd.Request) error {
		it, err := s.editable(q.Context(), q.Path("id"))
		if err != nil {
			return err
		}
		return showEditor(q, &it, nil)
	})
	r.Page("POST /intelligence/{id}", func(q *httpd.Request) error {
		it, err := s.editable(q.Context(), q.Path("id"))
		if err != nil {
			return err
		}
		return saveItem(q, s, &it)
	}, httpd.MaxBody(2<<20))
	act := func(do func(q *httpd.Request) (Item, error)) func(q *httpd.Request) error {
		return func(q *httpd.Request) error {
			it, err := do(q)
			if err == nil {
				return q.Redirect("/intelligence/" + it.ID)
			}
			if k := fault.KindOf(err); k == fault.Invalid || k == fault.Conflict {
				return showItem(q, s, err)
			}
			return err
		}
	}
	r.Page("POST /intelligence/{id}/publish", act(func(q *httpd.Request) (Item, error) { return s.Publish(q.Context(), q.Path("id")) }))
	r.Page("POST /intelligence/{id}/withdraw", act(func(q *httpd.Request) (Item, error) { return s.Withdraw(q.Context(), q.Path("id"), q.Form("why")) }))
	r.Page("GET /intelligence/{id}/file", func(q *httpd.Request) error {
		name, raw, err := s.ItemFile(q.Context(), q.Path("id"))
		if err != nil {
			return err
		}
		return q.Download(name, "application/octet-stream", strings.NewReader(string(raw)))
	})
	r.Live("GET /live/intel", func(q *httpd.Request) (string, error) { return "intel/" + q.Who.Org, nil })
}

// itemRow is an item in words.
type itemRow struct {
	Item
	Say                          Prose
	StateSay, StateTag, GradeSay string
	Count                        int
	Over                         bool // its time is
}

func rowOf(p text.Printer, it Item, now time.Time) itemRow {
	r := itemRow{Item: it, Say: it.In(string(p.Lang)), StateSay: p.T("intel.item_state." + string(it.State)), GradeSay: sayGrade(p, it.Grade), Count: len(it.Indicators)}
	r.StateTag = map[ItemState]string{ItemDraft: "plain", ItemPublished: "ai", ItemReplaced: "plain", ItemWithdrawn: "attend"}[it.State]
	r.Over = !it.ValidUntil.IsZero() && !it.ValidUntil.After(now)
	return r
}

// sayGrade says what a grade means: the source, then what it says.
func sayGrade(p text.Printer, g Grade) string {
	return p.T("intel.item.reliability."+strings.ToLower(g.Reliability)) + " · " + p.T("intel.item.credibility."+strconv.Itoa(g.Credibility))
}

type itemsView struct {
	Head   page.Head
	List   *page.List
	Rows   []itemRow
	Empty  *page.Empty
	Search string
}

func showItems(q *httpd.Request, s *Service) error {
	p := q.Printer
	f := ItemFilter{State: ItemState(q.Query("state")), Mine: q.Query("mine") == "1", Cursor: q.Query("after"), Limit: 50}
	if word := strings.TrimSpace(q.Query("q")); strings.HasPrefix(strings.ToUpper(word), "CVE-") {
		f.Vulnerability = word
	} else {
		f.Indicator = word
	}
	list, next, err := s.Items(q.Context(), f)
	if err != nil {
		return err
	}
	v := itemsView{Head: page.Head{H1: p.T("intel.item.h"), Lead: p.T("intel.item.lead")}, Search: q.Query("q")}
	if Access.May(q.Context(), "intel.add") {
		v.Head.Acts = []page.Act{{Text: p.T("intel.item.new"), Href: "/intelligence/new", Kind: "primary", Icon: "document"}}
	}
	if len(list) == 0 && len(q.Queries()) == 0 {
		v.Empty = &page.Empty{Title: p.T("intel.item.empty"), Say: p.T("intel.item.empty_say")}
	}
	for _, it := range list {
		v.Rows = append(v.Rows, rowOf(p, it, q.Now()))
	}
	v.List = &page.List{Path: "/intelligence", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1, Columns: []page.Column{
		{Title: p.T("intel.item.col.what")}, {Title: p.T("intel.item.col.label")}, {Title: p.T("intel.item.col.grade")}, {Title: p.T("intel.item.col.indicators"), Num: true}, {Title: p.T("intel.item.col.state")}, {Title: p.T("intel.item.col.at")}}}
	for _, st := range ItemStates {
		if st != ItemDraft || len(v.Head.Acts) > 0 {
			v.List.Filters = append(v.List.Filters, page.Filter{Name: "state", Value: string(st), Label: p.T("intel.item_state." + string(st)), Count: -1})
		}
	}
	if len(v.Head.Acts) > 0 {
		v.List.Filters = append(v.List.Filters, page.Filter{Name: "mine", Value: "1", Label: p.T("intel.item.mine"), Count: -1})
	}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density, shell.Live = "intelligence", page.Desk, "/live/intel"
	return q.Render("intel/items", shell, v)
}

// indicatorRow is an indicator in words, broken so that nobody follows it.
type indicatorRow struct {
	Kind, Value, Note, Search string
	Warnings                  []string
}

// stepView is a step of a history in words.
type stepView struct {
	ItemStep
	StateSay string
	Lines    []changeView
}

type changeView struct {
	Field          string
	Was            *page.Change
	Added, Removed string
}

type itemView struct {
	Head       page.Head
	Row        itemRow
	Facts      page.Facts
	Indicators []indicatorRow
	More       int
	Steps      []stepView
	May        bool
	Why        page.Field
	File       bool
	Left       []string
}

// maxRowsShown bounds the indicators of a page; the API gives all.
const maxRowsShown = 500

func showItem(q *httpd.Request, s *Service, bad error) error {
	p := q.Printer
	it, err := s.Item(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	steps, err := s.History(q.Context(), it.ID)
	if err != nil {
		return err
	}
	names, err := s.orgNames(q.Context(), append(slices.Clone(it.To), it.Org)...)
	if err != nil {
		return err
	}
	v := itemView{Row: rowOf(p, it, q.Now()), May: it.Mine && Access.May(q.Context(), "intel.publish"), Why: page.Field{Name: "why", Kind: "textarea", Label: p.T("intel.item.why"), Need: page.Optional, Rows: 2, Limit: maxNoteText}}
	v.Head = page.Head{H1: v.Row.Say.Title, Lead: v.Row.Say.Summary, Crumbs: []page.Crumb{{Text: p.T("intel.item.h"), Href: "/intelligence"}, {Text: v.Row.StateSay}}}
	if v.May && (it.State == ItemDraft || it.State == ItemPublished) {
		v.Head.Acts = append(v.Head.Acts, page.Act{Text: p.T("intel.item.edit"), Href: "/intelligence/" + it.ID + "/edit", Kind: "quiet"})
	}
	v.facts(p, &it, names)
	for i, x := range it.Indicators {
		if i == maxRowsShown {
			v.More = len(it.Indicators) - i
			break
		}
		r := indicatorRow{Kind: p.T("intel.indicator." + string(x.Type)), Value: x.Defang(), Note: x.Note, Search: "/intelligence?q=" + url.QueryEscape(x.Value)}
		for _, w := range x.Warnings {
			r.Warnings = append(r.Warnings, p.T("intel.warn."+string(w)))
		}
		v.Indicators = append(v.Indicators, r)
	}
	for _, st := range steps {
		v.Steps = append(v.Steps, sayStep(p, st))
	}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density, shell.Handling = "intelligence", page.Desk, &page.Handling{TLP: string(it.TLP), Clearance: it.Clearance}
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render("intel/item", shell, v)
}

func (v *itemView) facts(p text.Printer, it *Item, names map[string]string) {
	v.Facts.Tight = true
	add := func(key, value, note string) {
		if value != "" {
			v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: p.T(key), Value: value, Note: note})
		}
	}
	add("intel.item.col.grade", it.Grade.String(), v.Row.GradeSay)
	add("intel.item.who_knows", p.T("intel.item.reach."+strings.ToLower(strings.ReplaceAll(string(it.TLP), "+", "_"))), "")
	var to []string
	for _, o := range it.To {
		to = append(to, names[o])
	}
	add("intel.item.to_h", strings.Join(to, "\n"), "")
	add("intel.item.maker", names[it.Org], "")
	add("intel.item.source_h", it.Source, it.SourceRef)
	for _, st := range it.Provenance {
		say := p.T("intel.item.origin." + string(st.What))
		if st.Kind != "" {
			say += " · " + p.T("intel.item.file_kind."+st.Kind)
		}
		note := p.Time(st.At)
		if st.Ref != "" {
			note += " · " + st.Ref
		}
		if st.SHA != "" {
			note += " · SHA-256 " + st.SHA[:min(len(st.SHA), 16)] + "…"
		}
		v.File = v.File || it.Mine && st.What == FromFile
		add("intel.item.origin_h", say, note)
		for _, what := range slices.Sorted(maps.Keys(st.Left)) {
			v.Left = append(v.Left, p.T("intel.item.left", "what", what, "n", st.Left[what]))
		}
	}
	add("intel.item.version_h", strconv.Itoa(it.Version), "")
	add("intel.item.made_at", p.Time(it.CreatedAt), "")
	add("intel.item.published_at", sayTime(p, it.PublishedAt), "")
	add("intel.item.valid_h", sayTime(p, it.ValidUntil), "")
	add("intel.item.withdrawn_at", sayTime(p, it.WithdrawnAt), it.Why)
}

func sayStep(p text.Printer, st ItemStep) stepView {
	v := stepView{ItemStep: st, StateSay: p.T("intel.item_state." + string(st.State))}
	for _, c := range st.Changes {
		w := changeView{Field: p.T("intel.item.field." + strings.ReplaceAll(c.Field, "/", "_"))}
		if len(c.Added)+len(c.Removed) > 0 {
			w.Added, w.Removed = sayList(p, c.Added), sayList(p, c.Removed)
		} else {
			w.Was = &page.Change{From: c.Old, To: c.New}
		}
		v.Lines = append(v.Lines, w)
	}
	return v
}

// sayList says a list of values, broken, and how many more there are.
func sayList(p text.Printer, list []string) string {
	const most = 20
	var out []string
	for _, v := range list[:min(len(list), most)] {
		if x, ok := indicatorOf(v); ok {
			v = x.Defang()
		}
		out = append(out, v)
	}
	if n := len(list) - most; n > 0 {
		out = append(out, p.T("intel.item.more", "n", n))
	}
	return strings.Join(out, "、")
}

type editorView struct {
	Head        page.Head
	Action      string
	Fields      []page.Field
	English     []page.Field
	Marks       []page.Field
	From        []page.Field // where it is from: only of a new one
	Revision    int
	Republishes bool
}

func showEditor(q *httpd.Request, it *Item, bad error) error {
	p := q.Printer
	v := editorView{Head: page.Head{H1: p.T("intel.item.new"), Crumbs: []page.Crumb{{Text: p.T("intel.item.h"), Href: "/intelligence"}, {Text: p.T("intel.item.new")}}}, Action: "/intelligence"}
	has := Item{TLP: incident.Amber, Grade: Grade{"F", 6}}
	if it != nil {
		has = *it
		v.Head.H1, v.Action, v.Revision, v.Republishes = p.T("intel.item.edit"), "/intelligence/"+it.ID, it.Revision, it.State == ItemPublished
		v.Head.Crumbs[1] = page.Crumb{Text: it.Title, Href: "/intelligence/" + it.ID}
	}
	var own []string
	for _, x := range has.Indicators {
		own = append(own, x.Defang())
	}
	v.Fields = []page.Field{
		{Name: "title", Label: p.T("intel.item.title_h"), Need: page.Required, Value: has.Title, Limit: maxItemTitle, Hint: p.T("intel.item.title_hint")},
		{Name: "summary", Kind: "textarea", Label: p.T("intel.item.summary_h"), Need: page.Optional, Value: has.Summary, Rows: 3, Limit: maxItemSummary},
		{Name: "text", Kind: "textarea", Label: p.T("intel.item.text_h"), Need: page.Optional, Value: has.Text, Rows: 10, Limit: maxItemText, Hint: p.T("intel.item.text_hint")},
		{Name: "indicators", Kind: "textarea", Label: p.T("intel.item.indicators_h"), Need: page.Optional, Value: strings.Join(own, "\n"), Rows: 6, Hint: p.T("intel.item.indicators_hint"), Example: "198.51.100[.]7"},
		{Name: "vulnerabilities", Label: p.T("intel.item.cves_h"), Need: page.Optional, Value: strings.Join(has.Vulnerabilities, " "), Example: "CVE-2024-21762"}}
	v.English = []page.Field{
		{Name: "english/title", Label: p.T("intel.item.title_en"), Need: page.Optional, Value: has.English.Title, Lang: "en"},
		{Name: "english/summary", Kind: "textarea", Label: p.T("intel.item.summary_en"), Need: page.Optional, Value: has.English.Summary, Rows: 3, Lang: "en"},
		{Name: "english/text", Kind: "textarea", Label: p.T("intel.item.text_en"), Need: page.Optional, Value: has.English.Text, Rows: 6, Lang: "en"}}
	var tlps, classes, letters, numbers []page.Option
	for _, t := range incident.TLPs {
		tlps = append(tlps, page.Option{Value: string(t), Label: t.Label(), Hint: p.T("intel.item.reach." + strings.ToLower(strings.ReplaceAll(string(t), "+", "_")))})
	}
	for i := 0; i <= min(q.Who.Clearance, 3); i++ {
		classes = append(classes, page.Option{Value: strconv.Itoa(i), Label: p.T("page.clearance." + strconv.Itoa(i))})
	}
	for _, c := range "abcdef" {
		letters = append(letters, page.Option{Value: strings.ToUpper(string(c)), Label: strings.ToUpper(string(c)) + " " + p.T("intel.item.reliability."+string(c))})
	}
	for i := 1; i <= 6; i++ {
		numbers = append(numbers, page.Option{Value: strconv.Itoa(i), Label: strconv.Itoa(i) + " " + p.T("intel.item.credibility."+strconv.Itoa(i))})
	}
	until := ""
	if !has.ValidUntil.IsZero() {
		until = has.ValidUntil.Format(time.RFC3339)
	}
	v.Marks = []page.Field{
		{Name: "tlp", Kind: "choice", Label: p.T("intel.item.tlp_h"), Need: page.Required, Options: tlps, Value: string(has.TLP)},
		{Name: "to", Kind: "textarea", Label: p.T("intel.item.to_h"), Need: page.Optional, Value: strings.Join(has.To, "\n"), Rows: 3, Hint: p.T("intel.item.to_hint")},
		{Name: "clearance", Kind: "select", Label: p.T("intel.item.clearance_h"), Options: classes, Value: strconv.Itoa(has.Clearance)},
		{Name: "reliability", Kind: "select", Label: p.T("intel.item.reliability_h"), Options: letters, Value: has.Grade.Reliability},
		{Name: "credibility", Kind: "select", Label: p.T("intel.item.credibility_h"), Options: numbers, Value: strconv.Itoa(has.Grade.Credibility)},
		{Name: "source", Label: p.T("intel.item.source_h"), Need: page.Optional, Value: has.Source, Hint: p.T("intel.item.source_hint")},
		{Name: "source_ref", Label: p.T("intel.item.source_ref_h"), Need: page.Optional, Value: has.SourceRef},
		{Name: "valid_until", Kind: "datetime", Label: p.T("intel.item.valid_h"), Need: page.Optional, Value: until}}
	if it == nil {
		purposes := []page.Option{{Value: "", Label: p.T("intel.item.no_report")}}
		for _, x := range incident.Rules().For(q.Who.Kinds) {
			if x.Kind == incident.Ordinary {
				purposes = append(purposes, page.Option{Value: x.ID, Label: x.Name.In(q.Lang)})
			}
		}
		v.From = []page.Field{
			{Name: "file", Kind: "file", Label: p.T("intel.item.file_h"), Need: page.Optional, Hint: p.T("intel.item.file_hint"), Accept: ".json,.csv,.tsv,.txt,.md"},
			{Name: "report", Label: p.T("intel.item.report_h"), Need: page.Optional, Value: q.Query("report"), Hint: p.T("intel.item.report_hint")},
			{Name: "purpose", Kind: "select", Label: p.T("intel.item.purpose_h"), Options: purposes}}
	}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density = "intelligence", page.Desk
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render("intel/item_edit", shell, v)
}

// formItem reads the form of an item. Lines of indicators that are none come
// back as places of the field.
func formItem(q *httpd.Request, s *Service) (n NewItem, err error) {
	f := q.Form
	n = NewItem{Title: f("title"), Summary: f("summary"), Text: f("text"), English: Prose{f("english/title"), f("english/summary"), f("english/text")}, TLP: incident.TLP(f("tlp")),
		Source: f("source"), SourceRef: f("source_ref"), Vulnerabilities: strings.FieldsFunc(f("vulnerabilities"), func(r rune) bool { return r <= ' ' || strings.ContainsRune(",、，　", r) })}
	var bad []fault.Place
	number := func(at, code string) int {
		i, err := strconv.Atoi(f(at))
		if err != nil && f(at) != "" {
			bad = append(bad, place(at, code))
		}
		return i
	}
	n.Clearance = number("clearance", "intel.item.clearance")
	if f("reliability") != "" {
		n.Grade = Grade{f("reliability"), number("credibility", "intel.item.grade")}
	}
	for line := range strings.Lines(f("indicators")) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if _, ok := indicatorOf(line); !ok {
			bad = append(bad, place("indicators", "intel.item.indicator"))
			break
		}
		n.Indicators = append(n.Indicators, Indicator{Value: line})
	}
	var when *fault.Place
	if n.ValidUntil, when = page.ReadTime(q.Forms(), "valid_until"); when != nil {
		bad = append(bad, *when)
	}
	if len(bad) > 0 {
		return n, ErrItem.At(bad...)
	}
	n.To, err = s.Recipients(q.Context(), strings.Split(f("to"), "\n"))
	return n, err
}

func saveItem(q *httpd.Request, s *Service, old *Item) error {
	if err := s.mayWrite(q.Context()); err != nil {
		return err
	}
	n, err := formItem(q, s)
	var it Item
	if err == nil {
		file := q.File("file")
		switch {
		case old != nil:
			revision, _ := strconv.Atoi(q.Form("revision"))
			n.Indicators = noted(n.Indicators, old.Indicators)
			it, err = s.Edit(q.Context(), old.ID, revision, n)
		case q.Form("report") != "":
			it, err = s.AddFromReport(q.Context(), q.Form("report"), q.Form("purpose"), n)
		case file != nil:
			var raw []byte
			if raw, err = io.ReadAll(file.Reader()); err == nil {
				it, err = s.AddFile(q.Context(), file.Name, raw, n)
			}
		default:
			it, err = s.Add(q.Context(), n)
		}
	}
	if err == nil {
		return q.Redirect("/intelligence/" + it.ID)
	}
	switch k := fault.KindOf(err); {
	case k == fault.Invalid, k == fault.Usage, k == fault.Conflict, k == fault.Refused && fault.Of(err).Code == ErrConsent.Code:
		return showEditor(q, old, onField(err))
	}
	return err
}

// noted gives indicators of a form the notes that they had.
func noted(list, had []Indicator) []Indicator {
	notes := map[string]string{}
	for _, x := range had {
		notes[x.Value] = x.Note
	}
	for i := range list {
		if x, ok := indicatorOf(list[i].Value); ok {
			list[i].Note = notes[x.Value]
		}
	}
	return list
}

// onField puts places inside a list ("to/0") at the field that holds the list,
// and a fault of a file at the file.
func onField(err error) error {
	f := fault.Of(err)
	if len(f.Places) == 0 {
		if f.Kind == fault.Usage {
			return f.At(fault.Place{At: "file", Code: f.Code, Args: f.Args})
		}
		return err
	}
	places := slices.Clone(f.Places)
	for i := range places {
		if at, _, ok := strings.Cut(places[i].At, "/"); ok && at != "english" {
			places[i].At = at
		} else if places[i].At == "grade" {
			places[i].At = "reliability"
		}
	}
	return f.At(places...)
}
