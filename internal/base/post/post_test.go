package post_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/key"
	"noroshi/internal/base/mail"
	"noroshi/internal/base/post"
	"noroshi/internal/base/webhook"
	"noroshi/internal/testkit"
)

var sources = []db.Source{{Noun: "bus", FS: bus.Migrations}, {Noun: "key", FS: key.Migrations}, {Noun: "post", FS: post.Migrations}}

// box is a mail server's place that answers as the test says.
type box struct {
	mu    sync.Mutex
	taken map[string]int // by Message-ID
	fail  func(to string) error
}

func (b *box) Send(_ context.Context, m mail.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		if err := b.fail(m.To); err != nil {
			return err
		}
	}
	b.taken[m.ID]++
	return nil
}

type world struct {
	*testing.T
	d     *db.DB
	clock *testkit.Clock
	box   *box
	*post.Office
}

func each(t *testing.T, fn func(w *world)) {
	testkit.Each(t, sources, func(t *testing.T, d *db.DB) {
		ring, err := key.OpenRing(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		w := &world{T: t, d: d, clock: testkit.NewClock(), box: &box{taken: map[string]int{}}}
		w.Office = post.New(post.Config{DB: d, Keys: key.NewStore(ring), Mail: w.box, Post: straight, Log: slog.New(slog.DiscardHandler), Now: w.clock.Now})
		fn(w)
	})
}

// straight posts with the standard library; the hub posts through base/fetch.
func straight(ctx context.Context, url string, header map[string]string, body []byte) (int, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	for k, v := range header {
		q.Header.Set(k, v)
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, err
	}
	return a.StatusCode, a.Body.Close()
}

func (w *world) queue(l post.Letter) (id string) {
	w.Helper()
	l.Owner, l.Object = "office", "notice/1"
	w.must(w.d.Write(w.Context(), func(tx *db.Tx) (err error) { id, err = w.Queue(w.Context(), tx, l); return err }))
	return id
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) round() {
	w.Helper()
	_, err := w.Round(w.Context())
	w.must(err)
}

func (w *world) state(id string) (l post.Letter) {
	w.Helper()
	w.must(w.d.Read(w.Context(), func(tx *db.Tx) error {
		all, _, err := w.Of(w.Context(), tx, "notice/1", "", 500)
		for _, x := range all {
			if x.ID == id {
				l = x
			}
		}
		return err
	}))
	return l
}

func letterTo(to string) post.Letter {
	return post.Letter{Recipient: "firm", Channel: post.Mail, Content: post.Content{Address: to, Subject: "知らせ", Text: "本文"}}
}

func TestMail(t *testing.T) {
	each(t, func(w *world) {
		id := w.queue(letterTo("desk@firm.example"))
		later := letterTo("desk@firm.example")
		later.Due = w.clock.Now().Add(time.Hour)
		quiet := w.queue(later)
		w.round()
		w.round()
		if w.box.taken[id] != 1 || w.state(id).State != post.Sent {
			t.Errorf("taken %d times, %+v", w.box.taken[id], w.state(id))
		}
		if w.box.taken[quiet] != 0 || w.state(quiet).State != post.Waiting {
			t.Errorf("a letter of the quiet hours went out")
		}
		w.clock.Pass(time.Hour)
		w.round()
		if w.box.taken[quiet] != 1 {
			t.Error("it never went out")
		}
		if n := testkit.Count(t, w.d, "SELECT count(*) FROM bus_event WHERE subject = 'post.sent'"); n != 2 {
			t.Errorf("%d events", n)
		}
		if n := testkit.Count(t, w.d, "SELECT count(*) FROM post_letter WHERE CAST(sealed AS TEXT) LIKE '%firm.example%'"); n != 0 {
			t.Error("an address lies open in the table")
		}
	})
}

func TestTriesLaterAndLaterThenLaysAside(t *testing.T) {
	each(t, func(w *world) {
		down := true
		w.box.fail = func(string) error {
			if down {
				return fault.New(fault.Busy, "mail.later", "why", "421 busy")
			}
			return nil
		}
		id := w.queue(letterTo("desk@firm.example"))
		var rests []time.Duration
		last := w.clock.Now()
		for range 200 {
			w.round()
			l := w.state(id)
			if l.State == post.Dead {
				break
			}
			if l.Due.After(last) {
				rests = append(rests, l.Due.Sub(w.clock.Now()))
				last = l.Due
			}
			w.clock.Pass(max(time.Second, l.Due.Sub(w.clock.Now())))
		}
		l := w.state(id)
		if l.State != post.Dead || l.Tries != 10 || l.Why != "421 busy" {
			t.Fatalf("%+v after %v", l, rests)
		}
		for i := 1; i < len(rests); i++ {
			if rests[i] < rests[i-1] {
				t.Errorf("rests %v do not grow", rests)
			}
		}
		w.must(w.d.Read(t.Context(), func(tx *db.Tx) error {
			aside, _, err := w.Aside(t.Context(), tx, "", 10)
			if len(aside) != 1 || aside[0].ID != id {
				t.Errorf("laid aside: %+v", aside)
			}
			return err
		}))
		down = false
		w.must(w.d.Write(t.Context(), func(tx *db.Tx) error { return w.Again(t.Context(), tx, id) }))
		w.round()
		if w.state(id).State != post.Sent {
			t.Errorf("sent again: %+v", w.state(id))
		}
		if err := w.d.Write(t.Context(), func(tx *db.Tx) error { return w.Again(t.Context(), tx, id) }); !errors.Is(err, post.ErrNone) {
			t.Errorf("a letter that arrived can be sent again: %v", err)
		}
	})
}

func TestRefusedForGoodAndReturned(t *testing.T) {
	each(t, func(w *world) {
		w.box.fail = func(to string) error {
			if to == "nobody@firm.example" {
				return fault.New(fault.Invalid, "mail.refused", "code", 550, "why", "550 no such mailbox")
			}
			return nil
		}
		refused, taken := w.queue(letterTo("nobody@firm.example")), w.queue(letterTo("desk@firm.example"))
		w.round()
		if l := w.state(refused); l.State != post.Dead || l.Tries != 1 {
			t.Errorf("%+v", l)
		}
		give := func(r mail.Report) {
			w.must(w.d.Write(t.Context(), func(tx *db.Tx) error { return w.Returned(t.Context(), tx, r) }))
		}
		give(mail.Report{ID: taken, Action: "delayed", Status: "4.0.0"})
		give(mail.Report{ID: "no-such-letter", Action: "failed"})
		if w.state(taken).State != post.Sent {
			t.Error("a delay counts as a failure")
		}
		give(mail.Report{ID: taken, Action: "failed", Status: "5.1.1", Why: "no such mailbox"})
		if l := w.state(taken); l.State != post.Dead || l.Why != "5.1.1 no such mailbox" {
			t.Errorf("%+v", l)
		}
		if n := testkit.Count(t, w.d, "SELECT count(*) FROM bus_event WHERE subject = 'post.failed'"); n != 2 {
			t.Errorf("%d events of failure", n)
		}
	})
}

func TestWebhook(t *testing.T) {
	each(t, func(w *world) {
		secret := webhook.NewSecret()
		status, got := 503, 0
		srv := httptest.NewServer(http.HandlerFunc(func(a http.ResponseWriter, q *http.Request) {
			body, _ := io.ReadAll(q.Body)
			if err := secret.Verify(q.Header.Get, w.clock.Now(), body); err != nil {
				t.Error(err)
			}
			got++
			a.WriteHeader(status)
		}))
		defer srv.Close()
		hook := post.Letter{Recipient: "firm", Channel: post.Webhook, Content: post.Content{Address: srv.URL, Body: []byte(`{"type":"notice.sent"}`), Secret: secret.Reveal()}}
		id := w.queue(hook)
		w.round()
		if l := w.state(id); l.State != post.Waiting || l.Why != "HTTP 503" {
			t.Fatalf("%+v", l)
		}
		status = 204
		w.clock.Pass(time.Minute)
		w.round()
		if w.state(id).State != post.Sent || got != 2 {
			t.Errorf("%+v after %d", w.state(id), got)
		}
		status = http.StatusGone
		id = w.queue(hook)
		w.round()
		if l := w.state(id); l.State != post.Dead || l.Tries != 1 {
			t.Errorf("an address that is gone is tried again: %+v", l)
		}
	})
}

// TestCutOffWhileSending ends the program between the two writings of a
// letter.
func TestCutOffWhileSending(t *testing.T) {
	each(t, func(w *world) {
		ctx, kill := context.WithCancel(t.Context())
		w.box.fail = func(string) error { kill(); return context.Canceled }
		id := w.queue(letterTo("desk@firm.example"))
		if _, err := w.Round(ctx); err != nil {
			t.Fatal(err)
		}
		if l := w.state(id); l.State != post.Sending {
			t.Fatalf("%+v", l)
		}
		w.box.fail = nil
		w.round()
		if len(w.box.taken) != 0 {
			t.Fatal("taken back while it may still be under way")
		}
		w.clock.Pass(5 * time.Minute)
		w.round()
		if w.box.taken[id] != 1 || w.state(id).State != post.Sent {
			t.Errorf("lost: %+v", w.state(id))
		}
	})
}

func TestMany(t *testing.T) {
	each(t, func(w *world) {
		const n = 300
		for i := range n {
			w.queue(letterTo(fmt.Sprintf("desk%d@firm.example", i)))
		}
		for range 10 {
			w.round()
		}
		if len(w.box.taken) != n {
			t.Errorf("%d of %d arrived", len(w.box.taken), n)
		}
		seen, cursor := map[string]bool{}, ""
		for range n {
			w.must(w.d.Read(t.Context(), func(tx *db.Tx) error {
				page, next, err := w.Of(t.Context(), tx, "notice/1", cursor, 70)
				for _, l := range page {
					if seen[l.ID] || l.Tries != 1 {
						t.Errorf("%+v twice", l)
					}
					seen[l.ID] = true
				}
				cursor = next
				return err
			}))
			if cursor == "" {
				break
			}
		}
		if len(seen) != n {
			t.Errorf("%d of %d listed", len(seen), n)
		}
	})
}

// A server repeats whom it refuses; what is kept of it lies open.
func TestFailuresNameNobody(t *testing.T) {
	each(t, func(w *world) {
		w.box.fail = func(to string) error {
			return fault.New(fault.Invalid, "mail.refused", "code", 550, "why", "550 <"+to+">: no such user, affected recipient(s): "+to+", 5.1.1")
		}
		refused := w.queue(letterTo("taro@firm.example"))
		w.round()
		w.box.fail = nil
		back := w.queue(letterTo("taro@firm.example"))
		w.round()
		w.must(w.d.Write(t.Context(), func(tx *db.Tx) error {
			return w.Returned(t.Context(), tx, mail.Report{ID: back, Action: "failed", Status: "5.1.1", Why: "<taro@firm.example> unknown"})
		}))
		for _, id := range []string{refused, back} {
			if l := w.state(id); l.State != post.Dead || strings.Contains(l.Why, "taro") || !strings.Contains(l.Why, "5.1.1") {
				t.Errorf("%+v", l)
			}
		}
		if n := testkit.Count(t, w.d, "SELECT count(*) FROM bus_event WHERE data LIKE '%taro%'"); n != 0 {
			t.Errorf("%d events carry the address", n)
		}
	})
}

// One letter that cannot be opened holds up no other.
func TestPoison(t *testing.T) {
	each(t, func(w *world) {
		bad, good := w.queue(letterTo("desk@firm.example")), w.queue(letterTo("desk@firm.example"))
		w.must(w.d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE post_letter SET sealed = $2 WHERE id = $1", bad, []byte("nothing that was sealed"))
			return err
		}))
		w.round()
		if w.state(bad).State != post.Dead || w.state(good).State != post.Sent {
			t.Errorf("bad %s, good %s", w.state(bad).State, w.state(good).State)
		}
	})
}

