package approval

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/geo"
)

// Kind is by which way power was given.
type Kind string

// The kinds. Agreement is given by an agreement of the parties in force (arts
// 11–16), OwnNetwork by another person of the organisation that asks, Trial by
// whoever holds the key of a test authority; all others by the commission.
const (
	ForeignForeign  Kind = "ff"         // art 17: foreign to foreign
	ForeignDomestic Kind = "fd"         // art 32: inward
	DomesticForeign Kind = "df"         // art 33: outward
	Agreement       Kind = "agreement"  // arts 11–16: inward unless configured
	Reidentify      Kind = "reidentify" // to say of whom a pseudonym is (art 24)
	PolicePower     Kind = "police"     // to act against a machine: Police Duties Execution Act art 6-2
	DefencePower    Kind = "defence"    // the same: Self-Defense Forces Act art 81-3
	OwnNetwork      Kind = "own"        // to hold something back on one's own network: given within the organisation
	Trial           Kind = "trial"      // files of tests, made-up traffic
)

// Kinds lists the kinds that are asked for here; see [MeasureKinds] for what else
// the commission decides.
var Kinds = []Kind{ForeignForeign, ForeignDomestic, DomesticForeign, Reidentify}

// Directions are the directions that communications may be selected in.
var Directions = []geo.Class{geo.FF, geo.FD, geo.DF}

// Quantity bounds how much is taken in: what passes the check of direction.
// Zero is not bounded; an Order that is no Trial needs one of the two.
type Quantity struct {
	Packets uint64 `json:"packets,omitempty"`
	Bytes   uint64 `json:"bytes,omitempty"` // on the wire
}

// Order is what was approved, in writing: the paper that a Grant is opened from.
type Order struct {
	ID         string      `json:"id"` // of the approval
	Kind       Kind        `json:"kind"`
	Asker      string      `json:"asker,omitempty"` // organisation that asked
	Directions []geo.Class `json:"directions"`      // FF, FD or DF; one, two where two were approved
	Link       string      `json:"link"`            // of which line, or of which files, as the order names it
	From       time.Time   `json:"from"`            // first instant of the communications, UTC
	Until      time.Time   `json:"until"`           // the instant from which on nothing may be read
	Cap        Quantity    `json:"cap,omitzero"`
	Selectors  string      `json:"selectors"`            // SHA-256 of the list, hex
	Targets    []string    `json:"targets,omitempty"`    // target acts (art 21) that the list may serve
	Fields     []string    `json:"fields"`               // of a record that may be kept: see selection
	Addresses  string      `json:"addresses"`            // "plain", or "pseudonym": prefix-preserving
	RetainDays int         `json:"retain_days"`          // how long a record may be kept
	Recipients []string    `json:"recipients,omitempty"` // organisations or kinds that may be given records
	Grounds    string      `json:"grounds"`              // why the traffic is believed to be there
	NoOther    string      `json:"no_other_means"`       // why other means are markedly difficult
	Necessity  string      `json:"necessity"`            // why this much and no less (art 2-2)
	Party      string      `json:"party,omitempty"`      // of an agreement
	Subjects   []string    `json:"subjects,omitempty"`   // pseudonyms that may be opened: Reidentify
	Run        string      `json:"run,omitempty"`        // whose pseudonyms: Reidentify
	Measure    string      `json:"measure,omitempty"`    // chain of command whose plan this is, or order of one's own network
	Plan       string      `json:"plan,omitempty"`       // SHA-256 of that plan, hex
	Conditions []string    `json:"conditions,omitempty"` // that the commission set
	Extends    string      `json:"extends,omitempty"`    // approval that this one goes on from (art 19)
	Overridden int         `json:"overridden,omitempty"` // selectors of the list that meet a warning and are taken nevertheless: Trial
	Executor   string      `json:"executor,omitempty"`   // verifier of the only key that may sign the statement: Trial
	IssuedAt   time.Time   `json:"issued_at"`
}

// Faults of a paper.
var (
	ErrOrder     = fault.New(fault.Invalid, "approval.order")           // places say what is wrong
	ErrForm      = fault.New(fault.Invalid, "approval.order.form")      // not a signed order
	ErrUnsigned  = fault.New(fault.Refused, "approval.order.unsigned")  // nobody signed it
	ErrSignature = fault.New(fault.Refused, "approval.order.signature") // the signature is not of the authority, or not of these words
)

// MaxOrder bounds the bytes of a signed order.
const MaxOrder = 1 << 20

// Packets tell their time in nanoseconds since 1970, in 64 bits: beyond these
// years one would pass for another.
const firstYear, lastYear = 1970, 2261

const (
	maxWords = 4000 // characters of a reason
	maxList  = 100
	maxName  = 200
)

