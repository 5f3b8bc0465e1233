package record

import (
	"testing"

	"noroshi/internal/engine/flow/packet"
)

func TestTunnelOf(t *testing.T) {
	for want, h := range map[Tunnel]packet.Headers{NoTunnel: {Layers: packet.IPv4 | packet.UDP}, GRE: {Layers: packet.GRE | packet.MPLS, Outers: 1}, VXLAN: {Layers: packet.VXLAN, Outers: 1}, Geneve: {Layers: packet.Geneve, Outers: 1},
		Teredo: {Layers: packet.Teredo, Outers: 1}, GTP: {Layers: packet.GTP, Outers: 1}, OtherTunnel: {Layers: packet.L2TP, Outers: 1}, IPinIP: {Outers: 1}, MPLS: {Layers: packet.MPLS | packet.PPPoE}, PPPoE: {Layers: packet.PPPoE}} {
		if got := TunnelOf(&h); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
}
