package sighting

import "noroshi/internal/base/gate"

// Access says who may do what with sightings. An organisation reaches its own;
// the analysts of the office reach all, without the names of those who did not
// agree, and without what is TLP:RED, which stays with its reporter.
var Access = gate.Table{
	"sighting.record":   writers(),
	"sighting.withdraw": writers(),
	"sighting.attach":   writers(),
	"sighting.list":     readers(),
	"sighting.read":     readers(),
}

func writers() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.OperatorReporter: gate.Own, gate.OperatorAdmin: gate.Own, gate.OfficeAnalyst: gate.Own, gate.JPCERTClerk: gate.Own}
}

func readers() map[gate.Role]gate.Reach {
	row := writers()
	row[gate.OperatorViewer] = gate.Own
	row[gate.OfficeAnalyst] = gate.All
	return row
}
