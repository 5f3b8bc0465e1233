package intel

import "noroshi/internal/base/gate"

// Access says who may do what. What feeds say is public and open to everyone
// who is signed in; how the feeds fare is for those who run the hub and those
// who answer for it.
var Access = gate.Table{
	"intel.read":   everyone(),
	"intel.search": everyone(),
	"intel.feeds":  watchers(),
	"intel.import": keepers(),
	"intel.bundle": keepers(),

	"intel.items":    addressed(),
	"intel.add":      writers(),
	"intel.edit":     writers(),
	"intel.publish":  writers(),
	"intel.withdraw": writers(),
}

// writers keep items of their own organisation.
func writers() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.OfficeAnalyst: gate.Own, gate.JPCERTClerk: gate.Own}
}

// addressed: everyone reaches the items that rungs let them know.
func addressed() map[gate.Role]gate.Reach {
	row := map[gate.Role]gate.Reach{}
	for _, r := range gate.Roles {
		row[r] = gate.Addressed
	}
	return row
}

func everyone() map[gate.Role]gate.Reach {
	row := map[gate.Role]gate.Reach{}
	for _, r := range gate.Roles {
		row[r] = gate.All
	}
	return row
}

func keepers() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.OfficeAnalyst: gate.All, gate.HubAdmin: gate.All}
}

func watchers() map[gate.Role]gate.Reach {
	row := keepers()
	for _, r := range []gate.Role{gate.OfficeClerk, gate.MinistryClerk, gate.MinistrySuper} {
		row[r] = gate.All
	}
	return row
}
