package csaf

import (
	"regexp"
	"strings"

	"noroshi/internal/engine/product/version"
)

// versions is what the branches say of versions.
type versions struct {
	scheme   version.Scheme
	named    bool // the text itself names the scheme
	ranges   []version.Range
	versions []string
	fixed    string
	unread   string // the source's own words, when they could not be read
}

// readVersions reads product_version and product_version_range. What cannot be
// read becomes one version that compares with nothing, so that the verdict is
// "version unknown" and never "affected"; the words are kept.
func readVersions(exact, ranged string, scheme version.Scheme) versions {
	s := ranged
	if s == "" {
		s = exact
	}
	v := versions{scheme: scheme}
	s = strings.Join(strings.Fields(s), " ")
	if v.read(s) {
		return v
	}
	// The question mark keeps any scheme from reading it.
	return versions{scheme: scheme, versions: []string{"? " + cut(s, 100)}, unread: cut(s, 400)}
}

var (
	allVersions = regexp.MustCompile(`(?i)^(vers:(all)?/(\*|all)|\*|all|any|all (supported |firmware |released |software )?(versions?|releases))$`)
	leadWords   = regexp.MustCompile(`(?i)^(all )?(supported |firmware |software |product )?(versions?|releases?)[: ]+`)
	versHead    = regexp.MustCompile(`^vers:([a-z0-9.+-]*)/`)
	comparator  = regexp.MustCompile(`>=|=>|<=|=<|==|!=|<|>|=|≤|≥`)

	// Sentences, the most telling first.
	sayBetween = regexp.MustCompile(`(?i)^(?:from |between )?(\S+) (?:to|through|thru|until|up to|-|–|and) (?:and including )?(\S+?)(?: inclusive)?$`)
	sayBefore  = regexp.MustCompile(`(?i)^(?:prior to|before|earlier than|older than|lower than|less than|below)(?: version| versions| release)? (.+)$`)
	sayUpTo    = regexp.MustCompile(`(?i)^(?:up to(?: and including)?|through|until)(?: version)? (.+)$`)
	sayOlder   = regexp.MustCompile(`(?i)^(.+?),? (?:and|or) (?:all )?(?:prior|earlier|older|below|before|previous|lower)(?: versions?| releases?)?$`)
	sayNewer   = regexp.MustCompile(`(?i)^(.+?),? (?:and|or) (?:all )?(?:later|newer|above|higher|onwards?)(?: versions?| releases?)?$`)
	sayAfter   = regexp.MustCompile(`(?i)^(?:after|later than|newer than|higher than|above)(?: version)? (.+)$`)
)

func (v *versions) read(s string) bool {
	if s == "" || len(s) > 500 {
		return false
	}
	if allVersions.MatchString(s) {
		return true
	}
	if m := versHead.FindStringSubmatch(s); m != nil {
		if sch, ok := version.ParseScheme(m[1]); ok {
			v.scheme, v.named = sch, true
		}
		s = s[len(m[0]):]
	}
	rest := leadWords.ReplaceAllString(s, "")
	if comparator.MatchString(rest) {
		return v.compared(rest)
	}
	one := func(text string) (string, bool) { return v.one(text) }
	set := func(r version.Range) bool {
		v.ranges = []version.Range{r}
		if !r.ToIncluded {
			v.fixed = r.To
		}
		return true
	}
	if m := sayBefore.FindStringSubmatch(rest); m != nil {
		to, ok := one(m[1])
		return ok && set(version.Range{To: to})
	}
	if m := sayUpTo.FindStringSubmatch(rest); m != nil {
		to, ok := one(m[1])
		return ok && set(version.Range{To: to, ToIncluded: true})
	}
	if m := sayAfter.FindStringSubmatch(rest); m != nil {
		from, ok := one(m[1])
		return ok && set(version.Range{From: from, FromExcluded: true})
	}
	if m := sayOlder.FindStringSubmatch(rest); m != nil {
		to, ok := one(m[1])
		return ok && set(version.Range{To: to, ToIncluded: true})
	}
	if m := sayNewer.FindStringSubmatch(rest); m != nil {
		from, ok := one(m[1])
		return ok && set(version.Range{From: from})
	}
	if m := sayBetween.FindStringSubmatch(rest); m != nil {
		from, ok := one(m[1])
		to, ok2 := one(m[2])
		if ok && ok2 {
			order, known := version.Compare(v.scheme, from, to)
			return known && order <= 0 && set(version.Range{From: from, To: to, ToIncluded: true})
		}
		return false
	}
	// Versions one by one: 1.38.00 | 1.39.00
	for _, part := range strings.FieldsFunc(rest, func(r rune) bool { return r == '|' || r == ',' }) {
		one, ok := v.one(part)
		if !ok {
			return false
		}
		v.add(one)
	}
	return len(v.versions)+len(v.ranges) > 0
}

