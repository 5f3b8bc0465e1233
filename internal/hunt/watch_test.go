package hunt

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/event/format"
	"noroshi/internal/engine/sigma"
)

// watchRules are a rule that every other event hits, and correlations over it.
const watchRules = `title: Hit
name: hit
logsource: {product: test}
detection: {s: {hit: 1}, condition: s}
level: medium
---
title: Seen
logsource: {product: test}
detection: {s: {hit: 1}, condition: s}
level: low
---
title: Many
name: many
correlation:
  type: event_count
  rules: [hit]
  group-by: [who]
  timespan: 30s
  condition: {gte: 4}
level: high
---
title: Span
correlation:
  type: value_count
  rules: [hit]
  group-by: [who]
  timespan: 20s
  condition: {field: id, lt: 3}
level: high
`

func watchSet(t testing.TB, text string) *RuleSet {
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

// plainForm writes which events were hit, and what correlations found.
func plainForm(w io.Writer) func(*Detection) error {
	return func(d *Detection) error {
		if d.Correlated() {
			_, err := fmt.Fprintf(w, "%s %d %v %d hits\n", d.Rule.Title, d.Time, d.Why[0].Value, len(d.Hits))
			return err
		}
		for _, f := range d.Event {
			if f.Name == "id" {
				_, err := fmt.Fprintln(w, "event", f.Value)
				return err
			}
		}
		return fmt.Errorf("an event without its number: %+v", d.Event)
	}
}

// testLine is event n: they are a second or some apart.
func testLine(rng *rand.Rand, n int) string {
	at := time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC).Add(time.Duration(n) * 3 * time.Second)
	return fmt.Sprintf(`{"id":%d,"hit":%d,"who":"u%d","time":%q,"pad":"%s"}`+"\n", n, rng.IntN(2), rng.IntN(3), at.Format(time.RFC3339), strings.Repeat("x", rng.IntN(40)))
}

// testWatch is a watch with little patience.
func testWatch(t testing.TB, paths ...string) *Watch {
	read := Reading{Mapping: &format.Mapping{Log: event.Log{Product: "test"}}}
	return &Watch{Paths: paths, Rules: watchSet(t, watchRules), Read: read, Form: plainForm, Poll: time.Millisecond, Save: 5 * time.Millisecond, Grace: 50 * time.Millisecond}
}

// all is what one watch finds that reads everything from standard input at
// once: the twin.
func all(t testing.TB, lines string) string {
	t.Helper()
	var out bytes.Buffer
	w := testWatch(t, "-")
	w.Stdin, w.To = strings.NewReader(lines), &out
	if _, err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// apart separates what rules hit from what correlations found.
func apart(out string) (events, together []string) {
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "event ") {
			events = append(events, line)
		} else {
			together = append(together, line)
		}
	}
	return events, together
}

// The twin finds what a scan finds.
func TestWatchIsScan(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var lines strings.Builder
	for n := range 400 {
		lines.WriteString(testLine(rng, n))
	}
	got, _ := apart(all(t, lines.String()))
	w := testWatch(t)
	var out bytes.Buffer
	take := plainForm(&out)
	s := &Scan{Paths: []string{"-"}, Stdin: strings.NewReader(lines.String()), Rules: w.Rules, Read: w.Read, Workers: 1}
	if _, err := s.Run(t.Context(), take); err != nil {
		t.Fatal(err)
	}
	want, _ := apart(out.String())
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 100 {
		t.Fatalf("%d: %s", len(want), diff)
	}
}

