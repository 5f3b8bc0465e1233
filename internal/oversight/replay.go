package oversight

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/measure"
	"noroshi/internal/selection"
)

const second = int64(1e6) // of the instants of entries

// person is a pseudonym of a person or an organisation, as a replay numbers
// them; 0 is nobody.
type person uint32

// Replay reads the entries of a log in their order and holds the rules against
// them. Make one with [NewReplay], give it every entry with [Replay.Take], and
// end it with [Replay.Close].
type Replay struct {
	table   Table
	kinds   approval.Rules
	keep    selection.Limits // of retention, as a hub has them unless configured otherwise
	checked map[string]uint64
	found   []Violation
	more    uint64
	since   uint64 // place from which on violations are wanted
	lost    []Loss // whose ends are still to be carried over
	err     error

	e     entry
	verbs map[string]*verb
	names map[string]person

	log        logState
	commission theCommission
	cases      map[id]*theCase
	runs       map[id]*theRun
	openings   map[id]*theOpening
	agreements map[id]*theAgreement
	lists      map[id]*theList        // that wait for a second person
	made       map[[64]byte][]theList // that can be asked for, by their hash
	measures   map[id]*theMeasure
	chains     map[id]*theChain
	units      map[person][]*theChain
	machines   map[person][]*theChain
	barred     map[barred]*tried
	shut       map[person]shutting // units whose emergencies are shut off
	orders     map[id]*theOrder
	requests   map[id]theRequest // that are steps of measures
	mails      map[id]*theMail   // of them
	papers     map[id]*thePaper
	plans      map[id]*thePlan
	promised   map[[64]byte]uint64 // commitments of plans, with their entries
	wishes     map[id]*theWish
	words      words
	measure    measure.Numbers
	witness    theWitness
	tally      tally

	tolerance struct{ clock, ids, outcome, stop, erase, skew, alarm, order, undo, mail, unsealed, revealed, drawn int64 } // microseconds
}

// verb is a lawful act, and what is replayed of it.
type verb struct {
	need
	act func() // nil: nothing beside its form
}

