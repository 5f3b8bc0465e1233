package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"noroshi/internal/engine/event"
)

// values reads text and returns the values of a field, and the damage.
func values(t testing.TB, text string, k Kind, field string) (out []string, damage []Damage) {
	t.Helper()
	names := event.NewNames()
	damage = read(t, []byte(text), "", k, Options{Names: names}, 0, func(r *event.Row) error {
		out = append(out, string(r.Get(names.ID(field))))
		return nil
	})
	return out, damage
}

// TestDamage reads files that are broken in one place: the place is named, and
// all else is read.
func TestDamage(t *testing.T) {
	deep := strings.Repeat(`{"d":`, 100) + `1` + strings.Repeat(`}`, 100)
	for name, c := range map[string]struct {
		kind   Kind
		text   string
		want   string // values of n
		damage string // reason@offset+length, record
	}{
		"whole":                   {JSONLines, "{\"n\":1}\n{\"n\":2}\n", "1 2", ""},
		"no last line end":        {JSONLines, "{\"n\":1}\n{\"n\":2}", "1 2", ""},
		"CRLF and empty lines":    {JSONLines, "{\"n\":1}\r\n\r\n\n{\"n\":2}\r\n", "1 2", ""},
		"byte order mark":         {JSONLines, "\ufeff{\"n\":1}\n", "1", ""},
		"padded with NUL":         {JSONLines, "{\"n\":1}\n\x00\x00\x00\x00{\"n\":2}\n\x00\x00", "1 2", ""},
		"half a line":             {JSONLines, "{\"n\":1}\n{\"n\":2,\"x\n{\"n\":3}\n", "1 3", "broken@8+10 2"},
		"half a line in a string": {JSONLines, "{\"n\":1}\n{\"n\":\"2\n{\"n\":\"3\"}\n", "1 3", "broken@8+8 2"},
		"words between":           {JSONLines, "{\"n\":1}\nhello world\n{\"n\":3}\n", "1 3", "broken@8+12 2"},
		"many bad lines":          {JSONLines, "{\"n\":1}\n?\n?\n?\n{\"n\":5}\n", "1 5", "broken@8+6 2"},
		"cut at the end":          {JSONLines, "{\"n\":1}\n{\"n\":2", "1", "cut@8+6 2"},
		"two on a line":           {JSONLines, "{\"n\":1}{\"n\":2} {\"n\":3}\n", "1 2 3", ""},
		"array on lines":          {JSONLines, "[{\"n\":1},\n{\"n\":2}]\n", "1 2", ""},
		"over several lines":      {JSONLines, "{\n\"n\":1\n}\n{\"n\":2}\n", "1 2", ""},
		"bytes that are no UTF-8": {JSONLines, "{\"n\":\"a\xffb\"}\n{\"n\":\"\x93\xfa\"}\n", "a\ufffdb \ufffd\ufffd", "letters@0+0 1,letters@12+0 2"},
		"half a surrogate":        {JSONLines, "{\"n\":\"x\\ud800y\"}\n{\"n\":\"\\udc00\\ud83d\\ude00\"}\n", "x\ufffdy \ufffd😀", "letters@0+0 1,letters@17+0 2"},
		"escape nobody knows":     {JSONLines, "{\"n\":\"C:\\Users\\q\"}\n", "C:\\Users\\q", "letters@0+0 1"},
		"the same key twice":      {JSONLines, "{\"n\":1,\"n\":2}\n", "1", ""},
		"what log it is, twice":   {JSONLines, "{\"timestamp\":\"2026-01-02T03:04:05Z\",\"flow_id\":1,\"event_type\":\"flow\",\"event_type\":\"dns\",\"n\":1}\n{\"timestamp\":\"2026-01-02T03:04:05Z\",\"flow_id\":1,\"event_type\":\"dns\",\"event_type\":\"dns\",\"n\":2}\n", "1 2", "twice@0+0 1"},
		"a list of what it is":    {JSONLines, "{\"@timestamp\":\"2026-01-02T03:04:05Z\",\"ecs.version\":\"1\",\"event\":{\"category\":[\"network\",\"process\"]},\"n\":1}\n", "1", ""},
		"too deep":                {JSONLines, "{\"n\":1,\"d\":" + deep + "}\n{\"n\":2}\n", "1 2", "deep@0+0 1"},
		"control bytes":           {JSONLines, "{\"n\":\"a\x01\tb\"}\n", "a\x01\tb", ""},
		"an array":                {JSON, "[{\"n\":1},{\"n\":2}]", "1 2", ""},
		"arrays":                  {JSON, "[{\"n\":1}][{\"n\":2}]\n[]", "1 2", ""},
		"an array that is cut":    {JSON, "[{\"n\":1},{\"n\":2},{\"n\":", "1 2", "cut@17+5 3"},
		"a wrapper that is cut":   {JSON, "{\"Records\":[{\"n\":1},{\"n\":2},{\"n\":3", "1 2", "cut@28+6 3"},
		"words in an array":       {JSON, "[{\"n\":1},\"x\",5,{\"n\":2}]", "1 2", "broken@9+5 2"},
		"one that is wrong":       {JSON, "[{\"n\":1},{\"n\":@},{\"n\":3}]", "1 3", "broken@9+7 2"},
		"a brace is missing":      {JSON, "{\n\"n\":1\n}\n{\n\"n\":{\n\"x\":2\n}\n{\n\"n\":3\n}\n", "1 3", "broken@10+16 2"},
		"a quote is missing":      {JSON, "{\n\"n\":1\n}\n{\n\"n\":\"2\n}\n{\n\"n\":\"3\"\n}\n", "1 3", "broken@10+11 2"},
		"braces":                  {JSON, "}}}}[{\"n\":1}]}]", "1", "broken@0+4 1,broken@13+2 2"},
		"a separator each":        {JSON, "\x1e{\"n\":1}\n\x1e{\"n\":2}\n", "1 2", ""},
		"wrappers on lines":       {JSON, "{\"records\":[{\"n\":1}]}\n{\"records\":[{\"n\":2},{\"n\":3}]}\n", "1 2 3", ""},
		"wrapper among others":    {JSON, "{\"a\":\"[\",\"value\":[{\"n\":1}],\"z\":2}{\"n\":2}", "1 2", ""},
		"nested hits":             {JSON, "{\"took\":1,\"_shards\":{\"total\":1},\"hits\":{\"total\":{\"value\":2},\"hits\":[{\"_source\":{\"n\":1}},{\"_source\":{\"n\":2}}]}}", "1 2", ""},
		"not a wrapper":           {JSON, "{\"n\":1,\"actor\":{},\"items\":[{\"n\":7}]}\n{\"n\":2,\n\"o\":{}}", "1 2", ""},
		"not a number":            {JSONLines, "{\"n\":NaN}\n{\"n\":-Infinity}\n", "NaN -Infinity", ""},
	} {
		got, damage := values(t, c.text, c.kind, "n")
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s: %q, want %q", name, text, c.want)
		}
		var shown []string
		for _, d := range damage {
			shown = append(shown, fmt.Sprintf("%s@%d+%d %d", d.Reason.Code(), d.Offset, d.Length, d.Record))
		}
		if text := strings.Join(shown, ","); text != c.damage {
			t.Errorf("%s: damage %q, want %q", name, text, c.damage)
		}
	}
}

