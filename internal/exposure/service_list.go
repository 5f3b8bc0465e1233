package exposure

import (
	"context"
	"fmt"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/engine/product"
	"noroshi/internal/intel"
	"noroshi/internal/org"
)

// Orders of a list.
const (
	SortNext   = "next"   // by what to do next: the default
	SortNewest = "newest" // by when it was found
)

// Filter narrows a list of exposures. Every field may be empty; then it is
// what is open, by what to do next.
type Filter struct {
	State         State // one state; empty: what is open
	All           bool  // every state
	Priority      string
	Verdict       string // affected or unknown
	Kind          string // vulnerability or support
	Exploited     bool
	Org           string
	Sector        string
	Vulnerability string
	ProductKey    string
	Sort          string
	Cursor        string
	Limit         int
}

func (f *Filter) check() error {
	var places []fault.Place
	bad := func(at string) { places = append(places, fault.Place{At: at, Code: "exposure.filter.value"}) }
	if f.State != "" && !slices.Contains(States(), f.State) {
		bad("state")
	}
	if _, ok := ParsePriority(f.Priority); f.Priority != "" && !ok {
		bad("priority")
	}
	if f.Verdict != "" && f.Verdict != product.VerdictAffected.String() && f.Verdict != product.Unknown.String() {
		bad("verdict")
	}
	if f.Kind != "" && f.Kind != "vulnerability" && f.Kind != "support" {
		bad("kind")
	}
	if f.Sort != "" && f.Sort != SortNext && f.Sort != SortNewest {
		bad("sort")
	}
	if len(places) > 0 {
		return errFilter.At(places...)
	}
	return nil
}

// Found is one page of a list.
type Found struct {
	Rows []Exposure
	Next string // cursor; empty at the end
}

// List lists exposures within reach: for an operator what touches it, for the
// analyst the queue, for a ministry its sectors.
func (s *Service) List(ctx context.Context, f Filter) (out Found, err error) {
	err = s.read(ctx, "exposure.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if err := f.check(); err != nil {
			return err
		}
		w, err := s.within(ctx, tx, who, reach)
		if err != nil {
			return err
		}
		rows, next, err := findRows(ctx, tx, w, &f)
		if err != nil {
			return err
		}
		out.Next = next
		out.Rows, err = s.show(ctx, tx, who, rows)
		return err
	})
	return out, err
}

// Tally counts exposures within reach by priority, as the filter narrows them.
func (s *Service) Tally(ctx context.Context, f Filter) (out map[Priority]int, err error) {
	err = s.read(ctx, "exposure.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if err := f.check(); err != nil {
			return err
		}
		w, err := s.within(ctx, tx, who, reach)
		if err != nil {
			return err
		}
		out, err = tally(ctx, tx, w, &f)
		return err
	})
	return out, err
}

// show makes rows ready for people: names of organisations and titles.
func (s *Service) show(ctx context.Context, tx *db.Tx, who gate.Identity, rows []rowRow) ([]Exposure, error) {
	out := make([]Exposure, len(rows))
	var orgs, ids []string
	for i := range rows {
		out[i] = rows[i].Exposure
		orgs = append(orgs, rows[i].Org)
		if rows[i].Vulnerability != SupportEnd {
			ids = append(ids, rows[i].Vulnerability)
		}
	}
	names, err := s.Orgs.NamesFor(ctx, tx, who, orgs...)
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	facts, err := s.Intel.Vulnerabilities(ctx, tx, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	for i := range out {
		e := &out[i]
		e.OrgName = names[e.Org]
		if v, ok := facts[e.Vulnerability]; ok {
			e.Title, e.Facts = v.In(who.Lang), beside(&v)
		}
	}
	if Access.Reach(who, "exposure.list") != gate.Own {
		return out, nil
	}
	return out, s.inOwnWords(ctx, tx, out)
}

func beside(v *intel.Vulnerability) *Beside {
	b := &Beside{Title: v.Title}
	if e := v.Exploited; e != nil {
		b.KnownAt, b.DueAt, b.Ransomware = e.Added, e.Due, e.Ransomware
	}
	if l := v.Likelihood; l != nil {
		b.Likelihood, b.Percentile = l.Score, l.Percentile
	}
	if v.Severity != nil {
		b.Score, b.Vector = v.Severity.Score.Score, v.Severity.Vector
	}
	return b
}

// Get returns one exposure. Its detail (which equipment, which versions, why)
// is there only for its operator and for the contractor whose equipment it is;
// everyone else sees the priority and the public facts. Fault: exposure.none.
func (s *Service) Get(ctx context.Context, id ID) (e Exposure, err error) {
	err = s.read(ctx, "exposure.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		w, err := s.within(ctx, tx, who, reach)
		if err != nil {
			return err
		}
		rows, err := loadRows(ctx, tx, w, []ID{id}, false)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return ErrNone
		}
		shown, err := s.show(ctx, tx, who, rows)
		if err != nil {
			return err
		}
		e = shown[0]
		if Access.Reach(who, "exposure.detail") == gate.None {
			return s.past(ctx, tx, who, &rows[0], &e, false)
		}
		if err := s.reveal(ctx, tx, w, &rows[0], &e); err != nil {
			return err
		}
		if w.operated != "" { // what was decided and what happened is about all of it
			return nil
		}
		return s.past(ctx, tx, who, &rows[0], &e, true)
	})
	return e, err
}

