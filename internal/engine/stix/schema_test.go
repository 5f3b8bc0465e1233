package stix

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"path"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// schemas are the JSON Schemas that OASIS publishes with the standard, and as
// much of JSON Schema (draft 2020-12) as they use.
type schemas struct {
	t     *testing.T
	z     *zip.ReadCloser
	files map[string]map[string]any
	odd   map[string]bool // expressions that RE2 does not know
}

func (s *schemas) file(name string) map[string]any {
	if m, ok := s.files[name]; ok {
		return m
	}
	f, err := s.z.Open(name)
	if err != nil {
		s.t.Fatal(err)
	}
	var m map[string]any
	if err := json.NewDecoder(f).Decode(&m); err != nil {
		s.t.Fatal(name, err)
	}
	s.files[name] = m
	return m
}

// check returns why a value does not fit a schema, "" when it does.
func (s *schemas) check(in string, schema, v any) string {
	if b, ok := schema.(bool); ok {
		if b {
			return ""
		}
		return "nothing is allowed here"
	}
	m := schema.(map[string]any)
	if ref, ok := m["$ref"].(string); ok {
		file, place, _ := strings.Cut(ref, "#")
		target := in
		if file != "" {
			target = path.Join(path.Dir(in), file)
		}
		var to any = s.file(target)
		for _, p := range strings.Split(strings.Trim(place, "/"), "/") {
			if p != "" {
				to = to.(map[string]any)[p]
			}
		}
		if why := s.check(target, to, v); why != "" {
			return why
		}
	}
	if why := s.joined(in, m, v); why != "" {
		return why
	}
	switch v := v.(type) {
	case map[string]any:
		return s.object(in, m, v)
	case []any:
		if n, ok := m["minItems"].(float64); ok && len(v) < int(n) {
			return "too few items"
		}
		if items, ok := m["items"]; ok {
			for _, e := range v {
				if why := s.check(in, items, e); why != "" {
					return why
				}
			}
		}
	case string:
		if p, ok := m["pattern"].(string); ok && !s.matches(p, v) {
			return fmt.Sprintf("%q does not match", v)
		}
		if n, ok := m["minLength"].(float64); ok && utf8.RuneCountInString(v) < int(n) {
			return "too short"
		}
	case float64:
		if n, ok := m["minimum"].(float64); ok && v < n {
			return "too small"
		}
		if n, ok := m["maximum"].(float64); ok && v > n {
			return "too large"
		}
	}
	return ""
}

func (s *schemas) matches(p, v string) bool {
	re, err := regexp.Compile(p)
	if err != nil {
		s.odd[p] = true
		return true
	}
	return re.MatchString(v)
}

// joined checks what holds for values of every kind.
func (s *schemas) joined(in string, m map[string]any, v any) string {
	if kind, ok := m["type"].(string); ok && !isKind(kind, v) {
		return fmt.Sprintf("%v is no %s", v, kind)
	}
	if list, ok := m["enum"].([]any); ok {
		found := false
		for _, e := range list {
			found = found || reflect.DeepEqual(e, v)
		}
		if !found {
			return fmt.Sprintf("%v is none of %v", v, list)
		}
	}
	if c, ok := m["const"]; ok && !reflect.DeepEqual(c, v) {
		return "not the constant"
	}
	for _, word := range []string{"allOf", "anyOf", "oneOf"} {
		list, ok := m[word].([]any)
		if !ok {
			continue
		}
		fits, last := 0, ""
		for _, e := range list {
			if why := s.check(in, e, v); why == "" {
				fits++
			} else {
				last = why
			}
		}
		if word == "allOf" && fits < len(list) || fits == 0 || word == "oneOf" && fits > 1 {
			return word + ": " + last
		}
	}
	if not, ok := m["not"]; ok && s.check(in, not, v) == "" {
		return "fits what it must not"
	}
	if cond, ok := m["if"]; ok && m["then"] != nil && s.check(in, cond, v) == "" {
		return s.check(in, m["then"], v)
	}
	return ""
}

func isKind(kind string, v any) bool {
	switch v := v.(type) {
	case string:
		return kind == "string"
	case bool:
		return kind == "boolean"
	case float64:
		return kind == "number" || kind == "integer" && v == float64(int64(v))
	case []any:
		return kind == "array"
	case map[string]any:
		return kind == "object"
	}
	return kind == "null"
}

