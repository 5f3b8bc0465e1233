package product

import "noroshi/internal/engine/product/cpe"

// maxReasons bounds how many lines of one statement a proof lists that do not
// hold: a statement can name hundreds of versions.
const maxReasons = 8

// reasons appends the proof of an opinion.
func (o *opinion) reasons(v *view, to []Reason, overruled bool) []Reason {
	s := o.plan.statement
	if o.decided < 0 {
		return append(to, Reason{Rule: OnlyPlatform, Statement: s, Path: o.plan.platform.path, Line: o.plan.platform.Line, Overruled: overruled})
	}
	d := &o.claims[o.decided]
	if d.level > unsure {
		switch {
		case d.line.Status == Investigating:
			to = append(to, d.reason(v, s, StillInvestigate, overruled))
		case d.line.Status.verdict() == VerdictNotAffected && o.rank == byMaker:
			to = append(to, d.reason(v, s, MakerSays, overruled))
		}
	}
	to = d.proof(v, s, to, overruled)
	if d.level != no {
		return to
	}
	listed := 1
	for i := range o.claims {
		if i == o.decided || o.claims[i].level != no {
			continue
		}
		if listed++; listed > maxReasons {
			break
		}
		to = o.claims[i].proof(v, s, to, overruled)
	}
	return to
}

// proof appends what a claim rests on: how its line met the subject, and the
// condition it stands under.
func (c *claim) proof(v *view, s *Statement, to []Reason, overruled bool) []Reason {
	to = append(to, c.reason(v, s, c.rule, overruled))
	if v.renamed(c.line) && c.level > no {
		to = append(to, c.reason(v, s, Renamed, overruled))
	}
	if c.edition && c.level > no {
		to = append(to, c.reason(v, s, EditionUnknown, overruled))
	}
	if c.platform != nil {
		rule := PlatformUnknown
		switch c.holds {
		case yes:
			rule = PlatformPresent
		case no:
			rule = PlatformMissing
		}
		to = append(to, Reason{Rule: rule, Statement: s, Path: c.platform.path, Line: c.platform.Line, Overruled: overruled})
	}
	return to
}

func (c *claim) reason(v *view, s *Statement, rule Rule, overruled bool) Reason {
	release := &v.byName
	if c.line.key == "" {
		release = &v.byPkg
	}
	return Reason{Rule: rule, Statement: s, Path: c.line.path, Line: c.line.Line,
		Version: release.full.text, Range: c.rng, Status: c.line.Status, Overruled: overruled}
}

// Explain says of one vulnerability why a subject is concerned or not, also
// when no statement names it: then the verdict is not affected, with
// [OtherProduct], or [WildcardRefused] for each line that names no product.
// ok is false when no statement is about the vulnerability.
func (x *Index) Explain(s Subject, vulnerability string) (f Finding, ok bool) {
	for found := range x.Match(s) {
		if found.Vulnerability == vulnerability {
			return found, true
		}
	}
	f = Finding{Vulnerability: vulnerability, Verdict: VerdictNotAffected}
	for _, st := range x.statements {
		if st.Vulnerability != vulnerability {
			continue
		}
		ok = true
		f.Because = append(f.Because, Reason{Rule: OtherProduct, Statement: st})
		n := newNode(&st.Root, "", 0)
		n.each(func(l *line) {
			if l.key == "" && l.pkg == "" && l.Name != (cpe.Name{}) && len(f.Because) < maxReasons {
				f.Because = append(f.Because, Reason{Rule: WildcardRefused, Statement: st, Path: l.path, Line: l.Line})
			}
		})
	}
	return f, ok
}

// each calls f for every line of a node, in their order.
func (n *node) each(f func(*line)) {
	for i := range n.lines {
		f(&n.lines[i])
	}
	for i := range n.children {
		n.children[i].each(f)
	}
}
