package act

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
	"noroshi/internal/measure/act/driver"
)

// Preview says what rules would change, by a configuration of equipment here,
// without touching anything.
type Preview func(file string, raw []byte, rules []driver.Rule) (lines []string, more int, err error)

// MarkUndo asks the process of a folder here to undo an order, without a hub.
type MarkUndo func(dir string, id ID) error

// Commands returns the command "act" with its verbs. They use the hub's API with
// the caller's token; a dry run with a configuration, and undoing in a folder,
// need no hub.
func Commands(env *cli.Env, preview Preview, mark MarkUndo) *cobra.Command {
	p := env.Printer()
	c := &cobra.Command{Use: "act", Short: p.T("act.cli.short"), Long: p.T("act.cli.long"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	for _, sub := range []*cobra.Command{
		askCommand(env, p, preview, "block", []driver.Kind{driver.Filter}), askCommand(env, p, preview, "sinkhole", []driver.Kind{driver.Sinkhole}),
		askCommand(env, p, preview, "proxy", []driver.Kind{driver.Proxy}), askCommand(env, p, preview, "flowspec", []driver.Kind{driver.FlowSpec}),
		askCommand(env, p, preview, "blackhole", []driver.Kind{driver.Blackhole}),
		listCommand(env, p), statusCommand(env, p), rulesCommand(env, p), targetsCommand(env, p), approveCommand(env, p), textCommand(env, p, "refuse"), textCommand(env, p, "withdraw"), undoCommand(env, p, mark), textCommand(env, p, "settle"),
	} {
		env.HubFlags(sub)
		c.AddCommand(sub)
	}
	return c
}

// maxTargetFile bounds a file of targets, in bytes.
const maxTargetFile = 256 << 20

// readTargets reads targets, one a line; what stands behind a # is a comment.
func readTargets(raw []byte) (out []string, err error) {
	s := bufio.NewScanner(bytes.NewReader(raw))
	for s.Scan() {
		line, _, _ := strings.Cut(s.Text(), "#")
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	if err := s.Err(); err != nil {
		return nil, fault.New(fault.Usage, "act.cli.lines").Because(err)
	}
	return out, nil
}

// askCommand is "noroshi act sinkhole NAME…": asks that targets be held back.
func askCommand(env *cli.Env, p text.Printer, preview Preview, use string, kinds []driver.Kind) *cobra.Command {
	var in Ask
	var file, config, answer, basis string
	var dry bool
	what := "NAME"
	if !byName(kinds[0]) {
		what = "PREFIX"
	}
	c := &cobra.Command{Use: use + " " + what + "…", Short: p.T("act.cli." + use), Long: p.T("act.cli."+use) + "\n\n" + p.T("act.cli.ask_long"), Args: cobra.ArbitraryArgs}
	c.RunE = func(c *cobra.Command, args []string) error {
		in.Kind, in.Targets, in.Answer, in.Basis = kinds[0], args, driver.Answer(answer), Basis(basis)
		if file != "" {
			raw, err := cli.ReadFile(file, maxTargetFile)
			if err != nil {
				return err
			}
			more, err := readTargets(raw)
			if err != nil {
				return err
			}
			in.Targets = append(in.Targets, more...)
		}
		if config != "" {
			if !dry {
				return fault.New(fault.Usage, "act.cli.config_dry")
			}
			return offline(env, preview, config, in)
		}
		return asked(c.Context(), env, in, dry)
	}
	f := c.Flags()
	f.StringVar(&file, "file", "", p.T("act.cli.file"))
	f.BoolVar(&dry, "dry-run", false, p.T("act.cli.dry"))
	f.StringVar(&config, "config", "", p.T("act.cli.config"))
	f.IntVar(&in.Hours, "hours", 0, p.T("act.cli.hours"))
	f.StringVar(&in.Grounds, "grounds", "", p.T("act.cli.grounds"))
	f.StringSliceVar(&in.Intel, "intel", nil, p.T("act.cli.intel"))
	f.StringVar(&basis, "basis", string(OwnBasis), p.T("act.cli.basis"))
	f.StringVar(&in.Ground, "ground", "", p.T("act.cli.ground"))
	f.StringVar(&in.GroundText, "ground-text", "", p.T("act.cli.ground_text"))
	f.StringVar(&in.Case, "case", "", p.T("act.cli.case"))
	f.IntVar(&in.Step, "step", 0, p.T("act.cli.step"))
	if byName(kinds[0]) {
		f.BoolVar(&in.Below, "below", kinds[0] == driver.Sinkhole, p.T("act.cli.below"))
	}
	if kinds[0] == driver.Sinkhole {
		f.StringVar(&answer, "answer", string(driver.NoDomain), p.T("act.cli.answer"))
	}
	if kinds[0] == driver.Filter || kinds[0] == driver.FlowSpec {
		f.BoolVar(&in.Sources, "sources", false, p.T("act.cli.sources"))
		f.StringVar(&in.Other, "other", "", p.T("act.cli.other"))
		f.IntVar(&in.Protocol, "protocol", 0, p.T("act.cli.protocol"))
		f.IntVar(&in.Port, "port", 0, p.T("act.cli.port"))
	}
	return c
}

// offline is a dry run by a configuration here.
func offline(env *cli.Env, preview Preview, config string, in Ask) error {
	n, err := BuiltIn()
	if err != nil {
		return err
	}
	in.Hours, in.Basis = cmp.Or(in.Hours, 1), OwnBasis // neither matters to what would be told
	in.Ground, in.GroundText, in.Grounds, in.Case, in.Step = "", "", cmp.Or(in.Grounds, "x"), "", 0
	task, list, said, bad := in.task(newID(), &n)
	if err := bad.err(); err != nil {
		return err
	}
	rules, err := task.Rules(encodeList(list), env.Now().Add(time.Duration(task.Hours)*time.Hour))
	if err != nil {
		return err
	}
	raw, err := cli.ReadFile(config, 1<<20)
	if err != nil {
		return err
	}
	lines, more, err := preview(config, raw, rules)
	if err != nil {
		return err
	}
	return env.Emit(Shown{Digest: task.Targets, Rules: len(rules), Lines: lines, More: more, Fits: true, At: env.Now().UTC()}, func(w io.Writer, p text.Printer) error {
		tellWarned(w, p, said.Warned)
		return tellLines(w, p, lines, more)
	})
}

func tellLines(w io.Writer, p text.Printer, lines []string, more int) error {
	for _, l := range lines {
		fmt.Fprintln(w, l)
	}
	if more > 0 {
		fmt.Fprintln(w, p.T("act.cli.more", "n", more))
	}
	_, err := fmt.Fprintln(w, p.T("act.cli.untouched"))
	return err
}

func tellWarned(w io.Writer, p text.Printer, list []Warned) {
	for _, x := range list {
		fmt.Fprintln(w, p.T("act.cli.warned", "target", x.Target, "list", x.List))
	}
}

// dryWait is how long a dry run waits for the actuator's answer.
const dryWait = 60 * time.Second

// asked asks a hub. With dry it waits for what the actuator shows, and takes the
// order back.
func asked(ctx context.Context, env *cli.Env, in Ask, dry bool) error {
	hub, err := env.Hub()
	if err != nil {
		return err
	}
	var o Order
	if err := hub.Do(ctx, "POST", "/api/v1/act-orders", in, &o, ""); err != nil {
		return err
	}
	if !dry {
		return env.Emit(o, func(w io.Writer, p text.Printer) error {
			_, err := fmt.Fprintln(w, p.T("act.cli.asked", "number", o.Number, "n", o.Task.Count))
			return err
		})
	}
	v, err := shown(ctx, hub, o.ID)
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer stop()
	if e := hub.Do(end, "POST", at1(o.ID)+"/withdraw", TextInput{env.Printer().T("act.cli.dry_withdrawn")}, nil, ""); e != nil && err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if !v.Shown.Fits {
		return fault.New(fault.Unmet, ErrUnfit.Code, "reason", cmp.Or(v.Shown.Says, v.Shown.Reason))
	}
	return env.Emit(v.Shown, func(w io.Writer, p text.Printer) error {
		tellWarned(w, p, v.Words.Warned)
		if v.Shown.Says != "" {
			fmt.Fprintln(w, v.Shown.Says)
		}
		return tellLines(w, p, v.Shown.Lines, v.Shown.More)
	})
}

// shown waits for the dry run of an order.
func shown(ctx context.Context, hub *fetch.Hub, id ID) (v View, err error) {
	ctx, stop := context.WithTimeout(ctx, dryWait)
	defer stop()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := hub.Do(ctx, "GET", at1(id), nil, &v, ""); err != nil {
			return v, err
		}
		if v.Shown != nil {
			return v, nil
		}
		select {
		case <-ctx.Done():
			return v, ErrUndried
		case <-tick.C:
		}
	}
}

func at1(id string) string { return "/api/v1/act-orders/" + url.PathEscape(id) }

// listCommand is "noroshi act list".
func listCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var state string
	var held, wrong bool
	c := &cobra.Command{Use: "list", Short: p.T("act.cli.list"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		q := url.Values{"limit": {"200"}}
		if state != "" {
			q.Set("state", state)
		}
		if held {
			q.Set("held", "true")
		}
		if wrong {
			q.Set("wrong", "true")
		}
		var got struct {
			Items []Order `json:"items"`
		}
		if err := hub.Do(c.Context(), "GET", "/api/v1/act-orders?"+q.Encode(), nil, &got, ""); err != nil {
			return err
		}
		return env.Emit(got.Items, func(w io.Writer, p text.Printer) error {
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			for _, o := range got.Items {
				until := ""
				if !o.Until.IsZero() {
					until = p.Time(o.Until)
				}
				fmt.Fprintln(t, strings.Join([]string{o.Number, p.T("act.state." + string(o.State)), p.T("act.kind." + string(o.Task.Kind)), p.T("act.cli.targets", "n", o.Task.Count), until}, "\t"))
			}
			return t.Flush()
		})
	}}
	c.Flags().StringVar(&state, "state", "", p.T("act.cli.state"))
	c.Flags().BoolVar(&held, "held", false, p.T("act.cli.held"))
	c.Flags().BoolVar(&wrong, "wrong", false, p.T("act.cli.wrong"))
	return c
}

// statusCommand is "noroshi act status [ORDER]": one order, or the actuators and
// what is live.
func statusCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return &cobra.Command{Use: "status [ORDER]", Short: p.T("act.cli.status"), Args: cobra.MaximumNArgs(1), RunE: func(c *cobra.Command, args []string) error {
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		if len(args) == 1 {
			var v View
			if err := hub.Do(c.Context(), "GET", at1(args[0]), nil, &v, ""); err != nil {
				return err
			}
			return env.Emit(v, v.print)
		}
		var m Machines
		if err := hub.Do(c.Context(), "GET", "/api/v1/act-actuators", nil, &m, ""); err != nil {
			return err
		}
		return env.Emit(m, func(w io.Writer, p text.Printer) error {
			if len(m.Actuators) == 0 {
				fmt.Fprintln(w, p.T("act.cli.no_actuator"))
			}
			for _, a := range m.Actuators {
				fmt.Fprintln(w, p.T("act.cli.actuator", "name", cmp.Or(a.Name, a.ID), "at", a.SeenAt))
				for _, what := range a.alarms() {
					fmt.Fprintln(w, "  "+p.T("act.alarm."+what))
				}
			}
			fmt.Fprintln(w, p.T("act.cli.authority"))
			_, err := fmt.Fprintln(w, authorityLine(m.Authority))
			return err
		})
	}}
}

