package dissect

import (
	"bytes"
	"encoding/binary"

	"noroshi/internal/engine/flow/record"
)

// Bounds of what is read of SMB.
const (
	smbWindow   = 8 << 10 // bytes of a message that are looked at
	smbText     = 512     // bytes of a name
	maxCompound = 16      // commands in one message
	maxTrees    = 8       // shares that are remembered to be of pipes
)

// smbStream reads SMB over NetBIOS sessions (RFC 1002 §4.3) or straight over
// TCP ([MS-SMB2] §2.1): what was asked for, never what was read or written.
type smbStream struct {
	f       record.Facts
	ops     tally
	lost    [2]bool
	begun   bool // a logon was begun and NTLM's last message is still to come
	trees   [maxTrees]smbTree
	oldest  uint8
	asked   bool // the share asked for last is one of pipes
	scratch [smbText]byte
}

// smbTree is a share that was opened, by its number.
type smbTree struct {
	id    uint32
	known bool
	pipes bool
}

func newSMB(f record.Facts) Stream { return &smbStream{f: f} }

func (s *smbStream) facts() *record.SMB {
	if s.f.SMB == nil {
		s.f.SMB = &record.SMB{}
	}
	return s.f.SMB
}

// smbBegins tells whether b begins with a session header and a message.
func smbBegins(b []byte) verdict {
	if len(b) > 0 && b[0] != 0 {
		return no
	}
	if len(b) > 4 && (b[4] < 0xfc || !bytes.HasPrefix([]byte("SMB"), b[5:min(len(b), 8)])) {
		return no
	}
	if len(b) < 8 {
		return unsure
	}
	return yes
}

// Data reads the messages of one side.
func (s *smbStream) Data(side int, _ int64, b []byte) int {
	done := 0
	if s.lost[side] {
		drop, found := resync(b, smbBegins)
		if !found {
			return drop
		}
		s.lost[side], done = false, drop
	}
	for len(b)-done >= 4 {
		head := b[done:]
		size := 4 + (int(head[1])<<16 | int(head[2])<<8 | int(head[3]))
		if head[0] != 0 { // of the session, not of SMB
			if head[0] < 0x81 || head[0] > 0x85 {
				return Done
			}
			if done += 4 + int(binary.BigEndian.Uint16(head[2:])); done > len(b) {
				return done
			}
			continue
		}
		want := min(size, 4+64)
		if len(head) < want {
			return done
		}
		if want = min(size, s.wanted(head[4:want])); len(head) < want {
			return done
		}
		if !s.message(head[4:want], size-4) {
			return Done
		}
		if done += size; done > len(b) {
			return done
		}
	}
	return done
}

// wanted is how many bytes of a message are looked at: of data only its head.
func (s *smbStream) wanted(b []byte) int {
	if len(b) >= 32 && b[0] == 0xff && (b[4] == 0x2e || b[4] == 0x2f) {
		return 4 + 64
	}
	if len(b) >= 64 && b[0] == 0xfe && binary.LittleEndian.Uint32(b[20:]) == 0 {
		if cmd := binary.LittleEndian.Uint16(b[12:]); cmd == 8 || cmd == 9 {
			return 4 + 64 + 16
		}
	}
	return smbWindow
}

// message reads one message of size bytes; false when it is not SMB.
func (s *smbStream) message(b []byte, size int) bool {
	if len(b) < 4 || string(b[1:4]) != "SMB" {
		return size == 0 || len(b) < 4
	}
	m := s.facts()
	switch b[0] {
	case 0xff:
		s.one(b)
	case 0xfe:
		for range maxCompound {
			if len(b) < 64 {
				break
			}
			next := int(binary.LittleEndian.Uint32(b[20:]))
			part := b
			if next > 64 && next < len(b) {
				part = b[:next]
			}
			s.two(part)
			if next <= 64 || next >= len(b) {
				break
			}
			b = b[next:]
		}
	case 0xfd: // [MS-SMB2] §2.2.41
		m.Encrypted, m.Version = true, 3
	case 0xfc: // §2.2.42
		m.Version = 3
	default:
		return false
	}
	return true
}

// failed counts an error status; one that asks for more is none.
func (s *smbStream) failed(status uint32) bool {
	const moreProcessing = 0xc0000016
	if status>>30 != 3 || status == moreProcessing {
		return false
	}
	s.facts().Failures++
	return true
}

