package sensor

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
)

func TestRead(t *testing.T) {
	raw := threePackets(t)
	code, out, talk := runFlow(t, raw, "read", "-", "--lang", "en")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, talk)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 {
		t.Fatalf("%q", lines)
	}
	var rec map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &rec); err != nil {
		t.Fatal(err)
	}
	for k, want := range map[string]any{"src": "192.0.2.1", "dst": "192.0.2.2", "sport": 7.0, "dport": 9.0, "proto": 17.0, "class": "unknown", "state": "tried"} {
		if rec[k] != want {
			t.Errorf("%s: %v, want %v", k, rec[k], want)
		}
	}
	for _, want := range []string{"3 packets, 2 records", "1 packet has broken headers and is in no record"} {
		if !strings.Contains(talk, want) {
			t.Errorf("%q is not in %q", want, talk)
		}
	}
	if _, ja, _ := runFlow(t, raw, "read", "-", "--home", "192.0.2.0/24", "--lang", "ja"); !strings.Contains(ja, `"class":"dd"`) {
		t.Errorf("one's own network is not domestic: %s", ja)
	}
}

// Every format is written, also to a file, and a file is whole or not there.
func TestReadOut(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.pcap")
	if err := os.WriteFile(in, threePackets(t), 0o600); err != nil {
		t.Fatal(err)
	}
	for format, want := range map[string]string{"jsonl": `"src":"192.0.2.1"`, "csv": "start,end,src", "zeek": `"_path":"conn"`, "eve": `"event_type":"flow"`, "parquet": "PAR1", "stix": `"type":"bundle"`} {
		name := filepath.Join(dir, "out."+format)
		if code, out, talk := runFlow(t, nil, "read", in, "--format", format, "--out", name, "--lang", "en"); code != 0 || out != "" {
			t.Errorf("%s: exit %d, %q %s", format, code, out, talk)
		}
		b, err := os.ReadFile(name)
		if err != nil || !bytes.Contains(b, []byte(want)) {
			t.Errorf("%s: %v %.80q", format, err, b)
		}
	}
	bad := filepath.Join(dir, "bad.txt")
	if err := os.WriteFile(bad, []byte("what this says is nobody's business"), 0o600); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadDir(dir)
	code, _, talk := runFlow(t, nil, "read", in, bad, "--out", filepath.Join(dir, "none"), "--lang", "en")
	if code != 2 || !strings.Contains(talk, bad+" is nothing that can be read") || !strings.Contains(talk, "hint: ") || strings.Contains(talk, "business") {
		t.Errorf("exit %d: %s", code, talk)
	}
	if after, _ := os.ReadDir(dir); len(after) != len(before) {
		t.Errorf("something is left: %v", after)
	}
	if code, _, talk := runFlow(t, nil, "read", in, "--out", filepath.Join(dir, "absent", "x"), "--lang", "en"); code != 2 || !strings.Contains(talk, "cannot be written") {
		t.Errorf("exit %d: %s", code, talk)
	}
}

// Nothing is read without a basis that allows it, and names are kept only with
// a reason.
func TestReadBasis(t *testing.T) {
	raw := threePackets(t)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--basis", "acquisition"}, 3, "only by a selection run"},
		{[]string{"--basis", "mine"}, 2, "mine is not a basis"},
		{[]string{"--basis", "consent"}, 0, ""},
		{[]string{"--names", "full"}, 3, "only for a stated reason"},
		{[]string{"--names", "full", "--reason", "the intrusion of May"}, 0, "Reason: the intrusion of May"},
		{[]string{"--names", "full", "--basis", "test"}, 0, "Names are kept in full, on the basis test"},
		{[]string{"--names", "long"}, 2, "short or full"},
		{[]string{"--workers", "0"}, 2, "1 to 16"},
		{[]string{"--max-flows", "1"}, 2, "16 to"},
		{[]string{"--format", "xml"}, 2, "xml is no format"},
		{[]string{"--key", "/nowhere"}, 2, "/nowhere"},
		{[]string{"--home", "everywhere"}, 2, "everywhere"},
	} {
		code, out, talk := runFlow(t, raw, append([]string{"read", "-", "--lang", "en"}, c.args...)...)
		if code != c.code || !strings.Contains(talk, c.says) || code != 0 && out != "" {
			t.Errorf("%q: exit %d, want %d: %s %s", c.args, code, c.code, talk, out)
		}
		if full := len(c.args) > 1 && c.args[1] == "full" && code == 0; strings.Contains(out, `"names":"full"`) != full {
			t.Errorf("%q: %s", c.args, out)
		}
	}
}

