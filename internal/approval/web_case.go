package approval

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/thread"
)

// form is an act that is open to who looks.
type form struct {
	To, Title, Word, Kind, Hint string
	Fields                      []page.Field
}

// acts are the forms of a case: several stand on one page, so each field is
// named after its act.
func (p say) forms(v *View) (out []form) {
	area := func(name, label string, need page.Need, rows int) page.Field {
		return page.Field{Name: name, Kind: "textarea", Label: p.T(label), Need: need, Rows: rows, Limit: maxWords}
	}
	one := func(act, to, kind string, fields ...page.Field) {
		if slices.Contains(v.Acts, act) {
			f := form{To: to, Title: p.T("approval.act." + act), Word: p.T("approval.act." + act + "_do"), Kind: kind, Fields: fields}
			if key := "approval.act." + act + "_hint"; p.Has(key) {
				f.Hint = p.T(key)
			}
			out = append(out, f)
		}
	}
	if v.Case.Open > 0 {
		one("answer", "answer", "primary", area("answer_text", "approval.web.answer", page.Required, 4))
	}
	one("examine", "examine", "primary", area("examine_text", "approval.web.opinion", page.Required, 6))
	one("vote", "vote", "primary",
		page.Field{Name: "choice", Kind: "choice", Label: p.T("approval.web.choice"), Need: page.Required, Options: p.options("approval.choice.", string(For), string(Against))},
		page.Field{Name: "opinion", Kind: "textarea", Label: p.T("approval.web.your_opinion"), Need: page.Optional, Hint: p.T("approval.web.opinion_hint"), Rows: 4, Limit: maxWords},
		page.Field{Name: "conditions", Kind: "textarea", Label: p.T("approval.web.your_conditions"), Need: page.Optional, Hint: p.T("approval.web.lines_hint"), Rows: 3})
	if v.Tally != nil && v.Tally.Closes {
		fields := []page.Field{area("decide_reason", "approval.web.decision_reason", page.Required, 4)}
		if v.Tally.Passes {
			fields = append(fields, page.Field{Name: "decide_conditions", Kind: "textarea", Label: p.T("approval.web.more_conditions"), Need: page.Optional, Hint: p.T("approval.web.lines_hint"), Rows: 3},
				page.Field{Name: "decide_until", Kind: "datetime", Label: p.T("approval.web.shorter"), Need: page.Optional, Hint: p.T("approval.web.narrow_hint")},
				page.Field{Name: "decide_cap", Kind: "number", Label: p.T("approval.web.lower"), Need: page.Optional, Unit: "GB", Hint: p.T("approval.web.narrow_hint")})
			fields = append(fields, p.lessFields(v)...)
		}
		one("decide", "decide", "", fields...)
	}
	one("question", "question", "", area("question_text", "approval.web.question", page.Required, 3))
	one("withdraw", "withdraw", "quiet", area("withdraw_reason", "approval.web.reason", page.Required, 2))
	one("give_up", "give-up", "quiet", area("give_up_reason", "approval.web.reason", page.Required, 2))
	one("revoke", "revoke", "stop", area("revoke_reason", "approval.web.reason", page.Required, 3))
	return out
}

// lessFields ask the chair what of an application is not granted.
func (p say) lessFields(v *View) (out []page.Field) {
	a := &v.Case.Asked
	boxes := func(name, label string, values []string, word func(string) string) {
		f := page.Field{Name: name, Kind: "choices", Label: p.T(label), Need: page.Optional}
		for _, x := range values {
			f.Options = append(f.Options, page.Option{Value: x, Label: word(x)})
		}
		if len(f.Options) > 0 {
			out = append(out, f)
		}
	}
	if v.Case.kind != Reidentify {
		out = append(out, page.Field{Name: "decide_retain", Kind: "number", Label: p.T("approval.web.fewer_days"), Need: page.Optional, Unit: p.T("approval.web.unit_days"), Hint: p.T("approval.web.narrow_hint")})
	}
	if a.Addresses == "plain" {
		out = append(out, page.Field{Name: "decide_pseudonyms", Kind: "choices", Label: p.T("approval.web.addresses"), Need: page.Optional, Options: []page.Option{{Value: "1", Label: p.T("approval.web.less_pseudonyms")}}})
	}
	boxes("decide_without_fields", "approval.web.without_fields", ordered(a.Fields), p.field)
	boxes("decide_without_recipients", "approval.web.without_recipients", a.Recipients, func(r string) string { return p.recipient(r, v.Names) })
	return out
}

