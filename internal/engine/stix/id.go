package stix

import (
	"crypto/sha1" //nolint:gosec // RFC 9562 builds version 5 ids with it
	"encoding/hex"
	"math"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"
)

// namespace is the name space of the ids of observable objects (STIX 2.1
// section 2.9): 00abedb4-aa42-466c-9c01-fed23315a9b7.
var namespace = [16]byte{0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7}

// contributing lists the properties that an object's id is made of, by type
// (STIX 2.1 section 6, "ID Contributing Properties"). process has none: its
// ids are random.
func contributing(kind string) []string {
	switch kind {
	case "artifact":
		return []string{"hashes", "payload_bin"}
	case "autonomous-system":
		return []string{"number"}
	case "directory":
		return []string{"path"}
	case "domain-name", "email-addr", "ipv4-addr", "ipv6-addr", "mac-addr", "url":
		return []string{"value"}
	case "email-message":
		return []string{"from_ref", "subject", "body"}
	case "file":
		return []string{"hashes", "name", "extensions", "parent_directory_ref"}
	case "mutex":
		return []string{"name"}
	case "network-traffic":
		return []string{"start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions"}
	case "software":
		return []string{"name", "cpe", "swid", "vendor", "version"}
	case "user-account":
		return []string{"account_type", "user_id", "account_login"}
	case "windows-registry-key":
		return []string{"key", "values"}
	case "x509-certificate":
		return []string{"hashes", "serial_number"}
	}
	return nil
}

// ID returns the deterministic id of an observable object (STIX 2.1 section
// 2.9): a version 5 UUID over the RFC 8785 form of the properties that make
// it. ok is false when the type has no such properties or the object none of
// them: it then takes a random id. Values are those of encoding/json, with
// int, int64 and json.Number allowed for numbers.
func ID(kind string, object map[string]any) (id string, ok bool) {
	parts := map[string]any{}
	for _, name := range contributing(kind) {
		v, has := object[name]
		if has && name == "hashes" {
			v, has = preferred(v)
		}
		if has {
			parts[name] = v
		}
	}
	if len(parts) == 0 {
		return "", false
	}
	text, ok := canonical(nil, parts, 0)
	if !ok {
		return "", false
	}
	return kind + "--" + UUID(namespace, text), true
}

// preferred keeps one hash: the first there is of MD5, SHA-1, SHA-256 and
// SHA-512, or else the first by name.
func preferred(v any) (any, bool) {
	all, ok := v.(map[string]any)
	if !ok || len(all) == 0 {
		return nil, false
	}
	least := ""
	for name := range all {
		if least == "" || name < least {
			least = name
		}
	}
	for _, name := range [...]string{"MD5", "SHA-1", "SHA-256", "SHA-512", least} {
		if h, ok := all[name]; ok {
			return map[string]any{name: h}, true
		}
	}
	return nil, false
}

// UUID returns the version 5 UUID of a name in a name space (RFC 9562 section
// 5.5) in its text form.
func UUID(space [16]byte, name []byte) string {
	h := sha1.New()
	h.Write(space[:])
	h.Write(name)
	u := h.Sum(nil)[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	t := hex.EncodeToString(u)
	return t[:8] + "-" + t[8:12] + "-" + t[12:16] + "-" + t[16:20] + "-" + t[20:]
}

// maxNesting bounds lists and dictionaries inside one another.
const maxNesting = 32

// canonical appends the RFC 8785 form of a JSON value; false when it holds
// something that is none, or is nested too deep.
func canonical(b []byte, v any, depth int) ([]byte, bool) {
	if depth > maxNesting {
		return b, false
	}
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), true
	case bool:
		return strconv.AppendBool(b, v), true
	case string:
		return canonicalText(b, v), true
	case int:
		return canonicalNumber(b, float64(v))
	case int64:
		return canonicalNumber(b, float64(v))
	case float64:
		return canonicalNumber(b, v)
	case interface{ Float64() (float64, error) }: // json.Number
		f, err := v.Float64()
		if err != nil {
			return b, false
		}
		return canonicalNumber(b, f)
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = s
		}
		return canonical(b, list, depth)
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			var ok bool
			if b, ok = canonical(b, e, depth+1); !ok {
				return b, false
			}
		}
		return append(b, ']'), true
	case map[string]any:
		b = append(b, '{')
		for i, name := range sortedNames(v) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(canonicalText(b, name), ':')
			var ok bool
			if b, ok = canonical(b, v[name], depth+1); !ok {
				return b, false
			}
		}
		return append(b, '}'), true
	}
	return b, false
}

// sortedNames sorts as RFC 8785 section 3.2.3 asks: by UTF-16 code units.
func sortedNames(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	units := func(s string) []uint16 { return utf16.Encode([]rune(s)) }
	sort.Slice(names, func(i, j int) bool {
		a, b := names[i], names[j]
		x, y := units(a), units(b)
		for i := range min(len(x), len(y)) {
			if x[i] != y[i] {
				return x[i] < y[i]
			}
		}
		return len(x) < len(y)
	})
	return names
}

func canonicalText(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20:
			if i := strings.IndexRune("\b\t\n\f\r", r); i >= 0 {
				b = append(b, '\\', "btnfr"[i])
			} else {
				b = append(b, `\u00`...)
				b = append(b, "0123456789abcdef"[r>>4], "0123456789abcdef"[r&15])
			}
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}

// canonicalNumber writes a number as ECMAScript does (RFC 8785 section 3.2.2.3).
func canonicalNumber(b []byte, f float64) ([]byte, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return b, false
	}
	if f == 0 {
		return append(b, '0'), true
	}
	if a := math.Abs(f); a >= 1e-6 && a < 1e21 {
		return strconv.AppendFloat(b, f, 'f', -1, 64), true
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	mantissa, exp, _ := strings.Cut(s, "e")
	sign := exp[:1]
	return append(b, mantissa+"e"+sign+strings.TrimLeft(exp[1:], "0")...), true
}
