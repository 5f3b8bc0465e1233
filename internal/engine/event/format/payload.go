package format

import (
	"bytes"
	"strings"

	"noroshi/internal/engine/event"
)

// payloads reads what devices put into the message of syslog: CEF, LEEF,
// key=value of Fortinet and its like, columns of Palo Alto, XML of Sysmon for
// Linux, and records of the audit daemon.
type payloads struct {
	v      *vocabulary
	zone   yearOf
	cef    map[string]field
	pairs  []pairOf
	cols   [][]byte
	lower  map[string]string // products and services by the name a device gives
	xml    *xmlEvent
	audit  *auditRecord
	joined []byte
}

type pairOf struct{ key, value []byte }

// maxPairs bounds the pairs of one message.
const maxPairs = 512

func newPayloads(v *vocabulary, o Options) *payloads {
	return &payloads{v: v, zone: newYearOf(o), cef: deviceKeys, lower: map[string]string{}, xml: newXMLEvent(o), audit: newAuditRecord(v)}
}

// deviceKeys are names of CEF, LEEF and Fortinet that the taxonomy has names for.
var deviceKeys = map[string]field{
	"src": fSrcIP, "sourceAddress": fSrcIP, "srcip": fSrcIP, "spt": fSrcPort, "srcPort": fSrcPort, "srcport": fSrcPort, "shost": fSrcHost,
	"dst": fDstIP, "destinationAddress": fDstIP, "dstip": fDstIP, "dpt": fDstPort, "dstPort": fDstPort, "dstport": fDstPort, "dhost": fDstHost,
	"act": fAction, "proto": fProto, "request": fCURI, "url": fCURI, "requestMethod": fCSMethod, "requestClientApplication": fCUserAgent,
	"agent": fCUserAgent, "hostname": fCSHost, "reason": fReason, "cs-method": fCSMethod, "srccountry": fields, "msg": fields,
}

// bare reports whether a payload stands where a host would.
func (p *payloads) bare(b []byte) bool {
	return hasAny(b, "CEF:", "LEEF:", "<Event", "type=", "node=", "date=", "id=firewall") || paloAlto(b)
}

func hasAny(b []byte, all ...string) bool {
	for _, s := range all {
		if len(b) >= len(s) && string(b[:len(s)]) == s {
			return true
		}
	}
	return false
}

// read adds what is in the message; it is false if that is none of these.
func (p *payloads) read(row *event.Row, msg []byte) bool {
	if len(msg) < 8 {
		return false
	}
	switch msg[0] {
	case 'C':
		return hasAny(msg, "CEF:") && p.readCEF(row, msg)
	case 'L':
		return hasAny(msg, "LEEF:") && p.readLEEF(row, msg)
	case 't', 'n':
		if hasAny(msg, "type=", "node=") {
			if h, ok := auditHead(msg); ok {
				row.Time, row.Log = h.time, auditLog
				p.audit.begin()
				p.audit.exec = string(h.kind) == "EXECVE"
				p.audit.add(row, h)
				p.audit.end(row)
				return true
			}
		}
	case 'd', 'i', 'l':
		if hasAny(msg, "date=", "id=firewall", "logver=") && bytes.Count(msg[:min(len(msg), 512)], []byte{'='}) > 3 {
			p.readPairs(row, msg)
			return true
		}
	}
	if paloAlto(msg) {
		p.readPaloAlto(row, msg)
		return true
	}
	return false
}

// readXML reads a Windows event, or one of Sysmon for Linux.
func (p *payloads) readXML(row *event.Row, msg []byte) bool {
	_, ok := p.xml.read(row, msg)
	return ok
}

// device sets the log by the vendor and product that a device names.
func (p *payloads) device(row *event.Row, vendor, product []byte) {
	switch string(vendor) {
	case "Fortinet":
		row.Log.Product = "fortigate"
	case "Palo Alto Networks":
		row.Log.Product = "paloalto"
	default:
		row.Log.Product = p.small(vendor)
	}
	row.Log.Service = p.small(product)
	if p.has(row, fSrcIP) && p.has(row, fDstIP) {
		row.Log.Category = "firewall"
	}
	if p.has(row, fCURI) {
		row.Log.Category = "proxy"
	}
}

