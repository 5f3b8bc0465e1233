package exposure

import (
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/product"
)

// ID names one exposure: a UUIDv7 made by us. It stays while the exposure
// comes and goes.
type ID string

// SupportEnd stands in the place of a vulnerability in the exposure that is
// the end of the maker's support.
const SupportEnd = "support-end"

// State is what has been done about an exposure.
type State string

// The states. Judged is a verdict of a person; Handled that it was dealt with;
// Ended that the equipment or the statement is no longer there.
const (
	New     State = "new"
	Seen    State = "seen"
	Judged  State = "judged"
	Handled State = "handled"
	Ended   State = "ended"
)

// States lists the states in the order things go.
func States() []State { return []State{New, Seen, Judged, Handled, Ended} }

// Exposure is one operator, one vulnerability and one product, as lists show
// it. What it says of versions and places is in Detail.
type Exposure struct {
	ID            ID          `json:"id"`
	Org           string      `json:"org"`
	OrgName       string      `json:"org_name,omitempty"`
	Vulnerability string      `json:"vulnerability"` // CVE id, else the source's own; or support-end
	Title         string      `json:"title,omitempty"`
	ProductKey    string      `json:"product_key"`
	Product       string      `json:"product"`   // for people, out of the key
	Verdict       string      `json:"verdict"`   // affected or unknown; not_affected once it ended
	Certainty     string      `json:"certainty"` // exact, version_unknown, platform_only
	Entries       int         `json:"entries"`   // of the register, with the worst verdict
	Devices       int         `json:"devices"`   // in those entries
	Priority      Priority    `json:"priority"`
	Exploited     bool        `json:"exploited"` // used in attacks
	State         State       `json:"state"`
	Review        string      `json:"review,omitempty"` // why a verdict should be looked at again: exploited (attacks began), raised (it rests on the place, which got worse)
	FoundAt       time.Time   `json:"found_at"`
	ChangedAt     time.Time   `json:"changed_at"`
	EndedAt       time.Time   `json:"ended_at,omitzero"`
	Reasons       []Reason    `json:"reasons,omitempty"` // of the priority; only for those who may see the detail
	Facts         *Beside     `json:"facts,omitempty"`
	Judgement     *Judgement  `json:"judgement,omitempty"`
	Proposed      []Judgement `json:"proposed,omitempty"` // verdicts the office suggests
	Detail        *Detail     `json:"detail,omitempty"`
	Past          []Past      `json:"past,omitempty"`
	verdict       product.Verdict
	rank          int64
	verdictID     string
}

// Beside are facts that stand beside a decision, for people.
type Beside struct {
	Title      map[string]string `json:"title,omitempty"` // by language: en, ja
	KnownAt    time.Time         `json:"known_at,omitzero"`
	DueAt      time.Time         `json:"due_at,omitzero"` // until when the catalogue asks for action
	Ransomware bool              `json:"ransomware,omitempty"`
	Likelihood float64           `json:"likelihood,omitempty"` // EPSS, 0 to 1
	Percentile float64           `json:"percentile,omitempty"`
	Score      float64           `json:"score,omitempty"` // CVSS
	Vector     string            `json:"vector,omitempty"`
}

// Detail is the sealed part of an exposure.
type Detail struct {
	Reasons []Reason `json:"reasons"`
	Lines   []Line   `json:"lines"`
	More    int      `json:"more,omitempty"` // lines left out beyond MaxLines
}

// Line is equipment that is alike, and what was found of it.
type Line struct {
	Items     []string `json:"items"` // ids of the register, at most MaxItems
	Entries   int      `json:"entries"`
	Devices   int      `json:"devices"`
	Version   string   `json:"version,omitempty"`
	Zone      string   `json:"zone,omitempty"`
	Operated  string   `json:"operated_by,omitempty"`
	Essential bool     `json:"essential,omitempty"`
	Verdict   string   `json:"verdict"`
	Certainty string   `json:"certainty"`
	Identity  string   `json:"identity"` // given, confirmed, equal, proposed
	Ends      string   `json:"support_ends,omitempty"`
	Because   []Ground `json:"because,omitempty"`
}

// Ground is one step of the proof of a finding, as it is kept.
type Ground struct {
	Rule      string `json:"rule"`
	Source    string `json:"source,omitempty"`
	By        string `json:"by,omitempty"`
	Ref       string `json:"ref,omitempty"`
	Path      string `json:"path,omitempty"`
	Version   string `json:"version,omitempty"`
	From      string `json:"from,omitempty"`
	To        string `json:"to,omitempty"`
	After     bool   `json:"after,omitempty"`   // From itself is not meant
	Through   bool   `json:"through,omitempty"` // To itself is meant
	Overruled bool   `json:"overruled,omitempty"`
}

// Limits of what an exposure keeps.
const (
	MaxLines  = 40  // lines of a detail, the worst first
	MaxItems  = 50  // ids of a line
	maxGround = 4   // grounds of a line
	maxWords  = 800 // characters of a person's words
	maxBulk   = 200 // exposures of one act
)

// Judgement is what a person decided about an exposure.
type Judgement struct {
	ID            string                `json:"id"`
	Justification product.Justification `json:"justification"`
	Words         string                `json:"words"`
	Until         time.Time             `json:"until,omitzero"`
	At            time.Time             `json:"at"`
	Person        string                `json:"person,omitempty"` // name
	By            string                `json:"by"`               // organisation
	State         string                `json:"state"`            // proposed, kept, undone, expired
	Entry         string                `json:"entry,omitempty"`  // of the ledger
	person        string
}

// Past is one thing that happened to an exposure.
type Past struct {
	ID     string    `json:"id"`
	What   string    `json:"what"` // raised, lowered, judged, undone, carried, handled, reopened, proposed, expired, ended, returned
	At     time.Time `json:"at"`
	Person string    `json:"person,omitempty"`
	By     string    `json:"by,omitempty"`
	Words  string    `json:"words,omitempty"`
	Entry  string    `json:"entry,omitempty"`
}

// Faults of this noun.
var (
	ErrNone       = fault.New(fault.NotFound, "exposure.none")         // no such exposure, or not theirs to know
	ErrVerdict    = fault.New(fault.NotFound, "exposure.verdict.none") // no verdict to undo or to agree to
	ErrState      = fault.New(fault.Conflict, "exposure.state")        // what was asked does not fit its state
	ErrProduct    = fault.New(fault.NotFound, "exposure.name.none")    // no such product in that register
	errIndicator  = fault.New(fault.Invalid, "exposure.indicator")
	errPriority   = fault.New(fault.Invalid, "exposure.priority")
	errFilter     = fault.New(fault.Invalid, "exposure.filter")
	errJudgement  = fault.New(fault.Invalid, "exposure.judgement")
	errName       = fault.New(fault.Invalid, "exposure.name")
	errTooMany    = fault.New(fault.Invalid, "exposure.bulk", "max", maxBulk)
	errRematching = fault.New(fault.Conflict, "exposure.rematch.busy")
)
