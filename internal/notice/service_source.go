package notice

import (
	"context"
	"errors"
	"slices"

	"noroshi/internal/base/db"
	"noroshi/internal/base/text"
	"noroshi/internal/exposure"
	"noroshi/internal/intel"
)

// ExposedBy finds whom a vulnerability concerns in the exposures of the hub,
// for Config.Exposed.
func ExposedBy(e *exposure.Service) func(context.Context, *db.Tx, string, []string) ([]Exposed, error) {
	return func(ctx context.Context, tx *db.Tx, vulnerability string, orgs []string) (out []Exposed, err error) {
		rows, err := e.Of(ctx, tx, vulnerability, orgs)
		for _, r := range rows {
			// What a person judged not to be affected, or dealt with, is nobody's
			// news; what is only the platform of a flaw is none either.
			if r.State == exposure.Judged || r.State == exposure.Handled || r.Certainty == "platform_only" {
				continue
			}
			out = append(out, Exposed{Org: r.Org, Product: r.Product, Devices: r.Devices, Certain: r.Verdict == "affected" && r.Certainty == "exact", Priority: Severity(r.Priority.String()), FoundAt: r.FoundAt})
		}
		return out, err
	}
}

// FactsBy returns what all sources say of a vulnerability, for
// Config.Vulnerability. One that no source knows has no facts: somebody may
// warn of it before any feed does.
func FactsBy(i *intel.Service) func(context.Context, *db.Tx, string) (Facts, error) {
	return func(ctx context.Context, tx *db.Tx, id string) (f Facts, err error) {
		f.About = []string{id}
		v, err := i.Vulnerability(ctx, tx, id)
		if errors.Is(err, intel.ErrNone) {
			return f, nil
		}
		if err != nil {
			return f, err
		}
		f.Known = true
		f.About = []string{v.ID} // the name that exposures have it by
		f.Title = text.Both{JA: v.Title["ja"], EN: v.Title["en"]}
		if f.Title.JA == "" {
			f.Title.JA = f.Title.EN
		}
		if v.Exploited != nil {
			f.AttackAt = v.Exploited.Added
		}
		// What the nearest to the maker says first; pages to read come after.
		for _, a := range v.Accounts {
			for lang, into := range map[string]*string{"ja": &f.Details.JA, "en": &f.Details.EN} {
				if *into == "" {
					*into = a.Record.Description[lang]
				}
			}
		}
		for _, r := range v.References[:min(len(v.References), 3)] {
			f.Pages = append(f.Pages, r.URL)
		}
		return clip(f), nil
	}
}

// ItemBy returns an item of intelligence, for Config.Item, with its indicators
// and its marks: a draft begins as narrow as what it rests on. Whoever drafts
// has to be allowed to see the item.
func ItemBy(i *intel.Service) func(context.Context, string) (Facts, error) {
	return func(ctx context.Context, id string) (f Facts, err error) {
		it, err := i.Item(ctx, id)
		if errors.Is(err, intel.ErrNoItem) {
			return f, ErrNone
		}
		if err != nil {
			return f, err
		}
		f = Facts{Title: text.Both{JA: it.Title}, Details: text.Both{JA: it.Text}, About: slices.Clone(it.Vulnerabilities), KnownAt: it.PublishedAt, TLP: TLP(it.TLP), Clearance: it.Clearance}
		if f.KnownAt.IsZero() {
			f.KnownAt = it.CreatedAt
		}
		for _, x := range it.Indicators {
			f.Indicators = append(f.Indicators, Indicator{Kind: kindOfIndicator(x.Value), Value: x.Value, Note: x.Note})
		}
		return clip(f), nil
	}
}
