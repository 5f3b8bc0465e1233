package memory

import "golang.org/x/sys/unix"

// page is the size of a large page, in bytes.
const page = 2 << 20

// large asks for the pages that a piece of memory lies in. That the system has
// none, or does not give any, is no error.
func large(from, size uintptr) {
	begin := from &^ (page - 1)
	end := (from + size + page - 1) &^ (page - 1)
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, begin, end-begin, unix.MADV_HUGEPAGE)
}
