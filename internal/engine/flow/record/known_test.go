package record

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

// measure is a question as it is made of a name.
func measure(n *Naming, name []byte, judged bool) DNS {
	d := DNS{Length: uint8(len(name)), Labels: 3, Longest: 4, Entropy: Entropy(name)}
	n.Remember(&d, name, name, judged)
	return d
}

// What is remembered changes nothing: a way of shortening that has seen many
// names makes of each what one makes that has seen none.
func TestKnownIsAsAfresh(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	dst := [2]netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")}
	for _, full := range []bool{false, true} {
		n, recalled := naming(full), 0
		for range 3_000 {
			b := make([]byte, 1+rng.IntN(3)+rng.IntN(2)*9, 24)
			for i := range b {
				b[i] = "aeikMNorst"[rng.IntN(10)]
			}
			name := append(b, [...]string{".com", ".co.jp", "", ".example.jp"}[rng.IntN(4)]...)
			if rng.IntN(50) == 0 {
				name = dst[rng.IntN(2)].AppendTo(nil)
			}
			to := dst[rng.IntN(2)]
			fresh, judged := naming(full), rng.IntN(2) == 0
			if got, want := n.HostOf(name, to), fresh.HostOf(name, to); got != want {
				t.Fatalf("%s: %s, afresh %s", name, got, want)
			}
			var got DNS
			want := measure(fresh, name, judged)
			if n.Recall(&got, name, judged) {
				recalled++
			} else {
				got = measure(n, name, judged)
			}
			if got != want || got.Whole != n.Fold(name) || (got.Own != Hash{}) != (judged && bytes.IndexByte(name, '.') >= 0) || got.Name != n.Host(name) {
				t.Fatalf("%s: %+v, afresh %+v", name, got, want)
			}
		}
		t.Logf("%d of 3000 recalled", recalled)
		if recalled < 500 {
			t.Error("hardly any is recalled")
		}
	}
}

// A name that a record does not show is not in what is remembered of it either.
func TestKnownShowsNoMore(t *testing.T) {
	n := naming(false)
	secret := []byte("canary-canary-canary-canary.example.com")
	measure(n, secret, true)
	n.Host(secret)
	if text := fmt.Sprint(n.known.asked, n.known.hosts); strings.Contains(text, "canary") || !strings.Contains(text, "example.com") {
		t.Error("a name is remembered as it was sent, or not at all")
	}
}

func BenchmarkRecall(b *testing.B) {
	n, name := naming(false), []byte("clients4.google.com")
	d := measure(n, name, true)
	b.ReportAllocs()
	for b.Loop() {
		n.Recall(&d, name, true)
	}
}
