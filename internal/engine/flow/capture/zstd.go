package capture

import (
	"encoding/binary"
	"errors"
	"io"
	"math/bits"

	"github.com/klauspost/compress/zstd"
)

// Limits and magic numbers of RFC 8878 section 3.1.
const (
	zstdFrame     = 0xfd2fb528
	zstdSkippable = 0x184d2a50 // and the 15 numbers behind it
	zstdBlock     = 128 << 10
	minWindow     = 20 // a window of at least 2^20, so that most files need one size
	maxWindow     = 27 // 128 MiB, what "zstd --long" asks for
)

var errWindow = errors.New("zstd: window larger than 128 MiB")

func isZstd(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	m := binary.LittleEndian.Uint32(b)
	return m == zstdFrame || m&^15 == zstdSkippable
}

// zstdReader decompresses frame by frame. It writes the frame headers anew, each
// with a window of a power of two: so the decompressor's memory has a known
// size and a frame of zeros overwrites all of it.
type zstdReader struct {
	feed *feed
	z    *zstd.Decoder
	f    frame
	log  int // of the window the decompressor has memory for
}

func newZstd(f *feed) (decompressor, error) {
	// One goroutine, ours: nothing is decoded ahead.
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(false), zstd.WithDecoderMaxWindow(1<<maxWindow))
	if err != nil {
		return nil, err
	}
	return &zstdReader{feed: f, z: z}, nil
}

// Read implements io.Reader.
func (s *zstdReader) Read(p []byte) (int, error) {
	for {
		if s.f.state != frameOut {
			n, err := s.z.Read(p)
			if n > 0 || err != nil && err != io.EOF {
				return n, err
			}
			if err == nil {
				continue
			}
			if s.f.state != frameEnd {
				return 0, io.ErrUnexpectedEOF
			}
			s.f.state = frameOut
		}
		if err := s.next(); err != nil {
			return 0, err
		}
	}
}

// next reads a frame header and sets the decompressor on the frame.
func (s *zstdReader) next() error {
	if err := s.f.begin(s.feed); err != nil {
		return err
	}
	if s.f.log > s.log {
		if s.log > 0 { // the smaller memory would be dropped as it is
			f := s.f
			s.zeros()
			s.f = f
		}
		s.log = s.f.log
	}
	s.f.writeHeader(s.log)
	return s.z.Reset(&s.f)
}

// wipe implements decompressor.
func (s *zstdReader) wipe() {
	s.feed.wipe()
	s.zeros()
	s.f = frame{}
}

// zeros overwrites the decompressor's memory: the window, the block read last
// and the literals of the block decoded last.
func (s *zstdReader) zeros() {
	if s.log == 0 {
		return
	}
	if s.z.Reset(&zeroFrame{left: 1<<s.log/zstdBlock + 4, log: s.log}) == nil {
		io.Copy(io.Discard, s.z)
	}
}

type frameState uint8

const (
	frameOut    frameState = iota // between frames
	frameHeader                   // handing out the new header
	frameBlock                    // at a block header
	frameBody                     // in a block or checksum
	frameEnd                      // all was handed out
)

// frame hands one frame to the decompressor and finds its end.
type frame struct {
	feed  *feed
	state frameState
	log   int // of the window
	sum   bool
	last  bool
	tail  bool // in the checksum
	left  int  // of a body
	out   []byte
	small [8]byte
}

// begin reads up to the first block header (section 3.1.1.1), past skippable
// frames. It returns io.EOF when no frame follows.
func (f *frame) begin(in *feed) error {
	*f = frame{feed: in}
	for {
		var b [8]byte
		if n, err := io.ReadFull(in, b[:4]); err != nil {
			if n == 0 && err == io.EOF {
				return io.EOF
			}
			return err
		}
		m := binary.LittleEndian.Uint32(b[:])
		if m == zstdFrame {
			break
		}
		if m&^15 != zstdSkippable {
			return zstd.ErrMagicMismatch
		}
		if _, err := io.ReadFull(in, b[:4]); err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, in, int64(binary.LittleEndian.Uint32(b[:]))); err != nil {
			return err
		}
	}
	return f.describe()
}

