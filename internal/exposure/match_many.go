package exposure

import (
	"context"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/product"
)

// Bounds of matching a list with several processors.
const (
	someRows  = 256      // of the list, matched by one at a time
	someLines = 64 << 10 // bytes that are handed on at a time
	ahead     = 4        // such bytes that wait for their turn, of each some rows
)

// some are rows of a list that lie one after the other, and what is said of
// them.
type some struct {
	rows  []Equipment
	lines chan []byte
}

// list matches a whole list and writes the lines in the order of the list. One
// goroutine reads, one writes, and as many as there are processors match; none
// of them runs far ahead of the next, so that memory is bounded whatever the
// list and whatever is said of it.
func (s *Stated) list(ctx context.Context, name string, in io.ReaderAt, size int64, out io.Writer, p text.Printer, json, all bool) (m matched, err error) {
	workers := runtime.GOMAXPROCS(0)
	g, ctx := errgroup.WithContext(ctx)
	todo, order := make(chan *some), make(chan *some, 2*workers)
	counts := make([][3]int, workers)
	told := newTold()
	for i := range workers {
		g.Go(func() error {
			w := newMatching(s, p, json, all, told)
			defer func() { counts[i] = w.counts }()
			for b := range todo {
				if err := w.match(ctx, b); err != nil {
					return err
				}
			}
			return nil
		})
	}
	g.Go(func() error {
		for b := range order {
			for lines := range b.lines {
				if _, err := out.Write(lines); err != nil {
					return err // the reader of the pipe is gone
				}
			}
		}
		return nil
	})
	var unread error // a list that breaks off does not end the matching of what came before
	g.Go(func() error {
		defer close(order)
		defer close(todo)
		m.rows, m.bad, m.places, unread = s.readSome(ctx, name, in, size, order, todo)
		return nil
	})
	if err = g.Wait(); err == nil {
		err = unread
	}
	for _, c := range counts {
		m.affected, m.unknown = m.affected+c[product.VerdictAffected], m.unknown+c[product.Unknown]
	}
	return m, err
}

// matched is what matching a list came to.
type matched struct {
	rows, bad         int
	places            []fault.Place // of rows that could not be accepted
	affected, unknown int
}

// readSome reads a list and hands its rows on: to the one who writes, who has
// to know their order, then to those who match.
func (s *Stated) readSome(ctx context.Context, name string, in io.ReaderAt, size int64, order, todo chan<- *some) (rows, bad int, places []fault.Place, err error) {
	var b *some
	hand := func() error {
		for _, to := range [...]chan<- *some{order, todo} {
			select {
			case to <- b:
			case <-ctx.Done():
				close(b.lines)
				return ctx.Err()
			}
		}
		b = nil
		return nil
	}
	rows, bad, places, err = s.ReadEquipment(name, in, size, func(e *Equipment) error {
		if b == nil {
			b = &some{rows: make([]Equipment, 0, someRows), lines: make(chan []byte, ahead)}
		}
		if b.rows = append(b.rows, *e); len(b.rows) < someRows {
			return nil
		}
		return hand()
	})
	if b != nil && ctx.Err() == nil {
		if e := hand(); err == nil {
			err = e
		}
	}
	return rows, bad, places, err
}

// match matches some rows and hands their lines on.
func (w *matching) match(ctx context.Context, b *some) error {
	defer close(b.lines)
	hand := func() error {
		if len(w.out) == 0 {
			return nil
		}
		select {
		case b.lines <- w.out:
		case <-ctx.Done():
			return ctx.Err()
		}
		w.out = make([]byte, 0, someLines+someLines/8)
		return nil
	}
	for i := range b.rows {
		if err := w.equipment(&b.rows[i], func() error {
			if len(w.out) < someLines {
				return nil
			}
			return hand()
		}); err != nil {
			return err
		}
	}
	return hand()
}
