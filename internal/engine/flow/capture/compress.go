package capture

import (
	"bytes"
	"io"

	"github.com/klauspost/compress/gzip"
)

func isGzip(b []byte) bool { return bytes.HasPrefix(b, []byte{0x1f, 0x8b}) }

// feed hands compressed bytes to a decompressor out of one buffer that can be
// overwritten: stored blocks hold packets as they are.
type feed struct {
	src    io.Reader
	buf    []byte
	lo, hi int
	err    error
}

const feedSize = 128 << 10

// newFeed returns a feed that begins with what was already read.
func newFeed(src io.Reader, head []byte, eof bool) *feed {
	f := &feed{src: src, buf: make([]byte, max(feedSize, len(head)))}
	f.hi = copy(f.buf, head)
	if eof {
		f.err = io.EOF
	}
	return f
}

func (f *feed) fill() error {
	for f.lo == f.hi {
		if f.err != nil {
			return f.err
		}
		f.lo, f.hi = 0, 0
		f.hi, f.err = f.src.Read(f.buf)
	}
	return nil
}

// Read implements io.Reader.
func (f *feed) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := f.fill(); err != nil {
		return 0, err
	}
	n := copy(p, f.buf[f.lo:f.hi])
	f.lo += n
	return n, nil
}

// ReadByte implements io.ByteReader, so that package gzip adds no buffer.
func (f *feed) ReadByte() (byte, error) {
	if f.lo == f.hi {
		if err := f.fill(); err != nil {
			return 0, err
		}
	}
	c := f.buf[f.lo]
	f.lo++
	return c, nil
}

func (f *feed) wipe() {
	clear(f.buf)
	f.lo, f.hi, f.err = 0, 0, io.EOF
}

func newDecompressor(src io.Reader, head []byte, eof bool) (decompressor, error) {
	f := newFeed(src, head, eof)
	if isZstd(head) {
		return newZstd(f)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		f.wipe()
		return nil, err
	}
	return &gzipped{f, z}, nil
}

// Begins unpacks the beginning of a packed file into p and returns how many bytes
// it gave; packed is false for what is neither gzip nor zstd. Nothing of it stays
// but in p.
func Begins(head, p []byte) (n int, packed bool) {
	if !isGzip(head) && !isZstd(head) {
		return 0, false
	}
	z, err := newDecompressor(nil, head, true)
	if err != nil {
		return 0, true
	}
	defer z.wipe()
	n, _ = io.ReadFull(z, p) // the beginning alone always ends early
	return n, true
}

// gzipped reads RFC 1952, all members.
type gzipped struct {
	feed *feed
	z    *gzip.Reader
}

func (g *gzipped) Read(p []byte) (int, error) { return g.z.Read(p) }

// wipe decompresses zeros, more than the window of DEFLATE holds (32 KiB), so
// that nothing of the packets stays in it.
func (g *gzipped) wipe() {
	g.feed.wipe()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	zeros := make([]byte, 16<<10)
	for range 6 {
		w.Write(zeros)
	}
	w.Close()
	if g.z.Reset(&packed) == nil {
		io.Copy(io.Discard, g.z)
	}
}
