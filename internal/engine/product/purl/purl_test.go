package purl

import (
	"errors"
	"strings"
	"testing"
)

func TestKey(t *testing.T) {
	for _, c := range []struct{ text, key, version string }{
		{"pkg:npm/lodash@4.17.21", "npm/lodash", "4.17.21"},
		{"pkg:npm/%40acme/Widget@1.0.0", "npm/%40acme/Widget", "1.0.0"},
		{"pkg:npm/@acme/widget@1.0.0", "npm/%40acme/widget", "1.0.0"},
		{"PKG:PyPI/Acme_Tools.core@1.0", "pypi/acme-tools-core", "1.0"},
		{"pkg:pypi/acme--tools", "pypi/acme-tools", ""},
		{"pkg:github/Acme/Edge@v1.0", "github/acme/edge", "v1.0"},
		{"pkg:golang/Example.org/X/Sys@v0.1.0#unix", "golang/example.org/x/sys", "v0.1.0"},
		{"pkg:maven/org.example/core@2.0?type=jar&classifier=x", "maven/org.example/core", "2.0"},
		{"pkg:deb/debian/OpenSSL@1:3.0.11-1~deb12u2?arch=amd64", "deb/debian/openssl", "1:3.0.11-1~deb12u2"},
		{"pkg:deb/debian/openssl@3.0.11%2Bb1", "deb/debian/openssl", "3.0.11+b1"},
		{"pkg:rpm/acme/edge@1.0-1.el9", "rpm/acme/edge", "1.0-1.el9"},
		{"pkg:rpm/acme/edge@1.40.16-15.el8_9?arch=x86_64&epoch=1", "rpm/acme/edge", "1:1.40.16-15.el8_9"}, // grype 2170
		{"pkg:nuget/Acme.Json@13.0.1", "nuget/acme.json", "13.0.1"},
		{"pkg:generic/edge%20box@1.0", "generic/edge%20box", "1.0"},
		{"pkg://npm/lodash", "npm/lodash", ""},
	} {
		key, version, err := Key(c.text)
		if err != nil || key != c.key || version != c.version {
			t.Errorf("%s: %q %q %v, want %q %q", c.text, key, version, err, c.key, c.version)
		}
		again, none, err := Key("pkg:" + key)
		if err != nil || again != key || none != "" {
			t.Errorf("%s: its key %q gives %q %q %v", c.text, key, again, none, err)
		}
		if Type(c.text) != Type(key) || !strings.HasPrefix(key, Type(key)+"/") {
			t.Errorf("%s: type %q and %q", c.text, Type(c.text), Type(key))
		}
	}
}

func TestKeyErrors(t *testing.T) {
	for _, c := range []struct {
		text   string
		offset int
	}{
		{"", 0}, {"npm/lodash", 0}, {"pkg:npm", 4}, {"pkg:npm/", 8}, {"pkg:npm/@1.0", 8}, {"pkg:npm/a%zz", 9}, {"pkg:npm/a@1%", 11},
		{"pkg:n*m/a", 8}, {"pkg:pypi/\x98a", 9}, {"pkg:npm/a%98", 8}, {"pkg:npm/" + strings.Repeat("あ", 600), 8}, {"pkg:npm/" + strings.Repeat("a", MaxLen), MaxLen},
	} {
		key, _, err := Key(c.text)
		var e *Error
		if !errors.As(err, &e) || e.Offset != c.offset || e.Detail == "" || !strings.HasPrefix(e.Error(), "purl: byte ") {
			t.Errorf("%.40q: %q, %v, want byte %d", c.text, key, err, c.offset)
		}
	}
}

func FuzzKey(f *testing.F) {
	for _, s := range []string{"pkg:npm/%40acme/widget@1.0.0?a=b#c", "pkg:pypi/A_b.c@1%2B0", "pkg:deb/debian/x@1:2~3", "pkg:npm/@a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key, _, err := Key(s)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(s) {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		again, version, err := Key("pkg:" + key)
		if err != nil || again != key || version != "" {
			t.Fatalf("%q: key %q gives %q %q %v", s, key, again, version, err)
		}
	})
}

func BenchmarkKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Key("pkg:npm/%40acme/widget@1.0.0"); err != nil {
			b.Fatal(err)
		}
	}
}
