package detect

import (
	"math"

	"noroshi/internal/engine/flow/record"
)

// minuteOf is what came to a machine in one minute.
type minuteOf struct {
	Packets, Bytes, Flows, Dead, Echo float32 // Dead: unanswered flows; Echo: packets of answers nobody asked for
}

// victim is a machine that packets go to, 2.5 KB. Minutes wait in a ring until
// they are 64 old, then they are judged in their order: an exponential mean
// and deviation (EWMA) say what is usual, a cumulated sum (CUSUM: Page, 1954)
// what is more.
type victim struct {
	Addr        ip
	ToHome      bool
	Ring        [floodRing]minuteOf
	Newest      int64 // number of the newest minute in the ring
	Judged      int64 // number of minutes that were judged
	Mean, Var   [2]float64
	Sum         [2]float64
	Sources     many // while there was much
	Reflectors  many
	Top         [6]source
	Amp         [6]source
	AmpPort     uint16
	Port        uint16
	Hot         int64 // minutes
	First, Last int64 // of the hot ones, minute numbers
	Peak        minuteOf
	Total       minuteOf
	Usual       [2]float64 // mean before the first hot minute
	Before      [8]float32 // packets of the last minutes before it became hot
	Over        series     // packets a minute from there on
	Sampled     uint32     // one of so many packets was looked at, the most
}

// waiting counts what comes to machines that are not watched yet, in cells that
// several share, each in two (count-min: Cormode and Muthukrishnan, 2005), and
// halves itself every minute: a machine is watched once it got a hundredth of a
// flood. Who sends a packet to every address there is takes no room from those
// who get many.
type waiting struct {
	Minute int64
	Cells  [2][]float32
	Scale  float32 // what one packet is in a cell: 0 before the first
}

const waitingCells = 1 << 17

// finest is the scale from which the cells themselves are divided; powers of two
// lose nothing. most bounds what one record adds, in packets, so that no sum leaves
// its cell.
const (
	finest = 1 << 30
	most   = 1 << 40
)

// turn halves all that was counted for each minute that is over: what comes later
// weighs twice as much, and the cells are gone over twice in an hour.
func (w *waiting) turn(m int64) {
	if m <= w.Minute {
		return
	}
	over := m - w.Minute
	w.Minute = m
	if over > 30 {
		clear(w.Cells[0])
		clear(w.Cells[1])
		w.Scale = 1
		return
	}
	if w.Scale >= finest {
		for k := range w.Cells {
			for i := range w.Cells[k] {
				w.Cells[k][i] /= finest
			}
		}
		w.Scale /= finest
	}
	w.Scale *= float32(uint64(1) << over)
}

// enough takes a record in and reports whether its target got so much that it
// is watched.
func (w *waiting) enough(f *flow) bool {
	if w.Scale == 0 {
		w.Cells, w.Scale = [2][]float32{make([]float32, waitingCells), make([]float32, waitingCells)}, 1
	}
	w.turn(f.Start / minute)
	// A flow weighs as many packets as a flood of flows has fewer of them.
	v := float32(min(max(float64(f.Packets[record.Out]), floodPackets/floodFlows), most)) * w.Scale
	a, b := &w.Cells[0][f.dstHash%waitingCells], &w.Cells[1][f.dstHash>>40%waitingCells]
	*a, *b = *a+v, *b+v
	return min(*a, *b) >= floodPackets/100*w.Scale
}

// sound reports whether a table that was read back can be gone on with.
func (w *waiting) sound() bool {
	return w.Scale == 0 || len(w.Cells[0]) == waitingCells && len(w.Cells[1]) == waitingCells && w.Scale >= 1 && w.Scale <= finest*finest
}

// source is a sender and how many packets it is said to have sent: the least
// of the known gives way to a new one and hands on its count (Space-Saving:
// Metwally and others, 2005).
type source struct {
	Addr    ip
	Packets float64
}

