package dissect

import (
	"bytes"
	"encoding/binary"

	"noroshi/internal/engine/flow/record"
)

// Commands of SMB 1 ([MS-CIFS] §2.2.2.1).
const (
	smb1Read   = 0x2e
	smb1Write  = 0x2f
	smb1Setup  = 0x73
	smb1Logoff = 0x74
	smb1Tree   = 0x75
	smb1Create = 0xa2
	smb1None   = 0xff

	maxAndX = 4 // commands in one message
)

// one reads a message of SMB 1 with the commands that are chained to its first.
func (s *smbStream) one(b []byte) {
	m := s.facts()
	if m.Version == 0 {
		m.Version = 1
	}
	if len(b) < 35 {
		return
	}
	command, flags := b[4], binary.LittleEndian.Uint16(b[10:])
	answer, tree := b[9]&0x80 != 0, uint32(binary.LittleEndian.Uint16(b[24:]))
	m.Signed = m.Signed || flags&4 != 0
	failed := false
	if answer {
		if status := binary.LittleEndian.Uint32(b[5:]); flags&0x4000 != 0 {
			failed = s.failed(status)
		} else if failed = status&0xff != 0; failed { // an error class of DOS
			m.Failures++
		}
		if failed && command == smb1Setup {
			m.LogonFails++
		}
	}
	for at, n := 32, 0; n < maxAndX && command != smb1None && at+3 <= len(b); n++ {
		words := 2 * int(b[at])
		if at+1+words+2 > len(b) {
			if !answer {
				s.ops.add(command)
			}
			return
		}
		part := smb1Part{command: command, tree: tree, wide: flags&0x8000 != 0, words: b[at+1 : at+1+words], at: at + 3 + words}
		size := int(binary.LittleEndian.Uint16(b[at+1+words:]))
		part.bytes = b[part.at:min(part.at+size, len(b))]
		switch {
		case !answer:
			s.ops.add(command)
			s.oneAsked(&part)
		case !failed:
			s.oneAnswered(&part)
		}
		if words < 4 || !chained(command) {
			return
		}
		next := int(binary.LittleEndian.Uint16(part.words[2:]))
		if next <= at {
			return
		}
		command, at = part.words[0], next
	}
}

// smb1Part is one command: its parameters and its data, which begins at at.
type smb1Part struct {
	command      byte
	wide         bool
	tree         uint32
	at           int
	words, bytes []byte
}

// chained reports whether a command can have another one behind it.
func chained(command byte) bool {
	switch command {
	case 0x24, 0x2d, smb1Read, smb1Write, smb1Setup, smb1Logoff, smb1Tree, smb1Create:
		return true
	}
	return false
}

// text is the data from off on, where a wide name begins at an even place of
// the message.
func (p *smb1Part) text(off int) []byte {
	if p.wide && (p.at+off)%2 == 1 {
		off++
	}
	if off > len(p.bytes) {
		return nil
	}
	return p.bytes[off:]
}

func (s *smbStream) oneAsked(p *smb1Part) {
	m := s.facts()
	w := p.words
	switch {
	case p.command == smb1Setup && len(w) == 24: // with a token, [MS-SMB] §2.2.4.6.1
		s.logon(p.bytes)
	case p.command == smb1Setup && len(w) == 26: // [MS-CIFS] §2.2.4.53.1
		m.Logons++
		skip := int(binary.LittleEndian.Uint16(w[14:])) + int(binary.LittleEndian.Uint16(w[16:]))
		if h := s.hash(p.text(skip), p.wide); h != (record.Hash{}) {
			m.User = h
		}
	case p.command == smb1Tree && len(w) == 8: // §2.2.4.55.1
		s.tree(s.text(p.text(int(binary.LittleEndian.Uint16(w[6:]))), p.wide))
		clear(s.scratch[:])
	case p.command == smb1Create && len(w) == 48: // §2.2.4.64.1
		name := p.text(0)
		name = name[:min(len(name), int(binary.LittleEndian.Uint16(w[5:])))]
		s.create(p.tree, s.text(name, p.wide))
		clear(s.scratch[:])
	case p.command == smb1Write && len(w) >= 24: // §2.2.4.43.1
		if !s.ofPipes(p.tree) {
			m.FileBytes[record.Out] += uint64(binary.LittleEndian.Uint16(w[20:])) | uint64(binary.LittleEndian.Uint16(w[18:]))<<16
		}
	}
}

func (s *smbStream) oneAnswered(p *smb1Part) {
	w := p.words
	switch {
	case p.command == smb1Tree: // the service is in ASCII: IPC, A:, LPT1:
		s.opened(p.tree, bytes.HasPrefix(p.bytes, []byte("IPC")))
	case p.command == smb1Read && len(w) == 24: // §2.2.4.42.2
		if !s.ofPipes(p.tree) {
			s.facts().FileBytes[record.In] += uint64(binary.LittleEndian.Uint16(w[10:])) | uint64(binary.LittleEndian.Uint16(w[14:]))<<16
		}
	}
}

// matchSMB knows a message by its magic, and a NetBIOS session by its request.
func matchSMB(_ int, b []byte, r *record.Record) verdict {
	if v := smbBegins(b); v != no {
		return v
	}
	if (r.DstPort == 139 || r.SrcPort == 139) && (b[0] == 0x81 || b[0] == 0x82) {
		return yes
	}
	return no
}
