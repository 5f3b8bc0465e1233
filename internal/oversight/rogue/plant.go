package rogue

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrRule says that a rule is none of [Rules]; ErrPlace that it cannot be broken
// in the entries alone.
var (
	ErrRule  = errors.New("rogue: no such rule")
	ErrPlace = errors.New("rogue: nothing could be found in the entries by which this rule alone is broken")
)

// Rules lists the rules that can be broken.
func Rules() (ids []string) {
	for _, c := range Crimes() {
		if !slices.Contains(ids, c.Rule) {
			ids = append(ids, c.Rule)
		}
	}
	slices.Sort(ids)
	return ids
}

// How hard a place is looked for: in so many ways of every crime, and in so many
// made-up pasts where the entries themselves have none.
const (
	ways  = 6
	pasts = 60
)

// Plant breaks one rule in the entries of a lawful ledger, and nothing else.
// Judge says which rules a replay finds broken, as oversight.Broken does: what is
// planted is tried until it is that rule alone. Where the entries have no place
// for it, a made-up past comes before them in which the rule is broken. Errors:
// ErrRule, ErrPlace, those of judge, and of leaves that are no entries.
func Plant(entries [][]byte, rule string, judge func([][]byte) ([]string, error)) ([][]byte, error) {
	if !slices.Contains(Rules(), rule) {
		return nil, fmt.Errorf("%w: %s", ErrRule, rule)
	}
	for seed := range uint64(ways) {
		if out, err := breaks(entries, nil, rule, seed, judge); out != nil || err != nil {
			return out, err
		}
	}
	for seed := range uint64(pasts) {
		before, err := past(entries, seed)
		if err != nil {
			return nil, err
		}
		if out, err := breaks(before, entries, rule, seed, judge); out != nil || err != nil {
			return out, err
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrPlace, rule)
}

// breaks tries the crimes that break a rule; nil where none breaks it alone.
func breaks(entries, after [][]byte, rule string, seed uint64, judge func([][]byte) ([]string, error)) ([][]byte, error) {
	for _, c := range Crimes() {
		if c.Rule != rule {
			continue
		}
		out, ok, err := c.Commit(entries, seed)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		out = slices.Concat(out, after)
		found, err := judge(out)
		if err != nil {
			return nil, err
		}
		if len(found) == 1 && found[0] == rule {
			return out, nil
		}
	}
	return nil, nil
}

// long is more than a made-up past lasts.
const long = 600 * 24 * time.Hour

// past makes up what was before the entries, before the same commission.
func past(entries [][]byte, seed uint64) ([][]byte, error) {
	w, err := read(entries, seed)
	if err != nil {
		return nil, err
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if len(w.all) > 0 {
		start = w.all[0].At
	}
	who := w.commission()
	if who == "" {
		who = "O-commission"
	}
	h := history{all: lawful(seed+500, 3, start.Add(-long).Truncate(time.Hour), who)}
	if h.end().After(start) {
		return nil, fmt.Errorf("BUG: rogue: a past of %d entries that goes on", len(h.all))
	}
	return h.leaves(), nil
}
