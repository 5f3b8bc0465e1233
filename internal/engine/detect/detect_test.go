package detect

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"noroshi/internal/engine/flow/record"
)

const noon = 1_750_000_000 * second

var (
	inner  = netip.MustParseAddr("10.0.0.5")
	other  = netip.MustParseAddr("10.0.0.6")
	remote = netip.MustParseAddr("198.51.100.7")
	names  = record.NewNaming([32]byte{1}, true)
)

// conn is a connection that worked.
func conn(at int64, src, dst netip.Addr, port uint16, out, in uint64, took int64) record.Record {
	return record.Record{Start: at, End: at + took, Src: src, Dst: dst, SrcPort: 50000, DstPort: port, Proto: 6, State: record.Closed,
		Packets: [2]uint64{5 + out/1400, 5 + in/1400}, Bytes: [2]uint64{out + 260, in + 260}, Payload: [2]uint64{out, in}}
}

func tried(at int64, src, dst netip.Addr, port uint16) record.Record {
	return record.Record{Start: at, End: at, Src: src, Dst: dst, DstPort: port, Proto: 6, State: record.Tried, Packets: [2]uint64{1, 0}, Bytes: [2]uint64{60, 0}}
}

// found runs a detector over records and returns the findings of a kind.
func found(kind Kind, all []record.Record, conf Config) (out []Finding) {
	d := New(conf)
	d.AddAll(all)
	for _, f := range d.Finish().Findings {
		if f.Kind == kind {
			out = append(out, f)
		}
	}
	return out
}

func best(all []Finding) (f Finding) {
	if len(all) > 0 {
		return all[0]
	}
	return f
}

// beatsOf makes connections whose gaps a function gives in seconds.
func beatsOf(n int, gap func(i int) float64) (all []record.Record) {
	at := noon
	for i := range n {
		all = append(all, conn(at, inner, remote, 443, 400, 900, second))
		at += int64(gap(i) * float64(second))
	}
	return all
}

// An exact beat has exact numbers.
func TestBeaconNumbers(t *testing.T) {
	f := best(found(Beacon, beatsOf(300, func(int) float64 { return 60 }), Config{}))
	if f.part("interval") != 1 || f.part("size") != 1 || f.part("steady") != 1 || f.Number("count") != 300 || f.Number("median_s") != 60 || f.Number("deviation_s") != 0 || f.Score < 0.8 {
		t.Errorf("%s", list([]Finding{f}, 0))
	}
	if took := float64(299*60) / float64(longPresent/second); math.Abs(f.part("lasting")-math.Sqrt(took)) > 1e-9 {
		t.Errorf("lasting %v", f.part("lasting"))
	}
	if f.Start != noon || f.End != noon+299*60*second {
		t.Errorf("%d %d", f.Start, f.End)
	}
}

// What waits about equally long is a beacon, what comes as people click is not.
func TestBeaconsAgainstPeople(t *testing.T) {
	for jitter, least := range map[float64]float64{0: 0.82, 0.1: 0.78, 0.2: 0.75, 0.4: 0.6} {
		for seed := range uint64(20) {
			rng := rand.New(rand.NewPCG(seed, 1))
			f := best(found(Beacon, beatsOf(200, func(int) float64 { return 120 * (1 + jitter*(2*rng.Float64()-1)) }), Config{}))
			if f.Score < least {
				t.Errorf("jitter %v, seed %d: %.2f", jitter, seed, f.Score)
			}
		}
	}
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 2))
		random := beatsOf(300, func(int) float64 { return 90 * rng.ExpFloat64() })
		if f := best(found(Beacon, random, Config{})); f.Score >= worth {
			t.Errorf("random times, seed %d: %s", seed, list([]Finding{f}, 0))
		}
		visits := beatsOf(300, func(i int) float64 {
			if i%8 != 7 {
				return 0.5 + 5*rng.Float64()
			}
			return 600 * rng.ExpFloat64()
		})
		if f := best(found(Beacon, visits, Config{})); f.Score >= worth {
			t.Errorf("visits, seed %d: %s", seed, list([]Finding{f}, 0))
		}
	}
}