// TestWatchChild is the process that is killed.
func TestWatchChild(t *testing.T) {
	dir := os.Getenv("NOROSHI_WATCH_CHILD")
	if dir == "" {
		t.Skip("only as a child of TestWatchKilled")
	}
	w := testWatch(t, strings.Split(os.Getenv("NOROSHI_WATCH_PATHS"), ",")...)
	w.State, w.Out = filepath.Join(dir, "state"), filepath.Join(dir, "out")
	w.Note = func(n Notice) { fmt.Fprintln(os.Stderr, n.Key, n.Name, n.Bytes) }
	if _, err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// logWriter writes events as programs and rotation do.
type logWriter struct {
	t       *testing.T
	rng     *rand.Rand
	path    string
	f       *os.File
	n       int
	lines   strings.Builder
	state   string // of the watch
	kept    int    // rotated files that are there
	shifted int
	half    string
}

func (l *logWriter) open() {
	var err error
	if l.f, err = os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// write appends some events; often the last one only in part.
func (l *logWriter) write() {
	text := l.half
	l.half = ""
	for range 1 + l.rng.IntN(20) {
		line := testLine(l.rng, l.n)
		l.n++
		l.lines.WriteString(line)
		text += line
	}
	if l.rng.IntN(2) == 0 {
		at := l.rng.IntN(len(text))
		text, l.half = text[:at], text[at:]
	}
	if _, err := l.f.WriteString(text); err != nil {
		l.t.Fatal(err)
	}
}

// finish writes what is left of the last line.
func (l *logWriter) finish() {
	if _, err := l.f.WriteString(l.half); err != nil {
		l.t.Fatal(err)
	}
	l.half = ""
}

// mostKept is how many rotated files stay. The system soon gives the number of
// one that is deleted to another.
const mostKept = 12

// isRead reports whether the position says that a file was read to its end: what
// is deleted before is lost to whoever was not running.
func (l *logWriter) isRead(path string) bool {
	raw, err := os.ReadFile(l.state)
	if err != nil {
		return false
	}
	s, err := readState(raw)
	if err != nil {
		l.t.Fatal(err)
	}
	is, err := os.Stat(path)
	if err != nil {
		l.t.Fatal(err)
	}
	id, _ := idOf(is, path)
	return slices.ContainsFunc(s.Files, func(f fileState) bool {
		return f.ID == id && (f.Aside || f.Done && f.Offset == is.Size())
	})
}

// shift deletes the oldest of the rotated files and moves the others one number
// up.
func (l *logWriter) shift() {
	for l.kept >= mostKept {
		oldest := fmt.Sprint(l.path, ".", l.kept)
		if !l.isRead(oldest) {
			break
		}
		if err := os.Remove(oldest); err != nil {
			l.t.Fatal(err)
		}
		l.kept--
	}
	for i := l.kept; i > 0; i-- {
		if err := os.Rename(fmt.Sprint(l.path, ".", i), fmt.Sprint(l.path, ".", i+1)); err != nil {
			l.t.Fatal(err)
		}
	}
	l.kept++
	l.shifted++
}

// rotate moves the file away, or copies and empties it.
func (l *logWriter) rotate() {
	l.finish()
	l.shift()
	if l.rng.IntN(2) == 0 {
		if err := os.Rename(l.path, l.path+".1"); err != nil {
			l.t.Fatal(err)
		}
		_ = l.f.Close()
		l.open()
		return
	}
	raw, err := os.ReadFile(l.path)
	if err == nil {
		err = os.WriteFile(l.path+".1", raw, 0o600)
	}
	if err == nil {
		err = os.Truncate(l.path, 0)
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

// Whatever happens to the files and to the process, the output is that of one
// reading over everything.
func TestWatchKilled(t *testing.T) {
	for _, how := range []string{"file", "file rotated", "folder rotated"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			watchKilled(t, how == "folder rotated", how != "file", 34)
		})
	}
}

func watchKilled(t *testing.T, folder, rotated bool, rounds int) {
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs")
	if err := os.Mkdir(logs, 0o700); err != nil {
		t.Fatal(err)
	}
	l := &logWriter{t: t, rng: rand.New(rand.NewPCG(6, uint64(rounds))), path: filepath.Join(logs, "app.log")}
	state := filepath.Join(dir, "state")
	l.state = state
	l.open()
	paths := l.path
	if folder {
		paths = logs
	}
	var said bytes.Buffer
	killed := 0
	for round := range rounds {
		c := exec.Command(os.Args[0], "-test.run=^TestWatchChild$")
		c.Env = append(os.Environ(), "NOROSHI_WATCH_CHILD="+dir, "NOROSHI_WATCH_PATHS="+paths, "GORACE=atexit_sleep_ms=0")
		c.Stdout, c.Stderr = &said, &said
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		// It is killed some time after it began to read.
		began, seen, until := stamped(state), false, time.Now().Add(time.Second)
		for time.Now().Before(until) {
			if now := stamped(state); !seen && began != now {
				seen, until = true, time.Now().Add(time.Duration(l.rng.IntN(50))*time.Millisecond)
			}
			l.write()
			// What was rotated away before the first look is nobody's business.
			if rotated && l.rng.IntN(6) == 0 && !stamped(state).IsZero() {
				l.rotate()
			}
			time.Sleep(time.Duration(1+l.rng.IntN(15)) * time.Millisecond)
		}
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait()
		killed++
		if round%3 == 0 { // what happens while nobody looks
			l.write()
			if rotated && l.rng.IntN(2) == 0 && !stamped(state).IsZero() {
				l.rotate()
				l.write()
			}
		}
	}
	l.finish()
	_ = l.f.Close()
	want := all(t, l.lines.String())
	got := finishWatch(t, dir, paths, len(want))
	wantEvents, wantTogether := apart(want)
	if len(wantEvents) < 300 {
		t.Fatalf("only %d events", len(wantEvents))
	}
	gotEvents, gotTogether := apart(got)
	if rotated { // several rotations at once may leave no trace of their order
		slices.Sort(wantEvents)
		slices.Sort(gotEvents)
	}
	if diff := cmp.Diff(wantEvents, gotEvents); diff != "" {
		t.Fatalf("%d killed, %d events, %d rotations: %s\n%s", killed, l.n, l.shifted, cut(diff, 3000), cut(said.String(), 2000))
	}
	if len(wantTogether) < 10 {
		t.Fatal("too little for the correlations")
	}
	t.Logf("%d killed, %d events, %d rotations, %d files left", killed, l.n, l.shifted, l.kept)
	if rotated {
		return
	}
	// Spans end with the input for the twin, for a watch they do not.
	if len(gotTogether) > len(wantTogether) || len(gotTogether) < len(wantTogether)-3 {
		t.Errorf("correlations: %d of %d", len(gotTogether), len(wantTogether))
	}
	if diff := cmp.Diff(wantTogether[:len(gotTogether)], gotTogether); diff != "" {
		t.Errorf("correlations: %s", cut(diff, 3000))
	}
}

// stamped returns when the position was kept.
func stamped(state string) time.Time {
	is, err := os.Stat(state)
	if err != nil {
		return time.Time{}
	}
	return is.ModTime()
}

// finishWatch lets a watch read the rest.
func finishWatch(t *testing.T, dir, paths string, size int) string {
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	w := testWatch(t, paths)
	w.State, w.Out = filepath.Join(dir, "state"), filepath.Join(dir, "out")
	var quiet time.Time
	var before uint64
	looks := 0 // that found nothing new: a busy machine may let much time pass without one
	w.Tick = func(s *Watched) {
		if s.Events != before || quiet.IsZero() {
			before, quiet, looks = s.Events, time.Now(), 0
		}
		if looks++; looks > 100 && time.Since(quiet) > 2*textQuiet { // the hits at the end wait for their order
			stop()
		}
	}
	if _, err := w.Run(ctx); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(w.Out)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// A reader that takes nothing holds the reading up and loses nothing; the end
// can be asked for all the same.
func TestWatchSlowReader(t *testing.T) {
	r, out := io.Pipe()
	w := testWatch(t, "-")
	in, feed := io.Pipe()
	w.Stdin, w.To = in, out
	var lines strings.Builder
	rng := rand.New(rand.NewPCG(3, 3))
	for n := range 30_000 {
		lines.WriteString(testLine(rng, n))
	}
	var fed sync.WaitGroup
	written := 0
	fed.Go(func() {
		for rest := lines.String(); len(rest) > 0; {
			n, err := feed.Write([]byte(rest[:min(len(rest), 64<<10)]))
			written += n
			if err != nil {
				return
			}
			rest = rest[n:]
		}
		_ = feed.Close()
	})
	var got bytes.Buffer
	var read sync.WaitGroup
	read.Go(func() {
		time.Sleep(50 * time.Millisecond)
		_, _ = io.Copy(&got, r)
	})
	if _, err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = out.Close()
	read.Wait()
	fed.Wait()
	// Correlations come when it is quiet, so that where they stand differs.
	wantEvents, wantTogether := apart(all(t, lines.String()))
	gotEvents, gotTogether := apart(got.String())
	if !slices.Equal(wantEvents, gotEvents) || !slices.Equal(wantTogether, gotTogether) {
		t.Errorf("%d and %d of %d and %d", len(gotEvents), len(gotTogether), len(wantEvents), len(wantTogether))
	}
}
