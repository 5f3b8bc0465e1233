package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	sumdb "golang.org/x/mod/sumdb/tlog"

	"noroshi/internal/base/db"
	"noroshi/internal/base/folder"
	"noroshi/internal/engine/tlog"
)

// maxBatch bounds the entries of one round; lease is how long a sequencer that
// died keeps others waiting.
const (
	maxBatch = 32768
	lease    = 5 * time.Second
)

// ErrFork says that the folder holds entries the database does not have, as
// after restoring only one of the two from a backup. Going on would sign a
// second history, so nothing is signed.
var ErrFork = errors.New("the ledger's folder and the database tell different histories; restore both from the same backup")

// ErrNotHolder says that another node holds the lease.
var ErrNotHolder = errors.New("another node numbers the ledger")

// Run numbers, publishes and signs what is new at every interval, until ctx
// ends. Intervals are fixed, so that checkpoints show no single act.
func (l *Ledger) Run(ctx context.Context) error {
	tick := time.NewTicker(l.Interval)
	defer tick.Stop()
	for {
		more, err := l.round(ctx)
		if err == nil {
			err = l.beat(ctx)
		}
		switch {
		case errors.Is(err, ErrFork):
			return err
		case err != nil && ctx.Err() == nil && !errors.Is(err, ErrNotHolder):
			l.Log.Error("ledger", "error", err)
		}
		if more && err == nil && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return l.Close()
		case <-tick.C:
		}
	}
}

// beat writes an entry when nothing else was written for so long: whoever follows
// the log then sees that it goes on, and that its silence is a sign.
func (l *Ledger) beat(ctx context.Context) error {
	if l.Beat <= 0 || time.Since(l.looked) < min(l.Beat/4, time.Minute) {
		return nil
	}
	l.looked = time.Now()
	var last int64
	err := l.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, "SELECT coalesce(max(at), 0) FROM (SELECT at FROM ledger_entry ORDER BY id DESC LIMIT 1) AS newest").Scan(&last)
	})
	if err != nil || l.Now().Sub(db.Time(last)) < l.Beat {
		return err
	}
	_, err = l.Do(ctx, &Act{Verb: "ledger.beat"}, func(*db.Tx) error { return nil })
	return err
}

// Close gives lease and lock back, so that another node need not wait for
// the lease to end. The context of Run has ended already, hence another one.
func (l *Ledger) Close() error {
	l.seq.Lock()
	defer l.seq.Unlock()
	if l.seq.lock == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lease)
	defer cancel()
	err := l.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE ledger_head SET lease_until = 0 WHERE holder = $1", l.holder)
		return err
	})
	l.seq.lock.Close()
	l.seq.lock, l.seq.held = nil, false
	return err
}

// Settle publishes everything that is committed, for tests, the demo and the
// end of a process.
func (l *Ledger) Settle(ctx context.Context) error {
	for {
		more, err := l.round(ctx)
		if err != nil || !more {
			return err
		}
	}
}

// round numbers what is new, then publishes what is numbered. Numbers are
// durable before a file is written, so that a crash in between repeats the
// same files.
func (l *Ledger) round(ctx context.Context) (more bool, err error) {
	l.seq.Lock()
	defer l.seq.Unlock()
	if err := l.lock(); err != nil {
		return false, err
	}
	h, n, err := l.number(ctx)
	if err != nil {
		l.seq.held = false
		return false, err
	}
	if !l.seq.held {
		if err := l.restore(ctx, h); err != nil {
			return false, err
		}
		l.seq.held = true
	}
	if err := l.publish(ctx, h); err != nil {
		l.seq.held = false // read back what is really there
		return false, err
	}
	return n == maxBatch, nil
}

// head is the row that the nodes agree by.
type head struct {
	numbered, published uint64
	root                string // at published
}

