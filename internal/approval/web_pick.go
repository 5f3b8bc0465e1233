package approval

import (
	"slices"
	"strings"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/page"
	"noroshi/internal/org"
)

const (
	listField = "selectors/list" // the list that was chosen: its hash
	typedList = "typed"          // or that it is typed in
	maxRadios = 8                // lists that stand one under the other; more fold into a menu
)

// chosen takes the list that was chosen on a form; none is a mistake.
func (m *mistakes) chosen(a *Application, lists []Selectors, hash string) {
	typed := a.Selectors.Hash+a.Selectors.Name != "" || a.Selectors.Count != 0
	if hash == typedList || hash == "" && typed {
		return
	}
	i := slices.IndexFunc(lists, func(l Selectors) bool { return l.Hash == hash })
	if i < 0 {
		m.add(listField, "approval.bad.list")
		return
	}
	a.Selectors = lists[i]
}

// mistaken is all that is wrong with a form: what could not be read, and what
// the rules say of the rest, so that nobody sends it twice. Of an extension the
// rules are asked when it is taken.
func (s *Service) mistaken(a Application, bad mistakes) error {
	if len(bad) == 0 || a.Extends != "" {
		return bad.err()
	}
	if _, err := s.Rules.normal(a, nil, s.Fields, s.now()); err != nil {
		for _, at := range fault.Of(err).Places {
			said := func(x fault.Place) bool {
				return x.At == at.At || x.At == listField && strings.HasPrefix(at.At, "selectors/")
			}
			if !slices.ContainsFunc(bad, said) {
				bad = append(bad, at)
			}
		}
	}
	return bad.err()
}

// askList asks which list: one of one's own, or one that was made elsewhere.
func (p say) askList(a *Application, lists []Selectors) []page.Field {
	typed := []page.Field{
		{Name: "selectors/name", Label: p.T("approval.web.selector_name"), Need: page.Required, Value: a.Selectors.Name},
		{Name: "selectors/count", Kind: "number", Label: p.T("approval.web.selector_n"), Need: page.Required, Value: count(int64(a.Selectors.Count)), Unit: p.T("approval.web.unit_selectors")},
		{Name: "selectors/hash", Label: p.T("approval.web.selector_hash"), Need: page.Required, Value: a.Selectors.Hash, Width: "wide", Hint: p.T("approval.web.selector_hash_hint")}}
	if lists == nil {
		return typed
	}
	f := page.Field{Name: listField, Kind: "choice", Label: p.T("approval.web.selectors"), Need: page.Required, Hint: p.T("approval.web.list_hint")}
	if len(lists) == 0 {
		f.Hint = p.T("approval.web.list_none")
	}
	if a.Selectors.Hash != "" {
		f.Value = typedList
	}
	for _, l := range lists {
		f.Options = append(f.Options, page.Option{Value: l.Hash, Label: p.T("approval.web.selector_count", "name", l.Name, "n", l.Count), Hint: "SHA-256 " + short(l.Hash)})
		if l.Hash == a.Selectors.Hash {
			f.Value = l.Hash
		}
	}
	other := page.Option{Value: typedList, Label: p.T("approval.web.list_typed"), Hint: p.T("approval.web.list_typed_hint"), Reveal: typed}
	if len(lists) <= maxRadios {
		f.Options = append(f.Options, other)
		return []page.Field{f}
	}
	for i := range f.Options { // a menu has no small print, and shows nothing beneath
		f.Options[i].Label += "  " + short(f.Options[i].Value)
	}
	other.Reveal = nil
	f.Kind, f.Options = "select", slices.Concat([]page.Option{{Label: p.T("approval.web.choose")}}, f.Options, []page.Option{other})
	for i := range typed {
		typed[i].Need, typed[i].Label = page.Optional, typed[i].Label+p.T("approval.web.if_typed")
	}
	return append([]page.Field{f}, typed...)
}

// short is the beginning of a hash, in the groups in which hashes are read.
func short(hash string) string {
	if len(hash) < 16 {
		return hash
	}
	return hash[:4] + " " + hash[4:8] + " " + hash[8:12] + " " + hash[12:16] + " …"
}

// askFields asks which fields a record keeps: boxes, where it is known which
// there are.
func (s *Service) askFields(p say, a *Application) page.Field {
	f := page.Field{Name: "fields", Label: p.T("approval.web.fields"), Need: page.Required, Hint: p.T("approval.web.fields_hint")}
	if s.Fields == nil {
		f.Value, f.Width, f.Hint = strings.Join(a.Fields, ", "), "wide", p.T("approval.web.fields_commas")
		return f
	}
	f.Kind, f.Values = "choices", a.Fields
	for _, name := range ordered(s.Fields) {
		f.Options = append(f.Options, page.Option{Value: name, Label: p.field(name)})
	}
	return f
}

// askRecipients asks who is given results: organisations by their names, others
// in words.
func (p say) askRecipients(a *Application, orgs []org.Org) askGroup {
	f := page.Field{Name: "recipients", Kind: "choices", Label: p.T("approval.web.recipient_orgs"), Need: page.Required, Hint: p.T("approval.web.recipients_hint")}
	if a.Kind == Reidentify {
		f.Need = page.Optional
	}
	add := func(id, label string) {
		f.Options = append(f.Options, page.Option{Value: id, Label: label})
		if slices.Contains(a.Recipients, id) {
			f.Values = append(f.Values, id)
		}
	}
	for _, o := range orgs {
		add(string(o.ID), o.In(p.Lang))
	}
	var other []string
	for _, r := range a.Recipients {
		switch {
		case slices.Contains(f.Values, r):
		case p.Has("approval.recipient." + r):
			add(r, p.recipient(r, nil))
		default:
			other = append(other, r)
		}
	}
	return askGroup{Title: p.T("approval.web.group.recipients"), Say: p.T("approval.web.group.recipients_say"), Fields: []page.Field{f,
		{Name: "recipients_other", Kind: "textarea", Label: p.T("approval.web.recipients_other"), Need: page.Optional, Rows: 2, Value: strings.Join(other, "\n"), Hint: p.T("approval.web.recipients_other_hint")}}}
}

// named says of which field it is that it was left empty: in the list of what is
// wrong, the sentence stands alone. They come in the order of the page.
func (p say) named(bad error, groups []askGroup) error {
	out := *fault.Of(bad)
	out.Places = slices.Clone(out.Places)
	order := map[string]int{}
	var name func(fields []page.Field)
	name = func(fields []page.Field) {
		for _, f := range fields {
			order[f.Name] = len(order) + 1
			for i := range out.Places {
				if at := &out.Places[i]; at.At == f.Name && at.Code == "approval.bad.empty" {
					at.Code, at.Args = "approval.bad.empty_field", fault.New(fault.Invalid, at.Code, "field", f.Label).Args
					if f.Kind == "choice" || f.Kind == "choices" || f.Kind == "select" {
						at.Code = "approval.bad.choose_field"
					}
				}
			}
			for _, o := range f.Options {
				name(o.Reveal)
			}
		}
	}
	for _, g := range groups {
		name(g.Fields)
	}
	slices.SortStableFunc(out.Places, func(a, b fault.Place) int { return order[a.At] - order[b.At] })
	return &out
}
