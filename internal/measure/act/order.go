package act

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/measure/act/driver"
)

// ID names an order, an act or a process: a UUIDv7.
type ID = string

func newID() ID { return uuid.Must(uuid.NewV7()).String() }

// Basis is whose traffic an order touches.
type Basis string

// The bases. Subscribers touches the secrecy of communications, and needs its
// ground.
const (
	OwnBasis    Basis = "own"         // of the organisation itself, as an end party
	Subscribers Basis = "subscribers" // of a carrier's customers
)

// Bases lists them.
var Bases = []Basis{OwnBasis, Subscribers}

// Task is what an order has done, and nothing else. Its digest is what is
// approved: a list of another content, another hour or another step is another
// task.
type Task struct {
	Order    ID            `json:"order"`
	Kind     driver.Kind   `json:"kind"`
	Targets  string        `json:"targets"` // SHA-256 of the list, hex
	Count    int           `json:"count"`   // of targets
	Below    bool          `json:"below,omitempty"`
	Answer   driver.Answer `json:"answer,omitempty"`
	Sources  bool          `json:"sources,omitempty"` // targets are where packets come from, not where they go
	Other    netip.Prefix  `json:"other,omitzero"`    // the other end of the packets
	Protocol uint8         `json:"protocol,omitempty"`
	Port     uint16        `json:"port,omitempty"`
	Hours    int           `json:"hours"`
	Basis    Basis         `json:"basis"`
	Ground   string        `json:"ground,omitempty"` // id of the legal ground: Subscribers
	Chain    ID            `json:"chain,omitempty"`  // of the case whose step this is
	Step     int           `json:"step,omitempty"`   // from 1
	Plan     string        `json:"plan,omitempty"`   // digest of the plan the step is of
}

// Digest is the SHA-256 of the task's JSON, in hex.
func (t Task) Digest() string {
	raw, err := json.Marshal(t)
	if err != nil {
		panic("BUG: act: a task that JSON cannot hold: " + err.Error())
	}
	return digestOf(raw)
}

func digestOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// Ask is an order before it is one.
type Ask struct {
	Kind       driver.Kind   `json:"kind,omitempty" enum:"sinkhole,filter,flowspec,blackhole,proxy"`
	Targets    []string      `json:"targets,omitempty" maxItems:"1000000" nullable:"false" doc:"Names, or addresses and prefixes, by the kind"`
	Below      bool          `json:"below,omitempty" doc:"Names below these too"`
	Answer     driver.Answer `json:"answer,omitempty" enum:"nxdomain,nodata,walled" doc:"Of a sinkhole; left out: nxdomain"`
	Sources    bool          `json:"sources,omitempty" doc:"The targets are where packets come from"`
	Other      string        `json:"other,omitempty" maxLength:"60" doc:"Prefix at the other end of the packets"`
	Protocol   int           `json:"protocol,omitempty" minimum:"0" maximum:"255"`
	Port       int           `json:"port,omitempty" minimum:"0" maximum:"65535"`
	Hours      int           `json:"hours,omitempty" minimum:"0" maximum:"8760" doc:"After which it ends by itself"`
	Grounds    string        `json:"grounds,omitempty" maxLength:"16000"`
	Intel      []string      `json:"intelligence,omitempty" maxItems:"100" nullable:"false" doc:"Ids of what it rests on"`
	Basis      Basis         `json:"basis,omitempty" enum:"own,subscribers"`
	Ground     string        `json:"ground,omitempty" maxLength:"40" doc:"Legal ground for touching subscribers' communications"`
	GroundText string        `json:"ground_text,omitempty" maxLength:"16000" doc:"Why that ground holds here"`
	Case       string        `json:"case,omitempty" maxLength:"60" doc:"Case of measures whose own step this is"`
	Step       int           `json:"step,omitempty" minimum:"0" maximum:"50"`
}

// Warned is a target that a warning list names.
type Warned struct {
	Target string `json:"target"`
	List   string `json:"list"` // name of the list
}

