package sensor

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/flow/zeek"
)

// maxRecordLine bounds a line of records, in bytes: one that has all that a record
// may have, names kept full, has fewer.
const maxRecordLine = 1 << 20

// recordLines reads what "flow read" and "flow listen" write as JSON, a record a
// line.
type recordLines struct {
	src    *bufio.Reader
	parser *record.Parser
	rooms  map[*record.Record][]record.Room // of each batch that goes around
	lines  int64
	bytes  int64 // of whole lines
	cut    bool  // the last line had no end, and was no record
}

func newRecordLines(src io.Reader, n *record.Naming) *recordLines {
	return &recordLines{src: bufio.NewReaderSize(src, maxRecordLine), parser: record.NewParser(n), rooms: map[*record.Record][]record.Room{}}
}

// lineError is where a file holds no record.
type lineError struct {
	line int64
	err  error
}

// Error names the line, and never what stands in it.
func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }

// Unwrap is why it is none.
func (e *lineError) Unwrap() error { return e.err }

// errLongLine says that a line is longer than any record.
var errLongLine = errors.New("the line is too long")

// maxBatches is how many batches may go around.
const maxBatches = 4

// Next fills batch with the records that follow and returns how many, and io.EOF
// at the end. What they point to is overwritten when the same batch is filled
// again.
func (r *recordLines) Next(batch []record.Record) (n int, err error) {
	rooms := r.rooms[&batch[0]]
	if rooms == nil {
		if len(r.rooms) == maxBatches {
			clear(r.rooms)
		}
		rooms = make([]record.Room, len(batch))
		r.rooms[&batch[0]] = rooms
	}
	for n < len(batch) {
		line, err := r.src.ReadSlice('\n')
		whole := err == nil
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return 0, &lineError{r.lines + 1, errLongLine}
		case err != nil && !errors.Is(err, io.EOF):
			return 0, err
		case len(bytes.TrimSpace(line)) > 0:
			switch bad := r.parser.Parse(line, &batch[n], &rooms[n]); {
			case bad == nil:
				r.lines++
				n++
			case whole:
				return 0, &lineError{r.lines + 1, bad}
			default:
				r.cut = true // it is still being written, or was cut off
				return n, eofIfNone(n)
			}
		case whole:
			r.lines++
		}
		r.bytes += int64(len(line))
		if !whole {
			return n, eofIfNone(n)
		}
	}
	return n, nil
}

func eofIfNone(n int) error {
	if n == 0 {
		return io.EOF
	}
	return nil
}

// records reads what "flow read" and "flow listen" wrote, from where an earlier
// run stopped.
func (d *detectRun) records(src *bufio.Reader, head []byte, packed bool, name string) error {
	st := fileStats{File: name, Kind: "records"}
	from, mark, err := d.goOn(src, head, packed, name)
	if err != nil {
		return err
	}
	if from == nil {
		st.Before, st.From = true, mark.Offset
		d.read = append(d.read, st)
		return nil
	}
	st.From = mark.Offset
	plain, done, err := unpacked(from, packed)
	if err != nil {
		return badFile(name, err)
	}
	defer done()
	r := newRecordLines(plain, d.naming)
	if err := d.pump(r); err != nil {
		if bad := new(lineError); errors.As(err, &bad) {
			return fault.New(fault.Usage, "sensor.detect.line", "file", name, "line", bad.line).Because(err)
		}
		if d.ctx.Err() != nil {
			return err
		}
		return badFile(name, err)
	}
	st.Bytes, st.Records, st.Before = r.bytes, r.lines, r.lines == 0 && st.From > 0
	if r.cut {
		st.Cut = 1
	}
	d.read = append(d.read, st)
	if packed {
		d.kept.putPacked(head, r.bytes)
	} else {
		d.kept.put(name, head, mark.Offset+r.bytes, "")
	}
	return nil
}

// goOn is what of a file was not read by an earlier run; nil when it was read to
// its end, as one that is packed, which does not grow.
func (d *detectRun) goOn(src *bufio.Reader, head []byte, packed bool, name string) (io.Reader, zeek.Mark, error) {
	mark, ok := d.kept.find(head)
	if !ok {
		return src, zeek.Mark{}, nil
	}
	if packed {
		return nil, mark, nil
	}
	tail, ok := skipTo(src, mark)
	if !ok {
		return nil, mark, fault.New(fault.Usage, "sensor.detect.rewritten", "file", name)
	}
	return io.MultiReader(strings.NewReader(mark.Header), tail), mark, nil
}

// unpacked is the plain text of what is packed with gzip or zstd.
func unpacked(src io.Reader, packed bool) (io.Reader, func(), error) {
	if !packed {
		return src, func() {}, nil
	}
	b := bufio.NewReader(src)
	if magic, _ := b.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(b)
		return z, func() {}, err
	}
	z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
	if err != nil {
		return nil, nil, err
	}
	return z, z.Close, nil
}
