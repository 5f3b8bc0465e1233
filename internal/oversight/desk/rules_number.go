package desk

import (
	_ "embed"
	"fmt"
	"time"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/text"
)

// Number is one number of the rules, with where it is from.
type Number struct {
	Value    int       `toml:"value" json:"value"`
	Source   text.Both `toml:"source" json:"source"`
	Verified bool      `toml:"verified" json:"verified"` // it was compared with an official text
}

func (n Number) days() time.Duration  { return time.Duration(n.Value) * 24 * time.Hour }
func (n Number) hours() time.Duration { return time.Duration(n.Value) * time.Hour }

// Numbers are those of data/rules.toml: rules of this project, no law.
type Numbers struct {
	NoticeDays         Number `toml:"notice_days" json:"notice_days"`
	RequestDays        Number `toml:"request_days" json:"request_days"`
	RecommendationDays Number `toml:"recommendation_days" json:"recommendation_days"`
	EarlyDays          Number `toml:"early_days" json:"early_days"`
	RemindDays         Number `toml:"remind_days" json:"remind_days"`
	OpeningDays        Number `toml:"opening_days" json:"opening_days"`
	KeepDays           Number `toml:"keep_days" json:"keep_days"`
	FullHours          Number `toml:"full_hours" json:"full_hours"`
	Confidence         Number `toml:"confidence_percent" json:"confidence_percent"`
	Small              Number `toml:"small_count" json:"small_count"`
}

//go:embed data/rules.toml
var numbersFile string

// LoadNumbers reads data/rules.toml. Errors name the row.
func LoadNumbers() (n Numbers, err error) {
	meta, err := toml.Decode(numbersFile, &n)
	if err != nil {
		return n, fmt.Errorf("numbers of the desk: %w", err)
	}
	if extra := meta.Undecoded(); len(extra) > 0 {
		return n, fmt.Errorf("numbers of the desk: %s: no such key", extra[0])
	}
	for _, x := range []struct {
		name string
		n    Number
		top  int
	}{{"notice_days", n.NoticeDays, 366}, {"request_days", n.RequestDays, 366}, {"recommendation_days", n.RecommendationDays, 366}, {"early_days", n.EarlyDays, 366}, {"remind_days", n.RemindDays, 366},
		{"opening_days", n.OpeningDays, 366}, {"keep_days", n.KeepDays, 3660}, {"full_hours", n.FullHours, 24 * 31}, {"confidence_percent", n.Confidence, 99}, {"small_count", n.Small, 1000}} {
		if x.n.Value < 1 || x.n.Value > x.top || x.n.Source.JA == "" || x.n.Source.EN == "" {
			return n, fmt.Errorf("numbers of the desk: %s: between 1 and %d, and with a source", x.name, x.top)
		}
	}
	return n, nil
}

// answer is how long a body has for a kind of paper.
func (n *Numbers) answer(k Kind) Number {
	switch k {
	case Request:
		return n.RequestDays
	case Recommendation:
		return n.RecommendationDays
	}
	return n.NoticeDays
}

// reminder is the act by which time brings to mind what waits for an answer: empty
// for none, "prompt" once when its day is near, "remind" when it is past, and again
// after some days. Told is when it was brought to mind last, days how long there was
// to answer: what had no more than a few days from the beginning was told then.
// Nothing is prompted in the last minute: its entry is written a little later, and
// one from after the day would say wrongly that the day is near.
func (n *Numbers) reminder(due, told, now time.Time, days int) string {
	switch {
	case now.After(due) && (told.Before(due) || now.Sub(told) >= n.RemindDays.days()):
		return "remind"
	case due.Sub(now) > time.Minute && told.IsZero() && days > n.EarlyDays.Value && due.Sub(now) <= n.EarlyDays.days():
		return "prompt"
	}
	return ""
}
