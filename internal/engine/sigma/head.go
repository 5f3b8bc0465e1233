package sigma

import "strings"

// head reads what all kinds of rules have in common.
func (r *reader) head(n *node) (*Rule, *problem) {
	rule := &Rule{File: r.file, Line: n.line}
	lists := map[string]*[]string{"tags": &rule.Tags, "references": &rule.References, "falsepositives": &rule.FalsePositives, "fields": &rule.Fields}
	texts := map[string]*string{
		"id": &rule.ID, "name": &rule.Name, "title": &rule.Title, "description": &rule.Description, "status": &rule.Status,
		"author": &rule.Author, "date": &rule.Date, "modified": &rule.Modified, "license": &rule.License, "taxonomy": &rule.Taxonomy,
	}
	for _, k := range n.keys {
		var p *problem
		if to := texts[k.key]; to != nil {
			*to, p = oneText(k)
		} else if to := lists[k.key]; to != nil {
			*to, p = manyTexts(k)
		} else if k.key == "level" {
			r.level(rule, k)
		} else if k.key == "related" {
			rule.Related = related(k.value)
		} else if k.key == "noroshi" {
			p = own(rule, k.value)
		}
		if p != nil {
			return nil, p
		}
	}
	rule.ID = r.uniqueID(n, rule.ID)
	if rule.Title == "" {
		if rule.Title = rule.Ref(); rule.Title == "" {
			return nil, fail(n.line, Missing, "title")
		}
		r.warn(n.line, NoTitle)
	}
	if rule.Taxonomy != "" && rule.Taxonomy != "sigma" {
		r.warn(n.line, TaxonomyOther, rule.Taxonomy)
	}
	return rule, nil
}

// oneText returns a text. A list is joined with commas, as authors write it.
func oneText(k pair) (string, *problem) {
	if k.value.scalar() {
		return strings.TrimSpace(k.value.text), nil
	}
	list, p := manyTexts(k)
	return strings.Join(list, ", "), p
}

// manyTexts returns a list of texts; a single one is a list of one.
func manyTexts(k pair) ([]string, *problem) {
	nodes, p := flatten(nil, k.value)
	if p != nil {
		return nil, fail(k.line, NotText, k.key)
	}
	list := make([]string, 0, len(nodes))
	for _, v := range nodes {
		if t := strings.TrimSpace(v.text); t != "" {
			list = append(list, t)
		}
	}
	return list, nil
}

func (r *reader) level(rule *Rule, k pair) {
	word := strings.ToLower(strings.TrimSpace(k.value.text))
	if word == "info" {
		word = "informational"
	}
	level, ok := ParseLevel(word)
	if !ok {
		r.warn(k.line, LevelUnknown, k.value.text)
	}
	rule.Level = level
}

func related(n *node) []Related {
	var list []Related
	for _, item := range n.items {
		if id := text(item, "id"); id != "" {
			list = append(list, Related{id, text(item, "type")})
		}
	}
	return list
}

// own reads our own attributes.
func own(rule *Rule, n *node) *problem {
	if n.style != mapping {
		return fail(n.line, NotMap, "noroshi")
	}
	texts := map[string]*string{"title_ja": &rule.TitleJA, "description_ja": &rule.DescriptionJA}
	lists := map[string]*[]string{"next": &rule.Next, "next_ja": &rule.NextJA, "falsepositives_ja": &rule.FalsePositivesJA}
	for _, k := range n.keys {
		var p *problem
		if to := texts[k.key]; to != nil {
			*to, p = oneText(k)
		} else if to := lists[k.key]; to != nil {
			*to, p = manyTexts(k)
		}
		if p != nil {
			return p
		}
	}
	return nil
}

// logsource reads which logs a rule is about.
func (r *reader) logsource(n *node) (Logsource, *problem) {
	l := n.get("logsource")
	if l == nil {
		return Logsource{}, fail(n.line, Missing, "logsource")
	}
	if l.style != mapping {
		return Logsource{}, fail(l.line, NotMap, "logsource")
	}
	word := func(key string) string { return strings.ToLower(text(l, key)) }
	s := Logsource{Category: word("category"), Product: word("product"), Service: word("service"), Definition: text(l, "definition")}
	if s.Category == "" && s.Product == "" && s.Service == "" {
		r.warn(l.line, LogsourceEmpty)
	}
	return s, nil
}
