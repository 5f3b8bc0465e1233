package db

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// Source is the migrations of one noun: files NNNN_what.sql in its
// migrations folder, applied in order of name, each once.
type Source struct {
	Noun string
	FS   fs.FS
}

// Migrate applies what is new, forward only. A file that was applied and has
// changed since is an error: history is not rewritten.
func (d *DB) Migrate(ctx context.Context, sources ...Source) (applied int, err error) {
	err = d.Write(ctx, func(tx *Tx) error {
		if tx.postgres { // IF NOT EXISTS alone fails when two nodes start at once
			if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(5133947201)"); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS db_migration (
			noun TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, applied_at BIGINT NOT NULL, PRIMARY KEY (noun, name))`)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("migrate: %w", err)
	}
	for _, src := range sources {
		names, err := fs.Glob(src.FS, "migrations/*.sql")
		if err != nil {
			return applied, fmt.Errorf("migrate %s: %w", src.Noun, err)
		}
		slices.Sort(names)
		for _, name := range names {
			raw, err := fs.ReadFile(src.FS, name)
			if err != nil {
				return applied, fmt.Errorf("migrate %s: %w", src.Noun, err)
			}
			did, err := d.migrateFile(ctx, src.Noun, path.Base(name), string(raw))
			if err != nil {
				return applied, fmt.Errorf("migrate %s/%s: %w", src.Noun, path.Base(name), err)
			}
			if did {
				applied++
			}
		}
	}
	return applied, nil
}

func (d *DB) migrateFile(ctx context.Context, noun, name, text string) (did bool, err error) {
	sum := sha256.Sum256([]byte(text))
	digest := hex.EncodeToString(sum[:])
	err = d.Write(ctx, func(tx *Tx) error {
		// Two nodes that start at once take turns.
		if tx.postgres {
			if _, err := tx.Exec(ctx, "LOCK TABLE db_migration IN EXCLUSIVE MODE"); err != nil {
				return err
			}
		}
		var had string
		switch err := tx.QueryRow(ctx, "SELECT digest FROM db_migration WHERE noun = $1 AND name = $2", noun, name).Scan(&had); {
		case err == nil && had == digest:
			return nil
		case err == nil:
			return fmt.Errorf("was applied with other content")
		case err != ErrNoRows:
			return err
		}
		for _, stmt := range strings.Split(text, ";\n") {
			if stmt = strings.TrimSpace(stmt); stmt == "" {
				continue
			}
			if _, err := tx.Exec(ctx, stmt); err != nil {
				return fmt.Errorf("%.60s…: %w", stmt, err)
			}
		}
		did = true
		_, err := tx.Exec(ctx, "INSERT INTO db_migration (noun, name, digest, applied_at) VALUES ($1, $2, $3, $4)", noun, name, digest, time.Now().UnixMicro())
		return err
	})
	return did, err
}
