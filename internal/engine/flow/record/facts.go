package record

import "net/netip"

// DNS is one question and what became of it (RFC 1035 §4). Its numbers say
// enough to find a tunnel without the name.
type DNS struct {
	At       int64 // ns since 1970 of the question, or of the answer if only that was seen
	Name     Name
	Whole    Hash // of the whole name in lower case: how many different ones were asked
	Own      Hash // of the registered name in lower case, example.co.jp of www.example.co.jp; zero without one
	Type     uint16
	Answered bool
	Rcode    uint8
	Length   uint8               // of the name, in bytes
	Labels   uint8               // how many
	Longest  uint8               // the longest label, in bytes
	Entropy  uint8               // of the labels below the registered name, in tenths of a bit per character
	Size     [2]uint16           // of question and answer, in bytes
	Made     uint8               // how likely an algorithm made the registered name, from 1 to 255 (certain); 0 when it was not judged
	Answers  uint16              // records in the answer section
	TTL      uint32              // the lowest of them, in seconds
	Addrs    [MaxAddr]netip.Addr // of A and AAAA records; zero when fewer
}

// Method is a request method of HTTP (RFC 9110 §9, RFC 4918, RFC 5789).
type Method uint8

// The methods; any other is OtherMethod.
const (
	NoMethod Method = iota
	GET
	HEAD
	POST
	PUT
	DELETE
	CONNECT
	OPTIONS
	TRACE
	PATCH
	PROPFIND
	PROPPATCH
	MKCOL
	COPY
	MOVE
	LOCK
	UNLOCK
	REPORT
	SEARCH
	MCALL // M-SEARCH and NOTIFY of SSDP
	OtherMethod
	methodEnd
)

// HTTP is one request and its answer.
type HTTP struct {
	At     int64
	Method Method
	Minor  uint8 // of HTTP/1.x; 2 and 3 in Major
	Major  uint8
	Host   Name
	Port   uint16 // in the Host field, 0 without
	Path   Name   // a template of known tokens
	Status uint16 // 0: no answer was seen
	Agent  Agent
	Server Agent
	Type   Media     // of the answer
	Body   [2]uint64 // bytes of the bodies
}

// Media is what kind of thing an answer of HTTP carried.
type Media uint8

// The kinds, by the type and subtype of Content-Type (RFC 9110 §8.3).
const (
	NoMedia Media = iota
	HTML
	Text
	JSON
	XML
	Script
	Style
	Image
	Audio
	Video
	Font
	Form
	Multipart
	Executable
	Archive
	PDF
	Binary // application/octet-stream
	OtherMedia
	mediaEnd
)

// TLS is what a handshake says of itself (RFC 8446 §4, RFC 5246 §7.4).
type TLS struct {
	Version     uint16 // chosen; the highest offered when no answer was seen
	Cipher      uint16 // chosen, 0 without an answer
	SNI         Name
	ALPN        ALPN // first one offered
	Chosen      ALPN // by the server, where that is in clear
	JA3         [16]byte
	JA3S        [16]byte
	JA4         JA4
	Resumed     bool
	Established bool // both sides went on to encrypted records
	ECH         bool // an encrypted client hello was offered
	Alert       uint8
	Certificate *Certificate
}

// JA4 is the client fingerprint of that name, 36 characters; zero without.
type JA4 [36]byte

// ALPN is an application protocol that a handshake names (RFC 7301, IANA).
type ALPN uint8

// The protocols; any other is OtherALPN.
const (
	NoALPN ALPN = iota
	H2
	H2C
	H3
	HTTP11
	HTTP10
	HTTP09
	SPDY
	DOT
	DOQ
	FTPS
	IMAPS
	POPS
	XMPP
	STUN
	WebRTC
	MQTT
	SMBoverQUIC
	ACME
	NTS
	Hidden // GREASE
	OtherALPN
	alpnEnd
)

// Certificate is what a server's certificate is, without whose it says to be
// (RFC 5280 §4.1).
type Certificate struct {
	SHA256            [32]byte
	Subject, Issuer   Hash
	Serial            Hash
	NotBefore, Until  int64 // ns since 1970
	Key               KeyKind
	Bits              uint16 // of the key
	Signature         SignKind
	Names             uint16 // how many alternative names
	SelfSigned        bool
	Wildcard          bool
	MatchesServerName bool // SNI is among its names
	Chain             uint8
}

// KeyKind is the kind of a public key.
type KeyKind uint8

// The kinds of keys.
const (
	NoKey KeyKind = iota
	RSA
	ECDSA
	Ed25519
	DSA
	OtherKey
	keyEnd
)

// SignKind is the digest a certificate was signed over.
type SignKind uint8

