package hunt

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/sigma"
)

// RuleSet is rules as they were loaded, and from what.
type RuleSet struct {
	*sigma.Collection
	Files []RuleFile // in the order of their names
}

// RuleFile is one file of rules.
type RuleFile struct {
	Name   string // as given; starter!… for our own
	Text   []byte
	SHA256 [32]byte
}

// Bounds of what is loaded: files, and bytes of one file.
const (
	maxRuleFiles = 100_000
	maxRuleFile  = 4 << 20
)

// Starter is the name that stands before those of our own rules.
const Starter = "starter"

// LoadRules reads the rules in files, folders and archives, and those of own,
// which may be nil. A file that cannot be read is an error; what is wrong in one
// is in the set's Rejected.
func LoadRules(ctx context.Context, paths []string, own fs.FS, o sigma.Options) (*RuleSet, error) {
	if _, err := sizeOf(paths); err != nil {
		return nil, err
	}
	set := &RuleSet{}
	if own != nil {
		if err := set.readOwn(own); err != nil {
			return nil, err
		}
	}
	named := map[string]bool{}
	for _, p := range paths {
		named[p] = true
	}
	var failed error
	in := &inputs{passed: func(_ string, err error) { failed = cmp.Or(failed, err) }}
	in.visit = func(f *input) error {
		if !named[f.name] && !isRuleFile(f.name) {
			return nil
		}
		text, err := io.ReadAll(io.LimitReader(f.r, maxRuleFile+1))
		if err != nil {
			return unreadable(f.name, err)
		}
		return set.put(f.name, text)
	}
	if err := in.walk(ctx, paths); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	slices.SortStableFunc(set.Files, func(a, b RuleFile) int { return cmp.Compare(a.Name, b.Name) })
	set.parse(o)
	return set, nil
}

func isRuleFile(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, ".yml") || strings.HasSuffix(name, ".yaml")
}

func (s *RuleSet) readOwn(own fs.FS) error {
	return fs.WalkDir(own, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isRuleFile(name) {
			return err
		}
		text, err := fs.ReadFile(own, name)
		if err != nil {
			return err
		}
		return s.put(Starter+"!"+name, text)
	})
}

func (s *RuleSet) put(name string, text []byte) error {
	if len(text) > maxRuleFile {
		return fault.New(fault.Usage, "hunt.rules.large", "file", name, "n", maxRuleFile>>20)
	}
	if len(s.Files) >= maxRuleFiles {
		return fault.New(fault.Usage, "hunt.rules.many", "n", maxRuleFiles)
	}
	s.Files = append(s.Files, RuleFile{Name: name, Text: text, SHA256: sha256.Sum256(text)})
	return nil
}

// parse parses the files on all processors and joins them in their order.
func (s *RuleSet) parse(o sigma.Options) {
	parsed := make([]*sigma.File, len(s.Files))
	var wait sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wait.Go(func() {
			for i := w; i < len(parsed); i += workers {
				parsed[i] = sigma.Parse(s.Files[i].Name, s.Files[i].Text, o)
			}
		})
	}
	wait.Wait()
	s.Collection = sigma.Link(parsed)
}

// Sum returns the SHA-256 over the names and sums of all files, in hexadecimal:
// two sets with one sum find the same.
func (s *RuleSet) Sum() string {
	h := sha256.New()
	for _, f := range s.Files {
		fmt.Fprintf(h, "%x %d %s\n", f.SHA256, len(f.Name), f.Name)
	}
	return hex.EncodeToString(h.Sum(nil))
}
