// Package folder writes files so that they are on the disk when it says so, and
// locks what one process alone may write. Who publishes a log or keeps a copy of
// one opens again after a crash at any step.
//
// Tables: none. Events: none.
package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrLocked says that another process holds the lock.
var ErrLocked = errors.New("another process works in this folder")

// Writer writes the files of one folder; names are relative to it, with slashes.
// It is for one goroutine.
type Writer struct {
	Dir    string
	Mode   fs.FileMode             // of files; folders may be entered by whoever may read
	Inject func(step string) error // called before each step, such as "write a/b"; tests let it fail there. Nil: none

	touched map[string]bool // folders with new names, to be synced
}

func (w *Writer) at(step, name string) error {
	if w.Inject == nil {
		return nil
	}
	return w.Inject(step + " " + name)
}

// Path returns where a file of the folder is.
func (w *Writer) Path(name string) string { return filepath.Join(w.Dir, filepath.FromSlash(name)) }

// Write makes a file and waits for its content, but not for its name: Sync does
// that once for all.
func (w *Writer) Write(name string, data []byte) error {
	if err := w.at("write", name); err != nil {
		return err
	}
	path := w.Path(name)
	if err := w.mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, w.Mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	w.touch(filepath.Dir(path))
	return err
}

// mkdir makes a folder and remembers each that had to be made.
func (w *Writer) mkdir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := w.mkdir(filepath.Dir(dir)); err != nil {
		return err
	}
	mode := w.Mode | w.Mode>>2&0o111 // who may read may enter
	if err := os.Mkdir(dir, mode); err != nil && !os.IsExist(err) {
		return err
	}
	w.touch(filepath.Dir(dir))
	return nil
}

func (w *Writer) touch(dir string) {
	if w.touched == nil {
		w.touched = map[string]bool{}
	}
	w.touched[dir] = true
}

// Sync waits until the names of what was written are on the disk.
func (w *Writer) Sync() error {
	if err := w.at("sync", w.Dir); err != nil {
		return err
	}
	for dir := range w.touched {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	clear(w.touched)
	return nil
}

// Replace puts a file in the place of another in one step, and waits for it.
func (w *Writer) Replace(name string, data []byte) error {
	tmp := name + ".new"
	if err := w.Write(tmp, data); err != nil {
		return err
	}
	if err := w.at("rename", tmp); err != nil {
		return err
	}
	if err := os.Rename(w.Path(tmp), w.Path(name)); err != nil {
		return err
	}
	return w.Sync()
}

// Append adds a line to a file, and waits for it.
func (w *Writer) Append(name string, line []byte) error {
	if err := w.at("append", name); err != nil {
		return err
	}
	path := w.Path(name)
	if err := w.mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, w.Mode)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	w.touch(filepath.Dir(path))
	if err != nil {
		return err
	}
	return w.Sync()
}

// Remove takes a file away; one that is not there is no error. The folder of
// partial tiles goes with its last file.
func (w *Writer) Remove(name string) error {
	if err := w.at("remove", name); err != nil {
		return err
	}
	if err := os.Remove(w.Path(name)); err != nil && !os.IsNotExist(err) {
		return err
	}
	if dir := filepath.Dir(w.Path(name)); strings.HasSuffix(dir, ".p") {
		_ = os.Remove(dir) // fails, rightly, when other partial tiles are there
	}
	return nil
}

// Move gives a file or a folder another name, and waits for it. What is not there
// was moved before.
func (w *Writer) Move(from, to string) error {
	if err := w.at("move", from); err != nil {
		return err
	}
	if _, err := os.Lstat(w.Path(from)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := w.mkdir(filepath.Dir(w.Path(to))); err != nil {
		return err
	}
	if err := os.Rename(w.Path(from), w.Path(to)); err != nil {
		return err
	}
	w.touch(filepath.Dir(w.Path(from)))
	w.touch(filepath.Dir(w.Path(to)))
	return w.Sync()
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	defer f.Close()
	return f.Sync()
}
