package exposure

import (
	"context"
	"fmt"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/key"
	"noroshi/internal/engine/product"
)

// How many exposures of one operator and product are told of one by one; more
// are one event. A statement is news of each; equipment and rematches bring many
// that are old.
const (
	maxSaid     = 20
	maxSaidMany = 3
)

// writer brings the rows of one product to what was computed.
type writer struct {
	ctx      context.Context
	tx       *db.Tx
	s        *Service
	sc       scope
	k        *knowledge
	r        *rules
	now      time.Time
	counts   *Counts
	verdicts map[[2]string]verdictRow // kept ones, by operator and vulnerability
	told     map[string][]Happened    // by what
}

// write brings the rows of a scope to what was computed, tells what changed,
// and settles its groups.
func (s *Service) write(ctx context.Context, tx *db.Tx, sc scope, standing map[string]standing, results []result, k *knowledge, c *Counts) error {
	w := &writer{ctx: ctx, tx: tx, s: s, sc: sc, k: k, r: s.rules(), now: s.now(), counts: c}
	var differ []string
	for i := range results {
		if res := &results[i]; sc.vulnerabilities != nil || digestOf(res.digest) != standing[res.org].digest {
			differ = append(differ, res.org)
		}
	}
	rows := map[string]map[string]*rowRow{}
	if len(differ) > 0 {
		list, err := rowsOfGroup(ctx, tx, sc.key, differ, sc.vulnerabilities)
		if err != nil {
			return err
		}
		for i := range list {
			r := &list[i]
			if rows[r.Org] == nil {
				rows[r.Org] = map[string]*rowRow{}
			}
			rows[r.Org][r.Vulnerability] = r
		}
		if w.verdicts, err = keptVerdicts(ctx, tx, sc.key, differ); err != nil {
			return err
		}
	}
	for i := range results {
		res := &results[i]
		sum := sumOf(standing[res.org].digest)
		if sc.vulnerabilities != nil || res.digest != sum {
			var err error
			if sum, err = w.group(res, rows[res.org], sum, standing[res.org].digest == ""); err != nil {
				return fmt.Errorf("exposures of %s: %w", sc.key, err)
			}
		}
		entries := 0
		for j := range res.holdings {
			entries += len(res.holdings[j].items)
		}
		if err := settleGroup(ctx, tx, sc.key, res.org, digestOf(sum), entries, res.nextAt, sc.vulnerabilities == nil); err != nil {
			return err
		}
	}
	return nil
}

// group writes the differences of one group, and returns the digest it has
// then.
func (w *writer) group(res *result, rows map[string]*rowRow, sum [2]uint64, first bool) ([2]uint64, error) {
	w.told = map[string][]Happened{}
	var c *key.Cipher
	cipher := func() (_ *key.Cipher, err error) {
		if c == nil {
			c, err = w.s.Keys.For(w.ctx, w.tx, res.org)
		}
		return c, err
	}
	for i := range res.rows {
		now := &res.rows[i]
		was := rows[now.vulnerability]
		delete(rows, now.vulnerability)
		if was != nil {
			if was.digest == now.digest {
				continue
			}
			sum = minus(sum, sumOf(was.digest))
		}
		sum = plus(sum, sumOf(now.digest))
		c, err := cipher()
		if err == nil {
			err = w.row(res.group, was, now, c)
		}
		if err != nil {
			return sum, err
		}
	}
	for _, was := range rows {
		if was.State == Ended {
			continue
		}
		sum = minus(sum, sumOf(was.digest))
		if err := w.end(was); err != nil {
			return sum, err
		}
	}
	return sum, w.tell(res.org, first)
}

