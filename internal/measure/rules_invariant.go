package measure

// Witness is what was really done, told apart from what the rules believe: the
// search writes it down beside each state, and the service finds it in the
// history. Invariants are about it.
type Witness struct {
	ConsultedPlan bool // the Foreign Minister's answer is about the worksheet of the plan in force
	ApprovedPlan  bool // the approval in force is of the plan in force
	DeclaredPlan  bool // the emergency that runs is about the plan in force
	RefusedPlan   bool // the plan in force was before the commission, and came to nothing there
	RequestedPlan bool // the safety commission's word is about the plan in force
	StepInPlan    bool // the step under way is one of the plan
	StepAgain     bool // and was carried out before
	ByAsker       bool // who asked, approved or consulted carries out
	OnePerson     bool // intent and go, or what was said of a step in their stead, are of one person
	Unsigned      bool // an emergency went on that needed a superior's signature, without it
	Voices        int  // members of the commission who said how they see the emergency
	Alarm         bool // was raised
	Late          bool // a notice or a review is past its time
}

// Invariant is what no reachable state may break.
type Invariant struct {
	ID    string
	Holds func(at State, f *Facts, w *Witness) bool
}

// acts reports whether somebody could begin a step now, or say go.
func acts(at State, f *Facts) bool {
	for i := range talksAt[at] {
		if t := &talksAt[at][i]; (t.Act == "intend" || t.Act == "go") && held(t.guards, f) {
			return true
		}
	}
	return false
}

// alarms reports whether an alarm is raised by itself.
func alarms(at State, f *Facts) bool {
	t := speak(at, "alarm", ClockSide)
	return t != nil && held(t.guards, f)
}

// Invariants are those of the law, I1 to I9, as far as they are about states; I7
// is held by the ledger and I8 by what each side is shown, and both have tests of
// their own.
var Invariants = []Invariant{
	{"I1", func(at State, f *Facts, w *Witness) bool { return !acts(at, f) || w.ApprovedPlan || w.DeclaredPlan }},
	{"I2", func(at State, f *Facts, w *Witness) bool {
		return !acts(at, f) || f.Place == Japan || f.Body != Prefecture && w.ConsultedPlan
	}},
	{"I3", func(at State, f *Facts, w *Witness) bool {
		return !acts(at, f) || f.Body != Defence || f.Organised && f.Indispensable && w.RequestedPlan && f.OrderRuns && f.Joint
	}},
	{"I4", func(at State, f *Facts, w *Witness) bool {
		return (at != Closed && at != Dropped || !f.Notice.owed()) && (at != Declared || f.Notice != "") && (!w.Late || !f.Notice.owed() || w.Alarm || alarms(at, f))
	}},
	{"I5", func(_ State, f *Facts, w *Witness) bool { return f.Step == "" || w.StepInPlan && !w.StepAgain }},
	{"I6", func(_ State, f *Facts, w *Witness) bool { return f.Step == "" || !w.ByAsker }},
	{"grounds", func(at State, f *Facts, _ *Witness) bool {
		return !acts(at, f) || f.Unlawful && f.Danger && f.Urgent && f.Proportionate && f.Means && f.Priority
	}},
	{"two", func(_ State, _ *Facts, w *Witness) bool { return !w.OnePerson }},
	{"brake", func(_ State, _ *Facts, w *Witness) bool { return !w.Unsigned }},
	{"fresh", func(at State, f *Facts, w *Witness) bool { return !acts(at, f) || w.ApprovedPlan || !w.RefusedPlan }},
	{"voices", func(_ State, f *Facts, w *Witness) bool {
		return f.Notice != Confirmed && f.Notice != Advised || w.Voices >= 2
	}},
}
