package ledger

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/engine/tlog"
)

// Post sends a body to an address and returns the status and the answer.
type Post func(ctx context.Context, url string, body []byte) (status int, answer []byte, err error)

// Submit asks the witnesses at some addresses for cosignatures, again and again
// until ctx ends (c2sp.org/tlog-witness, add-checkpoint). An address is the
// submission prefix. What a witness refuses is said in the log of the program,
// once until it changes.
func (l *Ledger) Submit(ctx context.Context, every time.Duration, urls []string, post Post) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	said := make([]string, len(urls))
	sizes := make([]uint64, len(urls))
	for {
		for i, url := range urls {
			var err error
			if sizes[i], err = l.submit(ctx, url, sizes[i], post); ctx.Err() != nil {
				return
			}
			why := ""
			if err != nil {
				why = err.Error()
			}
			if why != said[i] && why != "" {
				l.Log.Warn("ledger: witness", "url", url, "error", why)
			}
			said[i] = why
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// submit gives one witness the newest checkpoint; old is the size that it cosigned
// last, as far as we know, and what comes back is that again.
func (l *Ledger) submit(ctx context.Context, url string, old uint64, post Post) (uint64, error) {
	for range 2 {
		signed, err := os.ReadFile(filepath.Join(l.Dir, tlog.CheckpointPath))
		if err != nil {
			return old, err
		}
		c, err := tlog.OpenCheckpoint(signed, l.Verifier)
		if err != nil {
			return old, err
		}
		if old > c.Size {
			return old, fmt.Errorf("%w: the witness has cosigned %d entries, the log has %d", ErrFork, old, c.Size)
		}
		reader, err := tlog.NewReader(os.DirFS(l.Dir), c.Size)
		if err != nil {
			return old, err
		}
		proof, err := reader.Consistency(old, c.Size)
		if err != nil { // the log moved on meanwhile, or it is not whole
			return old, err
		}
		status, answer, err := post(ctx, strings.TrimSuffix(url, "/")+"/add-checkpoint", tlog.Submission{Old: old, Proof: proof, Checkpoint: signed}.Text())
		if err != nil {
			return old, err
		}
		switch status {
		case http.StatusOK:
			return c.Size, l.Cosign(ctx, append(signed, answer...))
		case http.StatusConflict: // it says what it has
			size, err := strconv.ParseUint(strings.TrimSpace(string(answer)), 10, 64)
			if err != nil || size > tlog.MaxSize || size == old {
				return old, fmt.Errorf("answers a conflict with %.40q", answer)
			}
			old = size
		default:
			return old, fmt.Errorf("answers %d: %.200q", status, answer)
		}
	}
	return old, errors.New("says another size every time")
}
