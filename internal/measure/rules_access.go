package measure

import "noroshi/internal/base/gate"

// Access says who may do what. A chain of command reaches the cases that it is
// on; who carries out only those that they are designated for; the Foreign
// Minister's clerk, the safety commission and the Prime Minister's office what
// they were asked about; the commission and its inspectors all of it.
var Access = gate.Table{
	"measure.open":      {gate.PoliceCommand: gate.Own},
	"measure.invite":    {gate.PoliceCommand: gate.Own},
	"measure.assess":    commands(),
	"measure.locate":    commands(),
	"measure.designate": commands(),
	"measure.plan":      commands(),
	"measure.consult":   commands(),
	"measure.answer":    {gate.ForeignClerk: gate.Addressed},
	"measure.agree":     {gate.SafetyMember: gate.Addressed},
	"measure.order":     {gate.Minister: gate.Addressed},
	"measure.ask":       commands(),
	"measure.recall":    commands(),
	"measure.second":    commands(),
	"measure.declare":   commands(),
	"measure.notify":    commands(),
	"measure.settle":    {gate.CommissionMember: gate.All},
	"measure.switch":    {gate.CommissionMember: gate.All, gate.PoliceCommand: gate.Own, gate.DefenceCommand: gate.Own},
	"measure.authorise": commands(),
	"measure.begin":     executors(),
	"measure.intend":    executors(),
	"measure.go":        executors(),
	"measure.outcome":   executors(),
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

func readers() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.PoliceCommand: gate.Own, gate.DefenceCommand: gate.Own, gate.PoliceExecutive: gate.Own, gate.DefenceUnit: gate.Own,
		gate.ForeignClerk: gate.Addressed, gate.SafetyMember: gate.Addressed, gate.Minister: gate.Addressed, gate.CommissionMember: gate.All, gate.Examiner: gate.All, gate.Inspector: gate.All}
}

// sideOf says on which side of cases somebody stands by their roles.
func sideOf(who gate.Identity) Side {
	for _, x := range []struct {
		role gate.Role
		side Side
	}{{gate.PoliceCommand, CommandSide}, {gate.DefenceCommand, CommandSide}, {gate.PoliceExecutive, ExecutorSide}, {gate.DefenceUnit, ExecutorSide}, {gate.ForeignClerk, ConsultantSide},
		{gate.SafetyMember, SafetySide}, {gate.Minister, MinisterSide}, {gate.CommissionMember, MemberSide}, {gate.Examiner, WatchSide}, {gate.Inspector, WatchSide}} {
		if who.Has(x.role) {
			return x.side
		}
	}
	return ""
}

// audience is which sides read what was said in an act, of a chain that they may
// see. What is not here only its own chain and the commission read.
var audience = map[string][]Side{
	"assess": {ExecutorSide, ConsultantSide, SafetySide, MinisterSide}, "locate": {ExecutorSide, ConsultantSide, SafetySide, MinisterSide},
	"plan": {ExecutorSide}, "consult": {ConsultantSide}, "answer": {ConsultantSide, SafetySide, MinisterSide}, "object": {ConsultantSide},
	"agree": {SafetySide, MinisterSide}, "order": {ExecutorSide, MinisterSide, SafetySide}, "authorise": {ExecutorSide}, "begin": {ExecutorSide},
	"finish": {ExecutorSide}, "stop": {ExecutorSide}, "intend": {ExecutorSide}, "outcome": {ExecutorSide}, "unsay": {ExecutorSide},
}
