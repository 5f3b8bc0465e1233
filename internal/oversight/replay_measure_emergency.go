package oversight

import (
	"cmp"
	"slices"

	"noroshi/internal/measure"
)

// emergency is a declaration that there is no time, and what became of it.
type emergency struct {
	declared  uint64 // entry; 0 with no until: none
	at        int64
	until     int64
	plan      [64]byte
	notice    measure.Notice
	noticeDue int64
	reviewDue int64
	alarmed   struct{ notice, review bool }
	superior  person // who signed under the plan in force
	signed    uint64
	voices    []stood // of members: 1 in order, -1 a recommendation
	told      struct{ notice, review bool }
}

// settled reports whether nothing is owed of it.
func (m *emergency) settled() bool { return m.notice != measure.Due && m.notice != measure.Noticed }

// late reports whether the notice of it is owed and past its time.
func (m *emergency) late(at int64) bool { return m.notice == measure.Due && at >= m.noticeDue }

// declared is an emergency: it waives the commission's prior approval and nothing
// else, is narrow and short, and a clock runs.
func (r *Replay) declared(c *theChain) {
	r.mayAct(c)
	r.counted(c)
	r.unbraked(c)
	n, m := &r.measure, &c.emergency
	from, until, due := r.e.time("declared_at"), r.e.time("expires_at"), r.e.time("notice_due_at")
	r.checkAt(ruleMeasureEmergency, from <= r.e.at+second && from > r.e.at-60*second && until > from && until-from <= hours(n.EmergencyHours) && due > from && due-from <= minutes(n.NoticeMinutes),
		"emergency_long", []uint64{c.plan.entry}, "hours", n.EmergencyHours.Value, "minutes", n.NoticeMinutes.Value)
	r.checkAt(ruleMeasureEmergency, len(c.plan.steps) <= n.EmergencySteps.Value && r.e.number("steps_n") == uint64(len(c.plan.steps)), "emergency_broad", []uint64{c.plan.entry}, "max", n.EmergencySteps.Value)
	r.checkAt(ruleMeasureEmergency, c.plan.digest != c.refused && !r.e.yes("barred"), "emergency_refused", []uint64{c.plan.entry})
	r.checkAt(ruleMeasureEmergency, m.settled(), "emergency_again", []uint64{m.declared})
	*m = emergency{declared: r.e.index, at: from, until: until, plan: c.plan.digest, notice: measure.Due, noticeDue: due, superior: m.superior, signed: m.signed}
	r.tally.count(r.e.at, keyDeclared, string(c.kind()), c.name)
}

// unbraked checks that nothing of earlier emergencies stands against an act that
// rests on one, or that a superior signed and nobody shut them off.
func (r *Replay) unbraked(c *theChain) {
	if c.granted(r.e.at) {
		return
	}
	owes := r.e.yes("overdue") || c.emergency.late(r.e.at)
	shown := c.began
	for _, x := range r.units[c.unit] {
		if x != c && x.emergency.late(r.e.at) {
			owes, shown = true, x.emergency.declared
		}
	}
	for _, x := range r.machines[c.of.machine] {
		if x != c && x.emergency.declared != 0 && !x.emergency.settled() {
			owes, shown = true, x.emergency.declared
		}
	}
	if x := r.barred[barred{c.unit, c.of.machine}]; x != nil {
		owes, shown = true, x.last
	}
	r.checkAt(ruleMeasureBrake, !owes || r.e.yes("overdue"), "brake_off", []uint64{shown})
	if !owes {
		return
	}
	m := &c.emergency
	r.checkAt(ruleMeasureBrake, m.superior != 0 && m.superior != r.who(r.e.who) && r.e.yes("second_signature") && r.who(r.e.text("superior")) == m.superior, "signature", []uint64{shown})
	r.checkAt(ruleMeasureBrake, !r.shut[c.unit].both, "shut", []uint64{r.shut[c.unit].entry})
}

// barred is a unit whose plan on a machine came to nothing before the commission.
type barred struct{ unit, machine person }

// bar writes down that a plan came to nothing there: an emergency on that machine
// needs a superior's signature from then on.
func (r *Replay) bar(c *theChain) {
	k := barred{c.unit, c.of.machine}
	if r.barred[k] == nil {
		r.barred[k] = &tried{}
	}
	x := r.barred[k]
	if x.last = r.e.index; !slices.Contains(x.plans, c.plan.entry) {
		x.plans = append(x.plans, c.plan.entry)
	}
}

// tried is what of a unit against one machine came to nothing before the commission.
type tried struct {
	last  uint64   // entry by which one did
	plans []uint64 // their entries
}

// counted checks that who asks again, or declares, says how many plans came to
// nothing before: the commission and the superior are shown them side by side.
func (r *Replay) counted(c *theChain) {
	x := r.barred[barred{c.unit, c.of.machine}]
	if x == nil {
		x = &tried{last: c.plan.entry}
	}
	r.checkAt(ruleMeasureBrake, r.e.number("tried") == uint64(len(x.plans)), "tried", []uint64{x.last}, "n", len(x.plans))
}

// shutting is what commission and unit say of further emergencies.
type shutting struct {
	commission, unit bool
	both             bool
	entry            uint64
}

