package jsonscan

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tree reads a value with a Cursor into what encoding/json would make of it.
func tree(c *Cursor) any {
	switch c.Kind() {
	case Object:
		m := map[string]any{}
		for key := range c.Object() {
			k := string(key)
			m[k] = tree(c)
		}
		return m
	case Array:
		a := []any{}
		for range c.Array() {
			a = append(a, tree(c))
		}
		return a
	case String:
		return c.String()
	case Number:
		return json.Number(c.Raw())
	case Bool:
		return c.Bool()
	}
	c.Skip()
	return nil
}

// twin reads a document with encoding/json. It says where we are stricter:
// names that stand twice, broken text, U+0000.
func twin(b []byte) (v any, stricter bool, err error) {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))))
	d.UseNumber()
	if err = d.Decode(&v); err != nil {
		return nil, false, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, false, errors.New("something after")
	}
	s := string(b)
	stricter = strings.Contains(s, "\ufffd") || strings.ToValidUTF8(s, "") != s || strings.Contains(s, `\u0000`) || twins(b) || strings.Contains(strings.ToLower(s), `\ud`)
	return v, stricter, nil
}

// twins reports whether a valid document has an object with a name twice.
func twins(b []byte) bool {
	d := json.NewDecoder(bytes.NewReader(b))
	type frame struct {
		seen map[string]bool
		name bool
	}
	var open []frame
	for {
		t, err := d.Token()
		if err != nil {
			return false
		}
		if n := len(open) - 1; n >= 0 && open[n].seen != nil && open[n].name {
			if s, ok := t.(string); ok {
				if open[n].seen[s] {
					return true
				}
				open[n].seen[s], open[n].name = true, false
				continue
			}
		}
		switch t {
		case json.Delim('{'):
			open = append(open, frame{seen: map[string]bool{}, name: true})
			continue
		case json.Delim('['):
			open = append(open, frame{})
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		if n := len(open) - 1; n >= 0 && open[n].seen != nil {
			open[n].name = true
		}
	}
}

// read reads a document as a whole and, when it is an array or object, again
// element by element; both have to agree.
func read(b []byte, r func(io.Reader) io.Reader) (any, error) {
	s := New(r(bytes.NewReader(b)), Limits{})
	v, err := s.Value()
	var whole any
	if err == nil {
		c := v.Cursor()
		if whole = tree(c); c.wrong != 0 {
			return nil, fmt.Errorf("wrong at %d", c.wrong)
		}
		err = s.End()
	}
	var keys, raws []string
	_, err2 := Elements(r(bytes.NewReader(b)), Limits{}, nil, func(key string, i int, v Value) error {
		keys, raws = append(keys, key), append(raws, string(v))
		return nil
	})
	if (err == nil) != (err2 == nil) {
		return nil, fmt.Errorf("whole: %v, by elements: %v", err, err2)
	}
	if err != nil {
		return nil, err
	}
	switch w := whole.(type) {
	case map[string]any:
		if len(keys) != len(w) {
			return nil, fmt.Errorf("%d members by elements, %d as a whole", len(keys), len(w))
		}
		for i, k := range keys {
			if d := cmp.Diff(w[k], tree(Value(raws[i]).Cursor())); d != "" {
				return nil, errors.New("member " + k + d)
			}
		}
	case []any:
		if len(keys) != len(w) {
			return nil, fmt.Errorf("%d elements, %d as a whole", len(keys), len(w))
		}
	}
	return whole, nil
}

// agree holds a document against encoding/json.
func agree(t testing.TB, b []byte) {
	t.Helper()
	if len(b) > 1<<16 || bytes.Count(b, []byte("["))+bytes.Count(b, []byte("{")) > 120 {
		return // beyond our depth, perhaps
	}
	want, stricter, wantErr := twin(b)
	for name, r := range map[string]func(io.Reader) io.Reader{"whole": func(r io.Reader) io.Reader { return r }, "bytewise": iotest.OneByteReader} {
		have, err := read(b, r)
		if err != nil && strings.Contains(err.Error(), "as a whole") {
			t.Errorf("%s: %.300q: %v", name, b, err)
		}
		switch {
		case wantErr != nil && err == nil:
			t.Errorf("%s: %.300q is taken, the twin says %v", name, b, wantErr)
		case wantErr == nil && err != nil && !stricter:
			t.Errorf("%s: %.300q is refused: %v", name, b, err)
		case err == nil && wantErr == nil && !stricter:
			if d := cmp.Diff(want, have); d != "" {
				t.Errorf("%s: %.300q: %s", name, b, d)
			}
		}
	}
}

// grow writes a random value.
func grow(r *rand.Rand, depth int, b []byte) []byte {
	pad := func() { b = append(b, strings.Repeat(" \n\t\r", r.IntN(2))...) }
	pad()
	switch k := r.IntN(9); {
	case k < 2 && depth > 0:
		b = append(b, '{')
		for i := range r.IntN(5) {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendQuote(b, "k"+strconv.Itoa(i))
			b = append(b, ':')
			b = grow(r, depth-1, b)
		}
		b = append(b, '}')
	case k < 4 && depth > 0:
		b = append(b, '[')
		for i := range r.IntN(5) {
			if i > 0 {
				b = append(b, ',')
			}
			b = grow(r, depth-1, b)
		}
		b = append(b, ']')
	case k == 4:
		b = strconv.AppendFloat(b, r.NormFloat64()*1e6, "eEfg"[r.IntN(4)], -1, 64)
	case k == 5:
		b = strconv.AppendInt(b, r.Int64()-r.Int64(), 10)
	case k == 6:
		b = append(b, [...]string{"true", "false", "null"}[r.IntN(3)]...)
	default:
		words := []string{"plain", "狼煙", `\"`, `\\`, `\u72fc`, `\ud83d\udd25`, `\n\t\/`, "🔥", " ", "x", strings.Repeat("long ", 9)}
		b = append(b, '"')
		for range r.IntN(6) {
			b = append(b, words[r.IntN(len(words))]...)
		}
		b = append(b, '"')
	}
	pad()
	return b
}

func TestTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 1500 {
		b := grow(r, 5, nil)
		agree(t, b)
		if len(b) > 0 { // and damaged
			c := bytes.Clone(b)
			c[r.IntN(len(c))] = `{}[]",:0-\ et1.`[r.IntN(15)]
			agree(t, c)
			agree(t, b[:r.IntN(len(b))])
		}
	}
}

