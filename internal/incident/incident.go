package incident

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/google/uuid"
)

// Format is the version of the report's JSON form. A reader refuses others.
const Format = 1

// ID names a report through all its versions: a UUIDv7.
type ID = string

// NewID returns a fresh id.
func NewID() ID { return uuid.Must(uuid.NewV7()).String() }

// Kind says which event is reported, and so which common form goes with it
// (Notice 2 of 2026: DDoS form 1, ransomware form 2, other form 3).
type Kind string

// The kinds. A cause is a prescribed causing event: nothing is known to be
// compromised yet, and it is reportable all the same (Act 42 art 5).
const (
	Ransomware Kind = "ransomware"
	DDoS       Kind = "ddos"
	Other      Kind = "other"
	Cause      Kind = "cause"
)

// Kinds lists the kinds in the order they are offered.
var Kinds = []Kind{Ransomware, DDoS, Other, Cause}

// Stage is which report of an incident this is: 速報, 続報 or 最終報.
type Stage string

// The stages.
const (
	First    Stage = "first"
	Followup Stage = "followup"
	Final    Stage = "final"
)

// Stages lists the stages in their order.
var Stages = []Stage{First, Followup, Final}

// Severity is the reporter's decision, not a computed score: 即応, 優先, 注視, 通常.
type Severity string

// The severities, most urgent first.
const (
	Act    Severity = "act"
	Attend Severity = "attend"
	Watch  Severity = "watch"
	Track  Severity = "track"
)

// Severities lists the severities, most urgent first.
var Severities = []Severity{Act, Attend, Watch, Track}

// TLP is a label of the Traffic Light Protocol 2.0, without the prefix "TLP:".
type TLP string

// The labels, narrowest first.
const (
	Red         TLP = "RED"
	AmberStrict TLP = "AMBER+STRICT"
	Amber       TLP = "AMBER"
	Green       TLP = "GREEN"
	Clear       TLP = "CLEAR"
)

// TLPs lists the labels, narrowest first.
var TLPs = []TLP{Red, AmberStrict, Amber, Green, Clear}

// Label returns the label as the standard writes it: TLP:AMBER+STRICT.
func (t TLP) Label() string { return "TLP:" + string(t) }

// FieldID names a question of the dictionary: "event.recognised_at".
type FieldID string

// ValueState says how much is known of an answer.
type ValueState string

// The states. Redacted occurs only in a copy made by Redact.
const (
	Known         ValueState = "known"
	Range         ValueState = "range"
	Unknown       ValueState = "unknown"
	Investigating ValueState = "investigating"
	Redacted      ValueState = "redacted"
)

// Row is one record of a table, or one contact: column id to normalised text.
// Columns not filled in are absent.
type Row = map[string]string

// Value is the answer to one question. What V holds follows the field's type:
//
//	text longtext choice     string
//	instant                  string, RFC 3339 with the offset it was told in
//	date                     string, "2006-01-02"
//	money                    string, "5000000 JPY": decimal amount, blank, ISO 4217 code or crypto unit
//	integer                  int64
//	number                   float64
//	bool                     bool
//	choices list             []string
//	record                   Row
//	table                    []Row
//
// Min and Max are of the same Go type and are set only in a range, where one
// of the two may be nil: "at least", "at most".
type Value struct {
	State ValueState
	V     any
	Min   any
	Max   any
}

// KnownValue returns a known value.
func KnownValue(v any) Value { return Value{State: Known, V: v} }

// RangeValue returns a range; one end may be nil.
func RangeValue(low, high any) Value { return Value{State: Range, Min: low, Max: high} }

// Text returns a known textual answer, and whether it is one.
func (v Value) Text() (string, bool) {
	s, ok := v.V.(string)
	return s, ok && v.State == Known
}

// Bool returns a known yes or no, and whether it is one.
func (v Value) Bool() (yes, known bool) {
	b, ok := v.V.(bool)
	return b, ok && v.State == Known
}

