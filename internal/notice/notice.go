package notice

import (
	"slices"
	"time"

	"noroshi/internal/base/text"
)

// ID is the id of a notice or of a recipient's part of one.
type ID = string

// Severity is the class of a notice: how soon to act (SSVC).
type Severity string

// The classes. Only Act breaks quiet hours.
const (
	Act    Severity = "act"
	Attend Severity = "attend"
	Watch  Severity = "watch"
	Track  Severity = "track"
)

// Severities lists the classes, the most urgent first.
var Severities = []Severity{Act, Attend, Watch, Track}

// Kind is which of the linked versions of a notice.
type Kind string

// The versions.
const (
	Management Kind = "management"
	Technical  Kind = "technical"
	Small      Kind = "small"
)

// Kinds lists the versions in the order they are shown.
var Kinds = []Kind{Management, Technical, Small}

// Stage is where a notice stands with its sender.
type Stage string

// The stages.
const (
	Draft     Stage = "draft"
	Sent      Stage = "sent"
	Withdrawn Stage = "withdrawn" // it does not hold; recipients are told so
	Corrected Stage = "corrected" // another notice took its place
)

// Stages lists the stages.
var Stages = []Stage{Draft, Sent, Withdrawn, Corrected}

// Brief is the version for management: what, so what, what to decide.
type Brief struct {
	TLP    TLP       `json:"tlp"`
	What   text.Both `json:"what"`
	SoWhat text.Both `json:"so_what"`
	Decide text.Both `json:"decide"` // by when is the notice's AnswerBy
}

// Indicator is one value a technician looks for.
type Indicator struct {
	Kind  string `json:"kind" enum:"address,domain,url,hash,mail,path,account,other"`
	Value string `json:"value"`
	Note  string `json:"note,omitempty"`
}

// IndicatorKinds lists the kinds of indicators.
var IndicatorKinds = []string{"address", "domain", "url", "hash", "mail", "path", "account", "other"}

// Package is the version for technicians.
type Package struct {
	TLP        TLP         `json:"tlp"`
	Details    text.Both   `json:"details"`
	Indicators []Indicator `json:"indicators,omitempty"`
	Checks     []text.Both `json:"checks,omitempty"` // what to look at, in order
}

// Step is one thing a small firm does.
type Step struct {
	Do  text.Both `json:"do"`           // "装置の線を抜いてください"
	How text.Both `json:"how,omitzero"` // a sentence or two; may be empty
}

// Helper is who helps a small firm, with a number to call.
type Helper struct {
	Name  text.Both `json:"name"`
	Phone string    `json:"phone"`
	Hours text.Both `json:"hours,omitzero"`
}

// Steps is the version for small firms: at most five steps in plain words.
type Steps struct {
	TLP    TLP       `json:"tlp"`
	Title  text.Both `json:"title"`
	Steps  []Step    `json:"steps"`
	Helper Helper    `json:"helper"`
	Note   text.Both `json:"note,omitzero"` // what stops meanwhile, and what does not
}

// Content is all that a sender writes.
type Content struct {
	Title        text.Both `json:"title,omitzero"`
	About        []string  `json:"about,omitempty"` // vulnerability ids
	Item         string    `json:"item,omitempty"`  // id of the intelligence item it rests on
	Severity     Severity  `json:"severity,omitempty"`
	TLP          TLP       `json:"tlp,omitempty"` // of the notice as a whole, its title and reasons
	Clearance    int       `json:"clearance,omitempty"`
	AnswerBy     time.Time `json:"answer_by,omitzero"`
	FixBy        time.Time `json:"fix_by,omitzero"`
	KnownAt      time.Time `json:"known_at,omitzero"`       // when the sender came to know
	AttackSeenAt time.Time `json:"attack_seen_at,omitzero"` // when attacks that use it were first seen
	Management   *Brief    `json:"management,omitempty"`
	Technical    *Package  `json:"technical,omitempty"`
	Small        *Steps    `json:"small,omitempty"`
}

// Has reports whether the version was written.
func (c *Content) Has(k Kind) bool {
	switch k {
	case Management:
		return c.Management != nil
	case Technical:
		return c.Technical != nil
	case Small:
		return c.Small != nil
	}
	return false
}

// TLPOf returns the mark of a version; empty when there is none.
func (c *Content) TLPOf(k Kind) TLP {
	switch {
	case k == Management && c.Management != nil:
		return c.Management.TLP
	case k == Technical && c.Technical != nil:
		return c.Technical.TLP
	case k == Small && c.Small != nil:
		return c.Small.TLP
	}
	return ""
}

// Only returns the content as somebody sees it who gets these versions: what
// belongs to another version is gone, the ids of vulnerabilities with it when
// none of the versions left speaks of them.
func (c Content) Only(kinds []Kind) Content {
	if !slices.Contains(kinds, Management) {
		c.Management = nil
	}
	if !slices.Contains(kinds, Technical) {
		c.Technical = nil
	}
	if !slices.Contains(kinds, Small) {
		c.Small = nil
	}
	if c.Management == nil && c.Technical == nil {
		c.About = nil
		if c.Small != nil { // the title of the notice is for those who read more
			c.Title = c.Small.Title
		}
	}
	c.Item, c.KnownAt = "", time.Time{} // the sender's own business
	return c
}

