package capture

import (
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
)

// ErrFormat says that the input is no pcap or pcapng file, plain or compressed.
var ErrFormat = errors.New("neither pcap nor pcapng")

const (
	bufferSize = 1 << 20   // holds the longest packet and what is read behind it
	readSize   = 256 << 10 // read at once: about a batch, so that reading overwrites the batch before
)

// Reader reads one capture. It is not safe for concurrent use. Nothing of a
// batch is left in memory once the next batch has been asked for; whoever stops
// before io.EOF calls Wipe.
type Reader struct {
	src    io.Reader
	inner  decompressor // nil for plain input
	buf    []byte       // the one buffer; packets point into it
	full   bool         // the batch had no room for more
	prompt bool         // the input gave all that was asked for
	given  int          // buf[given:lo] was handed out and not yet overwritten
	lo     int          // what was parsed ends here
	hi     int          // what was read ends here
	eof    bool
	bad    error // why reading ended, when it was not the end of the input
	form   form
	swap   bool // big-endian
	old    oldFormat
	ng     section
	stats  Stats
	clock  func() int64
	since  int64 // when buf[0:hi] began to be read
}

// decompressor is a source whose memory can be overwritten.
type decompressor interface {
	io.Reader
	wipe()
}

type form uint8

const (
	formPcap form = iota + 1
	formNG
)

// NewReader returns a reader of a capture whose format and compression are
// recognised by content. It returns ErrFormat for anything else, io.EOF for an
// empty input, and the errors of src.
func NewReader(src io.Reader) (*Reader, error) {
	r := &Reader{src: src, buf: make([]byte, bufferSize)}
	r.need(4)
	if r.hi == 0 {
		return nil, r.ending()
	}
	if head := r.buf[:r.hi]; isGzip(head) || isZstd(head) {
		in, err := newDecompressor(src, head, r.eof)
		clear(head)
		if err != nil {
			return nil, err
		}
		r.src, r.inner, r.hi, r.eof = in, in, 0, false
	}
	if !r.need(4) || !r.begin() {
		err := r.bad
		r.Wipe()
		if err == nil {
			err = ErrFormat
		}
		return nil, err
	}
	return r, nil
}

// SetClock makes the reader measure how long packets stay in memory. now
// returns nanoseconds of a clock that never goes back.
func (r *Reader) SetClock(now func() int64) { r.clock = now; r.since = now() }

// Stats returns what has been seen so far.
func (r *Reader) Stats() Stats { return r.stats }

// Next fills batch with the packets that follow, at least one, and returns how
// many. Their Data is overwritten by the next call. It returns io.EOF at the
// end of the capture, where a last packet that the input does not hold wholly
// is counted in Stats.Truncated, and otherwise the error of the input; then
// everything has been overwritten.
func (r *Reader) Next(batch []Packet) (int, error) {
	r.reuse()
	if len(batch) == 0 {
		return 0, nil
	}
	n := 0
	for n == 0 {
		switch r.form {
		case formPcap:
			n = r.nextPcap(batch)
		case formNG:
			n = r.nextNG(batch)
		default:
			r.Wipe()
			return 0, r.ending()
		}
	}
	var captured, wire int64
	for i := range batch[:n] {
		p := &batch[i]
		captured += int64(len(p.Data))
		wire += int64(p.Orig)
		if len(p.Data) < int(p.Orig) {
			r.stats.Cut++
		}
	}
	r.full = n == len(batch)
	r.stats.Packets += int64(n)
	r.stats.Bytes += captured
	r.stats.Wire += wire
	return n, nil
}

// ending is the error at the end of the capture.
func (r *Reader) ending() error {
	if r.bad != nil {
		return r.bad
	}
	return io.EOF
}

// Wipe overwrites every buffer that held packets, those of the decompressor
// included. The capture is at its end afterwards.
func (r *Reader) Wipe() {
	start := r.now()
	clear(r.buf)
	if r.inner != nil {
		r.inner.wipe()
	}
	r.measure(start)
	r.given, r.lo, r.hi, r.eof, r.form = 0, 0, 0, true, 0
}

// reuse overwrites the batch handed out last. Where the input gives as much as
// it is asked for, as files do, its next bytes go over the batch, which costs
// nothing. Otherwise zeros do, before anything is waited for.
func (r *Reader) reuse() {
	if r.lo == r.given {
		return
	}
	start := r.now()
	if r.prompt && !r.full && !r.eof && r.hi-r.lo < 4096 {
		r.fill(r.hi - r.lo + 1)
	} else {
		clear(r.buf[r.given:r.lo])
		r.given = r.lo
	}
	r.measure(start)
}

func (r *Reader) now() int64 {
	if r.clock == nil {
		return 0
	}
	return r.clock()
}

func (r *Reader) measure(start int64) {
	if r.clock != nil {
		t := r.clock()
		r.stats.Wipes++
		r.stats.WipeSum += t - start
		r.stats.WipeNanos = max(r.stats.WipeNanos, t-start)
		r.stats.HeldNanos = max(r.stats.HeldNanos, t-r.since)
	}
}

// fill moves what is unread to the front and reads until want bytes are there
// or the input ends. What lay behind is overwritten.
func (r *Reader) fill(want int) {
	dirty := r.hi
	r.hi = copy(r.buf, r.buf[r.lo:r.hi])
	r.lo, r.given = 0, 0
	r.since = r.now()
	for r.hi < want && !r.eof {
		// As much as want asks and readSize allows, not a whole buffer: what
		// is read stays in the processor's cache until it is decoded.
		room := r.buf[r.hi:min(max(want, r.hi+1, readSize), len(r.buf))]
		n, err := r.src.Read(room)
		r.hi += n
		r.prompt = n == len(room)
		if err != nil {
			r.eof = true
			if err != io.EOF && err != io.ErrUnexpectedEOF {
				r.bad = err
			}
		}
	}
	if r.hi < dirty {
		clear(r.buf[r.hi:dirty])
	}
}

// need reports whether n unread bytes are or can be made available. It moves
// bytes, so it must not be called once packets of a batch point into buf.
func (r *Reader) need(n int) bool {
	if r.hi-r.lo < n && !r.eof {
		want := n
		if r.inner != nil { // it hands out little at once
			want = max(n, readSize)
		}
		r.fill(want)
	}
	return r.hi-r.lo >= n
}

// skip leaves n bytes out, reading as far as it must, and reports whether they
// were there.
func (r *Reader) skip(n int64) bool {
	for n > int64(r.hi-r.lo) {
		n -= int64(r.hi - r.lo)
		r.lo = r.hi
		if !r.need(1) {
			return false
		}
	}
	r.lo += int(n)
	return true
}

// begin reads a file header at lo and reports whether there is one.
func (r *Reader) begin() bool {
	if r.sectionAhead() {
		r.form = formNG
		return true
	}
	return r.beginPcap()
}

// cutOff ends the capture at a record that is not whole.
func (r *Reader) cutOff() {
	if r.hi > r.lo {
		r.stats.Truncated++
	}
	r.form = 0
}

// damaged ends the capture at a record whose length cannot be believed: nothing
// says where the next begins.
func (r *Reader) damaged() {
	r.stats.Damaged++
	r.form = 0
}

func (r *Reader) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if r.swap {
		v = bits.ReverseBytes32(v)
	}
	return v
}

func (r *Reader) u16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if r.swap {
		v = bits.ReverseBytes16(v)
	}
	return v
}
