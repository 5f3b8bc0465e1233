package approval

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/geo"
)

// Bounds of an application.
const (
	maxShort      = 200       // characters of a name
	maxCapacity   = 1 << 24   // millions of bits a second
	maxQuantity   = 1 << 60   // packets or bytes
	maxAhead      = 400       // days before a period begins
	maxCount      = 1 << 30   // selectors
	maxCondition  = 1000      // characters
	maxConditions = 10        // of one vote
	maxOutcome    = 40        // bytes of the outcome of a use
	maxWait       = time.Hour // a period that begins earlier than now by more is over
)

// directionOf is the one direction of a kind.
var directionOf = map[Kind]geo.Class{ForeignForeign: geo.FF, ForeignDomestic: geo.FD, DomesticForeign: geo.DF}

// mistakes gathers what is wrong, by place.
type mistakes []fault.Place

func (m *mistakes) add(at, code string, pairs ...any) {
	*m = append(*m, fault.Place{At: at, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
}

func (m mistakes) err() error {
	if len(m) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, ErrInvalid.Code, "n", len(m)).At(m...)
}

// clean takes out of words what no reader sees: broken bytes, control characters
// and those that turn the direction of writing.
func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), "")))
}

// line is words on one line, in one spelling.
func line(s string) string { return strings.Join(strings.Fields(norm.NFKC.String(clean(s))), " ") }

// text checks words; needed ones may not be left out.
func (m *mistakes) text(at, s string, limit int, needed bool) string {
	s = clean(s)
	switch n := utf8.RuneCountInString(s); {
	case needed && !strings.ContainsFunc(s, unicode.IsLetter):
		m.add(at, "approval.bad.empty")
	case n > limit:
		m.add(at, "approval.bad.long", "max", limit)
	}
	return s
}

// list checks a list of short names; each once, in one order.
func (m *mistakes) list(at string, list []string, needed bool) []string {
	var out []string
	for _, s := range list {
		if s = line(s); s == "" {
			continue
		}
		if utf8.RuneCountInString(s) > maxShort {
			m.add(at, "approval.bad.long", "max", maxShort)
			return nil
		}
		out = append(out, s)
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) > maxList {
		m.add(at, "approval.bad.many", "max", maxList)
	}
	if needed && len(out) == 0 {
		m.add(at, "approval.bad.empty")
	}
	return out
}

// normal checks an application and writes it in its one form. base is what it
// extends, nil where it extends nothing; fields are the names that a record has,
// nil where nobody said.
func (r *Rules) normal(a Application, base *Case, fields []string, now time.Time) (Application, error) {
	var bad mistakes
	if !slices.Contains(Kinds, a.Kind) {
		bad.add("kind", "approval.bad.kind")
		return a, bad.err()
	}
	a.Grounds = bad.text("grounds", a.Grounds, maxWords, true)
	a.NoOther = bad.text("no_other_means", a.NoOther, maxWords, true)
	a.Necessity = bad.text("necessity", a.Necessity, maxWords, true)
	r.period(&bad, &a, base, now)
	if a.Kind == Reidentify {
		a = Application{Kind: a.Kind, From: a.From, Until: a.Until, Grounds: a.Grounds, NoOther: a.NoOther, Necessity: a.Necessity, Extends: a.Extends,
			Run: line(bad.text("run", a.Run, maxShort, true)), Subjects: bad.list("subjects", a.Subjects, true), Recipients: bad.list("recipients", a.Recipients, false)}
		return a, bad.err()
	}
	a.Run, a.Subjects, a.Measure, a.Plan = "", nil, "", ""
	r.selection(&bad, &a, fields)
	if base != nil {
		b := &base.Asked
		if a.Kind != b.Kind || a.Link != b.Link || a.Carrier != b.Carrier {
			bad.add("extends", "approval.bad.base")
		}
	}
	return a, bad.err()
}

