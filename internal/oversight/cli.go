package oversight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/tlog"
	"noroshi/internal/measure"
)

// Faults of the commands.
var (
	ErrFound = fault.New(fault.Unmet, "oversight.found_some")
	ErrWrong = fault.New(fault.Unmet, "oversight.found_log")  // the log itself has gaps or was changed, and no rule is broken
	ErrLost  = fault.New(fault.Unmet, "oversight.found_lost") // acts of power are lost, and nothing else is wrong
	ErrNoLog = fault.New(fault.Usage, "oversight.no_log")
	ErrAnew  = fault.New(fault.Usage, "oversight.anew") // the log that was put back was not looked at yet
	ErrNoKey = fault.New(fault.Usage, "oversight.no_key")
	ErrKinds = fault.New(fault.Usage, "oversight.bad_kinds")
	ErrAt    = fault.New(fault.Usage, "oversight.bad_at")
	ErrMoved = fault.New(fault.Busy, "oversight.moved")
	ErrMany  = fault.New(fault.TooLarge, "oversight.held")
)

// Commands returns noroshi auditor: what the commission runs on its own machine,
// with its own keys.
func Commands(env *cli.Env) *cobra.Command {
	root := &cobra.Command{Use: "auditor", Short: env.Printer().T("oversight.cli.short"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	root.AddCommand(rulesCommand(env), replayCommand(env), followCommand(env), acknowledgeCommand(env), compareCommand(env), reportCommand(env))
	return root
}

// RuleRow is a rule as it is shown.
type RuleRow struct {
	ID       string `json:"id"`
	Article  string `json:"article"`
	Text     string `json:"text"`
	Verified bool   `json:"verified"` // the wording of the article was compared with an official text
}

// LimitRow is a tolerance as it is shown.
type LimitRow struct {
	ID      string `json:"id"`
	Value   int    `json:"value"`
	Unit    string `json:"unit"`
	Article string `json:"article"`
}

func rulesCommand(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use: "rules", Short: env.Printer().T("oversight.cli.rules"), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			t, err := LoadTable()
			if err != nil {
				return err
			}
			out := struct {
				Rules  []RuleRow  `json:"rules"`
				Limits []LimitRow `json:"limits"`
			}{[]RuleRow{}, []LimitRow{}}
			p := env.Printer()
			for _, r := range t.Rules {
				out.Rules = append(out.Rules, RuleRow{r.ID, r.Article.In(env.Lang()), p.T("oversight.rule." + r.ID), r.Verified})
			}
			for _, l := range t.Limits {
				out.Limits = append(out.Limits, LimitRow{l.ID, l.Value, l.Unit, l.Source.In(env.Lang())})
			}
			return env.Emit(out, func(w io.Writer, p text.Printer) error {
				for _, r := range out.Rules {
					fmt.Fprintf(w, "%-18s %s\n%-18s   %s\n", r.ID, r.Text, "", r.Article)
				}
				fmt.Fprintln(w)
				for _, l := range out.Limits {
					fmt.Fprintln(w, p.T("oversight.limit."+l.ID, "n", l.Value))
				}
				_, err := fmt.Fprintln(w, p.T("oversight.cli.unverified"))
				return err
			})
		},
	}
}

// source is which log is replayed, by which keys and numbers.
type source struct {
	key, kinds, measures, commission string
}

func (s *source) flags(env *cli.Env, c *cobra.Command) {
	c.Flags().StringVar(&s.key, "key", "", env.Printer().T("oversight.cli.key"))
	c.Flags().StringVar(&s.kinds, "kinds", "", env.Printer().T("oversight.cli.kinds"))
	c.Flags().StringVar(&s.measures, "measures", "", env.Printer().T("oversight.cli.measures"))
	c.Flags().StringVar(&s.commission, "commission", "", env.Printer().T("oversight.cli.commission"))
}

// options reads the files that the flags name. A key is needed: without one
// nobody vouches for what is replayed.
func (s *source) options(env *cli.Env, signed []byte) (o Options, err error) {
	o.Commission = s.commission
	if o.Keys, err = ReadKeys(s.key); err != nil {
		return o, err
	}
	if o.Kinds, err = s.numbers(); err != nil {
		return o, err
	}
	if s.measures != "" {
		raw, err := cli.ReadFile(s.measures, 1<<20)
		if err != nil {
			return o, err
		}
		if o.Measures, err = measure.ReadNumbers(raw); err != nil {
			return o, fault.New(fault.Usage, ErrKinds.Code, "file", s.measures, "why", err.Error())
		}
	}
	if c, err := tlog.OpenCheckpoint(signed); err == nil && !slices.ContainsFunc(o.Keys, func(k note.Verifier) bool { return k.Name() == c.Origin }) {
		return o, fault.New(fault.Usage, "ledger.other_key", "key", o.Keys[0].Name(), "log", c.Origin)
	}
	o.Progress = env.ProgressOf("ledger")
	return o, nil
}

