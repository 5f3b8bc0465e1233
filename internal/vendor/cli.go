package vendor

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// maxInput bounds a file of a case or of answers, in bytes.
const maxInput = 1 << 20

// The files that request and answer read, as their help shows them.
const (
	requestExample = `{"title": "EdgeGate: login can be passed", "vulnerability": "CVE-2026-12345", "facts": "…",
  "makers": [{"org": "id of the maker", "products": [{"name": "EdgeGate 410"}]}], "due_at": "2026-12-01T15:00:00Z"}`
	answerExample = `{"answers": [{"name": "EdgeGate 410", "status": "affected", "versions": "< 2.4.6", "fix": "planned", "fix_on": "2026-12-24"}]}`
)

// Commands returns the command "vendor" with its verbs. They use the hub's API
// with the caller's token and know no more than it tells.
func Commands(env *cli.Env) *cobra.Command {
	p := env.Printer()
	c := &cobra.Command{Use: "vendor", Short: p.T("vendor.cli.short"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	for _, sub := range []*cobra.Command{requestCommand(env, p), answerCommand(env, p), listCommand(env, p), showCommand(env, p)} {
		env.HubFlags(sub)
		c.AddCommand(sub)
	}
	return c
}

// requestCommand is "noroshi vendor request FILE.json": opens a case and asks
// the makers in it.
func requestCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var draft bool
	c := &cobra.Command{
		Use: "request FILE.json", Short: p.T("vendor.cli.request"), Long: p.T("vendor.cli.request_long", "example", requestExample), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in := CaseInput{Send: true}
			if err := cli.ReadJSON(args[0], maxInput, &in); err != nil {
				return err
			}
			in.Send = in.Send && !draft
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			var got Started
			if err := hub.Do(c.Context(), "POST", "/api/v1/vendor-cases", in, &got, ""); err != nil {
				return err
			}
			return env.Emit(got, func(w io.Writer, p text.Printer) error {
				fmt.Fprintln(w, p.T("vendor.cli.opened", "number", got.Case.Number, "n", len(got.Requests)))
				for _, r := range got.Requests {
					fmt.Fprintln(w, r.ID+"  "+p.T("vendor.state."+string(r.State)))
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&draft, "draft", false, p.T("vendor.cli.draft"))
	return c
}

// answerCommand is "noroshi vendor answer REQUEST [FILE.json]": what a maker
// says of its products, from a file of answers or a CSAF document, or that it
// takes the request up, or will not.
func answerCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var accept bool
	var decline, document string
	c := &cobra.Command{
		Use: "answer REQUEST [FILE.json]", Short: p.T("vendor.cli.answer"), Long: p.T("vendor.cli.answer_long", "example", answerExample), Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			ways := 0
			for _, given := range []bool{len(args) == 2, accept, decline != "", document != ""} {
				if given {
					ways++
				}
			}
			if ways != 1 {
				return fault.New(fault.Usage, "vendor.cli.one_way")
			}
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			id, err := requestID(c.Context(), hub, args[0])
			if err != nil {
				return err
			}
			at := "/api/v1/vendor-requests/" + url.PathEscape(id)
			switch {
			case accept:
				err = hub.Do(c.Context(), "POST", at+"/accept", NoteInput{}, nil, "")
			case decline != "":
				err = hub.Do(c.Context(), "POST", at+"/decline", NoteInput{Note: decline}, nil, "")
			case document != "":
				raw, e := cli.ReadFile(document, MaxDocument)
				if e != nil {
					return e
				}
				err = hub.Do(c.Context(), "POST", at+"/documents", raw, nil, "")
			default:
				var in AnswersInput
				if e := cli.ReadJSON(args[1], maxInput, &in); e != nil {
					return e
				}
				err = hub.Do(c.Context(), "POST", at+"/answers", in, nil, "")
			}
			if err != nil {
				return err
			}
			return showRequestText(c, env, id)
		},
	}
	f := c.Flags()
	f.BoolVar(&accept, "accept", false, p.T("vendor.cli.accept"))
	f.StringVar(&decline, "decline", "", p.T("vendor.cli.decline"))
	f.StringVar(&document, "csaf", "", p.T("vendor.cli.csaf"))
	return c
}

func listCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var state, vulnerability string
	var waiting, done bool
	var limit int
	c := &cobra.Command{
		Use: "list", Short: p.T("vendor.cli.list"), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			q := url.Values{"waiting": {strconv.FormatBool(waiting)}, "done": {strconv.FormatBool(done)}, "limit": {strconv.Itoa(max(1, min(limit, 500)))}}
			for k, v := range map[string]string{"state": state, "vulnerability": vulnerability} {
				if v != "" {
					q.Set(k, v)
				}
			}
			var got struct {
				Items []Row  `json:"items"`
				Next  string `json:"next,omitempty"`
			}
			if err := hub.Do(c.Context(), "GET", "/api/v1/vendor-requests?"+q.Encode(), nil, &got, ""); err != nil {
				return err
			}
			return env.Emit(got, func(w io.Writer, p text.Printer) error {
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				if len(got.Items) == 0 {
					return nil
				}
				fmt.Fprintln(t, strings.Join([]string{p.T("vendor.web.case"), p.T("vendor.web.vulnerability"), p.T("vendor.web.state"), p.T("vendor.web.due"), p.T("vendor.web.case_title"), "id"}, "\t"))
				for _, x := range got.Items {
					due := ""
					if !x.Request.DueAt.IsZero() {
						due = p.Time(x.Request.DueAt)
					}
					fmt.Fprintln(t, strings.Join([]string{x.Case.Number, cmp.Or(x.Case.Vulnerability, "-"), p.T("vendor.state." + string(x.Request.State)), due, x.Case.Title, x.Request.ID}, "\t"))
				}
				return t.Flush()
			})
		},
	}
	f := c.Flags()
	f.StringVar(&state, "state", "", p.T("vendor.cli.state"))
	f.StringVar(&vulnerability, "vulnerability", "", p.T("vendor.cli.vulnerability"))
	f.BoolVar(&waiting, "waiting", false, p.T("vendor.cli.waiting"))
	f.BoolVar(&done, "done", false, p.T("vendor.cli.done"))
	f.IntVar(&limit, "limit", 50, p.T("vendor.cli.limit"))
	return c
}

func showCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return &cobra.Command{Use: "show REQUEST", Short: p.T("vendor.cli.show"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return showRequestText(c, env, args[0]) }}
}

func showRequestText(c *cobra.Command, env *cli.Env, id string) error {
	hub, err := env.Hub()
	if err != nil {
		return err
	}
	if id, err = requestID(c.Context(), hub, id); err != nil {
		return err
	}
	var v RequestView
	if err := hub.Do(c.Context(), "GET", "/api/v1/vendor-requests/"+url.PathEscape(id), nil, &v, ""); err != nil {
		return err
	}
	return env.Emit(v, func(w io.Writer, p text.Printer) error {
		fmt.Fprintln(w, v.Case.Number, v.Case.Vulnerability, v.Case.Title)
		fmt.Fprintln(w, p.T("vendor.web.asked_by", "org", v.Names[v.Case.Org]))
		if v.Case.Facts != "" {
			fmt.Fprintln(w, p.T("vendor.web.facts")+"\n  "+strings.ReplaceAll(v.Case.Facts, "\n", "\n  "))
		}
		fmt.Fprintln(w, v.Names[v.Request.Org], p.T("vendor.state."+string(v.Request.State)))
		if !v.Request.DueAt.IsZero() {
			fmt.Fprintln(w, p.T("vendor.web.due"), p.Time(v.Request.DueAt))
		}
		if e := v.Case.Embargo; !e.Until.IsZero() {
			there := p
			there.Zone = e.Location()
			fmt.Fprintln(w, p.T("vendor.web.embargo"), there.Time(e.Until), e.Zone)
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, x := range v.Products {
			fmt.Fprintln(t, strings.Join([]string{x.ID, x.Name, p.T("vendor.status." + string(x.Status)), x.Versions, p.T("vendor.fix." + string(x.Fix)), x.FixOn, x.Fixed}, "\t"))
		}
		if err := t.Flush(); err != nil {
			return err
		}
		if v.Mine {
			fmt.Fprintln(w, p.T("vendor.cli.next", "id", v.Request.ID))
		}
		return nil
	})
}
