//go:build unix

package hunt

import (
	"io/fs"
	"os"
	"syscall"
)

// idOf returns the identity of a file beneath its name, and how many names it
// has.
func idOf(is fs.FileInfo, _ string) (id fileID, names uint64) {
	if st, ok := is.Sys().(*syscall.Stat_t); ok {
		return fileID{uint64(st.Dev), uint64(st.Ino)}, uint64(st.Nlink)
	}
	return fileID{}, 1
}

// lockFile takes a file for this process, as long as it lives. It returns false
// when another one has it.
func lockFile(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