// authorityLine is the key as a configuration has it.
func authorityLine(key string) string { return "authority = [" + strconv.Quote(key) + "]" }

// targetsCommand is "noroshi act targets ORDER": all of what an order holds back.
func targetsCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return &cobra.Command{Use: "targets ORDER", Short: p.T("act.cli.all"), Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		var raw []byte
		if err := hub.Do(c.Context(), "GET", at1(args[0])+"/targets", nil, &raw, ""); err != nil {
			return err
		}
		return env.Emit(lines(raw), func(w io.Writer, _ text.Printer) error {
			_, err := w.Write(raw)
			return err
		})
	}}
}

// Load reads an order and the rules that it comes to from a hub, for what writes
// them in other words.
func Load(ctx context.Context, env *cli.Env, id string) (o Order, rules []driver.Rule, err error) {
	hub, err := env.Hub()
	if err != nil {
		return o, nil, err
	}
	var v View
	if err := hub.Do(ctx, "GET", at1(id), nil, &v, ""); err != nil {
		return o, nil, err
	}
	var raw []byte
	if err := hub.Do(ctx, "GET", at1(id)+"/targets", nil, &raw, ""); err != nil {
		return o, nil, err
	}
	until := v.Order.Until
	if until.IsZero() { // not approved yet: as long as is asked for
		until = v.Order.AskedAt.Add(time.Duration(v.Order.Task.Hours) * time.Hour)
	}
	rules, err = v.Order.Task.Rules(raw, until)
	return v.Order, rules, err
}

