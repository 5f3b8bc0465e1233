package selector

import (
	"encoding/hex"
	"fmt"

	"github.com/zeebo/blake3"
)

// Kind says what a selector is compared with.
type Kind uint8

// The kinds of selectors.
const (
	Address     Kind = iota + 1 // one address, IPv4 or IPv6
	Prefix                      // a network in CIDR form (RFC 4632, RFC 4291); the longest match wins
	Domain                      // one domain name, exactly
	Suffix                      // a domain name and everything below it
	JA3                         // MD5 of a TLS client hello
	JA4                         // 36 characters
	URI                         // host and path, with {x} and *
	Certificate                 // SHA-1 or SHA-256 of the DER bytes
	Port                        // protocol and port, of either end
	Pattern                     // 4 to 64 bytes of a command
	kindEnd
)

var kindNames = [...]string{"", "address", "prefix", "domain", "suffix", "ja3", "ja4", "uri", "certificate", "port", "pattern"}

// String returns the kind's word, as it stands in the column "type" of a CSV
// list; "" for none.
func (k Kind) String() string {
	if k < kindEnd {
		return kindNames[k]
	}
	return ""
}

// MarshalText returns what String returns.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what String returns.
func (k *Kind) UnmarshalText(text []byte) error {
	for _, one := range Kinds() {
		if one.String() == string(text) {
			*k = one
			return nil
		}
	}
	return bad(BadKind, 0, string(text))
}

// Kinds returns all kinds in their order.
func Kinds() []Kind {
	all := make([]Kind, 0, kindEnd-1)
	for k := Address; k < kindEnd; k++ {
		all = append(all, k)
	}
	return all
}

// Selector is one search condition with what it rests on.
type Selector struct {
	Kind     Kind   `json:"type"`
	Value    string `json:"value"`              // canonical, as Parse returns it
	Source   string `json:"source,omitempty"`   // the intelligence item it came from
	Act      string `json:"act,omitempty"`      // the target unlawful act
	Approval string `json:"approval,omitempty"` // the approval or agreement
	Expires  int64  `json:"expires,omitempty"`  // ns UTC; 0 never
	Reason   string `json:"reason,omitempty"`   // why a warning list was overridden
	By       string `json:"by,omitempty"`       // who overrode: a second person
}

// ID is a selector's place in its list, counted from 1; 0 is none.
type ID uint32

// Needs says what a Set has to be shown of the traffic: a bit for each Kind.
type Needs uint16

// Has reports whether the Set has selectors of kind k.
func (n Needs) Has(k Kind) bool { return n&(1<<k) != 0 }

// Payload reports whether headers alone are not enough.
func (n Needs) Payload() bool { return n&^(1<<Address|1<<Prefix|1<<Port) != 0 }

// Kinds returns the kinds in their order.
func (n Needs) Kinds() (all []Kind) {
	for k := Address; k < kindEnd; k++ {
		if n.Has(k) {
			all = append(all, k)
		}
	}
	return all
}

// Set is a compiled list. It never changes and may be probed by any number of
// goroutines; to swap a list, swap the pointer. A probe allocates nothing.
type Set struct {
	body     body
	seed     uint64
	needs    Needs
	counts   [kindEnd]int
	four     four
	six      six
	hashed   hashed
	ports    ports
	uris     hashed // templates: found by host and the fixed beginning of the path
	patterns *Patterns
	signers  []string
	refs     [32]byte // key of the public ids
}

// Len returns the number of selectors.
func (s *Set) Len() int { return s.body.n }

// Count returns the number of selectors of one kind.
func (s *Set) Count(k Kind) int {
	if k >= kindEnd {
		return 0
	}
	return s.counts[k]
}

// Needs returns which kinds of selectors the Set has.
func (s *Set) Needs() Needs { return s.needs }

// Hash returns the BLAKE3 hash of the compiled list, without its signature: the
// same list in the same order has the same hash, whatever form it was read from.
func (s *Set) Hash() [32]byte { return s.body.hash }

// Lister returns the name of the person who listed, "" when not said.
func (s *Set) Lister() string { return s.body.text(s.body.lister) }

// Signers returns the names of the known keys whose signature was verified.
func (s *Set) Signers() []string { return s.signers }

// Info returns the selector with the given ID, and the zero Selector for an ID
// that the Set does not have.
func (s *Set) Info(id ID) Selector {
	if id == 0 || int(id) > s.body.n {
		return Selector{}
	}
	f, v := s.body.of(id)
	out := s.body.meta(s.body.row(id))
	out.Kind, out.Value = f.kind(), valueText(f, v)
	return out
}

// contextRefs is what the key of public ids is derived for (BLAKE3 §5.3).
const contextRefs = "noroshi 2026-11-22 selector public ids v1"

// Ref returns the selector's public id, "s:" and 16 hexadecimal digits; "" for an
// ID that the Set does not have. It is keyed with the list as it was read, of a
// compiled one without its signatures, so that whoever has the list can make it
// again, and whoever has only a statement or a record cannot try all addresses there
// are. Another list has others.
func (s *Set) Ref(id ID) string {
	in := s.Info(id)
	if in.Kind == 0 {
		return ""
	}
	return s.RefOf(in.Kind, in.Value)
}

// RefOf returns the public id that a selector with this kind and canonical value
// has in the list.
func (s *Set) RefOf(k Kind, value string) string {
	var buf [384]byte
	b := append(append(append(append(buf[:0], s.refs[:]...), k.String()...), '|'), value...)
	sum := blake3.Sum256(b)
	return "s:" + hex.EncodeToString(sum[:8])
}

// String returns a short description for logs of errors: kinds and numbers.
func (s *Set) String() string {
	return fmt.Sprintf("selector.Set(%d, %x)", s.Len(), s.body.hash[:8])
}
