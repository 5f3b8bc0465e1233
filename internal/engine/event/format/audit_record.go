package format

import (
	"bytes"
	_ "embed"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"noroshi/internal/engine/event"
)

// syscallsText has a line for each architecture: its name as ausearch writes
// it, then the names of its system calls from 0; - stands for none.
//
//go:embed syscalls.txt
var syscallsText string

// syscallTables returns the system calls of x86_64 and aarch64 by number.
var syscallTables = sync.OnceValue(func() map[string][]string {
	tables := map[string][]string{}
	for line := range strings.Lines(syscallsText) {
		words := strings.Fields(line)
		tables[words[0]] = words[1:]
	}
	return tables
})

// auditRecord adds the records of one event to a row. Every record keeps its
// own names; what rules for processes, files and connections ask for is
// added at the end.
type auditRecord struct {
	v    *vocabulary
	kind event.Name
	exec bool // the event has the arguments of a program

	calls             map[string][]string
	arch              string
	call              []byte // name of the system call, as the log or the table has it
	failed            bool
	exe, cwd, pid     []byte
	ppid, session     []byte
	uid, uidName      []byte
	account, title    []byte
	address           []byte
	path              []byte // the last name in this record
	created, sockaddr []byte
	command, decoded  []byte
}

func newAuditRecord(v *vocabulary) *auditRecord {
	return &auditRecord{v: v, kind: v.names.ID("type"), calls: syscallTables()}
}

// begin forgets the event before.
func (a *auditRecord) begin() {
	*a = auditRecord{v: a.v, kind: a.kind, calls: a.calls, command: a.command[:0], decoded: a.decoded[:0]}
}

func (a *auditRecord) add(row *event.Row, h auditLine) {
	if string(h.kind) == "EOE" {
		return
	}
	row.Add(a.kind, event.Text, h.kind)
	a.path = nil
	if h.node != nil && row.Find(event.Computer) < 0 {
		row.Add(event.Computer, event.Text, h.node)
	}
	if string(h.kind) == "AVC" || string(h.kind) == "USER_AVC" {
		a.avc(row, h.body)
	}
	a.fields(row, h.kind, h.body, 0)
}

// avc reads the decision of SELinux, "avc:  denied  { read open } for", under
// the names that ausearch has for its parts.
func (a *auditRecord) avc(row *event.Row, b []byte) {
	rest := after(b, "avc:")
	open := bytes.IndexByte(rest, '{')
	if open < 0 {
		return
	}
	row.Add(a.v.id([]byte("seresult")), event.Text, trim(rest[:open]))
	if end := bytes.IndexByte(rest, '}'); end > open {
		row.Add(a.v.id([]byte("seperms")), event.Text, trim(rest[open+1:end]))
	}
}

// fields reads key=value. The 0x1d in enriched logs is a blank before names in
// capital letters. What a program sent stands in msg='…' and is read too.
func (a *auditRecord) fields(row *event.Row, kind, b []byte, depth int) {
	execve := string(kind) == "EXECVE"
	for len(b) > 0 {
		key, value, quote, rest := auditPair(b)
		if key == nil || full(row) {
			return
		}
		b = rest
		switch {
		case quote == '\'' && depth == 0:
			a.fields(row, kind, value, 1)
			continue
		case string(value) == "{":
			continue
		case string(value) == "?" || string(value) == "(null)" || string(value) == "(none)":
			row.Add(a.v.id(key), event.Null, nil)
			continue
		case execve && a.argument(row, key, value, quote):
			continue
		case a.exec && len(key) == 2 && key[0] == 'a' && key[1]-'0' < 4: // addresses of the arguments
			continue
		}
		if quote == 0 && isEncoded(key) {
			value = a.unhex(value)
		}
		if string(key) == "key" && bytes.IndexByte(value, 1) >= 0 {
			for one := range bytes.SplitSeq(value, []byte{1}) {
				if full(row) {
					return
				}
				row.Add(a.v.id(key), event.Text, one)
			}
			continue
		}
		a.note(row, key, value)
		row.Add(a.v.id(key), kindOf(value), value)
	}
}

