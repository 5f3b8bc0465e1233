package detect

import (
	"math"

	"noroshi/internal/engine/flow/record"
)

// named is a machine of one's own and a name it asks for, whatever addresses
// answer: a beacon behind a content network has many. 0.2 KB and the name.
type named struct {
	Src, Dst    ip // Dst: the first address
	Latest      ip // the last one
	Name        string
	Port        uint16
	Proto       uint8
	App         record.App
	Several     bool // addresses
	Script      bool // its agent is one that attackers find on every machine
	Beat        int32
	Count       uint32
	First, Last int64
	Early       [beatAfter - 1]int64
}

// nameBeat keeps the rhythm of a machine and a name.
func (d *Detector) nameBeat(f *flow) {
	n, fresh := d.state.Names.at(mix(f.srcHash, f.name.hash))
	if fresh {
		*n = named{Src: f.src, Dst: f.dst, Name: f.name.text, Port: f.port, Proto: f.Proto, First: f.Start}
	}
	n.First, n.Last, n.App = min(n.First, f.Start), max(n.Last, f.End), f.app
	n.Several, n.Latest = n.Several || n.Dst != f.dst, f.dst
	if len(f.HTTP) > 0 {
		n.Script = n.Script || scripted(f.HTTP[0].Agent.Family.String())
	}
	size := -1.0
	if f.volume[record.Out] > 0 {
		size = float64(f.volume[record.Out])
	} else if len(f.HTTP) > 0 {
		size = float64(f.HTTP[0].Body[record.Out]) + float64(f.HTTP[0].Body[record.In])
	}
	n.Count++
	d.state.Beats.note(&n.Beat, &n.Early, n.Count, f.Start, size)
}

// Rhythm is how a row of times looks: the parts of a beacon's score and what
// they rest on.
type rhythm struct {
	interval, size, lasting, steady float64
	median, spread                  float64 // seconds; MAD
	p10, p90                        float64
	period, folded                  float64 // of the autocorrelation
	bytes                           float64 // median
	gaps                            []float64
}

// weigh judges the rhythm of t; false when it has too few beats or they are too
// fast for one.
func (t *beat) weigh() (r rhythm, ok bool) {
	r.gaps = t.gaps()
	if t.Beats < minBeats || t.Last-t.First < minRhythm {
		return r, false
	}
	g := r.gaps
	r.median, r.p10, r.p90 = quantile(g, 0.5), quantile(g, 0.1), quantile(g, 0.9)
	r.spread = deviation(g)
	if r.median < fastestBeat {
		return r, false
	}
	// Bowley's skewness: programs wait about as often too long as too short,
	// people in long breaks between quick clicks.
	q1, q3 := quantile(g, 0.25), quantile(g, 0.75)
	skew := 0.0
	if q3-q1 > r.median/100 {
		skew = math.Abs(q1+q3-2*r.median) / (q3 - q1)
	}
	// With a jitter of 40 % the distance is 0.2 of the median, of clicks 0.7.
	dispersion := 1 - between(r.spread/r.median, 0.03, 0.6)
	// p90 is 1.9 times p10 with that jitter, of random times 22 times.
	width := 1 - between(math.Log(r.p90/max(r.p10, 0.1)), 0.15, 2.2)
	r.interval = 0.25*(1-clamp(skew))*math.Sqrt(dispersion) + 0.35*dispersion + 0.4*width
	r.folded, r.period = t.Grid.rhythm()
	r.interval = max(r.interval, 0.9*r.folded)
	if s := t.sizes(); len(s) > 0 {
		r.bytes = quantile(s, 0.5)
		r.size = 1 - between(deviation(s)/max(r.bytes, 1), 0, 0.5)
	} else {
		r.size = 0.5 // not known
	}
	took := float64(t.Last - t.First)
	r.lasting = math.Sqrt(clamp(took / float64(longPresent)))
	// How much of the time the beats fill when each takes the median: 1 without breaks.
	r.steady = clamp(float64(t.Beats) * r.median / (took / float64(second)))
	if r.period > r.median*1.5 {
		r.steady = max(r.steady, clamp(float64(t.Beats)*r.median/(took/float64(second))), r.folded)
	}
	return r, true
}

