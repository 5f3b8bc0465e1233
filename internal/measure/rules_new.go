package measure

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"noroshi/internal/base/fault"
)

// Bounds of what is written.
const (
	maxName     = 200  // characters of a name
	maxWords    = 4000 // of a reason
	maxSteps    = 50
	maxStops    = 20
	maxEvidence = 100
	maxRefs     = 30
	maxHours    = 8760 // a year
	maxAhead    = 60   // days before a plan begins
	maxOfficers = 20   // of one chain
)

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

// text takes out what no reader sees and checks how long words are; needed ones
// may not be left out.
func (m *mistakes) text(at string, s *string, limit int, needed bool) {
	*s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.ReplaceAll(*s, "\r\n", "\n"), "")))
	switch n := utf8.RuneCountInString(*s); {
	case needed && !strings.ContainsFunc(*s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }):
		m.add(at, "measure.bad.empty")
	case n > limit:
		m.add(at, "measure.bad.long", "max", limit)
	}
}

// list checks a list of texts.
func (m *mistakes) list(at string, list []string, most int, needed bool) {
	if len(list) > most {
		m.add(at, "measure.bad.many", "max", most)
	}
	if needed && len(list) == 0 {
		m.add(at, "measure.bad.empty")
	}
	for i := range list {
		m.text(at+"/"+strconv.Itoa(i), &list[i], maxWords, true)
	}
}

// check finds what is wrong with a threat package.
func (t *Threat) check() error {
	var bad mistakes
	bad.text("title", &t.Title, maxName, true)
	bad.target("machine", &t.Machine)
	bad.text("does", &t.Does, maxWords, true)
	bad.text("protected", &t.Protected, maxWords, true)
	bad.text("victims", &t.Victims, maxWords, false)
	if !slices.Contains(Ranks, t.Rank) {
		bad.add("rank", "measure.bad.choice")
	}
	if len(t.Evidence) == 0 {
		bad.add("evidence", "measure.bad.empty")
	}
	if len(t.Evidence) > maxEvidence {
		bad.add("evidence", "measure.bad.many", "max", maxEvidence)
	}
	for i := range t.Evidence {
		e, at := &t.Evidence[i], "evidence/"+strconv.Itoa(i)
		bad.text(at+"/noun", &e.Noun, maxName, true)
		bad.text(at+"/id", &e.ID, maxName, true)
		bad.text(at+"/says", &e.Says, 1000, false)
		bad.digest(at+"/digest", &e.Digest)
	}
	return bad.err()
}

// target checks an address, a network or a name, and writes it in its one form.
func (m *mistakes) target(at string, s *string) {
	t, ok := target(*s)
	if !ok {
		m.add(at, "measure.bad.target")
		return
	}
	*s = t
}

// digest checks a SHA-256 that may be left out.
func (m *mistakes) digest(at string, s *string) {
	*s = strings.ToLower(strings.TrimSpace(*s))
	if b, err := hex.DecodeString(*s); *s != "" && (err != nil || len(b) != 32) {
		m.add(at, "measure.bad.digest")
	}
}

// check finds what is wrong with an assessment; the conditions of the forces are
// asked of them alone.
func (a *Assessment) check(b Body) error {
	var bad mistakes
	for _, f := range []struct {
		at string
		f  *Finding
	}{{"unlawful", &a.Unlawful}, {"danger", &a.Danger}, {"urgent", &a.Urgent}, {"proportionate", &a.Proportionate}} {
		bad.text(f.at+"/grounds", &f.f.Grounds, maxWords, true)
	}
	bad.text("necessity", &a.Necessity, maxWords, true)
	bad.text("collateral", &a.Collateral, maxWords, true)
	if b == Defence {
		bad.text("organised/grounds", &a.Organised.Grounds, maxWords, true)
		bad.text("indispensable/grounds", &a.Indispensable.Grounds, maxWords, true)
	} else {
		a.Organised, a.Indispensable = Finding{}, Finding{}
	}
	return bad.err()
}

func (l *Location) check() error {
	var bad mistakes
	if !slices.Contains(Places, l.Place) {
		bad.add("place", "measure.bad.choice")
	}
	bad.text("country", &l.Country, 60, false)
	bad.text("grounds", &l.Grounds, maxWords, true)
	return bad.err()
}

func (w *Worksheet) check() error {
	var bad mistakes
	if !slices.Contains(Bases, w.Basis) {
		bad.add("basis", "measure.bad.choice")
	}
	bad.text("peril", &w.Peril, maxWords, true)
	bad.text("only_way", &w.OnlyWay, maxWords, true)
	bad.text("sovereignty", &w.Sovereignty, maxWords, true)
	bad.text("others", &w.Others, maxWords, true)
	bad.list("rules", w.Rules, maxRefs, false)
	return bad.err()
}

// check finds what is wrong with a plan, and writes its times by the second.
func (p *Plan) check(n *Numbers, now time.Time) error {
	var bad mistakes
	p.From, p.Until = p.From.UTC().Truncate(time.Second), p.Until.UTC().Truncate(time.Second)
	switch {
	case p.From.IsZero() || p.Until.IsZero() || !p.Until.After(p.From) || !p.Until.After(now):
		bad.add("until", "measure.bad.period")
	case p.Until.Sub(p.From) > n.WindowHours.hours():
		bad.add("until", "measure.bad.hours", "hours", n.WindowHours.Value)
	case p.From.After(now.AddDate(0, 0, maxAhead)):
		bad.add("from", "measure.bad.ahead", "days", maxAhead)
	}
	bad.text("ordinary", &p.Ordinary, maxWords, true)
	bad.text("deconflict", &p.Deconflict, maxWords, true)
	bad.list("stop_when", p.StopWhen, maxStops, true)
	if len(p.Steps) == 0 {
		bad.add("steps", "measure.bad.empty")
	}
	if len(p.Steps) > n.PlanSteps.Value {
		bad.add("steps", "measure.bad.many", "max", n.PlanSteps.Value)
	}
	for i := range p.Steps {
		s, at := &p.Steps[i], "steps/"+strconv.Itoa(i)
		c, ok := catalogued(s.Kind)
		if !ok {
			bad.add(at+"/kind", "measure.bad.choice")
		}
		if c.Mode == Asks {
			bad.text(at+"/on", &s.On, maxName, true)
		} else { // what is done is done to something that can be told
			bad.target(at+"/on", &s.On)
		}
		bad.text(at+"/what", &s.What, maxWords, true)
		bad.text(at+"/undo", &s.Undo, maxWords, c.Undo)
		if s.Hours < 0 || s.Hours > maxHours || c.Expires && s.Hours == 0 {
			bad.add(at+"/hours", "measure.bad.expires", "max", maxHours)
		}
	}
	return bad.err()
}

// reason checks one text.
func reason(at string, s *string) error {
	var bad mistakes
	bad.text(at, s, maxWords, true)
	return bad.err()
}
