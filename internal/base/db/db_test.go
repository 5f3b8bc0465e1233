package db

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"
)

var schema = fstest.MapFS{
	"migrations/0001_first.sql": {Data: []byte("CREATE TABLE probe_row (id TEXT PRIMARY KEY, n BIGINT NOT NULL, b BYTEA);\n")},
	"migrations/0002_more.sql":  {Data: []byte("ALTER TABLE probe_row ADD COLUMN note TEXT NOT NULL DEFAULT '';\nCREATE INDEX probe_row_n ON probe_row (n);\n")},
}

// each runs a test on SQLite and, when NOROSHI_TEST_DB names one, PostgreSQL.
func each(t *testing.T, fn func(t *testing.T, d *DB)) {
	sources := map[string]string{"sqlite": filepath.Join(t.TempDir(), "t.db")}
	if pg := os.Getenv("NOROSHI_TEST_DB"); pg != "" {
		sources["postgres"] = pg
	} else if os.Getenv("NOROSHI_TEST_ALL") == "1" {
		t.Error("NOROSHI_TEST_DB is not set")
	}
	for name, src := range sources {
		t.Run(name, func(t *testing.T) {
			d, err := Open(t.Context(), src)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { d.Close() })
			if d.Postgres() {
				for _, q := range []string{"DROP TABLE IF EXISTS probe_row", "DROP TABLE IF EXISTS db_migration"} {
					if err := d.Write(t.Context(), func(tx *Tx) error { _, err := tx.Exec(t.Context(), q); return err }); err != nil {
						t.Fatal(err)
					}
				}
			}
			if n, err := d.Migrate(t.Context(), Source{"probe", schema}); err != nil || n != 2 {
				t.Fatalf("migrate: %d, %v", n, err)
			}
			fn(t, d)
		})
	}
}

