package mail

import (
	"bufio"
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/textproto"
	"strings"

	"noroshi/internal/base/fault"
)

// Report is what a mail server reports of one message (RFC 3464).
type Report struct {
	ID     string // of the delivery, as it was in Message.ID
	To     string // the recipient that is reported of
	Action string // failed, delayed, delivered, relayed, expanded
	Status string // RFC 3463: 5.1.1
	Why    string // the other server's words
}

// Bounds of a report: what quotes more is no report.
const (
	maxReport = 1 << 20
	maxParts  = 20
)

// ErrReport is returned for what is no delivery report.
var ErrReport = fault.New(fault.Usage, "mail.report")

// ReadReport reads a delivery report as a mail server sends it to the address
// that a message came from. Fault: [ErrReport].
func ReadReport(r io.Reader) (Report, error) {
	m, err := mail.ReadMessage(io.LimitReader(r, maxReport))
	if err != nil {
		return Report{}, ErrReport
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/report" || !strings.EqualFold(params["report-type"], "delivery-status") {
		return Report{}, ErrReport
	}
	var rep Report
	parts := multipart.NewReader(m.Body, params["boundary"])
	for range maxParts {
		part, err := parts.NextPart()
		if err != nil {
			break
		}
		body, err := io.ReadAll(part)
		if err != nil {
			return Report{}, ErrReport
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		switch strings.ToLower(kind) {
		case "message/delivery-status":
			rep.status(body)
		case "message/rfc822", "text/rfc822-headers", "message/global-headers":
			rep.ID = deliveryID(body)
		}
	}
	if rep.ID == "" || rep.Action == "" {
		return Report{}, ErrReport
	}
	return rep, nil
}

// status reads the groups of fields of a report: first of the message, then of
// each recipient. Ours have one.
func (r *Report) status(body []byte) {
	fields := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(body, "\r\n\r\n"...))))
	for range maxParts {
		h, err := fields.ReadMIMEHeader()
		if a := h.Get("Action"); a != "" {
			r.Action, r.Status = strings.ToLower(a), h.Get("Status")
			_, r.To, _ = strings.Cut(h.Get("Final-Recipient"), ";")
			r.To = strings.TrimSpace(r.To)
			_, r.Why, _ = strings.Cut(h.Get("Diagnostic-Code"), ";")
			r.Why = oneLine(r.Why)
		}
		if err != nil {
			return
		}
	}
}

// deliveryID finds our id in the quoted headers of the message.
func deliveryID(quoted []byte) string {
	h, _ := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(quoted, "\r\n\r\n"...)))).ReadMIMEHeader()
	id, _, _ := cutLast(strings.Trim(h.Get("Message-ID"), "<> "), "@")
	return id
}
