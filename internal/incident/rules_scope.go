package incident

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

//go:embed data/scope.toml
var scopeData embed.FS

// ScopeVerdict is the answer to 「報告対象か」.
type ScopeVerdict string

// The verdicts. ScopeOpen means that one more question has to be answered.
const (
	ScopeOpen      ScopeVerdict = ""
	ScopeReport    ScopeVerdict = "report"    // the duty of Act 42 art 5 applies
	ScopeLikely    ScopeVerdict = "likely"    // it may apply; reporting is the safe side
	ScopePrecursor ScopeVerdict = "precursor" // early signs, voluntary
	ScopeVoluntary ScopeVerdict = "voluntary" // not statutory; voluntary paths
	ScopeNone      ScopeVerdict = "none"      // nothing to report
)

// ScopeQuestion is one question of the scope check.
type ScopeQuestion struct {
	ID     string    `toml:"id" json:"id"`
	Label  text.Both `toml:"label" json:"label"`
	Hint   text.Both `toml:"hint" json:"hint"`
	Source text.Both `toml:"source" json:"source"`
	// Options hold the ids that are answers: "yes", "no", "unknown", …
	Options []Option `toml:"option" json:"options"`
}

// ScopeReason is a sentence and the article or document it rests on.
type ScopeReason struct {
	Text   text.Both `toml:"text" json:"text"`
	Source text.Both `toml:"source" json:"source"`
}

// ScopePath is a way open to the reporter beside or instead of the duty.
type ScopePath struct {
	ID       string         `toml:"id" json:"id"`
	Label    text.Both      `toml:"label" json:"label"`
	Source   text.Both      `toml:"source" json:"source"`
	Verdicts []ScopeVerdict `toml:"verdicts" json:"-"`
}

// ScopeResult is the verdict with everything it rests on.
type ScopeResult struct {
	Verdict   ScopeVerdict  `json:"verdict"`
	Statutory bool          `json:"statutory"`     // the duty of art 5 applies, or has to be assumed
	Ask       string        `json:"ask,omitempty"` // id of the question to answer next; only when Verdict is ScopeOpen
	Label     text.Both     `json:"label,omitzero"`
	Next      text.Both     `json:"next,omitzero"` // what to do now
	Reasons   []ScopeReason `json:"reasons,omitempty"`
	Paths     []ScopePath   `json:"paths,omitempty"`
}

// ScopeTable is the decision table. It is read-only.
type ScopeTable struct {
	Questions []ScopeQuestion `toml:"question"`
	Verdicts  []struct {
		ID        ScopeVerdict `toml:"id"`
		Statutory bool         `toml:"statutory"`
		Label     text.Both    `toml:"label"`
		Next      text.Both    `toml:"next"`
	} `toml:"verdict"`
	Rows  []scopeRow  `toml:"row"`
	Notes []scopeNote `toml:"note"`
	Paths []ScopePath `toml:"path"`
}

type scopeRow struct {
	When    map[string][]string `toml:"when"`
	Verdict ScopeVerdict        `toml:"verdict"`
	Reason  text.Both           `toml:"reason"`
	Source  text.Both           `toml:"source"`
}

type scopeNote struct {
	When     map[string][]string `toml:"when"`
	Verdicts []ScopeVerdict      `toml:"verdicts"`
	Text     text.Both           `toml:"text"`
	Source   text.Both           `toml:"source"`
}

// ScopeRules returns the embedded table.
func ScopeRules() *ScopeTable { return scopeRules() }

var scopeRules = sync.OnceValue(func() *ScopeTable {
	raw, err := scopeData.ReadFile("data/scope.toml")
	if err != nil {
		panic("BUG: embedded scope table: " + err.Error())
	}
	t, err := parseScope(string(raw))
	if err != nil {
		panic("BUG: embedded scope table: " + err.Error())
	}
	return t
})

