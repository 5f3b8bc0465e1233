package executor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/measure/act"
)

// A journal that lost lines, or whose lines were changed, is refused; a line that a
// crash cut off is not.
func TestJournal(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	w.live(h, "bad.example")
	h.Close()
	name := filepath.Join(w.dir, "hand", journalName)
	whole, err := os.ReadFile(name)
	w.must(err)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	for what, raw := range map[string][]byte{
		"nothing":        nil,
		"truncated":      bytes.Join(lines[:len(lines)-3], nil),
		"a line less":    append(append([]byte{}, bytes.Join(lines[:2], nil)...), bytes.Join(lines[3:], nil)...),
		"edited":         bytes.Replace(whole, []byte(`"rules":1`), []byte(`"rules":2`), 1),
		"another field":  append(append([]byte{}, whole...), []byte(`{"at":"2026-01-01T00:00:00Z","what":"told","x":1,"prev":""}`+"\n")...),
		"others' words":  []byte("hello\n"),
		"only the first": lines[0],
	} {
		w.must(os.WriteFile(name, raw, 0o600))
		if x, err := Open(context.Background(), w.config()); code(err) != ErrJournal.Code {
			t.Errorf("%s: %v", what, err)
			if err == nil {
				x.Close()
			}
		}
	}
	w.must(os.WriteFile(name, append(append([]byte{}, whole...), `{"at":"2026`...), 0o600))
	h = w.open()
	defer h.Close()
	w.holds("bad.example")
	if raw, err := os.ReadFile(name); err != nil || !bytes.HasPrefix(raw, whole) || !bytes.Contains(raw, []byte(`"what":"torn"`)) {
		t.Errorf("after a line that was cut off: %v %.200s", err, raw[len(whole):])
	}
}

var errKilled = errors.New("killed")

// The process dies at every single write of carrying an order out and of undoing
// it: after the next start the equipment holds all of the order or nothing, the
// hub knows which, and nothing is told twice.
func TestKilledAtEveryStep(t *testing.T) {
	steps := 0
	for n := 1; ; n++ {
		w := newWorld(t)
		left, dead := 1<<30, false
		w.inject = func(step string) error {
			if dead {
				return errKilled // nothing is written any more
			}
			if left--; left <= 0 {
				dead = true
				return fmt.Errorf("%s: %w", step, errKilled)
			}
			return nil
		}
		h := w.open()
		o := w.ask("bad.example", "worse.example")
		w.round(h)
		w.approve(o)
		left = n
		_ = h.Round(context.Background(), w, 0)
		if !dead {
			_, err := w.acts.Undo(w.as("reporter", gate.OperatorReporter), o.ID, "終わり。")
			w.must(err)
			_ = h.Round(context.Background(), w, 0)
		}
		died := dead
		h.Close()
		left, dead = 1<<30, false
		w.Clock.Pass(11 * time.Second)
		h = w.open()
		for range 3 {
			w.round(h)
		}
		v := w.show(o.ID)
		switch held := len(w.box.names()); {
		case v.State == act.Live && held == 2:
		case (v.State == act.Failed || v.State == act.Undone) && held == 0:
		default:
			t.Errorf("died at write %d: %s (%s), and the equipment holds %d", n, v.State, v.Reason, held)
		}
		if k := w.Entries(t, "act.take", "done"); k != 1 {
			t.Errorf("died at write %d: %d intents", n, k)
		}
		h.Close()
		if steps++; !died {
			break
		}
		if n > 500 {
			t.Fatal("it never ends")
		}
	}
	if steps < 10 {
		t.Errorf("only %d steps", steps)
	}
	t.Logf("died at each of %d writes", steps-1)
}

// Death between the equipment and the journal: what was told, or told to forget,
// and is not in the journal.
func TestKilledAtTheEquipment(t *testing.T) {
	for _, after := range []bool{false, true} {
		w := newWorld(t)
		h := w.open()
		o := w.ask("bad.example")
		w.round(h)
		w.approve(o)
		dead := false
		w.inject = nil
		h.journal.w.Inject = func(step string) error {
			if dead && !strings.HasPrefix(step, "remove") {
				return errKilled
			}
			return nil
		}
		calls := 0
		w.box.fail = nil
		inner := *w.box
		h.Equipment[0].Driver = &dying{box: &inner, at: func() { calls++; dead = true }, after: after}
		_ = h.Round(context.Background(), w, 0)
		h.Close()
		if calls == 0 {
			t.Fatal("the equipment was never told")
		}
		w.Clock.Pass(11 * time.Second)
		h = w.open()
		w.round(h)
		w.holds()
		if v := w.show(o.ID); v.State != act.Failed || v.Reason != "interrupted" {
			t.Errorf("%s %s", v.State, v.Reason)
		}
		h.Close()
	}
}
