package desk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"noroshi/internal/approval"
	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/folder"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/tlog"
	"noroshi/internal/oversight"
)

// Faults of the commands.
var (
	ErrOther   = fault.New(fault.Unmet, "desk.other_sample")
	ErrNoPlan  = fault.New(fault.NotFound, "desk.no_plan")
	ErrDraw    = fault.New(fault.Usage, "desk.bad_draw")
	ErrOne     = fault.New(fault.Usage, "desk.one_of")
	ErrSecret  = fault.New(fault.Usage, "desk.no_secret") // a plan promises a nonce
	ErrCopy    = fault.New(fault.Usage, "desk.no_copy")   // a nonce is revealed once an own copy has the plan
	ErrUndrawn = fault.New(fault.Unmet, "desk.undrawn")   // the ledger says no sample yet
	ErrHidden  = fault.New(fault.Unmet, "desk.hidden")    // the nonce was not revealed

	ErrSecretFile = fault.New(fault.Usage, "desk.bad_secret")
	ErrOtherNonce = fault.New(fault.Refused, "desk.other_nonce")
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

type sampleFlags struct{ key, plan, draw, why, since, secret string }

// sampleCommand is "noroshi oversight sample": plans and samples of a hub, or one
// drawn again from a ledger's files.
func sampleCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var f sampleFlags
	c := &cobra.Command{Use: "sample [DIR]", Short: p.T("desk.cli.sample"), Long: p.T("desk.cli.sample_long", "kinds", strings.Join(Strata, ", ")), Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) == 1:
				return redraw(c.Context(), env, args[0], f)
			case f.draw != "":
				return planned(c.Context(), env, f)
			case f.plan != "" && f.secret != "": // nothing is revealed unless an own copy has the plan
				return ErrCopy
			case f.secret != "":
				return promise(env, f.secret)
			}
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			var list struct{ Items []Plan }
			if f.plan != "" {
				list.Items = make([]Plan, 1)
				err = hub.Do(c.Context(), "GET", "/api/v1/oversight/samples/"+url.PathEscape(f.plan), nil, &list.Items[0], "")
			} else {
				err = hub.Do(c.Context(), "GET", "/api/v1/oversight/samples", nil, &list, "")
			}
			if err != nil {
				return err
			}
			var out any = list.Items
			if f.plan != "" {
				out = list.Items[0]
			}
			return env.Emit(out, func(w io.Writer, p text.Printer) error {
				for i := range list.Items {
					if err := list.Items[i].print(w, p); err != nil {
						return err
					}
				}
				return nil
			})
		}}
	c.Flags().StringVar(&f.key, "key", "", p.T("oversight.cli.key"))
	c.Flags().StringVar(&f.plan, "plan", "", p.T("desk.cli.plan"))
	c.Flags().StringVar(&f.draw, "draw", "", p.T("desk.cli.draw"))
	c.Flags().StringVar(&f.why, "why", "", p.T("desk.cli.why"))
	c.Flags().StringVar(&f.since, "since", "", p.T("desk.cli.since"))
	c.Flags().StringVar(&f.secret, "secret", "", p.T("desk.cli.secret"))
	return c
}

// planned writes a plan into the hub's ledger, with the promise of a nonce that is
// made here and stays here.
func planned(ctx context.Context, env *cli.Env, f sampleFlags) (err error) {
	in := Planning{Why: f.why}
	if in.Strata, err = parseDraw(f.draw); err != nil {
		return err
	}
	if f.since != "" {
		if in.Since, err = time.Parse(time.RFC3339, f.since); err != nil {
			return fault.New(fault.Usage, ErrDraw.Code, "part", f.since)
		}
	}
	if f.secret == "" {
		return ErrSecret
	}
	nonce, err := secretIn(f.secret)
	if err != nil {
		return err
	}
	hub, err := env.Hub()
	if err != nil {
		return err
	}
	var out Plan
	in.Commitment = oversight.Commitment(nonce)
	if err := hub.Do(ctx, "POST", "/api/v1/oversight/samples", in, &out, ""); err != nil {
		return err
	}
	return env.Emit(out, func(w io.Writer, p text.Printer) error {
		if err := out.print(w, p); err != nil {
			return err
		}
		_, err := fmt.Fprintln(w, p.T("desk.cli.next", "plan", out.Number, "file", f.secret))
		return err
	})
}

// promise makes a nonce in a file, or reads it, and says its commitment.
func promise(env *cli.Env, file string) error {
	nonce, err := secretIn(file)
	if err != nil {
		return err
	}
	out := struct {
		Commitment string `json:"commitment"`
	}{oversight.Commitment(nonce)}
	return env.Emit(out, func(w io.Writer, _ text.Printer) error {
		_, err := fmt.Fprintln(w, out.Commitment)
		return err
	})
}

// secretIn returns the nonce that a file holds, and makes both where there is none.
func secretIn(file string) (string, error) {
	bad := func(why error) error {
		return fault.New(fault.Usage, ErrSecretFile.Code, "file", file).Because(why)
	}
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		nonce := NewNonce()
		w := folder.Writer{Dir: filepath.Dir(file), Mode: 0o600}
		if err := w.Replace(filepath.Base(file), []byte(nonce+"\n")); err != nil {
			return "", bad(err)
		}
		return nonce, nil
	}
	nonce := strings.TrimSpace(string(raw))
	if err != nil || !hex64(nonce) {
		return "", bad(err)
	}
	return nonce, nil
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

