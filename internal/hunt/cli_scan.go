package hunt

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/event/format"
	"noroshi/internal/engine/sigma"
)

// scanFlags is what "hunt scan" is asked for.
type scanFlags struct {
	ruleFlags
	readFlags
	format    string
	out       string
	stats     string
	suppress  string
	least     string
	workers   int
	noRouting bool
	events    bool
}

// ruleFlags say which rules are loaded; commands share them.
type ruleFlags struct {
	own       fs.FS
	dirs      []string
	noBuiltin bool
	values    []string
}

func (f *ruleFlags) flags(p text.Printer, c *cobra.Command) {
	c.Flags().StringArrayVar(&f.dirs, "rules", nil, p.T("hunt.flag.rules"))
	c.Flags().BoolVar(&f.noBuiltin, "no-builtin", false, p.T("hunt.flag.no_builtin"))
	c.Flags().StringArrayVar(&f.values, "values", nil, p.T("hunt.flag.values"))
}

func (f *ruleFlags) load(ctx context.Context) (*RuleSet, error) {
	files, err := readValues(f.values)
	if err != nil {
		return nil, err
	}
	values := map[string][]string{}
	for _, v := range files {
		v.add(values)
	}
	own := f.own
	if f.noBuiltin {
		own = nil
	}
	return LoadRules(ctx, f.dirs, own, sigma.Options{Values: values})
}

// maxValues is the size of a file of values in bytes.
const maxValues = 16 << 20

// valueFile is a file of --values: a value a line, for rules that say %name%.
type valueFile struct {
	name string
	text []byte
}

// readValues reads --values NAME=FILE.
func readValues(args []string) (files []valueFile, err error) {
	for _, a := range args {
		name, file, ok := strings.Cut(a, "=")
		name = strings.Trim(name, "%")
		if !ok || name == "" || strings.ContainsAny(name, "/\\") {
			return nil, fault.New(fault.Usage, "hunt.values.form", "value", a)
		}
		text, err := cli.ReadFile(file, maxValues)
		if err != nil {
			return nil, err
		}
		files = append(files, valueFile{name, text})
	}
	return files, nil
}

func (v valueFile) add(to map[string][]string) {
	for line := range strings.Lines(string(v.text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			to[v.name] = append(to[v.name], line)
		}
	}
}

// readFlags say what files do not say themselves; commands share them.
type readFlags struct {
	input   string
	zone    string
	mapping string
}

func (f *readFlags) flags(p text.Printer, c *cobra.Command) {
	c.Flags().StringVar(&f.input, "input", "", p.T("hunt.flag.input"))
	c.Flags().StringVar(&f.zone, "timezone", "", p.T("hunt.flag.timezone"))
	c.Flags().StringVar(&f.mapping, "map", "", p.T("hunt.flag.map"))
}

// maxMapping is the size of a file of names in bytes.
const maxMapping = 4 << 20

// mappingText reads the file of --map, nil if there is none.
func (f *readFlags) mappingText() ([]byte, error) {
	if f.mapping == "" {
		return nil, nil
	}
	return cli.ReadFile(f.mapping, maxMapping)
}

func (f *readFlags) reading() (r Reading, err error) {
	if f.input != "" {
		var ok bool
		if r.Kind, ok = format.ParseKind(f.input); !ok {
			return r, fault.New(fault.Usage, "hunt.input.kind", "value", f.input)
		}
	}
	if f.zone != "" {
		if r.Zone, err = time.LoadLocation(f.zone); err != nil {
			return r, fault.New(fault.Usage, "hunt.zone", "value", f.zone).Because(err)
		}
	}
	raw, err := f.mappingText()
	if err != nil {
		return r, err
	}
	if raw != nil {
		if err := r.mapped(raw); err != nil {
			return r, fault.New(fault.Usage, "hunt.map", "file", f.mapping, "detail", err.Error()).Because(err)
		}
	}
	return r, nil
}

// mapped reads names and routes of a person's own.
func (r *Reading) mapped(text []byte) (err error) {
	if r.Mapping, err = format.ParseMapping(text); err != nil {
		return err
	}
	own, err := sigma.ParseRoutes(text)
	if err == nil {
		r.Routes = sigma.DefaultRoutes().With(own)
	}
	return err
}

