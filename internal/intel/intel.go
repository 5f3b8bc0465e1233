package intel

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/product"
	"noroshi/internal/intel/feed"
)

// Faults of this noun.
var (
	ErrNone = fault.New(fault.NotFound, "intel.none")      // no source says anything of it
	ErrBusy = fault.New(fault.Conflict, "intel.feed_busy") // the feed is being imported
)

// Said is who says something, where and when, and under which licence.
type Said struct {
	Feed    string    `json:"feed"` // id of the feed on this hub
	Kind    feed.Kind `json:"kind"`
	By      string    `json:"by,omitempty"` // publisher or assigner
	Ref     string    `json:"ref"`
	At      time.Time `json:"at,omitzero"`
	Licence string    `json:"licence,omitempty"`
}

// Account is all that one source says of a vulnerability, without what it says
// of products.
type Account struct {
	Said
	Record feed.Record `json:"record"`
}

// Scored is a CVSS score with its source.
type Scored struct {
	feed.Score
	Said Said `json:"said"`
}

// ExploitedFact is that a vulnerability is used in attacks, with its source.
type ExploitedFact struct {
	feed.Exploited
	Said Said `json:"said"`
}

// LikelihoodFact is an EPSS estimate with its source.
type LikelihoodFact struct {
	feed.Likelihood
	Said Said `json:"said"`
}

// DecisionFact holds SSVC decision points with their source.
type DecisionFact struct {
	feed.Decision
	Said Said `json:"said"`
}

// Reference is a page about a vulnerability, with the feeds that name it.
type Reference struct {
	URL   string   `json:"url"`
	Feeds []string `json:"feeds"`
}

// Vulnerability is what all sources together say. Where they differ the nearer
// to the maker goes first (see [Precedence]); Accounts has all of them.
type Vulnerability struct {
	ID         string            `json:"id"` // CVE id, else the source's own
	Aliases    []string          `json:"aliases,omitempty"`
	Withdrawn  bool              `json:"withdrawn,omitempty"` // by everyone who describes it, or rejected by the CVE list
	Title      map[string]string `json:"title,omitempty"`     // by language: en, ja
	Published  time.Time         `json:"published,omitzero"`  // first, by any source
	Modified   time.Time         `json:"modified,omitzero"`   // last, by any source
	Severity   *Scored           `json:"severity,omitempty"`  // the score to show; Scores has all
	Scores     []Scored          `json:"scores,omitempty"`
	Exploited  *ExploitedFact    `json:"exploited,omitempty"`
	Likelihood *LikelihoodFact   `json:"likelihood,omitempty"`
	Decision   *DecisionFact     `json:"decision,omitempty"`
	Weaknesses []string          `json:"weaknesses,omitempty"` // CWE-…
	References []Reference       `json:"references,omitempty"`
	Accounts   []Account         `json:"accounts"` // the nearest to the maker first
}

// In returns the title in a language, else in the other, else the id.
func (v *Vulnerability) In(lang string) string {
	for _, l := range []string{lang, "en", "ja"} {
		if t := v.Title[l]; t != "" {
			return t
		}
	}
	return v.ID
}

// Precedence is the order of sources where they differ: what the maker or its
// assigner says, then national coordinators, then those who add to it.
var Precedence = [...]feed.Kind{feed.CSAF, feed.CVE5, feed.JVN, feed.OSV, feed.NVD, feed.KEV, feed.EPSS, feed.EOL}

func rank(k feed.Kind) int {
	if i := slices.Index(Precedence[:], k); i >= 0 {
		return i
	}
	return len(Precedence)
}

// maxReferences bounds the references of a merged view.
const maxReferences = 500

// maxTitle bounds a title taken from a description, in characters.
const maxTitle = 120

