package page

import (
	"fmt"
	"html/template"
	"strings"
)

// icons are the drawings of {{icon "name"}}: 20 by 20, lines only.
var icons = map[string]template.HTML{
	"alert":    `<path d="M10 3 18 17H2Z"/><path d="M10 8.2v4M10 14.4v.2"/>`,
	"bell":     `<path d="M4.5 14.5V13l1-1.5V8.6a4.5 4.5 0 0 1 9 0v2.9l1 1.5v1.5Z"/><path d="M8.5 16.8h3"/>`,
	"box":      `<path d="M3 6.5 10 3l7 3.5v7L10 17l-7-3.5Z"/><path d="M3 6.5 10 10l7-3.5M10 10v7"/>`,
	"calendar": `<rect x="3" y="4.5" width="14" height="12.5"/><path d="M3 8.5h14M7 2.5v4M13 2.5v4"/>`,
	"check":    `<path d="M4 10.5 8.2 15 16 5.5"/>`,
	"clock":    `<circle cx="10" cy="10" r="7.2"/><path d="M10 5.8V10l2.8 1.8"/>`,
	"cross":    `<circle cx="10" cy="10" r="7.2"/><path d="M7.3 7.3l5.4 5.4M12.7 7.3l-5.4 5.4"/>`,
	"document": `<path d="M4 2.5h12v15H4Z"/><path d="M7 6.5h6M7 10h6M7 13.5h3.5"/>`,
	"down":     `<path d="M10 3v9.5M6 9l4 4 4-4M4 16.5h12"/>`,
	"eye":      `<path d="M1.8 10C4 6.3 6.7 4.5 10 4.5s6 1.8 8.2 5.5c-2.2 3.7-4.9 5.5-8.2 5.5S4 13.7 1.8 10Z"/><circle cx="10" cy="10" r="2.4"/>`,
	"flag":     `<path d="M5 17.5V3h10l-2 3.5 2 3.5H5"/>`,
	"graph":    `<circle cx="4.5" cy="10" r="2"/><circle cx="15" cy="4.5" r="2"/><circle cx="15" cy="15.5" r="2"/><path d="M6.3 9.1 13.2 5.4M6.3 10.9l6.9 3.7"/>`,
	"home":     `<path d="M3 9.5 10 3.5l7 6V17h-4.5v-4.5h-5V17H3Z"/>`,
	"info":     `<circle cx="10" cy="10" r="7.2"/><path d="M10 9.2v4.6M10 6.4v.2"/>`,
	"key":      `<circle cx="6.5" cy="13.5" r="3.5"/><path d="M9 11 16.5 3.5M13.5 6.5l2.5 2.5M11 9l1.8 1.8"/>`,
	"list":     `<path d="M7 5h10M7 10h10M7 15h10M3.2 5h.2M3.2 10h.2M3.2 15h.2"/>`,
	"lock":     `<rect x="4" y="9" width="12" height="8"/><path d="M6.5 9V6.5a3.5 3.5 0 0 1 7 0V9"/>`,
	"mail":     `<rect x="2.5" y="4.5" width="15" height="11.5"/><path d="M2.5 5.5 10 11l7.5-5.5"/>`,
	"menu":     `<path d="M3 5.5h14M3 10h14M3 14.5h14"/>`,
	"ok":       `<circle cx="10" cy="10" r="7.2"/><path d="M6.6 10.2 9 12.7l4.4-5"/>`,
	"people":   `<circle cx="7.5" cy="7" r="2.8"/><path d="M2.5 16.5c.3-3.4 2-5 5-5s4.7 1.6 5 5M12.5 4.4a2.8 2.8 0 0 1 0 5.2M14 11.8c2.2.3 3.3 1.9 3.5 4.7"/>`,
	"phone":    `<path d="M5.5 3 8 3l1.2 4L7.4 8.4c.8 1.8 2.2 3.3 4.2 4.2L13 10.8l4 1.2v2.6c0 1-.9 1.9-1.9 1.8C8.9 15.8 4.2 11.1 3.6 4.9 3.5 3.9 4.4 3 5.5 3Z"/>`,
	"print":    `<path d="M6 7V3h8v4M6 14H3V7h14v7h-3"/><path d="M6 11.5h8V17H6Z"/>`,
	"pulse":    `<path d="M1.5 10h3l2-6 3.5 12L13 7l1.5 3h4"/>`,
	"question": `<circle cx="10" cy="10" r="7.2"/><path d="M8 8.1c.2-2.6 4.2-2.4 4 .1-.1 1.3-2 1.5-2 3M10 13.8v.2"/>`,
	"scale":    `<path d="M10 3v13.5M6 16.5h8M4 5.5h12M4 5.5 1.8 11h4.4ZM16 5.5 13.8 11h4.4Z"/>`,
	"search":   `<circle cx="9" cy="9" r="5.5"/><path d="M13.2 13.2 17 17"/>`,
	"server":   `<rect x="3" y="3.5" width="14" height="5.5"/><rect x="3" y="11" width="14" height="5.5"/><path d="M6 6.2h.2M6 13.8h.2"/>`,
	"shield":   `<path d="M10 2.5 16.5 5v5c0 4-2.6 6.4-6.5 7.8C6.1 16.4 3.5 14 3.5 10V5Z"/><path d="M7 9.8 9.3 12.2 13.2 7.6"/>`,
	"target":   `<circle cx="10" cy="10" r="6.5"/><path d="M10 1.5v4M10 14.5v4M1.5 10h4M14.5 10h4"/>`,
	"up":       `<path d="M10 13V3.5M6 7l4-4 4 4M4 16.5h12"/>`,
}

