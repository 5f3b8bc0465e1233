package zeek

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"

	"noroshi/internal/engine/flow/record"
)

// ErrFormat says that the input is no log of Zeek: its first line is neither a
// header nor a JSON object.
var ErrFormat = errors.New("no Zeek log: the first line is neither #separator nor a JSON object")

// maxLine bounds one line, in bytes. A longer one is counted and left out.
const maxLine = 1 << 20

const bufferSize = 1 << 20

// Stats are what a reader has seen so far.
type Stats struct {
	Bytes     int64 // of whole lines, decompressed
	Lines     int64 // whole lines that are no header
	Records   int64 // records handed out
	Headers   int64 // #fields lines
	Other     int64 // lines of logs that are not read
	Bad       int64 // lines that cannot be read: no times, no addresses, broken JSON
	Headless  int64 // tab-separated lines before any #fields
	Short     int64 // lines with another number of fields than #fields has; read as far as they go
	Oversize  int64 // lines longer than a mebibyte
	Truncated int64 // last lines without an end; not handed out
}

// Reader reads one log, or several one after the other in one stream. It is not
// safe for concurrent use.
type Reader struct {
	src   io.Reader
	close func()
	ahead *bufio.Reader
	buf   []byte
	lo    int
	hi    int
	eof   bool
	err   error
	base  int64 // offset of buf[0] in the input
	skip  bool  // within a line that is too long
	head  header
	row   row
	name  names
	slabs []*slab
	slab  *slab // of the batch that is filled
	stats Stats
}

// slab is where the facts of one batch stand.
type slab struct {
	batch *record.Record // its first record
	tls   []record.TLS
	cert  []record.Certificate
	ssh   []record.SSH
	krb   []record.Kerberos
	rdp   []record.RDP
	quic  []record.QUIC
}

// maxSlabs is how many batches may be in use by turns.
const maxSlabs = 4

// pick finds the slab of a batch, or makes it.
func (r *Reader) pick(batch []record.Record) {
	n := len(batch)
	for _, s := range r.slabs {
		if s.batch == &batch[0] && len(s.tls) >= n {
			r.slab = s
			return
		}
	}
	if len(r.slabs) == maxSlabs {
		r.slabs = r.slabs[1:]
	}
	r.slab = &slab{&batch[0], make([]record.TLS, n), make([]record.Certificate, n), make([]record.SSH, n), make([]record.Kerberos, n), make([]record.RDP, n), make([]record.QUIC, n)}
	r.slabs = append(r.slabs, r.slab)
}

// NewReader returns a reader of a log that is recognised by its content, plain
// or compressed with gzip or zstd. Names go through n. It returns ErrFormat for
// anything else and io.EOF for an empty input.
func NewReader(src io.Reader, n *record.Naming) (*Reader, error) {
	r := &Reader{close: func() {}, name: newNames(n)}
	r.head.reset()
	plain, err := r.unpack(src)
	if err != nil {
		return nil, err
	}
	r.src, r.buf = plain, make([]byte, bufferSize)
	for {
		for r.lo < r.hi && (r.buf[r.lo] <= ' ' || r.buf[r.lo] == 0xef || r.buf[r.lo] == 0xbb || r.buf[r.lo] == 0xbf) {
			r.lo++
		}
		if r.lo < r.hi {
			break
		}
		if !r.fill() {
			r.Close()
			if r.err != nil {
				return nil, r.err
			}
			return nil, io.EOF
		}
	}
	if c := r.buf[r.lo]; c != '#' && c != '{' {
		r.Close()
		return nil, ErrFormat
	}
	return r, nil
}

// unpack returns the plain stream of a compressed one.
func (r *Reader) unpack(src io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(src, peekSize)
	r.ahead = b
	magic, err := b.Peek(4)
	switch {
	case len(magic) >= 2 && magic[0] == 0x1f && magic[1] == 0x8b:
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, ErrFormat
		}
		return z, nil
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			return nil, ErrFormat
		}
		r.close = z.Close
		return z, nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b, nil
}

// Is reports whether a file that begins with b may be a log of Zeek.
func Is(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n\xef\xbb\xbf")
	return bytes.HasPrefix(b, []byte("#separator")) || bytes.HasPrefix(b, []byte("#fields")) ||
		len(b) > 0 && b[0] == '{' && (bytes.Contains(b, []byte(`"ts"`)) && bytes.Contains(b, []byte("orig_h")))
}

