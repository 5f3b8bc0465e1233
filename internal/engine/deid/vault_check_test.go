package deid

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

// TestCheckVaultTakesWhatASealerWrites and nothing that holds a word in clear, an
// entry of its own numbering, or half a line.
func TestCheckVaultTakesWhatASealerWrites(t *testing.T) {
	k := newKey(t, "A-2027-001")
	raw, want := filled(t, k, perSegment+300)
	head, n, err := CheckVault(iotest.OneByteReader(bytes.NewReader(raw)))
	if err != nil || n != len(want)+1 || head.ID != k.ID() || head.Approval != "A-2027-001" {
		t.Fatalf("%+v %d %v", head, n, err)
	}
	if _, n, err := CheckVault(bytes.NewReader(sealer(t, k).Begin(nil))); n != 0 || err != nil {
		t.Errorf("a vault of nothing: %d %v", n, err)
	}
	small, _ := filled(t, k, 3)
	lines := strings.SplitAfter(string(small), "\n") // three of the head, the exchange, three accounts, the addresses, nothing
	broken := func(what string, at int, line string) {
		t.Helper()
		changed := append(append(append([]string{}, lines[:at]...), line), lines[at+1:]...)
		var bad *VaultError
		if _, _, err := CheckVault(strings.NewReader(strings.Join(changed, ""))); !errors.As(err, &bad) || bad.Line != at+1 {
			t.Errorf("%s: %v", what, err)
		}
	}
	name, rest, _ := strings.Cut(lines[5], " ")
	number, sealed, _ := strings.Cut(rest, " ")
	broken("a word in place of a pseudonym", 5, "tanaka@example.jp "+number+" "+sealed)
	broken("a pseudonym of another writing", 5, strings.ToUpper(name)+" "+number+" "+sealed)
	broken("another number", 5, name+" 2 "+sealed)
	broken("a value in clear", 5, name+" 1 tanaka\n")
	broken("a value of a length that nothing sealed has", 5, name+" 1 "+strings.TrimSuffix(sealed, "\n")[:20]+"\n")
	broken("a short key of the segment", 3, "x25519 AAAA\n")
	broken("no segment", 3, "")
	broken("half a line", 7, lines[7][:9])
	broken("a line without end", 6, strings.Repeat("x", 2*maxVaultLine)+"\n")
	if _, _, err := CheckVault(strings.NewReader("{}\n{}\n{}\n")); !errors.Is(err, ErrForeign) {
		t.Errorf("another file: %v", err)
	}
	if _, _, err := CheckVault(strings.NewReader("")); !errors.Is(err, ErrForeign) {
		t.Errorf("nothing: %v", err)
	}
	if _, _, err := CheckVault(iotest.ErrReader(iotest.ErrTimeout)); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("a reader that fails: %v", err)
	}
}
