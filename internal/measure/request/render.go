package request

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"net/textproto"
	"strings"
	"time"

	"noroshi/internal/base/text"
)

// letter is a mail of a request while it is written.
type letter struct {
	p       text.Printer // of the recipient's language, in UTC
	r       *Request
	d       *Draft
	desk    Desk
	org     string // its name in that language
	from    string // address that it is sent from
	id      ID     // of the mail
	now     time.Time
	version string
	xarf    []byte // empty: none
	paper   []byte // a carrier's, signed; empty: none
}

// subject tells what it is about, with the number by which answers are found.
func (l *letter) subject() string {
	s := l.p.T("request.mail.subject."+string(l.d.Kind), "harm", l.p.T("request.harm."+string(l.d.Subject.Harm)), "at", defang(l.d.Subject.At()))
	if l.d.Kind == Carrier { // the order stands in the paper, not on the envelope
		s = l.p.T("request.mail.subject.carrier")
	}
	return "[" + l.r.Number + "] " + s
}

// body is the text of a mail: everything that a desk needs, and nothing else.
func (l *letter) body() string {
	var b strings.Builder
	para := func(s string) {
		if s != "" {
			b.WriteString(s + "\n\n")
		}
	}
	p, d, s := l.p, l.d, &l.d.Subject
	para(l.d.To.Name)
	para(p.T("request.mail.lead."+string(d.Kind), "org", l.org))
	switch l.r.Purpose {
	case FollowUp:
		para(p.T("request.mail.again", "at", stampUTC(l.r.LastAt)))
	case Escalation:
		para(p.T("request.mail.else", "at", stampUTC(l.r.SentAt)))
	}
	if d.Kind == Carrier {
		para(p.T("request.mail.paper"))
		l.foot(&b)
		return b.String()
	}
	head := func(key string) { b.WriteString("## " + p.T(key) + "\n") }
	row := func(key, value string) {
		if value != "" {
			b.WriteString(p.T(key) + ": " + value + "\n")
		}
	}
	head("request.mail.asked")
	para(unlinked(d.Asked))
	if !d.By.IsZero() {
		para(p.T("request.mail.by", "at", stampUTC(d.By)))
	}
	head("request.mail.machine")
	address := s.Address
	if address != "" && s.Port > 0 {
		address += p.T("request.mail.port", "port", fmt.Sprint(s.Port))
	}
	if address != "" && s.Protocol != "" {
		address += " (" + strings.ToUpper(s.Protocol) + ")"
	}
	row("request.mail.address", address)
	if s.Name != "" {
		row("request.mail.name", defang(s.Name))
	}
	if s.URL != "" {
		row("request.mail.url", defang(s.URL))
	}
	if s.ASN > 0 {
		row("request.mail.asn", fmt.Sprintf("AS%d", s.ASN))
	}
	row("request.mail.harm", p.T("request.harm."+string(s.Harm)))
	b.WriteString("\n")
	if s.Name != "" || s.URL != "" {
		para(p.T("request.mail.defanged"))
	}
	head("request.mail.does")
	para(unlinked(s.Does))
	if len(d.Evidence) > 0 {
		head("request.mail.evidence")
		for i, e := range d.Evidence {
			fmt.Fprintf(&b, "%d. %s\n   %s\n", i+1, unlinked(e.Says), span(e))
			if e.Digest != "" {
				fmt.Fprintf(&b, "   SHA-256 %s\n", e.Digest)
			}
			for line := range strings.Lines(e.Lines) {
				b.WriteString("   | " + strings.TrimRight(unlinked(line), "\n") + "\n")
			}
		}
		b.WriteString("\n")
	}
	para(p.T("request.mail.untouched"))
	para(p.T("request.mail.answer."+string(d.Kind), "number", l.r.Number))
	l.foot(&b)
	return b.String()
}

// foot says who writes, how to answer, and how far it may be handed on.
func (l *letter) foot(b *strings.Builder) {
	b.WriteString("-- \n" + l.org + "\n")
	name := l.desk.Name
	if l.p.Lang == text.EN && l.desk.NameEN != "" {
		name = l.desk.NameEN
	}
	if name != "" {
		b.WriteString(name + "\n")
	}
	b.WriteString(l.p.T("request.mail.reply", "mail", l.desk.Reply, "number", l.r.Number) + "\n")
	if l.desk.Phone != "" {
		b.WriteString(l.p.T("request.mail.phone", "phone", l.desk.Phone) + "\n")
	}
	b.WriteString("TLP:" + l.d.TLP + " " + l.p.T("request.mail.tlp."+strings.ToLower(l.d.TLP)) + "\n")
}

// unlinked takes the links out of running text: nobody opens one by mistake.
func unlinked(s string) string {
	return strings.NewReplacer("http://", "hxxp://", "https://", "hxxps://", "HTTP://", "hxxp://", "HTTPS://", "hxxps://").Replace(s)
}

