package asset

import (
	"context"
	"slices"
	"strings"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
)

// maxLook bounds how many entries one page of a list looks at. A filter that
// only few of a very large register pass gives a short page, which says so.
const maxLook = 1_500

// maxProducts bounds the products that one search compares.
const maxProducts = 20_000

// List lists equipment page by page. A contractor sees what it operates for
// the customer that the filter names.
func (s *Service) List(ctx context.Context, f Filter) (out Found, err error) {
	err = s.read(ctx, "asset.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		w, err := s.within(ctx, tx, who, reach, f.Org)
		if isGone(err) && f.Org == "" { // a contractor without customers
			return nil
		}
		if err != nil {
			return err
		}
		c, err := s.Keys.For(ctx, tx, w.org)
		if isGone(err) { // nothing was ever entered
			return nil
		}
		if err != nil {
			return err
		}
		l := lister{s: s, ctx: ctx, tx: tx, whose: w, f: f, cipher: c, today: s.today(), limit: db.Limit(f.Limit), look: maxLook}
		if f.Text != "" {
			err = l.search()
		} else {
			err = l.browse()
		}
		if err != nil {
			return err
		}
		out, err = l.page()
		return err
	})
	return out, err
}

// lister gathers one page.
type lister struct {
	s      *Service
	ctx    context.Context
	tx     *db.Tx
	whose  whose
	f      Filter
	cipher *key.Cipher
	today  Date
	limit  int
	look   int // entries it still may look at

	ids  []ID
	last string // cursor behind the last entry looked at
	next string
	cut  bool
}

// span returns the part of the register that conditions on columns leave.
func (l *lister) span(o order) *span {
	sp := &span{whose: l.whose, order: o}
	if l.f.Maker != "" {
		sp.and("maker_key = ?", l.f.Maker)
		if l.f.Product != "" {
			sp.and("product_key = ?", l.f.Product)
		}
	}
	if l.f.Operated != "" && l.whose.operated == "" {
		sp.and("operated_by = ?", l.f.Operated)
	}
	switch l.f.Support {
	case SupportEnded:
		sp.and("support_ends > ?", "")
		sp.and("support_ends < ?", l.today.String())
	case SupportEnding:
		sp.and("support_ends >= ?", l.today.String())
		sp.and("support_ends <= ?", addDays(l.today, l.s.Rules.House().SupportSoonDays).String())
	case SupportUnknown:
		sp.and("support_ends = ?", "")
	case SupportFine:
		sp.and("support_ends > ?", addDays(l.today, l.s.Rules.House().SupportSoonDays).String())
	}
	return sp
}

// order is the order of the list: what was asked for, unless a condition is
// only quick in an order of its own.
func (l *lister) order() order {
	o := parseOrder(l.f.Sort)
	switch {
	case l.f.Maker != "":
		return order{orders["product"], o.down && slices.Equal(o.columns, orders["product"])}
	case l.f.Support != "":
		return order{orders["support"], o.down && slices.Equal(o.columns, orders["support"])}
	}
	return o
}

func (l *lister) browse() error {
	o := l.order()
	sp := l.span(o)
	var err error
	if sp.after, _, err = o.parse(l.f.Cursor); err != nil {
		return err
	}
	_, err = l.take(sp, func(c *glimpse) string { return db.Cursor(o.at(c)...) })
	return err
}

// take adds the entries of a span that pass, and reports whether the page is
// done: full with more behind it, or at its bound. at gives the cursor behind
// an entry.
func (l *lister) take(sp *span, at func(c *glimpse) string) (done bool, err error) {
	seen := 0
	want := l.look + 1
	if !l.filtered() { // every entry passes
		want = min(want, l.limit-len(l.ids)+1)
	}
	err = walk(l.ctx, l.tx, sp, want, func(c *glimpse) (bool, error) {
		if len(l.ids) == l.limit || seen == l.look {
			l.next, l.cut, done = l.last, len(l.ids) < l.limit, true
			return true, nil
		}
		seen++
		ok, err := l.passes(c)
		if err != nil {
			return true, err
		}
		if ok {
			l.ids = append(l.ids, c.id)
		}
		l.last = at(c)
		return false, nil
	})
	l.look -= seen
	return done, err
}

// filtered reports whether something has to be looked at in each entry.
func (l *lister) filtered() bool {
	return l.f.Kind != "" || l.f.Service != "" || l.sealed()
}

// sealed reports whether the hint of each entry has to be opened.
func (l *lister) sealed() bool { return l.f.Zone != "" || l.f.Gap != "" || l.f.Mark != "" }

