package executor

import (
	"sync"
	"time"
)

// maxSkew is how far clocks may be apart before it is an alarm.
const maxSkew = 5 * time.Minute

// clock is the time by which orders end. It never goes back: neither when the
// machine's clock is put back while the process runs, nor behind what the journal
// says. A clock that is put forward ends orders early, which harms nobody.
type clock struct {
	mu     sync.Mutex
	wall   func() time.Time
	passed func() time.Duration // since the start, whatever is done to the wall clock
	base   time.Time            // by which it started
	ahead  time.Duration        // that base was put forward
	moved  bool                 // an alarm is due
}

// newClock starts at what wall says, or at the last instant that is known.
func newClock(wall func() time.Time, passed func() time.Duration, known time.Time) *clock {
	start, zero := wall().Round(0), passed()
	c := &clock{wall: wall, base: start, passed: func() time.Duration { return passed() - zero }}
	if known.After(start) {
		c.base, c.moved = known.Round(0), known.Sub(start) > maxSkew
	}
	return c
}

// Now is the later of the machine's clock and of the time that has passed.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall, by := c.wall().Round(0).UTC(), c.base.Add(c.passed()).UTC()
	if d := wall.Sub(by) + c.ahead; d < -maxSkew || d > maxSkew {
		c.moved = true
	}
	if wall.After(by) {
		return wall
	}
	return by
}

// maxAhead is how far a hub may put the clock forward, altogether: one that was
// taken over would end everything, and have it begin anew in another year.
const maxAhead = 24 * time.Hour

// atLeast puts the clock forward to an instant that the hub signed: an order begins
// and ends by the later of the two clocks.
func (c *clock) atLeast(t time.Time) {
	now := c.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch d := t.Sub(now); {
	case d <= 0:
	case d > maxAhead-c.ahead:
		c.moved = true
	default:
		c.base, c.ahead, c.moved = c.base.Add(d), c.ahead+d, c.moved || d > maxSkew
	}
}

// jumped reports, until it was asked, that the machine's clock was put forward or
// back.
func (c *clock) jumped() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.moved
	c.moved = false
	return was
}

// far reports whether another clock says another time.
func (c *clock) far(other time.Time) bool {
	d := c.Now().Sub(other)
	return d > maxSkew || d < -maxSkew
}
