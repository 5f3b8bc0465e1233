package product

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/purl"
)

// Dictionary holds the names of products that statements use, to propose what
// a register's free text may mean. Fill it with Add before the first Propose;
// after that it may be read by many goroutines.
type Dictionary struct {
	entries []word
	exact   map[string][]int32 // maker and product, normalised
	makers  map[string][]int32 // maker, normalised
	tokens  map[string][]int32 // words of the product
	index   map[string]int32   // by product key
}

// word is one name with what it is compared by.
type word struct {
	name     cpe.Name
	pkg      string
	maker    string // normalised
	product  string // normalised
	tokens   []string
	mentions int
}

// Proposal is a name that a free text may mean.
type Proposal struct {
	Key      string   // product key
	Name     cpe.Name // version and all behind it Any; zero where a package is meant
	Package  string   // package URL without a version; empty where a name is meant
	Identity Identity // Equal or Proposed
	Score    float64  // 0 to 1; 1 for Equal
	Why      []Why    // the strongest first
	Mentions int      // in how many statements the name is used
}

// Why is a ground of a proposal. It is the key of a sentence.
type Why string

// The grounds.
const (
	SameMakerAndProduct Why = "same_maker_and_product" // both equal after normalisation
	SameProduct         Why = "same_product"           // the product's name is equal, the maker's is not
	SameMaker           Why = "same_maker"             // the maker's name is equal
	NearMaker           Why = "near_maker"             // one maker's name starts with the other
	SharedWords         Why = "shared_words"           // words of the product are the same
	NearSpelling        Why = "near_spelling"          // few letters differ
	WithVersion         Why = "with_version"           // the version is part of the product's name there
	ItsFirmware         Why = "its_firmware"           // the name is that of the product's firmware
)

const (
	maxProposals  = 10
	maxCandidates = 4096 // that are looked at for one text
	maxText       = 128  // bytes of a text that are looked at
	leastScore    = 0.55
)

// NewDictionary returns an empty dictionary.
func NewDictionary() *Dictionary {
	return &Dictionary{exact: map[string][]int32{}, makers: map[string][]int32{}, tokens: map[string][]int32{}, index: map[string]int32{}}
}

// Dictionary returns the names an index's statements use.
func (x *Index) Dictionary() *Dictionary {
	d := NewDictionary()
	for _, s := range x.statements {
		d.Add(s)
	}
	return d
}

// Len is the number of names.
func (d *Dictionary) Len() int { return len(d.entries) }

// Add takes in the names a statement uses.
func (d *Dictionary) Add(s *Statement) { d.node(&s.Root, 0) }

func (d *Dictionary) node(n *Node, depth int) {
	if depth > maxDepth {
		return
	}
	for i := range n.Lines {
		d.AddName(n.Lines[i].Name, n.Lines[i].Package)
	}
	for i := range n.Children {
		d.node(&n.Children[i], depth+1)
	}
}

// AddName takes in one name and one package, either of which may be zero.
func (d *Dictionary) AddName(name cpe.Name, pkg string) {
	for _, key := range Keys(name, "") {
		d.add(key, word{name: cpe.Name{Part: cpe.Value(key[4:5]), Vendor: name.Vendor, Product: name.Product},
			maker: normal(text(name.Vendor)), product: normal(text(name.Product)), tokens: tokens(text(name.Product))})
	}
	if key := packageKey(pkg); key != "" {
		path := strings.TrimPrefix(key, "purl:"+purl.Type(pkg)+"/")
		space, base := "", path
		if i := strings.LastIndexByte(path, '/'); i >= 0 {
			space, base = path[:i], path[i+1:]
		}
		d.add(key, word{pkg: "pkg:" + strings.TrimPrefix(key, "purl:"), maker: normal(space), product: normal(base), tokens: tokens(base)})
	}
}

func (d *Dictionary) add(key string, w word) {
	if i, ok := d.index[key]; ok {
		d.entries[i].mentions++
		return
	}
	if w.product == "" {
		return
	}
	i := int32(len(d.entries))
	w.mentions = 1
	d.entries = append(d.entries, w)
	d.index[key] = i
	d.exact[w.maker+"\x00"+w.product] = append(d.exact[w.maker+"\x00"+w.product], i)
	d.makers[w.maker] = append(d.makers[w.maker], i)
	for _, t := range w.tokens {
		d.tokens[t] = append(d.tokens[t], i)
	}
}

// Propose returns the names that a maker, a product and a version written as
// free text may mean, the likeliest first, at most ten; none when nothing is
// near. Where maker and product equal a name's letter by letter after
// normalisation (case, width, blanks, punctuation, company forms), its Identity
// is Equal. Anything else is Proposed and has to be confirmed by a person.
//
// Other spellings of a maker are the caller's to settle: give the canonical
// name.
func (d *Dictionary) Propose(maker, product, version string) []Proposal {
	q := query(maker, product, version)
	if q.product == "" {
		return nil
	}
	seen := map[int32]bool{}
	var out []Proposal
	try := func(ids []int32) {
		for _, id := range ids {
			if seen[id] || len(seen) >= maxCandidates {
				continue
			}
			seen[id] = true
			if p, ok := q.rate(&d.entries[id]); ok {
				out = append(out, p)
			}
		}
	}
	try(d.exact[q.maker+"\x00"+q.product])
	try(d.exact[q.maker+"\x00"+q.short])
	try(d.makers[q.maker])
	// Rare words say more than common ones, and cost less.
	slices.SortFunc(q.tokens, func(a, b string) int { return len(d.tokens[a]) - len(d.tokens[b]) })
	for _, t := range q.tokens {
		try(d.tokens[t])
	}
	try(d.tokens[q.product])
	slices.SortStableFunc(out, func(a, b Proposal) int {
		return cmp.Or(cmp.Compare(a.Identity, b.Identity), cmp.Compare(b.Score, a.Score), cmp.Compare(b.Mentions, a.Mentions), cmp.Compare(a.Key, b.Key))
	})
	return out[:min(len(out), maxProposals)]
}

