package match

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/event/format"
)

// sideHits returns the hits of each event of a file, read as what it is, without
// the spaces at the end of values: the tool that made the twins cut them.
func sideHits(t *testing.T, m *Matcher, names *event.Names, name string, data []byte) (hits [][]int) {
	t.Helper()
	kind := format.Detect(data[:min(len(data), format.HeadSize)], name)
	d := format.NewDecoder(kind, format.Options{Names: names})
	row := event.Row{Source: name}
	for _, b := range blocks(t, kind, data) {
		damage, err := d.Rows(b, &row, func(r *event.Row) error {
			c := event.Row{Source: r.Source, Record: r.Record, Log: r.Log}
			for i, f := range r.Fields {
				c.Add(f.Name, f.Kind, bytes.TrimRight(r.Value(i), " "))
			}
			hits = append(hits, m.Match(&c, nil))
			return nil
		})
		if err != nil || len(damage) > 0 {
			t.Errorf("%s as %v: %v, %v", name, kind, damage, err)
		}
	}
	return hits
}

// TestBothSides: a log of Windows and the JSON that another tool made of it are
// hit by the same rules, event by event.
func TestBothSides(t *testing.T) {
	names := event.NewNames()
	rules := sigmaHQ(t, "")
	for _, noRouting := range []bool{false, true} {
		set, err := New(rules, names, Options{NoRouting: noRouting})
		if err != nil {
			t.Fatal(err)
		}
		m := set.NewMatcher()
		files := map[string][]byte{}
		for _, f := range opened(t, shared(t, "sigma/sigma-regression-dev.zip")).File {
			if ext := path.Ext(f.Name); ext == ".json" || ext == ".evtx" {
				files[f.Name] = content(t, f)
			}
		}
		pairs, events, all := 0, 0, 0
		for name, log := range files {
			twin, ok := files[strings.TrimSuffix(name, ".evtx")+".json"]
			if !ok || path.Ext(name) != ".evtx" {
				continue
			}
			pairs++
			a, b := sideHits(t, m, names, name, log), sideHits(t, m, names, name+".json", twin)
			if len(a) != len(b) {
				t.Errorf("%s: %d events and %d", name, len(a), len(b))
				continue
			}
			for i := range a {
				events++
				all += len(a[i])
				if !slices.Equal(a[i], b[i]) {
					t.Errorf("%s: event %d is hit by %v, its twin by %v", name, i, titles(set, a[i]), titles(set, b[i]))
				}
			}
		}
		t.Logf("%d pairs, %d events, %d hits", pairs, events, all)
		if pairs != 105 || all < events {
			t.Errorf("%d pairs, %d hits of %d events prove little", pairs, all, events)
		}
	}
}

func titles(s *Set, hits []int) (list []string) {
	for _, i := range hits {
		list = append(list, s.Rules()[i].Title)
	}
	return list
}
