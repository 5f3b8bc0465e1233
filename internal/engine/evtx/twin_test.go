package evtx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/event"
)

// TestTwins compares every event of the regression samples with the JSON that
// another tool made of it, field by field and in both directions.
//
// What differs, and is counted: the namespace of an event is no field, an
// element of System without content has none either, and spaces at the end of a
// value, which the tool cut, stay as they were logged: there are rules that ask
// for them.
func TestTwins(t *testing.T) {
	files := unzipped(t, "sigma/sigma-regression-dev.zip")
	names := event.NewNames()
	d := NewDecoder(Options{Names: names})
	pairs, events, values := 0, 0, 0
	exceptions := map[string]int{}
	for name, twin := range files {
		if path.Ext(name) != ".json" {
			continue
		}
		file, ok := files[strings.TrimSuffix(name, ".json")+".evtx"]
		if !ok {
			t.Errorf("%s: without its evtx", name)
			continue
		}
		want := twins(t, name, twin)
		pairs++
		i := 0
		decode(t, d, file, func(r *event.Row) {
			if i < len(want) {
				values += compareTwin(t, fmt.Sprintf("%s: event %d", name, i), names, r, want[i], exceptions)
			}
			i++
		})
		if events += i; i != len(want) {
			t.Errorf("%s: %d events, want %d", name, i, len(want))
		}
	}
	t.Logf("%d pairs, %d events, %d values; exceptions %v", pairs, events, values, exceptions)
	if pairs != 105 || events != 129 {
		t.Errorf("%d pairs with %d events, want 105 with 129", pairs, events)
	}
	want := map[string]int{"namespace": 129, "no content: System/Correlation": 128, "spaces at the end": 48}
	if !maps.Equal(exceptions, want) {
		t.Errorf("exceptions %v, want %v", exceptions, want)
	}
}

func twins(t *testing.T, name string, b []byte) (all []map[string]any) {
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))))
	dec.UseNumber()
	for {
		var v any
		if err := dec.Decode(&v); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		list, isList := v.([]any)
		if !isList {
			list = []any{v}
		}
		for _, v := range list {
			all = append(all, v.(map[string]any)["Event"].(map[string]any))
		}
	}
}

// compareTwin returns how many values were equal.
func compareTwin(t *testing.T, name string, names *event.Names, r *event.Row, twin map[string]any, exceptions map[string]int) int {
	want := map[string]string{}
	for section, v := range twin {
		if section == "#attributes" {
			exceptions["namespace"]++
			continue
		}
		for k, v := range v.(map[string]any) {
			if k == "#attributes" {
				k = section
				v = map[string]any{"#attributes": v}
			}
			if v == nil {
				exceptions["no content: "+section+"/"+k]++
				continue
			}
			m, ok := v.(map[string]any)
			if !ok {
				want[k] = fmt.Sprint(v)
				continue
			}
			if text, ok := m["#text"]; ok {
				want[k] = fmt.Sprint(text)
			}
			attributes, _ := m["#attributes"].(map[string]any)
			for a, v := range attributes {
				want[strings.TrimPrefix(k+"_"+a, "EventID_")] = fmt.Sprint(v)
			}
		}
	}
	equal := 0
	for i, f := range r.Fields {
		k, v := names.Text(f.Name), string(r.Value(i))
		switch text, ok := want[k]; {
		case !ok:
			t.Errorf("%s: %s = %q, not in the twin", name, k, v)
		case text != v && text == strings.TrimRight(v, " "):
			exceptions["spaces at the end"]++
		case text != v:
			t.Errorf("%s: %s = %q, want %q", name, k, v, text)
		default:
			equal++
		}
		if slices.ContainsFunc(r.Fields[:i], func(g event.Field) bool { return g.Name == f.Name }) {
			t.Errorf("%s: %s twice", name, k)
		}
		delete(want, k)
	}
	for k, v := range want {
		t.Errorf("%s: no %s = %q", name, k, v)
	}
	return equal
}
