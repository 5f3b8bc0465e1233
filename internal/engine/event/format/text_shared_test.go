package format

import (
	"bytes"
	"compress/gzip"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/flow/zeek"
)

// TestZeekTwin compares rows of real logs with what the reader of flows makes of
// the same lines: how many there are, when, and between whom.
func TestZeekTwin(t *testing.T) {
	compared := 0
	for _, m := range members(t, shared(t, "copyleft/flows/rita-zeek-dev.zip")) {
		text := m.text
		if strings.HasSuffix(m.name, ".gz") {
			z, err := gzip.NewReader(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if text, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		if !strings.Contains(filepath.Base(m.name), ".log") || Detect(text[:min(len(text), HeadSize)], m.name) != ZeekTSV {
			continue
		}
		compared++
		want := zeekRecords(t, text)
		o := textOptions()
		s, d := NewSplitter(bytes.NewReader(text), ZeekTSV, 100_000), NewDecoder(ZeekTSV, o)
		source, target, port := o.Names.ID("id.orig_h"), o.Names.ID("id.resp_h"), o.Names.ID("id.resp_p")
		var b Block
		var row event.Row
		var damage []Damage
		i := 0
		for s.Next(&b) == nil {
			more, err := d.Rows(&b, &row, func(r *event.Row) error {
				if i < len(want) {
					w := &want[i]
					a, z := string(r.Get(source)), string(r.Get(target))
					p, _, _ := digits(r.Get(port), 5)
					if a != w.Src.String() || z != w.Dst.String() || uint16(p) != w.DstPort || r.Time/1e6 != w.Start/1e6 {
						t.Fatalf("%s: row %d is %s %s %d %d, the record %+v", m.name, i, a, z, p, r.Time, w)
					}
				}
				i++
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			damage = append(damage, more...)
		}
		t.Logf("%s: %d rows, %d records, %d damaged", m.name, i, len(want), len(damage))
		if text[len(text)-1] != '\n' && len(want)+1 == i {
			i-- // the reader of flows waits for the end of the last line
		}
		if i != len(want) || i == 0 {
			t.Errorf("%s: %d rows, %d records, %v", m.name, i, len(want), damage[:min(3, len(damage))])
		}
	}
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

func zeekRecords(t *testing.T, text []byte) (all []record.Record) {
	t.Helper()
	r, err := zeek.NewReader(bytes.NewReader(text), record.NewNaming([32]byte{1}, false))
	if err != nil {
		t.Fatal(err)
	}
	batch := make([]record.Record, 64)
	for {
		n, err := r.Next(batch)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range batch[:n] {
			one.DNS, one.HTTP, one.TLS, one.SSH, one.Kerberos = nil, nil, nil, nil, nil
			all = append(all, one)
		}
	}
}

// TestCiscoSample reads the line of syslog that comes with Sigma's own tests.
func TestCiscoSample(t *testing.T) {
	found := false
	for _, m := range members(t, shared(t, "sigma/sigma-regression-dev.zip")) {
		if !strings.HasSuffix(m.name, ".raw") {
			continue
		}
		found = true
		if k := Detect(m.text, m.name); k != Syslog {
			t.Fatalf("%s is %v", m.name, k)
		}
		rows, damage := textRows(t, Syslog, m.text, textOptions(), 0)
		if len(rows) != 1 || len(damage) != 0 || !strings.Contains(rows[0], " cisco//aaa\n") || !strings.Contains(rows[0], "no access-session port-control") ||
			!strings.Contains(rows[0], `User = "admin"`) || !strings.Contains(rows[0], `Computer = "172.16.5.10"`) || !strings.HasPrefix(rows[0], "1 @0 2026-02-17T04:40:03.673Z") {
			t.Errorf("%s: %v %v", m.name, rows, damage)
		}
	}
	if !found {
		t.Error("the archive has no line of syslog")
	}
}
