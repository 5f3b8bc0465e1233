package tlog

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// cosigning is a log and a witness, each with its key.
func cosigning(t testing.TB) (log note.Signer, logKey note.Verifier, w *Cosigner, key note.Verifier) {
	t.Helper()
	secret, vkey, err := note.GenerateKey(rand.Reader, "log.example/x")
	if err != nil {
		t.Fatal(err)
	}
	if log, err = note.NewSigner(secret); err != nil {
		t.Fatal(err)
	}
	if logKey, err = note.NewVerifier(vkey); err != nil {
		t.Fatal(err)
	}
	secret, vkey, err = NewCosigner("witness.example/w", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if w, err = ReadCosigner(secret); err != nil {
		t.Fatal(err)
	}
	if w.VKey() != vkey {
		t.Fatalf("%s is not %s", w.VKey(), vkey)
	}
	if key, err = ReadWitness(vkey); err != nil {
		t.Fatal(err)
	}
	return log, logKey, w, key
}

// TestTheCosignatureOfTheSpecification verifies the example in
// c2sp.org/tlog-cosignature as far as it can be without its key: name, id and
// time stand where they should.
func TestTheCosignatureOfTheSpecification(t *testing.T) {
	text := "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
	if got := string(cosigned(1679315147, []byte("example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"))); got != text {
		t.Errorf("signed is %q", got)
	}
}

func TestCosignaturesAreReadWithTheirTime(t *testing.T) {
	log, logKey, w, key := cosigning(t)
	tree, _, err := Tree{}.Append([][]byte{[]byte("a"), []byte("b")})
	if err != nil {
		t.Fatal(err)
	}
	c := Checkpoint{Origin: log.Name(), Size: tree.Size(), Root: tree.Root()}
	at := time.Date(2027, 4, 1, 9, 0, 0, 0, time.UTC)
	both, err := SignCheckpoint(c, log, w.At(at))
	if err != nil {
		t.Fatal(err)
	}
	logs, keys := []note.Verifier{logKey}, []note.Verifier{key}
	got, said, err := Cosignatures(both, logs, keys)
	if err != nil || got.Size != 2 || len(said) != 1 || said[0].Name != key.Name() || !said[0].At.Equal(at) {
		t.Fatalf("%+v %+v %v", got, said, err)
	}
	// The line, put to the log's own note, is the cosigned one again.
	alone, err := SignCheckpoint(c, log)
	if err != nil {
		t.Fatal(err)
	}
	if string(alone)+said[0].Line != string(both) {
		t.Errorf("%q and %q are not %q", alone, said[0].Line, both)
	}
	if _, said, err := Cosignatures(alone, logs, keys); err != nil || len(said) != 0 {
		t.Errorf("cosigned by nobody: %v %v", said, err)
	}
	if _, said, err := Cosignatures(both, logs, nil); err != nil || len(said) != 0 {
		t.Errorf("no witness is known: %v %v", said, err)
	}
	// By the witness alone: nobody of the log vouches for it.
	n := &note.Note{Text: c.Text()}
	only, err := note.Sign(n, w.At(at))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Cosignatures(only, logs, keys); err == nil {
		t.Error("a checkpoint that its log did not sign was taken")
	}
	for i := range both { // any bit that matters
		bad := slices.Clone(both)
		bad[i] ^= 1
		if _, said, err := Cosignatures(bad, logs, keys); err == nil && len(said) > 0 && !bytes.Equal(bad, both) {
			t.Errorf("byte %d changed, and the cosignature stands: %q", i, bad)
		}
	}
	if _, err := SignCheckpoint(c, log, w.At(time.Time{})); err == nil {
		t.Error("signed without a clock")
	}
}

func TestKeysThatAreNone(t *testing.T) {
	_, logKey, w, _ := cosigning(t)
	_ = logKey
	for _, bad := range []string{"", "x", "name+00000000+AAAA", strings.Replace(w.VKey(), "+", "+f", 1), "PRIVATE+KEY+x+1+2"} {
		if _, err := ReadWitness(bad); err == nil {
			t.Errorf("%q is a key of a witness", bad)
		}
		if _, err := ReadCosigner(bad); err == nil {
			t.Errorf("%q is a secret of a witness", bad)
		}
	}
	if _, _, err := NewCosigner("two words", rand.Reader); err == nil {
		t.Error("a name with a blank")
	}
	if _, _, err := NewCosigner("x", strings.NewReader("short")); err == nil {
		t.Error("a key of too little chance")
	}
}

func TestSubmissionsRoundTrip(t *testing.T) {
	s := Submission{Old: 5, Proof: []Hash{LeafHash([]byte("a")), LeafHash([]byte("b"))}, Checkpoint: []byte("o\n7\nroot\n\n— o sig\n")}
	back, err := ParseSubmission(s.Text())
	if err != nil || back.Old != 5 || !slices.Equal(back.Proof, s.Proof) || string(back.Checkpoint) != string(s.Checkpoint) {
		t.Fatalf("%+v %v", back, err)
	}
	for _, bad := range []string{"", "old 1", "old 01\n\nx", "old -1\n\nx", "new 1\n\nx", "old 1\nxx\n\nx", "old 1\n\n", "old 99999999999999999999\n\nx",
		"old 1\n" + strings.Repeat(s.Proof[0].String()+"\n", 64) + "\nx", "old 0\n\n" + strings.Repeat("x", MaxSubmission)} {
		if _, err := ParseSubmission([]byte(bad)); err == nil {
			t.Errorf("%.60q was read", bad)
		}
	}
}

func FuzzSubmission(f *testing.F) {
	f.Add([]byte("old 0\n\no\n7\nroot\n"))
	f.Add(fmt.Appendf(nil, "old 5\n%s\n\no\n7\nroot\n", LeafHash([]byte("a"))))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := ParseSubmission(body)
		if err == nil && !bytes.Equal(s.Text(), body) {
			t.Errorf("%q is %q", body, s.Text())
		}
	})
}

func FuzzCosignatures(f *testing.F) {
	log, logKey, w, key := cosigning(f)
	good, err := SignCheckpoint(Checkpoint{Origin: log.Name(), Root: emptyRoot()}, log, w.At(time.Unix(1679315147, 0)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, msg []byte) {
		_, said, err := Cosignatures(msg, []note.Verifier{logKey}, []note.Verifier{key})
		if err == nil && len(said) > 1 {
			t.Errorf("one witness spoke %d times in %q", len(said), msg)
		}
	})
}
