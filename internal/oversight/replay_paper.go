package oversight

// thePaper is a notice, a request or a recommendation of the commission as entries
// show it (arts 66 to 68): who wrote it, who put it forward, and where it stands.
type thePaper struct {
	org      person // of the commission
	body     person // that it is addressed to
	kind     string
	state    string
	drafter  person // who wrote it last
	proposer person
	due      int64
	entry    uint64
}

// paperStep is one lawful move of a paper.
type paperStep struct{ act, from, to string }

// paperSteps are all lawful moves of a paper.
var paperSteps = []paperStep{
	{"draft", "", "drafted"}, {"revise", "drafted", "drafted"}, {"propose", "drafted", "proposed"}, {"back", "proposed", "drafted"}, {"settle", "proposed", "sent"},
	{"drop", "drafted", "dropped"}, {"drop", "proposed", "dropped"}, {"answer", "sent", "answered"}, {"answer", "answered", "answered"}, {"insist", "answered", "sent"},
	{"close", "answered", "closed"}, {"close", "sent", "closed"}, {"remind", "sent", "sent"},
}

// paperKinds are the kinds of papers.
var paperKinds = map[string]bool{"notice": true, "request": true, "recommendation": true}

// papered is an act on a paper: it leads from where the paper stands, the second
// member settles it, and the body that it is addressed to alone answers.
func (r *Replay) papered() {
	act := string(r.e.verb[len("oversight."):])
	if act == "remind" && r.e.has("opening") {
		r.unsealed()
		return
	}
	noun, x, ok := about(r.e.object)
	p, from, to := r.papers[x], string(r.e.text("from")), string(r.e.text("to"))
	known := ok && string(noun) == "oversight" && string(r.e.text("paper")) == string(x[:]) && (string(r.e.text("act")) == act || act == "remind" && string(r.e.text("act")) == "prompt")
	if act == "draft" {
		if !r.check(rulePaperSteps, known && p == nil && from == "" && to == "drafted" && paperKinds[string(r.e.text("kind"))], "paper_again") {
			return
		}
		p = &thePaper{org: r.who(r.e.org), entry: r.e.index}
		r.papers[x] = p
	} else if !r.check(rulePaperSteps, known && p != nil, "paper_unknown") {
		return
	}
	if act != "draft" && !r.checkAt(rulePaperSteps, from == p.state && paperMoves(act, from, to), "paper_step", []uint64{p.entry}, "from", p.state, "to", to) {
		return
	}
	r.paperApart(act, p)
	body, kind, due := r.who(r.e.text("body")), string(r.e.text("kind")), r.e.time("due")
	switch act {
	case "draft", "revise":
		p.drafter, p.proposer, p.body, p.kind = r.who(r.e.who), 0, body, kind
	default: // what it is, and to whom, changes by writing it anew alone
		r.checkAt(rulePaperSteps, body == p.body && kind == p.kind, "paper_other", []uint64{p.entry})
	}
	switch act {
	case "propose":
		p.proposer = r.who(r.e.who)
	case "back":
		p.proposer = 0
	case "settle", "insist":
		r.checkAt(rulePaperSteps, due > r.e.at, "paper_due", []uint64{p.entry})
		p.due = due
	case "remind":
		late := string(r.e.text("act")) == "remind" // the other says that its day is near
		r.checkAt(rulePaperSteps, len(r.e.who) == 0 && late == (r.e.at > p.due), "paper_early", []uint64{p.entry})
	}
	p.state = to
	r.paper()
}

// paperApart checks who acts: the commission on its paper, a second member where
// it is settled, and the body that it is addressed to where it is answered.
func (r *Replay) paperApart(act string, p *thePaper) {
	org, who := r.who(r.e.org), r.who(r.e.who)
	switch act {
	case "remind":
	case "answer":
		r.checkAt(rulePaperTwo, org == p.body, "paper_body", []uint64{p.entry})
	default:
		r.checkAt(rulePaperTwo, org == p.org && r.ofCommission(org), "paper_org", []uint64{p.entry})
	}
	if act == "settle" {
		r.checkAt(rulePaperTwo, who != p.drafter && p.proposer != 0 && who != p.proposer, "paper_alone", []uint64{p.entry})
	}
}

// ofCommission reports whether a body is the commission, as far as the log has
// shown which that is.
func (r *Replay) ofCommission(org person) bool {
	return r.commission.org == 0 || org == r.commission.org
}

func paperMoves(act, from, to string) bool {
	for _, s := range paperSteps {
		if s.act == act && s.from == from && s.to == to {
			return true
		}
	}
	return false
}
