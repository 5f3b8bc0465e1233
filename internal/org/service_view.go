package org

import (
	"context"
	"net/url"
	"strings"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// View is a list as somebody likes to see it: its filters under a name of
// their own words.
type View struct {
	ID    string `json:"id"`
	Path  string `json:"path"`  // of the list
	Name  string `json:"name"`  // at most 40 characters
	Query string `json:"query"` // its filters, without a place in the pages
}

// Bounds of saved views: of one person, and of one query in bytes.
const (
	maxViews = 50
	maxQuery = 1000
)

// ErrViews is returned when a person has as many views as one can keep.
var ErrViews = fault.New(fault.Invalid, "org.view.many")

// Views lists the saved views of who acts, of one page or of all.
func (s *Service) Views(ctx context.Context, path string) (out []View, err error) {
	who, ok := gate.From(ctx)
	if !ok || who.Session == "" {
		return nil, nil
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = loadViews(ctx, tx, PersonID(who.Person), path)
		return err
	})
	return out, err
}

// SaveView saves the view of who acts; the same name on the same page is
// replaced. What a list shows is decided each time it is opened, so a saved
// view opens nothing.
func (s *Service) SaveView(ctx context.Context, v View) (View, error) {
	err := s.do(ctx, &ledger.Act{Verb: "me.change"}, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		var bad problems
		v.ID, v.Name = newID(), bad.text("name", v.Name, true, 40)
		q, err := url.ParseQuery(v.Query)
		if err != nil || len(v.Query) > maxQuery || !strings.HasPrefix(v.Path, "/") || strings.HasPrefix(v.Path, "//") || len(v.Path) > 100 {
			bad.add("name", "org.view.bad")
		}
		if err := bad.fault("org.view.invalid"); err != nil {
			return err
		}
		for _, place := range []string{"after", "before", "cursor", "lang"} {
			q.Del(place)
		}
		v.Query = q.Encode()
		have, err := loadViews(ctx, tx, PersonID(who.Person), "")
		if err != nil {
			return err
		}
		if len(have) >= maxViews {
			return fault.New(fault.Invalid, ErrViews.Code, "max", maxViews)
		}
		return putView(ctx, tx, PersonID(who.Person), v)
	})
	return v, err
}

// DropView deletes a saved view of who acts.
func (s *Service) DropView(ctx context.Context, id string) error {
	return s.do(ctx, &ledger.Act{Verb: "me.change"}, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		n, err := deleteView(ctx, tx, PersonID(who.Person), id)
		if err == nil && n == 0 {
			return fault.New(fault.NotFound, "org.view.none")
		}
		return err
	})
}