// Order is an order as who may read it sees it.
type Order struct {
	ID          ID        `json:"id"`
	Number      string    `json:"number"` // such as A-7K3Q-9F2M, random
	Org         string    `json:"org"`
	State       State     `json:"state"`
	Task        Task      `json:"task"`
	Digest      string    `json:"digest"`
	Words       *Said     `json:"words,omitempty"` // nil for who may not read them
	Shown       *Shown    `json:"dry_run,omitempty"`
	Approval    ID        `json:"approval,omitempty"`
	Actuator    ID        `json:"actuator,omitempty"`
	AskedAt     time.Time `json:"asked_at"`
	DriedAt     time.Time `json:"dried_at,omitzero"`
	DecidedAt   time.Time `json:"decided_at,omitzero"`
	From        time.Time `json:"from,omitzero"`
	Until       time.Time `json:"until,omitzero"`
	SentAt      time.Time `json:"sent_at,omitzero"`
	ToldAt      time.Time `json:"told_at,omitzero"` // of the last outcome
	EndedAt     time.Time `json:"ended_at,omitzero"`
	AlarmedAt   time.Time `json:"alarmed_at,omitzero"`
	Alarm       string    `json:"alarm,omitempty"`
	Rules       int       `json:"rules"` // that the equipment holds, as it said last
	Missing     int       `json:"missing,omitempty"`
	Extra       int       `json:"extra,omitempty"`
	Reason      string    `json:"reason,omitempty"` // code of the last outcome
	WarnedCount int       `json:"warned,omitempty"`
	Revision    int64     `json:"revision"`

	asker, approver string
	use, blob       ID
	fits            bool
	sealed, shown   []byte
}

// Said is what was said of an order.
type Said struct {
	Grounds    string   `json:"grounds"`
	GroundText string   `json:"ground_text,omitempty"`
	Intel      []string `json:"intelligence,omitempty"`
	Sample     []string `json:"sample"`           // the first targets
	Warned     []Warned `json:"warned,omitempty"` // the first that meet a warning list
	Override   string   `json:"override,omitempty"`
	Why        string   `json:"why,omitempty"` // why it was refused, withdrawn or undone

	count int // of those that meet a warning list, of a new order
}

// Shown is what a dry run said.
type Shown struct {
	Digest   string    `json:"digest"` // of the task
	Actuator ID        `json:"actuator"`
	Rules    int       `json:"rules"`
	Lines    []string  `json:"lines"` // in the equipment's own words, at most 1,000
	More     int       `json:"more,omitempty"`
	Fits     bool      `json:"fits"`
	Reason   string    `json:"reason,omitempty"` // code of what does not fit
	Says     string    `json:"says,omitempty"`   // the same in the actuator's words
	At       time.Time `json:"at"`
}

// Past is one act of an order's history.
type Past struct {
	ID    ID        `json:"id"`
	Act   string    `json:"act"`
	From  State     `json:"from,omitempty"`
	To    State     `json:"to,omitempty"`
	By    Side      `json:"by"`
	Name  string    `json:"name,omitempty"` // of the person, within the organisation
	At    time.Time `json:"at"`
	Entry string    `json:"entry"`
	Said  string    `json:"said,omitempty"`

	person string
	sealed []byte
}

// Actuator is a process that tells equipment of an organisation.
type Actuator struct {
	ID      ID            `json:"id"`
	Org     string        `json:"org"`
	Name    string        `json:"name"`
	Kinds   []driver.Kind `json:"kinds"`
	SeenAt  time.Time     `json:"seen_at"`
	Alarm   string        `json:"alarm,omitempty"`
	AlarmAt time.Time     `json:"alarm_at,omitzero"`

	// Grave are alarms that no other hides and no contact ends, with when each was
	// raised last.
	Grave map[string]time.Time `json:"grave,omitempty"`

	person string
	seq    int64
}

// alarms are all that stand at an actuator, the grave ones first.
func (a *Actuator) alarms() []string {
	out := slices.Sorted(maps.Keys(a.Grave))
	if a.Alarm != "" && a.Grave[a.Alarm].IsZero() {
		out = append(out, a.Alarm)
	}
	return out
}

// View is an order with its history and what who looks may do.
type View struct {
	Order
	Unit      string   `json:"organisation"` // its name
	Past      []Past   `json:"past"`
	Acts      []string `json:"acts"`      // open to who looks
	Connected bool     `json:"connected"` // its actuator was heard of within the last minutes
}

// numberLetters are those of numbers: Crockford's base 32.
const numberLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// newNumber makes a number such as A-7K3Q-9F2M: 40 random bits.
func newNumber() string {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	for i, b := range raw {
		raw[i] = numberLetters[b%32]
	}
	return "A-" + string(raw[:4]) + "-" + string(raw[4:])
}
