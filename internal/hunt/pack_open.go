package hunt

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/fault"
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

// maxPack is the size of a pack in bytes; maxMember that of one of its members.
const (
	maxPack   = 4 << 30
	maxMember = 2 << 30
)

// openPack reads a pack. What its manifest does not say, or says otherwise, is
// an error. With a verifier its signature must be by it.
func openPack(r io.ReaderAt, size int64, verifier note.Verifier) (*Pack, error) {
	z, err := zip.NewReader(r, size)
	if err != nil || size > maxPack || len(z.File) > maxRuleFiles+100 {
		return nil, fault.New(fault.Usage, "hunt.pack.form").Because(err)
	}
	members := map[string][]byte{}
	for _, f := range z.File {
		b, err := member(f)
		if _, twice := members[f.Name]; err != nil || twice {
			return nil, fault.New(fault.Unmet, "hunt.pack.member", "name", printable(f.Name)).Because(err)
		}
		members[f.Name] = b
	}
	p := &Pack{}
	manifest, ok := members[manifestName]
	dec := json.NewDecoder(bytes.NewReader(manifest))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p.Manifest); !ok || err != nil || p.Manifest.Format != packFormat {
		return nil, fault.New(fault.Usage, "hunt.pack.form").Because(err)
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

func member(f *zip.File) ([]byte, error) {
	if f.UncompressedSize64 > maxMember {
		return nil, errors.New("too large")
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxMember))
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
			return nil, fault.New(fault.Unmet, "hunt.pack.member", "name", printable(name))
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
		return fault.New(fault.Unmet, "hunt.pack.member", "name", printable(name))
	}
	return nil
}

func (p *Pack) load() error {
	p.rules.parse(sigma.Options{Values: p.values})
	n := bytes.Count(p.findings, []byte{'\n'})
	if n != p.Manifest.Counts.Detections || len(p.rules.Rejected) != p.Manifest.Counts.Rejected {
		return fault.New(fault.Unmet, "hunt.pack.counts")
	}
	return nil
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
	What string `json:"what"` // input, findings
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
	if _, err := s.Run(ctx, out.take); err != nil {
		return nil, err
	}
	if hex.EncodeToString(out.sum.Sum(nil)) == p.Manifest.Findings.SHA256 {
		return nil, nil
	}
	line, err := differs(out.file, p.findings)
	return []Difference{{What: "findings", Line: line}}, err
}

func compareInputs(want, have []PackFile) (d []Difference) {
	for _, w := range want {
		if !slices.Contains(have, w) {
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
