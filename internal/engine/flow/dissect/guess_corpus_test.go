package dissect_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/flow"
	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/testkit"
)

const shared = "../../../../../shared/data/"

// archives keeps the zip files of a test open.
type archives map[string]*zip.ReadCloser

func (a archives) read(t testing.TB, name string) []byte {
	t.Helper()
	file, inner, zipped := strings.Cut(name, "!")
	path := filepath.Join(shared, file)
	if _, err := os.Stat(path); err != nil {
		testkit.Skip(t, file+" is not there")
	}
	if !zipped {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if a[path] == nil {
		z, err := zip.OpenReader(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { z.Close() })
		a[path] = z
	}
	f, err := a[path].Open(inner)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// names lists the files of an archive.
func (a archives) names(t testing.TB, file string) (out []string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(shared, file)); err != nil {
		testkit.Skip(t, file+" is not there")
	}
	z, err := zip.OpenReader(filepath.Join(shared, file))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		out = append(out, f.Name)
	}
	return out
}

// records reads a capture with names kept full.
func records(t testing.TB, b []byte) (out []record.Record) {
	t.Helper()
	r, err := capture.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	_, err = flow.Read(r, flow.Options{Key: [32]byte{1}, Full: true, NoID: true}, func(rec *record.Record) error {
		c := *rec
		c.DNS, c.HTTP = slices.Clone(rec.DNS), slices.Clone(rec.HTTP)
		out = append(out, c)
		return nil
	})
	if err != nil {
		t.Logf("the capture ends with %v", err)
	}
	return out
}

// asShown is what tshark says of a capture.
type asShown struct {
	Pcap   string   `json:"pcap"`
	DNS    []string `json:"dns.qry.name"`
	Hosts  []string `json:"http.host"`
	Agents []string `json:"http.user_agent"`
}

func expected(t testing.TB) (out []asShown) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(archives{}.read(t, "pcap/pcap-tshark-fields.jsonl.gz")))
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e asShown
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// unequal is what remains apart from tshark, and why; kind, archive entry.
var unequal = map[string]string{
	"dns tests/Traces/icmp6.pcap":         "the question is quoted by an ICMP error, which is no communication",
	"dns communityid/icmp6.pcap":          "the question is quoted by an ICMP error, which is no communication",
	"dns icmp/icmp-destunreach-udp.pcap":  "the question is quoted by an ICMP error, which is no communication",
	"dns quic/vector-max-size-crash.pcap": "a fuzzed message to port 443 whose name has no end: nothing says it is DNS",
	"host http/get-to-ssh-server.pcap":    "a request to port 22, which tshark does not look for",
	"agent http/get-to-ssh-server.pcap":   "a request to port 22, which tshark does not look for",
	"host http/http-to-ssh.pcap":          "a request to port 22, which tshark does not look for",
	"agent http/http-to-ssh.pcap":         "a request to port 22, which tshark does not look for",
}

// beyond is what a table of communications decides before a dissector sees it.
var beyond = map[string]string{
	"host tunnels/gtp/gtp1_gn_normal_incl_fragmentation.pcap":  "fragments inside a tunnel",
	"agent tunnels/gtp/gtp1_gn_normal_incl_fragmentation.pcap": "fragments inside a tunnel",
}

// namesOf are the names of one kind in the records of a capture, as tshark
// shows them.
func namesOf(kind string, all []record.Record) map[string]bool {
	out := map[string]bool{}
	for i := range all {
		r := &all[i]
		for _, d := range r.DNS {
			if kind == "dns" && r.App != record.NBNS && !d.Name.IsZero() {
				out[d.Name.String()] = true
			}
		}
		for _, h := range r.HTTP {
			switch {
			case h.Major == 2:
			case kind == "host" && !h.Host.IsZero() && h.Port != 0:
				out[fmt.Sprint(h.Host, ":", h.Port)] = true
			case kind == "host" && !h.Host.IsZero():
				out[h.Host.String()] = true
			case kind == "agent" && !h.Agent.Text.IsZero():
				// tshark joins the values of a field with commas.
				for _, part := range strings.Split(h.Agent.Text.String(), ",") {
					out[part] = true
				}
			}
		}
	}
	return out
}

// DNS names, hosts and agents of every capture are those that tshark shows,
// but for the table above.
func TestNamesAsTshark(t *testing.T) {
	a, seen, names := archives{}, map[string]bool{}, 0
	for _, e := range expected(t) {
		got := records(t, a.read(t, e.Pcap))
		_, entry, _ := strings.Cut(e.Pcap, "!")
		for kind, want := range map[string][]string{"dns": e.DNS, "host": e.Hosts, "agent": e.Agents} {
			have := namesOf(kind, got)
			names += len(want)
			var missing, extra []string
			for _, w := range want {
				if !have[w] {
					missing = append(missing, w)
				}
				delete(have, w)
			}
			for w := range have {
				extra = append(extra, w)
			}
			if len(want) >= 200 { // the list was cut off there
				extra = nil
			}
			k := kind + " " + entry
			if len(missing)+len(extra) == 0 || beyond[k] != "" && len(extra) == 0 {
				continue
			}
			if seen[k] = true; unequal[k] == "" {
				t.Errorf("%s: missing %q, not expected %q", k, missing, extra)
			}
		}
	}
	for k, why := range unequal {
		if !seen[k] {
			t.Errorf("%s is equal now, no longer: %s", k, why)
		}
	}
	t.Logf("%d names compared", names)
	if names < 800 {
		t.Errorf("only %d names were compared", names)
	}
}
