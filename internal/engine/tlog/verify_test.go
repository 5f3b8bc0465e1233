package tlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

func keys(k ...note.Verifier) []note.Verifier { return k }

func TestVerifyAcceptsEveryCleanLog(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	r := seeded(10)
	sizes := slices.Clone(edgeSizes)
	for range 60 {
		sizes = append(sizes, r.IntN(1500))
	}
	for _, size := range sizes {
		entries := makeEntries(r, size, 10)
		f, tree := makeLog(t, r, signer, entries)
		var checked atomic.Int64
		var replayed int
		var last uint64
		res, err := Verify(t.Context(), f.fs(), Options{
			Keys: keys(key),
			Check: func(index uint64, entry []byte) error {
				checked.Add(1)
				if !bytes.Equal(entry, entries[index]) {
					return fmt.Errorf("not what was appended")
				}
				return nil
			},
			Replay: func(index uint64, entry []byte) error {
				if index != uint64(replayed) || !bytes.Equal(entry, entries[index]) {
					return fmt.Errorf("out of order or not what was appended")
				}
				replayed++
				return nil
			},
			Progress: func(done, total uint64) {
				if done <= last || total != uint64(size) {
					t.Errorf("progress goes from %d to %d of %d", last, done, total)
				}
				last = done
			},
			Workers: 1 + r.IntN(4),
		})
		if err != nil {
			t.Fatalf("size %d: %v", size, err)
		}
		var content int
		for _, e := range entries {
			content += len(e)
		}
		if res.Signer != "ledger.example" || res.Checkpoint.Root != tree.Root() || !res.Listed || int(res.Entries) != size || int(res.Bytes) != content {
			t.Errorf("size %d: result %+v", size, res)
		}
		if int(checked.Load()) != size || replayed != size || int(last) != size {
			t.Errorf("size %d: checked %d, replayed %d, progress %d", size, checked.Load(), replayed, last)
		}
	}
}

func TestVerifyWithoutAKeyKnowsNoSigner(t *testing.T) {
	signer, _ := testKey(t, "ledger.example")
	f, _ := makeLog(t, seeded(11), signer, makeEntries(seeded(11), 300, 10))
	res, err := Verify(t.Context(), f.fs(), Options{})
	if err != nil || res.Signer != "" {
		t.Errorf("signer %q, error %v", res.Signer, err)
	}
}

func TestVerifyRefusesAnotherKeyOrLog(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	_, twin := testKey(t, "ledger.example") // same name, another key
	_, other := testKey(t, "other.example")
	f, _ := makeLog(t, seeded(12), signer, makeEntries(seeded(12), 300, 10))
	for _, k := range []note.Verifier{twin, other} {
		res, err := Verify(t.Context(), f.fs(), Options{Keys: keys(k)})
		wantOne(t, err, Unsigned, CheckpointPath, NoEntry)
		if res.Signer != "" || res.Entries != 300 {
			t.Errorf("result %+v", res)
		}
	}
	// One of several keys is enough: keys are rotated.
	if res, err := Verify(t.Context(), f.fs(), Options{Keys: keys(other, key)}); err != nil || res.Signer != "ledger.example" {
		t.Errorf("signer %q, error %v", res.Signer, err)
	}
	// A key vouches only for the log of its own name.
	rogue, rogueKey := testKey(t, "rogue.example")
	c, _ := OpenCheckpoint(f[CheckpointPath])
	f[CheckpointPath], _ = note.Sign(&note.Note{Text: c.Text()}, rogue)
	_, err := Verify(t.Context(), f.fs(), Options{Keys: keys(rogueKey)})
	wantOne(t, err, Unsigned, CheckpointPath, NoEntry)
}

// wantOne asserts that exactly one problem was found, and which.
func wantOne(t *testing.T, err error, code Code, path string, entry int64) {
	t.Helper()
	var ps Problems
	if !errors.As(err, &ps) || len(ps) != 1 || ps[0].Code != code || ps[0].Path != path || ps[0].Entry != entry {
		t.Errorf("want one problem %s at %s entry %d, got: %v", code, path, entry, err)
	}
}

