package asset

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/fault"
)

// Draft is an Item as somebody wrote it: text by field, before it is checked.
type Draft struct {
	Values  [fieldCount]string
	Further map[string]string
}

// Locate says where a field of a Draft stood in the input, as a template for
// the problems found in it: At and Args are kept, and Code is the prefix of
// the sentence, "asset." or, for rows of a table, "asset.import.", whose
// sentences also name {row} and {col}. A nil Locate names the field itself.
type Locate func(f Field) fault.Place

// New makes an Item of a Draft: trims, normalises, checks. It returns every
// problem it found, one place each; the Item is complete only without any.
// Maker and product are the only fields that must be filled. An empty kind
// becomes the one the product is known for, else KindOther; an empty quantity
// is 1.
func New(d *Draft, at Locate) (Item, []fault.Place) {
	c := checker{at: at}
	it := Item{
		Key:        c.line(FieldKey, d, MaxName),
		Maker:      c.line(FieldMaker, d, MaxName),
		Product:    c.line(FieldProduct, d, MaxName),
		Service:    c.line(FieldService, d, MaxName),
		OperatedBy: c.operator(d),
		Kind:       c.kind(d),
		Quantity:   c.quantity(d),
		Sealed: Sealed{
			Model:     c.line(FieldModel, d, MaxName),
			Version:   c.line(FieldVersion, d, MaxName),
			CPE:       c.cpe(d),
			PURL:      c.purl(d),
			Zone:      c.zone(d),
			Addresses: c.list(FieldAddresses, d, "address_bad", ParseAddress),
			Domains:   c.list(FieldDomains, d, "domain_bad", ParseDomain),
			Connects:  c.list(FieldConnects, d, "connects_bad", parseConnection),
			Site:      c.line(FieldSite, d, MaxName),
		},
	}
	it.Introduced = c.date(FieldIntroduced, d)
	it.Changed = c.date(FieldChanged, d)
	it.SupportEnds = c.date(FieldSupportEnds, d)
	if it.Maker == "" && !c.bad(FieldMaker) {
		c.add(FieldMaker, "maker_empty")
	}
	if it.Product == "" && !c.bad(FieldProduct) {
		c.add(FieldProduct, "product_empty")
	}
	if !it.Introduced.IsZero() && !it.Changed.IsZero() && it.Changed.Before(it.Introduced) {
		c.add(FieldChanged, "changed_before_introduced", "introduced", it.Introduced.String())
	}
	it.Further = c.further(d.Further)
	n := Names()
	it.MakerName, it.MakerKey = n.Maker(it.Maker)
	var known Kind
	it.ProductName, it.ProductKey, known = n.Product(it.MakerKey, it.Product)
	if it.Kind == "" {
		it.Kind = KindOther
		if known != "" {
			it.Kind = known
		}
	}
	return it, c.places
}

type checker struct {
	at     Locate
	places []fault.Place
	failed [fieldCount]bool
}

func (c *checker) bad(f Field) bool { return c.failed[f] }

// add notes a problem of a field. Pairs are further arguments of the sentence.
func (c *checker) add(f Field, code string, pairs ...any) {
	c.failed[f] = true
	p := fault.Place{At: f.String(), Code: "asset."}
	if c.at != nil {
		p = c.at(f)
	}
	p.Code += code
	if len(pairs) > 0 {
		p.Args = maps.Clone(p.Args)
		if p.Args == nil {
			p.Args = fault.Args{}
		}
		for i := 0; i+1 < len(pairs); i += 2 {
			p.Args[pairs[i].(string)] = pairs[i+1]
		}
	}
	c.places = append(c.places, p)
}

// line reads a single line of text.
func (c *checker) line(f Field, d *Draft, limit int) string {
	s, ok := c.clean(f, d.Values[f])
	if !ok {
		return ""
	}
	if len(s) > limit && utf8.RuneCountInString(s) > limit {
		c.add(f, "too_long", "max", limit)
		return ""
	}
	return s
}

// clean cleans a line and complains of one that cannot be.
func (c *checker) clean(f Field, s string) (string, bool) {
	s, ok := cleanLine(s)
	switch {
	case !ok:
		c.add(f, "hidden_characters")
	case strings.ContainsRune(s, utf8.RuneError): // what a wrong encoding leaves
		c.add(f, "broken_characters")
		ok = false
	}
	return s, ok
}

