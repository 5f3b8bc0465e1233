package asset

import (
	"cmp"
	"encoding/json"
	"io"
	"slices"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// MaxStatement is the largest number of entries one statement notifies.
const MaxStatement = 100_000

// Filer is the legal entity that notifies.
type Filer struct {
	Name      string `json:"name"`
	Corporate string `json:"corporate_number"` // 法人番号, 13 digits
	Sector    string `json:"sector"`           // its business type (業種), as printed
	To        string `json:"to"`               // the competent minister it notifies, as printed
}

// Earlier names the statement before this one.
type Earlier struct {
	Number int  `json:"number"`
	On     Date `json:"on"`
}

// Statement is a numbered notification (届出) of Act 42 art. 4: what was
// introduced, changed or taken out of use since the last one, and all that is
// notified after it, which the next statement is compared with.
type Statement struct {
	Number    int             `json:"number"` // 1, 2, … per operator
	On        Date            `json:"on"`
	Filer     Filer           `json:"filer"`
	Since     *Earlier        `json:"since"` // null in the first statement
	Entries   []StatementLine `json:"entries"`
	Counts    StatementCounts `json:"counts"`
	Excluded  []LeftOut       `json:"excluded"`  // kept out by a notice; still reportable when compromised
	Undecided []ID            `json:"undecided"` // pieces whose scope a person has to decide first; in nothing above
	Equipment []Item          `json:"equipment"` // everything notified, as it stands after this statement
}

// StatementLine is one piece of equipment notified by a statement.
type StatementLine struct {
	No      int      `json:"no"` // from 1
	Event   Event    `json:"event"`
	Item    Item     `json:"item"` // as it is now; of a withdrawal, as it was last notified
	Changes []Change `json:"changes,omitempty"`
	Due     Due      `json:"due"`
}

// LeftOut is one piece of equipment that a notice excludes from notification.
type LeftOut struct {
	Item      Item      `json:"item"`
	Exclusion string    `json:"exclusion"`
	Reason    text.Both `json:"reason"`
	Source    text.Both `json:"source"`
}

// StatementCounts counts the entries of a statement, and what is notified
// after it.
type StatementCounts struct {
	Introduced int `json:"introduced"`
	Changed    int `json:"changed"`
	Withdrawn  int `json:"withdrawn"`
	Entries    int `json:"entries_after"`
	Devices    int `json:"devices_after"`
}

// NewStatement makes the next statement of a register. last is the statement
// before it, nil for the first; now is the register; facts are the answers to
// the scope check per piece (see Rules.Scope). Pieces are recognised by their
// ID. A piece that has come to be out of scope, or excluded, counts as
// withdrawn when it was notified before. Only notified fields enter.
//
// Faults: Invalid "asset.statement.operator_empty" without a name or a valid
// corporate number, Unmet "asset.statement.nothing" when nothing is to be
// notified, TooLarge "asset.statement.too_many".
func (r *Rules) NewStatement(filer Filer, last *Statement, now []Item, facts func(*Item) ScopeFacts, on Date) (*Statement, error) {
	if filer.Name == "" || len(filer.Corporate) != 13 || !isDigits(filer.Corporate) || !corporateNumber(filer.Corporate) {
		return nil, fault.New(fault.Invalid, "asset.statement.operator_empty")
	}
	// Empty lists are lists: whoever reads the JSON may walk them.
	s := &Statement{Number: 1, On: on, Filer: filer, Entries: []StatementLine{}, Excluded: []LeftOut{}, Undecided: []ID{}, Equipment: []Item{}}
	before := map[ID]*Item{}
	if last != nil {
		s.Number, s.Since = last.Number+1, &Earlier{last.Number, last.On}
		for i := range last.Equipment {
			before[last.Equipment[i].ID] = &last.Equipment[i]
		}
	}
	now = slices.Clone(now)
	slices.SortStableFunc(now, byOwnID)
	for i := range now {
		it := &now[i]
		was := before[it.ID]
		scope := r.Scope(facts(it), it, on)
		switch scope.Verdict {
		case ScopeExcluded:
			s.leaveOut(r, it, scope)
			continue
		case ScopeUnsure:
			s.Undecided = append(s.Undecided, it.ID)
			if was != nil { // notified once, it stays so until somebody decides
				s.Equipment = append(s.Equipment, *was)
				delete(before, it.ID)
			}
			continue
		case ScopeOutside:
			continue
		}
		delete(before, it.ID)
		told := r.told(it)
		s.Equipment = append(s.Equipment, told)
		if was == nil {
			s.Counts.Introduced++
			s.add(StatementLine{Event: EventIntroduction, Item: told, Due: r.Due(EventIntroduction, it.Introduced, firstDate(it.Introduced, on))})
			continue
		}
		if ch := r.notifiable(Changes(was, &told)); len(ch) > 0 {
			s.Counts.Changed++
			s.add(StatementLine{Event: EventChange, Item: told, Changes: ch, Due: r.Due(EventChange, it.Introduced, changeDay(was, it, on))})
		}
	}
	gone := make([]Item, 0, len(before))
	for _, was := range before {
		gone = append(gone, *was)
	}
	slices.SortFunc(gone, byOwnID)
	for _, was := range gone {
		s.Counts.Withdrawn++
		s.add(StatementLine{Event: EventWithdrawal, Item: was, Due: r.Due(EventWithdrawal, was.Introduced, on)})
	}
	for i := range s.Equipment {
		s.Counts.Entries++
		s.Counts.Devices += max(1, s.Equipment[i].Quantity)
	}
	switch {
	case len(s.Entries) == 0:
		return nil, fault.New(fault.Unmet, codeNothing)
	case len(s.Entries) > MaxStatement:
		return nil, fault.New(fault.TooLarge, "asset.statement.too_many", "max", MaxStatement)
	}
	return s, nil
}

func (s *Statement) add(l StatementLine) {
	l.No = len(s.Entries) + 1
	s.Entries = append(s.Entries, l)
}

func (s *Statement) leaveOut(r *Rules, it *Item, scope Scope) {
	out := LeftOut{Item: only(it, FieldKey, FieldKind, FieldMaker, FieldProduct, FieldQuantity), Exclusion: scope.Exclusion}
	for _, ex := range r.exclusions {
		if ex.ID == scope.Exclusion {
			out.Reason, out.Source = ex.Reason, ex.Source
		}
	}
	s.Excluded = append(s.Excluded, out)
}

// notifiable keeps the changes of fields whose change is notified.
func (r *Rules) notifiable(all []Change) []Change {
	var out []Change
	for _, c := range all {
		if f, ok := FieldNamed(c.Field); ok && r.items[f].Change {
			out = append(out, c)
		}
	}
	return out
}

// NotifiedFields lists the fields that a statement carries, in the order of
// the columns.
func (r *Rules) NotifiedFields() []Field {
	var out []Field
	for _, f := range Fields() {
		if r.items[f].Notify {
			out = append(out, f)
		}
	}
	return out
}

// told is what a statement says of a piece of equipment: the notified fields
// and no other. A register holds more of an attacker's map than the law asks
// for, and that stays at home.
func (r *Rules) told(it *Item) Item { return only(it, r.NotifiedFields()...) }

func only(it *Item, fields ...Field) Item {
	out := Item{ID: it.ID}
	for _, f := range fields {
		copyField(&out, it, f)
	}
	return out
}

// byOwnID orders equipment by the operator's own id, then by ours, so that two
// statements of one register list it in the same order.
func byOwnID(a, b Item) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.ID, b.ID)) }

func firstDate(dates ...Date) Date {
	for _, d := range dates {
		if !d.IsZero() {
			return d
		}
	}
	return Date{}
}

// changeDay is the day a change happened: the one written, when it is new
// since the last statement, else the day of this statement.
func changeDay(was, now *Item, on Date) Date {
	if !now.Changed.IsZero() && now.Changed != was.Changed {
		return now.Changed
	}
	return on
}

// WriteJSON writes the statement as JSON, indented, for machines and archives.
// [DecodeStatement] reads it back.
func (s *Statement) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(s)
}

// DecodeStatement reads the JSON of a statement as WriteJSON wrote it.
func DecodeStatement(r io.Reader) (*Statement, error) {
	var s Statement
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return nil, fault.New(fault.Usage, "asset.statement.unreadable").Because(err)
	}
	return &s, nil
}
