package sigma

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"
)

// fields are an event as tests write it: a value, a list of them, or nil for null.
type fields map[string]any

func (f fields) get(field string) []Value {
	if field == "" {
		var all []Value
		for name := range f {
			all = append(all, f.get(name)...)
		}
		return all
	}
	v, ok := f[field]
	if !ok {
		return nil
	}
	switch v := v.(type) {
	case nil:
		return []Value{{Null: true}}
	case []string:
		var all []Value
		for _, s := range v {
			all = append(all, Value{Text: s})
		}
		return all
	}
	return []Value{{Text: v.(string)}}
}

// rule returns the file of a rule with one selection, written at the right place.
func rule(selection string) string {
	return "title: t\nlogsource:\n  product: windows\ndetection:\n  sel:\n" + indent(selection, "    ") + "\n  condition: sel\n"
}

func indent(text, by string) string { return by + strings.ReplaceAll(text, "\n", "\n"+by) }

// one loads one document and returns its rule, or the note why not.
func one(t testing.TB, text string, o Options) (*Rule, *Note) {
	t.Helper()
	c := load([]archived{{"t.yml", []byte(text)}}, o)
	switch {
	case len(c.Rejected) > 0:
		return nil, &c.Rejected[0]
	case len(c.Correlations) > 0:
		return c.Correlations[len(c.Correlations)-1], nil
	case len(c.Rules) == 0:
		t.Fatalf("nothing came of %q", text)
	}
	return c.Rules[0], nil
}

