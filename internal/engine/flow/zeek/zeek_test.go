package zeek

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

const connHeader = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n" +
	"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\n" +
	"#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tbool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]\n"

const connLine = "1517336042.090842\tCa\t10.55.182.100\t14291\t192.0.2.5\t80\ttcp\thttp\t3.000158\t10\t20\tSF\tT\tT\t0\tShADadfF\t5\t270\t4\t228\t(empty)\n"

func naming() *record.Naming { return record.NewNaming([32]byte{1}, false) }

// read returns copies of all records, and what the reader counted.
func read(t testing.TB, in io.Reader, n *record.Naming) ([]record.Record, Stats) {
	t.Helper()
	r, err := NewReader(in, n)
	if err != nil {
		t.Fatal(err)
	}
	return drain(t, r), r.Stats()
}

func drain(t testing.TB, r *Reader) (all []record.Record) {
	t.Helper()
	batch := make([]record.Record, 7)
	for {
		k, err := r.Next(batch)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch[:k] {
			c := batch[i]
			c.DNS, c.HTTP = append([]record.DNS(nil), c.DNS...), append([]record.HTTP(nil), c.HTTP...)
			if c.TLS != nil {
				x := *c.TLS
				if x.Certificate != nil {
					y := *x.Certificate
					x.Certificate = &y
				}
				c.TLS = &x
			}
			if c.SSH != nil {
				x := *c.SSH
				c.SSH = &x
			}
			if c.Kerberos != nil {
				x := *c.Kerberos
				c.Kerberos = &x
			}
			all = append(all, c)
		}
	}
}

func text(all []record.Record) string {
	var b []byte
	for i := range all {
		b = append(record.AppendJSON(b, &all[i]), '\n')
	}
	return string(b)
}

func TestConnTSV(t *testing.T) {
	all, s := read(t, strings.NewReader(connHeader+connLine+
		"1517336043\tCb\t2001:db8::1\t5\tfe80::1\t128\ticmp\t-\t-\t-\t-\tOTH\t-\t-\t0\t-\t1\t64\t0\t0\t-\n"), naming())
	if len(all) != 2 || s.Records != 2 || s.Bad+s.Short+s.Truncated != 0 {
		t.Fatalf("%+v", s)
	}
	r := all[0]
	want := record.Record{Start: 1517336042090842000, End: 1517336045091000000, Src: netip.MustParseAddr("10.55.182.100"), SrcPort: 14291,
		Dst: netip.MustParseAddr("192.0.2.5"), DstPort: 80, Proto: 6, App: record.HTTPApp, State: record.Closed,
		Packets: [2]uint64{5, 4}, Bytes: [2]uint64{270, 228}, Payload: [2]uint64{10, 20}, Flags: [2]uint8{2 | 16 | 8 | 1, 2 | 16 | 8 | 1}}
	if text([]record.Record{r}) != text([]record.Record{want}) {
		t.Errorf("got  %swant %s", text([]record.Record{r}), text([]record.Record{want}))
	}
	if all[1].App != record.ICMPApp || all[1].State != record.Midway || all[1].Packets[record.Out] != 1 {
		t.Errorf("%+v", all[1])
	}
}

