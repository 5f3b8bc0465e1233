package selector

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

// none is a set of warning lists without any.
var none = &Warnings{}

// compile makes a Set of values whose kinds are guessed.
func compile(t testing.TB, values ...string) *Set {
	t.Helper()
	b := NewBuilder(Options{Warnings: none})
	for _, v := range values {
		if _, err := b.Add(Selector{Value: v}); err != nil {
			t.Fatal(v, err)
		}
	}
	s, err := b.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// oracle looks at every selector of a list, each by its canonical text alone.
type oracle []Selector

func oracleOf(s *Set) (o oracle) {
	for i := range s.Len() {
		o = append(o, s.Info(ID(i+1)))
	}
	return o
}

func (o oracle) addr(a netip.Addr) (best ID) {
	a, most := a.Unmap(), -1
	for i, s := range o {
		switch s.Kind {
		case Address:
			if netip.MustParseAddr(s.Value) == a {
				return ID(i + 1)
			}
		case Prefix:
			if p := netip.MustParsePrefix(s.Value); p.Contains(a) && p.Bits() > most {
				best, most = ID(i+1), p.Bits()
			}
		}
	}
	return best
}

func (o oracle) name(name string) (best ID) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	most := 0
	for i, s := range o {
		switch {
		case s.Kind == Domain && s.Value == name:
			return ID(i + 1)
		case s.Kind == Suffix && strings.HasSuffix("."+name, s.Value) && len(s.Value) > most:
			best, most = ID(i+1), len(s.Value)
		}
	}
	return best
}

func (o oracle) equal(k Kind, value string) ID {
	for i, s := range o {
		if s.Kind == k && s.Value == value {
			return ID(i + 1)
		}
	}
	return 0
}

// uri compares by regular expressions.
func (o oracle) uri(host, path string) ID {
	bare, _, _ := strings.Cut(path, "?")
	for _, whole := range []string{host + path, host + bare} {
		if id := o.equal(URI, whole); id != 0 {
			return id
		}
	}
	for i, s := range o {
		if s.Kind != URI || !strings.ContainsAny(s.Value, "*{") {
			continue
		}
		h, p, _ := strings.Cut(s.Value, "/")
		p = "/" + p
		expr := func(t, x, star string) string {
			t = regexp.QuoteMeta(t)
			return "(?s)^" + strings.ReplaceAll(strings.ReplaceAll(t, `\{x\}`, x), `\*`, star) + "$"
		}
		against := bare
		if strings.Contains(p, "?") {
			against = path
		}
		if regexp.MustCompile(expr(h, `[a-z0-9_-]+`, `.*`)).MatchString(host) && regexp.MustCompile(expr(p, `[A-Za-z0-9._~%-]+`, `.*`)).MatchString(against) {
			return ID(i + 1)
		}
	}
	return 0
}

// scan returns the pattern that ends first, the longest of those.
func (o oracle) scan(b []byte) (best ID) {
	end, most := len(b)+1, 0
	for i, s := range o {
		if s.Kind != Pattern {
			continue
		}
		p, _ := hex.DecodeString(strings.TrimPrefix(s.Value, "hex:"))
		if at := bytes.Index(b, p); at >= 0 && (at+len(p) < end || at+len(p) == end && len(p) > most) {
			best, end, most = ID(i+1), at+len(p), len(p)
		}
	}
	return best
}

// pool gives random values that meet each other often.
type pool struct{ *rand.Rand }

func (r pool) addr() netip.Addr {
	var b [16]byte
	switch r.IntN(3) {
	case 0:
		return netip.AddrFrom4([4]byte{byte(8 + r.IntN(3)), byte(r.IntN(2)), byte(r.IntN(3) * 127), byte(r.IntN(256))})
	case 1:
		b = [16]byte{0x20, 1, byte(r.IntN(2)), 0, byte(r.IntN(3)), 15: byte(r.IntN(256))}
	default:
		b = [16]byte{0x2a, byte(r.IntN(4)), 7: byte(r.IntN(3)), 8: byte(r.IntN(2) * 255), 15: byte(r.IntN(8))}
	}
	return netip.AddrFrom16(b)
}

func (r pool) name() string {
	labels := []string{"a", "bb", "evil", "x-1", "WWW", "cdn"}
	var s []string
	for range 1 + r.IntN(4) {
		s = append(s, labels[r.IntN(len(labels))])
	}
	return strings.Join(s, ".") + [...]string{".example", ".jp", ".co.jp"}[r.IntN(3)]
}

func (r pool) path(variables bool) string {
	parts := []string{"a", "gate", ".php", "/", "/", "x", "%20", "-", "?q=", "&r=", "1"}
	if variables {
		parts = append(parts, "{id}", "*", "{x}", "*")
	}
	s := "/"
	for range r.IntN(7) {
		s += parts[r.IntN(len(parts))]
	}
	return s
}

func (r pool) bytes(most int) []byte {
	b := make([]byte, r.IntN(most+1))
	for i := range b {
		b[i] = "abc"[r.IntN(3)]
	}
	return b
}

