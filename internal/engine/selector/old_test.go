package selector

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// What version 1 wrote of the sample (see encoded), signed, and the key.
var (
	//go:embed testdata/version1.list
	oldFile []byte
	//go:embed testdata/version1.pub
	oldKey string
)

// TestVersion1: a list that was compiled and signed before is what it was: its
// selectors, its hash, its public ids, its signature.
func TestVersion1(t *testing.T) {
	key, err := note.NewVerifier(strings.TrimSpace(oldKey))
	if err != nil {
		t.Fatal(err)
	}
	old, err := Load(bytes.Clone(oldFile), note.VerifierList(key))
	if err != nil {
		t.Fatal(err)
	}
	now, err := Load(encoded(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(old.Signers()) != 1 || old.Len() != len(sample) || old.Lister() != now.Lister() {
		t.Error(old, old.Signers())
	}
	for id := ID(1); int(id) <= now.Len(); id++ {
		if a, b := old.Info(id), now.Info(id); a != b || old.Expires(id) != b.Expires {
			t.Errorf("%+v was %+v", a, b)
		}
	}
	const hash, ref = "ab9e523552c9d32ffdc0bb3d1d9db62f7a01bbbd69c1a103afc42c6f4c0c7265", "s:3387085107e51f19"
	if got := fmt.Sprintf("%x", old.Hash()); got != hash || old.Ref(5) != ref {
		t.Error(got, old.Ref(5))
	}
	if old.Expired(noon+1) != now.Expired(noon+1) {
		t.Error("other expiries")
	}
	probeAll(t, old, oracleOf(now), pool{rand.New(rand.NewPCG(1, 3))})
	again, err := Sign(oldFile) // by nobody
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Load(again, nil); err != nil || s.Hash() != old.Hash() {
		t.Error(err)
	}
}

// TestVersion1Forged: no bit of an older file is of no account, and with the right
// hash each value is still checked.
func TestVersion1Forged(t *testing.T) {
	note := bytes.Index(oldFile, []byte("noroshi selectors\n"))
	file := oldFile[:note]
	for i := range file {
		for bit := range 8 {
			bent := bytes.Clone(file)
			bent[i] ^= 1 << bit
			if _, err := Load(bent, nil); err == nil {
				t.Fatalf("bit %d of byte %d does not count", bit, i)
			}
		}
	}
	const second = headSize + recordSize // a network, in the arena
	name := bytes.Index(file, []byte("evil.example"))
	for what, change := range map[string]func([]byte){
		"new version":      func(f []byte) { f[16] = version },
		"one less":         func(f []byte) { f[20]-- },
		"runs":             func(f []byte) { f[52] = 1 },
		"no form":          func(f []byte) { f[headSize] &= 0xf0 },
		"form":             func(f []byte) { f[headSize] |= 15 },
		"row":              func(f []byte) { f[headSize+3] = 0xff },
		"place":            func(f []byte) { f[second+4]++ },
		"port":             func(f []byte) { f[headSize+12*recordSize+7] = 1 },
		"length of a name": func(f []byte) { f[name-1] = 1 },
		"host bits":        func(f []byte) { f[bytes.Index(f, []byte{10, 0, 0, 0, 8})+3] = 1 },
		"upper-case name":  func(f []byte) { f[name] = 'E' },
		"arena":            func(f []byte) { binary.LittleEndian.PutUint64(f[40:], binary.LittleEndian.Uint64(f[40:])-1) },
	} {
		if _, err := Load(forge(file, change), nil); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 3000 {
		f := forge(file, func(f []byte) {
			for range 1 + r.IntN(3) {
				f[r.IntN(len(f))] = byte(r.Uint32())
			}
		})
		if s, err := Load(f, nil); err == nil && s.Len() != len(sample) {
			t.Errorf("%d selectors", s.Len())
		}
	}
}
