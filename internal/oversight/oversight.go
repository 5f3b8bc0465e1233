package oversight

import (
	"embed"
	"errors"

	"noroshi/internal/engine/tlog"
)

// Words are this package's sentences.
//
//go:embed text
var Words embed.FS

// Violation is a rule that entries break.
type Violation struct {
	Rule    string   `json:"rule"`
	Entries []uint64 `json:"entries"`          // their places in the log, from 0; the one that shows it last
	Object  string   `json:"object,omitempty"` // what it is about, such as approval/01a2…
	Text    string   `json:"text"`             // in the reader's language

	Found string         `json:"found"` // code of the sentence
	Args  map[string]any `json:"-"`     // its values

	at int64 // instant of the entry that shows it
}

// Alarm is a finding about the log itself, before any rule: it was changed,
// forked, rolled back, or nobody known signed it.
type Alarm struct {
	Code  string `json:"code"`            // of engine/tlog, or one of this package
	Path  string `json:"path,omitempty"`  // file of the log
	Entry *int64 `json:"entry,omitempty"` // place in the log, where it is about one
	Text  string `json:"text"`            // in the reader's language

	Evidence string `json:"evidence,omitempty"` // file in an auditor's folder that shows it
	Seconds  int64  `json:"seconds,omitempty"`  // by how much, where it is about time
}

// Result is what a replay found. Checked counts how often each rule was asked,
// so that a rule that never was is seen.
type Result struct {
	Entries    uint64            `json:"entries"`
	Checked    map[string]uint64 `json:"checked"`
	Violations []Violation       `json:"violations"`
	More       uint64            `json:"more_violations,omitempty"` // beyond those listed
	Gaps       []Alarm           `json:"gaps"`                      // what is missing from the log
	Alarms     []Alarm           `json:"alarms"`
	Signer     string            `json:"signer,omitempty"` // of the checkpoint; empty: unknown
	Root       string            `json:"root,omitempty"`
	Last       string            `json:"last,omitempty"`       // instant of the newest entry
	Commission string            `json:"commission,omitempty"` // pseudonym of the body that decided, to be pinned
	pinned     bool              // it was known beforehand
	unsound    bool              // the log does not verify: what was not read may hold anything
	Lost       []Loss            `json:"lost,omitempty"` // what the log said before it was put back, of an auditor's folder
}

// Clean reports whether nothing was found, and no act of power was lost.
func (r *Result) Clean() bool { return r.broken()+len(r.Gaps)+len(r.Alarms) == 0 && r.gone() == 0 }

// gone is how many acts of power, and of its oversight, the log no longer says: who
// looks at the log alone does not know that they were done, nor what they ended.
func (r *Result) gone() (n uint64) {
	for _, l := range r.Lost {
		for _, acts := range l.Power {
			n += acts
		}
	}
	return n
}

// broken counts violations, with those that only lost entries show.
func (r *Result) broken() int {
	n := len(r.Violations) + int(r.More)
	for _, l := range r.Lost {
		n += len(l.Violations) + int(l.More)
	}
	return n
}

// Bounds of a replay. What is beyond them ends it with an error: a replay never
// forgets in silence.
const (
	maxListed = 1000      // violations that are listed; all are counted
	maxHeld   = 3_000_000 // cases, runs, lists and agreements
	maxPeople = 4_000_000 // pseudonyms
	maxShown  = 8         // entries that a violation names
)

// ErrHeld says that the log holds more cases, runs or people than a replay keeps.
var ErrHeld = errors.New("the log holds more cases, runs or people than a replay keeps in memory")

// gap reports whether a problem of the log is something that is missing.
func gap(c tlog.Code) bool { return c == tlog.Missing }
