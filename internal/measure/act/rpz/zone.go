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

// zone is the driver.
type zone struct {
	*settings
	store *names.Store
	now   func() time.Time

	serving  atomic.Pointer[version] // nil until something may be served
	room     int                     // names that the recent zone may have before they are folded
	folded   time.Time               // when they were last
	stale    bool                    // the file may be other than what is held
	server   *server
	bells    [2][]chan struct{} // of each zone, one for each peer, rung when it changed
	reminded [2]time.Time       // when resolvers that lag behind were told again, by zone
	stop     context.CancelFunc
	running  sync.WaitGroup
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

// Dry opens a zone that only Check and Show are asked of, beside a process that
// works: nothing is served, nobody is told, no folder and no key is looked at.
func Dry(c Config) (driver.Driver, error) {
	c.Dir, c.Listen, c.File, c.KeyFile, c.Secondaries, c.Unsigned = "", "", "", "", nil, nil
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
	z := &zone{settings: s, now: now, stale: true, room: maxRecent, folded: now()}
	// The steps behind the snapshot lead to what was served last.
	var v *version
	var t *turn
	var serial uint32
	finish := func() {
		if t != nil {
			v = t.version(v, nil, serial)
		}
	}
	z.store, err = names.Open(names.Config{Kind: driver.Sinkhole, Dir: s.Dir, Mark: s.mark(), Max: s.MaxNames}, func(from, to uint32) func(string, names.Effect, names.Effect) {
		if finish(); v == nil {
			v = z.begin(from)
		}
		t, serial = z.turn(v, false), to
		return t.seen
	})
	if err != nil {
		return nil, err
	}
	finish()
	if err := z.resume(v); err != nil {
		return nil, shut(err, z.store)
	}
	if err := z.start(); err != nil {
		return nil, shut(err, z.store)
	}
	return z, nil
}

// begin is a version without history, in which the whole zone has all names.
func (z *zone) begin(serial uint32) *version {
	v := &version{serial: serial, recent: map[string]bool{}}
	for range z.layouts {
		v.zones = append(v.zones, &served{serial: serial})
	}
	return v
}

// resume serves what was served last, as far as it is known.
func (z *zone) resume(v *version) error {
	held, serial := z.store.Held()
	moved := z.store.Moved()
	if z.store.Fresh() {
		return nil
	}
	if v == nil || moved {
		v = z.begin(serial)
	}
	if moved || len(z.layouts) > 1 {
		// Under the old serial somebody may hold another zone. What the recent one
		// was while names were being folded is not on disk; it is small.
		p, err := z.store.Plan(nil, nil, nil)
		if err != nil {
			return err
		}
		serial = z.next(serial)
		if err := z.store.Commit(p, serial, moved); err != nil {
			return err
		}
		last := len(v.zones) - 1
		v.zones[last] = &served{serial: serial}
		if moved {
			v.zones[whole] = v.zones[last]
		}
	}
	v.serial, v.held = serial, held
	z.serving.Store(v)
	return nil
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
	for i := range z.layouts {
		for _, p := range z.peers {
			bell := make(chan struct{}, 1)
			z.bells[i] = append(z.bells[i], bell)
			z.running.Go(func() { z.tell(ctx, p, i, bell) })
		}
		z.ring(i)
	}
	return nil
}

// ring has every resolver told that a zone changed.
func (z *zone) ring(zone int) {
	for _, bell := range z.bells[zone] {
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
	case r.Answer == driver.Walled && len(z.layouts[whole].ranks[names.Walled].wire) == 0:
		return "rpz.no_page"
	case slices.ContainsFunc(z.layouts, func(l *layout) bool { return !l.fits(r.Name) }):
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
				z.layouts[whole].lines(name, below, was, func(owner, data string) { say("-", owner, data) })
				z.layouts[whole].lines(name, below, is, func(owner, data string) { say("+", owner, data) })
			}
		}
	})
	return lines, more, err
}

// Outlives says how long resolvers go by the zone when this process is dead.
func (z *zone) Outlives() error {
	code := "rpz.outlives"
	if z.File != "" {
		code = "rpz.outlives_file"
	}
	return fault.New(fault.Unmet, code, "expire", z.Expire)
}

// Apply makes the change, has it on disk, serves it and tells the resolvers. It
// does not wait for them: Live sees when they have it.
func (z *zone) Apply(ctx context.Context, add, remove []driver.Rule) error {
	if err := z.each(add); err != nil {
		return err
	}
	old := z.serving.Load()
	fold := z.store.Full() || old != nil && len(old.recent)+len(add)+len(remove) > z.room
	t := z.turn(old, fold)
	p, err := z.store.Plan(add, remove, t.seen)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, serial := z.store.Held()
	changed := p.Changed > 0 || old == nil
	if changed {
		serial = z.next(serial)
		z.settle(t, p.Next)
	}
	file, err := z.prepare(p, serial, changed)
	if err != nil {
		return err
	}
	if err := z.store.Commit(p, serial, fold && changed); err != nil {
		if file != nil {
			file.Drop()
		}
		return err
	}
	if changed {
		z.publish(old, t.version(old, p.Next, serial), fold)
	}
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

// settled is how long the recent zone keeps names that were folded into the
// whole one: more than a resolver needs to take them in.
const settled = 5 * time.Minute

// settle moves names between the zones: into the whole one at a fold, and out of
// the recent one when that was long enough ago, or they are too many to wait.
func (z *zone) settle(t *turn, h *names.Held) {
	if !t.fold && z.now().Sub(z.folded) > settled || len(t.recent) > 3*z.room {
		t.clear(h)
	}
	if t.fold {
		t.gather(h)
	}
}

// publish serves a version, and has resolvers told of the zones that changed.
func (z *zone) publish(old, v *version, fold bool) {
	if fold {
		z.folded = z.now()
	}
	z.serving.Store(v)
	for i := range v.zones {
		if old == nil || old.zones[i] != v.zones[i] {
			z.ring(i)
		}
	}
}

// prepare writes the zone file that a plan leads to, when there is one to write.
func (z *zone) prepare(p *names.Plan, serial uint32, changed bool) (*names.Pending, error) {
	if z.File == "" || !changed && !z.stale {
		return nil, nil
	}
	return names.Prepare(z.File, 0o644, func(w io.Writer) error { return z.layouts[whole].write(w, serial, p.Next) })
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
