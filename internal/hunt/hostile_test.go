package hunt

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/event/format"
	"noroshi/internal/engine/sigma"
)

// rulesText loads rules that stand in one text.
func rulesText(t *testing.T, text string) *RuleSet {
	t.Helper()
	set := &RuleSet{}
	if err := set.put("rules.yml", []byte(text)); err != nil {
		t.Fatal(err)
	}
	set.parse(sigma.Options{})
	if len(set.Rejected) > 0 {
		t.Fatal(set.Rejected)
	}
	return set
}

// scannedText runs rules over one file of a given content.
func scannedText(t *testing.T, rules *RuleSet, name string, content []byte, workers int) ([]*Detection, *Report) {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	var found []*Detection
	s := &Scan{Paths: []string{file}, Rules: rules, Workers: workers, NoRouting: true}
	report, err := s.Run(context.Background(), func(d *Detection) error { found = append(found, d); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return found, report
}

func manyRules(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "---\ntitle: r%d\nlogsource: {product: x}\ndetection:\n  s: {k: v, CommandLine|contains: xx}\n  condition: s\nlevel: high\n", i)
	}
	return b.String()
}

// TestLargeRowOfManyHits: detections of one event hold one copy of it, and what
// is shown holds on to none of it.
func TestLargeRowOfManyHits(t *testing.T) {
	const size = 4 << 20
	line := fmt.Appendf(nil, `{"time":"2026-01-01T00:00:00Z","k":"v","Computer":%q,"CommandLine":%q}`, strings.Repeat("h", 9000), strings.Repeat("x", size))
	found, report := scannedText(t, rulesText(t, manyRules(50)), "large.jsonl", line, 1)
	if len(found) != 50 || report.Events != 1 {
		t.Fatalf("%d detections of %d events", len(found), report.Events)
	}
	var picture Picture
	for _, d := range found {
		if &d.Event[0] != &found[0].Event[0] {
			t.Fatal("each detection has an event of its own")
		}
		for _, y := range d.Why {
			if len(y.Value) > maxTold+len("…") {
				t.Fatalf("%d bytes are told of %s", len(y.Value), y.Field)
			}
		}
		if len(d.Host) > maxPerson+len("…") {
			t.Fatalf("the host's name has %d bytes", len(d.Host))
		}
		picture.add(d)
	}
	for _, g := range picture.Groups {
		held := 0
		for _, f := range g.Example.Event {
			held += len(f.Value)
		}
		if held > 4*exampleValue || g.Example.Fields != len(found[0].Event) {
			t.Fatalf("an example holds %d bytes of %d fields", held, g.Example.Fields)
		}
	}
}

// TestCostlyRowIsTold: an event on which not every rule could be tried is named
// with its place, as it may hide a hit.
func TestCostlyRowIsTold(t *testing.T) {
	decoy := strings.Repeat("a", 9_000_000)
	line, err := json.Marshal(map[string]any{"z": []string{"evil" + decoy + "thing", "evil thing"}, "y": []string{"bad" + decoy + "man", "bad man"}})
	if err != nil {
		t.Fatal(err)
	}
	rule := "title: r\nlogsource: {product: x}\ndetection:\n  s: {z|re: 'evil.{0,3}thing'}\n  u: {y|re: 'bad.{0,3}man'}\n  condition: s and u\n"
	found, report := scannedText(t, rulesText(t, rule), "costly.jsonl", append([]byte("{\"a\":1}\n"), line...), 2)
	src := report.Sources[0]
	if len(found) == 0 && (src.Damaged != 1 || src.Damage[0].Reason != format.Costly || src.Damage[0].Record != 2) {
		t.Fatalf("a hit is lost and nothing is told: %+v", src)
	}
}

// TestSumBeyondNumbers: what logs add up to does not end a run.
func TestSumBeyondNumbers(t *testing.T) {
	rules := rulesText(t, `title: base
name: base
logsource: {product: x}
detection:
  s: {k: v}
  condition: s
---
title: summed
level: high
correlation:
  type: value_sum
  rules: [base]
  group-by: [g]
  timespan: 5m
  condition: {gte: 100, field: n}
`)
	line := `{"time":"2026-01-01T00:00:00Z","k":"v","g":"a","n":1e308}` + "\n"
	found, _ := scannedText(t, rules, "sum.jsonl", []byte(line+line), 1)
	if len(found) != 1 {
		t.Fatalf("%d detections", len(found))
	}
	var b bytes.Buffer
	if err := (&jsonSink{Encoder: json.NewEncoder(&b)}).take(found[0]); err != nil {
		t.Fatal(err)
	}
}

