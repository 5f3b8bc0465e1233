package selector

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// The bounds of byte patterns. Together they bound the automaton to some 15 MB.
const (
	minPattern      = 4
	maxPattern      = 64
	maxPatterns     = 1 << 16
	maxPatternBytes = 1 << 20
)

// parsePattern reads "hex:63 6d 64 2e", bare hexadecimal digits, or a text in
// quotation marks with the escapes of Go ("\x00\r\n").
func parsePattern(text string) (parsed, error) {
	var b []byte
	var err error
	if strings.HasPrefix(text, `"`) {
		var s string
		s, err = strconv.Unquote(text)
		b = []byte(s)
	} else {
		b, err = hex.DecodeString(strings.NewReplacer(" ", "", ":", "").Replace(strings.TrimPrefix(text, "hex:")))
	}
	if err != nil {
		return parsed{}, bad(BadPattern, Pattern, text)
	}
	if len(b) < minPattern || len(b) > maxPattern {
		return parsed{}, bad(BadPatternSz, Pattern, text)
	}
	return parsed{form: formPattern, bytes: b}, nil
}

// Patterns finds all byte patterns of a Set in one pass (Aho and Corasick 1975).
// States are numbered in breadth-first order, so that the children of one lie
// side by side and an edge is one byte.
type Patterns struct {
	rows  []State  // of the first states, where each byte leads to: 256 each
	first []uint32 // children of s: first[s] up to first[s+1]
	label []byte   // by which byte a state is entered
	fail  []State  // the longest other suffix that is a state
	out   []ID     // the longest pattern that ends here
}

// State is what a stream has shown so far that could be the beginning of a
// pattern; the zero State is the beginning of a stream. It belongs to the Set
// that gave it; one that cannot be its own counts as the beginning.
type State uint32

// Patterns returns what finds the byte patterns, nil when the Set has none.
func (s *Set) Patterns() *Patterns { return s.patterns }

// States returns the size of the automaton, in states of 13 bytes.
func (p *Patterns) States() int { return len(p.out) }

// Scan reads the next bytes of a stream. It returns the state after all of
// them, for the bytes that follow, and the pattern that ended first among them
// (of those ending there, the longest), 0 when none did. No byte is kept, only
// the state: it says at most which beginning of a pattern was seen last.
func (p *Patterns) Scan(state State, b []byte) (State, ID) {
	s := state
	if int(s) >= len(p.out) {
		s = 0
	}
	rows := State(len(p.rows) >> 8)
	var found ID
	for _, c := range b {
		for s >= rows {
			next := p.child(s, c)
			if next != 0 {
				s = next
				goto entered
			}
			s = p.fail[s]
		}
		s = p.rows[int(s)<<8|int(c)]
	entered:
		if p.out[s] != 0 && found == 0 {
			found = p.out[s]
		}
	}
	return s, found
}

func (p *Patterns) child(s State, c byte) State {
	lo, hi := p.first[s], p.first[s+1]
	edges := p.label[lo:hi]
	if len(edges) > 8 {
		if i, ok := slices.BinarySearch(edges, c); ok {
			return State(lo) + State(i)
		}
		return 0
	}
	for i, e := range edges {
		if e == c {
			return State(lo) + State(i)
		}
	}
	return 0
}

// span is a state while the tree grows: the patterns of a sorted list that
// begin alike.
type span struct{ lo, hi uint32 }

// buildPatterns makes the automaton of patterns, sorted by their bytes, with
// their IDs beside them.
func buildPatterns(list [][]byte, ids []ID) *Patterns {
	p := &Patterns{label: []byte{0}, fail: []State{0}, out: []ID{0}, first: []uint32{1}}
	level := []span{{0, uint32(len(list))}}
	state := 0
	for depth := 0; len(level) > 0; depth++ {
		var below []span
		for _, n := range level {
			for i := n.lo; i < n.hi; {
				if len(list[i]) == depth { // sorted: it comes first, and there is one
					i++
					continue
				}
				c, j := list[i][depth], i
				for j < n.hi && list[j][depth] == c {
					j++
				}
				id := ID(0)
				if len(list[i]) == depth+1 {
					id = ids[i]
				}
				p.enter(State(state), c, id)
				below = append(below, span{i, j})
				i = j
			}
			p.first = append(p.first, uint32(len(p.label)))
			state++
		}
		level = below
	}
	return p.hasten()
}

// maxFast bounds the states with rows of their own: they are the ones where
// nearly every byte of a stream ends.
const maxFast = 1024

// hasten writes the rows; a state fails only to one before it.
func (p *Patterns) hasten() *Patterns {
	n := min(len(p.out), maxFast)
	p.rows = make([]State, n<<8)
	for s := range n {
		row := p.rows[s<<8:][:256]
		if s > 0 {
			copy(row, p.rows[p.fail[s]<<8:])
		}
		for i := p.first[s]; i < p.first[s+1]; i++ {
			row[p.label[i]] = State(i)
		}
	}
	return p
}

// enter adds the state that c leads to from its parent. All states before it in
// breadth-first order are there, so where it fails to is known.
func (p *Patterns) enter(parent State, c byte, id ID) {
	fail := State(0)
	if parent != 0 {
		f := p.fail[parent]
		for f != 0 && p.child(f, c) == 0 {
			f = p.fail[f]
		}
		fail = p.child(f, c)
	}
	if id == 0 {
		id = p.out[fail]
	}
	p.label, p.fail, p.out = append(p.label, c), append(p.fail, fail), append(p.out, id)
}

// indexPatterns makes the automaton of the list's patterns.
func (s *Set) indexPatterns() error {
	type pattern struct {
		b  []byte
		id ID
	}
	var all []pattern
	total := 0
	for id, o := range s.body.all {
		if o.form == formPattern {
			all = append(all, pattern{o.value, id})
			total += len(o.value)
		}
	}
	if len(all) == 0 {
		return nil
	}
	if len(all) > maxPatterns || total > maxPatternBytes {
		return damaged("%d patterns of %d bytes", len(all), total)
	}
	slices.SortFunc(all, func(a, b pattern) int { return bytes.Compare(a.b, b.b) })
	list, ids := make([][]byte, len(all)), make([]ID, len(all))
	for i, o := range all {
		if list[i], ids[i] = o.b, o.id; i > 0 && bytes.Equal(list[i-1], o.b) {
			return twice(ids[i-1], o.id)
		}
	}
	s.patterns = buildPatterns(list, ids)
	return nil
}
