package hunt

import (
	"archive/zip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/evtx"
	"noroshi/internal/testkit"
)

// FuzzWatchState: whatever stands in the file of a position, reading it ends,
// and what is taken can be written again and gone on with.
func FuzzWatchState(f *testing.F) {
	f.Add([]byte(`{"version":1,"saved_at":"2026-11-02T03:00:00Z","rules_sha256":"","files":[{"path":"a","name":"a","id":{"dev":1,"ino":2},"kind":"jsonl","offset":5,"record":1,"print_sha256":"","size":5,"modified":"2026-11-02T03:00:00Z"}],"hits":{"n":0,"newest":0,"done":0}}`))
	f.Add([]byte(`{"version":1,"files":null,"out":{"file":"/x","length":-1,"print_sha256":""},"hits":{}}`))
	f.Add([]byte(`{"version":1,"files":[{"path":"a","name":"a","kind":"csv","offset":1,"head":"YSxi"}],"waiting":[{"time":1,"n":1,"hit":"AAEB"}],"correlations":{"now":1}}{}`))
	set := watchSet(f, watchRules)
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := readState(raw)
		if err != nil {
			return
		}
		again, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readState(again); err != nil {
			t.Fatalf("%s is not taken: %v", again, err)
		}
		w := testWatch(t, filepath.Join(t.TempDir(), "absent"))
		w.Rules, s.Rules, s.Out, s.Files = set, set.Sum(), nil, nil
		w.State = filepath.Join(t.TempDir(), "state")
		if raw, err = json.Marshal(s); err == nil {
			err = os.WriteFile(w.State, raw, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if g, err := w.begin(); err == nil {
			_ = g.hits.end()
			g.close()
		}
	})
}

