package sensor

import "noroshi/internal/base/fault"

// Basis is why an organisation may read a source of packets, flows or logs.
type Basis string

// The bases.
const (
	OwnNetwork  Basis = "own-network" // it is an end party: its own machines, prefixes and links
	Consent     Basis = "consent"     // the parties agreed
	Test        Basis = "test"        // made-up or published traffic
	Acquisition Basis = "acquisition" // by approval or agreement: read by a selection run and by nothing else
)

// Bases lists the bases on which traffic is read here.
var Bases = []Basis{OwnNetwork, Consent, Test}

// Faults of the basis.
var (
	ErrStateBasis  = fault.New(fault.Refused, "sensor.basis.state")       // a carrier or the State reads its own network only
	ErrBasis       = fault.New(fault.Usage, "sensor.basis.unknown")       // not a basis
	ErrNoBasis     = fault.New(fault.Refused, "sensor.basis.none")        // reading live, or into a hub, without one
	ErrAcquisition = fault.New(fault.Refused, "sensor.basis.acquisition") // only a selection run may
)

// Permit checks a basis as a person wrote it. Live reading and reading into a
// hub need one; a file of one's own may go without and is then of one's own
// network, except where an instance says that it must be named.
func Permit(basis string, must bool) (Basis, error) {
	switch b := Basis(basis); b {
	case "":
		if must {
			return "", ErrNoBasis
		}
		return OwnNetwork, nil
	case OwnNetwork, Consent, Test:
		return b, nil
	case Acquisition:
		return "", ErrAcquisition
	}
	return "", fault.New(fault.Usage, ErrBasis.Code, "basis", basis)
}

// PermitState checks a basis on an instance that serves a carrier or the State:
// it has to be named, and only their own network is read outside of a selection
// run.
func PermitState(basis string) (Basis, error) {
	b, err := Permit(basis, true)
	if err == nil && b == Consent {
		return "", ErrStateBasis
	}
	return b, err
}
