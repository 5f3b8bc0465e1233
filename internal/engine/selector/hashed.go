package selector

import (
	"bytes"
	"math/bits"
)

// hashed finds everything that is compared as a whole: IPv6 addresses, names,
// fingerprints, certificate hashes and URIs without variables, all in one table
// by hash, behind one filter. Of a hash only the place in the table and the bits
// that an ID leaves free are kept: what passes the filter is compared itself.
type hashed struct {
	filter bloom
	keys   []uint32 // in the order of their buckets: an ID, and above it bits of the hash
	index  []uint32 // where a bucket begins
	shift  uint8
	above  uint8  // bits of an ID
	depths uint64 // a bit for each number of labels that some suffix has; bit 63 for more
}

// maxRun bounds how many keys may share a bucket, of some sixteen at most that
// chance brings together. The seed comes from the whole list, so nobody who writes
// a part of it can aim for more.
const maxRun = 64

// fill makes the table of n keys with IDs up to last, which all puts, twice and each
// time the same: to keep their hashes meanwhile would take as much memory as all
// the rest. ok is false when more than most share a bucket.
func (t *hashed) fill(n, last, most int, all func(put func(h uint64, id ID))) (ok bool) {
	wide := 0
	for n>>wide > 16 {
		wide++
	}
	t.shift, t.above = uint8(64-wide), uint8(bits.Len(uint(last)))
	t.filter, t.keys, t.index = newBloom(n), make([]uint32, n), make([]uint32, 1<<wide+1)
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
		t.keys[at] = t.tag(h) | uint32(id)
	})
	copy(t.index[1:], t.index) // … which is where the next one begins
	t.index[0] = 0
	return true
}

// tag returns bits of the hash that neither bucket nor filter depends on, in the
// place that they have in a key.
func (t *hashed) tag(h uint64) uint32 { return uint32(h>>24) << t.above }

// id returns the ID of a key, and whether the key has the tag.
func (t *hashed) id(i, tag uint32) (id ID, ok bool) {
	k := t.keys[i] ^ tag
	return ID(k), k>>t.above == 0
}

// bucket returns where the keys stand that may have the hash h.
func (t *hashed) bucket(h uint64) (from, to uint32) {
	if len(t.keys) == 0 {
		return 0, 0
	}
	b := h >> t.shift
	return t.index[b], t.index[b+1]
}

// findBytes returns the selector of form f with exactly these bytes.
func (s *Set) findBytes(h uint64, f form, b []byte) ID {
	t, tag := &s.hashed, s.hashed.tag(h)
	for i, to := t.bucket(h); i < to; i++ {
		id, ok := t.id(i, tag)
		if !ok {
			continue
		}
		if form, v := s.body.of(id); form == f && bytes.Equal(v, b) {
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
