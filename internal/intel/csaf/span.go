package csaf

import (
	"regexp"
	"strings"
)

// constraint is one part of a version range: <4.2, >=1.0, !=2.1, 3.0.
type constraint struct{ op, version string }

var (
	// versPattern splits a version range specifier: vers:type/constraints.
	versPattern = regexp.MustCompile(`^vers:([^/]*)/(.*)$`)
	versType    = regexp.MustCompile(`^[a-z.\-+][a-z0-9.\-+]*$`)
)

// constraints reads "<4.2|>=5.0". It is false for anything that is not
// constraints joined by bars, without white space (VERS, normalised).
func constraints(s string) ([]constraint, bool) {
	if s == "" || strings.ContainsAny(s, " \t\r\n") {
		return nil, false
	}
	var out []constraint
	for _, part := range strings.Split(s, "|") {
		c := constraint{op: "=", version: part}
		for _, op := range []string{">=", "<=", "!=", "<", ">", "="} {
			if v, ok := strings.CutPrefix(part, op); ok {
				c = constraint{op, v}
				break
			}
		}
		if c.version == "" || strings.ContainsAny(c.version, "<>=!|*") {
			return nil, false
		}
		out = append(out, c)
	}
	return out, true
}

// span is a product_version_range read (CSAF 2.1 §3.1.2.3.2).
type span struct {
	scheme string // of vers; "" for the bare form
	all    bool   // every version
	parts  []constraint
}

// readSpan reads either allowed form; ok is false when it is neither.
func readSpan(s string) (sp span, ok bool) {
	if m := versPattern.FindStringSubmatch(s); m != nil {
		sp.scheme = m[1]
		switch {
		case m[2] == "*" && m[1] == "all" || m[1] == "" && m[2] == "all":
			// Early drafts wrote vers:/all.
			sp.all = true
			return sp, true
		case m[1] == "all" || !versType.MatchString(m[1]):
			return sp, false
		}
		sp.parts, ok = constraints(m[2])
		return sp, ok
	}
	sp.parts, ok = constraints(s)
	if ok && len(sp.parts) == 1 && sp.parts[0].op == "=" {
		// A bare text is a range only when it says how it compares, or is one
		// version, which §6.1.59 tells apart.
		ok = strings.ContainsAny(s, "0123456789")
	}
	return sp, ok
}

func spans(d *document, each func(name place)) {
	d.branches(func(b place) {
		if b.str("category") == "product_version_range" && b.str("name") != "" {
			each(b.in("name"))
		}
	})
}

func rangeForm(d *document, t tell) {
	spans(d, func(n place) {
		if _, ok := readSpan(n.text); !ok {
			t(n.at, "value", clip(n.text))
		}
	})
}

func rangeSingle(d *document, t tell) {
	spans(d, func(n place) {
		sp, ok := readSpan(n.text)
		if ok && !sp.all && len(sp.parts) == 1 && sp.parts[0].op == "=" {
			t(n.at, "value", clip(n.text))
		}
	})
}

var versLike = regexp.MustCompile(`^vers:[a-z.\-+][a-z0-9.\-+]*/.+`)

func rangeNoVers(d *document, t tell) {
	spans(d, func(n place) {
		if !versLike.MatchString(n.text) {
			t(n.at, "value", clip(n.text))
		}
	})
}
