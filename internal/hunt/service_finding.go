package hunt

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/engine/sigma"
)

func (f *Finding) open(c *key.Cipher) error {
	var x sealedFinding
	if err := c.OpenJSON(f.sealed, findingName(f.ID), &x); err != nil {
		return err
	}
	f.Rule, f.Title, f.Level, f.Kind, f.Host, f.User, f.Attack, f.Tactics = x.Rule, x.Title, x.Level, x.Kind, x.Host, x.User, x.Attack, x.Tactics
	if f.Attack == nil {
		f.Attack = []string{}
	}
	if len(f.reason) > 0 {
		return c.OpenJSON(f.reason, decisionName(f.Decision), &f.Reason)
	}
	return nil
}

func openAll(c *key.Cipher, list []Finding) error {
	for i := range list {
		if err := list[i].open(c); err != nil {
			return err
		}
	}
	return nil
}

// tagged writes the names of a filter as the tags by which they are stored. A
// hunt may be named by its number.
func (s *Service) tagged(ctx context.Context, tx *db.Tx, c *key.Cipher, org string, f FindingFilter) (t tagged, err error) {
	var bad problems
	if _, ok := sigma.ParseLevel(f.Level); !ok && f.Level != "" {
		bad.add("level", "hunt.bad.level")
	}
	if f.State != "" && !slices.Contains(States, f.State) {
		bad.add("state", "hunt.bad.state")
	}
	if err := bad.fault(); err != nil {
		return t, err
	}
	t = tagged{FindingFilter: f}
	if f.Hunt != "" {
		h, err := loadHunt(ctx, tx, org, f.Hunt)
		if err != nil {
			return t, err
		}
		t.Hunt = h.ID
		if f.Run != "" { // a run is of one hunt, which need not be looked for
			r, err := loadRun(ctx, tx, org, f.Run)
			if err != nil && !errors.Is(err, ErrNone) {
				return t, err
			}
			if err == nil && r.Hunt == h.ID {
				t.Hunt = ""
			}
		}
	}
	if f.Rule != "" {
		t.rule = ruleTag(c, f.Rule)
	}
	if f.Host != "" {
		t.host = hostTag(c, f.Host)
	}
	if f.User != "" {
		t.user = userTag(c, f.User)
	}
	return t, nil
}

// filtered runs queries over the findings of one's own organisation that a filter
// finds. Of an organisation that never received any, fn is not asked. Faults:
// ErrNone of the hunt, ErrInvalid.
func (s *Service) filtered(ctx context.Context, verb string, f FindingFilter, fn func(tx *db.Tx, org string, c *key.Cipher, t tagged) error) error {
	return s.read(ctx, verb, func(tx *db.Tx, who gate.Identity) error {
		c, err := s.cipher(ctx, tx, who.Org)
		switch {
		case err != nil:
			return err
		case c == nil && f.Hunt != "":
			return ErrNone
		case c == nil:
			return nil
		}
		t, err := s.tagged(ctx, tx, c, who.Org, f)
		if err != nil {
			return err
		}
		return fn(tx, who.Org, c, t)
	})
}

// Findings lists findings of one's own organisation, the gravest first, of one
// level the newest. Faults: ErrNone of the hunt, ErrInvalid.
func (s *Service) Findings(ctx context.Context, f FindingFilter) (out []Finding, next string, err error) {
	err = s.filtered(ctx, "hunt.findings", f, func(tx *db.Tx, org string, c *key.Cipher, t tagged) (err error) {
		if out, next, err = listFindings(ctx, tx, org, t); err != nil {
			return err
		}
		return openAll(c, out)
	})
	return out, next, err
}

// Count counts the findings that a filter finds, for an act over all of them.
// Faults: ErrNone of the hunt, ErrInvalid.
func (s *Service) Count(ctx context.Context, f FindingFilter) (n int, err error) {
	err = s.filtered(ctx, "hunt.count", f, func(tx *db.Tx, org string, _ *key.Cipher, t tagged) (err error) {
		n, err = countFindings(ctx, tx, org, t)
		return err
	})
	return n, err
}

