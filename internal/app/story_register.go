package app

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"noroshi/internal/asset"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/org"
)

// storyPieces is how much equipment the story's operator has.
const storyPieces = 60

// registerScenes are the first half: who there is, and the operator's first
// duty, to notify its equipment.
func (s *story) registerScenes() []scene {
	return []scene{
		{"org", -20*day + 7*time.Hour, s.everybody},
		{"asset", -12*day + 8*time.Hour, s.dryRun},
		{"asset", -12*day + 9*time.Hour, s.imported},
		{"asset", -11*day + 12*time.Hour, s.maintained},
		{"asset", -10*day + 8*time.Hour, s.notified},
		{"asset", -9*day + 11*time.Hour, s.stamped},
	}
}

func (s *story) everybody() (string, error) {
	if err := s.found(s.ctx, s.clock.Now(), cast...); err != nil {
		return "", err
	}
	people := 0
	for _, m := range s.all {
		people += len(m.people)
	}
	list, _, err := s.h.Orgs.List(s.by["hub"].people[0].ctx, org.Filter{Limit: 100})
	if err != nil {
		return "", err
	}
	return s.say.T("app.story.org", "orgs", len(list), "people", people), must(len(list) == len(cast), "%d of %d organisations", len(list), len(cast))
}

func (s *story) operator() (person, error) { return s.by["power"].with(gate.OperatorReporter, 0) }

// dryRun imports a list with two mistakes: it is told what is wrong, by row,
// and nothing has changed.
func (s *story) dryRun() (string, error) {
	m := s.by["power"]
	s.equip(m, storyPieces)
	p, err := s.operator()
	if err != nil {
		return "", err
	}
	list := append(m.list(), "P-9998,vpn,,EdgeGate,,,,1,,internet,,,,,,,\nP-9999,vpn,灯ネットワークス,EdgeGate,,,,1,,moon,,,,,,2026-02-30,\n"...)
	v, err := s.h.Assets.PreviewImport(p.ctx, "equipment.csv", bytes.NewReader(list), int64(len(list)), false)
	if err != nil {
		return "", err
	}
	for _, r := range v.Rows {
		if r.Outcome == asset.Invalid {
			for _, x := range s.say.Fault(fault.New(fault.Invalid, "asset.invalid", "n", len(r.Problems)).At(r.Problems...)).Places {
				s.more = append(s.more, x.Say)
			}
		}
	}
	if err := must(v.Counts.Invalid == 2 && v.Counts.Added == storyPieces, "%+v", v.Counts); err != nil {
		return "", err
	}
	if _, err := s.h.Assets.ApplyImport(p.ctx, v.Token); err == nil || fault.KindOf(err) != fault.Invalid {
		return "", must(false, "a wrong list was applied: %v", err)
	}
	o, err := s.h.Assets.Overview(p.ctx, "")
	if err != nil {
		return "", err
	}
	return s.say.T("app.story.dry_run", "rows", v.Counts.Rows, "added", v.Counts.Added, "invalid", v.Counts.Invalid),
		must(o.Register.Items == 0, "%d pieces after a dry run", o.Register.Items)
}

// imported applies the right list; the same list again changes nothing.
func (s *story) imported() (string, error) {
	m := s.by["power"]
	if err := s.importList(m); err != nil {
		return "", err
	}
	p, err := s.operator()
	if err != nil {
		return "", err
	}
	list := m.list()
	again, err := s.h.Assets.PreviewImport(p.ctx, "equipment.csv", bytes.NewReader(list), int64(len(list)), true)
	if err != nil {
		return "", err
	}
	if err := must(again.Counts.Unchanged == storyPieces && again.Counts.Added+again.Counts.Changed+again.Counts.Removed == 0, "the same list again: %+v", again.Counts); err != nil {
		return "", err
	}
	o, err := s.h.Assets.Overview(p.ctx, "")
	if err != nil {
		return "", err
	}
	for _, id := range slices.Sorted(maps.Keys(o.Tally.Gaps)) {
		if n := o.Tally.Gaps[id]; n > 0 {
			s.more = append(s.more, s.say.T("asset.gap."+id, "n", n))
		}
	}
	return s.say.T("app.story.imported", "entries", o.Register.Items, "devices", o.Tally.Devices, "ended", o.Tally.SupportEnded),
		must(o.Register.Items == storyPieces, "%d pieces", o.Register.Items)
}

