package notice

import (
	"maps"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
)

// Access says who may do what with notices. The national office and the
// coordination centre write to everybody, a ministry to its sectors; whoever
// was told reaches its own part (Addressed), and may pass it on; nobody
// reaches what another organisation wrote.
var Access = gate.Table{
	"notice.draft":    senders(),
	"notice.send":     senders(),
	"notice.withdraw": senders(),
	"notice.board":    senders(),
	"notice.inbox":    both(readers(), answerers()),
	"notice.open":     both(readers(), answerers()),
	"notice.answer":   answerers(),
	"notice.help":     answerers(),
	"notice.relay":    answerers(),
	"notice.desk":     {gate.OfficeAnalyst: gate.Addressed, gate.OfficeClerk: gate.Addressed, gate.JPCERTClerk: gate.Addressed},
	"notice.assist":   {gate.OfficeAnalyst: gate.Addressed, gate.OfficeClerk: gate.Addressed, gate.JPCERTClerk: gate.Addressed},
	"notice.tick":     {gate.HubAdmin: gate.All},
	"notice.closed":   {gate.HubAdmin: gate.All},                                  // who is behind a closed network
	"notice.carry":    {gate.OfficeAnalyst: gate.All, gate.OfficeClerk: gate.All}, // letters out by file, answers in
	"notice.take":     {gate.OfficeAnalyst: gate.All, gate.HubAdmin: gate.All},    // letters in, on the closed hub
	"notice.back":     {gate.OperatorReporter: gate.Addressed, gate.OperatorAdmin: gate.Addressed},
}

func senders() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{
		gate.OfficeAnalyst: gate.All, gate.OfficeClerk: gate.All, gate.JPCERTClerk: gate.All,
		gate.MinistryClerk: gate.Sector, gate.MinistrySuper: gate.Sector,
	}
}

func readers() map[gate.Role]gate.Reach {
	return map[gate.Role]gate.Reach{gate.OperatorViewer: gate.Addressed, gate.MinistryClerk: gate.Addressed, gate.MinistrySuper: gate.Addressed}
}

func answerers() map[gate.Role]gate.Reach {
	row := map[gate.Role]gate.Reach{}
	for _, r := range []gate.Role{gate.OperatorReporter, gate.OperatorAdmin, gate.Maintainer, gate.SupplierContact, gate.MakerContact} {
		row[r] = gate.Addressed
	}
	return row
}

func both(a, b map[gate.Role]gate.Reach) map[gate.Role]gate.Reach {
	maps.Copy(a, b)
	return a
}

// Faults of notices.
var (
	ErrNone      = fault.New(fault.NotFound, "notice.none")        // no such notice, or not theirs to know
	ErrRevision  = fault.New(fault.Conflict, "notice.revision")    // the draft changed meanwhile
	ErrSent      = fault.New(fault.Conflict, "notice.sent")        // only a draft can be changed
	ErrNotSent   = fault.New(fault.Conflict, "notice.not_sent")    // only what was sent can be taken back
	ErrEnded     = fault.New(fault.Conflict, "notice.ended")       // withdrawn or corrected: takes no answer
	ErrChecks    = fault.New(fault.Unmet, "notice.checks")         // something has to be corrected before it goes out
	ErrDespite   = fault.New(fault.Unmet, "notice.despite")        // remarks that have to be accepted
	ErrDeep      = fault.New(fault.Refused, "notice.relay.deep")   // further down the chain than the rules allow
	ErrCycle     = fault.New(fault.Refused, "notice.relay.cycle")  // back to whom it came from
	ErrMark      = fault.New(fault.Refused, "notice.relay.tlp")    // the mark forbids it
	ErrCautions  = fault.New(fault.Unmet, "notice.relay.cautions") // the cautions were not read
	ErrLinkEnded = fault.New(fault.NotFound, "notice.link.ended")  // UI.md, error 14
	ErrTicket    = fault.New(fault.Conflict, "notice.ticket.state")
	ErrFile      = fault.New(fault.TooLarge, "notice.files.many")
)

// Faults of corrections.
var (
	ErrCorrecting = fault.New(fault.Conflict, "notice.correcting") // one is being written already
	ErrCorrected  = fault.New(fault.Conflict, "notice.corrected")  // another one is out
)