func pagesCase(r *httpd.Router, s *Service) {
	r.Page("GET /approvals/{id}", func(q *httpd.Request) error { return showCase(q, s, nil) })
	r.Page("GET /approvals/{id}/uses", func(q *httpd.Request) error { return showUses(q, s) })
	r.Page("GET /approvals/{id}/order", func(q *httpd.Request) error {
		raw, err := s.Paper(q.Context(), q.Path("id"))
		if err != nil {
			return err
		}
		return q.Download("order.json", "application/json", bytes.NewReader(raw))
	})
	act := func(path, prefix string, do func(q *httpd.Request, id ID) error) {
		r.Page("POST /approvals/{id}/"+path, func(q *httpd.Request) error {
			err := do(q, q.Path("id"))
			if formFault(err) {
				return showCase(q, s, renamed(err, prefix))
			}
			if err != nil {
				return err
			}
			return q.Redirect("/approvals/" + q.Path("id"))
		})
	}
	act("question", "question_", func(q *httpd.Request, id ID) error { return s.Question(q.Context(), id, q.Form("question_text")) })
	act("answer", "answer_", func(q *httpd.Request, id ID) error { return s.Answer(q.Context(), id, q.Form("answer_text")) })
	act("examine", "examine_", func(q *httpd.Request, id ID) error { return s.Examine(q.Context(), id, q.Form("examine_text"), nil) })
	act("vote", "", func(q *httpd.Request, id ID) error {
		_, err := s.Vote(q.Context(), id, NewVote{Choice: Choice(q.Form("choice")), Opinion: q.Form("opinion"), Conditions: lines(q.Form("conditions"))})
		return err
	})
	act("decide", "decide_", func(q *httpd.Request, id ID) error {
		d := Decision{Reason: q.Form("decide_reason"), Conditions: lines(q.Form("decide_conditions"))}
		var bad mistakes
		until, place := page.ReadTime(q.Forms(), "decide_until")
		if place != nil {
			bad.add("until", place.Code)
		}
		gb, days := bad.number("cap", q.Form("decide_cap")), bad.number("retain", q.Form("decide_retain"))
		if d.Until = until; gb > maxQuantity/gigabyte {
			bad.add("cap", "approval.bad.cap_large")
		}
		if err := bad.err(); err != nil {
			return err
		}
		d.Cap.Bytes = uint64(gb) * gigabyte
		d.Less = Less{int(min(days, 1<<20)), q.Form("decide_pseudonyms") == "1", q.Forms()["decide_without_fields"], q.Forms()["decide_without_recipients"]}
		_, err := s.Decide(q.Context(), id, d)
		return err
	})
	act("withdraw", "withdraw_", func(q *httpd.Request, id ID) error { return s.Withdraw(q.Context(), id, q.Form("withdraw_reason")) })
	act("give-up", "give_up_", func(q *httpd.Request, id ID) error { return s.GiveUp(q.Context(), id, q.Form("give_up_reason")) })
	act("revoke", "revoke_", func(q *httpd.Request, id ID) error { return s.Revoke(q.Context(), id, q.Form("revoke_reason")) })
}