// CountParts counts the findings that a filter finds by state and by level, each
// without its own part of the filter. Faults: ErrNone of the hunt, ErrInvalid.
func (s *Service) CountParts(ctx context.Context, f FindingFilter) (states map[State]int, levels map[string]int, err error) {
	levels = map[string]int{}
	err = s.filtered(ctx, "hunt.counts", f, func(tx *db.Tx, org string, _ *key.Cipher, t tagged) (err error) {
		without := t
		without.State, without.Waiting = "", false
		if states, err = countStates(ctx, tx, org, without); err != nil {
			return err
		}
		without = t
		without.Level = ""
		by, err := countLevels(ctx, tx, org, without)
		for level, n := range by {
			levels[level.String()] = n
		}
		return err
	})
	return states, levels, err
}

// Rare returns which of some findings are of a rule that found little within a
// filter, at most so many, with how many those are; by the findings' ids. Faults:
// ErrNone of the hunt, ErrInvalid.
func (s *Service) Rare(ctx context.Context, f FindingFilter, list []Finding, most int) (rare map[string]int, err error) {
	rare = map[string]int{}
	err = s.filtered(ctx, "hunt.counts", f, func(tx *db.Tx, org string, _ *key.Cipher, t tagged) error {
		rules, err := rareRules(ctx, tx, org, t, most)
		for _, x := range list {
			if n := rules[x.ruleTag]; n > 0 {
				rare[x.ID] = n
			}
		}
		return err
	})
	return rare, err
}

// CountSome counts the findings that a filter finds up to a bound, beyond which
// more is true. Faults: ErrNone of the hunt, ErrInvalid.
func (s *Service) CountSome(ctx context.Context, f FindingFilter, most int) (n int, more bool, err error) {
	err = s.filtered(ctx, "hunt.count", f, func(tx *db.Tx, org string, _ *key.Cipher, t tagged) (err error) {
		n, err = countSome(ctx, tx, org, t, most+1)
		return err
	})
	return min(n, most), n > most, err
}

// Finding returns a finding with its examples, what of it may be released and
// what was. Faults: ErrNone.
func (s *Service) Finding(ctx context.Context, id string) (out Finding, err error) {
	err = s.read(ctx, "hunt.finding", func(tx *db.Tx, who gate.Identity) error {
		out, _, err = s.finding(ctx, tx, who.Org, id)
		return err
	})
	return out, err
}

func (s *Service) finding(ctx context.Context, tx *db.Tx, org, id string) (out Finding, c *key.Cipher, err error) {
	if out, err = loadFinding(ctx, tx, org, id); err != nil {
		return out, nil, err
	}
	if c, err = s.Keys.For(ctx, tx, org); err != nil {
		return out, nil, fmt.Errorf("finding %s: %w", id, err)
	}
	if err := out.open(c); err != nil {
		return out, c, err
	}
	sealed, err := loadExamples(ctx, tx, id)
	if err != nil {
		return out, c, fmt.Errorf("finding %s: %w", id, err)
	}
	if err := c.OpenJSON(sealed, findingName(id)+"/examples", &out.Examples); err != nil {
		return out, c, err
	}
	if out.Released, err = listReleased(ctx, tx, c, id); err != nil {
		return out, c, err
	}
	if s.Own != nil {
		own, err := s.Own(ctx, tx, org)
		if err != nil {
			return out, c, fmt.Errorf("finding %s: %w", id, err)
		}
		out.Releasable = releasable(&out, own)
	} else {
		out.Releasable = releasable(&out, nil)
	}
	return out, c, nil
}

// maxNear is how many findings are shown around one.
const maxNear = 50

