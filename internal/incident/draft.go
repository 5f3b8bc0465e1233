package incident

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"noroshi/internal/base/fault"
)

// Draft is a report being written. Its id becomes the case's at submission,
// so that a draft sent twice is one report.
type Draft struct {
	ID        ID                `json:"id"`
	Case      ID                `json:"case,omitempty"` // of the report it continues; empty for a first report
	Kind      Kind              `json:"kind"`
	Stage     Stage             `json:"stage"`
	Revision  int64             `json:"revision"` // rises with every save that changed something
	Person    string            `json:"-"`        // who saved last
	StartedAt time.Time         `json:"started_at"`
	UpdatedAt time.Time         `json:"updated_at"`
	Report    *Report           `json:"report"`          // as it would be sent: without answers that its kind does not ask
	Scope     map[string]string `json:"scope,omitempty"` // answers of the scope check, by the id of the question
	Clashes   []Clash           `json:"clashes"`
	Behind    bool              `json:"behind,omitempty"` // another version was handed in meanwhile; StartNext brings it up to date
}

// Clash is one thing that two people changed at the same time. Both values
// are kept until somebody chooses.
type Clash struct {
	At     string  `json:"at"`              // JSON pointer: "/values/event.title", "/severity"
	Field  FieldID `json:"field,omitempty"` // when it is an answer
	Kept   Side    `json:"kept"`            // what stands in the draft
	Other  Side    `json:"other"`           // what the other person wrote
	Choice string  `json:"choice"`          // names this clash to ResolveClash
}

// Side is one of the values of a clash, and who wrote it when.
type Side struct {
	Value   Value           `json:"-"` // of an answer
	JSON    json.RawMessage `json:"value"`
	Person  string          `json:"person"`
	At      time.Time       `json:"at"`
	Version int             `json:"version,omitempty"` // of the report it came from, when it is not from this draft
}

// Changes is what somebody changed in a draft. What is left out stays.
type Changes struct {
	Values   map[FieldID]Value // the zero Value takes an answer back
	Kind     *Kind
	Class    *string // empty takes it back, as with Severity
	Severity *Severity
	TLP      *TLP
	Consents map[string]bool
	Scope    map[string]string // an empty answer takes it back
}

// Limits of a draft.
const (
	maxDrafts = 200 // of one organisation at once
	maxTrail  = 32  // steps remembered of one field; what is older counts as changed
	maxScope  = 60  // answers of the scope check
	maxScoped = 200 // characters of one
)

// Faults of drafts.
var (
	ErrNoDraft    = fault.New(fault.NotFound, "incident.draft.none")
	ErrManyDrafts = fault.New(fault.Conflict, "incident.draft.many")
	ErrNoClash    = fault.New(fault.NotFound, "incident.draft.no_clash")
	ErrClashes    = fault.New(fault.Unmet, "incident.draft.clashes") // two people wrote different things
)

// draftBody is what is sealed of a draft.
type draftBody struct {
	Report  *Report
	Scope   map[string]string
	Trail   map[string][]step // by JSON pointer
	Clashes []otherSide
}

// step is one change of one field: enough to tell whether somebody else
// changed it since a revision, and what it was then, without keeping the text.
type step struct {
	Revision int64  `json:"r"`
	Person   string `json:"p,omitempty"`
	At       int64  `json:"t,omitempty"` // microseconds
	Sum      string `json:"s"`
}

// otherSide is the value of a clash that is not in the report.
type otherSide struct {
	At      string          `json:"at"`
	Person  string          `json:"p"`
	When    time.Time       `json:"t"`
	Version int             `json:"v,omitempty"`
	JSON    json.RawMessage `json:"j"`
}

// MarshalJSON writes the body for sealing.
func (b *draftBody) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"report": b.Report, "scope": b.Scope, "trail": b.Trail, "clashes": b.Clashes})
}

