//go:build !unix

package ledger

import (
	"os"

	"github.com/google/uuid"
)

// lock names the process; without file locks the lease alone keeps others
// out, and a restart waits for its end.
func (l *Ledger) lock() error {
	if l.seq.lock == nil {
		l.holder, l.seq.lock = uuid.NewString(), new(os.File)
	}
	return nil
}
