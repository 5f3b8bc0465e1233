package evtx

import (
	"errors"
	"io"
)

// Chunks splits a stream into chunks. It keeps at most one chunk in memory.
type Chunks struct {
	r      io.Reader
	header Header
	damage []Damage
	offset int64  // of the next byte to give out
	rest   []byte // bytes that were read but not given out
	begun  bool
	err    error // of the reader, kept until the bytes before it are given out
}

// NewChunks returns the chunks of r, which stands at the beginning of a file.
func NewChunks(r io.Reader) *Chunks { return &Chunks{r: r, header: Header{Block: fileBlock}} }

// Header returns the header of the file, empty until [Chunks.Next] was called
// and when the file has none.
func (c *Chunks) Header() Header { return c.header }

// Damage returns what was wrong around the chunks given out so far, and forgets
// it: the file header, and bytes that are in no chunk.
func (c *Chunks) Damage() []Damage {
	d := c.damage
	c.damage = nil
	return d
}

// Next reads the next chunk into buf, which has room for [ChunkSize] bytes, and
// returns its length and its place in the file. It is shorter at the end of a
// truncated file and before a chunk that begins too early. Where no chunk
// begins but bytes other than zeros are, those are given out too: a [Decoder]
// looks for records in them. The error is io.EOF at the end, else the reader's.
func (c *Chunks) Next(buf []byte) (n int, offset int64, err error) {
	if len(buf) < ChunkSize {
		return 0, 0, io.ErrShortBuffer
	}
	buf = buf[:ChunkSize]
	if !c.begun {
		c.begun = true
		c.begin(buf)
	}
	for {
		n = c.fill(buf)
		if n == 0 {
			return 0, c.offset, c.err
		}
		b := buf[:n]
		keep := n
		if hasSign(b, 0, chunkSign) {
			// Sectors may be missing in the middle, and then the next chunk begins
			// inside of this; whole records that only speak of one are left alone.
			if next := nextSign(b, sector); next > 0 && (next >= freeSpace(b) || !isWhole(b)) {
				keep = next
			}
		} else {
			if next := nextSign(b, sector); next > 0 {
				keep = next
			}
			if isZero(b[:keep]) {
				c.give(b, keep)
				continue
			}
			c.damage = append(c.damage, Damage{Offset: c.offset, Length: int64(keep), Reason: NoChunk})
		}
		offset = c.offset
		c.give(b, keep)
		return keep, offset, nil
	}
}

// begin reads the file header and leaves the stream at the first chunk.
func (c *Chunks) begin(buf []byte) {
	n := c.read(buf[:fileBlock])
	head := buf[:n]
	if n == 0 {
		return
	}
	if nextSign(head, 0) == 0 { // the file header is gone altogether
		c.damage = append(c.damage, Damage{Reason: FileHeader})
		c.rest = append(c.rest, head...)
		return
	}
	h, reason := ParseHeader(head)
	c.header = h
	if reason != None {
		c.damage = append(c.damage, Damage{Length: int64(min(n, int(h.Block))), Reason: reason})
	}
	if next := nextSign(head, sector); next > 0 {
		h.Block = uint16(next)
	}
	c.offset = int64(min(n, int(h.Block)))
	c.rest = append(c.rest, head[c.offset:]...)
	if more := int(h.Block) - n; more > 0 && c.err == nil {
		c.offset += int64(c.read(buf[:more]))
	}
}

// fill puts the bytes kept back and as many others as there are into buf.
func (c *Chunks) fill(buf []byte) int {
	n := copy(buf, c.rest)
	c.rest = c.rest[:0]
	return n + c.read(buf[n:])
}

// give moves on by n bytes of b and keeps the others back.
func (c *Chunks) give(b []byte, n int) {
	c.offset += int64(n)
	c.rest = append(c.rest, b[n:]...)
}

// read fills b and returns how much it got; c.err says why it is less.
func (c *Chunks) read(b []byte) int {
	if c.err != nil || len(b) == 0 {
		return 0
	}
	n, err := io.ReadFull(c.r, b)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	c.err = err
	return n
}
