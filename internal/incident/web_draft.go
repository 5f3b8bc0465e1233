package incident

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// formUpload bounds a posted form with files; the store of attachments has its
// own, lower limit for each file.
const formUpload = 64 << 20

func (w *web) drafts() {
	w.page("GET /drafts/{id}", (*screen).tasks)
	w.page("GET /drafts/{id}/ask/{field}", func(v *screen) error { return v.ask(nil) })
	w.page("POST /drafts/{id}/ask/{field}", (*screen).answer)
	w.page("POST /drafts/{id}/save/{field}", (*screen).autosave)
	w.page("GET /drafts/{id}/marks", func(v *screen) error { return v.marks(nil) })
	w.page("POST /drafts/{id}/marks", (*screen).mark)
	w.page("GET /drafts/{id}/scope", (*screen).draftScope)
	w.page("POST /drafts/{id}/scope", (*screen).rescope)
	w.page("GET /drafts/{id}/clash", (*screen).clash)
	w.page("POST /drafts/{id}/clash", (*screen).settle)
	w.page("GET /drafts/{id}/files", func(v *screen) error { return v.files(nil) })
	w.page("POST /drafts/{id}/files", (*screen).attach, httpd.MaxBody(formUpload))
	w.page("POST /drafts/{id}/files/{file}/remove", (*screen).detach)
	w.page("GET /drafts/{id}/discard", (*screen).discard)
	w.page("POST /drafts/{id}/discard", (*screen).discarded)
	w.page("GET /drafts/{id}/check", func(v *screen) error { return v.check(nil) })
	w.page("POST /drafts/{id}/submit", (*screen).submit)
	w.page("GET /drafts/{id}/forms/{profile}/{format}", (*screen).form)
	w.page("GET /drafts/{id}/clocks.ics", (*screen).calendar)
}

// needed are the questions that some regime in force wants answered at this
// stage, or whose answer decides whether it applies.
func (v *screen) needed(r *Report) map[FieldID]bool {
	out := map[FieldID]bool{}
	for _, p := range v.s.Profiles.All {
		verdict, deciding := p.AppliesTo(r)
		if p.Disabled || verdict == VerdictNo || !p.InForce(v.now) || p.Voluntary && p.Consent != "" && !r.Consent(p.Consent) {
			continue
		}
		for _, id := range deciding {
			out[id] = true
		}
		if verdict == VerdictYes {
			for _, id := range p.StageFor(r.Stage).RequiredFields(r) {
				out[id] = true
			}
		}
	}
	return out
}

// lays reports whether a regime's form has a place for the answer.
func (p *Profile) lays(f *Field) bool {
	return slices.ContainsFunc(p.Layout, func(sec LayoutSection) bool {
		if slices.Contains(sec.Groups, f.Group) || slices.Contains(sec.Fields, f.ID) {
			return true
		}
		return slices.ContainsFunc(sec.Rows, func(row LayoutRow) bool {
			return slices.Contains(hole.FindAllString(row.Text, -1), "{"+string(f.ID)+"}")
		})
	})
}

// asked reports whether a group belongs to a report: the law's own always, the
// others when a regime that may apply has a place for an answer of theirs.
func (v *screen) asked(g Group, r *Report) bool {
	fields := Dictionary().In(g.ID, r.Kind)
	if len(fields) == 0 {
		return false
	}
	if g.Item != 0 {
		return true
	}
	for _, p := range v.s.Profiles.All {
		if verdict, _ := p.AppliesTo(r); p.Disabled || verdict == VerdictNo || !p.InForce(v.now) {
			continue
		}
		if slices.ContainsFunc(fields, p.lays) {
			return true
		}
	}
	return false
}

type tasksView struct {
	Head     page.Head
	ID       ID
	Progress string
	Good     bool
	Clashes  int
	Behind   string // what brings the draft up to date, as a stage; empty when nothing has to
	Case     ID
	Groups   []page.TaskGroup
	Duties   []duty
	Resting  []string
	Continue string
	SavedAt  time.Time
}

