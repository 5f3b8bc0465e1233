package request

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"time"
)

// Shown is a mail as its recipient's program reads it: everything in it is read
// back from the bytes that go out.
type Shown struct {
	Purpose   Purpose     `json:"purpose"`
	Way       Way         `json:"way"`
	Digest    string      `json:"digest"` // SHA-256 of the bytes, hex
	Size      int         `json:"size"`
	From      string      `json:"from"`
	ReplyTo   string      `json:"reply_to,omitempty"`
	To        string      `json:"to,omitempty"`
	Subject   string      `json:"subject"`
	Date      time.Time   `json:"date"`
	MessageID string      `json:"message_id"`
	Type      string      `json:"type"` // multipart/report, multipart/mixed
	Parts     []ShownPart `json:"parts"`
	Raw       string      `json:"raw"` // all of it
}

// ShownPart is a part of a mail, decoded.
type ShownPart struct {
	Type string `json:"type"`
	Name string `json:"name,omitempty"`
	Text string `json:"text"`
}

func digestOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// maxShown bounds the parts of a mail.
const maxShown = 10

// show reads a mail as it goes out.
func show(raw []byte) (v Shown, err error) {
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return v, fmt.Errorf("read mail: %w", err)
	}
	v = Shown{Digest: digestOf(raw), Size: len(raw), From: decoded(m.Header.Get("From")), ReplyTo: m.Header.Get("Reply-To"), To: m.Header.Get("To"),
		Subject: decoded(m.Header.Get("Subject")), MessageID: m.Header.Get("Message-ID"), Raw: string(raw)}
	if v.Date, err = m.Header.Date(); err != nil {
		return v, fmt.Errorf("read mail: %w", err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return v, fmt.Errorf("read mail: %w", err)
	}
	v.Type = kind
	parts := multipart.NewReader(m.Body, params["boundary"])
	for range maxShown {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return v, nil
		}
		if err != nil {
			return v, fmt.Errorf("read mail: %w", err)
		}
		var r io.Reader = part
		switch part.Header.Get("Content-Transfer-Encoding") {
		case "base64":
			r = base64.NewDecoder(base64.StdEncoding, part)
		case "quoted-printable":
			r = quotedprintable.NewReader(part)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			return v, fmt.Errorf("read mail: %w", err)
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		v.Parts = append(v.Parts, ShownPart{kind, part.FileName(), strings.ReplaceAll(string(body), "\r\n", "\n")})
	}
	return v, nil
}

func decoded(s string) string {
	if d, err := new(mime.WordDecoder).DecodeHeader(s); err == nil {
		return d
	}
	return s
}