// judgeBeacons weighs every rhythm that was kept.
func (d *Detector) judgeBeacons() (out []Finding) {
	s := &d.state
	// What a name explains is not said again of its addresses.
	type end struct {
		src  ip
		name string
	}
	told := map[end]float64{}
	s.Names.each(func(n *named) {
		if n.Beat == 0 {
			return
		}
		f := Finding{Kind: Beacon, Src: n.Src.addr(), Dst: n.Dst.addr(), Name: n.Name, Port: n.Port, Proto: n.Proto, App: n.App}
		p := s.Pairs.find(d.pairKey(n.Src, n.Dst, n.Proto, n.Port))
		at := n.Dst
		if n.Several && !d.led(n.Name, at) {
			at = n.Latest // the first one may have been asked for before all that was seen
		}
		if d.beacon(&f, s.Beats.of(n.Beat), n.Src, at, p) {
			f.fact("several_addresses", n.Several)
			if n.Script {
				f.Score = min(1, f.Score*1.25) // even when many machines do it
				f.fact("script_agent", true)
			}
			told[end{n.Src, n.Name}] = f.Score
			out = append(out, f)
		}
	})
	s.Pairs.each(func(p *pair) {
		if p.Beat == 0 || expectedBeat(p) {
			return
		}
		f := Finding{Kind: Beacon, Src: p.Src.addr(), Dst: p.Dst.addr(), Port: p.Port, Proto: p.Proto, App: p.App}
		if at := s.Outside.find(p.Dst.hash(s.Seed)); at != nil {
			f.Name = at.Name
		}
		if d.beacon(&f, s.Beats.of(p.Beat), p.Src, p.Dst, p) {
			if have, ok := told[end{p.Src, f.Name}]; !ok || f.Name == "" || f.Score > have+0.1 {
				out = append(out, f)
			}
		}
	})
	return out
}

func (d *Detector) pairKey(src, dst ip, proto uint8, port uint16) uint64 {
	return pairHash(src.hash(d.state.Seed), dst.hash(d.state.Seed), proto, port)
}

// pairHash is the key of a pair, by the hashes of its ends.
func pairHash(src, dst uint64, proto uint8, port uint16) uint64 {
	return mix(src^uint64(proto)<<56, dst^uint64(port))
}

// expectedBeat reports whether a pair's beat is what its protocol does: clocks
// ask in packets of 76 bytes, resolvers are asked by everybody for everything.
func expectedBeat(p *pair) bool {
	switch {
	case p.Proto == 17 && p.Port == 123:
		// 48 bytes of NTP are 76 of IP; with authentication up to 68 more.
		each := float64(p.Out) / float64(max(p.Count, 1))
		return each <= 8*(76+68) && float64(p.In) < 3*float64(p.Out)+1000
	case p.mostlyAsks():
		return true // what hides in DNS is looked for by its names
	}
	return false
}

