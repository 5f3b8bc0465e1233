package incident

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// Answer is what a person typed into one question. It is taken as people
// write: full-width digits, 令和 dates, 万 and 億, units, 不明 and 調査中.
type Answer struct {
	State    ValueState     // chosen by hand; "" lets the text decide
	Text     []string       // one for most types; the ticked options; a list's lines
	Min, Max string         // of a range
	Rows     []Row          // of a table; the first of a record
	Zone     *time.Location // of an instant that names none; nil is Japan
}

// maxTyped bounds what is normalised at all, in bytes.
const maxTyped = 256 << 10

// Parse turns an answer into a value. An empty answer is the zero Value: the
// question is not answered yet, which is no fault. Places are as in Judge,
// with "/min", "/max" for the ends of a range.
func (f *Field) Parse(a Answer) (Value, []fault.Place) {
	p := &typed{f: f, zone: a.Zone}
	if p.zone == nil {
		p.zone = text.JST
	}
	v := p.answer(a)
	if len(p.bad) > 0 || !v.Answered() {
		return Value{}, p.bad
	}
	if bad := f.Judge(v); len(bad) > 0 {
		return Value{}, bad
	}
	return v, nil
}

// typed parses the answer to one field.
type typed struct {
	f    *Field
	zone *time.Location
	bad  []fault.Place
}

func (p *typed) fail(at string, err *fault.Error) {
	p.bad = append(p.bad, fault.Place{At: at, Code: err.Code, Args: err.Args})
}

func (p *typed) answer(a Answer) Value {
	for _, s := range append([]string{a.Min, a.Max}, a.Text...) {
		if len(s) > maxTyped {
			p.fail("", fault.New(fault.Invalid, "incident.value.long", "n", len(s), "max", maxTyped))
			return Value{}
		}
	}
	switch a.State {
	case Unknown, Investigating:
		return Value{State: a.State}
	case Range:
		return p.span(a.Min, a.Max)
	}
	switch p.f.Type {
	case TypeTable, TypeRecord:
		return p.rows(a.Rows)
	case TypeChoices, TypeList:
		return p.list(a.Text)
	}
	s := strings.TrimSpace(strings.Join(a.Text, "\n"))
	if s == "" {
		return Value{}
	}
	if st := p.stateOf(s); st != "" {
		return Value{State: st}
	}
	if p.f.Range {
		if v, ok := p.spanText(s); ok {
			return v
		}
	}
	return KnownValue(p.one("", s))
}

var stateWords = map[string]ValueState{
	"不明": Unknown, "わからない": Unknown, "分からない": Unknown, "わかりません": Unknown, "unknown": Unknown, "not known": Unknown, "n/k": Unknown,
	"調査中": Investigating, "確認中": Investigating, "調べている": Investigating, "investigating": Investigating,
	"being investigated": Investigating, "under investigation": Investigating, "tbd": Investigating,
}

// stateOf reads "unknown" and its like. In a free text that does not offer
// the state, the word is just text.
func (p *typed) stateOf(s string) ValueState {
	st := stateWords[strings.ToLower(strings.Trim(fold(s), "。. "))]
	free := p.f.Type == TypeText || p.f.Type == TypeLongText
	if free && (st == Unknown && !p.f.Unknown || st == Investigating && !p.f.Investigating) {
		return ""
	}
	return st
}

// fold normalises a text that is read by a machine: NFKC, one kind of blank.
func fold(s string) string {
	if len(s) > maxTyped {
		s = s[:maxTyped]
	}
	return strings.Join(strings.Fields(norm.NFKC.String(s)), " ")
}

// keep normalises a text that is kept as written: NFC, line ends, no
// characters nobody sees. One line unless lines are allowed.
func keep(s string, lines bool) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(norm.NFC.String(s))
	if !lines {
		s = strings.Join(strings.Fields(s), " ")
	}
	s = strings.Map(func(c rune) rune {
		if hidden(c) && (!lines || c != '\n' && c != '\t') {
			return -1
		}
		return c
	}, s)
	return strings.TrimSpace(s)
}

