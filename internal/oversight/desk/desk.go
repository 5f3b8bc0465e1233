package desk

import (
	"crypto/rand"
	"encoding/base32"
	"time"

	"github.com/google/uuid"
)

// ID names a paper, a plan or an opening: a UUIDv7. That of a paper is a random
// UUID: a body that is written to does not read from it when the draft began.
type ID = string

func newID() ID { return uuid.Must(uuid.NewV7()).String() }

// letters are the digits and letters that are not mistaken for one another.
var letters = base32.NewEncoding("23456789ABCDEFGHJKMNPQRSTVWXYZ0L").WithPadding(base32.NoPadding)

// newNumber makes a number such as C-7K3Q-9F2M: 40 random bits.
func newNumber(letter string) string {
	raw := make([]byte, 5)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	s := letters.EncodeToString(raw)
	return letter + "-" + s[:4] + "-" + s[4:]
}

// Bounds of what is written here.
const (
	maxTitle   = 200
	maxWords   = 8000
	maxEntries = 20 // that a paper rests on
	maxDigests = 20 // of an answer
	maxSecret  = 1 << 18
)

// Paper is a notice, a request or a recommendation of the commission, as far as
// who reads it may see it.
type Paper struct {
	ID        ID        `json:"id"`
	Number    string    `json:"number"` // such as C-7K3Q-9F2M
	Kind      Kind      `json:"kind" enum:"notice,request,recommendation"`
	State     State     `json:"state"`
	To        string    `json:"to"` // organisation that it is addressed to
	Rule      string    `json:"rule,omitempty"`
	Entries   []uint64  `json:"entries"` // places in the log that it rests on
	Days      int       `json:"days"`    // to answer in
	Title     string    `json:"title"`
	Text      string    `json:"text"`
	DueAt     time.Time `json:"due_at,omitzero"` // when the answer is due; once it is settled
	CreatedAt time.Time `json:"created_at"`
	SentAt    time.Time `json:"sent_at,omitzero"`
	Revision  int       `json:"revision"`
	Late      bool      `json:"late,omitempty"`

	org               string // of the commission
	drafter, proposer string // people
	sealed            []byte
	remindedAt        time.Time
}

// Draft is what a paper says before it is settled.
type Draft struct {
	Kind    Kind     `json:"kind,omitempty" enum:"notice,request,recommendation"`
	To      string   `json:"to,omitempty" maxLength:"100" doc:"Id of the organisation it is addressed to"`
	Rule    string   `json:"rule,omitempty" maxLength:"60" doc:"Id of the rule that was broken, where it is about one"`
	Entries []uint64 `json:"entries,omitempty" maxItems:"20" nullable:"false" doc:"Places in the log that it rests on"`
	Days    int      `json:"days,omitempty" minimum:"0" maximum:"366" doc:"Days to answer in; 0 is the house rule"`
	Title   string   `json:"title,omitempty" maxLength:"200"`
	Text    string   `json:"text,omitempty" maxLength:"8000"`
}

// words are what is sealed of a paper.
type words struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Reply is what an addressed body answers.
type Reply struct {
	Text    string   `json:"text,omitempty" maxLength:"8000"`
	Digests []string `json:"digests,omitempty" maxItems:"20" nullable:"false" doc:"SHA-256 of the files that show it, in hexadecimal"`
}

// Past is one act on a paper.
type Past struct {
	ID      ID        `json:"id"`
	Act     string    `json:"act"`
	From    State     `json:"from,omitempty"`
	To      State     `json:"to"`
	Org     string    `json:"org,omitempty"`
	Said    string    `json:"said,omitempty"`
	Digests []string  `json:"digests,omitempty"`
	At      time.Time `json:"at"`
	Entry   string    `json:"entry"` // id of its entry in the ledger

	person string
	sealed []byte
}

// View is a paper as a reader has it before them.
type View struct {
	Paper Paper             `json:"paper"`
	Past  []Past            `json:"past"`
	Acts  []string          `json:"acts"` // that are open to who reads
	Names map[string]string `json:"names"`
}

// Stratum is how many of a kind of act are looked at.
type Stratum struct {
	Kind string `json:"kind" enum:"case,measure,run,use,erase,refusal"`
	Size int    `json:"size" minimum:"1" maximum:"500"`
}

// Planning asks for a sample.
type Planning struct {
	Strata []Stratum `json:"strata,omitempty" maxItems:"6" nullable:"false"`
	Since  time.Time `json:"since,omitzero" doc:"Only acts from this instant on; absent: all"`
	Why    string    `json:"why,omitempty" maxLength:"8000"`

	Commitment string `json:"commitment,omitempty" maxLength:"64" doc:"SHA-256, in hexadecimal, of the nonce that is revealed once the plan stands in the signed log"`
}

