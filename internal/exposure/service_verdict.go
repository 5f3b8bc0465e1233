package exposure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/engine/product"
)

// NewJudgement is what a person says of exposures: not affected, because.
type NewJudgement struct {
	Exposures     []ID                  `json:"exposures" minItems:"1" maxItems:"200"`
	Justification product.Justification `json:"justification" doc:"As VEX: component_not_present, vulnerable_code_not_present, vulnerable_code_not_in_execute_path, vulnerable_code_cannot_be_controlled_by_adversary, inline_mitigations_already_exist"`
	Words         string                `json:"words" maxLength:"3200" doc:"Why, for whoever reads it next year"`
	Until         time.Time             `json:"until,omitzero" doc:"Until when it holds; without it until somebody takes it back"`
}

// Justifications lists why a product can be not affected (VEX), in the order of
// forms.
func Justifications() []product.Justification {
	return []product.Justification{
		product.ComponentNotPresent, product.CodeNotPresent, product.CodeNotInExecutePath, product.CodeNotControllable, product.InlineMitigationsPresent,
	}
}

// maxUntil bounds for how long a verdict can be given.
const maxUntil = 5 * 366 * 24 * time.Hour

func (n *NewJudgement) check(now time.Time) error {
	var places []fault.Place
	n.Words = strings.TrimSpace(n.Words)
	if len(n.Exposures) == 0 {
		places = append(places, fault.Place{At: "exposures", Code: "exposure.judgement.none"})
	}
	if !slices.Contains(Justifications(), n.Justification) {
		places = append(places, fault.Place{At: "justification", Code: "exposure.judgement.why"})
	}
	if n.Words == "" {
		places = append(places, fault.Place{At: "words", Code: "exposure.judgement.words"})
	}
	if c := utf8.RuneCountInString(n.Words); c > maxWords {
		places = append(places, fault.Place{At: "words", Code: "exposure.judgement.long", Args: map[string]any{"max": maxWords, "n": c}})
	}
	if !n.Until.IsZero() && (!n.Until.After(now) || n.Until.After(now.Add(maxUntil))) {
		places = append(places, fault.Place{At: "until", Code: "exposure.judgement.until"})
	}
	if len(places) > 0 {
		return errJudgement.At(places...)
	}
	return tooMany(n.Exposures)
}

func tooMany(ids []ID) error {
	if len(ids) > maxBulk {
		return errTooMany
	}
	return nil
}

// Done is the answer to an act on exposures.
type Done struct {
	Exposures []ID           `json:"exposures"`
	Receipt   ledger.Receipt `json:"receipt"`
}

// mine loads exposures of who acts for a change, all or none.
func (s *Service) mine(ctx context.Context, tx *db.Tx, who gate.Identity, reach gate.Reach, ids []ID) ([]rowRow, *key.Cipher, error) {
	if err := tooMany(ids); err != nil {
		return nil, nil, err
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	r, err := s.within(ctx, tx, who, reach)
	if err != nil {
		return nil, nil, err
	}
	rows, err := loadRows(ctx, tx, r, ids, true)
	if err != nil {
		return nil, nil, err
	}
	if len(rows) != len(ids) || len(rows) == 0 {
		return nil, nil, ErrNone
	}
	c, err := s.Keys.For(ctx, tx, rows[0].Org)
	return rows, c, err
}

// Judge says of exposures of one's own that they are none, with the reason. It
// holds for the next version of the same product and for new equipment of it,
// until it is taken back, its time is over, or attacks begin: then the exposure
// asks for a second look. Faults: exposure.none, exposure.judgement.
func (s *Service) Judge(ctx context.Context, n NewJudgement) (d Done, err error) {
	act := &ledger.Act{Verb: "exposure.judge", Secret: n}
	d.Receipt, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if err := n.check(s.now()); err != nil {
			return err
		}
		rows, c, err := s.mine(ctx, tx, who, reach, n.Exposures)
		if err != nil {
			return err
		}
		act.Public = s.public(rows, string(n.Justification))
		for i := range rows {
			r := &rows[i]
			if r.State == Ended {
				return ErrState
			}
			if _, err := s.dropKept(ctx, tx, r); err != nil { // the new one stands in its place
				return err
			}
			v, err := s.put(ctx, tx, c, who, act.Entry, r, n, keptVerdict)
			if err != nil {
				return err
			}
			r.verdictID = v.ID
			if err := s.move(ctx, tx, c, who, act.Entry, r, Judged, "judged", n.Words); err != nil {
				return err
			}
			d.Exposures = append(d.Exposures, r.ID)
		}
		return nil
	})
	return d, err
}

