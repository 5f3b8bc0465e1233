package incident

import (
	"context"

	"noroshi/internal/base/db"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

// OrgNames returns the names of organisations in a language, by id, for those
// who already hold the ids: rows of a list they may see.
func (s *Service) OrgNames(ctx context.Context, lang text.Lang, ids ...string) (map[string]string, error) {
	return named(ctx, s.DB, ids, func(tx *db.Tx, ids []org.ID) (map[org.ID]string, error) { return s.Orgs.Names(ctx, tx, lang, ids...) })
}

// PersonNames returns the names of people, as OrgNames does of organisations:
// who saved a draft, who wrote the other side of a clash.
func (s *Service) PersonNames(ctx context.Context, ids ...string) (map[string]string, error) {
	return named(ctx, s.DB, ids, func(tx *db.Tx, ids []org.PersonID) (map[org.PersonID]string, error) {
		return s.Orgs.PersonNames(ctx, tx, ids...)
	})
}

func named[T ~string](ctx context.Context, d *db.DB, ids []string, look func(tx *db.Tx, ids []T) (map[T]string, error)) (map[string]string, error) {
	out := map[string]string{}
	var typed []T
	for _, id := range ids {
		if _, ok := out[id]; !ok && id != "" {
			out[id] = ""
			typed = append(typed, T(id))
		}
	}
	if len(typed) == 0 {
		return out, nil
	}
	err := d.Read(ctx, func(tx *db.Tx) error {
		names, err := look(tx, typed)
		for id, n := range names {
			out[string(id)] = n
		}
		return err
	})
	return out, err
}
