package approval

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/thread"
	"noroshi/internal/engine/geo"
)

// ID names an approval, or a use of one: a UUIDv7.
type ID = string

func newID() ID { return uuid.Must(uuid.NewV7()).String() }

// Selectors is the list that is asked for: what an approval binds is its hash.
type Selectors struct {
	Hash  string `json:"hash,omitempty" toml:"hash"` // SHA-256 of the file, hex
	Name  string `json:"name,omitempty" toml:"name"`
	Count int    `json:"count,omitempty" toml:"count"` // of selectors in it
}

// Ways is a list of directions: FF, FD or DF.
type Ways []geo.Class

// UnmarshalJSON reads a list of names. A text, which encoding/json would take for
// bytes, is refused.
func (w *Ways) UnmarshalJSON(raw []byte) error {
	var list []*geo.Class
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	*w = nil
	for _, c := range list {
		if c == nil {
			return fmt.Errorf("approval: a direction is null")
		}
		*w = append(*w, *c)
	}
	return nil
}

// Application is what somebody asks the commission for. All of it is needed
// where its kind needs it (rules_new.go).
type Application struct {
	Kind       Kind      `json:"kind,omitempty" toml:"kind"`
	Directions Ways      `json:"directions,omitempty" toml:"directions"` // empty: the one of the kind
	Link       string    `json:"link,omitempty" toml:"link"`
	Capacity   int64     `json:"capacity_mbps,omitempty" toml:"capacity_mbps"` // of the line, in millions of bits a second
	From       time.Time `json:"from,omitzero" toml:"from"`
	Until      time.Time `json:"until,omitzero" toml:"until"`
	Cap        Quantity  `json:"cap,omitzero" toml:"cap"`
	Selectors  Selectors `json:"selectors,omitzero" toml:"selectors"`
	Targets    []string  `json:"targets,omitempty" toml:"targets"` // target acts (art 21)
	Fields     []string  `json:"fields,omitempty" toml:"fields"`
	Addresses  string    `json:"addresses,omitempty" toml:"addresses"` // plain or pseudonym
	RetainDays int       `json:"retain_days,omitempty" toml:"retain_days"`
	Recipients []string  `json:"recipients,omitempty" toml:"recipients"`
	Grounds    string    `json:"grounds,omitempty" toml:"grounds"`               // why the traffic is believed to be there (P3)
	NoOther    string    `json:"no_other_means,omitempty" toml:"no_other_means"` // why other means are markedly difficult (P3)
	Necessity  string    `json:"necessity,omitempty" toml:"necessity"`           // why this much and no less (P19)
	Run        string    `json:"run,omitempty" toml:"run"`                       // whose pseudonyms: Reidentify
	Subjects   []string  `json:"subjects,omitempty" toml:"subjects"`             // pseudonyms to be opened: Reidentify
	Measure    string    `json:"measure,omitempty" toml:"-"`                     // whose plan it is: MeasureKinds
	Plan       string    `json:"plan,omitempty" toml:"-"`                        // SHA-256 of it, hex
	Carrier    string    `json:"carrier,omitempty" toml:"carrier"`               // organisation that gets the instruction
	Extends    ID        `json:"extends,omitempty" toml:"extends"`               // approval that it goes on from (art 19)
}

// maxPacket is the most bytes that a packet has on a line (RFC 791, RFC 8200
// without jumbograms): what a cap in packets alone comes to.
const maxPacket = 65535

// Share returns how much of what the line can carry over the period the cap is,
// in thousandths, rounded up; 0 when it cannot be said.
func (a *Application) Share() int64 {
	seconds, taken := a.Until.Sub(a.From).Seconds(), float64(a.Cap.Bytes)
	if most := float64(a.Cap.Packets) * maxPacket; most > 0 && (taken == 0 || most < taken) {
		taken = most
	}
	if seconds <= 0 || a.Capacity <= 0 || taken == 0 {
		return 0
	}
	whole := float64(a.Capacity) * 1e6 / 8 * seconds // bytes
	return int64(math.Ceil(min(taken*1000/whole, 1e15)))
}

