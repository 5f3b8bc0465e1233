package tlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"
)

// storedHashes is the log as golang.org/x/mod/sumdb/tlog keeps it: every node
// of the tree in one list. It makes proofs without a tile.
func storedHashes(t *testing.T, entries [][]byte) tlog.HashReaderFunc {
	t.Helper()
	var stored []Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]Hash, error) {
		out := make([]Hash, len(indexes))
		for i, at := range indexes {
			out[i] = stored[at]
		}
		return out, nil
	})
	for i, e := range entries {
		hashes, err := tlog.StoredHashes(int64(i), e, read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
	}
	return read
}

func TestProofsAreThoseOfSumdbAndVerify(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	r := seeded(30)
	for _, size := range []int{1, 2, 3, 255, 256, 257, 600, 70000} {
		entries := makeEntries(r, size, 3)
		f, tree := makeLog(t, r, signer, entries)
		oracle := storedHashes(t, entries)
		reader, err := NewReader(f.fs(), uint64(size))
		if err != nil {
			t.Fatal(err)
		}
		steady := tree.Reader(f.fs())
		for round := range 60 {
			index, older := r.IntN(size), 1+r.IntN(size)
			if round == 0 {
				index, older = size-1, size
			}
			want, err := tlog.ProveRecord(int64(size), int64(index), oracle)
			if err != nil {
				t.Fatal(err)
			}
			p, err := reader.Prove(uint64(index), f[CheckpointPath])
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(p.Hashes, want) {
				t.Fatalf("size %d: the proof of %d is not that of sumdb", size, index)
			}
			if again, err := steady.Prove(uint64(index), f[CheckpointPath]); err != nil || cmp.Diff(p, again) != "" {
				t.Fatalf("size %d: the tree's own reader proves something else: %v", size, err)
			}
			leaf := LeafHash(entries[index])
			if err := tlog.CheckRecord(p.Hashes, int64(size), tree.Root(), int64(index), leaf); err != nil {
				t.Fatalf("size %d: sumdb refuses the proof of %d: %v", size, index, err)
			}
			back, err := ParseProof(p.Text())
			if err != nil || cmp.Diff(p, back) != "" {
				t.Fatalf("size %d: %v %s", size, err, cmp.Diff(p, back))
			}
			if c, err := back.Verify(leaf, key); err != nil || c.Root != tree.Root() {
				t.Fatalf("size %d: %v", size, err)
			}
			if e, err := reader.Entry(uint64(index)); err != nil || !bytes.Equal(e, entries[index]) {
				t.Fatalf("size %d: entry %d is %x, %v", size, index, e, err)
			}
			cons, err := reader.Consistency(uint64(older), uint64(size))
			if err != nil {
				t.Fatal(err)
			}
			wantCons, err := tlog.ProveTree(int64(size), int64(older), oracle)
			if err != nil || !slices.Equal(cons, wantCons) {
				t.Fatalf("size %d: the proof from %d is not that of sumdb (%v)", size, older, err)
			}
			root, err := reader.Root(uint64(older))
			if err != nil {
				t.Fatal(err)
			}
			if size < 1000 && root != twinRoot(entries[:older]) {
				t.Fatalf("root at %d of %d is not the twin's", older, size)
			}
			was, is := Checkpoint{Origin: "o", Size: uint64(older), Root: root}, Checkpoint{Origin: "o", Size: uint64(size), Root: tree.Root()}
			if err := CheckConsistency(was, is, cons); err != nil {
				t.Fatalf("size %d from %d: %v", size, older, err)
			}
			if err := Consistent(f.fs(), was, is); err != nil {
				t.Fatalf("size %d from %d: %v", size, older, err)
			}
		}
	}
}