// tasks is the list of what there is to answer, in the order of the law.
func (v *screen) tasks() error {
	p, err := v.s.PreviewDraft(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	d, r := p.Draft, p.Draft.Report
	needed := v.needed(r)
	lacks := map[FieldID]bool{}
	for _, m := range p.Check.Missing {
		lacks[m.Field] = true
	}
	out := tasksView{ID: d.ID, Case: d.Case, Clashes: len(d.Clashes), SavedAt: d.UpdatedAt, Duties: v.duties(p.Check), Resting: v.resting(p.Check)}
	if d.Behind {
		out.Behind = string(d.Stage)
	}
	out.Head = page.Head{Crumbs: []page.Crumb{v.home(), {Text: v.T("incident.web.draft_of", "stage", v.numbered(r.Stage, r.Version))}},
		H1: v.name(r), Lead: v.T("incident.web.tasks.lead")}
	out.Groups = []page.TaskGroup{v.firstTasks(d)}
	left, first := 0, ""
	for _, it := range Dictionary().Items {
		g := page.TaskGroup{Title: v.T("incident.web.item", "n", it.N, "label", it.Label)}
		g.Tasks = v.groupTasks(d, it.N, needed, lacks, &left, &first)
		if it.N == 7 {
			g.Tasks = append(g.Tasks, v.filesTask(d, p.Files))
		}
		if len(g.Tasks) > 0 {
			out.Groups = append(out.Groups, g)
		}
	}
	if more := v.groupTasks(d, 0, needed, lacks, &left, &first); len(more) > 0 {
		out.Groups = append(out.Groups, page.TaskGroup{Title: v.T("incident.web.more"), Tasks: more})
	}
	last := page.Task{Text: v.T("incident.web.check"), Href: "/drafts/" + d.ID + "/check", State: "todo", Note: v.T("incident.web.task.check")}
	n := len(lacks)
	if n > 0 {
		last.Note, last.State = v.T("incident.web.task.check_left", "n", n), "todo"
	}
	out.Groups = append(out.Groups, page.TaskGroup{Title: v.T("incident.web.send"), Tasks: []page.Task{last}})
	out.Continue = first
	if out.Progress, out.Good = v.T("incident.web.progress.left", "n", n), p.Check.Clean; out.Good {
		out.Progress = v.T("incident.web.progress.done")
	}
	shell := v.Shell(out.Head.H1)
	shell.Key, shell.Handling = "reports", v.handling(r.TLP, "")
	return v.Render("incident/tasks", shell, out)
}

func (v *screen) firstTasks(d Draft) page.TaskGroup {
	g := page.TaskGroup{Title: v.T("incident.web.before")}
	scope := page.Task{Text: v.T("incident.web.scope"), Href: "/drafts/" + d.ID + "/scope", State: "todo", Note: v.T("incident.web.task.optional")}
	if d.Case != "" {
		scope.State, scope.Note = "done", v.T("incident.web.task.scope_before")
	} else if res, err := Scope(d.Scope); err == nil && res.Verdict != ScopeOpen {
		scope.State, scope.Note = "done", v.both(res.Label)
	}
	marks := page.Task{Text: v.T("incident.web.marks"), Href: "/drafts/" + d.ID + "/marks", State: "done", Note: v.kind(d.Kind) + " · " + d.Report.TLP.Label()} // both have an answer from the start
	g.Tasks = []page.Task{scope, marks}
	return g
}

func (v *screen) groupTasks(d Draft, item int, needed, lacks map[FieldID]bool, left *int, first *string) (out []page.Task) {
	for _, g := range Dictionary().Groups {
		if g.Item != item || !v.asked(g, d.Report) {
			continue
		}
		var missing, answered, open int
		start, lacking := "", ""
		for _, step := range steps(g.ID, d.Kind, needed) {
			for _, f := range step {
				if start == "" {
					start = v.askAt(d.ID, f.ID)
				}
				val := d.Report.Value(f.ID)
				if lacks[f.ID] {
					if missing++; lacking == "" {
						lacking = v.askAt(d.ID, f.ID)
					}
				} else if val.State == Investigating {
					open++
				}
				if val.Answered() {
					answered++
				}
			}
		}
		if start == "" {
			continue
		}
		t := page.Task{Text: v.both(g.Label), Href: start, State: "todo", Note: v.T("incident.web.task.optional")}
		switch {
		case missing > 0:
			t.Href, t.Note = lacking, v.T("incident.web.task.left", "n", missing)
			if answered > 0 {
				t.State = "started"
			}
			if *first == "" {
				*first = lacking
			}
		case open > 0:
			t.State, t.Note = "investigating", v.T("incident.web.task.open", "n", open)
		case answered > 0:
			t.State, t.Note = "done", v.T("incident.web.task.answered", "n", answered)
		}
		*left += missing
		out = append(out, t)
	}
	return out
}

func (v *screen) filesTask(d Draft, n int) page.Task {
	t := page.Task{Text: v.T("incident.web.files"), Href: "/drafts/" + d.ID + "/files", State: "todo", Note: v.T("incident.web.task.optional")}
	if n > 0 {
		t.State, t.Note = "done", v.T("incident.web.task.files", "n", n)
	}
	return t
}

func (v *screen) askAt(draft ID, f FieldID) string { return "/drafts/" + draft + "/ask/" + string(f) }

// ---- marks: kind, class, severity, label ----

type plainQuestion struct {
	Head   page.Head
	Note   string
	Say    string
	Action string
	Parts  []formPart
	Save   string
	Draft  ID
	Hidden []page.Field
	More   bool // a table: more rows can be asked for
	Saved  time.Time
	Duties []duty
	Gets   []string
	Multi  bool // the form sends files
}

// formPart is one question, or one record or table with its parts.
type formPart struct {
	Legend, Hint string
	Fields       []page.Field
	Grid         *grid
}

func (v *screen) marks(bad error) error {
	d, err := v.s.Draft(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	r := d.Report
	kind := page.Field{Name: "kind", Kind: "choice", Label: v.T("incident.web.col.kind"), Need: page.Required, Value: string(r.Kind), Hint: v.T("incident.web.marks.kind")}
	for _, h := range Dictionary().Kinds {
		kind.Options = append(kind.Options, page.Option{Value: h.ID, Label: v.both(h.Label), Hint: v.both(h.Hint)})
	}
	sev := page.Field{Name: "severity", Kind: "choice", Label: v.T("incident.web.col.severity"), Need: page.Optional, Value: string(r.Severity), Hint: v.T("incident.web.marks.severity")}
	for _, h := range Dictionary().Severities {
		sev.Options = append(sev.Options, page.Option{Value: h.ID, Label: v.both(h.Label), Hint: v.both(h.Hint)})
	}
	class := page.Field{Name: "class", Kind: "select", Label: v.T("incident.web.class"), Need: page.Optional, Value: r.Class, Hint: v.T("incident.web.marks.class"),
		Options: []page.Option{{Label: v.T("incident.web.form.choose")}}}
	for _, c := range Classes() {
		class.Options = append(class.Options, page.Option{Value: c.ID, Label: v.both(c.Label)})
		for _, t := range c.Types {
			class.Options = append(class.Options, page.Option{Value: c.ID + "/" + t.ID, Label: "　" + v.both(t.Label)})
		}
	}
	tlp := page.Field{Name: "tlp", Kind: "choice", Label: v.T("incident.web.tlp"), Need: page.Required, Value: string(r.TLP), Hint: v.T("incident.web.marks.tlp")}
	for _, h := range Dictionary().TLPs {
		tlp.Options = append(tlp.Options, page.Option{Value: h.ID, Label: v.both(h.Label), Hint: v.both(h.Hint)})
	}
	out := plainQuestion{Draft: d.ID, Action: "/drafts/" + d.ID + "/marks", Parts: []formPart{{Fields: []page.Field{kind, sev, class, tlp}}}}
	out.Hidden = []page.Field{version(d)}
	out.Head = v.draftHead(d, v.T("incident.web.marks"))
	out.Head.H1 = v.T("incident.web.marks")
	return v.question(d, out, bad)
}

func version(d Draft) page.Field {
	return page.Field{Kind: "hidden", Name: "version", Value: strconv.FormatInt(d.Revision, 10)}
}

func (v *screen) draftHead(d Draft, here string) page.Head {
	return page.Head{Crumbs: []page.Crumb{v.home(), {Text: v.name(d.Report), Href: "/drafts/" + d.ID}, {Text: here}}}
}

func (v *screen) question(d Draft, out plainQuestion, bad error) error {
	title := out.Head.H1
	if title == "" {
		title = out.Parts[0].Fields[0].Label
	}
	shell := v.Shell(title)
	shell.Key, shell.Handling = "reports", v.handling(d.Report.TLP, "")
	if bad != nil {
		shell = shell.Fail(bad, v.Forms())
	}
	return v.Render("incident/question", shell, out)
}

// base is the revision the form was written from.
func (v *screen) base() int64 {
	n, err := strconv.ParseInt(v.Form("version"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (v *screen) mark() error {
	kind, class, sev, tlp := Kind(v.Form("kind")), v.Form("class"), Severity(v.Form("severity")), TLP(v.Form("tlp"))
	_, err := v.s.SaveDraft(v.Context(), v.Path("id"), v.base(), Changes{Kind: &kind, Class: &class, Severity: &sev, TLP: &tlp})
	if err != nil && comesBack(err) {
		return v.marks(inForm(err))
	}
	if err != nil {
		return err
	}
	return v.Redirect("/drafts/" + v.Path("id"))
}

// inForm renames the places of a draft's fault to the form's controls.
func inForm(err error) error {
	f := fault.Of(err)
	out := fault.New(f.Kind, f.Code)
	if out.Args = f.Args; f.Code == ErrInvalid.Code {
		out = fault.New(fault.Invalid, "incident.web.invalid")
	}
	for _, p := range f.Places {
		p.At = controlOf(p.At)
		if len(p.At) > 0 && p.At[0] == '/' {
			p.At = p.At[1:]
		}
		out = out.At(p)
	}
	return out
}

// ---- the scope check of a draft ----

func (v *screen) draftScope() error {
	d, err := v.s.Draft(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	out := plainQuestion{Draft: d.ID, Action: "/drafts/" + d.ID + "/scope", Hidden: []page.Field{version(d)}}
	out.Head = v.draftHead(d, v.T("incident.web.scope"))
	out.Head.H1 = v.T("incident.web.scope")
	if res, err := Scope(d.Scope); err == nil && res.Verdict != ScopeOpen {
		out.Note, out.Say = v.both(res.Label), v.both(res.Reasons[0].Text)+" "+v.T("incident.web.source", "source", v.both(res.Reasons[0].Source))
	}
	part := formPart{}
	for _, q := range ScopeRules().Questions {
		part.Fields = append(part.Fields, page.Field{Name: scopePrefix + q.ID, Kind: "choice", Label: v.both(q.Label), Hint: v.both(q.Hint), Value: d.Scope[q.ID], Options: v.options(q.Options)})
	}
	out.Parts = []formPart{part}
	return v.question(d, out, nil)
}

func (v *screen) rescope() error {
	if _, err := v.s.SaveDraft(v.Context(), v.Path("id"), v.base(), Changes{Scope: scopeAnswers(v.Forms())}); err != nil {
		return err
	}
	return v.Redirect("/drafts/" + v.Path("id") + "/scope")
}

// ---- two people, one field ----

type clashView struct {
	Head    page.Head
	Clashes []clashRow
	ID      ID
}

type clashRow struct {
	Choice, Name string
	Sides        []clashSide
}

type clashSide struct {
	Value, Say, Who, Button string
	At                      time.Time
}

func (v *screen) clash() error {
	d, err := v.s.Draft(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	out := clashView{Head: v.draftHead(d, v.T("incident.web.clash")), ID: d.ID}
	out.Head.H1, out.Head.Lead = v.T("incident.web.clash"), v.T("incident.web.clash.lead")
	for _, c := range d.Clashes {
		row := clashRow{Choice: c.Choice, Name: v.nameOf(c)}
		for i, s := range []Side{c.Kept, c.Other} {
			say := clashSide{Value: []string{"kept", "other"}[i], Say: v.sideOf(c, s), At: s.At, Who: v.T("incident.web.clash.other"), Button: v.T("incident.web.clash.use")}
			switch {
			case s.Person == v.Who.Person:
				say.Who = v.T("incident.web.clash.you")
			case s.Version > 0:
				say.Who = v.T("incident.web.clash.version", "n", s.Version)
			}
			if say.Say == "" {
				say.Say = v.T("incident.web.blank")
			}
			row.Sides = append(row.Sides, say)
		}
		out.Clashes = append(out.Clashes, row)
	}
	shell := v.Shell(out.Head.H1)
	shell.Key, shell.Handling = "reports", v.handling(d.Report.TLP, "")
	return v.Render("incident/clash", shell, out)
}

func (v *screen) nameOf(c Clash) string {
	if f, ok := Dictionary().Get(c.Field); ok {
		return v.both(f.Label)
	}
	switch area, id := area(c.At); area {
	case "consents":
		consent, _ := Dictionary().Consent(id)
		return v.both(consent.Label)
	case "scope":
		return v.T("incident.web.scope")
	case "kind":
		return v.T("incident.web.col.kind")
	case "class":
		return v.T("incident.web.class")
	case "severity":
		return v.T("incident.web.col.severity")
	}
	return v.T("incident.web.tlp")
}

func (v *screen) sideOf(c Clash, s Side) string {
	if f, ok := Dictionary().Get(c.Field); ok {
		return f.Echo(s.Value, v.says.Printer)
	}
	var word string
	if json.Unmarshal(s.JSON, &word) != nil {
		var yes bool
		_ = json.Unmarshal(s.JSON, &yes)
		return v.yes(yes)
	}
	return v.mark1(c.At[1:], word)
}

func (v says) yes(b bool) string {
	if b {
		return v.T("incident.echo.yes")
	}
	return v.T("incident.echo.no")
}

// mark1 says kind, stage, class, severity or label in words.
func (v says) mark1(what, word string) string {
	switch {
	case word == "":
		return ""
	case what == "kind":
		return v.kind(Kind(word))
	case what == "stage":
		return v.stage(Stage(word))
	case what == "severity":
		return v.both(wording(Dictionary().Severities, word))
	case what == "tlp":
		return TLP(word).Label()
	case what == "class":
		b, _ := ClassOf(word)
		return v.both(b)
	}
	return word
}

func (v *screen) settle() error {
	_, err := v.s.ResolveClash(v.Context(), v.Path("id"), v.Form("choice"), v.Form("side") == "other")
	if err != nil {
		return err
	}
	d, err := v.s.Draft(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	if len(d.Clashes) > 0 {
		return v.Redirect("/drafts/" + d.ID + "/clash")
	}
	return v.Redirect("/drafts/" + d.ID)
}

// ---- attachments ----

type filesView struct {
	Head   page.Head
	Files  []blob.Meta
	Field  page.Field
	Action string
	Get    string // address of a file, before its id
	Remove bool
	Back   string
}

func (v *screen) files(bad error) error {
	d, err := v.s.Draft(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	out := filesView{Head: v.draftHead(d, v.T("incident.web.files")), Action: "/drafts/" + d.ID + "/files", Get: "/reports/" + d.ID + "/files/", Remove: true, Back: "/drafts/" + d.ID}
	out.Head.H1, out.Head.Lead = v.T("incident.web.files"), v.T("incident.web.files.lead")
	if out.Files, err = v.s.Files(v.Context(), d.ID); err != nil {
		return err
	}
	out.Field = page.Field{Name: "file", Kind: "file", Label: v.T("incident.web.files.choose"), Hint: v.T("incident.web.files.hint"), Multiple: true}
	shell := v.Shell(out.Head.H1)
	shell.Key, shell.Handling = "reports", v.handling(d.Report.TLP, "")
	if bad != nil {
		shell = shell.Fail(bad, v.Forms())
	}
	return v.Render("incident/files", shell, out)
}

func (v *screen) attach() error {
	n := 0
	for _, f := range v.Files() {
		if f.Size == 0 {
			continue
		}
		if _, err := v.s.Attach(v.Context(), v.Path("id"), f.Reader(), f.Name); err != nil {
			if comesBack(err) {
				return v.files(placed(err, "file"))
			}
			return err
		}
		n++
	}
	if n == 0 {
		return v.files(placed(nothingSaid("incident.web.files.empty"), "file"))
	}
	return v.Redirect("/drafts/" + v.Path("id") + "/files")
}

func (v *screen) detach() error {
	if err := v.s.Detach(v.Context(), v.Path("id"), v.Path("file")); err != nil {
		return err
	}
	return v.Redirect("/drafts/" + v.Path("id") + "/files")
}

// ---- throwing a draft away ----

// confirmView asks before an act that is not undone.
type confirmView struct {
	Head    page.Head
	Say     []string
	Action  string
	Fields  []page.Field
	Button  string
	Stop    bool
	Back    string
	BackSay string
}

func (v *screen) confirm(c confirmView, bad error) error {
	shell := v.Shell(c.Head.H1)
	shell.Key = "reports"
	if bad != nil {
		shell = shell.Fail(bad, v.Forms())
	}
	return v.Render("incident/confirm", shell, c)
}

func (v *screen) discard() error {
	d, err := v.s.Draft(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	c := confirmView{Head: v.draftHead(d, v.T("incident.web.discard")), Action: "/drafts/" + d.ID + "/discard", Button: v.T("incident.web.discard"), Stop: true,
		Say: []string{v.T("incident.web.discard.say")}, Back: "/drafts/" + d.ID, BackSay: v.T("incident.web.discard.not")}
	c.Head.H1 = v.T("incident.web.discard.ask")
	return v.confirm(c, nil)
}

func (v *screen) discarded() error {
	if err := v.s.DiscardDraft(v.Context(), v.Path("id")); err != nil {
		return err
	}
	return v.Redirect("/reports")
}
