//go:build unix

package executor

import (
	"os"
	"syscall"
)

// numberOf is the number that the file system gave a file (stat(2): st_ino): a
// copy has another. 0 for none.
func numberOf(name string) uint64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	return uint64(st.Ino)
}