// signed is a paper as it stands in a file: the order, and a note (C2SP
// signed-note) whose text is its digest.
type signed struct {
	Order     json.RawMessage `json:"order"`
	Signature string          `json:"signature,omitempty"`
}

// noteHead is the first line of what is signed; no other note of ours begins so.
const noteHead = "noroshi selection order v1"

// Normal returns the order as it is signed: times in UTC by the second, lists
// sorted. ErrOrder names every place that is missing or contradicts another.
func (o Order) Normal() (Order, error) {
	for _, t := range []*time.Time{&o.From, &o.Until, &o.IssuedAt} {
		*t = t.UTC().Truncate(time.Second)
	}
	o.Directions = slices.Compact(slices.Sorted(slices.Values(o.Directions)))
	for _, list := range []*[]string{&o.Targets, &o.Fields, &o.Recipients, &o.Subjects} {
		if len(*list) > 0 {
			*list = slices.Compact(slices.Sorted(slices.Values(*list)))
		}
	}
	return o, o.check()
}

// check finds what is wrong with an order.
func (o *Order) check() error {
	var bad []fault.Place
	add := func(at, code string) { bad = append(bad, fault.Place{At: at, Code: code}) }
	words := func(at, s string, must bool) {
		switch {
		case must && strings.TrimSpace(s) == "":
			add(at, "approval.order.missing")
		case len([]rune(s)) > maxWords:
			add(at, "approval.order.long")
		}
	}
	if o.ID == "" || len(o.ID) > maxName {
		add("id", "approval.order.missing")
	}
	words("grounds", o.Grounds, o.Kind != Trial)
	words("no_other_means", o.NoOther, o.Kind != Trial && o.Kind != OwnNetwork)
	words("necessity", o.Necessity, o.Kind != Trial && o.Kind != OwnNetwork)
	if !o.Until.After(o.From) || o.From.IsZero() {
		add("until", "approval.order.period")
	}
	if o.From.Year() < firstYear || o.Until.Year() > lastYear {
		add("from", "approval.order.years")
	}
	if o.IssuedAt.IsZero() {
		add("issued_at", "approval.order.missing")
	}
	for at, list := range map[string][]string{"targets": o.Targets, "fields": o.Fields, "recipients": o.Recipients, "subjects": o.Subjects, "conditions": o.Conditions} {
		if len(list) > maxList || slices.ContainsFunc(list, func(s string) bool { return s == "" || len(s) > maxWords }) {
			add(at, "approval.order.list")
		}
	}
	if slices.ContainsFunc(o.Directions, func(c geo.Class) bool { return c > geo.DD }) {
		add("directions", "approval.order.direction")
	}
	switch {
	case o.Kind.plans():
		if o.Measure == "" || len(o.Measure) > maxName {
			add("measure", "approval.order.missing")
		}
		if !digested(o.Plan) {
			add("plan", "approval.order.selectors")
		}
	case o.Measure != "" || o.Plan != "":
		add("plan", "approval.order.kind")
	case o.Kind == Reidentify:
		if len(o.Subjects) == 0 || o.Run == "" {
			add("subjects", "approval.order.missing")
		}
	default:
		o.checkSelection(add)
	}
	if (o.Overridden != 0 || o.Executor != "") && o.Kind != Trial || o.Overridden < 0 {
		add("overridden", "approval.order.kind")
	}
	if _, err := note.NewVerifier(o.Executor); o.Executor != "" && err != nil {
		add("executor", "approval.order.executor")
	}
	slices.SortFunc(bad, func(a, b fault.Place) int { return strings.Compare(a.At, b.At) })
	if len(bad) > 0 {
		return ErrOrder.At(bad...)
	}
	return nil
}

// checkSelection finds what is wrong with an order to select.
func (o *Order) checkSelection(add func(at, code string)) {
	want := map[Kind][]geo.Class{ForeignForeign: {geo.FF}, ForeignDomestic: {geo.FD}, DomesticForeign: {geo.DF}}
	switch ways, fixed := want[o.Kind]; {
	case len(o.Directions) == 0:
		add("directions", "approval.order.missing")
	case slices.ContainsFunc(o.Directions, func(c geo.Class) bool { return c <= geo.DD && !slices.Contains(Directions, c) }),
		fixed && !slices.Equal(o.Directions, ways):
		add("directions", "approval.order.direction")
	case !fixed && o.Kind != Agreement && o.Kind != Trial:
		add("kind", "approval.order.kind")
	}
	if o.Kind == Agreement && o.Party == "" {
		add("party", "approval.order.missing")
	}
	if o.Link == "" || len([]rune(o.Link)) > maxName {
		add("link", "approval.order.missing")
	}
	if o.Cap == (Quantity{}) && o.Kind != Trial {
		add("cap", "approval.order.cap")
	}
	if b, err := hex.DecodeString(o.Selectors); err != nil || len(b) != sha256.Size {
		add("selectors", "approval.order.selectors")
	}
	if len(o.Fields) == 0 {
		add("fields", "approval.order.missing")
	}
	if o.Addresses != "plain" && o.Addresses != "pseudonym" {
		add("addresses", "approval.order.addresses")
	}
	if o.RetainDays <= 0 || o.RetainDays > 36500 {
		add("retain_days", "approval.order.retain")
	}
}

