package sensor

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/flow/write"
	"noroshi/internal/sensor/synth"
)

// A folder is read like the files in it, in the order of their names; what is
// of another kind is passed over and counted, but a file that is named is not.
func TestDetectReadsFolders(t *testing.T) {
	dir := t.TempDir()
	putIn(t, dir, "conn.b.log", oneConnection)
	putIn(t, dir, "conn.a.log", strings.ReplaceAll(oneConnection, "10.20.1.1", "10.20.1.2"))
	putIn(t, dir, "files.log", `{"ts":1793764800.5,"fuid":"F1","source":"HTTP","mime_type":"text/plain"}`+"\n")
	putIn(t, dir, "notice.log", "#separator \\x09\n#fields\tts\tnote\n#types\ttime\tenum\n1793764800.5\tScan::Port\n")
	note := putIn(t, dir, "README.txt", "what these files are")
	table := putIn(t, dir, "records.csv", "start,end,src,dst\n")
	putIn(t, dir, "records.jsonl", `{"start":"2026-11-04T00:00:00Z","end":"2026-11-04T00:00:00Z","src":"10.20.1.1","dst":"198.51.100.1","pkts":[1,1]}`+"\n")
	putIn(t, dir, ".hidden.log", oneConnection)
	if err := os.Mkdir(filepath.Join(dir, "deeper"), 0o700); err != nil {
		t.Fatal(err)
	}
	putIn(t, filepath.Join(dir, "deeper"), "conn.log", oneConnection)
	stats := filepath.Join(t.TempDir(), "stats.json")
	code, _, talk := runFlow(t, nil, detectArgs("--lang", "en", "--stats", stats, dir)...)
	var s detectStats
	raw, _ := os.ReadFile(stats)
	if err := json.Unmarshal(raw, &s); err != nil || code != 0 || s.Detect.Records != 3 || s.Detect.Home != 2 {
		t.Fatalf("%d %v %s\n%s", code, err, talk, raw)
	}
	var read []string
	for _, f := range s.Files {
		read = append(read, filepath.Base(f.File))
	}
	if got := strings.Join(read, " "); got != "conn.a.log conn.b.log files.log notice.log records.jsonl" {
		t.Errorf("read %s", got)
	}
	if !strings.Contains(talk, "4 of another kind") || !strings.Contains(talk, "2 lines of logs that are not used") {
		t.Errorf("%s", talk)
	}
	for _, name := range []string{note, table} {
		if code, _, talk := runFlow(t, nil, detectArgs("--lang", "en", name)...); code != 2 {
			t.Errorf("%s: %d %s", name, code, talk)
		}
	}
	if code, _, talk := runFlow(t, nil, detectArgs("--lang", "en", table)...); code != 2 || !strings.Contains(talk, "--format jsonl") {
		t.Errorf("%d %s", code, talk)
	}
	if code, _, talk := runFlow(t, nil, detectArgs("--lang", "en", t.TempDir())...); code != 1 || !strings.Contains(talk, "no communication was read") {
		t.Errorf("an empty folder: %d %s", code, talk)
	}
}

// What "flow read" writes is known by how it begins.
func TestOwnRecordsAreKnown(t *testing.T) {
	dir := t.TempDir()
	log := putIn(t, dir, "conn.log", oneConnection)
	for _, format := range []write.Format{write.CSV, write.Parquet} {
		out := filepath.Join(dir, "out."+string(format))
		if code, _, talk := runFlow(t, nil, "read", "--basis", "test", "--format", string(format), "--out", out, log); code != 0 {
			t.Fatalf("%s: %s", format, talk)
		}
		if code, _, talk := runFlow(t, nil, detectArgs("--lang", "en", out)...); code != 2 || !strings.Contains(talk, "--format jsonl") {
			t.Errorf("%s: %d %s", format, code, talk)
		}
	}
	for _, format := range []write.Format{write.JSONL, write.Zeek} {
		out := filepath.Join(dir, "out."+string(format))
		if code, _, talk := runFlow(t, nil, "read", "--basis", "test", "--format", string(format), "--out", out, log); code != 0 {
			t.Fatal(talk)
		}
		if code, _, talk := runFlow(t, nil, detectArgs("--lang", "en", out)...); code != 0 {
			t.Errorf("what the sentence says does not work: %s: %d %s", format, code, talk)
		}
	}
}

// What is read ahead of a capture, to see what it is, is gone before more is waited
// for: a stream may last for days.
func TestDetectForgetsWhatItReadAhead(t *testing.T) {
	var b bytes.Buffer
	if err := synth.WriteCapture(&b, synth.Config{Seed: 5, Machines: 4, Length: 20 * time.Minute, Only: []string{"port_scan"}}); err != nil {
		t.Fatal(err)
	}
	if b.Len() < 2*peekSize {
		t.Fatalf("%d bytes are too few", b.Len())
	}
	words, err := text.Load(cli.Words, fetch.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	var out, talk bytes.Buffer
	env := cli.New(words)
	in := &watchful{src: bytes.NewReader(b.Bytes())}
	env.In, env.Out, env.Err = in, &out, &talk
	root := env.Root("noroshi", "")
	root.AddCommand(Commands(env)...)
	if code := env.Run(t.Context(), root, append([]string{"flow"}, detectArgs("--format", "jsonl", "-")...)); code != 0 || !strings.Contains(out.String(), `"port_scan"`) {
		t.Errorf("%d %s\n%s", code, talk.String(), out.String())
	}
	if in.later == 0 || in.left > 0 {
		t.Errorf("%d of %d times something was left", in.left, in.later)
	}
}

// watchful is a stream that sees, whenever more is asked for, whether the memory
// that its beginning went to is empty.
type watchful struct {
	src         io.Reader
	first       []byte
	later, left int
}

func (w *watchful) Read(p []byte) (int, error) {
	switch {
	case w.first == nil:
		w.first = p
	case &p[0] != &w.first[0]:
		w.later++
		if len(bytes.Trim(w.first, "\x00")) > 0 {
			w.left++
		}
	}
	return w.src.Read(p)
}