// A name behind several addresses has one beat. What failed is not counted.
func TestBeaconByNameAndWithoutFailures(t *testing.T) {
	var all []record.Record
	for i := range 200 {
		dst := addr4(0xc6336400 + uint32(i*7%5))
		r := conn(noon+int64(i)*300*second, inner, dst, 443, 400, 900, second)
		r.TLS = &record.TLS{SNI: names.Host([]byte("cdn.example.com"))}
		all = append(all, r, tried(r.Start+second, inner, remote, 8443))
	}
	f := best(found(Beacon, all, Config{}))
	if f.Name != "cdn.example.com" || f.Fact("several_addresses") != true || f.Score < 0.7 {
		t.Errorf("%s", list([]Finding{f}, 0))
	}
	for _, f := range found(Beacon, all, Config{}) {
		if f.Port == 8443 {
			t.Error("tries that failed are a beacon")
		}
	}
}

// Clocks, resolvers and what everybody does are not worth a look.
func TestUsualBeats(t *testing.T) {
	clock, dns := beatsOf(300, func(int) float64 { return 64 }), beatsOf(300, func(int) float64 { return 30 })
	for i := range clock {
		clock[i].Proto, clock[i].DstPort, clock[i].Payload, clock[i].Packets, clock[i].Bytes = 17, 123, [2]uint64{48, 48}, [2]uint64{1, 1}, [2]uint64{76, 76}
		dns[i].Proto, dns[i].DstPort, dns[i].App = 17, 53, record.DNSApp
	}
	var everybody []record.Record
	for m := range 20 {
		for i := range 100 {
			everybody = append(everybody, conn(noon+int64(i)*60*second+int64(m)*second, addr4(0x0a000010+uint32(m)), remote, 443, 400, 900, second))
		}
	}
	for name, all := range map[string][]record.Record{"clock": clock, "dns": dns, "everybody": everybody} {
		if f := best(found(Beacon, all, Config{})); f.Score >= worth {
			t.Errorf("%s: %s", name, list([]Finding{f}, 0))
		}
	}
	inside := beatsOf(300, func(int) float64 { return 60 })
	for i := range inside {
		inside[i].Dst = other
	}
	if f := found(Beacon, inside, Config{}); len(f) > 0 {
		t.Error("a beat between two of one's own is told of")
	}
}

// Times that come a little out of order give the same beat.
func TestBeatsOutOfOrder(t *testing.T) {
	all := beatsOf(200, func(int) float64 { return 45 })
	want := best(found(Beacon, all, Config{}))
	rng := rand.New(rand.NewPCG(5, 5))
	mixed := slices.Clone(all)
	for i := range len(mixed) - 4 {
		k := i + rng.IntN(4)
		mixed[i], mixed[k] = mixed[k], mixed[i]
	}
	got := best(found(Beacon, mixed, Config{}))
	if math.Abs(got.Score-want.Score) > 0.01 || math.Abs(got.Number("count")-want.Number("count")) > 3 {
		t.Errorf("%.3f %v, want %.3f %v", got.Score, got.Number("count"), want.Score, want.Number("count"))
	}
}

func TestGridFolds(t *testing.T) {
	var g grid
	base := noon - noon%hour
	g.add(base + 5*minute)
	g.add(base + 2*hour + 59*minute + 45*second)
	g.add(base - hour) // late news of an hour before
	rows := g.text()
	if len(rows) != 4 || rows[0] != "800000000000000000000000000000" || rows[1][2:3] != "2" || rows[3][29:] != "1" {
		t.Errorf("%q", rows)
	}
	for h := range int64(60) {
		g.add(base + h*hour)
	}
	if len(g.text()) != rows24() || g.Base != base/hour+59-23 {
		t.Errorf("%d rows from %d", len(g.text()), g.Base-base/hour)
	}
}

func rows24() int { return rows }

