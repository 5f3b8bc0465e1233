package tlog

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// edgeSizes are the sizes at which something about the files changes.
var edgeSizes = []int{0, 1, 2, 255, 256, 257, 511, 512, 513, 65535, 65536, 65537}

func TestFilesAndRootAreThoseOfTheTwin(t *testing.T) {
	signer, _ := testKey(t, "ledger.example")
	sizes := slices.Clone(edgeSizes)
	r := seeded(1)
	for range 40 {
		sizes = append(sizes, r.IntN(2000))
	}
	for _, size := range sizes {
		entries := makeEntries(r, size, 12)
		f, tree := makeLog(t, r, signer, entries)
		if got, want := tree.Root(), twinRoot(entries); got != want {
			t.Errorf("size %d: root %v, the twin says %v", size, got, want)
		}
		delete(f, CheckpointPath)
		want := twinFiles(entries)
		if len(f) != len(want) {
			t.Errorf("size %d: files %v, the twin has %v", size, slices.Sorted(maps.Keys(f)), slices.Sorted(maps.Keys(want)))
		}
		for path, data := range want {
			if !bytes.Equal(f[path], data) {
				t.Errorf("size %d: %s differs from the twin's", size, path)
			}
		}
	}
}

func TestAppendLeavesTheOldTreeAsItWas(t *testing.T) {
	r := seeded(2)
	for range 50 {
		entries := makeEntries(r, 1+r.IntN(700), 6)
		cut := r.IntN(len(entries))
		before, _, err := Tree{}.Append(entries[:cut])
		if err != nil {
			t.Fatal(err)
		}
		one, b1, _ := before.Append(entries[cut:])
		other, _, _ := before.Append(makeEntries(r, 300, 6))
		again, b2, _ := before.Append(entries[cut:])
		if one.Root() != again.Root() || one.Root() == other.Root() || before.Root() != twinRoot(entries[:cut]) {
			t.Fatalf("cut %d: an append changed the tree it started from", cut)
		}
		if d := cmp.Diff(b1, b2); d != "" {
			t.Fatalf("cut %d: the second try writes other files: %s", cut, d)
		}
	}
}

func TestAppendRefusesWhatALogCannotHold(t *testing.T) {
	_, _, err := Tree{}.Append([][]byte{nil, make([]byte, MaxEntry), make([]byte, MaxEntry+1)})
	if err == nil || !strings.Contains(err.Error(), "entry 2 ") {
		t.Errorf("an entry that is too long: %v", err)
	}
	tree, b, err := Tree{}.Append([][]byte{make([]byte, MaxEntry)})
	if err != nil || tree.Size() != 1 || len(b.Files) != 2 {
		t.Errorf("the longest entry: %v", err)
	}
	if _, _, err := (Tree{size: MaxSize}).Append([][]byte{nil}); err == nil {
		t.Error("a log can grow past MaxSize")
	}
	if tree, b, err := (Tree{size: MaxSize}).Append(nil); err != nil || tree.Size() != MaxSize || len(b.Files) > 0 {
		t.Error("appending nothing changes something")
	}
}

func TestRestoreGoesOnWhereTheLogStopped(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	r := seeded(3)
	for _, size := range append([]int{300, 700, 65536 + 256, 66000}, edgeSizes...) {
		all := makeEntries(r, size+1+r.IntN(600), 4)
		f, tree := makeLog(t, r, signer, all[:size])
		back, err := Restore(f.fs(), tree.Size(), tree.Root())
		if err != nil {
			t.Fatalf("size %d: %v", size, err)
		}
		next, b, err := back.Append(all[size:])
		if err != nil {
			t.Fatal(err)
		}
		f.publish(t, b, sign(t, signer, next))
		if next.Root() != twinRoot(all) {
			t.Errorf("size %d: the log forked after a restart", size)
		}
		if _, err := Verify(t.Context(), f.fs(), Options{Keys: keys(key)}); err != nil {
			t.Errorf("size %d: %v", size, err)
		}
	}
}

func TestRestoreRefusesAFolderThatIsNotTheCheckpoints(t *testing.T) {
	signer, _ := testKey(t, "ledger.example")
	f, tree := makeLog(t, seeded(4), signer, makeEntries(seeded(4), 600, 30))
	for _, path := range []string{"tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/002.p/88"} {
		var p *Problem
		broken := f.clone()
		delete(broken, path)
		if _, err := Restore(broken.fs(), tree.Size(), tree.Root()); !errors.As(err, &p) || p.Code != Missing || p.Path != path {
			t.Errorf("without %s: %v", path, err)
		}
		broken[path] = bytes.Clone(f[path])
		broken[path][len(broken[path])-1] ^= 1
		if _, err := Restore(broken.fs(), tree.Size(), tree.Root()); !errors.As(err, &p) || p.Code != Differs {
			t.Errorf("with a bit of %s flipped: %v", path, err)
		}
	}
	if _, err := Restore(f.fs(), MaxSize+1, tree.Root()); err == nil {
		t.Error("a size above MaxSize is accepted")
	}
}

