package selection

import (
	"errors"
	"math/bits"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/engine/geo"
)

// blind is what the rules are kept from seeing, as if they did not ask for it:
// each field changes what is put before one of them.
type blind struct {
	power   func(*approval.Power)
	vital   func(*approval.Vital)
	opening func(*beginning)
	moves   func(a *Agreement, person string, version *int)
	issues  func(a *Agreement, l *List, taken *approval.Quantity, going *int)
	second  func(*List)
	run     func(*HubRun)
	alive   func(error) error
	lax     bool // nobody is kept apart
	kept    bool // what an agreement gave is not recalled with it
}

// walker walks all that the rules allow.
type walker struct {
	t          *testing.T
	papers     *papers
	commission approval.Commission
	parallel   int
	seen       *seen
	stack      []scene
	broken     map[string]int
	edges      map[string]bool
	tried      struct{ begun, refused, kept, late int }
	silent     bool // what is broken is only counted
	blind      blind

	// What this walk is about.
	asks, agrees, lists, alone bool // alone: without the intruder
}

func newWalker(t *testing.T, p *papers) *walker {
	rules, err := approval.LoadRules("")
	if err != nil {
		t.Fatal(err)
	}
	return &walker{t: t, papers: p, commission: approval.Commission{Members: 3, Quorum: 2}, parallel: rules.Row(approval.ForeignDomestic, "parallel").Value,
		seen: newSeen(), broken: map[string]int{}, edges: map[string]bool{}}
}

// seen is a set of packed scenes.
type seen struct {
	slots []word
	n     int
}

func newSeen() *seen { return &seen{slots: make([]word, 1<<18)} }

// add reports whether a scene is new. No scene is all zeros after its first bit
// is turned.
func (s *seen) add(v word) bool {
	v[1] |= 1 << 63
	if s.n*2 > len(s.slots) {
		old := s.slots
		s.slots, s.n = make([]word, 2*len(old)), 0
		for _, x := range old {
			if x != (word{}) {
				s.add(x)
			}
		}
	}
	for i := (v[0] ^ v[1]*0xff51afd7ed558ccd) * 0x9e3779b97f4a7c15 >> 20 & uint64(len(s.slots)-1); ; i = (i + 1) & uint64(len(s.slots)-1) {
		switch s.slots[i] {
		case word{}:
			s.slots[i] = v
			s.n++
			return true
		case v:
			return false
		}
	}
}

// breaks counts what is broken, and shows the first of it.
func (w *walker) breaks(law, how string, s *scene) {
	if w.broken[law]++; w.broken[law] < 3 && !w.silent {
		w.t.Errorf("%s is broken: %s in %+v", law, how, *s)
	}
}

func (w *walker) now(s *scene) time.Time { return w.papers.at(s.now) }

// goes asks whether a run may go on.
func (w *walker) goes(s *scene, r *underway) error {
	_, until, _ := s.hours(r.paper)
	v := approval.Vital{State: s.stateOf(r.paper), Until: w.papers.at(until), Cap: packets(s.most(r.paper)), Spent: packets(s.usage(r.paper).spent)}
	if w.blind.vital != nil {
		w.blind.vital(&v)
	}
	return v.Goes(w.now(s))
}

func packets(n int8) approval.Quantity { return approval.Quantity{Packets: uint64(n)} }

func (s *scene) stateOf(p paper) approval.State {
	if p == byCommission {
		return s.state
	}
	return s.gives[p-byFirst].state
}

func (r *underway) going() bool { return r.paper != none }

// read is the state of an approval as it is read for a step: what is past its
// period is over, whether or not that is written.
func (s *scene) read(p paper) approval.State {
	if _, until, _ := s.hours(p); s.stateOf(p) == approval.Approved && s.now >= until {
		return approval.Expired
	}
	return s.stateOf(p)
}

// under counts the runs that go on under a paper.
func (s *scene) under(p paper) (n int) {
	for i := range s.runs {
		if r := &s.runs[i]; r.going() && r.paper == p {
			n++
		}
	}
	return n
}

