package notice

import (
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
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
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				for _, n := range got.Items {
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\n", n.ID, n.Number, p.T("page.severity."+string(n.Content.Severity)), p.T("notice.web.stage."+string(n.Stage)), n.Recipients, said(n.Content.Title, p.Lang))
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
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				for _, l := range got.Items {
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", l.ID, l.Number, p.T("page.severity."+string(l.Content.Severity)), p.T("notice.web.state."+string(l.State)), p.Time(l.Content.AnswerBy), said(l.Content.Title, p.Lang))
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

// showCommand is "noroshi notice show ID": a letter; looking at it tells its
// sender that it was opened.
func showCommand(env *cli.Env, p text.Printer) *cobra.Command {
	c := &cobra.Command{
		Use: "show ID", Short: p.T("notice.cli.show"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			var l Letter
			if err := hub.Do(c.Context(), "GET", "/api/v1/letters/"+url.PathEscape(args[0]), nil, &l, ""); err != nil {
				return err
			}
			return env.Emit(l, func(w io.Writer, p text.Printer) error { return writeLetter(w, p, &l) })
		},
	}
	env.HubFlags(c)
	return c
}

func writeLetter(w io.Writer, p text.Printer, l *Letter) error {
	c := &l.Content
	line := func(words ...any) { fmt.Fprintln(w, words...) }
	line(said(c.Title, p.Lang))
	line(p.T("notice.web.letter.lead", "from", l.FromName, "number", l.Number))
	line(p.T("page.severity."+string(c.Severity)), " TLP:"+string(Rules().Highest(c.TLP)), p.T("notice.web.state."+string(l.State)))
	line(p.T("notice.web.col.answer_by"), p.Time(c.AnswerBy))
	for i, why := range l.Why {
		line(fmt.Sprintf("  %d. %s", i+1, said(why, p.Lang)))
	}
	if m := c.Management; m != nil {
		line("\n" + p.T("notice.web.version.management") + " TLP:" + string(m.TLP))
		for _, b := range []text.Both{m.What, m.SoWhat, m.Decide} {
			line("  " + said(b, p.Lang))
		}
	}
	if t := c.Technical; t != nil {
		line("\n" + p.T("notice.web.version.technical") + " TLP:" + string(t.TLP))
		line("  " + said(t.Details, p.Lang))
		for _, x := range t.Checks {
			line("  - " + said(x, p.Lang))
		}
		for _, x := range t.Indicators {
			line("  " + x.Kind + "\t" + x.Value + "\t" + x.Note)
		}
	}
	if s := c.Small; s != nil {
		line("\n" + p.T("notice.web.version.small") + " TLP:" + string(s.TLP))
		for i, x := range s.Steps {
			line(fmt.Sprintf("  %d. %s %s", i+1, said(x.Do, p.Lang), said(x.How, p.Lang)))
		}
		line("  " + said(s.Helper.Name, p.Lang) + " " + s.Helper.Phone)
	}
	return nil
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
			var got Answered
			if err := hub.Do(c.Context(), "POST", at+"/answers", in, &got, ""); err != nil {
				return err
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
