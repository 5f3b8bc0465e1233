package app

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"noroshi/internal/asset"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

// registers lays out what operators did about their equipment: imported,
// notified, changed; and what came back. The last two have not notified yet.
func (c *country) registers() (all []moment) {
	operators := c.operators()
	at := func(days, hours int) time.Time {
		return c.now.AddDate(0, 0, -days).Add(time.Duration(hours) * time.Hour)
	}
	for i, m := range operators {
		c.equip(m, m.Weight)
		all = append(all, moment{at(50, 27*i), func(context.Context) error { return c.importList(m) }})
		if i >= len(operators)-2 {
			continue
		}
		all = append(all, moment{at(44-i, 160+11*i), func(context.Context) error { return c.notify(m) }})
		if i%4 == 3 { // still waits for its stamp
			continue
		}
		all = append(all, moment{at(40-i, 390-13*i), func(context.Context) error { return c.stamp(m, i%2 == 0) }})
		if i%3 == 1 {
			all = append(all, moment{at(38-i, 75+9*i), func(context.Context) error { return c.question(m, i%2 == 0) }})
		}
	}
	all = append(all, moment{at(20, 95), func(ctx context.Context) error { return c.upkeep(operators[0]) }},
		moment{at(12, 250), func(ctx context.Context) error { return c.notify(operators[0]) }})
	for _, m := range c.all {
		if m.Is(org.Contractor) {
			all = append(all, moment{at(9, 130), func(ctx context.Context) error { return c.maintain(m) }})
		}
	}
	return all
}

// importList answers the scope check once for all of a member's equipment and
// imports its list.
func (c *country) importList(m *member) error {
	p, err := m.with(gate.OperatorReporter, 0)
	if err != nil {
		return err
	}
	s, list := c.h.Assets, m.list()
	v, err := s.PreviewImport(p.ctx, "equipment.csv", bytes.NewReader(list), int64(len(list)), false)
	if err != nil {
		return fmt.Errorf("demo: equipment of %s: %w", m.orgPlan.ID, err)
	}
	if v.Counts.Added != len(m.pieces) {
		return fmt.Errorf("demo: equipment of %s: %+v, and %v", m.orgPlan.ID, v.Counts, v.Rows[:1])
	}
	if _, err := s.ApplyImport(p.ctx, v.Token); err != nil {
		return fmt.Errorf("demo: equipment of %s: %w", m.orgPlan.ID, err)
	}
	return s.SetFacts(p.ctx, asset.ScopeFacts{Designated: asset.Yes, Used: asset.Yes, Affects: asset.Yes})
}

// notify submits a member's next statement.
func (c *country) notify(m *member) error {
	p, err := m.with(gate.OperatorReporter, 0)
	if err != nil {
		return err
	}
	d, err := c.h.Assets.Draft(p.ctx, "")
	if err != nil {
		return err
	}
	if d.Blocked != nil {
		return fmt.Errorf("demo: statement of %s: %w", m.orgPlan.ID, d.Blocked)
	}
	_, err = c.h.Assets.Submit(p.ctx, d.Sector, d.Register.Revision)
	return err
}

// ministryOf returns who receives statements of a member.
func (c *country) ministryOf(m *member) (person, *member, error) {
	i := slices.IndexFunc(c.all, func(x *member) bool {
		return x.Is(org.Ministry) && slices.Contains(x.orgPlan.Sectors, m.orgPlan.Sectors[0])
	})
	if i < 0 {
		return person{}, nil, fmt.Errorf("demo: nobody is competent for %s", m.orgPlan.ID)
	}
	p, err := c.all[i].with(gate.MinistryClerk, 0)
	return p, c.all[i], err
}

// latest returns the last statement of a member.
func (c *country) latest(m *member) (asset.Notice, error) {
	p, err := m.with(gate.OperatorReporter, 0)
	if err != nil {
		return asset.Notice{}, err
	}
	list, _, err := c.h.Assets.Statements(p.ctx, false, "", 1)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("demo: %s has no statement", m.orgPlan.ID)
	}
	if err != nil {
		return asset.Notice{}, err
	}
	return list[0], nil
}

// stamp acknowledges a member's statement at its ministry, which passes it on;
// the Prime Minister's desk may stamp it too.
func (c *country) stamp(m *member, office bool) error {
	n, err := c.latest(m)
	if err != nil {
		return err
	}
	clerk, _, err := c.ministryOf(m)
	if err != nil {
		return err
	}
	if _, err := c.h.Assets.Statement(clerk.ctx, n.ID); err != nil {
		return err
	}
	if _, err := c.h.Assets.Acknowledge(clerk.ctx, n.ID, ""); err != nil || !office {
		return err
	}
	desk, err := c.by["office"].with(gate.OfficeClerk, 0)
	if err != nil {
		return err
	}
	_, err = c.h.Assets.Acknowledge(desk.ctx, n.ID, "")
	return err
}

