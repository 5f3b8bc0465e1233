package bgp

import (
	"fmt"
	"net/netip"

	"noroshi/internal/measure/act/driver"

	"github.com/osrg/gobgp/v4/pkg/apiutil"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

// key is what a rule discards, whoever ordered it.
type key struct {
	kind     driver.Kind
	to, from netip.Prefix
	proto    uint8
	port     uint16
}

func keyOf(r driver.Rule) key { return key{r.Kind, r.To, r.From, r.Proto, r.Port} }

// name is how a route is known in a table: its family and what it reaches.
type name struct {
	family bgp.Family
	nlri   string
}

// families are all that the speaker knows.
var families = []bgp.Family{bgp.RF_IPv4_UC, bgp.RF_IPv6_UC, bgp.RF_FS_IPv4_UC, bgp.RF_FS_IPv6_UC}

func (k key) family() bgp.Family {
	switch four := k.to.Addr().Is4(); {
	case k.kind == driver.FlowSpec && four:
		return bgp.RF_FS_IPv4_UC
	case k.kind == driver.FlowSpec:
		return bgp.RF_FS_IPv6_UC
	case four:
		return bgp.RF_IPv4_UC
	}
	return bgp.RF_IPv6_UC
}

// route is the key as it is announced.
func (s *settings) route(k key) (*apiutil.Path, error) {
	communities := []uint32{uint32(bgp.COMMUNITY_NO_EXPORT)}
	attrs := []bgp.PathAttributeInterface{bgp.NewPathAttributeOrigin(bgp.BGP_ORIGIN_ATTR_TYPE_IGP)}
	var nlri bgp.NLRI
	var hop netip.Addr
	var err error
	if k.kind == driver.FlowSpec {
		nlri, err = k.flow()
		// Rate 0 discards (RFC 8955, section 7.1). The number of the system is
		// information alone, and has sixteen bits.
		rate := bgp.NewTrafficRateExtended(uint16(s.AS), 0)
		attrs = append(attrs, bgp.NewPathAttributeExtendedCommunities([]bgp.ExtendedCommunityInterface{rate}))
	} else {
		nlri, err = bgp.NewIPAddrPrefix(k.to)
		communities = append(append(communities, uint32(bgp.COMMUNITY_BLACKHOLE)), s.communities...)
		if hop = s.hop6; k.to.Addr().Is4() {
			hop = s.hop4
		}
	}
	if err != nil {
		return nil, fmt.Errorf("route %v: %w", k, err)
	}
	var reach *bgp.PathAttributeMpReachNLRI
	if hop.IsValid() {
		reach, err = bgp.NewPathAttributeMpReachNLRI(k.family(), []bgp.PathNLRI{{NLRI: nlri}}, hop)
	} else {
		reach, err = bgp.NewPathAttributeMpReachNLRI(k.family(), []bgp.PathNLRI{{NLRI: nlri}})
	}
	if err != nil {
		return nil, fmt.Errorf("route %v: %w", k, err)
	}
	return &apiutil.Path{Family: k.family(), Nlri: nlri, Attrs: append(attrs, bgp.NewPathAttributeCommunities(communities), reach)}, nil
}

// flow is the flow specification: destination, then what else the rule names, in
// the order of their types (RFC 8955, section 4.2; RFC 8956, section 3).
func (k key) flow() (bgp.NLRI, error) {
	to, err := bgp.NewIPAddrPrefix(k.to)
	if err != nil {
		return nil, err
	}
	four := k.to.Addr().Is4()
	var parts []bgp.FlowSpecComponentInterface
	if four {
		parts = append(parts, bgp.NewFlowSpecDestinationPrefix(to))
	} else {
		parts = append(parts, bgp.NewFlowSpecDestinationPrefix6(to, 0))
	}
	if k.from.IsValid() {
		from, err := bgp.NewIPAddrPrefix(k.from)
		if err != nil {
			return nil, err
		}
		if four {
			parts = append(parts, bgp.NewFlowSpecSourcePrefix(from))
		} else {
			parts = append(parts, bgp.NewFlowSpecSourcePrefix6(from, 0))
		}
	}
	equal := func(t bgp.BGPFlowSpecType, n uint64) {
		parts = append(parts, bgp.NewFlowSpecComponent(t, []*bgp.FlowSpecComponentItem{bgp.NewFlowSpecComponentItem(bgp.DEC_NUM_OP_EQ, n)}))
	}
	if k.proto != 0 {
		equal(bgp.FLOW_SPEC_TYPE_IP_PROTO, uint64(k.proto))
	}
	if k.port != 0 {
		equal(bgp.FLOW_SPEC_TYPE_DST_PORT, uint64(k.port))
	}
	return bgp.NewFlowSpecUnicast(k.family(), parts)
}
