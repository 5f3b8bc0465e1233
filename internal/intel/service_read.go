package intel

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/engine/product"
	"noroshi/internal/intel/feed"
)

// maxAliases bounds the ids that are followed from one vulnerability.
const maxAliases = 64

// same returns the ids that sources give to the same vulnerability, the one to
// call it by first: its CVE id, else what was asked for. A JVN entry or an
// advisory that speaks of several CVE ids is an alias of each; it does not make
// them one, so from a CVE id no other CVE id is reached.
func (s *Service) same(ctx context.Context, tx *db.Tx, id string) (name string, ids []string, err error) {
	near, err := aliasesOf(ctx, tx, []string{id}, maxAliases)
	if err != nil {
		return "", nil, err
	}
	name = id
	if _, _, ok := cve(id); !ok {
		var names []string
		for _, n := range near {
			if _, _, ok := cve(n); ok {
				names = append(names, n)
			}
		}
		if len(names) == 1 { // of several it is none
			if name = names[0]; name != id {
				if near, err = aliasesOf(ctx, tx, []string{name}, maxAliases); err != nil {
					return "", nil, err
				}
			}
		}
	}
	ids = []string{name}
	for _, n := range append(near, id) {
		if _, _, ok := cve(n); !ok && !slices.Contains(ids, n) {
			ids = append(ids, n)
		}
	}
	return name, ids, nil
}

// Vulnerability returns what all sources together say of a vulnerability, by
// any of its ids. Fault: ErrNone.
func (s *Service) Vulnerability(ctx context.Context, tx *db.Tx, id string) (Vulnerability, error) {
	name, ids, err := s.same(ctx, tx, id)
	if err != nil {
		return Vulnerability{}, err
	}
	accounts, err := s.accounts(ctx, tx, ids)
	if err != nil {
		return Vulnerability{}, err
	}
	var all []Account
	for _, id := range ids {
		all = append(all, accounts[id]...)
	}
	if len(all) == 0 {
		return Vulnerability{}, ErrNone
	}
	return Merge(name, ids, all), nil
}

// Vulnerabilities returns the merged facts of several vulnerabilities, by CVE
// id or the source's own, without following aliases; those nobody speaks of
// are missing. At most 500.
func (s *Service) Vulnerabilities(ctx context.Context, tx *db.Tx, ids []string) (map[string]Vulnerability, error) {
	out := make(map[string]Vulnerability, len(ids))
	for part := range slices.Chunk(ids, 100) {
		accounts, err := s.accounts(ctx, tx, part)
		if err != nil {
			return nil, err
		}
		for id, list := range accounts {
			out[id] = Merge(id, nil, list)
		}
	}
	return out, nil
}

func (s *Service) accounts(ctx context.Context, tx *db.Tx, ids []string) (map[string][]Account, error) {
	out := map[string][]Account{}
	err := eachFacts(ctx, tx, ids, func(r *recordRow) error {
		a := Account{Said: Said{Feed: r.feed, Kind: feed.Kind(r.kind), At: r.at}}
		if err := s.bodies.unpack(r.facts, &a.Record); err != nil {
			return fmt.Errorf("record %s: %w", r.id, err)
		}
		a.By, a.Ref, a.Licence = a.Record.By, a.Record.Ref, a.Record.Licence
		out[r.vulnerability] = append(out[r.vulnerability], a)
		return nil
	})
	return out, err
}

// StatementsOf returns what all sources say of the products that a
// vulnerability concerns, under any of its ids; each statement names it by the
// id that [Service.Vulnerability] calls it.
func (s *Service) StatementsOf(ctx context.Context, tx *db.Tx, vulnerability string) (out []product.Statement, err error) {
	name, ids, err := s.same(ctx, tx, vulnerability)
	if err != nil {
		return nil, err
	}
	err = eachStatements(ctx, tx, ids, func(body []byte) error {
		var list []product.Statement
		if err := s.bodies.unpack(body, &list); err != nil {
			return fmt.Errorf("statements of %s: %w", vulnerability, err)
		}
		for i := range list {
			list[i].Vulnerability = name
		}
		out = append(out, list...)
		return nil
	})
	return out, err
}

// maxKeys bounds the product keys of one query.
const maxKeys = 500

