package format

import (
	"errors"
	"io"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/evtx"
)

// nextChunk is Next for EVTX: a block is a chunk, or what stands in its place.
func (s *Splitter) nextChunk(b *Block) error {
	if cap(b.Data) < evtx.ChunkSize {
		b.Data = make([]byte, evtx.ChunkSize)
	}
	b.Data = b.Data[:evtx.ChunkSize]
	n, offset, err := s.chunks.Next(b.Data)
	b.Data, s.base = b.Data[:n], offset
	for _, d := range s.chunks.Damage() {
		s.damage = append(s.damage, chunkDamage(d))
	}
	if n > 0 {
		s.number(b, offset, 0)
		return nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return s.end(b)
}

// chunkReader decodes chunks of EVTX. Records have the numbers that are written
// in them.
type chunkReader struct {
	decoder *evtx.Decoder
	mapping *Mapping
	names   *event.Names
	renamed map[event.Name]event.Name // by the user's mapping
	damage  []Damage
}

func newChunkReader(o Options) *chunkReader {
	r := &chunkReader{decoder: evtx.NewDecoder(evtx.Options{Names: o.Names}), mapping: o.Mapping, names: o.Names}
	if o.Mapping != nil {
		r.renamed = map[event.Name]event.Name{}
		for from, to := range o.Mapping.Fields {
			r.renamed[o.Names.ID(from)] = o.Names.ID(to)
		}
	}
	return r
}

func (r *chunkReader) rows(b *Block, row *event.Row, yield func(*event.Row) error) ([]Damage, error) {
	r.damage = append(r.damage[:0], b.Damage...)
	if len(b.Data) == 0 {
		return r.damage, nil
	}
	row.Log = event.Log{}
	if r.mapping != nil {
		row.Log = r.mapping.Log
		inner := yield
		yield = func(row *event.Row) error {
			for i := range row.Fields {
				if to, ok := r.renamed[row.Fields[i].Name]; ok {
					row.Fields[i].Name = to
				}
			}
			return inner(row)
		}
	}
	damage, err := r.decoder.Chunk(row, b.Data, b.Offset, yield)
	for _, d := range damage {
		r.damage = append(r.damage, chunkDamage(d))
	}
	return r.damage, err
}

// chunkReasons say in fewer words what is wrong with a part of an EVTX file.
var chunkReasons = map[evtx.Reason]Reason{
	evtx.FileHeader: Header, evtx.FileChecksum: Header, evtx.NoChunk: Broken, evtx.ChunkHeader: Chunk,
	evtx.ChunkChecksum: Chunk, evtx.RecordsChecksum: Chunk, evtx.ChunkTruncated: Cut, evtx.RecordHeader: Broken,
	evtx.RecordSize: Broken, evtx.TooDeep: Deep, evtx.TooMuch: Wide,
}

func chunkDamage(d evtx.Damage) Damage {
	reason, ok := chunkReasons[d.Reason]
	if !ok {
		reason = Broken
	}
	return Damage{Offset: d.Offset, Record: d.Record, Length: d.Length, Reason: reason}
}