// visit looks at a scene that is new.
func (w *walker) visit(s scene) {
	s.level()
	if !w.seen.add(s.pack()) {
		return
	}
	for i := range s.runs {
		r := &s.runs[i]
		if !r.going() {
			continue
		}
		switch goes := w.goes(&s, r) == nil; {
		case goes && !s.covered(r.paper, s.now):
			w.breaks(lawCover, "a run may go on", &s)
		case !goes && s.covered(r.paper, s.now):
			w.breaks(lawFree, "a run may not go on", &s)
		}
		hub := w.row(&s, r)
		if r.quiet >= 2 && !hub.quiet(silence, w.now(&s)) {
			w.breaks(lawEnd, "nobody hears of a run, and it goes on", &s)
		}
		if s.under(r.paper) > 1 {
			w.breaks(lawOne, "two runs at once", &s)
		}
	}
	for p := byCommission; p <= bySecond; p++ {
		if s.stateOf(p) == "" {
			continue
		}
		u := s.usage(p)
		if u.kept > s.most(p) {
			w.breaks(lawCap, "more is kept than the cap of an approval", &s)
		}
		if s.under(p) == 0 && u.spent < u.kept {
			w.breaks(lawEnd, "less counts than was kept", &s)
		}
		if bits.OnesCount8(u.roles) > 1 {
			w.breaks(lawApart, "one person on two sides", &s)
		}
	}
	if s.agreed != 0 && s.pactKept > wordings[s.agreed].cap {
		w.breaks(lawCap, "more is kept than the cap of an agreement", &s)
	}
	if s.pact == Agreed && s.agreed != s.terms() {
		w.breaks(lawWords, "in force, and not agreed", &s)
	}
	if s.list == ListReady && s.warned && (s.second < 0 || s.second == s.maker && s.maker == intruder) {
		w.breaks(lawSecond, "decided of by who made it", &s)
	}
	w.stack = append(w.stack, s)
}

// takes has the intruder act on a side of a case, where that is theirs.
func (w *walker) takes(u *use, person int8, by approval.Side) bool {
	if person != intruder {
		return true
	}
	if !w.blind.lax && approval.Apart(u.side, by) != nil {
		return false
	}
	u.side, u.roles = by, u.roles|role(by)
	return true
}

// people are who acts: one of those who do this alone, and the intruder.
func (w *walker) people(honest int8) []int8 {
	if w.alone {
		return []int8{honest}
	}
	return []int8{honest, intruder}
}

func (w *walker) next(s *scene) {
	if s.now < lastInstant {
		x := *s
		x.now++
		for i := range x.runs {
			if x.runs[i].going() {
				x.runs[i].quiet = min(x.runs[i].quiet+1, 2)
			}
		}
		w.visit(x)
	}
	if w.asks {
		w.asked(s)
	}
	if w.agrees {
		w.talks(s)
		w.gives(s)
	}
	if w.lists {
		w.listed(s)
	}
	for p := byCommission; p <= bySecond; p++ {
		if s.stateOf(p) == "" {
			continue
		}
		for _, person := range w.people(carrier) {
			w.begins(s, p, person)
		}
	}
	for i := range s.runs {
		if s.runs[i].going() {
			w.runs(s, i)
		} else if s.runs[i].rest {
			x := *s
			x.runs[i] = underway{}
			w.visit(x)
		}
	}
}

