package deid

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

func newKey(t testing.TB, approval string) *Key {
	t.Helper()
	k, err := New(approval)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sealer(t testing.TB, k *Key) *Sealer {
	t.Helper()
	p, err := k.Public()
	if err != nil {
		t.Fatal(err)
	}
	if p, err = ParsePublic(p.Text()); err != nil {
		t.Fatal(err)
	}
	return NewSealer(p)
}

// filled is a vault of n accounts and one address key, and its values.
func filled(t testing.TB, k *Key, n int) ([]byte, map[Pseudonym]string) {
	t.Helper()
	s, names := sealer(t, k), k.Working().Names(1)
	raw, want := s.Begin(nil), map[Pseudonym]string{}
	var err error
	for i := range n {
		v := fmt.Sprintf("account-%d", i)
		p := names.Of(Account, []byte(v))
		if raw, err = s.Add(raw, p, []byte(v)); err != nil {
			t.Fatal(err)
		}
		want[p] = v
	}
	if raw, err = s.AddNetworks(raw, k.Working().Networks(1), 1); err != nil {
		t.Fatal(err)
	}
	return raw, want
}

func TestAVaultGivesBackWhatWasSealed(t *testing.T) {
	k := newKey(t, "A-2027-001")
	raw, want := filled(t, k, perSegment+300)
	for p, v := range want {
		if bytes.Contains(raw, []byte(v)) {
			t.Fatalf("%s stands in clear", v)
		}
		_ = p
	}
	v, err := OpenVault(k, raw)
	if err != nil {
		t.Fatal(err)
	}
	if v.Len() != len(want) || v.Approval() != "A-2027-001" {
		t.Errorf("%d entries of %s", v.Len(), v.Approval())
	}
	tried := 0
	for p, value := range want {
		got, err := v.RevealText(p.String())
		if err != nil || len(got) != 1 || got[0] != value {
			t.Fatalf("%s: %q %v, want %q", p, got, err, value)
		}
		if tried++; tried == 50 {
			break
		}
	}
	if _, err := v.Reveal(k.Working().Names(2).Of(Account, []byte("account-1"))); err != ErrAbsent {
		t.Errorf("a pseudonym of another epoch: %v", err)
	}
	if _, err := v.RevealText("account-1"); err != ErrPseudonym {
		t.Errorf("no pseudonym: %v", err)
	}
}

func TestAVaultGivesBackAddresses(t *testing.T) {
	k := newKey(t, "A-2027-001")
	raw, _ := filled(t, k, 3)
	v, err := OpenVault(k, raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"203.0.113.9", "2001:db8::25"} {
		text := string(k.Working().Networks(1).Append(nil, netip.MustParseAddr(s)))
		got, err := v.RevealText(text)
		if err != nil || len(got) != 1 || got[0] != s {
			t.Errorf("%s: %v %v, want %s", text, got, err, s)
		}
	}
	if _, err := v.RevealText("p:net:300.1.1.1"); err != ErrNetwork {
		t.Error(err)
	}
}

// TestAnEntryIsWrittenOnce: a pseudonym seen a thousand times has one entry.
func TestAnEntryIsWrittenOnce(t *testing.T) {
	k := newKey(t, "")
	s, p := sealer(t, k), k.Working().Names(0).Of(Mail, []byte("a@example.jp"))
	raw, err := s.Add(s.Begin(nil), p, []byte("a@example.jp"))
	again, err2 := s.Add(raw, p, []byte("a@example.jp"))
	if err != nil || err2 != nil || len(again) != len(raw) || s.Len() != 1 {
		t.Error(err, err2, len(again)-len(raw), s.Len())
	}
	if _, err := s.Add(raw, Pseudonym{kind: Name}, make([]byte, MaxSealed+1)); err != ErrTooLong {
		t.Error(err)
	}
}

// TestLengthsOfValuesDoNotShow: entries of short and longer values are alike.
func TestLengthsOfValuesDoNotShow(t *testing.T) {
	k := newKey(t, "")
	s, n := sealer(t, k), k.Working().Names(0)
	raw := s.Begin(nil)
	for _, v := range []string{"a@b.jp", "somebody.else@mail.example.jp"} {
		var err error
		if raw, err = s.Add(raw, n.Of(Mail, []byte(v)), []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
	line := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if a, b := line[len(line)-1], line[len(line)-2]; len(a) != len(b) {
		t.Errorf("%d and %d characters", len(a), len(b))
	}
}

// TestARunCannotReadWhatItSealed looks at everything the Sealer holds after an
// entry: the chain from which the entry's key came is not among it.
func TestARunCannotReadWhatItSealed(t *testing.T) {
	k := newKey(t, "A")
	s, n := sealer(t, k), k.Working().Names(0)
	raw, err := s.Add(s.Begin(nil), n.Of(Account, []byte("one")), []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	held := s.chain
	if raw, err = s.Add(raw, n.Of(Account, []byte("two")), []byte("two")); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(held[:], s.chain[:]) {
		t.Fatal("the chain stands still")
	}
	// With the state between the entries, the second opens and the first does not.
	opens := func(line string) bool {
		e, err := parseEntry([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		chain := held
		for range 100 {
			aead, err := step(&chain)
			if err != nil {
				t.Fatal(err)
			}
			sealed := make([]byte, 256)
			m, _ := base64.RawStdEncoding.Decode(sealed, e.sealed)
			if _, err := aead.Open(nil, make([]byte, 12), sealed[:m], binding(nil, k.ID(), "A", e.index, e.name)); err == nil {
				return true
			}
		}
		return false
	}
	line := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if opens(line[4]) || !opens(line[5]) {
		t.Errorf("first %t, second %t", opens(line[4]), opens(line[5]))
	}
	if bytes.Contains(s.plain[:cap(s.plain)], []byte("two")) {
		t.Error("the last value lies in the buffer")
	}
}

// TestADestroyedKeyErasesTheVault: of a split key whose shares but one are
// gone, nothing of the vault can be read again.
func TestADestroyedKeyErasesTheVault(t *testing.T) {
	k := newKey(t, "A-2027-001")
	raw, want := filled(t, k, 20)
	shares, err := k.Split(2, 2)
	if err != nil {
		t.Fatal(err)
	}
	if joined, err := Join(shares...); err != nil {
		t.Fatal(err)
	} else if _, err := OpenVault(joined, raw); err != nil {
		t.Fatal(err)
	}
	shares[1].Wipe()
	if k.Wipe(); k.Secret() != [32]byte{} {
		t.Error("the key is still there")
	}
	if _, err := OpenVault(k, raw); !errors.Is(err, ErrOtherKey) {
		t.Errorf("the wiped key opens: %v", err)
	}
	if _, err := Join(shares...); err == nil {
		t.Error("a wiped share joins")
	}
	if _, err := Join(shares[0]); err == nil {
		t.Error("one share joins")
	}
	// A key that claims the vault's head does not open what is in it.
	other := newKey(t, "A-2027-001")
	forged := bytes.Replace(raw, []byte("id: "+string(raw[len(vaultKind)+5:len(vaultKind)+21])), []byte("id: "+other.ID()), 1)
	v, err := OpenVault(other, forged)
	if err != nil {
		t.Fatal(err)
	}
	for p := range want {
		if got, err := v.Reveal(p); err == nil {
			t.Fatalf("%s: %q", p, got)
		}
	}
}

func TestAVaultOfAnotherApprovalIsRefused(t *testing.T) {
	k := newKey(t, "A-1")
	raw, _ := filled(t, k, 1)
	same, err := FromSecret(k.Secret(), "A-2")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenVault(same, raw); err != ErrOtherKey {
		t.Errorf("the same bytes under another approval: %v", err)
	}
	if _, err := OpenVault(k, bytes.Replace(raw, []byte("A-1"), []byte("A-2"), 1)); err != ErrOtherKey {
		t.Errorf("an edited head: %v", err)
	}
}

// TestEditsOfAVaultAreFound flips each byte of a small vault: an entry either
// still gives its value (the edit was elsewhere) or nothing.
func TestEditsOfAVaultAreFound(t *testing.T) {
	k := newKey(t, "A")
	raw, want := filled(t, k, 3)
	for i := range raw {
		edited := bytes.Clone(raw)
		edited[i] ^= 1 << (i % 7)
		v, err := OpenVault(k, edited)
		if err != nil {
			continue
		}
		for p, value := range want {
			if got, err := v.Reveal(p); err == nil && string(got) != value {
				t.Fatalf("byte %d: %s is now %q", i, p, got)
			}
		}
	}
}

// TestEntriesGoWithTheirRecords prunes without a key.
func TestEntriesGoWithTheirRecords(t *testing.T) {
	k := newKey(t, "A")
	raw, want := filled(t, k, perSegment+20)
	n := 0
	out, erased, err := Prune(nil, raw, func(p Pseudonym) bool { _, ok := want[p]; n++; return ok && n%3 == 0 }, false)
	if err != nil || erased != len(want)-len(want)/3+1 {
		t.Fatal(erased, err)
	}
	v, err := OpenVault(k, out)
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	rng := rand.New(rand.NewPCG(1, 2))
	for p, value := range want {
		if _, ok := v.at[p.String()]; !ok {
			continue
		}
		left++
		if rng.IntN(40) > 0 {
			continue
		}
		if got, err := v.Reveal(p); err != nil || string(got) != value {
			t.Fatalf("%s: %q %v", p, got, err)
		}
	}
	if left != len(want)/3 || bytes.Contains(out, []byte(networksKey)) {
		t.Errorf("%d entries left", left)
	}
}

// TestACrashLeavesWholeEntries: a vault cut anywhere after its head opens with
// the entries before the cut.
func TestACrashLeavesWholeEntries(t *testing.T) {
	k := newKey(t, "A")
	raw, want := filled(t, k, 2)
	head := len(sealer(t, k).Begin(nil))
	for cut := head; cut <= len(raw); cut++ {
		v, err := OpenVault(k, raw[:cut])
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		for p, value := range want {
			if got, err := v.Reveal(p); err != ErrAbsent && (err != nil || string(got) != value) {
				t.Fatalf("cut at %d: %q %v", cut, got, err)
			}
		}
	}
}

func TestAWipedAddressKeyIsNotSealed(t *testing.T) {
	k := newKey(t, "A")
	c := k.Working().Networks(1)
	c.Wipe()
	if raw, err := sealer(t, k).AddNetworks(nil, c, 1); err != ErrWiped || raw != nil {
		t.Errorf("%q %v", raw, err)
	}
}

func FuzzVault(f *testing.F) {
	k, err := FromSecret([32]byte{1}, "A")
	if err != nil {
		f.Fatal(err)
	}
	raw, _ := filled(f, k, 3)
	f.Add(raw)
	f.Add(raw[:len(raw)/2])
	p := k.Working().Names(1).Of(Account, []byte("account-1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, n, checked := CheckVault(bytes.NewReader(b))
		v, err := OpenVault(k, b)
		if checked == nil && (err != nil && err != ErrOtherKey || err == nil && v.Len() > n) {
			t.Errorf("checked with %d entries, and does not open: %v", n, err)
		}
		if err != nil {
			return
		}
		if got, err := v.Reveal(p); err == nil && string(got) != "account-1" {
			t.Errorf("%q", got)
		}
		all, erased, err := Prune(nil, b, func(Pseudonym) bool { return true }, true)
		if err == nil && (erased != 0 || !bytes.HasPrefix(b, all)) {
			t.Error("pruning nothing changes the vault")
		}
	})
}
