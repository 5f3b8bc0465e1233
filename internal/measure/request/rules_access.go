package request

import "noroshi/internal/base/gate"

// Access says who may do what. Own is what one's own organisation asks; of what
// is a step of a measure only its command, and who was designated to carry it
// out. All, for those who oversee, is what was asked under power, and nothing that
// somebody asks of a provider on their own account. Addressed is an order to one's
// own organisation. Nobody else learns that anybody was asked.
var Access = gate.Table{
	"request.draft":   writers(),
	"request.change":  writers(),
	"request.check":   writers(),
	"request.send":    writers(),
	"request.answer":  writers(),
	"request.follow":  writers(),
	"request.close":   writers(),
	"request.look":    writers(),
	"request.list":    readers(),
	"request.read":    readers(),
	"request.desk":    {gate.OperatorAdmin: gate.Own, gate.JPCERTClerk: gate.Own, gate.OfficeClerk: gate.Own, gate.PoliceCommand: gate.Own, gate.DefenceCommand: gate.Own},
	"request.orders":  {gate.CarrierClerk: gate.Addressed},
	"request.confirm": {gate.CarrierClerk: gate.Addressed},
}

func writers() map[gate.Role]gate.Reach {
	row := map[gate.Role]gate.Reach{}
	for _, r := range []gate.Role{gate.OperatorReporter, gate.OperatorAdmin, gate.JPCERTClerk, gate.OfficeClerk, gate.OfficeAnalyst, gate.PoliceCommand, gate.PoliceExecutive, gate.DefenceCommand, gate.DefenceUnit} {
		row[r] = gate.Own
	}
	return row
}

func readers() map[gate.Role]gate.Reach {
	row := writers()
	row[gate.OperatorViewer] = gate.Own
	for _, r := range []gate.Role{gate.CommissionMember, gate.Examiner, gate.Inspector} {
		row[r] = gate.All
	}
	return row
}

// armed reports whether somebody acts for a body of power: there two persons are
// never one.
func armed(who gate.Identity) bool { return !who.Is("operator") && !who.Is("carrier") }

// commands and carries tell the two sides of a chain of command apart.
func commands(who gate.Identity) bool {
	return who.Has(gate.PoliceCommand) || who.Has(gate.DefenceCommand)
}
func carries(who gate.Identity) bool {
	return who.Has(gate.PoliceExecutive) || who.Has(gate.DefenceUnit)
}
