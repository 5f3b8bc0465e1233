package tlog

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"time"
)

// Fetch reads a file of a log from elsewhere, by the path below the log's
// prefix, and serves as [io/fs.FS]. It may be called by many goroutines. An
// absent file is an error that is [io/fs.ErrNotExist]. It should give up at
// [Limit] bytes; what is longer is refused here too. A Fetch cannot list, so
// nobody can say what else the far side keeps.
type Fetch func(path string) ([]byte, error)

// Open calls the function.
func (f Fetch) Open(path string) (fs.File, error) {
	if !fs.ValidPath(path) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrInvalid}
	}
	data, err := f(path)
	if err != nil {
		return nil, err
	}
	return newMemory(path, data), nil
}

// Limit returns the largest size in bytes that the file of a path can have,
// and 0 for a path that no log has.
func Limit(path string) int {
	if path == CheckpointPath {
		return maxCheckpoint
	}
	t, err := ParseTile(path)
	if err != nil {
		return 0
	}
	if t.Level == EntriesLevel {
		return t.Width * (2 + MaxEntry)
	}
	return t.Width * HashSize
}

// pinned is a folder of which some files are held in memory: the partial
// tiles at one size, which are removed as soon as the log moves on. Full
// tiles and bundles never change.
type pinned struct {
	fs.FS
	files map[string][]byte
}

// Open returns the file held, or else the folder's.
func (p pinned) Open(path string) (fs.File, error) {
	if data, ok := p.files[path]; ok {
		return newMemory(path, data), nil
	}
	return p.FS.Open(path)
}

// pin reads all partial tiles of a log of the size, and its partial bundle.
// What cannot be read is left to be found missing by who needs it.
func pin(fsys fs.FS, size uint64) fs.FS {
	p := pinned{fsys, map[string][]byte{}}
	for level := EntriesLevel; hashesAt(size, level) > 0; level++ {
		if t := tileAt(size, level, hashesAt(size, level)/tileWidth); t.Width > 0 {
			if data, bad := readFile(fsys, t.Path(), nil, Limit(t.Path())); bad == nil {
				p.files[t.Path()] = data
			}
		}
	}
	return p
}

// Reader returns a reader of the log at this size. It holds the partial tiles
// itself and takes only full ones from the folder, so that it stays good
// while the log moves on and superseded tiles are removed.
func (t Tree) Reader(fsys fs.FS) Reader {
	p := pinned{fsys, map[string][]byte{}}
	if w := int(t.size % tileWidth); w > 0 {
		p.files[Tile{EntriesLevel, t.size / tileWidth, w}.Path()] = t.bundle
	}
	for level, hashes := range t.edge {
		if len(hashes) > 0 {
			at := Tile{level, hashesAt(t.size, level) / tileWidth, len(hashes)}
			p.files[at.Path()] = packHashes(hashes)
		}
	}
	return Reader{p, t.size}
}

// memory is a file in memory.
type memory struct {
	bytes.Reader
	name string
}

func newMemory(name string, data []byte) *memory {
	m := &memory{name: name}
	m.Reset(data)
	return m
}

// Stat returns name and size; there is no time to tell.
func (m *memory) Stat() (fs.FileInfo, error) { return memoryInfo{m}, nil }

// Close does nothing.
func (m *memory) Close() error { return nil }

type memoryInfo struct{ m *memory }

func (i memoryInfo) Name() string       { return path.Base(i.m.name) }
func (i memoryInfo) Size() int64        { return i.m.Reader.Size() }
func (i memoryInfo) Mode() fs.FileMode  { return 0o444 }
func (i memoryInfo) ModTime() time.Time { return time.Time{} }
func (i memoryInfo) IsDir() bool        { return false }
func (i memoryInfo) Sys() any           { return nil }

// readFile reads a whole file into room and returns the part it fills, grown
// if need be. It reads one byte more than limit at most, so that a file that
// is too long is seen as such and memory stays bounded.
func readFile(fsys fs.FS, path string, room []byte, limit int) ([]byte, *Problem) {
	f, err := fsys.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return room, problem(Missing, path, "is missing: the checkpoint demands it").because(err)
	}
	if err != nil {
		return room, problem(Unreadable, path, "cannot be opened: %v", err).because(err)
	}
	defer f.Close()
	data := room[:0]
	for len(data) <= limit {
		if cap(data)-len(data) < 512 && cap(data) <= limit {
			data = append(make([]byte, 0, min(limit+1, 2*cap(data)+8<<10)), data...)
		}
		n, err := f.Read(data[len(data):min(cap(data), limit+1)])
		data = data[:len(data)+n]
		if err == io.EOF {
			if len(data) > limit {
				break
			}
			return data, nil
		}
		if err != nil {
			return data, problem(Unreadable, path, "cannot be read: %v", err).because(err)
		}
	}
	return data, problem(Malformed, path, "has more than %d bytes", limit)
}
