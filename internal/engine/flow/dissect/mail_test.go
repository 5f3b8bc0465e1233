package dissect

import (
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

func TestMail(t *testing.T) {
	for _, c := range []struct {
		what  string
		begin func(record.Facts) Stream
		said  []utterance
		want  record.Mail
	}{
		{"one message", newSMTP, []utterance{in("220 mx.test ESMTP Postfix\r\n"), out("EHLO c.test\r\n"), in("250-mx.test\r\n250-SIZE 1\r\n250 OK\r\n"), out("MAIL FROM:<secret@c.test>\r\n"), in("250 ok\r\n"),
			out("RCPT TO:<a@x>\r\n"), in("250 ok\r\n"), out("RCPT TO:<b@x>\r\n"), in("550 no\r\n"), out("DATA\r\n"), in("354 go\r\n"), out("Subject: DATA\r\n\r\nMAIL FROM: no command\r\n..\r\n"), out(".\r\n"), in("250 queued\r\n"), out("QUIT\r\n"), in("221 bye\r\n")},
			record.Mail{Commands: 6, Errors: 1, Messages: 1, Recipients: 2, MessageBytes: 44}},
		{"pipelined and refused", newSMTP, []utterance{in("220 mx ESMTP\r\n"), out("EHLO c\r\n"), in("250 PIPELINING\r\n"), out("MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n"), in("250 ok\r\n550 no\r\n554 no valid\r\n"), out("RSET\r\nQUIT\r\n"), in("250 ok\r\n221 x\r\n")},
			record.Mail{Commands: 6, Errors: 2, Recipients: 1}},
		{"a failed and a good logon", newSMTP, []utterance{in("220 mx ESMTP\r\n"), out("AUTH LOGIN\r\n"), in("334 VXNlcg==\r\n"), out("QUIT\r\n"), in("334 UGFzcw==\r\n"), out("DATA\r\n"), in("535 no\r\n"), out("AUTH PLAIN AGEAYg==\r\n"), in("235 ok\r\n"), out("NOOP\r\n"), in("250 ok\r\n")},
			record.Mail{Commands: 3, Errors: 1, AuthTries: 2, AuthFailures: 1, Authenticated: true}},
		{"chunks", newSMTP, []utterance{in("220 mx ESMTP\r\n"), out("MAIL FROM:<a>\r\nRCPT TO:<b>\r\nBDAT 6\r\nQUIT\r\nBDAT 3 LAST\r\nabcBDAT x\r\nQUIT\r\n"), in("250 a\r\n250 b\r\n250 c\r\n250 d\r\n501 e\r\n221 f\r\n")},
			record.Mail{Commands: 6, Errors: 1, Messages: 2, Recipients: 1, MessageBytes: 9}},
		{"only the client", newSMTP, []utterance{out("EHLO a\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n"), out("x\r\n.\r\nQUIT\r\n")}, record.Mail{Commands: 5, Messages: 1, Recipients: 1, MessageBytes: 3}},
		{"the dot was lost", newSMTP, []utterance{in("220 mx ESMTP\r\n"), out("DATA\r\n"), in("354 go\r\n"), out("x\r\n"), {side: record.Out, lost: 100, b: []byte("yz\r\n")}, in("250 ok\r\n"), out("QUIT\r\n")}, record.Mail{Commands: 2, Messages: 1, MessageBytes: 7}},
		{"IMAP", newIMAP, []utterance{in("* OK [CAPABILITY] Dovecot ready.\r\n"), out("a1 LOGIN secret {6}\r\n"), in("+ go\r\n"), out("passwd\r\na2 SELECT INBOX\r\n"), in("a1 NO bad\r\na2 BAD\r\n"), out("a3 AUTHENTICATE PLAIN\r\n"), in("+ \r\n"), out("AGEAYg==\r\n"), in("a3 OK in\r\n"),
			out("a4 UID FETCH 1 BODY[]\r\n"), in("* 1 FETCH (BODY[] {12}\r\na9 NO\r\na9 NO)\r\na4 OK done\r\n"), out("a5 APPEND Sent {5+}\r\nhello\r\na6 LOGOUT\r\n"), in("a5 OK\r\n* BYE\r\na6 OK\r\n")},
			record.Mail{Commands: 6, Errors: 2, Messages: 2, MessageBytes: 17, AuthTries: 2, AuthFailures: 1, Authenticated: true}},
		{"POP3", newPOP, []utterance{in("+OK hello\r\n"), out("USER secret\r\n"), in("+OK\r\n"), out("PASS secret\r\n"), in("-ERR no\r\n"), out("PASS again\r\n"), in("+OK\r\n"), out("LIST\r\n"), in("+OK\r\n1 5\r\n-ERR no reply\r\n.\r\n"), out("LIST 1\r\nRETR 1\r\nDELE 1\r\n"),
			in("+OK 1 5\r\n+OK\r\nSubject: x\r\n\r\n+OK\r\n.\r\n-ERR gone\r\n"), out("QUIT\r\n"), in("+OK\r\n")}, record.Mail{Commands: 8, Errors: 2, Messages: 1, MessageBytes: 19, AuthTries: 2, AuthFailures: 1, Authenticated: true}},
	} {
		got := say(c.begin, false, c.said...).Mail
		c.want.Greeting = got.Greeting
		if *got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.what, *got, c.want)
		}
	}
}

func TestMailGreeting(t *testing.T) {
	r := say(nil, false, in("220 mail.secret.test ESMTP Postfix (Debian)\r\n"))
	if r.App != record.SMTP || r.Mail == nil || r.Mail.Greeting.Family.String() != "postfix" {
		t.Errorf("%s %+v", r.App, r.Mail)
	}
	if r = say(nil, false, in("220 secret ESMTP\r\n")); r.Mail == nil || !r.Mail.Greeting.IsZero() {
		t.Errorf("a greeting without a known program: %+v", r.Mail)
	}
}

// STARTTLS hands both sides over, at the very byte.
func TestStartTLSEverywhere(t *testing.T) {
	alert := "\x15\x03\x01\x00\x02\x02\x28"
	for what, said := range map[string][]utterance{
		"SMTP":    {in("220 mx ESMTP\r\n"), out("STARTTLS\r\n"), in("220 go\r\n"), out(alert)},
		"IMAP":    {in("* OK hi\r\n"), out("x STARTTLS\r\n"), in("x OK begin\r\n"), out(alert)},
		"POP3":    {in("+OK hi\r\n"), out("STLS\r\n"), in("+OK begin\r\n"), out(alert)},
		"LDAP":    {out("\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"), in("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"), out(alert)},
		"RDP":     {out("\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00"), in("\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x00\x08\x00\x02\x00\x00\x00"), out(alert)},
		"CONNECT": {out("CONNECT h:443 HTTP/1.1\r\n\r\n"), in("HTTP/1.1 200 ok\r\n\r\n"), out(alert)},
		"SOCKS":   {out("\x05\x01\x00"), in("\x05\x00"), out("\x05\x01\x00\x01\x01\x02\x03\x04\x01\xbb"), in("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"), out(alert)},
	} {
		r := say(nil, false, said...)
		if r.TLS == nil || r.TLS.Alert != 40 {
			t.Errorf("%s: %s", what, asText(r))
		}
		if name := strings.ToLower(what); name != "connect" && !strings.HasPrefix(name, r.App.String()) {
			t.Errorf("%s is called %s", what, r.App)
		}
	}
}
