package selection

import (
	"encoding/json"
	"fmt"
	"time"

	"noroshi/internal/approval"
)

// RunState is how far a run of the hub is.
type RunState string

// The states of a run. Records of a run that has not finished cannot be read,
// and are destroyed when it never does.
const (
	RunGoing       RunState = "going"
	RunDone        RunState = "done"
	RunInterrupted RunState = "interrupted" // it broke off: what it had was destroyed
)

// Place is where a run's packets are.
type Place string

// The places of a run.
const (
	OnHub     Place = "hub"
	OnMachine Place = "machine" // another one, with the command
)

// HubRun is one run under an approval or an agreement.
type HubRun struct {
	ID          string            `json:"id"`
	Org         string            `json:"org"`
	Approval    string            `json:"approval"`
	Number      string            `json:"number,omitempty"` // of the approval, as people call it
	Agreement   string            `json:"agreement,omitempty"`
	List        string            `json:"list"`
	Kind        approval.Kind     `json:"kind"`
	Place       Place             `json:"place"`
	Basis       string            `json:"basis"` // acquisition or test
	Source      string            `json:"source,omitempty"`
	State       RunState          `json:"state"`
	Outcome     string            `json:"outcome,omitempty"` // why it ended
	StartedAt   time.Time         `json:"started_at"`
	BeatAt      time.Time         `json:"beat_at"`
	EndedAt     time.Time         `json:"ended_at,omitzero"`
	RetainUntil time.Time         `json:"retain_until,omitzero"`
	Extended    int               `json:"extended"` // times
	Records     int64             `json:"records"`  // that it kept
	Erased      int64             `json:"erased"`   // of those
	Taken       approval.Quantity `json:"taken"`    // passed the check of direction
	Statement   json.RawMessage   `json:"statement,omitempty"`
	Counter     string            `json:"countersignature,omitempty"` // of the hub: a signed note (C2SP)
	Vault       bool              `json:"vault"`                      // its pseudonyms can be opened with two shares
	Entry       string            `json:"entry,omitempty"`

	person, use, vault string
	ways               Ways              // that the use is for
	madeUp             bool              // who began it said that the packets are made up
	used               approval.Quantity // of the cap, by earlier runs
	kept               approval.Quantity // sum of its records
	chain              string            // SHA-256 over the pages of records so far: its state, sealed, hex; empty without any
	pages              int64
	sealed             []byte
	stated             string // the statement as it is stored: sealed, hex
}

// Left is how many of its records are still kept.
func (r HubRun) Left() int64 { return r.Records - r.Erased }

// Stored is a selected record as it is kept at the hub. The line is as the run
// wrote it and holds no content.
type Stored struct {
	ID          string          `json:"id"`
	Run         string          `json:"run"`
	Approval    string          `json:"approval"`
	Provenance  string          `json:"provenance"` // agreement, FF, FD or DF as the record says
	Selector    string          `json:"selector"`
	Personal    bool            `json:"personal"` // may say who somebody is
	RetainUntil time.Time       `json:"retain_until"`
	Line        json.RawMessage `json:"record"`

	org     string
	startAt time.Time
	sealed  []byte
	sum     Chosen // what it counts, while it comes in
}

// ReadingOf is one act of reading records, for who supervises.
type ReadingOf struct {
	ID      string    `json:"id"` // of its ledger entry
	Run     string    `json:"run"`
	Org     string    `json:"org"`              // that read
	Person  string    `json:"person,omitempty"` // name of who read
	Purpose string    `json:"purpose"`
	Consent string    `json:"consent,omitempty"`
	Records int       `json:"records"`
	At      time.Time `json:"at"`

	person string
}

// Receipt says that records were destroyed: how many, and a hash of their ids.
type Receipt struct {
	ID       string    `json:"id"`
	Approval string    `json:"approval"`
	Number   string    `json:"number,omitempty"` // of the approval
	Run      string    `json:"run,omitempty"`    // empty: of the whole approval
	Why      string    `json:"why"`              // retention, interrupted or key
	Records  int64     `json:"records"`
	Digest   string    `json:"digest"` // SHA-256 of the ids, one a line in order, hex
	At       time.Time `json:"at"`
	Entry    string    `json:"entry"`

	org string
}

// Extension says that records may be kept longer, and why.
type Extension struct {
	ID     string    `json:"id"`
	Until  time.Time `json:"until"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
	Entry  string    `json:"entry"`

	sealed []byte
}

// RunView is a run with what belongs to it, for who looks.
type RunView struct {
	Run         HubRun            `json:"run"`
	Names       map[string]string `json:"names"`
	Handler     string            `json:"handler,omitempty"` // name of who carried it out
	Selectors   string            `json:"selectors"`         // SHA-256 of the list
	Readings    []ReadingOf       `json:"readings" nullable:"false"`
	Receipts    []Receipt         `json:"receipts" nullable:"false"`
	Extensions  []Extension       `json:"extensions" nullable:"false"`
	Disclosures []Disclosure      `json:"disclosures" nullable:"false"`
}

// CarrierRow is what a carrier sees of a run: which instruction, when, how much.
type CarrierRow struct {
	Approval  string            `json:"approval"`
	Number    string            `json:"number,omitempty"` // of the approval
	StartedAt time.Time         `json:"started_at"`
	EndedAt   time.Time         `json:"ended_at,omitzero"`
	Taken     approval.Quantity `json:"taken"`
}

// Purpose is what records may be read for.
type Purpose struct {
	ID    string
	Other bool // not for preventing specified damage: needs the consent of an agreement's party
}

// Purposes are all there are, in the order they are offered. The first three are
// within the purpose of preventing specified damage (特定被害防止目的).
var Purposes = []Purpose{{"analyse", false}, {"warn", false}, {"measure", false}, {"other", true}}

// Disclosure is a provision of records to a recipient.
type Disclosure struct {
	ID        string    `json:"id"`
	Run       string    `json:"run"`
	Approval  string    `json:"approval"`
	Org       string    `json:"org"`
	Recipient string    `json:"recipient"`
	Basis     string    `json:"basis"` // provision of law it rests on
	Caveat    string    `json:"caveat,omitempty"`
	Purpose   string    `json:"purpose"`
	Consent   string    `json:"consent,omitempty"`
	Records   int64     `json:"records"`
	Left      int64     `json:"left"` // not erased yet
	At        time.Time `json:"at"`
	Entry     string    `json:"entry,omitempty"`

	sealed []byte
}

// statementOf reads the statement that a run ended with.
func statementOf(r HubRun) (st Statement, err error) {
	if err = json.Unmarshal(r.Statement, &st); err != nil {
		err = fmt.Errorf("statement of %s: %w", r.ID, err)
	}
	return st, err
}
