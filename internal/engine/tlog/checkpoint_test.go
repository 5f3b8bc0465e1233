package tlog

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
)

const rootA = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="

func TestParseCheckpoint(t *testing.T) {
	for _, text := range []string{
		"ledger.example/1\n20852163\n" + rootA + "\n",
		"ledger.example/1\n1\n" + rootA + "\nextension\nanother 一つ\n",
		"狼煙\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
		"o\n1152921504606846976\n" + rootA + "\n",
	} {
		c, err := ParseCheckpoint(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if c.Text() != text {
			t.Errorf("%q comes back as %q", text, c.Text())
		}
		var back Checkpoint
		data, _ := json.Marshal(c)
		if err := json.Unmarshal(data, &back); err != nil || cmp.Diff(c, back) != "" {
			t.Errorf("%s comes back as %+v (%v)", data, back, err)
		}
	}
	for _, c := range []struct{ text, says string }{
		{"", "three"},
		{"o\n1\n", "three"},
		{"o\n1\n" + rootA, "three"},
		{"\n1\n" + rootA + "\n", "line 1"},
		{"o\x01\n1\n" + rootA + "\n", "line 1"},
		{"o\xff\n1\n" + rootA + "\n", "line 1"},
		{"o\n01\n" + rootA + "\n", "line 2"},
		{"o\n-1\n" + rootA + "\n", "line 2"},
		{"o\n+1\n" + rootA + "\n", "line 2"},
		{"o\n1 \n" + rootA + "\n", "line 2"},
		{"o\n1152921504606846977\n" + rootA + "\n", "line 2"},
		{"o\n99999999999999999999999\n" + rootA + "\n", "line 2"},
		{"o\n1\n" + rootA[1:] + "\n", "line 3"},
		{"o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n", "line 3"}, // stray bits
		{"o\n0\n" + rootA + "\n", "empty log"},
		{"o\n1\n" + rootA + "\n\n", "line 4"},
		{strings.Repeat("o", maxCheckpoint) + "\n1\n" + rootA + "\n", "bytes"},
	} {
		if got, err := ParseCheckpoint(c.text); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.60q: got %+v, %v; want an error about %s", c.text, got, err, c.says)
		}
	}
}

func TestSignAndOpenCheckpoint(t *testing.T) {
	signer, key := testKey(t, "ledger.example")
	witness, witnessKey := testKey(t, "witness.example")
	_, other := testKey(t, "other.example")
	want := Checkpoint{Origin: "ledger.example", Size: 1, Root: LeafHash([]byte("a")), Extensions: []string{"— not a signature"}}
	msg, err := SignCheckpoint(want, signer, witness)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range [][]note.Verifier{nil, {key}, {key, witnessKey}, {other, key}} {
		got, err := OpenCheckpoint(msg, k...)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%v %s", err, d)
		}
	}
	for _, c := range []struct {
		name string
		msg  []byte
		keys []note.Verifier
		code Code
	}{
		{"another key", msg, keys(other), Unsigned},
		{"only a witness", msg, keys(witnessKey), Unsigned},
		{"no signature", []byte(want.Text()), keys(key), Malformed},
		{"no newline", msg[:len(msg)-1], keys(key), Malformed},
		{"other text", bytes.Replace(msg, []byte("\n1\n"), []byte("\n2\n"), 1), keys(key), Unsigned},
		{"no checkpoint", noteOf(t, signer, "hello\n"), keys(key), Malformed},
		{"too long", bytes.Repeat([]byte("x"), maxCheckpoint+1), nil, Malformed},
		{"nothing", nil, nil, Malformed},
	} {
		got, err := OpenCheckpoint(c.msg, c.keys...)
		var p *Problem
		if !errors.As(err, &p) || p.Code != c.code || p.Path != CheckpointPath || got.Origin != "" {
			t.Errorf("%s: %+v, %v; want %s", c.name, got, err, c.code)
		}
	}
	for _, c := range []Checkpoint{
		{Origin: "other.example", Size: 1, Root: want.Root},                                        // another's name
		{Origin: "ledger.example", Size: 0, Root: want.Root},                                       // not the empty root
		{Origin: "ledger.example", Size: MaxSize + 1, Root: want.Root},                             // too large
		{Origin: "ledger.example", Size: 1, Root: want.Root, Extensions: []string{""}},             // ends the text
		{Origin: "ledger.example", Size: 1, Root: want.Root, Extensions: []string{"two\nlines"}},   // are two
		{Origin: "ledger.example", Size: 1, Root: want.Root, Extensions: []string{"bell\x07bell"}}, // no text
	} {
		if _, err := SignCheckpoint(c, signer); err == nil {
			t.Errorf("%+v is signed", c)
		}
	}
	if _, err := SignCheckpoint(want); err == nil {
		t.Error("a checkpoint without signer is made")
	}
}

func noteOf(t *testing.T, signer note.Signer, text string) []byte {
	t.Helper()
	msg, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func TestParseKeys(t *testing.T) {
	const a = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
	got, err := ParseKeys([]byte("# the ledger's key\r\n\r\n  " + a + "  \n"))
	if err != nil || len(got) != 1 || got[0].Name() != "example.com/log/testdata" || got[0].KeyHash() != 0x33d7b496 {
		t.Errorf("%v %v", got, err)
	}
	for _, c := range []struct{ text, says string }{
		{"", "no key"},
		{"# nothing\n", "no key"},
		{a + "\n\n" + a + "\n", "line 3 repeats the key of line 1"},
		{"x\n", "line 1"},
		{"\n" + a[:len(a)-4] + "AAAA\n", "line 2"},
		{"PRIVATE+KEY+example.com/log+00000000+AA\n", "secret"},
		{strings.Repeat("#\n", maxCheckpoint), "bytes"},
	} {
		if _, err := ParseKeys([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.40q: %v; want an error about %s", c.text, err, c.says)
		}
	}
	var many strings.Builder
	for range maxKeys + 1 {
		_, vkey, err := note.GenerateKey(rand.Reader, "ledger.example")
		if err != nil {
			t.Fatal(err)
		}
		many.WriteString(vkey + "\n")
	}
	if _, err := ParseKeys([]byte(many.String())); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("%d keys: %v", maxKeys+1, err)
	}
}
