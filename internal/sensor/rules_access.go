package sensor

import "noroshi/internal/base/gate"

// Access says who may do what with sources and findings: only the organisation
// itself. What was found on its network it shares by releasing it.
var Access = gate.Table{
	"sensor.register": {gate.OperatorAdmin: gate.Own},
	"sensor.end":      {gate.OperatorAdmin: gate.Own},
	"sensor.list":     readers(),
	"finding.list":    readers(),
	"finding.read":    readers(),
	"finding.decide":  writers(),
	"finding.release": writers(),
	"sensor.read":     readers(),
	"sensor.feed":     writers(), // a sensor's own token
}

func writers() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.OperatorReporter: gate.Own, gate.OperatorAdmin: gate.Own}
}

func readers() map[gate.Role]gate.Reach {
	row := writers()
	row[gate.OperatorViewer] = gate.Own
	return row
}
