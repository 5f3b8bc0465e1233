//go:build unix

package ledger

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/google/uuid"
)

// lock takes the folder for this process, and with it the name under which the
// node holds the lease. The system frees the lock when the process dies,
// however it dies; the next one on this node then has the same name and need
// not wait for the lease to end.
func (l *Ledger) lock() error {
	if l.seq.lock != nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(l.Dir), 0o755); err != nil {
		return fmt.Errorf("lock ledger folder: %w", err)
	}
	f, err := os.OpenFile(l.Dir+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock ledger folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return ErrNotHolder
		}
		return fmt.Errorf("lock ledger folder: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(f, 100))
	name := strings.TrimSpace(string(raw))
	if err == nil && uuid.Validate(name) != nil {
		name = uuid.NewString()
		_, err = f.WriteAt([]byte(name+"\n"), 0)
	}
	if err != nil {
		f.Close()
		return fmt.Errorf("lock ledger folder: %w", err)
	}
	l.holder, l.seq.lock = name, f
	return nil
}
