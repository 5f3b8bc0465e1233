package export

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"noroshi/internal/engine/flow/packet"
)

// Kind is what an exporter speaks.
type Kind uint8

// The kinds.
const (
	Unknown Kind = iota
	NetFlow5
	NetFlow9
	IPFIX
	SFlow5
)

var kindNames = [...]string{"unknown", "netflow5", "netflow9", "ipfix", "sflow5"}

// String returns the kind's name in lower case without blanks.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Unknown]
}

// The errors of Decode. Each is also counted, so they need no handling beyond
// showing the counters.
var (
	ErrVersion   = errors.New("not an export datagram of a version that is read")
	ErrMalformed = errors.New("export datagram whose lengths do not fit")
	ErrTemplate  = errors.New("export datagram with a template that cannot be used")
)

// Limits bound what a Decoder keeps. A zero field takes the default.
type Limits struct {
	Exporters    int   // address, kind and domain; default 4096, least recently seen goes
	Templates    int   // per exporter; default 1024, least recently used goes
	Fields       int   // per template; default 512, more are refused
	AllFields    int   // of all templates together; default 1 Mi, templates of the longest silent exporter go
	PendingBytes int   // of sets that wait for their template; default 1 MiB, oldest go
	PendingSets  int   // their number; default 4096
	PendingWait  int64 // ns of datagram time they wait; default 60 s
}

func (l *Limits) defaults() {
	for _, d := range []struct {
		at *int
		v  int
	}{{&l.Exporters, 4096}, {&l.Templates, 1024}, {&l.Fields, 512}, {&l.AllFields, 1 << 20}, {&l.PendingBytes, 1 << 20}, {&l.PendingSets, 4096}} {
		if *d.at <= 0 {
			*d.at = d.v
		}
	}
	if l.PendingWait <= 0 {
		l.PendingWait = 60e9
	}
}

// Stats counts what concerns no exporter, or exporters that were evicted.
type Stats struct {
	Datagrams        uint64 // given to Decode
	Unversioned      uint64 // of no version that is read
	ExportersEvicted uint64 // to stay within Limits.Exporters
	PendingLost      uint64 // sets whose template did not come in time or that had no room
	Gone             Counts // of the exporters evicted
}

// Decoder decodes datagrams and keeps what must be kept per exporter. It is
// not for use by several goroutines; exporters may be spread over decoders by
// address.
type Decoder struct {
	limits    Limits
	exporters map[origin]*exporter
	numbers   map[uint32]*exporter
	recent    list // exporters by when they were last seen
	last      *exporter
	number    uint32
	fields    int    // of all templates
	tick      uint64 // order of use of templates
	waiting   pending
	stats     Stats
	oldest    []*template    // while templates are evicted
	squeezed  []byte         // records without their variable fields; overwritten after use
	offs      []int          // of the fields of an option record
	five      *program       // of NetFlow v5 records
	header    packet.Headers // of sampled packets; reused
}

// origin is what makes an exporter: the address datagrams come from without
// its port (line cards of one device send from several, and it changes when a
// device restarts), what it speaks, and the domain it names.
type origin struct {
	addr   netip.Addr
	kind   Kind
	domain uint32
}

// NewDecoder returns a decoder within the limits.
func NewDecoder(l Limits) *Decoder {
	l.defaults()
	return &Decoder{limits: l, exporters: map[origin]*exporter{}, numbers: map[uint32]*exporter{}}
}

// Decode appends the flow records of one datagram to b. from is who sent it,
// at when it was received or captured in ns since 1970. The error says that
// the datagram was not, or not wholly, decoded; what could be read is in b.
func (d *Decoder) Decode(from netip.Addr, at int64, datagram []byte, b *Batch) error {
	d.stats.Datagrams++
	d.expire(at)
	if len(datagram) >= 4 {
		switch binary.BigEndian.Uint16(datagram) {
		case 5:
			return d.netflow5(from, at, datagram, b)
		case 9:
			return d.netflow9(from, at, datagram, b)
		case 10:
			return d.ipfix(from, at, datagram, b)
		case 0:
			if binary.BigEndian.Uint32(datagram) == 5 {
				return d.sflow5(from, at, datagram, b)
			}
		}
	}
	d.stats.Unversioned++
	return ErrVersion
}

// Stats returns the counters of the decoder itself.
func (d *Decoder) Stats() Stats { return d.stats }

// Wipe overwrites the octets of sets that wait for templates and forgets them;
// they are counted as lost.
func (d *Decoder) Wipe() { d.dropPending(len(d.waiting.entries)) }
