package request

import (
	"encoding/hex"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/mail"
	"noroshi/internal/base/text"
)

// Bounds of what is written.
const (
	maxName     = 200 // characters
	maxWords    = 4000
	maxLines    = 10_000 // of one evidence's log lines, characters
	maxEvidence = 20
	maxHide     = 100
	maxURL      = 2000
	maxAhead    = 366 // days until which something may be asked
	// MaxAnswer bounds an answer that is pasted, in characters.
	MaxAnswer = 50_000
)

// TLPs are the marks that a mail may carry, the narrower first: a mail lies open on
// its way.
var TLPs = []string{"GREEN", "CLEAR"}

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

// words takes out what no reader sees and checks how long a text is.
func (m *mistakes) words(at string, s *string, limit int, needed bool) {
	*s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.ReplaceAll(*s, "\r\n", "\n"), "")))
	switch n := utf8.RuneCountInString(*s); {
	case needed && !strings.ContainsFunc(*s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }):
		m.add(at, "request.bad.empty")
	case n > limit:
		m.add(at, "request.bad.long", "max", limit)
	}
}

// line is a text on one line.
func (m *mistakes) line(at string, s *string, limit int, needed bool) {
	*s = strings.Join(strings.Fields(norm.NFKC.String(*s)), " ")
	m.words(at, s, limit, needed)
}

func (m *mistakes) address(at string, s *string, needed bool) {
	*s = strings.TrimSpace(*s)
	if *s == "" && !needed {
		return
	}
	a, err := mail.Address(*s)
	if err != nil || strings.ContainsFunc(a, func(r rune) bool { return r >= utf8.RuneSelf }) { // no SMTPUTF8 to be relied on
		m.add(at, "request.bad.mail")
		return
	}
	*s = a
}

// Normal checks a draft and writes it in its one form. Fault: ErrInvalid with
// places.
func (d Draft) Normal(now time.Time) (Draft, error) {
	var bad mistakes
	if !slices.Contains(Kinds, d.Kind) {
		bad.add("kind", "request.bad.choice")
	}
	if d.Case = strings.TrimSpace(d.Case); d.Case != "" && d.Step < 1 {
		bad.add("step", "request.bad.step")
	}
	if d.Case == "" {
		d.Step = 0
	}
	if d.TLP = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(d.TLP)), "TLP:"); d.TLP == "" {
		d.TLP = TLPs[0]
	}
	if !slices.Contains(TLPs, d.TLP) {
		bad.add("tlp", "request.bad.tlp")
	}
	d.By = d.By.UTC().Truncate(time.Minute)
	if !d.By.IsZero() && (!d.By.After(now) || d.By.Sub(now) > maxAhead*24*time.Hour) {
		bad.add("by", "request.bad.by", "days", maxAhead)
	}
	d.To = bad.contact(d.To, d.Kind)
	d.Subject = bad.subject(d.Subject, d.Kind)
	d.Evidence = bad.evidence(d.Evidence)
	bad.words("asked", &d.Asked, maxWords, d.Kind != Carrier)
	bad.words("victim.who", &d.Victim.Who, maxWords, false)
	d.Victim.Hide = bad.hide(d.Victim)
	if d.Kind == Carrier {
		if d.Case == "" {
			bad.add("case", "request.bad.power")
		}
		d.Order = bad.order(d.Order, now)
	} else {
		d.Order = Order{}
	}
	if err := bad.err(); err != nil {
		return d, err
	}
	return d, d.tear()
}

func (m *mistakes) contact(c Contact, k Kind) Contact {
	m.address("to.mail", &c.Mail, c.Org == "")
	m.line("to.name", &c.Name, maxName, false)
	m.line("to.provider", &c.Provider, maxName, k == Takedown || k == Provider)
	if c.Org != "" && k != Carrier {
		m.add("to.org", "request.bad.choice")
	}
	if !slices.Contains(text.Langs, c.Lang) {
		c.Lang = text.EN
	}
	if c.Source != ByRDAP {
		c.Source, c.FoundAt = ByHand, time.Time{}
	}
	return c
}