// numbers are those that approvals are judged by: of the program, or of the file
// that an installation uses instead.
func (s *source) numbers() (approval.Rules, error) {
	raw := []byte{}
	if s.kinds != "" {
		var err error
		if raw, err = cli.ReadFile(s.kinds, 1<<20); err != nil {
			return approval.Rules{}, err
		}
	}
	k, err := approval.LoadRules(string(raw))
	if err != nil {
		return k, fault.New(fault.Usage, ErrKinds.Code, "file", s.kinds, "why", err.Error())
	}
	return k, nil
}

// openLog opens the folder of a log, or the folder ledger in it.
func openLog(where string) (fs.FS, []byte, error) {
	for _, dir := range []string{where, filepath.Join(where, "ledger")} {
		fsys := os.DirFS(dir)
		signed, err := fs.ReadFile(fsys, tlog.CheckpointPath)
		if err == nil {
			return fsys, signed, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fault.New(fault.Usage, ErrNoLog.Code, "path", where).Because(err)
		}
	}
	if _, err := os.Stat(filepath.Join(where, beforeDir)); err == nil {
		return nil, nil, fault.New(fault.Usage, ErrAnew.Code, "path", where)
	}
	return nil, nil, fault.New(fault.Usage, ErrNoLog.Code, "path", where)
}

func replayCommand(env *cli.Env) *cobra.Command {
	var s source
	var at string
	c := &cobra.Command{
		Use: "replay DIR", Short: env.Printer().T("oversight.cli.replay"), Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			fsys, signed, err := openLog(args[0])
			if err != nil {
				return err
			}
			o, err := s.options(env, signed)
			if err != nil {
				return err
			}
			if o.Now, err = judgedAt(env, at); err != nil {
				return err
			}
			_, res, err := replayDir(cmd.Context(), args[0], fsys, o)
			if err != nil {
				return asFault(err)
			}
			return conclude(env, res)
		},
	}
	s.flags(env, c)
	c.Flags().StringVar(&at, "at", "", env.Printer().T("oversight.cli.at"))
	return c
}

// replayDir replays a log with what an auditor's folder knows to be lost of it.
func replayDir(ctx context.Context, dir string, fsys fs.FS, o Options) (*Replay, Result, error) {
	lost, alarms, err := Losses(ctx, dir, o)
	if err != nil {
		return nil, Result{}, err
	}
	o.Lost = lost
	r, res, err := replayLog(ctx, fsys, o)
	res.Alarms = append(res.Alarms, alarms...)
	return r, res, err
}

// judgedAt is the instant at which deadlines are judged: of the newest entry
// unless somebody says another, for a ledger that tells nothing more is silent.
func judgedAt(env *cli.Env, at string) (time.Time, error) {
	switch at {
	case "":
		return time.Time{}, nil
	case "now":
		return env.Now(), nil
	}
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return t, fault.New(fault.Usage, ErrAt.Code, "at", at)
	}
	return t, nil
}

func asFault(err error) error {
	switch {
	case errors.Is(err, tlog.ErrMoved):
		return ErrMoved.Because(err)
	case errors.Is(err, ErrHeld):
		return ErrMany.Because(err)
	}
	return err
}

// conclude says what a replay found and turns it into an exit code.
func conclude(env *cli.Env, res Result) error {
	p := env.Printer()
	res.speak(p)
	if err := env.Emit(res, func(w io.Writer, p text.Printer) error { return res.print(w, p) }); err != nil {
		return err
	}
	return res.Fault()
}

// speak writes the sentences of a result in a language.
func (r *Result) speak(p text.Printer) {
	speakOf(r.Violations, p)
	for _, l := range r.Lost {
		speakOf(l.Violations, p)
	}
	for _, list := range [][]Alarm{r.Gaps, r.Alarms} {
		for i := range list {
			a := &list[i]
			if key := "oversight.alarm." + a.Code; p.Has(key) {
				a.Text = p.T(key, "time", time.Duration(a.Seconds)*time.Second, "entry", entryOf(a))
				continue
			}
			bad := tlog.Problem{Code: tlog.Code(a.Code), Path: a.Path, Entry: tlog.NoEntry}
			if a.Entry != nil {
				bad.Entry = *a.Entry
			}
			a.Text = ledger.Sentence(p, &bad)
		}
	}
}

func speakOf(list []Violation, p text.Printer) {
	for i := range list {
		v := &list[i]
		pairs := make([]any, 0, 2*len(v.Args))
		for k, x := range v.Args {
			pairs = append(pairs, k, stateWords(p, v.Found, k, x))
		}
		v.Text = p.T("oversight.found."+v.Found, pairs...)
	}
}

// stateNouns say whose states a finding tells of, by the beginning of its code.
var stateNouns = map[string]string{"case": "approval", "not": "approval", "chain": "measure", "order": "act", "paper": "desk"}

