package packet

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/capture"
)

// Decode fills h with what the headers of p say and returns h.Fault: why
// decoding stopped early, or None.
func Decode(p *capture.Packet, h *Headers) Fault {
	*h = Headers{}
	d := p.Data
	if p.Link != capture.LinkEthernet {
		h.Fault = UnknownLink
		return h.Fault
	}
	if len(d) < 34 || binary.BigEndian.Uint16(d[12:]) != 0x0800 {
		h.Fault = Truncated
		return h.Fault
	}
	h.Layers = Ethernet | IPv4
	return h.Fault
}
