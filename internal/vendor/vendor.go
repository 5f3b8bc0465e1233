package vendor

import (
	"crypto/rand"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/thread"
)

// ID names a case, a request, a product or a document: a UUIDv7.
type ID = string

func newID() ID { return uuid.Must(uuid.NewV7()).String() }

// Basis is on what ground makers are asked.
type Basis string

// The grounds.
const (
	Article42    Basis = "art42"        // a request of the State, Act 42 of 2025 art 42
	Coordination Basis = "coordination" // a coordinating body, voluntary
	MakerBegan   Basis = "maker"        // the maker itself brought it
)

// Status is what a maker says of one product.
type Status string

// The statuses, in the words of coordinators. NotChecked is where every product
// starts: nobody has looked.
const (
	Affected    Status = "affected"
	NotAffected Status = "not_affected"
	Unknown     Status = "unknown"
	NotChecked  Status = "not_checked"
)

// Statuses lists the statuses, what asks for most first.
var Statuses = []Status{Affected, Unknown, NotChecked, NotAffected}

// CSAF returns the product status of CSAF 2.0 §3.2.3.9 that says the same; empty
// for NotChecked, of which a maker has said nothing.
func (s Status) CSAF() string {
	return map[Status]string{Affected: "known_affected", NotAffected: "known_not_affected", Unknown: "under_investigation"}[s]
}

// Fix is how far the remedy of a product is.
type Fix string

// The stages of a fix.
const (
	NoFix    Fix = "none"
	Planned  Fix = "planned"
	Released Fix = "released"
	WillNot  Fix = "will_not" // the maker will not mend it, as of a product past its support
)

// dayLayout is how days are written.
const dayLayout = time.DateOnly

// Fixes lists the stages in their order.
var Fixes = []Fix{NoFix, Planned, Released, WillNot}

// Embargo is until when a case is kept among those in it.
type Embargo struct {
	Until time.Time `json:"until,omitzero"` // zero: none
	Zone  string    `json:"zone,omitempty"` // IANA name of the zone it was agreed in
}

// Runs reports whether the embargo holds at an instant.
func (e Embargo) Runs(now time.Time) bool { return now.Before(e.Until) }

// Location returns the zone of the embargo; UTC when this machine does not know
// it.
func (e Embargo) Location() *time.Location {
	if l, err := time.LoadLocation(e.Zone); err == nil && e.Zone != "" {
		return l
	}
	return time.UTC
}

// Case is one vulnerability and all makers asked about it.
type Case struct {
	ID            ID        `json:"id"`
	Number        string    `json:"number"` // random, so that it counts nobody's cases
	Org           string    `json:"org"`    // who coordinates
	Starter       string    `json:"starter,omitempty"`
	Basis         Basis     `json:"basis"`
	Vulnerability string    `json:"vulnerability,omitempty"` // CVE id; empty while there is none
	Title         string    `json:"title,omitempty"`         // empty to whom the content is closed
	Facts         string    `json:"facts,omitempty"`         // what is known, for those in the case
	TLP           string    `json:"tlp"`
	Clearance     int       `json:"clearance"`
	Embargo       Embargo   `json:"embargo,omitzero"`
	Sectors       []string  `json:"sectors,omitempty"` // whose ministries see how it stands
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
	ClosedAt      time.Time `json:"closed_at,omitzero"`
	Revision      int64     `json:"revision"`
	Closed        bool      `json:"closed_content,omitempty"` // the content is not for who looks

	sealed []byte
}

// narrow reports whether what the case says stays with those in it even when no
// embargo runs: its mark or its clearance lets nobody else read it.
func (c *Case) narrow() bool {
	return c.Clearance > 0 || c.TLP == "RED" || c.TLP == "AMBER+STRICT"
}

// Request is what one maker is asked in a case.
type Request struct {
	ID         ID        `json:"id"`
	Case       ID        `json:"case"`
	Org        string    `json:"org"` // maker
	State      State     `json:"state"`
	SentAt     time.Time `json:"sent_at,omitzero"`
	DueAt      time.Time `json:"due_at,omitzero"`      // of the answer
	AnsweredAt time.Time `json:"answered_at,omitzero"` // first answer of any kind
	ReleasedAt time.Time `json:"released_at,omitzero"` // last fix
	ToldAt     time.Time `json:"told_at,omitzero"`     // everyone exposed was told
	Notice     string    `json:"notice,omitempty"`     // id of the notice that told them
	Reminded   int       `json:"reminded"`
	WaitsFor   Side      `json:"waits_for,omitempty"` // whose move it is
	UpdatedAt  time.Time `json:"updated_at"`
	Revision   int64     `json:"revision"`

	nextAt time.Time // when Tick looks at it again
}

// Silent returns how long an answer is overdue; 0 when it is not.
func (r *Request) Silent(now time.Time) time.Duration {
	if !r.AnsweredAt.IsZero() || r.DueAt.IsZero() || !now.After(r.DueAt) || r.State == Closed {
		return 0
	}
	return now.Sub(r.DueAt)
}

