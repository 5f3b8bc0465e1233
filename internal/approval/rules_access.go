package approval

import "noroshi/internal/base/gate"

// Access says who may do what. Who asks reaches what their own organisation
// asked; who carries out only what was approved of it; the commission all of it;
// an inspector reads all and changes nothing; a carrier and a party have the
// instruction for their own link and nothing else. Nobody else learns that there
// is an application.
var Access = gate.Table{
	"approval.ask":      {gate.OfficeClerk: gate.Own},
	"approval.answer":   asker(),
	"approval.withdraw": asker(), // what is asked, and what was approved
	"approval.question": {gate.Examiner: gate.All, gate.CommissionMember: gate.All},
	"approval.examine":  {gate.Examiner: gate.All},
	"approval.vote":     {gate.CommissionMember: gate.All},
	"approval.decide":   {gate.CommissionMember: gate.All},
	"approval.revoke":   {gate.CommissionMember: gate.All},
	"approval.list":     readers(),
	"approval.read":     readers(),
	"approval.uses":     readers(),
	"approval.instruct": instructed(),
	"approval.confirm":  instructed(),
}

// asker is whose the application is: the office's clerk, or a chain of command
// whose plan was laid before the commission.
func asker() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.OfficeClerk: gate.Own, gate.PoliceCommand: gate.Own, gate.DefenceCommand: gate.Own}
}

func readers() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.OfficeClerk: gate.Own, gate.OfficeHandler: gate.Own, gate.PoliceCommand: gate.Own, gate.DefenceCommand: gate.Own, gate.Examiner: gate.All, gate.CommissionMember: gate.All, gate.Inspector: gate.All}
}

func instructed() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.CarrierClerk: gate.Addressed, gate.OperatorAdmin: gate.Addressed, gate.OperatorReporter: gate.Addressed}
}

// sideOf says on which side of cases somebody stands by their roles.
func sideOf(who gate.Identity) Side {
	for _, x := range []struct {
		role gate.Role
		side Side
	}{{gate.OfficeClerk, AskerSide}, {gate.PoliceCommand, AskerSide}, {gate.DefenceCommand, AskerSide}, {gate.CommissionMember, MemberSide}, {gate.Examiner, ExaminerSide}, {gate.OfficeHandler, HandlerSide}, {gate.Inspector, WatchSide}} {
		if who.Has(x.role) {
			return x.side
		}
	}
	return ""
}
