package flow

import (
	"net/netip"
	"time"

	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/geo"
)

// What is left out of Options.
const (
	DefaultFlows    = 1 << 18   // communications at once; about 1 KiB each
	DefaultBuffered = 128 << 20 // bytes of payload held for dissectors
)

// MaxDisorder is how far the time of a packet may lie before that of an earlier
// one, in ns, without the clock counting as set back. MaxGap is the longest
// silence of everything that is not counted as a jump.
const (
	MaxDisorder = 60 * int64(time.Second)
	MaxGap      = int64(time.Hour)
)

// MaxWorkers bounds Options.Workers: it is the number of parts of the table.
const MaxWorkers = 16

// Timeouts are the silences after which a communication is over, by the
// packets' clock. Zero is the default.
type Timeouts struct {
	TCPTried    time.Duration // not answered; 60 s
	TCPOpen     time.Duration // 10 min
	TCPClosed   time.Duration // both sides said FIN, or one RST; 10 s
	UDPTried    time.Duration // 60 s
	UDPOpen     time.Duration // answered; 3 min
	DNSAnswered time.Duration // questions of DNS that all have their answers; 10 s
	ICMP        time.Duration // 60 s
	Other       time.Duration // 2 min
}

// Options are how communications are told apart and how much memory they may
// take. The zero value is good but for Key.
type Options struct {
	Key      [32]byte // of the hashes of names; also seeds the table
	Full     bool     // names are kept unshortened: own network, consent and tests only
	Flows    int      // how many at once; DefaultFlows
	Buffered int64    // bytes of payload; DefaultBuffered
	Timeouts Timeouts
	Active   time.Duration // a longer communication is written in slices; 0: whole
	JoinVLAN bool          // VLAN tags do not tell communications apart
	Workers  int           // how many work on it at once, the caller among them; 0 or 1: it alone
	NoID     bool          // Community IDs are not computed
	Exports  bool          // NetFlow, IPFIX and sFlow datagrams among the packets become records, too

	// Class says on which sides of the border two ends lie; nil: it is not asked.
	// Workers call it side by side.
	Class func(src, dst netip.Addr) geo.Class
	// Soon is called with a record shortly before it is emitted, so that who looks at
	// it can have memory fetched meanwhile; nil: it is not. Not every record is told.
	Soon func(*record.Record)
	// Clock measures how long payload stays in memory, in ns of a clock that never
	// goes back; nil: it is not measured.
	Clock func() int64

	silence [grades]int64 // Timeouts in ns, by grade
	active  int64
}

// grades of a communication: how long its silence may last.
const (
	tcpTried = iota
	tcpOpen
	tcpClosed
	udpTried
	udpOpen
	answered
	icmp
	other
	grades
)

// ready fills in what was left out.
func (o *Options) ready() {
	if o.Flows <= 0 {
		o.Flows = DefaultFlows
	}
	if o.Buffered <= 0 {
		o.Buffered = DefaultBuffered
	}
	o.Workers = min(max(o.Workers, 1), MaxWorkers)
	o.active = int64(o.Active)
	t := &o.Timeouts
	for i, v := range [grades]struct{ given, otherwise time.Duration }{
		tcpTried: {t.TCPTried, time.Minute}, tcpOpen: {t.TCPOpen, 10 * time.Minute}, tcpClosed: {t.TCPClosed, 10 * time.Second},
		udpTried: {t.UDPTried, time.Minute}, udpOpen: {t.UDPOpen, 3 * time.Minute}, answered: {t.DNSAnswered, 10 * time.Second}, icmp: {t.ICMP, time.Minute}, other: {t.Other, 2 * time.Minute},
	} {
		o.silence[i] = int64(v.given)
		if v.given <= 0 {
			o.silence[i] = int64(v.otherwise)
		}
	}
}

// Stats are what happened on the way from packets to records.
type Stats struct {
	Packets uint64 // seen
	Bytes   uint64 // on the wire, links included
	NotIP   uint64 // packets without an IP header: in no record
	Unread  uint64 // packets whose headers are too damaged to say whose they are: in no record
	Flows   uint64 // records written
	Idle    uint64 // of them after a silence
	Flushed uint64 // at the end of the input, or when the clock went back
	Evicted uint64 // because the table was full
	Sliced  uint64 // because they lasted longer than Options.Active, or asked more than a record holds
	Live    uint64 // communications in the table now

	Disorder, JumpsBack, JumpsAhead uint64 // packets before an earlier one; clock set back, ahead

	Refusals uint64 // ICMP errors that refuse what they quote
	Early    uint64 // TCP segments before their turn
	Repeated uint64 // TCP bytes seen before
	Strange  uint64 // TCP segments farther ahead than any window
	Lost     uint64 // TCP bytes never seen
	NoRoom   uint64 // times payload was let go because Options.Buffered was full

	Fragments      uint64 // packets that are parts of others
	Reassembled    uint64 // of which so many payloads were put together
	FragmentsBad   uint64 // fragmented packets whose parts contradict each other
	FragmentsAgain uint64 // parts seen before
	FragmentsLeft  uint64 // fragmented packets of which parts never came
	FragmentsOver  uint64 // more at once than are put together

	Exports    uint64 // datagrams of NetFlow, IPFIX and sFlow that were read
	ExportsBad uint64 // of which so many not wholly

	WipeNanos int64                 // longest time from a batch of packets to its being overwritten here
	Faults    [packet.Faults]uint64 // packets by why their decoding stopped; 0 is none
}

// add adds what workers counted.
func (s *Stats) add(o *Stats) {
	s.Flows += o.Flows
	s.Idle += o.Idle
	s.Flushed += o.Flushed
	s.Evicted += o.Evicted
	s.Sliced += o.Sliced
	s.Early += o.Early
	s.Repeated += o.Repeated
	s.Strange += o.Strange
	s.Lost += o.Lost
	s.NoRoom += o.NoRoom
}
