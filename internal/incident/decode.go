package incident

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"noroshi/internal/base/fault"
)

// Faults of reading and checking a report. Their places name every problem
// found, not the first: "12:5 /values/event.title" from a JSON text, a JSON
// pointer from Validate, the field's id from a form.
var (
	ErrUnparsable = fault.New(fault.Usage, "incident.report.unparsable")
	ErrInvalid    = fault.New(fault.Invalid, "incident.report.invalid")
	ErrTooLarge   = fault.New(fault.TooLarge, "incident.report.too_large")
)

// DecodeReport reads the JSON form of a report. Unknown and repeated keys,
// nulls, wrong types, values over a limit and answers to questions not asked
// of the kind are refused, all of them at once. Faults: ErrTooLarge over
// MaxJSON bytes; ErrUnparsable when it is not JSON or not of this shape;
// ErrInvalid when its shape is right and some answer is not acceptable.
func DecodeReport(raw []byte) (*Report, error) {
	if len(raw) > MaxJSON {
		return nil, fault.New(fault.TooLarge, ErrTooLarge.Code, "mb", MaxJSON>>20)
	}
	doc := string(raw)
	root, bad := parseJSON(doc)
	if root == nil {
		return nil, refuse(ErrUnparsable, places(doc, bad))
	}
	if root.kind != '{' {
		return nil, refuse(ErrUnparsable, places(doc, append(bad, problem{at: root.at, code: "incident.json.want_object"})))
	}
	d := &decoder{bad: bad}
	r := d.report(root)
	shapeless := len(d.bad) > 0
	for _, p := range r.problems() {
		if !d.refused[p.At] {
			d.bad = append(d.bad, problem{root.find(p.At).at, p.At, p.Code, p.Args})
		}
	}
	switch {
	case shapeless:
		return nil, refuse(ErrUnparsable, places(doc, d.bad))
	case len(d.bad) > 0:
		return nil, refuse(ErrInvalid, places(doc, d.bad))
	}
	return r, nil
}

func refuse(e *fault.Error, at []fault.Place) *fault.Error {
	return fault.New(e.Kind, e.Code, "n", len(at)).At(at...)
}

// decoder turns a tree into a report and keeps what does not fit.
type decoder struct {
	bad     []problem
	refused map[string]bool // pointers already told; their meaning is not judged again
}

func (d *decoder) fail(n *node, ptr, code string, pairs ...any) {
	if d.refused == nil {
		d.refused = map[string]bool{}
	}
	d.refused[ptr] = true
	d.bad = append(d.bad, problem{n.at, ptr, code, fault.New(fault.Usage, code, pairs...).Args})
}

var reportKeys = []string{"format", "id", "kind", "stage", "version", "class", "severity", "tlp", "consents", "values"}

func (d *decoder) report(n *node) *Report {
	r := &Report{Consents: map[string]bool{}, Values: map[FieldID]Value{}}
	for _, m := range n.keys {
		ptr := pointer("", m.key)
		switch m.key {
		case "format":
			r.Format = int(d.integer(m.value, ptr))
		case "id":
			r.ID = d.str(m.value, ptr)
		case "kind":
			r.Kind = Kind(d.str(m.value, ptr))
		case "stage":
			r.Stage = Stage(d.str(m.value, ptr))
		case "version":
			r.Version = int(d.integer(m.value, ptr))
		case "class":
			r.Class = d.str(m.value, ptr)
		case "severity":
			r.Severity = Severity(d.str(m.value, ptr))
		case "tlp":
			r.TLP = TLP(d.str(m.value, ptr))
		case "consents":
			d.consents(m.value, ptr, r.Consents)
		case "values":
			d.values(m.value, ptr, r.Values)
		default:
			d.unknown(m, ptr, reportKeys)
		}
	}
	for _, k := range []string{"format", "kind", "stage", "version", "tlp", "values"} {
		if n.member(k) == nil {
			d.fail(n, pointer("", k), "incident.key.missing", "key", k)
		}
	}
	return r
}

