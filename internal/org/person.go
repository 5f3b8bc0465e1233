package org

import (
	"slices"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
)

// PersonID is the id of a person.
type PersonID string

// PersonState is where a person stands.
type PersonState string

// The states of a person.
const (
	Invited   PersonState = "invited"   // has a link, and no password yet
	Active    PersonState = "active"    // may sign in
	Suspended PersonState = "suspended" // may not; nothing is deleted
)

// Clearances: 0 public, 1 general, 2 limited, 3 important economic security
// information (重要経済安保情報, Act 27 of 2024).
const (
	maxClearance = 3
	// ownClearance is the highest an organisation grants by itself. Above it
	// a suitability assessment (適性評価, Act 27 of 2024) has to be on record,
	// which the hub's administrators check.
	ownClearance = 1
)

// Person is somebody of an organisation. The same address may stand for
// people of several organisations: were it refused, an invitation would tell
// that it is known elsewhere.
type Person struct {
	ID        PersonID    `json:"id"`
	Org       ID          `json:"org"`
	Name      string      `json:"name"`
	Mail      string      `json:"mail"`
	Lang      text.Lang   `json:"lang"`
	Roles     []gate.Role `json:"roles"`
	Clearance int         `json:"clearance"`
	State     PersonState `json:"state"`
	CreatedAt time.Time   `json:"created_at"`
	LastAt    time.Time   `json:"last_at,omitzero"` // last sign-in
	Version   int64       `json:"version"`
}

// Has reports whether the person has the role.
func (p Person) Has(r gate.Role) bool { return slices.Contains(p.Roles, r) }

// Normal returns the person with tidy fields, or a fault that names every
// field to correct, given the kinds of their organisation. Faults:
// org.person.invalid with places.
func (p Person) Normal(kinds []Kind) (Person, error) {
	var bad problems
	p.Name = bad.text("name", p.Name, true, maxName)
	p.Mail = bad.address("mail", p.Mail, true)
	if p.Lang == "" {
		p.Lang = text.JA
	}
	if !slices.Contains(text.Langs, p.Lang) {
		bad.add("lang", "org.person.lang", "lang", string(p.Lang))
	}
	p.Roles = normalSet(p.Roles)
	for i, r := range p.Roles {
		switch {
		case !slices.Contains(gate.Roles, r):
			bad.add(index("roles", i), "org.person.role_unknown", "role", string(r))
		case !fits(r, kinds):
			bad.add(index("roles", i), "org.person.role_kind", "role", string(r))
		}
	}
	if len(p.Roles) == 0 {
		bad.add("roles", "org.person.role_missing")
	}
	if p.Clearance < 0 || p.Clearance > maxClearance {
		bad.add("clearance", "org.person.clearance", "max", maxClearance)
	}
	return p, bad.fault("org.person.invalid")
}

// Errors about people.
var (
	ErrPersonGone  = fault.New(fault.NotFound, "org.person.not_found")
	ErrOrgGone     = fault.New(fault.NotFound, "org.not_found")
	ErrStale       = fault.New(fault.Conflict, "org.stale")
	ErrSelf        = fault.New(fault.Refused, "org.person.self")
	ErrLastAdmin   = fault.New(fault.Conflict, "org.person.last_admin")
	ErrNotYours    = fault.New(fault.Refused, "org.person.not_yours")
	ErrState       = fault.New(fault.Conflict, "org.person.state")
	ErrNotJoined   = fault.New(fault.Conflict, "org.person.not_joined") // no token before the invitation is opened
	ErrMailTaken   = fault.New(fault.Conflict, "org.person.mail_taken") // within one organisation
	ErrNumberTaken = fault.New(fault.Conflict, "org.number.taken")      // seen by the hub's administrators only
)