// Product is one product of a maker in a case.
type Product struct {
	ID          ID        `json:"id"`
	Name        string    `json:"name"`
	CPE         string    `json:"cpe,omitempty"`
	PURL        string    `json:"purl,omitempty"`
	Versions    string    `json:"versions,omitempty"` // affected: a vers range (vers:generic/<2.0) or words
	Status      Status    `json:"status"`
	Why         string    `json:"why,omitempty"` // of NotAffected: a VEX justification
	Detail      string    `json:"detail,omitempty"`
	Interim     string    `json:"interim,omitempty"` // what users can do until the fix is there
	Fix         Fix       `json:"fix"`
	FixOn       string    `json:"fix_on,omitempty"`       // day it is planned for, or was released: 2026-12-01
	Fixed       string    `json:"fixed,omitempty"`        // version that has the fix
	FixURL      string    `json:"fix_url,omitempty"`      // where users get it
	SupportEnds string    `json:"support_ends,omitempty"` // day
	UpdatedAt   time.Time `json:"updated_at"`
	Open        int       `json:"open,omitempty"` // open questions about it

	sealed []byte
}

// Past is one step of a request's history.
type Past struct {
	From  State     `json:"from,omitempty"`
	To    State     `json:"to"`
	At    time.Time `json:"at"`
	Org   string    `json:"org,omitempty"` // empty: the hub itself
	By    Side      `json:"by"`
	Note  string    `json:"note,omitempty"`
	Entry string    `json:"entry"`

	sealed []byte
	id     string
}

// Document is a CSAF document that came in, or went out at a step.
type Document struct {
	ID      ID        `json:"id"`
	In      bool      `json:"in"` // came from the maker
	Name    string    `json:"name"`
	Version string    `json:"version"`
	Status  string    `json:"status"`         // draft, interim, final; of one that came in, its profile
	Step    string    `json:"step,omitempty"` // state of the request it was made at
	SHA256  string    `json:"sha256"`
	Size    int64     `json:"size"`
	At      time.Time `json:"at"`
	Entry   string    `json:"entry,omitempty"`
}

// NewProduct is a product as a coordinator or maker names it.
type NewProduct struct {
	Name string `json:"name"`
	CPE  string `json:"cpe,omitempty"`
	PURL string `json:"purl,omitempty"`
}

// NewMaker is a maker to be asked, with its products.
type NewMaker struct {
	Org      string       `json:"org"`
	Products []NewProduct `json:"products"`
}

// NewCase is a case before it is opened.
type NewCase struct {
	Vulnerability string     `json:"vulnerability"`
	Title         string     `json:"title"`
	Facts         string     `json:"facts"`
	TLP           string     `json:"tlp"` // empty: AMBER
	Clearance     int        `json:"clearance"`
	Embargo       Embargo    `json:"embargo,omitzero"`
	Sectors       []string   `json:"sectors"`
	Basis         Basis      `json:"basis,omitempty"` // empty: what who opens it asks on
	Makers        []NewMaker `json:"makers"`
	Send          bool       `json:"send"`            // ask them at once
	DueAt         time.Time  `json:"due_at,omitzero"` // of the answers; zero: the house target
}

// ProductAnswer is what a maker says of a product: of one it was asked about by
// ID, or of one it adds itself by Name.
type ProductAnswer struct {
	ID          ID     `json:"id,omitempty"`
	Name        string `json:"name,omitempty"`
	CPE         string `json:"cpe,omitempty"`
	PURL        string `json:"purl,omitempty"`
	Versions    string `json:"versions,omitempty"`
	Status      Status `json:"status"`
	Why         string `json:"why,omitempty"`
	Detail      string `json:"detail,omitempty"`
	Interim     string `json:"interim,omitempty"`
	Fix         Fix    `json:"fix,omitempty"`
	FixOn       string `json:"fix_on,omitempty"`
	Fixed       string `json:"fixed,omitempty"`
	FixURL      string `json:"fix_url,omitempty"`
	SupportEnds string `json:"support_ends,omitempty"`
}

// Counts says of how many products what is said.
type Counts map[Status]int

// Row is a request in a list.
type Row struct {
	Request Request `json:"request"`
	Case    Case    `json:"case"`
	Counts  Counts  `json:"counts"`
}

// ProductRow is a product in a maker's own list, with the request about it.
type ProductRow struct {
	Product Product `json:"product"`
	Request Request `json:"request"`
	Case    Case    `json:"case"`
}

// CaseRow is a case in a list: how many of its requests stand where.
type CaseRow struct {
	Case   Case          `json:"case"`
	States map[State]int `json:"states"`
}

// CaseView is a case with what who looks may see of it.
type CaseView struct {
	Case     Case              `json:"case"`
	Requests []Row             `json:"requests"`
	States   map[State]int     `json:"states"`
	Names    map[string]string `json:"names"` // of organisations, by id
}

// RequestView is a request with all that is in it.
type RequestView struct {
	Case      Case              `json:"case"`
	Request   Request           `json:"request"`
	Mine      bool              `json:"mine"` // it is asked of who looks
	Products  []Product         `json:"products"`
	Counts    Counts            `json:"counts"`
	Past      []Past            `json:"past"`
	Messages  []thread.Message  `json:"messages"` // the last ones, of the request or of the product asked for
	Documents []Document        `json:"documents"`
	Names     map[string]string `json:"names"`
}

// Filter narrows a list.
type Filter struct {
	State         State
	Vulnerability string
	Maker         string
	Fix           Fix  // of products
	Waiting       bool // for who looks
	Done          bool // show what is closed too
	Cursor        string
	Limit         int
}

// numberLetters are those of case numbers: Crockford's base 32.
const numberLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// newNumber makes a case number such as V-7K3Q-9F2M: 40 random bits.
func newNumber() string {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	for i, b := range raw {
		raw[i] = numberLetters[b%32]
	}
	return "V-" + string(raw[:4]) + "-" + string(raw[4:])
}
