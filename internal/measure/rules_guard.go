package measure

import (
	"slices"
	"strings"

	"noroshi/internal/base/fault"
)

// Body is who would act: the chain of command that a chain belongs to.
type Body string

// The bodies.
const (
	National   Body = "npa"        // the National Police Agency's own officers
	Prefecture Body = "prefecture" // officers of a prefecture
	Defence    Body = "defence"    // a unit of the Self-Defense Forces under order
)

// Bodies lists them.
var Bodies = []Body{National, Prefecture, Defence}

// Place is where the machine is believed to stand.
type Place string

// The places. Unknown counts as abroad: the law asks whether there is no
// reasonable ground to believe that it is in Japan.
const (
	Japan   Place = "japan"
	Abroad  Place = "abroad"
	Unknown Place = "unknown"
)

// Places lists them, the laxest first.
var Places = []Place{Japan, Abroad, Unknown}

// Phase is how far the step is that is under way.
type Phase string

// The phases; empty: none is under way.
const (
	Intended Phase = "intended" // the first person wrote down what they are about to do
	Gone     Phase = "gone"     // the second person said go; the outcome is still to come
)

// Facts is all that the rules look at. Those without a name in JSON are found
// anew each time: they depend on the hour, or stand elsewhere.
type Facts struct {
	Body     Body  `json:"body"`
	Place    Place `json:"place,omitempty"`
	Officers bool  `json:"officers,omitempty"` // at least two are designated

	Unlawful      bool `json:"unlawful,omitempty"` // the machine is used for an unlawful act
	Danger        bool `json:"danger,omitempty"`   // serious harm, if it is left
	Urgent        bool `json:"urgent,omitempty"`
	Proportionate bool `json:"proportionate,omitempty"`
	Organised     bool `json:"organised,omitempty"`     // from outside Japan, specially organised and planned
	Indispensable bool `json:"indispensable,omitempty"` // serious hindrance, and the forces' special means are needed

	Means    bool `json:"means,omitempty"`    // the plan is from the catalogue and no more than is ordinarily necessary
	Priority bool `json:"priority,omitempty"` // what is protected, and before what
	Lawful   bool `json:"lawful,omitempty"`   // the worksheet of international law is filled in

	Consulted     bool `json:"consulted,omitempty"` // the Foreign Minister, on this plan
	Safety        bool `json:"safety,omitempty"`    // the safety commission requested it or consented, on this plan
	PrimeMinister bool `json:"prime_minister,omitempty"`

	Seconded bool   `json:"seconded,omitempty"` // a superior signed too, with a reason
	Notice   Notice `json:"notice,omitempty"`   // of the emergency
	Step     Phase  `json:"step,omitempty"`     // that is under way
	Restored bool   `json:"restored,omitempty"`
	Told     bool   `json:"told,omitempty"` // the owner, or why not

	Accounted bool `json:"accounted,omitempty"` // one of the command wrote what is known of a step whose officers are gone

	Approved  bool `json:"-"` // the commission's approval of this plan is in force now
	NoTime    bool `json:"-"` // an emergency is declared and has not run out
	OrderRuns bool `json:"-"` // the period of the Prime Minister's order
	Joint     bool `json:"-"` // the police act against the same machine, on the same case
	InWindow  bool `json:"-"` // of the plan, and of what the commission granted of it
	Tried     int  `json:"-"` // plans of the unit against this machine that came to nothing before the commission
	Overdue   bool `json:"-"` // the unit's emergencies need a superior's signature, see [against]
	Shut      bool `json:"-"` // commission and authority both say: then not at all
	Barred    bool `json:"-"` // these steps were before the commission, and came to nothing there
	InPlan    bool `json:"-"` // the step that is meant is one of the plan
	Repeated  bool `json:"-"` // it was carried out already
	Left      bool `json:"-"` // those who are on the step under way are gone
	Weighed   bool `json:"-"` // a quorum of the commission said how it sees an emergency
	Late      bool `json:"-"` // a notice or a review is past its time
	Alarmed   bool `json:"-"` // and an alarm was raised of it
}

// Guard is one thing that has to hold, with the article it is from. Its sentence
// is "measure.guard." and its id.
type Guard struct {
	ID      string
	Article string // Japanese, as it is cited
	House   bool   // a rule of this program, not of the law
	Holds   func(f *Facts) bool
}

// The articles that the guards rest on.
const (
	policeLaw  = "警察官職務執行法 第6条の2"
	defenceLaw = "自衛隊法 第81条の3"
	bothLaws   = policeLaw + "、" + defenceLaw
	houseRule  = "この計画の決まり"
)

func (f *Facts) forces() bool { return f.Body == Defence }

// unbraked: nothing of earlier emergencies stands against another, or a superior
// signed and nobody shut them off.
func (f *Facts) unbraked() bool { return !f.Overdue || f.Seconded && !f.Shut }

