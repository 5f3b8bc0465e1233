package incident

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"sync"
)

//go:embed web/form.html
var formPage string

// formTemplate escapes everything a reporter wrote by where it stands.
var formTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("form").Parse(formPage))
})

// HTML renders the form as one page that needs nothing else: A4, in the
// sheet's language, the handling strip on every printed page, no script.
func (s *Sheet) HTML() ([]byte, error) {
	var b bytes.Buffer
	if err := formTemplate().Execute(&b, formView{s}); err != nil {
		return nil, fmt.Errorf("render %s as HTML: %w", s.Profile, err)
	}
	return b.Bytes(), nil
}

// formView gives the template its words.
type formView struct{ *Sheet }

// T returns one of the form's own words.
func (v formView) T(key string) string { return v.say.T("incident.sheet." + key) }

// Label returns the TLP label.
func (v formView) Label() string { return v.TLP.Label() }

// TLPClass names the label's colour in the stylesheet.
func (v formView) TLPClass() string {
	return strings.ToLower(strings.ReplaceAll(string(v.TLP), "+", "-"))
}

// Heading returns kind, stage and version in one line.
func (v formView) Heading() string {
	return v.compose("{report.kind}　{report.stage}（{report.version}）")
}

// ClockLabel names a clock by its stage.
func (v formView) ClockLabel(c TimeLine) string {
	return v.say.T("incident.sheet.clock", "stage", c.Name)
}

// Late marks a clock that needs attention.
func (v formView) Late(c TimeLine) bool { return c.State == ClockLate || c.State == ClockMetLate }

// Wide reports whether a table has more columns than the page has room for.
func (v formView) Wide(l Line) bool { return len(l.Head) > 5 }

// DeskText names the desk of a recipient.
func (v formView) DeskText(desk string) string { return v.say.T("incident.sheet.desk", "desk", desk) }

// Open reports whether a row has no answer yet.
func (v formView) Open(l Line) bool {
	return l.Field != "" && (l.State == "" || l.State == Unknown || l.State == Investigating)
}

// Stopped reports whether the form may not be submitted.
func (v formView) Stopped() bool { return !v.InForce }
