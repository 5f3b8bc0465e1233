package rogue

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/measure"
)

// strike is a chain of command while its case is made up. Every act is one of
// measure.Rules, measure.Talks or measure.Notices, and the guards hold of what it
// finds: a history that was not lawful by them stops the program.
type strike struct {
	*world
	object, chain string
	unit          string // organisation
	command       string
	superior      string
	officers      []string
	state         measure.State
	f             measure.Facts
	says          facts // what stays said
	at            time.Time
	kinds         []string // of the plan's steps
	until         time.Time
	approval      string
	fine          int    // members who found an emergency in order
	last          string // of them
}

// later lets minutes go by.
func (s *strike) later(minutes int) time.Time {
	s.at = s.at.Add(time.Duration(minutes) * time.Minute)
	return s.at
}

// find returns where an act leads by the rules of measures, and what it needs.
func (s *strike) find(act string, by measure.Side) (to measure.State, needs []string, ok bool) {
	for _, r := range measure.Rules {
		if r.Act == act && r.By == by && r.From == s.state {
			return r.To, r.Needs, true
		}
	}
	for _, t := range measure.Talks {
		if t.Act == act && t.By == by && slices.Contains(t.In, s.state) {
			return s.state, t.Needs, true
		}
	}
	for _, n := range measure.Notices {
		if n.Act == act && n.By == by && n.From == s.f.Notice {
			return s.state, n.Needs, true
		}
	}
	return "", nil, false
}

// act puts one act of the chain into the history.
func (s *strike) act(verb, name string, by measure.Side, who string, more facts) *act {
	to, needs, ok := s.find(name, by)
	if !ok {
		panic(fmt.Sprintf("BUG: rogue: %s of %s leads nowhere from %s", name, by, s.state))
	}
	for _, id := range needs {
		i := slices.IndexFunc(measure.Guards, func(g measure.Guard) bool { return g.ID == id })
		if !measure.Guards[i].Holds(&s.f) {
			panic(fmt.Sprintf("BUG: rogue: %s from %s: %s does not hold of %+v", name, s.state, id, s.f))
		}
	}
	if more["outcome"] == string(measure.Deviated) || name == "vouch" {
		to = measure.Stopped
	}
	from := s.state
	s.state = to
	if name == "grant" {
		s.f.Approved = true
	}
	a := s.say(verb, name, by, who, from, more)
	return a
}

// say writes the entry, as the hub does.
func (s *strike) say(verb, name string, by measure.Side, who string, from measure.State, more facts) *act {
	kind := "police"
	if s.f.Body == measure.Defence {
		kind = "defence"
	}
	pub := maps.Clone(s.says)
	maps.Copy(pub, facts{"chain": s.chain, "act": name, "by": string(by), "kind": kind, "body": string(s.f.Body), "from": string(from), "to": string(s.state), "unit": s.unit, "officers": len(s.officers),
		"emergency": s.f.Notice != "", "consulted": s.f.Consulted, "requested": s.f.Safety, "ordered": s.f.PrimeMinister, "overdue": s.f.Overdue, "seconded": s.f.Seconded, "shut": false, "barred": false})
	if s.f.Tried > 0 {
		pub["tried"] = s.f.Tried
	}
	if s.f.Place != "" {
		pub["place"] = string(s.f.Place)
	}
	if s.f.Notice != "" {
		pub["notice"] = string(s.f.Notice)
	}
	if s.f.Body == measure.Defence {
		pub["joint"] = s.f.Joint
	}
	maps.Copy(pub, more)
	a := s.does(s.at, who, "measure."+verb, s.object, pub)
	if s.f.Approved || verb == "ask" {
		a.Grant = s.approval
	}
	return a
}

// commands is an act of the command.
func (s *strike) commands(verb string, more facts) *act {
	return s.act(verb, verb, measure.CommandSide, s.command, more)
}

// unit makes the people of a chain of command, who are nobody else's.
func (w *world) unit(kind string) (s *strike) {
	w.units++
	org := fmt.Sprintf("O-%s-%d", kind, w.units)
	who := func(name string) string { return fmt.Sprintf("%s%d-%s@%s", kind, w.units, name, org) }
	return &strike{world: w, unit: org, command: who("command"), superior: who("superior"), officers: []string{who("officer1"), who("officer2")}, says: facts{}}
}

