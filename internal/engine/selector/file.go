package selector

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/zeebo/blake3"
)

// A compiled list, all numbers little-endian:
//
//	0   magic, 16 bytes
//	16  u32 version, u32 selectors, u32 rows of metas, u32 texts
//	32  u64 bytes of texts, u64 bytes of arena
//	48  u32 text that names who listed, 12 bytes zero
//	64  BLAKE3 of bytes 0 to 63 and of all from byte 96 to the end of the arena
//	96  records, metas, ends of texts, texts, arena
//	    after them, when signed: a signed note, u32 its length, its magic
//
// Indexes are not in the file: they are made at load, so a forged one cannot exist.
const (
	magic      = "NOROSHI-SELECT1\n"
	noteMagic  = "NRSHNOTE"
	version    = 1
	headSize   = 96
	maxNote    = 1 << 16
	maxFile    = 1 << 33
	maxListed  = 1 << 28 // selectors in one list
	maxArena   = 1<<32 - 1
	maxTextLen = 1024 // bytes of a source, act, approval, reason or name
)

// Errors of Load. A *FileError says more and is one of the first two.
var (
	ErrNotCompiled = errors.New("selector: not a compiled list")
	ErrDamaged     = errors.New("selector: the compiled list is damaged or forged")
	ErrUnsigned    = errors.New("selector: no known key signed the compiled list")
)

// FileError says what is wrong with a compiled list.
type FileError struct {
	Kind error  // ErrNotCompiled, ErrDamaged or ErrUnsigned
	What string // in English, for the technician
}

func (e *FileError) Error() string { return e.Kind.Error() + ": " + e.What }

// Unwrap returns the Kind.
func (e *FileError) Unwrap() error { return e.Kind }

func damaged(format string, args ...any) error {
	return &FileError{ErrDamaged, fmt.Sprintf(format, args...)}
}

// Compiled reports whether data begins as a compiled list does.
func Compiled(data []byte) bool { return bytes.HasPrefix(data, []byte(magic)) }

// parseBody cuts a file into its parts and checks every length, offset and
// value. rest is what follows the arena.
func parseBody(file []byte) (b body, rest []byte, err error) {
	if !Compiled(file) {
		return b, nil, &FileError{ErrNotCompiled, "it does not begin with " + fmt.Sprintf("%q", magic)}
	}
	if len(file) < headSize || int64(len(file)) > maxFile {
		return b, nil, damaged("%d bytes", len(file))
	}
	u32 := func(at int) uint64 { return uint64(binary.LittleEndian.Uint32(file[at:])) }
	if v := u32(16); v != version {
		return b, nil, &FileError{ErrNotCompiled, fmt.Sprintf("version %d; this program reads version %d", v, version)}
	}
	n, rows, texts := u32(20), u32(24), u32(28)
	textBytes, arena := binary.LittleEndian.Uint64(file[32:]), binary.LittleEndian.Uint64(file[40:])
	if n > maxListed || rows > maxRows || texts > maxFile/4 || textBytes > maxArena || arena > maxArena || u32(48) > texts {
		return b, nil, damaged("a count in the head is out of range")
	}
	if !bytes.Equal(file[52:64], make([]byte, 12)) {
		return b, nil, damaged("the head holds what this version does not write")
	}
	sizes := [...]uint64{n * recordSize, rows * metaSize, texts * 4, textBytes, arena}
	total := uint64(headSize)
	for _, size := range sizes {
		total += size
	}
	if total > uint64(len(file)) {
		return b, nil, damaged("%d bytes of %d are missing", total-uint64(len(file)), total)
	}
	b.n, b.lister = int(n), uint32(u32(48))
	at := uint64(headSize)
	for i, part := range []*[]byte{&b.records, &b.metas, &b.ends, &b.texts, &b.arena} {
		*part = file[at : at+sizes[i] : at+sizes[i]]
		at += sizes[i]
	}
	b.hash = hashOf(file[:total])
	if !bytes.Equal(b.hash[:], file[64:96]) {
		return b, nil, damaged("its hash is another")
	}
	return b, file[total:], b.check()
}

func hashOf(file []byte) (sum [32]byte) {
	h := blake3.New()
	h.Write(file[:64])
	h.Write(file[headSize:])
	h.Sum(sum[:0])
	return sum
}

// check walks texts, rows and records. Values must be written as this program
// writes them, each once in the arena and in the order of the list.
func (b *body) check() error {
	last := uint32(0)
	for i := 0; i < len(b.ends); i += 4 {
		end := binary.LittleEndian.Uint32(b.ends[i:])
		if end <= last || end-last > maxTextLen || int(end) > len(b.texts) || !printable(b.texts[last:end]) {
			return damaged("text %d", i/4+1)
		}
		last = end
	}
	if int(last) != len(b.texts) {
		return damaged("bytes after the last text")
	}
	lister := b.text(b.lister)
	for i := 0; i < len(b.metas); i += metaSize {
		for j := range 6 {
			if at := binary.LittleEndian.Uint32(b.metas[i+j*4:]); int(at) > len(b.ends)/4 || j == 5 && at != 0 {
				return damaged("row %d", i/metaSize)
			}
		}
		m := b.meta(uint32(i / metaSize))
		if m.Expires < 0 || (m.By == "") != (m.Reason == "") || m.By != "" && (lister == "" || samePerson(m.By, lister)) {
			return damaged("row %d: expiry, or an override without a second person", i/metaSize)
		}
	}
	next := 0
	for i := range b.n {
		f, row, ref := b.record(i)
		if f == 0 || f >= formEnd || int(row) >= len(b.metas)/metaSize {
			return damaged("selector %d", i+1)
		}
		size := layout[f].size
		if size >= 0 && int(ref) != next {
			return damaged("selector %d: its place", i+1)
		}
		if size == 0 {
			if next+2 > len(b.arena) {
				return damaged("selector %d: its length", i+1)
			}
			size = int(binary.LittleEndian.Uint16(b.arena[next:])) + 2
		}
		if size > 0 {
			if size > len(b.arena)-next {
				return damaged("selector %d: its end", i+1)
			}
			next += size
		}
		if !b.canonical(f, ref) {
			return damaged("selector %d: its value", i+1)
		}
	}
	if next != len(b.arena) {
		return damaged("bytes after the last value")
	}
	return nil
}
