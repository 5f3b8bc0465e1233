package oversight

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/engine/tlog"
)

// submission of the log's newest checkpoint, from a size on.
func (f *logFolder) submission(t *testing.T, old uint64) tlog.Submission {
	t.Helper()
	signed, err := os.ReadFile(filepath.Join(f.dir, tlog.CheckpointPath))
	if err != nil {
		t.Fatal(err)
	}
	r, err := tlog.NewReader(os.DirFS(f.dir), f.tree.Size())
	if err != nil {
		t.Fatal(err)
	}
	proof, err := r.Consistency(min(old, f.tree.Size()), f.tree.Size())
	if err != nil {
		t.Fatal(err)
	}
	return tlog.Submission{Old: old, Proof: proof, Checkpoint: signed}
}

// TestAWitnessAnswersAsSpecified walks the answers of c2sp.org/tlog-witness.
func TestAWitnessAnswersAsSpecified(t *testing.T) {
	leaves := lawful(3, 30)
	log, dir := newFolder(t, t.TempDir(), "log.example/test"), t.TempDir()
	log.add(t, leaves[:100]...)
	now := after(t, leaves[399])
	a := log.follower(t, dir, now)
	srv := httptest.NewServer(a.Door())
	defer srv.Close()
	own, err := tlog.ReadWitness(a.seal.vkey)
	if err != nil {
		t.Fatal(err)
	}
	send := func(body []byte) (int, string, string) {
		t.Helper()
		res, err := http.Post(srv.URL+"/w/add-checkpoint", "text/plain", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(raw), res.Header.Get("Content-Type")
	}
	want := func(what string, body []byte, status int) string {
		t.Helper()
		got, answer, _ := send(body)
		if got != status {
			t.Errorf("%s: %d %s, want %d", what, got, answer, status)
		}
		return answer
	}
	accepted := func(what string, s tlog.Submission) {
		t.Helper()
		line := want(what, s.Text(), http.StatusOK)
		c, said, err := tlog.Cosignatures(append(bytes.Clone(s.Checkpoint), line...), []note.Verifier{log.verifier}, []note.Verifier{own})
		if err != nil || len(said) != 1 || c.Size != log.tree.Size() || said[0].At.Unix() != now.Unix() {
			t.Errorf("%s: %+v %v %v", what, c, said, err)
		}
	}
	sum := sha256.Sum256([]byte("log.example/test"))
	show := srv.URL + "/m/" + hex.EncodeToString(sum[:]) + "/checkpoint"
	if res, err := http.Get(show); err != nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("what was never cosigned: %v %v", res, err)
	}
	first := log.submission(t, 0)
	want("noise", []byte("x"), http.StatusBadRequest)
	want("a proof from nothing", tlog.Submission{Proof: []tlog.Hash{{}}, Checkpoint: first.Checkpoint}.Text(), http.StatusUnprocessableEntity)
	other := newFolder(t, t.TempDir(), "log.example/other")
	other.add(t, leaves[:5]...)
	want("another log", other.submission(t, 0).Text(), http.StatusNotFound)
	stranger := newFolder(t, t.TempDir(), "log.example/test")
	stranger.add(t, leaves[:5]...)
	want("another key", stranger.submission(t, 0).Text(), http.StatusForbidden)
	want("an old size above the new", tlog.Submission{Old: 101, Checkpoint: first.Checkpoint}.Text(), http.StatusBadRequest)
	accepted("the first", first)
	accepted("the same again", log.submission(t, 100))
	if status, answer, media := send(first.Text()); status != http.StatusConflict || answer != "100\n" || media != "text/x.tlog.size" {
		t.Errorf("another old size: %d %q %s", status, answer, media)
	}
	log.add(t, leaves[100:250]...)
	wrong := log.submission(t, 100)
	wrong.Proof[0][0] ^= 1
	want("a wrong proof", wrong.Text(), http.StatusUnprocessableEntity)
	accepted("the next", log.submission(t, 100))
	fork := &logFolder{dir: t.TempDir(), signer: log.signer, verifier: log.verifier}
	fork.add(t, leaves[:249]...)
	fork.add(t, leaves[250:300]...)
	want("a fork", fork.submission(t, 250).Text(), http.StatusUnprocessableEntity)
	res, err := http.Get(show)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if raw, err := io.ReadAll(res.Body); err != nil || !strings.Contains(string(raw), "\n250\n") {
		t.Errorf("the newest that was cosigned: %s %v", raw, err)
	}

	// Following goes on from what was cosigned without the entries, and a hub set
	// back behind that is found although the copy is smaller.
	if r := look(t, a); r.Size != 250 || !r.Cosigned || len(r.Alarms) > 0 {
		t.Errorf("following: %+v", r)
	}
	log.add(t, leaves[250:400]...)
	accepted("before it was followed", log.submission(t, 250))
	shut(t, a)
	back := &logFolder{dir: t.TempDir(), signer: log.signer, verifier: log.verifier}
	back.add(t, leaves[:300]...)
	b := back.follower(t, dir, now)
	if r := look(t, b); len(r.Alarms) != 1 || r.Alarms[0].Code != rolledBack || !r.Halted {
		t.Errorf("set back behind what was cosigned: %+v", r.Alarms)
	}
	refused := httptest.NewServer(b.Door())
	defer refused.Close()
	if res, err := http.Post(refused.URL+"/add-checkpoint", "text/plain", bytes.NewReader(log.submission(t, 400).Text())); err != nil || res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a witness that halted: %v %v", res, err)
	}
}

// TestManySubmissionsAtOnce has many ask from the same size: cosigned sizes only
// ever grow.
func TestManySubmissionsAtOnce(t *testing.T) {
	log := newFolder(t, t.TempDir(), "log.example/test")
	now := time.Date(2027, 4, 1, 9, 0, 0, 0, time.UTC)
	a := log.follower(t, t.TempDir(), now)
	var all []tlog.Submission
	for i := range 8 {
		log.add(t, entryAt(i, now))
		all = append(all, log.submission(t, 0))
	}
	done := make(chan error, len(all))
	for _, s := range all {
		go func() {
			_, err := a.seal.submitted(s, now)
			done <- err
		}()
	}
	taken := 0
	for range all {
		if <-done == nil {
			taken++
		}
	}
	if taken != 1 {
		t.Errorf("%d of %d submissions from the same size were cosigned", taken, len(all))
	}
}

// TestTheDoorOpensAndCloses serves at a port of its own.
func TestTheDoorOpensAndCloses(t *testing.T) {
	log := newFolder(t, t.TempDir(), "log.example/test")
	log.add(t, lawful(1, 2)...)
	a := log.follower(t, t.TempDir(), time.Now())
	ctx, stop := context.WithCancel(t.Context())
	addr, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- a.ServeDoor(ctx, "127.0.0.1:0", func(at string) { addr <- at }) }()
	res, err := http.Post("http://"+<-addr+"/add-checkpoint", "text/plain", bytes.NewReader(log.submission(t, 0).Text()))
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%v %v", res, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := a.ServeDoor(t.Context(), "256.0.0.1:1", func(string) { fmt.Println() }); err == nil {
		t.Error("an address that is none")
	}
}
