package incident

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/page"
)

// step finds the page that a question is on, in a group of a draft.
func (v *screen) step(d Draft) (g Group, all [][]*Field, at int, err error) {
	f, ok := Dictionary().Get(FieldID(v.Path("field")))
	if !ok || !f.For(d.Kind) || f.ID == attachments {
		return g, nil, 0, ErrNoDraft
	}
	i := slices.IndexFunc(Dictionary().Groups, func(g Group) bool { return g.ID == f.Group })
	g = Dictionary().Groups[i]
	all = steps(g.ID, d.Kind, v.needed(d.Report))
	at = slices.IndexFunc(all, func(s []*Field) bool { return slices.Contains(s, f) })
	return g, all, at, nil
}

// ask is a page with one question, or a few quick ones.
func (v *screen) ask(bad error) error {
	p, err := v.s.PreviewDraft(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	d, r := p.Draft, p.Draft.Report
	g, all, at, err := v.step(d)
	if err != nil {
		return err
	}
	out := plainQuestion{Draft: d.ID, Action: v.askAt(d.ID, all[at][0].ID), Save: "/drafts/" + d.ID + "/save/" + string(all[at][0].ID), Saved: d.UpdatedAt, Hidden: []page.Field{version(d)}}
	if v.Query("from") == "check" || v.Form("from") == "check" {
		out.Hidden = append(out.Hidden, page.Field{Kind: "hidden", Name: "from", Value: "check"})
	}
	out.Head = v.draftHead(d, v.T("incident.web.position", "group", g.Label, "n", at+1, "of", len(all)))
	needed := v.needed(r)
	for _, f := range all[at] {
		need := page.Optional
		if needed[f.ID] {
			need = page.Required
		}
		part := formPart{Fields: v.control(f, r.Value(f.ID), need)}
		switch f.Type {
		case TypeRecord:
			part.Legend, part.Hint = v.both(f.Label), v.both(f.Hint)
		case TypeTable:
			form := v.Forms()
			if bad == nil {
				form = nil
			}
			g := v.grid(f, r.Value(f.ID), form, v.Query("more") != "")
			part.Grid, out.More = &g, true
		}
		out.Parts = append(out.Parts, part)
	}
	v.title(&out, all[at], g)
	out.Duties, out.Gets = v.drives(p, all[at]), v.getters(p, all[at])
	return v.question(d, out, bad)
}

// title chooses the h1: the question where one stands alone.
func (v *screen) title(out *plainQuestion, fields []*Field, g Group) {
	f := fields[0]
	if len(fields) > 1 {
		out.Head.H1 = v.both(g.Label)
		return
	}
	part := &out.Parts[0]
	switch {
	case part.Grid != nil || part.Legend != "":
		out.Head.H1 = v.both(f.Label)
		part.Legend = ""
	case len(part.Fields) == 1 && (part.Fields[0].Kind == "choice" || part.Fields[0].Kind == "choices" || part.Fields[0].Kind == "date" || part.Fields[0].Kind == "datetime" ||
		part.Fields[0].Range || part.Fields[0].Unknown || part.Fields[0].Investigating):
		part.Fields[0].Question = true
	default:
		out.Head.H1 = v.both(f.Label)
		part.Fields[0].Label = v.T("incident.web.form.answer")
	}
}

// drives lists the clocks that an answer on the page starts or decides.
func (v *screen) drives(p Preview, fields []*Field) (out []duty) {
	on := func(id FieldID) bool { return slices.ContainsFunc(fields, func(f *Field) bool { return f.ID == id }) }
	for _, pr := range v.ordered(p.Check) {
		moved := slices.ContainsFunc(pr.Deciding, on)
		for _, c := range pr.Clocks {
			moved = moved || slices.ContainsFunc(startFields[c.Start], on)
		}
		if !moved {
			continue
		}
		decides := slices.ContainsFunc(pr.Deciding, on)
		d := duty{Name: v.to(pr), Note: v.both(pr.Name), Basis: v.both(pr.Basis), Dues: v.dues(pr, func(c *Clock) bool { return decides || slices.ContainsFunc(startFields[c.Start], on) })}
		if len(d.Dues) > 0 {
			out = append(out, d)
		}
	}
	return out
}

// getters names who receives an answer of the page.
func (v *screen) getters(p Preview, fields []*Field) (out []string) {
	for i := range p.Check.Profiles {
		pr := &p.Check.Profiles[i]
		full, ok := v.s.Profiles.Get(pr.ID)
		if !ok || !pr.running() || !slices.ContainsFunc(fields, full.lays) {
			continue
		}
		for _, rc := range pr.Recipients {
			if name := v.both(rc.Name); !rc.Withheld && rc.Role != RoleOwn && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// ahead names the controls whose time has not come yet.
func ahead(values map[FieldID]Value, now time.Time) []fault.Place {
	bad := (&Report{Values: values}).Ahead(now)
	for i := range bad {
		bad[i].At = controlOf(bad[i].At)
	}
	return bad
}

// blank lists the questions of a page that have to be answered, are said to be
// known, and have nothing in their boxes: saving that would take an earlier
// answer away without a word.
func (v *screen) blank(d Draft, fields []*Field, values map[FieldID]Value) (out []*Field) {
	needed := v.needed(d.Report)
	for _, f := range fields {
		boxes := f.Type != TypeChoices && f.Type != TypeList && f.Type != TypeTable && f.Type != TypeRecord && !f.flat()
		st := ValueState(v.Form(string(f.ID) + ".state"))
		val, read := values[f.ID]
		if boxes && needed[f.ID] && (st == Known || st == Range) && read && !val.Answered() {
			out = append(out, f)
		}
	}
	return out
}

// answer saves a page and goes on to the next.
func (v *screen) answer() error {
	d, err := v.s.Draft(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	_, all, at, err := v.step(d)
	if err != nil {
		return err
	}
	values, bad := readForm(v.Forms(), all[at])
	bad = append(bad, ahead(values, v.now)...)
	for _, f := range v.blank(d, all[at], values) {
		if v.Form("go") != "list" || d.Report.Value(f.ID).Answered() { // who only leaves the page need not answer
			bad = append(bad, fault.Place{At: string(f.ID), Code: "incident.web.form.blank"})
		}
	}
	if len(bad) > 0 {
		return v.ask(fault.New(fault.Invalid, "incident.web.invalid").At(bad...))
	}
	saved, err := v.s.SaveDraft(v.Context(), d.ID, v.base(), Changes{Values: values})
	switch {
	case err != nil && fault.KindOf(err) == fault.Invalid:
		return v.ask(inForm(err))
	case err != nil:
		return err
	case clashed(saved, all[at]):
		return v.Redirect("/drafts/" + d.ID + "/clash")
	}
	switch v.Form("go") {
	case "more":
		return v.Redirect(v.askAt(d.ID, all[at][0].ID) + "?more=1")
	case "list":
		return v.Redirect("/drafts/" + d.ID)
	}
	if v.Form("from") == "check" {
		return v.Redirect("/drafts/" + d.ID + "/check")
	}
	// The answer may have changed which questions there are: look again.
	last := all[at][len(all[at])-1]
	_, all, _, err = v.step(saved)
	if err != nil {
		return err
	}
	for i, s := range all {
		if slices.Contains(s, last) && i+1 < len(all) {
			return v.Redirect(v.askAt(d.ID, all[i+1][0].ID))
		}
	}
	return v.Redirect("/drafts/" + d.ID)
}

func clashed(d Draft, fields []*Field) bool {
	return slices.ContainsFunc(d.Clashes, func(c Clash) bool {
		return slices.ContainsFunc(fields, func(f *Field) bool { return f.ID == c.Field })
	})
}

// autosave keeps what is typed so far: answers that cannot be read yet are
// left for the save by hand, which says so.
func (v *screen) autosave() error {
	d, err := v.s.Draft(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	_, all, at, err := v.step(d)
	if err != nil {
		return err
	}
	values, bad := readForm(v.Forms(), all[at])
	bad = append(bad, ahead(values, v.now)...)
	for _, f := range v.blank(d, all[at], values) {
		delete(values, f.ID)
	}
	for id, val := range values { // nobody asked yet whether these answers go together
		f, _ := Dictionary().Get(id)
		unsure := slices.ContainsFunc(bad, func(p fault.Place) bool { return p.At == string(id) || strings.HasPrefix(p.At, string(id)+"/") })
		if unsure || val.Answered() && len(f.Judge(val)) > 0 {
			delete(values, id)
		}
	}
	saved, err := v.s.SaveDraft(v.Context(), d.ID, v.base(), Changes{Values: values})
	if err != nil {
		return err
	}
	if clashed(saved, all[at]) {
		return fault.New(fault.Conflict, ErrClashes.Code, "n", len(saved.Clashes))
	}
	return v.JSON(map[string]string{"at": saved.UpdatedAt.In(v.Zone).Format("15:04:05"), "version": strconv.FormatInt(saved.Revision, 10)})
}
