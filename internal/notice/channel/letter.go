package channel

import (
	"encoding/json"
	"fmt"
	"html"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"noroshi/internal/base/post"
	"noroshi/internal/base/text"
)

// Letter is what there is to tell an organisation, or somebody with only a
// mail address.
type Letter struct {
	Owner     string    // organisation on whose behalf it goes out
	Object    string    // what letters are found by: notice/<recipient>
	Recipient string    // organisation; empty for a mail address
	Reason    Reason    // why it goes out now
	Contact   int       // 1, or 2 in an escalation
	Number    string    // of the notice
	Class     string    // act, attend, watch, track
	TLP       string    // of what Title and Lines say
	Title     text.Both // left out of what travels when the TLP is narrower than GREEN
	Lines     []text.Both
	AnswerBy  time.Time
	Path      string // where to read it: /notices/…, or a link's /n/…; empty for who has a link already
	Exercise  bool
}

// Reason is why a letter goes out.
type Reason string

// The reasons.
const (
	First      Reason = "first"
	Reminder   Reason = "reminder"
	Escalation Reason = "escalation"
	Ended      Reason = "ended" // withdrawn or corrected
	Late       Reason = "late"  // something that is owed is past its time
	Answered   Reason = "answered"
)

// open reports whether the words themselves may be written into a mail or a
// webhook: those of TLP:CLEAR and TLP:GREEN. A mail lies open on its way.
func (l *Letter) open() bool { return l.TLP == "CLEAR" || l.TLP == "GREEN" }

// subject tells what it is at a glance, in the order a phone shows it.
func (l *Letter) subject(p text.Printer) string {
	s := p.T("channel.letter.subject."+string(l.Reason), "class", p.T("channel.class."+l.Class), "number", l.Number)
	if l.open() && !l.Title.Empty() {
		s += " " + l.Title.In(p.Lang)
	}
	if l.Exercise {
		s = p.T("channel.letter.exercise") + s
	}
	return s
}

// paragraphs are the words of the letter, in order.
func (l *Letter) paragraphs(p text.Printer, name string) (out []string) {
	if name != "" {
		out = append(out, p.T("channel.letter.to", "name", name))
	}
	out = append(out, p.T("channel.letter.say."+string(l.Reason), "class", p.T("channel.class."+l.Class), "number", l.Number))
	switch {
	case l.Reason == Ended && l.open(): // what does not hold any more is not said once more
	case l.open():
		for _, line := range l.Lines {
			out = append(out, line.In(p.Lang))
		}
	default:
		out = append(out, p.T("channel.letter.closed", "tlp", l.TLP))
	}
	if !l.AnswerBy.IsZero() && l.Reason != Ended {
		out = append(out, p.T("channel.letter.by", "at", p.Time(l.AnswerBy)))
	}
	return out
}

// mail writes the letter as plain text and as a page that says the same.
func (l *Letter) mail(p text.Printer, name, base string, now time.Time) post.Content {
	c := post.Content{Subject: l.subject(p)}
	link := base + l.Path
	var plain, page strings.Builder
	fmt.Fprintf(&page, "<!doctype html><html lang=%q><head><meta charset=\"utf-8\"><title>%s</title></head><body>", p.Lang, html.EscapeString(c.Subject))
	for _, s := range l.paragraphs(p, name) {
		plain.WriteString(s + "\n\n")
		page.WriteString("<p>" + html.EscapeString(s) + "</p>")
	}
	if l.Path == "" {
		link = ""
		plain.WriteString(p.T("channel.letter.yours") + "\n\n")
		page.WriteString("<p>" + html.EscapeString(p.T("channel.letter.yours")) + "</p>")
	} else {
		fmt.Fprintf(&plain, "%s\n%s\n\n", p.T("channel.letter.open"), link)
		fmt.Fprintf(&page, "<p><a href=\"%s\">%s</a></p>", html.EscapeString(link), html.EscapeString(p.T("channel.letter.open")))
	}
	plain.WriteString(p.T("channel.letter.foot") + "\n")
	page.WriteString("<hr><p>" + html.EscapeString(p.T("channel.letter.foot")) + "</p></body></html>")
	c.Text, c.HTML = plain.String(), page.String()
	if !l.AnswerBy.IsZero() && l.Reason != Ended {
		c.Calendar = Calendar(p, now, Deadline{Number: l.Number, Class: l.Class, At: l.AnswerBy, Link: link})
	}
	return c
}

// hook is the body of a webhook: what a program needs to fetch the rest with a
// token of its own.
type hook struct {
	Type      string    `json:"type"` // notice.first, notice.reminder, notice.escalation, notice.ended, notice.late, notice.answered
	Timestamp time.Time `json:"timestamp"`
	Data      struct {
		Number   string    `json:"number"`
		Class    string    `json:"class"`
		TLP      string    `json:"tlp"`
		Title    string    `json:"title,omitempty"`
		AnswerBy time.Time `json:"answer_by,omitzero"`
		URL      string    `json:"url"`
	} `json:"data"`
}

func (l *Letter) hook(p text.Printer, base string, now time.Time) ([]byte, error) {
	h := hook{Type: "notice." + string(l.Reason), Timestamp: now}
	h.Data.Number, h.Data.Class, h.Data.TLP, h.Data.AnswerBy, h.Data.URL = l.Number, l.Class, l.TLP, l.AnswerBy, base+l.Path
	if l.open() {
		h.Data.Title = l.Title.In(p.Lang)
	}
	return json.Marshal(h)
}

// Deadline is one entry of a calendar.
type Deadline struct {
	Number string
	Class  string
	At     time.Time
	Link   string
}

// Calendar writes deadlines as iCalendar (RFC 5545): the half hour before each,
// in UTC, with alarms a day and two hours ahead. It says nothing of what a
// notice is about: calendars travel.
func Calendar(p text.Printer, now time.Time, all ...Deadline) []byte {
	cal := ics.NewCalendar()
	cal.SetProductId("-//Noroshi//notice deadlines//" + strings.ToUpper(string(p.Lang)))
	cal.SetMethod(ics.MethodPublish)
	cal.SetXWRCalName(p.T("channel.calendar.name"))
	for _, d := range all {
		e := cal.AddEvent(d.Number + "@notice.noroshi")
		e.SetDtStampTime(now)
		e.SetStartAt(d.At.Add(-30 * time.Minute))
		e.SetEndAt(d.At)
		e.SetSummary(p.T("channel.calendar.due", "class", p.T("channel.class."+d.Class), "number", d.Number))
		if d.Link != "" {
			e.SetURL(d.Link)
		}
		e.SetClass(ics.ClassificationConfidential)
		e.SetTimeTransparency(ics.TransparencyTransparent)
		for _, before := range []string{"-P1D", "-PT2H"} {
			a := e.AddAlarm()
			a.SetAction(ics.ActionDisplay)
			a.SetTrigger(before)
			a.SetProperty(ics.ComponentPropertyDescription, d.Number)
		}
	}
	return []byte(cal.Serialize(ics.WithNewLineWindows))
}
