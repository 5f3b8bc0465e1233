package request

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

// Listed is a request in a list.
type Listed struct {
	Request
	Machine  string `json:"machine"` // its name or address
	Provider string `json:"provider,omitempty"`
}

// View is a request with what who looks may see of it: all of it.
type View struct {
	Request Request  `json:"request"`
	Draft   Draft    `json:"draft"`
	Mails   []Mail   `json:"mails"`
	Answers []Answer `json:"answers"`
	Past    []Past   `json:"past"`
	Acts    []string `json:"acts"`             // that who looks may try
	Writer  bool     `json:"writer,omitempty"` // who looks wrote it, and another has to send it
	Stuck   bool     `json:"stuck,omitempty"`  // an intent has waited long for its outcome
	Name    string   `json:"name"`             // of the organisation that asks
}

// stuckAfter is how long an intent may lack its outcome before it is shown.
const stuckAfter = time.Hour

// List lists requests within reach, the newest first.
func (s *Service) List(ctx context.Context, f Filter) (out []Listed, next string, err error) {
	err = s.read(ctx, "request.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		list, more, err := listed(ctx, tx, f, who, reach)
		if err != nil {
			return err
		}
		next = more
		for i := range list {
			var d Draft
			if err := s.Keys.OpenJSON(ctx, tx, list[i].Org, list[i].sealed, objectOf(list[i].ID), &d); err != nil {
				return err
			}
			out = append(out, Listed{list[i], d.Subject.At(), provider(&d)})
		}
		return nil
	})
	return out, next, err
}

// provider names whom a request goes to.
func provider(d *Draft) string {
	switch {
	case d.To.Provider != "":
		return d.To.Provider
	case d.To.Name != "":
		return d.To.Name
	}
	return domainOf(d.To.Mail)
}

// Show returns a request, by its id or its number. Fault: ErrNone.
func (s *Service) Show(ctx context.Context, id ID) (v View, err error) {
	err = s.read(ctx, "request.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		r, err := load(ctx, tx, id, who, reach, false)
		if err != nil {
			return err
		}
		v = View{Request: r, Mails: []Mail{}, Answers: []Answer{}, Past: []Past{}, Acts: []string{}}
		if err := s.Keys.OpenJSON(ctx, tx, r.Org, r.sealed, objectOf(r.ID), &v.Draft); err != nil {
			return err
		}
		if err := s.papers(ctx, tx, &r, &v, reach); err != nil {
			return err
		}
		lang, _ := text.ParseLang(who.Lang)
		if v.Name, err = s.nameOf(ctx, tx, lang, r.Org); err != nil {
			return err
		}
		if reach == gate.Own && Access.Reach(who, "request.draft") == gate.Own {
			v.Acts, v.Writer = open(r.State, &r.Facts), r.writer == who.Person
			if v.Writer && !armed(who) && r.Chain == "" {
				desk, err := s.deskOf(ctx, tx, r.Org)
				if err != nil && !errors.Is(err, ErrNone) {
					return err
				}
				v.Writer = !desk.OneEnough
			}
			if r.Way != InHand {
				v.Acts = slices.DeleteFunc(v.Acts, func(a string) bool { return a == "sent" || a == "fail" })
			}
		}
		if i := slices.IndexFunc(v.Mails, func(m Mail) bool { return m.ID == r.mail }); i >= 0 && r.State == Sending {
			v.Stuck = s.now().Sub(v.Mails[i].MeantAt) > stuckAfter
		}
		return nil
	})
	return v, err
}

// papers opens the mails, the answers and the history. Names of people are for
// their own organisation.
func (s *Service) papers(ctx context.Context, tx *db.Tx, r *Request, v *View, reach gate.Reach) error {
	list, err := mailsOf(ctx, tx, r.ID, r.mail)
	if err != nil {
		return err
	}
	for _, m := range list {
		var e envelope
		if err := s.Keys.OpenJSON(ctx, tx, r.Org, m.sealed, "request_mail/"+m.ID, &e); err != nil {
			return err
		}
		m.To = e.To
		v.Mails = append(v.Mails, m)
	}
	answers, err := loadAnswers(ctx, tx, r.ID)
	if err != nil {
		return err
	}
	for _, x := range answers {
		var in AnswerInput
		if err := s.Keys.OpenJSON(ctx, tx, r.Org, x.sealed, "request_answer/"+x.ID, &in); err != nil {
			return err
		}
		x.Text = in.Text
		v.Answers = append(v.Answers, x)
	}
	past, err := loadPast(ctx, tx, r.ID)
	if err != nil {
		return err
	}
	for _, p := range past {
		var w remembered
		if err := s.Keys.OpenJSON(ctx, tx, r.Org, p.sealed, "request_past/"+p.ID, &w); err != nil {
			return err
		}
		if p.Says = w.Says; reach == gate.Own {
			p.Name = w.Name
		}
		v.Past = append(v.Past, p)
	}
	return nil
}

// Bounds of figures.
const (
	maxFigures   = 20_000 // requests
	maxProviders = 50
	figureDays   = 365
)

