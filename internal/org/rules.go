package org

import (
	"slices"
	"time"

	"noroshi/internal/base/gate"
)

// Access is who may do what here, and how far. What is not listed is refused.
//
// Own means: one's own organisation, the public bodies, and those with a
// confirmed tie to it. Sector: besides, the operators of one's sectors.
// Record: that an organisation is there, what it is and since when, without
// contacts, people or ties.
var Access = gate.Table{
	"org.list": everyone(gate.Own, seeing),
	"org.read": everyone(gate.Own, seeing),
	"org.ties": everyone(gate.Own, hubAll),

	"org.register": {gate.HubAdmin: gate.All},
	"org.change":   {gate.HubAdmin: gate.All},
	"org.contact":  {gate.OperatorAdmin: gate.Own, gate.HubAdmin: gate.All},
	"org.tie":      {gate.OperatorAdmin: gate.Own, gate.HubAdmin: gate.All},
	"org.settle": { // answer a tie that another declared
		gate.OperatorAdmin: gate.Addressed, gate.Maintainer: gate.Addressed,
		gate.SupplierContact: gate.Addressed, gate.MakerContact: gate.Addressed, gate.HubAdmin: gate.All,
	},
	"org.untie": { // end a tie, from either side
		gate.OperatorAdmin: gate.Own, gate.Maintainer: gate.Own,
		gate.SupplierContact: gate.Own, gate.MakerContact: gate.Own, gate.HubAdmin: gate.All,
	},

	"person.list":    everyone(gate.Own, hubAll),
	"person.read":    everyone(gate.Own, hubAll),
	"person.invite":  {gate.OperatorAdmin: gate.Own, gate.HubAdmin: gate.All},
	"person.change":  {gate.OperatorAdmin: gate.Own, gate.HubAdmin: gate.All},
	"person.suspend": {gate.OperatorAdmin: gate.Own, gate.HubAdmin: gate.All},
	"person.resume":  {gate.OperatorAdmin: gate.Own, gate.HubAdmin: gate.All},
	"person.recover": {gate.OperatorAdmin: gate.Own, gate.HubAdmin: gate.All},

	"me.change":    everyone(gate.Own, nil),
	"session.read": everyone(gate.Own, hubAll),
	"session.end":  everyone(gate.Own, hubAll),
	"token.read":   everyone(gate.Own, hubAll),
	"token.issue":  everyone(gate.Own, nil),
	"token.revoke": everyone(gate.Own, hubAll),
}

// seeing and hubAll are what some roles have in place of Own.
var (
	seeing = map[gate.Role]gate.Reach{
		gate.MinistryClerk: gate.Sector, gate.MinistrySuper: gate.Sector, gate.CommissionMember: gate.Record, gate.HubAdmin: gate.All,
	}
	hubAll = map[gate.Role]gate.Reach{gate.HubAdmin: gate.All}
)

// everyone grants every role a reach, and some of them the one given instead.
func everyone(reach gate.Reach, but map[gate.Role]gate.Reach) map[gate.Role]gate.Reach {
	row := map[gate.Role]gate.Reach{}
	for _, r := range gate.Roles {
		row[r] = reach
	}
	for r, wider := range but {
		row[r] = wider
	}
	return row
}

// sessionOnly are the verbs that an API token never carries, whatever its
// scopes: what makes or widens access needs a person who signed in.
var sessionOnly = []string{"person.invite", "person.change", "person.suspend", "person.resume", "person.recover", "me.change", "token.issue", "session.end"}

// fitting says which kinds of organisation have people of a role.
var fitting = map[gate.Role][]Kind{
	gate.OperatorViewer: {Operator, Carrier}, gate.OperatorReporter: {Operator, Carrier}, gate.OperatorAdmin: {Operator, Carrier},
	gate.Maintainer:    {Contractor},
	gate.MinistryClerk: {Ministry}, gate.MinistrySuper: {Ministry},
	gate.OfficeClerk: {Office}, gate.OfficeAnalyst: {Office}, gate.OfficeHandler: {Office},
	gate.PoliceOfficer: {Police, Prefecture}, gate.PrivacyClerk: {Privacy}, gate.JPCERTClerk: {JPCERT}, gate.CommissionMember: {Commission},
	gate.Examiner: {Commission}, gate.Inspector: {Commission}, gate.CarrierClerk: {Carrier},
	gate.PoliceCommand: {Police, Prefecture}, gate.PoliceExecutive: {Police, Prefecture}, gate.PoliceSuperior: {Police, Prefecture},
	gate.DefenceCommand: {Defence}, gate.DefenceUnit: {Defence}, gate.DefenceSuperior: {Defence},
	gate.ForeignClerk: {Foreign}, gate.SafetyMember: {Safety}, gate.Minister: {Office},
	gate.Actuator:     {Operator, Carrier, Office, Police, Defence},
	gate.MakerContact: {Maker}, gate.SupplierContact: {Supplier}, gate.HubAdmin: {Hub},
}

// fits reports whether an organisation of the kinds may have people of the role.
func fits(r gate.Role, kinds []Kind) bool {
	return slices.ContainsFunc(fitting[r], func(k Kind) bool { return slices.Contains(kinds, k) })
}

// RolesFor returns the roles that people of an organisation of the kinds may have.
func RolesFor(kinds []Kind) (roles []gate.Role) {
	for _, r := range gate.Roles {
		if fits(r, kinds) {
			roles = append(roles, r)
		}
	}
	return roles
}

