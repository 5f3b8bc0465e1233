package approval

import (
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/text"
)

// Row is one number that bounds approvals of a kind, with where it is from.
type Row struct {
	Kind     Kind      `toml:"kind" json:"kind"`
	Rule     string    `toml:"rule" json:"rule"`
	Value    int       `toml:"value" json:"value"`
	Source   text.Both `toml:"source" json:"source"`
	Verified bool      `toml:"verified" json:"verified"` // compared with an official source
}

// Commission is how the commission decides.
type Commission struct {
	Members  int       `toml:"members" json:"members"`
	Quorum   int       `toml:"quorum" json:"quorum"`
	Source   text.Both `toml:"source" json:"source"`
	Verified bool      `toml:"verified" json:"verified"`
}

// Rules are the numbers of data/kinds.toml.
type Rules struct {
	Commission Commission `toml:"commission" json:"commission"`
	Notice     struct {
		Days     []int     `toml:"days" json:"days"`
		Source   text.Both `toml:"source" json:"source"`
		Verified bool      `toml:"verified" json:"verified"`
	} `toml:"notice" json:"notice"`
	Rows []Row `toml:"row" json:"rows"`
}

//go:embed data/kinds.toml
var kindsFile string

// numbers lists the rules that every kind needs, and between what they lie.
var numbers = []struct {
	rule     string
	low, top int
}{{"months", 1, 120}, {"extension_months", 0, 120}, {"share_percent", 0, 100}, {"retain_days", 1, 36500}, {"parallel", 1, 100}}

// LoadRules reads a file of the form of data/kinds.toml; an empty one is that
// file. Errors name the row.
func LoadRules(file string) (r Rules, err error) {
	if file == "" {
		file = kindsFile
	}
	meta, err := toml.Decode(file, &r)
	if err != nil {
		return r, fmt.Errorf("rules of approvals: %w", err)
	}
	if extra := meta.Undecoded(); len(extra) > 0 {
		return r, fmt.Errorf("rules of approvals: %s: no such key", extra[0])
	}
	if c := r.Commission; c.Members < 1 || c.Quorum < 1 || c.Quorum > c.Members || c.Members > 100 {
		return r, fmt.Errorf("rules of approvals: commission: a quorum of %d of %d members", c.Quorum, c.Members)
	}
	seen := map[string]bool{}
	for _, row := range r.Rows {
		at := string(row.Kind) + " " + row.Rule
		i := slices.IndexFunc(numbers, func(n struct {
			rule     string
			low, top int
		}) bool {
			return n.rule == row.Rule
		})
		switch {
		case !slices.Contains(Kinds, row.Kind) && !row.Kind.measures() && !row.Kind.given():
			return r, fmt.Errorf("rules of approvals: %s: no such kind", at)
		case i < 0 || row.Value < numbers[i].low || row.Value > numbers[i].top:
			return r, fmt.Errorf("rules of approvals: %s: %d is no such number", at, row.Value)
		case seen[at] || row.Source.JA == "" || row.Source.EN == "":
			return r, fmt.Errorf("rules of approvals: %s: twice, or without a source", at)
		}
		seen[at] = true
	}
	for _, k := range slices.Concat(Kinds, MeasureKinds, []Kind{Agreement, OwnNetwork}) {
		for _, n := range numbers {
			if !seen[string(k)+" "+n.rule] {
				return r, fmt.Errorf("rules of approvals: %s %s: is missing", k, n.rule)
			}
		}
	}
	slices.Sort(r.Notice.Days)
	return r, nil
}

// Row returns a number of a kind; the zero Row when there is none, which bounds
// everything away.
func (r *Rules) Row(k Kind, rule string) Row {
	for _, row := range r.Rows {
		if row.Kind == k && row.Rule == rule {
			return row
		}
	}
	return Row{Kind: k, Rule: rule}
}

// last is the latest end of a period that begins at an instant: so many calendar
// months later in Japan, or the last instant of the month that lacks the day.
func (r *Rules) last(k Kind, from time.Time, extension bool) time.Time {
	rule := "months"
	if extension {
		rule = "extension_months"
	}
	n := r.Row(k, rule).Value
	from = from.In(text.JST)
	at := from.AddDate(0, n, 0)
	if at.Day() != from.Day() { // the 31st of a month that has none: AddDate went on into the next
		at = at.AddDate(0, 0, -at.Day())
	}
	return at
}

// tally counts votes, the last of each member.
func (r *Rules) tally(votes []Vote) Tally {
	yes := 0
	for _, v := range votes {
		if v.Choice == For {
			yes++
		}
	}
	return r.Commission.Tally(yes, len(votes)-yes)
}

// Tally says what so many votes come to: once a quorum has voted, the majority
// approves, and anything else refuses.
func (c *Commission) Tally(yes, no int) Tally {
	t := Tally{For: yes, Against: no, Quorum: c.Quorum, Members: c.Members}
	t.Closes = yes+no >= c.Quorum
	t.Passes = t.Closes && yes > no
	return t
}

// soon reports whether an end is so near that the calendar calls it up.
func (r *Rules) soon(until, now time.Time) bool {
	days := r.Notice.Days
	return len(days) > 0 && now.Before(until) && until.Sub(now) <= time.Duration(days[len(days)-1])*24*time.Hour
}