// one reads a single version. A text with words of a sentence in it is none.
func (v *versions) one(s string) (string, bool) {
	s = strings.Trim(s, " ,;")
	if s == "" || len(s) > 64 || !strings.ContainsAny(s, "0123456789") || strings.Count(s, " ") > 5 {
		return "", false
	}
	for _, w := range strings.Fields(strings.ToLower(s)) {
		if sentence[strings.Trim(w, "().,;:")] {
			return "", false
		}
	}
	if _, ok := version.PrepareBound(v.scheme, s, true); !ok {
		return "", false
	}
	return s, true
}

// sentence are words that tell a sentence from a version with its parts.
var sentence = map[string]bool{
	"with": true, "without": true, "excluding": true, "except": true, "running": true, "when": true, "only": true,
	"before": true, "after": true, "prior": true, "earlier": true, "later": true, "and": true, "or": true, "on": true,
	"all": true, "using": true, "configured": true, "installed": true, "affected": true, "to": true, "through": true, "from": true,
	"january": true, "february": true, "march": true, "april": true, "may": true, "june": true, "july": true, "august": true,
	"september": true, "october": true, "november": true, "december": true,
}

// add keeps a single version; 9.x is everything that begins with 9.
func (v *versions) add(one string) {
	for _, end := range []string{".x", ".X", ".*", ".xx", ".XX"} {
		if stem, ok := strings.CutSuffix(one, end); ok && stem != "" {
			v.ranges = append(v.ranges, version.Range{From: stem + ".x", To: stem + ".x", ToIncluded: true})
			return
		}
	}
	v.versions = append(v.versions, one)
}

// compared reads constraints. Bounds that follow each other as lower and upper
// make one interval, as VERS has it; "and", bars, commas or nothing may stand
// between them.
func (v *versions) compared(s string) bool {
	marks := comparator.FindAllStringIndex(s, 100)
	if first := strings.TrimSpace(s[:marks[0][0]]); first != "" {
		// Versions before the first comparison stand for themselves.
		for _, part := range strings.FieldsFunc(first, func(r rune) bool { return r == '|' || r == ',' }) {
			if strings.TrimSpace(part) == "" {
				continue
			}
			one, ok := v.one(part)
			if !ok {
				return false
			}
			v.add(one)
		}
	}
	var open *version.Range // a lower bound that waits for its upper
	closeOpen := func() {
		if open != nil {
			v.ranges = append(v.ranges, *open)
			open = nil
		}
	}
	var not []string
	for i, m := range marks {
		end := len(s)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		op, text := s[m[0]:m[1]], strings.TrimSpace(s[m[1]:end])
		text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(text, " and"), " or"))
		text = strings.Trim(text, " |,;&")
		// 4.1|4.7.2 behind a comparison: the first is its bound, the others stand alone.
		bound, alone, _ := strings.Cut(text, "|")
		one, ok := v.one(bound)
		if !ok {
			return false
		}
		switch op {
		case ">", ">=", "=>", "≥":
			closeOpen()
			open = &version.Range{From: one, FromExcluded: op == ">"}
		case "<", "<=", "=<", "≤":
			r := version.Range{}
			if open != nil {
				r, open = *open, nil
				if order, known := version.Compare(v.scheme, r.From, one); known && order > 0 {
					return false
				}
			}
			r.To, r.ToIncluded = one, op != "<"
			v.ranges = append(v.ranges, r)
		case "!=":
			not = append(not, one)
		default:
			v.add(one)
		}
		for _, part := range strings.FieldsFunc(alone, func(r rune) bool { return r == '|' || r == ',' }) {
			closeOpen()
			if strings.TrimSpace(part) == "" {
				continue
			}
			one, ok := v.one(part)
			if !ok {
				return false
			}
			v.add(one)
		}
	}
	closeOpen()
	for _, x := range not {
		if !v.without(x) {
			return false
		}
	}
	if len(v.ranges) == 1 && !v.ranges[0].ToIncluded {
		v.fixed = v.ranges[0].To
	}
	return len(v.ranges)+len(v.versions) > 0
}

// without takes one version out of the ranges.
func (v *versions) without(x string) bool {
	if len(v.ranges) == 0 {
		v.ranges = []version.Range{{}}
	}
	var out []version.Range
	for _, r := range v.ranges {
		in, known := r.Contains(v.scheme, x)
		switch {
		case !known:
			return false
		case !in:
			out = append(out, r)
		default:
			out = append(out, version.Range{From: r.From, FromExcluded: r.FromExcluded, To: x},
				version.Range{From: x, FromExcluded: true, To: r.To, ToIncluded: r.ToIncluded})
		}
	}
	v.ranges = out
	return true
}
