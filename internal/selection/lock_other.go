//go:build !unix

package selection

import (
	"errors"
	"io/fs"
	"os"

	"noroshi/internal/approval"
)

// lockFile takes a file for this run. Without locks of the system a crash leaves
// it, and a person has to remove it.
func lockFile(name string) (release func(), err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, approval.ErrBusy
	} else if err != nil {
		return nil, err
	}
	return func() { f.Close(); os.Remove(name) }, nil
}

// holdFile does nothing where files cannot be locked.
func holdFile(string) (release func(), err error) { return func() {}, nil }

// numberOf knows of no numbers here, so no journal is believed for where it lies.
func numberOf(os.FileInfo) (n uint64, ours bool) { return 0, false }

// alone does nothing where files cannot be locked.
func alone(*os.File) (func(), error) { return func() {}, nil }
