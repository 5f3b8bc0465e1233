package situation

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"noroshi/internal/base/fault"
	"noroshi/internal/org"
)

// Bounds of an event.
const (
	maxTitle     = 200 // characters
	maxWords     = 4000
	maxAbout     = 20
	maxPeople    = 300
	maxIncidents = 300
	maxTasks     = 500
	maxNeeds     = 20
	maxDecisions = 500
	maxEvery     = 168 // hours: a week
	maxReports   = 5000
	ahead        = 400 * 24 * time.Hour
)

// TLPs lists the labels of TLP 2.0, narrowest first.
var TLPs = []string{"RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR"}

var cveForm = regexp.MustCompile(`^CVE-[0-9]{4}-[0-9]{4,12}$`)

// Faults of events.
var (
	ErrNone     = fault.New(fault.NotFound, "situation.none")     // no such event, or not theirs to know
	ErrInvalid  = fault.New(fault.Invalid, "situation.invalid")   // with places
	ErrClosed   = fault.New(fault.Conflict, "situation.closed")   // it is over
	ErrRevision = fault.New(fault.Conflict, "situation.revision") // changed meanwhile
	ErrTwice    = fault.New(fault.Conflict, "situation.twice")    // in it already
	ErrNotLead  = fault.New(fault.Refused, "situation.not_lead")  // only who leads may
	ErrStep     = fault.New(fault.Conflict, "situation.step")     // a task does not go that way
	ErrNeeds    = fault.New(fault.Unmet, "situation.needs")       // another task comes first
	ErrUndone   = fault.New(fault.Unmet, "situation.undone")      // tasks are open
)

// bodies are the kinds of organisation that are members of an event. Everybody
// else is tasked: sees its own tasks and what is addressed to it.
var bodies = []org.Kind{org.Office, org.Ministry, org.Police, org.JPCERT, org.Privacy}

// partOf returns the part that organisations of the kinds may have.
func partOf(kinds []org.Kind) Part {
	if slices.ContainsFunc(kinds, func(k org.Kind) bool { return slices.Contains(bodies, k) }) {
		return Member
	}
	return Tasked
}

// within cuts what a participant sees to what its part allows.
func (s Sees) within(p Part) Sees {
	if p == Tasked {
		return Sees{}
	}
	return s
}

// everything is what the lead sees, and a member unless somebody narrows it.
var everything = Sees{true, true, true, true, true}

// taskStep is an allowed change of a task's state.
type taskStep struct {
	from, to TaskState
	owner    bool // by its owner; otherwise by who gave it or leads
}

// taskSteps are all allowed changes of a task's state.
var taskSteps = []taskStep{
	{Todo, Started, true}, {Todo, Done, true}, {Todo, Cannot, true},
	{Started, Done, true}, {Started, Cannot, true}, {Started, Todo, true},
	{Cannot, Started, true}, {Cannot, Done, true},
	{Done, Started, true}, // it turned out not to be
	{Todo, Cancelled, false}, {Started, Cancelled, false}, {Cannot, Cancelled, false}, {Cannot, Todo, false}, {Done, Todo, false},
}

func mayStep(from, to TaskState, owner, gave bool) bool {
	return slices.ContainsFunc(taskSteps, func(s taskStep) bool { return s.from == from && s.to == to && (s.owner && owner || !s.owner && gave) })
}

// circular reports whether tasks would wait for each other when id needs these.
func circular(id ID, needs []ID, all map[ID][]ID) bool {
	seen := map[ID]bool{}
	queue := slices.Clone(needs)
	for len(queue) > 0 {
		x := queue[0]
		queue = queue[1:]
		if x == id {
			return true
		}
		if !seen[x] {
			seen[x] = true
			queue = append(queue, all[x]...)
		}
	}
	return false
}

// mistakes gathers what is wrong, by place.
type mistakes []fault.Place

func (m *mistakes) add(at, code string, pairs ...any) {
	*m = append(*m, fault.Place{At: at, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
}

func (m mistakes) err() error {
	if len(m) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, ErrInvalid.Code, "n", len(m)).At(m...)
}

func (m *mistakes) text(at, s string, limit int, needed bool) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, ""))
	if needed && s == "" {
		m.add(at, "situation.bad.empty")
	}
	if utf8.RuneCountInString(s) > limit {
		m.add(at, "situation.bad.long", "max", limit)
	}
	return s
}

func (n NewEvent) normal(clearance int) (NewEvent, error) {
	var bad mistakes
	n.Title = strings.Join(strings.Fields(bad.text("title", n.Title, maxTitle, true)), " ")
	n.Summary = bad.text("summary", n.Summary, maxWords, false)
	if len(n.About) > maxAbout {
		bad.add("about", "situation.bad.many", "max", maxAbout)
	}
	for i, v := range n.About[:min(len(n.About), maxAbout)] {
		if n.About[i] = strings.ToUpper(strings.TrimSpace(v)); !cveForm.MatchString(n.About[i]) {
			bad.add("about", "situation.bad.about")
		}
	}
	if n.TLP = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(n.TLP)), "TLP:"); n.TLP == "" {
		n.TLP = "AMBER"
	}
	if !slices.Contains(TLPs, n.TLP) {
		bad.add("tlp", "situation.bad.tlp")
	}
	if n.Clearance < 0 || n.Clearance > clearance {
		bad.add("clearance", "situation.bad.clearance", "max", clearance)
	}
	if n.EveryHours < 0 || n.EveryHours > maxEvery {
		bad.add("every_hours", "situation.bad.every", "max", maxEvery)
	}
	return n, bad.err()
}

func (n NewTask) normal(now time.Time) (NewTask, error) {
	var bad mistakes
	n.Title = strings.Join(strings.Fields(bad.text("title", n.Title, maxTitle, true)), " ")
	n.Detail = bad.text("detail", n.Detail, maxWords, false)
	if n.Owner == "" {
		bad.add("owner", "situation.bad.owner")
	}
	if n.DueAt = n.DueAt.UTC().Truncate(time.Microsecond); !n.DueAt.IsZero() && (!n.DueAt.After(now) || n.DueAt.After(now.Add(ahead))) {
		bad.add("due_at", "situation.bad.due")
	}
	if len(n.Needs) > maxNeeds {
		bad.add("needs", "situation.bad.many", "max", maxNeeds)
	}
	return n, bad.err()
}

// sayRange writes a range: "5–9", "1000+", "0".
func sayRange(r Range) string {
	switch {
	case r == Range{}:
		return "0"
	case r.To == 0:
		return strconv.Itoa(r.From) + "+"
	}
	return strconv.Itoa(r.From) + "–" + strconv.Itoa(r.To)
}
