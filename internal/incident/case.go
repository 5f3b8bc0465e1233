package incident

import (
	"crypto/rand"
	"strings"
	"time"

	"noroshi/internal/base/ledger"
)

// State is where a case stands.
type State string

// The states.
const (
	Open      State = "open"      // first or follow-up report in
	Closed    State = "closed"    // final report in
	Withdrawn State = "withdrawn" // taken back by the reporter; kept, and marked
)

// Case is what lists show of a report: nothing in it is sealed, so nothing in
// it may tell what happened.
type Case struct {
	ID          ID        `json:"id"`
	Number      string    `json:"number"` // random, so that it counts nobody's reports
	Org         string    `json:"org"`    // reporter
	Sector      string    `json:"sector"`
	Kind        Kind      `json:"kind"`
	Stage       Stage     `json:"stage"`
	State       State     `json:"state"`
	Version     int       `json:"version"`
	Class       string    `json:"class,omitempty"`
	Severity    Severity  `json:"severity,omitempty"`
	TLP         TLP       `json:"tlp"`
	SubmittedAt time.Time `json:"submitted_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	HoldAt      time.Time `json:"hold_at,omitzero"`
	RetainUntil time.Time `json:"retain_until"`
	PurgedAt    time.Time `json:"purged_at,omitzero"`
	Waiting     bool      `json:"waiting"` // for the one who looks: an acknowledgement, or an answer, is due
}

// Delivery is one form on its way to one recipient.
type Delivery struct {
	Profile     string    `json:"profile"`
	Role        Role      `json:"role"`
	Org         string    `json:"org,omitempty"` // empty: a body that is not on this hub
	Stage       string    `json:"stage"`         // of the profile
	Version     int       `json:"version"`       // last sent
	SentAt      time.Time `json:"sent_at"`
	AckedAt     time.Time `json:"acked_at,omitzero"`
	AckedNumber string    `json:"acked_number,omitempty"` // 受付番号
	AckedBy     string    `json:"-"`
	AckedEntry  string    `json:"acked_entry,omitempty"` // ledger entry of the acknowledgement
	Acked       int       `json:"acked_version"`         // version that was acknowledged; 0 none
}

// Outside reports whether the recipient is not on this hub: the reporter hands
// the form in by the body's own way.
func (d Delivery) Outside() bool { return d.Org == "" }

// Version is one report of a case.
type Version struct {
	Version int       `json:"version"`
	Stage   Stage     `json:"stage"`
	Person  string    `json:"-"`
	At      time.Time `json:"at"`
	Entry   string    `json:"entry"` // ledger entry of the submission
}

// Submitted is what a submission gives back.
type Submitted struct {
	Case       Case           `json:"case"`
	Receipt    ledger.Receipt `json:"receipt"`
	Promise    string         `json:"promise"` // the receipt, signed; its proof follows within seconds
	Deliveries []Delivery     `json:"deliveries"`
	Clocks     []Clock        `json:"clocks"`
}

// caseNumber writes a case number as the hub does, however a person typed it:
// in full width, in small letters, without hyphens, with O for 0 and I or L for
// 1 (Crockford). Anything else comes back as it is.
func caseNumber(s string) string {
	plain := strings.Map(func(c rune) rune {
		if strings.ContainsRune(" -‐‑–—−ー", c) {
			return -1
		}
		return c
	}, strings.ToUpper(fold(s)))
	body, ok := strings.CutPrefix(plain, "N")
	if body = strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(body); !ok || len(body) != 8 || strings.Trim(body, numberLetters) != "" {
		return strings.TrimSpace(s)
	}
	return "N-" + body[:4] + "-" + body[4:]
}

// numberLetters are those of case numbers: Crockford's base 32.
const numberLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// newNumber makes a case number such as N-7K3Q-9F2M: 40 random bits in an
// alphabet without letters that are easily confused.
func newNumber() string {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	for i, b := range raw {
		raw[i] = numberLetters[b%32]
	}
	return "N-" + string(raw[:4]) + "-" + string(raw[4:])
}
