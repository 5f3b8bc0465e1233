package measure

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"noroshi/internal/approval"
	"noroshi/internal/org"
)

// ID names a case, a chain of command on it, an act or a step: a UUIDv7.
type ID = string

func newID() ID { return uuid.Must(uuid.NewV7()).String() }

// Evidence points at what a case rests on; nothing is copied. What is linked is
// read where it is, by who may read it there.
type Evidence struct {
	Noun   string `json:"noun,omitempty" enum:"incident,intel,sighting,selection,hunt,situation,other"`
	ID     string `json:"id,omitempty" maxLength:"200"`
	Digest string `json:"digest,omitempty" maxLength:"100"` // SHA-256 of what was seen there, hex
	Says   string `json:"says,omitempty" maxLength:"1000"`  // what it shows, in one sentence
}

// Threat is the package from which a case begins: which machine, what it does,
// and what it threatens.
type Threat struct {
	Title     string     `json:"title,omitempty" maxLength:"200"`
	Machine   string     `json:"machine,omitempty" maxLength:"200"`    // address or name of the machine
	Does      string     `json:"does,omitempty" maxLength:"4000"`      // for which unlawful act it is used
	Protected string     `json:"protected,omitempty" maxLength:"4000"` // the function that is threatened
	Rank      Rank       `json:"rank,omitempty" enum:"state,infrastructure,defence,other"`
	Victims   string     `json:"victims,omitempty" maxLength:"4000"`
	Evidence  []Evidence `json:"evidence,omitempty" maxItems:"100" nullable:"false"`
}

// Nouns are what evidence may be of.
var Nouns = []string{"sighting", "incident", "intel", "selection", "hunt", "situation", "other"}

// Bases are what international law may be held to allow a plan by.
var Bases = []string{"necessity", "countermeasure", "consent", "other"}

// Rank is what is protected, in the order in which it is protected first.
type Rank string

// The ranks.
const (
	StateFirst     Rank = "state"
	Infrastructure Rank = "infrastructure"
	ForDefence     Rank = "defence" // infrastructure that the forces depend on
	OtherRank      Rank = "other"
)

// Ranks lists them, what comes first in front.
var Ranks = []Rank{StateFirst, Infrastructure, ForDefence, OtherRank}

// Finding is whether something holds, and why: no yes without its grounds.
type Finding struct {
	Met     bool   `json:"met,omitempty"`
	Grounds string `json:"grounds,omitempty" maxLength:"4000"`
}

// Assessment is what a chain of command finds of the conditions of the law.
type Assessment struct {
	Unlawful      Finding `json:"unlawful,omitzero"` // used, or suspected to be used, for an unlawful act
	Danger        Finding `json:"danger,omitzero"`   // serious harm to life, body or property if it is left
	Urgent        Finding `json:"urgent,omitzero"`
	Proportionate Finding `json:"proportionate,omitzero"`
	Necessity     string  `json:"necessity,omitempty" maxLength:"4000"`
	Collateral    string  `json:"collateral,omitempty" maxLength:"4000"` // which legitimate services share the machine, and what becomes of them
	OwnerIsVictim bool    `json:"owner_is_victim,omitempty"`             // the machine was taken over
	Organised     Finding `json:"organised,omitzero"`                    // forces: from outside Japan, specially organised and planned
	Indispensable Finding `json:"indispensable,omitzero"`                // forces: serious hindrance, their means are needed
}

// Location is where the machine is believed to stand, and why.
type Location struct {
	Place   Place  `json:"place,omitempty" enum:"japan,abroad,unknown"`
	Country string `json:"country,omitempty" maxLength:"60"`
	Grounds string `json:"grounds,omitempty" maxLength:"4000"`
}

// Worksheet is what the Foreign Minister is asked on, and what international law
// is held to say (rule numbers of the Tallinn Manual 2.0 are references).
type Worksheet struct {
	Basis       string   `json:"basis,omitempty" enum:"necessity,countermeasure,consent,other"`
	Peril       string   `json:"peril,omitempty" maxLength:"4000"`       // grave and imminent peril to an essential interest
	OnlyWay     string   `json:"only_way,omitempty" maxLength:"4000"`    // why nothing less would do
	Sovereignty string   `json:"sovereignty,omitempty" maxLength:"4000"` // what is touched of another State's
	Others      string   `json:"others,omitempty" maxLength:"4000"`      // essential interests of that State and of others
	Rules       []string `json:"rules,omitempty" maxItems:"30" nullable:"false"`
}

