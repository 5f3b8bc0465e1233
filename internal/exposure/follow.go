package exposure

import (
	"context"

	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
)

// What this noun needs of others' events.
type (
	assetEvent struct {
		Org  string `json:"org"`
		Item string `json:"item"`
	}
	intelEvent struct {
		Vulnerabilities []string `json:"vulnerabilities"`
		Products        []string `json:"products"`
		Many            bool     `json:"many"`
	}
	sightingEvent struct {
		Kind          string `json:"kind"`
		Vulnerability string `json:"vulnerability"`
	}
	itemEvent struct {
		Item  string `json:"item"`
		After string `json:"after"` // operators up to this one are done
	}
	orgEvent struct {
		Org      string `json:"org"`
		Customer string `json:"customer"`
		Other    string `json:"other"`
	}
)

// Followers keep exposures up to date with registers, statements and ties.
func Followers(s *Service) []bus.Follower {
	return []bus.Follower{
		{Name: "exposure.register", Subjects: []string{"asset.added", "asset.changed", "asset.removed", "asset.imported"}, Handle: s.followAsset},
		{Name: "exposure.statements", Subjects: []string{"intel.stated", "intel.exploited"}, Handle: s.followIntel},
		{Name: "exposure.sightings", Subjects: []string{"sighting.recorded", "sighting.withdrawn"}, Handle: s.followSighting},
		{Name: "exposure.organisations", Subjects: []string{"org.changed", "org.tied"}, Handle: s.followOrg},
		{Name: "exposure.items", Subjects: []string{"intel.item_published", "intel.item_replaced", "intel.item_withdrawn", "exposure.item_due"}, Handle: s.followItem},
		{Name: "exposure.due", Subjects: []string{"exposure.due"}, Handle: s.followDue},
	}
}

func (s *Service) followAsset(ctx context.Context, tx *db.Tx, ev bus.Event) error {
	e, err := decode[assetEvent](ev.Data)
	if err != nil {
		return err
	}
	if e.Item == "" {
		return s.goOn(ctx, tx, e.Org)
	}
	if err := s.refresh(ctx, tx, e.Org, []string{e.Item}); err != nil {
		return err
	}
	more, err := s.settleStale(ctx, tx, e.Org, s.started())
	if err == nil && more {
		err = publishDue(ctx, tx, due{Org: e.Org})
	}
	return err
}

func (s *Service) followIntel(ctx context.Context, tx *db.Tx, ev bus.Event) error {
	e, err := decode[intelEvent](ev.Data)
	if err != nil {
		return err
	}
	if e.Many {
		return s.ask(ctx, tx)
	}
	if len(e.Vulnerabilities) == 0 {
		return s.takeProducts(ctx, tx, e.Products)
	}
	keys, err := s.concerned(ctx, tx, e.Vulnerabilities, e.Products)
	if err != nil {
		return err
	}
	silent, err := s.silent(ctx, tx, e.Vulnerabilities)
	if err != nil {
		return err
	}
	if silent && len(e.Products) > 0 { // what is said is of the products themselves: when their support ends
		if err := s.takeProducts(ctx, tx, e.Products); err != nil {
			return err
		}
	}
	return s.takeStated(ctx, tx, e.Vulnerabilities, keys)
}

func (s *Service) followOrg(ctx context.Context, tx *db.Tx, ev bus.Event) error {
	e, err := decode[orgEvent](ev.Data)
	if err != nil {
		return err
	}
	if ev.Subject == "org.tied" {
		return s.tied(ctx, tx, e.Customer, e.Other)
	}
	_, err = s.learnOrg(ctx, tx, e.Org)
	return err
}

func (s *Service) followDue(ctx context.Context, tx *db.Tx, ev bus.Event) error {
	e, err := decode[due](ev.Data)
	if err != nil {
		return err
	}
	if e.Org != "" {
		return s.goOn(ctx, tx, e.Org)
	}
	if len(e.Vulnerabilities) > 0 {
		return s.takeStated(ctx, tx, e.Vulnerabilities, e.Keys)
	}
	more, err := s.settleStale(ctx, tx, "", s.started())
	if err == nil && more {
		err = publishDue(ctx, tx, due{})
	}
	return err
}

func (s *Service) followSighting(ctx context.Context, tx *db.Tx, ev bus.Event) error {
	e, err := decode[sightingEvent](ev.Data)
	if err != nil || s.Seen == nil || e.Kind != "exploited" || e.Vulnerability == "" {
		return err
	}
	return s.takeSighting(ctx, tx, e.Vulnerability)
}

func (s *Service) followItem(ctx context.Context, tx *db.Tx, ev bus.Event) error {
	e, err := decode[itemEvent](ev.Data)
	if err != nil {
		return err
	}
	return s.takeItem(ctx, tx, e.Item, e.After)
}
