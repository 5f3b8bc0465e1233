package notice

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"

	"noroshi/internal/base/text"
)

// Leak is a value that stands where it must not: an indicator of the technical
// version in one with a wider mark, or the name of a recipient anywhere.
type Leak struct {
	In    Kind   // version it stands in; empty: the title of the notice
	Value string // the indicator, or the recipient's name
	Name  bool   // it is a name
}

// Torn is the result of the tear-line check.
type Torn struct {
	Values int // that were looked for
	Leaks  []Leak
}

// values finds what counts as an indicator in running text: addresses, hashes,
// web addresses, mail addresses.
var values = []*regexp.Regexp{
	regexp.MustCompile(`\b(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}\b`),
	regexp.MustCompile(`\b(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})\b`),
	regexp.MustCompile(`\bhttps?://[^\s"'<>、。）]+`),
	regexp.MustCompile(`\b[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}\b`),
	regexp.MustCompile(`\b[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){3,7}\b`),
}

// maxValues bounds what one check looks for.
const maxValues = 5000

// plainly undoes what people do to make an address harmless: hxxp, [.], [:].
func plainly(s string) string {
	return strings.NewReplacer("hxxp", "http", "[.]", ".", "(.)", ".", "[dot]", ".", "[:]", ":", "[@]", "@", "[at]", "@").Replace(fold(s))
}

// technicalValues are the values that only the technical version may hold.
func technicalValues(p *Package) []string {
	seen := map[string]bool{}
	var out []string
	add := func(v string) {
		v = strings.TrimRight(strings.TrimSpace(plainly(v)), ".,;、。")
		// One or two characters stand in every text.
		if utf8.RuneCountInString(v) >= 4 && !seen[v] && len(out) < maxValues {
			seen[v] = true
			out = append(out, v)
		}
	}
	for _, i := range p.Indicators {
		add(i.Value)
	}
	running := []text.Both{p.Details}
	running = append(running, p.Checks...)
	for _, b := range running {
		for _, s := range []string{plainly(b.JA), plainly(b.EN)} {
			for _, re := range values {
				for _, v := range re.FindAllString(s, maxValues) {
					add(v)
				}
			}
		}
	}
	return out
}

// legal forms that say nothing of who a firm is.
var legalForms = strings.NewReplacer("株式会社", "", "有限会社", "", "合同会社", "", "一般社団法人", "", "一般財団法人", "", "（株）", "", "(株)", "", "（架空）", "", "(架空)", "",
	" co., ltd.", "", " co.,ltd.", "", " ltd.", "", " inc.", "", " corporation", "", " corp.", "")

// core is a firm's name without its legal form; empty when what is left is too
// short to be looked for.
func core(name string) string {
	c := strings.TrimSpace(legalForms.Replace(fold(name)))
	if utf8.RuneCountInString(c) < 3 {
		return ""
	}
	return c
}

// Tear checks that no version with a wider mark holds a value of the technical
// one, and that no version, each of which several read, names a recipient.
func (r *RuleSet) Tear(c *Content, names []string) (out Torn) {
	parts := []struct {
		kind Kind
		tlp  TLP
		text string
	}{{"", c.TLP, c.Title.JA + "\n" + c.Title.EN}}
	for _, k := range Kinds {
		if c.Has(k) {
			parts = append(parts, struct {
				kind Kind
				tlp  TLP
				text string
			}{k, c.TLPOf(k), c.words(k)})
		}
	}
	for i := range parts {
		parts[i].text = plainly(parts[i].text)
	}
	if c.Technical != nil {
		secrets := technicalValues(c.Technical)
		out.Values = len(secrets)
		for _, p := range parts {
			if p.kind == Technical || r.rank(p.tlp) >= r.rank(c.Technical.TLP) {
				continue
			}
			for _, v := range secrets {
				if strings.Contains(p.text, v) {
					out.Leaks = append(out.Leaks, Leak{In: p.kind, Value: v})
				}
			}
		}
	}
	for _, name := range names {
		n := core(name)
		if n == "" {
			continue
		}
		out.Values++
		for _, p := range parts {
			if strings.Contains(p.text, n) {
				out.Leaks = append(out.Leaks, Leak{In: p.kind, Value: name, Name: true})
			}
		}
	}
	return out
}

// words is everything a version says, both languages.
func (c *Content) words(k Kind) string {
	var b strings.Builder
	add := func(all ...text.Both) {
		for _, t := range all {
			b.WriteString(t.JA + "\n" + t.EN + "\n")
		}
	}
	switch k {
	case Management:
		add(c.Management.What, c.Management.SoWhat, c.Management.Decide)
	case Technical:
		add(c.Technical.Details)
		add(c.Technical.Checks...)
		for _, i := range c.Technical.Indicators {
			b.WriteString(i.Value + "\n" + i.Note + "\n")
		}
	case Small:
		add(c.Small.Title, c.Small.Note, c.Small.Helper.Name, c.Small.Helper.Hours)
		b.WriteString(c.Small.Helper.Phone + "\n")
		for _, s := range c.Small.Steps {
			add(s.Do, s.How)
		}
	}
	return b.String()
}

var (
	hashForm   = regexp.MustCompile(`^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})$`)
	domainForm = regexp.MustCompile(`^(?:[a-z0-9-]{1,63}\.)+[a-z]{2,24}$`)
)

// kindOfIndicator tells what a value is by its form.
func kindOfIndicator(value string) string {
	v := plainly(value)
	_, errAddr := netip.ParseAddr(v)
	_, errNet := netip.ParsePrefix(v)
	switch {
	case errAddr == nil || errNet == nil:
		return "address"
	case hashForm.MatchString(v):
		return "hash"
	case strings.Contains(v, "://"):
		return "url"
	case strings.Contains(v, "@"):
		return "mail"
	case domainForm.MatchString(v):
		return "domain"
	case strings.ContainsAny(v, `/\`):
		return "path"
	}
	return "other"
}