func count(top []source, a ip, n float64) {
	least := 0
	for i := range top {
		if top[i].Addr == a {
			top[i].Packets += n
			return
		}
		if top[i].Packets < top[least].Packets {
			least = i
		}
	}
	top[least] = source{a, top[least].Packets + n}
}

// reflecting are the UDP services that answer much to little (US-CERT alert
// TA14-017A and later ones).
func reflecting(port uint16) bool {
	switch port {
	case 17, 19, 53, 69, 111, 123, 137, 161, 389, 520, 1900, 3283, 3478, 3702, 5093, 5353, 10001, 11211, 27015, 37810:
		return true
	}
	return false
}

// floods keeps what goes to machines and who amplifies.
func (d *Detector) floods(f *flow) {
	if !f.fromHome && !f.toHome || f.Proto == 6 && f.State == record.Closed && f.Packets[0] < 200 && !f.failed {
		if f.fromHome && !f.toHome || !f.fromHome && f.toHome {
			return // what was asked, answered and ended is no flood
		}
	}
	d.reflectors(f)
	// What TCP carries in both directions is somebody's work.
	asked := f.answered && f.Proto == 6 && f.State != record.Refused
	if asked {
		return
	}
	if f.End-f.Start > floodLong || f.fromHome && f.toHome && f.answered {
		return
	}
	echo := f.Proto == 17 && reflecting(f.SrcPort) && !f.answered && f.SrcPort != f.DstPort
	if f.Proto == 17 && f.answered && f.Packets[record.In] >= f.Packets[record.Out]/2 {
		return
	}
	if !d.state.Waiting.enough(f) && d.state.Victims.find(f.dstHash) == nil {
		return
	}
	v, fresh := d.state.Victims.at(f.dstHash)
	if fresh {
		*v = victim{Addr: f.dst, ToHome: f.toHome, Newest: f.Start / minute}
	}
	v.Sampled = max(v.Sampled, f.Sampled)
	v.add(f, echo)
}

// add spreads a record over the minutes it took.
func (v *victim) add(f *flow, echo bool) {
	from, to := f.Start/minute, max(f.End, f.Start)/minute
	v.forward(to)
	from = max(from, v.Newest-floodRing+1)
	if to < from {
		return // later than an hour: the minute is judged already
	}
	n := float64(to - from + 1)
	part := minuteOf{Packets: float32(float64(f.Packets[0]) / n), Bytes: float32(float64(f.Bytes[0]) / n), Flows: float32(1 / n)}
	if !f.answered {
		part.Dead = part.Flows
	}
	if echo {
		part.Echo = part.Packets
	}
	hot := false
	for m := from; m <= to; m++ {
		r := &v.Ring[m%floodRing]
		r.Packets, r.Bytes, r.Flows, r.Dead, r.Echo = r.Packets+part.Packets, r.Bytes+part.Bytes, r.Flows+part.Flows, r.Dead+part.Dead, r.Echo+part.Echo
		hot = hot || r.Packets > floodPackets/4 || r.Flows > floodFlows/4
	}
	if hot || f.Packets[0] > floodPackets/8 {
		v.Sources.add(f.srcHash)
		count(v.Top[:], f.src, float64(f.Packets[0]))
		v.Port = f.port
		if echo {
			v.Reflectors.add(f.srcHash)
			count(v.Amp[:], f.src, float64(f.Packets[0]))
			v.AmpPort = f.SrcPort
		}
	}
}

// forward makes room for a minute: what leaves the ring is judged.
func (v *victim) forward(to int64) {
	if to <= v.Newest {
		return
	}
	if to-v.Newest > 4*floodRing {
		// A long silence: all that waits is judged, the rest was nothing.
		for m := v.Newest - floodRing + 1; m <= v.Newest; m++ {
			v.judge(m)
		}
		v.Sum = [2]float64{}
		v.Newest = to
		return
	}
	for v.Newest < to {
		v.judge(v.Newest - floodRing + 1)
		v.Newest++
	}
}

