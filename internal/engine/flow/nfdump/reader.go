package nfdump

import (
	"encoding/binary"
	"errors"
	"io"

	"noroshi/internal/engine/flow/export"
)

// The errors of NewReader and Next.
var (
	ErrFormat    = errors.New("not a flow file of nfdump in a layout that is read")
	ErrOrder     = errors.New("flow file of nfdump from a machine of the other byte order")
	ErrEncrypted = errors.New("encrypted flow file of nfdump")
	ErrMalformed = errors.New("flow file of nfdump whose lengths do not fit")
	ErrTruncated = errors.New("flow file of nfdump that ends within a block")
	errBlock     = errors.New("block that does not decompress")
)

// MaxBlock bounds a block, compressed or not. nfdump's are 5 MiB at most.
const MaxBlock = 8 << 20

// firstBlock is tried first for a decompressed block.
const firstBlock = 1 << 20

// Stats counts what a Reader saw.
type Stats struct {
	Blocks    uint64 `json:"blocks"`
	Records   uint64 `json:"records"`   // rows given
	Other     uint64 `json:"other"`     // records that are no flows: exporters, samplers, names
	Skipped   uint64 `json:"skipped"`   // flow records without an address or of an unknown extension map
	Unknown   uint64 `json:"unknown"`   // blocks of types that are not read
	Malformed uint64 `json:"malformed"` // blocks or records whose lengths do not fit
}

// Reader reads one flow file.
type Reader struct {
	src     io.Reader
	layout  uint16
	method  method
	left    uint32 // blocks the header promises
	stats   Stats
	raw     []byte // a block as it is in the file
	plain   []byte // the block decompressed
	maps    [maxMaps][]uint16
	expand  expander
	endless bool // the header does not tell the number of blocks: read to the end
}

const (
	magic      = 0xa50c
	head1      = 4 + 4 + 4 + 128 + 136 // header, flags, blocks, name, statistics
	head2      = 40
	headBlock  = 12
	blockType1 = 1
	blockType2 = 2
	blockType3 = 3
)

// NewReader reads the header of a flow file.
func NewReader(src io.Reader) (*Reader, error) {
	var head [head1]byte
	if _, err := io.ReadFull(src, head[:4]); err != nil {
		return nil, ErrFormat
	}
	le := binary.LittleEndian
	if binary.BigEndian.Uint16(head[:]) == magic {
		return nil, ErrOrder
	}
	r := &Reader{src: src, layout: le.Uint16(head[2:])}
	if le.Uint16(head[:]) != magic || r.layout != 1 && r.layout != 2 {
		return nil, ErrFormat
	}
	size := head2
	if r.layout == 1 {
		size = head1
	}
	if _, err := io.ReadFull(src, head[4:size]); err != nil {
		return nil, ErrTruncated
	}
	if r.layout == 2 {
		if head[17] != 0 {
			return nil, ErrEncrypted
		}
		r.method, r.left = method(head[16]), le.Uint32(head[36:])
		if r.method > zstdBlocks {
			return nil, ErrFormat
		}
	} else {
		r.left = le.Uint32(head[8:])
		switch flags := le.Uint32(head[4:]); {
		case flags&0x1 != 0:
			r.method = lzoBlocks
		case flags&0x8 != 0:
			r.method = bz2Blocks
		case flags&0x10 != 0:
			r.method = lz4Blocks
		}
	}
	// A file that was still being written says 0 blocks.
	r.endless = r.left == 0
	return r, nil
}

// Next reads one block and appends its flow records to b. At the end of the
// file it returns io.EOF. Other errors end the reading too; the counters say
// what was read before.
func (r *Reader) Next(b *export.Batch) error {
	if r.left == 0 && !r.endless {
		return io.EOF
	}
	var head [headBlock]byte
	if _, err := io.ReadFull(r.src, head[:]); err != nil {
		if errors.Is(err, io.EOF) && r.endless {
			return io.EOF
		}
		return ErrTruncated
	}
	r.left -= min(r.left, 1)
	le := binary.LittleEndian
	records, size, kind, flags := le.Uint32(head[:]), le.Uint32(head[4:]), le.Uint16(head[8:]), le.Uint16(head[10:])
	if size > MaxBlock {
		r.stats.Malformed++
		return ErrMalformed
	}
	if cap(r.raw) < int(size) {
		r.raw = make([]byte, size)
	}
	r.raw = r.raw[:size]
	defer func() { clear(r.raw) }()
	if _, err := io.ReadFull(r.src, r.raw); err != nil {
		return ErrTruncated
	}
	r.stats.Blocks++
	if r.layout == 1 && kind != blockType1 && kind != blockType2 || r.layout == 2 && kind != blockType2 && kind != blockType3 {
		r.stats.Unknown++
		return nil
	}
	data, err := r.open(r.layout == 2 && flags&1 != 0)
	defer func() { clear(r.plain) }()
	if err != nil {
		r.stats.Malformed++
		return nil // the next block may be whole
	}
	r.records(data, records, b)
	return nil
}

// open returns the octets of the block that was read, decompressed.
func (r *Reader) open(plain bool) ([]byte, error) {
	if plain || r.method == plainBlocks {
		return r.raw, nil
	}
	// Within a size that is enough for most, then twice as much: a buffer that
	// grew by itself would leave copies behind.
	for size := max(cap(r.plain), firstBlock); ; size *= 2 {
		if cap(r.plain) < size {
			clear(r.plain[:cap(r.plain)])
			r.plain = make([]byte, 0, size)
		}
		out, err := r.expand.block(r.method, r.plain[:0], r.raw)
		r.plain = out
		if err == nil || size >= MaxBlock {
			return out, err
		}
	}
}

// Stats returns the counters.
func (r *Reader) Stats() Stats { return r.stats }

// The record types that are read.
const (
	commonV0  = 1
	mapRecord = 2
	common    = 10
	v3Record  = 11
)

// records walks the records of a block. count is what the block's header says;
// it only sizes the rows taken at a time.
func (r *Reader) records(data []byte, count uint32, b *export.Batch) {
	le := binary.LittleEndian
	row, until := 0, 0 // rows taken and not filled yet
	for len(data) >= 4 {
		kind, size := le.Uint16(data), int(le.Uint16(data[2:]))
		if size < 4 || size > len(data) {
			r.stats.Malformed++
			break
		}
		rec := data[:size]
		data = data[size:]
		switch kind {
		case commonV0, common, v3Record:
		case mapRecord:
			r.learn(rec)
			fallthrough
		default:
			r.stats.Other++
			continue
		}
		if row == until {
			n := 0
			row, n = b.Extend(int(min(max(count, 1), 1024)))
			until = row + n
		}
		ok := false
		if kind == v3Record {
			ok = r.recordV3(rec, b, row)
		} else {
			ok = r.recordV1(rec, kind == commonV0, b, row)
		}
		count -= min(count, 1)
		if !ok {
			r.stats.Skipped++
			b.Truncate(row) // what was filled of this row must not stay
			until = row
			continue
		}
		r.stats.Records++
		row++
	}
	if row < until {
		b.Truncate(row)
	}
}
