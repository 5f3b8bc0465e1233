package selector

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
)

// Problem is the code of what is wrong with a value or a line; the words for
// people are elsewhere, under this code.
type Problem string

// What can be wrong with a value.
const (
	BadUnknown   Problem = "unknown"      // nothing that could be guessed
	BadAddress   Problem = "address"      // no address
	BadEndpoint  Problem = "endpoint"     // address and port together would be a narrower condition than either
	BadPrefix    Problem = "prefix"       // no network
	BadWide      Problem = "wide"         // a network of so many that it selects next to everything
	BadHostBits  Problem = "host_bits"    // bits set behind the length; Remedy is the network
	BadName      Problem = "name"         // no domain name
	BadWildcard  Problem = "wildcard"     // * elsewhere than in front of a name
	BadJA3       Problem = "ja3"          // not 32 hexadecimal digits
	BadJA4       Problem = "ja4"          // not the form of JA4
	BadURI       Problem = "uri"          // no host and path
	BadURIPort   Problem = "uri_port"     // names a port
	BadURIBroad  Problem = "uri_broad"    // nothing fixed in the host, or too many variables
	BadCrowd     Problem = "crowd"        // more than maxCrowd templates at one place
	BadSum       Problem = "sum"          // not the hash of a certificate
	BadPort      Problem = "port"         // no port
	BadPattern   Problem = "pattern"      // neither hexadecimal nor quoted
	BadPatternSz Problem = "pattern_size" // shorter than 4 bytes or longer than 64
	BadKind      Problem = "kind"         // no kind of that name
	BadLength    Problem = "length"       // too long
)

// ValueError says why a value is no selector. Value is cut and made printable.
type ValueError struct {
	Problem Problem
	Kind    Kind   // 0 when it could not be guessed
	Value   string // at most maxShown bytes
	Remedy  string // what to write instead, where that is known
}

func (e *ValueError) Error() string {
	s := "selector: " + string(e.Problem) + ": " + strconv.Quote(e.Value)
	if e.Remedy != "" {
		s += "; write " + e.Remedy
	}
	return s
}

// maxValue bounds a value as written, in bytes; maxShown what an error repeats.
const (
	maxValue = 2048
	maxShown = 80
)

func bad(p Problem, k Kind, text string) error {
	return &ValueError{Problem: p, Kind: k, Value: shown(text)}
}

// parsed is a value in the form it has in the file.
type parsed struct {
	form  form
	bytes []byte
}

// Parse returns the kind and the canonical form of a value as people write it:
// defanged or not, in any case, names in any script. With kind 0 the kind is
// guessed. A network of one address becomes an Address. Errors are *ValueError.
func Parse(k Kind, text string) (Kind, string, error) {
	p, err := parse(k, text)
	if err != nil {
		return k, "", err
	}
	return p.form.kind(), valueText(p.form, p.bytes), nil
}

func parse(k Kind, text string) (parsed, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxValue {
		return parsed{}, bad(BadLength, k, text)
	}
	if k != Pattern {
		text = refang(text)
	}
	if k == 0 {
		if k = guess(text); k == 0 {
			return parsed{}, bad(BadUnknown, 0, text)
		}
	}
	switch k {
	case Address, Prefix:
		return parseAddress(k, text)
	case Domain, Suffix:
		return parseName(k, text)
	case JA3, Certificate:
		return parseSum(k, text)
	case JA4:
		if text = strings.ToLower(text); !isJA4(text) {
			return parsed{}, bad(BadJA4, k, text)
		}
		return parsed{form: formJA4, bytes: []byte(text)}, nil
	case URI:
		return parseURI(text)
	case Port:
		return parsePort(text)
	case Pattern:
		return parsePattern(text)
	}
	return parsed{}, bad(BadKind, 0, text)
}