// unknown refuses a key, and names the one that was probably meant.
func (d *decoder) unknown(m member, ptr string, keys []string) {
	at := &node{at: m.at}
	if short := shorten(m.key); short != m.key {
		ptr = strings.TrimSuffix(ptr, pointer("", m.key)) + pointer("", short)
	}
	if len(d.bad) > 50 { // guessing is for people, not for a flood
		keys = nil
	}
	if near := nearest(m.key, keys); near != "" {
		d.fail(at, ptr, "incident.key.near", "key", shorten(m.key), "near", near)
		return
	}
	d.fail(at, ptr, "incident.key.unknown", "key", shorten(m.key))
}

func (d *decoder) str(n *node, ptr string) string {
	if n.kind != '"' {
		d.fail(n, ptr, "incident.json.want_string")
	}
	return n.text
}

// safeInteger is the largest whole number every JSON reader keeps (RFC 8259 § 6).
const safeInteger = 1<<53 - 1

func (d *decoder) integer(n *node, ptr string) int64 {
	v, err := strconv.ParseInt(n.text, 10, 64)
	if n.kind != '0' || err != nil || v > safeInteger || v < -safeInteger {
		d.fail(n, ptr, "incident.json.want_integer")
		return 0
	}
	return v
}

func (d *decoder) bool(n *node, ptr string) bool {
	if n.kind != 't' && n.kind != 'f' {
		d.fail(n, ptr, "incident.json.want_bool")
	}
	return n.kind == 't'
}

func (d *decoder) consents(n *node, ptr string, into map[string]bool) {
	if n.kind != '{' {
		d.fail(n, ptr, "incident.json.want_object")
		return
	}
	for _, m := range n.keys {
		here := pointer(ptr, m.key)
		if _, ok := Dictionary().Consent(m.key); !ok {
			var ids []string
			for _, c := range Dictionary().Consents {
				ids = append(ids, c.ID)
			}
			d.unknown(m, here, ids)
			continue
		}
		into[m.key] = d.bool(m.value, here)
	}
}

func (d *decoder) values(n *node, ptr string, into map[FieldID]Value) {
	if n.kind != '{' {
		d.fail(n, ptr, "incident.json.want_object")
		return
	}
	for _, m := range n.keys {
		here := pointer(ptr, m.key)
		f, ok := Dictionary().Get(FieldID(m.key))
		if !ok {
			d.unknown(m, here, Dictionary().ids())
			continue
		}
		if v, ok := d.value(f, m.value, here); ok {
			into[f.ID] = v
		}
	}
}

// value reads one answer: plain, or {"unknown":true}, {"investigating":true},
// {"min":…,"max":…}.
func (d *decoder) value(f *Field, n *node, ptr string) (Value, bool) {
	before := len(d.bad)
	if n.kind == '{' && len(n.keys) > 0 {
		switch state := ValueState(n.keys[0].key); state {
		case Unknown, Investigating, Redacted:
			if len(n.keys) > 1 || n.keys[0].value.kind != 't' {
				d.fail(n, ptr, "incident.value.state", "state", string(state))
			}
			return Value{State: state}, len(d.bad) == before
		}
		switch first := n.keys[0].key; {
		case ranged[f.Type]:
			return d.span(f, n, ptr)
		case f.Type != TypeRecord && (first == "min" || first == "max"):
			d.fail(n, ptr, "incident.value.no_range")
			return Value{}, false
		}
	}
	v := d.plain(f, n, ptr)
	return KnownValue(v), len(d.bad) == before
}

func (d *decoder) span(f *Field, n *node, ptr string) (Value, bool) {
	before, v := len(d.bad), Value{State: Range}
	for _, m := range n.keys {
		here := pointer(ptr, m.key)
		switch {
		case m.key == "min":
			v.Min = d.plain(f, m.value, here)
		case m.key == "max":
			v.Max = d.plain(f, m.value, here)
		default:
			d.unknown(m, here, []string{"min", "max", "unknown", "investigating"})
		}
	}
	return v, len(d.bad) == before
}

