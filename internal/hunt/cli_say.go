package hunt

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/event/format"
	"noroshi/internal/engine/sigma"
	"noroshi/internal/engine/sigma/match"
)

// Bounds of what is said on standard error.
const (
	saidRejected = 5
	saidDamage   = 8
	saidPassed   = 8
)

// sayQuiet tells of which rules not every hit is told: filters and correlations of
// others may make them silent.
func sayQuiet(env *cli.Env, set *RuleSet) {
	if n := set.Narrowed(); n > 0 {
		env.Say("hunt.say.narrowed", "n", n, "filters", len(set.Filters))
	}
	if n := set.Hidden(); n > 0 {
		env.Say("hunt.say.hidden", "n", n)
	}
}

// sayRules tells which rules are looked for, and which cannot be.
func sayRules(env *cli.Env, set *RuleSet) {
	env.Say("hunt.say.rules", "n", len(set.Rules)+len(set.Correlations), "files", set.Collection.Files)
	for _, n := range set.Rejected[:min(len(set.Rejected), saidRejected)] {
		fmt.Fprintln(env.Err, "  "+noteText(env.Printer(), n))
	}
	if len(set.Rejected) > 0 {
		env.Say("hunt.say.rejected", "n", len(set.Rejected))
	}
}

// noteText says why a rule cannot be used, with its place.
func noteText(p text.Printer, n sigma.Note) string {
	at := text.Printable(n.File)
	if n.Line > 0 {
		at += fmt.Sprintf(":%d", n.Line)
	}
	if n.Rule != "" {
		at += ": " + text.Printable(n.Rule)
	}
	return at + ": " + reasonText(p, n)
}

// reasonText says what is wrong with a rule. The arguments of a code have fixed
// places.
func reasonText(p text.Printer, n sigma.Note) string {
	pairs := make([]any, 0, 6)
	for i, a := range n.Args[:min(len(n.Args), 3)] {
		pairs = append(pairs, "abc"[i:i+1], text.Printable(a))
	}
	return p.T("hunt.rule."+strings.ReplaceAll(string(n.Code), "-", "_"), pairs...)
}

// sayReport tells what was read, what could not be, and when nothing was found
// what was looked at.
func sayReport(env *cli.Env, r *Report, set *RuleSet, took time.Duration) {
	env.Say("hunt.say.scanned", "events", int64(r.Events), "sources", len(r.Sources), "rules", r.Rules, "seconds", fmt.Sprintf("%.1f", took.Seconds()))
	sayRead(env, r)
	if r.Match.Hits == 0 && r.Events > 0 {
		env.Say("hunt.say.none", "kinds", kindsText(r))
		sayRouting(env, r)
	}
	if r.Known > 0 {
		env.Say("hunt.say.known", "n", r.Known)
	}
	if r.Combined.Evicted > 0 {
		env.Say("hunt.say.evicted", "n", int64(r.Combined.Evicted))
	}
	if r.Combined.Sampled > 0 {
		env.Say("hunt.say.sampled", "n", int64(r.Combined.Sampled))
	}
	sayQuiet(env, set)
}

// saidSources is how many kinds of events are told with their rules.
const saidSources = 12

// sayRouting tells which events were for how many rules, so that nothing found
// has a reason.
func sayRouting(env *cli.Env, r *Report) {
	kinds := slices.Clone(r.Match.Sources)
	slices.SortStableFunc(kinds, func(a, b match.Source) int { return cmp.Compare(b.Rows, a.Rows) })
	for i := range kinds[:min(len(kinds), saidSources)] {
		k := &kinds[i]
		env.Say("hunt.say.route", "what", sourceText(k), "events", int64(k.Rows), "rules", k.Rules)
	}
	if n := len(kinds) - saidSources; n > 0 {
		env.Say("hunt.say.route_more", "n", n)
	}
	if n := len(r.Match.Unmet); n > 0 {
		env.Say("hunt.say.unmet", "n", n)
	}
}

// sourceText names a kind of events: the channel and number of Windows, or what
// the log is.
func sourceText(k *match.Source) string {
	if k.Channel != "" || k.Provider != "" {
		return text.Printable(strings.TrimSpace(cmp.Or(k.Channel, k.Provider) + " " + k.EventID))
	}
	var parts []string
	for _, p := range []string{k.Log.Product, k.Log.Category, k.Log.Service} {
		if p != "" {
			parts = append(parts, text.Printable(p))
		}
	}
	return cmp.Or(strings.Join(parts, "/"), "?")
}

// sayRead tells what could not be read.
func sayRead(env *cli.Env, r *Report) {
	p := env.Printer()
	said, damaged := 0, 0
	for _, s := range r.Sources {
		damaged += s.Damaged
		for _, d := range s.Damage {
			if said < saidDamage {
				fmt.Fprintln(env.Err, "  "+damageText(p, s.Name, d))
			}
			said++
		}
		if s.Ended != nil {
			sayFault(env, s.Ended)
		}
	}
	if damaged > 0 {
		env.Say("hunt.say.damaged", "n", damaged)
	}
	for i, f := range r.Passed {
		if i < saidPassed {
			sayFault(env, f.Err)
		}
	}
	if r.Empty > 0 {
		env.Say("hunt.say.empty", "n", r.Empty)
	}
	if len(r.Passed) > 0 {
		env.Say("hunt.say.passed", "n", len(r.Passed)+r.More)
	}
}

func sayFault(env *cli.Env, err error) {
	f := fault.Of(err)
	fmt.Fprintln(env.Err, "  "+env.Printer().Fault(f).Title)
}

// kindsText lists the formats that were read, with their events.
func kindsText(r *Report) string {
	counts := map[format.Kind]uint64{}
	for _, s := range r.Sources {
		counts[s.Kind] += s.Events
	}
	var parts []string
	for k, n := range counts {
		parts = append(parts, fmt.Sprintf("%s %d", k, n))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// damageText says what could not be read, with its place.
func damageText(p text.Printer, name string, d format.Damage) string {
	what := p.T("hunt.damage." + strings.ReplaceAll(d.Reason.Code(), "-", "_"))
	if d.Length == 0 && d.Record > 0 {
		return p.T("hunt.damage.record", "file", text.Printable(name), "record", int64(d.Record), "what", what)
	}
	return p.T("hunt.damage.line", "file", text.Printable(name), "offset", d.Offset, "n", d.Length, "what", what)
}
