package selection

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/engine/geo"
	"noroshi/internal/testkit"
)

// The search walks everything at once: a case before the commission, an agreement
// with what it gives, a list that waits for its second person, two runs, three
// people and the hour. It asks the rules that the service asks. What really
// happened stands beside what they believe, and a slow and obvious oracle says of
// it what covers a run.

// The people. Others, of whom each does one thing only, have no number.
const clerk, carrier, intruder, other = 0, 1, 2, 3 // of the office: who asks, who carries out, who tries to be everything, and anybody else

// moment is a time of the search: ten seconds each. A run is silent after two.
type moment = int8

const (
	lastInstant = 4
	aFrom       = moment(1) // of what the commission is asked for
	aUntil      = moment(3)
	aCap        = 2
)

// wordings are the terms of an agreement: those of odd versions, and those of even ones.
var wordings = [3]struct{ from, until, cap int8 }{1: {0, 3, 3}, 2: {1, 4, 2}}

// paper is what a run may rest on.
type paper int8

const (
	none paper = iota
	byCommission
	byFirst // what the agreement gave for a list
	bySecond
)

// use is what was done under a paper.
type use struct {
	spent int8 // of the cap, as the program counts
	kept  int8 // packets in records that came in, as it happened

	side  approval.Side // on which the intruder acted, as the program knows
	roles uint8         // and as it happened: a bit for each
}

// handed is what an agreement gave for one list.
type handed struct {
	use
	state approval.State
	list  int8 // 1 or 2
	terms int8 // 1 or 2
	cap   int8
	over  bool // the next list took its place, or the agreement ended
}

// underway is a run.
type underway struct {
	paper  paper
	person int8
	away   bool // on another machine
	dead   bool // its process is gone
	quiet  int8 // instants since it was heard of
	n      int8 // records, of one packet and one page each
	taken  int8 // written as what it may have taken
	used   int8 // of the cap, before
	rest   bool // it broke off, and its records are not destroyed yet
}

// scene is one state of everything.
type scene struct {
	now moment

	a        use
	state    approval.State // of the case before the commission; empty: nobody asked
	yes, no  int8           // votes, and those of the intruder
	mine     int8           // the intruder's vote: 1 for, 2 against
	short    bool           // approved for less time than was asked
	approved bool           // as it happened: by most of a quorum
	ended    bool           // as it happened: handed up or revoked

	pact      AgreementState // empty: nobody proposed one
	version   int8
	keeper    int8
	conducted bool // the intruder took a step in it for the office
	party     bool // the last words are the party's
	agreed    int8 // as it happened: terms that one side wrote and the other accepted; 0: none
	broken    bool // as it happened: ended by either
	pactTaken int8 // by runs under it, as the program counts
	pactKept  int8 // packets in records that came in, as it happened
	gives     [2]handed

	list   ListState // the second list; the first is ready, and made by others
	maker  int8      // intruder, or other
	second int8      // -1: nobody
	warned bool      // some of it meets a warning list

	runs [2]underway
}

func (s *scene) terms() int8 { return 2 - s.version%2 } // of odd versions 1, of even ones 2

func newScene() scene { return scene{maker: other, second: -1} }

// usage is what was done under a paper.
func (s *scene) usage(p paper) *use {
	if p == byCommission {
		return &s.a
	}
	return &s.gives[p-byFirst].use
}

// level forgets what nothing looks at from here on.
func (s *scene) level() {
	if s.state != approval.Examined {
		s.yes, s.no, s.mine = 0, 0, 0
	}
	var going [bySecond + 1]bool
	for i := range s.runs {
		going[s.runs[i].paper] = true
	}
	switch s.state {
	case "", approval.Asked, approval.Examined, approval.Approved:
	default:
		if !going[byCommission] {
			s.a, s.short, s.approved, s.ended = use{}, false, false, true
		}
	}
	over := s.pact == Declined || s.pact == TakenBack || s.pact == Terminated || s.pact == Expired
	for i := range s.gives {
		g := &s.gives[i]
		if g.state != "" && g.state != approval.Approved && !going[byFirst+paper(i)] {
			*g = handed{state: approval.Revoked, over: true, list: 1, terms: 1, cap: 1}
		}
	}
	if over && !going[byFirst] && !going[bySecond] {
		s.version, s.keeper, s.conducted, s.party, s.agreed, s.broken, s.pactTaken, s.pactKept = 0, 0, false, false, 0, true, 0, 0
	}
	if s.pact == Agreed { // nothing is proposed any more, and any clerk may end it
		s.version, s.keeper, s.party = s.terms(), clerk, false
	}
	if s.list == ListDropped {
		s.maker, s.second, s.warned = other, -1, false
	}
	if slices.Compare(s.runs[0].key(), s.runs[1].key()) > 0 { // which is which says nothing
		s.runs[0], s.runs[1] = s.runs[1], s.runs[0]
	}
}

