package format

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/engine/event"
)

var update = flag.Bool("update-golden", false, "write what the dialects make of their examples")

// shown is a row as the golden files have it.
type shown struct {
	Record uint64      `json:"record"`
	Time   string      `json:"time,omitempty"`
	Log    string      `json:"log,omitempty"`
	Fields [][2]string `json:"fields"`
}

func show(r *event.Row, names *event.Names) shown {
	s := shown{Record: r.Record}
	if r.Time != 0 {
		s.Time = time.Unix(0, r.Time).UTC().Format(time.RFC3339Nano)
	}
	if r.Log != (event.Log{}) {
		s.Log = r.Log.Product + "/" + r.Log.Category + "/" + r.Log.Service
	}
	for i, f := range r.Fields {
		value := string(r.Value(i))
		if f.Kind == event.Null {
			value = "(null)"
		}
		s.Fields = append(s.Fields, [2]string{names.Text(f.Name), value})
	}
	return s
}

// read decodes a whole file in blocks of a size.
func read(t testing.TB, text []byte, name string, k Kind, o Options, size int, yield func(*event.Row) error) []Damage {
	t.Helper()
	return readWith(t, NewDecoder(k, o), text, name, k, size, yield)
}

func readWith(t testing.TB, d *Decoder, text []byte, name string, k Kind, size int, yield func(*event.Row) error) []Damage {
	t.Helper()
	row := event.Row{Source: name}
	var damage []Damage
	var b Block
	for s := NewSplitter(bytes.NewReader(text), k, size); ; {
		if err := s.Next(&b); err != nil {
			return damage
		}
		got, err := d.Rows(&b, &row, yield)
		if err != nil {
			t.Fatal(err)
		}
		damage = append(damage, got...)
	}
}

// TestDialects compares the rows of an example of each dialect with what they
// have to be.
func TestDialects(t *testing.T) {
	files, err := filepath.Glob("testdata/dialect/*.json*")
	if err != nil || len(files) < 40 {
		t.Fatal(len(files), err)
	}
	used := map[int]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kind := Detect(text, file)
		want := JSONLines
		if strings.HasSuffix(file, ".json") {
			want = JSON
		}
		if kind != want {
			t.Errorf("%s is %v, want %v", file, kind, want)
		}
		for _, size := range []int{0, 64} {
			names := event.NewNames()
			var out bytes.Buffer
			d := NewDecoder(kind, Options{Names: names})
			damage := readWith(t, d, text, file, kind, size, func(r *event.Row) error {
				used[d.reader.(*jsonReader).scan.shape.chosen] = true
				line, err := json.Marshal(show(r, names))
				out.Write(append(line, '\n'))
				return err
			})
			if len(damage) > 0 {
				t.Errorf("%s: damage: %+v", file, damage)
			}
			golden(t, file, out.Bytes())
		}
	}
	for i, d := range compiled().dialects {
		if !used[i] {
			t.Errorf("no example of %s", d.Name)
		}
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	path := strings.TrimSuffix(strings.TrimSuffix(file, ".json"), ".jsonl") + ".golden"
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%swant\n%s", file, got, want)
	}
}

// TestTables checks what the tables say of themselves: no name is mapped twice,
// no dialect hides another that comes after it.
func TestTables(t *testing.T) {
	var names []string
	for _, d := range compiled().dialects {
		if slices.Contains(names, d.Name) {
			t.Errorf("two dialects are called %s", d.Name)
		}
		names = append(names, d.Name)
		if len(d.Add) > 1 || len(d.Time) > len(seen{}.times) || len(d.When) > len(seen{}.whens) {
			t.Errorf("%s: %d times, %d whens", d.Name, len(d.Time), len(d.When))
		}
		for _, w := range d.When {
			for value, e := range w.Is {
				if len(e.Add) > 1 {
					t.Errorf("%s: %s adds several fields, whose order is not certain", d.Name, value)
				}
			}
		}
	}
	if n := len(compiled().marks); n > 64*len(marks{})-32 {
		t.Errorf("%d names tell dialects: there is room for %d", n, 64*len(marks{}))
	}
}

// TestMapping gives a source the user's own names.
func TestMapping(t *testing.T) {
	m, err := ParseMapping([]byte("[logsource]\nproduct = \"windows\"\ncategory = \"process_creation\"\n[fields]\n\"proc.cmd\" = \"CommandLine\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	names := event.NewNames()
	rows := 0
	read(t, []byte(`{"proc":{"cmd":"whoami"},"x":1}`+"\n"), "", JSONLines, Options{Names: names, Mapping: m}, 0, func(r *event.Row) error {
		rows++
		if got := string(r.Get(names.ID("CommandLine"))); got != "whoami" || r.Log.Category != "process_creation" || string(r.Get(names.ID("x"))) != "1" {
			t.Errorf("%+v", show(r, names))
		}
		return nil
	})
	if rows != 1 {
		t.Errorf("%d rows", rows)
	}
	for _, bad := range []string{"x = 1", "[fields]\na = 1", "[fields]\na = \"\"", "["} {
		if _, err := ParseMapping([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestAllocations decodes the examples again and again: once a decoder has seen
// a dialect, an event of it makes no garbage.
func TestAllocations(t *testing.T) {
	files, err := filepath.Glob("testdata/dialect/*.json*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var b Block
		s := NewSplitter(bytes.NewReader(text), Detect(text, file), 0)
		if err := s.Next(&b); err != nil {
			t.Fatal(err)
		}
		d, row := NewDecoder(JSON, Options{}), event.Row{Source: file}
		once := func() {
			if _, err := d.Rows(&b, &row, func(*event.Row) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		once()
		if n := testing.AllocsPerRun(10, once); n > 0 {
			t.Errorf("%s: %v allocations", file, n)
		}
	}
}

// TestZone reads times without a zone in that of the options, but not those
// that are always UTC.
func TestZone(t *testing.T) {
	zone := time.FixedZone("JST", 9*3600)
	for text, want := range map[string]string{
		`{"EventID":1,"Channel":"Security","EventTime":"2026-01-02 12:04:05"}`:                     "2026-01-02T03:04:05Z",
		`{"EventID":1,"Channel":"Security","UtcTime":"2026-01-02 03:04:05.5"}`:                     "2026-01-02T03:04:05.5Z",
		`{"Operation":"X","Workload":"Exchange","CreationTime":"2026-01-02T03:04:05"}`:             "2026-01-02T03:04:05Z",
		`{"time":"2026-01-02T12:04:05"}`:                                                           "2026-01-02T03:04:05Z",
		`{"time":"2026-01-02T12:04:05+09:00"}`:                                                     "2026-01-02T03:04:05Z",
		`{"@timestamp":"2026-01-02T03:04:05Z","EventID":1,"Channel":"x","EventTime":"2026-01-01"}`: "2026-01-02T03:04:05Z",
		`{"time":"soon","timestamp":"2026-01-02T03:04:05Z"}`:                                       "2026-01-02T03:04:05Z",
		`{"time":134118070450000000}`:                                                              "2026-01-02T05:57:25Z",
	} {
		names, got := event.NewNames(), ""
		read(t, []byte(text+"\n"), "", JSONLines, Options{Names: names, Zone: zone}, 0, func(r *event.Row) error {
			got = show(r, names).Time
			return nil
		})
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
