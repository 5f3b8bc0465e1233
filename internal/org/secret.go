package org

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"strings"
)

// Prefixes tell what a secret is for: secret scanners find a token that
// somebody committed by accident, and one kind never passes for another.
const (
	tokenPrefix   = "nrs_" // API token
	sessionPrefix = "nss_" // session, in the cookie
	ticketPrefix  = "nrt_" // link
)

// newSecret returns 256 random bits as text, and the digest that is stored.
// A plain SHA-256 is enough: there is nothing to guess in 256 random bits.
func newSecret(prefix string) (secret string, stored []byte) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	secret = prefix + base64.RawURLEncoding.EncodeToString(raw)
	return secret, storedForm(secret)
}

// storedForm returns what is kept of a secret.
func storedForm(secret string) []byte {
	sum := sha256.Sum256([]byte("noroshi org\x00" + secret))
	return sum[:]
}

// wellFormed reports whether s could be a secret with the prefix; whatever is
// not is turned away before the database is asked.
func wellFormed(s, prefix string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok || len(rest) != 43 {
		return false
	}
	_, err := base64.RawURLEncoding.DecodeString(rest)
	return err == nil
}

// newCodes returns recovery codes of 80 random bits, each in four groups of
// four, for the day the device is lost.
func newCodes(n int) []string {
	codes := make([]string, n)
	for i := range codes {
		raw := make([]byte, 10)
		_, _ = rand.Read(raw)
		s := base32.StdEncoding.EncodeToString(raw)
		codes[i] = s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
	}
	return codes
}

// normalCode undoes what people do to a recovery code when they type it.
func normalCode(s string) string {
	s = strings.NewReplacer("-", "", " ", "", "0", "O", "1", "I", "8", "B").Replace(strings.ToUpper(line(s)))
	if len(s) != 16 {
		return ""
	}
	return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
}
