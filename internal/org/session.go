package org

import (
	"time"

	"noroshi/internal/base/text"
)

// Session is one place where a person is signed in.
type Session struct {
	ID        string    `json:"id"`
	Person    PersonID  `json:"person"`
	Device    string    `json:"device"` // what the browser says it is, in words
	How       string    `json:"how"`    // code | recovery_code | invite | re_enrol | demo
	OpenedAt  time.Time `json:"opened_at"`
	SeenAt    time.Time `json:"seen_at"` // to the minute
	ExpiresAt time.Time `json:"expires_at"`
	Current   bool      `json:"current"` // the one that asks
}

// Token is an API token of a person. Its secret is shown once.
type Token struct {
	ID        string    `json:"id"`
	Person    PersonID  `json:"person"`
	Name      string    `json:"name"`
	Scopes    []string  `json:"scopes"`
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at"`
	UsedAt    time.Time `json:"used_at,omitzero"` // to the minute
	RevokedAt time.Time `json:"revoked_at,omitzero"`
}

// Signed is what signing in gives: the secret for the cookie and how long it
// lives. It exists nowhere else afterwards.
type Signed struct {
	Secret    string
	ExpiresAt time.Time
	Person    PersonID
}

// Enrolment is what a person needs to set up their sign-in from a link.
type Enrolment struct {
	Purpose Purpose
	Name    string
	Mail    string
	OrgName string
	Lang    text.Lang // the person's
	Secret  string    // TOTP secret in base32, to type by hand; empty for a recovery
	URL     string    // otpauth address, for the QR code; empty for a recovery
	Expires time.Time
}

// Joined is what accepting a link gives.
type Joined struct {
	Signed
	Codes []string // recovery codes, shown once; none for a recovery
}
