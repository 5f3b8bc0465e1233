package format

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"noroshi/internal/engine/event"
)

// seeds adds the examples of the dialects.
func seeds(f *testing.F) {
	files, err := filepath.Glob("testdata/dialect/*.json*")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("{\"a\":\"\\ud800\\udc00\\q\xff\"}\n[{}]{\"Records\":[{},{\"b\":[1,{}]}]}"))
}

// FuzzJSON decodes anything as lines and as other JSON. What encoding/json
// takes as one object must be read as it reads it.
func FuzzJSON(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		plain, err := io.ReadAll(newDecoded(bytes.NewReader(text)))
		if err != nil {
			t.Fatal(err)
		}
		end := int64(len(plain)) // places are those in UTF-8
		for _, k := range []Kind{JSONLines, JSON} {
			rows := 0
			damage := read(t, text, "conn.log", k, Options{}, 100, func(r *event.Row) error {
				rows++
				if r.Offset < 0 || r.Offset > end {
					t.Errorf("%v: a row at %d of %d bytes", k, r.Offset, len(text))
				}
				for i := range r.Fields {
					if !utf8.Valid(r.Value(i)) {
						t.Errorf("%v: %q is no text", k, r.Value(i))
					}
				}
				return nil
			})
			for _, d := range damage {
				if d.Offset < 0 || d.Offset+d.Length > end || d.Reason == 0 {
					t.Errorf("%v: damage %+v in %d bytes", k, d, len(text))
				}
			}
			if rows == 0 && len(damage) == 0 && len(text) > 2 && text[0] == '{' && text[1] == '"' && json.Valid(text) && k == JSONLines {
				t.Errorf("nothing is read, and no damage: %q", text)
			}
		}
		alone(t, text)
	})
}

// alone compares one object with the slow twin.
func alone(t *testing.T, text []byte) {
	if len(text) == 0 || text[0] != '{' || !json.Valid(text) || !utf8.Valid(text) {
		return
	}
	want, err := flatten(text)
	if err != nil {
		return
	}
	names := event.NewNames()
	d := newJSONReader(Options{Names: names}, false)
	s := &d.scan
	s.b, s.p = text, 1
	var row event.Row
	s.begin(&row)
	if !s.object(s.shape.root, 1) {
		if !s.flaw[Deep] {
			t.Fatalf("%q cannot be read", text)
		}
		return
	}
	if s.flaw != ([reasons]bool{}) || len(s.nested) > 0 {
		return
	}
	for _, f := range s.fields {
		n := s.shape.nodes[f.Name]
		if n.parent != nil && n.parent.whole == n {
			return // the twin knows no wholes
		}
	}
	if len(s.fields) != len(want) {
		t.Fatalf("%d fields, want %d: %q", len(s.fields), len(want), text)
	}
	for i, f := range s.fields {
		if got := string(s.text[f.Off : f.Off+f.Len]); got != want[i].text || f.Kind != want[i].kind {
			t.Fatalf("field %d: %q, want %q: %q", i, got, want[i].text, text)
		}
	}
}

// FuzzDetect asks for the format of anything.
func FuzzDetect(f *testing.F) {
	seeds(f)
	f.Add([]byte("ElfFile\x00"))
	f.Add([]byte("\xff\xfe{\x00"))
	f.Fuzz(func(t *testing.T, head []byte) {
		k := Detect(head, "x")
		if k >= kinds {
			t.Fatalf("%d", k)
		}
		if p, ok := ParseKind(k.String()); k != Unknown && (!ok || p != k) {
			t.Errorf("%v is called %q", p, k)
		}
	})
}
