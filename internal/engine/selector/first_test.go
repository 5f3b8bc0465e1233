package selector

import (
	"net/netip"
	"testing"
)

func TestFirst(t *testing.T) {
	b := NewBuilder(Options{})
	for _, v := range []string{"192.0.2.1", "10.0.0.0/8", "10.1.0.0/16", "2001:db8::1", "2001:db8::/32", "evil.example", "*.bad.example", ".deep.bad.example"} {
		if a, err := b.Add(Selector{Value: v, Source: "x"}); err != nil || a != Taken {
			t.Fatal(v, a, err)
		}
	}
	s, err := b.Compile()
	if err != nil {
		t.Fatal(err)
	}
	at := func(a string) ID { x := netip.MustParseAddr(a).As16(); return s.Addr16(&x) }
	for a, want := range map[string]ID{"192.0.2.1": 1, "192.0.2.2": 0, "10.0.0.1": 2, "10.1.0.1": 3, "10.2.0.0": 2, "9.255.255.255": 0, "11.0.0.0": 0, "2001:db8::1": 4, "2001:db8::2": 5, "2001:db9::": 0, "2001:db7:ffff::": 0} {
		if got := at(a); got != want {
			t.Error(a, got, want)
		}
	}
	for a, want := range map[string]ID{"EVIL.example.": 6, "x.evil.example": 0, "bad.example": 7, "a.b.bad.example": 7, "xbad.example": 0, "deep.bad.example": 8, "x.deep.bad.example": 8, "": 0, ".": 0} {
		if got := s.Name([]byte(a)); got != want {
			t.Error(a, got, want)
		}
	}
	for i := range s.Len() {
		t.Log(s.Info(ID(i+1)), s.Ref(ID(i+1)))
	}
}
