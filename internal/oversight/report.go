package oversight

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/text"
)

// Report is the yearly report of the commission (art 61), counted from the
// ledger alone. The inspector's version names the cases behind every number; the
// public one names none, and says small numbers as ranges.
type Report struct {
	Year    int       `json:"year"` // of Japan's calendar
	Version Version   `json:"version"`
	Public  bool      `json:"public"`
	Signer  string    `json:"signer"` // of the ledger's checkpoint
	Root    string    `json:"root"`
	Entries uint64    `json:"entries"`                // of the whole ledger
	Last    string    `json:"last"`                   // instant of its newest entry
	Clean   bool      `json:"clean"`                  // the whole ledger was replayed, and nothing was found
	Lost    uint64    `json:"lost_entries,omitempty"` // that an auditor's folder had before the ledger was put back, and that are not counted
	Parts   []Section `json:"sections"`
}

// Version is for whom a report is.
type Version string

// The versions.
const (
	ForInspector Version = "inspector" // names the cases behind every number
	ForDiet      Version = "diet"      // every number as it is, and no case
	ForEverybody Version = "public"    // no case, and no small number
)

// Versions lists them, the widest first.
var Versions = []Version{ForInspector, ForDiet, ForEverybody}

// Section is one item of article 61.
type Section struct {
	Item  string `json:"item"` // i to vi, and other
	Title string `json:"title"`
	Note  string `json:"note,omitempty"`
	Lines []Line `json:"lines"`
}

// Line is one number. Count is absent where it is said as a range, and where the
// ledger has no such thing.
type Line struct {
	Key   string   `json:"key"`
	Kind  string   `json:"kind,omitempty"`
	Label string   `json:"label"`
	Count *uint64  `json:"count"`
	Shown string   `json:"shown"`
	Cases []string `json:"cases,omitempty"` // ids of approvals or runs; the inspector's version alone

	n     uint64
	known bool
}

// small is the least number that the public version says as it is, and the width
// of the ranges it says otherwise.
const small = 5

// caseKeys are what is counted of each kind of case, runKeys of what was done.
var (
	caseKeys = [...]key{keyAsked, keyApproved, keyDeclined, keyStopped}
	runKeys  = [...]key{keyRuns, keyTests, keyBroken, keyRead, keyGiven, keyErased, keyOpened, keyIssued}
)

// Report counts a year of Japan's calendar, in a version and in the printer's
// language. The result is that of this very replay.
func (r *Replay) Report(res Result, year int, v Version, p text.Printer) Report {
	out := r.report(res, year, p)
	switch v {
	case ForDiet:
		return out.diet()
	case ForEverybody:
		return out.public(p)
	}
	return out
}

// report counts a year.
func (r *Replay) report(res Result, year int, p text.Printer) Report {
	out := Report{Year: year, Version: ForInspector, Signer: res.Signer, Root: res.Root, Entries: res.Entries, Last: res.Last, Clean: res.Clean()}
	for _, l := range res.Lost {
		out.Lost += l.Entries
	}
	say := func(k string) string { return p.T("oversight.report." + k) }
	cases := func(item string, kinds ...string) {
		s := Section{Item: item, Title: say("item_" + item)}
		for _, kind := range kinds {
			for _, k := range caseKeys {
				s.Lines = append(s.Lines, r.line(year, k, kind, p.T("oversight.report.of", "kind", label(p, kind), "what", say("key_"+string(k)))))
			}
		}
		out.Parts = append(out.Parts, s)
	}
	cases("i", string(approval.ForeignForeign), string(approval.ForeignForeign)+"+")
	cases("ii", string(approval.ForeignDomestic), string(approval.ForeignDomestic)+"+")
	cases("iii", string(approval.DomesticForeign), string(approval.DomesticForeign)+"+")
	out.Parts = append(out.Parts, r.inspected(res, year, p))
	papers := Section{Item: "v", Title: say("item_v"), Note: say("papers")}
	for _, k := range paperKeys {
		papers.Lines = append(papers.Lines, r.line(year, k, "", say("key_"+string(k))))
	}
	out.Parts = append(out.Parts, papers)
	cases("vi", r.measureKinds(year)...)
	vi := &out.Parts[len(out.Parts)-1]
	for _, kind := range approval.MeasureKinds {
		for _, k := range emergencyKeys {
			vi.Lines = append(vi.Lines, r.line(year, k, string(kind), p.T("oversight.report.of", "kind", label(p, string(kind)), "what", say("key_"+string(k)))))
		}
	}
	cases("other", string(approval.Reidentify))
	for _, part := range out.Parts {
		for i, l := range part.Lines {
			part.Lines[i].Shown = p.Number(int64(min(l.n, math.MaxInt64)))
		}
	}
	return out
}