// A letter that waited behind slow ones until its lease is nearly over is given
// back untried, and whoever comes back too late changes nothing.
func TestLease(t *testing.T) {
	each(t, func(w *world) {
		var mu sync.Mutex
		slow := true
		w.box.fail = func(string) error { // each takes 40 s of a timeout of 45
			mu.Lock()
			defer mu.Unlock()
			if slow {
				w.clock.Pass(40 * time.Second)
			}
			return nil
		}
		var ids []string
		for i := range 30 {
			ids = append(ids, w.queue(letterTo(fmt.Sprintf("desk%d@firm.example", i))))
		}
		w.round()
		sent, waiting := 0, 0
		for _, id := range ids {
			switch l := w.state(id); {
			case l.State == post.Sent && w.box.taken[id] == 1:
				sent++
			case l.State == post.Waiting && l.Tries == 0 && w.box.taken[id] == 0:
				waiting++
			default:
				t.Errorf("%+v, taken %d times", l, w.box.taken[id])
			}
		}
		if sent == 0 || waiting == 0 {
			t.Errorf("%d sent, %d given back", sent, waiting)
		}
		slow = false
		w.round()
		for _, id := range ids {
			if w.box.taken[id] != 1 {
				t.Errorf("%s taken %d times", id, w.box.taken[id])
			}
		}
		// Another node takes a letter over while it is under way here.
		var late string
		w.box.fail = func(string) error {
			_, err := w.settled(late)
			return errors.Join(err, fault.New(fault.Busy, "mail.later", "why", "gone quiet"))
		}
		late = w.queue(letterTo("desk@firm.example"))
		w.round()
		if l := w.state(late); l.State != post.Sent || l.Why != "" {
			t.Errorf("what another node settled is undone: %+v", l)
		}
	})
}

