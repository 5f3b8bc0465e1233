package tlog

import (
	"fmt"
	"io/fs"

	"golang.org/x/mod/sumdb/tlog"
)

// Reader reads entries, roots and proofs from the folder of a log. It trusts
// the files: what it returns is to be checked against a checkpoint, as
// [Proof.Verify] does. It keeps nothing between calls and may be used by many
// goroutines.
type Reader struct {
	fsys fs.FS
	size uint64
}

// NewReader returns a reader of the log whose published checkpoint has the
// given size. When the log has moved on, its old partial tiles are gone: make
// a new Reader with the new size.
func NewReader(fsys fs.FS, size uint64) (Reader, error) {
	if size > MaxSize {
		return Reader{}, fmt.Errorf("size %d: a log has at most %d entries", size, uint64(MaxSize))
	}
	return Reader{fsys, size}, nil
}

// Entry returns the entry at an index below the size.
func (r Reader) Entry(index uint64) ([]byte, error) {
	if index >= r.size {
		return nil, fmt.Errorf("entry %d: the log has %d entries", index, r.size)
	}
	entries, _, err := r.bundle(tileAt(r.size, EntriesLevel, index/tileWidth))
	if err != nil {
		return nil, err
	}
	return entries[index%tileWidth], nil
}

// Root returns the root of the tree that the first size entries made; size is
// at most that of the reader.
func (r Reader) Root(size uint64) (Hash, error) {
	if size > r.size {
		return Hash{}, fmt.Errorf("root at %d: the log has %d entries", size, r.size)
	}
	return tlog.TreeHash(int64(size), r)
}

// Inclusion returns the proof that the tree of a size up to the reader's
// holds the leaf at index (RFC 6962 section 2.1.1).
func (r Reader) Inclusion(index, size uint64) ([]Hash, error) {
	if index >= size || size > r.size {
		return nil, fmt.Errorf("inclusion of entry %d at size %d: the log has %d entries", index, size, r.size)
	}
	return tlog.ProveRecord(int64(size), int64(index), r)
}

// Consistency returns the proof that the tree of size older is the beginning
// of the tree of size newer, which is at most the reader's (RFC 6962 section
// 2.1.2). The empty tree begins every tree and needs no hashes.
func (r Reader) Consistency(older, newer uint64) ([]Hash, error) {
	if older > newer || newer > r.size {
		return nil, fmt.Errorf("consistency of size %d with %d: the log has %d entries", older, newer, r.size)
	}
	if older == 0 {
		return nil, nil
	}
	return tlog.ProveTree(int64(newer), int64(older), r)
}

// ReadHashes returns the nodes with the given stored indexes: it makes the
// Reader a [tlog.HashReader]. Neighbours in one tile are read once.
func (r Reader) ReadHashes(indexes []int64) ([]Hash, error) {
	out := make([]Hash, len(indexes))
	var have [tileWidth]Hash
	var at Tile
	for i, index := range indexes {
		height, n := tlog.SplitStoredHashIndex(index)
		level, k := height/tileHeight, 1<<(height%tileHeight)
		first := uint64(n) << (height % tileHeight)
		t := tileAt(r.size, level, first/tileWidth)
		offset := int(first % tileWidth)
		if offset+k > t.Width {
			return nil, fmt.Errorf("node %d of height %d is not in a tree of size %d", n, height, r.size)
		}
		if t != at {
			if err := r.tile(t, have[:t.Width]); err != nil {
				return nil, err
			}
			at = t
		}
		out[i] = fold(have[offset : offset+k])
	}
	return out, nil
}

// edge returns the hashes of the partial tile of every level.
func (r Reader) edge() ([][]Hash, error) {
	var edge [][]Hash
	for level := 0; hashesAt(r.size, level) > 0; level++ {
		t := tileAt(r.size, level, hashesAt(r.size, level)/tileWidth)
		hashes := make([]Hash, t.Width)
		if t.Width > 0 {
			if err := r.tile(t, hashes); err != nil {
				return nil, err
			}
		}
		edge = append(edge, hashes)
	}
	return edge, nil
}

// tile reads a hash tile into hashes, which has its width.
func (r Reader) tile(t Tile, hashes []Hash) error {
	var room [tileWidth*HashSize + 1]byte
	data, p := readFile(r.fsys, t.Path(), room[:0], len(room)-1)
	if p != nil {
		return p
	}
	if !unpackHashes(hashes, data) {
		return wrongLength(t, len(data))
	}
	return nil
}

func wrongLength(t Tile, have int) *Problem {
	return problem(Malformed, t.Path(), "has %d bytes; %d hashes have %d", have, t.Width, t.Width*HashSize)
}

// bundle reads an entry bundle, parsed and as it is.
func (r Reader) bundle(t Tile) (entries [][]byte, data []byte, err error) {
	data, p := readFile(r.fsys, t.Path(), nil, t.Width*(2+MaxEntry))
	if p != nil {
		return nil, nil, p
	}
	entries, err = ParseBundle(data, t.Width)
	if err != nil {
		return nil, nil, problem(Malformed, t.Path(), "%v", err)
	}
	return entries, data, nil
}
