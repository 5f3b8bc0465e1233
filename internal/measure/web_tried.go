package measure

import (
	"strconv"
	"strings"

	"noroshi/internal/base/page"
)

// triedView are the plans that came to nothing before the commission, side by side
// with the one in force.
type triedView struct {
	Lead  string
	Same  string // the plan in force does what one of them did
	Heads *page.List
	Rows  []triedRow
}

type triedRow struct {
	Name  string
	Cells []triedCell
}

type triedCell struct {
	Head, Value string
	Other       bool // than in the plan in force
}

// maxSide is how many of them stand beside the plan in force: the last ones.
const maxSide = 3

// tried lays the plans of a chain side by side, field by field.
func (p say) tried(c *ChainView) *triedView {
	if len(c.Tried) == 0 {
		return nil
	}
	v := &triedView{Lead: p.T("measure.tried.lead", "n", len(c.Tried)), Heads: &page.List{Columns: []page.Column{{Title: p.T("measure.tried.field")}}}}
	list := c.Tried[max(len(c.Tried)-maxSide, 0):]
	var heads []string
	var plans []*Plan
	if c.Planned != nil {
		heads, plans = []string{p.T("measure.tried.now")}, []*Plan{c.Planned}
	}
	for i := range list {
		x := &list[i]
		if x.Same {
			v.Same = p.T("measure.tried.same")
		}
		heads, plans = append(heads, p.T("measure.tried.number", "n", len(c.Tried)-len(list)+i+1)), append(plans, x.Plan)
	}
	for _, h := range heads {
		v.Heads.Columns = append(v.Heads.Columns, page.Column{Title: h})
	}
	before := len(heads) - len(list) // columns of the plan in force: one, or none
	end := triedRow{Name: p.T("measure.tried.end")}
	for i, h := range heads {
		cell := triedCell{Head: h, Value: p.T("measure.tried.in_force")}
		if i >= before {
			x := &list[i-before]
			cell.Value = strings.TrimSpace(p.act(x.Act) + " " + p.Time(x.At) + "\n" + strings.TrimSpace(x.Case+" "+x.Asked) + "\n" + x.Reason)
		}
		end.Cells = append(end.Cells, cell)
	}
	v.Rows = append(v.Rows, end)
	row := func(name string, value func(*Plan) string) {
		r := triedRow{Name: p.T(name)}
		for i, h := range heads {
			cell := triedCell{Head: h}
			if plans[i] != nil {
				cell.Value = value(plans[i])
			}
			cell.Other = before == 1 && i > 0 && cell.Value != r.Cells[0].Value
			r.Cells = append(r.Cells, cell)
		}
		v.Rows = append(v.Rows, r)
	}
	row("measure.web.plan", func(x *Plan) string {
		var lines []string
		for i, s := range x.Steps {
			lines = append(lines, strconv.Itoa(i+1)+". "+p.T("measure.kind."+string(s.Kind))+" "+s.On+"\n"+s.What)
		}
		return strings.Join(lines, "\n")
	})
	row("measure.tried.hours", func(x *Plan) string { return p.Time(x.From) + " – " + p.Time(x.Until) })
	row("measure.web.ordinary", func(x *Plan) string { return x.Ordinary })
	row("measure.web.stop_when", func(x *Plan) string { return strings.Join(x.StopWhen, "\n") })
	row("measure.web.deconflict", func(x *Plan) string { return x.Deconflict })
	return v
}
