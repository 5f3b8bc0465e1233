package request

import (
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// actForm is an act that is open to who looks.
type actForm struct {
	To, Title, Word, Kind, Say string
	Fields                     []page.Field
}

type mailLine struct {
	Mail
	Purpose, Way, Outcome, Tag string
}

type oneView struct {
	Head   page.Head
	ID     ID
	State  string
	Tag    string
	Due    page.Due
	Notes  []string
	Warns  []string
	Mail   *Shown
	Still  string // ready or went: it stands as it is; else it is what would go
	Chain  string
	Forms  []actForm
	Facts  page.Facts
	Victim page.Facts
	Mails  []mailLine
	Came   []Answer
	Steps  []page.Step
	Change bool
}

// at2 is where a request's pages are.
func at2(q *httpd.Request) string { return "/requests/" + q.Path("id") }

func pagesOne(r *httpd.Router, s *Service) {
	r.Page("GET /requests/{id}", func(q *httpd.Request) error { return showOne(q, s, nil) })
	r.Page("GET /requests/{id}/mail", func(q *httpd.Request) error {
		v, err := s.Preview(q.Context(), q.Path("id"))
		if err != nil {
			return err
		}
		return q.Download("request.eml", "message/rfc822", strings.NewReader(v.Raw))
	})
	act := func(path string, do func(q *httpd.Request, id ID) error) {
		r.Page("POST /requests/{id}/"+path, func(q *httpd.Request) error {
			err := do(q, q.Path("id"))
			if formFault(err) {
				return showOne(q, s, err)
			}
			if err != nil {
				return err
			}
			return q.Redirect(at2(q))
		})
	}
	act("check", func(q *httpd.Request, id ID) error { _, err := s.Check(q.Context(), id); return err })
	act("send", func(q *httpd.Request, id ID) error {
		_, err := s.Send(q.Context(), id, q.Form("digest"))
		return err
	})
	act("handed", func(q *httpd.Request, id ID) error {
		_, err := s.Handed(q.Context(), id, Handed{Sent: q.Form("sent") == "yes", Why: q.Form("why")})
		return err
	})
	act("answer", func(q *httpd.Request, id ID) error {
		in := AnswerInput{Says: Verdict(q.Form("says")), By: Teller(q.Form("by")), Text: q.Raw("text")}
		for name, to := range map[string]*time.Time{"came_at": &in.CameAt, "gone_at": &in.GoneAt} {
			if err := readTime(q, name, to); err != nil {
				return err
			}
		}
		_, err := s.Answer(q.Context(), id, in)
		return err
	})
	act("follow", func(q *httpd.Request, id ID) error {
		in := FollowInput{Purpose: Purpose(q.Form("purpose")), To: readContact(q)}
		if err := readTime(q, "by", &in.By); err != nil {
			return err
		}
		_, err := s.Follow(q.Context(), id, in)
		return err
	})
	act("close", func(q *httpd.Request, id ID) error {
		_, err := s.Close(q.Context(), id, q.Form("why_close"))
		return renamed(err, "text", "why_close")
	})
}

// readTime reads an instant that may be left out.
func readTime(q *httpd.Request, name string, to *time.Time) error {
	t, bad := page.ReadTime(q.Forms(), name)
	if bad != nil {
		return fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(*bad)
	}
	*to = t
	return nil
}

// renamed puts a fault's place where the page has its field.
func renamed(err error, from, to string) error {
	if err == nil {
		return nil
	}
	f := fault.Of(err)
	places := slices.Clone(f.Places)
	for i := range places {
		if places[i].At == from {
			places[i].At = to
		}
	}
	if len(places) == 0 {
		return err
	}
	return fault.New(f.Kind, f.Code, "n", len(places)).At(places...)
}

// showOne is a request: the next act, the mail as it goes, what came back, and what
// was done.
func showOne(q *httpd.Request, s *Service, bad error) error {
	p := say{q.Printer}
	x, err := s.Show(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	r, d := &x.Request, &x.Draft
	v := oneView{ID: r.ID, State: p.state(r.State), Tag: stateTag[r.State], Head: page.Head{H1: r.Number + "　" + d.Subject.At(), Lead: p.kind(r.Kind) + "　" + p.harm(r.Harm),
		Crumbs: []page.Crumb{{Text: p.T("request.web.title"), Href: "/requests"}, {Text: r.Number}}}}
	if r.State == Sent || r.State == Acknowledged {
		v.Due = page.Due{At: r.NextAt}
	}
	mail, err := s.Preview(q.Context(), r.ID)
	switch {
	case err == nil:
		v.Mail = &mail
		if r.State == Checked || r.State == Sending {
			v.Still = "ready"
		} else if r.State != Drafted && r.Digest != "" {
			v.Still = "went"
		}
	case !formFault(err) && fault.KindOf(err) != fault.NotFound && fault.KindOf(err) != fault.Refused:
		return err
	case formFault(err):
		v.Warns = append(v.Warns, p.Fault(err).Title)
	}
	if x.Stuck {
		v.Warns = append(v.Warns, p.T("request.web.stuck"))
	}
	v.Chain = r.Chain
	v.Change = slices.Contains(x.Acts, "change")
	v.Forms = p.forms(&x)
	v.Facts.Rows = p.facts(&x)
	v.Victim.Rows = p.hidden(d)
	for _, m := range x.Mails {
		l := mailLine{Mail: m, Purpose: p.T("request.purpose." + string(m.Purpose)), Way: p.T("request.way." + string(m.Way)), Outcome: p.T("request.outcome.waiting"), Tag: "plain"}
		if m.Outcome != "" {
			l.Outcome, l.Tag = p.state(m.Outcome), stateTag[m.Outcome]
		} else if m.MeantAt.IsZero() {
			l.Outcome = p.state(Checked)
		}
		if p.Has(m.Why) { // what the post says of its own
			l.Why = p.T(m.Why)
		}
		v.Mails = append(v.Mails, l)
	}
	v.Came = x.Answers
	for _, h := range x.Past {
		st := page.Step{Kind: "done", At: h.At, What: p.T("request.act." + h.Act), Note: h.Says}
		if h.Name != "" {
			st.What = p.T("request.web.by_whom", "what", st.What, "who", h.Name)
		}
		if p.Has(h.Says) {
			st.Note = p.T(h.Says)
		}
		v.Steps = append(v.Steps, st)
	}
	return render(q, "request/one", v.Head.H1, v, bad)
}

// rows are facts by name and value; what is empty is left out.
func (p say) rows(pairs ...string) (out []page.Fact) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, page.Fact{Name: p.T(pairs[i]), Value: pairs[i+1]})
		}
	}
	return out
}

