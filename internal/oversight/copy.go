package oversight

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/engine/tlog"
)

// Codes of what an auditor finds when it follows a log, beside those of
// engine/tlog.
const (
	rolledBack = "rolled_back" // the log has fewer entries than it had
	forked     = "forked"      // it tells another history than it told
)

// Follower keeps a copy of a log of its own and takes nothing into it that does
// not continue it. Its folder:
//
//	ledger/     the copy, as the log's own folder
//	cosigned    the newest checkpoint with our cosignature
//	evidence/   signed checkpoints that contradict the copy
//	auditor.key, auditor.vkey   the witness's key
type Follower struct {
	Remote fs.FS // the log
	Dir    string
	Keys   []note.Verifier
	Kinds  approval.Rules
	Now    func() time.Time

	replay *Replay
	tree   tlog.Tree
	have   tlog.Checkpoint
	signer *cosigner
	vkey   string
}

// Round is what one look at the log came to.
type Round struct {
	Origin   string `json:"origin"`
	Size     uint64 `json:"size"`
	New      uint64 `json:"new"` // entries that came in
	Root     string `json:"root"`
	Cosigned bool   `json:"cosigned"`
	Witness  string `json:"witness"` // verifier key of the cosignature
	Result
}

func (f *Follower) copyDir() string { return filepath.Join(f.Dir, "ledger") }

// Open reads the copy back, verifies every file of it and replays it. A copy
// that was changed is an error.
func (f *Follower) Open(ctx context.Context) error {
	if err := os.MkdirAll(f.copyDir(), 0o700); err != nil {
		return fmt.Errorf("auditor's folder: %w", err)
	}
	if err := f.openKey(); err != nil {
		return err
	}
	var err error
	if f.replay, err = NewReplay(f.Kinds); err != nil {
		return err
	}
	local := os.DirFS(f.copyDir())
	signed, err := fs.ReadFile(local, tlog.CheckpointPath)
	if errors.Is(err, fs.ErrNotExist) {
		return f.sweep(0)
	}
	if err != nil {
		return fmt.Errorf("auditor's copy: %w", err)
	}
	if f.have, err = tlog.OpenCheckpoint(signed, f.Keys...); err != nil {
		return fmt.Errorf("auditor's copy: %w", err)
	}
	if err := f.sweep(f.have.Size); err != nil {
		return err
	}
	if _, err := tlog.Verify(ctx, local, tlog.Options{Keys: f.Keys, Replay: f.replay.Take}); err != nil {
		return fmt.Errorf("auditor's copy: %w", err)
	}
	if f.replay.err != nil {
		return f.replay.err
	}
	f.tree, err = tlog.Restore(local, f.have.Size, f.have.Root)
	return err
}

// sweep removes what a round that did not end left in the copy.
func (f *Follower) sweep(size uint64) error {
	extra, err := tlog.Extra(os.DirFS(f.copyDir()), size)
	if err != nil {
		return fmt.Errorf("auditor's copy: %w", err)
	}
	for _, name := range extra {
		if err := os.Remove(filepath.Join(f.copyDir(), filepath.FromSlash(name))); err != nil {
			return fmt.Errorf("auditor's copy: %w", err)
		}
	}
	return nil
}

// openKey reads the key of the witness, and makes one the first time.
func (f *Follower) openKey() error {
	file := filepath.Join(f.Dir, "auditor.key")
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		secret, vkey, err := NewCosigner("auditor/" + hex.EncodeToString([]byte(f.Keys[0].Name()))[:min(16, 2*len(f.Keys[0].Name()))])
		if err != nil {
			return err
		}
		if err := put(filepath.Join(f.Dir, "auditor.vkey"), []byte(vkey+"\n"), 0o644); err != nil {
			return err
		}
		if err := put(file, []byte(secret+"\n"), 0o600); err != nil {
			return err
		}
		raw = []byte(secret)
	} else if err != nil {
		return fmt.Errorf("auditor's key: %w", err)
	}
	if f.signer, f.vkey, err = readCosigner(string(raw), f.Now); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// put writes a file so that it is whole on the disk, or not there.
func put(file string, data []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	tmp := file + ".new"
	w, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	if err == nil {
		err = w.Sync()
	}
	if e := w.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp, file)
}

// Once looks at the log once. What contradicts the copy is an alarm in the
// round, kept as evidence, and changes nothing here. Errors are those of
// reaching the log and of the disk.
func (f *Follower) Once(ctx context.Context) (r Round, err error) {
	signed, err := fs.ReadFile(f.Remote, tlog.CheckpointPath)
	if err != nil {
		return r, err
	}
	next, err := tlog.OpenCheckpoint(signed, f.Keys...)
	var bad *tlog.Problem
	if errors.As(err, &bad) {
		return f.alarm(signed, string(bad.Code), bad.Path)
	} else if err != nil {
		return r, err
	}
	switch {
	case f.have.Origin != "" && next.Origin != f.have.Origin:
		return f.alarm(signed, forked, tlog.CheckpointPath)
	case next.Size < f.have.Size:
		return f.alarm(signed, rolledBack, tlog.CheckpointPath)
	case next.Size == f.have.Size && f.have.Origin != "" && next.Root != f.have.Root:
		return f.alarm(signed, forked, tlog.CheckpointPath)
	}
	before := f.have.Size
	if next.Size > before || f.have.Origin == "" {
		bad, err := f.advance(ctx, next, signed)
		if err != nil {
			return r, err
		}
		if bad != nil {
			return f.alarm(signed, string(bad.Code), bad.Path)
		}
	}
	r = f.round()
	r.New = f.have.Size - before
	if err := f.cosign(signed); err != nil {
		return r, err
	}
	r.Cosigned = true
	return r, nil
}

