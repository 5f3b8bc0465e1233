package detect

import (
	"math/bits"
	"net/netip"
	"slices"

	"noroshi/internal/engine/flow/record"
)

// gone is what one machine sent to one place, whatever ports and addresses.
type gone struct {
	src, dst    ip
	name        string
	port        uint16
	proto       uint8
	app         record.App
	out, in     uint64
	first, last int64
	over        leaving
	count       uint32
	sampled     uint32
}

// judgeLeaving finds machines that send out much more than they get, than
// others do and than they themselves do elsewhere.
func (d *Detector) judgeLeaving() (out []Finding) {
	s := &d.state
	var usualOut []float64
	s.Homes.each(func(m *machine) {
		if m.Conns > 0 {
			usualOut = append(usualOut, float64(m.Out))
		}
	})
	slices.Sort(usualOut)
	others := quantile(usualOut, 0.75)
	sums := map[string]*gone{}
	var order []*gone
	d.eachPair(func(p *pair) {
		if p.Out < leaveLeast || p.mostlyAsks() {
			return // what hides in questions is looked for by the names
		}
		name := ""
		if at := s.Outside.find(p.Dst.hash(s.Seed)); at != nil {
			name = at.Name
		}
		key := string(p.Src[:]) + name
		if name == "" {
			key += string(p.Dst[:])
		}
		g := sums[key]
		if g == nil {
			g = &gone{src: p.Src, dst: p.Dst, name: name, port: p.Port, proto: p.Proto, app: p.App, first: p.First}
			if v := s.Leaves.find(d.pairKey(p.Src, p.Dst, p.Proto, p.Port)); v != nil {
				g.over = *v
			}
			sums[key] = g
			order = append(order, g)
		}
		g.out, g.in, g.count = g.out+p.Out, g.in+p.In, g.count+p.Count
		g.sampled = max(g.sampled, p.Sampled)
		g.first, g.last = min(g.first, p.First), max(g.last, p.Last)
	})
	for _, g := range order {
		if f, ok := d.leaves(g, others); ok {
			out = append(out, f)
		}
	}
	return out
}

func (d *Detector) leaves(g *gone, others float64) (f Finding, ok bool) {
	ratio := float64(g.out) / float64(max(g.in, 1))
	if float64(g.out) < leaveFew || ratio < leaveRatio/2 {
		return f, false
	}
	f = Finding{Kind: DataLeaving, Src: g.src.addr(), Dst: g.dst.addr(), Name: g.name, Port: g.port, Proto: g.proto, App: g.app, Start: g.first, End: g.last}
	much := 0.5*scale(float64(g.out), leaveFew, leaveWorth) + 0.5*scale(float64(g.out), leaveWorth, leaveMany)
	oneWay := scale(ratio, leaveRatio/2, 20)
	unlike := scale(float64(g.out)/max(others, leaveFew/10), 1, 10)
	// What leaves every hour alike is a copy that somebody set up.
	burst := 1 - steadiness(&g.over)
	rare := d.rarity(g.dst, g.name)
	f.Score = (0.3 + 0.45*much + 0.25*unlike) * (0.4 + 0.6*oneWay) * (0.5 + 0.5*rare) * (0.7 + 0.3*burst)
	if d.usual(g.name, g.dst) {
		f.Score *= 0.6
		f.fact("usual_service", true)
	}
	f.Parts = []Part{{"much", much}, {"one_way", oneWay}, {"unlike_others", unlike}, {"burst", burst}, {"rare", rare}}
	d.unasked(&f, g.dst)
	sampled(&f, g.sampled)
	f.fact("bytes_out", int64(g.out))
	f.fact("bytes_in", int64(g.in))
	f.fact("count", int64(g.count))
	f.fact("others_bytes", others)
	return f, f.Score >= shown
}

// steadiness is how evenly the pieces of time are filled: 1 all alike, 0 all in
// one.
func steadiness(s *leaving) float64 {
	most, sum, n := 0.0, 0.0, 0
	for i, v := range s.V {
		if v > 0 {
			n = i + 1
		}
		most, sum = max(most, float64(v)), sum+float64(v)
	}
	if n < 4 || most == 0 {
		return 0
	}
	return clamp((sum/most - 1) / float64(n-1))
}

// everyday reports whether a place is one of names or clocks: over UDP, and little
// was sent there each time.
func everyday(p *place) bool {
	return p.Proto == 17 && (p.Port == 53 || p.Port == 123) && p.Out <= 1024*uint64(p.Conns)
}

// maxRare is how many rare destinations are listed: they are context for the
// rest, not alarms.
const maxRare = 40

// maxAlone is how many places of its own a machine may have before none of them
// says anything.
const maxAlone = 60

