package exposure

import (
	"testing"

	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/cpe"
)

// Registers write short names, feeds long ones and those of the maker before.
func TestAProductIsFoundByItsOtherNames(t *testing.T) {
	d := product.NewDictionary()
	for _, n := range []cpe.Name{{Part: "a", Vendor: "citrix", Product: "netscaler_application_delivery_controller"}, {Part: "o", Vendor: "fortinet", Product: "fortios"}, {Part: "a", Vendor: "pulsesecure", Product: "pulse_connect_secure"}} {
		d.AddName(n, "")
	}
	for _, c := range [][3]string{
		{"Citrix", "NetScaler ADC", "cpe:2.3:a:citrix:netscaler_application_delivery_controller:*:*:*:*:*:*:*:*"},
		{"シトリックス", "Citrix ADC", "cpe:2.3:a:citrix:netscaler_application_delivery_controller:*:*:*:*:*:*:*:*"},
		{"フォーティネット", "FortiOS", "cpe:2.3:o:fortinet:fortios:*:*:*:*:*:*:*:*"},
	} {
		got := likeliest(d, c[0], c[1])
		if len(got) == 0 || got[0].Identity != product.Equal || got[0].Name.String() != c[2] {
			t.Errorf("%s %s: %+v", c[0], c[1], got)
		}
	}
	if got := likeliest(d, "フォーティネット", "FortiGate 100F"); len(got) == 0 || got[0].Identity != product.Proposed || got[0].Name.Product != "fortios" || got[0].Score < leastProposed {
		t.Errorf("the system of a box: %+v", got)
	}
	if got := likeliest(d, "灯ネットワークス", "FortiOS"); len(got) > 0 && got[0].Identity == product.Equal {
		t.Errorf("another maker's product of the same name: %+v", got[0])
	}
}
