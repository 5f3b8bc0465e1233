package desk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/oversight"
)

type reportLine struct {
	Label, Shown string
	Cases        []string
}

type reportPart struct {
	Title, Note string
	Lines       []reportLine
}

type reportView struct {
	Head     page.Head
	Tabs     []tab
	Year     int
	Earlier  string
	Later    string
	Versions []tab
	Files    []page.Act
	Say      string
	Clean    bool

	Unfinished string // that the year is not over; empty where it is
	Parts      []reportPart
}

func pagesReport(r *httpd.Router, s *Service) {
	r.Page("GET /oversight/report", func(q *httpd.Request) error { return showReport(q, s) })
	r.Page("GET /oversight/report/{file}", func(q *httpd.Request) error { return giveReport(q, s) })
}

// asked1 reads which report somebody means; this year's for the inspector by
// default.
func asked1(q *httpd.Request) (year int, v oversight.Version) {
	year, v = q.Int("year", q.Now().In(text.JST).Year()), oversight.Version(q.Query("version"))
	if year < 2025 || year > 9999 {
		year = q.Now().In(text.JST).Year()
	}
	if !slices.Contains(oversight.Versions, v) {
		if v = oversight.ForInspector; !Access.May(q.Context(), "oversight.trace") {
			v = oversight.ForDiet
		}
	}
	return year, v
}

// showReport is the yearly report as it stands, with its files.
func showReport(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	year, version := asked1(q)
	out, err := s.Report(q.Context(), year, version, q.Printer)
	if err != nil {
		return err
	}
	at := func(year int, v oversight.Version) string {
		return fmt.Sprintf("/oversight/report?year=%d&version=%s", year, v)
	}
	v := reportView{Head: page.Head{H1: p.T("desk.report.title", "year", strconv.Itoa(year)), Lead: p.T("desk.report.lead")}, Tabs: tabs(q, p, "report"), Year: year, Clean: out.Clean,
		Say: p.T("oversight.report." + string(version)), Unfinished: out.Unfinished(q.Printer)}
	if year > 2025 {
		v.Earlier = at(year-1, version)
	}
	if year < q.Now().In(text.JST).Year() {
		v.Later = at(year+1, version)
	}
	for _, x := range oversight.Versions {
		if x == oversight.ForInspector && !Access.May(q.Context(), "oversight.trace") {
			continue
		}
		v.Versions = append(v.Versions, tab{p.T("oversight.report.mark_" + string(x)), at(year, x), x == version})
	}
	for _, ext := range []string{"html", "xlsx", "json"} {
		v.Files = append(v.Files, page.Act{Text: p.T("desk.report." + ext), Href: fmt.Sprintf("/oversight/report/%s-%d.%s", version, year, ext), Icon: "down", Kind: "small"})
	}
	for _, x := range out.Parts {
		part := reportPart{Title: x.Title, Note: x.Note}
		for _, l := range x.Lines {
			part.Lines = append(part.Lines, reportLine{l.Label, l.Shown, l.Cases})
		}
		v.Parts = append(v.Parts, part)
	}
	return render(q, "desk/report", v.Head.H1, v, nil)
}

// giveReport is the report as a file: version-year.html, .xlsx or .json.
func giveReport(q *httpd.Request, s *Service) error {
	if err := s.may(q.Context(), "oversight.report"); err != nil {
		return err
	}
	var version, ext string
	var year int
	for _, v := range oversight.Versions {
		for _, e := range []string{"html", "xlsx", "json"} {
			var y int
			if n, err := fmt.Sscanf(q.Path("file"), string(v)+"-%d."+e, &y); n == 1 && err == nil && fmt.Sprintf("%s-%d.%s", v, y, e) == q.Path("file") {
				version, ext, year = string(v), e, y
			}
		}
	}
	if ext == "" || year < 2025 || year > 9999 {
		return ErrNone
	}
	out, err := s.Report(q.Context(), year, oversight.Version(version), q.Printer)
	if err != nil {
		return err
	}
	var raw []byte
	kind := "application/json"
	switch ext {
	case "html":
		raw, err = out.HTML(q.Printer)
		kind = "text/html; charset=utf-8"
	case "xlsx":
		raw, err = out.XLSX(q.Printer)
		kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	default:
		raw, err = json.MarshalIndent(out, "", "  ")
	}
	if err != nil {
		return err
	}
	return q.Download(q.Path("file"), kind, bytes.NewReader(raw))
}