// judge takes a minute out of the ring.
func (v *victim) judge(m int64) {
	if m < 0 {
		return
	}
	x := v.Ring[m%floodRing]
	v.Ring[m%floodRing] = minuteOf{}
	if v.Judged == 0 && x == (minuteOf{}) {
		return // before its first packet
	}
	v.Judged++
	floor := [2]float64{floodPackets, floodFlows}
	hot := false
	for k, now := range [2]float64{float64(x.Packets), float64(x.Dead)} {
		sd := max(math.Sqrt(v.Var[k]), floor[k]/50, v.Mean[k]/10)
		z := (now - v.Mean[k]) / sd
		v.Sum[k] = max(0, v.Sum[k]+min(z, 50)-floodDrift)
		if now >= floor[k] && z > floodSigma && v.Sum[k] > floodSum {
			hot = true
			continue // the usual is not learned from the unusual
		}
		const alpha = 0.1
		diff := now - v.Mean[k]
		v.Mean[k] += alpha * diff
		v.Var[k] = (1 - alpha) * (v.Var[k] + alpha*diff*diff)
	}
	if !hot && v.Hot == 0 {
		v.Before[m%int64(len(v.Before))] = x.Packets
		return
	}
	if v.Hot == 0 {
		v.First, v.Usual = m, v.Mean
		for k := int64(len(v.Before)) - 1; k > 0; k-- {
			v.Over.add((m-k)*minute, float64(v.Before[(m-k+8)%8]), minute)
		}
	}
	v.Over.add(m*minute, float64(x.Packets), minute)
	if !hot {
		return
	}
	v.Hot++
	v.Last = max(v.Last, m)
	p := &v.Peak
	p.Packets, p.Bytes, p.Flows, p.Dead, p.Echo = max(p.Packets, x.Packets), max(p.Bytes, x.Bytes), max(p.Flows, x.Flows), max(p.Dead, x.Dead), max(p.Echo, x.Echo)
	t := &v.Total
	t.Packets, t.Bytes, t.Flows, t.Dead, t.Echo = t.Packets+x.Packets, t.Bytes+x.Bytes, t.Flows+x.Flows, t.Dead+x.Dead, t.Echo+x.Echo
}

func (d *Detector) judgeFloods() (out []Finding) {
	d.state.Victims.each(func(live *victim) {
		v := *live // what waits is judged in a copy
		v.forward(v.Newest + floodRing)
		if v.Hot == 0 {
			return
		}
		out = append(out, v.finding())
	})
	return out
}

func (v *victim) finding() Finding {
	f := Finding{Kind: Flood, Dst: v.Addr.addr(), Port: v.Port, Start: v.First * minute, End: (v.Last + 1) * minute}
	sources := v.Sources.count()
	top := v.Top[:]
	if v.Total.Echo > v.Total.Packets/2 {
		f.Kind, f.Port = ReflectionFlood, v.AmpPort
		top = v.Amp[:]
		sources = v.Reflectors.count()
	}
	height := max(scale(float64(v.Peak.Packets), floodPackets, 100*floodPackets), scale(float64(v.Peak.Dead), floodFlows, 100*floodFlows))
	spread := scale(sources, 1, floodMany)
	dead := clamp(float64(v.Total.Dead) / max(float64(v.Total.Flows), 1))
	jump := scale(float64(v.Peak.Packets)/max(v.Usual[0], floodPackets/100), 3, 100)
	f.Score = (0.45 + 0.35*height + 0.2*jump) * max(0.5+0.5*spread, 0.9*dead)
	if sources < 1.5 && v.Peak.Packets < floodPackets {
		f.Score *= 0.6 // many tries of one machine and little in all: somebody scans
	}
	if f.Kind == ReflectionFlood {
		f.Score = min(1, f.Score+0.15)
	}
	if best := heaviest(top); best.Packets > 0 && (sources < 1.5 || !v.ToHome) {
		f.Src = best.Addr.addr()
	}
	f.Parts = []Part{{"height", height}, {"jump", jump}, {"sources", spread}, {"unanswered", dead}}
	f.fact("to_home", v.ToHome)
	sampled(&f, v.Sampled)
	f.fact("minutes", v.Hot)
	f.fact("peak_packets_min", float64(v.Peak.Packets))
	f.fact("peak_bytes_min", float64(v.Peak.Bytes))
	f.fact("usual_packets_min", v.Usual[0])
	f.fact("different", math.Round(sources))
	f.fact("packets", float64(v.Total.Packets))
	f.fact("bytes", float64(v.Total.Bytes))
	var who []string
	var how []float64
	for _, s := range top {
		if s.Packets > 0 {
			who, how = append(who, s.Addr.addr().String()), append(how, s.Packets)
		}
	}
	f.fact("senders", who)
	f.fact("senders_packets", how)
	f.fact("over_start", stamp(v.Over.Base))
	f.fact("over_width_s", float64(v.Over.Width)/float64(second))
	f.fact("over", v.Over.values())
	return f
}