// The digests.
const (
	NoSign SignKind = iota
	MD5
	SHA1
	SHA256
	SHA384
	SHA512
	OtherSign
	signEnd
)

// QUIC is what an Initial packet says (RFC 9000 §17.2.2, RFC 9001 §5.2).
type QUIC struct {
	Version uint32
	SNI     Name
	ALPN    ALPN
	JA3     [16]byte
	JA4     JA4
	Agent   Agent // of Google's early versions
}

// SSH is what both sides send before it is encrypted (RFC 4253 §4.2, §7.1).
type SSH struct {
	Client, Server Agent
	HASSH          [16]byte // of the client's algorithms
	HASSHServer    [16]byte
	Encrypted      bool // NEWKEYS was seen from both
}

// Mail is counted, never read: SMTP (RFC 5321), IMAP (RFC 9051), POP3 (RFC 1939).
type Mail struct {
	Commands, Errors        uint32 // commands sent; answers that refuse
	Messages, Recipients    uint32 // message bodies begun; RCPT accepted or not
	MessageBytes            uint64
	AuthTries, AuthFailures uint32
	StartTLS, Authenticated bool
	Greeting                Agent // program in the server's first line
}

// Operation is what a file, directory or ticket service was asked to do; each
// protocol has its own closed list.
type Operation uint8

// Count is how often an operation was asked for.
type Count struct {
	Operation Operation
	Times     uint32
}

// SMB is a session of file sharing ([MS-SMB], [MS-SMB2]).
type SMB struct {
	Dialect    uint16 // 0x0202 and so on; 0 for SMB 1
	Version    uint8  // 1, 2 or 3
	Encrypted  bool
	Signed     bool
	Commands   [4]Count // the most frequent ones
	Failures   uint32   // answers with an error status
	Logons     uint32   // session setups
	LogonFails uint32
	NTLM       bool
	AdminShare bool  // ADMIN$, C$ or IPC$ was opened
	Pipes      Pipes // named pipes that were opened
	Shares     [MaxName]Hash
	Files      uint32 // opened
	FileBytes  [2]uint64
	User       Hash
	Host       Hash
}

// Pipes is a set of well-known named pipes ([MS-RPCE] §2.1.1.2): one bit each.
type Pipes uint32

// The pipes that matter to a defender.
const (
	Svcctl Pipes = 1 << iota
	Atsvc
	Samr
	Lsarpc
	Netlogon
	Srvsvc
	Wkssvc
	Winreg
	Drsuapi
	Eventlog
	Spoolss
	Epmapper
	Efsrpc
	Browser
	OtherPipe
)

// RDP is the beginning of a remote desktop ([MS-RDPBCGR] §2.2.1).
type RDP struct {
	Requested, Selected uint32 // protocols: 0 RDP, 1 TLS, 2 CredSSP, 8 RDSTLS
	Failure             uint8  // negotiation failure code
	Cookie              Hash   // of mstshash
	Build               uint32 // of the client
	Width, Height       uint16
	Client              Hash // its name
}

// Kerberos is what tickets were asked for (RFC 4120 §5).
type Kerberos struct {
	Messages [4]Count // by message type: 10 AS-REQ … 30 ERROR
	Error    uint16   // the last error code
	EType    int32    // of the last ticket given
	Weakest  int32    // encryption type offered or given
	Realm    Hash
	Client   Hash
	Service  Service
	Services [MaxName]Hash
	Failures uint32
}

// Service is the kind of service a ticket is for.
type Service uint8

// The kinds of services.
const (
	NoService Service = iota
	Krbtgt
	HostService
	CIFS
	LDAPService
	HTTPService
	MSSQL
	RPCSS
	WSMAN
	DNSService
	Termsrv
	OtherService
	serviceEnd
)

// LDAP is what a directory was asked (RFC 4511 §4).
type LDAP struct {
	Operations [4]Count // by application tag
	Result     uint8    // the last result code
	Failures   uint32
	BindKind   uint8 // 0 none, 1 simple, 2 simple without a name, 3 SASL
	Entries    uint32
	Bases      [MaxName]Hash
	StartTLS   bool
	Wide       bool // the whole subtree was asked with a filter on presence
}

// Control is what a controller was told: Modbus, DNP3 (IEEE 1815) or S7.
type Control struct {
	Functions  [4]uint64 // set of function codes 0–255
	Units      [4]uint64 // set of unit, destination or rack numbers, low 8 bits
	Requests   uint32
	Writes     uint32 // that change something
	Stops      uint32 // stop, restart, download, program
	Exceptions uint32
	Source     uint16 // DNP3 address of the side that asked
	Target     uint16
}
