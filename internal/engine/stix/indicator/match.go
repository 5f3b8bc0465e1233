package indicator

import (
	"net/netip"

	"noroshi/internal/engine/flow/record"
)

// Address looks an address up, then the networks it is in, narrowest first.
func (s *Set) Address(a netip.Addr) (Hit, bool) {
	if s == nil || !a.IsValid() {
		return Hit{}, false
	}
	a = a.Unmap().WithZone("")
	var key [2 + 16]byte
	n := 2 + 4
	lengths := s.lengths4
	if a.Is4() {
		four := a.As4()
		copy(key[2:], four[:])
	} else {
		sixteen := a.As16()
		copy(key[2:], sixteen[:])
		n, lengths = 2+16, s.lengths6
	}
	key[0], key[1] = byte(Address), byte(a.BitLen())
	if h, ok := s.find(key[:n]); ok {
		return h, true
	}
	key[0] = byte(Network)
	for _, bits := range lengths {
		// Networks become wider: only more bits are cleared.
		for i := 2; i < n; i++ {
			left := int(bits) - 8*(i-2)
			if left < 8 {
				key[i] &= ^byte(0xff >> max(left, 0))
			}
		}
		key[1] = bits
		if h, ok := s.find(key[:n]); ok {
			return h, true
		}
	}
	return Hit{}, false
}

// Domain looks a name as it was sent up, and every name above it.
func (s *Set) Domain(name []byte) (Hit, bool) { return lookup(s, Domain, name) }

// Name looks up a name of a record, and every name above it.
func (s *Set) Name(n record.Name) (Hit, bool) {
	if n.IsZero() {
		return Hit{}, false
	}
	text := n.String()
	if h, ok := lookup(s, Domain, text); ok {
		return h, true
	}
	return lookup(s, shownKind, text)
}

func lookup[T string | []byte](s *Set, kind Kind, name T) (Hit, bool) {
	if len(name) > 0 && name[len(name)-1] == '.' {
		name = name[:len(name)-1]
	}
	if len(name) == 0 || len(name) > 255 {
		return Hit{}, false
	}
	var buf [256]byte
	key := buf[:len(name)+1]
	for i := range len(name) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		key[i+1] = c
	}
	h, ok := Hit{}, false
	for tries := 0; tries < 40 && len(key) > 1; tries++ {
		key[0] = byte(kind)
		if h, ok = s.find(key); ok {
			break
		}
		dot := 1
		for dot < len(key) && key[dot] != '.' {
			dot++
		}
		key = key[min(dot, len(key)-1):]
	}
	clear(buf[:])
	return h, ok
}

// URL looks up a URL as the list writes it.
func (s *Set) URL(u string) (Hit, bool) { return s.find(textKey(URL, u)) }

// JA3 looks up the fingerprint of a TLS client; zero is none.
func (s *Set) JA3(sum [16]byte) (Hit, bool) {
	if sum == ([16]byte{}) {
		return Hit{}, false
	}
	return s.sum(JA3, sum[:])
}

// JA4 looks up the fingerprint of a TLS or QUIC client; zero is none.
func (s *Set) JA4(f record.JA4) (Hit, bool) {
	if f == (record.JA4{}) {
		return Hit{}, false
	}
	var key [1 + len(f)]byte
	key[0] = byte(JA4)
	copy(key[1:], f[:])
	return s.find(key[:])
}

// Certificate looks up a hash of a certificate: 16, 20 or 32 bytes.
func (s *Set) Certificate(sum []byte) (Hit, bool) { return s.sum(Certificate, sum) }

// File looks up a hash of a file.
func (s *Set) File(sum []byte) (Hit, bool) { return s.sum(File, sum) }

func (s *Set) sum(kind Kind, sum []byte) (Hit, bool) {
	var key [1 + 64]byte
	if len(sum) > 64 {
		return Hit{}, false
	}
	key[0] = byte(kind)
	return s.find(key[:1+copy(key[1:], sum)])
}

// Match calls found for each part of a record that is in the set: both ends,
// names asked for and answered, server names, hosts, fingerprints and the
// certificate.
func (s *Set) Match(r *record.Record, found func(Hit)) {
	tell := func(h Hit, ok bool) {
		if ok {
			found(h)
		}
	}
	tell(s.Address(r.Src))
	tell(s.Address(r.Dst))
	for i := range r.DNS {
		d := &r.DNS[i]
		tell(s.Name(d.Name))
		for _, a := range d.Addrs {
			tell(s.Address(a))
		}
	}
	for i := range r.HTTP {
		tell(s.Name(r.HTTP[i].Host))
	}
	if t := r.TLS; t != nil {
		tell(s.Name(t.SNI))
		tell(s.JA3(t.JA3))
		tell(s.JA4(t.JA4))
		if t.Certificate != nil {
			tell(s.Certificate(t.Certificate.SHA256[:]))
		}
	}
	if q := r.QUIC; q != nil {
		tell(s.Name(q.SNI))
		tell(s.JA3(q.JA3))
		tell(s.JA4(q.JA4))
	}
}
