package names

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/testkit"
)

func one(name string) []driver.Rule {
	return []driver.Rule{{Order: "order-1", Kind: driver.Sinkhole, Name: name, Answer: driver.NoDomain}}
}

// told opens a folder, makes steps of one name each, and closes it.
func told(t *testing.T, c Config, first uint32, list ...string) {
	t.Helper()
	s, err := Open(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range list {
		p, err := s.Plan(one(n), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(p, first+uint32(i), s.Full()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestStepsAreToldAgain(t *testing.T) {
	c := Config{Kind: driver.Sinkhole, Dir: t.TempDir(), Mark: "m", Max: 100}
	told(t, c, 5, "a.example", "b.example", "c.example")
	var got []string
	s, err := Open(c, func(from, to uint32) func(string, Effect, Effect) {
		return func(name string, before, after Effect) {
			if to != from+1 || before != (Effect{}) || after != (Effect{Here: NoDomain}) {
				t.Errorf("%d to %d, %s: %v to %v", from, to, name, before, after)
			}
			got = append(got, name)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// The first change is the snapshot; the others are steps behind it.
	if strings.Join(got, " ") != "b.example c.example" || s.Fresh() || s.Moved() {
		t.Errorf("%v fresh %v moved %v", got, s.Fresh(), s.Moved())
	}
	if r := s.Of("b.example"); len(r) != 1 || r[0] != one("b.example")[0] {
		t.Error(r)
	}
}

func TestAnotherMarkBeginsAnew(t *testing.T) {
	c := Config{Kind: driver.Sinkhole, Dir: t.TempDir(), Mark: "m", Max: 100}
	told(t, c, 5, "a.example", "b.example")
	c.Mark = "other"
	s, err := Open(c, func(uint32, uint32) func(string, Effect, Effect) { t.Error("a step was told"); return nil })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if h, _ := s.Held(); !s.Moved() || h.Names() != 2 {
		t.Error("it is not known that rules are written down otherwise")
	}
}

// Every byte that is changed is noticed, or belongs to a last step that was not
// whole; whatever is cut off the log leaves the steps before it.
func TestDamageIsNoticed(t *testing.T) {
	c := Config{Kind: driver.Sinkhole, Dir: t.TempDir(), Mark: "m", Max: 100}
	told(t, c, 5, "a.example", "b.example", "c.example")
	state, err := os.ReadFile(filepath.Join(c.Dir, snapshotFile))
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(c.Dir, logFile))
	if err != nil {
		t.Fatal(err)
	}
	open := func(state, log []byte) (names int, moved bool, err error) {
		dir := filepath.Join(c.Dir, "copy")
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, snapshotFile), state, 0o600), os.WriteFile(filepath.Join(dir, logFile), log, 0o600)); err != nil {
			t.Fatal(err)
		}
		s, err := Open(Config{Kind: c.Kind, Dir: dir, Mark: "m", Max: 100}, nil)
		if err != nil {
			return 0, false, err
		}
		h, _ := s.Held()
		return h.Names(), s.Moved(), s.Close()
	}
	for i := range state {
		bad := bytes.Clone(state)
		bad[i] ^= 1
		if _, _, err := open(bad, log); fault.Of(err).Code != "names.damaged" {
			t.Fatalf("byte %d of the snapshot: %v", i, err)
		}
	}
	last := len(logHead) + (len(log)-len(logHead))/2 // both steps are as long
	for i := range log {
		bad := bytes.Clone(log)
		bad[i] ^= 1
		n, moved, err := open(state, bad)
		if err == nil && i >= last && n == 2 && moved {
			continue
		}
		if fault.Of(err).Code != "names.damaged" {
			t.Fatalf("byte %d of the log: %d names, %v", i, n, err)
		}
	}
	for i := range log {
		n, moved, err := open(state, log[:i])
		want := 1
		if i >= last {
			want = 2
		}
		if whole := i == last || i <= len(logHead); err != nil || n != want || moved == whole && i != 0 {
			t.Fatalf("log of %d bytes: %d names, moved %v, %v", i, n, moved, err)
		}
	}
	if n, moved, err := open(state, append(bytes.Clone(log), make([]byte, 100)...)); n != 3 || !moved || err != nil {
		t.Errorf("room without a step: %d names, moved %v, %v", n, moved, err)
	}
	if _, _, err := open(state, append(bytes.Clone(log[:len(logHead)]), log[last:]...)); fault.Of(err).Code != "names.damaged" {
		t.Errorf("a step is missing: %v", err)
	}
	if err := os.Remove(filepath.Join(c.Dir, snapshotFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(c, nil); fault.Of(err).Code != "names.damaged" {
		t.Errorf("steps without their snapshot: %v", err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	c := Config{Kind: driver.Sinkhole, Dir: t.TempDir(), Mark: "m", Max: 2}
	s, err := Open(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(c, nil); fault.Of(err).Code != "names.locked" {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	told(t, c, 1, "a.example")
}

func TestTooManyAreRefused(t *testing.T) {
	c := Config{Kind: driver.Sinkhole, Dir: t.TempDir(), Mark: "m", Max: 2}
	told(t, c, 1, "a.example", "b.example")
	s, err := Open(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Plan(one("c.example"), nil, nil); fault.Of(err).Code != "names.many" {
		t.Error(err)
	}
	if _, err := s.Plan(one("c.example"), one("a.example"), nil); err != nil {
		t.Error(err)
	}
	if len(s.place) != 1 {
		t.Errorf("orders %v", s.place)
	}
}

// Orders come and go for years; those that hold nothing are forgotten.
func TestOldOrdersAreForgotten(t *testing.T) {
	c := Config{Kind: driver.Sinkhole, Dir: t.TempDir(), Mark: "m", Max: 1 << 20}
	s, err := Open(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	commit := func(add, remove []driver.Rule, serial uint32) {
		t.Helper()
		p, err := s.Plan(add, remove, nil)
		if err == nil {
			err = s.rewrite(p.Next, serial)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var many []driver.Rule
	for i := range 3000 {
		r := one("a.example")[0]
		r.Order = strings.Repeat("x", 1+i%60) + string(rune('a'+i/60))
		many = append(many, r)
	}
	commit(many, nil, 1)
	commit(one("b.example"), many[:2999], 2)
	if len(s.orders) != 2 || len(s.place) != 2 {
		t.Errorf("%d orders, %d places", len(s.orders), len(s.place))
	}
	if missing, extra := s.Compare([]driver.Rule{many[2999], one("b.example")[0]}, 9); missing != nil || extra != nil {
		t.Error(missing, extra)
	}
}

func TestReplaceIsWholeOrNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if _, err := Replace(file, 0o644, func(w io.Writer) error { _, err := io.WriteString(w, "one"); return err }); err != nil {
		t.Fatal(err)
	}
	if _, err := Replace(file, 0o644, func(w io.Writer) error {
		if _, err := io.WriteString(w, "half"); err != nil {
			return err
		}
		return io.ErrUnexpectedEOF
	}); fault.Of(err).Code != "names.cannot" {
		t.Error(err)
	}
	b, err := os.ReadFile(file)
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*"))
	if string(b) != "one" || err != nil || len(left) > 0 {
		t.Errorf("%q %v %v", b, err, left)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o644 {
		t.Error(info.Mode(), err)
	}
}

func TestWords(t *testing.T) { testkit.Said(t, "names", Words) }

// Whatever a folder holds, opening it ends, and what it accepts can be written
// and read again.
func FuzzFolder(f *testing.F) {
	c := Config{Kind: driver.Sinkhole, Dir: f.TempDir(), Mark: "m", Max: 100}
	s, err := Open(c, nil)
	if err != nil {
		f.Fatal(err)
	}
	p, err := s.Plan(one("a.example"), nil, nil)
	if err == nil {
		err = s.Commit(p, 1, s.Full())
	}
	if err != nil {
		f.Fatal(err)
	}
	state, err := os.ReadFile(filepath.Join(c.Dir, snapshotFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(state[len(snapshotHead):len(state)-32], s.pack(s.changes(one("b.example"), one("a.example"))))
	f.Fuzz(func(t *testing.T, body, step []byte) {
		s := &Store{held: &Held{}, place: map[string]uint32{}, mark: "m", kind: driver.Sinkhole}
		if why := s.parseSnapshot(sealed(body)); why == "" {
			n := 0
			s.held.Each(func(name []byte, e Effect) bool {
				if n++; s.held.Effect(string(name)) != e || e.Here == Nothing {
					t.Fatalf("%q is %v", name, e)
				}
				return true
			})
			if n != s.held.names {
				t.Fatalf("%d names, counted %d", n, s.held.names)
			}
		}
		if changes, ok := s.unpack(&reader{data: step}); ok {
			again, ok := s.unpack(&reader{data: s.pack(changes)})
			if !ok || len(again) != len(changes) {
				t.Fatalf("%v became %v", changes, again)
			}
		}
	})
}