// Hashes are the same in every run with the same key, and only then.
func TestReadKey(t *testing.T) {
	log := `{"ts":1700000000.5,"uid":"C1","id.orig_h":"192.0.2.1","id.orig_p":4000,"id.resp_h":"198.51.100.2","id.resp_p":53,"proto":"udp","query":"kq3v9x7z1w5y8t2r.example.com","qtype_name":"A","rcode":0}` + "\n"
	dir := t.TempDir()
	in, key := filepath.Join(dir, "dns.log"), filepath.Join(dir, "key")
	if err := os.WriteFile(in, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, []byte(strings.Repeat("0a", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		code, out, talk := runFlow(t, nil, append([]string{"read", in, "--lang", "en"}, args...)...)
		if code != 0 || strings.Contains(out, "kq3v9x7z1w5y8t2r") || !strings.Contains(out, "example.com") {
			t.Fatalf("exit %d: %s %s", code, talk, out)
		}
		return out
	}
	if once, again := run("--key", key), run("--key", key); once != again {
		t.Error("the same key gives other hashes")
	}
	if once, again := run(), run(); once == again {
		t.Error("without a key the hashes are the same")
	}
	if err := os.WriteFile(key, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, talk := runFlow(t, nil, "read", in, "--key", key, "--lang", "en"); code != 2 || !strings.Contains(talk, "is no key") {
		t.Errorf("exit %d: %s", code, talk)
	}
}

// An empty file has no records; a capture that ends within a packet is read as
// far as it goes.
func TestReadCut(t *testing.T) {
	if code, out, talk := runFlow(t, nil, "read", "-", "--lang", "en"); code != 0 || out != "" || !strings.Contains(talk, "0 packets") {
		t.Errorf("exit %d: %q %s", code, out, talk)
	}
	raw := threePackets(t)
	code, out, talk := runFlow(t, raw[:len(raw)-4], "read", "-", "--lang", "en")
	if code != 0 || strings.Count(out, "\n") != 2 || !strings.Contains(talk, "cut off by the end of a file") {
		t.Errorf("exit %d: %q %s", code, out, talk)
	}
}

// Who stops a reading that waits for more gets nothing of it, at once.
func TestReadStopped(t *testing.T) {
	words, err := text.Load(cli.Words, fetch.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	in, feed := io.Pipe()
	defer feed.Close()
	env := cli.New(words)
	env.In, env.Out, env.Err = in, io.Discard, io.Discard
	root := env.Root("noroshi", "")
	root.AddCommand(Commands(env)...)
	code := make(chan int)
	go func() { code <- env.Run(ctx, root, []string{"flow", "read", "-", "--out", filepath.Join(dir, "out")}) }()
	if _, err := feed.Write(threePackets(t)); err != nil {
		t.Fatal(err)
	}
	stop()
	if c := <-code; c == 0 {
		t.Error("it says that it is done")
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("something is left: %v", left)
	}
}

// A packed capture is read once, whole, and from standard input as well: what
// was looked at to know it is not read again.
func TestReadPacked(t *testing.T) {
	raw := threePackets(t)
	var gz, zst bytes.Buffer
	g := gzip.NewWriter(&gz)
	z, err := zstd.NewWriter(&zst)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.WriteCloser{g, z} {
		if _, err := w.Write(raw); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, plain, _ := runFlow(t, raw, "read", "-", "--lang", "en")
	for kind, packed := range map[string][]byte{"gz": gz.Bytes(), "zst": zst.Bytes()} {
		name := putIn(t, t.TempDir(), "in.pcap."+kind, string(packed))
		for _, in := range []string{name, "-"} {
			code, out, talk := runFlow(t, packed, "read", in, "--lang", "en")
			if code != 0 || out != plain || !strings.Contains(talk, "3 packets, 2 records") {
				t.Errorf("%s %s: exit %d %s\n%s", kind, in, code, talk, out)
			}
		}
	}
}

// A folder is read and counted like the files in it; what is of another kind is
// passed over and counted.
func TestReadFolder(t *testing.T) {
	dir := t.TempDir()
	putIn(t, dir, "a.pcap", string(threePackets(t)))
	putIn(t, dir, "b.pcap", string(threePackets(t)))
	putIn(t, dir, "conn.log", oneConnection)
	putIn(t, dir, "note.txt", "what these files are")
	for _, want := range []struct{ command, out, talk string }{
		{"read", `"dst":"192.0.2.2"`, "6 packets, 3 records"}, {"read", `"src":"10.20.1.1"`, "1 of another kind"},
		{"count", "/b.pcap  3", "2 of another kind"},
	} {
		code, out, talk := runFlow(t, nil, want.command, dir, "--lang", "en")
		if code != 0 || !strings.Contains(out, want.out) || !strings.Contains(talk, want.talk) {
			t.Errorf("%s: exit %d %s\n%s", want.command, code, talk, out)
		}
	}
}
