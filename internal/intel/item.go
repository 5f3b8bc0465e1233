package intel

import (
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/incident"
	"noroshi/internal/sighting"
)

// Faults of items.
var (
	ErrItem      = fault.New(fault.Invalid, "intel.item.invalid")    // with places
	ErrNoItem    = fault.New(fault.NotFound, "intel.item.none")      // not there, or not this reader's to know
	ErrPublished = fault.New(fault.Conflict, "intel.item.published") // it was published, or taken back, already
	ErrConsent   = fault.New(fault.Refused, "intel.item.consent")    // its reporter did not agree to share indicators
	ErrItemMoved = fault.New(fault.Conflict, "intel.item.moved")     // somebody else changed it meanwhile
)

// IndicatorType is what kind of thing an indicator is.
type IndicatorType string

// The types of indicators: those of sightings, and addresses of mail.
const (
	AddressIndicator = IndicatorType(sighting.Address)
	DomainIndicator  = IndicatorType(sighting.Domain)
	URLIndicator     = IndicatorType(sighting.URL)
	HashIndicator    = IndicatorType(sighting.Hash)
	MailIndicator    = IndicatorType("mail")
)

// Warning says why an indicator may hit what is harmless. It is the key of a
// sentence.
type Warning string

// The warnings.
const (
	WarnPrivate  Warning = "private"  // an address of inner networks, or of none
	WarnReserved Warning = "reserved" // a name or address kept for examples and tests (RFC 2606, 5737, 6761)
	WarnCommon   Warning = "common"   // a service that nearly everyone uses
	WarnWide     Warning = "wide"     // a prefix of many addresses, or a name without a registrable part
	WarnEmpty    Warning = "empty"    // the hash of an empty file
	WarnOwn      Warning = "own"      // an organisation on this hub registered it as its own
)

// Indicator is one thing to look for.
type Indicator struct {
	Type     IndicatorType `json:"type"`
	Value    string        `json:"value"` // in its one spelling
	Note     string        `json:"note,omitempty"`
	Warnings []Warning     `json:"warnings,omitempty"`
}

// Grade is how far a source and what it says are to be believed (NATO
// AJP-2.1, the Admiralty code).
type Grade struct {
	Reliability string `json:"reliability"` // A completely reliable … E unreliable, F cannot be judged
	Credibility int    `json:"credibility"` // 1 confirmed by others … 5 improbable, 6 cannot be judged
}

// Origin says how an item came to be.
type Origin string

// The origins.
const (
	ByHand     Origin = "hand"   // written by a person
	FromReport Origin = "report" // out of an incident report, with its reporter's consent
	FromFile   Origin = "file"   // read from a file

	FromSelection Origin = "selection" // selected communications; which power it was stays in its provenance
)

// Prose is what an item says in one language.
type Prose struct {
	Title   string `json:"title,omitempty"`
	Summary string `json:"summary,omitempty"`
	Text    string `json:"text,omitempty"`
}

// NewItem is an item before it is kept.
type NewItem struct {
	Title           string       `json:"title" required:"false"`
	Summary         string       `json:"summary,omitempty"`                 // in a few sentences
	Text            string       `json:"text,omitempty"`                    // in words; indicators in it are found
	English         Prose        `json:"english,omitzero" required:"false"` // the same in English; empty when there is none
	Indicators      []Indicator  `json:"indicators,omitempty"`              // beside those in the text
	Vulnerabilities []string     `json:"vulnerabilities,omitempty"`
	TLP             incident.TLP `json:"tlp"`                  // empty: AMBER
	Clearance       int          `json:"clearance"`            // 0 to 3, at most the writer's
	Grade           Grade        `json:"grade"`                // empty: F6
	Source          string       `json:"source,omitempty"`     // organisation or feed
	SourceRef       string       `json:"source_ref,omitempty"` // its own number or address of it
	ValidUntil      time.Time    `json:"valid_until,omitzero"` // zero: no end known
	To              []string     `json:"to,omitempty"`         // ids of the organisations it is for, where its label asks for names
}

// ItemState is where an item stands.
type ItemState string

