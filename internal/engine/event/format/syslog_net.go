package format

import (
	"bytes"

	"noroshi/internal/engine/event"
)

// kernel reads the lines of iptables, nftables and UFW; other messages of the
// kernel stay as they are.
func (v *vocabulary) kernel(row *event.Row, msg []byte) {
	in := bytes.Index(msg, []byte("IN="))
	if in < 0 || !bytes.Contains(msg[in:], []byte("SRC=")) {
		return
	}
	row.Log = wallLog
	v.word(row, fAction, wallAction(msg[:in]))
	for rest := msg[in:]; len(rest) > 0; {
		var key, value []byte
		if key, value, rest = pair(rest); key == nil {
			return
		}
		switch string(key) {
		case "SRC":
			v.text(row, fSrcIP, value)
		case "DST":
			v.text(row, fDstIP, value)
		case "SPT":
			v.number(row, fSrcPort, value)
		case "DPT":
			v.number(row, fDstPort, value)
		case "PROTO":
			v.text(row, fProto, value)
		default:
			if len(value) > 0 {
				v.own(row, key, value)
			}
		}
	}
}

// wallAction says what a firewall did, by the prefix that its administrator
// chose for the line.
func wallAction(prefix []byte) string {
	for _, w := range [...]opening{{"block", "block"}, {"drop", "drop"}, {"reject", "reject"}, {"deny", "deny"}, {"denied", "deny"},
		{"allow", "accept"}, {"accept", "accept"}, {"audit", "audit"}} {
		if containsFold(prefix, w.text) {
			return w.action
		}
	}
	return "log"
}

// containsFold reports whether b holds a word of small ASCII letters in any case.
func containsFold(b []byte, word string) bool {
	for i := 0; i+len(word) <= len(b); i++ {
		j := 0
		for j < len(word) && b[i+j]|0x20 == word[j] {
			j++
		}
		if j == len(word) {
			return true
		}
	}
	return false
}

// named reads BIND's query log:
// client @0x7f3a 192.0.2.7#51234 (www.example.jp): query: www.example.jp IN A +E(0)K (192.0.2.53)
func (v *vocabulary) named(row *event.Row, msg []byte) {
	client := after(msg, "client ")
	i := bytes.Index(client, []byte("query: "))
	if i < 0 {
		return
	}
	if client[0] == '@' {
		client = after(client, " ")
		i = bytes.Index(client, []byte("query: "))
		if i < 0 {
			return
		}
	}
	if j := bytes.IndexByte(client, '#'); j > 0 && j < i {
		v.text(row, fSrcIP, client[:j])
		_, n, _ := digits(client[j+1:], 5)
		v.number(row, fSrcPort, client[j+1:j+1+n])
	}
	rest := client[i+7:]
	name := firstWord(rest)
	v.text(row, fQuery, dotless(name))
	rest = rest[min(len(name)+1, len(rest)):]
	if class := firstWord(rest); len(class) < len(rest) {
		rest = rest[len(class)+1:]
		v.text(row, fRecordType, firstWord(rest))
	}
	if j := bytes.LastIndexByte(rest, '('); j >= 0 && rest[len(rest)-1] == ')' {
		v.text(row, fDstIP, rest[j+1:len(rest)-1])
	}
}

func dotless(name []byte) []byte {
	if len(name) > 1 && name[len(name)-1] == '.' {
		return name[:len(name)-1]
	}
	return name
}

// dnsmasq reads query[A] www.example.jp from 192.0.2.7 and
// reply www.example.jp is 192.0.2.10.
func (v *vocabulary) dnsmasq(row *event.Row, msg []byte) {
	if n, k, _ := digits(msg, 10); k > 0 && n > 0 { // log-queries=extra: serial and client first
		msg = trim(msg[k:])
		if i := bytes.IndexByte(msg, ' '); i > 0 && bytes.IndexByte(msg[:i], '/') > 0 {
			msg = msg[i+1:]
		}
	}
	verb := firstWord(msg)
	rest := msg[min(len(verb)+1, len(msg)):]
	name := firstWord(rest)
	rest = rest[min(len(name)+1, len(rest)):]
	switch {
	case bytes.HasPrefix(verb, []byte("query[")) && verb[len(verb)-1] == ']':
		v.word(row, fAction, "query")
		v.text(row, fRecordType, verb[6:len(verb)-1])
		v.text(row, fQuery, name)
		v.text(row, fSrcIP, after(rest, "from "))
	case bytes.HasPrefix(rest, []byte("is ")):
		v.text(row, fAction, verb)
		v.text(row, fQuery, name)
		v.text(row, fAnswer, rest[3:])
	case bytes.HasPrefix(rest, []byte("to ")) && string(verb) == "forwarded":
		v.text(row, fAction, verb)
		v.text(row, fQuery, name)
		v.text(row, fDstIP, rest[3:])
	default:
		row.Log = syslogLog
	}
}