func (p *typed) span(low, high string) Value {
	v := Value{State: Range}
	if strings.TrimSpace(low) != "" {
		v.Min = p.one("/min", low)
	}
	if strings.TrimSpace(high) != "" {
		v.Max = p.one("/max", high)
	}
	if v.Min == nil && v.Max == nil {
		return Value{}
	}
	return v
}

// spanText reads a range written as one text: 1000〜1500, 100件以上, 5件未満,
// 11/3 19:00 から 20:30 are ranges; a date with hyphens is not.
func (p *typed) spanText(s string) (Value, bool) {
	s = strings.TrimSuffix(strings.ReplaceAll(fold(s), "〜", "~"), "の間")
	for _, w := range []string{"以上", "以後", "以降", " or more", "+"} {
		if head, ok := strings.CutSuffix(s, w); ok {
			return p.span(head, ""), true
		}
	}
	for _, w := range []string{"以下", "以前", "まで", " or less"} {
		if head, ok := strings.CutSuffix(s, w); ok && !strings.ContainsAny(head, "~") && !strings.Contains(head, "から") {
			return p.span("", head), true
		}
	}
	if head, ok := strings.CutSuffix(s, "未満"); ok && p.f.Type == TypeInteger {
		v := p.span("", head)
		if n, ok := v.Max.(int64); ok && n > 0 {
			v.Max = n - 1
		}
		return v, true
	}
	seps := []string{"~", "から", "–", "—", " to "}
	if p.f.Type == TypeInteger || p.f.Type == TypeNumber {
		seps = append(seps, "-")
	}
	for _, sep := range seps {
		low, high, ok := strings.Cut(s, sep)
		if !ok || strings.TrimSpace(low) == "" || strings.TrimSpace(high) == "" {
			continue
		}
		high = strings.TrimSuffix(strings.TrimSpace(high), "まで")
		return p.span(p.lend(low, high), p.borrow(low, high)), true
	}
	return Value{}, false
}

// lend gives the low end of a range the unit that only the high end has:
// 100〜200万円, 1〜2 BTC.
func (p *typed) lend(low, high string) string {
	if p.f.Type != TypeMoney {
		return low
	}
	if i := strings.LastIndexAny(low, "0123456789"); i == len(strings.TrimSpace(low))-1 {
		if j := strings.LastIndexAny(high, "0123456789"); j >= 0 && strings.Trim(low, "0123456789,. ") == "" {
			return low + high[j+1:]
		}
	}
	return low
}

// borrow gives the high end of a range the day that only the low end has:
// 2026/11/3 19:00〜20:30.
func (p *typed) borrow(low, high string) string {
	if p.f.Type == TypeInstant && clockOnly.MatchString(strings.TrimSpace(high)) {
		if loc := clockPart.FindStringIndex(low); loc != nil {
			return low[:loc[0]] + " " + high
		}
	}
	return high
}

// one reads a single value of the field's type.
func (p *typed) one(at, s string) any {
	var v any
	var err *fault.Error
	switch p.f.Type {
	case TypeInstant:
		v, err = parseInstant(s, p.zone)
	case TypeDate:
		v, err = parseDate(s)
	case TypeInteger:
		v, err = parseInteger(s, p.f.Unit.EN)
	case TypeNumber:
		v, err = parseNumber(s, p.f.Unit.EN)
	case TypeMoney:
		v, err = parseMoney(s)
	case TypeBool:
		v, err = parseBool(s)
	case TypeChoice:
		return pick(p.f.Options, s)
	default:
		return tidy(s, p.f.Check, p.f.Type == TypeLongText)
	}
	if err != nil {
		p.fail(at, err)
		return nil
	}
	return v
}

// pick returns the id of the option meant by id or by either label; what is
// none comes back folded, for the judge to refuse.
func pick(opts []Option, s string) string {
	s = fold(s)
	for _, o := range opts {
		if strings.EqualFold(s, o.ID) || s == fold(o.Label.JA) || strings.EqualFold(s, fold(o.Label.EN)) {
			return o.ID
		}
	}
	return s
}