// scanCommand is "noroshi hunt scan PATH...". Exit 0 when everything was read,
// whatever was found; 1 when something could not be read, or nothing was there.
func scanCommand(env *cli.Env, own fs.FS) *cobra.Command {
	s := scanFlags{ruleFlags: ruleFlags{own: own}}
	p := env.Printer()
	c := &cobra.Command{
		Use: "scan PATH...", Short: p.T("hunt.scan.short"), Long: p.T("hunt.scan.long"), Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, paths []string) error { return s.run(c.Context(), env, paths) },
	}
	s.ruleFlags.flags(p, c)
	s.readFlags.flags(p, c)
	f := c.Flags()
	f.StringVar(&s.format, "format", "table", p.T("hunt.flag.format", "formats", strings.Join(Formats, ", ")))
	f.StringVar(&s.out, "out", "", p.T("hunt.flag.out"))
	f.BoolVar(&s.events, "event", false, p.T("hunt.flag.event"))
	f.StringVar(&s.stats, "stats", "", p.T("hunt.flag.stats"))
	f.StringVar(&s.suppress, "suppress", "", p.T("hunt.flag.suppress"))
	f.StringVar(&s.least, "min-level", "", p.T("hunt.flag.min_level"))
	f.IntVar(&s.workers, "workers", 0, p.T("hunt.flag.workers"))
	f.BoolVar(&s.noRouting, "no-routing", false, p.T("hunt.flag.no_routing"))
	return c
}

// scanMemory is from how much memory on what is not used any more is looked for
// before new is taken, in bytes.
const scanMemory = 256 << 20

func (s *scanFlags) run(ctx context.Context, env *cli.Env, paths []string) error {
	p := env.Printer()
	if newSink(s.format, io.Discard, p, nil, time.Time{}) == nil {
		return fault.New(fault.Usage, "hunt.format", "value", s.format, "formats", strings.Join(Formats, ", "))
	}
	scan, err := s.asked(ctx, env, paths)
	if err != nil {
		return err
	}
	stats, err := s.openStats()
	if err != nil {
		return err
	}
	if stats != nil {
		defer stats.Abandon()
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(scanMemory))
	begun := time.Now()
	var report *Report
	err = output(env, s.out, func(w io.Writer) error {
		shown := newSink(s.format, w, p, scan.Rules, env.Now())
		if lines, ok := shown.(*jsonSink); ok {
			lines.events = s.events
		}
		if report, err = scan.Run(ctx, shown.take); err != nil {
			return err
		}
		return shown.close(report)
	})
	if err != nil {
		return err
	}
	took := time.Since(begun)
	sayReport(env, report, scan.Rules, took)
	if err := writeStats(stats, report, scan.Rules, took); err != nil {
		return err
	}
	return report.judged()
}

// asked makes a scan of what the flags say, its rules loaded.
func (s *scanFlags) asked(ctx context.Context, env *cli.Env, paths []string) (*Scan, error) {
	least, ok := sigma.ParseLevel(s.least)
	if !ok {
		return nil, fault.New(fault.Usage, "hunt.level", "value", s.least)
	}
	if s.workers < 0 || s.workers > maxWorkers {
		return nil, fault.New(fault.Usage, "hunt.workers", "value", s.workers, "max", maxWorkers)
	}
	read, err := s.reading()
	if err != nil {
		return nil, err
	}
	size, err := sizeOf(paths)
	if err != nil {
		return nil, err
	}
	rules, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	sayRules(env, rules)
	known, err := readKnown(env, s.suppress)
	if err != nil {
		return nil, err
	}
	return &Scan{Known: known, Paths: paths, Stdin: env.In, Rules: rules, Workers: s.workers, Least: least, NoRouting: s.noRouting, Read: read,
		Progress: env.Progress(size, env.Printer().T("hunt.scan.progress"))}, nil
}

// readKnown reads the list of what is harmless, if there is one.
func readKnown(env *cli.Env, name string) ([]Expected, error) {
	if name == "" {
		return nil, nil
	}
	raw, err := cli.ReadFile(name, maxMapping)
	if err != nil {
		return nil, err
	}
	live, over, err := ParseExpected(raw, env.Now())
	if len(over) > 0 {
		env.Say("hunt.say.suppress_over", "n", len(over))
	}
	return live, err
}

