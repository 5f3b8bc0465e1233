package correlate

import (
	"container/heap"
	"errors"

	"noroshi/internal/engine/sigma"
)

// Snapshot is what an early [Engine] knows, for another one that goes on in its
// place over the same rules. Its texts are of logs and need not be UTF-8.
type Snapshot struct {
	Now    int64       `json:"now"`
	Groups []SnapGroup `json:"groups,omitempty"` // the one that waited longest first
}

// SnapGroup is the state of one correlation for one group.
type SnapGroup struct {
	Node   int      `json:"node"` // the correlation's place in the set
	Group  []byte   `json:"group"`
	Values [][]byte `json:"values,omitempty"`
	Open   bool     `json:"open,omitempty"` // it holds, and was told
	Count  float64  `json:"count,omitempty"`
	End    int64    `json:"end,omitempty"`

	Marks   [][]SnapMark `json:"marks,omitempty"` // of a counter and of values one list, of rules one for each, in order two
	Numbers *SnapNumbers `json:"numbers,omitempty"`
	Batch   *SnapBatch   `json:"batch,omitempty"`
}

// SnapNumbers are the numbers within a sliding span.
type SnapNumbers struct {
	List  []SnapNumber `json:"list"`
	Width int64        `json:"width,omitempty"` // those within it are joined
	Older int          `json:"older,omitempty"` // how many are not joined with new ones
	Every int          `json:"every,omitempty"` // how many hits one stands for
	Seen  int          `json:"seen,omitempty"`
}

// SnapNumber is one number, or several that were joined.
type SnapNumber struct {
	SnapMark         // of the first
	Last     int64   `json:"last"`
	Count    int     `json:"count"`
	Number   float64 `json:"number"`
}

// SnapMark is a hit as far as it is kept.
type SnapMark struct {
	Time   int64  `json:"time"`
	Source []byte `json:"source"`
	Record uint64 `json:"record"`
	Value  []byte `json:"value,omitempty"`
}

// SnapBatch is a span that is judged as a whole.
type SnapBatch struct {
	First int64      `json:"first"`
	Last  int64      `json:"last"`
	Hits  []SnapMark `json:"hits"`
	Count int        `json:"count"`
	Sum   float64    `json:"sum"`
	Low   float64    `json:"low"`
	High  float64    `json:"high"`
	Order [][]byte   `json:"order,omitempty"`
	Times []int      `json:"times,omitempty"` // how often each of Order was seen
	Rules uint64     `json:"rules,omitempty"`
	Full  bool       `json:"full,omitempty"`
}

// Advance lets the time pass without a hit: spans that are over by then are
// judged. A time before that of the last hit means nothing.
func (e *Engine) Advance(now int64) error {
	e.advance(max(e.now, now))
	return e.failed
}

// Snapshot returns what the engine knows. The engine must be an early one.
func (e *Engine) Snapshot() *Snapshot {
	s := &Snapshot{Now: e.now, Groups: make([]SnapGroup, 0, len(e.groups))}
	for g := e.oldest.next; g != &e.oldest; g = g.next {
		to := SnapGroup{Node: g.key.node, Group: []byte(g.key.group), Open: g.open != nil, End: g.end}
		if g.open != nil {
			to.Count = g.open.Count
		}
		for _, v := range g.values {
			to.Values = append(to.Values, []byte(v))
		}
		g.window.save(&to)
		s.Groups = append(s.Groups, to)
	}
	return s
}

var errSnapshot = errors.New("a snapshot of correlations is not what these rules make")

// Restore makes an engine that took no hit yet know what another one knew. What
// is not of this set is refused, and the engine stays as it was.
func (e *Engine) Restore(s *Snapshot) error {
	if e.stats.Hits > 0 || len(e.groups) > 0 {
		return errors.New("the engine took hits already")
	}
	made := make([]*group, 0, len(s.Groups))
	seen := map[key]bool{}
	for i := range s.Groups {
		from := &s.Groups[i]
		if from.Node < 0 || from.Node >= len(e.set.nodes) {
			return errSnapshot
		}
		n := e.set.nodes[from.Node]
		g := &group{key: key{from.Node, string(from.Group)}, window: newWindow(n, e.limits.Numbers), at: -1, end: from.End}
		if len(from.Values) != len(n.c.GroupBy) || seen[g.key] || !g.window.load(n, from) {
			return errSnapshot
		}
		seen[g.key] = true
		for _, v := range from.Values {
			g.values = append(g.values, string(v))
		}
		if from.Open {
			g.open = &Finding{Rule: n.rule, First: s.Now, Last: s.Now, Count: from.Count}
		}
		made = append(made, g)
	}
	e.now = s.Now
	for _, g := range made {
		g.entries = g.window.len()
		e.entries += g.entries
		e.groups[g.key] = g
		g.prev, g.next = e.oldest.prev, &e.oldest
		g.prev.next, e.oldest.prev = g, g
		if !e.set.nodes[g.key.node].slides {
			heap.Push(&e.ends, g)
		}
	}
	return nil
}

func saveMarks(marks []mark) []SnapMark {
	to := make([]SnapMark, len(marks))
	for i, m := range marks {
		to[i] = SnapMark{m.time, []byte(m.ref.Source), m.ref.Record, []byte(m.value)}
	}
	return to
}

func loadMarks(from []SnapMark) []mark {
	to := make([]mark, len(from))
	for i, m := range from {
		to[i] = mark{m.Time, Ref{string(m.Source), m.Record}, string(m.Value)}
	}
	return to
}

