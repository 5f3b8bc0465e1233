package hunt

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// seenFile is a file as a look at the folders finds it.
type seenFile struct {
	path   string
	is     fs.FileInfo
	id     fileID
	beside bool // not asked for: beside a file that is, and may be its rest
}

// open opens the file that was seen. While names are shifted another one may
// have the name by now; that one is not taken for it.
func (s *seenFile) open() (*os.File, fs.FileInfo, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return nil, nil, err
	}
	is, err := f.Stat()
	if err == nil {
		if id, _ := idOf(is, s.path); id != s.id {
			err = errMoved
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, is, nil
}

// errMoved says that a file was moved between two looks.
var errMoved = errors.New("moved meanwhile")

// find looks at the files and folders: what was moved, what is new. It takes no
// more than a fifth of the time.
func (g *watching) find() error {
	if g.begun && time.Since(g.found) < 4*g.took {
		return nil
	}
	start := time.Now()
	list := g.list()
	if g.differs(list) {
		list = g.settled(list)
	}
	at := map[fileID]*seenFile{}
	for i := range list {
		if was := at[list[i].id]; was == nil || was.beside {
			at[list[i].id] = &list[i]
		}
	}
	known := map[fileID]*tail{}
	g.tails = slices.DeleteFunc(g.tails, func(t *tail) bool {
		s := at[t.id]
		switch {
		case s != nil:
			t.missed = time.Time{}
		case t.missed.IsZero():
			t.missed = time.Now()
		}
		// While names are shifted a look can miss one.
		if s == nil && t.f == nil && time.Since(t.missed) < missedFor {
			known[t.id] = t
			return false
		}
		if t.aside && (s == nil || s.path != t.path && (s.is.Size() != t.size || !s.is.ModTime().Equal(t.mod)) || s.is.Size() < t.size) {
			return true // another file may have got its number
		}
		if s != nil && t.f == nil && besides(s.path, t.path) && (s.is.Size() != t.size || !s.is.ModTime().Equal(t.mod)) {
			return true // what was rotated away does not come back: another file has its number
		}
		known[t.id] = t
		if s != nil {
			t.shown = s.is.ModTime()
		}
		g.moved(t, s)
		return false
	})
	fresh := false
	for _, s := range list {
		if known[s.id] != nil || at[s.id].path != s.path {
			continue
		}
		t := g.follow(s)
		if t == nil {
			continue
		}
		known[s.id], fresh = t, true
		if s.beside && (!g.begun || !g.isBetween(t)) {
			t.aside, t.size = true, s.is.Size()
			t.close()
		}
	}
	if fresh || slices.IndexFunc(g.tails, func(t *tail) bool { return t.moved && t.f != nil }) >= 0 {
		g.order()
	}
	g.begun, g.found, g.took = true, time.Now(), time.Since(start)
	return nil
}

// missedFor is how long a file has to be without a name to be gone.
const missedFor = 2 * time.Second

// differs reports whether a look shows anything new.
func (g *watching) differs(list []seenFile) bool {
	at := make(map[fileID]string, len(g.tails))
	for _, t := range g.tails {
		at[t.id] = t.path
	}
	for i := range list {
		if at[list[i].id] != list[i].path {
			return true
		}
	}
	return false
}

// settled looks until two looks show the same, for files are moved one by one.
func (g *watching) settled(list []seenFile) []seenFile {
	for range 10 {
		again := g.list()
		if sameLook(list, again) {
			return again
		}
		list = again
		time.Sleep(time.Millisecond)
	}
	return list
}

// sameLook reports whether two looks show the same files under the same names.
func sameLook(a, b []seenFile) bool {
	return slices.EqualFunc(a, b, func(a, b seenFile) bool { return a.id == b.id && a.path == b.path })
}

// order puts what was moved away before what stands in its place, and else the
// oldest first.
func (g *watching) order() {
	slices.SortStableFunc(g.tails, func(a, b *tail) int {
		if a.moved != b.moved {
			if a.moved {
				return -1
			}
			return 1
		}
		by := cmp.Or(cmp.Compare(len(a.path), len(b.path)), cmp.Compare(a.path, b.path))
		if a.moved { // of one moment, the one with the higher number is older
			by = -by
		}
		return cmp.Or(a.shown.Compare(b.shown), by)
	})
}

// moved notes where a file stands now.
func (g *watching) moved(t *tail, s *seenFile) {
	switch {
	case s == nil:
		// Its name is gone or another's; an open file is read to its end.
		if is, err := os.Stat(t.path); err == nil {
			if id, _ := idOf(is, t.path); id == t.id {
				return
			}
		}
		if t.f == nil {
			t.gone = true
		} else if !t.moved {
			t.moved, t.grew = true, time.Now()
			g.dirty = true
		}
	case s.path != t.path:
		t.path = s.path
		if t.f == nil && s.path == t.name {
			t.moved = false // another file got its number, and has the name
		} else if !t.moved {
			t.moved, t.grew = true, time.Now()
		}
		g.dirty = true
	}
}

// follow begins to follow a file.
func (g *watching) follow(s seenFile) *tail {
	if len(g.tails) >= maxTails {
		if g.told.Files < maxTails {
			g.note("many", s.path, maxTails)
		}
		return nil
	}
	f, is, err := s.open()
	if err != nil {
		if !g.begun && err != errMoved {
			g.note("unread", s.path, 0)
		}
		return nil
	}
	t := &tail{path: s.path, name: s.path, id: s.id, f: f, mod: is.ModTime(), shown: is.ModTime(), size: -1, grew: time.Now()}
	if !g.begun && g.FromEnd {
		t.from = is.Size()
	}
	g.tails = append(g.tails, t)
	g.dirty = true
	return t
}

// isBetween reports whether a file beside one that is followed had its name
// between two looks: it is not older than the one that was known by it.
func (g *watching) isBetween(t *tail) bool {
	if isPacked(t.path) {
		return false
	}
	for _, other := range g.tails {
		if other != t && !other.aside && besides(other.name, t.path) && !t.mod.Before(other.mod) {
			t.moved = true
			return true
		}
	}
	return false
}

// besides reports whether a name is one that rotation gives to a file.
func besides(root, path string) bool {
	if filepath.Dir(root) != filepath.Dir(path) {
		return false
	}
	base, name := filepath.Base(root), filepath.Base(path)
	ext := filepath.Ext(base)
	stem := strings.TrimSuffix(base, ext)
	rest, ok := strings.CutPrefix(name, base)
	if !ok {
		if rest, ok = strings.CutPrefix(name, stem); !ok || ext == "" || !strings.HasSuffix(rest, ext) {
			return false
		}
	}
	if len(rest) < 2 || !strings.ContainsRune(".-_", rune(rest[0])) {
		return false
	}
	return rest[1] >= '0' && rest[1] <= '9' || strings.HasPrefix(rest[1:], "old") || strings.HasPrefix(rest[1:], "bak")
}

// related reports whether two names are those of one file before and after
// rotation.
func related(a, b string) bool {
	return besides(a, b) || besides(b, a) || filepath.Dir(a) == filepath.Dir(b) && unrotated(filepath.Base(a)) == unrotated(filepath.Base(b))
}

// unrotated returns a name without the numbers and marks that rotation puts at
// its end.
func unrotated(name string) string { return strings.TrimRight(name, "0123456789.-_") }

func isPacked(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".gz", ".zst", ".bz2", ".xz", ".zip", ".lz4":
		return true
	}
	return false
}

