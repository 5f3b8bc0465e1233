package tlog

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	mrand "math/rand/v2"
	"slices"
	"testing"
	"testing/fstest"

	"golang.org/x/mod/sumdb/note"
)

// twinRoot is the Merkle tree hash as RFC 6962 section 2.1 writes it down.
func twinRoot(entries [][]byte) Hash {
	switch n := len(entries); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, entries[0]...))
	default:
		k := 1
		for 2*k < n {
			k *= 2
		}
		left, right := twinRoot(entries[:k]), twinRoot(entries[k:])
		return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
	}
}

// twinFiles makes every file of a log from its definition in
// c2sp.org/tlog-tiles, without knowing how it grew.
func twinFiles(entries [][]byte) map[string][]byte {
	files := map[string][]byte{}
	put := func(level string, index, width int, data []byte) {
		name := fmt.Sprintf("%03d", index%1000)
		for rest := index / 1000; rest > 0; rest /= 1000 {
			name = fmt.Sprintf("x%03d/%s", rest%1000, name)
		}
		if width < 256 {
			name += fmt.Sprintf(".p/%d", width)
		}
		files["tile/"+level+"/"+name] = data
	}
	for i, bundle := 0, entries; len(bundle) > 0; i++ {
		w := min(256, len(bundle))
		var data []byte
		for _, e := range bundle[:w] {
			data = binary.BigEndian.AppendUint16(data, uint16(len(e)))
			data = append(data, e...)
		}
		put("entries", i, w, data)
		bundle = bundle[w:]
	}
	for level, span := 0, 1; len(entries)/span > 0; level, span = level+1, span*256 {
		n := len(entries) / span
		for i := 0; i*256 < n; i++ {
			w := min(256, n-i*256)
			var data []byte
			for k := i * 256; k < i*256+w; k++ {
				h := twinRoot(entries[k*span : (k+1)*span])
				data = append(data, h[:]...)
			}
			put(fmt.Sprint(level), i, w, data)
		}
	}
	return files
}

// seeded returns a source of numbers that is the same in every run.
func seeded(seed uint64) *mrand.Rand { return mrand.New(mrand.NewPCG(seed, 0x6e6f726f736869)) }

// makeEntries returns n entries of 0 to about twice mean bytes.
func makeEntries(r *mrand.Rand, n, mean int) [][]byte {
	entries := make([][]byte, n)
	for i := range entries {
		e := make([]byte, r.IntN(2*mean+1))
		for k := range e {
			e[k] = byte(r.Uint32())
		}
		if len(e) >= 8 { // so that no two long entries are equal
			binary.BigEndian.PutUint64(e, uint64(i))
		}
		entries[i] = e
	}
	return entries
}

// testKey returns a fresh key of a log.
func testKey(t testing.TB, name string) (note.Signer, note.Verifier) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return s, v
}

// folder is a log's folder in memory.
type folder map[string][]byte

func (f folder) fs() fstest.MapFS {
	m := fstest.MapFS{}
	for path, data := range f {
		m[path] = &fstest.MapFile{Data: data}
	}
	return m
}

// publish does what the owner of a folder does with a batch.
func (f folder) publish(t testing.TB, b Batch, checkpoint []byte) {
	t.Helper()
	for _, file := range b.Files {
		if _, there := f[file.Path]; there {
			t.Fatalf("%s is written again", file.Path)
		}
		f[file.Path] = file.Data
	}
	f[CheckpointPath] = checkpoint
	for _, path := range b.Superseded {
		if _, there := f[path]; !there {
			t.Fatalf("%s is superseded and was never written", path)
		}
		delete(f, path)
	}
}

// makeLog returns the folder of a log with the entries, published in batches
// of random size.
func makeLog(t testing.TB, r *mrand.Rand, signer note.Signer, entries [][]byte) (folder, Tree) {
	t.Helper()
	f, tree := folder{}, Tree{}
	f.publish(t, Batch{}, sign(t, signer, tree))
	for rest := entries; len(rest) > 0; {
		n := 1 + r.IntN(len(rest))
		next, b, err := tree.Append(rest[:n])
		if err != nil {
			t.Fatal(err)
		}
		f.publish(t, b, sign(t, signer, next))
		tree, rest = next, rest[n:]
	}
	return f, tree
}

func sign(t testing.TB, signer note.Signer, tree Tree) []byte {
	t.Helper()
	msg, err := SignCheckpoint(Checkpoint{Origin: signer.Name(), Size: tree.Size(), Root: tree.Root()}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func (f folder) clone() folder { return maps.Clone(f) }
