// Package text holds what the program says, in Japanese and English as equals.
// Each noun brings text/ja.toml and text/en.toml: flat tables from a key to a
// sentence with named arguments in braces. A key that one language lacks, or
// an argument that one sentence lacks, fails Load and so fails the build.
//
//	"asset.import.rows" = "{n}行を取り込みました"
//	"asset.import.rows" = "Imported {n} {n|row|rows}"
//
// {n|one|many} picks the first form when n is 1, which Japanese never needs.
package text

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"golang.org/x/sync/errgroup"

	"noroshi/internal/base/fault"
)

// Lang is a language the program speaks: a BCP 47 tag.
type Lang string

// The two languages.
const (
	JA Lang = "ja"
	EN Lang = "en"
)

// Langs lists the languages, Japanese first.
var Langs = []Lang{JA, EN}

// ParseLang returns the language of a tag or POSIX locale such as "en-GB" or
// "ja_JP.UTF-8", and whether it is one of ours.
func ParseLang(s string) (Lang, bool) {
	s = strings.ToLower(s)
	for _, l := range Langs {
		if s == string(l) || strings.HasPrefix(s, string(l)+"-") || strings.HasPrefix(s, string(l)+"_") {
			return l, true
		}
	}
	return JA, false
}

// Detect returns the first known language among the flag's value,
// NOROSHI_LANG and the locale; Japanese when none is known.
func Detect(flag string) Lang {
	for _, s := range []string{flag, os.Getenv("NOROSHI_LANG"), os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG")} {
		if l, ok := ParseLang(s); ok {
			return l
		}
	}
	return JA
}

// Catalog is a set of sentences. It is immutable after Load.
type Catalog struct {
	words map[Lang]map[string]string
}

// Load reads text/ja.toml and text/en.toml of each file system, side by side,
// and merges them. It fails on a key given twice, a key missing in one language,
// and named arguments that differ between the languages.
func Load(sources ...fs.FS) (*Catalog, error) {
	parts := make([]Catalog, len(sources))
	var all errgroup.Group
	for i, src := range sources {
		all.Go(func() (err error) {
			parts[i], err = read(src)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return nil, fmt.Errorf("load words: %w", err)
	}
	c := &Catalog{words: map[Lang]map[string]string{JA: {}, EN: {}}}
	for _, part := range parts {
		for lang, words := range part.words {
			for k, v := range words {
				if _, twice := c.words[lang][k]; twice {
					return nil, fmt.Errorf("load words: %s: key %q is given twice", lang, k)
				}
				c.words[lang][k] = v
			}
		}
	}
	return c, nil
}

// read returns the sentences of one noun.
func read(src fs.FS) (Catalog, error) {
	c := Catalog{words: map[Lang]map[string]string{}}
	for _, lang := range Langs {
		name := "text/" + string(lang) + ".toml"
		raw, err := fs.ReadFile(src, name)
		if err != nil {
			return c, err
		}
		var words map[string]string
		if _, err := toml.Decode(string(raw), &words); err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
		c.words[lang] = words
	}
	return c, c.check()
}

func (c *Catalog) check() error {
	var bad []string
	for k, ja := range c.words[JA] {
		en, ok := c.words[EN][k]
		if !ok {
			bad = append(bad, k+": no English")
		} else if a, b := names(ja), names(en); !slices.Equal(a, b) {
			bad = append(bad, fmt.Sprintf("%s: arguments %v in ja, %v in en", k, a, b))
		}
	}
	for k := range c.words[EN] {
		if _, ok := c.words[JA][k]; !ok {
			bad = append(bad, k+": no Japanese")
		}
	}
	if bad != nil {
		slices.Sort(bad)
		return errors.New(strings.Join(bad, "; "))
	}
	return nil
}

// Has reports whether the catalog knows the key.
func (c *Catalog) Has(key string) bool { _, ok := c.words[JA][key]; return ok }

// Keys returns all keys, sorted.
func (c *Catalog) Keys() []string { return slices.Sorted(maps.Keys(c.words[JA])) }

var hole = regexp.MustCompile(`\{([a-z_]+)(\|[^{}|]*\|[^{}|]*)?\}`)

func names(s string) []string {
	if !strings.Contains(s, "{") {
		return nil
	}
	set := map[string]bool{}
	for _, m := range hole.FindAllStringSubmatch(s, -1) {
		set[m[1]] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// Printer speaks one language in one time zone.
type Printer struct {
	cat  *Catalog
	Lang Lang
	Zone *time.Location
}

// Printer returns a printer. A nil zone is Japan's.
func (c *Catalog) Printer(lang Lang, zone *time.Location) Printer {
	if zone == nil {
		zone = JST
	}
	return Printer{c, lang, zone}
}

// Has reports whether the key is known.
func (p Printer) Has(key string) bool { return p.cat.Has(key) }

// T returns the sentence of key with its named arguments filled in. Pairs are
// name, value, name, value. An unknown key is shown as it is, in brackets: a
// reader can still report it, and the tests of every page look for it.
func (p Printer) T(key string, pairs ...any) string {
	args := fault.Args{}
	for i := 0; i+1 < len(pairs); i += 2 {
		args[pairs[i].(string)] = pairs[i+1]
	}
	return p.fill(key, args)
}

func (p Printer) fill(key string, args fault.Args) string {
	s, ok := p.cat.words[p.Lang][key]
	if !ok {
		return "[" + key + "]"
	}
	if !strings.Contains(s, "{") {
		return s
	}
	return hole.ReplaceAllStringFunc(s, func(m string) string {
		parts := hole.FindStringSubmatch(m)
		v, ok := args[parts[1]]
		if !ok {
			return m
		}
		if parts[2] == "" {
			return p.value(v)
		}
		forms := strings.Split(parts[2][1:], "|")
		if fmt.Sprint(v) == "1" {
			return forms[0]
		}
		return forms[1]
	})
}

// Worded is a value that a sentence says in words of its own, found by their key,
// while programs get the value itself. One without words is written as it is.
type Worded interface{ WordsKey() string }

func (p Printer) value(v any) string {
	switch v := v.(type) {
	case int:
		return p.Number(int64(v))
	case int64:
		return p.Number(v)
	case time.Time:
		return p.Time(v)
	case time.Duration:
		return p.Duration(v)
	case Both:
		return v.In(p.Lang)
	case Worded:
		if key := v.WordsKey(); p.Has(key) {
			return p.T(key)
		}
	case map[string]any: // a Both that came as JSON
		if s, ok := v[string(p.Lang)].(string); ok {
			return s
		}
	}
	return fmt.Sprint(v)
}

// Message is a fault in words.
type Message struct {
	Title  string         // one sentence: what happened and what to do
	Hint   string         // more help, or empty
	Places []PlaceInWords // one per place of the input
}

// PlaceInWords is one place of an input with its sentence.
type PlaceInWords struct{ At, Say string }

// Fault says err in words. An internal fault tells nothing of its cause.
func (p Printer) Fault(err error) Message {
	e := fault.Of(err)
	m := Message{Title: p.fill(e.Code, e.Args)}
	if p.Has(e.Code + ".hint") {
		m.Hint = p.fill(e.Code+".hint", e.Args)
	}
	for _, pl := range e.Places {
		m.Places = append(m.Places, PlaceInWords{pl.At, p.fill(pl.Code, pl.Args)})
	}
	return m
}
