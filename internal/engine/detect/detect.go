package detect

import (
	"net/netip"

	"noroshi/internal/engine/detect/domain"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/memory"
)

// Config is what a Detector goes by.
type Config struct {
	Home   []netip.Prefix // one's own networks; none: the private ones
	Allow  []Allow        // what is expected
	Signs  []Sign         // indicators that are looked for
	Seed   uint64         // of the hashes; any number, another for every installation
	Limits Limits
}

// Detector looks at records one after the other. It is not safe for concurrent
// use. Fields that are exported are its state, which Save writes.
type Detector struct {
	conf  Config
	home  homes
	lim   Limits
	state state
	names nameWatch
	signs signs
	calls *calls
}

// state is what a Detector knows.
type state struct {
	Seed    uint64
	Records int64
	First   int64 // ns, of all records
	Last    int64
	Conns   int64 // records with packets
	Answers bool  // DNS answers were seen, so that a machine without a name says something
	Leads   bool  // DNS answers with addresses were seen, so that an address nobody was led to says something
	Inline  bool  // records of packets have the questions of DNS themselves
	Waiting waiting
	Made    map[netip.Addr]domain.Finding
	Tunnels map[tunnelKey]tunnelled
	tables  `cbor:"-"`
}

// tables are what of it grows with what is seen; each is saved piece by piece.
type tables struct {
	Homes   cache[machine]
	Outside cache[place]
	Domains cache[popular]
	Led     cache[led]
	Pairs   cache[pair]
	Kept    cache[pair] // what is not to be forgotten of pairs that made room
	Names   cache[named]
	Leaves  cache[leaving]
	Beats   beats
	Hosts   cache[sweep]
	Ports   cache[sweep]
	Guesses cache[guess]
	Victims cache[victim]
	Reflect cache[reflector]
	Stones  cache[relay]
	Bridges cache[bridge]
	Tools   cache[toolUse]
	Prints  cache[fingerprint]
	Hits    cache[hit]
}

// New makes a Detector.
func New(c Config) *Detector {
	lim := c.Limits.filled()
	d := &Detector{conf: c, lim: lim, home: newHomes(c.Home), state: state{Seed: c.Seed, tables: tables{
		Homes: newCache[machine](lim.Home), Outside: newCache[place](lim.Outside), Domains: newCache[popular](lim.Others), Led: newCache[led](lim.Outside / 4),
		Pairs: newCache[pair](lim.Pairs), Kept: newCache[pair](lim.Others), Names: newCache[named](lim.Names), Leaves: newCache[leaving](lim.Others), Beats: beats{Max: lim.Beats},
		Hosts: newCache[sweep](lim.Scans), Ports: newCache[sweep](lim.Scans), Guesses: newCache[guess](lim.Others),
		Victims: newCache[victim](lim.Victims), Reflect: newCache[reflector](lim.Others / 16), Stones: newCache[relay](lim.Others / 8),
		Bridges: newCache[bridge](lim.Others / 16), Tools: newCache[toolUse](lim.Others / 4), Prints: newCache[fingerprint](lim.Others), Hits: newCache[hit](lim.Others),
	}}}
	d.wire()
	return d
}

// wire sets what a state that was read back lacks.
func (d *Detector) wire() {
	s := &d.state
	d.names = newNameWatch(s.Seed)
	d.calls = new(calls)
	memory.Large(d.calls.asked[:])
	d.signs = newSigns(d.conf.Signs)
	s.Pairs.drop = func(p *pair) {
		s.Beats.free(p.Beat)
		d.keep(p)
	}
	s.Names.drop = func(p *named) { s.Beats.free(p.Beat) }
}

// text is the name of the other end as names are compared, "" without.
func (f *flow) text() string {
	if f.name == nil {
		return ""
	}
	return f.name.text
}

