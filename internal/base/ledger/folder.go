package ledger

import (
	"os"
	"path/filepath"
	"strings"
)

// folder writes files so that they are on the disk when it says so.
type folder struct {
	dir     string
	touched map[string]bool // folders with new names, to be synced
	inject  func(step string) error
}

// at is called before each step; tests let it fail there.
func (w *folder) at(step, name string) error {
	if w.inject == nil {
		return nil
	}
	return w.inject(step + " " + name)
}

func (w *folder) path(name string) string { return filepath.Join(w.dir, filepath.FromSlash(name)) }

// write makes a file and waits for its content, but not for its name: sync
// does that once for all.
func (w *folder) write(name string, data []byte) error {
	if err := w.at("write", name); err != nil {
		return err
	}
	path := w.path(name)
	if err := w.mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
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
	w.touched[filepath.Dir(path)] = true
	return err
}

// mkdir makes a folder and remembers each that had to be made.
func (w *folder) mkdir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := w.mkdir(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
		return err
	}
	w.touched[filepath.Dir(dir)] = true
	return nil
}

func (w *folder) sync() error {
	for dir := range w.touched {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	clear(w.touched)
	return nil
}

// replace puts a file in the place of another in one step.
func (w *folder) replace(name string, data []byte) error {
	tmp := name + ".new"
	if err := w.write(tmp, data); err != nil {
		return err
	}
	if err := w.at("rename", tmp); err != nil {
		return err
	}
	if err := os.Rename(w.path(tmp), w.path(name)); err != nil {
		return err
	}
	return w.sync()
}

// remove takes a file away, and its folder when that held nothing else.
func (w *folder) remove(name string) error {
	if err := w.at("remove", name); err != nil {
		return err
	}
	if err := os.Remove(w.path(name)); err != nil && !os.IsNotExist(err) {
		return err
	}
	if dir := filepath.Dir(w.path(name)); strings.HasSuffix(dir, ".p") {
		_ = os.Remove(dir) // fails, rightly, when other partial tiles are there
	}
	return nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
