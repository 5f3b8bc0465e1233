package selection

import (
	"encoding/json"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/thread"
	"noroshi/internal/engine/geo"
)

// Ways are directions; in JSON a list of their names, never bytes.
type Ways []geo.Class

// UnmarshalJSON reads a list of names.
func (w *Ways) UnmarshalJSON(raw []byte) error {
	var names []string
	if err := json.Unmarshal(raw, &names); err != nil {
		return err
	}
	*w = make(Ways, len(names))
	for i, n := range names {
		if err := (*w)[i].UnmarshalText([]byte(n)); err != nil {
			return err
		}
	}
	return nil
}

// Article is the provision an agreement rests on.
type Article string

// The articles of Act 42 of 2025. The number of the second is not confirmed by a
// source.
const (
	Article11 Article = "art11" // a special social-infrastructure operator
	Article12 Article = "art12" // another user of telecommunications
)

// AgreementState is how far an agreement is.
type AgreementState string

// The states of an agreement.
const (
	Proposed   AgreementState = "proposed"   // waits for the party
	Countered  AgreementState = "countered"  // the party proposed otherwise: waits for the office
	Agreed     AgreementState = "agreed"     // both accepted the same words; in force within its period
	Declined   AgreementState = "declined"   // the party refused, as it is free to
	TakenBack  AgreementState = "taken_back" // by the office, before anything was agreed
	Terminated AgreementState = "terminated" // by either
	Expired    AgreementState = "expired"
)

// Side is who makes a move.
type Side string

// The sides of an agreement.
const (
	OfficeSide Side = "office"
	PartySide  Side = "party"
	ClockSide  Side = "clock"
)

// Terms are the words of an agreement: what is given, in which period and how
// much, what is kept of it, and what the party gets back.
type Terms struct {
	Title      string            `json:"title"`
	Link       string            `json:"link"` // the party's line, as an order names it
	From       time.Time         `json:"from"`
	Until      time.Time         `json:"until"`
	Directions Ways              `json:"directions"`
	Cap        approval.Quantity `json:"cap"`
	Fields     []string          `json:"fields"`    // of a record that may be kept
	Addresses  string            `json:"addresses"` // "plain" or "pseudonym"
	RetainDays int               `json:"retain_days"`
	Recipients []string          `json:"recipients,omitempty"`
	Targets    []string          `json:"targets,omitempty"`
	Grounds    string            `json:"grounds"`
	NoOther    string            `json:"no_other_means"`
	Necessity  string            `json:"necessity"`
	Gives      string            `json:"gives"`   // in plain words, what the party gives
	Returns    string            `json:"returns"` // in plain words, what it gets back
}

// Agreement is an agreement with a party to communications (当事者協定, Act 42
// arts 11–16).
type Agreement struct {
	ID        string         `json:"id"`
	Org       string         `json:"org"`   // office
	Party     string         `json:"party"` // organisation
	Article   Article        `json:"article"`
	State     AgreementState `json:"state"`
	Version   int            `json:"version"` // of the terms: a new proposal is a new version
	Terms     Terms          `json:"terms,omitzero"`
	TalkedAt  time.Time      `json:"talked_at,omitzero"` // the party took part in talks
	AgreedAt  time.Time      `json:"agreed_at,omitzero"`
	EndedAt   time.Time      `json:"ended_at,omitzero"`
	At        time.Time      `json:"at"`
	ChangedAt time.Time      `json:"changed_at"`
	Entry     string         `json:"entry,omitempty"`
	Keeper    string         `json:"keeper,omitempty"` // person of the office who conducts it

	from, until time.Time // in clear, for the clock
	sealed      []byte
}

// InForce reports whether an agreement covers an instant.
func (a Agreement) InForce(now time.Time) bool {
	return a.State == Agreed && !now.Before(a.from) && now.Before(a.until)
}

// WaitsFor returns whose move it is; empty when nobody has to move.
func (a Agreement) WaitsFor() Side {
	switch a.State {
	case Proposed:
		return PartySide
	case Countered:
		return OfficeSide
	}
	return ""
}

// PastMove is one move in the history of an agreement.
type PastMove struct {
	From    AgreementState `json:"from,omitempty"`
	To      AgreementState `json:"to"`
	By      Side           `json:"by"`
	Version int            `json:"version"`
	Note    string         `json:"note,omitempty"` // to the two parties alone
	At      time.Time      `json:"at"`
	Entry   string         `json:"entry"`

	id, person string // who took it, kept to keep duties apart
	sealed     []byte
}

// Consent is a party's consent to another purpose for what it gave.
type Consent struct {
	ID          string    `json:"id"`
	Agreement   string    `json:"agreement"`
	Purpose     string    `json:"purpose"` // in the party's words
	Until       time.Time `json:"until"`
	At          time.Time `json:"at"`
	WithdrawnAt time.Time `json:"withdrawn_at,omitzero"`
	Entry       string    `json:"entry"`

	sealed []byte
}

// Covers reports whether a consent holds at an instant.
func (c Consent) Covers(now time.Time) bool { return c.WithdrawnAt.IsZero() && now.Before(c.Until) }

// Returned is an analysis result that a party was given back.
type Returned struct {
	ID    string    `json:"id"`
	Title string    `json:"title"`
	Text  string    `json:"text"`
	At    time.Time `json:"at"`
	Entry string    `json:"entry"`

	sealed []byte
}

// AgreementView is an agreement with all that belongs to it.
type AgreementView struct {
	Agreement Agreement         `json:"agreement"`
	Side      Side              `json:"side,omitempty"` // of who looks; empty: the inspector
	Names     map[string]string `json:"names"`
	Past      []PastMove        `json:"past" nullable:"false"`
	Talk      []thread.Message  `json:"talk" nullable:"false"`
	Consents  []Consent         `json:"consents" nullable:"false"`
	Returned  []Returned        `json:"returned" nullable:"false"`
	Grants    []AgreementGrant  `json:"grants" nullable:"false"`
	Volumes   []CarrierRow      `json:"volumes" nullable:"false"` // of its runs, the newest first: when, and how much
}

// AgreementGrant is an approval that an agreement in force issued.
type AgreementGrant struct {
	Approval  string    `json:"approval"`
	Number    string    `json:"number,omitempty"` // of the approval
	List      string    `json:"list"`
	Selectors string    `json:"selectors"` // SHA-256 of the list
	At        time.Time `json:"at"`
}

// AgreementFilter narrows a list of agreements.
type AgreementFilter struct {
	Waiting bool // only what waits for who asks
	Ended   bool // what is over too
	Cursor  string
	Limit   int
}