func count(t *testing.T, d *DB) (n int) {
	t.Helper()
	if err := d.Read(t.Context(), func(tx *Tx) error {
		return tx.QueryRow(t.Context(), "SELECT count(*) FROM probe_row").Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func insert(ctx context.Context, tx *Tx, id string) error {
	_, err := tx.Exec(ctx, "INSERT INTO probe_row (id, n, b) VALUES ($1, $2, $3)", id, 1, []byte{0, 255})
	return err
}

func TestMigrateIsForwardOnly(t *testing.T) {
	each(t, func(t *testing.T, d *DB) {
		if n, err := d.Migrate(t.Context(), Source{"probe", schema}); err != nil || n != 0 {
			t.Fatalf("again: %d, %v", n, err)
		}
		changed := fstest.MapFS{"migrations/0001_first.sql": {Data: []byte("CREATE TABLE other (id TEXT);\n")}}
		if _, err := d.Migrate(t.Context(), Source{"probe", changed}); err == nil {
			t.Error("a changed migration must be refused")
		}
	})
}

func TestWriteUndoesOnlyItself(t *testing.T) {
	each(t, func(t *testing.T, d *DB) {
		boom := errors.New("boom")
		var wg sync.WaitGroup
		var failed, cancelled atomic.Int32
		for i := range 200 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				err := d.Write(ctx, func(tx *Tx) error {
					if err := insert(ctx, tx, fmt.Sprint(i)); err != nil {
						return err
					}
					switch i % 4 {
					case 1:
						return boom
					case 2: // an error of the database itself, mid-job
						return insert(ctx, tx, fmt.Sprint(i))
					case 3:
						if err := tx.Rewind(ctx); err != nil {
							return err
						}
						return insert(ctx, tx, fmt.Sprint("rewound", i))
					}
					return nil
				})
				switch {
				case errors.Is(err, boom):
					failed.Add(1)
				case i%4 == 2 && !IsUnique(err):
					t.Errorf("job %d: %v", i, err)
				case i%4 != 2 && err != nil:
					t.Errorf("job %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if got := count(t, d); got != 100 || failed.Load() != 50 || cancelled.Load() != 0 {
			t.Errorf("%d rows, %d failed", got, failed.Load())
		}
	})
}

func TestWritePanicReachesTheCaller(t *testing.T) {
	each(t, func(t *testing.T, d *DB) {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			_ = d.Write(t.Context(), func(tx *Tx) error {
				if err := insert(t.Context(), tx, "p"); err != nil {
					return err
				}
				panic("BUG: probe")
			})
		}()
		if n := count(t, d); n != 0 {
			t.Errorf("%d rows after a panic", n)
		}
		if err := d.Write(t.Context(), func(tx *Tx) error { return insert(t.Context(), tx, "q") }); err != nil {
			t.Errorf("the writer must live on: %v", err)
		}
	})
}

func TestReadersCannotWrite(t *testing.T) {
	each(t, func(t *testing.T, d *DB) {
		if err := d.Read(t.Context(), func(tx *Tx) error { return insert(t.Context(), tx, "r") }); err == nil {
			t.Error("a read wrote")
		}
	})
}

func TestCursor(t *testing.T) {
	var name string
	var at int64
	if ok, err := ParseCursor(Cursor("あ", int64(1)<<60), &name, &at); !ok || err != nil || name != "あ" || at != 1<<60 {
		t.Errorf("%v %v %q %d", ok, err, name, at)
	}
	for _, bad := range []string{"%", "e30", Cursor("a"), Cursor(1, "a")} {
		if _, err := ParseCursor(bad, &name, &at); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}

func TestMicros(t *testing.T) {
	now := time.Now()
	if got := Time(Micros(now)); !got.Equal(now.Truncate(time.Microsecond)) || !Time(Micros(time.Time{})).IsZero() {
		t.Error(got)
	}
}

func TestDumpComesBack(t *testing.T) {
	each(t, func(t *testing.T, d *DB) {
		ctx := t.Context()
		var lines [][]byte
		if err := d.Write(ctx, func(tx *Tx) error { return insert(ctx, tx, "a\n\"あ") }); err != nil {
			t.Fatal(err)
		}
		if err := d.Read(ctx, func(tx *Tx) error {
			tables, err := tx.Tables(ctx)
			if err != nil || !slices.Contains(tables, "probe_row") || !slices.Contains(tables, "db_migration") {
				t.Errorf("%v %v", tables, err)
			}
			_, err = tx.Dump(ctx, "probe_row", func(line []byte) error { lines = append(lines, bytes.Clone(line)); return nil })
			return err
		}); err != nil || len(lines) != 1 {
			t.Fatalf("%q %v", lines, err)
		}
		if err := d.Write(ctx, func(tx *Tx) error {
			if _, err := tx.Exec(ctx, "DELETE FROM probe_row"); err != nil {
				return err
			}
			columns, err := tx.Columns(ctx, "probe_row")
			if err != nil {
				return err
			}
			if err := tx.Undump(ctx, "probe_row", columns[1:], lines[0]); err == nil {
				t.Error("a row with a column too many was taken")
			}
			return tx.Undump(ctx, "probe_row", columns, lines[0])
		}); err != nil {
			t.Fatal(err)
		}
		var id string
		var b []byte
		if err := d.Read(ctx, func(tx *Tx) error {
			return tx.QueryRow(ctx, "SELECT id, b FROM probe_row WHERE n = 1").Scan(&id, &b)
		}); err != nil || id != "a\n\"あ" || !bytes.Equal(b, []byte{0, 255}) {
			t.Errorf("%q %v %v", id, b, err)
		}
	})
}

// TestTextThatPostgresCannotHoldIsReplaced writes and looks for what a form or
// an address can carry: a NUL, and bytes that are no UTF-8.
func TestTextThatPostgresCannotHoldIsReplaced(t *testing.T) {
	type id string
	each(t, func(t *testing.T, d *DB) {
		ctx := t.Context()
		for raw, want := range map[string]string{"a\x00b": "a\uFFFDb", "a\xffb": "a\uFFFDb", "あ": "あ"} {
			if err := d.Write(ctx, func(tx *Tx) error {
				if _, err := tx.Exec(ctx, "DELETE FROM probe_row"); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, "INSERT INTO probe_row (id, n, b) VALUES ($1, $2, $3)", id(raw), 1, []byte(raw))
				return err
			}); err != nil {
				t.Errorf("%q: %v", raw, err)
				continue
			}
			if err := d.Read(ctx, func(tx *Tx) error {
				var got string
				var b []byte
				if err := tx.QueryRow(ctx, "SELECT id, b FROM probe_row WHERE id = $1", raw).Scan(&got, &b); err != nil || got != want || string(b) != raw {
					t.Errorf("%q: %q %q %v", raw, got, b, err)
				}
				rows, err := tx.Query(ctx, "SELECT id FROM probe_row WHERE id = $1", id("none"+raw))
				if err == nil {
					defer rows.Close()
					if rows.Next() || rows.Err() != nil {
						t.Errorf("%q: %v", raw, rows.Err())
					}
				}
				return err
			}); err != nil {
				t.Errorf("%q: %v", raw, err)
			}
		}
	})
}

// TestNodesThatStartTogetherMigrateOnce opens a fresh database from several
// nodes at once.
func TestNodesThatStartTogetherMigrateOnce(t *testing.T) {
	each(t, func(t *testing.T, d *DB) {
		ctx := t.Context()
		for range 5 {
			for _, q := range []string{"DROP TABLE probe_row", "DROP TABLE db_migration"} {
				if err := d.Write(ctx, func(tx *Tx) error { _, err := tx.Exec(ctx, q); return err }); err != nil {
					t.Fatal(err)
				}
			}
			var wg sync.WaitGroup
			var applied atomic.Int32
			for range 8 {
				wg.Go(func() {
					n, err := d.Migrate(ctx, Source{"probe", schema})
					if err != nil {
						t.Error(err)
					}
					applied.Add(int32(n))
				})
			}
			wg.Wait()
			if applied.Load() != 2 {
				t.Errorf("%d migrations applied, want 2", applied.Load())
			}
		}
	})
}
