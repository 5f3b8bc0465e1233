package mapped

import (
	"os"

	"golang.org/x/sys/unix"
)

func mapFile(f *os.File, size int) ([]byte, error) {
	data, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err == unix.ENODEV || err == unix.EACCES { // a file system that maps nothing
		return nil, ErrUnfit
	}
	if err == nil {
		_ = unix.Madvise(data, unix.MADV_SEQUENTIAL) // what it says is a wish
	}
	return data, err
}

// fetch has pages ready before they are looked at: a fault for each would cost
// more than the copy that mapping saves. Systems before Linux 5.14 only get a
// hint.
func fetch(pages []byte) {
	if len(pages) > 0 && unix.Madvise(pages, unix.MADV_POPULATE_READ) == unix.EINVAL {
		_ = unix.Madvise(pages, unix.MADV_WILLNEED)
	}
}

func release(pages []byte) { _ = unix.Madvise(pages, unix.MADV_DONTNEED) }

func unmap(data []byte) error { return unix.Munmap(data) }