func TestWrongProofsAreRefused(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	_, other := testKey(t, "ledger.example")
	r := seeded(31)
	entries := makeEntries(r, 700, 10)
	f, _ := makeLog(t, r, signer, entries)
	reader, _ := NewReader(f.fs(), 700)
	good, err := reader.Prove(321, f[CheckpointPath])
	if err != nil {
		t.Fatal(err)
	}
	leaf := LeafHash(entries[321])
	edit := func(change func(*Proof)) Proof {
		p := good
		p.Hashes = slices.Clone(p.Hashes)
		change(&p)
		return p
	}
	for name, p := range map[string]Proof{
		"next index":       edit(func(p *Proof) { p.Index++ }),
		"index beyond":     edit(func(p *Proof) { p.Index = 700 }),
		"index far beyond": edit(func(p *Proof) { p.Index = 1<<64 - 1 }),
		"hash changed":     edit(func(p *Proof) { p.Hashes[3][0] ^= 1 }),
		"hash missing":     edit(func(p *Proof) { p.Hashes = p.Hashes[1:] }),
		"hash too many":    edit(func(p *Proof) { p.Hashes = append(p.Hashes, p.Hashes[0]) }),
		"hashes swapped":   edit(func(p *Proof) { p.Hashes[0], p.Hashes[1] = p.Hashes[1], p.Hashes[0] }),
		"no hashes":        edit(func(p *Proof) { p.Hashes = nil }),
		"other checkpoint": edit(func(p *Proof) { p.Checkpoint = strings.Replace(p.Checkpoint, "\n700\n", "\n701\n", 1) }),
		"no checkpoint":    edit(func(p *Proof) { p.Checkpoint = "" }),
	} {
		var bad *Problem
		if _, err := p.Verify(leaf, key); !errors.As(err, &bad) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := good.Verify(LeafHash([]byte("other")), key); err == nil {
		t.Error("another leaf is proven")
	}
	if _, err := good.Verify(leaf, other); err == nil {
		t.Error("another key vouches")
	}
	if _, err := good.Verify(leaf); err != nil {
		t.Errorf("without a key: %v", err)
	}
	if _, err := reader.Prove(700, f[CheckpointPath]); err == nil {
		t.Error("an entry beyond the last is proven")
	}
	if _, err := reader.Entry(700); err == nil {
		t.Error("an entry beyond the last is read")
	}
	if _, err := reader.Root(701); err == nil {
		t.Error("a root beyond the last is read")
	}
	if _, err := reader.Consistency(5, 701); err == nil {
		t.Error("consistency beyond the last is proven")
	}
	if _, err := NewReader(f.fs(), MaxSize+1); err == nil {
		t.Error("a size above MaxSize is accepted")
	}
}

func TestForksAreFound(t *testing.T) {
	signer, _ := testKey(t, "ledger.example")
	r := seeded(32)
	entries := makeEntries(r, 900, 10)
	f, tree := makeLog(t, r, signer, entries)
	at := func(size int, root Hash) Checkpoint {
		return Checkpoint{Origin: "ledger.example", Size: uint64(size), Root: root}
	}
	is := at(900, tree.Root())
	wrong := LeafHash([]byte("another history"))
	if err := Consistent(f.fs(), at(0, emptyRoot()), is); err != nil {
		t.Errorf("the empty log begins every log: %v", err)
	}
	for name, was := range map[string]Checkpoint{
		"other root":      at(400, wrong),
		"same size":       at(900, wrong),
		"larger":          at(901, wrong),
		"empty, not root": at(0, wrong),
		"other log":       {Origin: "other.example", Size: 400, Root: twinRoot(entries[:400])},
	} {
		var p *Problem
		if err := Consistent(f.fs(), was, is); !errors.As(err, &p) || p.Code != Forked {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Bad tiles are not taken for a fork.
	broken := f.clone()
	broken["tile/0/003.p/132"] = bytes.Clone(broken["tile/0/003.p/132"])
	broken["tile/0/003.p/132"][7] ^= 1
	var p *Problem
	if err := Consistent(broken.fs(), at(400, twinRoot(entries[:400])), is); !errors.As(err, &p) || p.Code != Differs {
		t.Errorf("a changed tile: %v", err)
	}
	delete(broken, "tile/0/003.p/132")
	if err := Consistent(broken.fs(), at(400, twinRoot(entries[:400])), is); !errors.As(err, &p) || p.Code != Missing {
		t.Errorf("a missing tile: %v", err)
	}
	if err := CheckConsistency(is, is, []Hash{wrong}); err == nil {
		t.Error("a proof where none is needed is accepted")
	}
}

func TestATreesReaderOutlivesItsTiles(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	r := seeded(33)
	entries := makeEntries(r, 700, 10)
	f, tree := makeLog(t, r, signer, entries)
	checkpoint := f[CheckpointPath]
	reader := tree.Reader(f.fs())
	next, b, _ := tree.Append(makeEntries(r, 500, 10))
	f.publish(t, b, sign(t, signer, next))
	p, err := reader.Prove(699, checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Verify(LeafHash(entries[699]), key); err != nil {
		t.Error(err)
	}
	if e, err := reader.Entry(650); err != nil || !bytes.Equal(e, entries[650]) {
		t.Errorf("entry 650: %v", err)
	}
}

func TestAnOlderCheckpointCanStillBeProvenAgainst(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	r := seeded(34)
	entries := makeEntries(r, 1500, 10)
	for range 20 {
		older := 1 + r.IntN(1499)
		f, tree := makeLog(t, r, signer, entries[:older])
		checkpoint := f[CheckpointPath]
		next, b, _ := tree.Append(entries[older:])
		f.publish(t, b, sign(t, signer, next))
		index := r.IntN(older)
		p, err := next.Reader(f.fs()).Prove(uint64(index), checkpoint)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := p.Verify(LeafHash(entries[index]), key); err != nil || c.Size != uint64(older) {
			t.Errorf("entry %d at size %d: %v", index, older, err)
		}
	}
}

func TestProofText(t *testing.T) {
	h := LeafHash([]byte("a"))
	p := Proof{Index: 73894, Hashes: []Hash{h, h}, Checkpoint: "o\n1\nx\n\n— o AAAA\n", Extra: []byte("why")}
	want := "c2sp.org/tlog-proof@v1\nextra d2h5\nindex 73894\n" + h.String() + "\n" + h.String() + "\n\n" + p.Checkpoint
	if got := string(p.Text()); got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	if got, err := ParseProof([]byte(want)); err != nil || cmp.Diff(p, got) != "" {
		t.Errorf("%v %s", err, cmp.Diff(p, got))
	}
	var back Proof
	data, err := json.Marshal(p)
	if err != nil || json.Unmarshal(data, &back) != nil || cmp.Diff(p, back) != "" {
		t.Errorf("%s: %v %s", data, err, cmp.Diff(p, back))
	}
	for _, c := range []struct{ text, says string }{
		{"", "line 1"},
		{"c2sp.org/tlog-proof@v2\nindex 0\n\nx", "line 1"},
		{"c2sp.org/tlog-proof@v1\nindex 0\n", "empty line"},
		{"c2sp.org/tlog-proof@v1\n\nx", "no index"},
		{"c2sp.org/tlog-proof@v1\nextra d2h5\n\nx", "no index"},
		{"c2sp.org/tlog-proof@v1\nextra \nindex 0\n\nx", "line 2"},
		{"c2sp.org/tlog-proof@v1\nextra d2h\nindex 0\n\nx", "line 2"},
		{"c2sp.org/tlog-proof@v1\nindex 0\nextra d2h5\n\nx", "line 3"},
		{"c2sp.org/tlog-proof@v1\nindex 00\n\nx", "line 2"},
		{"c2sp.org/tlog-proof@v1\nindex -1\n\nx", "line 2"},
		{"c2sp.org/tlog-proof@v1\nindex 18446744073709551616\n\nx", "line 2"},
		{"c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx", "line 3"},
		{"c2sp.org/tlog-proof@v1\nindex 0\n" + strings.Repeat(h.String()+"\n", maxHashes+1) + "\nx", "more than"},
		{strings.Repeat("x", maxProof+1), "bytes"},
	} {
		if got, err := ParseProof([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.60q: %+v, %v; want an error about %s", c.text, got, err, c.says)
		}
	}
}
