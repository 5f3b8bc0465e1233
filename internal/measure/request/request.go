package request

import (
	"crypto/rand"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/text"
	"noroshi/internal/measure"
)

// ID names a request, one of its mails or an answer: a UUIDv7.
type ID = string

func newID() ID { return uuid.Must(uuid.NewV7()).String() }

// Kind is who is asked.
type Kind string

// The kinds. An order to a carrier is a step of a measure and never anything else.
const (
	Takedown  Kind = "takedown"  // the abuse desk of who hosts it, or registered its name
	Provider  Kind = "provider"  // a provider, for more than an abuse desk does
	Owner     Kind = "owner"     // the machine's administrator or owner, often a victim
	Authority Kind = "authority" // of another State, or its CERT
	Carrier   Kind = "carrier"   // a carrier is ordered
)

// Kinds lists them.
var Kinds = []Kind{Takedown, Provider, Owner, Authority, Carrier}

// stepKinds are the kinds of steps of a plan by which each kind is carried out.
var stepKinds = map[Kind][]measure.StepKind{
	Takedown: {measure.AskTakedown}, Provider: {measure.AskProvider}, Owner: {measure.AskAdministrator}, Authority: {measure.AskForeign},
	Carrier: {measure.AskAdministrator, measure.AskProvider},
}

// Harm is what the machine does.
type Harm string

// The harms.
const (
	Phishing Harm = "phishing"
	Malware  Harm = "malware" // it hands out unlawful programs
	Command  Harm = "command" // it sends orders to infected machines
	TakenOut Harm = "taken"   // it was taken over
	Flood    Harm = "flood"   // it takes part in a flood (DDoS)
	Login    Harm = "login"   // it tries to sign in
	Scan     Harm = "scan"
	Fraud    Harm = "fraud"
	Another  Harm = "other"
)

// Harms lists them.
var Harms = []Harm{Phishing, Malware, Command, TakenOut, Flood, Login, Scan, Fraud, Another}

// Subject is the machine that a request is about. Nothing here connects to it.
type Subject struct {
	Address  string `json:"address,omitempty" maxLength:"60"` // IPv4 or IPv6
	Port     int    `json:"port,omitempty" minimum:"0" maximum:"65535"`
	Protocol string `json:"protocol,omitempty" enum:"tcp,udp,icmp,sctp"`
	Name     string `json:"name,omitempty" maxLength:"300"`
	URL      string `json:"url,omitempty" maxLength:"2000"`
	ASN      uint32 `json:"asn,omitempty"`
	Harm     Harm   `json:"harm,omitempty" enum:"phishing,malware,command,taken,flood,login,scan,fraud,other"`
	Does     string `json:"does,omitempty" maxLength:"16000"` // in the recipient's language; it is told
}

// At names the machine in one word: its name, else its address.
func (s Subject) At() string {
	if s.Name != "" {
		return s.Name
	}
	if u, err := url.Parse(s.URL); err == nil && s.Address == "" {
		return u.Hostname()
	}
	return s.Address
}

// Evidence is one thing that a request rests on. What is linked stays where it
// is; what Says and Lines hold is told.
type Evidence struct {
	Noun   string    `json:"noun,omitempty" enum:"incident,intel,sighting,selection,hunt,situation,measure,other"`
	ID     string    `json:"id,omitempty" maxLength:"200"`     // of it here; never told
	Digest string    `json:"digest,omitempty" maxLength:"100"` // SHA-256 of it, hex
	From   time.Time `json:"from,omitzero"`
	Until  time.Time `json:"until,omitzero"`
	Says   string    `json:"says,omitempty" maxLength:"4000"`
	Lines  string    `json:"lines,omitempty" maxLength:"40000"` // of one's own logs, with times in UTC
}

// Contact is whom a request goes to.
type Contact struct {
	Mail     string    `json:"mail,omitempty" maxLength:"300"`
	Name     string    `json:"name,omitempty" maxLength:"800"`
	Provider string    `json:"provider,omitempty" maxLength:"800"` // whose desk it is: figures are gathered by it
	Lang     text.Lang `json:"lang,omitempty" enum:"ja,en"`
	Org      string    `json:"org,omitempty" maxLength:"60"` // a carrier that is on this hub; it needs no mail
	Source   Source    `json:"source,omitempty" enum:"rdap,hand"`
	FoundAt  time.Time `json:"found_at,omitzero"`
}

