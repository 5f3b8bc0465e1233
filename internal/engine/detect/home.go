package detect

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"

	"noroshi/internal/engine/detect/domain"
	"noroshi/internal/engine/flow/record"
)

// homes are one's own networks.
type homes struct {
	four []block4
	six  []netip.Prefix
}

type block4 struct{ addr, mask uint32 }

// private are one's own networks when none are named: RFC 1918, RFC 6598,
// RFC 3927, RFC 4193, RFC 4291.
var private = []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10"}

func newHomes(list []netip.Prefix) (h homes) {
	if len(list) == 0 {
		for _, p := range private {
			list = append(list, netip.MustParsePrefix(p))
		}
	}
	for _, p := range list {
		p = p.Masked()
		if p.Addr().Is4() {
			a := p.Addr().As4()
			h.four = append(h.four, block4{binary.BigEndian.Uint32(a[:]), ^uint32(0) << (32 - p.Bits())})
		} else if p.IsValid() {
			h.six = append(h.six, p)
		}
	}
	return h
}

func (h *homes) contains(a netip.Addr) bool {
	if a = a.Unmap(); a.Is4() {
		b := a.As4()
		v := binary.BigEndian.Uint32(b[:])
		for _, p := range h.four {
			if v&p.mask == p.addr {
				return true
			}
		}
		return false
	}
	for _, p := range h.six {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// machine is one of one's own, 0.1 KB, and 0.4 KB more from the second connection on.
type machine struct {
	Addr        ip
	First, Last int64
	Conns       uint32
	watch       int32  // where the watch of made up names has it, from 1
	Out, In     uint64 // payload to and from outside
	Only        int64  // when its first connection was
	Grid        *grid  // of its traffic to outside, the ordinary beside which a beacon stands; nil below two
}

// seen notes a connection to outside. Addresses that are invented come once and
// need no picture of their day.
func (m *machine) seen(at int64) {
	if m.Conns++; m.Conns == 1 {
		m.Only = at
		return
	}
	if m.Grid == nil {
		m.Grid = new(grid)
		m.Grid.add(m.Only)
	}
	m.Grid.add(at)
}

// place is a machine outside, 0.1 KB.
type place struct {
	Addr        ip
	Name        string // that it was called by last
	First, Last int64
	Homes       few
	Conns       uint32
	Failed      uint32
	Out, In     uint64
	Port        uint16
	Proto       uint8
	SelfSigned  bool
	Odd         bool  // a connection to a port that is not of the public's services carried something
	Asked       bool  // a DNS answer led to it
	Tool        int16 // whose servers it is of, from 1
	Via         ip    // the machine that was first
}

// publicPorts are those of services for everybody: the web, mail, SSH, names,
// clocks; 0 is ICMP.
var publicPorts = []uint16{80, 443, 25, 465, 587, 993, 995, 143, 110, 22, 53, 123, 0}

// popular is a registered name and how many ask for it.
type popular struct {
	Homes few
}

// learn keeps who there is.
func (d *Detector) learn(f *flow) {
	s := &d.state
	if f.fromHome {
		m, fresh := s.Homes.at(f.srcHash)
		if fresh {
			*m = machine{Addr: f.src, First: f.Start}
		}
		f.machine = m
		m.First, m.Last = min(m.First, f.Start), max(m.Last, f.End)
		if !f.toHome && !f.many && f.Packets[0] > 0 {
			m.Out, m.In = m.Out+f.volume[record.Out], m.In+f.volume[record.In]
			m.seen(f.Start)
		}
	}
	if f.toHome || !f.fromHome || f.many {
		return
	}
	if f.failed && f.name == nil && s.Outside.find(f.dstHash) == nil {
		return // who scans tries places that are not there
	}
	p, fresh := s.Outside.at(f.dstHash)
	if fresh {
		*p = place{Addr: f.dst, First: f.Start, Via: f.src, Port: f.port, Proto: f.Proto}
	}
	p.First, p.Last = min(p.First, f.Start), max(p.Last, f.End)
	p.Homes.add(f.srcHash)
	if f.Packets[0] > 0 {
		p.Conns++
		p.Out, p.In = p.Out+f.volume[record.Out], p.In+f.volume[record.In]
		if f.failed {
			p.Failed++
		} else if !slices.Contains(publicPorts, f.port) {
			p.Odd = true
		}
	}
	if f.name != nil {
		p.Name = f.name.text
		at, _ := s.Domains.at(f.name.own)
		at.Homes.add(f.srcHash)
	}
	if f.TLS != nil && f.TLS.Certificate != nil && f.TLS.Certificate.SelfSigned {
		p.SelfSigned = true
	}
}

// registered is the name that somebody registered, out of a whole one.
func registered(name string) string {
	if c := domain.Cut(name); c.OK {
		return name[c.From:]
	}
	return name
}

// question learns of a DNS question where the addresses of names are.
func (d *Detector) question(f *flow, q *record.DNS) {
	if f.app != record.DNSApp || q.Name.IsZero() {
		return
	}
	name := d.asked(q)
	if f.fromHome {
		d.toolName(f, name)
	}
	d.domainQuestion(f, q, name)
	if !q.Answered || q.Rcode != 0 {
		return
	}
	d.state.Answers = true
	for _, a := range q.Addrs {
		if !a.IsValid() {
			break
		}
		if d.home.contains(a) || group(a) {
			continue
		}
		at := ipOf(a)
		p, fresh := d.state.Outside.at(at.hash(d.state.Seed))
		if fresh {
			*p = place{Addr: at, First: f.Start, Last: f.Start}
		}
		p.Asked = true
		if p.Name == "" || p.Conns == 0 {
			p.Name = name.text
		}
		d.lead(f, q, at, name)
	}
}

// share is what part of one's own machines a set is, and how many machines
// there are; -1 where too few are to say.
func (d *Detector) share(f few) float64 {
	if d.state.Homes.N < minHomes {
		return -1
	}
	return clamp(f.count() / float64(d.state.Homes.N))
}

// rarity is how unusual it is in the house to speak with a place, by address
// and by registered name: 1 only one machine does, 0 everybody does.
func (d *Detector) rarity(dst ip, name string) float64 {
	share := -1.0
	one := false
	if p := d.state.Outside.find(dst.hash(d.state.Seed)); p != nil && dst != (ip{}) {
		share, one = d.share(p.Homes), bits.OnesCount64(uint64(p.Homes)) <= 1
	}
	if name != "" && (dst == (ip{}) || d.led(name, dst)) {
		if p := d.state.Domains.find(hashText(registered(name), d.state.Seed)); p != nil {
			share = max(share, d.share(p.Homes))
			one = bits.OnesCount64(uint64(p.Homes)) <= 1
		}
	}
	switch {
	case share < 0:
		return 0.7 // in a house of few machines everything is rare
	case one:
		return 1
	}
	return 1 - between(share, rareShare, commonShare)
}