// flow is a record with what every detector asks of it.
type flow struct {
	*record.Record
	src, dst         ip
	srcHash, dstHash uint64
	fromHome, toHome bool
	port             uint16 // that was spoken to; 0 of ICMP
	app              record.App
	failed           bool // asked and not answered, or opened and dropped without a word
	quiet            bool // tried with what begins nothing, of which a target does not tell
	answered         bool
	many             bool      // the target is a group, not a machine
	name             *called   // nil without
	machine          *machine  // who began, of one's own
	volume           [2]uint64 // payload, or all bytes where that is all that is known
}

// latest is when clocks are taken to be wrong: the year 2200.
const latest = 230 * 365 * day

// Add looks at one record. Nothing of it is kept but numbers, addresses, hashes
// and names in bounded form.
func (d *Detector) Add(r *record.Record) {
	if !r.Src.IsValid() || !r.Dst.IsValid() || r.Start < 0 || r.End < r.Start || r.Start > latest {
		return
	}
	s := &d.state
	s.Records++
	if s.First == 0 || r.Start < s.First {
		s.First = r.Start
	}
	s.Last = max(s.Last, r.End)
	f := flow{Record: r, src: ipOf(r.Src), dst: ipOf(r.Dst), app: r.App}
	f.srcHash, f.dstHash = f.src.hash(s.Seed), f.dst.hash(s.Seed)
	f.fromHome, f.toHome = d.home.contains(r.Src), d.home.contains(r.Dst)
	f.many = group(r.Dst)
	if r.Proto != 1 && r.Proto != 58 {
		f.port = r.DstPort
	}
	if name := nameOf(r); !name.IsZero() {
		f.name = d.called(name)
	}
	f.answered = r.Packets[record.In] > 0
	f.quiet = quiet(r, f.toHome)
	f.failed = f.quiet || failed(r)
	if f.volume = r.Payload; f.volume == [2]uint64{} {
		f.volume = r.Bytes
	}
	d.learn(&f)
	d.match(&f)
	d.facts(&f)
	if r.Packets[record.Out]+r.Packets[record.In] == 0 {
		return // a line of a log without volumes
	}
	s.Conns++
	if f.many {
		return
	}
	d.volume(&f)
	d.sweeps(&f)
	d.guessing(&f)
	d.floods(&f)
	d.stones(&f)
}

// AddAll looks at records in their order.
func (d *Detector) AddAll(all []record.Record) {
	for i := range all {
		if i+Ahead < len(all) {
			d.Soon(&all[i+Ahead])
		}
		d.Add(&all[i])
	}
}

// facts looks at what a protocol says of itself, which a log may say apart from
// the volumes.
func (d *Detector) facts(f *flow) {
	for i := range f.DNS {
		d.question(f, &f.DNS[i])
	}
	if f.fromHome {
		d.tools(f)
		d.prints(f)
		if f.name != nil && !f.toHome && !f.many {
			d.nameBeat(f)
		}
	}
}

// nameOf is the name of the other end that a record tells.
func nameOf(r *record.Record) record.Name {
	switch {
	case r.TLS != nil && !r.TLS.SNI.IsZero():
		return r.TLS.SNI
	case r.QUIC != nil && !r.QUIC.SNI.IsZero():
		return r.QUIC.SNI
	case len(r.HTTP) > 0:
		return r.HTTP[0].Host
	}
	return record.Name{}
}

// failed reports whether a communication came to nothing: nobody answered, or
// TCP was refused, or dropped before anything was said. An export without flags
// says nothing of it.
func failed(r *record.Record) bool {
	switch r.State {
	case record.Tried, record.Refused:
		return true
	case record.Reset:
		return r.Proto == 6 && r.Payload == [2]uint64{} && r.Packets[record.Out] <= 4 && r.Packets[record.In] <= 2
	}
	return false
}

// quiet reports whether a communication is a try by TCP packets that begin
// nothing (FIN, none or all flags, ACK alone), which programs do not log: one or
// two that carry nothing and get nothing or a reset. After a silence the end of
// an old connection looks like that too, with FIN and ACK, of which there are
// many to outside and hardly any between machines of one's own.
func quiet(r *record.Record, toHome bool) bool {
	const fin, rst, ack = 1, 4, 16
	out, in := r.Flags[record.Out], r.Flags[record.In]
	if r.Proto != 6 || r.State != record.Midway || r.Payload != [2]uint64{} || r.Packets[record.Out] == 0 || r.Packets[record.Out] > 2 || out&rst != 0 {
		return false
	}
	if out&(fin|ack) == fin|ack && !toHome {
		return false
	}
	return r.Packets[record.In] == 0 || r.Packets[record.In] <= r.Packets[record.Out] && in&^ack == rst
}

