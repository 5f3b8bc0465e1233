package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/sigma"
	"noroshi/internal/hunt"
	"noroshi/internal/hunt/starter"
	"noroshi/internal/hunt/synth"
	"noroshi/internal/notice"
)

// huntEvents is how many events of ordinary life a day of the demo's logs has:
// enough for what is rare to be rare, few enough to be read while somebody waits.
const huntEvents = 1200

// What the demo and the story look for among the findings: the way in, the copy
// of the directory, and the habit that looks like one.
const (
	ruleWayIn     = "65f7161a-bb82-4182-852b-6752bd0aa82c"
	ruleDirectory = "71e8541f-3056-4b8e-b81b-a798408f796a"
	ruleHabit     = "b4145c63-10af-4447-b6cc-146c71839d92"
	ruleTool      = "a1f6e5a6-2277-4a2d-b2ed-2381793f999b"
)

// searched is a day of an operator's logs, and what the rules found in it.
type searched struct {
	planted []synth.Planted
	found   []*hunt.Detection
	told    hunt.Told
	dir     string // where the logs are
}

// writeLogs makes up an operator's last whole day before an instant and writes
// its logs into a folder.
func (c *country) writeLogs(id, name string, before time.Time, only ...string) (x searched, err error) {
	y, m, d := before.In(text.JST).Date()
	seed := uint64(trafficSeed)
	if id != "power" {
		seed++
	}
	made := synth.New(synth.Config{Seed: seed, Start: time.Date(y, m, d-1, 0, 0, 0, 0, text.JST), Events: huntEvents, Domain: c.by[id].Domain, Only: only})
	x.planted, x.dir = made.Planted(), filepath.Join(c.h.Config.Hub.DataDir, "hunt", id+"-"+name)
	if err := os.MkdirAll(x.dir, 0o700); err != nil {
		return x, err
	}
	for _, f := range made.Files() {
		if err := os.WriteFile(filepath.Join(x.dir, f.Name), f.Data, 0o600); err != nil {
			return x, err
		}
	}
	return x, nil
}

// search runs the rules over the logs, as "noroshi hunt scan" does.
func (x *searched) search(ctx context.Context, rules *hunt.RuleSet) error {
	scan := &hunt.Scan{Paths: []string{x.dir}, Rules: rules, Least: sigma.Low}
	r, err := scan.Run(ctx, func(d *hunt.Detection) error {
		d.Source = filepath.ToSlash(strings.TrimPrefix(d.Source, filepath.Dir(x.dir)+string(filepath.Separator)))
		x.found = append(x.found, d)
		return nil
	})
	if err != nil {
		return fmt.Errorf("search the logs in %s: %w", x.dir, err)
	}
	x.told = hunt.Told{Program: Version(), Rules: rules.Sum(), Events: r.Events, Sources: len(r.Sources), Detections: len(x.found)}
	return nil
}

// incoming is what was found as the hub takes it.
func (x *searched) incoming() (out []hunt.Incoming) {
	at := func(ns int64) (t time.Time) {
		if ns != 0 {
			t = time.Unix(0, ns).UTC()
		}
		return t
	}
	for _, d := range x.found {
		in := hunt.Incoming{Time: at(d.Time), Kind: "rule", Rule: hunt.LineRule{ID: d.Rule.ID, Title: d.Rule.Title, Level: d.Rule.Level.String(), Tags: d.Rule.Tags}, Source: d.Source, Record: d.Record,
			Host: d.Host, User: d.User, Attack: hunt.Techniques(d.Rule), Why: d.Why, Event: map[string]string{}}
		if d.Correlated() {
			in.Kind, in.Last, in.Count = "correlation", at(d.Last), d.Count
		}
		for _, f := range d.Event {
			in.Event[f.Name] = f.Value
		}
		out = append(out, in)
	}
	return out
}

// receive brings results to a hunt of the hub, in one part.
func (c *country) receive(ctx context.Context, id, sendKey string, told hunt.Told, found []hunt.Incoming) (hunt.Received, error) {
	r, err := c.h.Hunts.Receive(ctx, id, sendKey, told)
	if err == nil {
		_, err = c.h.Hunts.ReceivePart(ctx, r.ID, 1, found)
	}
	if err != nil {
		return r, err
	}
	return c.h.Hunts.ReceiveEnd(ctx, r.ID, 1)
}

