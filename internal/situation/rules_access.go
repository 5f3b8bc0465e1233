package situation

import "noroshi/internal/base/gate"

// Access says who may do what. The national office and the ministries open and
// lead events; whoever takes part reaches what it was let into (Addressed); and
// what the tables of an event let each participant see is narrower still.
var Access = gate.Table{
	"situation.open":   leads(),
	"situation.lead":   leads(), // invite, narrow, report, close
	"situation.list":   with(members(), tasked()...),
	"situation.read":   with(members(), tasked()...),
	"situation.join":   joiners(),
	"situation.task":   members(),
	"situation.decide": members(),
	"situation.answer": with(members(), writers()...),
	"situation.say":    with(members(), writers()...),
}

func leads() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.OfficeAnalyst: gate.Own, gate.OfficeClerk: gate.Own, gate.MinistryClerk: gate.Own, gate.MinistrySuper: gate.Own}
}

// joiners are members who have reports of incidents on their desks.
func joiners() map[gate.Role]gate.Reach {
	return with(nil, gate.OfficeClerk, gate.MinistryClerk, gate.MinistrySuper, gate.PoliceOfficer, gate.PrivacyClerk, gate.JPCERTClerk)
}

func members() map[gate.Role]gate.Reach { return with(joiners(), gate.OfficeAnalyst) }

func writers() []gate.Role {
	return []gate.Role{gate.OperatorReporter, gate.OperatorAdmin, gate.Maintainer, gate.MakerContact, gate.SupplierContact}
}

func tasked() []gate.Role { return append(writers(), gate.OperatorViewer) }

func with(row map[gate.Role]gate.Reach, roles ...gate.Role) map[gate.Role]gate.Reach {
	if row == nil {
		row = map[gate.Role]gate.Reach{}
	}
	for _, r := range roles {
		row[r] = gate.Addressed
	}
	return row
}
