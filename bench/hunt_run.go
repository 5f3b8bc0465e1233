//go:build linux

package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// hunter is a program that reads a log, ours or a peer.
type hunter struct {
	program string // NOROSHI_BENCH_ and this in capitals names it, or it is in PATH
	what    string // it does, in the table; and what it does otherwise than ours
	args    func(r round) []string
	finds   bool // it writes what it found, see titles
	slow    bool // it takes minutes
}

// round is what a program is given: a folder of rules, a log, and a folder for
// what it writes, in which it runs.
type round struct{ rules, file, dir string }

// found is what a program made of a whole log.
type found struct {
	rate   float64        // events per second of processor time
	titles map[string]int // how often it says each rule
}

// run runs a program over a log, and over next to nothing; the difference is
// what the events take.
func (h *hunted) run(ctx context.Context, kind logKind, p hunter, processors string) (f figures, what found, err error) {
	exe, err := exec.LookPath(cmp.Or(os.Getenv("NOROSHI_BENCH_"+strings.ToUpper(p.program)), p.program))
	if p.program == "noroshi" {
		exe, err = h.noroshi(ctx)
	}
	if err != nil {
		return nil, what, fmt.Errorf("%s is not installed", p.program)
	}
	var o [2]outcome
	var l [2]*logged
	for i, size := range []int{1, hugeLog} {
		if l[i], err = h.log(kind, size); err != nil {
			return nil, what, err
		}
		err = h.inFolder(func(dir string) (err error) {
			o[i], what.titles, err = l[i].given(ctx, exe, dir, kind, p, processors)
			return err
		})
		if err != nil {
			return nil, what, err
		}
	}
	if p.finds && len(what.titles) == 0 {
		return nil, what, fmt.Errorf("%s finds nothing, so its figures say nothing", p.program)
	}
	events, bytes := float64(l[1].events-l[0].events), float64(l[1].bytes-l[0].bytes)
	worked, took := (o[1].worked - o[0].worked).Seconds(), (o[1].took - o[0].took).Seconds()
	what.rate = events / worked
	return figures{"events/cpu s": what.rate, "MB/cpu s": bytes / 1e6 / worked, "events/s": events / took,
		"begin cpu ms": o[0].worked.Seconds() * 1e3, "begin ms": o[0].took.Seconds() * 1e3, "peak MB": o[1].peak}, what, nil
}

