package selector

import (
	"bytes"
	"slices"
)

// hashed finds everything that is compared as a whole: IPv6 addresses, names,
// fingerprints, certificate hashes and URIs without variables, all in one table
// sorted by hash, behind one filter.
type hashed struct {
	filter bloom
	keys   []uint64 // upper half of the hash <<32 | ID, sorted
	index  []uint32 // how many keys lie below i<<shift
	shift  uint8
	depths uint64 // a bit for each number of labels that some suffix has; bit 63 for more
}

// maxRun bounds how many keys may share the upper half of a hash. The seed
// comes from the whole list, so nobody who writes a part of it can aim for more.
const maxRun = 64

// build sorts the keys gathered, with their hashes in the upper half and the
// filter filled. ok is false when more than most share the upper half.
func (t *hashed) build(most int) (ok bool) {
	slices.Sort(t.keys)
	bits := 0
	for len(t.keys)>>bits > 4 {
		bits++
	}
	t.shift = uint8(64 - bits)
	t.index = make([]uint32, 1<<bits+1)
	run := 0
	for i, k := range t.keys {
		if run++; i > 0 && t.keys[i-1]>>32 != k>>32 {
			run = 1
		}
		if run > most {
			return false
		}
		t.index[k>>t.shift+1] = uint32(i + 1)
	}
	for i := 1; i < len(t.index); i++ {
		t.index[i] = max(t.index[i], t.index[i-1])
	}
	return true
}

// run returns where the keys with the upper half of h stand.
func (t *hashed) run(h uint64) []uint64 {
	if len(t.keys) == 0 {
		return nil
	}
	b := h >> t.shift
	lo, hi := t.index[b], t.index[b+1]
	tag := h >> 32
	for end := hi; lo < end; {
		if m := (lo + end) / 2; t.keys[m]>>32 < tag {
			lo = m + 1
		} else {
			end = m
		}
	}
	end := lo
	for end < hi && t.keys[end]>>32 == tag {
		end++
	}
	return t.keys[lo:end]
}

// findBytes returns the selector of form f with exactly these bytes.
func (s *Set) findBytes(h uint64, f form, b []byte) ID {
	for _, k := range s.hashed.run(h) {
		id := ID(k)
		if form, _, ref := s.body.record(int(id) - 1); form == f && bytes.Equal(s.body.bytes(form, ref), b) {
			return id
		}
	}
	return 0
}

// lookup returns the selector of form f with exactly these bytes, of any kind
// but names and IPv6 addresses.
func (s *Set) lookup(f form, b []byte) ID {
	h := hashBack(b, s.seed, f)
	if !s.hashed.filter.has(h) {
		return 0
	}
	return s.findBytes(h, f, b)
}

// JA3 returns the selector of the MD5 of a client hello, or 0.
func (s *Set) JA3(sum [16]byte) ID {
	if !s.needs.Has(JA3) {
		return 0
	}
	return s.lookup(formJA3, sum[:])
}

// JA4 returns the selector of a JA4 fingerprint of 36 characters, or 0.
func (s *Set) JA4(fingerprint string) ID {
	if !s.needs.Has(JA4) || len(fingerprint) != 36 {
		return 0
	}
	var b [36]byte
	copy(b[:], fingerprint)
	return s.lookup(formJA4, b[:])
}

// Certificate returns the selector of the SHA-1 (20 bytes) or SHA-256 (32
// bytes) of a certificate's DER bytes, or 0.
func (s *Set) Certificate(sum []byte) ID {
	if !s.needs.Has(Certificate) {
		return 0
	}
	switch len(sum) {
	case 20:
		return s.lookup(formSHA1, sum)
	case 32:
		return s.lookup(formSHA256, sum)
	}
	return 0
}

// maxName is the longest name that is looked at, in bytes (RFC 1035 §2.3.4 and
// a final dot).
const maxName = 254

// Name returns the selector of a name from a DNS question, a TLS server name or
// a Host field: the name itself, else the longest suffix, else 0. Case and a
// final dot do not count.
func (s *Set) Name(name []byte) ID {
	if !s.needs.Has(Domain) && !s.needs.Has(Suffix) || len(name) == 0 || len(name) > maxName {
		return 0
	}
	var buf [maxName]byte
	defer clear(buf[:])
	b := buf[:copy(buf[:], name)]
	if b[len(b)-1] == '.' {
		b = b[:len(b)-1]
	}
	var found ID
	h, labels := s.seed, 0
	for i := len(b) - 1; i >= 0; i-- {
		c := b[i]
		if c == '.' {
			if labels++; s.hashed.depths>>min(labels, 63)&1 != 0 {
				if id := s.suffix(h, b[i+1:]); id != 0 {
					found = id
				}
			}
		} else if c-'A' < 26 {
			c |= 0x20
			b[i] = c
		}
		h = step(h, c)
	}
	if s.needs.Has(Domain) {
		if h := finish(h, formDomain); s.hashed.filter.has(h) {
			if id := s.findBytes(h, formDomain, b); id != 0 {
				return id
			}
		}
	}
	if s.needs.Has(Suffix) && len(b) > 0 {
		if id := s.suffix(h, b); id != 0 {
			return id
		}
	}
	return found
}

func (s *Set) suffix(h uint64, below []byte) ID {
	if h = finish(h, formSuffix); !s.hashed.filter.has(h) {
		return 0
	}
	return s.findBytes(h, formSuffix, below)
}