func TestVerifyBlamesTheSmallestThing(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	r := seeded(13)
	entries := makeEntries(r, 66000, 8) // levels 0, 1 and 2
	for i := range entries {
		entries[i] = append(entries[i], byte(i), byte(i>>8), byte(i>>16))
	}
	clean, tree := makeLog(t, r, signer, entries)
	forged := func(change func([][]byte)) map[string][]byte {
		other := slices.Clone(entries)
		change(other)
		return twinFiles(other)
	}
	changed := forged(func(e [][]byte) { e[1000] = []byte("forged") })
	flip := func(path string, at int) func(folder) {
		return func(f folder) {
			f[path] = bytes.Clone(f[path])
			f[path][at] ^= 0x10
		}
	}
	for _, c := range []struct {
		name  string
		edit  func(folder)
		code  Code
		path  string
		entry int64
	}{
		{"entry in a full bundle", func(f folder) { f["tile/entries/003"] = changed["tile/entries/003"] }, Differs, "tile/entries/003", 1000},
		{"last entry", func(f folder) { flip("tile/entries/257.p/208", len(f["tile/entries/257.p/208"])-1)(f) }, Differs, "tile/entries/257.p/208", 65999},
		{"leaf in a full tile", flip("tile/0/003", 5), Differs, "tile/0/003", NoEntry},
		{"leaf in the partial tile", flip("tile/0/257.p/208", 6655), Differs, "tile/0/257.p/208", NoEntry},
		{"hash in a full tile of level 1", flip("tile/1/000", 99), Differs, "tile/1/000", NoEntry},
		{"hash in the partial tile of level 1", flip("tile/1/001.p/1", 0), Differs, "tile/1/001.p/1", NoEntry},
		{"hash of level 2", flip("tile/2/000.p/1", 31), Differs, "tile/2/000.p/1", NoEntry},
		{"entry and leaf together", func(f folder) {
			f["tile/entries/003"], f["tile/0/003"] = changed["tile/entries/003"], changed["tile/0/003"]
		}, Differs, "tile/0/003", NoEntry},
		{"entry, leaf and hash together", func(f folder) {
			f["tile/entries/003"], f["tile/0/003"], f["tile/1/000"] = changed["tile/entries/003"], changed["tile/0/003"], changed["tile/1/000"]
		}, Differs, "tile/1/000", NoEntry},
		{"everything but the checkpoint", func(f folder) {
			for path, data := range changed {
				f[path] = data
			}
		}, Differs, CheckpointPath, NoEntry},
		{"missing bundle", func(f folder) { delete(f, "tile/entries/100") }, Missing, "tile/entries/100", NoEntry},
		{"missing leaves", func(f folder) { delete(f, "tile/0/100") }, Missing, "tile/0/100", NoEntry},
		{"missing hashes of level 1", func(f folder) { delete(f, "tile/1/000") }, Missing, "tile/1/000", NoEntry},
		{"missing partial tile", func(f folder) { delete(f, "tile/0/257.p/208") }, Missing, "tile/0/257.p/208", NoEntry},
		{"short tile", func(f folder) { f["tile/0/100"] = f["tile/0/100"][:8160] }, Malformed, "tile/0/100", NoEntry},
		{"long tile", func(f folder) { f["tile/0/100"] = append(bytes.Clone(f["tile/0/100"]), 0) }, Malformed, "tile/0/100", NoEntry},
		{"short bundle", func(f folder) { f["tile/entries/100"] = f["tile/entries/100"][:50] }, Malformed, "tile/entries/100", NoEntry},
		{"long bundle", func(f folder) { f["tile/entries/100"] = append(bytes.Clone(f["tile/entries/100"]), 0) }, Malformed, "tile/entries/100", NoEntry},
		{"empty bundle", func(f folder) { f["tile/entries/100"] = nil }, Malformed, "tile/entries/100", NoEntry},
		{"file of nobody", func(f folder) { f["tile/0/notes.txt"] = nil }, Unexpected, "tile/0/notes.txt", NoEntry},
		{"file beside the tiles", func(f folder) { f["checkpoint.old"] = f[CheckpointPath] }, Unexpected, "checkpoint.old", NoEntry},
		{"superseded partial tile", func(f folder) { f["tile/0/100.p/9"] = f["tile/0/100"][:288] }, Stale, "tile/0/100.p/9", NoEntry},
		{"superseded partial bundle", func(f folder) { f["tile/entries/257.p/9"] = nil }, Stale, "tile/entries/257.p/9", NoEntry},
		{"wider partial tile", func(f folder) { f["tile/0/257.p/209"] = nil }, Beyond, "tile/0/257.p/209", NoEntry},
		{"tile beyond the last", func(f folder) { f["tile/0/258"] = nil }, Beyond, "tile/0/258", NoEntry},
		{"level too many", func(f folder) { f["tile/3/000.p/1"] = nil }, Beyond, "tile/3/000.p/1", NoEntry},
		{"missing checkpoint", func(f folder) { delete(f, CheckpointPath) }, Missing, CheckpointPath, NoEntry},
		{"empty checkpoint", func(f folder) { f[CheckpointPath] = nil }, Malformed, CheckpointPath, NoEntry},
		{"changed signature", func(f folder) {
			msg := bytes.Clone(f[CheckpointPath])
			at := len(msg) - 20
			msg[at] = map[bool]byte{true: 'B', false: 'A'}[msg[at] == 'A']
			f[CheckpointPath] = msg
		}, Unsigned, CheckpointPath, NoEntry},
	} {
		f := clean.clone()
		c.edit(f)
		_, err := Verify(t.Context(), f.fs(), Options{Keys: keys(key)})
		t.Run(c.name, func(t *testing.T) { wantOne(t, err, c.code, c.path, c.entry) })
	}
	// Two at once are two.
	f := clean.clone()
	flip("tile/0/003", 5)(f)
	f["tile/entries/100"] = f["tile/entries/101"]
	delete(f, "tile/1/000")
	_, err := Verify(t.Context(), f.fs(), Options{Keys: keys(key)})
	var ps Problems
	if !errors.As(err, &ps) || !named(ps, "tile/0/003") || !named(ps, "tile/entries/100") || !named(ps, "tile/1/000") {
		t.Errorf("three changes: %v", err)
	}
	if tree.Size() != 66000 {
		t.Errorf("size %d", tree.Size())
	}
}