func (r *underway) key() []int8 {
	b := func(v bool) int8 {
		if v {
			return 1
		}
		return 0
	}
	return []int8{int8(r.paper), r.person, b(r.away), b(r.dead), r.quiet, r.n, r.taken, r.used, b(r.rest)}
}

// word is a scene in bits.
type word [2]uint64

type packer struct {
	w word
	n int
}

func (p *packer) put(v, bits int) {
	if v < 0 || v >= 1<<bits || p.n+bits > 128 {
		panic(fmt.Sprintf("BUG: %d does not go into %d bits at %d", v, bits, p.n))
	}
	p.w[p.n/64] |= uint64(v) << (p.n % 64)
	if over := p.n%64 + bits - 64; over > 0 {
		p.w[p.n/64+1] |= uint64(v) >> (bits - over)
	}
	p.n += bits
}

func (p *packer) bit(b bool) {
	v := 0
	if b {
		v = 1
	}
	p.put(v, 1)
}

// index is where something stands in a list, from 1; 0 for none.
func index[T comparable](list []T, x T) int { return slices.Index(list, x) + 1 }

var sides = []approval.Side{approval.AskerSide, approval.ExaminerSide, approval.MemberSide, approval.HandlerSide}

func (p *packer) use(u *use) {
	p.put(int(u.spent), 3)
	p.put(int(u.kept), 3)
	p.put(index(sides, u.side), 3)
	p.put(int(u.roles), 4)
}

var agreementStates = []AgreementState{Proposed, Countered, Agreed, Declined, TakenBack, Terminated, Expired}

func (s *scene) pack() word {
	var p packer
	p.put(int(s.now), 3)
	p.use(&s.a)
	p.put(index(approval.States, s.state), 4)
	p.put(int(s.yes), 2)
	p.put(int(s.no), 2)
	p.put(int(s.mine), 2)
	p.put(index(agreementStates, s.pact), 3)
	p.put(int(s.version), 2)
	p.bit(s.keeper == intruder)
	p.put(int(s.agreed), 2)
	p.put(int(s.pactTaken), 3)
	p.put(int(s.pactKept), 3)
	for i := range s.gives {
		g := &s.gives[i]
		p.use(&g.use)
		p.put(index([]approval.State{approval.Approved, approval.Expired, approval.Revoked}, g.state), 2)
		p.bit(g.list == 2)
		p.bit(g.terms == 2)
		p.put(int(g.cap), 2)
		p.bit(g.over)
	}
	p.put(index([]ListState{ListWaiting, ListReady, ListDropped}, s.list), 2)
	p.bit(s.maker == intruder)
	p.put(index([]int8{intruder, other}, s.second), 2)
	for i := range s.runs {
		r := &s.runs[i]
		p.put(int(r.paper), 2)
		p.bit(r.person == intruder)
		p.put(int(r.quiet), 2)
		p.put(int(r.n), 3)
		p.put(int(r.taken), 3)
		p.put(int(r.used), 2)
		p.bit(r.away)
		p.bit(r.dead)
		p.bit(r.rest)
	}
	for _, b := range []bool{s.short, s.approved, s.ended, s.conducted, s.party, s.broken, s.warned} {
		p.bit(b)
	}
	return p.w
}

// The oracle. It knows what happened, and nothing of how the program decides.

// hours are those of a paper, and its list.
func (s *scene) hours(p paper) (from, until moment, list int8) {
	if p == byCommission {
		from, until, list = aFrom, aUntil, 2
		if s.short {
			until--
		}
		return from, until, list
	}
	g := &s.gives[p-byFirst]
	return wordings[g.terms].from, wordings[g.terms].until, g.list
}

// allowed says whether somebody allowed what a paper says, and nobody took it back.
func (s *scene) allowed(p paper) bool {
	if p == byCommission {
		return s.approved && !s.ended
	}
	g := &s.gives[p-byFirst]
	return g.list != 0 && s.agreed == g.terms && !s.broken && !g.over
}

// covered says whether a run under a paper may be under way at an moment.
func (s *scene) covered(p paper, at moment) bool {
	from, until, _ := s.hours(p)
	return s.allowed(p) && at >= from && at < until
}