// number takes or keeps the lease and gives numbers to committed entries.
func (l *Ledger) number(ctx context.Context) (h head, n int64, err error) {
	now := time.Now()
	err = l.DB.Write(ctx, func(tx *db.Tx) error {
		took, err := tx.Exec(ctx, "UPDATE ledger_head SET holder = $1, lease_until = $2 WHERE id = 1 AND (holder = $1 OR lease_until < $3)",
			l.holder, now.Add(lease).UnixMicro(), now.UnixMicro())
		if err != nil {
			return err
		}
		if took == 0 {
			return ErrNotHolder
		}
		if err := tx.QueryRow(ctx, "SELECT numbered, published, root FROM ledger_head WHERE id = 1").Scan(&h.numbered, &h.published, &h.root); err != nil {
			return err
		}
		n, err = tx.Exec(ctx, `UPDATE ledger_entry SET seq = s.n FROM (
			SELECT id, $1 + row_number() OVER (ORDER BY id) - 1 AS n FROM (SELECT id FROM ledger_entry WHERE seq IS NULL ORDER BY id LIMIT $2) AS fresh
		) AS s WHERE ledger_entry.id = s.id`, int64(h.numbered), maxBatch)
		if err != nil || n == 0 {
			return err
		}
		h.numbered += uint64(n)
		_, err = tx.Exec(ctx, "UPDATE ledger_head SET numbered = $1 WHERE id = 1", int64(h.numbered))
		return err
	})
	if err != nil {
		return h, 0, fmt.Errorf("number ledger entries: %w", err)
	}
	return h, n, nil
}

// restore continues from the folder's checkpoint, after a start or a failed
// publication, and removes what a publication that did not end left behind.
func (l *Ledger) restore(ctx context.Context, h head) error {
	if err := os.MkdirAll(l.Dir, 0o755); err != nil {
		return fmt.Errorf("open ledger folder: %w", err)
	}
	local := os.DirFS(l.Dir)
	var c tlog.Checkpoint
	raw, err := os.ReadFile(filepath.Join(l.Dir, tlog.CheckpointPath))
	switch {
	case err == nil:
		if c, err = tlog.OpenCheckpoint(raw, l.Verifier); err != nil {
			return fmt.Errorf("open ledger folder: %w", err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("open ledger folder: %w", err)
	default:
		c.Root = tlog.Tree{}.Root()
	}
	if c.Size > h.numbered {
		return fmt.Errorf("%w: the folder has %d entries, the database %d", ErrFork, c.Size, h.numbered)
	}
	if c.Size == h.published && h.published > 0 && c.Root.String() != h.root {
		return fmt.Errorf("%w: another root at %d entries", ErrFork, c.Size)
	}
	extra, err := tlog.Extra(local, c.Size)
	if err != nil {
		return fmt.Errorf("open ledger folder: %w", err)
	}
	for _, name := range extra {
		l.Log.Warn("ledger: removing what an unfinished publication left", "file", name)
		if err := os.Remove(filepath.Join(l.Dir, filepath.FromSlash(name))); err != nil {
			return fmt.Errorf("open ledger folder: %w", err)
		}
	}
	tree, err := tlog.Restore(local, c.Size, c.Root)
	if err != nil {
		return fmt.Errorf("open ledger folder: %w", err)
	}
	if err := l.compare(ctx, local, c.Size, h); err != nil {
		return err
	}
	l.seq.tree = tree
	return nil
}

// compare checks that what the folder holds beyond the database's last known
// root is what the database holds. A crash may leave a little there; a
// database from an older backup has other entries under the same numbers, and
// soon more than the folder, so that sizes alone would not show it.
func (l *Ledger) compare(ctx context.Context, local fs.FS, size uint64, h head) error {
	if size <= h.published { // publish compares when it gets there
		return nil
	}
	reader, err := tlog.NewReader(local, size)
	if err != nil {
		return fmt.Errorf("open ledger folder: %w", err)
	}
	if h.published > 0 {
		root, err := reader.Root(h.published)
		if err != nil {
			return fmt.Errorf("open ledger folder: %w", err)
		}
		if root.String() != h.root {
			return fmt.Errorf("%w: another root at %d entries", ErrFork, h.published)
		}
	}
	for from := h.published; from < size; {
		to := min(size, from+maxBatch)
		leaves, err := l.leaves(ctx, from, to)
		if err != nil {
			return err
		}
		at := make([]int64, len(leaves))
		for i := range leaves {
			at[i] = sumdb.StoredHashIndex(0, int64(from)+int64(i))
		}
		hashes, err := reader.ReadHashes(at)
		if err != nil {
			return fmt.Errorf("open ledger folder: %w", err)
		}
		for i, leaf := range leaves {
			if tlog.LeafHash(leaf) != hashes[i] {
				return fmt.Errorf("%w: entry %d is another in the folder", ErrFork, from+uint64(i))
			}
		}
		from = to
	}
	return nil
}

// publish writes tiles up to the last number, then the checkpoint, then
// removes what it superseded.
func (l *Ledger) publish(ctx context.Context, h head) error {
	tree := l.seq.tree
	if tree.Size() == h.numbered && tree.Root().String() == h.root {
		return nil
	}
	for first := true; first || tree.Size() < h.numbered; first = false {
		to := min(h.numbered, tree.Size()+maxBatch)
		if tree.Size() < h.published { // stop where the database knows the root
			to = min(to, h.published)
		}
		leaves, err := l.leaves(ctx, tree.Size(), to)
		if err != nil {
			return err
		}
		next, batch, err := tree.Append(leaves)
		if err != nil {
			return fmt.Errorf("publish ledger: %w", err)
		}
		if next.Size() == h.published && h.published > 0 && next.Root().String() != h.root {
			return fmt.Errorf("%w: the entries give another root at %d", ErrFork, h.published)
		}
		if err := l.write(next, batch); err != nil {
			return fmt.Errorf("publish ledger: %w", err)
		}
		tree, l.seq.tree = next, next
	}
	return l.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE ledger_head SET published = $1, root = $2 WHERE id = 1 AND holder = $3", int64(tree.Size()), tree.Root().String(), l.holder)
		return err
	})
}

