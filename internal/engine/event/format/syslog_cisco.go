package format

import (
	"bytes"

	"noroshi/internal/engine/event"
)

// ciscoAt returns where %FACILITY-SEVERITY-MNEMONIC: stands in a line, -1 if
// it is not there. It is looked for near the beginning only.
func ciscoAt(line []byte) int {
	const far = 160
	head := line[:min(len(line), far)]
	for at := 0; ; {
		i := bytes.IndexByte(head[at:], '%')
		if i < 0 {
			return -1
		}
		i += at
		if (i == 0 || head[i-1] == ' ' || head[i-1] == ':') && ciscoName(line[i+1:]) > 0 {
			return i
		}
		at = i + 1
	}
}

// ciscoName returns the length of FACILITY-SEVERITY-MNEMONIC before its colon.
func ciscoName(b []byte) int {
	severity := false
	for i, c := range b[:min(len(b), 64)] {
		switch {
		case c == ':':
			if severity && b[i-1] != '-' {
				return i
			}
			return 0
		case c == '-':
			if i >= 2 && b[i-2] == '-' && b[i-1]-'0' < 8 {
				severity = true
			}
		case c-'A' < 26, c-'0' < 10, c == '_':
		default:
			return 0
		}
	}
	return 0
}

var ciscoServices = []struct {
	facility string
	log      event.Log
}{
	{"ASA", event.Log{Product: "cisco", Category: "firewall", Service: "asa"}},
	{"FTD", event.Log{Product: "cisco", Category: "firewall", Service: "asa"}},
	{"PIX", event.Log{Product: "cisco", Category: "firewall", Service: "asa"}},
	{"FWSM", event.Log{Product: "cisco", Category: "firewall", Service: "asa"}},
	{"PARSER", event.Log{Product: "cisco", Service: "aaa"}},
	{"AAA", event.Log{Product: "cisco", Service: "aaa"}},
	{"SEC_LOGIN", event.Log{Product: "cisco", Service: "aaa"}},
	{"TACACS", event.Log{Product: "cisco", Service: "aaa"}},
	{"TAC", event.Log{Product: "cisco", Service: "aaa"}},
	{"SSH", event.Log{Product: "cisco", Service: "aaa"}},
	{"BGP", event.Log{Product: "cisco", Service: "bgp"}},
	{"LDP", event.Log{Product: "cisco", Service: "ldp"}},
}

// cisco reads a line of IOS, NX-OS or ASA: in front of %FACILITY stand, in any
// order, the host, a serial number and one or two times; the first time is
// that of the receiver.
func (s *syslogReader) cisco(row *event.Row, line []byte, p int) bool {
	good, timed, named := true, false, false
	for head := line[:p]; ; {
		head = bytes.TrimLeft(head, " :")
		if len(head) == 0 {
			break
		}
		if c, n, ok := readCivil(head); ok && n > 4 {
			if !timed {
				row.Time, good = s.year.ns(c)
				timed = true
			}
			head = head[n:]
			continue
		}
		word := firstWord(head)
		head = head[len(word):]
		word = bytes.TrimRight(word, ":")
		_, n, _ := digits(word, 20)
		if !named && n < len(word) {
			s.v.computer(row, word)
			named = true
		}
	}
	n := ciscoName(line[p+1:])
	mnemonic, msg := line[p+1:p+1+n], bytes.TrimLeft(line[p+n+2:], " ")
	s.v.text(row, fMessage, line[p:])
	s.v.text(row, fMnemonic, mnemonic)
	row.Log = event.Log{Product: "cisco", Service: "syslog"}
	facility := mnemonic[:bytes.IndexByte(mnemonic, '-')]
	for _, c := range ciscoServices {
		if string(facility) == c.facility {
			row.Log = c.log
			break
		}
	}
	if row.Log.Service == "asa" {
		s.v.asa(row, msg)
	} else {
		s.v.ios(row, msg)
	}
	return good
}

