package desk

import (
	"time"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// homeView is what the replay of the ledger came to, on the first page.
type homeView struct{ Tag, Word, Text string }

// homeRows is how many papers and wishes the first page names.
const homeRows = 5

// Home gathers what the desk wants of whoever asks: of a body its answers and the
// entries to open, of the commission what was found, what waits for a second
// member, what was answered, and what is late.
func Home(q *httpd.Request, s *Service) (part page.Part, err error) {
	if !Access.May(q.Context(), "oversight.list") {
		return part, nil
	}
	p, by := say{q.Printer}, sideOf(q.Who)
	add := func(severity, title, why, href string, due page.Due) {
		part.Todos = append(part.Todos, page.Todo{Severity: severity, Title: title, Why: why, Href: href, Due: due, Act: p.T("desk.home.open")})
	}
	if b := s.board(q.Printer); by != BodySide && b.Ready {
		n := len(b.Violations) + int(b.More) + len(b.Gaps) + len(b.Alarms)
		v := homeView{Tag: "good", Word: p.T("desk.web.clean"), Text: p.T("desk.home.clean", "at", b.At, "entries", int64(b.Entries), "rules", len(b.Rules))}
		if n > 0 {
			v.Tag, v.Word = "act", p.T("desk.home.wrong", "n", n)
			add("act", p.T("desk.home.found", "n", n), p.T("desk.home.found_why"), "/oversight", page.Due{At: b.At, Word: p.T("desk.home.at_once")})
		}
		part.Template, part.Data = "desk/home", v
	}
	list, _, _, err := s.List(q.Context(), Filter{Open: true, Limit: 50})
	if err != nil {
		return part, err
	}
	shown := 0
	for i := range list {
		x := &list[i]
		severity, what := "", ""
		switch {
		case by == BodySide && x.State == Sent:
			severity, what = s.urgency(x.DueAt, q.Now()), "desk.home.answer"
		case by == MemberSide && x.State == Proposed && !x.facts(q.Who).same:
			severity, what = "attend", "desk.home.settle"
		case by == MemberSide && x.State == Answered:
			severity, what = "attend", "desk.home.answered"
		case by != BodySide && x.Late:
			severity, what = "attend", "desk.home.late"
		}
		if what == "" || shown == homeRows {
			continue
		}
		shown++
		due := page.Due{}
		if x.State == Sent {
			due.At = x.DueAt
		}
		add(severity, p.T(what, "number", x.Number, "kind", p.kind(x.Kind)), x.Title, "/oversight/papers/"+x.ID, due)
	}
	return part, homeOpenings(q, s, p, by, add)
}

// urgency is how urgent something is by its day: at once when it is near or past.
func (s *Service) urgency(due, now time.Time) string {
	if due.Sub(now) <= s.Numbers.EarlyDays.days() {
		return "act"
	}
	return "attend"
}

// homeOpenings names the entries that wait to be opened, and to be read.
func homeOpenings(q *httpd.Request, s *Service, p say, by Side, add func(severity, title, why, href string, due page.Due)) error {
	list, _, _, err := s.Openings(q.Context(), Filter{Limit: 50})
	shown := 0
	for _, o := range list {
		if shown == homeRows {
			break
		}
		switch {
		case by == BodySide && o.State == Asked:
			add(s.urgency(o.DueAt, q.Now()), p.T("desk.home.unseal", "number", o.Number), p.verb(o.Verb), "/oversight/openings/"+o.ID, page.Due{At: o.DueAt})
		case o.Mine && o.State == Opened:
			add("watch", p.T("desk.home.opened", "number", o.Number), p.verb(o.Verb), "/oversight/openings/"+o.ID, page.Due{})
		default:
			continue
		}
		shown++
	}
	return err
}

type figureRow struct{ Label, Shown string }

type publicView struct {
	Ready            bool
	Figures          []figureRow
	Papers           []figureRow
	From, Until      string
	Rules            int
	Entries, Root    string
	Violations       string
	Key, Origin, URL string
	Small            int
	Source           string
}

// PublicPart is what everybody may know, as the public page shows it: how often
// powers were used, what the commission found, and how to check it oneself.
func PublicPart(q *httpd.Request, s *Service, key, url string) page.Part {
	p := say{q.Printer}
	x := s.Published(q.Printer)
	v := publicView{Ready: x.Ready, From: p.Date(x.From), Until: p.Date(x.Until.AddDate(0, 0, -1)), Rules: x.Rules, Entries: p.Number(int64(x.Entries)), Root: x.Root, Violations: x.Violations, Key: key, URL: url,
		Small: s.Numbers.Small.Value, Source: s.Numbers.Small.Source.In(p.Lang)}
	for _, f := range x.Figures {
		row := figureRow{p.T("desk.public." + f.Key), f.Shown}
		switch f.Key {
		case "approved":
			row.Label = p.T("desk.public.approved", "kind", p.T("selection.hub.kind."+f.Kind))
		case "paper":
			v.Papers = append(v.Papers, figureRow{p.kind(Kind(f.Kind)), f.Shown})
			continue
		}
		v.Figures = append(v.Figures, row)
	}
	return page.Part{Template: "desk/public", Data: v}
}