// asked is what becomes of the case before the commission.
func (w *walker) asked(s *scene) {
	kind := approval.ForeignDomestic
	if approval.Opens(kind, s.state, "vote", approval.MemberSide) == nil {
		w.votes(s)
	}
	for _, st := range approval.StepsOf(kind) {
		if st.From != s.state || st.Act != "expire" && s.state != s.read(byCommission) {
			continue
		}
		for _, person := range w.people(other) {
			x := *s
			if st.By != approval.ClockSide && !w.takes(&x.a, person, st.By) {
				continue
			}
			x.state = st.To
			switch st.Act {
			case "decide":
				yes, no := s.yes, s.no
				switch s.mine {
				case 1:
					yes++
				case 2:
					no++
				}
				voted := s.yes+s.no > 0
				if person == intruder {
					voted = s.mine != 0
				}
				t := w.commission.Tally(int(yes), int(no))
				if !t.Closes || !voted || t.Passes != (st.To == approval.Approved) {
					continue
				}
				x.approved = yes+no >= 2 && yes > no
				if x.short = t.Passes && !w.alone; x.short {
					w.visit(x)
					x.short = false
				}
			case "expire":
				if _, until, _ := s.hours(byCommission); person == intruder || s.now < until {
					continue
				}
			case "give_up", "revoke":
				x.ended = true
			}
			w.edges["approval "+string(st.From)+" "+st.Act+" "+string(st.To)] = true
			w.visit(x)
		}
	}
}

// votes has a member vote; there are two beside the intruder.
func (w *walker) votes(s *scene) {
	if s.yes+s.no < 2 {
		x := *s
		x.yes++
		w.visit(x)
		x = *s
		x.no++
		w.visit(x)
	}
	for mine := int8(1); mine <= 2 && !w.alone; mine++ {
		x := *s
		if w.takes(&x.a, intruder, approval.MemberSide) {
			x.mine = mine
			w.visit(x)
		}
	}
}

// talks is what becomes of the agreement.
func (w *walker) talks(s *scene) {
	if s.pact == "" {
		for _, person := range w.people(clerk) {
			x := *s
			x.pact, x.version, x.keeper, x.conducted = Proposed, 1, person, person == intruder
			w.visit(x)
		}
		return
	}
	for _, to := range agreementStates {
		for _, by := range []Side{OfficeSide, PartySide} {
			who := []int8{other}
			if by == OfficeSide {
				who = w.people(clerk)
			}
			for _, person := range who {
				for version := s.version; version >= max(s.version-1, 1); version-- {
					w.talk(s, to, by, person, version)
				}
			}
		}
	}
	if a := w.papers.agreement(s); a.lapses(w.now(s)) {
		x := *s
		w.recall(&x)
		x.pact = Expired
		w.edges["agreement "+string(s.pact)+" "+string(Expired)+" "+string(ClockSide)] = true
		w.visit(x)
	}
	if !w.alone && s.version > 0 && s.pact != Agreed && s.keeper == clerk { // its keeper hands it over
		x := *s
		x.keeper, x.conducted = intruder, true
		w.visit(x)
	}
}

// talk is one step of the agreement, by who read a version of its words.
func (w *walker) talk(s *scene, to AgreementState, by Side, person, version int8) {
	a, read := w.papers.agreement(s), int(version)
	if w.blind.moves != nil {
		w.blind.moves(&a, name(person), &read)
	}
	if a.moves(to, by, name(person), read, w.now(s)) != nil {
		return
	}
	x := *s
	if by == OfficeSide {
		x.conducted = x.conducted || person == intruder
		if to != Terminated && person != s.keeper {
			w.breaks(lawWords, "another than the keeper speaks for the office", s)
		}
	}
	switch x.pact = to; to {
	case Agreed:
		if s.party == (by == PartySide) || version != s.version {
			w.breaks(lawWords, "accepted by who wrote it, or other words than were read", s)
		} else {
			x.agreed = s.terms()
		}
	case Proposed, Countered:
		if s.version == 3 || s.version == 2 && w.alone {
			return // a fourth is like the second
		}
		x.version, x.party = s.version+1, by == PartySide
	case Terminated:
		w.recall(&x)
		x.broken = s.agreed == 0 || s.now < wordings[s.agreed].until // afterwards it ends nothing that was
	}
	w.edges["agreement "+string(s.pact)+" "+string(to)+" "+string(by)] = true
	w.visit(x)
}