// entitled says whether a person may carry out under a paper: whoever asked for it,
// judged it, conducted the agreement or made its list may not.
func (s *scene) entitled(p paper, person int8) bool {
	_, _, list := s.hours(p)
	if list == 2 && (s.list != ListReady || s.warned && s.second < 0) {
		return false
	}
	if person != intruder {
		return true
	}
	asked := s.usage(p).roles&^role(approval.HandlerSide) != 0
	return !asked && !(p != byCommission && s.conducted) && !(list == 2 && (s.maker == intruder || s.second == intruder))
}

func role(x approval.Side) uint8 { return 1 << slices.Index(sides, x) }

// most is the cap of a paper.
func (s *scene) most(p paper) int8 {
	if p == byCommission {
		return aCap
	}
	return s.gives[p-byFirst].cap
}

// The laws that no scene, and no step, may break.
const (
	lawCover  = "cover"  // a run begins, goes on and takes in only while somebody allows it
	lawFree   = "free"   // nobody is kept from what is covered
	lawOne    = "one"    // one run at a time on one approval
	lawCap    = "cap"    // no more is kept than the cap, of an approval or of an agreement
	lawApart  = "apart"  // nobody stands on two sides; who asked carries nothing out
	lawWords  = "words"  // an agreement is what one side wrote and the other read and accepted
	lawSecond = "second" // of what meets a warning another person decides than who made the list
	lawEnd    = "end"    // whatever becomes of a run, it ends, and what it took counts
)

// papers are signed orders, made once, and opened as the hub opens them.
type papers struct {
	sign   func(approval.Order) approval.Grant
	stock  map[stockKey]*stocked
	hashes [3]string
	terms  [3]Terms
	first  time.Time
}

func newPapers(t testing.TB) *papers {
	signer, verifier, _ := testkit.Key(t, "hub.test.example/approval")
	p := &papers{stock: map[stockKey]*stocked{}, hashes: [3]string{1: strings.Repeat("1", 64), 2: strings.Repeat("2", 64)}, first: time.Date(2027, 11, 1, 0, 0, 0, 0, time.UTC)}
	p.sign = func(o approval.Order) approval.Grant {
		raw, err := o.Sign(signer)
		if err != nil {
			t.Fatal(err)
		}
		g, err := approval.Open(raw, verifier)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	for i := 1; i <= 2; i++ {
		w := wordings[i]
		p.terms[i] = Terms{Link: "K-2", From: p.at(w.from), Until: p.at(w.until), Directions: Ways{geo.FD}, Cap: approval.Quantity{Packets: uint64(w.cap)}, Fields: DefaultFields, Addresses: "plain", RetainDays: 30,
			Grounds: "一致する指標がある。", NoOther: "ほかにない。", Necessity: "この回線だけに限る。"}
	}
	return p
}

func (p *papers) at(i moment) time.Time { return p.first.Add(time.Duration(i) * 10 * time.Second) }

// stocked is a Grant with its order beside it.
type stocked struct {
	grant approval.Grant
	order approval.Order
}

type stockKey struct {
	paper       paper
	from, until moment
	list, cap   int8
}

// of returns the Grant of a paper as it stands in a scene.
func (p *papers) of(s *scene, x paper) *stocked {
	from, until, list := s.hours(x)
	key := stockKey{x, from, until, list, s.most(x)}
	if g, ok := p.stock[key]; ok {
		return g
	}
	t := p.terms[1]
	t.From, t.Until = p.at(from), p.at(until)
	o := t.order(fmt.Sprint("paper-", key), "office", "party", p.hashes[list], approval.Quantity{Packets: uint64(s.most(x))}, p.first)
	if x == byCommission {
		o.Kind, o.Party = approval.ForeignDomestic, ""
	}
	g := p.sign(o)
	p.stock[key] = &stocked{g, g.Order()}
	return p.stock[key]
}

// agreement is the agreement of a scene as its row says it.
func (p *papers) agreement(s *scene) Agreement {
	t := &p.terms[max(s.terms()*min(s.version, 1), 1)]
	return Agreement{State: s.pact, Version: int(s.version), Keeper: name(s.keeper), Terms: *t, from: t.From, until: t.Until}
}

func name(person int8) string { return []string{"", "clerk", "carrier", "intruder", "other"}[person+1] }

// lists are the two lists of a scene as their rows say them.
func (p *papers) lists(s *scene, n int8) *List {
	if n == 1 {
		return &List{ID: "1", State: ListReady, SHA256: p.hashes[1], person: "analyst"}
	}
	l := &List{ID: "2", State: s.list, person: "analyst", second: name(s.second)}
	if s.maker == intruder {
		l.person = name(intruder)
	}
	if s.list == ListReady {
		l.SHA256 = p.hashes[2]
	}
	return l
}
