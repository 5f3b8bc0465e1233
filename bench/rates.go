//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/db"
	"noroshi/internal/base/ledger"
	"noroshi/internal/incident"
)

// entrySize is about the bytes of an entry of the ledger.
const entrySize = 300

// inside are the measures that run in a process of their own, by name.
var inside = map[string]func(ctx context.Context, s setting) (figures, error){
	"ledger": ledgerRate, "submit": submitRate, "import": importCost, "lists": listTimes, "selection-map": mapCost,
	"rpz-publish": policyPublish, "rpz-compilezone": policyCompile, "rpz-unbound": policyUnbound, "rpz-bind": policyBIND, "rpz-bind-recent": policyBINDRecent,
}

// ledgerRate appends entries of about 300 bytes, each durable before its
// writer makes the next, until all of them are under a signed checkpoint.
// Writer 0 also waits for the proof of each of its entries.
func ledgerRate(ctx context.Context, s setting) (f figures, err error) {
	w, err := openWorld(ctx, s.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	who, _, err := w.country(ctx)
	if err != nil {
		return nil, err
	}
	var entries, bytes atomic.Int64
	var proofs []time.Duration
	began, before := time.Now(), worked()
	waits, err := drive(who.ctx, s.writers, s.length, func(ctx context.Context, writer int) error {
		r, err := w.ledger.Do(ctx, &ledger.Act{Verb: "probe.put", Object: "probe/" + uuid.NewString(), Secret: "x"}, func(*db.Tx) error { return nil })
		if err != nil {
			return err
		}
		entries.Add(1)
		bytes.Add(int64(len(r.Leaf)))
		if writer > 0 {
			return nil
		}
		wait, err := proven(ctx, w.ledger, r.Entry)
		proofs = append(proofs, wait)
		time.Sleep(rand.N(500 * time.Millisecond)) // so as not to march in step with the checkpoints
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := w.ledger.Settle(ctx); err != nil {
		return nil, err
	}
	took := time.Since(began)
	return figures{"cpu us": (worked() - before) / float64(entries.Load()), "entries/s": float64(entries.Load()) / took.Seconds(), "entry bytes": float64(bytes.Load()) / float64(entries.Load()),
		"durable p95 ms": percentile(waits, 95), "proof p95 ms": percentile(proofs, 95)}, nil
}

// proven waits until an entry can be proven against a signed checkpoint.
func proven(ctx context.Context, l *ledger.Ledger, entry string) (time.Duration, error) {
	began := time.Now()
	for {
		_, err := l.Prove(ctx, entry)
		if !errors.Is(err, ledger.ErrNotYet) {
			return time.Since(began), err
		}
		if time.Since(began) > time.Minute {
			return 0, fmt.Errorf("entry %s has no proof after a minute", entry)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// submitRate submits whole ransomware reports: checked against every profile,
// encrypted, addressed, recorded, delivered.
func submitRate(ctx context.Context, s setting) (f figures, err error) {
	w, err := openWorld(ctx, s.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	who, _, err := w.country(ctx)
	if err != nil {
		return nil, err
	}
	report := incident.Template(incident.Ransomware)
	began, before := time.Now(), worked()
	waits, err := drive(who.ctx, s.writers, s.length, func(ctx context.Context, _ int) error {
		_, err := w.incidents.Submit(ctx, report, "")
		return err
	})
	if err != nil {
		return nil, err
	}
	return figures{"cpu us": (worked() - before) / float64(len(waits)), "submissions/s": float64(len(waits)) / time.Since(began).Seconds(), "p50 ms": percentile(waits, 50), "p95 ms": percentile(waits, 95)}, nil
}