func stampUTC(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" }

// raw writes the whole mail (RFC 5322): a feedback report (RFC 6522, RFC 5965) with
// an XARF report where there is one, else text and what is attached. The Date is
// the instant at which it was checked.
func (l *letter) raw() []byte {
	var b bytes.Buffer
	_, domain, _ := strings.Cut(l.from, "@")
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	header("From", (&netmail.Address{Name: l.org, Address: l.from}).String())
	if l.desk.Reply != l.from {
		header("Reply-To", "<"+l.desk.Reply+">")
	}
	if l.d.To.Mail != "" {
		header("To", "<"+l.d.To.Mail+">")
	}
	header("Subject", mime.BEncoding.Encode("utf-8", l.subject()))
	header("Date", l.now.UTC().Format(time.RFC1123Z))
	header("Message-ID", "<"+l.id+"@"+domain+">")
	header("Content-Language", string(l.p.Lang))
	header("MIME-Version", "1.0")
	m := multipart.NewWriter(&b)
	if err := m.SetBoundary("=_" + l.id); err != nil {
		panic("BUG: request: boundary: " + err.Error())
	}
	if len(l.xarf) > 0 {
		header("Content-Type", `multipart/report; report-type=feedback-report; boundary="`+m.Boundary()+`"`)
	} else {
		header("Content-Type", `multipart/mixed; boundary="`+m.Boundary()+`"`)
	}
	b.WriteString("\r\n")
	plain(m, "text/plain; charset=utf-8", "", strings.ReplaceAll(l.body(), "\n", "\r\n"))
	if len(l.xarf) > 0 {
		plain(m, "message/feedback-report", "", l.feedback())
		attach(m, "application/json", "xarf.json", l.xarf)
	}
	if len(l.paper) > 0 {
		attach(m, "application/json", l.r.Number+".json", l.paper)
	}
	if err := m.Close(); err != nil {
		panic("BUG: request: mail: " + err.Error())
	}
	return b.Bytes()
}

// feedback is the part of a report that every reader of RFC 5965 knows; its type is
// the one by which readers of XARF know theirs.
func (l *letter) feedback() string {
	var b strings.Builder
	first, _ := l.d.seen(l.now)
	fmt.Fprintf(&b, "Feedback-Type: xarf\r\nUser-Agent: Noroshi/%s\r\nVersion: 1\r\nArrival-Date: %s\r\n", l.version, first.UTC().Format(time.RFC1123Z))
	if s := &l.d.Subject; s.Address != "" {
		fmt.Fprintf(&b, "Source-IP: %s\r\n", s.Address)
	}
	if s := &l.d.Subject; s.Name != "" {
		fmt.Fprintf(&b, "Reported-Domain: %s\r\n", s.Name)
	}
	if s := &l.d.Subject; s.URL != "" {
		fmt.Fprintf(&b, "Reported-URI: %s\r\n", s.URL)
	}
	return b.String()
}

// plain writes a part of text, readable as it stands where it mostly is ASCII.
func plain(m *multipart.Writer, kind, name, s string) {
	other := 0
	for i := range len(s) {
		if s[i] >= 0x80 {
			other++
		}
	}
	if other*4 > len(s) {
		attach(m, kind, name, []byte(s))
		return
	}
	h := textproto.MIMEHeader{"Content-Type": {kind}, "Content-Transfer-Encoding": {"quoted-printable"}}
	if kind == "message/feedback-report" { // RFC 5965 §2(d), RFC 2046: 7bit
		h.Set("Content-Transfer-Encoding", "7bit")
		putPart(m, h, []byte(s))
		return
	}
	var b bytes.Buffer
	q := quotedprintable.NewWriter(&b)
	_, err := io.WriteString(q, s)
	if err == nil {
		err = q.Close()
	}
	if err != nil {
		panic("BUG: request: mail: " + err.Error())
	}
	putPart(m, h, b.Bytes())
}

// attach writes a part in base 64, in lines of 76.
func attach(m *multipart.Writer, kind, name string, raw []byte) {
	h := textproto.MIMEHeader{"Content-Type": {kind}, "Content-Transfer-Encoding": {"base64"}}
	if name != "" {
		h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	}
	var b bytes.Buffer
	for s := base64.StdEncoding.EncodeToString(raw); s != ""; {
		n := min(76, len(s))
		b.WriteString(s[:n] + "\r\n")
		s = s[n:]
	}
	putPart(m, h, b.Bytes())
}

func putPart(m *multipart.Writer, h textproto.MIMEHeader, body []byte) {
	w, err := m.CreatePart(h)
	if err == nil {
		_, err = w.Write(body)
	}
	if err != nil {
		panic("BUG: request: mail: " + err.Error()) // it is written into memory
	}
}