// auditPair takes key=value off b; quote is the mark around the value or 0.
func auditPair(b []byte) (key, value []byte, quote byte, rest []byte) {
	for {
		for len(b) > 0 && (b[0] == ' ' || b[0] == 0x1d || b[0] == ',') {
			b = b[1:]
		}
		n := 0
		for n < len(b) && b[n] != '=' && b[n] != ' ' && b[n] != 0x1d {
			n++
		}
		if n == len(b) {
			return nil, nil, 0, nil
		}
		if b[n] != '=' || n == 0 { // a word, as "avc:  denied  { read } for"
			b = b[n+1:]
			continue
		}
		key, b = b[:n], b[n+1:]
		if len(b) > 0 && (b[0] == '"' || b[0] == '\'') {
			if end := bytes.IndexByte(b[1:], b[0]); end >= 0 {
				return key, b[1 : 1+end], b[0], b[end+2:]
			}
		}
		n = 0
		for n < len(b) && b[n] != ' ' && b[n] != 0x1d {
			n++
		}
		return key, b[:n], 0, b[n:]
	}
}

// argument reads a0="sh", a1=2D63 and the pieces a1_len=9000 a1[0]=… a1[1]=…
// of a long one. The line of the command grows by it.
func (a *auditRecord) argument(row *event.Row, key, value []byte, quote byte) bool {
	if key[0] != 'a' || len(key) < 2 || key[1]-'0' > 9 {
		return false
	}
	if bytes.HasSuffix(key, []byte("_len")) {
		return true
	}
	if quote == 0 {
		value = a.unhex(value)
	}
	bracket := bytes.IndexByte(key, '[')
	if bracket < 0 || string(key[bracket:]) == "[0]" {
		if len(a.command) > 0 {
			a.command = append(a.command, ' ')
		}
		if bracket > 0 {
			key = key[:bracket]
		}
		row.Add(a.v.id(key), event.Text, value)
	} else if n := len(row.Fields); n > 0 && row.Fields[n-1].Name == a.v.id(key[:bracket]) {
		row.Add(row.Fields[n-1].Name, event.Text, value) // it stands right behind its beginning
		row.Fields[n-1].Len += row.Fields[n].Len
		row.Fields = row.Fields[:n]
	}
	a.command = append(a.command, value...)
	return true
}

// isEncoded says which values are in hexadecimal when they have no quotes
// (the audit documentation calls them untrusted strings).
func isEncoded(key []byte) bool {
	switch string(key) {
	case "name", "exe", "comm", "cwd", "cmd", "proctitle", "key", "acct", "path", "dir", "file", "old", "new", "data", "ocomm", "sw",
		"vm", "device", "watch", "root_dir", "id", "grp", "dev", "tty", "new_group", "old-disk", "new-disk", "field":
		return true
	}
	return false
}

// unhex returns the text of a value in hexadecimal, and any other as it is. The
// NULs between the words of a command become blanks.
func (a *auditRecord) unhex(b []byte) []byte {
	if len(b) < 2 || len(b)%2 != 0 {
		return b
	}
	from := len(a.decoded)
	for i := 0; i < len(b); i += 2 {
		high, low := hexDigit(b[i]), hexDigit(b[i+1])
		if high > 15 || low > 15 {
			a.decoded = a.decoded[:from]
			return b
		}
		c := high<<4 | low
		if c == 0 {
			c = ' '
		}
		a.decoded = append(a.decoded, c)
	}
	return a.decoded[from:]
}

// hexDigit returns the value of a digit, 255 if it is none.
func hexDigit(c byte) byte {
	switch {
	case c-'0' < 10:
		return c - '0'
	case c-'A' < 6:
		return c - 'A' + 10
	case c-'a' < 6:
		return c - 'a' + 10
	}
	return 255
}

