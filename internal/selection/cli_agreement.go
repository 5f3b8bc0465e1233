package selection

import (
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/text"
)

// agreementCommand is "noroshi agreement list|show|accept|refuse|end".
func agreementCommand(env *cli.Env, p text.Printer) *cobra.Command {
	c := &cobra.Command{Use: "agreement", Short: p.T("selection.agreement.cli.short"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	subs := []*cobra.Command{agreementsCommand(env, p), agreementShowCommand(env, p)}
	for _, step := range []string{"accept", "refuse", "end"} {
		subs = append(subs, agreementStepCommand(env, p, step))
	}
	for _, sub := range subs {
		env.HubFlags(sub)
		c.AddCommand(sub)
	}
	return c
}

func agreementsCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var ended bool
	c := &cobra.Command{Use: "list", Short: p.T("selection.agreement.cli.list"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		var list httpd.Page[Agreement]
		if err := hub.Do(c.Context(), "GET", fmt.Sprintf("/api/v1/agreements?limit=500&ended=%t", ended), nil, &list, ""); err != nil {
			return err
		}
		return env.Emit(list.Items, func(w io.Writer, p text.Printer) error {
			t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
			for _, a := range list.Items {
				fmt.Fprintf(t, "%s\t%s\t%s\n", a.ID, p.T("selection.agreement.state."+string(a.State)), a.Terms.Title)
			}
			return t.Flush()
		})
	}}
	c.Flags().BoolVar(&ended, "ended", false, p.T("selection.agreement.web.ended_too"))
	return c
}

func agreementShowCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return &cobra.Command{Use: "show ID", Short: p.T("selection.agreement.cli.show"), Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		var v AgreementView
		if err := hub.Do(c.Context(), "GET", "/api/v1/agreements/"+url.PathEscape(args[0]), nil, &v, ""); err != nil {
			return err
		}
		return env.Emit(v, func(w io.Writer, p text.Printer) error {
			a := v.Agreement
			fmt.Fprintln(w, a.Terms.Title+"  "+p.T("selection.agreement.state."+string(a.State))+"  "+p.T("selection.list.web.version", "n", a.Version))
			if v.Side == PartySide && a.WaitsFor() == PartySide {
				fmt.Fprintln(w, p.T("selection.agreement.web.free"))
			}
			fmt.Fprintln(w, p.T("selection.agreement.term.gives")+": "+a.Terms.Gives)
			_, err := fmt.Fprintln(w, p.T("selection.agreement.term.returns")+": "+a.Terms.Returns)
			return err
		})
	}}
}

// agreementStepCommand is one step about the version that was read. To accept it has
// to be named, so that nobody accepts words they have not seen; to refuse and to end
// takes no more than saying so.
func agreementStepCommand(env *cli.Env, p text.Printer, step string) *cobra.Command {
	var in AnswerInput
	use := step + " ID"
	if step == "accept" {
		use += " --version N"
	}
	c := &cobra.Command{Use: use, Short: p.T("selection.agreement.act_h." + step), Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		if in.Version < 1 {
			var v AgreementView
			if err := hub.Do(c.Context(), "GET", "/api/v1/agreements/"+url.PathEscape(args[0]), nil, &v, ""); err != nil {
				return err
			}
			if in.Version = v.Agreement.Version; step == "accept" {
				return fault.New(fault.Usage, "selection.agreement.cli.which", "version", in.Version)
			}
		}
		var a Agreement
		if err := hub.Do(c.Context(), "POST", "/api/v1/agreements/"+url.PathEscape(args[0])+"/"+step, in, &a, ""); err != nil {
			return err
		}
		return env.Emit(a, func(w io.Writer, p text.Printer) error {
			_, err := fmt.Fprintln(w, p.T("selection.agreement.state."+string(a.State)))
			return err
		})
	}}
	c.Flags().IntVar(&in.Version, "version", 0, p.T("selection.agreement.cli.version"))
	if step != "accept" {
		c.Flags().StringVar(&in.Note, "note", "", p.T("selection.agreement.web.note"))
	}
	return c
}
