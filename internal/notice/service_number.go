package notice

import (
	"context"
	"strings"

	"noroshi/internal/base/db"
)

// ownID returns the id of a notice of the reader's own organisation that is
// named by its number, which is what mails and lists call it. Anything else,
// and a number of somebody else's, comes back as it is: what is asked with it
// then finds nothing, or refuses, as it does for any id.
func (s *Service) ownID(ctx context.Context, given ID) ID {
	return s.byNumber(ctx, given, "notice.board", ownByNumber)
}

// letterID is ownID for what the reader's organisation was told.
func (s *Service) letterID(ctx context.Context, given ID) ID {
	return s.byNumber(ctx, given, "notice.open", letterByNumber)
}

func (s *Service) byNumber(ctx context.Context, given ID, verb string, find func(context.Context, *db.Tx, string, string, int) (ID, error)) ID {
	number := noticeNumber(given)
	if len(number) != len("W-XXXX-XXXX") || !strings.HasPrefix(number, "W-") {
		return given
	}
	who, _, err := Access.Allow(ctx, verb)
	if err != nil { // the act itself refuses, on the record
		return given
	}
	id := given
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		found, err := find(ctx, tx, number, who.Org, who.Clearance)
		if err == nil && found != "" {
			id = found
		}
		return err
	})
	if err != nil { // a database that cannot be read says so to what follows
		return given
	}
	return id
}