func TestLongConnections(t *testing.T) {
	for took, want := range map[int64][2]float64{30 * minute: {0, 0}, 2 * hour: {0.3, 0.5}, 6 * hour: {0.45, 0.65}, 24 * hour: {0.65, 1}} {
		f := best(found(LongConnection, []record.Record{conn(noon, inner, remote, 8443, 1e6, 1e6, took)}, Config{}))
		if f.Score < want[0] || f.Score > want[1] || want[1] > 0 && f.Number("longest_s") != float64(took/second) {
			t.Errorf("%v: %.2f, want %v", time.Duration(took), f.Score, want)
		}
	}
}

func TestScans(t *testing.T) {
	var hosts, ports, slow, proxy []record.Record
	for i := range 200 {
		at := noon + int64(i)*second
		hosts = append(hosts, tried(at, inner, addr4(0x0a000100+uint32(i)), 445))
		ports = append(ports, tried(at, inner, other, uint16(1+i)))
		slow = append(slow, tried(noon+int64(i)*10*minute, inner, addr4(0x0a000100+uint32(i%8)), 445))
		proxy = append(proxy, conn(at, inner, addr4(0x50000100+uint32(i*3)), 443, 900, 9000, second), conn(at, inner, addr4(0x51000100+uint32(i*3)), 443, 900, 9000, second))
		if i%6 == 0 {
			proxy = append(proxy, tried(at, inner, addr4(0x52000100+uint32(i)), 443))
		}
	}
	if f := best(found(HostScan, hosts, Config{})); f.Score < 0.7 || math.Abs(f.Number("different_failed")-200) > 20 || f.Number("failed") != 200 || f.Port != 445 {
		t.Errorf("%s", list([]Finding{f}, 0))
	}
	if f := best(found(PortScan, ports, Config{})); f.Score < 0.7 || f.Number("lowest_port") != 1 || f.Number("highest_port") != 200 || f.Dst != other {
		t.Errorf("%s", list([]Finding{f}, 0))
	}
	for name, all := range map[string][]record.Record{"eight machines that are gone": slow, "a proxy": proxy} {
		if f := best(append(found(HostScan, all, Config{}), found(PortScan, all, Config{})...)); f.Score >= worth {
			t.Errorf("%s: %s", name, list([]Finding{f}, 0))
		}
	}
	for i := range hosts {
		hosts[i].Src = remote
	}
	if f := best(found(HostScan, hosts, Config{})); f.Score >= 0.7 || f.Fact("from_outside") != true {
		t.Errorf("from outside: %s", list([]Finding{f}, 0))
	}
}

func TestGuessing(t *testing.T) {
	var fast, slow, work, told []record.Record
	for i := range 120 {
		r := conn(noon+int64(i)*3*second, inner, other, 22, 2100, 2900, 2*second)
		fast = append(fast, r)
		r.Start, r.End = noon+int64(i)*2*minute, noon+int64(i)*2*minute+2*second
		slow = append(slow, r)
		work = append(work, conn(noon+int64(i)*3*second, inner, other, 22, 90e3, 400e3, 2*second))
		k := conn(noon+int64(i)*3*second, inner, other, 88, 300, 300, second)
		k.App, k.Kerberos = record.KerberosApp, &record.Kerberos{Error: 24, Failures: 1}
		told = append(told, k)
	}
	if f := best(found(PasswordGuessing, fast, Config{})); f.Score < 0.55 || f.Number("tries") != 120 || f.App != record.SSHApp {
		t.Errorf("%s", list([]Finding{f}, 0))
	}
	if f := best(found(PasswordGuessing, told, Config{})); f.Score < 0.7 || f.Number("told_failures") != 120 || f.part("confirmed") != 1 {
		t.Errorf("%s", list([]Finding{f}, 0))
	}
	for name, all := range map[string][]record.Record{"a check each two minutes": slow, "copies": work} {
		if f := best(found(PasswordGuessing, all, Config{})); f.Score >= worth {
			t.Errorf("%s: %s", name, list([]Finding{f}, 0))
		}
	}
	after := append(fast, conn(noon+400*second, inner, other, 22, 50e3, 2e6, 10*minute))
	a, b := best(found(PasswordGuessing, after, Config{})), best(found(PasswordGuessing, fast, Config{}))
	if a.Score <= b.Score || a.Fact("session_after") != true {
		t.Errorf("a login that worked after: %.2f, without %.2f", a.Score, b.Score)
	}
}

