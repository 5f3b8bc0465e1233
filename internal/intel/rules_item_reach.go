package intel

import (
	"slices"
	"strings"

	"noroshi/internal/incident"
	"noroshi/internal/org"
)

// rung says whom a label lets know a published item, beside the organisation
// that made it and those it names (FIRST, Traffic Light Protocol 2.0).
type rung struct {
	TLP    incident.TLP
	Kinds  []org.Kind // organisations of these kinds
	Maker  bool       // everybody of the organisation that made it, and not only who wrote it
	Naming bool       // it goes to nobody until it names somebody
}

// rungs is the whole rule. RED is for those it names; AMBER+STRICT for one's own
// organisation and those; AMBER also for the desks that deal with all and know
// whose need it is; GREEN for the community of this hub; CLEAR for everyone who
// is signed in. A draft is its organisation's own, whatever its label. Above all
// of it stands clearance: nobody sees what is above theirs, its writer included.
var rungs = []rung{
	{TLP: incident.Red, Naming: true},
	{TLP: incident.AmberStrict, Maker: true},
	{TLP: incident.Amber, Maker: true, Kinds: []org.Kind{org.Office, org.JPCERT}},
	{TLP: incident.Green, Maker: true, Kinds: slices.DeleteFunc(slices.Clone(org.Kinds), func(k org.Kind) bool { return k == org.Hub })},
	{TLP: incident.Clear, Maker: true, Kinds: org.Kinds},
}

// width says how far a label lets a thing go: RED is 0.
func width(t incident.TLP) int { return slices.Index(incident.TLPs, t) }

// openTo returns the labels of which an organisation of these kinds may know
// every item: "|GREEN|CLEAR|".
func openTo(kinds []string) string {
	out := "|"
	for _, r := range rungs {
		if slices.ContainsFunc(r.Kinds, func(k org.Kind) bool { return slices.Contains(kinds, string(k)) }) {
			out += string(r.TLP) + "|"
		}
	}
	return out
}

// kept are the labels of which nobody but the writer knows in the organisation
// that made the item, in the same form.
func kept() string {
	out := "|"
	for _, r := range rungs {
		if !r.Maker {
			out += string(r.TLP) + "|"
		}
	}
	return out
}

// needsNames reports whether an item of the label has to name who it is for.
func needsNames(t incident.TLP) bool {
	return slices.ContainsFunc(rungs, func(r rung) bool { return r.TLP == t && r.Naming })
}

// Knows reports whether people of an organisation of these kinds, other than
// its maker, may know a published item, given a clearance of at least the
// item's. For whoever keeps something of an item for that organisation.
func (it *Item) Knows(organisation string, kinds []string) bool {
	return it.State != ItemDraft && (slices.Contains(it.To, organisation) || strings.Contains(openTo(kinds), "|"+string(it.TLP)+"|"))
}
