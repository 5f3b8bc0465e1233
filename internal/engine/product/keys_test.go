package product

import (
	"slices"
	"testing"

	"noroshi/internal/engine/product/cpe"
)

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		name cpe.Name
		pkg  string
		want []string
	}{
		{cpe.Name{Part: "o", Vendor: "fortinet", Product: "fortios", Version: "7.4.3"}, "", []string{"cpe:o:fortinet:fortios"}},
		{cpe.Name{Vendor: "fortinet", Product: "fortios"}, "", []string{"cpe:a:fortinet:fortios", "cpe:o:fortinet:fortios", "cpe:h:fortinet:fortios"}},
		{cpe.Name{Part: "a", Product: "bash"}, "", nil},
		{cpe.Name{Part: "a", Vendor: "pascom_cloud_phone_system"}, "", nil},
		{cpe.Name{Part: "a", Vendor: "-", Product: "bash"}, "", nil},
		{cpe.Name{Part: "a", Vendor: "gnu", Product: "?*"}, "", nil},
		{cpe.Name{Part: "a", Vendor: "gnu", Product: "ba*"}, "", []string{"cpe:a:gnu:ba*"}},
		{cpe.Name{Part: "a", Vendor: "gnu", Product: `what\?`}, "", []string{`cpe:a:gnu:what\?`}},
		{cpe.Name{}, "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1?type=jar", []string{"purl:maven/org.apache.logging.log4j/log4j-core"}},
		{cpe.Name{}, "pkg:npm/%40angular/core@12.0.0", []string{"purl:npm/%40angular/core"}},
		{cpe.Name{}, "pkg:npm/lodash@4.17.20", []string{"purl:npm/lodash"}},
		{cpe.Name{}, "not a package", nil},
		{cpe.Name{}, "", nil},
	} {
		if got := Keys(c.name, c.pkg); !slices.Equal(got, c.want) {
			t.Errorf("Keys(%v, %q) = %q, want %q", c.name, c.pkg, got, c.want)
		}
	}
}
