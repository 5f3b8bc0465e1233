package exposure

import (
	"time"

	"noroshi/internal/asset"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/product"
)

// life is the support of one release cycle of a product, as a feed says.
type life struct {
	cycle  string // 7.4
	ends   asset.Date
	source Ground
}

// covers reports whether a version belongs to a cycle: it is the cycle, or goes
// on behind it where a new part begins.
func (l *life) covers(version string) bool {
	if l.cycle == "" || len(version) < len(l.cycle) || version[:len(l.cycle)] != l.cycle {
		return false
	}
	if len(version) == len(l.cycle) {
		return true
	}
	next, last := version[len(l.cycle)], l.cycle[len(l.cycle)-1]
	digit := func(c byte) bool { return c >= '0' && c <= '9' }
	return !digit(next) || !digit(last)
}

// until finds when the support of a holding ends: what the register says goes
// first, then the closest release cycle of the product.
func (h *holding) until(lives []life) {
	if h.ends != "" {
		if err := h.end.UnmarshalText([]byte(h.ends)); err == nil && !h.end.IsZero() {
			h.ended = Ground{Rule: "support_end", Source: "register", To: h.ends}
			return
		}
	}
	if h.identity == product.Proposed || h.version == "" {
		return
	}
	best := 0
	for i := range lives {
		if l := &lives[i]; len(l.cycle) > best && l.covers(h.version) {
			best, h.end, h.ended = len(l.cycle), l.ends, l.source
		}
	}
}

// support returns the row of a group's end of support, and when time alone
// changes it next.
func (r *rules) support(g *group) (row *computed, nextAt time.Time) {
	var hits []hit
	for i := range g.holdings {
		h := &g.holdings[i]
		end := h.end
		if end.IsZero() {
			continue
		}
		ends := midnight(end)
		for _, turn := range []time.Time{ends.AddDate(0, 0, -r.SupportDay), ends.AddDate(0, 0, 1)} {
			if turn.After(midnight(r.today)) && (nextAt.IsZero() || turn.Before(nextAt)) {
				nextAt = turn
			}
		}
		days := daysBetween(r.today, end)
		if days > r.SupportDay {
			continue
		}
		f := &found{vulnerability: SupportEnd, verdict: product.VerdictAffected, because: []Ground{h.ended}}
		if days >= 0 { // still supported on its last day
			f.certainty = product.VersionUnknown // it has not ended yet
		}
		f.hash = f.sum()
		hits = append(hits, hit{h, f})
	}
	if len(hits) == 0 {
		return nil, nextAt
	}
	c := r.supportRow(hits, g.dependents)
	return &c, nextAt
}

// supportRow puts the hits of an end of support together: what has ended goes
// before what will.
func (r *rules) supportRow(hits []hit, dependents int) computed {
	c := computed{vulnerability: SupportEnd, verdict: product.VerdictAffected, certainty: product.VersionUnknown, hits: hits}
	for _, h := range hits {
		c.certainty = min(c.certainty, h.certainty)
	}
	f := Facts{Dependents: dependents, Zone: "isolated"}
	first := true
	for _, h := range hits {
		if h.certainty == c.certainty {
			c.entries += len(h.items)
			c.devices += h.devices
			f.Edge = f.Edge || h.edge && h.zone == ""
			f.add(h.holding, first)
			first = false
		}
	}
	days := 0
	if c.certainty != product.Exact {
		days = 1 // the day itself stands in the lines: a row must not change every day
	}
	c.decision = DecideSupport(f, days, r.Thresholds)
	for i := range c.decision.Reasons {
		if c.decision.Reasons[i].Code == "support_ends" {
			c.decision.Reasons[i].N = 0
		}
	}
	c.sum()
	return c
}

func midnight(d asset.Date) time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, text.JST) }

func daysBetween(from, to asset.Date) int {
	return int(midnight(to).Sub(midnight(from)).Hours() / 24)
}
