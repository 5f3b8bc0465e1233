package notice

import (
	"context"
	"encoding/json"
	"fmt"

	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
)

// exposureEvent is what this noun reads of exposure.found and
// exposure.changed: who is exposed to what. How urgent it is says exposure
// itself when the draft is made, for it may have changed since.
type exposureEvent struct {
	Org           string `json:"org"`
	Vulnerability string `json:"vulnerability"`
	Priority      string `json:"priority"` // empty when the sender does not say
}

// Followers are what this noun listens to.
func Followers(s *Service) []bus.Follower {
	return []bus.Follower{
		{Name: "notice.exposure", Subjects: []string{"exposure.found", "exposure.changed"}, Handle: s.heard},
		{Name: "notice.channels", Subjects: []string{"notice.sent", "notice.relayed", "notice.reminded", "notice.withdrawn", "notice.lettered"}, Handle: s.lettered},
		{Name: "notice.undelivered", Subjects: []string{"post.failed"}, Handle: s.undelivered},
	}
}

// lettered hands what was told to the recipients' channels, a part at a time.
func (s *Service) lettered(ctx context.Context, tx *db.Tx, _ bus.Event) error {
	more, err := s.takeUp(ctx, tx)
	if err != nil || !more {
		return err
	}
	return publish(ctx, tx, "lettered", Happened{})
}

// letterFailed is what this noun reads of post.failed: what a letter that did
// not arrive was about.
type letterFailed struct {
	Object string `json:"object"`
}

func (s *Service) undelivered(ctx context.Context, tx *db.Tx, ev bus.Event) error {
	var e letterFailed
	if err := json.Unmarshal(ev.Data, &e); err != nil {
		return fmt.Errorf("%s: %w", ev.Subject, err)
	}
	if err := s.unreached(ctx, tx, e.Object); err != nil {
		return err
	}
	return publish(ctx, tx, "lettered", Happened{})
}

// heard remembers an exposure. The next Tick drafts for all of a vulnerability
// at once, as an act of its own.
func (s *Service) heard(ctx context.Context, tx *db.Tx, ev bus.Event) error {
	var e exposureEvent
	if err := json.Unmarshal(ev.Data, &e); err != nil {
		return fmt.Errorf("%s: %w", ev.Subject, err)
	}
	if e.Org == "" || e.Vulnerability == "" || len(e.Vulnerability) > 80 || e.Priority != "" && e.Priority != string(Act) {
		return nil // of many at once, as after a first import, the analyst's queue tells
	}
	return found(ctx, tx, e.Vulnerability, e.Org, s.now())
}