// hunting lays out how two operators search their logs: one finds an intruder,
// cleans up and searches again; both have a habit that looks like an attack.
func (c *country) hunting(ctx context.Context) []moment {
	at := func(days int) time.Time { return c.now.AddDate(0, 0, -days) }
	first, second := at(5), at(2)
	steps := synth.Steps()
	h := &hunters{country: c, runs: map[string]*searched{}, hunts: map[string]hunt.Hunt{}, done: make(chan error, 1)}
	plans := []struct {
		id, run string
		before  time.Time
		only    []string
	}{
		{"power", "before", first, append(steps[:6:6], steps[7:]...)}, // all but the tool
		{"power", "after", second, []string{"remote_tool", "copy_script"}},
		{"starlight", "before", first, []string{"port_forwarded", "copy_script"}},
		{"starlight", "after", second, []string{"copy_script"}},
	}
	go func() { // the rest of the country is built meanwhile
		h.done <- func() error {
			rules, err := hunt.LoadRules(ctx, nil, starter.FS(), sigma.Options{})
			if err != nil {
				return err
			}
			for _, p := range plans {
				x, err := c.writeLogs(p.id, p.run, p.before, p.only...)
				if err == nil {
					err = x.search(ctx, rules)
				}
				if err != nil {
					return err
				}
				h.runs[p.id+"-"+p.run] = &x
			}
			return nil
		}()
	}()
	return []moment{{first, h.before}, {second, h.after}, {at(1), h.next}}
}

// hunters are what the moments tell one another.
type hunters struct {
	*country
	runs  map[string]*searched
	hunts map[string]hunt.Hunt
	done  chan error // closed over by the search, which fills runs
}

// huntOperators are the two that hunt.
var huntOperators = []string{"power", "starlight"}

// before: both begin a hunt, take their first results in and decide on them.
func (h *hunters) before(ctx context.Context) error {
	if err := <-h.done; err != nil {
		return fmt.Errorf("demo: hunt: %w", err)
	}
	for _, id := range huntOperators {
		if err := h.begin(id); err != nil {
			return fmt.Errorf("demo: hunt of %s: %w", id, err)
		}
	}
	return h.settle(ctx)
}

func (h *hunters) begin(id string) error {
	ctx, err := h.acts(id, gate.OperatorReporter, 0)
	if err != nil {
		return err
	}
	now := h.clock.Now()
	n := hunt.NewHunt{Title: h.both(id, "VPN装置から入られていないか", "Has anybody come in through the VPN appliance?"),
		Question: h.both(id, "侵入者がいれば、装置への外からの管理者ログインのあとに、新しい管理者、ディレクトリの写し、ポートの転送、復元用の写しの削除が続くはずである。", "If an intruder were inside, an administrator's sign-in to the appliance from abroad would be followed by new administrators, a copy of the directory, forwarded ports and deleted shadow copies."),
		Hosts:    "vpn01\ndc01\nfs01\nadm01", From: now.AddDate(0, 0, -2), Until: now, Logs: h.both(id, "Windows（Sysmon、セキュリティ）、sshd、auditd、VPN装置", "Windows (Sysmon, Security), sshd, auditd, VPN appliance"), Rules: []string{hunt.Starter + "/" + starter.Version}}
	x, err := h.h.Hunts.Draft(ctx, n)
	if err == nil {
		x, err = h.h.Hunts.Begin(ctx, x.ID, x.Version)
	}
	if err != nil {
		return err
	}
	h.hunts[id] = x
	run, err := h.bring(ctx, id, "before")
	if err != nil {
		return err
	}
	return h.sortOut(ctx, id, run)
}

// bring takes a search into the hunt of an operator.
func (h *hunters) bring(ctx context.Context, id, run string) (hunt.Received, error) {
	x := h.runs[id+"-"+run]
	told := x.told
	told.EndedAt = h.clock.Now()
	told.StartedAt = told.EndedAt.Add(-2 * time.Second)
	return h.receive(ctx, h.hunts[id].ID, "demo-"+id+"-"+run, told, x.incoming())
}

