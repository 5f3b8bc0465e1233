package evtx

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"noroshi/internal/engine/event"
)

// shared opens a file of the shared test data, and skips the test without it
// unless NOROSHI_TEST_ALL=1 requires it.
func shared(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../../../shared/data", name))
	if err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skipf("the shared test data is not here: %v", err)
	}
	return b
}

// unzipped returns the files of a shared archive by name.
func unzipped(t testing.TB, name string) map[string][]byte {
	t.Helper()
	b := shared(t, name)
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	return files
}

// unzippedIfThere is unzipped for tests that have samples of their own too.
func unzippedIfThere(t testing.TB, name string) map[string][]byte {
	if _, err := os.Stat(filepath.Join("../../../../shared/data", name)); err != nil && os.Getenv("NOROSHI_TEST_ALL") != "1" {
		return nil
	}
	return unzipped(t, name)
}

// decode reads a whole file and returns all damage.
func decode(t testing.TB, d *Decoder, file []byte, yield func(*event.Row)) (damage []Damage) {
	t.Helper()
	chunks, buf := NewChunks(bytes.NewReader(file)), make([]byte, ChunkSize)
	var row event.Row
	for {
		n, offset, err := chunks.Next(buf)
		damage = append(damage, chunks.Damage()...)
		if errors.Is(err, io.EOF) {
			return damage
		}
		if err != nil {
			t.Fatal(err)
		}
		more, err := d.Chunk(&row, buf[:n], offset, func(r *event.Row) error {
			yield(r)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		damage = append(damage, more...)
	}
}

// TestIndex compares records, channels and event ids of every shared file with
// an index that another parser made. Carved records are not in the index.
func TestIndex(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(shared(t, "copyleft/evtx/evtx-index.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]map[string][]byte{
		"sigma-regression-dev.zip":    unzipped(t, "sigma/sigma-regression-dev.zip"),
		"evtx-attack-samples-dev.zip": unzipped(t, "copyleft/evtx/evtx-attack-samples-dev.zip"),
	}
	d := NewDecoder(Options{})
	seen, carved, damaged := 0, 0, 0
	for _, line := range rows[1:] {
		file := files[line[0]][line[1]]
		if file == nil {
			t.Errorf("%s: not in %s", line[1], line[0])
			continue
		}
		records := 0
		channels, ids := map[string]int{}, map[string]int{}
		damage := decode(t, d, file, func(r *event.Row) {
			if r.Carved {
				carved++
				return
			}
			records++
			if c := r.Get(event.Channel); c != nil { // a trace has none
				channels[string(c)]++
			}
			ids[string(r.Get(event.EventID))]++
		})
		if len(damage) > 0 {
			damaged++
			t.Logf("%s: %v", line[1], damage)
		}
		if strconv.Itoa(records) != line[4] {
			t.Errorf("%s: %d records, want %s", line[1], records, line[4])
		}
		check(t, line[1], channels, line[5])
		check(t, line[1], ids, line[6])
		seen++
	}
	t.Logf("%d files, %d of them damaged, %d carved records", seen, damaged, carved)
	if seen != 232 {
		t.Errorf("%d files, want 232", seen)
	}
}

var counted = regexp.MustCompile(`(.*?):(\d+)(?: |$)`)

// check compares counts with a list such as "4624:3 4625:1".
func check(t *testing.T, name string, got map[string]int, list string) {
	t.Helper()
	want := map[string]int{}
	for _, part := range counted.FindAllStringSubmatch(list, -1) {
		n, _ := strconv.Atoi(part[2])
		want[part[1]] += n
	}
	if len(got) != len(want) {
		t.Errorf("%s: %v, want %v", name, got, want)
		return
	}
	for k, n := range want {
		if got[k] != n {
			t.Errorf("%s: %v, want %v", name, got, want)
			return
		}
	}
}
