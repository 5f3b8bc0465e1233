package driver

import (
	"net/netip"
	"testing"
	"time"
)

// What reaches IPv4 through a translator is known by the addresses it reaches.
func TestEmbedded(t *testing.T) {
	for six, four := range map[string]string{
		"64:ff9b::/96": "0.0.0.0/0", "64:ff9b::/32": "0.0.0.0/0", "64:ff9b::c000:201/128": "192.0.2.1/32", "64:ff9b::c000:200/120": "192.0.2.0/24",
		"64:ff9b:1::/48": "0.0.0.0/0", "64:ff9b:1::c000:201/128": "192.0.2.1/32", "2002::/16": "0.0.0.0/0", "2002:c000:200::/40": "192.0.2.0/24", "2002:c000:201:7::1/128": "192.0.2.1/32",
		"::ffff:0:0/96": "0.0.0.0/0", "::ffff:192.0.2.0/120": "192.0.2.0/24", "::/0": "0.0.0.0/0",
		"2001:db8::/32": "", "192.0.2.0/24": "", "64:ff9c::/96": "", "fe80::1/128": "",
	} {
		got, ok := Embedded(netip.MustParsePrefix(six))
		if ok != (four != "") || ok && got.String() != four {
			t.Errorf("%s: %v, want %s", six, got, four)
		}
	}
	if _, ok := Embedded(netip.Prefix{}); ok {
		t.Error("no prefix reaches something")
	}
}

func TestSteady(t *testing.T) {
	now := Steady()
	before := now()
	for range 1000 {
		after := now()
		if after.Before(before) || time.Since(after).Abs() > time.Minute || after.Location() != time.UTC {
			t.Fatalf("%s after %s", after, before)
		}
		before = after
	}
}
