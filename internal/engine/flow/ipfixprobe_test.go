package flow

import (
	"encoding/csv"
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"noroshi/internal/engine/flow/record"
)

// Packets and bytes of each communication are those that ipfixprobe counted
// with its timeouts (30 s of silence, slices of 300 s). Rows of plugins that
// begin a new flow with each message are not comparable; those of ICMP have no
// type there.
func TestCountsAsIPFIXProbe(t *testing.T) {
	const zipped = "pcap/ipfixprobe-functional.zip!tests/functional/"
	files, same, all := archives{}, map[string]int{}, map[string]int{}
	short := 30 * time.Second
	for output, input := range map[string]string{"basic": "mixed", "vlan": "vlan", "tls": "tls", "quic": "quic_initial-sample", "ssdp": "ssdp", "mqtt": "mqtt",
		"ovpn": "ovpn", "bstats": "bstats", "pstats": "mixed"} {
		want := probeRows(t, string(files.read(t, zipped+"outputs/"+output)))
		have := map[string]int{}
		track(t, files.read(t, zipped+"inputs/"+input+".pcap"), Options{Active: 300 * time.Second, Timeouts: Timeouts{TCPTried: short, TCPOpen: short, TCPClosed: short,
			UDPTried: short, UDPOpen: short, DNSAnswered: short, ICMP: short, Other: short}}, func(r *record.Record) error {
			have[ends(r.Src.String(), r.Dst.String(), uint64(r.SrcPort), uint64(r.DstPort), uint64(r.Proto), r.Packets, r.Bytes)]++
			return nil
		})
		for row, n := range want {
			all[output] += n
			same[output] += min(n, have[row])
			if have[row] < n && output != "tls" {
				t.Errorf("%s: %s: %d times, %d here", output, row, n, have[row])
			}
		}
	}
	t.Logf("%v of %v", same, all)
	// The TLS capture holds the same packets twice, with the clock set back between
	// them, which ends what is open here and does not there.
	if same["tls"] < 15 || same["basic"] != 34 || same["ssdp"] != 19 {
		t.Errorf("%v of %v", same, all)
	}
}

// probeRows reads the rows of TCP and UDP of an output.
func probeRows(t *testing.T, text string) map[string]int {
	t.Helper()
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	place := map[string]int{}
	out := map[string]int{}
	for _, row := range rows {
		if strings.Contains(row[0], " ") {
			for i, name := range row {
				_, name, _ = strings.Cut(name, " ")
				place[name] = i
			}
		}
	}
	for _, row := range rows {
		if strings.Contains(row[0], " ") {
			continue
		}
		num := func(name string) (n uint64) {
			_, _ = fmt.Sscan(row[place[name]], &n)
			return n
		}
		if p := num("PROTOCOL"); p == 6 || p == 17 {
			out[ends(row[place["SRC_IP"]], row[place["DST_IP"]], num("SRC_PORT"), num("DST_PORT"), p, [2]uint64{num("PACKETS"), num("PACKETS_REV")}, [2]uint64{num("BYTES"), num("BYTES_REV")})]++
		}
	}
	return out
}

// ends writes a communication so that it does not matter who began.
func ends(src, dst string, sport, dport, proto uint64, packets, bytes [2]uint64) string {
	list := []string{fmt.Sprint(src, " ", sport, " sent ", packets[0], " packets, ", bytes[0], " bytes"), fmt.Sprint(dst, " ", dport, " sent ", packets[1], " packets, ", bytes[1], " bytes")}
	sort.Strings(list)
	return fmt.Sprint(proto, ": ", strings.Join(list, "; "))
}
