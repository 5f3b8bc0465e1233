package names

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/folder"
	"noroshi/internal/measure/act/driver"
)

// maxOrder is how many bytes the id of an order may have.
const maxOrder = 64

// MaxStep is how many changes one step of the log may have. A larger one is kept
// as a new snapshot, and what follows the steps has to begin anew.
const MaxStep = 1 << 16

// Store keeps the rules of one piece of equipment in a folder. It is for one
// goroutine; the Held it returns are for all.
type Store struct {
	kind   driver.Kind
	dir    string
	mark   string
	max    int
	held   *Held
	serial uint32
	orders []string
	place  map[string]uint32 // of an order in orders
	known  int               // orders that were committed

	lock     *os.File
	log      *os.File
	logSize  int64
	snapshot int64 // bytes of the last one
	fresh    bool  // there was no snapshot
	moved    bool  // see Moved
}

// Config says where a store is and what it may hold.
type Config struct {
	Kind driver.Kind
	Dir  string // "" keeps nothing: for dry runs
	Mark string // how the equipment writes rules down; another mark begins a new history
	Max  int    // names, and claims, that may be held
}

// Step is told each step of the log when a store opens, in order: it returns
// what is told the changed names, or nil.
type Step func(from, to uint32) func(name string, before, after Effect)

// Open reads the folder, and makes it when there is none. A damaged file is a
// fault that names it, and so is a folder that another process works in; the
// steps that follow a snapshot are told to step.
func Open(c Config, step Step) (*Store, error) {
	if c.Dir == "" {
		return &Store{kind: c.Kind, mark: c.Mark, max: c.Max, held: &Held{}, place: map[string]uint32{}, fresh: true}, nil
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, cannot(c.Dir, err)
	}
	lock, err := folder.Lock(filepath.Join(c.Dir, "names.lock"))
	if errors.Is(err, folder.ErrLocked) {
		return nil, fault.New(fault.Conflict, "names.locked", "dir", c.Dir)
	} else if err != nil {
		return nil, cannot(c.Dir, err)
	}
	s := &Store{kind: c.Kind, dir: c.Dir, mark: c.Mark, max: c.Max, held: &Held{}, place: map[string]uint32{}, lock: lock}
	if err = s.readSnapshot(); err == nil {
		err = s.readLog(step)
	}
	if err != nil {
		_ = s.Close() // the error that is told comes first
		return nil, err
	}
	return s, nil
}