// period checks from when until when.
func (r *Rules) period(bad *mistakes, a *Application, base *Case, now time.Time) {
	a.From, a.Until = a.From.UTC().Truncate(time.Second), a.Until.UTC().Truncate(time.Second)
	if base != nil && a.From.IsZero() {
		a.From = base.Until
	}
	rule := "months"
	switch {
	case a.From.IsZero():
		bad.add("from", "approval.bad.empty")
		if a.Until.IsZero() {
			bad.add("until", "approval.bad.empty")
		}
		return
	case base != nil && !a.From.Equal(base.Until):
		bad.add("from", "approval.bad.follow")
	case a.From.Before(now.Add(-maxWait)) && base == nil:
		bad.add("from", "approval.bad.past")
	case a.From.After(now.AddDate(0, 0, maxAhead)):
		bad.add("from", "approval.bad.ahead", "days", maxAhead)
	}
	if base != nil {
		rule = "extension_months"
	}
	switch {
	case a.Until.IsZero():
		bad.add("until", "approval.bad.empty")
	case !a.Until.After(a.From), !a.Until.After(now):
		bad.add("until", "approval.bad.period")
	case base != nil && r.Row(a.Kind, rule).Value == 0:
		bad.add("extends", "approval.bad.no_extension")
	case a.Until.After(r.last(a.Kind, a.From, base != nil)):
		bad.add("until", "approval.bad.months", "months", r.Row(a.Kind, rule).Value)
	}
}

// selection checks what is asked for when communications are to be selected.
func (r *Rules) selection(bad *mistakes, a *Application, fields []string) {
	want := directionOf[a.Kind]
	if len(a.Directions) == 0 {
		a.Directions = Ways{want}
	}
	if len(a.Directions) != 1 || a.Directions[0] != want {
		bad.add("directions", "approval.bad.direction")
	}
	a.Link = line(bad.text("link", a.Link, maxShort, true))
	if a.Carrier = line(a.Carrier); a.Carrier == "" {
		bad.add("carrier", "approval.bad.empty")
	}
	r.quantity(bad, a)
	a.Selectors.Hash = strings.ToLower(line(a.Selectors.Hash))
	if b, err := hex.DecodeString(a.Selectors.Hash); err != nil || len(b) != sha256.Size {
		bad.add("selectors/hash", "approval.bad.hash")
	}
	a.Selectors.Name = line(bad.text("selectors/name", a.Selectors.Name, maxShort, true))
	if a.Selectors.Count <= 0 || a.Selectors.Count > maxCount {
		bad.add("selectors/count", "approval.bad.count")
	}
	a.Targets = bad.list("targets", a.Targets, true)
	a.Fields = bad.list("fields", a.Fields, true)
	if fields != nil && slices.ContainsFunc(a.Fields, func(f string) bool { return !slices.Contains(fields, f) }) {
		bad.add("fields", "approval.bad.fields", "fields", strings.Join(fields, ", "))
	}
	if a.Addresses != "plain" && a.Addresses != "pseudonym" {
		bad.add("addresses", "approval.bad.addresses")
	}
	if most := r.Row(a.Kind, "retain_days").Value; a.RetainDays <= 0 || a.RetainDays > most {
		bad.add("retain_days", "approval.bad.retain", "days", most)
	}
	a.Recipients = bad.list("recipients", a.Recipients, true)
}

// quantity checks the cap: a part of the line, never all that passes (P4).
func (r *Rules) quantity(bad *mistakes, a *Application) {
	share := r.Row(a.Kind, "share_percent").Value
	switch {
	case a.Cap.Packets > maxQuantity || a.Cap.Bytes > maxQuantity:
		bad.add("cap", "approval.bad.cap_large")
		return
	case a.Cap == (Quantity{}):
		bad.add("cap", "approval.bad.cap")
	}
	if share == 0 {
		return
	}
	if a.Capacity <= 0 || a.Capacity > maxCapacity {
		bad.add("capacity_mbps", "approval.bad.capacity", "max", maxCapacity)
		return
	}
	if a.Share() > int64(share)*10 {
		bad.add("cap", "approval.bad.share", "percent", share)
	}
}
