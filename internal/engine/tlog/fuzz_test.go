package tlog

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func FuzzCheckpoint(f *testing.F) {
	signer, key := testKey(f, "ledger.example")
	f.Add(sign(f, signer, Tree{}))
	f.Add([]byte("o\n1\n" + rootA + "\nextension\n\n— o AAAAAAAA\n"))
	f.Add([]byte("o\n18446744073709551615\n" + rootA + "\n\n— o AAAAAAAA\n"))
	f.Add([]byte("\n\n\n"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		if c, err := ParseCheckpoint(string(msg)); err == nil && c.Text() != string(msg) {
			t.Errorf("%q comes back as %q", msg, c.Text())
		}
		c, err := OpenCheckpoint(msg)
		if err != nil {
			return
		}
		if !bytes.HasPrefix(msg, []byte(c.Text()+"\n")) {
			t.Errorf("%q was read as %+v", msg, c)
		}
		if _, err := OpenCheckpoint(msg, key); err == nil && c.Origin != key.Name() {
			t.Errorf("the key of %s vouches for %s", key.Name(), c.Origin)
		}
	})
}

func FuzzBundle(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 7}, 2)
	f.Add([]byte{0, 3, 1, 2, 3}, 1)
	f.Add([]byte{0xff, 0xff, 0}, 1)
	f.Add([]byte{}, 256)
	f.Fuzz(func(t *testing.T, data []byte, width int) {
		if width < 1 || width > tileWidth {
			return
		}
		entries, err := ParseBundle(data, width)
		leaves := make([]Hash, width)
		var ends [tileWidth]int
		if err2 := hashBundle(bytes.Clone(data), leaves, &ends); (err == nil) != (err2 == nil) {
			t.Fatalf("parsing says %v, hashing %v", err, err2)
		}
		if err != nil {
			return
		}
		var back []byte
		for i, e := range entries {
			back = appendEntry(back, e)
			if leaves[i] != LeafHash(e) {
				t.Errorf("leaf %d differs", i)
			}
		}
		if len(entries) != width || !bytes.Equal(back, data) {
			t.Errorf("%x comes back as %x", data, back)
		}
	})
}

func FuzzProof(f *testing.F) {
	signer, key := testKey(f, "ledger.example")
	entries := makeEntries(seeded(40), 9, 5)
	folder, tree := makeLog(f, seeded(40), signer, entries)
	good, err := tree.Reader(folder.fs()).Prove(3, folder[CheckpointPath])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good.Text())
	f.Add([]byte("c2sp.org/tlog-proof@v1\nextra d2h5\nindex 0\n\nx"))
	f.Add([]byte("c2sp.org/tlog-proof@v1\nindex 18446744073709551615\n" + rootA + "\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParseProof(data)
		if err != nil {
			return
		}
		back, err := ParseProof(p.Text())
		if !bytes.Equal(p.Text(), data) || err != nil || cmp.Diff(p, back) != "" {
			t.Errorf("%q comes back as %q (%v)", data, p.Text(), err)
		}
		for i, e := range entries {
			if _, err := p.Verify(LeafHash(e), key); err == nil && p.Index != uint64(i) {
				t.Errorf("entry %d is proven at %d", i, p.Index)
			}
		}
	})
}

func FuzzTilePath(f *testing.F) {
	for _, path := range []string{"tile/0/000", "tile/entries/x001/x234/067.p/9", "tile/63/x999/x999/x999/x999/x999/999", "tile/0/000.p/256", "checkpoint", "tile/0/../0/000"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		tile, err := ParseTile(path)
		if err != nil {
			return
		}
		if tile.Path() != path || tile.Width < 1 || tile.Width > tileWidth || tile.Level < EntriesLevel || tile.Level > maxLevel {
			t.Errorf("%q was read as %+v, which is at %s", path, tile, tile.Path())
		}
		if Limit(path) <= 0 {
			t.Errorf("%q has no limit", path)
		}
	})
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte("# key\n" + testlogKey + "\n"))
	f.Add([]byte("a+00000000+AAAA"))
	f.Add([]byte("PRIVATE+KEY+a+b"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if keys, err := ParseKeys(text); (err == nil) == (len(keys) == 0) {
			t.Errorf("%d keys and error %v", len(keys), err)
		}
	})
}