// recall ends what the agreement gave.
func (w *walker) recall(s *scene) {
	for i := range s.gives {
		g := &s.gives[i]
		for _, st := range approval.StepsOf(approval.Agreement) {
			if st.Act == "recall" && g.state != "" && st.From == s.read(byFirst+paper(i)) {
				w.edges["agreement_approval "+string(g.state)+" recall "+string(st.To)] = true
				if g.over = true; !w.blind.kept {
					g.state = st.To
				}
				break
			}
		}
	}
}

// gives has a clerk give a Grant for a list under the agreement, and time end one.
func (w *walker) gives(s *scene) {
	for i := range s.gives {
		for _, st := range approval.StepsOf(approval.Agreement) {
			if _, until, _ := s.hours(byFirst + paper(i)); s.gives[i].state != "" && st.Act == "expire" && st.From == s.gives[i].state && s.now >= until {
				x := *s
				x.gives[i].state = st.To
				w.edges["agreement_approval "+string(st.From)+" expire "+string(st.To)] = true
				w.visit(x)
			}
		}
	}
	slot := 0
	for slot < len(s.gives) && s.gives[slot].state != "" {
		slot++
	}
	if slot == len(s.gives) || s.pact == "" {
		return
	}
	for list := int8(1); list <= 2; list++ {
		a, l, taken, going := w.papers.agreement(s), w.papers.lists(s, list), packets(s.pactTaken), s.under(byFirst)+s.under(bySecond)
		ready := list == 1 || s.list == ListReady
		should := s.agreed != 0 && !s.broken && s.now < wordings[s.agreed].until && ready && going == 0 && s.pactTaken < wordings[s.agreed].cap
		if w.blind.issues != nil {
			w.blind.issues(&a, l, &taken, &going)
		}
		left, err := a.issues(l, taken, going, w.now(s))
		switch {
		case err == nil && !should:
			w.breaks(lawCover, "a Grant without what it rests on", s)
		case err != nil && should:
			w.breaks(lawFree, "no Grant under an agreement in force", s)
		}
		if err != nil {
			continue
		}
		for _, person := range w.people(clerk) {
			x := *s
			w.recall(&x)
			g := &x.gives[slot]
			*g = handed{state: approval.Approved, list: list, terms: s.terms(), cap: int8(left.Packets)}
			w.takes(&g.use, person, approval.AskerSide)
			w.edges["agreement_approval  issue approved"] = true
			w.visit(x)
		}
	}
}

// listed is what becomes of the second list.
func (w *walker) listed(s *scene) {
	for _, m := range ListMoves {
		if m.From != s.list {
			continue
		}
		people := w.people(other)
		if w.agrees { // whoever makes a list for the commission does it as well for this
			people = people[:1]
		}
		for _, person := range people {
			x := *s
			if m.Act == "make" {
				x.maker, x.warned = person, m.To == ListWaiting
				if x.list = m.To; person == other {
					x.maker = other
				}
			} else {
				l := w.papers.lists(s, 2)
				if w.blind.second != nil {
					w.blind.second(l)
				}
				to, err := l.decides(m.Act, name(person))
				if err != nil {
					continue
				}
				x.list, x.second = to, person
			}
			w.edges["list "+string(m.From)+" "+m.Act+" "+string(m.To)] = true
			w.visit(x)
		}
	}
}

