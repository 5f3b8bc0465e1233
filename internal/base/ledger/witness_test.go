package ledger

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
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

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/tlog"
)

// watched is a ledger with a witness and a clock of its own.
type watched struct {
	*bench
	t       *testing.T
	witness *tlog.Cosigner
	now     time.Time
}

func watch(t *testing.T) *watched {
	t.Helper()
	secret, vkey, err := tlog.NewCosigner("witness.example/w", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{bench: open(t), t: t, now: time.Date(2027, 4, 1, 9, 0, 0, 0, time.UTC)}
	if w.witness, err = tlog.ReadCosigner(secret); err != nil {
		t.Fatal(err)
	}
	key, err := tlog.ReadWitness(vkey)
	if err != nil {
		t.Fatal(err)
	}
	w.Witnesses, w.Wait, w.Now = []note.Verifier{key}, 10*time.Minute, func() time.Time { return w.now }
	return w
}

// act does something and publishes it.
func (w *watched) act(id string) {
	w.t.Helper()
	if _, err := w.Do(w.t.Context(), &Act{Verb: "probe.put"}, put(w.t.Context(), id)); err != nil {
		w.t.Fatal(err)
	}
	if err := w.Settle(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// cosigned is the newest checkpoint with a cosignature by the witness.
func (w *watched) cosigned(by *tlog.Cosigner, at time.Time) []byte {
	w.t.Helper()
	signed, err := os.ReadFile(filepath.Join(w.Dir, tlog.CheckpointPath))
	if err != nil {
		w.t.Fatal(err)
	}
	n, err := note.Open(signed, note.VerifierList(w.Verifier))
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := note.Sign(n, by.At(at))
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *watched) state() (s Witnessing) {
	w.t.Helper()
	err := w.DB.Read(w.t.Context(), func(tx *db.Tx) (err error) { s, err = w.Witnessing(w.t.Context(), tx); return err })
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *watched) get(path string) (int, []byte) {
	rec := httptest.NewRecorder()
	w.Files(func(*http.Request) bool { return false }).ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
	return rec.Code, rec.Body.Bytes()
}

// TestCosignaturesAreKeptAndServed takes one and serves the checkpoint with it,
// which a client that knows nothing of witnesses verifies as before.
func TestCosignaturesAreKeptAndServed(t *testing.T) {
	w := watch(t)
	w.act("1")
	if s := w.state(); !s.Waits || !s.Since.IsZero() || len(s.Witnesses) != 1 {
		t.Errorf("before the first cosignature: %+v", s)
	}
	if code, _ := w.get("/cosigned"); code != http.StatusNotFound {
		t.Errorf("cosigned before anybody did: %d", code)
	}
	if err := w.Cosign(t.Context(), w.cosigned(w.witness, w.now)); err != nil {
		t.Fatal(err)
	}
	if s := w.state(); s.Waits || !s.Since.Equal(w.now) || s.Witnesses[0].Size != 1 {
		t.Errorf("after it: %+v", s)
	}
	for _, path := range []string{"/checkpoint", "/cosigned"} {
		code, msg := w.get(path)
		if c, said, err := tlog.Cosignatures(msg, w.keys, w.Witnesses); code != 200 || err != nil || len(said) != 1 || c.Size != 1 {
			t.Errorf("%s: %d %s %v", path, code, msg, err)
		}
		if _, err := tlog.OpenCheckpoint(msg, w.Verifier); err != nil {
			t.Errorf("%s to a client without witnesses: %v", path, err)
		}
	}
	w.act("2") // not cosigned yet
	if _, msg := w.get("/checkpoint"); strings.Contains(string(msg), "witness.example") {
		t.Errorf("another checkpoint's cosignature: %s", msg)
	}
	if c, err := tlog.OpenCheckpoint(second(w.get("/cosigned")), w.Verifier); err != nil || c.Size != 1 {
		t.Errorf("the newest that is cosigned: %+v %v", c, err)
	}
	w.verify(t, 2) // no entry of its own: it came in time
	if err := w.Cosign(t.Context(), w.cosigned(w.witness, w.now.Add(-time.Second))); err != nil {
		t.Fatal(err) // older than what is there: nothing happens
	}
	if s := w.state(); s.Witnesses[0].Size != 1 || !s.Since.Equal(w.now) {
		t.Errorf("an older cosignature took the place of a newer one: %+v", s)
	}
}

func second(_ int, b []byte) []byte { return b }

// TestWhatIsNoCosignatureIsRefused sends what a forger, a stranger, a wrong clock
// and an old backup would.
func TestWhatIsNoCosignatureIsRefused(t *testing.T) {
	w := watch(t)
	w.act("1")
	good := w.cosigned(w.witness, w.now)
	secret, _, err := tlog.NewCosigner("witness.example/w", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := tlog.ReadCosigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	other := open(t)
	signed, err := tlog.SignCheckpoint(tlog.Checkpoint{Origin: other.Signer.Name(), Root: tlog.Tree{}.Root()}, other.Signer, w.witness.At(w.now))
	if err != nil {
		t.Fatal(err)
	}
	tree, _, err := tlog.Tree{}.Append([][]byte{[]byte("a"), []byte("b")})
	if err != nil {
		t.Fatal(err)
	}
	ahead, err := tlog.SignCheckpoint(tlog.Checkpoint{Origin: w.Signer.Name(), Size: 2, Root: tree.Root()}, w.Signer, w.witness.At(w.now))
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Replace(good, []byte("\n1\n"), []byte("\n2\n"), 1)
	for _, c := range []struct {
		name string
		msg  []byte
		want error
	}{
		{"nothing", nil, ErrCosignature}, {"noise", []byte("x"), ErrCosignature}, {"another size", forged, ErrCosignature}, {"another log", signed, ErrCosignature},
		{"a stranger of the same name", w.cosigned(stranger, w.now), ErrStranger}, {"nobody", second(w.get("/checkpoint")), ErrStranger},
		{"from the future", w.cosigned(w.witness, w.now.Add(6*time.Minute)), ErrWitnessClock}, {"of what we do not have", ahead, ErrAhead},
	} {
		want := fault.Of(c.want).Code
		if err := w.Cosign(t.Context(), c.msg); err == nil || fault.Of(err).Code != want {
			t.Errorf("%s: %v, want %s", c.name, err, want)
		}
	}
	if s := w.state(); !s.Waits || s.Witnesses[0].Size != 0 {
		t.Errorf("something was kept: %+v", s)
	}
	w.Witnesses = nil
	if err := w.Cosign(t.Context(), good); !errors.Is(err, ErrNoWitness) {
		t.Errorf("no witness configured: %v", err)
	}
	if s := w.state(); s.Waits || len(s.Witnesses) != 0 {
		t.Errorf("no witness is configured, and something waits: %+v", s)
	}
}

// TestLateCosigningStandsOnTheLedger lets a witness be silent too long.
func TestLateCosigningStandsOnTheLedger(t *testing.T) {
	w := watch(t)
	w.act("1")
	for _, after := range []time.Duration{0, 9 * time.Minute} {
		w.now = w.now.Add(after)
		if err := w.Cosign(t.Context(), w.cosigned(w.witness, w.now)); err != nil {
			t.Fatal(err)
		}
	}
	w.act("2")
	w.now = w.now.Add(11 * time.Minute)
	if s := w.state(); !s.Waits {
		t.Errorf("silent for 11 minutes: %+v", s)
	}
	if err := w.Cosign(t.Context(), w.cosigned(w.witness, w.now)); err != nil {
		t.Fatal(err)
	}
	if s := w.state(); s.Waits || s.Witnesses[0].Size != 2 {
		t.Errorf("afterwards: %+v", s)
	}
	rows, _, err := w.Entries(t.Context(), Filter{Object: "witness/witness.example/w"})
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d entries: %v", len(rows), err)
	}
	e := rows[0].Entry
	want := map[string]string{"from": "1", "to": "2", "late_s": "660", "wait_s": "600", "since": "2027-04-01T09:09:00Z", "until": "2027-04-01T09:20:00Z"}
	for k, v := range want {
		if got := fmt.Sprint(e.Public[k]); got != v {
			t.Errorf("%s is %s, want %s", k, got, v)
		}
	}
	if e.Verb != "ledger.cosigned" || len(e.Public) != len(want) {
		t.Errorf("%+v", e)
	}
}

// TestALogThatIsStillWritesAnEntry lets nothing happen.
func TestALogThatIsStillWritesAnEntry(t *testing.T) {
	b := open(t)
	b.Interval, b.Beat = 10*time.Millisecond, 50*time.Millisecond
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	for ctx.Err() == nil {
		if s, err := b.Status(ctx); err == nil && s.Published >= 3 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	rows, _, err := b.Entries(t.Context(), Filter{})
	if err != nil || len(rows) < 3 || rows[0].Entry.Verb != "ledger.beat" || rows[0].Entry.Public != nil {
		t.Errorf("%d entries: %v", len(rows), err)
	}
}

// TestWitnessesAreAskedForCosignatures submits to one that checks as the
// specification says, over a log that grows.
func TestWitnessesAreAskedForCosignatures(t *testing.T) {
	w := watch(t)
	var have tlog.Checkpoint
	answers := []int{}
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s, err := tlog.ParseSubmission(body)
		c, bad := tlog.OpenCheckpoint(s.Checkpoint, w.Verifier)
		code := 200
		switch {
		case err != nil || bad != nil || r.URL.Path != "/w/add-checkpoint":
			code = 400
		case s.Old != have.Size:
			code = 409
		case have.Size > 0 && tlog.CheckConsistency(have, c, s.Proof) != nil:
			code = 422
		}
		answers = append(answers, code)
		rw.WriteHeader(code)
		switch code {
		case 409:
			fmt.Fprintf(rw, "%d\n", have.Size)
		case 200:
			have = c
			out := w.cosigned(w.witness, w.now)
			_, _ = rw.Write(out[bytes.LastIndex(out, []byte("— ")):])
		}
	}))
	defer srv.Close()
	post := func(ctx context.Context, url string, body []byte) (int, []byte, error) {
		res, err := http.Post(url, "text/plain", bytes.NewReader(body))
		if err != nil {
			return 0, nil, err
		}
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		return res.StatusCode, raw, err
	}
	var old uint64
	for i := range 5 {
		for j := range 1 + 100*i {
			if _, err := w.Do(t.Context(), &Act{Verb: "probe.put"}, put(t.Context(), fmt.Sprint(i, "/", j))); err != nil {
				t.Fatal(err)
			}
		}
		w.act(fmt.Sprint(i))
		if i == 3 {
			old = 0 // after a restart the witness says what it has
		}
		var err error
		if old, err = w.submit(t.Context(), srv.URL+"/w/", old, post); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		if s := w.state(); s.Witnesses[0].Size != old || old != have.Size {
			t.Errorf("round %d: the witness has %d entries, we think %d: %+v", i, have.Size, old, s)
		}
	}
	if fmt.Sprint(answers) != "[200 200 200 409 200 200]" {
		t.Errorf("answers %v", answers)
	}
	if _, err := w.submit(t.Context(), srv.URL+"/w", have.Size+1, post); !errors.Is(err, ErrFork) {
		t.Errorf("a witness that has seen more: %v", err)
	}
}
