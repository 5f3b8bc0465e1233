package correlate

// sequence looks for rules one after the other. Hits of one time stand in any
// order: many logs count whole seconds, and which file is read first says
// nothing about which event came first.
type sequence struct {
	before [][]mark // [i]: of the hits before now, the chain over the first i+1 rules that began last
	now    [][]mark // hits of one time, by the first place of their rule; as many as it has places
	at     int64
	from   []int // [i]: from which place on the chain over i+1 rules is made of hits of now; i+1: none
	best   int   // the longest chain within the span
	first  []int // by place: the first one of its rule
	used   []int
}

func newSequence(n *node) *sequence {
	k := len(n.first)
	w := &sequence{before: make([][]mark, k), now: make([][]mark, k), from: make([]int, k), first: n.first, used: make([]int, k)}
	for i := range w.from {
		w.from[i] = i + 1
	}
	return w
}

func (w *sequence) add(n *node, h *hit) (float64, bool) {
	if h.time != w.at {
		w.pass(h.time)
	}
	if list := &w.now[h.position]; len(*list) < n.places[h.position] { // more of them make no difference
		*list = append(*list, mark{time: h.time, ref: h.ref})
	}
	ends := w.extend(n.span)
	return float64(w.best), ends >= n.floor
}

// pass makes the hits of now ones before.
func (w *sequence) pass(now int64) {
	for i := len(w.before) - 1; i >= 0; i-- {
		w.before[i] = w.chain(i)
	}
	for i := range w.now {
		w.now[i], w.from[i] = w.now[i][:0], i+1
	}
	w.at = now
}

// extend finds for each place how many of the rules up to it are of now at most,
// behind a chain of hits before, and returns the length of the longest chain
// that ends now. The more of them are, the later it began.
func (w *sequence) extend(span int64) (ends int) {
	clear(w.used)
	w.best = 0
	from := 0
	for i, first := range w.first {
		w.used[first]++
		for w.used[first] > len(w.now[first]) { // each hit is one link only
			w.used[w.first[from]]--
			from++
		}
		w.from[i] = i + 1
		if from <= i && (from == 0 || w.within(from-1, span)) {
			w.from[i], ends = from, i+1
		}
		if w.from[i] <= i || w.within(i, span) {
			w.best = i + 1
		}
	}
	return ends
}

func (w *sequence) within(i int, span int64) bool {
	return len(w.before[i]) > 0 && w.at-w.before[i][0].time <= span
}

// chain returns the chain over the first i+1 rules. The rest of the window does
// not change it.
func (w *sequence) chain(i int) []mark {
	from := w.from[i]
	if from > i {
		return w.before[i]
	}
	chain := make([]mark, 0, i+1)
	if from > 0 {
		chain = append(chain, w.before[from-1]...)
	}
	clear(w.used)
	for _, first := range w.first[from : i+1] {
		chain = append(chain, w.now[first][w.used[first]])
		w.used[first]++
	}
	return chain
}

func (w *sequence) tell(f *Finding) {
	if w.best == 0 {
		return
	}
	for i, m := range w.chain(w.best - 1) {
		tellMark(f, &m, i == 0)
	}
}

func (w *sequence) len() int {
	n := 0
	for i := range w.before {
		n += len(w.before[i]) + len(w.now[i])
	}
	return n
}
