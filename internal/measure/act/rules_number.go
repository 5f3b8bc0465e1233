package act

import (
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/text"
)

// Number is one number of the rules, with where it is from.
type Number struct {
	Value  int       `toml:"value" json:"value"`
	Source text.Both `toml:"source" json:"source"`
}

// Ground is a legal ground on which subscribers' communications may be touched.
type Ground struct {
	ID     string    `toml:"id" json:"id"`
	Name   text.Both `toml:"name" json:"name"`
	Source text.Both `toml:"source" json:"source"`
}

// Numbers are those of data/rules.toml, or of the file that the configuration
// names: rules of this project, no law.
type Numbers struct {
	MostHours      Number   `toml:"most_hours" json:"most_hours"`           // an order may last
	AskHours       Number   `toml:"ask_hours" json:"ask_hours"`             // it waits for a decision
	OutcomeMinutes Number   `toml:"outcome_minutes" json:"outcome_minutes"` // between intent and outcome before an alarm
	GraceMinutes   Number   `toml:"grace_minutes" json:"grace_minutes"`     // after the end before an alarm
	LostMinutes    Number   `toml:"lost_minutes" json:"lost_minutes"`       // without a word of an actuator that holds something
	MostTargets    Number   `toml:"most_targets" json:"most_targets"`
	Shortest4      Number   `toml:"shortest4" json:"shortest4"` // IPv4 prefix, bits
	Shortest6      Number   `toml:"shortest6" json:"shortest6"`
	Grounds        []Ground `toml:"ground" json:"grounds"`
}

//go:embed data/rules.toml
var numbersFile string

// BuiltIn are the numbers and grounds of data/rules.toml.
func BuiltIn() (Numbers, error) { return ReadNumbers([]byte(numbersFile)) }

// ReadNumbers reads a file of the form of data/rules.toml: all of its rows, each
// with where it is from. Errors name the row.
func ReadNumbers(file []byte) (n Numbers, err error) {
	meta, err := toml.Decode(string(file), &n)
	if err != nil {
		return n, fmt.Errorf("numbers of own-network orders: %w", err)
	}
	if extra := meta.Undecoded(); len(extra) > 0 {
		return n, fmt.Errorf("numbers of own-network orders: %s: no such key", extra[0])
	}
	for _, x := range n.rows() {
		if x.n.Value < 1 || x.n.Value > x.top || x.n.Source.Empty() {
			return n, fmt.Errorf("numbers of own-network orders: %s: between 1 and %d, and with a source", x.name, x.top)
		}
	}
	for i, g := range n.Grounds {
		if g.ID == "" || g.Name.Empty() || g.Source.Empty() {
			return n, fmt.Errorf("numbers of own-network orders: ground %d (%q): needs id, name and source in both languages", i+1, g.ID)
		}
		if slices.ContainsFunc(n.Grounds[:i], func(h Ground) bool { return h.ID == g.ID }) {
			return n, fmt.Errorf("numbers of own-network orders: ground %q is there twice", g.ID)
		}
	}
	if len(n.Grounds) == 0 {
		return n, fmt.Errorf("numbers of own-network orders: no ground")
	}
	return n, nil
}

// row is a number by its name, and the highest that it may be.
type row struct {
	name string
	n    Number
	top  int
}

func (n *Numbers) rows() []row {
	return []row{{"most_hours", n.MostHours, 8760}, {"ask_hours", n.AskHours, 8760}, {"outcome_minutes", n.OutcomeMinutes, 1440}, {"grace_minutes", n.GraceMinutes, 1440}, {"lost_minutes", n.LostMinutes, 1440},
		{"most_targets", n.MostTargets, mostTargets}, {"shortest4", n.Shortest4, 32}, {"shortest6", n.Shortest6, 128}}
}

// grounded reports whether a legal ground is one of the list.
func (n *Numbers) grounded(id string) bool {
	return slices.ContainsFunc(n.Grounds, func(g Ground) bool { return g.ID == id })
}

func (n Number) minutes() time.Duration { return time.Duration(n.Value) * time.Minute }
func (n Number) hours() time.Duration   { return time.Duration(n.Value) * time.Hour }
