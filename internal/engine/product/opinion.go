package product

import (
	"slices"
	"strings"

	"noroshi/internal/engine/product/cpe"
)

// weight says how much an opinion binds.
type weight uint8

const (
	firm  weight = iota // affected or not, or unknown because the register does not say the version
	soft                // nothing definite: gives way to any firm opinion
	hasty               // the maker is still looking: gives way only to "affected"
)

// opinion is what one statement says of the subject.
type opinion struct {
	plan      *plan
	rank      rank
	verdict   Verdict
	certainty Certainty
	weight    weight
	claims    []claim // all, in the order they were weighed
	decided   int     // of claims; -1 when the subject is only the platform
}

// verdicts of the statuses a source can state.
func (s Status) verdict() Verdict {
	switch s {
	case Affected:
		return VerdictAffected
	case NotAffected, Fixed:
		return VerdictNotAffected
	}
	return Unknown
}

// weigh makes one opinion of the claims of one statement.
//
// What is said more closely goes first: single versions before ranges, ranges
// before all versions; of equals the earlier line. The first that holds
// decides, unless one before it might hold and says otherwise.
func weigh(p *plan, claims []claim) opinion {
	o := opinion{plan: p, rank: p.rank, claims: claims, decided: -1}
	if len(claims) > 1 {
		slices.SortStableFunc(claims, func(a, b claim) int { return int(b.line.weight) - int(a.line.weight) })
	}
	first := -1                                // the first that holds
	maybe, conditional, affected := -1, -1, -1 // the first that may hold, for each reason; a line that says affected
	for i := range claims {
		c := &claims[i]
		if c.line.Status == Affected && affected < 0 {
			affected = i
		}
		switch c.level {
		case yes:
			first = i
		case likely:
			if conditional < 0 || c.line.Status == Affected && claims[conditional].line.Status != Affected {
				conditional = i
			}
		case unsure:
			if maybe < 0 {
				maybe = i
			}
		}
		if first >= 0 {
			break
		}
	}
	switch {
	case first >= 0 && conditional >= 0 && claims[conditional].line.Status == Affected && claims[first].line.Status != Affected:
		o.state(conditional, VerdictAffected, Exact, firm)
	case first >= 0 && maybe >= 0 && claims[maybe].line.Status.verdict() != claims[first].line.Status.verdict():
		o.state(maybe, Unknown, VersionUnknown, firm)
	case first >= 0:
		o.settle(first)
	case conditional >= 0 && claims[conditional].line.Status == Affected &&
		(maybe < 0 || claims[maybe].line.Status == Affected || claims[maybe].line.weight <= claims[conditional].line.weight):
		o.state(conditional, VerdictAffected, Exact, firm)
	case maybe >= 0:
		w := firm
		if claims[maybe].rule == NotComparable {
			w = soft
		}
		o.state(maybe, Unknown, VersionUnknown, w)
	case conditional >= 0: // not affected, if a platform is there of which nobody spoke
		o.state(conditional, Unknown, Exact, soft)
	case affected >= 0:
		o.state(affected, VerdictNotAffected, Exact, firm)
	default: // the source speaks of other versions, and says of none that it is affected
		o.state(0, Unknown, Exact, soft)
	}
	return o
}

func (o *opinion) state(decided int, v Verdict, c Certainty, w weight) {
	o.decided, o.verdict, o.certainty, o.weight = decided, v, c, w
}

// settle takes over the status of the line that holds.
func (o *opinion) settle(decided int) {
	status := o.claims[decided].line.Status
	w := firm
	switch status {
	case Investigating:
		w = hasty
	case StatusUnknown:
		w = soft
	}
	o.state(decided, status.verdict(), Exact, w)
}

// rank orders the sources of one product, nearest to its maker first.
type rank uint8

const (
	byMaker       rank = iota // the maker about its own product: CSAF, or as assigner of the CVE
	byAssigner                // whoever assigned the CVE, and publishers of CSAF about the products of others
	byCoordinator             // a container added to a CVE record (ADP)
	byNVD
	byOthers // JVN, OSV and all else
)

// rankOf says how near a statement is to the maker of the product it speaks of.
func rankOf(s *Statement, vendor cpe.Value) rank {
	added := strings.Contains(s.Ref, "/adp/") || strings.HasSuffix(s.By, "-ADP") || strings.HasPrefix(s.By, "CISA ADP")
	switch {
	case s.Source == "nvd":
		return byNVD
	case s.Source == "adp" || s.Source == "cve" && added:
		return byCoordinator
	case s.Source != "cve" && s.Source != "csaf":
		return byOthers
	case speaksFor(s.By, vendor):
		return byMaker
	}
	return byAssigner
}

// speaksFor reports whether a publisher's name is a vendor's: "Fortinet PSIRT"
// and "Palo Alto Networks" are those of fortinet and paloaltonetworks.
func speaksFor(by string, vendor cpe.Value) bool {
	maker := squeeze(text(vendor))
	return len(maker) >= 2 && (strings.HasPrefix(squeeze(by), maker) || len(squeeze(by)) >= 4 && strings.HasPrefix(maker, squeeze(by)))
}

// squeeze leaves only lower-case letters and digits, of any script.
func squeeze(s string) string {
	return strings.Map(letters, s)
}

// before orders opinions: the source nearer to the maker first, then the
// newer, then the graver.
func (o *opinion) before(p *opinion) int {
	switch {
	case o.rank != p.rank:
		return int(o.rank) - int(p.rank)
	case !o.plan.statement.At.Equal(p.plan.statement.At):
		return p.plan.statement.At.Compare(o.plan.statement.At)
	}
	return grave(p.verdict) - grave(o.verdict)
}

func grave(v Verdict) int {
	switch v {
	case VerdictAffected:
		return 2
	case Unknown:
		return 1
	}
	return 0
}

// fold makes one finding of the opinions about one vulnerability.
func fold(v *view, opinions []opinion, proposed bool) Finding {
	if len(opinions) > 1 {
		slices.SortStableFunc(opinions, func(a, b opinion) int { return a.before(&b) })
	}
	pick := choose(opinions)
	d := &opinions[pick]
	f := Finding{
		Vulnerability: d.plan.statement.Vulnerability, Verdict: d.verdict, Certainty: d.certainty,
		Because: make([]Reason, 0, 4),
	}
	if proposed {
		f.Because = append(f.Because, Reason{Rule: NameProposed, Statement: d.plan.statement})
		if f.Verdict == VerdictAffected {
			f.Verdict = Unknown
		}
	}
	f.Because = d.reasons(v, f.Because, false)
	if len(opinions) == 1 {
		return f
	}
	for i := range opinions {
		if o := &opinions[i]; i != pick && o.against(d) {
			f.Because = append(f.Because, Reason{Rule: SourcesDisagree, Statement: d.plan.statement})
			break
		}
	}
	for i := range opinions {
		if o := &opinions[i]; i != pick {
			f.Because = o.reasons(v, f.Because, o.verdict != d.verdict)
		}
	}
	return f
}

// against reports whether two opinions contradict each other: one says
// affected and the other not.
func (o *opinion) against(d *opinion) bool {
	return o.weight == firm && o.verdict != Unknown && d.verdict != Unknown && o.verdict != d.verdict
}

// choose returns the opinion that decides.
func choose(opinions []opinion) int {
	looking := -1
	for i := range opinions {
		o := &opinions[i]
		switch {
		case o.weight == firm && (looking < 0 || o.verdict == VerdictAffected):
			return i
		case o.weight == hasty && looking < 0:
			looking = i
		}
	}
	return max(looking, 0)
}
