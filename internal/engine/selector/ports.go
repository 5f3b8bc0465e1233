package selector

// ports finds ports: one bitmap for each protocol, then a table of the IDs.
type ports struct {
	bits [len(protocols)][1 << 10]uint64
	ids  map[uint32]ID // protocol<<16 | port
}

// Port returns the selector of a port of a protocol (IANA numbers: 6 TCP, 17
// UDP, 33 DCCP, 132 SCTP), or 0.
func (s *Set) Port(proto uint8, port uint16) ID {
	if !s.needs.Has(Port) {
		return 0
	}
	for i := range protocols {
		if protocols[i].number == proto {
			if s.ports.bits[i][port>>6]>>(port&63)&1 == 0 {
				return 0
			}
			return s.ports.ids[uint32(proto)<<16|uint32(port)]
		}
	}
	return 0
}

// add returns the ID that has the same port already, or 0.
func (p *ports) add(proto uint8, port uint16, id ID) ID {
	ref := uint32(proto)<<16 | uint32(port)
	if p.ids == nil {
		p.ids = map[uint32]ID{}
	}
	if old := p.ids[ref]; old != 0 {
		return old
	}
	p.ids[ref] = id
	for i := range protocols {
		if protocols[i].number == proto {
			p.bits[i][port>>6] |= 1 << (port & 63)
		}
	}
	return 0
}