// What is not as it was left is refused, and stays as it is.
func TestWatchRefuses(t *testing.T) {
	dir := t.TempDir()
	w := testWatch(t, filepath.Join(dir, "app.log"))
	w.State, w.Out = filepath.Join(dir, "state"), filepath.Join(dir, "out")
	g, err := w.begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.begin(); err == nil || !strings.Contains(err.Error(), "state_taken") {
		t.Errorf("two watches with one position: %v", err)
	}
	g.close()
	if is, err := os.Stat(w.State); err != nil || is.Mode().Perm() != 0o600 {
		t.Errorf("the position: %v, %v", is.Mode(), err)
	}
	for _, bad := range []string{"", "{}", `{"version":2}`, `{"version":1,"more":1}`, `{"version":1}x`} {
		if _, err := readState([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// Files that are moved while a watch looks for those that it knew are not taken
// for one another: else one of them has nobody, and is read again from its start.
func TestWatchShifted(t *testing.T) {
	dir := t.TempDir()
	l := &logWriter{t: t, rng: rand.New(rand.NewPCG(8, 8)), path: filepath.Join(dir, "app.log")}
	for range 6 {
		l.shift()
		l.open()
		l.write()
		l.finish()
		if err := errors.Join(l.f.Close(), os.Rename(l.path, l.path+".1")); err != nil {
			t.Fatal(err)
		}
	}
	w := testWatch(t, dir)
	w.State, w.To = filepath.Join(t.TempDir(), "state"), io.Discard
	g, err := w.begin()
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	for deadline := time.Now().Add(time.Minute); g.told.Events < uint64(l.n) && time.Now().Before(deadline); {
		if _, err := g.round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.save(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(w.State)
	if err != nil {
		t.Fatal(err)
	}
	s, err := readState(raw)
	if err != nil || len(s.Files) != 6 {
		t.Fatal(len(s.Files), err)
	}
	var missing []*fileState
	for i := range s.Files {
		missing = append(missing, &s.Files[i])
	}
	before := g.list()
	for _, tail := range g.tails {
		tail.close()
	}
	g.tails = nil
	l.shift()
	missing = g.againAll(missing, before) // a look that is over
	if missing = g.againAll(missing, g.list()); len(missing) > 0 || len(g.tails) != 6 {
		t.Errorf("%d files found again, %d not", len(g.tails), len(missing))
	}
	for _, tail := range g.tails {
		is, err := tail.f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if id, _ := idOf(is, tail.path); id != tail.id || is.Size() != tail.at.Offset {
			t.Errorf("%s is another file", tail.path)
		}
	}
}

// A log of Windows that grows chunk by chunk, and within its newest chunk, gives
// each record once.
func TestWatchEVTX(t *testing.T) {
	whole := evtxSample(t)
	dir := t.TempDir()
	name := filepath.Join(dir, "Security.evtx")
	var want int
	d := evtx.NewDecoder(evtx.Options{})
	chunks := (len(whole) - 4096) / evtx.ChunkSize
	want = countRecords(t, d, whole)
	var got uint64
	for n := 1; n <= chunks; n++ {
		if err := os.WriteFile(name, whole[:4096+n*evtx.ChunkSize], 0o600); err != nil {
			t.Fatal(err)
		}
		w := testWatch(t, name)
		w.State, w.Out = filepath.Join(dir, "state"), filepath.Join(dir, "out")
		g, err := w.begin()
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // a second look finds nothing new
			if _, err := g.round(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		got += g.told.Events
		if err := g.save(); err != nil {
			t.Fatal(err)
		}
		g.close()
	}
	if got != uint64(want) || want < 100 {
		t.Errorf("%d of %d records", got, want)
	}
}

// A time that is still to come makes nothing that follows late.
func TestWatchClockJumps(t *testing.T) {
	w := testWatch(t, "-")
	now := time.Date(2026, 11, 2, 4, 0, 0, 0, time.UTC)
	w.Now = func() time.Time { return now }
	lines := `{"id":1,"hit":1,"who":"a","time":"2099-01-01T00:00:00Z"}` + "\n"
	for _, s := range []string{"01", "02", "03", "04"} {
		lines += `{"id":2,"hit":1,"who":"u","time":"2026-11-02T04:00:` + s + `Z"}` + "\n"
	}
	var out strings.Builder
	w.Stdin, w.To = strings.NewReader(lines), &out
	did, err := w.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if did.Future != 1 || did.Late != 0 || !strings.Contains(out.String(), "Many") {
		t.Errorf("%+v: %s", did, out.String())
	}
}

// evtxSample returns the file of Windows that is given as sample with several
// chunks.
func evtxSample(t *testing.T) []byte {
	t.Helper()
	z, err := zip.OpenReader("../../../shared/data/copyleft/evtx/evtx-attack-samples-dev.zip")
	if err != nil {
		testkit.Skip(t, "no samples of logs of Windows")
		return nil
	}
	defer z.Close()
	for _, m := range z.File {
		if size := m.UncompressedSize64; !strings.HasSuffix(m.Name, ".evtx") || size < 4096+3*evtx.ChunkSize || size > 4<<20 {
			continue
		}
		r, err := m.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		last, at := uint64(0), 4096 // of the chunks in front that are whole and follow one another
		for ; at+evtx.ChunkSize <= len(raw); at += evtx.ChunkSize {
			first := binary.LittleEndian.Uint64(raw[at+24:])
			if !isWhole(raw[at:at+evtx.ChunkSize]) || first <= last {
				break
			}
			last = binary.LittleEndian.Uint64(raw[at+32:])
		}
		if at >= 4096+3*evtx.ChunkSize {
			return raw[:at]
		}
	}
	testkit.Skip(t, "no log of Windows with several whole chunks")
	return nil
}

func countRecords(t *testing.T, d *evtx.Decoder, file []byte) (n int) {
	t.Helper()
	var row event.Row
	for at := 4096; at+evtx.ChunkSize <= len(file); at += evtx.ChunkSize {
		if _, err := d.Chunk(&row, file[at:at+evtx.ChunkSize], int64(at), func(*event.Row) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	return n
}
