package page

import (
	"html/template"
	"net/url"
	"slices"
)

// List is the state of a list page: which columns, sort, filters and cursor.
// All of it lives in the address, so that a view can be shared and saved.
type List struct {
	Path    string     // address without parameters
	Query   url.Values // parameters of this page
	Columns []Column
	Filters []Filter
	Views   []View // saved views; their names are the reader's own words
	SaveTo  string // address the save-view form posts to; empty draws none
	Next    string // cursor of the next page; empty on the last
	Prev    string // cursor of the page before; empty draws "first page" when Query has a cursor
	Size    int    // rows on a page, for "next 50"
	From    int    // number of the first row shown, where counting is allowed
	Shown   int    // rows on this page
	Total   int    // of all rows; negative where counting is not allowed
}

// Column is one column of a list.
type Column struct {
	Title string
	Num   bool   // numbers stand at the right
	Sort  string // name in the sort parameter; empty cannot be sorted by
	Tick  bool   // the column of tick boxes: its title is for screen readers
}

// Filter is one filter link. It is on when the query has its value.
type Filter struct {
	Name  string // parameter
	Value string // empty: the link that takes the filter off
	Label string
	Count int // matching rows; negative draws none
}

// filters draws a list's filters, with the reader's saved views of it.
func (d *drawer) filters(l *List) (template.HTML, error) {
	with := *l
	if with.SaveTo == "" {
		with.Views, with.SaveTo = append(with.Views, d.shell.Views...), d.shell.SaveView
	}
	return d.html("page/filters", &with)
}

// View is a saved view.
type View struct{ Name, Query string }

// With returns the address with one parameter set, or removed when value is
// empty; the cursor is dropped, because it belongs to the old view.
func (l *List) With(name, value string) string {
	q := url.Values{}
	for k, v := range l.Query {
		if k != "after" && k != "before" {
			q[k] = slices.Clone(v)
		}
	}
	if value == "" {
		q.Del(name)
	} else {
		q.Set(name, value)
	}
	return l.address(q)
}

func (l *List) address(q url.Values) string {
	if len(q) == 0 {
		return l.Path
	}
	return l.Path + "?" + q.Encode()
}

// On reports whether a filter is the chosen one.
func (l *List) On(f Filter) bool { return l.Query.Get(f.Name) == f.Value }

// FilterLink returns where a filter leads: on when it is off, off when on.
func (l *List) FilterLink(f Filter) string {
	if l.On(f) {
		return l.With(f.Name, "")
	}
	return l.With(f.Name, f.Value)
}

// Sorted returns the aria-sort of a column: ascending, descending or empty.
// The sort parameter is a column's name, with "-" in front for descending.
func (l *List) Sorted(c Column) string {
	switch {
	case c.Sort == "":
	case l.Query.Get("sort") == c.Sort:
		return "ascending"
	case l.Query.Get("sort") == "-"+c.Sort:
		return "descending"
	}
	return ""
}

// SortLink returns where a click on a column leads.
func (l *List) SortLink(c Column) string {
	if l.Sorted(c) == "ascending" {
		return l.With("sort", "-"+c.Sort)
	}
	return l.With("sort", c.Sort)
}

// NextLink returns the address of the next page, empty on the last.
func (l *List) NextLink() string { return l.cursor("after", l.Next) }

// PrevLink returns the address of the page before, empty on the first.
func (l *List) PrevLink() string { return l.cursor("before", l.Prev) }

// FirstLink returns the address of the first page when this is another.
func (l *List) FirstLink() string {
	if l.Query.Get("after") == "" && l.Query.Get("before") == "" {
		return ""
	}
	return l.With("after", "")
}

func (l *List) cursor(name, value string) string {
	if value == "" {
		return ""
	}
	q := url.Values{}
	for k, v := range l.Query {
		if k != "after" && k != "before" {
			q[k] = v
		}
	}
	q.Set(name, value)
	return l.address(q)
}

// To returns the number of the last row shown.
func (l *List) To() int { return l.From + l.Shown - 1 }

// Current returns the query as the value of a hidden field.
func (l *List) Current() string { return l.Query.Encode() }

// Bulk is the bar of acts on ticked rows. Its buttons belong to the form that
// holds the table: <form method="post" id="…"> with {{csrf}} and tick boxes.
// Without script the bar is always there.
type Bulk struct {
	Form string // id of the form
	Acts []BulkAct
	Said string // what the last act did
	Undo string // address that undoes it; empty draws none
}

// BulkAct is one button of a bulk bar.
type BulkAct struct{ Text, Name, Value string }
