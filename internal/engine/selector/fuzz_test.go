package selector

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzLoad gives a forged file its right hash, so that everything behind it is
// reached. Whatever loads is asked for all that it says.
func FuzzLoad(f *testing.F) {
	file := encoded(f)
	f.Add(file)
	f.Add(file[:headSize])
	f.Add(oldFile)
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) >= headSize {
			v := byte(version)
			if file[16] == oldVersion {
				v = oldVersion
			}
			file = forge(file, func(f []byte) { copy(f, magic); f[16], f[17], f[18], f[19] = v, 0, 0, 0 })
		}
		s, err := Load(file, nil)
		if err != nil {
			return
		}
		for i := range s.Len() {
			in := s.Info(ID(i + 1))
			if k, value, err := Parse(in.Kind, in.Value); err != nil || k != in.Kind || value != in.Value {
				t.Fatalf("%+v: %v %q %v", in, k, value, err)
			}
		}
	})
}

// FuzzRead reads anything as a list. What is taken compiles, tests itself and
// reads back the same.
func FuzzRead(f *testing.F) {
	f.Add([]byte(strings.Join(sample, "\n")))
	f.Add([]byte("type,value,expires\naddress,192.0.2.1,2028-01-01T00:00:00Z\n\"pattern\",\"\"\"abcd\"\"\",\n"))
	f.Add([]byte(bundle(`[ipv4-addr:value = '192.0.2.1']`, `[url:value IN ('http://a.example/','b')]`)))
	f.Add([]byte(`{"type":"domain","value":"evil[.]example"}` + "\n{}"))
	f.Add([]byte("172.7.2.2\n0.0.8.1/0#0\n")) // a page of a host, written as a network is
	f.Fuzz(func(t *testing.T, data []byte) {
		s, r, err := Read("x", data, Options{Skip: true, Lister: "a", Now: 1}, nil)
		if err != nil {
			return
		}
		if r.Taken != s.Len() || r.Format != STIX && r.Taken+r.Duplicates+r.Expired+r.Broken+r.Warned != r.Lines {
			t.Fatalf("%+v", r)
		}
		build := NewBuilder(Options{Warnings: none})
		for i := range s.Len() {
			in := s.Info(ID(i + 1))
			if added, err := build.Add(Selector{Kind: in.Kind, Value: in.Value}); err != nil || added != Taken {
				t.Fatalf("%+v: %d %v", in, added, err)
			}
		}
		again, err := build.Compile()
		if err != nil || again.Len() != s.Len() {
			t.Fatal(err)
		}
		for i := range s.Len() {
			if a, b := s.Info(ID(i+1)), again.Info(ID(i+1)); a.Kind != b.Kind || a.Value != b.Value {
				t.Fatalf("%+v is %+v", a, b)
			}
		}
	})
}

func FuzzWarnings(f *testing.F) {
	f.Add([]byte(`{"name":"nets","type":"cidr","list":["203.0.113.0/24","198.51.100.7"],"matching_attributes":["ip-src"]}`), "203.0.113.9")
	f.Add([]byte(`{"name":"exprs","type":"regex","list":["/^a+$/i"]}`), "evil.example/{x}")
	f.Fuzz(func(t *testing.T, list []byte, value string) {
		w := BuiltIn()
		if _, err := w.AddMISP(list); err != nil {
			return
		}
		_, _ = w.Check(0, value)
	})
}

// FuzzURI compares the templates with regular expressions.
func FuzzURI(f *testing.F) {
	f.Add("evil.example/a/{x}*b?c={x}", "evil.example", "/a/q/b?c=1")
	f.Add("*.evil.example/*", "x.evil.example", "/")
	f.Fuzz(func(t *testing.T, template, host, path string) {
		k, value, err := Parse(URI, template)
		if err != nil || k != URI || len(path) > maxPath || !strings.HasPrefix(path, "/") || strings.ToLower(host) != host || strings.ContainsAny(host, ":/.") && strings.HasSuffix(host, ".") || strings.Contains(host, ":") || host == "" || len(host) > maxName || strings.Contains(host, "/") {
			return
		}
		for _, s := range host + path {
			if s >= 0x80 {
				return
			}
		}
		s := compile(t, value)
		if got, want := s.URI([]byte(host), []byte(path)), oracleOf(s).uri(host, path); got != want {
			t.Fatalf("%s of %s%s: %d, want %d", value, host, path, got, want)
		}
	})
}

// FuzzPatterns cuts a text anywhere and compares with a search.
func FuzzPatterns(f *testing.F) {
	f.Add([]byte("abcab,cabcab"), []byte("xxabcabcab"), uint8(5))
	f.Fuzz(func(t *testing.T, list, text []byte, cut uint8) {
		b := NewBuilder(Options{Warnings: none})
		for _, p := range bytes.Split(list, []byte(",")) {
			if v := (parsed{form: formPattern, bytes: p}); len(p) >= minPattern && len(p) <= maxPattern && b.Len() < 100 {
				if slot, there := b.find(&v); !there {
					if _, err := b.put(&Selector{}, &v, slot); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		s, err := b.Compile()
		if err != nil {
			t.Fatal(err)
		}
		if s.Patterns() == nil {
			return
		}
		at := min(int(cut), len(text))
		state, got := s.Patterns().Scan(0, text[:at])
		if got == 0 {
			_, got = s.Patterns().Scan(state, text[at:])
		}
		if want := oracleOf(s).scan(text); got != want {
			t.Fatalf("%q in %q: %d, want %d", list, text, got, want)
		}
	})
}
