package sighting

import (
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"

	"noroshi/internal/asset"
)

// maxValue bounds a value, in bytes.
const maxValue = 2048

var (
	cveForm  = regexp.MustCompile(`^CVE-[0-9]{4}-[0-9]{4,12}$`)
	hashForm = regexp.MustCompile(`^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})$`)
	defanged = strings.NewReplacer("[.]", ".", "(.)", ".", "{.}", ".", "[dot]", ".", "(dot)", ".", "[:]", ":", "[://]", "://", "[/]", "/", "[@]", "@", "[at]", "@")
	schemes  = strings.NewReplacer("hxxps://", "https://", "hxxp://", "http://", "meow://", "http://", "fxp://", "ftp://")
)

// Refang writes a value as it is on the wire: analysts break addresses so that
// nobody follows them by accident (hxxp, [.]). Full-width letters are folded.
func Refang(s string) string {
	s = defanged.Replace(strings.TrimSpace(norm.NFKC.String(strings.ToValidUTF8(s, ""))))
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		s = schemes.Replace(strings.ToLower(scheme)+"://") + rest
	}
	return s
}

// Normal returns the type of a value and its one spelling. What is no address,
// domain, URL, hash or CVE id is a product's name in words when product says
// so, and otherwise not accepted.
func Normal(value string, product bool) (Type, string, bool) {
	if len(value) > maxValue || value == "" {
		return "", "", false
	}
	s := Refang(value)
	if up := strings.ToUpper(s); cveForm.MatchString(up) {
		return Vulnerability, up, true
	}
	if low := strings.ToLower(s); hashForm.MatchString(low) {
		return Hash, low, true
	}
	if a, ok := asset.ParseAddress(strings.Trim(s, "[]")); ok {
		return Address, a, true
	}
	if u, ok := normalURL(s); ok {
		return URL, u, true
	}
	if d, ok := asset.ParseDomain(s); ok && strings.Contains(d, ".") && !product {
		return Domain, d, true
	}
	if words := strings.Join(strings.Fields(s), " "); product && words != "" && !strings.ContainsFunc(words, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return Product, words, true
	}
	return "", "", false
}

// normalURL lower-cases scheme and host, drops the default port and the
// fragment (RFC 3986, 6.2.2, 6.2.3). User names in a URL are kept: they are
// part of what was seen.
func normalURL(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || !strings.Contains(" http https ftp tcp udp ws wss ", " "+u.Scheme+" ") {
		return "", false
	}
	host, port := u.Hostname(), u.Port()
	if a, ok := asset.ParseAddress(host); ok {
		if host = a; strings.Contains(a, ":") {
			host = "[" + a + "]"
		}
	} else if d, ok := asset.ParseDomain(host); ok {
		host = d
	} else {
		return "", false
	}
	if port != "" && port != map[string]string{"http": "80", "https": "443", "ftp": "21", "ws": "80", "wss": "443"}[u.Scheme] {
		host += ":" + port
	}
	u.Host, u.Fragment, u.RawFragment = host, "", ""
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String(), true
}

// Defang writes a value so that nobody follows it by accident, for mail and
// print.
func Defang(t Type, value string) string {
	switch t {
	case Address, Domain:
		if i := strings.LastIndexByte(value, '.'); i >= 0 {
			return value[:i] + "[.]" + value[i+1:]
		}
		return strings.ReplaceAll(value, ":", "[:]")
	case URL:
		value = strings.Replace(value, "http", "hxxp", 1)
		scheme, rest, _ := strings.Cut(value, "://")
		host, path, _ := strings.Cut(rest, "/")
		return scheme + "://" + strings.ReplaceAll(host, ".", "[.]") + "/" + path
	}
	return value
}

// Accepts reports whether a sighting can be made of an address or a name.
func Accepts(value string) bool {
	t, _, ok := Normal(value, false)
	return ok && (t == Address || t == Domain)
}