// tree reads a path \\server\share: the share's hash, and whether it is one
// that only administrators open.
func (s *smbStream) tree(name []byte) {
	m := s.facts()
	if i := bytes.LastIndexByte(name, '\\'); i >= 0 {
		name = name[i+1:]
	}
	if len(name) == 0 {
		return
	}
	s.asked = fold(name, "ipc$")
	if s.asked || fold(name, "admin$") || len(name) == 2 && name[1] == '$' {
		m.AdminShare = true
	}
	addHash(&m.Shares, s.f.Naming.Fold(name))
}

// opened remembers whether a share is one of pipes.
func (s *smbStream) opened(id uint32, pipes bool) {
	for i := range s.trees {
		if t := &s.trees[i]; t.known && t.id == id {
			t.pipes = pipes
			return
		}
	}
	s.trees[s.oldest] = smbTree{id: id, known: true, pipes: pipes}
	s.oldest = (s.oldest + 1) % maxTrees
}

// ofPipes tells whether a share is one of pipes. One whose opening was not
// answered is taken for what was asked for last.
func (s *smbStream) ofPipes(id uint32) bool {
	for i := range s.trees {
		if t := &s.trees[i]; t.known && t.id == id {
			return t.pipes
		}
	}
	return s.asked
}

// anyPipes tells whether a share of pipes is open.
func (s *smbStream) anyPipes() bool {
	for i := range s.trees {
		if s.trees[i].known && s.trees[i].pipes {
			return true
		}
	}
	return false
}

// create counts a file, or notes a named pipe.
func (s *smbStream) create(id uint32, name []byte) {
	m := s.facts()
	for len(name) > 0 && name[0] == '\\' {
		name = name[1:]
	}
	if foldPrefix(name, `pipe\`) {
		name = name[5:]
	}
	if !s.ofPipes(id) {
		m.Files++
		return
	}
	for i, w := range smbPipes {
		if fold(name, w) {
			m.Pipes |= 1 << i
			return
		}
	}
	if len(name) > 0 {
		m.Pipes |= record.OtherPipe
	}
}

// smbPipes are the names of record.Pipes in the order of its bits.
var smbPipes = [...]string{"svcctl", "atsvc", "samr", "lsarpc", "netlogon", "srvsvc", "wkssvc", "winreg", "drsuapi", "eventlog", "spoolss",
	"epmapper", "efsrpc", "browser"}

// logon reads the token of a session setup: whether it is NTLM, and of its last
// message the hashes of user and machine ([MS-NLMP] §2.2.1.3).
func (s *smbStream) logon(b []byte) {
	m := s.facts()
	at := bytes.Index(b, []byte("NTLMSSP\x00"))
	if at < 0 || len(b) < at+12 {
		m.Logons++
		return
	}
	b = b[at:]
	m.NTLM = true
	if kind := b[8]; kind != 3 {
		m.Logons++
		s.begun = true
		return
	}
	if !s.begun {
		m.Logons++
	}
	s.begun = false
	wide := len(b) >= 64 && b[60]&1 != 0
	if h := s.ntlmName(b, 36, wide); h != (record.Hash{}) {
		m.User = h
	}
	if h := s.ntlmName(b, 44, wide); h != (record.Hash{}) {
		m.Host = h
	}
}

// ntlmName is the hash of a field of NTLM: length, room, offset.
func (s *smbStream) ntlmName(b []byte, at int, wide bool) record.Hash {
	if len(b) < at+8 {
		return record.Hash{}
	}
	size, off := int(binary.LittleEndian.Uint16(b[at:])), int(binary.LittleEndian.Uint32(b[at+4:]))
	if off < 0 || off > len(b) || size > len(b)-off {
		return record.Hash{}
	}
	return s.hash(b[off:off+size], wide)
}

// hash is that of a name in whatever encoding, in lower case.
func (s *smbStream) hash(b []byte, wide bool) record.Hash {
	h := s.f.Naming.Fold(s.text(b, wide))
	clear(s.scratch[:])
	return h
}

// text is a name as UTF-8 in the scratch, up to its terminating zero.
func (s *smbStream) text(b []byte, wide bool) []byte {
	if wide {
		return latin(s.scratch[:], b)
	}
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return s.scratch[:copy(s.scratch[:], b)]
}

// Lost looks for the next message.
func (s *smbStream) Lost(side int, _ uint64) { s.lost[side] = true }

// End settles the commands.
func (s *smbStream) End() {
	if s.ops.used > 0 {
		s.ops.settle(&s.facts().Commands)
	}
}