// note remembers what the end needs.
func (a *auditRecord) note(row *event.Row, key, value []byte) {
	switch string(key) {
	case "arch":
		switch string(value) {
		case "c000003e":
			a.arch = "x86_64"
		case "c00000b7":
			a.arch = "aarch64"
		}
	case "syscall":
		if n, k, _ := digits(value, 4); k == len(value) && a.call == nil {
			if table := a.calls[a.arch]; int(n) < len(table) && table[n] != "-" {
				from := len(a.decoded)
				a.decoded = append(a.decoded, table[n]...)
				a.call = a.decoded[from:]
				row.Add(a.v.id(key), event.Text, a.call)
			}
		}
	case "SYSCALL": // the log names it itself
		from := len(a.decoded)
		a.decoded = append(a.decoded, value...)
		a.call = a.decoded[from:]
	case "success":
		a.failed = string(value) == "no"
	case "exe":
		a.exe = value
	case "cwd":
		a.cwd = value
	case "pid":
		a.pid = value
	case "ppid":
		a.ppid = value
	case "ses":
		a.session = value
	case "uid":
		a.uid = value
	case "UID":
		a.uidName = value
	case "acct":
		a.account = value
	case "addr":
		a.address = value
	case "proctitle":
		a.title = value
	case "saddr":
		a.sockaddr = value
	case "name":
		a.path = value
	case "nametype":
		if string(value) == "CREATE" {
			a.created = a.path
		}
	}
}

// end adds the names of the taxonomy.
func (a *auditRecord) end(row *event.Row) {
	if a.call != nil && row.Find(a.v.ids[fSyscallName]) < 0 {
		a.v.text(row, fSyscallName, a.call)
	}
	a.v.text(row, fImage, a.exe)
	a.v.number(row, fProcessID, a.pid)
	a.v.number(row, fParentProcessID, a.ppid)
	a.v.text(row, fCurrentDirectory, a.cwd)
	a.v.number(row, fLogonID, a.session)
	switch {
	case a.account != nil:
		a.v.user(row, a.account)
	case a.uidName != nil:
		a.v.user(row, a.uidName)
	case string(a.uid) == "0":
		row.AddString(event.User, event.Text, "root")
	default:
		a.v.user(row, a.uid)
	}
	a.v.text(row, fSrcIP, a.address)
	switch {
	case a.exec || string(a.call) == "execve" || string(a.call) == "execveat":
		if len(a.command) == 0 {
			a.command = append(a.command, a.title...)
		}
		a.v.text(row, fCommandLine, a.command)
		if !a.failed {
			row.Log.Category = "process_creation"
		}
	case len(a.created) > 0 && !a.failed:
		text := row.Open()
		if a.created[0] != '/' && len(a.cwd) > 0 {
			text = append(append(text, a.cwd...), '/')
		}
		row.Close(a.v.ids[fTargetFilename], event.Text, append(text, a.created...))
		row.Log.Category = "file_event"
	case string(a.call) == "connect" && a.peer(row):
		a.v.word(row, fInitiated, "true")
		row.Log.Category = "network_connection"
	}
}

// peer reads a socket address as the kernel dumps it: family in the order of
// the machine (little endian on both architectures), port and address in that
// of the network.
func (a *auditRecord) peer(row *event.Row) bool {
	raw := a.sockaddr
	var b [28]byte
	n := 0
	for ; n < len(b) && 2*n+1 < len(raw); n++ {
		high, low := hexDigit(raw[2*n]), hexDigit(raw[2*n+1])
		if high > 15 || low > 15 {
			return false
		}
		b[n] = high<<4 | low
	}
	var ip netip.Addr
	switch {
	case n >= 8 && b[0] == 2 && b[1] == 0:
		ip = netip.AddrFrom4([4]byte(b[4:8]))
	case n >= 24 && b[0] == 10 && b[1] == 0:
		ip = netip.AddrFrom16([16]byte(b[8:24])).Unmap()
	default:
		return false
	}
	row.Close(a.v.ids[fDestinationIP], event.Text, ip.AppendTo(row.Open()))
	row.Close(a.v.ids[fDestinationPort], event.Number, strconv.AppendUint(row.Open(), uint64(b[2])<<8|uint64(b[3]), 10))
	return true
}