// conflicting are roles one person never has together: who examines and
// oversees is not who asks, and who runs the hub reads nothing in it.
var conflicting = [][2]gate.Role{
	{gate.CommissionMember, gate.OfficeAnalyst}, {gate.CommissionMember, gate.PoliceOfficer}, {gate.CommissionMember, gate.HubAdmin},
	{gate.MinistryClerk, gate.MinistrySuper},                                            // supervision (arts 6, 10) needs a second person
	{gate.OfficeClerk, gate.OfficeHandler},                                              // who asks for an approval does not carry it out
	{gate.PoliceCommand, gate.PoliceExecutive}, {gate.DefenceCommand, gate.DefenceUnit}, // who asks does not act
	{gate.PoliceCommand, gate.PoliceSuperior}, {gate.PoliceExecutive, gate.PoliceSuperior}, {gate.DefenceCommand, gate.DefenceSuperior}, {gate.DefenceUnit, gate.DefenceSuperior}, // nobody is their own superior
	{gate.CommissionMember, gate.PoliceCommand}, {gate.CommissionMember, gate.PoliceExecutive}, {gate.CommissionMember, gate.PoliceSuperior},
	{gate.CommissionMember, gate.Examiner}, {gate.CommissionMember, gate.Inspector}, {gate.Examiner, gate.Inspector},
	{gate.Actuator, gate.OperatorReporter}, {gate.Actuator, gate.OperatorAdmin}, {gate.Actuator, gate.CarrierClerk}, {gate.Actuator, gate.OfficeClerk}, {gate.Actuator, gate.PoliceCommand}, {gate.Actuator, gate.DefenceCommand}, {gate.Actuator, gate.PoliceExecutive}, {gate.Actuator, gate.DefenceUnit}, // a machine neither asks nor decides
}

// Purpose is what a link is for.
type Purpose string

// The purposes of links and of the short-lived codes between two steps.
const (
	Invitation Purpose = "invite"   // choose a password, enrol a device
	Recovery   Purpose = "recover"  // choose a new password; the enrolled device is still needed
	ReEnrol    Purpose = "re_enrol" // choose both anew; issued after somebody checked who it is
	CodeStep   Purpose = "code"     // the password was right, the code is still to come
	Demo       Purpose = "demo"     // sign in once; only where the options allow it
)

// lifetimes of links. NIST SP 800-63B-4 section 3.1.3.1 lets codes by mail live
// 24 hours; an invitation waits over a long weekend because nobody can sign in
// with it who lacks the mailbox, and it is used once.
var lifetimes = map[Purpose]time.Duration{
	Invitation: 7 * 24 * time.Hour,
	Recovery:   time.Hour,
	ReEnrol:    24 * time.Hour,
	CodeStep:   5 * time.Minute,
	Demo:       12 * time.Hour,
}

// Sessions: 12 hours covers a night shift; an hour without a request ends one
// (NIST SP 800-63B-4 section 2.2.3 for AAL2: at most 24 hours, and 1 hour idle).
const (
	sessionLife = 12 * time.Hour
	sessionIdle = time.Hour
	maxSessions = 20 // of one person; the oldest ends when one more opens
	seenEvery   = time.Minute
)

// API tokens.
const (
	tokenLife    = 90 * 24 * time.Hour // when none is asked for
	maxTokenLife = 366 * 24 * time.Hour
	maxTokens    = 50 // of one person
	maxScopes    = 50
)

// Wrong passwords and codes: the first few cost nothing, then each waits twice
// as long as the one before, up to a bound. It never locks for good, because
// that would let anybody lock anybody out.
const (
	freeTries     = 5
	firstWait     = 2 * time.Second
	longestWait   = 15 * time.Minute
	forgetTries   = time.Hour // after the wait is over
	maxCodeTries  = 3         // codes tried for one right password
	maxLinkTries  = 30        // of a link, whose holder also mistypes passwords
	recoveryCodes = 10
)

// wait returns how long to wait after n wrong tries in a row.
func wait(n int) time.Duration {
	if n < freeTries {
		return 0
	}
	if n-freeTries > 16 { // beyond the bound whatever the base
		return longestWait
	}
	return min(firstWait<<(n-freeTries), longestWait)
}

// maxTries returns how often a link may be tried before it is used up. For a
// recovery the code of the enrolled device could be guessed, so it has few.
func maxTries(p Purpose) int {
	switch p {
	case CodeStep:
		return maxCodeTries
	case Recovery:
		return 2 * maxCodeTries
	}
	return maxLinkTries
}

// grantable reports whether an actor may give roles and a clearance to a
// person: the hub's administrators may; an operator's administrator may give
// what fits the organisation, up to the clearance it grants by itself. The
// kinds are checked by Person.Normal.
func grantable(reach gate.Reach, before, after Person) error {
	if reach == gate.All {
		return nil
	}
	if after.Clearance > ownClearance && after.Clearance > before.Clearance {
		return ErrNotYours
	}
	return nil
}

// together returns the pair of roles that nobody may have at once, if any.
func together(roles []gate.Role) (pair [2]gate.Role, conflict bool) {
	for _, c := range conflicting {
		if slices.Contains(roles, c[0]) && slices.Contains(roles, c[1]) {
			return c, true
		}
	}
	return pair, false
}
