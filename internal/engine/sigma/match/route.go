package match

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/sigma"
)

// Bounds of what is remembered about kinds of rows; hostile logs have no end of
// kinds. Rows beyond are matched right, but slowly and counted in Report.Beyond.
const (
	maxKinds    = 1 << 12
	maxPlans    = 1 << 10 // indexes
	maxKindText = 1 << 10 // bytes of channel, provider and number
)

// kind is what routing depends on: rows of one kind are for the same rules.
type kind struct {
	log                        event.Log
	channel, provider, eventID string
	several                    bool // one of the three is there more than once: each is a list
}

// between stands between values of a list, and maxRoutes is for how many
// combinations of values routes are asked.
const (
	between   = "\x00"
	maxRoutes = 64
)

// each visits the combinations of what a row has as channel, provider and number:
// if any of them is for a rule the row is. It reports false if they are too many.
func (k *kind) each(visit func(channel, provider, eventID string)) bool {
	if !k.several {
		visit(k.channel, k.provider, k.eventID)
		return true
	}
	channels, providers, ids := strings.Split(k.channel, between), strings.Split(k.provider, between), strings.Split(k.eventID, between)
	if len(channels)*len(providers)*len(ids) > maxRoutes {
		return false
	}
	for _, c := range channels {
		for _, p := range providers {
			for _, id := range ids {
				visit(c, p, id)
			}
		}
	}
	return true
}

// router says for each kind of rows which rules are for it.
type router struct {
	set     *Set
	table   *sigma.Routes
	classes []class
	classOf []uint32 // by rule

	mu    sync.RWMutex
	kinds map[kind]*plan
	order []*plan // in the order of plan.id
	byKey map[[2]uint64]*index
}

// class is the rules of one logsource.
type class struct {
	source sigma.Logsource
	route  sigma.Route
	known  bool
	rules  []uint32
}

// plan is what is done with the rows of one kind.
type plan struct {
	id      int
	kind    kind
	classes []uint32 // whose rules are for them
	index   *index
	namings []naming
}

// naming is a field that the rows of a kind have under other names.
type naming struct {
	sigma.Naming
	name event.Name
	to   slot
	from []event.Name
}

func newRouter(s *Set, table *sigma.Routes) *router {
	r := &router{set: s, table: table, classOf: make([]uint32, len(s.rules)), kinds: map[kind]*plan{}, byKey: map[[2]uint64]*index{}}
	seen := map[sigma.Logsource]uint32{}
	for i, rule := range s.rules {
		source := rule.Logsource
		source.Definition = ""
		c, ok := seen[source]
		if !ok {
			c = uint32(len(r.classes))
			seen[source] = c
			route, known := table.For(source)
			r.classes = append(r.classes, class{source: source, route: route, known: known})
		}
		r.classOf[i] = c
		r.classes[c].rules = append(r.classes[c].rules, uint32(i))
	}
	return r
}

// expr returns what rule i asks of rows, with what its logsource asks.
func (r *router) expr(i int) *sigma.Expr {
	return r.classes[r.classOf[i]].route.Expr(r.set.rules[i].Expr)
}

