package httpd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
)

// Faults of Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).
var (
	ErrKey        = fault.New(fault.Usage, "httpd.key")            // not 1 to 200 printable characters
	ErrKeyReused  = fault.New(fault.Invalid, "httpd.key_reused")   // same key, other request
	ErrKeyOpen    = fault.New(fault.Conflict, "httpd.key_open")    // the first request is under way
	ErrKeyUnknown = fault.New(fault.Conflict, "httpd.key_unknown") // nobody knows how the first ended
	ErrKeyShut    = fault.New(fault.Conflict, "httpd.key_shut")    // done, and the answer is not kept
)

// KeyAge is how long an answer is kept; longest is after which a request that
// has not ended must have died with its process.
const (
	KeyAge  = 24 * time.Hour
	longest = 5 * time.Minute
)

// replayed are the headers of an answer that are kept with it.
func replayed() []string { return []string{"Content-Type", "Location", "ETag", "Link"} }

// keyed runs a POST that carries an Idempotency-Key at most once.
//
// What failed with 4xx or with 503 has done nothing (an act and its record
// commit together), so its key is free again. After a 500, or when the
// process died, nobody knows: the key then stays open, and a retry is told so
// rather than run a second time.
func (r *Router) keyed(w *recorder, req *http.Request, v *visit, key string) {
	if !v.signed || r.opt.DB == nil || !validKey(key) {
		r.fail(w, req, ErrKey)
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.fail(w, req, bodyFault(err, v.route.body))
		return
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	k := kept{who: v.who.Org + "/" + v.who.Person, key: key, digest: requestDigest(req, body), started: r.opt.Now()}
	var had kept
	var mine bool
	err = r.opt.DB.Write(req.Context(), func(tx *db.Tx) error {
		var err error
		had, mine, err = claimKey(req.Context(), tx, k)
		return err
	})
	if err != nil {
		r.fail(w, req, fmt.Errorf("claim key: %w", err))
		return
	}
	if !mine {
		r.again(w, req, k, had)
		return
	}
	var out []byte
	w.copied, w.limit = &out, keptBody
	k.state = keyOpen
	// Also when the handler panics: then the key stays open.
	defer r.settle(context.WithoutCancel(req.Context()), w, v, k, &out)
	r.mux.ServeHTTP(w, req)
}

// settle writes how a request with a key ended.
func (r *Router) settle(ctx context.Context, w *recorder, v *visit, k kept, out *[]byte) {
	w.copied = nil
	err := r.opt.DB.Write(ctx, func(tx *db.Tx) error {
		switch {
		case !w.wrote || w.status == http.StatusInternalServerError:
			return nil
		case w.status >= 400:
			return freeKey(ctx, tx, k)
		case v.route.secret || len(*out) > keptBody || r.opt.Ring == nil:
			k.state, k.status = keyShut, w.status
			return settleKey(ctx, tx, k)
		}
		head := map[string]string{}
		for _, h := range replayed() {
			if s := w.Header().Get(h); s != "" {
				head[h] = s
			}
		}
		raw, err := json.Marshal(head)
		if err != nil {
			return err
		}
		k.state, k.status, k.header = keyDone, w.status, string(raw)
		k.body = r.opt.Ring.Wrap(*out, k.name())
		return settleKey(ctx, tx, k)
	})
	if err != nil {
		r.opt.Log.Error("settle idempotency key", "request", v.id, "error", err.Error())
	}
}

// again answers a key that was used before.
func (r *Router) again(w *recorder, req *http.Request, k, had kept) {
	switch {
	case had.digest != k.digest:
		r.fail(w, req, ErrKeyReused)
	case had.state == keyShut:
		r.fail(w, req, ErrKeyShut)
	case had.state == keyOpen && k.started.Sub(had.started) < longest:
		r.fail(w, req, ErrKeyOpen)
	case had.state == keyOpen:
		r.fail(w, req, ErrKeyUnknown)
	default:
		head := map[string]string{}
		body, err := r.opt.Ring.Unwrap(had.body, had.name())
		if err == nil {
			err = json.Unmarshal([]byte(had.header), &head)
		}
		if err != nil {
			r.fail(w, req, fmt.Errorf("replay: %w", err))
			return
		}
		for name, s := range head {
			w.Header().Set(name, s)
		}
		w.Header().Set("Idempotency-Replayed", "true")
		w.WriteHeader(had.status)
		_, _ = w.Write(body)
	}
}

func validKey(s string) bool {
	if len(s) == 0 || len(s) > 200 {
		return false
	}
	for i := range len(s) {
		if s[i] <= 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// requestDigest says what a request asks for: method, target, type and body.
func requestDigest(req *http.Request, body []byte) string {
	h := sha256.New()
	for _, s := range []string{req.Method, req.URL.RequestURI(), req.Header.Get("Content-Type")} {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// Sweep forgets keys older than KeyAge, a thousand at most, and says how many.
func (r *Router) Sweep(ctx context.Context) (dropped int64, err error) {
	if r.opt.DB == nil {
		return 0, nil
	}
	err = r.opt.DB.Write(ctx, func(tx *db.Tx) error {
		dropped, err = dropKeys(ctx, tx, r.opt.Now().Add(-KeyAge), 1000)
		return err
	})
	return dropped, err
}
