// Package record is what may be known of a communication: who spoke with whom,
// when, how much and over which protocol, and a few facts of the protocol
// itself. It is written so that it cannot hold what was said: a record is made
// of numbers, times, addresses, hashes, closed lists of known words, and names
// in a bounded form (Name). A test walks every type that a Record reaches and
// fails on any other string or slice of bytes.
//
// Act 42 of 2025 art 2(8) (machine information) and art 22 (selection): bodies,
// subjects, attachments, cookies, query strings and posted fields have no place
// here to go to.
package record

import (
	"net/netip"

	"noroshi/internal/engine/geo"
)

// Sides of a communication, as indexes of Packets, Bytes and the like: the
// side that began it and the side that was spoken to.
const (
	Out = 0 // from Src to Dst
	In  = 1 // from Dst to Src
)

// Bounds of the lists of a record. What is over is counted in Cut.
const (
	MaxDNS  = 32 // questions of one communication
	MaxHTTP = 32 // requests of one communication
	MaxAddr = 4  // addresses of one DNS answer
	MaxName = 4  // hashed names of one communication
)

// Record is one communication between two ends. Times are nanoseconds since
// 1970 UTC; bytes are those of the IP packets, header included. Slices are at
// most as long as the bounds above say.
//
// What every packet changes stands in front, together, and then what datagrams
// change.
type Record struct {
	Start, End       int64
	Packets, Bytes   [2]uint64
	Payload          [2]uint64 // bytes above TCP, UDP or SCTP
	SrcPort, DstPort uint16    // of ICMP: type and code, as Community ID has them
	VLAN             uint16    // outermost, 0 without
	Cut              uint16    // facts that were over a bound
	Proto            uint8     // IANA protocol number of IP
	App              App
	Class            geo.Class
	State            State
	Tunnel           Tunnel   // what the packets came wrapped in
	Full             bool     // names are kept unshortened, by a recorded choice
	Flags            [2]uint8 // TCP flags seen, or-ed (RFC 9293 §3.1)
	DNS              []DNS
	HTTP             []HTTP

	Src, Dst    netip.Addr
	Lost        [2]uint64 // bytes of TCP that were never seen
	CommunityID [20]byte  // SHA-1 of Community ID version 1
	Sampled     uint32    // one of so many packets was looked at, and Packets and Bytes are estimates; 0 and 1: all were

	TLS      *TLS
	QUIC     *QUIC
	SSH      *SSH
	Mail     *Mail
	SMB      *SMB
	RDP      *RDP
	Kerberos *Kerberos
	LDAP     *LDAP
	Control  *Control
}

// State is how a communication went, as far as its packets tell.
type State uint8

// The states. Those of TCP are told by SYN, FIN and RST; of others only
// whether an answer was seen.
const (
	Unseen   State = iota // not known: flow exports without flags
	Tried                 // asked, never answered
	Refused               // answered with RST or an ICMP error
	Open                  // answered, and its end was not seen
	Closed                // ended by both sides
	Reset                 // ended by RST after it was open
	Midway                // its beginning was not seen
	stateEnd              // keeps the table of words complete
)

// Tunnel is what a communication came wrapped in.
type Tunnel uint8

// The wrappings.
const (
	NoTunnel Tunnel = iota
	GRE             // RFC 2784, RFC 2637
	IPinIP          // RFC 2003, RFC 4213, RFC 2473
	VXLAN           // RFC 7348
	Geneve          // RFC 8926
	Teredo          // RFC 4380
	GTP             // 3GPP TS 29.281
	MPLS            // RFC 3032
	PPPoE           // RFC 2516
	OtherTunnel
	tunnelEnd
)

// Facts is where a dissector writes what it learns of one communication: the
// part of a Record that is above the transport.
type Facts struct {
	*Record
	Naming *Naming
}

// AddDNS adds a question, or counts it when there are too many.
func (r *Record) AddDNS(d DNS) {
	if len(r.DNS) >= MaxDNS {
		r.cut()
		return
	}
	r.DNS = append(r.DNS, d)
}

// Answered reports whether there are questions, and each has its answer.
func (r *Record) Answered() bool {
	for i := range r.DNS {
		if !r.DNS[i].Answered {
			return false
		}
	}
	return len(r.DNS) > 0
}

// AddHTTP adds a request, or counts it when there are too many; the pointer is
// nil then. It is good until the next call.
func (r *Record) AddHTTP(h HTTP) *HTTP {
	if len(r.HTTP) >= MaxHTTP {
		r.cut()
		return nil
	}
	r.HTTP = append(r.HTTP, h)
	return &r.HTTP[len(r.HTTP)-1]
}

func (r *Record) cut() {
	if r.Cut < 1<<16-1 {
		r.Cut++
	}
}