// public is what stands in the record for oversight: of which vulnerabilities,
// how many, why.
func (s *Service) public(rows []rowRow, why string) map[string]any {
	m := map[string]any{"exposures": len(rows)}
	if why != "" {
		m["why"] = why
	}
	return m
}

// put stores a verdict on a row.
func (s *Service) put(ctx context.Context, tx *db.Tx, c *key.Cipher, who gate.Identity, entry string, r *rowRow, n NewJudgement, state string) (*verdictRow, error) {
	v := &verdictRow{Judgement: Judgement{ID: newID(), Justification: n.Justification, Until: n.Until, At: s.now(), By: who.Org, State: state, Entry: entry, person: who.Person},
		org: r.Org, vulnerability: r.Vulnerability, key: r.ProductKey, attacked: r.Exploited}
	v.sealed = c.Seal([]byte(n.Words), verdictName(v.ID))
	return v, insertVerdict(ctx, tx, v)
}

// dropKept ends the verdict that holds for a row.
func (s *Service) dropKept(ctx context.Context, tx *db.Tx, r *rowRow) (bool, error) {
	some := false
	list, err := verdictsOf(ctx, tx, r.Org, r.ProductKey, r.Vulnerability)
	for i := 0; i < len(list) && err == nil; i++ {
		if list[i].State == keptVerdict {
			some = true
			_, err = setVerdict(ctx, tx, list[i].ID, undoneVerdict, keptVerdict)
		}
	}
	return some, err
}

// move brings a row to a state and notes it in its history.
func (s *Service) move(ctx context.Context, tx *db.Tx, c *key.Cipher, who gate.Identity, entry string, r *rowRow, to State, what, words string) error {
	r.State, r.Review = to, ""
	if err := updateRow(ctx, tx, r); err != nil {
		return err
	}
	p := &pastRow{Past: Past{ID: newID(), What: what, At: s.now(), Entry: entry}, row: r.ID, person: who.Person, org: who.Org}
	if words != "" {
		p.sealed = c.Seal([]byte(words), pastName(p.ID))
	}
	if err := insertPast(ctx, tx, p); err != nil {
		return err
	}
	return publish(ctx, tx, "judged", Happened{Org: r.Org, Vulnerability: r.Vulnerability, Exposure: r.ID, Priority: r.Priority.String()})
}

// Mark notes that exposures were seen, were handled, or are open again (state
// seen, handled or new). Faults: exposure.none, exposure.state.
func (s *Service) Mark(ctx context.Context, ids []ID, to State, words string) (d Done, err error) {
	act := &ledger.Act{Verb: "exposure.mark", Secret: words}
	d.Receipt, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		what, ok := map[State]string{Seen: "seen", Handled: "handled", New: "reopened"}[to]
		if !ok {
			return ErrState
		}
		if words = strings.TrimSpace(words); utf8.RuneCountInString(words) > maxWords {
			return errJudgement.At(fault.Place{At: "words", Code: "exposure.judgement.long", Args: map[string]any{"max": maxWords, "n": utf8.RuneCountInString(words)}})
		}
		rows, c, err := s.mine(ctx, tx, who, reach, ids)
		if err != nil {
			return err
		}
		act.Public = s.public(rows, string(to))
		for i := range rows {
			r := &rows[i]
			switch {
			case r.State == Ended, r.State == Judged:
				return ErrState
			case to == Seen && r.State == Handled:
				return ErrState
			}
			if err := s.move(ctx, tx, c, who, act.Entry, r, to, what, words); err != nil {
				return err
			}
			d.Exposures = append(d.Exposures, r.ID)
		}
		return nil
	})
	return d, err
}

// Undo takes the verdicts on exposures back: they are open again. Faults:
// exposure.none, exposure.verdict.none.
func (s *Service) Undo(ctx context.Context, ids []ID) (d Done, err error) {
	act := &ledger.Act{Verb: "exposure.undo"}
	d.Receipt, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		rows, c, err := s.mine(ctx, tx, who, reach, ids)
		if err != nil {
			return err
		}
		act.Public = s.public(rows, "")
		for i := range rows {
			r := &rows[i]
			some, err := s.dropKept(ctx, tx, r)
			if err != nil {
				return err
			}
			if !some {
				return ErrVerdict
			}
			to := Seen
			if r.State == Ended {
				to = Ended
			}
			r.verdictID = ""
			if err := s.move(ctx, tx, c, who, act.Entry, r, to, "undone", ""); err != nil {
				return err
			}
			d.Exposures = append(d.Exposures, r.ID)
		}
		return nil
	})
	return d, err
}

