package org

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"image"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
	"golang.org/x/text/unicode/norm"
)

// The parameters every authenticator app understands (RFC 6238; RFC 4226
// section 4 R6 wants a secret of 160 bits).
const (
	step       = 30 * time.Second
	secretSize = 20
	// A code of the step before or after is accepted: clocks differ, and
	// people type (RFC 6238 section 5.2).
	skew = 1
)

// newTOTPSecret returns a random secret in base32.
func newTOTPSecret() string {
	raw := make([]byte, secretSize)
	_, _ = rand.Read(raw)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)
}

// otpauth returns the address that an authenticator app reads from a QR code.
func otpauth(secret, issuer, account string) (string, error) {
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		return "", fmt.Errorf("TOTP secret: %w", err)
	}
	k, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: account, Secret: raw})
	if err != nil {
		return "", fmt.Errorf("TOTP address: %w", err)
	}
	return k.URL(), nil
}

// matchStep returns the time step of which code is the code, or 0 when it is
// of none near now or of one that is not later than used: a code works once
// (RFC 6238 section 5.2). It takes the same time in either case.
func matchStep(secret, code string, now time.Time, used int64) (int64, error) {
	code = strings.ReplaceAll(norm.NFKC.String(clip(code)), " ", "")
	at, found := now.Unix()/int64(step/time.Second), int64(0)
	for i := at - skew; i <= at+skew; i++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(i), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, fmt.Errorf("TOTP code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && i > used {
			found = i
		}
	}
	return found, nil
}

// QR draws text as a QR code: an SVG path of one unit per module, and the
// number of modules a side, the quiet zone of four included.
func QR(content string) (path string, side int, err error) {
	code, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return "", 0, fmt.Errorf("QR code: %w", err)
	}
	const quiet = 4
	size := code.Bounds().Dx()
	var b strings.Builder
	for y := range size {
		for x := 0; x < size; {
			run := x
			for run < size && isDark(code, run, y) {
				run++
			}
			if run > x {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run-x, run-x)
			}
			x = max(run, x+1)
		}
	}
	return b.String(), size + 2*quiet, nil
}

func isDark(img image.Image, x, y int) bool {
	r, _, _, _ := img.At(x, y).RGBA()
	return r == 0
}