// The same connection in the three forms that shippers write.
func TestConnJSON(t *testing.T) {
	tsv, _ := read(t, strings.NewReader(connHeader+connLine), naming())
	for _, in := range []string{
		`{"ts": 1517336042.090842, "uid": "Ca", "id.orig_h": "10.55.182.100", "id.orig_p": 14291, "id.resp_h": "192.0.2.5", "id.resp_p": 80, "proto": "tcp", "service": "http", "duration": 3.000158, "orig_bytes": 10, "resp_bytes": 20, "conn_state": "SF", "missed_bytes": 0, "history": "ShADadfF", "orig_pkts": 5, "orig_ip_bytes": 270, "resp_pkts": 4, "resp_ip_bytes": 228, "x": ["a,b", {"y": "}"}], "z": null}`,
		`{"@stream":"conn","ts":1517336042.090842,"id_orig_h":"10.55.182.100","id_orig_p":14291,"id_resp_h":"192.0.2.5","id_resp_p":80,"proto":"tcp","service":"http","duration":3.000158,"orig_bytes":10,"resp_bytes":20,"conn_state":"SF","missed_bytes":0,"history":"ShADadfF","orig_pkts":5,"orig_ip_bytes":270,"resp_pkts":4,"resp_ip_bytes":228}`,
		`{"ts":"2018-01-30T18:14:02.090842Z","id":{"orig_h":"10.55.182.100","orig_p":14291,"resp_h":"192.0.2.5","resp_p":80},"proto":"tcp","service":"http","duration":3.000158,"orig_bytes":10,"resp_bytes":20,"conn_state":"SF","missed_bytes":0,"history":"ShADadfF","orig_pkts":5,"orig_ip_bytes":270,"resp_pkts":4,"resp_ip_bytes":228,"_path":"conn"}`,
	} {
		all, s := read(t, strings.NewReader(in+"\n"), naming())
		if text(all) != text(tsv) {
			t.Errorf("%+v\ngot  %swant %s", s, text(all), text(tsv))
		}
		all, _ = read(t, strings.NewReader(in), naming()) // a whole object needs no line end
		if text(all) != text(tsv) {
			t.Errorf("without line end: %s", text(all))
		}
	}
}

func TestFacts(t *testing.T) {
	in := `{"_path":"dns","ts":1.5,"id.orig_h":"10.0.0.1","id.orig_p":53000,"id.resp_h":"10.0.0.2","id.resp_p":53,"proto":"udp","query":"AbCdEf.t.example.co.jp","qtype":16,"rcode":3,"rtt":0.25,"answers":["x.example","192.0.2.9","2001:db8::9"],"TTLs":[60.0,30.0,300.0]}
{"_path":"ssl","ts":2,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"192.0.2.9","id.resp_p":443,"version":"TLSv12","server_name":"www.example.com","established":true,"ja3":"10ee8d30a5d01c042afd7b2b205facc4","subject":"CN=a","issuer":"CN=a","next_protocol":"h2"}
{"_path":"http","ts":3,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"192.0.2.9","id.resp_p":80,"trans_depth":1,"method":"POST","host":"www.example.com:8080","uri":"/login?user=secret","version":"1.1","user_agent":"curl/8.0 \"x\"","status_code":401,"request_body_len":7,"response_body_len":9,"resp_mime_types":["text/html"]}
{"_path":"ssh","ts":4,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"192.0.2.9","id.resp_p":22,"auth_success":false,"auth_attempts":3,"client":"SSH-2.0-OpenSSH_9.2","hassh":"10ee8d30a5d01c042afd7b2b205facc4"}
{"_path":"kerberos","ts":5,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"192.0.2.9","id.resp_p":88,"request_type":"AS","client":"someone/EXAMPLE","success":false,"error_msg":"KDC_ERR_PREAUTH_FAILED"}
{"_path":"quic","ts":7,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"192.0.2.9","id.resp_p":443,"version":"1","server_name":"q.example.com","client_protocol":"h3"}
{"_path":"weird","ts":6,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"192.0.2.9","id.resp_p":88}
`
	all, s := read(t, strings.NewReader(in), naming())
	if len(all) != 6 || s.Other != 1 {
		t.Fatalf("%d records, %+v", len(all), s)
	}
	d := all[0].DNS[0]
	if d.Name.String() != "abcdef.t.example.co.jp"[len("abcdef."):] && d.Name.String() != "+1.t.example.co.jp" || d.Length != 22 || d.Labels != 5 || d.Longest != 7 ||
		d.Entropy != 28 || d.Rcode != 3 || !d.Answered || d.TTL != 30 || d.Answers != 3 || d.Addrs[0].String() != "192.0.2.9" || d.Type != 16 || all[0].End != 1.75e9 {
		t.Errorf("%+v %d", d, all[0].End)
	}
	tls := all[1].TLS
	if tls.SNI.String() != "www.example.com" || tls.Version != 0x303 || tls.JA3[0] != 0x10 || !tls.Certificate.SelfSigned || tls.Chosen != record.H2 || !tls.Established {
		t.Errorf("%+v", tls)
	}
	h := all[2].HTTP[0]
	if h.Host.String() != "www.example.com" || h.Path.String() != "/login?{x}" || h.Status != 401 || h.Method != record.POST || h.Agent.Family.String() != "curl" || h.Type != record.HTML || h.Body != [2]uint64{7, 9} {
		t.Errorf("%+v", h)
	}
	if all[3].SSH.HASSH[0] != 0x10 || all[3].SSH.Client.Family.String() != "openssh" {
		t.Errorf("%+v", all[3].SSH)
	}
	if k := all[4].Kerberos; k.Failures != 1 || k.Error != 24 || k.Messages[0].Operation != asReq {
		t.Errorf("%+v", k)
	}
	if q := all[5].QUIC; q == nil || q.SNI.String() != "q.example.com" || q.Version != 1 || q.ALPN != record.H3 || all[5].Proto != 17 {
		t.Errorf("%+v", all[5])
	}
	for _, secret := range []string{"secret", "someone", "abcdef"} {
		if strings.Contains(text(all), secret) {
			t.Errorf("%s is in a record", secret)
		}
	}
}

