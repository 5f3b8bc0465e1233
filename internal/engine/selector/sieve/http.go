package sieve

import (
	"bytes"

	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/selector"
)

// Bounds of a request (RFC 9112).
const (
	maxHead = 16 << 10 // bytes up to the blank line
	maxBody = 1 << 50  // bytes that a length may promise
)

// request is where the parts of a request stand in its head.
type request struct {
	method, host, path []byte
	length             uint64 // of the body
	lost               bool   // where the body ends is not told in a way that is followed
}

// httpHead reads the head of a request and returns its length and that of its
// body, which is passed over.
func (s *Sieve) httpHead(l *look, at int64, b []byte) (int, selector.ID) {
	if b[0] == '\r' || b[0] == '\n' {
		return 1, 0 // RFC 9112 §2.2: empty lines before a request are ignored
	}
	end := headEnd(b)
	head := b[:end]
	if end == 0 { // whole lines tell what they tell before the last has come
		head = b[:bytes.LastIndexByte(b, '\n')+1]
	}
	if len(b) > maxHead && (end == 0 || end > maxHead) {
		return nothing, 0
	}
	var r request
	if len(head) > 0 {
		if !r.read(head) {
			return nothing, 0
		}
		l.app = record.HTTPApp
		if id := s.requested(l, at, &r); id != 0 {
			return end, id
		}
	}
	if end == 0 {
		return more, 0
	}
	switch {
	case r.lost:
		return nothing, 0
	case string(r.method) == "CONNECT":
		l.talk = unheard // what is spoken inside follows
	}
	return end + int(r.length), 0
}

// requested looks for the host and for the URI of a request.
func (s *Sieve) requested(l *look, at int64, r *request) selector.ID {
	if len(r.host) == 0 {
		return 0
	}
	if id := s.name(l, at, r.host); id != 0 {
		return id
	}
	if len(r.path) == 0 {
		return 0
	}
	id := l.set.URI(r.host, r.path)
	if !s.valid(l, id, at) {
		return 0
	}
	l.name = s.naming.Host(r.host)
	return id
}

// headEnd is where the blank line behind a head ends, 0 when it did not come.
func headEnd(b []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return 0
		}
		at += i + 1
		switch {
		case at < len(b) && b[at] == '\n':
			return at + 1
		case at+1 < len(b) && b[at] == '\r' && b[at+1] == '\n':
			return at + 2
		}
	}
}

// read finds the parts of a head; false when it is none of HTTP/1.
func (r *request) read(head []byte) bool {
	line, rest, _ := bytes.Cut(head, []byte{'\n'})
	line = bytes.TrimRight(line, "\r ")
	method, target, ok := bytes.Cut(line, []byte{' '})
	i := bytes.LastIndexByte(target, ' ')
	if !ok || i < 0 || !bytes.HasPrefix(target[i+1:], []byte("HTTP/1.")) {
		return false
	}
	target = bytes.Trim(target[:i], " ")
	r.method = method
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte{'\n'})
		name, value, ok := bytes.Cut(line, []byte{':'})
		if !ok {
			continue
		}
		value = bytes.Trim(value, " \t\r")
		switch {
		case bytes.EqualFold(name, []byte("host")):
			if r.host == nil {
				r.host = value
			}
		case bytes.EqualFold(name, []byte("content-length")):
			r.size(value)
		case bytes.EqualFold(name, []byte("transfer-encoding")), bytes.EqualFold(name, []byte("upgrade")):
			r.lost = true
		}
	}
	r.aim(target)
	return true
}

// size reads a Content-Length.
func (r *request) size(value []byte) {
	if len(value) == 0 || len(value) > 15 {
		r.lost = true
		return
	}
	n := uint64(0)
	for _, c := range value {
		if c < '0' || c > '9' {
			r.lost = true
			return
		}
		n = n*10 + uint64(c-'0')
	}
	r.length = min(n, maxBody)
}

// aim takes host and path from the target (RFC 9112 §3.2): one that names a host
// goes before the field.
func (r *request) aim(target []byte) {
	switch {
	case string(r.method) == "CONNECT":
		r.host = target
	case len(target) > 0 && target[0] == '/':
		r.path = target
	default:
		if i := bytes.Index(target, []byte("://")); i > 0 {
			rest := target[i+3:]
			cut := bytes.IndexAny(rest, "/?")
			if cut < 0 {
				cut = len(rest)
			}
			r.host, r.path = rest[:cut], rest[cut:]
			if len(r.path) == 0 {
				r.path = slash
			}
			if at := bytes.LastIndexByte(r.host, '@'); at >= 0 {
				r.host = r.host[at+1:]
			}
		}
	}
	r.host = withoutPort(r.host)
}

var slash = []byte{'/'}

// withoutPort takes the port off a host; an IPv6 address stands in brackets.
func withoutPort(host []byte) []byte {
	i := bytes.LastIndexByte(host, ':')
	if i < 0 || bytes.IndexByte(host[i:], ']') >= 0 {
		return host
	}
	for _, c := range host[i+1:] {
		if c < '0' || c > '9' {
			return host
		}
	}
	return host[:i]
}
