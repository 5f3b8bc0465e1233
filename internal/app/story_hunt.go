package app

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
	"time"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/sigma"
	"noroshi/internal/hunt"
	"noroshi/internal/hunt/starter"
	"noroshi/internal/hunt/synth"
	"noroshi/internal/sighting"
)

// hunter is the part of the story in which an operator searches its logs.
type hunter struct {
	*story
	rules *hunt.RuleSet
	logs  searched
	hunt  hunt.Hunt
	run   hunt.Received
	all   []hunt.Finding
	quiet hunt.Suppression
	value string // that is released
}

// huntScenes follow the traffic: what the machines of the same operator wrote
// down on the day before.
func (s *story) huntScenes() []scene {
	h := &hunter{story: s}
	at := func(minute int) time.Duration { return 7*day + 31*time.Hour + time.Duration(minute)*time.Minute }
	return []scene{
		{"hunt", at(52), h.scanned},
		{"hunt", at(55), h.packed},
		{"hunt", at(58), h.triaged},
		{"hunt", at(61), h.shared},
		{"hunt", at(64), h.released},
		{"sighting", at(66), h.seen},
	}
}

// scanned searches a day of logs with an intruder in it: every step is found,
// and above the low level nothing else but a habit that is known.
func (h *hunter) scanned() (_ string, err error) {
	if h.rules, err = hunt.LoadRules(h.ctx, nil, starter.FS(), sigma.Options{}); err != nil {
		return "", err
	}
	if h.logs, err = h.writeLogs("power", "logs", h.clock.Now()); err != nil {
		return "", err
	}
	if err := h.logs.search(h.ctx, h.rules); err != nil {
		return "", err
	}
	hit, habits := map[string]bool{}, 0
	for _, d := range h.logs.found {
		i := slices.IndexFunc(h.logs.planted, func(p synth.Planted) bool { return p.Tells(d.Rule.ID, d.Host) })
		if i < 0 {
			if err := must(d.Rule.Level <= sigma.Low, "%s tells of what was not planted", d.Rule.Title); err != nil {
				return "", err
			}
			continue
		}
		p := &h.logs.planted[i]
		if p.Harmless {
			habits++
		} else if !hit[p.Step] {
			hit[p.Step] = true
			h.note("app.story.hunt_hit", "title", text.Both{JA: d.Rule.TitleJA, EN: d.Rule.Title}.In(h.say.Lang), "host", d.Host)
		}
	}
	steps := 0
	for _, p := range h.logs.planted {
		if !p.Harmless {
			steps++
		}
	}
	return h.say.T("app.story.hunt_scanned", "events", h.say.Number(int64(h.logs.told.Events)), "planted", steps, "hit", len(hit)),
		must(len(hit) == steps && habits > 0, "%d of %d steps were found", len(hit), steps)
}

// command runs a command of the program as a person would, and gives what it
// wrote.
func (h *hunter) command(args ...string) ([]byte, error) {
	var out, said bytes.Buffer
	env := &cli.Env{In: bytes.NewReader(nil), Out: &out, Err: &said, Words: h.h.Words, Now: h.clock.Now}
	args = append(args, "--lang", string(h.say.Lang))
	env.Listen(args)
	code := env.Run(h.ctx, Root(env), args)
	return out.Bytes(), must(code == 0, "%s", bytes.TrimSpace(said.Bytes()))
}