func TestExtraListsWhatACrashLeftBehind(t *testing.T) {
	signer, _ := testKey(t, "ledger.example")
	r := seeded(5)
	f, tree := makeLog(t, r, signer, makeEntries(r, 500, 10))
	clean, err := Extra(f.fs(), tree.Size())
	if err != nil || len(clean) > 0 {
		t.Fatalf("a clean folder: %v %v", clean, err)
	}
	_, b, _ := tree.Append(makeEntries(r, 300, 10))
	var want []string
	for _, file := range b.Files { // the process dies before the checkpoint
		f[file.Path] = file.Data
		want = append(want, file.Path)
	}
	f["tile/0/.tmp-1"] = []byte("half")
	want = append(want, "tile/0/.tmp-1")
	got, err := Extra(f.fs(), tree.Size())
	slices.Sort(want)
	slices.Sort(got)
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v %s", err, d)
	}
}

func TestTilePaths(t *testing.T) {
	for _, c := range []struct {
		tile Tile
		path string
	}{
		{Tile{0, 0, 256}, "tile/0/000"},
		{Tile{0, 0, 1}, "tile/0/000.p/1"},
		{Tile{1, 999, 256}, "tile/1/999"},
		{Tile{2, 1000, 255}, "tile/2/x001/000.p/255"},
		{Tile{0, 1234067, 256}, "tile/0/x001/x234/067"}, // the example of c2sp.org/tlog-tiles
		{Tile{63, 5, 7}, "tile/63/005.p/7"},
		{Tile{EntriesLevel, 1234067, 9}, "tile/entries/x001/x234/067.p/9"},
	} {
		if got := c.tile.Path(); got != c.path {
			t.Errorf("%+v is at %s, want %s", c.tile, got, c.path)
		}
		if got, err := ParseTile(c.path); err != nil || got != c.tile {
			t.Errorf("%s is %+v (%v), want %+v", c.path, got, err, c.tile)
		}
	}
	for _, path := range []string{
		"", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/00/000", "tile/64/000",
		"tile/-1/000", "tile/+1/000", "tile/entry/000", "tile/0/x000/000", "tile/0/001/000", "tile/0/x001", "tile/0/000.p",
		"tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/1/", "tile/0/000/", "/tile/0/000",
		"tile/0/../0/000", "tile//000", "tile/0/x001/x", "tile/0/000.P/1", "tile/0/" + strings.Repeat("x001/", 30) + "001",
	} {
		if got, err := ParseTile(path); err == nil {
			t.Errorf("%q is accepted as %+v", path, got)
		}
	}
}

func TestALevelHasTheTilesOfTheSpecification(t *testing.T) {
	// A tree of 70,000: the example of c2sp.org/tlog-tiles, "Partial Tiles".
	for _, c := range []struct{ level, full, partial int }{{0, 273, 112}, {1, 1, 17}, {2, 0, 1}, {3, 0, 0}} {
		if got := int(hashesAt(70000, c.level) / 256); got != c.full {
			t.Errorf("level %d: %d full tiles, want %d", c.level, got, c.full)
		}
		if got := tileAt(70000, c.level, uint64(c.full)).Width; got != c.partial {
			t.Errorf("level %d: partial tile of %d, want %d", c.level, got, c.partial)
		}
	}
}

// TestACrashAtEveryStepLosesNothing stops a publication after each of its
// steps, as a kill would, and starts the log again from the folder.
func TestACrashAtEveryStepLosesNothing(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	r := seeded(6)
	for range 30 {
		all := makeEntries(r, 2+r.IntN(1200), 10)
		cut := r.IntN(len(all))
		before, tree := makeLog(t, r, signer, all[:cut])
		next, b, err := tree.Append(all[cut:])
		if err != nil {
			t.Fatal(err)
		}
		steps := len(b.Files) + 1 + len(b.Superseded)
		for done := range steps + 1 {
			f := before.clone()
			for i := range done {
				switch {
				case i < len(b.Files):
					f[b.Files[i].Path] = b.Files[i].Data
				case i == len(b.Files):
					f[CheckpointPath] = sign(t, signer, next)
				default:
					delete(f, b.Superseded[i-len(b.Files)-1])
				}
			}
			c, err := OpenCheckpoint(f[CheckpointPath], key)
			if err != nil {
				t.Fatal(err)
			}
			if acknowledged := done > len(b.Files); acknowledged != (c.Size == next.Size()) {
				t.Fatalf("step %d of %d: the checkpoint has %d entries", done, steps, c.Size)
			}
			extra, err := Extra(f.fs(), c.Size)
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range extra {
				delete(f, path)
			}
			if _, err := Verify(t.Context(), f.fs(), Options{Keys: keys(key)}); err != nil {
				t.Fatalf("step %d of %d: %v", done, steps, err)
			}
			back, err := Restore(f.fs(), c.Size, c.Root)
			if err != nil {
				t.Fatalf("step %d of %d: %v", done, steps, err)
			}
			again, b2, err := back.Append(all[c.Size:])
			if err != nil || again.Root() != twinRoot(all) {
				t.Fatalf("step %d of %d: the log forked: %v", done, steps, err)
			}
			f.publish(t, b2, sign(t, signer, again))
			if _, err := Verify(t.Context(), f.fs(), Options{Keys: keys(key)}); err != nil {
				t.Fatalf("step %d of %d, and on: %v", done, steps, err)
			}
		}
	}
}
