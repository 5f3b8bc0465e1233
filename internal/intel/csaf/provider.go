package csaf

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/intel/feed"
)

// Condition asks the transport for a file only if it changed.
type Condition struct {
	ETag  string
	Since time.Time
}

// Meta is what the transport knows of a file.
type Meta struct {
	ETag      string
	Modified  time.Time
	Unchanged bool // since the condition; the body is nil then
}

// Get fetches a URL. A file that is not there gives an error that is
// fs.ErrNotExist. The body is the caller's to close. It may be called from
// several goroutines at once.
type Get func(ctx context.Context, url string, c Condition) (io.ReadCloser, Meta, error)

// Provider walks what one issuing party publishes (CSAF 2.0 §7).
type Provider struct {
	Get Get
	// Now is the time keys are held against; zero: no key counts as expired.
	Now time.Time
	// Pins are fingerprints of OpenPGP keys, in hexadecimal. When there are
	// some, only these keys count, and every document has to be signed.
	Pins []string
	// Strict refuses a document that is not valid.
	Strict bool
	// Parallel is how many documents are fetched at once; 4 when zero.
	Parallel int
}

// State is what a walk leaves for the next one. Its zero value fetches
// everything.
type State struct {
	Lists map[string]Mark   `json:"lists,omitempty"` // by URL of a feed or directory
	Retry map[string]Entry  `json:"retry,omitempty"` // by URL of a document that could not be taken
	Sums  map[string]string `json:"sums,omitempty"`  // by URL of a document in a list without dates: its SHA-512 or SHA-256
}

// Mark says up to when a list has been taken.
type Mark struct {
	ETag string    `json:"etag,omitempty"`
	Upto time.Time `json:"upto,omitzero"`
	At   []string  `json:"at,omitempty"` // documents of exactly that time which were taken
}

// Entry is one document of a list. A URL of hash or signature that begins with a
// dot is only an ending, to be set behind the document's own: lists can be long.
type Entry struct {
	URL       string    `json:"url"`
	ID        string    `json:"id,omitempty"` // tracking id as a ROLIE feed has it
	Updated   time.Time `json:"updated,omitzero"`
	SHA512    string    `json:"sha512,omitempty"` // URL of the file with the hash
	SHA256    string    `json:"sha256,omitempty"`
	Signature string    `json:"signature,omitempty"`
	Label     string    `json:"label,omitempty"` // TLP of the list
}

// beside returns the URL of a file that belongs to the document.
func (e *Entry) beside(ref string) string {
	if strings.HasPrefix(ref, ".") {
		return e.URL + ref
	}
	return ref
}

// Document is one document that was fetched and found right.
type Document struct {
	Entry
	Head   Head
	Raw    []byte
	Hashed string   // sha512 or sha256; empty when no hash is published
	Signer string   // fingerprint of the key that signed; empty when no signature is published
	Notes  []string // keys of sentences about what is odd and no reason to refuse it
}

// Records reads the document's records; see [Read].
func (d *Document) Records(ctx context.Context, yield func(*feed.Record) error) error {
	return Read(ctx, d.URL, bytes.NewReader(d.Raw), yield)
}

// Result is what came of a walk.
type Result struct {
	Metadata  Metadata
	Documents int // taken
	Unchanged int // listed and not fetched, because they did not change since
	Failed    int // fetched and refused, or not to be had
	Issues    []Issue
	State     State // for the next walk; also when Walk returns an error
}

// Issue is one thing wrong with what the provider publishes.
type Issue struct {
	URL  string
	Code string // key of the sentence
	Args fault.Args
}

const (
	mostIssues  = 500
	mostEntries = 1 << 20
	mostRetry   = 10000
	batch       = 64 // documents between two steps of the state
)

func (r *Result) issue(url string, err error) {
	f := fault.Of(err)
	if len(r.Issues) < mostIssues {
		args := fault.Args{"url": url, "file": url}
		maps.Copy(args, f.Args)
		code := f.Code
		if code == "fault.internal" {
			code, args["cause"] = "csaf.unreachable", clip(err.Error())
		}
		r.Issues = append(r.Issues, Issue{URL: url, Code: code, Args: args})
	}
}

