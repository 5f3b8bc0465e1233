package org

import (
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// ID is the id of an organisation.
type ID string

// Kind is what an organisation is to the platform; it may be several.
type Kind string

// The kinds.
const (
	Operator   Kind = "operator"   // 特別社会基盤事業者
	Ministry   Kind = "ministry"   // 所管省: competent for sectors
	Office     Kind = "office"     // 国家統括室
	Police     Kind = "police"     // 警察庁
	Prefecture Kind = "prefecture" // 都道府県警察
	Privacy    Kind = "privacy"    // 個人情報保護の委員会
	JPCERT     Kind = "jpcert"     // 民間の調整機関
	Commission Kind = "commission" // 監理委員会
	Carrier    Kind = "carrier"    // 電気通信事業者
	Maker      Kind = "maker"      // 電子計算機等供給者
	Contractor Kind = "contractor" // 保守・運用の請負先
	Supplier   Kind = "supplier"   // 取引先の中小企業
	Defence    Kind = "defence"    // 自衛隊
	Foreign    Kind = "foreign"    // 外務省
	Safety     Kind = "safety"     // 国家公安委員会
	Hub        Kind = "hub"        // who runs this hub
)

// Kinds lists every kind, in the order of the flow of data.
var Kinds = []Kind{Operator, Ministry, Office, Police, Prefecture, Privacy, JPCERT, Commission, Carrier, Maker, Contractor, Supplier, Defence, Foreign, Safety, Hub}

// bodies are the kinds whose existence is public, because the law names them:
// everybody who is signed in may see that they are here.
var bodies = []Kind{Ministry, Office, Police, Prefecture, Privacy, JPCERT, Commission, Defence, Foreign, Safety}

// Org is an organisation.
type Org struct {
	ID        ID        `json:"id"`
	Number    Number    `json:"number,omitempty"` // empty for those who have none
	Name      text.Both `json:"name"`             // English may be empty
	Kana      string    `json:"kana,omitempty"`   // reading, in katakana; sorts the lists
	Kinds     []Kind    `json:"kinds"`
	Sectors   []string  `json:"sectors"` // it belongs to (operator) or is competent for (ministry)
	Contacts  []Contact `json:"contacts,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	Version   int64     `json:"version"` // counts changes; a change names the one it saw
}

// Is reports whether the organisation is of the kind.
func (o Org) Is(k Kind) bool { return slices.Contains(o.Kinds, k) }

// In returns the name in a language; the Japanese one when there is no other.
func (o Org) In(l text.Lang) string {
	if s := o.Name.In(l); s != "" {
		return s
	}
	return o.Name.JA
}

// Duty says what a contact is there for.
type Duty string

// The duties of a contact, as the common forms ask for them.
const (
	Responsible Duty = "responsible" // the responsible person
	Window      Duty = "window"      // the window for questions
	AllHours    Duty = "all_hours"   // reached at any hour of any day
)

// Duties lists the duties.
var Duties = []Duty{Responsible, Window, AllHours}

// Contact is a way to reach an organisation.
type Contact struct {
	Duty       Duty   `json:"duty"`
	Name       string `json:"name"`
	Department string `json:"department,omitempty"`
	Mail       string `json:"mail,omitempty"`
	Phone      string `json:"phone,omitempty"`
}

// Limits of text, in characters.
const (
	maxName     = 120
	maxPhone    = 40
	maxMail     = 254 // RFC 5321 section 4.5.3.1.3
	maxContacts = 20
)

// problems collects what is wrong, each at the name of its field.
type problems []fault.Place

func (p *problems) add(at, code string, pairs ...any) {
	*p = append(*p, fault.Place{At: at, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
}

// because adds the fault err, when there is one, at a field.
func (p *problems) because(at string, err error) {
	if f := fault.Of(err); f != nil {
		*p = append(*p, fault.Place{At: at, Code: f.Code, Args: f.Args})
	}
}

// fault returns the fault of code with all places, or nil when there is none.
func (p problems) fault(code string) error {
	if len(p) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, code, "n", len(p)).At(p...)
}

// line tidies one line of text: NFKC for what is typed in full width, no
// control characters, one space where there were several.
func line(s string) string {
	s = norm.NFKC.String(strings.ToValidUTF8(clip(s), ""))
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

func (p *problems) text(at, s string, need bool, limit int) string {
	s = line(s)
	if n := utf8.RuneCountInString(s); n > limit {
		p.add(at, "org.field.long", "max", limit)
	} else if n == 0 && need {
		p.add(at, "org.field.empty")
	}
	return s
}

// address returns a mail address in its one stored form, lower case: no
// provider in use tells addresses apart by case, and people type both.
func (p *problems) address(at, s string, need bool) string {
	s = strings.ToLower(line(s))
	if s == "" {
		if need {
			p.add(at, "org.field.empty")
		}
		return s
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > maxMail || strings.ContainsAny(s, "\"\\ ") {
		p.add(at, "org.mail.form")
	}
	return s
}

// Normal returns the organisation with tidy fields, or a fault that names
// every field to correct. Faults: org.invalid with places.
func (o Org) Normal(sectors *Sectors) (Org, error) {
	var p problems
	if o.Number != "" {
		n, err := ParseNumber(string(o.Number))
		p.because("number", err)
		o.Number = n
	}
	o.Name.JA = p.text("name.ja", o.Name.JA, true, maxName)
	o.Name.EN = p.text("name.en", o.Name.EN, false, maxName)
	o.Kana = p.kana("kana", o.Kana)
	o.Kinds = normalSet(o.Kinds)
	for i, k := range o.Kinds {
		if !slices.Contains(Kinds, k) {
			p.add(index("kinds", i), "org.kind.unknown", "kind", string(k))
		}
	}
	if len(o.Kinds) == 0 {
		p.add("kinds", "org.kind.missing")
	}
	o.Sectors = normalSet(o.Sectors)
	for i, s := range o.Sectors {
		if _, ok := sectors.Find(s); !ok {
			p.add(index("sectors", i), "org.sector.unknown", "sector", s)
		}
	}
	if len(o.Sectors) == 0 && (o.Is(Operator) || o.Is(Ministry)) {
		p.add("sectors", "org.sector.missing")
	}
	o.Contacts = p.contacts(o.Contacts)
	return o, p.fault("org.invalid")
}

func (p *problems) contacts(list []Contact) []Contact {
	if len(list) > maxContacts {
		p.add("contacts", "org.contact.many", "max", maxContacts)
		return nil
	}
	out := slices.Clone(list)
	for i := range out {
		c, at := &out[i], index("contacts", i)
		if !slices.Contains(Duties, c.Duty) {
			p.add(at+".duty", "org.contact.duty", "duty", string(c.Duty))
		}
		c.Name = p.text(at+".name", c.Name, true, maxName)
		c.Department = p.text(at+".department", c.Department, false, maxName)
		c.Mail = p.address(at+".mail", c.Mail, false)
		c.Phone = p.phone(at+".phone", c.Phone)
		if c.Mail == "" && c.Phone == "" {
			p.add(at, "org.contact.unreachable")
		}
	}
	return out
}

// phone accepts digits with a leading +, spaces, hyphens and brackets, and an
// extension after "内線" or "ext".
func (p *problems) phone(at, s string) string {
	s = strings.NewReplacer("‐", "-", "−", "-", "ー", "-", "–", "-").Replace(line(s))
	number := s
	for _, mark := range []string{"内線", "ext"} {
		number, _, _ = strings.Cut(number, mark)
	}
	digits := 0
	for i, r := range number {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '+' && i == 0, strings.ContainsRune(" -()", r):
		default:
			digits = -maxPhone
		}
	}
	if s != "" && (digits < 5 || digits > 15 || len(s) > maxPhone) { // 15: ITU-T E.164
		p.add(at, "org.phone.form")
	}
	return s
}

// kana returns a reading in katakana; hiragana is turned into it.
func (p *problems) kana(at, s string) string {
	s = p.text(at, s, false, maxName)
	var b strings.Builder
	for _, r := range s {
		if r >= 'ぁ' && r <= 'ゖ' {
			r += 'ァ' - 'ぁ'
		}
		if !(r >= 'ァ' && r <= 'ー' || r == ' ' || r >= '0' && r <= '9') {
			p.add(at, "org.kana.form")
			return s
		}
		b.WriteRune(r)
	}
	return b.String()
}

// normalSet returns the distinct values in order of first appearance, cut to
// a size nobody needs to exceed.
func normalSet[T ~string](list []T) []T {
	out := make([]T, 0, len(list))
	for _, v := range list {
		v = T(line(string(v)))
		if v != "" && !slices.Contains(out, v) && len(out) < 50 {
			out = append(out, v)
		}
	}
	return out
}

func index(name string, i int) string { return name + "[" + strconv.Itoa(i) + "]" }