// Whatever is broken is counted, and what is whole around it is read.
func TestBadInput(t *testing.T) {
	long := strings.Repeat("x", maxLine+maxLine/2)
	for name, c := range map[string]struct {
		in   string
		n    int
		want Stats
	}{
		"header in the middle": {connHeader + connLine + "#close\t2018\n" + strings.Replace(connHeader, "\tuid", "", 1) + strings.Replace(connLine, "\tCa", "", 1), 2, Stats{Headers: 2}},
		"other separator":      {"#separator \\x2c\n#unset_field,-\n#path,conn\n#fields,ts,id.orig_h,id.resp_h\n1.0,10.0.0.1,10.0.0.2\n", 1, Stats{Headers: 1}},
		"leading blank":        {"\t" + connHeader + connLine, 1, Stats{Headers: 1}},
		"cut last line":        {connHeader + connLine + connLine[:40], 1, Stats{Headers: 1, Truncated: 1}},
		"short line":           {connHeader + "1.0\tCa\t10.0.0.1\t1\t10.0.0.2\t2\n" + connLine, 2, Stats{Headers: 1, Short: 1}},
		"bad address":          {connHeader + strings.Replace(connLine, "192.0.2.5", "192.0.2.555", 1), 0, Stats{Headers: 1, Bad: 1}},
		"bad time":             {connHeader + strings.Replace(connLine, "1517336042.090842", "soon", 1), 0, Stats{Headers: 1, Bad: 1}},
		"other log":            {strings.Replace(connHeader, "\tconn\n", "\tweird\n", 1) + connLine, 0, Stats{Headers: 1, Other: 1}},
		"broken JSON":          {"{\"ts\":1\n{\"ts\":\"x\n{}\n{\"ts\":1,}\n", 0, Stats{Bad: 3, Other: 1}},
		"headless":             {"#separator \\x09\n" + connLine, 0, Stats{Headless: 1}},
		"line too long":        {connHeader + long + "\n" + connLine + long + long + "\n" + connLine, 2, Stats{Headers: 1, Oversize: 2}},
		"carriage returns":     {strings.ReplaceAll(connHeader+connLine, "\n", "\r\n"), 1, Stats{Headers: 1}},
	} {
		all, s := read(t, strings.NewReader(c.in), naming())
		s.Bytes, s.Lines, s.Records = 0, 0, 0
		if name == "carriage returns" {
			s.Headers = c.want.Headers
		}
		if len(all) != c.n || s != c.want {
			t.Errorf("%s: %d records, %+v, want %d, %+v", name, len(all), s, c.n, c.want)
		}
	}
	if _, err := NewReader(strings.NewReader("hello"), naming()); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
	if _, err := NewReader(strings.NewReader(""), naming()); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

func TestGzipAndItsCutEnd(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprint(z, connHeader+strings.Repeat(connLine, 5000))
	z.Close()
	if all, _ := read(t, bytes.NewReader(b.Bytes()), naming()); len(all) != 5000 {
		t.Errorf("%d", len(all))
	}
	if all, s := read(t, bytes.NewReader(b.Bytes()[:b.Len()-20]), naming()); len(all) == 0 || len(all) > 5000 {
		t.Errorf("%d %+v", len(all), s)
	}
}

// A log read in pieces, each beginning where the one before stopped, gives the
// same records as in one go, wherever it was cut.
func TestReadingOnIsOnePass(t *testing.T) {
	var b strings.Builder
	b.WriteString(connHeader)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		if i == 150 {
			b.WriteString(strings.Replace(connHeader, "\tuid", "", 1))
		}
		line := strings.Replace(connLine, "042.", fmt.Sprintf("%03d.", i), 1)
		if i >= 150 {
			line = strings.Replace(line, "\tCa", "", 1)
		}
		b.WriteString(line)
	}
	whole := b.String()
	want, _ := read(t, strings.NewReader(whole), naming())
	for range 20 {
		book := &Book{}
		var got []record.Record
		for size := 0; size < len(whole); {
			size = min(len(whole), size+1+rng.IntN(20000))
			now, _ := book.Encode()
			book, _ = ParseBook(now)
			have := whole[:size]
			in, base := have, int64(0)
			if m, ok := book.Find([]byte(have[:min(len(have), HeadSize)])); ok {
				if !m.Goes([]byte(have[max(0, m.Offset-HeadSize):m.Offset])) {
					t.Fatal("the same log is taken for another")
				}
				in, base = m.Header+have[m.Offset:], m.Offset-int64(len(m.Header))
			}
			r, err := NewReader(strings.NewReader(in), naming())
			if err != nil {
				continue // not even a header yet
			}
			got = append(got, drain(t, r)...)
			at := base + r.Offset()
			book.Put([]byte(have[:min(len(have), HeadSize)]), []byte(have[max(0, at-HeadSize):at]), at, r.Header())
		}
		if len(book.Marks) > 1 {
			t.Errorf("%d marks for one log", len(book.Marks))
		}
		if text(got) != text(want) {
			t.Fatalf("%d records, want %d", len(got), len(want))
		}
	}
}