// judgeRare finds places that one machine alone speaks with and that look
// unlike a service of the public.
func (d *Detector) judgeRare() (out []Finding) {
	s := &d.state
	if s.Homes.N < 2 {
		return nil
	}
	alone := map[ip]int{} // who speaks with very many that nobody else does is a server of mail, names or pages
	s.Outside.each(func(p *place) {
		if bits.OnesCount64(uint64(p.Homes)) == 1 {
			alone[p.Via]++
		}
	})
	s.Outside.each(func(p *place) {
		good := int(p.Conns) - int(p.Failed)
		if alone[p.Via] > maxAlone && !p.SelfSigned {
			return
		}
		homes := bits.OnesCount64(uint64(p.Homes))
		if homes > 2 || homes == 2 && !p.SelfSigned || good < 3 && !p.SelfSigned || p.Via == (ip{}) || d.usual(p.Name, p.Addr) || everyday(p) {
			return
		}
		_, err := netip.ParseAddr(p.Name)
		nameless := p.Name == "" || err == nil // an address is no name
		unasked := s.Answers && !p.Asked && nameless
		f := Finding{Kind: RareDestination, Src: p.Via.addr(), Dst: p.Addr.addr(), Name: p.Name, Port: p.Port, Proto: p.Proto, Start: p.First, End: p.Last}
		f.Parts = []Part{{"rare", 1 / float64(homes)}, {"no_name", yes(nameless)}, {"not_asked_for", yes(unasked)}, {"odd_port", yes(p.Odd)}, {"self_signed", yes(p.SelfSigned)}}
		f.Score = 0.2 + 0.08*yes(nameless) + 0.07*yes(unasked) + 0.06*yes(p.Odd) + 0.12*yes(p.SelfSigned) + 0.05*scale(float64(good), 3, 100)
		if f.Score < shown {
			return
		}
		d.unasked(&f, p.Addr)
		f.fact("count", int64(good))
		f.fact("bytes_out", int64(p.Out))
		f.fact("bytes_in", int64(p.In))
		out = append(out, f)
	})
	rank(out)
	return out[:min(len(out), maxRare)]
}

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// fingerprint is how a program greets, and who greets so, 0.2 KB.
type fingerprint struct {
	Text        string // JA4, or JA3 or HASSH in hexadecimal
	What        string // ja4, ja3, hassh
	Src, Dst    ip
	Name        string
	Homes       few
	Count       uint32
	First, Last int64
	Port        uint16
}

// prints keeps the fingerprints of one's own machines.
func (d *Detector) prints(f *flow) {
	switch {
	case f.TLS != nil && f.TLS.JA4 != record.JA4{}:
		d.print(f, "ja4", f.TLS.JA4[:])
	case f.TLS != nil && f.TLS.JA3 != [16]byte{}:
		d.print(f, "ja3", f.TLS.JA3[:])
	case f.QUIC != nil && f.QUIC.JA4 != record.JA4{}:
		d.print(f, "ja4", f.QUIC.JA4[:])
	case f.SSH != nil && f.SSH.HASSH != [16]byte{}:
		d.print(f, "hassh", f.SSH.HASSH[:])
	}
}

func (d *Detector) print(f *flow, what string, b []byte) {
	h := d.state.Seed ^ uint64(len(b))
	for i := 0; i+4 <= len(b); i += 4 {
		h = mix(h, uint64(b[i])|uint64(b[i+1])<<8|uint64(b[i+2])<<16|uint64(b[i+3])<<24)
	}
	p, fresh := d.state.Prints.at(h)
	if fresh {
		*p = fingerprint{What: what, Src: f.src, Dst: f.dst, Name: f.text(), First: f.Start, Port: f.port}
		if what == "ja4" {
			p.Text = string(b)
		} else {
			for _, c := range b {
				p.Text += hex(uint64(c), 2)
			}
		}
	}
	p.First, p.Last = min(p.First, f.Start), max(p.Last, f.End)
	p.Homes.add(f.srcHash)
	p.Count++
}

// judgePrints finds programs that appeared late, on one machine. Alone they are
// below what is worth a look: every update of a browser is one.
func (d *Detector) judgePrints() (out []Finding) {
	s := &d.state
	if s.Prints.N < minLearned || s.Homes.N < minHomes {
		return nil
	}
	from := s.First + int64(learnShare*float64(d.span()))
	s.Prints.each(func(p *fingerprint) {
		if p.First < from || bits.OnesCount64(uint64(p.Homes)) != 1 || p.Count < 3 || d.usual(p.Name, p.Dst) {
			return
		}
		rare := d.rarity(p.Dst, p.Name)
		f := Finding{Kind: NewFingerprint, Src: p.Src.addr(), Dst: p.Dst.addr(), Name: p.Name, Port: p.Port, Proto: 6, Start: p.First, End: p.Last}
		f.Score = 0.25 + 0.15*rare + 0.08*scale(float64(p.Count), 3, 100)
		f.Parts = []Part{{"rare", rare}, {"used", scale(float64(p.Count), 3, 100)}}
		d.unasked(&f, p.Dst)
		f.fact("print", p.Text)
		f.fact("print_kind", p.What)
		f.fact("count", int64(p.Count))
		if f.Score >= shown {
			out = append(out, f)
		}
	})
	return out
}
