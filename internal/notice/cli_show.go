package notice

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/text"
)

// showCommand is "noroshi notice show ID": a letter, or what one's own
// organisation wrote. Looking at a letter tells its sender that it was opened.
func showCommand(env *cli.Env, p text.Printer) *cobra.Command {
	c := &cobra.Command{
		Use: "show ID", Short: p.T("notice.cli.show"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			var v Reading
			if err := hub.Do(c.Context(), "GET", "/api/v1/notices/"+url.PathEscape(args[0])+"/reading", nil, &v, ""); err != nil {
				return err
			}
			if v.Letter != nil {
				return env.Emit(v.Letter, func(w io.Writer, p text.Printer) error { return writeLetter(w, p, v.Letter) })
			}
			return env.Emit(v.Board, func(w io.Writer, p text.Printer) error { return writeOwn(w, p, v.Board) })
		},
	}
	env.HubFlags(c)
	return c
}

// heading writes the names of columns, which are those of the console.
func heading(w io.Writer, p text.Printer, columns ...string) {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = p.T("notice.web.col." + c)
	}
	fmt.Fprintln(w, strings.Join(names, "\t"))
}

// ended reports whether a letter does not hold any more.
func (l *Letter) ended() bool { return l.Stage == Withdrawn || l.Stage == Corrected }

// stands says where a letter stands: that it was taken back goes before what
// was answered.
func (l *Letter) stands(p text.Printer) string {
	if l.ended() {
		return p.T("notice.web.stage." + string(l.Stage))
	}
	return p.T("notice.web.state." + string(l.State))
}

// answerChoices names the answers with what they mean, a line each.
func answerChoices(p text.Printer) string {
	var b strings.Builder
	for _, s := range Rules().Answers() {
		fmt.Fprintf(&b, "\n  %-13s %s", s, p.T("notice.web.state."+string(s)))
	}
	return b.String()
}

func writeLetter(w io.Writer, p text.Printer, l *Letter) error {
	var b strings.Builder
	c := &l.Content
	fmt.Fprintln(&b, said(c.Title, p.Lang))
	fmt.Fprintln(&b, p.T("notice.web.letter.lead", "from", l.FromName, "number", l.Number))
	fmt.Fprintln(&b, p.T("page.severity."+string(c.Severity)), "TLP:"+string(Rules().Highest(c.TLP)), l.stands(p))
	switch l.Stage {
	case Withdrawn:
		fmt.Fprintln(&b, p.T("notice.web.withdrawn", "why", l.EndedWhy))
	case Corrected:
		fmt.Fprintln(&b, p.T("notice.web.corrected"))
	default:
		writeClocks(&b, p, c)
	}
	for i, why := range l.Why {
		fmt.Fprintf(&b, "  %d. %s\n", i+1, said(why, p.Lang))
	}
	writeVersions(&b, p, c)
	if l.Stage == Sent {
		fmt.Fprintln(&b, "\n"+p.T("notice.cli.how", "number", l.Number)+answerChoices(p))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeOwn writes what the reader's own organisation drafted or sent: whom it
// is for and why, and all its versions.
func writeOwn(w io.Writer, p text.Printer, board *Board) error {
	var b strings.Builder
	n := &board.Notice
	c := &n.Content
	fmt.Fprintln(&b, said(c.Title, p.Lang))
	fmt.Fprintln(&b, n.Number, p.T("notice.web.stage."+string(n.Stage)), p.T("page.severity."+string(c.Severity)), "TLP:"+string(Rules().Highest(c.TLP)), strings.Join(c.About, " "))
	writeClocks(&b, p, c)
	if n.EndedWhy != "" {
		fmt.Fprintln(&b, p.T("notice.web.withdrawn", "why", n.EndedWhy))
	}
	fmt.Fprintln(&b, "\n"+p.T("notice.web.recipients", "n", board.Total))
	for i := range board.Rows {
		r := &board.Rows[i]
		fmt.Fprintln(&b, "  "+r.Name, p.T("notice.web.state."+string(r.State)))
		for _, why := range r.Why {
			fmt.Fprintln(&b, "    "+said(why, p.Lang))
		}
	}
	writeVersions(&b, p, c)
	if n.Stage == Draft {
		fmt.Fprintln(&b, "\n"+p.T("notice.cli.next", "number", n.Number))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeClocks(w io.Writer, p text.Printer, c *Content) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprintln(t, p.T("notice.web.col.answer_by")+"\t"+p.Time(c.AnswerBy))
	if !c.FixBy.IsZero() {
		fmt.Fprintln(t, p.T("notice.web.fix_by")+"\t"+p.Time(c.FixBy))
	}
	if !c.AttackSeenAt.IsZero() {
		fmt.Fprintln(t, p.T("notice.web.attack_at")+"\t"+p.Time(c.AttackSeenAt))
	}
}

func writeVersions(w io.Writer, p text.Printer, c *Content) {
	line := func(words ...any) { fmt.Fprintln(w, words...) }
	part := func(k Kind) { line("\n" + p.T("notice.web.version."+string(k)) + " TLP:" + string(c.TLPOf(k))) }
	if m := c.Management; m != nil {
		part(Management)
		for _, b := range []text.Both{m.What, m.SoWhat, m.Decide} {
			line("  " + said(b, p.Lang))
		}
	}
	if t := c.Technical; t != nil {
		part(Technical)
		line("  " + strings.ReplaceAll(said(t.Details, p.Lang), "\n", "\n  "))
		for _, x := range t.Checks {
			line("  - " + said(x, p.Lang))
		}
		for _, x := range t.Indicators {
			line("  " + p.T("notice.web.indicator."+x.Kind) + "\t" + x.Value + "\t" + x.Note)
		}
	}
	if s := c.Small; s != nil {
		part(Small)
		for i, x := range s.Steps {
			line(fmt.Sprintf("  %d. %s %s", i+1, said(x.Do, p.Lang), said(x.How, p.Lang)))
		}
		line("  " + said(s.Helper.Name, p.Lang) + " " + s.Helper.Phone)
	}
}
