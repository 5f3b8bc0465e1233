package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"noroshi/internal/engine/event"
)

// flat is one value, as the obvious reader of JSON sees it.
type flat struct {
	path, text string
	kind       event.Kind
}

// flatten is the slow twin of scan: encoding/json, token by token.
func flatten(text []byte) (out []flat, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = flattenValue(d, "", &out)
	return out, err
}

func flattenValue(d *json.Decoder, path string, out *[]flat) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch v := t.(type) {
	case json.Delim:
		for d.More() {
			inner := path
			if v == '{' {
				key, err := d.Token()
				if err != nil {
					return err
				}
				inner = strings.TrimPrefix(path+"."+key.(string), ".")
			}
			if err := flattenValue(d, inner, out); err != nil {
				return err
			}
		}
		_, err = d.Token()
		return err
	case string:
		*out = append(*out, flat{path, v, event.Text})
	case json.Number:
		*out = append(*out, flat{path, string(v), event.Number})
	case bool:
		*out = append(*out, flat{path, fmt.Sprint(v), event.Bool})
	case nil:
		*out = append(*out, flat{path, "", event.Null})
	}
	return nil
}

// twin compares the rows of lines with what the slow twin makes of them.
func twin(t *testing.T, d *Decoder, text []byte, first uint64) (rows int) {
	t.Helper()
	names := d.reader.(*jsonReader).scan.shape.options.Names
	s := d.reader.(*jsonReader).scan.shape
	var row event.Row
	at := int64(0)
	starts := map[int64][]byte{}
	for line := range bytes.Lines(text) {
		starts[at] = line
		at += int64(len(line))
	}
	_, err := d.Rows(&Block{Data: text, First: first}, &row, func(r *event.Row) error {
		rows++
		line := starts[r.Offset]
		want, err := flatten(line)
		if err != nil {
			return fmt.Errorf("a row of what is no JSON: %v: %.200q", err, line)
		}
		compare(t, s, names, r, want, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func compare(t *testing.T, s *shaper, names *event.Names, r *event.Row, want []flat, line []byte) {
	t.Helper()
	dialect := &s.tables.dialects[s.chosen]
	want = slices.DeleteFunc(want, func(f flat) bool { return dialect.rename(f.path) == "" })
	if len(want) != len(r.Fields) {
		t.Fatalf("%d fields, want %d: %.300q", len(r.Fields), len(want), line)
	}
	for i, f := range r.Fields {
		w := want[i]
		if got := names.Text(f.Name); got != dialect.rename(w.path) || string(r.Value(i)) != w.text || f.Kind != w.kind {
			t.Fatalf("field %d: %s = %q (%d), want %s = %q (%d): %.300q", i, got, r.Value(i), f.Kind, dialect.rename(w.path), w.text, w.kind, line)
		}
	}
}

// TestMordorTwin compares the events of the host logs with the slow twin: all
// where everything has to run, else the first of most archives.
func TestMordorTwin(t *testing.T) {
	if testing.Short() {
		t.Skip("600 MB")
	}
	total := 0
	d := NewDecoder(JSONLines, Options{})
	for i, path := range mordor(t) {
		for _, m := range members(t, path) {
			kind := Detect(m.text[:min(len(m.text), HeadSize)], m.name)
			if strings.Contains(path, "/linux/") {
				continue // records of the audit daemon
			}
			if kind != JSONLines {
				t.Errorf("%s: %v", m.name, kind)
				continue
			}
			text := m.text
			if os.Getenv("NOROSHI_TEST_ALL") != "1" && i%8 != 0 && len(text) > 1<<20 {
				text = text[:bytes.LastIndexByte(text[:1<<20], '\n')+1]
			}
			rows := twin(t, d, text, 1)
			if want := bytes.Count(text, []byte("\n{")) + 1; rows != want {
				t.Errorf("%s: %d events, want %d", m.name, rows, want)
			}
			total += rows
		}
	}
	t.Logf("%d events", total)
}

// TestRandomTwin compares records made by chance with the slow twin.
func TestRandomTwin(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 2))
	d := NewDecoder(JSONLines, Options{})
	for range 300 {
		var text []byte
		for range 1 + random.IntN(20) {
			text = append(randomObject(random, text, 0), '\n')
		}
		twin(t, d, text, 1)
	}
}

var (
	randomKeys  = []string{"a", "b", "EventID", "Channel", "k\\u0041", "with space", "日本", "q\\\"q", "x.y", "a.b", "Data"}
	randomTexts = []string{"", "C:\\\\Windows\\\\cmd.exe", "日本語のログ", "a\\nb", "\\u3042\\ud83d\\ude00", "plain text of some length, longer than a word", "\\/", "é"}
	randomWords = []string{"0", "-1", "1.5e+10", "123456789012345678901234567890", "true", "false", "null"}
)

func randomObject(r *rand.Rand, to []byte, depth int) []byte {
	to = append(to, '{')
	for i := range r.IntN(8) {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(to, '"')
		to = append(to, randomKeys[r.IntN(len(randomKeys))]...)
		to = append(to, '"')
		to = randomSpace(r, to)
		to = append(to, ':')
		to = randomValue(r, randomSpace(r, to), depth+1)
		to = randomSpace(r, to)
	}
	return append(to, '}')
}

func randomSpace(r *rand.Rand, to []byte) []byte {
	return append(to, "  \t "[:max(0, r.IntN(8)-3)]...)
}

func randomValue(r *rand.Rand, to []byte, depth int) []byte {
	switch n := r.IntN(10); {
	case n < 2 && depth < 6:
		return randomObject(r, to, depth)
	case n < 4 && depth < 6:
		to = append(to, '[')
		for i := range r.IntN(4) {
			if i > 0 {
				to = append(to, ',')
			}
			to = randomValue(r, randomSpace(r, to), depth+1)
		}
		return append(to, ']')
	case n < 6:
		return append(to, randomWords[r.IntN(len(randomWords))]...)
	}
	to = append(to, '"')
	for range r.IntN(4) {
		to = append(to, randomTexts[r.IntN(len(randomTexts))]...)
	}
	return append(to, '"')
}

// TestUnicode decodes every letter, written as it is and escaped.
func TestUnicode(t *testing.T) {
	d := NewDecoder(JSONLines, Options{})
	var text []byte
	for r := rune(1); r <= 0x10FFFF; r += 1 + r/97 {
		if utf16.IsSurrogate(r) || r == '\n' {
			continue
		}
		plain, _ := json.Marshal(string(r))
		escaped := fmt.Sprintf(`"\u%04x"`, r)
		if r > 0xFFFF {
			a, b := utf16.EncodeRune(r)
			escaped = fmt.Sprintf(`"\u%04x\u%04X"`, a, b)
		}
		text = fmt.Appendf(text, "{\"p\":%s,\"e\":%s}\n", plain, escaped)
	}
	if n := twin(t, d, text, 1); n < 800 {
		t.Errorf("%d rows", n)
	}
}
