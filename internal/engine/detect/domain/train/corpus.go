package main

import (
	"archive/zip"
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"noroshi/internal/engine/detect/domain"
)

// group says where a label chosen by people comes from.
type group uint8

const (
	popular  group = 1 << iota // lists of the most visited names
	japanese                   // names under jp
	other                      // universities, banks, providers
	queried                    // the most asked names, which no person vouches for: measured only
)

// name is one label with what the lists say of it.
type name struct {
	label  string
	groups group
}

// corpus is what training reads. Each label stands in it once.
type corpus struct {
	chosen []name   // sorted
	dga    []string // sorted, made by real algorithms
	hashes map[string]string
	dir    string
}

// Files of the shared test data, all under licences that allow this use.
const (
	fileLists = "misp/misp-warninglists.zip"              // CC0
	fileDGA   = "dga/philarkwright-dga-unlabelled.txt.gz" // BSD
	fileTrail = "ioc/maltrail-aux.zip"                    // MIT; the allow-list only
	fileJapan = "jp/localgov.csv"                         // CC0
)

// popularLists and otherLists are lists of names chosen by people.
var (
	popularLists = []string{"alexa", "cloudflare-top20k", "majestic_million", "moz-top500", "tranco10k"}
	otherLists   = []string{"university_domains", "bank-website", "security-provider-blogpost", "microsoft-office365", "url-shortener",
		"covid-19-cyber-threat-coalition-whitelist", "crl-hostname", "microsoft", "second-level-tlds", "dynamic-dns", "disposable-email"}
)

func read(dir string) (*corpus, error) {
	c := &corpus{hashes: map[string]string{}, dir: dir}
	all := map[string]group{}
	add := func(s string, g group) {
		s = strings.Trim(strings.ToLower(s), ".")
		if strings.HasSuffix(s, ".jp") {
			g |= japanese
		}
		cut := domain.Cut(s)
		if cut.OK && !cut.Reverse && cut.To-cut.From >= 5 {
			all[s[cut.From:cut.To]] |= g
		}
	}
	for _, step := range []func(func(string, group)) error{c.lists, c.trail, c.japan} {
		if err := step(add); err != nil {
			return nil, err
		}
	}
	for label, g := range all {
		if usable(label) {
			c.chosen = append(c.chosen, name{label, g})
		}
	}
	slices.SortFunc(c.chosen, func(a, b name) int { return strings.Compare(a.label, b.label) })
	return c, c.generated()
}

// usable leaves out names in other scripts, which are not judged.
func usable(label string) bool {
	for _, r := range label {
		if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
			return false
		}
	}
	return !strings.HasPrefix(label, "xn--")
}

func (c *corpus) open(file string) ([]byte, error) {
	raw, err := os.ReadFile(filepath.Join(c.dir, filepath.FromSlash(file)))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(raw)
	c.hashes[file] = hex.EncodeToString(sum[:])
	return raw, nil
}

func (c *corpus) zip(file string) (*zip.Reader, error) {
	raw, err := c.open(file)
	if err != nil {
		return nil, err
	}
	return zip.NewReader(strings.NewReader(string(raw)), int64(len(raw)))
}

func (c *corpus) lists(add func(string, group)) error {
	z, err := c.zip(fileLists)
	if err != nil {
		return err
	}
	for g, names := range map[group][]string{popular: popularLists, other: otherLists, queried: {"cisco_top20k"}} {
		for _, n := range names {
			f, err := z.Open("lists/" + n + "/list.json")
			if err != nil {
				return err
			}
			var l struct{ List []string }
			if err := json.NewDecoder(f).Decode(&l); err != nil {
				return fmt.Errorf("%s: %w", n, err)
			}
			for _, s := range l.List {
				if n == "second-level-tlds" {
					// Suffixes themselves: the last label stands for a place.
					s, _, _ = strings.Cut(s, ".")
					s += ".example"
				}
				add(s, g)
			}
		}
	}
	return nil
}