// Revealing is the nonce of a plan.
type Revealing struct {
	Nonce string `json:"nonce,omitempty" maxLength:"64" doc:"64 hexadecimal digits, of which the plan has the SHA-256"`
}

// Plan is a sampling plan, and its sample once it was drawn.
type Plan struct {
	ID         ID        `json:"id"`
	Number     string    `json:"number"`
	Strata     []Drawn   `json:"strata"`
	Since      time.Time `json:"since,omitzero"`
	Why        string    `json:"why"`
	CreatedAt  time.Time `json:"created_at"`
	Entry      string    `json:"entry"` // id of the plan's own entry
	Commitment string    `json:"commitment"`
	Nonce      string    `json:"nonce,omitempty"` // once it was revealed
	Place      uint64    `json:"place,omitempty"` // of that entry in the log
	Root       string    `json:"root,omitempty"`  // of the log that ends with it
	Seed       string    `json:"seed,omitempty"`
	DrawnAt    time.Time `json:"drawn_at,omitzero"`
	Picks      []Pick    `json:"picks"`

	org    string
	sealed []byte
}

// Drawn is a stratum with what it says of all acts of its kind.
type Drawn struct {
	Stratum
	Population uint64  `json:"population"` // acts of the kind before the plan
	Checked    int     `json:"checked"`    // of the sample
	Findings   int     `json:"findings"`   // of those
	Excluded   float64 `json:"excluded"`   // share of violations, of 1, that is excluded at 95 %, once all were looked at; 1: none
	Complete   bool    `json:"complete"`   // all of the sample were looked at
}

// Pick is one act of a sample.
type Pick struct {
	Place  uint64    `json:"place"` // in the log
	Kind   string    `json:"kind"`
	Result string    `json:"result,omitempty" enum:"fine,finding"`
	Note   string    `json:"note,omitempty"`
	At     time.Time `json:"at,omitzero"`

	sealed []byte
}

// Checking is what an inspector found of one act of a sample.
type Checking struct {
	Place  uint64 `json:"place,omitempty"`
	Result string `json:"result,omitempty" enum:"fine,finding"`
	Note   string `json:"note,omitempty" maxLength:"8000"`
}

// Asking asks an organisation to open the sealed part of an entry.
type Asking struct {
	Entry  string `json:"entry,omitempty" maxLength:"40" doc:"Id of the entry, or its place in the log"`
	Ground Ground `json:"ground,omitempty" enum:"violation,sample,complaint,follow_up"`
	Text   string `json:"text,omitempty" maxLength:"8000" doc:"Why this very entry is needed"`
}

// Giving is the sealed part of an entry, as the organisation has it.
type Giving struct {
	Content string `json:"content,omitempty" maxLength:"262144" doc:"JSON, byte for byte as it was sealed"`
	Salt    string `json:"salt,omitempty" maxLength:"100" doc:"Base64; absent: the one that the ledger keeps"`
	Kept    bool   `json:"kept,omitempty" doc:"Give what the hub itself keeps of it, in place of content"`
}

// Opening is an inspector's wish to see the sealed part of one entry.
type Opening struct {
	ID        ID           `json:"id"`
	Number    string       `json:"number"`
	Entry     string       `json:"entry"` // id
	Verb      string       `json:"verb"`
	Object    string       `json:"object"`
	ActedAt   time.Time    `json:"acted_at"`
	Digest    string       `json:"digest"` // that the content has to open
	State     OpeningState `json:"state"`
	To        string       `json:"to"` // organisation whose act it was
	Ground    Ground       `json:"ground"`
	Text      string       `json:"text"`
	Answer    string       `json:"answer,omitempty"` // why it is withheld
	CreatedAt time.Time    `json:"created_at"`
	DueAt     time.Time    `json:"due_at"`
	EndedAt   time.Time    `json:"ended_at,omitzero"` // when it was opened or withheld
	GoneAt    time.Time    `json:"gone_at,omitzero"`  // when what was opened is destroyed
	Mine      bool         `json:"mine"`              // who reads asked for it
	Late      bool         `json:"late,omitempty"`
	Kept      bool         `json:"kept,omitempty"` // the hub has the content: it can be opened as it is

	org, asker      string
	sealed, content []byte
	remindedAt      time.Time
}

// Content is what was sealed, shown to its asker.
type Content struct {
	Content  string `json:"content"`
	Salt     string `json:"salt"`
	Digest   string `json:"digest"`
	Verified bool   `json:"verified"`
}

// Filter narrows a list.
type Filter struct {
	State  string
	Open   bool // neither closed nor given up
	Cursor string
	Limit  int
}
