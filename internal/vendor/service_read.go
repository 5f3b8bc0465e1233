package vendor

import (
	"context"
	"maps"
	"slices"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

// maxMessages is how many messages of a conversation a view shows, the last
// ones.
const maxMessages = 100

// List lists requests within reach by deadline: what one coordinates, or what
// was asked of one's own organisation; to a ministry those of its sectors.
func (s *Service) List(ctx context.Context, f Filter) (out []Row, names map[string]string, next string, err error) {
	err = s.read(ctx, "vendor.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if reach == gate.Sector {
			f.Maker = "" // whom somebody asked is content
		}
		if out, next, err = listRequests(ctx, tx, f, "", who, reach, s.now()); err != nil {
			return err
		}
		names, err = s.rows(ctx, tx, out, who, reach)
		return err
	})
	return out, names, next, err
}

// rows opens the cases of rows and counts their products.
func (s *Service) rows(ctx context.Context, tx *db.Tx, list []Row, who gate.Identity, reach gate.Reach) (map[string]string, error) {
	ids := make([]ID, len(list))
	for i := range list {
		ids[i] = list[i].Request.ID
	}
	counts, err := countProducts(ctx, tx, ids...)
	if err != nil {
		return nil, err
	}
	opened := map[ID]Case{}
	orgs := map[string]bool{}
	for i := range list {
		x := &list[i]
		c, ok := opened[x.Case.ID]
		if !ok {
			c = x.Case
			if err := s.show(ctx, tx, &c, reach); err != nil {
				return nil, err
			}
			c.veil(who, reach)
			opened[c.ID] = c
		}
		x.Case = c
		if x.Counts = counts[x.Request.ID]; c.Closed {
			x.Counts, x.Request.Org, x.Request.Notice = nil, "", ""
		}
		if reach == gate.Addressed { // that there is a notice says that somebody is exposed
			x.Request.Notice = ""
		}
		orgs[x.Request.Org], orgs[c.Org] = true, true
	}
	return s.Orgs.NamesFor(ctx, tx, who, slices.Collect(maps.Keys(orgs))...)
}

// Cases lists cases within reach, the newest first, with how many requests
// stand where.
func (s *Service) Cases(ctx context.Context, f Filter) (out []CaseRow, next string, err error) {
	err = s.read(ctx, "vendor.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		list, more, err := listCases(ctx, tx, f, who, reach, s.now())
		if err != nil {
			return err
		}
		next = more
		ids := make([]ID, len(list))
		for i := range list {
			ids[i] = list[i].ID
		}
		states, err := countStates(ctx, tx, who, reach, ids...)
		if err != nil {
			return err
		}
		for _, c := range list {
			if err := s.show(ctx, tx, &c, reach); err != nil {
				return err
			}
			c.veil(who, reach)
			out = append(out, CaseRow{c, states[c.ID]})
		}
		return nil
	})
	return out, next, err
}

// Case returns a case within reach with its requests: to a maker its own alone,
// to a ministry, while an embargo runs, only how many stand where.
func (s *Service) Case(ctx context.Context, id ID) (v CaseView, err error) {
	err = s.read(ctx, "vendor.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if v.Case, err = loadCase(ctx, tx, id, who, reach, false); err != nil {
			return err
		}
		if err := s.show(ctx, tx, &v.Case, reach); err != nil {
			return err
		}
		if reach == gate.Own {
			if v.Case.Sectors, err = loadSectors(ctx, tx, id); err != nil {
				return err
			}
		}
		states, err := countStates(ctx, tx, who, reach, id)
		if err != nil {
			return err
		}
		v.States = states[id]
		if v.Case.Closed {
			v.Names, err = s.Orgs.NamesFor(ctx, tx, who, v.Case.Org)
			return err
		}
		if v.Requests, _, err = listRequests(ctx, tx, Filter{Done: true, Limit: db.MaxLimit}, id, who, reach, s.now()); err != nil {
			return err
		}
		if v.Names, err = s.rows(ctx, tx, v.Requests, who, reach); err != nil {
			return err
		}
		v.Case.veil(who, reach)
		starter, err := s.Orgs.NamesFor(ctx, tx, who, v.Case.Org, v.Case.Starter)
		maps.Copy(v.Names, starter)
		return err
	})
	return v, err
}

