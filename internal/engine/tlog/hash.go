package tlog

import (
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"
)

// HashSize is the length of a hash in bytes.
const HashSize = sha256.Size

// Hash is a SHA-256 hash of a leaf or a node (RFC 6962 section 2.1). It reads
// and writes as base64, in text and in JSON.
type Hash = tlog.Hash

// LeafHash returns the hash of an entry: SHA-256 of 0x00 and the entry
// (RFC 6962 section 2.1).
func LeafHash(entry []byte) Hash { return tlog.RecordHash(entry) }

// emptyRoot is the root of the log without entries (RFC 6962 section 2.1).
func emptyRoot() Hash { return sha256.Sum256(nil) }

// fold returns the root of the complete subtree over hashes. Their number is
// a power of two up to 256. hashes is left as it was.
func fold(hashes []Hash) Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	var half [tileWidth / 2]Hash
	level := half[:len(hashes)/2]
	for i := range level {
		level[i] = tlog.NodeHash(hashes[2*i], hashes[2*i+1])
	}
	for len(level) > 1 {
		for i := range len(level) / 2 {
			level[i] = tlog.NodeHash(level[2*i], level[2*i+1])
		}
		level = level[:len(level)/2]
	}
	return level[0]
}

// edgeRoot returns the root of the tree whose partial tiles, by level, hold
// the hashes edge. A full tile needs no place here: its root is already a
// hash of the level above.
func edgeRoot(edge [][]Hash) Hash {
	var root Hash
	started := false
	for _, hashes := range edge {
		// The complete subtrees of a partial tile follow the bits of its
		// width; the smallest stands at the right end.
		for w := len(hashes); w > 0; {
			k := w & -w
			sub := fold(hashes[w-k : w])
			if started {
				sub = tlog.NodeHash(sub, root)
			}
			root, started = sub, true
			w -= k
		}
	}
	if !started {
		return emptyRoot()
	}
	return root
}

// packHashes returns the hashes as the content of a tile.
func packHashes(hashes []Hash) []byte {
	out := make([]byte, 0, len(hashes)*HashSize)
	for i := range hashes {
		out = append(out, hashes[i][:]...)
	}
	return out
}

// unpackHashes reads the content of a tile into hashes, which has its width.
// It reports whether the content has exactly that many hashes.
func unpackHashes(hashes []Hash, data []byte) bool {
	if len(data) != len(hashes)*HashSize {
		return false
	}
	for i := range hashes {
		copy(hashes[i][:], data[i*HashSize:])
	}
	return true
}
