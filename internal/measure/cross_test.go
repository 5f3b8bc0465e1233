package measure

import (
	"context"
	"testing"
	"time"

	"noroshi/internal/base/db"
)

// A step that is meant while the approval is being taken away waits for that, and is
// refused: the two do not pass each other unseen.
func TestAWithdrawalAndAStepDoNotCross(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		k, c := h.approved()
		h.must("begin", second(h.Begin(h.as("police/executive1"), k.ID)))
		taken, ended := make(chan struct{}), make(chan error, 1)
		go func() {
			ended <- h.DB.Write(context.Background(), func(tx *db.Tx) error { // as a revocation does, and slowly
				ctx := context.Background()
				var id string
				if err := tx.QueryRow(ctx, "SELECT id FROM approval_case WHERE id = $1"+tx.ForUpdate(), c.Approval).Scan(&id); err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, "UPDATE approval_case SET state = 'revoked' WHERE id = $1", id); err != nil {
					return err
				}
				close(taken)
				time.Sleep(300 * time.Millisecond)
				return nil
			})
		}()
		<-taken
		if _, err := h.Intend(h.as("police/executive1"), k.ID, 1, "行う。"); err == nil {
			t.Error("a step was meant under an approval that was just taken away")
		}
		h.must("revoke", <-ended)
	})
}
