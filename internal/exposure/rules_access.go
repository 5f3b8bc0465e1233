package exposure

import "noroshi/internal/base/gate"

// Access says who may do what with exposures. An operator reaches its own; a
// contractor what concerns equipment it operates; a ministry the sectors it is
// competent for; the national office all. Detail (versions, places, equipment)
// is for the operator and its contractors alone: the office and ministries see
// which organisation, which product, how urgent, and no more.
var Access = gate.Table{
	"exposure.list":    all(own(), watchers(), map[gate.Role]gate.Reach{gate.Maintainer: gate.Operated}),
	"exposure.read":    all(own(), watchers(), map[gate.Role]gate.Reach{gate.Maintainer: gate.Operated}),
	"exposure.detail":  all(own(), map[gate.Role]gate.Reach{gate.Maintainer: gate.Operated}),
	"exposure.mark":    deciders(),
	"exposure.judge":   deciders(),
	"exposure.agree":   deciders(),
	"exposure.undo":    deciders(),
	"exposure.propose": {gate.OfficeAnalyst: gate.All},
	"exposure.names":   own(),
	"exposure.name":    all(deciders(), map[gate.Role]gate.Reach{gate.Maintainer: gate.Operated}),
	"exposure.where":   watchers(),
	"exposure.picture": watchers(),
	"exposure.figures": all(own(), watchers()),
	"exposure.supply":  all(own(), map[gate.Role]gate.Reach{gate.OfficeAnalyst: gate.All}),
	"exposure.touch":   all(deciders(), map[gate.Role]gate.Reach{gate.OfficeAnalyst: gate.All}),
	"exposure.appear":  all(own(), map[gate.Role]gate.Reach{gate.OfficeAnalyst: gate.All}),
	"exposure.rematch": {gate.OfficeAnalyst: gate.All, gate.HubAdmin: gate.All},
	"exposure.runs":    {gate.OfficeAnalyst: gate.All, gate.HubAdmin: gate.All, gate.CommissionMember: gate.Record},
}

func deciders() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.OperatorReporter: gate.Own, gate.OperatorAdmin: gate.Own}
}

func own() map[gate.Role]gate.Reach {
	return all(deciders(), map[gate.Role]gate.Reach{gate.OperatorViewer: gate.Own})
}

func watchers() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.MinistryClerk: gate.Sector, gate.MinistrySuper: gate.Sector, gate.OfficeAnalyst: gate.All, gate.OfficeClerk: gate.All}
}

func all(rows ...map[gate.Role]gate.Reach) map[gate.Role]gate.Reach {
	out := map[gate.Role]gate.Reach{}
	for _, row := range rows {
		for role, reach := range row {
			out[role] = reach
		}
	}
	return out
}