// open begins a case, assesses and locates, and designates two officers.
func (s *strike) open(at time.Time, body measure.Body, place measure.Place) {
	s.at, s.object, s.chain = at, "measure/"+s.uuid(at), s.uuid(at)
	s.f = measure.Facts{Body: body}
	s.commands("open", facts{"machine": "M-" + s.hash()[:12]})
	s.prepare(place)
}

func (s *strike) prepare(place measure.Place) {
	officers := s.officers
	s.officers = nil
	s.later(3)
	s.f.Unlawful, s.f.Danger, s.f.Urgent, s.f.Proportionate = true, true, true, true
	s.f.Organised, s.f.Indispensable = s.f.Body == measure.Defence, s.f.Body == measure.Defence
	s.commands("assess", facts{"unlawful": true, "danger": true, "urgent": true, "proportionate": true, "organised": s.f.Organised, "indispensable": s.f.Indispensable})
	s.later(2)
	s.f.Place = place
	s.commands("locate", nil)
	for _, o := range officers {
		s.later(1)
		s.officers = append(s.officers, o)
		name, _, _ := strings.Cut(o, "@")
		s.commands("designate", facts{"officer": "P-" + name})
	}
	s.f.Officers = true
}

// plan writes a plan that may be carried out from a while later on.
func (s *strike) plan(after time.Duration) {
	s.later(10)
	s.kinds = nil
	for range 1 + s.IntN(3) {
		s.kinds = append(s.kinds, string(measure.Steps[s.IntN(len(measure.Steps))].Kind))
	}
	from := s.at.Add(after).Truncate(time.Second)
	s.until = from.Add(time.Duration(6+s.IntN(40)) * time.Hour)
	s.f.Means, s.f.Priority, s.f.Lawful, s.f.Consulted, s.f.Safety, s.f.PrimeMinister, s.f.Seconded, s.f.Approved = true, true, false, false, false, false, false, false
	s.approval = ""
	for _, k := range []string{"approval", "worksheet", "order_until", "order", "conditions", "power_until"} {
		delete(s.says, k)
	}
	maps.Copy(s.says, facts{"plan": s.hash(), "window_from": rfc(from), "window_until": rfc(s.until)})
	s.commands("plan", facts{"steps": s.kinds})
}

// consult asks the Foreign Minister, where the machine is not believed in Japan;
// an objection or a recall at first is asked anew.
func (s *strike) consult() {
	if s.f.Place == measure.Japan {
		return
	}
	clerk := fmt.Sprintf("foreign%d@O-foreign", s.IntN(2))
	for try := range 1 + s.IntN(2) {
		s.later(7)
		s.f.Lawful, s.f.Consulted = true, false
		s.says["worksheet"] = s.hash()
		s.commands("consult", nil)
		s.later(9)
		if try == 0 && s.IntN(4) == 0 {
			s.act("answer", "object", measure.ConsultantSide, clerk, nil)
			continue
		}
		s.f.Consulted = true
		s.act("answer", "answer", measure.ConsultantSide, clerk, nil)
		return
	}
	s.later(7)
	s.says["worksheet"] = s.hash()
	s.commands("consult", nil)
	s.later(9)
	s.f.Consulted = true
	s.act("answer", "answer", measure.ConsultantSide, clerk, nil)
}

// ask lays the plan before the commission and has it decided; false where it was
// refused.
func (s *strike) ask() bool {
	s.later(15)
	id := s.uuid(s.at)
	s.approval = id
	s.says["approval"] = id
	s.commands("ask", nil)
	kind := approval.PolicePower
	if s.f.Body == measure.Defence {
		kind = approval.DefencePower
	}
	m := made{id: id, kind: kind, order: s.hash(), asker: s.command, from: s.at.Truncate(time.Second), until: s.until.Truncate(time.Second)}
	end, ok := s.deliberated(s.at, &m, "approval/"+id, "", 0)
	s.at = end.Add(5 * time.Second)
	if !ok {
		s.act("lapse", "refuse", measure.ClockSide, "", nil)
		s.f.Tried++
		s.f.Overdue = true // an emergency would need a superior
		return false
	}
	maps.Copy(s.says, facts{"order": m.order, "conditions": 0, "power_until": rfc(m.until)})
	s.f.Approved = true
	s.act("lapse", "grant", measure.ClockSide, "", nil)
	return true
}

