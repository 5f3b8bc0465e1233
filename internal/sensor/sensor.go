package sensor

import (
	"encoding/json"
	"time"
)

// Kind is how a source is read.
type Kind string

// The kinds of sources.
const (
	Interface Kind = "interface" // packets of a network interface
	Capture   Kind = "capture"   // capture files
	Exports   Kind = "exports"   // NetFlow, IPFIX, sFlow
	Logs      Kind = "logs"      // Zeek logs
)

// Kinds lists the kinds of sources in the order they are offered.
var Kinds = []Kind{Interface, Capture, Exports, Logs}

// NewSource is a source before it is registered.
type NewSource struct {
	Name      string `json:"name"`
	Kind      Kind   `json:"kind"`
	Basis     Basis  `json:"basis"`
	Reason    string `json:"reason"`   // who agreed and where that is written; needed of Consent
	Networks  string `json:"networks"` // prefixes and links it sees, in words or CIDR, one a line
	FullNames bool   `json:"full_names"`
	NamesWhy  string `json:"names_why"` // needed where names are kept unshortened
}

// Source is where packets, flow exports or logs come in.
type Source struct {
	ID string `json:"id"`
	NewSource
	At      time.Time `json:"at"`
	EndedAt time.Time `json:"ended_at,omitzero"`
	SeenAt  time.Time `json:"seen_at,omitzero"` // it last reported
	Entry   string    `json:"entry"`            // ledger entry of its registration
	Last    *Reading  `json:"last,omitempty"`   // what it last read

	org    string
	person string
	sealed []byte
}

// Reading is what a source read in a time, and what it lost: counts and
// nothing of who spoke with whom.
type Reading struct {
	From     time.Time `json:"from"`
	Until    time.Time `json:"until"`
	Packets  uint64    `json:"packets"`
	Bytes    uint64    `json:"bytes"`
	Records  uint64    `json:"records"`
	Lost     uint64    `json:"lost"`               // that never reached it: packets the capturing system dropped, flows or datagrams missing by an exporter's sequence
	Broken   uint64    `json:"broken"`             // that could not be read
	Evicted  uint64    `json:"evicted"`            // communications written out early for want of memory
	Findings uint64    `json:"findings,omitempty"` // of all parts in which they came
	At       time.Time `json:"at,omitzero"`        // when the hub had it
}

// same reports whether a reading tells the same of the same time.
func (r Reading) same(o Reading) bool {
	r.At, o.At = time.Time{}, time.Time{}
	return r == o
}

// Share is how much of what passed was lost, 0 to 1.
func (r Reading) Share() float64 {
	if r.Lost == 0 {
		return 0
	}
	seen := r.Packets
	if seen == 0 {
		seen = r.Records
	}
	return float64(r.Lost) / (float64(r.Lost) + float64(seen))
}

// Found is a finding as a sensor gives it.
type Found struct {
	Kind     string          `json:"kind"`
	Score    float64         `json:"score"`
	Attack   []string        `json:"attack"`
	Src      string          `json:"src"`
	Dst      string          `json:"dst"`
	Start    time.Time       `json:"start"`
	End      time.Time       `json:"end"`
	Evidence json.RawMessage `json:"evidence"`
}

// State is what was made of a finding.
type State string

// The states.
const (
	Fresh    State = "new"
	Taken    State = "taken"    // somebody looks at it
	Benign   State = "benign"   // known and harmless, for a time and a reason
	Reported State = "reported" // an incident report was begun
	Over     State = "over"     // dealt with
)

// States lists the states in the order they are offered.
var States = []State{Fresh, Taken, Benign, Reported, Over}

// Finding is what a sensor found on an organisation's own network. Only that
// organisation sees it; what it releases becomes a sighting.
type Finding struct {
	ID     string `json:"id"`
	Source string `json:"source"`
	Found
	Rank       Rank      `json:"rank"`
	State      State     `json:"state"`
	Note       string    `json:"note,omitempty"`
	Times      int       `json:"times"` // how often it came in with something later, or earlier, than was known
	TakenBy    string    `json:"taken_by,omitempty"`
	UntilAt    time.Time `json:"until_at,omitzero"`    // Benign until then
	ReleasedAt time.Time `json:"released_at,omitzero"` // it became a sighting
	At         time.Time `json:"at"`
	ChangedAt  time.Time `json:"changed_at"`
	Version    int64     `json:"version"`
	Entry      string    `json:"entry"`
	Releasable string    `json:"releasable,omitempty"` // what others would learn if it were released; not in lists

	org    string
	tag    string
	sealed []byte
	note   []byte
}

// Filter narrows a list of findings.
type Filter struct {
	State  State
	Kind   string
	Source string
	Open   bool // new and taken ones, and benign ones whose time is over
	Cursor string
	Limit  int
}

// Decision is what a person makes of a finding.
type Decision struct {
	State   State     `json:"state"`
	Note    string    `json:"note"`
	UntilAt time.Time `json:"until_at"` // needed of Benign
}

// TakenIn is what the hub says of findings it took in; findings of one feed that
// are the same one count once.
type TakenIn struct {
	New     int `json:"new"`     // or were dealt with or harmless, and are back
	Again   int `json:"again"`   // were there already
	Unheard int `json:"unheard"` // were declared harmless and still are
}