// Opinion is what the Foreign Minister says of a worksheet: of the very one that
// has the digest, and of none that was written meanwhile.
type Opinion struct {
	Objects   bool   `json:"objects,omitempty"`
	Text      string `json:"text,omitempty" maxLength:"4000"`
	Worksheet string `json:"worksheet,omitempty" maxLength:"64" doc:"Digest of the worksheet that was read, as the case shows it"`
}

// Plan is what a chain of command means to do, and when.
type Plan struct {
	Steps      []PlanStep `json:"steps,omitempty" maxItems:"50"`
	From       time.Time  `json:"from,omitzero"`
	Until      time.Time  `json:"until,omitzero"`
	Ordinary   string     `json:"ordinary,omitempty" maxLength:"4000"`   // why it is no more than is ordinarily necessary
	StopWhen   []string   `json:"stop_when,omitempty" maxItems:"20"`     // conditions under which all stops
	Deconflict string     `json:"deconflict,omitempty" maxLength:"4000"` // other cases, and what intelligence would lose
}

// PlanStep is one step of a plan.
type PlanStep struct {
	Kind  StepKind `json:"kind,omitempty"`
	On    string   `json:"on,omitempty" maxLength:"200"`    // machine, network or whom it is asked of
	What  string   `json:"what,omitempty" maxLength:"4000"` // what is done, and no more
	Undo  string   `json:"undo,omitempty" maxLength:"4000"`
	Hours int      `json:"hours,omitempty" minimum:"0" maximum:"8760"` // after which it is undone by itself
}

// digest is the SHA-256 of a plan and of whose it is, in hex.
func (p Plan) digest(chain ID) string {
	return digest(struct {
		Chain ID   `json:"chain"`
		Plan  Plan `json:"plan"`
	}{chain, p})
}

// digest is the SHA-256 of a worksheet, and of the plan that it is about.
func (w Worksheet) digest(chain ID, plan string) string {
	return digest(struct {
		Chain     ID        `json:"chain"`
		Plan      string    `json:"plan"`
		Worksheet Worksheet `json:"worksheet"`
	}{chain, plan, w})
}

func digest(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("BUG: measure: a paper that JSON cannot hold: " + err.Error())
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// core names what a plan does, whatever words and hours it has: the kinds of its
// steps and what they are on, each once, in order.
func (p Plan) core() string {
	var list []string
	for _, s := range p.Steps {
		list = append(list, string(s.Kind)+" "+strings.ToLower(norm.NFKC.String(s.On)))
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), "\n")
}

// Case is what all who work on one machine share.
type Case struct {
	ID        ID        `json:"id"`
	Number    string    `json:"number"` // such as M-7K3Q-9F2M, random
	Org       string    `json:"org"`    // that opened it
	Partner   string    `json:"partner,omitempty"`
	Threat    *Threat   `json:"threat,omitempty"` // nil for who may not read it
	CreatedAt time.Time `json:"created_at"`

	tag    string // of the machine
	sealed []byte
}

// Chain is one chain of command on a case.
type Chain struct {
	ID          ID        `json:"id"`
	Org         string    `json:"org"`
	State       State     `json:"state"`
	Facts       Facts     `json:"facts"`
	Plan        string    `json:"plan,omitempty"`      // its digest
	Worksheet   string    `json:"worksheet,omitempty"` // digest of what the Foreign Minister was asked on
	Approval    ID        `json:"approval,omitempty"`
	From        time.Time `json:"from,omitzero"` // the hours in which it acts
	Until       time.Time `json:"until,omitzero"`
	OrderUntil  time.Time `json:"order_until,omitzero"` // of the Prime Minister's order
	DeclaredAt  time.Time `json:"declared_at,omitzero"`
	ExpiresAt   time.Time `json:"expires_at,omitzero"` // of the emergency
	NoticeDueAt time.Time `json:"notice_due_at,omitzero"`
	NoticedAt   time.Time `json:"noticed_at,omitzero"`
	ReviewDueAt time.Time `json:"review_due_at,omitzero"`
	SettledAt   time.Time `json:"settled_at,omitzero"`
	AlarmedAt   time.Time `json:"alarmed_at,omitzero"`
	CreatedAt   time.Time `json:"created_at"`
	Revision    int64     `json:"revision"`

	use    ID     // of the approval, while it is carried out
	steps  string // tag of what the plan does, see [Plan.core]
	own    Place  // as this chain found; Facts has the strictest of the case
	stored State  // as it stands in its row: time may have gone on
	stands approval.Standing
	kase   ID
}

