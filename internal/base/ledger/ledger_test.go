package ledger

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/tlog"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

type bench struct {
	*Ledger
	keys []note.Verifier
}

func open(t testing.TB) *bench {
	dir := t.TempDir()
	d, err := db.Open(context.Background(), filepath.Join(dir, "t.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	probe := "CREATE TABLE probe_row (id TEXT PRIMARY KEY)"
	if _, err := d.Migrate(context.Background(), db.Source{Noun: "ledger", FS: Migrations}); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(context.Background(), func(tx *db.Tx) error { _, err := tx.Exec(context.Background(), probe); return err }); err != nil {
		t.Fatal(err)
	}
	signer, verifier, vkey, err := OpenSigner(filepath.Join(dir, "keys", "ledger.key"), "ledger.example/noroshi")
	if err != nil {
		t.Fatal(err)
	}
	return &bench{New(Config{DB: d, Dir: filepath.Join(dir, "ledger"), Signer: signer, Verifier: verifier, VKey: vkey, Log: quiet}), []note.Verifier{verifier}}
}

// again is the same hub after a crash: memory and lock are gone, the lease is
// not.
func (b *bench) again(t testing.TB) *bench {
	b.seq.lock.Close()
	return &bench{New(b.Config), b.keys}
}

func (b *bench) verify(t testing.TB, want int) {
	t.Helper()
	res, err := tlog.Verify(context.Background(), os.DirFS(b.Dir), tlog.Options{Keys: b.keys, Check: func(_ uint64, leaf []byte) error {
		_, err := ParseEntry(leaf)
		return err
	}})
	if err != nil || res.Entries != uint64(want) {
		t.Fatalf("verify: %d entries, want %d: %v", res.Entries, want, err)
	}
}

func put(ctx context.Context, id string) func(*db.Tx) error {
	return func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO probe_row (id) VALUES ($1)", id)
		return err
	}
}

func (b *bench) rows(t testing.TB) (n int) {
	t.Helper()
	if err := b.DB.Read(context.Background(), func(tx *db.Tx) error {
		return tx.QueryRow(context.Background(), "SELECT count(*) FROM probe_row").Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

var alice = gate.Identity{Person: "person-alice", Org: "org-wind"}

func TestActAndEntryCommitTogether(t *testing.T) {
	b := open(t)
	ctx := gate.With(t.Context(), alice)
	boom := errors.New("boom")
	refusal := fault.New(fault.Refused, "probe.no")
	rcpt, err := b.Do(ctx, &Act{Verb: "probe.put", Object: "probe/1", Public: map[string]any{"to": Org("org-ministry"), "n": 1}, Secret: "s"}, put(ctx, "1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Do(ctx, &Act{Verb: "probe.put", Object: "probe/2"}, func(tx *db.Tx) error { return errors.Join(put(ctx, "2")(tx), boom) }); !errors.Is(err, boom) {
		t.Errorf("%v", err)
	}
	refused, err := b.Do(ctx, &Act{Verb: "probe.put", Object: "probe/3", Public: map[string]any{"leak": 1}, Secret: "t"}, func(tx *db.Tx) error {
		if err := put(ctx, "3")(tx); err != nil {
			return err
		}
		return refusal
	})
	if !errors.Is(err, refusal) || refused.Entry == "" {
		t.Errorf("refusal: %v %v", refused, err)
	}
	if n := b.rows(t); n != 1 {
		t.Errorf("%d rows", n)
	}
	if err := b.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.verify(t, 2)

	e, err := ParseEntry([]byte(rcpt.Leaf))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(rcpt.Leaf, "alice") || strings.Contains(rcpt.Leaf, "wind") || strings.Contains(rcpt.Leaf, "ministry") {
		t.Errorf("names in the log: %s", rcpt.Leaf)
	}
	salt, _ := base64.StdEncoding.DecodeString(rcpt.Salt)
	if d, err := Digest(salt, "s"); err != nil || d != e.Digest {
		t.Errorf("digest %s, want %s", d, e.Digest)
	}
	r, err := ParseEntry([]byte(refused.Leaf))
	if err != nil || r.Outcome != Refused || r.Reason != "probe.no" || r.Public != nil || r.Digest != "" || r.Who != e.Who {
		t.Errorf("%+v %v", r, err)
	}
	rows, _, err := b.Entries(t.Context(), Filter{})
	if err != nil || len(rows) != 2 || rows[0].Entry.ID != refused.Entry || rows[1].OrgID != "org-wind" || rows[1].WhoID != "person-alice" {
		t.Errorf("%+v %v", rows, err)
	}
}

// TestWhatATableDoesNotAllowIsRefusedOnRecord acts and reads with a role, without
// it, and as nobody.
func TestWhatATableDoesNotAllowIsRefusedOnRecord(t *testing.T) {
	access := gate.Table{"probe.put": {gate.OfficeClerk: gate.Own}, "probe.see": {gate.OfficeClerk: gate.Sector}}
	clerk := alice
	clerk.Roles = []gate.Role{gate.OfficeClerk}
	for _, c := range []struct {
		name    string
		ctx     context.Context
		want    error
		entries int // of the act and the reading
		rows    int
	}{
		{"allowed", gate.With(t.Context(), clerk), nil, 1, 1},
		{"another role", gate.With(t.Context(), alice), gate.ErrRole, 2, 0},
		{"nobody", t.Context(), gate.ErrSignIn, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, seen := open(t), 0
			_, err := b.Allowed(c.ctx, access, &Act{Verb: "probe.put"}, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
				if who.Person != alice.Person || reach != gate.Own {
					t.Errorf("%s acts with reach %s", who.Person, reach)
				}
				return put(c.ctx, "1")(tx)
			})
			if !errors.Is(err, c.want) {
				t.Errorf("act: %v", err)
			}
			err = b.Read(c.ctx, access, "probe.see", func(_ *db.Tx, who gate.Identity, reach gate.Reach) error {
				if seen++; who.Person != alice.Person || reach != gate.Sector {
					t.Errorf("%s reads with reach %s", who.Person, reach)
				}
				return nil
			})
			if !errors.Is(err, c.want) {
				t.Errorf("reading: %v", err)
			}
			if err := b.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := b.rows(t); n != c.rows || seen != c.rows {
				t.Errorf("%d rows written, read %d times", n, seen)
			}
			if list, _, err := b.Entries(t.Context(), Filter{}); err != nil || len(list) != c.entries {
				t.Errorf("%d entries, want %d: %v", len(list), c.entries, err)
			}
		})
	}
}

func TestAReceiptBecomesAProof(t *testing.T) {
	b := open(t)
	ctx := t.Context()
	rcpt, err := b.Do(ctx, &Act{Verb: "probe.put", Object: "probe/1"}, put(ctx, "1"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := b.Promise(rcpt)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open([]byte(signed), note.VerifierList(b.keys...))
	if err != nil || !strings.Contains(n.Text, rcpt.Entry) {
		t.Errorf("%v", err)
	}
	if _, err := b.Prove(ctx, rcpt.Entry); !errors.Is(err, ErrNotYet) {
		t.Errorf("before the checkpoint: %v", err)
	}
	if _, err := b.Prove(ctx, "nothing"); !errors.Is(err, ErrNoEntry) {
		t.Errorf("unknown: %v", err)
	}
	for i := range 300 {
		if _, err := b.Do(ctx, &Act{Verb: "probe.put"}, put(ctx, fmt.Sprint("x", i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	proven, err := b.Prove(ctx, rcpt.Entry)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := tlog.ParseProof([]byte(proven.Proof))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := proof.Verify(tlog.LeafHash([]byte(proven.Leaf)), b.keys...); err != nil {
		t.Error(err)
	}
	if _, err := proof.Verify(tlog.LeafHash([]byte(proven.Leaf+" ")), b.keys...); err == nil {
		t.Error("a changed entry was proven")
	}
}

// TestPublicationStoppedAnywhereLosesNothing stops the publication before
// each of its steps, as a crash does, and starts again.
func TestPublicationStoppedAnywhereLosesNothing(t *testing.T) {
	b := open(t)
	ctx := t.Context()
	rng := rand.New(rand.NewPCG(1, 2))
	crash := errors.New("crash")
	entries := 0
	for stop := range 200 {
		for range 1 + rng.IntN(40) {
			if _, err := b.Do(ctx, &Act{Verb: "probe.put"}, put(ctx, fmt.Sprint(entries))); err != nil {
				t.Fatal(err)
			}
			entries++
		}
		steps, at := 0, stop%9
		b.inject = func(string) error {
			if steps++; steps > at {
				return crash
			}
			return nil
		}
		if err := b.Settle(ctx); err != nil && !errors.Is(err, crash) {
			t.Fatalf("stop %d: %v", stop, err)
		}
		b = b.again(t)
		if stop%3 == 0 {
			if err := b.Settle(ctx); err != nil {
				t.Fatalf("after stop %d: %v", stop, err)
			}
			b.verify(t, entries)
		}
	}
}

func TestAFolderAheadOfTheDatabaseIsAFork(t *testing.T) {
	b := open(t)
	ctx := t.Context()
	act := func(id string) {
		t.Helper()
		if _, err := b.Do(ctx, &Act{Verb: "probe.put"}, put(ctx, id)); err != nil {
			t.Fatal(err)
		}
	}
	act("1")
	act("2")
	if err := b.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	older := func(stmt string) {
		if err := b.DB.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(ctx, stmt); return err }); err != nil {
			t.Fatal(err)
		}
	}
	older("DELETE FROM ledger_entry WHERE seq = 1")
	older("UPDATE ledger_head SET numbered = 1, published = 1, root = ''")
	if err := b.again(t).Settle(ctx); !errors.Is(err, ErrFork) {
		t.Errorf("a database from an older backup: %v", err)
	}
	b.verify(t, 2) // and nothing was signed over it
}

func TestALostFolderIsWrittenAgain(t *testing.T) {
	b := open(t)
	ctx := t.Context()
	for i := range 700 {
		if _, err := b.Do(ctx, &Act{Verb: "probe.put"}, put(ctx, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(b.Dir, tlog.CheckpointPath))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(b.Dir); err != nil {
		t.Fatal(err)
	}
	b = b.again(t)
	if err := b.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	b.verify(t, 700)
	if after, err := os.ReadFile(filepath.Join(b.Dir, tlog.CheckpointPath)); err != nil || string(after) != string(before) {
		t.Errorf("another checkpoint: %v", err)
	}
	// The same with an entry that was changed in the database.
	if err := b.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE ledger_entry SET leaf = replace(leaf, 'done', 'gone') WHERE seq = 5")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(b.Dir); err != nil {
		t.Fatal(err)
	}
	if err := b.again(t).Settle(ctx); !errors.Is(err, ErrFork) {
		t.Errorf("a changed database was signed: %v", err)
	}
}

func TestTwoNodesNumberInTurn(t *testing.T) {
	b := open(t)
	other := &bench{New(b.Config), b.keys}
	ctx := t.Context()
	var wg sync.WaitGroup
	for i := range 64 {
		node := b
		if i%2 == 1 {
			node = other
		}
		wg.Go(func() {
			if _, err := node.Do(ctx, &Act{Verb: "probe.put"}, put(ctx, fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
			if err := node.Settle(ctx); err != nil && !errors.Is(err, ErrNotHolder) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	errs := []error{b.Settle(ctx), other.Settle(ctx)}
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("exactly one holds the lease: %v", errs)
	}
	b.verify(t, 64)
}

func TestWordsAgree(t *testing.T) {
	if _, err := text.Load(Words); err != nil {
		t.Error(err)
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add([]byte(`{"v":1,"id":"a","at":"2026-11-05T02:18:00Z","verb":"a.b","outcome":"done","public":{"n":1}}`))
	f.Fuzz(func(t *testing.T, leaf []byte) {
		if e, err := ParseEntry(leaf); err == nil {
			if again, err := e.encode(); err != nil || again != string(leaf) {
				t.Errorf("not canonical: %q", leaf)
			}
		}
	})
}

// BenchmarkEntries measures durable entries with 64 writers while the log is
// published.
func BenchmarkEntries(b *testing.B) {
	l := open(b)
	ctx, stop := context.WithCancel(gate.With(context.Background(), alice))
	ended := make(chan error)
	go func() { ended <- l.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		<-ended
	})
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := l.Do(ctx, &Act{Verb: "probe.put", Object: "probe/1", Secret: "x"}, func(*db.Tx) error { return nil }); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

// What an act makes public may be of any shape: whoever reads the entry back
// finds it canonical.
func TestPublicFactsOfAnyShapeAreReadBack(t *testing.T) {
	l := open(t)
	type shape struct {
		Zebra string
		Apple int `json:"apple"`
	}
	for i, v := range []any{"x", 7, int64(8), 1.5, true, []string{"b", "a"}, []int{3, 1}, shape{"z", 1}, []shape{{"y", 2}}, map[string]any{"b": shape{"x", 3}}, nil} {
		r, err := l.Do(t.Context(), &Act{Verb: "probe.write", Public: map[string]any{"fact": v}}, func(*db.Tx) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseEntry([]byte(r.Leaf)); err != nil {
			t.Errorf("%d, %#v: %v", i, v, err)
		}
	}
}
