package domain

import (
	"net/netip"
	"unsafe"

	"noroshi/internal/engine/detect/distinct"
	"noroshi/internal/engine/memory"
)

// Limits set what a Watch finds and how much it remembers.
type Limits struct {
	Sources  int     // hosts watched at once; the one longest silent makes room
	Window   int64   // ns: how far back names count together, at least half of it
	Names    float64 // different generated names from which a host is told of
	Missing  float64 // share of them that must not exist, 0 … 1
	LeanOver float64 // different missing names from which many half-likely ones are enough
	Seed     uint64  // of the hashes of names
}

// DefaultLimits are for one site: an hour, 16,384 hosts (about 20 MiB).
func DefaultLimits() Limits {
	return Limits{Sources: 16384, Window: 3600e9, Names: 8, Missing: 0.5, LeanOver: 30}
}

// Watch finds hosts that ask for many names an algorithm made, most of which
// do not exist: a program looking for its master. It keeps counts and hashes
// only, in bounded memory, and is not safe for use by many goroutines.
type Watch struct {
	limits Limits
	index  map[netip.Addr]int32
	pages  []*[hostPage]host
	made   int // hosts, in all pages
	hand   int
	seen   Counts
}

// Counts tell what a Watch did.
type Counts struct {
	Queries, Judged, Generated int64
	Forgotten                  int64 // hosts that made room for others
}

// half is what a host did in one half of the window.
type half struct {
	start, end       int64
	queries, missing uint32
	made, madeGone   uint32 // new generated names, and those of them that do not exist
	probability      float32
	lean             uint32           // new missing names of probability 0.5 and more
	names            distinct.Counter // generated
	gone             distinct.Counter // missing, generated or not
}

type host struct {
	addr     netip.Addr
	told     float64 // names at the last finding
	used     bool
	now, old half // what every query changes comes first
}

// Finding is a host that asks for generated names. Its numbers are those of
// the window; the score is the mean of its three parts, each from 0 to 1.
type Finding struct {
	Source     netip.Addr
	Start, End int64   // ns since 1970 UTC, of the queries counted
	Queries    int64   // queries of the host
	Missing    int64   // of them answered by NXDOMAIN
	Names      float64 // different generated names, estimated
	MadeGone   int64   // of the generated names, those that do not exist
	GoneNames  float64 // different names that do not exist, estimated
	Lean       bool    // found by many half-likely names: made of words or syllables

	Score     float64
	ByCount   float64 // names / (names + the limit)
	ByMissing float64 // share of the generated names that do not exist
	ByModel   float64 // mean probability of the generated names
}

// NewWatch starts watching. Limits of 0 take the default.
func NewWatch(l Limits) *Watch {
	d := DefaultLimits()
	if l.Sources <= 0 {
		l.Sources = d.Sources
	}
	if l.Window <= 0 {
		l.Window = d.Window
	}
	if l.Names <= 0 {
		l.Names = d.Names
	}
	if l.Missing <= 0 {
		l.Missing = d.Missing
	}
	if l.LeanOver <= 0 {
		l.LeanOver = d.LeanOver
	}
	return &Watch{limits: l, index: make(map[netip.Addr]int32, l.Sources)}
}

// Counts returns what was done so far.
func (w *Watch) Counts() Counts { return w.seen }

// Observe takes one answered query: when (ns since 1970 UTC; a step back in time counts
// to the present window), who asked, the name as it was asked, and whether
// the answer was NXDOMAIN. It reports a host when its names reach the limits,
// and again each time they have doubled.
func Observe[T string | []byte](w *Watch, at int64, source netip.Addr, name T, missing bool) (Finding, bool) {
	v := Score(name)
	q := Query{At: at, Source: source, Judged: v.Judged, Probability: v.Probability, Missing: missing}
	if v.Judged {
		q.Name = distinct.Hash(w.limits.Seed, name[v.Start:])
	}
	return w.Add(q)
}

// Query is an answered query whose name was judged where it was read, so that
// the name itself need not come here.
type Query struct {
	At          int64 // ns since 1970 UTC
	Source      netip.Addr
	Name        uint64  // hash of the registered domain, its bits evenly spread
	Judged      bool    // from the Verdict
	Probability float32 // from the Verdict
	Missing     bool    // NXDOMAIN
}

// Add is Observe for a query that was judged before.
func (w *Watch) Add(q Query) (Finding, bool) { return w.AddAt(new(int32), q) }