// What is remembered of a log to read it on holds nothing that somebody else
// wrote into its header.
func TestHeaderIsWrittenAnew(t *testing.T) {
	line := strings.Replace(connHeader, "\tuid", "\tswordfish3", 1)
	line = strings.Replace(line, "(empty)", "meet at dawn", 1)
	line = strings.Replace(line, "#path", "#swordfish\tdawn\n#path", 1)
	for _, in := range []string{line + connLine, strings.Replace(line, "\tconn\n", "\tswordfish\n", 1) + connLine} {
		r, err := NewReader(strings.NewReader(in), naming())
		if err != nil {
			t.Fatal(err)
		}
		n := len(drain(t, r))
		again := r.Header()
		if strings.Contains(again, "swordfish") || strings.Contains(again, "dawn") {
			t.Errorf("%q", again)
		}
		if all, _ := read(t, strings.NewReader(again+connLine), naming()); len(all) != n {
			t.Errorf("%d records, want %d, after %q", len(all), n, again)
		}
	}
	comma := strings.NewReplacer("\\x09", "\\x2e", "\t", ".").Replace("#separator \\x09\n#path\tconn\n#fields\tts\tid_orig_h\tother\n")
	r, err := NewReader(strings.NewReader(comma+"1.2.3\n"), naming())
	if err != nil {
		t.Fatal(err)
	}
	drain(t, r)
	if got := r.Header(); !strings.HasSuffix(got, "#path.conn\n#fields.ts.id_orig_h.-\n") {
		t.Errorf("%q", got)
	}
}

