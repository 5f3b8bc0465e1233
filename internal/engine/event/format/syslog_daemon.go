package format

import (
	"bytes"

	"noroshi/internal/engine/event"
)

var (
	authLog   = event.Log{Product: "linux", Service: "auth"}
	sshdLog   = event.Log{Product: "linux", Service: "sshd"}
	sudoLog   = event.Log{Product: "linux", Service: "sudo"}
	cronLog   = event.Log{Product: "linux", Service: "cron"}
	syslogLog = event.Log{Product: "linux", Service: "syslog"}
	clamavLog = event.Log{Product: "linux", Service: "clamav"}
	guacLog   = event.Log{Product: "linux", Service: "guacamole"}
	ftpLog    = event.Log{Product: "linux", Service: "vsftpd"}
	wallLog   = event.Log{Product: "linux", Category: "firewall", Service: "iptables"}
	bindLog   = event.Log{Product: "linux", Category: "dns", Service: "named"}
	masqLog   = event.Log{Product: "linux", Category: "dns", Service: "dnsmasq"}
	boundLog  = event.Log{Product: "linux", Category: "dns", Service: "unbound"}
	mailLog   = event.Log{Product: "linux", Service: "postfix"}
)

// daemon reads what usual programs write in their messages, and says what kind
// of log it is. A message in an unusual form keeps only its whole text.
func (v *vocabulary) daemon(row *event.Row, program, msg []byte) {
	row.Log = syslogLog
	if hasAny(program, "%%") { // Huawei's VRP: %%01BGP/3/STATE_CHG_UPDOWN(l)[0]: …
		row.Log = event.Log{Product: "huawei", Service: "syslog"}
		if bytes.Contains(program, []byte("BGP/")) {
			row.Log.Service = "bgp"
		}
		return
	}
	if i := bytes.LastIndexByte(program, '/'); i >= 0 && !bytes.HasPrefix(program, []byte("postfix")) {
		program = program[i+1:]
	}
	if bytes.HasPrefix(program, []byte("postfix")) {
		row.Log = mailLog
		v.postfix(row, msg)
		return
	}
	switch string(program) {
	case "rpd": // Junos
		row.Log = event.Log{Product: "juniper", Service: "syslog"}
		if containsFold(msg, "bgp") {
			row.Log.Service = "bgp"
		}
	case "sshd", "sshd-session", "sshd-auth", "dropbear":
		row.Log = sshdLog
		v.sshd(row, msg)
	case "sudo", "sudoedit":
		row.Log = sudoLog
		v.sudo(row, msg)
	case "su", "login", "systemd-logind", "polkitd", "gdm", "gdm-password]", "passwd", "chpasswd", "useradd", "usermod", "userdel",
		"groupadd", "groupmod", "groupdel", "gpasswd", "pkexec", "lightdm", "runuser", "chage", "chfn", "chsh", "newusers":
		row.Log = authLog
		v.account(row, program, msg)
	case "CRON", "cron", "crond", "anacron", "atd", "crontab":
		row.Log = cronLog
		v.cron(row, msg)
	case "kernel", "ulogd":
		v.kernel(row, msg)
	case "named", "queries", "query":
		row.Log = bindLog
		v.named(row, msg)
	case "dnsmasq", "dnsmasq-dhcp":
		row.Log = masqLog
		v.dnsmasq(row, msg)
	case "unbound":
		row.Log = boundLog
		v.unbound(row, msg)
	case "vsftpd", "ftpd", "proftpd":
		row.Log = ftpLog
		v.vsftpd(row, msg)
	case "systemd":
		v.systemd(row, msg)
	case "clamd", "freshclam", "clamscan", "clamav-daemon":
		row.Log = clamavLog
	case "guacd":
		row.Log = guacLog
	case "":
		v.nameless(row, msg)
	default:
		if bytes.HasPrefix(msg, []byte("pam_")) {
			row.Log = authLog
			v.pam(row, msg)
		}
	}
}

// nameless reads logs that daemons write themselves, without a program's name.
func (v *vocabulary) nameless(row *event.Row, msg []byte) {
	switch {
	case bytes.HasPrefix(msg, []byte("[pid ")):
		row.Log = ftpLog
		v.vsftpd(row, msg)
	case bytes.HasPrefix(msg, []byte("client ")) && bytes.Contains(msg, []byte("query: ")):
		row.Log = bindLog
		v.named(row, msg)
	case bytes.Contains(msg, []byte("SRC=")) && bytes.Contains(msg, []byte("DST=")):
		v.kernel(row, msg)
	}
}

