package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"noroshi/internal/base/fault"
)

// maxGroup bounds how many jobs share one commit, and so how long the first
// of them waits; maxQueue bounds the queue before callers have to wait.
const (
	maxGroup = 128
	maxQueue = 1024
)

// errClosed is returned for writes after Close.
var errClosed = fault.New(fault.Busy, "db.closed")

type job struct {
	ctx   context.Context
	fn    func(*Tx) error
	done  chan struct{}
	err   error
	panic any
}

// writer owns SQLite's only writing connection.
type writer struct {
	db    *sql.DB
	conn  *cachedConn
	jobs  chan *job
	quit  chan struct{}
	ended chan struct{}
	once  sync.Once
}

func startWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("open SQLite writer: %w", err)
	}
	w := &writer{db: db, conn: &cachedConn{conn, map[string]*sql.Stmt{}}, jobs: make(chan *job, maxQueue), quit: make(chan struct{}), ended: make(chan struct{})}
	go w.run()
	return w, nil
}

// stop ends the writes and returns after those under way.
func (w *writer) stop() {
	w.once.Do(func() { close(w.quit) })
	<-w.ended
}

func (w *writer) close() error {
	w.conn.forget() // SQLite keeps its files open while there is a statement
	return errors.Join(w.conn.Close(), w.db.Close())
}

func (w *writer) do(ctx context.Context, fn func(*Tx) error) error {
	j := &job{ctx: ctx, fn: fn, done: make(chan struct{})}
	select {
	case w.jobs <- j:
	case <-w.quit:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-j.done:
	case <-w.ended: // closed between our send and its receive
		select {
		case <-j.done:
		default:
			return errClosed
		}
	}
	if j.panic != nil {
		panic(j.panic)
	}
	return j.err
}

func (w *writer) run() {
	defer close(w.ended)
	for {
		select {
		case j := <-w.jobs:
			w.group(j)
		case <-w.quit:
			return
		}
	}
}

// group runs the first job and those that queue behind it, commits them
// together and only then answers any of them.
func (w *writer) group(first *job) {
	// The group's transaction outlives the request that happens to come first.
	ctx := context.Background()
	ran := make([]*job, 0, maxGroup)
	_, err := w.conn.ExecContext(ctx, "BEGIN IMMEDIATE")
	if err == nil {
		for j := first; j != nil; {
			ran = append(ran, j)
			w.runJob(ctx, j)
			if len(ran) == maxGroup {
				break // before next, which would take a job that nobody runs
			}
			j = w.next()
		}
		if _, err = w.conn.ExecContext(ctx, "COMMIT"); err != nil {
			_, _ = w.conn.ExecContext(ctx, "ROLLBACK")
		}
	} else {
		ran = append(ran, first)
	}
	for _, j := range ran {
		if err != nil {
			j.err = fmt.Errorf("commit: %w", err)
		}
		close(j.done)
	}
}

func (w *writer) next() *job {
	select {
	case j := <-w.jobs:
		return j
	default:
		return nil
	}
}

func (w *writer) runJob(ctx context.Context, j *job) {
	if j.err = j.ctx.Err(); j.err != nil {
		return
	}
	t := &Tx{q: w.conn}
	if j.err = t.mark(ctx); j.err != nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			j.panic, j.err = p, errors.New("panic in a write")
		}
		if j.err != nil {
			if err := t.Rewind(ctx); err != nil {
				j.err = errors.Join(j.err, err)
			}
		}
		if _, err := w.conn.ExecContext(ctx, "RELEASE SAVEPOINT job"); err != nil {
			j.err = errors.Join(j.err, err)
		}
	}()
	j.err = j.fn(t)
}

// cachedConn prepares each statement once. Contexts are cut off from their
// cancellation: a request that goes away must not interrupt the group.
type cachedConn struct {
	*sql.Conn
	stmts map[string]*sql.Stmt
}

// maxStmts bounds the cache; SQL texts are constants, so it is not reached in
// practice.
const maxStmts = 512

func (c *cachedConn) prepare(query string) (*sql.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	s, err := c.Conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	if len(c.stmts) >= maxStmts {
		c.forget()
	}
	c.stmts[query] = s
	return s, nil
}

func (c *cachedConn) forget() {
	for _, s := range c.stmts {
		s.Close()
	}
	clear(c.stmts)
}

func (c *cachedConn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.WithoutCancel(ctx), args...)
}

func (c *cachedConn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.WithoutCancel(ctx), args...)
}

func (c *cachedConn) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := c.prepare(query)
	if err != nil {
		return c.Conn.QueryRowContext(ctx, query, args...) // reports the same error through the row
	}
	return s.QueryRowContext(context.WithoutCancel(ctx), args...)
}
