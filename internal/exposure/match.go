package exposure

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"noroshi/internal/asset"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/intel/feed"
)

// Stated is what feeds say, ready for matching without a hub: statements by
// product, and facts about vulnerabilities.
type Stated struct {
	index *product.Index
	known map[string]Known
	names *product.Dictionary // made when the first free text asks
	memo  map[wording]Named

	listed map[string]time.Time // while reading: when the CVE list last spoke of an id
}

// wording is a maker and a product as a register writes them.
type wording struct{ maker, ware string }

// ReadStated reads feeds: files, archives and folders of every kind, and
// compiled indexes. Each of paths has to say something.
func ReadStated(ctx context.Context, paths []string, reader feed.Reader) (*Stated, error) {
	var b product.Builder
	s := &Stated{known: map[string]Known{}, memo: map[wording]Named{}, listed: map[string]time.Time{}}
	for _, path := range paths {
		compiled, err := isCompiled(path)
		if err != nil {
			return nil, err
		}
		if compiled && len(paths) == 1 {
			return openCompiled(path)
		}
		if compiled {
			more, err := openCompiled(path)
			if err != nil {
				return nil, err
			}
			for st := range more.index.Statements() {
				b.Add(*st)
			}
			for id, k := range more.known {
				s.learn(id, k)
			}
			continue
		}
		if _, err := reader.Open(ctx, path, func(r *feed.Record) error {
			s.take(&b, r)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	s.index, s.listed = b.Index(), nil
	return s, nil
}

// take keeps what matching needs of a record.
func (s *Stated) take(b *product.Builder, r *feed.Record) {
	if r.Kind == feed.CVE5 { // of several accounts of the list the newest counts
		if was, ok := s.listed[r.ID]; !ok || !r.Modified.Before(was) {
			k := s.known[r.ID]
			s.listed[r.ID], k.Rejected = r.Modified, r.Withdrawn
			s.known[r.ID] = k
		}
	}
	if r.Withdrawn {
		s.learn(r.ID, Known{Withdrawn: true})
		return
	}
	for i := range r.Statements {
		b.Add(r.Statements[i])
	}
	k := Known{Described: r.Kind != feed.KEV && r.Kind != feed.EPSS}
	if e := r.Exploited; e != nil {
		k.Exploited, k.Ransomware = true, e.Ransomware
	}
	if l := r.Likelihood; l != nil {
		k.Likelihood = l.Score
	}
	if d := r.Decision; d != nil {
		k.Automatable, k.Impact = d.Automatable, d.Impact
		switch d.Exploitation {
		case "active":
			k.Stated = Active
		case "poc":
			k.Stated = Conceivable
		}
	}
	for _, score := range r.Scores {
		if k.Vector == "" || strings.HasPrefix(score.Vector, "CVSS:") && !strings.HasPrefix(k.Vector, "CVSS:") {
			k.Vector = score.Vector
		}
	}
	s.learn(r.ID, k)
	for _, alias := range r.Aliases {
		if strings.HasPrefix(alias, "CVE-") {
			s.learn(alias, k)
		}
	}
}

// learn joins facts: each source says a part of them.
func (s *Stated) learn(id string, k Known) {
	was := s.known[id]
	was.Exploited = was.Exploited || k.Exploited
	was.Ransomware = was.Ransomware || k.Ransomware
	was.Withdrawn = was.Withdrawn || k.Withdrawn
	was.Described = was.Described || k.Described
	was.Rejected = was.Rejected || k.Rejected
	was.Stated = max(was.Stated, k.Stated)
	was.Likelihood = max(was.Likelihood, k.Likelihood)
	for _, f := range [...]struct{ to, from *string }{{&was.Automatable, &k.Automatable}, {&was.Impact, &k.Impact}, {&was.Vector, &k.Vector}} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
	s.known[id] = was
}

// Statements is how many statements there are.
func (s *Stated) Statements() int { return s.index.Len() }

// leastProposed is the score from which a name that is only near is used to
// say "unknown": below it, silence is nearer to the truth.
const leastProposed = 0.8

// named returns the name a maker and a product have in the feeds.
func (s *Stated) named(it *asset.Item) Named {
	key := wording{it.MakerName, it.ProductName}
	if n, ok := s.memo[key]; ok {
		return n
	}
	if s.names == nil {
		s.names = s.index.Dictionary()
	}
	var n Named
	proposals := likeliest(s.names, it.MakerName, it.ProductName)
	if len(proposals) == 0 || proposals[0].Score < leastProposed {
		proposals = s.names.Propose(it.Maker, it.Product, it.Sealed.Model)
	}
	if len(proposals) > 0 && proposals[0].Score >= leastProposed {
		p := proposals[0]
		n.Identity, n.PURL = p.Identity, p.Package
		if p.Name != (cpe.Name{}) {
			n.CPE = p.Name.String()
		}
	}
	s.memo[key] = n
	return n
}

// of yields what concerns a variant of equipment, or with all everything that
// is said of its products.
func (s *Stated) of(v *variant, all bool, yield func(*product.Finding)) {
	if v.name == "" && v.pkg == "" && v.text == "" {
		return
	}
	find := s.index.Concerned
	if all {
		find = s.index.Match
	}
	for f := range find(v.subject()) {
		if !s.known[f.Vulnerability].over() {
			yield(&f)
		}
	}
}

// decide returns what to do about a vulnerability of some equipment.
func (s *Stated) decide(v *variant, devices int, vulnerability string, verdict product.Verdict, certainty product.Certainty) Decision {
	k := s.known[vulnerability]
	return Decide(Facts{
		Known: k.Exploited, Ransomware: k.Ransomware, Stated: k.Stated, Likelihood: k.Likelihood, Automatable: k.Automatable, Impact: k.Impact, Vector: k.Vector,
		Verdict: verdict, Certainty: certainty, Proposed: v.identity == product.Proposed,
		Zone: v.zone, Edge: v.edge, Control: v.control, Essential: v.essential, Devices: devices,
	}, Ordinary())
}

// Equipment is one row of an equipment list, ready for matching.
type Equipment struct {
	Asset   string // its key in the list, or its place: "row 23"
	devices int
	variant variant
}

// ReadEquipment reads an equipment list as "asset check" does and yields its
// valid rows; it returns how many rows there are, and the places of those that
// could not be accepted, at most maxBadRows of them with their number.
func (s *Stated) ReadEquipment(name string, in io.ReaderAt, size int64, yield func(*Equipment) error) (rows, bad int, places []fault.Place, err error) {
	_, err = asset.Read(name, in, size, func(row asset.Row) error {
		rows++
		if len(row.Problems) > 0 {
			if bad++; len(places) < maxBadRows {
				places = append(places, row.Problems...)
			}
			return nil
		}
		var named Named
		if row.Item.Sealed.CPE == "" && row.Item.Sealed.PURL == "" {
			named = s.named(&row.Item)
		}
		got := subjectOf(&asset.Entry{Item: row.Item}, named)
		e := Equipment{Asset: row.Item.Key, devices: row.Item.Quantity, variant: got.variant}
		if e.Asset == "" {
			e.Asset = row.Place
		}
		return yield(&e)
	})
	return rows, bad, places, err
}

// maxBadRows is how many rows that could not be accepted are named.
const maxBadRows = 20

// isCompiled looks at the first bytes of a file.
func isCompiled(path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, fault.New(fault.Usage, "exposure.match.feed_not_there", "file", path)
	}
	if err != nil {
		return false, fault.New(fault.Usage, "exposure.match.feed_unreadable", "file", path).Because(err)
	}
	defer f.Close()
	var head [len(compiledMagic)]byte
	n, _ := io.ReadFull(f, head[:])
	return string(head[:n]) == compiledMagic, nil
}
