package hunt

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
)

// fileID is what a file is to the system, beneath its name.
type fileID struct {
	Dev uint64 `json:"dev"`
	Ino uint64 `json:"ino"`
}

// printSize is how much of the beginning and the end of what was read tells a
// file from others, in bytes.
const printSize = 1024

// print is the first and the last bytes of what was read of a file. A file that
// has them in the same places is that file, wherever it stands now.
type print struct{ first, last []byte }

// pass takes in bytes that were read.
func (p *print) pass(data []byte) {
	if n := printSize - len(p.first); n > 0 {
		p.first = append(p.first, data[:min(n, len(data))]...)
	}
	if len(data) >= printSize {
		p.last = append(p.last[:0], data[len(data)-printSize:]...)
		return
	}
	p.last = append(p.last, data...)
	if over := len(p.last) - printSize; over > 0 {
		p.last = append(p.last[:0], p.last[over:]...)
	}
}

// holds reports whether a file, read up to offset, is the one of the print.
func (p *print) holds(f io.ReaderAt, offset int64) bool {
	now, ok := printAt(f, offset)
	return ok && bytes.Equal(now.first, p.first) && bytes.Equal(now.last, p.last)
}

// sum returns the print in a form that does not show what the file says.
func (p *print) sum() string {
	h := sha256.New()
	_, _ = h.Write(p.first)
	_, _ = h.Write(p.last)
	return hex.EncodeToString(h.Sum(nil))
}

// printAt makes the print of a file that was read up to offset; ok is false if
// it is not that long.
func printAt(f io.ReaderAt, offset int64) (p print, ok bool) {
	n := min(offset, printSize)
	p.first, p.last = make([]byte, n), make([]byte, n)
	if n == 0 {
		return p, true
	}
	if got, _ := f.ReadAt(p.last, offset-n); got < int(n) {
		return p, false
	}
	got, _ := f.ReadAt(p.first, 0)
	return p, got == int(n)
}

// isPrefix reports whether the first size bytes of two files are the same, as
// far as their beginning and end tell.
func isPrefix(a, b io.ReaderAt, size int64) bool {
	x, ok := printAt(a, size)
	return ok && x.holds(b, size)
}