// packed seals the result, has it checked by running it again, and brings what
// is in the pack to the hub.
func (h *hunter) packed() (string, error) {
	night, err := h.acting("power", gate.OperatorReporter)
	if err != nil {
		return "", err
	}
	pack := filepath.Join(h.dir, "evidence.zip")
	if _, err := h.command("hunt", "seal", h.logs.dir, "--out", pack, "--min-level", "medium"); err != nil {
		return "", err
	}
	raw, err := h.command("hunt", "unseal", pack, h.logs.dir, "--json")
	if err != nil {
		return "", err
	}
	var u hunt.Unsealed
	if err := json.Unmarshal(raw, &u); err != nil {
		return "", err
	}
	if err := must(u.Reproduced, "the pack comes out otherwise: %v", u.Differences); err != nil {
		return "", err
	}
	found, err := packFindings(pack)
	if err != nil {
		return "", err
	}
	if h.hunt, err = h.h.Hunts.Draft(night, hunt.NewHunt{Title: h.words("VPN装置から入られていないか", "Has anybody come in through the VPN appliance?"), Rules: []string{hunt.Starter + "/" + starter.Version},
		Question: h.words("外からの管理者ログインのあとに続くものを探す。", "What follows an administrator's sign-in from abroad.")}); err != nil {
		return "", err
	}
	if h.hunt, err = h.h.Hunts.Begin(night, h.hunt.ID, h.hunt.Version); err != nil {
		return "", err
	}
	told := hunt.Told{Program: u.Manifest.Program.Version, Rules: h.rules.Sum(), Events: u.Manifest.Counts.Events, Sources: len(u.Manifest.Inputs), Pack: u.SHA256, Detections: len(found)}
	if h.run, err = h.receive(night, h.hunt.ID, u.SHA256, told, found); err != nil {
		return "", err
	}
	return h.say.T("app.story.hunt_packed", "number", h.hunt.Number, "found", len(found), "n", h.run.Groups), must(h.run.Taken == len(found) && h.run.Groups > 0, "%d of %d were taken", h.run.Taken, len(found))
}

