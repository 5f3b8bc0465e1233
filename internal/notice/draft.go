package notice

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/text"
)

//go:embed data/draft.toml
var draftData string

// phrases are the sentences that a draft begins with; people change them.
var phrases = sync.OnceValue(func() map[string]text.Both {
	var d map[string]text.Both
	if _, err := toml.Decode(draftData, &d); err != nil {
		panic("BUG: notice: drafts: " + err.Error())
	}
	return d
})

// phrase fills a sentence. Pairs are name, value for both languages.
func phrase(key string, pairs ...string) text.Both {
	b, ok := phrases()[key]
	if !ok {
		panic("BUG: notice: no phrase " + key)
	}
	fill := make([]string, len(pairs))
	for i, p := range pairs {
		if fill[i] = p; i%2 == 0 {
			fill[i] = "{" + p + "}"
		}
	}
	r := strings.NewReplacer(fill...)
	return text.Both{JA: r.Replace(b.JA), EN: r.Replace(b.EN)}
}

// dayIn writes a day in Japan as a language writes it.
func dayIn(l text.Lang, t time.Time) string { return text.Printer{Lang: l, Zone: text.JST}.Date(t) }

// fillIn puts facts where the sender wrote nothing.
func fillIn(c Content, f Facts, found []Exposed) Content {
	product := "" // the one product it is about; empty when there are several
	for i, e := range found {
		if product = e.Product; i > 0 && found[0].Product != product {
			product = ""
			break
		}
	}
	if len(c.About) == 0 {
		c.About = f.About
	}
	name := strings.Join(c.About, ", ")
	if c.Title.JA == "" && c.Title.EN == "" {
		c.Title = f.Title
		switch {
		case f.Title.JA == "" && f.Title.EN == "":
			c.Title = phrase("title", "name", name)
		case f.Title.JA == "":
			c.Title.JA = f.Title.EN
		}
	}
	if c.KnownAt.IsZero() {
		c.KnownAt = f.KnownAt
	}
	for _, e := range found { // the hub knew when it found the first of them
		if f.KnownAt.IsZero() && !e.FoundAt.IsZero() && (c.KnownAt.IsZero() || e.FoundAt.Before(c.KnownAt)) {
			c.KnownAt = e.FoundAt
		}
	}
	if c.AttackSeenAt.IsZero() {
		c.AttackSeenAt = f.AttackAt
	}
	if c.TLP == "" {
		c.TLP = f.TLP
	}
	if c.Clearance == 0 {
		c.Clearance = f.Clearance
	}
	if c.Severity == "" {
		c.Severity = Attend
		for _, e := range found {
			if e.Priority != "" && slices.Index(Severities, e.Priority) < slices.Index(Severities, c.Severity) {
				c.Severity = e.Priority
			}
		}
		if !f.AttackAt.IsZero() {
			c.Severity = Act
		}
	}
	if c.Management != nil || c.Technical != nil || c.Small != nil {
		return c
	}
	thing := phrase("thing")
	if product != "" {
		thing = text.Both{JA: product, EN: product}
	}
	in := func(key string) text.Both {
		ja, en := phrase(key, "name", name, "product", thing.JA, "fixed", f.Fixed), phrase(key, "name", name, "product", thing.EN, "fixed", f.Fixed)
		return text.Both{JA: ja.JA, EN: en.EN}
	}
	what := in("what")
	if !f.AttackAt.IsZero() {
		what = in("what.attacked")
	}
	// No version is marked wider than what it rests on.
	mark := func(t TLP) TLP { return Rules().Highest(t, f.TLP) }
	c.Management = &Brief{TLP: mark(Green), What: what, SoWhat: in("so_what"), Decide: in("decide")}
	details, plain := f.Details, in("details")
	if details.JA == "" { // most feeds speak English alone
		details.JA = plain.JA
	}
	if details.EN == "" {
		details.EN = plain.EN
	}
	if pages := strings.Join(f.Pages, "\n"); pages != "" { // whichever language somebody reads
		for _, d := range []*string{&details.JA, &details.EN} {
			if utf8.RuneCountInString(*d)+len(pages) < maxText {
				*d += "\n" + pages
			}
		}
	}
	checks := []text.Both{in("check.version"), in("check.reach")}
	if f.Fixed != "" {
		checks = append(checks, in("check.fixed"))
	}
	c.Technical = &Package{TLP: mark(Amber), Details: details, Indicators: f.Indicators, Checks: checks}
	c.Small = plainSteps(thing, f.Fixed)
	c.Small.TLP = mark(c.Small.TLP)
	return c
}

// plainSteps begins the version for small firms. Who helps is put in by whoever
// knows whom to call.
func plainSteps(product text.Both, fixed string) *Steps {
	in := func(key string) text.Both {
		ja, en := phrase(key, "product", product.JA, "fixed", fixed), phrase(key, "product", product.EN, "fixed", fixed)
		return text.Both{JA: ja.JA, EN: en.EN}
	}
	how := "small.new.how"
	if fixed != "" {
		how = "small.fixed.how"
	}
	return &Steps{TLP: Clear, Title: in("small.title"), Steps: []Step{{in("small.look"), in("small.look.how")}, {in("small.call"), in("small.call.how")},
		{in("small.new"), in(how)}, {in("small.pull"), in("small.pull.how")}, {Do: in("small.say")}}}
}

// whyYou makes the reasons of each organisation out of its exposures.
func whyYou(f Facts, found []Exposed) (out []NewRecipient) {
	at := map[string]int{}
	for _, e := range found {
		i, ok := at[e.Org]
		if !ok {
			i = len(out)
			at[e.Org] = i
			out = append(out, NewRecipient{Org: e.Org})
		}
		key := "why.certain"
		if !e.Certain {
			key = "why.unsure"
		}
		one := phrase(key, "product", e.Product, "n", strconv.Itoa(e.Devices), "name", strings.Join(f.About, ", "))
		if !slices.Contains(out[i].Why, one) && len(out[i].Why) < maxWhy {
			out[i].Why = append(out[i].Why, one)
		}
		out[i].Devices += e.Devices
	}
	if f.AttackAt.IsZero() {
		return out
	}
	for i := range out {
		if len(out[i].Why) < maxWhy {
			out[i].Why = append(out[i].Why, phrase("why.attacked", "name", strings.Join(f.About, ", "), "day_ja", dayIn(text.JA, f.AttackAt), "day_en", dayIn(text.EN, f.AttackAt)))
		}
	}
	return out
}
