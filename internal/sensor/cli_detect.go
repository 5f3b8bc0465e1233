package sensor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/detect"
	"noroshi/internal/engine/flow"
	"noroshi/internal/engine/flow/record"
)

// detection is what "flow detect" is asked for.
type detection struct {
	reading
	indicators []string
	allow      string
	format     string
	out        string
	stats      string
	state      string
	since      string
	least      float64
}

// detectCommand is "noroshi flow detect FILE...": what stands out in captures
// and logs. Exit 0 when every file was read, whatever was found; 1 when nothing
// could be judged, because nothing was read or none of it was one's own.
func detectCommand(env *cli.Env) *cobra.Command {
	var d detection
	p := env.Printer()
	c := &cobra.Command{
		Use: "detect FILE...", Short: p.T("sensor.detect.short"), Long: p.T("sensor.detect.long") + "\n\n" + p.T("sensor.detect.allow_about") + "\n\n" + indented(allowExample), Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error { return d.run(c.Context(), env, files) },
	}
	d.flags(env, c)
	f := c.Flags()
	f.StringArrayVar(&d.indicators, "indicators", nil, p.T("sensor.detect.flag.indicators"))
	f.StringVar(&d.allow, "allow", "", p.T("sensor.detect.flag.allow"))
	f.StringVar(&d.format, "format", "table", p.T("sensor.detect.flag.format"))
	f.StringVar(&d.out, "out", "", p.T("sensor.detect.flag.out"))
	f.StringVar(&d.stats, "stats", "", p.T("sensor.detect.flag.stats"))
	f.StringVar(&d.state, "state", "", p.T("sensor.detect.flag.state"))
	f.StringVar(&d.since, "since", "", p.T("sensor.detect.flag.since"))
	f.Float64Var(&d.least, "min-score", 0.3, p.T("sensor.detect.flag.min"))
	return c
}

func (d *detection) run(ctx context.Context, env *cli.Env, files []string) error {
	if d.format != "table" && d.format != "jsonl" && d.format != "html" {
		return fault.New(fault.Usage, "sensor.detect.format", "value", d.format)
	}
	if !(d.least >= 0 && d.least <= 1) {
		return fault.New(fault.Usage, "sensor.detect.min", "value", strconv.FormatFloat(d.least, 'g', -1, 64))
	}
	if err := forgetStats(d.stats); err != nil {
		return err
	}
	defer boundMemory()()
	begun := time.Now()
	kept, err := openState(d.state)
	if err != nil {
		return err
	}
	o, err := d.options(env)
	if err != nil {
		return err
	}
	if d.key == "" && kept != nil {
		o.Key = kept.key
	}
	conf, err := d.config(env, o)
	if err != nil {
		return err
	}
	since, err := sinceOf(d.since, env.Printer().Zone)
	if err != nil {
		return err
	}
	run := &detectRun{env: env, ctx: ctx, options: o, since: since, kept: kept, detector: kept.detector(env, conf)}
	run.options.Soon = run.detector.Soon
	if err := run.files(files); err != nil {
		return err
	}
	read := time.Since(begun)
	report := run.detector.Finish()
	report.Findings = atLeast(report.Findings, d.least)
	if err := kept.save(run.detector); err != nil {
		return err
	}
	run.say(report)
	sides, err := d.sides.open()
	if err != nil {
		return err
	}
	paper := &Paper{Report: report, At: env.Now(), Files: len(files), Home: conf.Home, Lookup: sides.Lookup}
	if err := d.write(env, paper); err != nil {
		return err
	}
	if err := d.writeStats(run, report, read, time.Since(begun)); err != nil {
		return err
	}
	if key := unjudged(report); key != "" {
		return fault.New(fault.Internal, key)
	}
	return nil
}

// unjudged is why nothing can be said of what was read, as the key of a
// sentence: nothing was read, or none of it was of one's own machines. It is ""
// when there is something to say.
func unjudged(r *detect.Report) string {
	switch {
	case len(r.Findings) > 0 || len(r.Allowed) > 0:
		return ""
	case r.Stats.Records == 0:
		return "sensor.detect.unread"
	case r.Stats.Home == 0:
		return "sensor.detect.strangers"
	}
	return ""
}

// config is what the detector goes by: one's own networks, what is expected and
// what is looked for.
func (d *detection) config(env *cli.Env, o flow.Options) (conf detect.Config, err error) {
	home, err := homeOptions(d.sides.home)
	if err != nil {
		return conf, err
	}
	conf.Home = home.Own
	for i := range 8 {
		conf.Seed = conf.Seed<<8 | uint64(o.Key[i])
	}
	if conf.Allow, err = readAllow(d.allow, env.Now().In(env.Printer().Zone)); err != nil {
		return conf, err
	}
	naming := record.NewNaming(o.Key, o.Full)
	for _, name := range d.indicators {
		signs, skipped, err := readSigns(name, naming)
		if err != nil {
			return conf, err
		}
		env.Say("sensor.detect.signs", "file", name, "n", len(signs), "skipped", skipped)
		conf.Signs = append(conf.Signs, signs...)
	}
	return conf, nil
}

