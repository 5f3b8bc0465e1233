package flow

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"path"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/flow/write"
)

// comparable are the fields of EVE that mean the same here. Suricata counts
// bytes with the link header: 14 of Ethernet.
var comparable = map[string]bool{"event_type": true, "src_ip": true, "dest_ip": true, "src_port": true, "dest_port": true, "proto": true, // community_id has another seed there

	"tls.sni": true, "tls.version": true, "tls.ja3.hash": true, "tls.ja4": true, "quic.sni": true, "quic.version": true, "http.hostname": true, "http.http_method": true,
	"http.status": true, "http.http_user_agent": true, "dns.rrname": true, "dns.rrtype": true, "flow.pkts_toserver": true, "flow.pkts_toclient": true,
	"flow.bytes_toserver": true, "flow.bytes_toclient": true, "tcp.tcp_flags": true, "tcp.tcp_flags_ts": true, "tcp.tcp_flags_tc": true}

// unlike is what Suricata's tests expect and EVE lines here do not say, and why.
var unlike = map[string]string{
	"bittorrent-dht 0":                 "its reader of the protocol turns the direction of the first packet around",
	"vxlan-decoder-01 0":               "port 53 to a high port with nothing before it is taken for an answer",
	"vxlan-decoder-03 0":               "the tunnel itself is no communication, what is inside is",
	"vxlan-decoder-03 1":               "the tunnel itself is no communication, what is inside is",
	"vxlan-decoder-03 2":               "the tunnel itself is no communication, what is inside is",
	"vxlan-non-zero-reserved-fields 1": "the tunnel itself is no communication, what is inside is",
}

// Events that Suricata's own tests expect are there, as far as they are about
// communications and fields that are kept.
func TestEventsAsSuricata(t *testing.T) {
	name := shared(t, "pcap/suricata-verify-dev.zip")
	z, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	files := archives{}
	captures := map[string]string{}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, ".pcap") || strings.HasSuffix(f.Name, ".pcapng") {
			captures[path.Dir(f.Name)] = f.Name
		}
	}
	found, asked := map[string]int{}, map[string]int{}
	seen := map[string]bool{}
	for _, f := range z.File {
		dir := path.Dir(f.Name)
		if path.Base(f.Name) != "test.yaml" || captures[dir] == "" {
			continue
		}
		wants := matches(string(files.read(t, "pcap/suricata-verify-dev.zip!"+f.Name)))
		if len(wants) == 0 {
			continue
		}
		events := eventsOf(t, files.read(t, "pcap/suricata-verify-dev.zip!"+captures[dir]))
		for i, want := range wants {
			kind := want["event_type"]
			asked[kind]++
			k := fmt.Sprint(path.Base(dir), " ", i)
			if has(events, want) {
				found[kind]++
			} else if seen[k] = true; unlike[k] == "" {
				t.Errorf("%s: %v", k, want)
			}
		}
	}
	t.Logf("%v of %v", found, asked)
	if found["flow"] < 14 || found["tls"] < 6 || found["dns"] < 6 || found["http"] < 9 {
		t.Errorf("%v of %v", found, asked)
	}
	for k := range unlike {
		if !seen[k] {
			t.Errorf("%s is alike now", k)
		}
	}
}

func has(events []map[string]string, want map[string]string) bool {
	for _, e := range events {
		ok := true
		for k, v := range want {
			ok = ok && e[k] == v
		}
		if ok {
			return true
		}
	}
	return false
}

// matches reads the expected events out of a test.yaml: what stands under
// "match:", where at least one is expected.
func matches(text string) (out []map[string]string) {
	var one map[string]string
	depth, none := 0, false
	flush := func() {
		switch one["event_type"] {
		case "flow", "tls", "http", "dns", "quic":
			if len(one) > 1 && !none {
				out = append(out, one)
			}
		}
		one = nil
	}
	for line := range strings.Lines(text) {
		body := strings.TrimLeft(line, " -")
		indent := len(line) - len(strings.TrimLeft(line, " "))
		k, v, ok := strings.Cut(strings.TrimSpace(body), ":")
		v = strings.Trim(strings.TrimSpace(v), `"'`)
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "- filter"):
			flush()
			none = false
		case ok && k == "count":
			none = none || v == "0"
		case ok && k == "match":
			one, depth = map[string]string{}, indent
		case one != nil && indent <= depth && strings.TrimSpace(line) != "":
			depth = -1
		case one != nil && depth >= 0 && ok && comparable[k]:
			one[k] = plain(k, v)
		}
	}
	flush()
	return out
}

// plain writes addresses in one way.
func plain(k, v string) string {
	if strings.HasSuffix(k, "_ip") {
		if a, err := netip.ParseAddr(v); err == nil {
			return a.String()
		}
	}
	return v
}

func eventsOf(t *testing.T, b []byte) (out []map[string]string) {
	t.Helper()
	var text bytes.Buffer
	w, err := write.New(&text, write.EVE)
	if err != nil {
		t.Fatal(err)
	}
	track(t, b, Options{Full: true}, func(r *record.Record) error { return w.Write(r) })
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text.Bytes()) {
		var v map[string]any
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		flat := map[string]string{}
		flatten(flat, "", v)
		for _, side := range []string{"server", "client"} {
			var n, size int
			if _, err := fmt.Sscan(flat["flow.pkts_to"+side], &n); err == nil {
				_, _ = fmt.Sscan(flat["flow.bytes_to"+side], &size)
				flat["flow.bytes_to"+side] = fmt.Sprint(size + 14*n)
			}
		}
		out = append(out, flat)
	}
	return out
}

func flatten(out map[string]string, prefix string, v map[string]any) {
	for k, x := range v {
		switch x := x.(type) {
		case map[string]any:
			flatten(out, prefix+k+".", x)
		case float64:
			out[prefix+k] = fmt.Sprint(int64(x))
		default:
			out[prefix+k] = fmt.Sprint(x)
		}
	}
}
