package exposure

import (
	"context"
	"slices"
	"strings"
	"time"

	"noroshi/internal/asset"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
)

// undoFor is how long the last act on a list can be taken back in one step.
const undoFor = 10 * time.Minute

// errMoved is the fault of an undo that comes after somebody else's act.
var errMoved = fault.New(fault.Conflict, "exposure.web.moved")

// LastAct is what a person did last to exposures.
type LastAct struct {
	Entry     string    `json:"entry"` // of the ledger; empty: nothing
	What      string    `json:"what"`  // as Past.What
	At        time.Time `json:"at"`
	Exposures []ID      `json:"exposures"`
}

// undoable reports whether the act can be taken back.
func (l *LastAct) undoable() bool {
	return slices.Contains([]string{"seen", "handled", "judged"}, l.What) && len(l.Exposures) > 0
}

// Last returns what the person did within the last ten minutes; the zero value
// when that was nothing that can be taken back.
func (s *Service) Last(ctx context.Context) (l LastAct, err error) {
	err = s.read(ctx, "exposure.undo", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		got, err := lastOf(ctx, tx, who.Person, s.now().Add(-undoFor))
		if err == nil && got.undoable() {
			l = got
		}
		return err
	})
	return l, err
}

// TakeBack undoes the person's own last act, named by its entry: every exposure
// is as it was before. When somebody did something to one of them since, none
// changes. Faults: exposure.verdict.none, exposure.web.moved.
func (s *Service) TakeBack(ctx context.Context, entry string) (d Done, err error) {
	act := &ledger.Act{Verb: "exposure.undo"}
	d.Receipt, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		l, err := lastOf(ctx, tx, who.Person, s.now().Add(-undoFor))
		if err != nil {
			return err
		}
		if entry == "" || l.Entry != entry || !l.undoable() {
			return ErrVerdict
		}
		rows, c, err := s.mine(ctx, tx, who, reach, l.Exposures)
		if err != nil {
			return err
		}
		act.Public = s.public(rows, "")
		for i := range rows {
			if err := s.takeBack(ctx, tx, c, who, act.Entry, &rows[i], &l); err != nil {
				return err
			}
			d.Exposures = append(d.Exposures, rows[i].ID)
		}
		return nil
	})
	return d, err
}

func (s *Service) takeBack(ctx context.Context, tx *db.Tx, c *key.Cipher, who gate.Identity, entry string, r *rowRow, l *LastAct) error {
	list, err := loadPast(ctx, tx, r.ID)
	if err != nil {
		return err
	}
	before, passed := New, false
	for i := range list {
		to, ok := stateAfter[list[i].What]
		if list[i].Entry == l.Entry {
			passed = true
		} else if ok && !passed {
			return errMoved
		} else if ok {
			before = to
			break
		}
	}
	if l.What == "judged" {
		some, err := s.dropKept(ctx, tx, r)
		if err != nil {
			return err
		}
		if !some {
			return ErrVerdict
		}
		r.verdictID = ""
		if before == Judged { // the earlier verdict is gone with the later one
			before = Seen
		}
	}
	if r.State == Ended {
		before = Ended
	}
	return s.move(ctx, tx, c, who, entry, r, before, "undone", "")
}

// stateAfter is the state in which what happened left an exposure; what is not
// named leaves it where it was.
var stateAfter = map[string]State{"seen": Seen, "handled": Handled, "judged": Judged, "reopened": New, "undone": Seen, "expired": New, "returned": New}

// AskRematch notes that everything has to be put beside everything again; the
// hub does it as soon as it can. Asking twice is asking once.
func (s *Service) AskRematch(ctx context.Context) (ledger.Receipt, error) {
	act := &ledger.Act{Verb: "exposure.rematch", Public: map[string]any{"asked": true}}
	return s.do(ctx, act, func(tx *db.Tx, _ gate.Identity, _ gate.Reach) error { return s.ask(ctx, tx) })
}

// historyWeeks is how many weeks the picture of an executive goes back.
const historyWeeks = 13

// Week is how many exposures waited at the end of a week, by today's priority.
type Week struct {
	At time.Time        `json:"at"` // its end
	By map[Priority]int `json:"by"`
}

// Total is the sum over the priorities.
func (w *Week) Total() (n int) {
	for _, c := range w.By {
		n += c
	}
	return n
}

// Weeks counts the open exposures within reach at the end of each of the last
// thirteen weeks; the last is now.
func (s *Service) Weeks(ctx context.Context) (out []Week, err error) {
	err = s.read(ctx, "exposure.figures", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		w, err := s.within(ctx, tx, who, reach)
		if err != nil {
			return err
		}
		start := s.now().AddDate(0, 0, -7*historyWeeks)
		list, err := spans(ctx, tx, w, db.Micros(start), historyWeeks)
		if err != nil {
			return err
		}
		for i := 1; i <= historyWeeks; i++ {
			k := Week{At: start.AddDate(0, 0, 7*i), By: map[Priority]int{}}
			for _, x := range list {
				if x.from <= i && i < x.till {
					k.By[x.priority] += x.n
				}
			}
			out = append(out, k)
		}
		return nil
	})
	return out, err
}

