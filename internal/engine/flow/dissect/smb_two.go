package dissect

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/record"
)

// Commands of SMB 2 and 3 ([MS-SMB2] §2.2.1.2).
const (
	smb2Negotiate = 0
	smb2Setup     = 1
	smb2Tree      = 3
	smb2Create    = 5
	smb2Read      = 8
	smb2Write     = 9
)

// two reads one command of SMB 2 or 3, its header included.
func (s *smbStream) two(b []byte) {
	m := s.facts()
	if m.Version < 2 {
		m.Version = 2
	}
	flags := binary.LittleEndian.Uint32(b[16:])
	command, tree := binary.LittleEndian.Uint16(b[12:]), binary.LittleEndian.Uint32(b[36:])
	m.Signed = m.Signed || flags&8 != 0
	if flags&1 != 0 {
		s.twoAnswer(command, tree, flags&2 != 0, binary.LittleEndian.Uint32(b[8:]), b[64:])
		return
	}
	s.ops.add(uint8(min(command, 255)))
	body := b[64:]
	switch command {
	case smb2Setup: // §2.2.5
		if len(body) >= 16 {
			s.logon(smb2Part(b, body[12:]))
		}
	case smb2Tree: // §2.2.9
		if len(body) >= 8 {
			s.tree(s.text(smb2Part(b, body[4:]), true))
			clear(s.scratch[:])
		}
	case smb2Create: // §2.2.13
		if len(body) >= 48 {
			s.create(tree, s.text(smb2Part(b, body[44:]), true))
			clear(s.scratch[:])
		}
	case smb2Write: // §2.2.21
		if len(body) >= 8 && !s.ofPipes(tree) {
			m.FileBytes[record.Out] += uint64(binary.LittleEndian.Uint32(body[4:]))
		}
	}
}

// twoAnswer reads one answer.
func (s *smbStream) twoAnswer(command uint16, tree uint32, async bool, status uint32, body []byte) {
	m := s.facts()
	if s.failed(status) {
		if command == smb2Setup {
			m.LogonFails++
		}
		return
	}
	switch command {
	case smb2Negotiate: // §2.2.4
		if len(body) >= 6 {
			// 0x02ff asks for another round.
			if d := binary.LittleEndian.Uint16(body[4:]); d != 0x02ff && d>>8 >= 2 && d>>8 <= 3 {
				m.Dialect, m.Version = d, uint8(d>>8)
			}
		}
	case smb2Tree: // §2.2.10
		if len(body) >= 3 && !async {
			s.opened(tree, body[2] == 2)
		}
	case smb2Read: // §2.2.20
		// An answer that was put off does not name the share: it is mostly a pipe's.
		if len(body) >= 8 && status == 0 && (async && !s.anyPipes() || !async && !s.ofPipes(tree)) {
			m.FileBytes[record.In] += uint64(binary.LittleEndian.Uint32(body[4:]))
		}
	}
}

// smb2Part is the part of a message that an offset from its header and a
// length, two bytes each, point to.
func smb2Part(b, at []byte) []byte {
	off, size := int(binary.LittleEndian.Uint16(at)), int(binary.LittleEndian.Uint16(at[2:]))
	if off < 64 || off > len(b) {
		return nil
	}
	return b[off:min(off+size, len(b))]
}
