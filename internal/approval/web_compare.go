package approval

import (
	"math"
	"strings"

	"noroshi/internal/base/page"
)

// maxBeside is how many earlier cases stand beside one: more cannot be read.
const maxBeside = 3

type besideLine struct {
	ID, Number, Period, Cap, Share, Taken, State, Tag, Same string
}

// compareRow is one field of this case and of those beside it.
type compareRow struct {
	Name  string
	Cells []compareCell
}

type compareCell struct {
	Number, Value string
	Other         bool // than in this case
}

// beside lists the earlier cases beside which this one is weighed.
func (v *caseView) beside(p say, x *View) {
	list := x.Earlier
	if x.Opinion != nil {
		list = x.Opinion.Compared
	}
	for _, o := range list {
		var same []string
		for _, l := range o.Same {
			same = append(same, p.T("approval.same."+string(l)))
		}
		v.Beside = append(v.Beside, besideLine{ID: o.Case.ID, Number: o.Case.Number, Period: p.Date(o.Case.Asked.From) + " – " + p.Date(o.Case.Until), Cap: p.limit(o.Case.Cap), Share: p.ofLine(&o.Case), Taken: p.taken(&o.Case),
			State: p.state(o.Case.State), Tag: stateTag[o.Case.State], Same: strings.Join(same, p.T("approval.web.comma"))})
	}
	v.Columns = &page.List{Columns: []page.Column{{Title: p.T("approval.web.case")}, {Title: p.T("approval.web.cap"), Num: true}, {Title: p.T("approval.web.taken"), Num: true}, {Title: p.T("approval.web.state")}}}
	if list = list[:min(len(list), maxBeside)]; len(list) > 0 {
		v.compare(p, &x.Case, list, x.Names)
	}
}

// taken is how much of a cap was used, as per cent.
func (p say) taken(c *Case) string {
	if c.Uses == 0 {
		return "–"
	}
	return p.share(int64(math.Ceil(taken(c) * 1000)))
}

// compare writes the terms of cases side by side, field by field.
func (v *caseView) compare(p say, c *Case, list []Compared, names map[string]string) {
	all := []*Case{c}
	v.Heads = &page.List{Columns: []page.Column{{Title: p.T("approval.web.field")}, {Title: p.T("approval.web.this")}}}
	for i := range list {
		all = append(all, &list[i].Case)
		v.Heads.Columns = append(v.Heads.Columns, page.Column{Title: list[i].Case.Number})
	}
	row := func(name string, value func(c *Case) string) {
		r := compareRow{Name: p.T(name)}
		some := false
		for _, x := range all {
			cell := compareCell{Number: x.Number, Value: value(x)}
			if len(r.Cells) == 0 {
				cell.Number = p.T("approval.web.this")
			} else {
				cell.Other = cell.Value != r.Cells[0].Value
			}
			some = some || cell.Value != ""
			r.Cells = append(r.Cells, cell)
		}
		if some {
			v.Compare = append(v.Compare, r)
		}
	}
	row("approval.web.kind", func(c *Case) string { return p.kind(c.Asked.Kind) })
	row("approval.web.link", func(c *Case) string { return c.Asked.Link })
	row("approval.web.length", func(c *Case) string {
		return p.T("approval.web.days", "n", int(c.Until.Sub(c.Asked.From).Hours()/24))
	})
	row("approval.web.cap", func(c *Case) string { return p.limit(c.Cap) })
	row("approval.web.selectors", func(c *Case) string {
		if c.Asked.Selectors.Name == "" {
			return ""
		}
		return p.T("approval.web.selector_count", "name", c.Asked.Selectors.Name, "n", c.Asked.Selectors.Count)
	})
	row("approval.web.targets", func(c *Case) string { return strings.Join(c.Asked.Targets, p.T("approval.web.comma")) })
	row("approval.web.fields", func(c *Case) string { return p.fields(c.Asked.Fields) })
	row("approval.web.addresses", func(c *Case) string {
		if c.Asked.Addresses == "" {
			return ""
		}
		return p.T("approval.addresses." + c.Asked.Addresses)
	})
	row("approval.web.retain", func(c *Case) string {
		if c.Asked.RetainDays == 0 {
			return ""
		}
		return p.T("approval.web.days", "n", c.Asked.RetainDays)
	})
	row("approval.web.recipients", func(c *Case) string { return p.recipients(c.Asked.Recipients, names) })
	row("approval.web.grounds", func(c *Case) string { return c.Asked.Grounds })
	row("approval.web.necessity", func(c *Case) string { return c.Asked.Necessity })
	row("approval.web.conditions", func(c *Case) string { return strings.Join(c.Conditions, "\n") })
	row("approval.web.decision_reason", func(c *Case) string { return c.Reason })
}
