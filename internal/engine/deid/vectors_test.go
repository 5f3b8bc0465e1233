package deid

import (
	"bufio"
	"encoding/hex"
	"net/netip"
	"os"
	"strings"
	"testing"
)

// vectors reads testdata/cryptopan.txt: "key HEX" begins a set, then lines of
// an address and its image.
func vectors(t *testing.T, each func(key [32]byte, from, to netip.Addr)) (n int) {
	t.Helper()
	f, err := os.Open("testdata/cryptopan.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var key [32]byte
	for in := bufio.NewScanner(f); in.Scan(); {
		word := strings.Fields(in.Text())
		switch {
		case len(word) == 0 || word[0] == "#":
		case word[0] == "key":
			if k, err := hex.DecodeString(word[1]); err != nil || copy(key[:], k) != 32 {
				t.Fatal(in.Text())
			}
		default:
			each(key, netip.MustParseAddr(word[0]), netip.MustParseAddr(word[1]))
			n++
		}
	}
	return n
}

// TestPublishedVectors: the sample trace of the reference implementation and
// the vectors of the implementations that testdata/cryptopan.txt names.
func TestPublishedVectors(t *testing.T) {
	n := vectors(t, func(key [32]byte, from, to netip.Addr) {
		c := NewCryptoPAn(key)
		for range 2 { // the second time from the caches
			if got := c.Addr(from); got != to {
				t.Errorf("%s → %s, want %s", from, got, to)
			}
		}
		if back := c.Reveal(to); back != from {
			t.Errorf("%s ← %s, want %s", back, to, from)
		}
		if got := naive(key, from); got != to {
			t.Errorf("the slow twin: %s → %s, want %s", from, got, to)
		}
	})
	if n < 130 {
		t.Errorf("only %d vectors", n)
	}
}
