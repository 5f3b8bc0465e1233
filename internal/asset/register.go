package asset

import (
	bin "encoding/binary" // binary is a function of ours
	"slices"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/ledger"
)

// Entry is a piece of equipment as a register keeps it.
type Entry struct {
	Item
	Org         string    `json:"org"`      // operator: organisation id
	Revision    int       `json:"revision"` // counts changes; a change names the one it saw
	Source      string    `json:"source"`   // FromList or ByHand
	Used        Answer    `json:"used,omitempty"`
	Affects     Answer    `json:"affects,omitempty"` // answers of the scope check for this piece; empty = as the register's
	ConfirmedAt time.Time `json:"confirmed_at"`      // when somebody last said that all this is so
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	CreatedBy   string    `json:"-"` // person id
	UpdatedBy   string    `json:"-"`
	UpdatedOrg  string    `json:"updated_org"` // organisation that changed it last: the operator's or a contractor's
	Mark        string    `json:"mark"`        // act, attend or fine, as of the day it was read
	Lacks       []string  `json:"lacks,omitempty"`
}

// Where an Entry came from. A list takes out only what lists brought.
const (
	FromList = "list"
	ByHand   = "hand"
)

// names of marks, as filters and the API say them
var markNames = [...]string{MarkAct: "act", MarkAttend: "attend", MarkFine: "fine"}

// judge fills in what follows from the rules on a day.
func (e *Entry) judge(r *Rules, today Date) {
	e.Mark = markNames[r.Mark(&e.Item, today)]
	e.Lacks = nil
	for _, g := range r.Lacks(&e.Item) {
		e.Lacks = append(e.Lacks, g.ID)
	}
}

// Register is what is known of a register as a whole.
type Register struct {
	Org        string     `json:"org"`
	Revision   int64      `json:"revision"` // counts changes of anything in it
	Items      int        `json:"items"`
	Statements int        `json:"statements"` // number of the last statement
	Facts      ScopeFacts `json:"facts"`      // answers of the scope check that hold for every piece without its own
}

// facts answers the scope check for one piece.
func (r *Register) facts(used, affects Answer) ScopeFacts {
	f := r.Facts
	if used != "" {
		f.Used = used
	}
	if affects != "" {
		f.Affects = affects
	}
	return f
}

// secret is what an Entry keeps encrypted: the sealed part, the columns we
// have no field for (nobody knows what is in them), and the answers that tell
// which piece leads to essential equipment.
type secret struct {
	Sealed
	Further map[string]string `json:"further,omitempty"`
	Used    Answer            `json:"used,omitempty"`
	Affects Answer            `json:"affects,omitempty"`
}

// hint is the little of an Entry by which lists are filtered and counted
// without opening the whole: the zone, which fields are filled, and the
// answers of the scope check. It is encrypted like the rest. (A keyed digest
// per zone would be quicker to query, and would show who stands together: five
// groups, told apart by the kinds in them.)
type hint struct {
	zone          Zone
	filled        uint32 // bit per Field
	used, affects Answer
}

const hintSize = 7

var answers = []Answer{"", Yes, No, Unknown}

func hintOf(it *Item, used, affects Answer) hint {
	h := hint{zone: it.Sealed.Zone, used: used, affects: affects}
	for f := range Field(fieldCount) {
		if it.Value(f) != "" {
			h.filled |= 1 << f
		}
	}
	return h
}

func (h hint) bytes() []byte {
	b := bin.LittleEndian.AppendUint32(make([]byte, 0, hintSize), h.filled)
	return append(b, byte(slices.Index(Zones(), h.zone)+1), byte(max(0, slices.Index(answers, h.used))), byte(max(0, slices.Index(answers, h.affects))))
}

func parseHint(b []byte) (h hint, ok bool) {
	zones := Zones()
	if len(b) != hintSize || int(b[4]) > len(zones) || int(b[5]) >= len(answers) || int(b[6]) >= len(answers) {
		return h, false
	}
	h.filled, h.used, h.affects = bin.LittleEndian.Uint32(b), answers[b[5]], answers[b[6]]
	if b[4] > 0 {
		h.zone = zones[b[4]-1]
	}
	return h, true
}

// fill makes the fields that are filled non-empty, with a mark in place of the
// value: enough for every question of the kind "what is missing?".
func (h hint) fill(it *Item) {
	const some = "-"
	has := func(f Field) bool { return h.filled>>f&1 == 1 }
	text := func(f Field, s *string) {
		if has(f) && *s == "" {
			*s = some
		}
	}
	list := func(f Field, l *[]string) {
		if has(f) {
			*l = someList
		}
	}
	day := func(f Field, d *Date) {
		if has(f) && d.IsZero() {
			*d = Date{minYear, time.January, 1}
		}
	}
	text(FieldKey, &it.Key)
	text(FieldModel, &it.Sealed.Model)
	text(FieldVersion, &it.Sealed.Version)
	text(FieldCPE, &it.Sealed.CPE)
	text(FieldPURL, &it.Sealed.PURL)
	text(FieldSite, &it.Sealed.Site)
	list(FieldAddresses, &it.Sealed.Addresses)
	list(FieldDomains, &it.Sealed.Domains)
	list(FieldConnects, &it.Sealed.Connects)
	day(FieldIntroduced, &it.Introduced)
	day(FieldChanged, &it.Changed)
	it.Sealed.Zone = h.zone
}

