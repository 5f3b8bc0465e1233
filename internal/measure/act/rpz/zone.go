package rpz

import (
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/measure/act/names"
)

// Bounds of the history that IXFR is answered from: steps, and bytes of records.
const (
	maxSteps     = 1000
	maxStepBytes = 8 << 20
)

// step is what changed from one serial to the next: whole records.
type step struct {
	from, to       uint32
	removed, added []byte
	names          []string // at most maxList, for Live
}

func (s *step) size() int { return len(s.removed) + len(s.added) }

// version is what is served; it never changes.
type version struct {
	serial uint32
	held   *names.Held
	steps  []*step // the oldest first, each from where the one before ends
}

// since returns the steps from a serial on, and whether all are known.
func (v *version) since(serial uint32) ([]*step, bool) {
	i := slices.IndexFunc(v.steps, func(s *step) bool { return s.from == serial })
	if serial == v.serial {
		return nil, true
	}
	if i < 0 {
		return nil, false
	}
	return v.steps[i:], true
}

// zone is the driver.
type zone struct {
	*settings
	store *names.Store
	now   func() time.Time

	serving atomic.Pointer[version] // nil until something may be served
	stale   bool                    // the file may be other than what is held
	server  *server
	bells   []chan struct{} // one for each peer, rung when the zone changed
	stop    context.CancelFunc
	running sync.WaitGroup
}

// Open reads the zone's folder, and serves the zone as it was held. A folder
// that is new serves nothing until the first Apply: what resolvers have from
// before is better than an empty zone.
func Open(c Config) (driver.Driver, error) {
	z, err := open(c, time.Now)
	if err != nil {
		return nil, err
	}
	return z, nil
}

// Dry opens a zone that only Check and Show are asked of: nothing is served,
// nobody is told, no key is read. Its folder is to be one that no process works in.
func Dry(c Config) (driver.Driver, error) {
	c.Listen, c.File, c.KeyFile, c.Secondaries, c.Unsigned = "", "", "", nil, nil
	s, err := c.read(true)
	if err != nil {
		return nil, err
	}
	z, err := s.open(time.Now)
	if err != nil {
		return nil, err
	}
	return z, nil
}

func open(c Config, now func() time.Time) (*zone, error) {
	s, err := c.read(false)
	if err != nil {
		return nil, err
	}
	return s.open(now)
}

func (s *settings) open(now func() time.Time) (*zone, error) {
	var err error
	z := &zone{settings: s, now: now, stale: true}
	var steps []*step
	z.store, err = names.Open(names.Config{Kind: driver.Sinkhole, Dir: s.Dir, Mark: s.mark(), Max: s.MaxNames}, func(from, to uint32) func(string, names.Effect, names.Effect) {
		if from == to {
			return nil
		}
		next := &step{from: from, to: to}
		steps = append(steps, next)
		return z.collect(next)
	})
	if err != nil {
		return nil, err
	}
	held, serial := z.store.Held()
	switch {
	case z.store.Moved():
		// Under the old serial somebody may hold another zone.
		serial = z.next(serial)
		if err := z.store.Commit(&names.Plan{Next: held}, serial); err != nil {
			return nil, shut(err, z.store)
		}
		z.serving.Store(&version{serial: serial, held: held})
	case !z.store.Fresh():
		z.serving.Store(&version{serial, held, bounded(steps)})
	}
	if err := z.start(); err != nil {
		return nil, shut(err, z.store)
	}
	return z, nil
}

// shut closes what was opened before an error.
func shut(err error, c io.Closer) error {
	_ = c.Close() // the error that is told comes first
	return err
}

// start begins to serve and to tell resolvers.
func (z *zone) start() error {
	ctx, stop := context.WithCancel(context.Background())
	z.stop = stop
	if !z.listen.IsValid() {
		return nil
	}
	var err error
	if z.server, err = serve(z); err != nil {
		stop()
		return err
	}
	for _, p := range z.peers {
		bell := make(chan struct{}, 1)
		z.bells = append(z.bells, bell)
		z.running.Go(func() { z.tell(ctx, p, bell) })
	}
	z.ring()
	return nil
}

// ring has every resolver told that the zone changed.
func (z *zone) ring() {
	for _, bell := range z.bells {
		select {
		case bell <- struct{}{}:
		default: // it is to be told already
		}
	}
}

// next is the serial after one: the time when that is newer, so that a zone whose
// state was lost never goes back (RFC 1982).
func (z *zone) next(serial uint32) uint32 {
	if now := uint32(z.now().Unix()); newer(now, serial) || serial == 0 {
		return now
	}
	return serial + 1
}

// newer compares serials (RFC 1982 §3.2).
func newer(a, b uint32) bool { return int32(a-b) > 0 }

