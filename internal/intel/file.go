package intel

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"noroshi/internal/base/fault"
	"noroshi/internal/intel/feed"
)

// errEnough ends reading when the first record has told what it is about.
var errEnough = errors.New("enough")

// kindOf reads the beginning of a file or folder and says what it is. Fault:
// that of the reader when it is no feed.
func (s *Service) kindOf(ctx context.Context, path string) (kind feed.Kind, err error) {
	files, err := s.reader().Open(ctx, path, func(r *feed.Record) error {
		kind = r.Kind
		return errEnough
	})
	if errors.Is(err, errEnough) {
		return kind, nil
	}
	if err == nil && len(files) > 0 {
		kind = files[0].Kind
	}
	return kind, err
}

func (s *Service) reader() feed.Reader {
	return feed.Reader{Now: s.now(), CSAF: s.CSAF}
}

// openFile returns what take reads from a file or folder. Files of several
// kinds in one folder are refused: they are several feeds.
func (s *Service) openFile(path string) func(context.Context, func(*feed.Record) error) (feed.Kind, error) {
	return func(ctx context.Context, yield func(*feed.Record) error) (feed.Kind, error) {
		files, err := s.reader().Open(ctx, path, yield)
		if err != nil {
			return "", err
		}
		var kinds []string
		for _, f := range files {
			if f.Records > 0 {
				kinds = append(kinds, string(f.Kind))
			}
		}
		switch len(kinds) {
		case 0:
			return "", ErrEmpty
		case 1:
			return feed.Kind(kinds[0]), nil
		}
		return "", fault.New(fault.Invalid, "intel.lie.mixed", "kinds", strings.Join(kinds, ", "))
	}
}

// sumFile returns the SHA-256 and the size of a file; of a folder neither.
func sumFile(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, fault.New(fault.Usage, "intel.cannot_read", "file", path).Because(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return "", 0, err
	}
	h := sha256.New()
	if size, err = io.Copy(h, f); err != nil {
		return "", 0, fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}

// maxSumFile bounds a file of checksums, in bytes.
const maxSumFile = 1 << 20

var sumText = regexp.MustCompile(`(?i)\b[0-9a-f]{64}\b`)

// announced returns the SHA-256 in a file of checksums: the one on the line
// that names the file, else the only one. A .meta file of the NVD has
// "sha256:…" of the unpacked file.
func announced(raw []byte, name string) (string, error) {
	var found []string
	for line := range bytes.Lines(raw) {
		m := sumText.Find(line)
		if m == nil {
			continue
		}
		if name != "" && bytes.Contains(line, []byte(name)) {
			return strings.ToLower(string(m)), nil
		}
		found = append(found, strings.ToLower(string(m)))
	}
	if len(found) != 1 {
		return "", fault.New(fault.Invalid, "intel.lie.no_checksum")
	}
	return found[0], nil
}

// proven reports whether a file has an announced sum, packed or unpacked.
func proven(path, sum, want string) error {
	if sum == want {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return ErrSum
	}
	h := sha256.New()
	if n, err := io.Copy(h, io.LimitReader(z, maxUnpacked+1)); err != nil || n > maxUnpacked || hex.EncodeToString(h.Sum(nil)) != want {
		return ErrSum
	}
	return nil
}

// maxUnpacked bounds what is unpacked to compute a sum.
const maxUnpacked = 16 << 30