// value returns a random selector as somebody would write it.
func (r pool) value() string {
	switch r.IntN(11) {
	case 0, 1:
		return r.addr().String()
	case 2, 3:
		a := r.addr()
		least := boundless6
		if a.Is4() {
			least = boundless4
		}
		p, _ := a.Prefix(least + r.IntN(a.BitLen()+1-least))
		return p.String()
	case 4:
		return r.name()
	case 5:
		return "*." + r.name()
	case 6:
		return fmt.Sprintf("%032x", r.IntN(50))
	case 7:
		return fmt.Sprintf("t13d%02d15h2_%012x_%012x", r.IntN(5), r.IntN(3), r.IntN(3))
	case 8:
		return fmt.Sprintf("%0*x", []int{40, 64}[r.IntN(2)], r.IntN(50))
	case 9:
		host := r.name()
		if r.IntN(3) == 0 {
			host = [...]string{"*.", "{x}.", "a{x}.", "*-{x}."}[r.IntN(4)] + host
		}
		return "hxxp://" + host + r.path(true)
	}
	if r.IntN(2) == 0 {
		return fmt.Sprintf("%s/%d", []string{"tcp", "udp", "sctp", "DCCP"}[r.IntN(4)], r.IntN(70))
	}
	return "hex:" + hex.EncodeToString(append([]byte("ab"), append(r.bytes(6), "ca"...)...))
}

// probeAll compares everything that a Set finds with what the oracle finds.
func probeAll(t *testing.T, s *Set, o oracle, r pool) {
	t.Helper()
	for range 60 {
		a := r.addr()
		b := a.As16()
		if got, want := s.Addr16(&b), o.addr(a); got != want {
			t.Fatalf("%s: %d, want %d", a, got, want)
		}
		name := r.name()
		if got, want := s.Name([]byte(name)), o.name(name); got != want {
			t.Fatalf("%s: %d, want %d", name, got, want)
		}
		host, path := strings.ToLower(r.name()), r.path(false)
		if r.IntN(2) == 0 {
			host = "a1." + host
		}
		if got, want := s.URI([]byte(host+":8080"), []byte(path)), o.uri(host, path); got != want {
			t.Fatalf("%s%s: %d %v, want %d %v", host, path, got, s.Info(got).Value, want, s.Info(want).Value)
		}
		text := r.bytes(40)
		var got ID
		if p := s.Patterns(); p != nil {
			var state State
			for rest := text; len(rest) > 0 && got == 0; {
				n := 1 + r.IntN(len(rest))
				state, got = p.Scan(state, rest[:n])
				rest = rest[n:]
			}
		}
		if want := o.scan(text); got != want {
			t.Fatalf("%q: %d, want %d", text, got, want)
		}
		sum := fmt.Sprintf("%064x", r.IntN(60))
		raw, _ := hex.DecodeString(sum)
		if got, want := s.Certificate(raw), o.equal(Certificate, sum); got != want {
			t.Fatalf("%s: %d, want %d", sum, got, want)
		}
		if got, want := s.Certificate(raw[12:]), o.equal(Certificate, sum[24:]); got != want {
			t.Fatalf("%s: %d, want %d", sum, got, want)
		}
		if got, want := s.JA3([16]byte(raw[16:])), o.equal(JA3, sum[32:]); got != want {
			t.Fatalf("%s: %d, want %d", sum, got, want)
		}
		ja4 := fmt.Sprintf("t13d%02d15h2_%012x_%012x", r.IntN(5), r.IntN(3), r.IntN(3))
		if got, want := s.JA4(ja4), o.equal(JA4, ja4); got != want {
			t.Fatalf("%s: %d, want %d", ja4, got, want)
		}
		port := uint16(r.IntN(70))
		for _, p := range protocols {
			if got, want := s.Port(p.number, port), o.equal(Port, fmt.Sprintf("%s/%d", p.name, port)); got != want {
				t.Fatalf("%s/%d: %d, want %d", p.name, port, got, want)
			}
		}
	}
}

// TestOracle compares random lists with a search through all of them.
func TestOracle(t *testing.T) {
	rounds := 200
	if testing.Short() {
		rounds = 50
	}
	for seed := range rounds {
		r := pool{rand.New(rand.NewPCG(uint64(seed), 5))}
		b := NewBuilder(Options{Warnings: none})
		for range r.IntN(200) {
			if _, err := b.Add(Selector{Value: r.value()}); err != nil {
				t.Fatal(err)
			}
		}
		s, err := b.Compile()
		if err != nil {
			t.Fatal(seed, err)
		}
		probeAll(t, s, oracleOf(s), r)
	}
}

// TestOracleLongNetworks has no short networks of IPv6, so that the filter on
// the first 32 bits is used.
func TestOracleLongNetworks(t *testing.T) {
	for seed := range 60 {
		r := pool{rand.New(rand.NewPCG(uint64(seed), 6))}
		b := NewBuilder(Options{Warnings: none})
		for range 1 + r.IntN(60) {
			a := r.addr()
			p, _ := a.Prefix(a.BitLen()/4 + r.IntN(a.BitLen()*3/4))
			if _, err := b.Add(Selector{Value: p.String()}); err != nil {
				t.Fatal(err)
			}
		}
		s, err := b.Compile()
		if err != nil {
			t.Fatal(err)
		}
		if s.six.near != nil && s.six.filter == nil {
			t.Fatal("no filter")
		}
		probeAll(t, s, oracleOf(s), r)
	}
}

// TestHashesThatMeet: a table of keys under one hash is refused, since a search
// through them would have no bound.
func TestHashesThatMeet(t *testing.T) {
	table := func(n int) (t hashed, ok bool) {
		ok = t.fill(n, n, maxRun, func(put func(h uint64, id ID)) {
			for i := range n {
				put(7<<60, ID(i+1))
			}
		})
		return t, ok
	}
	full, ok := table(maxRun)
	if from, to := full.bucket(7 << 60); !ok || to-from != maxRun {
		t.Error("as many as may be are refused, or not found")
	}
	if from, to := full.bucket(1 << 60); from != to {
		t.Error("a bucket that has nothing has something")
	}
	if _, ok := table(maxRun + 1); ok {
		t.Error("one too many is taken")
	}
}
