// Package purl reads package URLs (purl-spec, PURL-SPECIFICATION) as far as
// matching needs them.
package purl

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	packageurl "github.com/package-url/packageurl-go"
)

// MaxLen is the longest package URL that is read, in bytes.
const MaxLen = 2048

// Error says where a text is no package URL.
type Error struct {
	Offset int    // of the byte from which it could not be read
	Detail string // what is wrong, in English
}

// Error returns the place and what is wrong, in one line.
func (e *Error) Error() string { return fmt.Sprintf("purl: byte %d: %s", e.Offset, e.Detail) }

// Key reads a package URL and returns the package as a key, type/namespace/name
// without the namespace when there is none, and the version, empty when there
// is none. Both are normalised by the rules of the type, so that packages are
// the same exactly when their keys are; the key keeps the percent-encoding.
// Qualifiers and subpath are read and left out, but for the epoch of an RPM,
// which the version then starts with (1:2.4-1.el9). The error is an [*Error].
func Key(text string) (key, version string, err error) {
	if len(text) > MaxLen {
		return "", "", &Error{MaxLen, fmt.Sprintf("more than %d bytes", MaxLen)}
	}
	if len(text) < 4 || !strings.EqualFold(text[:4], "pkg:") {
		return "", "", &Error{0, "a package URL starts with pkg:"}
	}
	// What is no UTF-8 would be replaced, and different packages get one key.
	plain, err := url.PathUnescape(text)
	if err != nil {
		return "", "", &Error{place(text), "a percent sign without two hexadecimal digits"}
	}
	if !utf8.ValidString(plain) {
		return "", "", &Error{place(text), "it is not UTF-8"}
	}
	p, err := packageurl.FromString(text)
	if err != nil {
		return "", "", &Error{place(text), err.Error()}
	}
	switch p.Type {
	case packageurl.TypePyPi:
		p.Name = pypi(p.Name)
	case packageurl.TypeNuget, packageurl.TypeHex, packageurl.TypePub:
		// Their registries take names in any case.
		p.Namespace, p.Name = strings.ToLower(p.Namespace), strings.ToLower(p.Name)
	}
	version = p.Version
	if p.Type == packageurl.TypeRPM && version != "" && !strings.Contains(version, ":") {
		// The epoch of an RPM is a qualifier, and yet orders before all else.
		if epoch := p.Qualifiers.Map()["epoch"]; epoch != "" {
			version = epoch + ":" + version
		}
	}
	bare := packageurl.PackageURL{Type: p.Type, Namespace: p.Namespace, Name: p.Name}
	if key = bare.ToString()[len("pkg:"):]; len(key) > MaxLen-len("pkg:") {
		return "", "", &Error{place(text), fmt.Sprintf("more than %d bytes when it is percent-encoded", MaxLen)}
	}
	return key, version, nil
}

// Type returns the type of a key or package URL: npm, deb …
func Type(text string) string {
	if len(text) >= 4 && strings.EqualFold(text[:4], "pkg:") {
		text = strings.TrimLeft(text[4:], "/")
	}
	typ, _, _ := strings.Cut(text, "/")
	return strings.ToLower(typ)
}

// pypi makes one hyphen of each run of hyphens, dots and underscores (PEP 503).
func pypi(name string) string {
	b := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '.' || c == '_' {
			c = '-'
		}
		if c != '-' || len(b) == 0 || b[len(b)-1] != '-' {
			b = append(b, c)
		}
	}
	return string(b)
}

// place finds the part of a refused text that is to blame: the first percent
// sign that is no encoding, else what follows the type.
func place(text string) int {
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && (i+2 >= len(text) || !hex(text[i+1]) || !hex(text[i+2])) {
			return i
		}
	}
	rest := strings.TrimLeft(text[4:], "/")
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return len(text) - len(rest) + i + 1
	}
	return len(text) - len(rest)
}

func hex(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }
