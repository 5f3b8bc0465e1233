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
//	48  u32 text that names who listed, u32 runs, 8 bytes zero
//	64  BLAKE3 of bytes 0 to 63 and of all from byte 96 to the end of the arena
//	96  metas, ends of texts, texts, runs, arena
//	    after them, when signed: a signed note, u32 its length, its magic
//
// A selector takes its value, one to three bytes before it, and eight where its row
// of metas is not that of the one before. Indexes are not in the file: they are made
// at load, so a forged one cannot exist. Version 1 is read, too: see old.go.
const (
	magic      = "NOROSHI-SELECT1\n"
	noteMagic  = "NRSHNOTE"
	version    = 2
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

// head is what the first bytes of a file say.
type head struct {
	version, n, rows, texts, runs uint64
	textBytes, arena              uint64
	lister                        uint32
}

func parseHead(file []byte) (h head, err error) {
	if !Compiled(file) {
		return h, &FileError{ErrNotCompiled, "it does not begin with " + fmt.Sprintf("%q", magic)}
	}
	if len(file) < headSize || int64(len(file)) > maxFile {
		return h, damaged("%d bytes", len(file))
	}
	u32 := func(at int) uint64 { return uint64(binary.LittleEndian.Uint32(file[at:])) }
	h = head{version: u32(16), n: u32(20), rows: u32(24), texts: u32(28), runs: u32(52), lister: uint32(u32(48)),
		textBytes: binary.LittleEndian.Uint64(file[32:]), arena: binary.LittleEndian.Uint64(file[40:])}
	if h.version != version && h.version != oldVersion {
		return h, &FileError{ErrNotCompiled, fmt.Sprintf("version %d; this program reads versions %d and %d", h.version, oldVersion, version)}
	}
	if h.n > maxListed || h.rows > maxRows || h.texts > maxFile/4 || h.textBytes > maxArena || h.arena > maxArena || uint64(h.lister) > h.texts || h.runs > h.n {
		return h, damaged("a count in the head is out of range")
	}
	if !bytes.Equal(file[56:64], make([]byte, 8)) || h.version == oldVersion && h.runs != 0 {
		return h, damaged("the head holds what this version does not write")
	}
	return h, nil
}

// parseBody cuts a file into its parts and checks every length, offset and
// value. rest is what follows the arena.
func parseBody(file []byte) (b body, rest []byte, err error) {
	h, err := parseHead(file)
	if err != nil {
		return b, nil, err
	}
	b.n, b.lister = int(h.n), h.lister
	var records []byte
	parts := [...]struct {
		part *[]byte
		size uint64
	}{{&b.metas, h.rows * metaSize}, {&b.ends, h.texts * 4}, {&b.texts, h.textBytes}, {&b.runs, h.runs * runSize}, {&b.arena, h.arena}}
	total := uint64(headSize)
	if h.version == oldVersion {
		total += h.n * recordSize
	}
	at := total
	for _, p := range parts {
		total += p.size
	}
	if total > uint64(len(file)) {
		return b, nil, damaged("%d bytes of %d are missing", total-uint64(len(file)), total)
	}
	records = file[headSize:at]
	for _, p := range parts {
		*p.part = file[at : at+p.size : at+p.size]
		at += p.size
	}
	b.hash = hashOf(file[:total])
	if !bytes.Equal(b.hash[:], file[64:96]) {
		return b, nil, damaged("its hash is another")
	}
	if h.version == oldVersion {
		if err := b.renew(records); err != nil {
			return b, nil, err
		}
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

// check walks texts, rows, runs and selectors, and notes where they stand.
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
	if err := b.checkRuns(); err != nil {
		return err
	}
	return b.look()
}

// checkRuns: the first run begins with the first selector, and each that follows
// later than the one before and with another row.
func (b *body) checkRuns() error {
	if (len(b.runs) == 0) != (b.n == 0) {
		return damaged("selectors without a row, or rows without one")
	}
	var last int
	var old uint32
	for i := range len(b.runs) / runSize {
		before, row := b.run(i)
		if int(row) >= len(b.metas)/metaSize || before >= b.n || (i == 0) != (before == 0) || i > 0 && (before <= last || row == old) {
			return damaged("run %d of rows", i+1)
		}
		last, old = before, row
	}
	return nil
}

// look notes where selectors stand. Values must be written as this program writes
// them, one right behind the other.
func (b *body) look() error {
	if b.n > len(b.arena)/least {
		return damaged("%d selectors in %d bytes", b.n, len(b.arena))
	}
	b.places = make([]uint32, 0, (b.n+apart-1)/apart)
	at := 0
	for i := range b.n {
		if i%apart == 0 {
			b.places = append(b.places, uint32(at))
		}
		if !b.whole(at) {
			return damaged("selector %d: its form, or its end", i+1)
		}
		f, v, next := b.cut(at)
		if !canonical(f, v) {
			return damaged("selector %d: its value", i+1)
		}
		at = next
	}
	if at != len(b.arena) {
		return damaged("bytes after the last value")
	}
	return nil
}

// whole reports whether a selector of a known form stands at a place of the arena,
// with its length as put writes it.
func (b *body) whole(at int) bool {
	left := b.arena[at:]
	if len(left) < least || left[0] == 0 {
		return false
	}
	f := form(left[0])
	if f >= brief {
		return len(left) > int(f-brief)/2+1
	}
	if f >= formEnd {
		return false
	}
	switch size := layout[f].size; size {
	case inByte:
		return len(left) >= 2+int(left[1]) && !f.brief(int(left[1]))
	case inWord:
		return len(left) >= 3 && len(left) >= 3+int(binary.LittleEndian.Uint16(left[1:]))
	default:
		return len(left) > size
	}
}