// asked is a free text made ready for comparing.
type asked struct {
	maker, product, version string
	short                   string // product without the maker's name in front
	tokens                  []string
}

func query(maker, product, version string) asked {
	maker, product = clip(maker), clip(product)
	q := asked{maker: normal(maker), product: normal(product), version: normal(clip(version)), tokens: tokens(product)}
	// "Fortinet FortiOS" by Fortinet is FortiOS.
	q.short = q.product
	if rest, ok := strings.CutPrefix(q.product, q.maker); ok && q.maker != "" && rest != "" {
		q.short = rest
	}
	return q
}

func clip(s string) string {
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

// rate compares a text with a name.
func (q *asked) rate(w *word) (Proposal, bool) {
	p := Proposal{Name: w.name, Package: w.pkg, Identity: Proposed, Mentions: w.mentions}
	if w.pkg != "" {
		p.Key = "purl:" + strings.TrimPrefix(w.pkg, "pkg:")
	} else {
		p.Key = Keys(w.name, "")[0]
	}
	if q.maker != "" && q.maker == w.maker && (q.product == w.product || q.short == w.product) {
		p.Identity, p.Score, p.Why = Equal, 1, []Why{SameMakerAndProduct}
		return p, true
	}
	maker := q.rateMaker(w, &p)
	product := q.rateProduct(w, &p)
	if product < 0.5 {
		return p, false
	}
	p.Score = 0.7*product + 0.3*maker
	return p, p.Score >= leastScore
}

func (q *asked) rateMaker(w *word, p *Proposal) float64 {
	switch {
	case q.maker == "" || w.maker == "":
		return 0.3 // nobody said: neither for nor against
	case q.maker == w.maker:
		p.Why = append(p.Why, SameMaker)
		return 1
	case len(q.maker) >= 4 && strings.HasPrefix(w.maker, q.maker) || len(w.maker) >= 4 && strings.HasPrefix(q.maker, w.maker):
		p.Why = append(p.Why, NearMaker)
		return 0.8
	}
	if near := similar(q.maker, w.maker); near >= 0.8 {
		p.Why = append(p.Why, NearMaker)
		return near * 0.8
	}
	return 0
}

func (q *asked) rateProduct(w *word, p *Proposal) float64 {
	switch {
	case q.product == w.product || q.short == w.product:
		p.Why = append(p.Why, SameProduct)
		return 1
	case q.version != "" && (q.product+q.version == w.product || q.short+q.version == w.product):
		p.Why = append(p.Why, WithVersion)
		return 0.98
	case q.product+"firmware" == w.product || q.short+"firmware" == w.product:
		p.Why = append(p.Why, ItsFirmware)
		return 0.97
	}
	shared, best := 0, 0.0
	for _, t := range w.tokens {
		if slices.Contains(q.tokens, t) {
			shared++
		}
	}
	if shared > 0 {
		best = 2 * float64(shared) / float64(len(q.tokens)+len(w.tokens))
		p.Why = append(p.Why, SharedWords)
	}
	if near := similar(q.product, w.product); near > best && near >= 0.7 {
		best = near
		p.Why = append(p.Why, NearSpelling)
	}
	return min(best, 0.95)
}

// companyForms are words of a maker's name that say its legal form only.
var companyForms = map[string]bool{
	"inc": true, "corp": true, "corporation": true, "co": true, "ltd": true, "limited": true, "llc": true, "gmbh": true,
	"ag": true, "kk": true, "company": true, "incorporated": true, "株式会社": true, "有限会社": true, "合同会社": true,
}

// normal is a text without case, width, blanks, punctuation and company forms.
func normal(s string) string {
	words := tokens(s)
	for len(words) > 1 && companyForms[words[len(words)-1]] {
		words = words[:len(words)-1]
	}
	all := strings.Join(words, "")
	for _, form := range [...]string{"株式会社", "有限会社", "合同会社"} {
		if rest := strings.TrimSuffix(strings.TrimPrefix(all, form), form); rest != "" {
			all = rest
		}
	}
	return all
}

// tokens are the words of a text: runs of letters and digits, in lower case
// and NFKC (full-width letters as plain ones).
func tokens(s string) []string {
	return strings.FieldsFunc(strings.ToLower(norm.NFKC.String(s)), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
}

// similar is 1 less the share of letters that differ (Levenshtein), 0 where
// more than a third would.
func similar(a, b string) float64 {
	x, y := []rune(a), []rune(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	if len(y) == 0 || 3*(len(y)-len(x)) > len(y) {
		return 0
	}
	row := make([]int, len(x)+1)
	for i := range row {
		row[i] = i
	}
	for j, r := range y {
		diagonal := row[0]
		row[0] = j + 1
		for i, s := range x {
			cost := diagonal
			if r != s {
				cost = 1 + min(diagonal, row[i], row[i+1])
			}
			diagonal, row[i+1] = row[i+1], cost
		}
	}
	return 1 - float64(row[len(x)])/float64(len(y))
}
