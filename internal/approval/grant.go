package approval

import (
	"bytes"
	"encoding/base64"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/geo"
)

// Grant is power to do what an Order says. Only Open and the service make one;
// its zero value covers nothing.
type Grant struct {
	order  Order
	digest string
	by     string // name of the key that signed
	key    uint32 // its hash: a key of the same name is another
}

// Open returns the Grant of a paper that one of the authorities signed. Faults:
// ErrForm, ErrOrder, ErrUnsigned, ErrSignature.
func Open(paper []byte, authorities ...note.Verifier) (Grant, error) {
	o, p, err := read(paper)
	if err != nil {
		return Grant{}, err
	}
	normal, err := o.Normal()
	if err != nil {
		return Grant{}, err
	}
	if !bytes.Equal(normal.canonical(), o.canonical()) { // nobody signs it like that
		return Grant{}, ErrForm
	}
	if p.Signature == "" {
		return Grant{}, ErrUnsigned
	}
	n, err := note.Open([]byte(p.Signature), note.VerifierList(authorities...))
	if err != nil || n.Text != noteText(o) || p.Signature != onlySignature(n) {
		return Grant{}, ErrSignature
	}
	return Grant{order: o, digest: o.Digest(), by: n.Sigs[0].Name, key: n.Sigs[0].Hash}, nil
}

// onlySignature is the one way to write a note with one signature: a second line,
// of the same key or of a stranger's, or bits of base 64 that mean nothing, would
// make another paper of the same order.
func onlySignature(n *note.Note) string {
	one := n.Sigs[0]
	raw, err := base64.StdEncoding.Strict().DecodeString(one.Base64)
	if err != nil {
		return ""
	}
	return n.Text + "\n— " + one.Name + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
}

// Order returns what was approved.
func (g Grant) Order() Order { return g.order }

// ID returns the id of the approval; empty for the zero Grant.
func (g Grant) ID() string { return g.order.ID }

// Digest returns the digest of the order.
func (g Grant) Digest() string { return g.digest }

// Authority returns the name of the key that signed the order.
func (g Grant) Authority() string { return g.by }

// Scope is what somebody is about to do under a Grant.
type Scope struct {
	Kind       Kind        `json:"kind,omitempty"`       // empty: any kind that selects
	Directions []geo.Class `json:"directions,omitempty"` // that will be selected
	Link       string      `json:"link,omitempty"`       // empty where the files are the link
	From       time.Time   `json:"from,omitzero"`        // of the communications that will be read; zero where packets tell
	Until      time.Time   `json:"until,omitzero"`
	Selectors  string      `json:"selectors,omitempty"` // SHA-256 of the list, hex
	Fields     []string    `json:"fields,omitempty"`    // that will be kept
	Subjects   []string    `json:"subjects,omitempty"`  // pseudonyms that will be opened
	Run        string      `json:"run,omitempty"`       // of the pseudonyms
	Measure    string      `json:"measure,omitempty"`   // chain of command that acts, or order of one's own network
	Plan       string      `json:"plan,omitempty"`      // SHA-256 of what it is about to do, hex
}

// Refusals of a Grant. Each is recorded where it is said.
var (
	ErrNoGrant   = fault.New(fault.Refused, "approval.grant.none")
	ErrKind      = fault.New(fault.Refused, "approval.grant.kind")
	ErrDirection = fault.New(fault.Refused, "approval.grant.direction")
	ErrLink      = fault.New(fault.Refused, "approval.grant.link")
	ErrPeriod    = fault.New(fault.Refused, "approval.grant.period")
	ErrSelectors = fault.New(fault.Refused, "approval.grant.selectors")
	ErrFields    = fault.New(fault.Refused, "approval.grant.fields")
	ErrSubjects  = fault.New(fault.Refused, "approval.grant.subjects")
	ErrPlan      = fault.New(fault.Refused, "approval.grant.plan")  // another plan than was approved
	ErrSpent     = fault.New(fault.Refused, "approval.grant.spent") // the cap is used up
	ErrBusy      = fault.New(fault.Refused, "approval.grant.busy")  // another run is under way on it
	ErrExpired   = fault.New(fault.Refused, "approval.grant.expired")
	ErrWithdrawn = fault.New(fault.Refused, "approval.grant.withdrawn")
	ErrExecutor  = fault.New(fault.Refused, "approval.grant.executor") // asked, examined or decided it

	// No witness cosigns the ledger: an ordinary act of power waits, a declared
	// emergency redeems nothing.
	ErrUnwitnessed  = fault.New(fault.Refused, "approval.grant.unwitnessed")
	ErrNeverWitness = fault.New(fault.Refused, "approval.grant.never_witnessed")
)

// Covers returns nil when the order allows all of a scope, else the refusal. It
// is the rule alone: Redeem asks it and the state of the approval, and records.
func (g Grant) Covers(s Scope) error {
	o := &g.order
	within := func(some, all []string) bool {
		return !slices.ContainsFunc(some, func(x string) bool { return !slices.Contains(all, x) })
	}
	switch {
	case o.ID == "" || g.digest == "":
		return ErrNoGrant
	case s.Kind != "" && s.Kind != o.Kind, (s.Kind == Reidentify) != (o.Kind == Reidentify), s.Kind.plans() != o.Kind.plans():
		return ErrKind
	}
	if o.Kind.plans() {
		if s.Measure == "" || s.Measure != o.Measure || s.Plan != o.Plan {
			return ErrPlan
		}
		return nil
	}
	if o.Kind == Reidentify {
		if len(s.Subjects) == 0 || s.Run != o.Run || !within(s.Subjects, o.Subjects) {
			return ErrSubjects
		}
		return nil
	}
	switch {
	case len(s.Directions) == 0 || slices.ContainsFunc(s.Directions, func(c geo.Class) bool { return !slices.Contains(o.Directions, c) }):
		return ErrDirection
	case s.Link != "" && s.Link != o.Link:
		return ErrLink
	case !s.From.IsZero() && s.From.Before(o.From), s.Until.After(o.Until), !s.From.IsZero() && !s.From.Before(o.Until):
		return ErrPeriod
	case s.Selectors != o.Selectors:
		return ErrSelectors
	case !within(s.Fields, o.Fields):
		return ErrFields
	}
	return nil
}
