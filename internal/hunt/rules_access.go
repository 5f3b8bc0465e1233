package hunt

import "noroshi/internal/base/gate"

// Access says who may do what with hunts: only the organisation itself, whose
// hunts, rules and findings are its own. Of what others offer to share, every
// operator sees the rule, the condition and the reason; analysts and offices see
// nothing of hunts but the sightings that are released from them.
var Access = gate.Table{
	"hunt.list":    readers(gate.Own),
	"hunt.read":    readers(gate.Own),
	"hunt.draft":   writers(gate.Own),
	"hunt.change":  writers(gate.Own),
	"hunt.begin":   writers(gate.Own),
	"hunt.close":   writers(gate.Own),
	"hunt.hold":    {gate.OperatorAdmin: gate.Own}, // as of incidents
	"hunt.unhold":  {gate.OperatorAdmin: gate.Own},
	"hunt.expire":  {gate.HubAdmin: gate.All}, // the hub itself, by the clock
	"hunt.runs":    readers(gate.Own),
	"hunt.run":     readers(gate.Own),
	"hunt.compare": readers(gate.Own),
	"hunt.changed": readers(gate.Own),

	"hunt.receive":      writers(gate.Own), // also of a token that only sends
	"hunt.receive_part": writers(gate.Own),
	"hunt.receive_end":  writers(gate.Own),

	"hunt.findings": readers(gate.Own),
	"hunt.finding":  readers(gate.Own),
	"hunt.near":     readers(gate.Own),
	"hunt.count":    readers(gate.Own),
	"hunt.counts":   readers(gate.Own),
	"hunt.decide":   writers(gate.Own),
	"hunt.triage":   writers(gate.Own),
	"hunt.batches":  readers(gate.Own),
	"hunt.undo":     writers(gate.Own),
	"hunt.release":  writers(gate.Own),

	"hunt.rules":          readers(gate.Own),
	"hunt.rules_read":     readers(gate.Own),
	"hunt.rules_download": readers(gate.Own),
	"hunt.rules_add":      writers(gate.Own),
	"hunt.rules_upload":   writers(gate.Own),
	"hunt.rules_retire":   writers(gate.Own),

	"hunt.suppressions":  readers(gate.Own),
	"hunt.suppress_file": readers(gate.Own),
	"hunt.suppress":      writers(gate.Own),
	"hunt.unsuppress":    writers(gate.Own),
	"hunt.offers":        readers(gate.Addressed),
	"hunt.adopt":         writers(gate.Addressed),
	"hunt.preview":       {gate.OperatorAdmin: gate.Own},
	"hunt.offer":         {gate.OperatorAdmin: gate.Own}, // it speaks for the organisation
	"hunt.withdraw":      {gate.OperatorAdmin: gate.Own},
}

func writers(reach gate.Reach) map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.OperatorReporter: reach, gate.OperatorAdmin: reach}
}

func readers(reach gate.Reach) map[gate.Role]gate.Reach {
	row := writers(reach)
	row[gate.OperatorViewer] = reach
	return row
}