// list finds all files behind the paths, and those beside them.
func (g *watching) list() (list []seenFile) {
	add := func(path string, is fs.FileInfo, beside bool) {
		if !is.Mode().IsRegular() || len(list) > 4*maxTails || g.isOwn(path) || isPacked(path) {
			return
		}
		id, _ := idOf(is, path)
		list = append(list, seenFile{path, is, id, beside})
	}
	for _, root := range g.Paths {
		if root == "-" {
			continue
		}
		is, err := os.Stat(root)
		if err == nil && is.IsDir() {
			_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
				switch {
				case err != nil:
					return nil
				case path != root && strings.HasPrefix(d.Name(), "."):
					if d.IsDir() {
						return fs.SkipDir
					}
				case !d.IsDir():
					if is, err := os.Stat(path); err == nil { // through links
						add(path, is, false)
					}
				}
				return nil
			})
			continue
		}
		if err == nil {
			add(root, is, false)
		}
		entries, _ := os.ReadDir(filepath.Dir(root))
		for _, d := range entries {
			if path := filepath.Join(filepath.Dir(root), d.Name()); besides(filepath.Clean(root), path) {
				if is, err := d.Info(); err == nil {
					add(path, is, true)
				}
			}
		}
	}
	return list
}

// isOwn reports whether a file is one that the watch itself writes.
func (g *watching) isOwn(path string) bool {
	for _, own := range g.Not {
		if own != "" && filepath.Base(own) == filepath.Base(path) {
			a, err := filepath.Abs(own)
			b, err2 := filepath.Abs(path)
			if err == nil && err2 == nil && a == b {
				return true
			}
		}
	}
	return false
}

// claimed looks whether a file of which nothing was read yet holds what another
// one holds or held: then it is a copy, as rotation by copy and truncate makes
// them, or, where the other one was emptied since, the rest of it, which is read
// now.
func (g *watching) claimed(t *tail) (bool, error) {
	t.copied, t.of = false, nil
	for _, o := range g.tails {
		if o == t || o.aside || o.copied || !related(o.path, t.path) && !related(o.name, t.path) {
			continue
		}
		held := o.at.Offset > 0 && t.size >= o.at.Offset && o.print.holds(t.f, o.at.Offset)
		if o.f == nil {
			if held && o.done && o.at.Offset == t.size { // a copy of what was read and moved away
				t.copied, t.of = true, o
				return true, nil
			}
			continue
		}
		if held && !o.print.holds(o.f, o.at.Offset) {
			return true, g.replaced(o)
		}
		is, err := o.f.Stat()
		if held || err == nil && !o.moved && t.size > 0 && t.size <= is.Size() && isPrefix(t.f, o.f, t.size) && besides(o.path, t.path) {
			t.copied, t.of = true, o
			return true, nil
		}
	}
	return false, nil
}

// restOf returns the copy in which the rest of a file stands that was emptied.
func (g *watching) restOf(t *tail) *tail {
	if t.at.Offset == 0 {
		return nil
	}
	for _, s := range g.settled(g.list()) {
		if s.id == t.id || s.is.Size() < t.at.Offset || !related(t.path, s.path) && !related(t.name, s.path) {
			continue
		}
		f, _, err := s.open()
		if err != nil {
			continue
		}
		if !t.print.holds(f, t.at.Offset) {
			_ = f.Close()
			continue
		}
		for _, c := range g.tails {
			if c.id == s.id {
				c.close()
				c.f, c.path = f, s.path
				return c
			}
		}
		if c := g.follow(s); c != nil {
			_ = f.Close()
			return c
		}
		_ = f.Close()
	}
	return nil
}

// clean forgets the files that are gone.
func (g *watching) clean() {
	g.tails = slices.DeleteFunc(g.tails, func(t *tail) bool {
		if t.gone && (t.done || t.f == nil) {
			t.close()
			g.dirty = true
			return true
		}
		return false
	})
}
