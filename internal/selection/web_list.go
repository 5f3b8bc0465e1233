package selection

import (
	"cmp"
	"io"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/engine/selector"
)

func pagesList(r *httpd.Router, s *Service) {
	r.Page("GET /selector-lists", func(q *httpd.Request) error { return showLists(q, s) })
	r.Page("GET /selector-lists/new", func(q *httpd.Request) error { return showNewList(q, s, nil) })
	r.Page("POST /selector-lists", func(q *httpd.Request) error {
		if err := s.admit(q.Context(), "selection.list_make"); err != nil {
			return err
		}
		n := NewList{Name: q.Form("name"), Act: q.Form("act"), Source: q.Form("source"), Before: q.Form("before"), Items: linesOf(q.Form("items"))}
		if f := q.File("file"); f != nil {
			raw, err := io.ReadAll(io.LimitReader(f.Reader(), MaxListFile+1))
			if err != nil {
				return err
			}
			n.File, n.Data = f.Name, raw
		}
		l, err := s.MakeList(q.Context(), n)
		if formFault(err) || isKind(err, fault.NotFound) {
			return showNewList(q, s, err)
		}
		if err != nil {
			return err
		}
		return q.Redirect("/selector-lists/" + l.ID)
	}, httpd.MaxBody(MaxListFile+1<<16))
	r.Page("GET /selector-lists/{id}", func(q *httpd.Request) error { return showListOne(q, s, nil) })
	r.Page("POST /selector-lists/{id}/second", func(q *httpd.Request) error {
		l, err := s.List(q.Context(), q.Path("id"))
		if err != nil {
			return err
		}
		var decided []Override
		for i, o := range l.Overrides {
			o.Take, o.Reason = q.Form(overrideField(i)) == "take", q.Form(overrideField(i)+"_reason")
			if q.Form(overrideField(i)) != "" {
				decided = append(decided, o)
			}
		}
		_, err = s.Second(q.Context(), l.ID, decided, q.Form("drop") == "1")
		if formFault(err) {
			return showListOne(q, s, err)
		}
		if err != nil {
			return err
		}
		return q.Redirect("/selector-lists/" + l.ID)
	})
}

func overrideField(i int) string { return "o" + strconv.Itoa(i) }

type listRow struct {
	ID, Name, State, Tag, SHA string
	Version, Selectors        int
	At                        time.Time
	Waits                     bool
}

type listsView struct {
	Head  page.Head
	List  *page.List
	Rows  []listRow
	Empty *page.Empty
}

var listTag = map[ListState]string{ListWaiting: "attend", ListReady: "good", ListDropped: "plain"}

func showLists(q *httpd.Request, s *Service) error {
	p := voice{q.Printer}
	list, next, err := s.Lists(q.Context(), q.Query("waiting") == "1", q.Query("after"), 50)
	if err != nil {
		return err
	}
	v := listsView{Head: page.Head{H1: p.T("selection.list.web.title"), Lead: p.T("selection.list.web.lead")}}
	if open(q, "selection.list_make") {
		v.Head.Acts = []page.Act{{Text: p.T("selection.list.web.new"), Href: "/selector-lists/new", Icon: "list", Kind: "primary"}}
	}
	for _, l := range list {
		name := l.Name
		if name == "" {
			name = p.T("selection.list.web.unnamed")
		}
		v.Rows = append(v.Rows, listRow{ID: l.ID, Name: name, State: p.T("selection.list.state_of." + string(l.State)), Tag: listTag[l.State], SHA: l.SHA256, Version: l.Version, Selectors: l.Selectors, At: l.At,
			Waits: l.State == ListWaiting && !l.Mine && open(q, "selection.list_second")})
	}
	if len(list) == 0 {
		v.Empty = &page.Empty{Title: p.T("selection.list.web.none"), Say: p.T("selection.list.web.none_say")}
	}
	v.List = &page.List{Path: "/selector-lists", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1, Columns: []page.Column{{Title: p.T("selection.list.web.list")}, {Title: p.T("selection.list.web.state")}, {Title: p.T("selection.list.web.n"), Num: true}, {Title: p.T("selection.list.web.hash")}}}
	if open(q, "selection.list_second") {
		v.List.Filters = []page.Filter{{Name: "waiting", Value: "1", Label: p.T("selection.list.web.waiting"), Count: -1}}
	}
	return render(q, "selection/lists", "selectors", v.Head.H1, v, nil)
}

type newListView struct {
	Head   page.Head
	Before string
	Fields []page.Field
}

func showNewList(q *httpd.Request, s *Service, bad error) error {
	if err := s.admit(q.Context(), "selection.list_make"); err != nil {
		return err
	}
	p := voice{q.Printer}
	before := q.Query("before")
	if before == "" {
		before = q.Form("before")
	}
	v := newListView{Before: before, Head: page.Head{H1: p.T("selection.list.web.new"), Lead: p.T("selection.list.web.new_lead"), Crumbs: []page.Crumb{{Text: p.T("selection.list.web.title"), Href: "/selector-lists"}, {Text: p.T("selection.list.web.new")}}}}
	v.Fields = []page.Field{{Name: "name", Label: p.T("selection.list.web.name"), Need: page.Required, Width: "wide"},
		{Name: "file", Kind: "file", Label: p.T("selection.list.web.file"), Hint: p.T("selection.list.web.file_hint"), Need: page.Optional},
		{Name: "items", Kind: "textarea", Label: p.T("selection.list.web.items"), Hint: p.T("selection.list.web.items_hint"), Need: page.Optional, Rows: 3, Value: q.Query("item")},
		{Name: "act", Label: p.T("selection.list.web.act"), Hint: p.T("selection.list.web.act_hint"), Need: page.Optional},
		{Name: "source", Label: p.T("selection.list.web.source"), Need: page.Optional}}
	return render(q, "selection/newlist", "selectors", v.Head.H1, v, bad)
}

