package selection

import "time"

// Custody is the key of an approval by which its pseudonyms can be opened: cut
// into two shares, which two persons took away. The hub keeps the half that
// seals, and opens nothing.
type Custody struct {
	Approval string    `json:"approval"`
	Number   string    `json:"number,omitempty"` // of the approval
	First    string    `json:"first"`            // person
	Second   string    `json:"second"`           // another one
	FirstAt  time.Time `json:"first_at,omitzero"`
	SecondAt time.Time `json:"second_at,omitzero"` // each took their share
	At       time.Time `json:"at"`
	Mine     bool      `json:"mine"`  // who looks is one of the two
	Taken    bool      `json:"taken"` // and has their share
	Entry    string    `json:"entry,omitempty"`

	org, public               string
	firstSealed, secondSealed []byte
}

// Ready reports whether both shares were taken: only then a run seals to the key.
func (c Custody) Ready() bool { return !c.FirstAt.IsZero() && !c.SecondAt.IsZero() }

// OpeningState is how far a re-identification is.
type OpeningState string

// The states of a re-identification.
const (
	OpeningWaits OpeningState = "waiting" // for the two shares
	OpeningDone  OpeningState = "opened"  // shown once, to who asked
)

// Opening is a re-identification that the commission approved (art 24): named
// pseudonyms of one run, opened with two persons' shares.
type Opening struct {
	ID       string       `json:"id"`
	Approval string       `json:"approval"` // of the kind reidentify
	Run      string       `json:"run"`
	Purpose  string       `json:"purpose"`
	State    OpeningState `json:"state"`
	Subjects int          `json:"subjects"` // pseudonyms
	FirstAt  time.Time    `json:"first_at,omitzero"`
	SecondAt time.Time    `json:"second_at,omitzero"` // each gave their share
	OpenedAt time.Time    `json:"opened_at,omitzero"`
	At       time.Time    `json:"at"`
	Entry    string       `json:"entry,omitempty"`
	Mine     bool         `json:"mine"`  // who looks asked
	Given    bool         `json:"given"` // who looks holds a share, and gave it

	org, person, key string // key: approval whose custody it is
}

// OpenedName is what a pseudonym stands for. It is returned once and kept nowhere.
type OpenedName struct {
	Pseudonym string   `json:"pseudonym"`
	Values    []string `json:"values" nullable:"false"` // empty: no longer known
}
