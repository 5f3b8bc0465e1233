package detect

import (
	"math/bits"
	"slices"
	"strconv"

	"noroshi/internal/engine/flow/record"
)

// A grid is a day folded: a row for each hour, a cell for each half minute.
const (
	rows     = 24
	cells    = 120
	cellTime = 30 * second
)

// grid keeps in which half minutes of the last 24 hours something happened,
// 0.4 KB.
type grid struct {
	Base int64 // hour since 1970 of the first row
	Cell [rows][2]uint64
}

func (g *grid) add(at int64) {
	if at < 0 || g.Base < 0 { // no time of ours
		return
	}
	h := at / hour
	if g.Base == 0 {
		g.Base = h
	}
	row := h - g.Base
	if row < 0 {
		// What comes late moves everything down, as far as there is room.
		if -row >= rows || !empty(g.Cell[rows+row:]) {
			return
		}
		copy(g.Cell[-row:], g.Cell[:rows+row])
		clear(g.Cell[:-row])
		g.Base, row = h, 0
	}
	if row >= rows {
		up := min(row-rows+1, rows)
		copy(g.Cell[:], g.Cell[up:])
		clear(g.Cell[rows-up:])
		g.Base += row - rows + 1
		row = rows - 1
	}
	c := (at % hour) / cellTime
	g.Cell[row][c/64] |= 1 << (c % 64)
}

func empty(rows [][2]uint64) bool {
	for _, r := range rows {
		if r != [2]uint64{} {
			return false
		}
	}
	return true
}

// without is what g has and other has not.
func (g *grid) without(other *grid) grid {
	out := *g
	for i := range out.Cell {
		if k := out.Base + int64(i) - other.Base; k >= 0 && k < rows {
			out.Cell[i][0] &^= other.Cell[k][0]
			out.Cell[i][1] &^= other.Cell[k][1]
		}
	}
	return out
}

// text is the rows in hexadecimal, 30 digits each, the first minute first: the
// highest bit of each half is the earliest.
func (g *grid) text() []string {
	last := rows
	for last > 1 && g.Cell[last-1] == [2]uint64{} {
		last--
	}
	out := make([]string, last)
	for i := range out {
		a, b := bits.Reverse64(g.Cell[i][0]), bits.Reverse64(g.Cell[i][1])>>(128-cells)
		out[i] = hex(a, 16) + hex(b, 14)
	}
	return out
}

func hex(v uint64, digits int) string {
	s := strconv.FormatUint(v, 16)
	for len(s) < digits {
		s = "0" + s
	}
	return s
}

// GridCells is how many cells a row of a folded picture has: each is half a
// minute of the hour that the row is.
const GridCells = cells

// line is a grid as one row of bits.
type line [(rows*cells+63)/64 + 2]uint64

func (g *grid) line() (x line, busy int) {
	for r, row := range g.Cell {
		if row != [2]uint64{} {
			busy++
		}
		at := r * cells
		for _, half := range row { // of the second only 56 bits are cells
			x[at/64] |= half << (at % 64)
			x[at/64+1] |= half >> (64 - at%64)
			at += 64
		}
	}
	return x, busy
}

// ends are the first and the last bit that is set; x has one.
func (x *line) ends() (first, last int) {
	for x[first/64] == 0 {
		first += 64
	}
	for last = len(x)*64 - 1; x[last/64] == 0; last -= 64 {
	}
	return first/64*64 + bits.TrailingZeros64(x[first/64]), last/64*64 + bits.Len64(x[last/64]) - 1
}

