package oversight

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/engine/tlog"
)

// Bounds of the witness's door.
const (
	doorTime = 30 * time.Second // of one request
	doorHead = 16 << 10         // bytes of its headers
)

// Door answers submissions of the log as a witness (c2sp.org/tlog-witness):
// POST …/add-checkpoint, and GET …/<SHA-256 of the origin>/checkpoint for whoever
// wants to see what was cosigned. It asks for no credential: a checkpoint is signed
// by the log, and what is not is refused. Entries are judged by following, which
// goes on beside it.
func (f *Follower) Door() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		path := r.URL.Path
		switch {
		case r.Method == http.MethodPost && strings.HasSuffix(path, "/add-checkpoint"):
			f.addCheckpoint(w, r)
		case r.Method == http.MethodGet && strings.HasSuffix(path, "/checkpoint"):
			f.showCheckpoint(w, strings.TrimSuffix(path, "/checkpoint"))
		default:
			http.NotFound(w, r)
		}
	})
}

// addCheckpoint answers one submission with the status that the specification has
// for it.
func (f *Follower) addCheckpoint(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, tlog.MaxSubmission))
	if err != nil {
		http.Error(w, "the request is too long, or broke off", http.StatusBadRequest)
		return
	}
	s, err := tlog.ParseSubmission(body)
	if err != nil {
		http.Error(w, "the request "+err.Error(), http.StatusBadRequest)
		return
	}
	line, refusal := f.seal.submitted(s, f.Now())
	var have sizeError
	switch {
	case refusal == nil:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(line)
	case errors.As(refusal, &have):
		w.Header().Set("Content-Type", "text/x.tlog.size")
		w.WriteHeader(http.StatusConflict)
		fmt.Fprintf(w, "%d\n", uint64(have))
	default:
		http.Error(w, refusal.Error(), statusOf(refusal))
	}
}

// Refusals of a submission.
var (
	errOrigin   = errors.New("the log of this origin is not witnessed here")
	errUnsigned = errors.New("no good signature by the log's key")
	errOld      = errors.New("the old size is above the checkpoint's")
	errProof    = errors.New("the checkpoint is not proven to continue the one that was cosigned")
)

// sizeError is that the submission begins at another size than was cosigned last.
type sizeError uint64

func (e sizeError) Error() string { return fmt.Sprintf("cosigned last is size %d", uint64(e)) }

func statusOf(err error) int {
	switch {
	case errors.Is(err, errOrigin):
		return http.StatusNotFound
	case errors.Is(err, errUnsigned):
		return http.StatusForbidden
	case errors.Is(err, errOld):
		return http.StatusBadRequest
	case errors.Is(err, errProof):
		return http.StatusUnprocessableEntity
	case errors.Is(err, ErrHalted):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// submitted cosigns what a log submits, in the order of checks that
// c2sp.org/tlog-witness has, and returns our line. What it returns is on the disk.
func (s *seal) submitted(in tlog.Submission, now time.Time) ([]byte, error) {
	bare, err := tlog.OpenCheckpoint(in.Checkpoint)
	if err != nil {
		return nil, errUnsigned
	}
	known := false
	for _, k := range s.keys {
		known = known || k.Name() == bare.Origin
	}
	if !known {
		return nil, errOrigin
	}
	c, err := tlog.OpenCheckpoint(in.Checkpoint, s.keys...)
	if err != nil {
		return nil, errUnsigned
	}
	if in.Old > c.Size {
		return nil, errOld
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.halted:
		return nil, ErrHalted
	case in.Old != s.head.Size:
		return nil, sizeError(s.head.Size)
	case in.Old == 0 && len(in.Proof) > 0:
		return nil, errProof
	case s.head.Origin != "" && tlog.CheckConsistency(s.head, c, in.Proof) != nil:
		return nil, errProof
	}
	out, err := s.stamp(in.Checkpoint, c, now)
	if err != nil {
		return nil, err
	}
	return ownLine(out, s.vkey)
}

// ownLine is our signature line of a cosigned note.
func ownLine(signed []byte, vkey string) ([]byte, error) {
	own, err := tlog.ReadWitness(vkey)
	if err != nil {
		return nil, err
	}
	n, err := note.Open(signed, note.VerifierList(own))
	if err != nil {
		return nil, err
	}
	return []byte("— " + n.Sigs[0].Name + " " + n.Sigs[0].Base64 + "\n"), nil
}

// showCheckpoint serves the newest that was cosigned of the log with a hash.
func (f *Follower) showCheckpoint(w http.ResponseWriter, path string) {
	want := path[strings.LastIndexByte(path, '/')+1:]
	origin, said := f.seal.newest()
	sum := sha256.Sum256([]byte(origin))
	if origin == "" || want != hex.EncodeToString(sum[:]) {
		http.Error(w, "nothing of this log was cosigned here", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(said)
}

// newest is the origin and the note of what was cosigned last.
func (s *seal) newest() (string, []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head.Origin, s.said
}

// ServeDoor serves the door at an address until ctx ends; ready is told the
// address that it has.
func (f *Follower) ServeDoor(ctx context.Context, addr string, ready func(addr string)) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: f.Door(), ReadTimeout: doorTime, WriteTimeout: doorTime, IdleTimeout: time.Minute, MaxHeaderBytes: doorHead}
	ready(l.Addr().String())
	stopped := context.AfterFunc(ctx, func() {
		over, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = srv.Shutdown(over)
	})
	defer stopped()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