// beacon fills a finding from a rhythm; false when it is not worth keeping.
func (d *Detector) beacon(f *Finding, t *beat, src, dst ip, p *pair) bool {
	settled := t.settled()
	if settled.SizeN == 0 && p != nil && p.Beat > 0 { // a log of names has no sizes; that of connections has
		of := d.state.Beats.of(p.Beat)
		settled.Sizes, settled.SizeN = of.Sizes, of.SizeN
	}
	r, ok := settled.weigh()
	if !ok {
		return false
	}
	rare := d.rarity(dst, f.Name)
	f.Score = (0.40*r.interval + 0.15*r.size + 0.15*r.lasting + 0.30*r.steady) * (0.45 + 0.55*rare)
	// A beat without regular gaps is no beat, however long it lasts. Of a million
	// pairs that meet at random some look regular, the more the fewer gaps there
	// are: what few gaps say must be said more clearly.
	unsure := 1 / math.Sqrt(float64(len(r.gaps)))
	f.Score *= 0.4 + 0.6*between(r.interval, 0.25+0.8*unsure, 0.6+0.5*unsure)
	f.Start, f.End = settled.First, settled.Last
	f.Parts = []Part{{"interval", r.interval}, {"size", r.size}, {"lasting", r.lasting}, {"steady", r.steady}, {"rare", rare}}
	if at := d.state.Outside.find(dst.hash(d.state.Seed)); at != nil && at.SelfSigned {
		f.Score = min(1, f.Score*1.1)
		f.fact("self_signed", true)
	}
	switch {
	case d.usual(f.Name, dst):
		f.Score *= 0.5
		f.fact("usual_service", true)
	case f.Proto == 1 || f.Proto == 58:
		f.Score *= 0.6 // most who ping in a beat watch whether the line is up
		f.fact("ping", true)
	}
	if f.Score < shown {
		return false
	}
	d.unasked(f, dst)
	f.fact("count", int64(settled.Beats))
	f.fact("median_s", r.median)
	f.fact("deviation_s", r.spread)
	f.fact("p10_s", r.p10)
	f.fact("p90_s", r.p90)
	if r.folded > 0.3 {
		f.fact("period_s", r.period)
	}
	f.fact("bytes_median", r.bytes)
	if p != nil {
		sampled(f, p.Sampled)
		f.fact("failed", int64(p.Failed))
		f.fact("bytes_out", int64(p.Out))
		f.fact("bytes_in", int64(p.In))
	}
	f.fact("grid_start", stamp(settled.Grid.Base*hour))
	f.fact("grid", settled.Grid.text())
	if m := d.state.Homes.find(src.hash(d.state.Seed)); m != nil && m.Grid != nil {
		rest := m.Grid.without(&settled.Grid)
		f.fact("ordinary_start", stamp(rest.Base*hour))
		f.fact("ordinary", rest.text())
	}
	f.fact("gaps", histogram(r.gaps, r.median))
	return true
}

// histogram counts gaps in 24 pieces from 0 to 2.4 times the median; the last
// also has all longer ones.
func histogram(gaps []float64, median float64) []int64 {
	out := make([]int64, 24)
	for _, g := range gaps {
		out[min(int(g/median*10), len(out)-1)]++
	}
	return out
}

// judgeLong finds connections that stay open.
func (d *Detector) judgeLong() (out []Finding) {
	d.eachPair(func(p *pair) {
		if p.Longest < longFrom {
			return
		}
		f := Finding{Kind: LongConnection, Src: p.Src.addr(), Dst: p.Dst.addr(), Port: p.Port, Proto: p.Proto, App: p.App, Start: p.LongAt, End: p.LongAt + p.Longest}
		if at := d.state.Outside.find(p.Dst.hash(d.state.Seed)); at != nil {
			f.Name = at.Name
			if at.SelfSigned {
				f.fact("self_signed", true)
			}
		}
		length := 0.35 + 0.15*scale(float64(p.Longest), float64(longFrom), float64(longHalf)) + 0.35*scale(float64(p.Longest), float64(longHalf), float64(longFull))
		rare := d.rarity(p.Dst, f.Name)
		f.Score = length * (0.4 + 0.6*rare)
		if d.usual(f.Name, p.Dst) || pushes(p) {
			f.Score *= 0.5
			f.fact("usual_service", true)
		}
		if f.Score < shown {
			return
		}
		f.Parts = []Part{{"length", clamp(length)}, {"rare", rare}}
		d.unasked(&f, p.Dst)
		sampled(&f, p.Sampled)
		f.fact("longest_s", float64(p.Longest)/float64(second))
		f.fact("together_s", float64(p.Together)/float64(second))
		f.fact("count", int64(p.Count))
		f.fact("bytes_out", int64(p.Out))
		f.fact("bytes_in", int64(p.In))
		f.fact("still_open", p.Open)
		out = append(out, f)
	})
	return out
}

// pushes reports whether a pair is of a service that keeps a connection open on
// purpose: push messages (5223, 5228 to 5230), tunnels of one's own, calls.
func pushes(p *pair) bool {
	switch p.App {
	case record.IPsec, record.WireGuard, record.OpenVPN, record.SIP, record.STUNApp, record.NTP:
		return true
	}
	return p.Port == 5223 || p.Port >= 5228 && p.Port <= 5230 || p.Port == 853 || p.Proto == 17 && p.Port == 123 || p.mostlyAsks()
}

// scripted reports whether an agent is of a program that every Windows brings
// along and that fetches what it is told (T1059.001, T1105).
func scripted(family string) bool {
	return family == "powershell" || family == "certutil" || family == "bits" || family == "cobalt" || family == "metasploit"
}
