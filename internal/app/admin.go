package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"noroshi/internal/base/backup"
	"noroshi/internal/base/cli"
	"noroshi/internal/base/config"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/obs"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

// adminCommand is for whoever runs the hub's machine: it opens the database
// and the keys themselves.
func adminCommand(env *cli.Env) *cobra.Command {
	var file string
	p := env.Printer()
	root := &cobra.Command{Use: "admin", Short: p.T("app.admin.short")}
	config.FileFlag(env, root, &file)
	open := func(ctx context.Context) (*Hub, error) {
		l, err := config.Read(file, os.Environ())
		if err != nil {
			return nil, err
		}
		log, err := obs.NewLog(env.Err, obs.Text, "warn")
		if err != nil {
			return nil, err
		}
		return OpenHub(ctx, l.Value, env.Words, log, Options{})
	}
	root.AddCommand(migrateCommand(env, &file), backupCommand(env, &file), restoreCommand(env, &file), rotateCommand(env, open))
	people := org.Commands(env, func(ctx context.Context) (*org.Service, func() error, error) {
		h, err := open(ctx)
		if err != nil {
			return nil, nil, err
		}
		return h.Orgs, func() error {
			err := h.Ledger.Settle(context.WithoutCancel(ctx))
			if errors.Is(err, ledger.ErrNotHolder) {
				err = nil // the hub is running: it publishes the entry
			}
			return errors.Join(err, h.Close())
		}, nil
	})
	root.AddCommand(people...)
	// A hub begins by these; whatever else finds none was called in the wrong
	// folder or without its configuration, and must not make an empty one.
	begins := map[string]bool{"migrate": true, "restore": true, "add": true}
	var guard func(c *cobra.Command)
	guard = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			guard(sub)
		}
		if c.RunE != nil && !begins[c.Name()] {
			c.PreRunE = func(cmd *cobra.Command, _ []string) error { return mustExist(cmd.Context(), file) }
		}
	}
	guard(root)
	return root
}

// mustExist refuses when the configured database is not there or holds no hub.
func mustExist(ctx context.Context, file string) error {
	l, err := config.Read(file, os.Environ())
	if err != nil {
		return err
	}
	source := l.Value.Database()
	none := fault.New(fault.Usage, "app.no_hub", "path", source)
	if u, err := url.Parse(source); err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") {
		none = fault.New(fault.Usage, "app.no_hub", "path", u.Redacted())
	} else if _, err := os.Stat(source); errors.Is(err, fs.ErrNotExist) {
		return none.Because(err)
	}
	d, err := db.Open(ctx, source)
	if err != nil {
		return err
	}
	defer d.Close()
	var tables []string
	if err := d.Read(ctx, func(tx *db.Tx) (err error) { tables, err = tx.Tables(ctx); return err }); err != nil {
		return err
	}
	if !slices.Contains(tables, "ledger_entry") {
		return none
	}
	return nil
}

// openDB opens the database alone: migrating and restoring must not make keys.
func openDB(ctx context.Context, file string) (config.Config, *db.DB, error) {
	l, err := config.Read(file, os.Environ())
	if err != nil {
		return config.Config{}, nil, err
	}
	if err := os.MkdirAll(l.Value.Hub.DataDir, 0o700); err != nil {
		return l.Value, nil, err
	}
	d, err := db.Open(ctx, l.Value.Database())
	return l.Value, d, err
}

func migrateCommand(env *cli.Env, file *string) *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: env.Printer().T("app.migrate.short"), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, d, err := openDB(cmd.Context(), *file)
			if err != nil {
				return err
			}
			defer d.Close()
			n, err := d.Migrate(cmd.Context(), Migrations()...)
			if err != nil {
				return err
			}
			return env.Emit(map[string]int{"applied": n}, func(w io.Writer, p text.Printer) error {
				_, err := fmt.Fprintln(w, p.T("app.migrate.done", "n", n))
				return err
			})
		},
	}
}

func rotateCommand(env *cli.Env, open func(context.Context) (*Hub, error)) *cobra.Command {
	return &cobra.Command{
		Use: "rotate-keys", Short: env.Printer().T("app.rotate.short"), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := open(cmd.Context())
			if err != nil {
				return err
			}
			defer h.Close()
			if err := h.Ring.Rotate(); err != nil {
				return err
			}
			keys, err := h.Keys.Rewrap(cmd.Context(), h.DB)
			if err != nil {
				return err
			}
			files, err := h.Blobs.Rewrap(cmd.Context(), h.DB)
			if err != nil {
				return err
			}
			return env.Emit(map[string]int{"keys": keys, "files": files}, func(w io.Writer, p text.Printer) error {
				_, err := fmt.Fprintln(w, p.T("app.rotate.done", "keys", keys, "files", files))
				return err
			})
		},
	}
}