// opening is how a message of a daemon begins, and what that means.
type opening struct{ text, action string }

var sshdOpenings = []opening{
	{"Accepted ", "accepted"}, {"Failed ", "failed"}, {"Invalid user ", "invalid_user"}, {"Postponed ", "postponed"},
	{"Connection from ", "connected"}, {"Connection closed ", "closed"}, {"Connection reset ", "closed"},
	{"Disconnected from ", "disconnected"}, {"Received disconnect ", "disconnected"}, {"Disconnecting ", "disconnected"},
	{"Connection closed by ", "closed"}, {"error: maximum authentication attempts ", "failed"}, {"User ", "refused"},
	{"refused connect ", "refused"}, {"Did not receive identification ", "no_banner"}, {"Unable to negotiate ", "no_agreement"},
	{"error: kex_exchange_identification", "no_banner"}, {"Bad protocol version ", "no_banner"}, {"banner exchange:", "no_banner"},
	{"Server listening ", "listening"},
}

// sshd reads OpenSSH's messages. Names of accounts are chosen by strangers and
// may look like any part of a message: what is fixed is found from the end.
func (v *vocabulary) sshd(row *event.Row, msg []byte) {
	if bytes.HasPrefix(msg, []byte("pam_")) {
		v.pam(row, msg)
		return
	}
	action := begins(sshdOpenings, msg)
	if action == "" {
		return
	}
	v.word(row, fAction, action)
	head := msg
	if i := bytes.LastIndex(msg, []byte(" port ")); i >= 0 {
		_, n, _ := digits(msg[i+6:], 5)
		port := msg[i+6 : i+6+n]
		ip := msg[:i]
		from := bytes.LastIndexByte(ip, ' ') + 1
		ip = ip[from:]
		if action == "listening" {
			v.number(row, fDstPort, port)
			return
		}
		v.text(row, fSrcIP, ip)
		v.number(row, fSrcPort, port)
		if head = msg[:max(from-1, 0)]; action == "connected" { // … on 192.0.2.1 port 22
			if j := bytes.Index(msg, []byte(" port ")); j >= 0 && j < i {
				v.rename(row, fSrcIP, fDstIP)
				v.rename(row, fSrcPort, fDstPort)
				v.text(row, fSrcIP, lastWord(msg[:j]))
				_, n, _ := digits(msg[j+6:], 5)
				v.number(row, fSrcPort, msg[j+6:j+6+n])
			}
			return
		}
	} else if i := bytes.LastIndex(msg, []byte(" from ")); i >= 0 {
		ip := firstWord(msg[i+6:])
		v.text(row, fSrcIP, bytes.TrimRight(ip, ":"))
		head = msg[:i]
	}
	head = bytes.TrimSuffix(head, []byte(" from"))
	switch action {
	case "accepted", "failed", "postponed":
		v.sshdFor(row, head)
		if i := bytes.LastIndex(msg, []byte("SHA256:")); i >= 0 {
			v.text(row, fFingerprint, firstWord(msg[i:]))
		}
	case "refused":
		v.user(row, firstWord(after(head, "User ")))
		if i := bytes.Index(msg, []byte(" not allowed because ")); i >= 0 {
			v.text(row, fReason, msg[i+len(" not allowed because "):])
		}
	case "invalid_user":
		v.user(row, after(head, "Invalid user "))
	case "closed", "disconnected":
		for _, word := range [...]string{"invalid user ", "authenticating user ", "user "} {
			if name := after(head, word); name != nil {
				v.user(row, name)
				break
			}
		}
	}
}

// sshdFor reads "<opening> <method> for [invalid user ]<name>".
func (v *vocabulary) sshdFor(row *event.Row, head []byte) {
	i := bytes.Index(head, []byte(" for "))
	if i < 0 {
		return
	}
	if j := bytes.IndexByte(head, ' '); j > 0 && j < i && !bytes.HasPrefix(head, []byte("error")) {
		v.text(row, fMethod, head[j+1:i])
	}
	name := head[i+5:]
	if rest, ok := bytes.CutPrefix(name, []byte("invalid user ")); ok {
		name = rest
		v.word(row, fReason, "invalid user")
	}
	v.user(row, name)
}

// rename gives the last value of one name another.
func (v *vocabulary) rename(row *event.Row, from, to field) {
	for i := len(row.Fields) - 1; i >= 0; i-- {
		if row.Fields[i].Name == v.ids[from] {
			row.Fields[i].Name = v.ids[to]
			return
		}
	}
}

