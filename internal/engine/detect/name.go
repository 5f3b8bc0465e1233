package detect

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"noroshi/internal/engine/detect/domain"
	"noroshi/internal/engine/detect/tunnel"
	"noroshi/internal/engine/flow/record"
)

// maxHosts bounds the hosts that findings about names are kept of; the first
// ones stay.
const maxHosts = 4096

// names are the detectors that look at the names a machine asks for. What they
// have seen within their window is not saved; what they have found is.
type nameWatch struct {
	made   *domain.Watch
	tunnel *tunnel.Watch
}

func newNameWatch(seed uint64) nameWatch {
	l := domain.DefaultLimits()
	l.Seed = seed
	return nameWatch{made: domain.NewWatch(l), tunnel: tunnel.NewWatch(tunnel.DefaultLimits())}
}

// domainQuestion hands a question to the detectors of names. Resolvers ask for
// others, so that only questions to them are looked at, not their own.
func (d *Detector) domainQuestion(f *flow, q *record.DNS, name *called) {
	if !f.fromHome {
		return
	}
	d.tunnelQuestion(f, q, name)
	if !q.Answered {
		return
	}
	// The name was judged where it was read: what the record shows of it is too
	// little, and a hash where it looks made up.
	found, ok := d.names.made.AddAt(&f.machine.watch, domain.Query{At: q.At, Source: f.Src, Name: binary.LittleEndian.Uint64(q.Own[:]), Judged: q.Made != 0,
		Probability: float32(q.Made) / 255, Missing: q.Rcode == 3})
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

// tunnelled is what was found of a machine and a name that carries data, the
// most telling time of it.
type tunnelled struct {
	Score          float64
	Parts          tunnel.Parts
	Start, End     int64
	Queries, Bytes int64
	Names          float64
	MeanLength     float64
	Entropy        float64
	Answers        int64
}

// tunnelKey is a machine and a registered name.
type tunnelKey struct {
	Src  netip.Addr
	Name string
}

func (d *Detector) tunnelQuestion(f *flow, q *record.DNS, name *called) {
	query, ok := name.tunnel.Query(f.Src, q)
	if !ok {
		return
	}
	if query.At == 0 {
		query.At = f.Start
	}
	found, ok := d.names.tunnel.Add(&query)
	if !ok {
		return
	}
	if d.state.Tunnels == nil {
		d.state.Tunnels = map[tunnelKey]tunnelled{}
	}
	k := tunnelKey{f.Src, registered(strings.TrimLeft(found.Domain.String(), "+0123456789."))}
	old, have := d.state.Tunnels[k]
	if !have && len(d.state.Tunnels) >= maxHosts {
		return
	}
	t := tunnelled{Score: found.Score, Parts: found.Parts, Start: found.Start, End: found.End, Queries: found.Queries, Bytes: found.NameBytes,
		Names: found.Names, MeanLength: found.MeanLength, Entropy: found.Entropy, Answers: found.In}
	if have {
		if old.Score > t.Score {
			t.Score, t.Parts = old.Score, old.Parts
		}
		t.Start, t.Queries, t.Bytes, t.Names = min(old.Start, t.Start), max(old.Queries, t.Queries), max(old.Bytes, t.Bytes), max(old.Names, t.Names)
	}
	d.state.Tunnels[k] = t
}

// judgeTunnels tells of machines that send data in the names they ask for.
func (d *Detector) judgeTunnels() (out []Finding) {
	for k, t := range d.state.Tunnels {
		f := Finding{Kind: DNSTunnel, Score: t.Score, Src: k.Src, Name: k.Name, Start: t.Start, End: t.End, App: record.DNSApp, Port: 53, Proto: 17}
		p := t.Parts
		f.Parts = []Part{{"names", p.Names}, {"fresh", p.Fresh}, {"length", p.Length}, {"entropy", p.Entropy}, {"type", p.Type}, {"volume", p.Volume}, {"answered", p.Answer}}
		f.fact("queries", t.Queries)
		f.fact("different", round(t.Names, 1))
		f.fact("bytes_out", t.Bytes)
		f.fact("bytes_in", t.Answers)
		f.fact("mean_length", t.MeanLength)
		f.fact("entropy_bits", t.Entropy)
		out = append(out, f)
	}
	return out
}
