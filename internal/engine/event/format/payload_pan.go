package format

import (
	"bytes"

	"noroshi/internal/engine/event"
)

// panColumn is a column of Palo Alto's logs.
type panColumn struct {
	at   int
	name field  // of the taxonomy, or
	own  string // the maker's
}

var (
	panBoth = []panColumn{{7, fSrcIP, ""}, {8, fDstIP, ""}, {11, fields, "rule"}, {12, fields, "srcuser"}, {14, fields, "app"},
		{16, fields, "from"}, {17, fields, "to"}, {24, fSrcPort, ""}, {25, fDstPort, ""}, {29, fProto, ""}, {30, fAction, ""}}
	panTraffic = append(panBoth[:len(panBoth):len(panBoth)], panColumn{31, fBytes, ""}, panColumn{32, fields, "bytes_sent"},
		panColumn{33, fields, "bytes_received"}, panColumn{37, fields, "category"})
	panThreat = append(panBoth[:len(panBoth):len(panBoth)], panColumn{31, fCURI, ""}, panColumn{32, fields, "threatid"},
		panColumn{33, fields, "category"}, panColumn{34, fSeverity, ""}, panColumn{35, fields, "direction"})
	panSystem = []panColumn{{8, fields, "eventid"}, {9, fields, "object"}, {12, fields, "module"}, {13, fSeverity, ""},
		{14, fields, "description"}}
	panConfig = []panColumn{{7, fSrcIP, ""}, {9, fields, "cmd"}, {10, fields, "admin"}, {11, fields, "client"}, {12, fields, "result"},
		{13, fields, "path"}}
	panProtect = []panColumn{{8, fields, "eventid"}, {9, fields, "stage"}, {10, fields, "auth_method"}, {12, fields, "srcuser"},
		{13, fields, "srcregion"}, {14, fields, "machinename"}, {15, fSrcIP, ""}}
)

// paloAlto reports whether a message is a line of columns: 1,<time>,<serial>,<TYPE>.
func paloAlto(b []byte) bool {
	if len(b) < 30 || b[0]-'0' > 9 {
		return false
	}
	_, n, _ := digits(b, 3)
	if b[n] != ',' || len(b) < n+22 || b[n+5] != '/' || b[n+20] != ',' {
		return false
	}
	rest := b[n+21:]
	i := bytes.IndexByte(rest[:min(len(rest), 40)], ',')
	return i >= 0 && hasAny(rest[i+1:], "TRAFFIC,", "THREAT,", "SYSTEM,", "CONFIG,", "GLOBALPROTECT,", "URL,", "AUTHENTICATION,", "USERID,")
}

func (p *payloads) readPaloAlto(row *event.Row, b []byte) {
	const most = 128
	p.cols = p.cols[:0]
	for len(p.cols) < most {
		if len(b) > 0 && b[0] == '"' {
			if end := bytes.Index(b[1:], []byte(`",`)); end >= 0 {
				p.cols, b = append(p.cols, b[1:1+end]), b[end+3:]
				continue
			}
			b = bytes.Trim(b, `"`)
		}
		n := bytes.IndexByte(b, ',')
		if n < 0 {
			p.cols = append(p.cols, b)
			break
		}
		p.cols, b = append(p.cols, b[:n]), b[n+1:]
	}
	if len(p.cols) < 8 {
		return
	}
	if ns, ok := parseTime(p.cols[6], p.zone.zone); ok {
		row.Time = ns
	} else if ns, ok := parseTime(p.cols[1], p.zone.zone); ok {
		row.Time = ns
	}
	row.Log = event.Log{Product: "paloalto", Service: p.small(p.cols[3])}
	p.v.own(row, []byte("type"), p.cols[3])
	p.v.own(row, []byte("subtype"), p.cols[4])
	columns := panSystem
	switch row.Log.Service {
	case "traffic":
		columns, row.Log.Category = panTraffic, "firewall"
	case "threat", "url":
		columns = panThreat
		if string(p.cols[4]) == "url" {
			row.Log.Category = "proxy"
		}
	case "config":
		columns = panConfig
	case "globalprotect":
		columns = panProtect
	}
	for _, c := range columns {
		if c.at >= len(p.cols) || len(p.cols[c.at]) == 0 {
			continue
		}
		name := event.Name(0)
		switch {
		case c.own == "srcuser" || c.own == "admin":
			name = event.User
		case c.name < fields:
			name = p.v.ids[c.name]
		default:
			p.joined = append(p.joined[:0], c.own...)
			name = p.v.id(p.joined)
		}
		row.Add(name, kindOf(p.cols[c.at]), p.cols[c.at])
	}
}