// Digest is the SHA-256 of the order's canonical JSON, in hex: what a signature
// covers and what a statement names.
func (o Order) Digest() string {
	sum := sha256.Sum256(o.canonical())
	return hex.EncodeToString(sum[:])
}

func (o Order) canonical() []byte {
	raw, err := json.Marshal(o)
	if err != nil {
		panic("BUG: approval: an order that JSON cannot hold: " + err.Error())
	}
	return raw
}

// Sign returns the paper: the order in its normal form, with the authority's
// signature; without a signer it is a draft that nobody can act on.
func (o Order) Sign(s note.Signer) ([]byte, error) {
	o, err := o.Normal()
	if err != nil {
		return nil, err
	}
	paper := signed{Order: o.canonical()}
	if s != nil {
		n, err := note.Sign(&note.Note{Text: noteText(o)}, s)
		if err != nil {
			return nil, err
		}
		paper.Signature = string(n)
	}
	return paper.encode()
}

// encode is the one way in which a paper is written.
func (p signed) encode() ([]byte, error) { return json.MarshalIndent(p, "", "  ") }

func noteText(o Order) string { return noteHead + "\n" + o.ID + "\n" + o.Digest() + "\n" }

// ReadOrder reads a paper without asking who signed it: to show it. ErrForm when
// it says anything that an order does not, or says something twice.
func ReadOrder(paper []byte) (Order, error) {
	o, _, err := read(paper)
	return o, err
}

func read(paper []byte) (o Order, p signed, err error) {
	if len(paper) > MaxOrder {
		return Order{}, p, ErrForm
	}
	if err := strict(paper, &p); err != nil {
		return Order{}, p, misread(paper, err)
	}
	if len(p.Order) == 0 {
		return Order{}, p, ErrForm.At(fault.Place{At: "order", Code: "approval.order.missing"})
	}
	if err := strict(p.Order, &o); err != nil {
		return Order{}, p, misread(p.Order, err)
	}
	// A text in place of the list would be taken for bytes (encoding/json).
	if slices.ContainsFunc(o.Directions, func(c geo.Class) bool { return c > geo.DD }) {
		return Order{}, p, ErrForm
	}
	// What the fields do not hold, or hold twice, would be signed by nobody; and one
	// order has one paper, so that statements that name it by its hash name the same.
	again, err := signed{o.canonical(), p.Signature}.encode()
	if err != nil {
		return Order{}, p, ErrForm
	}
	if paper = bytes.TrimSuffix(paper, []byte{'\n'}); !bytes.Equal(paper, again) {
		return Order{}, p, ErrForm.At(fault.Place{At: "order", Code: "approval.order.line", Args: fault.Args{"line": firstOther(paper, again)}})
	}
	return o, p, nil
}

// misread is ErrForm with the place of what a decoder took offence at.
func misread(raw []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	name, unknown := strings.CutPrefix(err.Error(), "json: unknown field ")
	switch name = strings.Trim(name, `"`); {
	case errors.As(err, &syntax):
		line := 1 + bytes.Count(raw[:min(syntax.Offset, int64(len(raw)))], []byte{'\n'})
		return ErrForm.At(fault.Place{At: "order", Code: "approval.order.syntax", Args: fault.Args{"line": line}})
	case errors.As(err, &kind) && plainName(kind.Field):
		return ErrForm.At(fault.Place{At: kind.Field, Code: "approval.order.type"})
	case unknown && plainName(name):
		return ErrForm.At(fault.Place{At: name, Code: "approval.order.unknown"})
	}
	return ErrForm
}

// plainName reports whether a name from a paper may be shown as it is.
func plainName(s string) bool {
	return s != "" && len(s) <= 60 && !strings.ContainsFunc(s, func(r rune) bool { return r != '_' && r != '.' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
}

// firstOther is the first line, from 1, in which two texts differ.
func firstOther(a, b []byte) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return 1 + bytes.Count(a[:n], []byte{'\n'})
}

// strict decodes one JSON value without unknown fields and nothing behind it.
func strict(raw []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return ErrForm
	}
	return nil
}
