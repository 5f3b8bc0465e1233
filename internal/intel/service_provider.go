package intel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/intel/csaf"
	"noroshi/internal/intel/feed"
)

// isProvider reports whether a feed is a publisher of CSAF documents that is
// walked, rather than one file: its address is a provider-metadata.json, a
// directory, or a host.
func (f *FeedSource) isProvider() bool {
	if f.Kind != feed.CSAF || f.URL == "" {
		return false
	}
	u, err := url.Parse(f.URL)
	return err == nil && (u.Path == "" || strings.HasSuffix(u.Path, "/") || strings.HasSuffix(u.Path, "provider-metadata.json"))
}

// Issue is one thing wrong with what a publisher of CSAF documents has, and
// why a document was not taken.
type Issue struct {
	URL  string     `json:"url"`
	Code string     `json:"code"`
	Args fault.Args `json:"args,omitempty"`
}

// maxKeptIssues bounds the issues that are kept of a walk.
const maxKeptIssues = 100

// walk takes what a publisher of CSAF documents changed since the last walk.
// A document whose hash or signature is wrong is left as it was, noted, and
// tried again next time.
func (s *Service) walk(ctx context.Context, src FeedSource, clock bool) (Imported, error) {
	if s.Client == nil {
		return Imported{}, fault.New(fault.Refused, "intel.no_way_out")
	}
	var state csaf.State
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		raw, _, _, err := loadProvider(ctx, tx, src.ID)
		if err == nil && len(raw) > 0 {
			err = s.bodies.unpack(raw, &state)
		}
		return err
	})
	if err != nil {
		return Imported{}, fmt.Errorf("provider %s: %w", src.ID, err)
	}
	var res csaf.Result
	p := csaf.Provider{Get: s.getCSAF, Now: s.now(), Parallel: 2}
	start := src.URL
	if u, err := url.Parse(src.URL); err == nil && u.Path == "" {
		start = u.Host
	}
	in := input{source: src, clock: clock, quiet: true}
	in.read = func(ctx context.Context, yield func(*feed.Record) error) (feed.Kind, error) {
		var err error
		res, err = p.Walk(ctx, start, state, func(d *csaf.Document) error { return d.Records(ctx, yield) })
		if err == nil && res.Documents+res.Unchanged == 0 && res.Failed > 0 {
			i := res.Issues[0]
			err = &fault.Error{Kind: fault.Invalid, Code: i.Code, Args: i.Args}
		}
		return feed.CSAF, err
	}
	in.also = func(ctx context.Context, tx *db.Tx) error {
		raw, err := json.Marshal(res.State)
		if err != nil {
			return err
		}
		var issues []Issue
		for _, i := range res.Issues[:min(len(res.Issues), maxKeptIssues)] {
			issues = append(issues, Issue{bare(i.URL), i.Code, i.Args})
		}
		said, err := json.Marshal(issues)
		if err != nil {
			return err
		}
		return saveProvider(ctx, tx, src.ID, s.bodies.pack(raw), string(said), res.Failed)
	}
	return s.take(ctx, in)
}

// getCSAF is the transport of walks: one file of a publisher.
func (s *Service) getCSAF(ctx context.Context, at string, c csaf.Condition) (io.ReadCloser, csaf.Meta, error) {
	w := fetch.Want{URL: at, ETag: c.ETag, Max: maxBody}
	if !c.Since.IsZero() {
		w.Modified = c.Since.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
	}
	got, err := s.get(ctx, w)
	if err != nil {
		var f *fault.Error
		if errors.As(err, &f) && f.Code == "fetch.status" && (f.Args["status"] == 404 || f.Args["status"] == 410) {
			err = &fs.PathError{Op: "get", Path: bare(at), Err: fs.ErrNotExist}
		}
		return nil, csaf.Meta{}, err
	}
	m := csaf.Meta{ETag: got.ETag, Unchanged: got.Same}
	if t, err := time.Parse(time.RFC1123, got.Modified); err == nil {
		m.Modified = t
	}
	if got.Same {
		return nil, m, nil
	}
	f, err := os.Open(got.Path)
	if err != nil {
		return nil, m, fmt.Errorf("fetch: %w", err)
	}
	_ = os.Remove(got.Path) // it lives until it is closed
	return f, m, nil
}
