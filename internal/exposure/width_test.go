package exposure

import "testing"

func TestPlainWidth(t *testing.T) {
	for in, want := range map[string]string{"１０．２．３": "10.2.3", "７．２．４　ｂｕｉｌｄ１３９６（ＧＡ）": "7.2.4 build1396(GA)", "9.9～9.6": "9.9～9.6", "7.2.4以降": "7.2.4以降", "15.2(4)M3": "15.2(4)M3"} {
		if got := plainWidth(in); got != want {
			t.Errorf("%q is read as %q, want %q", in, got, want)
		}
	}
}
