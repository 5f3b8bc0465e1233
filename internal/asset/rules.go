package asset

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/text"
)

// Rules are the rules of notification as data: what is in scope, what a notice
// excludes, when notification is due, which fields it carries, and what a
// register should not lack. A Rules is immutable after LoadRules.
type Rules struct {
	steps      []Step
	exclusions []Exclusion
	duties     []Duty
	items      map[Field]NotifiedItem
	gaps       []Gap
	house      House
}

// Event is what happened to a piece of equipment in the eyes of Act 42 art. 4.
type Event string

// The events. The Act names introduction and change; ceasing to use a piece
// of equipment is notified as a change.
const (
	EventIntroduction Event = "introduction"
	EventChange       Event = "change"
	EventWithdrawal   Event = "withdrawal"
)

// Duty is one row of the table of due dates.
type Duty struct {
	ID              string    `toml:"id" json:"id"`
	Event           Event     `toml:"event" json:"event"`
	IntroducedFrom  Date      `toml:"introduced_from" json:"introduced_from,omitzero"`   // introductions on or after this day
	IntroducedUntil Date      `toml:"introduced_until" json:"introduced_until,omitzero"` // introductions on or before this day
	Undated         bool      `toml:"undated" json:"undated,omitempty"`                  // introductions whose day nobody wrote
	Fixed           Date      `toml:"due" json:"due,omitzero"`                           // a day the law names
	Promptly        bool      `toml:"promptly" json:"promptly,omitempty"`                // the law says 速やかに or names no number
	HouseDays       int       `toml:"house_days" json:"house_days,omitempty"`            // our own target for "promptly", never statutory
	Verified        bool      `toml:"verified" json:"verified"`
	Source          text.Both `toml:"source" json:"source"`
	Reason          text.Both `toml:"reason" json:"reason"`
}

// NotifiedItem says whether a field goes into a statement, and whether a
// change of it makes a new statement due.
type NotifiedItem struct {
	Field    string `toml:"field"`
	Notify   bool   `toml:"notify"`
	Change   bool   `toml:"change"`
	Verified bool   `toml:"verified"`
}

// Gap is something a register should not lack. Its sentence is the word
// asset.gap.<ID> with the number n of devices.
type Gap struct {
	ID     string `toml:"id" json:"id"`
	Field  string `toml:"field" json:"field"`
	Other  string `toml:"other" json:"other,omitempty"` // filling this field instead is as good
	Zones  []Zone `toml:"zones" json:"zones,omitempty"` // none = every zone
	Kinds  []Kind `toml:"kinds" json:"kinds,omitempty"` // none = every kind
	Except []Kind `toml:"except" json:"except,omitempty"`
	Level  string `toml:"level" json:"level"` // act, attend or watch

	field, other Field
}

// House holds the numbers that are ours and not the law's, in days.
type House struct {
	SupportSoonDays int `toml:"support_soon_days" json:"support_soon_days"`
	StaleDays       int `toml:"stale_days" json:"stale_days"`
}

// LoadRules reads the rules that ship with the program. A file of the same
// name in extra (scope.toml, exclusions.toml, duties.toml at its root) takes
// the place of ours, so that a corrected order needs no new program; nil means
// none. Unknown keys, unknown fields and rules without source or reason are
// errors.
func LoadRules(extra fs.FS) (*Rules, error) {
	r := &Rules{items: map[Field]NotifiedItem{}}
	var scope struct {
		Step []Step `toml:"step"`
	}
	var excl struct {
		Exclusion []Exclusion `toml:"exclusion"`
	}
	var duties struct {
		Duty  []Duty         `toml:"duty"`
		Item  []NotifiedItem `toml:"item"`
		Gap   []Gap          `toml:"gap"`
		House House          `toml:"house"`
	}
	for name, into := range map[string]any{"scope.toml": &scope, "exclusions.toml": &excl, "duties.toml": &duties} {
		if err := decodeRules(extra, name, into); err != nil {
			return nil, err
		}
	}
	r.steps, r.exclusions, r.duties, r.gaps, r.house = scope.Step, excl.Exclusion, duties.Duty, duties.Gap, duties.House
	for _, it := range duties.Item {
		f, ok := FieldNamed(it.Field)
		if !ok {
			return nil, fmt.Errorf("asset rules: item: no field %q", it.Field)
		}
		r.items[f] = it
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("asset rules: %w", err)
	}
	return r, nil
}

