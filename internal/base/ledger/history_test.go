package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/engine/tlog"
)

// TestADatabaseThatOutgrewAForkedFolderIsAFork restores the database alone
// from an older backup and lets more acts happen than were lost, so that
// sizes no longer tell: the folder's entries still are not the database's.
func TestADatabaseThatOutgrewAForkedFolderIsAFork(t *testing.T) {
	b := open(t)
	ctx := t.Context()
	act := func(id string) {
		t.Helper()
		if _, err := b.Do(ctx, &Act{Verb: "probe.put"}, put(ctx, id)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		act(fmt.Sprint(i))
	}
	if err := b.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	var root string
	if err := b.DB.Read(ctx, func(tx *db.Tx) error { return tx.QueryRow(ctx, "SELECT root FROM ledger_head").Scan(&root) }); err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		act(fmt.Sprint("lost", i))
	}
	if err := b.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(b.Dir, tlog.CheckpointPath))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.DB.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM ledger_entry WHERE seq >= 3"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE ledger_head SET numbered = 3, published = 3, root = $1", root)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for i := range 310 {
		act(fmt.Sprint("new", i))
	}
	for range 2 { // nor after another start
		if b = b.again(t); !errors.Is(b.Settle(ctx), ErrFork) {
			t.Error("a second history was signed")
		}
	}
	if after, err := os.ReadFile(filepath.Join(b.Dir, tlog.CheckpointPath)); err != nil || string(after) != string(before) {
		t.Errorf("the checkpoint changed: %v", err)
	}
}

// TestNumbersWithoutProofsAreLate fails every publication: the entries have
// numbers, and nobody can prove one.
func TestNumbersWithoutProofsAreLate(t *testing.T) {
	b := open(t)
	ctx := t.Context()
	if _, err := b.Do(ctx, &Act{Verb: "probe.put"}, put(ctx, "1")); err != nil {
		t.Fatal(err)
	}
	b.inject = func(string) error { return errors.New("disk full") }
	if err := b.Settle(ctx); err == nil {
		t.Fatal("published")
	}
	start := b.Now()
	b.Now = func() time.Time { return start.Add(2 * promise) }
	if s, err := b.Status(ctx); err != nil || !s.Late || s.Numbered != 1 || s.Published != 0 {
		t.Errorf("%+v %v", s, err)
	}
	b.inject = nil
	if err := b.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if s, err := b.Status(ctx); err != nil || s.Late || s.Oldest != 0 {
		t.Errorf("%+v %v", s, err)
	}
}

// TestARefusedActLeavesNoWordsInTheLog asks for what is refused under names
// that are no ids: what a person typed must not stay for ever, nor be too
// long to be recorded.
func TestARefusedActLeavesNoWordsInTheLog(t *testing.T) {
	b := open(t)
	ctx := gate.With(t.Context(), alice)
	refusal := fault.New(fault.Refused, "probe.no")
	for _, typed := range []string{"case/山田 太郎 090-0000-0000", "case/" + strings.Repeat("x", 70_000), "case/a\nb", "case/<b>"} {
		rcpt, err := b.Do(ctx, &Act{Verb: "probe.open", Object: typed, Purpose: typed}, func(*db.Tx) error { return refusal })
		if !errors.Is(err, refusal) || rcpt.Entry == "" {
			t.Errorf("%.20q: %v", typed, err)
			continue
		}
		e, err := ParseEntry([]byte(rcpt.Leaf))
		if err != nil || e.Outcome != Refused || e.Object != "?" || e.Purpose != "?" {
			t.Errorf("%.20q: %.200q %v", typed, rcpt.Leaf, err)
		}
	}
	rcpt, err := b.Do(ctx, &Act{Verb: "probe.open", Object: "case/019a-B_c.d", Purpose: "art9.analysis"}, func(*db.Tx) error { return refusal })
	if e, perr := ParseEntry([]byte(rcpt.Leaf)); perr != nil || e.Object != "case/019a-B_c.d" || e.Purpose != "art9.analysis" {
		t.Errorf("%v %v", err, perr)
	}
}
