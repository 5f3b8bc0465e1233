// Package backup writes everything a hub holds into one stream, and reads it
// back: a tar of the database's rows as JSON lines, the attachments as they
// lie encrypted on the disk and, only when asked, the keys; compressed with
// zstd and encrypted with age (age-encryption.org/v1).
//
// The ledger's tiles are not in it: they follow from the database, and the
// hub writes them again and compares the root. A stream restores into either
// database, whichever it came from.
package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
)

// Words are this package's sentences.
//
//go:embed text
var Words embed.FS

// Faults of a restore.
var (
	ErrNotEmpty = fault.New(fault.Conflict, "backup.not_empty")
	ErrVersion  = fault.New(fault.Conflict, "backup.version")
	ErrDamaged  = fault.New(fault.Usage, "backup.damaged")
	ErrNoBackup = fault.New(fault.Usage, "backup.none")
	ErrLocked   = fault.New(fault.Usage, "backup.locked")
)

const (
	chunk   = 4 << 20   // bytes of rows in one member
	maxRow  = 512 << 20 // bytes of one row; longer is refused when it is written, not when it is needed
	maxFile = 1 << 30   // bytes of an attachment or key
)

// Hub is what is backed up, or restored into.
type Hub struct {
	DB    *db.DB
	Blobs string // folder of attachments
	Keys  string // folder of keys; empty: they are left out
}

// Manifest is the first member of the tar, and what the last one is checked
// against.
type Manifest struct {
	Format int       `json:"format"` // 1
	MadeAt time.Time `json:"made_at"`
	Keys   bool      `json:"keys"` // whether the keys are in it
}

// Summary is the last member: a stream without it was cut off.
type Summary struct {
	Rows  map[string]int64 `json:"rows"`  // per table
	Files int              `json:"files"` // attachments and keys
}

// Write writes a backup. No recipients means no encryption.
func Write(ctx context.Context, w io.Writer, hub Hub, now time.Time, recipients ...age.Recipient) (sum Summary, err error) {
	closers := []io.Closer{}
	if len(recipients) > 0 {
		sealed, err := age.Encrypt(w, recipients...)
		if err != nil {
			return sum, fmt.Errorf("backup: %w", err)
		}
		w, closers = sealed, append(closers, sealed)
	}
	packed, err := zstd.NewWriter(w)
	if err != nil {
		return sum, fmt.Errorf("backup: %w", err)
	}
	out := tar.NewWriter(packed)
	closers = append(closers, packed, out)
	sum.Rows = map[string]int64{}
	if err := member(out, "manifest.json", now, Manifest{1, now.UTC(), hub.Keys != ""}); err != nil {
		return sum, fmt.Errorf("backup: %w", err)
	}
	err = hub.DB.Read(ctx, func(tx *db.Tx) error {
		tables, err := tx.Tables(ctx)
		if err != nil {
			return err
		}
		for _, table := range tables {
			if sum.Rows[table], err = writeTable(ctx, out, tx, table, now); err != nil {
				return err
			}
		}
		// Inside the snapshot: a file that is deleted meanwhile had its row
		// deleted before, so every row we took has its file.
		for _, dir := range []struct{ name, path string }{{"blobs", hub.Blobs}, {"keys", hub.Keys}} {
			n, err := writeFolder(out, dir.name, dir.path, now)
			if err != nil {
				return err
			}
			sum.Files += n
		}
		return nil
	})
	if err == nil {
		err = member(out, "end.json", now, sum)
	}
	slices.Reverse(closers)
	for _, c := range closers {
		if cerr := c.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		return sum, fmt.Errorf("backup: %w", err)
	}
	return sum, nil
}

func member(out *tar.Writer, name string, now time.Time, v any) error {
	raw, ok := v.([]byte)
	if !ok {
		var err error
		if raw, err = json.Marshal(v); err != nil {
			return err
		}
	}
	if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(raw)), ModTime: now}); err != nil {
		return err
	}
	_, err := out.Write(raw)
	return err
}

func writeTable(ctx context.Context, out *tar.Writer, tx *db.Tx, table string, now time.Time) (int64, error) {
	var buf bytes.Buffer
	part := 0
	flush := func() error {
		if buf.Len() == 0 {
			return nil
		}
		part++
		defer buf.Reset()
		return member(out, fmt.Sprintf("db/%s/%06d.jsonl", table, part), now, buf.Bytes())
	}
	n, err := tx.Dump(ctx, table, func(line []byte) error {
		if len(line) >= maxRow {
			return fmt.Errorf("a row has %d bytes, more than can be restored", len(line))
		}
		if buf.Len() > 0 && buf.Len()+len(line) > maxRow { // a long row has a member of its own
			if err := flush(); err != nil {
				return err
			}
		}
		buf.Write(line)
		buf.WriteByte('\n')
		if buf.Len() < chunk {
			return nil
		}
		return flush()
	})
	if err != nil {
		return n, fmt.Errorf("table %s: %w", table, err)
	}
	return n, flush()
}