// print is an order for people.
func (v View) print(w io.Writer, p text.Printer) error {
	o := v.Order
	fmt.Fprintln(w, o.Number, p.T("act.state."+string(o.State)), p.T("act.kind."+string(o.Task.Kind)), p.T("act.cli.targets", "n", o.Task.Count))
	if o.alarmed() {
		fmt.Fprintln(w, p.T("act.alarm."+o.Alarm))
	}
	if t := troubleOf(p, &v); t != nil {
		fmt.Fprintln(w, strings.Join([]string{t.Title, t.Says, t.Do}, "\n"))
	}
	if !o.Until.IsZero() {
		fmt.Fprintln(w, p.T("act.cli.until", "at", o.Until))
	}
	if o.Words != nil {
		fmt.Fprintln(w, p.T("act.cli.because", "grounds", o.Words.Grounds))
		fmt.Fprintln(w, strings.Join(o.Words.Sample, " "))
		tellWarned(w, p, o.Words.Warned)
	}
	if o.Shown != nil {
		fmt.Fprintln(w, p.T("act.cli.shown"))
		for _, l := range o.Shown.Lines[:min(len(o.Shown.Lines), 20)] {
			fmt.Fprintln(w, "  "+l)
		}
		if rest := len(o.Shown.Lines) - 20 + o.Shown.More; rest > 0 {
			fmt.Fprintln(w, "  "+p.T("act.cli.more", "n", rest))
		}
		if o.Shown.Says != "" {
			fmt.Fprintln(w, "  "+o.Shown.Says)
		}
	}
	for _, h := range v.Past {
		to := ""
		if h.To != h.From && (h.Act == "outcome" || h.Act == "end") {
			to = p.T("act.state." + string(h.To))
		}
		fmt.Fprintln(w, strings.Join(slices.DeleteFunc([]string{"  " + p.Time(h.At), p.T("act.act." + h.Act), to, cmp.Or(h.Name, p.T("act.side."+string(h.By)))}, func(s string) bool { return s == "" }), "  "))
	}
	if len(v.Acts) > 0 {
		fmt.Fprintln(w, p.T("act.cli.next", "acts", strings.Join(v.Acts, ", ")))
	}
	return nil
}