// Open returns a request within reach. product, when not empty, is the product
// whose conversation to show in place of the request's. A ministry sees neither
// conversations nor documents, and nothing at all while an embargo runs.
func (s *Service) Open(ctx context.Context, request, product ID) (v RequestView, err error) {
	err = s.read(ctx, "vendor.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if v.Request, v.Case, err = loadRequest(ctx, tx, request, who, reach); err != nil {
			return err
		}
		if reach == gate.Sector && v.Case.Embargo.Runs(s.now()) {
			return ErrNone
		}
		if v.Products, err = s.products(ctx, tx, v.Case, request); err != nil {
			return err
		}
		if err := s.show(ctx, tx, &v.Case, reach); err != nil {
			return err
		}
		v.Mine, v.Counts = v.Request.Org == who.Org, Counts{}
		if reach == gate.Addressed {
			v.Request.Notice = ""
		}
		for _, p := range v.Products {
			v.Counts[p.Status]++
		}
		v.Case.veil(who, reach)
		if reach != gate.Sector {
			if err := s.inside(ctx, tx, &v, product); err != nil {
				return err
			}
		}
		orgs := []string{v.Case.Org, v.Request.Org}
		v.Names, err = s.Orgs.NamesFor(ctx, tx, who, orgs...)
		return err
	})
	return v, err
}

// inside adds what only the two sides of a request see.
func (s *Service) inside(ctx context.Context, tx *db.Tx, v *RequestView, product ID) error {
	object, err := s.conversation(ctx, tx, v.Request, product)
	if err != nil {
		return err
	}
	if v.Messages, err = s.Threads.Of(ctx, tx, v.Case.Org, object, v.Request.Org); err != nil {
		return err
	}
	v.Messages = v.Messages[max(0, len(v.Messages)-maxMessages):]
	objects := make([]string, len(v.Products))
	for i, p := range v.Products {
		objects[i] = productObject(p.ID)
	}
	open, err := s.Threads.Open(ctx, tx, v.Request.Org, objects...)
	if err != nil {
		return err
	}
	for i := range v.Products {
		v.Products[i].Open = open[productObject(v.Products[i].ID)]
	}
	if v.Documents, err = loadDocuments(ctx, tx, v.Request.ID); err != nil {
		return err
	}
	if v.Past, err = loadSteps(ctx, tx, v.Request.ID); err != nil || len(v.Past) == 0 {
		return err
	}
	k, err := s.Keys.For(ctx, tx, v.Case.Org)
	if err != nil {
		return err
	}
	for i := range v.Past {
		p := &v.Past[i]
		note, err := k.Open(p.sealed, "vendor_step/"+p.id)
		if err != nil {
			return err
		}
		p.Note, p.sealed = string(note), nil
	}
	return nil
}

// Makers lists the makers on this hub by id and name, for whoever opens cases.
func (s *Service) Makers(ctx context.Context) (names map[string]string, err error) {
	err = s.read(ctx, "vendor.change", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		list, err := s.Orgs.Bodies(ctx, tx, "maker")
		if err != nil {
			return err
		}
		ids := make([]string, len(list))
		for i, o := range list {
			ids[i] = string(o.ID)
		}
		names, err = s.Orgs.NamesFor(ctx, tx, who, ids...)
		return err
	})
	return names, err
}

// Products lists a maker's own products over all its requests, planned fixes by
// their day first.
func (s *Service) Products(ctx context.Context, f Filter) (out []ProductRow, next string, err error) {
	err = s.read(ctx, "vendor.export", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if out, next, err = listProducts(ctx, tx, f, who, reach); err != nil {
			return err
		}
		for i := range out {
			x := &out[i]
			if err := s.show(ctx, tx, &x.Case, reach); err != nil {
				return err
			}
			if x.Case.Starter != who.Org {
				x.Case.Starter = ""
			}
			x.Request.Notice = "" // that there is one says that somebody is exposed
			k, err := s.Keys.For(ctx, tx, x.Case.Org)
			if err != nil {
				return err
			}
			if err := x.Product.open(k); err != nil {
				return err
			}
		}
		return nil
	})
	return out, next, err
}
