package selector

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Warnings are lists of what catches everybody: public resolvers, registry
// suffixes, private networks. A selector that meets one is refused, unless it
// carries a reason and the name of a second person. The zero Warnings hold no
// list. They are not changed while a Builder uses them.
type Warnings struct {
	lists   []warnList
	nets    map[netip.Prefix]int32 // what is listed, by network; see covers
	lengths [2][129]bool           // which lengths there are, of IPv4 and IPv6
	inside  map[netip.Prefix]int32 // networks that contain something listed
	names   map[string]int32       // listed with everything below
	above   map[string]int32       // names that have something listed below
	texts   map[string]int32       // compared as a whole
	parts   []warnParts            // found anywhere within
	regexps []warnRegexp
	builtIn bool
}

type warnList struct {
	name  string
	kinds Needs // 0: every kind
}

// warnParts finds the entries of one list anywhere in a value.
type warnParts struct {
	find *Patterns
	list int32
}

type warnRegexp struct {
	re   *regexp.Regexp
	list int32
}

// WarnedError says that a selector meets a warning list, or that the override
// cannot be accepted.
type WarnedError struct {
	Problem Problem // WarnedListed, WarnedSame, WarnedAlone or WarnedNobody
	List    string  // the name of the list
	BuiltIn bool    // it is one of the lists that come with the program
	Kind    Kind
	Value   string // canonical
}

// Why a warned selector is refused.
const (
	WarnedListed Problem = "warned"           // no reason and no second person
	WarnedAlone  Problem = "warned_half"      // a reason without a name, or a name without a reason
	WarnedSame   Problem = "warned_same"      // who overrides is who lists
	WarnedNobody Problem = "warned_no_lister" // nobody said who lists, so nobody can be the second
)

func (e *WarnedError) Error() string {
	return fmt.Sprintf("selector: %s: %q is on the warning list %q", e.Problem, e.Value, e.List)
}

// warned refuses a selector that meets a list and is not overridden. Of one
// that meets none, reason and name are dropped: nothing was overridden.
func (b *Builder) warned(s *Selector, v *parsed) error {
	list, name, own := b.o.Warnings.find(v)
	if list == "" {
		s.Reason, s.By = "", ""
		return nil
	}
	e := &WarnedError{List: list, BuiltIn: own, Kind: v.form.kind(), Value: shown(name)}
	reason, by := strings.TrimSpace(s.Reason), strings.TrimSpace(s.By)
	switch {
	case reason == "" && by == "":
		e.Problem = WarnedListed
	case reason == "" || by == "":
		e.Problem = WarnedAlone
	case strings.TrimSpace(b.o.Lister) == "":
		e.Problem = WarnedNobody
	case samePerson(by, b.o.Lister):
		e.Problem = WarnedSame
	default:
		s.Reason, s.By = reason, by
		b.overridden++
		return nil
	}
	return e
}

// unwarned returns a *FileError for the first selector of a compiled list that
// meets a list and that nobody overrode: whoever compiled it did not look.
func (w *Warnings) unwarned(b *body) error {
	own := make([]bool, len(b.metas)/metaSize)
	for i := range own {
		own[i] = b.meta(uint32(i)).By != ""
	}
	for id, o := range b.all {
		if own[o.row] {
			continue
		}
		v := parsed{o.form, o.value}
		if list, value, _ := w.find(&v); list != "" {
			return damaged("selector %d, %s, is on the warning list %q and nobody overrode it", id, shown(value), list)
		}
	}
	return nil
}

// Overridden returns how many selectors meet a warning list and were taken with
// the reason of a second person, and the names of those persons, the first hundred.
func (s *Set) Overridden() (n int, by []string) {
	own := make([]bool, len(s.body.metas)/metaSize)
	for i := range own {
		m := s.body.meta(uint32(i))
		if own[i] = m.By != ""; own[i] && len(by) < maxErrors && !slices.Contains(by, m.By) {
			by = append(by, m.By)
		}
	}
	return s.body.having(own), by
}

// Check returns the list that a selector meets, "" for none. value is canonical.
func (w *Warnings) Check(k Kind, value string) (list string, err error) {
	v, err := parse(k, value)
	if err != nil {
		return "", err
	}
	list, _, _ = w.find(&v)
	return list, nil
}

// find returns the name of the first list that a value meets, the value as
// text, and whether the list is one of the program's own.
func (w *Warnings) find(v *parsed) (list, value string, own bool) {
	if w.builtIn {
		if list = common(v); list != "" {
			return list, canonicalText(v), true
		}
	}
	if len(w.lists) == 0 {
		return "", "", false
	}
	value = canonicalText(v)
	if i := w.listed(v, value); i >= 0 {
		return w.lists[i].name, value, false
	}
	return "", value, false
}

func canonicalText(v *parsed) string { return valueText(v.form, v.bytes) }

func (w *Warnings) listed(v *parsed, value string) int32 {
	k := v.form.kind()
	applies := func(i int32, ok bool) bool { return ok && (w.lists[i].kinds == 0 || w.lists[i].kinds.Has(k)) }
	switch k {
	case Address, Prefix:
		if i, ok := w.covers(value); applies(i, ok) {
			return i
		}
	case Domain, Suffix:
		name := strings.TrimPrefix(value, ".")
		for at := name; ; {
			if i, ok := w.names[at]; applies(i, ok) {
				return i
			}
			dot := strings.IndexByte(at, '.')
			if dot < 0 {
				break
			}
			at = at[dot+1:]
		}
		if i, ok := w.above[name]; k == Suffix && applies(i, ok) {
			return i
		}
		if i, ok := w.texts[name]; applies(i, ok) {
			return i
		}
	case URI:
		if host := wholeHost(v.bytes); host != "" {
			if p, err := parse(0, host); err == nil {
				if i := w.listed(&p, canonicalText(&p)); i >= 0 {
					return i
				}
			}
		}
	}
	if i, ok := w.texts[value]; applies(i, ok) {
		return i
	}
	for _, p := range w.parts {
		if _, found := p.find.Scan(0, []byte(value)); found != 0 && applies(p.list, true) {
			return p.list
		}
	}
	for _, r := range w.regexps {
		if r.re.MatchString(value) && applies(r.list, true) {
			return r.list
		}
	}
	return -1
}

// wholeHost returns the host of a URI that takes in every path, or its first
// page: then it is the host that is selected. "" for others.
func wholeHost(uri []byte) string {
	host, path := cutHost(uri)
	switch string(path) {
	case "/", "/*", "/{x}":
	default:
		return ""
	}
	return strings.TrimLeft(string(host), "*{x}")
}

// covers returns the list that holds the network of an address or prefix, or
// some network within it.
func (w *Warnings) covers(value string) (int32, bool) {
	p, err := netip.ParsePrefix(value)
	if err != nil {
		a, err := netip.ParseAddr(value)
		if err != nil {
			return 0, false
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	lengths := &w.lengths[0]
	if p.Addr().Is6() {
		lengths = &w.lengths[1]
	}
	for bits := 0; bits <= p.Bits(); bits++ {
		if !lengths[bits] {
			continue
		}
		up, _ := p.Addr().Prefix(bits)
		if i, ok := w.nets[up]; ok {
			return i, true
		}
	}
	i, ok := w.inside[p]
	return i, ok
}

// Networks wider than these are no search condition, whoever signs for them: a
// list of a few selects everything.
const (
	boundless4 = 8
	boundless6 = 16
)

// boundless reports whether a value is a network that wide.
func (v *parsed) boundless() bool {
	return v.form == netFour && v.bytes[4] < boundless4 || v.form == netSix && v.bytes[16] < boundless6
}
