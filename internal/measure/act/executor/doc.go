// Package executor is the process beside the equipment (装置への指示): it takes
// orders of its organisation that were approved, tells the equipment, looks
// whether it did, and takes everything away again when the order's time is over,
// whether or not the hub can be reached.
//
// Invariants: nothing is told the equipment that is not in a signed instruction
// under a Grant of that very task, and in the journal, on the disk, before; what
// the journal does not know to be finished is finished at the next start, by
// taking it away or by asking the equipment; an order is carried out once; what
// must go on working is never held back; a clock that jumps back lengthens
// nothing. One process works in a folder, and a copy of the folder is refused.
//
// It holds CAP_NET_ADMIN where its equipment is this machine's own firewall, and
// no other power (base/confine).
//
// Tables: none. Events: none.
package executor

import "embed"

// Words are the sentences of this process.
//
//go:embed text
var Words embed.FS
