package nft

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

const (
	attempts  = 5 // a listing was disturbed, or the kernel ended an element while we took it away
	pause     = 50 * time.Millisecond
	perLot    = 150             // elements of one message; a netlink attribute has 64 KiB
	tolerance = 2 * time.Second // between when an order ends and when the kernel ends it
	mostLines = 1000            // of Show
	mostDiff  = 100             // of Live, each way
	nobody    = "nobody"        // whose element it is that none of ours put there
)

// firewall is the driver. The kernel's table is the state; what was last read of
// it is kept for as long as the kernel says that nothing changed.
type firewall struct {
	settings
	last *held
}

// Open returns the firewall of this machine, or a fault: the configuration
// cannot be so, or the process may not speak with the kernel about it. It changes
// nothing.
func Open(c Config) (driver.Driver, error) {
	s, err := c.read()
	if err != nil {
		return nil, err
	}
	f := &firewall{settings: s}
	if _, err := f.read(); err != nil {
		return nil, err
	}
	return f, nil
}

// plan is one transaction.
type plan struct {
	table  bool     // our table has to be made, or woken
	hang   []string // chains that have to be made
	rehang []string // chains that are there, and hang elsewhere
	refill []string // chains whose rules are written anew
	shapes []shape  // that the chains look into afterwards
	fresh  []shape  // sets to make
	gone   []shape  // sets to take away
	del    map[shape][]change
	add    map[shape][]change
}

type change struct {
	key key
	element
}

func (p *plan) empty() bool {
	return !p.table && len(p.hang)+len(p.rehang)+len(p.refill)+len(p.fresh)+len(p.gone)+len(p.del)+len(p.add) == 0
}

// plan says what has to change in what is held. Rules taken away go first, so
// that one that is in both lists is there with its new end.
func (f *firewall) plan(now *held, add, remove []driver.Rule) *plan {
	at := f.now()
	want := map[key][]hold{}
	holds := func(k key) []hold {
		if _, ok := want[k]; !ok {
			want[k] = nil
			if e := now.sets[k.shape()][k]; e != nil {
				want[k] = slices.Clone(e.holds)
			}
		}
		return want[k]
	}
	drop := func(k key, order string) {
		want[k] = slices.DeleteFunc(holds(k), func(h hold) bool { return h.order == order || !h.until.After(at) })
	}
	for _, r := range remove {
		drop(keyOf(r), r.Order)
	}
	for _, r := range add {
		k := keyOf(r)
		drop(k, r.Order)
		if r.Until.After(at) {
			want[k] = append(want[k], hold{r.Order, r.Until.UTC().Truncate(time.Millisecond)})
		}
	}
	p := &plan{table: now.asleep, del: map[shape][]change{}, add: map[shape][]change{}}
	left := map[shape]int{}
	for s, set := range now.sets {
		left[s] = len(set)
	}
	for _, k := range slices.SortedFunc(maps.Keys(want), byKey) {
		p.settle(k, want[k], now, left)
	}
	p.frame(f.Hooks, now, left)
	return p
}

// settle plans one key: what is there goes, what is wanted comes, and nothing
// happens when both are the same.
func (p *plan) settle(k key, want []hold, now *held, left map[shape]int) {
	s := k.shape()
	is := now.sets[s][k]
	slices.SortFunc(want, func(a, b hold) int { return strings.Compare(a.order, b.order) })
	var e element
	for _, h := range want {
		e.holds = append(e.holds, h)
		if h.until.After(e.ends) {
			e.ends = h.until
		}
	}
	if is == nil && len(want) == 0 || is != nil && len(want) > 0 && slices.Equal(is.holds, want) && now.near(is.ends, e.ends) {
		return
	}
	if is != nil {
		p.del[s] = append(p.del[s], change{k, *is})
		left[s]--
	}
	if len(want) > 0 {
		p.add[s] = append(p.add[s], change{k, e})
		left[s]++
	}
}

// frame plans the sets and the chains around the elements.
func (p *plan) frame(hooks []string, now *held, left map[shape]int) {
	for s, n := range left {
		switch _, is := now.sets[s]; {
		case n > 0 && !is:
			p.fresh = append(p.fresh, s)
		case n == 0 && is:
			p.gone = append(p.gone, s)
		}
		if n > 0 {
			p.shapes = append(p.shapes, s)
		}
	}
	for _, list := range [][]shape{p.fresh, p.gone, p.shapes} {
		slices.SortFunc(list, byName)
	}
	if len(p.shapes) == 0 && len(now.sets) == 0 && now.asleep {
		p.table = false // nothing is held, nothing is to be: no table
		return
	}
	for _, name := range hooks {
		switch c := now.chains[name]; {
		case c == nil:
			p.hang = append(p.hang, name)
		case !c.hangs:
			p.rehang = append(p.rehang, name)
		case !same(c.rules, p.shapes):
			p.refill = append(p.refill, name)
		}
	}
}