// maxWorkers is how many may look at once.
const maxWorkers = 256

// output gives fill what to write to: the file of that name, which appears when
// it is whole, or standard output.
func output(env *cli.Env, name string, fill func(io.Writer) error) error {
	if name == "" || name == "-" {
		b := bufio.NewWriterSize(env.Out, 64<<10)
		return filled(fill, b)
	}
	f, err := cli.Create(name)
	if err != nil {
		return err
	}
	defer f.Abandon()
	b := bufio.NewWriterSize(f, 64<<10)
	if err := filled(fill, b); err != nil {
		return err
	}
	return f.Keep()
}

// filled fills a buffer and writes out what is in it, also of a run that ended
// early. What the writer says it says again at the end, so one is enough.
func filled(fill func(io.Writer) error, b *bufio.Writer) error {
	err := fill(b)
	return cmp.Or(err, b.Flush())
}

// judged is why a run cannot be relied on: something could not be read, or
// nothing was there.
func (r *Report) judged() error {
	broken := len(r.Passed)
	for _, s := range r.Sources {
		if s.Ended != nil {
			broken++
		}
	}
	switch {
	case r.Events == 0:
		return fault.New(fault.Internal, "hunt.scan.nothing")
	case broken > 0:
		return fault.New(fault.Internal, "hunt.scan.unread", "n", broken)
	}
	return nil
}

// scanStats are the counters of --stats.
type scanStats struct {
	Events       uint64  `json:"events"`
	Bytes        int64   `json:"bytes"`
	Seconds      float64 `json:"seconds"`
	EventsPerSec float64 `json:"events_per_second"`
	Rules        int     `json:"rules"`
	RuleFiles    int     `json:"rule_files"`
	RulesSHA256  string  `json:"rules_sha256"`
	Rejected     int     `json:"rejected"`
	Filters      int     `json:"filters"`
	Narrowed     int     `json:"narrowed_rules"`  // that filters were added to
	Hidden       int     `json:"hidden_rules"`    // that only feed correlations
	PerEvent     float64 `json:"rules_per_event"` // evaluated
	Hits         uint64  `json:"hits"`            // of rules, those that only feed correlations too
	Correlations uint64  `json:"correlations"`    // that held
	Evicted      uint64  `json:"evicted"`         // groups of correlations, for want of memory
	Sampled      uint64  `json:"sampled"`         // percentiles of some of their numbers
	Damaged      int     `json:"damaged"`         // places
	Passed       int     `json:"passed"`          // files that could not be read
	Known        int     `json:"known"`           // hits known to be harmless
	PeakMemory   int64   `json:"peak_memory"`     // bytes
	Processors   int     `json:"processors"`
}

// openStats makes the file of --stats, nil without one: whether it can be written
// is known before the work is done.
func (s *scanFlags) openStats() (*cli.OutFile, error) {
	if s.stats == "" {
		return nil, nil
	}
	return cli.Create(s.stats)
}

func writeStats(f *cli.OutFile, r *Report, rules *RuleSet, took time.Duration) error {
	if f == nil {
		return nil
	}
	st := scanStats{Events: r.Events, Bytes: r.Bytes, Seconds: took.Seconds(), EventsPerSec: float64(r.Events) / max(took.Seconds(), 1e-9),
		Rules: r.Rules, RuleFiles: len(rules.Files), RulesSHA256: rules.Sum(), Rejected: len(rules.Rejected),
		Filters: len(rules.Filters), Narrowed: rules.Narrowed(), Hidden: rules.Hidden(), Evicted: r.Combined.Evicted, Sampled: r.Combined.Sampled,
		PerEvent: float64(r.Match.Candidates) / max(float64(r.Match.Rows), 1), Hits: r.Match.Hits, Correlations: r.Combined.Findings,
		Passed: len(r.Passed), Known: r.Known, PeakMemory: peakMemory(), Processors: runtime.GOMAXPROCS(0)}
	for _, src := range r.Sources {
		st.Damaged += src.Damaged
	}
	enc := json.NewEncoder(f)
	enc.SetIndent("", "  ")
	if err := enc.Encode(st); err != nil {
		return err
	}
	return f.Keep()
}