// Merge joins accounts of one vulnerability, in any order. It keeps all of
// them and answers each question with the first that does.
func Merge(id string, aliases []string, accounts []Account) Vulnerability {
	v := Vulnerability{ID: id, Title: map[string]string{}, Accounts: accounts}
	slices.SortStableFunc(v.Accounts, func(a, b Account) int {
		return cmp.Or(cmp.Compare(rank(a.Kind), rank(b.Kind)), b.At.Compare(a.At), strings.Compare(a.Ref, b.Ref))
	})
	described := false
	v.Withdrawn = true
	refs := map[string]int{}
	for i := range v.Accounts {
		a := &v.Accounts[i]
		r := &a.Record
		aliases = append(append(aliases, r.ID), r.Aliases...)
		if a.Kind != feed.EPSS && a.Kind != feed.KEV {
			described = true
			v.Withdrawn = v.Withdrawn && r.Withdrawn
		}
		v.title(r)
		if !r.Published.IsZero() && (v.Published.IsZero() || r.Published.Before(v.Published)) {
			v.Published = r.Published
		}
		if r.Modified.After(v.Modified) {
			v.Modified = r.Modified
		}
		for _, s := range r.Scores {
			v.Scores = append(v.Scores, Scored{s, a.Said})
		}
		if r.Exploited != nil && v.Exploited == nil && !r.Withdrawn {
			v.Exploited = &ExploitedFact{*r.Exploited, a.Said}
		}
		if l := r.Likelihood; l != nil && (v.Likelihood == nil || l.On.After(v.Likelihood.On)) {
			v.Likelihood = &LikelihoodFact{*l, a.Said}
		}
		if d := r.Decision; d != nil && (v.Decision == nil || d.At.After(v.Decision.At)) {
			v.Decision = &DecisionFact{*d, a.Said}
		}
		v.Weaknesses = append(v.Weaknesses, r.Weaknesses...)
		for _, u := range r.References {
			at, known := refs[u]
			if !known && len(refs) < maxReferences {
				at, known = len(v.References), true
				refs[u] = at
				v.References = append(v.References, Reference{URL: u})
			}
			if known && !slices.Contains(v.References[at].Feeds, a.Feed) {
				v.References[at].Feeds = append(v.References[at].Feeds, a.Feed)
			}
		}
	}
	v.Withdrawn = v.Withdrawn && described
	// The list that gives out a CVE id says alone that it was rejected: others
	// may take weeks to follow. Of several accounts of it the newest stands first.
	if i := slices.IndexFunc(v.Accounts, func(a Account) bool { return a.Kind == feed.CVE5 && a.Record.ID == id }); i >= 0 && v.Accounts[i].Record.Withdrawn {
		v.Withdrawn = true
	}
	slices.Sort(v.Weaknesses)
	v.Weaknesses = slices.Compact(v.Weaknesses)
	slices.Sort(aliases)
	v.Aliases = slices.DeleteFunc(slices.Compact(aliases), func(a string) bool { return a == id })
	for i := range v.Scores { // CVSS 4.0 before 3.x before 2; of the same version the source that goes first
		if v.Severity == nil || scoreVersion(v.Scores[i].Vector) > scoreVersion(v.Severity.Vector) {
			v.Severity = &v.Scores[i]
		}
	}
	return v
}

// title takes what is missing of the titles from a record: its title, else the
// first sentence of its description.
func (v *Vulnerability) title(r *feed.Record) {
	lang := "en"
	if r.Title != "" {
		if strings.ContainsFunc(r.Title, func(c rune) bool { return c >= 0x3040 && c <= 0x9fff }) {
			lang = "ja"
		}
		if v.Title[lang] == "" {
			v.Title[lang] = r.Title
		}
	}
	for _, lang := range []string{"ja", "en"} {
		if v.Title[lang] == "" && r.Description[lang] != "" && r.Title == "" {
			v.Title[lang] = firstSentence(r.Description[lang])
		}
	}
}

func firstSentence(s string) string {
	s = strings.TrimSpace(s)
	for _, end := range []string{"。", ". ", "\n"} {
		if i := strings.Index(s, end); i > 0 {
			s = s[:i]
		}
	}
	if c := []rune(s); len(c) > maxTitle {
		s = string(c[:maxTitle-1]) + "…"
	}
	return s
}

func scoreVersion(vector string) int {
	switch {
	case strings.HasPrefix(vector, "CVSS:4"):
		return 4
	case strings.HasPrefix(vector, "CVSS:3"):
		return 3
	}
	return 2
}

