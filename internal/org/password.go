package org

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/fault"
)

// Cost is what one argon2id computation takes.
type Cost struct {
	Memory uint32 // KiB
	Time   uint32 // passes
	Lanes  uint8
}

// DefaultCost is the second recommended option of RFC 9106 section 4, for
// where memory is scarce: 64 MiB, three passes, four lanes, a salt of 128 and
// a tag of 256 bits. A server holds several at once, hence not the first
// (2 GiB, one pass).
var DefaultCost = Cost{Memory: 64 << 10, Time: 3, Lanes: 4}

const (
	saltSize = 16
	tagSize  = 32
	// maxCost bounds the memory that a stored digest may ask for, so that a
	// tampered row cannot exhaust the machine.
	maxCost = 1 << 20 // KiB
	maxTime = 16
)

// ErrCrowded is returned when too many passwords wait to be checked.
var ErrCrowded = fault.New(fault.Busy, "org.signin.crowded")

// hasher computes password digests, a bounded number at a time, so that a
// flood of sign-ins takes a bounded amount of memory: slots × Cost.Memory.
type hasher struct {
	cost    Cost
	slots   chan struct{}
	waiting atomic.Int32
	queue   int32
	dummy   string       // digest of a password nobody has, for addresses nobody has
	work    atomic.Int64 // digests computed to check a password
}

func newHasher(cost Cost, slots, queue int) *hasher {
	h := &hasher{cost: cost, slots: make(chan struct{}, slots), queue: int32(queue)}
	// Of no password at all: checking against it takes the same work, and
	// making it takes none of the memory that making a real one does.
	random := make([]byte, saltSize+tagSize)
	_, _ = rand.Read(random) // never fails (crypto/rand)
	h.dummy = format(cost, random[:saltSize], random[saltSize:])
	return h
}

// enter waits for a free slot; leave it by calling the function returned.
func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	if h.waiting.Add(1) > h.queue {
		h.waiting.Add(-1)
		return nil, ErrCrowded
	}
	defer h.waiting.Add(-1)
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hash returns the digest of a password in PHC string format.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return digest(h.cost, password), nil
}

// verify reports for each stored digest whether the password is the one, and
// whether the digest should be made anew because the cost changed. With no
// digest it works as long as with one.
func (h *hasher) verify(ctx context.Context, password string, stored ...string) (right []bool, old []bool, err error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	if len(stored) == 0 {
		h.work.Add(1)
		_, _ = compare(h.dummy, password)
		return nil, nil, nil
	}
	right, old = make([]bool, len(stored)), make([]bool, len(stored))
	for i, s := range stored {
		h.work.Add(1)
		if right[i], err = compare(s, password); err != nil {
			return nil, nil, err
		}
		cost, _, _, _ := parseDigest(s)
		old[i] = cost != h.cost
	}
	return right, old, nil
}

func digest(c Cost, password string) string {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	tag := argon2.IDKey([]byte(normalPassword(password)), salt, c.Time, c.Memory, c.Lanes, tagSize)
	return format(c, salt, tag)
}

// format writes a digest in PHC string format.
func format(c Cost, salt, tag []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Time, c.Lanes, b64.EncodeToString(salt), b64.EncodeToString(tag))
}

func compare(stored, password string) (bool, error) {
	c, salt, tag, err := parseDigest(stored)
	if err != nil {
		return false, err
	}
	got := argon2.IDKey([]byte(normalPassword(password)), salt, c.Time, c.Memory, c.Lanes, uint32(len(tag)))
	return subtle.ConstantTimeCompare(got, tag) == 1, nil
}

func parseDigest(s string) (c Cost, salt, tag []byte, err error) {
	bad := fmt.Errorf("stored password digest is malformed")
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Time, &c.Lanes); err != nil {
		return c, nil, nil, bad
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	tag, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(salt) != saltSize || len(tag) != tagSize ||
		c.Memory == 0 || c.Memory > maxCost || c.Time == 0 || c.Time > maxTime || c.Lanes == 0 {
		return c, nil, nil, bad
	}
	return c, salt, tag, nil
}

