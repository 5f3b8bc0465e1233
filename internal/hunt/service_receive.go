package hunt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/engine/sigma"
)

func (r *Received) open(c *key.Cipher) error { return c.OpenJSON(r.sealed, runName(r.ID), &r.Told) }

// Receive begins to take in the results of a run. The key is of the sender's
// choice, 8 to 128 letters: with the same key again the run that is there is
// given back, so that whoever had no answer goes on where they were. Faults:
// ErrNone, ErrStage, ErrInvalid.
func (s *Service) Receive(ctx context.Context, hunt, sendKey string, told Told) (out Received, err error) {
	act := &ledger.Act{Verb: "hunt.receive"}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		h, err := loadHunt(ctx, tx, who.Org, hunt)
		if err != nil {
			return err
		}
		act.Object = huntName(h.ID)
		c, err := s.Keys.For(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("receive a run: %w", err)
		}
		if len(sendKey) < 8 || len(sendKey) > 128 || strings.ContainsFunc(sendKey, func(r rune) bool { return r <= ' ' || r > '~' }) {
			var bad problems
			bad.add("key", "hunt.bad.key")
			return bad.fault()
		}
		tag := c.Tag("hunt/run", sendKey)
		if out, err = loadRunKey(ctx, tx, who.Org, h.ID, tag); err == nil {
			if !out.RemovedAt.IsZero() {
				return ErrExpired
			}
			return s.show(c, &out)
		}
		if !errors.Is(err, ErrNone) {
			return err
		}
		if h.Stage != Opened {
			return ErrStage
		}
		if told, err = told.normal(s.now()); err != nil {
			return err
		}
		out = Received{ID: newID(), Hunt: h.ID, Told: told, By: who.Person, At: s.now(), Entry: act.Entry, org: who.Org, key: tag, heldAt: db.Micros(h.HoldAt)}
		if out.sealed, err = c.SealJSON(told, runName(out.ID)); err != nil {
			return err
		}
		if err := s.show(c, &out); err != nil {
			return err
		}
		act.Secret = told
		return insertRun(ctx, tx, out)
	})
	return out, err
}

// ReceivePart takes in a part of the results of a run, which are numbered from
// 1. A part that is there already changes nothing. All or nothing. Faults:
// ErrNone, ErrDone, ErrPart, ErrInvalid with the detection's number.
func (s *Service) ReceivePart(ctx context.Context, run string, number int, list []Incoming) (out Received, err error) {
	act := &ledger.Act{Verb: "hunt.receive_part", Object: runName(run)}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		r, c, err := s.receiving(ctx, tx, who.Org, run)
		if err != nil {
			return err
		}
		switch {
		case number >= 1 && number <= r.Parts:
			out = r
			return nil
		case !r.DoneAt.IsZero():
			return ErrDone
		case number != r.Parts+1:
			return fault.New(fault.Conflict, ErrPart.Code, "next", r.Parts+1)
		}
		quiet, err := s.inForce(ctx, tx, c, who.Org)
		if err != nil {
			return err
		}
		t := &taking{run: &r, cipher: c, quiet: quiet, now: s.now(), groups: map[string]*group{}}
		if err := t.sort(slices.Clone(list)); err != nil {
			return err
		}
		if err := t.store(ctx, tx); err != nil {
			return fmt.Errorf("take in a part of run %s: %w", run, err)
		}
		r.Parts++
		act.Secret = list
		out = r
		return updateRun(ctx, tx, r)
	})
	return out, err
}

// receiving loads a run that is about to change.
func (s *Service) receiving(ctx context.Context, tx *db.Tx, org, run string) (Received, *key.Cipher, error) {
	r, err := lockRun(ctx, tx, org, run)
	if err != nil {
		return r, nil, err
	}
	c, err := s.Keys.For(ctx, tx, org)
	if err != nil {
		return r, nil, fmt.Errorf("run %s: %w", run, err)
	}
	if !r.RemovedAt.IsZero() {
		return r, nil, ErrExpired
	}
	return r, c, s.show(c, &r)
}