func (f *Follower) round() Round {
	return Round{Origin: f.have.Origin, Size: f.have.Size, Root: f.have.Root.String(), Witness: f.vkey, Result: f.replay.Close(f.Now())}
}

// alarm keeps the checkpoint that contradicts the copy.
func (f *Follower) alarm(signed []byte, code, path string) (Round, error) {
	r := f.round()
	r.Alarms = append(r.Alarms, Alarm{Code: code, Path: path})
	sum := tlog.LeafHash(signed)
	return r, put(filepath.Join(f.Dir, "evidence", hex.EncodeToString(sum[:8])+".checkpoint"), signed, 0o600)
}

// batch is how many bundles are taken in at a time.
const batch = 64

// advance fetches the entries that are new, rebuilds the tree over them on top of
// the copy's own, and takes them in when that gives the root that was signed:
// the copy then is the beginning of the log. Otherwise the copy stays as it is.
func (f *Follower) advance(ctx context.Context, next tlog.Checkpoint, signed []byte) (*tlog.Problem, error) {
	tree, at := f.tree, f.have.Size
	give := func(bad *tlog.Problem, err error) (*tlog.Problem, error) {
		return bad, errors.Join(err, f.sweep(f.have.Size))
	}
	for at < next.Size {
		leaves, bad, err := f.fetch(ctx, at, next.Size)
		if err != nil || bad != nil {
			return give(bad, err)
		}
		grown, b, err := tree.Append(leaves)
		if err != nil {
			return give(nil, err)
		}
		for _, x := range b.Files {
			if err := put(filepath.Join(f.copyDir(), filepath.FromSlash(x.Path)), x.Data, 0o600); err != nil {
				return give(nil, err)
			}
		}
		tree, at = grown, at+uint64(len(leaves))
	}
	if tree.Root() != next.Root {
		// Did the log change its past, or does it serve other entries than it signed?
		var bad *tlog.Problem
		if err := tlog.Consistent(f.Remote, f.have, next); f.have.Size > 0 && errors.As(err, &bad) {
			return give(bad, nil)
		}
		return give(&tlog.Problem{Code: tlog.Differs, Path: tlog.CheckpointPath, Entry: tlog.NoEntry}, nil)
	}
	if err := f.judge(next.Size); err != nil {
		return give(nil, err)
	}
	if err := put(filepath.Join(f.copyDir(), tlog.CheckpointPath), signed, 0o600); err != nil {
		return nil, err
	}
	f.tree, f.have = tree, next
	return nil, f.sweep(next.Size)
}

// judge replays what was taken in, from the copy.
func (f *Follower) judge(size uint64) error {
	for at := f.have.Size; at < size; {
		path, width, skip := bundleAt(at, size)
		raw, err := os.ReadFile(filepath.Join(f.copyDir(), filepath.FromSlash(path)))
		if err != nil {
			return err
		}
		entries, err := tlog.ParseBundle(raw, width)
		if err != nil {
			return err
		}
		for i, leaf := range entries[skip:] {
			if err := f.replay.Take(at+uint64(i), leaf); err != nil {
				return err
			}
		}
		at += uint64(len(entries) - skip)
	}
	return nil
}

// bundleAt is the bundle that holds an entry of a log of a size, and how many
// entries before it.
func bundleAt(at, size uint64) (path string, width, skip int) {
	const full = 256
	t := tlog.Tile{Level: tlog.EntriesLevel, Index: at / full, Width: int(min(full, size-at/full*full))}
	return t.Path(), t.Width, int(at % full)
}

// fetch reads some bundles of new entries.
func (f *Follower) fetch(ctx context.Context, at, size uint64) (leaves [][]byte, bad *tlog.Problem, err error) {
	for range batch {
		if at >= size {
			break
		}
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		path, width, skip := bundleAt(at, size)
		raw, err := fs.ReadFile(f.Remote, path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &tlog.Problem{Code: tlog.Missing, Path: path, Entry: tlog.NoEntry}, nil
		}
		if err != nil {
			return nil, nil, err
		}
		entries, err := tlog.ParseBundle(raw, width)
		if err != nil {
			return nil, &tlog.Problem{Code: tlog.Malformed, Path: path, Entry: tlog.NoEntry, Detail: err.Error()}, nil
		}
		leaves = append(leaves, entries[skip:]...)
		at += uint64(width - skip)
	}
	return leaves, nil, nil
}

// cosign writes the checkpoint with our cosignature beside the copy
// (c2sp.org/tlog-cosignature). A checkpoint that was cosigned is left alone.
func (f *Follower) cosign(signed []byte) error {
	file := filepath.Join(f.Dir, "cosigned")
	if have, err := os.ReadFile(file); err == nil && bytes.HasPrefix(have, bytes.TrimRight(signed, "\n")) {
		return nil
	}
	n, err := note.Open(signed, note.VerifierList(f.Keys...))
	if err != nil {
		return fmt.Errorf("cosign: %w", err)
	}
	out, err := note.Sign(n, f.signer)
	if err != nil {
		return fmt.Errorf("cosign: %w", err)
	}
	return put(file, out, 0o644)
}
