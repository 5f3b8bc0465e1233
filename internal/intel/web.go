package intel

import (
	"embed"
	"net/url"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/version"
	"noroshi/internal/intel/feed"
)

// Web are the pages of this noun.
//
//go:embed web
var Web embed.FS

// Pages registers the pages of feeds and vulnerabilities.
func Pages(r *httpd.Router, s *Service) {
	pagesItem(r, s)
	r.Page("GET /feeds", func(q *httpd.Request) error { return showFeeds(q, s, nil) })
	r.Page("GET /feeds/{id}", func(q *httpd.Request) error { return showFeed(q, s) })
	r.Page("POST /feeds", func(q *httpd.Request) error {
		f := q.File("file")
		if f == nil {
			return showFeeds(q, s, fault.New(fault.Invalid, "intel.web.no_file").At(fault.Place{At: "file", Code: "intel.web.no_file"}))
		}
		got, err := s.Receive(q.Context(), Request{Feed: q.Form("feed"), Whole: q.Form("whole") == "1"}, f.Name, f.Reader(), maxForm)
		if err != nil {
			switch fault.KindOf(err) {
			case fault.Invalid, fault.Usage, fault.Conflict, fault.TooLarge:
				return showFeeds(q, s, err)
			}
			return err
		}
		return q.Redirect("/feeds/" + url.PathEscape(got.Feed))
	}, httpd.MaxBody(maxForm+1<<20))
	r.Page("GET /vulnerabilities", func(q *httpd.Request) error { return showList(q, s) })
	r.Page("GET /vulnerabilities/{id}", func(q *httpd.Request) error { return showOne(q, s) })
}

// maxForm bounds a feed's file that is sent by a form; larger ones go by the
// command line.
const maxForm = 64 << 20

// feedView is a feed's health in words.
type feedView struct {
	Health
	Tag, Say, Why, Hint, KindSay string
	Wrong                        []wrong
}

// wrong is what is wrong with a document of a publisher, in words.
type wrong struct{ URL, Say string }

func viewOf(p text.Printer, h Health) feedView {
	v := feedView{Health: h, Say: p.T("intel.state." + string(h.State)), KindSay: p.T("intel.web.unknown")}
	v.Tag = map[State]string{Failing: "act", Stale: "attend", Never: "plain", Fresh: "good"}[h.State]
	if h.Kind != "" {
		v.KindSay = p.T("intel.kind." + string(h.Kind))
	}
	if h.Failed != nil {
		m := p.Fault(h.Failed.fault())
		v.Why, v.Hint = m.Title, m.Hint
	}
	for _, i := range h.Issues {
		v.Wrong = append(v.Wrong, wrong{i.URL, p.Fault((&Failure{Code: i.Code, Args: i.Args}).fault()).Title})
	}
	if h.Refused > 0 && v.Why == "" {
		v.Why = p.T("intel.web.refused", "n", h.Refused)
	}
	return v
}

type feedsView struct {
	Head        page.Head
	Rows        []feedView
	Empty       *page.Empty
	Bad, Good   int
	Records     int64
	May         bool
	File, Whole page.Field
}

func showFeeds(q *httpd.Request, s *Service, bad error) error {
	p := q.Printer
	feeds, err := s.Feeds(q.Context())
	if err != nil {
		return err
	}
	v := feedsView{Head: page.Head{H1: p.T("intel.web.feeds"), Lead: p.T("intel.web.feeds_lead")}, May: Access.May(q.Context(), "intel.import"),
		File:  page.Field{Name: "file", Kind: "file", Label: p.T("intel.web.file"), Need: page.Required, Hint: p.T("intel.web.file_hint")},
		Whole: page.Field{Name: "whole", Kind: "check", Label: p.T("intel.web.whole"), Value: "1", Hint: p.T("intel.web.whole_hint")}}
	for _, h := range feeds {
		v.Rows = append(v.Rows, viewOf(p, h))
		v.Records += h.Records
		if h.State == Failing || h.State == Stale {
			v.Bad++
		} else {
			v.Good++
		}
	}
	if len(v.Rows) == 0 {
		v.Empty = &page.Empty{Title: p.T("intel.web.no_feeds"), Say: p.T("intel.web.no_feeds_say")}
	}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density = "feeds", page.Desk
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render("intel/feeds", shell, v)
}

type oneFeedView struct {
	Head    page.Head
	Feed    feedView
	Facts   page.Facts
	Imports []Past
	List    *page.List
}