// TestModifiers tries each modifier of the appendix on events that it is true
// for and on others: absent, empty, null and listed values among them.
func TestModifiers(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString
	for _, c := range []struct {
		name string
		rule string
		yes  []fields
		no   []fields
	}{
		{"plain", "F: Abc", []fields{{"F": "abc"}, {"F": "ABC"}, {"F": []string{"x", "abc"}}}, []fields{{}, {"F": ""}, {"F": nil}, {"F": "abcd"}, {"G": "abc"}}},
		{"number", "F: 4688", []fields{{"F": "4688"}}, []fields{{"F": "46880"}, {"F": "x4688"}, {}}},
		{"hexadecimal", "F: 0x1F", []fields{{"F": "0x1f"}, {"F": "31"}}, []fields{{"F": "1f"}}},
		{"quoted number", "F: '0x1F'", []fields{{"F": "0x1f"}}, []fields{{"F": "31"}}},
		{"bool", "F: true", []fields{{"F": "true"}, {"F": "True"}}, []fields{{"F": "false"}, {"F": "1"}, {}}},
		{"GUID in braces", "F: '{0CCE9217-69AE-11D9-BED3-505054503030}'", []fields{{"F": "{0cce9217-69ae-11d9-bed3-505054503030}"}, {"F": "0CCE9217-69AE-11D9-BED3-505054503030"}}, []fields{{"F": "0CCE9217"}, {}}},
		{"null", "F: null", []fields{{}, {"F": nil}}, []fields{{"F": ""}, {"F": "null"}}},
		{"null, not written", "F:", []fields{{}, {"F": nil}}, []fields{{"F": ""}}},
		{"empty", "F: ''", []fields{{"F": ""}, {"F": []string{"x", ""}}}, []fields{{}, {"F": nil}, {"F": " "}}},
		{"list", "F:\n  - a\n  - b", []fields{{"F": "a"}, {"F": "B"}}, []fields{{"F": "c"}, {}}},
		{"list in a list", "F:\n  - - a\n    - b\n  - c", []fields{{"F": "b"}, {"F": "c"}}, []fields{{"F": "d"}}},
		{"many", `F: 'a*z'`, []fields{{"F": "az"}, {"F": "abcz"}, {"F": "a\nz"}}, []fields{{"F": "abc"}, {"F": "xaz"}}},
		{"one", `F: 'a?z'`, []fields{{"F": "abz"}, {"F": "a語z"}}, []fields{{"F": "az"}, {"F": "abbz"}}},
		{"only many", `F: '*'`, []fields{{"F": "x"}, {"F": ""}}, []fields{{}, {"F": nil}}},
		{"escaped many", `F: 'a\*z'`, []fields{{"F": "a*z"}}, []fields{{"F": "abz"}, {"F": `a\*z`}}},
		{"escaped one", `F: 'a\?z'`, []fields{{"F": "a?z"}}, []fields{{"F": "abz"}}},
		{"backslash before many", `F: 'a\\*z'`, []fields{{"F": `a\bz`}, {"F": `a\z`}}, []fields{{"F": "a*z"}}},
		{"backslash and star", `F: 'a\\\*z'`, []fields{{"F": `a\*z`}}, []fields{{"F": `a\bz`}}},
		{"single backslash", `F: 'C:\Windows\x'`, []fields{{"F": `c:\windows\X`}}, []fields{{"F": `C:Windowsx`}}},
		{"double backslash", `F: 'C:\\Windows'`, []fields{{"F": `c:\windows`}}, []fields{{"F": `c:\\windows`}}},
		{"four backslashes", `F: '\\\\host'`, []fields{{"F": `\\host`}}, []fields{{"F": `\host`}}},
		{"three backslashes", `F: '\\\host'`, []fields{{"F": `\\host`}}, []fields{{"F": `\host`}}},
		{"contains", "F|contains: bc", []fields{{"F": "aBCd"}, {"F": "bc"}}, []fields{{"F": "b c"}, {}, {"F": nil}, {"F": ""}}},
		{"contains with wildcards", "F|contains: b?d", []fields{{"F": "abcde"}}, []fields{{"F": "abd"}}},
		{"contains empty", "F|contains: ''", []fields{{"F": ""}, {"F": "x"}}, []fields{{}, {"F": nil}}},
		{"startswith", "F|startswith: ab", []fields{{"F": "ABc"}}, []fields{{"F": "xab"}, {}}},
		{"endswith", `F|endswith: '\cmd.exe'`, []fields{{"F": `C:\CMD.exe`}}, []fields{{"F": `C:\cmd.exe `}, {"F": "cmd.exe"}}},
		{"endswith escaped", `F|endswith: '\\cmd.exe'`, []fields{{"F": `C:\cmd.exe`}}, []fields{{"F": "cmd.exe"}}},
		{"all", "F|contains|all:\n  - a\n  - b", []fields{{"F": "xbxa"}}, []fields{{"F": "a"}, {"F": "b"}, {}}},
		{"cased", "F|cased: Abc", []fields{{"F": "Abc"}}, []fields{{"F": "abc"}, {"F": "ABC"}}},
		{"contains cased", "F|contains|cased: Bc", []fields{{"F": "aBcd"}}, []fields{{"F": "abcd"}}},
		{"exists", "F|exists: true", []fields{{"F": ""}, {"F": nil}, {"F": "x"}}, []fields{{}}},
		{"exists not", "F|exists: false", []fields{{}}, []fields{{"F": ""}, {"F": nil}}},
		{"exists as text", "F|exists: 'true'", []fields{{"F": "x"}}, []fields{{}}},
		{"neq", "F|neq: a", []fields{{"F": "b"}, {"F": ""}}, []fields{{"F": "A"}, {}, {"F": nil}}},
		{"neq of a list", "F|neq:\n  - a\n  - b", []fields{{"F": "c"}}, []fields{{"F": "a"}, {"F": "b"}, {}}},
		{"neq with contains", "F|contains|neq: a", []fields{{"F": "b"}}, []fields{{"F": "xax"}, {}}},
		{"neq with numbers", "F|neq: 5", []fields{{"F": "6"}}, []fields{{"F": "5"}, {}}},
		{"windash", "F|contains|windash: ' -enc '", []fields{{"F": "x -ENC y"}, {"F": "x /enc y"}, {"F": "x –enc y"}, {"F": "x —enc y"}, {"F": "x ―enc y"}}, []fields{{"F": "x enc y"}, {"F": "x +enc y"}}},
		{"windash before contains", "F|windash|contains: ' -e '", []fields{{"F": "x /e y"}}, []fields{{"F": "x e y"}}},
		{"windash of two", "F|windash: '-a /b'", []fields{{"F": "/a -b"}, {"F": "—a ―b"}, {"F": "-a /b"}}, []fields{{"F": "a b"}}},
		{"windash in a word", "F|windash: 'a-b'", []fields{{"F": "a-b"}}, []fields{{"F": "a/b"}}},
		{"windash all", "F|contains|windash|all:\n  - ' -a'\n  - ' -b'", []fields{{"F": "x /b –a"}}, []fields{{"F": "x /b"}}},
		{"base64", "F|base64: abc", []fields{{"F": b64([]byte("abc"))}}, []fields{{"F": "abc"}}},
		{"base64 contains", "F|base64|contains: 'http://'", []fields{{"F": "x " + b64([]byte("http://"))}}, []fields{{"F": b64([]byte("xhttp://"))}}},
		{"base64 cased", "F|base64|cased: abc", []fields{{"F": "YWJj"}}, []fields{{"F": "ywjj"}}},
		{"base64offset", "F|base64offset|contains: 'http://'", []fields{{"F": b64([]byte("http://x"))}, {"F": b64([]byte("1http://x"))}, {"F": b64([]byte("12http://x"))}, {"F": b64([]byte("123http://x"))}}, []fields{{"F": b64([]byte("https://x"))}, {"F": "http://"}}},
		{"wide", "F|wide|base64: ab", []fields{{"F": b64([]byte("a\x00b\x00"))}}, []fields{{"F": b64([]byte("ab"))}}},
		{"utf16le", "F|utf16le|base64offset|contains: ping", []fields{{"F": "zz" + b64([]byte("xp\x00i\x00n\x00g\x00x"))}}, []fields{{"F": b64([]byte("ping"))}}},
		{"utf16be", "F|utf16be|base64: ab", []fields{{"F": b64([]byte("\x00a\x00b"))}}, []fields{{"F": b64([]byte("a\x00b\x00"))}}},
		{"utf16", "F|utf16|base64: ab", []fields{{"F": b64([]byte("\xff\xfea\x00b\x00"))}}, []fields{{"F": b64([]byte("a\x00b\x00"))}}},
		{"utf16 plain", "F|wide: ab", []fields{{"F": "a\x00b\x00"}, {"F": "A\x00B\x00"}}, []fields{{"F": "ab"}}},
		{"re", `F|re: 'a[0-9]+z'`, []fields{{"F": "xa12zx"}}, []fields{{"F": "az"}, {"F": "A1Z"}, {}, {"F": nil}}},
		{"re anchored", `F|re: '^a.z$'`, []fields{{"F": "abz"}}, []fields{{"F": "xabz"}, {"F": "a\nz"}}},
		{"re i", `F|re|i: 'a1z'`, []fields{{"F": "A1Z"}}, []fields{{"F": "a2z"}}},
		{"re m", `F|re|m: '^b$'`, []fields{{"F": "a\nb\nc"}}, []fields{{"F": "abc"}}},
		{"re s", `F|re|s: 'a.c'`, []fields{{"F": "a\nc"}}, []fields{{"F": "ac"}}},
		{"re i m s", `F|re|i|m|s: '^B.c$'`, []fields{{"F": "a\nb\nC\nd"}}, []fields{{"F": "a b c"}}},
		{"re all", "F|re|all:\n  - a\n  - b", []fields{{"F": "ba"}}, []fields{{"F": "a"}}},
		{"re neq", "F|re|neq: a+", []fields{{"F": "b"}}, []fields{{"F": "aa"}, {}}},
		{"cidr", "F|cidr: 10.0.0.0/8", []fields{{"F": "10.1.2.3"}, {"F": "::ffff:10.1.2.3"}, {"F": []string{"1.1.1.1", "10.0.0.1"}}}, []fields{{"F": "11.0.0.1"}, {"F": "host"}, {}, {"F": ""}}},
		{"cidr of six", "F|cidr: 'fe80::/10'", []fields{{"F": "fe80::1"}, {"F": "fe80::1%eth0"}}, []fields{{"F": "2001:db8::1"}, {"F": "10.0.0.1"}}},
		{"cidr list", "F|cidr:\n  - 127.0.0.0/8\n  - ::1/128", []fields{{"F": "127.0.0.1"}, {"F": "0:0:0:0:0:0:0:1"}}, []fields{{"F": "10.0.0.1"}}},
		{"lt", "F|lt: 10", []fields{{"F": "9"}, {"F": "-3"}, {"F": "9.99"}}, []fields{{"F": "10"}, {"F": "x"}, {"F": ""}, {}, {"F": nil}}},
		{"lte", "F|lte: 10", []fields{{"F": "10"}, {"F": "0x0a"}}, []fields{{"F": "10.5"}}},
		{"gt", "F|gt: 10", []fields{{"F": "11"}, {"F": "1e3"}}, []fields{{"F": "10"}, {"F": "9"}, {"F": "NaN"}}},
		{"gte", "F|gte: 0.5", []fields{{"F": "0.5"}, {"F": "1"}}, []fields{{"F": "0.4"}}},
		{"fieldref", "F|fieldref: G", []fields{{"F": "a", "G": "A"}, {"F": "a", "G": []string{"b", "a"}}}, []fields{{"F": "a", "G": "b"}, {"F": "a"}, {"G": "a"}, {}, {"F": nil, "G": nil}}},
		{"fieldref neq", "F|fieldref|neq: G", []fields{{"F": "a", "G": "b"}, {"F": "a"}}, []fields{{"F": "a", "G": "A"}, {"G": "a"}}},
		{"fieldref contains", "F|fieldref|contains: G", []fields{{"F": "abc", "G": "B"}}, []fields{{"F": "b", "G": "abc"}}},
		{"fieldref startswith", "F|fieldref|startswith: G", []fields{{"F": "abc", "G": "ab"}}, []fields{{"F": "abc", "G": "bc"}}},
		{"fieldref endswith", "F|endswith|fieldref: G", []fields{{"F": "abc", "G": "bc"}}, []fields{{"F": "abc", "G": "ab"}}},
		{"fieldref cased", "F|fieldref|cased: G", []fields{{"F": "A", "G": "A"}}, []fields{{"F": "a", "G": "A"}}},
		{"equalsfield", "F|equalsfield: G", []fields{{"F": "a", "G": "a"}}, []fields{{"F": "a", "G": "b"}}},
		{"endswithfield", "F|endswithfield: G", []fields{{"F": "abc", "G": "c"}}, []fields{{"F": "abc", "G": "a"}}},
		{"expand", "F|expand: '%name%'", []fields{{"F": "alice"}, {"F": "srv-1"}}, []fields{{"F": "%name%"}, {"F": "carol"}}},
		{"expand contains", "F|contains|expand: 'x%name%'", []fields{{"F": "1xalice2"}, {"F": "xsrv-3"}}, []fields{{"F": "alice"}}},
		{"expand plain percent", `F|expand: '\%plain%name%'`, []fields{{"F": "%plainalice"}}, []fields{{"F": "plainalice"}}},
		{"expand twice", "F|expand: '%name%-%name%'", []fields{{"F": "alice-bob"}}, []fields{{"F": "alice"}}},
		{"expand cidr", "F|cidr|expand: '%nets%'", []fields{{"F": "192.168.1.1"}}, []fields{{"F": "10.0.0.1"}}},
		{"without expand", "F: '%name%'", []fields{{"F": "%name%"}}, []fields{{"F": "alice"}}},
		{"minute", "F|minute: 5", []fields{{"F": "2024-03-09T23:05:59Z"}}, []fields{{"F": "2024-03-09T05:06:59Z"}, {"F": "x"}, {}}},
		{"hour", "F|hour: 23", []fields{{"F": "2024-03-09 23:05:59"}, {"F": "2024-03-09T23:05:59+09:00"}}, []fields{{"F": "2024-03-09 22:05:59"}}},
		{"hour gte", "F|hour|gte: 22", []fields{{"F": "2024-03-09 23:05:59.123"}}, []fields{{"F": "2024-03-09 21:05:59"}}},
		{"day", "F|day:\n  - 8\n  - 9", []fields{{"F": "2024-03-09"}}, []fields{{"F": "2024-09-03"}}},
		{"week", "F|week: 10", []fields{{"F": "2024-03-09"}}, []fields{{"F": "2024-03-11"}}},
		{"month", "F|month: 3", []fields{{"F": "2024-03-09"}}, []fields{{"F": "2024-04-03"}}},
		{"year", "F|year|neq: 2024", []fields{{"F": "2023-03-09"}}, []fields{{"F": "2024-04-03"}, {}}},
		{"year of a number", "F|year: 2024", []fields{{"F": "1710000000"}, {"F": "1710000000000"}}, []fields{{"F": "1610000000"}, {"F": "2024"}}},
		{"keyword", "- Abc", []fields{{"F": "xABCx"}, {"G": "abc"}}, []fields{{"F": "ab"}, {}, {"F": nil}}},
		{"keywords", "- abc\n- 'x?z'", []fields{{"F": "1xyz2"}}, []fields{{"F": "xz"}}},
		{"keywords all", "'|all':\n  - abc\n  - xyz", []fields{{"F": "abc", "G": "xyz"}, {"F": "xyzabc"}}, []fields{{"F": "abc"}}},
		{"keyword re", "'|re': 'a[0-9]'", []fields{{"F": "xa1"}}, []fields{{"F": "ab"}}},
		{"keyword number", "- 4688", []fields{{"F": "x4688x"}}, []fields{{"F": "468"}}},
		{"maps in a list", "- F: a\n  G: b\n- H: c", []fields{{"F": "a", "G": "b"}, {"H": "c"}}, []fields{{"F": "a"}, {"G": "b"}}},
		{"maps and keywords", "- F: a\n- word", []fields{{"F": "a"}, {"G": "a word here"}}, []fields{{"F": "b"}}},
		{"min_length", "F:\n  value: '*a*'\n  min_length: 3", []fields{{"F": "bab"}, {"F": "語語a"}}, []fields{{"F": "ab"}, {"F": "bbb"}}},
	} {
		r, note := one(t, rule(c.rule), Options{Values: map[string][]string{"name": {"alice", "bob", "srv-*"}, "nets": {"192.168.0.0/16"}}})
		if note != nil {
			t.Errorf("%s: %v", c.name, note)
			continue
		}
		for _, f := range c.yes {
			if !Eval(r.Expr, f.get) {
				t.Errorf("%s: %v is not %q", c.name, r.Expr, f)
			}
		}
		for _, f := range c.no {
			if Eval(r.Expr, f.get) {
				t.Errorf("%s: %v is %q", c.name, r.Expr, f)
			}
		}
	}
}