func TestRefuses(t *testing.T) {
	long := strings.Repeat("[", 200)
	for _, c := range []struct {
		in   string
		err  error
		at   int64
		path string
	}{
		{`{"a":1,"a":2}`, ErrTwice, 7, ""},
		{`{"x":{"a":1,"\u0061":2}}`, ErrTwice, 12, "/x"},
		{`[{"a/b":[1,2,{"c":tru}]}]`, ErrSyntax, 18, "/0/a~1b/2/c"},
		{`{"a":1} x`, ErrAfter, 8, ""},
		{`{"a":1`, ErrCut, 6, "/a"},
		{`{"a":"`, ErrCut, 6, "/a"},
		{``, ErrCut, 0, ""},
		{long, ErrDeep, 128, strings.Repeat("/0", 128)},
		{`["` + "\xff" + `"]`, ErrText, 2, "/0"},
		{`["` + "a\x00b" + `"]`, ErrText, 3, "/0"},
		{`["\u0000"]`, ErrText, 2, "/0"},
		{`["\ud800"]`, ErrText, 2, "/0"},
		{`["\udc00\ud800"]`, ErrText, 2, "/0"},
		{`["\x"]`, ErrText, 2, "/0"},
		{`[01]`, ErrSyntax, 1, "/0"},
		{`[1.]`, ErrSyntax, 3, "/0"},
		{`[-]`, ErrSyntax, 2, "/0"},
		{`[1e+]`, ErrSyntax, 4, "/0"},
		{`[+1]`, ErrSyntax, 1, "/0"},
		{`[NaN]`, ErrSyntax, 1, "/0"},
		{`[1,]`, ErrSyntax, 3, "/0"},
		{`{"a":1,}`, ErrSyntax, 7, "/a"},
		{`{a:1}`, ErrSyntax, 1, ""},
		{`['a']`, ErrSyntax, 1, "/0"},
		{`[1 2]`, ErrSyntax, 3, "/0"},
		{`[1}`, ErrSyntax, 2, "/0"},
		{`{"a":1]`, ErrSyntax, 6, "/a"},
	} {
		s := New(strings.NewReader(c.in), Limits{})
		_, err := s.Value()
		if err == nil {
			err = s.End()
		}
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, c.err) {
			t.Errorf("%.40q: %v, want %v", c.in, err, c.err)
			continue
		}
		if e.Offset != c.at {
			t.Errorf("%.40q: at byte %d, want %d", c.in, e.Offset, c.at)
		}
		if err2 := s.End(); !errors.Is(err2, c.err) {
			t.Errorf("%.40q: then %v", c.in, err2)
		}
	}
}

