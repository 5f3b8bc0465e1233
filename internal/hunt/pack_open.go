package hunt

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/sigma"
)

// Pack is a pack that was read, its sums checked.
type Pack struct {
	Manifest Manifest
	Signed   string // who signed it, if it is signed by a key that was given
	findings []byte
	rules    *RuleSet
	mapping  []byte
	values   map[string][]string
}

// maxPack is the size of a pack in bytes.
const maxPack = 4 << 30

// openPack reads a pack. What its manifest does not say, or says otherwise, is
// an error. With a verifier its signature must be by it.
func openPack(r io.ReaderAt, size int64, verifier note.Verifier) (*Pack, error) {
	if size > maxPack {
		return nil, fault.New(fault.Usage, "hunt.pack.form")
	}
	z, err := zip.NewReader(r, size)
	if err != nil || !plain(z.File, uint64(size)) {
		return nil, fault.New(fault.Usage, "hunt.pack.form").Because(err)
	}
	members := map[string][]byte{}
	order := make([]packMember, 0, len(z.File))
	for _, f := range z.File {
		b, err := member(f)
		if _, twice := members[f.Name]; err != nil || twice {
			return nil, fault.New(fault.Unmet, "hunt.pack.member", "name", text.Printable(f.Name)).Because(err)
		}
		members[f.Name] = b
		order = append(order, packMember{f.Name, b})
	}
	if !asSealed(order, io.NewSectionReader(r, 0, size)) {
		return nil, fault.New(fault.Unmet, "hunt.pack.extra")
	}
	p := &Pack{}
	manifest, ok := members[manifestName]
	dec := json.NewDecoder(bytes.NewReader(manifest))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p.Manifest); !ok || err != nil || p.Manifest.Format != packFormat {
		return nil, fault.New(fault.Usage, "hunt.pack.form").Because(err)
	}
	if again, err := p.Manifest.text(); err != nil || !bytes.Equal(again, manifest) {
		return nil, fault.New(fault.Unmet, "hunt.pack.member", "name", manifestName).Because(err)
	}
	if err := p.signature(members[signatureName], manifest, verifier); err != nil {
		return nil, err
	}
	delete(members, manifestName)
	delete(members, signatureName)
	if err := p.check(members); err != nil {
		return nil, err
	}
	return p, p.load()
}

// plain reports whether members are what sealing writes: not so many, stored as
// they are, and together no larger than the file, so that reading them takes no
// more memory than that.
func plain(files []*zip.File, size uint64) bool {
	if len(files) > maxRuleFiles+100 {
		return false
	}
	for _, f := range files {
		if f.Method != zip.Store || f.UncompressedSize64 != f.CompressedSize64 || f.CompressedSize64 > size {
			return false
		}
		size -= f.CompressedSize64
	}
	return true
}