func TestFloods(t *testing.T) {
	flood := func(sources int, echo bool) (all []record.Record) {
		for m := range int64(60) { // an hour of little, then ten minutes of much
			all = append(all, record.Record{Start: noon + m*minute, End: noon + m*minute, Src: remote, Dst: inner, DstPort: 80, Proto: 17, Packets: [2]uint64{100, 0}, Bytes: [2]uint64{50e3, 0}})
		}
		for i := range int64(6000) {
			r := record.Record{Start: noon + hour + i*second/10, Src: addr4(0x50000000 + uint32(i)%uint32(sources)), Dst: inner, DstPort: 80, SrcPort: 4000, Proto: 17, State: record.Tried,
				Packets: [2]uint64{100, 0}, Bytes: [2]uint64{50e3, 0}}
			if r.End = r.Start; echo {
				r.SrcPort, r.DstPort = 53, 3333
			}
			all = append(all, r)
		}
		return all
	}
	f := best(found(Flood, flood(200, false), Config{}))
	if f.Score < 0.6 || f.Number("minutes") != 11 || math.Abs(f.Number("peak_packets_min")-60000) > 100 || math.Abs(f.Number("different")-200) > 25 || f.Dst != inner {
		t.Errorf("%s %v", list([]Finding{f}, 0), f.Facts)
	}
	if f.Start != (noon+hour)/minute*minute {
		t.Errorf("begins %v after the first packet of it", time.Duration(f.Start-noon-hour))
	}
	if f := best(found(ReflectionFlood, flood(200, true), Config{})); f.Score < 0.7 || f.Port != 53 {
		t.Errorf("%s", list([]Finding{f}, 0))
	}
	// A copy over TCP is much, and asked for.
	var copies []record.Record
	for i := range int64(10) {
		copies = append(copies, conn(noon+i*minute, other, inner, 445, 5e9, 1e6, 50*second), conn(noon+i*minute, remote, inner, 443, 1e9, 1e6, 50*second))
	}
	if f := append(found(Flood, copies, Config{}), found(ReflectionFlood, copies, Config{})...); len(f) > 0 {
		t.Errorf("copies: %s", list(f, 0))
	}
	for i := range copies {
		copies[i].Src, copies[i].Dst, copies[i].Proto, copies[i].DstPort, copies[i].Packets, copies[i].State = inner, remote, 17, 9999, [2]uint64{90000, 0}, record.Tried
	}
	if f := best(found(Flood, copies, Config{})); f.Score < worth || f.Src != inner || f.Fact("to_home") != false {
		t.Errorf("one's own takes part: %s", list([]Finding{f}, 0))
	}
}

func TestReflectors(t *testing.T) {
	var amplifies, serves []record.Record
	for i := range 400 {
		r := record.Record{Start: noon + int64(i)*second, End: noon + int64(i)*second, Src: remote, Dst: inner, SrcPort: 4444, DstPort: 53, Proto: 17, State: record.Closed,
			Packets: [2]uint64{10, 20}, Bytes: [2]uint64{640, 29000}}
		amplifies = append(amplifies, r)
		r.Src, r.Packets, r.Bytes = addr4(0x50000000+uint32(i)), [2]uint64{1, 1}, [2]uint64{70, 150}
		serves = append(serves, r)
	}
	f := best(found(Reflector, amplifies, Config{}))
	if f.Score < 0.7 || math.Abs(f.Number("ratio")-45.3) > 0.1 || f.Dst != remote || f.Src != inner || f.Number("calls") != 4000 {
		t.Errorf("%s %v", list([]Finding{f}, 0), f.Facts)
	}
	if f := best(found(Reflector, serves, Config{})); f.Score >= worth {
		t.Errorf("%s", list([]Finding{f}, 0))
	}
}

