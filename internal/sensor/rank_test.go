package sensor

import (
	"encoding/json"
	"testing"
)

func TestWhatSpeaksOfTheInsideComesFirst(t *testing.T) {
	for _, c := range []struct {
		kind, evidence string
		score          float64
		want           Rank
	}{
		{"beacon", `{}`, 0.8, Act},
		{"beacon", `{}`, 0.6, Attend},
		{"beacon", `{}`, 0.4, Track},
		{"port_scan", `{}`, 0.9, Attend},
		{"port_scan", `{}`, 0.6, Watch},
		{"password_guessing", `{"session_after":false}`, 0.7, Watch},
		{"password_guessing", `{"session_after":true}`, 0.7, Attend},
		{"password_guessing", `{"session_after":true}`, 0.9, Act},
		{"flood", `{"to_home":true}`, 0.7, Watch},
		{"flood", `{"to_home":false}`, 0.7, Attend},
		{"a_new_kind", `{}`, 1, Attend},
	} {
		if got := rankOf(&Found{Kind: c.kind, Score: c.score, Evidence: json.RawMessage(c.evidence)}); got != c.want {
			t.Errorf("%s %s %.1f: %s, want %s", c.kind, c.evidence, c.score, got, c.want)
		}
	}
}
