package write

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/stix"
)

// samples are records with every kind of fact.
func samples(full bool) []*record.Record {
	n := record.NewNaming([32]byte{1}, full)
	at := time.Date(2026, 11, 22, 5, 0, 0, 123456789, time.UTC).UnixNano()
	web := &record.Record{Start: at, End: at + 15e8, Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("198.51.100.2"), SrcPort: 50000,
		DstPort: 443, Proto: 6, App: record.TLSApp, Class: geo.DF, State: record.Closed, Packets: [2]uint64{3, 4}, Bytes: [2]uint64{300, 4000},
		Payload: [2]uint64{100, 3800}, Lost: [2]uint64{0, 9}, Flags: [2]uint8{0x1b, 0x1b}, CommunityID: [20]byte{1}, VLAN: 12, Full: full,
		TLS: &record.TLS{Version: 0x0304, Cipher: 0x1301, SNI: n.Host([]byte("www.example.com")), Chosen: record.H2, JA3: [16]byte{0xab}, Certificate: &record.Certificate{SHA256: [32]byte{1}}}}
	copy(web.TLS.JA4[:], "t13d1516h2_8daaf6152771_e5627efa2ab1")
	asked := &record.Record{Start: at, End: at + 1e6, Src: netip.MustParseAddr("2001:db8::1"), Dst: netip.MustParseAddr("2001:db8::53"), SrcPort: 40000,
		DstPort: 53, Proto: 17, App: record.DNSApp, State: record.Open, Packets: [2]uint64{1, 1}, Bytes: [2]uint64{70, 90}}
	asked.AddDNS(record.DNS{At: at, Name: n.Host([]byte("a.example.com")), Type: 1, Made: 252, Answered: true, Addrs: [4]netip.Addr{web.Dst}})
	asked.AddDNS(record.DNS{At: at, Name: n.Host([]byte("=cmd.example")), Type: 28})
	plain := &record.Record{Start: at, End: at, Src: web.Src, Dst: web.Dst, SrcPort: 50001, DstPort: 80, Proto: 6, App: record.HTTPApp, State: record.Open,
		Flags: [2]uint8{0x1a, 0x12}, Packets: [2]uint64{2, 1}, Bytes: [2]uint64{90, 40},
		SSH: &record.SSH{Client: n.Agent([]byte("SSH-2.0-OpenSSH_9"))}, QUIC: &record.QUIC{Version: 1, SNI: n.Host([]byte("q.example.com"))}}
	plain.AddHTTP(record.HTTP{At: at, Method: record.GET, Host: n.Host([]byte("h.example.com")), Path: n.Path([]byte("/login?x=1")), Agent: n.Agent([]byte("curl/8")), Status: 200, Major: 1, Minor: 1})
	ping := &record.Record{Start: at, End: at, Src: web.Src, Dst: web.Dst, SrcPort: 8, DstPort: 0, Proto: 1, App: record.ICMPApp, Packets: [2]uint64{1000, 0}, Sampled: 1000}
	return []*record.Record{web, asked, plain, ping}
}

