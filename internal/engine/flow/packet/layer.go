package packet

import "math/bits"

// Layers is a set of layers.
type Layers uint64

// The layers. Their names (Name) are those analysts know from capture tools.
const (
	Ethernet Layers = 1 << iota
	VLAN
	MPLS
	PPPoE
	PPP
	LLC
	SLL
	Loopback
	WiFi
	Radiotap
	FDDI
	NFLog
	WPAN
	SixLowPAN
	ARP
	IPv4
	IPv6
	HopByHop
	Routing
	FragmentHeader
	AH
	DestinationOptions
	Mobility
	TCP
	UDP
	UDPLite
	ICMP
	ICMPv6
	IGMP
	SCTP
	DCCP
	ESP
	GRE
	ERSPAN
	EtherIP
	VXLAN
	Geneve
	GTP
	Teredo
	L2TP
	AYIYA
	OSPF
	PIM
	VRRP
	LLDP
	CDP
	STP
	EAPOL
)

var layerNames = [...]string{
	"eth", "vlan", "mpls", "pppoes", "ppp", "llc", "sll", "null", "wlan", "radiotap", "fddi", "nflog", "wpan", "6lowpan",
	"arp", "ip", "ipv6", "ipv6.hopopts", "ipv6.routing", "ipv6.fraghdr", "ah", "ipv6.dstopts", "mipv6",
	"tcp", "udp", "udplite", "icmp", "icmpv6", "igmp", "sctp", "dccp", "esp", "gre", "erspan", "etherip", "vxlan", "geneve",
	"gtp", "teredo", "l2tp", "ayiya", "ospf", "pim", "vrrp", "lldp", "cdp", "stp", "eapol",
}

// LayerCount is how many layers there are; bit i of Layers is layer i.
const LayerCount = len(layerNames)

// LayerName returns the short name of layer i, such as "ip" or "icmpv6"; i
// is below LayerCount.
func LayerName(i int) string { return layerNames[i] }

// Has reports whether any of the layers of m is in the set.
func (l Layers) Has(m Layers) bool { return l&m != 0 }

// Each calls fn with the index of every layer of the set, lowest first.
func (l Layers) Each(fn func(i int)) {
	for ; l != 0; l &= l - 1 {
		fn(bits.TrailingZeros64(uint64(l)))
	}
}

// Fault says why the decoding of a packet stopped early. The headers found
// until then are still in Headers. The zero value is no fault.
type Fault uint8

// The faults.
const (
	None        Fault = iota
	Truncated         // the captured bytes end inside a header
	BadLength         // a header's length field is impossible
	BadVersion        // an IP header names another version than its carrier
	TooDeep           // more headers than MaxDepth
	UnknownLink       // a link type that is not decoded
	BadEncap          // a tunnel header contradicts itself
	faultCount
)

var faultNames = [faultCount]string{"none", "truncated", "bad_length", "bad_version", "too_deep", "unknown_link", "bad_encap"}

// String returns the fault's name as programs see it, such as "bad_length".
func (f Fault) String() string { return faultNames[min(f, faultCount-1)] }

// Faults is how many faults there are, None included.
const Faults = int(faultCount)
