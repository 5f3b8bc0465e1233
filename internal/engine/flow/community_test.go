package flow

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// The published values, each from the packets' own ends: lines such as
// "00:00 src dst proto 00 sport:dport (n bytes) -> 1:…".
func TestCommunityBaseline(t *testing.T) {
	files := archives{}
	tested := 0
	for _, name := range []string{"arp", "icmp", "icmp6", "ipv6", "sctp", "tcp", "udp"} {
		const zipped = "pcap/community-id-baseline.zip!tests/"
		want := map[string]bool{}
		for line := range strings.Lines(string(files.read(t, zipped+"Baseline/communityid.run-pcaps/"+name+".pcap.out"))) {
			if _, id, ok := strings.Cut(strings.TrimSpace(line), " -> "); ok {
				want[id] = true
				r := recordOf(t, line)
				r.CommunityID = Community(&r)
				if r.Community() != id {
					t.Errorf("%s: %s, want %s", strings.TrimSpace(line), r.Community(), id)
				}
				tested++
			}
		}
		got := map[string]bool{}
		track(t, files.read(t, zipped+"Traces/"+name+".pcap"), Options{}, func(r *record.Record) error { got[r.Community()] = true; return nil })
		for id := range want {
			if !got[id] {
				t.Errorf("%s: %s is of no record", name, id)
			}
		}
	}
	if tested < 15 {
		t.Errorf("only %d values", tested)
	}
}

// recordOf reads the ends out of a line of the baseline.
func recordOf(t *testing.T, line string) (r record.Record) {
	t.Helper()
	f := strings.Fields(line)
	addr := func(s string) netip.Addr {
		b, err := hex.DecodeString(strings.ReplaceAll(s, ":", ""))
		a, ok := netip.AddrFromSlice(b)
		if err != nil || !ok {
			t.Fatal(line)
		}
		return a
	}
	num := func(s string) uint64 {
		n, err := strconv.ParseUint(strings.ReplaceAll(s, ":", ""), 16, 16)
		if err != nil {
			t.Fatal(line)
		}
		return n
	}
	r.Src, r.Dst, r.Proto = addr(f[1]), addr(f[2]), uint8(num(f[3]))
	if len(f) > 5 && strings.Contains(f[5], ":") {
		r.SrcPort, r.DstPort = uint16(num(f[5])), 0
		r.DstPort = uint16(num(f[6]))
	}
	return r
}
