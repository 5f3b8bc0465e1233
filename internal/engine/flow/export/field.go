package export

// column numbers a column; its bit in Columns is 1<<column.
type column uint8

const (
	src column = iota
	dst
	srcPort
	dstPort
	icmp
	vlan
	proto
	flags
	tos
	direction
	srcMask
	dstMask
	reason
	packets
	octets
	revPackets
	revOctets
	start
	end
	in
	out
	srcAS
	dstAS
	sampling
)

// way is how the octets of a field become a value of its column.
type way uint8

const (
	skip        way = iota
	number          // unsigned, 1 to 8 octets, high bits above the column's width dropped
	addr4           // 4 octets
	addr6           // 16 octets
	over6           // 16 octets, written only where they are not all zero
	icmpBoth        // type and code; all ICMP fields of a record are or-ed
	icmpType        // type alone: the high octet
	icmpCode        // code alone: the low octet
	uptime          // ms of the exporter's uptime, against the datagram's header
	uptimeInit      // the same against field systemInitTimeMilliseconds of the record
	seconds         // since 1970
	millis          // since 1970
	ntp             // 32.32 bits since 1900 (RFC 7011 6.1.9, 6.1.10)
	deltaMicros     // before the export time
	lastMillis      // length of the flow, added to its start
	lastMicros      // the same in µs
	samplerID       // looked up among the exporter's samplers
	initMillis      // systemInitTimeMilliseconds, used by uptimeInit
	answering       // NetFlow v9 OUT_BYTES, OUT_PKTS beside IN_BYTES, IN_PKTS
)

// meaning is what an information element gives. Among several fields of a
// template for one column the lowest rank is used, then the first.
type meaning struct {
	col  column
	way  way
	rank uint8
}

// elements are the IANA information elements that give a column
// (iana.org/assignments/ipfix; RFC 3954 section 8 for the numbers they share
// with NetFlow v9).
var elements = [512]meaning{
	1:  {octets, number, 1},      // octetDeltaCount, IN_BYTES
	2:  {packets, number, 1},     // packetDeltaCount, IN_PKTS
	4:  {proto, number, 1},       // protocolIdentifier
	5:  {tos, number, 1},         // ipClassOfService
	6:  {flags, number, 1},       // tcpControlBits
	7:  {srcPort, number, 1},     // sourceTransportPort
	8:  {src, addr4, 1},          // sourceIPv4Address
	9:  {srcMask, number, 1},     // sourceIPv4PrefixLength
	10: {in, number, 1},          // ingressInterface
	11: {dstPort, number, 1},     // destinationTransportPort
	12: {dst, addr4, 1},          // destinationIPv4Address
	13: {dstMask, number, 1},     // destinationIPv4PrefixLength
	14: {out, number, 1},         // egressInterface
	16: {srcAS, number, 1},       // bgpSourceAsNumber
	17: {dstAS, number, 1},       // bgpDestinationAsNumber
	21: {end, uptime, 5},         // flowEndSysUpTime, LAST_SWITCHED
	22: {start, uptime, 5},       // flowStartSysUpTime, FIRST_SWITCHED
	23: {octets, answering, 9},   // postOctetDeltaCount, OUT_BYTES
	24: {packets, answering, 9},  // postPacketDeltaCount, OUT_PKTS
	27: {src, addr6, 2},          // sourceIPv6Address
	28: {dst, addr6, 2},          // destinationIPv6Address
	29: {srcMask, number, 2},     // sourceIPv6PrefixLength
	30: {dstMask, number, 2},     // destinationIPv6PrefixLength
	32: {icmp, icmpBoth, 1},      // icmpTypeCodeIPv4, ICMP_TYPE
	34: {sampling, number, 1},    // samplingInterval
	48: {sampling, samplerID, 4}, // samplerId
	50: {sampling, number, 2},    // samplerRandomInterval
	58: {vlan, number, 1},        // vlanId
	61: {direction, number, 1},   // flowDirection
	85: {octets, number, 2},      // octetTotalCount
	86: {packets, number, 2},     // packetTotalCount

	136: {reason, number, 1},     // flowEndReason
	139: {icmp, icmpBoth, 2},     // icmpTypeCodeIPv6
	150: {start, seconds, 4},     // flowStartSeconds
	151: {end, seconds, 4},       // flowEndSeconds
	152: {start, millis, 3},      // flowStartMilliseconds
	153: {end, millis, 3},        // flowEndMilliseconds
	154: {start, ntp, 2},         // flowStartMicroseconds
	155: {end, ntp, 2},           // flowEndMicroseconds
	156: {start, ntp, 1},         // flowStartNanoseconds
	157: {end, ntp, 1},           // flowEndNanoseconds
	158: {start, deltaMicros, 6}, // flowStartDeltaMicroseconds
	159: {end, deltaMicros, 6},   // flowEndDeltaMicroseconds
	160: {start, initMillis, 99}, // systemInitTimeMilliseconds
	161: {end, lastMillis, 8},    // flowDurationMilliseconds
	162: {end, lastMicros, 7},    // flowDurationMicroseconds
	176: {icmp, icmpType, 3},     // icmpTypeIPv4
	177: {icmp, icmpCode, 3},     // icmpCodeIPv4
	178: {icmp, icmpType, 4},     // icmpTypeIPv6
	179: {icmp, icmpCode, 4},     // icmpCodeIPv6
	180: {srcPort, number, 2},    // udpSourcePort
	181: {dstPort, number, 2},    // udpDestinationPort
	182: {srcPort, number, 3},    // tcpSourcePort
	183: {dstPort, number, 3},    // tcpDestinationPort

	231: {octets, number, 3},      // initiatorOctets
	232: {revOctets, number, 2},   // responderOctets
	243: {vlan, number, 2},        // dot1qVlanId
	252: {in, number, 2},          // ingressPhysicalInterface
	253: {out, number, 2},         // egressPhysicalInterface
	298: {packets, number, 3},     // initiatorPackets
	299: {revPackets, number, 2},  // responderPackets
	302: {sampling, samplerID, 5}, // selectorId
	322: {start, seconds, 13},     // observationTimeSeconds
	323: {start, millis, 12},      // observationTimeMilliseconds
	324: {start, ntp, 11},         // observationTimeMicroseconds
	325: {start, ntp, 10},         // observationTimeNanoseconds
	352: {octets, number, 4},      // layer2OctetDeltaCount
}

// reverseElement is the enterprise under which an element means the other
// direction of a biflow (RFC 5103 section 6.1).
const reverseElement = 29305

// mean returns what field gives, or skip.
func mean(f field) meaning {
	switch {
	case f.enterprise == 0 && int(f.id) < len(elements):
		return elements[f.id]
	case f.enterprise == reverseElement:
		switch f.id {
		case 1:
			return meaning{revOctets, number, 1}
		case 2:
			return meaning{revPackets, number, 1}
		case 85:
			return meaning{revOctets, number, 3}
		case 86:
			return meaning{revPackets, number, 3}
		}
	}
	return meaning{}
}

// fits reports whether a field of n octets can be read in that way.
func (w way) fits(n int) bool {
	switch w {
	case number, samplerID, answering, lastMillis, lastMicros:
		return n >= 1 && n <= 8
	case addr4, uptime, seconds, deltaMicros:
		return n == 4
	case addr6, over6:
		return n == 16
	case millis, ntp, initMillis:
		return n == 8
	case icmpBoth:
		return n == 2
	case icmpType, icmpCode:
		return n == 1
	}
	return false
}
