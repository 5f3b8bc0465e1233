package measure

import "noroshi/internal/base/gate"

// Access says who may do what. A chain of command, and who stands above it, reach
// the cases that it is on; who carries out only those that they are designated for; the Foreign
// Minister's clerk, the safety commission and the Prime Minister's office what
// they were asked about; the commission and its inspectors all of it.
var Access = gate.Table{
	"measure.open":      {gate.PoliceCommand: gate.Own},
	"measure.invite":    {gate.PoliceCommand: gate.Own},
	"measure.assess":    commands(),
	"measure.locate":    commands(),
	"measure.designate": commands(),
	"measure.dismiss":   commands(),
	"measure.plan":      commands(),
	"measure.consult":   commands(),
	"measure.answer":    {gate.ForeignClerk: gate.Addressed},
	"measure.agree":     {gate.SafetyMember: gate.Addressed},
	"measure.order":     {gate.Minister: gate.Addressed},
	"measure.ask":       commands(),
	"measure.recall":    commands(),
	"measure.second":    superiors(),
	"measure.declare":   commands(),
	"measure.notify":    commands(),
	"measure.weigh":     {gate.CommissionMember: gate.All},
	"measure.settle":    {gate.CommissionMember: gate.All},
	"measure.switch":    {gate.CommissionMember: gate.All, gate.PoliceSuperior: gate.Own, gate.DefenceSuperior: gate.Own},
	"measure.authorise": commands(),
	"measure.begin":     executors(),
	"measure.intend":    executors(),
	"measure.go":        executors(),
	"measure.outcome":   executors(),
	"measure.account":   commands(),
	"measure.vouch":     commands(),
	"measure.finish":    executors(),
	"measure.stop":      {gate.PoliceCommand: gate.Own, gate.DefenceCommand: gate.Own, gate.PoliceExecutive: gate.Own, gate.DefenceUnit: gate.Own, gate.CommissionMember: gate.All},
	"measure.restore":   commands(),
	"measure.tell":      commands(),
	"measure.review":    commands(),
	"measure.close":     commands(),
	"measure.drop":      commands(),
	"measure.list":      readers(),
	"measure.read":      readers(),
}

func commands() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.PoliceCommand: gate.Own, gate.DefenceCommand: gate.Own}
}

func executors() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.PoliceExecutive: gate.Own, gate.DefenceUnit: gate.Own}
}

// superiors sign an emergency that the command may not declare alone.
func superiors() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.PoliceSuperior: gate.Own, gate.DefenceSuperior: gate.Own}
}

func readers() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.PoliceCommand: gate.Own, gate.DefenceCommand: gate.Own, gate.PoliceSuperior: gate.Own, gate.DefenceSuperior: gate.Own,
		gate.PoliceExecutive: gate.Own, gate.DefenceUnit: gate.Own,
		gate.ForeignClerk: gate.Addressed, gate.SafetyMember: gate.Addressed, gate.Minister: gate.Addressed, gate.CommissionMember: gate.All, gate.Examiner: gate.All, gate.Inspector: gate.All}
}

// sideOf says on which side of cases somebody stands by their roles.
func sideOf(who gate.Identity) Side {
	for _, x := range []struct {
		role gate.Role
		side Side
	}{{gate.PoliceCommand, CommandSide}, {gate.DefenceCommand, CommandSide}, {gate.PoliceSuperior, SuperiorSide}, {gate.DefenceSuperior, SuperiorSide}, {gate.PoliceExecutive, ExecutorSide}, {gate.DefenceUnit, ExecutorSide}, {gate.ForeignClerk, ConsultantSide},
		{gate.SafetyMember, SafetySide}, {gate.Minister, MinisterSide}, {gate.CommissionMember, MemberSide}, {gate.Examiner, WatchSide}, {gate.Inspector, WatchSide}} {
		if who.Has(x.role) {
			return x.side
		}
	}
	return ""
}

// inside reports whether a side reads all of a chain that it may see: its own
// command, and the commission.
func (s Side) inside() bool {
	return s == CommandSide || s == SuperiorSide || s == MemberSide || s == WatchSide
}

// asked reports whether a side is asked about a chain by others, and sees of it
// what it was asked about.
func (s Side) asked() bool { return s == ConsultantSide || s == SafetySide || s == MinisterSide }

// audience is which sides read what was said in an act, of a chain that they may
// see. What is not here only its own chain and the commission read.
var audience = map[string][]Side{
	"assess": {ExecutorSide, ConsultantSide, SafetySide, MinisterSide}, "locate": {ExecutorSide, ConsultantSide, SafetySide, MinisterSide},
	"plan": {ExecutorSide}, "consult": {ConsultantSide}, "answer": {ConsultantSide, SafetySide, MinisterSide}, "object": {ConsultantSide},
	"agree": {SafetySide, MinisterSide}, "order": {ExecutorSide, MinisterSide, SafetySide}, "authorise": {ExecutorSide}, "begin": {ExecutorSide},
	"finish": {ExecutorSide}, "stop": {ExecutorSide}, "intend": {ExecutorSide}, "outcome": {ExecutorSide}, "unsay": {ExecutorSide},
}
