package desk

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/oversight"
)

// Pages registers the pages of the desk: what the inspection came to and how each
// number was counted, the papers, the samples, the sealed parts and the yearly
// report. A body that the commission writes to has the papers and the sealed parts
// that are addressed to it.
func Pages(r *httpd.Router, s *Service) {
	r.Page("GET /oversight", func(q *httpd.Request) error { return showBoard(q, s, nil) })
	r.Page("POST /oversight/replay", func(q *httpd.Request) error {
		if err := s.Replay(q.Context()); err != nil {
			return err
		}
		return q.Redirect("/oversight")
	})
	r.Page("GET /oversight/rules/{rule}", func(q *httpd.Request) error { return showRule(q, s) })
	r.Page("GET /oversight/entries/{place}", func(q *httpd.Request) error { return showEntry(q, s) })
	pagesPapers(r, s)
	pagesSamples(r, s)
	pagesOpenings(r, s)
	pagesReport(r, s)
	r.Live("GET /live/oversight", func(q *httpd.Request) (string, error) { return "oversight/" + q.Who.Org, nil })
}

// say draws words with the printer at hand.
type say struct{ text.Printer }

func (p say) kind(k Kind) string   { return p.T("desk.kind." + string(k)) }
func (p say) state(s State) string { return p.T("desk.state." + string(s)) }
func (p say) act(a string) string  { return p.T("desk.act." + a) }

// verb is what an act is called in words; its own name where it has none.
func (p say) verb(v string) string {
	for _, key := range []string{"app.act." + v, "gate.may." + v} {
		if p.Has(key) {
			return p.T(key)
		}
	}
	return v
}

// coded are the facts whose value is a code, and where its words stand among those
// of the act's noun.
var coded = map[string]string{"act": "act", "by": "side", "from": "state", "to": "state", "body": "body", "place": "place", "notice": "notice", "kind": "kind", "ground": "ground"}

// facts are what an act says in clear, by name, in words where there are some.
func (p say) facts(verb string, public map[string]any) (out []page.Fact) {
	noun, _, _ := strings.Cut(verb, ".")
	if noun == "oversight" {
		noun = "desk"
	}
	for _, name := range slices.Sorted(maps.Keys(public)) {
		label := name
		if p.Has("desk.fact." + name) {
			label = p.T("desk.fact." + name)
		}
		value := p.fact(public[name])
		for _, key := range []string{noun + "." + coded[name] + "." + value, "approval." + coded[name] + "." + value} {
			if coded[name] != "" && p.Has(key) {
				value = p.T(key)
				break
			}
		}
		out = append(out, page.Fact{Name: label, Value: value})
	}
	return out
}

