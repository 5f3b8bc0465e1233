package asset

import (
	"context"
	"fmt"

	"noroshi/internal/base/db"
)

// The methods of this file are for the hub itself: what puts registers beside
// statements about vulnerabilities has to read all of them. They ask the gate
// nothing, and whoever calls them must not show what they return to anybody
// without asking it.

// Registers lists the operators that have a register, at most limit of them
// that follow after, in the order of their ids.
func (s *Service) Registers(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
	return loadRegisters(ctx, tx, after, limit)
}

// Revisions calls each with the id and revision of every entry of an operator's
// register, in no order: what changed since is found without opening anything.
func (s *Service) Revisions(ctx context.Context, tx *db.Tx, operator string, each func(id ID, revision int) error) error {
	return eachRevision(ctx, tx, operator, each)
}

// Matchable opens the entries of an operator's register that have one of the
// ids and calls each for them, in no order. An id that is not there is passed
// over.
func (s *Service) Matchable(ctx context.Context, tx *db.Tx, operator string, ids []ID, each func(e *Entry) error) error {
	if len(ids) == 0 {
		return nil
	}
	c, err := s.Keys.For(ctx, tx, operator)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("register of %s: %w", operator, err)
	}
	return loadMany(ctx, tx, operator, ids, func(r *row) error {
		if err := r.open(c); err != nil {
			return err
		}
		return each(&r.Entry)
	})
}

// MatchableOf returns the ids of every entry of one product of an operator's
// register, by the keys of maker and product.
func (s *Service) MatchableOf(ctx context.Context, tx *db.Tx, operator, makerKey, productKey string) (ids []ID, err error) {
	err = eachOfProduct(ctx, tx, operator, makerKey, productKey, func(r *row) error {
		ids = append(ids, r.ID)
		return nil
	})
	return ids, err
}

// WrittenName returns how a register writes the maker and the product of an
// entry; empty when the entry is gone. It is for the hub itself, which has
// decided who reads it.
func (s *Service) WrittenName(ctx context.Context, tx *db.Tx, id ID) (string, error) {
	return loadWrittenName(ctx, tx, id)
}
