package incident

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// Proof is one receipt of a case, provable against the ledger with the hub's
// verifier key and nothing else.
type Proof struct {
	What    string         `json:"what"` // submitted | acknowledged
	Version int            `json:"version"`
	Org     string         `json:"org"`              // who did it
	Name    string         `json:"name"`             // of that organisation
	Number  string         `json:"number,omitempty"` // 受付番号 of an acknowledgement
	At      time.Time      `json:"at"`
	Receipt ledger.Receipt `json:"receipt"`
	Promise string         `json:"promise"`         // c2sp.org/signed-note: the receipt, signed
	Proof   string         `json:"proof,omitempty"` // c2sp.org/tlog-proof; empty for the seconds until the entry is in the log
}

// Receipts lists what a case can be proven by: to its reporter every
// submission and every acknowledgement, to a recipient its own
// acknowledgements. It says that things happened, not what they were, so it
// needs no purpose.
func (s *Service) Receipts(ctx context.Context, id ID) (out []Proof, err error) {
	err = s.read(ctx, "incident.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach)
		if err != nil {
			return err
		}
		with := who.Org
		if reach == gate.Own {
			with = ""
			vs, err := loadVersions(ctx, tx, id)
			if err != nil {
				return err
			}
			for _, v := range vs {
				out = append(out, Proof{What: "submitted", Version: v.Version, Org: c.Org, At: v.At, Receipt: ledger.Receipt{Entry: v.Entry}})
			}
		}
		ds, err := loadDeliveries(ctx, tx, id, with)
		if err != nil {
			return err
		}
		for _, d := range ds {
			p := Proof{What: "acknowledged", Version: d.Acked, Org: d.Org, Number: d.AckedNumber, At: d.AckedAt, Receipt: ledger.Receipt{Entry: d.AckedEntry}}
			if d.AckedEntry != "" && !slices.Contains(out, p) { // one stamp may be for several forms
				out = append(out, p)
			}
		}
		ids := make([]string, len(out))
		for i, p := range out {
			ids[i] = p.Org
		}
		names, err := s.Orgs.NamesFor(ctx, tx, who, ids...)
		for i := range out {
			out[i].Name = names[out[i].Org]
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range out {
		if err := s.prove(ctx, &out[i]); err != nil {
			return nil, fmt.Errorf("receipts of %s: %w", id, err)
		}
	}
	return out, nil
}

// prove fills in the receipt, its promise and, once it is there, its proof.
func (s *Service) prove(ctx context.Context, p *Proof) error {
	proven, err := s.Ledger.Prove(ctx, p.Receipt.Entry)
	switch {
	case err == nil:
		p.Receipt, p.Proof = proven.Receipt, proven.Proof
	case errors.Is(err, ledger.ErrNotYet):
		if p.Receipt, err = s.Ledger.Receipt(ctx, p.Receipt.Entry); err != nil {
			return err
		}
	default:
		return err
	}
	p.Promise, err = s.Ledger.Promise(p.Receipt)
	return err
}
