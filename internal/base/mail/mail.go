// Package mail sends mail through the one SMTP server the hub is configured
// with, and reads the reports of what could not be delivered.
//
// A message goes to one recipient: nobody learns from a header who else was
// written to. Its Message-ID carries the sender's own id of the delivery, so
// that a report of failure, which quotes it, finds its way back.
package mail

import (
	"context"
	"crypto/tls"
	"embed"
	"errors"
	"net"
	"net/mail"
	"net/textproto"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"noroshi/internal/base/fault"
)

// Words are the sentences of this package.
//
//go:embed text
var Words embed.FS

// Faults of sending.
var (
	ErrOff     = fault.New(fault.Conflict, "mail.off")    // no server is configured
	ErrRefused = fault.New(fault.Invalid, "mail.refused") // for good: it will be refused again
	ErrLater   = fault.New(fault.Busy, "mail.later")      // for now
	ErrAddress = fault.New(fault.Invalid, "mail.address") // not an address
)

// TLS says how the connection to the server is protected.
type TLS string

// The ways. Opportunistic encryption is not among them: it falls back in
// silence.
const (
	StartTLS TLS = "starttls" // RFC 3207, required
	Implicit TLS = "implicit" // RFC 8314
	NoTLS    TLS = "none"     // only to this machine, or within a closed network
)

// Config is the server and who we are to it.
type Config struct {
	Host           string // empty: mail is off
	Port           int
	TLS            TLS
	User, Password string
	From           string        // "Noroshi <noroshi@hub.example>"
	Timeout        time.Duration // of one message; 30 s when zero
	Roots          *tls.Config   // nil: the machine's
}

// Message is one mail to one recipient.
type Message struct {
	ID       string // of the delivery: letters, digits and hyphens
	To       string
	Subject  string
	Text     string // always there
	HTML     string // the same as a page; may be empty
	Calendar []byte // an .ics file; may be empty
	Headers  map[string]string

	// Raw is a whole message (RFC 5322, lines ending in CRLF) that goes as it
	// is, byte for byte, because somebody read it before; of the fields above
	// only To is looked at then.
	Raw []byte
}

// Sender sends through one server.
type Sender struct {
	c    Config
	from *mail.Address
}

// New returns a sender. With no host every Send is [ErrOff].
func New(c Config) (*Sender, error) {
	if c.Host == "" {
		return &Sender{}, nil
	}
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return nil, badAddress(c.From)
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	return &Sender{c, from}, nil
}

// On reports whether a server is configured.
func (s *Sender) On() bool { return s.from != nil }

// Address returns an address without name and comment, in the form it is
// compared by. Fault: [ErrAddress].
func Address(raw string) (string, error) {
	a, err := mail.ParseAddress(strings.TrimSpace(raw))
	if err != nil || len(a.Address) > 254 || strings.ContainsAny(a.Address, "\r\n") {
		return "", badAddress(raw)
	}
	local, host, _ := cutLast(a.Address, "@")
	return local + "@" + strings.ToLower(host), nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// Send hands a message to the server, and returns once the server has taken
// it. Faults: [ErrOff], [ErrAddress], [ErrRefused] with the server's answer,
// [ErrLater].
func (s *Sender) Send(ctx context.Context, m Message) error {
	if !s.On() {
		return ErrOff
	}
	client, err := gomail.NewClient(s.c.Host, s.options()...)
	if err != nil {
		return err
	}
	if m.Raw != nil {
		return s.sendRaw(ctx, client, m)
	}
	msg, err := s.compose(m)
	if err != nil {
		return err
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if msg.IsDelivered() { // how the conversation ends after that changes nothing
		return nil
	}
	return verdict(err)
}

// sendRaw hands a message over as it is.
func (s *Sender) sendRaw(ctx context.Context, client *gomail.Client, m Message) error {
	to, err := Address(m.To)
	if err != nil {
		return err
	}
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return verdict(err)
	}
	defer conn.Close()
	if err := conn.UpdateDeadline(s.c.Timeout); err != nil {
		return verdict(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := conn.Mail("<" + s.from.Address + ">"); err != nil {
		return verdict(err)
	}
	if err := conn.Rcpt("<" + to + ">"); err != nil {
		return verdict(err)
	}
	w, err := conn.Data()
	if err != nil {
		return verdict(err)
	}
	if _, err := w.Write(m.Raw); err != nil {
		return verdict(err)
	}
	if err := w.Close(); err != nil {
		return verdict(err)
	}
	_ = conn.Quit() // it was taken: how the conversation ends after that changes nothing
	return nil
}

func (s *Sender) options() []gomail.Option {
	out := []gomail.Option{gomail.WithTimeout(s.c.Timeout), gomail.WithHELO(s.domain())}
	switch s.c.TLS {
	case Implicit:
		out = append(out, gomail.WithSSL())
	case NoTLS:
		out = append(out, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		out = append(out, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.c.Port != 0 {
		out = append(out, gomail.WithPort(s.c.Port))
	}
	if s.c.User != "" {
		out = append(out, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.c.User), gomail.WithPassword(s.c.Password))
	}
	if s.c.Roots != nil {
		out = append(out, gomail.WithTLSConfig(s.c.Roots))
	}
	return out
}

func (s *Sender) domain() string {
	_, host, _ := cutLast(s.from.Address, "@")
	return host
}

func (s *Sender) compose(m Message) (*gomail.Msg, error) {
	to, err := Address(m.To)
	if err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := errors.Join(msg.From(s.c.From), msg.To(to)); err != nil {
		return nil, badAddress(m.To).Because(err)
	}
	msg.Subject(oneLine(m.Subject))
	msg.SetDate()
	msg.SetMessageIDWithValue(m.ID + "@" + s.domain())
	// A machine writes: no vacation notes, please (RFC 3834).
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	for k, v := range m.Headers {
		msg.SetGenHeader(gomail.Header(k), oneLine(v))
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	if len(m.Calendar) > 0 {
		if err := msg.AttachReader("deadline.ics", strings.NewReader(string(m.Calendar)), gomail.WithFileContentType("text/calendar; charset=utf-8; method=PUBLISH")); err != nil {
			return nil, err
		}
	}
	return msg, nil
}

func badAddress(raw string) *fault.Error {
	return fault.New(fault.Invalid, "mail.address", "address", raw)
}

func later(why string) *fault.Error { return fault.New(fault.Busy, "mail.later", "why", why) }

// oneLine keeps what somebody typed from becoming a header of its own.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// verdict says whether trying again can help.
func verdict(err error) error {
	if err == nil {
		return nil
	}
	var said *textproto.Error // of a conversation of our own
	if errors.As(err, &said) && said.Code >= 500 {
		return fault.New(fault.Invalid, "mail.refused", "code", said.Code, "why", oneLine(said.Error())).Because(err)
	}
	var refused *gomail.SendError
	if errors.As(err, &refused) && !refused.IsTemp() && refused.ErrorCode() >= 500 {
		return fault.New(fault.Invalid, "mail.refused", "code", refused.ErrorCode(), "why", oneLine(refused.Error())).Because(err)
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return later("DNS").Because(err)
	}
	return later(oneLine(err.Error())).Because(err)
}