// NewReplay returns a replay by the numbers of kinds.
func NewReplay(kinds approval.Rules) (*Replay, error) {
	t, err := LoadTable()
	if err != nil {
		return nil, err
	}
	r := &Replay{table: t, kinds: kinds, keep: selection.DefaultLimits(), checked: make(map[string]uint64, len(ruleIDs)), names: map[string]person{"": 0},
		cases: map[id]*theCase{}, runs: map[id]*theRun{}, openings: map[id]*theOpening{}, agreements: map[id]*theAgreement{}, lists: map[id]*theList{}, made: map[[64]byte][]theList{},
		tally: newTally()}
	for _, id := range ruleIDs {
		r.checked[id] = 0
	}
	if r.measure, err = measure.BuiltIn(); err != nil {
		return nil, err
	}
	r.measures, r.chains, r.units, r.shut, r.words = map[id]*theMeasure{}, map[id]*theChain{}, map[person][]*theChain{}, map[person]shutting{}, readWords()
	r.requests, r.mails = map[id]theRequest{}, map[id]*theMail{}
	r.papers, r.plans, r.promised, r.wishes = map[id]*thePaper{}, map[id]*thePlan{}, map[[64]byte]uint64{}, map[id]*theWish{}
	r.orders, r.machines, r.barred = map[id]*theOrder{}, map[person][]*theChain{}, map[barred]*tried{}
	r.tolerance.mail = t.limit("request_outcome_h") * 3600 * second
	r.tolerance.unsealed = t.limit("unsealed_h") * 3600 * second
	r.tolerance.revealed = t.limit("sample_reveal_h") * 3600 * second
	r.tolerance.drawn = t.limit("sample_draw_h") * 3600 * second
	r.tolerance.order = t.limit("order_outcome_s") * second
	r.tolerance.undo = t.limit("order_end_s") * second
	r.tolerance.alarm = t.limit("alarm_s") * second
	r.tolerance.clock = t.limit("clock_back_s") * second
	r.tolerance.ids = t.limit("id_window_s") * second
	r.tolerance.outcome = t.limit("outcome_h") * 3600 * second
	r.tolerance.stop = t.limit("stop_s") * second
	r.tolerance.erase = t.limit("erase_h") * 3600 * second
	r.tolerance.skew = t.limit("machine_clock_s") * second
	acts := map[string]func(){
		"approval.ask": r.ask, "approval.question": r.question, "approval.answer": r.answer, "approval.examine": r.examine, "approval.vote": r.vote,
		"approval.decide": r.decide, "approval.withdraw": r.stop, "approval.revoke": r.stop, "approval.expire": r.stop, "approval.confirm": r.confirm,
		"agreement.propose": r.propose, "agreement.answer": r.agree, "agreement.settle": r.agree, "agreement.grant": r.issue, "agreement.end": r.endAgreement, "agreement.consent": r.consent,
		"selection.list_make": r.makeList, "selection.list_second": r.secondList, "selection.run": r.run, "selection.interrupt": r.interrupt,
		"selection.read": r.use, "selection.disclose": r.use, "selection.sight": r.use, "selection.extend": r.extend, "selection.erase": r.erase,
		"selection.custody": r.custody, "selection.hold": r.hold, "selection.reidentify": r.reidentify,
		"ledger.cosigned": r.cosignedLate,
		"oversight.plan":  r.sampled, "oversight.reveal": r.sampled, "oversight.draw": r.sampled, "oversight.check": r.sampled,
		"oversight.unseal": r.unsealed, "oversight.open": r.unsealed, "oversight.withhold": r.unsealed, "oversight.look": r.unsealed, "oversight.forget": r.unsealed,
	}
	r.verbs = make(map[string]*verb, len(acts))
	for verb := range measureMust {
		acts["measure."+verb] = r.measured
	}
	acts["measure.switch"] = r.switched
	for _, s := range paperSteps {
		acts["oversight."+s.act] = r.papered
	}
	acts["request.draft"], acts["request.change"], acts["request.follow"] = r.wroteMail, r.wroteMail, r.wroteMail
	acts["request.check"], acts["request.send"], acts["request.outcome"], acts["request.confirm"] = r.checkedMail, r.sentMail, r.outcomeOfMail, r.confirmedOrder
	for verb, fn := range map[string]func(){"ask": r.askOrder, "dry": r.dryRun, "approve": r.decideOrder, "refuse": r.decideOrder, "withdraw": r.decideOrder, "take": r.takeOrder, "outcome": r.tellOrder,
		"undo": r.tellOrder, "settle": r.tellOrder, "end": r.endOrder, "alarm": r.alarmOrder} {
		acts["act."+verb] = fn
	}
	for name, n := range verbsOfPower() {
		r.verbs[name] = &verb{n, acts[name]}
	}
	return r, nil
}

// Take reads the next entry; index is its place in the log. The leaf's memory
// may be reused afterwards. It fails with [ErrHeld] alone.
func (r *Replay) Take(index uint64, leaf []byte) error {
	if r.err != nil {
		return r.err
	}
	r.e.index = index
	r.carry()
	if !r.check(ruleForm, r.e.read(leaf), "form") {
		return nil
	}
	r.watchLog()
	r.tally.saw(&r.e)
	v := r.verbs[string(r.e.verb)]
	if (v != nil || powers[string(nounOf(r.e.verb))]) && !r.check(ruleVerb, v != nil, "verb_unknown") {
		r.blame("verb", r.e.verb)
	}
	if r.e.refused {
		r.check(ruleRefusal, len(r.e.reason) > 0 && r.e.public == nil && !r.e.digest, "refusal_facts")
		return nil
	}
	if v == nil {
		return nil
	}
	if r.whole(&v.need) {
		r.takes()
		if v.act != nil {
			v.act()
		}
	}
	if r.err == nil && len(r.cases)+len(r.runs)+len(r.openings)+len(r.agreements)+len(r.lists)+len(r.made)+len(r.chains)+len(r.orders)+len(r.requests)+len(r.mails)+len(r.papers)+len(r.plans)+len(r.wishes) > maxHeld || len(r.names) > maxPeople {
		r.err = ErrHeld
	}
	return r.err
}