// question asks about a statement; some are answered.
func (c *country) question(m *member, answered bool) error {
	n, err := c.latest(m)
	if err != nil {
		return err
	}
	clerk, ministry, err := c.ministryOf(m)
	if err != nil {
		return err
	}
	ask := text.Both{JA: "委託先が運用する機器の範囲を教えてください。", EN: "Which of these devices does your contractor run?"}
	if _, err := c.h.Assets.Ask(clerk.ctx, n.ID, ask.In(m.lang())); err != nil || !answered {
		return err
	}
	p, err := m.with(gate.OperatorReporter, 0)
	if err != nil {
		return err
	}
	reply := text.Both{JA: "外から届く機器と、認証基盤です。", EN: "Those reachable from outside, and the authentication servers."}
	_, err = c.h.Assets.Answer(p.ctx, n.ID, string(ministry.Org.ID), reply.In(m.lang()))
	return err
}

// amended is an entry as somebody would type it again, with some fields changed.
func amended(e asset.Entry, to map[asset.Field]string) *asset.Draft {
	d := &asset.Draft{Further: e.Further}
	for _, f := range asset.Fields() {
		d.Values[f] = e.Value(f)
	}
	for f, v := range to {
		d.Values[f] = v
	}
	return d
}

// newest is what an update of an entry changes: the version, and with it the
// end of support. It is nil when the entry has the newest version already.
func (c *country) newest(e asset.Entry) map[asset.Field]string {
	i := slices.IndexFunc(c.Products, func(p productPlan) bool { return p.Product == e.Product })
	if i < 0 || len(c.Products[i].Versions) == 0 {
		return nil
	}
	p := c.Products[i]
	last := len(p.Versions) - 1
	if e.Value(asset.FieldVersion) == p.Versions[last] {
		return nil
	}
	out := map[asset.Field]string{asset.FieldVersion: p.Versions[last], asset.FieldCPE: p.cpe(p.Versions[last])}
	if last < len(p.Ends) {
		out[asset.FieldSupportEnds] = p.Ends[last] + "-28"
	}
	return out
}

// upkeep is what a member does to its own register: it updates devices, takes
// one out, enters one by hand, and confirms a few.
func (c *country) upkeep(m *member) error {
	p, err := m.with(gate.OperatorReporter, 0)
	if err != nil {
		return err
	}
	s := c.h.Assets
	found, err := s.List(p.ctx, asset.Filter{Kind: asset.KindVPN, Limit: 20})
	if err != nil {
		return err
	}
	var ids []asset.ID
	updated, removed := 0, false
	for _, e := range found.Entries {
		to := c.newest(e)
		switch {
		case to != nil && updated < 4:
			updated++
			_, err = s.Change(p.ctx, e.ID, e.Revision, amended(e, to), "", "")
		case to != nil && !removed:
			removed = true
			err = s.Remove(p.ctx, e.ID, e.Revision)
		default:
			ids = append(ids, e.ID)
		}
		if err != nil {
			return err
		}
	}
	d := &asset.Draft{}
	for f, v := range map[asset.Field]string{asset.FieldKey: "P-9001", asset.FieldKind: "remote_access", asset.FieldMaker: "ミナト計装", asset.FieldProduct: "FieldPort",
		asset.FieldModel: "R4", asset.FieldVersion: "3.1", asset.FieldZone: "dmz", asset.FieldService: m.Service.JA, asset.FieldOperatedBy: asset.Own,
		asset.FieldSite: m.Sites[0], asset.FieldIntroduced: c.clock.Now().In(text.JST).Format("2006-01-02")} {
		d.Values[f] = v
	}
	if _, err := s.Add(p.ctx, d, "", ""); err != nil {
		return err
	}
	_, err = s.Confirm(p.ctx, "", ids...)
	return err
}

// maintain is what a contractor does for its first customer: it updates two
// devices that it operates, which the operator then sees.
func (c *country) maintain(m *member) error {
	p, err := m.with(gate.Maintainer, 0)
	if err != nil {
		return err
	}
	customers, err := c.h.Assets.Customers(p.ctx)
	if err != nil {
		return err
	}
	var first string
	for _, t := range c.Ties { // the first by the plan, not by id
		if t.Other == m.orgPlan.ID && !t.Declared && first == "" {
			first = string(c.by[t.Customers[0]].Org.ID)
		}
	}
	if _, ok := customers[first]; !ok {
		return fmt.Errorf("demo: %s does not reach its customer", m.orgPlan.ID)
	}
	found, err := c.h.Assets.List(p.ctx, asset.Filter{Org: first, Limit: 40})
	if err != nil {
		return err
	}
	updated := 0
	for _, e := range found.Entries {
		to := c.newest(e)
		if to == nil || updated == 2 {
			continue
		}
		updated++
		if _, err := c.h.Assets.Change(p.ctx, e.ID, e.Revision, amended(e, to), "", ""); err != nil {
			return err
		}
	}
	return nil
}
