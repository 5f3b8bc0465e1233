package dissect

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"

	"noroshi/internal/engine/flow/record"
)

// Message numbers of SSH (RFC 4250 §4.1.2).
const (
	sshKexInit = 20
	sshNewKeys = 21
)

// Bounds of what is read of a connection of SSH.
const (
	maxSSHLines  = 8 << 10   // bytes before the line that begins with SSH- (RFC 4253 §4.2 names no limit)
	maxSSHLine   = 1 << 10   // bytes of any one line; 255 are allowed
	maxSSHPacket = 256 << 10 // RFC 4253 §6.1 asks for 35000; others send more
	maxSSHClear  = 64        // packets before NEWKEYS
)

var sshPrefix = []byte("SSH-")

// seenSSH tells from the first bytes of a side whether it speaks SSH.
func seenSSH(b []byte) verdict {
	n := min(len(b), len(sshPrefix))
	switch {
	case !bytes.Equal(b[:n], sshPrefix[:n]):
		return no
	case n < len(sshPrefix):
		return unsure
	}
	return yes
}

func isSSH(b []byte) bool { return seenSSH(b) == yes }

// sshStream follows both sides up to their encryption: banner, algorithms, keys.
type sshStream struct {
	f    record.Facts
	side [2]sshSide
}

type sshSide struct {
	stage   uint8 // sshBanner, sshPackets, sshOver
	keys    bool  // NEWKEYS was sent
	packets uint8
	before  int // bytes of lines before the banner
}

const (
	sshBanner = iota
	sshPackets
	sshOver
)

// newSSH follows a connection of SSH. The side that opened the connection is
// taken for the client, which is wrong for a session turned round: the banner
// does not tell.
func newSSH(f record.Facts) Stream { return &sshStream{f: f} }

// facts is where SSH is written to. The record may have been written out and
// emptied since the last time.
func (s *sshStream) facts() *record.SSH {
	if s.f.SSH == nil {
		s.f.SSH = &record.SSH{}
	}
	return s.f.SSH
}

// Data reads banner and key exchange of one side.
func (s *sshStream) Data(side int, _ int64, b []byte) int {
	at := &s.side[side]
	used := 0
	for {
		n := 0
		switch at.stage {
		case sshBanner:
			n = s.banner(side, b[used:])
		case sshPackets:
			n = s.packet(side, b[used:])
		}
		if at.stage == sshOver {
			return Done
		}
		if n == 0 {
			return used
		}
		if used += n; used >= len(b) {
			return used // the rest of a packet is passed over unseen
		}
	}
}

// Lost ends the side: where the next packet begins is no longer known.
func (s *sshStream) Lost(side int, _ uint64) { s.side[side].stage = sshOver }

// End has nothing to settle.
func (s *sshStream) End() {}

// banner reads one line. A server may send others before the one that counts.
func (s *sshStream) banner(side int, b []byte) int {
	at := &s.side[side]
	end := bytes.IndexByte(b[:min(len(b), maxSSHLine)], '\n')
	if end < 0 {
		if len(b) >= maxSSHLine {
			at.stage = sshOver
		}
		return 0
	}
	line := bytes.TrimSuffix(b[:end], []byte{'\r'})
	if !isSSH(line) {
		if at.before += end + 1; at.before > maxSSHLines {
			at.stage = sshOver
		}
		return end + 1
	}
	agent := s.f.Naming.Agent(line)
	if side == record.Out {
		s.facts().Client = agent
	} else {
		s.facts().Server = agent
	}
	at.stage = sshPackets
	if version := line[len(sshPrefix):]; bytes.HasPrefix(version, []byte("1.")) && !bytes.HasPrefix(version, []byte("1.99-")) {
		at.stage = sshOver // SSH 1 names its algorithms in another way
	}
	return end + 1
}

// packet reads one packet in clear (RFC 4253 §6). It waits only for what it
// reads: the rest of a long packet is passed over.
func (s *sshStream) packet(side int, b []byte) int {
	at := &s.side[side]
	if len(b) < 6 {
		return 0
	}
	size, padding := int(binary.BigEndian.Uint32(b)), int(b[4])
	if size < 2 || size > maxSSHPacket || padding > size-2 || at.packets >= maxSSHClear {
		at.stage = sshOver
		return 0
	}
	switch b[5] {
	case sshNewKeys:
		at.keys, at.stage = true, sshOver
		if s.side[0].keys && s.side[1].keys {
			s.facts().Encrypted = true
		}
	case sshKexInit:
		if size+4 <= Window {
			if len(b) < size+4 {
				return 0
			}
			s.algorithms(side, b[6:4+size-padding])
		}
	}
	at.packets++
	return size + 4
}

// algorithms computes HASSH: the MD5 of the lists of key exchange, encryption,
// integrity and compression that one side offers for what it sends, joined by
// semicolons (RFC 4253 §7.1). Later exchanges do not change it.
func (s *sshStream) algorithms(side int, b []byte) {
	out := &s.facts().HASSH
	if side == record.In {
		out = &s.facts().HASSHServer
	}
	if *out != ([16]byte{}) {
		return
	}
	m := scan{b: b}
	m.take(16) // cookie
	var lists [8][]byte
	for i := range lists {
		lists[i] = m.take(int(m.u32()))
	}
	if m.short {
		return
	}
	own := side // lists come in pairs: client to server, server to client
	size := 3 + len(lists[0]) + len(lists[2+own]) + len(lists[4+own]) + len(lists[6+own])
	var short [1 << 10]byte
	text := short[:0]
	if size > len(short) {
		text = make([]byte, 0, size)
	}
	for i, list := range [...][]byte{lists[0], lists[2+own], lists[4+own], lists[6+own]} {
		if i > 0 {
			text = append(text, ';')
		}
		text = append(text, list...)
	}
	*out = md5.Sum(text)
	clear(text)
}