// said makes an act and says where the order then stands.
func said(ctx context.Context, env *cli.Env, id, act string, body any) error {
	hub, err := env.Hub()
	if err != nil {
		return err
	}
	var o Order
	if err := hub.Do(ctx, "POST", at1(id)+"/"+act, body, &o, ""); err != nil {
		return err
	}
	return env.Emit(o, func(w io.Writer, p text.Printer) error {
		_, err := fmt.Fprintln(w, o.Number, p.T("act.state."+string(o.State)))
		return err
	})
}

// approveCommand is "noroshi act approve ORDER": of the order as it is shown at
// that moment, or of the digest that was seen.
func approveCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var d Decision
	c := &cobra.Command{Use: "approve ORDER", Short: p.T("act.cli.approve"), Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		if d.Digest == "" {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			var v View
			if err := hub.Do(c.Context(), "GET", at1(args[0]), nil, &v, ""); err != nil {
				return err
			}
			d.Digest = v.Digest
		}
		return said(c.Context(), env, args[0], "approve", d)
	}}
	c.Flags().StringVar(&d.Digest, "digest", "", p.T("act.cli.digest"))
	c.Flags().StringVar(&d.Override, "override", "", p.T("act.cli.override"))
	return c
}

// textCommand is an act that needs its reason.
func textCommand(env *cli.Env, p text.Printer, act string) *cobra.Command {
	var words string
	c := &cobra.Command{Use: act + " ORDER --text WHY", Short: p.T("act.cli." + act), Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		return said(c.Context(), env, args[0], act, TextInput{words})
	}}
	c.Flags().StringVar(&words, "text", "", p.T("act.cli.text"))
	return c
}

// undoCommand is "noroshi act undo ORDER": at a hub, or with --dir beside the
// actuator while the hub is away.
func undoCommand(env *cli.Env, p text.Printer, mark MarkUndo) *cobra.Command {
	c := textCommand(env, p, "undo")
	var dir string
	atHub := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if dir == "" {
			return atHub(c, args)
		}
		if err := mark(dir, args[0]); err != nil {
			return err
		}
		env.Say("act.cli.marked")
		return nil
	}
	c.Flags().StringVar(&dir, "dir", "", p.T("act.cli.dir"))
	return c
}
