package incident

import (
	"embed"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

//go:embed data/fields.toml
var dictionaryData embed.FS

// FieldType says what an answer is made of. See Value for the Go types.
type FieldType string

// The types.
const (
	TypeText     FieldType = "text"     // one line
	TypeLongText FieldType = "longtext" // several lines
	TypeInstant  FieldType = "instant"  // a moment with its zone
	TypeDate     FieldType = "date"     // a day
	TypeInteger  FieldType = "integer"  // a count, never negative
	TypeNumber   FieldType = "number"   // a measure in Field.Unit, never negative
	TypeMoney    FieldType = "money"    // an amount in a currency
	TypeBool     FieldType = "bool"     // yes or no
	TypeChoice   FieldType = "choice"   // one of Field.Options
	TypeChoices  FieldType = "choices"  // some of Field.Options
	TypeList     FieldType = "list"     // short texts
	TypeRecord   FieldType = "record"   // one row of Field.Columns: a contact
	TypeTable    FieldType = "table"    // rows of Field.Columns: devices, indicators, files
)

// Option is one answer of a choice.
type Option struct {
	ID    string    `toml:"id"`
	Label text.Both `toml:"label"`
}

// Column is one cell of a record or table.
type Column struct {
	ID       string    `toml:"id"`
	Type     FieldType `toml:"type"` // text, longtext, instant, date, integer or choice
	Check    string    `toml:"check"`
	Required bool      `toml:"required"` // a row without it is refused
	Max      int       `toml:"max"`      // characters
	Label    text.Both `toml:"label"`
	Options  []Option  `toml:"option"`
}

// Field is one question, asked once whoever wants the answer.
type Field struct {
	ID            FieldID   `toml:"id"`
	Type          FieldType `toml:"type"`
	Check         string    `toml:"check"` // a further form the text must have, such as "cve"; see checks
	Item          int       `toml:"item"`  // statutory item 1–7 (joint order art 4(3)); 0 for none
	Group         string    `toml:"group"` // id of a Group
	Kinds         []Kind    `toml:"kinds"` // empty means every kind
	Label         text.Both `toml:"label"`
	Hint          text.Both `toml:"hint"`
	Example       text.Both `toml:"example"`
	Options       []Option  `toml:"option"`
	Columns       []Column  `toml:"column"`
	Unit          text.Both `toml:"unit"`          // of a number or integer
	Range         bool      `toml:"range"`         // a range may be told
	Unknown       bool      `toml:"unknown"`       // "unknown" is an answer
	Investigating bool      `toml:"investigating"` // "being investigated" is an answer
	Past          bool      `toml:"past"`          // an instant or date that cannot lie ahead
	Sensitive     bool      `toml:"sensitive"`     // hidden in a redacted copy
	Why           text.Both `toml:"why"`           // why it is hidden; set when Sensitive
	Consent       string    `toml:"consent"`       // id of the consent without which it goes to nobody; empty for none
	Max           int       `toml:"max"`           // characters of a text, entries of a list or table
	After         FieldID   `toml:"after"`         // an instant may not be before this one
	Source        string    `toml:"source"`        // where the question comes from
}

// For reports whether the question is asked of a kind.
func (f *Field) For(k Kind) bool { return len(f.Kinds) == 0 || slices.Contains(f.Kinds, k) }

// Option returns the option with the id, and whether there is one.
func (f *Field) Option(id string) (Option, bool) { return optionOf(f.Options, id) }

func optionOf(opts []Option, id string) (Option, bool) {
	i := slices.IndexFunc(opts, func(o Option) bool { return o.ID == id })
	if i < 0 {
		return Option{}, false
	}
	return opts[i], true
}

// Group is a page of questions, in the order of the law.
type Group struct {
	ID    string    `toml:"id"`
	Item  int       `toml:"item"`
	Label text.Both `toml:"label"`
}

// Item is one of the seven things a report must tell (joint order art 4(3)).
type Item struct {
	N     int       `toml:"n"`
	Label text.Both `toml:"label"`
}

// Consent is something the reporter may agree to; off until then.
type Consent struct {
	ID     string    `toml:"id"`
	Label  text.Both `toml:"label"`
	Hint   text.Both `toml:"hint"`
	Source string    `toml:"source"`
}

// Heading is the wording of a kind, stage, severity or TLP label.
type Heading struct {
	ID    string    `toml:"id"`
	Label text.Both `toml:"label"`
	Hint  text.Both `toml:"hint"`
}

// Fields is the dictionary: every question of every form, once.
type Fields struct {
	Items      []Item    `toml:"item"`
	Groups     []Group   `toml:"group"`
	Consents   []Consent `toml:"consent"`
	Kinds      []Heading `toml:"kind"`
	Stages     []Heading `toml:"stage"`
	Severities []Heading `toml:"severity"`
	TLPs       []Heading `toml:"tlp"`
	All        []Field   `toml:"field"` // in the order of the form
	index      map[FieldID]int
}

// Get returns the question, and whether there is one with that id.
func (d *Fields) Get(id FieldID) (*Field, bool) {
	i, ok := d.index[id]
	if !ok {
		return nil, false
	}
	return &d.All[i], true
}

// Consent returns the consent, and whether there is one with that id.
func (d *Fields) Consent(id string) (Consent, bool) {
	i := slices.IndexFunc(d.Consents, func(c Consent) bool { return c.ID == id })
	if i < 0 {
		return Consent{}, false
	}
	return d.Consents[i], true
}

// In returns the questions of a group asked of a kind, in the order of the form.
func (d *Fields) In(group string, k Kind) []*Field {
	var out []*Field
	for i := range d.All {
		if f := &d.All[i]; f.Group == group && f.For(k) {
			out = append(out, f)
		}
	}
	return out
}

// Dictionary returns the embedded dictionary. It is read-only.
func Dictionary() *Fields { return dictionary() }

var dictionary = sync.OnceValue(func() *Fields {
	raw, err := dictionaryData.ReadFile("data/fields.toml")
	if err != nil {
		panic("BUG: embedded dictionary: " + err.Error())
	}
	d, err := parseFields(string(raw))
	if err != nil {
		panic("BUG: embedded dictionary: " + err.Error())
	}
	return d
})

// parseFields reads and checks a dictionary. The options of a field with the
// check "sector" are the sectors the installation knows.
func parseFields(raw string) (*Fields, error) {
	d := &Fields{}
	meta, err := toml.Decode(raw, d)
	if err != nil {
		return nil, err
	}
	if rest := meta.Undecoded(); len(rest) > 0 {
		return nil, fmt.Errorf("unknown keys: %v", rest)
	}
	sectors, err := org.LoadSectors(nil)
	if err != nil {
		return nil, err
	}
	d.index = make(map[FieldID]int, len(d.All))
	for i := range d.All {
		f := &d.All[i]
		if _, twice := d.index[f.ID]; twice {
			return nil, fmt.Errorf("%s is given twice", f.ID)
		}
		d.index[f.ID] = i
		if f.Check == "sector" {
			for _, s := range sectors.List {
				f.Options = append(f.Options, Option{s.ID, s.Name})
			}
		}
		if err := d.check(f); err != nil {
			return nil, fmt.Errorf("%s: %w", f.ID, err)
		}
	}
	return d, nil
}

// check refuses a question that could not be asked or answered.
func (d *Fields) check(f *Field) error {
	group := slices.IndexFunc(d.Groups, func(g Group) bool { return g.ID == f.Group })
	_, consent := d.Consent(f.Consent)
	switch {
	case f.Label.Empty():
		return errors.New("no label in both languages")
	case halfSaid(f.Hint) || halfSaid(f.Example) || halfSaid(f.Unit):
		return errors.New("a wording in one language only")
	case f.Sensitive == f.Why.Empty():
		return errors.New("sensitive and why belong together")
	case group < 0:
		return fmt.Errorf("no group %q", f.Group)
	case f.Consent != "" && !consent:
		return fmt.Errorf("no consent %q", f.Consent)
	case f.Range && !ranged[f.Type]:
		return fmt.Errorf("a %s cannot be a range", f.Type)
	case (f.Type == TypeChoice || f.Type == TypeChoices) == (len(f.Options) == 0):
		return errors.New("options belong to choices")
	case (f.Type == TypeRecord || f.Type == TypeTable) == (len(f.Columns) == 0):
		return errors.New("columns belong to records and tables")
	case limited[f.Type] && f.Max <= 0:
		return errors.New("no limit")
	case !known[f.Type]:
		return fmt.Errorf("no type %q", f.Type)
	case f.After != "" && !d.earlier(f.After):
		return fmt.Errorf("no earlier instant %q", f.After)
	case !checks[f.Check]:
		return fmt.Errorf("no check %q", f.Check)
	}
	for _, c := range f.Columns {
		if c.Label.Empty() || c.Max <= 0 || !checks[c.Check] || !columnTypes[c.Type] || (c.Type == TypeChoice) == (len(c.Options) == 0) {
			return fmt.Errorf("column %s is not complete", c.ID)
		}
	}
	return nil
}

// earlier reports whether the id is of an instant asked before.
func (d *Fields) earlier(id FieldID) bool {
	f, ok := d.Get(id)
	return ok && f.Type == TypeInstant
}

func halfSaid(b text.Both) bool { return (b.JA == "") != (b.EN == "") }

func setOf[T comparable](vs ...T) map[T]bool {
	m := make(map[T]bool, len(vs))
	for _, v := range vs {
		m[v] = true
	}
	return m
}

var (
	known = setOf(TypeText, TypeLongText, TypeInstant, TypeDate, TypeInteger, TypeNumber, TypeMoney, TypeBool,
		TypeChoice, TypeChoices, TypeList, TypeRecord, TypeTable)
	ranged      = setOf(TypeInstant, TypeDate, TypeInteger, TypeNumber, TypeMoney)
	limited     = setOf(TypeText, TypeLongText, TypeList, TypeTable)
	columnTypes = setOf(TypeText, TypeLongText, TypeInstant, TypeDate, TypeInteger, TypeChoice)
	checks      = setOf("", "sector", "corporate_number", "lei", "phone", "mail", "cve", "attack", "host", "indicator", "sha256")
)