// rhythm is how much the cells repeat at the lag at which they repeat most, 0
// to 1, and that lag in seconds: autocorrelation of the half minutes, of which
// a neighbour also counts, against what chance would give in the hours in which
// anything happened.
func (g *grid) rhythm() (score, lag float64) {
	n := 0
	for _, row := range g.Cell {
		n += bits.OnesCount64(row[0]) + bits.OnesCount64(row[1])
	}
	if n < minBeats {
		return 0, 0
	}
	x, busy := g.line()
	first, last := x.ends()
	length := last - first + 1
	within := min(length, busy*cells)
	if n*3 > within {
		return 0, 0 // too dense for cells of this size
	}
	var near line // x or a neighbour
	for i := range near {
		near[i] = x[i] | x[i]<<1 | x[i]>>1
		if i > 0 {
			near[i] |= x[i-1] >> 63
		}
		if i+1 < len(x) {
			near[i] |= x[i+1] << 63
		}
	}
	p := float64(n) / float64(within)
	chance := 1 - (1-p)*(1-p)*(1-p)
	for k := 3; k <= length/4; k++ {
		if s, ok := x.repeats(&near, first, last-k, k); ok && (s-chance)/(1-chance) > score {
			score, lag = (s-chance)/(1-chance), float64(k)*float64(cellTime/second)
		}
	}
	return clamp(score), lag
}

// repeats is of how many bits from one on and before another there is one near
// behind a lag; false when they are too few to say.
func (x *line) repeats(near *line, from, before, lag int) (share float64, ok bool) {
	all, hit := 0, 0
	for w := from / 64; w*64 < before; w++ {
		here := x[w]
		if rest := before - w*64; rest < 64 {
			here &= 1<<rest - 1
		}
		at, shift := w+lag/64, lag%64
		there := near[at] >> shift
		if at+1 < len(near) {
			there |= near[at+1] << (64 - shift)
		}
		all, hit = all+bits.OnesCount64(here), hit+bits.OnesCount64(here&there)
	}
	return float64(hit) / float64(max(all, 1)), all >= minBeats/2
}

// Sizes of what is kept of one rhythm.
const (
	pendingBeats = 12
	keptGaps     = 96
	keptSizes    = 48
)

// beat is the rhythm of one pair, 1.1 KB. Times wait until twelve are there, so
// that what a log writes a little out of order is put in order; the gaps
// between them are a sample of all (reservoir sampling: Vitter's algorithm R).
// What every connection changes comes first.
type beat struct {
	Waiting uint8
	Used    bool
	Beats   uint32
	GapN    uint32
	SizeN   uint32
	First   int64
	Last    int64 // that was put in order
	Pending [pendingBeats]int64
	Grid    grid
	Gaps    [keptGaps]float32  // seconds
	Sizes   [keptSizes]float32 // bytes sent
}

// beats is where rhythms are kept: at most Max, in pages, which stay where they
// are. A pair that goes gives its own back; when all are in use a new pair gets
// none, which is counted.
type beats struct {
	Pages   []*[beatPage]beat
	Made    int32 // of all pages
	Free    []int32
	Max     int
	Evicted int64
}

// beatPage is how many rhythms are made at a time.
const beatPage = 64

// of returns a rhythm by its number.
func (b *beats) of(i int32) *beat { return &b.Pages[(i-1)/beatPage][(i-1)%beatPage] }

// take returns a number from 1 for an empty rhythm.
func (b *beats) take() int32 {
	if n := len(b.Free); n > 0 {
		i := b.Free[n-1]
		b.Free = b.Free[:n-1]
		*b.of(i) = beat{Used: true}
		return i
	}
	if int(b.Made) >= b.Max {
		return 0
	}
	if int(b.Made) == len(b.Pages)*beatPage {
		b.Pages = append(b.Pages, new([beatPage]beat))
	}
	b.Made++
	b.of(b.Made).Used = true
	return b.Made
}

func (b *beats) free(i int32) {
	if i > 0 && b.of(i).Used {
		b.of(i).Used = false
		b.Free = append(b.Free, i)
	}
}

// sound reports whether all rhythms are there, and can be gone on with.
func (b *beats) sound() bool {
	ok := b.Made >= 0 && int(b.Made) <= len(b.Pages)*beatPage && !slices.Contains(b.Pages, nil)
	for i := int32(1); ok && i <= b.Made; i++ {
		ok = b.of(i).Waiting <= pendingBeats
	}
	for _, i := range b.Free {
		ok = ok && i > 0 && i <= b.Made
	}
	return ok
}

