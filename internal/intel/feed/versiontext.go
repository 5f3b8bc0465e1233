package feed

import (
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"

	"noroshi/internal/engine/product/version"
)

// meant is what a text about versions means.
type meant struct {
	ranges   []version.Range
	versions []string
	all      bool // every version
	fixed    string
}

// one version as people write it: it begins with a digit, perhaps behind a v, the
// word for it, or a few letters that belong to it.
const one = `(?:ファームウェア\s*|firmware\s+)?(?:バージョン\s*|[vV](?:er(?:sion)?s?\.?)?\s*)?((?:[A-Z]{1,4}[-_]?)?[0-9][0-9A-Za-z.()_+~:-]*(?: (?:service pack|hotfix|fix pack|update|patch|build|revision|sp|sr|hf|fp|msr|rev|rc|beta)[ #]?[0-9][0-9A-Za-z.-]*)?)`

// versionForms are the sentences sources write about versions, the most
// telling first. Each capture is a version.
var versionForms = []struct {
	re   *regexp.Regexp
	read func(a, b string) version.Range
}{
	{whole(one + `\s*(?:から|~|-|–|to|through|thru)\s*` + one + `\s*(?:まで)?(?:の(?:間の)?(?:すべての)?バージョン)?(?:\s*\(?inclusive\)?)?`), func(a, b string) version.Range { return version.Range{From: a, To: b, ToIncluded: true} }},
	{whole(one + `\s*(?:以上|以降|から)[、,\s]*` + one + `\s*(?:未満|より前|まで\(含まない\))(?:の?バージョン)?`), func(a, b string) version.Range { return version.Range{From: a, To: b} }},
	{whole(one + `\s*(?:から)\s*` + one + `\s*より前(?:の?バージョン)?`), func(a, b string) version.Range { return version.Range{From: a, To: b} }},
	{whole(one + `\s*(?:以上|以降)[、,\s]*` + one + `\s*以下(?:の?バージョン)?`), func(a, b string) version.Range { return version.Range{From: a, To: b, ToIncluded: true} }},
	{whole(`(?:from\s+)?` + one + `\s*(?:,\s*)?(?:before|prior to|up to \(excluding\))\s+` + one), func(a, b string) version.Range { return version.Range{From: a, To: b} }},
	{whole(one + `\s*(?:未満|より前)(?:の?バージョン)?`), func(a, _ string) version.Range { return version.Range{To: a} }},
	{whole(`(?:versions?\s+)?(?:before|prior to|earlier than|less than|below|<)\s*` + one), func(a, _ string) version.Range { return version.Range{To: a} }},
	{whole(one + `\s*(?:および|及び)?(?:それ)?以前(?:の?(?:すべての)?バージョン)?`), func(a, _ string) version.Range { return version.Range{To: a, ToIncluded: true} }},
	{whole(one + `\s*(?:以下|まで)(?:の?バージョン)?`), func(a, _ string) version.Range { return version.Range{To: a, ToIncluded: true} }},
	{whole(one + `(?:,|\s+and|\s+or)\s*(?:all\s+)?(?:earlier|prior|previous|below|older|before|lower)(?:\s+versions?)?`), func(a, _ string) version.Range { return version.Range{To: a, ToIncluded: true} }},
	{whole(`(?:up to|through|until|<=)\s*` + one), func(a, _ string) version.Range { return version.Range{To: a, ToIncluded: true} }},
	{whole(one + `\s*(?:および|及び)?(?:それ)?(?:以降|以上)(?:の?(?:すべての)?バージョン)?`), func(a, _ string) version.Range { return version.Range{From: a} }},
	{whole(one + `(?:,|\s+and|\s+or)\s*(?:all\s+)?(?:later|newer|above|higher|onwards?)(?:\s+versions?)?`), func(a, _ string) version.Range { return version.Range{From: a} }},
	{whole(`>=\s*` + one), func(a, _ string) version.Range { return version.Range{From: a} }},
	{whole(`>\s*` + one), func(a, _ string) version.Range { return version.Range{From: a, FromExcluded: true} }},
}

func whole(re string) *regexp.Regexp { return regexp.MustCompile(`^(?i:` + re + `)$`) }

var (
	single   = whole(one)
	quoted   = regexp.MustCompile(`\\([^0-9A-Za-z])`)
	between  = regexp.MustCompile(` and | or |、|および|及び| / `)
	dotted   = regexp.MustCompile(`^[0-9]+(?:\.[0-9]+)*$`)
	anything = whole(`\*|all|all versions?|any|(?:すべて|全て)の?バージョン|全バージョン|all releases`)
)

// maxVersionText is how long a text about versions may be to be understood.
const maxVersionText = 400

