package incident

import (
	"cmp"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"noroshi/internal/base/fault"
	"noroshi/internal/org"
)

// Validate checks every answer against its question. The error is ErrInvalid
// with a place, a JSON pointer, per problem; nil when there is none. It does
// not ask whether anything is missing: that depends on who gets the report.
func (r *Report) Validate() error {
	if at := r.problems(); len(at) > 0 {
		return refuse(ErrInvalid, at)
	}
	return nil
}

// clockSkew is how far ahead a reporter's clock may be of ours.
const clockSkew = 5 * time.Minute

// Ahead returns the answers that tell of a past that has not come yet.
// Whether they do depends on now, so that Validate cannot judge it.
func (r *Report) Ahead(now time.Time) (bad []fault.Place) {
	limit := now.Add(clockSkew)
	for _, id := range r.Fields() {
		f, ok := Dictionary().Get(id)
		if !ok || !f.Past {
			continue
		}
		v := r.Values[id]
		for _, x := range []any{v.V, v.Min, v.Max} {
			s, _ := x.(string)
			if t, err := time.Parse(time.RFC3339, s); err == nil && t.After(limit) {
				bad = append(bad, fault.Place{At: pointer("/values", string(id)), Code: "incident.value.ahead"})
				break
			}
		}
	}
	return bad
}