// sortKey is by what lists of vulnerabilities are ordered: the year and the
// number of a CVE id padded, so that 2024-9999 comes before 2024-12345; else
// the id itself.
func sortKey(id string) string {
	if year, number, ok := cve(id); ok {
		return "CVE-" + year + "-" + strings.Repeat("0", max(0, 12-len(number))) + number
	}
	return id
}

// A CVE id has a year and at least four digits (CVE Record Format, cveId).
var cveID = regexp.MustCompile(`^CVE-([0-9]{4})-([0-9]{4,19})$`)

func cve(id string) (year, number string, ok bool) {
	m := cveID.FindStringSubmatch(id)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// A FeedSource is a feed as the configuration names it.
type FeedSource struct {
	ID       string        `toml:"id" json:"id" doc:"Short name, such as nvd; it never changes"`
	Kind     feed.Kind     `toml:"kind" json:"kind,omitempty" doc:"What it has to be: cve5, nvd, kev, epss, csaf, osv, eol, jvn; empty takes what the content says"`
	URL      string        `toml:"url" json:"url,omitempty" doc:"Where it is fetched; its host has to be in out.hosts"`
	Path     string        `toml:"path" json:"path,omitempty" doc:"File or folder on this machine, instead of url"`
	Every    time.Duration `toml:"every" json:"every,omitempty" doc:"Time between looks, 5m to 720h; 0 only when asked"`
	Licence  string        `toml:"licence" json:"licence,omitempty" doc:"Licence, when the feed itself does not say it"`
	Checksum string        `toml:"checksum" json:"checksum,omitempty" doc:"URL of the SHA-256 of the file, or the NVD .meta file"`
	Whole    bool          `toml:"whole" json:"whole,omitempty" doc:"The file is all there is: what is not in it any more is taken back. Catalogues (kev, epss, eol) always are"`
	Shrink   int           `toml:"shrink" json:"shrink,omitempty" doc:"Percent of records a whole file may lack before it is taken for half a file; 0 is 10"`
}

// Bounds of a feed's configuration.
const (
	minEvery      = 5 * time.Minute
	maxEvery      = 720 * time.Hour
	defaultShrink = 10
)

var feedID = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)

// Check returns what is wrong with the configured feeds; places name the feed
// and the key: feeds.nvd.url.
func Check(sources []FeedSource) (bad []fault.Place) {
	seen := map[string]bool{}
	for i, f := range sources {
		at := "feeds." + cmp.Or(f.ID, strconv.Itoa(i+1)) + "."
		wrong := func(key, code string) { bad = append(bad, fault.Place{At: at + key, Code: code}) }
		if !feedID.MatchString(f.ID) || seen[f.ID] {
			wrong("id", "intel.config.id")
		}
		seen[f.ID] = true
		if f.Kind != "" && rank(f.Kind) == len(Precedence) {
			wrong("kind", "intel.config.kind")
		}
		if (f.URL == "") == (f.Path == "") {
			wrong("url", "intel.config.where")
		}
		for key, v := range map[string]string{"url": f.URL, "checksum": f.Checksum} {
			if u, err := url.Parse(v); v != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
				wrong(key, "intel.config.url")
			}
		}
		if f.Every != 0 && (f.Every < minEvery || f.Every > maxEvery) {
			wrong("every", "intel.config.every")
		}
		if f.Shrink < 0 || f.Shrink > 100 {
			wrong("shrink", "intel.config.shrink")
		}
	}
	return bad
}

// whole reports whether a file of this kind and source is all there is.
func (f *FeedSource) whole(k feed.Kind) bool {
	return f.Whole || k == feed.KEV || k == feed.EPSS || k == feed.EOL
}

// productKeys returns the keys under which a statement is found, each once.
func productKeys(st *product.Statement) []string {
	var keys []string
	var walk func(n *product.Node)
	walk = func(n *product.Node) {
		for i := range n.Lines {
			keys = append(keys, product.LineKeys(&n.Lines[i])...)
		}
		for i := range n.Children {
			walk(&n.Children[i])
		}
	}
	walk(&st.Root)
	slices.Sort(keys)
	return slices.Compact(keys)
}
