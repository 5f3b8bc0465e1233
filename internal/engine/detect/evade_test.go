package detect

import (
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
