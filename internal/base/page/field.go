package page

import (
	"fmt"
	"html/template"
	"strings"

	"noroshi/internal/base/text"
)

// Need says whether a field must be filled.
type Need string

// The needs. NoNeed draws neither word, for fields where the question says it.
const (
	NoNeed   Need = ""
	Required Need = "required"
	Optional Need = "optional"
)

// Field is one thing to be answered. It is drawn in the order label, need,
// hint with example, error, control. All wording is in the page's language.
//
// Kinds and the form values they send:
//
//	text email tel url password number search   Name
//	textarea select choice(radio) check(one box) hidden   Name
//	choices (boxes), file                        Name, possibly several
//	date      Name.y Name.m Name.d               read with ReadDate
//	datetime  the same and Name.h Name.min Name.zone   read with ReadTime
//
// With Unknown or Investigating or Range the answer has states: Name.state is
// "known", "range", "unknown" or "investigating", and a range sends Name.min
// and Name.max in place of Name (with the parts of a date: Name.min.y …).
type Field struct {
	Name    string
	Kind    string // empty is "text"
	Label   string
	Need    Need
	Hint    string
	Example string
	// Question draws the label as the h1 of a question page.
	Question bool
	// Value is what the control holds: text, an ISO day for a date, RFC 3339
	// for a datetime, the chosen option, "on" for a ticked check.
	Value  string
	Values []string // the ticked boxes of choices
	// Error is a sentence; empty takes the one Shell.Fault has for Name.
	Error   string
	Options []Option
	Zones   []Option // datetime: zones to choose from; empty is JST and UTC

	Width        string // "w2", "w4", "w12", "wide"; empty fits the kind
	Unit         string // word after the control: 台, Gbps
	Rows         int    // height of a textarea, in lines
	Limit        int    // most characters, told in the hint and not cut off
	Autocomplete string
	InputMode    string
	Accept       string // file: accepted types
	Multiple     bool   // file: several
	Lang         string // language of what is written, where it differs

	State         string // state the answer is in; empty is "known"
	Range         bool
	Unknown       bool
	Investigating bool
	Min, Max      string // values of a range, as Value

	marked bool // invalid, though the sentence stands elsewhere
}

// Option is one of several answers.
type Option struct {
	Value string
	Label string
	Hint  string
	Off   string // a reason why it cannot be chosen; empty when it can
	// Reveal are fields that belong to this answer, drawn under it.
	Reveal []Field
}

// control is a field made ready for its template.
type control struct {
	Field
	ID      string
	Hints   string // ids for aria-describedby
	HasHint bool
	Parts   []part
	Opts    []optionView
}

type part struct{ Name, ID, Label, Value, Width string }

type optionView struct {
	Option
	ID      string
	Chosen  bool
	Inner   template.HTML
	HasBody bool
}

var plainKinds = "text email tel url password number search date datetime textarea select choice check hidden choices file"

// ID returns the id of the control for a field name.
func ID(name string) string {
	return "f-" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, name)
}

func (d *drawer) fields(all []Field) (template.HTML, error) {
	var b strings.Builder
	for _, f := range all {
		h, err := d.field(f)
		if err != nil {
			return "", err
		}
		b.WriteString(string(h))
	}
	return template.HTML(b.String()), nil
}

// typed returns what was typed into name, or the value when no form came back.
func (d *drawer) typed(name, value string) string {
	if d.shell.Form == nil {
		return value
	}
	return d.shell.Form.Get(name)
}

func (d *drawer) field(f Field) (template.HTML, error) {
	if f.Kind == "" {
		f.Kind = "text"
	}
	if !strings.Contains(" "+plainKinds+" ", " "+f.Kind+" ") {
		return "", fmt.Errorf("field %s: no kind %q", f.Name, f.Kind)
	}
	if f.Range || f.Unknown || f.Investigating {
		return d.stated(f)
	}
	c, err := d.control(f)
	if err != nil {
		return "", err
	}
	switch f.Kind {
	case "date", "datetime", "choice", "choices":
		return d.html("page/fieldset", c)
	case "hidden", "check":
		return d.html("page/"+f.Kind, c)
	}
	return d.html("page/field", c)
}

