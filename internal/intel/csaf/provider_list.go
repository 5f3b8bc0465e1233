package csaf

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"noroshi/internal/base/fault"
)

// feed reads a ROLIE feed (RFC 8322) entry by entry and returns those that
// changed since the mark of the list.
func (w *walk) feed(ctx context.Context, l List) (out []Entry, mark Mark, err error) {
	old := w.res.State.Lists[l.URL]
	body, meta, err := w.Get(ctx, l.URL, Condition{ETag: old.ETag})
	if err != nil {
		return nil, mark, err
	}
	if meta.Unchanged {
		return nil, old, nil
	}
	defer body.Close()
	mark.ETag = meta.ETag
	err = ReadFeed(body, func(e Entry) error {
		if e.URL = join(l.URL, e.URL); e.URL == "" {
			return nil
		}
		for _, ref := range []*string{&e.SHA512, &e.SHA256, &e.Signature} {
			if *ref = join(l.URL, *ref); strings.HasPrefix(*ref, e.URL+".") {
				*ref = ending((*ref)[len(e.URL):])
			}
		}
		e.ID, e.Label = strings.Clone(e.ID), l.Label
		return w.consider(&out, e, old)
	})
	return out, mark, err
}

// ending returns one copy of the endings that are usual.
func ending(s string) string {
	for _, e := range [...]string{".sha512", ".sha256", ".asc"} {
		if s == e {
			return e
		}
	}
	return strings.Clone(s)
}

// consider keeps an entry that is newer than what was taken.
func (w *walk) consider(out *[]Entry, e Entry, old Mark) error {
	if _, again := w.res.State.Retry[e.URL]; !again && !e.Updated.IsZero() {
		if e.Updated.Before(old.Upto) {
			w.res.Unchanged++
			return nil
		}
		if e.Updated.Equal(old.Upto) {
			for _, u := range old.At {
				if u == e.URL {
					w.res.Unchanged++
					return nil
				}
			}
		}
	}
	if len(*out) >= mostEntries {
		return fault.New(fault.TooLarge, "csaf.too_many", "limit", mostEntries)
	}
	*out = append(*out, e)
	return nil
}

// ReadFeed reads a ROLIE feed as CSAF uses it (§7.1.15) and calls yield with
// each entry in the order they stand. Only one entry is held at a time. URLs are
// as written. The error is a fault that names the place, or yield's.
func ReadFeed(r io.Reader, yield func(Entry) error) error {
	p := newParser(r)
	found := false
	err := p.members(func(name string) error {
		if name != "feed" {
			_, err := p.value()
			return err
		}
		return p.members(func(name string) error {
			if name != "entry" {
				_, err := p.value()
				return err
			}
			found = true
			base := p.held
			return p.elements(func(i int) error {
				p.held = base
				v, err := p.value()
				if err != nil {
					return err
				}
				e, ok := entryOf(&v)
				if !ok {
					return p.fail("csaf.entry")
				}
				return yield(e)
			})
		})
	})
	if err != nil {
		return err
	}
	if !found {
		return fault.New(fault.Invalid, "csaf.no_entries")
	}
	return p.done()
}

func entryOf(v *value) (e Entry, ok bool) {
	e = Entry{ID: v.str("id"), URL: v.str("content", "src")}
	e.Updated, _ = moment(v.str("updated"))
	if e.Updated.IsZero() {
		e.Updated, _ = moment(v.str("published"))
	}
	for _, l := range v.list("link") {
		switch href := l.str("href"); l.str("rel") {
		case "self":
			e.URL = href
		case "signature":
			e.Signature = href
		case "hash":
			switch {
			case strings.HasSuffix(href, ".sha512"):
				e.SHA512 = href
			case strings.HasSuffix(href, ".sha256"):
				e.SHA256 = href
			}
		}
	}
	return e, e.URL != ""
}

// directory reads changes.csv, or index.txt where there is none (§7.1.12,
// §7.1.13). Where there are both, index.txt may list what changes.csv left out.
func (w *walk) directory(ctx context.Context, l List) (out []Entry, mark Mark, err error) {
	base := l.URL
	if !strings.HasSuffix(base, "/") {
		base += "/"
	}
	old := w.res.State.Lists[l.URL]
	listed := map[string]bool{}
	entry := func(name string, at time.Time) error {
		u := inside(base, name)
		if u == "" {
			return fault.New(fault.Invalid, "csaf.list_path", "value", clip(name))
		}
		if listed[u] {
			return nil
		}
		if len(listed) >= mostEntries {
			return fault.New(fault.TooLarge, "csaf.too_many", "limit", mostEntries)
		}
		listed[u] = true
		return w.consider(&out, Entry{
			URL: u, Updated: at, SHA512: ".sha512", SHA256: ".sha256", Signature: ".asc", Label: l.Label,
		}, old)
	}
	changes, meta, err := w.Get(ctx, base+"changes.csv", Condition{ETag: old.ETag})
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, mark, err
	case meta.Unchanged:
		return nil, old, nil
	default:
		defer changes.Close()
		mark.ETag = meta.ETag
		rows := csv.NewReader(bufio.NewReaderSize(io.LimitReader(changes, 256<<20), 64<<10))
		rows.FieldsPerRecord, rows.ReuseRecord = 2, true
		for n := 1; ; n++ {
			row, err := rows.Read()
			if err == io.EOF {
				break
			}
			if err != nil {
				return nil, mark, fault.New(fault.Invalid, "csaf.changes", "line", n).Because(err)
			}
			at, ok := moment(row[1])
			if !ok {
				return nil, mark, fault.New(fault.Invalid, "csaf.changes", "line", n)
			}
			if err := entry(row[0], at); err != nil {
				return nil, mark, err
			}
		}
	}
	index, _, ierr := w.Get(ctx, base+"index.txt", Condition{})
	if ierr != nil {
		if err == nil { // changes.csv alone will do
			return out, mark, nil
		}
		return nil, mark, ierr
	}
	defer index.Close()
	lines := bufio.NewScanner(io.LimitReader(index, 256<<20))
	for lines.Scan() {
		if name := strings.TrimSpace(lines.Text()); name != "" {
			if err := entry(name, time.Time{}); err != nil {
				return nil, mark, err
			}
		}
	}
	return out, mark, lines.Err()
}

// inside resolves a file name of a list; "" when it leads out of the directory
// or is no JSON file.
func inside(base, name string) string {
	name = strings.TrimPrefix(name, "./")
	if name == "" || strings.ContainsAny(name, "\\?#:\x00") || path.Clean("/"+name) != "/"+name || !strings.HasSuffix(name, ".json") || len(name) > 2000 {
		return ""
	}
	return base + name
}
