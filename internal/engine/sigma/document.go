package sigma

import (
	"strconv"
	"strings"
)

// reader reads the documents of one file.
type reader struct {
	file   string
	values map[string][]string
	out    *File
	rule   string // what notes call the present document
	global *node  // of action: global
	unused int    // line of a global document that nothing was laid over, 0 if none
	last   *node  // the document before, for action: repeat
	seen   map[string]int
}

func (r *reader) note(to *[]Note, line int, code Code, args []string) {
	*to = append(*to, Note{File: r.file, Line: line, Rule: r.rule, Code: code, Args: args})
}

func (r *reader) warn(line int, code Code, args ...string) {
	r.note(&r.out.Warnings, line, code, args)
}

func (r *reader) reject(p *problem) { r.note(&r.out.Rejected, p.line, p.code, p.args) }

// document reads one document and reports what is wrong with it.
func (r *reader) document(n *node) {
	r.rule = title(n)
	if n.style == null {
		return
	}
	if n.style != mapping {
		r.reject(fail(n.line, NotRule))
		return
	}
	n, p := r.collect(n)
	if p != nil {
		r.reject(p)
		return
	}
	if n == nil {
		return
	}
	r.rule = title(n)
	switch {
	case n.get("detection") != nil:
		p = r.detection(n)
	case n.get("correlation") != nil:
		p = r.correlation(n)
	case n.get("filter") != nil:
		p = r.filter(n)
	case n.get("title") != nil || n.get("logsource") != nil:
		p = fail(n.line, Missing, "detection")
	default:
		p = fail(n.line, NotRule)
	}
	if p != nil {
		r.out.Lost = append(r.out.Lost, text(n, "id"), text(n, "name"))
		r.reject(p)
	}
}

// title returns what a document is called in reports, as [Rule.Ref].
func title(n *node) string {
	for _, key := range []string{"id", "name", "title"} {
		if t := text(n, key); t != "" {
			return t
		}
	}
	return ""
}

// text returns the scalar of an attribute, empty if there is none.
func text(n *node, key string) string {
	if v := n.get(key); v != nil && v.scalar() {
		return strings.TrimSpace(v.text)
	}
	return ""
}

// collect does the old collections: a document with action: global is laid under
// all after it, one with repeat over the one before it.
func (r *reader) collect(n *node) (*node, *problem) {
	act := n.get("action")
	if act == nil {
		if r.global != nil {
			n, r.unused = overlay(r.global, n), 0
		}
		r.last = n
		return n, nil
	}
	switch word := strings.ToLower(act.text); word {
	case "global":
		r.global, r.unused = overlay(r.global, n.without("action")), n.line
		return nil, nil
	case "reset":
		r.global = nil
		if n = n.without("action"); len(n.keys) == 0 {
			return nil, nil
		}
	case "repeat":
		if r.last == nil {
			return nil, fail(act.line, ActionUnknown, word)
		}
		n = overlay(r.last, n.without("action"))
	default:
		return nil, fail(act.line, ActionUnknown, word)
	}
	r.last = n
	return n, nil
}

// without returns a mapping without a key.
func (n *node) without(key string) *node {
	m := &node{style: mapping, line: n.line}
	for _, k := range n.keys {
		if k.key != key {
			m.keys = append(m.keys, k)
		}
	}
	return m
}

// overlay returns the mapping of base and over, key by key; over decides where
// both have one that is no mapping.
func overlay(base, over *node) *node {
	if base == nil || base.style != mapping || over.style != mapping {
		return over
	}
	m := &node{style: mapping, line: over.line}
	for _, k := range base.keys {
		if v := over.get(k.key); v != nil {
			k.value, k.line = overlay(k.value, v), v.line
		}
		m.keys = append(m.keys, k)
	}
	for _, k := range over.keys {
		if base.get(k.key) == nil {
			m.keys = append(m.keys, k)
		}
	}
	return m
}

