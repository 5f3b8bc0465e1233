package app

import (
	"sync/atomic"
	"time"

	"noroshi/internal/base/text"
)

// firstDay is the earliest day the demo shows: its oldest incident then falls
// on a day on which the duty to report applies (from 1 October 2026).
var firstDay = time.Date(2026, 11, 22, 9, 0, 0, 0, text.JST)

// clock is the demo's time. While the country is being built it stands where
// it is set, so that what is told of last month is dated last month; then it
// runs.
type clock struct {
	stands atomic.Int64  // microseconds; 0: it runs
	ahead  time.Duration // of the machine's clock
}

// newClock returns a clock that runs with the machine's, or ahead of it where
// that stands before firstDay.
func newClock(machine time.Time) *clock {
	c := &clock{}
	if machine.Before(firstDay) {
		c.ahead = firstDay.Sub(machine)
	}
	return c
}

// Now tells the time.
func (c *clock) Now() time.Time {
	if us := c.stands.Load(); us != 0 {
		return time.UnixMicro(us).UTC()
	}
	return time.Now().Add(c.ahead)
}

// Set stops the clock at an instant.
func (c *clock) Set(t time.Time) { c.stands.Store(t.UnixMicro()) }

// Run lets it run again.
func (c *clock) Run() { c.stands.Store(0) }