// TestDetectJSON tells lines from other JSON, and JSON from what only looks so.
func TestDetectJSON(t *testing.T) {
	for text, want := range map[string]Kind{
		"{\"a\":1}\n{\"a\":2}\n":  JSONLines,
		"{\"a\":1}":               JSONLines,
		"\ufeff  {\"a\":1}\r\n":   JSONLines,
		"{\n \"a\":1\n}\n{":       JSON,
		"[{\"a\":1}]":             JSON,
		"[]":                      JSON,
		"{\"Records\":[{\"a\":1}": JSON,
		"{\"value\":[]}":          JSON,
		"{\"a\":1,\"events\":[{\"b\":1}],\"c\":{}}":     JSONLines,
		"\xff\xfe{\x00\"\x00a\x00\"\x00:\x001\x00}\x00": JSONLines,
		"\x00{\x00\"\x00a\x00\"\x00:\x001\x00}":         JSONLines,
		"":                                              Unknown,
		"\x00\x00\n":                                    Unknown,
		"ElfFile\x00":                                   EVTX,
	} {
		if got := Detect([]byte(text), "x.log"); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"[Fri Jan 2 2026] error\n", "{hello}\n", "[1,2]\n"} {
		if got := Detect([]byte(text), "x.log"); got == JSON || got == JSONLines {
			t.Errorf("%q is %v", text, got)
		}
	}
}

