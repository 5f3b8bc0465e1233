package format

import (
	"path"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/event"
)

// facts are the fields of a row as name=value, sorted, without the space around
// values that one of the writers of JSON takes off.
func facts(r *event.Row, names *event.Names) (out []string) {
	for i, f := range r.Fields {
		if f.Kind != event.Null {
			out = append(out, names.Text(f.Name)+"="+strings.TrimSpace(string(r.Value(i))))
		}
	}
	slices.Sort(out)
	return out
}

// TestWritings reads the same events from EVTX and from JSON: whatever wrote
// them, their rows are the same.
func TestWritings(t *testing.T) {
	texts := map[string][]byte{}
	for _, m := range members(t, shared(t, "sigma/sigma-regression-dev.zip")) {
		texts[m.name] = m.text
	}
	events, files := 0, 0
	for name, text := range texts {
		if path.Ext(name) != ".evtx" {
			continue
		}
		twin, ok := texts[strings.TrimSuffix(name, ".evtx")+".json"]
		if !ok {
			continue
		}
		names := event.NewNames()
		rows := map[uint64][]string{}
		if k := Detect(text[:min(len(text), HeadSize)], name); k != EVTX {
			t.Errorf("%s is %v", name, k)
			continue
		}
		read(t, text, name, EVTX, Options{Names: names}, 0, func(r *event.Row) error {
			rows[r.Record] = facts(r, names)
			return nil
		})
		kind := Detect(twin[:min(len(twin), HeadSize)], name)
		if kind != JSON && kind != JSONLines {
			t.Errorf("%s: its twin is %v", name, kind)
		}
		files++
		n := 0
		damage := read(t, twin, name, kind, Options{Names: names}, 0, func(r *event.Row) error {
			n++
			want, ok := rows[r.Record]
			if !ok {
				t.Errorf("%s: there is no record %d", name, r.Record)
				return nil
			}
			got := facts(r, names)
			if missing := without(want, got); len(missing) > 0 {
				t.Errorf("%s, record %d: only in EVTX: %.600q", path.Base(name), r.Record, missing)
			}
			if extra := without(got, want); len(extra) > 0 {
				t.Errorf("%s, record %d: only in JSON: %.600q", path.Base(name), r.Record, extra)
			}
			return nil
		})
		if len(damage) > 0 || n == 0 {
			t.Errorf("%s: %d events, damage %+v", name, n, damage)
		}
		events += n
	}
	if files < 90 {
		t.Errorf("only %d pairs", files)
	}
	t.Logf("%d events of %d files", events, files)
}

// without returns what is in a and not in b.
func without(a, b []string) (out []string) {
	for _, s := range a {
		if !slices.Contains(b, s) {
			out = append(out, s)
		}
	}
	return out
}