// pam reads pam_unix(sshd:auth): authentication failure; logname= uid=0 …
func (v *vocabulary) pam(row *event.Row, msg []byte) {
	i := bytes.Index(msg, []byte("): "))
	if i < 0 {
		return
	}
	text := msg[i+3:]
	end := bytes.IndexByte(text, ';')
	if end < 0 {
		v.text(row, fPamMessage, text)
		v.text(row, fTarget, after(text, "password changed for "))
		if name := after(text, "for user "); name != nil {
			name = firstWord(name)
			if j := bytes.IndexByte(name, '('); j >= 0 {
				name = name[:j]
			}
			v.text(row, fPamUser, name)
			v.user(row, name)
		}
		return
	}
	v.text(row, fPamMessage, text[:end])
	for rest := text[end+1:]; len(rest) > 0; {
		var key, value []byte
		if key, value, rest = pair(rest); key == nil {
			return
		}
		switch string(key) {
		case "user":
			v.text(row, fPamUser, value)
			v.user(row, value)
		case "rhost":
			v.text(row, fPamRhost, value)
			v.text(row, fSrcIP, value)
		default:
			if len(value) > 0 {
				v.own(row, key, value)
			}
		}
	}
}

// sudo reads "alice : reason ; TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/bin/ls".
func (v *vocabulary) sudo(row *event.Row, msg []byte) {
	if bytes.HasPrefix(msg, []byte("pam_")) {
		v.pam(row, msg)
		return
	}
	i := bytes.Index(msg, []byte(" : "))
	if i < 0 {
		return
	}
	v.user(row, trim(msg[:i]))
	for rest := msg[i+3:]; len(rest) > 0; {
		part := rest
		if j := bytes.Index(rest, []byte(" ; ")); j >= 0 && !bytes.HasPrefix(rest, []byte("COMMAND=")) {
			part, rest = rest[:j], rest[j+3:]
		} else {
			rest = nil
		}
		eq := bytes.IndexByte(part, '=')
		if eq <= 0 || bytes.IndexByte(part[:eq], ' ') >= 0 {
			v.text(row, fReason, part)
			continue
		}
		v.own(row, part[:eq], part[eq+1:])
	}
}

var accountOpenings = []opening{
	{"new user: ", "user_added"}, {"new group: ", "group_added"}, {"delete user ", "user_deleted"}, {"removed group ", "group_deleted"},
	{"add '", "member_added"}, {"delete '", "member_deleted"}, {"change user ", "user_changed"}, {"lock user ", "user_changed"},
	{"password changed for ", "password_changed"}, {"New session ", "session_opened"}, {"Removed session ", "session_closed"},
	{"Successful su ", "accepted"}, {"FAILED su ", "failed"}, {"FAILED SU ", "failed"}, {"(to ", "accepted"}, {"FAILED LOGIN ", "failed"},
	{"ROOT LOGIN ", "accepted"}, {"LOGIN ON ", "accepted"},
}

// account reads su, login and the tools of the shadow suite.
func (v *vocabulary) account(row *event.Row, program, msg []byte) {
	if bytes.HasPrefix(msg, []byte("pam_")) {
		v.pam(row, msg)
		return
	}
	action := begins(accountOpenings, msg)
	if action == "" {
		return
	}
	v.word(row, fAction, action)
	switch action {
	case "user_added", "group_added": // name=bob, UID=1001, …
		rest := msg[bytes.Index(msg, []byte(": "))+2:]
		for len(rest) > 0 {
			part := rest
			if i := bytes.Index(rest, []byte(", ")); i >= 0 {
				part, rest = rest[:i], rest[i+2:]
			} else {
				rest = nil
			}
			if eq := bytes.IndexByte(part, '='); eq > 0 {
				v.own(row, part[:eq], part[eq+1:])
				if string(part[:eq]) == "name" && action == "user_added" {
					v.text(row, fTarget, part[eq+1:])
				}
			}
		}
	case "member_added", "member_deleted": // add 'bob' to group 'sudo'
		name, rest := quoted(msg)
		group, _ := quoted(rest)
		v.text(row, fTarget, name)
		v.text(row, fGroup, group)
	case "user_deleted", "user_changed", "group_deleted":
		name, _ := quoted(msg)
		v.text(row, fTarget, name)
	case "password_changed":
		v.text(row, fTarget, firstWord(after(msg, "changed for ")))
	case "session_opened":
		v.user(row, bytes.TrimRight(after(msg, " of user "), "."))
	case "accepted", "failed":
		v.su(row, msg)
	}
}