func decodeRules(extra fs.FS, name string, into any) error {
	raw, err := data.ReadFile("data/" + name)
	if extra != nil {
		if own, e := fs.ReadFile(extra, name); e == nil {
			raw, err = own, nil
		}
	}
	if err != nil {
		return fmt.Errorf("asset rules: %w", err)
	}
	meta, err := toml.NewDecoder(bytes.NewReader(raw)).Decode(into)
	if err != nil {
		return fmt.Errorf("asset rules: %s: %w", name, err)
	}
	if left := meta.Undecoded(); len(left) > 0 {
		return fmt.Errorf("asset rules: %s: unknown key %q", name, left[0])
	}
	return nil
}

func (r *Rules) check() error {
	if err := r.checkScope(); err != nil {
		return err
	}
	events := map[Event]bool{}
	for _, d := range r.duties {
		switch {
		case d.ID == "" || d.Source.Empty() || d.Reason.Empty():
			return fmt.Errorf("duty %q: needs id, source and reason", d.ID)
		case !slices.Contains([]Event{EventIntroduction, EventChange, EventWithdrawal}, d.Event):
			return fmt.Errorf("duty %q: no event %q", d.ID, d.Event)
		case d.Fixed.IsZero() == !d.Promptly:
			return fmt.Errorf("duty %q: needs either due or promptly", d.ID)
		case d.HouseDays < 0 || d.HouseDays > 3650:
			return fmt.Errorf("duty %q: house_days is out of range", d.ID)
		}
		events[d.Event] = true
	}
	if len(events) != 3 {
		return fmt.Errorf("duties: each of introduction, change and withdrawal needs one")
	}
	// Between two boundaries the same row decides, so the boundary days and
	// their neighbours stand for every day there is.
	days := []Date{{}, {minYear, time.January, 1}, {maxYear, time.December, 31}}
	for _, d := range r.duties {
		for _, b := range []Date{d.IntroducedFrom, d.IntroducedUntil} {
			if !b.IsZero() {
				days = append(days, addDays(b, -1), b, addDays(b, 1))
			}
		}
	}
	for _, day := range days {
		if !slices.ContainsFunc(r.duties, func(d Duty) bool { return d.Event == EventIntroduction && d.fits(day) }) {
			return fmt.Errorf("duties: no row for an introduction on %q", day)
		}
	}
	for i := range r.gaps {
		g := &r.gaps[i]
		var ok bool
		if g.field, ok = FieldNamed(g.Field); !ok || g.ID == "" {
			return fmt.Errorf("gap %q: no field %q", g.ID, g.Field)
		}
		g.other = g.field
		if g.Other != "" {
			if g.other, ok = FieldNamed(g.Other); !ok {
				return fmt.Errorf("gap %q: no field %q", g.ID, g.Other)
			}
		}
		if !slices.Contains([]string{"act", "attend", "watch"}, g.Level) {
			return fmt.Errorf("gap %q: no level %q", g.ID, g.Level)
		}
	}
	if r.house.StaleDays <= 0 || r.house.SupportSoonDays <= 0 {
		return fmt.Errorf("house: support_soon_days and stale_days must be positive")
	}
	return nil
}

// House returns the numbers that are ours and not the law's.
func (r *Rules) House() House { return r.house }

// Gaps returns the rules of completeness, in the order of the data.
func (r *Rules) Gaps() []Gap { return slices.Clone(r.gaps) }

// Due is when a notification has to be made, and why.
type Due struct {
	Duty      string    `json:"duty"`                  // id of the row that decided
	Statutory Date      `json:"statutory,omitzero"`    // a day the law names; zero when the law says promptly
	House     Date      `json:"house_target,omitzero"` // our own target, never a legal deadline; zero when none follows
	HouseDays int       `json:"house_days,omitempty"`  // how it was counted: days after the event
	Promptly  bool      `json:"promptly,omitempty"`    // the law gives no number
	Verified  bool      `json:"verified"`              // found in a source
	Source    text.Both `json:"source"`                // article or notice
	Reason    text.Both `json:"reason"`                // why this row
}

// Due says when notification of an event is due. introduced is the day of
// introduction (zero when nobody wrote it); at is the day of the event itself,
// or the day it was recorded when the event has no day of its own. The first
// row of the table that fits decides.
func (r *Rules) Due(ev Event, introduced, at Date) Due {
	for _, d := range r.duties {
		if d.Event != ev || !d.fits(introduced) {
			continue
		}
		out := Due{Duty: d.ID, Statutory: d.Fixed, Promptly: d.Promptly, HouseDays: d.HouseDays, Verified: d.Verified, Source: d.Source, Reason: d.Reason}
		if d.Promptly && d.HouseDays > 0 && !at.IsZero() {
			out.House = addDays(at, d.HouseDays)
		}
		return out
	}
	panic("BUG: asset: no duty for event " + string(ev)) // check saw one for each event; see fits
}

