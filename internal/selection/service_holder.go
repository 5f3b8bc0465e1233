package selection

import (
	"context"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/org"
)

// Holder is somebody who is ready to hold a share of a key.
type Holder struct {
	Person string `json:"person"`
	Name   string `json:"name"`
	Org    string `json:"org"` // name
	Me     bool   `json:"me"`
}

// Hold says that one is ready to hold shares of keys, or not any more. Nobody is
// made a holder without having said so; shares one has stay one's own.
func (s *Service) Hold(ctx context.Context, ready bool) error {
	act := &ledger.Act{Verb: "selection.hold", Object: "selection_holder", Public: map[string]any{"what": "ready", "ready": ready}}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		return setHolder(ctx, tx, who, ready, s.now())
	})
}

// Holders lists who is ready to hold shares: to a clerk all, to others
// themselves.
func (s *Service) Holders(ctx context.Context) (out []Holder, err error) {
	err = s.read(ctx, "selection.hold", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		list, err := listHolders(ctx, tx)
		if err != nil {
			return err
		}
		var people []org.PersonID
		var orgs []string
		for _, x := range list {
			people, orgs = append(people, org.PersonID(x[0])), append(orgs, x[1])
		}
		names, err := s.Orgs.PersonNames(ctx, tx, people...)
		if err != nil {
			return err
		}
		bodies, err := s.Orgs.NamesFor(ctx, tx, who, orgs...)
		if err != nil {
			return err
		}
		for _, x := range list {
			if me := x[0] == who.Person; me || Access.Reach(who, "selection.custody") != gate.None {
				out = append(out, Holder{x[0], names[org.PersonID(x[0])], bodies[x[1]], me})
			}
		}
		return nil
	})
	return out, err
}