// detection reads a rule over events.
func (r *reader) detection(n *node) *problem {
	rule, p := r.head(n)
	if p != nil {
		return p
	}
	if rule.Logsource, p = r.logsource(n); p != nil {
		return p
	}
	d := n.get("detection")
	e, agg, p := r.detect(d, "detection")
	if p != nil {
		return p
	}
	rule.Expr, rule.Aggregation = e, agg
	if agg == nil {
		r.out.Rules = append(r.out.Rules, rule)
		return nil
	}
	base := *rule
	base.ID, base.Name, base.Hidden = rule.Ref()+"#events", "", true
	rule.Expr, rule.Correlation = nil, agg.correlation(&base)
	if !rule.Correlation.counts() {
		return fail(n.line, CorrelationMany, strconv.Itoa(MaxDistinct))
	}
	r.out.Rules = append(r.out.Rules, rule)
	return nil
}

// detect reads search identifiers and condition of a detection or a filter.
func (r *reader) detect(d *node, attribute string) (*Expr, *Aggregation, *problem) {
	if d.style != mapping {
		return nil, nil, fail(d.line, NotMap, attribute)
	}
	b := builder{values: r.values, warn: r.warn}
	ids := &names{exprs: make(map[string]*Expr, len(d.keys))}
	for _, k := range d.keys {
		if k.key == "condition" || k.key == "timeframe" || k.key == "rules" && attribute == "filter" {
			continue
		}
		e, p := b.identifier(k.key, k.value)
		if p != nil {
			if p.code == EmptyMap && k.value.style == null {
				p.line = k.line
			}
			return nil, nil, p
		}
		ids.order, ids.exprs[k.key] = append(ids.order, k.key), e
	}
	if p := b.unfilled(); p != nil {
		return nil, nil, p
	}
	if len(ids.order) == 0 {
		return nil, nil, fail(d.line, NoIdentifier)
	}
	cond := d.get("condition")
	if cond == nil && len(ids.order) == 1 && attribute == "detection" {
		r.warn(d.line, NoCondition, ids.order[0]) // as Hayabusa takes it
		return ids.exprs[ids.order[0]], nil, nil
	}
	if cond == nil {
		return nil, nil, fail(d.line, Missing, "condition")
	}
	return r.conditions(cond, d.get("timeframe"), ids)
}

// conditions reads a condition or a list of them, any of which is enough.
func (r *reader) conditions(cond, frame *node, ids *names) (*Expr, *Aggregation, *problem) {
	list, p := flatten(nil, cond)
	if p != nil {
		return nil, nil, fail(cond.line, NotText, "condition")
	}
	if len(list) == 0 {
		return nil, nil, fail(cond.line, ConditionEmpty)
	}
	kids := make([]*Expr, 0, len(list))
	var agg *Aggregation
	for _, c := range list {
		e, pipe, p := parseCondition(c.text, c.line, ids)
		if p != nil {
			return nil, nil, p
		}
		kids = append(kids, e)
		if pipe == "" {
			continue
		}
		if len(list) > 1 {
			return nil, nil, fail(c.line, Aggregate, pipe)
		}
		if agg, p = parseAggregation(pipe, c.line); p != nil {
			return nil, nil, p
		}
		r.warn(c.line, OldAggregation, pipe)
	}
	if frame != nil {
		span, ok := parseSpan(frame.text)
		if !ok {
			return nil, nil, fail(frame.line, Timeframe, frame.text)
		}
		if agg == nil {
			r.warn(frame.line, FieldIgnored, "timeframe")
		} else {
			agg.Timeframe = span
		}
	}
	return anyOf(kids...), agg, nil
}

// uniqueID gives documents that have their id from a global document one each.
func (r *reader) uniqueID(n *node, id string) string {
	if id == "" || r.global == nil || text(r.global, "id") != id {
		return id
	}
	if r.seen == nil {
		r.seen = map[string]int{}
	}
	if r.seen[id]++; r.seen[id] == 1 {
		return id
	}
	return id + "#" + strconv.Itoa(r.seen[id])
}
