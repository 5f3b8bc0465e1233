package record

import (
	"bytes"
	"encoding/hex"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zeebo/blake3"
)

// Bounds of what a name may show. A label that is longer, or that looks made
// up, is a hash and a length: a name long enough to carry a message is content.
const (
	maxLabels    = 4   // shown, from the right
	maxLabel     = 15  // bytes of a label below the registered name
	maxOwnLabel  = 24  // bytes of the registered label and those above it
	maxFull      = 255 // bytes of a name kept unshortened (RFC 1035 §3.1)
	maxTokens    = 4   // of a path
	minGuessed   = 8   // a shorter label cannot look made up
	maxDigits    = 4   // in a label that is shown
	maxTurns     = 3   // from letters to digits and back
	maxConsonant = 5   // consonants in a row
	maxSpoken    = 3   // the same, of a long label that people can speak
)

// Hash is a name nobody should read: the first 8 bytes of BLAKE3 keyed with
// the key of its Naming. Equal names have equal hashes under one key; zero is
// none.
type Hash [8]byte

// String is the hash in 16 hexadecimal digits, "" for none.
func (h Hash) String() string {
	if h == (Hash{}) {
		return ""
	}
	return hex.EncodeToString(h[:])
}

// Name is a name of the network in a form that is bounded: a registered name of
// ordinary length and shape, known words before it, everything else
// {hash:length}. Only a Naming makes one.
type Name struct{ text string }

// String is the name as it may be shown.
func (n Name) String() string { return n.text }

// Fold is the name as names are compared: in lower case (RFC 4343), which only a
// name that is kept whole is not in already.
func (n Name) Fold() string { return strings.ToLower(n.text) }

// IsZero reports whether there is no name.
func (n Name) IsZero() bool { return n.text == "" }

// Naming is how names are shortened. Its zero value cannot be used: New makes
// one.
type Naming struct {
	full bool
	key  *blake3.Hasher
	sum  [32]byte
	low  []byte

	agents [256]agent // by the first byte of their hashes
	known  *known
}

// NewNaming makes a way of shortening with a key for the hashes. With full set
// names are kept as they were sent, up to 255 bytes: for one's own network,
// with consent and for tests, and each record says so.
func NewNaming(key [32]byte, full bool) *Naming {
	h, err := blake3.NewKeyed(key[:])
	if err != nil {
		panic("BUG: a key of 32 bytes is refused: " + err.Error())
	}
	return &Naming{full: full, key: h}
}

// Full reports whether names are kept unshortened.
func (n *Naming) Full() bool { return n.full }

// blockSize is how much the hasher buffers, in bytes.
const blockSize = 8 << 10

var zeros [256]byte

// Hash is the keyed hash of a name. Letters keep their case.
func (n *Naming) Hash(b []byte) (h Hash) {
	if len(b) == 0 {
		return h
	}
	n.key.Reset()
	_, _ = n.key.Write(b) // a hasher never fails
	copy(h[:], n.key.Sum(n.sum[:0]))
	// The hasher keeps what it was given until something is written over it.
	n.key.Reset()
	for left := min(len(b), blockSize); left > 0; left -= len(zeros) {
		_, _ = n.key.Write(zeros[:min(left, len(zeros))])
	}
	return h
}

// Fold is the keyed hash of a name in which case does not count (ASCII).
func (n *Naming) Fold(b []byte) Hash {
	h := n.Hash(n.lower(b))
	n.wipe()
	return h
}

// lower puts b in lower case into the scratch.
func (n *Naming) lower(b []byte) []byte {
	if len(b) > 1<<10 {
		b = b[:1<<10]
	}
	n.low = append(n.low[:0], b...)
	for i, c := range n.low {
		if 'A' <= c && c <= 'Z' {
			n.low[i] = c + 'a' - 'A'
		}
	}
	return n.low
}

// wipe overwrites the scratch: it held what may not be kept.
func (n *Naming) wipe() { clear(n.low[:cap(n.low)]) }

// Host is the name of a machine: of DNS, SNI and the Host field. Of at most four
// labels from the right the registered name is shown as it is when its shape is
// ordinary, and what is below it where it is made of words that say what a
// machine is for; "+2." before them says that two more are not shown. An address
// of IPv4 stays an address.
func (n *Naming) Host(b []byte) Name { return n.HostOf(b, netip.Addr{}) }

// HostOf is Host of a communication with dst: where dst itself is written in
// place of a name it stays, while any other address of IPv6 is sixteen bytes of
// anybody's choosing, and a hash.
func (n *Naming) HostOf(b []byte, dst netip.Addr) Name {
	if n.full || len(b) == 0 || bytes.IndexByte(b, ':') >= 0 {
		return n.host(b, dst) // what has colons is another name for another dst
	}
	s := n.sumOf(b)
	k := &n.known.hosts[s[0]%maxHosts]
	if k.sum != s {
		*k = host{s, n.host(b, dst)}
	}
	return k.name
}