// print writes a plan for a terminal, with what was found of its sample.
func (x *Plan) print(w io.Writer, p text.Printer) error {
	left, findings := x.tell()
	word, _ := say{p}.sampleState(x, left, findings)
	fmt.Fprintf(w, "%s  %s  %s\n", x.Number, p.Time(x.CreatedAt), word)
	for _, st := range x.Strata {
		kind := p.T("desk.stratum." + st.Kind)
		if x.DrawnAt.IsZero() {
			fmt.Fprintln(w, "  "+p.T("desk.cli.wanted", "kind", kind, "size", st.Size))
			continue
		}
		fmt.Fprintln(w, "  "+p.T("desk.cli.stratum", "kind", kind, "population", int64(st.Population), "size", int64(min(uint64(st.Size), st.Population)), "checked", st.Checked, "findings", st.Findings))
	}
	for _, k := range x.Picks {
		result := p.T("desk.sample.open")
		if k.Result != "" {
			result = p.T("desk.sample." + k.Result)
		}
		line := p.T("desk.cli.pick", "place", fmt.Sprint(k.Place), "kind", p.T("desk.stratum."+k.Kind), "result", result)
		if k.Note != "" {
			line += "　" + plain(k.Note)
		}
		fmt.Fprintln(w, "  "+line)
	}
	if !x.DrawnAt.IsZero() {
		fmt.Fprintln(w, "  "+p.T("desk.sample.drawn")+"　"+p.Time(x.DrawnAt))
		fmt.Fprintln(w, "  "+p.T("desk.sample.seed")+"　"+x.Seed)
	}
	return nil
}

// tell counts what is left to look at, and findings.
func (x *Plan) tell() (left, findings int) {
	for _, k := range x.Picks {
		switch k.Result {
		case "":
			left++
		case Finding:
			findings++
		}
	}
	return left, findings
}

// Redrawn is a sample that was drawn again from a ledger's files.
type Redrawn struct {
	Plan   string   `json:"plan"` // id
	Number string   `json:"number"`
	Place  uint64   `json:"place"` // of the plan's entry
	Root   string   `json:"root"`  // of the log that ends with it
	Nonce  string   `json:"nonce"`
	Kept   bool     `json:"kept"` // the nonce is the one that the plan promised
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
		switch {
		case x.ID != f.plan && x.Number != strings.ToUpper(f.plan):
		case x.Nonce != "":
			return look.compare(env, x)
		case f.secret == "":
			return ErrHidden
		default:
			return look.reveal(ctx, env, x, f.secret)
		}
	}
	return ErrNoPlan
}

// reveal draws the sample of a plan that an own copy of the log has, and then tells
// the hub the nonce: it can change neither the plan nor what was before it, and
// whether it takes the nonce or not, the sample is known here.
func (i *inspection) reveal(ctx context.Context, env *cli.Env, x *planFact, file string) error {
	nonce, err := secretIn(file)
	if err != nil {
		return err
	}
	if oversight.Commitment(nonce) != x.Commitment {
		return fault.New(fault.Refused, ErrOtherNonce.Code, "file", file, "plan", x.Number)
	}
	mine := *x
	mine.Nonce = nonce
	if _, err := i.emit(env, &mine); err != nil {
		return err
	}
	hub, err := env.Hub()
	if err != nil {
		return err
	}
	if err := hub.Do(ctx, "POST", "/api/v1/oversight/samples/"+url.PathEscape(x.ID)+"/reveal", Revealing{Nonce: nonce}, nil, ""); err != nil {
		env.Say("desk.cli.not_taken", "plan", plain(x.Number), "file", file)
		return err
	}
	env.Say("desk.cli.revealed", "place", fmt.Sprint(x.Place), "plan", plain(x.Number))
	return nil
}

// compare says what one plan draws, and whether the ledger says the same.
func (i *inspection) compare(env *cli.Env, x *planFact) error {
	out, err := i.emit(env, x)
	switch {
	case err != nil:
		return err
	case !x.Drawn:
		return ErrUndrawn
	case !out.Same:
		return ErrOther
	}
	env.Say("desk.cli.same")
	return nil
}

// emit draws what one plan asks for, and says it.
func (i *inspection) emit(env *cli.Env, x *planFact) (out Redrawn, err error) {
	r, err := tlog.NewReader(i.fsys, i.have.Size)
	if err != nil {
		return out, err
	}
	root, err := r.Root(x.Place + 1)
	if err != nil {
		return out, err
	}
	out = Redrawn{Plan: x.ID, Number: x.Number, Place: x.Place, Root: root.String(), Nonce: x.Nonce, Kept: oversight.Commitment(x.Nonce) == x.Commitment, Sample: []uint64{}}
	var list []Pick
	out.Seed, out.Strata, list = x.sample(i.watch, out.Root)
	for _, k := range list {
		out.Sample = append(out.Sample, k.Place)
	}
	out.Same = x.Drawn && out.Kept && x.Root == out.Root && out.Seed == x.Seed && slices.Equal(out.Sample, x.Sample)
	return out, env.Emit(out, func(w io.Writer, p text.Printer) error {
		fmt.Fprintln(w, p.T("desk.cli.place", "place", fmt.Sprint(out.Place), "root", out.Root))
		for _, st := range out.Strata {
			fmt.Fprintln(w, p.T("desk.cli.redrawn", "kind", p.T("desk.stratum."+st.Kind), "population", int64(st.Population), "size", int64(min(uint64(st.Size), st.Population))))
		}
		fmt.Fprintln(w, p.T("desk.sample.seed")+"　"+out.Seed)
		_, err := fmt.Fprintln(w, p.T("desk.cli.sample_places", "places", places(out.Sample)))
		return err
	})
}
