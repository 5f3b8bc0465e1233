package exposure

import (
	"testing"

	"noroshi/internal/engine/product"
	"pgregory.net/rapid"
)

func TestASubjectComesBackFromItsBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := subject{quantity: rapid.IntRange(1, 1_000_000).Draw(t, "quantity"), variant: variant{
			ident: ident{rapid.String().Draw(t, "name"), rapid.String().Draw(t, "pkg"), rapid.String().Draw(t, "version"), rapid.String().Draw(t, "text"),
				product.Identity(rapid.IntRange(0, 3).Draw(t, "identity"))},
			zone: rapid.SampledFrom([]string{"", "internet", "ot"}).Draw(t, "zone"), edge: rapid.Bool().Draw(t, "edge"), control: rapid.Bool().Draw(t, "control"),
			essential: rapid.Bool().Draw(t, "essential"), operated: rapid.String().Draw(t, "operated"), ends: rapid.String().Draw(t, "ends"),
		}}
		q, rest, err := splitSubject(s.bytes())
		if err != nil || q != s.quantity {
			t.Fatal(q, err)
		}
		v, err := parseVariant(rest)
		if err != nil || v != s.variant {
			t.Fatalf("%+v %v, want %+v", v, err, s.variant)
		}
	})
}

func FuzzSubject(f *testing.F) {
	f.Add((&subject{quantity: 3, variant: variant{ident: ident{version: "1.0"}, zone: "dmz"}}).bytes())
	f.Add([]byte{1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, rest, err := splitSubject(b)
		if err != nil {
			return
		}
		v, err := parseVariant(rest)
		if err != nil {
			return
		}
		again := subject{quantity: 1, variant: v}
		_, rest, err = splitSubject(again.bytes())
		if err != nil {
			t.Fatal(err)
		}
		if back, err := parseVariant(rest); err != nil || back != v {
			t.Fatal("what was read does not come back")
		}
	})
}