// unplan forgets a plan, and all that was about it.
func (c *Chain) unplan() {
	c.Plan, c.Worksheet, c.Approval, c.steps = "", "", "", ""
	c.From, c.Until, c.OrderUntil = time.Time{}, time.Time{}, time.Time{}
}

// ends is the instant from which the power in force lets nobody act any more:
// that of the plan's hours, or an earlier one that the commission set or at which
// the emergency runs out. The zero time while there is no power.
func (c *Chain) ends() time.Time {
	switch f := &c.Facts; {
	case f.Approved && c.stands.Until.Before(c.Until):
		return c.stands.Until
	case f.Approved:
		return c.Until
	case f.NoTime && c.ExpiresAt.Before(c.Until):
		return c.ExpiresAt
	case f.NoTime:
		return c.Until
	}
	return time.Time{}
}

// Kind is the kind of approval that a chain needs.
func (c *Chain) Kind() approval.Kind {
	if c.Facts.Body == Defence {
		return approval.DefencePower
	}
	return approval.PolicePower
}

// late reports whether something of the emergency is past its time.
func (c *Chain) late(now time.Time) bool {
	switch c.Facts.Notice {
	case Due:
		return !now.Before(c.NoticeDueAt)
	case Noticed:
		return !now.Before(c.ReviewDueAt)
	}
	return false
}

// Past is one act of a chain's history. What was said in it is there for who may
// read it.
type Past struct {
	ID    ID        `json:"id"`
	Act   string    `json:"act"`
	From  State     `json:"from,omitempty"`
	To    State     `json:"to"`
	Org   string    `json:"org,omitempty"` // empty: time
	By    Side      `json:"by"`
	At    time.Time `json:"at"`
	Entry string    `json:"entry"`
	Said  any       `json:"said,omitempty"`

	raw    json.RawMessage // Said, as it was sealed
	person string
	sealed []byte
}

