package notice

import (
	"crypto/rand"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// Limits of what a sender writes, in characters and items.
const (
	maxTitle      = 120
	maxText       = 4000
	maxStepText   = 200
	maxIndicators = 500
	maxValue      = 500
	maxChecks     = 30
	maxAbout      = 50
	maxWhy        = 10
	maxWhyText    = 400
	maxRecipients = 10_000
	maxWords      = 4000 // of an answer, note or reason
	maxYears      = 3    // how far ahead a deadline may lie
)

// numberLetters are letters and digits that nobody takes for another.
const numberLetters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

// newNumber makes the number of a notice, to be read out on the telephone. It
// is random: one that counts would tell how many notices there are.
func newNumber() string {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	for i, b := range raw {
		raw[i] = numberLetters[b%32]
	}
	return "W-" + string(raw[:4]) + "-" + string(raw[4:])
}

// newID makes an id that sorts by time, for what only one organisation sees.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// newBlind makes an id that says nothing of when or in which order it was
// made, for what stands in one row per recipient.
func newBlind() string { return uuid.NewString() }

// problems collects what is wrong, each at its place: a JSON pointer.
type problems []fault.Place

func (p *problems) add(at, code string, pairs ...any) {
	if len(*p) < 100 {
		*p = append(*p, fault.Place{At: at, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
	}
}

func (p *problems) fault() error {
	if len(*p) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "notice.invalid", "n", len(*p)).At(*p...)
}

// tidy trims and bounds one text.
func (p *problems) tidy(at, s string, limit int) string {
	s = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\r\n", "\n"))
	if n := utf8.RuneCountInString(s); n > limit {
		p.add(at, "notice.field.long", "n", n, "max", limit)
	}
	return s
}

// line is both in one line each: a heading, or what to do.
func (p *problems) line(at string, b text.Both, limit int) text.Both {
	return p.both(at, text.Both{JA: strings.Join(strings.Fields(b.JA), " "), EN: strings.Join(strings.Fields(b.EN), " ")}, limit)
}

func (p *problems) both(at string, b text.Both, limit int) text.Both {
	return text.Both{JA: p.tidy(at+"/ja", b.JA, limit), EN: p.tidy(at+"/en", b.EN, limit)}
}

func (p *problems) mark(r *RuleSet, at string, t TLP) TLP {
	t = TLP(strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(string(t))), "TLP:"))
	if r.rank(t) < 0 {
		p.add(at, "notice.field.tlp")
	}
	return t
}

