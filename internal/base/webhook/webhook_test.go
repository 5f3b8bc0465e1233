package webhook_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"noroshi/internal/base/webhook"
)

// The values are the example of the specification's reference libraries.
const (
	known     = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	knownID   = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	knownTime = 1614265330
	knownBody = `{"test": 2432232314}`
	knownSign = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func TestKnownSignature(t *testing.T) {
	s, err := webhook.ParseSecret(known)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(knownTime, 0)
	h := s.Sign(knownID, at, []byte(knownBody))
	if h[webhook.HeaderSignature] != knownSign || h[webhook.HeaderID] != knownID || h[webhook.HeaderTimestamp] != "1614265330" {
		t.Fatalf("%v", h)
	}
	if s.Reveal() != known {
		t.Error("the secret does not come back")
	}
	if got := fmt.Sprintf("%v %s", s, s); got != "[secret] [secret]" {
		t.Errorf("the secret prints itself: %s", got)
	}
}

func TestVerify(t *testing.T) {
	s, at, body := webhook.NewSecret(), time.Unix(1_800_000_000, 0), []byte("{}")
	sign := s.Sign("m1", at, body)
	with := func(k, v string) func(string) string {
		return func(name string) string {
			if name == k {
				return v
			}
			return sign[name]
		}
	}
	other := webhook.NewSecret().Sign("m1", at, body)[webhook.HeaderSignature]
	for _, c := range []struct {
		name   string
		header func(string) string
		now    time.Time
		body   string
		want   error
	}{
		{"as sent", with("", ""), at, "{}", nil},
		{"while the secret changes", with(webhook.HeaderSignature, other+" "+sign[webhook.HeaderSignature]), at, "{}", nil},
		{"body", with("", ""), at, "{ }", webhook.ErrSignature},
		{"id", with(webhook.HeaderID, "m2"), at, "{}", webhook.ErrSignature},
		{"time", with(webhook.HeaderTimestamp, "1800000001"), at, "{}", webhook.ErrSignature},
		{"played again", with("", ""), at.Add(6 * time.Minute), "{}", webhook.ErrTime},
		{"from the future", with("", ""), at.Add(-6 * time.Minute), "{}", webhook.ErrTime},
		{"another's", with(webhook.HeaderSignature, other), at, "{}", webhook.ErrSignature},
		{"another version", with(webhook.HeaderSignature, "v2"+sign[webhook.HeaderSignature][2:]), at, "{}", webhook.ErrSignature},
		{"nothing", func(string) string { return "" }, at, "{}", webhook.ErrTime},
	} {
		if err := s.Verify(c.header, c.now, []byte(c.body)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for _, bad := range []string{"", "whsec_", "whsec_AAAA", "whsec_%%%"} {
		if _, err := webhook.ParseSecret(bad); !errors.Is(err, webhook.ErrSecret) {
			t.Errorf("%q is taken as a secret", bad)
		}
	}
}