// TestModifiersRejected asks for the code and the line of what cannot be.
func TestModifiersRejected(t *testing.T) {
	for _, c := range []struct {
		rule string
		code Code
		line int
	}{
		{"F|bogus: a", ModUnknown, 6},
		{"G: a\nF|contains|bogus: a", ModUnknown, 7},
		{"F|: a", ModUnknown, 6},
		{"F|contains|contains: a", ModTwice, 6},
		{"F|contains|startswith: a", ModConflict, 6},
		{"F|re|cidr: a", ModConflict, 6},
		{"F|re|contains: a", ModConflict, 6},
		{"F|re|cased: a", ModConflict, 6},
		{"F|lt|gt: 1", ModConflict, 6},
		{"F|exists|all: true", ModConflict, 6},
		{"F|exists|neq: true", ModConflict, 6},
		{"F|fieldref|base64: a", ModConflict, 6},
		{"F|hour|day: 1", ModConflict, 6},
		{"F|windash|re: a", ModConflict, 6},
		{"F|i: a", ModOrder, 6},
		{"F|re|all|i: a", ModOrder, 6},
		{"F|contains|base64: a", ModOrder, 6},
		{"F|base64: 'a*'", ModWildcard, 6},
		{"F|wide: 'a?'", ModWildcard, 6},
		{"F|base64offset: ''", ModValue, 6},
		{"F|exists: maybe", ModValue, 6},
		{"F|exists:", ModValue, 6},
		{"F|lt: many", ModValue, 6},
		{"F|gte:\n  - 1\n  - x", ModValue, 8},
		{"F|lt: .inf", ModValue, 6},
		{"F|cidr: 10.0.0.0/33", ModValue, 6},
		{"F|cidr: a*", ModValue, 6},
		{"F|hour: 24", ModValue, 6},
		{"F|minute: 1.5", ModValue, 6},
		{"F|contains:", ModValue, 6},
		{"F|fieldref: 1", ModValue, 6},
		{"F|expand: '%none%'", NeedsValues, 6},
		{"F|contains|expand:\n  - a\n  - '%none%'", NeedsValues, 8},
		{"F|re: '(?=a)b'", RegexpFeature, 6},
		{"F|re: 'x(?<!a)b'", RegexpFeature, 6},
		{"F|re: '(a)\\1'", RegexpFeature, 6},
		{"F|re: 'a++b'", RegexpFeature, 6},
		{"F|re: '(?>a)b'", RegexpFeature, 6},
		{"F|re: '('", RegexpSyntax, 6},
		{"F|re: '[z-a]'", RegexpSyntax, 6},
		{"F|re: '((a{100}){100}){100}'", RegexpSize, 6},
		{"F|re: '" + strings.Repeat(".{1000}", 30) + "'", RegexpSize, 6},
		{"F|re: '" + strings.Repeat("a", maxPattern+1) + "'", RegexpSize, 6},
		{"F|windash: '-a -b -c -d -e -f'", TooLarge, 6},
		{"'|exists': true", ModKeyword, 6},
		{"'|fieldref': a", ModKeyword, 6},
		{"'|lt': 3", ModKeyword, 6},
		{"'|neq': a", ModKeyword, 6},
		{"- ''", EmptyKeyword, 6},
		{"- a\n-", EmptyMap, 7},
		{"F: []", EmptyList, 6},
		{"[]", EmptyList, 6},
		{"{}", EmptyMap, 6},
		{"F:\n  a: b", ValueShape, 7},
		{"F:\n  regexes: a.txt", NeedsFile, 7},
		{"F:\n  - a: b", ValueShape, 7},
		{"F:\n  min_length: -1", ModValue, 7},
		{"F: a\nF: b", YAMLDuplicate, 7},
	} {
		r, note := one(t, rule(c.rule), Options{})
		if note == nil {
			t.Errorf("%q became %v", c.rule, r.Expr)
		} else if note.Code != c.code || note.Line != c.line || note.File != "t.yml" {
			t.Errorf("%q: %s in line %d, want %s in line %d (%v)", c.rule, note.Code, note.Line, c.code, c.line, note)
		}
	}
}

func TestBase64Offsets(t *testing.T) {
	for _, text := range []string{"a", "ab", "abc", "http://", "日本語", strings.Repeat("x", 31)} {
		for _, before := range []string{"", "1", "12", "123", "1234"} {
			for _, after := range []string{"", "z", "zz", "zzz"} {
				enc := base64.StdEncoding.EncodeToString([]byte(before + text + after))
				found := len(base64Offsets(text)) < 3 // too short to be seen everywhere
				for _, v := range base64Offsets(text) {
					found = found || strings.Contains(enc, v)
				}
				if !found {
					t.Errorf("%q in %q is not found in %s by %q", text, before+text+after, enc, base64Offsets(text))
				}
			}
		}
	}
	if got := encodeUTF16("a日😀", binary.BigEndian, true); got != "\xfe\xff\x00a\x65\xe5\xd8\x3d\xde\x00" {
		t.Errorf("UTF-16: %x", got)
	}
}
