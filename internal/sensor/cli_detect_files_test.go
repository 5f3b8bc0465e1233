package sensor

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/write"
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
