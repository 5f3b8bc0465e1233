package incident

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"noroshi/internal/base/text"
)

//go:embed data/profiles
var profileData embed.FS

// Status says whether a regime is law.
type Status string

// The statuses. Only a regime in force is ever offered for submission.
const (
	InForce  Status = "in_force"
	Proposed Status = "proposed" // a draft rule, or a wish
	Bill     Status = "bill"     // before a parliament
)

// Statuses lists the statuses.
var Statuses = []Status{InForce, Proposed, Bill}

// Role says what sort of body a recipient is, so that a hub finds the
// organisation for it.
type Role string

// The roles.
const (
	RoleMinistry  Role = "ministry"  // competent minister of the operator's sector
	RoleOffice    Role = "office"    // Prime Minister; desk: National Cybersecurity Office
	RolePolice    Role = "police"    // prefectural police
	RolePrivacy   Role = "privacy"   // Personal Information Protection Commission
	RoleJPCERT    Role = "jpcert"    // JPCERT/CC
	RoleFinance   Role = "finance"   // financial supervisor
	RoleTelecom   Role = "telecom"   // telecommunications authority
	RoleForeign   Role = "foreign"   // an authority abroad
	RoleCustomers Role = "customers" // the operator's own customers
	RoleOwn       Role = "own"       // stays with the operator
)

// Roles lists the roles.
var Roles = []Role{RoleMinistry, RoleOffice, RolePolice, RolePrivacy, RoleJPCERT, RoleFinance, RoleTelecom, RoleForeign, RoleCustomers, RoleOwn}

// Recipient is one body that gets a form.
type Recipient struct {
	Role    Role      `toml:"role" json:"role"`
	Name    text.Both `toml:"name" json:"name"`
	Desk    text.Both `toml:"desk" json:"desk,omitzero"`
	Consent string    `toml:"consent" json:"consent,omitempty"` // without it this body gets nothing
}

// Deadline is one clock of a stage. Of several, the earliest counts.
type Deadline struct {
	Start StartKind `toml:"start"`
	Duration
	House    *Duration `toml:"house"`    // with promptly only: our own target
	Verified *bool     `toml:"verified"` // when other than the profile's
	Source   text.Both `toml:"source"`   // when other than the profile's
}

func (d *Deadline) verified(p *Profile) bool {
	if d.Verified != nil {
		return *d.Verified
	}
	return p.Verified
}

func (d *Deadline) source(p *Profile) text.Both {
	if !d.Source.Empty() {
		return d.Source
	}
	return p.Source
}

// ProfileStage is one report a regime wants of an incident.
type ProfileStage struct {
	ID           string        `toml:"id"`
	Report       Stage         `toml:"report"` // which of our reports answers it
	Name         text.Both     `toml:"name"`
	Deadlines    []Deadline    `toml:"deadlines"`
	Required     []FieldID     `toml:"required"` // those not asked of the report's kind are left out
	RequiredWhen []Requirement `toml:"required_when"`
	DoneField    FieldID       `toml:"done_field"` // an instant: when the stage was done outside the hub
}

// Requirement is a set of fields wanted only in some reports.
type Requirement struct {
	When   []Condition `toml:"when"`
	Fields []FieldID   `toml:"fields"`
}

// LayoutRow is a row of a form that is composed of several answers:
// "{operator.name}（{operator.corporate_number}）".
type LayoutRow struct {
	Label text.Both `toml:"label"`
	Text  string    `toml:"text"`
}

// LayoutSection is a part of a form: composed rows, then fields, then all
// fields of the groups.
type LayoutSection struct {
	Title  text.Both   `toml:"title"`
	Rows   []LayoutRow `toml:"rows"`
	Fields []FieldID   `toml:"fields"`
	Groups []string    `toml:"groups"`
}

// Official is the authority's own workbook and where the answers go in it.
type Official struct {
	File  string    `toml:"file"` // beside the profile
	Name  text.Both `toml:"name"`
	Cells []CellMap `toml:"cells"`
}

// CellMap is one cell of an official workbook.
type CellMap struct {
	Sheet string  `toml:"sheet"`
	Cell  string  `toml:"cell"`  // "C7"
	Field FieldID `toml:"field"` // either a field
	Text  string  `toml:"text"`  // or a composed text
}

