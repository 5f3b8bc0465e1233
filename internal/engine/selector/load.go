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
	for _, o := range b.all {
		forms[o.form]++
		if o.isWhole() {
			whole++
		}
	}
	for f, n := range forms {
		if n > 0 {
			s.counts[form(f).kind()] += n
			s.needs |= 1 << form(f).kind()
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
func (o *one) isWhole() bool {
	switch o.form {
	case addr6, formDomain, formSuffix, formJA3, formJA4, formSHA1, formSHA256:
		return true
	case formURI:
		return !hasVariable(o.value)
	}
	return false
}

// hashAll makes the table of what is compared as a whole, under the present seed.
func (s *Set) hashAll(whole int) (ok bool) {
	return s.hashed.fill(whole, s.body.n, maxRun, func(put func(h uint64, id ID)) {
		s.hashed.depths = 0
		for id, o := range s.body.all {
			if !o.isWhole() {
				continue
			}
			if o.form == addr6 {
				put(hash16(binary.BigEndian.Uint64(o.value), binary.BigEndian.Uint64(o.value[8:]), s.seed), id)
				continue
			}
			if o.form == formSuffix {
				s.hashed.depths |= 1 << min(labels(o.value), 63)
			}
			put(hashBack(o.value, s.seed, o.form), id)
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
			tag := t.keys[i] >> t.above << t.above
			for j := i + 1; j < t.index[b+1]; j++ {
				other, ok := t.id(j, tag)
				if !ok {
					continue
				}
				id, _ := t.id(i, tag)
				f, v := s.body.of(id)
				if g, w := s.body.of(other); f == g && string(v) == string(w) {
					return twice(id, other)
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
	for id, o := range s.body.all {
		v := o.value
		switch o.form {
		case addrFour:
			s.four.keys = append(s.four.keys, uint64(binary.BigEndian.Uint32(v))<<32|uint64(id))
		case netFour:
			nets4 = append(nets4, net[addr4]{addr4(binary.BigEndian.Uint32(v)), id, v[4]})
		case netSix:
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
		for id, o := range s.body.all {
			if o.form == formPort {
				if old := s.ports.add(o.value[0], portOf(o.value), id); old != 0 {
					return twice(old, id)
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
