// Package webhook signs messages to other programs and checks the signatures
// of theirs, as the Standard Webhooks specification 1.0 says: the signature is
// over the message's id, its time and its body, so that none of them can be
// changed and an old message cannot be played again.
package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// The headers of a message (Standard Webhooks, "Webhook headers").
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

// Tolerance is how far the time of a message may be from the receiver's clock.
const Tolerance = 5 * time.Minute

// Errors of checking.
var (
	ErrSecret    = errors.New("webhook: a secret is whsec_ and 24 to 64 bytes in base64")
	ErrSignature = errors.New("webhook: no signature of the message fits")
	ErrTime      = errors.New("webhook: the time of the message is too far from now")
)

const prefix = "whsec_"

// Secret is what both sides share. It does not print itself.
type Secret struct{ key []byte }

// NewSecret returns a random secret.
func NewSecret() Secret {
	key := make([]byte, 32)
	rand.Read(key) // never fails
	return Secret{key}
}

// ParseSecret reads a secret in the form [Secret.Reveal] writes it.
func ParseSecret(s string) (Secret, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, prefix))
	if err != nil || len(key) < 24 || len(key) > 64 {
		return Secret{}, ErrSecret
	}
	return Secret{key}, nil
}

// Reveal returns the secret to be shown once: whsec_ and base64.
func (s Secret) Reveal() string { return prefix + base64.StdEncoding.EncodeToString(s.key) }

// String hides the secret from logs.
func (Secret) String() string { return "[secret]" }

// Sign returns the headers of a message.
func (s Secret) Sign(id string, at time.Time, body []byte) map[string]string {
	t := strconv.FormatInt(at.Unix(), 10)
	return map[string]string{HeaderID: id, HeaderTimestamp: t, HeaderSignature: "v1," + base64.StdEncoding.EncodeToString(s.mac(id, t, body))}
}

// Verify checks the headers of a message that arrived now. A message may carry
// several signatures, while a secret is being changed. Errors: [ErrTime],
// [ErrSignature].
func (s Secret) Verify(header func(string) string, now time.Time, body []byte) error {
	id, t := header(HeaderID), header(HeaderTimestamp)
	sec, err := strconv.ParseInt(t, 10, 64)
	if err != nil || now.Sub(time.Unix(sec, 0)).Abs() > Tolerance {
		return ErrTime
	}
	want := s.mac(id, t, body)
	for one := range strings.FieldsSeq(header(HeaderSignature)) {
		version, sum, _ := strings.Cut(one, ",")
		got, err := base64.StdEncoding.DecodeString(sum)
		if version == "v1" && err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return ErrSignature
}

func (s Secret) mac(id, t string, body []byte) []byte {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(id + "." + t + "."))
	h.Write(body)
	return h.Sum(nil)
}
