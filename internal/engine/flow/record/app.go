package record

// App is the protocol above the transport, found by content where possible and
// else by port.
type App uint8

// The protocols.
const (
	NoApp App = iota
	DNSApp
	MDNS
	LLMNR
	NBNS
	HTTPApp
	TLSApp
	QUICApp
	SSHApp
	SMTP
	IMAP
	POP3
	SMBApp
	RDPApp
	KerberosApp
	LDAPApp
	Modbus
	DNP3
	S7
	FTP
	Telnet
	NTP
	DHCP
	SNMP
	Syslog
	SIP
	RTSP
	RTP
	MQTTApp
	WireGuard
	OpenVPN
	IPsec
	STUNApp
	SSDP
	TFTP
	Radius
	VNC
	MSRPC
	NetBIOS
	MySQL
	PostgreSQL
	TDS
	Redis
	Memcached
	CLDAP
	CHARGEN
	BitTorrent
	Tor
	SOCKS
	Teamviewer
	AnyDesk
	RustDesk
	ICMPApp
	NetFlow
	SFlow
	BACnet
	EtherNetIP
	IEC104
	OPCUA
	appEnd
)

var appWords = [appEnd]string{
	"", "dns", "mdns", "llmnr", "nbns", "http", "tls", "quic", "ssh", "smtp", "imap", "pop3", "smb", "rdp", "kerberos", "ldap",
	"modbus", "dnp3", "s7", "ftp", "telnet", "ntp", "dhcp", "snmp", "syslog", "sip", "rtsp", "rtp", "mqtt", "wireguard", "openvpn",
	"ipsec", "stun", "ssdp", "tftp", "radius", "vnc", "msrpc", "netbios", "mysql", "postgresql", "tds", "redis", "memcached", "cldap",
	"chargen", "bittorrent", "tor", "socks", "teamviewer", "anydesk", "rustdesk", "icmp", "netflow", "sflow", "bacnet", "ethernet-ip",
	"iec104", "opcua",
}

var stateWords = [stateEnd]string{"", "tried", "refused", "open", "closed", "reset", "midway"}

var tunnelWords = [tunnelEnd]string{"", "gre", "ip-in-ip", "vxlan", "geneve", "teredo", "gtp", "mpls", "pppoe", "other"}

var methodWords = [methodEnd]string{"", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PROPFIND",
	"PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "M-SEARCH", "other"}

var mediaWords = [mediaEnd]string{"", "html", "text", "json", "xml", "script", "style", "image", "audio", "video", "font", "form",
	"multipart", "executable", "archive", "pdf", "binary", "other"}

var alpnWords = [alpnEnd]string{"", "h2", "h2c", "h3", "http/1.1", "http/1.0", "http/0.9", "spdy", "dot", "doq", "ftp", "imap", "pop3",
	"xmpp", "stun", "webrtc", "mqtt", "smb", "acme-tls/1", "ntske/1", "grease", "{x}"}

var keyWords = [keyEnd]string{"", "rsa", "ecdsa", "ed25519", "dsa", "other"}

var signWords = [signEnd]string{"", "md5", "sha1", "sha256", "sha384", "sha512", "other"}

var serviceWords = [serviceEnd]string{"", "krbtgt", "host", "cifs", "ldap", "http", "mssqlsvc", "rpcss", "wsman", "dns", "termsrv", "other"}

// word is the text of an enumeration, "unknown" outside of its table.
func word[T ~uint8](table []string, v T) string {
	if int(v) < len(table) {
		return table[v]
	}
	return "unknown"
}

// value is the place of a word in its table; ok is false when it is not there.
func value[T ~uint8](table []string, w string) (T, bool) {
	for i, have := range table {
		if have == w {
			return T(i), true
		}
	}
	return 0, false
}

// String is the protocol's usual short name in lower case.
func (a App) String() string { return word(appWords[:], a) }

// ParseApp finds a protocol by its name.
func ParseApp(w string) (App, bool) { return value[App](appWords[:], w) }

// String is the state in one word.
func (s State) String() string { return word(stateWords[:], s) }

// ParseState finds a state by its word.
func ParseState(w string) (State, bool) { return value[State](stateWords[:], w) }

// String names the wrapping.
func (t Tunnel) String() string { return word(tunnelWords[:], t) }

// String is the method as it is sent.
func (m Method) String() string { return word(methodWords[:], m) }

// ParseMethod finds a method by its token, OtherMethod when it is not known.
func ParseMethod(w string) Method {
	if m, ok := value[Method](methodWords[:], w); ok {
		return m
	}
	return OtherMethod
}

// String names the kind of media.
func (m Media) String() string { return word(mediaWords[:], m) }

// ParseMedia finds a kind of media by its word.
func ParseMedia(w string) (Media, bool) { return value[Media](mediaWords[:], w) }

// String is the protocol's identifier in the IANA registry, or {x}.
func (a ALPN) String() string { return word(alpnWords[:], a) }

// ParseALPN finds a protocol by its identifier, OtherALPN when it is not known.
// The drafts and versions of HTTP/2, HTTP/3 and SPDY are one each.
func ParseALPN(id []byte) ALPN {
	switch {
	case len(id) == 0:
		return NoALPN
	case len(id) == 2 && id[0] == id[1] && id[0]&0x0f == 0x0a:
		return Hidden
	case len(id) > 2 && string(id[:3]) == "h3-", string(id) == "hq", len(id) > 2 && string(id[:3]) == "hq-":
		return H3
	case len(id) > 4 && string(id[:5]) == "spdy/":
		return SPDY
	case len(id) > 2 && string(id[:3]) == "h2-":
		return H2
	case string(id) == "http%2F1.1":
		return HTTP11
	}
	for i, have := range alpnWords {
		if have == string(id) && ALPN(i) < Hidden {
			return ALPN(i)
		}
	}
	return OtherALPN
}

// String names the kind of key.
func (k KeyKind) String() string { return word(keyWords[:], k) }

// String names the digest.
func (s SignKind) String() string { return word(signWords[:], s) }

// String names the kind of service.
func (s Service) String() string { return word(serviceWords[:], s) }
