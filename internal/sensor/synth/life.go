package synth

import (
	"fmt"
	"math"
	"net/netip"

	"noroshi/internal/engine/detect/domain"
	"noroshi/internal/engine/flow/record"
)

// people sets up who there is.
func (d *Day) people() {
	for i := range d.conf.Machines {
		d.offices = append(d.offices, inside(1+i/200, 10+i%200))
	}
	for i := range 14 {
		d.servers = append(d.servers, inside(0, 100+i))
	}
	d.servers = append(d.servers, directory, files, mail)
	for i := range 12 {
		d.plcs = append(d.plcs, inside(40, 20+i))
	}
	first := []string{"aoba", "minato", "sakura", "hikari", "midori", "kaze", "umi", "yama", "hoshi", "tsuki", "nami", "sora", "mori", "kawa", "yuki", "asahi", "chuo", "fuji", "tomo", "wakaba"}
	last := []string{"news", "shop", "bank", "travel", "mail", "map", "tv", "book", "food", "forum", "denki", "gas", "bus", "kippu", "jobs", "gov"}
	for i := range 280 {
		s := site{name: fmt.Sprintf("www.%s-%s.example", first[i%len(first)], last[i/len(first)%len(last)])}
		for k := range 1 + i%4 {
			s.addr = append(s.addr, outside(1000+i*8+k))
		}
		d.sites = append(d.sites, s)
	}
	for range 9 {
		d.clients = append(d.clients, d.print4())
	}
}

// service is a place that machines speak with on their own.
func service(name string, n int) site {
	return site{name, []netip.Addr{outside(n), outside(n + 1), outside(n + 2)}}
}

// life starts what machines and people do.
func (d *Day) life() {
	for i, m := range d.offices {
		d.office(i, m)
	}
	for i, m := range d.servers {
		d.server(i, m)
	}
	d.control()
	d.public()
	d.watch()
	d.every(d.start+17*hour, d.steady(24*3600, 0), d.copies) // 02:00 in Japan
}

// site chosen as people choose: a few again and again, many now and then.
func (d *Day) choose() site {
	n := int(math.Exp(d.rng.Float64()*math.Log(float64(len(d.sites))))) - 1
	return d.sites[min(n, len(d.sites)-1)]
}

