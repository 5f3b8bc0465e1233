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
	Needs    []string // ids of Guards
}

func (n *NoticeRule) guards() []*Guard { return guardsOf(n.Needs) }

// Notices are all steps after a declaration. Members of the commission each say
// how they see it, and one of them closes the review with what most of them say.
// Time adds no step of its own: a notice or a review that is late raises an
// alarm, and stays owed.
var Notices = []NoticeRule{
	{"notify", Due, Noticed, CommandSide, nil},
	{"weigh", Noticed, Noticed, MemberSide, nil},
	{"confirm", Noticed, Confirmed, MemberSide, []string{"weighed"}},
	{"advise", Noticed, Advised, MemberSide, []string{"weighed"}},
}

// notice makes a step of the review.
func notice(f *Facts, act string, by Side) (Notice, error) {
	for i := range Notices {
		n := &Notices[i]
		if n.Act != act || n.From != f.Notice || n.By != by {
			continue
		}
		if g := n.guards(); !held(g, f) {
			return f.Notice, missing(g, f)
		}
		return n.To, nil
	}
	return f.Notice, ErrNotice
}

// against reports whether something stands against an emergency of a unit, so that
// it needs a superior's signature: earlier says that something of earlier ones does,
// tried how many plans against this machine came to nothing before the commission,
// whichever plan it is now, and its own notice may be late.
func against(earlier bool, tried int, f *Facts) bool {
	return earlier || tried > 0 || f.Notice == Due && f.Late
}

// owed reports whether somebody still owes something of an emergency: the unit
// its notice, or the commission its review.
func (n Notice) owed() bool { return n == Due || n == Noticed }
