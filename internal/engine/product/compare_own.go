package product

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"noroshi/internal/engine/product/cpe"
)

var (
	// "Cisco IOS XE Software, Version 17.9.4a, RELEASE SOFTWARE (fc3)"
	wordVersion = regexp.MustCompile(`(?i)^[^0-9]*\bversion[ :]+([0-9][^ ,;]*)(, release software.*)?$`)
	// "FGT100F v7.2.4": a model, then the version
	afterModel = regexp.MustCompile(`(?i)^[a-z]+-?[0-9]+[a-z]{0,3}[ ,:]+v([0-9]+\..*)$`)
	// "NS13.1: Build 49.15.nc" is NetScaler's 13.1-49.15
	netScaler = regexp.MustCompile(`(?i)^(?:netscaler +)?ns([0-9]+\.[0-9]+): *build +([0-9]+\.[0-9]+)(?:\.n?c)?\b`)
)

// maxVersionText bounds the texts in which a version is looked for, in bytes.
const maxVersionText = 128

// ownVersion returns the version in what a register says of it: people copy
// what the machine shows, its own name and maker in front. What is not plainly
// of such a form stays as it is.
func ownVersion(said string, n *cpe.Name) string {
	said = strings.TrimSpace(said)
	if v := strings.TrimLeft(said, "vV"); v == "" || v[0] >= '0' && v[0] <= '9' || len(said) > maxVersionText {
		return said
	}
	if m := netScaler.FindStringSubmatch(said); m != nil && n.Vendor == "citrix" {
		return m[1] + "-" + m[2]
	}
	if m := wordVersion.FindStringSubmatch(said); m != nil {
		return m[1]
	}
	if m := afterModel.FindStringSubmatch(said); m != nil {
		return m[1]
	}
	if !names(n.Product) {
		return said
	}
	rest := said
	if names(n.Vendor) {
		if r, ok := without(rest, n.Vendor); ok {
			rest = r
		}
	}
	rest, ok := without(rest, n.Product)
	if !ok {
		return said
	}
	if v := strings.TrimLeft(rest, "vV"); v == "" || v[0] < '0' || v[0] > '9' {
		return said
	}
	return rest
}

// without cuts a name and the separators behind it off the front of a text.
func without(s string, name cpe.Value) (rest string, ok bool) {
	want := squeeze(text(name))
	for i, r := range s {
		if want == "" {
			rest = strings.TrimLeft(s[i:], " _:/-")
			return rest, len(rest) < len(s[i:])
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			continue
		}
		first, size := utf8.DecodeRuneInString(want)
		if unicode.ToLower(r) != first {
			return "", false
		}
		want = want[size:]
	}
	return "", false
}