// host is HostOf of a name that is not remembered.
func (n *Naming) host(b []byte, dst netip.Addr) Name {
	if len(b) == 0 {
		return Name{}
	}
	if n.full {
		return Name{printable(b)}
	}
	low := n.lower(b)
	defer n.wipe()
	if k := len(low); k > 1 && low[k-1] == '.' {
		low = low[:k-1]
	}
	if six(low) {
		return n.literal(low, dst)
	}
	if a, ok := address(low); ok {
		return Name{a.String()}
	}
	return Name{string(n.labels(make([]byte, 0, 64), low, false))}
}

// labels appends the labels of a name in lower case. Of one that was shortened
// before what hashed has written stays.
func (n *Naming) labels(out, name []byte, before bool) []byte {
	labels := bytes.Count(name, []byte{'.'}) + 1
	if labels > maxLabels {
		out = append(out, '+')
		out = strconv.AppendInt(out, int64(labels-maxLabels), 10)
		out = append(out, '.')
	}
	cut := cutName(name, name[bytes.LastIndexByte(name, '.')+1:])
	for at, place := 0, labels; place > 0; place-- {
		end := len(name)
		if i := bytes.IndexByte(name[at:], '.'); i >= 0 {
			end = at + i
		}
		label := name[at:end]
		if place <= maxLabels {
			var shown bool
			switch {
			case len(label) == 0 || before && shortened(label):
				shown = true
			case place == 1:
				shown = topShown(label) || labels == 1 && role(label)
			case at < cut.own:
				shown = role(label) || cut.reverse && octet(label)
			default:
				shown = ordinary(label, maxOwnLabel) && !encoded(label)
			}
			if shown {
				out = append(out, label...)
			} else {
				out = n.hashed(out, label)
			}
			if place > 1 {
				out = append(out, '.')
			}
		}
		at = end + 1
	}
	return out
}

// hashed appends the hash and the length of what is not shown.
func (n *Naming) hashed(out, b []byte) []byte {
	h := n.Hash(b)
	out = append(out, '{')
	out = hex.AppendEncode(out, h[:6])
	out = append(out, ':')
	out = strconv.AppendInt(out, int64(len(b)), 10)
	return append(out, '}')
}

// ordinary reports whether a label in lower case has the length and shape of
// one that people choose.
func ordinary(label []byte, limit int) bool {
	if len(label) == 0 || len(label) > limit {
		return len(label) == 0
	}
	digits, turns, row, longest := 0, 0, 0, 0
	var seen uint64
	last := byte(0)
	for _, c := range label {
		kind := byte('a')
		switch {
		case '0' <= c && c <= '9':
			kind, row = '0', 0
			digits++
		case c == '-' || c == '_':
			kind, row, last = last, 0, 0
		case c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y':
			row = 0
		case 'b' <= c && c <= 'z':
			if row++; row > maxConsonant {
				return false
			}
			longest = max(longest, row)
		default:
			return false
		}
		if last != 0 && kind != last {
			turns++
		}
		last = kind
		seen |= 1 << (c & 63)
	}
	if len(label) < minGuessed {
		return true
	}
	// Twelve characters that hardly repeat are a word only if it can be spoken.
	spoken := digits == 0 && longest <= maxSpoken
	return digits <= maxDigits && turns <= maxTurns && (len(label) < 12 || spoken || bits.OnesCount64(seen) < len(label)-1)
}

// six reports whether b may be an address of IPv6, with brackets or without.
func six(b []byte) bool {
	colon := false
	for i, c := range b {
		switch {
		case c == ':':
			colon = true
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', c == '.', c == '[' && i == 0, c == ']' && i == len(b)-1:
		default:
			return false
		}
	}
	return colon
}

// literal is an address of IPv6: dst as it is usually written (RFC 5952), or a
// hash. It is not read, because no part of it may become a string.
func (n *Naming) literal(b []byte, dst netip.Addr) Name {
	if k := len(b); k > 2 && b[0] == '[' && b[k-1] == ']' {
		b = b[1 : k-1]
	}
	var text [64]byte
	if dst.Is6() && bytes.Equal(b, dst.AppendTo(text[:0])) {
		return Name{dst.String()}
	}
	return Name{string(n.hashed(nil, b))}
}

// address reads an address of IPv4.
func address(b []byte) (netip.Addr, bool) {
	if len(b) > 15 {
		return netip.Addr{}, false
	}
	for _, c := range b {
		// Nothing but an address may become a string here, not even in an error.
		if (c < '0' || c > '9') && c != '.' {
			return netip.Addr{}, false
		}
	}
	a, err := netip.ParseAddr(string(b))
	return a, err == nil
}

// printable is b as text, at most 255 bytes, with ? for what does not print or
// changes how the rest is shown: controls, formats, what turns the direction.
func printable(b []byte) string {
	if len(b) > maxFull {
		b = b[:maxFull]
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsGraphic(r) {
			return '?'
		}
		return r
	}, string(b))
}