// whole checks that an act of power says what the rules need; without that
// nothing can be said about it.
func (r *Replay) whole(n *need) bool {
	r.e.split()
	ok := true
	if n.person {
		ok = r.check(ruleActor, len(r.e.who) > 0 && len(r.e.org) > 0, "actor") && ok
	}
	if n.grant {
		ok = r.check(ruleGrant, len(r.e.grant) > 0, "grant_none") && ok
	}
	if n.purpose {
		ok = r.check(rulePurpose, len(r.e.purpose) > 0, "purpose_none") && ok
	}
	s := r.shapeOf(n)
	return r.check(ruleFacts, s != nil, "shape") && r.fits(s) && ok
}

// check counts that a rule was asked about the entry at hand, and writes down
// a violation where it does not hold.
func (r *Replay) check(rule string, holds bool, found string, args ...any) bool {
	return r.checkAt(rule, holds, found, nil, args...)
}

// checkAt is check with earlier entries that the violation is about.
func (r *Replay) checkAt(rule string, holds bool, found string, entries []uint64, args ...any) bool {
	r.checked[rule]++
	if !holds {
		r.violate(rule, found, string(r.e.object), entries, args...)
	}
	return holds
}

// violate writes a violation down. It copies what it is given: nothing is
// allocated for a rule that holds.
func (r *Replay) violate(rule, found, object string, before []uint64, args ...any) {
	if r.e.index < r.since {
		return
	}
	if len(r.found) >= maxListed {
		r.more++
		return
	}
	if len(before) >= maxShown {
		before = before[:maxShown-1]
	}
	v := Violation{Rule: rule, Found: found, Object: object, Entries: make([]uint64, 0, len(before)+1), Args: map[string]any{}, at: r.e.at}
	v.Entries = append(append(v.Entries, before...), r.e.index)
	for i := 0; i+1 < len(args); i += 2 {
		name, _ := args[i].(string)
		switch x := args[i+1].(type) {
		case int:
			v.Args[strings.Clone(name)] = x
		case int64:
			v.Args[strings.Clone(name)] = x
		case uint64:
			v.Args[strings.Clone(name)] = int64(min(x, math.MaxInt64))
		case string:
			v.Args[strings.Clone(name)] = strings.Clone(x)
		}
	}
	r.found = append(r.found, v)
}

// blame writes a text of the entry into the violation that was just found.
func (r *Replay) blame(name string, value []byte) {
	if r.more == 0 && r.e.index >= r.since {
		r.found[len(r.found)-1].Args[name] = string(value)
	}
}

// who numbers a pseudonym.
func (r *Replay) who(name []byte) person {
	if p, ok := r.names[string(name)]; ok {
		return p
	}
	p := person(len(r.names))
	r.names[string(name)] = p
	return p
}

// Close ends the replay: what should have happened by an instant and did not is
// found now. The zero instant is that of the newest entry.
func (r *Replay) Close(now time.Time) Result {
	at := r.log.newest
	if !now.IsZero() {
		at = now.UnixMicro()
	}
	r.overdue(at)
	r.overdueMeasures(at)
	r.overdueOrders(at)
	r.overdueMails(at)
	r.overdueWishes(at)
	r.overduePlans(at)
	out := Result{Commission: r.commission.name, pinned: r.commission.pinned, Entries: r.log.n, Checked: maps.Clone(r.checked), Violations: r.found, More: r.more, Gaps: []Alarm{}, Alarms: []Alarm{}}
	if out.Violations == nil {
		out.Violations = []Violation{}
	}
	if r.log.n > 0 {
		out.Last = time.UnixMicro(r.log.newest).UTC().Format(time.RFC3339Nano)
	}
	return out
}

// Broken replays the leaves of a log and returns the ids of the rules that they
// break, each once, in the order of the table.
func Broken(kinds approval.Rules, leaves [][]byte) (ids []string, err error) {
	r, err := NewReplay(kinds)
	if err != nil {
		return nil, err
	}
	for i, leaf := range leaves {
		if err := r.Take(uint64(i), leaf); err != nil {
			return nil, err
		}
	}
	res := r.Close(time.Time{})
	for _, id := range ruleIDs {
		if slices.ContainsFunc(res.Violations, func(v Violation) bool { return v.Rule == id }) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
