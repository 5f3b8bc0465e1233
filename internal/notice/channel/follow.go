package channel

import (
	"context"
	"encoding/json"

	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
)

// told is what this noun needs of the events of base/post: through which
// channel a letter went, and what came of it.
type told struct {
	Recipient string `json:"recipient"` // the channel's id
	Why       string `json:"why"`
}

// Followers keep each channel's state: whether the last letter arrived.
func Followers(s *Service) []bus.Follower {
	return []bus.Follower{{Name: "channel", Subjects: []string{"post.sent", "post.failed"}, Handle: func(ctx context.Context, tx *db.Tx, ev bus.Event) error {
		var t told
		if err := json.Unmarshal(ev.Data, &t); err != nil {
			return err
		}
		if ev.Subject == "post.sent" {
			return arrived(ctx, tx, t.Recipient, s.now())
		}
		return failed(ctx, tx, t.Recipient, t.Why)
	}}}
}
