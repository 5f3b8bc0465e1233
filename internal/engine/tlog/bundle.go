package tlog

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// MaxEntry is the largest entry in bytes: its length is written in two.
const MaxEntry = 1<<16 - 1

// appendEntry appends an entry to a bundle.
func appendEntry(bundle, entry []byte) []byte {
	bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(entry)))
	return append(bundle, entry...)
}

// ParseBundle returns the entries of a bundle of the given width, 1 to 256.
// They share the memory of data. An error says which entry, counted from 0
// within the bundle, is cut short, or how many bytes are left over.
func ParseBundle(data []byte, width int) ([][]byte, error) {
	entries := make([][]byte, 0, min(width, tileWidth))
	pos := 0
	for i := range width {
		next, err := entryEnd(data, pos, i, width)
		if err != nil {
			return nil, err
		}
		entries = append(entries, data[pos+2:next:next])
		pos = next
	}
	return entries, leftOver(data, pos, width)
}

// entryEnd returns where the entry that starts with its length at pos ends.
func entryEnd(data []byte, pos, i, width int) (int, error) {
	if len(data)-pos < 2 {
		return 0, fmt.Errorf("ends before entry %d of %d", i, width)
	}
	end := pos + 2 + int(binary.BigEndian.Uint16(data[pos:]))
	if end > len(data) {
		return 0, fmt.Errorf("ends inside entry %d of %d: %d bytes are missing", i, width, end-len(data))
	}
	return end, nil
}

func leftOver(data []byte, pos, width int) error {
	if pos != len(data) {
		return fmt.Errorf("has %d bytes after its %d entries", len(data)-pos, width)
	}
	return nil
}

// hashBundle writes the leaf hash of each entry to leaves, which has the
// bundle's width, and the end of each entry to ends. It overwrites the second
// byte of every length with 0x00, the prefix of a leaf (RFC 6962 section
// 2.1): prefix and entry then stand together and are hashed without a copy.
func hashBundle(data []byte, leaves []Hash, ends *[tileWidth]int) error {
	pos := 0
	for i := range leaves {
		next, err := entryEnd(data, pos, i, len(leaves))
		if err != nil {
			return err
		}
		data[pos+1] = 0
		leaves[i] = sha256.Sum256(data[pos+1 : next])
		ends[i] = next
		pos = next
	}
	return leftOver(data, pos, len(leaves))
}