func (c *corpus) trail(add func(string, group)) error {
	z, err := c.zip(fileTrail)
	if err != nil {
		return err
	}
	f, err := z.Open("data/whitelist.txt")
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if s, _, _ := strings.Cut(lines.Text(), "#"); !strings.ContainsAny(s, "/:* ") {
			add(strings.TrimSpace(s), other)
		}
	}
	return lines.Err()
}

// japan adds the names of local governments, and their readings as labels.
func (c *corpus) japan(add func(string, group)) error {
	raw, err := c.open(fileJapan)
	if err != nil {
		return err
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(raw), "\ufeff"))).ReadAll()
	if err != nil {
		return err
	}
	for _, row := range rows[1:] {
		host, ok := strings.CutPrefix(row[7], "https://")
		if !ok {
			host = strings.TrimPrefix(row[7], "http://")
		}
		host, _, _ = strings.Cut(host, "/")
		add(host, japanese)
		for _, word := range strings.Fields(row[4]) {
			add(romaji(word)+".jp", japanese)
		}
	}
	return nil
}

func (c *corpus) generated() error {
	raw, err := c.open(fileDGA)
	if err != nil {
		return err
	}
	z, err := gzip.NewReader(strings.NewReader(string(raw)))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(z, 64<<20))
	if err != nil {
		return err
	}
	for _, line := range strings.Fields(string(text)) {
		if cut := domain.Cut(line); cut.OK && cut.To-cut.From >= 5 {
			c.dga = append(c.dga, line[cut.From:cut.To])
		}
	}
	slices.Sort(c.dga)
	c.dga = slices.Compact(c.dga)
	return nil
}

// part divides labels into tenths by their hash: 0–7 to learn from and to
// choose the threshold, 8 and 9 to measure.
func part(label string) int {
	h := fnv.New64a()
	io.WriteString(h, "part "+label)
	return int(h.Sum64() % 10)
}

// romaji writes hiragana in Hepburn without long vowel marks, as in names of
// places on the net.
func romaji(kana string) string {
	pairs := []string{"きゃ", "kya", "きゅ", "kyu", "きょ", "kyo", "しゃ", "sha", "しゅ", "shu", "しょ", "sho", "ちゃ", "cha", "ちゅ", "chu", "ちょ", "cho",
		"にゃ", "nya", "にゅ", "nyu", "にょ", "nyo", "ひゃ", "hya", "ひゅ", "hyu", "ひょ", "hyo", "みゃ", "mya", "みゅ", "myu", "みょ", "myo",
		"りゃ", "rya", "りゅ", "ryu", "りょ", "ryo", "ぎゃ", "gya", "ぎゅ", "gyu", "ぎょ", "gyo", "じゃ", "ja", "じゅ", "ju", "じょ", "jo",
		"びゃ", "bya", "びゅ", "byu", "びょ", "byo", "ぴゃ", "pya", "ぴゅ", "pyu", "ぴょ", "pyo"}
	table := strings.Fields("あ a い i う u え e お o か ka き ki く ku け ke こ ko さ sa し shi す su せ se そ so た ta ち chi つ tsu て te と to な na に ni ぬ nu ね ne の no " +
		"は ha ひ hi ふ fu へ he ほ ho ま ma み mi む mu め me も mo や ya ゆ yu よ yo ら ra り ri る ru れ re ろ ro わ wa を o ん n が ga ぎ gi ぐ gu げ ge ご go " +
		"ざ za じ ji ず zu ぜ ze ぞ zo だ da ぢ ji づ zu で de ど do ば ba び bi ぶ bu べ be ぼ bo ぱ pa ぴ pi ぷ pu ぺ pe ぽ po")
	s := strings.NewReplacer(append(pairs, table...)...).Replace(kana)
	s = strings.NewReplacer("ou", "o", "uu", "u", "oo", "o").Replace(s)
	var b strings.Builder
	double := false
	for _, r := range s {
		switch {
		case r == 'っ': // doubles the consonant that follows; ch becomes tch
			double = true
			continue
		case r < 'a' || r > 'z':
			continue
		case double && r == 'c':
			b.WriteByte('t')
		case double:
			b.WriteRune(r)
		}
		double = false
		b.WriteRune(r)
	}
	return b.String()
}
