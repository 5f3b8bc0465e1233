package desk

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"noroshi/internal/approval"
	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/tlog"
	"noroshi/internal/oversight"
)

// Faults of the commands.
var (
	ErrOther  = fault.New(fault.Unmet, "desk.other_sample")
	ErrNoPlan = fault.New(fault.NotFound, "desk.no_plan")
	ErrDraw   = fault.New(fault.Usage, "desk.bad_draw")
	ErrOne    = fault.New(fault.Usage, "desk.one_of")
)

// plain is a text that a terminal takes no orders from.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

type sampleFlags struct{ key, plan, draw, why, since string }

// sampleCommand is "noroshi oversight sample": plans and samples of a hub, or one
// drawn again from a ledger's files.
func sampleCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var f sampleFlags
	c := &cobra.Command{Use: "sample [DIR]", Short: p.T("desk.cli.sample"), Long: p.T("desk.cli.sample_long", "kinds", strings.Join(Strata, ", ")), Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				return redraw(c.Context(), env, args[0], f)
			}
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			var out Plan
			switch {
			case f.draw != "":
				in := Planning{Why: f.why}
				if in.Strata, err = parseDraw(f.draw); err != nil {
					return err
				}
				if f.since != "" {
					if in.Since, err = time.Parse(time.RFC3339, f.since); err != nil {
						return fault.New(fault.Usage, ErrDraw.Code, "part", f.since)
					}
				}
				err = hub.Do(c.Context(), "POST", "/api/v1/oversight/samples", in, &out, "")
			case f.plan != "":
				err = hub.Do(c.Context(), "GET", "/api/v1/oversight/samples/"+url.PathEscape(f.plan), nil, &out, "")
			default:
				var list struct{ Items []Plan }
				if err := hub.Do(c.Context(), "GET", "/api/v1/oversight/samples", nil, &list, ""); err != nil {
					return err
				}
				return env.Emit(list.Items, func(w io.Writer, p text.Printer) error {
					for i := range list.Items {
						if err := list.Items[i].print(w, p); err != nil {
							return err
						}
					}
					return nil
				})
			}
			if err != nil {
				return err
			}
			return env.Emit(out, func(w io.Writer, p text.Printer) error { return out.print(w, p) })
		}}
	c.Flags().StringVar(&f.key, "key", "", p.T("oversight.cli.key"))
	c.Flags().StringVar(&f.plan, "plan", "", p.T("desk.cli.plan"))
	c.Flags().StringVar(&f.draw, "draw", "", p.T("desk.cli.draw"))
	c.Flags().StringVar(&f.why, "why", "", p.T("desk.cli.why"))
	c.Flags().StringVar(&f.since, "since", "", p.T("desk.cli.since"))
	return c
}

// parseDraw reads strata such as run=10,use=20.
func parseDraw(s string) (out []Stratum, err error) {
	for _, part := range strings.Split(s, ",") {
		kind, size, _ := strings.Cut(strings.TrimSpace(part), "=")
		n, err := strconv.Atoi(size)
		if err != nil || n < 1 || !slices.Contains(Strata, kind) {
			return nil, fault.New(fault.Usage, ErrDraw.Code, "part", part)
		}
		out = append(out, Stratum{kind, n})
	}
	return out, nil
}

func (x *Plan) print(w io.Writer, p text.Printer) error {
	word, _ := say{p}.sampleState(x, len(x.Picks), 0)
	if !x.DrawnAt.IsZero() {
		word = p.T("desk.sample.drawn") + " " + p.Time(x.DrawnAt)
	}
	fmt.Fprintf(w, "%s  %s  %s\n", x.Number, p.Time(x.CreatedAt), word)
	for _, st := range x.Strata {
		fmt.Fprintln(w, "  "+p.T("desk.cli.stratum", "kind", p.T("desk.stratum."+st.Kind), "population", int64(st.Population), "size", st.Size, "checked", st.Checked, "findings", st.Findings))
	}
	for _, k := range x.Picks {
		fmt.Fprintf(w, "  %d %s %s %s\n", k.Place, k.Kind, k.Result, plain(k.Note))
	}
	if x.Seed != "" {
		fmt.Fprintln(w, "  "+p.T("desk.sample.seed")+" "+x.Seed)
	}
	return nil
}

// Redrawn is a sample that was drawn again from a ledger's files.
type Redrawn struct {
	Plan   string   `json:"plan"` // id
	Number string   `json:"number"`
	Place  uint64   `json:"place"` // of the plan's entry
	Root   string   `json:"root"`  // of the log that ends with it
	Seed   string   `json:"seed"`
	Strata []Drawn  `json:"strata"`
	Sample []uint64 `json:"sample"`
	Same   bool     `json:"same"` // the ledger says the same seed and sample
}

// redraw reads a ledger's files and draws what a plan in it asks for.
func redraw(ctx context.Context, env *cli.Env, dir string, f sampleFlags) error {
	fsys, _, err := oversight.OpenLog(dir)
	if err != nil {
		return err
	}
	keys, err := oversight.ReadKeys(f.key)
	if err != nil {
		return err
	}
	kinds, err := approval.LoadRules("")
	if err != nil {
		return err
	}
	look := newInspection(fsys, keys, kinds)
	if err := look.whole(ctx, time.Time{}); err != nil {
		return err
	}
	if got, _ := look.now(); len(got.result.Gaps)+len(got.result.Alarms) > 0 { // of a log that was changed nothing can be drawn
		if err := got.result.Print(env.Err, env.Printer()); err != nil {
			return err
		}
		return got.result.Fault()
	}
	for _, x := range look.watch.plans {
		if x.ID == f.plan || x.Number == strings.ToUpper(f.plan) {
			return look.emit(env, x)
		}
	}
	return ErrNoPlan
}

// emit says what one plan draws, and whether the ledger says the same.
func (i *inspection) emit(env *cli.Env, x *planFact) error {
	r, err := tlog.NewReader(i.fsys, i.have.Size)
	if err != nil {
		return err
	}
	root, err := r.Root(x.Place + 1)
	if err != nil {
		return err
	}
	out := Redrawn{Plan: x.ID, Number: x.Number, Place: x.Place, Root: root.String(), Sample: []uint64{}}
	var list []Pick
	out.Seed, out.Strata, list = x.sample(i.watch, out.Root)
	for _, k := range list {
		out.Sample = append(out.Sample, k.Place)
	}
	out.Same = x.Drawn && out.Seed == x.Seed && slices.Equal(out.Sample, x.Sample)
	if err := env.Emit(out, func(w io.Writer, p text.Printer) error {
		for _, st := range out.Strata {
			fmt.Fprintln(w, p.T("desk.cli.redrawn", "kind", p.T("desk.stratum."+st.Kind), "population", int64(st.Population), "size", int64(min(uint64(st.Size), st.Population))))
		}
		fmt.Fprintln(w, p.T("desk.sample.seed")+" "+out.Seed)
		_, err := fmt.Fprintln(w, places(out.Sample))
		return err
	}); err != nil {
		return err
	}
	if !out.Same {
		return ErrOther
	}
	env.Say("desk.cli.same")
	return nil
}