// TestPacksThatLie: a pack whose manifest is edited, or that holds other bytes
// than sealing writes, is refused or comes out otherwise; one that unpacks to
// more than it is is not unpacked.
func TestPacksThatLie(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log.jsonl")
	if err := os.WriteFile(log, []byte(`{"k":"v","CommandLine":"xx"}`+"\n{\"a\":1}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var pack bytes.Buffer
	s := &sealing{scan: &Scan{Paths: []string{log}, Rules: rulesText(t, manyRules(2)), NoRouting: true}, options: PackOptions{NoRouting: true}}
	if _, _, err := s.seal(t.Context(), &pack, nil); err != nil {
		t.Fatal(err)
	}
	open := func(raw []byte) (*Pack, error) { return openPack(bytes.NewReader(raw), int64(len(raw)), nil) }
	again := func(raw []byte) ([]Difference, error) {
		p, err := open(raw)
		if err != nil {
			return nil, err
		}
		return p.again(t.Context(), []string{log}, 1)
	}
	if d, err := again(pack.Bytes()); err != nil || len(d) > 0 {
		t.Fatalf("as it is: %v %v", d, err)
	}
	edited := func(method uint16, edit func(*Manifest)) []byte {
		z, err := zip.NewReader(bytes.NewReader(pack.Bytes()), int64(pack.Len()))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		for _, f := range z.File {
			b, err := member(f)
			if f.Name == manifestName {
				var m Manifest
				if err := json.Unmarshal(b, &m); err != nil {
					t.Fatal(err)
				}
				edit(&m)
				b, err = m.text()
			}
			to, err2 := w.CreateHeader(&zip.FileHeader{Name: f.Name, Method: method})
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			_, _ = to.Write(b)
		}
		_ = w.Close()
		return out.Bytes()
	}
	for what, edit := range map[string]func(*Manifest){
		"levels":     func(m *Manifest) { m.Counts.ByLevel = map[string]int{"low": 2} },
		"rules":      func(m *Manifest) { m.Counts.Rules = 9 },
		"detections": func(m *Manifest) { m.Counts.Detections = 1 },
		"events":     func(m *Manifest) { m.Counts.Events = 7 },
		"damage":     func(m *Manifest) { m.Damage = []PackDamage{{Input: "log.jsonl"}} },
		"unread":     func(m *Manifest) { m.Unread = []string{"other"} },
		"inputs":     func(m *Manifest) { m.Inputs = append(m.Inputs, m.Inputs[0]) },
	} {
		if d, err := again(edited(zip.Store, edit)); err == nil && len(d) == 0 {
			t.Errorf("%s edited: comes out the same", what)
		}
	}
	for what, raw := range map[string][]byte{
		"behind it":  append(bytes.Clone(pack.Bytes()), "more"...),
		"before it":  append([]byte("more"), pack.Bytes()...),
		"compressed": edited(zip.Deflate, func(*Manifest) {}),
	} {
		if _, err := open(raw); err == nil {
			t.Errorf("%s: is read", what)
		}
	}
	var bomb bytes.Buffer
	w := zip.NewWriter(&bomb)
	for _, name := range []string{manifestName, findingsName} {
		to, _ := w.Create(name)
		_, _ = to.Write(make([]byte, 64<<20))
	}
	_ = w.Close()
	if _, err := open(bomb.Bytes()); fault.Of(err).Code != "hunt.pack.form" {
		t.Errorf("a bomb: %v", err)
	}
}

// TestFormsTakeNoOrders: what logs, names of files and rules say gives no orders
// to terminals, spreadsheets and collectors.
func TestFormsTakeNoOrders(t *testing.T) {
	catalog, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	bad := "\x1b[31m\u009b\u202e\x00x"
	d := &Detection{Rule: &sigma.Rule{ID: "id" + bad, Title: bad + "\n=1|2", Tags: []string{"attack.t1059" + bad}}, Time: 1, Source: "a" + bad + "\nb", Host: "＝cmd" + bad, User: "=cmd" + bad + " dhost=other",
		Why: []Why{{Field: "f" + bad, Op: "=", Value: bad + "\nCEF:0|a"}}}
	for _, form := range []string{"csv", "timesketch", "cef", "table", "html"} {
		var b bytes.Buffer
		s := newSink(form, &b, catalog.Printer(text.JA, nil), nil, time.Time{})
		if err := s.take(d); err != nil {
			t.Fatal(err)
		}
		if err := s.close(&Report{}); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexAny(b.String(), "\x1b\u009b\u202e\x00"); i >= 0 {
			t.Errorf("%s: %q", form, b.String()[max(0, i-20):i+5])
		}
		if form == "cef" && (strings.Count(b.String(), "\n") != 1 || strings.Contains(b.String(), " dhost=other")) {
			t.Errorf("cef: %q", b.String())
		}
		if form == "csv" && (!strings.Contains(b.String(), "'＝cmd") || !strings.Contains(b.String(), "'=cmd")) {
			t.Errorf("csv: %q", b.String())
		}
	}
}

// TestNamedByLink: a folder that is named by a link is read as the folder is, and
// empty files in it are no failure.
func TestNamedByLink(t *testing.T) {
	dir := t.TempDir()
	logs, link := filepath.Join(dir, "logs"), filepath.Join(dir, "link")
	if err := os.Mkdir(logs, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"a.jsonl": `{"k":"v","CommandLine":"xx"}`, "b.log": ""} {
		if err := os.WriteFile(filepath.Join(logs, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(logs, link); err != nil {
		t.Skip("no links here: ", err)
	}
	s := &Scan{Paths: []string{link}, Rules: rulesText(t, manyRules(1)), NoRouting: true}
	r, err := s.Run(t.Context(), func(d *Detection) error {
		if d.Source != filepath.Join(link, "a.jsonl") {
			t.Errorf("source %s", d.Source)
		}
		return nil
	})
	if err != nil || r.Events != 1 || r.Empty != 1 || len(r.Passed) > 0 || r.judged() != nil {
		t.Fatalf("%v %+v", err, r)
	}
	if size, err := sizeOf([]string{link}); err != nil || size == 0 {
		t.Errorf("size %d, %v", size, err)
	}
	if sums, err := sumsOf([]string{link}, renamed{{link, "link"}}); err != nil || len(sums) != 2 || sums[0].Name != "link/a.jsonl" {
		t.Errorf("sums %v, %v", sums, err)
	}
}

// TestInterruptedWait: a run that waits for standard input can be ended.
func TestInterruptedWait(t *testing.T) {
	for _, begun := range []string{"", strings.Repeat(`{"k":"v"}`+"\n", 1000)} {
		never, to := io.Pipe()
		go func() { _, _ = io.WriteString(to, begun) }()
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, stop)
		s := &Scan{Paths: []string{"-"}, Stdin: never, Rules: rulesText(t, manyRules(1))}
		if r, err := s.Run(ctx, func(*Detection) error { return nil }); !errors.Is(err, context.Canceled) || r != nil {
			t.Errorf("after %d bytes: %v %v", len(begun), r, err)
		}
	}
}

// TestStdinIsCounted: bytes of standard input are counted as those of files are.
func TestStdinIsCounted(t *testing.T) {
	log := strings.Repeat(`{"k":"v","CommandLine":"xx"}`+"\n", 40_000)
	s := &Scan{Paths: []string{"-"}, Stdin: strings.NewReader(log), Rules: rulesText(t, manyRules(1)), NoRouting: true}
	r, err := s.Run(t.Context(), func(*Detection) error { return nil })
	if err != nil || r.Bytes != int64(len(log)) || r.Events != 40_000 {
		t.Fatalf("%v, %d bytes of %d, %d events", err, r.Bytes, len(log), r.Events)
	}
}

// TestBarsOfJumpingClocks: one event of a clock that jumped does not push the
// others out of the picture.
func TestBarsOfJumpingClocks(t *testing.T) {
	rule := &sigma.Rule{Title: "r", Level: sigma.High}
	for _, at := range [][2]int{{1680, 2026}, {1970, 2250}, {2026, 2026}, {2025, 2026}, {1990, 2026}} {
		var p Picture
		for i, year := range []int{at[0], at[1], at[1], at[1]} {
			p.add(&Detection{Rule: rule, Time: time.Date(year, 1, 2+10*i, 3, 0, 0, 0, time.UTC).UnixNano()})
		}
		bars, _, _ := p.bins()
		n := 0
		for _, b := range bars {
			n += b[sigma.High]
		}
		if n != 4 || len(bars) > maxBars {
			t.Errorf("%v: %d of 4 in %d bars", at, n, len(bars))
		}
	}
}