func heaviest(top []source) (best source) {
	for _, s := range top {
		if s.Packets > best.Packets {
			best = s
		}
	}
	return best
}

// reflector is a service of one's own that answers those outside with more
// than they asked, 0.5 KB.
type reflector struct {
	Addr        ip
	Port        uint16
	Calls       float64
	Asked, Said float64 // bytes
	Victims     few
	Top         [4]source // by bytes said
	First, Last int64
	Over        series
	Sampled     uint32
}

func (d *Detector) reflectors(f *flow) {
	if f.Proto != 17 || f.fromHome || !f.toHome || !reflecting(f.DstPort) || !f.answered {
		return
	}
	r, fresh := d.state.Reflect.at(mix(f.dstHash, uint64(f.DstPort)))
	if fresh {
		*r = reflector{Addr: f.dst, Port: f.DstPort, First: f.Start}
	}
	r.First, r.Last = min(r.First, f.Start), max(r.Last, f.End)
	r.Sampled = max(r.Sampled, f.Sampled)
	r.Calls += float64(f.Packets[record.Out])
	r.Asked, r.Said = r.Asked+float64(f.Bytes[record.Out]), r.Said+float64(f.Bytes[record.In])
	r.Victims.add(f.srcHash)
	count(r.Top[:], f.src, float64(f.Bytes[record.In]))
	r.Over.add(f.Start, float64(f.Bytes[record.In]), minute)
}

func (d *Detector) judgeReflectors() (out []Finding) {
	d.state.Reflect.each(func(r *reflector) {
		ratio := r.Said / max(r.Asked, 1)
		if r.Calls < reflectCalls || r.Said < reflectBytes || ratio < reflectRatio/2 {
			return
		}
		best := heaviest(r.Top[:])
		f := Finding{Kind: Reflector, Src: r.Addr.addr(), Dst: best.Addr.addr(), Port: r.Port, Proto: 17, Start: r.First, End: r.Last}
		gain := scale(ratio, reflectRatio/2, 50)
		much := scale(r.Said, reflectBytes, 1000*reflectBytes)
		// A server of names for the world answers many a little; who is made to
		// answer for a flood answers few with much.
		aimed := clamp(best.Packets / r.Said)
		f.Score = (0.35 + 0.35*gain + 0.3*much) * (0.4 + 0.6*aimed)
		f.Parts = []Part{{"gain", gain}, {"much", much}, {"aimed", aimed}}
		if f.Score < shown {
			return
		}
		sampled(&f, r.Sampled)
		f.fact("ratio", ratio)
		f.fact("calls", r.Calls)
		f.fact("bytes_in", r.Asked)
		f.fact("bytes_out", r.Said)
		f.fact("different", math.Round(r.Victims.count()))
		f.fact("over_start", stamp(r.Over.Base))
		f.fact("over_width_s", float64(r.Over.Width)/float64(second))
		f.fact("over", r.Over.values())
		out = append(out, f)
	})
	return out
}