func named(ps Problems, path string) bool {
	return slices.ContainsFunc(ps, func(p *Problem) bool { return p.Path == path })
}

func TestVerifyReportsWhatTheCallerRefuses(t *testing.T) {
	signer, _ := testKey(t, "ledger.example")
	f, _ := makeLog(t, seeded(14), signer, makeEntries(seeded(14), 700, 10))
	cause := errors.New("no grant")
	refuse := func(index uint64, _ []byte) error {
		if index == 300 {
			return cause
		}
		return nil
	}
	for _, o := range []Options{{Check: refuse}, {Replay: refuse}} {
		_, err := Verify(t.Context(), f.fs(), o)
		wantOne(t, err, Refused, "tile/entries/001", 300)
		if !errors.Is(err, cause) {
			t.Errorf("the cause is lost: %v", err)
		}
	}
	refuseAll := func(uint64, []byte) error { return cause }
	_, err := Verify(t.Context(), f.fs(), Options{Check: refuseAll})
	var ps Problems
	if !errors.As(err, &ps) || len(ps) != MaxProblems {
		t.Errorf("%d problems, want %d", len(ps), MaxProblems)
	}
	_, err = Verify(t.Context(), f.fs(), Options{MaxEntries: 699})
	wantOne(t, err, TooLarge, CheckpointPath, NoEntry)
}

func TestVerifyStopsWhenAsked(t *testing.T) {
	signer, _ := testKey(t, "ledger.example")
	f, _ := makeLog(t, seeded(15), signer, makeEntries(seeded(15), 5000, 10))
	ctx, cancel := context.WithCancel(t.Context())
	var after atomic.Bool
	_, err := Verify(ctx, f.fs(), Options{
		Progress: func(done, _ uint64) {
			if done > 1000 {
				cancel()
			}
		},
		Check: func(uint64, []byte) error {
			if after.Load() {
				t.Error("Check is called after Verify returned")
			}
			return nil
		},
	})
	after.Store(true)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestVerifyThroughFetch(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	f, tree := makeLog(t, seeded(16), signer, makeEntries(seeded(16), 3000, 10))
	var mu sync.Mutex
	asked := map[string]int{}
	get := Fetch(func(path string) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		asked[path]++
		data, ok := f[path]
		if !ok {
			return nil, &fs.PathError{Op: "get", Path: path, Err: fs.ErrNotExist}
		}
		return data, nil
	})
	res, err := Verify(t.Context(), get, Options{Keys: keys(key), Workers: 8})
	if err != nil || res.Listed || res.Checkpoint.Root != tree.Root() {
		t.Errorf("result %+v, error %v", res, err)
	}
	for path, n := range asked {
		if len(f[path]) > Limit(path) {
			t.Errorf("%s has %d bytes, above its limit", path, len(f[path]))
		}
		if n != 1 {
			t.Errorf("%s is fetched %d times", path, n)
		}
	}
	if len(asked) != len(f) {
		t.Errorf("%d files fetched of %d", len(asked), len(f))
	}
	// Too long an answer is refused without being kept.
	f["tile/0/003"] = make([]byte, 1<<20)
	_, err = Verify(t.Context(), get, Options{Keys: keys(key)})
	wantOne(t, err, Malformed, "tile/0/003", NoEntry)
	// An error that is no absence is not taken for one.
	down := errors.New("connection refused")
	_, err = Verify(t.Context(), Fetch(func(string) ([]byte, error) { return nil, down }), Options{})
	wantOne(t, err, Unreadable, CheckpointPath, NoEntry)
	if !errors.Is(err, down) {
		t.Errorf("the cause is lost: %v", err)
	}
	if _, err := get.Open("../secret"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a path outside: %v", err)
	}
}