// versionText understands what people write where a version is asked for:
// "10.0 未満", ">= 3.0, < 3.5", "1.41 and earlier", "5.4.x". It returns false
// when it is not sure: a wrong range is worse than none.
func versionText(s string) (meant, bool) {
	if len(s) > maxVersionText {
		return meant{}, false
	}
	// A wide tilde is "to" in Japanese; made narrow it would be Debian's sign.
	s = strings.ReplaceAll(strings.ReplaceAll(s, "～", " から "), "〜", " から ")
	s = strings.Join(strings.Fields(norm.NFKC.String(s)), " ")
	if strings.Contains(s, `\`) {
		s = quoted.ReplaceAllString(s, "$1") // as in a CPE name: 8.4\(11\)
	}
	switch {
	case s == "":
		return meant{}, false
	case anything.MatchString(s):
		return meant{all: true}, true
	}
	if m, ok := constraints(s); ok {
		return m, true
	}
	if r, ok := series(s); ok {
		return meant{ranges: []version.Range{r}}, true
	}
	// "16.10.1-2" is one version and not a range: a range has its sign between
	// spaces, or two equal forms on both sides.
	if single.MatchString(s) && !twoDotted(s) {
		return meant{versions: []string{single.FindStringSubmatch(s)[1]}}, true
	}
	for _, f := range versionForms {
		if g := f.re.FindStringSubmatch(s); g != nil {
			b := ""
			if len(g) > 2 {
				b = g[2]
			}
			r := f.read(g[1], b)
			m := meant{ranges: []version.Range{r}}
			if !r.ToIncluded {
				m.fixed = r.To
			}
			return m, true
		}
	}
	return list(s)
}

// twoDotted reports whether s is two dotted numbers joined by a hyphen, which
// is how a range is written without spaces: 12.1-12.4.
func twoDotted(s string) bool {
	a, b, ok := strings.Cut(s, "-")
	return ok && strings.Contains(a, ".") && strings.Count(a, ".") == strings.Count(b, ".") && dotted.MatchString(a) && dotted.MatchString(b)
}

// constraints reads ">= 3.0.0, < 3.0.9.1": all of them hold at once.
func constraints(s string) (meant, bool) {
	if !strings.ContainsAny(s[:1], "<>=") {
		return meant{}, false
	}
	var r version.Range
	m := meant{}
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		op := part[:len(part)-len(strings.TrimLeft(part, "<>="))]
		v := strings.TrimSpace(part[len(op):])
		if g := single.FindStringSubmatch(v); g == nil {
			return meant{}, false
		} else {
			v = g[1]
		}
		switch {
		case (op == "<" || op == "<=") && r.To == "":
			r.To, r.ToIncluded = v, op == "<="
		case (op == ">" || op == ">=") && r.From == "":
			r.From, r.FromExcluded = v, op == ">"
		case (op == "=" || op == "==") && s == part:
			return meant{versions: []string{v}}, true
		default:
			return meant{}, false
		}
	}
	if m.ranges = []version.Range{r}; !r.ToIncluded {
		m.fixed = r.To
	}
	return m, true
}

// series reads "6.x", "5.4.*": everything that begins so.
func series(s string) (version.Range, bool) {
	stem := strings.TrimSuffix(s, " 系")
	for _, end := range []string{".x", ".X", ".*", "*"} {
		if base, ok := strings.CutSuffix(stem, end); ok && dotted.MatchString(base) {
			if next, ok := successor(base); ok {
				return version.Range{From: base, To: next}, true
			}
		}
	}
	return version.Range{}, false
}

// successor returns the dotted number that follows all that begin with v:
// 5.4 → 5.5.
func successor(v string) (string, bool) {
	dot := strings.LastIndexByte(v, '.') + 1
	last := []byte(v[dot:])
	if len(last) == 0 || len(last) > 18 {
		return "", false
	}
	for i := len(last) - 1; i >= 0; i-- {
		if last[i] != '9' {
			last[i]++
			return v[:dot] + string(last), true
		}
		last[i] = '0'
	}
	return v[:dot] + "1" + string(last), true
}

// list reads "11.4, 11.5, 12.0 and 12.1". Every member has to be a version.
func list(s string) (meant, bool) {
	s = between.ReplaceAllString(s, ",")
	if !strings.Contains(s, ",") {
		return meant{}, false
	}
	var m meant
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		if r, ok := series(part); ok {
			m.ranges = append(m.ranges, r)
			continue
		}
		g := single.FindStringSubmatch(part)
		if g == nil {
			return meant{}, false
		}
		m.versions = append(m.versions, g[1])
	}
	return m, len(m.versions)+len(m.ranges) > 0
}

// vague are the words that stand where a bound should be and say nothing.
var vague = map[string]bool{"unspecified": true, "publication": true, "n/a": true, "na": true, "unknown": true, "tbd": true, "none": true, "not specified": true, "-": true, "": true, "see references": true, "various": true}