func (m *mistakes) subject(s Subject, k Kind) Subject {
	if s.Address = strings.TrimSpace(norm.NFKC.String(s.Address)); s.Address != "" {
		a, err := netip.ParseAddr(s.Address)
		if err != nil || a.Zone() != "" || a.IsUnspecified() {
			m.add("subject.address", "request.bad.address")
		} else {
			s.Address = a.Unmap().String()
		}
	}
	if s.Name = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(norm.NFKC.String(s.Name))), "."); s.Name != "" {
		ascii, err := idna.Lookup.ToASCII(s.Name)
		if err != nil || !strings.Contains(ascii, ".") {
			m.add("subject.name", "request.bad.name")
		} else {
			s.Name = ascii
		}
	}
	if s.URL = strings.TrimSpace(s.URL); s.URL != "" {
		u, err := url.Parse(s.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || len(s.URL) > maxURL || strings.ContainsFunc(s.URL, func(r rune) bool { return r <= ' ' || r >= utf8.RuneSelf }) {
			m.add("subject.url", "request.bad.url")
		} else if a, err := netip.ParseAddr(u.Hostname()); err != nil && s.Name == "" {
			s.Name = strings.ToLower(u.Hostname())
		} else if err == nil && s.Address == "" {
			s.Address = a.Unmap().String()
		}
	}
	if s.Address == "" && s.Name == "" && s.URL == "" {
		m.add("subject.address", "request.bad.machine")
	}
	if s.Port < 0 || s.Port > 65535 {
		m.add("subject.port", "request.bad.port")
	}
	if s.Protocol = strings.ToLower(strings.TrimSpace(s.Protocol)); s.Protocol != "" && !slices.Contains([]string{"tcp", "udp", "icmp", "sctp"}, s.Protocol) {
		m.add("subject.protocol", "request.bad.choice")
	}
	if s.Harm == "" {
		s.Harm = Another
	}
	if !slices.Contains(Harms, s.Harm) {
		m.add("subject.harm", "request.bad.choice")
	}
	m.words("subject.does", &s.Does, maxWords, k != Carrier)
	return s
}

func (m *mistakes) evidence(list []Evidence) []Evidence {
	if len(list) > maxEvidence {
		m.add("evidence", "request.bad.many", "max", maxEvidence)
		return list
	}
	for i := range list {
		e, at := &list[i], "evidence["+strconv.Itoa(i)+"]."
		if e.Noun == "" {
			e.Noun = "other"
		}
		if !slices.Contains([]string{"incident", "intel", "sighting", "selection", "hunt", "situation", "measure", "other"}, e.Noun) {
			m.add(at+"noun", "request.bad.choice")
		}
		m.line(at+"id", &e.ID, maxName, false)
		m.words(at+"says", &e.Says, 1000, true)
		m.words(at+"lines", &e.Lines, maxLines, false)
		if e.Digest = strings.ToLower(strings.TrimSpace(e.Digest)); e.Digest != "" {
			if b, err := hex.DecodeString(e.Digest); err != nil || len(b) != 32 {
				m.add(at+"digest", "request.bad.digest")
			}
		}
		if e.From, e.Until = e.From.UTC().Truncate(time.Second), e.Until.UTC().Truncate(time.Second); e.Until.IsZero() {
			e.Until = e.From
		}
		if e.From.IsZero() {
			m.add(at+"from", "request.bad.time")
		} else if e.Until.Before(e.From) {
			m.add(at+"until", "request.bad.period")
		}
	}
	return list
}

// hide tidies the words that would give a victim away. Who is named needs them, so
// that a mail can be held against them.
func (m *mistakes) hide(v Victim) (out []string) {
	if len(v.Hide) > maxHide {
		m.add("victim.hide", "request.bad.many", "max", maxHide)
		return v.Hide
	}
	for _, h := range v.Hide {
		if m.line("victim.hide", &h, maxName, false); h == "" {
			continue
		}
		if utf8.RuneCountInString(h) < 2 { // one character stands in every text
			m.add("victim.hide", "request.bad.short")
		}
		out = append(out, h)
	}
	if v.Who != "" && len(out) == 0 && !v.Released {
		m.add("victim.hide", "request.bad.hide")
	}
	return out
}
