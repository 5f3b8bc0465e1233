package incident

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/page"
)

type checkView struct {
	Head     page.Head
	ID       ID
	Who      page.Facts // legend only
	Parts    []checkPart
	Missing  []missingRow
	Problems []string
	Clashes  int
	Consents []page.Consent
	Version  string
	Ready    bool
	Sending  string // 3機関へ出します
	Names    string
	Away     []awayRow // to be handed in by hand
	Ours     bool      // some form has our own layout
	Button   string
	Duties   []duty
	Forms    []formRow
	Resting  []string
}

type checkPart struct {
	Title string
	Facts page.Facts
}

type missingRow struct{ Name, Href, Why string }

// formRow is one form that a report makes, with its files.
type formRow struct {
	Profile, Name, To string
	Ours              bool
	Note              string
	At                string // address before the format
	Query             string
	Redacts           bool // a copy without what is sensitive is offered
}

// body is a recipient as the check page marks it.
func (v says) bodies(res Result) (who []page.Recipient, gets func(f *Field, r *Report, ps *Profiles) []string) {
	type link struct{ profile, key string }
	var links []link
	for i := range res.Profiles {
		p := &res.Profiles[i]
		if !p.running() || p.Applies != VerdictYes && p.Applies != VerdictOpen {
			continue
		}
		for _, rc := range p.Recipients {
			key := string(rc.Role)
			if rc.Role == RoleForeign || rc.Role == RoleOwn || rc.Role == RoleCustomers {
				key += " " + p.ID
			}
			if !slices.ContainsFunc(who, func(w page.Recipient) bool { return w.Key == key }) {
				who = append(who, page.Recipient{Key: key, Mark: v.T("incident.web.mark." + string(rc.Role)), Name: v.both(rc.Name)})
			}
			if !rc.Withheld && p.Agreed {
				links = append(links, link{p.ID, key})
			}
		}
	}
	return who, func(f *Field, r *Report, ps *Profiles) (keys []string) {
		if f.Consent != "" && !r.Consent(f.Consent) {
			return nil
		}
		for _, l := range links {
			if p, ok := ps.Get(l.profile); ok && p.lays(f) {
				keys = append(keys, l.key)
			}
		}
		return keys
	}
}

