package selection

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
)

// The files of a run's folder. What ends in ".new" is under way; marker says
// whose it is.
const (
	fileOrder     = "order.json"
	fileSelectors = "selectors"
	filePrefixes  = "prefixes.geo"
	fileSelected  = "selected.jsonl"
	fileVault     = "vault"
	fileStatement = "statement.json"
	fileUses      = "uses.jsonl"
	fileRefusals  = "refusals.jsonl"
	fileMarker    = ".running"
	underWay      = ".new"
)

// destroyRun overwrites and removes the files of a run that has no statement, the
// marker last, and returns the names of those that held records.
func destroyRun(dir string) (held []string) {
	for _, name := range []string{fileSelected + underWay, fileSelected, fileVault + underWay, fileVault} {
		if shred(filepath.Join(dir, name)) {
			held = append(held, name)
		}
	}
	for _, name := range []string{fileStatement + underWay, fileStatement, fileUses, fileOrder, fileSelectors, filePrefixes, fileMarker} {
		_ = os.Remove(filepath.Join(dir, name))
	}
	return held
}

// shred overwrites a file with zeros and removes it, and reports whether it was
// there.
func shred(name string) bool {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return os.Remove(name) == nil
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		zeros := make([]byte, 64<<10)
		for left := info.Size(); left > 0; left -= int64(len(zeros)) {
			if _, err := f.Write(zeros[:min(left, int64(len(zeros)))]); err != nil {
				break // what cannot be overwritten is still removed
			}
		}
		_ = f.Sync()
	}
	return os.Remove(name) == nil
}

// sink is a file that only whole results come out of.
type sink struct {
	f io.WriteCloser
	w *bufio.Writer
}

func newSink(f io.WriteCloser) *sink { return &sink{f, bufio.NewWriterSize(f, 256<<10)} }

func (s *sink) write(b []byte) error {
	_, err := s.w.Write(b)
	return err
}

func (s *sink) settle() error {
	err := s.w.Flush()
	if f, ok := s.f.(*os.File); ok && err == nil {
		err = f.Sync()
	}
	if e := s.f.Close(); err == nil {
		err = e
	}
	s.f = nil
	return err
}

func createNew(name string) (io.WriteCloser, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// writeNew writes a file that is not there yet, safe when it returns.
func writeNew(name string, raw []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		_ = os.Remove(name)
	}
	return err
}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
