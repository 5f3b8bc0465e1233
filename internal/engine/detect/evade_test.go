package detect

import (
	"math"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// swept are tries of 400 machines of one's own, a second apart.
func swept(change func(i int, r *record.Record)) (all []record.Record) {
	for i := range 400 {
		r := tried(noon+int64(i)*second, inner, addr4(0x0a010000+uint32(i)), 445)
		change(i, &r)
		all = append(all, r)
	}
	return all
}

// A try by packets that begin nothing is a try (C1 of the review).
func TestScansByPacketsThatBeginNothing(t *testing.T) {
	for name, flags := range map[string]uint8{"FIN": 1, "none": 0, "Xmas": 0x29, "ACK": 0x10, "FIN and ACK": 0x11} {
		for _, reset := range []bool{false, true} {
			all := swept(func(_ int, r *record.Record) {
				if r.State, r.Flags[0] = record.Midway, flags; reset {
					r.Packets[1], r.Bytes[1], r.Flags[1] = 1, 40, 0x14
				}
			})
			if f := best(found(HostScan, all, Config{})); f.Score < 0.7 || f.Number("quiet") != 400 || f.Src != inner {
				t.Errorf("%s, reset %v: %s", name, reset, list([]Finding{f}, 0))
			}
		}
	}
	for name, change := range map[string]func(int, *record.Record){
		"connections that were there before": func(_ int, r *record.Record) {
			r.State, r.Flags, r.Packets, r.Payload = record.Midway, [2]uint8{0x10, 0x10}, [2]uint64{2, 2}, [2]uint64{}
		},
		"ends of old connections": func(i int, r *record.Record) {
			r.State, r.Flags[0], r.Dst, r.DstPort = record.Midway, 0x11, addr4(0x50000000+uint32(i)), 443
		},
		"resets": func(_ int, r *record.Record) { r.State, r.Flags[0] = record.Midway, 4 },
		"halves": func(_ int, r *record.Record) {
			r.State, r.Flags[0], r.Packets[0], r.Payload[0] = record.Midway, 0x18, 40, 9000
		},
	} {
		if f := found(HostScan, swept(change), Config{}); len(f) > 0 {
			t.Errorf("%s: %s", name, list(f, 0))
		}
	}
}

// The port that datagrams come from does not make them answers (C2).
func TestScansFromThePortOfAService(t *testing.T) {
	from53 := swept(func(_ int, r *record.Record) { r.Proto, r.SrcPort, r.DstPort = 17, 53, 161 })
	if f := best(found(HostScan, from53, Config{})); f.Score < 0.7 {
		t.Errorf("%s", list([]Finding{f}, 0))
	}
	for i := range from53 {
		from53[i].Dst, from53[i].DstPort = other, uint16(i+1)
	}
	if f := best(found(PortScan, from53, Config{})); f.Score < 0.7 {
		t.Errorf("ports: %s", list([]Finding{f}, 0))
	}
	// A resolver answers late, to the ports it was asked from.
	late := []record.Record{conn(noon-second, other, inner, 53, 60, 200, second)}
	late[0].Proto = 17
	for i := range 400 {
		r := tried(noon+int64(i)*second, inner, other, uint16(40000+i))
		r.Proto, r.SrcPort = 17, 53
		late = append(late, r)
	}
	// What reflectors send to one's own is told of as a flood.
	spoofed := swept(func(i int, r *record.Record) {
		r.Proto, r.SrcPort, r.DstPort, r.Src, r.Dst = 17, 53, uint16(2000+i), remote, other
	})
	for name, all := range map[string][]record.Record{"late answers": late, "reflected": spoofed} {
		if f := append(found(PortScan, all, Config{}), found(HostScan, all, Config{})...); len(f) > 0 {
			t.Errorf("%s: %s", name, list(f, 0))
		}
	}
}

// houseWith is a house of twelve machines that look names up, of which one has a
// beat with a name of its choice.
func houseWith(name string, told bool) (all []record.Record) {
	usual := record.DNS{At: noon, Name: names.Host([]byte("settings.data.microsoft.com")), Answered: true, Answers: 1}
	usual.Addrs[0] = addr4(0x08080801)
	if told {
		usual.Addrs[0] = remote
	}
	for m := range 12 {
		src := addr4(0x0a000010 + uint32(m))
		q := conn(noon+int64(m)*second, src, other, 53, 60, 200, second/50)
		q.Proto, q.App = 17, record.DNSApp
		q.AddDNS(usual)
		r := conn(q.Start+second, src, addr4(0x08080801), 443, 900, 9000, second)
		r.TLS = &record.TLS{SNI: usual.Name}
		all = append(all, q, r)
	}
	for i := range 1000 {
		r := conn(noon+minute+int64(i)*minute, inner, remote, 443, 412, 300, second)
		r.TLS = &record.TLS{SNI: names.Host([]byte(name))}
		all = append(all, r)
	}
	return all
}

// A client says whatever name it likes: that of a usual service, or one that the
// whole house knows, counts only where DNS led to the address (C4).
func TestNamesAreLookedUp(t *testing.T) {
	evil := best(found(Beacon, houseWith("cdn.evil.example", false), Config{}))
	claimed := best(found(Beacon, houseWith("settings.data.microsoft.com", false), Config{}))
	if evil.Score < 0.8 || math.Abs(claimed.Score-evil.Score) > 0.01 || claimed.Fact("not_looked_up") != true || claimed.part("not_looked_up") != 1 || claimed.Fact("usual_service") != nil {
		t.Errorf("%s", list([]Finding{evil, claimed}, 0))
	}
	asked := best(found(Beacon, houseWith("settings.data.microsoft.com", true), Config{}))
	if asked.Score >= worth || asked.Fact("not_looked_up") != nil {
		t.Errorf("%s", list([]Finding{asked}, 0))
	}
	// Without DNS nobody can know.
	var alone []record.Record
	for _, r := range houseWith("settings.data.microsoft.com", false) {
		if r.DstPort != 53 {
			alone = append(alone, r)
		}
	}
	if f := best(found(Beacon, alone, Config{})); f.Score >= worth || f.Fact("not_looked_up") != nil {
		t.Errorf("without DNS: %s", list([]Finding{f}, 0))
	}
	// A server that answers for itself is no resolver.
	self := houseWith("settings.data.microsoft.com", false)
	for i := range 12 {
		q := self[2*i]
		q.Dst = remote
		q.DNS = nil
		d := record.DNS{At: noon, Name: names.Host([]byte("settings.data.microsoft.com")), Answered: true}
		d.Addrs[0] = remote
		q.AddDNS(d)
		q.Src = inner
		self = append(self, q)
	}
	if f := best(found(Beacon, self, Config{})); f.Fact("not_looked_up") != true {
		t.Errorf("answers for itself: %s", list([]Finding{f}, 0))
	}
}

// A list of addresses that is longer than a record holds goes on in its network.
func TestLongAnswersLeadToTheirNetwork(t *testing.T) {
	d := New(Config{})
	q := conn(noon, inner, other, 53, 60, 200, second/50)
	q.Proto, q.App = 17, record.DNSApp
	a := record.DNS{At: noon, Name: names.Host([]byte("www.microsoft.com")), Answered: true}
	for i := range a.Addrs {
		a.Addrs[i] = addr4(0x08080801 + uint32(i))
	}
	q.AddDNS(a)
	d.Add(&q)
	for addr, want := range map[uint32]bool{0x08080803: true, 0x080808f0: true, 0x08080901: false} {
		if d.led("www.microsoft.com", ipOf(addr4(addr))) != want {
			t.Errorf("%v: %v", addr4(addr), !want)
		}
	}
	if d.led("www.example.com", ipOf(addr4(0x08080803))) {
		t.Error("another name")
	}
}

// What goes out by port 53 is data unless it is questions (C3).
func TestDataLeavingByThePortOfNames(t *testing.T) {
	leak := func(proto uint8, change func(*record.Record)) (all []record.Record) {
		for m := range 12 {
			all = append(all, conn(noon+int64(m)*minute, addr4(0x0a000010+uint32(m)), addr4(0x08080801), 443, 4e6, 90e6, second))
		}
		for i := range 20 {
			r := conn(noon+hour+int64(i)*30*second, inner, remote, 53, 200e6, 100e3, 25*second)
			r.Proto, r.App = proto, record.DNSApp // by the port
			change(&r)
			all = append(all, r)
		}
		return all
	}
	for name, all := range map[string][]record.Record{"TCP": leak(6, func(*record.Record) {}), "UDP": leak(17, func(*record.Record) {}),
		"small datagrams that are no names": leak(17, func(r *record.Record) { r.Packets[0] = r.Payload[0] / 200 })} {
		if name[0] == 's' { // names are read in this capture, and there are none in these
			q := conn(noon, other, addr4(0x08080801), 53, 60, 200, second/50)
			q.Proto, q.App = 17, record.DNSApp
			q.AddDNS(record.DNS{At: noon, Name: names.Host([]byte("www.example.com"))})
			all = append([]record.Record{q}, all...)
		}
		if f := best(found(DataLeaving, all, Config{})); f.Score < 0.7 || f.Src != inner || f.Port != 53 {
			t.Errorf("%s: %s", name, list([]Finding{f}, 0))
		}
	}
	asks := leak(17, func(r *record.Record) { r.Packets = [2]uint64{r.Payload[0] / 60, 0} })
	if f := found(DataLeaving, asks, Config{}); len(f) > 0 {
		t.Errorf("questions: %s", list(f, 0))
	}
	if f := best(found(LongConnection, []record.Record{conn(noon, inner, remote, 53, 1e6, 1e6, day)}, Config{})); f.Score < 0.65 {
		t.Errorf("a day over TCP: %s", list([]Finding{f}, 0))
	}
}

// Volumes that are estimates are said to be (C6).
func TestEstimatesAreSaid(t *testing.T) {
	r := conn(noon, inner, remote, 443, 3e9, 2e6, 30*minute)
	r.Sampled = 1000
	if f := best(found(DataLeaving, []record.Record{r}, Config{})); f.Fact("sampled") != int64(1000) {
		t.Errorf("%s %v", list([]Finding{f}, 0), f.Facts)
	}
	var flood []record.Record
	for i := range int64(6000) {
		flood = append(flood, record.Record{Start: noon + i*second/10, End: noon + i*second/10, Src: addr4(0x50000000 + uint32(i)%200), Dst: inner, DstPort: 80, SrcPort: 4000, Proto: 17,
			Packets: [2]uint64{1000, 0}, Bytes: [2]uint64{500e3, 0}, Sampled: 1000})
	}
	if f := best(found(Flood, flood, Config{})); f.Score < worth || f.Fact("sampled") != int64(1000) {
		t.Errorf("%s %v", list([]Finding{f}, 0), f.Facts)
	}
}