// declare declares that there is no time; where something is overdue a superior
// signs before.
func (s *strike) declare() (due time.Time) {
	s.later(12)
	more := facts{"second_signature": false, "steps_n": len(s.kinds)}
	if s.f.Overdue {
		name, _, _ := strings.Cut(s.superior, "@")
		s.act("second", "second", measure.SuperiorSide, s.superior, facts{"superior": "P-" + name})
		s.f.Seconded = true
		s.later(1)
		more["second_signature"], more["superior"] = true, "P-"+name
	}
	due = s.at.Add(time.Hour)
	until := s.at.Add(6 * time.Hour)
	s.f.Notice, s.f.NoTime = measure.Due, true
	maps.Copy(s.says, facts{"declared_at": s.at.UTC().Format(time.RFC3339Nano), "expires_at": until.UTC().Format(time.RFC3339Nano), "notice_due_at": due.UTC().Format(time.RFC3339Nano)})
	s.commands("declare", more)
	return due
}

// signature is what acts on an emergency say of a superior.
func (s *strike) signature() facts {
	if !s.f.NoTime {
		return nil
	}
	if !s.f.Overdue {
		return facts{"second_signature": false}
	}
	name, _, _ := strings.Cut(s.superior, "@")
	return facts{"second_signature": true, "superior": "P-" + name}
}

// execute carries the plan out: steps that work, fail, are taken back, deviate,
// or are lost; it returns whether all was carried out.
func (s *strike) execute() {
	s.later(4)
	s.commands("authorise", s.signature())
	if from := moment(s.says["window_from"]); s.at.Before(from) {
		s.at = from
	}
	s.later(6)
	s.f.InWindow = true
	one, two := s.officers[0], s.officers[1]
	more := s.signature()
	if s.f.Approved {
		more = facts{"use": s.uuid(s.at)}
	}
	s.act("begin", "begin", measure.ExecutorSide, one, more)
	for n, kind := range s.kinds {
		again := true
		for again {
			again = false
			if s.IntN(2) == 0 {
				one, two = two, one
			}
			switch s.step(n+1, kind, one, two) {
			case measure.Failed, measure.Unsaid:
				again = s.IntN(2) == 0
			case measure.Deviated:
				return
			}
		}
	}
	s.later(3)
	if s.IntN(8) == 0 {
		s.act("stop", "stop", measure.MemberSide, s.one("member", 5), nil)
		return
	}
	s.act("finish", "finish", measure.ExecutorSide, two, nil)
}

// step is one step by two persons.
func (s *strike) step(n int, kind, one, two string) measure.Outcome {
	name := func(who string) string { who, _, _ = strings.Cut(who, "@"); return "P-" + who }
	s.later(2)
	id := s.uuid(s.at)
	s.f.InPlan = true
	s.act("intend", "intend", measure.ExecutorSide, one, facts{"step": n, "step_id": id, "step_kind": kind, "steps_n": len(s.kinds), "first": name(one), "step_phase": "intended"})
	s.f.Step = measure.Intended
	s.later(1)
	if s.IntN(9) == 0 {
		s.act("intend", "unsay", measure.ExecutorSide, one, facts{"step": n, "step_id": id, "outcome": "withdrawn", "first": name(one)})
		s.f.Step = ""
		return measure.Unsaid
	}
	s.act("go", "go", measure.ExecutorSide, two, facts{"step": n, "step_id": id, "first": name(one), "second": name(two), "step_phase": "gone"})
	s.f.Step = measure.Gone
	if s.f.Approved && strings.HasPrefix(kind, "own_") {
		s.later(1)
		s.carried(n)
	}
	if i := slices.IndexFunc(measure.Steps, func(k measure.Catalogue) bool { return string(k.Kind) == kind }); measure.Steps[i].Mode == measure.Asks {
		s.requested(n, id)
	}
	s.later(4)
	out := measure.Worked
	switch s.IntN(14) {
	case 0:
		out = measure.Failed
	case 1:
		out = measure.Deviated
	}
	s.act("outcome", "outcome", measure.ExecutorSide, one, facts{"step": n, "step_id": id, "outcome": string(out), "first": name(one), "second": name(two), "evidence": s.hash()})
	s.f.Step = ""
	return out
}

// conclude looks back and closes.
func (s *strike) conclude() {
	for _, verb := range []string{"review", "restore", "tell"} {
		s.later(20)
		s.commands(verb, nil)
	}
	s.f.Restored, s.f.Told = true, true
	s.later(5)
	s.commands("close", nil)
}

