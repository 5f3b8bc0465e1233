package deid

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

const pass = "correct horse battery"

func TestASealedKeyOpensWithItsPassphrase(t *testing.T) {
	k := newKey(t, "承認-2027-001")
	raw, err := k.Seal([]byte(pass))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Open(raw, []byte(pass)); err != nil || *again != *k {
		t.Fatal(err)
	}
	if again, err := Open(bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n")), []byte(pass)); err != nil || *again != *k {
		t.Errorf("after an editor that ends lines with CR LF: %v", err)
	}
	if s, err := Peek(raw); err != nil || s != (Sealed{k.ID(), "承認-2027-001"}) {
		t.Error(s, err)
	}
	if _, err := Open(raw, []byte(pass+"!")); err != ErrPassphrase {
		t.Errorf("another passphrase: %v", err)
	}
	if _, err := Open(bytes.Replace(raw, []byte("承認-2027-001"), []byte("承認-2027-002"), 1), []byte(pass)); err != ErrPassphrase {
		t.Errorf("another approval: %v", err)
	}
	if _, err := Open(bytes.Replace(raw, []byte("m=65536"), []byte("m=999999999"), 1), []byte(pass)); !errors.Is(err, ErrDamaged) {
		t.Errorf("a cost that would stop the machine: %v", err)
	}
	if _, err := OpenWorking(raw, []byte(pass)); err != ErrForeign {
		t.Errorf("as a working key: %v", err)
	}
	if _, err := k.Seal([]byte("short")); err != ErrWeak {
		t.Error(err)
	}
	secret := k.Secret()
	if bytes.Contains(raw, secret[:]) {
		t.Error("the secret stands in the file")
	}
}

func TestAWorkingKeyOpensWithItsPassphrase(t *testing.T) {
	w, err := NewWorking("A")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := w.Seal([]byte(pass))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := OpenWorking(raw, []byte(pass)); err != nil || *again != *w {
		t.Fatal(err)
	}
	if _, err := Open(raw, []byte(pass)); err != ErrForeign {
		t.Error(err)
	}
}

// TestEveryEditOfASealedKeyIsFound flips bits of each line; the costly ones
// are tried on one byte of each line.
func TestEveryEditOfASealedKeyIsFound(t *testing.T) {
	k := newKey(t, "A")
	raw, err := k.Seal([]byte(pass))
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for line := range strings.SplitAfterSeq(string(raw), "\n") {
		if line == "" {
			break
		}
		edited := bytes.Clone(raw)
		edited[at+len(line)-2] ^= 1
		if _, err := Open(edited, []byte(pass)); err == nil {
			t.Errorf("%q edited, and it opens", line)
		}
		at += len(line)
	}
}

// TestKeysOfPurposesDiffer: nothing derived of a key equals another, and each
// changes with the approval.
func TestKeysOfPurposesDiffer(t *testing.T) {
	seen := map[string]string{}
	add := func(what, v string) {
		if was, ok := seen[v]; ok {
			t.Errorf("%s is %s", what, was)
		}
		seen[v] = what
	}
	for _, approval := range []string{"", "A", "B"} {
		k, err := FromSecret([32]byte{7}, approval)
		if err != nil {
			t.Fatal(err)
		}
		add("id "+approval, k.ID())
		p, err := k.Public()
		if err != nil {
			t.Fatal(err)
		}
		add("public "+approval, string(p.key.Bytes()))
		w := k.Working()
		s := w.Secret()
		add("working "+approval, string(s[:]))
		for epoch := range uint32(3) {
			add("names", string(w.Names(epoch).Append(nil, Mail, []byte("a@example.jp"))))
			n := w.Networks(epoch).key
			add("networks", string(n[:]))
		}
	}
}

func TestAnApprovalIDFitsOnALine(t *testing.T) {
	for _, bad := range []string{"a b", "a\nid: x", strings.Repeat("x", MaxApproval+1), "\xff", "\u202e"} {
		if _, err := New(bad); err != ErrApproval {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestAPublicPartIsReadBack(t *testing.T) {
	k := newKey(t, "")
	p, err := k.Public()
	if err != nil {
		t.Fatal(err)
	}
	raw := p.Text()
	if again, err := ParsePublic(raw); err != nil || !again.key.Equal(p.key) || again.ID != k.ID() || again.Approval != "" {
		t.Fatal(err)
	}
	for i := range raw {
		edited := bytes.Clone(raw)
		edited[i] ^= 1
		if _, err := ParsePublic(edited); err == nil {
			t.Errorf("byte %d edited, and it is read", i)
		}
	}
}

func FuzzKeyFiles(f *testing.F) {
	k, err := FromSecret([32]byte{1}, "A")
	if err != nil {
		f.Fatal(err)
	}
	raw, err := k.Seal([]byte(pass))
	if err != nil {
		f.Fatal(err)
	}
	p, err := k.Public()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(p.Text())
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := ParsePublic(b); err == nil {
			if again, err := ParsePublic(p.Text()); err != nil || again.ID != p.ID || again.Approval != p.Approval {
				t.Error("what was read is not what is written")
			}
		}
		if s, err := Peek(b); err == nil && checkApproval(s.Approval) != nil {
			t.Errorf("%q", s.Approval)
		}
		if _, err := readSealed(keyKind, b); err != nil {
			return
		}
	})
}

// TestWhatIsDerivedNeverChanges: pseudonyms of one approval must agree over
// years and versions. These values were made by the first version.
func TestWhatIsDerivedNeverChanges(t *testing.T) {
	k, err := FromSecret([32]byte{1, 2, 3}, "A-2027-001")
	if err != nil {
		t.Fatal(err)
	}
	p, err := k.Public()
	if err != nil {
		t.Fatal(err)
	}
	w := k.Working()
	for want, got := range map[string]string{
		"699915fea9763d0d": k.ID(),
		"9lU7JysWyO0B929SyRvngJO+BVTeKHUbeSvMl9MKvH8=": encode64(p.key.Bytes()),
		"p:mail:t2wa72uia2frz2ocz5yfurv64g":            w.Names(3).Of(Mail, []byte("Taro@Example.jp")).String(),
		"p:net:15.105.118.12":                          string(w.Networks(3).Append(nil, netip.MustParseAddr("203.0.113.9"))),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
