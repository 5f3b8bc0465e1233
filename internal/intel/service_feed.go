package intel

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/gate"
	"noroshi/internal/intel/feed"
)

// ErrNoFeed is that no feed has this id.
var ErrNoFeed = fault.New(fault.NotFound, "intel.no_feed")

// State is how a feed fares, in a word.
type State string

// The states, the worst first.
const (
	Failing State = "failing" // the last look failed
	Stale   State = "stale"   // it has a schedule, and its last success is too long ago for it
	Never   State = "never"   // nothing was taken yet
	Fresh   State = "fresh"   // as its schedule says, or imported by hand
)

// Failure is why a look at a feed failed: a fault as it was, for whoever puts
// it into words.
type Failure struct {
	Code string     `json:"code"`
	Args fault.Args `json:"args,omitempty"`
	Say  string     `json:"say,omitempty"` // in the reader's language; the service leaves it empty
	Hint string     `json:"hint,omitempty"`
}

// Health is how a feed fares.
type Health struct {
	ID         string        `json:"id"`
	Kind       feed.Kind     `json:"kind,omitempty"`
	Where      string        `json:"where,omitempty"` // URL or path, without what may be secret; empty when imported by hand
	Every      time.Duration `json:"every_ns,omitempty"`
	Configured bool          `json:"configured"`
	State      State         `json:"state"`
	Running    bool          `json:"running,omitempty"`
	Records    int64         `json:"records"`
	Imports    int64         `json:"imports"`
	Licence    string        `json:"licence,omitempty"`
	SHA256     string        `json:"sha256,omitempty"`
	ETag       string        `json:"etag,omitempty"`
	NewestAt   time.Time     `json:"newest_at,omitzero"` // the newest date its records carry
	TriedAt    time.Time     `json:"tried_at,omitzero"`
	DoneAt     time.Time     `json:"done_at,omitzero"` // last look that went well
	NextAt     time.Time     `json:"next_at,omitzero"`
	Tries      int64         `json:"tries,omitempty"` // failed looks in a row
	Failed     *Failure      `json:"failed,omitempty"`
	Refused    int64         `json:"refused,omitempty"` // documents of a publisher that were not taken in the last walk
	Issues     []Issue       `json:"issues,omitempty"`  // why, the first of them
}

// Feeds lists the feeds with their health: those of the configuration, and
// those imported by hand.
func (s *Service) Feeds(ctx context.Context) (out []Health, err error) {
	err = s.read(ctx, "intel.feeds", func(tx *db.Tx, _ gate.Identity) error {
		rows, err := loadFeeds(ctx, tx)
		if err != nil {
			return err
		}
		for _, src := range s.Sources {
			if !slices.ContainsFunc(rows, func(f feedRow) bool { return f.id == src.ID }) {
				rows = append(rows, feedRow{id: src.ID})
			}
		}
		slices.SortFunc(rows, func(a, b feedRow) int { return cmp.Compare(a.id, b.id) })
		for i := range rows {
			h := s.health(&rows[i])
			if h.Kind == feed.CSAF {
				var issues string
				if _, issues, h.Refused, err = loadProvider(ctx, tx, h.ID); err != nil {
					return err
				}
				if issues != "" && json.Unmarshal([]byte(issues), &h.Issues) != nil {
					h.Issues = nil // words of a release before
				}
			}
			out = append(out, h)
		}
		return nil
	})
	return out, err
}

func (s *Service) health(f *feedRow) Health {
	now := s.now()
	h := Health{ID: f.id, Kind: feed.Kind(f.kind), Records: f.records, Imports: f.head, Licence: f.licence, SHA256: f.sha256, ETag: f.etag,
		NewestAt: f.newest, TriedAt: f.tried, DoneAt: f.done, NextAt: f.next, Tries: f.tries, State: Fresh, Running: f.holder != "" && f.held.After(now.Add(-stale))}
	if src := s.source(f.id); src != nil {
		h.Configured, h.Every, h.Where = true, src.Every, cmp.Or(src.Path, bare(src.URL))
		h.Kind, h.Licence = cmp.Or(h.Kind, src.Kind), cmp.Or(h.Licence, src.Licence)
	}
	if f.failed != "" {
		h.Failed = &Failure{}
		if json.Unmarshal([]byte(f.failed), h.Failed) != nil {
			h.Failed.Code = "fault.internal"
		}
	}
	switch {
	case h.Failed != nil:
		h.State = Failing
	case f.done.IsZero():
		h.State = Never
	case h.Every > 0 && now.Sub(f.done) > 2*h.Every:
		h.State = Stale
	}
	return h
}

