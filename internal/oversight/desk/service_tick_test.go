package desk

import (
	"testing"
	"time"
)

// TestAPromptDoesNotStraddleItsDay lets the clock pass the day of a paper between the
// reading of the clock and the entry: what is written then says nothing that is over.
func TestAPromptDoesNotStraddleItsDay(t *testing.T) {
	for _, behind := range []time.Duration{0, time.Millisecond, 20 * time.Second} {
		h := lite(t)
		p, err := h.Draft(h.as("commission/inspector"), h.draft())
		h.must(err)
		_, err = h.Propose(h.as("commission/member1"), p.ID)
		h.must(err)
		p, err = h.Settle(h.as("commission/member2"), p.ID)
		h.must(err)
		h.Clock.Pass(p.DueAt.Sub(h.Clock.Now()) + behind/2) // the ledger's clock is past the day by then
		real := h.Service.Now
		h.Service.Now = func() time.Time { return real().Add(-behind) }
		h.must(h.remind(t.Context(), p.ID))
		h.Service.Now = real
		h.lawful("paper_steps")
	}
}
