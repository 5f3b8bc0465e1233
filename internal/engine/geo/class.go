package geo

import "fmt"

// Side is where one address lies as seen from the home country. The zero value
// is SideUnknown. Values fit in two bits.
type Side uint8

// The sides.
const (
	SideUnknown Side = iota // unlisted, reserved, private, multicast: not known
	Domestic                // delegated to the home country, or declared one's own
	Foreign                 // delegated to another country
)

var sides = [...]string{"unknown", "domestic", "foreign"}

// String returns "unknown", "domestic" or "foreign".
func (s Side) String() string {
	if int(s) < len(sides) {
		return sides[s]
	}
	return fmt.Sprintf("side(%d)", uint8(s))
}

// MarshalText returns what String returns; a value that is no side is an error.
func (s Side) MarshalText() ([]byte, error) {
	if int(s) >= len(sides) {
		return nil, fmt.Errorf("geo: no side %d", uint8(s))
	}
	return []byte(sides[s]), nil
}

// UnmarshalText reads what MarshalText writes.
func (s *Side) UnmarshalText(b []byte) error {
	for i, name := range sides {
		if string(b) == name {
			*s = Side(i)
			return nil
		}
	}
	return fmt.Errorf("geo: no side of %d bytes", len(b))
}

// Class is the direction of a packet, or of a record by its initiator: source
// first. The zero value is Unknown.
type Class uint8

// The classes. Unknown holds whenever the side of either address is unknown.
const (
	Unknown Class = iota
	FF            // 外外: foreign to foreign
	FD            // 外内: foreign to domestic
	DF            // 内外: domestic to foreign
	DD            // 内内: domestic to domestic
)

var classes = [...]string{"unknown", "ff", "fd", "df", "dd"}

// String returns "unknown", "ff", "fd", "df" or "dd".
func (c Class) String() string {
	if int(c) < len(classes) {
		return classes[c]
	}
	return fmt.Sprintf("class(%d)", uint8(c))
}

// MarshalText returns what String returns; a value that is no class is an error.
func (c Class) MarshalText() ([]byte, error) {
	if int(c) >= len(classes) {
		return nil, fmt.Errorf("geo: no class %d", uint8(c))
	}
	return []byte(classes[c]), nil
}

// UnmarshalText reads what MarshalText writes.
func (c *Class) UnmarshalText(b []byte) error {
	for i, name := range classes {
		if string(b) == name {
			*c = Class(i)
			return nil
		}
	}
	return fmt.Errorf("geo: no class of %d bytes", len(b))
}

// Reverse returns the class of the opposite direction.
func (c Class) Reverse() Class {
	switch c {
	case FD:
		return DF
	case DF:
		return FD
	}
	return c
}

// pairs is the class of two sides, at source<<2 | destination.
var pairs = [16]Class{
	Domestic<<2 | Domestic: DD, Domestic<<2 | Foreign: DF,
	Foreign<<2 | Domestic: FD, Foreign<<2 | Foreign: FF,
}

// Combine returns the class of a source and a destination side.
func Combine(src, dst Side) Class { return pairs[(src&3)<<2|dst&3] }
