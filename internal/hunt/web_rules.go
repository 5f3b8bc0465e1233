package hunt

import (
	"cmp"
	"io"
	"net/url"
	"slices"
	"strings"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/sigma"
)

func (c *console) pagesRules(r *httpd.Router) {
	r.Page("GET /hunt-rules", func(q *httpd.Request) error { return c.showBooks(q, nil) })
	r.Page("POST /hunt-rules", func(q *httpd.Request) error {
		b, err := c.AddRulebook(q.Context(), q.Form("name"), q.Form("about"))
		if onForm(err) {
			return c.showBooks(q, err)
		}
		if err != nil {
			return err
		}
		return q.Redirect("/hunt-rules/" + b.ID)
	})
	r.Page("GET /hunt-rules/starter", c.showStarter)
	r.Page("GET /hunt-rules/starter/rule", c.showRule)
	r.Page("GET /hunt-rules/{id}", func(q *httpd.Request) error { return c.showBook(q, nil) })
	r.Page("POST /hunt-rules/{id}", c.upload, httpd.MaxBody(MaxBook+1<<16))
	r.Page("POST /hunt-rules/{id}/retire", func(q *httpd.Request) error {
		err := c.Retire(q.Context(), q.Path("id"), q.Form("why"))
		if onForm(err) {
			return c.showBook(q, err)
		}
		if err != nil {
			return err
		}
		return q.Redirect("/hunt-rules/" + q.Path("id"))
	})
	r.Page("GET /hunt-rules/{id}/{edition}/zip", func(q *httpd.Request) error {
		content, err := c.Download(q.Context(), q.Path("id")+"/"+q.Path("edition"))
		if err != nil {
			return err
		}
		defer content.Close()
		return q.Download("rules-"+q.Path("edition")+".zip", "application/zip", content)
	})
}

type bookRow struct {
	Rulebook
	Title, Edition, Href string
	Retired              bool
}

type booksView struct {
	Head   page.Head
	Rows   []bookRow
	List   *page.List
	Fields []page.Field
}

func (c *console) showBooks(q *httpd.Request, bad error) error {
	p := q.Printer
	list, next, err := c.Rulebooks(q.Context(), q.Query("after"), 50)
	if err != nil {
		return err
	}
	v := booksView{Head: page.Head{H1: p.T("hunt.web.rules"), Lead: p.T("hunt.web.rules_lead"), Crumbs: []page.Crumb{{Text: p.T("hunt.web.hunts"), Href: "/hunts"}, {Text: p.T("hunt.web.rules")}}}}
	for _, b := range list {
		r := bookRow{Rulebook: b, Title: bookTitle(p, b), Href: "/hunt-rules/" + b.ID, Retired: !b.RetiredAt.IsZero(), Edition: p.T("hunt.web.no_edition")}
		r.About = text.Printable(b.About)
		if b.ID == Starter {
			r.About = p.T("hunt.web.starter_about")
		}
		if b.Last != nil {
			r.Edition = editionText(p, *b.Last)
		}
		v.Rows = append(v.Rows, r)
	}
	v.List = &page.List{Path: "/hunt-rules", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1}
	if may(q, "hunt.rules_add") {
		v.Fields = []page.Field{{Name: "name", Label: p.T("hunt.web.book_name"), Need: page.Required, Hint: p.T("hunt.web.book_name_hint")}, {Name: "about", Kind: "textarea", Label: p.T("hunt.web.book_about"), Need: page.Optional, Rows: 2, Limit: maxWords}}
	}
	return render(q, "books", "hunts", v.Head.H1, v, bad)
}

type editionRow struct {
	Edition
	Text, Who, Zip string
	Rejects        []string // a line each
	More           int
}

type bookView struct {
	Head     page.Head
	ID       string
	Retired  bool
	Editions []editionRow
	Fields   []page.Field
	Retire   bool
	Why      page.Field
}