// Walk finds the provider, reads its lists, fetches the documents that changed
// since state, checks each one's hash and signature, and calls yield with those
// that are right, one at a time. A document that is not right changes nothing:
// it is counted, reported and tried again next time.
//
// Start is a domain, the URL of a provider-metadata.json, or of a directory
// (with a slash at the end) that holds index.txt or changes.csv. An error of
// yield ends the walk.
func (p *Provider) Walk(ctx context.Context, start string, state State, yield func(*Document) error) (res Result, err error) {
	res.State = State{Lists: maps.Clone(state.Lists), Retry: maps.Clone(state.Retry), Sums: maps.Clone(state.Sums)}
	if res.State.Lists == nil {
		res.State.Lists = map[string]Mark{}
	}
	if res.State.Retry == nil {
		res.State.Retry = map[string]Entry{}
	}
	if res.State.Sums == nil {
		res.State.Sums = map[string]string{}
	}
	if strings.HasSuffix(start, "/") {
		res.Metadata = Metadata{Directories: []List{{URL: start}}}
	} else if res.Metadata, err = p.Find(ctx, start); err != nil {
		return res, err
	}
	res.Issues = append(res.Issues, res.Metadata.notes...)
	keys := p.keys(ctx, &res)
	w := &walk{Provider: p, res: &res, keys: keys, yield: yield}
	if len(res.Metadata.Feeds)+len(res.Metadata.Directories) == 0 {
		return res, fault.New(fault.Invalid, "csaf.no_lists", "url", start)
	}
	// Both kinds list the same documents; ROLIE is preferred (§7.3.2).
	lists, read := res.Metadata.Feeds, w.feed
	if len(lists) == 0 {
		lists, read = res.Metadata.Directories, w.directory
	}
	for _, l := range lists {
		entries, mark, err := read(ctx, l)
		if err != nil {
			if ctx.Err() != nil {
				return res, ctx.Err()
			}
			// One list that cannot be read does not keep the others from it.
			res.issue(l.URL, err)
			res.Failed++
			continue
		}
		if err := w.take(ctx, l, entries, mark); err != nil {
			return res, err
		}
	}
	return res, w.again(ctx)
}

// walk is one walk in progress.
type walk struct {
	*Provider
	res   *Result
	keys  keyring
	yield func(*Document) error
	tried map[string]bool
	heavy sync.Mutex // one document is taken apart at a time: that is what costs memory
}

// take fetches entries oldest first, and moves the mark of the list forward as
// far as everything has been dealt with.
func (w *walk) take(ctx context.Context, l List, entries []Entry, mark Mark) error {
	slices.SortStableFunc(entries, func(a, b Entry) int {
		return cmp.Or(a.Updated.Compare(b.Updated), strings.Compare(a.URL, b.URL))
	})
	before := w.res.State.Lists[l.URL]
	if w.tried == nil {
		w.tried = map[string]bool{}
	}
	for len(entries) > 0 {
		n := min(batch, len(entries))
		part := entries[:n]
		entries = entries[n:]
		if err := w.fetchAll(ctx, part); err != nil {
			return err
		}
		for _, e := range part {
			w.tried[e.URL] = true
			switch {
			case e.Updated.After(before.Upto):
				before.Upto, before.At = e.Updated, []string{e.URL}
			case e.Updated.Equal(before.Upto) && !e.Updated.IsZero() && len(before.At) < 5000:
				before.At = append(before.At, e.URL)
			}
		}
		w.res.State.Lists[l.URL] = before
	}
	// The ETag of the list counts only when its whole content was dealt with.
	before.ETag = mark.ETag
	w.res.State.Lists[l.URL] = before
	return nil
}

// again tries what failed in an earlier walk and is not in this one's lists.
func (w *walk) again(ctx context.Context) error {
	var rest []Entry
	for url, e := range w.res.State.Retry {
		if !w.tried[url] {
			e.URL = url
			rest = append(rest, e)
		}
	}
	slices.SortFunc(rest, func(a, b Entry) int { return strings.Compare(a.URL, b.URL) })
	for len(rest) > 0 {
		n := min(batch, len(rest))
		if err := w.fetchAll(ctx, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// errUnchanged says that a document is the one taken before.
var errUnchanged = errors.New("unchanged")

// fetchAll fetches entries, some at once, and yields them one at a time.
func (w *walk) fetchAll(ctx context.Context, entries []Entry) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var (
		lock  sync.Mutex
		first error
		wait  sync.WaitGroup
		slots = make(chan struct{}, max(1, cmp.Or(w.Parallel, 4)))
	)
	for _, e := range entries {
		if ctx.Err() != nil {
			break
		}
		slots <- struct{}{}
		lock.Lock()
		known := w.res.State.Sums[e.URL]
		lock.Unlock()
		wait.Go(func() {
			defer func() { <-slots }()
			doc, sum, err := w.fetch(ctx, e, known)
			lock.Lock()
			defer lock.Unlock()
			if first != nil || ctx.Err() != nil && err != nil {
				return
			}
			switch {
			case errors.Is(err, errUnchanged):
				w.res.Unchanged++
			case err != nil:
				w.res.Failed++
				w.res.issue(e.URL, err)
				if len(w.res.State.Retry) < mostRetry {
					w.res.State.Retry[e.URL] = e
				}
				return
			default:
				if err := w.yield(doc); err != nil {
					first = err
					stop()
					return
				}
				w.res.Documents++
				for _, n := range doc.Notes {
					w.res.issue(e.URL, fault.New(fault.Invalid, n, "id", doc.Head.ID))
				}
				if e.Updated.IsZero() && sum != "" {
					w.res.State.Sums[e.URL] = sum
				}
			}
			delete(w.res.State.Retry, e.URL)
		})
	}
	wait.Wait()
	if first != nil {
		return first
	}
	return ctx.Err()
}
