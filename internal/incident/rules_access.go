package incident

import (
	_ "embed"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

// Access says who may do what with reports. A recipient reaches what was
// addressed to its organisation and nothing else; the commission reaches the
// record of everything and the content of nothing.
var Access = gate.Table{
	"incident.draft":       operators(gate.OperatorReporter, gate.OperatorAdmin),
	"incident.submit":      operators(gate.OperatorReporter, gate.OperatorAdmin),
	"incident.withdraw":    operators(gate.OperatorReporter, gate.OperatorAdmin),
	"incident.attach":      operators(gate.OperatorReporter, gate.OperatorAdmin),
	"incident.answer":      operators(gate.OperatorReporter, gate.OperatorAdmin),
	"incident.hold":        operators(gate.OperatorAdmin),
	"incident.list":        readers(),
	"incident.open":        readers(),
	"incident.acknowledge": recipients(),
	"incident.ask":         recipients(),
	"incident.feedback":    recipients(),
	"incident.delay":       {gate.PoliceOfficer: gate.Addressed, gate.OfficeClerk: gate.Addressed, gate.MinistrySuper: gate.Addressed},
	"incident.supervise":   {gate.MinistryClerk: gate.Addressed, gate.MinistrySuper: gate.Addressed},
	"incident.agree":       {gate.MinistrySuper: gate.Addressed},
	"incident.readings": {gate.OperatorViewer: gate.Own, gate.OperatorReporter: gate.Own, gate.OperatorAdmin: gate.Own,
		gate.CommissionMember: gate.Record},
	"incident.record": {gate.CommissionMember: gate.Record},
	"incident.purge":  {gate.HubAdmin: gate.All},
}

func operators(roles ...gate.Role) map[gate.Role]gate.Reach {
	row := map[gate.Role]gate.Reach{}
	for _, r := range roles {
		row[r] = gate.Own
	}
	return row
}

func recipients() map[gate.Role]gate.Reach {
	row := map[gate.Role]gate.Reach{}
	for _, r := range []gate.Role{gate.MinistryClerk, gate.MinistrySuper, gate.OfficeClerk, gate.PoliceOfficer, gate.PrivacyClerk, gate.JPCERTClerk} {
		row[r] = gate.Addressed
	}
	return row
}

func readers() map[gate.Role]gate.Reach {
	row := recipients()
	for _, r := range []gate.Role{gate.OperatorViewer, gate.OperatorReporter, gate.OperatorAdmin} {
		row[r] = gate.Own
	}
	return row
}

// PurposeKind says how a purpose opens a report.
type PurposeKind string

// The kinds of purposes.
const (
	Ordinary    PurposeKind = "ordinary"    // at once
	Supervision PurposeKind = "supervision" // after a second person agreed (arts 6, 10); the reporter is told
	Barred      PurposeKind = "refused"     // never; the attempt is recorded
)

// Purpose is why a recipient opens a report.
type Purpose struct {
	ID    string      `toml:"id" json:"id"`
	Kind  PurposeKind `toml:"kind" json:"kind"`
	Name  text.Both   `toml:"name" json:"name"`
	Basis text.Both   `toml:"basis" json:"basis"`
	Roles []string    `toml:"roles" json:"-"` // kinds of organisation
}

// Ground is why a reading may be shown to the reporter later.
type Ground struct {
	ID       string    `toml:"id" json:"id"`
	Name     text.Both `toml:"name" json:"name"`
	MaxDays  int       `toml:"max_days" json:"max_days"`
	Verified bool      `toml:"verified" json:"verified"`
}

// Handling is the data of purposes, grounds and retention.
type Handling struct {
	Purposes  []Purpose `toml:"purpose"`
	Grounds   []Ground  `toml:"ground"`
	Retention struct {
		Days     int    `toml:"days"`
		Verified bool   `toml:"verified"`
		Source   string `toml:"source"`
	} `toml:"retention"`
	Supervision struct {
		Days     int  `toml:"days"`
		Verified bool `toml:"verified"`
	} `toml:"supervision"`
}

//go:embed data/purposes.toml
var purposeData string

var handling = sync.OnceValue(func() *Handling {
	h, err := parseHandling(purposeData)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return h
})

// Rules returns the built-in purposes, grounds and periods.
func Rules() *Handling { return handling() }

func parseHandling(raw string) (*Handling, error) {
	var h Handling
	meta, err := toml.Decode(raw, &h)
	if err != nil {
		return nil, fmt.Errorf("purposes: %w", err)
	}
	if u := meta.Undecoded(); len(u) > 0 {
		return nil, fmt.Errorf("purposes: unknown key %s", u[0])
	}
	if h.Retention.Days <= 0 || h.Supervision.Days <= 0 {
		return nil, fmt.Errorf("purposes: retention and supervision need days")
	}
	for _, p := range h.Purposes {
		if p.ID == "" || p.Name.Empty() || p.Basis.Empty() || len(p.Roles) == 0 || !slices.Contains([]PurposeKind{Ordinary, Supervision, Barred}, p.Kind) {
			return nil, fmt.Errorf("purposes: %q is not complete", p.ID)
		}
		for _, r := range p.Roles {
			if !slices.Contains(org.Kinds, org.Kind(r)) {
				return nil, fmt.Errorf("purposes: %s: no kind of organisation is called %q", p.ID, r)
			}
		}
	}
	for _, g := range h.Grounds {
		if g.ID == "" || g.Name.Empty() || g.MaxDays <= 0 {
			return nil, fmt.Errorf("purposes: ground %q is not complete", g.ID)
		}
	}
	return &h, nil
}

// For lists the purposes that an organisation of the kinds can name, those
// that are refused among them.
func (h *Handling) For(kinds []string) (out []Purpose) {
	for _, p := range h.Purposes {
		if slices.ContainsFunc(p.Roles, func(r string) bool { return slices.Contains(kinds, r) }) {
			out = append(out, p)
		}
	}
	return out
}

// Purpose returns the purpose for an organisation of the kinds, or the fault
// that says why a report does not open for it.
func (h *Handling) Purpose(id string, kinds []string) (Purpose, error) {
	if id == "" {
		return Purpose{}, ErrPurpose
	}
	for _, p := range h.For(kinds) {
		if p.ID != id {
			continue
		}
		if p.Kind == Barred {
			return p, ErrBarred
		}
		return p, nil
	}
	return Purpose{}, ErrPurposeUnknown
}

// Ground returns the ground with the id; false when there is none.
func (h *Handling) Ground(id string) (Ground, bool) {
	i := slices.IndexFunc(h.Grounds, func(g Ground) bool { return g.ID == id })
	if i < 0 {
		return Ground{}, false
	}
	return h.Grounds[i], true
}

// RetainUntil returns when the content of a case that changed at an instant
// is due to be destroyed.
func (h *Handling) RetainUntil(changed time.Time) time.Time {
	return changed.AddDate(0, 0, h.Retention.Days)
}

// Faults of reports on the hub.
var (
	ErrNone           = fault.New(fault.NotFound, "incident.none")             // no such report, or not theirs to know
	ErrPurpose        = fault.New(fault.Invalid, "incident.purpose_missing")   // UI.md, error 10
	ErrPurposeUnknown = fault.New(fault.Refused, "incident.purpose_unknown")   // not one this organisation may name
	ErrBarred         = fault.New(fault.Refused, "incident.purpose_barred")    // UI.md, error 11
	ErrSupervision    = fault.New(fault.Refused, "incident.supervision_needs") // a second person has to agree first
	ErrSamePerson     = fault.New(fault.Refused, "incident.same_person")       // asker and approver
	ErrIncomplete     = fault.New(fault.Unmet, "incident.incomplete")          // something is missing
	ErrClosed         = fault.New(fault.Conflict, "incident.closed")           // withdrawn, or final report in
	ErrStage          = fault.New(fault.Conflict, "incident.wrong_stage")      // a first report twice, a follow-up first
	ErrRevision       = fault.New(fault.Conflict, "incident.revision")         // the draft changed meanwhile
	ErrFuture         = fault.New(fault.Invalid, "incident.future")            // UI.md, error 1
	ErrHeld           = fault.New(fault.Conflict, "incident.held")             // under legal hold
	ErrGround         = fault.New(fault.Invalid, "incident.ground")            // no such ground, or too long
	ErrNobody         = fault.New(fault.Unmet, "incident.nobody")              // no recipient on this hub
	ErrPurged         = fault.New(fault.NotFound, "incident.purged")           // destroyed by schedule
)
