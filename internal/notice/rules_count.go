package notice

import (
	"math"
	"slices"
	"time"
)

// Range is a count, or the bounds between which it lies.
type Range struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Exact reports whether the bounds are one number.
func (r Range) Exact() bool { return r.From == r.To }

// Blur turns a count into a range when it, or what is left of the total, is so
// small that it would point at single firms.
func (r *RuleSet) Blur(n, total int) Range {
	least := r.Relay.Exact
	switch {
	case n < least && total-n < least:
		return Range{0, total}
	case n < least:
		return Range{0, min(least-1, total)}
	case total-n < least && total != n:
		return Range{total - least + 1, total}
	case total == n: // all of them says it of each
		return Range{max(0, total-least+1), total}
	}
	return Range{n, n}
}

// Spread is how long something took over all who did it.
type Spread struct {
	N      int             `json:"n"`
	Median time.Duration   `json:"median_ns"`
	Least  time.Duration   `json:"least_ns"`
	Most   time.Duration   `json:"most_ns"`
	All    []time.Duration `json:"-"` // ascending
}

// SpreadOf measures durations; a negative one, from a clock that went back,
// counts as zero.
func SpreadOf(all []time.Duration) Spread {
	s := Spread{N: len(all)}
	if s.N == 0 {
		return s
	}
	s.All = slices.Clone(all)
	for i, d := range s.All {
		s.All[i] = max(d, 0)
	}
	slices.Sort(s.All)
	s.Least, s.Most = s.All[0], s.All[s.N-1]
	s.Median = s.All[s.N/2]
	if s.N%2 == 0 {
		s.Median = (s.All[s.N/2-1] + s.Median) / 2
	}
	return s
}

// LogPlace is where a duration stands on a logarithmic scale from ten seconds
// to thirty days, in per cent: for the strip of times.
func LogPlace(d time.Duration) float64 {
	const least, most = 10.0, 30 * 24 * 3600.0
	sec := min(max(d.Seconds(), least), most)
	return 100 * math.Log(sec/least) / math.Log(most/least)
}
