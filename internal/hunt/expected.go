package hunt

import (
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/fault"
)

// Expected is an entry of the list of what is known and harmless: hits of
// its rule, where the rest of it fits, are not told and feed no correlation.
type Expected struct {
	Rule   string    // id, or title of a rule without one
	Host   string    // empty: any
	User   string    // empty: any
	Field  string    // a field of the event that must have the value; empty: none
	Value  string    // compared without regard to case
	Reason string    // why it is harmless
	Until  time.Time // the end of the day from which on it is told again
}

// Bounds of a list of suppressions.
const (
	maxExpected     = 10_000
	longestExpected = 366 * 24 * time.Hour
)

// ParseExpected reads a list in TOML:
//
//	[[suppress]]
//	rule = "71e8541f-3056-4b8e-b81b-a798408f796a"
//	host = "DC01.example.jp"      # optional, as are user, and field with value
//	reason = "a controller is being built"
//	until = 2027-01-31            # a year from now at most
//
// Those whose time is over are returned apart.
func ParseExpected(text []byte, now time.Time) (live, over []Expected, err error) {
	var file struct {
		Suppress []struct {
			Rule   string `toml:"rule"`
			Host   string `toml:"host"`
			User   string `toml:"user"`
			Field  string `toml:"field"`
			Value  string `toml:"value"`
			Reason string `toml:"reason"`
			Until  any    `toml:"until"`
		} `toml:"suppress"`
	}
	about, err := toml.Decode(string(text), &file)
	if err != nil {
		return nil, nil, fault.New(fault.Usage, "hunt.suppress.form", "detail", err.Error()).Because(err)
	}
	if other := about.Undecoded(); len(other) > 0 {
		return nil, nil, fault.New(fault.Usage, "hunt.suppress.form", "detail", other[0].String())
	}
	if len(file.Suppress) > maxExpected {
		return nil, nil, fault.New(fault.Usage, "hunt.suppress.many", "n", maxExpected)
	}
	for i, e := range file.Suppress {
		bad := func(what string) error {
			return fault.New(fault.Usage, "hunt.suppress.entry", "n", i+1, "what", what)
		}
		s := Expected{Rule: strings.TrimSpace(e.Rule), Host: e.Host, User: e.User, Field: e.Field, Value: e.Value, Reason: strings.TrimSpace(e.Reason)}
		var ok bool
		if s.Until, ok = endOf(e.Until); !ok || s.Until.After(now.Add(longestExpected)) {
			return nil, nil, bad("until")
		}
		switch {
		case s.Rule == "":
			return nil, nil, bad("rule")
		case s.Reason == "":
			return nil, nil, bad("reason")
		case (s.Field == "") != (s.Value == ""):
			return nil, nil, bad("field")
		}
		if s.Until.After(now) {
			live = append(live, s)
		} else {
			over = append(over, s)
		}
	}
	return live, over, nil
}

// endOf reads a day, whose end it returns, or a time.
func endOf(v any) (time.Time, bool) {
	switch t := v.(type) {
	case time.Time:
		if t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 {
			return t.AddDate(0, 0, 1), true
		}
		return t, true
	case string:
		d, err := time.Parse(time.DateOnly, t)
		return d.AddDate(0, 0, 1), err == nil
	}
	return time.Time{}, false
}

// expectations are the list by rule.
type expectations map[string][]Expected

func byRule(list []Expected) expectations {
	s := expectations{}
	for _, x := range list {
		s[x.Rule] = append(s[x.Rule], x)
	}
	return s
}

// cover reports whether a detection is known to be harmless.
func (s expectations) cover(d *Detection) bool {
	for _, x := range s[d.Rule.Ref()] {
		if (x.Host == "" || strings.EqualFold(x.Host, d.Host)) && (x.User == "" || strings.EqualFold(x.User, d.User)) && (x.Field == "" || has(d.Event, x.Field, x.Value)) {
			return true
		}
	}
	return false
}

func has(event []Field, name, value string) bool {
	for _, f := range event {
		if f.Name == name && strings.EqualFold(f.Value, value) {
			return true
		}
	}
	return false
}
