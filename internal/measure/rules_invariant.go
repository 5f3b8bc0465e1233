package measure

// Witness is what was really done, told apart from what the rules believe: the
// search writes it down beside each state, and the service finds it in the
// history. Invariants are about it.
type Witness struct {
	ConsultedPlan   bool // the Foreign Minister's answer is about the plan in force
	ApprovedPlan    bool // the approval in force is of the plan in force
	DeclaredPlan    bool // the emergency that runs is about the plan in force
	RequestedPlan   bool // the safety commission's word is about the plan in force
	StepInPlan      bool // the step under way is one of the plan
	ByAsker         bool // who asked, approved or consulted carries out
	OnePerson       bool // intent and go are of one person
	SecondSignature bool // a late unit had a superior's word
	Alarm           bool // was raised
	Late            bool // a notice or a review is past its time
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
		return (at != Closed && at != Dropped || !f.Notice.owed()) && (at != Declared || f.Notice != "") && (!w.Late || !f.Notice.owed() || w.Alarm)
	}},
	{"I5", func(_ State, f *Facts, w *Witness) bool { return f.Step == "" || w.StepInPlan }},
	{"I6", func(_ State, f *Facts, w *Witness) bool { return f.Step == "" || !w.ByAsker }},
	{"grounds", func(at State, f *Facts, _ *Witness) bool {
		return !acts(at, f) || f.Unlawful && f.Danger && f.Urgent && f.Proportionate && f.Means && f.Priority
	}},
	{"two", func(_ State, f *Facts, w *Witness) bool { return f.Step != Gone || !w.OnePerson }},
	{"brake", func(at State, f *Facts, w *Witness) bool { return at != Declared || w.SecondSignature }},
}
