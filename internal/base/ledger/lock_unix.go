//go:build unix

package ledger

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"

	"noroshi/internal/base/folder"
)

// lock takes the folder for this process, and with it the name under which the
// node holds the lease. The system frees the lock when the process dies,
// however it dies; the next one on this node then has the same name and need
// not wait for the lease to end.
func (l *Ledger) lock() error {
	if l.seq.lock != nil {
		return nil
	}
	f, err := folder.Lock(l.Dir + ".lock")
	if errors.Is(err, folder.ErrLocked) {
		return ErrNotHolder
	}
	if err != nil {
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