// reveal opens the sealed part.
func (s *Service) reveal(ctx context.Context, tx *db.Tx, w reachOf, r *rowRow, e *Exposure) error {
	c, err := s.Keys.For(ctx, tx, r.Org)
	if err != nil {
		return fmt.Errorf("exposure %s: %w", r.ID, err)
	}
	name := rowName(r.ID)
	if w.operated != "" {
		name = partName(r.ID, w.operated)
	}
	if e.Detail, err = openDetail(c, r.sealed, name); err != nil {
		return err
	}
	e.Reasons = e.Detail.Reasons
	return nil
}

// past fills in what people decided and what happened. Words are the
// operator's; others see that something was decided, and when.
func (s *Service) past(ctx context.Context, tx *db.Tx, who gate.Identity, r *rowRow, e *Exposure, words bool) error {
	list, err := loadPast(ctx, tx, r.ID)
	if err != nil {
		return err
	}
	verdicts, err := verdictsOf(ctx, tx, r.Org, r.ProductKey, r.Vulnerability)
	if err != nil {
		return err
	}
	c, err := s.Keys.For(ctx, tx, r.Org)
	if err != nil {
		return err
	}
	var people []org.PersonID
	for i := range list {
		people = append(people, org.PersonID(list[i].person))
	}
	for i := range verdicts {
		people = append(people, org.PersonID(verdicts[i].person))
	}
	names := map[org.PersonID]string{}
	if words && len(people) > 0 {
		slices.Sort(people)
		if names, err = s.Orgs.PersonNames(ctx, tx, slices.Compact(people)...); err != nil {
			return err
		}
	}
	for i := range list {
		p := &list[i]
		p.By = p.org
		if words || p.org == who.Org {
			p.Person = names[org.PersonID(p.person)]
			if p.Words, err = openWords(c, p.sealed, pastName(p.ID)); err != nil {
				return err
			}
		}
		e.Past = append(e.Past, p.Past)
	}
	for i := range verdicts {
		v := &verdicts[i]
		if v.State != keptVerdict && v.State != proposedVerdict {
			continue
		}
		if words || v.By == who.Org {
			v.Person = names[org.PersonID(v.person)]
			if v.Words, err = openWords(c, v.sealed, verdictName(v.ID)); err != nil {
				return err
			}
		}
		j := v.Judgement
		if v.State == keptVerdict {
			e.Judgement = &j
		} else if words || v.By == who.Org {
			e.Proposed = append(e.Proposed, j)
		}
	}
	return nil
}

// Where lists the organisations that a vulnerability concerns, within reach:
// for the national office all, for a ministry those of its sectors.
func (s *Service) Where(ctx context.Context, vulnerability string, f Filter) (out Found, err error) {
	err = s.read(ctx, "exposure.where", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		f.Vulnerability = vulnerability
		if err := f.check(); err != nil {
			return err
		}
		w, err := s.within(ctx, tx, who, reach)
		if err != nil {
			return err
		}
		rows, next, err := findRows(ctx, tx, w, &f)
		if err != nil {
			return err
		}
		out.Next = next
		out.Rows, err = s.show(ctx, tx, who, rows)
		return err
	})
	return out, err
}

// Of returns the live exposures to a vulnerability with their reasons, of some
// operators or (nil) of all. It is for the hub itself: what makes notices asks
// the gate on its own, and shows nobody another's.
func (s *Service) Of(ctx context.Context, tx *db.Tx, vulnerability string, orgs []string) (out []Exposure, err error) {
	var a db.Query
	q := "vulnerability = " + a.Arg(vulnerability) + " AND state <> 'ended'"
	if orgs != nil {
		q += " AND org_id IN " + list(&a, orgs)
	}
	rows, err := queryRows(ctx, tx, q+" ORDER BY org_id, product_key LIMIT 100000", &a)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		r := &rows[i]
		if err := s.reveal(ctx, tx, reachOf{all: true}, r, &r.Exposure); err != nil {
			return nil, err
		}
		out = append(out, r.Exposure)
	}
	return out, s.inOwnWords(ctx, tx, out)
}

// Figures are the five numbers of an executive.
type Figures struct {
	Act         int `json:"act"`         // exposures to act on now
	Attacked    int `json:"attacked"`    // open exposures to what is used in attacks
	Unsupported int `json:"unsupported"` // products without support
	New         int `json:"new"`         // found within seven days and still open
	Closed      int `json:"closed"`      // closed within seven days
}

// Figures counts for one's own organisation, a ministry's sectors, or all.
func (s *Service) Figures(ctx context.Context) (f Figures, err error) {
	err = s.read(ctx, "exposure.figures", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		w, err := s.within(ctx, tx, who, reach)
		if err != nil {
			return err
		}
		now := s.now()
		f, err = figures(ctx, tx, w, db.Micros(now.Add(-7*24*time.Hour)))
		return err
	})
	return f, err
}
