package mail_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/mail"
)

// office is a real SMTP server on this machine that keeps what it takes.
type office struct {
	mu    sync.Mutex
	taken []string
	full  int // answers of "mailbox busy" still to give
}

func (o *office) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{o}, nil }

type session struct{ *office }

func (s *session) Reset()                               {}
func (s *session) Logout() error                        { return nil }
func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case strings.HasPrefix(to, "nobody@"):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	case s.full > 0:
		s.full--
		return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 1}, Message: "mailbox busy"}
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = append(s.taken, string(raw))
	return err
}

func open(t *testing.T) (*office, *mail.Sender) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &office{}
	srv := smtp.NewServer(o)
	srv.Domain, srv.AllowInsecureAuth = "mx.example", true
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	s, err := mail.New(mail.Config{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: mail.NoTLS, From: "狼煙 <beacon@hub.example>", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return o, s
}

func TestSend(t *testing.T) {
	o, s := open(t)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	m := mail.Message{ID: "d-1", To: "当直 <desk@firm.example>", Subject: "【即応】装置の更新\r\nBcc: other@x.example", Text: "版を確かめてください", HTML: "<p>版を確かめてください</p>", Calendar: []byte("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")}
	if err := s.Send(ctx, m); err != nil {
		t.Fatal(err)
	}
	if len(o.taken) != 1 {
		t.Fatalf("%d messages", len(o.taken))
	}
	got, err := netmail.ReadMessage(strings.NewReader(o.taken[0]))
	if err != nil {
		t.Fatal(err)
	}
	dec := new(mime.WordDecoder)
	subject, err := dec.DecodeHeader(got.Header.Get("Subject"))
	if err != nil || subject != "【即応】装置の更新 Bcc: other@x.example" || got.Header.Get("Bcc") != "" {
		t.Errorf("subject %q, %v: a line break made a header", subject, err)
	}
	if id := got.Header.Get("Message-ID"); id != "<d-1@hub.example>" {
		t.Errorf("Message-ID %s", id)
	}
	if got.Header.Get("Auto-Submitted") != "auto-generated" {
		t.Error("nothing says that a machine writes")
	}
	if kinds := partKinds(t, got.Header.Get("Content-Type"), got.Body); !cmp.Equal(kinds, []string{"text/plain", "text/html", "text/calendar"}) {
		t.Errorf("parts %v", kinds)
	}
}

func partKinds(t *testing.T, contentType string, body io.Reader) (out []string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		return []string{kind}
	}
	r := multipart.NewReader(body, params["boundary"])
	for {
		p, err := r.NextPart()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, partKinds(t, p.Header.Get("Content-Type"), p)...)
	}
}

