package hunt

import (
	"bytes"
	"container/heap"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
	"unicode/utf8"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/event/format"
	"noroshi/internal/engine/sigma/correlate"
)

// watchState is what a watch knows, as it is kept in a file.
type watchState struct {
	Version int          `json:"version"` // 1
	SavedAt time.Time    `json:"saved_at"`
	Rules   string       `json:"rules_sha256"`
	Out     *outState    `json:"out,omitempty"`
	Files   []fileState  `json:"files"`
	Waiting waitingHits  `json:"waiting,omitempty"`
	Hits    hitState     `json:"hits"`
	Groups  *correlateAt `json:"correlations,omitempty"`
}

type correlateAt = correlate.Snapshot

// outState is how far the file of detections is right.
type outState struct {
	File   string `json:"file"` // absolute
	Length int64  `json:"length"`
	Sum    string `json:"print_sha256"`
}

// hitState is how far the correlations are.
type hitState struct {
	N      uint64 `json:"n"`
	Newest int64  `json:"newest"`
	Done   int64  `json:"done"`
}

// fileState is how far a file was read.
type fileState struct {
	Path    string    `json:"path"`
	Name    string    `json:"name"`
	ID      fileID    `json:"id"`
	Kind    string    `json:"kind,omitempty"`
	Offset  int64     `json:"offset"`
	Record  uint64    `json:"record"`
	Head    []byte    `json:"head,omitempty"`
	Letters uint8     `json:"letters,omitempty"`
	Within  int64     `json:"within,omitempty"`
	From    int64     `json:"from,omitempty"`
	Sum     string    `json:"print_sha256"`
	Size    int64     `json:"size"`
	Mod     time.Time `json:"modified"`
	Moved   bool      `json:"moved,omitempty"`
	Done    bool      `json:"done,omitempty"`
	Aside   bool      `json:"aside,omitempty"`
	Copied  bool      `json:"copied,omitempty"`
}

// maxState is the size of the file of a position in bytes.
const maxState = 256 << 20

// readState reads a position strictly: one that is not whole is an error, for to
// begin anew would find everything twice.
func readState(raw []byte) (*watchState, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	s := &watchState{}
	if err := d.Decode(s); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	if s.Version != 1 {
		return nil, errors.New("another version")
	}
	if o := s.Out; o != nil && (o.Length < 0 || !filepath.IsAbs(o.File)) {
		return nil, errors.New("no length of what was written")
	}
	if len(s.Files) > maxTails || len(s.Waiting) > maxWaiting+1 {
		return nil, errors.New("more files or hits than there can be")
	}
	for i := range s.Files {
		f := &s.Files[i]
		k, ok := format.ParseKind(f.Kind)
		if f.Path == "" || f.Name == "" || f.Offset < 0 || f.Kind != "" && !ok {
			return nil, errors.New("no place in " + f.Path)
		}
		if _, ok := format.NewLive(k, f.position()); f.Kind != "" && k != format.EVTX && !ok {
			return nil, errors.New("no place in " + f.Path)
		}
	}
	return s, nil
}

func (f *fileState) position() format.Position {
	return format.Position{Offset: f.Offset, Record: f.Record, Head: f.Head, Letters: format.Encoding(f.Letters), Within: f.Within}
}