func member(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// packMember is a member of a pack.
type packMember struct {
	name string
	text []byte
}

// asSealed reports whether a file has the very bytes that sealing writes for its
// members: nothing stands before, between or behind them.
func asSealed(members []packMember, file io.Reader) bool {
	same := &comparing{bufio.NewReaderSize(file, 256<<10), make([]byte, 32<<10)}
	z := zip.NewWriter(same)
	for _, m := range members {
		if err := stored(z, m.name, bytes.NewReader(m.text)); err != nil {
			return false
		}
	}
	if err := z.Close(); err != nil {
		return false
	}
	_, err := same.file.ReadByte()
	return errors.Is(err, io.EOF)
}

// comparing is a writer that takes only what the file says too.
type comparing struct {
	file *bufio.Reader
	buf  []byte
}

var errOther = errors.New("other bytes")

// Write implements io.Writer.
func (c *comparing) Write(p []byte) (n int, err error) {
	for n < len(p) {
		part := c.buf[:min(len(c.buf), len(p)-n)]
		if _, err := io.ReadFull(c.file, part); err != nil || !bytes.Equal(part, p[n:n+len(part)]) {
			return n, errOther
		}
		n += len(part)
	}
	return n, nil
}

func (p *Pack) signature(signed, manifest []byte, verifier note.Verifier) error {
	if verifier == nil {
		return nil
	}
	if signed == nil {
		return fault.New(fault.Unmet, "hunt.pack.unsigned")
	}
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil || n.Text != packFormat+"\n"+sumOf(manifest)+"\n" {
		return fault.New(fault.Unmet, "hunt.pack.signature", "name", verifier.Name()).Because(err)
	}
	p.Signed = verifier.Name()
	return nil
}

// check compares every member with the manifest, and the manifest with the
// members.
func (p *Pack) check(members map[string][]byte) error {
	m := &p.Manifest
	take := func(name, sum string) ([]byte, error) {
		b, ok := members[name]
		if !ok || sumOf(b) != sum {
			return nil, fault.New(fault.Unmet, "hunt.pack.member", "name", text.Printable(name))
		}
		delete(members, name)
		return b, nil
	}
	var err error
	if p.findings, err = take(findingsName, m.Findings.SHA256); err != nil {
		return err
	}
	if m.Mapping != "" {
		if p.mapping, err = take(mappingName, m.Mapping); err != nil {
			return err
		}
	}
	p.values = map[string][]string{}
	for _, v := range m.Values {
		b, err := take(valuesDir+v.Name, v.SHA256)
		if err != nil {
			return err
		}
		valueFile{v.Name, b}.add(p.values)
	}
	p.rules = &RuleSet{}
	for _, r := range m.Rules {
		b, err := take(r.Name, r.SHA256)
		if err != nil {
			return err
		}
		if err := p.rules.put(r.Name, b); err != nil {
			return err
		}
	}
	for name := range members {
		return fault.New(fault.Unmet, "hunt.pack.member", "name", text.Printable(name))
	}
	return nil
}

func (p *Pack) load() error {
	p.rules.parse(sigma.Options{Values: p.values})
	have := PackCounts{Events: p.Manifest.Counts.Events, Rules: len(p.rules.Rules) + len(p.rules.Correlations), Rejected: len(p.rules.Rejected), ByLevel: map[string]int{}}
	for line := range bytes.Lines(p.findings) {
		var l struct {
			Rule struct{ Level string }
		}
		if err := json.Unmarshal(line, &l); err != nil {
			return fault.New(fault.Unmet, "hunt.pack.member", "name", findingsName).Because(err)
		}
		have.Detections++
		level, _ := sigma.ParseLevel(l.Rule.Level)
		have.ByLevel[levelKey(level)]++
	}
	if !have.equal(&p.Manifest.Counts) {
		return fault.New(fault.Unmet, "hunt.pack.counts")
	}
	return nil
}

func (c *PackCounts) equal(d *PackCounts) bool {
	return c.Events == d.Events && c.Rules == d.Rules && c.Rejected == d.Rejected && c.Detections == d.Detections && maps.Equal(c.ByLevel, d.ByLevel)
}

// reading returns how the run read its inputs.
func (p *Pack) reading() (r Reading, err error) {
	o := p.Manifest.Options
	f := readFlags{input: o.Input, zone: o.Timezone}
	if r, err = f.reading(); err == nil && p.mapping != nil {
		err = r.mapped(p.mapping)
	}
	return r, err
}

// Difference is where a pack and a run of its own do not agree.
type Difference struct {
	What string `json:"what"` // input, findings, read
	Name string `json:"name,omitempty"`
	Line int    `json:"line,omitempty"` // of the findings, from 1
}

// again runs what a pack says over inputs and returns where it comes out
// otherwise.
func (p *Pack) again(ctx context.Context, paths []string, workers int) ([]Difference, error) {
	names, err := namesOf(paths)
	if err != nil {
		return nil, err
	}
	have, err := sumsOf(paths, names)
	if err != nil {
		return nil, err
	}
	if d := compareInputs(p.Manifest.Inputs, have); len(d) > 0 {
		return d, nil
	}
	read, err := p.reading()
	if err != nil {
		return nil, err
	}
	least, ok := sigma.ParseLevel(p.Manifest.Options.MinLevel)
	if !ok {
		return nil, fault.New(fault.Unmet, "hunt.level", "value", p.Manifest.Options.MinLevel)
	}
	out := &findings{names: names, sum: sha256.New(), counts: &PackCounts{ByLevel: map[string]int{}}}
	defer out.drop()
	if out.file, err = os.CreateTemp("", "noroshi-findings-*"); err != nil {
		return nil, err
	}
	_ = os.Remove(out.file.Name())
	s := &Scan{Paths: paths, Rules: p.rules, Workers: workers, Least: least, NoRouting: p.Manifest.Options.NoRouting, Read: read}
	report, err := s.Run(ctx, out.take)
	if err != nil {
		return nil, err
	}
	var d []Difference
	var m Manifest
	m.read(report, names)
	if said := &p.Manifest; m.Counts.Events != said.Counts.Events || !slices.Equal(m.Damage, said.Damage) || !slices.Equal(m.Unread, said.Unread) {
		d = append(d, Difference{What: "read"})
	}
	if hex.EncodeToString(out.sum.Sum(nil)) == p.Manifest.Findings.SHA256 {
		return d, nil
	}
	line, err := differs(out.file, p.findings)
	return append(d, Difference{What: "findings", Line: line}), err
}

func compareInputs(want, have []PackFile) (d []Difference) {
	for _, w := range want {
		if !slices.Contains(have, w) {
			d = append(d, Difference{What: "input", Name: w.Name})
		}
	}
	for i, w := range want {
		if slices.ContainsFunc(want[:i], func(x PackFile) bool { return x.Name == w.Name }) {
			d = append(d, Difference{What: "input", Name: w.Name})
		}
	}
	for _, h := range have {
		if !slices.ContainsFunc(want, func(w PackFile) bool { return w.Name == h.Name }) {
			d = append(d, Difference{What: "input", Name: h.Name})
		}
	}
	return d
}

// differs returns the first line in which two lists of findings differ.
func differs(f *os.File, want []byte) (int, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	have, err := io.ReadAll(f)
	if err != nil {
		return 0, err
	}
	n := 1
	for i := range min(len(have), len(want)) {
		if have[i] != want[i] {
			break
		}
		if have[i] == '\n' {
			n++
		}
	}
	return n, nil
}
