package synth

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"time"

	"noroshi/internal/engine/flow/record"
)

// Config is what a day is made of. The zero value of a field means its default.
type Config struct {
	Seed     uint64
	Start    time.Time     // default: 2026-11-04 00:00 in Japan
	Length   time.Duration // 24 hours
	Machines int           // workstations; 90
	Clean    bool          // nothing is planted
	Only     []string      // of the plants, those with these names; none: all
	Naming   *record.Naming
}

// Planted is an attack that was put into the day.
type Planted struct {
	Plant      string `json:"plant"` // its name
	Kind       string `json:"kind"`  // of the finding that should tell of it
	Src        string `json:"src,omitempty"`
	Dst        string `json:"dst,omitempty"`
	Name       string `json:"name,omitempty"`
	Start, End time.Time
}

// Day gives the records of a day in the order of their beginnings.
type Day struct {
	conf    Config
	rng     *rand.Rand
	start   int64
	end     int64
	queue   events
	out     []record.Record
	planted []Planted
	sites   []site
	offices []netip.Addr
	servers []netip.Addr
	plcs    []netip.Addr
	clients [][36]byte // fingerprints of ordinary programs
	ports   uint16
}

// Machines with a part of their own.
var (
	resolver   = netip.MustParseAddr("10.20.0.53")
	clock      = netip.MustParseAddr("10.20.0.123")
	directory  = netip.MustParseAddr("10.20.0.10")
	files      = netip.MustParseAddr("10.20.0.20")
	mail       = netip.MustParseAddr("10.20.0.25")
	monitor    = netip.MustParseAddr("10.20.0.80")
	backup     = netip.MustParseAddr("10.20.0.90")
	scada      = netip.MustParseAddr("10.20.40.10")
	publicWeb  = netip.MustParseAddr("192.0.2.10")
	publicMail = netip.MustParseAddr("192.0.2.25")
	openDNS    = netip.MustParseAddr("192.0.2.53")
	jumpHost   = netip.MustParseAddr("192.0.2.22")
)

// Home are the networks of the operator.
func Home() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16"), netip.MustParsePrefix("192.0.2.0/24")}
}

// site is a place outside and the name it has.
type site struct {
	name string
	addr []netip.Addr
}

const (
	second = int64(time.Second)
	minute = 60 * second
	hour   = 60 * minute
)

// New makes up a day.
func New(c Config) *Day {
	if c.Start.IsZero() {
		c.Start = time.Date(2026, 11, 3, 15, 0, 0, 0, time.UTC)
	}
	if c.Length <= 0 {
		c.Length = 24 * time.Hour
	}
	if c.Machines <= 0 {
		c.Machines = 90
	}
	if c.Naming == nil {
		c.Naming = record.NewNaming([32]byte{}, false)
	}
	d := &Day{conf: c, rng: rand.New(rand.NewPCG(c.Seed, 0x6e6f726f736869)), start: c.Start.UnixNano(), ports: 49152}
	d.end = d.start + int64(c.Length)
	d.people()
	d.life()
	if !c.Clean {
		d.attack()
	}
	return d
}

// Planted is what was put into the day, in the order of the plants.
func (d *Day) Planted() []Planted { return d.planted }

// Next fills batch with the records that follow and returns how many; 0 at the
// end of the day.
func (d *Day) Next(batch []record.Record) int {
	for len(d.out) < len(batch) && len(d.queue) > 0 {
		e := heap.Pop(&d.queue).(event)
		if e.at < d.end {
			e.do(e.at)
		}
	}
	n := copy(batch, d.out)
	d.out = d.out[:copy(d.out, d.out[n:])]
	return n
}

// All returns the whole day.
func (d *Day) All() (all []record.Record) {
	batch := make([]record.Record, 256)
	for {
		n := d.Next(batch)
		if n == 0 {
			return all
		}
		all = append(all, batch[:n]...)
	}
}