func byName(a, b shape) int { return strings.Compare(a.String(), b.String()) }

func byKey(a, b key) int {
	return cmp.Or(a.to.Addr().Compare(b.to.Addr()), a.from.Addr().Compare(b.from.Addr()), a.to.Bits()-b.to.Bits(), a.from.Bits()-b.from.Bits(),
		int(a.proto)-int(b.proto), int(a.port)-int(b.port))
}

// near reports whether the kernel ends something when it should.
func (h *held) near(is, want time.Time) bool {
	return !is.IsZero() && is.Sub(want).Abs() <= tolerance+h.slack
}

// Show says the transaction in nft's own words, one command a line.
func (f *firewall) Show(add, remove []driver.Rule) (lines []string, more int, err error) {
	now, err := f.read()
	if err != nil {
		return nil, 0, err
	}
	p := f.plan(now, add, remove)
	say := func(format string, args ...any) {
		if len(lines) == mostLines {
			more++
			return
		}
		lines = append(lines, fmt.Sprintf(format, args...))
	}
	t := "inet " + f.Table
	if p.table {
		say("add table %s", t)
	}
	for _, name := range p.rehang {
		say("delete chain %s %s", t, name)
	}
	for _, name := range slices.Concat(p.hang, p.rehang) {
		say("add chain %s %s { type filter hook %s priority %d; policy accept; }", t, name, name, before)
	}
	for _, name := range p.refill {
		say("flush chain %s %s", t, name)
	}
	for _, s := range p.gone {
		say("delete set %s %s", t, s)
	}
	for _, s := range p.fresh {
		say("add set %s %s { type %s; flags timeout; counter; }", t, s, s.datatype().Name)
	}
	for _, name := range slices.Concat(p.hang, p.rehang, p.refill) {
		for _, s := range p.shapes {
			say("add rule %s %s %s", t, name, s.text())
		}
	}
	at := f.now()
	for _, s := range slices.SortedFunc(maps.Keys(p.del), byName) {
		if slices.Contains(p.gone, s) {
			continue
		}
		for _, c := range p.del[s] {
			say("delete element %s %s { %s }", t, s, c.key.text())
		}
	}
	for _, s := range slices.SortedFunc(maps.Keys(p.add), byName) {
		for _, c := range p.add[s] {
			say("add element %s %s { %s timeout %dms comment \"%s\" }", t, s, c.key.text(), max(c.ends.Sub(at).Milliseconds(), 1), comment(c.holds))
		}
	}
	return lines, more, nil
}

// Apply makes the change in one transaction: all of it, or a fault and nothing.
func (f *firewall) Apply(ctx context.Context, add, remove []driver.Rule) error {
	if err := f.lawful(add); err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		now, err := f.read()
		if err != nil {
			return err
		}
		if err := f.fits(now, add); err != nil {
			return err
		}
		p := f.plan(now, add, remove)
		if p.empty() {
			return nil
		}
		f.last = nil
		err = f.commit(ctx, p)
		// An element that ended by itself between reading and telling, or one
		// that somebody else put there, undoes the whole transaction.
		if lost := errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EEXIST); err == nil || !lost || attempt == attempts {
			if err == nil {
				f.adopt(now, p)
			}
			return err
		}
	}
}

// adopt makes of what was held before a transaction what is held after it, when
// the kernel's next generation is ours and nobody else's.
func (f *firewall) adopt(now *held, p *plan) {
	c, err := dial(context.Background(), 0)
	if err != nil {
		return
	}
	defer c.CloseLasting()
	if c.generation != now.generation+1 {
		return
	}
	for s, list := range p.del {
		for _, e := range list {
			delete(now.sets[s], e.key)
		}
	}
	for _, s := range p.fresh {
		now.sets[s] = map[key]*element{}
	}
	for s, list := range p.add {
		for _, e := range list {
			now.sets[s][e.key] = &e.element
		}
	}
	for _, s := range p.gone {
		delete(now.sets, s)
	}
	for _, name := range f.Hooks {
		own := &chain{hangs: true}
		for _, s := range p.shapes {
			own.rules = append(own.rules, s.rule())
		}
		now.chains[name] = own
	}
	now.asleep, now.generation = false, c.generation
	f.last = now
}

