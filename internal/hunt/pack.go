package hunt

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/fault"
)

// An evidence pack is a zip with what a run looked at (names and SHA-256 of the
// inputs), what with (the rules themselves), how (options, program), and what it
// found. It holds no time and no path of the machine, so that the same inputs,
// rules and program make the same bytes anywhere: who doubts it runs it again.

// packFormat names the layout of a pack; another one is not read.
const packFormat = "noroshi-evidence/1"

// The members of a pack, beside the rules below rulesDir.
const (
	manifestName  = "manifest.json"
	signatureName = "manifest.sig"
	findingsName  = "findings.jsonl"
	mappingName   = "map.toml"
	valuesDir     = "values/"
	rulesDir      = "rules/"
)

// Manifest says what is in a pack and how it was made.
type Manifest struct {
	Format   string       `json:"format"`
	Program  PackProgram  `json:"program"`
	Options  PackOptions  `json:"options"`
	Inputs   []PackFile   `json:"inputs"`
	Rules    []PackFile   `json:"rules"`
	Values   []PackFile   `json:"values,omitempty"`
	Mapping  string       `json:"mapping_sha256,omitempty"`
	Findings PackFile     `json:"findings"`
	Counts   PackCounts   `json:"counts"`
	Damage   []PackDamage `json:"damage,omitempty"`
	Unread   []string     `json:"unread,omitempty"` // inputs, or members, that could not be read to the end
}

// PackProgram is what made a pack.
type PackProgram struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	SHA256  string `json:"sha256"` // of the program's file
}

// PackOptions are those of the run.
type PackOptions struct {
	MinLevel  string `json:"min_level,omitempty"`
	NoRouting bool   `json:"no_routing,omitempty"`
	Input     string `json:"input,omitempty"`
	Timezone  string `json:"timezone,omitempty"`
}

// PackFile is a file by its name, length and sum.
type PackFile struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// PackCounts sums up a run.
type PackCounts struct {
	Events     uint64         `json:"events"`
	Rules      int            `json:"rules"`
	Rejected   int            `json:"rejected"`
	Detections int            `json:"detections"`
	ByLevel    map[string]int `json:"by_level"`
}

// PackDamage is a part of an input that could not be read.
type PackDamage struct {
	Input  string `json:"input"`
	Offset int64  `json:"offset"`
	Bytes  int64  `json:"bytes"`
	Reason string `json:"reason"`
}

// sealing is a run whose results go into a pack.
type sealing struct {
	scan    *Scan
	options PackOptions
	mapping []byte
	values  []valueFile
	version string
}

// seal runs the scan and writes the pack. A signer may be nil.
func (s *sealing) seal(ctx context.Context, w io.Writer, signer note.Signer) (*Manifest, *Report, error) {
	names, err := namesOf(s.scan.Paths)
	if err != nil {
		return nil, nil, err
	}
	m := &Manifest{Format: packFormat, Options: s.options, Rules: []PackFile{}, Inputs: []PackFile{}, Counts: PackCounts{ByLevel: map[string]int{}}}
	if m.Program, err = thisProgram(s.version); err != nil {
		return nil, nil, err
	}
	if m.Inputs, err = sumsOf(s.scan.Paths, names); err != nil {
		return nil, nil, err
	}
	found := &findings{names: names, sum: sha256.New(), counts: &m.Counts}
	defer found.drop()
	if found.file, err = os.CreateTemp("", "noroshi-findings-*"); err != nil {
		return nil, nil, err
	}
	_ = os.Remove(found.file.Name())
	report, err := s.scan.Run(ctx, found.take)
	if err != nil {
		return nil, nil, err
	}
	again, err := sumsOf(s.scan.Paths, names)
	if err != nil {
		return nil, nil, err
	}
	if !slices.Equal(m.Inputs, again) {
		return nil, nil, fault.New(fault.Conflict, "hunt.pack.changed")
	}
	s.describe(m, report, names, found)
	return m, report, s.write(w, m, found, signer)
}

func (s *sealing) describe(m *Manifest, r *Report, names renamed, found *findings) {
	rules := s.scan.Rules
	m.Counts.Rules, m.Counts.Rejected = r.Rules, len(rules.Rejected)
	for i, f := range rules.Files {
		m.Rules = append(m.Rules, PackFile{ruleName(i, f.Name), int64(len(f.Text)), hex.EncodeToString(f.SHA256[:])})
	}
	for _, v := range s.values {
		m.Values = append(m.Values, PackFile{v.name, int64(len(v.text)), sumOf(v.text)})
	}
	if s.mapping != nil {
		m.Mapping = sumOf(s.mapping)
	}
	m.Findings = PackFile{findingsName, found.size, hex.EncodeToString(found.sum.Sum(nil))}
	m.read(r, names)
}

// read says what was read of the inputs, and what could not be.
func (m *Manifest) read(r *Report, names renamed) {
	m.Counts.Events = r.Events
	for _, src := range r.Sources {
		for _, d := range src.Damage {
			m.Damage = append(m.Damage, PackDamage{names.of(src.Name), d.Offset, d.Length, d.Reason.Code()})
		}
		if src.Ended != nil {
			m.Unread = append(m.Unread, names.of(src.Name))
		}
	}
	for _, p := range r.Passed {
		m.Unread = append(m.Unread, names.of(p.Name))
	}
}