func (d *Day) office(i int, m netip.Addr) {
	browser := d.clients[i%4]
	// Pages: more by day, in bursts of connections that begin together.
	d.every(d.start+int64(d.rng.Float64()*600)*second, d.random(150), func(at int64) {
		if d.rng.Float64() > busy(at) {
			return
		}
		s := d.choose()
		d.ask(at, m, s.name, 1, 0, s.addr...)
		for k := range 1 + d.rng.IntN(5) {
			d.at(at+int64(k)*second/3+second/10, func(at int64) {
				d.tls(at, m, s, browser, d.bytes(1500), d.bytes(30e3), int64(d.rng.ExpFloat64()*20*float64(second)))
			})
		}
	})
	phase := int64(d.rng.Float64()*3600) * second
	// Its clock, its mail, its tickets, its shares.
	d.every(d.start+phase/4, d.steady(1024, 0.05), func(at int64) { d.conn(at, m, clock, 123, 17, record.NTP, 48, 48, second/100) })
	d.every(d.start+phase/8, d.steady(300, 0.02), func(at int64) { d.conn(at, m, mail, 993, 6, record.TLSApp, d.bytes(900), d.bytes(4000), second) })
	d.every(d.start+phase, d.random(5400), func(at int64) {
		d.conn(at, m, directory, 88, 6, record.KerberosApp, 1800, 1700, second/20)
		d.conn(at+second/5, m, directory, 389, 6, record.LDAPApp, 900, 3000, second)
		d.conn(at+second/3, m, files, 445, 6, record.SMBApp, d.bytes(20e3), d.bytes(2e6), 120*second)
	})
	// What its system does on its own.
	telemetry, updates, push := service("v10.events.data.microsoft.com", 200), service("ctldl.windowsupdate.com", 210), service("mtalk.google.com", 220)
	d.every(d.start+phase, d.steady(1800+float64(i%7)*300, 0.1), func(at int64) { d.tls(at, m, telemetry, d.clients[4], d.bytes(4000), 700, 5*second) })
	d.every(d.start+phase*3, d.steady(4*3600, 0.2), func(at int64) {
		d.ask(at, m, updates.name, 1, 0, updates.addr...)
		d.tls(at+second/9, m, updates, d.clients[4], 900, d.bytes(3e6), 30*second)
	})
	d.every(d.start+phase/2, d.steady(3*3600, 0.3), func(at int64) {
		r := d.conn(at, m, push.addr[0], 5228, 6, record.TLSApp, d.bytes(4000), d.bytes(8000), int64(1+d.rng.IntN(9))*hour/2)
		r.TLS = &record.TLS{Version: 0x304, SNI: d.conf.Naming.Host([]byte(push.name)), JA4: browser, Established: true}
	})
	if i%9 == 0 { // somebody leaves a page of figures open that asks again each half minute
		s := d.sites[i%12]
		from := d.start + int64(d.rng.Float64()*4*3600)*second
		d.every(from, d.steady(30, 0.3), func(at int64) {
			if busy(at) > 0.5 && at%(3*hour) < hour {
				d.tls(at, m, s, browser, 700, 1500, second)
			}
		})
	}
	if i%15 == 3 { // a call, most days
		d.at(d.start+2*hour+phase*5, func(at int64) {
			r := d.conn(at, m, outside(300+i), 443, 17, record.QUICApp, d.bytes(60e6), d.bytes(90e6), hour)
			r.QUIC = &record.QUIC{Version: 1, SNI: d.conf.Naming.Host([]byte("meet.kaigi-room.example"))}
		})
	}
}

func (d *Day) server(i int, m netip.Addr) {
	phase := int64(d.rng.Float64()*900) * second
	agent, packages := service("collect.kanshi-cloud.example", 240), service("security.ubuntu.com", 250)
	// All servers report to a service that watches them: a beat, but everybody's.
	d.every(d.start+phase/9, d.steady(60, 0.02), func(at int64) { d.tls(at, m, agent, d.clients[6], 1800, 300, second) })
	d.every(d.start+phase, d.steady(6*3600, 0.3), func(at int64) {
		d.ask(at, m, packages.name, 1, 0, packages.addr...)
		r := d.conn(at+second/5, m, packages.addr[i%3], 80, 6, record.HTTPApp, 800, d.bytes(400e3), 3*second)
		r.AddHTTP(record.HTTP{At: at, Method: record.GET, Major: 1, Minor: 1, Host: d.conf.Naming.Host([]byte(packages.name)), Path: d.conf.Naming.Path([]byte("/dists")), Status: 200})
	})
	d.every(d.start+phase, d.steady(256, 0.02), func(at int64) { d.conn(at, m, clock, 123, 17, record.NTP, 48, 48, second/100) })
}

// control is the network of the plant: the same questions all day.
func (d *Day) control() {
	for _, plc := range d.plcs {
		d.every(d.start, d.steady(300, 0), func(at int64) {
			r := d.conn(at, scada, plc, 502, 6, record.Modbus, 300*12, 300*60, 300*second)
			r.State = record.Open
			r.Control = &record.Control{Requests: 300, Functions: [4]uint64{1 << 3}}
		})
	}
	d.every(d.start, d.steady(64, 0), func(at int64) { d.conn(at, clock, outside(260), 123, 17, record.NTP, 48, 48, second/50) })
}