func (r *Report) problems() (bad []fault.Place) {
	say := func(at, code string, pairs ...any) {
		bad = append(bad, fault.Place{At: at, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
	}
	if r.Format != Format {
		say("/format", "incident.report.format", "want", Format)
	}
	if r.ID != "" && !validID(r.ID) {
		say("/id", "incident.report.id")
	}
	if r.Version < 1 || r.Version > 9999 {
		say("/version", "incident.report.version")
	}
	if !slices.Contains(Kinds, r.Kind) {
		say("/kind", "incident.report.one_of", "all", joined(Kinds))
	}
	if !slices.Contains(Stages, r.Stage) {
		say("/stage", "incident.report.one_of", "all", joined(Stages))
	}
	if r.Severity != "" && !slices.Contains(Severities, r.Severity) {
		say("/severity", "incident.report.one_of", "all", joined(Severities))
	}
	if !slices.Contains(TLPs, r.TLP) {
		say("/tlp", "incident.report.one_of", "all", joined(TLPs))
	}
	if _, ok := ClassOf(r.Class); !ok && r.Class != "" {
		say("/class", "incident.report.class", "class", shorten(r.Class))
	}
	for _, id := range r.Fields() {
		f, ok := Dictionary().Get(id)
		switch {
		case !ok:
			say(pointer("/values", string(id)), "incident.key.unknown", "key", shorten(string(id)))
			continue
		case slices.Contains(Kinds, r.Kind) && !f.For(r.Kind):
			say("/values/"+string(id), "incident.value.other_kind", "kind", string(r.Kind))
			continue
		}
		for _, p := range f.Judge(r.Values[id]) {
			p.At = "/values/" + string(id) + p.At // ids of the dictionary need no escape
			bad = append(bad, p)
		}
		if early, ok := r.Values[f.After].Instant(); ok {
			if late, ok := r.Values[id].Instant(); ok && late.Before(early) {
				say("/values/"+string(id), "incident.value.before", "other", string(f.After))
			}
		}
	}
	return bad
}

func joined[T ~string](all []T) string {
	parts := make([]string, len(all))
	for i, s := range all {
		parts[i] = string(s)
	}
	return strings.Join(parts, ", ")
}

// judge collects what is wrong with one value; places are relative to it.
type judge struct {
	f   *Field
	bad []fault.Place
}

func (j *judge) say(at, code string, pairs ...any) {
	j.bad = append(j.bad, fault.Place{At: at, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
}

// Judge returns what is wrong with an answer to the question. Places are JSON
// pointers below the value: "" the value, "/0/name" a cell of its first row.
func (f *Field) Judge(v Value) []fault.Place {
	j := &judge{f: f}
	switch v.State {
	case Known:
		j.known(v.V)
	case Range:
		j.span(v)
	case Unknown:
		if !f.Unknown {
			j.say("", "incident.value.no_unknown")
		}
	case Investigating:
		if !f.Investigating {
			j.say("", "incident.value.no_investigating")
		}
	case Redacted:
		j.say("", "incident.value.redacted")
	default:
		j.say("", "incident.value.none")
	}
	return j.bad
}

func (j *judge) span(v Value) {
	if !j.f.Range {
		j.say("", "incident.value.no_range")
		return
	}
	if v.Min == nil && v.Max == nil {
		j.say("", "incident.value.none")
		return
	}
	if v.Min != nil {
		j.at("/min", v.Min)
	}
	if v.Max != nil {
		j.at("/max", v.Max)
	}
	if v.Min == nil || v.Max == nil || len(j.bad) > 0 {
		return
	}
	switch order, ok := compare(j.f.Type, v.Min, v.Max); {
	case !ok:
		j.say("", "incident.value.currencies")
	case order > 0:
		j.say("", "incident.value.range_order")
	}
}

// at judges a part of the value under its own pointer.
func (j *judge) at(ptr string, v any) {
	n := len(j.bad)
	j.known(v)
	for i := n; i < len(j.bad); i++ {
		j.bad[i].At = ptr + j.bad[i].At
	}
}

// known judges a plain value; what it may be is told at Value.
func (j *judge) known(v any) {
	switch x := v.(type) {
	case string:
		if j.takes(TypeText, TypeLongText, TypeInstant, TypeDate, TypeMoney, TypeChoice) {
			j.cell("", j.f.Type, x, j.f.Max, j.f.Check, j.f.Options)
		}
	case int64:
		if j.takes(TypeInteger) && (x < 0 || x > safeInteger) {
			j.say("", "incident.value.negative")
		}
	case float64:
		if j.takes(TypeNumber) && (x < 0 || math.IsInf(x, 0) || math.IsNaN(x)) {
			j.say("", "incident.value.negative")
		}
	case bool:
		j.takes(TypeBool)
	case []string:
		if j.takes(TypeChoices, TypeList) {
			j.list(x)
		}
	case Row:
		if j.takes(TypeRecord) {
			j.row("", x)
		}
	case []Row:
		if !j.takes(TypeTable) {
			return
		}
		if j.count(len(x)) {
			for i, row := range x {
				j.row("/"+strconv.Itoa(i), row)
			}
		}
	default:
		j.say("", "incident.value.type")
	}
}

func (j *judge) takes(types ...FieldType) bool {
	ok := slices.Contains(types, j.f.Type)
	if !ok {
		j.say("", "incident.value.type")
	}
	return ok
}

func (j *judge) count(n int) bool {
	if n == 0 {
		j.say("", "incident.value.none")
	}
	if j.f.Max > 0 && n > j.f.Max {
		j.say("", "incident.value.many", "n", n, "max", j.f.Max)
	}
	return n > 0 && (j.f.Max == 0 || n <= j.f.Max)
}

func (j *judge) list(x []string) {
	if j.f.Type == TypeList && !j.count(len(x)) || j.f.Type == TypeChoices && len(x) == 0 {
		if len(j.bad) == 0 {
			j.say("", "incident.value.none")
		}
		return
	}
	kind, seen := TypeText, map[string]bool{}
	if j.f.Type == TypeChoices {
		kind = TypeChoice
		if len(x) > len(j.f.Options) {
			j.say("", "incident.value.many", "n", len(x), "max", len(j.f.Options))
			return
		}
	}
	for i, s := range x {
		at := "/" + strconv.Itoa(i)
		if seen[s] {
			j.say(at, "incident.value.twice", "value", shorten(s))
		}
		seen[s] = true
		j.cell(at, kind, s, maxEntry, j.f.Check, j.f.Options)
	}
}

// maxEntry is the length of one entry of a list, in characters.
const maxEntry = 1000

func (j *judge) row(at string, row Row) {
	for id := range row {
		if _, ok := j.f.Column(id); !ok {
			j.say(pointer(at, id), "incident.key.unknown", "key", shorten(id))
		}
	}
	for i := range j.f.Columns {
		c := &j.f.Columns[i]
		s, ok := row[c.ID]
		switch {
		case ok && c.Check == "indicator":
			j.cell(at+"/"+c.ID, c.Type, s, c.Max, indicatorCheck[row["type"]], nil)
		case ok:
			j.cell(at+"/"+c.ID, c.Type, s, c.Max, c.Check, c.Options)
		case c.Required:
			j.say(at+"/"+c.ID, "incident.value.cell_missing", "column", c.ID)
		}
	}
}

// cell judges one text of a type.
func (j *judge) cell(at string, kind FieldType, s string, most int, check string, opts []Option) {
	switch kind {
	case TypeText, TypeLongText:
		switch n := utf8.RuneCountInString(s); {
		case strings.TrimSpace(s) == "":
			j.say(at, "incident.value.none")
		case n > most:
			j.say(at, "incident.value.long", "n", n, "max", most)
		case strings.ContainsFunc(s, func(c rune) bool { return hidden(c) && (kind == TypeText || c != '\n' && c != '\t') }):
			j.say(at, "incident.value.control")
		case !forms[check](s):
			j.say(at, "incident.form."+check)
		}
	case TypeInstant:
		if t, err := time.Parse(time.RFC3339, s); err != nil || !plausible(t) {
			j.say(at, "incident.value.instant")
		}
	case TypeDate:
		if t, err := time.Parse(time.DateOnly, s); err != nil || !plausible(t) {
			j.say(at, "incident.value.date")
		}
	case TypeInteger:
		if n, err := strconv.ParseInt(s, 10, 64); err != nil || n < 0 || n > safeInteger || strconv.FormatInt(n, 10) != s {
			j.say(at, "incident.value.negative")
		}
	case TypeMoney:
		if _, _, ok := SplitMoney(s); !ok {
			j.say(at, "incident.value.money")
		}
	case TypeChoice:
		if _, ok := optionOf(opts, s); !ok {
			j.say(at, "incident.value.option", "value", shorten(s))
		}
	}
}

// hidden reports characters that a reader does not see and that could make a
// text read other than it is: controls and direction overrides.
func hidden(c rune) bool {
	return unicode.IsControl(c) || c >= 0x202A && c <= 0x202E || c >= 0x2066 && c <= 0x2069 || c == 0xFEFF
}

func plausible(t time.Time) bool { return t.Year() >= 1970 && t.Year() < 2200 }

var moneyForm = regexp.MustCompile(`^(0|[1-9][0-9]{0,17})(\.[0-9]{0,17}[1-9])? ([A-Z]{3,5})$`)

// SplitMoney returns the decimal amount and the currency of a normalised sum.
func SplitMoney(s string) (amount, currency string, ok bool) {
	if !moneyForm.MatchString(s) {
		return "", "", false
	}
	return strings.Cut(s, " ")
}

// compare orders two plain values of one field. It is not ok for sums in
// different currencies.
func compare(t FieldType, a, b any) (order int, ok bool) {
	switch x := a.(type) {
	case int64:
		y, ok := b.(int64)
		return cmp.Compare(x, y), ok
	case float64:
		y, ok := b.(float64)
		return cmp.Compare(x, y), ok
	case string:
		y, ok := b.(string)
		if !ok {
			return 0, false
		}
		switch t {
		case TypeInstant:
			p, err1 := time.Parse(time.RFC3339, x)
			q, err2 := time.Parse(time.RFC3339, y)
			return p.Compare(q), err1 == nil && err2 == nil
		case TypeMoney:
			n, c, ok1 := SplitMoney(x)
			m, d, ok2 := SplitMoney(y)
			if !ok1 || !ok2 || c != d {
				return 0, false
			}
			p, _ := new(big.Rat).SetString(n)
			q, _ := new(big.Rat).SetString(m)
			return p.Cmp(q), true
		}
		return cmp.Compare(x, y), true
	}
	return 0, false
}

// canonInstant writes an instant in RFC 3339 with seconds. What is no instant
// comes back as it is, for the judge to refuse.
func canonInstant(s string) string {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Format(time.RFC3339Nano)
		}
	}
	return s
}

// Instant returns a known instant, and whether it is one.
func (v Value) Instant() (time.Time, bool) {
	s, ok := v.Text()
	if !ok {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, s)
	return t, err == nil
}

// Earliest returns a known instant or the early end of a range. A clock that
// may have started at either starts at the earlier: nobody is late by hoping.
func (v Value) Earliest() (time.Time, bool) {
	if v.State == Range && v.Min != nil {
		v = KnownValue(v.Min)
	}
	return v.Instant()
}

var (
	cveForm    = regexp.MustCompile(`^CVE-(19|20)[0-9]{2}-[0-9]{4,10}$`)
	attackForm = regexp.MustCompile(`^T[0-9]{4}(\.[0-9]{3})?$`)
	phoneForm  = regexp.MustCompile(`^\+?[0-9(][0-9 ()-]{4,24}[0-9]( ?(ext|内線) ?[0-9]{1,8})?$`)
	mailForm   = regexp.MustCompile(`^[^\s@<>",;:\\]{1,64}@[A-Za-z0-9](-?[A-Za-z0-9])*(\.[A-Za-z0-9](-?[A-Za-z0-9])*)+$`)
	hostForm   = regexp.MustCompile(`^[\pL\pN_]([\pL\pN_-]{0,61}[\pL\pN])?(\.[\pL\pN_]([\pL\pN_-]{0,61}[\pL\pN])?)*\.?$`)
	hexForm    = regexp.MustCompile(`^[0-9a-f]+$`)
)

// indicatorCheck names the form that an indicator's value must have.
var indicatorCheck = map[string]string{"ip": "ip", "domain": "host", "url": "url", "mail": "mail", "sha256": "sha256", "sha1": "sha1", "md5": "md5"}

// forms are the further forms a text may have to have, by name. The fault of
// each is incident.form.<name>.
var forms = map[string]func(string) bool{
	"":                 func(string) bool { return true },
	"corporate_number": func(s string) bool { n, err := org.ParseNumber(s); return err == nil && string(n) == s },
	"lei":              validLEI,
	"phone":            phoneForm.MatchString,
	"mail":             func(s string) bool { return len(s) <= 254 && mailForm.MatchString(s) },
	"cve":              cveForm.MatchString,
	"attack":           attackForm.MatchString,
	"host":             func(s string) bool { return validIP(s) || len(s) <= 253 && hostForm.MatchString(s) },
	"ip":               validIP,
	"url":              validURL,
	"sha256":           func(s string) bool { return len(s) == 64 && hexForm.MatchString(s) },
	"sha1":             func(s string) bool { return len(s) == 40 && hexForm.MatchString(s) },
	"md5":              func(s string) bool { return len(s) == 32 && hexForm.MatchString(s) },
}

func validIP(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	if _, err := netip.ParsePrefix(s); err == nil {
		return true
	}
	_, err := netip.ParseAddrPort(s)
	return err == nil
}

func validURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && u.Host != ""
}

// validLEI checks the two check digits of ISO 17442: letters count as 10 to
// 35 and the whole number leaves 1 when divided by 97.
func validLEI(s string) bool {
	if len(s) != 20 {
		return false
	}
	rest := 0
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			rest = (rest*10 + int(c-'0')) % 97
		case c >= 'A' && c <= 'Z':
			rest = (rest*100 + int(c-'A') + 10) % 97
		default:
			return false
		}
	}
	return rest == 1
}