// plan returns the plan of a kind, nil when no more are remembered.
func (r *router) plan(k kind) *plan {
	if len(k.channel)+len(k.provider)+len(k.eventID) > maxKindText {
		return nil
	}
	r.mu.RLock()
	p := r.kinds[k]
	full := len(r.kinds) >= maxKinds
	r.mu.RUnlock()
	if p != nil || full {
		return p
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.kinds[k]; p != nil || len(r.kinds) >= maxKinds || len(r.byKey) >= maxPlans {
		return p
	}
	k = k.clone()
	p = &plan{id: len(r.order), kind: k, classes: r.fit(nil, k), namings: r.namings(k)}
	p.index = r.index(p)
	r.kinds[k] = p
	r.order = append(r.order, p)
	return p
}

// clone copies the texts, which belong to a row.
func (k kind) clone() kind {
	k.channel, k.provider, k.eventID = strings.Clone(k.channel), strings.Clone(k.provider), strings.Clone(k.eventID)
	return k
}

// fit appends the classes whose rules are for the rows of a kind; of too many
// combinations these are all.
func (r *router) fit(to []uint32, k kind) []uint32 {
	for i := range r.classes {
		fits := false
		some := k.each(func(channel, provider, id string) {
			fits = fits || r.classes[i].route.Matches(k.log, channel, provider, id)
		})
		if fits || !some {
			to = append(to, uint32(i))
		}
	}
	return to
}

func (r *router) namings(k kind) []naming {
	var list []naming
	k.each(func(channel, provider, id string) {
		for _, n := range r.table.Namings(k.log, channel, provider, id) {
			name, ok := r.set.names.Known(n.To)
			if !ok || r.set.slot(name) == anySlot || slices.ContainsFunc(list, func(o naming) bool { return o.name == name && slices.Equal(o.From, n.From) }) {
				continue // nobody asks for it, or it is there
			}
			one := naming{Naming: n, name: name, to: r.set.slot(name)}
			for _, f := range n.From {
				one.from = append(one.from, r.set.names.ID(f))
			}
			list = append(list, one)
		}
	})
	return list
}

// index returns the index of the rules of a plan. What they ask of the channel,
// the provider and the event's number is decided here, once for all rows of the
// kind; plans that come to the same share one index.
func (r *router) index(p *plan) *index {
	var rules []uint32
	for _, c := range p.classes {
		rules = append(rules, r.classes[c].rules...)
	}
	slices.Sort(rules)
	b := r.set.newBuilder(r.known(p))
	b.add(rules)
	key := b.key()
	if x := r.byKey[key]; x != nil {
		return x
	}
	b.build()
	r.byKey[key] = b.index
	return b.index
}

// known returns what is known of the atoms for all rows of a plan.
func (r *router) known(p *plan) func(uint32) (bool, bool) {
	if p.kind.several {
		return nil
	}
	s := r.set
	values := map[slot]string{}
	for name, value := range map[event.Name]string{event.Channel: p.kind.channel, event.Provider: p.kind.provider, event.EventID: p.kind.eventID} {
		if at := s.slot(name); at != anySlot && value != "" {
			values[at] = value
		}
	}
	for _, n := range p.namings {
		delete(values, n.to)
	}
	return func(id uint32) (known, truth bool) {
		a := &s.atoms[id]
		value, ok := values[a.slot]
		if !ok {
			return false, false
		}
		switch a.op {
		case opEqual, opContains, opPrefix, opSuffix, opWild:
			if !a.cased {
				value = fold(value)
			}
			return true, a.compare([]byte(value))
		}
		return false, false
	}
}

// key hashes what the index will hold.
func (b *builder) key() [2]uint64 {
	h := fnv.New128a()
	var word [8]byte
	write := func(n uint32) { h.Write(binary.LittleEndian.AppendUint32(word[:0], n)) }
	for _, r := range b.index.always {
		write(r)
	}
	for _, k := range b.order {
		write(^uint32(1))
		write(k.atom)
		write(uint32(k.slot))
		for _, r := range b.clues[k].rules {
			write(r)
		}
	}
	sum := h.Sum(nil)
	return [2]uint64{binary.LittleEndian.Uint64(sum), binary.LittleEndian.Uint64(sum[8:])}
}

// recent is the cache of plans of one matcher, by hash of the kind.
type recent [512]struct {
	log                        event.Log
	channel, provider, eventID []byte
	plan                       *plan
}

// route finds the plan of the row, nil when there is none to remember. Then kind
// tells what it would be of.
func (m *Matcher) route(row *event.Row) (*plan, kind) {
	var place [4]int // of Channel, Provider and EventID, 1 more
	several := false
	for i := range row.Fields {
		if n := row.Fields[i].Name; n <= event.EventID && n > 0 {
			several = several || place[n] > 0
			if place[n] == 0 {
				place[n] = i + 1
			}
		}
	}
	if several {
		k := kind{row.Log, listed(row, event.Channel), listed(row, event.Provider), listed(row, event.EventID), true}
		return m.set.router.plan(k), k
	}
	value := func(n event.Name) []byte {
		if i := place[n] - 1; i >= 0 {
			return row.Value(i) // of a null it is empty
		}
		return nil
	}
	channel, provider, id := value(event.Channel), value(event.Provider), value(event.EventID)
	h := wholeKey(1, channel) ^ wholeKey(2, provider)*3 ^ wholeKey(3, id)*5 ^ uint64(len(row.Log.Category)+3*len(row.Log.Service)+5*len(row.Log.Product))
	e := &m.recent[h>>7%uint64(len(m.recent))]
	if e.plan != nil && e.log == row.Log && bytes.Equal(e.channel, channel) && bytes.Equal(e.provider, provider) && bytes.Equal(e.eventID, id) {
		return e.plan, kind{}
	}
	k := kind{row.Log, lent(channel), lent(provider), lent(id), false}
	p := m.set.router.plan(k)
	if p != nil {
		e.log, e.plan = p.kind.log, p
		e.channel, e.provider, e.eventID = append(e.channel[:0], channel...), append(e.provider[:0], provider...), append(e.eventID[:0], id...)
	}
	return p, k
}

// listed returns the different values of a field that a row has more than once,
// up to as many as are asked for and one more.
func listed(row *event.Row, name event.Name) string {
	var values []string
	for i := range row.Fields {
		if row.Fields[i].Name == name && len(values) <= maxRoutes {
			if v := string(row.Value(i)); !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
	}
	return strings.Join(values, between)
}

// lent returns the bytes of a row as a text, which is not to be kept.
func lent(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// derive adds the fields to the row that it has under other names only.
func (m *Matcher) derive(list []naming) {
	for i := range list {
		n := &list[i]
		if m.at(n.to) >= 0 {
			continue
		}
		m.from = m.from[:0]
		for _, f := range n.from {
			var value []byte
			if at := m.row.Find(f); at >= 0 && m.row.Fields[at].Kind != event.Null {
				value = m.row.Value(at)
			}
			m.from = append(m.from, value)
		}
		if text, ok := n.Append(m.row.Open(), m.from...); ok {
			m.row.Close(n.name, event.Text, text)
			m.link(len(m.row.Fields)-1, n.to)
		}
	}
}
