package sieve

import (
	"bytes"
	"encoding/binary"

	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/selector"
)

// skim passes over a stream up to where TLS may begin in it: mail, directories,
// databases and remote desktops agree on it in clear. found says that a client
// hello begins at b; else n bytes are passed over, and with 0 more are needed.
func skim(b []byte) (n int, found bool) {
	for n < len(b) {
		i := bytes.IndexByte(b[n:], recordHandshake)
		if i < 0 {
			return len(b), false
		}
		n += i
		if begins, sure := helloBegins(b[n:]); begins {
			return n, sure && n == 0
		}
		n++
	}
	return n, false
}

// helloBegins reports whether a record with a client hello begins, or may begin
// while the bytes that say so have not all come: a record and a message of the
// same length, and two versions.
func helloBegins(b []byte) (begins, sure bool) {
	for i, c := range b[:min(len(b), 11)] {
		switch i {
		case 0:
			begins = c == recordHandshake
		case 1, 9:
			begins = c == 3
		case 2, 10:
			begins = c <= 4
		case 5:
			begins = c == clientHello
		case 6:
			begins = c == 0
		case 8:
			begins = int(binary.BigEndian.Uint16(b[3:])) == int(binary.BigEndian.Uint16(b[7:]))+4
		}
		if !begins {
			return false, false
		}
	}
	return true, len(b) >= 11
}

// socks reads what a client asks of a proxy: SOCKS 4 with a name, and 5 (RFC 1928,
// RFC 1929). What is spoken inside follows.
func (s *Sieve) socks(l *look, at int64, b []byte) (int, selector.ID) {
	if len(b) < 2 {
		return more, 0
	}
	if b[0] == 1 { // a password
		if n := 2 + int(b[1]); n < len(b) {
			return whole(b, n+1+int(b[n])), 0
		}
		return more, 0
	}
	if b[0] == 5 && l.app != record.SOCKS { // which ways to say who one is are offered
		if b[1] == 0 || b[1] > 16 {
			return nothing, 0
		}
		n := whole(b, 2+int(b[1]))
		if n > 0 {
			l.app = record.SOCKS
		}
		return n, 0
	}
	name, n := socksTarget(b)
	if n <= 0 {
		return n, 0
	}
	l.app, l.talk = record.SOCKS, unheard
	return n, s.name(l, at, name)
}

// whole is n when so many bytes are there.
func whole(b []byte, n int) int {
	if n > len(b) {
		return more
	}
	return n
}

// socksTarget returns the name in a request, if it has one, and its length.
func socksTarget(b []byte) (name []byte, n int) {
	switch {
	case b[0] == 4 && (b[1] == 1 || b[1] == 2):
		user := bytes.IndexByte(b[min(8, len(b)):], 0)
		if user < 0 {
			if len(b) > 300 {
				return nil, nothing
			}
			return nil, more
		}
		end := 8 + user + 1
		if b[4]|b[5]|b[6] != 0 || b[7] == 0 {
			return nil, end
		}
		host := bytes.IndexByte(b[end:], 0)
		if host < 0 {
			if len(b) > 600 {
				return nil, nothing
			}
			return nil, more
		}
		return b[end : end+host], end + host + 1
	case b[0] == 5 && b[1] >= 1 && b[1] <= 3:
		if len(b) < 5 {
			return nil, more
		}
		switch b[3] {
		case 1:
			return nil, whole(b, 10)
		case 4:
			return nil, whole(b, 22)
		case 3:
			if n = whole(b, 7+int(b[4])); n > 0 {
				name = b[5 : 5+int(b[4])]
			}
			return name, n
		}
	}
	return nil, nothing
}
