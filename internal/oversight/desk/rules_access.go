package desk

import "noroshi/internal/base/gate"

// Access says who may do what. The commission's members, examiners and inspectors
// see the desk; members and inspectors work on it and read entries, and members
// alone settle. An examiner, who knows of applications and not of runs, has the
// numbers without the entries and cases behind them. A body
// reaches what is addressed to it, through those who speak for it. Nobody else
// learns that there is anything.
var Access = gate.Table{
	"oversight.inspect":  watchers(gate.Record),
	"oversight.replay":   workers(gate.Record),
	"oversight.entry":    workers(gate.Record),
	"oversight.report":   watchers(gate.Record),
	"oversight.trace":    workers(gate.Record), // the cases behind the numbers of a report
	"oversight.samples":  watchers(gate.All),
	"oversight.plan":     workers(gate.All),
	"oversight.reveal":   workers(gate.All),
	"oversight.check":    workers(gate.All),
	"oversight.list":     with(watchers(gate.All), speakers()),
	"oversight.read":     with(watchers(gate.All), speakers()),
	"oversight.draft":    workers(gate.All),
	"oversight.revise":   workers(gate.All),
	"oversight.drop":     workers(gate.All),
	"oversight.propose":  settlers(),
	"oversight.back":     settlers(),
	"oversight.settle":   settlers(),
	"oversight.insist":   settlers(),
	"oversight.close":    settlers(),
	"oversight.answer":   speakers(),
	"oversight.unseal":   workers(gate.All),
	"oversight.openings": with(watchers(gate.All), speakers()),
	"oversight.open":     speakers(),
	"oversight.withhold": speakers(),
	"oversight.look":     workers(gate.All),
}

func watchers(r gate.Reach) map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.CommissionMember: r, gate.Examiner: r, gate.Inspector: r}
}

func workers(r gate.Reach) map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.CommissionMember: r, gate.Inspector: r}
}

func settlers() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.CommissionMember: gate.All}
}

// speakers are those who speak for a body that the commission may write to, or
// whose act an entry may be.
func speakers() map[gate.Role]gate.Reach {
	out := map[gate.Role]gate.Reach{}
	for _, r := range []gate.Role{gate.OfficeClerk, gate.PoliceCommand, gate.DefenceCommand, gate.ForeignClerk, gate.SafetyMember, gate.MinistrySuper,
		gate.PrivacyClerk, gate.JPCERTClerk, gate.CarrierClerk, gate.OperatorAdmin, gate.MakerContact} {
		out[r] = gate.Addressed
	}
	return out
}

func with(a, b map[gate.Role]gate.Reach) map[gate.Role]gate.Reach {
	for r, reach := range b {
		a[r] = reach
	}
	return a
}

// sideOf says on which side somebody stands by their roles.
func sideOf(who gate.Identity) Side {
	switch {
	case who.Has(gate.CommissionMember):
		return MemberSide
	case who.Has(gate.Inspector):
		return InspectorSide
	case who.Has(gate.Examiner):
		return WatchSide
	}
	for r := range speakers() {
		if who.Has(r) {
			return BodySide
		}
	}
	return ""
}

// Addressee reports whether somebody speaks for a body that the commission writes
// to; for showing or leaving out a link.
func Addressee(who gate.Identity) bool {
	for _, r := range []gate.Role{gate.OfficeClerk, gate.PoliceCommand, gate.DefenceCommand, gate.ForeignClerk, gate.SafetyMember, gate.MinistrySuper} {
		if who.Has(r) {
			return true
		}
	}
	return false
}