// unbound reads [1234:0] info: 192.0.2.7 www.example.jp. A IN, and with
// log-replies the code, seconds, cached and size after it.
func (v *vocabulary) unbound(row *event.Row, msg []byte) {
	rest := after(msg, "info: ")
	var part [5][]byte
	n := 0
	for ; n < len(part) && len(rest) > 0; n++ {
		part[n] = firstWord(rest)
		rest = rest[min(len(part[n])+1, len(rest)):]
	}
	if n < 4 || string(part[3]) != "IN" {
		row.Log = syslogLog
		return
	}
	v.text(row, fSrcIP, part[0])
	v.text(row, fQuery, dotless(part[1]))
	v.text(row, fRecordType, part[2])
	v.text(row, fReason, part[4])
}

// vsftpd reads [pid 1234] [alice] FAIL LOGIN: Client "192.0.2.7".
func (v *vocabulary) vsftpd(row *event.Row, msg []byte) {
	if rest := after(msg, "[pid "); rest != nil {
		_, n, _ := digits(rest, 10)
		v.number(row, fPID, rest[:n])
		msg = trim(rest[min(n+1, len(rest)):])
	}
	if len(msg) > 0 && msg[0] == '[' {
		if i := bytes.IndexByte(msg, ']'); i > 0 {
			v.user(row, msg[1:i])
			msg = trim(msg[i+1:])
		}
	}
	if i := bytes.Index(msg, []byte(": Client \"")); i > 0 {
		v.text(row, fAction, msg[:i])
		rest := msg[i+len(": Client \""):]
		if j := bytes.IndexByte(rest, '"'); j >= 0 {
			v.text(row, fSrcIP, bytes.TrimPrefix(rest[:j], []byte("::ffff:")))
			if path, _ := between(rest[j+1:], '"'); path != nil {
				v.text(row, fTargetFilename, path)
			}
		}
	}
}

// between returns the text between the first two marks and what follows.
func between(b []byte, mark byte) (text, rest []byte) {
	i := bytes.IndexByte(b, mark)
	if i < 0 {
		return nil, b
	}
	j := bytes.IndexByte(b[i+1:], mark)
	if j < 0 {
		return nil, b
	}
	return b[i+1 : i+1+j], b[i+j+2:]
}

// postfix reads 4XyZ: from=<a@example.jp>, size=1200, nrcpt=1 (queue active),
// connect from host[192.0.2.7], and NOQUEUE: reject: ….
func (v *vocabulary) postfix(row *event.Row, msg []byte) {
	if i := bytes.Index(msg, []byte(": ")); i > 4 && i < 20 && bytes.IndexByte(msg[:i], ' ') < 0 {
		v.text(row, fQueue, msg[:i])
		msg = msg[i+2:]
	}
	if rest := after(msg, " from "); rest != nil {
		if j := bytes.IndexByte(rest, '['); j >= 0 {
			v.text(row, fSrcHost, rest[:j])
			if k := bytes.IndexByte(rest[j:], ']'); k > 0 {
				v.text(row, fSrcIP, rest[j+1:j+k])
			}
		}
		v.text(row, fAction, bytes.TrimRight(firstWord(msg), ":"))
	}
	for rest := msg; len(rest) > 0; {
		var key, value []byte
		if key, value, rest = pair(rest); key == nil {
			return
		}
		value = bytes.Trim(bytes.TrimRight(value, ",;"), "<>")
		if bytes.IndexByte(key, '<') < 0 && bytes.IndexByte(key, '[') < 0 && len(value) > 0 {
			v.own(row, key, value)
		}
	}
}
