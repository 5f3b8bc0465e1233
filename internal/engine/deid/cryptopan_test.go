package deid

import (
	"math/bits"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
)

// near is an address, or one that shares a random prefix with it.
func near(rng *rand.Rand, a netip.Addr) netip.Addr {
	b := a.AsSlice()
	for i := rng.IntN(8 * len(b)); i < 8*len(b); i++ {
		if rng.IntN(2) == 0 {
			b[i/8] ^= 0x80 >> (i % 8)
		}
	}
	out, _ := netip.AddrFromSlice(b)
	return out
}

func shared(a, b netip.Addr) int {
	x, y := a.AsSlice(), b.AsSlice()
	for i := range x {
		if d := x[i] ^ y[i]; d != 0 {
			return 8*i + bits.LeadingZeros8(d)
		}
	}
	return 8 * len(x)
}

// TestPrefixesArePreserved walks from address to near address: the images
// share as many bits as the addresses, equal the slow twin's, and turn back.
func TestPrefixesArePreserved(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, start := range []string{"203.0.113.9", "2001:db8:1:2:3:4:5:6"} {
		key := [32]byte{byte(rng.Uint32()), 2, 3}
		c := NewCryptoPAn(key)
		a := netip.MustParseAddr(start)
		for range 3000 {
			b := near(rng, a)
			x, y := c.Addr(a), c.Addr(b)
			if shared(a, b) != shared(x, y) {
				t.Fatalf("%s and %s share %d bits, %s and %s %d", a, b, shared(a, b), x, y, shared(x, y))
			}
			if b.Is4In6() {
				continue
			}
			if want := naive(key, b); y != want {
				t.Fatalf("%s → %s, the slow twin says %s", b, y, want)
			}
			if back := c.Reveal(y); back != b {
				t.Fatalf("%s → %s → %s", b, y, back)
			}
			a = b
		}
	}
}

// TestOneIPv4AddressInTwoForms: ::ffff:a.b.c.d is a.b.c.d.
func TestOneIPv4AddressInTwoForms(t *testing.T) {
	c := NewCryptoPAn([32]byte{1})
	a := netip.MustParseAddr("198.51.100.7")
	b := netip.AddrFrom16(a.As16())
	if c.Addr(b) != c.Addr(a) || c.Reveal(c.Addr(b)) != a {
		t.Errorf("%s and %s", c.Addr(a), c.Addr(b))
	}
	raw := b.As16()
	if got := netip.AddrFrom16(c.Addr16(&raw)); got.Unmap() != c.Addr(a) {
		t.Errorf("as 16 bytes %s", got)
	}
	if got := c.Addr(netip.MustParseAddr("fe80::1%eth0")); got != c.Addr(netip.MustParseAddr("fe80::1")) || got.Zone() != "" {
		t.Errorf("a zone is kept: %s", got)
	}
	if c.Addr(netip.Addr{}).IsValid() || c.Reveal(netip.Addr{}).IsValid() {
		t.Error("no address became one")
	}
}

// TestABatchIsItsAddresses: with addresses that repeat and push each other out
// of the caches, a batch gives what single calls of a fresh value give.
func TestABatchIsItsAddresses(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	key := [32]byte{4}
	c := NewCryptoPAn(key)
	four := make([]uint32, 200_000)
	for i := range four {
		four[i] = rng.Uint32() & 0xff01ffff
	}
	want := make([]uint32, len(four))
	for i, a := range four {
		if want[i] = a; i%97 == 0 {
			b := naive(key, netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})).As4()
			want[i] = uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		}
	}
	c.Batch4(four)
	for i := 0; i < len(four); i += 97 {
		if four[i] != want[i] {
			t.Fatalf("address %d: %x, want %x", i, four[i], want[i])
		}
	}
	mixed := []netip.Addr{netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("::"), netip.MustParseAddr("0.0.0.1"), netip.MustParseAddr("::"), netip.MustParseAddr("255.255.255.255")}
	got := append([]netip.Addr(nil), mixed...)
	c.Batch(got)
	for i, a := range mixed {
		if got[i] != naive(key, a) {
			t.Errorf("%s → %s, want %s", a, got[i], naive(key, a))
		}
	}
}

// TestClonesMapAlike in many goroutines at once.
func TestClonesMapAlike(t *testing.T) {
	c := NewCryptoPAn([32]byte{5})
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	wantA, wantB := naive(c.key, a), naive(c.key, b)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			d := c.Clone()
			if d.Addr(a) != wantA || d.Addr(b) != wantB {
				t.Error("a clone maps differently")
			}
		})
	}
	all.Wait()
}

func TestAddressesAllocateNothing(t *testing.T) {
	c, dst := NewCryptoPAn([32]byte{6}), make([]byte, 0, 64)
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	c.Addr(a)
	c.Addr(b)
	i := uint32(0)
	if n := testing.AllocsPerRun(100, func() {
		i++
		c.Addr4(i * 7919)
		dst = c.Append(dst[:0], a)
		dst = c.Append(dst[:0], b)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestATextFormIsNoAddress: whoever reads a record cannot take an image for an
// address, even when it looks private.
func TestATextFormIsNoAddress(t *testing.T) {
	c := NewCryptoPAn([32]byte{7})
	text := string(c.Append(nil, netip.MustParseAddr("192.0.2.1")))
	if _, err := netip.ParseAddr(text); err == nil {
		t.Errorf("%s is an address", text)
	}
	if image, err := ParseNetwork(text); err != nil || c.Reveal(image).String() != "192.0.2.1" {
		t.Errorf("%s: %v", text, err)
	}
}

func TestWipedAddressesForget(t *testing.T) {
	c := NewCryptoPAn([32]byte{8})
	c.Addr(netip.MustParseAddr("192.0.2.1"))
	seen := c.seen4
	c.Wipe()
	for _, e := range seen {
		if e.from != 0 || e.to != 0 {
			t.Fatalf("%x is still in the cache", e)
		}
	}
	if c.key != [32]byte{} || c.pad != [2]uint64{} {
		t.Error("the key is still there")
	}
}
