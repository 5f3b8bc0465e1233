package hunt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/text"
)

// writerFunc is a function to write to.
type writerFunc func([]byte) (int, error)

// Write implements io.Writer.
func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// followed lets a watch read lines from standard input and returns what it wrote,
// did and told.
func followed(t *testing.T, rules *RuleSet, lines string, known ...Expected) (out string, did *Watched, notes []string) {
	t.Helper()
	var b bytes.Buffer
	w := testWatch(t, "-")
	w.Rules, w.Stdin, w.To, w.Known = rules, strings.NewReader(lines), &b, known
	w.Note = func(n Notice) { notes = append(notes, n.Key) }
	did, err := w.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), did, notes
}

// TestWatchTellsCostlyRows: an event on which not every rule could be tried is
// told of, as a scan does.
func TestWatchTellsCostlyRows(t *testing.T) {
	decoy := strings.Repeat("a", 9_000_000)
	line, err := json.Marshal(map[string]any{"z": []string{"evil" + decoy + "thing", "evil thing"}, "y": []string{"bad" + decoy + "man", "bad man"}})
	if err != nil {
		t.Fatal(err)
	}
	rules := rulesText(t, "title: r\nlogsource: {product: test}\ndetection:\n  s: {z|re: 'evil.{0,3}thing'}\n  u: {y|re: 'bad.{0,3}man'}\n  condition: s and u\n")
	_, did, notes := followed(t, rules, "{\"id\":1}\n"+string(line)+"\n")
	if did.Events != 2 || did.Detections == 0 && (did.Damaged != 1 || !slices.Equal(notes, []string{"damage.costly"})) {
		t.Errorf("a hit is lost: %+v, told: %v", did, notes)
	}
}

// TestWatchKnown: what is known to be harmless is not told and feeds no
// correlation, until it is over.
func TestWatchKnown(t *testing.T) {
	var lines strings.Builder
	for i := range 12 {
		fmt.Fprintf(&lines, `{"id":%d,"hit":1,"who":"u%d","time":"2026-11-02T03:00:%02dZ"}`+"\n", i, i%2, i)
	}
	rules := watchSet(t, watchRules)
	all, _, _ := followed(t, rules, lines.String())
	until := time.Now().Add(time.Hour)
	out, did, _ := followed(t, rules, lines.String(), Expected{Rule: "hit", Field: "who", Value: "U1", Until: until}, Expected{Rule: "Seen", Field: "who", Value: "u1", Until: until})
	if did.Known != 12 || strings.Count(out, "event") != 6 || strings.Count(out, "Many") != 1 || strings.Contains(out, "u1") {
		t.Errorf("%+v\n%s", did, out)
	}
	if out, did, _ = followed(t, rules, lines.String(), Expected{Rule: "many", Until: until}); did.Known != 2 || strings.Contains(out, "Many") || strings.Count(out, "event") != 12 {
		t.Errorf("%+v\n%s", did, out)
	}
	if out, did, _ = followed(t, rules, lines.String(), Expected{Rule: "hit", Until: time.Now().Add(-time.Hour)}); out != all || did.Known != 0 {
		t.Errorf("%+v\n%s, want\n%s", did, out, all)
	}
	w := testWatch(t, "-")
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	w.Now = func() time.Time { return now }
	w.Known = []Expected{{Rule: "a", Until: now.Add(time.Hour)}, {Rule: "b", Until: now.Add(2 * time.Hour)}}
	g := &watching{Watch: w, run: &running{}}
	for want := 2; want >= 0; want-- {
		if g.expect(); len(g.run.known) != want || g.known.IsZero() != (want == 0) {
			t.Errorf("%d are known, want %d", len(g.run.known), want)
		}
		now = now.Add(time.Hour)
	}
}

// TestSmallRowsOfManyHits: small events that every rule hits do not wait in
// memory, neither for a scan nor for a watch.
func TestSmallRowsOfManyHits(t *testing.T) {
	var b strings.Builder
	for i := range 400 {
		fmt.Fprintf(&b, "---\ntitle: r%d\nlogsource: {product: test}\ndetection:\n  s: {k: v}\n  condition: s\nlevel: high\n", i)
	}
	rules := rulesText(t, b.String())
	lines := strings.Repeat(`{"k":"v","id":"a value that is not very long"}`+"\n", 1500)
	var before, m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n, most := 0, uint64(0)
	take := func(*Detection) error {
		if n++; n%100_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
		return nil
	}
	s := &Scan{Paths: []string{"-"}, Stdin: strings.NewReader(lines), Rules: rules, Workers: 2, NoRouting: true}
	if _, err := s.Run(t.Context(), take); err != nil {
		t.Fatal(err)
	}
	w := testWatch(t, "-")
	w.Rules, w.Stdin = rules, strings.NewReader(lines)
	held := 0
	w.To = writerFunc(func(p []byte) (int, error) { held = max(held, len(p)); return len(p), nil })
	w.Form = func(to io.Writer) func(*Detection) error {
		write := newSink("jsonl", to, text.Printer{}, nil, time.Time{}).take
		return func(d *Detection) error { return errors.Join(take(d), write(d)) }
	}
	if _, err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n != 2*400*1500 {
		t.Errorf("%d detections", n)
	}
	if held > watchHeld+64<<10 {
		t.Errorf("%d bytes were held", held)
	}
	if over := int64(most) - int64(before.HeapAlloc); over > 48<<20 {
		t.Errorf("%d MB more are held", over>>20)
	}
}