// Spread is how many operators of a sector a vulnerability concerns, at one
// priority.
type Spread struct {
	Sector   string   `json:"sector"`
	Priority Priority `json:"priority"`
	Orgs     int      `json:"orgs"`
	Devices  int      `json:"devices"`
}

// Concern is whom a vulnerability concerns, within reach. Its counts are exact:
// whoever may ask also sees the list of the operators.
type Concern struct {
	Orgs    int      `json:"orgs"`
	Devices int      `json:"devices"`
	By      []Spread `json:"by"`
}

// Concerned counts whom a vulnerability concerns by sector and priority: for
// the national office all operators, for a ministry those of its sectors.
func (s *Service) Concerned(ctx context.Context, vulnerability string) (c Concern, err error) {
	err = s.read(ctx, "exposure.where", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		w, err := s.within(ctx, tx, who, reach)
		if err != nil {
			return err
		}
		if c.Orgs, c.Devices, err = concerned(ctx, tx, w, vulnerability); err != nil {
			return err
		}
		c.By, err = spread(ctx, tx, w, vulnerability)
		return err
	})
	return c, err
}

// maxPieces bounds how much equipment of one exposure is named.
const maxPieces = 200

// Piece is a piece of equipment as a proof names it.
type Piece struct {
	Key      string // as the register's owner numbers it; may be empty
	Name     string // maker and product
	Service  string // what it supports
	Operator string // corporate number of who operates it, when that is another
}

// Equipment names the equipment of an exposure's detail, by id. Only those who
// see the detail are told, a contractor only of what it operates.
func (s *Service) Equipment(ctx context.Context, e *Exposure) (out map[string]Piece, err error) {
	out = map[string]Piece{}
	if e.Detail == nil {
		return out, nil
	}
	err = s.read(ctx, "exposure.detail", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		w, err := s.within(ctx, tx, who, reach)
		if err != nil {
			return err
		}
		if rows, err := loadRows(ctx, tx, w, []ID{e.ID}, false); err != nil || len(rows) == 0 {
			return err
		}
		var ids []asset.ID
		for _, l := range e.Detail.Lines {
			for _, id := range l.Items {
				if len(ids) < maxPieces {
					ids = append(ids, asset.ID(id))
				}
			}
		}
		return s.Assets.Matchable(ctx, tx, e.Org, ids, func(x *asset.Entry) error {
			if w.operated != "" && x.OperatedBy != w.operated {
				return nil
			}
			p := Piece{Key: x.Key, Name: x.MakerName + " " + x.ProductName, Service: x.Service}
			if x.OperatedBy != asset.Own {
				p.Operator = x.OperatedBy
			}
			out[string(x.ID)] = p
			return nil
		})
	})
	return out, err
}

// Detailed reports whether the reader may see why and where: for pages that say
// so, never instead of the service's own answer.
func Detailed(who gate.Identity) bool { return Access.Reach(who, "exposure.detail") != gate.None }

// Group is a vulnerability and whom it concerns, as the office's queue shows it.
type Group struct {
	Vulnerability string   `json:"vulnerability"` // or support-end
	Title         string   `json:"title,omitempty"`
	Priority      Priority `json:"priority"` // the most urgent
	Exploited     bool     `json:"exploited"`
	Orgs          int      `json:"orgs"`
	Devices       int      `json:"devices"`
	New           int      `json:"new"` // exposures nobody has looked at yet
	Facts         *Beside  `json:"facts,omitempty"`
}

// Groups lists the vulnerabilities that concern somebody within reach, by what
// to do next: for the national office all, for a ministry those of its sectors.
func (s *Service) Groups(ctx context.Context, f Filter) (out []Group, next string, err error) {
	err = s.read(ctx, "exposure.where", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if err := f.check(); err != nil {
			return err
		}
		w, err := s.within(ctx, tx, who, reach)
		if err != nil {
			return err
		}
		if out, next, err = groupRows(ctx, tx, w, &f); err != nil {
			return err
		}
		var ids []string
		for i := range out {
			if out[i].Vulnerability != SupportEnd {
				ids = append(ids, out[i].Vulnerability)
			}
		}
		facts, err := s.Intel.Vulnerabilities(ctx, tx, ids)
		for i := range out {
			if v, ok := facts[out[i].Vulnerability]; ok {
				out[i].Title, out[i].Facts = v.In(who.Lang), beside(&v)
			}
		}
		return err
	})
	return out, next, err
}

// Written puts products that have no name but the register's own into the
// register's words. It changes only exposures that the reader was shown.
func (s *Service) Written(ctx context.Context, shown ...*Exposure) error {
	var orgs []string
	for _, e := range shown {
		if strings.HasPrefix(e.ProductKey, "text:") && !slices.Contains(orgs, e.Org) {
			orgs = append(orgs, e.Org)
		}
	}
	if len(orgs) == 0 {
		return nil
	}
	return s.read(ctx, "exposure.list", func(tx *db.Tx, _ gate.Identity, _ gate.Reach) error {
		names, err := writtenNames(ctx, tx, orgs)
		for _, e := range shown {
			if n := names[[2]string{e.Org, e.ProductKey}]; n != "" {
				e.Product = n
			}
		}
		return err
	})
}
