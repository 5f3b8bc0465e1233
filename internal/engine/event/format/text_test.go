package format

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/engine/event"
)

var updateText = flag.Bool("update-text", false, "write the golden files of text logs anew")

// textOptions are those of the golden files: Japanese time, and no event newer
// than the evening of 22 November 2026.
func textOptions() Options {
	return Options{Names: event.NewNames(), Zone: time.FixedZone("JST", 9*3600), Last: time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC)}
}

// textRows reads a file in blocks of a size and returns its rows and its damage
// as text.
func textRows(t testing.TB, kind Kind, data []byte, o Options, size int) (rows []string, damage []Damage) {
	t.Helper()
	s := NewSplitter(bytes.NewReader(data), kind, size)
	d := NewDecoder(kind, o)
	var b Block
	var row event.Row
	for {
		err := s.Next(&b)
		if errors.Is(err, io.EOF) {
			return rows, damage
		}
		if err != nil {
			t.Fatal(err)
		}
		more, err := d.Rows(&b, &row, func(r *event.Row) error {
			rows = append(rows, rowText(o.Names, r))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		damage = append(damage, more...)
	}
}

// rowText writes a row: its number, place, time and log, then a line for each
// field.
func rowText(names *event.Names, r *event.Row) string {
	var b strings.Builder
	at := "-"
	if r.Time != 0 {
		at = time.Unix(0, r.Time).UTC().Format(time.RFC3339Nano)
	}
	fmt.Fprintf(&b, "%d @%d %s %s/%s/%s\n", r.Record, r.Offset, at, r.Log.Product, r.Log.Category, r.Log.Service)
	for i, f := range r.Fields {
		switch f.Kind {
		case event.Null:
			fmt.Fprintf(&b, "  %s is null\n", names.Text(f.Name))
		case event.Text:
			fmt.Fprintf(&b, "  %s = %q\n", names.Text(f.Name), r.Value(i))
		default:
			fmt.Fprintf(&b, "  %s = %s\n", names.Text(f.Name), r.Value(i))
		}
	}
	return b.String()
}

// TestTextGolden reads every file of testdata/text, whose kind is its name up to
// the first dot, in blocks of all sizes.
func TestTextGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/text/*")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".golden") {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			word, _, _ := strings.Cut(filepath.Base(file), ".")
			kind, ok := ParseKind(word)
			if !ok {
				t.Fatalf("no kind %q", word)
			}
			if got := Detect(data, ""); got != kind {
				t.Errorf("detected as %v", got)
			}
			rows, damage := textRows(t, kind, data, textOptions(), 0)
			var out bytes.Buffer
			for _, r := range rows {
				out.WriteString(r)
			}
			for _, d := range damage {
				fmt.Fprintf(&out, "damage: record %d @%d, %d bytes: %s\n", d.Record, d.Offset, d.Length, d.Reason.Code())
			}
			golden := file + ".golden"
			if *updateText {
				if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if out.String() != string(want) {
				t.Errorf("rows differ from %s:\n%s", golden, firstDifference(out.String(), string(want)))
			}
			for _, size := range []int{1, 64, 300, 1000, 4096} {
				small, _ := textRows(t, kind, data, textOptions(), size)
				if a, b := strings.Join(small, ""), strings.Join(rows, ""); a != b {
					t.Errorf("blocks of %d bytes give other rows:\n%s", size, firstDifference(a, b))
				}
			}
		})
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range x {
		if i >= len(y) || x[i] != y[i] {
			other := "nothing"
			if i < len(y) {
				other = y[i]
			}
			return fmt.Sprintf("line %d: %s\nwant: %s", i+1, x[i], other)
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(x), len(y))
}