func writeFolder(out *tar.Writer, name, dir string, now time.Time) (n int, err error) {
	if dir == "" {
		return 0, nil
	}
	root := os.DirFS(dir)
	err = fs.WalkDir(root, ".", func(p string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && !e.Type().IsRegular() {
			return nil
		}
		if err != nil {
			return err
		}
		f, err := root.Open(p)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // swept meanwhile
		} else if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if err := out.WriteHeader(&tar.Header{Name: path.Join(name, p), Mode: 0o600, Size: info.Size(), ModTime: now}); err != nil {
			return err
		}
		n++
		_, err = io.CopyN(out, f, info.Size())
		return err
	})
	return n, err
}

// Restore reads a backup into an empty hub whose database was migrated by the
// same version of the program. When it fails, the hub is not to be used:
// start again with an empty one.
func Restore(ctx context.Context, r io.Reader, hub Hub, identities ...age.Identity) (sum Summary, m Manifest, err error) {
	in, err := open(r, identities)
	if err != nil {
		return sum, m, err
	}
	defer in.Close()
	t := tar.NewReader(in)
	sum = Summary{Rows: map[string]int64{}}
	into := &restore{hub: hub, columns: map[string][]string{}}
	for first := true; ; first = false {
		h, err := t.Next()
		if err == io.EOF {
			return sum, m, ErrDamaged // without end.json
		}
		if err != nil {
			return sum, m, ErrDamaged.Because(err)
		}
		dir, rest, _ := strings.Cut(h.Name, "/")
		switch {
		case first:
			if h.Name != "manifest.json" || json.NewDecoder(io.LimitReader(t, 1<<20)).Decode(&m) != nil || m.Format != 1 {
				return sum, m, ErrDamaged
			}
			if err := into.begin(ctx); err != nil {
				return sum, m, err
			}
			for table := range into.columns {
				sum.Rows[table] = 0
			}
		case dir == "db":
			table, _, _ := strings.Cut(rest, "/")
			n, err := into.rows(ctx, table, t)
			if err != nil {
				return sum, m, err
			}
			sum.Rows[table] += n
		case dir == "blobs" || dir == "keys":
			if h.Size > maxFile {
				return sum, m, ErrDamaged
			}
			if err := into.file(dir, rest, t); err != nil {
				return sum, m, err
			}
			sum.Files++
		case h.Name == "end.json":
			var want Summary
			if json.NewDecoder(io.LimitReader(t, 1<<20)).Decode(&want) != nil || want.Files != sum.Files {
				return sum, m, ErrDamaged
			}
			for table, n := range want.Rows {
				if sum.Rows[table] != n {
					return sum, m, ErrDamaged
				}
			}
			return sum, m, into.end(ctx)
		default:
			return sum, m, ErrDamaged
		}
	}
}

// The first bytes of a backup: encrypted, or only compressed (RFC 8878
// section 3.1.1).
const (
	sealedMagic = "age-encryption.org/"
	packedMagic = "\x28\xb5\x2f\xfd"
)

// Recognise reads the first bytes of r, goes back to the start and fails with
// ErrNoBackup when no backup begins so.
func Recognise(r io.ReadSeeker) error {
	head := make([]byte, len(sealedMagic))
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return ErrNoBackup.Because(err)
	}
	if !isBackup(head[:n]) {
		return ErrNoBackup
	}
	_, err = r.Seek(0, io.SeekStart)
	return err
}

func isBackup(head []byte) bool {
	return bytes.HasPrefix(head, []byte(sealedMagic)) || bytes.HasPrefix(head, []byte(packedMagic))
}

// open undoes encryption, if there is any, and compression.
func open(r io.Reader, identities []age.Identity) (io.ReadCloser, error) {
	head := make([]byte, len(sealedMagic))
	n, err := io.ReadFull(r, head)
	if !isBackup(head[:n]) {
		return nil, ErrNoBackup
	}
	if err != nil {
		return nil, ErrDamaged.Because(err)
	}
	r = io.MultiReader(bytes.NewReader(head[:n]), r)
	if string(head) == sealedMagic {
		if len(identities) == 0 {
			return nil, ErrLocked
		}
		if r, err = age.Decrypt(r, identities...); err != nil {
			return nil, ErrLocked.Because(err)
		}
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderMaxMemory(256<<20))
	if err != nil {
		return nil, ErrDamaged.Because(err)
	}
	return z.IOReadCloser(), nil
}