func TestSteppingStones(t *testing.T) {
	in := conn(noon, remote, inner, 22, 60e3, 900e3, 10*minute)
	out := conn(noon+3*second, inner, other, 22, 58e3, 950e3, 10*minute-5*second)
	f := best(found(SteppingStone, []record.Record{in, out}, Config{}))
	if f.Score < 0.7 || f.Fact("through") != inner.String() || f.Src != remote || f.Dst != other || f.Number("delay_s") != 3 {
		t.Errorf("%s %v", list([]Finding{f}, 0), f.Facts)
	}
	if f := best(found(SteppingStone, []record.Record{out, in}, Config{})); f.Score < 0.7 { // logs write what ends first
		t.Errorf("in the other order: %s", list([]Finding{f}, 0))
	}
	later, unlike, web, jump := out, out, out, in
	later.Start, later.End = noon+20*minute, noon+30*minute
	unlike.Payload = [2]uint64{3e6, 2000}
	web.DstPort, web.App = 443, record.HTTPApp
	jump.Src = netip.MustParseAddr("10.0.0.99")
	for name, all := range map[string][]record.Record{"later": {in, later}, "other volumes": {in, unlike}, "a web server": {in, web}, "a jump host inside": {jump, out}} {
		if f := found(SteppingStone, all, Config{}); len(f) > 0 {
			t.Errorf("%s: %s", name, list(f, 0))
		}
	}
}

func TestRemoteTools(t *testing.T) {
	r := conn(noon+5*hour, inner, remote, 443, 2e6, 9e6, 20*minute)
	r.TLS = &record.TLS{SNI: names.Host([]byte("relay-3.net.anydesk.com"))}
	first := conn(noon, other, remote, 80, 100, 100, second)
	if f := best(found(RemoteTool, []record.Record{first, r}, Config{})); f.Score < 0.7 || f.Fact("tool") != "anydesk" || f.Src != inner {
		t.Errorf("%s", list([]Finding{f}, 0))
	}
	r.TLS.SNI = names.Host([]byte("anydesk.com.example.net"))
	if f := found(RemoteTool, []record.Record{first, r}, Config{}); len(f) > 0 {
		t.Errorf("%s", list(f, 0))
	}
}

func TestDataLeaving(t *testing.T) {
	var all []record.Record
	for m := range 12 {
		all = append(all, conn(noon+int64(m)*minute, addr4(0x0a000010+uint32(m)), addr4(0x08080801), 443, 4e6, 90e6, second))
	}
	all = append(all, conn(noon+hour, inner, remote, 443, 3e9, 2e6, 30*minute))
	f := best(found(DataLeaving, all, Config{}))
	if f.Score < 0.7 || f.Src != inner || f.Number("bytes_out") != 3e9 || f.part("one_way") != 1 {
		t.Errorf("%s", list([]Finding{f}, 0))
	}
	all[12].Payload = [2]uint64{3e9, 2.9e9} // a call, or a mirror
	if f := best(found(DataLeaving, all, Config{})); f.Score >= worth {
		t.Errorf("%s", list([]Finding{f}, 0))
	}
}

func TestSigns(t *testing.T) {
	r := conn(noon, inner, remote, 443, 900, 9000, second)
	dns := record.Record{Start: noon, End: noon, Src: inner, Dst: other, DstPort: 53, Proto: 17, App: record.DNSApp}
	dns.AddDNS(record.DNS{Name: names.Host([]byte("a.b.evil.example")), Answered: true, Rcode: 3})
	tls := conn(noon, inner, addr4(0x08080808), 443, 900, 9000, second)
	tls.TLS = &record.TLS{JA3: [16]byte{0xab, 0xcd}}
	conf := Config{Signs: []Sign{{Label: "net", Prefix: netip.MustParsePrefix("198.51.100.0/24")}, {Label: "name", Name: "evil.example"},
		{Label: "print", Print: "abcd0000000000000000000000000000"}, {Label: "never", Prefix: netip.MustParsePrefix("203.0.113.9/32")}, {Label: "part", Name: "b.evil.example.net", Part: true}}}
	have := map[any]float64{}
	for _, f := range found(Indicator, []record.Record{r, dns, tls}, conf) {
		have[f.Fact("indicator")] = f.Score
	}
	if len(have) != 3 || have["net"] < 0.8 || have["name"] < worth || have["print"] < 0.8 {
		t.Errorf("%v", have)
	}
}