// settled marks a letter as sent, as another node would.
func (w *world) settled(id string) (n int64, err error) {
	err = w.d.Write(w.Context(), func(tx *db.Tx) error {
		n, err = tx.Exec(w.Context(), "UPDATE post_letter SET state = 'sent' WHERE id = $1", id)
		return err
	})
	return n, err
}

// What a letter said is not kept for ever: it holds addresses and links.
func TestForgets(t *testing.T) {
	each(t, func(w *world) {
		w.box.fail = func(to string) error {
			if to == "nobody@firm.example" {
				return fault.New(fault.Invalid, "mail.refused", "code", 550, "why", "550")
			}
			return nil
		}
		old, dead := w.queue(letterTo("desk@firm.example")), w.queue(letterTo("nobody@firm.example"))
		w.round()
		w.clock.Pass(13 * 24 * time.Hour)
		young := w.queue(letterTo("desk@firm.example"))
		w.round()
		if n, err := w.Forget(t.Context()); n != 0 || err != nil {
			t.Errorf("%d %v", n, err)
		}
		w.clock.Pass(2 * 24 * time.Hour)
		if n, err := w.Forget(t.Context()); n != 1 || err != nil {
			t.Errorf("%d %v", n, err)
		}
		if n, err := w.Forget(t.Context()); n != 0 || err != nil {
			t.Errorf("again: %d %v", n, err)
		}
		for id, want := range map[string]bool{old: true, dead: false, young: false} {
			if n := testkit.Count(t, w.d, "SELECT count(*) FROM post_letter WHERE id = $1 AND length(sealed) = 0", id); (n == 1) != want {
				t.Errorf("%s is forgotten: %v", w.state(id).State, n == 1)
			}
		}
	})
}

