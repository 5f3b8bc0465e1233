package approval

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// say draws words with the printer at hand.
type say struct{ text.Printer }

// stateTag is how a state looks.
var stateTag = map[State]string{Asked: "ai", Examined: "watch", Approved: "good", Declined: "act", Withdrawn: "plain", Expired: "plain", GivenUp: "plain", Revoked: "act"}

func (p say) state(s State) string { return p.T("approval.state." + string(s)) }

// happened is a state as what was done.
func (p say) happened(s State) string {
	if key := "approval.past." + string(s); p.Has(key) {
		return p.T(key)
	}
	return p.state(s)
}

func (p say) kind(k Kind) string  { return p.T("approval.kind." + string(k)) }
func (p say) basis(k Kind) string { return p.T("approval.basis." + string(k)) }

func (p say) outcome(o string) string {
	if key := "approval.outcome." + o; o != "" && p.Has(key) {
		return p.T(key)
	}
	return o
}

// refusal is the sentence of a fault's code.
func (p say) refusal(code string) string {
	if p.Has(code) {
		return p.T(code)
	}
	return code
}

// bytes is a quantity on a line, which is larger than a file.
func (p say) bytes(n uint64) string {
	units := []string{"B", "KB", "MB", "GB", "TB", "PB", "EB"}
	v, i := float64(n), 0
	for v >= 1000 && i < len(units)-1 {
		v, i = v/1000, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") + " " + units[i]
}

func (p say) quantity(q Quantity) string {
	var out []string
	if q.Bytes > 0 {
		out = append(out, p.bytes(q.Bytes))
	}
	if q.Packets > 0 {
		out = append(out, p.T("approval.web.packets", "n", int64(q.Packets)))
	}
	if len(out) == 0 {
		return p.T("approval.web.nothing")
	}
	return strings.Join(out, p.T("approval.web.comma"))
}

// limit is a cap; that of what takes nothing in, such as a measure, is none.
func (p say) limit(q Quantity) string {
	if q == (Quantity{}) {
		return "–"
	}
	return p.quantity(q)
}

// share is a share in thousandths that was rounded up, as per cent.
func (p say) share(n int64) string {
	if n <= 0 {
		return "–"
	}
	out := strings.Replace(fmt.Sprintf("%d.%d %%", n/10, n%10), ".0", "", 1)
	if n == 1 {
		return p.T("approval.web.at_most", "share", out)
	}
	return out
}

// ofLine says which share of its line a cap is; empty where it cannot be said.
func (p say) ofLine(c *Case) string {
	if n := c.share(); n > 0 {
		return p.T("approval.web.of_line", "share", p.share(n))
	}
	return ""
}

// verb is an act that redeems approvals, in words.
func (p say) verb(v string) string {
	if key := "approval.verb." + strings.ReplaceAll(v, ".", "_"); p.Has(key) {
		return p.T(key)
	}
	return v
}

func (p say) list(l []string) string { return strings.Join(l, "\n") }

func (p say) tally(t *Tally) string {
	return p.T("approval.web.tally", "for", t.For, "against", t.Against, "quorum", t.Quorum, "members", t.Members)
}

// rate is how much a line carries, given in millions of bits a second.
func (p say) rate(mbps int64) string {
	if mbps >= 1000 && mbps%100 == 0 {
		return strings.TrimSuffix(fmt.Sprintf("%d.%d", mbps/1000, mbps%1000/100), ".0") + " Gbps"
	}
	return p.Number(mbps) + " Mbps"
}

// field is a field of a record in words.
func (p say) field(f string) string {
	if key := "approval.field." + f; p.Has(key) {
		return p.T(key)
	}
	return f
}

// fields are fields of a record in words, in the order of the words.
func (p say) fields(list []string) string {
	words := make([]string, 0, len(list))
	for _, f := range ordered(list) {
		words = append(words, p.field(f))
	}
	return strings.Join(words, p.T("approval.web.comma"))
}

// ordered sorts fields as a record has them: addresses, ports, what was seen.
func ordered(list []string) []string {
	at := func(f string) int {
		if i := slices.Index(fieldOrder, f); i >= 0 {
			return i
		}
		return len(fieldOrder)
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b string) int { return at(a) - at(b) })
	return list
}

