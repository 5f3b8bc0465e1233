package oversight

import "noroshi/internal/measure"

// theRequest is a request to others as far as it is power: its mail, as somebody
// checked it. One that is no step of a measure anybody may send.
type theRequest struct {
	digest [64]byte
	entry  uint64
}

// checkedMail is a mail that somebody looked through: from then on it is that text and
// no other.
func (r *Replay) checkedMail() {
	noun, x, ok := about(r.e.object)
	if _, step := r.e.fact("chain"); !step || !ok || string(noun) != "request" {
		return
	}
	q := theRequest{entry: r.e.index}
	copy(q.digest[:], r.e.text("digest"))
	r.requests[x] = q
}

// sentMail is the intent to send a request that is a step of a measure: the step was
// begun by two, the mail is the one that was checked, and another sends it than
// wrote it.
func (r *Replay) sentMail() {
	name, ok := r.e.fact("chain")
	if !ok || string(r.e.text("phase")) == "outcome" {
		return
	}
	x, _ := idOf(unquote(name))
	c := r.chains[x]
	if !r.check(ruleMeasureRequest, c != nil, "chain_unknown") {
		return
	}
	s, number := &c.step, r.e.number("step")
	done, _ := idOf(r.e.text("done"))
	r.checkAt(ruleMeasureRequest, s.open() && s.going && s.number == number && done == s.name && c.asks(number), "request_step", []uint64{c.plan.entry}, "n", number)
	r.checkAt(ruleMeasureRequest, r.samePlan(c) && (c.granted(r.e.at) || c.hasty(r.e.at)) && r.e.at < r.e.time("until"), "request_power", []uint64{c.plan.entry})
	_, y, _ := about(r.e.object)
	q, known := r.requests[y]
	r.checkAt(ruleMeasureRequest, known && string(r.e.text("digest")) == trim(q.digest[:]), "request_mail", []uint64{q.entry})
	r.checkAt(ruleMeasureRequest, r.who(r.e.text("sender")) == r.who(r.e.who) && r.who(r.e.text("writer")) != r.who(r.e.who), "request_two", []uint64{q.entry})
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
