package flow

import "sync"

// crew is who works on batches: the goroutines beside the caller, and the caller
// whenever it would have to wait. Each list of tables takes the batches in their
// order, by one at a time, whoever that is, so that nobody waits for
// somebody else while there is anything to do.
type crew struct {
	work    func(b *batch, list int)
	after   func(b *batch) // of a batch of which every list was worked on
	batches []*batch       // handed over in turn
	lists   int            // of each
	running sync.WaitGroup

	mu     sync.Mutex
	more   sync.Cond // there is something to do, or never will be again
	worked sync.Cond // every list of a batch was worked on
	sent   int       // batches handed over
	next   [parts]int
	taken  [parts]bool // somebody works on the list
	over   bool
}

// start begins n goroutines.
func (c *crew) start(n int) {
	c.more.L, c.worked.L = &c.mu, &c.mu
	for w := range n {
		c.running.Go(func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			for from := c.lists * (w + 1) / (n + 1); ; {
				if c.turn(from) {
					continue
				}
				if c.over {
					return
				}
				c.more.Wait()
			}
		})
	}
}

// send hands over the next batch.
func (c *crew) send(b *batch) {
	c.mu.Lock()
	b.left = c.lists
	c.sent++
	c.mu.Unlock()
	c.more.Broadcast()
}

// turn has the caller, who holds mu, work on a list of the oldest batch that has
// one, looking at the lists from one on, which keeps to the same tables who can.
// It reports whether there was one.
func (c *crew) turn(from int) bool {
	best := -1
	for i := range c.lists {
		p := (from + i) % c.lists
		if !c.taken[p] && c.next[p] < c.sent && (best < 0 || c.next[p] < c.next[best]) {
			best = p
		}
	}
	if best < 0 {
		return false
	}
	b := c.batches[c.next[best]%len(c.batches)]
	c.taken[best] = true
	c.mu.Unlock()
	c.work(b, best)
	c.mu.Lock()
	c.taken[best] = false
	c.next[best]++
	if b.left > 1 {
		b.left--
		return true
	}
	c.mu.Unlock()
	c.after(b)
	c.mu.Lock()
	b.left = 0
	c.worked.Signal()
	return true
}

// finish returns when every list of a batch was worked on, and helps until then.
func (c *crew) finish(b *batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for b.left > 0 {
		if !c.turn(0) {
			c.worked.Wait()
		}
	}
}

// stop waits for the goroutines. Everything handed over was worked on.
func (c *crew) stop() {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	c.more.Broadcast()
	c.running.Wait()
}