// plain reads a known value into the Go type its field calls for.
func (d *decoder) plain(f *Field, n *node, ptr string) any {
	if n.kind == 'n' {
		d.fail(n, ptr, "incident.json.null")
		return nil
	}
	switch f.Type {
	case TypeInteger:
		return d.integer(n, ptr)
	case TypeNumber:
		v, err := strconv.ParseFloat(n.text, 64)
		if n.kind != '0' || err != nil || math.IsInf(v, 0) {
			d.fail(n, ptr, "incident.json.want_number")
		}
		return v
	case TypeBool:
		return d.bool(n, ptr)
	case TypeChoices, TypeList:
		list := []string{}
		if n.kind != '[' {
			d.fail(n, ptr, "incident.json.want_list")
		}
		for i, e := range n.list {
			list = append(list, d.str(e, pointer(ptr, strconv.Itoa(i))))
		}
		return list
	case TypeRecord:
		return d.row(f, n, ptr)
	case TypeTable:
		rows := []Row{}
		if n.kind != '[' {
			d.fail(n, ptr, "incident.json.want_list")
		}
		for i, e := range n.list {
			rows = append(rows, d.row(f, e, pointer(ptr, strconv.Itoa(i))))
		}
		return rows
	case TypeInstant:
		return canonInstant(d.str(n, ptr))
	}
	return digits(d.str(n, ptr), f.Check)
}

// digits takes the numbers of organisations and telephones as people type
// them, in full width too; any other text stays as it came.
func digits(s, check string) string {
	if check == "corporate_number" || check == "phone" {
		return tidy(s, check, false)
	}
	return s
}

func (d *decoder) row(f *Field, n *node, ptr string) Row {
	row := Row{}
	if n.kind != '{' {
		d.fail(n, ptr, "incident.json.want_object")
	}
	for _, m := range n.keys {
		here := pointer(ptr, m.key)
		c, ok := f.Column(m.key)
		switch {
		case !ok:
			d.unknown(m, here, f.columnIDs())
		case c.Type == TypeInteger && m.value.kind == '0':
			row[m.key] = strconv.FormatInt(d.integer(m.value, here), 10)
		case c.Type == TypeInstant:
			row[m.key] = canonInstant(d.str(m.value, here))
		default:
			row[m.key] = digits(d.str(m.value, here), c.Check)
		}
	}
	return row
}

// nearest returns the known key within two slips of the typed one, or "".
func nearest(typed string, keys []string) string {
	best, at := 3, ""
	if len(typed) > 64 {
		return ""
	}
	for _, k := range keys {
		if strings.EqualFold(typed, k) {
			return k
		}
		if n := slips(typed, k); n < best && n <= len(k)/2 {
			best, at = n, k
		}
	}
	return at
}

// slips is the Levenshtein distance in bytes.
func slips(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal, row[j+1] = row[j+1], min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// Encode returns the report as indented JSON with a line end. Keys come in a
// fixed order, so that equal reports are equal bytes.
func (r *Report) Encode() ([]byte, error) {
	raw, err := plainJSON(r)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = json.Indent(&b, raw, "", "  ")
	b.WriteByte('\n')
	return b.Bytes(), err
}

func validID(id ID) bool { return uuid.Validate(id) == nil && len(id) == 36 }

func (d *Fields) ids() []string {
	ids := make([]string, len(d.All))
	for i := range d.All {
		ids[i] = string(d.All[i].ID)
	}
	return ids
}

// Column returns the column with the id, and whether there is one.
func (f *Field) Column(id string) (*Column, bool) {
	i := slices.IndexFunc(f.Columns, func(c Column) bool { return c.ID == id })
	if i < 0 {
		return nil, false
	}
	return &f.Columns[i], true
}

func (f *Field) columnIDs() []string {
	ids := make([]string, len(f.Columns))
	for i := range f.Columns {
		ids[i] = f.Columns[i].ID
	}
	return ids
}