// packFindings reads what a pack found.
func packFindings(name string) (out []hunt.Incoming, err error) {
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	f, err := z.Open("findings.jsonl")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for dec := json.NewDecoder(f); ; {
		var x hunt.Incoming
		if err := dec.Decode(&x); err == io.EOF {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
}

// triaged calls everything real in one act, takes that back in one, and decides
// anew.
func (h *hunter) triaged() (string, error) {
	night, err := h.acting("power", gate.OperatorReporter)
	if err != nil {
		return "", err
	}
	s, of := h.h.Hunts, hunt.FindingFilter{Run: h.run.ID, Limit: 100}
	whole, err := s.Triage(night, hunt.Choice{Filter: &of, Expect: h.run.Groups}, hunt.Decision{State: hunt.Real, Reason: h.words("すべて侵入と見る", "All of it is the intruder")})
	if err != nil {
		return "", err
	}
	back, err := s.Undo(night, whole.ID)
	if err != nil {
		return "", err
	}
	if h.all, _, err = s.Findings(night, of); err != nil {
		return "", err
	}
	var real, harmless []string
	for _, f := range h.all {
		if err := must(f.State == hunt.Fresh, "%s is %s after undoing", f.Title, f.State); err != nil {
			return "", err
		}
		if f.Rule == ruleHabit {
			harmless = append(harmless, f.ID)
		} else {
			real = append(real, f.ID)
		}
	}
	if _, err := s.Triage(night, hunt.Choice{IDs: real}, hunt.Decision{State: hunt.Real, Reason: h.words("作業の予定がない", "No work was planned")}); err != nil {
		return "", err
	}
	if _, err := s.Triage(night, hunt.Choice{IDs: harmless}, hunt.Decision{State: hunt.Harmless, Reason: h.words("夜間の写しのスクリプト", "The script of the nightly copy")}); err != nil {
		return "", err
	}
	left, err := s.Count(night, hunt.FindingFilter{Run: h.run.ID, Waiting: true})
	return h.say.T("app.story.hunt_triaged", "n", whole.Count, "real", len(real), "harmless", len(harmless)),
		must(err == nil && left == 0 && back.Undone == whole.Count && back.Kept == 0, "%d undone of %d, %d wait: %v", back.Undone, whole.Count, left, err)
}

// shared offers what is known to be harmless to the others, which only whoever
// speaks for the operator may; another one adopts it, and has quiet.
func (h *hunter) shared() (string, error) {
	night, err := h.acting("power", gate.OperatorReporter)
	if err != nil {
		return "", err
	}
	admin, err := h.acting("power", gate.OperatorAdmin)
	if err != nil {
		return "", err
	}
	other, err := h.acting("starlight", gate.OperatorReporter)
	if err != nil {
		return "", err
	}
	s := h.h.Hunts
	if h.quiet, err = s.Suppress(night, hunt.NewSuppression{Condition: hunt.Condition{Rule: ruleHabit, Field: "CommandLine", Value: synth.CopyCommand}, Reason: h.words("夜間の写しのスクリプト", "The script of the nightly copy"), UntilAt: h.clock.Now().AddDate(0, 3, 0)}); err != nil {
		return "", err
	}
	_, refused := s.Offer(night, h.quiet.ID, false)
	if err := must(fault.KindOf(refused) == fault.Refused, "who does not speak for the operator shared: %v", refused); err != nil {
		return "", err
	}
	if _, err := s.Offer(admin, h.quiet.ID, false); err != nil {
		return "", err
	}
	offers, _, err := s.Offers(other, "", 10)
	if err == nil {
		err = must(len(offers) == 1 && offers[0].Org == "" && offers[0].Condition.Host == "", "%d offers, or one that names who or where", len(offers))
	}
	if err != nil {
		return "", err
	}
	if _, err := s.Adopt(other, offers[0].ID); err != nil {
		return "", err
	}
	run, err := h.elsewhere(other)
	return h.say.T("app.story.hunt_shared", "org", h.named("starlight"), "n", run.Quiet), must(err == nil && run.Quiet > 0 && run.Quiet == run.Taken, "%d of %d are quiet: %v", run.Quiet, run.Taken, err)
}

// elsewhere is a hunt of the other operator, in whose logs only the habit is.
func (h *hunter) elsewhere(other context.Context) (r hunt.Received, err error) {
	x, err := h.writeLogs("starlight", "logs", h.clock.Now(), "copy_script")
	if err == nil {
		err = x.search(h.ctx, h.rules)
	}
	if err != nil {
		return r, err
	}
	n, err := h.h.Hunts.Draft(other, hunt.NewHunt{Title: h.words("前日のログ", "The logs of the day before"), Question: h.words("いつもと違うものはないか。", "Is anything unlike other days?")})
	if err == nil {
		n, err = h.h.Hunts.Begin(other, n.ID, n.Version)
	}
	if err != nil {
		return r, err
	}
	return h.receive(other, n.ID, "first-run", x.told, x.incoming())
}

// released gives the address of the way in to the analysts, and nothing else.
func (h *hunter) released() (string, error) {
	night, err := h.acting("power", gate.OperatorReporter)
	if err != nil {
		return "", err
	}
	f, err := h.wayIn(night, h.run.ID)
	if err != nil {
		return "", err
	}
	h.value = f.Releasable[0].Value
	_, wrong := h.h.Hunts.Release(night, f.ID, []string{f.Host}, false)
	if err := must(wrong != nil, "the name of a machine was released"); err != nil {
		return "", err
	}
	if f, err = h.h.Hunts.Release(night, f.ID, []string{h.value}, false); err != nil {
		return "", err
	}
	return h.say.T("app.story.hunt_released", "value", h.value), must(len(f.Released) == 1, "%d values were released", len(f.Released))
}

// seen looks as the analyst: the address is there, not whose logs it was in, and
// no hunt can be opened.
func (h *hunter) seen() (string, error) {
	if err := h.settle(h.ctx); err != nil {
		return "", err
	}
	analyst, err := h.acting("office", gate.OfficeAnalyst)
	if err != nil {
		return "", err
	}
	list, _, err := h.h.Sightings.List(analyst, sighting.Filter{Value: h.value})
	if err == nil {
		err = must(len(list) == 1 && list[0].Origin == sighting.FromHunt && list[0].Org == "" && list[0].Victim == "", "%d sightings, or one that names the operator", len(list))
	}
	if err != nil {
		return "", err
	}
	_, refused := h.h.Hunts.Hunt(analyst, h.hunt.ID)
	return h.say.T("app.story.hunt_seen", "office", h.named("office"), "value", h.value), must(fault.KindOf(refused) == fault.Refused, "the analyst opens a hunt: %v", refused)
}