// bare is a URL without what may be a secret.
func bare(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// source returns a configured feed, nil when there is none.
func (s *Service) source(id string) *FeedSource {
	for i := range s.Sources {
		if s.Sources[i].ID == id {
			return &s.Sources[i]
		}
	}
	return nil
}

// Past is one import of a feed.
type Past struct {
	ID     string    `json:"id"`
	Number int64     `json:"number"`
	At     time.Time `json:"at"`
	Entry  string    `json:"entry"` // of the ledger
	SHA256 string    `json:"sha256,omitempty"`
	Size   int64     `json:"size,omitempty"`
	Counts Counts    `json:"counts"`
}

// Imports lists the imports of a feed, the last first, and the cursor of the
// next page.
func (s *Service) Imports(ctx context.Context, id, cursor string, limit int) (out []Past, next string, err error) {
	var before string
	if _, err := db.ParseCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	limit = db.Limit(limit)
	err = s.read(ctx, "intel.feeds", func(tx *db.Tx, _ gate.Identity) error {
		rows, err := loadImports(ctx, tx, id, before, limit+1)
		if err != nil {
			return err
		}
		rows, next = db.Page(rows, limit, func(last *importRow) string { return db.Cursor(last.id) })
		for _, r := range rows {
			p := Past{ID: r.id, Number: r.number, At: r.at, Entry: r.entry, SHA256: r.sha256, Size: r.size}
			if err := json.Unmarshal([]byte(r.counts), &p.Counts); err != nil {
				return fmt.Errorf("import %s: %w", r.id, err)
			}
			out = append(out, p)
		}
		return nil
	})
	return out, next, err
}

// Request is an import that a person asks for.
type Request struct {
	Feed  string // id; empty is the configured feed of this kind, or the kind itself
	Whole bool   // the file is all there is
	URL   string // where it is fetched
}

// Import takes a feed's file, or a folder of them, from this machine, whole or
// not at all.
func (s *Service) Import(ctx context.Context, q Request, file string) (Imported, error) {
	if err := s.mayImport(ctx, q.Feed); err != nil {
		return Imported{}, err
	}
	return s.importFile(ctx, q, file)
}

// Receive is Import of what r gives, at most max bytes; name is for faults.
func (s *Service) Receive(ctx context.Context, q Request, name string, r io.Reader, max int64) (out Imported, err error) {
	if err := s.mayImport(ctx, q.Feed); err != nil {
		return out, err
	}
	dir, err := os.MkdirTemp(s.Dir, "feed-")
	if err != nil {
		return out, fmt.Errorf("import: %w", err)
	}
	defer os.RemoveAll(dir)
	name = filepath.Join(dir, tidy(name))
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return out, fmt.Errorf("import: %w", err)
	}
	n, err := io.Copy(f, io.LimitReader(r, max+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return out, fault.New(fault.Usage, "intel.cannot_read", "file", filepath.Base(name)).Because(err)
	}
	if n > max {
		return out, fault.New(fault.TooLarge, "intel.file_large", "mb", max>>20)
	}
	return s.importFile(ctx, q, name)
}

// tidy makes a file name out of what somebody called a file: its ending tells
// the reader something, its folders nothing.
func tidy(name string) string {
	name = path.Base(strings.ReplaceAll(name, "\\", "/"))
	name = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_' {
			return c
		}
		return '_'
	}, name)
	return "f" + name[max(0, len(name)-100):]
}

// mayImport refuses who may not import, before anything is read.
func (s *Service) mayImport(ctx context.Context, id string) error {
	if err := s.read(ctx, "intel.import", func(*db.Tx, gate.Identity) error { return nil }); err != nil {
		return err
	}
	if id != "" && !feedID.MatchString(id) {
		return fault.New(fault.Invalid, "intel.feed_id", "id", clip(id))
	}
	return nil
}