func (s *schemas) object(in string, m, v map[string]any) string {
	if list, ok := m["required"].([]any); ok {
		for _, r := range list {
			if _, has := v[r.(string)]; !has {
				return fmt.Sprintf("%v is missing", r)
			}
		}
	}
	if n, ok := m["minProperties"].(float64); ok && len(v) < int(n) {
		return "too few properties"
	}
	properties, _ := m["properties"].(map[string]any)
	byPattern, _ := m["patternProperties"].(map[string]any)
	for name, value := range v {
		if names, ok := m["propertyNames"]; ok {
			if why := s.check(in, names, name); why != "" {
				return name + ": " + why
			}
		}
		known := false
		if p, ok := properties[name]; ok {
			known = true
			if why := s.check(in, p, value); why != "" {
				return name + ": " + why
			}
		}
		for p, schema := range byPattern {
			if s.matches(p, name) {
				known = true
				if why := s.check(in, schema, value); why != "" {
					return name + ": " + why
				}
			}
		}
		if more, ok := m["additionalProperties"]; ok && !known {
			if why := s.check(in, more, value); why != "" {
				return name + ": " + why
			}
		}
	}
	return ""
}

// Every object made here fits the schema that OASIS publishes for its type,
// and does not when a required property is taken away or a value spoilt.
func TestSchemas(t *testing.T) {
	z, err := zip.OpenReader(shared(t, "stix/stix2-json-schemas-examples.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	s := &schemas{t: t, z: z, files: map[string]map[string]any{}, odd: map[string]bool{}}
	at := time.Date(2026, 11, 22, 1, 2, 3, 456_789_000, time.UTC)
	src, dst := Address(netip.MustParseAddr("192.0.2.1")), Address(netip.MustParseAddr("2001:db8::1"))
	sum := Hashes{"SHA-256": strings.Repeat("ab", 32)}
	m := Maker{By: "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff", At: at, Markings: []string{"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"}}
	traffic := Traffic{Start: at, End: at.Add(time.Minute), Src: src.ID(), Dst: dst.ID(), SrcPort: 1024, DstPort: 443, Protocols: []string{"ipv4", "tcp", "tls"},
		SrcBytes: 10, DstBytes: 20, SrcPackets: 1, DstPkts: 2, JA3: strings.Repeat("0", 32)}.Object()
	for _, c := range []struct {
		folder string
		o      Object
		spoil  string // a property without which it must not fit
	}{
		{"observables", src, "value"}, {"observables", dst, "value"}, {"observables", Network(netip.MustParsePrefix("198.51.100.7/24")), "value"},
		{"observables", Domain("example.co.jp"), "value"}, {"observables", URL("https://example.com/a?b=c"), "value"}, {"observables", Mail("a@example.com"), "value"},
		{"observables", MAC([6]byte{0, 1, 0xab, 3, 4, 5}), "value"}, {"observables", AS(64500, "Example"), "number"}, {"observables", File("a.exe", sum), ""},
		{"observables", Certificate{Hashes: sum, Serial: "01:02", Issuer: "CN=a", Subject: "CN=b", Before: at, After: at.Add(time.Hour), SelfSigned: true}.Object(), ""},
		{"observables", traffic, "protocols"},
		{"sdos", m.ObservedData(at, at.Add(time.Minute), 3, src, dst, traffic), "number_observed"},
		{"sdos", m.Indicator("[ipv4-addr:value = '192.0.2.1']", "a host", at, at.Add(time.Hour), "malicious-activity"), "pattern"},
	} {
		raw, err := json.Marshal(c.o)
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		kind := v["type"].(string)
		file := "schemas/" + c.folder + "/" + kind + ".json"
		if why := s.check(file, s.file(file), v); why != "" {
			t.Errorf("%s: %s\n%s", kind, why, raw)
		}
		for _, drop := range []string{"id", "type", c.spoil} {
			less := maps.Clone(v)
			delete(less, drop)
			if drop != "" && s.check(file, s.file(file), less) == "" {
				t.Errorf("%s fits without %s", kind, drop)
			}
		}
	}
	t.Logf("%d expressions that RE2 does not know: %v", len(s.odd), s.odd)
}