// order writes what was approved as an Order.
func (a *Application) order(id ID, asker string, conditions []string, at time.Time) Order {
	return Order{ID: id, Kind: a.Kind, Asker: asker, Directions: a.Directions, Link: a.Link, From: a.From, Until: a.Until, Cap: a.Cap, Selectors: a.Selectors.Hash,
		Targets: a.Targets, Fields: a.Fields, Addresses: a.Addresses, RetainDays: a.RetainDays, Recipients: a.Recipients, Grounds: a.Grounds, NoOther: a.NoOther,
		Necessity: a.Necessity, Subjects: a.Subjects, Run: a.Run, Measure: a.Measure, Plan: a.Plan, Conditions: conditions, Extends: a.Extends, IssuedAt: at}
}

// Case is an application and what became of it.
type Case struct {
	ID         ID          `json:"id"`
	Number     string      `json:"number"` // random, so that it counts nobody's cases
	Org        string      `json:"org"`    // that asked
	State      State       `json:"state"`
	Asked      Application `json:"application"`
	Until      time.Time   `json:"until"`           // as asked, or as the commission shortened it
	Cap        Quantity    `json:"cap,omitzero"`    // as asked, or as the commission lowered it
	Party      string      `json:"party,omitempty"` // of an agreement
	Open       int         `json:"open_questions,omitempty"`
	CreatedAt  time.Time   `json:"created_at"`
	ExaminedAt time.Time   `json:"examined_at,omitzero"`
	DecidedAt  time.Time   `json:"decided_at,omitzero"`
	EndedAt    time.Time   `json:"ended_at,omitzero"` // given up, revoked or expired
	Order      string      `json:"order,omitempty"`   // digest of the signed order
	Conditions []string    `json:"conditions,omitempty"`
	Less       Less        `json:"less,omitzero"`    // that was granted than was asked
	Reason     string      `json:"reason,omitempty"` // of the decision, or of the end
	Spent      Quantity    `json:"spent,omitzero"`
	Uses       int         `json:"uses"`
	Revision   int64       `json:"revision"`

	ConfirmedAt time.Time `json:"confirmed_at,omitzero"` // the carrier has the instruction
	StoppedAt   time.Time `json:"stopped_at,omitzero"`   // the carrier sends nothing more, after the end

	sealed, outcome, paper, instruction []byte
	from                                time.Time
	kind                                Kind
	carrier                             string
	extends                             ID
	lapsed                              bool // its period is over, and no step says so yet
}

// Runs reports whether the approval is in force at an instant.
func (c *Case) Runs(now time.Time) bool {
	return c.State == Approved && !now.Before(c.from) && now.Before(c.Until)
}

// granted is what was asked, as far as the commission lets it.
func (c *Case) granted() Application {
	a := c.Less.of(c.Asked)
	a.Until, a.Cap = c.Until, c.Cap
	return a
}

// share is that of [Application.Share] of what was granted.
func (c *Case) share() int64 {
	a := c.granted()
	return a.Share()
}

// Left returns what is left of the cap; zero where it does not bound, and where
// nothing is left, which ended says.
func (c *Case) Left() (left Quantity, ended bool) {
	left, some := c.Cap.Left(c.Spent)
	return left, !some
}

// Opinion is what an examiner writes.
type Opinion struct {
	Text     string     `json:"text"`
	Person   string     `json:"person,omitempty"` // name, for the commission
	At       time.Time  `json:"at"`
	Compared []Compared `json:"compared,omitempty"` // earlier cases that it was compared with
}

// Likeness says in what an earlier case is like another.
type Likeness string

// The likenesses.
const (
	SameKind   Likeness = "kind"
	SameLink   Likeness = "link"
	SameTarget Likeness = "target"
	SameAsker  Likeness = "asker"
)

// Compared is an earlier case beside a new one.
type Compared struct {
	Case Case       `json:"case"`
	Same []Likeness `json:"same"`
}

