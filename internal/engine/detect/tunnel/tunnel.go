// Package tunnel finds data carried in DNS names: many different names under
// one registered domain, long and without pattern, asked by one host. It looks
// at numbers of each query and at hashes, never at a name.
package tunnel

import (
	"encoding/binary"
	"math"
	"net/netip"

	"noroshi/internal/engine/detect/distinct"
	"noroshi/internal/engine/flow/record"
)

// Query is what is known of one query and its answer.
type Query struct {
	At       int64 // ns since 1970 UTC
	Source   netip.Addr
	Domain   record.Name // the registered domain, as a finding names it
	Own      uint64      // hash of the registered domain, its bits evenly spread
	Whole    uint64      // hash of the whole name, its bits evenly spread
	Below    uint8       // bytes of the labels below the registered domain
	Entropy  uint8       // of those labels, in tenths of a bit per character
	Type     uint16      // record type asked for (RFC 1035 section 3.2.2)
	Rcode    uint8       // of the answer
	Answered bool
	Out, In  uint16 // bytes of the question and of the answer
	Service  bool   // a name service that carries data by design: see Service
}

// Limits set what a Watch finds and how much it remembers.
type Limits struct {
	Pairs  int     // pairs of host and registered domain; one long silent makes room
	Window int64   // ns: how far back queries count together, at least half of it
	Names  float64 // different names from which a pair is told of
	Score  float64 // from which a pair is told of, 0 … 1
}

// DefaultLimits are for one site: an hour, 16,384 pairs (about 12 MiB).
func DefaultLimits() Limits {
	return Limits{Pairs: 16384, Window: 3600e9, Names: 20, Score: 0.6}
}

// Parts are the reasons for a score, each from 0 to 1. The score is their
// weighted sum: see Weights.
type Parts struct {
	Names   float64 // different names: n/(n+40)
	Fresh   float64 // share of queries that ask a name for the first time
	Length  float64 // mean bytes below the registered domain: 10 → 0, 40 → 1
	Entropy float64 // mean bits per character of them: 2.5 → 0, 3.75 → 1
	Type    float64 // share of record types that can carry data back: TXT, NULL, CNAME …
	Volume  float64 // bytes of names per minute: logarithm, 10,000 → 1
	Answer  float64 // share of queries that got an answer other than NXDOMAIN
}

// Weights returns how much each part counts; they sum to 1.
func Weights() Parts {
	return Parts{Names: 0.2, Fresh: 0.15, Length: 0.2, Entropy: 0.15, Type: 0.1, Volume: 0.1, Answer: 0.1}
}

// Score is the weighted sum of the parts.
func (p Parts) Score() float64 {
	w := Weights()
	return p.Names*w.Names + p.Fresh*w.Fresh + p.Length*w.Length + p.Entropy*w.Entropy + p.Type*w.Type + p.Volume*w.Volume + p.Answer*w.Answer
}

// Finding is a pair that looks like a tunnel. Its numbers are those of the
// window.
type Finding struct {
	Source     netip.Addr
	Domain     record.Name
	Start, End int64 // ns since 1970 UTC, of the queries counted
	Queries    int64
	Names      float64 // different names, estimated
	Missing    int64   // NXDOMAIN
	Carrying   int64   // queries of types that can carry data back
	NameBytes  int64   // of the labels below the registered domain, of all queries
	Out, In    int64   // bytes of questions and of answers
	MeanLength float64
	Entropy    float64 // mean bits per character
	Parts      Parts
	Score      float64
}

// Counts tell what a Watch did.
type Counts struct {
	Queries   int64
	Services  int64 // left out: name services that carry data by design
	Plain     int64 // left out: too short to carry anything, and no pair known
	Forgotten int64 // pairs that made room for others
}

type key struct {
	source netip.Addr
	own    uint64
}

// half is what a pair did in one half of the window.
type half struct {
	start, end                  int64
	queries                     uint32
	missing, carrying, answered uint32
	below, entropy              uint64
	out, in                     uint64
	names                       distinct.Counter
}

type pair struct {
	key      key
	domain   record.Name
	now, old half
	told     float64
	used     bool
}

// Watch follows pairs of host and registered domain in bounded memory. It is
// not safe for use by many goroutines.
type Watch struct {
	limits Limits
	least  int // registers of a counter below which no pair reaches limits.Names
	index  map[key]int32
	pairs  []pair
	hand   int
	seen   Counts
	marks  marks
	stale  int // pairs that went since the marks were made
}

// marks tell of most pairs that are not known that they are not: most queries are
// of names too short to begin one.
type marks [markBits / 64]uint64

const markBits = 1 << 17

// of is where the mark of a pair stands.
func (m *marks) of(k *key) (word *uint64, bit uint64) {
	a := k.source.As16()
	h := distinct.Mix(binary.LittleEndian.Uint64(a[:]) ^ distinct.Mix(binary.LittleEndian.Uint64(a[8:])^k.own))
	return &m[h%markBits/64], 1 << (h >> 58)
}

// NewWatch starts watching. Limits of 0 take the default.
func NewWatch(l Limits) *Watch {
	d := DefaultLimits()
	if l.Pairs <= 0 {
		l.Pairs = d.Pairs
	}
	if l.Window <= 0 {
		l.Window = d.Window
	}
	if l.Names <= 0 {
		l.Names = d.Names
	}
	if l.Score <= 0 {
		l.Score = d.Score
	}
	return &Watch{limits: l, least: distinct.Least(l.Names), index: make(map[key]int32, l.Pairs), pairs: make([]pair, 0, min(l.Pairs, 1024))}
}

