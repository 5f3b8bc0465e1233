package approval

import (
	"context"
	"strings"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

// numbered returns a number such as S-7K3Q-9F2M as it is stored, and whether
// that is what somebody wrote instead of an id.
func numbered(name string) (string, bool) {
	n := strings.ToUpper(strings.TrimSpace(name))
	return n, len(n) == len("S-0000-0000") && strings.HasPrefix(n, "S-")
}

// named returns the id of a case that somebody may have named by its number. A
// number out of reach stays as it is: no id is like it, so that it finds as
// little as one that was never given out.
func named(ctx context.Context, tx *db.Tx, name string, who gate.Identity, reach gate.Reach) (ID, error) {
	n, ok := numbered(name)
	if !ok {
		return name, nil
	}
	id, err := idByNumber(ctx, tx, n, who, reach)
	if err == db.ErrNoRows {
		return name, nil
	}
	return id, err
}

// named is that of a case for an act: the first thing that every method does
// with a name, so that locks, seals and entries have the id alone.
func (s *Service) named(ctx context.Context, verb, name string) (id ID, err error) {
	if _, ok := numbered(name); !ok {
		return name, nil
	}
	who, _ := gate.From(ctx)
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		id, err = named(ctx, tx, name, who, Access.Reach(who, verb))
		return err
	})
	return id, err
}

// Named returns the id of an approval of the organisation that acts, for nouns
// that keep the id of what they rest on: Grant takes ids alone. What is no number,
// and a number of no approval of theirs, comes back as it is.
func (s *Service) Named(ctx context.Context, name string) (ID, error) {
	return s.named(ctx, "approval.read", name)
}

// Number returns the number that people call an approval by, such as S-7K3Q-9F2M;
// empty where there is none. It is for nouns that keep the id of what they rest on,
// to show to who may see what they keep.
func (s *Service) Number(ctx context.Context, tx *db.Tx, id ID) (number string, err error) {
	return numberOf(ctx, tx, id)
}