// TestUTF16 reads the same log in UTF-16, with and without its mark.
func TestUTF16(t *testing.T) {
	for _, mark := range []string{"", "\ufeff"} {
		for big := range 2 {
			var text []byte
			for _, r := range mark + "{\"n\":\"a日本\"}\r\n{\"n\":\"b\"}\n" {
				two := []byte{byte(r), byte(r >> 8)}
				if big == 1 {
					two[0], two[1] = two[1], two[0]
				}
				text = append(text, two...)
			}
			if k := Detect(text, ""); k != JSONLines {
				t.Fatalf("%v", k)
			}
			got, damage := values(t, string(text), JSONLines, "n")
			if len(got) != 2 || got[0] != "a日本" || got[1] != "b" || len(damage) > 0 {
				t.Errorf("%q, %v", got, damage)
			}
		}
	}
}

// TestLarge reads a line of 10 MB, and passes over a record larger than the
// limit.
func TestLarge(t *testing.T) {
	long := strings.Repeat("x", 10<<20)
	got, damage := values(t, "{\"n\":1,\"l\":\""+long+"\"}\n{\"n\":2}\n", JSONLines, "n")
	if strings.Join(got, " ") != "1 2" || len(damage) > 0 {
		t.Errorf("%q, %v", got, damage)
	}
	for _, k := range []Kind{JSONLines, JSON} {
		text := "{\"n\":1}\n{\"l\":\"" + strings.Repeat(long, 4) + "\"}\n{\"n\":3}\n"
		got, damage := values(t, text, k, "n")
		if strings.Join(got, " ") != "1 3" || len(damage) != 1 || damage[0].Reason != Large || damage[0].Offset != 8 && damage[0].Offset != 7 || damage[0].Length < 40<<20 {
			t.Errorf("%v: %q, %v", k, got, damage)
		}
	}
}

// TestWide reads a record with more values, and a log with more names, than are
// kept.
func TestWide(t *testing.T) {
	var text bytes.Buffer
	text.WriteString("{\"n\":1,\"l\":[" + strings.Repeat("1,", 1<<17) + "1]}\n")
	for i := range 200 {
		text.WriteString("{\"n\":2")
		for k := range 1000 {
			fmt.Fprintf(&text, ",\"k%d\":1", i*1000+k)
		}
		text.WriteString("}\n")
	}
	names := event.NewNames()
	d := NewDecoder(JSONLines, Options{Names: names})
	rows, most := 0, 0
	damage := readWith(t, d, text.Bytes(), "", JSONLines, 0, func(r *event.Row) error {
		rows++
		most = max(most, len(r.Fields))
		return nil
	})
	if rows != 201 || most > maxFields || len(damage) != 1 || damage[0].Reason != Wide {
		t.Errorf("%d rows, %d fields, %v", rows, most, damage)
	}
	if n := len(d.reader.(*jsonReader).scan.shape.nodes); n > maxNodes+1000 {
		t.Errorf("%d nodes are kept", n)
	}
}