// AddAt is Add for a caller who remembers of each source where the Watch has it,
// which spares looking for it. at is 0 at first; what it says of another source,
// or of one that made room, does no harm.
func (w *Watch) AddAt(at *int32, q Query) (Finding, bool) {
	w.seen.Queries++
	if !q.Judged {
		return Finding{}, false
	}
	w.seen.Judged++
	if i := int(*at) - 1; i >= 0 && i < w.made && w.at(i).addr == q.Source {
		w.at(i).used = true
	} else {
		*at = w.host(q.Source) + 1
	}
	h := w.at(int(*at - 1))
	hash, missing := q.Name, q.Missing
	w.turn(h, q.At)
	n := &h.now
	n.end = max(n.end, q.At)
	n.queries++
	if missing {
		n.missing++
		if n.gone.Add(hash) && q.Probability >= 0.5 {
			n.lean++
		}
	}
	if q.Probability >= Threshold() {
		w.seen.Generated++
		if n.names.Add(hash) {
			n.made++
			n.probability += q.Probability
			if missing {
				n.madeGone++
			}
		}
	} else if !missing {
		return Finding{}, false
	}
	return w.judge(h)
}

// judge reports a host that is over the limits for the first time, or has
// doubled since.
func (w *Watch) judge(h *host) (f Finding, ok bool) {
	a, b := &h.now, &h.old
	made, gone, lean := a.made+b.made, a.madeGone+b.madeGone, a.lean+b.lean
	many := float64(made) >= w.limits.Names && float64(gone) >= w.limits.Missing*float64(made)
	// Fewer than one name in thirty that a person chose is half-likely.
	words := float64(lean) >= w.limits.Names && float64(a.missing+b.missing) >= w.limits.LeanOver
	if !many && !words {
		return f, false
	}
	f.GoneNames = distinct.Union(&a.gone, &b.gone)
	f.Names = distinct.Union(&a.names, &b.names)
	words = words && !many && f.GoneNames >= w.limits.LeanOver && float64(lean) >= 0.12*f.GoneNames
	size := f.Names
	if words {
		size = f.GoneNames
	}
	if !many && !words || size < w.limits.Names*0.9 || size < 2*h.told {
		return f, false
	}
	h.told = size
	f.Source, f.Start, f.End = h.addr, a.start, a.end
	if b.queries > 0 {
		f.Start = b.start
	}
	f.Queries, f.Missing = int64(a.queries+b.queries), int64(a.missing+b.missing)
	f.MadeGone, f.Lean = int64(gone), words
	f.ByCount = size / (size + w.limits.Names)
	if words {
		f.ByMissing = float64(f.Missing) / float64(f.Queries)
		f.ByModel = min(1, float64(lean)/f.GoneNames)
	} else {
		f.ByMissing = float64(gone) / float64(made)
		f.ByModel = float64(a.probability+b.probability) / float64(made)
	}
	f.Score = (f.ByCount + f.ByMissing + f.ByModel) / 3
	return f, true
}

// turn moves the window on when its newer half is full.
func (w *Watch) turn(h *host, at int64) {
	age := at - h.now.start
	switch {
	case h.now.queries == 0:
		h.now.start, h.now.end = at, at
	case age >= w.limits.Window:
		h.now, h.old, h.told = half{start: at, end: at}, half{}, 0
	case age >= w.limits.Window/2:
		h.old, h.now = h.now, half{start: at, end: at}
		h.told /= 2
	}
}

// host finds where the state of a source is, making room by the clock rule: the
// hand passes over hosts heard of since it last came by.
func (w *Watch) host(source netip.Addr) int32 {
	if i, ok := w.index[source]; ok {
		w.at(int(i)).used = true
		return i
	}
	at := w.made
	if at < w.limits.Sources {
		if at == len(w.pages)*hostPage {
			page := new([hostPage]host)
			memory.Large(page[:])
			w.pages = append(w.pages, page)
		}
		w.made++
	} else {
		for w.at(w.hand).used {
			w.at(w.hand).used = false
			w.hand = (w.hand + 1) % w.made
		}
		at = w.hand
		delete(w.index, w.at(at).addr)
		w.hand = (w.hand + 1) % w.made
		w.seen.Forgotten++
	}
	w.index[source] = int32(at)
	*w.at(at) = host{addr: source}
	return int32(at)
}

// hostPage is how many hosts are made at a time.
const hostPage = 64

// at returns a host by its number from 0 on.
func (w *Watch) at(i int) *host { return &w.pages[i/hostPage][i%hostPage] }

// frontOf is how much of a host every query looks at, in bytes.
const frontOf = unsafe.Offsetof(host{}.now) + unsafe.Offsetof(half{}.names)

// Soon has what AddAt will look at fetched, by the number that AddAt gave.
func (w *Watch) Soon(at int32) {
	if i := int(at) - 1; i >= 0 && i < w.made {
		memory.Begins(w.at(i), frontOf)
	}
}
