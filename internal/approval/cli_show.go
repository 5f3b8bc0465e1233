package approval

import (
	_ "embed"
	"fmt"
	"io"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
)

// The application that ask --template shows, with a sentence for every field.
var (
	//go:embed data/ask.ja.toml
	templateJA string
	//go:embed data/ask.en.toml
	templateEN string
)

func templateOf(l text.Lang) string {
	if l == text.EN {
		return templateEN
	}
	return templateJA
}

func showCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var uses bool
	var order string
	c := &cobra.Command{Use: "show CASE", Short: p.T("approval.cli.show"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			id := args[0]
			switch {
			case order != "":
				return saveOrder(c, hub, id, order)
			case uses:
				return usesText(c, env, hub, id)
			}
			return showText(c, env, hub, id)
		}}
	c.Flags().BoolVar(&uses, "uses", false, p.T("approval.cli.uses"))
	c.Flags().StringVar(&order, "order", "", p.T("approval.cli.order"))
	return c
}

func showText(c *cobra.Command, env *cli.Env, hub *fetch.Hub, id ID) error {
	var v View
	if err := hub.Do(c.Context(), "GET", "/api/v1/approvals/"+url.PathEscape(id), nil, &v, ""); err != nil {
		return err
	}
	return env.Emit(v, func(w io.Writer, printer text.Printer) error {
		p := say{printer}
		fmt.Fprintln(w, v.Case.Number, p.kind(v.Case.Asked.Kind), p.state(v.Case.State))
		fmt.Fprintln(w, p.T("approval.web.asked_by", "org", v.Names[v.Case.Org]))
		for _, f := range append(p.core(&v.Case, v.Names), p.grounds(&v.Case)...) {
			fmt.Fprintln(w, p.T("approval.cli.fact", "name", f.Name, "value", strings.ReplaceAll(f.Value, "\n", " / ")))
		}
		if h := v.Case.Asked.Selectors.Hash; h != "" {
			fmt.Fprintln(w, p.T("approval.cli.fact", "name", p.T("approval.web.selector_hash"), "value", h))
		}
		for _, m := range v.Messages {
			fmt.Fprintf(w, "%s %s %s: %s\n", p.Time(m.At), v.Names[m.From], p.T("approval.talk."+string(m.Kind)), m.Text)
		}
		if v.Opinion != nil {
			fmt.Fprintf(w, "%s: %s\n", p.T("approval.web.opinion"), v.Opinion.Text)
		}
		for _, x := range v.Votes {
			fmt.Fprintln(w, strings.TrimSpace(x.Person+" "+p.T("approval.choice."+string(x.Choice))+" "+x.Opinion+" "+strings.Join(x.Conditions, " / ")))
		}
		if v.Tally != nil && v.Case.State != Asked {
			fmt.Fprintln(w, p.tally(v.Tally))
		}
		if v.Case.Reason != "" {
			fmt.Fprintf(w, "%s: %s\n", p.T("approval.web.reason"), v.Case.Reason)
		}
		return nil
	})
}

func usesText(c *cobra.Command, env *cli.Env, hub *fetch.Hub, id ID) error {
	var v UsesView
	if err := hub.Do(c.Context(), "GET", "/api/v1/approvals/"+url.PathEscape(id)+"/uses", nil, &v, ""); err != nil {
		return err
	}
	return env.Emit(v, func(w io.Writer, printer text.Printer) error {
		p := say{printer}
		fmt.Fprintln(w, v.Case.Number, p.state(v.Case.State), p.T("approval.web.taken_of", "taken", p.quantity(v.Case.Spent), "cap", p.quantity(v.Case.Cap)))
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, u := range v.Uses {
			end := p.T("approval.web.going")
			if !u.EndedAt.IsZero() {
				end = p.Time(u.EndedAt)
			}
			fmt.Fprintln(t, strings.Join([]string{p.Time(u.At), end, p.quantity(u.Taken), p.outcome(u.Outcome)}, "\t"))
		}
		for _, r := range v.Refusals {
			fmt.Fprintln(t, strings.Join([]string{p.Time(r.At), p.T("approval.web.refused"), p.refusal(r.Reason), ""}, "\t"))
		}
		return t.Flush()
	})
}
