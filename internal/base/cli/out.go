package cli

import (
	"errors"
	"os"
	"path/filepath"

	"noroshi/internal/base/fault"
)

// OutFile is a file that gets its name only when it is whole: who stops half-way
// leaves nothing that looks finished. A device or a pipe is written to as it is.
type OutFile struct {
	*os.File
	name string
	done bool
}

// Create begins a file of that name, readable by its owner alone.
func Create(name string) (*OutFile, error) {
	if is, err := os.Stat(name); err == nil && !is.Mode().IsRegular() && !is.IsDir() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return nil, badOut(name, err)
		}
		return &OutFile{File: f, name: name, done: true}, nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return nil, badOut(name, err)
	}
	return &OutFile{File: f, name: name}, nil
}

func badOut(name string, err error) error {
	return fault.New(fault.Usage, "cli.write", "file", name).Because(err)
}

// Keep gives the file its name.
func (o *OutFile) Keep() error {
	if o.done {
		return o.Close()
	}
	if err := errors.Join(o.Sync(), o.Close(), os.Rename(o.File.Name(), o.name)); err != nil {
		return badOut(o.name, err)
	}
	o.done = true
	return nil
}

// Abandon removes what was not kept.
func (o *OutFile) Abandon() {
	_ = o.Close() // it may be closed already
	if !o.done {
		_ = os.Remove(o.File.Name())
	}
}