// Notice is a notice as its sender has it.
type Notice struct {
	ID          ID        `json:"id"`
	Number      string    `json:"number"` // random, so that it tells nothing of how many there are
	From        string    `json:"from"`   // organisation
	Stage       Stage     `json:"stage"`
	Auto        bool      `json:"auto,omitempty"`        // drafted because an exposure appeared
	Corrects    ID        `json:"corrects,omitempty"`    // the notice whose place it takes
	CorrectedBy ID        `json:"corrected_by,omitzero"` // the notice that took its place
	Content     Content   `json:"content"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	SentAt      time.Time `json:"sent_at,omitzero"`
	EndedAt     time.Time `json:"ended_at,omitzero"` // withdrawn or corrected
	EndedWhy    string    `json:"ended_why,omitempty"`
	Revision    int64     `json:"revision"`

	person string
	sealed []byte
}

// Late returns by how much the warning came after the attack: zero when it did
// not, or when nobody knows.
func (n *Notice) Late(now time.Time) time.Duration {
	if n.Content.AttackSeenAt.IsZero() {
		return 0
	}
	at := n.SentAt
	if at.IsZero() {
		at = now
	}
	return max(0, at.Sub(n.Content.AttackSeenAt))
}

// Recipient is one organisation that is told, and where it stands. Of a firm
// that is not on the hub Org is empty and Name says who it is.
type Recipient struct {
	ID          ID          `json:"id"`
	Notice      ID          `json:"notice"`
	Org         string      `json:"org,omitempty"`
	Name        string      `json:"name,omitempty"`
	Mail        string      `json:"mail,omitempty"` // where the link goes
	Kinds       []Kind      `json:"versions"`
	Why         []text.Both `json:"why"`
	Note        string      `json:"note,omitempty"` // of whoever passed it on
	Devices     int         `json:"devices,omitempty"`
	State       State       `json:"state"`
	PlannedFor  string      `json:"planned_for,omitempty"` // a day: 2026-11-20
	Tier        int         `json:"tier"`                  // 0 told by the sender, 1 to 3 down the chain
	Parent      ID          `json:"-"`                     // of whom it was passed on by
	From        string      `json:"-"`                     // organisation that told it
	Shown       bool        `json:"shown,omitempty"`       // lets whoever passed it on see its answer
	DeliveredAt time.Time   `json:"delivered_at,omitzero"`
	OpenedAt    time.Time   `json:"opened_at,omitzero"`
	AnsweredAt  time.Time   `json:"answered_at,omitzero"` // first answer that is one
	FixedAt     time.Time   `json:"fixed_at,omitzero"`
	RemindedAt  time.Time   `json:"reminded_at,omitzero"`
	Escalated   bool        `json:"escalated,omitempty"`

	step   int       // of the schedule, next to do
	nextAt time.Time // of that step; zero when there is none
	silent bool      // stands in the sender's counts and is never delivered
	sealed []byte
}

// Answer is what a recipient said at one time.
type Answer struct {
	ID       string    `json:"id"`
	State    State     `json:"state"`
	At       time.Time `json:"at"`
	By       string    `json:"by,omitempty"`      // organisation; empty by link
	Note     string    `json:"note,omitempty"`    // in the recipient's words
	Date     string    `json:"date,omitempty"`    // of Planned: a day
	Interim  string    `json:"interim,omitempty"` // of Planned: what is done until then
	Corrects bool      `json:"corrects,omitempty"`
	ByFile   bool      `json:"by_file,omitempty"` // came in a bundle of a closed network
	Files    []Digest  `json:"files,omitempty"`   // by file: what evidence lies with the recipient

	recipient ID
	owner     string // under whose key it is sealed
	person    string
	entry     string
	sealed    []byte
}

// TicketState is where a call for help stands.
type TicketState string

// The states of a ticket.
const (
	TicketOpen     TicketState = "open"
	TicketTaken    TicketState = "taken"
	TicketAnswered TicketState = "answered"
	TicketClosed   TicketState = "closed"
)

// Ticket is a call for help at a desk, with a clock of its own.
type Ticket struct {
	ID         ID          `json:"id"`
	Recipient  ID          `json:"letter"`
	Desk       string      `json:"desk"` // organisation that helps
	Org        string      `json:"org,omitempty"`
	Name       string      `json:"name,omitempty"` // of a firm that is not on the hub
	State      TicketState `json:"state"`
	Severity   Severity    `json:"severity"`
	Number     string      `json:"number"` // of the notice
	OpenedAt   time.Time   `json:"opened_at"`
	Due        time.Time   `json:"due"` // of the first answer
	TakenAt    time.Time   `json:"taken_at,omitzero"`
	TakenBy    string      `json:"-"`
	AnsweredAt time.Time   `json:"answered_at,omitzero"`
	ClosedAt   time.Time   `json:"closed_at,omitzero"`

	owner string // under whose key its conversation is sealed
}
