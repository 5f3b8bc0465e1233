//go:build !unix

package folder

import (
	"fmt"
	"os"
	"path/filepath"
)

// Lock opens the file of the lock. Without file locks nothing keeps another
// process out.
func Lock(file string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, fmt.Errorf("lock folder: %w", err)
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock folder: %w", err)
	}
	return f, nil
}