// event is something that happens at a time.
type event struct {
	at  int64
	seq int
	do  func(at int64)
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

func (d *Day) at(t int64, do func(at int64)) {
	if t < d.start {
		t = d.start
	}
	if t < d.end {
		heap.Push(&d.queue, event{t, len(d.queue), do})
	}
}

// every does something again and again: wait says how long until the next time.
func (d *Day) every(first int64, wait func() int64, do func(at int64)) {
	var step func(int64)
	step = func(at int64) {
		do(at)
		d.at(at+max(wait(), second/100), step)
	}
	d.at(first, step)
}

// steady waits for a period give or take a share of it.
func (d *Day) steady(period, jitter float64) func() int64 {
	return func() int64 { return int64(period * (1 + jitter*(2*d.rng.Float64()-1)) * float64(second)) }
}

// random waits as long as things take that happen by chance, in seconds on
// average.
func (d *Day) random(mean float64) func() int64 {
	return func() int64 { return int64(d.rng.ExpFloat64() * mean * float64(second)) }
}

// busy is how much people work at a time, 0 to 1, in Japan.
func busy(at int64) float64 {
	h := float64((at+9*hour)%(24*hour)) / float64(hour)
	switch {
	case h < 7 || h > 21:
		return 0.02
	case h < 9:
		return 0.02 + 0.98*(h-7)/2
	case h > 12 && h < 13:
		return 0.5
	case h > 17.5:
		return max(0.02, 1-(h-17.5)/3)
	}
	return 1
}

// bytes is a size of about so many bytes: half of them within a third and three
// times of it.
func (d *Day) bytes(middle float64) uint64 {
	return uint64(min(middle*math.Exp(0.9*d.rng.NormFloat64()), 4e9)) + 40
}

// conn adds a communication and returns it to be filled further.
func (d *Day) conn(at int64, src, dst netip.Addr, port uint16, proto uint8, app record.App, out, in uint64, took int64) *record.Record {
	d.ports++
	if d.ports < 49152 {
		d.ports = 49152
	}
	r := record.Record{Start: at, End: at + took, Src: src, Dst: dst, SrcPort: d.ports, DstPort: port, Proto: proto, App: app,
		State: record.Closed, Payload: [2]uint64{out, in}}
	head := uint64(28)
	if proto == 6 {
		head = 52
		r.Flags = [2]uint8{0x1b, 0x1b}
	}
	for side, n := range r.Payload {
		r.Packets[side] = max(1, (n+1399)/1400)
		if proto == 6 {
			r.Packets[side] += 4 + r.Payload[1-side]/2800
		}
		r.Bytes[side] = n + head*r.Packets[side]
	}
	if proto == 17 && in == 0 {
		r.Packets[1], r.Bytes[1], r.State = 0, 0, record.Tried
	}
	d.out = append(d.out, r)
	return &d.out[len(d.out)-1]
}

// dead adds a try that nobody answered, or that was refused.
func (d *Day) dead(at int64, src, dst netip.Addr, port uint16, refused bool) *record.Record {
	r := d.conn(at, src, dst, port, 6, record.NoApp, 0, 0, second/50)
	r.Packets, r.Bytes, r.State, r.Flags = [2]uint64{1, 0}, [2]uint64{60, 0}, record.Tried, [2]uint8{2, 0}
	if refused {
		r.Packets[1], r.Bytes[1], r.State, r.Flags[1] = 1, 40, record.Refused, 0x14
	}
	return r
}

// ask adds a question to the resolver of the house.
func (d *Day) ask(at int64, src netip.Addr, name string, kind uint16, rcode uint8, answer ...netip.Addr) {
	out := uint64(28 + len(name))
	r := d.conn(at, src, resolver, 53, 17, record.DNSApp, out, out+16*uint64(len(answer)+1), second/100)
	q := record.DNS{At: at, Type: kind, Answered: true, Rcode: rcode, Answers: uint16(len(answer)), TTL: 300, Size: [2]uint16{uint16(out), uint16(r.Payload[1])}}
	if len(answer) == 0 {
		q.TTL = 0
	}
	copy(q.Addrs[:], answer)
	measure(&q, []byte(name), d.conf.Naming)
	r.AddDNS(q)
}

// tls adds a connection over TLS to a name, with the question that comes before.
func (d *Day) tls(at int64, src netip.Addr, s site, ja4 [36]byte, out, in uint64, took int64) *record.Record {
	dst := s.addr[d.rng.IntN(len(s.addr))]
	r := d.conn(at, src, dst, 443, 6, record.TLSApp, out+600, in+3500, took)
	r.TLS = &record.TLS{Version: 0x304, Cipher: 0x1301, ALPN: record.H2, JA4: ja4, Established: true}
	if s.name != "" {
		r.TLS.SNI = d.conf.Naming.Host([]byte(s.name))
	}
	return r
}

// outside is the n-th address outside.
func outside(n int) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 0xc6120000+uint32(n)%(1<<17))
	return netip.AddrFrom4(b)
}

func bad(n int) netip.Addr { return netip.AddrFrom4([4]byte{198, 51, 100, byte(n)}) }

func inside(net, n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 20, byte(net), byte(n)}) }

// print4 makes up a fingerprint in the form of JA4.
func (d *Day) print4() (p [36]byte) {
	copy(p[:], fmt.Sprintf("t13d%02d%02dh2_%012x_%012x", 5+d.rng.IntN(20), 5+d.rng.IntN(12), d.rng.Uint64()>>16, d.rng.Uint64()>>16))
	return p
}
