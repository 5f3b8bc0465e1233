package measure

import (
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/text"
)

// paged reads a page of a list of a chain of command, as its flags say.
func paged[T any](env *cli.Env, p text.Printer, use, short, path string, line func(p text.Printer, x *T) string) *cobra.Command {
	var cursor string
	var limit int
	c := &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		var got struct {
			Items []T    `json:"items"`
			Next  string `json:"next,omitempty"`
		}
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		q := url.Values{"limit": {strconv.Itoa(limit)}}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		if err := hub.Do(c.Context(), "GET", at1(args[0])+path+"?"+q.Encode(), nil, &got, ""); err != nil {
			return err
		}
		return env.Emit(got, func(w io.Writer, p text.Printer) error {
			for i := range got.Items {
				fmt.Fprintln(w, line(p, &got.Items[i]))
			}
			if got.Next != "" {
				fmt.Fprintln(w, p.T("measure.cli.more", "cursor", got.Next))
			}
			return nil
		})
	}}
	c.Flags().StringVar(&cursor, "cursor", "", p.T("measure.cli.cursor"))
	c.Flags().IntVar(&limit, "limit", 50, p.T("measure.cli.limit"))
	return c
}

// actsCommand is "noroshi measure acts CHAIN".
func actsCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return paged(env, p, "acts CHAIN", p.T("measure.cli.acts"), "/acts", func(p text.Printer, h *Past) string {
		return strings.Join([]string{p.Time(h.At), p.T("measure.act." + h.Act), p.T("measure.side." + string(h.By)), p.T("measure.state." + string(h.To))}, "  ")
	})
}

// stepsCommand is "noroshi measure steps CHAIN".
func stepsCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return paged(env, p, "steps CHAIN", p.T("measure.cli.steps"), "/steps", func(p text.Printer, d *Done) string {
		how := p.T("measure.web.under_way")
		if d.Outcome != "" {
			how = p.T("measure.outcome." + string(d.Outcome))
		}
		return strings.TrimRight(strings.Join([]string{p.Time(d.IntendedAt), strconv.Itoa(d.Number), how, d.Intent, d.Says}, "  "), " ")
	})
}

// switchCommand is "noroshi measure switch [UNIT]": what one's own side says of
// further emergencies.
func switchCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var again bool
	c := &cobra.Command{Use: "switch [UNIT]", Short: p.T("measure.cli.switch"), Long: p.T("measure.cli.switch_long"), Args: cobra.MaximumNArgs(1), RunE: func(c *cobra.Command, args []string) error {
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		in := SwitchInput{Shut: !again}
		if len(args) > 0 {
			in.Org = args[0]
		}
		if err := hub.Do(c.Context(), "POST", "/api/v1/measure-switches", in, nil, ""); err != nil {
			return err
		}
		return env.Emit(in, func(w io.Writer, p text.Printer) error {
			_, err := fmt.Fprintln(w, p.T("measure.cli.said"))
			return err
		})
	}}
	c.Flags().BoolVar(&again, "open", false, p.T("measure.cli.open_again"))
	return c
}

func listCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var state string
	var late bool
	c := &cobra.Command{Use: "list", Short: p.T("measure.cli.list"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		q := url.Values{"limit": {"100"}, "late": {strconv.FormatBool(late)}}
		if state != "" {
			q.Set("state", state)
		}
		var got struct {
			Items []Listed `json:"items"`
			Next  string   `json:"next,omitempty"`
		}
		if err := hub.Do(c.Context(), "GET", "/api/v1/measures?"+q.Encode(), nil, &got, ""); err != nil {
			return err
		}
		return env.Emit(got, func(w io.Writer, p text.Printer) error {
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			for _, x := range got.Items {
				fmt.Fprintln(t, strings.Join([]string{x.Case.Number, p.T("measure.body." + string(x.Chain.Facts.Body)), p.T("measure.state." + string(x.Chain.State)), x.Case.Threat.Title}, "\t"))
			}
			return t.Flush()
		})
	}}
	c.Flags().StringVar(&state, "state", "", p.T("measure.cli.state"))
	c.Flags().BoolVar(&late, "late", false, p.T("measure.cli.only_late"))
	return c
}

// rulesCommand is "noroshi measure rules": what binds measures, and on what it
// rests; numbers of this project are said to be that.
func rulesCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return &cobra.Command{Use: "rules", Short: p.T("measure.cli.rules"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		var b RuleBook
		if err := hub.Do(c.Context(), "GET", "/api/v1/measure-rules", nil, &b, ""); err != nil {
			return err
		}
		return env.Emit(b, func(w io.Writer, p text.Printer) error {
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			for _, g := range b.Guards {
				fmt.Fprintln(t, strings.Join([]string{g.ID, g.Article, p.T("measure.guard." + strings.ToLower(g.ID))}, "\t"))
			}
			n := b.Numbers
			for _, x := range []struct {
				name string
				n    Number
			}{{"notice_minutes", n.NoticeMinutes}, {"emergency_hours", n.EmergencyHours}, {"emergency_steps", n.EmergencySteps}, {"review_days", n.ReviewDays}, {"window_hours", n.WindowHours}, {"order_days", n.OrderDays}, {"plan_steps", n.PlanSteps}} {
				fmt.Fprintln(t, strings.Join([]string{x.name, strconv.Itoa(x.n.Value), x.n.Source.In(p.Lang)}, "\t"))
			}
			return t.Flush()
		})
	}}
}
