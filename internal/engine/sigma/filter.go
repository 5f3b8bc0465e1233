package sigma

import "strings"

// Filter is a meta rule that is added to other rules: they match only where its
// condition holds too, so that what is to be left out is written with not.
type Filter struct {
	ID, Title string
	Logsource Logsource
	Rules     []string // ids or names; empty: every rule of the logsource
	Expr      *Expr
	Added     int // to how many rules
	File      string
	Line      int
}

// filter reads a filter.
func (r *reader) filter(n *node) *problem {
	rule, p := r.head(n)
	if p != nil {
		return p
	}
	f := &Filter{ID: rule.ID, Title: rule.Title, File: r.file, Line: n.line}
	if f.Logsource, p = r.logsource(n); p != nil {
		return p
	}
	d := n.get("filter")
	if d.style != mapping {
		return fail(d.line, NotMap, "filter")
	}
	rules := d.get("rules")
	if rules == nil {
		return fail(d.line, Missing, "rules")
	}
	if f.Rules, p = manyTexts(pair{key: "rules", line: rules.line, value: rules}); p != nil {
		return p
	}
	if len(f.Rules) == 0 {
		return fail(rules.line, EmptyList, "rules")
	}
	if len(f.Rules) == 1 && (f.Rules[0] == "any" || f.Rules[0] == "*") {
		f.Rules = nil
	}
	e, agg, p := r.detect(d, "filter")
	if p != nil {
		return p
	}
	if agg != nil {
		return fail(d.line, Aggregate, agg.Func)
	}
	if cond := d.get("condition"); cond.scalar() && !strings.Contains(strings.ToLower(" "+cond.text+" "), "not ") {
		r.warn(cond.line, FilterKeeps)
	}
	f.Expr = e
	r.out.Filters = append(r.out.Filters, f)
	return nil
}

// covers reports whether a filter is meant for rules of a logsource: each part
// that it names must be the rule's.
func (f *Filter) covers(l Logsource) bool {
	same := func(a, b string) bool { return a == "" || a == b }
	return same(f.Logsource.Category, l.Category) && same(f.Logsource.Product, l.Product) && same(f.Logsource.Service, l.Service)
}
