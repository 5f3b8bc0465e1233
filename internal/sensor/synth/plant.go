package synth

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"noroshi/internal/engine/flow/record"
)

// plant is one attack: its name, the finding that should tell of it, and what
// it does.
type plant struct {
	name, kind string
	grow       func(d *Day, p *Planted)
}

// plants are all attacks, in the order of the day's story.
var plants = []plant{
	{"beacon_regular", "beacon", func(d *Day, p *Planted) { d.beacon(p, d.desk(7), site{"", []netip.Addr{bad(11)}}, 60, 0, 2) }},
	{"beacon_jitter_20", "beacon", func(d *Day, p *Planted) {
		d.beacon(p, d.desk(21), site{"cdn-upd.kumori-cdn.example", []netip.Addr{bad(12)}}, 300, 0.2, 1)
	}},
	{"beacon_jitter_40", "beacon", func(d *Day, p *Planted) {
		d.beacon(p, d.servers[3], site{"api.shizuka-sync.example", []netip.Addr{bad(13), bad(14), bad(15)}}, 420, 0.4, 0)
	}},
	{"remote_tool", "remote_tool", (*Day).remoteTool},
	{"generated_domains", "generated_domains", (*Day).generated},
	{"dns_tunnel", "dns_tunnel", (*Day).tunnel},
	{"host_scan", "host_scan", (*Day).hostScan},
	{"port_scan", "port_scan", (*Day).portScan},
	{"guessing_inside", "password_guessing", func(d *Day, p *Planted) { d.guess(p, d.desk(7), d.servers[5], 4*hour+20*minute, 2) }},
	{"guessing_outside", "password_guessing", func(d *Day, p *Planted) { d.guess(p, bad(30), jumpHost, 20*hour, 3) }},
	{"stepping_stone", "stepping_stone", (*Day).steppingStone},
	{"data_leaving", "data_leaving", (*Day).leaving},
	{"long_connection", "long_connection", (*Day).longConnection},
	{"reflector", "reflector", (*Day).reflector},
	{"reflection_flood", "reflection_flood", (*Day).reflection},
	{"flood", "flood", (*Day).flood},
	{"flood_from_inside", "flood", (*Day).bot},
}

// Plants lists the names of all attacks.
func Plants() (names []string) {
	for _, p := range plants {
		names = append(names, p.name)
	}
	return names
}

func (d *Day) attack() {
	for _, p := range plants {
		if len(d.conf.Only) > 0 && !slices.Contains(d.conf.Only, p.name) {
			continue
		}
		t := Planted{Plant: p.name, Kind: p.kind}
		p.grow(d, &t)
		d.planted = append(d.planted, t)
	}
}

// when sets the time of a plant; an attack that would begin after the end of a
// short day begins at its half.
func (d *Day) when(p *Planted, after, took int64) int64 {
	at := d.start + after
	if at+took > d.end {
		at = max(d.start, d.start+(d.end-d.start)/2-took/2)
	}
	p.Start, p.End = time.Unix(0, at).UTC(), time.Unix(0, min(at+took, d.end)).UTC()
	return at
}

// during does something again and again within a time.
func (d *Day) during(from, took int64, wait func() int64, do func(at int64)) {
	var step func(int64)
	step = func(at int64) {
		if at >= from+took {
			return
		}
		do(at)
		d.at(at+max(wait(), second/100), step)
	}
	d.at(from, step)
}

func (d *Day) beacon(p *Planted, src netip.Addr, to site, period, jitter float64, after int) {
	from := d.when(p, int64(after)*hour, d.end-d.start-int64(after)*hour)
	p.Src, p.Dst, p.Name = src.String(), to.addr[0].String(), to.name
	ja4 := d.print4()
	d.every(from, d.steady(period, jitter), func(at int64) {
		if d.rng.IntN(20) == 0 { // now and then the far side is away
			d.dead(at, src, to.addr[0], 443, false)
			return
		}
		if to.name != "" && d.rng.IntN(12) == 0 {
			d.ask(at, src, to.name, 1, 0, to.addr...)
		}
		in := uint64(1184)
		if d.rng.IntN(25) == 0 {
			in = d.bytes(40e3) // an order
		}
		r := d.tls(at+second/10, src, to, ja4, 412+uint64(d.rng.IntN(12)), in, second+int64(d.rng.IntN(int(second))))
		r.TLS.Certificate = &record.Certificate{SelfSigned: true}
	})
}

