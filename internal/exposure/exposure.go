package exposure

import "noroshi/internal/base/fault"

var errPriority = fault.New(fault.Invalid, "exposure.priority")
