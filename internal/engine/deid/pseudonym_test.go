package deid

import (
	"encoding/base32"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/zeebo/blake3"
)

func testNames() *Names { return NewNames([32]byte{1, 2, 3}) }

// TestPseudonymsEqualThePlainConstruction: BLAKE3's keyed hash of the kind, a
// zero and the canonical value, the first 130 bits in base 32.
func TestPseudonymsEqualThePlainConstruction(t *testing.T) {
	n, rng := testNames(), rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		v := make([]byte, rng.IntN(80))
		for i := range v {
			v[i] = byte(rng.Uint32())
		}
		h, err := blake3.NewKeyed(append([]byte{1, 2, 3}, make([]byte, 29)...))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = h.Write(append([]byte("account\x00"), v...))
		want := "p:account:" + strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)))[:26]
		if got := string(n.Append(nil, Account, v)); got != want {
			t.Fatalf("%x: %s, want %s", v, got, want)
		}
	}
}

func TestOneIdentifierHasOnePseudonym(t *testing.T) {
	n := testNames()
	for _, c := range []struct {
		kind Kind
		same []string
	}{
		{Mail, []string{"Taro@example.jp", "Taro@EXAMPLE.JP", "Taro@example.jp."}},
		{Mail, []string{"a@日本語.jp", "a@xn--wgv71a119e.jp", "a@日本語。jp"}},
		{Mail, []string{`"a@b"@example.jp`, `"a@b"@Example.jp`}},
		{Host, []string{"www.Example.jp", "www.example.jp.", "WWW.EXAMPLE.JP"}},
		{Host, []string{"bücher.example", "BÜCHER.example", "xn--bcher-kva.example"}},
		{Name, []string{"山田 太郎", "山田　太郎", " 山田  太郎 "}},
		{Name, []string{"Taro Yamada", "taro yamada", "ＴＡＲＯ　ＹＡＭＡＤＡ"}},
		{Address, []string{"203.0.113.9", "::ffff:203.0.113.9"}},
		{Address, []string{"2001:db8::1", "2001:0DB8:0:0:0:0:0:1", "2001:db8::1%eth0"}},
		{Device, []string{"00:1A:2b:3c:4d:5e", "00-1a-2b-3c-4d-5e", "001A.2B3C.4D5E"}},
		{Phone, []string{"+81-3-1234-5678", "+81 (3) 1234 5678"}},
	} {
		want := n.Of(c.kind, []byte(c.same[0]))
		for _, v := range c.same[1:] {
			if got := n.Of(c.kind, []byte(v)); got != want {
				t.Errorf("%s: %q and %q differ", c.kind, c.same[0], v)
			}
		}
	}
}

func TestOtherIdentifiersHaveOtherPseudonyms(t *testing.T) {
	n := testNames()
	seen := map[Pseudonym]string{}
	for _, c := range []struct {
		kind  Kind
		value string
	}{
		{Mail, "a@example.jp"}, {Mail, "A@example.jp"}, {Mail, "a@example.com"}, {Account, "a@example.jp"}, {Account, "A"}, {Account, "a"},
		{Account, "a "}, {Name, "a"}, {Host, "a"}, {Device, "a"}, {Phone, "a"}, {Address, "a"}, {Account, ""}, {Mail, ""}, {Address, "10.0.0.1"},
		{Account, "10.0.0.1"}, {Address, "10.0.0.2"}, {Name, "ab"}, {Name, "a b"}, {Mail, "\xff\xfe@\xff"}, {Host, "\xff"},
	} {
		p := n.Of(c.kind, []byte(c.value))
		if was, ok := seen[p]; ok {
			t.Errorf("%s %q and %s are one", c.kind, c.value, was)
		}
		seen[p] = c.kind.String() + " " + c.value
	}
	fold := testNames()
	if fold.FoldLocal = true; fold.Of(Mail, []byte("A@example.jp")) != fold.Of(Mail, []byte("a@example.jp")) {
		t.Error("told to fold, and does not")
	}
	if fold.Clone().Of(Mail, []byte("A@b.jp")) != fold.Of(Mail, []byte("a@b.jp")) {
		t.Error("the clone does not fold")
	}
}