// bounded drops the oldest steps that are too many or too large.
func bounded(steps []*step) []*step {
	n, size := len(steps), 0
	for n > 0 && len(steps)-n < maxSteps && size+steps[n-1].size() <= maxStepBytes {
		n--
		size += steps[n].size()
	}
	return slices.Clone(steps[n:])
}

// collect writes the records of changed names down in a step, as long as they
// are not too many.
func (z *zone) collect(s *step) func(string, names.Effect, names.Effect) {
	return func(name string, before, after names.Effect) {
		if len(s.names) < maxList {
			s.names = append(s.names, name)
		}
		if s.size() > maxStepBytes {
			return
		}
		for _, below := range [...]bool{false, true} {
			was, is := before.Here, after.Here
			if below {
				was, is = before.Below, after.Below
			}
			if was != is {
				s.removed, _ = records(z.layout, s.removed, name, below, was)
				s.added, _ = records(z.layout, s.added, name, below, is)
			}
		}
	}
}

// Check refuses what must not be told to resolvers, each rule with its reason.
func (z *zone) Check(rules []driver.Rule) error {
	if err := z.each(rules); err != nil {
		return err
	}
	_, err := z.store.Plan(rules, nil, nil)
	return err
}

// each checks rules one by one; how many there may be is the plan's to say.
func (z *zone) each(rules []driver.Rule) error {
	if err := z.guard.Check(driver.Sinkhole, rules); err != nil {
		return err
	}
	var bad []fault.Place
	for i := range rules {
		if code := z.refuse(&rules[i]); code != "" && len(bad) < names.MaxPlaces {
			bad = append(bad, fault.Place{At: rules[i].Name, Code: code})
		}
	}
	if bad != nil {
		return fault.New(fault.Invalid, "names.refused", "n", len(bad)).At(bad...)
	}
	return nil
}

func (z *zone) refuse(r *driver.Rule) string {
	switch {
	case r.Answer != driver.NoDomain && r.Answer != driver.NoData && r.Answer != driver.Walled:
		return "rpz.answer"
	case r.Answer == driver.Walled && len(z.layout.ranks[names.Walled].wire) == 0:
		return "rpz.no_page"
	case !z.layout.fits(r.Name):
		return "rpz.long"
	}
	return ""
}

// maxLines bounds what Show says.
const maxLines = 1000

// Show says which records come and go, as a zone file would have them.
func (z *zone) Show(add, remove []driver.Rule) (lines []string, more int, err error) {
	say := func(sign, owner, data string) {
		if len(lines) == maxLines {
			more++
			return
		}
		lines = append(lines, sign+" "+owner+"."+z.Zone+". "+data)
	}
	_, err = z.store.Plan(add, remove, func(name string, before, after names.Effect) {
		for _, below := range [...]bool{false, true} {
			was, is := before.Here, after.Here
			if below {
				was, is = before.Below, after.Below
			}
			if was != is {
				z.layout.lines(name, below, was, func(owner, data string) { say("-", owner, data) })
				z.layout.lines(name, below, is, func(owner, data string) { say("+", owner, data) })
			}
		}
	})
	return lines, more, err
}

// Apply makes the change, has it on disk, serves it and tells the resolvers. It
// does not wait for them: Live sees when they have it.
func (z *zone) Apply(ctx context.Context, add, remove []driver.Rule) error {
	if err := z.each(add); err != nil {
		return err
	}
	s := &step{}
	p, err := z.store.Plan(add, remove, z.collect(s))
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, serial := z.store.Held()
	old := z.serving.Load()
	if p.Changed > 0 || old == nil {
		s.from, serial = serial, z.next(serial)
		s.to = serial
	}
	file, err := z.prepare(p, serial, s.to != 0)
	if err != nil {
		return err
	}
	if err := z.store.Commit(p, serial); err != nil {
		if file != nil {
			file.Drop()
		}
		return err
	}
	v := &version{serial: serial, held: p.Next}
	switch {
	case old != nil && s.to == 0:
		v.steps = old.steps
	case old != nil && s.size() <= maxStepBytes:
		v.steps = bounded(append(slices.Clone(old.steps), s))
	}
	z.serving.Store(v)
	z.ring()
	if file == nil {
		return nil
	}
	z.stale = true
	if err := file.Keep(); err != nil {
		return err
	}
	z.stale = false
	return nil
}

// prepare writes the zone file that a plan leads to, when there is one to write.
func (z *zone) prepare(p *names.Plan, serial uint32, changed bool) (*names.Pending, error) {
	if z.File == "" || !changed && !z.stale {
		return nil, nil
	}
	return names.Prepare(z.File, 0o644, func(w io.Writer) error { return z.layout.write(w, serial, p.Next) })
}

// Close ends serving. Resolvers keep the zone until it expires.
func (z *zone) Close() error {
	z.stop()
	if z.server != nil {
		z.server.close()
	}
	z.running.Wait()
	return z.store.Close()
}