// public is what faces the Internet: visitors, mail, and the noise of scans
// that every address gets.
func (d *Day) public() {
	d.every(d.start, d.random(9), func(at int64) {
		if d.rng.Float64() < 0.25+0.75*busy(at) {
			r := d.conn(at, outside(40000+d.rng.IntN(3000)), publicWeb, 443, 6, record.TLSApp, d.bytes(1800), d.bytes(60e3), int64(d.rng.ExpFloat64()*15*float64(second)))
			r.TLS = &record.TLS{Version: 0x304, SNI: d.conf.Naming.Host([]byte("www.aohama-denryoku.example")), JA4: d.clients[d.rng.IntN(4)], Established: true}
		}
	})
	d.every(d.start, d.random(60), func(at int64) {
		d.conn(at, outside(50000+d.rng.IntN(400)), publicMail, 25, 6, record.SMTP, d.bytes(30e3), 600, 4*second)
	})
	d.every(d.start, d.random(90), func(at int64) {
		if d.rng.Float64() < 0.1+busy(at) {
			d.conn(at, publicMail, outside(51000+d.rng.IntN(250)), 25, 6, record.SMTP, d.bytes(40e3), 600, 4*second)
		}
	})
	d.every(d.start, d.random(5), func(at int64) { // names of the house, asked from everywhere
		d.conn(at, outside(60000+d.rng.IntN(900)), openDNS, 53, 17, record.DNSApp, 45, 110, second/100)
	})
	ports := []uint16{22, 23, 445, 3389, 8080, 5900, 6379, 2323, 81}
	d.every(d.start, d.random(7), func(at int64) {
		d.dead(at, outside(70000+d.rng.IntN(4000)), netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + d.rng.IntN(250))}), ports[d.rng.IntN(len(ports))], d.rng.IntN(4) == 0)
	})
}

// watch is the machine that asks all others whether they are well.
func (d *Day) watch() {
	all := append(append([]netip.Addr(nil), d.servers...), d.plcs...)
	d.every(d.start, d.steady(300, 0), func(at int64) {
		for i, m := range all {
			t := at + int64(i)*second/10
			r := d.conn(t, monitor, m, 0, 1, record.ICMPApp, 56, 56, second/500)
			r.SrcPort, r.DstPort = 8, 0
			d.conn(t+second/20, monitor, m, 161, 17, record.SNMP, 80, 400, second/100)
		}
	})
	for i, m := range d.servers { // and logs in where it must
		d.every(d.start+int64(i)*20*second, d.steady(900, 0.01), func(at int64) { d.conn(at, monitor, m, 22, 6, record.SSHApp, 2600, 3800, 2*second) })
	}
	d.every(d.start, d.random(2), func(at int64) { // the resolver asks the world
		if d.rng.Float64() < 0.2+0.8*busy(at) {
			d.conn(at, resolver, outside(55000+d.rng.IntN(500)), 53, 17, record.DNSApp, 40, 120, second/20)
		}
	})
}

// copies is what is copied at night: much, and inside.
func (d *Day) copies(at int64) {
	for i, m := range d.servers {
		d.at(at+int64(i)*5*minute, func(at int64) {
			d.conn(at, m, backup, 445, 6, record.SMBApp, d.bytes(6e9), 4e6, 4*minute)
		})
	}
}

// measure fills in a name and its numbers, as a dissector does.
func measure(q *record.DNS, name []byte, n *record.Naming) {
	q.Name, q.Whole, q.Length = n.Host(name), n.Fold(name), uint8(min(len(name), 255))
	n.Judge(q, name)
	start := 0
	for i := 0; i <= len(name); i++ {
		if i == len(name) || name[i] == '.' {
			q.Labels++
			q.Longest = max(q.Longest, uint8(i-start))
			start = i + 1
		}
	}
	below := name
	if s := domain.Cut(name); s.OK {
		below = name[:s.From]
	}
	var counts [256]int
	total := 0
	for _, c := range below {
		if c != '.' {
			counts[c]++
			total++
		}
	}
	bits := 0.0
	for _, k := range counts {
		if k > 0 {
			p := float64(k) / float64(total)
			bits -= p * math.Log2(p)
		}
	}
	q.Entropy = uint8(math.Round(10 * bits))
}
