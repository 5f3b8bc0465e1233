package flow

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// seenBy is what tshark saw in one capture (at most 200 of each).
type seenBy struct {
	Pcap   string   `json:"pcap"`
	DNS    []string `json:"dns.qry.name"`
	SNI    []string `json:"tls.handshake.extensions_server_name"`
	Hosts  []string `json:"http.host"`
	Agents []string `json:"http.user_agent"`
	JA3    []string `json:"tls.handshake.ja3"`
	SSH    []string `json:"ssh.protocol"`
	QUIC   []string `json:"quic.version"`
}

// why says what tshark shows of a capture and the records do not.
var why = map[string]string{
	"dns tests/Traces/icmp6.pcap":                              "quoted by an ICMP error: content of another communication",
	"dns communityid/icmp6.pcap":                               "quoted by an ICMP error: content of another communication",
	"dns icmp/icmp-destunreach-udp.pcap":                       "quoted by an ICMP error: content of another communication",
	"dns quic/vector-max-size-crash.pcap":                      "a fuzzed message to port 443 whose name has no end",
	"host tunnels/gtp/gtp1_gn_normal_incl_fragmentation.pcap":  "the packet around the tunnel is fragmented",
	"agent tunnels/gtp/gtp1_gn_normal_incl_fragmentation.pcap": "the packet around the tunnel is fragmented",
}

// What tshark sees of names and fingerprints in any capture is in its records
// when names are kept full, through the table, reassembly and dissectors.
func TestFieldsAsTshark(t *testing.T) {
	files := archives{}
	z, err := gzip.NewReader(bytes.NewReader(files.read(t, "pcap/pcap-tshark-fields.jsonl.gz")))
	if err != nil {
		t.Fatal(err)
	}
	found, asked, explained := map[string]int{}, map[string]int{}, map[string]int{}
	for lines := json.NewDecoder(z); lines.More(); {
		var row seenBy
		if err := lines.Decode(&row); err != nil {
			t.Fatal(err)
		}
		have := map[string]bool{}
		track(t, files.read(t, row.Pcap), Options{Full: true}, func(r *record.Record) error { facts(r, have); return nil })
		_, entry, _ := strings.Cut(row.Pcap, "!")
		for kind, want := range map[string][]string{"dns": row.DNS, "sni": row.SNI, "host": row.Hosts, "agent": row.Agents, "ja3": row.JA3, "ssh": row.SSH, "quic": row.QUIC} {
			for _, v := range want {
				asked[kind]++
				if have[kind+" "+v] {
					found[kind]++
				} else if k := kind + " " + entry; why[k] != "" {
					explained[k]++
				} else {
					t.Errorf("%s: %s %q", entry, kind, v)
				}
			}
		}
	}
	t.Logf("found %v of %v, not found %v", found, asked, explained)
	for kind, floor := range map[string]int{"dns": 493, "sni": 94, "host": 168, "agent": 164, "ja3": 150, "ssh": 39, "quic": 31} {
		if found[kind] < floor {
			t.Errorf("%s: %d, was %d", kind, found[kind], floor)
		}
	}
	for k := range why {
		if explained[k] == 0 {
			t.Errorf("%s is found now", k)
		}
	}
}

// facts puts the names and fingerprints of a record into a set, as tshark
// shows them.
func facts(r *record.Record, have map[string]bool) {
	for i := range r.DNS {
		have["dns "+r.DNS[i].Name.String()] = true
	}
	for i := range r.HTTP {
		h := &r.HTTP[i]
		have["host "+h.Host.String()] = true
		have[fmt.Sprint("host ", h.Host, ":", h.Port)] = true
		for part := range strings.SplitSeq(h.Agent.Text.String(), ",") { // tshark's list has commas between
			have["agent "+part] = true
		}
	}
	if s := r.SSH; s != nil {
		have["ssh "+s.Client.Text.String()] = true
		have["ssh "+s.Server.Text.String()] = true
	}
	if q := r.QUIC; q != nil {
		have[fmt.Sprintf("quic 0x%08x", q.Version)] = true
		have["sni "+q.SNI.String()] = true
		have["ja3 "+hex.EncodeToString(q.JA3[:])] = true
		have["ja4 "+q.JA4.String()] = true
	}
	if x := r.TLS; x != nil {
		have["sni "+x.SNI.String()] = true
		have["ja3 "+hex.EncodeToString(x.JA3[:])] = true
		have["ja4 "+x.JA4.String()] = true
	}
}

// The fingerprints of every client that the published expectations name.
func TestJA4(t *testing.T) {
	files, found := archives{}, 0
	var want map[string][]map[string]any
	if err := json.Unmarshal(files.read(t, "pcap/ja4-dev.zip!ja4-expected.json"), &want); err != nil {
		t.Fatal(err)
	}
	for name, rows := range want {
		have := map[string]bool{}
		track(t, files.read(t, "pcap/ja4-dev.zip!pcap/"+name), Options{Full: true}, func(r *record.Record) error {
			one := map[string]bool{}
			facts(r, one)
			for k := range one {
				have[fmt.Sprint(r.Src, " ", r.SrcPort, " ", k)] = true
			}
			return nil
		})
		for _, row := range rows {
			for k, v := range row {
				if len(k) != 5 || !strings.HasPrefix(k, "JA4.") {
					continue
				}
				if !have[fmt.Sprint(row["src"], " ", row["srcport"], " ja4 ", v)] {
					t.Errorf("%s: %v:%v %v", name, row["src"], row["srcport"], v)
				}
				found++
			}
		}
	}
	if t.Logf("%d fingerprints", found); found < 22 {
		t.Errorf("only %d fingerprints", found)
	}
}