// What may no longer be sent is not, whoever tries again.
func TestLateAndWithdrawn(t *testing.T) {
	each(t, func(w *world) {
		late := letterTo("desk@firm.example")
		late.Content.Until = w.clock.Now().Add(time.Minute)
		w.clock.Pass(2 * time.Minute)
		id := w.queue(late)
		w.round()
		if l := w.state(id); l.State != post.Dead || l.Why != "post.late" {
			t.Errorf("late: %+v", l)
		}
		w.must(w.d.Write(w.Context(), func(tx *db.Tx) error { return w.Again(w.Context(), tx, id) }))
		w.round()
		if l := w.state(id); l.State != post.Dead || w.box.taken[id] != 0 {
			t.Errorf("tried again: %+v, taken %d times", l, w.box.taken[id])
		}

		given := letterTo("desk@firm.example")
		given.ID = "0190aaaa-0000-7000-8000-000000000001"
		if id = w.queue(given); id != given.ID {
			t.Errorf("queued as %s", id)
		}
		n := 0
		w.must(w.d.Write(w.Context(), func(tx *db.Tx) (err error) { n, err = w.Withdraw(w.Context(), tx, "notice/1"); return err }))
		w.round()
		if l := w.state(id); n != 1 || l.State != post.Dead || l.Why != "post.withdrawn" {
			t.Errorf("%d withdrawn: %+v", n, l)
		}
		if n != 1 {
			t.Errorf("%d waited", n)
		}
		w.must(w.d.Write(w.Context(), func(tx *db.Tx) error { return w.Again(w.Context(), tx, id) }))
		w.round()
		if l := w.state(id); l.State != post.Dead || w.box.taken[id] != 0 {
			t.Errorf("sent after all: %+v, taken %d times", l, w.box.taken[id])
		}
	})
}
