package sighting

import (
	"time"

	"noroshi/internal/base/blob"
)

// Kind says what was seen.
type Kind string

// The kinds.
const (
	Exploited Kind = "exploited" // a vulnerability is used in an attack
	Indicator Kind = "indicator" // an address, domain, URL or file of an attacker
	Behaviour Kind = "behaviour" // a product does what its maker did not mean
)

// Kinds lists the kinds in the order they are offered.
var Kinds = []Kind{Exploited, Indicator, Behaviour}

// Type is what kind of value a sighting names. It is found from the value.
type Type string

// The types of values.
const (
	Address       Type = "address" // IP address or prefix
	Domain        Type = "domain"
	URL           Type = "url"
	Hash          Type = "hash" // MD5, SHA-1, SHA-256 or SHA-512, hexadecimal
	Vulnerability Type = "vulnerability"
	Product       Type = "product" // words: maker, product, version
)

// Origin says how the hub came to know.
type Origin string

// The origins.
const (
	FromReport Origin = "report" // an incident report
	FromHunt   Origin = "hunt"   // a hit of a hunt
	FromSensor Origin = "sensor" // a source of packets or flows
	FromNotice Origin = "notice" // the answer to a notice
	ByHand     Origin = "hand"   // a person entered it

	FromSelection Origin = "selection" // communications selected under an approval or agreement; nobody enters it
)

// Origins lists the origins in the order of the flow of data.
var Origins = []Origin{FromReport, FromHunt, FromSensor, FromSelection, FromNotice, ByHand}

// Provenances are the ways by which selected communications came: by an
// agreement of the parties, or approved in a direction (foreign to foreign,
// inward, outward). The label stays with what is made of them.
var Provenances = []string{"agreement", "ff", "fd", "df"}

// New is a sighting before it is recorded.
type New struct {
	What          Kind      `json:"what"`
	Value         string    `json:"value"`                   // as written; defanged forms are read
	Vulnerability string    `json:"vulnerability,omitempty"` // CVE id it belongs to; of Exploited it may be the value alone
	Count         int       `json:"count"`                   // how often; 0 is once
	FirstAt       time.Time `json:"first_at"`                // zero: as LastAt
	LastAt        time.Time `json:"last_at"`                 // zero: now
	Origin        Origin    `json:"origin"`                  // empty: ByHand
	Provenance    string    `json:"provenance,omitempty"`    // of FromSelection: one of Provenances
	Ref           string    `json:"ref"`                     // id of what it came from
	Note          string    `json:"note"`                    // what was seen, in words
	Victim        string    `json:"victim"`                  // where it was seen, when that is not the reporter's own network
	TLP           string    `json:"tlp"`                     // TLP 2.0 label without prefix; empty: AMBER
	Clearance     int       `json:"clearance"`               // 0 to 3
	Named         bool      `json:"named"`                   // others may learn who reported it, and the victim
}

// Sighting is an observed fact. To others than the reporter Org, Ref and Victim
// are empty unless it agreed to be named.
type Sighting struct {
	ID            string      `json:"id"`
	Org           string      `json:"org,omitempty"`
	What          Kind        `json:"what"`
	Type          Type        `json:"type"`
	Value         string      `json:"value"` // canonical
	Vulnerability string      `json:"vulnerability,omitempty"`
	Count         int         `json:"count"`
	FirstAt       time.Time   `json:"first_at"`
	LastAt        time.Time   `json:"last_at"`
	Origin        Origin      `json:"origin"`
	Provenance    string      `json:"provenance,omitempty"`
	Ref           string      `json:"ref,omitempty"`
	Note          string      `json:"note,omitempty"`
	Victim        string      `json:"victim,omitempty"`
	TLP           string      `json:"tlp"`
	Clearance     int         `json:"clearance"`
	Named         bool        `json:"named"`
	At            time.Time   `json:"at"` // when it was recorded
	WithdrawnAt   time.Time   `json:"withdrawn_at,omitzero"`
	Entry         string      `json:"entry,omitempty"` // ledger entry of the recording, for the reporter
	Mine          bool        `json:"mine"`
	Files         []blob.Meta `json:"files,omitempty"`

	person string
	tag    string
	sealed []byte
}

// secret is what of a sighting is stored encrypted to its reporter.
type secret struct {
	Value  string `json:"value"`
	Note   string `json:"note,omitempty"`
	Victim string `json:"victim,omitempty"`
	Ref    string `json:"ref,omitempty"`
}

// Filter narrows a list of sightings.
type Filter struct {
	What          Kind
	Type          Type
	Origin        Origin
	Value         string // in any spelling
	Vulnerability string
	Withdrawn     bool // show withdrawn ones too
	Cursor        string
	Limit         int
}

// Seen sums up what was seen of one thing, without saying by whom.
type Seen struct {
	Sightings int       `json:"sightings"`
	Orgs      int       `json:"orgs"` // that reported it
	Times     int       `json:"times"`
	FirstAt   time.Time `json:"first_at,omitzero"`
	LastAt    time.Time `json:"last_at,omitzero"`
}
