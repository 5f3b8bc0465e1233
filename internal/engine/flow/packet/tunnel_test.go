package packet

import "testing"

// TestMayTunnel asks of every port whether the quick answer leaves one out.
func TestMayTunnel(t *testing.T) {
	maybe := 0
	for port := range 1 << 16 {
		p := uint16(port)
		if mayTunnel(p) != (tunnelAt(p).kind != kDone) {
			t.Errorf("port %d", p)
		}
		if tunnelLow>>(p&63)&(tunnelHigh>>(p>>6&63))&1 != 0 {
			maybe++
		}
	}
	t.Logf("%d of 65536 ports are looked at twice", maybe)
}