// shapes repeat the meaning of a tag without colour: 10 by 10, filled.
var shapes = map[string]template.HTML{
	"diamond":  `<path d="M5 0 10 5 5 10 0 5Z"/>`,
	"triangle": `<path d="M5 .5 10 9.5H0Z"/>`,
	"disc":     `<circle cx="5" cy="5" r="4.5"/>`,
	"ring":     `<path fill-rule="evenodd" d="M5 .5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9Zm0 1.6a2.9 2.9 0 1 1 0 5.8 2.9 2.9 0 0 1 0-5.8Z"/>`,
	"tick":     `<path d="M0 5.4 1.5 3.9 3.7 6.1 8.5 1.3 10 2.8 3.7 9Z"/>`,
	"square":   `<path d="M1 1h8v8H1Z"/>`,
	"none":     "",
}

// icon draws an icon. A second argument is what it says to those who do not
// see it; without one it is decoration.
func icon(name string, say ...string) (template.HTML, error) {
	body, ok := icons[name]
	if !ok {
		return "", fmt.Errorf("no icon %q", name)
	}
	attr := `aria-hidden="true"`
	if len(say) > 0 {
		attr = `role="img" aria-label="` + template.HTMLEscapeString(say[0]) + `"`
	}
	return `<svg class="icon" viewBox="0 0 20 20" ` + template.HTML(attr) + `>` + body + `</svg>`, nil
}

type tagData struct {
	Kind, Word string
	Shape      template.HTML
}

// tagShapes says which shape a kind of tag bears when none is asked for.
var tagShapes = map[string]string{"act": "diamond", "attend": "triangle", "watch": "disc", "calm": "ring", "good": "tick",
	"ai": "none", "draft": "none", "plain": "none", "shu": "none", "drill": "none", "solid": "none"}

// tag draws a state in words with a shape. Kinds: act attend watch calm good
// ai draft plain shu drill solid. A third argument names another shape:
// diamond triangle disc ring tick square none.
func (d *drawer) tag(kind, word string, shape ...string) (template.HTML, error) {
	name, ok := tagShapes[kind]
	if !ok {
		return "", fmt.Errorf("no kind of tag %q", kind)
	}
	if len(shape) > 0 {
		name = shape[0]
	}
	body, ok := shapes[name]
	if !ok {
		return "", fmt.Errorf("no shape %q", name)
	}
	return d.html("page/tag", tagData{kind, word, body})
}

// severity draws a decision class: act, attend, watch or track.
func (d *drawer) severity(v any) (template.HTML, error) {
	s := fmt.Sprint(v)
	kind := map[string]string{"act": "act", "attend": "attend", "watch": "watch", "track": "calm"}[s]
	if kind == "" {
		return "", fmt.Errorf("no severity %q", s)
	}
	return d.tag(kind, d.p.T("page.severity."+s))
}

// states says how each state of a procedure looks.
var states = map[string][2]string{
	"draft": {"draft", "none"}, "asked": {"ai", "none"}, "examined": {"watch", "disc"}, "returned": {"attend", "triangle"},
	"approved": {"good", "tick"}, "refused": {"act", "square"}, "emergency": {"act", "diamond"},
	"expired": {"plain", "none"}, "withdrawn": {"plain", "none"}, "submitted": {"ai", "none"}, "acknowledged": {"good", "tick"},
	"done": {"good", "tick"}, "started": {"ai", "none"}, "todo": {"plain", "none"}, "blocked": {"draft", "none"}, "investigating": {"attend", "triangle"},
}

// state draws the state of a procedure or task: draft asked examined returned
// approved refused emergency expired withdrawn submitted acknowledged; done
// started todo blocked investigating.
func (d *drawer) state(v any) (template.HTML, error) {
	s := fmt.Sprint(v)
	look, ok := states[s]
	if !ok {
		return "", fmt.Errorf("no state %q", s)
	}
	return d.tag(look[0], d.p.T("page.state."+s), look[1])
}

// tlp draws a label of the Traffic Light Protocol 2.0, with or without "TLP:".
func (d *drawer) tlp(v any) (template.HTML, error) {
	s := strings.TrimPrefix(strings.ToUpper(fmt.Sprint(v)), "TLP:")
	kind := map[string]string{"RED": "red", "AMBER+STRICT": "amber", "AMBER": "amber", "GREEN": "green", "CLEAR": "clear"}[s]
	if kind == "" {
		return "", fmt.Errorf("no TLP label %q", s)
	}
	return d.html("page/tlp", tagData{Kind: kind, Word: s})
}

// clearance draws a clearance level, 0 to 3: three squares and words.
func (d *drawer) clearance(n int) (template.HTML, error) {
	if n < 0 || n > 3 {
		return "", fmt.Errorf("no clearance %d", n)
	}
	return d.html("page/clearance", struct {
		Squares [3]bool
		Word    string
	}{[3]bool{n > 0, n > 1, n > 2}, d.p.T(fmt.Sprintf("page.clearance.%d", n))})
}
