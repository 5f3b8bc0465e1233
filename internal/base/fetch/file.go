package fetch

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"noroshi/internal/base/fault"
)

// Want is a file to fetch.
type Want struct {
	URL      string
	ETag     string // of what one has; with it or Modified an unchanged file is not sent again
	Modified string // Last-Modified of what one has
	Dir      string // folder in which the file is put together; what breaks off is continued there
	Max      int64  // bytes; 0 is the policy's
}

// Got is a fetched file.
type Got struct {
	Same     bool   // it has not changed: no file
	Path     string // of the file; the caller removes it
	SHA256   string // hexadecimal
	Size     int64  // bytes
	ETag     string
	Modified string        // Last-Modified
	URL      string        // where redirects led
	Resumed  int64         // bytes that were there from an attempt that broke off
	After    time.Duration // with a fault of an overloaded server: when to come back, 0 when it does not say
}

// part is what stands beside a file that is not complete.
type part struct {
	URL      string `json:"url"`
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
}

// validator is what If-Range takes: a strong ETag, else the date (RFC 9110
// §13.1.5); empty when there is neither.
func (p part) validator() string {
	if p.ETag != "" && !strings.HasPrefix(p.ETag, "W/") {
		return p.ETag
	}
	return p.Modified
}

// attempts is how often one Get asks for the rest of a file that broke off.
const attempts = 4

// Get fetches a file into a folder and computes its sum. A file that breaks
// off is continued, at once and in the next call, as long as the server says
// that it is still the same. Faults: those of the policy; Busy
// "fetch.unreachable" and "fetch.status" when coming back may help; TooLarge.
func (c *Client) Get(ctx context.Context, w Want) (got Got, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.policy.Timeout)
	defer cancel()
	if w.Max <= 0 || w.Max > c.policy.MaxBytes {
		w.Max = c.policy.MaxBytes
	}
	sum := sha256.Sum256([]byte(w.URL))
	path := filepath.Join(w.Dir, "fetch-"+hex.EncodeToString(sum[:12]))
	leave, err := c.enter(ctx, path)
	if err != nil {
		return got, err
	}
	defer leave()
	for n := 1; ; n++ {
		got, err = c.once(ctx, w, path)
		var f *fault.Error
		if err == nil || n == attempts || ctx.Err() != nil || !errors.As(err, &f) || f.Code != "fetch.cut" {
			return got, err
		}
	}
}

// enter waits until nobody else puts the same file together.
func (c *Client) enter(ctx context.Context, path string) (leave func(), err error) {
	for {
		c.mu.Lock()
		busy, taken := c.busy[path]
		if !taken {
			mine := make(chan struct{})
			c.busy[path] = mine
			c.mu.Unlock()
			return func() {
				c.mu.Lock()
				delete(c.busy, path)
				c.mu.Unlock()
				close(mine)
			}, nil
		}
		c.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// once asks for a file, or for what is missing of it.
func (c *Client) once(ctx context.Context, w Want, path string) (got Got, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := c.request(ctx, http.MethodGet, w.URL, nil)
	if err != nil {
		return got, err
	}
	have, at := loadPart(path, w.URL)
	if at > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", at))
		req.Header.Set("If-Range", have.validator())
	} else {
		if w.ETag != "" {
			req.Header.Set("If-None-Match", w.ETag)
		}
		if w.Modified != "" {
			req.Header.Set("If-Modified-Since", w.Modified)
		}
	}
	res, err := c.follow(req)
	if err != nil {
		return got, err
	}
	defer res.Body.Close()
	got = Got{ETag: res.Header.Get("ETag"), Modified: res.Header.Get("Last-Modified"), URL: res.Request.URL.String()}
	switch {
	case res.StatusCode == http.StatusNotModified && at == 0:
		got.Same = true
		if got.ETag == "" {
			got.ETag = w.ETag
		}
		if got.Modified == "" {
			got.Modified = w.Modified
		}
		return got, nil
	case res.StatusCode == http.StatusPartialContent && at > 0 && strings.HasPrefix(res.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", at)):
		got.Resumed = at
	case res.StatusCode == http.StatusOK:
		at = 0
	case at > 0 && (res.StatusCode == http.StatusRequestedRangeNotSatisfiable || res.StatusCode == http.StatusPartialContent):
		dropPart(path) // what lies here is of another file, or was all of it
		return got, fault.New(fault.Busy, "fetch.cut", "url", shown(w.URL), "have", at)
	default:
		got.After = retryAfter(res.Header)
		kind := fault.Invalid
		if res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusRequestTimeout {
			kind = fault.Busy
		}
		return got, fault.New(kind, "fetch.status", "url", shown(w.URL), "status", res.StatusCode)
	}
	if res.ContentLength > 0 && at+res.ContentLength > w.Max {
		dropPart(path)
		return got, fault.New(fault.TooLarge, "fetch.file_large", "url", shown(w.URL), "mb", w.Max>>20)
	}
	h := sha256.New()
	f, err := openPart(path, part{w.URL, got.ETag, got.Modified}, at, h)
	if err != nil {
		return got, err
	}
	defer f.Close()
	stall := time.AfterFunc(c.stall, cancel)
	defer stall.Stop()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(&alive{res.Body, func() { stall.Reset(c.stall) }}, w.Max-at+1))
	switch {
	case err != nil:
		if cerr := f.Sync(); cerr != nil {
			return got, cerr
		}
		return got, fault.New(fault.Busy, "fetch.cut", "url", shown(w.URL), "have", at+n).Because(err)
	case at+n > w.Max:
		dropPart(path)
		return got, fault.New(fault.TooLarge, "fetch.file_large", "url", shown(w.URL), "mb", w.Max>>20)
	}
	if err := f.Close(); err != nil {
		return got, fmt.Errorf("fetch: %w", err)
	}
	got.Path, got.Size, got.SHA256 = path+"-"+rand.Text(), at+n, hex.EncodeToString(h.Sum(nil))
	if err := os.Rename(path+".part", got.Path); err != nil {
		return got, fmt.Errorf("fetch: %w", err)
	}
	dropPart(path)
	return got, nil
}

// alive tells that bytes came.
type alive struct {
	r    io.Reader
	came func()
}

func (a *alive) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	if n > 0 {
		a.came()
	}
	return n, err
}

// loadPart returns what an earlier attempt left of a file, and how many bytes;
// none when it cannot be told whether they still are of the same file.
func loadPart(path, url string) (p part, size int64) {
	raw, err := os.ReadFile(path + ".json")
	if err != nil || json.Unmarshal(raw, &p) != nil || p.URL != url || p.validator() == "" {
		return p, 0
	}
	info, err := os.Stat(path + ".part")
	if err != nil {
		return p, 0
	}
	return p, info.Size()
}

// openPart opens a file to be written from a place on, and adds what is before
// it to the sum.
func openPart(path string, p part, at int64, h hash.Hash) (*os.File, error) {
	flag := os.O_RDWR | os.O_CREATE
	if at == 0 {
		flag |= os.O_TRUNC
	}
	f, err := os.OpenFile(path+".part", flag, 0o600)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	if at == 0 { // of which file it is stands there before the first byte
		raw, err := json.Marshal(p)
		if err == nil {
			err = os.WriteFile(path+".json", raw, 0o600)
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("fetch: %w", err)
		}
		return f, nil
	}
	n, err := io.Copy(h, io.LimitReader(f, at))
	if err == nil && n != at {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("fetch: %w", err)
	}
	return f, nil
}

func dropPart(path string) {
	_ = os.Remove(path + ".json") // what is left is overwritten
	_ = os.Remove(path + ".part")
}