type overrideLine struct {
	Kind, Value, List string
	Decided           string // by whom, and why; empty while it waits
	Field             *page.Field
}

type conditionLine struct {
	Ref, Kind, Value, Source, Act, Until string
}

type listOneView struct {
	Head       page.Head
	ID         string
	State, Tag string
	Facts      page.Facts
	Say        string
	Overrides  []overrideLine
	Second     bool
	Next       string
	Open       string
	Conditions []conditionLine
	Total      int
	More       string
}

func showListOne(q *httpd.Request, s *Service, bad error) error {
	p := voice{q.Printer}
	l, err := s.List(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	name := l.Name
	if name == "" {
		name = p.T("selection.list.web.unnamed")
	}
	v := listOneView{ID: l.ID, State: p.T("selection.list.state_of." + string(l.State)), Tag: listTag[l.State]}
	v.Head = page.Head{H1: p.T("selection.list.web.h1", "name", name, "version", l.Version), Crumbs: []page.Crumb{{Text: p.T("selection.list.web.title"), Href: "/selector-lists"}, {Text: name}}}
	kinds := make([]string, 0, len(l.Kinds))
	for _, k := range selector.Kinds() {
		if n := l.Kinds[k.String()]; n > 0 {
			kinds = append(kinds, p.T("selection.list.web.kind_n", "kind", p.T("selection.list.kind."+k.String()), "n", n))
		}
	}
	v.Facts = page.Facts{Rows: []page.Fact{{Name: p.T("selection.list.web.n"), Value: p.Number(int64(l.Selectors))}, {Name: p.T("selection.list.web.kinds"), Value: strings.Join(kinds, p.T("selection.hub.web.comma"))},
		{Name: p.T("selection.list.web.warned"), Value: p.Number(int64(l.Warned))}, {Name: p.T("selection.list.web.at"), Value: p.Time(l.At)}}}
	if l.SHA256 != "" {
		v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: p.T("selection.list.web.hash"), Value: l.SHA256, Note: p.T("selection.list.web.hash_note")})
	}
	v.Second = l.State == ListWaiting && !l.Mine && open(q, "selection.list_second")
	if l.State == ListWaiting {
		v.Say = p.T("selection.list.web.wait_say")
		if l.Mine {
			v.Say = p.T("selection.list.web.wait_mine")
		}
	}
	for i, o := range l.Overrides {
		line := overrideLine{Kind: p.T("selection.list.kind." + o.Kind), Value: o.Value, List: o.List}
		if key := "selector.bad.warned." + o.List; p.Has(key) {
			line.List = p.T(key, "list", o.List, "value", o.Value)
		}
		switch {
		case l.State != ListReady:
		case o.Take:
			line.Decided = p.T("selection.list.web.decided_take", "who", cmp.Or(l.Decider, p.T("selection.list.web.second")), "reason", o.Reason)
		default:
			line.Decided = p.T("selection.list.web.decided_leave", "who", cmp.Or(l.Decider, p.T("selection.list.web.second")))
		}
		if v.Second {
			line.Field = &page.Field{Name: overrideField(i), Kind: "choice", Label: o.Value, Need: page.Required, Options: []page.Option{
				{Value: "take", Label: p.T("selection.list.web.take"), Reveal: []page.Field{{Name: overrideField(i) + "_reason", Kind: "textarea", Rows: 2, Label: p.T("selection.list.web.why"), Need: page.Required}}},
				{Value: "leave", Label: p.T("selection.list.web.leave")}}}
		}
		v.Overrides = append(v.Overrides, line)
	}
	if l.State == ListReady && open(q, "selection.list_make") {
		v.Next = "/selector-lists/new?before=" + l.ID
	}
	if l.State == ListReady && open(q, "selection.list_open") {
		v.Open = "/selector-lists/" + l.ID + "?open=1"
		if q.Query("open") == "1" {
			if err := v.conditions(q, s, p); err != nil {
				return err
			}
		}
	}
	return render(q, "selection/listone", "selectors", v.Head.H1, v, bad)
}

// conditions opens a page of a list's selectors; it is recorded.
func (v *listOneView) conditions(q *httpd.Request, s *Service, p voice) error {
	from := max(q.Int("from", 0), 0)
	list, total, err := s.Conditions(q.Context(), v.ID, from, 100)
	if err != nil {
		return err
	}
	v.Open, v.Total = "", total
	for _, x := range list {
		line := conditionLine{Ref: x.Ref, Kind: p.T("selection.list.kind." + x.Kind.String()), Value: x.Value, Source: x.Source, Act: x.Act}
		if x.Expires != 0 {
			line.Until = p.Date(time.Unix(0, x.Expires))
		}
		v.Conditions = append(v.Conditions, line)
	}
	if from+len(list) < total {
		v.More = "/selector-lists/" + v.ID + "?open=1&from=" + strconv.Itoa(from+len(list))
	}
	return nil
}
