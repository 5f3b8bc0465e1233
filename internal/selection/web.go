package selection

import (
	"fmt"
	"strings"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
)

// Pages registers the pages of agreements, lists of selectors, runs, records and
// re-identification.
func Pages(r *httpd.Router, s *Service) {
	pagesAgreement(r, s)
	pagesList(r, s)
	pagesRun(r, s)
	pagesRecord(r, s)
	pagesKey(r, s)
	r.Live("GET /live/selection", func(q *httpd.Request) (string, error) { return "selection/" + q.Who.Org, nil })
}

func open(q *httpd.Request, verb string) bool { return Access.May(q.Context(), verb) }

// render draws a page of this noun, with a fault where there is one.
func render(q *httpd.Request, name, key, title string, v any, bad error) error {
	shell := q.Shell(title)
	shell.Key, shell.Density, shell.Live = key, page.Desk, "/live/selection"
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render(name, shell, v)
}

// formFault reports whether an error belongs back on the form.
func formFault(err error) bool {
	if err == nil {
		return false
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.TooLarge, fault.Usage, fault.Unmet:
		return true
	}
	return false
}

// voice draws words with the printer at hand.
type voice struct{ text.Printer }

var agreementTag = map[AgreementState]string{Proposed: "ai", Countered: "ai", Agreed: "good", Declined: "plain", TakenBack: "plain", Terminated: "plain", Expired: "plain"}

var runTag = map[RunState]string{RunGoing: "watch", RunDone: "good", RunInterrupted: "act"}

// agreement is the state of an agreement in words: in force, or how far it is.
func (p voice) agreement(a Agreement, now time.Time) (word, tag string) {
	switch {
	case a.InForce(now):
		return p.T("selection.agreement.state.in_force"), "good"
	case a.State == Agreed && now.Before(a.from):
		return p.T("selection.agreement.state.agreed"), "watch"
	case a.State == Agreed:
		return p.T("selection.agreement.state.expired"), "plain"
	}
	return p.T("selection.agreement.state." + string(a.State)), agreementTag[a.State]
}

func (p voice) ways(list []string) string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = p.T("selection.hub.way." + w)
	}
	return strings.Join(out, p.T("selection.hub.web.and"))
}

func wayNames(w Ways) (out []string) {
	for _, c := range w {
		out = append(out, c.String())
	}
	return out
}

// bytes is a quantity on a line, which is larger than a file.
func (p voice) bytes(n uint64) string {
	units := []string{"B", "KB", "MB", "GB", "TB", "PB", "EB"}
	v, i := float64(n), 0
	for v >= 1000 && i < len(units)-1 {
		v, i = v/1000, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

func (p voice) quantity(q approval.Quantity) string {
	var out []string
	if q.Packets > 0 {
		out = append(out, p.T("selection.hub.web.packets", "n", int64(q.Packets)))
	}
	if q.Bytes > 0 {
		out = append(out, p.bytes(q.Bytes))
	}
	if len(out) == 0 {
		return p.T("selection.hub.web.nothing")
	}
	return strings.Join(out, " / ")
}

// outcome says why a run ended.
func (p voice) outcome(o string) string {
	if key := "selection.hub.outcome." + o; o != "" && p.Has(key) {
		return p.T(key)
	}
	return ""
}

func (p voice) options(prefix string, ids ...string) (out []page.Option) {
	for _, id := range ids {
		out = append(out, page.Option{Value: id, Label: p.T(prefix + id)})
	}
	return out
}

type talkLine struct {
	Who      string
	At       time.Time
	Text     string
	Question bool
	Waiting  bool
}

func talkOf(list []thread.Message, names map[string]string) (out []talkLine) {
	for _, m := range list {
		out = append(out, talkLine{names[m.From], m.At, m.Text, m.Kind == thread.Question, m.Kind == thread.Question && m.AnsweredAt.IsZero()})
	}
	return out
}

// stepForm is one act with its fields, drawn beside what it is about.
type stepForm struct {
	To, Word, Kind, Title, Say string
	Fields                     []page.Field
}

// lines splits a field of one entry a line.
func linesOf(s string) (out []string) {
	for l := range strings.Lines(s) {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

// reasonFields ask for what records are used.
func (p voice) reasonFields(consents []Consent, other bool) []page.Field {
	var list []page.Option
	for _, x := range Purposes {
		if x.Other && !other {
			continue
		}
		o := page.Option{Value: x.ID, Label: p.T("selection.record.reason." + x.ID), Hint: p.T("selection.record.basis." + x.ID)}
		if x.Other {
			var give []page.Option
			for _, c := range consents {
				give = append(give, page.Option{Value: c.ID, Label: c.Purpose})
			}
			o.Reveal = []page.Field{{Name: "consent", Kind: "select", Label: p.T("selection.record.web.consent"), Need: page.Required, Options: give}}
		}
		list = append(list, o)
	}
	return []page.Field{{Name: "purpose", Kind: "choice", Label: p.T("selection.record.web.purpose"), Need: page.Required, Hint: p.T("selection.record.web.purpose_hint"), Options: list}}
}

// handling is the strip on a page of selected communications information.
func (p voice) handling(purpose string) *page.Handling {
	h := &page.Handling{TLP: "AMBER+STRICT", Clearance: 1}
	if purpose != "" {
		h.Purpose = p.T("selection.record.web.strip", "purpose", p.T("selection.record.reason."+purpose))
	}
	return h
}

// sees reports how far a verb reaches for who looks.
func sees(q *httpd.Request, verb string) gate.Reach { return Access.Reach(q.Who, verb) }