func TestVerifySaysThatTheLogMovedOn(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	r := seeded(17)
	f, tree := makeLog(t, r, signer, makeEntries(r, 700, 10))
	next, b, _ := tree.Append(makeEntries(r, 10, 10))
	first := true
	get := Fetch(func(path string) ([]byte, error) {
		data, ok := f[path]
		if !ok {
			return nil, fs.ErrNotExist
		}
		if first && path == CheckpointPath {
			first = false
			f.publish(t, b, sign(t, signer, next)) // between the checkpoint and its tiles
		}
		return data, nil
	})
	if _, err := Verify(t.Context(), get, Options{Keys: keys(key), Workers: 1}); !errors.Is(err, ErrMoved) {
		t.Errorf("error %v", err)
	}
	if _, err := Verify(t.Context(), get, Options{Keys: keys(key), Workers: 1}); err != nil {
		t.Errorf("the second time: %v", err)
	}
}

func TestVerifyKeepsGoodWhileTheLogGrows(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	r := seeded(18)
	f, tree := makeLog(t, r, signer, makeEntries(r, 2000, 10))
	var mu sync.Mutex
	bundles := 0
	get := Fetch(func(path string) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		data, ok := f[path]
		if !ok {
			return nil, fs.ErrNotExist
		}
		if tile, err := ParseTile(path); err == nil && tile.Level == EntriesLevel && tile.Width == tileWidth {
			if bundles++; bundles == 3 {
				next, b, _ := tree.Append(makeEntries(r, 600, 10))
				f.publish(t, b, sign(t, signer, next))
			}
		}
		return data, nil
	})
	if _, err := Verify(t.Context(), get, Options{Keys: keys(key)}); err != nil {
		t.Errorf("superseded tiles were still needed: %v", err)
	}
}

func TestVerifyOnDisk(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	f, _ := makeLog(t, seeded(19), signer, makeEntries(seeded(19), 700, 10))
	dir := t.TempDir()
	for path, data := range f {
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "tile/0/000.p"), 0o755); err != nil { // what removing a partial tile leaves
		t.Fatal(err)
	}
	if _, err := Verify(t.Context(), os.DirFS(dir), Options{Keys: keys(key)}); err != nil {
		t.Fatal(err)
	}
	tile := filepath.Join(dir, "tile/0/001")
	if err := os.Rename(tile, filepath.Join(t.TempDir(), "001")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(tile, 0o755); err != nil { // a directory where a file belongs
		t.Fatal(err)
	}
	_, err := Verify(t.Context(), os.DirFS(dir), Options{Keys: keys(key)})
	wantOne(t, err, Unreadable, "tile/0/001", NoEntry)
	if err := os.Remove(tile); err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "001")
	if err := os.WriteFile(elsewhere, f["tile/0/001"], 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, tile); err != nil { // right today, anything tomorrow
		t.Skipf("no symbolic links here: %v", err)
	}
	_, err = Verify(t.Context(), os.DirFS(dir), Options{Keys: keys(key)})
	wantOne(t, err, Unexpected, "tile/0/001", NoEntry)
}

func TestACheckIsNotDodgedByFlappingLeaves(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	f, _ := makeLog(t, seeded(21), signer, makeEntries(seeded(21), 700, 10))
	var mu sync.Mutex
	asked := 0
	get := Fetch(func(path string) ([]byte, error) { // the first answer for some leaves is wrong, the second right
		mu.Lock()
		defer mu.Unlock()
		if path == "tile/0/001" {
			if asked++; asked == 1 {
				return f["tile/0/000"], nil
			}
		}
		return f[path], nil
	})
	var checked atomic.Int64
	_, err := Verify(t.Context(), get, Options{Keys: keys(key), Check: func(uint64, []byte) error { checked.Add(1); return nil }})
	if err != nil || checked.Load() != 700 || asked != 2 {
		t.Errorf("checked %d of 700 after asking %d times: %v", checked.Load(), asked, err)
	}
}

