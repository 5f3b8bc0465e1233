package hunt

import (
	"cmp"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/sigma"
)

// What comes out of logs and rules goes onto pages through text.Printable, so that
// no control character turns the direction of what a person reads; html/template
// does the rest.

// row is a finding in words, as lists show it.
type row struct {
	ID, Title, Host, User string
	Level, LevelTag       string
	State, StateTag       string
	Why                   string // the first reasons, in one line
	Rare                  string // how few of its kind there are; empty when there are many
	Attack                []string
	Count, Quiet          int
	First, Last           time.Time
	Released              bool
	Version               int64
	HostHref, UserHref    string // the desk narrowed to it
}

var (
	levelTag = map[string]string{"critical": "act", "high": "attend", "medium": "watch", "low": "calm", "informational": "plain", "": "plain"}
	stateTag = map[State]string{Fresh: "ai", Taken: "watch", Harmless: "calm", Real: "act", Unsure: "attend"}
)

func levelWord(p text.Printer, level string) string {
	if level == "" {
		level = "none"
	}
	return p.T("hunt.web.level." + level)
}

// titleOf is what a finding's rule is called, in the reader's language where the
// program knows the rule.
func (s *shelf) titleOf(p text.Printer, rule, title string) string {
	if r := s.byRef[rule]; r != nil {
		return ruleTitle(p, r)
	}
	if title == "" {
		title = rule
	}
	return text.Printable(title)
}

func (s *shelf) row(p text.Printer, f *Finding) row {
	level, ok := levelTag[f.Level]
	if !ok {
		level = "plain"
	}
	return row{ID: f.ID, Title: s.titleOf(p, f.Rule, f.Title), Host: text.Printable(f.Host), User: text.Printable(f.User), Level: levelWord(p, f.Level), LevelTag: level,
		State: p.T("hunt.web.state." + string(f.State)), StateTag: stateTag[f.State], Attack: f.Attack, Count: f.Count, Quiet: f.Quiet, First: f.First, Last: f.Last,
		Released: !f.ReleasedAt.IsZero(), Version: f.Version}
}

// whyLine says in one line the reason of a finding that tells most, which is the
// one with the longest value: a command line rather than the name of a program.
func whyLine(p text.Printer, why []Why) string {
	if len(why) == 0 {
		return ""
	}
	longest := slices.MaxFunc(why, func(a, b Why) int { return cmp.Compare(len(a.Value), len(b.Value)) })
	return cut(whyText(p, longest), reasonLetters)
}

// reasonLetters is how long a reason is in a list.
const reasonLetters = 90

// bookTitle is the name of a rule set.
func bookTitle(p text.Printer, b Rulebook) string {
	if b.ID == Starter {
		return p.T("hunt.web.starter")
	}
	return text.Printable(b.Name)
}

// editionText sums an edition up in one line.
func editionText(p text.Printer, e Edition) string {
	version := p.Number(int64(e.Number))
	if _, v, ok := strings.Cut(e.Ref, Starter+"/"); ok {
		version = v
	}
	return p.T("hunt.web.edition", "version", version, "n", e.Rules+e.Correlations, "rejected", e.Rejected)
}

// techniqueFacts are the chips of techniques, each of which narrows the desk.
func techniqueLinks(path string, query url.Values, list []string) (out []page.Crumb) {
	for _, t := range list {
		q := url.Values{}
		for k, v := range query {
			q[k] = v
		}
		q.Set("technique", t)
		q.Del("after")
		out = append(out, page.Crumb{Text: t, Href: address(path, q)})
	}
	return out
}

// conditionText says a condition in words.
func (s *shelf) conditionText(p text.Printer, c Condition, title string) string {
	parts := []string{p.T("hunt.web.condition.rule", "rule", s.titleOf(p, c.Rule, title))}
	if c.Host != "" {
		parts = append(parts, p.T("hunt.web.condition.host", "host", text.Printable(c.Host)))
	}
	if c.User != "" {
		parts = append(parts, p.T("hunt.web.condition.user", "user", text.Printable(c.User)))
	}
	if c.Field != "" {
		parts = append(parts, p.T("hunt.web.condition.field", "field", text.Printable(c.Field), "value", text.Printable(cut(c.Value, 300))))
	}
	return strings.Join(parts, p.T("hunt.report.comma"))
}

// ruleOf is the program's own rule of a finding, or what a rule of others would
// say of itself.
func (s *shelf) ruleOf(f *Finding) *sigma.Rule {
	if r := s.byRef[f.Rule]; r != nil {
		return r
	}
	level, _ := sigma.ParseLevel(f.Level)
	r := &sigma.Rule{ID: f.Rule, Title: f.Title, Level: level}
	for _, t := range f.Tactics {
		r.Tags = append(r.Tags, "attack."+t)
	}
	return r
}

// starterText is the file of one of the program's own rules.
func starterText(own fs.FS, file string) (string, error) {
	raw, err := fs.ReadFile(own, strings.TrimPrefix(file, Starter+"!"))
	return string(raw), err
}