// save writes out what was found and then the position, which gets its name
// when it is whole: whenever the process ends, one of the two positions is there.
func (g *watching) save() error {
	if err := g.out.sync(); err != nil {
		return err
	}
	if g.dirty = false; g.State == "" {
		g.saved = time.Now()
		return nil
	}
	begun := time.Now()
	s := &watchState{Version: 1, SavedAt: g.Now().UTC(), Rules: g.Rules.Sum(), Waiting: g.hits.waiting,
		Hits: hitState{g.hits.n, g.hits.newest, g.hits.done}, Files: make([]fileState, 0, len(g.tails))}
	if g.run.together.Len() > 0 {
		s.Groups = g.hits.engine.Snapshot()
	}
	if g.Out != "" {
		name, err := filepath.Abs(g.Out)
		if err != nil {
			return err
		}
		s.Out = &outState{name, g.out.length, g.out.print.sum()}
	}
	for _, t := range g.tails {
		f := fileState{Path: t.path, Name: t.name, ID: t.id, Offset: t.at.Offset, Record: t.at.Record, Head: t.at.Head, Letters: uint8(t.at.Letters), Within: t.at.Within,
			From: t.from, Sum: t.print.sum(), Size: t.size, Mod: t.mod, Moved: t.moved, Done: t.done, Aside: t.aside, Copied: t.copied}
		if t.kind != format.Unknown && !t.aside {
			f.Kind = t.kind.String()
		}
		if utf8.ValidString(t.path) && utf8.ValidString(t.name) {
			s.Files = append(s.Files, f)
		}
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := writeWhole(g.State, raw); err != nil {
		return fault.New(fault.Internal, "hunt.watch.state_write", "file", g.State).Because(err)
	}
	g.saved, g.saving = time.Now(), time.Since(begun)
	g.told.Saved = g.Now()
	return nil
}

// writeWhole writes a file that is there whole or not at all, readable by its
// owner alone.
func writeWhole(name string, raw []byte) error {
	next := name + ".next"
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(raw, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(next, name); err != nil {
		return err
	}
	if d, err := os.Open(filepath.Dir(name)); err == nil { // that the name stays too
		_ = d.Sync()
		_ = d.Close()
	}
	return nil
}

// resume goes on from the position that was kept.
func (g *watching) resume() error {
	s, err := g.kept()
	if err != nil {
		return err
	}
	length, sum := int64(-1), ""
	if s != nil && s.Out != nil && g.Out != "" {
		if name, err := filepath.Abs(g.Out); err == nil && name == s.Out.File {
			length, sum = s.Out.Length, s.Out.Sum
		}
	}
	if g.Out == "" {
		g.out = &watchOut{to: g.To}
	} else if g.out, err = openOut(g.Out, length, sum); err != nil {
		return err
	}
	if s != nil {
		if err := g.restore(s); err != nil {
			return err
		}
	}
	if err := g.find(); err != nil {
		return err
	}
	return g.save()
}

// kept reads the position, nil if none was kept.
func (g *watching) kept() (*watchState, error) {
	if g.State == "" {
		return nil, nil
	}
	lock, err := os.OpenFile(g.State+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.New(fault.Usage, "hunt.watch.state_write", "file", g.State).Because(err)
	}
	if g.lock = lock; !lockFile(lock) {
		return nil, fault.New(fault.Usage, "hunt.watch.state_taken", "file", g.State)
	}
	f, err := os.Open(g.State)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var raw []byte
	if err == nil {
		raw, err = io.ReadAll(io.LimitReader(f, maxState))
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return nil, fault.New(fault.Usage, "hunt.watch.state", "file", g.State, "detail", err.Error()).Because(err)
	}
	s, err := readState(raw)
	if err != nil {
		return nil, fault.New(fault.Usage, "hunt.watch.state", "file", g.State, "detail", err.Error()).Because(err)
	}
	return s, nil
}

// restore takes over what was kept.
func (g *watching) restore(s *watchState) error {
	h := g.hits
	if s.Rules != g.Rules.Sum() {
		g.note("rules", g.State, 0)
	} else if err := h.restore(s); err != nil {
		return fault.New(fault.Usage, "hunt.watch.state", "file", g.State, "detail", err.Error()).Because(err)
	}
	list := g.settled(g.list())
	missing := make([]*fileState, 0, len(s.Files))
	for i := range s.Files {
		missing = append(missing, &s.Files[i])
	}
	missing = g.againAll(missing, list)
	// Files may be on their way to another name; one that is given up too early
	// is new when it is seen next, and all of it is found twice.
	for begun, still := time.Now(), 0; len(missing) > 0 && still < 3 && time.Since(begun) < missedFor; {
		time.Sleep(20 * time.Millisecond)
		next := g.settled(g.list())
		if still++; !sameLook(list, next) {
			still = 0
		}
		list = next
		missing = g.againAll(missing, list)
	}
	for _, f := range missing {
		if !f.Aside && !f.Copied && !f.Done && f.Offset > 0 {
			g.lose(f.Path, max(0, f.Size-f.Offset))
		}
	}
	g.begun = true // what else is there is new
	g.order()
	return nil
}

// againAll finds files again and returns those that it does not find: first
// those that are what they were, then what is left of others in copies, then
// those of which nothing was read, which may have turned out to be such copies.
func (g *watching) againAll(files []*fileState, list []seenFile) []*fileState {
	for pass := range 3 {
		files = slices.DeleteFunc(files, func(f *fileState) bool {
			if unread := f.Offset == 0 || f.Copied; unread != (pass == 2) {
				return false
			}
			found := g.candidates(f, list)
			if pass == 0 {
				found = slices.DeleteFunc(found, func(s seenFile) bool { return s.id != f.ID })
			}
			return g.again(f, found)
		})
	}
	return files
}

// again finds a file whose place was kept among those that may be it, and
// reports whether it is there.
func (g *watching) again(f *fileState, candidates []seenFile) bool {
	kind, _ := format.ParseKind(f.Kind)
	for _, c := range candidates {
		r, is, err := c.open()
		if err != nil {
			continue
		}
		p, ok := printAt(r, f.Offset)
		if kind == format.EVTX {
			p, ok = print{}, c.id == f.ID || c.path == f.Path
		} else if f.Offset == 0 || f.Aside || f.Copied {
			// One that changed, or has the first name again, has the number of one that was deleted.
			another := c.path != f.Path && (f.Aside || f.Copied || besides(c.path, f.Path)) && (is.Size() != f.Size || !is.ModTime().Equal(f.Mod))
			ok = ok && c.id == f.ID && !another
		} else {
			ok = ok && p.sum() == f.Sum
		}
		if !ok {
			_ = r.Close()
			continue
		}
		t := &tail{path: c.path, name: f.Name, id: c.id, f: r, kind: kind, at: f.position(), print: p, size: f.Size, mod: f.Mod, shown: c.is.ModTime(), from: f.From, grew: time.Now(),
			more: true, moved: f.Moved || c.path != f.Path, done: f.Done, aside: f.Aside, copied: f.Copied}
		if kind != format.Unknown {
			t.src = &Source{Name: t.name, Kind: kind, last: newest(t.mod)}
			t.live, _ = format.NewLive(kind, t.at)
		}
		if t.done || t.aside {
			t.more = false
			t.close()
		}
		g.tails = append(g.tails, t)
		return true
	}
	return false
}

// candidates are the files that may be one that was known: the one that is it
// to the system, the one of its name, then those beside it.
func (g *watching) candidates(f *fileState, list []seenFile) (found []seenFile) {
	for _, pass := range []func(*seenFile) bool{
		func(s *seenFile) bool { return s.id == f.ID },
		func(s *seenFile) bool { return s.id != f.ID && s.path == f.Path },
		func(s *seenFile) bool {
			return s.id != f.ID && s.path != f.Path && (related(f.Name, s.path) || related(f.Path, s.path))
		},
	} {
		for i := range list {
			taken := false
			for _, t := range g.tails {
				taken = taken || t.id == list[i].id
			}
			if !taken && pass(&list[i]) {
				found = append(found, list[i])
			}
		}
	}
	return found
}

func (h *watchHits) restore(s *watchState) error {
	if s.Groups != nil {
		if err := h.engine.Restore(s.Groups); err != nil {
			return err
		}
	}
	for _, x := range s.Waiting {
		if !h.g.run.isHit(x.Line) {
			return errors.New("a hit that these rules do not make")
		}
		h.held += len(x.Line)
	}
	heap.Init(&s.Waiting)
	h.waiting, h.n, h.newest, h.done, h.came = s.Waiting, s.Hits.N, s.Hits.Newest, s.Hits.Done, time.Now()
	return nil
}