func (s *Service) importFile(ctx context.Context, q Request, file string) (Imported, error) {
	sum, size, err := sumFile(file)
	if err != nil {
		return Imported{}, err
	}
	src, err := s.meant(ctx, q, file)
	if err != nil {
		return Imported{}, err
	}
	return s.take(ctx, input{source: src, sha256: sum, size: size, read: s.openFile(file)})
}

// meant returns the feed that an import by hand is for.
func (s *Service) meant(ctx context.Context, q Request, file string) (FeedSource, error) {
	if q.Feed == "" {
		kind, err := s.kindOf(ctx, file)
		if err != nil {
			return FeedSource{}, err
		}
		q.Feed = string(kind)
		for _, src := range s.Sources {
			if src.Kind == kind {
				q.Feed = src.ID
				break
			}
		}
	}
	src := FeedSource{ID: q.Feed}
	if known := s.source(q.Feed); known != nil {
		src = *known
		src.Whole = false // a person says it for the file at hand
	}
	src.Whole = q.Whole
	return src, nil
}

// ImportURL fetches a feed's file and takes it; without a URL it looks at the
// configured feed now. Fault: ErrNoFeed.
func (s *Service) ImportURL(ctx context.Context, q Request) (Imported, error) {
	if err := s.mayImport(ctx, q.Feed); err != nil {
		return Imported{}, err
	}
	if q.URL == "" {
		src := s.source(q.Feed)
		if src == nil {
			return Imported{}, ErrNoFeed
		}
		return s.look(ctx, *src, false)
	}
	got, err := s.get(ctx, fetch.Want{URL: q.URL})
	if err != nil {
		return Imported{}, err
	}
	defer os.Remove(got.Path)
	return s.importFile(ctx, q, got.Path)
}

func (s *Service) get(ctx context.Context, w fetch.Want) (fetch.Got, error) {
	if s.Client == nil {
		return fetch.Got{}, fault.New(fault.Refused, "intel.no_way_out")
	}
	w.Dir = cmp.Or(s.Dir, os.TempDir())
	return s.Client.Get(ctx, w)
}

// look looks at a configured feed: fetches what is new and takes it. How it
// went is noted in the feed's health.
func (s *Service) look(ctx context.Context, src FeedSource, clock bool) (out Imported, err error) {
	var after time.Duration
	if src.isProvider() {
		out, err = s.walk(ctx, src, clock)
	} else {
		out, after, err = s.lookOnce(ctx, src, clock)
	}
	if err == nil || ctx.Err() != nil || errors.Is(err, ErrBusy) {
		return out, err
	}
	return out, errors.Join(err, s.noteFailure(context.WithoutCancel(ctx), src, err, after))
}

func (s *Service) lookOnce(ctx context.Context, src FeedSource, clock bool) (out Imported, after time.Duration, err error) {
	in := input{source: src, clock: clock}
	file := src.Path
	if src.URL != "" {
		var was feedRow
		if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) { was, err = loadFeed(ctx, tx, src.ID); return err }); err != nil {
			return out, 0, err
		}
		got, err := s.get(ctx, fetch.Want{URL: src.URL, ETag: was.etag, Modified: was.modified})
		if err != nil {
			return out, got.After, err
		}
		in.etag, in.modified = got.ETag, got.Modified
		if got.Same {
			out = Imported{Feed: src.ID, Kind: feed.Kind(was.kind), Number: was.head, SHA256: was.sha256, Same: true, Counts: Counts{Records: int(was.records), Unchanged: int(was.records)}}
			return out, 0, s.noteSame(ctx, src, in)
		}
		defer os.Remove(got.Path)
		file, in.sha256, in.size = got.Path, got.SHA256, got.Size
	} else if in.sha256, in.size, err = sumFile(file); err != nil {
		return out, 0, err
	}
	if src.Checksum != "" {
		if after, err = s.verify(ctx, src, file, in.sha256); err != nil {
			return out, after, err
		}
	}
	in.read = s.openFile(file)
	out, err = s.take(ctx, in)
	return out, 0, err
}