// Propose lets the national office's analyst suggest a verdict; it holds only
// once the operator agrees. The analyst needs no key and sees no detail.
func (s *Service) Propose(ctx context.Context, n NewJudgement) (d Done, err error) {
	act := &ledger.Act{Verb: "exposure.propose", Secret: n}
	d.Receipt, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if err := n.check(s.now()); err != nil {
			return err
		}
		r, err := s.within(ctx, tx, who, reach)
		if err != nil {
			return err
		}
		ids := slices.Compact(slices.Sorted(slices.Values(n.Exposures)))
		rows, err := loadRows(ctx, tx, r, ids, true)
		if err != nil {
			return err
		}
		if len(rows) != len(ids) {
			return ErrNone
		}
		act.Public = s.public(rows, string(n.Justification))
		for i := range rows {
			if rows[i].State == Ended {
				return ErrState
			}
			c, err := s.Keys.For(ctx, tx, rows[i].Org)
			if err != nil {
				return err
			}
			if _, err := s.put(ctx, tx, c, who, act.Entry, &rows[i], n, proposedVerdict); err != nil {
				return err
			}
			p := &pastRow{Past: Past{ID: newID(), What: "proposed", At: s.now(), Entry: act.Entry}, row: rows[i].ID, person: who.Person, org: who.Org}
			p.sealed = c.Seal([]byte(n.Words), pastName(p.ID))
			if err := insertPast(ctx, tx, p); err != nil {
				return err
			}
			if err := publish(ctx, tx, "judged", Happened{Org: rows[i].Org, Vulnerability: rows[i].Vulnerability, Exposure: rows[i].ID, Priority: rows[i].Priority.String()}); err != nil {
				return err
			}
			d.Exposures = append(d.Exposures, rows[i].ID)
		}
		return nil
	})
	return d, err
}

// Decides refuses, on the record, whoever neither judges nor proposes: the form
// for both is not for them.
func (s *Service) Decides(ctx context.Context) error {
	if Access.May(ctx, "exposure.judge") || Access.May(ctx, "exposure.propose") {
		return nil
	}
	return s.read(ctx, "exposure.judge", nil)
}

// Agree makes a proposed verdict one's own. Faults: exposure.none,
// exposure.verdict.none, exposure.state.
func (s *Service) Agree(ctx context.Context, id ID, verdict string) (d Done, err error) {
	act := &ledger.Act{Verb: "exposure.agree", Object: objectOf(id)}
	d.Receipt, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		rows, c, err := s.mine(ctx, tx, who, reach, []ID{id})
		if err != nil {
			return err
		}
		r := &rows[0]
		list, err := verdictsOf(ctx, tx, r.Org, r.ProductKey, r.Vulnerability)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(v verdictRow) bool { return v.ID == verdict && v.State == proposedVerdict })
		if i < 0 {
			return ErrVerdict
		}
		if r.State == Ended {
			return ErrState
		}
		if _, err := s.dropKept(ctx, tx, r); err != nil {
			return err
		}
		if ok, err := setVerdict(ctx, tx, verdict, keptVerdict, proposedVerdict); err != nil || !ok {
			return errors.Join(err, ErrVerdict)
		}
		r.verdictID = verdict
		act.Public = s.public(rows, string(list[i].Justification))
		d.Exposures = []ID{id}
		return s.move(ctx, tx, c, who, act.Entry, r, Judged, "judged", "")
	})
	return d, err
}

// expire ends the verdicts whose time is over: their exposures are open again.
func (s *Service) expire(ctx context.Context, tx *db.Tx, now time.Time) error {
	list, err := expiring(ctx, tx, now, 500)
	if err != nil {
		return err
	}
	for i := range list {
		v := &list[i]
		if _, err := setVerdict(ctx, tx, v.ID, expiredVerdict, keptVerdict); err != nil {
			return err
		}
		rows, err := rowsOfGroup(ctx, tx, v.key, []string{v.org}, []string{v.vulnerability})
		if err != nil {
			return err
		}
		for j := range rows {
			r := &rows[j]
			if r.State != Judged || r.verdictID != v.ID {
				continue
			}
			r.State, r.Review, r.verdictID = New, "", ""
			if err := updateRow(ctx, tx, r); err != nil {
				return err
			}
			if err := insertPast(ctx, tx, &pastRow{Past: Past{ID: newID(), What: "expired", At: now}, row: r.ID}); err != nil {
				return err
			}
			if err := publish(ctx, tx, "changed", Happened{Org: r.Org, Vulnerability: r.Vulnerability, Exposure: r.ID, Priority: r.Priority.String()}); err != nil {
				return err
			}
		}
	}
	return nil
}

// openWords opens a person's words.
func openWords(c *key.Cipher, sealed []byte, name string) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	raw, err := c.Open(sealed, name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return string(raw), nil
}
