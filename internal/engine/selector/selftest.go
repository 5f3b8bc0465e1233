package selector

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// The bounds of a self-test.
const (
	maxTested   = 100_000 // selectors of a larger list are sampled, but kinds with few members are tested whole
	fewOfAKind  = 10_000
	maxFailures = 20 // that are kept with their details
)

// Failure is a selector that does not do what it says.
type Failure struct {
	ID       ID     `json:"id"`
	Selector string `json:"selector"` // its public id
	Kind     Kind   `json:"type"`
	Value    string `json:"value"`
	What     string `json:"what"` // "canary": its own canary is not found; "near_miss": what must not match does
}

// SelftestError says that a list does not match what it must, or matches what
// it must not.
type SelftestError struct {
	Tested, Failed int
	Failures       []Failure // the first of them
}

func (e *SelftestError) Error() string {
	return fmt.Sprintf("selector: self-test: %d of %d fail, the first is %s %q (%s)", e.Failed, e.Tested, e.Failures[0].Kind, shown(e.Failures[0].Value), e.Failures[0].What)
}

// Selftest probes the Set with a canary made of each selector, and with what is
// one step beside it. Load calls it; the error is a *SelftestError.
func (s *Set) Selftest() error {
	_, err := s.SelftestCount()
	return err
}

// SelftestCount is Selftest, and returns how many selectors were probed: all,
// or of more than 100,000 a sample that depends on the list alone.
func (s *Set) SelftestCount() (tested int, err error) {
	stride := uint64(s.Len()/maxTested + 1)
	t := tester{Set: s}
	var bad SelftestError
	for id, o := range s.body.all {
		if s.counts[o.form.kind()] > fewOfAKind && mix(uint64(id-1)^s.seed)%stride != 0 {
			continue
		}
		bad.Tested++
		what := t.probe(id, o.form, o.value)
		if what == "" {
			continue
		}
		if bad.Failed++; len(bad.Failures) < maxFailures {
			in := s.Info(id)
			bad.Failures = append(bad.Failures, Failure{ID: id, Selector: s.Ref(id), Kind: in.Kind, Value: in.Value, What: what})
		}
	}
	if bad.Failed > 0 {
		return bad.Tested, &bad
	}
	return bad.Tested, nil
}

// tester probes with what it writes into one place, each time anew: a long list
// leaves no garbage behind.
type tester struct {
	*Set
	room []byte
}

// with returns a text and a value behind it, until it is called again.
func (t *tester) with(before string, v []byte) []byte {
	t.room = append(append(t.room[:0], before...), v...)
	return t.room
}

// upper returns a value in capitals, and beside one with its last bit turned over.
func (t *tester) upper(v []byte) []byte {
	out := t.with("", v)
	for i, c := range out {
		if c-'a' < 26 {
			out[i] = c - 'a' + 'A'
		}
	}
	return out
}

func (t *tester) beside(v []byte) []byte {
	out := t.with("", v)
	out[len(out)-1] ^= 1
	return out
}

// The results of a probe.
const (
	noCanary = "canary"
	nearMiss = "near_miss"
)

func verdict(canary, miss bool) string {
	switch {
	case !canary:
		return noCanary
	case !miss:
		return nearMiss
	}
	return ""
}

