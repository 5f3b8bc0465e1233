package sigma

import (
	"math"
	"strconv"
	"strings"
)

// correlation reads a rule over the hits of other rules.
func (r *reader) correlation(n *node) *problem {
	rule, p := r.head(n)
	if p != nil {
		return p
	}
	d := n.get("correlation")
	if d.style != mapping {
		return fail(d.line, NotMap, "correlation")
	}
	c := &Correlation{Percentile: -1}
	if p := r.correlationType(c, d); p != nil {
		return p
	}
	for _, k := range d.keys {
		var p *problem
		switch k.key {
		case "rules":
			c.Refs, p = manyTexts(k)
		case "group-by":
			c.GroupBy, p = manyTexts(k)
		case "timespan", "timeframe":
			p = r.timespan(c, k)
		case "aliases":
			p = aliases(c, k)
		case "condition":
			p = r.compare(c, k)
		case "generate":
			c.Generate = strings.EqualFold(k.value.text, "true")
		case "type":
		default:
			r.warn(k.line, FieldIgnored, k.key)
		}
		if p != nil {
			return p
		}
	}
	if g := n.get("generate"); g != nil && strings.EqualFold(g.text, "true") {
		c.Generate = true
	}
	if p := complete(c, d); p != nil {
		return p
	}
	rule.Correlation = c
	r.out.Rules = append(r.out.Rules, rule)
	return nil
}

func (r *reader) correlationType(c *Correlation, d *node) *problem {
	t := d.get("type")
	if t == nil {
		return fail(d.line, Missing, "type")
	}
	word := strings.ToLower(t.text)
	if word == "ordered_temporal" {
		r.warn(t.line, OldType, word, "temporal_ordered")
		word = "temporal_ordered"
	}
	for i := EventCount; i <= ValueMedian; i++ {
		if i.String() == word {
			c.Type = i
			return nil
		}
	}
	return fail(t.line, CorrelationKind, t.text)
}

func (r *reader) timespan(c *Correlation, k pair) *problem {
	if k.key == "timeframe" {
		r.warn(k.line, OldType, k.key, "timespan")
	}
	span, ok := parseSpan(k.value.text)
	if !ok {
		return fail(k.value.line, Timeframe, k.value.text)
	}
	c.Timespan = span
	return nil
}

func aliases(c *Correlation, k pair) *problem {
	if k.value.style != mapping {
		return fail(k.line, NotMap, "aliases")
	}
	for _, a := range k.value.keys {
		if a.value.style != mapping {
			return fail(a.line, NotMap, "aliases."+a.key)
		}
		alias := Alias{Name: a.key, Fields: make(map[string]string, len(a.value.keys))}
		for _, f := range a.value.keys {
			field, p := oneText(f)
			if p != nil {
				return p
			}
			alias.Fields[f.key] = field
		}
		c.Aliases = append(c.Aliases, alias)
	}
	return nil
}

// compare reads the condition: comparisons that must all hold, and field.
func (r *reader) compare(c *Correlation, k pair) *problem {
	if k.value.style != mapping {
		return fail(k.line, CorrelationCond, k.value.text)
	}
	for _, e := range k.value.keys {
		if e.key == "field" {
			var p *problem
			if c.Fields, p = manyTexts(e); p != nil {
				return p
			}
			continue
		}
		n, ok := parseNumber(e.value.text)
		if e.key == "percentile" && ok && n >= 0 && n <= 100 {
			c.Percentile = n
			continue
		}
		op := compareOp(e.key)
		if op == 0 || !ok || math.IsInf(n, 0) {
			return fail(e.line, CorrelationCond, e.key+": "+e.value.text)
		}
		c.Condition = append(c.Condition, Comparison{op, n})
	}
	return nil
}

func compareOp(word string) CompareOp {
	for i := EQ; i <= GTE; i++ {
		if i.String() == word {
			return i
		}
	}
	return 0
}

// maxOver is over how many rules a correlation may be.
const maxOver = 256

// complete checks that a correlation has what its type needs.
func complete(c *Correlation, d *node) *problem {
	needs := func(attribute string) *problem {
		return fail(d.line, CorrelationNeeds, c.Type.String(), attribute)
	}
	temporal := c.Type == Temporal || c.Type == TemporalOrdered
	switch {
	case len(c.Refs) == 0:
		return needs("rules")
	case c.Timespan == 0:
		return needs("timespan")
	case !temporal && len(c.Condition) == 0:
		return needs("condition")
	case !temporal && c.Type != EventCount && len(c.Fields) == 0:
		return needs("condition.field")
	case len(c.Refs) > maxOver:
		return fail(d.line, CorrelationWide, strconv.Itoa(maxOver))
	case !c.counts():
		return fail(d.line, CorrelationMany, strconv.Itoa(MaxDistinct))
	case len(c.Fields) > 1 && c.Type != ValueCount:
		return fail(d.line, CorrelationCond, "field: "+strings.Join(c.Fields, ", "))
	}
	if c.Type == ValueMedian {
		c.Percentile = 50
	}
	return nil
}
