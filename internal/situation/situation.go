package situation

import (
	"crypto/rand"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/thread"
)

// ID names an event, a task or a decision: a UUIDv7.
type ID = string

func newID() ID { return uuid.Must(uuid.NewV7()).String() }

// State is where an event stands.
type State string

// The states of an event.
const (
	Open   State = "open"
	Closed State = "closed"
)

// Part is what an organisation is in an event.
type Part string

// The parts. A tasked organisation sees its own tasks and what is addressed to
// it.
const (
	Lead   Part = "lead"
	Member Part = "member"
	Tasked Part = "tasked"
)

// Sees is what of an event a participant sees besides its own tasks and what is
// addressed to it.
type Sees struct {
	Incidents bool `json:"incidents"` // which incidents are joined
	Tasks     bool `json:"tasks"`     // those of others
	Decisions bool `json:"decisions"` // those addressed to nobody in particular
	Reports   bool `json:"reports"`
	People    bool `json:"people"` // who else takes part
}

// Event is what several incidents are together.
type Event struct {
	ID         ID        `json:"id"`
	Number     string    `json:"number"` // random, so that it counts nobody's events
	Org        string    `json:"org"`    // who leads
	Title      string    `json:"title"`
	Summary    string    `json:"summary,omitempty"` // to members
	About      []string  `json:"about,omitempty"`   // vulnerability ids, to members
	State      State     `json:"state"`
	TLP        string    `json:"tlp"`
	Clearance  int       `json:"clearance"`
	EveryHours int       `json:"every_hours"` // between reports; 0: none by itself
	NextAt     time.Time `json:"next_at,omitzero"`
	OpenedAt   time.Time `json:"opened_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	ClosedAt   time.Time `json:"closed_at,omitzero"`
	Lessons    string    `json:"lessons,omitempty"`
	Revision   int64     `json:"revision"`

	reports int
	sealed  []byte
}

// Participant is an organisation in an event.
type Participant struct {
	Org     string    `json:"org"`
	Part    Part      `json:"part"`
	Sees    Sees      `json:"sees"`
	AddedAt time.Time `json:"added_at"`
}

// Incident is an incident of an event, as far as a room may know of it.
type Incident struct {
	ID       string    `json:"id"`
	Number   string    `json:"number"`
	Kind     string    `json:"kind"`
	Sector   string    `json:"sector"`
	Severity string    `json:"severity,omitempty"`
	By       string    `json:"by"` // who joined it
	At       time.Time `json:"at"`
}

// TaskState is where a task stands.
type TaskState string

// The states of a task.
const (
	Todo      TaskState = "todo"
	Started   TaskState = "started"
	Done      TaskState = "done"
	Cannot    TaskState = "cannot" // its owner says that it cannot, and why
	Cancelled TaskState = "cancelled"
)

// Over reports whether nothing more is to be done.
func (s TaskState) Over() bool { return s == Done || s == Cancelled }

// Task is what one organisation is to do.
type Task struct {
	ID        ID        `json:"id"`
	Owner     string    `json:"owner"`
	By        string    `json:"by,omitempty"` // who gave it
	Title     string    `json:"title"`
	Detail    string    `json:"detail,omitempty"`
	DueAt     time.Time `json:"due_at,omitzero"`
	State     TaskState `json:"state"`
	Answer    string    `json:"answer,omitempty"` // the owner's last words
	Needs     []ID      `json:"needs,omitempty"`  // tasks that have to be done first
	Waits     bool      `json:"waits,omitempty"`  // one of them is not
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	DoneAt    time.Time `json:"done_at,omitzero"`
	Revision  int64     `json:"revision"`

	sealed []byte
}

// Late reports whether a task is overdue.
func (t *Task) Late(now time.Time) bool {
	return !t.State.Over() && !t.DueAt.IsZero() && now.After(t.DueAt)
}

// Decision is an entry of the log of decisions.
type Decision struct {
	ID    ID        `json:"id"`
	Org   string    `json:"org"`
	What  string    `json:"what"`
	Why   string    `json:"why,omitempty"`
	To    []string  `json:"to,omitempty"` // whom it is addressed to; empty: the members
	At    time.Time `json:"at"`
	Entry string    `json:"entry,omitempty"`

	sealed []byte
}

// Moment is an entry of the time line: who did what.
type Moment struct {
	What string    `json:"what"` // opened, invited, joined, tasked, started, done, cannot, cancelled, decided, reported, closed
	Org  string    `json:"org,omitempty"`
	Ref  string    `json:"ref,omitempty"` // id of what it is about
	At   time.Time `json:"at"`
}

// View is an event as one participant sees it.
type View struct {
	Event     Event             `json:"event"`
	Me        Participant       `json:"me"`
	People    []Participant     `json:"people,omitempty"`
	Incidents []Incident        `json:"incidents,omitempty"`
	Tasks     []Task            `json:"tasks"`
	Decisions []Decision        `json:"decisions"`
	Reports   []Head            `json:"reports,omitempty"`
	Log       []Moment          `json:"log,omitempty"`
	Messages  []thread.Message  `json:"messages"` // with the lead; the lead sees all
	Names     map[string]string `json:"names"`
}

// NewEvent is an event before it is opened.
type NewEvent struct {
	Title      string   `json:"title"`
	Summary    string   `json:"summary"`
	About      []string `json:"about"`
	TLP        string   `json:"tlp"` // empty: AMBER
	Clearance  int      `json:"clearance"`
	EveryHours int      `json:"every_hours"`
}

// NewTask is a task before it is given.
type NewTask struct {
	Owner  string    `json:"owner"`
	Title  string    `json:"title"`
	Detail string    `json:"detail"`
	DueAt  time.Time `json:"due_at,omitzero"`
	Needs  []ID      `json:"needs"`
}

// numberLetters are those of numbers: Crockford's base 32.
const numberLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

func newNumber() string {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	for i, b := range raw {
		raw[i] = numberLetters[b%32]
	}
	return "S-" + string(raw[:4]) + "-" + string(raw[4:])
}