// Figures are how requests of the last year went, of those that somebody may see;
// by provider for the organisation that asked alone.
func (s *Service) Figures(ctx context.Context) (f Figures, err error) {
	err = s.read(ctx, "request.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		now := s.now()
		f = Figures{Since: now.AddDate(0, 0, -figureDays), Kinds: []Figure{}, Providers: []Figure{}}
		list, err := sentSince(ctx, tx, who, reach, f.Since, maxFigures+1)
		if err != nil {
			return err
		}
		if f.Cut = len(list) > maxFigures; f.Cut {
			list = list[:maxFigures]
		}
		total, kinds, providers := summed(list, now)
		f.Total = total.figure()
		for _, k := range Kinds {
			if kinds[k] != nil {
				f.Kinds = append(f.Kinds, kinds[k].figure())
			}
		}
		if reach != gate.Own {
			return nil
		}
		var most []*tally
		for _, t := range providers {
			most = append(most, t)
		}
		slices.SortFunc(most, func(a, b *tally) int {
			if a.Sent != b.Sent {
				return b.Sent - a.Sent
			}
			return strings.Compare(b.id, a.id)
		})
		for _, t := range most[:min(len(most), maxProviders)] {
			r, err := load(ctx, tx, t.id, who, reach, false)
			if err != nil {
				return err
			}
			var d Draft
			if err := s.Keys.OpenJSON(ctx, tx, r.Org, r.sealed, objectOf(r.ID), &d); err != nil {
				return err
			}
			x := t.figure()
			x.Provider = provider(&d)
			f.Providers = append(f.Providers, x)
		}
		return nil
	})
	return f, err
}

// Ordered is an order as the carrier sees it: the paper, and that it was received
// and carried out. Nothing else of a request is theirs to know.
type Ordered struct {
	Instruction
	ID          ID        `json:"id"`
	Paper       string    `json:"paper"`  // signed, as it was issued
	Office      string    `json:"office"` // name of who ordered it, whom to call
	Key         string    `json:"key"`    // name of the key that signed
	State       State     `json:"state"`
	SentAt      time.Time `json:"sent_at"`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`
	DoneAt      time.Time `json:"done_at,omitzero"`
}

// Orders lists the orders to one's own organisation, the newest first.
func (s *Service) Orders(ctx context.Context, cursor string, limit int) (out []Ordered, next string, err error) {
	err = s.read(ctx, "request.orders", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		list, more, err := listed(ctx, tx, Filter{Cursor: cursor, Limit: limit}, who, reach)
		if err != nil {
			return err
		}
		next = more
		for i := range list {
			o, err := s.ordered(ctx, tx, who, &list[i])
			if err != nil {
				return err
			}
			out = append(out, o)
		}
		return nil
	})
	return out, next, err
}

// ordered opens the last paper that went out of a request.
func (s *Service) ordered(ctx context.Context, tx *db.Tx, who gate.Identity, r *Request) (o Ordered, err error) {
	list, err := mailsOf(ctx, tx, r.ID, "")
	if err != nil {
		return o, err
	}
	if len(list) == 0 {
		return o, ErrNone
	}
	m := list[len(list)-1]
	var e envelope
	if err := s.Keys.OpenJSON(ctx, tx, r.Org, m.sealed, "request_mail/"+m.ID, &e); err != nil {
		return o, err
	}
	v, err := show(e.Raw)
	if err != nil {
		return o, err
	}
	i := slices.IndexFunc(v.Parts, func(p ShownPart) bool { return p.Type == "application/json" })
	if i < 0 {
		return o, ErrNone
	}
	o = Ordered{ID: r.ID, Paper: v.Parts[i].Text, Key: s.Verifier.Name(), State: r.State, SentAt: r.SentAt, ConfirmedAt: r.AnswerAt, DoneAt: r.GoneAt}
	if o.Instruction, err = OpenInstruction([]byte(o.Paper), s.Verifier); err != nil {
		return o, err
	}
	names, err := s.Orgs.NamesFor(ctx, tx, who, r.Org)
	o.Office = names[r.Org]
	return o, err
}

// Confirm writes down that a carrier received an order, or carried it out; twice is
// once. Faults: ErrNone, ErrMove.
func (s *Service) Confirm(ctx context.Context, id ID, done bool) (o Ordered, err error) {
	_, err = s.do(ctx, id, "request.confirm", nil, func(a *at) error {
		if done && !a.r.GoneAt.IsZero() || !done && !a.r.AnswerAt.IsZero() {
			a.act.Public = map[string]any{"again": true}
			o, err = s.ordered(a.ctx, a.tx, a.who, a.r)
			return err
		}
		name := "acknowledge"
		if a.r.AnswerAt.IsZero() {
			a.r.AnswerAt = a.now
		}
		if a.r.NextAt = (time.Time{}); done {
			name, a.r.GoneAt = "act", a.now
		} else if err := s.next(a); err != nil {
			return err
		}
		a.who.Name = "" // the carrier's people are its own matter
		if err := s.step(a, name, Theirs); err != nil {
			return err
		}
		o, err = s.ordered(a.ctx, a.tx, a.who, a.r)
		return err
	})
	return o, err
}

// carriers lists the carriers on this hub, for those who command; who carries out is
// told by them which one it is.
func (s *Service) carriers(ctx context.Context) (out []org.Org, err error) {
	who, ok := gate.From(ctx)
	if !ok || !armed(who) || !commands(who) {
		return nil, nil
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error { out, err = s.Orgs.Bodies(ctx, tx, org.Carrier); return err })
	return out, err
}
