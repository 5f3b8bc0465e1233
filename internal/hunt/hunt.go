package hunt

import "time"

// Stage is how far a hunt is.
type Stage string

// The stages.
const (
	Drafted Stage = "draft"
	Opened  Stage = "open"   // results may come in
	Closed  Stage = "closed" // with a conclusion
)

// Stages lists the stages in their order.
var Stages = []Stage{Drafted, Opened, Closed}

// Conclusion is how a hunt ended.
type Conclusion string

// The conclusions.
const (
	FoundIt  Conclusion = "found"
	NotFound Conclusion = "not_found"
	Unclear  Conclusion = "unclear"
)

// Conclusions lists the conclusions in the order they are offered.
var Conclusions = []Conclusion{FoundIt, NotFound, Unclear}

// NewHunt is a hunt as its hunter writes it.
type NewHunt struct {
	Title    string    `json:"title"`
	Question string    `json:"question"`         // why one hunts: what would be seen if the intruder were there
	Hosts    string    `json:"hosts,omitempty"`  // in words, or one a line
	From     time.Time `json:"from,omitzero"`    // of the logs
	Until    time.Time `json:"until,omitzero"`   // of the logs
	Logs     string    `json:"logs,omitempty"`   // kinds of logs, in words
	Rules    []string  `json:"rules,omitempty"`  // editions: starter/2026-11-22 or id/number
	Notice   string    `json:"notice,omitempty"` // that asks for it: its number, or words
}

// Hunt is a search through an organisation's own logs, with its question, its
// scope and what came of it.
type Hunt struct {
	ID     string `json:"id"`
	Number string `json:"number"` // H-2026-001, within the organisation
	NewHunt
	Stage      Stage      `json:"stage"`
	Conclusion Conclusion `json:"conclusion,omitempty"`
	Words      string     `json:"words,omitempty"` // the conclusion in words
	By         string     `json:"by"`              // id of who wrote it
	At         time.Time  `json:"at"`
	ChangedAt  time.Time  `json:"changed_at"`
	OpenedAt   time.Time  `json:"opened_at,omitzero"`
	ClosedAt   time.Time  `json:"closed_at,omitzero"`
	HoldAt     time.Time  `json:"hold_at,omitzero"`   // since when nothing of it is removed
	HoldWhy    string     `json:"hold_why,omitempty"` // the reason
	Version    int64      `json:"version"`
	Entry      string     `json:"entry"` // ledger entry of its making

	org    string
	sealed []byte
}

// HuntFilter narrows a list of hunts.
type HuntFilter struct {
	Stage  Stage
	Cursor string
	Limit  int
}

// Told is what a run says of itself.
type Told struct {
	StartedAt  time.Time `json:"started_at,omitzero"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	Program    string    `json:"program,omitempty"`      // version
	Rules      string    `json:"rules_sha256,omitempty"` // [RuleSet.Sum]
	Events     uint64    `json:"events,omitempty"`
	Sources    int       `json:"sources,omitempty"`
	Damage     int       `json:"damage,omitempty"`      // places that could not be read
	Pack       string    `json:"pack_sha256,omitempty"` // of the evidence pack it came from
	Detections int       `json:"detections,omitempty"`  // that will come
	Note       string    `json:"note,omitempty"`
}

// Received is a run whose results came in.
type Received struct {
	ID   string `json:"id"`
	Hunt string `json:"hunt"`
	Told
	Parts  int       `json:"parts"`  // that came in
	Taken  int       `json:"taken"`  // detections in groups
	Groups int       `json:"groups"` // findings
	Beyond int       `json:"beyond"` // detections beyond the bounds, counted and not kept
	Quiet  int       `json:"quiet"`  // detections that a suppression declares harmless
	By     string    `json:"by"`     // id of who sent it
	At     time.Time `json:"at"`
	DoneAt time.Time `json:"done_at,omitzero"`
	Entry  string    `json:"entry"`

	KeptUntil time.Time `json:"kept_until,omitzero"` // then its findings are removed; none while the hunt is held
	RemovedAt time.Time `json:"removed_at,omitzero"` // all but what became a sighting

	org    string
	key    string
	sealed []byte
	heldAt int64
}

// State is what was made of a finding.
type State string

// The states.
const (
	Fresh    State = "new"
	Taken    State = "taken" // somebody looks at it
	Harmless State = "harmless"
	Real     State = "real"
	Unsure   State = "unclear"
)

// States lists the states in the order they are offered.
var States = []State{Fresh, Taken, Harmless, Real, Unsure}

// Finding is all that one rule found on one host of one account in one run.
type Finding struct {
	ID     string   `json:"id"`
	Hunt   string   `json:"hunt"`
	Run    string   `json:"run"`
	Rule   string   `json:"rule"` // its id, else its name or title
	Title  string   `json:"title"`
	Level  string   `json:"level"` // critical high medium low informational; empty for none
	Kind   string   `json:"kind"`  // rule or correlation
	Host   string   `json:"host"`
	User   string   `json:"user"`
	Attack []string `json:"attack"` // techniques

	Tactics []string `json:"tactics,omitempty"` // as its rule names them

	Count int       `json:"count"`
	Quiet int       `json:"quiet,omitempty"` // of them harmless by a suppression
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`

	State       State     `json:"state"`
	Reason      string    `json:"reason,omitempty"`
	By          string    `json:"by,omitempty"`          // id of who decided
	Decision    string    `json:"decision,omitempty"`    // id of the batch in which they did
	Suppression string    `json:"suppression,omitempty"` // id of the one that made it harmless
	ReleasedAt  time.Time `json:"released_at,omitzero"`
	At          time.Time `json:"at"`
	ChangedAt   time.Time `json:"changed_at"`
	Version     int64     `json:"version"`

	Examples   []Example    `json:"examples,omitempty"`   // not in lists
	Releasable []Releasable `json:"releasable,omitempty"` // not in lists
	Released   []Released   `json:"released,omitempty"`   // not in lists

	org, tag, ruleTag, hostTag, userTag string
	place                               int64
	sealed, reason                      []byte
}