func showFeed(q *httpd.Request, s *Service) error {
	p := q.Printer
	feeds, err := s.Feeds(q.Context())
	if err != nil {
		return err
	}
	for _, h := range feeds {
		if h.ID != q.Path("id") {
			continue
		}
		imports, next, err := s.Imports(q.Context(), h.ID, q.Query("after"), 50)
		if err != nil {
			return err
		}
		v := oneFeedView{Feed: viewOf(p, h), Imports: imports, Head: page.Head{H1: h.ID, Crumbs: []page.Crumb{{Text: p.T("intel.web.feeds"), Href: "/feeds"}, {Text: h.ID}}},
			List: &page.List{Path: "/feeds/" + url.PathEscape(h.ID), Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(imports), Total: -1, Columns: []page.Column{
				{Title: p.T("intel.web.at")}, {Title: p.T("intel.web.in_file"), Num: true}, {Title: p.T("intel.web.added"), Num: true}, {Title: p.T("intel.web.changed"), Num: true}, {Title: p.T("intel.web.removed"), Num: true}, {Title: p.T("intel.web.sum")}}}}
		fact := func(key, value string) {
			if value != "" {
				v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: p.T(key), Value: value})
			}
		}
		fact("intel.web.kind", v.Feed.KindSay)
		fact("intel.web.where", h.Where)
		if h.Every > 0 {
			fact("intel.web.every", p.Duration(h.Every))
		}
		fact("intel.web.records", p.Number(h.Records))
		fact("intel.web.licence", h.Licence)
		fact("intel.web.newest", sayTime(p, h.NewestAt))
		fact("intel.web.tried", sayTime(p, h.TriedAt))
		fact("intel.web.done", sayTime(p, h.DoneAt))
		fact("intel.web.next", sayTime(p, h.NextAt))
		shell := q.Shell(v.Head.H1)
		shell.Key, shell.Density = "feeds", page.Desk
		return q.Render("intel/feed", shell, v)
	}
	return ErrNoFeed
}

func sayTime(p text.Printer, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return p.Time(t)
}

type listRow struct {
	Brief
	Title, Score, Likelihood, From string
}

type listView struct {
	Head   page.Head
	Search string
	Kind   string
	Rows   []listRow
	List   *page.List
	Empty  *page.Empty
}

func showList(q *httpd.Request, s *Service) error {
	p := q.Printer
	found, next, err := s.Find(q.Context(), Search{Text: q.Query("q"), Kind: feed.Kind(q.Query("kind")), Cursor: q.Query("after"), Limit: 50})
	if err != nil {
		return err
	}
	v := listView{Head: page.Head{H1: p.T("intel.web.vulnerabilities"), Lead: p.T("intel.web.vulnerabilities_lead")}, Search: q.Query("q"), Kind: q.Query("kind")}
	if len(found) == 0 && len(q.Queries()) == 0 {
		v.Empty = &page.Empty{Title: p.T("intel.web.no_vulnerabilities"), Say: p.T("intel.web.no_feeds_say")}
	}
	for i := range found {
		b := brief(&found[i])
		r := listRow{Brief: b, Title: found[i].In(string(q.Lang)), From: strings.ToUpper(strings.Join(b.Sources, "、"))}
		if sev := found[i].Severity; sev != nil {
			r.Score = p.T("intel.web.cvss", "score", sayNumber(sev.Score.Score))
		}
		if l := found[i].Likelihood; l != nil {
			r.Likelihood = sayLikelihood(l)
		}
		v.Rows = append(v.Rows, r)
	}
	v.List = &page.List{Path: "/vulnerabilities", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(found), Total: -1,
		Filters: []page.Filter{{Name: "kind", Value: "kev", Label: p.T("intel.web.exploited"), Count: -1}},
		Columns: []page.Column{{Title: p.T("intel.web.id")}, {Title: p.T("intel.web.what")}, {Title: p.T("intel.web.exploited")}, {Title: p.T("intel.web.score"), Num: true}, {Title: p.T("intel.web.likelihood"), Num: true}, {Title: p.T("intel.web.sources")}}}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density = "vulnerabilities", page.Desk
	return q.Render("intel/list", shell, v)
}

// account is what one source says, in words.
type account struct {
	By, Ref, Href, Title, Say, Score, Remedy, Licence, Feed string
	At                                                      time.Time
	Withdrawn                                               bool
}

// said is what one source states of one product, in words.
type said struct {
	Product, Versions, Fixed, Status, By, Detail string
	Platform                                     bool
}

type oneView struct {
	Head     page.Head
	V        Vulnerability
	Facts    page.Facts
	Accounts []account
	Products []said
	More     int // statements beyond those shown
}

// maxShown bounds the product lines of a page.
const maxShown = 300

