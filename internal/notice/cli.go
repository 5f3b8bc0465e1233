package notice

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// maxFile bounds a draft in a file, in bytes.
const maxFile = 8 << 20

// Commands returns the command "notice" with its verbs.
func Commands(env *cli.Env) *cobra.Command {
	p := env.Printer()
	c := &cobra.Command{Use: "notice", Short: p.T("notice.cli"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(checkCommand(env, p), draftCommand(env, p), sendCommand(env, p), listCommand(env, p), boardCommand(env, p), inboxCommand(env, p), showCommand(env, p), answerCommand(env, p), closedCommand(env, p))
	return c
}

// readDraft reads a file as the API takes it, strictly: an unknown key may be
// a word that somebody meant to send.
func readDraft(name string) (in NewNotice, err error) {
	return in, cli.ReadJSON(name, maxFile, &in)
}

// checkCommand is "noroshi notice check FILE": the tear line, plain words and
// what is missing of a draft in a file, without a hub. Exit 3 when it could not
// be sent.
func checkCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return &cobra.Command{
		Use: "check FILE", Short: p.T("notice.cli.check"), Long: p.T("notice.cli.check.long"), Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			in, err := readDraft(args[0])
			if err != nil {
				return err
			}
			rules, now := Rules(), env.Now()
			c, err := rules.Normal(in.Content, now)
			if err != nil {
				return err
			}
			// Who the recipients are the hub knows; here their number is enough.
			got := rules.Check(&c, nil, nil, max(1, len(in.Recipients)), now)
			if err := env.Emit(got, func(w io.Writer, p text.Printer) error { return writeChecked(w, p, got, c.AttackSeenAt) }); err != nil {
				return err
			}
			if n := len(got.Problems); n > 0 {
				return fault.New(fault.Unmet, ErrChecks.Code, "n", n)
			}
			return nil
		},
	}
}

func writeChecked(w io.Writer, p text.Printer, got Checked, attack time.Time) error {
	var b strings.Builder
	if got.Late > 0 {
		fmt.Fprintln(&b, p.T("notice.check.late", "at", p.Time(attack), "d", p.Duration(got.Late)))
	}
	for _, pl := range append(got.Problems[:len(got.Problems):len(got.Problems)], got.Remarks...) {
		fmt.Fprintf(&b, "%s: %s\n", placeName(p, pl.At), sayPlace(p, pl))
	}
	if len(got.Problems) == 0 {
		fmt.Fprintln(&b, p.T("notice.web.check.torn", "n", got.Values))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// draftCommand is "noroshi notice draft [FILE] [--vulnerability ID]".
func draftCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var vulnerability, item string
	var nobody bool
	c := &cobra.Command{
		Use: "draft [FILE]", Short: p.T("notice.cli.draft"), Long: p.T("notice.cli.draft.long"), Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var in NewNotice
			if len(args) > 0 {
				var err error
				if in, err = readDraft(args[0]); err != nil {
					return err
				}
			}
			if vulnerability != "" {
				in.Vulnerability = vulnerability
			}
			if item != "" {
				in.Item = item
			}
			if nobody {
				in.Nobody = true
			}
			if len(args) == 0 && in.Vulnerability == "" && in.Item == "" {
				return fault.New(fault.Usage, "notice.cli.empty")
			}
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			var n Drafted
			if err := hub.Do(c.Context(), "POST", "/api/v1/notices", in, &n, ""); err != nil {
				return inWords(env.Printer(), err)
			}
			for _, s := range n.Around.say(env.Printer()) {
				fmt.Fprintln(env.Err, s)
			}
			return env.Emit(n, func(w io.Writer, p text.Printer) error {
				_, err := fmt.Fprintln(w, p.T("notice.cli.drafted", "number", n.Number, "n", n.Recipients))
				return err
			})
		},
	}
	c.Flags().StringVar(&vulnerability, "vulnerability", "", p.T("notice.cli.vulnerability"))
	c.Flags().StringVar(&item, "item", "", p.T("notice.cli.item"))
	c.Flags().BoolVar(&nobody, "nobody", false, p.T("notice.cli.nobody"))
	env.HubFlags(c)
	return c
}