// lines are the lines of a text that say something.
func lines(s string) (out []string) {
	for l := range strings.Lines(s) {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

// renamed says a fault at the fields that it stands at on this page.
func renamed(err error, prefix string) error {
	out := *fault.Of(err)
	out.Places = slices.Clone(out.Places)
	for i := range out.Places {
		out.Places[i].At = prefix + out.Places[i].At
	}
	if len(out.Places) == 0 && (out.Code == thread.ErrEmpty.Code || out.Code == thread.ErrLong.Code) {
		out.Places = []fault.Place{{At: prefix + "text", Code: out.Code, Args: out.Args}}
	}
	return &out
}

type messageLine struct {
	Who               string
	At                time.Time
	Text              string
	Question, Waiting bool
}

type voteLine struct {
	Who, Seal, Word, Opinion string
	Conditions               []string
	At                       time.Time
	Dissent                  bool
}

type caseView struct {
	Head      page.Head
	ID        ID
	State     string
	Tag       string
	Due       page.Due
	Runs      bool
	Inside    bool   // of the commission
	Decided   string // in one sentence
	Ended     string
	Turn      *turn
	Left      *page.Facts
	Terms     string // title of the terms
	Reason    string
	Guards    []guard
	Met, All  int
	Core      page.Facts
	Grounds   page.Facts
	Messages  []messageLine
	Opinion   *Opinion
	Votes     []voteLine
	Seats     []string // of members who have not voted
	Tally     string
	Beside    []besideLine
	Columns   *page.List
	Compare   []compareRow
	Heads     *page.List
	Steps     []page.Step
	Persons   page.Facts
	Forms     []form
	Extends   string
	Extended  string
	Extend    bool
	Order     string
	Selectors string // digest of the list
	Uses      int
	Confirm   string
	Key       string // where the key of its pseudonyms is made, while nothing was read
}

// showCase is the case file: the requirements, the talk, the opinion and the
// votes, the terms, and the acts open to who looks.
func showCase(q *httpd.Request, s *Service, bad error) error {
	p := say{q.Printer}
	x, err := s.Show(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	c := &x.Case
	v := caseView{ID: c.ID, State: p.state(c.State), Tag: stateTag[c.State], Runs: c.Runs(q.Now()), Inside: x.Tally != nil || c.kind == Agreement && x.Side != AskerSide && x.Side != HandlerSide,
		Decided: p.decided(&x), Ended: p.ended(c, q.Now()), Turn: p.turn(&x, q.Who.Person), Left: p.left(c, q.Now()), Terms: p.T("approval.web.terms"), Reason: c.Reason, Opinion: x.Opinion, Forms: p.forms(&x), Extends: c.Asked.Extends, Extended: x.Extended, Order: c.Order, Selectors: c.Asked.Selectors.Hash, Uses: c.Uses}
	if c.Order != "" {
		v.Terms = p.T("approval.web.granted")
	}
	v.Head = page.Head{H1: c.Number + "　" + p.kind(c.Asked.Kind), Lead: p.T("approval.web.asked_by", "org", x.Names[c.Org]), Crumbs: []page.Crumb{{Text: p.T("approval.web.title"), Href: "/approvals"}, {Text: c.Number}}}
	if c.Asked.Measure != "" { // whose plan it is, for who may see that too
		v.Head.Acts = []page.Act{{Text: p.T("approval.web.measure"), Href: "/measures/" + c.Asked.Measure, Kind: "small", Icon: "target"}}
	}
	v.Due = page.Due{At: c.Until, MetAt: c.EndedAt, Word: p.T("approval.web.until")}
	switch {
	case v.Runs:
		v.Due = page.Due{At: c.Until}
	case c.State == Asked || c.State == Examined || c.State == Approved && q.Now().Before(c.Asked.From):
		v.Due = page.Due{Word: p.T("approval.web.begins", "at", c.Asked.From)} // a day begins at 0:00; a deadline would say 24:00
	}
	v.Guards = s.guards(p, &x, q.Now())
	for _, g := range v.Guards {
		if g.By == p.T("approval.web.by_program") {
			v.All++
			if g.Class == "ok" {
				v.Met++
			}
		}
	}
	v.Core, v.Grounds = page.Facts{Rows: p.core(c, x.Names), Tight: true}, page.Facts{Rows: p.grounds(c)}
	for _, m := range x.Messages {
		v.Messages = append(v.Messages, messageLine{x.Names[m.From], m.At, m.Text, m.Kind == thread.Question, m.Kind == thread.Question && m.AnsweredAt.IsZero()})
	}
	for _, t := range x.Votes {
		l := voteLine{Who: t.Person, Seal: p.T("approval.seal." + string(t.Choice)), Word: p.T("approval.choice." + string(t.Choice)), Opinion: t.Opinion, Conditions: t.Conditions, At: t.At}
		if n := x.Tally; n != nil && n.For != n.Against { // of those whom the majority outvoted
			l.Dissent = (t.Choice == For) != (n.For > n.Against)
		}
		v.Votes = append(v.Votes, l)
	}
	if x.Tally != nil && c.State != Asked {
		v.Tally = p.tally(x.Tally)
		for i := len(x.Votes); i < x.Tally.Members && c.State == Examined; i++ {
			v.Seats = append(v.Seats, p.T("approval.web.not_yet"))
		}
	}
	v.beside(p, &x)
	v.persons(p, &x)
	for _, h := range x.Past {
		v.Steps = append(v.Steps, page.Step{Kind: "done", At: h.At, What: p.happened(h.To), Note: h.Reason})
	}
	if len(v.Steps) > 0 {
		v.Steps[len(v.Steps)-1].Kind = "here"
	}
	v.Extend = v.Runs && x.Extended == "" && slices.Contains(x.Acts, "extend") && s.Rules.Row(c.kind, "extension_months").Value > 0
	v.Confirm = p.confirmed(c)
	if (x.Side == AskerSide || x.Side == HandlerSide) && c.State == Approved && c.kind.selects() && c.Uses == 0 && c.granted().Addresses == "pseudonym" {
		v.Key = "/selection/keys"
	}
	if bad != nil {
		var groups []askGroup
		for _, f := range v.Forms {
			groups = append(groups, askGroup{Fields: f.Fields})
		}
		bad = p.named(bad, groups)
	}
	return render(q, "approval/case", v.Head.H1, v, bad)
}

// persons says on which side which organisation acted.
func (v *caseView) persons(p say, x *View) {
	sides := map[Side][]string{}
	for _, h := range x.Past {
		if name := x.Names[h.Org]; name != "" && !slices.Contains(sides[h.By], name) {
			sides[h.By] = append(sides[h.By], name)
		}
	}
	for _, by := range []Side{AskerSide, ExaminerSide, MemberSide} {
		v.Persons.Rows = append(v.Persons.Rows, page.Fact{Name: p.T("approval.side." + string(by)), Value: cmp.Or(strings.Join(sides[by], p.T("approval.web.comma")), p.T("approval.web.not_yet"))})
	}
	v.Persons.Tight = true
}

type useLine struct {
	At, EndedAt          time.Time
	Going                bool
	Taken, Outcome, What string
}

type refusalLine struct {
	At     time.Time
	Reason string
	Verb   string
}

type usesView struct {
	Head     page.Head
	Figure   *page.Figure
	Facts    page.Facts
	Uses     []useLine
	Refusals []refusalLine
	List     *page.List
	Refused  *page.List
	Empty    *page.Empty
}

// showUses is every use that was made of an approval, and every refusal.
func showUses(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	x, err := s.Uses(q.Context(), q.Path("id"), q.Query("after"), 50)
	if err != nil {
		return err
	}
	c := &x.Case
	v := usesView{Head: page.Head{H1: p.T("approval.web.uses_of", "number", c.Number), Lead: p.T("approval.web.uses_lead"), Crumbs: []page.Crumb{{Text: p.T("approval.web.title"), Href: "/approvals"}, {Text: c.Number, Href: "/approvals/" + c.ID}, {Text: p.T("approval.web.uses")}}}}
	v.Facts.Rows = []page.Fact{{Name: p.T("approval.web.state"), Value: p.state(c.State)}, {Name: p.T("approval.web.period"), Value: p.Time(c.Asked.From) + " – " + p.Time(c.Until)},
		{Name: p.T("approval.web.taken"), Value: p.T("approval.web.taken_of", "taken", p.quantity(c.Spent), "cap", p.quantity(c.Cap))}}
	for _, u := range x.Uses {
		v.Uses = append(v.Uses, useLine{u.At, u.EndedAt, u.EndedAt.IsZero(), p.quantity(u.Taken), p.outcome(u.Outcome), p.verb(u.Verb)})
	}
	for _, r := range x.Refusals {
		v.Refusals = append(v.Refusals, refusalLine{r.At, p.refusal(r.Reason), p.verb(r.Verb)})
	}
	if len(v.Uses) > 0 {
		v.Figure = p.draw(&x)
	} else {
		v.Empty = &page.Empty{Title: p.T("approval.web.uses_empty"), Say: p.T("approval.web.uses_empty_say")}
	}
	v.List = &page.List{Path: "/approvals/" + c.ID + "/uses", Query: q.Queries(), Next: x.Next, Size: 50, From: 1, Shown: len(v.Uses), Total: -1,
		Columns: []page.Column{{Title: p.T("approval.web.began")}, {Title: p.T("approval.web.ended")}, {Title: p.T("approval.web.taken"), Num: true}, {Title: p.T("approval.web.outcome")}}}
	v.Refused = &page.List{Columns: []page.Column{{Title: p.T("approval.web.when")}, {Title: p.T("approval.web.why")}}}
	return render(q, "approval/uses", v.Head.H1, v, nil)
}
