package tunnel

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// open reads one file of an archive of the shared test data, and skips the
// test where there is none.
func open(t testing.TB, archive, file string) []byte {
	t.Helper()
	path := "../../../../../shared/data/" + archive
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") != "" {
			t.Fatalf("shared data: %v", err)
		}
		t.Skipf("no shared data here: %v", err)
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	f, err := z.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// zeekDNS feeds a dns.log in JSON lines to a watch.
func zeekDNS(t testing.TB, w *Watch, raw []byte) (found []string, queries int) {
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l struct {
			TS    json.Number
			Orig  string `json:"id.orig_h"`
			Other string `json:"id_orig_h"`
			Query string
			Type  int      `json:"qtype"`
			Rcode *int     `json:"rcode"`
			Ans   []string `json:"answers"`
		}
		if json.Unmarshal(lines.Bytes(), &l) != nil || l.Query == "" {
			continue
		}
		source, err := netip.ParseAddr(l.Orig + l.Other)
		at, _ := l.TS.Float64()
		if err != nil {
			continue
		}
		queries++
		rcode := 0
		if l.Rcode != nil {
			rcode = *l.Rcode
		}
		if f, ok := ask(t, w, at, source, l.Query, uint16(l.Type), uint8(rcode), len(l.Query)+18, len(l.Query)+18+len(strings.Join(l.Ans, ""))); ok {
			found = append(found, l.Query)
			t.Logf("%s → %s: score %.2f, %.0f names, %+v", f.Source, l.Query, f.Score, f.Names, f.Parts)
		}
	}
	return found, queries
}

// A real tunnel program at rest asks two dozen names in as many seconds, among
// ordinary ones.
func TestKnownTunnel(t *testing.T) {
	found, n := zeekDNS(t, NewWatch(Limits{}), open(t, "copyleft/flows/rita-zeek-dev.zip", "json_with_all_fields/dns.log"))
	if n < 30 || len(found) == 0 {
		t.Errorf("%d queries, found %v", n, found)
	}
	for _, name := range found {
		if !strings.HasSuffix(name, ".r-1x.com") {
			t.Errorf("false alarm: %s", name)
		}
	}
}

// Captures of tunnel programs. In the second and third the names travel within
// TLS and HTTPS, where nobody on the way sees them.
func TestCapturedTunnels(t *testing.T) {
	for file, want := range map[string]bool{"pcap/dns_exfiltration.pcap": true, "pcap/dns2tcp_tunnel.pcap": false, "pcap/dns_doh.pcap": false} {
		r, err := pcapgo.NewReader(bytes.NewReader(open(t, "copyleft/pcap/ndpi-dev.zip", file)))
		if err != nil {
			t.Fatal(file, err)
		}
		w := NewWatch(Limits{})
		n, found := 0, false
		for {
			data, info, err := r.ReadPacketData()
			if err != nil {
				break
			}
			p := gopacket.NewPacket(data, r.LinkType(), gopacket.Default)
			d, _ := p.Layer(layers.LayerTypeDNS).(*layers.DNS)
			if d == nil || !d.QR || len(d.Questions) == 0 || p.NetworkLayer() == nil {
				continue
			}
			n++
			source, _ := netip.ParseAddr(p.NetworkLayer().NetworkFlow().Dst().String())
			q := d.Questions[0]
			f, ok := ask(t, w, float64(info.Timestamp.UnixNano())/1e9, source, string(q.Name), uint16(q.Type), uint8(d.ResponseCode), len(q.Name)+18, info.Length-42)
			if ok {
				found = true
				t.Logf("%s: score %.2f after %d answers: %+v", file, f.Score, n, f.Parts)
			}
		}
		t.Logf("%s: %d answers, found %v", file, n, found)
		if found != want {
			t.Errorf("%s: found %v", file, found)
		}
	}
}

// Logs of attacked networks that carry no tunnel in DNS.
func TestOrdinaryLogs(t *testing.T) {
	total := 0
	for _, l := range []struct{ archive, file string }{
		{"mordor/apt29-day1-zeek.zip", "apt29/day1/zeek/individual_zeek_logs/SCRANTON_dns.log"},
		{"mordor/apt29-day1-zeek.zip", "apt29/day1/zeek/individual_zeek_logs/NASHUA_dns.log"},
		{"copyleft/flows/slips-dev.zip", "dataset/test9-mixed-zeek-dir/dns.log"},
	} {
		found, n := zeekDNS(t, NewWatch(Limits{}), open(t, l.archive, l.file))
		t.Logf("%s: %d queries", l.file, n)
		if total += n; len(found) > 0 {
			t.Errorf("%s: %v", l.file, found)
		}
	}
	if total < 280 {
		t.Errorf("only %d queries", total)
	}
}
