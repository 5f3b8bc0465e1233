package selection

import "noroshi/internal/base/gate"

// Access says who may do what with agreements and selected communications
// information. An agreement reaches its two parties' people alone: of the
// office the clerk who keeps it, until it comes into force; of the party its
// administrators. An inspector sees agreements once they came into force, without
// reasons or talks, and nothing of a proposal: who answers freely is not to
// explain why, and from a proposal that goes a refusal would follow. Records reach
// who handles them and whom they were disclosed to; an inspector sees everything
// about them, the conditions too, and none of them; a carrier its instruction,
// volumes and times.
var Access = gate.Table{
	"agreement.propose": clerks(),
	"agreement.settle":  clerks(), // accept a counter-proposal, take back, hand over
	"agreement.grant":   clerks(),
	"agreement.answer":  parties(nil), // accept, refuse, propose otherwise
	"agreement.consent": parties(nil),
	"agreement.end":     parties(clerks()),
	"agreement.say":     parties(clerks()),
	"agreement.return":  {gate.OfficeAnalyst: gate.Own, gate.OfficeHandler: gate.Own},
	"agreement.list":    agreementReaders(),
	"agreement.read":    agreementReaders(),

	"selection.list_make":   {gate.OfficeAnalyst: gate.Own},
	"selection.list_second": {gate.OfficeAnalyst: gate.Own},                              // another person
	"selection.list_open":   {gate.OfficeAnalyst: gate.Own, gate.Inspector: gate.Record}, // the conditions themselves; each opening on record
	"selection.lists":       {gate.OfficeAnalyst: gate.Own, gate.OfficeClerk: gate.Own, gate.OfficeHandler: gate.Own, gate.Inspector: gate.Record, gate.Examiner: gate.Record, gate.CommissionMember: gate.Record},

	"selection.run":     {gate.OfficeHandler: gate.Own},
	"selection.runs":    {gate.OfficeHandler: gate.Own, gate.OfficeClerk: gate.Own, gate.OfficeAnalyst: gate.Own, gate.Inspector: gate.Record, gate.CommissionMember: gate.Record},
	"selection.carrier": {gate.CarrierClerk: gate.Addressed},

	"selection.read":       {gate.OfficeHandler: gate.Own, gate.OfficeAnalyst: gate.Own, gate.PoliceOfficer: gate.Addressed, gate.MinistryClerk: gate.Addressed},
	"selection.extend":     {gate.OfficeHandler: gate.Own},
	"selection.disclose":   {gate.OfficeHandler: gate.Own},
	"selection.sight":      {gate.OfficeAnalyst: gate.Own},
	"selection.inspect":    {gate.Inspector: gate.Record, gate.CommissionMember: gate.Record},
	"selection.custody":    {gate.OfficeClerk: gate.Own}, // has a key of re-identification made
	"selection.hold":       holders(),
	"selection.reidentify": {gate.OfficeHandler: gate.Own},
}

func clerks() map[gate.Role]gate.Reach { return map[gate.Role]gate.Reach{gate.OfficeClerk: gate.Own} }

func parties(row map[gate.Role]gate.Reach) map[gate.Role]gate.Reach {
	if row == nil {
		row = map[gate.Role]gate.Reach{}
	}
	row[gate.OperatorAdmin] = gate.Addressed
	return row
}

func agreementReaders() map[gate.Role]gate.Reach {
	row := parties(clerks())
	row[gate.OfficeHandler], row[gate.OfficeAnalyst], row[gate.Inspector] = gate.Own, gate.Own, gate.Record
	return row
}

// holders keep a share of a key each; the one who asks to re-identify is never
// one of them.
func holders() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.OfficeHandler: gate.Own, gate.OfficeClerk: gate.Own, gate.CommissionMember: gate.Own, gate.Examiner: gate.Own}
}