func (d *Duty) fits(introduced Date) bool {
	if d.Event != EventIntroduction {
		return true
	}
	if introduced.IsZero() {
		return d.Undated
	}
	return !d.Undated && !introduced.Before(d.IntroducedFrom) && (d.IntroducedUntil.IsZero() || !d.IntroducedUntil.Before(introduced))
}

func addDays(d Date, n int) Date { return DateOf(d.In(time.UTC).AddDate(0, 0, n)) }

// daysBetween counts the days from a to b; negative when b is earlier.
func daysBetween(a, b Date) int { return int(b.In(time.UTC).Sub(a.In(time.UTC)).Hours() / 24) }

// Lacks returns the gaps of one piece of equipment, in the order of the data.
func (r *Rules) Lacks(it *Item) []Gap {
	var out []Gap
	for _, g := range r.gaps {
		if g.open(it) {
			out = append(out, g)
		}
	}
	return out
}

// lacks reports whether a piece of equipment has the gap of an id.
func (r *Rules) lacks(it *Item, gap string) bool {
	for i := range r.gaps {
		if r.gaps[i].ID == gap {
			return r.gaps[i].open(it)
		}
	}
	return false
}

func (g *Gap) open(it *Item) bool {
	return (len(g.Zones) == 0 || slices.Contains(g.Zones, it.Sealed.Zone)) &&
		(len(g.Kinds) == 0 || slices.Contains(g.Kinds, it.Kind)) &&
		!slices.Contains(g.Except, it.Kind) &&
		it.Value(g.field) == "" && it.Value(g.other) == ""
}

// Support says how a piece of equipment stands to the end of its support.
type Support string

// The states of support.
const (
	SupportUnknown Support = "unknown" // nobody wrote the day
	SupportEnded   Support = "ended"   // the day has passed
	SupportEnding  Support = "ending"  // within House.SupportSoonDays
	SupportFine    Support = "fine"
)

// Support returns the state of support today. Equipment is supported to the
// end of the day its support ends.
func (r *Rules) Support(it *Item, today Date) Support {
	switch {
	case it.SupportEnds.IsZero():
		return SupportUnknown
	case it.SupportEnds.Before(today):
		return SupportEnded
	case daysBetween(today, it.SupportEnds) <= r.house.SupportSoonDays:
		return SupportEnding
	}
	return SupportFine
}

// Tally adds up what a register lacks, item by item, in devices (an entry of
// quantity 3 counts three).
type Tally struct {
	Entries       int            `json:"entries"`
	Devices       int            `json:"devices"`
	Gaps          map[string]int `json:"gaps"` // gap id → devices
	SupportEnded  int            `json:"support_ended"`
	SupportEnding int            `json:"support_ending"`
	Excluded      int            `json:"excluded"` // by a notice; still reportable when compromised
}

// Add counts one piece of equipment as of today.
func (t *Tally) Add(r *Rules, it *Item, today Date) {
	n := max(1, it.Quantity)
	t.Entries++
	t.Devices += n
	if t.Gaps == nil {
		t.Gaps = map[string]int{}
	}
	for i := range r.gaps {
		if r.gaps[i].open(it) {
			t.Gaps[r.gaps[i].ID] += n
		}
	}
	switch r.Support(it, today) {
	case SupportEnded:
		t.SupportEnded += n
	case SupportEnding:
		t.SupportEnding += n
	}
	if _, how := r.Excluded(it, today); how == Yes {
		t.Excluded += n
	}
}

// Age is how long ago the entries of a register were last confirmed.
type Age struct {
	Entries int `json:"entries"`
	Median  int `json:"median_days"` // the lower of two middle values
	Oldest  int `json:"oldest_days"`
	Stale   int `json:"stale"` // entries over House.StaleDays
	Never   int `json:"never"` // never confirmed; they count in no other figure
}

// Age adds up when the entries of a register were last confirmed. A zero day
// is an entry that nobody has confirmed.
func (r *Rules) Age(confirmed []Date, today Date) Age {
	a := Age{Entries: len(confirmed)}
	days := make([]int, 0, len(confirmed))
	for _, d := range confirmed {
		if d.IsZero() {
			a.Never++
			continue
		}
		n := max(0, daysBetween(d, today))
		days = append(days, n)
		if n > r.house.StaleDays {
			a.Stale++
		}
	}
	if len(days) > 0 {
		slices.Sort(days)
		a.Median, a.Oldest = days[(len(days)-1)/2], days[len(days)-1]
	}
	return a
}