// given runs a program over the log, with the rules beside it.
func (l *logged) given(ctx context.Context, exe, dir string, kind logKind, p hunter, processors string) (o outcome, said map[string]int, err error) {
	rules, err := writeRules(dir)
	if err != nil {
		return o, nil, err
	}
	file := filepath.Join(dir, string(kind)) // some ask for a file with the ending
	if err := copyTo(file, io.NewSectionReader(l, 0, 1<<62)); err != nil {
		return o, nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "rsigma-evtx.yml"), rsigmaOverEVTX, 0o600); err != nil {
		return o, nil, err
	}
	cmd := exec.CommandContext(ctx, exe, p.args(round{rules, file, dir})...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOMAXPROCS="+processors, "RAYON_NUM_THREADS="+processors)
	if !p.finds {
		o, err = watched(cmd)
		return o, nil, err
	}
	out, err := os.Create(filepath.Join(dir, "stdout"))
	if err != nil {
		return o, nil, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	cmd.Stdout = out
	if o, err = watched(cmd); err != nil {
		return o, nil, err
	}
	results, err := os.Open(filepath.Join(dir, "results.jsonl"))
	if errors.Is(err, os.ErrNotExist) {
		results, err = os.Open(out.Name())
	}
	if err != nil {
		return o, nil, err
	}
	defer results.Close()
	said, err = titles(results)
	return o, said, err
}

// titles counts how often a program says each rule, by its title: converters
// give rules new ids. It reads objects one after the other, or an array of them.
func titles(r io.Reader) (map[string]int, error) {
	said := map[string]int{}
	in := bufio.NewReader(r)
	d := json.NewDecoder(in)
	if first, err := in.Peek(1); err == nil && first[0] == '[' {
		if _, err := d.Token(); err != nil {
			return nil, err
		}
	}
	for d.More() {
		var v struct {
			Rule      struct{ Title string } // noroshi
			RuleTitle string                 // Hayabusa
			Title     string                 `json:"rule_title"` // RSigma
			Name      string                 // Chainsaw
			Query     string                 `json:"title"` // Zircolite, with how many events
			Count     *int
		}
		if err := d.Decode(&v); err != nil {
			return nil, fmt.Errorf("what it found: %w", err)
		}
		n := 1
		if v.Count != nil {
			n = *v.Count
		}
		said[cmp.Or(v.Rule.Title, v.RuleTitle, v.Title, v.Name, v.Query)] += n
	}
	return said, nil
}

// beside are measures of programs over the same log, each on one core, in turn;
// the first is ours.
func (h *hunted) beside(name string, kind logKind, programs ...hunter) (out []measured) {
	var ours found
	for i, p := range programs {
		m := measured{name: "hunt-" + name, command: "bench/run -only '^hunt-" + name + "'", once: p.slow}
		what := p.what + ": events per second of processor time"
		if i > 0 {
			m.name += "-" + p.program
			what = "peer: " + what
		}
		m.rows = append(m.rows, row{What: what, Figure: "events/cpu s", Unit: "/s"})
		if i > 0 {
			m.rows = append(m.rows, row{What: "the same, ours is this many times as fast", Figure: "ours", Unit: "×"})
		}
		m.rows = append(m.rows,
			row{What: "the same, bytes", Figure: "MB/cpu s", Unit: "MB/s"},
			row{What: "the same, to begin: processor time", Figure: "begin cpu ms", Unit: "ms"},
			row{What: "the same, peak memory", Figure: "peak MB", Unit: "MB"})
		if p.finds {
			m.rows = append(m.rows,
				row{What: "the same, detections", Figure: "detections", Unit: ""},
				row{What: "the same, rules that they are of", Figure: "rules", Unit: ""})
		}
		if p.finds && i > 0 {
			m.rows = append(m.rows,
				row{What: "the same, of these rules those that ours does not find", Figure: "more rules", Unit: ""},
				row{What: "the same, rules that only ours finds", Figure: "fewer rules", Unit: ""})
		}
		m.take = func(ctx context.Context) (figures, error) {
			f, got, err := h.run(ctx, kind, p, "1")
			if err != nil {
				return nil, err
			}
			for _, n := range got.titles {
				f["detections"] += float64(n)
			}
			f["rules"] = float64(len(got.titles))
			if i == 0 {
				ours = got
			} else if ours.rate > 0 {
				f["ours"] = ours.rate / got.rate
				f["more rules"], f["fewer rules"] = lacking(got.titles, ours.titles), lacking(ours.titles, got.titles)
			}
			return f, nil
		}
		out = append(out, m)
	}
	return out
}

// lacking returns how many titles of a are not in b.
func lacking(a, b map[string]int) (n float64) {
	for title := range a {
		if b[title] == 0 {
			n++
		}
	}
	return n
}

// cores is a measure of our scan on one core and on two, in turn.
func (h *hunted) cores(name, command, what string, kind logKind) measured {
	return measured{name: name, command: command, rows: []row{
		{What: what + ", one core: events per second", Figure: "1 events/s", Unit: "/s"},
		{What: "the same, two cores", Figure: "2 events/s", Unit: "/s"},
		{What: "the same, times as fast as one core, by the clock (of a quiet machine)", Figure: "ratio", Unit: "×", Target: "≥ 1.8 ×"},
		{What: "the same, processor time of one core to that of two", Figure: "cpu ratio", Unit: "×", Target: "≥ 0.9 ×"},
		{What: "the same, peak memory of two", Figure: "2 peak MB", Unit: "MB", Target: "≤ 300 MB"},
	}, take: func(ctx context.Context) (figures, error) {
		f := figures{}
		for _, n := range []string{"1", "2"} {
			got, _, err := h.run(ctx, kind, scan(n), n)
			if err != nil {
				return nil, err
			}
			for k, v := range got {
				f[n+" "+k] = v
			}
		}
		f["ratio"], f["cpu ratio"] = f["2 events/s"]/f["1 events/s"], f["2 events/cpu s"]/f["1 events/cpu s"]
		return f, nil
	}}
}