func TestHostKeepsWhatIsNamed(t *testing.T) {
	n := testNames()
	of := func(s string) string { return string(n.Append(nil, Host, []byte(s))) }
	for _, c := range []struct{ name, keep, want string }{
		{"taro.pc.example.jp", "example.jp", of("taro.pc.example.jp") + ".example.jp"},
		{"Taro.PC.Example.JP.", ".EXAMPLE.jp", of("taro.pc.example.jp") + ".example.jp"},
		{"example.jp", "example.jp", "example.jp"},
		{"badexample.jp", "example.jp", of("badexample.jp")},
		{"taro.example.com", "example.jp", of("taro.example.com")},
		{"taro.example.com", "", of("taro.example.com")},
		{"jp", "example.jp", of("jp")},
		{"", "example.jp", of("")},
		{"www.日本語.jp", "日本語.jp", of("www.xn--wgv71a119e.jp") + ".xn--wgv71a119e.jp"},
	} {
		got := string(n.Host(nil, []byte(c.name), []byte(c.keep)))
		if got != c.want {
			t.Errorf("%s below %s: %s, want %s", c.name, c.keep, got, c.want)
		}
		if strings.HasPrefix(got, "p:") {
			if p, err := ParsePseudonym(got); err != nil || p != n.Of(Host, []byte(c.name)) {
				t.Errorf("%s is not read back: %v", got, err)
			}
		}
	}
	if a, b := n.Of(Host, []byte("www.a.jp")), n.Of(Host, []byte("www.b.jp")); a == b {
		t.Error("www below two suffixes is one")
	}
}

func TestPseudonymsAreReadBack(t *testing.T) {
	n := testNames()
	for k := Mail; k < kinds; k++ {
		p := n.Of(k, []byte("x@example.jp"))
		if got, err := ParsePseudonym(p.String()); err != nil || got != p || got.Kind() != k {
			t.Errorf("%s: %v", p, err)
		}
	}
	good := n.Of(Mail, []byte("x")).String()
	for _, bad := range []string{"", "p:", "p:mail:", good[:len(good)-1], good + "a", good + ".example.jp", strings.ToUpper(good), "q" + good[1:], strings.Replace(good, "mail", "male", 1), good[:len(good)-1] + "1"} {
		if p, err := ParsePseudonym(bad); err != ErrPseudonym || p != (Pseudonym{}) {
			t.Errorf("%q is read as %v", bad, p)
		}
	}
}

func TestPseudonymsAllocateNothing(t *testing.T) {
	n, dst := testNames(), make([]byte, 0, 128)
	mail, host, keep := []byte("Taro.Yamada@Example.JP"), []byte("www.Example.jp"), []byte("example.jp")
	if got := testing.AllocsPerRun(100, func() {
		dst = n.Append(dst[:0], Mail, mail)
		dst = n.Host(dst[:0], host, keep)
	}); got > 0 {
		t.Errorf("%v allocations", got)
	}
}

// TestALongNameIsTakenAsItIs: Punycode of 4 KB took 50 ms, so that a flood of
// such names would have stopped a run.
func TestALongNameIsTakenAsItIs(t *testing.T) {
	n := testNames()
	short, long := strings.Repeat("é", maxIDN/4), strings.Repeat("é", maxIDN)
	if got := string(appendHost(nil, []byte(long))); got != long {
		t.Error("a long name is changed")
	}
	if n.Of(Host, []byte(short)) == n.Of(Host, []byte(long)) || n.Of(Host, []byte(long)) == n.Of(Host, []byte(long[2:])) {
		t.Error("two names have one pseudonym")
	}
}

func TestWipedNamesForget(t *testing.T) {
	n := testNames()
	before := n.Of(Account, []byte("a"))
	n.Wipe()
	if n.key != [32]byte{} || n.Of(Account, []byte("a")) == before {
		t.Error("the key is still there")
	}
}

func FuzzPseudonym(f *testing.F) {
	f.Add(uint8(1), []byte("Taro@example.jp"), []byte("jp"))
	f.Add(uint8(4), []byte("www.日本語.jp."), []byte(".日本語.jp"))
	f.Add(uint8(3), []byte("山田　太郎"), []byte(""))
	n, persons := testNames(), NewPersons()
	f.Fuzz(func(t *testing.T, kind uint8, value, keep []byte) {
		k := Kind(kind)%(kinds-1) + 1
		p := n.Of(k, value)
		if got, err := ParsePseudonym(p.String()); err != nil || got != p {
			t.Errorf("%s: %v", p, err)
		}
		if got := n.Clone().Of(k, value); got != p {
			t.Errorf("%s and then %s", p, got)
		}
		_ = n.Host(nil, value, keep)
		_ = persons.Mail(value)
		_, _ = ParsePseudonym(string(value))
		_, _ = ParseNetwork(string(value))
	})
}
