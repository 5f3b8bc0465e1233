//go:build unix

package selection

import (
	"errors"
	"os"
	"syscall"

	"noroshi/internal/approval"
	"noroshi/internal/base/folder"
)

// lockFile takes a file for this run; the system gives it free when the process
// dies, however it dies. approval.ErrBusy when another run has it.
func lockFile(name string) (release func(), err error) {
	f, err := folder.Lock(name)
	if errors.Is(err, folder.ErrLocked) {
		return nil, approval.ErrBusy
	} else if err != nil {
		return nil, err
	}
	return func() { f.Close() }, nil
}

// holdFile is lockFile of a file that is there.
func holdFile(name string) (release func(), err error) {
	if _, err := os.Lstat(name); err != nil {
		return nil, err
	}
	return lockFile(name)
}

// numberOf is the number that the file system gave a file (stat(2): st_ino), and
// whether this account alone may write to it. A copy has another number.
func numberOf(f os.FileInfo) (n uint64, ours bool) {
	st, ok := f.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return uint64(st.Ino), f.Mode().IsRegular() && f.Mode().Perm()&0o022 == 0 && int(st.Uid) == os.Geteuid()
}

// alone waits until nobody else writes to f, and returns what ends that.
func alone(f *os.File) (func(), error) {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, err
	}
	return func() { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }, nil // closing ends it too
}
