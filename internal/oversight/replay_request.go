package oversight

import (
	"cmp"
	"slices"

	"noroshi/internal/measure"
)

// theRequest is a request to others as far as it is power: its mail, as somebody
// checked it. One that is no step of a measure anybody may send.
type theRequest struct {
	digest [64]byte
	mail   id
	org    person
	writer person // who wrote what stands in it now
	onHub  bool   // it is an order that was laid before a carrier on the hub
	entry  uint64
}

// theMail is one mail of a request that was meant to go out.
type theMail struct {
	request  id
	intent   uint64
	until    int64
	answered bool
	told     bool
}

// wroteMail is somebody who writes a request, or writes it anew: no mail of it that
// was looked through before goes out any more.
func (r *Replay) wroteMail() {
	noun, x, ok := about(r.e.object)
	if !ok || string(noun) != "request" {
		return
	}
	was, known := r.requests[x]
	switch step := r.e.has("chain"); {
	case step:
		r.requests[x] = theRequest{writer: r.who(r.e.who), org: was.org, onHub: was.onHub, entry: r.e.index}
	case known: // a step of no measure from now on
		was.writer, was.digest, was.mail = 0, [64]byte{}, id{}
		r.requests[x] = was
	}
}

// checkedMail is a mail that somebody looked through: from then on it is that text and
// no other.
func (r *Replay) checkedMail() {
	noun, x, ok := about(r.e.object)
	if _, step := r.e.fact("chain"); !step || !ok || string(noun) != "request" {
		return
	}
	q := theRequest{writer: r.requests[x].writer, entry: r.e.index, org: r.who(r.e.org)}
	copy(q.digest[:], r.e.text("digest"))
	q.mail, _ = idOf(r.e.text("mail"))
	r.requests[x] = q
}

// sentMail is the intent to send a request that is a step of a measure: the step was
// begun by two, the mail is the one that was checked, and another sends it than
// wrote it, by the entry of the writing; or what became of one that was sent by hand.
func (r *Replay) sentMail() {
	name, ok := r.e.fact("chain")
	if !ok {
		return
	}
	_, y, _ := about(r.e.object)
	if string(r.e.text("phase")) == "outcome" {
		r.answerMail(y)
		return
	}
	x, _ := idOf(unquote(name))
	c := r.chains[x]
	if !r.check(ruleMeasureRequest, c != nil, "chain_unknown") {
		return
	}
	s, number, until := &c.step, r.e.number("step"), r.e.time("until")
	done, _ := idOf(r.e.text("done"))
	mail, _ := idOf(r.e.text("mail"))
	r.checkAt(ruleMeasureRequest, s.open() && s.going && s.number == number && done == s.name && c.asks(number), "request_step", []uint64{c.plan.entry}, "n", number)
	r.checkAt(ruleMeasureRequest, r.samePlan(c) && (c.granted(r.e.at) || c.hasty(r.e.at)) && r.e.at < until, "request_power", []uint64{c.plan.entry})
	q, known := r.requests[y]
	r.checkAt(ruleMeasureRequest, known && string(r.e.text("digest")) == trim(q.digest[:]) && mail == q.mail, "request_mail", []uint64{q.entry})
	r.checkAt(ruleMeasureRequest, r.who(r.e.text("sender")) == r.who(r.e.who) && q.writer != 0 && q.writer == r.who(r.e.text("writer")) && q.writer != r.who(r.e.who), "request_two", []uint64{q.entry})
	have := r.mails[mail]
	if have != nil {
		r.checkAt(ruleRequestOutcome, false, "request_again", []uint64{have.intent})
		return
	}
	q.onHub = string(r.e.text("phase")) == "done"
	r.requests[y] = q
	r.mails[mail] = &theMail{request: y, intent: r.e.index, until: max(until, r.e.at), answered: q.onHub}
}

// outcomeOfMail is what the post told of a mail.
func (r *Replay) outcomeOfMail() {
	if _, x, _ := about(r.e.object); r.e.has("chain") {
		r.answerMail(x)
	}
}

// answerMail is what became of a mail: of one that was meant to go out, and in
// time. That it came back may be told later still.
func (r *Replay) answerMail(request id) {
	x, _ := idOf(r.e.text("mail"))
	m := r.mails[x]
	if !r.check(ruleRequestOutcome, m != nil && m.request == request, "request_unmeant") {
		return
	}
	r.checkAt(ruleRequestOutcome, m.answered || r.e.at <= m.until+r.tolerance.mail, "request_late", []uint64{m.intent})
	m.answered = true
}

// confirmedOrder is a carrier that has its order, or carried it out.
func (r *Replay) confirmedOrder() {
	if !r.e.has("chain") {
		return
	}
	_, x, _ := about(r.e.object)
	q, known := r.requests[x]
	r.checkAt(ruleMeasureRequest, known && q.onHub && r.who(r.e.org) != q.org, "request_confirm", []uint64{q.entry})
}

// overdueMails finds mails of which nobody said what became of them.
func (r *Replay) overdueMails(now int64) {
	var late []*theMail
	for _, m := range r.mails {
		if !m.answered && !m.told && now > m.until+r.tolerance.mail {
			late = append(late, m)
		}
	}
	slices.SortFunc(late, func(a, b *theMail) int { return cmp.Compare(a.intent, b.intent) })
	for _, m := range late {
		m.told = true
		r.owedBy(ruleRequestOutcome, "request_owed", "request/"+string(m.request[:]), m.intent)
	}
}

// asks reports whether a step of the plan is one by which others are asked.
func (c *theChain) asks(number uint64) bool {
	if number < 1 || number > uint64(len(c.plan.steps)) {
		return false
	}
	for _, k := range measure.Steps {
		if string(k.Kind) == c.plan.steps[number-1] {
			return k.Mode == measure.Asks
		}
	}
	return false
}
