package exposure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/text"
)

// closed is a pipe whose reader goes away after some writes.
type closed struct{ left int }

var errClosed = errors.New("closed")

func (c *closed) Write(p []byte) (int, error) {
	if c.left--; c.left < 0 {
		return 0, errClosed
	}
	return len(p), nil
}

// A long list gives the lines that its rows give one after the other, however
// many match it; one that breaks off gives those of the rows before, and a
// reader that goes away ends the work.
func TestMatchMany(t *testing.T) {
	words, err := text.Load(cli.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	p := words.Printer(text.EN, nil)
	s := stated(t)
	var list strings.Builder
	list.WriteString("key,maker,product,version,zone\n")
	for i := range 20*someRows + 7 {
		fmt.Fprintf(&list, "eq-%d,Fortinet,FortiOS,7.4.%d,%s\n", i, i*i%5, []string{"internet", "ot", ""}[i%3])
	}
	match := func(list string, json bool) (string, matched, error) {
		var out bytes.Buffer
		m, err := s.list(context.Background(), "list.csv", strings.NewReader(list), int64(len(list)), &out, p, json, false)
		return out.String(), m, err
	}
	for _, json := range []bool{true, false} {
		var want bytes.Buffer
		w := newMatching(s, p, json, false, newTold())
		rows, _, _, err := s.ReadEquipment("list.csv", strings.NewReader(list.String()), int64(list.Len()), func(e *Equipment) error {
			return w.equipment(e, func() error { want.Write(w.out); w.out = w.out[:0]; return nil })
		})
		if err != nil {
			t.Fatal(err)
		}
		got, m, err := match(list.String(), json)
		lines := strings.Count(got, "\n")
		if !json { // the reason stands below
			lines /= 2
		}
		if err != nil || m.rows != rows || m.bad != 0 || m.affected != lines || m.affected < rows/2 {
			t.Fatalf("%+v of %d rows, %d lines, %v", m, rows, strings.Count(got, "\n"), err)
		}
		if got != want.String() {
			t.Errorf("json %v: the lines differ from those of one row after the other", json)
		}
		broken := list.String() + "\"open,Fortinet,FortiOS,7.4.1,ot\n"
		if after, m, err := match(broken, json); err == nil || after != got || m.rows != rows {
			t.Errorf("a list that breaks off: %+v, %d of %d bytes, %v", m, len(after), len(got), err)
		}
	}
	long := list.String()
	_, err = s.list(context.Background(), "list.csv", strings.NewReader(long), int64(len(long)), &closed{1}, p, true, false)
	if !errors.Is(err, errClosed) {
		t.Errorf("nobody reads: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.list(ctx, "list.csv", strings.NewReader(long), int64(len(long)), &bytes.Buffer{}, p, true, false); !errors.Is(err, context.Canceled) {
		t.Errorf("broken off: %v", err)
	}
}
