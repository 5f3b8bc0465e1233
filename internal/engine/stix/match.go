package stix

import (
	"errors"
	"math"
	"slices"
	"sort"
	"time"
)

// Observed is one observed-data: what was seen between First and Last, Count
// times. Objects are the STIX objects it refers to, by id, as encoding/json
// decodes them (map[string]any, []any, string, float64, json.Number, bool).
type Observed struct {
	First, Last time.Time
	Count       int64
	Objects     map[string]map[string]any
}

var (
	// ErrSteps says that a match was given up because it took too many steps.
	ErrSteps = errors.New("stix pattern: gave up after too many steps")
	// ErrKinds says that a value or a set cannot be compared as the pattern asks:
	// a set of mixed kinds, or a time compared with a text that is none.
	ErrKinds = errors.New("stix pattern: values of these kinds cannot be compared")
)

// MaxSteps bounds the work of one Match: tests of values and tries to bind
// observations together.
const MaxSteps = 1 << 20

// Match reports whether the observations satisfy the pattern: whether each
// bracket can be given observations of its own so that all joins and
// qualifiers hold. An observed-data seen Count times can serve Count brackets.
// Its time may lie anywhere from First to Last (the most favourable is taken).
// Errors are ErrSteps and ErrKinds.
func (p *Pattern) Match(seen []Observed) (bool, error) {
	s := &search{steps: MaxSteps, seen: seen, left: make([]int64, len(seen)), leaves: map[*Observation][]int{}}
	for i := range seen {
		s.left[i] = max(seen[i].Count, 0)
	}
	found := s.bind(p.Root, scope{within: math.MaxInt64}, func(span) bool { return s.err == nil })
	return found && s.err == nil, s.err
}

// search holds one run of Match: how often each observation can still be used
// and which observations satisfy a bracket.
type search struct {
	seen   []Observed
	left   []int64
	leaves map[*Observation][]int // sorted by First
	steps  int
	err    error
}

// scope is what the qualifiers around an expression ask of everything in it.
type scope struct {
	start, stop time.Time // zero: no bound
	within      time.Duration
	never       bool // START is not before STOP
}

// span sums up the observations bound so far: the latest First and the
// earliest Last. That is all that WITHIN and FOLLOWEDBY need to know.
type span struct {
	first, last time.Time
	any         bool
}

func (a span) join(b span) span {
	if !a.any {
		return b
	}
	if !b.any {
		return a
	}
	if b.first.After(a.first) {
		a.first = b.first
	}
	if b.last.Before(a.last) {
		a.last = b.last
	}
	return a
}

func (a span) within(d time.Duration) bool {
	return !a.any || d == math.MaxInt64 || !a.first.After(a.last.Add(d))
}

// step counts one unit of work and reports whether the search may go on.
func (s *search) step() bool {
	if s.steps--; s.steps < 0 && s.err == nil {
		s.err = ErrSteps
	}
	return s.err == nil
}

// bind tries every way to give observations to the expression, and for each
// asks then whether the rest fits. It leaves s.left as it was, unless it found
// a way.
func (s *search) bind(o *Observation, in scope, then func(span) bool) bool {
	return s.qualified(o, len(o.Qualifiers), in, then)
}

// qualified binds the expression with its first n qualifiers; the last of them
// is the outermost.
func (s *search) qualified(o *Observation, n int, in scope, then func(span) bool) bool {
	if !s.step() || in.never {
		return false
	}
	if n == 0 {
		return s.plain(o, in, then)
	}
	q := o.Qualifiers[n-1]
	switch {
	case q.Within > 0:
		in.within = min(in.within, q.Within)
		return s.qualified(o, n-1, in, func(got span) bool { return got.within(q.Within) && then(got) })
	case q.Repeats > 0:
		if n == 1 && o.Join == Alone {
			return s.repeatLeaf(o, q.Repeats, in, then)
		}
		return s.repeat(o, n-1, q.Repeats, in, span{}, then)
	}
	if in.start.IsZero() || q.Start.After(in.start) {
		in.start = q.Start
	}
	if in.stop.IsZero() || q.Stop.Before(in.stop) {
		in.stop = q.Stop
	}
	in.never = !q.Start.Before(q.Stop)
	return s.qualified(o, n-1, in, then)
}

func (s *search) plain(o *Observation, in scope, then func(span) bool) bool {
	switch o.Join {
	case Alone:
		return s.repeatLeaf(o, 1, in, then)
	case Or:
		return s.bind(o.Left, in, then) || s.err == nil && s.bind(o.Right, in, then)
	}
	return s.bind(o.Left, in, func(a span) bool {
		return s.bind(o.Right, in, func(b span) bool {
			// Favourable times: the left as early, the right as late as it can be.
			if o.Join == FollowedBy && a.first.After(b.last) {
				return false
			}
			both := a.join(b)
			return both.within(in.within) && then(both)
		})
	})
}

