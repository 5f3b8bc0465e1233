package hunt

import (
	"archive/zip"
	"bytes"
	"cmp"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/sigma"
)

// splitRef reads what names an edition of an organisation's own: id/number.
func splitRef(ref string) (book string, number int, ok bool) {
	book, n, ok := strings.Cut(ref, "/")
	number, err := strconv.Atoi(n)
	return book, number, ok && err == nil && number > 0 && book != Starter
}

// unpackBook reads the rules in a zip, which may be of anybody. Whatever is not
// YAML is passed over. Faults: ErrNotAZip, ErrNoRules, those of [LoadRules].
func unpackBook(raw []byte) (*RuleSet, error) {
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, fault.New(fault.Usage, ErrNotAZip.Code).Because(err)
	}
	set, room := &RuleSet{}, int64(maxUnpack)
	for _, f := range z.File {
		if f.FileInfo().IsDir() || !isRuleFile(f.Name) || len(f.Name) > maxName {
			continue
		}
		text, err := unpackFile(f, min(room, maxRuleFile))
		if err != nil {
			return nil, err
		}
		room -= int64(len(text))
		if err := set.put(f.Name, text); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(set.Files, func(a, b RuleFile) int { return cmp.Compare(a.Name, b.Name) })
	if len(set.Files) == 0 {
		return nil, ErrNoRules
	}
	set.parse(sigma.Options{})
	if len(set.Rules)+len(set.Correlations) == 0 {
		return nil, ErrNoRules
	}
	return set, nil
}

func unpackFile(f *zip.File, most int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, fault.New(fault.Usage, ErrNotAZip.Code).Because(err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, fault.New(fault.Usage, ErrNotAZip.Code).Because(err)
	}
	if int64(len(text)) > most {
		return nil, fault.New(fault.Usage, "hunt.rules.large", "file", f.Name, "n", maxRuleFile>>20)
	}
	return text, nil
}

// packBook writes the rule files of a folder as a zip, without times, so that
// the same rules are the same bytes.
func packBook(own fs.FS) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	err := fs.WalkDir(own, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isRuleFile(name) {
			return err
		}
		text, err := fs.ReadFile(own, name)
		if err != nil {
			return err
		}
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(text)
		}
		return err
	})
	if err == nil {
		err = z.Close()
	}
	return out.Bytes(), err
}

// describe is an edition of what was loaded.
func (s *RuleSet) edition() Edition {
	e := Edition{SHA256: s.Sum(), Files: len(s.Files), Rules: len(s.Rules), Correlations: len(s.Correlations), Rejected: len(s.Rejected)}
	for _, n := range s.Rejected[:min(len(s.Rejected), maxRejected)] {
		e.Why = append(e.Why, Rejected{File: n.File, Line: n.Line, Rule: n.Rule, Code: string(n.Code), Args: n.Args, Reason: n.Reason()})
	}
	return e
}