// parseScope reads a table and refuses conditions on what is never asked or
// answered, and verdicts without words.
func parseScope(raw string) (*ScopeTable, error) {
	t := &ScopeTable{}
	meta, err := toml.Decode(raw, t)
	if err != nil {
		return nil, err
	}
	if rest := meta.Undecoded(); len(rest) > 0 {
		return nil, fmt.Errorf("unknown keys: %v", rest)
	}
	sound := func(when map[string][]string) error {
		for id, answers := range when {
			q, ok := t.question(id)
			for _, a := range answers {
				if _, is := optionOf(q.Options, a); !is || !ok {
					return fmt.Errorf("nobody can answer %s with %s", id, a)
				}
			}
		}
		return nil
	}
	for _, q := range t.Questions {
		if q.Label.Empty() || q.Source.Empty() {
			return nil, fmt.Errorf("question %s: no words or source", q.ID)
		}
	}
	for _, p := range t.Paths {
		if p.Label.Empty() || p.Source.Empty() || !slices.ContainsFunc(p.Verdicts, t.has) {
			return nil, fmt.Errorf("path %s: no words, source or verdict", p.ID)
		}
	}
	for i, r := range t.Rows {
		if err := sound(r.When); err != nil {
			return nil, fmt.Errorf("row %d: %w", i+1, err)
		}
		if !t.has(r.Verdict) || r.Reason.Empty() || r.Source.Empty() {
			return nil, fmt.Errorf("row %d: no verdict with words, reason and source", i+1)
		}
	}
	for i, n := range t.Notes {
		if err := sound(n.When); err != nil {
			return nil, fmt.Errorf("note %d: %w", i+1, err)
		}
		if n.Text.Empty() || n.Source.Empty() || !slices.ContainsFunc(n.Verdicts, t.has) {
			return nil, fmt.Errorf("note %d: no words, source or verdict", i+1)
		}
	}
	return t, nil
}

func (t *ScopeTable) question(id string) (ScopeQuestion, bool) {
	i := slices.IndexFunc(t.Questions, func(q ScopeQuestion) bool { return q.ID == id })
	if i < 0 {
		return ScopeQuestion{}, false
	}
	return t.Questions[i], true
}

func (t *ScopeTable) has(v ScopeVerdict) bool {
	for _, w := range t.Verdicts {
		if w.ID == v {
			return !w.Label.Empty() && !w.Next.Empty()
		}
	}
	return false
}

// Scope decides whether something is reportable from the answers given so
// far: question id to option id. Answers may be few: the result then names
// the question to ask next. Fault incident.scope.answer, with the question as
// its place, for an answer that no question offers.
func Scope(answers map[string]string) (ScopeResult, error) { return ScopeRules().Decide(answers) }

// Decide is Scope by this table.
func (t *ScopeTable) Decide(answers map[string]string) (ScopeResult, error) {
	var bad []fault.Place
	for _, id := range slices.Sorted(maps.Keys(answers)) {
		q, ok := t.question(id)
		if _, is := optionOf(q.Options, answers[id]); !is || !ok {
			bad = append(bad, fault.Place{At: id, Code: "incident.value.option", Args: fault.Args{"value": shorten(answers[id])}})
		}
	}
	if bad != nil {
		return ScopeResult{}, fault.New(fault.Invalid, "incident.scope.answer", "n", len(bad)).At(bad...)
	}
	for _, r := range t.Rows {
		fits, ask := t.fits(r.When, answers)
		if fits && ask != "" {
			return ScopeResult{Ask: ask}, nil
		}
		if fits {
			return t.result(r, answers), nil
		}
	}
	panic("BUG: the scope table has no row for these answers")
}

// fits reports whether no answer speaks against the conditions, and the first
// question they need that is not answered.
func (t *ScopeTable) fits(when map[string][]string, answers map[string]string) (fits bool, ask string) {
	for _, q := range t.Questions {
		want, asked := when[q.ID]
		got, given := answers[q.ID]
		switch {
		case asked && given && !slices.Contains(want, got):
			return false, ""
		case asked && !given && ask == "":
			ask = q.ID
		}
	}
	return true, ask
}

func (t *ScopeTable) result(r scopeRow, answers map[string]string) ScopeResult {
	out := ScopeResult{Verdict: r.Verdict, Reasons: []ScopeReason{{r.Reason, r.Source}}}
	for _, v := range t.Verdicts {
		if v.ID == r.Verdict {
			out.Label, out.Next, out.Statutory = v.Label, v.Next, v.Statutory
		}
	}
	for _, n := range t.Notes {
		if fits, ask := t.fits(n.When, answers); fits && ask == "" && slices.Contains(n.Verdicts, r.Verdict) {
			out.Reasons = append(out.Reasons, ScopeReason{n.Text, n.Source})
		}
	}
	for _, p := range t.Paths {
		if slices.Contains(p.Verdicts, r.Verdict) {
			out.Paths = append(out.Paths, p)
		}
	}
	return out
}