func (p *payloads) has(row *event.Row, f field) bool { return row.Find(p.v.ids[f]) >= 0 }

// small returns a name in small letters with _ for blanks, as a logsource has it.
func (p *payloads) small(name []byte) string {
	if s, ok := p.lower[string(name)]; ok {
		return s
	}
	if len(p.lower) >= 256 || len(name) > 64 {
		return ""
	}
	s := strings.ReplaceAll(strings.ToLower(string(name)), " ", "_")
	p.lower[string(name)] = s
	return s
}

// readCEF reads CEF:0|vendor|product|version|id|name|severity|key=value ….
// Values go to the last blank before the next key; =, | and \ are escaped.
func (p *payloads) readCEF(row *event.Row, b []byte) bool {
	var part [7][]byte
	for i := range part {
		n := 0
		for n < len(b) && b[n] != '|' {
			if b[n] == '\\' {
				n++
			}
			n++
		}
		if n >= len(b) && i < 6 {
			return false
		}
		n = min(n, len(b))
		part[i], b = b[:n], b[min(n+1, len(b)):]
	}
	p.v.text(row, fDeviceVendor, part[1])
	p.v.text(row, fDeviceProduct, part[2])
	p.v.text(row, fDeviceVersion, part[3])
	p.v.text(row, fSignatureID, part[4])
	row.Close(p.v.ids[fName], event.Text, cefText(row.Open(), part[5]))
	p.v.text(row, fSeverity, part[6])
	p.pairs = p.pairs[:0]
	for len(p.pairs) < maxPairs {
		eq := unescaped(b, '=')
		if eq < 0 {
			break
		}
		key := trim(b[:eq])
		key = key[bytes.LastIndexByte(key, ' ')+1:]
		b = b[eq+1:]
		end := len(b)
		if next := unescaped(b, '='); next >= 0 {
			if end = bytes.LastIndexByte(b[:next], ' '); end < 0 {
				end = 0
			}
		}
		p.pairs = append(p.pairs, pairOf{key, trim(b[:end])})
		b = b[end:]
	}
	p.addPairs(row, true)
	p.device(row, part[1], part[2])
	return true
}

// unescaped returns the place of the first c without a backslash before it.
func unescaped(b []byte, c byte) int {
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' {
			i++
		} else if b[i] == c {
			return i
		}
	}
	return -1
}

// addPairs adds the pairs under the names the taxonomy has for them, those of
// a device's own (cs1, cs1Label) under their label.
func (p *payloads) addPairs(row *event.Row, escaped bool) {
	for _, q := range p.pairs {
		if len(q.key) == 0 || len(q.value) == 0 || bytes.HasSuffix(q.key, []byte("Label")) {
			continue
		}
		name := event.Name(0)
		switch f, ok := p.cef[string(q.key)]; {
		case ok && f < fields:
			name = p.v.ids[f]
		case isUserKey(q.key):
			name = event.User
		default:
			if name = p.label(q.key); name == 0 {
				name = p.v.id(q.key)
			}
		}
		if isTimeKey(q.key) && row.Time == 0 {
			row.Time, _ = parseTime(q.value, p.zone.zone)
		}
		if !escaped || bytes.IndexByte(q.value, '\\') < 0 {
			row.Add(name, kindOf(q.value), q.value)
			continue
		}
		row.Close(name, event.Text, cefText(row.Open(), q.value))
	}
}

// cefText appends a value without its escapes.
func cefText(text, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == '\\' && i+1 < len(b) {
			switch i++; b[i] {
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case '=', '|', '\\':
				c = b[i]
			default:
				i-- // C:\Windows of those who do not escape
			}
		}
		text = append(text, c)
	}
	return text
}