// notice tells the commission of an emergency, in time or after an alarm, and has
// it reviewed by a quorum.
func (s *strike) notice(due time.Time) {
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
	late := s.IntN(3) == 0 || !s.at.Before(due.Add(-time.Minute))
	if !late {
		s.later(1)
	} else {
		if s.at.Before(due) {
			s.at = due
		}
		s.at = s.at.Add(5 * time.Second)
		s.f.Late = true
		s.say("alarm", "alarm", measure.ClockSide, "", s.state, facts{"what": "notice"})
		s.later(30)
	}
	from := s.f.Notice
	review := s.at.AddDate(0, 0, 30)
	maps.Copy(s.says, facts{"noticed_at": stamp(s.at), "review_due_at": stamp(review)})
	s.f.Notice = measure.Noticed
	s.told("notify", "notify", measure.CommandSide, s.command, from, facts{"late": late})
	for i, v := range s.Perm(5)[:3+s.IntN(3)] {
		s.later(40)
		choice := "confirm"
		s.told("weigh", "weigh", measure.MemberSide, fmt.Sprint("member", v), measure.Noticed, facts{"choice": choice, "votes": i + 1, "late": false})
		s.fine = i + 1
		s.last = fmt.Sprint("member", v)
	}
	s.later(10)
	s.f.Notice = measure.Confirmed
	s.says["settled_at"] = stamp(s.at)
	s.told("settle", "confirm", measure.MemberSide, s.last, measure.Noticed, facts{"for": s.fine, "against": 0, "quorum": 3, "members": 5, "late": false})
}

// told is a step of the review of an emergency, wherever the chain stands.
func (s *strike) told(verb, name string, by measure.Side, who string, from measure.Notice, more facts) {
	if !slices.ContainsFunc(measure.Notices, func(n measure.NoticeRule) bool {
		return n.Act == name && n.By == by && n.From == from && n.To == s.f.Notice
	}) {
		panic("BUG: rogue: no rule of the review: " + name)
	}
	s.say(verb, name, by, who, s.state, more)
}

// case of measures: police alone, or the forces beside them.
func (w *world) measures(at time.Time) {
	s := w.unit("npa")
	body, place := measure.National, measure.Places[w.IntN(len(measure.Places))]
	if w.IntN(5) == 0 {
		body, place = measure.Prefecture, measure.Japan
	}
	s.open(at, body, place)
	if w.IntN(3) == 0 && body == measure.National {
		w.jointly(s, place)
	}
	s.plan(time.Duration(w.IntN(20)) * time.Minute)
	s.consult()
	switch w.IntN(5) {
	case 0, 1:
		due := s.declare()
		s.execute()
		s.notice(due)
		s.conclude()
		if w.IntN(2) == 0 {
			w.braked(s)
		}
	case 2:
		s.later(5)
		s.commands("drop", nil)
	default:
		asked := s.ask()
		if !asked && w.IntN(2) == 0 { // another plan, and the commission is asked again
			s.plan(time.Duration(w.IntN(20)) * time.Minute)
			s.consult()
			asked = s.ask()
		}
		if asked {
			s.execute()
			s.conclude()
		}
	}
}

// jointly puts the forces on a case of the police.
func (w *world) jointly(police *strike, place measure.Place) {
	s := w.unit("forces")
	s.at, s.object, s.chain = police.at, police.object, w.uuid(police.at)
	police.later(2)
	police.commands("invite", facts{"partner": s.unit, "partner_chain": s.chain})
	s.at = police.at
	s.f, s.state = measure.Facts{Body: measure.Defence}, measure.Opened
	s.f.Place = place // the strictest of the case
	s.prepare(place)
	s.plan(time.Hour)
	s.consult()
	s.f.Joint = true
	s.later(5)
	s.f.Safety = true
	s.act("agree", "agree", measure.SafetySide, "safety1@O-safety", nil)
	s.later(5)
	s.f.PrimeMinister, s.f.OrderRuns = true, true
	s.says["order_until"] = rfc(s.at.AddDate(0, 0, 9))
	s.act("order", "order", measure.MinisterSide, "minister1@O-cabinet", nil)
	if s.ask() {
		s.execute()
		s.conclude()
	}
	police.at = s.at.Add(time.Minute)
}

