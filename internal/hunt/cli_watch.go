package hunt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/sigma"
)

// watchFlags is what "hunt watch" is asked for.
type watchFlags struct {
	ruleFlags
	readFlags
	format string
	out    string
	state  string
	stats  string
	least  string
	from   string

	suppress string
}

// watchFormats are the forms that are whole after every line.
var watchFormats = []string{"jsonl", "cef", "ocsf"}

// watchCommand is "noroshi hunt watch PATH...". It ends with SIGINT or SIGTERM,
// and with standard input if there is nothing else, and then exits with 0.
func watchCommand(env *cli.Env, own fs.FS) *cobra.Command {
	w := watchFlags{ruleFlags: ruleFlags{own: own}}
	p := env.Printer()
	c := &cobra.Command{
		Use: "watch PATH...|-", Short: p.T("hunt.watch.short"), Long: p.T("hunt.watch.long"), Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, paths []string) error { return w.run(c.Context(), env, paths) },
	}
	w.ruleFlags.flags(p, c)
	w.readFlags.flags(p, c)
	f := c.Flags()
	f.StringVar(&w.format, "format", "jsonl", p.T("hunt.flag.format", "formats", strings.Join(watchFormats, ", ")))
	f.StringVar(&w.out, "out", "", p.T("hunt.watch.flag.out"))
	f.StringVar(&w.state, "state", "", p.T("hunt.watch.flag.state"))
	f.StringVar(&w.stats, "stats", "", p.T("hunt.watch.flag.stats"))
	f.StringVar(&w.least, "min-level", "", p.T("hunt.flag.min_level"))
	f.StringVar(&w.suppress, "suppress", "", p.T("hunt.flag.suppress"))
	f.StringVar(&w.from, "from", "start", p.T("hunt.watch.flag.from"))
	return c
}

func (f *watchFlags) run(ctx context.Context, env *cli.Env, paths []string) error {
	w, err := f.asked(ctx, env, paths)
	if err != nil {
		return err
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(scanMemory))
	t := &watchTalk{env: env, stats: f.stats, began: time.Now(), said: map[string]int{}}
	w.Note, w.Tick = t.note, t.tick
	if f.state != "" && (f.out == "" || f.out == "-") {
		env.Say("hunt.watch.say.again")
	}
	env.Say("hunt.watch.say.begin", "n", len(paths))
	did, err := w.Run(ctx)
	if did == nil {
		return err
	}
	if err := errors.Join(err, t.write(did)); err != nil {
		return err
	}
	env.Say("hunt.watch.say.end", "events", int64(did.Events), "detections", int64(did.Detections))
	if did.Known > 0 {
		env.Say("hunt.say.known", "n", int64(did.Known))
	}
	if did.LostFiles > 0 {
		env.Say("hunt.watch.say.lost", "n", int64(did.LostFiles), "bytes", did.LostBytes)
	}
	return nil
}

// asked makes a watch of what the flags say, its rules loaded.
func (f *watchFlags) asked(ctx context.Context, env *cli.Env, paths []string) (*Watch, error) {
	if !slices.Contains(watchFormats, f.format) {
		return nil, fault.New(fault.Usage, "hunt.format", "value", f.format, "formats", strings.Join(watchFormats, ", "))
	}
	if f.from != "start" && f.from != "end" {
		return nil, fault.New(fault.Usage, "hunt.watch.from", "value", f.from)
	}
	least, ok := sigma.ParseLevel(f.least)
	if !ok {
		return nil, fault.New(fault.Usage, "hunt.level", "value", f.least)
	}
	if slices.Contains(paths, "-") && f.state != "" {
		return nil, fault.New(fault.Usage, "hunt.watch.stdin_state")
	}
	if _, err := os.Stat(f.state); f.state == "" || errors.Is(err, fs.ErrNotExist) {
		if _, err := sizeOf(paths); err != nil { // later a file may be missing for a while
			return nil, err
		}
	}
	read, err := f.reading()
	if err != nil {
		return nil, err
	}
	rules, err := f.load(ctx)
	if err != nil {
		return nil, err
	}
	sayRules(env, rules)
	sayQuiet(env, rules)
	known, err := readKnown(env, f.suppress)
	if err != nil {
		return nil, err
	}
	out := f.out
	if out == "-" {
		out = ""
	}
	p := env.Printer()
	return &Watch{Paths: paths, Stdin: env.In, Rules: rules, Least: least, Read: read, Known: known, FromEnd: f.from == "end", State: f.state, Out: out, To: env.Out,
		Not:  []string{out, f.state, f.state + ".lock", f.state + ".next", f.stats},
		Form: func(to io.Writer) func(*Detection) error { return newSink(f.format, to, p, rules, time.Time{}).take }, Now: env.Now}, nil
}

