package exposure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"noroshi/internal/asset"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/intel"
	"noroshi/internal/org"
)

// Published items and registers are held against each other from both sides. A
// new item asks every register by keyed tags, one operator's key at a time, and
// opens only what the tags find; a small register is opened as a whole. A new or changed entry is opened anyway, and is
// looked up among the decrypted indicators of all published items, which are
// kept in memory until an item is published or taken back. Both take the
// operator's turn first, so that neither misses the other.

// Bounds of that.
const (
	maxItems      = 20_000 // published items that are looked at
	maxItemTags   = 50_000 // tags that are made in one transaction
	maxEntryValue = 100    // values kept of one entry and one item
	maxAsked      = 100    // hosts that are asked for at once of all operators
)

// itemsLooked keeps what of published items can be in a register.
type itemsLooked struct {
	mu   sync.Mutex
	mark [2]int64
	is   *looked
	of   map[string]*intel.Item // without their words
}

// lookedItems returns the indicators of all published items as they stand in
// the transaction.
func (s *Service) lookedItems(ctx context.Context, tx *db.Tx) (*looked, map[string]*intel.Item, error) {
	mark, err := s.Intel.ItemsMark(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	c := &s.items
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.is != nil && c.mark == mark {
		return c.is, c.of, nil
	}
	var all []*intel.Item
	of := map[string]*intel.Item{}
	err = s.Intel.Published(ctx, tx, maxItems, func(it *intel.Item) error {
		small := &intel.Item{ID: it.ID, Org: it.Org, State: it.State, TLP: it.TLP, Clearance: it.Clearance, ValidUntil: it.ValidUntil}
		for _, x := range it.Indicators {
			if _, ok := ParseIndicator(x.Host()); ok {
				small.Indicators = append(small.Indicators, intel.Indicator{Type: x.Type, Value: x.Value})
			}
		}
		all, of[it.ID] = append(all, small), small
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("indicators of published items: %w", err)
	}
	is := lookedOf(all)
	c.is, c.of, c.mark = is, of, mark
	return is, of, nil
}

// touching holds one operator's entries against the published items while they
// are taken over.
type touching struct {
	s     *Service
	org   string
	is    *looked
	of    map[string]*intel.Item
	was   map[string][]string // items by entry
	moved map[string]bool     // items of which the number of entries may be another
}

func (s *Service) touching(ctx context.Context, tx *db.Tx, operator string) (*touching, error) {
	if err := lockTouches(ctx, tx, operator); err != nil {
		return nil, err
	}
	t := &touching{s: s, org: operator, moved: map[string]bool{}}
	var err error
	if t.is, t.of, err = s.lookedItems(ctx, tx); err != nil {
		return nil, err
	}
	t.was, err = loadTouches(ctx, tx, operator)
	return t, err
}

// entry holds an entry as it now stands against the items; one that is gone has
// nothing.
func (t *touching) entry(ctx context.Context, tx *db.Tx, c *key.Cipher, id string, addresses, domains []string) error {
	found := t.is.find(addresses, domains)
	for _, item := range t.was[id] {
		if _, still := found[item]; !still {
			if err := dropTouch(ctx, tx, item, t.org, id); err != nil {
				return err
			}
			t.moved[item] = true
		}
	}
	for item, values := range found {
		if err := keepTouch(ctx, tx, c, item, t.org, id, values); err != nil {
			return err
		}
		t.moved[item] = true
	}
	return nil
}

func touchName(item, entry string) string { return "exposure/touch/" + item + "/" + entry }

func keepTouch(ctx context.Context, tx *db.Tx, c *key.Cipher, item, org, entry string, values []string) error {
	raw, err := json.Marshal(values[:min(len(values), maxEntryValue)])
	if err != nil {
		return err
	}
	return putTouch(ctx, tx, item, org, entry, c.Seal(raw, touchName(item, entry)))
}

// done counts anew what moved.
func (t *touching) done(ctx context.Context, tx *db.Tx) error {
	for item := range t.moved {
		it := t.of[item]
		if it == nil { // taken back meanwhile; its event comes
			it = &intel.Item{ID: item}
		} else {
			whole, err := t.s.Intel.ItemFor(ctx, tx, item)
			if err != nil {
				return err
			}
			it = &whole
		}
		if err := t.s.sum(ctx, tx, it, t.org); err != nil {
			return err
		}
	}
	return nil
}

// sum writes how much of an operator's register an item touches, and whether it
// may know the item; it says so when it is news.
func (s *Service) sum(ctx context.Context, tx *db.Tx, it *intel.Item, operator string) error {
	o, err := s.Orgs.Load(ctx, tx, org.ID(operator))
	if err != nil {
		return fmt.Errorf("touched by %s: %w", it.ID, err)
	}
	kinds := make([]string, len(o.Kinds))
	for i, k := range o.Kinds {
		kinds[i] = string(k)
	}
	known := it.Knows(operator, kinds)
	n, was, err := sumTouches(ctx, tx, it.ID, operator, itemMarks{known, it.Clearance, it.ValidUntil}, s.now())
	if err != nil || n == 0 || was > 0 {
		return err
	}
	return publishTouched(ctx, tx, Touching{operator, it.ID, n, known && it.Clearance == 0})
}

// takeItem holds an item against the registers after one: as many as a
// transaction may make tags for; an event goes on with the rest. One that is no
// longer published is forgotten.
func (s *Service) takeItem(ctx context.Context, tx *db.Tx, id, after string) error {
	it, err := s.Intel.ItemFor(ctx, tx, id)
	if errors.Is(err, intel.ErrNoItem) {
		return dropItem(ctx, tx, id)
	}
	if err != nil {
		return err
	}
	if after == "" || it.State != intel.ItemPublished {
		if err := dropItem(ctx, tx, id); err != nil {
			return err
		}
	}
	is := lookedOf([]*intel.Item{&it})
	if it.State != intel.ItemPublished || len(is.refs) == 0 {
		return nil
	}
	asks := sync.OnceValue(is.asks)
	most := max(1, maxItemTags/is.most())
	orgs, err := placedAfter(ctx, tx, after, most)
	if err != nil {
		return err
	}
	for _, o := range orgs {
		if err := s.touch(ctx, tx, &it, is, asks, o); err != nil {
			return err
		}
	}
	if len(orgs) < most {
		return nil
	}
	return publishItemDue(ctx, tx, id, orgs[len(orgs)-1])
}

// touch holds one item against one operator's register.
func (s *Service) touch(ctx context.Context, tx *db.Tx, it *intel.Item, is *looked, asks func() []string, operator string) error {
	if err := lockTouches(ctx, tx, operator); err != nil {
		return err
	}
	c, err := s.Keys.For(ctx, tx, operator)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	// A register that is small beside the item is opened as a whole: a tag costs
	// about a fifth of opening an entry.
	few := is.most() / 5
	ids, err := placedEntries(ctx, tx, operator, few+1)
	if err != nil {
		return err
	}
	if len(ids) > few {
		if ids, err = tagged(ctx, tx, c, operator, asks()); err != nil {
			return err
		}
	}
	slices.Sort(ids)
	type hit struct {
		entry  string
		values []string
	}
	var list []hit
	err = s.Assets.Matchable(ctx, tx, operator, slices.Compact(ids), func(e *asset.Entry) error {
		if values := is.find(e.Sealed.Addresses, e.Sealed.Domains)[it.ID]; len(values) > 0 {
			list = append(list, hit{string(e.ID), values})
		}
		return nil
	})
	if err != nil || len(list) == 0 {
		return err
	}
	for _, h := range list {
		if err := keepTouch(ctx, tx, c, it.ID, operator, h.entry, h.values); err != nil {
			return err
		}
	}
	return s.sum(ctx, tx, it, operator)
}

// tagged returns the entries of an operator's register that have one of the
// tags asked for.
func tagged(ctx context.Context, tx *db.Tx, c *key.Cipher, operator string, asks []string) (ids []asset.ID, err error) {
	tags := make([]string, len(asks))
	for i, a := range asks {
		tags[i] = c.Tag("exposure/place", a)
	}
	found, err := findPlaces(ctx, tx, tags, maxTouched)
	for _, f := range found {
		if f.org == operator {
			ids = append(ids, asset.ID(f.item))
		}
	}
	return ids, err
}

// Appearance is an item of intelligence that names something registered. To an
// operator it says which of its entries, by which indicators; to the office how
// many operators and entries, and whose nowhere.
type Appearance struct {
	Item      string       `json:"item"`
	Title     string       `json:"title"`
	TLP       string       `json:"tlp"`
	Clearance int          `json:"clearance"`
	Operators int          `json:"operators,omitempty"` // only to the office
	Entries   int          `json:"entries"`
	Hits      []EntryTouch `json:"hits,omitempty"` // only to the operator itself, at most MaxItems
	FoundAt   time.Time    `json:"found_at,omitzero"`
	Grade     string       `json:"grade"`
}

// EntryTouch is one entry of a register with the indicators that touch it.
type EntryTouch struct {
	Entry  string   `json:"entry"`
	Name   string   `json:"name,omitempty"`
	Values []string `json:"values"` // as on the wire; defang them for print
}

// Appears lists the published items that name something registered: to an
// operator those that it may know and that touch its own register, to the
// office all that it may know and that touch anybody's, as counts. The newest
// item first.
func (s *Service) Appears(ctx context.Context, cursor string, limit int) (out []Appearance, next string, err error) {
	var before string
	if _, err := db.ParseCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	limit = db.Limit(limit)
	office := false
	err = s.read(ctx, "exposure.appear", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if office = reach == gate.All; office {
			return nil
		}
		list, err := listTouched(ctx, tx, who.Org, who.Clearance, s.now(), before, limit+1)
		if err != nil {
			return err
		}
		list, next = db.Page(list, limit, func(last *touched) string { return db.Cursor(last.item) })
		for _, t := range list {
			a, err := s.appearance(ctx, tx, t, who)
			if err != nil {
				return err
			}
			out = append(out, a)
		}
		return nil
	})
	if err == nil && office {
		return s.officeAppears(ctx, cursor, limit)
	}
	return out, next, err
}

// appearance puts an item that the store found within the reader's reach beside
// the entries it touches.
func (s *Service) appearance(ctx context.Context, tx *db.Tx, t touched, who gate.Identity) (Appearance, error) {
	it, err := s.Intel.ItemFor(ctx, tx, t.item)
	if err != nil {
		return Appearance{}, err
	}
	a := Appearance{Item: t.item, Title: it.In(string(langOf(who))).Title, TLP: string(it.TLP), Clearance: it.Clearance, Grade: it.Grade.String(), Entries: t.entries, FoundAt: t.found}
	c, err := s.Keys.For(ctx, tx, who.Org)
	if err != nil {
		return a, err
	}
	var ids []asset.ID
	err = hits(ctx, tx, t.item, who.Org, MaxItems, func(entry string, sealed []byte) error {
		raw, err := c.Open(sealed, touchName(t.item, entry))
		if err != nil {
			return fmt.Errorf("touch of %s: %w", entry, err)
		}
		e := EntryTouch{Entry: entry}
		if err := json.Unmarshal(raw, &e.Values); err != nil {
			return fmt.Errorf("touch of %s: %w", entry, err)
		}
		a.Hits, ids = append(a.Hits, e), append(ids, asset.ID(entry))
		return nil
	})
	if err != nil {
		return a, err
	}
	return a, s.Assets.Matchable(ctx, tx, who.Org, ids, func(e *asset.Entry) error {
		for i := range a.Hits {
			if a.Hits[i].Entry == string(e.ID) {
				a.Hits[i].Name = strings.TrimSpace(e.Maker + " " + e.Product)
			}
		}
		return nil
	})
}

// officeAppears lists the published items that the reader may know, as intel
// gives them, with how much of all registers each touches. Those that touch
// nothing are listed too: a page is what intel says a page is.
func (s *Service) officeAppears(ctx context.Context, cursor string, limit int) (out []Appearance, next string, err error) {
	list, next, err := s.Intel.Items(ctx, intel.ItemFilter{State: intel.ItemPublished, Cursor: cursor, Limit: limit})
	if err != nil {
		return nil, "", err
	}
	err = s.read(ctx, "exposure.appear", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		ids := make([]string, len(list))
		for i := range list {
			ids[i] = list[i].ID
		}
		n, err := countTouched(ctx, tx, ids)
		for i := range list {
			it := &list[i]
			out = append(out, Appearance{Item: it.ID, Title: it.In(string(langOf(who))).Title, TLP: string(it.TLP), Clearance: it.Clearance, Grade: it.Grade.String(), Operators: n[it.ID][0], Entries: n[it.ID][1]})
		}
		return err
	})
	return out, next, err
}

// Registered tells which of some addresses, networks and domains are registered
// by an operator, or with an empty one by any, for intel.Config.Registered. Of
// all operators at most 100 are asked for; the rest is said not to be.
func (s *Service) Registered(ctx context.Context, tx *db.Tx, hosts []string, operator string) (map[string]bool, error) {
	var orgs []string
	if operator != "" {
		orgs = []string{operator}
	} else {
		hosts = hosts[:min(len(hosts), maxAsked)]
	}
	byValue := map[string][]string{}
	var list []Indicator
	for _, h := range hosts {
		if i, ok := ParseIndicator(h); ok {
			list, byValue[i.Value] = append(list, i), append(byValue[i.Value], h)
		}
	}
	out := map[string]bool{}
	if len(list) == 0 {
		return out, nil
	}
	got, err := s.TouchedBy(ctx, tx, list, orgs)
	for _, t := range got {
		for _, h := range byValue[t.Indicator] {
			out[h] = true
		}
	}
	return out, err
}
