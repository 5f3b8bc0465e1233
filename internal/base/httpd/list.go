package httpd

import (
	"context"
	"net/url"
	"strconv"
)

// Paging is embedded in the input of an operation that lists: where to go on
// and how many.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"6000" doc:"Value of next in the answer before; empty is the first page"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many at most"`
}

// List is the output of an operation that lists.
type List[T any] struct {
	Link string `header:"Link" doc:"RFC 8288: rel=next while there is more"`
	Body Page[T]
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T    `json:"items" nullable:"false" doc:"In the order of the list; never null"`
	Next  string `json:"next,omitempty" doc:"Cursor of the next page; absent on the last"`
}

// ListOf returns a page of a list as an operation's output. Next is the
// cursor of the next page, "" on the last. The Link header repeats the
// request's own filters.
func ListOf[T any](ctx context.Context, items []T, next string) *List[T] {
	if items == nil {
		items = []T{}
	}
	out := &List[T]{Body: Page[T]{items, next}}
	if next == "" {
		return out
	}
	u, err := url.Parse(visitOf(ctx).url)
	if err != nil {
		return out
	}
	q := u.Query()
	q.Set("cursor", next)
	u.RawQuery = q.Encode()
	out.Link = "<" + u.String() + `>; rel="next"`
	return out
}

// Match is embedded in the input of an operation that changes something: the
// version the client saw.
type Match struct {
	IfMatch string `header:"If-Match" maxLength:"500" doc:"ETag of the version this change is based on"`
}

// Check compares the version the client saw with the one there is: ErrNoMatch
// (428) when it names none, ErrMatch (412) when it is another (RFC 9110,
// 13.1.1; RFC 6585, 3).
func (m Match) Check(etag string) error {
	switch {
	case m.IfMatch == "":
		return ErrNoMatch
	case !etagMatch(m.IfMatch, etag):
		return ErrMatch
	}
	return nil
}

// Version returns the number in an If-Match made by ETag(int), so that a
// service can put it into its UPDATE: ErrNoMatch when there is none,
// ErrMatch when it is no number of ours.
func (m Match) Version() (int, error) {
	if m.IfMatch == "" {
		return 0, ErrNoMatch
	}
	s, err := strconv.Unquote(m.IfMatch)
	if err != nil {
		return 0, ErrMatch.Because(err)
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, ErrMatch.Because(err)
	}
	return n, nil
}