// fieldOrder is the order in which fields are read out.
var fieldOrder = []string{"start", "end", "src", "sport", "dst", "dport", "direction", "proto", "app", "flags", "vlan", "tunnel", "name", "ja3", "ja4", "pkts", "bytes", "selector", "approval", "retain_until", "provenance"}

// recipients are the names of those who are given results; a kind of
// organisation, as agreements name it, is a word.
func (p say) recipients(list []string, names map[string]string) string {
	words := make([]string, 0, len(list))
	for _, r := range list {
		words = append(words, p.recipient(r, names))
	}
	return strings.Join(words, p.T("approval.web.comma"))
}

func (p say) recipient(r string, names map[string]string) string {
	if name := names[r]; name != "" {
		return name
	}
	if key := "approval.recipient." + r; p.Has(key) {
		return p.T(key)
	}
	return r
}

// core are the terms of a case: what an approval binds. Raw, fields and
// recipients stand in them as a paper has them.
func (p say) core(c *Case, names map[string]string) (out []page.Fact) {
	granted := c.granted()
	a := &granted
	fields, to := p.fields(a.Fields), p.recipients(a.Recipients, names)
	if len(c.Less.Fields) > 0 {
		fields += "\n" + p.T("approval.web.not_granted", "list", p.fields(c.Less.Fields))
	}
	if len(c.Less.Recipients) > 0 {
		to = strings.TrimPrefix(to+"\n"+p.T("approval.web.not_granted", "list", p.recipients(c.Less.Recipients, names)), "\n")
	}
	add := func(name, value string) {
		if value != "" {
			out = append(out, page.Fact{Name: p.T(name), Value: value})
		}
	}
	add("approval.web.kind", p.kind(a.Kind))
	add("approval.web.article", p.basis(a.Kind))
	period := p.Time(a.From) + " – " + p.Time(c.Until)
	if !c.Until.Equal(c.Asked.Until) {
		period += "\n" + p.T("approval.web.asked_until", "until", c.Asked.Until)
	}
	add("approval.web.period", period)
	if a.Kind.measures() {
		add("approval.web.plan", a.Plan)
		add("approval.web.conditions", p.list(c.Conditions))
		return out
	}
	if a.Kind == Reidentify {
		add("approval.web.run", a.Run)
		add("approval.web.subjects", p.list(a.Subjects))
		add("approval.web.recipients", to)
		add("approval.web.conditions", p.list(c.Conditions))
		return out
	}
	add("approval.web.link", a.Link)
	add("approval.web.carrier", names[a.Carrier])
	add("approval.web.party", names[c.Party])
	cap := p.quantity(c.Cap)
	if n := c.share(); n > 0 {
		cap += "\n" + p.T("approval.web.share_of", "share", p.share(n), "rate", p.rate(a.Capacity))
	}
	if c.Cap != c.Asked.Cap {
		cap += "\n" + p.T("approval.web.asked_cap", "cap", p.quantity(c.Asked.Cap))
	}
	add("approval.web.cap", cap)
	if a.Selectors.Name != "" {
		add("approval.web.selectors", p.T("approval.web.selector_count", "name", a.Selectors.Name, "n", a.Selectors.Count))
	}
	add("approval.web.targets", p.list(a.Targets))
	add("approval.web.fields", fields)
	addresses, retain := p.T("approval.addresses."+a.Addresses), p.T("approval.web.days", "n", a.RetainDays)
	if a.Addresses != c.Asked.Addresses {
		addresses += "\n" + p.T("approval.web.asked_else", "what", p.T("approval.addresses."+c.Asked.Addresses))
	}
	if a.RetainDays != c.Asked.RetainDays {
		retain += "\n" + p.T("approval.web.asked_else", "what", p.T("approval.web.days", "n", c.Asked.RetainDays))
	}
	add("approval.web.addresses", addresses)
	add("approval.web.retain", retain)
	add("approval.web.recipients", to)
	add("approval.web.conditions", p.list(c.Conditions))
	return out
}

// whyOf is the key of what the first of the reasons is called.
func (say) whyOf(k Kind) string {
	switch {
	case k.measures():
		return "approval.web.grounds_of_measure"
	case k == Reidentify:
		return "approval.web.grounds_of_opening"
	}
	return "approval.web.grounds"
}

