package oversight

import "strings"

// need is what an act of power has to say in clear.
type need struct {
	person  bool    // who does it; otherwise the clock may
	grant   bool    // on which approval it rests
	purpose bool    // for what
	shapes  []shape // the forms of its public part; the first whose mark is there
}

// shape is one form of the public part of an act.
type shape struct {
	mark  string // fact by which it is told from the verb's other forms; empty: by none
	facts []want // ascending by name
	more  bool   // it may say other things too
}

// want is one fact and what it has to be.
type want struct {
	name string
	kind kind
	may  bool // it may be left out
}

// kind is what a fact is. One that may be empty has the bit orEmpty.
type kind uint8

const (
	aWord     kind = iota + 1 // text of one line, not empty
	anID                      // UUID
	aSHA                      // SHA-256 in hex
	aTime                     // instant, UTC, to the microsecond
	aNumber                   // whole number, not negative
	aBool                     // true or false
	aList                     // texts
	aName                     // pseudonym of a person or an organisation
	anAmount                  // packets and bytes
	aChoice                   // packets, bytes and records that were selected
	theDrops                  // amounts, by why they were dropped
	hashes                    // SHA-256s by name
	thePlaces                 // whole numbers: places in the log
	orEmpty   kind = 0x80
)

var kindNames = map[string]kind{"word": aWord, "id": anID, "sha": aSHA, "time": aTime, "n": aNumber, "bool": aBool, "list": aList, "name": aName, "amount": anAmount, "chosen": aChoice,
	"drops": theDrops, "hashes": hashes, "places": thePlaces}

// says writes a shape: names ascending, each with its kind; one that may be left
// out begins with a question mark, one that may be empty ends with one, and three
// dots let it say more.
func says(text string) (s shape) {
	words := strings.Fields(text)
	for i := 0; i < len(words); i += 2 {
		if words[i] == "..." {
			s.more = true
			break
		}
		name, may := strings.CutPrefix(words[i], "?")
		k, empty := strings.CutSuffix(words[i+1], "?")
		w := want{name, kindNames[k], may}
		if w.kind == 0 || len(s.facts) > 0 && s.facts[len(s.facts)-1].name >= name {
			panic("BUG: oversight: the fact " + name + " has no kind or no place in " + text)
		}
		if empty {
			w.kind |= orEmpty
		}
		s.facts = append(s.facts, w)
	}
	return s
}

// marked is a shape that is told by a fact.
func marked(mark, text string) shape {
	s := says(text)
	s.mark = mark
	return s
}

// silent says nothing in clear.
func silent() []shape { return []shape{{}} }

func only(text string) []shape { return []shape{says(text)} }

const moves = "from word kind word to word" // what a step of an approval says

// powers are the first halves of verbs that name an act of power, or of its
// oversight.
var powers = map[string]bool{"approval": true, "agreement": true, "selection": true, "measure": true, "act": true, "oversight": true}

// verbsOfPower is every lawful act in those nouns: a ledger that has another is
// one of a hub that does what nobody knows. It is held against the nouns' own
// tables by a test.
func verbsOfPower() map[string]need {
	all := map[string]need{
		"approval.ask": {person: true, shapes: only("bytes n extends id? from_at time kind word packets n retain_days n run id? selectors sha? to word until_at time")},

		"approval.question": {person: true, shapes: silent()},
		"approval.answer":   {person: true, shapes: silent()},
		"approval.examine":  {person: true, shapes: only(moves)},
		"approval.vote":     {person: true, shapes: only("choice word votes n")},
		"approval.decide": {person: true, shapes: only("against n bytes n conditions n extends id? for n from word from_at time kind word members n order sha? packets n quorum n retain_days n selectors sha?" +
			" to word until_at time")},
		"approval.withdraw": {person: true, shapes: only(moves)},
		"approval.revoke":   {person: true, shapes: only(moves)},
		"approval.expire":   {shapes: only(moves)},
		"approval.confirm":  {person: true, grant: true, shapes: only("?carrier name ?stopped bool")},

		"agreement.propose": {person: true, shapes: silent()},
		"agreement.answer":  {person: true, shapes: silent()},
		"agreement.settle":  {person: true, shapes: only("?to name")},
		"agreement.say":     {person: true, shapes: silent()},
		"agreement.return":  {person: true, shapes: silent()},
		"agreement.grant":   {person: true, grant: true, shapes: only("approval id bytes n from_at time kind word order sha packets n party name retain_days n selectors sha until_at time")},
		"agreement.end":     {shapes: silent()},
		"agreement.consent": {person: true, shapes: []shape{marked("consent", "consent id until time"), marked("withdrawn", "withdrawn id")}},

		"selection.list_make":   {person: true, shapes: only("selectors n sha256 sha? warned n")},
		"selection.list_second": {person: true, shapes: only("dropped bool selectors n sha256 sha?")},
		"selection.list_open":   {person: true, shapes: silent()},
		"selection.run": {person: true, shapes: []shape{
			marked("approval", "approval id basis word directions list order sha place word retain_until time selectors sha"),
			marked("page", "output sha page n records n"),
			marked("statement", "destroyed_at time dropped drops ended word first_at time? hashes hashes last_at time? seen amount selected chosen statement sha"),
			marked("vault", "entries n vault sha"),
			marked("what", "what word")}},
		"selection.interrupt":  {grant: true, shapes: only("outcome word records n taken amount")},
		"selection.read":       {person: true, grant: true, purpose: true, shapes: only("?consent id records n")},
		"selection.disclose":   {person: true, grant: true, purpose: true, shapes: only("basis word ?consent id ids sha recipient name records n")},
		"selection.sight":      {person: true, grant: true, purpose: true, shapes: []shape{marked("sighting", "?consent id selector word sighting id"), marked("item", "?consent id item bool selector word")}},
		"selection.extend":     {person: true, grant: true, shapes: only("times n until time")},
		"selection.erase":      {grant: true, shapes: only("digest sha ?key bool records n ?vault bool why word")},
		"selection.custody":    {person: true, grant: true, shapes: only("first name key word second name")},
		"selection.hold":       {person: true, shapes: []shape{marked("ready", "ready bool what word"), says("what word")}},
		"selection.reidentify": {person: true, grant: true, purpose: true, shapes: only("?consent id ?known n n n run id subjects sha")},
	}
	all["ledger.cosigned"] = need{shapes: only("from n late_s n since time to n until time wait_s n")}
	for verb, n := range measureVerbs() {
		all[verb] = n
	}
	for verb, n := range actVerbs() {
		all[verb] = n
	}
	for _, verb := range readings {
		all[verb] = need{shapes: silent()}
	}
	for verb, n := range deskVerbs() {
		all[verb] = n
	}
	return all
}

// readings are verbs that only ever refuse on record: looking changes nothing.
var readings = []string{"approval.list", "approval.read", "approval.uses", "approval.instruct", "agreement.list", "agreement.read", "selection.lists", "selection.runs", "selection.carrier", "selection.inspect",
	"measure.list", "measure.read", "act.list", "act.read", "oversight.inspect", "oversight.report", "oversight.samples", "oversight.list", "oversight.read", "oversight.openings", "oversight.trace", "oversight.entry", "act.carry"}

// nounOf is the first half of a verb.
func nounOf(verb []byte) []byte {
	for i, c := range verb {
		if c == '.' {
			return verb[:i]
		}
	}
	return verb
}