// su reads "(to root) alice on pts/0" and "Successful su for root by alice".
func (v *vocabulary) su(row *event.Row, msg []byte) {
	if rest := after(msg, "(to "); rest != nil {
		if i := bytes.Index(rest, []byte(") ")); i >= 0 {
			v.text(row, fTarget, rest[:i])
			v.user(row, firstWord(rest[i+2:]))
			v.text(row, fTTY, after(rest[i:], " on "))
		}
		return
	}
	if rest := after(msg, " su for "); rest != nil {
		v.text(row, fTarget, firstWord(rest))
		v.user(row, firstWord(after(rest, " by ")))
	}
}

// cron reads "(root) CMD (run-parts /etc/cron.hourly)".
func (v *vocabulary) cron(row *event.Row, msg []byte) {
	if bytes.HasPrefix(msg, []byte("pam_")) {
		v.pam(row, msg)
		return
	}
	i := bytes.Index(msg, []byte(") "))
	if len(msg) == 0 || msg[0] != '(' || i < 0 {
		return
	}
	v.user(row, msg[1:i])
	rest := msg[i+2:]
	action := firstWord(rest)
	v.text(row, fAction, action)
	rest = trim(rest[len(action):])
	if n := len(rest); n > 1 && rest[0] == '(' && rest[n-1] == ')' {
		if rest = trim(rest[1 : n-1]); string(action) == "CMD" {
			v.text(row, fCommandLine, rest)
		} else {
			v.text(row, fTarget, rest)
		}
	}
}

var systemdOpenings = []opening{
	{"Started ", "started"}, {"Starting ", "starting"}, {"Stopped ", "stopped"}, {"Stopping ", "stopping"}, {"Reloading", "reloading"},
	{"Failed to start ", "failed"}, {"Created slice ", "started"}, {"Removed slice ", "stopped"}, {"Finished ", "finished"},
}

func (v *vocabulary) systemd(row *event.Row, msg []byte) {
	if action := begins(systemdOpenings, msg); action != "" {
		v.word(row, fAction, action)
	}
	for _, suffix := range [...]string{".service", ".timer", ".socket", ".mount", ".scope"} {
		if i := bytes.Index(msg, []byte(suffix)); i > 0 {
			v.text(row, fUnit, lastWord(msg[:i+len(suffix)]))
			return
		}
	}
}

// begins returns the action of the longest opening that a message has.
func begins(all []opening, msg []byte) string {
	best := opening{}
	for _, o := range all {
		if len(o.text) > len(best.text) && len(msg) >= len(o.text) && string(msg[:len(o.text)]) == o.text {
			best = o
		}
	}
	return best.action
}

// after returns what follows the first word in b, nil if it is not there.
func after(b []byte, word string) []byte {
	if i := bytes.Index(b, []byte(word)); i >= 0 {
		return b[i+len(word):]
	}
	return nil
}

func firstWord(b []byte) []byte {
	if i := bytes.IndexByte(b, ' '); i >= 0 {
		return b[:i]
	}
	return b
}

func lastWord(b []byte) []byte { return b[bytes.LastIndexByte(b, ' ')+1:] }

// quoted returns the text between the first two single quotes and what follows.
func quoted(b []byte) (text, rest []byte) {
	i := bytes.IndexByte(b, '\'')
	if i < 0 {
		return nil, nil
	}
	j := bytes.IndexByte(b[i+1:], '\'')
	if j < 0 {
		return nil, nil
	}
	return b[i+1 : i+1+j], b[i+j+2:]
}

// pair takes key=value, with or without quotes, off b; key is nil at the end.
// Words without a value are passed over.
func pair(b []byte) (key, value, rest []byte) {
	for {
		for len(b) > 0 && (b[0] == ' ' || b[0] == ',' || b[0] == ';') {
			b = b[1:]
		}
		if len(b) == 0 {
			return nil, nil, nil
		}
		i := 0
		for i < len(b) && b[i] != '=' && b[i] != ' ' {
			i++
		}
		if i == len(b) {
			return nil, nil, nil
		}
		if b[i] == ' ' || i == 0 {
			b = b[i+1:]
			continue
		}
		key, b = b[:i], b[i+1:]
		if len(b) > 0 && (b[0] == '"' || b[0] == '\'') {
			if end := bytes.IndexByte(b[1:], b[0]); end >= 0 {
				return key, b[1 : 1+end], b[end+2:]
			}
		}
		end := bytes.IndexByte(b, ' ')
		if end < 0 {
			end = len(b)
		}
		return key, b[:end], b[end:]
	}
}
