package tlog

import (
	"archive/zip"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// sharedZip opens an archive of ../shared/data. Without it the test is
// skipped, or fails if NOROSHI_TEST_ALL is set.
func sharedZip(t *testing.T, name string) *zip.ReadCloser {
	t.Helper()
	path := filepath.Join("..", "..", "..", "..", "shared", "data", filepath.FromSlash(name))
	z, err := zip.OpenReader(path)
	if err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") == "1" {
			t.Fatalf("public vectors are required: %v", err)
		}
		t.Skipf("public vectors are absent: %v", err)
	}
	t.Cleanup(func() { z.Close() })
	return z
}

// testlogKey is the published verifier key of Tessera's test log.
const testlogKey = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"

// testlog returns the files of Tessera's test log as one folder per size,
// without what was superseded at that size.
func testlog(t *testing.T) (all fs.FS, at func(size uint64) folder) {
	t.Helper()
	log, err := fs.Sub(sharedZip(t, "tlog/tessera-testlog.zip"), "testdata/log")
	if err != nil {
		t.Fatal(err)
	}
	return log, func(size uint64) folder {
		f := folder{}
		read := func(from, to string) {
			data, err := fs.ReadFile(log, from)
			if err != nil {
				t.Fatal(err)
			}
			f[to] = data
		}
		read(fmt.Sprintf("checkpoint.%d", size), CheckpointPath)
		for level := EntriesLevel; hashesAt(size, level) > 0; level++ {
			read(tileAt(size, level, 0).Path(), tileAt(size, level, 0).Path())
		}
		return f
	}
}

func TestTesseraLogVerifiesAtEverySize(t *testing.T) {
	log, at := testlog(t)
	key, err := ParseKeys([]byte(testlogKey))
	if err != nil {
		t.Fatal(err)
	}
	_, last := testKey(t, "example.com/log/testdata")
	var earlier []Checkpoint
	for size := range uint64(16) {
		f := at(size)
		o := Options{Keys: key, Earlier: earlier}
		res, err := Verify(t.Context(), f.fs(), o)
		if err != nil || res.Entries != size || res.Signer != "example.com/log/testdata" {
			t.Fatalf("size %d: %+v %v", size, res, err)
		}
		if _, err := Verify(t.Context(), f.fs(), Options{Keys: keys(last)}); err == nil {
			t.Errorf("size %d: another key vouches", size)
		}
		earlier = append(earlier, res.Checkpoint)
	}
	// The folder as it was published keeps old partial tiles and its own
	// state: each of them is named.
	res, err := Verify(t.Context(), log, Options{Keys: key})
	stale, unexpected := 0, 0
	for _, p := range res.Problems {
		switch p.Code {
		case Stale:
			stale++
		case Unexpected:
			unexpected++
		default:
			t.Errorf("%v", p)
		}
	}
	if err == nil || stale != 28 || unexpected != 20 {
		t.Errorf("%d stale and %d unexpected files, want 28 and 20: %v", stale, unexpected, err)
	}
}

func TestOurFilesAreThoseOfTessera(t *testing.T) {
	_, at := testlog(t)
	final := at(15)
	entries, err := ParseBundle(final["tile/entries/000.p/15"], 15)
	if err != nil {
		t.Fatal(err)
	}
	tree := Tree{}
	for size := uint64(1); size <= 15; size++ {
		next, b, err := tree.Append(entries[size-1 : size])
		if err != nil {
			t.Fatal(err)
		}
		want := at(size)
		for _, file := range b.Files {
			if string(want[file.Path]) != string(file.Data) {
				t.Errorf("size %d: %s differs from Tessera's", size, file.Path)
			}
		}
		c, err := OpenCheckpoint(want[CheckpointPath])
		if err != nil || len(b.Files) != len(want)-1 || c.Root != next.Root() || c.Size != next.Size() {
			t.Errorf("size %d: %+v %v, our root is %v", size, c, err, next.Root())
		}
		reader, _ := NewReader(want.fs(), size)
		for index := range size {
			p, err := reader.Prove(index, want[CheckpointPath])
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Verify(LeafHash(entries[index])); err != nil {
				t.Errorf("size %d: %v", size, err)
			}
		}
		tree = next
	}
}

// TestEd25519EdgeCases holds the signatures of checkpoints against the edge
// cases of C2SP/CCTV: as its README says of Go, those with a non-canonical R
// or a low-order residue are refused and all others accepted.
func TestEd25519EdgeCases(t *testing.T) {
	data, err := fs.ReadFile(sharedZip(t, "tlog/cctv-ed25519.zip"), "ed25519/ed25519vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Number   int
		Key, Sig string
		Msg      string
		Flags    []string
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	accepted := 0
	for _, v := range vectors {
		key, err1 := hex.DecodeString(v.Key)
		sig, err2 := hex.DecodeString(v.Sig)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		vkey, err := note.NewEd25519VerifierKey("ledger.example", ed25519.PublicKey(key))
		if err != nil {
			t.Fatal(err)
		}
		verifiers, err := ParseKeys([]byte(vkey))
		if err != nil {
			t.Fatalf("vector %d: %v", v.Number, err)
		}
		want := !slices.Contains(v.Flags, "non_canonical_R") && !slices.Contains(v.Flags, "low_order_residue")
		if got := verifiers[0].Verify([]byte(v.Msg), sig); got != want {
			t.Errorf("vector %d (%v): accepted %v, want %v", v.Number, v.Flags, got, want)
		}
		if want {
			accepted++
		}
		// None of them signs a checkpoint.
		text := Checkpoint{Origin: "ledger.example", Size: 1, Root: LeafHash(nil)}.Text()
		msg := noteWith(text, "ledger.example", verifiers[0].KeyHash(), sig)
		if _, err := OpenCheckpoint(msg, verifiers...); err == nil && !lowOrder(v.Flags) {
			t.Errorf("vector %d: a signature of another message is accepted", v.Number)
		}
	}
	if len(vectors) < 500 || accepted == 0 {
		t.Errorf("%d vectors, %d accepted", len(vectors), accepted)
	}
}

// lowOrder tells keys with which a signature can be good for any message;
// nobody who makes a key gets one of them.
func lowOrder(flags []string) bool { return slices.Contains(flags, "low_order_A") }

func noteWith(text, name string, hash uint32, sig []byte) []byte {
	raw := append(binary.BigEndian.AppendUint32(nil, hash), sig...)
	return fmt.Appendf(nil, "%s\n— %s %s\n", text, name, base64.StdEncoding.EncodeToString(raw))
}