// Example is one of the detections of a finding.
type Example struct {
	Time   time.Time         `json:"time,omitzero"`
	Source string            `json:"source"`
	Record uint64            `json:"record"`
	Why    []Why             `json:"why"`
	Event  map[string]string `json:"event,omitempty"` // the event's fields, where the results have them
	Last   time.Time         `json:"last,omitzero"`   // of a correlation
	Count  float64           `json:"count,omitempty"` // of a correlation
	Cut    bool              `json:"cut,omitempty"`   // there was more than is kept
}

// Releasable is a value of a finding's examples that others may look for.
type Releasable struct {
	Type  string `json:"type"` // address, domain, url, hash
	Value string `json:"value"`
}

// Released is a value that became a sighting.
type Released struct {
	Releasable
	Sighting string    `json:"sighting"`
	At       time.Time `json:"at"`
}

// FindingFilter narrows a list of findings. Empty parts narrow nothing.
type FindingFilter struct {
	Hunt      string
	Run       string
	Rule      string // as in a finding
	Host      string
	User      string
	Technique string // T1059.001
	Level     string
	State     State
	Waiting   bool // new and taken ones
	Cursor    string
	Limit     int
}

// Counted is how many findings have one host, account, technique or rule.
type Counted struct {
	Value string `json:"value"`
	Title string `json:"title,omitempty"` // of a rule
	Count int    `json:"count"`           // findings
}

// Near is what happened around a finding: within an hour on its host, and of
// its account.
type Near struct {
	Host []Finding `json:"host"`
	User []Finding `json:"user"`
}

// Decision is what a person makes of findings.
type Decision struct {
	State  State  `json:"state"`
	Reason string `json:"reason"` // needed of harmless, real and unclear
}

// Choice is which findings one act is about: either IDs, or everything that a
// filter finds.
type Choice struct {
	IDs    []string
	Filter *FindingFilter
	Expect int // of a filter: how many the person saw; when it is another number nothing is changed
}

// Batch is one act over one or many findings, which can be undone.
type Batch struct {
	ID       string    `json:"id"`
	State    State     `json:"state"`
	Reason   string    `json:"reason,omitempty"`
	Count    int       `json:"count"` // findings it changed
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	UndoneAt time.Time `json:"undone_at,omitzero"`
	Undone   int       `json:"undone,omitempty"` // findings that are as before
	Undoable bool      `json:"undoable"`

	org        string
	sealed     []byte
	many, kept bool
}

// Undone is what came of undoing a batch.
type Undone struct {
	Undone  int      `json:"undone"`
	Kept    int      `json:"kept"`               // changed since, and therefore not touched
	KeptIDs []string `json:"kept_ids,omitempty"` // of the first hundred
}

// Change says in which of two runs findings are.
type Change string

// The changes from an older run to a newer one.
const (
	Came Change = "new"
	Gone Change = "gone"
	Both Change = "both"
)

// Changes lists them in the order they are offered.
var Changes = []Change{Came, Gone, Both}

// Compared counts two runs of a hunt by rule, host and account.
type Compared struct {
	Before Received `json:"before"`
	After  Received `json:"after"`
	Came   int      `json:"new"`
	Gone   int      `json:"gone"`
	Both   int      `json:"both"`
}