// TestTree reads a tree as deep as is read, and one that is deeper; and a list
// whose events would tell much again and again.
func TestTree(t *testing.T) {
	tree := func(depth int) string {
		return "[" + strings.Repeat("{\"__children\":[", depth) + "{\"n\":1}" + strings.Repeat("],\"n\":2}", depth) + "]"
	}
	got, damage := values(t, tree(50), JSON, "n")
	if len(got) != 51 || len(damage) > 0 {
		t.Errorf("%d events, %v", len(got), damage)
	}
	got, damage = values(t, tree(500), JSON, "n")
	if len(got) < 50 || len(got) > 500 || len(damage) != 1 || damage[0].Reason != Deep {
		t.Errorf("%d events, %v", len(got), damage)
	}
	text := "{\"l\":[" + strings.Repeat("1,", 60000) + "1],\"events\":[" + strings.Repeat("{},", 100000) + "{\"n\":1}],\"id\":{}}\n"
	got, damage = values(t, text, JSONLines, "n")
	if len(got) == 0 || len(got) > 1000 || len(damage) != 1 || damage[0].Reason != Wide {
		t.Errorf("%d events, %v", len(got), damage)
	}
}

// endless gives out one text again and again.
type endless struct {
	head, each string
	left       int
	at         int
}

func (e *endless) Read(p []byte) (n int, err error) {
	if e.head != "" {
		n = copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	for n < len(p) && e.left > 0 {
		k := copy(p[n:], e.each[e.at:])
		n, e.at, e.left = n+k, (e.at+k)%len(e.each), e.left-k
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// TestBounded reads an array of 256 MB, in a wrapper, in the memory of a few
// blocks.
func TestBounded(t *testing.T) {
	each := `{"eventName":"A","eventSource":"s3.amazonaws.com","awsRegion":"x","pad":"` + strings.Repeat("y", 900) + `"},`
	r := &endless{head: `{"Records":[`, each: each, left: 256 << 20}
	d, row, b := NewDecoder(JSON, Options{}), event.Row{}, Block{}
	rows := uint64(0)
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, peak := m.HeapInuse, uint64(0)
	for s := NewSplitter(r, JSON, 0); ; {
		err := s.Next(&b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if b.First != rows+1 {
			t.Fatalf("a block begins with record %d after %d", b.First, rows)
		}
		if _, err := d.Rows(&b, &row, func(*event.Row) error { rows++; return nil }); err != nil {
			t.Fatal(err)
		}
		if b.Seq%64 == 0 {
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
		}
	}
	if want := uint64(256 << 20 / len(each)); rows < want {
		t.Errorf("%d rows, want %d", rows, want)
	}
	if peak > before+64<<20 {
		t.Errorf("%d MB are in use, %d before", peak>>20, before>>20)
	}
}

// TestBlocks divides a file in blocks of every small size: the rows are always
// the same, with the same numbers and places.
func TestBlocks(t *testing.T) {
	var lines bytes.Buffer
	for i := range 40 {
		fmt.Fprintf(&lines, "{\"n\":%d,\"t\":\"%s\\\"}{\"}\n", i, strings.Repeat("ab", i))
		if i%7 == 0 {
			lines.WriteString("bad {\n")
		}
	}
	array := "[" + strings.ReplaceAll(strings.ReplaceAll(lines.String(), "bad {\n", " "), "}\n", "},\n") + "{\"n\":99}]"
	for kind, text := range map[Kind]string{JSONLines: lines.String(), JSON: array} {
		var want string
		for size := range 300 {
			var got strings.Builder
			names := event.NewNames()
			damage := read(t, []byte(text), "", kind, Options{Names: names}, size, func(r *event.Row) error {
				fmt.Fprintf(&got, "%d@%d %s;", r.Record, r.Offset, r.Get(names.ID("n")))
				return nil
			})
			for _, d := range damage {
				fmt.Fprintf(&got, "%s@%d+%d;", d.Reason.Code(), d.Offset, d.Length)
			}
			if size == 0 {
				want = got.String()
			}
			if a, b := got.String(), want; a[:strings.LastIndexByte(a, ';')] != b[:strings.LastIndexByte(b, ';')] {
				sizeOf := len(a)
				t.Fatalf("%v in blocks of %d: %d bytes\n%.300s\nwant\n%.300s", kind, size, sizeOf, a, b)
			}
		}
	}
}