// Answered reports whether the question has any answer at all, be it
// "unknown". The zero Value has none.
func (v Value) Answered() bool { return v.State != "" }

// MarshalJSON writes a known value plainly and the others as one object:
// {"min":1,"max":9}, {"unknown":true}, {"investigating":true}, {"redacted":true}.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.State {
	case Known:
		return plainJSON(v.V)
	case Range:
		m := map[string]any{}
		if v.Min != nil {
			m["min"] = v.Min
		}
		if v.Max != nil {
			m["max"] = v.Max
		}
		return plainJSON(m)
	case "":
		return []byte("null"), nil
	}
	return json.Marshal(map[ValueState]bool{v.State: true})
}

// plainJSON writes JSON without HTML's escapes: a report is read by people too.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// Report is one version of a report: everything the operator says, once.
type Report struct {
	Format   int               `json:"format"`             // always Format
	ID       ID                `json:"id,omitempty"`       // empty until a hub has accepted it
	Kind     Kind              `json:"kind"`               // decides the common form
	Stage    Stage             `json:"stage"`              // 速報, 続報, 最終報
	Version  int               `json:"version"`            // 1 for the first report, rising by one
	Class    string            `json:"class,omitempty"`    // RSIT, "malicious-code" or "malicious-code/infected-system"; see Classes
	Severity Severity          `json:"severity,omitempty"` // empty while undecided
	TLP      TLP               `json:"tlp"`                // exactly one
	Consents map[string]bool   `json:"consents,omitempty"` // ids of Dictionary().Consents; absent means not given
	Values   map[FieldID]Value `json:"values"`
}

// stored returns the report's JSON, as it is sealed. It is what encoding the
// report gives, without an encoder's turn for each of its answers.
func (r *Report) stored() ([]byte, error) {
	type plain Report // without methods
	values := make(map[FieldID]any, len(r.Values))
	for id, v := range r.Values {
		if values[id] = v.V; v.State != Known {
			values[id] = v
		}
	}
	return json.Marshal(struct {
		*plain
		Values map[FieldID]any `json:"values"`
	}{(*plain)(r), values})
}

// NewReport returns an empty first report. TLP:AMBER until the reporter
// chooses: wide enough for the recipients to act, no wider.
func NewReport(k Kind) *Report {
	return &Report{Format: Format, Kind: k, Stage: First, Version: 1, TLP: Amber, Consents: map[string]bool{}, Values: map[FieldID]Value{}}
}

// UnmarshalJSON is DecodeReport, so that no way in is less strict.
func (r *Report) UnmarshalJSON(raw []byte) error {
	d, err := DecodeReport(raw)
	if err != nil {
		return err
	}
	*r = *d
	return nil
}

// Consent reports whether the reporter agreed. What was never asked is no.
func (r *Report) Consent(id string) bool { return r.Consents[id] }

// Value returns the answer to a question; the zero Value when there is none.
func (r *Report) Value(id FieldID) Value { return r.Values[id] }

// Fields returns the ids of all questions answered in the report, in order.
func (r *Report) Fields() []FieldID { return slices.Sorted(maps.Keys(r.Values)) }

// Clone returns a copy that shares nothing with the report.
func (r *Report) Clone() *Report {
	c := *r
	c.Consents, c.Values = maps.Clone(r.Consents), make(map[FieldID]Value, len(r.Values))
	for id, v := range r.Values {
		c.Values[id] = v.clone()
	}
	return &c
}

// clone copies what is mutable in a value: lists, records and tables.
func (v Value) clone() Value {
	switch x := v.V.(type) {
	case []string:
		v.V = slices.Clone(x)
	case Row:
		v.V = maps.Clone(x)
	case []Row:
		rows := make([]Row, len(x))
		for i, r := range x {
			rows[i] = maps.Clone(r)
		}
		v.V = rows
	}
	return v
}

// Next returns a draft of the following version, with every answer carried
// over so that nothing is typed twice.
func (r *Report) Next(s Stage) *Report {
	c := r.Clone()
	c.Stage, c.Version = s, r.Version+1
	return c
}