// normalPassword makes the same password typed on two keyboards the same
// bytes (NIST SP 800-63B-4 section 3.1.1.2: normalise with NFKC or NFKD).
func normalPassword(s string) string { return norm.NFKC.String(s) }

// Lengths of a password in characters. 15 is what NIST SP 800-63B-4 section
// 3.1.1.2 wants of a password on its own; with a second factor, as here, it
// wants 8. The upper bound is only there to bound the work.
const (
	minPassword = 12
	maxPassword = 256
)

// CheckPassword refuses a password that is too short, too long, made of hardly
// any different characters, or that contains the person's or organisation's
// own words. There are no rules of composition and no expiry (NIST SP
// 800-63B-4 section 3.1.1.2). Faults: org.password.*.
func CheckPassword(password string, own ...string) error {
	if len(password) > 4*maxPassword {
		return fault.New(fault.Invalid, "org.password.long", "max", maxPassword)
	}
	if !utf8.ValidString(password) {
		return fault.New(fault.Invalid, "org.password.text")
	}
	s := normalPassword(password)
	n := utf8.RuneCountInString(s)
	switch {
	case n < minPassword:
		return fault.New(fault.Invalid, "org.password.short", "min", minPassword)
	case n > maxPassword:
		return fault.New(fault.Invalid, "org.password.long", "max", maxPassword)
	}
	plain := squash(s)
	if plainSeries(plain) {
		return fault.New(fault.Invalid, "org.password.plain")
	}
	// What is left without one's own words has to be long enough by itself.
	rest := plain
	for _, o := range append(own, "noroshi", "狼煙") {
		for _, w := range words(o) {
			rest = strings.ReplaceAll(rest, w, "")
		}
	}
	if rest != plain && utf8.RuneCountInString(rest) < minPassword-4 {
		return fault.New(fault.Invalid, "org.password.own")
	}
	for _, w := range common {
		if rest := strings.ReplaceAll(plain, w, ""); rest != plain && len(strings.Trim(rest, "0123456789!?.@#$%&*-_")) < 4 {
			return fault.New(fault.Invalid, "org.password.common")
		}
	}
	return nil
}

// common are the stems of the passwords that guessing starts with, in the
// languages of this program. A password made of one of them and digits fails.
var common = strings.Fields(`password passw0rd p@ssw0rd p@ssword pasuwado qwerty asdfgh zxcvbn 1q2w3e 1qaz2wsx letmein welcome
	admin administrator root login changeme secret master iloveyou monkey dragon sunshine princess football baseball
	sakura nippon japan tokyo osaka kaisha ohayou konnichiwa arigatou aishiteru doraemon パスワード ぱすわーど`)

// squash folds case and drops spaces, so that "P A S S" is "pass".
func squash(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), "")) }

// words returns the words of a name or address that are long enough to be
// guessed as part of a password.
func words(s string) (out []string) {
	split := func(r rune) bool { return strings.ContainsRune(" @.,-_・（）()　", r) }
	for _, w := range strings.FieldsFunc(strings.ToLower(norm.NFKC.String(s)), split) {
		if n := utf8.RuneCountInString(w); n >= 4 || n >= 2 && w[0] >= 0x80 {
			out = append(out, w)
		}
	}
	return out
}

// plainSeries reports whether a text repeats a unit of up to four characters,
// climbs or falls by one, or uses fewer than five different characters.
func plainSeries(s string) bool {
	rs := []rune(s)
	if len(rs) == 0 {
		return true
	}
	seen := map[rune]bool{}
	up, down := 1, 1
	for i, r := range rs {
		seen[r] = true
		if i > 0 && r == rs[i-1]+1 {
			up++
		}
		if i > 0 && r == rs[i-1]-1 {
			down++
		}
	}
	if len(seen) < 5 || up*4 >= len(rs)*3 || down*4 >= len(rs)*3 {
		return true
	}
	for unit := 1; unit <= 4; unit++ {
		same := true
		for i := unit; i < len(rs) && same; i++ {
			same = rs[i] == rs[i-unit]
		}
		if same {
			return true
		}
	}
	return false
}