// sendCommand is "noroshi notice send ID": it shows what the check says, and
// sends only with --yes, the revision it has just shown.
func sendCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var yes, despite bool
	c := &cobra.Command{
		Use: "send ID", Short: p.T("notice.cli.send"), Long: p.T("notice.cli.send.long"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			at := "/api/v1/notices/" + url.PathEscape(args[0])
			var v Review
			if err := hub.Do(c.Context(), "GET", at+"/review", nil, &v, ""); err != nil {
				return err
			}
			for _, s := range v.Around.say(env.Printer()) {
				fmt.Fprintln(env.Err, s)
			}
			if !yes {
				if err := env.Emit(v, func(w io.Writer, p text.Printer) error {
					if err := writeChecked(w, p, v.Checked, v.Notice.Content.AttackSeenAt); err != nil {
						return err
					}
					_, err := fmt.Fprintln(w, p.T("notice.web.check.bar", "n", v.Recipients))
					return err
				}); err != nil {
					return err
				}
				if n := len(v.Checked.Problems); n > 0 {
					return fault.New(fault.Unmet, ErrChecks.Code, "n", n)
				}
				if n := len(v.Checked.Remarks); n > 0 && !despite {
					env.Say("notice.cli.yes.despite", "n", n)
				} else {
					env.Say("notice.cli.yes")
				}
				return nil
			}
			if v.Checked.Late > 0 { // beside the data: a script reads those
				env.Say("notice.check.late", "at", env.Printer().Time(v.Notice.Content.AttackSeenAt), "d", env.Printer().Duration(v.Checked.Late))
			}
			if n := len(v.Checked.Remarks); n > 0 && !despite && len(v.Checked.Problems) == 0 {
				return inWords(env.Printer(), fault.New(fault.Unmet, "notice.cli.despite", "n", n).At(v.Checked.Remarks...))
			}
			var d Dispatched
			if err := hub.Do(c.Context(), "POST", at+"/sending", SendInput{v.Notice.Revision, despite}, &d, fmt.Sprintf("%s-%d", v.Notice.ID, v.Notice.Revision)); err != nil {
				return inWords(env.Printer(), err)
			}
			return env.Emit(d, func(w io.Writer, p text.Printer) error {
				_, err := fmt.Fprintln(w, p.T("notice.cli.sent", "number", d.Number, "n", d.Recipients))
				return err
			})
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, p.T("notice.cli.flag.yes"))
	c.Flags().BoolVar(&despite, "despite", false, p.T("notice.cli.flag.despite"))
	env.HubFlags(c)
	return c
}

// boardCommand is "noroshi notice board ID [--csv]".
func boardCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var asCSV bool
	c := &cobra.Command{
		Use: "board ID", Short: p.T("notice.cli.board"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			at := "/api/v1/notices/" + url.PathEscape(args[0]) + "/board"
			if asCSV {
				var raw []byte
				if err := hub.Do(c.Context(), "GET", at+".csv", nil, &raw, ""); err != nil {
					return err
				}
				_, err := env.Out.Write(raw)
				return err
			}
			var b Board
			if err := hub.Do(c.Context(), "GET", at+"?limit=500", nil, &b, ""); err != nil {
				return err
			}
			return env.Emit(b, func(w io.Writer, p text.Printer) error { return writeBoard(w, p, &b) })
		},
	}
	c.Flags().BoolVar(&asCSV, "csv", false, p.T("notice.cli.csv"))
	env.HubFlags(c)
	return c
}

func writeBoard(w io.Writer, p text.Printer, b *Board) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, b.Notice.Number+"\t"+said(b.Notice.Content.Title, p.Lang))
	if b.Late > 0 {
		fmt.Fprintln(t, p.T("notice.web.late", "d", p.Duration(b.Late)))
	}
	for _, s := range Rules().States {
		if n := b.Counts[s.ID]; n > 0 {
			fmt.Fprintf(t, "%s\t%d\n", p.T("notice.web.state."+string(s.ID)), n)
		}
	}
	for _, step := range timeSteps {
		if s := b.Times[step]; s.N > 0 {
			fmt.Fprintln(t, p.T("notice.web.time.say", "step", p.T("notice.web.time."+step), "median", p.Duration(s.Median), "n", s.N))
		}
	}
	if len(b.Rows) > 0 {
		fmt.Fprintln(t)
		fmt.Fprintln(t, p.T("notice.web.col.who")+"\t"+p.T("notice.web.col.state")+"\t"+p.T("notice.web.date"))
	}
	for _, r := range b.Rows {
		fmt.Fprintln(t, r.Name+"\t"+p.T("notice.web.state."+string(r.State))+"\t"+r.PlannedFor)
	}
	return t.Flush()
}