// Near returns what happened within an hour of a finding on its host, and of its
// account. Faults: ErrNone.
func (s *Service) Near(ctx context.Context, id string) (out Near, err error) {
	err = s.read(ctx, "hunt.near", func(tx *db.Tx, who gate.Identity) error {
		f, err := loadFinding(ctx, tx, who.Org, id)
		if err != nil || f.First.IsZero() {
			return err
		}
		c, err := s.Keys.For(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("finding %s: %w", id, err)
		}
		from, until := db.Micros(f.First.Add(-near)), db.Micros(f.Last.Add(near))
		for _, x := range []struct {
			to               *[]Finding
			column, tag, own string
		}{{&out.Host, "f.host_tag", f.hostTag, hostTag(c, "")}, {&out.User, "f.user_tag", f.userTag, userTag(c, "")}} {
			if x.tag == x.own { // it has no host, or no account
				continue
			}
			if *x.to, err = nearFindings(ctx, tx, who.Org, x.column, x.tag, id, from, until, maxNear); err != nil {
				return err
			}
			if err := openAll(c, *x.to); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// By are the columns that findings are counted by.
var By = []string{"host", "user", "technique", "rule"}

var byColumn = map[string]string{"host": "f.host_tag", "user": "f.user_tag", "technique": "t.technique", "rule": "f.rule_tag"}

// Counts counts findings by host, user, technique or rule within a filter, the
// most first. Faults: ErrInvalid.
func (s *Service) Counts(ctx context.Context, f FindingFilter, by string, limit int) (out []Counted, err error) {
	err = s.read(ctx, "hunt.counts", func(tx *db.Tx, who gate.Identity) error {
		if byColumn[by] == "" {
			var bad problems
			bad.add("by", "hunt.bad.by")
			return bad.fault()
		}
		c, err := s.cipher(ctx, tx, who.Org)
		if err != nil || c == nil {
			return err
		}
		t, err := s.tagged(ctx, tx, c, who.Org, f)
		if err != nil {
			return err
		}
		list, err := countBy(ctx, tx, who.Org, t, byColumn[by], db.Limit(limit))
		if err != nil {
			return err
		}
		for _, x := range list {
			one := Counted{Value: x.key, Count: x.n}
			if by != "technique" {
				f, err := loadFinding(ctx, tx, who.Org, x.sample)
				if err != nil {
					return err
				}
				if err := f.open(c); err != nil {
					return err
				}
				one.Value = map[string]string{"host": f.Host, "user": f.User, "rule": f.Rule}[by]
				if by == "rule" {
					one.Title = f.Title
				}
			}
			out = append(out, one)
		}
		return nil
	})
	return out, err
}

// Compare counts what came, went and stayed from one run of a hunt to another.
// Faults: ErrNone, ErrDifferent.
func (s *Service) Compare(ctx context.Context, before, after string) (out Compared, err error) {
	err = s.compare(ctx, "hunt.compare", before, after, func(tx *db.Tx, who gate.Identity, a, b Received) (err error) {
		out.Before, out.After = a, b
		old, err := countRun(ctx, tx, before)
		now, e := countRun(ctx, tx, after)
		if err = errors.Join(err, e); err != nil {
			return err
		}
		out.Both, err = countBoth(ctx, tx, before, after)
		out.Gone, out.Came = old-out.Both, now-out.Both
		return err
	})
	return out, err
}

// Changed lists the findings that came, went or stayed from one run of a hunt to
// another. Faults: ErrNone, ErrDifferent, ErrInvalid.
func (s *Service) Changed(ctx context.Context, before, after string, change Change, cursor string, limit int) (out []Finding, next string, err error) {
	err = s.compare(ctx, "hunt.changed", before, after, func(tx *db.Tx, who gate.Identity, _, _ Received) (err error) {
		if !slices.Contains(Changes, change) {
			var bad problems
			bad.add("change", "hunt.bad.change")
			return bad.fault()
		}
		if out, next, err = listChange(ctx, tx, who.Org, before, after, change, cursor, limit); err != nil {
			return err
		}
		c, err := s.Keys.For(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		return openAll(c, out)
	})
	return out, next, err
}

func (s *Service) compare(ctx context.Context, verb, before, after string, fn func(tx *db.Tx, who gate.Identity, a, b Received) error) error {
	return s.read(ctx, verb, func(tx *db.Tx, who gate.Identity) error {
		a, err := s.run(ctx, tx, who.Org, before)
		b, e := s.run(ctx, tx, who.Org, after)
		if err := errors.Join(err, e); err != nil {
			if errors.Is(err, ErrNone) {
				return ErrNone
			}
			return err
		}
		if a.Hunt != b.Hunt || a.ID == b.ID {
			return ErrDifferent
		}
		return fn(tx, who, a, b)
	})
}
