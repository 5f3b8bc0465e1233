package measure

import "slices"

// StepKind is a kind of step of a plan.
type StepKind string

// The kinds.
const (
	AskAdministrator StepKind = "order_administrator"
	AskProvider      StepKind = "request_provider"
	AskForeign       StepKind = "request_foreign"
	AskTakedown      StepKind = "request_takedown"
	OwnSinkhole      StepKind = "own_sinkhole"
	OwnBlock         StepKind = "own_block"
	AccessCheck      StepKind = "access_check"
	StopFunction     StepKind = "stop_function"
	RemoveProgram    StepKind = "remove_program"
	ChangeSecret     StepKind = "change_credentials"
)

// Mode is by which way a step reaches anything.
type Mode string

// The modes. Nothing in this program reaches another's machine: what officers do
// there they do with other means, and it is on record here.
const (
	Asks   Mode = "ask"    // somebody else is asked or ordered
	Own    Mode = "own"    // one's own resolver, one's own network
	Record Mode = "record" // carried out elsewhere, recorded here
)

// Catalogue is one row of the catalogue of steps: its sentence is
// "measure.step." and its kind.
type Catalogue struct {
	Kind    StepKind `json:"kind"`
	Mode    Mode     `json:"mode"`
	Undo    bool     `json:"undo"`    // a way back has to be written down
	Expires bool     `json:"expires"` // it has to end by itself
}

// Steps is the whole catalogue: a plan has steps of these kinds and no others.
var Steps = []Catalogue{
	{AskAdministrator, Asks, false, false},
	{AskProvider, Asks, false, false},
	{AskForeign, Asks, false, false},
	{AskTakedown, Asks, false, false},
	{OwnSinkhole, Own, true, true},
	{OwnBlock, Own, true, true},
	{AccessCheck, Record, false, false},
	{StopFunction, Record, true, false},
	{RemoveProgram, Record, true, false},
	{ChangeSecret, Record, true, false},
}

// catalogued finds a kind in the catalogue.
func catalogued(k StepKind) (Catalogue, bool) {
	i := slices.IndexFunc(Steps, func(c Catalogue) bool { return c.Kind == k })
	if i < 0 {
		return Catalogue{}, false
	}
	return Steps[i], true
}