func (d *Day) remoteTool(p *Planted) {
	src, relay := d.desk(33), bad(40)
	from := d.when(p, 9*hour, 2*hour)
	name := "relay-3.net.anydesk.com"
	p.Src, p.Dst, p.Name = src.String(), relay.String(), name
	d.during(from, 2*hour, d.random(1500), func(at int64) {
		d.ask(at, src, name, 1, 0, relay)
		r := d.tls(at+second, src, site{name, []netip.Addr{relay}}, d.clients[8], d.bytes(9e6), d.bytes(1e6), 20*minute)
		r.App = record.AnyDesk
	})
}

// letters makes up a label of so many letters out of an alphabet.
func (d *Day) letters(n int, alphabet string) string {
	var b strings.Builder
	for range n {
		b.WriteByte(alphabet[d.rng.IntN(len(alphabet))])
	}
	return b.String()
}

func (d *Day) generated(p *Planted) {
	src := d.desk(21)
	from := d.when(p, 3*hour, 50*minute)
	p.Src = src.String()
	d.during(from, 50*minute, d.random(9), func(at int64) {
		rcode := uint8(3)
		var answer []netip.Addr
		if d.rng.IntN(60) == 0 {
			rcode, answer = 0, []netip.Addr{bad(50)}
		}
		tld := []string{"com", "net", "biz", "info", "ru"}[d.rng.IntN(5)]
		d.ask(at, src, d.letters(11+d.rng.IntN(6), "abcdefghijklmnopqrstuvwxyz")+"."+tld, 1, rcode, answer...)
	})
}

func (d *Day) tunnel(p *Planted) {
	src := d.desk(44)
	from := d.when(p, 5*hour, 40*minute)
	p.Src, p.Name = src.String(), "kage-michi.example"
	d.during(from, 40*minute, d.random(0.6), func(at int64) {
		d.ask(at, src, d.letters(40, "abcdefghijklmnopqrstuvwxyz234567")+"."+d.letters(24, "abcdefghijklmnopqrstuvwxyz234567")+".t.kage-michi.example", 16, 0)
	})
}

func (d *Day) hostScan(p *Planted) {
	src := d.desk(7)
	from := d.when(p, 4*hour, 6*minute)
	p.Src = src.String()
	n := 0
	d.during(from, 6*minute, d.steady(0.8, 0.5), func(at int64) {
		n++
		to := inside(n/250, 1+n%250)
		if slices.Contains(d.servers, to) {
			d.conn(at, src, to, 445, 6, record.SMBApp, 300, 500, second)
		} else {
			d.dead(at, src, to, 445, n%3 == 0)
		}
	})
}

func (d *Day) portScan(p *Planted) {
	src, to := d.desk(7), d.servers[5]
	from := d.when(p, 4*hour+10*minute, 3*minute)
	p.Src, p.Dst = src.String(), to.String()
	port := uint16(20)
	d.during(from, 3*minute, d.steady(0.25, 0.5), func(at int64) {
		port++
		d.dead(at, src, to, port, true)
	})
}

func (d *Day) guess(p *Planted, src, to netip.Addr, after int64, wait float64) {
	from := d.when(p, after, 25*minute)
	p.Src, p.Dst = src.String(), to.String()
	d.during(from, 25*minute, d.steady(wait, 0.4), func(at int64) {
		r := d.conn(at, src, to, 22, 6, record.SSHApp, 2100+uint64(d.rng.IntN(200)), 2900, 2*second)
		r.SSH = &record.SSH{Client: d.conf.Naming.Agent([]byte("SSH-2.0-libssh2_1.10.0"))}
	})
}