// Source is where a contact is from.
type Source string

// The sources.
const (
	ByRDAP Source = "rdap"
	ByHand Source = "hand"
)

// Victim is who is harmed, for those who write the request, and which words would
// give them away.
type Victim struct {
	Who      string   `json:"who,omitempty" maxLength:"4000"`
	Hide     []string `json:"hide,omitempty" maxItems:"100" nullable:"false"` // names, addresses, domains
	Released bool     `json:"released,omitempty"`                             // they agreed to be named
}

// Draft is a request as it is written.
type Draft struct {
	Kind     Kind       `json:"kind,omitempty" enum:"takedown,provider,owner,authority,carrier"`
	Case     string     `json:"case,omitempty" maxLength:"60"` // of a measure, where this is a step of its plan
	Step     int        `json:"step,omitempty" minimum:"0" maximum:"50"`
	To       Contact    `json:"to,omitzero"`
	Subject  Subject    `json:"subject,omitzero"`
	Evidence []Evidence `json:"evidence,omitempty" maxItems:"20" nullable:"false"`
	Asked    string     `json:"asked,omitempty" maxLength:"16000"` // in the recipient's language
	By       time.Time  `json:"by,omitzero"`                       // until when it is asked
	TLP      string     `json:"tlp,omitempty" maxLength:"20"`      // GREEN, CLEAR
	Victim   Victim     `json:"victim,omitzero"`
	Order    Order      `json:"order,omitzero"` // of a carrier
}

// Purpose is why a mail of a request goes out.
type Purpose string

// The purposes.
const (
	First      Purpose = "first"
	FollowUp   Purpose = "follow_up"
	Escalation Purpose = "escalation" // somebody else is asked: a registrar, another provider, a CERT
)

// Request is a request and where it stands.
type Request struct {
	ID        ID        `json:"id"`
	Number    string    `json:"number"` // such as R-7K3Q-9F2M; it is in every mail
	Org       string    `json:"org"`
	Kind      Kind      `json:"kind"`
	Harm      Harm      `json:"harm"`
	State     State     `json:"state"`
	Case      string    `json:"case,omitempty"` // of the measure, its chain of command and the step
	Chain     string    `json:"chain,omitempty"`
	Step      int       `json:"step,omitempty"`
	Purpose   Purpose   `json:"purpose"`          // of the mail that is written, or was the last
	Digest    string    `json:"digest,omitempty"` // SHA-256 of the mail that was checked, hex
	Way       Way       `json:"way,omitempty"`
	Facts     Facts     `json:"facts"`
	By        time.Time `json:"by,omitzero"`
	CheckedAt time.Time `json:"checked_at,omitzero"`
	SentAt    time.Time `json:"sent_at,omitzero"`     // the first mail
	LastAt    time.Time `json:"last_at,omitzero"`     // the last mail
	AnswerAt  time.Time `json:"answered_at,omitzero"` // the first answer
	GoneAt    time.Time `json:"gone_at,omitzero"`     // the machine's doing ended, as somebody says
	NextAt    time.Time `json:"next_at,omitzero"`     // when it is looked at next, unless somebody answers
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Revision  int64     `json:"revision"`

	xarf     string // report_id of the attachment
	provider string // tag
	carrier  string // organisation on this hub
	mail     ID     // the last mail
	writer   string
	sealed   []byte
}

// Way is how a mail goes out.
type Way string

// The ways.
const (
	ByMail Way = "mail" // the hub's mail server
	InHand Way = "hand" // somebody takes the file and sends it with a program of their own
	OnHub  Way = "hub"  // a carrier reads it here
)

// numberLetters are those of numbers: Crockford's base 32.
const numberLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// newNumber makes a number such as R-7K3Q-9F2M: 40 random bits.
func newNumber() string {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	for i, b := range raw {
		raw[i] = numberLetters[b%32]
	}
	return "R-" + string(raw[:4]) + "-" + string(raw[4:])
}

// domainOf is what stands behind the @ of an address.
func domainOf(mail string) string {
	_, host, _ := strings.Cut(mail, "@")
	return strings.ToLower(host)
}