// maintained lets the contractor change what it operates, and nothing else;
// the operator sees who did.
func (s *story) maintained() (string, error) {
	c, err := s.by["shioji"].with(gate.Maintainer, 0)
	if err != nil {
		return "", err
	}
	p, err := s.operator()
	if err != nil {
		return "", err
	}
	operator := string(s.by["power"].Org.ID)
	theirs, err := s.h.Assets.List(c.ctx, asset.Filter{Org: operator, Limit: 200})
	if err != nil {
		return "", err
	}
	number := string(s.by["shioji"].Number)
	for _, e := range theirs.Entries {
		if err := must(e.OperatedBy == number, "the contractor sees %s of %s", e.Key, e.OperatedBy); err != nil {
			return "", err
		}
	}
	all, err := s.h.Assets.List(p.ctx, asset.Filter{Limit: 200})
	if err != nil {
		return "", err
	}
	n := len(theirs.Entries)
	if err := must(n > 0 && n < len(all.Entries), "the contractor sees %d of %d", n, len(all.Entries)); err != nil {
		return "", err
	}
	e := theirs.Entries[0]
	if _, err := s.h.Assets.Change(c.ctx, e.ID, e.Revision, amended(e, map[asset.Field]string{asset.FieldVersion: "99.1"}), "", ""); err != nil {
		return "", err
	}
	past, _, err := s.h.Assets.History(p.ctx, e.ID, "", 10)
	if err != nil {
		return "", err
	}
	name := s.by["shioji"].Org.In(s.say.Lang)
	return s.say.T("app.story.maintained", "org", name, "n", n, "id", e.Key, "product", e.Product),
		must(len(past) > 0 && past[0].What == asset.Changed && past[0].Org == s.by["shioji"].Org.In(p.Lang), "the operator sees %+v", past)
}

// notified submits the statement, which arrives at the competent ministry and
// nowhere else.
func (s *story) notified() (string, error) {
	p, err := s.operator()
	if err != nil {
		return "", err
	}
	d, err := s.h.Assets.Draft(p.ctx, "")
	if err != nil {
		return "", err
	}
	if d.Blocked != nil {
		return "", d.Blocked
	}
	got, err := s.h.Assets.Submit(p.ctx, d.Sector, d.Register.Revision)
	if err != nil {
		return "", err
	}
	s.statement = got.Notice.ID
	clerk, ministry, err := s.ministryOf(s.by["power"])
	if err != nil {
		return "", err
	}
	inbox, _, err := s.h.Assets.Statements(clerk.ctx, true, "", 10)
	if err != nil {
		return "", err
	}
	if err := must(len(inbox) == 1 && inbox[0].ID == s.statement && inbox[0].Waiting, "the ministry has %+v", inbox); err != nil {
		return "", err
	}
	for _, e := range d.Statement.Entries[:min(2, len(d.Statement.Entries))] {
		due, key := e.Due.Statutory, "app.story.due"
		if due.IsZero() { // the law gives no number
			due, key = e.Due.House, "app.story.promptly"
		}
		s.note(key, "id", e.Item.Key, "product", e.Item.Product, "due", due.String())
	}
	for _, f := range []string{"xlsx", "json", "html"} {
		form, err := s.h.Assets.Form(p.ctx, s.statement, f, s.say)
		if err != nil {
			return "", err
		}
		if err := must(len(form.Body) > 500, "%s has %d bytes", form.Name, len(form.Body)); err != nil {
			return "", err
		}
		s.note("app.story.file", "name", form.Name, "size", s.say.Bytes(int64(len(form.Body))))
	}
	rival, err := s.by["starlight"].with(gate.OperatorReporter, 0)
	if err != nil {
		return "", err
	}
	_, err = s.h.Assets.Statement(rival.ctx, s.statement)
	return s.say.T("app.story.notified", "n", got.Notice.Number, "entries", got.Notice.Counts.Introduced, "org", ministry.Org.In(s.say.Lang)),
		must(errors.Is(err, asset.ErrStatement), "another operator opens it: %v", err)
}

// stamped is the way of the statement: the ministry stamps it, it goes on to
// the Prime Minister's desk, which stamps it too.
func (s *story) stamped() (string, error) {
	if err := s.stamp(s.by["power"], true); err != nil {
		return "", err
	}
	p, err := s.operator()
	if err != nil {
		return "", err
	}
	v, err := s.h.Assets.Statement(p.ctx, s.statement)
	if err != nil {
		return "", err
	}
	var names []string
	for _, d := range v.Deliveries {
		if err := must(!d.AckedAt.IsZero() && d.AckedEntry != "", "%s has not stamped", d.OrgName); err != nil {
			return "", err
		}
		names = append(names, d.OrgName)
	}
	return s.say.T("app.story.stamped", "orgs", strings.Join(names, s.say.T("app.story.and"))), must(len(names) == 2, "stamps of %v", names)
}
