package exposure

import (
	"context"
	"slices"
	"strings"

	"noroshi/internal/asset"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/cpe"
)

// Name is what a product of a register is called where statements name it.
type Name struct {
	MakerKey   string     `json:"maker_key"`
	ProductKey string     `json:"product_key"`
	Maker      string     `json:"maker"`
	Product    string     `json:"product"`
	State      string     `json:"state"` // open, proposed, equal, confirmed, refused
	CPE        string     `json:"cpe,omitempty"`
	PURL       string     `json:"purl,omitempty"`
	Proposals  []Proposal `json:"proposals,omitempty"`
}

// Proposal is a name that may be the product's.
type Proposal struct {
	CPE   string   `json:"cpe,omitempty"`
	PURL  string   `json:"purl,omitempty"`
	Equal bool     `json:"equal,omitempty"` // letter by letter, after normalisation
	Why   []string `json:"why,omitempty"`   // grounds, as product.Why
}

// Names lists the products of one's own register that say no name of their own,
// with what they may be called. Undecided leaves those a person should look at.
func (s *Service) Names(ctx context.Context, undecided bool, cursor string, limit int) (out []Name, next string, err error) {
	err = s.read(ctx, "exposure.names", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		rows, n, err := pageNames(ctx, tx, who.Org, undecided, cursor, limit)
		if err != nil {
			return err
		}
		next = n
		for i := range rows {
			r := &rows[i]
			n := Name{MakerKey: r.maker, ProductKey: r.ware, Maker: r.makerName, Product: r.wareName, State: r.state, CPE: r.cpe, PURL: r.purl}
			if r.state != nameConfirmed {
				if n.Proposals, err = s.propose(ctx, tx, r.makerName, r.wareName); err != nil {
					return err
				}
			}
			out = append(out, n)
		}
		return nil
	})
	return out, next, err
}

// NewName is what a person says a product is called; neither name means that
// none of the proposed is right.
type NewName struct {
	Org        string `json:"org,omitempty" doc:"For a contractor: the operator whose register it is"`
	MakerKey   string `json:"maker_key" maxLength:"800"`
	ProductKey string `json:"product_key" maxLength:"800"`
	CPE        string `json:"cpe,omitempty" maxLength:"4000" doc:"CPE 2.3 formatted string; the version is the register's"`
	PURL       string `json:"purl,omitempty" maxLength:"4000" doc:"Package URL without version"`
}

// check returns the names in their canonical form.
func (n *NewName) check() error {
	var places []fault.Place
	if n.CPE = strings.TrimSpace(n.CPE); n.CPE != "" {
		name, err := cpe.ParseLenient(n.CPE)
		if err != nil || len(product.Keys(name, "")) == 0 {
			places = append(places, fault.Place{At: "cpe", Code: "exposure.name.cpe"})
		}
		n.CPE = name.String()
	}
	if n.PURL = strings.TrimSpace(n.PURL); n.PURL != "" && len(product.Keys(cpe.Name{}, n.PURL)) == 0 {
		places = append(places, fault.Place{At: "purl", Code: "exposure.name.purl"})
	}
	if len(places) > 0 {
		return errName.At(places...)
	}
	return nil
}

// SetName confirms what a product is called, for all its equipment in that
// register, now and later; or that none of the names is right. Its exposures
// are computed again. A contractor may say it of a product of which it operates
// some. Faults: exposure.name, exposure.name.none.
func (s *Service) SetName(ctx context.Context, n NewName) (ledger.Receipt, error) {
	act := &ledger.Act{Verb: "exposure.name", Secret: n}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if err := n.check(); err != nil {
			return err
		}
		operator := who.Org
		w, err := s.within(ctx, tx, who, reach)
		if err != nil {
			return err
		}
		if w.operated != "" {
			if operator = n.Org; !slices.Contains(w.customers, operator) {
				return ErrProduct
			}
		} else if n.Org != "" && n.Org != operator {
			return ErrProduct
		}
		ids, err := s.Assets.MatchableOf(ctx, tx, operator, n.MakerKey, n.ProductKey)
		if err != nil {
			return err
		}
		var first *asset.Entry
		items := make([]string, 0, len(ids))
		touches := w.operated == ""
		err = s.Assets.Matchable(ctx, tx, operator, ids, func(e *asset.Entry) error {
			if first == nil {
				first = e
			}
			touches = touches || e.OperatedBy == w.operated
			items = append(items, string(e.ID))
			return nil
		})
		if err != nil {
			return err
		}
		if first == nil || !touches {
			return ErrProduct
		}
		row := nameRow{org: operator, maker: n.MakerKey, ware: n.ProductKey, makerName: first.MakerName, wareName: first.ProductName, state: nameConfirmed,
			cpe: n.CPE, purl: n.PURL, at: s.now(), person: who.Person, entry: act.Entry}
		if n.CPE == "" && n.PURL == "" {
			row.state = nameRefused
		}
		act.Public = map[string]any{"entries": len(items)}
		if err := putName(ctx, tx, &row); err != nil {
			return err
		}
		for part := range slices.Chunk(items, stepItems) {
			if err := s.refresh(ctx, tx, operator, part); err != nil {
				return err
			}
		}
		more, err := s.settleStale(ctx, tx, operator, s.started())
		if err == nil && more {
			err = publishDue(ctx, tx, due{Org: operator})
		}
		return err
	})
}

// register's names: what was decided and what may be proposed.
type registerNames struct {
	s    *Service
	org  string
	rows map[[2]string]nameRow
}

func (s *Service) registerNames(ctx context.Context, tx *db.Tx, operator string) (*registerNames, error) {
	rows, err := loadNames(ctx, tx, operator)
	return &registerNames{s, operator, rows}, err
}

// of returns the name for an entry that says none itself, and keeps a proposal
// for people to look at.
func (n *registerNames) of(ctx context.Context, tx *db.Tx, e *asset.Entry) (Named, error) {
	if e.Sealed.CPE != "" || e.Sealed.PURL != "" {
		return Named{}, nil
	}
	at := [2]string{e.MakerKey, e.ProductKey}
	r, ok := n.rows[at]
	if !ok {
		r = nameRow{org: n.org, maker: e.MakerKey, ware: e.ProductKey, makerName: e.MakerName, wareName: e.ProductName, state: nameOpen, at: n.s.now()}
		var err error
		if r, err = n.suggest(ctx, tx, r); err != nil {
			return Named{}, err
		}
		if err := putName(ctx, tx, &r); err != nil {
			return Named{}, err
		}
		n.rows[at] = r
	}
	switch r.state {
	case nameConfirmed:
		return Named{r.cpe, r.purl, product.Confirmed}, nil
	case nameEqual:
		return Named{r.cpe, r.purl, product.Equal}, nil
	case nameProposed:
		return Named{r.cpe, r.purl, product.Proposed}, nil
	}
	return Named{}, nil
}

// suggest returns a name with the likeliest of what feeds know.
func (n *registerNames) suggest(ctx context.Context, tx *db.Tx, r nameRow) (nameRow, error) {
	list, err := n.s.propose(ctx, tx, r.makerName, r.wareName)
	r.cpe, r.purl, r.state = "", "", nameOpen
	if err == nil && len(list) > 0 {
		r.cpe, r.purl, r.state = list[0].CPE, list[0].PURL, nameProposed
		if list[0].Equal {
			r.state = nameEqual
		}
	}
	return r, err
}