func backupCommand(env *cli.Env, file *string) *cobra.Command {
	var recipients []string
	var plain, withKeys, force bool
	c := &cobra.Command{
		Use: "backup FILE", Short: env.Printer().T("app.backup.short"), Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if plain && withKeys {
				return fault.New(fault.Usage, "app.backup.plain_keys")
			}
			if _, err := os.Lstat(args[0]); err == nil && !force {
				return fault.New(fault.Conflict, "app.backup.exists", "file", args[0])
			}
			cfg, d, err := openDB(cmd.Context(), *file)
			if err != nil {
				return err
			}
			defer d.Close()
			var to []age.Recipient
			identity := ""
			switch {
			case plain:
			case len(recipients) > 0:
				for _, s := range recipients {
					r, err := age.ParseX25519Recipient(s)
					if err != nil {
						return fault.New(fault.Usage, "app.backup.recipient", "text", s).Because(err)
					}
					to = append(to, r)
				}
			default:
				identity = filepath.Join(cfg.KeyDir(), "backup.agekey")
				own, err := ownIdentity(identity)
				if err != nil {
					return err
				}
				to = []age.Recipient{own.Recipient()}
			}
			hub := backup.Hub{DB: d, Blobs: filepath.Join(cfg.Hub.DataDir, "blobs")}
			if withKeys {
				hub.Keys = cfg.KeyDir()
			}
			sum, err := writeBackup(cmd.Context(), args[0], hub, to)
			if err != nil {
				return err
			}
			rows := int64(0)
			for _, n := range sum.Rows {
				rows += n
			}
			return env.Emit(sum, func(w io.Writer, p text.Printer) error {
				fmt.Fprintln(w, p.T("app.backup.done", "file", args[0], "rows", rows, "files", sum.Files))
				if identity != "" {
					fmt.Fprintln(w, p.T("app.backup.identity", "file", identity))
				}
				if !withKeys {
					fmt.Fprintln(w, p.T("app.backup.no_keys", "dir", cfg.KeyDir()))
				}
				return nil
			})
		},
	}
	f := c.Flags()
	f.StringSliceVar(&recipients, "recipient", nil, env.Printer().T("app.backup.flag_recipient"))
	f.BoolVar(&withKeys, "with-keys", false, env.Printer().T("app.backup.flag_keys"))
	f.BoolVar(&force, "force", false, env.Printer().T("app.backup.flag_force"))
	f.BoolVar(&plain, "plain", false, env.Printer().T("app.backup.flag_plain"))
	return c
}

// writeBackup writes beside the file and renames, so that a backup that was
// cut off never has the name of a good one.
func writeBackup(ctx context.Context, file string, hub backup.Hub, to []age.Recipient) (backup.Summary, error) {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".noroshi-backup-*")
	if err != nil {
		return backup.Summary{}, fault.New(fault.Usage, "app.backup.cannot_write", "file", file).Because(err)
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	sum, err := backup.Write(ctx, tmp, hub, time.Now(), to...)
	if err != nil {
		return sum, err
	}
	if sum.Rows["ledger_entry"] == 0 { // every hub that anybody used has entries
		return sum, fault.New(fault.Usage, "app.backup.empty")
	}
	if err := tmp.Sync(); err != nil {
		return sum, err
	}
	return sum, os.Rename(tmp.Name(), file)
}

// ownIdentity reads the hub's own backup key, and makes it the first time.
func ownIdentity(file string) (*age.X25519Identity, error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			return nil, err
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return nil, err
		}
		return id, key.WriteFile(file, []byte(id.String()+"\n"))
	}
	if err != nil {
		return nil, err
	}
	return age.ParseX25519Identity(string(bytes.TrimSpace(raw)))
}

func restoreCommand(env *cli.Env, file *string) *cobra.Command {
	var identity string
	c := &cobra.Command{
		Use: "restore FILE", Short: env.Printer().T("app.restore.short"), Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := os.Open(args[0])
			if err != nil {
				return fault.New(fault.Usage, "cli.cannot_read", "file", args[0]).Because(err)
			}
			defer in.Close()
			if err := backup.Recognise(in); err != nil {
				return err
			}
			cfg, d, err := openDB(cmd.Context(), *file)
			if err != nil {
				return err
			}
			defer d.Close()
			if _, err := d.Migrate(cmd.Context(), Migrations()...); err != nil {
				return err
			}
			if identity == "" {
				identity = filepath.Join(cfg.KeyDir(), "backup.agekey")
			}
			var ids []age.Identity
			if raw, err := os.ReadFile(identity); err == nil {
				if ids, err = age.ParseIdentities(bytes.NewReader(raw)); err != nil {
					return fault.New(fault.Usage, "app.restore.identity", "file", identity).Because(err)
				}
			}
			sum, m, err := backup.Restore(cmd.Context(), in, backup.Hub{DB: d, Blobs: filepath.Join(cfg.Hub.DataDir, "blobs"), Keys: cfg.KeyDir()}, ids...)
			if err != nil {
				return err
			}
			return env.Emit(sum, func(w io.Writer, p text.Printer) error {
				fmt.Fprintln(w, p.T("app.restore.done", "at", m.MadeAt, "files", sum.Files))
				if keys, err := filepath.Glob(filepath.Join(cfg.KeyDir(), "kek-*.key")); err != nil || len(keys) == 0 {
					fmt.Fprintln(w, p.T("app.restore.no_keys", "dir", cfg.KeyDir()))
				}
				_, err := fmt.Fprintln(w, p.T("app.restore.later"))
				return err
			})
		},
	}
	c.Flags().StringVar(&identity, "identity", "", env.Printer().T("app.restore.flag_identity"))
	return c
}
