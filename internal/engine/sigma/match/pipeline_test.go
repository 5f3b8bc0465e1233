package match

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/event/format"
	"noroshi/internal/engine/sigma"
)

// blocks divides a file.
func blocks(t testing.TB, kind format.Kind, data []byte) []*format.Block {
	t.Helper()
	var all []*format.Block
	for s := format.NewSplitter(bytes.NewReader(data), kind, 1<<20); ; {
		b := &format.Block{}
		if err := s.Next(b); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
}

// samples returns the blocks of EVTX files of attacks.
func samples(t testing.TB) []*format.Block {
	t.Helper()
	var all []*format.Block
	for _, f := range opened(t, shared(t, "copyleft/evtx/evtx-attack-samples-dev.zip")).File {
		if strings.HasSuffix(f.Name, ".evtx") {
			all = append(all, blocks(t, format.EVTX, content(t, f))...)
		}
	}
	return all
}

// windowsLogs returns the rows of these files.
func windowsLogs(t testing.TB, names *event.Names) []*event.Row {
	t.Helper()
	var rows []*event.Row
	var row event.Row
	d := format.NewDecoder(format.EVTX, format.Options{Names: names})
	for _, b := range samples(t) {
		if _, err := d.Rows(b, &row, func(r *event.Row) error {
			c := &event.Row{Log: r.Log}
			for i, f := range r.Fields {
				c.Add(f.Name, f.Kind, r.Value(i))
			}
			rows = append(rows, c)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

// BenchmarkPipeline measures files to verdicts: reading alone, and reading and
// matching with routing, of host logs in JSON lines and of EVTX files.
func BenchmarkPipeline(b *testing.B) {
	rules := sigmaHQ(b, "rules/")
	var json []*format.Block
	evtx := samples(b)
	files := 0
	err := filepath.WalkDir(shared(b, "mordor/host/windows"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if files++; files%8 == 0 {
				for _, lines := range logs(b, path) {
					json = append(json, blocks(b, format.JSONLines, lines)...)
				}
			}
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		kind   format.Kind
		blocks []*format.Block
		match  bool
	}{
		{"json/read", format.JSONLines, json, false}, {"json/match", format.JSONLines, json, true},
		{"evtx/read", format.EVTX, evtx, false}, {"evtx/match", format.EVTX, evtx, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			names := event.NewNames()
			set, err := New(rules, names, Options{Routes: sigma.DefaultRoutes()})
			if err != nil {
				b.Fatal(err)
			}
			d, m := format.NewDecoder(c.kind, format.Options{Names: names}), set.NewMatcher()
			var row event.Row
			var hits []int
			events, text, found, size := 0, 0, 0, 0
			each := func(r *event.Row) error {
				events++
				text += len(r.Text())
				if c.match {
					hits = m.Match(r, hits[:0])
					found += len(hits)
				}
				return nil
			}
			pass := func() {
				for _, k := range c.blocks {
					size += len(k.Data)
					if _, err := d.Rows(k, &row, each); err != nil {
						b.Fatal(err)
					}
				}
			}
			pass()
			events, text, found, size = 0, 0, 0, 0
			b.ReportAllocs()
			at := used()
			for b.Loop() {
				pass()
			}
			seconds := (used() - at).Seconds()
			b.ReportMetric(float64(events)/seconds, "events/cpu-s")
			b.ReportMetric(float64(size)/1e6/seconds, "MB/cpu-s")
			b.ReportMetric(float64(text)/float64(events), "bytes/event")
			b.ReportMetric(float64(found)/float64(events), "hits/event")
			b.ReportMetric(float64(events)/float64(b.N), "events/pass")
		})
	}
}