// maxRepeat bounds how often a compound expression can be asked for: each
// repetition is one level of recursion.
const maxRepeat = 4096

func (s *search) repeat(o *Observation, n int, times int64, in scope, sofar span, then func(span) bool) bool {
	if times == 0 {
		return then(sofar)
	}
	if times > maxRepeat {
		s.err = ErrSteps
		return false
	}
	return s.qualified(o, n, in, func(got span) bool {
		all := sofar.join(got)
		return all.within(in.within) && s.repeat(o, n, times-1, in, all, then)
	})
}

// repeatLeaf binds one bracket times times. Candidates stand in the order of
// First, so that the ones that still fit a WITHIN are a run of neighbours.
func (s *search) repeatLeaf(o *Observation, times int64, in scope, then func(span) bool) bool {
	list := s.candidates(o)
	var choose func(from int, need int64, got span) bool
	choose = func(from int, need int64, got span) bool {
		if need == 0 {
			return then(got)
		}
		for i := from; i < len(list) && s.step(); i++ {
			w := list[i]
			at := &s.seen[w]
			one := span{at.First, at.Last, true}
			if s.left[w] == 0 || !in.holds(one) {
				continue
			}
			all := got.join(one)
			if !all.within(in.within) {
				if all.last.Equal(got.last) && got.any {
					return false // all that follow are later still
				}
				continue
			}
			if !s.enough(list[i:], need, all, in) {
				continue
			}
			for n := min(need, s.left[w]); n > 0 && s.step(); n-- {
				s.left[w] -= n
				ok := choose(i+1, need-n, all)
				if ok {
					return true
				}
				s.left[w] += n
			}
		}
		return false
	}
	return choose(0, times, span{})
}

// enough reports whether the candidates can still serve need uses, so that a
// search that cannot end well is not begun.
func (s *search) enough(list []int, need int64, got span, in scope) bool {
	for _, w := range list {
		if !s.step() || in.within != math.MaxInt64 && s.seen[w].First.After(got.last.Add(in.within)) {
			return false
		}
		if need -= s.left[w]; need <= 0 {
			return true
		}
	}
	return false
}

// holds reports whether some time of the observation lies from START up to but
// not including STOP.
func (in scope) holds(o span) bool {
	return (in.start.IsZero() || !o.last.Before(in.start)) && (in.stop.IsZero() || o.first.Before(in.stop))
}

// candidates are the observations that satisfy a bracket, found once.
func (s *search) candidates(o *Observation) []int {
	list, known := s.leaves[o]
	if known {
		return list
	}
	for i := range s.seen {
		if s.left[i] == 0 && s.seen[i].Count <= 0 {
			continue
		}
		if s.satisfies(o.Test, &s.seen[i]) {
			list = append(list, i)
		}
		if s.err != nil {
			return nil
		}
	}
	sort.SliceStable(list, func(a, b int) bool { return s.seen[list[a]].First.Before(s.seen[list[b]].First) })
	s.leaves[o] = list
	return list
}

// satisfies reports whether one object of the observation satisfies the whole
// comparison: tests joined by AND speak of the same object.
func (s *search) satisfies(c *Comparison, o *Observed) bool {
	ids := make([]string, 0, len(o.Objects))
	for id := range o.Objects {
		ids = append(ids, id)
	}
	slices.Sort(ids) // so that the same input gives the same error
	for _, id := range ids {
		if s.holds(c, o, o.Objects[id]) {
			return true
		}
	}
	return false
}

func (s *search) holds(c *Comparison, o *Observed, object map[string]any) bool {
	switch c.Join {
	case And:
		return s.holds(c.Left, o, object) && s.holds(c.Right, o, object)
	case Or:
		return s.holds(c.Left, o, object) || s.holds(c.Right, o, object)
	}
	if !s.step() {
		return false
	}
	if kind, _ := object["type"].(string); kind != c.Path.Type {
		return false
	}
	if c.mixed {
		s.err = ErrKinds
		return false
	}
	values := s.follow(c.Path.Steps, o, object)
	if c.Op == Exists {
		return (len(values) > 0) != c.Negate
	}
	for _, v := range values {
		ok, err := c.test(v)
		if err != nil && s.err == nil {
			s.err = err
		}
		if s.err != nil {
			return false
		}
		if ok != c.Negate {
			return true
		}
	}
	return false
}
