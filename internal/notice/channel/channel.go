package channel

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/mail"
	"noroshi/internal/base/text"
)

// Kind is what a channel is.
type Kind string

// The kinds.
const (
	Mail    Kind = "mail"
	Webhook Kind = "webhook"
)

// State is whether a channel is used.
type State string

// The states. A failing channel is still tried; whoever set it is asked to look.
const (
	Waiting   State = "waiting" // for its owner to prove it
	Confirmed State = "confirmed"
	Failing   State = "failing" // the last letter did not arrive
)

// Classes lists the classes of notices, the most urgent first.
var Classes = []string{"act", "attend", "watch", "track"}

// breaks is the class that quiet hours do not hold up.
const breaks = "act"

// Most is how many channels an organisation may have.
const Most = 10

// perHour is how many codes and tests an organisation can have sent in an hour:
// the hub is nobody's means to flood another's mailbox or server.
const perHour = 40

// Channel is one way to tell an organisation.
type Channel struct {
	ID        string    `json:"id"`
	Kind      Kind      `json:"kind"`
	Address   string    `json:"address"` // a mail address, or an https URL
	Contact   int       `json:"contact"` // 1 is told first; 2 when nobody answers or the first cannot be reached
	Least     string    `json:"least"`   // used for this class and the more urgent ones
	Lang      text.Lang `json:"lang"`
	Quiet     Quiet     `json:"quiet"`
	State     State     `json:"state"`
	Why       string    `json:"why,omitempty"` // why it fails, in the other side's words
	CreatedAt time.Time `json:"created_at"`
	LastAt    time.Time `json:"last_at,omitzero"` // when a letter last arrived

	org    string
	secret string // a webhook's
	code   string // digest of the code that proves a mail address
	tries  int    // of the code
}

// Quiet are the hours in which only the highest class is sent: minutes of the
// day in Japan, from 22:00 to 6:00 as 1320 and 360. Equal minutes mean none.
type Quiet struct {
	From int `json:"from" minimum:"0" maximum:"1439"`
	To   int `json:"to" minimum:"0" maximum:"1439"`
}

// End returns when a letter that is ready at t may go out.
func (q Quiet) End(t time.Time) time.Time {
	local := t.In(text.JST)
	now := local.Hour()*60 + local.Minute()
	inside := q.From < q.To && now >= q.From && now < q.To || q.From > q.To && (now >= q.From || now < q.To)
	if !inside {
		return t
	}
	end := time.Date(local.Year(), local.Month(), local.Day(), 0, q.To, 0, 0, text.JST)
	if !end.After(t) {
		end = end.AddDate(0, 0, 1)
	}
	return end.UTC()
}

// Due returns when a letter of a class may go out through the channel, and
// false when the channel is not for that class.
func (c *Channel) Due(class string, now time.Time) (time.Time, bool) {
	if slices.Index(Classes, class) > slices.Index(Classes, c.Least) {
		return time.Time{}, false
	}
	if class == breaks {
		return now, true
	}
	return c.Quiet.End(now), true
}

// Faults of channels.
var (
	ErrNone = fault.New(fault.NotFound, "channel.none")
	ErrMost = fault.New(fault.Conflict, "channel.most", "n", Most)
	// ErrUnproven is returned for a test of a mail address that nobody proved.
	ErrUnproven = fault.New(fault.Conflict, "channel.unproven")
	// ErrOften is returned when codes and tests were asked for too often.
	ErrOften = fault.New(fault.Busy, "channel.often", "n", perHour)
	ErrCode  = fault.New(fault.Invalid, "channel.invalid").At(fault.Place{At: "code", Code: "channel.code"})
)

// Access says who may do what with channels: those who answer notices, who
// command measures, who oversee them, and who answer the oversight commission set
// those of their own organisation.
var Access = gate.Table{
	"channel.list":    own(),
	"channel.set":     own(),
	"channel.confirm": own(),
	"channel.test":    own(),
	"channel.remove":  own(),
	"channel.bounce":  {gate.HubAdmin: gate.All},
	"channel.aside":   {gate.HubAdmin: gate.All},
	"channel.again":   {gate.HubAdmin: gate.All},
}

func own() map[gate.Role]gate.Reach {
	row := map[gate.Role]gate.Reach{}
	for _, r := range []gate.Role{gate.OperatorReporter, gate.OperatorAdmin, gate.Maintainer, gate.SupplierContact, gate.MakerContact, gate.MinistryClerk, gate.MinistrySuper, gate.OfficeClerk, gate.JPCERTClerk,
		gate.PoliceCommand, gate.PoliceSuperior, gate.DefenceCommand, gate.DefenceSuperior, gate.CommissionMember, gate.Inspector,
		gate.ForeignClerk, gate.SafetyMember, gate.PrivacyClerk, gate.CarrierClerk} {
		row[r] = gate.Own
	}
	return row
}

// Normal returns the channel with tidy fields, or a fault that names every
// field to correct. Fault: channel.invalid with places.
func (c Channel) Normal() (Channel, error) {
	var bad []fault.Place
	say := func(at, code string) { bad = append(bad, fault.Place{At: at, Code: code}) }
	c.Address = strings.TrimSpace(c.Address)
	switch c.Kind {
	case Mail:
		if a, err := mail.Address(c.Address); err != nil {
			say("address", "channel.mail")
		} else {
			c.Address = a
		}
	case Webhook:
		u, err := url.Parse(c.Address)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" || len(c.Address) > 1000 {
			say("address", "channel.url")
		}
	default:
		say("kind", "channel.kind")
	}
	if c.Contact == 0 {
		c.Contact = 1
	}
	if c.Contact != 1 && c.Contact != 2 {
		say("contact", "channel.contact")
	}
	if c.Least == "" {
		c.Least = Classes[len(Classes)-1]
	}
	if !slices.Contains(Classes, c.Least) {
		say("least", "channel.least")
	}
	if !slices.Contains(text.Langs, c.Lang) {
		c.Lang = text.JA
	}
	if c.Quiet.From < 0 || c.Quiet.From > 1439 || c.Quiet.To < 0 || c.Quiet.To > 1439 {
		say("quiet", "channel.quiet")
	}
	if bad != nil {
		return c, fault.New(fault.Invalid, "channel.invalid").At(bad...)
	}
	return c, nil
}

// Masked is the address as a list shows it to others of the organisation, so
// that a screen shared in a meeting tells nobody: d…k@firm.example.
func (c *Channel) Masked() string {
	if c.Kind == Webhook {
		if u, err := url.Parse(c.Address); err == nil {
			return u.Host
		}
		return ""
	}
	local, host, _ := strings.Cut(c.Address, "@")
	r := []rune(local)
	if len(r) > 2 {
		local = string(r[0]) + "…" + string(r[len(r)-1])
	}
	return local + "@" + host
}
