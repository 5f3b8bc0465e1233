package tlog

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxSize is the largest number of entries a log may have. It keeps every
// index computation inside int64.
const MaxSize = 1 << 60

// CheckpointPath is where a folder keeps its signed tree head.
const CheckpointPath = "checkpoint"

// EntriesLevel is the Level of an entry bundle.
const EntriesLevel = -1

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	maxLevel   = 63
)

// Tile names one file below tile/: hashes of one level, or entries.
type Tile struct {
	Level int    // 0 for leaf hashes, up to 63; EntriesLevel for a bundle
	Index uint64 // place within the level, from 0
	Width int    // hashes or entries in it: 256 when full, 1 to 255 when partial
}

// Path returns the tile's path (c2sp.org/tlog-tiles): index 1234067 of level
// 0 is tile/0/x001/x234/067, and partial with 7 hashes .../067.p/7.
func (t Tile) Path() string {
	b := make([]byte, 0, 48)
	b = append(b, "tile/"...)
	if t.Level == EntriesLevel {
		b = append(b, "entries"...)
	} else {
		b = strconv.AppendInt(b, int64(t.Level), 10)
	}
	groups := [7]uint64{} // 3 digits each; 2^64 has 20 digits
	n := 0
	for rest := t.Index; ; rest /= 1000 {
		groups[n] = rest % 1000
		n++
		if rest < 1000 {
			break
		}
	}
	for n--; n >= 0; n-- {
		b = append(b, '/')
		if n > 0 {
			b = append(b, 'x')
		}
		g := groups[n]
		b = append(b, byte('0'+g/100), byte('0'+g/10%10), byte('0'+g%10))
	}
	if t.Width != tileWidth {
		b = append(b, ".p/"...)
		b = strconv.AppendInt(b, int64(t.Width), 10)
	}
	return string(b)
}

// ParseTile reads a path. Only the one spelling that [Tile.Path] writes is
// accepted.
func ParseTile(path string) (Tile, error) {
	bad := fmt.Errorf("%q is not the path of a tile", path)
	rest, ok := strings.CutPrefix(path, "tile/")
	if !ok || len(path) > 64 {
		return Tile{}, bad
	}
	t := Tile{Width: tileWidth}
	level, rest, _ := strings.Cut(rest, "/")
	if level == "entries" {
		t.Level = EntriesLevel
	} else if l, err := strconv.ParseUint(level, 10, 8); err == nil && l <= maxLevel {
		t.Level = int(l)
	} else {
		return Tile{}, bad
	}
	if index, width, partial := strings.Cut(rest, ".p/"); partial {
		w, err := strconv.ParseUint(width, 10, 16)
		if err != nil || w < 1 || w >= tileWidth {
			return Tile{}, bad
		}
		t.Width, rest = int(w), index
	}
	for group := range strings.SplitSeq(rest, "/") {
		g, err := strconv.ParseUint(strings.TrimPrefix(group, "x"), 10, 16)
		if err != nil || g > 999 || t.Index > MaxSize/1000 {
			return Tile{}, bad
		}
		t.Index = t.Index*1000 + g
	}
	if t.Path() != path { // signs, missing zeros, missing or stray x
		return Tile{}, bad
	}
	return t, nil
}

// hashesAt returns how many hashes a tree of the size has at a level, or
// entries at EntriesLevel.
func hashesAt(size uint64, level int) uint64 {
	return size >> (tileHeight * max(level, 0)) // shifts of 64 and more give 0
}

// tileAt returns the tile that holds the hash at a place of a level in a tree
// of the size; Width is 0 when the tree has no such hash.
func tileAt(size uint64, level int, index uint64) Tile {
	have := hashesAt(size, level)
	t := Tile{Level: level, Index: index}
	switch full := have / tileWidth; {
	case index < full:
		t.Width = tileWidth
	case index == full:
		t.Width = int(have % tileWidth)
	}
	return t
}

// tilesAt returns how many tiles, full and partial, a level has.
func tilesAt(size uint64, level int) uint64 {
	return (hashesAt(size, level) + tileWidth - 1) / tileWidth
}

// accounts reports whether a checkpoint of the size accounts for a file.
func accounts(size uint64, path string) bool {
	if path == CheckpointPath {
		return true
	}
	t, err := ParseTile(path)
	return err == nil && tileAt(size, t.Level, t.Index) == t
}
