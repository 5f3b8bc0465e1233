package selection

import (
	"time"

	"noroshi/internal/engine/selector"
)

// ListState is how far a list of selectors is.
type ListState string

// The states of a list.
const (
	ListWaiting ListState = "waiting" // for the second person: some of it meets a warning list
	ListReady   ListState = "ready"   // compiled: its hash may stand in an application
	ListDropped ListState = "dropped" // never compiled
)

// List is one version of a list of selectors: search conditions, each with the
// item it came from and the target act it serves (art 21). It never changes;
// what is to change becomes the next version.
type List struct {
	ID        string         `json:"id"`
	Org       string         `json:"org"`
	Name      string         `json:"name,omitempty"` // not to the inspector
	State     ListState      `json:"state"`
	Version   int            `json:"version"`
	Before    string         `json:"before,omitempty"`    // list that this is the next version of
	SHA256    string         `json:"sha256,omitempty"`    // of the compiled file: what an order names
	Selectors int            `json:"selectors"`           // in it; of a waiting list, without those that met a warning
	Kinds     map[string]int `json:"kinds"`               // by kind
	Warned    int            `json:"warned"`              // met a warning list
	Overrides []Override     `json:"overrides,omitempty"` // of the second person
	At        time.Time      `json:"at"`
	ReadyAt   time.Time      `json:"ready_at,omitzero"`
	Entry     string         `json:"entry"`
	Mine      bool           `json:"mine,omitempty"`    // who looks made it
	Decider   string         `json:"decider,omitempty"` // name of the second person, for the office

	person, second string
	blob, draft    string // compiled file; what was read, while it waits
	sealed         []byte
}

// Override is what a second person decided about a selector that meets a warning
// list: taken in with a reason, or left out.
type Override struct {
	Kind   string `json:"kind"`
	Value  string `json:"value"`
	List   string `json:"list"` // warning list that it meets
	Take   bool   `json:"take"`
	Reason string `json:"reason,omitempty"` // needed to take it in
}

// listSecret is what of a list is stored sealed.
type listSecret struct {
	Name      string     `json:"name"`
	Overrides []Override `json:"overrides,omitempty"`
}

// Condition is a selector of a list with its public id there.
type Condition struct {
	Ref string `json:"ref"`
	selector.Selector
}

// NewList is a list before it is read.
type NewList struct {
	Name   string   // for people
	File   string   // name of the file
	Data   []byte   // CSV, STIX 2.1, JSON lines, plain lines
	Items  []string // ids of intelligence items whose indicators go in too
	Source string   // of lines that say none
	Act    string   // target act of lines that say none
	Before string   // list that this is the next version of; may be empty
}
