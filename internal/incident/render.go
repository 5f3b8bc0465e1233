package incident

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// FileFormat names a kind of file a form is rendered to.
type FileFormat string

// The formats.
const (
	XLSX FileFormat = "xlsx"
	JSON FileFormat = "json"
	HTML FileFormat = "html"
)

// FileFormats lists the formats.
var FileFormats = []FileFormat{XLSX, JSON, HTML}

// Line is one row of a form: a label and what was answered. A table has Head
// and Cells beside Text, which then counts its rows.
type Line struct {
	Field FieldID    `json:"field,omitempty"` // empty for a composed row
	Label string     `json:"label"`
	State ValueState `json:"state,omitempty"` // empty when nothing was answered
	Text  string     `json:"text"`
	Value *Value     `json:"value,omitempty"` // as in the report, for machines
	Head  []string   `json:"-"`
	Cells [][]string `json:"-"`
}

// Part is a section of a form.
type Part struct {
	Title string `json:"title"`
	Lines []Line `json:"lines"`
}

// Addressee is a recipient as a form names it.
type Addressee struct {
	Role     Role   `json:"role"`
	Name     string `json:"name"`
	Desk     string `json:"desk,omitempty"`
	Withheld string `json:"withheld,omitempty"` // why it gets nothing
}

// TimeLine is a clock in words.
type TimeLine struct {
	Clock
	Name   string `json:"name"` // of the stage
	Say    string `json:"say"`
	Source string `json:"source"` // in the language of the sheet
}

// Sheet is one profile's form for one report in one language, before it
// becomes a file. Text of the reporter is as it was written: each renderer
// makes it harmless for its own format.
type Sheet struct {
	Format    int         `json:"format"` // always 1
	Profile   string      `json:"profile"`
	Lang      text.Lang   `json:"lang"`
	Name      string      `json:"name"`
	Basis     string      `json:"basis"`
	Status    Status      `json:"status"`
	InForce   bool        `json:"in_force"`
	Verified  bool        `json:"verified"`
	Source    string      `json:"source"`
	OurLayout bool        `json:"our_layout"`
	Report    ID          `json:"report,omitempty"`
	Kind      Kind        `json:"kind"`
	Stage     Stage       `json:"stage"`
	Version   int         `json:"version"`
	Class     string      `json:"class,omitempty"`
	Severity  Severity    `json:"severity,omitempty"`
	TLP       TLP         `json:"tlp"`
	MadeAt    time.Time   `json:"made_at"`
	Redacted  bool        `json:"redacted,omitempty"`
	Notices   []string    `json:"notices"` // what a reader must know first
	To        []Addressee `json:"to"`
	Clocks    []TimeLine  `json:"clocks"`
	Missing   []string    `json:"missing"` // labels
	Parts     []Part      `json:"parts"`

	profile *Profile
	report  *Report
	say     text.Printer
}

// Fill lays a report out as the profile's form, in the printer's language.
// An answer whose own consent is not given is left out.
func Fill(r *Report, p *Profile, facts Facts, now time.Time, say text.Printer) *Sheet {
	found := p.examine(r, facts, now)
	s := &Sheet{Format: 1, Profile: p.ID, Lang: say.Lang, Name: p.Name.In(say.Lang), Basis: p.Basis.In(say.Lang),
		Status: p.Status, InForce: found.InForce, Verified: p.Verified, Source: p.Source.In(say.Lang), OurLayout: p.OurLayout(),
		Report: r.ID, Kind: r.Kind, Stage: r.Stage, Version: r.Version, Class: r.Class, Severity: r.Severity, TLP: r.TLP,
		MadeAt: now.UTC(), Notices: []string{}, Missing: []string{}, profile: p, report: r, say: say}
	for _, v := range r.Values {
		s.Redacted = s.Redacted || v.State == Redacted
	}
	s.notices(found)
	for _, rc := range found.Recipients {
		a := Addressee{Role: rc.Role, Name: rc.Name.In(say.Lang), Desk: rc.Desk.In(say.Lang)}
		switch {
		case rc.Withheld:
			a.Withheld = say.T("incident.sheet.withheld")
		case !found.Agreed:
			a.Withheld = say.T("incident.sheet.not_agreed")
		}
		s.To = append(s.To, a)
	}
	for _, c := range p.Clocks(r, facts, now) {
		s.Clocks = append(s.Clocks, TimeLine{c, p.stageName(c.Stage).In(say.Lang), c.Say(say), c.Source.In(say.Lang)})
	}
	for _, m := range found.Missing {
		s.Missing = append(s.Missing, m.Label.In(say.Lang))
	}
	for _, sec := range p.Layout {
		s.part(sec)
	}
	return s
}