// stateWords says a state in words, where its noun has them.
func stateWords(p text.Printer, found, name string, x any) any {
	kind, _, _ := strings.Cut(found, "_")
	state, ok := x.(string)
	if key := stateNouns[kind] + ".state." + state; ok && (name == "from" || name == "to" || name == "state") && p.Has(key) {
		return p.T(key)
	}
	return x
}

func entryOf(a *Alarm) int64 {
	if a.Entry == nil {
		return tlog.NoEntry
	}
	return *a.Entry
}

func (r *Result) print(w io.Writer, p text.Printer) error {
	for _, list := range [][]Alarm{r.Alarms, r.Gaps} {
		for _, a := range list {
			fmt.Fprintln(w, text.Printable(a.Text))
			if a.Evidence != "" {
				fmt.Fprintln(w, "    "+a.Evidence)
			}
		}
	}
	for i := range r.Lost {
		r.Lost[i].print(w, p)
	}
	if n := r.gone(); n > 0 {
		fmt.Fprintln(w, p.T("oversight.cli.gone", "n", int64(n)))
	}
	printViolations(w, p, "oversight.cli.violation", r.Violations)
	if r.More > 0 {
		fmt.Fprintln(w, p.T("oversight.cli.more", "n", int64(r.More)))
	}
	asked, total := 0, uint64(0)
	for _, n := range r.Checked {
		if total += n; n > 0 {
			asked++
		}
	}
	if r.Commission != "" && !r.pinned {
		fmt.Fprintln(w, p.T("oversight.cli.decided_by", "name", text.Printable(r.Commission)))
	}
	if r.Signer != "" {
		fmt.Fprintln(w, p.T("ledger.cli.signed", "name", r.Signer))
	}
	_, err := fmt.Fprintln(w, p.T("oversight.cli.sum", "entries", int64(r.Entries), "rules", asked, "of", len(r.Checked), "checks", int64(total), "violations", r.broken(), "gaps", len(r.Gaps), "alarms", len(r.Alarms)))
	if err == nil && r.unsound {
		_, err = fmt.Fprintln(w, p.T("oversight.cli.unsound"))
	}
	return err
}

// alike puts violations together that are said in the same words about the same
// thing; their entries stay in order, each once.
func alike(list []Violation) (out []Violation) {
	at := map[[3]string]int{}
	for _, v := range list {
		key := [3]string{v.Rule, v.Text, v.Object}
		i, seen := at[key]
		if !seen {
			i = len(out)
			at[key], out = i, append(out, v)
			out[i].Entries = nil
		}
		for _, e := range v.Entries {
			if !slices.Contains(out[i].Entries, e) {
				out[i].Entries = append(out[i].Entries, e)
			}
		}
	}
	return out
}

func printViolations(w io.Writer, p text.Printer, line string, list []Violation) {
	for _, v := range alike(list) {
		places := make([]string, len(v.Entries))
		for i, e := range v.Entries {
			places[i] = fmt.Sprint(e)
		}
		fmt.Fprintln(w, p.T(line, "rule", v.Rule, "text", text.Printable(v.Text), "entries", strings.Join(places, ", ")))
		if v.Object != "" {
			fmt.Fprintln(w, "    "+text.Printable(v.Object))
		}
		fmt.Fprintln(w, "    "+p.T("oversight.rule."+v.Rule))
	}
}

// print says what was lost.
func (l *Loss) print(w io.Writer, p text.Printer) {
	if l.Entries == 0 {
		fmt.Fprintln(w, p.T("oversight.cli.lost_none", "before", l.Before))
	} else {
		fmt.Fprintln(w, p.T("oversight.cli.lost", "before", l.Before, "from", fmt.Sprint(l.From), "to", fmt.Sprint(l.From+l.Entries-1), "n", int64(l.Entries), "first", moment(p, l.First), "last", moment(p, l.Last)))
	}
	fmt.Fprintln(w, "    "+p.T("oversight.cli.lost_why", "at", p.Time(l.At), "why", text.Printable(l.Why)))
	for _, verb := range slices.Sorted(maps.Keys(l.Power)) {
		fmt.Fprintln(w, "    "+p.T("oversight.cli.lost_power", "verb", verbWords(p, verb), "n", int64(l.Power[verb])))
	}
	for _, d := range l.ends {
		fmt.Fprintln(w, "    "+p.T("oversight.cli.lost_end", "verb", verbWords(p, d.verb), "entry", fmt.Sprint(d.entry)))
	}
	printViolations(w, p, "oversight.cli.lost_violation", l.Violations)
}

// moment is an instant as the reader's clock says it.
func moment(p text.Printer, at string) string {
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return text.Printable(at)
	}
	return p.Time(t)
}

// verbWords says what was done: in words where somebody has them, and always by
// the name that the ledger has.
func verbWords(p text.Printer, verb string) string {
	if key := "app.act." + verb; p.Has(key) {
		return p.T(key) + " (" + text.Printable(verb) + ")"
	}
	return text.Printable(verb)
}