var vulnerabilityID = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._:-]{2,79}$`)

// vulnerability tidies an id. A CVE id has one spelling; others, as those of
// GitHub, mix letter cases.
func vulnerability(id string) string {
	id = strings.TrimSpace(id)
	if len(id) > 4 && strings.EqualFold(id[:4], "CVE-") {
		return strings.ToUpper(id)
	}
	return id
}

// Normal returns the content tidied, or a fault that names every place to
// correct. What is merely missing is for the check before sending: a draft may
// be kept at any stage.
func (r *RuleSet) Normal(c Content, now time.Time) (Content, error) {
	var p problems
	c.Title = p.line("/title", c.Title, maxTitle)
	if c.Severity == "" {
		c.Severity = Attend
	}
	if !slices.Contains(Severities, c.Severity) {
		p.add("/severity", "notice.field.severity")
	}
	if c.TLP == "" {
		c.TLP = Amber
	}
	c.TLP = p.mark(r, "/tlp", c.TLP)
	if c.Clearance < 0 || c.Clearance > 3 {
		p.add("/clearance", "notice.field.clearance")
	}
	if len(c.About) > maxAbout {
		p.add("/about", "notice.field.many", "max", maxAbout)
		c.About = c.About[:maxAbout]
	}
	c.About = slices.Clone(c.About)
	for i, v := range c.About {
		c.About[i] = vulnerability(v)
		if !vulnerabilityID.MatchString(c.About[i]) {
			p.add("/about/"+strconv.Itoa(i), "notice.field.vulnerability")
		}
	}
	slices.Sort(c.About)
	c.About = slices.Compact(c.About)
	if len(c.Item) > 60 {
		p.add("/item", "notice.field.long", "n", len(c.Item), "max", 60)
	}
	for _, t := range []struct {
		at   string
		when *time.Time
		past bool
	}{{"/answer_by", &c.AnswerBy, false}, {"/fix_by", &c.FixBy, false}, {"/known_at", &c.KnownAt, true}, {"/attack_seen_at", &c.AttackSeenAt, true}} {
		*t.when = t.when.UTC().Truncate(time.Microsecond)
		if t.when.IsZero() {
			continue
		}
		switch {
		case t.past && t.when.After(now.Add(time.Minute)):
			p.add(t.at, "notice.field.future")
		case t.when.After(now.AddDate(maxYears, 0, 0)) || t.when.Before(now.AddDate(-50, 0, 0)):
			p.add(t.at, "notice.field.far", "years", maxYears)
		}
	}
	if !c.FixBy.IsZero() && !c.AnswerBy.IsZero() && c.FixBy.Before(c.AnswerBy) {
		p.add("/fix_by", "notice.field.order")
	}
	p.versions(r, &c)
	return c, p.fault()
}

func (p *problems) versions(r *RuleSet, c *Content) {
	if c.Management != nil {
		m := *c.Management
		m.TLP = p.mark(r, "/management/tlp", m.TLP)
		m.What, m.SoWhat, m.Decide = p.both("/management/what", m.What, maxText), p.both("/management/so_what", m.SoWhat, maxText), p.both("/management/decide", m.Decide, maxText)
		c.Management = &m
	}
	if c.Technical != nil {
		t := *c.Technical
		t.TLP = p.mark(r, "/technical/tlp", t.TLP)
		t.Details = p.both("/technical/details", t.Details, maxText)
		if len(t.Indicators) > maxIndicators {
			p.add("/technical/indicators", "notice.field.many", "max", maxIndicators)
			t.Indicators = t.Indicators[:maxIndicators]
		}
		t.Indicators = slices.Clone(t.Indicators)
		for i := range t.Indicators {
			v, at := &t.Indicators[i], "/technical/indicators/"+strconv.Itoa(i)
			if v.Kind == "" {
				v.Kind = "other"
			}
			if !slices.Contains(IndicatorKinds, v.Kind) {
				p.add(at+"/kind", "notice.field.indicator")
			}
			v.Value, v.Note = p.tidy(at+"/value", v.Value, maxValue), p.tidy(at+"/note", v.Note, maxValue)
			if v.Value == "" {
				p.add(at+"/value", "notice.field.empty")
			}
		}
		if len(t.Checks) > maxChecks {
			p.add("/technical/checks", "notice.field.many", "max", maxChecks)
			t.Checks = t.Checks[:maxChecks]
		}
		t.Checks = slices.Clone(t.Checks)
		for i := range t.Checks {
			t.Checks[i] = p.both("/technical/checks/"+strconv.Itoa(i), t.Checks[i], maxValue)
		}
		c.Technical = &t
	}
	if c.Small != nil {
		s := *c.Small
		s.TLP = p.mark(r, "/small/tlp", s.TLP)
		s.Title, s.Note = p.line("/small/title", s.Title, maxTitle), p.both("/small/note", s.Note, maxStepText)
		if len(s.Steps) > maxSteps {
			p.add("/small/steps", "notice.field.steps", "n", len(s.Steps), "max", maxSteps)
			s.Steps = s.Steps[:maxSteps]
		}
		s.Steps = slices.Clone(s.Steps)
		for i := range s.Steps {
			at := "/small/steps/" + strconv.Itoa(i)
			s.Steps[i] = Step{p.line(at+"/do", s.Steps[i].Do, maxStepText), p.both(at+"/how", s.Steps[i].How, maxStepText)}
		}
		s.Helper.Name, s.Helper.Hours = p.both("/small/helper/name", s.Helper.Name, maxTitle), p.both("/small/helper/hours", s.Helper.Hours, maxTitle)
		s.Helper.Phone = p.phone("/small/helper/phone", s.Helper.Phone)
		c.Small = &s
	}
}

var phoneForm = regexp.MustCompile(`^\+?[0-9][0-9() -]{4,30}$`)

func (p *problems) phone(at, s string) string {
	s = strings.NewReplacer("‐", "-", "−", "-", "ー", "-", "–", "-").Replace(strings.TrimSpace(fold(s)))
	if s != "" && !phoneForm.MatchString(s) {
		p.add(at, "notice.field.phone")
	}
	return s
}

func (p *problems) address(at, s string) string {
	s = strings.ToLower(strings.TrimSpace(fold(s)))
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s || len(s) > 254 || strings.ContainsAny(s, "\"\\ ") {
		p.add(at, "notice.field.mail")
	}
	return s
}

// why tidies the reasons why somebody is told.
func (p *problems) why(at string, list []text.Both) (out []text.Both) {
	for i, w := range list {
		if i >= maxWhy {
			p.add(at, "notice.field.many", "max", maxWhy)
			break
		}
		if w = p.both(fmt.Sprintf("%s/%d", at, i), w, maxWhyText); w.JA != "" || w.EN != "" {
			out = append(out, w)
		}
	}
	return out
}

// versionsOf tidies a choice of versions; none chosen is all that were written.
func versionsOf(c *Content, chosen []Kind) (out []Kind) {
	for _, k := range Kinds {
		if c.Has(k) && (len(chosen) == 0 || slices.Contains(chosen, k)) {
			out = append(out, k)
		}
	}
	return out
}

// said returns the words in a language, the Japanese ones when there are no
// others: an urgent warning does not wait for its translation.
func said(b text.Both, l text.Lang) string {
	if s := b.In(l); s != "" {
		return s
	}
	if b.JA != "" {
		return b.JA
	}
	return b.EN
}
