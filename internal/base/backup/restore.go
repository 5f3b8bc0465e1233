package backup

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"noroshi/internal/base/db"
)

// restore is a restore under way.
type restore struct {
	hub     Hub
	columns map[string][]string // of each table of the empty hub
	had     map[string]bool     // its migrations, as Dump gives them without time
}

// begin refuses a hub in use, and empties the few rows that migrations made.
func (r *restore) begin(ctx context.Context) error {
	return r.hub.DB.Write(ctx, func(tx *db.Tx) error {
		tables, err := tx.Tables(ctx)
		if err != nil {
			return err
		}
		var entries int64
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM ledger_entry").Scan(&entries); err != nil {
			return err
		}
		if entries > 0 {
			return ErrNotEmpty
		}
		for _, table := range tables {
			if r.columns[table], err = tx.Columns(ctx, table); err != nil {
				return err
			}
			if table == "db_migration" {
				if r.had, err = migrations(ctx, tx); err != nil {
					return err
				}
			}
			if _, err := tx.Exec(ctx, "DELETE FROM "+table); err != nil {
				return err
			}
		}
		return nil
	})
}

// end frees the ledger from the node that numbered it when the backup was
// made.
func (r *restore) end(ctx context.Context) error {
	return r.hub.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE ledger_head SET holder = '', lease_until = 0")
		return err
	})
}

func migrations(ctx context.Context, tx *db.Tx) (map[string]bool, error) {
	rows, err := tx.Query(ctx, "SELECT noun, name, digest FROM db_migration")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var noun, name, digest string
		if err := rows.Scan(&noun, &name, &digest); err != nil {
			return nil, err
		}
		out[noun+"/"+name+" "+digest] = true
	}
	return out, rows.Err()
}

func (r *restore) rows(ctx context.Context, table string, in io.Reader) (n int64, err error) {
	columns, ok := r.columns[table]
	if !ok {
		return 0, ErrVersion
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 1<<20), maxRow)
	err = r.hub.DB.Write(ctx, func(tx *db.Tx) error {
		for lines.Scan() {
			if err := tx.Undump(ctx, table, columns, lines.Bytes()); err != nil {
				return ErrDamaged.Because(err)
			}
			n++
		}
		if err := lines.Err(); err != nil {
			return ErrDamaged.Because(err)
		}
		if table != "db_migration" {
			return nil
		}
		now, err := migrations(ctx, tx)
		if err != nil {
			return err
		}
		for name := range now {
			if !r.had[name] {
				return ErrVersion
			}
		}
		if len(now) != len(r.had) {
			return ErrVersion
		}
		return nil
	})
	return n, err
}

// file writes an attachment or a key below its folder, never over another.
func (r *restore) file(dir, name string, in io.Reader) error {
	root := r.hub.Blobs
	if dir == "keys" {
		root = r.hub.Keys
	}
	if root == "" || !filepath.IsLocal(filepath.FromSlash(name)) {
		return ErrDamaged
	}
	file := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	mode := os.FileMode(0o600)
	if filepath.Ext(name) == ".vkey" {
		mode = 0o644
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer f.Close()
	if _, err := io.Copy(f, in); err != nil {
		return ErrDamaged.Because(err)
	}
	return f.Sync()
}
