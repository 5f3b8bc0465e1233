package notice

import (
	"context"
	"errors"
	"testing"
	"time"

	"noroshi/internal/org"
)

// Whoever is added or taken off after the check is not told by it: neither when
// a colleague does it nor when the hub itself does.
func TestSendingTakesWhatWasChecked(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		send := func(v Review) error {
			_, err := h.Send(h.analyst(), v.Notice.ID, SendInput{Revision: v.Notice.Revision, Despite: true})
			return err
		}
		check := func(id ID) Review {
			v, err := h.Review(h.analyst(), id)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		n, err := h.Draft(h.analyst(), NewNotice{Content: h.content(), Recipients: h.to("wind")})
		if err != nil {
			t.Fatal(err)
		}
		seen := check(n.ID)
		if seen.Notice.Revision != n.Revision {
			t.Errorf("a new draft has revision %d, not %d", seen.Notice.Revision, n.Revision)
		}
		if err := h.AddRecipients(h.analyst(), n.ID, h.to("wind")); err != nil {
			t.Fatal(err)
		}
		if now := check(n.ID); now.Notice.Revision != seen.Notice.Revision {
			t.Errorf("nothing changed, and the revision is %d", now.Notice.Revision)
		}
		if err := h.AddRecipients(h.analyst(), n.ID, h.to("sea")); err != nil {
			t.Fatal(err)
		}
		if err := send(seen); !errors.Is(err, ErrRevision) {
			t.Errorf("after one was added: %v", err)
		}
		seen = check(n.ID)
		b, err := h.Board(h.analyst(), n.ID, "", "", 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.RemoveRecipient(h.analyst(), n.ID, b.Rows[0].ID); err != nil {
			t.Fatal(err)
		}
		if err := send(seen); !errors.Is(err, ErrRevision) {
			t.Errorf("after one was taken off: %v", err)
		}
		if err := send(check(n.ID)); err != nil {
			t.Error(err)
		}

		for _, name := range []string{"bank", "sea"} { // the hub's own draft, and one who joins it
			h.exposed = append(h.exposed, Exposed{Org: h.ID(name), Product: "EdgeGate 410", Devices: 2, Certain: true, Priority: Act})
		}
		tick := func(name string) ID {
			h.hear(name, "CVE-2026-90500")
			if _, err := h.Tick(org.Local(context.Background()), h.now()); err != nil {
				t.Fatal(err)
			}
			list, _, err := h.List(h.analyst(), Filter{Stage: Draft})
			if err != nil || len(list) != 1 {
				t.Fatalf("%d drafts, %v", len(list), err)
			}
			return list[0].ID
		}
		seen = check(tick("bank"))
		tick("sea")
		if err := send(seen); !errors.Is(err, ErrRevision) {
			t.Errorf("after the hub added one: %v", err)
		}
	})
}

// A second draft about the same says when its own recipients were found, not
// when the first of all were.
func TestAJoinerWasFoundLater(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		draft := func(name string) Notice {
			h.exposed = append(h.exposed, Exposed{Org: h.ID(name), Product: "EdgeGate 410", Devices: 2, Certain: true, Priority: Act, FoundAt: h.now()})
			h.hear(name, "CVE-2026-90500")
			if _, err := h.Tick(org.Local(context.Background()), h.now()); err != nil {
				t.Fatal(err)
			}
			list, _, err := h.List(h.analyst(), Filter{Stage: Draft})
			if err != nil || len(list) != 1 {
				t.Fatalf("%d drafts, %v", len(list), err)
			}
			return list[0].Notice
		}
		first := draft("bank")
		if _, err := h.Send(h.analyst(), first.ID, SendInput{Revision: first.Revision, Despite: true}); err != nil {
			t.Fatal(err)
		}
		h.Clock.Pass(30 * 24 * time.Hour)
		found := h.now()
		if second := draft("sea"); !second.Content.KnownAt.Equal(found) {
			t.Errorf("known at %v, found at %v", second.Content.KnownAt, found)
		}
	})
}