// Guards are all guards by which Rules and Talks are bound. G1 to G14 are
// those of the law, the others what follows from them.
var Guards = []Guard{
	{"G1", bothLaws, false, func(f *Facts) bool { return f.Officers }},
	{"G2", policeLaw, false, func(f *Facts) bool { return f.Unlawful }},
	{"G3", policeLaw, false, func(f *Facts) bool { return f.Danger && f.Urgent }},
	{"G4", policeLaw, false, func(f *Facts) bool { return f.Means }},
	{"G5", bothLaws, false, func(f *Facts) bool { return f.Proportionate }},
	{"G6", policeLaw, false, func(f *Facts) bool { return f.Place == Japan || f.Place != "" && f.Body != Prefecture }},
	{"G7", bothLaws, false, func(f *Facts) bool { return f.Place == Japan || f.Place != "" && f.Consulted }},
	{"G8", bothLaws, false, func(f *Facts) bool { return f.Approved }},
	{"G9", bothLaws, false, func(f *Facts) bool { return f.NoTime }},
	{"G10", defenceLaw, false, func(f *Facts) bool { return !f.forces() || f.Organised }},
	{"G11", defenceLaw, false, func(f *Facts) bool { return !f.forces() || f.Indispensable }},
	{"G12", defenceLaw, false, func(f *Facts) bool { return !f.forces() || f.Safety && f.PrimeMinister && f.OrderRuns && f.Joint }},
	{"G13", bothLaws, false, func(f *Facts) bool { return f.Priority }},
	{"G14", "国際法", false, func(f *Facts) bool { return f.Place == Japan || f.Place != "" && f.Lawful }},

	{"abroad", bothLaws, false, func(f *Facts) bool { return f.Place == Abroad || f.Place == Unknown }},
	{"defence", defenceLaw, false, (*Facts).forces},
	{"no_approval", bothLaws, false, func(f *Facts) bool { return !f.Approved }},
	{"power", bothLaws, false, func(f *Facts) bool { return f.Approved || f.NoTime }},
	{"no_power", bothLaws, false, func(f *Facts) bool { return !f.Approved && !f.NoTime }},
	{"settled", bothLaws, false, func(f *Facts) bool { return f.Notice == "" || f.Notice == Confirmed || f.Notice == Advised }},
	{"window", houseRule, true, func(f *Facts) bool { return f.InWindow }},
	{"brake", houseRule, true, (*Facts).unbraked},
	{"braked", houseRule, true, func(f *Facts) bool { return f.Approved || f.unbraked() }},
	{"fresh", houseRule, true, func(f *Facts) bool { return !f.Barred }},
	{"late", houseRule, true, func(f *Facts) bool { return f.Overdue }},
	{"no_step", houseRule, true, func(f *Facts) bool { return f.Step == "" }},
	{"intent", houseRule, true, func(f *Facts) bool { return f.Step == Intended }},
	{"gone", houseRule, true, func(f *Facts) bool { return f.Step == Gone }},
	{"in_plan", bothLaws, false, func(f *Facts) bool { return f.InPlan }},
	{"once", bothLaws, false, func(f *Facts) bool { return !f.Repeated }},
	{"left", houseRule, true, func(f *Facts) bool { return f.Step != "" && f.Left }},
	{"accounted", houseRule, true, func(f *Facts) bool { return f.Accounted }},
	{"weighed", houseRule, true, func(f *Facts) bool { return f.Weighed }},
	{"alarm", houseRule, true, func(f *Facts) bool { return f.Late && f.Notice.owed() && !f.Alarmed }},
	{"restored", houseRule, true, func(f *Facts) bool { return f.Restored }},
	{"told", houseRule, true, func(f *Facts) bool { return f.Told }},
}

// guardsOf finds guards by their ids.
func guardsOf(ids []string) (out []*Guard) {
	for _, id := range ids {
		i := slices.IndexFunc(Guards, func(g Guard) bool { return g.ID == id })
		if i < 0 {
			panic("BUG: measure: no guard is called " + id)
		}
		out = append(out, &Guards[i])
	}
	return out
}

// held reports whether all guards hold.
func held(guards []*Guard, f *Facts) bool {
	for _, g := range guards {
		if !g.Holds(f) {
			return false
		}
	}
	return true
}

// missing returns the refusal of the first guard that does not hold, with a place
// for each.
func missing(guards []*Guard, f *Facts) error {
	var e *fault.Error
	var places []fault.Place
	for _, g := range guards {
		if g.Holds(f) {
			continue
		}
		code := "measure.guard." + strings.ToLower(g.ID)
		if e == nil {
			e = fault.New(fault.Refused, code)
		}
		places = append(places, fault.Place{At: g.ID, Code: code})
	}
	return e.At(places...)
}
