package page

import (
	"fmt"
	"html/template"
	"math"
	"time"

	"noroshi/internal/base/text"
)

// Due is one clock: what is left first, then the instant with its zone.
type Due struct {
	At    time.Time // the deadline; zero when the rule names none
	MetAt time.Time // when it was met; zero while it was not
	// Word stands in place of what is left: "promptly (house target 3 days)",
	// "not in force". With a zero At it is all there is.
	Word string
	// Off says the clock does not run for this reader: grey words.
	Off  bool
	Zone *time.Location // zone of the rule; nil is the page's
	Also *time.Location // second zone, in brackets; nil draws none
}

type dueView struct {
	Kind, Icon, Word string
	Stamp, Instant   string
	Also             string
	Clock            string // RFC 3339 when the script may count it down
	Late             bool
}

func (d *drawer) dueView(u Due) dueView {
	v := dueView{Icon: "clock", Word: u.Word}
	p := d.p
	if u.Zone != nil {
		p.Zone = u.Zone
	}
	at := u.At
	switch {
	case u.Off:
		v.Kind, v.Icon = "off", "info"
	case !u.MetAt.IsZero():
		v.Kind, v.Icon, at = "met", "check", u.MetAt
		if v.Word == "" {
			v.Word = p.T("page.due.met")
		}
	case at.IsZero():
	case at.Before(d.now()):
		v.Kind, v.Icon, v.Late = "late", "alert", true
	case at.Sub(d.now()) < 24*time.Hour:
		v.Kind = "soon"
	}
	if v.Word == "" && !at.IsZero() {
		v.Word, v.Clock = p.Left(at, d.now()), p.Stamp(at)
	}
	if !at.IsZero() {
		v.Stamp, v.Instant = p.Stamp(at), d.instant(at, p)
		if u.Also != nil {
			also := p
			also.Zone = u.Also
			v.Also = at.In(u.Also).Format("15:04 MST")
			if at.In(u.Also).Day() != at.In(p.Zone).Day() {
				v.Also = also.ShortDate(at, at) + " " + v.Also
			}
		}
	}
	return v
}

// instant writes a deadline for a chip. A day ends at 24:00: midnight belongs
// to the day before, because that is the last day on which one can act.
func (d *drawer) instant(at time.Time, p text.Printer) string {
	local := at.In(p.Zone)
	if local.Hour() == 0 && local.Minute() == 0 && local.Second() == 0 {
		return p.ShortDate(at.Add(-time.Minute), d.now()) + " 24:00 " + local.Format("MST")
	}
	return p.Short(at, d.now()) + local.Format(" MST")
}

func (d *drawer) due(u Due) (template.HTML, error) { return d.html("page/due", d.dueView(u)) }

// bigClock draws the one clock of a page that counts, to the second. Only one
// thing on a page may have it.
func (d *drawer) bigClock(label string, u Due) (template.HTML, error) {
	left := u.At.Sub(d.now())
	digits := ""
	if left >= 0 && u.MetAt.IsZero() && !u.At.IsZero() {
		s := int64(left / time.Second)
		digits = fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return d.html("page/bigclock", struct {
		Label, Digits string
		Due           dueView
	}{label, digits, d.dueView(u)})
}

// Lanes are the clocks of one matter side by side: name, track, chip. The
// tracks share one scale, which shows hours and weeks in the same picture.
type Lanes struct {
	Start time.Time // the event the clocks run from
	Word  string    // what the start is: 認知
	Lanes []Lane
}

// Lane is one clock of Lanes.
type Lane struct {
	Name  string
	Note  string // law and article, or what it is for
	Marks []LaneMark
	Due   Due    // the chip at the right: the next deadline
	Say   string // the lane in one sentence, for those who do not see it
}

// LaneMark is one stage on a lane: when it is due and when it was met.
type LaneMark struct {
	Due time.Time // zero when no deadline is set
	Met time.Time // zero while open
}

type tick struct{ X, Word, Anchor string }

type laneView struct {
	Name, Note, Say string
	Good, Wait      []bar // spans: met, running
	Done, Open      []openMark
	Chip            dueView
	Ticks           []tick
	NowX            string
	Free            bool
}

type bar struct{ X, W, Class string }

type openMark struct{ X, Class string }

// scale places an instant on a track: logarithmic in time since the start, so
// that the first day has a fifth of the width and the first month all of it.
type scale struct {
	start time.Time
	full  float64
}

func newScale(start, end time.Time) scale {
	return scale{start, math.Log1p(max(end.Sub(start).Hours(), 24) / 24)}
}

func (s scale) at(t time.Time) float64 {
	h := max(t.Sub(s.start).Hours(), 0)
	return 1 + 95*min(math.Log1p(h/24)/s.full, 1)
}

func percent(v float64) string { return fmt.Sprintf("%.1f%%", v) }

func (d *drawer) lanes(l Lanes) (template.HTML, error) {
	end := d.now()
	for _, lane := range l.Lanes {
		for _, m := range lane.Marks {
			for _, t := range []time.Time{m.Due, m.Met} {
				if t.After(end) {
					end = t
				}
			}
		}
	}
	sc := newScale(l.Start, end)
	view := struct {
		Ticks []tick
		NowX  string
		Lanes []laneView
	}{Ticks: d.ticks(l, sc, end), NowX: percent(sc.at(d.now()))}
	for _, lane := range l.Lanes {
		view.Lanes = append(view.Lanes, d.lane(lane, sc, view.Ticks, view.NowX))
	}
	return d.html("page/lanes", view)
}

func (d *drawer) ticks(l Lanes, sc scale, end time.Time) []tick {
	out := []tick{{percent(1), l.Word, "start"}}
	last := 1.0
	for _, h := range []int{24, 72, 5 * 24, 10 * 24, 30 * 24, 60 * 24, 90 * 24, 180 * 24, 365 * 24} {
		t := l.Start.Add(time.Duration(h) * time.Hour)
		x := sc.at(t)
		if t.After(end.Add(12*time.Hour)) || x-last < 11 {
			continue
		}
		word := d.p.T("page.lane.days", "n", h/24)
		if h <= 72 {
			word = d.p.T("page.lane.hours", "n", h)
		}
		anchor := "middle"
		if x > 90 {
			anchor = "end"
		}
		out, last = append(out, tick{percent(x), word, anchor}), x
	}
	return out
}

func (d *drawer) lane(l Lane, sc scale, ticks []tick, now string) laneView {
	v := laneView{Name: l.Name, Note: l.Note, Say: l.Say, Chip: d.dueView(l.Due), Ticks: ticks[1:], NowX: now, Free: true}
	from := 1.0
	for _, m := range l.Marks {
		switch {
		case !m.Met.IsZero():
			x := sc.at(m.Met)
			if x > from {
				v.Good = append(v.Good, bar{percent(from), percent(x - from), "f-good"})
			}
			v.Done = append(v.Done, openMark{percent(x), "f-good"})
			from = x
		case !m.Due.IsZero():
			v.Free = false
			x, class, stroke := sc.at(m.Due), "f-line", "s-ai"
			if left := m.Due.Sub(d.now()); left < 0 {
				class, stroke = "f-act", "s-act"
			} else if left < 24*time.Hour {
				class, stroke = "f-attend", "s-attend"
			}
			if len(v.Open) == 0 {
				if to := sc.at(d.now()); to > from {
					v.Wait = append(v.Wait, bar{percent(from), percent(to - from), class})
				}
			}
			v.Open = append(v.Open, openMark{percent(x), stroke})
		}
	}
	return v
}