// someList stands for a list that is filled; it is only read.
var someList = []string{"-"}

// Filter narrows a list of equipment. Every field may be empty.
type Filter struct {
	Org      string // of a contractor: which customer's equipment
	Text     string // own id, or words of maker and product, in any spelling
	Kind     Kind
	Zone     string // a Zone, or NoZone
	Gap      string // id of a Gap
	Mark     string // act, attend or fine
	Support  Support
	Operated string // as OperatedBy
	Service  string
	Maker    string // key
	Product  string // key; with Maker
	Sort     string // key, product, confirmed or support; "-" in front turns it round
	Cursor   string
	Limit    int
}

// NoZone is the zone filter for equipment whose zone nobody said.
const NoZone = "none"

// Found is one page of a list.
type Found struct {
	Entries []Entry
	Next    string // cursor; empty at the end
	// Cut says that the search stopped at its bound before the page was full:
	// there may be more behind Next.
	Cut bool
}

// Past is one thing that happened to a piece of equipment.
type Past struct {
	ID      string    `json:"id"`
	Item    ID        `json:"item"`
	What    Outcome   `json:"what"` // added, changed or removed; Confirmed
	At      time.Time `json:"at"`
	Person  string    `json:"person"` // name
	Org     string    `json:"org"`    // name
	Changes []Change  `json:"changes,omitempty"`
	Was     *Item     `json:"was,omitempty"` // of a removal
	Entry   string    `json:"entry"`         // of the ledger

	person, org string // ids
	sealed      []byte
}

// Confirmed is the Past of an entry that somebody said is still so.
const Confirmed Outcome = "confirmed"

// Overview is a register at a glance.
type Overview struct {
	Register Register       `json:"register"`
	Tally    Tally          `json:"tally"`
	Age      Age            `json:"age"`
	Kinds    map[Kind]int   `json:"kinds"` // devices
	Zones    map[Zone]int   `json:"zones"` // devices
	Operated map[string]int `json:"operated_by"`
	Marks    Marks          `json:"marks"`
	Today    Date           `json:"today"`
}

// Faults of a register.
var (
	ErrNone         = fault.New(fault.NotFound, "asset.none")              // no such piece, or not theirs to know
	ErrStale        = fault.New(fault.Conflict, "asset.stale")             // somebody changed it meanwhile
	ErrPreviewGone  = fault.New(fault.NotFound, "asset.preview.gone")      // unknown, used or expired
	ErrPreviewStale = fault.New(fault.Conflict, "asset.preview.stale")     // the register changed since
	ErrFull         = fault.New(fault.TooLarge, "asset.full")              // over MaxRegister
	ErrNoMinistry   = fault.New(fault.Unmet, "asset.statement.nobody")     // nobody competent on this hub
	ErrStatement    = fault.New(fault.NotFound, "asset.statement.none")    // no such statement, or not theirs to know
	ErrAcknowledged = fault.New(fault.Conflict, "asset.statement.stamped") // already
)

// MaxRegister is how many entries one operator's register holds at most.
const MaxRegister = 200_000

// Submitted is the answer to a submission.
type Submitted struct {
	Notice  Notice         `json:"statement"`
	Receipt ledger.Receipt `json:"receipt"`
	Promise string         `json:"promise"` // signed
}

// Notice is a statement as lists show it: without its content.
type Notice struct {
	ID      string          `json:"id"`
	Org     string          `json:"org"`
	OrgName string          `json:"org_name"`
	Number  int             `json:"number"`
	Sector  string          `json:"sector"`
	Counts  StatementCounts `json:"counts"`
	At      time.Time       `json:"at"`
	Waiting bool            `json:"waiting"` // for who asks
	Stamped time.Time       `json:"stamped,omitzero"`
	Entry   string          `json:"entry"` // of the ledger

	person string
}

// Delivery is where a statement went, and what came back.
type Delivery struct {
	Org         string    `json:"org"`
	OrgName     string    `json:"org_name"`
	Role        string    `json:"role"`          // ministry or office
	Via         string    `json:"via,omitempty"` // organisation that passed it on
	SentAt      time.Time `json:"sent_at"`
	OpenedAt    time.Time `json:"opened_at,omitzero"`
	AckedAt     time.Time `json:"acked_at,omitzero"`
	AckedNumber string    `json:"acked_number,omitempty"`
	AckedEntry  string    `json:"acked_entry,omitempty"`
	AckedBy     string    `json:"-"`
}
