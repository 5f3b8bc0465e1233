package intel

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/fault"
	"noroshi/internal/intel/feed"
)

// A bundle carries feeds into a network that has no way out. It is a zstd
// stream of a tar archive:
//
//	bundle.note    signed note (c2sp.org/signed-note): "noroshi bundle v1",
//	               origin, number, instant, SHA-256 of manifest.json
//	manifest.json  what is in it: each file with size and SHA-256
//	feeds/ID.jsonl a feed, one record a line, as feed.Record writes it
//
//	notices/…, answers/…  parts of other nouns (BundlePart), one JSON value a
//	               line; with "sealed": "age" encrypted (C2SP age) for whoever
//	               has the identity, so that a lost medium tells nothing
//
// A later version adds folders of its own, lists them in the manifest, and
// keeps these. Files of folders that a reader does not know are left out and
// named.

// Faults of bundles.
var (
	ErrBundle    = fault.New(fault.Usage, "intel.bundle.broken")     // it is no bundle, or a broken one
	ErrSignature = fault.New(fault.Invalid, "intel.bundle.unsigned") // none of the keys given signed it
	ErrRollback  = fault.New(fault.Invalid, "intel.bundle.old")      // it is older than what was taken
	ErrGap       = fault.New(fault.Invalid, "intel.bundle.gap")      // one before it was not taken
)

const (
	bundleHead   = "noroshi bundle v1"
	bundleFormat = "noroshi-bundle/1"
	maxManifest  = 1 << 20
	maxNote      = 16 << 10
	maxMembers   = 2000
)

// Manifest is what is in a bundle.
type Manifest struct {
	Format   string       `json:"format"`
	Origin   string       `json:"origin"` // name of the hub's log
	Sequence int64        `json:"sequence"`
	MadeAt   time.Time    `json:"made_at"`
	Since    time.Time    `json:"since,omitzero"` // only what changed since; zero is everything
	Files    []BundleFile `json:"files"`
}

// BundleFile is one file of a bundle.
type BundleFile struct {
	Name    string    `json:"name"` // feeds/nvd.jsonl
	Feed    string    `json:"feed,omitempty"`
	Kind    feed.Kind `json:"kind,omitempty"`
	Licence string    `json:"licence,omitempty"`
	Sealed  string    `json:"sealed,omitempty"` // "age", or open
	Records int       `json:"records"`
	Size    int64     `json:"size"`
	SHA256  string    `json:"sha256"`
}

var bundleName = regexp.MustCompile(`^[a-z]{1,20}/[a-z][a-z0-9_-]{0,39}\.jsonl$`)

// write writes a bundle of files that lie in a folder.
func (m *Manifest) write(w io.Writer, dir string, signer note.Signer) error {
	raw, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	sum := sha256.Sum256(raw)
	text := fmt.Sprintf("%s\n%s\n%d\n%s\n%s\n", bundleHead, m.Origin, m.Sequence, m.MadeAt.UTC().Format(time.RFC3339Nano), hex.EncodeToString(sum[:]))
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return fmt.Errorf("sign bundle: %w", err)
	}
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20))
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	add := func(name string, size int64, r io.Reader) error {
		if err := t.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o644, ModTime: m.MadeAt.Truncate(time.Second), Format: tar.FormatPAX}); err != nil {
			return err
		}
		_, err := io.Copy(t, r)
		return err
	}
	err = add("bundle.note", int64(len(signed)), bytes.NewReader(signed))
	if err == nil {
		err = add("manifest.json", int64(len(raw)), bytes.NewReader(raw))
	}
	for _, f := range m.Files {
		if err != nil {
			break
		}
		var in *os.File
		if in, err = os.Open(placeOf(dir, f.Name)); err == nil {
			err = errors.Join(add(f.Name, f.Size, in), in.Close())
		}
	}
	return errors.Join(err, t.Close(), z.Close())
}

// placeOf is where a file of a bundle lies in a folder while it is made or read.
func placeOf(dir, name string) string { return filepath.Join(dir, strings.ReplaceAll(name, "/", "-")) }

func broken(why string) error { return ErrBundle.Because(errors.New(why)) }