// sortOut decides on what a first run found: the habit is harmless, and stays so
// by a suppression; the copy of the directory is real, and the address from
// which it all came goes to the analysts.
func (h *hunters) sortOut(ctx context.Context, id string, run hunt.Received) error {
	s := h.h.Hunts
	habits, _, err := s.Findings(ctx, hunt.FindingFilter{Run: run.ID, Rule: ruleHabit})
	if err == nil && len(habits) == 0 {
		err = errors.New("the habit was not found")
	}
	if err != nil {
		return err
	}
	why := h.both(id, "夜間の写しを取る自作のスクリプトである。", "Our own script that copies the disk at night.")
	quiet, err := s.Suppress(ctx, hunt.NewSuppression{Condition: hunt.Condition{Rule: ruleHabit, Field: "CommandLine", Value: synth.CopyCommand}, Title: habits[0].Title, Reason: why, UntilAt: h.clock.Now().AddDate(0, 6, 0)})
	if err != nil {
		return err
	}
	for _, f := range habits {
		if _, err := s.Decide(ctx, f.ID, f.Version, hunt.Decision{State: hunt.Harmless, Reason: why}); err != nil {
			return err
		}
	}
	if id != huntOperators[0] {
		return nil
	}
	admin, err := h.acts(id, gate.OperatorAdmin, 0)
	if err != nil {
		return err
	}
	if _, err := s.Offer(admin, quiet.ID, false); err != nil {
		return err
	}
	list, _, err := s.Findings(ctx, hunt.FindingFilter{Run: run.ID, Rule: ruleDirectory})
	if err != nil {
		return err
	}
	for _, f := range list {
		if _, err := s.Decide(ctx, f.ID, f.Version, hunt.Decision{State: hunt.Real, Reason: h.both(id, "作業の予定がなく、当番も知らない。ディレクトリの写しが取られている。", "No work was planned and nobody on duty knows of it: the directory was copied.")}); err != nil {
			return err
		}
	}
	return h.release(ctx, run.ID)
}

// release gives the address of the way in to the analysts.
func (c *country) release(ctx context.Context, run string) error {
	f, err := c.wayIn(ctx, run)
	if err != nil {
		return err
	}
	_, err = c.h.Hunts.Release(ctx, f.ID, []string{f.Releasable[0].Value}, false)
	return err
}

// wayIn is the finding of a run that tells how the intruder came in, with what
// may be released of it.
func (c *country) wayIn(ctx context.Context, run string) (hunt.Finding, error) {
	list, _, err := c.h.Hunts.Findings(ctx, hunt.FindingFilter{Run: run, Rule: ruleWayIn})
	if err == nil && len(list) != 1 {
		err = fmt.Errorf("%d findings tell of the way in", len(list))
	}
	if err != nil {
		return hunt.Finding{}, err
	}
	f, err := c.h.Hunts.Finding(ctx, list[0].ID)
	if err == nil && len(f.Releasable) == 0 {
		err = errors.New("nothing of the way in may be released")
	}
	return f, err
}

// after: both search again after cleaning up. What is suppressed is quiet; one
// finds a tool that was not there before, and takes it up.
func (h *hunters) after(context.Context) error {
	for _, id := range huntOperators {
		ctx, err := h.acts(id, gate.OperatorReporter, 0)
		if err != nil {
			return err
		}
		run, err := h.bring(ctx, id, "after")
		if err != nil {
			return fmt.Errorf("demo: second run of %s: %w", id, err)
		}
		list, _, err := h.h.Hunts.Findings(ctx, hunt.FindingFilter{Run: run.ID, Rule: ruleTool})
		if err != nil {
			return err
		}
		for _, f := range list {
			if _, err := h.h.Hunts.Decide(ctx, f.ID, f.Version, hunt.Decision{State: hunt.Taken}); err != nil {
				return fmt.Errorf("demo: take up a finding: %w", err)
			}
		}
	}
	return nil
}

// next: one operator writes down a hunt that a notice asks for.
func (h *hunters) next(context.Context) error {
	id := huntOperators[0]
	ctx, err := h.acts(id, gate.OperatorReporter, 0)
	if err != nil {
		return err
	}
	letters, _, err := h.h.Notices.Inbox(ctx, notice.Filter{Limit: 1})
	if err == nil && len(letters) == 0 {
		err = errors.New("no notice reached the operator")
	}
	if err == nil {
		_, err = h.h.Hunts.Draft(ctx, hunt.NewHunt{Title: h.both(id, "通知にある手口の確認", "What the notice tells of"),
			Question: h.both(id, "通知にある機器を通って入られていれば、機器の管理の記録と、その先のサーバーに跡があるはずである。", "If anybody came in through the devices that the notice names, the records of their management and the servers behind them would show it."),
			Rules:    []string{hunt.Starter + "/" + starter.Version}, Notice: letters[0].Number})
	}
	if err != nil {
		return fmt.Errorf("demo: hunt that a notice asks for: %w", err)
	}
	return nil
}