func TestBookForgetsTheOldest(t *testing.T) {
	k, _ := ParseBook(nil)
	for i := range maxMarks + 5 {
		if i == maxMarks-1 {
			k.Run++
		}
		k.Put(fmt.Append(nil, "head ", i, "."), nil, 100, "")
	}
	if _, ok := k.Find([]byte("head 10003.")); len(k.Marks) != maxMarks || !ok {
		t.Errorf("%d marks, %v", len(k.Marks), ok)
	}
	if m, ok := k.Find([]byte("another")); ok {
		t.Errorf("%+v", m)
	}
}

// corpus opens a zip of the shared data.
func corpus(t testing.TB, name string) *zip.ReadCloser {
	t.Helper()
	for _, dir := range []string{os.Getenv("NOROSHI_SHARED"), "../../../../../shared"} {
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

// Logs of other people: how many lines each holds is known by counting them.
func TestCorpora(t *testing.T) {
	for _, name := range []string{"copyleft/flows/rita-zeek-dev.zip", "copyleft/flows/slips-dev.zip", "mordor/apt29-day1-zeek.zip"} {
		z := corpus(t, name)
		for _, f := range z.File {
			if base := filepath.Base(f.Name); !strings.Contains(base, ".log") || strings.Contains(f.Name, "conn_top") {
				continue
			}
			in, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			r, err := NewReader(in, naming())
			if err != nil {
				t.Errorf("%s: %v", f.Name, err)
				continue
			}
			n := len(drain(t, r))
			s := r.Stats()
			known := false
			for _, l := range []string{"conn", "dns", "ssl", "http", "ssh"} {
				known = known || strings.Contains(filepath.Base(f.Name), l)
			}
			if known && (n == 0 || s.Other > 0 || s.Bad > s.Lines/20) || !known && n > 0 && !strings.Contains(f.Name, "kerberos") {
				t.Errorf("%s: %d records, %+v", f.Name, n, s)
			}
			if strings.Contains(f.Name, "valid_tsv/http") && n != 27204 {
				t.Errorf("%s: %d records, %+v", f.Name, n, s)
			}
			t.Logf("%s: %d records of %d lines, %d bad, %d short, %d cut", f.Name, n, s.Lines, s.Bad, s.Short, s.Truncated)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(connHeader + connLine))
	f.Add([]byte(`{"ts":1,"id":{"orig_h":"1.2.3.4"},"query":"\u0041\\x"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewReader(bytes.NewReader(b), naming())
		if err != nil {
			return
		}
		batch := make([]record.Record, 3)
		for range len(b) + 2 {
			if _, err := r.Next(batch); err != nil {
				return
			}
		}
		t.Error("more batches than bytes")
	})
}

func benchmark(b *testing.B, line, head string) {
	in := []byte(head + strings.Repeat(line, 20000))
	n := naming()
	batch := make([]record.Record, 512)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	total := 0
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(in), n)
		if err != nil {
			b.Fatal(err)
		}
		for {
			k, err := r.Next(batch)
			if err != nil {
				break
			}
			total += k
		}
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkConnTSV(b *testing.B) { benchmark(b, connLine, connHeader) }

func BenchmarkConnJSON(b *testing.B) {
	benchmark(b, `{"ts":1517336042.090842,"uid":"CxHo3m4N8uGxrMlcl2","id.orig_h":"10.55.100.100","id.orig_p":61843,"id.resp_h":"205.204.101.182","id.resp_p":80,"proto":"tcp","service":"http","duration":108.985496,"orig_bytes":719,"resp_bytes":336,"conn_state":"SF","local_orig":true,"local_resp":false,"missed_bytes":20,"history":"ShADadfF","orig_pkts":10,"orig_ip_bytes":1131,"resp_pkts":4,"resp_ip_bytes":508}`+"\n", "")
}