// grounds are the reasons of a case, in the words of who asked.
func (p say) grounds(c *Case) []page.Fact {
	return []page.Fact{{Name: p.T(p.whyOf(c.Asked.Kind)), Value: c.Asked.Grounds}, {Name: p.T("approval.web.no_other"), Value: c.Asked.NoOther}, {Name: p.T("approval.web.necessity"), Value: c.Asked.Necessity}}
}

// guard is one requirement of a case: what the program checked, and what a
// person has to judge.
type guard struct {
	Class, Icon, Title, Say, Note, By string
}

// brief is below how many characters a reason is called short: a rule of this
// house. Whether it suffices people judge.
const brief = 20

// guards are the requirements of a case, in the order of the law.
func (s *Service) guards(p say, v *View, now time.Time) (out []guard) {
	c := &v.Case
	a := &c.Asked
	checked := func(ok bool, title, what, note string) {
		g := guard{"ok", "ok", p.T(title), what, note, p.T("approval.web.by_program")}
		if !ok {
			g.Class, g.Icon = "no", "alert"
		}
		out = append(out, g)
	}
	judged := func(title, what string, notes ...string) {
		out = append(out, guard{"ask", "question", p.T(title), what, strings.Join(notes, " "), p.T("approval.web.by_person")})
	}
	reason := func(title, words string) {
		if len([]rune(words)) < brief {
			judged(title, words, p.T("approval.web.brief", "n", brief))
			return
		}
		judged(title, words)
	}
	row := func(rule string) (int, string) {
		r := s.Rules.Row(c.kind, rule)
		if r.Verified {
			return r.Value, ""
		}
		return r.Value, p.T("approval.web.unverified", "source", r.Source)
	}
	reason(p.whyOf(a.Kind), a.Grounds)
	reason("approval.web.no_other", a.NoOther)
	reason("approval.web.necessity", a.Necessity)
	rule := "months"
	if a.Extends != "" {
		rule = "extension_months"
	}
	months, note := row(rule)
	checked(!a.Until.After(s.Rules.last(c.kind, a.From, a.Extends != "")), "approval.web.guard.period", p.T("approval.web.guard.months", "n", months)+" "+p.Date(a.From)+" – "+p.Date(a.Until), note)
	if a.Kind.selects() {
		var ways []string
		for _, w := range a.Directions {
			ways = append(ways, p.T("approval.way."+w.String()))
		}
		checked(len(a.Directions) > 0, "approval.web.guard.direction", strings.Join(ways, ", "), p.T("approval.web.guard.direction_note"))
		if most, note := row("share_percent"); most > 0 {
			checked(a.Share() <= int64(most)*10, "approval.web.guard.share", p.T("approval.web.guard.share_say", "share", p.share(a.Share()), "most", most), note)
		}
		days, note := row("retain_days")
		checked(a.RetainDays <= days, "approval.web.guard.retain", p.T("approval.web.guard.retain_say", "n", a.RetainDays, "most", days), note)
		list := "sha256 " + a.Selectors.Hash[:min(len(a.Selectors.Hash), 16)]
		if a.Selectors.Name != "" {
			list = p.T("approval.web.selector_count", "name", a.Selectors.Name, "n", a.Selectors.Count)
		}
		if v.Side == ExaminerSide || v.Side == MemberSide {
			others := slices.Clone(v.Earlier) // while it is examined; afterwards those of the opinion
			if v.Opinion != nil {
				others = append(others, v.Opinion.Compared...)
			}
			if slices.ContainsFunc(others, func(x Compared) bool { return slices.Contains(x.Same, SameLink) }) {
				judged("approval.web.link", a.Link)
			} else {
				judged("approval.web.link", a.Link, p.T("approval.web.link_new"))
			}
		}
		judged("approval.web.selectors", list)
		judged("approval.web.fields", p.fields(a.Fields))
		judged("approval.web.recipients", p.recipients(a.Recipients, v.Names))
	}
	checked(c.Open == 0, "approval.web.guard.questions", p.T("approval.web.guard.open", "n", c.Open), "")
	if c.State == Asked || c.State == Examined {
		checked(now.Before(a.Until), "approval.web.guard.time", p.Time(a.Until), "")
	}
	checked(true, "approval.web.guard.apart", p.T("approval.web.guard.apart_say"), "")
	return out
}
