package vendor

import "noroshi/internal/base/gate"

// Access says who may do what. Who coordinates reaches its own cases; a maker
// what was asked of it; a ministry how the cases of its sectors stand, and
// their content once the embargo is over. Nobody else learns that there is a
// case.
var Access = gate.Table{
	"vendor.start":    withMakers(coordinators(), gate.Own),
	"vendor.change":   coordinators(), // facts, embargo, makers
	"vendor.step":     coordinators(), // triage, send, close
	"vendor.list":     readers(),
	"vendor.read":     readers(),
	"vendor.answer":   withMakers(nil, gate.Addressed),
	"vendor.say":      withMakers(coordinators(), gate.Addressed),
	"vendor.upload":   withMakers(nil, gate.Addressed),
	"vendor.download": withMakers(coordinators(), gate.Addressed),
	"vendor.export":   withMakers(nil, gate.Addressed), // a maker's folder of advisories
}

func coordinators() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.OfficeAnalyst: gate.Own, gate.OfficeClerk: gate.Own, gate.JPCERTClerk: gate.Own}
}

func withMakers(row map[gate.Role]gate.Reach, reach gate.Reach) map[gate.Role]gate.Reach {
	if row == nil {
		row = map[gate.Role]gate.Reach{}
	}
	row[gate.MakerContact] = reach
	return row
}

func readers() map[gate.Role]gate.Reach {
	row := withMakers(coordinators(), gate.Addressed)
	row[gate.MinistryClerk], row[gate.MinistrySuper] = gate.Sector, gate.Sector
	return row
}
