// Package indicator reads lists of indicators (plain lines, CSV, STIX bundles,
// MISP events) and looks addresses, names, fingerprints and certificate hashes
// of communication records up in them. A set of a million entries takes some
// forty bytes each besides their text.
package indicator

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind says what an entry is compared with.
type Kind uint8

// The kinds of entries. Addresses and networks match either end of a record,
// domains also every name below them.
const (
	Address     Kind = iota + 1
	Network          // CIDR
	Domain           // and all below it
	URL              // as a whole; records keep none, so only Set.URL matches it
	JA3              // MD5 of a TLS client hello
	JA4              // 36 characters
	Certificate      // SHA-1 or SHA-256 of a certificate
	File             // MD5, SHA-1, SHA-256 or SHA-512 of a file; records keep none
	kindEnd
)

// String is the kind in the words of a finding's evidence.
func (k Kind) String() string {
	if k == 0 || k >= kindEnd {
		return ""
	}
	return [...]string{"address", "network", "domain", "url", "ja3", "ja4", "certificate", "file"}[k-1]
}

// Entry is one indicator of a list.
type Entry struct {
	Kind   Kind
	Prefix netip.Prefix // Address and Network
	Text   string       // Domain in lower case, URL, JA4
	Sum    []byte       // JA3, Certificate, File
	Name   string       // what the list calls it: a family, a comment; may be empty; at most MaxName bytes
	ID     string       // of the STIX object or MISP attribute; may be empty
}

// MaxName bounds the name and the id of an entry, in bytes.
const MaxName = 96

// classify reads one value as a person or a list writes it, defanged or not.
// ok is false when it is nothing that can be looked for.
func classify(s string) (e Entry, ok bool) {
	s = refang(strings.Trim(strings.TrimSpace(s), `"'`))
	if s == "" || len(s) > 2048 || strings.ContainsAny(s, " \t\x00") {
		return e, false
	}
	if scheme := strings.Index(s, "://"); scheme > 0 {
		return classifyURL(s, s[scheme+3:])
	}
	if e, ok = address(s); ok {
		return e, true
	}
	if e.Sum, ok = sum(s); ok {
		e.Kind = File
		return e, true
	}
	if isJA4(s) {
		return Entry{Kind: JA4, Text: s}, true
	}
	if strings.Contains(s, "/") {
		if host, _, _ := strings.Cut(s, "/"); hostOK(host) {
			return classifyURL("http://"+s, s)
		}
		return e, false
	}
	return host(s)
}

// classifyURL takes a URL that names a whole host as that host.
func classifyURL(whole, rest string) (Entry, bool) {
	name, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		name, path = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(name, '@'); i >= 0 {
		name = name[i+1:]
	}
	if name == "" {
		return Entry{}, false
	}
	if path == "" || path == "/" {
		if e, ok := address(name); ok {
			return e, true
		}
		return host(name)
	}
	return Entry{Kind: URL, Text: whole}, true
}

// address reads an address, a network, or either with a port.
func address(s string) (Entry, bool) {
	if a, err := netip.ParseAddrPort(s); err == nil {
		s = a.Addr().String()
	}
	s = strings.Trim(s, "[]")
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap().WithZone("")
		return Entry{Kind: Address, Prefix: netip.PrefixFrom(a, a.BitLen())}, true
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4In6() {
		return Entry{}, false
	}
	p = p.Masked()
	kind := Network
	if p.IsSingleIP() {
		kind = Address
	}
	return Entry{Kind: kind, Prefix: p}, true
}

// host reads a domain name, with a port or a leading "*." or "." taken off.
func host(s string) (e Entry, ok bool) {
	s, _, _ = strings.Cut(s, ":")
	s = strings.TrimPrefix(strings.TrimPrefix(s, "*"), ".")
	s = strings.ToLower(strings.TrimSuffix(s, "."))
	if !hostOK(s) {
		return e, false
	}
	return Entry{Kind: Domain, Text: s}, true
}

// hostOK reports whether s can be a name with at least two labels, the last
// of which is no number.
func hostOK(s string) bool {
	if len(s) < 4 || len(s) > 253 || !strings.Contains(s, ".") {
		return false
	}
	label, letters := 0, false
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '.':
			if label == 0 || label > 63 {
				return false
			}
			label, letters = 0, false
			continue
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			letters = true
		case c >= '0' && c <= '9' || c == '-' || c == '_':
		case c >= 0x80: // a name in another script, not yet in Punycode: not looked for
			return false
		default:
			return false
		}
		label++
	}
	return label > 1 && label <= 63 && letters
}

// sum reads a hash in hexadecimal; colons between the pairs are allowed.
func sum(s string) ([]byte, bool) {
	if strings.Count(s, ":") >= 15 {
		s = strings.ReplaceAll(s, ":", "")
	}
	switch len(s) {
	case 32, 40, 64, 128:
	default:
		return nil, false
	}
	out := make([]byte, len(s)/2)
	for i := range out {
		a, b := nibble(s[2*i]), nibble(s[2*i+1])
		if a < 0 || b < 0 {
			return nil, false
		}
		out[i] = byte(a<<4 | b)
	}
	return out, true
}

func nibble(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// isJA4 reports whether s has the form of the fingerprint: ten characters, and
// twice twelve hexadecimal digits.
func isJA4(s string) bool {
	if len(s) != 36 || s[10] != '_' || s[23] != '_' || !strings.ContainsRune("tqd", rune(s[0])) {
		return false
	}
	for i := 11; i < 36; i++ {
		if i != 23 && nibble(s[i]) < 0 {
			return false
		}
	}
	return true
}

// refang undoes the ways in which indicators are made harmless to click:
// hxxp://, [.], (.), {.}, [dot], [:], [://].
func refang(s string) string {
	if !strings.ContainsAny(s, "[({xX") {
		return s
	}
	s = strings.NewReplacer("[.]", ".", "(.)", ".", "{.}", ".", "[dot]", ".", "(dot)", ".", "[:]", ":", "[://]", "://", "[/]", "/", "[.", ".", ".]", ".", "[@]", "@").Replace(s)
	for _, p := range [...]struct{ bad, good string }{{"hxxps", "https"}, {"hxxp", "http"}, {"hXXps", "https"}, {"hXXp", "http"}, {"fxp", "ftp"}} {
		if rest, ok := strings.CutPrefix(s, p.bad); ok && strings.HasPrefix(rest, "://") {
			return p.good + rest
		}
	}
	return s
}

// short cuts a name to its bound, at a character, without what does not print or
// changes how the rest is shown: others wrote it, and a person reads it.
func short(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, s[:min(len(s), 4*MaxName)]))
	for len(s) > MaxName {
		cut := MaxName
		for cut > 0 && s[cut]&0xc0 == 0x80 {
			cut--
		}
		s = s[:cut]
	}
	return s
}
