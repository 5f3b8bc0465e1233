package hunt

import (
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"time"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/evtx"
)

// evtxQuiet is how long a chunk whose checksum is wrong may still be written.
const evtxQuiet = 2 * time.Second

// evtxChunk is a chunk that changed since it was last looked at.
type evtxChunk struct {
	offset      int64
	first, last uint64 // numbers of records
	sum         uint32
}

// turnEVTX reads the records with numbers beyond those that were read, wherever
// they stand: Windows writes a log in a circle, over its oldest chunk.
func (g *watching) turnEVTX(t *tail, quiet time.Duration) (bool, error) {
	if t.src == nil {
		t.src = &Source{Name: t.name, Kind: t.kind}
	}
	changed, newest := t.changed()
	if newest > 0 && newest < t.at.Record {
		g.note("emptied", t.path, 0)
		t.at.Record, t.chunks = 0, nil
		changed, _ = t.changed()
	}
	if t.from > 0 {
		t.from, t.at.Record = 0, newest
	}
	b := &g.piece.block
	if cap(g.buf) < evtx.ChunkSize {
		g.buf = make([]byte, watchTurn)
	}
	for _, c := range changed {
		n, _ := t.f.ReadAt(g.buf[:evtx.ChunkSize], c.offset)
		data := g.buf[:n]
		if quiet < evtxQuiet && !isWhole(data) {
			t.again = true // it is being written; those behind it wait, for the order
			return false, nil
		}
		b.Offset, b.First, b.Head, b.Data, b.Damage = c.offset, 0, nil, data, b.Damage[:0]
		err := g.look(t.src, func(row *event.Row) bool {
			id := recordID(data, row.Offset-c.offset)
			if id <= t.at.Record || row.Carved && id != t.at.Record+1 {
				return false
			}
			t.at.Record = id
			return true
		})
		if err != nil {
			return false, err
		}
		g.told.Bytes += int64(n)
		t.chunks[c.offset] = c.sum
	}
	t.at.Offset = t.size // for what is shown of how far behind it is
	return false, nil
}

// recordID returns the number in the header of the record at a place of a chunk,
// which is what the chunk's header counts by: in a log that was exported, the
// event has kept another.
func recordID(chunk []byte, at int64) uint64 {
	if at < 0 || at+16 > int64(len(chunk)) {
		return 0
	}
	return binary.LittleEndian.Uint64(chunk[at+8:])
}

// changed lists the chunks whose header, or for the newest one whose content,
// is another than before, in the order of their records.
func (t *tail) changed() (list []evtxChunk, newest uint64) {
	if t.chunks == nil {
		t.chunks = map[int64]uint32{}
	}
	var head [128]byte
	n, _ := t.f.ReadAt(head[:], 0)
	file, _ := evtx.ParseHeader(head[:n])
	begin := int64(file.Block)
	if evtx.Detect(head[:min(n, 8)]) && head[3] == 'C' { // ElfChnk: the header of the file is missing
		begin = 0
	}
	for at := begin; at < t.size; at += evtx.ChunkSize {
		if n, _ := t.f.ReadAt(head[:], at); n < len(head) || string(head[:8]) != "ElfChnk\x00" {
			continue
		}
		c := evtxChunk{at, binary.LittleEndian.Uint64(head[24:]), binary.LittleEndian.Uint64(head[32:]), crc32.ChecksumIEEE(head[:])}
		if c.last != 1<<64-1 {
			newest = max(newest, c.last)
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b evtxChunk) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.offset, b.offset))
	})
	if len(list) > 0 { // the header is written after the records
		c := &list[len(list)-1]
		all := make([]byte, evtx.ChunkSize)
		n, _ := t.f.ReadAt(all, c.offset)
		c.sum = crc32.ChecksumIEEE(all[:n])
	}
	return slices.DeleteFunc(list, func(c evtxChunk) bool {
		sum, known := t.chunks[c.offset]
		return known && sum == c.sum
	}), newest
}

// isWhole reports whether a chunk has the checksum of its records.
func isWhole(chunk []byte) bool {
	if len(chunk) < evtx.ChunkSize {
		return false
	}
	free := binary.LittleEndian.Uint32(chunk[48:])
	return free >= 512 && free <= evtx.ChunkSize && (binary.LittleEndian.Uint32(chunk[120:])&4 != 0 || crc32.ChecksumIEEE(chunk[512:free]) == binary.LittleEndian.Uint32(chunk[52:]))
}
