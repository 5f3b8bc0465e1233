package incident

import (
	"errors"
	"fmt"
	"slices"
)

// Condition asks one thing of a report. Exactly one of Is, In and Has is set.
type Condition struct {
	Field FieldID  `toml:"field"`
	Is    any      `toml:"is"`  // true, false, or the id of an option
	In    []string `toml:"in"`  // ids of options
	Has   string   `toml:"has"` // an option among the chosen
	Ask   bool     `toml:"ask"` // without an answer it is open, not failed
}

func (c *Condition) check(f *Field) error {
	option := func(id string) error {
		if _, ok := f.Option(id); !ok {
			return fmt.Errorf("no option %q", id)
		}
		return nil
	}
	switch is := c.Is.(type) {
	case bool:
		if f.Type != TypeBool || c.In != nil || c.Has != "" {
			return errors.New("is = true or false belongs to yes or no alone")
		}
		return nil
	case string:
		if f.Type != TypeChoice || c.In != nil || c.Has != "" {
			return errors.New("is belongs to a choice alone")
		}
		return option(is)
	case nil:
	default:
		return fmt.Errorf("is = %v", is)
	}
	switch {
	case c.Has != "" && c.In == nil && f.Type == TypeChoices:
		return option(c.Has)
	case c.Has == "" && len(c.In) > 0 && f.Type == TypeChoice:
		for _, id := range c.In {
			if err := option(id); err != nil {
				return err
			}
		}
		return nil
	}
	return errors.New("one of is, in (of a choice) and has (of choices)")
}

// Verdict is the answer to a condition: yes, no, or open while an answer is
// missing, unknown or being investigated.
type Verdict string

// The verdicts.
const (
	VerdictYes  Verdict = "yes"
	VerdictNo   Verdict = "no"
	VerdictOpen Verdict = "open"
)

func verdictOf(b bool) Verdict {
	if b {
		return VerdictYes
	}
	return VerdictNo
}

// holds answers the condition for a report.
func (c *Condition) holds(r *Report) Verdict {
	v := r.Value(c.Field)
	switch v.State {
	case Known:
	case "":
		if c.Ask {
			return VerdictOpen
		}
		return VerdictNo
	default:
		return VerdictOpen
	}
	switch x := v.V.(type) {
	case bool:
		return verdictOf(c.Is == x)
	case string:
		return verdictOf(c.Is == x || slices.Contains(c.In, x))
	case []string:
		return verdictOf(slices.Contains(x, c.Has))
	}
	return VerdictNo
}

// allHold answers whether every condition holds, and which questions keep it open.
func allHold(cs []Condition, r *Report) (Verdict, []FieldID) {
	var open []FieldID
	for i := range cs {
		switch cs[i].holds(r) {
		case VerdictNo:
			return VerdictNo, nil
		case VerdictOpen:
			open = append(open, cs[i].Field)
		}
	}
	if open != nil {
		return VerdictOpen, open
	}
	return VerdictYes, nil
}

// AppliesTo answers whether a report falls under the profile, and which
// questions decide it while that is open. Whether the regime is in force is
// another question: see InForce.
func (p *Profile) AppliesTo(r *Report) (Verdict, []FieldID) {
	if len(p.Kinds) > 0 && !slices.Contains(p.Kinds, r.Kind) {
		return VerdictNo, nil
	}
	return allHold(p.Applies, r)
}

// RequiredFields returns what a stage wants of this report, in the order of
// the data, without repetition.
func (s *ProfileStage) RequiredFields(r *Report) []FieldID {
	d := Dictionary()
	var out []FieldID
	add := func(ids []FieldID) {
		for _, id := range ids {
			if f, ok := d.Get(id); ok && f.For(r.Kind) && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	add(s.Required)
	for _, q := range s.RequiredWhen {
		if v, _ := allHold(q.When, r); v == VerdictYes {
			add(q.Fields)
		}
	}
	return out
}