func isUserKey(key []byte) bool {
	switch string(key) {
	case "suser", "usrName", "user", "sourceUserName":
		return true
	}
	return false
}

func isTimeKey(key []byte) bool {
	switch string(key) {
	case "rt", "end", "start", "devTime", "eventtime", "time":
		return true
	}
	return false
}

// label returns the name of a device's own field.
func (p *payloads) label(key []byte) event.Name {
	last := key[len(key)-1]
	if last-'1' > 8 || len(key) > 24 {
		return 0
	}
	for _, q := range p.pairs {
		if len(q.key) == len(key)+5 && bytes.HasPrefix(q.key, key) && bytes.HasSuffix(q.key, []byte("Label")) && len(q.value) > 0 {
			return p.v.id(q.value)
		}
	}
	return 0
}

// readLEEF reads LEEF:1.0|vendor|product|version|id| and pairs with tabs
// between them; LEEF:2.0 says its own mark (^ or x5E) after the id.
func (p *payloads) readLEEF(row *event.Row, b []byte) bool {
	var part [5][]byte
	for i := range part {
		n := bytes.IndexByte(b, '|')
		if n < 0 {
			return false
		}
		part[i], b = b[:n], b[n+1:]
	}
	mark := byte('\t')
	if bytes.HasPrefix(part[0], []byte("LEEF:2")) {
		n := bytes.IndexByte(b, '|')
		if n < 0 || n > 4 {
			return false
		}
		if custom := b[:n]; n == 1 {
			mark = custom[0]
		} else if n >= 3 {
			high, low := hexDigit(custom[n-2]), hexDigit(custom[n-1])
			if high < 16 && low < 16 {
				mark = high<<4 | low
			}
		}
		b = b[n+1:]
	}
	p.v.text(row, fDeviceVendor, part[1])
	p.v.text(row, fDeviceProduct, part[2])
	p.v.text(row, fDeviceVersion, part[3])
	p.v.text(row, fSignatureID, part[4])
	p.pairs = p.pairs[:0]
	for len(b) > 0 && len(p.pairs) < maxPairs {
		one := b
		if n := bytes.IndexByte(b, mark); n >= 0 {
			one, b = b[:n], b[n+1:]
		} else {
			b = nil
		}
		if eq := bytes.IndexByte(one, '='); eq > 0 {
			p.pairs = append(p.pairs, pairOf{trim(one[:eq]), trim(one[eq+1:])})
		}
	}
	p.addPairs(row, false)
	p.device(row, part[1], part[2])
	return true
}

// readPairs reads key=value with quotes: Fortinet, SonicWall and their like.
func (p *payloads) readPairs(row *event.Row, b []byte) {
	p.pairs = p.pairs[:0]
	var date, clock, zone, kind, subtype []byte
	vendor := event.Log{Product: "fortigate"}
	for len(p.pairs) < maxPairs {
		var q pairOf
		if q.key, q.value, b = pair(b); q.key == nil {
			break
		}
		switch string(q.key) {
		case "date":
			date = q.value
		case "time":
			clock = q.value
		case "tz":
			zone = q.value
		case "type":
			kind = q.value
		case "subtype":
			subtype = q.value
		case "id":
			if string(q.value) == "firewall" {
				vendor.Product = "sonicwall"
			}
		case "devname":
			p.v.computer(row, q.value)
		}
		p.pairs = append(p.pairs, q)
	}
	if date != nil && clock != nil {
		p.joined = append(append(append(append(p.joined[:0], date...), ' '), clock...), zone...)
		if ns, ok := parseTime(p.joined, p.zone.zone); ok {
			row.Time = ns
		}
	}
	p.addPairs(row, false)
	switch string(kind) {
	case "traffic":
		vendor.Category = "firewall"
	case "utm":
		if string(subtype) == "webfilter" {
			vendor.Category = "proxy"
		}
		vendor.Service = "utm"
	case "event":
		vendor.Service = "event"
	default:
		if vendor.Product == "sonicwall" {
			vendor.Category = "firewall"
		}
	}
	row.Log = vendor
}