func showOne(q *httpd.Request, s *Service) error {
	p := q.Printer
	got, statements, err := s.Show(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	if got.ID != q.Path("id") { // by another of its names
		return q.Redirect("/vulnerabilities/" + url.PathEscape(got.ID))
	}
	v := oneView{V: got, Head: page.Head{H1: got.ID, Lead: got.In(string(q.Lang)), Crumbs: []page.Crumb{{Text: p.T("intel.web.vulnerabilities"), Href: "/vulnerabilities"}, {Text: got.ID}}}}
	fact := func(key, value string, by *Said) {
		f := page.Fact{Name: p.T(key), Value: value}
		if by != nil {
			f.Note = sayBy(p, *by)
			if !by.At.IsZero() {
				f.Note += " · " + p.Date(by.At)
			}
		}
		v.Facts.Rows = append(v.Facts.Rows, f)
	}
	if e := got.Exploited; e != nil {
		say := p.T("intel.web.exploited_since", "at", p.Date(e.Added))
		if e.Ransomware {
			say += "\n" + p.T("intel.web.ransomware")
		}
		fact("intel.web.exploited", say, &e.Said)
	} else {
		fact("intel.web.exploited", p.T("intel.web.exploited_no"), nil)
	}
	if sc := got.Severity; sc != nil {
		fact("intel.web.score", sayScore(sc), &sc.Said)
	}
	if l := got.Likelihood; l != nil {
		fact("intel.web.likelihood", p.T("intel.web.likelihood_say", "percent", sayLikelihood(l)), &l.Said)
	}
	if d := got.Decision; d != nil {
		fact("intel.web.decision", sayDecision(p, d), &d.Said)
	}
	if len(got.Weaknesses) > 0 {
		fact("intel.web.weakness", strings.Join(got.Weaknesses, "、"), nil)
	}
	fact("intel.web.published", sayTime(p, got.Published), nil)
	for i := range got.Accounts {
		v.Accounts = append(v.Accounts, accountOf(p, &got.Accounts[i]))
	}
	for i := range statements {
		v.Products = appendLines(p, v.Products, &statements[i], &statements[i].Root)
	}
	if len(v.Products) > maxShown {
		v.More, v.Products = len(v.Products)-maxShown, v.Products[:maxShown]
	}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density = "vulnerabilities", page.Desk
	return q.Render("intel/vulnerability", shell, v)
}

func accountOf(p text.Printer, a *Account) account {
	r := &a.Record
	v := account{By: sayBy(p, a.Said), Ref: a.Ref, Title: r.Title, Licence: a.Licence, Feed: a.Feed, At: a.At, Withdrawn: r.Withdrawn, Remedy: strings.Join(r.Remedies, "\n")}
	if u, err := url.Parse(a.Ref); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
		v.Href = a.Ref
	}
	v.Say = r.Description[string(p.Lang)]
	for _, l := range []string{"en", "ja"} {
		if v.Say == "" {
			v.Say = r.Description[l]
		}
	}
	if len(r.Scores) > 0 {
		v.Score = sayScore(&Scored{Score: r.Scores[0]})
	}
	if v.Say == "" && r.Exploited != nil {
		v.Say = r.Exploited.Action
	}
	return v
}

// appendLines puts the lines of a node and of those below it into words.
func appendLines(p text.Printer, out []said, st *product.Statement, n *product.Node) []said {
	for i := range n.Lines {
		l := &n.Lines[i]
		w := said{Product: sayProduct(l), Platform: l.Platform, Fixed: l.Fixed, Detail: l.Detail, Status: p.T("intel.status." + statusName(l.Status)), By: p.T("intel.kind." + kindOfSource(st.Source))}
		if st.By != "" {
			w.By += " · " + st.By
		}
		var ranges []string
		for _, r := range l.Ranges {
			ranges = append(ranges, sayRange(p, r))
		}
		switch {
		case len(ranges)+len(l.Versions) > 0:
			w.Versions = strings.Join(append(ranges, l.Versions...), "、")
		case l.Name.Version.Set():
			w.Versions = strings.TrimSpace(l.Name.Version.Text() + " " + l.Name.Update.Text())
		case l.Name.Version == cpe.NA:
			w.Versions = p.T("intel.web.no_version")
		default:
			w.Versions = p.T("intel.web.all_versions")
		}
		out = append(out, w)
	}
	for i := range n.Children {
		out = appendLines(p, out, st, &n.Children[i])
	}
	return out
}

func sayProduct(l *product.Line) string {
	switch {
	case l.Name != (cpe.Name{}):
		return strings.TrimSpace(l.Name.Vendor.Text() + " " + l.Name.Product.Text())
	case l.Package != "":
		return l.Package
	}
	return l.Text
}

// sayRange puts a range into words: 7.0 以上 7.4.3 未満.
func sayRange(p text.Printer, r version.Range) string {
	var parts []string
	if r.From != "" && r.From != "0" && r.From != "*" {
		if r.FromExcluded {
			parts = append(parts, p.T("intel.range.after", "version", r.From))
		} else {
			parts = append(parts, p.T("intel.range.from", "version", r.From))
		}
	}
	if r.To != "" && r.To != "*" {
		if r.ToIncluded {
			parts = append(parts, p.T("intel.range.to", "version", r.To))
		} else {
			parts = append(parts, p.T("intel.range.before", "version", r.To))
		}
	}
	if len(parts) == 0 {
		return p.T("intel.web.all_versions")
	}
	return strings.Join(parts, " ")
}

func statusName(s product.Status) string {
	switch s {
	case product.Affected:
		return "affected"
	case product.NotAffected:
		return "not_affected"
	case product.Fixed:
		return "fixed"
	case product.Investigating:
		return "investigating"
	}
	return "unknown"
}

// kindOfSource is the kind of feed that a statement's source is called by.
func kindOfSource(source string) string {
	if source == "cve" {
		return string(feed.CVE5)
	}
	if rank(feed.Kind(source)) == len(Precedence) {
		return "other"
	}
	return source
}
