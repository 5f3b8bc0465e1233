package measure

// Notice is how far the commission is told of an emergency.
type Notice string

// The notices; empty: there was no emergency.
const (
	Due       Notice = "due"       // the commission is to be told, promptly
	Noticed   Notice = "noticed"   // it was told, and reviews
	Confirmed Notice = "confirmed" // it found the use in order
	Advised   Notice = "advised"   // it issued a recommendation
)

// NoticeRule is one allowed step of the review of an emergency. It goes on
// whatever becomes of the chain meanwhile.
type NoticeRule struct {
	Act      string
	From, To Notice
	By       Side
}

// Notices are all steps after a declaration. Time adds no step of its own: a
// notice or a review that is late raises an alarm, and stays owed.
var Notices = []NoticeRule{
	{"notify", Due, Noticed, CommandSide},
	{"confirm", Noticed, Confirmed, MemberSide},
	{"advise", Noticed, Advised, MemberSide},
}

// notice makes a step of the review.
func notice(at Notice, act string, by Side) (Notice, error) {
	for _, n := range Notices {
		if n.Act == act && n.From == at && n.By == by {
			return n.To, nil
		}
	}
	return at, ErrNotice
}

// owed reports whether somebody still owes something of an emergency: the unit
// its notice, or the commission its review.
func (n Notice) owed() bool { return n == Due || n == Noticed }

// alarmed reports whether something that is owed is past its time: an alarm that
// everybody with oversight sees until it is no longer owed.
func alarmed(n Notice, late bool) bool { return late && n.owed() }
