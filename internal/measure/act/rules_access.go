package act

import "noroshi/internal/base/gate"

// Access says who may do what. Who works at an organisation reaches its own
// orders; the commission those that carry out a step of a case of measures.
var Access = gate.Table{
	"act.ask":      own(gate.OperatorReporter, gate.OperatorAdmin, gate.CarrierClerk, gate.OfficeClerk, gate.PoliceCommand, gate.DefenceCommand),
	"act.withdraw": own(gate.OperatorReporter, gate.OperatorAdmin, gate.CarrierClerk, gate.OfficeClerk, gate.PoliceCommand, gate.DefenceCommand),
	"act.approve":  deciders(),
	"act.refuse":   deciders(),
	"act.undo":     own(gate.OperatorReporter, gate.OperatorAdmin, gate.CarrierClerk, gate.OfficeClerk, gate.PoliceCommand, gate.DefenceCommand, gate.PoliceExecutive, gate.DefenceUnit),
	"act.settle":   deciders(),
	"act.carry":    own(gate.Actuator),
	"act.dry":      own(gate.Actuator),
	"act.take":     own(gate.Actuator),
	"act.outcome":  own(gate.Actuator),
	"act.alarm":    own(gate.Actuator),
	"act.list":     readers(),
	"act.read":     readers(),
}

func own(roles ...gate.Role) map[gate.Role]gate.Reach {
	row := map[gate.Role]gate.Reach{}
	for _, r := range roles {
		row[r] = gate.Own
	}
	return row
}

func deciders() map[gate.Role]gate.Reach {
	return own(gate.OperatorAdmin, gate.CarrierClerk, gate.OfficeClerk, gate.PoliceCommand, gate.DefenceCommand, gate.PoliceExecutive, gate.DefenceUnit)
}

func readers() map[gate.Role]gate.Reach {
	row := own(gate.OperatorViewer, gate.OperatorReporter, gate.OperatorAdmin, gate.CarrierClerk, gate.OfficeClerk, gate.PoliceCommand, gate.DefenceCommand, gate.PoliceExecutive, gate.DefenceUnit, gate.Actuator)
	for _, r := range []gate.Role{gate.CommissionMember, gate.Examiner, gate.Inspector} {
		row[r] = gate.Record
	}
	return row
}
