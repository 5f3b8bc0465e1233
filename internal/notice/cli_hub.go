package notice

import (
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// listed is a page of a list as the API gives it.
type listed[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

func listCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use: "list", Short: p.T("notice.cli.list"), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			var got listed[Overview]
			if err := hub.Do(c.Context(), "GET", "/api/v1/notices?limit="+strconv.Itoa(max(1, min(500, limit))), nil, &got, ""); err != nil {
				return err
			}
			return env.Emit(got, func(w io.Writer, p text.Printer) error {
				if len(got.Items) == 0 {
					env.Say("notice.web.notices.none")
					return nil
				}
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				heading(t, p, "number", "severity", "stage", "recipients", "title")
				for _, n := range got.Items {
					fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\n", n.Number, p.T("page.severity."+string(n.Content.Severity)), p.T("notice.web.stage."+string(n.Stage)), n.Recipients, said(n.Content.Title, p.Lang))
				}
				return t.Flush()
			})
		},
	}
	c.Flags().IntVar(&limit, "limit", 100, p.T("notice.cli.limit"))
	env.HubFlags(c)
	return c
}

func inboxCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var open bool
	var limit int
	c := &cobra.Command{
		Use: "inbox", Short: p.T("notice.cli.inbox"), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			q := url.Values{"limit": {strconv.Itoa(max(1, min(500, limit)))}}
			if open {
				q.Set("open", "true")
			}
			var got listed[Letter]
			if err := hub.Do(c.Context(), "GET", "/api/v1/letters?"+q.Encode(), nil, &got, ""); err != nil {
				return err
			}
			return env.Emit(got, func(w io.Writer, p text.Printer) error {
				if len(got.Items) == 0 {
					env.Say("notice.web.inbox.none")
					return nil
				}
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				heading(t, p, "number", "severity", "state", "answer_by", "from", "title")
				for i := range got.Items {
					l := &got.Items[i]
					by := p.Time(l.Content.AnswerBy)
					if l.ended() {
						by = p.T("notice.web.due.none")
					}
					fmt.Fprintln(t, strings.Join([]string{l.Number, p.T("page.severity." + string(l.Content.Severity)), l.stands(p), by, l.FromName, said(l.Content.Title, p.Lang)}, "\t"))
				}
				return t.Flush()
			})
		},
	}
	c.Flags().BoolVar(&open, "open", false, p.T("notice.cli.open"))
	c.Flags().IntVar(&limit, "limit", 100, p.T("notice.cli.limit"))
	env.HubFlags(c)
	return c
}

// answerCommand is "noroshi notice answer ID --state STATE".
func answerCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var in AnswerInput
	var state, file string
	c := &cobra.Command{
		Use: "answer ID", Short: p.T("notice.cli.answer"), Long: p.T("notice.cli.answer.long"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			in.State = State(state)
			at := "/api/v1/letters/" + url.PathEscape(args[0])
			var evidence []byte
			if file != "" { // before the answer: a file that cannot be read answers nothing
				if evidence, err = cli.ReadFile(file, 20_000_000); err != nil {
					return err
				}
			}
			if state == "" {
				return fault.New(fault.Usage, "notice.cli.answer.which", "choices", answerChoices(env.Printer()))
			}
			var got Answered
			if err := hub.Do(c.Context(), "POST", at+"/answers", in, &got, ""); err != nil {
				return inWords(env.Printer(), err)
			}
			if file != "" {
				if err := hub.Do(c.Context(), "POST", at+"/evidence?"+url.Values{"name": {filepath.Base(file)}}.Encode(), evidence, nil, ""); err != nil {
					return err
				}
			}
			return env.Emit(got, func(w io.Writer, p text.Printer) error {
				_, err := fmt.Fprintln(w, p.T("notice.cli.answered", "state", p.T("notice.web.state."+string(got.Answer.State)), "entry", got.Receipt.Entry))
				return err
			})
		},
	}
	f := c.Flags()
	f.StringVar(&state, "state", "", p.T("notice.cli.state"))
	f.StringVar(&in.Note, "note", "", p.T("notice.cli.note"))
	f.StringVar(&in.Date, "date", "", p.T("notice.cli.date"))
	f.StringVar(&in.Interim, "interim", "", p.T("notice.cli.interim"))
	f.StringVar(&file, "evidence", "", p.T("notice.cli.evidence"))
	env.HubFlags(c)
	return c
}
