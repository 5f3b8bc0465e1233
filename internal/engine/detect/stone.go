package detect

import (
	"noroshi/internal/engine/flow/record"
)

// recent is how many sessions of a machine wait for their counterpart, each way.
const recent = 12

// session is one that may be half of a bridge.
type session struct {
	Other       ip
	Outside     bool
	Port        uint16
	App         record.App
	Start, End  int64
	There, Back uint64 // payload from who began, and back
}

// relay is a machine of one's own and its last sessions, in and out, 1.7 KB.
type relay struct {
	Addr    ip
	In, Out [recent]session
	InN     uint32
	OutN    uint32
}

// bridge is a pair of sessions of one machine that belong together, 0.2 KB.
type bridge struct {
	Addr        ip
	From, To    session
	Times       uint32
	First, Last int64
	Overlap     float64
	Volume      float64
	Delay       float64 // seconds
}

// carries reports whether a person or a tunnel of one may be on a session: what
// is asked for its own sake (web pages, mail, names) is passed on by proxies and
// balancers all day.
func carries(f *flow) bool {
	switch f.app {
	case record.SSHApp, record.RDPApp, record.VNC, record.Telnet, record.SOCKS, record.AnyDesk, record.Teamviewer, record.RustDesk, record.FTP:
		return true
	case record.NoApp, record.TLSApp, record.SMBApp, record.MSRPC:
		switch f.port {
		case 22, 23, 3389, 5900, 5985, 5986, 1080, 445:
			return true
		}
		return f.app == record.NoApp && f.port > 1024 && f.port != 8080 && f.port != 8443
	}
	return false
}

// stones looks for what comes into a machine and goes on from it. It needs a
// side outside: from inside to inside is what a jump host is for.
func (d *Detector) stones(f *flow) {
	if f.Proto != 6 || f.failed || !f.answered || f.End-f.Start < stoneShort || f.volume[0]+f.volume[1] < stoneBytes || !carries(f) {
		return
	}
	now := session{Outside: !f.fromHome, Other: f.src, Port: f.port, App: f.app, Start: f.Start, End: f.End, There: f.volume[0], Back: f.volume[1]}
	if f.toHome {
		r, fresh := d.state.Stones.at(f.dstHash)
		if fresh {
			r.Addr = f.dst
		}
		for i := range min(int(r.OutN), recent) {
			d.bridge(r.Addr, &now, &r.Out[i])
		}
		r.In[r.InN%recent] = now
		r.InN++
	}
	if f.fromHome {
		now.Other, now.Outside = f.dst, !f.toHome
		r, fresh := d.state.Stones.at(f.srcHash)
		if fresh {
			r.Addr = f.src
		}
		for i := range min(int(r.InN), recent) {
			d.bridge(r.Addr, &r.In[i], &now)
		}
		r.Out[r.OutN%recent] = now
		r.OutN++
	}
}

// bridge keeps two sessions of a machine when they belong together.
func (d *Detector) bridge(at ip, in, out *session) {
	if !in.Outside && !out.Outside || in.Other == out.Other {
		return
	}
	delay := out.Start - in.Start
	if delay < -second || delay > stoneDelay {
		return
	}
	shared := min(in.End, out.End) - max(in.Start, out.Start)
	overlap := float64(shared) / float64(max(in.End-in.Start, out.End-out.Start, 1))
	volume := alike(in.There, out.There) * alike(in.Back, out.Back)
	if overlap < stoneOverlap || volume < 0.2 {
		return
	}
	s := &d.state
	b, fresh := s.Bridges.at(mix(in.Other.hash(s.Seed)^at.hash(s.Seed), out.Other.hash(s.Seed)))
	if fresh {
		*b = bridge{Addr: at, From: *in, To: *out, First: in.Start, Last: in.End}
	}
	b.Times++
	b.First, b.Last = min(b.First, in.Start), max(b.Last, in.End, out.End)
	if q := overlap * volume; q > b.Overlap*b.Volume {
		b.From, b.To, b.Overlap, b.Volume, b.Delay = *in, *out, overlap, volume, float64(delay)/float64(second)
	}
}

// alike is the smaller of two volumes over the larger.
func alike(a, b uint64) float64 {
	if a == 0 && b == 0 {
		return 1
	}
	return float64(min(a, b)) / float64(max(a, b))
}

func (d *Detector) judgeStones() (out []Finding) {
	d.state.Bridges.each(func(b *bridge) {
		f := Finding{Kind: SteppingStone, Src: b.From.Other.addr(), Dst: b.To.Other.addr(), Port: b.To.Port, Proto: 6, App: b.To.App, Start: b.First, End: b.Last}
		time := 1 - between(max(b.Delay, 0), 2, 60)
		f.Score = 0.25 + 0.25*between(b.Overlap, stoneOverlap-0.2, 1) + 0.3*between(b.Volume, 0.2, 0.9) + 0.1*time + 0.1*scale(float64(b.Times), 1, 10)
		if b.From.Outside && b.To.Outside {
			f.Score = min(1, f.Score+0.1) // nobody's jump host does that
		}
		f.Parts = []Part{{"overlap", b.Overlap}, {"volume", b.Volume}, {"delay", time}, {"times", scale(float64(b.Times), 1, 10)}}
		f.fact("through", b.Addr.addr().String())
		f.fact("delay_s", b.Delay)
		f.fact("port_in", int64(b.From.Port))
		f.fact("times", int64(b.Times))
		f.fact("bytes_there", []int64{int64(b.From.There), int64(b.To.There)})
		f.fact("bytes_back", []int64{int64(b.From.Back), int64(b.To.Back)})
		f.fact("took_s", []float64{float64((b.From.End - b.From.Start) / second), float64((b.To.End - b.To.Start) / second)})
		f.fact("from_outside", b.From.Outside)
		f.fact("to_outside", b.To.Outside)
		out = append(out, f)
	})
	return out
}