func (w *counter) save(to *SnapGroup) {
	to.Marks = [][]SnapMark{append(saveMarks(w.ring[w.next:]), saveMarks(w.ring[:w.next])...)}
}

func (w *counter) load(n *node, from *SnapGroup) bool {
	if len(from.Marks) != 1 || len(from.Marks[0]) > n.floor {
		return false
	}
	w.ring = loadMarks(from.Marks[0])
	return true
}

func (w *distinct) save(to *SnapGroup) {
	w.pack()
	to.Marks = [][]SnapMark{saveMarks(w.list)}
}

func (w *distinct) load(_ *node, from *SnapGroup) bool {
	if len(from.Marks) != 1 {
		return false
	}
	w.list = loadMarks(from.Marks[0])
	w.live = make([]bool, len(w.list))
	for i, m := range w.list {
		w.at[m.value], w.live[i] = i, true
	}
	return len(w.at) == len(w.list)
}

func (w *together) save(to *SnapGroup) {
	to.Marks = make([][]SnapMark, len(w.last))
	for i, m := range w.last {
		if w.hits != nil && w.hits[i] {
			to.Marks[i] = saveMarks([]mark{m})
		}
	}
}

func (w *together) load(_ *node, from *SnapGroup) bool {
	if len(from.Marks) != len(w.last) {
		return false
	}
	w.hits = make([]bool, len(w.last))
	for i, m := range from.Marks {
		if len(m) > 1 {
			return false
		}
		if len(m) == 1 {
			w.last[i], w.hits[i] = loadMarks(m)[0], true
		}
	}
	return true
}

func (w *sequence) save(to *SnapGroup) {
	for _, chain := range w.before {
		to.Marks = append(to.Marks, saveMarks(chain))
	}
	for _, now := range w.now {
		to.Marks = append(to.Marks, saveMarks(now))
	}
}

func (w *sequence) load(n *node, from *SnapGroup) bool {
	k := len(w.before)
	if len(from.Marks) != 2*k {
		return false
	}
	for i := range k {
		before, now := from.Marks[i], from.Marks[k+i]
		if len(before) != 0 && len(before) != i+1 || len(now) > n.places[i] {
			return false
		}
		w.before[i], w.now[i] = loadMarks(before), loadMarks(now)
		if len(now) > 0 {
			w.at = now[0].Time
		}
	}
	w.extend(n.span)
	return true
}

func saveReadings(list []reading) []SnapNumber {
	to := make([]SnapNumber, len(list))
	for i, r := range list {
		to[i] = SnapNumber{SnapMark{Time: r.first, Source: []byte(r.ref.Source), Record: r.ref.Record}, r.last, r.n, r.x}
	}
	return to
}

// loadReadings returns nil if they are not in the order of time.
func loadReadings(from []SnapNumber) []reading {
	to := make([]reading, len(from))
	for i, r := range from {
		if r.Count < 1 || r.Last < r.Time || i > 0 && r.Time < from[i-1].Last {
			return nil
		}
		to[i] = reading{r.Time, r.Last, total{r.Count, r.Number}, Ref{string(r.Source), r.Record}}
	}
	return to
}

func (w *totals) save(to *SnapGroup) {
	to.Numbers = &SnapNumbers{List: saveReadings(w.list[w.head:]), Width: w.width, Older: len(w.older)}
}

func (w *totals) load(_ *node, from *SnapGroup) bool {
	s := from.Numbers
	if s == nil || s.Width < 0 || s.Older < 0 || s.Older > len(s.List) || len(s.List) > w.limit {
		return false
	}
	w.width, w.list = s.Width, loadReadings(s.List)
	if len(w.list) == 0 {
		return false
	}
	w.age(s.Older)
	for _, r := range w.list[s.Older:] {
		w.newer = w.join(w.newer, r.total)
	}
	return true
}

func (w *ranked) save(to *SnapGroup) {
	to.Numbers = &SnapNumbers{List: saveReadings(w.list[w.head:]), Every: w.every, Seen: w.seen}
}

func (w *ranked) load(_ *node, from *SnapGroup) bool {
	s := from.Numbers
	if s == nil || s.Every < 1 || s.Seen < 1 || len(s.List) >= w.limit {
		return false
	}
	w.every, w.seen, w.list = s.Every, s.Seen, loadReadings(s.List)
	w.sort()
	return len(w.list) > 0
}

func (w *batch) save(to *SnapGroup) {
	b := &SnapBatch{First: w.first, Last: w.last, Count: w.count, Sum: w.sum, Low: w.low, High: w.high, Rules: w.rules, Full: w.full}
	for _, ref := range w.hits {
		b.Hits = append(b.Hits, SnapMark{Source: []byte(ref.Source), Record: ref.Record})
	}
	for _, v := range w.order {
		b.Order, b.Times = append(b.Order, []byte(v)), append(b.Times, w.values[v])
	}
	to.Batch = b
}

func (w *batch) load(_ *node, from *SnapGroup) bool {
	b := from.Batch
	if b == nil || b.Count < 1 || len(b.Order) != len(b.Times) || len(b.Order) > sigma.MaxDistinct || len(b.Hits) > shown {
		return false
	}
	w.first, w.last, w.count, w.sum, w.low, w.high, w.rules, w.full = b.First, b.Last, b.Count, b.Sum, b.Low, b.High, b.Rules, b.Full
	for _, m := range b.Hits {
		w.hits = append(w.hits, Ref{string(m.Source), m.Record})
	}
	for i, v := range b.Order {
		w.order = append(w.order, string(v))
		w.values[string(v)] = b.Times[i]
	}
	return len(w.values) == len(w.order)
}
