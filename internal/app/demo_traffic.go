package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/detect"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/sensor"
	"noroshi/internal/sensor/synth"
)

// trafficSeed makes the day of traffic that the demo and the story play: the
// same attacks are planted into it whatever country is made.
const trafficSeed = 1

// trafficMachines are the workstations of that day: enough for what is rare to
// be rare.
const trafficMachines = 40

// traffic lays out what the sensors of two operators read: a day with attacks
// planted into it, and a control network whose sensor fell silent.
func (c *country) traffic() []moment {
	at := func(days int) time.Time { return c.now.AddDate(0, 0, -days) }
	return []moment{
		{at(6), c.connect},
		{at(1), c.watchADay},
	}
}

// connect registers the sources of two operators, each with its basis.
func (c *country) connect(ctx context.Context) error {
	for _, x := range []struct {
		id       string
		kind     sensor.Kind
		networks string
		name     text.Both
	}{
		{"power", sensor.Interface, "10.20.0.0/16\n192.0.2.0/24", text.Both{JA: "本社の外部接続", EN: "Head office uplink"}},
		{"power", sensor.Exports, "10.20.40.0/24", text.Both{JA: "給電所の制御網", EN: "Control network of the dispatch centre"}},
		{"starlight", sensor.Logs, "10.20.0.0/16\n192.0.2.0/24", text.Both{JA: "本社の外部接続のログ", EN: "Logs of the head office uplink"}},
	} {
		m := c.by[x.id]
		admin, err := m.with(gate.OperatorAdmin, 0)
		if err != nil {
			return err
		}
		made, err := c.h.Sensors.Register(admin.ctx, sensor.NewSource{Name: x.name.In(m.lang()), Kind: x.kind, Basis: sensor.OwnNetwork, Networks: x.networks})
		if err != nil {
			return fmt.Errorf("demo: source of %s: %w", x.id, err)
		}
		// A first reading, in which nothing was found.
		now := c.clock.Now()
		quiet := sensor.Reading{From: now.Add(-time.Hour), Until: now, Packets: 1_904_210, Bytes: 1_203_118_004, Records: 41_877}
		if _, err := c.h.Sensors.Take(admin.ctx, made.ID, quiet, nil); err != nil {
			return fmt.Errorf("demo: first reading of %s: %w", x.id, err)
		}
	}
	return nil
}

// aDay reads a made-up day of traffic that ended just now and gives what was
// read, what was found and what had been planted.
func aDay(end time.Time) (r sensor.Reading, found []sensor.Found, planted []synth.Planted, err error) {
	start := end.Add(-24 * time.Hour)
	day := synth.New(synth.Config{Seed: trafficSeed, Start: start, Machines: trafficMachines})
	d := detect.New(detect.Config{Home: synth.Home(), Seed: trafficSeed})
	r = sensor.Reading{From: start, Until: end}
	batch := make([]record.Record, 256)
	for {
		n := day.Next(batch)
		if n == 0 {
			break
		}
		d.AddAll(batch[:n])
		for i := range batch[:n] {
			x := &batch[i]
			r.Records++
			r.Packets += x.Packets[record.Out] + x.Packets[record.In]
			r.Bytes += x.Bytes[record.Out] + x.Bytes[record.In]
		}
	}
	report := d.Finish()
	for i := range report.Findings {
		f, err := sensor.FoundOf(&report.Findings[i])
		if err != nil {
			return r, nil, nil, err
		}
		// A communication may go on after the day; what a hub takes in may not.
		if f.End.After(end) {
			f.End = end
		}
		if f.Score >= shownFrom {
			found = append(found, f)
		}
	}
	return r, found, day.Planted(), nil
}

// shownFrom is the score from which a sensor sends a finding on: below it
// nobody is meant to look.
const shownFrom = 0.5

// watchADay plays the day to the first source of two operators, one of which
// speaks Japanese and one English: their night shifts take up one finding, call
// another harmless and give a third to the analysts.
func (c *country) watchADay(ctx context.Context) error {
	r, found, _, err := aDay(c.clock.Now())
	if err != nil {
		return fmt.Errorf("demo: a day of traffic: %w", err)
	}
	r.Lost = r.Packets / 4000
	for _, m := range []*member{c.by["power"], c.by["starlight"]} {
		if err := c.nightShift(m, r, found); err != nil {
			return err
		}
	}
	return c.settle(ctx)
}

func (c *country) nightShift(m *member, r sensor.Reading, found []sensor.Found) error {
	night, err := m.with(gate.OperatorReporter, 0)
	if err != nil {
		return err
	}
	sources, _, err := c.h.Sensors.Sources(night.ctx, "", 10)
	if err != nil {
		return err
	}
	uplink := sources[len(sources)-1] // the first one registered
	if _, err := c.h.Sensors.Take(night.ctx, uplink.ID, r, found); err != nil {
		return fmt.Errorf("demo: a day of traffic: %w", err)
	}
	list, _, err := c.h.Sensors.Findings(night.ctx, sensor.Filter{Limit: 100})
	if err != nil {
		return err
	}
	l := m.lang()
	done := map[string]bool{}
	for _, f := range list {
		d := sensor.Decision{}
		switch f.Kind {
		case "beacon":
			d.State = sensor.Taken
		case "remote_tool":
			d = sensor.Decision{State: sensor.Benign, UntilAt: c.clock.Now().AddDate(0, 1, 0), Note: text.Both{JA: "保守の会社が使う道具です。契約の間だけ許します。", EN: "The tool of our maintenance contractor, allowed while the contract runs."}.In(l)}
		case "password_guessing":
			if !done[f.Kind] {
				_, err := c.h.Sensors.Release(night.ctx, f.ID, false)
				if err != nil && !errors.Is(err, sensor.ErrNothing) { // one's own machine that guesses is nobody's indicator
					return fmt.Errorf("demo: release a finding: %w", err)
				}
				done[f.Kind] = err == nil
			}
			continue
		default:
			continue
		}
		if done[f.Kind] {
			continue
		}
		done[f.Kind] = true
		if _, err := c.h.Sensors.Decide(night.ctx, f.ID, f.Version, d); err != nil {
			return fmt.Errorf("demo: decide on a finding: %w", err)
		}
	}
	return nil
}
