package intel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/incident"
)

// tagOwner is whose key the tags of indicators are made with: one for the whole
// hub, because the same indicator has to be found in items of all.
const tagOwner = "intel"

func itemObject(id string) string { return "intel_item/" + id }

// Add keeps an item as a draft of one's own organisation. Indicators and CVE
// ids that stand in its text are found. Fault: ErrItem with places.
func (s *Service) Add(ctx context.Context, n NewItem) (Item, error) {
	return s.add(ctx, n, ByHand, Step{})
}

// AddFile is Add of what stands in a file: JSON of a NewItem, or plain text of
// which the first line is the title. Name is kept as where it is from.
func (s *Service) AddFile(ctx context.Context, name string, raw []byte, n NewItem) (Item, error) {
	got, err := parseItem(raw, n)
	if err != nil {
		return Item{}, err
	}
	sum := sha256.Sum256(raw)
	return s.add(ctx, got, FromFile, Step{Ref: clip(name), SHA: hex.EncodeToString(sum[:])})
}

// AddFromReport is Add with the indicators of an incident report, if its
// reporter agreed to share them; nobody's name is in it, and its label is at
// least as narrow as the report's. The report is opened for a purpose, which
// its reporter sees. Faults: those of opening it, ErrConsent.
func (s *Service) AddFromReport(ctx context.Context, report, purpose string, n NewItem) (Item, error) {
	if _, _, err := Access.Allow(ctx, "intel.add"); err != nil || s.Incidents == nil {
		return s.add(ctx, n, FromReport, Step{}) // refuses, and records it
	}
	v, err := s.Incidents.Open(ctx, incident.ID(report), 0, purpose)
	if err != nil {
		return Item{}, err
	}
	found, note, err := ofReport(v.Report)
	if err != nil {
		return Item{}, s.Ledger.Refuse(ctx, "intel.add", "incident/"+report, fault.Of(err))
	}
	n.Indicators = append(n.Indicators, found...)
	if n.Text == "" {
		n.Text = note
	}
	if at := slices.Index(incident.TLPs, v.Report.TLP); at >= 0 && (n.TLP == "" || slices.Index(incident.TLPs, n.TLP) > at) {
		n.TLP = v.Report.TLP
	}
	return s.add(ctx, n, FromReport, Step{Ref: report})
}

func (s *Service) add(ctx context.Context, n NewItem, origin Origin, from Step) (it Item, err error) {
	act := &ledger.Act{Verb: "intel.add"}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		if s.Keys == nil || origin == FromReport && s.Incidents == nil {
			return fault.New(fault.Refused, "intel.item.closed")
		}
		if it, err = n.normal(who.Clearance); err != nil {
			return err
		}
		from.At, from.What = s.now(), origin
		it.ID, it.Org, it.Origin, it.CreatedAt, it.Provenance = newID(), who.Org, origin, s.now(), []Step{from}
		it.Entry, it.person, it.Mine = act.Entry, who.Person, true
		c, err := s.Keys.Make(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("item: %w", err)
		}
		if it.sealed, err = it.seal(c); err != nil {
			return err
		}
		tags, err := s.Keys.Make(ctx, tx, tagOwner)
		if err != nil {
			return fmt.Errorf("item: %w", err)
		}
		act.Object, act.Secret = itemObject(it.ID), n
		act.Public = map[string]any{"tlp": string(it.TLP), "clearance": it.Clearance, "grade": it.Grade.String(), "origin": string(origin), "indicators": len(it.Indicators)}
		return insertItem(ctx, tx, &it, it.tags(tags))
	})
	return it, err
}

// tags are by what an item is found: its indicators and vulnerabilities.
func (it *Item) tags(c *key.Cipher) (out []string) {
	for _, x := range it.Indicators {
		out = append(out, c.Tag("intel/indicator", x.Value))
	}
	for _, v := range it.Vulnerabilities {
		out = append(out, c.Tag("intel/vulnerability", v))
	}
	return out
}

// sealedItem is the secret part with the vulnerabilities, which are tags in
// clear nowhere.
type sealedItem struct {
	itemSecret
	Vulnerabilities []string `json:"vulnerabilities,omitempty"`
}

func (it *Item) seal(c *key.Cipher) ([]byte, error) {
	raw, err := json.Marshal(sealedItem{itemSecret{it.Title, it.Text, it.Indicators, it.Source, it.Provenance, it.Why}, it.Vulnerabilities})
	if err != nil {
		return nil, fmt.Errorf("item %s: %w", it.ID, err)
	}
	return c.Seal(raw, itemObject(it.ID)), nil
}

// unseal decrypts an item and takes out what its reader may not know.
func (s *Service) unseal(ctx context.Context, tx *db.Tx, it *Item, who gate.Identity, reach gate.Reach) error {
	c, err := s.Keys.For(ctx, tx, it.Org)
	if err != nil {
		return fmt.Errorf("item %s: %w", it.ID, err)
	}
	raw, err := c.Open(it.sealed, itemObject(it.ID))
	if err != nil {
		return fmt.Errorf("item %s: %w", it.ID, err)
	}
	var sec sealedItem
	if err := json.Unmarshal(raw, &sec); err != nil {
		return fmt.Errorf("item %s: %w", it.ID, err)
	}
	it.Title, it.Text, it.Indicators, it.Source, it.Provenance, it.Why, it.Vulnerabilities = sec.Title, sec.Text, sec.Indicators, sec.Source, sec.Provenance, sec.Why, sec.Vulnerabilities
	if it.Mine = it.Org == who.Org; it.Mine {
		it.To, err = loadItemTo(ctx, tx, it.ID)
		return err
	}
	it.Entry = ""
	if reach != gate.All { // whoever gave it to us is not everyone's to know
		it.Source, it.Provenance = "", nil
	}
	return nil
}

