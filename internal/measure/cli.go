package measure

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
)

// maxInput bounds a file of a case, in bytes.
const maxInput = 1 << 20

// The files that open, assess and plan read, as their help shows them.
const (
	openExample = `{"threat": {"title": "…", "machine": "198.18.66.6", "does": "…", "protected": "…", "rank": "infrastructure",
  "evidence": [{"noun": "sighting", "id": "…", "says": "…"}]}}`
	assessExample = `{"assessment": {"unlawful": {"met": true, "grounds": "…"}, "danger": {"met": true, "grounds": "…"}, "urgent": {"met": true, "grounds": "…"},
  "proportionate": {"met": true, "grounds": "…"}, "necessity": "…", "collateral": "…", "owner_is_victim": true},
 "location": {"place": "abroad", "grounds": "…"}}`
	planExample = `{"from": "2026-12-01T00:00:00Z", "until": "2026-12-02T00:00:00Z", "ordinary": "…", "stop_when": ["…"], "deconflict": "…",
  "steps": [{"kind": "stop_function", "on": "198.18.66.6", "what": "…", "undo": "…"}]}`
)

// Commands returns the command "measure" with its verbs. They use the hub's API
// with the caller's token and know no more than it tells.
func Commands(env *cli.Env) *cobra.Command {
	p := env.Printer()
	c := &cobra.Command{Use: "measure", Short: p.T("measure.cli.short"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	for _, sub := range []*cobra.Command{openCommand(env, p), assessCommand(env, p), planCommand(env, p), doCommand(env, p), showCommand(env, p), actsCommand(env, p), stepsCommand(env, p), switchCommand(env, p), listCommand(env, p), rulesCommand(env, p)} {
		env.HubFlags(sub)
		c.AddCommand(sub)
	}
	return c
}

func at1(id string) string { return "/api/v1/measures/" + url.PathEscape(id) }

// openCommand is "noroshi measure open FILE.json".
func openCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return &cobra.Command{Use: "open FILE.json", Short: p.T("measure.cli.open"), Long: p.T("measure.cli.open_long", "example", openExample), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var in Opening
			if err := cli.ReadJSON(args[0], maxInput, &in); err != nil {
				return err
			}
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			var got NewCase
			if err := hub.Do(c.Context(), "POST", "/api/v1/measures", in, &got, ""); err != nil {
				return err
			}
			return env.Emit(got, func(w io.Writer, p text.Printer) error {
				_, err := fmt.Fprintln(w, p.T("measure.cli.opened", "number", got.Case.Number))
				return err
			})
		}}
}

// assessCommand is "noroshi measure assess CASE FILE.json": the assessment, the
// place, or both.
func assessCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return &cobra.Command{Use: "assess CASE FILE.json", Short: p.T("measure.cli.assess"), Long: p.T("measure.cli.assess_long", "example", assessExample), Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			var in struct {
				Assessment *Assessment `json:"assessment"`
				Location   *Location   `json:"location"`
			}
			if err := cli.ReadJSON(args[1], maxInput, &in); err != nil {
				return err
			}
			if in.Assessment == nil && in.Location == nil {
				return fault.New(fault.Usage, "measure.cli.nothing", "file", args[1])
			}
			return acting(env, func(hub *fetch.Hub, got *Chain) error {
				if in.Assessment != nil {
					if err := hub.Do(c.Context(), "POST", at1(args[0])+"/assess", in.Assessment, got, ""); err != nil {
						return err
					}
				}
				if in.Location == nil {
					return nil
				}
				return hub.Do(c.Context(), "POST", at1(args[0])+"/locate", in.Location, got, "")
			})
		}}
}

// planCommand is "noroshi measure plan CASE FILE.json".
func planCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return &cobra.Command{Use: "plan CASE FILE.json", Short: p.T("measure.cli.plan"), Long: p.T("measure.cli.plan_long", "example", planExample), Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			var in Plan
			if err := cli.ReadJSON(args[1], maxInput, &in); err != nil {
				return err
			}
			return acting(env, func(hub *fetch.Hub, got *Chain) error {
				return hub.Do(c.Context(), "POST", at1(args[0])+"/plan", in, got, "")
			})
		}}
}

// forms are the acts that take a file, and what is in it.
var forms = map[string]func() any{
	"consult": func() any { return new(Worksheet) }, "answer": func() any { return new(Opinion) }, "order": func() any { return new(OrderInput) },
	"weigh": func() any { return new(Verdict) }, "outcome": func() any { return new(Ending) },
}

// texts are the acts that take a text.
var texts = []string{"agree", "ask", "recall", "drop", "second", "declare", "notify", "settle", "authorise", "account", "finish", "stop", "restore", "tell", "review", "close", "unsay"}

// doCommand is "noroshi measure do CASE ACT": every other act.
func doCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var words, file, person string
	var step int
	c := &cobra.Command{Use: "do CASE ACT", Short: p.T("measure.cli.do"), Long: p.T("measure.cli.do_long", "texts", strings.Join(texts, ", "), "files", strings.Join(slices.Sorted(maps.Keys(forms)), ", ")), Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			path, body, err := asked(args[1], words, file, person, step)
			if err != nil {
				return err
			}
			return acting(env, func(hub *fetch.Hub, got *Chain) error {
				return hub.Do(c.Context(), "POST", at1(args[0])+"/"+path, body, got, "")
			})
		}}
	f := c.Flags()
	f.StringVar(&words, "text", "", p.T("measure.cli.text"))
	f.StringVar(&file, "file", "", p.T("measure.cli.file"))
	f.StringVar(&person, "person", "", p.T("measure.cli.person"))
	f.IntVar(&step, "step", 0, p.T("measure.cli.step"))
	return c
}

