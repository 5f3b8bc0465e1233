package request

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
)

// posted is what is read of post.sent and post.failed: which letter of whose, and
// what came of it.
type posted struct {
	Letter string `json:"letter"`
	Object string `json:"object"`
	Why    string `json:"why"`
}

// moved is what is read of measure.moved: which chain of command, and where it
// stands.
type moved struct {
	Chain string `json:"chain"`
	State string `json:"state"`
}

// Followers hear what became of mails, and take back what has not left when the
// measure that it is a step of is no longer carried out.
func Followers(s *Service) []bus.Follower {
	return []bus.Follower{
		{Name: "request.posted", Subjects: []string{"post.sent", "post.failed"}, Handle: func(ctx context.Context, tx *db.Tx, ev bus.Event) error {
			var e posted
			if err := json.Unmarshal(ev.Data, &e); err != nil {
				return fmt.Errorf("%s: %w", ev.Subject, err)
			}
			if !strings.HasPrefix(e.Object, "request/") {
				return nil
			}
			if ev.Subject == "post.sent" {
				return heardOf(ctx, tx, e.Letter, Sent, "")
			}
			return heardOf(ctx, tx, e.Letter, Undelivered, e.Why)
		}},
		{Name: "request.measures", Subjects: []string{"measure.moved"}, Handle: func(ctx context.Context, tx *db.Tx, ev bus.Event) error {
			var e moved
			if err := json.Unmarshal(ev.Data, &e); err != nil {
				return fmt.Errorf("%s: %w", ev.Subject, err)
			}
			if e.State == "executing" {
				return nil
			}
			list, err := waitingOn(ctx, tx, e.Chain)
			if err != nil {
				return err
			}
			for _, r := range list {
				if _, err := s.Office.Withdraw(ctx, tx, objectOf(r.ID)); err != nil {
					return err
				}
			}
			return nil
		}},
	}
}