func (c *console) showBook(q *httpd.Request, bad error) error {
	p := q.Printer
	b, editions, err := c.Rulebook(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	v := bookView{ID: b.ID, Retired: !b.RetiredAt.IsZero(), Head: page.Head{H1: bookTitle(p, b), Lead: text.Printable(b.About), Crumbs: []page.Crumb{{Text: p.T("hunt.web.hunts"), Href: "/hunts"}, {Text: p.T("hunt.web.rules"), Href: "/hunt-rules"}, {Text: bookTitle(p, b)}}}}
	var people []string
	for _, e := range editions {
		people = append(people, e.By)
	}
	names, err := c.Names(q.Context(), people...)
	if err != nil {
		return err
	}
	for _, e := range editions {
		r := editionRow{Edition: e, Text: editionText(p, e), Who: names[e.By], Zip: "/hunt-rules/" + e.Ref + "/zip", More: max(e.Rejected-len(e.Why), 0)}
		r.Note = printableLines(e.Note)
		for _, w := range e.Why {
			r.Rejects = append(r.Rejects, rejectedText(p, w))
		}
		v.Editions = append(v.Editions, r)
	}
	if !v.Retired && may(q, "hunt.rules_upload") {
		v.Fields = []page.Field{{Name: "zip", Kind: "file", Label: p.T("hunt.web.zip"), Need: page.Required, Hint: p.T("hunt.web.zip_hint", "mb", MaxBook>>20), Accept: ".zip"}, {Name: "note", Kind: "textarea", Label: p.T("hunt.web.note"), Need: page.Optional, Rows: 2, Limit: maxWords}}
		v.Retire = may(q, "hunt.rules_retire")
		v.Why = page.Field{Name: "why", Kind: "textarea", Label: p.T("hunt.web.retire_why"), Need: page.Optional, Rows: 2}
	}
	return render(q, "book", "hunts", v.Head.H1, v, bad)
}

// rejectedText says where and why a rule was not taken.
func rejectedText(p text.Printer, w Rejected) string {
	why := w.Reason
	if key := "hunt.rule." + strings.ReplaceAll(w.Code, "-", "_"); p.Has(key) {
		pairs := []any{}
		for i, a := range w.Args {
			pairs = append(pairs, string(rune('a'+i)), text.Printable(a))
		}
		why = p.T(key, pairs...)
	}
	return p.T("hunt.web.rejected_line", "file", text.Printable(w.File), "line", w.Line, "why", text.Printable(why))
}

func (c *console) upload(q *httpd.Request) error {
	if err := c.May(q.Context(), "hunt.rules_upload"); err != nil {
		return err
	}
	var bad problems
	f := q.File("zip")
	if f == nil || f.Size == 0 {
		bad.add("zip", "hunt.bad.empty")
		return c.showBook(q, bad.fault())
	}
	raw, err := io.ReadAll(io.LimitReader(f.Reader(), MaxBook+1))
	if err != nil {
		return err
	}
	_, err = c.Upload(q.Context(), q.Path("id"), raw, q.Form("note"))
	if onForm(err) {
		return c.showBook(q, err)
	}
	if err != nil {
		return err
	}
	return q.Redirect("/hunt-rules/" + q.Path("id"))
}

type ruleRow struct {
	Ref, Title, About, Level, Tag, Theme, Href string
	Attack                                     []string
}

type starterView struct {
	Head   page.Head
	Rows   []ruleRow
	List   *page.List
	Themes []sideItem
	Attack []sideItem
	Total  int
}

// themeOf is the platform and theme of one of the program's own rules, which its
// file is named by.
func themeOf(r *sigma.Rule) string {
	name := strings.TrimPrefix(r.File, Starter+"!")
	return name[:max(strings.LastIndexByte(name, '/'), 0)]
}

// themeText says a theme in words.
func themeText(p text.Printer, theme string) string {
	var parts []string
	for part := range strings.SplitSeq(theme, "/") {
		if key := "hunt.web.theme." + part; p.Has(key) {
			part = p.T(key)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, p.T("hunt.web.theme_of"))
}

func (c *console) showStarter(q *httpd.Request) error {
	p := q.Printer
	if err := c.May(q.Context(), "hunt.rules_read"); err != nil {
		return err
	}
	shelf, err := c.shelf()
	if err != nil {
		return err
	}
	v := starterView{Head: page.Head{H1: p.T("hunt.web.starter"), Lead: p.T("hunt.web.starter_lead"), Crumbs: []page.Crumb{{Text: p.T("hunt.web.hunts"), Href: "/hunts"}, {Text: p.T("hunt.web.rules"), Href: "/hunt-rules"}, {Text: p.T("hunt.web.starter")}},
		Acts: []page.Act{{Text: p.T("hunt.web.download"), Href: "/hunt-rules/" + c.starterRef() + "/zip", Icon: "down"}}}}
	theme, technique := q.Query("theme"), q.Query("technique")
	v.List = &page.List{Path: "/hunt-rules/starter", Query: q.Queries()}
	themes, attack := map[string]int{}, map[string]int{}
	for _, r := range shelf.rules {
		in, about := themeOf(r), Techniques(r)
		fitsTheme, fitsTechnique := theme == "" || in == theme, technique == "" || slices.Contains(about, technique)
		if fitsTechnique {
			themes[in]++
		}
		if fitsTheme {
			for _, t := range about {
				attack[t]++
			}
		}
		if fitsTheme && fitsTechnique {
			v.Rows = append(v.Rows, ruleRow{Ref: r.Ref(), Title: ruleTitle(p, r), About: cut(ruleAbout(p, r), 220), Level: levelWord(p, r.Level.String()), Tag: levelTag[r.Level.String()], Theme: themeText(p, in), Attack: about,
				Href: address("/hunt-rules/starter/rule", url.Values{"id": {r.Ref()}})})
		}
	}
	v.Total = len(shelf.rules)
	v.Themes, v.Attack = v.items(themes, "theme", theme, func(s string) string { return themeText(p, s) }), v.items(attack, "technique", technique, func(s string) string { return s })
	if theme != "" {
		v.List.Filters = append(v.List.Filters, page.Filter{Name: "theme", Value: theme, Label: themeText(p, text.Printable(theme)), Count: -1})
	}
	if technique != "" {
		v.List.Filters = append(v.List.Filters, page.Filter{Name: "technique", Value: technique, Label: text.Printable(technique), Count: -1})
	}
	return render(q, "starter", "hunts", v.Head.H1, v, nil)
}

func (v *starterView) items(counts map[string]int, name, on string, say func(string) string) (out []sideItem) {
	for value, n := range counts {
		out = append(out, sideItem{Text: say(value), Href: v.List.With(name, value), Count: n, On: value == on})
	}
	slices.SortFunc(out, func(a, b sideItem) int { return cmp.Compare(a.Text, b.Text) })
	return out
}

type ruleView struct {
	Head           page.Head
	Level, Tag     string
	About          string
	Facts          page.Facts
	Attack         []page.Crumb
	Next, Harmless []string
	Source         string
}

func (c *console) showRule(q *httpd.Request) error {
	p := q.Printer
	if err := c.May(q.Context(), "hunt.rules_read"); err != nil {
		return err
	}
	shelf, err := c.shelf()
	if err != nil {
		return err
	}
	r := shelf.byRef[q.Query("id")]
	if r == nil {
		return ErrNone
	}
	v := ruleView{Level: levelWord(p, r.Level.String()), Tag: levelTag[r.Level.String()], About: printableLines(ruleAbout(p, r)), Next: nextText(p, r), Harmless: r.FalsePositives,
		Attack: techniqueLinks("/hunt-rules/starter", nil, Techniques(r))}
	if p.Lang == text.JA && len(r.FalsePositivesJA) > 0 {
		v.Harmless = r.FalsePositivesJA
	}
	v.Head = page.Head{H1: ruleTitle(p, r), Crumbs: []page.Crumb{{Text: p.T("hunt.web.rules"), Href: "/hunt-rules"}, {Text: p.T("hunt.web.starter"), Href: "/hunt-rules/starter"}, {Text: ruleTitle(p, r)}}}
	add := adder(&v.Facts)
	add(p.T("hunt.web.theme"), themeText(p, themeOf(r)))
	var log []string
	for _, x := range []string{r.Logsource.Product, r.Logsource.Category, r.Logsource.Service} {
		if x != "" {
			log = append(log, x)
		}
	}
	add(p.T("hunt.web.logsource"), strings.Join(log, " / "))
	add(p.T("hunt.web.rule_id"), r.Ref())
	add(p.T("hunt.web.rule_date"), r.Date)
	raw, err := starterText(c.Starter, r.File)
	if err != nil {
		return err
	}
	v.Source = printableLines(raw)
	return render(q, "rule", "hunts", v.Head.H1, v, nil)
}