func (p *typed) list(lines []string) Value {
	var out []string
	choices := p.f.Type == TypeChoices
	for _, line := range lines {
		parts := []string{line}
		if !choices {
			parts = strings.FieldsFunc(line, func(c rune) bool { return strings.ContainsRune("\n\r,、，;；", c) })
		}
		for _, s := range parts {
			if choices {
				s = pick(p.f.Options, s)
			} else {
				s = tidy(s, p.f.Check, false)
			}
			if s != "" && !slices.Contains(out, s) {
				out = append(out, s)
			}
			if len(out) > 10_000 { // over every limit: let the judge say so
				return KnownValue(out)
			}
		}
	}
	if len(out) == 1 {
		if st := p.stateOf(out[0]); st != "" {
			return Value{State: st}
		}
	}
	if len(out) == 0 {
		return Value{}
	}
	return KnownValue(out)
}

// rows tidies each cell by its column and drops rows nobody filled in.
func (p *typed) rows(rows []Row) Value {
	out := []Row{}
	if len(rows) > 10_000 {
		p.fail("", fault.New(fault.Invalid, "incident.value.many", "n", len(rows), "max", p.f.Max))
		return Value{}
	}
	for i, row := range rows {
		clean := Row{}
		for id, s := range row {
			c, ok := p.f.Column(id)
			if !ok || len(s) > maxTyped {
				p.fail(pointer("/"+strconv.Itoa(i), id), fault.New(fault.Invalid, "incident.key.unknown", "key", shorten(id)))
				continue
			}
			if s = p.columnText(c, row, i, s); s != "" {
				clean[id] = s
			}
		}
		if len(clean) > 0 {
			out = append(out, clean)
		}
	}
	switch {
	case len(out) == 0:
		return Value{}
	case p.f.Type == TypeRecord:
		return KnownValue(out[0])
	}
	return KnownValue(out)
}

func (p *typed) columnText(c *Column, row Row, i int, s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return ""
	}
	var err *fault.Error
	switch c.Type {
	case TypeInstant:
		s, err = parseInstant(s, p.zone)
	case TypeDate:
		s, err = parseDate(s)
	case TypeInteger:
		var n int64
		n, err = parseInteger(s, "")
		s = strconv.FormatInt(n, 10)
	case TypeChoice:
		return pick(c.Options, s)
	default:
		check := c.Check
		if check == "indicator" {
			o, _ := p.f.Column("type")
			check = indicatorCheck[pick(o.Options, row["type"])]
		}
		return tidy(s, check, c.Type == TypeLongText)
	}
	if err != nil {
		at := "/" + c.ID
		if p.f.Type == TypeTable {
			at = "/" + strconv.Itoa(i) + at
		}
		p.fail(at, err)
		return ""
	}
	return s
}

// refang undoes what people do to addresses so that nobody clicks on them.
var refang = strings.NewReplacer("[.]", ".", "(.)", ".", "[:]", ":", "[://]", "://", "[@]", "@", "hxxp", "http", "hXXp", "http")

// tidy normalises a text by the form it must have.
func tidy(s, check string, lines bool) string {
	switch check {
	case "corporate_number":
		return strings.Map(func(c rune) rune {
			if strings.ContainsRune(" -‐−ー", c) {
				return -1
			}
			return c
		}, fold(s))
	case "lei", "cve", "attack":
		return strings.ToUpper(strings.ReplaceAll(fold(s), " ", ""))
	case "phone":
		return strings.NewReplacer("−", "-", "‐", "-", "ー", "-", "–", "-").Replace(fold(s))
	case "mail":
		return refang.Replace(fold(s))
	case "host", "ip", "url":
		return refang.Replace(fold(s))
	case "sha256", "sha1", "md5":
		return strings.ToLower(fold(s))
	}
	return keep(s, lines)
}