// control works out ids, what was typed, and the error of a field.
func (d *drawer) control(f Field) (control, error) {
	c := control{Field: f, ID: ID(f.Name)}
	if c.Error == "" {
		c.Error = d.wrong[f.Name]
	}
	switch f.Kind {
	case "date", "datetime":
		c.Parts = d.parts(f)
		c.ID = c.Parts[0].ID
		if f.Kind == "datetime" {
			c.Opts = d.zones(f)
		}
	case "choice", "select":
		v := d.typed(f.Name, f.Value)
		for i, o := range f.Options {
			c.Opts = append(c.Opts, optionView{Option: o, ID: fmt.Sprintf("%s-%d", c.ID, i), Chosen: o.Value == v})
		}
	case "choices":
		vs := f.Values
		if d.shell.Form != nil {
			vs = d.shell.Form[f.Name]
		}
		for i, o := range f.Options {
			v := optionView{Option: o, ID: fmt.Sprintf("%s-%d", c.ID, i)}
			for _, x := range vs {
				v.Chosen = v.Chosen || x == o.Value
			}
			c.Opts = append(c.Opts, v)
		}
	case "password":
		c.Value = "" // a secret is typed again
	case "file":
	default:
		c.Value = d.typed(f.Name, f.Value)
	}
	for i := range c.Opts {
		if err := d.reveal(&c.Opts[i]); err != nil {
			return c, err
		}
	}
	if len(c.Opts) > 0 && f.Kind != "select" && f.Kind != "datetime" {
		c.ID = c.Opts[0].ID
	}
	d.ids[f.Name] = c.ID
	c.HasHint = f.Hint != "" || f.Example != "" || f.Limit > 0
	c.Hints = described(ID(f.Name), c.HasHint, c.Error != "")
	return c, nil
}

func described(id string, hint, bad bool) string {
	var ids []string
	if hint {
		ids = append(ids, id+"-hint")
	}
	if bad {
		ids = append(ids, id+"-error")
	}
	return strings.Join(ids, " ")
}

func (d *drawer) reveal(o *optionView) error {
	if len(o.Reveal) == 0 {
		return nil
	}
	inner, err := d.fields(o.Reveal)
	o.Inner, o.HasBody = inner, true
	return err
}

// parts splits a day or an instant into the number fields it is typed in: year,
// month, day in Japanese, and day, month, year in English. A value that is no day
// stays whole in the first field, to be mended there.
func (d *drawer) parts(f Field) []part {
	y, m, day, h, min, ok := splitTime(f.Value)
	all := []part{
		{Name: f.Name + ".y", Label: d.p.T("page.part.year"), Value: y, Width: "w4"},
		{Name: f.Name + ".m", Label: d.p.T("page.part.month"), Value: m, Width: "w2"},
		{Name: f.Name + ".d", Label: d.p.T("page.part.day"), Value: day, Width: "w2"},
	}
	if d.p.Lang != text.JA {
		all[0], all[2] = all[2], all[0]
	}
	if !ok {
		all[0].Value = f.Value
	}
	if f.Kind == "datetime" {
		all = append(all, part{Name: f.Name + ".h", Label: d.p.T("page.part.hour"), Value: h, Width: "w2"},
			part{Name: f.Name + ".min", Label: d.p.T("page.part.minute"), Value: min, Width: "w2"})
	}
	for i := range all {
		all[i].ID = ID(all[i].Name)
		all[i].Value = d.typed(all[i].Name, all[i].Value)
	}
	return all
}

func (d *drawer) zones(f Field) []optionView {
	zones := f.Zones
	if len(zones) == 0 {
		zones = []Option{{Value: "+09:00", Label: d.p.T("page.zone.jst")}, {Value: "+00:00", Label: d.p.T("page.zone.utc")}}
	}
	v := d.typed(f.Name+".zone", zoneOf(f.Value))
	var out []optionView
	known := false
	for _, z := range zones {
		known = known || z.Value == v
		out = append(out, optionView{Option: z, Chosen: z.Value == v})
	}
	if !known && v != "" {
		out = append(out, optionView{Option: Option{Value: v, Label: "UTC" + v}, Chosen: true})
	}
	return out
}

