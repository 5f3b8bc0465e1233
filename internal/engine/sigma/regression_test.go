package sigma

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"noroshi/internal/engine/event"
	"noroshi/internal/testkit"
)

// sample is what SigmaHQ keeps beside a rule: events and how many of them the
// rule finds.
type sample struct {
	rule   string
	count  int // -1: not said
	events []fields
}

var (
	sampleRule  = regexp.MustCompile(`(?m)^rule_metadata:\s*\n\s*- id: (\S+)`)
	sampleCount = regexp.MustCompile(`match_count: (\d+)`)
)

func samples(t *testing.T) []sample {
	z, err := zip.OpenReader("../../../../shared/data/sigma/sigma-regression-dev.zip")
	if err != nil {
		testkit.Skip(t, "no shared data: "+err.Error())
	}
	defer z.Close()
	info, data := map[string]string{}, map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		switch path.Ext(f.Name) {
		case ".yml":
			info[path.Dir(f.Name)] = string(b)
		case ".json":
			data[path.Dir(f.Name)] = b
		}
	}
	var list []sample
	for dir, text := range info {
		s := sample{count: -1}
		if m := sampleRule.FindStringSubmatch(text); m != nil {
			s.rule = m[1]
		}
		if m := sampleCount.FindStringSubmatch(text); m != nil {
			s.count, _ = strconv.Atoi(m[1])
		}
		if data[dir] == nil {
			continue // a log that is no JSON
		}
		d := json.NewDecoder(strings.NewReader(string(data[dir])))
		d.UseNumber()
		for {
			var v struct{ Event map[string]any }
			if err := d.Decode(&v); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", dir, err)
			}
			s.events = append(s.events, windowsEvent(v.Event))
		}
		list = append(list, s)
	}
	return list
}

// windowsEvent flattens an event as evtx_dump writes it.
func windowsEvent(e map[string]any) fields {
	f := fields{}
	system, _ := e["System"].(map[string]any)
	for key, v := range system {
		if m, ok := v.(map[string]any); ok {
			if attrs, ok := m["#attributes"].(map[string]any); ok {
				for name, v := range attrs {
					f[key+"_"+name] = fmt.Sprint(v)
				}
			}
			v = m["#text"]
		}
		if v != nil {
			f[key] = fmt.Sprint(v)
		}
	}
	for _, part := range []string{"EventData", "UserData"} {
		if m, ok := e[part].(map[string]any); ok {
			flattenInto(f, m)
		}
	}
	return f
}

func flattenInto(f fields, m map[string]any) {
	for key, v := range m {
		switch v := v.(type) {
		case map[string]any:
			if text, ok := v["#text"]; ok {
				f[key] = fmt.Sprint(text)
			} else {
				flattenInto(f, v)
			}
		case []any:
			var list []string
			for _, item := range v {
				list = append(list, fmt.Sprint(item))
			}
			f[key] = list
		case nil:
			f[key] = ""
		default:
			f[key] = fmt.Sprint(v)
		}
	}
}

func (f fields) text(name string) string {
	s, _ := f[name].(string)
	return s
}

// named returns the fields of an event with their other names.
func (f fields) named(routes *Routes) fields {
	out := fields{}
	for k, v := range f {
		out[k] = v
	}
	for _, n := range routes.Namings(event.Log{}, f.text("Channel"), f.text("Provider_Name"), f.text("EventID")) {
		var from [][]byte
		for _, name := range n.From {
			if v, ok := f[name].(string); ok {
				from = append(from, []byte(v))
			} else {
				from = append(from, nil)
			}
		}
		if v, ok := n.Append(nil, from...); ok && out[n.To] == nil {
			out[n.To] = string(v)
		}
	}
	return out
}

// more are samples whose events the rule's own text fits oftener than they say:
// three settings of a zone, three files of one name's variants.
var more = map[string]int{"45e112d0-7759-4c2a-aa36-9f8fb79d3393": 3, "8fbf3271-1ef6-4e94-8210-03c2317947f6": 3}

// TestRegression asks that every rule finds what its own sample says, with its
// logsource and other field names as routed.
func TestRegression(t *testing.T) {
	rules := map[string]*Rule{}
	for _, r := range load(archive(t, "sigma/sigma-rules.zip", "rules"), Options{}).Rules {
		rules[r.ID] = r
	}
	routes := DefaultRoutes()
	tried := 0
	for _, s := range samples(t) {
		r := rules[s.rule]
		if r == nil {
			t.Errorf("no rule %s", s.rule)
			continue
		}
		tried++
		if n := more[r.ID]; n > 0 {
			s.count = n
		}
		route, _ := routes.For(r.Logsource)
		hits, routed := 0, 0
		for _, f := range s.events {
			if !route.Matches(event.Log{}, f.text("Channel"), f.text("Provider_Name"), f.text("EventID")) {
				continue
			}
			routed++
			if Eval(route.Expr(r.Expr), f.named(routes).get) {
				hits++
			}
		}
		if hits == 0 || s.count >= 0 && hits != s.count {
			t.Errorf("%s (%s): %d of %d routed of %d, want %d", r.ID, r.File, hits, routed, len(s.events), s.count)
		}
	}
	if tried < 100 {
		t.Errorf("%d samples", tried)
	}
}
