package tlog

import (
	"fmt"
	"io/fs"
	"slices"
)

// Tree is the state of a log between two appends: its size, its right edge
// and the entries of its last bundle if that is partial. It is a value: an
// append leaves it as it was, so that a failed publication needs no undoing.
// The zero Tree is the log without entries. Memory: at most 8 KiB for each of
// 8 levels, and one bundle.
type Tree struct {
	size   uint64
	edge   [][]Hash // by level, the hashes of the partial tile, 0 to 255
	bundle []byte   // content of the partial bundle
}

// File is one file to write, by its path within the folder. Data may share
// the memory of a [Tree] and must not be changed.
type File struct {
	Path string
	Data []byte
}

// Batch is what one append changes in the folder.
type Batch struct {
	Files      []File   // to write before the checkpoint; none of them exists yet
	Superseded []string // partial tiles and bundle to remove after the checkpoint
}

// Size returns the number of entries.
func (t Tree) Size() uint64 { return t.size }

// Root returns the Merkle tree hash (RFC 6962 section 2.1).
func (t Tree) Root() Hash { return edgeRoot(t.edge) }

// Append returns the log with the entries added, and the files that publish
// it. Its cost is that of the entries and of one partial tile per level,
// whatever the size of the log. It fails if an entry is longer than
// [MaxEntry], naming its place in entries, or if the log would pass [MaxSize].
func (t Tree) Append(entries [][]byte) (Tree, Batch, error) {
	for i, e := range entries {
		if len(e) > MaxEntry {
			return t, Batch{}, fmt.Errorf("append: entry %d of the batch has %d bytes; a log holds at most %d", i, len(e), MaxEntry)
		}
	}
	if uint64(len(entries)) > MaxSize-t.size {
		return t, Batch{}, fmt.Errorf("append: %d entries do not fit: the log has %d of %d", len(entries), t.size, uint64(MaxSize))
	}
	if len(entries) == 0 {
		return t, Batch{}, nil
	}
	next := Tree{size: t.size + uint64(len(entries)), edge: slices.Clone(t.edge)}
	var out Batch
	next.bundle = t.appendBundles(entries, &out)
	hashes := make([]Hash, len(entries))
	for i, e := range entries {
		hashes[i] = LeafHash(e)
	}
	for level := 0; len(hashes) > 0; level++ {
		hashes = t.appendLevel(level, hashes, &next, &out)
	}
	return next, out, nil
}

// appendBundles adds the bundles that hold the entries to out and returns the
// content of the last one if it is partial.
func (t Tree) appendBundles(entries [][]byte, out *Batch) []byte {
	at := Tile{Level: EntriesLevel, Index: t.size / tileWidth, Width: int(t.size % tileWidth)}
	if at.Width > 0 {
		out.Superseded = append(out.Superseded, at.Path())
	}
	old := t.bundle
	for len(entries) > 0 {
		n := min(tileWidth-at.Width, len(entries))
		size := len(old)
		for _, e := range entries[:n] {
			size += 2 + len(e)
		}
		data := append(make([]byte, 0, size), old...)
		for _, e := range entries[:n] {
			data = appendEntry(data, e)
		}
		at.Width += n
		out.Files = append(out.Files, File{at.Path(), data})
		if at.Width < tileWidth {
			return data
		}
		entries, old = entries[n:], nil
		at.Index, at.Width = at.Index+1, 0
	}
	return nil
}

// appendLevel adds the hashes to a level: its tiles go to out, what is left
// over becomes the edge of next, and the roots of the tiles that became full
// are returned for the level above.
func (t Tree) appendLevel(level int, hashes []Hash, next *Tree, out *Batch) (full []Hash) {
	for len(next.edge) <= level {
		next.edge = append(next.edge, nil)
	}
	at := Tile{Level: level, Index: hashesAt(t.size, level) / tileWidth, Width: len(next.edge[level])}
	if at.Width > 0 {
		out.Superseded = append(out.Superseded, at.Path())
	}
	hashes = slices.Concat(next.edge[level], hashes)
	at.Width = tileWidth
	for ; len(hashes) >= tileWidth; at.Index++ {
		out.Files = append(out.Files, File{at.Path(), packHashes(hashes[:tileWidth])})
		full = append(full, fold(hashes[:tileWidth]))
		hashes = hashes[tileWidth:]
	}
	if at.Width = len(hashes); at.Width > 0 {
		out.Files = append(out.Files, File{at.Path(), packHashes(hashes)})
	}
	// A copy of its own length, so that the batch's memory is let go of.
	next.edge[level] = append(make([]Hash, 0, len(hashes)), hashes...)
	return full
}

// Restore reads the state of a log of the given size and root from its
// folder, after a restart. It reads one partial tile per level and the last
// bundle, and fails with a [*Problem] if they are missing or do not belong to
// the root: then appending would fork the log.
func Restore(fsys fs.FS, size uint64, root Hash) (Tree, error) {
	if size > MaxSize {
		return Tree{}, fmt.Errorf("restore: size %d: a log has at most %d entries", size, uint64(MaxSize))
	}
	r := Reader{fsys, size}
	edge, err := r.edge()
	if err != nil {
		return Tree{}, fmt.Errorf("restore: %w", err)
	}
	t := Tree{size: size, edge: edge}
	if got := t.Root(); got != root {
		return Tree{}, fmt.Errorf("restore: %w", problem(Differs, CheckpointPath, "the tiles of size %d have the root %v, not %v", size, got, root))
	}
	last := tileAt(size, EntriesLevel, size/tileWidth)
	if last.Width == 0 {
		return t, nil
	}
	entries, data, err := r.bundle(last)
	if err != nil {
		return Tree{}, fmt.Errorf("restore: %w", err)
	}
	for i, e := range entries {
		if LeafHash(e) != edge[0][i] {
			p := problem(Differs, last.Path(), "does not hash to its leaf")
			p.Entry = int64(last.Index*tileWidth) + int64(i)
			return Tree{}, fmt.Errorf("restore: %w", p)
		}
	}
	t.bundle = data
	return t, nil
}
