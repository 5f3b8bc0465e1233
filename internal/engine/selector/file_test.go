package selector

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

var sample = []string{"192.0.2.1", "10.0.0.0/8", "2001:db8::1", "2001:db8::/32", "evil.example", ".bad.example", "e7d705a3286e19ea42f587b344ee6865",
	"t13d1516h2_8daaf6152771_b186095e22b6", "evil.example/a", "evil.example/{x}", strings.Repeat("1", 40), strings.Repeat("2", 64), "tcp/4444", `"cmd.exe"`}

// encoded returns a compiled list with an override, of all forms.
func encoded(t testing.TB) []byte {
	t.Helper()
	b := NewBuilder(Options{Lister: "Sato"})
	for i, v := range sample {
		if _, err := b.Add(Selector{Value: v, Source: "item", Act: "act", Approval: "ap", Expires: noon + int64(i%3), Reason: "why", By: "Suzuki"}); err != nil {
			t.Fatal(err)
		}
	}
	file, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestFileIsTheSameEachTime(t *testing.T) {
	a, b := encoded(t), encoded(t)
	if !bytes.Equal(a, b) {
		t.Error("the same list gives other bytes")
	}
	s, err := Load(a, nil)
	if err != nil || s.Len() != len(sample) || s.Info(2).By != "Suzuki" || s.Info(1).By != "" {
		t.Fatal(s, err)
	}
	if s.Info(0) != (Selector{}) || s.Info(ID(len(sample)+1)) != (Selector{}) || s.Ref(0) != "" || s.Expires(99) != 0 {
		t.Error("an ID that is none says something")
	}
	if got, want := s.Ref(5), s.RefOf(Domain, "evil.example"); got != want || len(got) != 18 || !strings.HasPrefix(got, "s:") {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestEveryBitCounts flips each bit of a file, and cuts it at each length.
func TestEveryBitCounts(t *testing.T) {
	file := encoded(t)
	for i := range file {
		for bit := range 8 {
			bent := bytes.Clone(file)
			bent[i] ^= 1 << bit
			if _, err := Load(bent, nil); err == nil {
				t.Fatalf("bit %d of byte %d does not count", bit, i)
			}
		}
		if _, err := Load(file[:i], nil); err == nil {
			t.Fatalf("%d bytes are taken", i)
		}
	}
	if _, err := Load(append(bytes.Clone(file), 0), nil); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
}

// forge changes a file and gives it the hash that fits.
func forge(file []byte, change func([]byte)) []byte {
	f := bytes.Clone(file)
	change(f)
	sum := hashOf(f)
	copy(f[64:], sum[:])
	return f
}

// TestForgedFiles: with the right hash, every value is still checked.
func TestForgedFiles(t *testing.T) {
	file := encoded(t)
	good, err := Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	arena := int(binary.LittleEndian.Uint64(file[40:]))
	runs := func(f []byte) int { return len(f) - arena - int(f[52])*runSize }
	for name, change := range map[string]func([]byte){
		"version":       func(f []byte) { f[16] = 3 },
		"older version": func(f []byte) { f[16] = 1 },
		"count":         func(f []byte) { binary.LittleEndian.PutUint32(f[20:], 1<<31) },
		"one less":      func(f []byte) { f[20]-- },
		"texts":         func(f []byte) { binary.LittleEndian.PutUint64(f[32:], 1<<60) },
		"arena":         func(f []byte) { binary.LittleEndian.PutUint64(f[40:], ^uint64(0)) },
		"lister":        func(f []byte) { f[48] = 200 },
		"no lister":     func(f []byte) { f[48] = 0 },
		"reserved":      func(f []byte) { f[60] = 1 },
		"runs":          func(f []byte) { binary.LittleEndian.PutUint32(f[52:], 1<<20) },
		"one run less":  func(f []byte) { f[52]-- },
		"form":          func(f []byte) { f[len(f)-arena] = 15 },
		"no form":       func(f []byte) { f[len(f)-arena] = 0 },
		"row":           func(f []byte) { f[runs(f)+7] = 0xff },
		"no first run":  func(f []byte) { f[runs(f)] = 1 },
		"run before":    func(f []byte) { f[runs(f)+runSize] = 0 },
		"run behind":    func(f []byte) { f[runs(f)+(len(sample)-1)*runSize] = byte(len(sample)) },
		"the same row":  func(f []byte) { copy(f[runs(f)+runSize+4:], f[runs(f)+4:runs(f)+8]) },
		"twice": func(f []byte) {
			i := bytes.Index(f, []byte{byte(addr6), 0x20, 1, 0x0d, 0xb8})
			copy(f[bytes.Index(f, []byte{byte(formJA3), 0xe7, 0xd7}):], f[i:i+17])
		},
		"upper-case name":  func(f []byte) { f[bytes.Index(f, []byte("evil.example"))] = 'E' },
		"length of a name": func(f []byte) { f[bytes.Index(f, []byte("evil.example"))-1] = 0xff },
		"no name":          func(f []byte) { f[bytes.Index(f, []byte("evil.example"))-1] = 0 },
		"shorter name":     func(f []byte) { f[bytes.Index(f, []byte("evil.example"))-1] -= 2 },
		"length spelled":   func(f []byte) { i := bytes.Index(f, []byte("evil.example")); f[i-1], f[i] = byte(formDomain), 11 },
		"length past end":  func(f []byte) { i := bytes.LastIndex(f, []byte("cmd.exe")); f[i-1] = 8 },
		"no protocol":      func(f []byte) { f[bytes.LastIndex(f, []byte{byte(formPort), 6, 4444 >> 8, 4444 & 0xff})+1] = 1 },
		"host bits":        func(f []byte) { f[bytes.Index(f, []byte{10, 0, 0, 0, 8})+3] = 1 },
		"too wide":         func(f []byte) { copy(f[bytes.Index(f, []byte{10, 0, 0, 0, 8}):], []byte{10, 0, 0, 0, 7}) },
		"everything":       func(f []byte) { copy(f[bytes.Index(f, []byte{10, 0, 0, 0, 8}):], []byte{0, 0, 0, 0, 0}) },
		"too wide, IPv6": func(f []byte) {
			i := bytes.Index(f, []byte{0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32})
			copy(f[i:], []byte{0x20, 0, 0, 0})
			f[i+16] = 15
		},
		"template": func(f []byte) { f[bytes.Index(f, []byte("{x}"))+1] = '}' },
		"text":     func(f []byte) { f[bytes.Index(f, []byte("Suzuki"))] = 7 },
	} {
		if _, err := Load(forge(file, change), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 3000 { // whatever loads answers for all its selectors
		f := forge(file, func(f []byte) {
			for range 1 + r.IntN(3) {
				f[r.IntN(len(f))] = byte(r.Uint32())
			}
		})
		if s, err := Load(f, nil); err == nil && s.Len() != good.Len() {
			t.Errorf("%d selectors", s.Len())
		}
	}
}

// TestRows: each selector says what it was given, whatever those beside it say.
func TestRows(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	b := NewBuilder(Options{Warnings: none})
	var want []Selector
	for i := range 5000 {
		s := Selector{Kind: Domain, Value: fmt.Sprintf("a%d.example", i), Source: string('a' + rune(i/70%5))}
		if i%700 > 350 {
			s.Source, s.Expires = string('a'+rune(r.IntN(3))), noon+int64(r.IntN(2))
		}
		if r.IntN(9) == 0 {
			s.Kind, s.Value = Pattern, fmt.Sprintf("hex:%0*x", 8+2*r.IntN(9), i)
		} else if r.IntN(9) == 0 { // also such whose form and length are two bytes
			s.Kind, s.Value = Suffix, fmt.Sprintf(".a%d%s.example", i, strings.Repeat(".of-10chars", r.IntN(22)))
		}
		if _, err := b.Add(s); err != nil {
			t.Fatal(err)
		}
		want = append(want, s)
	}
	s, err := b.Compile()
	if err != nil {
		t.Fatal(err)
	}
	over := 0
	for i, w := range want {
		if id := ID(i + 1); s.Info(id) != w || s.Expires(id) != w.Expires {
			t.Fatalf("%+v, want %+v", s.Info(id), w)
		}
		if w.Kind != Pattern && s.Name([]byte(strings.TrimPrefix(w.Value, "."))) != ID(i+1) {
			t.Fatalf("%+v is not found", w)
		}
		if w.Expires == noon {
			over++
		}
	}
	if got := s.Expired(noon); got != over || over == 0 {
		t.Errorf("%d have expired, want %d", got, over)
	}
	for id, o := range s.body.all {
		if o.row != s.body.row(id) {
			t.Fatalf("selector %d has the rows %d and %d", id, o.row, s.body.row(id))
		}
	}
	live, gone, err := s.Live(noon)
	if err != nil || gone != over {
		t.Fatal(gone, err)
	}
	want = slices.DeleteFunc(want, func(w Selector) bool { return w.Expires == noon })
	for i, w := range want {
		if live.Info(ID(i+1)) != w {
			t.Fatalf("%+v, want %+v", live.Info(ID(i+1)), w)
		}
	}
}

func TestSignatures(t *testing.T) {
	keys := func(name string) (note.Signer, note.Verifiers) {
		secret, public, err := note.GenerateKey(nil, name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := note.NewSigner(secret)
		if err != nil {
			t.Fatal(err)
		}
		v, err := note.NewVerifier(public)
		if err != nil {
			t.Fatal(err)
		}
		return s, note.VerifierList(v)
	}
	signer, known := keys("authority.example")
	_, other := keys("authority.example")
	_, another := keys("other.example")
	file := encoded(t)
	signed, err := Sign(file, signer)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(signed, known)
	if err != nil || strings.Join(s.Signers(), " ") != "authority.example" {
		t.Fatal(err)
	}
	plain, err := Load(signed, nil)
	if err != nil || len(plain.Signers()) != 0 || plain.Hash() != s.Hash() {
		t.Error(err)
	}
	again, err := Sign(signed, signer)
	if err != nil || !bytes.Equal(again, signed) {
		t.Error("signing again changes the file", err)
	}
	for _, c := range []struct {
		file  []byte
		known note.Verifiers
	}{{file, known}, {signed, other}, {signed, another}} {
		if _, err := Load(c.file, c.known); !errors.Is(err, ErrUnsigned) {
			t.Error(err)
		}
	}
	// The signature of one list does not serve another.
	b := NewBuilder(Options{})
	if _, err := b.Add(Selector{Value: "203.0.113.9"}); err != nil {
		t.Fatal(err)
	}
	foreign, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Load(append(foreign, signed[len(file):]...), known); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	for i := len(file); i < len(signed); i++ {
		bent := bytes.Clone(signed)
		bent[i] ^= 1
		if _, err := Load(bent, known); err == nil {
			t.Fatalf("byte %d of the signature does not count", i)
		}
	}
	if _, _, err := Read("x", []byte("203.0.113.9\n"), Options{}, known); !errors.Is(err, ErrNotCompiled) {
		t.Error(err)
	}
}

func TestLive(t *testing.T) {
	file := encoded(t) // expiries: noon, noon+1, noon+2 in turn
	s, err := Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if same, gone, err := s.Live(noon - 1); same != s || gone != 0 || err != nil {
		t.Error(gone, err)
	}
	live, gone, err := s.Live(noon)
	if err != nil || gone != 5 || live.Len() != len(sample)-5 || live.Addr4(0xc0000201) != 0 || live.Lister() != "Sato" {
		t.Fatal(gone, err)
	}
	if id := live.Addr4(0x0a000001); live.Info(id) != s.Info(2) || live.Ref(id) != s.Ref(2) || live.Expires(id) != noon+1 {
		t.Errorf("%+v", live.Info(id))
	}
	if _, r, err := Read("x", file, Options{Now: noon}, nil); err != nil || r.Expired != 5 || r.Format != CompiledAs {
		t.Errorf("%+v %v", r, err)
	}
	if _, _, err := Read("x", file, Options{Now: noon + 2}, nil); !errors.Is(err, ErrEmpty) {
		t.Error(err)
	}
}

// TestSelftestFindsFaults breaks the indexes of a loaded list, one by one.
func TestSelftestFindsFaults(t *testing.T) {
	file := encoded(t)
	fill := func(list []uint64) {
		for i := range list {
			list[i] = ^uint64(0)
		}
	}
	for name, c := range map[string]struct {
		spoil func(s *Set)
		what  string
		kind  Kind
	}{
		"address lost":  {func(s *Set) { clear(s.four.filter) }, noCanary, Address},
		"network lost":  {func(s *Set) { clear(s.four.near) }, noCanary, Prefix},
		"network grown": {func(s *Set) { fill(s.four.near); s.four.nets.ids[0] = 2 }, nearMiss, Prefix},
		"name lost":     {func(s *Set) { clear(s.hashed.filter) }, noCanary, Address},
		"suffix lost":   {func(s *Set) { s.hashed.depths = 0; clear(s.hashed.index) }, noCanary, Address},
		"port lost":     {func(s *Set) { clear(s.ports.bits[0][:]) }, noCanary, Port},
		"port shifted":  {func(s *Set) { fill(s.ports.bits[0][:]); s.ports.ids[6<<16|4445] = 13 }, nearMiss, Port},
		"pattern lost":  {func(s *Set) { clear(s.patterns.out) }, noCanary, Pattern},
		"template lost": {func(s *Set) { clear(s.uris.filter) }, noCanary, URI},
	} {
		s, err := Load(bytes.Clone(file), nil)
		if err != nil {
			t.Fatal(err)
		}
		c.spoil(s)
		var bad *SelftestError
		if err := s.Selftest(); !errors.As(err, &bad) || bad.Tested != len(sample) || bad.Failures[0].What != c.what || bad.Failures[0].Kind != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A list compiled without a look at warnings is refused where it is read, unless a
// second person took what meets them; how many did is counted.
func TestCompiledWithoutWarnings(t *testing.T) {
	b := NewBuilder(Options{Warnings: &Warnings{}})
	for _, v := range []string{"192.0.2.1", "8.8.8.8"} {
		if _, err := b.Add(Selector{Value: v}); err != nil {
			t.Fatal(err)
		}
	}
	file, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var bad *FileError
	if _, _, err := Read("x", file, Options{}, nil); !errors.As(err, &bad) || bad.Kind != ErrDamaged {
		t.Errorf("taken: %v", err)
	}
	if _, _, err := Read("x", file, Options{Warnings: &Warnings{}}, nil); err != nil { // of a run that is over
		t.Error(err)
	}
	s, r, err := Read("x", encoded(t), Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, by := s.Overridden(); n == 0 || n != r.Overridden || !slices.Equal(by, []string{"Suzuki"}) {
		t.Errorf("%d of %d by %q", n, r.Overridden, by)
	}
}

// A public id says nothing to who has not the list: the same condition has
// another in another list, and the same whenever the same one is read.
func TestPublicIDsAreOfTheList(t *testing.T) {
	list := func(text string) *Set {
		s, _, err := Read("x", []byte(text), Options{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, again, other := list("203.1.113.9\nevil.example\n"), list("203.1.113.9\nevil.example\n"), list("evil.example\n203.1.113.9\n")
	if a.Ref(1) != again.Ref(1) || a.Ref(2) != again.Ref(2) || a.Ref(1) == a.Ref(2) {
		t.Error("the same list, and other ids")
	}
	if a.Ref(1) == other.Ref(2) || a.Ref(2) == other.Ref(1) {
		t.Error("another list, and the same ids")
	}
}
