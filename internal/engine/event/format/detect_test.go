package format

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"path"
	"strings"
	"testing"

	"noroshi/internal/engine/event"
)

// opened returns a member that is compressed once more as it is inside.
func opened(t *testing.T, m member) member {
	if !strings.HasSuffix(m.name, ".gz") {
		return m
	}
	z, err := gzip.NewReader(bytes.NewReader(m.text))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return member{strings.TrimSuffix(m.name, ".gz"), text}
}

// TestDetectShared asks for the format of every kind of log there is.
func TestDetectShared(t *testing.T) {
	for _, c := range []struct {
		archive, match string
		want           Kind
		least          int
	}{
		{"mordor/apt29-day1-zeek.zip", "*.log", JSONLines, 26},
		{"sigma/sigma-regression-dev.zip", "*.evtx", EVTX, 100},
		{"copyleft/flows/rita-zeek-dev.zip", "json_with_all_fields/*", JSONLines, 7},
		{"copyleft/flows/rita-zeek-dev.zip", "valid_tsv/*", ZeekTSV, 2},
		{"copyleft/evtx/evtx-attack-samples-dev.zip", "*.evtx", EVTX, 100},
	} {
		n := 0
		for _, m := range members(t, shared(t, c.archive)) {
			ok, err := path.Match(c.match, m.name)
			if base, _ := path.Match(c.match, path.Base(m.name)); err != nil || !ok && !base {
				continue
			}
			n++
			m = opened(t, m)
			if got := Detect(m.text[:min(len(m.text), HeadSize)], m.name); got != c.want {
				t.Errorf("%s!%s is %v, want %v: %.60q", c.archive, m.name, got, c.want, m.text)
			}
		}
		if n < c.least {
			t.Errorf("%s has %d of %s", c.archive, n, c.match)
		}
	}
}

// TestNoLogs asks for the format of what is none.
func TestNoLogs(t *testing.T) {
	var z bytes.Buffer
	w := zip.NewWriter(&z)
	f, err := w.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := f.Write([]byte("some text")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, head := range map[string][]byte{
		"a.zip": z.Bytes(), "a.exe": []byte("MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00\xb8\x00\x01\x02\x03"),
		"a.png": []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x02\x03\x04\x05\x06"), "a": make([]byte, 4096),
	} {
		if got := Detect(head, name); got != Unknown {
			t.Errorf("%s is %v", name, got)
		}
	}
}

// TestZeekJSON reads the Zeek logs of a whole day: each knows its service and
// its time, and none is damaged.
func TestZeekJSON(t *testing.T) {
	for _, archive := range []string{"mordor/apt29-day1-zeek.zip", "copyleft/flows/rita-zeek-dev.zip"} {
		events := 0
		for _, m := range members(t, shared(t, archive)) {
			if Detect(m.text[:min(len(m.text), HeadSize)], m.name) != JSONLines || strings.HasPrefix(m.name, "truncated/") || strings.Contains(m.name, "ORIGINAL") {
				continue
			}
			base := strings.TrimSuffix(path.Base(m.name), ".log")
			service := base
			switch {
			case strings.HasPrefix(archive, "mordor"):
				_, service, _ = strings.Cut(base, "_") // the host's name stands first
			default:
				service = strings.TrimPrefix(base, "open_")
			}
			n := 0
			damage := read(t, m.text, archive+"!"+m.name, JSONLines, Options{}, 0, func(r *event.Row) error {
				n++
				if r.Log.Product != "zeek" || r.Log.Service != service || r.Time == 0 {
					t.Fatalf("%s, record %d: %+v at %d", m.name, r.Record, r.Log, r.Time)
				}
				return nil
			})
			if want := bytes.Count(bytes.TrimSpace(m.text), []byte("\n")) + 1; n != want || len(damage) > 0 {
				t.Errorf("%s: %d events, want %d, %v", m.name, n, want, damage)
			}
			events += n
		}
		t.Logf("%s: %d events", archive, events)
	}
}

// TestLinesBehindGarbage: lines of JSON are that also when something else stands
// before them, as in a log that was cut off at its beginning.
func TestLinesBehindGarbage(t *testing.T) {
	line := `{"Channel":"Security","EventID":4688,"CommandLine":"a b"}` + "\n"
	for _, before := range []string{"", "half\":\"x\"}\n", "Log started\n\n", "\n \n", "x\nx\nx\n", "\xef\xbb\xbfhead\n"} {
		text := []byte(before + strings.Repeat(line, 5))
		if got := Detect(text, "a.log"); got != JSONLines {
			t.Errorf("%q: %v", before, got)
			continue
		}
		n := 0
		read(t, text, "a.log", JSONLines, Options{}, 0, func(r *event.Row) error {
			n++
			return nil
		})
		if n != 5 {
			t.Errorf("%q: %d events of 5", before, n)
		}
	}
	for _, text := range []string{"a,b\n{,}\n1,2\n3,4\n", "text\n{ not json }\n{nor this}\n"} {
		if got := Detect([]byte(text), "a"); got == JSONLines {
			t.Errorf("%q is no JSON", text)
		}
	}
}
