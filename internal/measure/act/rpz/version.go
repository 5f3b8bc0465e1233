package rpz

import (
	"maps"
	"slices"

	"noroshi/internal/measure/act/names"
)

// A resolver may need seconds of work for every change of a zone of a million
// names. So what changes can stand in a second, small zone first: names whose
// answer is new since the last snapshot of the folder. With the next snapshot
// they are folded into the large zone, and leave the small one when the
// resolvers had time to take the large one in.

// Bounds of the history that IXFR is answered from: steps, and bytes of records.
const (
	maxSteps     = 1000
	maxStepBytes = 8 << 20
)

// maxRecent is how many names the recent zone may have.
const maxRecent = 10_000

// step is what changed in a zone from one serial to the next: whole records.
type step struct {
	from, to       uint32
	removed, added []byte
	names          []string // at most maxList, for Live
}

func (s *step) size() int { return len(s.removed) + len(s.added) }

// served is one zone; it never changes.
type served struct {
	serial uint32
	steps  []*step // the oldest first, each from where the one before ends
}

// since returns the steps from a serial on, and whether all are known.
func (s *served) since(serial uint32) ([]*step, bool) {
	if serial == s.serial {
		return nil, true
	}
	i := slices.IndexFunc(s.steps, func(s *step) bool { return s.from == serial })
	if i < 0 {
		return nil, false
	}
	return s.steps[i:], true
}

// The zones of a version.
const (
	whole  = iota // of all names but those that are in the recent zone alone
	recent        // of names that changed lately, where there is such a zone
)

// version is what is served; it never changes.
type version struct {
	serial uint32 // of the newest change
	held   *names.Held
	zones  []*served
	recent map[string]bool // names in the recent zone; true of those that are in the whole one too
}

// each tells the names of a zone in order.
func (v *version) each(zone int, yield func(name []byte, e names.Effect) bool) {
	if zone == recent {
		for _, name := range slices.Sorted(maps.Keys(v.recent)) {
			if !yield([]byte(name), v.held.Effect(name)) {
				return
			}
		}
		return
	}
	v.held.Each(func(name []byte, e names.Effect) bool {
		if len(v.recent) > 0 {
			if too, is := v.recent[string(name)]; is && !too {
				return true
			}
		}
		return yield(name, e)
	})
}

// bounded drops the oldest steps that are too many or too large.
func bounded(steps []*step) []*step {
	n, size := len(steps), 0
	for n > 0 && len(steps)-n < maxSteps && size+steps[n-1].size() <= maxStepBytes {
		n--
		size += steps[n].size()
	}
	return slices.Clone(steps[n:])
}

// turn works out the version that follows another.
type turn struct {
	layouts []*layout
	recent  map[string]bool
	fold    bool // all names go to the whole zone
	steps   [2]step
}

// turn begins what follows a version, which may be none.
func (z *zone) turn(old *version, fold bool) *turn {
	t := &turn{layouts: z.layouts, fold: fold || len(z.layouts) == 1, recent: map[string]bool{}}
	if old != nil {
		t.recent = maps.Clone(old.recent)
	}
	return t
}

// seen takes note of a name whose effect changes.
func (t *turn) seen(name string, before, after names.Effect) {
	for i := range t.steps {
		if len(t.steps[i].names) < maxList {
			t.steps[i].names = append(t.steps[i].names, name)
		}
	}
	too, is := t.recent[name]
	var old, next [2]names.Effect
	if is {
		old[recent] = before
	}
	if !is || too {
		old[whole] = before
	}
	delete(t.recent, name)
	switch none := (names.Effect{}); {
	case t.fold:
		next[whole] = after
	case after != none:
		next[recent] = after
		t.recent[name] = false
	}
	for i := range t.steps {
		t.record(i, name, old[i], next[i])
	}
}

// record writes down what a change of a name is in one zone, as long as that is
// not too much to send.
func (t *turn) record(zone int, name string, before, after names.Effect) {
	s := &t.steps[zone]
	if before == after || s.size() > maxStepBytes {
		return
	}
	l := t.layouts[zone]
	for _, below := range [...]bool{false, true} {
		was, is := before.Here, after.Here
		if below {
			was, is = before.Below, after.Below
		}
		if was != is {
			s.removed = records(l, s.removed, name, below, was)
			s.added = records(l, s.added, name, below, is)
		}
	}
}

// gather puts what only the recent zone has into the whole one too, at a fold.
func (t *turn) gather(h *names.Held) {
	for name, too := range t.recent {
		if !too {
			t.record(whole, name, names.Effect{}, h.Effect(name))
			t.recent[name] = true
		}
	}
}

// clear takes out of the recent zone what the whole one has.
func (t *turn) clear(h *names.Held) {
	for name, too := range t.recent {
		if too {
			t.record(recent, name, h.Effect(name), names.Effect{})
			delete(t.recent, name)
		}
	}
}

// version is what comes of it under a serial. A zone in which nothing changed
// stays as it is.
func (t *turn) version(old *version, h *names.Held, serial uint32) *version {
	v := &version{serial: serial, held: h, recent: t.recent}
	for i := range t.layouts {
		next := &served{serial: serial}
		if s := &t.steps[i]; old != nil {
			was := old.zones[i]
			switch {
			case s.size() == 0:
				next = was
			case s.size() <= maxStepBytes:
				s.from, s.to = was.serial, serial
				s.removed, s.added = t.layouts[i].probed(s.removed, was.serial), t.layouts[i].probed(s.added, serial)
				next.steps = bounded(append(slices.Clone(was.steps), s))
			}
		}
		v.zones = append(v.zones, next)
	}
	return v
}