func (d *Day) steppingStone(p *Planted) {
	from := d.when(p, 20*hour+40*minute, 90*minute)
	outer, inner := bad(30), d.servers[8]
	p.Src, p.Dst = outer.String(), inner.String()
	for k := range 3 {
		at := from + int64(k)*30*minute
		took := int64(14+d.rng.IntN(8)) * minute
		there, back := d.bytes(60e3), d.bytes(900e3)
		d.at(at, func(at int64) { d.conn(at, outer, jumpHost, 22, 6, record.SSHApp, there, back, took) })
		d.at(at+4*second, func(at int64) {
			d.conn(at, jumpHost, inner, 22, 6, record.SSHApp, there*9/10, back*11/10, took-6*second)
		})
	}
}

func (d *Day) leaving(p *Planted) {
	src := files
	from := d.when(p, 13*hour, 70*minute)
	to := site{"upload.oki-storage.example", []netip.Addr{bad(60)}}
	p.Src, p.Dst, p.Name = src.String(), bad(60).String(), to.name
	d.ask(from, src, to.name, 1, 0, to.addr...)
	d.during(from+second, 70*minute, d.random(240), func(at int64) {
		d.tls(at, src, to, d.clients[7], d.bytes(280e6), d.bytes(60e3), 3*minute)
	})
}

func (d *Day) longConnection(p *Planted) {
	src := d.servers[9]
	took := min(15*hour, (d.end-d.start)*3/4)
	from := d.when(p, 7*hour, took)
	p.Src, p.Dst = src.String(), bad(70).String()
	d.at(from, func(at int64) {
		r := d.conn(at, src, bad(70), 8443, 6, record.TLSApp, 3e6, 2e6, took)
		r.TLS = &record.TLS{Version: 0x303, JA4: d.print4(), Established: true, Certificate: &record.Certificate{SelfSigned: true}}
	})
}

// reflector: somebody asks the open resolver of the house in another's name.
func (d *Day) reflector(p *Planted) {
	from := d.when(p, 6*hour, 20*minute)
	p.Src, p.Dst = openDNS.String(), bad(80).String()
	d.during(from, 20*minute, d.steady(5, 0.2), func(at int64) {
		r := d.conn(at, bad(80), openDNS, 53, 17, record.DNSApp, 600*36, 600*2900, 5*second)
		r.Packets, r.Bytes = [2]uint64{600, 1200}, [2]uint64{600 * 64, 600 * 2956}
	})
}

func (d *Day) reflection(p *Planted) {
	from := d.when(p, 8*hour, 12*minute)
	p.Dst = publicWeb.String()
	d.during(from, 12*minute, d.steady(0.1, 0.3), func(at int64) {
		r := d.conn(at, outside(90000+d.rng.IntN(400)), publicWeb, uint16(1024+d.rng.IntN(60000)), 17, record.NTP, 900*440, 0, 10*second)
		r.SrcPort = 123
		r.Packets[0], r.Bytes[0] = 900, 900*468
	})
}

func (d *Day) flood(p *Planted) {
	from := d.when(p, 10*hour, 8*minute)
	p.Dst = publicMail.String()
	d.during(from, 8*minute, d.steady(0.02, 0.5), func(at int64) {
		r := d.dead(at, outside(100000+d.rng.IntN(20000)), publicMail, 25, false)
		r.Packets[0], r.Bytes[0], r.End = 40, 40*60, r.Start+4*second
	})
}

// bot: one of the house's own machines takes part in a flood against another.
func (d *Day) bot(p *Planted) {
	src, victim := d.plcs[4], bad(90)
	from := d.when(p, 12*hour, 15*minute)
	p.Src, p.Dst = src.String(), victim.String()
	d.during(from, 15*minute, d.steady(10, 0.1), func(at int64) {
		r := d.conn(at, src, victim, 80, 17, record.NoApp, 12000*500, 0, 10*second)
		r.Packets[0], r.Bytes[0] = 12000, 12000*528
	})
}

// desk is the i-th workstation, of which a small house has fewer.
func (d *Day) desk(i int) netip.Addr { return d.offices[i%len(d.offices)] }
