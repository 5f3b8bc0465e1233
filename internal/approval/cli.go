package approval

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
)

// maxInput bounds a file of an application, in bytes.
const maxInput = 1 << 20

// Commands returns the command "approval" with its verbs. They use the hub's API
// with the caller's token and know no more than it tells.
func Commands(env *cli.Env) *cobra.Command {
	p := env.Printer()
	c := &cobra.Command{Use: "approval", Short: p.T("approval.cli.short"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	for _, sub := range []*cobra.Command{askCommand(env, p), answerCommand(env, p), examineCommand(env, p), decideCommand(env, p), withdrawCommand(env, p), showCommand(env, p), listCommand(env, p)} {
		env.HubFlags(sub)
		c.AddCommand(sub)
	}
	return c
}

// readApplication reads an application as TOML, or as JSON when its name or its
// first letter says so. What no field holds is refused.
func readApplication(name string, raw []byte) (a Application, err error) {
	if strings.HasSuffix(name, ".json") || bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return a, cli.ParseJSON(name, raw, &a)
	}
	meta, err := toml.Decode(string(raw), &a)
	if err != nil {
		var at toml.ParseError
		if errors.As(err, &at) {
			return a, fault.New(fault.Usage, "approval.cli.toml", "file", name, "line", at.Position.Line, "detail", at.Message)
		}
		return a, fault.New(fault.Usage, "approval.cli.toml", "file", name, "line", 0, "detail", err.Error())
	}
	if extra := meta.Undecoded(); len(extra) > 0 {
		return a, fault.New(fault.Usage, "approval.cli.place", "file", name, "place", extra[0].String())
	}
	return a, nil
}

// askCommand is "noroshi approval ask FILE".
func askCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var template bool
	var extend string
	c := &cobra.Command{
		Use: "ask FILE", Short: p.T("approval.cli.ask"), Long: p.T("approval.cli.ask_long"), Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if template && extend != "" {
				return extension(env, c, extend)
			}
			if template {
				_, err := io.WriteString(env.Out, templateOf(p.Lang))
				return err
			}
			if len(args) != 1 {
				return fault.New(fault.Usage, "approval.cli.no_file")
			}
			raw, err := cli.ReadFile(args[0], maxInput)
			if err != nil {
				return err
			}
			a, err := readApplication(args[0], raw)
			if err != nil {
				return err
			}
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			if extend != "" {
				a.Extends = extend
			}
			var got Case
			if err := hub.Do(c.Context(), "POST", "/api/v1/approvals", a, &got, ""); err != nil {
				return err
			}
			return env.Emit(got, func(w io.Writer, p text.Printer) error {
				_, err := fmt.Fprintln(w, p.T("approval.cli.asked", "number", got.Number, "id", got.ID))
				return err
			})
		},
	}
	c.Flags().BoolVar(&template, "template", false, p.T("approval.cli.template"))
	c.Flags().StringVar(&extend, "extend", "", p.T("approval.cli.extend"))
	return c
}

// extension writes an application that goes on from an approval, to be completed.
func extension(env *cli.Env, c *cobra.Command, name string) error {
	hub, err := env.Hub()
	if err != nil {
		return err
	}
	var a Application
	if err := hub.Do(c.Context(), "GET", "/api/v1/approvals/"+url.PathEscape(name)+"/extension", nil, &a, ""); err != nil {
		return err
	}
	return toml.NewEncoder(env.Out).Encode(a)
}

// post does a step of a case and shows how it stands then.
func post(env *cli.Env, c *cobra.Command, name, path string, body any) error {
	hub, err := env.Hub()
	if err != nil {
		return err
	}
	if err := hub.Do(c.Context(), "POST", "/api/v1/approvals/"+url.PathEscape(name)+"/"+path, body, nil, ""); err != nil {
		return err
	}
	return showText(c, env, hub, name)
}

func answerCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var words string
	c := &cobra.Command{Use: "answer CASE --text …", Short: p.T("approval.cli.answer"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return post(env, c, args[0], "answer", TextInput{words}) }}
	c.Flags().StringVar(&words, "text", "", p.T("approval.cli.text"))
	return c
}

func examineCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var question, opinion string
	var compare []string
	c := &cobra.Command{Use: "examine CASE", Short: p.T("approval.cli.examine"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case (question == "") == (opinion == ""):
				return fault.New(fault.Usage, "approval.cli.one_way", "ways", "--question, --opinion")
			case question != "":
				return post(env, c, args[0], "question", TextInput{question})
			}
			return post(env, c, args[0], "examine", OpinionInput{opinion, compare})
		}}
	f := c.Flags()
	f.StringVar(&question, "question", "", p.T("approval.cli.question"))
	f.StringVar(&opinion, "opinion", "", p.T("approval.cli.opinion"))
	f.StringSliceVar(&compare, "compare", nil, p.T("approval.cli.compare"))
	return c
}

