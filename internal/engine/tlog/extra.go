package tlog

import (
	"errors"
	"io/fs"
)

// Extra lists the files of a folder that a checkpoint of the size does not
// account for, in order of path, such as those of a publication that was cut
// short and partial tiles that were superseded. The owner of a folder removes
// them before it appends after a crash.
func Extra(fsys fs.FS, size uint64) ([]string, error) {
	var extra []string
	for path, err := range files(fsys) {
		if err != nil {
			return nil, err
		}
		if !accounts(size, path) {
			extra = append(extra, path)
		}
	}
	return extra, nil
}

// errStop ends a walk early.
var errStop = errors.New("stop")

// files yields the path of everything in a folder that is not a directory.
// A path that is listed but is no regular file comes with errIrregular.
func files(fsys fs.FS) func(yield func(string, error) bool) {
	return func(yield func(string, error) bool) {
		err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
			switch {
			case err == nil && d.IsDir():
				return nil
			case err == nil && !d.Type().IsRegular():
				err = errIrregular
			}
			if !yield(path, err) {
				return errStop
			}
			if err != nil && d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		})
		_ = err // only errStop gets here: the walk hands every other error to yield
	}
}

// errIrregular is a link, pipe, socket or device where a file should be: what it
// shows today it need not show tomorrow.
var errIrregular = errors.New("is not a regular file")

// unaccounted adds a problem for every file of the folder that a checkpoint
// of the size does not account for.
func (f *findings) unaccounted(fsys fs.FS, size uint64) {
	for path, err := range files(fsys) {
		switch {
		case errors.Is(err, errIrregular):
			f.add(problem(Unexpected, path, "is not a regular file"))
		case err != nil:
			f.add(problem(Unreadable, path, "cannot be listed: %v", err).because(err))
		case !accounts(size, path):
			f.add(unaccountedFile(path, size))
		}
		if f.full() {
			return
		}
	}
}

func unaccountedFile(path string, size uint64) *Problem {
	t, err := ParseTile(path)
	if err != nil {
		return problem(Unexpected, path, "is no file of a log")
	}
	if now := tileAt(size, t.Level, t.Index); t.Width < now.Width {
		return problem(Stale, path, "is superseded by %s and was not removed", now.Path())
	}
	return problem(Beyond, path, "reaches beyond the %d entries of the checkpoint", size)
}
