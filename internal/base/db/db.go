// Package db is the one place that knows two databases apart: SQLite, the
// default, and PostgreSQL. Nouns write one SQL text for both: $1 placeholders,
// TEXT ids, BIGINT microseconds, JSON as TEXT, BYTEA for bytes.
//
// On SQLite one goroutine writes and commits in groups: while a commit waits
// for the disk the next jobs queue up and share the next one. Each job runs in
// its own savepoint, so one that fails takes nothing with it.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrNoRows is returned when a query for one row finds none.
var ErrNoRows = sql.ErrNoRows

// Rows and Row are what queries return, so that only this package and store
// files name database/sql.
type (
	Rows = sql.Rows
	Row  = sql.Row
)

// DB is an open database.
type DB struct {
	postgres bool
	pool     *sql.DB   // SQLite: readers only
	writer   *writer   // SQLite only
	prepared *prepared // SQLite only: pgx prepares by itself
}

// Open opens a database. The source is "postgres://…" or the path of a SQLite
// file, which is created, with its folder, when it is not there.
func Open(ctx context.Context, source string) (*DB, error) {
	if strings.HasPrefix(source, "postgres://") || strings.HasPrefix(source, "postgresql://") {
		return openPostgres(ctx, source)
	}
	return openSQLite(ctx, source)
}

func openPostgres(ctx context.Context, source string) (*DB, error) {
	pool, err := sql.Open("pgx", source)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	pool.SetMaxOpenConns(24)
	pool.SetMaxIdleConns(24)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	if err := pool.PingContext(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	return &DB{postgres: true, pool: pool}, nil
}

func openSQLite(ctx context.Context, path string) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	dsn := func(extra ...string) string {
		q := url.Values{"_pragma": append([]string{
			"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)", "temp_store(MEMORY)", "trusted_schema(OFF)",
		}, extra...)}
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
	}
	wdb, err := sql.Open("sqlite", dsn("cache_size(-32768)"))
	if err != nil {
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	wdb.SetMaxOpenConns(1)
	if err := wdb.PingContext(ctx); err != nil { // creates the file in WAL mode before any reader
		wdb.Close()
		return nil, fmt.Errorf("open SQLite %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		wdb.Close()
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	pool, err := sql.Open("sqlite", dsn("query_only(ON)", "cache_size(-4096)"))
	if err != nil {
		wdb.Close()
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	pool.SetMaxOpenConns(8)
	pool.SetMaxIdleConns(8)
	w, err := startWriter(ctx, wdb)
	if err != nil {
		wdb.Close()
		pool.Close()
		return nil, err
	}
	return &DB{pool: pool, writer: w, prepared: &prepared{pool: pool, stmts: map[string]*sql.Stmt{}}}, nil
}

// closing bounds how long Close waits for readers.
const closing = 10 * time.Second

// Close ends the database after the writes under way. When it returns nothing
// of ours holds its files, or makes them again, and all is in the one file,
// unless a reader takes longer than ten seconds.
func (d *DB) Close() error {
	if d.writer != nil {
		d.writer.stop()
	}
	err := d.pool.Close()
	// The pool does not wait for those who read, for connections that are given
	// back aside when a context ends, and for statements under preparation.
	for end := time.Now().Add(closing); d.pool.Stats().OpenConnections > 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if d.writer != nil { // last and alone, so that it can put the log of writes into the file
		err = errors.Join(err, d.writer.close())
	}
	return err
}

// Postgres reports whether this is PostgreSQL; for benchmarks and backups,
// never to choose SQL.
func (d *DB) Postgres() bool { return d.postgres }

// Read runs fn in a read-only transaction: one snapshot for all its queries.
func (d *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	opts := &sql.TxOptions{}
	if d.postgres { // SQLite reads a snapshot, on connections that cannot write
		opts = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	tx, err := d.pool.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin read: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing to undo
	if d.postgres {
		return fn(&Tx{q: tx, postgres: true})
	}
	return fn(&Tx{q: preparedTx{tx, d.prepared}})
}

// Write runs fn in a transaction and commits it durably. When fn returns an
// error or panics, all it did is undone. fn must not call Write.
func (d *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	if d.writer != nil {
		return d.writer.do(ctx, fn)
	}
	tx, err := d.pool.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // a no-op after commit
	t := &Tx{q: tx, postgres: true}
	if err := t.mark(ctx); err != nil {
		return err
	}
	if err := fn(t); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// querier is what a transaction can do on either database.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Tx is a transaction.
type Tx struct {
	q        querier
	postgres bool
}

// Exec runs a statement and returns the number of rows it changed.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := t.q.ExecContext(ctx, query, holdable(args)...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Query runs a query for many rows; the caller closes them.
func (t *Tx) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	return t.q.QueryContext(ctx, query, holdable(args)...)
}

// QueryRow runs a query for one row.
func (t *Tx) QueryRow(ctx context.Context, query string, args ...any) *Row {
	return t.q.QueryRowContext(ctx, query, holdable(args)...)
}

// holdable replaces in texts what PostgreSQL cannot hold, NUL and bytes that
// are no UTF-8, by U+FFFD as reading JSON does; on SQLite too, so that both
// find and restore the same. Bytes stay as they are.
func holdable(args []any) []any {
	ours := false
	for i, a := range args {
		s, ok := a.(string)
		if !ok {
			v := reflect.ValueOf(a)
			if v.Kind() != reflect.String {
				continue
			}
			s = v.String()
		}
		if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
			if !ours {
				args, ours = slices.Clone(args), true
			}
			args[i] = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
		}
	}
	return args
}

// Rewind undoes all that this Write did so far and lets it go on: a refusal
// takes its effects back but keeps its record.
func (t *Tx) Rewind(ctx context.Context) error {
	_, err := t.q.ExecContext(ctx, "ROLLBACK TO SAVEPOINT job")
	return err
}

func (t *Tx) mark(ctx context.Context) error {
	_, err := t.q.ExecContext(ctx, "SAVEPOINT job")
	return err
}

// ForUpdate ends a SELECT that reads what the transaction will change. SQLite
// has one writer and needs nothing.
func (t *Tx) ForUpdate() string {
	if t.postgres {
		return " FOR UPDATE"
	}
	return ""
}

// SkipLocked ends a SELECT that takes work nobody else has taken.
func (t *Tx) SkipLocked() string {
	if t.postgres {
		return " FOR UPDATE SKIP LOCKED"
	}
	return ""
}

// IsUnique reports whether err says that a row with this key exists.
func IsUnique(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && (lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// Micros is the stored form of an instant: microseconds since 1970, UTC. The
// zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is the instant of a stored form, in UTC; 0 is the zero time.
func Time(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