// row writes one row that is new or differs.
func (w *writer) row(g *group, was *rowRow, now *computed, c *key.Cipher) error {
	r := rowRow{Exposure: Exposure{ID: ID(newID()), State: New, FoundAt: w.now}}
	fresh, what, happened := was == nil, "", "changed"
	if !fresh {
		r = *was
	}
	switch {
	case fresh:
		happened = "found"
		w.counts.Found++
	case was.State == Ended:
		r.State, r.FoundAt, r.EndedAt, r.Review, what, happened = New, w.now, time.Time{}, "", "returned", "found"
		w.counts.Found++
	default:
		w.counts.Changed++
		raised := now.decision.Priority > was.Priority || now.exploited && !was.Exploited
		switch {
		case raised:
			what = "raised"
		case now.decision.Priority < was.Priority:
			what = "lowered"
		}
		switch was.State {
		case Seen:
			if raised {
				r.State = New
			}
		case Handled:
			if raised {
				r.State = New
			} else if now.devices > was.Devices { // what was dealt with was less
				r.State, what = New, "reopened"
			}
		case Judged:
			switch v := w.verdicts[[2]string{g.org, now.vulnerability}]; {
			case now.exploited && !was.Exploited:
				r.Review = "exploited"
			case raised && r.Review == "" && placeBound(v.Justification):
				r.Review = "raised"
			}
		}
	}
	// What a person decided holds for the next version of the same product and
	// for new equipment of it.
	if v, ok := w.verdicts[[2]string{g.org, now.vulnerability}]; ok {
		switch {
		case r.State == New && (fresh || was.State == Ended):
			if r.State, r.verdictID, what = Judged, v.ID, "carried"; now.exploited && !v.attacked {
				r.Review = "exploited"
			}
		case r.State == Judged && what == "":
			what = "carried"
		}
	}
	r.Org, r.Vulnerability, r.ProductKey = g.org, now.vulnerability, g.key
	r.verdict, r.Certainty, r.Entries, r.Devices = now.verdict, now.certainty.String(), now.entries, now.devices
	r.Priority, r.Exploited, r.ChangedAt, r.digest = now.decision.Priority, now.exploited, w.now, now.digest
	r.rank = rankOf(r.Priority, r.Exploited, r.verdict, r.Devices)
	var err error
	if r.sealed, err = sealDetail(c, now.detail(now.decision), rowName(r.ID)); err != nil {
		return err
	}
	if fresh {
		err = insertRow(w.ctx, w.tx, &r)
	} else {
		err = updateRow(w.ctx, w.tx, &r)
	}
	if err != nil {
		return err
	}
	if what != "" {
		if err := insertPast(w.ctx, w.tx, &pastRow{Past: Past{ID: newID(), What: what, At: w.now}, row: r.ID}); err != nil {
			return err
		}
	}
	w.told[happened] = append(w.told[happened], Happened{Org: r.Org, Vulnerability: r.Vulnerability, Exposure: r.ID, Priority: r.Priority.String()})
	return w.parts(&r, now, c, fresh)
}

// placeBound reports whether a justification rests on where the equipment stands
// and what stands before it, so that it is asked again when that gets worse.
func placeBound(j product.Justification) bool {
	return j == product.CodeNotControllable || j == product.InlineMitigationsPresent
}

// parts writes what contractors operate of a row.
func (w *writer) parts(r *rowRow, now *computed, c *key.Cipher, fresh bool) error {
	var list []partRow
	for operated, p := range now.parts(w.k.facts[now.vulnerability], w.r) {
		sealed, err := sealDetail(c, p.detail(p.decision), partName(r.ID, operated))
		if err != nil {
			return err
		}
		list = append(list, partRow{row: r.ID, operated: operated, org: r.Org, verdict: p.verdict, certainty: p.certainty, entries: p.entries, devices: p.devices,
			priority: p.decision.Priority, rank: rankOf(p.decision.Priority, p.exploited, p.verdict, p.devices), sealed: sealed})
	}
	if fresh && len(list) == 0 {
		return nil
	}
	return putParts(w.ctx, w.tx, r.ID, fresh, list)
}

// end writes that an exposure is over.
func (w *writer) end(was *rowRow) error {
	w.counts.Ended++
	r := *was
	r.State, r.Review, r.EndedAt, r.ChangedAt, r.digest, r.verdict = Ended, "", w.now, w.now, "", product.VerdictNotAffected
	if err := updateRow(w.ctx, w.tx, &r); err != nil {
		return err
	}
	if err := putParts(w.ctx, w.tx, r.ID, false, nil); err != nil {
		return err
	}
	w.told["ended"] = append(w.told["ended"], Happened{Org: r.Org, Vulnerability: r.Vulnerability, Exposure: r.ID, Priority: r.Priority.String()})
	return insertPast(w.ctx, w.tx, &pastRow{Past: Past{ID: newID(), What: "ended", At: w.now}, row: r.ID})
}

// tell publishes what a group's writing came to. Where a group is computed for
// the first time everything in it is old news but to its operator; later what
// asks to act now is told one by one, however much else changed with it.
func (w *writer) tell(org string, first bool) error {
	for _, what := range []string{"found", "changed", "ended"} {
		list, bound := w.told[what], maxSaid
		if w.sc.vulnerabilities == nil {
			bound = maxSaidMany
		}
		if len(list) > bound {
			urgent := slices.DeleteFunc(slices.Clone(list), func(h Happened) bool { return first || what == "ended" || h.Priority != Act.String() })
			urgent = urgent[:min(len(urgent), maxSaid)]
			list = append(urgent, Happened{Org: org, Many: len(list) - len(urgent)})
		}
		for _, h := range list {
			if h.Vulnerability == "" && h.Many == 0 {
				continue
			}
			if err := publish(w.ctx, w.tx, what, h); err != nil {
				return err
			}
		}
	}
	return nil
}