// begins has somebody begin a run under a paper, here and on another machine.
func (w *walker) begins(s *scene, p paper, person int8) {
	g, u, now := w.papers.of(s, p), s.usage(p), w.now(s)
	power := approval.Power{Kept: g.grant, State: s.stateOf(p), Own: true, Duty: true, Going: s.under(p), Most: w.parallel, Spent: packets(u.spent)}
	if person == intruder && u.side != approval.HandlerSide {
		power.Other = u.side
	}
	if w.blind.power != nil {
		w.blind.power(&power)
	}
	scope := approval.Scope{Directions: []geo.Class{geo.FD}, Link: "K-2", Selectors: g.order.Selectors, Fields: g.order.Fields}
	left, err := power.Admits(scope, now)
	if err == nil {
		w.scopes(s, &power, scope)
		o := beginning{order: &g.order, link: "K-2", person: name(person), conducted: person == intruder && s.conducted}
		if p != byCommission {
			a := w.papers.agreement(s)
			o.agreement = &a
		}
		if _, _, list := s.hours(p); list == 1 || s.list == ListReady {
			o.list = w.papers.lists(s, list)
		}
		if w.blind.opening != nil {
			w.blind.opening(&o)
		}
		err = o.allows(now)
	}
	covered, entitled := s.covered(p, s.now), s.entitled(p, person)
	should := covered && entitled && s.under(p) == 0 && u.spent < s.most(p)
	switch {
	case err != nil && should:
		w.breaks(lawFree, "a run may not begin: "+err.Error(), s)
	case err != nil:
		w.tried.refused++
	case !covered:
		w.breaks(lawCover, "a run begins", s)
	case !entitled:
		w.breaks(lawApart, "who asked carries out", s)
	}
	free := 0
	for free < len(s.runs) && (s.runs[free].going() || s.runs[free].rest) {
		free++
	}
	if err != nil || free == len(s.runs) {
		return
	}
	w.tried.begun++
	for _, away := range []bool{false, true} {
		x := *s
		if !w.takes(x.usage(p), person, approval.HandlerSide) {
			w.breaks(lawApart, "who carries out stands on another side", s)
		}
		used := usedBefore(g.order.Cap, left)
		x.runs[free] = underway{paper: p, person: person, away: away, used: int8(used.Packets)}
		if away {
			x.runs[free].taken = int8(heldBack(g.order.Cap, used).Packets)
		}
		w.edges["run  begin going"] = true
		w.visit(x)
	}
}

// scopes tries, with power that admits the right one, every other scope.
func (w *walker) scopes(s *scene, p *approval.Power, right approval.Scope) {
	for _, edit := range []func(*approval.Scope){
		func(x *approval.Scope) { x.Directions = []geo.Class{geo.FF} },
		func(x *approval.Scope) { x.Directions = []geo.Class{geo.FD, geo.DF} },
		func(x *approval.Scope) { x.Directions = nil },
		func(x *approval.Scope) { x.Link = "K-9" },
		func(x *approval.Scope) { x.Selectors = w.papers.hashes[0] + "3" },
		func(x *approval.Scope) { x.Fields = []string{"payload"} },
		func(x *approval.Scope) { x.From = w.papers.at(-1) },
		func(x *approval.Scope) { x.Until = w.papers.at(lastInstant + 1) },
		func(x *approval.Scope) { x.Kind = approval.Reidentify },
	} {
		x := right
		edit(&x)
		if _, err := p.Admits(x, w.now(s)); err == nil {
			w.breaks(lawCover, "a scope that the order does not name", s)
		}
	}
}

// row is a run as its row says it.
func (w *walker) row(s *scene, r *underway) HubRun {
	h := HubRun{Org: "office", State: RunGoing, Place: OnHub, person: name(r.person), BeatAt: w.papers.at(s.now - r.quiet), Records: int64(r.n), pages: int64(r.n),
		kept: packets(r.n), used: packets(r.used), Taken: packets(r.taken)}
	if r.away {
		h.Place = OnMachine
	}
	if w.blind.run != nil {
		w.blind.run(&h)
	}
	return h
}

