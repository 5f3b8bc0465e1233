package approval

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/page"
)

// decided says in one sentence what became of a case: what was approved, until
// when, how much, and by which majority. Empty while nothing is decided.
func (p say) decided(v *View) string {
	c := &v.Case
	if c.DecidedAt.IsZero() {
		return ""
	}
	by := p.T("approval.said.by_majority")
	switch {
	case c.kind == Agreement:
		by = p.T("approval.said.by_agreement", "party", v.Names[c.Party])
	case v.Tally != nil: // who asked is not told how many were against
		by = p.T("approval.said.by_votes", "for", v.Tally.For, "against", v.Tally.Against)
	}
	if c.State == Declined {
		return p.T("approval.said.declined", "by", by, "at", c.DecidedAt)
	}
	what := p.T("approval.said.selection", "kind", p.kind(c.kind), "link", c.Asked.Link, "cap", p.quantity(c.Cap))
	switch {
	case c.kind.measures():
		what = p.T("approval.said.measure", "kind", p.kind(c.kind))
	case c.kind == Reidentify:
		what = p.T("approval.said.reidentify", "run", c.Asked.Run, "n", len(c.Asked.Subjects))
	}
	return p.T("approval.said.approved", "by", by, "what", what, "from", c.Asked.From, "until", c.Until)
}

// ended says when and how an approval came to its end, if it did.
func (p say) ended(c *Case, now time.Time) string {
	switch {
	case c.DecidedAt.IsZero() || c.State == Declined || c.State == Withdrawn:
		return ""
	case c.State != Approved:
		at := c.EndedAt
		if at.IsZero() {
			at = c.Until
		}
		switch {
		case c.State == Revoked && c.kind != Agreement:
			return p.T("approval.said.revoked", "at", at)
		case c.State == GivenUp:
			return p.T("approval.said.given_up", "at", at)
		}
		return p.T("approval.said.ended", "state", p.state(c.State), "at", at)
	case now.Before(c.Asked.From):
		return p.T("approval.said.early", "at", c.Asked.From)
	}
	return ""
}

// left is what is left of an approval in force: of its days and of its cap, with
// a bar of each.
func (p say) left(c *Case, now time.Time) *page.Facts {
	if !c.Runs(now) {
		return nil
	}
	whole, rest := c.Until.Sub(c.Asked.From), c.Until.Sub(now)
	f := &page.Facts{Rows: []page.Fact{{Name: p.T("approval.left.period"), HTML: p.bar(p.T("approval.left.of_period", "left", p.Duration(rest), "until", c.Until), float64(rest)/float64(whole))}}}
	if !c.kind.selects() {
		return f
	}
	left, over := c.Left()
	say := p.T("approval.left.of_cap", "left", p.quantity(left), "cap", p.quantity(c.Cap))
	if over {
		say = p.T("approval.left.none", "cap", p.quantity(c.Cap))
	}
	f.Rows = append(f.Rows, page.Fact{Name: p.T("approval.left.cap"), HTML: p.bar(say, 1-taken(c))})
	return f
}

// bar is a sentence with a share drawn beneath it; the sentence says it all.
func (p say) bar(say string, share float64) template.HTML {
	share = min(max(share, 0), 1)
	var b strings.Builder
	fmt.Fprintf(&b, `<p>%s</p><svg width="100%%" height="10" aria-hidden="true"><rect x="0" y="1" width="100%%" height="8" class="f-range"/>`, template.HTMLEscapeString(say))
	if share > 0 {
		fmt.Fprintf(&b, `<rect x="0" y="1" width="%.2f%%" height="8" class="f-ai"/>`, max(share*100, .5))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// turn is whose turn it is, and where on the page the act is of who looks.
type turn struct {
	Say, Href, Act string
}

// turn says what a case waits for while nothing is decided.
func (p say) turn(v *View, me string) *turn {
	c := &v.Case
	voted := slices.ContainsFunc(v.Votes, func(x Vote) bool { return x.person == me })
	t := turn{Say: p.T("approval.turn.examiner")}
	act := "examine"
	switch {
	case c.State != Asked && c.State != Examined || c.kind == Agreement:
		return nil
	case c.Open > 0:
		t.Say, act = p.T("approval.turn.asker", "n", c.Open), "answer"
	case c.State == Examined && v.Tally != nil && v.Tally.Closes:
		if t.Say, act = p.T("approval.turn.close"), "decide"; !voted {
			act = "vote"
		}
	case c.State == Examined && v.Tally != nil:
		t.Say, act = p.T("approval.turn.votes", "n", v.Tally.Quorum-v.Tally.For-v.Tally.Against), "vote"
		if voted {
			act = ""
		}
	case c.State == Examined:
		t.Say, act = p.T("approval.turn.member"), ""
	}
	if act != "" && slices.Contains(v.Acts, act) {
		t.Href, t.Act = "#"+act, p.T("approval.act."+act)
	}
	return &t
}

// confirmed says what the carrier of the line, or the party, confirmed: that it
// has the instruction, and after the end that nothing more is sent. Empty where
// nobody has an instruction.
func (p say) confirmed(c *Case) string {
	switch {
	case c.Order == "" || c.Asked.Carrier == "" && c.Party == "":
		return ""
	case c.State != Approved && c.StoppedAt.IsZero():
		return p.T("approval.web.unstopped")
	case c.State != Approved:
		return p.T("approval.web.stopped", "at", c.StoppedAt)
	case c.ConfirmedAt.IsZero():
		return p.T("approval.web.unconfirmed")
	}
	return p.T("approval.web.confirmed", "at", c.ConfirmedAt)
}