// watchTalk tells how a watch goes on: on a terminal once a minute, in a file of
// counters every few seconds.
type watchTalk struct {
	env    *cli.Env
	stats  string
	began  time.Time
	line   time.Time
	wrote  time.Time
	before uint64
	rate   float64
	said   map[string]int
}

// saidNotes is how many notices of one kind are written out.
const saidNotes = 20

// note tells of a file that was emptied, lost or cannot be followed.
func (t *watchTalk) note(n Notice) {
	if t.said[n.Key]++; t.said[n.Key] > saidNotes {
		return
	}
	p := t.env.Printer()
	if code, ok := strings.CutPrefix(n.Key, "damage."); ok {
		fmt.Fprintln(t.env.Err, "  "+p.T("hunt.watch.note.damage", "file", text.Printable(n.Name), "offset", n.Bytes, "what", p.T("hunt.damage."+strings.ReplaceAll(code, "-", "_"))))
		return
	}
	fmt.Fprintln(t.env.Err, "  "+p.T("hunt.watch.note."+n.Key, "file", text.Printable(n.Name), "n", n.Bytes))
}

// How often something is told.
const (
	watchLine  = time.Minute
	watchStats = 5 * time.Second
)

func (t *watchTalk) tick(w *Watched) {
	now := time.Now()
	if t.line.IsZero() {
		t.line, t.wrote = now, now.Add(-watchStats)
	}
	if took := now.Sub(t.line); took >= watchLine {
		t.rate = float64(w.Events-t.before) / took.Seconds()
		t.line, t.before = now, w.Events
		if f, ok := t.env.Err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			t.env.Say("hunt.watch.say.line", "rate", fmt.Sprintf("%.0f", t.rate), "events", int64(w.Events), "behind", w.Behind, "detections", int64(w.Detections))
		}
	}
	if t.stats != "" && now.Sub(t.wrote) >= watchStats {
		t.wrote = now
		if err := t.write(w); err != nil && t.said["stats"] == 0 {
			t.said["stats"]++
			sayFault(t.env, err)
		}
	}
}

// watchCounters are the counters of --stats.
type watchCounters struct {
	Seconds      float64 `json:"seconds"`
	Events       uint64  `json:"events"`
	EventsPerSec float64 `json:"events_per_second"` // over all the time
	Bytes        int64   `json:"bytes"`
	Behind       int64   `json:"behind_bytes"`
	Files        int     `json:"files"`
	Detections   uint64  `json:"detections"`
	Correlations uint64  `json:"correlations"`
	Evicted      uint64  `json:"evicted"`
	Sampled      uint64  `json:"sampled"`
	Known        uint64  `json:"known"` // hits known to be harmless
	Damaged      uint64  `json:"damaged"`
	LostFiles    uint64  `json:"lost_files"`
	LostBytes    int64   `json:"lost_bytes"`
	Late         uint64  `json:"late"`
	Future       uint64  `json:"future"`
	SavedAt      string  `json:"saved_at,omitempty"`
	PeakMemory   int64   `json:"peak_memory"`
}

func (t *watchTalk) write(w *Watched) error {
	if t.stats == "" {
		return nil
	}
	took := time.Since(t.began).Seconds()
	c := watchCounters{Seconds: took, Events: w.Events, EventsPerSec: float64(w.Events) / max(took, 1e-9), Bytes: w.Bytes, Behind: w.Behind, Files: w.Files,
		Detections: w.Detections, Correlations: w.Combined.Findings, Evicted: w.Combined.Evicted, Sampled: w.Combined.Sampled, Known: w.Known, Damaged: w.Damaged, LostFiles: w.LostFiles, LostBytes: w.LostBytes,
		Late: w.Late + w.Combined.Late, Future: w.Future, PeakMemory: peakMemory()}
	if !w.Saved.IsZero() {
		c.SavedAt = w.Saved.UTC().Format(time.RFC3339)
	}
	f, err := cli.Create(t.stats)
	if err != nil {
		return err
	}
	defer f.Abandon()
	enc := json.NewEncoder(f)
	enc.SetIndent("", "  ")
	if err := enc.Encode(c); err != nil {
		return err
	}
	return f.Keep()
}