func (p *Profile) stageName(id string) text.Both {
	i := slices.IndexFunc(p.Stages, func(s ProfileStage) bool { return s.ID == id })
	return p.Stages[i].Name
}

func (s *Sheet) notices(found ProfileResult) {
	add := func(code string, pairs ...any) { s.Notices = append(s.Notices, s.say.T(code, pairs...)) }
	switch {
	case s.Status == Bill:
		add("incident.sheet.bill")
	case s.Status == Proposed:
		add("incident.sheet.proposed")
	case !s.InForce:
		add("incident.sheet.not_yet", "day", s.since())
	}
	if s.OurLayout {
		add("incident.sheet.our_layout")
	}
	if s.Redacted {
		add("incident.sheet.redacted")
	}
	if !s.Verified {
		add("incident.sheet.unverified")
	}
	if found.Applies == VerdictOpen {
		add("incident.sheet.open")
	}
	if n := s.profile.Note.In(s.Lang); n != "" {
		s.Notices = append(s.Notices, n)
	}
}

func (s *Sheet) part(sec LayoutSection) {
	out := Part{Title: sec.Title.In(s.Lang)}
	for _, row := range sec.Rows {
		out.Lines = append(out.Lines, Line{Label: row.Label.In(s.Lang), Text: s.compose(row.Text)})
	}
	d := Dictionary()
	for _, id := range sec.Fields {
		if f, ok := d.Get(id); ok {
			out.Lines = s.line(out.Lines, f)
		}
	}
	for _, g := range sec.Groups {
		for _, f := range d.In(g, s.Kind) {
			if !slices.Contains(sec.Fields, f.ID) {
				out.Lines = s.line(out.Lines, f)
			}
		}
	}
	if len(out.Lines) > 0 {
		s.Parts = append(s.Parts, out)
	}
}

func (s *Sheet) line(lines []Line, f *Field) []Line {
	v := s.report.Value(f.ID)
	if !f.For(s.Kind) || f.Consent != "" && !s.report.Consent(f.Consent) {
		return lines
	}
	l := Line{Field: f.ID, Label: f.Label.In(s.Lang), State: v.State, Text: f.line(v, s.say)}
	if v.Answered() {
		l.Value = &v
	}
	if rows, ok := v.V.([]Row); ok && v.State == Known {
		l.Head, l.Cells = f.cells(rows, s.say)
	}
	return append(lines, l)
}

// latin writes the marks of a composed text for readers of English.
var latin = strings.NewReplacer("（", " (", "）", ")", "　", " ", "：", ": ", "、", ", ")

// compose fills the holes of a composed text; an unanswered one says so.
func (s *Sheet) compose(t string) string {
	if s.Lang == text.EN {
		t = latin.Replace(t)
	}
	return hole.ReplaceAllStringFunc(t, func(m string) string {
		id := FieldID(strings.Trim(m, "{}"))
		if mark, ok := s.mark(id); ok {
			return mark
		}
		f, ok := Dictionary().Get(id)
		v := s.report.Value(id)
		if !ok || f.Consent != "" && !s.report.Consent(f.Consent) {
			return ""
		}
		return f.line(v, s.say)
	})
}

func (s *Sheet) mark(id FieldID) (string, bool) {
	d := Dictionary()
	heading := func(list []Heading, id string) string {
		i := slices.IndexFunc(list, func(h Heading) bool { return h.ID == id })
		if i < 0 {
			return s.say.T("incident.sheet.none")
		}
		return list[i].Label.In(s.Lang)
	}
	switch id {
	case "report.id":
		return s.Report, true
	case "report.kind":
		return heading(d.Kinds, string(s.Kind)), true
	case "report.stage":
		return heading(d.Stages, string(s.Stage)), true
	case "report.version":
		return s.say.T("incident.sheet.version", "n", s.Version), true
	case "report.severity":
		return heading(d.Severities, string(s.Severity)), true
	case "report.tlp":
		return s.TLP.Label(), true
	case "report.class":
		if c, ok := ClassOf(s.Class); ok {
			return c.In(s.Lang), true
		}
		return s.say.T("incident.sheet.none"), true
	}
	return "", false
}

// File renders the form.
func (s *Sheet) File(f FileFormat) ([]byte, error) {
	switch f {
	case XLSX:
		return s.XLSX()
	case JSON:
		return s.JSON()
	case HTML:
		return s.HTML()
	}
	return nil, fault.New(fault.Usage, "incident.sheet.format", "format", string(f))
}

// FileName is the name under which the form is kept: profile, version and
// format. It carries nothing of the report's text.
func (s *Sheet) FileName(f FileFormat) string {
	return s.Profile + "-v" + strconv.Itoa(s.Version) + "." + string(f)
}
