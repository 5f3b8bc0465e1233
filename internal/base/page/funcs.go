package page

import (
	"encoding/hex"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/text"
)

// funcs are the functions every template may call. What returns
// template.HTML draws a component; the rest return words and numbers.
func (d *drawer) funcs() template.FuncMap {
	return template.FuncMap{
		// words
		"T":      func(key string, pairs ...any) (string, error) { return d.words(key, pairs...) },
		"both":   func(b text.Both) string { return b.In(d.p.Lang) },
		"has":    func(key string) bool { return d.p.Has(key) },
		"lang":   func() string { return string(d.p.Lang) },
		"number": d.number,
		"bytes":  func(n int64) string { return d.p.Bytes(n) },
		"title":  func(s string) string { d.title = s; return "" },
		// time: words
		"now":      d.now,
		"datetime": func(t time.Time) string { return d.p.Time(t) },
		"date":     func(t time.Time) string { return d.p.Date(t) },
		"short":    func(t time.Time) string { return d.p.Short(t, d.now()) },
		"reiwa":    func(t time.Time) string { return d.p.Reiwa(t) },
		"left":     func(t time.Time) string { return d.p.Left(t, d.now()) },
		"duration": func(v time.Duration) string { return d.p.Duration(v) },
		"stamp":    func(t time.Time) string { return d.p.Stamp(t) },
		"clock":    func(t time.Time) string { return t.In(d.p.Zone).Format("15:04:05") },
		// time: <time datetime>
		"when":      func(t time.Time) (template.HTML, error) { return d.timeTag(t, d.p.Time(t)) },
		"whenday":   func(t time.Time) (template.HTML, error) { return d.timeTag(t, d.p.Date(t)) },
		"whenshort": func(t time.Time) (template.HTML, error) { return d.timeTag(t, d.p.Short(t, d.now())) },
		// the page
		"path":    func() string { return d.shell.Path },
		"inlang":  func(l string) string { return inLang(d.shell.Path, l) },
		"csrf":    func() (template.HTML, error) { return d.html("page/csrf", d.shell.CSRF) },
		"errorAt": func(name string) string { return d.wrong[name] },
		"shell":   func() Shell { return d.shell },
		"include": d.html,
		// values
		"dict": dict,
		"list": func(v ...any) []any { return v },
		"add":  func(a, b int) int { return a + b },
		"link": link,
		// marks
		"icon":      icon,
		"tag":       d.tag,
		"severity":  d.severity,
		"state":     d.state,
		"tlp":       d.tlp,
		"clearance": d.clearance,
		"hash":      func(v any) (template.HTML, error) { return d.hash(v) },
		"chip":      func(word string, href ...string) (template.HTML, error) { return d.chip(word, href...) },
		"need":      func(n Need) (template.HTML, error) { return d.html("page/need", n) },
		// components
		"due":      d.due,
		"bigclock": d.bigClock,
		"lanes":    d.lanes,
		"field":    d.field,
		"fields":   d.fields,
		"consent":  d.consent,
		"tasks":    func(g []TaskGroup) (template.HTML, error) { return d.html("page/tasks", g) },
		"todo":     func(t []Todo) (template.HTML, error) { return d.html("page/todo", t) },
		"facts":    func(f Facts) (template.HTML, error) { return d.html("page/facts", f) },
		"diff":     func(c Change) (template.HTML, error) { return d.html("page/diff", c) },
		"stamps":   d.stamps,
		"steps":    d.steps,
		"proof":    func(p Proof) (template.HTML, error) { return d.html("page/proof", p) },
		"evidence": func(e []Evidence) (template.HTML, error) { return d.html("page/evidence", e) },
		"note": func(kind, words string) (template.HTML, error) {
			return d.html("page/note", Flash{Kind: kind, Text: words})
		},
		"empty": func(e Empty) (template.HTML, error) { return d.html("page/empty", e) },
		"head":  func(h Head) (template.HTML, error) { return d.head(h) },
		"live":  func(topic string) (template.HTML, error) { return d.html("page/live", topic) },
		"saved": func(at time.Time) (template.HTML, error) { return d.html("page/saved", at) },
		// lists
		"filters": d.filters,
		"thead":   func(l *List) (template.HTML, error) { return d.html("page/thead", l) },
		"pager":   func(l *List) (template.HTML, error) { return d.html("page/pager", l) },
		"bulk":    func(b Bulk) (template.HTML, error) { return d.html("page/bulk", b) },
		// charts
		"figure":  func(f Figure) (template.HTML, error) { return d.html("page/figure", f) },
		"squares": d.squares,
		"legend":  func(m []Mass) (template.HTML, error) { return d.html("page/legend", m) },
		"bars":    d.bars,
		"spark":   d.spark,
	}
}