// group reports whether an address is that of many: multicast or broadcast.
func group(a netip.Addr) bool {
	return a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) || a.IsLoopback() || a.IsUnspecified()
}

// Report is what a Detector found until now.
type Report struct {
	Findings []Finding // shown, in the order of rank
	Allowed  []Finding // held back by an entry of the list
	Expired  []Allow   // entries that ran out before the end of what was read
	Unused   []Allow   // entries that held nothing back
	More     map[Kind]int
	Stats    Stats
}

// Stats are what a Detector went through and had to forget.
type Stats struct {
	Records     int64            `json:"records"`
	Connections int64            `json:"connections"`
	First       int64            `json:"-"` // ns
	Last        int64            `json:"-"`
	Home        int              `json:"home_machines"`
	Outside     int              `json:"outside_machines"`
	Pairs       int              `json:"pairs"`
	Evicted     map[string]int64 `json:"evicted,omitempty"`
}

// Days is how much time was looked at, in days.
func (s *Stats) Days() float64 { return float64(s.Last-s.First) / float64(day) }

// Finish judges what was seen until now. The Detector goes on unchanged.
func (d *Detector) Finish() *Report {
	var all []Finding
	for _, judge := range []func() []Finding{d.judgeBeacons, d.judgeLong, d.judgeSweeps, d.judgeGuesses, d.judgeFloods, d.judgeReflectors,
		d.judgeStones, d.judgeTools, d.judgeLeaving, d.judgeRare, d.judgePrints, d.judgeDomains, d.judgeTunnels, d.judgeHits} {
		all = append(all, judge()...)
	}
	rank(all)
	r := &Report{Stats: d.Stats(), More: map[Kind]int{}}
	for i := range d.conf.Allow {
		d.conf.Allow[i].Used = 0
	}
	count := map[Kind]int{}
	for i := range all {
		f := &all[i]
		if f.Attack == nil {
			f.Attack = attack[f.Kind]
		}
		if f.Allowed = expected(d.conf.Allow, f); f.Allowed != nil {
			r.Allowed = append(r.Allowed, *f)
			continue
		}
		if count[f.Kind]++; count[f.Kind] > maxFindings {
			r.More[f.Kind]++
			continue
		}
		r.Findings = append(r.Findings, *f)
	}
	for _, a := range d.conf.Allow {
		switch {
		case a.Until.UnixNano() < d.state.Last:
			r.Expired = append(r.Expired, a)
		case a.Used == 0:
			r.Unused = append(r.Unused, a)
		}
	}
	return r
}

// Stats returns what was gone through.
func (d *Detector) Stats() Stats {
	s := &d.state
	out := Stats{Records: s.Records, Connections: s.Conns, First: s.First, Last: s.Last, Home: s.Homes.N, Outside: s.Outside.N, Pairs: s.Pairs.N, Evicted: map[string]int64{}}
	for name, n := range map[string]int64{"pairs": s.Pairs.Evicted, "beats": s.Beats.Evicted, "names": s.Names.Evicted, "outside": s.Outside.Evicted, "home": s.Homes.Evicted,
		"scans": s.Hosts.Evicted + s.Ports.Evicted, "victims": s.Victims.Evicted, "guesses": s.Guesses.Evicted,
		"others": s.Reflect.Evicted + s.Stones.Evicted + s.Bridges.Evicted + s.Tools.Evicted + s.Prints.Evicted + s.Domains.Evicted} {
		if n > 0 {
			out.Evicted[name] = n
		}
	}
	return out
}

// span is how much time was looked at, at least an hour.
func (d *Detector) span() int64 { return max(d.state.Last-d.state.First, hour) }
