// Package mapped reads whole files without copying them: their pages are seen
// where the system keeps them, and are let go of as reading goes on. What is
// never copied never has to be overwritten.
package mapped

import (
	"errors"
	"io"
	"os"
	"runtime/debug"
	"unsafe"
)

// ErrUnfit says that a file has to be read instead: it is a device or a pipe, is
// empty, was read from already, or this system maps no files.
var ErrUnfit = errors.New("mapped: a file to be read, not mapped")

// ErrShrunk says that a file became shorter, or could not be read, while it was
// looked at.
var ErrShrunk = errors.New("mapped: the file became shorter while it was read")

// window is how much is fetched at once, in bytes. What was passed by more than
// that is let go of.
const window = 4 << 20

// File is a file of which the first Data is seen as memory that must not be
// written to. It is what the file held when it was opened: what is appended
// afterwards is not seen. What is looked at in Data is looked at within
// [File.Guard]. The methods of nil do nothing but run: who reads instead needs no
// second way.
type File struct {
	Data []byte
	next int // what is fetched ends here
	gone int // what was let go of ends here
}

// New maps a regular file of which nothing was read yet; it may be closed
// afterwards. It fails with ErrUnfit, and with what the system says.
func New(f *os.File) (*File, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	if at, err := f.Seek(0, io.SeekCurrent); err != nil || at != 0 || !info.Mode().IsRegular() || size <= 0 || size != int64(int(size)) {
		return nil, ErrUnfit
	}
	data, err := mapFile(f, int(size))
	if err != nil {
		return nil, err
	}
	return &File{Data: data}, nil
}

// Advance says how far reading has come, in bytes: what follows is fetched, and
// what lies well behind is let go of. What is let go of can still be looked at,
// and is fetched again.
func (m *File) Advance(at int) {
	if m == nil || at+window/2 < m.next || m.next == len(m.Data) {
		return
	}
	from := max(m.next, at/window*window) // madvise(2) wants whole pages
	m.next = min(from+window, len(m.Data))
	fetch(m.Data[from:m.next])
	if back := (at - window) / window * window; back > m.gone {
		release(m.Data[m.gone:back])
		m.gone = back
	}
}

// Guard runs fn, in which Data is looked at on the goroutine that calls. Where
// the file was cut short meanwhile it returns ErrShrunk: without it the program
// would end.
func (m *File) Guard(fn func() error) (err error) {
	if m == nil {
		return fn()
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			at, ok := r.(interface{ Addr() uintptr })
			first := uintptr(unsafe.Pointer(unsafe.SliceData(m.Data)))
			if !ok || at.Addr() < first || at.Addr() >= first+uintptr(len(m.Data)) {
				panic(r) // another's fault
			}
			err = ErrShrunk
		}
	}()
	return fn()
}

// Close gives the pages back. Nothing may look at Data any more.
func (m *File) Close() error {
	if m == nil || m.Data == nil {
		return nil
	}
	data := m.Data
	m.Data = nil
	return unmap(data)
}
