package format

import (
	"bytes"

	"noroshi/internal/engine/event"
)

var (
	apacheLog = event.Log{Service: "apache"}
	nginxLog  = event.Log{Service: "nginx"}
)

// apacheError reads the error log of Apache:
// [Sun Nov 22 20:01:02.123456 2026] [core:error] [pid 900:tid 1] [client 192.0.2.7:50000] AH00126: …
func (s *syslogReader) apacheError(row *event.Row, line []byte) (known, good bool) {
	if len(line) < 28 || line[0] != '[' || !isLetter(line[1]) {
		return false, true
	}
	c, n, ok := readCivil(line[1:])
	if !ok || 1+n >= len(line) || line[1+n] != ']' {
		return false, true
	}
	row.Time, good = s.year.ns(c)
	row.Log = apacheLog
	rest := bytes.TrimLeft(line[n+2:], " ")
	for len(rest) > 0 && rest[0] == '[' {
		end := bytes.IndexByte(rest, ']')
		if end < 0 {
			break
		}
		part := rest[1:end]
		rest = bytes.TrimLeft(rest[end+1:], " ")
		switch {
		case hasAny(part, "pid "):
			_, n, _ := digits(part[4:], 10)
			s.v.number(row, fPID, part[4:4+n])
		case hasAny(part, "client "):
			s.peer(row, part[len("client "):])
		case row.Find(s.v.ids[fSeverity]) < 0:
			s.v.text(row, fSeverity, part[bytes.IndexByte(part, ':')+1:])
		}
	}
	if bytes.Contains(rest, []byte("ModSecurity:")) {
		row.Log.Product = "modsecurity"
	}
	s.v.text(row, fMessage, rest)
	return true, good
}

// peer reads an address with its port.
func (s *syslogReader) peer(row *event.Row, b []byte) {
	if i := bytes.LastIndexByte(b, ':'); i > 0 && isAddress(b[:i]) {
		s.v.text(row, fCIP, b[:i])
		s.v.number(row, fSrcPort, b[i+1:])
		return
	}
	s.v.text(row, fCIP, b)
}

// nginxError reads what follows the time in the error log of nginx:
// [error] 900#900: *1 open() "/var/www/x" failed (2: No such file or directory), client: 192.0.2.7, server: …
func (s *syslogReader) nginxError(row *event.Row, rest []byte) bool {
	if len(rest) < 8 || rest[0] != '[' {
		return false
	}
	end := bytes.Index(rest, []byte("] "))
	if end < 0 || end > 10 {
		return false
	}
	_, n, _ := digits(rest[end+2:], 10)
	if n == 0 || end+2+n >= len(rest) || rest[end+2+n] != '#' {
		return false
	}
	row.Log = nginxLog
	s.v.text(row, fSeverity, rest[1:end])
	s.v.number(row, fPID, rest[end+2:end+2+n])
	msg := rest[end+2:]
	if i := bytes.Index(msg, []byte(": ")); i >= 0 {
		msg = msg[i+2:]
	}
	s.v.text(row, fMessage, msg)
	if i := bytes.LastIndex(msg, []byte(", client: ")); i >= 0 {
		client := msg[i+len(", client: "):]
		if j := bytes.IndexByte(client, ','); j >= 0 {
			client = client[:j]
		}
		s.v.text(row, fCIP, client)
	}
	return true
}