// The states.
const (
	ItemDraft     ItemState = "draft"     // its own organisation only
	ItemPublished ItemState = "published" // whoever its label and clearance allow
	ItemWithdrawn ItemState = "withdrawn" // as before, marked as no longer right
	ItemReplaced  ItemState = "replaced"  // as before, with a later version in its place
)

// ItemStates lists the states.
var ItemStates = []ItemState{ItemDraft, ItemPublished, ItemReplaced, ItemWithdrawn}

// Step is one step of where an item is from: who had it before.
type Step struct {
	At   time.Time `json:"at"`
	What Origin    `json:"what"`
	Ref  string    `json:"ref,omitempty"` // id of the report with its version, name of the file
	SHA  string    `json:"sha256,omitempty"`
	Kind string    `json:"kind,omitempty"` // of a file: text, json, csv, misp, stix; of FromSelection: agreement, ff, fd or df
	// Left counts what stands in the file and is not in the item, by the word the
	// file has for it; the file itself is kept.
	Left map[string]int `json:"left,omitempty"`
}

// Item is a piece of intelligence: text, indicators, marks, grade, where it is
// from.
type Item struct {
	ID              string       `json:"id"`
	Org             string       `json:"org"` // whose it is
	State           ItemState    `json:"state"`
	Version         int          `json:"version"`  // counts what was published of it
	Revision        int          `json:"revision"` // counts the changes of this version
	Replaces        string       `json:"replaces,omitempty"`
	ReplacedBy      string       `json:"replaced_by,omitempty"` // when the reader may know that one
	Title           string       `json:"title"`
	Summary         string       `json:"summary,omitempty"`
	Text            string       `json:"text,omitempty"`
	English         Prose        `json:"english,omitzero"`
	Indicators      []Indicator  `json:"indicators"`
	Vulnerabilities []string     `json:"vulnerabilities,omitempty"`
	TLP             incident.TLP `json:"tlp"`
	Clearance       int          `json:"clearance"`
	Grade           Grade        `json:"grade"`
	Origin          Origin       `json:"origin"`
	Source          string       `json:"source,omitempty"` // only to its own organisation and the office
	SourceRef       string       `json:"source_ref,omitempty"`
	ValidUntil      time.Time    `json:"valid_until,omitzero"`
	Provenance      []Step       `json:"provenance,omitempty"`
	To              []string     `json:"to,omitempty"` // only to its own organisation
	CreatedAt       time.Time    `json:"created_at"`
	PublishedAt     time.Time    `json:"published_at,omitzero"`
	WithdrawnAt     time.Time    `json:"withdrawn_at,omitzero"`
	Why             string       `json:"why,omitempty"` // it was withdrawn
	Entry           string       `json:"entry,omitempty"`
	Mine            bool         `json:"mine"`

	person string
	sealed []byte
}

// itemSecret is what of an item is stored encrypted to its organisation.
type itemSecret struct {
	Title      string      `json:"title"`
	Summary    string      `json:"summary,omitempty"`
	Text       string      `json:"text,omitempty"`
	English    Prose       `json:"english,omitzero"`
	Indicators []Indicator `json:"indicators"`
	Source     string      `json:"source,omitempty"`
	SourceRef  string      `json:"source_ref,omitempty"`
	Provenance []Step      `json:"provenance,omitempty"`
	Why        string      `json:"why,omitempty"`
}

// ItemFilter narrows a list of items.
type ItemFilter struct {
	State         ItemState
	Vulnerability string
	Indicator     string // in any spelling
	Mine          bool   // one's own organisation's
	Cursor        string
	Limit         int // 0 is 50
}

// In returns what the item says in a language: English as far as it is
// written, and what was written first in its place.
func (it *Item) In(lang string) Prose {
	p := Prose{it.Title, it.Summary, it.Text}
	if lang != "en" {
		return p
	}
	for _, w := range []struct {
		to   *string
		from string
	}{{&p.Title, it.English.Title}, {&p.Summary, it.English.Summary}, {&p.Text, it.English.Text}} {
		if w.from != "" {
			*w.to = w.from
		}
	}
	return p
}
