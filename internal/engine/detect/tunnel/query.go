package tunnel

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strings"

	"noroshi/internal/engine/detect/distinct"
	"noroshi/internal/engine/detect/domain"
	"noroshi/internal/engine/flow/record"
)

// FromRecord makes a query of what a record keeps of one; ok is false for
// names without a registered domain, and for reverse lookups. The record's
// name shows the registered domain, or a hash of its label with its length.
func FromRecord(source netip.Addr, d *record.DNS) (q Query, ok bool) {
	s := Look(d.Name)
	return s.Query(source, d)
}

// Shown is what a record's name tells of a query, whatever else the record holds.
// Its zero value is of a name that makes none.
type Shown struct {
	own     uint64 // hash of the registered domain
	written uint16 // its length before it was shortened, in bytes
	ok      bool
	nowhere bool
	service bool
}

// Look takes a name of a record for queries.
func Look(shown record.Name) (s Shown) {
	name := shown.String()
	if _, rest, cut := strings.Cut(name, "."); cut && strings.HasPrefix(name, "+") {
		name = rest // "+2." says that two more labels are not shown
	}
	cut := domain.Cut(name)
	if !cut.OK || cut.Reverse {
		return s
	}
	own := name[cut.From:]
	s.ok, s.nowhere = true, nowhere(name)
	if !s.nowhere {
		s.own, s.written, s.service = distinct.Hash(0, own), uint16(written(own)), Service(own) || ownRecord(name)
	}
	return s
}

// Query is FromRecord of a question whose name was looked at.
func (s *Shown) Query(source netip.Addr, d *record.DNS) (q Query, ok bool) {
	if !s.ok {
		return q, false
	}
	q = Query{At: d.At, Source: source, Domain: d.Name, Own: s.own, Whole: distinct.Mix(binary.LittleEndian.Uint64(d.Whole[:])),
		Entropy: d.Entropy, Type: d.Type, Rcode: d.Rcode, Answered: d.Answered, Out: d.Size[0], In: d.Size[1], Service: s.service}
	q.Below = d.Length
	if !s.nowhere {
		q.Below = uint8(max(0, int(d.Length)-int(s.written)-1))
	}
	return q, true
}

// nowhere reports whether a name ends in what cannot be a top-level domain: a
// label with a digit, a shortened one, or one longer than any there is. A
// tunnel between two ends that need no delegation asks such names, and all of
// them together are one pair.
func nowhere[T string | []byte](name T) bool {
	end := len(name)
	if end > 0 && name[end-1] == '.' {
		end--
	}
	from := end
	digit := false
	for from > 0 && name[from-1] != '.' {
		from--
		digit = digit || name[from] >= '0' && name[from] <= '9'
	}
	if end-from > 24 || from < end && name[from] == '{' {
		return true
	}
	return digit && !(end-from > 4 && equal(name[from:from+4], "xn--"))
}

// written is how long a shown name was before its labels were shortened to
// {hash:length}.
func written(shown string) (n int) {
	for label := range strings.SplitSeq(shown, ".") {
		n += len(label) + 1
		if _, length, ok := strings.Cut(strings.TrimSuffix(label, "}"), ":"); ok && strings.HasPrefix(label, "{") {
			size := 0
			for _, c := range []byte(length) {
				if c < '0' || c > '9' || size > 255 {
					return n - 1
				}
				size = size*10 + int(c-'0')
			}
			n += size - len(label)
		}
	}
	return n - 1
}

// FromName makes a query of a name as it was sent, which is not kept; shown is
// how a finding is to name the registered domain.
func FromName[T string | []byte](seed uint64, name T, shown func(own T) record.Name) (q Query, ok bool) {
	cut := domain.Cut(name)
	if !cut.OK || cut.Reverse {
		return q, false
	}
	own := name[cut.From:]
	q.Own, q.Whole = distinct.Hash(seed, own), distinct.Hash(seed, name)
	if shown != nil {
		q.Domain = shown(own)
	}
	below := name[:max(0, cut.From-1)]
	if nowhere(name) {
		q.Own, q.Domain, below = 0, record.Name{}, name
	}
	q.Below, q.Entropy = uint8(len(below)), entropy(below)
	q.Service = Service(own) || ownRecord(name)
	return q, true
}

// entropy is the Shannon entropy of the characters of labels in tenths of a
// bit per character, dots left out.
func entropy[T string | []byte](s T) uint8 {
	var count [256]uint8
	n := 0
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != '.' {
			count[c]++
			n++
		}
	}
	if n == 0 {
		return 0
	}
	sum := float32(0)
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != '.' {
			sum += logarithms[count[c]]
		}
	}
	return uint8(math.Round(float64(logarithms[min(n, 255)]-sum/float32(n)) * 10))
}

// logarithms of small counts to base 2; that of 0 is not asked for.
var logarithms = func() (t [256]float32) {
	for i := 1; i < len(t); i++ {
		t[i] = float32(math.Log2(float64(i)))
	}
	return t
}()

// ownRecord reports whether a name asks for a published record of a domain:
// _dmarc, selector._domainkey, _acme-challenge, _sip._tcp (RFC 8552).
func ownRecord[T string | []byte](name T) bool {
	for i := range len(name) {
		if name[i] == '_' && (i == 0 || name[i-1] == '.') {
			return underscored(name[i:])
		}
	}
	return false
}

func underscored[T string | []byte](s T) bool {
	n := 0
	for n < len(s) && s[n] != '.' {
		n++
	}
	return inList(s[:n], recordLabels[:])
}

func inList[T string | []byte](s T, list []string) bool {
	for _, want := range list {
		if equal(s, want) {
			return true
		}
	}
	return false
}

func equal[T string | []byte](s T, want string) bool {
	if len(s) != len(want) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != want[i] {
			return false
		}
	}
	return true
}

// Service reports whether a registered domain belongs to a service whose names
// carry data by design, or to a platform that gives its own names to
// everybody's machines and lets nobody answer for the names below. own is the
// registered domain, any case.
func Service[T string | []byte](own T) bool {
	if n := len(own); n > 0 && own[n-1] == '.' {
		own = own[:n-1]
	}
	// The list is sorted by length, and most names are of a length without entries.
	if len(own) < len(byLength)-1 {
		return inList(own, services[byLength[len(own)]:byLength[len(own)+1]])
	}
	return false
}