// ios reads User:admin logged command:…, and the login messages with
// [user: admin] [Source: 192.0.2.7] [localport: 22].
func (v *vocabulary) ios(row *event.Row, msg []byte) {
	if rest := after(msg, "User:"); rest != nil {
		v.user(row, firstWord(trim(rest)))
	}
	if rest := after(msg, "logged command:"); rest != nil {
		v.text(row, fCommandLine, rest)
	}
	for rest := msg; ; {
		i := bytes.IndexByte(rest, '[')
		if i < 0 {
			return
		}
		rest = rest[i+1:]
		end, colon := bytes.IndexByte(rest, ']'), bytes.Index(rest, []byte(": "))
		if end < 0 || colon < 0 || colon > end {
			continue
		}
		value := rest[colon+2 : end]
		switch string(rest[:colon]) {
		case "user":
			v.user(row, value)
		case "Source":
			v.text(row, fSrcIP, value)
		case "localport":
			v.number(row, fDstPort, value)
		case "Reason":
			v.text(row, fReason, value)
		}
	}
}

var asaOpenings = []opening{
	{"Built ", "accept"}, {"Teardown ", "teardown"}, {"Deny ", "deny"}, {"Login permitted ", "accept"}, {"Login denied ", "deny"},
	{"Inbound TCP connection denied ", "deny"}, {"No matching connection ", "deny"}, {"Permit", "accept"},
	{"AAA user authentication Successful", "accept"}, {"AAA user authentication Rejected", "deny"},
}

// asa reads the connection, access list and login messages. An address there
// is interface:192.0.2.7/443 or interface/192.0.2.7(443).
func (v *vocabulary) asa(row *event.Row, msg []byte) {
	action := begins(asaOpenings, msg)
	switch {
	case action != "":
	case bytes.Contains(msg, []byte(" permitted ")):
		action = "accept"
	case bytes.Contains(msg, []byte(" denied ")):
		action = "deny"
	}
	if action != "" {
		v.word(row, fAction, action)
	}
	for _, proto := range [...]string{"TCP", "UDP", "ICMP", "tcp", "udp", "icmp"} {
		if i := bytes.Index(msg, []byte(proto)); i > 0 && msg[i-1] == ' ' {
			v.word(row, fProto, proto)
			break
		}
	}
	src, dst := [2]field{fSrcIP, fSrcPort}, [2]field{fDstIP, fDstPort}
	if bytes.HasPrefix(msg, []byte("Built outbound")) {
		src, dst = dst, src // the remote side is named first
	}
	first := true
	for rest := msg; len(rest) > 0; {
		word := firstWord(rest)
		rest = rest[min(len(word)+1, len(rest)):]
		ip, port := asaAddress(word)
		if ip == nil || word[0] == '(' {
			continue
		}
		to := src
		if !first {
			to = dst
		}
		v.text(row, to[0], ip)
		v.number(row, to[1], port)
		if !first {
			break
		}
		first = false
	}
	if rest := after(msg, "user \""); rest != nil {
		if i := bytes.IndexByte(rest, '"'); i >= 0 {
			v.user(row, rest[:i])
		}
	} else if rest := after(msg, "user = "); rest != nil {
		v.user(row, firstWord(rest))
	}
	if rest := after(msg, "access-group \""); rest != nil {
		if i := bytes.IndexByte(rest, '"'); i >= 0 {
			v.text(row, fReason, rest[:i])
		}
	}
}

// asaAddress takes a word apart; ip is nil if it is no address.
func asaAddress(word []byte) (ip, port []byte) {
	word = bytes.TrimRight(word, ",;.")
	if i := bytes.IndexByte(word, ':'); i > 0 && bytes.IndexByte(word[:i], '.') < 0 {
		word = word[i+1:]
	} else if i := bytes.IndexByte(word, '/'); i > 0 && bytes.IndexByte(word[:i], '.') < 0 && bytes.IndexByte(word, '(') > 0 {
		word = word[i+1:]
	}
	n := 0
	for n < len(word) && (word[n]-'0' < 10 || word[n] == '.' || word[n] == ':' || word[n]|0x20-'a' < 6) {
		n++
	}
	if n < 3 || bytes.Count(word[:n], []byte{'.'}) != 3 && bytes.Count(word[:n], []byte{':'}) < 2 {
		return nil, nil
	}
	ip = word[:n]
	if n < len(word) && (word[n] == '/' || word[n] == '(') {
		_, k, _ := digits(word[n+1:], 5)
		port = word[n+1 : n+1+k]
	}
	return ip, port
}