func (t *tester) probe(id ID, f form, v []byte) string {
	switch f {
	case addrFour:
		a := binary.BigEndian.Uint32(v)
		return verdict(t.Addr4(a) == id, t.Addr4(a^1) != id)
	case formPort:
		proto, port := v[0], portOf(v)
		return verdict(t.Port(proto, port) == id, t.Port(proto, port^1) != id)
	case addr6:
		return verdict(t.Addr16((*[16]byte)(v)) == id, t.Addr16((*[16]byte)(t.beside(v))) != id)
	case netFour, netSix:
		return t.probeNet(id, f, v)
	case formDomain:
		return verdict(t.Name(t.upper(v)) == id, t.Name(t.with("x", v)) != id && t.Name(t.with("x.", v)) != id)
	case formSuffix:
		canary := t.within(t.Name(v), id, v) && t.within(t.Name(t.with("canary.", v)), id, v)
		return verdict(canary || len(v) > maxName-8, t.Name(t.with("x", v)) != id)
	case formJA3:
		return verdict(t.JA3([16]byte(v)) == id, t.JA3([16]byte(t.beside(v))) != id)
	case formJA4:
		return verdict(t.JA4(string(v)) == id, t.JA4(string(t.beside(v))) != id)
	case formSHA1, formSHA256:
		return verdict(t.Certificate(v) == id, t.Certificate(t.beside(v)) != id)
	case formURI:
		return t.probeURI(id, v)
	}
	return t.patterns.probe(id, v, t.beside(v))
}

// within reports whether a name's selector is the suffix, or lies below it.
func (s *Set) within(got, suffix ID, v []byte) bool {
	if got == suffix || got == 0 {
		return got == suffix
	}
	_, has := s.body.of(got)
	return bytes.HasSuffix(has, v)
}

// probeNet tries the first and the last address of a network, and the two
// outside next to them.
func (s *Set) probeNet(id ID, f form, v []byte) string {
	length := uint8(v[len(v)-1])
	var inside, outside []addr16
	if f == netFour {
		first := addr4(binary.BigEndian.Uint32(v))
		last := first.last(length)
		mapped := func(a addr4) addr16 { return addr16{0, 0xffff<<32 | uint64(a)} }
		inside = []addr16{mapped(first), mapped(last)}
		if first > 0 {
			outside = append(outside, mapped(first-1))
		}
		if after, ok := last.next(); ok {
			outside = append(outside, mapped(after))
		}
	} else {
		first := addr16{binary.BigEndian.Uint64(v), binary.BigEndian.Uint64(v[8:])}
		last := first.last(length)
		inside = []addr16{first, last}
		if after, ok := last.next(); ok {
			outside = append(outside, after)
		}
	}
	for _, a := range inside {
		if got := s.addr(a); got == 0 || got != id && !s.narrower(got, length) {
			return noCanary
		}
	}
	for _, a := range outside {
		if s.addr(a) == id {
			return nearMiss
		}
	}
	return ""
}

func (s *Set) addr(a addr16) ID {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], a.hi)
	binary.BigEndian.PutUint64(b[8:], a.lo)
	return s.Addr16(&b)
}

// narrower reports whether a selector is an address, or a network longer than length.
func (s *Set) narrower(id ID, length uint8) bool {
	f, v := s.body.of(id)
	return f != netFour && f != netSix || v[len(v)-1] > length
}

// probeURI fills a template in and asks for it.
func (s *Set) probeURI(id ID, template []byte) string {
	filled := bytes.ReplaceAll(bytes.ReplaceAll(template, []byte("{x}"), []byte("a1")), []byte("*"), nil)
	host, path := cutHost(filled)
	got := s.URI(host, path)
	if got != id && got != 0 {
		_, other := s.body.of(got)
		r := request{host: host, path: path, bare: path}
		if i := bytes.IndexByte(path, '?'); i >= 0 {
			r.bare = path[:i]
		}
		if bytes.Equal(other, filled) || r.matches(other) {
			got = id
		}
	}
	return verdict(got == id, s.URI(append(bytes.Clone(host), 'x'), path) != id)
}

// probe reads a pattern in two parts, as two packets would bring it.
func (p *Patterns) probe(id ID, v, flipped []byte) string {
	for _, cut := range [...]int{0, 1, len(v) - 1} {
		state, _ := p.Scan(0, v[:cut])
		if state, found := p.Scan(state, v[cut:]); p.out[state] != id || found == 0 && cut == 0 {
			return noCanary
		}
	}
	if state, _ := p.Scan(0, flipped); p.out[state] == id {
		return nearMiss
	}
	return ""
}
