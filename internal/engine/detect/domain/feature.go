package domain

const (
	maxLabel = 63 // RFC 1035 section 2.3.4
	// TableBits is the size of the table of letter runs, as a power of two.
	TableBits = 17
	// Slots is how many cells a dense feature has.
	Slots = 64
)

// Features are what the model sees of a label: hashed runs of two, three and
// four characters, and one cell for each other part.
type Features struct {
	Grams [3 * (maxLabel + 1)]uint32 // places in the table, below 1<<TableBits
	N     int
	Dense [Parts - 1]uint8 // cell of each part after Shape, below Slots
}

// code numbers the characters of labels; 0 is the edge of the label.
func code(c byte) uint64 {
	switch {
	case c >= 'a' && c <= 'z':
		return uint64(c-'a') + 1
	case c >= '0' && c <= '9':
		return uint64(c-'0') + 27
	case c == '-':
		return 37
	case c == '_':
		return 38
	}
	return 39
}

// place hashes a run of characters into the table (multiplicative hashing).
func place(run uint64) uint32 {
	return uint32(run * 0x9E3779B97F4A7C15 >> (64 - TableBits))
}

// Extract fills f from a label in lower case.
func (f *Features) Extract(label []byte) {
	if len(label) > maxLabel {
		label = label[:maxLabel]
	}
	var seen uint64
	letters, digits, vowels, hyphens, changes, run, longest, hexOnly := 0, 0, 0, 0, 0, 0, 0, true
	h := uint64(0)
	f.N = 0
	var before byte
	for i := 0; i <= len(label); i++ {
		c := uint64(0)
		if i < len(label) {
			c = code(label[i])
		}
		h = h<<6 | c
		// A tag above the characters keeps runs of different lengths apart.
		f.Grams[f.N] = place(h&0xfff | 1<<40)
		f.N++
		if i > 0 {
			f.Grams[f.N] = place(h&0x3ffff | 2<<40)
			f.N++
		}
		if i > 1 {
			f.Grams[f.N] = place(h&0xffffff | 3<<40)
			f.N++
		}
		if i == len(label) {
			break
		}
		seen |= 1 << c
		kind := byte('-')
		switch {
		case c >= 27 && c <= 36:
			kind = '0'
			digits++
		case c >= 1 && c <= 26:
			kind = 'a'
			letters++
			hexOnly = hexOnly && c <= 6
		default:
			hyphens++
			hexOnly = false
		}
		if kind == 'a' && vowel(label[i]) {
			vowels++
			run = 0
		} else if kind == 'a' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
		if i > 0 && kind != before {
			changes++
		}
		before = kind
	}
	size := sizeClass(len(label))
	f.Dense[Length-1] = uint8(min(len(label), 32))
	f.Dense[Digits-1] = uint8(share(digits, len(label))*6 + min(changes, 5))
	f.Dense[Vowels-1] = uint8(size*12 + share(vowels, letters))
	f.Dense[Runs-1] = uint8(size*12 + min(longest, 11))
	f.Dense[Variety-1] = uint8(size*12 + share(ones(seen), len(label)))
	alphabet := min(hyphens, 3)
	switch {
	case digits == len(label):
		alphabet = 4
	case hexOnly && digits > 0:
		alphabet = 5
	case hexOnly:
		alphabet = 6
	}
	f.Dense[Alphabet-1] = uint8(size*8 + alphabet)
}

func (f *Features) wipe() { *f = Features{} }

// sizeClass sorts labels by length, because a share of a short label says less.
func sizeClass(n int) int {
	switch {
	case n <= 6:
		return 0
	case n <= 9:
		return 1
	case n <= 12:
		return 2
	case n <= 17:
		return 3
	}
	return 4
}

// share returns part of whole in ninths, rounded up: 0 … 9, and 9 when there is
// no whole (a label without letters has no share of vowels to speak of).
func share(part, whole int) int {
	if whole == 0 {
		return 9
	}
	return (part*9 + whole - 1) / whole
}

func vowel(c byte) bool {
	return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y'
}

func ones(x uint64) (n int) {
	for ; x != 0; x &= x - 1 {
		n++
	}
	return n
}