// runs is all that can become of a run that goes on.
func (w *walker) runs(s *scene, i int) {
	r := &s.runs[i]
	h, alive := w.row(s, r), w.goes(s, r)
	stranger := name(carrier + intruder - r.person)
	does := func(act string) bool { // as its person; a stranger may not
		if _, err := h.does(act, "office", stranger); !errors.Is(err, ErrNoRun) {
			w.breaks(lawApart, "a stranger does "+act, s)
		}
		_, err := h.does(act, "office", h.person)
		if err == nil {
			w.edges["run going "+act+" "+string(RunGoing)] = true
		}
		return err == nil
	}
	beat := func(taken int8) {
		x := *s
		x.runs[i].quiet, x.runs[i].taken = 0, max(r.taken, taken)
		w.visit(x)
	}
	if r.away {
		if does("beat") && alive == nil {
			beat(0)
			if !w.alone {
				beat(s.most(r.paper) - r.used) // it says how much it may take
			}
		}
		_ = does("list") && does("vault")
	}
	if alive == nil && !r.away && !r.dead {
		beat(0)
	}
	if !r.dead && (r.away || alive == nil) && does("keep") {
		w.keeps(s, i, &h, alive, s.now)
		if r.away && s.now > 0 {
			w.keeps(s, i, &h, alive, s.now-1)
		}
	}
	order := &w.papers.of(s, r.paper).order
	if to, err := h.does("state", "office", h.person); err == nil && !r.dead && to == RunDone {
		w.edges["run going state done"] = true
		taken, charge := h.charged(packets(r.n), order.Cap)
		w.over(s, i, charge, taken, false)
	}
	off := func(act string, by RunSide, may bool) {
		if to, err := leads(RunGoing, act, by); err == nil && may && to == RunInterrupted {
			w.edges["run going "+act+" interrupted"] = true
			w.over(s, i, h.lost(), h.lost(), r.n > 0)
		}
	}
	off("abort", HandlerSide, r.away)
	off("fail", HubSide, !r.away && !r.dead)
	off("silence", HubSide, h.quiet(silence, w.now(s)) || h.quiet(2*time.Second, w.now(s))) // the latter when a process starts anew
	if !r.away && !r.dead {
		x := *s
		x.runs[i].dead = true
		w.visit(x)
	}
}

// keeps has a run hand in a record of a packet of an moment.
func (w *walker) keeps(s *scene, i int, h *HubRun, alive error, at moment) {
	r := &s.runs[i]
	if again, err := h.page(int64(r.n)-1, 1); r.n > 0 && (!again || err != nil) {
		w.breaks(lawEnd, "a page that comes again is not known", s)
	}
	if _, err := h.page(int64(r.n)+1, 1); err == nil {
		w.breaks(lawEnd, "a page out of turn", s)
	}
	order := &w.papers.of(s, r.paper).order
	if w.blind.alive != nil {
		alive = w.blind.alive(alive)
	}
	more := *h
	more.kept = packets(r.n + 1)
	if w.blind.run != nil {
		w.blind.run(&more)
	}
	again, err := h.page(int64(r.n), 1)
	may := !again && err == nil && selectedWithin(order, w.papers.at(at), w.papers.at(at)) && h.handsIn(alive, w.now(s)) == nil && more.takes(order.Cap) == nil
	_, until, _ := s.hours(r.paper)
	late := s.allowed(r.paper) && s.now >= until && r.quiet < 2 // what was selected in time comes in a little later
	right := s.covered(r.paper, at) && (s.covered(r.paper, s.now) || late)
	switch {
	case may && !right:
		w.breaks(lawCover, "a record comes in", s)
	case !may && right && r.used+r.n < s.most(r.paper):
		w.breaks(lawFree, "a record does not come in", s)
	}
	if !may || r.n >= 5 {
		return
	}
	if w.tried.kept++; late {
		w.tried.late++
	}
	x := *s
	y, u := &x.runs[i], x.usage(r.paper)
	if y.n++; !r.away { // it says beforehand that it may take all that is left
		y.taken, y.quiet = max(y.taken, s.most(r.paper)-r.used), 0
	}
	if u.kept = min(u.kept+1, 7); r.paper != byCommission {
		x.pactKept = min(x.pactKept+1, 7)
	}
	w.visit(x)
}

// over ends a run: what counts against its approval, and against its agreement.
func (w *walker) over(s *scene, i int, charge, taken approval.Quantity, rest bool) {
	x := *s
	r := &x.runs[i]
	u := x.usage(r.paper)
	u.spent = int8(min(uint64(u.spent)+charge.Packets, 7))
	if r.paper != byCommission {
		x.pactTaken = int8(min(uint64(x.pactTaken)+taken.Packets, 7))
	}
	*r = underway{rest: rest}
	w.visit(x)
}
