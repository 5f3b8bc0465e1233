package format

import (
	"bytes"
	"errors"
	"io"

	"noroshi/internal/engine/evtx"
)

// The sizes of blocks, in bytes.
const (
	BlockSize = 1 << 20  // usual
	MaxRecord = 32 << 20 // largest record; what is larger is damage
)

// Splitter divides a file into blocks of whole records.
type Splitter struct {
	r      io.Reader
	cutter cutter
	chunks *evtx.Chunks // instead of a cutter
	size   int
	rest   []byte // read and not yet in a block
	base   int64  // offset of rest in the file
	record uint64 // number of the next record
	seq    uint64
	head   []byte
	eof    bool
	err    error // of the reader, given out after what was read
	damage []Damage
}

// cutter finds where records end. One serves one file.
type cutter interface {
	// cut looks at have, which begins where the last cut ended; last says that
	// nothing follows it.
	cut(have []byte, last bool) cut
	// skip passes over a record that is larger than the limit: n bytes of have
	// are of it, and done says that it ends there.
	skip(have []byte) (n int, done bool)
}

// cut is what a cutter found. With neither Skip nor Take it needs more bytes.
type cut struct {
	Skip    int      // bytes that are no record, before those that are
	Take    int      // bytes of whole records
	Records uint64   // their number
	Head    []byte   // of this and the following blocks; nil: as before
	Damage  []Damage // in what is skipped, offsets from the beginning of have
}

// NewSplitter returns a Splitter over a file of a kind. Size is that of a block
// in bytes; 0 means [BlockSize]. UTF-16 is read as UTF-8, a byte order mark is
// left out.
func NewSplitter(r io.Reader, k Kind, size int) *Splitter {
	if size <= 0 {
		size = BlockSize
	}
	if k == EVTX {
		return &Splitter{chunks: evtx.NewChunks(r), record: 1}
	}
	r = newDecoded(r)
	return &Splitter{r: r, cutter: newCutter(k), size: min(size, MaxRecord), record: 1}
}

// Next reads the next block into b, whose memory it uses again. After the last
// it returns io.EOF. Another error is the reader's, after all that was read.
func (s *Splitter) Next(b *Block) error {
	if s.chunks != nil {
		return s.nextChunk(b)
	}
	b.Data = append(b.Data[:0], s.rest...)
	s.rest = s.rest[:0]
	s.damage = s.damage[:0]
	for {
		b.Data = s.fill(b.Data)
		c := s.cutter.cut(b.Data, s.eof)
		for _, d := range c.Damage {
			d.Offset += s.base
			d.Record = s.record
			s.damage = append(s.damage, d)
		}
		if c.Head != nil {
			s.head = c.Head
		}
		switch {
		case c.Take > 0:
			s.take(b, c)
			return nil
		case c.Skip > 0:
			b.Data = s.drop(b.Data, c.Skip)
		case s.eof && len(b.Data) == 0:
			return s.end(b)
		case s.eof:
			// The cutter can make nothing of what is left.
			s.damage = append(s.damage, Damage{Offset: s.base, Record: s.record, Length: int64(len(b.Data)), Reason: Cut})
			b.Data = s.drop(b.Data, len(b.Data))
		case len(b.Data) >= MaxRecord:
			b.Data = s.skip(b.Data)
		}
	}
}

// fill reads until the block is full: at least size bytes, and twice what did
// not hold a whole record.
func (s *Splitter) fill(data []byte) []byte {
	want := min(max(s.size, 2*len(data)), MaxRecord)
	if len(data) > 0 && len(data) < s.size {
		want = s.size
	}
	if cap(data) < want {
		grown := make([]byte, len(data), want)
		copy(grown, data)
		data = grown
	}
	for idle := 0; !s.eof && len(data) < want; idle++ {
		n, err := s.r.Read(data[len(data):want])
		data = data[:len(data)+n]
		if n > 0 {
			idle = 0
		}
		if err == nil && idle > 100 {
			err = io.ErrNoProgress
		}
		if err != nil {
			s.eof = true
			if !errors.Is(err, io.EOF) {
				s.err = err
			}
		}
	}
	return data
}

func (s *Splitter) take(b *Block, c cut) {
	end := c.Skip + c.Take
	s.rest = append(s.rest[:0], b.Data[end:]...)
	s.number(b, s.base+int64(c.Skip), c.Records)
	s.base += int64(end)
	b.Data = append(b.Data[:0], b.Data[c.Skip:end]...)
}

func (s *Splitter) number(b *Block, offset int64, records uint64) {
	b.Seq, b.Offset, b.First, b.Head = s.seq, offset, s.record, s.head
	b.Damage = append(b.Damage[:0], s.damage...)
	s.damage = s.damage[:0]
	s.seq++
	s.record += records
}

// drop passes over n bytes.
func (s *Splitter) drop(data []byte, n int) []byte {
	s.base += int64(n)
	return append(data[:0], data[n:]...)
}

// skip passes over a record that is too large, however long it is.
func (s *Splitter) skip(data []byte) []byte {
	d := Damage{Offset: s.base, Record: s.record, Reason: Large}
	for done := false; !done; {
		var n int
		n, done = s.cutter.skip(data)
		n = min(n, len(data))
		d.Length += int64(n)
		data = s.drop(data, n)
		if done || s.eof && (n == 0 || len(data) == 0) {
			break
		}
		data = s.fill(data)
	}
	s.damage = append(s.damage, d)
	s.record++
	return data
}

// end gives out the damage that stands after the last record, then the end.
func (s *Splitter) end(b *Block) error {
	if len(s.damage) > 0 {
		s.number(b, s.base, 0)
		return nil
	}
	b.Damage = b.Damage[:0]
	if s.err != nil {
		return s.err
	}
	return io.EOF
}

// lineCutter divides text whose records are lines. Every line counts, so that
// the number of a record is that of its line.
type lineCutter struct{}

func (*lineCutter) cut(have []byte, last bool) cut {
	n := bytes.LastIndexByte(have, '\n') + 1
	if last {
		n = len(have)
	}
	records := uint64(bytes.Count(have[:n], []byte{'\n'}))
	if n > 0 && have[n-1] != '\n' {
		records++
	}
	return cut{Take: n, Records: records}
}

func (*lineCutter) skip(have []byte) (int, bool) {
	if n := bytes.IndexByte(have, '\n'); n >= 0 {
		return n + 1, true
	}
	return len(have), false
}