func written(t *testing.T, f Format, full bool) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := New(&buf, f)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range samples(full) {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func objects(t *testing.T, b []byte) (out []map[string]any) {
	t.Helper()
	for line := range bytes.Lines(b) {
		var v map[string]any
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		out = append(out, v)
	}
	return out
}

func TestJSONLines(t *testing.T) {
	list := objects(t, written(t, JSONL, false))
	if len(list) != 4 || list[0]["class"] != "df" || list[1]["app"] != "dns" {
		t.Errorf("%v", list)
	}
}

func TestZeek(t *testing.T) {
	paths := map[string]int{}
	uids := map[string]string{}
	for _, o := range objects(t, written(t, Zeek, false)) {
		path := o["_path"].(string)
		paths[path]++
		uid := o["uid"].(string)
		if len(uid) != 18 || uid[0] != 'C' {
			t.Errorf("uid %q", uid)
		}
		if path == "conn" {
			uids[uid] = path
		} else if uids[uid] == "" {
			t.Errorf("%s belongs to no conn", path)
		}
		switch path {
		case "ssl":
			if o["version"] != "TLSv13" || o["cipher"] != "TLS_AES_128_GCM_SHA256" || o["server_name"] != "www.example.com" || o["ts"] != 1795323600.123456 {
				t.Errorf("%v", o)
			}
		case "conn":
			if o["id.resp_p"] == 443.0 && (o["conn_state"] != "SF" || o["missed_bytes"] != 9.0 || o["service"] != "ssl" || o["duration"] != 1.5) {
				t.Errorf("%v", o)
			}
		}
	}
	if len(uids) != 4 || paths["dns"] != 2 || paths["http"] != 1 || paths["quic"] != 1 || paths["ssh"] != 1 {
		t.Errorf("%v %v", paths, uids)
	}
}

func TestConnState(t *testing.T) {
	const F, S, R, A = 1, 2, 4, 16
	for _, c := range []struct {
		out, in uint8
		n       uint64 // packets that came back
		want    string
	}{
		{S, 0, 0, "S0"}, {S | A, S | A, 2, "S1"}, {S | A | F, S | A | F, 2, "SF"}, {S, R | A, 1, "REJ"}, {S | A | F, S | A, 2, "S2"},
		{S | A, S | A | F, 2, "S3"}, {S | A | R, S | A, 2, "RSTO"}, {S | A, S | A | R, 2, "RSTR"}, {S | R, 0, 0, "RSTOS0"}, {0, S | A | R, 1, "RSTRH"},
		{S | F, 0, 0, "SH"}, {0, S | A | F, 1, "SHR"}, {A, A, 1, "OTH"}, {A | F, A | F, 1, "OTH"},
	} {
		r := record.Record{Proto: 6, Flags: [2]uint8{c.out, c.in}, Packets: [2]uint64{1, c.n}}
		if c.out == 0 {
			r.Packets[0] = 0
		}
		if got := connState(&r); got != c.want {
			t.Errorf("%x %x: %s, want %s", c.out, c.in, got, c.want)
		}
	}
	for want, packets := range map[string][2]uint64{"S0": {1, 0}, "SF": {1, 1}, "SHR": {0, 1}} {
		if got := connState(&record.Record{Proto: 17, Packets: packets}); got != want {
			t.Errorf("udp %v: %s", packets, got)
		}
	}
}

func TestEVE(t *testing.T) {
	kinds := map[string]int{}
	for _, o := range objects(t, written(t, EVE, false)) {
		kinds[o["event_type"].(string)]++
		if _, err := time.Parse("2006-01-02T15:04:05.000000-0700", o["timestamp"].(string)); err != nil {
			t.Error(err)
		}
		if o["event_type"] == "flow" && o["dest_port"] == 443.0 {
			f, c := o["flow"].(map[string]any), o["tcp"].(map[string]any)
			if f["state"] != "closed" || f["bytes_toclient"] != 4000.0 || c["tcp_flags"] != "1b" || c["fin"] != true {
				t.Errorf("%v", o)
			}
		}
	}
	if kinds["flow"] != 4 || kinds["dns"] != 3 || kinds["tls"] != 1 || kinds["http"] != 1 || kinds["quic"] != 1 || kinds["ssh"] != 1 {
		t.Errorf("%v", kinds)
	}
}

// A cell that begins like a formula is none, and every row has every column.
func TestCSV(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(written(t, CSV, true))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 5 || len(rows[0]) != len(csvColumns) {
		t.Fatalf("%d rows", len(rows))
	}
	at := func(row int, column string) string { return rows[row][slices.Index(rows[0], column)] }
	if at(1, "sni") != "www.example.com" || at(3, "http_paths") != "/login?{x}" || at(1, "names") != "full" || at(2, "dns_names") != "a.example.com =cmd.example" ||
		at(2, "dns_made") != "0.988" || at(1, "dns_made") != "" || at(1, "sampled") != "1" || at(4, "sampled") != "1000" {
		t.Errorf("%v", rows)
	}
	for in, want := range map[string]string{"=1+1": "'=1+1", "@x": "'@x", `a"b`: `"a""b"`, "-1,2": `"'-1,2"`, "": "", "a b": "a b"} {
		if got := string(appendCell(nil, in)); got != want {
			t.Errorf("%q: %s", in, got)
		}
	}
}

func TestParquet(t *testing.T) {
	b := written(t, Parquet, false)
	rows, err := parquet.Read[Row](bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 4 || rows[0].SNI != "www.example.com" || rows[0].Start != 1795323600123456 || rows[1].DNSRcodes != "NOERROR" || rows[0].BytesIn != 4000 || rows[2].SSHClient == "" ||
		rows[1].DNSMade != float32(252)/255 || rows[0].Sampled != 1 || rows[3].Sampled != 1000 {
		t.Errorf("%+v", rows)
	}
}

// Many records go out in groups of bounded size.
func TestParquetGroups(t *testing.T) {
	var buf bytes.Buffer
	w := newParquet(&buf)
	one := samples(false)[0]
	for range rowGroup + 100 {
		if err := w.Write(one); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if f.NumRows() != rowGroup+100 || len(f.RowGroups()) != 2 {
		t.Errorf("%d rows in %d groups", f.NumRows(), len(f.RowGroups()))
	}
}

func TestSTIX(t *testing.T) {
	b := written(t, STIX, false)
	seen, err := stix.ReadObserved([]json.RawMessage{b})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != 4 {
		t.Errorf("%d observations", len(seen))
	}
	for _, name := range []string{"www.example.com", "a.example.com", "h.example.com", "q.example.com"} {
		if n := strings.Count(string(b), `"value":"`+name+`"`); n != 1 {
			t.Errorf("%s is there %d times", name, n)
		}
	}
	if strings.Contains(string(b), `"value":"{`) {
		t.Error("a shortened name is called a domain name")
	}
	p, err := stix.ParsePattern("[network-traffic:dst_port = 443 AND network-traffic:dst_ref.value = '198.51.100.2']")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := p.Match(seen); err != nil || !ok {
		t.Errorf("its own pattern does not match: %v", err)
	}
}

func TestUnknownFormat(t *testing.T) {
	var e *FormatError
	if _, err := New(&bytes.Buffer{}, "xml"); !errors.As(err, &e) {
		t.Errorf("%v", err)
	}
}

func TestEmpty(t *testing.T) {
	for _, f := range Formats {
		var buf bytes.Buffer
		w, err := New(&buf, f)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Errorf("%s: %v", f, err)
		}
		if f == STIX && !json.Valid(buf.Bytes()) {
			t.Errorf("%s", buf.Bytes())
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	list := samples(false)
	for _, f := range Formats {
		b.Run(string(f), func(b *testing.B) {
			w, err := New(discard{}, f)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				for _, r := range list {
					if err := w.Write(r); err != nil {
						b.Fatal(err)
					}
				}
				n += len(list)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
