package measure

import (
	_ "embed"
	"fmt"
	"time"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/text"
)

// Number is one number of the rules, with where it is from.
type Number struct {
	Value  int       `toml:"value" json:"value"`
	Source text.Both `toml:"source" json:"source"`
}

// Numbers are those of data/rules.toml: rules of this project, no law.
type Numbers struct {
	NoticeMinutes  Number `toml:"notice_minutes" json:"notice_minutes"`
	EmergencyHours Number `toml:"emergency_hours" json:"emergency_hours"`
	EmergencySteps Number `toml:"emergency_steps" json:"emergency_steps"`
	ReviewDays     Number `toml:"review_days" json:"review_days"`
	WindowHours    Number `toml:"window_hours" json:"window_hours"`
	OrderDays      Number `toml:"order_days" json:"order_days"`
	PlanSteps      Number `toml:"plan_steps" json:"plan_steps"`
}

//go:embed data/rules.toml
var numbersFile string

// BuiltIn are the numbers of data/rules.toml.
func BuiltIn() (Numbers, error) { return ReadNumbers([]byte(numbersFile)) }

// ReadNumbers reads a file of the form of data/rules.toml: all of its rows, each
// with where it is from. Errors name the row.
func ReadNumbers(file []byte) (n Numbers, err error) {
	meta, err := toml.Decode(string(file), &n)
	if err != nil {
		return n, fmt.Errorf("numbers of measures: %w", err)
	}
	if extra := meta.Undecoded(); len(extra) > 0 {
		return n, fmt.Errorf("numbers of measures: %s: no such key", extra[0])
	}
	for _, x := range []struct {
		name string
		n    Number
		top  int
	}{{"notice_minutes", n.NoticeMinutes, 7 * 24 * 60}, {"emergency_hours", n.EmergencyHours, 72}, {"emergency_steps", n.EmergencySteps, 50}, {"review_days", n.ReviewDays, 366},
		{"window_hours", n.WindowHours, 720}, {"order_days", n.OrderDays, 366}, {"plan_steps", n.PlanSteps, maxSteps}} {
		if x.n.Value < 1 || x.n.Value > x.top || x.n.Source.JA == "" || x.n.Source.EN == "" {
			return n, fmt.Errorf("numbers of measures: %s: between 1 and %d, and with a source", x.name, x.top)
		}
	}
	return n, nil
}

func (n Number) minutes() time.Duration { return time.Duration(n.Value) * time.Minute }
func (n Number) hours() time.Duration   { return time.Duration(n.Value) * time.Hour }
func (n Number) days() time.Duration    { return time.Duration(n.Value) * 24 * time.Hour }