// sinceOf reads --since: a day, or a time of it with or without a zone. Without
// one it is in the zone that times are shown in. How long before now records may
// lie is not offered, because logs have their own clock.
func sinceOf(s string, zone *time.Location) (int64, error) {
	if s == "" {
		return 0, nil
	}
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04Z07:00",
		"2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.UnixNano(), nil
		}
	}
	return 0, fault.New(fault.Usage, "sensor.detect.since", "value", s)
}

func atLeast(all []detect.Finding, score float64) []detect.Finding {
	for i := range all {
		if all[i].Score < score {
			return all[:i] // they are in the order of the score
		}
	}
	return all
}

// write writes the findings where they are wanted.
func (d *detection) write(env *cli.Env, paper *Paper) error {
	var to io.Writer = env.Out
	if d.out != "" && d.out != "-" {
		made, err := cli.Create(d.out)
		if err != nil {
			return err
		}
		defer made.Abandon()
		b := bufio.NewWriter(made)
		if err := errors.Join(d.writeTo(b, env.Printer(), paper), b.Flush(), made.Keep()); err != nil {
			return wroteBadly(d.out, err)
		}
		return nil
	}
	b := bufio.NewWriter(to)
	if err := errors.Join(d.writeTo(b, env.Printer(), paper), b.Flush()); err != nil {
		return wroteBadly("-", err)
	}
	return nil
}

func (d *detection) writeTo(w io.Writer, p text.Printer, paper *Paper) error {
	switch d.format {
	case "jsonl":
		return writeFindings(w, p, paper.Report)
	case "html":
		return paper.WriteHTML(w, p)
	}
	return tellFindings(w, p, paper.Report)
}

// writeFindings writes a finding a line; those that are expected carry
// "allowed" with the reason.
func writeFindings(w io.Writer, p text.Printer, r *detect.Report) error {
	for _, list := range [][]detect.Finding{r.Findings, r.Allowed} {
		for i := range list {
			b, err := list[i].JSON(FindingText(p, &list[i]))
			if err != nil {
				return fmt.Errorf("write a finding: %w", err)
			}
			if _, err := w.Write(append(b, '\n')); err != nil {
				return err
			}
		}
	}
	return nil
}

// detectStats are the counters and timings of --stats.
type detectStats struct {
	Files       []fileStats      `json:"files"`
	Detect      detect.Stats     `json:"detect"`
	First       string           `json:"first,omitempty"`
	Last        string           `json:"last,omitempty"`
	Findings    map[string]int   `json:"findings"`
	WorthALook  int              `json:"worth_a_look"` // with a score of 0.5 and more
	PerDay      float64          `json:"worth_a_look_per_day"`
	Allowed     int              `json:"allowed"`
	Expired     int              `json:"allow_expired"`
	More        map[string]int   `json:"more,omitempty"` // beyond what is listed
	ReadSeconds float64          `json:"read_seconds"`
	Seconds     float64          `json:"seconds"`
	PerSecond   float64          `json:"records_per_second"`
	Flow        map[string]int64 `json:"flow,omitempty"`
	Reading     *Reading         `json:"reading"` // what "flow send" tells the hub of it
}

func (d *detection) writeStats(run *detectRun, r *detect.Report, read, all time.Duration) error {
	if d.stats == "" {
		return nil
	}
	s := detectStats{Files: run.read, Detect: r.Stats, Findings: map[string]int{}, Allowed: len(r.Allowed), Expired: len(r.Expired), More: map[string]int{},
		ReadSeconds: read.Seconds(), Seconds: all.Seconds(), PerSecond: float64(r.Stats.Records) / max(read.Seconds(), 1e-9)}
	if r.Stats.Records > 0 {
		s.First, s.Last = time.Unix(0, r.Stats.First).UTC().Format(time.RFC3339Nano), time.Unix(0, r.Stats.Last).UTC().Format(time.RFC3339Nano)
	}
	for i := range r.Findings {
		s.Findings[string(r.Findings[i].Kind)]++
		if r.Findings[i].Score >= likely {
			s.WorthALook++
		}
	}
	for k, n := range r.More {
		s.More[string(k)] = n
	}
	s.PerDay = float64(s.WorthALook) / max(r.Stats.Days(), 1.0/24)
	if run.packets != nil {
		st := run.packets.stats
		s.Flow = map[string]int64{"packets": int64(st.Packets), "lost": int64(st.Lost), "evicted": int64(st.Evicted)}
	}
	s.Reading = run.reading(r, all)
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	made, err := cli.Create(d.stats)
	if err != nil {
		return err
	}
	defer made.Abandon()
	if _, err := made.Write(append(b, '\n')); err != nil {
		return wroteBadly(d.stats, err)
	}
	if err := made.Keep(); err != nil {
		return wroteBadly(d.stats, err)
	}
	return nil
}