// switched is what one side says: only both together shut off, or open again.
func (r *Replay) switched() {
	unit, by := r.who(r.e.text("unit")), string(r.e.text("by"))
	s := r.shut[unit]
	switch by {
	case string(measure.MemberSide):
		s.commission = r.e.yes("shut")
		r.body(unit, r.e.index)
	case string(measure.SuperiorSide):
		s.unit = r.e.yes("shut")
		r.check(ruleMeasureBrake, r.who(r.e.org) == unit, "switch_side")
	default:
		r.check(ruleMeasureBrake, false, "switch_side")
	}
	if s.commission == s.unit {
		s.both, s.entry = s.commission, r.e.index
	}
	r.check(ruleMeasureBrake, r.e.yes("agreed") == s.both, "switch_alone")
	r.shut[unit] = s
}

// reviewed is a step of the review of an emergency.
func (r *Replay) reviewed(c *theChain, act string, by measure.Side) {
	m := &c.emergency
	if act == "alarm" {
		r.alarmed(c)
		return
	}
	to, ok := r.words.notices[noticing{m.notice, act, by}]
	if !r.checkAt(ruleMeasureReview, ok, "review_step", []uint64{m.declared}) {
		return
	}
	switch act {
	case "notify":
		late := r.e.at >= m.noticeDue
		r.checkAt(ruleMeasureNotice, r.e.yes("late") == late && (!late || m.alarmed.notice || r.e.at < m.noticeDue+r.tolerance.alarm), "notice_late", []uint64{m.declared})
		r.tally.count(r.e.at, keyNotified, string(c.kind()), c.name)
		m.reviewDue = r.e.time("review_due_at")
		r.checkAt(ruleMeasureReview, m.reviewDue > r.e.at && m.reviewDue <= r.e.at+int64(r.measure.ReviewDays.Value)*86400*second+second, "review_due", []uint64{m.declared}, "days", r.measure.ReviewDays.Value)
	case "weigh":
		r.voice(m)
	default:
		var fine, not uint64
		mine := false
		for _, v := range m.voices {
			if v.voted > 0 {
				fine++
			} else {
				not++
			}
			mine = mine || v.who == r.who(r.e.who)
		}
		confirm := fine > not
		r.checkAt(ruleMeasureReview, mine && fine+not >= uint64(r.kinds.Commission.Quorum) && confirm == (act == "confirm") && r.e.number("for") == fine && r.e.number("against") == not, "review_votes", []uint64{m.declared},
			"for", fine, "against", not, "quorum", r.kinds.Commission.Quorum)
		r.checkAt(ruleMeasureReview, r.e.at < m.reviewDue+r.tolerance.alarm || m.alarmed.review, "review_late", []uint64{m.declared})
	}
	m.notice = to
}

// voice is how a member sees an emergency; who says it again says something else.
func (r *Replay) voice(m *emergency) {
	who, says := r.who(r.e.who), int8(-1)
	if string(r.e.text("choice")) == "confirm" {
		says = 1
	}
	i := slices.IndexFunc(m.voices, func(v stood) bool { return v.who == who })
	if i < 0 {
		m.voices = append(m.voices, stood{who: who, side: member, entry: r.e.index})
		i = len(m.voices) - 1
	}
	m.voices[i].voted = says
	r.checkAt(ruleMeasureReview, r.e.number("votes") == uint64(len(m.voices)) && len(m.voices) <= r.kinds.Commission.Members, "review_counted", []uint64{m.declared}, "votes", len(m.voices))
}

// alarmed is the alarm that something of an emergency is past its time.
func (r *Replay) alarmed(c *theChain) {
	m := &c.emergency
	switch string(r.e.text("what")) {
	case "notice":
		r.checkAt(ruleMeasureNotice, m.late(r.e.at), "alarm_none", []uint64{m.declared})
		m.alarmed.notice = true
	case "review":
		r.checkAt(ruleMeasureReview, m.notice == measure.Noticed && r.e.at >= m.reviewDue, "alarm_none", []uint64{m.declared})
		m.alarmed.review = true
	default:
		r.checkAt(ruleMeasureNotice, false, "alarm_none", []uint64{m.declared})
	}
}

// overdueMeasures finds what should have happened to measures by an instant and
// did not: an outcome, a notice or its alarm, a review or its alarm.
func (r *Replay) overdueMeasures(now int64) {
	all := make([]*theChain, 0, len(r.chains))
	for _, c := range r.chains {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *theChain) int {
		return cmp.Or(cmp.Compare(a.began, b.began), slices.Compare(a.name[:], b.name[:]))
	})
	for _, c := range all {
		m, s := &c.emergency, &c.step
		r.owes(ruleMeasureOutcome, "step_owed", c, &s.overtold, s.open() && now > max(c.plan.until, m.until)+r.tolerance.outcome, s.entry)
		r.owes(ruleMeasureOutcome, "chain_owed", c, &c.overtold, c.armed() && now > c.powerEnds()+r.tolerance.outcome, c.began)
		r.owes(ruleMeasureNotice, "notice_owed", c, &m.told.notice, m.late(now-r.tolerance.alarm) && !m.alarmed.notice, m.declared)
		r.owes(ruleMeasureReview, "review_owed", c, &m.told.review, m.notice == measure.Noticed && now >= m.reviewDue+r.tolerance.alarm && !m.alarmed.review, m.declared)
	}
}

// owes writes down what a chain of command owes since an entry; once.
func (r *Replay) owes(rule, found string, c *theChain, told *bool, late bool, since uint64) {
	if !late || *told {
		return
	}
	*told = true
	index := r.e.index
	r.e.index = since
	r.violate(rule, found, "measure/chain/"+string(c.name[:]), nil)
	r.e.index = index
}
