package format

import (
	"strings"
	"testing"
)

// TestSyslogJSON reads a message that is JSON as that, with the host of the
// line.
func TestSyslogJSON(t *testing.T) {
	line := `Nov 22 20:01:16 ids01 suricata[9]: {"timestamp":"2026-11-22T20:01:16.000001+0900","flow_id":1,"event_type":"dns","src_ip":"192.0.2.7","src_port":50000,"dest_ip":"192.0.2.53","dest_port":53,"proto":"UDP","dns":{"type":"query","rrname":"www.example.jp","rrtype":"A"}}` + "\n"
	rows, damage := textRows(t, Syslog, []byte(line), textOptions(), 0)
	if len(rows) != 1 || len(damage) != 0 {
		t.Fatal(rows, damage)
	}
	for _, want := range []string{"1 @0 2026-11-22T11:01:16.000001Z suricata/", `src_ip = "192.0.2.7"`, `Computer = "ids01"`, `query = "www.example.jp"`} {
		if !strings.Contains(rows[0], want) {
			t.Errorf("no %s in\n%s", want, rows[0])
		}
	}
}

// TestUserMapping gives names and the log of a user's own source.
func TestUserMapping(t *testing.T) {
	m, err := ParseMapping([]byte("logsource = {product = \"appliance\", service = \"vpn\"}\n[fields]\nsrc_ip = \"SourceIp\"\n\"x@1.a\" = \"Letter\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	o := textOptions()
	o.Mapping = m
	rows, _ := textRows(t, Syslog, []byte("<86>Nov 22 20:01:05 web01 sshd[1]: Accepted password for bob from 192.0.2.3 port 1022 ssh2\n<86>1 - h a - - [x@1 a=\"b\"] m\n"), o, 0)
	if len(rows) != 2 || !strings.Contains(rows[0], "appliance//vpn") || !strings.Contains(rows[0], `SourceIp = "192.0.2.3"`) || !strings.Contains(rows[1], `Letter = "b"`) {
		t.Error(rows)
	}
}

// TestAuthorsOfNames has accounts whose names look like parts of a message.
func TestAuthorsOfNames(t *testing.T) {
	for _, c := range []struct{ msg, user, ip string }{
		{"Failed password for invalid user x from 203.0.113.1 port 1 ssh2 from 198.51.100.23 port 40122 ssh2", "x from 203.0.113.1 port 1 ssh2", "198.51.100.23"},
		{"Invalid user a port 22 from 198.51.100.23 port 40122", "a port 22", "198.51.100.23"},
		{"Accepted password for alice from 192.0.2.7 port 2 ssh2", "alice", "192.0.2.7"},
		{"Connection closed by 192.0.2.7 port 50 [preauth]", "", "192.0.2.7"},
		{"Invalid user  from 198.51.100.23 port 40122", "", "198.51.100.23"},
	} {
		rows, _ := readText(t, Syslog, []byte("Nov 22 20:01:02 h sshd[1]: "+c.msg+"\n"), 0)
		var user, ip string
		for _, f := range rows[0] {
			if v, ok := strings.CutPrefix(f, "User="); ok {
				user = v
			}
			if v, ok := strings.CutPrefix(f, "src_ip="); ok {
				ip = v
			}
		}
		if user != c.user || ip != c.ip {
			t.Errorf("%q: user %q, address %q", c.msg, user, ip)
		}
	}
}

// TestDetectText tells formats by content, whatever the name.
func TestDetectText(t *testing.T) {
	for text, want := range map[string]Kind{
		"Nov 22 20:01:02 h p: m\n":              Syslog,
		"Nov 22 20:01:02 2001:db8::7 p: m\n":    Syslog,
		"<13>hello\n":                           Syslog,
		"2026-11-22T20:01:02+09:00 h p[1]: m\n": Syslog,
		"22-Nov-2026 20:01:02.123 queries: info: client 192.0.2.7#1 (a): query: a IN A + (192.0.2.53)\n": Syslog,
		"CEF:0|a|b|c|d|e|f|src=192.0.2.7\n":                                     Syslog,
		"type=SYSCALL msg=audit(1795345262.123:1): arch=c000003e\n":             Auditd,
		"node=a type=SYSCALL msg=audit(1795345262.123:1): pid=1\n":              Auditd,
		"a,b,c\n1,2,3\n4,5,6\n":                                                 CSV,
		"a;b;c\n1;\"2\n3\";4\n":                                                 CSV,
		"just words, and a comma\nmore of them\n":                               Text,
		"#fields\tts\tuid\n1\tC\n":                                              ZeekTSV,
		"<Event xmlns='x'><System/></Event>":                                    EventXML,
		"<html><body>no</body></html>":                                          Text,
		"__CURSOR=s\nMESSAGE=m\n\n":                                             Journal,
		"192.0.2.7 - - [22/Nov/2026:20:01:02 +0900] \"GET / HTTP/1.1\" 200 1\n": Access,
		"1795345267.123    345 192.0.2.7 TCP_MISS/200 4512 GET http://example.jp/ - HIER_DIRECT/198.51.100.9 text/html\n": Access,
		"#Software: x\n#Fields: date time\n": W3C,
	} {
		if got := Detect([]byte(text), "unknown.bin"); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}
