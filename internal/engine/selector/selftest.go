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
	var bad SelftestError
	for i := range s.Len() {
		f, _, ref := s.body.record(i)
		if s.counts[f.kind()] > fewOfAKind && mix(uint64(i)^s.seed)%stride != 0 {
			continue
		}
		bad.Tested++
		id := ID(i + 1)
		what := s.probe(id, f, ref)
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

func (s *Set) probe(id ID, f form, ref uint32) string {
	switch f {
	case addrFour:
		return verdict(s.Addr4(ref) == id, s.Addr4(ref^1) != id)
	case formPort:
		proto, port := uint8(ref>>16), uint16(ref)
		return verdict(s.Port(proto, port) == id, s.Port(proto, port^1) != id)
	}
	v := s.body.bytes(f, ref)
	flipped := bytes.Clone(v)
	flipped[len(flipped)-1] ^= 1
	switch f {
	case addr6:
		return verdict(s.Addr16((*[16]byte)(v)) == id, s.Addr16((*[16]byte)(flipped)) != id)
	case netFour, netSix:
		return s.probeNet(id, f, v)
	case formDomain:
		return verdict(s.Name(bytes.ToUpper(v)) == id, s.Name(append([]byte("x"), v...)) != id && s.Name(append([]byte("x."), v...)) != id)
	case formSuffix:
		canary := s.within(s.Name(v), id, v) && s.within(s.Name(append([]byte("canary."), v...)), id, v)
		return verdict(canary || len(v) > maxName-8, s.Name(append([]byte("x"), v...)) != id)
	case formJA3:
		return verdict(s.JA3([16]byte(v)) == id, s.JA3([16]byte(flipped)) != id)
	case formJA4:
		return verdict(s.JA4(string(v)) == id, s.JA4(string(flipped)) != id)
	case formSHA1, formSHA256:
		return verdict(s.Certificate(v) == id, s.Certificate(flipped) != id)
	case formURI:
		return s.probeURI(id, v)
	}
	return s.patterns.probe(id, v, flipped)
}

// within reports whether a name's selector is the suffix, or lies below it.
func (s *Set) within(got, suffix ID, v []byte) bool {
	if got == suffix || got == 0 {
		return got == suffix
	}
	f, _, ref := s.body.record(int(got) - 1)
	return bytes.HasSuffix(s.body.bytes(f, ref), v)
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
	f, _, ref := s.body.record(int(id) - 1)
	if f != netFour && f != netSix {
		return true
	}
	v := s.body.bytes(f, ref)
	return v[len(v)-1] > length
}

// probeURI fills a template in and asks for it.
func (s *Set) probeURI(id ID, template []byte) string {
	filled := bytes.ReplaceAll(bytes.ReplaceAll(template, []byte("{x}"), []byte("a1")), []byte("*"), nil)
	host, path := cutHost(filled)
	got := s.URI(host, path)
	if got != id && got != 0 {
		f, _, ref := s.body.record(int(got) - 1)
		r := request{host: host, path: path, bare: path}
		if i := bytes.IndexByte(path, '?'); i >= 0 {
			r.bare = path[:i]
		}
		if other := s.body.bytes(f, ref); bytes.Equal(other, filled) || r.matches(other) {
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