func (p say) fact(v any) string {
	switch x := v.(type) {
	case bool:
		if x {
			return p.T("desk.fact_yes")
		}
		return p.T("desk.fact_no")
	case string:
		if t, err := time.Parse(time.RFC3339Nano, x); err == nil {
			return p.Time(t)
		}
		return x
	case json.Number:
		return x.String()
	case []any:
		words := make([]string, len(x))
		for i, e := range x {
			words[i] = p.fact(e)
		}
		return strings.Join(words, ", ")
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(raw)
}

// tab is one part of the desk.
type tab struct {
	Text, Href string
	On         bool
}

// tabs lead from one part of the desk to another; a body has none.
func tabs(q *httpd.Request, p say, on string) (out []tab) {
	if !Access.May(q.Context(), "oversight.inspect") {
		for _, x := range []string{"papers", "openings"} {
			out = append(out, tab{p.T("desk.tab." + x), "/oversight/" + x, x == on})
		}
		return out
	}
	out = append(out, tab{p.T("desk.tab.board"), "/oversight", on == "board"})
	for _, x := range []string{"papers", "samples", "openings", "report"} {
		out = append(out, tab{p.T("desk.tab." + x), "/oversight/" + x, x == on})
	}
	return out
}

func render(q *httpd.Request, name, title string, v any, bad error) error {
	shell := q.Shell(title)
	shell.Key, shell.Density, shell.Live = "oversight", page.Desk, "/live/oversight"
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render(name, shell, v)
}

// formFault reports whether an error belongs back on the form. What was given and
// does not open the entry is refused on the record, and is said at the form too.
func formFault(err error) bool {
	if err == nil {
		return false
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.TooLarge, fault.Busy:
		return true
	}
	return fault.Of(err).Code == ErrDigest.Code || fault.Of(err).Code == ErrTwo.Code
}

// placeLink is one entry that something rests on.
type placeLink struct{ Place, Href string }

// links are the entries that something rests on; they lead to them where who looks
// may read entries.
func links(q *httpd.Request, places []uint64) (out []placeLink) {
	for _, n := range places {
		out = append(out, placeLink{strconv.FormatUint(n, 10), entryHref(q, n)})
	}
	return out
}

func entryHref(q *httpd.Request, place uint64) string {
	if !Access.May(q.Context(), "oversight.entry") {
		return ""
	}
	return "/oversight/entries/" + strconv.FormatUint(place, 10)
}

type violationRow struct {
	Rule, Text, Object, Article, Draft string
	At                                 string
	Entries                            []placeLink
}

type ruleRow struct {
	ID, Text, Article, Last string
	Checked                 uint64
	Violations              int
	House                   bool
}

type lateRow struct {
	What, Object, Href string
	Due                page.Due
	Entries            []placeLink
}

type sumRow struct {
	Kind             string
	Sent, Open, Late int
}

type boardView struct {
	Head              page.Head
	Tabs              []tab
	Ready             bool
	Verdict, Tag, Say string
	Nums              []num
	Alarms            []string
	Violations        []violationRow
	More              uint64
	Late              []lateRow
	Use               string
	UseEntries        []placeLink
	Papers            []sumRow
	Rules             []ruleRow
	Entries, Root     string
	FullAt            string
	May               bool // reads entries
}

type num struct {
	N     string
	Label string
	Bad   bool
}

// showBoard is the first page of the desk: whether the rules were kept, and what
// that rests on.
func showBoard(q *httpd.Request, s *Service, bad error) error {
	p := say{q.Printer}
	b, err := s.Inspection(q.Context(), q.Printer)
	if err != nil {
		return err
	}
	v := boardView{Head: page.Head{H1: p.T("desk.web.title"), Lead: p.T("desk.web.lead")}, Tabs: tabs(q, p, "board"), Ready: b.Ready, May: Access.May(q.Context(), "oversight.entry")}
	if Access.May(q.Context(), "oversight.replay") {
		v.Head.Acts = []page.Act{{Text: p.T("desk.web.replay"), Href: "/oversight/replay", Post: true, Icon: "pulse"}}
	}
	if !b.Ready {
		return render(q, "desk/board", v.Head.H1, v, bad)
	}
	wrong := len(b.Violations) + int(b.More)
	v.Tag, v.Verdict = "good", p.T("desk.web.clean")
	if wrong+len(b.Gaps)+len(b.Alarms) > 0 {
		v.Tag, v.Verdict = "act", p.T("desk.web.found", "violations", wrong, "gaps", len(b.Gaps), "alarms", len(b.Alarms))
	}
	v.Say = p.T("desk.web.read", "entries", int64(b.Entries), "at", b.At)
	if b.Pending > 0 {
		v.Say += " " + p.T("desk.web.pending", "n", int64(b.Pending))
	}
	checks, askedRules := uint64(0), 0
	for _, r := range b.Rules {
		if checks += r.Checked; r.Checked > 0 {
			askedRules++
		}
		row := ruleRow{ID: r.Rule, Text: r.Text, Article: r.Article, Checked: r.Checked, Violations: r.Violations, House: !r.Verified}
		if !r.At.IsZero() {
			row.Last = p.T("desk.web.last_at", "at", p.Short(r.At, q.Now()))
		}
		v.Rules = append(v.Rules, row)
	}
	v.Nums = []num{{p.Number(int64(b.Entries)), p.T("desk.web.n_entries"), false}, {p.Number(int64(askedRules)) + " / " + p.Number(int64(len(b.Rules))), p.T("desk.web.n_rules"), false},
		{p.Number(int64(checks)), p.T("desk.web.n_checks"), false}, {p.Number(int64(wrong)), p.T("desk.web.n_violations"), wrong > 0},
		{p.Number(int64(len(b.Gaps))), p.T("desk.web.n_gaps"), len(b.Gaps) > 0}, {p.Number(int64(len(b.Alarms))), p.T("desk.web.n_alarms"), len(b.Alarms) > 0}}
	for _, list := range [][]oversight.Alarm{b.Alarms, b.Gaps} {
		for _, a := range list {
			v.Alarms = append(v.Alarms, a.Text)
		}
	}
	v.Violations, v.More = p.violations(q, b.Violations, b.Rules), b.More
	for _, l := range b.Late {
		row := lateRow{What: p.T("desk.late." + l.What), Object: l.Object, Due: page.Due{At: l.Due}, Entries: links(q, l.Entries)}
		if id, ok := strings.CutPrefix(l.Object, "measure/"); ok {
			row.Href = "/measures/" + id
		}
		v.Late = append(v.Late, row)
	}
	v.Use, v.UseEntries = p.use(b.Uses), links(q, b.Uses.Entries)
	for _, x := range b.Papers {
		v.Papers = append(v.Papers, sumRow{p.kind(x.Kind), x.Sent, x.Open, x.Late})
	}
	v.Entries, v.Root, v.FullAt = p.Number(int64(b.Entries)), b.Root, p.Time(b.FullAt)
	return render(q, "desk/board", v.Head.H1, v, bad)
}

// use says how often emergencies were declared, beside approvals.
func (p say) use(u uses) string {
	if u.Ordinary+u.Emergency == 0 {
		return p.T("desk.web.use_none")
	}
	return p.T("desk.web.use", "ordinary", u.Ordinary, "emergency", u.Emergency, "percent", (100*u.Emergency+(u.Ordinary+u.Emergency)/2)/(u.Ordinary+u.Emergency))
}

func (p say) violations(q *httpd.Request, list []oversight.Violation, rules []RuleRow) (out []violationRow) {
	articles := map[string]string{}
	for _, r := range rules {
		articles[r.Rule] = r.Article
	}
	for i := len(list) - 1; i >= 0 && len(out) < 100; i-- { // the newest first
		x := list[i]
		row := violationRow{Rule: x.Rule, Text: x.Text, Object: x.Object, Article: articles[x.Rule], Entries: links(q, x.Entries), At: p.Time(x.At())}
		if Access.May(q.Context(), "oversight.draft") {
			row.Draft = "/oversight/papers/new?rule=" + x.Rule
			for _, n := range x.Entries {
				row.Draft += "&entry=" + strconv.FormatUint(n, 10)
			}
		}
		out = append(out, row)
	}
	return out
}

type entryRow struct {
	Place, Href, Verb, Code, Object, Outcome string
	At                                       string
	Refused                                  bool
}

func (p say) entry(e *Shown) entryRow {
	n := strconv.FormatUint(e.Place, 10)
	return entryRow{Place: n, Href: "/oversight/entries/" + n, Verb: p.verb(e.Entry.Verb), Code: e.Entry.Verb, Object: e.Entry.Object, At: p.Time(e.Entry.At), Refused: e.Entry.Outcome == "refused"}
}

type ruleView struct {
	Head       page.Head
	Tabs       []tab
	Facts      page.Facts
	Entries    []entryRow
	Violations []violationRow
}

// showRule tells how one rule's number was counted.
func showRule(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	h, err := s.How(q.Context(), q.Path("rule"), q.Printer)
	if err != nil {
		return err
	}
	v := ruleView{Head: page.Head{H1: h.Row.Text, Crumbs: []page.Crumb{{Text: p.T("desk.web.title"), Href: "/oversight"}, {Text: p.T("desk.web.how")}}}, Tabs: tabs(q, p, "")}
	source := p.T("desk.web.verified")
	if !h.Row.Verified {
		source = p.T("desk.web.unverified")
	}
	v.Facts.Rows = []page.Fact{{Name: p.T("desk.web.article"), Value: h.Row.Article, Note: source}, {Name: p.T("desk.web.checked"), Value: p.T("desk.web.checked_n", "n", int64(h.Row.Checked)), Note: p.T("desk.web.checked_how")},
		{Name: p.T("desk.web.violations"), Value: p.Number(int64(h.Row.Violations))}}
	if !h.Row.At.IsZero() {
		v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: p.T("desk.web.last"), Value: p.Time(h.Row.At)})
	}
	for i := range h.Entries {
		v.Entries = append(v.Entries, p.entry(&h.Entries[i]))
	}
	v.Violations = p.violations(q, h.Violations, []RuleRow{h.Row})
	return render(q, "desk/rule", v.Head.H1, v, nil)
}