// UnmarshalJSON reads what MarshalJSON wrote. Answers that the dictionary of
// today does not know are left out: a draft outlives an update.
func (b *draftBody) UnmarshalJSON(raw []byte) error {
	var x struct {
		Report  json.RawMessage
		Scope   map[string]string
		Trail   map[string][]step
		Clashes []otherSide
	}
	if err := json.Unmarshal(raw, &x); err != nil {
		return err
	}
	root, _ := parseJSON(string(x.Report))
	if root == nil || root.kind != '{' {
		return fmt.Errorf("the draft's report is not an object")
	}
	*b = draftBody{(&decoder{}).report(root), x.Scope, x.Trail, x.Clashes}
	if b.Scope == nil {
		b.Scope = map[string]string{}
	}
	if b.Trail == nil {
		b.Trail = map[string][]step{}
	}
	return nil
}

// asked returns the report without answers that its kind does not ask. They
// stay in the draft: whoever chooses another kind and comes back has lost
// nothing.
func (b *draftBody) asked() *Report {
	r := b.Report.Clone()
	for id := range r.Values {
		if f, ok := Dictionary().Get(id); !ok || !f.For(r.Kind) {
			delete(r.Values, id)
		}
	}
	return r
}

// cells returns the changes by JSON pointer, each as JSON, or a fault that
// names every one that cannot be accepted; null takes back.
func (c Changes) cells() (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	var bad []fault.Place
	say := func(at, code string, pairs ...any) {
		bad = append(bad, fault.Place{At: at, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
	}
	put := func(at string, v any) {
		raw, err := plainJSON(v)
		if err != nil {
			say(at, "incident.value.type")
		}
		out[at] = raw
	}
	for id, v := range c.Values {
		at := pointer("/values", string(id))
		f, ok := Dictionary().Get(id)
		if !ok {
			say(at, "incident.key.unknown", "key", shorten(string(id)))
			continue
		}
		if v.Answered() {
			for _, p := range f.Judge(v) {
				p.At = at + p.At
				bad = append(bad, p)
			}
		}
		put(at, v)
	}
	if c.Kind != nil {
		if !slices.Contains(Kinds, *c.Kind) {
			say("/kind", "incident.report.one_of", "all", joined(Kinds))
		}
		put("/kind", *c.Kind)
	}
	if c.Class != nil {
		if _, ok := ClassOf(*c.Class); !ok && *c.Class != "" {
			say("/class", "incident.report.class", "class", shorten(*c.Class))
		}
		put("/class", *c.Class)
	}
	if c.Severity != nil {
		if *c.Severity != "" && !slices.Contains(Severities, *c.Severity) {
			say("/severity", "incident.report.one_of", "all", joined(Severities))
		}
		put("/severity", *c.Severity)
	}
	if c.TLP != nil {
		if !slices.Contains(TLPs, *c.TLP) {
			say("/tlp", "incident.report.one_of", "all", joined(TLPs))
		}
		put("/tlp", *c.TLP)
	}
	for id, yes := range c.Consents {
		at := pointer("/consents", id)
		if _, ok := Dictionary().Consent(id); !ok {
			say(at, "incident.key.unknown", "key", shorten(id))
		}
		put(at, yes)
	}
	for id, s := range c.Scope {
		at := pointer("/scope", id)
		switch {
		case len(c.Scope) > maxScope:
			say("/scope", "incident.value.many", "n", len(c.Scope), "max", maxScope)
		case id == "" || len(id) > 100 || strings.ContainsFunc(id, hidden):
			say(at, "incident.key.unknown", "key", shorten(id))
		case utf8.RuneCountInString(s) > maxScoped:
			say(at, "incident.value.long", "n", utf8.RuneCountInString(s), "max", maxScoped)
		case strings.ContainsFunc(s, hidden):
			say(at, "incident.value.control")
		}
		put(at, s)
	}
	if len(bad) > 0 {
		slices.SortFunc(bad, func(a, b fault.Place) int { return strings.Compare(a.At, b.At) })
		return nil, refuse(ErrInvalid, slices.CompactFunc(bad, func(a, b fault.Place) bool { return a.At == b.At && a.Code == b.Code }))
	}
	return out, nil
}

// get returns what stands at a pointer, as JSON.
func (b *draftBody) get(at string) json.RawMessage {
	var v any
	switch area, id := area(at); area {
	case "values":
		v = b.Report.Values[FieldID(id)]
	case "consents":
		v = b.Report.Consents[id]
	case "scope":
		v = b.Scope[id]
	case "kind":
		v = b.Report.Kind
	case "class":
		v = b.Report.Class
	case "severity":
		v = b.Report.Severity
	case "tlp":
		v = b.Report.TLP
	}
	raw, err := plainJSON(v)
	if err != nil {
		panic("BUG: draft: " + at + ": " + err.Error()) // it was JSON when it came in
	}
	return raw
}

// set puts JSON that cells made at a pointer.
func (b *draftBody) set(at string, raw json.RawMessage) {
	area, id := area(at)
	var s string
	_ = json.Unmarshal(raw, &s) // stays empty for what is no text
	switch area {
	case "values":
		if v := valueOf(FieldID(id), raw); v.Answered() {
			b.Report.Values[FieldID(id)] = v
		} else {
			delete(b.Report.Values, FieldID(id))
		}
	case "consents":
		b.Report.Consents[id] = string(raw) == "true"
	case "scope":
		if b.Scope[id] = s; s == "" {
			delete(b.Scope, id)
		}
	case "kind":
		b.Report.Kind = Kind(s)
	case "class":
		b.Report.Class = s
	case "severity":
		b.Report.Severity = Severity(s)
	case "tlp":
		b.Report.TLP = TLP(s)
	}
}

// area splits "/values/event.title"; the id is empty for "/severity".
func area(at string) (area, id string) {
	area, id, _ = strings.Cut(strings.TrimPrefix(at, "/"), "/")
	return area, strings.NewReplacer("~1", "/", "~0", "~").Replace(id)
}

// valueOf reads an answer that was written by Value's MarshalJSON; the zero
// Value for null and for what the dictionary does not know.
func valueOf(id FieldID, raw json.RawMessage) Value {
	f, ok := Dictionary().Get(id)
	root, _ := parseJSON(string(raw))
	if !ok || root == nil || root.kind == 'n' {
		return Value{}
	}
	v, ok := (&decoder{}).value(f, root, "")
	if !ok {
		return Value{}
	}
	return v
}

// DecodeValues reads answers by field as a report's JSON has them; null takes
// an answer back. It fails as DecodeReport does, with places below "/values".
func DecodeValues(in map[string]json.RawMessage) (map[FieldID]Value, error) {
	out := map[FieldID]Value{}
	var bad []fault.Place
	for _, key := range slices.Sorted(maps.Keys(in)) {
		ptr := pointer("/values", key)
		f, ok := Dictionary().Get(FieldID(key))
		if !ok {
			bad = append(bad, fault.Place{At: ptr, Code: "incident.key.unknown", Args: fault.Args{"key": shorten(key)}})
			continue
		}
		root, wrong := parseJSON(string(in[key]))
		if root != nil && root.kind == 'n' && len(wrong) == 0 {
			out[f.ID] = Value{}
			continue
		}
		d := &decoder{bad: wrong}
		if root != nil {
			out[f.ID], _ = d.value(f, root, ptr)
		}
		for _, p := range d.bad {
			if p.pointer == "" {
				p.pointer = ptr
			}
			bad = append(bad, fault.Place{At: p.pointer, Code: p.code, Args: p.args})
		}
	}
	if len(bad) > 0 {
		return nil, refuse(ErrUnparsable, bad)
	}
	return out, nil
}

func sumOf(raw json.RawMessage) string {
	s := sha256.Sum256(raw)
	return hex.EncodeToString(s[:8])
}

// author is who changes a draft: a person, or a version of the report that was
// handed in past it.
type author struct {
	person  string
	version int
}

// merge brings changes made from the base revision into the draft as revision
// next, and reports whether anything is different now. What nobody else
// changed since is taken; what somebody else changed, to another value, is a
// clash.
func (b *draftBody) merge(changes map[string]json.RawMessage, base, next int64, who author, now time.Time) (changed bool) {
	for _, at := range slices.Sorted(maps.Keys(changes)) {
		mine, stands := changes[at], b.get(at)
		same := bytes.Equal(mine, stands)
		// Whoever is one side of an open clash goes on writing on that side:
		// their later saves must not run over the other.
		if i := b.clash(at, who.person); i >= 0 && who.version == 0 {
			switch {
			case same:
				b.Clashes = slices.Delete(b.Clashes, i, i+1)
			case bytes.Equal(b.Clashes[i].JSON, mine):
				continue
			default:
				b.Clashes[i].JSON, b.Clashes[i].When = mine, now
			}
			changed = true
			continue
		}
		steps := b.Trail[at]
		if same || len(steps) > 0 && sumAt(steps, base) == sumOf(mine) {
			continue // as it stands, or as it was on the page they wrote from
		}
		changed = true
		if len(steps) > 0 {
			if last := steps[len(steps)-1]; last.Revision > base && (last.Person != who.person || who.version > 0) {
				b.Clashes = append(b.Clashes, otherSide{at, who.person, now, who.version, mine})
				continue
			}
		}
		b.change(at, mine, next, who.person, now)
	}
	return changed
}

// change sets a value and remembers the step.
func (b *draftBody) change(at string, raw json.RawMessage, next int64, person string, now time.Time) {
	steps := b.Trail[at]
	if len(steps) == 0 {
		steps = []step{{Sum: sumOf(b.get(at))}}
	}
	b.set(at, raw)
	steps = append(steps, step{next, person, now.UnixMicro(), sumOf(b.get(at))})
	if len(steps) > maxTrail {
		steps = slices.Clone(steps[len(steps)-maxTrail:])
	}
	b.Trail[at] = steps
}

// sumAt is the digest of what stood at a revision; empty when it is too long
// ago to know.
func sumAt(steps []step, revision int64) string {
	for i := len(steps) - 1; i >= 0; i-- {
		if steps[i].Revision <= revision {
			return steps[i].Sum
		}
	}
	return ""
}

func (b *draftBody) clash(at, person string) int {
	return slices.IndexFunc(b.Clashes, func(o otherSide) bool { return o.At == at && o.Person == person && o.Version == 0 })
}

// resolve settles a clash: with other the value that is not in the draft is
// taken, otherwise what stands stays. Of three people's values the ones not
// chosen go together.
func (b *draftBody) resolve(choice string, other bool, next int64, person string, now time.Time) bool {
	i := slices.IndexFunc(b.Clashes, func(o otherSide) bool { return o.choice() == choice })
	if i < 0 {
		return false
	}
	o := b.Clashes[i]
	raw := b.get(o.At)
	if other {
		raw = o.JSON
		b.Clashes = slices.DeleteFunc(b.Clashes, func(x otherSide) bool { return x.At == o.At })
	} else {
		b.Clashes = slices.Delete(b.Clashes, i, i+1)
	}
	b.change(o.At, raw, next, person, now) // also when it stays: the choice is newer than either page
	return true
}

func (o otherSide) choice() string {
	s := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d\x00%s", o.At, o.Person, o.Version, o.JSON))
	return hex.EncodeToString(s[:8])
}

// clashes lists what is to be chosen.
func (b *draftBody) clashes() []Clash {
	out := []Clash{}
	for _, o := range b.Clashes {
		c := Clash{At: o.At, Choice: o.choice(), Other: Side{JSON: o.JSON, Person: o.Person, At: o.When, Version: o.Version}, Kept: Side{JSON: b.get(o.At)}}
		if steps := b.Trail[o.At]; len(steps) > 0 {
			last := steps[len(steps)-1]
			c.Kept.Person, c.Kept.At = last.Person, time.UnixMicro(last.At).UTC()
		}
		if area, id := area(o.At); area == "values" {
			c.Field = FieldID(id)
			c.Kept.Value, c.Other.Value = b.Report.Values[c.Field], valueOf(c.Field, o.JSON)
		}
		out = append(out, c)
	}
	return out
}

// differences are the changes that lead from one report to another.
func differences(from, to *Report) map[string]json.RawMessage {
	a, b := &draftBody{Report: from}, &draftBody{Report: to}
	at := map[string]bool{"/kind": true, "/class": true, "/severity": true, "/tlp": true}
	for _, r := range []*Report{from, to} {
		for id := range r.Values {
			at[pointer("/values", string(id))] = true
		}
		for id := range r.Consents {
			at[pointer("/consents", id)] = true
		}
	}
	out := map[string]json.RawMessage{}
	for p := range at {
		if x := b.get(p); !bytes.Equal(a.get(p), x) {
			out[p] = x
		}
	}
	return out
}
