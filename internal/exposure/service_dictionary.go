package exposure

import (
	"context"
	"strings"
	"sync"
	"time"

	"noroshi/internal/asset"
	"noroshi/internal/base/db"
	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/cpe"
)

// dictionary holds the names that feeds use, read again when it is old.
type dictionary struct {
	sync.Mutex
	words *product.Dictionary
	at    time.Time
}

// dictionaryAge is how old the names may be, maxNames how many are kept.
const (
	dictionaryAge = 30 * time.Minute
	maxNames      = 1_000_000
)

// dictionary returns the names that feeds use; fresh reads them again.
func (s *Service) dictionary(ctx context.Context, tx *db.Tx, fresh bool) (*product.Dictionary, error) {
	s.names.Lock()
	defer s.names.Unlock()
	if s.names.words != nil && !fresh && time.Since(s.names.at) < dictionaryAge {
		return s.names.words, nil
	}
	d := product.NewDictionary()
	for after := ""; d.Len() < maxNames; {
		keys, next, err := s.Intel.Products(ctx, tx, after, 5000)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			if rest, ok := strings.CutPrefix(k, "cpe:"); ok {
				if name, err := cpe.Parse("cpe:2.3:" + rest + ":*:*:*:*:*:*:*:*"); err == nil {
					d.AddName(name, "")
				}
			} else if rest, ok := strings.CutPrefix(k, "purl:"); ok {
				d.AddName(cpe.Name{}, "pkg:"+rest)
			}
		}
		if after = next; after == "" {
			break
		}
	}
	s.names.words, s.names.at = d, time.Now()
	return d, nil
}

// propose returns what a product may be called, the likeliest first.
func (s *Service) propose(ctx context.Context, tx *db.Tx, maker, ware string) (out []Proposal, err error) {
	d, err := s.dictionary(ctx, tx, false)
	if err != nil {
		return nil, err
	}
	for _, p := range likeliest(d, maker, ware) {
		n := Proposal{PURL: p.Package, Equal: p.Identity == product.Equal}
		if !p.Name.IsZero() {
			n.CPE = p.Name.String()
		}
		for _, w := range p.Why {
			n.Why = append(n.Why, string(w))
		}
		out = append(out, n)
	}
	return out, nil
}

// proposeAgain looks whether feeds know by now what nobody decided on, and
// takes the equipment over under its new name.
func (s *Service) proposeAgain(ctx context.Context, tx *db.Tx, operator string) error {
	names, err := s.registerNames(ctx, tx, operator)
	if err != nil {
		return err
	}
	for at, r := range names.rows {
		if r.state == nameConfirmed || r.state == nameRefused {
			continue
		}
		now, err := names.suggest(ctx, tx, r)
		if err != nil {
			return err
		}
		if now.state == r.state && now.cpe == r.cpe && now.purl == r.purl {
			continue
		}
		if err := putName(ctx, tx, &now); err != nil {
			return err
		}
		ids, err := s.Assets.MatchableOf(ctx, tx, operator, at[0], at[1])
		if err != nil {
			return err
		}
		if err := s.refresh(ctx, tx, operator, plain(ids)); err != nil {
			return err
		}
	}
	return nil
}

func plain(ids []asset.ID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return out
}