// passes judges an entry by what is not a condition of the query.
func (l *lister) passes(c *glimpse) (bool, error) {
	if l.f.Kind != "" && c.item.Kind != l.f.Kind || l.f.Service != "" && c.item.Service != l.f.Service {
		return false, nil
	}
	if !l.sealed() {
		return true, nil
	}
	h, err := c.open(l.cipher)
	if err != nil {
		return false, err
	}
	if z := l.f.Zone; z != "" && !(z == NoZone && h.zone == "" || z == string(h.zone)) {
		return false, nil
	}
	if l.f.Mark != "" && markNames[l.s.Rules.Mark(&c.item, l.today)] != l.f.Mark {
		return false, nil
	}
	return l.f.Gap == "" || l.s.Rules.lacks(&c.item, l.f.Gap), nil
}

// search finds equipment by own id, then by words of maker and product, in the
// order of the products.
func (l *lister) search() error {
	var makerKey, productKey, id string
	again, err := db.ParseCursor(l.f.Cursor, &makerKey, &productKey, &id)
	if err != nil {
		return err
	}
	o := order{columns: orders["product"]}
	if l.last = l.f.Cursor; !again {
		l.last = db.Cursor("", "", "")
		if err := l.byKey(); err != nil {
			return err
		}
	}
	list, err := loadProducts(l.ctx, l.tx, l.whose.org, maxProducts)
	if err != nil {
		return err
	}
	own := slices.Clone(l.ids) // found by their id already
	match := wordsOf(l.f.Text)
	for _, p := range list {
		if again && (p.makerKey < makerKey || p.makerKey == makerKey && p.productKey < productKey) || !match(p) {
			continue
		}
		sp := l.span(o)
		sp.and("maker_key = ?", p.makerKey)
		sp.and("product_key = ?", p.productKey)
		if again && p.makerKey == makerKey && p.productKey == productKey {
			sp.after = []any{makerKey, productKey, id}
		}
		done, err := l.take(sp, func(c *glimpse) string { return db.Cursor(o.at(c)...) })
		if err != nil || done {
			l.once(len(own))
			return err
		}
	}
	l.once(len(own))
	return nil
}

// once drops what the first n already are.
func (l *lister) once(n int) {
	l.ids = append(l.ids[:n:n], slices.DeleteFunc(slices.Clone(l.ids[n:]), func(id ID) bool { return slices.Contains(l.ids[:n], id) })...)
}

// byKey finds equipment whose own id begins with the text, in the case typed,
// in capitals or in small letters.
func (l *lister) byKey() error {
	t := nfkc(strings.TrimSpace(l.f.Text))
	tries := []string{t, strings.ToUpper(t), strings.ToLower(t)}
	for i, try := range tries {
		if try == "" || slices.Contains(tries[:i], try) {
			continue
		}
		sp := l.span(order{columns: orders["key"]})
		sp.and("key >= ?", try)
		sp.and("key < ?", try+"\uffff")
		err := walk(l.ctx, l.tx, sp, l.limit, func(c *glimpse) (bool, error) {
			ok, err := l.passes(c)
			if ok && strings.HasPrefix(c.item.Key, try) && len(l.ids) < l.limit && !slices.Contains(l.ids, c.id) {
				l.ids = append(l.ids, c.id)
			}
			return false, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// wordsOf returns whether a product matches what somebody typed: every word is
// part of the maker's or the product's name in any spelling, or the name of a
// maker by an alias.
func wordsOf(s string) func(p ware) bool {
	type word struct{ plain, maker string }
	var words []word
	_, whole := Names().Maker(s)
	for _, w := range strings.Fields(nfkc(s)) {
		_, maker := Names().Maker(w)
		if plain := join(tokens(w)); plain != "" {
			words = append(words, word{plain, maker})
		}
	}
	return func(p ware) bool {
		if len(words) == 0 {
			return false
		}
		if whole != "" && p.makerKey == whole {
			return true
		}
		in := p.makerKey + " " + p.productKey + " " + join(tokens(p.makerName)) + " " + join(tokens(p.productName))
		return !slices.ContainsFunc(words, func(w word) bool { return !strings.Contains(in, w.plain) && w.maker != p.makerKey })
	}
}

// page loads what was found, in its order.
func (l *lister) page() (Found, error) {
	out := Found{Next: l.next, Cut: l.cut, Entries: make([]Entry, 0, len(l.ids))}
	if len(l.ids) == 0 {
		return out, nil
	}
	rows, err := loadItems(l.ctx, l.tx, l.whose, l.ids)
	if err != nil {
		return out, err
	}
	at := make(map[ID]int, len(rows))
	for i := range rows {
		if err := rows[i].open(l.cipher); err != nil {
			return out, err
		}
		at[rows[i].ID] = i
	}
	for _, id := range l.ids {
		e := rows[at[id]].Entry
		if l.whose.operated != "" {
			e = e.to(gate.Operated)
		}
		e.judge(l.s.Rules, l.today)
		out.Entries = append(out.Entries, e)
	}
	return out, nil
}