// measureKinds are the kinds of access and neutralisation, and what else was asked
// for in a year and stands under no other item.
func (r *Replay) measureKinds(year int) (out []string) {
	for _, k := range approval.MeasureKinds {
		out = append(out, string(k))
	}
	for _, k := range r.otherKinds(year) {
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// otherKinds are the kinds of cases in a year that stand under no other item.
func (r *Replay) otherKinds(year int) (out []string) {
	for u := range r.tally.ids {
		kind := strings.TrimSuffix(u.kind, "+")
		known := kind == "" || kind == string(approval.Reidentify)
		for k := range ways {
			known = known || kind == string(k)
		}
		if u.year == year && !known && !slices.Contains(out, u.kind) {
			out = append(out, u.kind)
		}
	}
	slices.Sort(out)
	return out
}

func label(p text.Printer, kind string) string {
	base, extension := strings.CutSuffix(kind, "+")
	name := base
	if base == string(approval.Reidentify) || slices.Contains(approval.MeasureKinds, approval.Kind(base)) || slices.Contains(approval.Kinds, approval.Kind(base)) && ways[approval.Kind(base)] != "" {
		name = p.T("oversight.report.kind_" + base)
	} else if base == string(unknownKind) {
		name = p.T("oversight.report.kind_unknown")
	}
	if extension {
		return p.T("oversight.report.extension", "kind", name)
	}
	return name
}

// line is a number with the cases behind it.
func (r *Replay) line(year int, k key, kind, label string) Line {
	ids := r.tally.ids[under{year, k, kind}]
	l := number(string(k), kind, label, uint64(len(ids)))
	for _, x := range ids {
		if s := string(x[:]); !slices.Contains(l.Cases, s) {
			l.Cases = append(l.Cases, s)
		}
	}
	return l
}

func number(key, kind, label string, n uint64) Line {
	return Line{Key: key, Kind: kind, Label: label, Count: &n, Shown: fmt.Sprint(n), n: n, known: true}
}

// inspected is the outline of what a replay of the ledger came to (art 63).
func (r *Replay) inspected(res Result, year int, p text.Printer) Section {
	s := Section{Item: "iv", Title: p.T("oversight.report.item_iv"), Note: p.T("oversight.report.replayed", "entries", int64(res.Entries), "rules", len(res.Checked))}
	for _, k := range runKeys {
		s.Lines = append(s.Lines, r.line(year, k, "", p.T("oversight.report.key_"+string(k))))
	}
	for _, k := range deskKeys {
		s.Lines = append(s.Lines, r.line(year, k, "", p.T("oversight.report.key_"+string(k))))
	}
	runs := r.line(year, keyRuns, "", "").Cases
	v := r.tally.of(year)
	for _, x := range []struct {
		key string
		n   uint64
	}{{"seen", v.seen.packets}, {"destroyed", v.destroyed.packets}, {"selected", v.selected.packets}, {"records", v.records}, {"gone", v.erased}} {
		l := number(x.key, "", p.T("oversight.report.key_"+x.key), x.n)
		l.Cases = runs
		s.Lines = append(s.Lines, l)
	}
	s.Lines = append(s.Lines, number("refused", "", p.T("oversight.report.key_refused"), r.tally.refused[year]))
	broken := map[string][]string{}
	for _, x := range res.Violations {
		if yearOf(x.at) == year {
			broken[x.Rule] = append(broken[x.Rule], x.Object)
		}
	}
	for _, id := range ruleIDs {
		if list := broken[id]; len(list) > 0 {
			l := number("violation", id, p.T("oversight.report.violation", "rule", p.T("oversight.rule."+id)), uint64(len(list)))
			l.Cases = list
			s.Lines = append(s.Lines, l)
		}
	}
	return s
}

// diet is the version for the Diet: every number as it is, and no case.
func (out Report) diet() Report {
	out.Version = ForDiet
	parts := slices.Clone(out.Parts)
	for i := range parts {
		parts[i].Lines = slices.Clone(parts[i].Lines)
		for j := range parts[i].Lines {
			parts[i].Lines[j].Cases = nil
		}
	}
	out.Parts = parts
	return out
}

// public is the version for everybody: no case, in a group of numbers of which one
// is small none is said exactly, and whatever sums could give a small one away is
// said less closely still. What the runs read stays unsaid while they are few.
func (out Report) public(p text.Printer) Report {
	out.Public, out.Version = true, ForEverybody
	parts := make([]Section, len(out.Parts))
	for i, s := range out.Parts {
		parts[i] = s
		parts[i].Lines = slices.Clone(s.Lines)
		parts[i].hide(p)
	}
	out.Parts = parts
	return out
}

// hide takes cases and small numbers out of a section.
func (s *Section) hide(p text.Printer) {
	few := map[string]bool{}
	var lines []*Line
	for i := range s.Lines {
		l := &s.Lines[i]
		l.Cases = nil
		if !l.known {
			continue
		}
		lines = append(lines, l)
		if l.n > 0 && l.n < small {
			few[group(*l)] = true
		}
	}
	cells := make([]cell, len(lines))
	for i, l := range lines {
		cells[i] = exactly(l.n)
		if l.n >= small && few[group(*l)] {
			cells[i].widen()
			if volumes[l.Key] {
				cells[i].widen()
			}
		}
	}
	protect(cells, sumsOf(lines))
	for i, c := range cells {
		switch l := lines[i]; {
		case c.low == c.high:
		case c.high == math.MaxUint64:
			l.Count, l.Shown = nil, p.T("oversight.report.withheld")
		default:
			l.Count, l.Shown = nil, p.T("oversight.report.range", "from", int64(c.low), "to", int64(c.high))
		}
	}
}

// volumes are numbers of packets and records.
var volumes = map[string]bool{"seen": true, "destroyed": true, "selected": true, "records": true, "gone": true}

// group is which numbers could give each other away: those of one kind of case,
// with its extensions, and all that was done in runs.
func group(l Line) string { return strings.TrimSuffix(l.Kind, "+") }

// calendarYear is a year as official papers write it.
func calendarYear(year int, p text.Printer) string {
	if p.Lang == text.JA && year > 2019 {
		return p.T("oversight.report.year_both", "reiwa", year-2018, "year", fmt.Sprint(year))
	}
	return fmt.Sprint(year)
}

// Unfinished says that the ledger does not reach beyond the year of a report, and up
// to when it was counted; empty where it does.
func (out Report) Unfinished(p text.Printer) string {
	last, err := time.Parse(time.RFC3339Nano, out.Last)
	if err != nil || last.In(text.JST).Year() > out.Year {
		return ""
	}
	return p.T("oversight.report.unfinished", "at", p.Time(last))
}

// newest is the instant of the newest entry in words; as it stands where it is none.
func (out Report) newest(p text.Printer) string {
	last, err := time.Parse(time.RFC3339Nano, out.Last)
	if err != nil {
		return out.Last
	}
	return p.Time(last)
}

//go:embed web/report.html
var reportPage string

// HTML renders a report as one page that needs nothing else.
func (out Report) HTML(p text.Printer) ([]byte, error) {
	page, err := template.New("report").Funcs(template.FuncMap{"T": func(k string) string { return p.T("oversight.report." + k) }, "join": strings.Join, "lost": func() string { return p.T("oversight.report.lost", "n", int64(out.Lost)) }, "year": func() string { return calendarYear(out.Year, p) },
		"unfinished": func() string { return out.Unfinished(p) }, "entries": func() string { return p.Number(int64(out.Entries)) }, "newest": func() string { return out.newest(p) }}).Parse(reportPage)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	var b bytes.Buffer
	if err := page.Execute(&b, struct {
		Report
		Lang string
	}{out, string(p.Lang)}); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return b.Bytes(), nil
}