func (f *firewall) commit(ctx context.Context, p *plan) error {
	size := 1 << 20
	for _, list := range []map[shape][]change{p.add, p.del} {
		for _, set := range list {
			size += len(set) * 400 // twice what the longest element takes
		}
	}
	c, err := dial(ctx, size)
	if err != nil {
		return broken(err)
	}
	defer c.CloseLasting()
	c.AddTable(f.table())
	for _, name := range slices.Concat(p.rehang, p.refill) {
		c.FlushChain(f.chain(name))
	}
	for _, name := range p.rehang {
		c.DelChain(f.chain(name))
	}
	for _, s := range p.gone {
		c.DelSet(f.set(s))
	}
	for _, s := range p.fresh {
		if err := c.AddSet(f.set(s), nil); err != nil {
			return broken(err)
		}
	}
	for _, name := range slices.Concat(p.hang, p.rehang) {
		c.AddChain(f.chain(name))
	}
	for _, name := range slices.Concat(p.hang, p.rehang, p.refill) {
		for _, s := range p.shapes {
			c.AddRule(&nftables.Rule{Table: f.table(), Chain: f.chain(name), Exprs: s.rule()})
		}
	}
	if err := f.elements(p.del, p.gone, c.SetDeleteElements); err != nil {
		return broken(err)
	}
	if err := f.elements(p.add, nil, c.SetAddElements); err != nil {
		return broken(err)
	}
	if err := c.Flush(); err != nil {
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EEXIST) {
			return fault.New(fault.Conflict, "measure.nft.moved").Because(err)
		}
		return broken(err)
	}
	return nil
}

// elements puts changes into messages of perLot each. Those of sets that go
// altogether are left out.
func (f *firewall) elements(changes map[shape][]change, gone []shape, tell func(*nftables.Set, []nftables.SetElement) error) error {
	at := f.now()
	for s, list := range changes {
		if slices.Contains(gone, s) {
			continue
		}
		for lot := range slices.Chunk(list, perLot) {
			set := make([]nftables.SetElement, 0, len(lot))
			for _, c := range lot {
				set = append(set, nftables.SetElement{Key: c.key.bytes(), Timeout: max(c.ends.Sub(at), time.Millisecond), Comment: comment(c.holds)})
			}
			if err := tell(f.set(s), set); err != nil {
				return err
			}
		}
	}
	return nil
}

// Live compares what the kernel holds with the rules that should be there. Where
// a chain of ours does not look into its sets, every rule is missing. What seems
// to be missing is looked for twice: the kernel's own clearing away of what has
// ended can disturb a listing.
func (f *firewall) Live(ctx context.Context, want []driver.Rule) (missing, extra []driver.Rule, err error) {
	for range 2 {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		now, err := f.ask()
		if err != nil {
			return nil, nil, err
		}
		if missing, extra = f.compare(now, want); len(missing) == 0 {
			break
		}
	}
	return missing, extra, nil
}

func (f *firewall) compare(now *held, want []driver.Rule) (missing, extra []driver.Rule) {
	at, sound := f.now(), now.sound(f.Hooks)
	wanted := make(map[claim]bool, len(want))
	for _, r := range want {
		wanted[claim{r.Order, keyOf(r)}] = true
		if r.Until.After(at) && !(sound && now.holds(r)) && len(missing) < mostDiff {
			missing = append(missing, r)
		}
	}
	for _, s := range now.used() {
		for k, e := range now.sets[s] {
			if now.near(e.ends, at) {
				continue // ends in this moment
			}
			r := driver.Rule{Kind: driver.Filter, To: k.to, From: k.from, Proto: k.proto, Port: k.port, Until: e.ends.UTC()}
			if r.Order = nobody; len(e.holds) == 0 && len(extra) < mostDiff {
				extra = append(extra, r)
			}
			for _, h := range e.holds {
				if r.Order, r.Until = h.order, h.until; !wanted[claim{h.order, k}] && len(extra) < mostDiff {
					extra = append(extra, r)
				}
			}
		}
	}
	return missing, extra
}

// holds reports whether the rule is there until its own end.
func (h *held) holds(r driver.Rule) bool {
	k := keyOf(r)
	e := h.sets[k.shape()][k]
	if e == nil {
		return false
	}
	mine, last := false, time.Time{}
	for _, o := range e.holds {
		mine = mine || o.order == r.Order && h.near(o.until, r.Until)
		if o.until.After(last) {
			last = o.until
		}
	}
	return mine && h.near(e.ends, last)
}

// Close leaves each rule to its own end, or takes the table away when the
// configuration says so.
func (f *firewall) Close() error {
	if !f.ClearOnClose {
		return nil
	}
	now, err := f.ask()
	if err != nil || len(now.sets)+len(now.chains) == 0 {
		return err
	}
	c, err := dial(context.Background(), 0)
	if err != nil {
		return broken(err)
	}
	defer c.CloseLasting()
	c.DelTable(f.table())
	if err := c.Flush(); err != nil {
		return broken(err)
	}
	return nil
}
