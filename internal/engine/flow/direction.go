package flow

// direction is one side of a TCP connection: what it sent.
type direction struct {
	next  uint32 // sequence number of what comes next in order
	isn   uint32
	acked uint32 // highest of what the other side acknowledged
	known bool   // next is
	begun bool   // its SYN was seen, isn is known
	fin   bool
	told  bool // acked is
	done  bool // nobody wants to see more
	skip  uint64
	buf   *window // seen, and left for later by who reads
	ahead *ahead  // out of order
}

// ahead is what came before its turn.
type ahead struct {
	n     int
	bytes int // held in windows
	parts [maxAhead]part
}

// part is a segment that came before its turn; w is nil where nobody reads.
type part struct {
	seq, size uint32
	at        int64
	w         *window
}

// Bounds of what may come before its turn in one direction.
const (
	maxAhead = 32
	maxReach = 1 << 30 // bytes ahead (RFC 7323 §2.3); what is farther is not believed
)
