package match

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"noroshi/internal/engine/event"
)

// shared returns the path of shared test data, and skips the test without it
// unless NOROSHI_TEST_ALL=1 requires it.
func shared(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("../../../../../shared/data", name)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skipf("the shared test data is not here: %v", err)
	}
	return path
}

// opened opens a zip of the shared data.
func opened(t testing.TB, path string) *zip.ReadCloser {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { z.Close() })
	return z
}

// flat adds the members of the JSON value at hand to a row under their names,
// those of nested objects under names with dots.
func flat(t testing.TB, d *json.Decoder, names *event.Names, r *event.Row, name string) {
	token, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch v := token.(type) {
	case json.Delim:
		for d.More() {
			inner := name
			if v == '{' {
				key, err := d.Token()
				if err != nil {
					t.Fatal(err)
				}
				inner = strings.TrimPrefix(name+"."+key.(string), ".")
			}
			flat(t, d, names, r, inner)
		}
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
	case json.Number:
		r.AddString(windowsName(names, name), event.Number, v.String())
	case bool:
		r.AddString(windowsName(names, name), event.Bool, map[bool]string{true: "true", false: "false"}[v])
	case string:
		r.AddString(windowsName(names, name), event.Text, v)
	default:
		r.Add(windowsName(names, name), event.Null, nil)
	}
}

// windowsName maps the names of the wrappers in the test data to those of rules.
func windowsName(names *event.Names, name string) event.Name {
	for _, prefix := range []string{"Event.EventData.", "Event.UserData."} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			if prefix == "Event.UserData." {
				rest = rest[strings.LastIndexByte(rest, '.')+1:]
			}
			return names.ID(strings.ReplaceAll(rest, " ", ""))
		}
	}
	switch name = strings.TrimPrefix(name, "Event.System."); name {
	case "Provider.#attributes.Name", "SourceName":
		return event.Provider
	case "Hostname":
		return event.Computer
	case "EventID.#text":
		return event.EventID
	}
	return names.ID(name)
}

// rowOf reads one JSON event.
func rowOf(t testing.TB, names *event.Names, text []byte) *event.Row {
	t.Helper()
	r := &event.Row{Log: event.Log{Product: "windows"}}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	flat(t, d, names, r, "")
	return r
}

// rowsOf reads a sequence of JSON events, or an array of them.
func rowsOf(t testing.TB, names *event.Names, text []byte) []*event.Row {
	t.Helper()
	var rows []*event.Row
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		var one json.RawMessage
		if err := d.Decode(&one); errors.Is(err, io.EOF) {
			return rows
		} else if err != nil {
			t.Fatal(err)
		}
		var many []json.RawMessage
		if json.Unmarshal(one, &many) != nil {
			many = []json.RawMessage{one}
		}
		for _, e := range many {
			rows = append(rows, rowOf(t, names, e))
		}
	}
}

// corpus returns rows of attacks and of what went on beside them: all events of
// the regression samples and up to most lines of each of every step-th archive of
// host logs.
func corpus(t testing.TB, names *event.Names, most, step int) []*event.Row {
	t.Helper()
	var rows []*event.Row
	for _, f := range opened(t, shared(t, "sigma/sigma-regression-dev.zip")).File {
		if strings.HasSuffix(f.Name, ".json") {
			rows = append(rows, rowsOf(t, names, content(t, f))...)
		}
	}
	files := 0
	err := filepath.WalkDir(shared(t, "mordor/host"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if files++; files%step != 0 {
			return nil
		}
		for _, lines := range logs(t, path) {
			step := max(bytes.Count(lines, []byte("\n"))/most, 1)
			s := bufio.NewScanner(bytes.NewReader(lines))
			s.Buffer(nil, 16<<20)
			for n := 0; s.Scan(); n++ {
				if line := bytes.TrimSpace(s.Bytes()); n%step == 0 && len(line) > 0 && line[0] == '{' && json.Valid(line) {
					rows = append(rows, rowOf(t, names, line))
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func content(t testing.TB, f *zip.File) []byte {
	t.Helper()
	in, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	b, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// logs returns the JSON members of a zip or tar.gz.
func logs(t testing.TB, path string) [][]byte {
	t.Helper()
	var out [][]byte
	if strings.HasSuffix(path, ".zip") {
		for _, f := range opened(t, path).File {
			if strings.HasSuffix(f.Name, ".json") {
				out = append(out, content(t, f))
			}
		}
		return out
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err != nil {
			return out
		}
		if strings.HasSuffix(h.Name, ".json") || strings.HasSuffix(h.Name, ".log") {
			b, _ := io.ReadAll(r)
			out = append(out, b)
		}
	}
}
