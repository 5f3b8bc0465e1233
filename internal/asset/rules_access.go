package asset

import (
	"maps"

	"noroshi/internal/base/gate"
)

// Access says who may do what with registers and statements. An operator
// reaches its own; a contractor what it operates for others (Operated); those
// whom a statement is addressed to reach the statement, and never a register:
// versions and places leave it only as far as the rules of notification say.
var Access = gate.Table{
	"asset.list":        with(readers(), gate.Maintainer, gate.Operated),
	"asset.read":        with(readers(), gate.Maintainer, gate.Operated),
	"asset.add":         writers(),
	"asset.change":      with(writers(), gate.Maintainer, gate.Operated),
	"asset.confirm":     with(writers(), gate.Maintainer, gate.Operated),
	"asset.remove":      writers(),
	"asset.preview":     writers(),
	"asset.import":      writers(),
	"asset.scope":       writers(),
	"asset.draft":       readers(),
	"asset.submit":      writers(),
	"asset.answer":      writers(),
	"asset.statements":  both(readers(), recipients()),
	"asset.open":        both(readers(), recipients()),
	"asset.acknowledge": recipients(),
	"asset.ask":         recipients(),
}

func writers() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.OperatorReporter: gate.Own, gate.OperatorAdmin: gate.Own}
}

func readers() map[gate.Role]gate.Reach { return with(writers(), gate.OperatorViewer, gate.Own) }

func recipients() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.MinistryClerk: gate.Addressed, gate.MinistrySuper: gate.Addressed, gate.OfficeClerk: gate.Addressed}
}

func with(row map[gate.Role]gate.Reach, role gate.Role, reach gate.Reach) map[gate.Role]gate.Reach {
	row[role] = reach
	return row
}

func both(a, b map[gate.Role]gate.Reach) map[gate.Role]gate.Reach {
	maps.Copy(a, b)
	return a
}