// Done is one step as it was carried out.
type Done struct {
	ID         ID        `json:"id"`
	Number     int       `json:"number"` // of the step in the plan, from 1
	Phase      Phase     `json:"phase,omitempty"`
	Intent     string    `json:"intent"`
	IntendedAt time.Time `json:"intended_at"`
	GoneAt     time.Time `json:"gone_at,omitzero"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	Outcome    Outcome   `json:"outcome,omitempty"`
	Says       string    `json:"says,omitempty"`
	Evidence   string    `json:"evidence,omitempty"` // SHA-256 of what proves it, hex
	Account    string    `json:"account,omitempty"`  // names of the two of the command, where its officers are gone
	First      string    `json:"first,omitempty"`    // names, for the chain itself
	Second     string    `json:"second,omitempty"`

	first, second, accountant string
	sealed                    []byte
}

// Outcome is what became of a step.
type Outcome string

// The outcomes. What went another way than planned stops everything.
const (
	Worked   Outcome = "done"
	Failed   Outcome = "failed"
	Deviated Outcome = "deviated"
	Unsaid   Outcome = "withdrawn" // the intent was taken back before anybody said go
	Lost     Outcome = "lost"      // those who were on it are gone; two of the command wrote what is known
)

// Outcomes lists those that may be said of a step that was carried out.
var Outcomes = []Outcome{Worked, Failed, Deviated}

// Other is what one chain of command sees of another on the same case: that it is
// there, how far, and in which hours it acts.
type Other struct {
	Org   string    `json:"org"`
	Body  Body      `json:"body"`
	State State     `json:"state"`
	Place Place     `json:"place,omitempty"`
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// View is a case with what who looks may see of it.
type View struct {
	Case     Case              `json:"case"`
	Side     Side              `json:"side"`
	Chains   []ChainView       `json:"chains"` // one's own; all of them for the commission
	Others   []Other           `json:"others,omitempty"`
	Same     int               `json:"same_machine,omitempty"` // other open cases on this machine
	Names    map[string]string `json:"names"`                  // of organisations, by id
	Switches []Switch          `json:"switches,omitempty"`
}

// ChainView is a chain with its papers, history and steps.
type ChainView struct {
	Chain
	Late       bool              `json:"late,omitempty"`    // an alarm: a notice or a review is past its time
	Altered    []string          `json:"altered,omitempty"` // papers that are not those of the ledger's digests
	Standing   *approval.State   `json:"approval_state,omitempty"`
	Bounds     *Bounds           `json:"bounds,omitempty"`         // that the commission set
	Ends       time.Time         `json:"ends_at,omitzero"`         // from then on nobody may act
	Questions  int               `json:"open_questions,omitempty"` // of the commission
	Assessment *Assessment       `json:"assessment,omitempty"`
	Location   *Location         `json:"location,omitempty"`
	Planned    *Plan             `json:"planned,omitempty"`
	Worksheet  *Worksheet        `json:"worksheet,omitempty"`
	Words      map[string]string `json:"words,omitempty"` // what was said last in acts that need no paper, by act
	Officers   []Officer         `json:"officers,omitempty"`
	Voices     []Voice           `json:"voices,omitempty"` // of members, on an emergency
	Tried      []Tried           `json:"tried,omitempty"`  // plans that came to nothing before, the first first
	Past       []Past            `json:"past"`             // the last of them, in their order
	PastNext   string            `json:"past_next,omitempty"`
	Done       []Done            `json:"done"` // the last of them, in their order
	DoneNext   string            `json:"done_next,omitempty"`
	Acts       []string          `json:"acts"`              // that who looks may try
	Waits      string            `json:"waits,omitempty"`   // the act that is theirs to do now
	Missing    map[string]string `json:"missing,omitempty"` // guards that do not hold yet, with the article

	forces []org.Org // that could be put on the case
}

// Tried is a plan against the machine of a case that came to nothing before the
// commission: refused, taken back from there, lapsed, or stopped by a member.
type Tried struct {
	Chain  ID        `json:"chain"`
	Case   string    `json:"case"`             // number of the case
	Asked  string    `json:"asked,omitempty"`  // number of what was put to the commission
	Act    string    `json:"act"`              // by which it came to nothing
	At     time.Time `json:"at"`               // when it did
	Reason string    `json:"reason,omitempty"` // that was given then
	Same   bool      `json:"same,omitempty"`   // it does what the plan in force does
	Plan   *Plan     `json:"plan,omitempty"`

	planAct, approval ID
	org               string
}

// Bounds is what the commission set when it approved a plan: until when, and
// under which conditions. Whoever carries it out is bound by them.
type Bounds struct {
	Number     string    `json:"number"` // of the approval
	Until      time.Time `json:"until"`
	Conditions []string  `json:"conditions,omitempty"`
	Order      string    `json:"order"` // digest of the signed order
}

// Voice is how a member of the commission sees an emergency. Each member has one;
// the last counts.
type Voice struct {
	Recommends bool      `json:"recommends,omitempty"` // else it was in order
	Text       string    `json:"text,omitempty"`
	Name       string    `json:"name,omitempty"` // for the commission itself
	At         time.Time `json:"at"`

	person, org string
	sealed      []byte
}

// Officer is somebody who was designated to carry out.
type Officer struct {
	Person string    `json:"person"`
	Name   string    `json:"name"`
	At     time.Time `json:"at"`
}

// Switch is what the commission or a unit's superior says of further emergencies
// while something of earlier ones stands against them. Only both together shut
// them, and only both open them again.
type Switch struct {
	Side   Side      `json:"side"`
	Shut   bool      `json:"shut"`   // as this side says
	Agreed bool      `json:"agreed"` // what holds
	At     time.Time `json:"at"`
}

// Listed is a case in a list.
type Listed struct {
	Case  Case   `json:"case"`
	Chain Chain  `json:"chain"`
	Late  bool   `json:"late,omitempty"`
	Waits string `json:"waits,omitempty"` // the act that is theirs to do now who look
}

// Ratio is how often emergencies were used, beside approvals: what everybody with
// oversight sees.
type Ratio struct {
	Ordinary  int `json:"ordinary"`  // chains that were authorised by an approval
	Emergency int `json:"emergency"` // by a declaration
	Late      int `json:"late"`      // with something overdue now
}

// Filter narrows a list.
type Filter struct {
	State  State
	Number string
	Late   bool // with a notice or a review that is past its time
	Going  bool // neither closed nor given up
	Waits  bool // for something that the side of who looks does
	Cursor string
	Limit  int
}

// numberLetters are those of numbers: Crockford's base 32.
const numberLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// newNumber makes a number such as M-7K3Q-9F2M: 40 random bits.
func newNumber() string {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	for i, b := range raw {
		raw[i] = numberLetters[b%32]
	}
	return "M-" + string(raw[:4]) + "-" + string(raw[4:])
}