// Profile is one duty or path of reporting, as its data file describes it.
type Profile struct {
	ID            string          `toml:"id"`
	Order         int             `toml:"order"`   // place in lists
	Country       string          `toml:"country"` // ISO 3166-1 alpha-2, or EU
	Name          text.Both       `toml:"name"`
	Basis         text.Both       `toml:"basis"` // legal basis
	Status        Status          `toml:"status"`
	EffectiveFrom string          `toml:"effective_from"` // day in the zone; empty when long in force or unknown
	Zone          string          `toml:"zone"`           // IANA name
	Voluntary     bool            `toml:"voluntary"`
	Disabled      bool            `toml:"disabled"`
	Verified      bool            `toml:"verified"` // the durations were found in a source
	Source        text.Both       `toml:"source"`   // articles and documents a reader can look up
	Note          text.Both       `toml:"note"`     // what a reader must know
	Consent       string          `toml:"consent"`  // without it the form goes to nobody
	Kinds         []Kind          `toml:"kinds"`    // empty means every kind
	Applies       []Condition     `toml:"applies"`  // all must hold
	Recipients    []Recipient     `toml:"recipients"`
	Stages        []ProfileStage  `toml:"stages"`
	Layout        []LayoutSection `toml:"layout"`
	Official      *Official       `toml:"official"`

	zone      *time.Location
	effective time.Time // zero when EffectiveFrom is empty
	official  []byte    // the workbook
}

// Location returns the zone in which the regime counts days.
func (p *Profile) Location() *time.Location { return p.zone }

// InForce reports whether the regime is law at an instant.
func (p *Profile) InForce(at time.Time) bool {
	return p.Status == InForce && !at.Before(p.effective)
}

// OurLayout reports whether the form is laid out by us, for want of the
// authority's own file.
func (p *Profile) OurLayout() bool { return p.Official == nil }

// StageFor returns the stage a report of the given stage answers: the last
// one that is not later, or the first.
func (p *Profile) StageFor(s Stage) *ProfileStage {
	at := 0
	for i := range p.Stages {
		if slices.Index(Stages, p.Stages[i].Report) <= slices.Index(Stages, s) {
			at = i
		}
	}
	return &p.Stages[at]
}

// Profiles are all reporting profiles, in their order. They are read-only.
type Profiles struct {
	All []*Profile
}

// Get returns the profile, and whether there is one with that id.
func (ps *Profiles) Get(id string) (*Profile, bool) {
	i := slices.IndexFunc(ps.All, func(p *Profile) bool { return p.ID == id })
	if i < 0 {
		return nil, false
	}
	return ps.All[i], true
}

// IDs returns the ids in order.
func (ps *Profiles) IDs() []string {
	out := make([]string, len(ps.All))
	for i, p := range ps.All {
		out[i] = p.ID
	}
	return out
}

// Only returns the named profiles alone, with one fault for all unknown names.
func (ps *Profiles) Only(ids ...string) (*Profiles, error) {
	out := &Profiles{}
	for _, id := range ids {
		p, ok := ps.Get(id)
		if !ok {
			return nil, unknownProfile(id, ps)
		}
		out.All = append(out.All, p)
	}
	return out, nil
}

// Builtin returns the profiles that come with the program.
func Builtin() *Profiles { return builtin() }

var builtin = sync.OnceValue(func() *Profiles {
	ps, err := LoadProfiles(nil)
	if err != nil {
		panic("BUG: embedded profiles: " + err.Error())
	}
	return ps
})

// LoadProfiles returns the profiles that come with the program and those of
// an extra folder, which may be nil. A profile of the folder replaces the one
// with the same id. An official workbook is read from beside its profile. The
// fault lists every problem of every file.
func LoadProfiles(extra fs.FS) (*Profiles, error) {
	own, err := fs.Sub(profileData, "data/profiles")
	if err != nil {
		return nil, err
	}
	l := &profileLoader{ids: map[string]string{}}
	l.folder(own)
	if extra != nil {
		l.ids = map[string]string{}
		l.folder(extra)
	}
	if l.problems != nil {
		return nil, badProfiles(l.problems)
	}
	slices.SortFunc(l.profiles, func(a, b *Profile) int {
		if a.Order != b.Order {
			return a.Order - b.Order
		}
		return strings.Compare(a.ID, b.ID)
	})
	return &Profiles{All: l.profiles}, nil
}