// readBundle verifies a bundle by one of the keys and puts its files into a
// folder, each at its place. Nothing of it is used before all of it was held
// against the manifest.
func readBundle(r io.Reader, dir string, keys ...note.Verifier) (m Manifest, err error) {
	z, err := zstd.NewReader(bufio.NewReaderSize(r, 1<<20), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20), zstd.WithDecoderMaxWindow(32<<20))
	if err != nil {
		return m, ErrBundle.Because(err)
	}
	defer z.Close()
	t := tar.NewReader(z)
	signed, err := member(t, "bundle.note", maxNote)
	if err != nil {
		return m, err
	}
	n, err := note.Open(signed, note.VerifierList(keys...))
	if err != nil {
		return m, ErrSignature.Because(err)
	}
	raw, err := member(t, "manifest.json", maxManifest)
	if err != nil {
		return m, err
	}
	if m, err = parseManifest(n.Text, raw); err != nil {
		return m, err
	}
	if m.Origin != n.Sigs[0].Name { // a key speaks for its own hub only
		return m, ErrSignature.Because(fmt.Errorf("signed by %s, origin %s", n.Sigs[0].Name, m.Origin))
	}
	for _, f := range m.Files {
		h, err := t.Next()
		if err != nil || h.Name != f.Name || h.Size != f.Size || h.Typeflag != tar.TypeReg {
			return m, broken("file " + f.Name)
		}
		if err := extract(t, placeOf(dir, f.Name), f); err != nil {
			return m, err
		}
	}
	if _, err := t.Next(); err != io.EOF {
		return m, broken("more than the manifest says")
	}
	return m, nil
}

// member reads a small member of an archive.
func member(t *tar.Reader, name string, limit int64) ([]byte, error) {
	h, err := t.Next()
	if err != nil {
		return nil, ErrBundle.Because(err)
	}
	if h.Name != name || h.Size > limit || h.Typeflag != tar.TypeReg {
		return nil, broken("want " + name)
	}
	raw, err := io.ReadAll(t)
	if err != nil {
		return nil, ErrBundle.Because(err)
	}
	return raw, nil
}

// parseManifest reads a manifest and holds it against the signed text.
func parseManifest(text string, raw []byte) (m Manifest, err error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	sum := sha256.Sum256(raw)
	if len(lines) != 5 || lines[0] != bundleHead || lines[4] != hex.EncodeToString(sum[:]) {
		return m, broken("the signed text is another's")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(&m); err != nil {
		return m, ErrBundle.Because(err)
	}
	if m.Format != bundleFormat || m.Origin != lines[1] || strconv.FormatInt(m.Sequence, 10) != lines[2] || m.MadeAt.UTC().Format(time.RFC3339Nano) != lines[3] || m.Sequence < 1 || len(m.Files) > maxMembers {
		return m, broken("the manifest says otherwise than the signed text")
	}
	seen := map[string]bool{}
	for _, f := range m.Files {
		feedName := strings.HasPrefix(f.Name, "feeds/")
		if !bundleName.MatchString(f.Name) || f.Size < 0 || seen[f.Name] || feedName && f.Name != "feeds/"+f.Feed+".jsonl" {
			return m, broken("file " + clip(f.Name))
		}
		seen[f.Name] = true
	}
	return m, nil
}

// extract writes a member to a file and checks its sum.
func extract(r io.Reader, to string, f BundleFile) error {
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), r)
	if err = errors.Join(err, out.Close()); err != nil {
		return ErrBundle.Because(err)
	}
	if hex.EncodeToString(h.Sum(nil)) != f.SHA256 {
		return broken("sum of " + f.Name)
	}
	return nil
}

// readRecords reads records, one a line.
func readRecords(path string, want feed.Kind, yield func(*feed.Record) error) (feed.Kind, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(make([]byte, 0, 64<<10), maxBody)
	for s.Scan() {
		r := &feed.Record{}
		if err := json.Unmarshal(s.Bytes(), r); err != nil {
			return "", ErrBundle.Because(err)
		}
		if r.Kind != want {
			return "", broken("a record of another kind")
		}
		if err := yield(r); err != nil {
			return "", err
		}
	}
	if err := s.Err(); err != nil {
		return "", ErrBundle.Because(err)
	}
	return want, nil
}
