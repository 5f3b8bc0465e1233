package desk

import (
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/text"
)

type openFlags struct {
	ground, why, give, salt, withhold string
	look                              bool
}

// openCommand is "noroshi oversight open": to ask for the sealed part of an entry,
// to give it, to say why not, and to read what was given.
func openCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var f openFlags
	c := &cobra.Command{Use: "open [ENTRY|OPENING]", Short: p.T("desk.cli.open"), Long: p.T("desk.cli.open_long"), Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			do := func(path string, in, out any) error {
				return hub.Do(c.Context(), "POST", "/api/v1/oversight/openings"+path, in, out, "")
			}
			if len(args) == 0 {
				var list struct{ Items []Opening }
				if err := hub.Do(c.Context(), "GET", "/api/v1/oversight/openings", nil, &list, ""); err != nil {
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
			at := "/" + url.PathEscape(args[0])
			var out Opening
			switch {
			case f.one() > 1:
				return ErrOne
			case f.look:
				var got Content
				if err := do(at+"/look", struct{}{}, &got); err != nil {
					return err
				}
				return env.Emit(got, func(w io.Writer, p text.Printer) error {
					_, err := fmt.Fprintf(w, "%s\n%s\n", p.T("desk.opening.matches"), plain(got.Content))
					return err
				})
			case f.give != "":
				raw, err := cli.ReadFile(f.give, maxSecret)
				if err != nil {
					return err
				}
				err = do(at+"/open", Giving{Content: string(raw), Salt: f.salt}, &out)
				if err != nil {
					return err
				}
			case f.withhold != "":
				if err := do(at+"/withhold", TextInput{f.withhold}, &out); err != nil {
					return err
				}
			default:
				if err := do("", Asking{Entry: args[0], Ground: Ground(f.ground), Text: f.why}, &out); err != nil {
					return err
				}
			}
			return env.Emit(out, func(w io.Writer, p text.Printer) error { return out.print(w, p) })
		}}
	c.Flags().StringVar(&f.ground, "ground", "", p.T("desk.cli.ground"))
	c.Flags().StringVar(&f.why, "why", "", p.T("desk.cli.open_why"))
	c.Flags().StringVar(&f.give, "give", "", p.T("desk.cli.give"))
	c.Flags().StringVar(&f.salt, "salt", "", p.T("desk.cli.salt"))
	c.Flags().StringVar(&f.withhold, "withhold", "", p.T("desk.cli.withhold"))
	c.Flags().BoolVar(&f.look, "look", false, p.T("desk.cli.look"))
	return c
}

// one counts which of the acts were asked for.
func (f *openFlags) one() (n int) {
	for _, yes := range []bool{f.look, f.give != "", f.withhold != "", f.why != "" || f.ground != ""} {
		if yes {
			n++
		}
	}
	return n
}

func (o *Opening) print(w io.Writer, p text.Printer) error {
	_, err := fmt.Fprintf(w, "%s  %s  %s  %s\n", o.Number, p.T("desk.opened."+string(o.State)), plain(say{p}.verb(o.Verb)), p.Time(o.DueAt))
	return err
}
