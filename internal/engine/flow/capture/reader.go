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
	readSize   = 128 << 10 // read at once: about a batch, so that reading overwrites the batch before
)

// Reader reads one capture. It is not safe for concurrent use, but what it
// lends may be read and returned elsewhere. Nothing of a batch of Next is left
// in memory once the next batch has been asked for; whoever stops before io.EOF
// calls Wipe.
type Reader struct {
	src    io.Reader
	inner  decompressor // nil for plain input
	lender *lender
	loan   *Loan  // the buffer that is parsed; nil at the end
	buf    []byte // of it; packets point into it
	full   bool   // the batch had no room for more
	prompt bool   // the input gave all that was asked for
	given  int    // buf[given:lo] was handed out and not yet overwritten
	lo     int    // what was parsed ends here
	hi     int    // what was read ends here
	eof    bool
	bad    error // why reading ended, when it was not the end of the input
	short  bool  // the compressed input ended before its own end
	form   form
	swap   bool // big-endian
	old    oldFormat
	ng     section
	stats  Stats
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
	r := &Reader{src: src, lender: newLender()}
	r.loan = r.lender.take()
	r.buf = r.loan.buf
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

// SetClock makes the reader measure how long packets stay in memory, before any
// are read. now returns nanoseconds of a clock that never goes back; who
// returns a loan calls it, too.
func (r *Reader) SetClock(now func() int64) {
	r.lender.clock = now
	r.loan.since = now()
}

// Stats returns what has been seen so far.
func (r *Reader) Stats() Stats {
	s, p := r.stats, r.lender
	p.mu.Lock()
	defer p.mu.Unlock()
	s.Wipes, s.WipeSum, s.WipeNanos, s.HeldNanos = p.wipes, p.sum, p.longest, p.held
	return s
}

// Next fills batch with the packets that follow, at least one, and returns how
// many. Their Data is overwritten by the next call. It returns io.EOF at the
// end of the capture, where a last packet that the input does not hold wholly
// is counted in Stats.Truncated, and otherwise the error of the input; then
// everything has been overwritten.
func (r *Reader) Next(batch []Packet) (int, error) {
	if r.loan != nil && r.loan.users.Load() == 1 { // else it is overwritten when it comes back
		r.reuse()
	}
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

// Lend is Next for who goes on reading while more is read: the packets stay
// until the loan is returned. While others are lent, the reader takes up to
// maxLent buffers in turn; then it waits for the first to come back. With an
// error there is no loan.
func (r *Reader) Lend(batch []Packet) (int, *Loan, error) {
	n, err := r.Next(batch)
	if err != nil {
		return n, nil, err
	}
	r.loan.Hold()
	r.loan.waits = !r.prompt
	return n, r.loan, nil
}

// ending is the error at the end of the capture.
func (r *Reader) ending() error {
	if r.bad != nil {
		return r.bad
	}
	if r.short && !r.stats.Broken { // packed, and cut off just between two packets
		r.stats.Truncated++
		r.stats.Broken = true
	}
	return io.EOF
}

// Wipe overwrites every buffer that held packets, those of the decompressor
// included, and what is lent as soon as it is returned. The capture is at its
// end afterwards.
func (r *Reader) Wipe() {
	if l := r.loan; l != nil {
		l.dirty = r.hi
		r.lender.end()
		l.Return()
		r.loan, r.buf = nil, nil
	}
	if r.inner != nil {
		r.inner.wipe()
	}
	r.given, r.lo, r.hi, r.eof, r.form = 0, 0, 0, true, 0
}

// reuse overwrites the batch handed out last. Where the input gives as much as
// it is asked for, as files do, its next bytes go over the batch, which costs
// nothing. Otherwise zeros do, before anything is waited for.
func (r *Reader) reuse() {
	if r.lo == r.given {
		return
	}
	r.loan.back.Store(r.lender.now())
	if r.prompt && !r.full && !r.eof && r.hi-r.lo < 4096 {
		r.fill(r.hi - r.lo + 1)
		return
	}
	clear(r.buf[r.given:r.lo])
	r.given = r.lo
	r.measure()
}

// measure notes that what was handed out is overwritten.
func (r *Reader) measure() {
	if p := r.lender; p.clock != nil {
		p.mu.Lock()
		p.measure(r.loan)
		p.mu.Unlock()
	}
}

// fill moves what is unread to the front, of another buffer when this one is
// lent, and reads until want bytes are there or the input ends. What lay behind
// is overwritten.
func (r *Reader) fill(want int) {
	rest, last, dirty := r.buf[r.lo:r.hi], r.loan, r.hi
	handed := r.lo > r.given
	if last.users.Load() > 1 {
		r.loan = r.lender.take()
		r.buf, dirty = r.loan.buf, r.loan.dirty
		handed = dirty > 0
		last.dirty = r.hi
	}
	r.hi = copy(r.buf, rest)
	if last != r.loan {
		last.Return()
	}
	since := r.lender.now()
	for r.hi < want && !r.eof {
		if !r.prompt && r.hi < dirty { // before anything is waited for
			clear(r.buf[r.hi:dirty])
			dirty = r.hi
		}
		// As much as want asks and readSize allows, not a whole buffer: what
		// is read stays in the processor's cache until it is decoded.
		room := r.buf[r.hi:min(max(want, r.hi+1, readSize), len(r.buf))]
		r.loan.touched = max(r.loan.touched, r.hi+len(room))
		n, err := r.src.Read(room)
		r.hi += n
		if prompt := n == len(room); prompt != r.prompt || err != nil {
			r.prompt = prompt
			r.lender.rely(prompt && err == nil)
		}
		if err != nil {
			r.eof = true
			if err == io.ErrUnexpectedEOF {
				r.short = true
			} else if err != io.EOF {
				r.bad = err
			}
		}
	}
	if r.hi < dirty {
		clear(r.buf[r.hi:dirty])
	}
	if handed {
		r.measure()
	}
	r.lo, r.given, r.loan.since, r.loan.dirty = 0, 0, since, r.hi
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
		r.stats.Broken = true
	}
	r.form = 0
}

// damaged ends the capture at a record whose length cannot be believed: nothing
// says where the next begins.
func (r *Reader) damaged() {
	r.stats.Damaged++
	r.stats.Broken = true
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