// StatementsAbout calls each for every statement that names one of the product
// keys (product.Keys), each once, in no order. The statement is the callee's
// to keep. Any number of keys; they are asked for 500 at a time, so that a
// statement that names keys of two such parts comes twice.
func (s *Service) StatementsAbout(ctx context.Context, tx *db.Tx, keys []string, each func(product.Statement) error) error {
	for part := range slices.Chunk(keys, maxKeys) {
		wanted := make(map[string]bool, len(part))
		for _, k := range part {
			wanted[k] = true
		}
		err := eachAbout(ctx, tx, part, false, func(body []byte) error {
			var list []product.Statement
			if err := s.bodies.unpack(body, &list); err != nil {
				return fmt.Errorf("statements: %w", err)
			}
			for i := range list {
				if len(list) > 1 && !slices.ContainsFunc(productKeys(&list[i]), func(k string) bool { return wanted[k] }) {
					continue
				}
				if err := each(list[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Products lists, in order, the product keys that statements name, for going
// through all of them: those after the one given, at most limit (0 is 500),
// and what to give as after for the next, empty at the end. A key of which
// every statement was taken back may still be among them.
func (s *Service) Products(ctx context.Context, tx *db.Tx, after string, limit int) (keys []string, next string, err error) {
	if limit <= 0 {
		limit = 500
	}
	keys, err = loadWares(ctx, tx, after, limit)
	if err == nil && len(keys) == limit {
		next = keys[limit-1]
	}
	return keys, next, err
}

// LivesAbout returns the support of the release cycles of the products named
// by keys (product.Keys), with who says so.
func (s *Service) LivesAbout(ctx context.Context, tx *db.Tx, keys []string) (out []Lifetime, err error) {
	for part := range slices.Chunk(keys, maxKeys) {
		err := eachAbout(ctx, tx, part, true, func(body []byte) error {
			var r feed.Record
			if err := s.bodies.unpack(body, &r); err != nil {
				return fmt.Errorf("life cycles: %w", err)
			}
			for _, l := range r.Lives {
				out = append(out, Lifetime{l, Said{Kind: r.Kind, By: r.By, Ref: r.Ref, At: r.Modified, Licence: r.Licence}})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Lifetime is the support of one release cycle with who says so.
type Lifetime struct {
	feed.Life
	Said Said `json:"said"`
}

// Show is Vulnerability for whoever is signed in: what feeds say is public.
// It also returns the statements. Fault: ErrNone.
func (s *Service) Show(ctx context.Context, id string) (v Vulnerability, statements []product.Statement, err error) {
	err = s.read(ctx, "intel.read", func(tx *db.Tx, _ gate.Identity) error {
		if v, err = s.Vulnerability(ctx, tx, id); err != nil {
			return err
		}
		statements, err = s.StatementsOf(ctx, tx, v.ID)
		return err
	})
	return v, statements, err
}

// A Search asks for vulnerabilities. Text is the beginning of an id, or words
// of product names; Kind, when not empty, leaves those of which a source of
// this kind speaks.
type Search struct {
	Text   string
	Kind   feed.Kind
	Cursor string
	Limit  int // 0 is 50
}

// maxWords and maxWares bound a search by product: how many words it may have
// and among how many products of that name it looks.
const (
	maxWords = 6
	maxWares = 200
)

// Find lists vulnerabilities, the newest id first, with their merged facts,
// and the cursor of the next page.
func (s *Service) Find(ctx context.Context, q Search) (out []Vulnerability, next string, err error) {
	h := hunt{kind: string(q.Kind), limit: db.Limit(q.Limit) + 1}
	if h.cursor, err = db.ParseCursor(q.Cursor, &h.sort, &h.id); err != nil {
		return nil, "", err
	}
	err = s.read(ctx, "intel.search", func(tx *db.Tx, _ gate.Identity) error {
		words := strings.Fields(strings.ToLower(q.Text))
		switch {
		case len(words) == 1 && looksLikeID(words[0]):
			if h.prefix = strings.ToUpper(words[0]); strings.HasPrefix(h.prefix, "GHSA-") {
				h.prefix = "GHSA-" + words[0][len("GHSA-"):] // the only ids with small letters
			}
		case len(words) > 0:
			h.keyed = true
			if h.keys, err = findWares(ctx, tx, words[:min(len(words), maxWords)], maxWares); err != nil {
				return err
			}
			if len(h.keys) == 0 {
				return nil
			}
		}
		ids, sorts, err := findVulnerabilities(ctx, tx, h)
		if err != nil {
			return err
		}
		if len(ids) == h.limit {
			ids = ids[:h.limit-1]
			next = db.Cursor(sorts[len(ids)-1], ids[len(ids)-1])
		}
		facts, err := s.Vulnerabilities(ctx, tx, ids)
		for _, id := range ids {
			if v, ok := facts[id]; ok {
				out = append(out, v)
			}
		}
		return err
	})
	return out, next, err
}

// looksLikeID reports whether a word begins as the ids of vulnerabilities do.
func looksLikeID(word string) bool {
	for _, p := range []string{"cve-", "ghsa-", "jvndb-", "jvnvu", "jvn#", "pysec-", "go-20", "rustsec-", "icsa-", "icsma-"} {
		if strings.HasPrefix(word, p) {
			return true
		}
	}
	return false
}