func TestRefusals(t *testing.T) {
	o, s := open(t)
	if err := s.Send(t.Context(), mail.Message{ID: "d-2", To: "nobody@firm.example", Subject: "x", Text: "x"}); !errors.Is(err, mail.ErrRefused) {
		t.Errorf("unknown mailbox: %v", err)
	}
	o.full = 1
	m := mail.Message{ID: "d-3", To: "desk@firm.example", Subject: "x", Text: "x"}
	if err := s.Send(t.Context(), m); !errors.Is(err, mail.ErrLater) {
		t.Errorf("busy mailbox: %v", err)
	}
	if err := s.Send(t.Context(), m); err != nil {
		t.Errorf("the second time: %v", err)
	}
	for _, to := range []string{"", "desk", "a@b.example, c@d.example", "desk@firm.example\r\nBcc: x@y.example"} {
		if err := s.Send(t.Context(), mail.Message{ID: "d", To: to, Text: "x"}); !errors.Is(err, mail.ErrAddress) {
			t.Errorf("%q: %v", to, err)
		}
	}
	off, err := mail.New(mail.Config{})
	if err != nil || off.On() || !errors.Is(off.Send(t.Context(), m), mail.ErrOff) {
		t.Error("a sender without a server sends")
	}
	// Nobody listens there; and a server that cannot protect the line gets nothing.
	for _, c := range []mail.Config{{Host: "127.0.0.1", Port: 1, TLS: mail.NoTLS, From: "a@b.example"}, {Host: "127.0.0.1", Port: portOf(t), From: "a@b.example"}} {
		s, err := mail.New(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Send(t.Context(), m); !errors.Is(err, mail.ErrLater) {
			t.Errorf("port %d: %v", c.Port, err)
		}
	}
}

// portOf is the port of a server without TLS.
func portOf(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := smtp.NewServer(&office{})
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

const report = "From: MAILER-DAEMON@mx.example\r\nTo: beacon@hub.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n" +
	"--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n" +
	"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; desk@firm.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1\r\n no such mailbox\r\n\r\n" +
	"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: beacon@hub.example\r\nMessage-ID: <d-1@hub.example>\r\n\r\n--b--\r\n"

func TestReadReport(t *testing.T) {
	got, err := mail.ReadReport(strings.NewReader(report))
	want := mail.Report{ID: "d-1", To: "desk@firm.example", Action: "failed", Status: "5.1.1", Why: "550 5.1.1 no such mailbox"}
	if err != nil || got != want {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "hello", "Subject: x\r\n\r\nyou won", strings.Replace(report, "report-type=delivery-status", "report-type=other", 1), strings.Replace(report, "<d-1@hub.example>", "", 1)} {
		if _, err := mail.ReadReport(strings.NewReader(bad)); !errors.Is(err, mail.ErrReport) {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}

func FuzzReadReport(f *testing.F) {
	f.Add(report)
	f.Fuzz(func(t *testing.T, raw string) {
		if r, err := mail.ReadReport(strings.NewReader(raw)); err == nil && (r.ID == "" || r.Action == "") {
			t.Errorf("a report of nothing: %+v", r)
		}
	})
}

// A server that took a message and then hangs up took it: were that a failure,
// it would get the message ten times.
func TestTakenThenHungUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		in := bufio.NewScanner(c)
		io.WriteString(c, "220 mx.example\r\n")
		for data := false; in.Scan(); {
			switch line := in.Text(); {
			case data && line == ".":
				io.WriteString(c, "250 taken\r\n")
				return
			case data:
			case line == "DATA":
				data = true
				io.WriteString(c, "354 go on\r\n")
			default:
				io.WriteString(c, "250 ok\r\n")
			}
		}
	}()
	s, err := mail.New(mail.Config{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: mail.NoTLS, From: "beacon@hub.example", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), mail.Message{ID: "d-9", To: "desk@firm.example", Subject: "x", Text: "x"}); err != nil {
		t.Errorf("taken and not taken: %v", err)
	}
}

// What somebody read before it was sent goes out byte for byte.
func TestSendRaw(t *testing.T) {
	o, s := open(t)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	raw := "From: x@hub.example\r\nTo: abuse@host.example\r\nSubject: x\r\n\r\n.one\r\n..two\r\nlong " + strings.Repeat("x", 900) + "\r\n"
	if err := s.Send(ctx, mail.Message{ID: "d-9", To: "abuse@host.example", Raw: []byte(raw)}); err != nil {
		t.Fatal(err)
	}
	if len(o.taken) != 1 || o.taken[0] != raw {
		t.Errorf("taken %q", o.taken)
	}
	if err := s.Send(ctx, mail.Message{To: "nobody@host.example", Raw: []byte(raw)}); !errors.Is(err, mail.ErrRefused) {
		t.Errorf("no mailbox: %v", err)
	}
	o.full = 1
	if err := s.Send(ctx, mail.Message{To: "abuse@host.example", Raw: []byte(raw)}); !errors.Is(err, mail.ErrLater) {
		t.Errorf("busy: %v", err)
	}
	if err := s.Send(ctx, mail.Message{To: "abuse@host.example>\r\nDATA", Raw: []byte(raw)}); !errors.Is(err, mail.ErrAddress) {
		t.Errorf("another command in the address: %v", err)
	}
	if len(o.taken) != 1 {
		t.Errorf("%d taken", len(o.taken))
	}
}
