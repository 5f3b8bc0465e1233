package notice

import (
	"context"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
)

// basis is how narrow the item of intelligence is on which a draft rests, as
// whoever checks or sends it may know.
type basis struct {
	tlp       TLP
	clearance int
	unseen    bool // it is not there for them
}

// basisOf reads the item of a draft of one's own. It asks the item's own gate,
// so it is called before an act begins; a draft that is not theirs has none,
// and the act says what is wrong.
func (s *Service) basisOf(ctx context.Context, id ID) (b basis, err error) {
	if s.Item == nil || !Access.May(ctx, "notice.draft") {
		return b, nil
	}
	item := ""
	err = s.read(ctx, "notice.draft", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		row, err := loadNotice(ctx, tx, id, who.Org, who.Clearance, false)
		if err != nil || row.Stage != Draft {
			return err
		}
		err = s.open(ctx, tx, &row)
		item = row.Content.Item
		return err
	})
	if err != nil && fault.KindOf(err) == fault.NotFound || err == nil && item == "" {
		return b, nil
	}
	if err != nil {
		return b, err
	}
	f, err := s.Item(ctx, item)
	if err != nil {
		if k := fault.KindOf(err); k != fault.NotFound && k != fault.Refused {
			return b, err
		}
		return basis{unseen: true}, nil
	}
	return basis{tlp: f.TLP, clearance: f.Clearance}, nil
}

// against remarks where a draft is marked wider than what it rests on. A person
// may have a reason; nobody does it by oversight.
func (r *RuleSet) against(c *Content, b basis) []fault.Place {
	var notes problems
	if b.unseen {
		notes.add("/tlp", "notice.check.unseen")
	}
	if b.tlp != "" && r.rank(b.tlp) > r.rank(c.TLP) {
		notes.add("/tlp", "notice.check.wider", "tlp", string(b.tlp))
	}
	if b.clearance > c.Clearance {
		notes.add("/clearance", "notice.check.lower", "clearance", b.clearance)
	}
	return notes
}