// decideCommand is "noroshi approval decide CASE": a vote, the close of a case
// by the chair, or the end of an approval.
func decideCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var vote, reason string
	var conditions []string
	var closes, revoke bool
	var until string
	var most Quantity
	var less Less
	c := &cobra.Command{Use: "decide CASE", Short: p.T("approval.cli.decide"), Long: p.T("approval.cli.decide_long"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var end time.Time
			if until != "" {
				var err error
				if end, err = time.Parse(time.RFC3339, until); err != nil {
					return fault.New(fault.Usage, "approval.cli.time", "flag", "--until")
				}
			}
			ways := 0
			for _, given := range []bool{vote != "", closes, revoke} {
				if given {
					ways++
				}
			}
			switch {
			case ways != 1:
				return fault.New(fault.Usage, "approval.cli.one_way", "ways", "--vote for|against, --close, --revoke")
			case vote != "" && vote != string(For) && vote != string(Against):
				return fault.New(fault.Usage, "approval.cli.one_way", "ways", "--vote for|against")
			case vote != "":
				return post(env, c, args[0], "vote", VoteInput{Choice(vote), reason, conditions})
			case closes:
				return post(env, c, args[0], "decide", DecisionInput{Reason: reason, Conditions: conditions, Until: end, Cap: most, Less: less})
			}
			return post(env, c, args[0], "revoke", TextInput{reason})
		}}
	f := c.Flags()
	f.StringVar(&vote, "vote", "", p.T("approval.cli.vote"))
	f.StringVar(&reason, "reason", "", p.T("approval.cli.reason"))
	f.StringArrayVar(&conditions, "condition", nil, p.T("approval.cli.condition"))
	f.StringVar(&until, "until", "", p.T("approval.cli.until"))
	f.Uint64Var(&most.Bytes, "max-bytes", 0, p.T("approval.cli.lower"))
	f.Uint64Var(&most.Packets, "max-packets", 0, p.T("approval.cli.lower"))
	f.IntVar(&less.RetainDays, "retain-days", 0, p.T("approval.cli.shorter"))
	f.BoolVar(&less.Pseudonyms, "pseudonyms", false, p.T("approval.cli.pseudonyms"))
	f.StringSliceVar(&less.Fields, "without-field", nil, p.T("approval.cli.without"))
	f.StringSliceVar(&less.Recipients, "without-recipient", nil, p.T("approval.cli.without"))
	f.BoolVar(&closes, "close", false, p.T("approval.cli.close"))
	f.BoolVar(&revoke, "revoke", false, p.T("approval.cli.revoke"))
	return c
}

// withdrawCommand is "noroshi approval withdraw CASE": of an application that is
// not decided, or of an approval.
func withdrawCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var reason string
	var giveUp bool
	c := &cobra.Command{Use: "withdraw CASE --reason …", Short: p.T("approval.cli.withdraw"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			path := "withdraw"
			if giveUp {
				path = "give-up"
			}
			return post(env, c, args[0], path, TextInput{reason})
		}}
	c.Flags().StringVar(&reason, "reason", "", p.T("approval.cli.reason"))
	c.Flags().BoolVar(&giveUp, "give-up", false, p.T("approval.cli.give_up"))
	return c
}

func listCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var state, kind string
	var waiting, running bool
	var most int
	c := &cobra.Command{Use: "list", Short: p.T("approval.cli.list"), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			q := url.Values{"waiting": {strconv.FormatBool(waiting)}, "running": {strconv.FormatBool(running)}, "limit": {strconv.Itoa(max(1, min(most, 500)))}}
			for k, v := range map[string]string{"state": state, "kind": kind} {
				if v != "" {
					q.Set(k, v)
				}
			}
			var got struct {
				Items []Case `json:"items"`
				Next  string `json:"next,omitempty"`
			}
			if err := hub.Do(c.Context(), "GET", "/api/v1/approvals?"+q.Encode(), nil, &got, ""); err != nil {
				return err
			}
			return env.Emit(got, func(w io.Writer, p text.Printer) error {
				if len(got.Items) == 0 {
					env.Say("approval.web.empty")
					return nil
				}
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(t, strings.Join([]string{p.T("approval.web.case"), p.T("approval.web.kind"), p.T("approval.web.state"), p.T("approval.web.until"), p.T("approval.web.link"), "id"}, "\t"))
				for _, x := range got.Items {
					fmt.Fprintln(t, strings.Join([]string{x.Number, p.T("approval.kind." + string(x.Asked.Kind)), p.T("approval.state." + string(x.State)), p.Time(x.Until), cmp.Or(x.Asked.Link, "-"), x.ID}, "\t"))
				}
				return t.Flush()
			})
		}}
	f := c.Flags()
	f.StringVar(&state, "state", "", p.T("approval.cli.state"))
	f.StringVar(&kind, "kind", "", p.T("approval.cli.kind"))
	f.BoolVar(&waiting, "waiting", false, p.T("approval.cli.waiting"))
	f.BoolVar(&running, "running", false, p.T("approval.cli.running"))
	f.IntVar(&most, "limit", 50, p.T("approval.cli.limit"))
	return c
}

// saveOrder writes the signed order of an approval into a file of its own.
func saveOrder(c *cobra.Command, hub *fetch.Hub, id ID, name string) error {
	var paper []byte
	if err := hub.Do(c.Context(), "GET", "/api/v1/approvals/"+url.PathEscape(id)+"/order", nil, &paper, ""); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fault.New(fault.Usage, "approval.cli.cannot_write", "file", name).Because(err)
	}
	_, err = f.Write(paper)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(name) // half an order is none
		return fault.New(fault.Usage, "approval.cli.cannot_write", "file", name).Because(err)
	}
	return nil
}