// stated draws a field whose answer may be a range, unknown, or still being
// investigated: those are choices, not blanks.
func (d *drawer) stated(f Field) (template.HTML, error) {
	range_, unknown, investigating := f.Range, f.Unknown, f.Investigating
	f.Range, f.Unknown, f.Investigating = false, false, false
	c := control{Field: f, ID: ID(f.Name + ".state")}
	if c.Error == "" {
		c.Error = d.wrong[f.Name]
	}
	state := d.typed(f.Name+".state", f.State)
	if state == "" {
		state = "known"
	}
	bare := f
	bare.Need, bare.Hint, bare.Example, bare.Error, bare.Question = NoNeed, "", "", "", false
	bare.Label = d.p.T("page.value")
	if f.Kind == "choice" || f.Kind == "choices" || f.Kind == "textarea" {
		bare.Label = f.Label
	}
	lo, hi := bare, bare
	lo.Name, lo.Value, lo.Label = f.Name+".min", f.Min, d.p.T("page.value.min")
	hi.Name, hi.Value, hi.Label = f.Name+".max", f.Max, d.p.T("page.value.max")
	add := func(value string, inner ...Field) error {
		o := optionView{Option: Option{Value: value, Label: d.p.T("page.answer." + value), Reveal: inner}, Chosen: state == value}
		o.ID = ID(f.Name+".state") + "-" + value
		if d.p.Has("page.answer." + value + ".hint") {
			o.Hint = d.p.T("page.answer." + value + ".hint")
		}
		if err := d.reveal(&o); err != nil {
			return err
		}
		c.Opts = append(c.Opts, o)
		return nil
	}
	// The sentence stands at the group; the controls inside are only marked.
	said := d.wrong[f.Name]
	delete(d.wrong, f.Name)
	bare.marked, lo.marked, hi.marked = c.Error != "", c.Error != "", c.Error != ""
	err := add("known", bare)
	if range_ && err == nil {
		err = add("range", lo, hi)
	}
	if unknown && err == nil {
		err = add("unknown")
	}
	if investigating && err == nil {
		err = add("investigating")
	}
	if err != nil {
		return "", err
	}
	if said != "" {
		d.wrong[f.Name] = said
	}
	if state != "known" {
		d.ids[f.Name] = c.Opts[0].ID
	}
	c.Name, c.Kind, c.ID = f.Name+".state", "choice", c.Opts[0].ID
	c.HasHint = f.Hint != "" || f.Example != "" || f.Limit > 0
	c.Hints = described(ID(c.Name), c.HasHint, c.Error != "")
	return d.html("page/fieldset", c)
}

// Consent is one consent: separate, and off until a person chooses.
type Consent struct {
	Name  string
	Label string // what one agrees to
	Hint  string // what follows from it and how it is taken back
	On    bool
}

func (d *drawer) consent(all []Consent) (template.HTML, error) {
	var opts []optionView
	for _, c := range all {
		on := c.On
		if d.shell.Form != nil {
			on = d.shell.Form.Get(c.Name) != ""
		}
		opts = append(opts, optionView{Option: Option{Value: c.Name, Label: c.Label, Hint: c.Hint}, ID: ID(c.Name), Chosen: on})
		d.ids[c.Name] = ID(c.Name)
	}
	return d.html("page/consent", opts)
}

// Invalid reports whether the control is marked as holding a mistake.
func (c control) Invalid() bool {
	return c.marked || c.Error != "" && !strings.HasSuffix(c.Name, ".state")
}

// HintID is the id of the hint, as aria-describedby names it.
func (c control) HintID() string { return ID(c.Name) + "-hint" }

// ErrorID is the id of the error, as aria-describedby names it.
func (c control) ErrorID() string { return ID(c.Name) + "-error" }

// ZoneID is the id of the choice of a zone.
func (c control) ZoneID() string { return ID(c.Name + ".zone") }

// Type is the type attribute. Numbers are text with a numeric keyboard,
// because a number control refuses full-width digits and grouped ones.
func (c control) Type() string {
	if c.Kind == "number" {
		return "text"
	}
	return c.Kind
}

// Mode is the inputmode attribute.
func (c control) Mode() string {
	if c.InputMode == "" && c.Kind == "number" {
		return "numeric"
	}
	return c.InputMode
}

// Size is the class that makes the width fit the answer.
func (c control) Size() string {
	switch {
	case c.Width != "":
		return c.Width
	case c.Kind == "number":
		return "w8"
	}
	return "w24"
}