// A document can be read element by element down to any path.
func TestElements(t *testing.T) {
	doc := "\xef\xbb\xbf" + `{"n":3,"a":{"list":[{"id":1},{"id":2},[3]],"more":null},"z":"end"}`
	var got []string
	found, err := Elements(strings.NewReader(doc), Limits{}, []string{"a", "list"}, func(key string, i int, v Value) error {
		got = append(got, fmt.Sprint(i, key, string(v)))
		return nil
	})
	if d := cmp.Diff([]string{`0{"id":1}`, `1{"id":2}`, `2[3]`}, got); !found || err != nil || d != "" {
		t.Error(found, err, d)
	}
	if found, err := Elements(strings.NewReader(doc), Limits{}, []string{"a", "none"}, nil); found || err != nil {
		t.Error(found, err)
	}
	_, err = Elements(strings.NewReader(doc[:len(doc)-1]), Limits{}, []string{"a", "list"}, func(string, int, Value) error { return nil })
	if !errors.Is(err, ErrCut) {
		t.Error("half a document is taken:", err)
	}
	stop := errors.New("stop")
	if _, err := Elements(strings.NewReader(doc), Limits{}, nil, func(string, int, Value) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name string
		in   string
		l    Limits
		path []string
	}{
		{"element", `[1,"` + strings.Repeat("x", 2000) + `"]`, Limits{Element: 1000}, nil},
		{"skipped element", `{"skip":"` + strings.Repeat("x", 2000) + `","a":[]}`, Limits{Element: 1000}, []string{"a"}},
		{"members", `{"a":1,"b":2,"c":3}`, Limits{Members: 2}, nil},
		{"total", `[` + strings.Repeat("1,", 5000) + `1]`, Limits{Total: 4000}, nil},
	} {
		if _, err := Elements(strings.NewReader(c.in), c.l, c.path, func(string, int, Value) error { return nil }); !errors.Is(err, ErrLarge) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := Elements(strings.NewReader(`[[[[1]]]]`), Limits{Depth: 3}, nil, func(string, int, Value) error { return nil }); !errors.Is(err, ErrDeep) {
		t.Error("depth:", err)
	}
}

// A reader's own error comes out as it is.
func TestReaderFails(t *testing.T) {
	broken := errors.New("broken")
	s := New(io.MultiReader(strings.NewReader(`[1,2`), iotest.ErrReader(broken)), Limits{})
	if _, err := s.Value(); !errors.Is(err, broken) {
		t.Error(err)
	}
	s = New(idle{}, Limits{})
	if _, err := s.Value(); !errors.Is(err, io.ErrNoProgress) {
		t.Error(err)
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// An object with very many names is still checked for twins, and quickly.
func TestManyNames(t *testing.T) {
	var b strings.Builder
	b.WriteByte('{')
	const n = 200_000
	for i := range n {
		fmt.Fprintf(&b, `"k%06d":1,`, i)
	}
	start := time.Now()
	for _, last := range []struct {
		name string
		err  error
	}{{"fresh", nil}, {"k000017", ErrTwice}} {
		s := New(strings.NewReader("["+b.String()+`"`+last.name+`":1}]`), Limits{})
		if err := s.Enter(); err != nil {
			t.Fatal(err)
		}
		if err := s.End(); !errors.Is(err, last.err) {
			t.Errorf("%s: %v", last.name, err)
		}
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

func TestCursor(t *testing.T) {
	v := Value(`{"i": -42, "f": 1.5e3, "b": true, "s": "a\u72fc\n", "t": "2026-03-01T09:00:00.5+09:00", "d":"2026-03-01", "l":"2026-03-01T04:05:06.789", "n": null, "skip": [1,{"x":"]"}], "last": "é"}`)
	c := v.Cursor()
	got := map[string]any{}
	for key := range c.Object() {
		switch k := string(key); k {
		case "i":
			got[k] = c.Int()
		case "f":
			got[k] = c.Float()
		case "b":
			got[k] = c.Bool()
		case "s", "n", "last":
			got[k] = c.String()
		case "t", "d", "l":
			got[k] = c.Time().Format(time.RFC3339Nano)
		}
	}
	want := map[string]any{"i": int64(-42), "f": 1500.0, "b": true, "s": "a狼\n", "n": "", "last": "é", "t": "2026-03-01T00:00:00.5Z", "d": "2026-03-01T00:00:00Z", "l": "2026-03-01T04:05:06.789Z"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if at, wrong := c.Wrong(); wrong {
		t.Error("wrong at", at)
	}
	for in, path := range map[string]string{`{"a":{"b":[1,"x"]}}`: "/a/b/1", `{"a":{"b":[1,99999999999999999999]}}`: "/a/b/1", `{"a":{"b":[1,2.5]}}`: "/a/b/1", `{"a":[]}`: "/a"} {
		c := Value(in).Cursor()
		for range c.Object() {
			for range c.Object() {
				for range c.Array() {
					c.Int()
				}
			}
		}
		if at, wrong := c.Wrong(); !wrong || at != path {
			t.Errorf("%s: wrong at %q, %v", in, at, wrong)
		}
	}
	c = Value(`{"t":"yesterday"}`).Cursor()
	for range c.Object() {
		c.Time()
	}
	if at, wrong := c.Wrong(); !wrong || at != "/t" {
		t.Error(at, wrong)
	}
	// A loop that is left early still ends after its object.
	c = Value(`[{"a":1,"b":2,"c":[3]},4]`).Cursor()
	var sum int64
	for i := range c.Array() {
		if i == 0 {
			for range c.Object() {
				sum += c.Int()
				break
			}
			continue
		}
		sum += c.Int()
	}
	if sum != 5 {
		t.Error(sum)
	}
}

// The quick way to a time gives what package time gives.
func TestParseTime(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 20000 {
		at := time.Unix(r.Int64N(8e9)-4e9, r.Int64N(1e9)).UTC()
		for _, l := range []string{time.DateOnly, "2006-01-02T15:04:05", "2006-01-02T15:04:05.000", time.RFC3339, time.RFC3339Nano, "2006-01-02T15:04:05.000000Z", "2006-01-02T15:04:05.999999999-07:00"} {
			s := at.Format(l)
			if i%3 == 0 && len(s) > 0 { // and damaged
				b := []byte(s)
				b[r.IntN(len(b))] = "0123456789-:TZ. "[r.IntN(16)]
				s = string(b)
			}
			got, ok := ParseTime(s)
			var want time.Time
			found := false
			for _, l := range layouts {
				if x, err := time.Parse(l, s); err == nil {
					want, found = x.UTC(), true
					break
				}
			}
			if ok != found || !got.Equal(want) {
				t.Fatalf("%q: %v %v, want %v %v", s, got, ok, want, found)
			}
		}
	}
}

// Real documents read as encoding/json reads them.
func TestRealDocuments(t *testing.T) {
	path := filepath.Join("..", "..", "..", "..", "shared", "data", "vuln", "cve5-vulnrichment-dev.zip")
	z, err := zip.OpenReader(path)
	if err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skip("no real data beside the repository: ", err)
	}
	defer z.Close()
	n := 0
	for i, m := range z.File {
		if i%10 != 0 || m.FileInfo().IsDir() {
			continue
		}
		r, err := m.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		want, stricter, err := twin(b)
		if err != nil || stricter && !strings.Contains(string(b), `\ud`) {
			t.Fatal(m.Name, err, stricter)
		}
		have, err := read(b, func(r io.Reader) io.Reader { return r })
		if d := cmp.Diff(want, have); err != nil || d != "" {
			t.Error(m.Name, err, d)
		}
		n++
	}
	if n < 300 {
		t.Error(n)
	}
}

func FuzzScanner(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		f.Add(grow(r, 4, nil))
	}
	f.Add([]byte(`{"a":[1,2,{"b":"\ud83d\udd25"}],"a":0}`))
	f.Fuzz(func(t *testing.T, b []byte) { agree(t, b) })
}

// shaped writes records like those of NVD.
func shaped(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"resultsPerPage":0,"vulnerabilities":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"cve":{"id":"CVE-2020-%d","sourceIdentifier":"psirt@vendor.example","published":"2020-01-02T03:04:05.678","lastModified":"2021-02-03T04:05:06.789","vulnStatus":"Analyzed","descriptions":[{"lang":"en","value":"%s"}],"configurations":[{"nodes":[{"operator":"OR","negate":false,"cpeMatch":[`, i, strings.Repeat("A flaw lets somebody do what he should not. ", 6))
		for j := range 6 {
			if j > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"vulnerable":true,"criteria":"cpe:2.3:a:vendor%d:product:*:*:*:*:*:*:*:*","versionStartIncluding":"1.%d.0","versionEndExcluding":"1.%d.7","matchCriteriaId":"99999999-9999-4999-8999-999999999999"}`, i%1000, j, j)
		}
		b.WriteString(`]}]}],"references":[{"url":"https://vendor.example/advisory"}]}}`)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func BenchmarkElements(b *testing.B) {
	doc := shaped(5000)
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		n := 0
		if _, err := Elements(bytes.NewReader(doc), Limits{}, []string{"vulnerabilities"}, func(string, int, Value) error { n++; return nil }); err != nil || n != 5000 {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkSkip(b *testing.B) {
	doc := Value(shaped(5000))
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		c := doc.Cursor()
		for range c.Object() {
		}
	}
}

func BenchmarkExtract(b *testing.B) {
	doc := shaped(5000)
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		n := 0
		_, err := Elements(bytes.NewReader(doc), Limits{}, []string{"vulnerabilities"}, func(_ string, _ int, v Value) error {
			walk(v.Cursor(), &n)
			return nil
		})
		if err != nil || n == 0 {
			b.Fatal(n, err)
		}
	}
}

// walk reads every name and string.
func walk(c *Cursor, n *int) {
	switch c.Kind() {
	case Object:
		for key := range c.Object() {
			*n += len(key)
			walk(c, n)
		}
	case Array:
		for range c.Array() {
			walk(c, n)
		}
	case String:
		*n += len(c.Bytes())
	default:
		c.Skip()
	}
}

// BenchmarkTwin is encoding/json on the same document, into maps.
func BenchmarkTwin(b *testing.B) {
	doc := shaped(5000)
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		var v any
		if err := json.Unmarshal(doc, &v); err != nil {
			b.Fatal(err)
		}
	}
}