// What is expected is held back and counted, until it runs out.
func TestAllow(t *testing.T) {
	all := beatsOf(300, func(int) float64 { return 60 })
	end := time.Unix(0, all[299].Start).UTC()
	for name, c := range map[string]struct {
		allow Allow
		held  bool
	}{
		"by address": {Allow{Kind: Beacon, Src: netip.MustParsePrefix("10.0.0.0/24"), Dst: netip.MustParsePrefix("198.51.100.0/24"), Until: end.AddDate(0, 1, 0)}, true},
		"other kind": {Allow{Kind: HostScan, Src: netip.MustParsePrefix("10.0.0.0/24"), Until: end.AddDate(0, 1, 0)}, false},
		"other port": {Allow{Port: 80, Until: end.AddDate(0, 1, 0)}, false},
		"other name": {Allow{Name: ".example.com", Until: end.AddDate(0, 1, 0)}, false},
		"expired":    {Allow{Port: 443, Until: end.Add(-time.Hour)}, false},
	} {
		d := New(Config{Allow: []Allow{c.allow}})
		d.AddAll(all)
		r := d.Finish()
		shown := slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Kind == Beacon })
		if held := len(r.Allowed) == 1; held != c.held || shown == c.held {
			t.Errorf("%s: held %v, shown %v", name, held, shown)
		}
		if (name == "expired") != (len(r.Expired) == 1) {
			t.Errorf("%s: %d expired", name, len(r.Expired))
		}
	}
	for rule, want := range map[string]bool{"a.example.com": true, ".example.com": true, "example.com": false, ".a.example.com": true, ".xample.com": false} {
		if below("a.example.com", rule) != want {
			t.Errorf("%s: %v", rule, !want)
		}
	}
}

// Whatever comes in, nothing breaks and scores stay within bounds.
func FuzzAdd(f *testing.F) {
	f.Add([]byte("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := New(Config{Limits: Limits{Pairs: 16, Beats: 4, Names: 16, Outside: 16, Home: 8, Scans: 16, Victims: 8, Others: 256}})
		for len(b) >= 12 {
			r := conn(int64(b[0])*hour*8+int64(b[1])*minute, addr4(0x0a000000|uint32(b[2]&7)), addr4(0x50000000|uint32(b[3]&7)), uint16(b[4])<<uint(b[5]&7), uint64(b[6])<<(b[7]&31), uint64(b[8]), int64(b[9])*minute-hour)
			r.State, r.Proto = record.State(b[10]&7), []uint8{6, 17, 1}[b[11]%3]
			if b[10]&64 != 0 {
				r.Src, r.Dst = r.Dst, r.Src
			}
			if b[10]&128 != 0 {
				r.TLS = &record.TLS{SNI: names.Host(b[:3])}
			}
			d.Add(&r)
			b = b[12:]
		}
		for _, f := range d.Finish().Findings {
			if !(f.Score >= 0 && f.Score <= 1) || len(f.Attack) == 0 {
				t.Errorf("%s", list([]Finding{f}, -1))
			}
			for _, p := range f.Parts {
				if !(p.Score >= 0 && p.Score <= 1) {
					t.Errorf("%s %s %v", f.Kind, p.Key, p.Score)
				}
			}
			if _, err := f.JSON(""); err != nil {
				t.Error(err)
			}
		}
	})
}
