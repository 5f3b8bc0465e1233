package record

import "noroshi/internal/engine/flow/packet"

// TunnelOf says what a packet came wrapped in, the wrapping nearest to the
// communication where there are several.
func TunnelOf(h *packet.Headers) Tunnel {
	const wraps = packet.GRE | packet.VXLAN | packet.Geneve | packet.Teredo | packet.GTP | packet.MPLS | packet.PPPoE | packet.EtherIP |
		packet.L2TP | packet.AYIYA
	if h.Outers == 0 && !h.Layers.Has(wraps) {
		return NoTunnel
	}
	return innermost(h)
}

// innermost is TunnelOf where there is some wrapping.
func innermost(h *packet.Headers) Tunnel {
	switch l := h.Layers; {
	case l.Has(packet.GRE):
		return GRE
	case l.Has(packet.VXLAN):
		return VXLAN
	case l.Has(packet.Geneve):
		return Geneve
	case l.Has(packet.Teredo):
		return Teredo
	case l.Has(packet.GTP):
		return GTP
	case l.Has(packet.EtherIP | packet.L2TP | packet.AYIYA):
		return OtherTunnel
	case h.Outers > 0:
		return IPinIP
	case l.Has(packet.MPLS):
		return MPLS
	}
	return PPPoE
}
