package hunt

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/text"
	"noroshi/internal/engine/sigma"
)

// Geometry of the picture in pixels: time and stage at the left, a column for
// each machine, a row for each step. It prints on a sheet as it is.
const (
	routeWidth = 960
	routeLeft  = 212
	routeHead  = 52
	routeRow   = 36
	routeDay   = 24
	routeMark  = 11
)

// markClass are the circle and the number of a step, by level.
var markClass = [sigma.Critical + 1][2]string{{"f-paper s-rule s2", ""}, {"f-paper s-rule s2", ""}, {"f-paper s-line s2", ""}, {"f-ai", " t-on"}, {"f-attend", " t-on"}, {"f-act", " t-on"}}

// svg draws the path: machines side by side, time downwards, a numbered mark for
// each step and a line for each move. The words are escaped; it has no script and
// no style of its own, and the table beside it says the same.
func (p *route) svg(say text.Printer) string {
	var b strings.Builder
	days := 0
	for i := range p.Steps {
		if p.newDay(i, say) {
			days++
		}
	}
	height := routeHead + days*routeDay + len(p.Steps)*routeRow + 8
	fmt.Fprintf(&b, `<svg class="fig" viewBox="0 0 %d %d" width="100%%" role="img" aria-label="%s">`, routeWidth, height, esc(p.sentence(say)))
	p.heads(&b, height, say)
	y := routeHead
	for i := range p.Steps {
		s := &p.Steps[i]
		if p.newDay(i, say) {
			fmt.Fprintf(&b, `<text x="0" y="%d" class="t-b">%s</text>`, y+17, esc(say.Date(s.At)))
			y += routeDay
		}
		mid := y + routeRow/2
		fmt.Fprintf(&b, `<text x="0" y="%d">%s</text><text x="56" y="%d" class="t-s">%s</text>`, mid+4, s.At.In(say.Zone).Format("15:04:05"), mid+4, esc(cut(s.stage(say), 24)))
		for _, m := range s.Moves {
			p.arrow(&b, m, mid)
		}
		class := markClass[s.Level]
		fmt.Fprintf(&b, `<circle cx="%d" cy="%d" r="%d" class="%s"/><text x="%d" y="%d" class="t-c%s">%d</text>`, p.x(s.Lane), mid, routeMark, class[0], p.x(s.Lane), mid+4, class[1], i+1)
		y += routeRow
	}
	b.WriteString("</svg>")
	return b.String()
}

// newDay reports whether a step is the first of its day.
func (p *route) newDay(i int, say text.Printer) bool {
	const day = "2006-01-02"
	return i == 0 || p.Steps[i].At.In(say.Zone).Format(day) != p.Steps[i-1].At.In(say.Zone).Format(day)
}

func (p *route) x(lane int) int {
	wide := (routeWidth - routeLeft) / len(p.Lanes)
	return routeLeft + lane*wide + wide/2
}

// heads draws the machines with a line down from each.
func (p *route) heads(b *strings.Builder, height int, say text.Printer) {
	wide := min((routeWidth-routeLeft)/len(p.Lanes)-8, 180)
	for i, l := range p.Lanes {
		x := p.x(i)
		box, line := "f-paper s-ink", "f-none s-rule"
		if l.Other {
			box, line = "f-sunken s-rule dash", "f-none s-rule dash"
		}
		fmt.Fprintf(b, `<path d="M%d 36V%d" class="%s"/><g><title>%s</title><rect x="%d" y="2" width="%d" height="34" class="%s"/>`, x, height, line, esc(l.Name), x-wide/2, wide, box)
		name := `<text x="%d" y="%d" class="t-c t-b">%s</text>`
		if l.Other {
			fmt.Fprintf(b, name, x, 16, esc(fit(l.Name, wide)))
			fmt.Fprintf(b, `<text x="%d" y="30" class="t-c t-s">%s</text></g>`, x, say.T("hunt.path.other"))
			continue
		}
		fmt.Fprintf(b, name+"</g>", x, 23, esc(fit(l.Name, wide)))
	}
}

