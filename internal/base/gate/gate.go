// Package gate decides who may do what, in one place: role × verb → reach.
// Nouns declare a Table as data; a service asks it before it loads anything
// and hands the reach to its store, which writes it into the WHERE clause of
// every query. What no table grants is refused.
package gate

import (
	"context"
	"embed"
	"slices"
	"strings"

	"noroshi/internal/base/fault"
)

// Words are the sentences of refusals.
//
//go:embed text
var Words embed.FS

// Faults of the gate.
var (
	ErrSignIn = fault.New(fault.Unauthenticated, "gate.sign_in")
	ErrRole   = fault.New(fault.Refused, "gate.role")
	ErrScope  = fault.New(fault.Refused, "gate.scope")
)

// Role is what a person is to their organisation.
type Role string

// The roles. A person may have several.
const (
	OperatorViewer   Role = "operator.viewer"
	OperatorReporter Role = "operator.reporter"
	OperatorAdmin    Role = "operator.admin"
	Maintainer       Role = "contractor.maintainer"
	MinistryClerk    Role = "ministry.clerk"
	MinistrySuper    Role = "ministry.supervisor"
	OfficeClerk      Role = "office.clerk"
	OfficeAnalyst    Role = "office.analyst"
	PoliceOfficer    Role = "police.officer"
	PrivacyClerk     Role = "privacy.clerk"
	JPCERTClerk      Role = "jpcert.clerk"
	CommissionMember Role = "commission.member"
	Examiner         Role = "commission.examiner"  // of its secretariat: examines what was asked, decides nothing
	Inspector        Role = "commission.inspector" // inspects what was done, never what was selected
	OfficeHandler    Role = "office.handler"       // designated to handle acquired communications information
	CarrierClerk     Role = "carrier.clerk"
	MakerContact     Role = "maker.contact"
	SupplierContact  Role = "supplier.contact"
	PoliceCommand    Role = "police.command"   // directs access and neutralisation, and asks for it
	PoliceExecutive  Role = "police.executive" // designated to carry it out (サイバー危害防止措置執行官)
	PoliceSuperior   Role = "police.superior"  // above the command: signs an emergency that may not be declared without
	DefenceCommand   Role = "defence.command"  // the same of the Self-Defense Forces
	DefenceUnit      Role = "defence.unit"     // carries out, under order
	DefenceSuperior  Role = "defence.superior" // the same of the Self-Defense Forces as PoliceSuperior
	ForeignClerk     Role = "foreign.clerk"    // answers for the Foreign Minister
	SafetyMember     Role = "safety.member"    // of the National Public Safety Commission: requests or consents
	Minister         Role = "office.minister"  // records what the Prime Minister orders
	Actuator         Role = "network.actuator" // account of the process that tells an organisation's own equipment; no person
	HubAdmin         Role = "hub.admin"
)

// Roles lists every role, in the order of the flow of data.
var Roles = []Role{
	OperatorViewer, OperatorReporter, OperatorAdmin, Maintainer, MinistryClerk, MinistrySuper, OfficeClerk, OfficeAnalyst, OfficeHandler,
	PoliceOfficer, PoliceCommand, PoliceExecutive, PoliceSuperior, DefenceCommand, DefenceUnit, DefenceSuperior, ForeignClerk, SafetyMember, Minister, PrivacyClerk, JPCERTClerk, CommissionMember, Examiner, Inspector, CarrierClerk, Actuator, MakerContact, SupplierContact, HubAdmin,
}

// Reach is how far a verb goes: whose rows it may touch.
type Reach string

// The reaches, from nothing to everything.
const (
	None      Reach = ""          // refused
	Own       Reach = "own"       // rows of one's own organisation
	Operated  Reach = "operated"  // rows of others that one's organisation operates for them
	Supply    Reach = "supply"    // rows of organisations one supplies
	Addressed Reach = "addressed" // rows sent to one's organisation
	Sector    Reach = "sector"    // rows of the sectors one's organisation is competent for
	Record    Reach = "record"    // the record of all rows, never their content
	All       Reach = "all"       // everything
)

var width = []Reach{None, Own, Operated, Supply, Addressed, Sector, Record, All}

// Identity is who acts: a person, or a token of theirs, in an organisation.
type Identity struct {
	Person, Name string   // id and display name
	Org, OrgName string   // id and display name
	Kinds        []string // of the organisation: operator, ministry, …
	Roles        []Role
	Clearance    int      // 0 public … 3 important economic security information
	Sectors      []string // that the organisation belongs to or is competent for
	Session      string   // id of the session; empty for a token
	Token        string   // id of the API token; empty for a session
	Scopes       []string // a token's verbs: "incident.submit", "asset.*"; ignored for a session
	Lang         string   // the person's language
}

// Has reports whether the identity has the role.
func (id Identity) Has(r Role) bool { return slices.Contains(id.Roles, r) }

// Is reports whether the identity's organisation is of the kind.
func (id Identity) Is(kind string) bool { return slices.Contains(id.Kinds, kind) }

type contextKey struct{}

// With returns a context in which id acts.
func With(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, contextKey{}, id)
}

// From returns who acts; false when nobody is signed in.
func From(ctx context.Context) (Identity, bool) {
	id, ok := ctx.Value(contextKey{}).(Identity)
	return id, ok
}

// Table says for each verb which role reaches how far. A role that is not
// listed reaches nothing.
type Table map[string]map[Role]Reach

// Reach returns the widest reach that id's roles have for verb, None when
// none of them has any or a token's scopes leave the verb out. A verb no
// table knows is a defect, and panics.
func (t Table) Reach(id Identity, verb string) Reach {
	row, ok := t[verb]
	if !ok {
		panic("BUG: gate: no row for " + verb)
	}
	if id.Token != "" && !scoped(id.Scopes, verb) {
		return None
	}
	best := 0
	for _, r := range id.Roles {
		best = max(best, slices.Index(width, row[r]))
	}
	return width[best]
}

// Allow returns who acts and how far the verb reaches for them, or the fault
// that tells them why not.
func (t Table) Allow(ctx context.Context, verb string) (Identity, Reach, error) {
	id, ok := From(ctx)
	if !ok {
		return Identity{}, None, ErrSignIn
	}
	reach := t.Reach(id, verb)
	if reach != None {
		return id, reach, nil
	}
	if id.Token != "" && !scoped(id.Scopes, verb) {
		return id, None, fault.New(fault.Refused, ErrScope.Code, "verb", Verb(verb))
	}
	return id, None, fault.New(fault.Refused, ErrRole.Code, "verb", Verb(verb))
}

// Verb is a verb in a refusal: what it means in the sentence a person reads, and
// its own name for programs. The words are those of the key "gate.may." and the
// verb, and go on from "may not".
type Verb string

// WordsKey returns the key of the verb's words.
func (v Verb) WordsKey() string { return "gate.may." + string(v) }

// May reports whether the verb is open to who acts; for showing or leaving
// out a link, never instead of Allow.
func (t Table) May(ctx context.Context, verb string) bool {
	_, _, err := t.Allow(ctx, verb)
	return err == nil
}

// scoped reports whether one of the scopes covers the verb: itself, or
// "noun.*".
func scoped(scopes []string, verb string) bool {
	noun, _, _ := strings.Cut(verb, ".")
	return slices.Contains(scopes, verb) || slices.Contains(scopes, noun+".*")
}
