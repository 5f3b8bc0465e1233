package incident

import (
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/page"
)

func (w *web) record() {
	w.page("GET /readings", (*screen).readings)
}

// readingRows of a page of the record.
const readingPage = 50

type readingRow struct {
	Reading
	Number  string // of the case; empty when it is not theirs to know
	Href    string
	Purpose string
	Basis   string
	What    string
	Hidden  time.Time // shown to the reporter from then; the commission's list only
}

type readingsView struct {
	Head   page.Head
	List   *page.List
	Rows   []readingRow
	Record bool // the commission's: nothing is left out, and no content
	Empty  page.Empty
}

// readings is who read what: to an operator of its own reports, to the
// commission of all.
func (v *screen) readings() error {
	q := v.Queries()
	q.Del("lang")
	rows, next, err := v.readingRows(q.Get("case"), q.Get("after"), readingPage)
	if err != nil {
		return err
	}
	record := Access.Reach(v.Who, "incident.readings") == gate.Record
	d := readingsView{Head: page.Head{H1: v.T("incident.web.readings"), Lead: v.T("incident.web.readings.lead")}, Rows: rows, Record: record,
		Empty: page.Empty{Title: v.T("incident.web.readings.none"), Say: v.T("incident.web.readings.none.say")}}
	if record {
		d.Head.Lead = v.T("incident.web.readings.record")
	}
	if n := len(rows); q.Get("case") != "" && n > 0 {
		d.Head.Crumbs = []page.Crumb{{Text: v.T("incident.web.readings"), Href: "/readings"}, {Text: rows[0].Number}}
	}
	d.List = &page.List{Path: "/readings", Query: q, Next: next, Size: readingPage, From: 1, Shown: len(rows), Total: -1,
		Columns: []page.Column{{Title: v.T("incident.web.col.at")}, {Title: v.T("incident.web.col.body")}, {Title: v.T("incident.web.purpose")}, {Title: v.T("incident.web.col.what")},
			{Title: v.T("incident.web.col.number")}, {Title: v.T("incident.web.col.entry")}}}
	if record {
		d.List.Columns = append(d.List.Columns, page.Column{Title: v.T("incident.web.col.hidden")})
	}
	shell := v.Shell(d.Head.H1)
	shell.Key, shell.Density, shell.Live = "readings", page.Desk, "/live/incident"
	return v.Render("incident/readings", shell, d)
}

func (v *screen) readingRows(id ID, cursor string, limit int) (out []readingRow, next string, err error) {
	list, next, err := v.s.Readings(v.Context(), id, cursor, limit)
	if err != nil {
		return nil, "", err
	}
	ids := make([]ID, len(list))
	for i, r := range list {
		ids[i] = r.Case
	}
	numbers, err := v.s.Numbers(v.Context(), ids...)
	if err != nil {
		return nil, "", err
	}
	own := Access.Reach(v.Who, "incident.readings") == gate.Own
	for _, r := range list {
		row := readingRow{Reading: r, Number: numbers[r.Case], What: v.T("incident.web.read." + r.What), Hidden: r.HiddenUntil}
		for _, p := range Rules().Purposes {
			if p.ID == r.Purpose {
				row.Purpose, row.Basis = v.both(p.Name), v.both(p.Basis)
			}
		}
		if own {
			row.Href = "/reports/" + r.Case
		}
		out = append(out, row)
	}
	return out, next, nil
}