// Counts returns what was done so far.
func (w *Watch) Counts() Counts { return w.seen }

// minBelow is how many bytes below the registered domain are worth following:
// shorter names carry next to nothing.
const minBelow = 10

// Add takes one query. It reports a pair when it reaches the limits, and again
// each time its names have doubled.
func (w *Watch) Add(q *Query) (Finding, bool) {
	w.seen.Queries++
	if q.Service {
		w.seen.Services++
		return Finding{}, false
	}
	p := w.pair(q)
	if p == nil {
		w.seen.Plain++
		return Finding{}, false
	}
	w.turn(p, q.At)
	n := &p.now
	n.end = max(n.end, q.At)
	n.queries++
	n.below += uint64(q.Below)
	n.entropy += uint64(q.Entropy)
	n.out += uint64(q.Out)
	n.in += uint64(q.In)
	if carries(q.Type) {
		n.carrying++
	}
	const nxdomain = 3
	if q.Rcode == nxdomain {
		n.missing++
	} else if q.Answered {
		n.answered++
	}
	if !n.names.Add(q.Whole) {
		return Finding{}, false
	}
	return w.judge(p)
}

// carries reports whether answers of a type hold data of the asker's choice.
// Addresses do too, four or sixteen bytes at a time, but everybody asks for them.
func carries(kind uint16) bool {
	switch kind {
	case 5, 10, 15, 16, 24, 25, 33, 35, 37, 48, 256: // CNAME NULL MX TXT SIG KEY SRV NAPTR CERT DNSKEY URI
		return true
	}
	return kind >= 65280 // private use
}

func (w *Watch) judge(p *pair) (f Finding, ok bool) {
	a, b := &p.now, &p.old
	if a.names.Filled()+b.names.Filled() < w.least {
		return f, false
	}
	names := distinct.Union(&a.names, &b.names)
	if names < w.limits.Names || names < 2*p.told {
		return f, false
	}
	queries := float64(a.queries + b.queries)
	start := a.start
	if b.queries > 0 {
		start = b.start
	}
	below := float64(a.below + b.below)
	minutes := max(float64(a.end-start)/60e9, 0.25)
	f = Finding{Source: p.key.source, Domain: p.domain, Start: start, End: a.end, Queries: int64(queries), Names: names,
		Missing: int64(a.missing + b.missing), Carrying: int64(a.carrying + b.carrying), NameBytes: int64(below),
		Out: int64(a.out + b.out), In: int64(a.in + b.in), MeanLength: below / queries, Entropy: float64(a.entropy+b.entropy) / queries / 10}
	f.Parts = Parts{
		Names:   names / (names + 40),
		Fresh:   min(1, names/queries),
		Length:  clamp((f.MeanLength - 10) / 30),
		Entropy: clamp((f.Entropy - 2.5) / 1.25),
		Type:    float64(f.Carrying) / queries,
		Volume:  clamp(math.Log10(1+below/minutes) / 4),
		Answer:  float64(a.answered+b.answered) / queries,
	}
	f.Score = f.Parts.Score()
	if f.Score < w.limits.Score {
		return f, false
	}
	p.told = names
	return f, true
}

func clamp(x float64) float64 { return max(0, min(1, x)) }

// turn moves the window on when its newer half is full.
func (w *Watch) turn(p *pair, at int64) {
	age := at - p.now.start
	switch {
	case p.now.queries == 0:
		p.now.start, p.now.end = at, at
	case age >= w.limits.Window:
		p.now, p.old, p.told = half{start: at, end: at}, half{}, 0
	case age >= w.limits.Window/2:
		p.old, p.now = p.now, half{start: at, end: at}
		p.told /= 2
	}
}

// pair finds the state of a pair, or begins one for a name that can carry
// something. Room is made by the clock rule: the hand passes over pairs heard
// of since it last came by.
func (w *Watch) pair(q *Query) *pair {
	k := key{q.Source, q.Own}
	word, bit := w.marks.of(&k)
	if *word&bit != 0 {
		if i, ok := w.index[k]; ok {
			w.pairs[i].used = true
			return &w.pairs[i]
		}
	}
	if q.Below < minBelow && !(carries(q.Type) && q.Below >= minBelow/2) {
		return nil
	}
	*word |= bit
	if len(w.pairs) < w.limits.Pairs {
		w.pairs = append(w.pairs, pair{key: k, domain: q.Domain})
		w.index[k] = int32(len(w.pairs) - 1)
		return &w.pairs[len(w.pairs)-1]
	}
	for w.pairs[w.hand].used {
		w.pairs[w.hand].used = false
		w.hand = (w.hand + 1) % len(w.pairs)
	}
	p := &w.pairs[w.hand]
	delete(w.index, p.key)
	w.index[k] = int32(w.hand)
	*p = pair{key: k, domain: q.Domain}
	w.hand = (w.hand + 1) % len(w.pairs)
	w.seen.Forgotten++
	if w.stale++; w.stale > len(w.pairs) {
		w.remark()
	}
	return p
}

// remark takes the marks of pairs away that went.
func (w *Watch) remark() {
	clear(w.marks[:])
	w.stale = 0
	for i := range w.pairs {
		word, bit := w.marks.of(&w.pairs[i].key)
		*word |= bit
	}
}
