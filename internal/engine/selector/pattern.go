package selector

// The bounds of a byte pattern.
const (
	minPattern = 4
	maxPattern = 64
)

// Patterns finds byte patterns in a stream.
type Patterns struct{}

// State is where a stream stands; the zero State is its beginning.
type State uint32

// Patterns returns nil when the Set has none.
func (s *Set) Patterns() *Patterns { return s.patterns }

// Scan reads b.
func (p *Patterns) Scan(state State, b []byte) (State, ID) { return state, 0 }

func parsePattern(text string) (parsed, error) { return parsed{}, bad(BadPattern, Pattern, text) }
