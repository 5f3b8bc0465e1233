package detect

import (
	"archive/zip"
	"bufio"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/flow/zeek"
)

// corpus opens a zip of the shared data.
func corpus(t testing.TB, name string) *zip.ReadCloser {
	t.Helper()
	for _, dir := range []string{os.Getenv("NOROSHI_SHARED"), "../../../../shared"} {
		if z, err := zip.OpenReader(filepath.Join(dir, "data", name)); dir != "" && err == nil {
			t.Cleanup(func() { z.Close() })
			return z
		}
	}
	if os.Getenv("NOROSHI_TEST_ALL") == "1" {
		t.Fatal(name + " is not here")
	}
	t.Skip(name + " is not here")
	return nil
}

// judged reads the logs of a zip whose paths contain part, puts them in the
// order of time and returns what is found.
func judged(t testing.TB, name, part, home string) (*Report, int) {
	t.Helper()
	var all []record.Record
	for _, f := range corpus(t, name).File {
		if !strings.Contains(f.Name, part) || strings.HasSuffix(f.Name, "/") {
			continue
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f.Name, ".binetflow") {
			all = append(all, argus(t, in)...)
			continue
		}
		r, err := zeek.NewReader(in, record.NewNaming([32]byte{1}, true))
		if err != nil {
			continue
		}
		for {
			one := make([]record.Record, 64) // of its own: nothing is overwritten
			n, err := r.Next(one)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range one[:n] {
				copyFacts(&one[i])
			}
			all = append(all, one[:n]...)
		}
	}
	slices.SortStableFunc(all, func(a, b record.Record) int { return order(a.Start, b.Start) })
	conf := Config{}
	for _, p := range strings.Fields(home) {
		conf.Home = append(conf.Home, netip.MustParsePrefix(p))
	}
	d := New(conf)
	d.AddAll(all)
	return d.Finish(), len(all)
}

func copyFacts(r *record.Record) {
	if r.TLS != nil {
		x := *r.TLS
		if x.Certificate != nil {
			y := *x.Certificate
			x.Certificate = &y
		}
		r.TLS = &x
	}
	if r.SSH != nil {
		x := *r.SSH
		r.SSH = &x
	}
	if r.Kerberos != nil {
		x := *r.Kerberos
		r.Kerberos = &x
	}
}

// argus reads the bidirectional flows that CTU-13 is published in.
func argus(t testing.TB, in io.Reader) (all []record.Record) {
	t.Helper()
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		v := strings.Split(lines.Text(), ",")
		at, err := time.Parse("2006/01/02 15:04:05.999999", v[0])
		if err != nil || len(v) < 15 {
			continue
		}
		num := func(i int) float64 { x, _ := strconv.ParseFloat(v[i], 64); return x }
		r := record.Record{Start: at.UnixNano(), Proto: map[string]uint8{"tcp": 6, "udp": 17, "icmp": 1}[v[2]], SrcPort: uint16(num(4)), DstPort: uint16(num(7))}
		r.End = r.Start + int64(num(1)*1e9)
		r.Src, _ = netip.ParseAddr(v[3])
		if r.Dst, err = netip.ParseAddr(v[6]); err != nil || r.Proto == 0 {
			continue
		}
		r.Packets = [2]uint64{uint64(num(14)), uint64(num(11) - num(14))}
		r.Bytes = [2]uint64{uint64(num(13)), uint64(num(12) - num(13))}
		switch {
		case strings.TrimSpace(v[5]) == "->" && v[8] == "S0" || r.Packets[1] == 0 || v[8] == "INT" || v[8] == "S_":
			r.State, r.Packets[1], r.Bytes[1] = record.Tried, 0, 0
		case strings.Contains(v[8], "_R") && num(11) <= 3:
			r.State = record.Refused
		default:
			r.State = record.Closed
		}
		all = append(all, r)
	}
	return all
}

// known is what has to be found in logs of other people, and how much may be
// worth a look there in all.
var known = []struct {
	zip, part, home string
	find            []string // kind, source, other end
	most            int
}{
	// A laboratory day of fifteen machines: ten of them fetch a page with
	// PowerShell every five minutes, each told of once. Nothing else.
	{"copyleft/flows/rita-zeek-dev.zip", "valid_tsv/http.log.gz", "", []string{
		"beacon 10.55.100.100 www.alexa.com", "beacon 10.55.100.103 www.alexa.com", "beacon 10.55.100.104 www.alexa.com", "beacon 10.55.100.105 www.alexa.com",
		"beacon 10.55.100.106 www.alexa.com", "beacon 10.55.100.107 www.alexa.com", "beacon 10.55.100.108 www.alexa.com", "beacon 10.55.100.109 www.alexa.com",
		"beacon 10.55.100.110 www.alexa.com", "beacon 10.55.100.111 www.alexa.com"}, 10},
	// A tunnel of dnscat2.
	{"copyleft/flows/rita-zeek-dev.zip", "json_with_all_fields", "", []string{"dns_tunnel 192.168.88.2 r-1x.com"}, 1},
	// ATT&CK evaluation: both servers of the attacker, who is in private space.
	{"mordor/apt29-day1-zeek.zip", "zeek/", "10.0.0.0/8", []string{"rare_destination 10.0.1.4 192.168.0.4", "rare_destination 10.0.1.4 192.168.0.5"}, 3},
	{"copyleft/flows/slips-dev.zip", "port-scans/vertical", "", []string{"port_scan 192.168.1.9 45.33.32.156"}, 1},
	{"copyleft/flows/slips-dev.zip", "test11-", "", []string{"port_scan 10.8.0.69 14.1.11.113", "host_scan 10.8.0.69 "}, 2},
	// A telephone with malware that speaks with the public's services only, and
	// two ordinary machines: nothing that a flow shows.
	{"copyleft/flows/slips-dev.zip", "test2-malicious.binetflow", "", nil, 0},
	{"copyleft/flows/slips-dev.zip", "test10", "147.32.0.0/16 2001:718:2::/48", nil, 0},
}

func TestKnownIsFound(t *testing.T) {
	for _, c := range known {
		r, n := judged(t, c.zip, c.part, c.home)
		have := map[string]float64{}
		loud := 0
		for i := range r.Findings {
			f := &r.Findings[i]
			k := string(f.Kind) + " " + f.Src.String() + " " + f.Other()
			have[k] = max(have[k], f.Score)
			if f.Score >= worth {
				loud++
			}
		}
		for _, want := range c.find {
			if have[want] < worth {
				t.Errorf("%s: %q has %.2f\n%s", c.part, want, have[want], list(r.Findings, 0.2))
			}
		}
		if loud > c.most {
			t.Errorf("%s: %d are worth a look, at most %d should be\n%s", c.part, loud, c.most, list(r.Findings, worth))
		}
		t.Logf("%s: %d records, %d worth a look of %d kept, all %d known ones found", c.part, n, loud, len(r.Findings), len(c.find))
	}
}