// asked is where an act goes, and what is sent there.
func asked(act, words, file, person string, step int) (path string, body any, err error) {
	form, ok := forms[act]
	switch {
	case ok && file == "":
		return "", nil, fault.New(fault.Usage, "measure.cli.needs", "act", act, "flag", "--file")
	case ok:
		body = form()
		return act, body, cli.ReadJSON(file, maxInput, body)
	case slices.Contains(texts, act):
		return act, TextInput{words}, nil
	case act == "begin" || act == "go" || act == "vouch":
		return act, nil, nil
	case act == "intend" && step < 1:
		return "", nil, fault.New(fault.Usage, "measure.cli.needs", "act", act, "flag", "--step")
	case act == "intend":
		return "steps/" + strconv.Itoa(step), TextInput{words}, nil
	case (act == "designate" || act == "dismiss" || act == "invite") && person == "":
		return "", nil, fault.New(fault.Usage, "measure.cli.needs", "act", act, "flag", "--person")
	case act == "designate" || act == "dismiss":
		return act, OfficerInput{person}, nil
	case act == "invite":
		return act, UnitInput{person}, nil
	}
	return "", nil, fault.New(fault.Usage, "measure.cli.no_act", "act", act)
}

// acting makes acts and says where the chain of command then stands.
func acting(env *cli.Env, do func(hub *fetch.Hub, got *Chain) error) error {
	hub, err := env.Hub()
	if err != nil {
		return err
	}
	var got Chain
	if err := do(hub, &got); err != nil {
		return err
	}
	return env.Emit(got, func(w io.Writer, p text.Printer) error {
		_, err := fmt.Fprintln(w, p.T("measure.state."+string(got.State)))
		return err
	})
}

// showCommand is "noroshi measure show CASE".
func showCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return &cobra.Command{Use: "show CASE", Short: p.T("measure.cli.show"), Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		var v View
		if err := hub.Do(c.Context(), "GET", at1(args[0]), nil, &v, ""); err != nil {
			return err
		}
		return env.Emit(v, v.print)
	}}
}

// print is a case for people: each chain of command with what it lacks, what may be
// done next, and what was done.
func (v View) print(w io.Writer, p text.Printer) error {
	fmt.Fprintln(w, v.Case.Number, v.Case.Threat.Title)
	fmt.Fprintln(w, p.T("measure.cli.machine", "machine", v.Case.Threat.Machine, "protected", v.Case.Threat.Protected))
	if v.Same > 0 {
		fmt.Fprintln(w, p.T("measure.cli.same", "n", v.Same))
	}
	for _, c := range v.Chains {
		fmt.Fprintln(w)
		fmt.Fprintln(w, v.Names[c.Org], p.T("measure.body."+string(c.Facts.Body)), p.T("measure.state."+string(c.State)))
		if c.Late {
			fmt.Fprintln(w, p.T("measure.cli.late"))
		}
		if c.Facts.Notice != "" {
			fmt.Fprintln(w, p.T("measure.notice."+string(c.Facts.Notice)))
		}
		if !c.Until.IsZero() {
			fmt.Fprintln(w, p.T("measure.cli.hours", "from", c.From, "until", c.Until))
		}
		if b := c.Bounds; b != nil {
			fmt.Fprintln(w, p.T("measure.cli.bound", "number", b.Number, "until", b.Until, "conditions", cmp.Or(strings.Join(b.Conditions, " / "), p.T("measure.web.no_conditions"))))
		}
		if !c.Ends.IsZero() {
			fmt.Fprintln(w, p.T("measure.cli.ends", "at", c.Ends))
		}
		if c.Chain.Worksheet != "" {
			fmt.Fprintln(w, p.T("measure.cli.sheet", "digest", c.Chain.Worksheet))
		}
		if len(c.Altered) > 0 {
			fmt.Fprintln(w, p.T("measure.altered"))
		}
		if c.Planned != nil {
			for i, s := range c.Planned.Steps {
				fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %d. %s  %s  %s", i+1, p.T("measure.kind."+string(s.Kind)), s.On, s.What), " "))
			}
		}
		for _, id := range slices.Sorted(maps.Keys(c.Missing)) {
			fmt.Fprintln(w, "  "+p.T("measure.cli.missing", "guard", p.T("measure.guard."+strings.ToLower(id)), "article", c.Missing[id]))
		}
		if c.PastNext != "" {
			fmt.Fprintln(w, "  "+p.T("measure.cli.earlier", "id", c.ID))
		}
		for _, h := range c.Past {
			fmt.Fprintln(w, "  "+p.Time(h.At), p.T("measure.act."+h.Act), p.T("measure.side."+string(h.By)))
		}
		if c.Waits != "" {
			fmt.Fprintln(w, p.T("measure.cli.waits", "act", p.T("measure.act."+c.Waits)))
		}
		if len(c.Acts) > 0 {
			fmt.Fprintln(w, p.T("measure.cli.next", "acts", strings.Join(c.Acts, ", ")))
		}
	}
	for _, o := range v.Others {
		fmt.Fprintln(w)
		fmt.Fprintln(w, p.T("measure.cli.other"), v.Names[o.Org], p.T("measure.body."+string(o.Body)), p.T("measure.state."+string(o.State)))
	}
	return nil
}
