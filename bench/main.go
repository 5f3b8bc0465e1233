//go:build linux

// Command bench measures what the project promises of speed and memory, and
// prints one table: what, measured, target, command. It asserts nothing. The
// peer runs beside the ledger in the same run. `bench/run` builds and starts
// it from the top of the repository; see -h.
//
// Every measure is a process of its own, so that peak memory is its own, and
// says how much of the processors others used meanwhile: above a few percent
// its figures are those of a busy machine.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// setting is what the flags say.
type setting struct {
	full   bool
	runs   int
	length time.Duration
	dir    string

	writers   int
	equipment int
	incidents int
	entries   int
	selectors int
}

func main() {
	var s setting
	full := flag.Bool("full", false, "full sizes: 10 M entries, 100 k incidents, 20 s and 5 runs for each rate")
	asJSON := flag.Bool("json", false, "print JSON instead of a table")
	only := flag.String("only", "", "only the measures whose name matches this expression")
	list := flag.Bool("list", false, "name the measures and end")
	flag.StringVar(&s.dir, "dir", os.TempDir(), "folder, of the disk to measure, to make temporary folders in")
	flag.IntVar(&s.runs, "runs", 0, "runs of short measures; the median is shown (0: 3, with -full 5)")
	flag.DurationVar(&s.length, "time", 0, "length of a run that measures a rate (0: 5 s, with -full 20 s)")
	measure := flag.String("measure", "", "run this one measure in this process and print its figures as JSON")
	flag.IntVar(&s.writers, "writers", 64, "with -measure: writers at once")
	flag.IntVar(&s.equipment, "equipment", 1_000_000, "pieces of equipment that lists are measured over")
	flag.IntVar(&s.incidents, "incidents", 0, "incidents that lists are measured over (0: 10,000, with -full 100,000)")
	flag.IntVar(&s.entries, "entries", 0, "entries that ledger verify is measured with (0: 1 M, with -full 10 M)")
	flag.IntVar(&s.selectors, "selectors", 10_000_000, "conditions of the lists that selection is measured with")
	flag.Parse()
	s.fill(*full)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s, *measure, *only, *list, *asJSON); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (s *setting) fill(full bool) {
	s.full = full
	pick := func(p *int, quick, whole int) {
		if *p == 0 {
			*p = quick
			if full {
				*p = whole
			}
		}
	}
	pick(&s.runs, 3, 5)
	pick(&s.incidents, 10_000, 100_000)
	pick(&s.entries, 1_000_000, 10_000_000)
	if s.length == 0 {
		s.length = 5 * time.Second
		if full {
			s.length = 20 * time.Second
		}
	}
}

func run(ctx context.Context, s setting, measure, only string, list, asJSON bool) error {
	if measure != "" {
		fn, ok := inside[measure]
		if !ok {
			return fmt.Errorf("there is no measure %q", measure)
		}
		got, err := fn(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", measure, err)
		}
		return json.NewEncoder(os.Stdout).Encode(got)
	}
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	t := table{Machine: describe(ctx, s)}
	for _, group := range measures(s) {
		var chosen []measured
		for _, m := range group {
			if pattern.MatchString(m.name) {
				chosen = append(chosen, m)
			}
		}
		if list {
			for _, m := range chosen {
				fmt.Println(m.name)
			}
			continue
		}
		t.Rows = append(t.Rows, take(ctx, s, chosen)...)
	}
	switch {
	case list:
		return nil
	case asJSON:
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(t)
	}
	_, err = fmt.Print(strings.TrimPrefix(t.markdown(), "\n"))
	return err
}
