package notice

import (
	_ "embed"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

// State is where a recipient stands.
type State string

// The states. Listed is a recipient of a draft, which is told nothing yet.
const (
	Listed      State = "listed"
	Delivered   State = "delivered"
	Opened      State = "opened"
	Checking    State = "checking"
	Affected    State = "affected"
	NotAffected State = "not_affected"
	Mitigated   State = "mitigated"
	Planned     State = "planned"
	NeedsHelp   State = "needs_help"
)

// StateRule says what a state means and where it leads.
type StateRule struct {
	ID      State    `toml:"id" json:"id"`
	To      []State  `toml:"to" json:"to"`
	Answer  bool     `toml:"answer" json:"answer"`   // a person may choose it
	Quiet   bool     `toml:"quiet" json:"quiet"`     // ends the reminders to answer
	Settled bool     `toml:"settled" json:"settled"` // nothing is left to fix
	Fixed   bool     `toml:"fixed" json:"fixed"`     // it was there and is repaired
	Needs   []string `toml:"needs" json:"needs,omitempty"`
}

// TLP is a mark of the Traffic Light Protocol 2.0, without "TLP:".
type TLP string

// The marks, the widest first.
const (
	Clear       TLP = "CLEAR"
	Green       TLP = "GREEN"
	Amber       TLP = "AMBER"
	AmberStrict TLP = "AMBER+STRICT"
	Red         TLP = "RED"
)

// TLPRule says to whom a recipient may pass a mark on: "none", "tied", "any".
type TLPRule struct {
	ID    TLP    `toml:"id" json:"id"`
	Relay string `toml:"relay" json:"relay"`
}

// RemindRule is one reminder or escalation, at a per cent of the time given.
type RemindRule struct {
	Of      string `toml:"of"`      // "answer" or "fix"
	At      int    `toml:"at"`      // per cent
	Kind    string `toml:"kind"`    // "reminder" or "escalation"
	Contact int    `toml:"contact"` // 1 or 2
}

// ClassRule is the times that go with a severity.
type ClassRule struct {
	ID          Severity `toml:"id"`
	AnswerHours int      `toml:"answer_hours"`
	FixHours    int      `toml:"fix_hours"`
	HelpHours   int      `toml:"help_hours"`
}

// Caution is one thing a buyer has to keep in mind who asks a supplier for
// measures, with its source.
type Caution struct {
	ID     string    `toml:"id" json:"id"`
	Source text.Both `toml:"source" json:"source"`
	Text   text.Both `toml:"text" json:"text"`
}

// RuleSet is the data of notices.
type RuleSet struct {
	TLP      []TLPRule    `toml:"tlp"`
	States   []StateRule  `toml:"state"`
	Remind   []RemindRule `toml:"remind"`
	Classes  []ClassRule  `toml:"class"`
	Cautions []Caution    `toml:"caution"`
	Desk     struct {
		Kinds []org.Kind `toml:"kinds"`
	} `toml:"desk"`
	Relay struct {
		Tiers    int `toml:"tiers"`
		Most     int `toml:"most"`
		LinkDays int `toml:"link_days"`
		Exact    int `toml:"exact"` // counts below are shown as a range
	} `toml:"relay"`

	jargon []jargon
}

//go:embed data/rules.toml
var ruleData string

//go:embed data/jargon.toml
var jargonData string

var builtin = sync.OnceValue(func() *RuleSet {
	r, err := parseRules(ruleData, jargonData)
	if err != nil {
		panic("BUG: notice: " + err.Error())
	}
	return r
})

// Rules returns the rules of the program.
func Rules() *RuleSet { return builtin() }

func parseRules(rules, words string) (*RuleSet, error) {
	var r RuleSet
	meta, err := toml.Decode(rules, &r)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	if u := meta.Undecoded(); len(u) > 0 {
		return nil, fmt.Errorf("rules: unknown key %s", u[0])
	}
	for _, t := range r.TLP {
		if !slices.Contains([]string{"none", "tied", "any"}, t.Relay) {
			return nil, fmt.Errorf("rules: TLP %s: relay is none, tied or any", t.ID)
		}
	}
	for _, s := range r.States {
		for _, to := range s.To {
			if r.state(to) == nil {
				return nil, fmt.Errorf("rules: state %s leads to %q, which is none", s.ID, to)
			}
		}
	}
	for _, m := range r.Remind {
		if m.Of != "answer" && m.Of != "fix" || m.At <= 0 || m.Kind != "reminder" && m.Kind != "escalation" || m.Contact < 1 || m.Contact > 2 {
			return nil, fmt.Errorf("rules: reminder at %d %% of %q is not complete", m.At, m.Of)
		}
	}
	for _, s := range Severities {
		if c := r.Class(s); c.AnswerHours <= 0 || c.FixHours < c.AnswerHours || c.HelpHours <= 0 {
			return nil, fmt.Errorf("rules: class %s needs hours to answer, to fix and to help", s)
		}
	}
	if r.Relay.Tiers <= 0 || r.Relay.Most <= 0 || r.Relay.LinkDays <= 0 || len(r.Desk.Kinds) == 0 || len(r.Cautions) == 0 {
		return nil, fmt.Errorf("rules: relay, desk or cautions are not complete")
	}
	r.jargon, err = parseJargon(words)
	return &r, err
}

func (r *RuleSet) state(id State) *StateRule {
	i := slices.IndexFunc(r.States, func(s StateRule) bool { return s.ID == id })
	if i < 0 {
		return nil
	}
	return &r.States[i]
}

// State returns the rule of a state; that of Listed leads nowhere.
func (r *RuleSet) State(id State) StateRule {
	if s := r.state(id); s != nil {
		return *s
	}
	return StateRule{ID: id}
}

// Answers lists what a person may choose, in the order of the table.
func (r *RuleSet) Answers() (out []State) {
	for _, s := range r.States {
		if s.Answer {
			out = append(out, s.ID)
		}
	}
	return out
}

// Move checks that an answer may follow a state. Fault: notice.answer.state
// with the place "state".
func (r *RuleSet) Move(from, to State) error {
	if rule := r.state(to); rule != nil && rule.Answer && slices.Contains(r.State(from).To, to) {
		return nil
	}
	return fault.New(fault.Invalid, "notice.answer.invalid").At(fault.Place{At: "state", Code: "notice.answer.state"})
}

// Class returns the times of a severity.
func (r *RuleSet) Class(s Severity) ClassRule {
	i := slices.IndexFunc(r.Classes, func(c ClassRule) bool { return c.ID == s })
	if i < 0 {
		return ClassRule{ID: s}
	}
	return r.Classes[i]
}

// rank orders marks, the widest first; -1 for what is none.
func (r *RuleSet) rank(t TLP) int {
	return slices.IndexFunc(r.TLP, func(x TLPRule) bool { return x.ID == t })
}

// MayPass reports whether a version with the mark may be passed on: to a firm
// with a confirmed tie, or to one that is only an address.
func (r *RuleSet) MayPass(t TLP, tied bool) bool {
	i := r.rank(t)
	return i >= 0 && (r.TLP[i].Relay == "any" || r.TLP[i].Relay == "tied" && tied)
}

// Highest returns the narrowest of the marks.
func (r *RuleSet) Highest(marks ...TLP) TLP {
	best := TLP("")
	for _, t := range marks {
		if r.rank(t) > r.rank(best) {
			best = t
		}
	}
	return best
}

// markOf is the mark that goes with a version: who reads more than the small
// version reads the notice's own title too.
func (r *RuleSet) markOf(c *Content, k Kind) TLP {
	if k == Small {
		return c.TLPOf(k)
	}
	return r.Highest(c.TLP, c.TLPOf(k))
}

// Chore is one reminder or escalation of a notice, with its instant.
type Chore struct {
	RemindRule
	Due time.Time
}

// Schedule lists the reminders of a notice that was sent at an instant, in
// order. There are none for a deadline that is not set or lies before.
func (r *RuleSet) Schedule(sent, answerBy, fixBy time.Time) (out []Chore) {
	for _, m := range r.Remind {
		by := answerBy
		if m.Of == "fix" {
			by = fixBy
		}
		if by.After(sent) {
			out = append(out, Chore{m, sent.Add(by.Sub(sent) / 100 * time.Duration(m.At))})
		}
	}
	slices.SortStableFunc(out, func(a, b Chore) int { return a.Due.Compare(b.Due) })
	return out
}

// holds reports whether a reminder still makes sense in a state.
func (r *RuleSet) holds(m RemindRule, s State) bool {
	rule := r.State(s)
	if m.Of == "answer" {
		return !rule.Quiet
	}
	return !rule.Settled
}

// Next returns which chore of a schedule is the next one from step on in a
// state, and when; false when there is none any more.
func (r *RuleSet) Next(all []Chore, step int, s State) (int, time.Time, bool) {
	for i := step; i < len(all); i++ {
		if r.holds(all[i].RemindRule, s) {
			return i, all[i].Due, true
		}
	}
	return len(all), time.Time{}, false
}

// Overdue returns the last chore from step on that is due at now and holds: of
// several that a hub missed only the last is done.
func (r *RuleSet) Overdue(all []Chore, step int, s State, now time.Time) (Chore, int, bool) {
	for i := len(all) - 1; i >= step && i >= 0; i-- {
		if !all[i].Due.After(now) && r.holds(all[i].RemindRule, s) {
			return all[i], i + 1, true
		}
	}
	return Chore{}, step, false
}
