package geo

// Class is the direction of a communication between countries, as the law
// divides it: foreign is 外, domestic is 内 (Act 42 of 2025 arts 11, 17, 32, 33).
type Class uint8

// The classes. Unknown is for addresses no table places: unlisted, reserved,
// private, multicast.
const (
	Unknown Class = iota
	FF            // 外外: from foreign to foreign, passing through
	FD            // 外内: from foreign to domestic
	DF            // 内外: from domestic to foreign
	DD            // 内内: domestic only
)

var classWords = [...]string{"unknown", "ff", "fd", "df", "dd"}

// String is "ff", "fd", "df", "dd" or "unknown".
func (c Class) String() string {
	if int(c) < len(classWords) {
		return classWords[c]
	}
	return "unknown"
}

// ParseClass finds a class by its word.
func ParseClass(w string) (Class, bool) {
	for i, have := range classWords {
		if have == w {
			return Class(i), true
		}
	}
	return Unknown, false
}