func TestWhatNobodyCanDecideIsStillFound(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	f, _ := makeLog(t, seeded(22), signer, makeEntries(seeded(22), 700, 10))
	edit := func(path string, at int) {
		f[path] = bytes.Clone(f[path])
		f[path][at] ^= 1
	}
	edit("tile/0/001", 64) // leaf 2 of the bundle
	edit("tile/1/000.p/2", 40)
	_, err := Verify(t.Context(), f.fs(), Options{Keys: keys(key)})
	var ps Problems
	if !errors.As(err, &ps) || !named(ps, "tile/0/001") || !named(ps, "tile/1/000.p/2") {
		t.Errorf("a tile and its parent: %v", err)
	}
	// Where nothing is left to compute with, the root is not blamed too.
	gone := f.clone()
	delete(gone, "tile/0/002.p/188")
	delete(gone, "tile/entries/002.p/188")
	_, err = Verify(t.Context(), gone.fs(), Options{Keys: keys(key)})
	if !errors.As(err, &ps) || !named(ps, "tile/0/002.p/188") || !named(ps, "tile/entries/002.p/188") || named(ps, CheckpointPath) {
		t.Errorf("a partial tile and its bundle are missing: %v", err)
	}
	delete(f, "tile/1/000.p/2")
	if _, err = Verify(t.Context(), f.fs(), Options{Keys: keys(key)}); !errors.As(err, &ps) || !named(ps, "tile/0/001") || !named(ps, "tile/1/000.p/2") {
		t.Errorf("a tile, and its parent is missing: %v", err)
	}
	edit("tile/0/002.p/188", 1)
	if _, err = Verify(t.Context(), f.fs(), Options{Keys: keys(key)}); !errors.As(err, &ps) || !named(ps, "tile/0/002.p/188") {
		t.Errorf("a partial tile, and another is missing: %v", err)
	}
}

func TestAShiftedBundleIsOneProblem(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	r := seeded(23)
	entries := makeEntries(r, 700, 10)
	f, _ := makeLog(t, r, signer, entries)
	f["tile/entries/001"] = twinFiles(entries[3:])["tile/entries/001"]
	_, err := Verify(t.Context(), f.fs(), Options{Keys: keys(key)})
	wantOne(t, err, Differs, "tile/entries/001", 256)
}

func TestProblemsReadAsLines(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	r := seeded(24)
	entries := makeEntries(r, 300, 10)
	f, _ := makeLog(t, r, signer, entries)
	entries[299] = []byte("forged")
	f["tile/entries/001.p/44"] = twinFiles(entries)["tile/entries/001.p/44"]
	f["notes"] = nil
	delete(f, "tile/0/000")
	_, err := Verify(t.Context(), f.fs(), Options{Keys: keys(key)})
	want := "notes: is no file of a log\n" +
		"tile/0/000: is missing: the checkpoint demands it\n" +
		"tile/entries/001.p/44: entry 299 does not hash to its leaf"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("what the file system said is lost")
	}
}

func TestFetchIsAFileSystem(t *testing.T) {
	get := Fetch(func(path string) ([]byte, error) { return []byte(path), nil })
	data, err := fs.ReadFile(get, "tile/0/000")
	if err != nil || string(data) != "tile/0/000" {
		t.Errorf("%q %v", data, err)
	}
	info, err := fs.Stat(get, "tile/0/000.p/7")
	if err != nil || info.Name() != "7" || info.Size() != 14 || info.IsDir() || !info.Mode().IsRegular() || !info.ModTime().IsZero() || info.Sys() != nil {
		t.Errorf("%+v %v", info, err)
	}
	for path, want := range map[string]int{"tile/0/000": 8192, "tile/5/000.p/7": 224, "tile/entries/000.p/1": 65537, "notes": 0} {
		if got := Limit(path); got != want {
			t.Errorf("limit of %s is %d, want %d", path, got, want)
		}
	}
	if Limit(CheckpointPath) <= 0 {
		t.Error("a checkpoint has no room")
	}
}

// unlisted is a folder whose tiles cannot be listed.
type unlisted struct{ fs.FS }

func (u unlisted) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == "tile" {
		return nil, fs.ErrPermission
	}
	return fs.ReadDir(u.FS, name)
}

func TestAFolderThatCannotBeListedIsNotVerified(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	f, tree := makeLog(t, seeded(25), signer, makeEntries(seeded(25), 300, 10))
	_, err := Verify(t.Context(), unlisted{f.fs()}, Options{Keys: keys(key)})
	wantOne(t, err, Unreadable, "tile", NoEntry)
	if _, err := Extra(unlisted{f.fs()}, tree.Size()); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("what could not be listed is not said: %v", err)
	}
}
