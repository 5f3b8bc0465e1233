package oversight

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/engine/tlog"
	"noroshi/internal/testkit"
)

// logFolder is a log of its own, with its keys.
type logFolder struct {
	dir      string
	tree     tlog.Tree
	signer   note.Signer
	verifier note.Verifier
	vkey     string
}

func newFolder(t testing.TB, dir, origin string) *logFolder {
	t.Helper()
	f := &logFolder{dir: dir}
	f.signer, f.verifier, f.vkey = testkit.Key(t, origin)
	return f
}

// add appends entries and signs.
func (f *logFolder) add(t testing.TB, leaves ...[]byte) {
	t.Helper()
	tree, batch, err := f.tree.Append(leaves)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range batch.Files {
		path := filepath.Join(f.dir, filepath.FromSlash(x.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, x.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range batch.Superseded {
		path := filepath.Join(f.dir, filepath.FromSlash(name))
		_ = os.Remove(path)
		_ = os.Remove(filepath.Dir(path)) // fails, rightly, while others are there
	}
	f.tree = tree
	signed, err := tlog.SignCheckpoint(tlog.Checkpoint{Origin: f.signer.Name(), Size: tree.Size(), Root: tree.Root()}, f.signer)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.dir, tlog.CheckpointPath), signed, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestAReplayOfAChangedLogSaysSo changes, drops and adds files.
func TestAReplayOfAChangedLogSaysSo(t *testing.T) {
	f := newFolder(t, t.TempDir(), "log.example/test")
	f.add(t, lawful(1, 30)...)
	replay := func() Result {
		t.Helper()
		res, err := ReplayLog(context.Background(), os.DirFS(f.dir), Options{Keys: []note.Verifier{f.verifier}, Kinds: numbers(t)})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	if res := replay(); !res.Clean() || res.Entries != f.tree.Size() || res.Signer != "log.example/test" {
		t.Fatalf("a good log: %+v", res)
	}
	bundle := filepath.Join(f.dir, "tile", "entries", "000")
	raw, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(bundle, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	if res := replay(); len(res.Alarms) == 0 {
		t.Errorf("a changed bit: %+v", res)
	}
	if err := os.Remove(bundle); err != nil {
		t.Fatal(err)
	}
	if res := replay(); len(res.Gaps) == 0 {
		t.Errorf("a bundle that is missing: %+v", res)
	}
}

// BenchmarkReplayLog verifies and replays a folder; processor time says more
// than the clock where machines are shared.
func BenchmarkReplayLog(b *testing.B) {
	f := newFolder(b, b.TempDir(), "log.example/bench")
	for seed := uint64(0); f.tree.Size() < 200_000; seed++ {
		f.add(b, lawful(seed, 400)...)
	}
	kinds, used, n := numbers(b), processor(b), uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		res, err := ReplayLog(context.Background(), os.DirFS(f.dir), Options{Keys: []note.Verifier{f.verifier}, Kinds: kinds})
		if err != nil || len(res.Gaps)+len(res.Alarms) > 0 {
			b.Fatal(err, res.Alarms)
		}
		n += res.Entries
	}
	used = processor(b) - used
	b.ReportMetric(float64(n)/used, "entries/cpu-s")
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(u.Maxrss)/1024, "MiB-peak")
}

// processor is how many seconds of processor time this program took.
func processor(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
