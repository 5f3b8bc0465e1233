package hunt

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/text"
	"noroshi/internal/engine/sigma"
)

// tableSink shows the groups in a terminal: what was found, gravest first, and
// among equals the rarest, each with why its first event was hit.
type tableSink struct {
	Picture
	w io.Writer
	p text.Printer
}

func (s *tableSink) take(d *Detection) error {
	s.add(d)
	return nil
}

// Bounds of what a terminal shows.
const (
	tableHosts = 4
	tableWhy   = 3
	tableCell  = 110
)

func (s *tableSink) close(*Report) error {
	s.rank()
	var b strings.Builder
	for _, g := range s.Groups {
		s.group(&b, g)
	}
	_, err := io.WriteString(s.w, b.String())
	return err
}

func (s *tableSink) group(b *strings.Builder, g *Group) {
	fmt.Fprintf(b, "%s %s\n", s.p.T("hunt.level."+levelKey(g.Rule.Level)), ruleTitle(s.p, g.Rule))
	fmt.Fprintf(b, "    %s", s.p.T("hunt.table.count", "n", g.Count, "hosts", g.Hosts.Len()))
	if g.First != 0 {
		fmt.Fprintf(b, "  %s", period(s.p, g.First, g.Last))
	}
	if ids := Techniques(g.Rule); len(ids) > 0 {
		fmt.Fprintf(b, "  %s", strings.Join(ids, " "))
	}
	b.WriteByte('\n')
	if hosts := g.Hosts.Names(); len(hosts) > 0 {
		fmt.Fprintf(b, "    %s\n", s.p.T("hunt.table.hosts", "names", some(hosts, tableHosts)))
	}
	if users := g.Users.Names(); len(users) > 0 {
		fmt.Fprintf(b, "    %s\n", s.p.T("hunt.table.users", "names", some(users, tableHosts)))
	}
	d := g.Example
	for _, line := range whyTexts(s.p, d, tableWhy) {
		fmt.Fprintf(b, "    %s\n", cut(line, tableCell))
	}
	fmt.Fprintf(b, "    %s\n\n", s.p.T("hunt.table.at", "source", text.Printable(d.Source), "n", d.Record))
}

// ruleTitle returns the title of a rule in the reader's language, if it has one.
func ruleTitle(p text.Printer, r *sigma.Rule) string {
	if p.Lang == text.JA && r.TitleJA != "" {
		return text.Printable(r.TitleJA)
	}
	return text.Printable(r.Title)
}

// ruleAbout returns what a rule says of itself in the reader's language.
func ruleAbout(p text.Printer, r *sigma.Rule) string {
	if p.Lang == text.JA && r.DescriptionJA != "" {
		return r.DescriptionJA
	}
	return strings.TrimSpace(r.Description)
}

func levelKey(l sigma.Level) string {
	if l == sigma.NoLevel {
		return "none"
	}
	return l.String()
}

// whyTexts says the first tests, a line each; several tests of one value are one
// line.
func whyTexts(p text.Printer, d *Detection, n int) (lines []string) {
	for _, y := range d.Why {
		if line := whyText(p, y); len(lines) < n && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// whyText says a test in one line.
func whyText(p text.Printer, y Why) string {
	field := text.Printable(y.Field)
	if field == "" {
		field = p.T("hunt.why.any")
	}
	return field + ": " + text.Printable(y.Value)
}

func period(p text.Printer, first, last int64) string {
	from, to := p.Time(time.Unix(0, first)), p.Time(time.Unix(0, last))
	if from == to {
		return from
	}
	return from + " – " + to
}

// some lists the first of the names and how many more there are.
func some(names []string, n int) string {
	more := ""
	if len(names) > n {
		more = fmt.Sprintf(" +%d", len(names)-n)
		names = names[:n]
	}
	shown := make([]string, len(names))
	for i, x := range names {
		shown[i] = text.Printable(x)
	}
	return strings.Join(shown, ", ") + more
}

// cut shortens a text to so many letters.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
