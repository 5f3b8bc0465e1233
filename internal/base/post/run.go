package post

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/mail"
	"noroshi/internal/base/webhook"
)

const (
	perRound = 64               // letters of one round
	atATime  = 8                // sent side by side
	timeout  = 45 * time.Second // of one letter
	lease    = 3 * timeout      // after which a letter being sent counts as cut off
	interval = 500 * time.Millisecond
)

// waits is how long a letter rests after each try that failed, as Standard
// Webhooks recommends; after the last one it is laid aside.
var waits = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

// ways are the ways out. Each has rounds of its own, so that programs that do
// not answer hold up no mail.
var ways = [...]Channel{Mail, Webhook}

// kept is how long what a letter said is kept after it arrived: as long as a
// mail server may still report that it could not be delivered. It holds
// addresses, and links that open a page without an account.
const kept = 14 * 24 * time.Hour

// Forget empties letters that arrived long ago; that they went out stays. It
// returns how many it emptied, at most a thousand at a time.
func (o *Office) Forget(ctx context.Context) (n int64, err error) {
	const most = 1000
	err = o.DB.Write(ctx, func(tx *db.Tx) error {
		n, err = forget(ctx, tx, o.now().Add(-kept), most)
		return err
	})
	return n, err
}

// Run sends until ctx ends.
func (o *Office) Run(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() error {
		tick := time.NewTicker(10 * time.Minute)
		defer tick.Stop()
		for {
			if _, err := o.Forget(ctx); err != nil && ctx.Err() == nil {
				o.Log.Error("post", "error", err)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	})
	for _, way := range ways {
		g.Go(func() error { o.run(ctx, way); return nil })
	}
	return g.Wait()
}

func (o *Office) run(ctx context.Context, way Channel) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		n, err := o.round(ctx, way)
		if err != nil && ctx.Err() == nil {
			o.Log.Error("post", "error", err)
		}
		if n == perRound && ctx.Err() == nil {
			continue // there is more
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Round sends what is due, and returns how many letters it dealt with.
func (o *Office) Round(ctx context.Context) (n int, err error) {
	for _, way := range ways {
		some, err := o.round(ctx, way)
		if n += some; err != nil || ctx.Err() != nil {
			return n, err
		}
	}
	return n, nil
}

func (o *Office) round(ctx context.Context, way Channel) (int, error) {
	now := o.now()
	some := false // most rounds find nothing and should not queue for the writer
	err := o.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM post_letter WHERE state = 'waiting' AND due_at <= $1 AND channel = $3) OR EXISTS (SELECT 1 FROM post_letter WHERE state = 'sending' AND claimed_at < $2)",
			db.Micros(now), db.Micros(now.Add(-lease)), string(way)).Scan(&some)
	})
	if err != nil || !some {
		return 0, err
	}
	var letters []Letter
	err = o.DB.Write(ctx, func(tx *db.Tx) error {
		if _, err := reclaim(ctx, tx, now.Add(-lease)); err != nil {
			return err
		}
		var sealed [][]byte
		if letters, sealed, err = claim(ctx, tx, way, now, perRound); err != nil {
			return err
		}
		for i := range letters {
			if err := o.open(ctx, tx, &letters[i], sealed[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("claim letters: %w", err)
	}
	var g errgroup.Group
	g.SetLimit(atATime)
	for _, l := range letters {
		g.Go(func() error { return o.send(ctx, l) })
	}
	return len(letters), g.Wait()
}

// open unseals the content of a letter. When the owner's key is gone, or does
// not fit, so is what could be sent: the letter then fails by itself, not the
// round.
func (o *Office) open(ctx context.Context, tx *db.Tx, l *Letter, sealed []byte) error {
	c, err := o.Keys.For(ctx, tx, l.Owner)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	plain, err := c.Open(sealed, "post/"+l.ID)
	if err == nil {
		err = json.Unmarshal(plain, &l.Content)
	}
	if err != nil { // one row that somebody wrote over holds up nobody else's
		o.Log.Error("post", "letter", l.ID, "error", err)
		l.Content = Content{}
	}
	return nil
}

// send hands one letter over and writes down what came of it.
func (o *Office) send(ctx context.Context, l Letter) error {
	if o.now().After(l.claimed.Add(lease - timeout)) {
		// It waited behind slow ones: were it tried now, another node could
		// take it for cut off and send it too.
		return o.DB.Write(ctx, func(tx *db.Tx) error { return giveBack(ctx, tx, l) })
	}
	within, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	failed := o.hand(within, l)
	if ctx.Err() != nil {
		return nil // cut off: the letter stays marked as being sent, and is taken back
	}
	return o.DB.Write(ctx, func(tx *db.Tx) error {
		if ours, err := holds(ctx, tx, l); err != nil || !ours {
			return err
		}
		switch {
		case failed == nil:
			return o.end(ctx, tx, l, Sent, "")
		case final(failed) || l.Tries > len(waits):
			return o.end(ctx, tx, l, Dead, said(failed))
		}
		return postpone(ctx, tx, l.ID, o.now().Add(waits[l.Tries-1]), said(failed))
	})
}

var (
	errGone = fault.New(fault.Invalid, "post.gone")     // for good
	errKey  = fault.New(fault.Invalid, "post.unsealed") // there is no key to what it says
	errLate = fault.New(fault.Invalid, "post.late")     // its time is over
)

func (o *Office) hand(ctx context.Context, l Letter) error {
	c := l.Content
	switch {
	case c.Address == "":
		return errKey
	case !c.Until.IsZero() && !o.now().Before(c.Until):
		return errLate
	case l.Channel == Mail:
		return o.Mail.Send(ctx, mail.Message{ID: l.ID, To: c.Address, Subject: c.Subject, Text: c.Text, HTML: c.HTML, Calendar: c.Calendar, Raw: c.Raw})
	}
	secret, err := webhook.ParseSecret(c.Secret)
	if err != nil {
		return errGone.Because(err)
	}
	header := secret.Sign(l.ID, o.now(), c.Body)
	header["Content-Type"] = "application/json"
	status, err := o.Post(ctx, c.Address, header, c.Body)
	switch {
	case err != nil:
		return err
	case status == http.StatusGone:
		return errGone
	case status < 200 || status > 299:
		return fault.New(fault.Busy, "post.status", "status", status)
	}
	return nil
}

// final reports whether trying again cannot help: the other side refused for
// good, or the address is none we may send to.
func final(err error) bool {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Usage, fault.Refused:
		return true
	}
	return false
}

// said is a failure for the list of what did not arrive: the other side's
// words or status, never an address.
func said(err error) string {
	f := fault.Of(err)
	if why, ok := f.Args["why"].(string); ok {
		return nameless(why)
	}
	if status, ok := f.Args["status"].(int); ok {
		return "HTTP " + strconv.Itoa(status)
	}
	return f.Code
}

var mailAddress = regexp.MustCompile(`[^\s<>()"',;:]+@[^\s<>()"',;:]+`)

// nameless takes mail addresses out of another server's words: it likes to
// repeat whom it refuses, and what is kept of a failure lies open.
func nameless(s string) string { return mailAddress.ReplaceAllString(s, "…") }