// check shows every answer, who gets it, and what is still missing.
func (v *screen) check(bad error) error {
	p, err := v.s.PreviewDraft(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	d, r := p.Draft, p.Draft.Report
	var last *Report
	if d.Case != "" {
		full, err := v.s.Open(v.Context(), d.Case, 0, "")
		if err != nil && !errors.Is(err, ErrNone) {
			return err
		}
		last = full.Report
	}
	out := checkView{ID: d.ID, Clashes: len(d.Clashes), Version: version(d).Value, Ready: p.Ready(), Duties: v.duties(p.Check), Resting: v.resting(p.Check)}
	out.Head = v.draftHead(d, v.T("incident.web.check"))
	out.Head.H1, out.Head.Lead = v.T("incident.web.check.h1"), v.T("incident.web.check.lead")
	if last != nil {
		out.Head.Lead = v.T("incident.web.check.lead_next", "stage", v.numbered(r.Stage, r.Version))
	}
	who, gets := v.bodies(p.Check)
	out.Who.Who = who
	lacks := map[FieldID]bool{}
	for _, m := range p.Check.Missing {
		if lacks[m.Field] {
			continue // wanted for another reason too
		}
		lacks[m.Field] = true
		row := missingRow{Name: v.both(m.Label), Href: v.askAt(d.ID, m.Field) + "?from=check"}
		if m.Reason != ReasonEmpty {
			row.Why = v.T("incident.missing."+string(m.Reason), "field", m.Label)
		}
		if m.Reason == ReasonConsent {
			row.Href = "#consents"
		}
		out.Missing = append(out.Missing, row)
	}
	say := v.problems(p.Problems)
	out.Problems = say
	out.Parts = v.checkParts(d, r, last, lacks, who, gets)
	out.Consents = v.consents(p.Check, r)
	out.Forms = v.formRows(p.Check, "/drafts/"+d.ID+"/forms/", "")
	out.Ours = slices.ContainsFunc(out.Forms, func(f formRow) bool { return f.Ours })
	out.Sending, out.Names = v.sending(p)
	out.Away = v.away(p.Away, p.Check, "/drafts/"+d.ID+"/forms/")
	out.Button = v.T("incident.web.submit", "stage", v.stage(r.Stage))
	shell := v.Shell(out.Head.H1)
	shell.Key, shell.Handling = "reports", v.handling(r.TLP, "")
	if bad != nil {
		shell = shell.Fail(bad, nil)
	}
	return v.Render("incident/check", shell, out)
}

// problems says answers that do not go together.
func (v *screen) problems(places []fault.Place) (out []string) {
	if len(places) == 0 {
		return nil
	}
	for _, p := range v.Fault(ErrInvalid.At(places...)).Places {
		name := controlOf(p.At)
		if f, ok := Dictionary().Get(FieldID(name)); ok {
			name = v.both(f.Label)
		}
		out = append(out, name+v.T("page.colon")+p.Say)
	}
	return out
}

func (v *screen) checkParts(d Draft, r, last *Report, lacks map[FieldID]bool, who []page.Recipient, gets func(*Field, *Report, *Profiles) []string) (out []checkPart) {
	all := make([]string, len(who))
	for i, w := range who {
		all[i] = w.Key
	}
	head := checkPart{Title: v.T("incident.web.item", "n", 1, "label", Dictionary().Items[0].Label), Facts: page.Facts{Who: who}}
	add := func(name, what, now, then string) {
		f := page.Fact{Name: name, Value: v.mark1(what, now), Gets: all, Change: "/drafts/" + d.ID + "/marks"}
		if f.Value == "" {
			f.Value = v.T("incident.web.undecided")
		}
		if last != nil && now != then {
			f.Was = &page.Change{From: v.mark1(what, then), To: v.mark1(what, now)}
		}
		head.Facts.Rows = append(head.Facts.Rows, f)
	}
	var then Report
	if last != nil {
		then = *last
	}
	head.Facts.Rows = append(head.Facts.Rows, page.Fact{Name: v.T("incident.web.col.stage"), Value: v.numbered(r.Stage, r.Version), Gets: all})
	add(v.T("incident.web.col.kind"), "kind", string(r.Kind), string(then.Kind))
	add(v.T("incident.web.class"), "class", r.Class, then.Class)
	add(v.T("incident.web.col.severity"), "severity", string(r.Severity), string(then.Severity))
	add(v.T("incident.web.tlp"), "tlp", string(r.TLP), string(then.TLP))
	parts := []checkPart{head}
	titles := map[int]string{0: v.T("incident.web.more")}
	for _, it := range Dictionary().Items {
		titles[it.N] = v.T("incident.web.item", "n", it.N, "label", it.Label)
	}
	order := []int{1, 2, 3, 4, 5, 6, 7, 0}
	for _, n := range order {
		part := checkPart{Title: titles[n], Facts: page.Facts{Who: who}}
		for i := range Dictionary().All {
			f := &Dictionary().All[i]
			if f.Item != n || !f.For(r.Kind) {
				continue
			}
			if row, ok := v.checkRow(d, f, r, last, lacks); ok {
				row.Gets = gets(f, r, v.s.Profiles)
				part.Facts.Rows = append(part.Facts.Rows, row)
			}
		}
		if len(part.Facts.Rows) == 0 {
			continue
		}
		if n == 1 {
			parts[0].Facts.Rows = append(parts[0].Facts.Rows, part.Facts.Rows...)
			continue
		}
		parts = append(parts, part)
	}
	return parts
}

func (v *screen) checkRow(d Draft, f *Field, r, last *Report, lacks map[FieldID]bool) (page.Fact, bool) {
	val := r.Value(f.ID)
	row := page.Fact{Name: v.both(f.Label), Value: f.Echo(val, v.says.Printer), Change: v.askAt(d.ID, f.ID) + "?from=check"}
	if last != nil && !Same(last.Value(f.ID), val) {
		row.Was = &page.Change{From: f.Echo(last.Value(f.ID), v.says.Printer), To: row.Value}
	}
	switch {
	case lacks[f.ID]:
		row.Note = v.T("incident.web.check.lacking")
		if row.Value == "" {
			row.Value = v.T("incident.web.blank")
		}
	case !val.Answered() && row.Was == nil:
		return row, false
	case val.State == Range:
		row.Note = v.T("incident.web.check.range")
	}
	if f.ID == attachments {
		row.Change = "/drafts/" + d.ID + "/files"
	}
	return row, true
}

// consents lists what the reporter may agree to in this report, each apart and
// off until then.
func (v *screen) consents(res Result, r *Report) (out []page.Consent) {
	for _, c := range Dictionary().Consents {
		if !v.wantsConsent(c.ID, res, r) {
			continue
		}
		out = append(out, page.Consent{Name: c.ID, Label: v.both(c.Label), Hint: v.both(c.Hint), On: r.Consent(c.ID)})
	}
	return out
}

func (v *screen) wantsConsent(id string, res Result, r *Report) bool {
	for _, p := range res.Profiles {
		if p.Applies == VerdictNo || !p.InForce {
			continue
		}
		if p.Consent == id || slices.ContainsFunc(p.Recipients, func(rc RecipientState) bool { return rc.Consent == id }) {
			return true
		}
	}
	return slices.ContainsFunc(Dictionary().All, func(f Field) bool { return f.Consent == id && r.Value(f.ID).Answered() })
}

// awayRow is a body that is not on this hub, with the form the reporter hands
// in there by its own way.
type awayRow struct {
	Name, Form string
	Href       string // the form, to be printed
}

// away lists the bodies among deliveries that are not on this hub. At is the
// address of the forms.
func (v *screen) away(ds []Delivery, res Result, at string) (out []awayRow) {
	for _, d := range ds {
		pr := profileOf(res, d.Profile)
		if pr == nil || !d.Outside() || d.Role == RoleOwn {
			continue
		}
		row := awayRow{Name: v.both(pr.Name), Form: v.both(pr.Name), Href: at + pr.ID + "/html"}
		if i := slices.IndexFunc(pr.Recipients, func(rc RecipientState) bool { return rc.Role == d.Role }); i >= 0 {
			row.Name = v.both(pr.Recipients[i].Name)
		}
		if !slices.Contains(out, row) {
			out = append(out, row)
		}
	}
	return out
}

// sending says to how many bodies the report goes, and who they are.
func (v *screen) sending(p Preview) (say, names string) {
	var orgs, bodies []string
	for _, d := range p.Deliveries {
		pr := profileOf(p.Check, d.Profile)
		if pr == nil {
			continue
		}
		if d.Outside() {
			continue
		}
		if !slices.Contains(orgs, d.Org) {
			orgs = append(orgs, d.Org)
		}
		for _, rc := range pr.Recipients {
			if n := v.both(rc.Name); rc.Role == d.Role && !slices.Contains(bodies, n) {
				bodies = append(bodies, n)
			}
		}
	}
	if len(orgs) == 0 {
		return v.T("incident.web.sending.none"), ""
	}
	return v.T("incident.web.sending", "n", len(orgs)), strings.Join(bodies, v.T("incident.web.comma"))
}

func profileOf(res Result, id string) *ProfileResult {
	i := slices.IndexFunc(res.Profiles, func(p ProfileResult) bool { return p.ID == id })
	if i < 0 {
		return nil
	}
	return &res.Profiles[i]
}

// formRows lists the forms a report makes. A regime that is not law makes
// none here.
func (v *screen) formRows(res Result, at, query string) (out []formRow) {
	for i := range res.Profiles {
		p := &res.Profiles[i]
		full, ok := v.s.Profiles.Get(p.ID)
		if !ok || !p.running() {
			continue
		}
		row := formRow{Profile: p.ID, Name: v.both(p.Name), To: v.to(p), Ours: full.OurLayout(), At: at + p.ID + "/", Query: query}
		if p.Ready == ReadyMissing || p.Ready == ReadyOpen {
			row.Note = v.T("incident.ready."+string(p.Ready), "n", len(p.Missing))
		}
		out = append(out, row)
	}
	return out
}

// submit takes the consents and hands the draft in, as the reader saw it.
func (v *screen) submit() error {
	id := v.Path("id")
	c := Changes{Consents: map[string]bool{}}
	for _, x := range Dictionary().Consents {
		if v.Forms().Has("asked." + x.ID) {
			c.Consents[x.ID] = v.Form(x.ID) != ""
		}
	}
	d, err := v.s.Draft(v.Context(), id)
	if err != nil && !errors.Is(err, ErrNoDraft) {
		return err
	}
	revision := v.base()
	if err == nil && revision != d.Revision { // somebody else wrote: look again first
		return v.check(ErrRevision)
	}
	if err == nil {
		saved, err := v.s.SaveDraft(v.Context(), id, revision, c)
		if err != nil {
			return err
		}
		revision = saved.Revision
	}
	if v.Form("go") == "look" {
		return v.Redirect("/drafts/" + id + "/check#consents")
	}
	got, err := v.s.SubmitDraft(v.Context(), id, revision)
	switch {
	case errors.Is(err, ErrNoDraft):
		return err
	case err != nil && comesBack(err):
		f := fault.Of(err) // the page itself names what is missing, with a way to it
		short := fault.New(f.Kind, f.Code)
		short.Args = f.Args
		return v.check(short)
	case err != nil:
		return err
	}
	return v.Redirect("/reports/" + got.Case.ID + "/receipt")
}

// sealName is a name that fits a seal.
func sealName(name string) string {
	name, _, _ = strings.Cut(name, "（")
	if utf8.RuneCountInString(name) > 5 {
		return string([]rune(name)[:5])
	}
	return name
}
