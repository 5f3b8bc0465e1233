package sensor

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"noroshi/internal/engine/detect"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/flow/write"
	"noroshi/internal/sensor/synth"
)

// dayLog is a made-up day as lines of Zeek.
func dayLog(t *testing.T, c synth.Config) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := write.New(&b, write.Zeek)
	if err != nil {
		t.Fatal(err)
	}
	d, batch := synth.New(c), make([]record.Record, 256)
	for {
		n := d.Next(batch)
		if n == 0 {
			break
		}
		for i := range batch[:n] {
			if err := w.Write(&batch[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// homes are the flags that name the networks of the day.
var homes = []string{"--home", "10.20.0.0/16", "--home", "192.0.2.0/24", "--basis", "test"}

func detectArgs(args ...string) []string {
	return append(append([]string{"detect"}, homes...), args...)
}

// small is a day that is quickly read: four hours of eight workstations with
// three attacks.
var small = synth.Config{Seed: 7, Machines: 8, Length: 6 * time.Hour, Only: []string{"beacon_regular", "dns_tunnel", "host_scan"}}

// What is planted comes out of the command in all three forms and both
// languages, each finding is one that the hub takes in, and the page stands
// alone.
func TestDetectShowsWhatWasPlanted(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "day.log")
	if err := os.WriteFile(name, dayLog(t, small), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"ja", "en"} {
		stats := filepath.Join(dir, "stats.json")
		code, out, talk := runFlow(t, nil, detectArgs("--lang", lang, "--format", "jsonl", "--stats", stats, name)...)
		if code != 0 {
			t.Fatal(talk)
		}
		kinds := map[string]float64{}
		for line := range strings.Lines(out) {
			var f struct {
				Found
				Text string `json:"text"`
			}
			if err := json.Unmarshal([]byte(line), &f); err != nil {
				t.Fatal(err)
			}
			if _, err := f.normal(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), false); err != nil {
				t.Errorf("the hub refuses it: %v\n%s", err, line)
			}
			if f.Text == "" || strings.Contains(f.Text, "[") || strings.Contains(f.Text, "{") {
				t.Errorf("%q", f.Text)
			}
			kinds[f.Kind] = max(kinds[f.Kind], f.Score)
		}
		for _, want := range []string{"beacon", "dns_tunnel", "host_scan"} {
			if kinds[want] < 0.5 {
				t.Errorf("%s: %.2f\n%s", want, kinds[want], out)
			}
		}
		var s detectStats
		raw, _ := os.ReadFile(stats)
		if err := json.Unmarshal(raw, &s); err != nil || s.Detect.Records == 0 || s.WorthALook < 3 || len(s.Files) != 1 || s.Files[0].Kind != "zeek" {
			t.Errorf("%v %s", err, raw)
		}
		page := filepath.Join(dir, lang+".html")
		if code, _, talk := runFlow(t, nil, detectArgs("--lang", lang, "--format", "html", "--out", page, name)...); code != 0 {
			t.Fatal(talk)
		}
		raw, _ = os.ReadFile(page)
		for _, never := range []string{"<script", "http:", "https:", "src=", "url(", "@import", "[sensor.", "&lt;nil&gt;", "%!"} {
			if bytes.Contains(raw, []byte(never)) {
				t.Errorf("%s is in the page", never)
			}
		}
		for _, want := range []string{`lang="` + lang + `"`, "<svg", "T1071.001", `role="img"`, "kage-michi.example"} {
			if !bytes.Contains(raw, []byte(want)) {
				t.Errorf("%s is not in the page", want)
			}
		}
		if code, out, _ := runFlow(t, nil, detectArgs("--lang", lang, name)...); code != 0 || !strings.Contains(out, "◆") {
			t.Errorf("%d %s", code, out)
		}
	}
}

// A log that grows, is rolled and renamed, read again and again with a state,
// gives what one pass gives; what was read is not read again.
func TestDetectGoesOn(t *testing.T) {
	dir, day := t.TempDir(), dayLog(t, small)
	state, grown := filepath.Join(dir, "state"), filepath.Join(dir, "grown.log")
	run := func(name string) (string, detectStats) {
		stats := filepath.Join(dir, "stats.json")
		code, out, talk := runFlow(t, nil, detectArgs("--state", state, "--format", "jsonl", "--stats", stats, name)...)
		if code != 0 {
			t.Fatal(talk)
		}
		var s detectStats
		raw, _ := os.ReadFile(stats)
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
		return out, s
	}
	put := func(name string, b []byte) {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(grown, day[:len(day)/3])
	run(grown)
	put(grown, day[:len(day)/2+11]) // in the middle of a line
	_, s := run(grown)
	if s.Files[0].From == 0 || s.Files[0].Records == 0 {
		t.Errorf("%+v", s.Files)
	}
	rolled := filepath.Join(dir, "rolled.log")
	put(rolled, day)
	got, _ := run(rolled)
	again, s := run(rolled)
	if again != got || s.Files[0].Records != 0 || !s.Files[0].Before {
		t.Errorf("what was read is read again: %+v", s.Files)
	}
	state = filepath.Join(dir, "other")
	// The key of the hashes has to be the same for the same names.
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	key, _ := os.ReadFile(filepath.Join(dir, "state", "key"))
	put(filepath.Join(state, "key"), key)
	want, _ := run(rolled)
	if lines(got) != lines(want) || got == "" {
		t.Errorf("got\n%s\nwant\n%s", lines(got), lines(want))
	}
	if err := os.WriteFile(filepath.Join(state, "detector.zst"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, s := run(rolled); lines(out) != lines(want) || s.Files[0].Records == 0 {
		t.Error("after a broken state the logs are not read anew")
	}
}

// lines are the kinds and ends of findings but for those about names, whose
// windows do not outlive a run.
func lines(out string) (all string) {
	for line := range strings.Lines(out) {
		var f Found
		if json.Unmarshal([]byte(line), &f) == nil && f.Kind != "dns_tunnel" && f.Kind != "generated_domains" {
			all += fmt.Sprintf("%s %.3f %s %s %s\n", f.Kind, f.Score, f.Src, f.Dst, f.Start)
		}
	}
	return all
}

// The lists a person gives: what is expected is held back with its reason, what
// ran out is said, an indicator is found, and a wrong list is refused with the
// place.
func TestDetectLists(t *testing.T) {
	dir := t.TempDir()
	day := filepath.Join(dir, "day.log")
	put := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	if err := os.WriteFile(day, dayLog(t, small), 0o600); err != nil {
		t.Fatal(err)
	}
	allow := put("allow.toml", "[[allow]]\nkind = \"beacon\"\ndst = \"198.51.100.11\"\nreason = \"test of the line\"\nuntil = 2027-01-01\n[[allow]]\nname = \".kage-michi.example\"\nreason = \"old\"\nuntil = \"2020-01-01\"\n")
	signs := put("signs.txt", "# list\n198.51.100.11,c2\nhxxp://x\nKage-Michi[.]example\n0123456789abcdef0123456789abcdef\n")
	bundle := put("bundle.json", `{"type":"bundle","objects":[{"type":"indicator","id":"indicator--1","pattern_type":"stix","pattern":"[ipv4-addr:value = '198.51.100.11']"},{"type":"indicator","id":"indicator--2","pattern":"[file:name = 'x']"}]}`)
	code, out, talk := runFlow(t, nil, detectArgs("--lang", "en", "--allow", allow, "--indicators", signs, "--indicators", bundle, "--format", "jsonl", day)...)
	if code != 0 || !strings.Contains(talk, "3 indicators in use (1 ") || !strings.Contains(talk, "1 indicator in use (1 ") || !strings.Contains(talk, "ran out") || !strings.Contains(talk, "1 finding held back") {
		t.Errorf("%d %s", code, talk)
	}
	for _, want := range []string{`"allowed":"test of the line"`, `"indicator":"indicator--1"`, `"indicator":"198.51.100.11"`, `"indicator":"kage-michi.example"`} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not in\n%s", want, out)
		}
	}
	for _, bad := range []string{"[[allow]]\nsrc = \"10.0.0.1\"\nuntil = 2027-01-01\n", "[[allow]]\nsrc = \"10.0.0.1\"\nreason = \"x\"\n", "[[allow]]\nsrc = \"nowhere\"\nreason = \"x\"\nuntil = 2027-01-01\n",
		"[[allow]]\nreason = \"x\"\nuntil = 2027-01-01\n", "[[allow]]\nport = 4\nreason = \"x\"\nuntil = 9999-01-01\n", "[[allow]]\nkind = \"x\"\nport = 4\nreason = \"x\"\nuntil = 2027-01-01\n", "[[deny]]\n", "{"} {
		if code, _, _ := runFlow(t, nil, detectArgs("--allow", put("bad.toml", bad), day)...); code != 2 {
			t.Errorf("%q: exit %d", bad, code)
		}
	}
}

func TestDetectRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "hello.txt")
	if err := os.WriteFile(text, []byte("hello, this is no log of anything"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{text}, {filepath.Join(dir, "absent.log")}, {"--format", "x", text}, {"--since", "soon", text}, {"--indicators", filepath.Join(dir, "absent"), text}} {
		if code, _, talk := runFlow(t, nil, detectArgs(args...)...); code != 2 {
			t.Errorf("%v: %d %s", args, code, talk)
		}
	}
	if code, _, _ := runFlow(t, nil, "detect", "--basis", "acquisition", text); code != 3 {
		t.Errorf("acquired traffic is read: %d", code)
	}
	code, out, talk := runFlow(t, nil, detectArgs("--lang", "en", "--since", "2030-01-01", "-")...)
	if code != 1 || strings.Contains(out, "Nothing stands out") || !strings.Contains(out, "no communication was read") {
		t.Errorf("an empty input: %d %s %s", code, out, talk)
	}
}

// Packets go the same way: a capture with a scan.
func TestDetectReadsCaptures(t *testing.T) {
	var b bytes.Buffer
	if err := synth.WriteCapture(&b, synth.Config{Seed: 5, Machines: 4, Length: 20 * time.Minute, Only: []string{"port_scan", "guessing_inside"}}); err != nil {
		t.Fatal(err)
	}
	code, out, talk := runFlow(t, b.Bytes(), detectArgs("--format", "jsonl", "-")...)
	if code != 0 || !strings.Contains(out, `"port_scan"`) || !strings.Contains(out, `"password_guessing"`) {
		t.Errorf("%d %s\n%s", code, talk, out)
	}
	// A capture that was read is not read again into the same state.
	dir := t.TempDir()
	name := filepath.Join(dir, "a.pcap")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(dir, "state")
	_, first, _ := runFlow(t, nil, detectArgs("--format", "jsonl", "--state", state, name)...)
	code, again, talk := runFlow(t, nil, detectArgs("--lang", "en", "--format", "jsonl", "--state", state, name)...)
	if code != 0 || lines(first) != lines(again) || !strings.Contains(talk, "1 file had nothing new") {
		t.Errorf("%d %s\n%s\n%s", code, talk, first, again)
	}
}

func TestCellsOfATerminal(t *testing.T) {
	for s, want := range map[string]int{"abc": 3, "点": 2, "通信abc": 7, "ｱ": 1, "（": 2, "◆": 1} {
		if got := cellsOf(s); got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
	}
}

// Every kind has its words, in both languages.
func TestEveryKindHasWords(t *testing.T) {
	for _, k := range detect.Kinds {
		for _, part := range []string{"kind", "say", "why", "do"} {
			for _, lang := range []string{"ja", "en"} {
				raw, err := Words.ReadFile("text/" + lang + ".toml")
				if err != nil || !bytes.Contains(raw, []byte(`"sensor.finding.`+part+"."+string(k)+`"`)) {
					t.Errorf("%s %s %s: %v", lang, part, k, err)
				}
			}
		}
	}
}

// What was said appears nowhere: not in what is shown, not in what is kept.
func TestDetectKeepsNoContent(t *testing.T) {
	const canary = "canary-sings-in-the-coal-mine-at-night"
	var log bytes.Buffer
	for i := range 400 {
		at := 1793764800 + 60*i
		fmt.Fprintf(&log, `{"_path":"conn","ts":%d.5,"id.orig_h":"10.20.1.1","id.orig_p":50000,"id.resp_h":"198.51.100.9","id.resp_p":80,"proto":"tcp","service":"http","duration":1.0,"orig_bytes":400,"resp_bytes":900,"conn_state":"SF","orig_pkts":5,"orig_ip_bytes":700,"resp_pkts":5,"resp_ip_bytes":1200}
{"_path":"http","ts":%d.5,"id.orig_h":"10.20.1.1","id.orig_p":50000,"id.resp_h":"198.51.100.9","id.resp_p":80,"trans_depth":1,"method":"POST","host":"%s.example.com","uri":"/%s?q=%s","user_agent":"%s","username":"%s","status_code":200}
{"_path":"dns","ts":%d.4,"id.orig_h":"10.20.1.1","id.orig_p":50001,"id.resp_h":"10.20.0.53","id.resp_p":53,"proto":"udp","query":"%s%d.t.example.net","qtype":16,"rcode":0,"answers":["TXT %s"]}
{"_path":"ssl","ts":%d.6,"id.orig_h":"10.20.1.1","id.orig_p":50002,"id.resp_h":"198.51.100.10","id.resp_p":443,"server_name":"%s.example.org","subject":"CN=%s","issuer":"CN=%s","established":true}
{"_path":"smtp","ts":%d.7,"id.orig_h":"10.20.1.1","id.orig_p":50003,"id.resp_h":"198.51.100.11","id.resp_p":25,"trans_depth":1,"subject":"%s","mailfrom":"%s"}
`, at, at, canary, canary, canary, canary, canary, at, canary, i, canary, at, canary, canary, canary, at, canary, canary)
	}
	dir := t.TempDir()
	in := filepath.Join(dir, "in.log")
	if err := os.WriteFile(in, log.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(dir, "state")
	var seen []byte
	for _, format := range []string{"table", "jsonl", "html"} {
		code, out, talk := runFlow(t, nil, detectArgs("--format", format, "--state", filepath.Join(state, format), "--stats", filepath.Join(state, "stats-"+format), in)...)
		if code != 0 {
			t.Fatal(talk)
		}
		seen = append(append(seen, out...), talk...)
	}
	if !bytes.Contains(seen, []byte("beacon")) || !bytes.Contains(seen, []byte(".example.com")) {
		t.Errorf("nothing was found: %s", seen)
	}
	files := 0
	err := filepath.WalkDir(state, func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		raw, err := os.ReadFile(name)
		if strings.HasSuffix(name, ".zst") && err == nil {
			var z *zstd.Decoder
			if z, err = zstd.NewReader(nil); err == nil {
				raw, err = z.DecodeAll(raw, nil)
				z.Close()
			}
		}
		seen = append(seen, raw...)
		return err
	})
	if err != nil || files != 12 {
		t.Errorf("%d files, %v", files, err)
	}
	low := bytes.ToLower(seen)
	for _, form := range []string{canary, hex.EncodeToString([]byte(canary)), base64.StdEncoding.EncodeToString([]byte(canary))[:40], "coal-mine"} {
		if bytes.Contains(low, bytes.ToLower([]byte(form))) {
			t.Errorf("%s is there", form)
		}
	}
}

// Lists of any form give entries that hold together, or an error.
func FuzzLists(f *testing.F) {
	f.Add([]byte("[[allow]]\nport = 1\nreason = \"x\"\nuntil = 2027-01-01\n"))
	f.Add([]byte("198.51.100.1,c2\n;\n.example\n0123456789abcdef0123456789abcdef"))
	f.Add([]byte(`{"objects":[{"type":"indicator","pattern":"[domain-name:value='a.example']"}]}`))
	n := record.NewNaming([32]byte{1}, false)
	f.Fuzz(func(t *testing.T, b []byte) {
		if all, err := parseAllow("x", b, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)); err == nil {
			for _, a := range all {
				if a.Reason == "" || a.Until.IsZero() {
					t.Errorf("%+v", a)
				}
			}
		}
		all, _, err := parseSigns("x", b, n)
		if err != nil {
			return
		}
		for _, s := range all {
			if !s.Prefix.IsValid() && s.Name == "" && s.Print == "" {
				t.Errorf("%+v", s)
			}
		}
	})
}
