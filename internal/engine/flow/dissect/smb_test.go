package dissect

import (
	"encoding/binary"
	"testing"
	"unicode/utf16"

	"noroshi/internal/engine/flow/record"
)

func wide(s string) (b []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// nbss puts the header of a NetBIOS session before a message.
func nbss(m []byte) string {
	return string(append([]byte{0, byte(len(m) >> 16), byte(len(m) >> 8), byte(len(m))}, m...))
}

// two is one command of SMB 2 or 3.
func two(command uint16, flags, status, tree uint32, body []byte) []byte {
	b := make([]byte, 64)
	copy(b, "\xfeSMB\x40")
	binary.LittleEndian.PutUint32(b[8:], status)
	binary.LittleEndian.PutUint16(b[12:], command)
	binary.LittleEndian.PutUint32(b[16:], flags)
	binary.LittleEndian.PutUint32(b[36:], tree)
	return append(b, body...)
}

// with is a body of fixed bytes with an offset and a length to a name behind it.
func with(fixed, at int, name []byte) []byte {
	b := make([]byte, fixed)
	binary.LittleEndian.PutUint16(b[at:], uint16(64+fixed))
	binary.LittleEndian.PutUint16(b[at+2:], uint16(len(name)))
	return append(b, name...)
}

func ntlmMessage(kind byte, user, host string) []byte {
	b := make([]byte, 72)
	copy(b, "NTLMSSP\x00")
	b[8], b[60] = kind, 1
	u, h := wide(user), wide(host)
	binary.LittleEndian.PutUint16(b[36:], uint16(len(u)))
	binary.LittleEndian.PutUint32(b[40:], uint32(len(b)))
	binary.LittleEndian.PutUint16(b[44:], uint16(len(h)))
	binary.LittleEndian.PutUint32(b[48:], uint32(len(b)+len(u)))
	return append(append(b, u...), h...)
}

func TestSMB2(t *testing.T) {
	n := record.NewNaming([32]byte{1}, false)
	const answer, more, denied = 1, 0xc0000016, 0xc0000022
	size := func(v uint32) []byte { return binary.LittleEndian.AppendUint32(make([]byte, 4), v) }
	dialect := []byte{65, 0, 1, 0, 0x11, 3}
	pipe := with(56, 44, wide(`svcctl`))
	// Two commands in one message: a file is opened and written.
	first := two(smb2Create, 0, 0, 5, with(56, 44, wide("secret.txt")))
	for len(first)%8 != 0 {
		first = append(first, 0)
	}
	binary.LittleEndian.PutUint32(first[20:], uint32(len(first)))
	compound := append(first, two(smb2Write, 4, 0, 5, append(size(70000), make([]byte, 40)...))...)
	r := on(445, nil,
		out(nbss(two(smb2Negotiate, 0, 0, 0, make([]byte, 36)))), in(nbss(two(smb2Negotiate, answer, 0, 0, dialect))),
		out(nbss(two(smb2Setup, 0, 0, 0, with(24, 12, ntlmMessage(1, "", ""))))), in(nbss(two(smb2Setup, answer, more, 0, make([]byte, 8)))),
		out(nbss(two(smb2Setup, 0, 0, 0, with(24, 12, ntlmMessage(3, "Alice", "DESKTOP-1"))))), in(nbss(two(smb2Setup, answer|8, 0, 0, make([]byte, 8)))),
		out(nbss(two(smb2Tree, 8, 0, 0, with(8, 4, wide(`\\srv\IPC$`))))), in(nbss(two(smb2Tree, answer, 0, 4, []byte{16, 0, 2, 0}))),
		out(nbss(two(smb2Tree, 8, 0, 0, with(8, 4, wide(`\\srv\Docs`))))), in(nbss(two(smb2Tree, answer, 0, 5, []byte{16, 0, 1, 0}))),
		out(nbss(two(smb2Create, 0, 0, 4, pipe))), in(nbss(two(smb2Create, answer, denied, 4, make([]byte, 8)))),
		out(nbss(compound)),
		out(nbss(two(smb2Write, 0, 0, 4, size(99)))), in(nbss(two(smb2Read, answer, 0, 5, size(1234)))),
		in(nbss(append([]byte("\xfdSMB"), make([]byte, 60)...))))
	want := record.SMB{Dialect: 0x0311, Version: 3, Encrypted: true, Signed: true, Failures: 1, Logons: 1, NTLM: true, AdminShare: true, Pipes: record.Svcctl, Files: 1,
		Commands:  [4]record.Count{{Operation: 1, Times: 2}, {Operation: 3, Times: 2}, {Operation: 5, Times: 2}, {Operation: 9, Times: 2}},
		FileBytes: [2]uint64{70000, 1234}, User: n.Fold([]byte("alice")), Host: n.Fold([]byte("desktop-1")), Shares: [4]record.Hash{n.Fold([]byte("ipc$")), n.Fold([]byte("docs"))}}
	if r.App != record.SMBApp || r.SMB == nil || *r.SMB != want {
		t.Errorf("%s\n got %+v\nwant %+v", r.App, r.SMB, want)
	}
}

// one is a message of SMB 1 with one command.
func one(command, flags byte, tree uint16, words, data []byte) string {
	b := make([]byte, 32)
	copy(b, "\xffSMB")
	b[4], b[9] = command, flags
	binary.LittleEndian.PutUint16(b[10:], 0xc000)
	binary.LittleEndian.PutUint16(b[24:], tree)
	b = append(append(b, byte(len(words)/2)), words...)
	return nbss(append(binary.LittleEndian.AppendUint16(b, uint16(len(data))), data...))
}

func TestSMB1(t *testing.T) {
	n := record.NewNaming([32]byte{1}, false)
	andX := func(size int) []byte { return append([]byte{0xff, 0, 0, 0}, make([]byte, size-4)...) }
	setup := andX(26)
	setup[14], setup[16] = 3, 4
	account := append(make([]byte, 7), wide("Bob\x00DOMAIN\x00")...) // behind two passwords
	create := andX(48)
	pipe := append([]byte{0}, wide(`\srvsvc`)...)
	binary.LittleEndian.PutUint16(create[5:], uint16(len(pipe)-1))
	file := append([]byte{0}, wide(`\secret.doc`)...)
	other := andX(48)
	binary.LittleEndian.PutUint16(other[5:], uint16(len(file)-1))
	write := andX(28)
	binary.LittleEndian.PutUint16(write[20:], 500)
	read := andX(24)
	binary.LittleEndian.PutUint16(read[10:], 600)
	tree := append([]byte{0xff, 0, 0, 0, 0, 0}, 1, 0)
	r := on(445, nil, out(one(smb1Setup, 0, 0, setup, account)), in(one(smb1Setup, 0x80, 0, andX(6), nil)),
		out(one(smb1Tree, 0, 0, tree, append([]byte{0}, append(wide(`\\srv\IPC$`+"\x00"), "?????\x00"...)...))), in(one(smb1Tree, 0x80, 7, andX(6), []byte("IPC\x00"))),
		out(one(smb1Tree, 0, 0, tree, append([]byte{0}, append(wide(`\\srv\C$`+"\x00"), "?????\x00"...)...))), in(one(smb1Tree, 0x80, 8, andX(6), []byte("A:\x00"))),
		out(one(smb1Create, 0, 7, create, pipe)), out(one(smb1Create, 0, 8, other, file)),
		out(one(smb1Write, 0, 8, write, make([]byte, 500))), in(one(smb1Read, 0x80, 8, read, make([]byte, 600))))
	want := record.SMB{Version: 1, Logons: 1, AdminShare: true, Pipes: record.Srvsvc, Files: 1, FileBytes: [2]uint64{500, 600}, User: n.Fold([]byte("bob")),
		Commands: [4]record.Count{{Operation: smb1Tree, Times: 2}, {Operation: smb1Create, Times: 2}, {Operation: smb1Write, Times: 1}, {Operation: smb1Setup, Times: 1}},
		Shares:   [4]record.Hash{n.Fold([]byte("ipc$")), n.Fold([]byte("c$"))}}
	if r.SMB == nil || *r.SMB != want {
		t.Errorf("\n got %+v\nwant %+v", r.SMB, want)
	}
}

// A gap in front of a message, and data of which only the head is looked at.
func TestSMBGap(t *testing.T) {
	big := nbss(two(smb2Write, 0, 0, 1, append(binary.LittleEndian.AppendUint32(make([]byte, 4), 1<<20), make([]byte, 1<<16)...)))
	r := on(445, newSMB, out(big), utterance{side: record.Out, lost: 77, b: []byte("\x00\x00SMB\x00\x00\x00rest of something" + big[:100])}, out(big[100:]), out(nbss(two(smb2Tree, 0, 0, 0, with(8, 4, wide(`\\s\x`))))))
	if s := r.SMB; s == nil || s.FileBytes[record.Out] != 2<<20 || s.Commands[0].Times != 2 || s.Shares[0] == (record.Hash{}) {
		t.Errorf("%+v", r.SMB)
	}
}
