package notice

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// readContent reads the editor's form over the content that a draft has. A
// version whose fields are all empty is not written.
func readContent(form url.Values, c Content) (Content, []fault.Place) {
	var places []fault.Place
	get := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	two := func(name string) text.Both { return text.Both{JA: get(name + "/ja"), EN: get(name + "/en")} }
	when := func(name string, into *time.Time) {
		t, bad := page.ReadTime(form, name)
		if bad != nil {
			places = append(places, *bad)
			return
		}
		*into = t
	}
	c.Title, c.Severity, c.TLP = two("/title"), Severity(get("/severity")), TLP(get("/tlp"))
	if n, err := strconv.Atoi(get("/clearance")); err == nil {
		c.Clearance = n
	}
	c.About = strings.FieldsFunc(get("/about"), func(r rune) bool { return strings.ContainsRune(" ,、，\n\t　", r) })
	when("/answer_by", &c.AnswerBy)
	when("/fix_by", &c.FixBy)
	when("/known_at", &c.KnownAt)
	when("/attack_seen_at", &c.AttackSeenAt)
	none := text.Both{}
	m := Brief{TLP(get("/management/tlp")), two("/management/what"), two("/management/so_what"), two("/management/decide")}
	if c.Management = &m; m.What == none && m.SoWhat == none && m.Decide == none {
		c.Management = nil
	}
	t := Package{TLP: TLP(get("/technical/tlp")), Details: two("/technical/details"), Indicators: readIndicators(form.Get("/technical/indicators")),
		Checks: readChecks(form.Get("/technical/checks/ja"), form.Get("/technical/checks/en"))}
	if c.Technical = &t; t.Details == none && len(t.Indicators) == 0 && len(t.Checks) == 0 {
		c.Technical = nil
	}
	s := Steps{TLP: TLP(get("/small/tlp")), Title: two("/small/title"), Note: two("/small/note"),
		Helper: Helper{two("/small/helper/name"), get("/small/helper/phone"), two("/small/helper/hours")}}
	for i := range maxSteps {
		at := "/small/steps/" + strconv.Itoa(i)
		if x := (Step{two(at + "/do"), two(at + "/how")}); x != (Step{}) {
			s.Steps = append(s.Steps, x)
		}
	}
	if c.Small = &s; s.Title == none && len(s.Steps) == 0 && s.Helper == (Helper{}) {
		c.Small = nil
	}
	return c, places
}

// readIndicators reads one value a line, with a note after two spaces or a tab.
func readIndicators(raw string) (out []Indicator) {
	for line := range strings.Lines(raw) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		value, note, ok := strings.Cut(line, "\t")
		if !ok {
			value, note, _ = strings.Cut(line, "  ")
		}
		value = strings.TrimSpace(value)
		out = append(out, Indicator{kindOfIndicator(value), value, strings.TrimSpace(note)})
	}
	return out
}

// readChecks pairs the lines of both languages.
func readChecks(ja, en string) (out []text.Both) {
	a, b := lines(ja), lines(en)
	for i := range max(len(a), len(b)) {
		var x text.Both
		if i < len(a) {
			x.JA = a[i]
		}
		if i < len(b) {
			x.EN = b[i]
		}
		out = append(out, x)
	}
	return out
}

func lines(s string) (out []string) {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}
