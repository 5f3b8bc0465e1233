package hunt

import (
	"fmt"
	"io/fs"

	"noroshi/internal/engine/sigma"
)

// shelf is the program's own rules, read once and never changed after.
type shelf struct {
	rules   []*sigma.Rule          // in the order of their files, without those that only serve others
	byRef   map[string]*sigma.Rule // by what names them
	edition Edition
}

// readShelf parses rules; without any the shelf is empty.
func readShelf(own fs.FS, version string) (*shelf, error) {
	out := &shelf{byRef: map[string]*sigma.Rule{}}
	if own == nil {
		return out, nil
	}
	set := &RuleSet{}
	if err := set.readOwn(own); err != nil {
		return nil, fmt.Errorf("starter rules: %w", err)
	}
	set.parse(sigma.Options{})
	out.edition = set.edition()
	out.edition.Ref, out.edition.book = Starter+"/"+version, Starter
	for _, list := range [][]*sigma.Rule{set.Rules, set.Correlations} {
		for _, r := range list {
			if !r.Hidden {
				out.rules = append(out.rules, r)
				out.byRef[r.Ref()] = r
			}
		}
	}
	return out, nil
}

func (s *Service) starterRef() string { return Starter + "/" + s.StarterVersion }

// starter is the rulebook that is always there.
func (s *Service) starter() (Rulebook, Edition, error) {
	if s.Starter == nil {
		return Rulebook{}, Edition{}, ErrNone
	}
	shelf, err := s.shelf()
	if err != nil {
		return Rulebook{}, Edition{}, err
	}
	e := shelf.edition
	return Rulebook{ID: Starter, Name: Starter, Editions: 1, Last: &e}, e, nil
}