// fit cuts the name of a machine to a width: first its domain goes, then letters.
func fit(name string, wide int) string {
	room := wide * 10 / 75 // a letter is about 7.5 wide
	if len(name) > room && strings.Trim(name, "0123456789.:abcdef") != "" {
		name, _, _ = strings.Cut(name, ".")
	}
	return cut(name, room)
}

// arrow draws a move at a height: a full line where an event names both
// machines, a broken one where an account turned up. The account stands over it.
func (p *route) arrow(b *strings.Builder, m move, y int) {
	from, to := p.x(m.From), p.x(m.To)
	back := 1
	if to < from {
		back = -1
	}
	line, head := "f-none s-act s2", "f-act"
	if !m.Told {
		line, head = "f-none s-attend s2 dash", "f-attend"
	}
	tip := to - back*(routeMark+1)
	fmt.Fprintf(b, `<path d="M%d %dH%d" class="%s"/><path d="M%d %dl%d -5v10Z" class="%s"/>`, from, y, tip-back*6, line, tip, y, -8*back, head)
	if who := account(m.By); who != "" {
		room := max(from-to, to-from) - 2*routeMark - 8
		near := from + back*(routeMark+4+room/2)
		fmt.Fprintf(b, `<text x="%d" y="%d" class="t-c t-s">%s</text>`, near, y-5, esc(cut(who, max(room/6, 4))))
	}
}

// stage is the tactic of a step in words.
func (s *step) stage(say text.Printer) string {
	if len(s.Tactics) == 0 {
		return ""
	}
	return tacticText(say, s.Tactics[0])
}

// worth reports whether there is a path: one thing that happened is none.
func (p *route) worth() bool {
	return len(p.Steps) > 1 || len(p.Steps) == 1 && len(p.Steps[0].Moves) > 0
}

// finding says what the picture shows; sentence says it with its time.
func (p *route) finding(say text.Printer) string {
	moves := 0
	for _, s := range p.Steps {
		moves += len(s.Moves)
	}
	return say.T("hunt.path.finding", "hosts", len(p.Lanes), "steps", len(p.Steps), "moves", moves)
}

func (p *route) sentence(say text.Printer) string {
	first, last := p.Steps[0].At, p.Steps[len(p.Steps)-1].At
	return say.T("hunt.path.say", "from", say.Time(first), "to", say.Time(last), "what", p.finding(say))
}

// left says what found no room; empty when all of it did.
func (p *route) left(say text.Printer) (out []string) {
	if p.Left > 0 || p.LeftHosts > 0 {
		out = append(out, say.T("hunt.path.left", "n", p.Left, "hosts", p.LeftHosts))
	}
	if p.Untimed > 0 {
		out = append(out, say.T("hunt.path.untimed", "n", p.Untimed))
	}
	return out
}

// routeLine is a step in words, for the table.
type routeLine struct {
	No                                        string
	At                                        time.Time
	Host, User, Stage, What, From, Level, Tag string
	Href                                      string
	State, StateTag                           string // in a hub
}

// table says the picture row by row.
func (p *route) table(say text.Printer) (rows []routeLine) {
	for i := range p.Steps {
		s := &p.Steps[i]
		r := routeLine{No: strconv.Itoa(i + 1), At: s.At, Host: text.Printable(p.Lanes[s.Lane].Name), User: text.Printable(s.User), Stage: s.stage(say), Level: levelWord(say, s.Level.String()), Tag: levelTag[s.Level.String()], Href: s.Href}
		if s.State != "" {
			r.State, r.StateTag = say.T("hunt.web.state."+string(s.State)), stateTag[s.State]
		}
		for j, t := range s.Titles {
			if j > 0 {
				r.What += say.T("hunt.report.comma")
			}
			r.What += text.Printable(t)
		}
		var moves []string
		for _, m := range s.Moves {
			key := "hunt.path.by_account"
			switch {
			case m.Told && m.To == s.Lane:
				key = "hunt.path.told_from"
			case m.Told:
				key = "hunt.path.told_to"
			}
			other := m.From
			if m.From == s.Lane {
				other = m.To
			}
			moves = append(moves, say.T(key, "host", text.Printable(p.Lanes[other].Name), "user", text.Printable(m.By)))
		}
		r.From = strings.Join(moves, say.T("hunt.report.comma"))
		rows = append(rows, r)
	}
	return rows
}