func (p say) facts(x *View) []page.Fact {
	r, d := &x.Request, &x.Draft
	when := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return p.Time(t)
	}
	out := p.rows("request.web.asker", x.Name, "request.web.to", strings.Join(fields(d.To.Provider, d.To.Name, d.To.Mail), "\n"), "request.web.source", p.T("request.source."+string(d.To.Source)),
		"request.web.by", when(r.By), "request.web.sent_at", when(r.SentAt), "request.web.gone_at", when(r.GoneAt), "request.web.tlp", "TLP:"+d.TLP)
	for _, e := range d.Evidence {
		out = append(out, page.Fact{Name: p.T("request.web.evidence"), Value: e.Says, Note: strings.Join(fields(p.T("request.noun."+e.Noun), e.ID), " ")})
	}
	if r.Chain != "" {
		out = append(out, page.Fact{Name: p.T("request.web.measure"), Value: p.T("request.web.measure_step", "step", r.Step)})
	}
	return out
}

// hidden are the facts that no mail tells.
func (p say) hidden(d *Draft) []page.Fact {
	out := p.rows("request.web.victim", d.Victim.Who, "request.web.hide", strings.Join(d.Victim.Hide, "\n"))
	if d.Victim.Released {
		out = append(out, page.Fact{Name: p.T("request.web.released"), Value: p.T("request.web.released_yes")})
	}
	return out
}

// fields are those of some texts that are there.
func fields(all ...string) (out []string) {
	for _, s := range all {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// forms are those of the acts that are open to who looks, the likeliest first.
func (p say) forms(x *View) (out []actForm) {
	can := func(act string) bool { return slices.Contains(x.Acts, act) }
	add := func(to, kind, word string, fields ...page.Field) {
		out = append(out, actForm{To: to, Title: p.T("request.form." + word), Word: p.T("request.button." + word), Kind: kind, Fields: fields})
	}
	if can("check") {
		add("check", "primary", "check")
		out[len(out)-1].Say = p.T("request.form.check_say")
	}
	if can("send") {
		add("send", "primary", "send", page.Field{Name: "digest", Kind: "hidden", Value: x.Request.Digest})
		out[len(out)-1].Say = p.T("request.form.send_say")
		if x.Writer {
			out[len(out)-1].Say, out[len(out)-1].Word, out[len(out)-1].Fields = p.T("request.form.send_other"), "", nil
		}
	}
	if can("sent") {
		add("handed", "primary", "handed", page.Field{Name: "sent", Kind: "choice", Label: p.T("request.web.handed"), Need: page.Required, Options: p.options("request.handed.", "yes", "no")},
			page.Field{Name: "why", Label: p.T("request.web.why_not"), Need: page.Optional, Limit: 300})
		out[len(out)-1].Say = p.T("request.form.handed_say")
	}
	if can("act") {
		var says []page.Option
		for _, o := range []Verdict{SaysReceived, SaysGone, SaysNo} {
			if can(verdicts[o]) {
				says = append(says, page.Option{Value: string(o), Label: p.T("request.says." + string(o))})
			}
		}
		add("answer", "", "answer", page.Field{Name: "says", Kind: "choice", Label: p.T("request.web.says"), Need: page.Required, Options: says},
			page.Field{Name: "by", Kind: "select", Label: p.T("request.web.told_by"), Value: string(Recipient), Options: p.options("request.teller.", string(Recipient), string(OwnLogs), string(Third)), Hint: p.T("request.web.told_by_hint")},
			page.Field{Name: "text", Kind: "textarea", Label: p.T("request.web.answer"), Need: page.Required, Rows: 5, Hint: p.T("request.web.answer_hint")},
			page.Field{Name: "gone_at", Kind: "datetime", Label: p.T("request.web.gone_at"), Need: page.Optional})
	}
	if can("follow") {
		add("follow", "", "follow", page.Field{Name: "purpose", Kind: "choice", Label: p.T("request.web.purpose"), Need: page.Required, Options: []page.Option{
			{Value: string(FollowUp), Label: p.T("request.purpose.follow_up")},
			{Value: string(Escalation), Label: p.T("request.purpose.escalation"), Hint: p.T("request.web.escalation_hint"), Reveal: p.contactFields(Contact{}, page.Required)}}})
	}
	if can("close") {
		need := page.Required
		if x.Request.State == Acted {
			need = page.Optional
		}
		add("close", "quiet", "close", page.Field{Name: "why_close", Kind: "textarea", Label: p.T("request.web.why"), Need: need, Rows: 2, Limit: maxWords})
	}
	return out
}

func (p say) options(prefix string, ids ...string) (out []page.Option) {
	for _, id := range ids {
		out = append(out, page.Option{Value: id, Label: p.T(prefix + id)})
	}
	return out
}