// Close lets the folder go.
func (s *Store) Close() (err error) {
	for _, f := range []*os.File{s.log, s.lock} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

// Held returns the set and its serial.
func (s *Store) Held() (*Held, uint32) { return s.held, s.serial }

// Fresh reports whether the folder was empty: what was held before, if anything,
// is known to the orders alone.
func (s *Store) Fresh() bool { return s.fresh }

// Moved reports whether what the equipment saw last may be other than what is
// held now: the last step was not whole, or rules are written down otherwise.
func (s *Store) Moved() bool { return s.moved }

// Plan is a change that was worked out and not made.
type Plan struct {
	Next    *Held
	Changed int // names whose effect changes
	record  []byte
}

// Plan works out what a change comes to; it is good until the next call. seen is told, in order of the names,
// those whose effect changes; it may be nil. A rule that is taken away and added
// stays.
func (s *Store) Plan(add, remove []driver.Rule, seen func(name string, before, after Effect)) (*Plan, error) {
	changes := s.changes(add, remove)
	p := &Plan{}
	p.Next = s.held.with(changes, func(name string, before, after Effect) {
		p.Changed++
		if seen != nil {
			seen(name, before, after)
		}
	})
	if p.Next.names > s.max || p.Next.claims > s.max {
		return nil, fault.New(fault.TooLarge, "names.many", "n", max(p.Next.names, p.Next.claims), "max", s.max)
	}
	if len(changes) <= MaxStep {
		p.record = s.pack(changes)
	}
	return p, nil
}

// changes sorts what is added and taken away, each once. Orders that no plan
// committed since are forgotten.
func (s *Store) changes(add, remove []driver.Rule) []change {
	for _, id := range s.orders[s.known:] {
		delete(s.place, id)
	}
	s.orders = s.orders[:s.known]
	out := make([]change, 0, len(add)+len(remove))
	for i := range remove {
		if order, ok := s.place[remove[i].Order]; ok {
			out = append(out, change{claim{remove[i].Name, order, word(&remove[i])}, true})
		}
	}
	for i := range add {
		out = append(out, change{claim{add[i].Name, s.order(add[i].Order), word(&add[i])}, false})
	}
	sortChanges(out)
	// Of one claim the addition is last, and wins.
	n := 0
	for i, c := range out {
		if i+1 == len(out) || out[i+1].claim != c.claim {
			out[n] = c
			n++
		}
	}
	return out[:n]
}

func sortChanges(out []change) {
	compare := func(a, b change) int {
		if c := a.compare(b.claim); c != 0 || a.gone == b.gone {
			return c
		}
		if a.gone {
			return -1
		}
		return 1
	}
	if !slices.IsSortedFunc(out, compare) {
		slices.SortFunc(out, compare)
	}
}

// order returns the place of an order, which it gets when it has none.
func (s *Store) order(id string) uint32 {
	at, ok := s.place[id]
	if !ok {
		at = uint32(len(s.orders))
		s.orders, s.place[id] = append(s.orders, id), at
	}
	return at
}

// Full reports whether the next change is to be kept as a new snapshot.
func (s *Store) Full() bool {
	return s.fresh || s.moved || s.log == nil || s.logSize > max(1<<20, s.snapshot/4)
}

// Commit makes a plan what is held, under a serial, once it is on disk: as a new
// snapshot, or as a step behind the last one. Where there can be no step there is
// a snapshot. When it fails nothing has changed.
func (s *Store) Commit(p *Plan, serial uint32, snapshot bool) error {
	switch {
	case s.dir == "":
		s.held, s.serial, s.known, s.fresh = p.Next, serial, len(s.orders), false
		return nil
	case snapshot || p.record == nil || s.fresh || s.moved || s.log == nil:
		return s.rewrite(p.Next, serial)
	}
	if err := s.appendLog(serial, p.record); err != nil {
		return err
	}
	s.held, s.serial, s.known = p.Next, serial, len(s.orders)
	return nil
}

// Compare returns the rules of want that are not held, and those that are held
// beyond them, at most limit each. Until is not compared.
func (s *Store) Compare(want []driver.Rule, limit int) (missing, extra []driver.Rule) {
	changes := s.changes(want, nil)
	i := 0
	s.held.each(func(name []byte, claims []claim) bool {
		text := string(name)
		for _, c := range claims {
			c.name = text
			for ; i < len(changes) && changes[i].compare(c) < 0; i++ {
				missing = s.list(missing, changes[i].claim, limit)
			}
			if i < len(changes) && changes[i].claim == c {
				i++
			} else {
				extra = s.list(extra, c, limit)
			}
		}
		return true
	})
	for ; i < len(changes); i++ {
		missing = s.list(missing, changes[i].claim, limit)
	}
	return missing, extra
}

func (s *Store) list(out []driver.Rule, c claim, limit int) []driver.Rule {
	if len(out) < limit {
		out = append(out, c.rule(s.kind, s.orders[c.order]))
	}
	return out
}

// Of returns the rules of a name that orders hold, in order.
func (s *Store) Of(name string) (rules []driver.Rule) {
	e, ok := s.held.find(name)
	if !ok {
		return nil
	}
	for _, c := range e.claims(nil) {
		c.name = name
		rules = append(rules, c.rule(s.kind, s.orders[c.order]))
	}
	return rules
}

// Claim is what one order holds of a name: the name, and with Below what is below
// it too.
type Claim struct {
	Order string
	Below bool
}

// Claims tells every name of a set of this store in order, with its effect and who
// holds it, until yield returns false. Both slices are good until yield returns.
func (s *Store) Claims(h *Held, yield func(name []byte, e Effect, by []Claim) bool) {
	var by []Claim
	h.each(func(name []byte, claims []claim) bool {
		by = by[:0]
		for _, c := range claims {
			by = append(by, Claim{s.orders[c.order], c.word&1 != 0})
		}
		return yield(name, effect(claims), by)
	})
}

// tidy returns the set without orders that hold nothing any more, when they are
// most of those that are known, and the orders that are left.
func (s *Store) tidy(h *Held) (*Held, []string) {
	used, n := make([]bool, len(s.orders)), 0
	h.each(func(_ []byte, claims []claim) bool {
		for _, c := range claims {
			if !used[c.order] {
				used[c.order] = true
				n++
			}
		}
		return true
	})
	if len(s.orders) < 1024 || n > len(s.orders)/2 {
		return h, s.orders
	}
	to, left := make([]uint32, len(s.orders)), make([]string, 0, n)
	for i, is := range used {
		if is {
			to[i], left = uint32(len(left)), append(left, s.orders[i])
		}
	}
	all := make([]change, 0, h.claims)
	h.each(func(name []byte, claims []claim) bool {
		for _, c := range claims {
			all = append(all, change{claim: claim{string(name), to[c.order], c.word}})
		}
		return true
	})
	return (&Held{}).with(all, nil), left // the order of the orders is what it was
}

func (s *Store) path(name string) string { return filepath.Join(s.dir, name) }

func cannot(file string, err error) error {
	why := err.Error()
	if p := new(os.PathError); errors.As(err, &p) {
		why = p.Err.Error() // the path is said
	}
	return fault.New(fault.Internal, "names.cannot", "file", file, "why", why).Because(err)
}
