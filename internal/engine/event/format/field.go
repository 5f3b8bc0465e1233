package format

import "noroshi/internal/engine/event"

// field is one of the names that text logs are read into. They are those of
// the Sigma taxonomy where it has one, else those of the source.
type field uint8

const (
	fMessage field = iota // the whole text of an event
	fProgram
	fPID
	fFacility
	fSeverity
	fMsgID
	fAction
	fReason
	fMethod
	fFingerprint
	fSrcIP
	fSrcPort
	fSrcHost
	fDstIP
	fDstPort
	fDstHost
	fProto
	fBytes
	fTTY
	fGroup
	fTarget
	fUnit
	fQuery
	fRecordType
	fAnswer
	fQueue
	fPamMessage
	fPamUser
	fPamRhost
	fCIP
	fCURI
	fCURIStem
	fCURIQuery
	fCURIExtension
	fCUserAgent
	fCSMethod
	fCSHost
	fCSUser
	fCSURIStem
	fCSURIQuery
	fCSVersion
	fCSReferer
	fCSUserAgent
	fCSMime
	fSCStatus
	fSCBytes
	fTimeTaken
	fMnemonic
	fCommandLine
	fImage
	fCurrentDirectory
	fProcessID
	fParentProcessID
	fLogonID
	fTargetFilename
	fDestinationIP
	fDestinationPort
	fInitiated
	fSyscallName
	fDeviceVendor
	fDeviceProduct
	fDeviceVersion
	fSignatureID
	fName
	fService
	fields
)

var fieldNames = [fields]string{
	fMessage: "message", fProgram: "program", fPID: "pid", fFacility: "facility", fSeverity: "severity", fMsgID: "msgid",
	fAction: "action", fReason: "reason", fMethod: "method", fFingerprint: "fingerprint",
	fSrcIP: "src_ip", fSrcPort: "src_port", fSrcHost: "src_host", fDstIP: "dst_ip", fDstPort: "dst_port", fDstHost: "dst_host",
	fProto: "proto", fBytes: "bytes", fTTY: "tty", fGroup: "group", fTarget: "TargetUserName", fUnit: "unit",
	fQuery: "query", fRecordType: "record_type", fAnswer: "answer", fQueue: "queue_id",
	fPamMessage: "pam_message", fPamUser: "pam_user", fPamRhost: "pam_rhost",
	fCIP: "c-ip", fCURI: "c-uri", fCURIStem: "c-uri-stem", fCURIQuery: "c-uri-query", fCURIExtension: "c-uri-extension",
	fCUserAgent: "c-useragent", fCSMethod: "cs-method", fCSHost: "cs-host", fCSUser: "cs-username",
	fCSURIStem: "cs-uri-stem", fCSURIQuery: "cs-uri-query", fCSVersion: "cs-version", fCSReferer: "cs-referer",
	fCSUserAgent: "cs-user-agent", fCSMime: "cs-mime-type", fSCStatus: "sc-status", fSCBytes: "sc-bytes", fTimeTaken: "time-taken",
	fMnemonic: "mnemonic", fCommandLine: "CommandLine", fImage: "Image", fCurrentDirectory: "CurrentDirectory",
	fProcessID: "ProcessId", fParentProcessID: "ParentProcessId", fLogonID: "LogonId", fTargetFilename: "TargetFilename",
	fDestinationIP: "DestinationIp", fDestinationPort: "DestinationPort", fInitiated: "Initiated", fSyscallName: "SYSCALL",
	fDeviceVendor: "DeviceVendor", fDeviceProduct: "DeviceProduct", fDeviceVersion: "DeviceVersion",
	fSignatureID: "SignatureID", fName: "Name", fService: "service",
}

// vocabulary are the numbers of the names above, and of names that a log
// brings, in one decoder.
type vocabulary struct {
	ids   [fields]event.Name
	names *event.Names
	other map[string]event.Name

	mapping map[string]string // the user's own
}

// maxOther bounds the names that one decoder remembers. Those that come after
// are asked for each time, and [event.MaxNames] bounds them all.
const maxOther = 1 << 14

func newVocabulary(o Options) *vocabulary {
	v := &vocabulary{names: o.Names, other: map[string]event.Name{}}
	if o.Mapping != nil {
		v.mapping = o.Mapping.Fields
	}
	for f, text := range fieldNames {
		v.ids[f] = v.name(text)
	}
	return v
}

// name returns the number of a name, or of what the user calls it.
func (v *vocabulary) name(text string) event.Name {
	if to, ok := v.mapping[text]; ok {
		text = to
	}
	return v.names.ID(text)
}

// id returns the number of a name that a log brings.
func (v *vocabulary) id(raw []byte) event.Name {
	if id, ok := v.other[string(raw)]; ok {
		return id
	}
	id := v.name(string(raw))
	if len(v.other) < maxOther {
		v.other[string(raw)] = id
	}
	return id
}

// text adds a value to the row. An empty one is left out: in the logs read
// here it says that there is nothing.
func (v *vocabulary) text(row *event.Row, f field, value []byte) {
	if len(value) > 0 {
		row.Add(v.ids[f], event.Text, value)
	}
}

func (v *vocabulary) word(row *event.Row, f field, value string) {
	row.AddString(v.ids[f], event.Text, value)
}

func (v *vocabulary) number(row *event.Row, f field, value []byte) {
	if len(value) > 0 {
		row.Add(v.ids[f], kindOf(value), value)
	}
}

// own adds a value under the log's own name.
func (v *vocabulary) own(row *event.Row, name, value []byte) {
	if full(row) {
		return
	}
	row.Add(v.id(name), kindOf(value), value)
}

// user adds the account that acted.
func (v *vocabulary) user(row *event.Row, value []byte) {
	if len(value) > 0 {
		row.Add(event.User, event.Text, value)
	}
}

// full reports whether a row has as many fields as one may have.
func full(row *event.Row) bool { return len(row.Fields) >= maxFields }

// hurt notes damage. What follows upon damage of the same kind is one with it.
func hurt(damage []Damage, d Damage) []Damage {
	if n := len(damage); n > 0 && d.Length > 0 {
		if last := &damage[n-1]; last.Length > 0 && last.Reason == d.Reason && last.Offset+last.Length == d.Offset {
			last.Length += d.Length
			return damage
		}
	}
	return append(damage, d)
}

// wide notes that a row is full.
func wide(damage []Damage, row *event.Row) []Damage {
	if !full(row) {
		return damage
	}
	return append(damage, Damage{Offset: row.Offset, Record: row.Record, Reason: Wide})
}

// kindOf says whether a value is a number: digits, perhaps with a sign and a
// fraction.
func kindOf(b []byte) event.Kind {
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 20 || b[len(b)-1] == '.' || b[0] == '.' {
		return event.Text
	}
	dots := 0
	for _, c := range b {
		if c == '.' {
			dots++
		} else if c-'0' > 9 {
			return event.Text
		}
	}
	if dots > 1 {
		return event.Text
	}
	return event.Number
}