// add notes a connection at a time with so many bytes sent; size < 0 is not
// known.
func (t *beat) add(at int64, size float64) {
	if size >= 0 {
		t.SizeN++
		if t.SizeN <= keptSizes {
			t.Sizes[t.SizeN-1] = float32(size)
		} else if k := mix(uint64(t.SizeN), uint64(at)) % uint64(t.SizeN); k < keptSizes {
			t.Sizes[k] = float32(size)
		}
	}
	if t.Waiting == pendingBeats {
		t.settle(t.Pending[0])
		copy(t.Pending[:], t.Pending[1:])
		t.Waiting--
	}
	i := int(t.Waiting)
	for ; i > 0 && t.Pending[i-1] > at; i-- {
		t.Pending[i] = t.Pending[i-1]
	}
	t.Pending[i] = at
	t.Waiting++
	t.Grid.add(at)
}

// settle takes the earliest time that waits.
func (t *beat) settle(at int64) {
	switch {
	case t.Beats == 0:
		t.First = at
	case at-t.Last < sameBeat: // also what came too late to be put in order
		return
	default:
		gap := float32(float64(at-t.Last) / float64(second))
		t.GapN++
		if t.GapN <= keptGaps {
			t.Gaps[t.GapN-1] = gap
		} else if k := mix(uint64(t.GapN), uint64(at)) % uint64(t.GapN); k < keptGaps {
			t.Gaps[k] = gap
		}
	}
	t.Last = at
	t.Beats++
}

// settled is a copy in which nothing waits.
func (t *beat) settled() beat {
	c := *t
	for _, at := range c.Pending[:c.Waiting] {
		c.settle(at)
	}
	c.Waiting = 0
	return c
}

// gaps are the seconds between beats, sorted.
func (t *beat) gaps() []float64 { return sorted(t.Gaps[:min(t.GapN, keptGaps)]) }

func (t *beat) sizes() []float64 { return sorted(t.Sizes[:min(t.SizeN, keptSizes)]) }

func sorted(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	slices.Sort(out)
	return out
}

// pair is a machine of one's own, one outside and the port, 0.2 KB.
type pair struct {
	Src, Dst    ip
	Port        uint16
	Proto       uint8
	App         record.App
	Beat        int32 // from 1
	Count       uint32
	Failed      uint32
	First, Last int64
	Out, In     uint64
	Asked       uint64 // of Out, what went in questions of DNS
	Sampled     uint32 // one of so many packets was looked at, the most
	Longest     int64  // ns
	LongAt      int64  // when the longest began
	Together    int64  // ns of all connections
	Open        bool   // the longest was still open
	Early       [beatAfter - 1]int64
}

// leaving is how much a pair sent in each eighth of the time looked at, for
// those that send much; its width doubles.
type leaving struct {
	Base, Width int64
	V           [8]float32
}

func (s *leaving) add(at int64, v float64) {
	if s.Width <= 0 || s.Width > widest {
		s.Width = hour
		s.Base = at - at%hour
	}
	if at < s.Base || at-s.Base < 0 {
		at = s.Base
	}
	for at-s.Base >= int64(len(s.V))*s.Width {
		for i := range len(s.V) / 2 {
			s.V[i] = s.V[2*i] + s.V[2*i+1]
		}
		clear(s.V[len(s.V)/2:])
		if s.Width *= 2; s.Width > widest {
			return
		}
	}
	s.V[(at-s.Base)/s.Width] += float32(v)
}

// questionSize is the most that a question of DNS takes on average: a name has
// up to 255 bytes, and few have half of that.
const questionSize = 256

// asks reports whether a communication with port 53 is one of questions. The
// port alone says nothing: TCP carries anything, and so does UDP unless names
// were read there, as they are wherever packets are.
func (d *Detector) asks(f *flow) bool {
	if f.Proto != 17 || f.port != 53 || f.app != record.DNSApp || f.volume[record.Out] > questionSize*f.Packets[record.Out] {
		return false
	}
	if len(f.DNS) > 0 {
		d.state.Inline = true
	}
	return len(f.DNS) > 0 || !d.state.Inline
}

