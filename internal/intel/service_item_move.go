package intel

import (
	"context"
	"errors"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// Edit changes an item. A draft is changed where it stands, and what it was is
// kept; a published item gets a draft of its next version beside it, which
// takes its place when it is published. Revision is the one the change is based
// on. Origin, provenance and file stay. Faults: ErrNoItem, ErrItem, ErrItemMoved
// when somebody else changed it or already drafts the next version, ErrPublished
// when it was taken back or replaced.
func (s *Service) Edit(ctx context.Context, id string, revision int, n NewItem) (it Item, err error) {
	act := &ledger.Act{Verb: "intel.edit", Object: itemObject(id)}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		if s.Keys == nil {
			return errClosed
		}
		old, err := loadOwnItem(ctx, tx, id, who)
		if err != nil {
			return err
		}
		if old.State != ItemDraft && old.State != ItemPublished {
			return ErrPublished
		}
		if old.Revision != revision {
			return ErrItemMoved
		}
		was := past{revision: old.Revision, person: old.person, at: s.now(), entry: old.Entry, sealed: old.sealed}
		if err := s.unsealWhole(ctx, tx, &old); err != nil {
			return err
		}
		if it, err = s.normal(ctx, tx, n, who); err != nil {
			return err
		}
		it.Org, it.Origin, it.Provenance, it.Mine, it.person, it.Entry = old.Org, old.Origin, old.Provenance, true, who.Person, act.Entry
		if old.Origin == FromReport && width(it.TLP) > width(old.TLP) { // as narrow as the report it is from
			it.TLP = old.TLP
		}
		if old.State == ItemDraft {
			it.ID, it.Version, it.Revision, it.Replaces, it.CreatedAt, it.person, it.Entry = old.ID, old.Version, old.Revision+1, old.Replaces, old.CreatedAt, old.person, old.Entry
		} else {
			next, err := successor(ctx, tx, id)
			if err == nil && next != "" {
				err = ErrItemMoved
			}
			if err != nil {
				return err
			}
			it.ID, it.Version, it.Replaces, it.CreatedAt = newID(), old.Version+1, old.ID, s.now()
			act.Object = itemObject(it.ID)
		}
		_, tags, err := s.sealAndTag(ctx, tx, &it)
		if err != nil {
			return err
		}
		act.Secret, act.Public = n, it.public()
		if old.State == ItemDraft {
			return changeItem(ctx, tx, &it, tags, was)
		}
		return insertItem(ctx, tx, &it, tags)
	})
	return it, err
}

// Publish makes a draft visible to whom its label and clearance allow; the
// version before it is replaced. Faults: ErrNoItem, ErrPublished, ErrItem when
// its label asks for names and it names nobody, or its time is over.
func (s *Service) Publish(ctx context.Context, id string) (Item, error) {
	return s.move(ctx, "intel.publish", id, ItemDraft, ItemPublished, "")
}

// Withdraw marks a published item as no longer right, and says why. Faults:
// ErrNoItem, ErrPublished.
func (s *Service) Withdraw(ctx context.Context, id, why string) (Item, error) {
	return s.move(ctx, "intel.withdraw", id, ItemPublished, ItemWithdrawn, shorten(why, maxNoteText))
}

func (s *Service) move(ctx context.Context, verb, id string, from, to ItemState, why string) (it Item, err error) {
	act := &ledger.Act{Verb: verb, Object: itemObject(id), Secret: why}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		if s.Keys == nil {
			return errClosed
		}
		if it, err = loadOwnItem(ctx, tx, id, who); err != nil {
			return err
		}
		if it.State != from {
			return ErrPublished
		}
		if err := s.unseal(ctx, tx, &it, who); err != nil {
			return err
		}
		c, err := s.Keys.For(ctx, tx, it.Org)
		if err != nil {
			return err
		}
		at := s.now()
		it.State, it.Why = to, why
		if to == ItemPublished {
			if err := it.mayGo(at); err != nil {
				return err
			}
			it.PublishedAt = at
			if err := s.replace(ctx, tx, &it, at); err != nil {
				return err
			}
		} else {
			it.WithdrawnAt = at
		}
		if it.sealed, err = it.seal(c); err != nil {
			return err
		}
		if err := moveItem(ctx, tx, &it, from, at); err != nil {
			return err
		}
		act.Public = it.public()
		return publishItem(ctx, tx, &it, append(slices.Clone(it.To), it.Org)...)
	})
	return it, err
}

// mayGo checks what only matters once others see an item.
func (it *Item) mayGo(now time.Time) error {
	switch {
	case needsNames(it.TLP) && len(it.To) == 0:
		return ErrItem.At(place("to", "intel.item.names"))
	case !it.ValidUntil.IsZero() && !it.ValidUntil.After(now):
		return ErrItem.At(place("valid_until", "intel.item.valid"))
	}
	return nil
}