// ruleName is where a file of rules stands in a pack: in the order in which they
// were read, which decides between two with one id.
func ruleName(i int, name string) string {
	return fmt.Sprintf("%s%06d-%s", rulesDir, i, path.Base(strings.ReplaceAll(filepath.ToSlash(name), "!", "/")))
}

// write writes the members, stored as they are and without times, so that no
// version of a compressor makes other bytes.
func (s *sealing) write(w io.Writer, m *Manifest, found *findings, signer note.Signer) error {
	z := zip.NewWriter(w)
	put := func(name string, r io.Reader) error { return stored(z, name, r) }
	manifest, err := m.text()
	if err != nil {
		return err
	}
	if err := put(manifestName, bytes.NewReader(manifest)); err != nil {
		return err
	}
	if signer != nil {
		signed, err := note.Sign(&note.Note{Text: packFormat + "\n" + sumOf(manifest) + "\n"}, signer)
		if err != nil {
			return err
		}
		if err := put(signatureName, bytes.NewReader(signed)); err != nil {
			return err
		}
	}
	if _, err := found.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := put(findingsName, found.file); err != nil {
		return err
	}
	if s.mapping != nil {
		if err := put(mappingName, bytes.NewReader(s.mapping)); err != nil {
			return err
		}
	}
	for _, v := range s.values {
		if err := put(valuesDir+v.name, bytes.NewReader(v.text)); err != nil {
			return err
		}
	}
	for i, f := range s.scan.Rules.Files {
		if err := put(ruleName(i, f.Name), bytes.NewReader(f.Text)); err != nil {
			return err
		}
	}
	return z.Close()
}

// stored writes one member.
func stored(z *zip.Writer, name string, r io.Reader) error {
	to, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err == nil {
		_, err = io.Copy(to, r)
	}
	return err
}

// text returns the manifest as it stands in a pack.
func (m *Manifest) text() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", "  ")
	return append(b, '\n'), err
}

// findings collects the lines of a run in a file without a name.
type findings struct {
	names  renamed
	file   *os.File
	buf    bytes.Buffer
	sum    hash.Hash
	size   int64
	counts *PackCounts
}

func (f *findings) take(d *Detection) error {
	named := *d
	named.Source = f.names.of(d.Source)
	named.Hits = slices.Clone(d.Hits)
	for i := range named.Hits {
		named.Hits[i].Source = f.names.of(named.Hits[i].Source)
	}
	f.buf.Reset()
	enc := json.NewEncoder(&f.buf)
	enc.SetEscapeHTML(false)
	l := lineOf(&named)
	l.Event = eventOf(d)
	if err := enc.Encode(l); err != nil {
		return err
	}
	f.counts.Detections++
	f.counts.ByLevel[levelKey(d.Rule.Level)]++
	f.sum.Write(f.buf.Bytes())
	f.size += int64(f.buf.Len())
	_, err := f.file.Write(f.buf.Bytes())
	return err
}

func (f *findings) drop() {
	if f.file != nil {
		f.file.Close()
	}
}

// renamed gives paths the names by which a pack knows them: what a person named
// is known by its last part, wherever it stands.
type renamed []struct{ path, name string }

func namesOf(paths []string) (renamed, error) {
	var r renamed
	for _, p := range paths {
		if p == "-" {
			return nil, fault.New(fault.Usage, "hunt.pack.stdin")
		}
		full, err := filepath.Abs(p)
		if err != nil {
			return nil, err
		}
		name := filepath.Base(full)
		for _, have := range r {
			if have.name == name {
				return nil, fault.New(fault.Usage, "hunt.pack.twice", "name", name)
			}
		}
		r = append(r, struct{ path, name string }{p, name})
	}
	return r, nil
}

func (r renamed) of(name string) string {
	for _, x := range r {
		if rest, ok := strings.CutPrefix(name, x.path); ok && (rest == "" || rest[0] == '!' || rest[0] == filepath.Separator || strings.HasSuffix(x.path, string(filepath.Separator))) {
			return x.name + strings.ReplaceAll(separated(rest), string(filepath.Separator), "/")
		}
	}
	return name
}

func separated(rest string) string {
	if rest != "" && rest[0] != '!' && rest[0] != filepath.Separator {
		return string(filepath.Separator) + rest
	}
	return rest
}

// sumsOf returns the files behind paths with their sums, as walk reads them.
func sumsOf(paths []string, names renamed) (out []PackFile, err error) {
	for _, p := range paths {
		root := rootOf(p)
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return unreadable(name, err)
			}
			if name != root && strings.HasPrefix(d.Name(), ".") {
				if d.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			is, err := os.Stat(name)
			if err != nil || !is.Mode().IsRegular() {
				return nil
			}
			f, err := os.Open(name)
			if err != nil {
				return unreadable(name, err)
			}
			defer f.Close()
			sum, err := sumReader(f)
			if err != nil {
				return unreadable(name, err)
			}
			out = append(out, PackFile{names.of(name), is.Size(), sum})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func sumOf(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func thisProgram(version string) (p PackProgram, err error) {
	name, err := os.Executable()
	if err != nil {
		return p, err
	}
	f, err := os.Open(name)
	if err != nil {
		return p, err
	}
	defer f.Close()
	sum, err := sumReader(f)
	return PackProgram{version, runtime.Version(), sum}, err
}

// sumReader returns the SHA-256 of what is left to read, in hexadecimal.
func sumReader(r io.Reader) (string, error) {
	h := sha256.New()
	_, err := io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), err
}
