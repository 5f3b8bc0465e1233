package act

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure"
	"noroshi/internal/measure/act/driver"
)

// Bounds of what is written.
const (
	maxWords  = 4000 // characters of a reason
	maxName   = 200
	maxIntel  = 100
	maxPlaces = 100 // mistakes that are named
	maxSample = 20  // targets that are shown without opening the list
)

// mistakes gathers what is wrong, by place.
type mistakes []fault.Place

func (m *mistakes) add(at, code string, pairs ...any) {
	*m = append(*m, fault.Place{At: at, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
}

// at adds a fault at an element of a list.
func (m *mistakes) at(list string, i int, err error) {
	f := fault.Of(err)
	*m = append(*m, fault.Place{At: fmt.Sprintf("%s/%d", list, i), Code: f.Code, Args: f.Args})
}

func (m mistakes) err() error {
	if len(m) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, ErrInvalid.Code, "n", len(m)).At(m...)
}

// text takes out what no reader sees and checks how long words are; needed ones
// may not be left out.
func (m *mistakes) text(at, s string, needed bool) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), "")))
	switch n := utf8.RuneCountInString(s); {
	case needed && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }):
		m.add(at, "act.bad.empty")
	case n > maxWords:
		m.add(at, "act.bad.long", "max", maxWords)
	}
	return s
}

// why checks the one text of an act.
func why(at, s string) (string, error) {
	var bad mistakes
	s = bad.text(at, s, true)
	return s, bad.err()
}

// task checks an order and puts it into the form that is approved. What depends
// on other nouns, the step of a plan and one's own networks, is checked elsewhere.
func (a *Ask) task(id ID, n *Numbers) (t Task, targets []string, said Said, bad mistakes) {
	t = Task{Order: id, Kind: a.Kind, Below: a.Below, Answer: a.Answer, Sources: a.Sources, Protocol: uint8(a.Protocol), Port: uint16(a.Port), Hours: a.Hours, Basis: a.Basis, Ground: a.Ground}
	if !slices.Contains(driver.Kinds, a.Kind) {
		bad.add("kind", "act.bad.choice")
		return t, nil, said, bad
	}
	targets, bad = list(a.Kind, a.Targets, n)
	t.Count, t.Targets = len(targets), digestOf(encodeList(targets))
	a.shape(&t, n, &bad)
	if a.Hours < 1 || a.Hours > n.MostHours.Value {
		bad.add("hours", "act.bad.hours", "max", n.MostHours.Value)
	}
	said.Grounds = bad.text("grounds", a.Grounds, true)
	switch {
	case !slices.Contains(Bases, a.Basis):
		bad.add("basis", "act.bad.choice")
	case a.Basis == Subscribers && !n.grounded(a.Ground):
		bad.add("ground", "act.bad.ground")
	case a.Basis == OwnBasis && (a.Ground != "" || a.GroundText != ""):
		bad.add("ground", "act.bad.no_ground")
	}
	said.GroundText = bad.text("ground_text", a.GroundText, a.Basis == Subscribers)
	if len(a.Intel) > maxIntel || slices.ContainsFunc(a.Intel, func(s string) bool { return s == "" || len(s) > maxName || strings.ContainsFunc(s, unicode.IsControl) }) {
		bad.add("intelligence", "act.bad.ids", "max", maxIntel)
	}
	said.Intel = a.Intel
	if (a.Case == "") != (a.Step == 0) {
		bad.add("step", "act.bad.step")
	}
	said.Sample = targets[:min(len(targets), maxSample)]
	said.Warned, said.count = warned(t.Kind, t.Below, targets)
	return t, targets, said, bad
}

// shape checks the fields that only some kinds have.
func (a *Ask) shape(t *Task, n *Numbers, bad *mistakes) {
	answers := []driver.Answer{driver.NoDomain, driver.NoData, driver.Walled}
	switch {
	case a.Kind == driver.Sinkhole && a.Answer == "":
		t.Answer = driver.NoDomain
	case a.Kind == driver.Sinkhole && !slices.Contains(answers, a.Answer):
		bad.add("answer", "act.bad.choice")
	case a.Kind != driver.Sinkhole && a.Answer != "":
		bad.add("answer", "act.bad.not_of_kind")
	}
	if a.Below && !byName(a.Kind) {
		bad.add("below", "act.bad.not_of_kind")
	}
	packets := a.Kind == driver.Filter || a.Kind == driver.FlowSpec
	if !packets && (a.Sources || a.Other != "" || a.Protocol != 0 || a.Port != 0) {
		bad.add("other", "act.bad.not_of_kind")
		return
	}
	if a.Protocol < 0 || a.Protocol > 255 {
		bad.add("protocol", "act.bad.choice")
	}
	if a.Port < 0 || a.Port > 65535 || a.Port != 0 && a.Protocol != 6 && a.Protocol != 17 {
		bad.add("port", "act.bad.port")
	}
	if a.Other != "" {
		p, err := prefix(a.Other, n)
		if err != nil {
			f := fault.Of(err)
			bad.add("other", f.Code)
			(*bad)[len(*bad)-1].Args = f.Args
		}
		t.Other = p
	}
}

// kindsOf are the kinds that a step of a plan may be carried out by.
var kindsOf = map[measure.StepKind][]driver.Kind{
	measure.OwnSinkhole: {driver.Sinkhole},
	measure.OwnBlock:    {driver.Filter, driver.FlowSpec, driver.Blackhole, driver.Proxy},
}

// onPlan refuses an order that is not what a step of a plan says: of another kind,
// of other targets, of what is below them, for longer. The step names its targets
// one by one, or the digest of their list; in front of each, "*." says that names
// below are meant too.
func onPlan(u measure.Under, t *Task, targets []string, n *Numbers) error {
	off := func(at string) error { return fault.New(fault.Refused, ErrOffPlan.Code, "what", part(at)) }
	if !slices.Contains(kindsOf[u.Step.Kind], t.Kind) {
		return off("kind")
	}
	if u.Step.Hours < t.Hours {
		return off("hours")
	}
	if _, after, ok := strings.Cut(u.Step.On, t.Targets); ok {
		if before := strings.TrimSuffix(u.Step.On, t.Targets+after); t.Below && !strings.HasSuffix(before, "*.") {
			return off("below")
		}
		return nil
	}
	var planned []string
	for _, w := range strings.FieldsFunc(u.Step.On, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == '、' }) {
		w, all := strings.CutPrefix(w, "*.")
		if t.Below && !all {
			return off("below")
		}
		x, err := target(t.Kind, w, n)
		if err != nil {
			return off("targets")
		}
		planned = append(planned, x)
	}
	slices.Sort(planned)
	if !slices.Equal(slices.Compact(planned), targets) {
		return off("targets")
	}
	return nil
}