// describe reads the frame header descriptor and what it announces.
func (f *frame) describe() error {
	d, err := f.feed.ReadByte()
	if err != nil {
		return err
	}
	if d&8 != 0 {
		return errors.New("zstd: reserved bit set")
	}
	if d&3 != 0 {
		return errors.New("zstd: needs a dictionary")
	}
	f.sum = d&4 != 0
	single := d&0x20 != 0
	window := uint64(0)
	if !single {
		w, err := f.feed.ReadByte()
		if err != nil {
			return err
		}
		base := uint64(1) << (10 + w>>3)
		window = base + base/8*uint64(w&7)
	}
	size := 0
	if d>>6 > 0 {
		size = 1 << (d >> 6)
	} else if single {
		size = 1
	}
	var b [8]byte
	if _, err := io.ReadFull(f.feed, b[:size]); err != nil {
		return err
	}
	if single {
		window = binary.LittleEndian.Uint64(b[:])
	}
	if window > 1<<maxWindow {
		return errWindow
	}
	f.log = max(bits.Len64(max(window, 1)-1), minWindow)
	return nil
}

// writeHeader begins the frame for the decompressor: no content size, a window
// of 2^log.
func (f *frame) writeHeader(log int) {
	binary.LittleEndian.PutUint32(f.small[:], zstdFrame)
	f.small[4] = 0
	if f.sum {
		f.small[4] = 4
	}
	f.small[5] = byte(log-10) << 3
	f.out, f.state = f.small[:6], frameHeader
}

// Read implements io.Reader for the decompressor.
func (f *frame) Read(p []byte) (int, error) {
	for {
		switch f.state {
		case frameHeader:
			n := copy(p, f.out)
			if f.out = f.out[n:]; len(f.out) == 0 {
				f.state = frameBlock
				if f.left > 0 || f.last {
					f.state = frameBody
				}
			}
			return n, nil
		case frameBlock:
			if err := f.blockHeader(); err != nil {
				return 0, err
			}
		case frameBody:
			if f.left > 0 {
				n, err := f.feed.Read(p[:min(len(p), f.left)])
				f.left -= n
				return n, err
			}
			switch {
			case !f.last:
				f.state = frameBlock
			case f.sum && !f.tail:
				f.tail, f.left = true, 4
			default:
				f.state = frameEnd
			}
		default:
			return 0, io.EOF
		}
	}
}

// blockHeader reads section 3.1.1.2 and hands it out.
func (f *frame) blockHeader() error {
	if _, err := io.ReadFull(f.feed, f.small[:3]); err != nil {
		return io.ErrUnexpectedEOF
	}
	h := int(f.small[0]) | int(f.small[1])<<8 | int(f.small[2])<<16
	f.last = h&1 != 0
	f.left = h >> 3
	if h>>1&3 == 1 { // one byte, repeated
		f.left = 1
	}
	f.out, f.state = f.small[:3], frameHeader
	return nil
}

// zeroFrame is a frame of zeros: raw blocks over the window and the buffer of
// blocks, then one block of compressed kind whose literals are one repeated
// zero, over the buffer of literals.
type zeroFrame struct {
	left int // raw blocks to come
	log  int
	n    int // read of the current piece
	at   int // pieces done
}

func (z *zeroFrame) Read(p []byte) (int, error) {
	piece, size := z.piece()
	if size == 0 {
		return 0, io.EOF
	}
	p = p[:min(len(p), size-z.n)]
	clear(p)
	if z.n < len(piece) {
		copy(p, piece[z.n:])
	}
	if z.n += len(p); z.n == size {
		z.n = 0
		z.at++
	}
	return len(p), nil
}

// piece returns how the current piece begins and its size; zeros follow.
func (z *zeroFrame) piece() ([]byte, int) {
	switch {
	case z.at == 0:
		return []byte{0x28, 0xb5, 0x2f, 0xfd, 0, byte(z.log-10) << 3}, 6
	case z.at <= z.left:
		return []byte{byte(zstdBlock << 3 & 0xff), byte(zstdBlock << 3 >> 8 & 0xff), byte(zstdBlock << 3 >> 16)}, 3 + zstdBlock
	case z.at == z.left+1:
		// Block header: last, compressed, 5 bytes. Literals: repeated, 20 bits
		// of size; then the byte, then no sequences.
		const size = zstdBlock
		return []byte{1 | 2<<1 | 5<<3, 0, 0, 1 | 3<<2 | size<<4&0xf0, byte(size >> 4 & 0xff), byte(size >> 12), 0, 0}, 8
	}
	return nil, 0
}