type entryView struct {
	Head    page.Head
	Tabs    []tab
	Facts   page.Facts
	Clear   page.Facts
	Public  string
	Command string
	Unseal  string // address of the form; empty where there is nothing to open
	Object  string // page of what the act was about; empty where there is none
}

// objectHref is the page of what an entry is about, of the nouns that the commission
// and the body that acted can both open.
func objectHref(object string) string {
	noun, id, _ := strings.Cut(object, "/")
	at := map[string]string{"measure": "/measures/", "approval": "/approvals/", "request": "/requests/"}[noun]
	if at == "" || id == "" {
		return ""
	}
	return at + id
}

// showEntry is one entry of the log: what it says in clear, and how to check it.
func showEntry(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	place, err := strconv.ParseUint(q.Path("place"), 10, 64)
	if err != nil {
		place = 1 << 63 // no log has so many
	}
	e, err := s.Entry(q.Context(), place)
	if err != nil {
		return err
	}
	title := p.T("desk.web.entry", "n", p.Number(int64(place)))
	v := entryView{Head: page.Head{H1: title, Lead: p.verb(e.Entry.Verb), Crumbs: []page.Crumb{{Text: p.T("desk.web.title"), Href: "/oversight"}, {Text: title}}}, Tabs: tabs(q, p, ""), Public: e.Public,
		Command: "noroshi ledger prove " + e.Entry.ID}
	v.Clear.Rows = p.facts(e.Entry.Verb, e.Entry.Public)
	add := func(name, value string) {
		if value != "" {
			v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: p.T(name), Value: value})
		}
	}
	v.Object = objectHref(e.Entry.Object)
	v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: p.T("desk.web.e_verb"), Value: p.verb(e.Entry.Verb), Note: e.Entry.Verb})
	add("desk.web.e_at", p.Time(e.Entry.At))
	add("desk.web.e_object", e.Entry.Object)
	add("desk.web.e_who", e.Entry.Who)
	add("desk.web.e_org", e.Entry.Org)
	add("desk.web.e_grant", e.Entry.Grant)
	add("desk.web.e_purpose", e.Entry.Purpose)
	add("desk.web.e_outcome", p.T("desk.outcome."+e.Entry.Outcome))
	add("desk.web.e_reason", e.Entry.Reason)
	add("desk.web.e_digest", e.Entry.Digest)
	add("desk.web.e_id", e.Entry.ID)
	if e.Entry.Digest != "" && e.Entry.Org != "" && Access.May(q.Context(), "oversight.unseal") {
		v.Unseal = "/oversight/openings/new?entry=" + strconv.FormatUint(place, 10)
	}
	return render(q, "desk/entry", title, v, nil)
}
