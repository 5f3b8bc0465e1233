// Package capture reads captured packets out of pcap and pcapng files, plain
// or compressed with gzip or zstd, in batches that point into a reused buffer.
// It keeps nothing: a batch is overwritten as soon as the next one is asked for
// or, when it was lent, soon after it was returned; and so are the windows of
// the decompressors.
package capture

// Link is a LINKTYPE_ value of https://www.tcpdump.org/linktypes.html: how a
// packet begins.
type Link uint16

// The links that package packet decodes.
const (
	LinkNull       Link = 0   // BSD loopback, family in the capturing host's byte order
	LinkEthernet   Link = 1   // IEEE 802.3
	LinkPPP        Link = 9   // PPP, perhaps with HDLC framing
	LinkFDDI       Link = 10  // FDDI
	LinkRawBSD     Link = 12  // raw IP, DLT_RAW of most systems
	LinkRawOpenBSD Link = 14  // raw IP, DLT_RAW of OpenBSD
	LinkPPPHDLC    Link = 50  // PPP in HDLC framing
	LinkRaw        Link = 101 // raw IP
	LinkCHDLC      Link = 104 // Cisco HDLC
	LinkPPPoE      Link = 51  // PPPoE without Ethernet
	LinkWiFi       Link = 105 // IEEE 802.11
	LinkFrameRelay Link = 107 // Frame Relay
	LinkLoop       Link = 108 // OpenBSD loopback, family in network byte order
	LinkSLL        Link = 113 // Linux "any", version 1
	LinkRadiotap   Link = 127 // radiotap, then IEEE 802.11
	LinkPPI        Link = 192 // per-packet information, then another link
	LinkWPAN       Link = 195 // IEEE 802.15.4 with FCS
	LinkIPv4       Link = 228 // raw IPv4
	LinkIPv6       Link = 229 // raw IPv6
	LinkWPANNoFCS  Link = 230 // IEEE 802.15.4 without FCS
	LinkNFLog      Link = 239 // Linux netfilter log
	LinkSLL2       Link = 276 // Linux "any", version 2
)

// Packet is one captured packet. Data points into a buffer of the reader and
// is valid until its next call of Next or Wipe, which overwrites it, or until
// its Loan is returned.
type Packet struct {
	Data []byte // what was captured
	At   int64  // nanoseconds since 1970 UTC; 0 when the file does not say
	Orig uint32 // length on the wire, in bytes; a damaged file may name less than was captured
	Link Link
}

// MaxPacket bounds one packet, in captured bytes. Longer ones are counted and
// left out.
const MaxPacket = 512 << 10

// Stats are what a reader has seen so far.
type Stats struct {
	Packets   int64 // packets handed out
	Bytes     int64 // their captured bytes
	Wire      int64 // their bytes on the wire
	Cut       int64 // packets captured shorter than they were on the wire
	Truncated int64 // packets and blocks that the end of the input cut off; not handed out
	Oversize  int64 // packets longer than MaxPacket; left out
	Damaged   int64 // records whose lengths contradict each other or name no interface; left out
	Broken    bool  // the reading ended before the capture did: it is cut off, or nothing says where the next record begins
	Blocks    int64 // pcapng blocks of other kinds, skipped
	Sections  int64 // file headers: pcapng sections, or files put behind one another
	Undated   int64 // packets without a time
	Lost      int64 // packets that the capturing system says it dropped (pcapng only)

	// With a clock (Reader.SetClock), in ns: the time from handing a batch back
	// until it was overwritten, all together, how often, and the longest; and the
	// longest time from reading a batch until it was overwritten.
	WipeSum   int64
	Wipes     int64
	WipeNanos int64
	HeldNanos int64
}