// verify holds a file against the sum that its source announces.
func (s *Service) verify(ctx context.Context, src FeedSource, file, sum string) (time.Duration, error) {
	got, err := s.get(ctx, fetch.Want{URL: src.Checksum, Max: maxSumFile})
	if err != nil {
		return got.After, err
	}
	defer os.Remove(got.Path)
	raw, err := os.ReadFile(got.Path)
	if err != nil {
		return 0, fmt.Errorf("checksum: %w", err)
	}
	want, err := announced(raw, path.Base(src.URL))
	if err != nil {
		return 0, err
	}
	return 0, proven(file, sum, want)
}

// noteSame notes that a feed has nothing new.
func (s *Service) noteSame(ctx context.Context, src FeedSource, in input) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		f, err := loadFeed(ctx, tx, src.ID)
		if err != nil {
			return err
		}
		now := s.now()
		f.etag, f.modified, f.tried, f.done, f.tries, f.failed, f.next = in.etag, in.modified, now, now, 0, "", src.next(now)
		return noteFeed(ctx, tx, &f)
	})
}

// Bounds of the pause after a look that failed.
const (
	firstPause = time.Minute
	longPause  = 6 * time.Hour
)

// noteFailure notes why a look failed and when the next is: later and later,
// never later than the schedule or six hours, and not before the server wants.
func (s *Service) noteFailure(ctx context.Context, src FeedSource, why error, after time.Duration) error {
	s.Log.Warn("feed", "feed", src.ID, "error", why)
	f := fault.Of(why)
	raw, err := json.Marshal(Failure{Code: f.Code, Args: f.Args})
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		row, err := loadFeed(ctx, tx, src.ID)
		if err != nil {
			return err
		}
		now := s.now()
		pause := min(firstPause<<min(row.tries, 12), longPause)
		if src.Every > 0 {
			pause = min(pause, src.Every)
		}
		row.tried, row.failed, row.next = now, string(raw), now.Add(max(pause, after))
		row.tries++
		return noteFeed(ctx, tx, &row)
	})
}

// tick is how often the schedule is looked at.
const tick = 5 * time.Second

// Run looks at the feeds by their schedule until ctx ends, one at a time.
func (s *Service) Run(ctx context.Context) error {
	if err := s.tidyUp(ctx); err != nil && ctx.Err() == nil {
		s.Log.Error("feeds", "error", err)
	}
	timer := time.NewTicker(tick)
	defer timer.Stop()
	for {
		if err := s.Round(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("feeds", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
	}
}

// Round looks once at every feed whose time has come. A feed that fails holds
// up no other.
func (s *Service) Round(ctx context.Context) error {
	var rows []feedRow
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) { rows, err = loadFeeds(ctx, tx); return err }); err != nil {
		return err
	}
	for _, src := range s.Sources {
		if src.Every == 0 {
			continue
		}
		i := slices.IndexFunc(rows, func(f feedRow) bool { return f.id == src.ID })
		if i >= 0 && rows[i].next.After(s.now()) {
			continue
		}
		if _, err := s.look(ctx, src, true); err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// oldFile is after which time a file on its way in is nobody's.
const oldFile = 7 * 24 * time.Hour

// tidyUp deletes what earlier runs left: ended records, and files that were
// never fetched to the end.
func (s *Service) tidyUp(ctx context.Context) error {
	var rows []feedRow
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) { rows, err = loadFeeds(ctx, tx); return err })
	for _, f := range rows {
		err = errors.Join(err, s.sweep(ctx, f.id))
	}
	if s.Dir == "" {
		return err
	}
	left, _ := filepath.Glob(filepath.Join(s.Dir, "fe*-*"))
	for _, name := range left {
		if info, e := os.Stat(name); e == nil && time.Since(info.ModTime()) > oldFile {
			err = errors.Join(err, os.RemoveAll(name))
		}
	}
	return err
}

// fault returns the failure as the fault it was: numbers and times come back
// from JSON as such.
func (f *Failure) fault() *fault.Error {
	e := &fault.Error{Kind: fault.Invalid, Code: f.Code, Args: fault.Args{}}
	for k, v := range f.Args {
		switch x := v.(type) {
		case float64:
			v = int64(x)
		case string:
			if at, err := time.Parse(time.RFC3339Nano, x); err == nil {
				v = at
			}
		}
		e.Args[k] = v
	}
	return e
}