// guess returns the kind that a value looks like, 0 for none.
func guess(text string) Kind {
	if text == "" {
		return 0
	}
	if text[0] == '"' || strings.HasPrefix(text, "hex:") {
		return Pattern
	}
	if strings.ContainsAny(text, " \t,;") {
		return 0
	}
	if strings.Contains(text, "://") {
		return URI
	}
	if before, after, ok := strings.Cut(text, "/"); ok {
		if _, known := protoNumber(before); known && digits(after) {
			return Port
		}
		if _, err := netip.ParseAddr(before); err == nil && digits(after) {
			return Prefix
		}
		return URI
	}
	if text[0] == '.' || strings.HasPrefix(text, "*.") {
		return Suffix
	}
	if c := text[0]; strings.Contains(text, ":") && (strings.Count(text, ":") < 19) || c == '[' {
		return Address
	}
	switch _, err := hex.DecodeString(strings.ReplaceAll(text, ":", "")); {
	case err != nil:
	case len(text) == 32:
		return JA3
	case len(text) == 40, len(text) == 64, strings.Contains(text, ":"):
		return Certificate
	}
	if len(text) == 36 && text[10] == '_' && text[23] == '_' {
		return JA4
	}
	switch dot := strings.LastIndexByte(text, '.'); {
	case dot > 0 && digits(text[dot+1:]):
		return Address
	case digits(text):
		return 0
	}
	return Domain
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return s != ""
}

func parseAddress(k Kind, text string) (parsed, error) {
	host, length, isNet := strings.Cut(text, "/")
	a, err := netip.ParseAddr(host)
	if err != nil || a.Zone() != "" {
		if _, err := netip.ParseAddrPort(text); err == nil {
			return parsed{}, bad(BadEndpoint, k, text)
		}
		if isNet || k == Prefix {
			return parsed{}, bad(BadPrefix, k, text)
		}
		return parsed{}, bad(BadAddress, k, text)
	}
	bits := a.BitLen()
	if isNet {
		if bits, err = strconv.Atoi(length); err != nil || !digits(length) || bits > a.BitLen() {
			return parsed{}, bad(BadPrefix, k, text)
		}
		if a.Is4In6() && bits >= 96 {
			bits -= 96
		} else if a.Is4In6() {
			return parsed{}, bad(BadPrefix, k, text)
		}
	} else if a.Is4In6() {
		bits = 32
	}
	a = a.Unmap()
	if p := netip.PrefixFrom(a, bits); p.Masked() != p {
		return parsed{}, &ValueError{BadHostBits, k, shown(text), p.Masked().String()}
	}
	raw := a.AsSlice()
	switch {
	case bits == a.BitLen() && a.Is4():
		return parsed{addrFour, raw}, nil
	case bits == a.BitLen():
		return parsed{form: addr6, bytes: raw}, nil
	case a.Is4():
		return parsed{form: netFour, bytes: append(raw, uint8(bits))}, nil
	}
	return parsed{form: netSix, bytes: append(raw, uint8(bits))}, nil
}

func parseSum(k Kind, text string) (parsed, error) {
	plain := text
	if k == Certificate {
		plain = strings.ReplaceAll(text, ":", "")
	}
	raw, err := hex.DecodeString(plain)
	switch {
	case err == nil && k == JA3 && len(raw) == 16:
		return parsed{form: formJA3, bytes: raw}, nil
	case err == nil && k == Certificate && len(raw) == 20:
		return parsed{form: formSHA1, bytes: raw}, nil
	case err == nil && k == Certificate && len(raw) == 32:
		return parsed{form: formSHA256, bytes: raw}, nil
	case k == JA3:
		return parsed{}, bad(BadJA3, k, text)
	}
	return parsed{}, bad(BadSum, k, text)
}

func parsePort(text string) (parsed, error) {
	proto, number, _ := strings.Cut(text, "/")
	p, known := protoNumber(proto)
	port, err := strconv.ParseUint(number, 10, 16)
	if !known || err != nil || !digits(number) {
		return parsed{}, bad(BadPort, Port, text)
	}
	return parsed{formPort, []byte{p, byte(port >> 8), byte(port)}}, nil
}

// isJA4 reports whether s has the form of the fingerprint (FoxIO JA4: a part of
// ten characters, then two hashes of twelve digits each).
func isJA4[T string | []byte](s T) bool {
	if len(s) != 36 || s[10] != '_' || s[23] != '_' {
		return false
	}
	switch s[0] {
	case 't', 'q', 'd':
	default:
		return false
	}
	switch string(s[1:3]) {
	case "13", "12", "11", "10", "s3", "s2", "s1", "d1", "d2", "d3", "00":
	default:
		return false
	}
	if s[3] != 'd' && s[3] != 'i' {
		return false
	}
	for i := 4; i < 36; i++ {
		c := s[i]
		digit, hexa := c-'0' <= 9, c-'a' <= 5
		switch {
		case i < 8 && !digit, i < 10 && !digit && c-'a' > 25, i > 10 && i != 23 && !digit && !hexa:
			return false
		}
	}
	return true
}
