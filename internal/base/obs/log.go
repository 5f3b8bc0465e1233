// Package obs is how the program tells what it does: logs without secrets and
// Prometheus metrics with bounded labels. It knows no noun.
package obs

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Formats of a log.
const (
	JSON = "json"
	Text = "text"
)

// hidden stands where a secret would.
const hidden = "[redacted]"

// Secret is a text that no log shows.
type Secret string

// LogValue hides the text from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// String hides the text from fmt.
func (Secret) String() string { return hidden }

// GoString hides the text from %#v.
func (Secret) GoString() string { return hidden }

// secretWords are what the name of an attribute contains when its value must
// not be logged, whoever put it there.
func secretWords() []string {
	return []string{"password", "passphrase", "passwd", "secret", "token", "cookie", "authorization", "bearer", "credential", "private", "totp", "otp", "recovery", "session", "key_material", "apikey", "api_key"}
}

// NewLog returns a log that writes to w. Format is JSON or Text; level is
// debug, info, warn or error.
func NewLog(w io.Writer, format, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	words := secretWords()
	opt := &slog.HandlerOptions{Level: l, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if isSecret(words, a.Key) && a.Value.Kind() != slog.KindGroup {
			a.Value = slog.StringValue(hidden)
		}
		return a
	}}
	switch format {
	case JSON:
		return slog.New(slog.NewJSONHandler(w, opt)), nil
	case Text:
		return slog.New(slog.NewTextHandler(w, opt)), nil
	}
	return nil, fmt.Errorf("log format %q: want json or text", format)
}

func isSecret(words []string, key string) bool {
	key = strings.ToLower(key)
	for _, w := range words {
		if strings.Contains(key, w) {
			return true
		}
	}
	return false
}
