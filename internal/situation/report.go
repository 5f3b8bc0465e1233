package situation

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Head is what a list says of a report.
type Head struct {
	Version int       `json:"version"`
	At      time.Time `json:"at"`
	DueAt   time.Time `json:"due_at,omitzero"` // when it was due; zero when somebody asked for it between
	By      string    `json:"by,omitempty"`    // organisation; empty: the hub at the hour
	Entry   string    `json:"entry"`
}

// Range is a count of firms as a report says it: exact counts of few tell who
// they are.
type Range struct {
	From int `json:"from"`
	To   int `json:"to,omitempty"` // 0: and more
}

// bounds are where the ranges begin.
var bounds = []int{0, 1, 5, 10, 20, 50, 100, 200, 500, 1000}

// RangeOf returns the range a count lies in.
func RangeOf(n int) Range {
	if n <= 0 {
		return Range{}
	}
	i, found := slices.BinarySearch(bounds, n)
	if !found {
		i--
	}
	if i == len(bounds)-1 {
		return Range{From: bounds[i]}
	}
	return Range{bounds[i], bounds[i+1] - 1}
}

// Exposure is how many firms and devices a vulnerability concerns.
type Exposure struct {
	Vulnerability string `json:"vulnerability"`
	Firms         Range  `json:"firms"`
	Devices       Range  `json:"devices"`
}

// Answers are how far the notices about a vulnerability were answered.
type Answers struct {
	Vulnerability string `json:"vulnerability"`
	Told          Range  `json:"told"`
	Opened        Range  `json:"opened"`
	Answered      Range  `json:"answered"`
	Fixed         Range  `json:"fixed"`
}

// Report is a situation report: the facts at one instant, and what the lead
// makes of them.
type Report struct {
	Head
	Title     string         `json:"title"`
	From      time.Time      `json:"from"` // of the report before, or of the opening
	Incidents map[string]int `json:"incidents"`
	Sectors   map[string]int `json:"sectors"`
	Tasks     TaskCounts     `json:"tasks"`
	Open      []TaskLine     `json:"open"` // what is still to be done, the most urgent first
	Finished  []TaskLine     `json:"finished"`
	Decisions []Decision     `json:"decisions"` // since the report before
	Exposure  []Exposure     `json:"exposure,omitempty"`
	Answers   []Answers      `json:"answers,omitempty"`
	Line      []Moment       `json:"line"` // since the report before
	People    int            `json:"people"`
	Judgement string         `json:"judgement,omitempty"`
	NextAt    time.Time      `json:"next_at,omitzero"`
}

// TaskCounts says how tasks stand.
type TaskCounts struct {
	Done, Open, Late, Cannot, Cancelled int
}

// TaskLine is a task in a report.
type TaskLine struct {
	Title  string    `json:"title"`
	Owner  string    `json:"owner"`
	State  TaskState `json:"state"`
	DueAt  time.Time `json:"due_at,omitzero"`
	Late   bool      `json:"late,omitempty"`
	Answer string    `json:"answer,omitempty"`
}

// maxLines bounds each list in a report.
const maxLines = 200

// draw makes a report of the facts.
func draw(e Event, from, now time.Time, incidents []Incident, tasks []Task, decisions []Decision, line []Moment, people int) Report {
	since := from
	if from.Equal(e.OpenedAt) { // the first tells what happened with the opening too
		since = from.Add(-time.Microsecond)
	}
	r := Report{Title: e.Title, From: from, Incidents: map[string]int{}, Sectors: map[string]int{}, People: people}
	for _, i := range incidents {
		r.Incidents[i.Kind]++
		r.Sectors[i.Sector]++
	}
	for i := range tasks {
		t := &tasks[i]
		l := TaskLine{t.Title, t.Owner, t.State, t.DueAt, t.Late(now), t.Answer}
		switch {
		case t.State == Done:
			r.Tasks.Done++
			if t.DoneAt.After(since) {
				r.Finished = append(r.Finished, l)
			}
			continue
		case t.State == Cancelled:
			r.Tasks.Cancelled++
			continue
		case t.State == Cannot:
			r.Tasks.Cannot++
		}
		if r.Tasks.Open++; l.Late {
			r.Tasks.Late++
		}
		r.Open = append(r.Open, l)
	}
	slices.SortStableFunc(r.Open, func(a, b TaskLine) int {
		if a.DueAt.IsZero() != b.DueAt.IsZero() { // what has no deadline comes last
			return cmp.Compare(boolInt(a.DueAt.IsZero()), boolInt(b.DueAt.IsZero()))
		}
		return a.DueAt.Compare(b.DueAt)
	})
	for _, d := range decisions {
		if d.At.After(since) {
			r.Decisions = append(r.Decisions, d)
		}
	}
	for _, m := range line {
		if m.At.After(since) {
			r.Line = append(r.Line, m)
		}
	}
	r.Open, r.Finished, r.Line = r.Open[:min(len(r.Open), maxLines)], r.Finished[:min(len(r.Finished), maxLines)], r.Line[:min(len(r.Line), maxLines)]
	return r
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// keys returns the keys of counts in order, for printing.
func keys(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }

// next returns when the report after now is due: in the beat of the first, so
// that a report made between does not move the hour. Hours that nobody was
// there for are left out.
func next(due time.Time, every int, now time.Time) time.Time {
	if every <= 0 || due.IsZero() {
		return time.Time{}
	}
	step := time.Duration(every) * time.Hour
	if due.After(now) {
		return due
	}
	return due.Add((now.Sub(due)/step + 1) * step)
}