// Choice is what a member votes.
type Choice string

// The choices.
const (
	For     Choice = "for"
	Against Choice = "against"
)

// Vote is one member's.
type Vote struct {
	Person     string    `json:"person"` // name
	Choice     Choice    `json:"choice"`
	Opinion    string    `json:"opinion,omitempty"`
	Conditions []string  `json:"conditions,omitempty"` // that the member wants
	At         time.Time `json:"at"`
	Entry      string    `json:"entry"`

	id, person, org string
	sealed          []byte
}

// Tally is how the votes stand.
type Tally struct {
	For     int  `json:"for"`
	Against int  `json:"against"`
	Quorum  int  `json:"quorum"`
	Members int  `json:"members"`
	Closes  bool `json:"closes"`   // enough votes were given
	Passes  bool `json:"approves"` // the majority is for it
}

// Past is one step of a case's history.
type Past struct {
	From   State     `json:"from,omitempty"`
	To     State     `json:"to"`
	At     time.Time `json:"at"`
	Org    string    `json:"org,omitempty"` // empty: the hub itself
	By     Side      `json:"by"`
	Reason string    `json:"reason,omitempty"`
	Entry  string    `json:"entry"`

	id, person string
	sealed     []byte
}

// Use is one redemption of a Grant.
type Use struct {
	ID       ID        `json:"id"`
	Approval ID        `json:"approval"`
	Org      string    `json:"org"`
	Verb     string    `json:"verb"` // of the act that redeemed it
	At       time.Time `json:"at"`
	EndedAt  time.Time `json:"ended_at,omitzero"` // zero: under way
	Taken    Quantity  `json:"taken"`             // so far
	Left     Quantity  `json:"left,omitzero"`     // of the cap when it began; zero where it does not bound
	Outcome  string    `json:"outcome,omitempty"`
	Entry    string    `json:"entry"`
	Scope    Scope     `json:"scope"`

	person string
	sealed []byte
}

// Refusal is one redemption that was refused.
type Refusal struct {
	Approval ID        `json:"approval"`
	Org      string    `json:"org"`
	Verb     string    `json:"verb"`
	Reason   string    `json:"reason"` // code of the fault
	At       time.Time `json:"at"`
	Entry    string    `json:"entry"`

	person string
}

// View is a case with what who looks may see of it.
type View struct {
	Case     Case              `json:"case"`
	Side     Side              `json:"side"` // that who looks is on
	Opinion  *Opinion          `json:"opinion,omitempty"`
	Votes    []Vote            `json:"votes,omitempty"`
	Tally    *Tally            `json:"tally,omitempty"`
	Earlier  []Compared        `json:"earlier,omitempty"` // cases that are like it, now
	Messages []thread.Message  `json:"messages"`
	Past     []Past            `json:"past"`
	Names    map[string]string `json:"names"` // of organisations, by id
	Extended ID                `json:"extended_by,omitempty"`
	Acts     []string          `json:"acts"` // open to who looks, as they stand in Steps
}

// UsesView is all that was done with an approval.
type UsesView struct {
	Case     Case      `json:"case"`
	Left     Quantity  `json:"left,omitzero"`
	Ended    bool      `json:"cap_used_up,omitempty"`
	Uses     []Use     `json:"uses"`
	Refusals []Refusal `json:"refusals"`
	Next     string    `json:"next,omitempty"`
}

// Filter narrows a list.
type Filter struct {
	State   State
	Kind    Kind
	Number  string
	Waiting bool // for who looks
	Running bool // in force now, what ends first in front
	Ended   bool // by a revocation or given up of late, or with a carrier that has not confirmed that it stopped
	Cursor  string
	Limit   int
}

// numberLetters are those of numbers: Crockford's base 32.
const numberLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// newNumber makes a number such as S-7K3Q-9F2M: 40 random bits.
func newNumber() string {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	for i, b := range raw {
		raw[i] = numberLetters[b%32]
	}
	return "S-" + string(raw[:4]) + "-" + string(raw[4:])
}
