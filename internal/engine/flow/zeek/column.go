package zeek

import "strings"

// column is a field of a log that this package reads.
type column uint8

const (
	cNone column = iota
	cPath
	cTS
	cOrigH
	cOrigP
	cRespH
	cRespP
	cProto
	cService
	cDuration
	cOrigBytes
	cRespBytes
	cConnState
	cMissed
	cHistory
	cOrigPkts
	cOrigIPBytes
	cRespPkts
	cRespIPBytes
	cCommunity
	cVLAN
	cQuery
	cQType
	cQTypeName
	cRcode
	cRcodeName
	cRTT
	cAnswers
	cTTLs
	cVersion
	cCipher
	cServerName
	cResumed
	cAlert
	cNextProtocol
	cEstablished
	cSubject
	cIssuer
	cValidation
	cJA3
	cJA3S
	cJA4
	cDepth
	cMethod
	cHost
	cURI
	cAgent
	cRequestLen
	cResponseLen
	cStatus
	cMIME
	cClient
	cServer
	cAuthSuccess
	cAuthTries
	cHASSH
	cHASSHServer
	cRequestType
	cKrbService
	cSuccess
	cErrorMsg
	cCookie
	cResult
	cProtocol
	columns // how many
)

// columnOf finds a column by the name that stands in #fields or in JSON. Some
// shippers write id_orig_h for id.orig_h, and put the log's name in @stream.
var columnOf = map[string]column{
	"_path": cPath, "@stream": cPath, "ts": cTS,
	"id.orig_h": cOrigH, "id.orig_p": cOrigP, "id.resp_h": cRespH, "id.resp_p": cRespP,
	"id_orig_h": cOrigH, "id_orig_p": cOrigP, "id_resp_h": cRespH, "id_resp_p": cRespP,
	"proto": cProto, "service": cService, "duration": cDuration, "orig_bytes": cOrigBytes, "resp_bytes": cRespBytes,
	"conn_state": cConnState, "missed_bytes": cMissed, "history": cHistory, "orig_pkts": cOrigPkts, "orig_ip_bytes": cOrigIPBytes,
	"resp_pkts": cRespPkts, "resp_ip_bytes": cRespIPBytes, "community_id": cCommunity, "vlan": cVLAN,
	"query": cQuery, "qtype": cQType, "qtype_name": cQTypeName, "rcode": cRcode, "rcode_name": cRcodeName, "rtt": cRTT, "answers": cAnswers, "TTLs": cTTLs,
	"version": cVersion, "cipher": cCipher, "server_name": cServerName, "resumed": cResumed, "last_alert": cAlert, "next_protocol": cNextProtocol,
	"established": cEstablished, "subject": cSubject, "issuer": cIssuer, "validation_status": cValidation, "ja3": cJA3, "ja3s": cJA3S, "ja4": cJA4,
	"trans_depth": cDepth, "method": cMethod, "host": cHost, "uri": cURI, "user_agent": cAgent, "request_body_len": cRequestLen,
	"response_body_len": cResponseLen, "status_code": cStatus, "resp_mime_types": cMIME,
	"client": cClient, "server": cServer, "auth_success": cAuthSuccess, "auth_attempts": cAuthTries, "hassh": cHASSH, "hasshServer": cHASSHServer,
	"request_type": cRequestType, "success": cSuccess, "error_msg": cErrorMsg, "cookie": cCookie, "result": cResult, "client_protocol": cProtocol,
}

// named is a name that the column has in #fields and that sep does not stand in;
// a name that none has, of one that is not read.
func (c column) named(sep byte) string {
	best := ""
	for name, is := range columnOf {
		if is == c && strings.IndexByte(name, sep) < 0 && (best == "" || name < best) {
			best = name
		}
	}
	switch {
	case best != "":
		return best
	case sep == '-':
		return "+"
	}
	return "-"
}

// log is a kind of log.
type log uint8

const (
	otherLog log = iota
	connLog
	dnsLog
	sslLog
	httpLog
	sshLog
	krbLog
	rdpLog
	quicLog
)

// logNames are the names by which logOf finds them; that of any other is unread.
var logNames = [...]string{otherLog: "-", connLog: "conn", dnsLog: "dns", sslLog: "ssl", httpLog: "http", sshLog: "ssh", krbLog: "kerberos", rdpLog: "rdp", quicLog: "quic"}

// logOf finds a kind of log by the name in #path or _path. What is still open
// when it is written comes in logs of the same form with a prefix.
func logOf(path []byte) log {
	const open = "open_"
	if len(path) > len(open) && string(path[:len(open)]) == open {
		path = path[len(open):]
	}
	switch string(path) {
	case "conn", "conn_long":
		return connLog
	case "dns":
		return dnsLog
	case "ssl":
		return sslLog
	case "http":
		return httpLog
	case "ssh":
		return sshLog
	case "kerberos":
		return krbLog
	case "rdp":
		return rdpLog
	case "quic":
		return quicLog
	}
	return otherLog
}

// guess tells the kind of log by the fields that a line has, where nothing
// names it.
func (w *row) guess() log {
	switch {
	case w.has(cConnState) || w.has(cHistory) && w.has(cProto):
		return connLog
	case w.has(cQType) || w.has(cQuery) || w.has(cRcode):
		return dnsLog
	case w.has(cHASSH) || w.has(cAuthTries):
		return sshLog
	case w.has(cEstablished) || w.has(cJA3) || w.has(cServerName):
		return sslLog
	case w.has(cDepth) && (w.has(cMethod) || w.has(cStatus) || w.has(cURI)):
		return httpLog
	case w.has(cRequestType):
		return krbLog
	case w.has(cCookie) && w.has(cResult):
		return rdpLog
	}
	return otherLog
}