// words translates a key. Unlike text.Printer.T it fails on an unknown key, so
// that a page with a missing word is an error in tests and not a bracket under
// a reader's eyes.
func (d *drawer) words(key string, pairs ...any) (string, error) {
	if !d.p.Has(key) {
		return "", fmt.Errorf("no words for %q", key)
	}
	if len(pairs)%2 != 0 {
		return "", fmt.Errorf("words for %q: odd number of arguments", key)
	}
	for i := 0; i < len(pairs); i += 2 {
		if _, ok := pairs[i].(string); !ok {
			return "", fmt.Errorf("words for %q: argument name %v is not a string", key, pairs[i])
		}
		if b, ok := pairs[i+1].(text.Both); ok {
			pairs[i+1] = b.In(d.p.Lang)
		}
	}
	return d.p.T(key, pairs...), nil
}

func (d *drawer) number(n any) (string, error) {
	switch n := n.(type) {
	case int:
		return d.p.Number(int64(n)), nil
	case int64:
		return d.p.Number(n), nil
	case int32:
		return d.p.Number(int64(n)), nil
	case uint64:
		return d.p.Number(int64(n)), nil
	}
	return "", fmt.Errorf("number: %T is no whole number", n)
}

func (d *drawer) timeTag(t time.Time, words string) (template.HTML, error) {
	if t.IsZero() {
		return "", nil
	}
	return d.html("page/time", struct{ Stamp, Words string }{d.p.Stamp(t), words})
}

// dict makes the data of a template that wants several values.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict: odd number of arguments")
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		k, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: key %v is not a string", pairs[i])
		}
		m[k] = pairs[i+1]
	}
	return m, nil
}

// link writes an address with query parameters: link "/assets" "zone" .Zone.
// A pair with an empty value is left out.
func link(base string, pairs ...any) (string, error) {
	if len(pairs)%2 != 0 {
		return "", fmt.Errorf("link: odd number of arguments")
	}
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if v := fmt.Sprint(pairs[i+1]); v != "" {
			q.Add(fmt.Sprint(pairs[i]), v)
		}
	}
	if len(q) == 0 {
		return base, nil
	}
	sep := "?"
	if strings.Contains(base, "?") {
		sep = "&"
	}
	return base + sep + q.Encode(), nil
}

// hash writes a digest for people: the first eight hex digits bold, the rest
// in groups of four. A byte slice is written in hex.
func (d *drawer) hash(v any) (template.HTML, error) {
	s, ok := v.(string)
	if !ok {
		raw, ok := v.([]byte)
		if !ok {
			return "", fmt.Errorf("hash: %T is neither string nor bytes", v)
		}
		s = hex.EncodeToString(raw)
	}
	var groups []string
	for len(s) > 4 {
		groups, s = append(groups, s[:4]), s[4:]
	}
	groups = append(groups, s)
	cut := min(2, len(groups))
	return d.html("page/hash", struct{ Head, Rest string }{strings.Join(groups[:cut], " "), strings.Join(groups[cut:], " ")})
}

// chip writes a machine word: CVE, CPE, ATT&CK technique, address.
func (d *drawer) chip(word string, href ...string) (template.HTML, error) {
	c := struct{ Word, Href string }{Word: word}
	if len(href) > 0 {
		c.Href = href[0]
	}
	return d.html("page/chip", c)
}

// inLang returns the address of the same page in a language.
func inLang(here, l string) string {
	u, err := url.Parse(here)
	if err != nil {
		return "?lang=" + l // relative to wherever the browser thinks it is
	}
	q := u.Query()
	q.Set("lang", l)
	return u.EscapedPath() + "?" + q.Encode()
}

// steps draws a line of steps. Whether one is done is said to who cannot see it
// where some are not: in a history all are.
func (d *drawer) steps(s []Step) (template.HTML, error) {
	mixed := slices.ContainsFunc(s, func(x Step) bool { return x.Kind != "done" })
	return d.html("page/steps", struct {
		Steps []Step
		Mixed bool
	}{s, mixed})
}
