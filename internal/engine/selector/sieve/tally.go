package sieve

import "maps"

// Amount is a number of packets and of their bytes, as long as they were on the
// wire (capture.Packet.Orig).
type Amount struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

// Plus returns the sum of two amounts.
func (a Amount) Plus(b Amount) Amount {
	return Amount{a.Packets + b.Packets, a.Bytes + b.Bytes}
}

func (a *Amount) count(size uint32) {
	a.Packets++
	a.Bytes += uint64(size)
}

func (a *Amount) add(b Amount) {
	a.Packets += b.Packets
	a.Bytes += b.Bytes
}

// Tally is what became of the packets. After Close or Abort, Seen is the sum of
// the seven behind it, in packets and in bytes; before, packets of flows not
// decided yet, and of selected flows not written out, are in Seen only.
type Tally struct {
	Seen       Amount // within the period, until the run ended
	Domestic   Amount // some layer goes from domestic to domestic
	Direction  Amount // a direction that is not granted
	Unknown    Amount // some address has no side, layers disagree, or not every layer is seen
	Unselected Amount // no selector in time, or a record that could not be handed on
	Malformed  Amount // not IP, or headers that leave addresses in doubt
	Cap        Amount // passed the gate when the cap was reached
	Selected   Amount // in records that were handed on

	TunnelPort Amount            // of Unknown: only because a port is a tunnel's, perhaps by chance; later parts included
	Records    uint64            // handed on
	BySelector map[string]Amount // of Selected, by Record.Selector
}

// Sum returns what is accounted for: every amount but Seen and TunnelPort.
func (t *Tally) Sum() Amount {
	return t.Domestic.Plus(t.Direction).Plus(t.Unknown).Plus(t.Unselected).Plus(t.Malformed).Plus(t.Cap).Plus(t.Selected)
}

// Tally returns what was counted so far; the map is the caller's.
func (s *Sieve) Tally() Tally {
	t := s.tally
	t.BySelector = maps.Clone(s.tally.BySelector)
	return t
}

// End says whether a run goes on, and if not, what ended it.
type End uint8

// The ends.
const (
	Going        End = iota
	CapReached       // a packet passed the gate beyond the cap
	BeforePeriod     // a packet came from before the period
	PeriodOver       // the period is over, by a packet's time or by Tick
)

var endNames = [...]string{"going", "cap_reached", "before_period", "period_over"}

// String returns the end's name as it stands in statements, such as
// "period_over".
func (e End) String() string { return endNames[min(int(e), len(endNames)-1)] }
