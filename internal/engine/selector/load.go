package selector

import "encoding/binary"

// maxSeeds bounds how often the table of hashes is made anew because too many
// keys met under one hash.
const maxSeeds = 8

// index makes a Set of a checked body: everything that a probe needs.
func index(b body) (*Set, error) {
	s := &Set{body: b}
	whole := 0
	var forms [formEnd]int
	for i := range b.n {
		f, _, ref := b.record(i)
		forms[f]++
		s.counts[f.kind()]++
		s.needs |= 1 << f.kind()
		if b.isWhole(f, ref) {
			whole++
		}
	}
	seed := binary.LittleEndian.Uint64(b.hash[:])
	for try := uint64(0); ; try++ {
		s.seed = mix(seed + try)
		if s.hashAll(whole) {
			break
		}
		if try+1 == maxSeeds {
			return nil, damaged("too many values share one hash")
		}
	}
	if err := s.onceEach(&s.hashed); err != nil {
		return nil, err
	}
	s.six.single = forms[addr6] > 0
	if err := s.indexAddresses(&forms); err != nil {
		return nil, err
	}
	return s, s.indexOthers()
}

// isWhole reports whether a value is looked up as a whole, by its hash.
func (b *body) isWhole(f form, ref uint32) bool {
	switch f {
	case addr6, formDomain, formSuffix, formJA3, formJA4, formSHA1, formSHA256:
		return true
	case formURI:
		return !hasVariable(b.bytes(f, ref))
	}
	return false
}

// hashAll makes the table of what is compared as a whole, under the present seed.
func (s *Set) hashAll(whole int) (ok bool) {
	return s.hashed.fill(whole, maxRun, func(put func(h uint64, id ID)) {
		s.hashed.depths = 0
		for i := range s.body.n {
			f, _, ref := s.body.record(i)
			if !s.body.isWhole(f, ref) {
				continue
			}
			v := s.body.bytes(f, ref)
			if f == addr6 {
				put(hash16(binary.BigEndian.Uint64(v), binary.BigEndian.Uint64(v[8:]), s.seed), ID(i+1))
				continue
			}
			if f == formSuffix {
				s.hashed.depths |= 1 << min(labels(v), 63)
			}
			put(hashBack(v, s.seed, f), ID(i+1))
		}
	})
}

func labels(name []byte) int {
	n := 1
	for _, c := range name {
		if c == '.' {
			n++
		}
	}
	return n
}

// onceEach fails when a value is there twice.
func (s *Set) onceEach(t *hashed) error {
	for b := range len(t.index) - 1 {
		for i := t.index[b]; i < t.index[b+1]; i++ {
			for j := i + 1; j < t.index[b+1]; j++ {
				if t.tags[i] != t.tags[j] {
					continue
				}
				f, _, ref := s.body.record(int(t.ids[i]) - 1)
				g, _, other := s.body.record(int(t.ids[j]) - 1)
				if f == g && string(s.body.bytes(f, ref)) == string(s.body.bytes(g, other)) {
					return twice(ID(t.ids[i]), ID(t.ids[j]))
				}
			}
		}
	}
	return nil
}

func twice(a, b ID) error {
	return damaged("selectors %d and %d are the same", min(a, b), max(a, b))
}

func (s *Set) indexAddresses(forms *[formEnd]int) error {
	s.four.keys = make([]uint64, 0, forms[addrFour])
	nets4 := make([]net[addr4], 0, forms[netFour])
	nets6 := make([]net[addr16], 0, forms[netSix])
	for i := range s.body.n {
		f, _, ref := s.body.record(i)
		id := ID(i + 1)
		switch f {
		case addrFour:
			s.four.keys = append(s.four.keys, uint64(ref)<<32|uint64(id))
		case netFour:
			v := s.body.bytes(f, ref)
			nets4 = append(nets4, net[addr4]{addr4(binary.BigEndian.Uint32(v)), id, v[4]})
		case netSix:
			v := s.body.bytes(f, ref)
			nets6 = append(nets6, net[addr16]{addr16{binary.BigEndian.Uint64(v), binary.BigEndian.Uint64(v[8:])}, id, v[16]})
		}
	}
	if a, b := s.four.build(s.seed); b != 0 {
		return twice(a, b)
	}
	if a, b := s.four.buildNets(nets4); b != 0 {
		return twice(a, b)
	}
	if a, b := s.six.buildNets(nets6, s.seed); b != 0 {
		return twice(a, b)
	}
	return nil
}

// indexOthers makes the indexes of ports, templates and patterns.
func (s *Set) indexOthers() error {
	if s.needs.Has(Port) {
		for i := range s.body.n {
			if f, _, ref := s.body.record(i); f == formPort {
				if old := s.ports.add(ref, ID(i+1)); old != 0 {
					return twice(old, ID(i+1))
				}
			}
		}
	}
	if s.needs.Has(URI) {
		if err := s.indexTemplates(); err != nil {
			return err
		}
	}
	if s.needs.Has(Pattern) {
		return s.indexPatterns()
	}
	return nil
}
