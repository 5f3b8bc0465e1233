package detect

import (
	"net/netip"
	"strings"

	"noroshi/internal/engine/detect/distinct"
	"noroshi/internal/engine/detect/domain"
	"noroshi/internal/engine/flow/record"
)

// maxHosts bounds the hosts that findings about names are kept of; the first
// ones stay.
const maxHosts = 4096

// names are the detectors that look at the names a machine asks for. What they
// have seen within their window is not saved; what they have found is.
type nameWatch struct {
	made *domain.Watch
}

func newNameWatch(seed uint64) nameWatch {
	l := domain.DefaultLimits()
	l.Seed = seed
	return nameWatch{made: domain.NewWatch(l)}
}

// hidden is how likely a registered name is made by an algorithm when its
// record shows only a hash of it: the same signs made the naming hide it.
const hidden = 0.985

// domainQuestion hands a question to the detectors of names. Resolvers ask for
// others, so that only questions to them are looked at, not their own.
func (d *Detector) domainQuestion(f *flow, q *record.DNS) {
	if !f.fromHome || !q.Answered {
		return
	}
	name := q.Name.String()
	own := registered(strings.TrimLeft(name, "+0123456789."))
	v := domain.Score(name)
	p := v.Probability
	if strings.HasPrefix(own, "{") {
		p, v.Judged = hidden, true
	}
	found, ok := d.names.made.Add(domain.Query{At: q.At, Source: f.Src, Name: distinct.Hash(d.state.Seed, own), Judged: v.Judged, Probability: p, Missing: q.Rcode == 3})
	if !ok {
		return
	}
	if d.state.Made == nil {
		d.state.Made = map[netip.Addr]domain.Finding{}
	}
	if old, have := d.state.Made[f.Src]; have || len(d.state.Made) < maxHosts {
		if have {
			found.Start = min(found.Start, old.Start)
			found.Score = max(found.Score, old.Score)
		}
		d.state.Made[f.Src] = found
	}
}

// judgeDomains tells of hosts that ask for generated names.
func (d *Detector) judgeDomains() (out []Finding) {
	for src, g := range d.state.Made {
		f := Finding{Kind: GeneratedDomains, Score: g.Score, Src: src, Start: g.Start, End: g.End, App: record.DNSApp, Port: 53, Proto: 17}
		f.Parts = []Part{{"names", g.ByCount}, {"missing", g.ByMissing}, {"model", g.ByModel}}
		f.fact("queries", g.Queries)
		f.fact("missing_queries", g.Missing)
		f.fact("different", round(g.Names, 1))
		f.fact("different_missing", round(g.GoneNames, 1))
		f.fact("words", g.Lean)
		out = append(out, f)
	}
	return out
}