// replace puts an item in the place of the version before it.
func (s *Service) replace(ctx context.Context, tx *db.Tx, it *Item, at time.Time) error {
	if it.Replaces == "" {
		return nil
	}
	old, err := loadAnyItem(ctx, tx, it.Replaces)
	if err != nil {
		return err
	}
	if old.State == ItemWithdrawn { // taken back meanwhile: the new one stands for itself
		return nil
	}
	old.State, old.ReplacedBy = ItemReplaced, it.ID
	if err := moveItem(ctx, tx, &old, ItemPublished, at); err != nil {
		return err
	}
	if old.To, err = loadItemTo(ctx, tx, old.ID); err != nil {
		return err
	}
	return publishItem(ctx, tx, &old, append(slices.Clone(old.To), old.Org)...)
}

// ItemStep is one step of an item's history: a version, or a draft of one's own
// before it was changed, with what the step changed.
type ItemStep struct {
	ID       string       `json:"id"`
	Version  int          `json:"version"`
	Revision int          `json:"revision,omitempty"` // of a draft; only to its own organisation
	State    ItemState    `json:"state"`
	At       time.Time    `json:"at"`
	Changes  []ItemChange `json:"changes"`
}

// maxVersions bounds the versions that a history goes back.
const maxVersions = 50

// History tells how an item became what it is, the newest step first: the
// versions before it as far as the reader may know them, and to its own
// organisation the drafts. Fault: ErrNoItem.
func (s *Service) History(ctx context.Context, id string) (out []ItemStep, err error) {
	err = s.readItems(ctx, func(tx *db.Tx, who gate.Identity) error {
		it, err := loadItem(ctx, tx, id, who)
		if err != nil {
			return err
		}
		if err := s.unseal(ctx, tx, &it, who); err != nil {
			return err
		}
		for range maxVersions {
			step := ItemStep{ID: it.ID, Version: it.Version, State: it.State, At: it.PublishedAt}
			if step.At.IsZero() {
				step.At = it.CreatedAt
			}
			var before Item
			more := false
			if it.Replaces != "" {
				if before, err = loadItem(ctx, tx, it.Replaces, who); err == nil {
					more, err = true, s.unseal(ctx, tx, &before, who)
				} else if errors.Is(err, ErrNoItem) {
					err = nil
				}
				if err != nil {
					return err
				}
			}
			if more {
				step.Changes = diffItems(&before, &it)
			}
			out = append(out, step)
			if it.Org == who.Org {
				drafts, err := s.drafts(ctx, tx, it)
				if err != nil {
					return err
				}
				out = append(out, drafts...)
			}
			if it = before; !more {
				break
			}
		}
		return nil
	})
	return out, err
}

// drafts are what an item was before its changes, and what each changed.
func (s *Service) drafts(ctx context.Context, tx *db.Tx, now Item) (out []ItemStep, err error) {
	list, err := loadPast(ctx, tx, now.ID)
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		was := now
		was.sealed, was.To = p.sealed, nil
		if err := s.unsealWhole(ctx, tx, &was); err != nil {
			return nil, err
		}
		out = append(out, ItemStep{ID: now.ID, Version: now.Version, Revision: p.revision + 1, State: ItemDraft, At: p.at, Changes: diffItems(&was, &now)})
		now = was
	}
	return out, nil
}

// ItemFor returns an item for a follower, whatever its marks, in a transaction
// of its own work: who is told of it has to be allowed to know it by them (see
// [Item.Knows]). Fault: ErrNoItem.
func (s *Service) ItemFor(ctx context.Context, tx *db.Tx, id string) (Item, error) {
	if s.Keys == nil {
		return Item{}, ErrNoItem
	}
	it, err := loadAnyItem(ctx, tx, id)
	if err != nil {
		return it, err
	}
	if it.To, err = loadItemTo(ctx, tx, id); err != nil {
		return it, err
	}
	return it, s.unsealWhole(ctx, tx, &it)
}

// Published calls each for every published item whose time is not over, in the
// order of their ids, at most limit. For the hub itself, which asks no gate.
func (s *Service) Published(ctx context.Context, tx *db.Tx, limit int, each func(it *Item) error) error {
	if s.Keys == nil {
		return nil
	}
	after, now := "", s.now()
	for limit > 0 {
		list, err := loadPublished(ctx, tx, after, min(limit, 100))
		if err != nil {
			return err
		}
		for i := range list {
			it := &list[i]
			after = it.ID
			if !it.ValidUntil.IsZero() && !it.ValidUntil.After(now) {
				continue
			}
			if err := s.unsealWhole(ctx, tx, it); err != nil {
				return err
			}
			if err := each(it); err != nil {
				return err
			}
		}
		if limit -= len(list); len(list) < 100 {
			break
		}
	}
	return nil
}

// ItemsMark changes whenever an item is published, replaced or taken back.
func (s *Service) ItemsMark(ctx context.Context, tx *db.Tx) ([2]int64, error) {
	n, at, err := itemsMoved(ctx, tx)
	return [2]int64{n, at}, err
}
