package names

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Pending is a file that is whole on disk and does not have its name yet.
type Pending struct {
	tmp, file string
	size      int64
}

// Prepare writes a file beside the one it will replace. The folder has to be
// there.
func Prepare(file string, mode fs.FileMode, write func(w io.Writer) error) (*Pending, error) {
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return nil, cannot(file, err)
	}
	p := &Pending{tmp: f.Name(), file: file}
	w := bufio.NewWriterSize(f, 1<<18)
	err = errors.Join(write(w), w.Flush(), f.Chmod(mode), f.Sync())
	if info, e := f.Stat(); e == nil {
		p.size = info.Size()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		p.Drop()
		return nil, cannot(file, err)
	}
	return p, nil
}

// Keep gives the file its name: readers see the old one or this, whole.
func (p *Pending) Keep() error {
	if err := os.Rename(p.tmp, p.file); err != nil {
		p.Drop()
		return cannot(p.file, err)
	}
	// The name lasts over a loss of power where folders can be synced.
	if d, err := os.Open(filepath.Dir(p.file)); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
	return nil
}

// Drop removes it.
func (p *Pending) Drop() { _ = os.Remove(p.tmp) }

// Replace writes a file whole or not at all, and returns its size.
func Replace(file string, mode fs.FileMode, write func(w io.Writer) error) (int64, error) {
	p, err := Prepare(file, mode, write)
	if err != nil {
		return 0, err
	}
	return p.size, p.Keep()
}

// maxCompared bounds a file that is compared line by line.
const maxCompared = 1 << 29

// Lines compares a file with what write writes. Lines that are not in the file,
// and those in it beyond, are returned, at most limit each; a file that is not
// there lacks all. same is false also when the lines are and only their order or
// number is not.
func Lines(file string, limit int, write func(w io.Writer) error) (same bool, missing, extra []string, err error) {
	f, err := os.Open(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, nil, nil, cannot(file, err)
	}
	if err == nil {
		defer f.Close()
		have, want := sha256.New(), sha256.New()
		if _, err := io.Copy(have, f); err != nil {
			return false, nil, nil, cannot(file, err)
		}
		if err := write(want); err != nil {
			return false, nil, nil, err
		}
		if sum(have) == sum(want) {
			return true, nil, nil, nil
		}
	}
	// Somebody else wrote it: from here on it may take what it takes.
	in := map[string]bool{}
	if f != nil {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return false, nil, nil, cannot(file, err)
		}
		lines := bufio.NewScanner(io.LimitReader(f, maxCompared))
		for lines.Scan() {
			in[lines.Text()] = true
		}
		if err := lines.Err(); err != nil {
			return false, nil, nil, cannot(file, err)
		}
	}
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(write(w)) }() // ends when r is read or closed
	defer r.Close()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if line := lines.Text(); in[line] {
			delete(in, line)
		} else if len(missing) < limit {
			missing = append(missing, line)
		}
	}
	for line := range in {
		if len(extra) == limit {
			break
		}
		extra = append(extra, line)
	}
	return false, missing, extra, lines.Err()
}

func sum(h hash.Hash) (s [sha256.Size]byte) { return [sha256.Size]byte(h.Sum(nil)) }