// fill reads more, keeping buf[lo:hi]. It returns false at the end.
func (r *Reader) fill() bool {
	if r.eof {
		return false
	}
	if r.lo > 0 {
		copy(r.buf, r.buf[r.lo:r.hi])
		r.base += int64(r.lo)
		r.hi, r.lo = r.hi-r.lo, 0
	}
	if r.hi == len(r.buf) {
		if len(r.buf) > maxLine {
			// The line is too long: what was read of it goes, the rest is skipped.
			r.base += int64(r.hi)
			r.hi, r.skip = 0, true
		} else {
			grown := make([]byte, 2*len(r.buf))
			copy(grown, r.buf)
			clear(r.buf)
			r.buf = grown
		}
	}
	for range 100 {
		n, err := r.src.Read(r.buf[r.hi:])
		r.hi += n
		if err != nil {
			r.eof = true
			// A log that is still being compressed, or was cut off, ends here.
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				r.err = err
			}
		}
		if n > 0 || err != nil {
			return n > 0
		}
	}
	r.eof, r.err = true, io.ErrNoProgress
	return false
}

// line returns the next line without its end, or false at the end. A last line
// without an end is returned only when it is a whole JSON object.
func (r *Reader) line() ([]byte, bool) {
	for from := r.lo; ; {
		if i := bytes.IndexByte(r.buf[from:r.hi], '\n'); i >= 0 {
			b := r.buf[r.lo : from+i]
			r.lo = from + i + 1
			if r.skip || len(b) > maxLine {
				r.skip, from = false, r.lo
				r.stats.Oversize++
				continue
			}
			r.stats.Bytes += int64(len(b)) + 1
			return bytes.TrimSuffix(b, []byte{'\r'}), true
		}
		seen := r.hi - r.lo
		if !r.fill() {
			break
		}
		from = min(r.lo+seen, r.hi)
		if r.skip {
			from = r.lo
		}
	}
	last := bytes.TrimRight(r.buf[r.lo:r.hi], " \t\r")
	if len(last) == 0 {
		r.lo = r.hi
		return nil, false
	}
	if !r.skip && last[0] == '{' && r.row.json(last) {
		r.stats.Bytes += int64(r.hi - r.lo)
		r.lo = r.hi
		return last, true
	}
	if r.stats.Truncated == 0 {
		r.stats.Truncated = 1
	}
	return nil, false
}

// Next fills batch with the records that follow, at least one, and returns how
// many. What they point to is overwritten when the same batch is filled again;
// up to four batches may be used by turns. It returns io.EOF at the end.
func (r *Reader) Next(batch []record.Record) (int, error) {
	if len(batch) == 0 {
		return 0, nil
	}
	r.pick(batch)
	n := 0
	for n < len(batch) {
		b, ok := r.line()
		if !ok {
			break
		}
		switch {
		case len(b) == 0:
		case b[0] == '#' || b[0] == '\t' && len(b) > 1 && b[1] == '#':
			r.header(bytes.TrimLeft(b, "\t"))
		case b[0] == '{':
			r.stats.Lines++
			if !r.row.json(b) {
				r.stats.Bad++
				continue
			}
			n += r.add(&batch[n], n, r.row.kind())
		case r.head.fields == 0:
			r.stats.Lines++
			r.stats.Headless++
		case r.head.log == otherLog:
			r.stats.Lines++
			r.stats.Other++
		default:
			r.stats.Lines++
			if !r.row.tsv(b, &r.head) {
				r.stats.Short++
			}
			n += r.add(&batch[n], n, r.head.log)
		}
	}
	r.stats.Records += int64(n)
	if n == 0 {
		r.Close()
		if r.err != nil {
			return 0, r.err
		}
		return 0, io.EOF
	}
	return n, nil
}

// add builds a record out of the row and returns how many that makes.
func (r *Reader) add(out *record.Record, i int, kind log) int {
	if kind == otherLog {
		r.stats.Other++
		return 0
	}
	*out = record.Record{DNS: out.DNS[:0], HTTP: out.HTTP[:0]}
	if !r.build(out, i, kind) {
		r.stats.Bad++
		return 0
	}
	return 1
}

// Stats returns what has been seen so far.
func (r *Reader) Stats() Stats { return r.stats }

// Offset is how much of the decompressed input was read in whole lines, in
// bytes: where a later reader of the same log, grown since, goes on.
func (r *Reader) Offset() int64 { return r.base + int64(r.lo) }

// Close overwrites what the reader buffered and lets go of a decompressor.
// Stats and Offset stay.
func (r *Reader) Close() {
	clear(r.buf)
	r.base += int64(r.lo)
	r.lo, r.hi, r.eof = 0, 0, true
	r.row.forget()
	r.close()
	r.close = func() {}
	if r.ahead != nil {
		r.ahead.Reset(zeroReader{})
		_, _ = r.ahead.Peek(peekSize) // what was read ahead is overwritten with it
		r.ahead = nil
	}
}

// peekSize is how much is read ahead to see what the input is, in bytes.
const peekSize = 64 << 10

// zeroReader overwrites a buffer.
type zeroReader struct{}

// Read implements io.Reader.
func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