// mostlyAsks reports whether what a machine sent to a place was questions.
func (p *pair) mostlyAsks() bool { return p.Proto == 17 && p.Port == 53 && p.Asked >= p.Out/10*9 }

// volume keeps what a machine of one's own has with one outside.
func (d *Detector) volume(f *flow) {
	if !f.fromHome || f.toHome {
		return
	}
	s := &d.state
	at := pairHash(f.srcHash, f.dstHash, f.Proto, f.port)
	if f.failed { // what never worked needs no entry
		if p := s.Pairs.find(at); p != nil {
			p.Last = max(p.Last, f.End)
			p.Failed++
		}
		return
	}
	p, fresh := s.Pairs.at(at)
	if fresh {
		*p = pair{Src: f.src, Dst: f.dst, Port: f.port, Proto: f.Proto, First: f.Start}
	}
	p.First, p.Last = min(p.First, f.Start), max(p.Last, f.End)
	if f.app != record.NoApp {
		p.App = f.app
	}
	p.Count++
	p.Out, p.In = p.Out+f.volume[record.Out], p.In+f.volume[record.In]
	p.Sampled = max(p.Sampled, f.Sampled)
	if d.asks(f) {
		p.Asked += f.volume[record.Out]
	}
	if f.volume[record.Out] > 1<<20 {
		v, _ := s.Leaves.at(d.pairKey(p.Src, p.Dst, p.Proto, p.Port))
		v.add(f.Start, float64(f.volume[record.Out]))
	}
	took := f.End - f.Start
	p.Together += took
	if took > p.Longest {
		p.Longest, p.LongAt, p.Open = took, f.Start, f.State == record.Open
	}
	s.Beats.note(&p.Beat, &p.Early, p.Count, f.Start, float64(f.volume[record.Out]))
}

// keep remembers of a pair that makes room what it sent and how long it stood
// open, if either is worth it: a copy of all that a machine has may leave in one
// hour, and nothing more come for the rest of the day.
func (d *Detector) keep(p *pair) {
	if p.Out < leaveLeast && p.Longest < longFrom {
		return
	}
	k, _ := d.state.Kept.at(d.pairKey(p.Src, p.Dst, p.Proto, p.Port))
	*k = p.with(k)
	k.Beat = 0
}

// with is a pair and what there was of it before, if anything was.
func (p *pair) with(before *pair) pair {
	if before == nil || before.Count == 0 {
		return *p
	}
	both := *p
	both.First, both.Last = min(p.First, before.First), max(p.Last, before.Last)
	both.Count, both.Failed = p.Count+before.Count, p.Failed+before.Failed
	both.Out, both.In, both.Asked = p.Out+before.Out, p.In+before.In, p.Asked+before.Asked
	both.Together, both.Sampled = p.Together+before.Together, max(p.Sampled, before.Sampled)
	if before.Longest > p.Longest {
		both.Longest, both.LongAt, both.Open = before.Longest, before.LongAt, before.Open
	}
	return both
}

// eachPair calls fn with all pairs, and with what was kept of those that are
// gone.
func (d *Detector) eachPair(fn func(*pair)) {
	s := &d.state
	s.Pairs.each(func(p *pair) {
		if s.Kept.N > 0 {
			if k := s.Kept.find(d.pairKey(p.Src, p.Dst, p.Proto, p.Port)); k != nil {
				both := p.with(k)
				p = &both
			}
		}
		fn(p)
	})
	s.Kept.each(func(k *pair) {
		if s.Pairs.find(d.pairKey(k.Src, k.Dst, k.Proto, k.Port)) == nil {
			fn(k)
		}
	})
}

// note keeps the first times of a pair in itself, and its rhythm from the
// fourth on.
func (b *beats) note(at *int32, early *[beatAfter - 1]int64, count uint32, start int64, size float64) {
	if count < beatAfter {
		early[count-1] = start
		return
	}
	if *at == 0 {
		if *at = b.take(); *at == 0 {
			b.Evicted++ // there is no room: this pair's rhythm is not known
			return
		}
		for _, t := range early {
			b.of(*at).add(t, -1)
		}
	}
	b.of(*at).add(start, size)
}
