package format

import (
	"encoding/json"
	"hash/maphash"
	"strings"

	"noroshi/internal/engine/event"
)

// node is a key at its place: the same key inside another object is another
// node. Records of one kind have the same nodes, and so everything that is to
// be known of a name is looked up once and kept here.
type node struct {
	id     uint32
	mark   uint16 // 1 + the bit that it sets, if a dialect is told by it
	nested bool   // its list holds events of their own
	holds  bool   // its text may be an event in JSON
	tree   bool   // its list holds nodes like the one it stands in
	raw    []byte // the key as it stands, with quotes and colon
	path   string // dotted, without what was wrapped around the event
	parent *node
	first  follow // the first keys inside it
	next   follow // the keys after it
	whole  *node  // stands for the text of all of it, if a dialect wants that
	hash   uint64
	chain  *node // the next in the same bucket
}

// follow are the two keys that last followed.
type follow struct{ one, two *node }

// maxNodes is how many nodes are kept. A log that makes up keys has more; then
// all are forgotten and learned again.
const maxNodes = 1 << 16

// shaper knows the nodes that were seen, and what each dialect calls them.
type shaper struct {
	options Options
	tables  *tables
	root    *node
	nodes   []*node
	buckets []*node
	seed    maphash.Seed
	plans   []plan // by dialect
	last    marks
	chosen  int    // the dialect of last
	source  string // the file last asked for
	service string // that its name says
	words   map[string]string
	tails   []tail // of the record at hand
	twice   bool   // the record at hand says twice, and differently, what log it is of
}

func newShaper(o Options) *shaper {
	s := &shaper{options: o, tables: compiled(), seed: maphash.MakeSeed(), chosen: -1, words: map[string]string{}}
	s.plans = make([]plan, len(s.tables.dialects))
	s.forget()
	return s
}

// forget empties the table of nodes.
func (s *shaper) forget() {
	s.root = &node{}
	s.nodes = append(s.nodes[:0], s.root)
	s.buckets = make([]*node, 1<<10)
	for i := range s.plans {
		s.plans[i] = nil
	}
}

// full reports whether it is time to forget, which is done between records.
func (s *shaper) full() bool { return len(s.nodes) >= maxNodes }

// child returns the node of a key, as it stands between its quotes, inside
// another.
func (s *shaper) child(in *node, key []byte) *node {
	h := maphash.Bytes(s.seed, key) ^ uint64(in.id)*0x9e3779b97f4a7c15
	for n := s.buckets[h%uint64(len(s.buckets))]; n != nil; n = n.chain {
		if n.hash == h && n.parent == in && string(n.raw[1:len(n.raw)-2]) == string(key) {
			return n
		}
	}
	if s.full() {
		// A record may go beyond the limit by what it holds itself; those keys
		// share a node that has no name.
		return s.nameless()
	}
	return s.learn(in, key, h)
}

func (s *shaper) nameless() *node {
	return &node{id: 0, raw: []byte(`"":`), parent: s.root}
}

func (s *shaper) learn(in *node, key []byte, h uint64) *node {
	if len(s.nodes) > len(s.buckets) {
		s.rehash()
	}
	raw := make([]byte, 0, len(key)+3)
	raw = append(append(append(raw, '"'), key...), `":`...)
	name := string(key)
	if strings.ContainsRune(name, '\\') {
		var plain string
		if json.Unmarshal(raw[:len(raw)-1], &plain) == nil {
			name = plain
		}
	}
	n := s.add(in, strings.ToValidUTF8(name, "\uFFFD"))
	n.raw, n.hash = raw, h
	at := &s.buckets[h%uint64(len(s.buckets))]
	n.chain, *at = *at, n
	return n
}

// add makes a node of a name inside another, which is found again only by who
// keeps it: readers of tables make one for each column.
func (s *shaper) add(in *node, name string) *node {
	n := &node{id: uint32(len(s.nodes)), parent: in, path: name}
	if in.path != "" {
		n.path = in.path + "." + name
	}
	if in == s.root && s.tables.wraps(name, s.root) {
		n.path = ""
	}
	s.nodes = append(s.nodes, n)
	if len(n.path) > 4*maxKey {
		n.path = n.path[:4*maxKey]
	}
	if n.path == "" {
		return n
	}
	n.mark = s.tables.marks[n.path]
	n.holds = holders[n.path]
	n.tree = name == "__children"
	n.nested = n.tree || s.tables.nested[n.path]
	if s.tables.whole[n.path] {
		n.whole = &node{id: uint32(len(s.nodes)), parent: n, path: n.path}
		s.nodes = append(s.nodes, n.whole)
	}
	return n
}

// holders are names whose text may be the event itself, in JSON.
var holders = map[string]bool{
	"AuditData": true, "_raw": true, "log": true, "message": true, "Message": true, "event.original": true,
	"@message": true, "textPayload": true, "MESSAGE": true,
}

func (s *shaper) rehash() {
	s.buckets = make([]*node, 4*len(s.buckets))
	for _, n := range s.nodes {
		if n.raw != nil {
			at := &s.buckets[n.hash%uint64(len(s.buckets))]
			n.chain, *at = *at, n
		}
	}
}

// marks are the nodes seen in a record by which dialects are told.
type marks [5]uint64

func (m *marks) set(mark uint16) { m[(mark-1)>>6] |= 1 << ((mark - 1) & 63) }

func (m *marks) any(of *marks) bool {
	return m[0]&of[0]|m[1]&of[1]|m[2]&of[2]|m[3]&of[3]|m[4]&of[4] != 0
}

// dialect returns the number of the dialect of a record.
func (s *shaper) dialect(m marks) int {
	if m != s.last || s.chosen < 0 {
		s.last, s.chosen = m, s.tables.choose(&m)
	}
	return s.chosen
}

// isPlain reports whether no dialect is told by the marks.
func (s *shaper) isPlain(m marks) bool { return s.dialect(m) == len(s.tables.dialects)-1 }

// name returns what a dialect calls a node, by the user's mapping first.
func (s *shaper) name(d *dialect, n *node) event.Name {
	if m := s.options.Mapping; m != nil {
		if to, ok := m.Fields[n.path]; ok {
			return s.options.Names.ID(to)
		}
	}
	return s.options.Names.ID(d.rename(n.path))
}
