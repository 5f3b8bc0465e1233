package selector

import "bytes"

// hashed finds everything that is compared as a whole: IPv6 addresses, names,
// fingerprints, certificate hashes and URIs without variables, all in one table
// by hash, behind one filter. Of a hash only the place in the table and one byte
// are kept: what passes the filter is compared itself.
type hashed struct {
	filter bloom
	ids    []uint32 // in the order of their buckets
	tags   []uint8  // a byte of the hash of each
	index  []uint32 // where a bucket begins
	shift  uint8
	depths uint64 // a bit for each number of labels that some suffix has; bit 63 for more
}

// maxRun bounds how many keys may share a bucket, of some four at most that
// chance brings together. The seed comes from the whole list, so nobody who writes
// a part of it can aim for more.
const maxRun = 64

// fill makes the table of n keys, which all puts, twice and each time the same: to
// keep their hashes meanwhile would take as much memory as all the rest. ok is
// false when more than most share a bucket.
func (t *hashed) fill(n, most int, all func(put func(h uint64, id ID))) (ok bool) {
	bits := 0
	for n>>bits > 4 {
		bits++
	}
	t.shift = uint8(64 - bits)
	t.filter, t.ids, t.tags, t.index = newBloom(n), make([]uint32, n), make([]uint8, n), make([]uint32, 1<<bits+1)
	all(func(h uint64, _ ID) {
		t.filter.add(h)
		t.index[h>>t.shift+1]++
	})
	for i := 1; i < len(t.index); i++ {
		if t.index[i] > uint32(most) {
			return false
		}
		t.index[i] += t.index[i-1]
	}
	all(func(h uint64, id ID) { // each bucket's beginning moves on to its end …
		at := t.index[h>>t.shift]
		t.index[h>>t.shift] = at + 1
		t.ids[at], t.tags[at] = uint32(id), tagOf(h)
	})
	copy(t.index[1:], t.index) // … which is where the next one begins
	t.index[0] = 0
	return true
}

// tagOf is a byte of the hash that neither bucket nor filter depends on.
func tagOf(h uint64) uint8 { return uint8(h >> 24) }

// bucket returns where the keys stand that may have the hash h.
func (t *hashed) bucket(h uint64) (from, to uint32) {
	if len(t.ids) == 0 {
		return 0, 0
	}
	b := h >> t.shift
	return t.index[b], t.index[b+1]
}

// findBytes returns the selector of form f with exactly these bytes.
func (s *Set) findBytes(h uint64, f form, b []byte) ID {
	t, tag := &s.hashed, tagOf(h)
	for i, to := t.bucket(h); i < to; i++ {
		if t.tags[i] != tag {
			continue
		}
		id := ID(t.ids[i])
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