// braked is a second emergency of a unit that still owes the notice of a first.
func (w *world) braked(before *strike) {
	first := *before
	first.f, first.says = measure.Facts{}, facts{}
	first.state = ""
	first.open(before.at.Add(time.Hour), measure.National, measure.Japan)
	first.plan(0)
	due := first.declare()
	second := first
	second.says, second.f, second.state = facts{}, measure.Facts{}, ""
	second.open(due.Add(time.Minute), measure.National, measure.Japan)
	second.plan(0)
	second.f.Overdue = true
	w.alarm(&first, due)
	again := second.declare()
	second.execute()
	first.at = second.at.Add(time.Minute)
	first.tellLate()
	second.f.Overdue = false
	second.at = first.at
	second.notice(again)
	second.conclude()
	first.at = second.at.Add(time.Minute)
	if over := moment(first.says["expires_at"]); over.Before(first.at) { // time ended it before
		now := first.at
		first.at = over.Add(time.Second)
		first.f.NoTime = false
		first.act("lapse", "lapse", measure.ClockSide, "", nil)
		first.at = now
	} else {
		first.commands("stop", nil)
	}
	first.conclude()
}

// alarm is the alarm of a notice that is late.
func (w *world) alarm(s *strike, due time.Time) {
	at := s.at
	s.at = due.Add(5 * time.Second)
	s.say("alarm", "alarm", measure.ClockSide, "", s.state, facts{"what": "notice"})
	s.at = at
}

// tellLate is a notice after its alarm, and its review.
func (s *strike) tellLate() {
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
	maps.Copy(s.says, facts{"noticed_at": stamp(s.at), "review_due_at": stamp(s.at.AddDate(0, 0, 30))})
	s.f.Notice = measure.Noticed
	s.told("notify", "notify", measure.CommandSide, s.command, measure.Due, facts{"late": true})
	for i := range 3 {
		s.later(3)
		s.told("weigh", "weigh", measure.MemberSide, fmt.Sprint("member", i), measure.Noticed, facts{"choice": "advise", "votes": i + 1, "late": false})
	}
	s.later(3)
	s.f.Notice = measure.Advised
	s.says["settled_at"] = stamp(s.at)
	s.told("settle", "advise", measure.MemberSide, "member1", measure.Noticed, facts{"for": 0, "against": 3, "quorum": 3, "members": 5, "late": false})
}

// requested is a step by which somebody else is asked: a mail that one of the unit
// writes, another looks through and a third sends.
func (s *strike) requested(n int, step string) {
	s.later(1)
	who := func(name string) string {
		_, org, _ := strings.Cut(s.command, "@")
		return strings.ToLower(org[2:]) + "-" + name + "@" + org
	}
	object, digest, mail := "request/"+s.uuid(s.at), s.hash(), s.uuid(s.at)
	way := []string{"mail", "mail", "hand", "hub"}[s.IntN(4)]
	bound := facts{"kind": "provider", "purpose": "first", "measure": idIn(s.object), "chain": s.chain, "step": n, "by": "person"}
	with := func(verb, who string, more facts) *act {
		pub := maps.Clone(bound)
		maps.Copy(pub, more)
		return s.does(s.at, who, "request."+verb, object, pub)
	}
	written := facts{"digest": digest, "mail": mail, "way": way, "writer": "P-" + bare(who("writes"))}
	with("draft", who("writes"), facts{"act": "draft", "to": "drafted", "writer": written["writer"]})
	check := maps.Clone(written)
	maps.Copy(check, facts{"act": "check", "from": "drafted", "to": "checked"})
	with("check", who("checks"), check)
	s.later(1)
	send := maps.Clone(written)
	maps.Copy(send, facts{"act": "send", "from": "checked", "to": "sending", "phase": "intent", "sender": "P-" + bare(who("sends")), "one_enough": false,
		"plan": s.says["plan"], "approval": s.approval, "emergency": s.f.Notice != "", "done": step, "until": rfc(s.until)})
	if way == "hub" {
		send["phase"], send["to"] = "done", "sent"
	}
	a := with("send", who("sends"), send)
	if s.f.Approved {
		a.Grant = s.approval
	}
	came := facts{"act": "sent", "from": "sending", "to": "sent", "phase": "outcome", "mail": mail}
	switch way {
	case "hub":
		with("confirm", "carrier1", facts{"act": "acknowledge", "from": "sent", "to": "acknowledged", "by": "carrier"})
	case "hand":
		with("send", who("sends"), came)
	default:
		came["outcome"], came["by"] = "sent", "post"
		with("outcome", "", came)
	}
}

// idIn is what an object names: what is behind its slash.
func idIn(object string) string {
	_, x, _ := strings.Cut(object, "/")
	return x
}
