package sensor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

// at are the places of a fault, as those of the finding i of a request.
func at(err error, i int) []fault.Place {
	places := slices.Clone(fault.Of(err).Places)
	for j := range places {
		places[j].At = "findings." + strconv.Itoa(i) + "." + places[j].At
	}
	return places
}

// normal checks a reading that came in with so many findings. The zero Reading
// stays what it is.
func (r Reading) normal(now time.Time, findings int) (Reading, error) {
	var bad problems
	if findings > MaxFindings {
		bad.add("findings", "sensor.bad.many", "max", MaxFindings)
	}
	if r == (Reading{}) {
		return r, bad.fault()
	}
	r.From, r.Until, r.At = r.From.UTC().Truncate(time.Microsecond), r.Until.UTC().Truncate(time.Microsecond), now
	r.Findings = max(r.Findings, uint64(findings))
	if r.From.Before(earliest) || r.Until.Before(r.From) || r.Until.After(now.Add(ahead)) {
		bad.add("reading.from", "sensor.bad.time")
	}
	const most = 1 << 62 // of a column
	for name, v := range map[string]uint64{"packets": r.Packets, "bytes": r.Bytes, "records": r.Records, "lost": r.Lost, "broken": r.Broken, "evicted": r.Evicted, "findings": r.Findings} {
		if v > most {
			bad.add("reading."+name, "sensor.bad.count")
		}
	}
	return r, bad.fault()
}

func openFinding(c *key.Cipher, f *Finding) error {
	raw, err := c.Open(f.sealed, findingName(f.ID))
	if err != nil {
		return fmt.Errorf("finding %s: %w", f.ID, err)
	}
	kept := f.Found
	if err := json.Unmarshal(raw, &f.Found); err != nil {
		return fmt.Errorf("finding %s: %w", f.ID, err)
	}
	f.Start, f.End = kept.Start, kept.End // of all the times it came in
	if len(f.note) > 0 {
		note, err := c.Open(f.note, findingName(f.ID)+"/note")
		if err != nil {
			return fmt.Errorf("finding %s: %w", f.ID, err)
		}
		f.Note = string(note)
	}
	return nil
}

// Findings lists findings of one's own organisation, the most urgent first, of
// one rank the newest first.
func (s *Service) Findings(ctx context.Context, f Filter) (out []Finding, next string, err error) {
	err = s.read(ctx, "finding.list", func(tx *db.Tx, who gate.Identity) error {
		if out, next, err = listFindings(ctx, tx, who.Org, f, s.now()); err != nil || len(out) == 0 {
			return err
		}
		c, err := s.Keys.For(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("list findings: %w", err)
		}
		for i := range out {
			if err := openFinding(c, &out[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return out, next, err
}

// Tally counts the findings of one's own organisation that wait for somebody,
// by rank.
func (s *Service) Tally(ctx context.Context) (out [4]int, err error) {
	err = s.read(ctx, "finding.list", func(tx *db.Tx, who gate.Identity) error {
		out, err = tally(ctx, tx, who.Org, s.now())
		return err
	})
	return out, err
}

// Finding returns a finding. Faults: ErrNone.
func (s *Service) Finding(ctx context.Context, id string) (out Finding, err error) {
	err = s.read(ctx, "finding.read", func(tx *db.Tx, who gate.Identity) error {
		out, err = s.finding(ctx, tx, who.Org, id)
		return err
	})
	return out, err
}

func (s *Service) finding(ctx context.Context, tx *db.Tx, org, id string) (Finding, error) {
	out, err := loadFinding(ctx, tx, org, id)
	if err != nil {
		return out, err
	}
	c, err := s.Keys.For(ctx, tx, org)
	if err != nil {
		return out, fmt.Errorf("finding %s: %w", id, err)
	}
	if err := openFinding(c, &out); err != nil {
		return out, err
	}
	own, err := s.networks(ctx, tx, c, org)
	if err != nil {
		return out, fmt.Errorf("finding %s: %w", id, err)
	}
	if v := out.other(own); v != "" && (s.Accepts == nil || s.Accepts(v)) {
		out.Releasable = v
	}
	return out, nil
}

// networks are the prefixes that an organisation's sources are registered with.
func (s *Service) networks(ctx context.Context, tx *db.Tx, c *key.Cipher, org string) (own []netip.Prefix, err error) {
	list, _, err := listSources(ctx, tx, org, "", db.MaxLimit)
	for i := range list {
		if err := s.open(c, &list[i]); err != nil {
			return nil, err
		}
		own = append(own, prefixes(list[i].Networks)...)
	}
	return own, err
}

// Decide writes down what a person makes of a finding of the version they saw.
// Faults: ErrNone, ErrStale, ErrInvalid.
func (s *Service) Decide(ctx context.Context, id string, version int64, d Decision) (out Finding, err error) {
	act := &ledger.Act{Verb: "finding.decide", Object: findingName(id), Secret: d}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		if d, err = d.normal(s.now()); err != nil {
			return err
		}
		if out, err = s.finding(ctx, tx, who.Org, id); err != nil {
			return err
		}
		if out.Version != version {
			return ErrStale
		}
		c, err := s.Keys.For(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		out.State, out.UntilAt, out.ChangedAt, out.TakenBy = d.State, d.UntilAt, s.now(), who.Person
		out.Version++
		if d.Note != "" {
			out.Note, out.note = d.Note, c.Seal([]byte(d.Note), findingName(id)+"/note")
		}
		return updateFinding(ctx, tx, out)
	})
	return out, err
}

// Release gives a finding to the analysts as a sighting: the attacker's end
// and the evidence, not whose network it was unless named. Faults: ErrNone,
// ErrAlready.
func (s *Service) Release(ctx context.Context, id string, named bool) (out Finding, err error) {
	act := &ledger.Act{Verb: "finding.release", Object: findingName(id)}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		if out, err = s.finding(ctx, tx, who.Org, id); err != nil {
			return err
		}
		if !out.ReleasedAt.IsZero() {
			return ErrAlready
		}
		if out.Releasable == "" {
			return ErrNothing
		}
		out.ReleasedAt, out.ChangedAt = s.now(), s.now()
		out.Version++
		act.Public, act.Secret = map[string]any{"named": named}, out.Found
		if err := updateFinding(ctx, tx, out); err != nil {
			return err
		}
		lang, _ := text.ParseLang(who.Lang)
		return publish(ctx, tx, "released", Happened{Finding: id, Source: out.Source, Org: who.Org, Named: named, Lang: string(lang), Entry: act.Entry})
	})
	return out, err
}

// Released is a finding that its organisation released, for whoever follows
// sensor.released. Faults: ErrNone.
func (s *Service) Released(ctx context.Context, tx *db.Tx, org, id string) (Finding, error) {
	f, err := s.finding(ctx, tx, org, id)
	if err == nil && f.ReleasedAt.IsZero() {
		err = ErrNone
	}
	return f, err
}

// who is the name of somebody of one's own organisation; "" for nobody.
func (s *Service) who(ctx context.Context, person string) (name string, err error) {
	if person == "" {
		return "", nil
	}
	err = s.read(ctx, "finding.read", func(tx *db.Tx, _ gate.Identity) error {
		names, err := s.Orgs.PersonNames(ctx, tx, org.PersonID(person))
		name = names[org.PersonID(person)]
		return err
	})
	return name, err
}