// cleanLine trims text, turns line breaks and runs of spaces into one space
// and drops the marks that copying leaves behind. It refuses control
// characters and the ones that turn the direction of writing, which would make
// a person approve something other than what is stored.
func cleanLine(s string) (string, bool) {
	plain := true
	for i := 0; i < len(s); i++ {
		if b := s[i]; b < ' ' || b >= 0x7f || b == ' ' && (i == 0 || i == len(s)-1 || s[i+1] == ' ') {
			plain = false
			break
		}
	}
	if plain {
		return s, true
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case r == '\u200b' || r == '\u00ad' || r == '\ufeff' || r == '\u2060':
			continue
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069',
			r == '\u200e' || r == '\u200f' || r == '\u061c', r == '\ufffe' || r == '\uffff':
			return "", false
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String(), true
}

// token reads a line that is a code rather than prose: full-width characters
// are folded to the ones they stand for.
func (c *checker) token(f Field, d *Draft, limit int) string {
	return nfkc(c.line(f, d, limit))
}

func nfkc(s string) string {
	if isASCII(s) {
		return s
	}
	return strings.TrimSpace(norm.NFKC.String(s))
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func (c *checker) kind(d *Draft) Kind {
	s := c.token(FieldKind, d, MaxName)
	if s == "" {
		return ""
	}
	k, ok := ParseKind(s)
	if !ok {
		c.add(FieldKind, "kind_unknown", "value", clip(s))
	}
	return k
}

func (c *checker) zone(d *Draft) Zone {
	s := c.token(FieldZone, d, MaxName)
	if s == "" {
		return ""
	}
	z, ok := ParseZone(s)
	if !ok {
		c.add(FieldZone, "zone_unknown", "value", clip(s))
	}
	return z
}

var counters = []string{"台", "個", "式", "基", "本", "組", "件", "units", "unit", "pcs"}

func (c *checker) quantity(d *Draft) int {
	s := c.token(FieldQuantity, d, MaxName)
	if s == "" {
		return 1
	}
	t := strings.ReplaceAll(s, ",", "")
	for _, u := range counters {
		if cut, ok := strings.CutSuffix(t, u); ok {
			t = strings.TrimSpace(cut)
			break
		}
	}
	if whole, zeros, ok := strings.Cut(t, "."); ok && strings.Trim(zeros, "0") == "" {
		t = whole
	}
	n, err := strconv.Atoi(t)
	if err != nil || !isDigits(t) || n < 1 || n > MaxQuantity {
		c.add(FieldQuantity, "quantity_bad", "value", clip(s), "max", MaxQuantity)
		return 0
	}
	return n
}

func quantityText(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func (c *checker) date(f Field, d *Draft) Date {
	s := c.token(f, d, MaxName)
	if s == "" || s == "-" || s == "未定" || s == "不明" {
		return Date{}
	}
	got, ok := ParseDate(s)
	if !ok {
		c.add(f, "date_bad", "value", clip(s))
	}
	return got
}

func (c *checker) operator(d *Draft) string {
	s := c.line(FieldOperatedBy, d, MaxName)
	t := strings.ReplaceAll(nfkc(s), "-", "")
	switch {
	case s == "":
		return ""
	case isOwn(t):
		return Own
	case !isDigits(t):
		return s
	case len(t) != 13:
		c.add(FieldOperatedBy, "corporate_length", "n", len(t))
	case !corporateNumber(t):
		c.add(FieldOperatedBy, "corporate_check", "value", t)
	default:
		return t
	}
	return ""
}

// corporateNumber checks the first digit of a 法人番号 against the other twelve:
// 9 minus the weighted sum modulo 9, the weights being 1 and 2 in turn from the
// last digit (Ordinance of the Ministry of Finance No. 70 of 2014, article 2).
func corporateNumber(s string) bool {
	sum := 0
	for i := 1; i < 13; i++ {
		w := 1
		if (12-i)%2 == 1 {
			w = 2
		}
		sum += w * int(s[i]-'0')
	}
	return int(s[0]-'0') == 9-sum%9
}

// list reads several values of one cell, each checked and made canonical by
// parse; duplicates are dropped, the order is kept.
func (c *checker) list(f Field, d *Draft, code string, parse func(string) (string, bool)) []string {
	raw := d.Values[f]
	if strings.TrimSpace(raw) == "" {
		return nil
	}
	var out []string
	for part := range splitList(raw) {
		clean, ok := c.clean(f, part)
		if !ok {
			return nil
		}
		if clean == "" {
			continue
		}
		if len(out) == MaxList {
			c.add(f, "too_many", "max", MaxList)
			return nil
		}
		v, ok := parse(clean)
		if !ok {
			c.add(f, code, "value", clip(clean))
			return nil
		}
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// splitList cuts at commas, semicolons, line breaks and their Japanese kin.
func splitList(s string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for s != "" {
			i := strings.IndexAny(s, ",;\n\r、，；|｜")
			if i < 0 {
				yield(s)
				return
			}
			_, n := utf8.DecodeRuneInString(s[i:])
			if !yield(s[:i]) {
				return
			}
			s = s[i+n:]
		}
	}
}

func joinList(list []string) string { return strings.Join(list, "; ") }

// further reads the further fields. Their place is "further/" and the name:
// Locate knows only our own fields.
func (c *checker) further(in map[string]string) map[string]string {
	var out map[string]string
	for _, name := range slices.Sorted(maps.Keys(in)) {
		k, ok1 := cleanLine(name)
		v, ok2 := cleanLine(in[name])
		switch {
		case v == "" && ok2 || k == "" && ok1:
			continue
		case !ok1 || !ok2 || utf8.RuneCountInString(v) > MaxFurtherV || utf8.RuneCountInString(k) > MaxName || strings.ContainsRune(k+v, utf8.RuneError):
			c.places = append(c.places, fault.Place{At: "further/" + clip(name), Code: "asset.further_bad", Args: fault.Args{"name": clip(name), "max": MaxFurtherV}})
		case len(out) == MaxFurther:
			c.places = append(c.places, fault.Place{At: "further/" + clip(name), Code: "asset.further_many", Args: fault.Args{"max": MaxFurther}})
			return out
		default:
			if out == nil {
				out = make(map[string]string, len(in))
			}
			out[k] = v
		}
	}
	return out
}

// clip shortens what somebody wrote for use in a sentence.
func clip(s string) string {
	const most = 40
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