// leaves reads the numbered entries from up to and without to.
func (l *Ledger) leaves(ctx context.Context, from, to uint64) ([][]byte, error) {
	leaves := make([][]byte, 0, to-from)
	err := l.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, "SELECT seq, leaf FROM ledger_entry WHERE seq >= $1 AND seq < $2 ORDER BY seq", int64(from), int64(to))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var seq int64
			var leaf []byte
			if err := rows.Scan(&seq, &leaf); err != nil {
				return err
			}
			if uint64(seq) != from+uint64(len(leaves)) {
				return fmt.Errorf("%w: entry %d is not in the database", ErrFork, from+uint64(len(leaves)))
			}
			leaves = append(leaves, leaf)
		}
		return rows.Err()
	})
	if err == nil && uint64(len(leaves)) != to-from {
		err = fmt.Errorf("%w: entry %d is not in the database", ErrFork, from+uint64(len(leaves)))
	}
	return leaves, err
}

func (l *Ledger) write(tree tlog.Tree, batch tlog.Batch) error {
	signed, err := tlog.SignCheckpoint(tlog.Checkpoint{Origin: l.Signer.Name(), Size: tree.Size(), Root: tree.Root()}, l.Signer)
	if err != nil {
		return err
	}
	w := folder.Writer{Dir: l.Dir, Mode: 0o644, Inject: l.inject}
	for _, f := range batch.Files {
		if err := w.Write(f.Path, f.Data); err != nil {
			return err
		}
	}
	if err := w.Sync(); err != nil {
		return err
	}
	if err := w.Replace(tlog.CheckpointPath, signed); err != nil {
		return err
	}
	for _, name := range batch.Superseded {
		if err := w.Remove(name); err != nil {
			return err
		}
	}
	return nil
}