// ReceiveEnd says that a run came in whole, in so many parts; saying it again
// changes nothing. Faults: ErrNone, ErrPart.
func (s *Service) ReceiveEnd(ctx context.Context, run string, parts int) (out Received, err error) {
	act := &ledger.Act{Verb: "hunt.receive_end", Object: runName(run)}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		r, _, err := s.receiving(ctx, tx, who.Org, run)
		if err != nil {
			return err
		}
		if r.Parts != parts {
			return fault.New(fault.Conflict, ErrPart.Code, "next", r.Parts+1)
		}
		if out = r; !r.DoneAt.IsZero() {
			return nil
		}
		out.DoneAt = s.now()
		act.Public = map[string]any{"detections": out.Taken + out.Beyond, "findings": out.Groups}
		if err := updateRun(ctx, tx, out); err != nil {
			return err
		}
		return publish(ctx, tx, "run_received", Happened{Hunt: r.Hunt, Run: run, Org: who.Org, New: out.Groups, Entry: act.Entry})
	})
	return out, err
}

// Runs lists the runs of a hunt, or of all when hunt is empty, the newest first.
// Faults: ErrNone.
func (s *Service) Runs(ctx context.Context, hunt, cursor string, limit int) (out []Received, next string, err error) {
	err = s.read(ctx, "hunt.runs", func(tx *db.Tx, who gate.Identity) error {
		if hunt != "" {
			h, err := loadHunt(ctx, tx, who.Org, hunt)
			if err != nil {
				return err
			}
			hunt = h.ID
		}
		if out, next, err = listRuns(ctx, tx, who.Org, hunt, cursor, limit); err != nil || len(out) == 0 {
			return err
		}
		c, err := s.Keys.For(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("list runs: %w", err)
		}
		for i := range out {
			if err := s.show(c, &out[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return out, next, err
}

// Run returns a run. Faults: ErrNone.
func (s *Service) Run(ctx context.Context, id string) (out Received, err error) {
	err = s.read(ctx, "hunt.run", func(tx *db.Tx, who gate.Identity) error {
		out, err = s.run(ctx, tx, who.Org, id)
		return err
	})
	return out, err
}

func (s *Service) run(ctx context.Context, tx *db.Tx, org, id string) (Received, error) {
	r, err := loadRun(ctx, tx, org, id)
	if err != nil {
		return r, err
	}
	c, err := s.Keys.For(ctx, tx, org)
	if err != nil {
		return r, fmt.Errorf("run %s: %w", id, err)
	}
	return r, s.show(c, &r)
}

// sealedFinding is what of a finding is stored encrypted, beside its examples.
type sealedFinding struct {
	Rule   string   `json:"rule"`
	Title  string   `json:"title"`
	Level  string   `json:"level"`
	Kind   string   `json:"kind"`
	Host   string   `json:"host"`
	User   string   `json:"user"`
	Attack []string `json:"attack,omitempty"`

	Tactics []string `json:"tactics,omitempty"`
}

// group is what one part says of one finding.
type group struct {
	Finding
	level sigma.Level
}

// taking is a part on its way in.
type taking struct {
	run    *Received
	cipher *key.Cipher
	quiet  []Suppression
	now    time.Time
	groups map[string]*group
	order  []*group
}

// sort puts the detections of a part into groups.
func (t *taking) sort(list []Incoming) error {
	var bad problems
	if len(list) > MaxLines {
		bad.add("detections", "hunt.bad.many", "max", MaxLines)
		return bad.fault()
	}
	for i := range list {
		d := &list[i]
		level, cut, code := d.normal(t.now)
		if code != "" {
			if bad.add(fmt.Sprintf("detections.%d", i), code); len(bad) >= 50 {
				break
			}
			continue
		}
		t.put(d, level, cut)
	}
	return bad.fault()
}

func (t *taking) put(d *Incoming, level sigma.Level, cut bool) {
	if t.run.Taken >= maxTaken {
		t.run.Beyond++
		return
	}
	t.run.Taken++
	host, user := strings.ToLower(d.Host), strings.ToLower(d.User) // names of machines and accounts differ in case from log to log
	name := fmt.Sprintf("%d:%s%d:%s%s", len(d.Rule.Ref()), d.Rule.Ref(), len(host), host, user)
	g := t.groups[name]
	if g == nil {
		g = &group{level: level, Finding: Finding{Hunt: t.run.Hunt, Run: t.run.ID, Rule: d.Rule.Ref(), Title: d.Rule.Title, Level: level.String(), Kind: d.Kind, Host: d.Host, User: d.User, Attack: d.Attack, Tactics: d.tactics(), org: t.run.org}}
		g.tag, g.ruleTag, g.hostTag, g.userTag = t.cipher.Tag("hunt/finding", name), ruleTag(t.cipher, g.Rule), hostTag(t.cipher, d.Host), userTag(t.cipher, d.User)
		t.groups[name], t.order = g, append(t.order, g)
	}
	g.Count++
	for i := range t.quiet {
		if t.quiet[i].fits(d) {
			g.Quiet, g.Suppression = g.Quiet+1, t.quiet[i].ID
			t.run.Quiet++
			break
		}
	}
	g.spread(d.Time, d.Time)
	g.spread(d.Last, d.Last)
	if len(g.Examples) < maxExampleSets {
		g.Examples = append(g.Examples, d.example(cut))
	}
}

// spread widens the time of a finding.
func (f *Finding) spread(first, last time.Time) {
	if !first.IsZero() && (f.First.IsZero() || first.Before(f.First)) {
		f.First = first
	}
	if last.After(f.Last) {
		f.Last = last
	}
}

// Tags of what findings are filtered by. A name that is empty has one too.
func ruleTag(c *key.Cipher, v string) string { return c.Tag("hunt/rule", v) }
func hostTag(c *key.Cipher, v string) string { return c.Tag("hunt/host", strings.ToLower(v)) }
func userTag(c *key.Cipher, v string) string { return c.Tag("hunt/user", strings.ToLower(v)) }

// store writes the groups of a part, those that are there already together with
// what they were. Beyond so many findings of a run the rest is counted.
func (t *taking) store(ctx context.Context, tx *db.Tx) error {
	for _, g := range t.order {
		old, err := loadTag(ctx, tx, t.run.ID, g.tag)
		switch {
		case errors.Is(err, ErrNone) && t.run.Groups >= maxFindings:
			t.run.Taken -= g.Count
			t.run.Quiet -= g.Quiet
			t.run.Beyond += g.Count
			continue
		case errors.Is(err, ErrNone):
			err = t.first(ctx, tx, g)
		case err == nil:
			err = t.again(ctx, tx, g, old)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *taking) first(ctx context.Context, tx *db.Tx, g *group) (err error) {
	t.run.Groups++
	g.ID, g.At, g.ChangedAt, g.State, g.Version = newID(), t.now, t.now, Fresh, 1
	g.settle()
	g.place = placeOf(g.level, g.Last)
	x := sealedFinding{g.Rule, g.Title, g.Level, g.Kind, g.Host, g.User, g.Attack, g.Tactics}
	if g.sealed, err = t.cipher.SealJSON(x, findingName(g.ID)); err != nil {
		return err
	}
	if err := insertFinding(ctx, tx, g.Finding); err != nil {
		return err
	}
	if err := insertAttack(ctx, tx, g.Finding); err != nil {
		return err
	}
	examples, err := t.cipher.SealJSON(g.Examples, findingName(g.ID)+"/examples")
	if err != nil {
		return err
	}
	return putExamples(ctx, tx, g.ID, examples)
}

func (t *taking) again(ctx context.Context, tx *db.Tx, g *group, old Finding) error {
	place := old.place
	old.Count, old.Quiet = old.Count+g.Count, old.Quiet+g.Quiet
	old.spread(g.First, g.Last)
	if g.Suppression != "" {
		old.Suppression = g.Suppression
	}
	if old.Decision == "" { // what a person decided stays
		old.settle()
	}
	old.ChangedAt, old.place = t.now, placeOf(g.level, old.Last)
	old.Version++
	if err := updateFinding(ctx, tx, old); err != nil {
		return err
	}
	if old.place != place {
		if err := moveAttack(ctx, tx, old.ID, old.place); err != nil {
			return err
		}
	}
	sealed, err := loadExamples(ctx, tx, old.ID)
	if err != nil {
		return err
	}
	var have []Example
	if err := t.cipher.OpenJSON(sealed, findingName(old.ID)+"/examples", &have); err != nil {
		return err
	}
	if len(have) >= maxExampleSets {
		return nil
	}
	have = append(have, g.Examples[:min(len(g.Examples), maxExampleSets-len(have))]...)
	if sealed, err = t.cipher.SealJSON(have, findingName(old.ID)+"/examples"); err != nil {
		return err
	}
	return putExamples(ctx, tx, old.ID, sealed)
}

// settle says what nobody has decided: a finding is harmless when every one of
// its detections is suppressed, and otherwise new.
func (f *Finding) settle() {
	f.State = Fresh
	if f.Quiet == f.Count {
		f.State = Harmless
	} else {
		f.Suppression = ""
	}
}