// readItems is read with the reach, for which a hub without keys has no items.
func (s *Service) readItems(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	return s.read(ctx, verb, func(tx *db.Tx, who gate.Identity) error {
		if s.Keys == nil {
			return fault.New(fault.Refused, "intel.item.closed")
		}
		return fn(tx, who, Access.Reach(who, verb))
	})
}

// Item returns an item that its label and clearance let the reader know.
// Fault: ErrNoItem.
func (s *Service) Item(ctx context.Context, id string) (it Item, err error) {
	err = s.readItems(ctx, "intel.items", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if it, err = loadItem(ctx, tx, id, who, reach); err != nil {
			return err
		}
		return s.unseal(ctx, tx, &it, who, reach)
	})
	return it, err
}

// Items lists the items that the reader may know, the newest first, and the
// cursor of the next page.
func (s *Service) Items(ctx context.Context, f ItemFilter) (out []Item, next string, err error) {
	var before string
	if _, err := db.ParseCursor(f.Cursor, &before); err != nil {
		return nil, "", err
	}
	limit := db.Limit(f.Limit)
	f.Limit = limit + 1
	err = s.readItems(ctx, "intel.items", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		tags, none, err := s.sought(ctx, tx, f)
		if err != nil || none {
			return err
		}
		if out, err = loadItems(ctx, tx, f, before, tags, who, reach); err != nil {
			return err
		}
		if len(out) > limit {
			out = out[:limit]
			next = db.Cursor(out[limit-1].ID)
		}
		for i := range out {
			if err := s.unseal(ctx, tx, &out[i], who, reach); err != nil {
				return err
			}
		}
		return nil
	})
	return out, next, err
}

// sought returns the tags that a filter asks for; none when nothing can have
// them.
func (s *Service) sought(ctx context.Context, tx *db.Tx, f ItemFilter) (tags []string, none bool, err error) {
	if f.Indicator == "" && f.Vulnerability == "" {
		return nil, false, nil
	}
	c, err := s.Keys.For(ctx, tx, tagOwner)
	if errors.Is(err, db.ErrNoRows) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	if f.Indicator != "" {
		x, ok := indicatorOf(f.Indicator)
		if !ok {
			return nil, true, nil
		}
		tags = append(tags, c.Tag("intel/indicator", x.Value))
	}
	if f.Vulnerability != "" {
		tags = append(tags, c.Tag("intel/vulnerability", f.Vulnerability))
	}
	return tags, false, nil
}

// Publish makes a draft visible to whom its label and clearance allow. Faults:
// ErrNoItem, ErrPublished.
func (s *Service) Publish(ctx context.Context, id string) (Item, error) {
	return s.move(ctx, "intel.publish", id, ItemDraft, ItemPublished, "")
}

// Withdraw marks a published item as no longer right, and says why. Faults:
// ErrNoItem, ErrPublished.
func (s *Service) Withdraw(ctx context.Context, id, why string) (Item, error) {
	return s.move(ctx, "intel.withdraw", id, ItemPublished, ItemWithdrawn, clip(why))
}

func (s *Service) move(ctx context.Context, verb, id string, from, to ItemState, why string) (it Item, err error) {
	act := &ledger.Act{Verb: verb, Object: itemObject(id)}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		if s.Keys == nil {
			return fault.New(fault.Refused, "intel.item.closed")
		}
		if it, err = loadOwnItem(ctx, tx, id, who); err != nil {
			return err
		}
		if it.State != from {
			return ErrPublished
		}
		if err := s.unseal(ctx, tx, &it, who, gate.All); err != nil {
			return err
		}
		c, err := s.Keys.For(ctx, tx, it.Org)
		if err != nil {
			return err
		}
		it.State, it.Why = to, why
		if it.sealed, err = it.seal(c); err != nil {
			return err
		}
		at := s.now()
		if to == ItemPublished {
			it.PublishedAt = at
		} else {
			it.WithdrawnAt = at
		}
		if err := moveItem(ctx, tx, id, from, to, at, it.sealed); err != nil {
			return err
		}
		act.Public = map[string]any{"tlp": string(it.TLP), "clearance": it.Clearance, "to": len(it.To)}
		return publishItem(ctx, tx, to, it.ID, append(it.To, it.Org)...)
	})
	return it, err
}

// ItemFor returns an item for a follower, whatever its marks: who is told of it
// has to be allowed to see it by them.
func (s *Service) ItemFor(ctx context.Context, tx *db.Tx, id string) (Item, error) {
	if s.Keys == nil {
		return Item{}, ErrNoItem
	}
	it, err := loadAnyItem(ctx, tx, id)
	if err != nil {
		return it, err
	}
	return it, s.unseal(ctx, tx, &it, gate.Identity{Org: it.Org}, gate.All)
}
